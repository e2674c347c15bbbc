"""Use cases of metered usage: take what is reported, read it back, remember plans that were left."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.catalog import service as catalog
from comptoir.catalog import service_metering as catalog_metering
from comptoir.catalog.model import Plan
from comptoir.core.accounts import AccountKind
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal, Unsettled
from comptoir.db import Tx
from comptoir.identity import service as identity
from comptoir.subscriptions import service_metering as subscriptions
from comptoir.subscriptions.model import MeteredSubscription, Subscription, SubscriptionChanged
from comptoir.usage import daily, reading, rules, service_rating, store
from comptoir.usage.model import (
    BACK_FILL,
    PUBLISHERS,
    Admitted,
    Allowance,
    Counter,
    DailyUsage,
    Event,
    Malformed,
    Outcome,
    PastPlan,
    Rejection,
    Report,
    Resource,
    Sent,
    Slot,
    UsageQuery,
    UsageStatus,
)

READ_BACK_MAX = 100_000
"""Events that are summed up for one answer, which the contract does not page."""

Contexts = Mapping[str, Context]
"""The contexts of one call within the accounts that it concerns."""


async def report(tx: Tx, ctx: Context, publisher_id: str, sent: Sequence[Sent]) -> list[Outcome]:
    """Take what a publisher reports, event by event; the outcomes are in the order of the events.

    ``ctx`` stands outside every account. Each event is accepted once, however often and from wherever it is
    reported (``40-publisher-fulfillment-metering`` section 6). Raises ``Unsettled``.
    """
    reports = [reading.read(each) for each in sent]
    named = await _named(tx, reports)
    contexts = {
        account_id: await identity.in_account(tx, ctx, account_id)
        for account_id in sorted({each.account_id for each in named})
    }
    seen = [each for each in named if contexts[each.account_id].account.is_seen_by_publishers]
    resources = await _resources(tx, contexts, seen, reports)
    return await _take(tx, ctx, contexts, sent, _judged(ctx, reports, resources, PUBLISHERS, publisher_id))


async def back_fill(tx: Tx, ctx: Context, sent: Sequence[Sent]) -> list[Outcome]:
    """Take usage that an operator adds for an account, whose context this is, however late it is.

    As for a publisher otherwise (``30-invoices-billing`` section 3.8). Raises ``Unsettled``.
    """
    reports = [reading.read(each) for each in sent]
    own = [each for each in await _named(tx, reports) if each.account_id == ctx.account.id]
    contexts = {ctx.account.id: ctx}
    resources = await _resources(tx, contexts, own, reports)
    return await _take(tx, ctx, contexts, sent, _judged(ctx, reports, resources, BACK_FILL))


async def read_back(tx: Tx, publisher_id: str, query: UsageQuery) -> list[DailyUsage]:
    """What a publisher reported, in daily sums, the newest day first (section 6.5).

    Raises ``TOO_MUCH_USAGE`` for more events than one answer sums up.
    """
    events = await store.list_reported(tx, publisher_id, query, READ_BACK_MAX + 1)
    if len(events) > READ_BACK_MAX:
        raise Refusal(Code.TOO_MUCH_USAGE, limit=READ_BACK_MAX)
    accounts = {
        account_id: (await identity.load_account(tx, account_id)).account
        for account_id in sorted({event.key.account_id for event in events})
    }
    sums = daily.sums(event for event in events if accounts[event.key.account_id].is_seen_by_publishers)
    plans = await _plans(tx, {key.product_id for key in sums})
    billed = {key for key, account in accounts.items() if account.kind is AccountKind.PRODUCTION}
    usages = daily.report(sums, plans, frozenset(billed))
    return [usage for usage in usages if daily.matches(usage, query)]


async def counters(tx: Tx, ctx: Context, subscription: Subscription) -> list[Counter]:
    """What a subscription used in its current or last term, by dimension, and what the term includes.

    The marketplace subtracts nothing that is included: publishers do (section 6.6).
    """
    item = (subscription.product_id, subscription.sku_id, subscription.availability_id)
    plan = (await catalog_metering.metered_plans(tx, [item])).get(item)
    start, end = subscription.term_start_at, subscription.term_end_at
    used: dict[str, Decimal] = {}
    if start is not None and end is not None:
        async for dimension_id, quantity in store.used(tx, ctx.account.id, subscription, start, end):
            used[dimension_id] = used.get(dimension_id, Decimal(0)) + quantity
    return rules.counters(used, plan, subscription.term, subscription.billing_cycle)


async def follow(tx: Tx, change: SubscriptionChanged) -> None:
    """Remember the plan that a subscription leaves: what was used before is reported and priced by it."""
    before, after = change.before, change.after
    if (before.product_id, before.sku_id) != (after.product_id, after.sku_id):
        await store.add_plan_change(tx, change.ctx.account.id, before, change.ctx.now)


async def _named(tx: Tx, reports: Iterable[Report | Malformed]) -> list[MeteredSubscription]:
    """The subscriptions that well-formed events name, as far as there are any."""
    ids = {each.resource_id for each in reports if isinstance(each, Report)}
    return list((await subscriptions.metered(tx, ids)).values())


async def _resources(
    tx: Tx,
    contexts: Contexts,
    named: Sequence[MeteredSubscription],
    reports: Iterable[Report | Malformed],
) -> dict[str, Resource]:
    """What each subscription's usage is judged by."""
    plans = await catalog_metering.metered_plans(tx, {each.item for each in named})
    plan_ids: dict[str, set[str]] = {each.id: set() for each in named}
    for each in reports:
        if isinstance(each, Report) and each.resource_id in plan_ids:
            plan_ids[each.resource_id].add(each.plan_id)
    resources = {}
    for subscription in named:
        now, plan = contexts[subscription.account_id].now, plans.get(subscription.item)
        is_current = plan is not None and plan_ids[subscription.id] == {plan.plan_id}
        past = () if is_current else await _past_plans(tx, subscription)
        resources[subscription.id] = Resource(subscription, plan, past, now)
    return resources


