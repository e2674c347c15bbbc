"""Due work: what time does to an account's subscriptions, each as of its own instant."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from comptoir.catalog import service as catalog
from comptoir.clock import service as clock
from comptoir.core.context import Context
from comptoir.db import Tx
from comptoir.subscriptions import rules, service, store, turning
from comptoir.subscriptions.model import Subscription
from comptoir.subscriptions.renewal import renewal_term

CHUNK_MAX = 256
"""Subscriptions of one transaction, which holds the writer of an embedded database for so long."""

Change = tuple[Subscription, Subscription]
"""A subscription before and after."""


async def turn_subscriptions(tx: Tx, ctx: Context, subject_id: str) -> None:
    """Renew, convert, expire and delete what is due, the earliest first; the due work ``turn_subscriptions``.

    A chunk of subscriptions at most; then the work is scheduled for when the next one is due, which is now
    if there are more. The subject is the account, or the only subscription to look at.
    """
    due = await _due(tx, ctx, subject_id)
    known = {each.id: each for each in [*due, *await _bases_beside(tx, ctx, due)]}
    on_sale = await catalog.successors(
        tx, {each.catalog_item_id for each in known.values() if turning.may_renew(each)}
    )
    freed: Counter[tuple[str, str]] = Counter()
    for subscription_id in turning.in_order(known.values(), ctx.now):
        subscription = known[subscription_id]
        facts = turning.Facts(
            settings=ctx.account.settings,
            renewal=renewal_term(subscription, on_sale.get(subscription.catalog_item_id)),
            base=known.get(subscription.parent_subscription_id or ""),
        )
        for before, after in await _turn(tx, ctx, subscription, facts):
            known[after.id] = after
            freed[after.product_id, after.sku_id] += turning.units_freed(before, after)
    await _release_stock(tx, freed)
    await _schedule_next(tx, ctx)


async def divide(tx: Tx, ctx: Context, subject_id: str) -> bool:
    """Have each subscription of a chunk that failed done by itself, so that all but the faulty are.

    False if there is none, or if the work was that of one subscription.
    """
    account_id = ctx.account.id
    if subject_id != account_id:
        return False
    due = await _due(tx, ctx, subject_id)
    if not due:
        return False
    await clock.cancel(tx, account_id=account_id, kind=service.TURN, subject_id=account_id)
    for each in due:
        assert each.next_due_at is not None, each.id
        await clock.schedule(
            tx, account_id=account_id, kind=service.TURN, subject_id=each.id, due_at=each.next_due_at
        )
    await _schedule_next(tx, ctx)
    return True


async def _due(tx: Tx, ctx: Context, subject_id: str) -> Sequence[Subscription]:
    account_id = ctx.account.id
    if subject_id == account_id:
        return await store.lock_due(tx, account_id, service.TURN, ctx.now, CHUNK_MAX)
    found = await store.get_by_id(tx, subject_id)
    if found is None:
        return ()
    locked = await store.lock(tx, account_id, found[1].customer_id, subject_id)
    return () if locked is None else (locked,)


async def _bases_beside(tx: Tx, ctx: Context, due: Sequence[Subscription]) -> list[Subscription]:
    """The bases of add-ons that are not in the chunk themselves. They turn before their add-ons."""
    missing = {each.parent_subscription_id: each.customer_id for each in due if each.parent_subscription_id}
    for each in due:
        missing.pop(each.id, None)
    found = [await store.lock(tx, ctx.account.id, customer_id, id_) for id_, customer_id in missing.items()]
    return [base for base in found if base is not None]


async def _turn(tx: Tx, ctx: Context, subscription: Subscription, facts: turning.Facts) -> list[Change]:
    """Do what is due to one subscription and, if that ends it, to its add-ons, as of its own instant."""
    if subscription.next_due_at is None or rules.is_settled(subscription, ctx.now):
        return []  # it has ended with its base meanwhile
    own = ctx if ctx.now == subscription.next_due_at else replace(ctx, now=subscription.next_due_at)
    turn = turning.turn(subscription, facts, own.now)
    if turn is None:
        later = turning.scheduled(subscription, ctx.account.settings)
        await store.update(tx, ctx.account.id, subscription.version, later)
        return [(subscription, later)]
    after = await service.record_change(tx, own, turn.act, subscription, turn.after)
    changes = [(subscription, after)]
    for add_on in await service.open_add_ons(tx, own, after) if after.is_ended else []:
        end = turning.turn_with_base(add_on, after, own.now)
        changes.append((add_on, await service.record_change(tx, own, end.act, add_on, end.after)))
    return changes


async def _release_stock(tx: Tx, freed: Counter[tuple[str, str]]) -> None:
    """Give back the units of all at once, in one order for everybody so that no two wait in a ring."""
    for (product_id, sku_id), units in sorted(freed.items()):
        if units:
            await catalog.release_stock(tx, product_id, sku_id, units)


async def _schedule_next(tx: Tx, ctx: Context) -> None:
    next_due = await store.next_due(tx, ctx.account.id, service.TURN)
    if next_due is not None:
        await clock.schedule_by(
            tx, account_id=ctx.account.id, kind=service.TURN, subject_id=ctx.account.id, due_at=next_due
        )
