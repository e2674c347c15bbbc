"""The columns of accounts that say how their clock runs, and the last advance of each."""

import json
from datetime import datetime

from comptoir.clock.model import Advance, AdvanceState, ClockStanding, WorkFailure
from comptoir.core.accounts import AccountClock
from comptoir.core.instants import from_micros, optional_instant, optional_micros, to_micros
from comptoir.db import Row, Tx, sql

READ_CLOCK = sql("""
    SELECT a.id, a.clock_offset_micros, a.clock_frozen_at, a.clock_target_at, c.done_at_stop
    FROM accounts a LEFT JOIN clock_advances c ON c.account_id = a.id
    WHERE a.id = :account_id
""")

LOCK_CLOCK = sql("""
    SELECT a.id, a.clock_offset_micros, a.clock_frozen_at, a.clock_target_at, c.done_at_stop
    FROM accounts a LEFT JOIN clock_advances c ON c.account_id = a.id
    WHERE a.id = :account_id {for_update of a}
""")

SET_CLOCK = sql("""
    UPDATE accounts
    SET clock_offset_micros = :offset, clock_frozen_at = :frozen_at, clock_target_at = :target_at
    WHERE id = :account_id
""")

# Of every account: a worker takes up whatever was left open.
READ_ADVANCING = sql("""
    SELECT id AS advancing FROM accounts WHERE clock_target_at IS NOT NULL ORDER BY id{c} LIMIT :count
""")

READ_ADVANCE = sql("""
    SELECT account_id, id, started_at, target_at, runs_on, state, stops, done, failures
    FROM clock_advances WHERE account_id = :account_id
""")

OPEN_ADVANCE = sql("""
    INSERT INTO clock_advances (
        account_id, id, started_at, target_at, runs_on, state, stops, done, done_at_stop, resumes, failures
    ) VALUES (:account_id, :id, :started_at, :target_at, :runs_on, 'open', 0, 0, 0, 0, '[]')
    ON CONFLICT (account_id) DO UPDATE SET
        id = excluded.id, started_at = excluded.started_at, target_at = excluded.target_at,
        runs_on = excluded.runs_on, state = 'open', stops = 0, done = 0, done_at_stop = 0, resumes = 0,
        failures = '[]'
""")

COUNT_DONE = sql("""
    UPDATE clock_advances
    SET done = done + 1, resumes = 0,
        stops = stops + CASE WHEN done = 0 OR CAST(:moved AS BIGINT) = 1 THEN 1 ELSE 0 END,
        done_at_stop = CASE WHEN CAST(:moved AS BIGINT) = 1 THEN 1 ELSE done_at_stop + 1 END
    WHERE account_id = :account_id
""")

COUNT_RESUME = sql("""
    UPDATE clock_advances SET resumes = resumes + 1 WHERE account_id = :account_id RETURNING resumes
""")

END_ADVANCE = sql("""
    UPDATE clock_advances SET state = :state, failures = :failures WHERE account_id = :account_id
""")


async def read_clock(tx: Tx, account_id: str) -> ClockStanding:
    row = await tx.one(READ_CLOCK, account_id=account_id)
    assert row is not None, account_id
    return _standing(row)


async def lock_clock(tx: Tx, account_id: str) -> ClockStanding:
    """The account's clock, which nobody else moves until the transaction ends."""
    row = await tx.one(LOCK_CLOCK, account_id=account_id)
    assert row is not None, account_id
    return _standing(row)


async def set_clock(tx: Tx, account_id: str, clock: AccountClock, target_at: datetime | None) -> None:
    await tx.run(
        SET_CLOCK,
        account_id=account_id,
        offset=clock.offset_micros,
        frozen_at=optional_micros(clock.frozen_at),
        target_at=optional_micros(target_at),
    )


async def advancing(tx: Tx, count: int) -> list[str]:
    """Accounts whose clock is being advanced."""
    return [row["advancing"] for row in await tx.all(READ_ADVANCING, count=count)]


async def read_advance(tx: Tx, account_id: str) -> Advance | None:
    row = await tx.one(READ_ADVANCE, account_id=account_id)
    return None if row is None else _advance(row)


async def open_advance(tx: Tx, advance: Advance) -> None:
    """Put a new advance in the place of the last one."""
    await tx.run(
        OPEN_ADVANCE,
        account_id=advance.account_id,
        id=advance.id,
        started_at=to_micros(advance.started_at),
        target_at=to_micros(advance.target_at),
        runs_on=int(advance.runs_on),
    )


async def count_done(tx: Tx, account_id: str, *, moved: bool) -> None:
    """Count a piece of work of the open advance, and the instant if it is the first one there."""
    await tx.run(COUNT_DONE, account_id=account_id, moved=int(moved))


async def count_resume(tx: Tx, account_id: str) -> int:
    """Count that an advance is taken up again, and say how often it was since it last did something."""
    row = await tx.one(COUNT_RESUME, account_id=account_id)
    assert row is not None, account_id
    return int(row["resumes"])


async def set_outcome(
    tx: Tx, account_id: str, state: AdvanceState, failures: tuple[WorkFailure, ...]
) -> None:
    """Store how an advance stands, and what failed in it."""
    await tx.run(
        END_ADVANCE,
        account_id=account_id,
        state=state,
        failures=json.dumps([_failure_to_row(failure) for failure in failures]),
    )


def _standing(row: Row) -> ClockStanding:
    clock = AccountClock(row["clock_offset_micros"], optional_instant(row["clock_frozen_at"]))
    target_at = optional_instant(row["clock_target_at"])
    return ClockStanding(row["id"], clock, target_at, row["done_at_stop"] or 0)


def _advance(row: Row) -> Advance:
    return Advance(
        account_id=row["account_id"],
        id=row["id"],
        started_at=from_micros(row["started_at"]),
        target_at=from_micros(row["target_at"]),
        runs_on=row["runs_on"] == 1,
        state=AdvanceState(row["state"]),
        stops=row["stops"],
        done=row["done"],
        failures=tuple(_failure(each) for each in json.loads(row["failures"])),
    )


def _failure_to_row(failure: WorkFailure) -> dict[str, str | int]:
    return {
        "kind": failure.kind,
        "subject_id": failure.subject_id,
        "due_at": to_micros(failure.due_at),
        "error": failure.error,
        "is_parked": int(failure.is_parked),
    }


def _failure(row: Row) -> WorkFailure:
    return WorkFailure(
        kind=row["kind"],
        subject_id=row["subject_id"],
        due_at=from_micros(row["due_at"]),
        error=row["error"],
        is_parked=row["is_parked"] == 1,
    )
