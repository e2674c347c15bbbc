"""Does the work that has fallen due. The daemon, an advanced clock and tests all do it here.

A piece of work is done in a write transaction that first removes the work itself, as of the time at which it
fell due. So it takes effect once however often it is tried, and a late run writes what a punctual one does.

For all accounts, work is claimed by leases in bounded batches and done side by side: a worker that is killed
leaves nothing behind but leases that run out. For a single account it is done strictly in order, without a
lease, so that what it writes depends on nothing but the account.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Protocol

from comptoir.clock import service as clock
from comptoir.clock import service_moving as clocks
from comptoir.clock.model import ClockSet, Lease, NotYet, Work, WorkLeased, WorkScheduled
from comptoir.core.context import Context
from comptoir.db import Database, Tx

logger = logging.getLogger(__name__)

BATCH_MAX = 50
BATCHES_MAX = 10_000
SIDE_BY_SIDE_MAX = 8
LEASE = timedelta(seconds=60)
POLL_SECONDS = 10.0
DIVIDED_AFTER = 3
"""Attempts at a whole chunk. What fails once by chance is done whole again, and writes the same bytes."""


PIECES_MAX = 500_000
"""How much one account's work may be in one run: a bound for work that makes itself due for ever."""

LEASED_WAIT_SECONDS = 0.02
LEASED_WAITS_MAX = 250
"""How often a run in order waits for work that another worker does at the moment."""

Handler = Callable[[Tx, Context, str], Awaitable[None]]
"""What is done for one kind of work. The text is the subject's id."""

Divide = Callable[[Tx, Context, str], Awaitable[bool]]
"""Puts smaller pieces of work in the place of one that has failed, so that what is wrong with one of them
holds up no other; false for work that cannot be divided.
"""

Take = Callable[[Tx], Awaitable[Work | None]]
"""Removes the next piece of work, in the transaction of its effect."""

Fail = Callable[..., Awaitable[bool]]
"""Notes a failure, and says whether the work is given up: ``(tx, work=, failed_at=, error=)``."""


class MakeContext(Protocol):
    """Builds the context in which due work is done, from the account as ``tx`` sees it."""

    async def __call__(self, tx: Tx, work: Work, wall: datetime) -> Context:
        """``now`` is when the work fell due by the account's clock; the actor is the engine itself."""


@dataclass(slots=True)
class Tally:
    """What became of the work that was claimed."""

    done: int = 0
    postponed: int = 0
    failed: int = 0
    parked: int = 0
    lost: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.done + other.done,
            self.postponed + other.postponed,
            self.failed + other.failed,
            self.parked + other.parked,
            self.lost + other.lost,
        )

    def __iadd__(self, other: "Tally") -> "Tally":
        self.done += other.done
        self.postponed += other.postponed
        self.failed += other.failed
        self.parked += other.parked
        self.lost += other.lost
        return self


class AdvanceInterrupted(Exception):
    """The advance stays open: the next start goes on with it."""


class _LeaseLost(Exception):
    """Somebody else has the work now; whatever was done for it here is undone."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Everything that doing work needs. ``owner`` names this worker in leases: no two have the same.

    ``dividers`` are for the kinds of work that can be divided; ``advances`` are those that this worker
    carries out, by account.
    """

    database: Database
    handlers: Mapping[str, Handler]
    wall: Callable[[], datetime]
    make_context: MakeContext
    owner: str
    dividers: Mapping[str, Divide] = field(default_factory=dict)
    advances: dict[str, asyncio.Task[None]] = field(default_factory=dict)


async def run_until(worker: Worker, *, account_id: str | None = None) -> Tally:
    """Do all work that is due, also what that work itself makes due, of every account or of one.

    Work that fails waits for its next attempt and does not keep this from ending. Of all accounts, those
    whose clock is being advanced are left out. Of one account, what another worker does at the moment is
    waited for, within a bound.
    """
    if account_id is not None:
        return await _run_in_order(worker, account_id)
    tally = Tally()
    for _ in range(BATCHES_MAX):
        batch = await _claim(worker)
        if not batch:
            break
        tally += await _do_batch(worker, batch)
    return tally


