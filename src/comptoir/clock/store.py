"""Due work in the database. One statement reckons an account's time, as ``rules.account_time`` does."""

from dataclasses import dataclass
from datetime import datetime

from comptoir.clock.model import Failure, Lease, Outstanding, Parked, Work
from comptoir.core.instants import from_micros, optional_instant, optional_micros, to_micros
from comptoir.db import Row, Tx, sql


@dataclass(frozen=True, slots=True)
class Found:
    """Work as it was found. Somebody else does it at the moment if it ``is_leased``."""

    work: Work
    is_leased: bool


SCHEDULE = sql("""
    INSERT INTO due_work (account_id, kind, subject_id, due_at, attempts)
    VALUES (:account_id, :kind, :subject_id, :due_at, 0)
    ON CONFLICT (account_id, kind, subject_id) DO UPDATE SET
        due_at = excluded.due_at, attempts = 0, lease_until = NULL, lease_owner = NULL, parked_at = NULL,
        last_error = NULL
""")

# Leases and attempts stay as they are: whoever does the work at the moment looks at what there is to do
# once more when it ends. Only work that was given up begins anew.
SCHEDULE_BY = sql("""
    INSERT INTO due_work (account_id, kind, subject_id, due_at, attempts)
    VALUES (:account_id, :kind, :subject_id, :due_at, 0)
    ON CONFLICT (account_id, kind, subject_id) DO UPDATE SET
        due_at = CASE WHEN excluded.due_at < due_work.due_at THEN excluded.due_at ELSE due_work.due_at END,
        attempts = CASE WHEN due_work.parked_at IS NULL THEN due_work.attempts ELSE 0 END,
        lease_until = CASE WHEN due_work.parked_at IS NULL THEN due_work.lease_until ELSE NULL END,
        parked_at = NULL
    WHERE excluded.due_at < due_work.due_at OR due_work.parked_at IS NOT NULL
""")

IS_DUE_BY = sql("""
    SELECT due_at FROM due_work
    WHERE account_id = :account_id AND kind = :kind AND subject_id = :subject_id AND due_at <= :due_at
        AND parked_at IS NULL
""")

CANCEL = sql("""
    DELETE FROM due_work WHERE account_id = :account_id AND kind = :kind AND subject_id = :subject_id
""")

