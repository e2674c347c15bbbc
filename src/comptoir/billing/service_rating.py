"""Rating: accepted usage becomes consumption lines (``30-invoices-billing`` section 4.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.billing import (
    rating,
    service_lines,
    service_reference,
    service_schedule,
    store_consumption,
    store_invoices,
    store_lines,
    subjects,
)
from comptoir.billing.model import PrivateOffer, Rates, Subject
from comptoir.billing.rating import ConsumptionLine, LineKey, UsagePrice
from comptoir.catalog import service as catalog
from comptoir.catalog import service_metering as catalog_metering
from comptoir.catalog.model import Plan, PricePeriod
from comptoir.clock import service as clock
from comptoir.core.context import Context
from comptoir.db import Tx
from comptoir.subscriptions import service as subscriptions
from comptoir.subscriptions.model import Subscription
from comptoir.usage import service_rating as usage
from comptoir.usage.model import Event, Slot

EVENTS_AT_ONCE = 256
"""About 50 ms of work: for so long nobody else writes on SQLite."""

PlanKey = tuple[str, str]
"""Product and SKU."""


async def rate_usage(tx: Tx, ctx: Context, _subject_id: str) -> None:
    """Due work: put what was accepted up to now into consumption lines, and come back for the rest.

    Each event is rated once, in the transaction that notes it. Raises ``EXCHANGE_RATE_MISSING``.
    """
    found = await usage.unrated(tx, ctx, EVENTS_AT_ONCE)
    if found.events:
        await _rate(tx, ctx, found.events)
    received_at = await usage.first_unrated_at(tx, ctx.account.id)
    if found.has_more:
        await _come_back(tx, ctx)
    elif received_at is not None:
        await usage.schedule(tx, ctx, received_at)


async def lines_of_subscription(
    tx: Tx, account_id: str, customer_id: str, subscription_id: str
) -> list[ConsumptionLine]:
    """Every consumption line of a subscription in the order in which they were first written."""
    return await store_consumption.list_of_subscription(tx, account_id, customer_id, subscription_id)


async def _come_back(tx: Tx, ctx: Context) -> None:
    account_id = ctx.account.id
    await clock.schedule_by(
        tx, account_id=account_id, kind=usage.RATE_USAGE, subject_id=account_id, due_at=ctx.now
    )


async def _rate(tx: Tx, ctx: Context, events: Sequence[Event]) -> None:
    """Put events into lines; those that have no price are rejected."""
    last_sequence = await store_lines.lock_books(tx, ctx.account.id)
    last_billed_month = await store_invoices.last_month(tx, ctx.account.id, ctx.account.currency)
    desk = await _desk(tx, ctx, events)
    groups: dict[LineKey, list[Event]] = {}
    priceless = []
    for event in events:
        price = await desk.price(event)
        if price is None:
            priceless.append(event)
            continue
        key = rating.line_key(event, price, ctx.account.settings, last_billed_month)
        groups.setdefault(key, []).append(event)
    await usage.rate(tx, ctx, priceless, None)
    lines = []
    for key, own in groups.items():
        line = await _grown(tx, ctx, key, own) or await desk.new_line(key, own, last_sequence + 1)
        last_sequence = max(last_sequence, line.sequence)
        lines.append(line)
    await _write(tx, ctx, lines, last_sequence)


async def _grown(tx: Tx, ctx: Context, key: LineKey, events: Sequence[Event]) -> ConsumptionLine | None:
    """The line that there is already, with these events added; they are noted as rated either way."""
    line_id = key.line_id(ctx.account.id)
    await usage.rate(tx, ctx, events, line_id)
    line = await store_consumption.get(tx, ctx.account.id, events[0].customer_id, line_id)
    if line is None:
        return None
    day = Slot(line.subscription_id, line.dimension_id, line.usage_on)
    billed = await usage.events_of_line(tx, ctx.account.id, line.customer_id, day, line_id)
    quantity = rating.billable(event.quantity for event in billed)
    return replace(line, event_count=len(billed), quantity=quantity)


async def _write(tx: Tx, ctx: Context, lines: Sequence[ConsumptionLine], last_sequence: int) -> None:
    """Store lines, have their months invoiced, and journal the batch in one entry."""
    if not lines:
        return
    written = await store_consumption.put(tx, ctx.account.id, lines)
    assert len(written) == len(lines), "a line that is billed already was to change"
    await store_lines.advance(tx, ctx.account.id, last_sequence)
    for month in sorted({line.bill_month for line in lines}):
        await service_schedule.schedule_run(tx, ctx, month)
    audit.record(
        tx,
        ctx,
        Action.RATE_USAGE,
        subject_kind="books",
        subject_id=ctx.account.id,
        after={"count": len(lines), "lastSequence": last_sequence, "digest": rating.digest(lines)},
    )


async def _desk(tx: Tx, ctx: Context, events: Sequence[Event]) -> "_Desk":
    """What the events are priced by: their subscriptions, and what these bought."""
    owners = {event.slot.subscription_id: event.customer_id for event in events}
    bought = {
        subscription_id: await subscriptions.get(tx, ctx, customer_id, subscription_id)
        for subscription_id, customer_id in owners.items()
    }
    product_ids = sorted({event.product_id for event in events})
    plans = [plan for product_id in product_ids for plan in await catalog.plans(tx, product_id)]
    return _Desk(tx, ctx, bought, {(plan.product.id, plan.sku.id): plan for plan in plans})


@dataclass(frozen=True, slots=True)
class _Desk:
    """What rating looks up within one transaction, each thing once."""

    tx: Tx
    ctx: Context
    bought: Mapping[str, Subscription]
    plans: Mapping[PlanKey, Plan]
    periods: dict[tuple[str, PlanKey], list[PricePeriod]] = field(default_factory=dict)
    private_offers: dict[tuple[PlanKey, datetime], PrivateOffer | None] = field(default_factory=dict)
    rates: dict[tuple[str, datetime], Rates] = field(default_factory=dict)
    licences: dict[str, Subject] = field(default_factory=dict)

    async def price(self, event: Event) -> UsagePrice | None:
        """What a unit of the event costs; ``None`` if it has no price."""
        plan, at = (event.product_id, event.sku_id), event.effective_at
        period = rating.period_at(await self._periods(event.slot.subscription_id, plan), at)
        listed = None if period is None else period.prices.get(event.slot.dimension_id)
        if listed is None:
            return None
        if (plan, at) not in self.private_offers:
            self.private_offers[plan, at] = await service_reference.private_offer(
                self.tx, self.ctx.account.id, *plan, at
            )
        return rating.usage_price(listed, self.private_offers[plan, at])

    async def new_line(self, key: LineKey, events: Sequence[Event], sequence: int) -> ConsumptionLine:
        """The line of events that no line has billed yet."""
        return ConsumptionLine(
            id=key.line_id(self.ctx.account.id),
            sequence=sequence,
            customer_id=events[0].customer_id,
            subscription_id=key.subscription_id,
            subject_id=await self._subject_id(key),
            product_id=key.product_id,
            sku_id=key.sku_id,
            dimension_id=key.dimension_id,
            usage_on=key.usage_on,
            bill_month=key.bill_month,
            event_count=len(events),
            quantity=rating.billable(event.quantity for event in events),
            price=key.price,
            currency=self.ctx.account.currency,
            rates=await self._rates(key),
        )

    async def _periods(self, subscription_id: str, plan: PlanKey) -> list[PricePeriod]:
        """The prices of a plan over time, where the subscription was bought."""
        item = self.bought[subscription_id].catalog_item_id
        if (item, plan) not in self.periods:
            offer = (await catalog.offers(self.tx, [item])).get(item)
            found = [] if offer is None else await catalog_metering.price_periods(self.tx, offer, plan[1])
            self.periods[item, plan] = found
        return self.periods[item, plan]

    async def _rates(self, key: LineKey) -> Rates:
        wanted = key.price.currency, rating.charged_at(key.usage_on)
        if wanted not in self.rates:
            currency = self.ctx.account.currency
            self.rates[wanted] = await service_reference.pricing_for(self.tx, self.ctx, currency, *wanted)
        return self.rates[wanted]

    async def _subject_id(self, key: LineKey) -> str:
        subscription = self.bought[key.subscription_id]
        if subscription.id not in self.licences:
            offer = await subscriptions.offer_of(self.tx, subscription)
            around = await service_lines.surroundings(self.tx, self.ctx, subscription, offer)
            self.licences[subscription.id] = subjects.of_licence(subscription, around)
        plan = key.product_id, key.sku_id
        period = rating.period_at(await self._periods(subscription.id, plan), key.usage_on)
        assert period is not None, key
        about = rating.subject(self.licences[subscription.id], self.plans[plan], period.availability_id, key)
        return await service_lines.put_subject(self.tx, self.ctx, about)