async def _run_in_order(worker: Worker, account_id: str) -> Tally:
    async def take(tx: Tx) -> Work | None:
        return await clock.take(tx, account_id, worker.wall())

    tally = Tally()
    waits = 0
    for _ in range(PIECES_MAX):
        try:
            done = await _do_next(worker, take, clock.fail_taken, may_wait=True)
        except WorkLeased:
            waits += 1
            if waits > LEASED_WAITS_MAX:
                break
            await asyncio.sleep(LEASED_WAIT_SECONDS)
            continue
        if done == Tally():
            break
        tally += done
    return tally


async def _do_next(worker: Worker, take: Take, fail: Fail, *, may_wait: bool) -> Tally:
    """Do the piece of work that ``take`` removes, if any, in the same transaction.

    Work that must wait for other work has failed unless it ``may_wait``.
    """
    taken: Work | None = None

    async def act(tx: Tx) -> None:
        nonlocal taken
        taken = await take(tx)
        if taken is not None:
            await _perform(worker, tx, taken)

    try:
        await worker.database.write(act)
    except Exception as error:
        if taken is None:
            raise  # nothing is wrong with the work
        if may_wait and isinstance(error, NotYet):
            return await _postpone(worker, taken, error)
        return await _note_failure(worker, taken, error, fail)
    return Tally(done=0 if taken is None else 1)


async def advance(worker: Worker, account_id: str) -> None:
    """Carry out the account's open advance, or join whoever does here. Returns once it has ended.

    Goes on if the caller is cancelled. What it cannot do because the database fails, it leaves open. Raises
    ``AdvanceInterrupted`` when the process is about to end.
    """
    task = _advancing(worker, account_id)
    await asyncio.wait({task})
    if task.cancelled():
        raise AdvanceInterrupted
    task.result()


def _advancing(worker: Worker, account_id: str) -> asyncio.Task[None]:
    """The task that carries out the account's advance, begun now unless it is under way here."""
    task = worker.advances.get(account_id)
    if task is None:
        task = asyncio.create_task(_advance(worker, account_id), name=f"advance {account_id}")
        worker.advances[account_id] = task
        task.add_done_callback(partial(_forget, worker, account_id))
    return task


def _forget(worker: Worker, account_id: str, ended: asyncio.Task[None]) -> None:
    del worker.advances[account_id]
    if not ended.cancelled() and ended.exception() is not None:
        logger.error("the advance of account %s was interrupted", account_id, exc_info=ended.exception())


async def _advance(worker: Worker, account_id: str) -> None:
    async def step(tx: Tx) -> Work | None:
        return await clocks.step(tx, account_id, worker.wall())

    while True:  # each advance has an end, and each of its stops a bound
        try:
            tally = await _do_next(worker, step, clocks.fail, may_wait=False)
        except WorkLeased:
            await asyncio.sleep(LEASED_WAIT_SECONDS)
            continue
        if tally == Tally():
            return


async def _resume_advances(worker: Worker) -> None:
    """Take up advances that nobody here carries out: those that a killed server has left open."""
    for account_id in await worker.database.read(clocks.advancing):
        if account_id in worker.advances:
            continue
        resume = partial(clocks.resume, account_id=account_id, wall=worker.wall())
        if await worker.database.write(resume):
            _advancing(worker, account_id)


async def interrupt_advances(worker: Worker) -> None:
    """Leave the advances that this worker carries out where they are, open, before its database is closed."""
    tasks = list(worker.advances.values())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def run_daemon(worker: Worker, alarm: asyncio.Event, *, poll_seconds: float = POLL_SECONDS) -> None:
    """Do due work for ever: whenever ``alarm`` rings, something falls due, or ``poll_seconds`` are over.

    The polling finds what another process has scheduled and what is to be tried again. Ends by being
    cancelled; work under way is then undone, and somebody else will do it.
    """
    try:
        await _run_for_ever(worker, alarm, poll_seconds)
    finally:
        await interrupt_advances(worker)


async def _run_for_ever(worker: Worker, alarm: asyncio.Event, poll_seconds: float) -> None:
    while True:
        alarm.clear()
        try:
            await _resume_advances(worker)
            await run_until(worker)
            seconds = await _seconds_to_sleep(worker, poll_seconds)
        except Exception:
            logger.exception("due work could not be claimed; trying again in %s s", poll_seconds)
            seconds = poll_seconds
        try:
            async with asyncio.timeout(seconds):
                await alarm.wait()
        except TimeoutError:
            pass


