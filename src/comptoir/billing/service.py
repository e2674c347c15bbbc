"""Use cases of the books: follow what happens to subscriptions, and charge cycles as they begin."""

from datetime import datetime

from comptoir.billing import (
    charging,
    deciding,
    following,
    service_lines,
    service_schedule,
    store_cycles,
    store_lines,
    subjects,
)
from comptoir.billing.charging import Terms
from comptoir.billing.deciding import Facts
from comptoir.billing.following import Happening
from comptoir.billing.model import Cycle, LineDraft, Price, Rates
from comptoir.billing.service_lookups import Lookups
from comptoir.catalog.model import Offer
from comptoir.clock import service as clock
from comptoir.core.context import Context
from comptoir.db import Tx
from comptoir.subscriptions.model import Subscription, SubscriptionChanged

CHARGE_CYCLES = service_schedule.CHARGE_CYCLES
"""The kind of due work that ``charge_cycles`` does."""

CYCLES_AT_ONCE = 512
"""Some 40 ms of work: for so long nobody else writes on SQLite."""


async def follow(tx: Tx, change: SubscriptionChanged, lookups: Lookups | None = None) -> None:
    """Write the lines that a change costs, in the transaction that makes it.

    First the cycles that have begun meanwhile are charged, each as of its own beginning. Raises
    ``EXCHANGE_RATE_MISSING`` for a plan whose prices cannot be converted. Changes of one transaction share
    their ``lookups``.
    """
    lookups = lookups or Lookups(tx)
    ctx, before, after = change.ctx, change.before, change.after
    happening = following.happening(before, after)
    if happening is Happening.NOTHING:
        return
    await store_lines.lock_books(tx, ctx.account.id)
    cycle = await store_cycles.get(tx, ctx.account.id, after.customer_id, after.id)
    if cycle is None and happening not in deciding.FIRST:
        return  # It was set up before there were books, and is charged from its next renewal on.
    if cycle is not None:
        cycle = await _caught_up(tx, ctx, cycle, lookups)
    facts = await _facts(tx, change, happening, cycle, lookups)
    decided, lines = deciding.decide(happening, facts)
    await service_lines.write_lines(tx, ctx, lines)
    await store_cycles.save(tx, [decided])
    if decided.next_charge_at is not None:
        await service_schedule.sweep_by(tx, ctx, CHARGE_CYCLES, decided.next_charge_at)


async def charge_cycles(tx: Tx, ctx: Context, subject_id: str) -> None:
    """Due work: charge the cycles that have begun, some at a time, and come back for the others.

    What a cycle costs is known from the one before it, so that no subscription is read. The subject is the
    account, or the only subscription to look at.
    """
    await store_lines.lock_books(tx, ctx.account.id)
    lookups = Lookups(tx)
    begun = await _begun(tx, ctx, subject_id)
    charged = [charging.advanced(cycle, await _rates_of_next(ctx, cycle, lookups)) for cycle in begun]
    await service_lines.write_lines(tx, ctx, [line for _, line in charged])
    await store_cycles.save(tx, [cycle for cycle, _ in charged])
    await _charge_next(tx, ctx)


async def divide(tx: Tx, ctx: Context, subject_id: str) -> bool:
    """Have each of the cycles that failed together charged by itself, so that all but the faulty are.

    False if there is none, or if the work was that of one subscription.
    """
    account_id = ctx.account.id
    if subject_id != account_id:
        return False
    await store_lines.lock_books(tx, account_id)
    begun = await _begun(tx, ctx, subject_id)
    if not begun:
        return False
    await clock.cancel(tx, account_id=account_id, kind=CHARGE_CYCLES, subject_id=account_id)
    for cycle in begun:
        assert cycle.next_charge_at is not None, cycle.subscription_id
        await clock.schedule(
            tx,
            account_id=account_id,
            kind=CHARGE_CYCLES,
            subject_id=cycle.subscription_id,
            due_at=cycle.next_charge_at,
        )
    await _charge_next(tx, ctx)
    return True