# Over all accounts: the worker serves everybody, but for those whose clock is being advanced: there the work
# is done in order. Each account is looked up in the index that begins with account_id and due_at, so that
# what is due far in the future costs nothing.
READ_DUE_ACCOUNTS = sql("""
    SELECT clocks.account_id, clocks.account_time
    FROM (
        SELECT id AS account_id, COALESCE(clock_frozen_at, :wall + clock_offset_micros) AS account_time
        FROM accounts WHERE clock_target_at IS NULL
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

# The account's time is reckoned here too. Work that waits for its next attempt is passed over, work that
# somebody has leased is not: what follows it must wait.
READ_FIRST_DUE = sql("""
    SELECT kind, subject_id, due_at, attempts, lease_until, lease_owner FROM due_work
    WHERE account_id = :account_id AND parked_at IS NULL
        AND due_at <= (
            SELECT COALESCE(clock_frozen_at, :wall + clock_offset_micros) FROM accounts
            WHERE id = :account_id
        )
        AND (lease_owner IS NOT NULL OR lease_until IS NULL OR lease_until <= :wall)
    ORDER BY due_at, kind{c}, subject_id{c} LIMIT 1
""")

READ_FIRST_UNTIL = sql("""
    SELECT kind, subject_id, due_at, attempts, lease_until, lease_owner FROM due_work
    WHERE account_id = :account_id AND parked_at IS NULL AND due_at <= :until
    ORDER BY due_at, kind{c}, subject_id{c} LIMIT 1
""")

TAKE = sql("""
    DELETE FROM due_work
    WHERE account_id = :account_id AND kind = :kind AND subject_id = :subject_id AND due_at = :due_at
        AND parked_at IS NULL AND (lease_owner IS NULL OR lease_until <= :wall)
""")

FAIL_TAKEN = sql("""
    UPDATE due_work
    SET attempts = :attempts, lease_until = :retry_at, lease_owner = NULL, parked_at = :parked_at,
        last_error = :error
    WHERE account_id = :account_id AND kind = :kind AND subject_id = :subject_id AND due_at = :due_at
        AND attempts < :attempts
""")

# Of work that was taken or leased, whose transaction has been undone.
POSTPONE = sql("""
    UPDATE due_work SET attempts = :attempts, lease_until = :retry_at, lease_owner = NULL
    WHERE account_id = :account_id AND kind = :kind AND subject_id = :subject_id AND due_at = :due_at
        AND parked_at IS NULL AND (lease_owner IS NULL OR lease_owner = :owner)
""")

REVIVE = sql("""
    UPDATE due_work SET attempts = 0, lease_until = NULL, parked_at = NULL, last_error = NULL
    WHERE account_id = :account_id AND kind = :kind AND parked_at IS NOT NULL
""")

FAIL = sql("""
    UPDATE due_work
    SET lease_until = :retry_at, lease_owner = NULL, parked_at = :parked_at, last_error = :error
    WHERE account_id = :account_id AND kind = :kind AND subject_id = :subject_id AND lease_owner = :owner
""")

# Of every account: a worker that has died had no account of its own.
RELEASE_LEASES = sql(
    "UPDATE due_work SET lease_until = NULL, lease_owner = NULL WHERE lease_owner IS NOT NULL"
)

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

READ_NEXT_DUE_OF = sql("""
    SELECT due_at FROM due_work WHERE account_id = :account_id AND parked_at IS NULL ORDER BY due_at LIMIT 1
""")

COUNT_OUTSTANDING = sql("""
    SELECT
        CAST(COALESCE(SUM(is_ready), 0) AS BIGINT) AS ready,
        CAST(COALESCE(SUM(is_parked), 0) AS BIGINT) AS parked,
        COUNT(*) AS outstanding
    FROM (
        SELECT
            CASE WHEN parked_at IS NULL AND (lease_until IS NULL OR lease_until <= :wall) THEN 1 ELSE 0 END
                AS is_ready,
            CASE WHEN parked_at IS NULL THEN 0 ELSE 1 END AS is_parked
        FROM due_work WHERE account_id = :account_id AND kind = :kind AND due_at < :before
    ) AS works
""")

COUNT_PARKED = sql("""
    SELECT COUNT(*) AS parked FROM due_work
    WHERE account_id = :account_id AND kind = :kind AND parked_at IS NOT NULL
""")

READ_PARKED = sql("""
    SELECT account_id, kind, subject_id, due_at, attempts, parked_at, last_error
    FROM due_work WHERE account_id = :account_id AND parked_at IS NOT NULL
    ORDER BY due_at, kind{c}, subject_id{c} LIMIT :count
""")


async def schedule(tx: Tx, account_id: str, kind: str, subject_id: str, due_at: datetime) -> None:
    """Add the work, or move it and begin its attempts anew."""
    await tx.run(SCHEDULE, account_id=account_id, kind=kind, subject_id=subject_id, due_at=to_micros(due_at))


async def schedule_by(tx: Tx, account_id: str, kind: str, subject_id: str, due_at: datetime) -> bool:
    """Add the work, or move it to an earlier time; false if it is to be done by then anyway.

    Either way whoever does the work at the moment has ended: nothing is left undone between the two.
    """
    changed = await tx.run(
        SCHEDULE_BY, account_id=account_id, kind=kind, subject_id=subject_id, due_at=to_micros(due_at)
    )
    return changed > 0


async def is_due_by(tx: Tx, account_id: str, kind: str, subject_id: str, due_at: datetime) -> bool:
    """Whether the work is there, is due by then, and was not given up."""
    row = await tx.one(
        IS_DUE_BY, account_id=account_id, kind=kind, subject_id=subject_id, due_at=to_micros(due_at)
    )
    return row is not None


async def cancel(tx: Tx, account_id: str, kind: str, subject_id: str) -> bool:
    """Remove the work; false if there was none."""
    return await tx.run(CANCEL, account_id=account_id, kind=kind, subject_id=subject_id) > 0


async def due_accounts(tx: Tx, wall: datetime, count: int) -> list[tuple[str, int]]:
    """Accounts with work to claim, each with its time in microseconds."""
    rows = await tx.all(READ_DUE_ACCOUNTS, wall=to_micros(wall), count=count)
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


async def first_due(tx: Tx, account_id: str, wall: datetime) -> Found | None:
    """The account's earliest work that is due and does not wait for its next attempt."""
    row = await tx.one(READ_FIRST_DUE, account_id=account_id, wall=to_micros(wall))
    return None if row is None else _found(row, account_id, wall)


async def first_until(tx: Tx, account_id: str, until: datetime, wall: datetime) -> Found | None:
    """The account's earliest work up to an instant, also if it waits for its next attempt."""
    row = await tx.one(READ_FIRST_UNTIL, account_id=account_id, until=to_micros(until))
    return None if row is None else _found(row, account_id, wall)


async def take(tx: Tx, work: Work, wall: datetime) -> bool:
    """Remove work that nobody has leased; false if somebody was faster, or moved it."""
    taken = await tx.run(
        TAKE,
        account_id=work.account_id,
        kind=work.kind,
        subject_id=work.subject_id,
        due_at=to_micros(work.due_at),
        wall=to_micros(wall),
    )
    return taken > 0


async def fail_taken(tx: Tx, work: Work, *, failure: Failure) -> bool:
    """Note a failure of work that was taken, which its undone transaction has given back.

    False if somebody else has it now.
    """
    changed = await tx.run(
        FAIL_TAKEN,
        account_id=work.account_id,
        kind=work.kind,
        subject_id=work.subject_id,
        due_at=to_micros(work.due_at),
        attempts=work.attempts,
        retry_at=optional_micros(failure.retry_at),
        parked_at=to_micros(failure.failed_at) if failure.retry_at is None else None,
        error=failure.error,
    )
    return changed > 0


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


async def postpone(tx: Tx, work: Work, owner: str, retry_at: datetime) -> None:
    """Have work that was claimed or taken wait, as if it had not been tried."""
    await tx.run(
        POSTPONE,
        account_id=work.account_id,
        kind=work.kind,
        subject_id=work.subject_id,
        due_at=to_micros(work.due_at),
        attempts=work.attempts - 1,
        retry_at=to_micros(retry_at),
        owner=owner,
    )


async def revive(tx: Tx, account_id: str, kind: str) -> bool:
    """Have the account's work of a kind that was given up tried again; false if there was none."""
    return await tx.run(REVIVE, account_id=account_id, kind=kind) > 0


async def release_leases(tx: Tx) -> int:
    """Let everything that is leased be claimed at once; how much it was."""
    return await tx.run(RELEASE_LEASES)


async def next_due(tx: Tx, wall: datetime) -> datetime | None:
    """The wall time at which work that can be claimed falls due next; in the past if it is due already."""
    row = await tx.one(READ_NEXT_DUE, wall=to_micros(wall))
    assert row is not None, "an aggregate gives a row"
    return optional_instant(row["wall_due_at"])


async def next_due_of(tx: Tx, account_id: str) -> datetime | None:
    """The time of the account's earliest work that was not given up."""
    row = await tx.one(READ_NEXT_DUE_OF, account_id=account_id)
    return None if row is None else from_micros(row["due_at"])


async def outstanding(tx: Tx, account_id: str, kind: str, before: datetime, wall: datetime) -> Outstanding:
    """How much of the account's work of a kind is due before an instant of the account's time."""
    row = await tx.one(
        COUNT_OUTSTANDING, account_id=account_id, kind=kind, before=to_micros(before), wall=to_micros(wall)
    )
    assert row is not None, "an aggregate gives a row"
    busy = row["outstanding"] - row["ready"] - row["parked"]
    return Outstanding(ready=row["ready"], busy=busy, parked=row["parked"])


async def count_parked(tx: Tx, account_id: str, kind: str) -> int:
    """How much work of a kind was given up."""
    row = await tx.one(COUNT_PARKED, account_id=account_id, kind=kind)
    assert row is not None, "an aggregate gives a row"
    count: int = row["parked"]
    return count


async def read_parked(tx: Tx, account_id: str, count: int) -> list[Parked]:
    """Work of the account that was given up."""
    rows = await tx.all(READ_PARKED, account_id=account_id, count=count)
    return [Parked(_work(row), from_micros(row["parked_at"]), row["last_error"]) for row in rows]


def _found(row: Row, account_id: str, wall: datetime) -> Found:
    work = Work(
        account_id=account_id,
        kind=row["kind"],
        subject_id=row["subject_id"],
        due_at=from_micros(row["due_at"]),
        attempts=row["attempts"] + 1,
    )
    is_leased = row["lease_owner"] is not None and row["lease_until"] > to_micros(wall)
    return Found(work, is_leased)


def _work(row: Row) -> Work:
    return Work(
        account_id=row["account_id"],
        kind=row["kind"],
        subject_id=row["subject_id"],
        due_at=from_micros(row["due_at"]),
        attempts=row["attempts"],
    )
