"""From the rated days of a subscription to what its invoice says of them (``30-invoices-billing`` 4.5).

One line for each plan, dimension, price and month of usage; late usage has a line of its own. Whatever a day
was priced, converted and taxed with is part of the price: days that differ in it are not summed up.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from comptoir.billing import calendar, cents, keys
from comptoir.billing.model import ChargeType, LineDraft, LineKind, Rates
from comptoir.core.instants import to_micros

LAST_SECOND = timedelta(seconds=1)


class Tariff(NamedTuple):
    """What a day was rated with: texts as they are stored, so that equal ones are the same."""

    dimension_id: str
    unit_price: str
    effective_unit_price: str
    pricing_currency: str
    currency: str
    exchange_rate: str
    exchange_rate_at: datetime
    exchange_month: int
    tax_rate: str
    price_adjustment: str


class RatedDay(NamedTuple):
    """What a consumption line says for this purpose."""

    id: str
    customer_id: str
    subscription_id: str
    subject_id: str
    product_id: str
    sku_id: str
    usage_on: datetime
    bill_month: int
    is_late: bool
    quantity: Decimal
    tariff: Tariff


class Group(NamedTuple):
    """What the days of one line have in common, within one subscription. ``month`` is that of the usage,
    ``bill_month`` the one it was to be billed in.
    """

    product_id: str
    sku_id: str
    month: int
    bill_month: int
    is_late: bool
    tariff: Tariff


@dataclass(frozen=True, slots=True)
class Usage:
    """The days of one line, in order."""

    group: Group
    days: tuple[RatedDay, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """The term of a subscription that its usage lines name, and the publisher that earns them."""

    publisher_id: str
    start_at: datetime
    end_at: datetime


def by_subscription(days: Iterable[RatedDay]) -> Iterator[tuple[str, list[RatedDay]]]:
    """The days of each subscription; they must come one subscription after the other."""
    for subscription_id, of_subscription in groupby(days, lambda day: day.subscription_id):
        yield subscription_id, list(of_subscription)


def grouped(days: Iterable[RatedDay]) -> list[Usage]:
    """The lines that the days of one subscription make, in a fixed order."""
    groups: dict[Group, list[RatedDay]] = {}
    for day in days:
        month = calendar.month_of(day.usage_on)
        group = Group(day.product_id, day.sku_id, month, day.bill_month, day.is_late, day.tariff)
        groups.setdefault(group, []).append(day)
    return [
        Usage(group, tuple(sorted(groups[group], key=lambda day: (day.usage_on, day.id))))
        for group in sorted(groups)
    ]


def billable(usage: Usage) -> Decimal:
    """The units of a line."""
    return units(day.quantity for day in usage.days)


def units(quantities: Iterable[Decimal]) -> Decimal:
    """What quantities come to, as far as a number on the wire can tell it."""
    total = sum(quantities, Decimal(0))
    return cents.plain(cents.round_half_up(total, cents.SIGNIFICANT_DIGITS - 1 - total.adjusted()))


def subtotal(usage: Usage) -> int:
    """What a line comes to before tax, in minor units."""
    tariff = usage.group.tariff
    return cents.usage_subtotal(
        Decimal(tariff.effective_unit_price),
        billable(usage),
        Decimal(tariff.exchange_rate),
        tariff.pricing_currency,
        tariff.currency,
    )


def line(account_id: str, bill_month: int, term: Term, usage: Usage) -> LineDraft:
    """The line that bills a group of days. It is about what its last day is about."""
    group, tariff, last = usage.group, usage.group.tariff, usage.days[-1]
    event = _event(group)
    unit_price = Decimal(tariff.effective_unit_price)
    exchange_rate = Decimal(tariff.exchange_rate)
    return LineDraft(
        id=keys.line_id(account_id, last.subscription_id, event, 0),
        customer_id=last.customer_id,
        subscription_id=last.subscription_id,
        publisher_id=term.publisher_id,
        subject_id=last.subject_id,
        kind=LineKind.USAGE,
        charge_type=ChargeType.NEW,
        reference_id=keys.reference_id(account_id, last.subscription_id, event),
        position=0,
        order_date=calendar.month_end(group.month) - LAST_SECOND,
        bill_month=bill_month,
        term_start_at=term.start_at,
        term_end_at=term.end_at,
        charge_start_at=calendar.month_start(group.month),
        charge_end_at=calendar.month_end(group.month),
        billing_days=0,
        cycle_days=0,
        quantity=1,
        billable_quantity=billable(usage),
        unit_price=Decimal(tariff.unit_price),
        net_price=unit_price,
        effective_unit_price=unit_price,
        pricing_currency=tariff.pricing_currency,
        currency=tariff.currency,
        rates=Rates(exchange_rate, tariff.exchange_rate_at, tariff.exchange_month, Decimal(tariff.tax_rate)),
        subtotal=subtotal(usage),
        price_adjustment=tariff.price_adjustment,
    )


def _event(group: Group) -> str:
    """The key of a month's line of one price."""
    tariff = group.tariff
    parts = (
        group.bill_month,
        group.product_id,
        group.sku_id,
        group.month,
        int(group.is_late),
        tariff.dimension_id,
        tariff.unit_price,
        tariff.effective_unit_price,
        tariff.pricing_currency,
        tariff.currency,
        tariff.exchange_rate,
        to_micros(tariff.exchange_rate_at),
        tariff.exchange_month,
        tariff.tax_rate,
        tariff.price_adjustment,
    )
    return f"usage:{':'.join(map(str, parts))}"