async def _past_plans(tx: Tx, subscription: MeteredSubscription) -> tuple[PastPlan, ...]:
    changes = await store.list_plan_changes(tx, subscription)
    plans = await catalog_metering.metered_plans(tx, {item for _, item in changes})
    return tuple(PastPlan(until, plans[item]) for until, item in changes if item in plans)


async def _plans(tx: Tx, product_ids: Iterable[str]) -> dict[tuple[str, str], Plan]:
    """Every plan of the products, by product and SKU."""
    listed = [plan for product_id in sorted(product_ids) for plan in await catalog.plans(tx, product_id)]
    return {(plan.product.id, plan.sku.id): plan for plan in listed}


def _judged(
    ctx: Context,
    reports: Iterable[Report | Malformed],
    resources: Mapping[str, Resource],
    allowance: Allowance,
    publisher_id: str | None = None,
) -> list[Event | Rejection]:
    """The events that are to be stored, with ids, and why the others are not.

    Raises ``Unsettled`` where that depends on what time has yet to do to a subscription.
    """
    reports = list(reports)
    for each in reports:
        if isinstance(each, Malformed):
            continue
        resource = resources.get(each.resource_id)
        if resource is not None and rules.waits_for_time(each, resource, publisher_id):
            raise Unsettled(resource.subscription.account_id)
    verdicts = [
        Rejection(UsageStatus.BAD_ARGUMENT, each.faults)
        if isinstance(each, Malformed)
        else rules.judge(each, resources.get(each.resource_id), allowance, publisher_id)
        for each in reports
    ]
    ids = iter(ctx.ids.guids(len(verdicts)))
    return [
        rules.event(next(ids), verdict) if isinstance(verdict, Admitted) else verdict for verdict in verdicts
    ]


async def _take(
    tx: Tx,
    ctx: Context,
    contexts: Contexts,
    sent: Sequence[Sent],
    judged: Sequence[Event | Rejection],
) -> list[Outcome]:
    """Store each event whose slot is free, the first that asks for it, and tell what became of every one."""
    first: dict[Slot, Event] = {}
    for each in judged:
        if isinstance(each, Event):
            first.setdefault(each.slot, each)
    holders = await _hold(tx, first)
    new = [holder for slot, holder in holders.items() if holder is first[slot]]
    for account_id, account_ctx in contexts.items():
        await _note(tx, account_ctx, [event for event in new if event.account_id == account_id])
    return [
        rules.outcome(each, verdict, holders, ctx.now) for each, verdict in zip(sent, judged, strict=True)
    ]


async def _hold(tx: Tx, first: Mapping[Slot, Event]) -> dict[Slot, Event]:
    """Who holds each slot: the event given for it, or the one that had it already."""
    stored = await store.insert(tx, list(first.values()))
    holders = {}
    for slot, event in first.items():
        earlier = None if event.id in stored else await store.get(tx, event)
        assert earlier is not None or event.id in stored, slot
        holders[slot] = earlier or event
    return holders


async def _note(tx: Tx, ctx: Context, events: Sequence[Event]) -> None:
    """Journal what was accepted for an account in one entry, and have it rated."""
    if not events:
        return
    audit.record(
        tx,
        ctx,
        Action.REPORT_USAGE,
        subject_kind="publisher",
        subject_id=events[0].publisher_id,
        after={"count": len(events), "digest": rules.digest(events)},
    )
    await service_rating.schedule(tx, ctx, ctx.now)
