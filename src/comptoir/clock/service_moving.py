"""Clocks that an operator moves: frozen, running again, or advanced from one due instant to the next.

An advance is a promise in the database: whoever finds it open takes its next step. Each step is one
transaction that moves the clock to where the earliest work falls due, and does that work. So an advance that
is interrupted anywhere goes on from there, and the work is done in the same order at the same instants.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.clock import moving, rules, service, store, store_clocks
from comptoir.clock.model import (
    Advance,
    AdvanceState,
    ClockSet,
    ClockStanding,
    Work,
    WorkFailure,
)
from comptoir.clock.moving import Move
from comptoir.core.accounts import Account, AccountClock
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import derived_guid
from comptoir.db import Tx

FAILURES_MAX = 20
"""How many failures an advance remembers."""

ADVANCING_MAX = 1_000


async def look(tx: Tx, account_id: str) -> tuple[ClockStanding, Advance | None]:
    """The account's clock, and the last advance of it."""
    return await store_clocks.read_clock(tx, account_id), await store_clocks.read_advance(tx, account_id)


async def freeze(tx: Tx, ctx: Context, account: Account) -> None:
    """Let a clock stand still. An advance that is open ends where it is.

    Raises ``WRONG_ENVIRONMENT``.
    """
    moving.require_movable(account)
    standing = await store_clocks.lock_clock(tx, account.id)
    now = standing.clock.time_at(ctx.wall)
    if standing.target_at is not None:
        advance = await _advance_of(tx, account.id)
        await store_clocks.set_outcome(tx, account.id, AdvanceState.STOPPED, advance.failures)
    await _set(tx, account.id, replace(standing.clock, frozen_at=now))
    _record(tx, ctx, Action.FREEZE_CLOCK, account, now=now)


async def run(tx: Tx, ctx: Context, account: Account) -> None:
    """Let a clock follow the wall from where it stands. Raises ``WRONG_ENVIRONMENT``, ``CLOCK_ADVANCING``."""
    moving.require_movable(account)
    standing = await store_clocks.lock_clock(tx, account.id)
    if standing.target_at is not None:
        raise _advancing(account, standing.target_at)
    now = standing.clock.time_at(ctx.wall)
    await _set(tx, account.id, _running(now, ctx.wall))
    _record(tx, ctx, Action.RUN_CLOCK, account, now=now)


async def open_advance(tx: Tx, ctx: Context, account: Account, move: Move) -> None:
    """Promise to advance a clock; ``step`` keeps the promise. A call that is repeated promises nothing new.

    An equal target, or a move to nowhere, joins an advance that is open. Raises ``WRONG_ENVIRONMENT``,
    ``CLOCK_ADVANCING`` for any other while one is open, ``INVALID_PROPERTY``.
    """
    moving.require_movable(account)
    standing = await store_clocks.lock_clock(tx, account.id)
    last = await store_clocks.read_advance(tx, account.id)
    advance_id = derived_guid(account.id, ctx.request_id, str(move))
    if last is not None and last.id == advance_id:
        return
    if standing.target_at is not None:
        if move not in {Move(), Move(to=standing.target_at)}:
            raise _advancing(account, standing.target_at)
        return
    now = standing.clock.time_at(ctx.wall)
    target = moving.target_of(move, now)
    runs_on = standing.clock.frozen_at is None
    advance = Advance(account.id, advance_id, now, target, runs_on, AdvanceState.OPEN)
    await store_clocks.open_advance(tx, advance)
    await store_clocks.set_clock(tx, account.id, replace(standing.clock, frozen_at=now), target)
    _record(tx, ctx, Action.ADVANCE_CLOCK, account, now=now, target=target)


async def step(tx: Tx, account_id: str, wall: datetime) -> Work | None:
    """Take the next work of the account's open advance, its clock moved to where it falls due.

    ``None`` if there is no advance, or it has ended. Raises ``WorkLeased``.
    """
    standing = await store_clocks.lock_clock(tx, account_id)
    if standing.target_at is None:
        return None
    here = standing.clock.frozen_at
    assert here is not None, "a clock that is advanced stands still"
    if standing.done_here >= moving.PIECES_AT_A_STOP_MAX:
        found = await store.first_until(tx, account_id, here, wall)
        if found is not None:
            await _end(tx, account_id, here, wall, _failure(found.work, "this work never ends"))
            return None
    work = await service.take(tx, account_id, wall, until=standing.target_at)
    if work is None:
        await _end(tx, account_id, standing.target_at, wall)
        return None
    moved = work.due_at > here
    if moved:
        clock = replace(standing.clock, frozen_at=work.due_at)
        await store_clocks.set_clock(tx, account_id, clock, standing.target_at)
    await store_clocks.count_done(tx, account_id, moved=moved)
    return work