def ring_when_scheduled(tx: Tx, deferred: Sequence[object], alarm: asyncio.Event) -> None:
    """Part of the database's ``before_commit`` hook: ring after the commit if there may be work."""
    if any(isinstance(entry, WorkScheduled | ClockSet) for entry in deferred):
        tx.after_commit(alarm.set)


async def _claim(worker: Worker) -> list[Work]:
    wall = worker.wall()
    lease = Lease(worker.owner, wall + LEASE)

    async def claim(tx: Tx) -> list[Work]:
        return await clock.claim(tx, lease, wall, limit=BATCH_MAX)

    return await worker.database.write(claim)


async def _do_batch(worker: Worker, batch: Sequence[Work]) -> Tally:
    """Do the accounts' work side by side, so that it shares commits, but at most ``SIDE_BY_SIDE_MAX`` pieces
    at a time, which leaves connections for other callers.
    """
    tally = Tally()
    places = asyncio.Semaphore(SIDE_BY_SIDE_MAX)
    async with asyncio.TaskGroup() as accounts:
        for _, works in groupby(batch, lambda work: work.account_id):
            accounts.create_task(_do_in_order(worker, tuple(works), places, tally))
    return tally


async def _do_in_order(
    worker: Worker, works: Sequence[Work], places: asyncio.Semaphore, tally: Tally
) -> None:
    """Keep the order of the due times, except between neighbours of one kind: their subjects differ."""
    for _, neighbours in groupby(works, lambda work: work.kind):
        async with asyncio.TaskGroup() as subjects:
            for work in neighbours:
                subjects.create_task(_do(worker, work, places, tally))


async def _do(worker: Worker, work: Work, places: asyncio.Semaphore, tally: Tally) -> None:
    async def act(tx: Tx) -> None:
        if not await clock.finish(tx, work, worker.owner):
            raise _LeaseLost
        await _perform(worker, tx, work)

    async with places:
        try:
            await worker.database.write(act)
            tally.done += 1
        except _LeaseLost:
            tally.lost += 1
        except NotYet as error:
            tally += await _postpone(worker, work, error)
        except Exception as error:
            give_back = partial(clock.fail, owner=worker.owner)
            tally += await _note_failure(worker, work, error, give_back)


async def _perform(worker: Worker, tx: Tx, work: Work) -> None:
    """Have the effect of work that this transaction has removed."""
    ctx = await worker.make_context(tx, work, worker.wall())
    await worker.handlers[work.kind](tx, ctx, work.subject_id)


async def _note_failure(worker: Worker, work: Work, error: Exception, fail: Fail) -> Tally:
    """Have failed work wait for its next attempt, be done in smaller pieces after some, or park it."""
    logger.error(
        "%s for %s of account %s failed", work.kind, work.subject_id, work.account_id, exc_info=error
    )
    if work.attempts >= DIVIDED_AFTER and await _divide(worker, work):
        return Tally(failed=1)
    note = partial(fail, work=work, failed_at=worker.wall(), error=repr(error))
    is_parked = await worker.database.write(note)
    return Tally(parked=1) if is_parked else Tally(failed=1)


async def _divide(worker: Worker, work: Work) -> bool:
    divide = worker.dividers.get(work.kind)
    if divide is None:
        return False

    async def act(tx: Tx) -> bool:
        return await divide(tx, await worker.make_context(tx, work, worker.wall()), work.subject_id)

    try:
        return await worker.database.write(act)
    except Exception:
        logger.exception("%s of account %s cannot be divided", work.kind, work.account_id)
        return False


async def _postpone(worker: Worker, work: Work, reason: NotYet) -> Tally:
    logger.info("%s for %s of account %s waits: %s", work.kind, work.subject_id, work.account_id, reason)
    await worker.database.write(partial(clock.postpone, work=work, owner=worker.owner, wall=worker.wall()))
    return Tally(postponed=1)


async def _seconds_to_sleep(worker: Worker, poll_seconds: float) -> float:
    wall = worker.wall()

    async def look(tx: Tx) -> datetime | None:
        return await clock.next_due(tx, wall)

    due = await worker.database.read(look)
    return poll_seconds if due is None else min(poll_seconds, max(0.0, (due - wall).total_seconds()))
