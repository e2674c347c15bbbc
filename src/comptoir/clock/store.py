"""Due work in the database. One statement reckons an account's time, as ``rules.account_time`` does."""

from datetime import datetime

from comptoir.clock.model import Failure, Lease, Parked, Work
from comptoir.core.instants import from_micros, optional_instant, optional_micros, to_micros
from comptoir.db import Row, Tx, sql

SCHEDULE = sql("""
    INSERT INTO due_work (account_id, kind, subject_id, due_at, attempts)
    VALUES (:account_id, :kind, :subject_id, :due_at, 0)
    ON CONFLICT (account_id, kind, subject_id) DO UPDATE SET
        due_at = excluded.due_at, attempts = 0, lease_until = NULL, lease_owner = NULL, parked_at = NULL,
        last_error = NULL
""")

CANCEL = sql("""
    DELETE FROM due_work WHERE account_id = :account_id AND kind = :kind AND subject_id = :subject_id
""")

# Over all accounts unless one is given: the worker serves everybody. Each account is looked up in the index
# that begins with account_id and due_at, so that what is due far in the future costs nothing.
READ_DUE_ACCOUNTS = sql("""
    SELECT clocks.account_id, clocks.account_time
    FROM (
        SELECT id AS account_id, COALESCE(clock_frozen_at, :wall + clock_offset_micros) AS account_time
        FROM accounts WHERE CAST(:account_id AS TEXT) IS NULL OR id = :account_id
    ) AS clocks
    WHERE EXISTS (
        SELECT 1 FROM due_work
        WHERE due_work.account_id = clocks.account_id AND due_work.due_at <= clocks.account_time
            AND due_work.parked_at IS NULL
            AND (due_work.lease_until IS NULL OR due_work.lease_until <= :wall)
    )
    ORDER BY clocks.account_id{c} LIMIT :count
""")

CLAIM = sql("""
    UPDATE due_work
    SET lease_until = :lease_until, lease_owner = :owner, attempts = attempts + 1
    WHERE (account_id, kind, subject_id) IN (
        SELECT account_id, kind, subject_id FROM due_work
        WHERE account_id = :account_id AND due_at <= :account_time AND parked_at IS NULL
            AND (lease_until IS NULL OR lease_until <= :wall)
        ORDER BY due_at, kind, subject_id LIMIT :count {skip_locked}
    )
    RETURNING account_id, kind, subject_id, due_at, attempts
""")

FINISH = sql("""
    DELETE FROM due_work
    WHERE account_id = :account_id AND kind = :kind AND subject_id = :subject_id AND lease_owner = :owner
""")

FAIL = sql("""
    UPDATE due_work
    SET lease_until = :retry_at, lease_owner = NULL, parked_at = :parked_at, last_error = :error
    WHERE account_id = :account_id AND kind = :kind AND subject_id = :subject_id AND lease_owner = :owner
""")

# Over all accounts, as above. Clocks that stand still bring nothing due by themselves.
READ_NEXT_DUE = sql("""
    SELECT MIN(
        (
            SELECT due_work.due_at FROM due_work
            WHERE due_work.account_id = accounts.id AND due_work.parked_at IS NULL
                AND (due_work.lease_until IS NULL OR due_work.lease_until <= :wall)
            ORDER BY due_work.due_at LIMIT 1
        ) - accounts.clock_offset_micros
    ) AS wall_due_at
    FROM accounts WHERE accounts.clock_frozen_at IS NULL
""")

READ_PARKED = sql("""
    SELECT account_id, kind, subject_id, due_at, attempts, parked_at, last_error
    FROM due_work WHERE account_id = :account_id AND parked_at IS NOT NULL
    ORDER BY due_at, kind{c}, subject_id{c} LIMIT :count
""")


async def schedule(tx: Tx, account_id: str, kind: str, subject_id: str, due_at: datetime) -> None:
    """Add the work, or move it and begin its attempts anew."""
    await tx.run(SCHEDULE, account_id=account_id, kind=kind, subject_id=subject_id, due_at=to_micros(due_at))


async def cancel(tx: Tx, account_id: str, kind: str, subject_id: str) -> bool:
    """Remove the work; false if there was none."""
    return await tx.run(CANCEL, account_id=account_id, kind=kind, subject_id=subject_id) > 0


async def due_accounts(tx: Tx, account_id: str | None, wall: datetime, count: int) -> list[tuple[str, int]]:
    """Accounts, or the one given, with work to claim, each with its time in microseconds."""
    rows = await tx.all(READ_DUE_ACCOUNTS, account_id=account_id, wall=to_micros(wall), count=count)
    return [(row["account_id"], row["account_time"]) for row in rows]


async def claim(
    tx: Tx, account_id: str, account_time: int, *, lease: Lease, wall: datetime, count: int
) -> list[Work]:
    """Lease at most ``count`` pieces of the account's work that is due, the earliest first."""
    rows = await tx.all(
        CLAIM,
        account_id=account_id,
        account_time=account_time,
        owner=lease.owner,
        lease_until=to_micros(lease.until),
        wall=to_micros(wall),
        count=count,
    )
    return sorted((_work(row) for row in rows), key=lambda work: (work.due_at, work.kind, work.subject_id))


async def finish(tx: Tx, work: Work, owner: str) -> bool:
    """Remove leased work; false if the lease is no longer ``owner``'s."""
    return (
        await tx.run(
            FINISH, account_id=work.account_id, kind=work.kind, subject_id=work.subject_id, owner=owner
        )
        > 0
    )


async def fail(tx: Tx, work: Work, owner: str, *, failure: Failure) -> bool:
    """Give leased work back, or park it; false if the lease is no longer ``owner``'s."""
    changed = await tx.run(
        FAIL,
        account_id=work.account_id,
        kind=work.kind,
        subject_id=work.subject_id,
        owner=owner,
        retry_at=optional_micros(failure.retry_at),
        parked_at=to_micros(failure.failed_at) if failure.retry_at is None else None,
        error=failure.error,
    )
    return changed > 0


async def next_due(tx: Tx, wall: datetime) -> datetime | None:
    """The wall time at which work that can be claimed falls due next; in the past if it is due already."""
    row = await tx.one(READ_NEXT_DUE, wall=to_micros(wall))
    assert row is not None, "an aggregate gives a row"
    return optional_instant(row["wall_due_at"])


async def read_parked(tx: Tx, account_id: str, count: int) -> list[Parked]:
    """Work of the account that was given up."""
    rows = await tx.all(READ_PARKED, account_id=account_id, count=count)
    return [Parked(_work(row), from_micros(row["parked_at"]), row["last_error"]) for row in rows]


def _work(row: Row) -> Work:
    return Work(
        account_id=row["account_id"],
        kind=row["kind"],
        subject_id=row["subject_id"],
        due_at=from_micros(row["due_at"]),
        attempts=row["attempts"],
    )