async def fail(tx: Tx, work: Work, *, failed_at: datetime, error: str) -> bool:
    """Note that work which ``step`` took has failed, in a transaction after the one that was undone.

    The next step tries it again. After some attempts the advance ends at the work; once it is parked, which
    is true then, the advance goes past it.
    """
    standing = await store_clocks.lock_clock(tx, work.account_id)
    outcome = rules.failure(work.attempts, failed_at, error)
    is_kept = await store.fail_taken(tx, work, failure=outcome)
    is_parked = is_kept and outcome.retry_at is None
    if standing.target_at is None or not is_kept:
        return is_parked
    here = standing.clock.frozen_at
    assert here is not None, "a clock that is advanced stands still"
    failure = _failure(work, error, is_parked=is_parked)
    if is_parked:
        advance = await _advance_of(tx, work.account_id)
        await store_clocks.set_outcome(tx, work.account_id, advance.state, _with(advance, failure))
    elif moving.gives_up(work.attempts):
        await _end(tx, work.account_id, max(here, work.due_at), failed_at, failure)
    return is_parked


async def resume(tx: Tx, account_id: str, wall: datetime) -> bool:
    """Whether an open advance is to be taken up again. One that kills whoever does so ends where it is."""
    standing = await store_clocks.lock_clock(tx, account_id)
    if standing.target_at is None:
        return False
    if await store_clocks.count_resume(tx, account_id) <= moving.RESUMES_MAX:
        return True
    here = standing.clock.frozen_at
    assert here is not None, "a clock that is advanced stands still"
    work = Work(account_id, "advance", account_id, here, moving.RESUMES_MAX)
    await _end(tx, account_id, here, wall, _failure(work, "it was interrupted too often"))
    return False


async def advancing(tx: Tx) -> list[str]:
    """The accounts with an open advance."""
    return await store_clocks.advancing(tx, ADVANCING_MAX)


async def _end(
    tx: Tx, account_id: str, at: datetime, wall: datetime, failure: WorkFailure | None = None
) -> None:
    """End an advance at an instant: at its target, or where work failed. The clock is what it was before."""
    advance = await _advance_of(tx, account_id)
    if failure is None:
        await store_clocks.set_outcome(tx, account_id, AdvanceState.COMPLETE, advance.failures)
    else:
        await store_clocks.set_outcome(tx, account_id, AdvanceState.STOPPED, _with(advance, failure))
    await _set(tx, account_id, _running(at, wall) if advance.runs_on else AccountClock(frozen_at=at))


async def _advance_of(tx: Tx, account_id: str) -> Advance:
    advance = await store_clocks.read_advance(tx, account_id)
    assert advance is not None, account_id
    return advance


async def _set(tx: Tx, account_id: str, clock: AccountClock) -> None:
    """Set a clock that no advance leads on."""
    await store_clocks.set_clock(tx, account_id, clock, target_at=None)
    tx.defer(ClockSet(account_id))


def _running(at: datetime, wall: datetime) -> AccountClock:
    return AccountClock(offset_micros=(at - wall) // timedelta.resolution)


def _with(advance: Advance, failure: WorkFailure) -> tuple[WorkFailure, ...]:
    return (*advance.failures, failure)[-FAILURES_MAX:]


def _failure(work: Work, error: str, *, is_parked: bool = False) -> WorkFailure:
    return WorkFailure(work.kind, work.subject_id, work.due_at, error[: rules.ERROR_LENGTH_MAX], is_parked)


def _advancing(account: Account, target: datetime) -> Refusal:
    return Refusal(Code.CLOCK_ADVANCING, name=account.name, target=target.isoformat())


def _record(
    tx: Tx, ctx: Context, action: Action, account: Account, *, now: datetime, target: datetime | None = None
) -> None:
    """In the operator's journal. The account's own tells what happened by the account's clock."""
    audit.record(
        tx,
        ctx,
        action,
        subject_kind="account",
        subject_id=account.id,
        before={"now": now.isoformat()},
        after=None if target is None else {"target": target.isoformat()},
    )
