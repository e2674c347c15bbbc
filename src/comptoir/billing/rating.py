"""What accepted usage costs: a consumption line for each day (``30-invoices-billing`` sections 2.6 and 4)."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from comptoir.billing import calendar, cents, keys, subjects
from comptoir.billing.model import MARGIN_APPLIED, PrivateOffer, Rates, Subject, midnight
from comptoir.billing.monthly_usage import LAST_SECOND
from comptoir.billing.subjects import Meter
from comptoir.catalog.model import DEFAULT_LOCALE, Plan, PricePeriod
from comptoir.core.accounts import AccountSettings
from comptoir.core.money import Rate
from comptoir.usage.model import Event


class UsagePrice(NamedTuple):
    """The price of one unit: the publisher's, and what is left of it by a private offer, which
    ``adjustment`` names (``MARGIN_APPLIED``, or empty).
    """

    listed: Decimal
    effective: Decimal
    currency: str
    adjustment: str = ""


class LineKey(NamedTuple):
    """What the events of one consumption line have in common: one row each (choice C-27).

    ``usage_on`` is 00:00 UTC of the day, ``bill_month`` (YYYYMM) the month that bills them.
    """

    subscription_id: str
    product_id: str
    sku_id: str
    plan_id: str
    dimension_id: str
    usage_on: datetime
    bill_month: int
    price: UsagePrice

    def line_id(self, account_id: str) -> str:
        """The line's id: always the same for the same key."""
        parts = (
            self.product_id,
            self.sku_id,
            self.dimension_id,
            f"{self.usage_on:%Y-%m-%d}",
            str(self.bill_month),
            format(self.price.listed, "f"),
            format(self.price.effective, "f"),
            self.price.currency,
        )
        return keys.consumption_id(account_id, self.subscription_id, *parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumptionLine:
    """A day's usage of one dimension as it is stored. Until it is billed, later events of the day add to it.

    ``sequence`` is its place among the account's lines, ``currency`` the billing currency. The totals are
    before tax, in pricing and in billing currency.
    """

    id: str
    sequence: int
    customer_id: str
    subscription_id: str
    subject_id: str
    product_id: str
    sku_id: str
    dimension_id: str
    usage_on: datetime
    bill_month: int
    event_count: int
    quantity: Decimal
    price: UsagePrice
    currency: str
    rates: Rates
    invoice_id: str | None = None

    @property
    def is_late(self) -> bool:
        """Whether it came too late for the month in which it was used."""
        return self.bill_month > calendar.month_of(self.usage_on)

    @property
    def totals(self) -> tuple[Decimal, Decimal]:
        """What it costs in pricing and in billing currency, with up to 10 decimals (C-28)."""
        return cents.daily_totals(self.price.effective, self.quantity, self.rates.exchange_rate)


def period_at(periods: Sequence[PricePeriod], at: datetime) -> PricePeriod | None:
    """The prices that were in force at an instant, of those in order; ``None`` where there never were any.

    Prices that were withdrawn without successors stay in force for those who have the plan.
    """
    in_force = [period for period in periods if period.until is None or at < period.until] or periods[-1:]
    return in_force[0] if in_force else None


def usage_price(listed: Rate, offer: PrivateOffer | None) -> UsagePrice:
    """What a unit costs with the private offer that was valid when it was used.

    A private offer with a price of its own is about the base fee alone.
    """
    amount = cents.plain(listed.amount)
    if offer is None or not offer.margin:
        return UsagePrice(amount, cents.usage_unit_price(amount), listed.currency)
    net = cents.usage_unit_price(cents.net_price(amount, offer.margin))
    return UsagePrice(amount, net, listed.currency, MARGIN_APPLIED)


def line_key(
    event: Event, price: UsagePrice, settings: AccountSettings, last_billed_month: int | None
) -> LineKey:
    """The line that an event belongs to.

    ``last_billed_month`` is the latest month that has a document: what is found only now is billed later.
    """
    month = calendar.usage_bill_month(event.effective_at, event.received_at, settings)
    if last_billed_month is not None:
        month = max(month, calendar.month_after(last_billed_month))
    return LineKey(
        subscription_id=event.slot.subscription_id,
        product_id=event.product_id,
        sku_id=event.sku_id,
        plan_id=event.plan_id,
        dimension_id=event.slot.dimension_id,
        usage_on=midnight(event.effective_at),
        bill_month=month,
        price=price,
    )


def subject(licence: Subject, plan: Plan, availability_id: str, key: LineKey) -> Subject:
    """What a line is about, given what the subscription's licence lines are about.

    The plan is that of the events; ``availability_id`` is what it was sold under on the day of usage.
    """
    about = licence
    if (licence.product_id, licence.sku_id) != (key.product_id, key.sku_id):
        name = plan.sku.details.title[DEFAULT_LOCALE]
        about = replace(
            licence,
            product_id=key.product_id,
            sku_id=key.sku_id,
            availability_id=availability_id,
            sku_name=name,
        )
    dimension = next(each for each in plan.product.details.dimensions if each.id == key.dimension_id)
    meter = Meter(
        key.plan_id, dimension.id, dimension.display_name[DEFAULT_LOCALE], dimension.unit_of_measure
    )
    return subjects.of_usage(about, meter)


def charged_at(usage_on: datetime) -> datetime:
    """The instant that usage is converted and taxed by: its month's last second (section 4.5)."""
    return calendar.month_end(calendar.month_of(usage_on)) - LAST_SECOND


def billable(quantities: Iterable[Decimal]) -> Decimal:
    """What a line bills of its events: their exact sum, as far as a number on the wire can tell it."""
    total = sum(quantities, Decimal(0))
    return cents.plain(cents.round_half_up(total, cents.SIGNIFICANT_DIGITS - 1 - total.adjusted()))


def digest(lines: Iterable[ConsumptionLine]) -> str:
    """The SHA-256 of what a batch of lines bills."""
    facts = (f"{line.id} {line.event_count} {line.quantity} {line.rates.exchange_rate}" for line in lines)
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()
