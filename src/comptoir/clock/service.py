"""The wall clock, and work that falls due: scheduled by domains, claimed and finished by the worker."""

from datetime import UTC, datetime

from comptoir.clock import rules, store
from comptoir.clock.model import Lease, Parked, Work, WorkScheduled
from comptoir.db import Tx

PARKED_MAX = 1_000


def wall_now() -> datetime:
    """The real time, aware UTC. Nothing else reads it; everybody else is told."""
    return datetime.now(UTC)


async def schedule(tx: Tx, *, account_id: str, kind: str, subject_id: str, due_at: datetime) -> None:
    """Have ``kind``'s handler run for the subject at ``due_at`` of the account's time.

    Work of that kind for that subject that exists already, failed or parked as it may be, is moved instead.
    """
    await store.schedule(tx, account_id, kind, subject_id, due_at)
    tx.defer(WorkScheduled(account_id, kind))


async def cancel(tx: Tx, *, account_id: str, kind: str, subject_id: str) -> bool:
    """Take back what ``schedule`` ordered; false if nothing was outstanding."""
    return await store.cancel(tx, account_id, kind, subject_id)


async def claim(
    tx: Tx, lease: Lease, wall: datetime, *, limit: int, account_id: str | None = None
) -> list[Work]:
    """Lease about ``limit`` pieces of work that are due, in equal shares for the accounts that have any.

    Each account's come with the earliest first. ``account_id`` narrows it to one account. Work that was
    claimed too often and yet neither finished nor failed has killed its workers: it is parked.
    """
    accounts = await store.due_accounts(tx, account_id, wall, limit)
    claimed: list[Work] = []
    for account, account_time in accounts:
        works = await store.claim(
            tx, account, account_time, lease=lease, wall=wall, count=rules.share(limit, len(accounts))
        )
        for work in works:
            if work.attempts <= rules.ATTEMPTS_MAX:
                claimed.append(work)
            else:
                await fail(tx, work, lease.owner, failed_at=wall, error="the worker never came back from it")
    return claimed


async def finish(tx: Tx, work: Work, owner: str) -> bool:
    """Remove claimed work, in the transaction of its effect: this is what makes the effect happen once.

    False if the lease ran out and somebody else has the work now: the effect must not be saved.
    """
    return await store.finish(tx, work, owner)


async def fail(tx: Tx, work: Work, owner: str, *, failed_at: datetime, error: str) -> bool:
    """Give back claimed work that failed, to be tried later or, after too many attempts, parked.

    True if it was parked.
    """
    failure = rules.failure(work.attempts, failed_at, error)
    kept = await store.fail(tx, work, owner, failure=failure)
    return kept and failure.retry_at is None


async def next_due(tx: Tx, wall: datetime) -> datetime | None:
    """The wall time at which work falls due next: in the past if some is due, ``None`` if there is none.

    Work that is leased or waits for its next attempt is not counted.
    """
    return await store.next_due(tx, wall)


async def parked(tx: Tx, account_id: str) -> list[Parked]:
    """The account's work that was given up, the oldest first."""
    return await store.read_parked(tx, account_id, PARKED_MAX)
