"""The cents rule of ``30-invoices-billing`` section 3.4: the only place where money is rounded.

Everything is exact: products keep all their digits, and a quotient is rounded by its remainder. An amount is
computed from the unit price and the rate that its line publishes, so that a reader can re-derive it.
"""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation, Overflow
from functools import lru_cache

from comptoir.core.money import minor_digits

PRICE_DECIMALS = 10
SIGNIFICANT_DIGITS = 15
LARGE_PRICE_DIGITS = 5  # 100000 and more: 10 decimals would be more than 15 significant digits
EXCHANGE_RATE_DECIMALS = 9
DAILY_DECIMALS = 10

DISTINCT_MAX = 16_384
"""How many distinct prices, day counts and rates are remembered: a run has few and many lines with each."""

_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, Overflow])
_ROUNDED = Context(prec=200, traps=[InvalidOperation, Overflow])
_ONE, _TWO = Decimal(1), Decimal(2)


def round_down(amount: Decimal, decimals: int) -> Decimal:
    """``RD``: cut towards zero."""
    return amount.quantize(_ONE.scaleb(-decimals), ROUND_DOWN, _ROUNDED)


def round_half_up(amount: Decimal, decimals: int) -> Decimal:
    """``RHU``: round to the nearest, halves away from zero."""
    return amount.quantize(_ONE.scaleb(-decimals), ROUND_HALF_UP, _ROUNDED)


def plain(amount: Decimal) -> Decimal:
    """The same number with neither trailing zeros nor an exponent nor a negative zero: its one form."""
    shortest = amount.normalize(_EXACT)
    exponent = shortest.as_tuple().exponent
    assert isinstance(exponent, int), amount
    if exponent > 0:
        return shortest.quantize(_ONE, context=_EXACT)
    return shortest if shortest else Decimal(0)


def quotient(numerator: Decimal, denominator: Decimal, decimals: int) -> Decimal:
    """``RHU(numerator / denominator, decimals)``, neither of them negative."""
    whole, rest = _EXACT.divmod(numerator.scaleb(decimals, _EXACT), denominator)
    is_half = _EXACT.multiply(rest, _TWO) >= denominator
    return (whole + 1 if is_half else whole).scaleb(-decimals, _EXACT)


@lru_cache(maxsize=DISTINCT_MAX)
def effective_unit_price(net: Decimal, billing_days: int, cycle_days: int) -> Decimal:
    """What one unit costs for so many days of a cycle: multiplied before it is divided.

    ``net`` is the price of one unit and one cycle after the margin. Rounded to 10 decimals, or to 15
    significant digits from 100000 on. Positive: what is given back takes the opposite sign afterwards.
    """
    assert net >= 0, net
    assert billing_days > 0, billing_days
    assert cycle_days > 0, cycle_days
    numerator, denominator = _EXACT.multiply(net, Decimal(billing_days)), Decimal(cycle_days)
    digits = len(str(int(_ROUNDED.divide_int(numerator, denominator))))
    decimals = PRICE_DECIMALS if digits <= LARGE_PRICE_DIGITS else max(0, SIGNIFICANT_DIGITS - digits)
    return plain(quotient(numerator, denominator, decimals))


def usage_unit_price(net: Decimal) -> Decimal:
    """The effective unit price of metered usage, which knows no days."""
    return effective_unit_price(net, 1, 1)


def licence_subtotal(
    unit_price: Decimal, exchange_rate: Decimal, quantity: int, currency: str, sign: int = 1
) -> int:
    """What a licence line costs before tax, in minor units of ``currency``: cut per unit, then multiplied.

    ``unit_price`` is the effective one. A wipe is the exact negative of a recreate, since the cut is towards
    zero: the sign may be in ``unit_price`` or in ``sign``.
    """
    assert sign in {1, -1}, sign
    return sign * _unit_minor(unit_price, exchange_rate, currency) * quantity


@lru_cache(maxsize=DISTINCT_MAX)
def _unit_minor(unit_price: Decimal, exchange_rate: Decimal, currency: str) -> int:
    return _minor(_EXACT.multiply(unit_price, exchange_rate), currency)


def usage_subtotal(
    unit_price: Decimal, billable: Decimal, exchange_rate: Decimal, pricing_currency: str, currency: str
) -> int:
    """What a usage line costs before tax, in minor units: cut in the pricing currency, converted, cut."""
    priced = round_down(_EXACT.multiply(unit_price, billable), minor_digits(pricing_currency))
    return _minor(_EXACT.multiply(priced, exchange_rate), currency)


def tax(subtotal: int, tax_rate: Decimal) -> int:
    """The tax of one line in minor units, cut towards zero (mode A of section 3.10)."""
    return int(round_down(_EXACT.multiply(Decimal(subtotal), tax_rate), 0))


def document_tax(subtotal: int, tax_rate: Decimal) -> int:
    """The tax of all lines of a document with one rate, in minor units (mode B of section 3.10)."""
    return int(round_half_up(_EXACT.multiply(Decimal(subtotal), tax_rate), 0))


def daily_totals(unit_price: Decimal, quantity: Decimal, exchange_rate: Decimal) -> tuple[Decimal, Decimal]:
    """A day's usage before tax in the pricing and in the billing currency, with up to 10 decimals (C-28)."""
    priced = round_half_up(_EXACT.multiply(unit_price, quantity), DAILY_DECIMALS)
    billed = round_half_up(_EXACT.multiply(priced, exchange_rate), DAILY_DECIMALS)
    return plain(priced), plain(billed)


def exchange_rate(pricing_usd_per_unit: Decimal, billing_usd_per_unit: Decimal) -> Decimal:
    """The rate between two currencies by what a unit of each is worth in US dollars (section 3.9)."""
    return plain(quotient(pricing_usd_per_unit, billing_usd_per_unit, EXCHANGE_RATE_DECIMALS))


def net_price(listed: Decimal, margin: Decimal) -> Decimal:
    """A list price after a private offer's margin (a fraction)."""
    return plain(_EXACT.multiply(listed, _EXACT.subtract(_ONE, margin)))


def negated(amount: Decimal) -> Decimal:
    """The opposite number; nothing stays 0, which has no sign."""
    return plain(amount.copy_negate())


def _minor(amount: Decimal, currency: str) -> int:
    return int(amount.scaleb(minor_digits(currency), _EXACT).to_integral_value(ROUND_DOWN))
