"""Does the work that has fallen due. The daemon, an advanced clock and tests all call ``run_until``.

Work is claimed by leases in bounded batches and done piece by piece, each in a write transaction that first
removes the work itself. So a piece takes effect once however often it is tried, and a worker that is killed
leaves nothing behind but leases that run out.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

from comptoir.clock import service as clock
from comptoir.clock.model import Lease, Work, WorkScheduled
from comptoir.core.context import Context
from comptoir.db import Database, Tx

logger = logging.getLogger(__name__)

BATCH_MAX = 50
BATCHES_MAX = 10_000
SIDE_BY_SIDE_MAX = 8
LEASE = timedelta(seconds=60)
POLL_SECONDS = 10.0

Handler = Callable[[Tx, Context, str], Awaitable[None]]
"""What is done for one kind of work. The text is the subject's id."""


class MakeContext(Protocol):
    """Builds the context in which an account's due work is done, from the account as ``tx`` sees it."""

    async def __call__(self, tx: Tx, account_id: str, wall: datetime) -> Context:
        """``now`` is the account's time while the wall shows ``wall``; the actor is the engine itself."""


@dataclass(slots=True)
class Tally:
    """What became of the work that was claimed."""

    done: int = 0
    failed: int = 0
    parked: int = 0
    lost: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.done + other.done,
            self.failed + other.failed,
            self.parked + other.parked,
            self.lost + other.lost,
        )


class _LeaseLost(Exception):
    """Somebody else has the work now; whatever was done for it here is undone."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Everything that doing work needs. ``owner`` names this worker in leases: no two have the same."""

    database: Database
    handlers: Mapping[str, Handler]
    wall: Callable[[], datetime]
    make_context: MakeContext
    owner: str


async def run_until(worker: Worker, *, account_id: str | None = None) -> Tally:
    """Do all work that is due, also what that work itself makes due, of every account or of one.

    Work that fails waits for its next attempt and does not keep this from ending.
    """
    tally = Tally()
    for _ in range(BATCHES_MAX):
        batch = await _claim(worker, account_id)
        if not batch:
            break
        tally += await _do_batch(worker, batch)
    return tally


async def run_daemon(worker: Worker, alarm: asyncio.Event, *, poll_seconds: float = POLL_SECONDS) -> None:
    """Do due work for ever: whenever ``alarm`` rings, something falls due, or ``poll_seconds`` are over.

    The polling finds what another process has scheduled and what is to be tried again. Ends by being
    cancelled; work under way is then undone and another lease will do it.
    """
    while True:
        alarm.clear()
        try:
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
    """Part of the database's ``before_commit`` hook: ring after the commit if work was scheduled."""
    if any(isinstance(entry, WorkScheduled) for entry in deferred):
        tx.after_commit(alarm.set)


async def _claim(worker: Worker, account_id: str | None) -> list[Work]:
    wall = worker.wall()
    lease = Lease(worker.owner, wall + LEASE)

    async def claim(tx: Tx) -> list[Work]:
        return await clock.claim(tx, lease, wall, limit=BATCH_MAX, account_id=account_id)

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
        ctx = await worker.make_context(tx, work.account_id, worker.wall())
        await worker.handlers[work.kind](tx, ctx, work.subject_id)

    async with places:
        try:
            await worker.database.write(act)
            tally.done += 1
        except _LeaseLost:
            tally.lost += 1
        except Exception as error:
            logger.exception("%s for %s of account %s failed", work.kind, work.subject_id, work.account_id)
            await _give_back(worker, work, error, tally)


async def _give_back(worker: Worker, work: Work, error: Exception, tally: Tally) -> None:
    async def fail(tx: Tx) -> bool:
        return await clock.fail(tx, work, worker.owner, failed_at=worker.wall(), error=repr(error))

    if await worker.database.write(fail):
        tally.parked += 1
    else:
        tally.failed += 1


async def _seconds_to_sleep(worker: Worker, poll_seconds: float) -> float:
    wall = worker.wall()

    async def look(tx: Tx) -> datetime | None:
        return await clock.next_due(tx, wall)

    due = await worker.database.read(look)
    return poll_seconds if due is None else min(poll_seconds, max(0.0, (due - wall).total_seconds()))
