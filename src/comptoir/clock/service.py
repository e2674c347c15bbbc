"""The wall clock, and work that falls due: scheduled by domains, claimed and finished by the worker."""

from collections.abc import Sequence
from datetime import UTC, datetime

from comptoir.clock import rules, store
from comptoir.clock.model import Lease, Outstanding, Parked, Work, WorkLeased, WorkScheduled
from comptoir.db import Tx

PARKED_MAX = 1_000
RACES_MAX = 100
"""How often work is looked for once more because another worker was faster."""


def wall_now() -> datetime:
    """The real time, aware UTC. Nothing else reads it; everybody else is told."""
    return datetime.now(UTC)


async def schedule(tx: Tx, *, account_id: str, kind: str, subject_id: str, due_at: datetime) -> None:
    """Have ``kind``'s handler run for the subject at ``due_at`` of the account's time.

    Work of that kind for that subject that exists already, failed or parked as it may be, is moved instead.
    """
    await store.schedule(tx, account_id, kind, subject_id, due_at)
    tx.defer(WorkScheduled(account_id, kind))


async def schedule_by(tx: Tx, *, account_id: str, kind: str, subject_id: str, due_at: datetime) -> None:
    """Have ``kind``'s handler run for the subject no later than ``due_at`` of the account's time.

    For sweeps, which find out for themselves what there is to do: work that is to run earlier is left alone.
    """
    if await store.schedule_by(tx, account_id, kind, subject_id, due_at):
        tx.defer(WorkScheduled(account_id, kind))


async def is_due_by(tx: Tx, *, account_id: str, kind: str, subject_id: str, due_at: datetime) -> bool:
    """Whether work is there that ``schedule_by`` would leave alone, be it that somebody does it just now."""
    return await store.is_due_by(tx, account_id, kind, subject_id, due_at)


async def cancel(tx: Tx, *, account_id: str, kind: str, subject_id: str) -> bool:
    """Take back what ``schedule`` ordered; false if nothing was outstanding."""
    return await store.cancel(tx, account_id, kind, subject_id)


async def claim(tx: Tx, lease: Lease, wall: datetime, *, limit: int) -> list[Work]:
    """Lease about ``limit`` pieces of work that are due, in equal shares for the accounts that have any.

    Each account's come with the earliest first. Work that was claimed too often and yet neither finished
    nor failed has killed its workers: it is parked.
    """
    accounts = await store.due_accounts(tx, wall, limit)
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


async def postpone(tx: Tx, work: Work, owner: str, *, wall: datetime) -> None:
    """Give back work that must wait for other work. It is tried again soon, and this was no attempt."""
    await store.postpone(tx, work, owner, wall + rules.RETRY_FIRST)


async def revive(tx: Tx, account_id: str, kind: str) -> None:
    """Have the account's work of a kind that was given up tried again, its attempts begun anew."""
    if await store.revive(tx, account_id, kind):
        tx.defer(WorkScheduled(account_id, kind))


async def release_leases(tx: Tx) -> int:
    """Take all leases away, where it is known that whoever had them is gone."""
    return await store.release_leases(tx)


async def take(tx: Tx, account_id: str, wall: datetime, *, until: datetime | None = None) -> Work | None:
    """Remove the account's earliest work that is due, in the transaction of its effect; ``None`` without any.

    Work that waits for its next attempt is passed over. With ``until``, work that falls due up to then is
    taken, and tried again without waiting. Raises ``WorkLeased``.
    """
    for _ in range(RACES_MAX):
        if until is None:
            found = await store.first_due(tx, account_id, wall)
        else:
            found = await store.first_until(tx, account_id, until, wall)
        if found is None:
            return None
        if found.is_leased:
            raise WorkLeased
        if await store.take(tx, found.work, wall):
            return found.work
    raise WorkLeased  # others are always faster


async def fail_taken(tx: Tx, work: Work, *, failed_at: datetime, error: str) -> bool:
    """Note that work which was taken has failed, in a transaction after the one that was undone.

    True if it was parked.
    """
    failure = rules.failure(work.attempts, failed_at, error)
    kept = await store.fail_taken(tx, work, failure=failure)
    return kept and failure.retry_at is None


async def next_due(tx: Tx, wall: datetime) -> datetime | None:
    """The wall time at which work falls due next: in the past if some is due, ``None`` if there is none.

    Work that is leased or waits for its next attempt is not counted.
    """
    return await store.next_due(tx, wall)


async def next_due_of(tx: Tx, account_id: str) -> datetime | None:
    """The time of the account at which its earliest work is due: in the past if it is due already.

    Work that somebody does at the moment, or that waits for its next attempt, counts too.
    """
    return await store.next_due_of(tx, account_id)


async def outstanding(
    tx: Tx, account_id: str, kinds: Sequence[str], *, before: datetime, wall: datetime
) -> Outstanding:
    """How much work of some kinds is due before an instant of the account's time, and not done yet."""
    found = [await store.outstanding(tx, account_id, kind, before, wall) for kind in kinds]
    return sum(found, Outstanding())


async def count_parked(tx: Tx, account_id: str, kinds: Sequence[str]) -> int:
    """How much of the account's work of some kinds was given up."""
    return sum([await store.count_parked(tx, account_id, kind) for kind in kinds])


async def parked(tx: Tx, account_id: str) -> list[Parked]:
    """The account's work that was given up, the oldest first."""
    return await store.read_parked(tx, account_id, PARKED_MAX)
