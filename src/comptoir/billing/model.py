"""The books: lines, what they are about, what they were reckoned with (``30-invoices-billing``).

Money is whole minor units of a currency; prices, rates and quantities are exact decimals. Days begin at
00:00 UTC and ends are exclusive; the wire's inclusive dates are properties.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

ONE_DAY = timedelta(days=1)

MARGIN_APPLIED = '["Private offer margin applied"]'
"""What a line says whose net price is below its list price (section 3.4): a JSON array as text."""


class ChargeType(StrEnum):
    """Why a line was written (section 3.5), in wire spelling."""

    NEW = "new"
    RENEW = "renew"
    CYCLE_CHARGE = "cycleCharge"
    ADD_QUANTITY = "addQuantity"
    REMOVE_QUANTITY = "removeQuantity"
    CONVERT = "convert"
    CANCEL_IMMEDIATE = "cancelImmediate"
    CUSTOMER_CREDIT = "customerCredit"
    CHANGE_BILLING_PLAN = "changeBillingPlan"


class LineKind(StrEnum):
    """Which formula of section 3.4 a line obeys: seats and base fees, or a month's metered usage."""

    LICENCE = "licence"
    USAGE = "usage"


@dataclass(frozen=True, slots=True)
class Rates:
    """What a charge is converted and taxed with.

    ``exchange_rate`` leads from the pricing to the billing currency; ``exchange_rate_at`` is the first day of
    the month that the charge is dated in. ``exchange_month`` (YYYYMM) is the month whose rate was taken:
    an older one where none is known for that month, 0 where the currencies agree. ``tax_rate`` is a fraction.
    """

    exchange_rate: Decimal
    exchange_rate_at: datetime
    exchange_month: int
    tax_rate: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one unit for one billing cycle, fixed for a term.

    ``listed`` is the catalogue's, ``net`` what is left of it by a private offer, which ``adjustment`` names
    (``MARGIN_APPLIED``, or empty).
    """

    listed: Decimal
    net: Decimal
    currency: str
    adjustment: str = ""


@dataclass(frozen=True, slots=True)
class PrivateOffer:
    """Better terms that an account has for a plan: a margin (a fraction), or a price of its own.

    ``valid_until`` is exclusive; ``None`` means until another one begins.
    """

    account_id: str
    product_id: str
    sku_id: str
    valid_from: datetime
    valid_until: datetime | None
    margin: Decimal | None
    price: Decimal | None

    def __post_init__(self) -> None:
        assert (self.margin is None) != (self.price is None), (self.product_id, self.sku_id, self.valid_from)


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """What one unit of a currency is worth in US dollars in a month (YYYYMM)."""

    currency: str
    month: int
    usd_per_unit: Decimal


@dataclass(frozen=True, slots=True)
class TaxRate:
    """The tax of a country from an instant on, until the next one begins. ``rate`` is a fraction."""

    country: str
    valid_from: datetime
    rate: Decimal
    name: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What a line is about: names and ids as they were when it was written.

    Many lines share one; it is stored once, under a digest of its content. The members after
    ``billing_frequency`` belong to metered usage and are empty for licences.
    """

    partner_name: str
    mpn_id: str
    reseller_mpn_id: str
    customer_name: str
    customer_domain: str
    customer_country: str
    order_id: str
    alternate_id: str
    product_id: str
    sku_id: str
    availability_id: str
    product_name: str
    sku_name: str
    product_qualifiers: tuple[str, ...]
    publisher_id: str
    publisher_name: str
    subscription_description: str
    term_and_billing_cycle: str
    billing_frequency: str
    plan_id: str = ""
    dimension_id: str = ""
    meter_name: str = ""
    unit_of_measure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """How far a subscription is charged: the cycle that was charged last, and what follows it in the term.

    ``anchor`` is the day that cycles are counted from. ``term_start_at`` is the subscription's, to the
    microsecond. A cycle that does not begin with a whole one of its ``months`` is charged for its days out
    of ``cycle_days``. Price, rates and subject are those of the line that opened the cycle, and are used
    again by whatever changes within it. ``is_stopped``: nothing follows any more, for the term was refunded.
    """

    account_id: str
    customer_id: str
    subscription_id: str
    publisher_id: str
    currency: str
    anchor: datetime
    term_start_at: datetime
    term_end_at: datetime
    start_at: datetime
    end_at: datetime
    cycle_days: int
    months: int
    quantity: int
    price: Price
    rates: Rates
    subject_id: str
    next_months: int
    next_price: Price
    next_subject_id: str
    is_stopped: bool = False

    def __post_init__(self) -> None:
        assert self.start_at < self.end_at <= self.term_end_at, (self.subscription_id, self.end_at)
        assert self.quantity >= 1, (self.subscription_id, self.quantity)

    @property
    def next_charge_at(self) -> datetime | None:
        """When the next cycle of the same term begins, which is charged then."""
        return None if self.is_stopped or self.end_at >= self.term_end_at else self.end_at


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDraft:
    """A reconciliation line as the rules decide it. Nothing of it ever changes once it is written.

    ``id`` is that of its uniqueness key (``keys.line_id``), so that writing it again writes nothing.
    ``position`` orders the lines of one event, ``reference_id`` is common to them. ``order_date`` is the
    instant of the billing event and ``bill_month`` (YYYYMM) the month that is billed for it.
    ``term_start_at`` is the subscription's, to the microsecond: it tells one term from another.
    ``billing_days`` of ``cycle_days`` are charged; both are 0 for usage. ``quantity`` is always 1 for usage.
    ``effective_unit_price`` and ``subtotal`` are negative on what is given back.
    ``mirrors_id`` is the line that this one takes back.
    """

    id: str
    customer_id: str
    subscription_id: str
    publisher_id: str
    subject_id: str
    kind: LineKind
    charge_type: ChargeType
    reference_id: str
    position: int
    order_date: datetime
    bill_month: int
    term_start_at: datetime
    term_end_at: datetime
    charge_start_at: datetime
    charge_end_at: datetime
    billing_days: int
    cycle_days: int
    quantity: int
    billable_quantity: Decimal
    unit_price: Decimal
    net_price: Decimal
    effective_unit_price: Decimal
    pricing_currency: str
    currency: str
    rates: Rates
    subtotal: int
    price_adjustment: str = ""
    credit_reason: str = ""
    mirrors_id: str | None = None

    @property
    def term_first_day(self) -> datetime:
        """00:00 UTC of the term's first day: the wire's ``subscriptionStartDate``."""
        return midnight(self.term_start_at)

    @property
    def term_last_day(self) -> datetime:
        """00:00 UTC of the term's last day: the wire's ``subscriptionEndDate``."""
        return self.term_end_at - ONE_DAY

    @property
    def charge_last_day(self) -> datetime:
        """00:00 UTC of the last day that is charged: the wire's ``chargeEndDate``."""
        return self.charge_end_at - ONE_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(LineDraft):
    """A line as it is stored. ``sequence`` counts the account's lines of both kinds, reconciliation and
    consumption, from 1 without gaps.

    ``tax`` is 0 until the line is billed; ``invoice_id`` is that of the document, also of a draft, which
    bills it.
    """

    sequence: int
    tax: int
    invoice_id: str | None

    def redrafted(self) -> LineDraft:
        """What it says, without its place in the books: for a line that says the same in another one."""
        return LineDraft(**{each.name: getattr(self, each.name) for each in fields(LineDraft)})


def midnight(instant: datetime) -> datetime:
    """00:00 UTC of the day of an instant."""
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)
