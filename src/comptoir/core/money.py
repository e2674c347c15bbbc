"""Money as integer minor units, prices as decimals; never a float."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

MINOR_DIGITS = {
    "BHD": 3, "CLP": 0, "IQD": 3, "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "LYD": 3, "OMR": 3,
    "PYG": 0, "TND": 3, "UGX": 0, "VND": 0, "XAF": 0, "XOF": 0, "XPF": 0,
}  # fmt: skip
"""Minor digits of the ISO 4217 currencies that do not have two."""

SYMBOLS = {
    "AUD": "$", "BRL": "R$", "CAD": "$", "CHF": "CHF", "CNY": "¥", "CZK": "Kč", "DKK": "kr", "EUR": "€",
    "GBP": "£", "HKD": "$", "HUF": "Ft", "ILS": "₪", "INR": "₹", "JPY": "¥", "KRW": "₩", "MXN": "$",
    "NOK": "kr", "NZD": "$", "PLN": "zł", "SEK": "kr", "SGD": "$", "TRY": "₺", "TWD": "$", "UAH": "₴",
    "USD": "$", "ZAR": "R",
}  # fmt: skip
"""Narrow symbols (``10-catalog-cart-orders`` section 4.3); other currencies print their code."""


def minor_digits(currency: str) -> int:
    """How many decimal digits one unit of the ISO 4217 currency has: 2 for EUR, 0 for JPY."""
    return MINOR_DIGITS.get(currency, 2)


def symbol(currency: str) -> str:
    """The narrow symbol of a currency, its code where there is none."""
    return SYMBOLS.get(currency, currency)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in whole minor units (cents) of an ISO 4217 currency."""

    amount_minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        assert self.currency == other.currency, (self.currency, other.currency)
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)

    @property
    def amount(self) -> Decimal:
        """The amount in units of the currency, with exactly its minor digits."""
        return Decimal(self.amount_minor).scaleb(-minor_digits(self.currency))


@dataclass(frozen=True, slots=True)
class Rate:
    """A price of one unit for one billing period, with as many digits as the publisher gave."""

    amount: Decimal
    currency: str

    def charge(self, quantity: int) -> Money:
        """The price of ``quantity`` units: cut to minor units per unit, then multiplied.

        The rule of ``30-invoices-billing`` section 3.4, so that a charge can be re-derived from its row.
        """
        unit_minor = int(self.amount.scaleb(minor_digits(self.currency)).to_integral_value(ROUND_DOWN))
        return Money(unit_minor * quantity, self.currency)