async def _begun(tx: Tx, ctx: Context, subject_id: str) -> list[Cycle]:
    """Cycles to charge the successors of: the account's first, or that of one subscription."""
    if subject_id == ctx.account.id:
        return await store_cycles.list_due(tx, ctx.account.id, CHARGE_CYCLES, ctx.now, CYCLES_AT_ONCE)
    return await store_cycles.list_due_of(tx, ctx.account.id, subject_id, ctx.now)


async def _charge_next(tx: Tx, ctx: Context) -> None:
    """Come back when the next cycle of a subscription begins."""
    next_charge_at = await store_cycles.next_charge_at(tx, ctx.account.id, CHARGE_CYCLES)
    if next_charge_at is not None:
        await service_schedule.sweep_by(tx, ctx, CHARGE_CYCLES, next_charge_at)


async def _rates_of_next(ctx: Context, cycle: Cycle, lookups: Lookups) -> Rates:
    """What the next cycle is converted and taxed with."""
    assert cycle.next_charge_at is not None, cycle.subscription_id
    return await lookups.rates(ctx, cycle.currency, cycle.next_price.currency, cycle.next_charge_at)


async def _caught_up(tx: Tx, ctx: Context, cycle: Cycle, lookups: Lookups) -> Cycle:
    """The running cycle, after those have been charged that began since the last one was."""
    lines: list[LineDraft] = []
    while cycle.next_charge_at is not None and cycle.next_charge_at <= ctx.now:
        cycle, line = charging.advanced(cycle, await _rates_of_next(ctx, cycle, lookups))
        lines.append(line)
    await service_lines.write_lines(tx, ctx, lines)
    return cycle


async def _facts(
    tx: Tx, change: SubscriptionChanged, happening: Happening, cycle: Cycle | None, lookups: Lookups
) -> Facts:
    """What the change is judged by; nothing is read that it does not need."""
    ctx, before, after = change.ctx, change.before, change.after
    terms, lines = None, []
    if deciding.needs_terms(happening, before, after):
        terms = await _terms(tx, change, happening, lookups)
    if cycle is not None and deciding.needs_lines(happening, before, ctx.now):
        lines = await store_lines.list_of_term(tx, ctx.account.id, after.id, cycle.term_start_at)
    return Facts(
        account_id=ctx.account.id,
        now=ctx.now,
        before=before,
        after=after,
        cycle=cycle,
        terms=terms,
        term_lines=lines,
    )


async def _terms(tx: Tx, change: SubscriptionChanged, happening: Happening, lookups: Lookups) -> Terms:
    """What the plan is charged with from now on, and what its lines say."""
    ctx, before, after = change.ctx, change.before, change.after
    around = await service_lines.surroundings(tx, ctx, after, await lookups.offer_of(after))
    is_first_after_trial = following.is_first_after_trial(before, after)
    opening = subjects.of_licence(after, around, is_first_after_trial=is_first_after_trial)
    later = subjects.of_licence(after, around)
    charged_at = deciding.charged_at(happening, after, ctx.now)
    priced_at = deciding.priced_at(happening, after, ctx.now)
    rates = await lookups.rates(ctx, ctx.account.currency, after.unit_price.currency, charged_at)
    subject_id = await service_lines.put_subject(tx, ctx, opening)
    is_one_subject = later == opening
    return Terms(
        price=await _price(ctx, after, around.offer, priced_at, lookups),
        rates=rates,
        currency=ctx.account.currency,
        quantity=after.quantity if around.offer is None or around.offer.is_per_seat else 1,
        subject_id=subject_id,
        next_subject_id=subject_id if is_one_subject else await service_lines.put_subject(tx, ctx, later),
    )


async def _price(
    ctx: Context, subscription: Subscription, offer: Offer | None, at: datetime, lookups: Lookups
) -> Price:
    """The subscription's price with the private offer that is valid then. A trial costs nothing anyway."""
    private_offer = None
    if not subscription.is_trial:
        plan = subjects.plan_sold(subscription, offer)
        private_offer = await lookups.private_offer(ctx, *plan, at)
    return charging.price_of(subscription.unit_price, private_offer)
