"""Work that falls due: claimed by one worker at a time, done once, tried again, never lost."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from tests.faults import Faults
from tests.store.ledger import add_account, names, put
from tests.store.test_journal import context

from comptoir import worker
from comptoir.clock import rules
from comptoir.clock import service as clock
from comptoir.clock.model import Lease, Work
from comptoir.core.accounts import AccountClock
from comptoir.core.context import Context
from comptoir.db import Database, Tx, open_database
from comptoir.worker import Handler, Tally, Worker, run_until

pytestmark = pytest.mark.anyio

WALL = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class DeliberateError(Exception):
    """What a handler raises to see its work tried again."""


@dataclass
class Wall:
    """A wall clock for the test to set."""

    now: datetime = WALL

    def __call__(self) -> datetime:
        return self.now


async def make_context(tx: Tx, work: Work, wall: datetime) -> Context:
    return replace(context(work.account_id), now=work.due_at)


async def mark(tx: Tx, ctx: Context, subject_id: str) -> None:
    """A handler whose effect shows how often it was had."""
    await put(tx, f"{ctx.account.id} {subject_id}", "done")


def a_worker(
    database: Database, wall: Wall, handlers: Mapping[str, Handler] | None = None, owner: str = "w"
) -> Worker:
    return Worker(database, handlers or {"mark": mark}, wall, make_context, owner)


def scheduling(
    subject_id: str, due_at: datetime, account_id: str = "a", kind: str = "mark"
) -> Callable[[Tx], Awaitable[None]]:
    return partial(clock.schedule, account_id=account_id, kind=kind, subject_id=subject_id, due_at=due_at)


def scheduling_by(
    subject_id: str, due_at: datetime, account_id: str = "a", kind: str = "mark"
) -> Callable[[Tx], Awaitable[None]]:
    return partial(clock.schedule_by, account_id=account_id, kind=kind, subject_id=subject_id, due_at=due_at)


async def claim(database: Database, wall: datetime, owner: str = "w", limit: int = 50) -> list[Work]:
    lease = Lease(owner, wall + timedelta(minutes=1))
    return await database.write(lambda tx: clock.claim(tx, lease, wall, limit=limit))


async def subjects(database: Database, wall: datetime, owner: str = "w") -> list[str]:
    return [work.subject_id for work in await claim(database, wall, owner)]


@pytest.fixture
async def accounts(database: Database) -> Database:
    await database.write(lambda tx: add_account(tx, "a"))
    await database.write(lambda tx: add_account(tx, "b"))
    return database


async def test_work_is_claimed_when_it_is_due_and_not_before(accounts: Database) -> None:
    await accounts.write(scheduling("now", WALL))
    await accounts.write(scheduling("later", WALL + timedelta(microseconds=1)))
    await accounts.write(scheduling("earlier", WALL - HOUR))
    assert await subjects(accounts, WALL) == ["earlier", "now"]


@pytest.mark.parametrize(
    ("account_clock", "due"),
    [
        (AccountClock(), False),
        (AccountClock(offset_micros=60 * 60 * 1_000_000), True),
        (AccountClock(offset_micros=60 * 60 * 1_000_000 - 1), False),
        (AccountClock(frozen_at=WALL + HOUR), True),
        (AccountClock(frozen_at=WALL + HOUR - timedelta(microseconds=1)), False),
        (AccountClock(offset_micros=60 * 60 * 1_000_000, frozen_at=WALL), False),
    ],
)
async def test_it_is_the_account_s_clock_that_decides(
    database: Database, account_clock: AccountClock, due: bool
) -> None:
    await database.write(lambda tx: add_account(tx, "a", account_clock))
    await database.write(scheduling("x", WALL + HOUR))
    assert (rules.account_time(account_clock, WALL) >= WALL + HOUR) is due
    assert await subjects(database, WALL) == (["x"] if due else [])


async def test_a_lease_keeps_others_away_until_it_ends(accounts: Database) -> None:
    await accounts.write(scheduling("x", WALL))
    assert await subjects(accounts, WALL, "first") == ["x"]
    assert await subjects(accounts, WALL + timedelta(seconds=59), "second") == []
    (work,) = await claim(accounts, WALL + timedelta(seconds=60), "second")
    assert work.attempts == 2
    assert await accounts.write(lambda tx: clock.finish(tx, work, "first")) is False
    assert await accounts.write(lambda tx: clock.finish(tx, work, "second")) is True


async def test_claims_of_two_workers_never_overlap(accounts: Database) -> None:
    for number in range(40):
        await accounts.write(scheduling(f"{number:02}", WALL, "ab"[number % 2]))
    claims = await asyncio.gather(
        *(claim(accounts, WALL, owner, limit=6) for owner in ("one", "two") for _ in range(6))
    )
    claimed = [work.subject_id for works in claims for work in works]
    assert len(claimed) == len(set(claimed))
    assert len(claimed) >= 6
    assert set(claimed) | {work.subject_id for work in await claim(accounts, WALL)} == {
        f"{number:02}" for number in range(40)
    }


async def test_a_busy_account_does_not_keep_others_waiting(accounts: Database) -> None:
    for number in range(30):
        await accounts.write(scheduling(f"{number:02}", WALL - HOUR, "a"))
    await accounts.write(scheduling("urgent", WALL, "b"))
    works = await claim(accounts, WALL, limit=10)
    assert [work.subject_id for work in works] == [f"{number:02}" for number in range(5)] + ["urgent"]


async def test_scheduling_again_moves_the_work_and_begins_anew(accounts: Database) -> None:
    await accounts.write(scheduling("x", WALL - HOUR))
    (old,) = await claim(accounts, WALL)
    await accounts.write(scheduling("x", WALL + HOUR))
    assert await accounts.write(lambda tx: clock.finish(tx, old, "w")) is False
    assert await claim(accounts, WALL) == []
    assert [work.attempts for work in await claim(accounts, WALL + HOUR)] == [1]


async def test_cancelled_work_is_gone(accounts: Database) -> None:
    await accounts.write(scheduling("x", WALL))
    cancel = partial(clock.cancel, account_id="a", kind="mark", subject_id="x")
    assert await accounts.write(cancel) is True
    assert await accounts.write(cancel) is False
    assert await claim(accounts, WALL) == []


async def test_run_until_does_what_is_due_once(accounts: Database) -> None:
    for number in range(120):
        await accounts.write(scheduling(f"{number:03}", WALL, "ab"[number % 2]))
    await accounts.write(scheduling("later", WALL + HOUR))
    wall = Wall()
    assert await run_until(a_worker(accounts, wall)) == Tally(done=120)
    assert await run_until(a_worker(accounts, wall)) == Tally()
    assert len(await accounts.read(names)) == 120
    wall.now += HOUR
    assert await run_until(a_worker(accounts, wall)) == Tally(done=1)


async def test_run_until_for_one_account_leaves_the_others(accounts: Database) -> None:
    await accounts.write(scheduling("x", WALL, "a"))
    await accounts.write(scheduling("x", WALL, "b"))
    assert await run_until(a_worker(accounts, Wall()), account_id="b") == Tally(done=1)
    assert await accounts.read(names) == ["b x"]


async def test_work_is_done_as_of_the_time_at_which_it_fell_due(accounts: Database) -> None:
    times: list[datetime] = []

    async def note(tx: Tx, ctx: Context, subject_id: str) -> None:
        times.append(ctx.now)

    for account_id in ("a", "b"):
        for hours in (1, 30):
            await accounts.write(scheduling(f"{hours}", WALL - hours * HOUR, account_id, kind="note"))
    worker = a_worker(accounts, Wall(), {"note": note})
    await run_until(worker, account_id="a")
    await run_until(worker)
    assert times == [WALL - 30 * HOUR, WALL - HOUR] * 2


async def test_schedule_by_moves_work_to_an_earlier_time_only(accounts: Database) -> None:
    next_due_of = partial(clock.next_due_of, account_id="a")
    assert await accounts.read(next_due_of) is None
    for hours, expected in ((5, 5), (7, 5), (2, 2), (3, 2)):
        await accounts.write(scheduling_by("x", WALL + hours * HOUR))
        assert await accounts.read(next_due_of) == WALL + expected * HOUR
    await accounts.write(scheduling("x", WALL + 9 * HOUR))
    assert await accounts.read(next_due_of) == WALL + 9 * HOUR
    await accounts.write(scheduling("y", WALL, "b"))
    assert await accounts.read(next_due_of) == WALL + 9 * HOUR


async def test_schedule_by_leaves_whoever_does_the_work_alone(accounts: Database) -> None:
    await accounts.write(scheduling("x", WALL))
    (work,) = await claim(accounts, WALL)
    await accounts.write(scheduling_by("x", WALL - HOUR))
    assert await claim(accounts, WALL, "other") == []
    assert await accounts.read(partial(clock.next_due_of, account_id="a")) == WALL - HOUR
    assert await accounts.write(lambda tx: clock.finish(tx, work, "w")) is True


async def test_schedule_by_gives_parked_work_another_chance(accounts: Database) -> None:
    async def broken(tx: Tx, ctx: Context, subject_id: str) -> None:
        raise DeliberateError

    await accounts.write(scheduling_by("x", WALL, kind="broken"))
    wall = Wall()
    worker = a_worker(accounts, wall, {"broken": broken})
    for _ in range(rules.ATTEMPTS_MAX):
        await run_until(worker)
        await accounts.write(scheduling_by("x", WALL, kind="broken"))
        wall.now += rules.RETRY_MAX
    assert await run_until(worker) == Tally(failed=1), "parked work begins anew, failed work goes on"
    parked = partial(clock.parked, account_id="a")
    assert await accounts.read(parked) == []
    assert await accounts.read(partial(clock.next_due_of, account_id="a")) == WALL


async def test_one_account_s_work_is_done_one_after_the_other(accounts: Database) -> None:
    """Also neighbours of one kind, on either engine: what they write comes in the same order each time."""
    order: list[str] = []

    async def slow(tx: Tx, ctx: Context, subject_id: str) -> None:
        order.append(f"{subject_id} begins")
        for _ in range(20):
            await put(tx, subject_id)
        order.append(f"{subject_id} ends")

    for number in range(12):
        await accounts.write(scheduling(f"{number:02}", WALL, kind="slow"))
    worker = a_worker(accounts, Wall(), {"slow": slow})
    assert await run_until(worker, account_id="a") == Tally(done=12)
    assert order == [f"{number:02} {what}" for number in range(12) for what in ("begins", "ends")]


async def test_several_runs_for_one_account_do_each_piece_once(accounts: Database) -> None:
    done: list[str] = []

    async def count(tx: Tx, ctx: Context, subject_id: str) -> None:
        tx.after_commit(lambda: done.append(subject_id))

    for number in range(30):
        await accounts.write(scheduling(f"{number:02}", WALL, kind="count"))
    await accounts.write(scheduling("late", WALL + HOUR, kind="count"))
    workers = [a_worker(accounts, Wall(), {"count": count}, owner) for owner in ("one", "two", "three")]
    runs = [run_until(each, account_id="a") for each in workers]
    tallies = await asyncio.gather(*runs, run_until(workers[0]))
    assert sum(tally.done for tally in tallies) == 30
    assert sorted(done) == [f"{number:02}" for number in range(30)]


async def test_a_run_for_one_account_waits_for_what_another_worker_does(accounts: Database) -> None:
    await accounts.write(scheduling("first", WALL - HOUR))
    await accounts.write(scheduling("second", WALL))
    lease = Lease("other", WALL + timedelta(minutes=1))
    (work,) = await accounts.write(lambda tx: clock.claim(tx, lease, WALL, limit=1))
    run = asyncio.create_task(run_until(a_worker(accounts, Wall()), account_id="a"))
    await asyncio.sleep(0.1)
    assert await accounts.read(names) == []
    assert await accounts.write(lambda tx: clock.finish(tx, work, "other")) is True
    assert await run == Tally(done=1)
    assert await accounts.read(names) == ["a second"]


async def test_a_run_for_one_account_does_not_wait_for_ever(
    accounts: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LEASED_WAITS_MAX", 3)
    await accounts.write(scheduling("x", WALL))
    await claim(accounts, WALL, "killed")
    assert await run_until(a_worker(accounts, Wall()), account_id="a") == Tally()
    wall = Wall(WALL + timedelta(minutes=1))
    assert await run_until(a_worker(accounts, wall), account_id="a") == Tally(done=1)


async def test_a_run_for_one_account_passes_over_what_fails(accounts: Database) -> None:
    is_broken = True

    async def fragile(tx: Tx, ctx: Context, subject_id: str) -> None:
        await put(tx, subject_id)
        if is_broken:
            raise DeliberateError

    await accounts.write(scheduling("x", WALL - HOUR, kind="fragile"))
    await accounts.write(scheduling("healthy", WALL))
    wall = Wall()
    worker = a_worker(accounts, wall, {"fragile": fragile, "mark": mark})
    assert await run_until(worker, account_id="a") == Tally(done=1, failed=1)
    assert await run_until(worker, account_id="a") == Tally()
    assert await accounts.read(names) == ["a healthy"]
    wall.now = WALL + rules.RETRY_FIRST
    is_broken = False
    assert await run_until(worker, account_id="a") == Tally(done=1)
    assert await accounts.read(names) == ["a healthy", "x"]


async def test_a_run_for_one_account_parks_what_always_fails(accounts: Database) -> None:
    await accounts.write(scheduling("x", WALL, kind="unknown kind"))
    wall = Wall()
    tally = Tally()
    for _ in range(rules.ATTEMPTS_MAX + 2):
        tally += await run_until(a_worker(accounts, wall), account_id="a")
        wall.now += rules.RETRY_MAX
    assert tally == Tally(failed=rules.ATTEMPTS_MAX - 1, parked=1)
    (parked,) = await accounts.read(lambda tx: clock.parked(tx, "a"))
    assert (parked.work.subject_id, parked.work.attempts) == ("x", rules.ATTEMPTS_MAX)


async def test_a_database_that_fails_is_no_failure_of_the_work(accounts: Database) -> None:
    await accounts.write(scheduling("x", WALL))

    def strike(point: int) -> None:
        if point == 0:
            raise DeliberateError

    struck: Any = Faults(accounts, strike)
    with pytest.raises(DeliberateError):
        await run_until(a_worker(struck, Wall()), account_id="a")
    assert [work.attempts for work in await claim(accounts, WALL)] == [1]


async def test_two_workers_at_once_do_each_piece_once(accounts: Database) -> None:
    done: list[str] = []

    async def count(tx: Tx, ctx: Context, subject_id: str) -> None:
        tx.after_commit(lambda: done.append(subject_id))

    for number in range(60):
        await accounts.write(scheduling(f"{number:02}", WALL, kind="count"))
    tallies = await asyncio.gather(
        *(run_until(a_worker(accounts, Wall(), {"count": count}, owner)) for owner in ("one", "two"))
    )
    await asyncio.sleep(0)
    assert sum(tally.done for tally in tallies) == 60
    assert sorted(done) == [f"{number:02}" for number in range(60)]


async def test_work_may_schedule_itself_again(accounts: Database) -> None:
    runs: list[str] = []

    async def monthly(tx: Tx, ctx: Context, subject_id: str) -> None:
        runs.append(subject_id)
        if len(runs) < 4:
            await clock.schedule(
                tx, account_id=ctx.account.id, kind="monthly", subject_id=subject_id, due_at=WALL
            )

    await accounts.write(scheduling("x", WALL, kind="monthly"))
    assert await run_until(a_worker(accounts, Wall(), {"monthly": monthly})) == Tally(done=4)


async def test_work_is_done_in_the_order_of_its_due_times(accounts: Database) -> None:
    order: list[str] = []

    async def note(tx: Tx, ctx: Context, subject_id: str) -> None:
        order.append(subject_id)

    for hours, kind in ((3, "note"), (1, "note"), (2, "other"), (4, "other")):
        await accounts.write(scheduling(f"{4 - hours}", WALL - hours * HOUR, kind=kind))
    await run_until(a_worker(accounts, Wall(), {"note": note, "other": note}))
    assert order == ["0", "1", "2", "3"]


async def test_failed_work_has_no_effect_and_is_tried_again_later(accounts: Database) -> None:
    is_broken = True

    async def fragile(tx: Tx, ctx: Context, subject_id: str) -> None:
        await put(tx, subject_id)
        if is_broken:
            raise DeliberateError

    await accounts.write(scheduling("x", WALL, kind="fragile"))
    wall = Wall()
    worker = a_worker(accounts, wall, {"fragile": fragile})
    assert await run_until(worker) == Tally(failed=1)
    assert await accounts.read(names) == []
    wall.now = WALL + rules.RETRY_FIRST - timedelta(microseconds=1)
    assert await run_until(worker) == Tally()
    wall.now = WALL + rules.RETRY_FIRST
    is_broken = False
    assert await run_until(worker) == Tally(done=1)
    assert await accounts.read(names) == ["x"]


@pytest.mark.parametrize("kind", ["broken", "unknown kind"])
async def test_work_that_never_succeeds_is_parked_and_shown(accounts: Database, kind: str) -> None:
    async def broken(tx: Tx, ctx: Context, subject_id: str) -> None:
        raise DeliberateError("x" * 2_000)

    await accounts.write(scheduling("x", WALL, kind=kind))
    await accounts.write(scheduling("healthy", WALL))
    wall = Wall()
    worker = a_worker(accounts, wall, {"broken": broken, "mark": mark})
    tally = Tally()
    for _ in range(rules.ATTEMPTS_MAX + 3):
        tally += await run_until(worker)
        wall.now += rules.RETRY_MAX
    assert tally == Tally(done=1, failed=rules.ATTEMPTS_MAX - 1, parked=1)
    (parked,) = await accounts.read(lambda tx: clock.parked(tx, "a"))
    assert (parked.work.kind, parked.work.subject_id) == (kind, "x")
    assert parked.last_error.startswith("DeliberateError" if kind == "broken" else "KeyError")
    assert len(parked.last_error) <= rules.ERROR_LENGTH_MAX
    assert await accounts.read(lambda tx: clock.next_due(tx, wall.now)) is None

    await accounts.write(scheduling("x", WALL, kind=kind))
    assert await accounts.read(lambda tx: clock.parked(tx, "a")) == []
    assert await run_until(worker) == Tally(failed=1)


async def test_work_that_kills_its_workers_is_parked(accounts: Database) -> None:
    await accounts.write(scheduling("x", WALL))
    wall = WALL
    for attempt in range(1, rules.ATTEMPTS_MAX + 1):
        assert [work.attempts for work in await claim(accounts, wall)] == [attempt]
        wall += timedelta(minutes=1)
    assert await claim(accounts, wall) == []
    (parked,) = await accounts.read(lambda tx: clock.parked(tx, "a"))
    assert parked.last_error == "the worker never came back from it"


async def test_an_effect_is_undone_when_the_lease_was_lost(accounts: Database) -> None:
    await accounts.write(scheduling("x", WALL))
    wall = Wall()
    thief = a_worker(accounts, wall, owner="thief")

    class Slow:
        """A database that lets another worker in between the claim and the work."""

        def __init__(self) -> None:
            self.writes = 0

        async def write(self, work: Callable[[Tx], Awaitable[Any]]) -> Any:
            self.writes += 1
            if self.writes == 2:
                wall.now += timedelta(minutes=1)
                assert await run_until(thief) == Tally(done=1)
            return await accounts.write(work)

    slow: Any = Slow()
    assert await run_until(a_worker(slow, wall)) == Tally(lost=1)


async def test_a_killed_worker_s_work_is_done_after_its_lease(accounts: Database) -> None:
    await accounts.write(scheduling("x", WALL))
    await claim(accounts, WALL, "killed")
    wall = Wall()
    assert await run_until(a_worker(accounts, wall)) == Tally()
    wall.now += timedelta(minutes=1)
    assert await run_until(a_worker(accounts, wall)) == Tally(done=1)


async def test_leases_can_be_taken_away(accounts: Database) -> None:
    for account_id in ("a", "b"):
        await accounts.write(scheduling("x", WALL, account_id))
    await claim(accounts, WALL, "killed")
    assert await accounts.write(clock.release_leases) == 2
    assert await accounts.write(clock.release_leases) == 0
    assert [work.attempts for work in await claim(accounts, WALL)] == [2, 2]


async def test_failed_work_still_waits_when_leases_are_taken_away(accounts: Database) -> None:
    await accounts.write(scheduling("x", WALL, kind="unknown kind"))
    assert await run_until(a_worker(accounts, Wall())) == Tally(failed=1)
    assert await accounts.write(clock.release_leases) == 0
    assert await claim(accounts, WALL) == []


async def test_next_due_is_in_wall_time(database: Database) -> None:
    next_due = partial(clock.next_due, wall=WALL)
    await database.write(lambda tx: add_account(tx, "a", AccountClock(offset_micros=3_600_000_000)))
    await database.write(lambda tx: add_account(tx, "b"))
    await database.write(lambda tx: add_account(tx, "c", AccountClock(frozen_at=WALL)))
    assert await database.read(next_due) is None
    await database.write(scheduling("x", WALL + 3 * HOUR, "a"))
    await database.write(scheduling("x", WALL + 4 * HOUR, "b"))
    await database.write(scheduling("x", WALL + HOUR, "c"))
    assert await database.read(next_due) == WALL + 2 * HOUR
    await database.write(scheduling("x", WALL - HOUR, "b"))
    assert await database.read(next_due) == WALL - HOUR
    await claim(database, WALL)
    assert await database.read(next_due) == WALL + 2 * HOUR


@dataclass
class Daemon:
    """A worker running in the background that notes what it has done."""

    database: Database
    alarm: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def handle(self, tx: Tx, ctx: Context, subject_id: str) -> None:
        tx.after_commit(lambda: self.done.put_nowait(subject_id))


async def test_the_daemon_is_woken_by_what_is_scheduled(database_url: str) -> None:
    alarm = asyncio.Event()

    async def hook(tx: Tx, deferred: Any) -> None:
        worker.ring_when_scheduled(tx, deferred, alarm)

    database = await open_database(database_url, before_commit=hook)
    daemon = Daemon(database, alarm)
    await database.write(lambda tx: add_account(tx, "a"))
    task = asyncio.create_task(
        worker.run_daemon(a_worker(database, Wall(), {"mark": daemon.handle}), alarm, poll_seconds=1_000)
    )
    for subject_id in ("first", "second"):
        await database.write(scheduling(subject_id, WALL))
        async with asyncio.timeout(10):
            assert await daemon.done.get() == subject_id
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await database.close()


async def test_the_daemon_wakes_when_work_falls_due(accounts: Database) -> None:
    daemon = Daemon(accounts)
    wall = Wall()
    await accounts.write(scheduling("soon", WALL + timedelta(milliseconds=50)))

    class Ticking(Wall):
        """The wall stands still until it is read a second time, after the first look at what is due."""

        def __call__(self) -> datetime:
            now, self.now = self.now, self.now + timedelta(milliseconds=20)
            return now

    wall = Ticking()
    task = asyncio.create_task(
        worker.run_daemon(a_worker(accounts, wall, {"mark": daemon.handle}), daemon.alarm, poll_seconds=1_000)
    )
    async with asyncio.timeout(10):
        assert await daemon.done.get() == "soon"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_daemon_outlives_a_failure(accounts: Database) -> None:
    daemon = Daemon(accounts)
    await accounts.write(scheduling("x", WALL))

    class Flaky(Wall):
        reads = 0

        def __call__(self) -> datetime:
            self.reads += 1
            if self.reads == 1:
                raise DeliberateError
            return self.now

    task = asyncio.create_task(
        worker.run_daemon(
            a_worker(accounts, Flaky(), {"mark": daemon.handle}), daemon.alarm, poll_seconds=0.01
        )
    )
    async with asyncio.timeout(10):
        assert await daemon.done.get() == "x"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
