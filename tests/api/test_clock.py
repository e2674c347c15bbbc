"""The operator's API of clocks: read, advanced with everything that falls due, frozen, running."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from tests.clock_market import Diary, clock_of, let_pass, path
from tests.faults import Killed
from tests.market import Market

from comptoir.clock import moving
from comptoir.clock import service as clock
from comptoir.clock.model import Lease
from comptoir.clock.rules import ATTEMPTS_MAX
from comptoir.worker import interrupt_advances

pytestmark = pytest.mark.anyio

BEGIN = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
DAY = timedelta(days=1)


def text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


async def advance(market: Market, body: Any, **options: Any) -> Any:
    reply = await market.post(f"{path()}/advance", body, account="operator", **options)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.fixture
async def diary(market: Market) -> Diary:
    """Work of the kind ``note`` writes into the account's journal when it was done."""
    return Diary(market, await market.account())


async def test_a_clock_is_read(market: Market, diary: Diary) -> None:
    await diary.plan("x", BEGIN + DAY)
    shown = await clock_of(market)
    assert shown == {
        "account": "sandbox",
        "kind": "sandbox",
        "state": "running",
        "now": text(BEGIN),
        "wall": text(BEGIN),
        "nextDue": text(BEGIN + DAY),
        "parked": [],
    }
    assert (await clock_of(market, "production"))["kind"] == "production"


async def test_an_advance_does_what_falls_due_when_it_falls_due(market: Market, diary: Diary) -> None:
    for days in (40, 1, 10, 32):
        await diary.plan(f"day {days}", BEGIN + days * DAY)
    shown = await advance(market, {"by": "P1M"})
    target = datetime(2026, 4, 2, 8, 15, tzinfo=UTC)
    assert (shown["now"], shown["state"], shown["nextDue"]) == (
        text(target),
        "running",
        text(BEGIN + 32 * DAY),
    )
    assert shown["advance"] == {
        "state": "complete",
        "started": text(BEGIN),
        "target": text(target),
        "instants": 2,
        "pieces": 2,
        "failures": [],
    }
    assert await diary.read() == [("day 1", BEGIN + DAY), ("day 10", BEGIN + 10 * DAY)]
    let_pass(market, hours=1)
    assert (await clock_of(market))["now"] == text(target + timedelta(hours=1))
    assert (await clock_of(market, "production"))["now"] == text(BEGIN + timedelta(hours=1))


async def test_what_is_overdue_when_it_begins_is_done_as_of_its_time(market: Market, diary: Diary) -> None:
    for hours in (2, 1):
        await diary.plan(f"{hours} before", BEGIN - timedelta(hours=hours))
    await diary.plan("now", BEGIN)
    shown = await advance(market, {"by": "PT1S"})
    assert (shown["advance"]["instants"], shown["advance"]["pieces"]) == (1, 3)
    assert await diary.read() == [
        ("2 before", BEGIN - timedelta(hours=2)),
        ("1 before", BEGIN - timedelta(hours=1)),
        ("now", BEGIN),
    ]


async def test_what_work_makes_due_is_done_on_the_way(market: Market, diary: Diary) -> None:
    await diary.plan("daily", BEGIN + DAY)
    shown = await advance(market, {"to": text(BEGIN + 400 * DAY)})
    assert (shown["advance"]["pieces"], shown["advance"]["instants"]) == (400, 400)
    assert [at for _, at in await diary.read()] == [BEGIN + (k + 1) * DAY for k in range(400)]


async def test_a_frozen_clock_stays_frozen_where_it_arrives(market: Market) -> None:
    frozen = await market.post(f"{path()}/freeze", account="operator")
    assert frozen.json()["state"] == "frozen"
    let_pass(market, days=2)
    assert (await clock_of(market))["now"] == text(BEGIN)
    arrived = await advance(market, {"by": "P1DT12H"})
    assert (arrived["state"], arrived["now"]) == ("frozen", text(BEGIN + 1.5 * DAY))
    let_pass(market, days=2)
    assert (await clock_of(market))["now"] == text(BEGIN + 1.5 * DAY)
    running = await market.post(f"{path()}/run", account="operator")
    assert (running.json()["state"], running.json()["now"]) == ("running", text(BEGIN + 1.5 * DAY))
    let_pass(market, days=2)
    assert (await clock_of(market))["now"] == text(BEGIN + 3.5 * DAY)
    again = await market.post(f"{path()}/run", account="operator")
    assert again.json()["now"] == text(BEGIN + 3.5 * DAY)


REFUSED: list[tuple[str, Any, str]] = [
    ("nothing", {}, "either an instant or"),
    ("no body", None, "either an instant or"),
    ("both", {"to": "2027-01-01", "by": "P1D"}, "either an instant or"),
    ("no instant", {"to": "soon"}, "date"),
    ("backwards", {"to": "2026-03-02T08:14:59.999999Z"}, "never put back"),
    ("too far", {"to": "2036-03-02T08:15:00.000001Z"}, "10 years at most"),
    ("no duration", {"by": "a month"}, "duration"),
    ("a duration of nothing", {"by": "P0D"}, "duration"),
    ("an empty duration", {"by": "P"}, "duration"),
    ("a negative duration", {"by": "-P1D"}, "duration"),
    ("a duration too long", {"by": "P121M"}, "10 years at most"),
    ("a duration beyond all bounds", {"by": "PT999999H"}, "10 years at most"),
    ("years beyond the calendar", {"by": "P999Y"}, "10 years at most"),
]


async def test_a_nonsensical_advance_is_refused_and_moves_nothing(market: Market) -> None:
    for name, body, reason in REFUSED:
        reply = await market.post(f"{path()}/advance", body, account="operator")
        assert (reply.status_code, reply.json()["code"]) == (400, 3000), name
        assert reason in reply.json()["description"], name
    assert (await clock_of(market))["now"] == text(BEGIN)


async def test_a_production_clock_is_not_moved(market: Market) -> None:
    for verb in ("advance", "freeze", "run"):
        reply = await market.post(f"{path('production')}/{verb}", account="operator")
        assert (reply.status_code, reply.json()["code"]) == (400, 900127), verb


async def test_an_unknown_account_has_no_clock(market: Market) -> None:
    for method, place in (("GET", ""), ("POST", "/advance"), ("POST", "/freeze"), ("POST", "/run")):
        body = {"by": "P1D"} if place == "/advance" else None
        reply = await market.call(method, path("nobody") + place, body, account="operator")
        assert (reply.status_code, reply.json()["code"]) == (404, 1000), place


async def test_partners_do_not_move_clocks(market: Market) -> None:
    reply = await market.post(f"{path()}/advance", {"by": "P1D"}, account="sandbox")
    assert reply.status_code == 401


async def test_while_it_is_under_way(market: Market, diary: Diary) -> None:
    """Requests see the stopped clock, progress is shown, no other advance begins, its repeat joins."""
    for days in (1, 2, 3):
        await diary.plan(f"day {days}", BEGIN + days * DAY)
    diary.hold(2)
    sent = {"MS-RequestId": "11111111-0000-4000-8000-000000000000"}
    first = asyncio.create_task(advance(market, {"by": "P1M"}, headers=sent, alone=False))
    await diary.wait_until_held()
    shown = await clock_of(market)
    assert (shown["state"], shown["now"]) == ("advancing", text(BEGIN + DAY))
    assert (shown["advance"]["pieces"], shown["advance"]["state"]) == (1, "open")
    assert (await market.context()).now == BEGIN + DAY

    for verb, body in (("advance", {"by": "P1M"}), ("advance", {"to": "2027-01-01"}), ("run", None)):
        reply = await market.post(f"{path()}/{verb}", body, account="operator", alone=False)
        assert (reply.status_code, reply.json()["code"]) == (409, 800064), body
        assert "2026-04-02" in reply.json()["description"]

    joining = [
        asyncio.create_task(advance(market, {"by": "P1M"}, headers=sent, alone=False)),
        asyncio.create_task(advance(market, {"to": "2026-04-02T08:15:00Z"}, alone=False)),
        asyncio.create_task(advance(market, {}, alone=False)),
    ]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in [first, *joining])
    diary.let_go()
    answers = [await task for task in [first, *joining]]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["advance"]["pieces"] == 3
    assert [name for name, _ in await diary.read()] == ["day 1", "day 2", "day 3"]
    assert await advance(market, {"by": "P1M"}, headers=sent) == answers[0]


async def test_freezing_ends_an_advance_where_it_is(market: Market, diary: Diary) -> None:
    for days in (1, 2, 3):
        await diary.plan(f"day {days}", BEGIN + days * DAY)
    diary.hold(2)
    first = asyncio.create_task(advance(market, {"by": "P1M"}, alone=False))
    await diary.wait_until_held()
    frozen = (await market.post(f"{path()}/freeze", account="operator", alone=False)).json()
    diary.let_go()
    assert frozen == await first
    assert (frozen["state"], frozen["now"]) == ("frozen", text(BEGIN + DAY))
    assert (frozen["advance"]["state"], frozen["nextDue"]) == ("stopped", text(BEGIN + 2 * DAY))


async def test_work_that_fails_ends_the_advance_and_is_told(market: Market, diary: Diary) -> None:
    for days in (1, 2, 3):
        await diary.plan(f"day {days}", BEGIN + days * DAY)
    diary.break_("day 2")
    stopped = await advance(market, {"by": "P1M"})
    assert (stopped["state"], stopped["now"]) == ("running", text(BEGIN + 2 * DAY))
    assert stopped["advance"]["state"] == "stopped"
    assert stopped["advance"]["pieces"] == 1
    (failure,) = stopped["advance"]["failures"]
    assert (failure["kind"], failure["subjectId"], failure["isParked"]) == ("note", "day 2", False)
    assert failure["due"] == text(BEGIN + 2 * DAY)
    assert "broken" in failure["error"]
    assert diary.attempts == moving.ATTEMPTS_PER_ADVANCE

    diary.mend()
    ended = await advance(market, {"to": "2026-04-02T08:15:00Z"})
    assert (ended["advance"]["state"], ended["advance"]["failures"]) == ("complete", [])
    assert [name for name, _ in await diary.read()] == ["day 1", "day 2", "day 3"]
    assert [at for _, at in await diary.read()] == [BEGIN + days * DAY for days in (1, 2, 3)]


async def test_work_that_is_given_up_is_passed_over_and_told(market: Market, diary: Diary) -> None:
    for days in (1, 2, 3):
        await diary.plan(f"day {days}", BEGIN + days * DAY)
    diary.break_("day 2")
    states: list[str] = []
    while not states or states[-1] == "stopped":
        shown = await advance(market, {"to": "2026-04-02T08:15:00Z"})
        states.append(shown["advance"]["state"])
    assert states == ["stopped", "stopped", "stopped", "complete"]
    assert diary.attempts == ATTEMPTS_MAX
    (failure,) = shown["advance"]["failures"]
    assert (failure["subjectId"], failure["isParked"]) == ("day 2", True)
    (parked,) = shown["parked"]
    assert (parked["subjectId"], parked["isParked"]) == ("day 2", True)
    assert [name for name, _ in await diary.read()] == ["day 1", "day 3"]

    diary.mend()
    again = await market.post("/operator/v1/accounts/sandbox/clock/retry", account="operator")
    assert (again.status_code, again.json()["parked"]) == (200, [])
    await market.work()
    assert {name for name, _ in await diary.read()} == {"day 1", "day 2", "day 3"}


async def test_there_is_nothing_to_retry_for_nobody(market: Market) -> None:
    reply = await market.post("/operator/v1/accounts/nobody/clock/retry", account="operator")
    assert (reply.status_code, reply.json()["code"]) == (404, 1000)


async def test_work_that_never_ends_ends_the_advance(
    market: Market, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "PIECES_AT_A_STOP_MAX", 20)
    await diary.plan("endless", BEGIN + DAY)
    shown = await advance(market, {"by": "P1M"})
    assert (shown["advance"]["state"], shown["now"]) == ("stopped", text(BEGIN + DAY))
    assert shown["advance"]["pieces"] == 20
    assert "never ends" in shown["advance"]["failures"][0]["error"]


async def test_an_advance_whose_server_was_killed_is_taken_up(market: Market, diary: Diary) -> None:
    """The repeat of the call finds it ended, and does not advance once more."""
    for days in (1, 2, 3):
        await diary.plan(f"day {days}", BEGIN + days * DAY)
    diary.kill("day 2")
    sent = {"MS-RequestId": "11111111-0000-4000-8000-000000000000"}
    with pytest.raises(Killed):
        await advance(market, {"by": "P1M"}, headers=sent)
    assert (await clock_of(market))["state"] == "advancing"
    diary.mend()
    await diary.serve()
    ended = await clock_of(market)
    assert (ended["state"], ended["advance"]["pieces"]) == ("running", 3)
    assert [name for name, _ in await diary.read()] == ["day 1", "day 2", "day 3"]
    repeated = await advance(market, {"by": "P1M"}, headers=sent)
    assert repeated == ended


async def test_what_a_killed_server_had_leased_is_done_after_its_start(market: Market, diary: Diary) -> None:
    """At once where the database is the server's alone, else when the lease has ended."""
    await diary.plan("x", BEGIN)
    lease = Lease("killed", BEGIN + timedelta(minutes=1))
    (work,) = await market.write(partial(clock.claim, lease=lease, wall=BEGIN, limit=1))
    messages = asyncio.Queue[dict[str, str]]()
    replies = asyncio.Queue[Any]()
    messages.put_nowait({"type": "lifespan.startup"})
    serving = asyncio.create_task(market.application({"type": "lifespan"}, messages.get, replies.put))
    assert (await replies.get())["type"] == "lifespan.startup.complete"
    async with asyncio.timeout(10):
        if "sqlite" in market.services.settings.database:
            while not await diary.read():  # noqa: ASYNC110 - from outside
                await asyncio.sleep(0.01)
        else:
            await asyncio.sleep(0.1)
            assert await market.write(partial(clock.finish, work=work, owner="killed"))
        messages.put_nowait({"type": "lifespan.shutdown"})
        await serving


async def test_a_server_that_ends_leaves_its_advance_open(market: Market, diary: Diary) -> None:
    await diary.plan("x", BEGIN + DAY)
    diary.hold(1)
    asked = asyncio.create_task(
        market.post(f"{path()}/advance", {"by": "P1M"}, account="operator", alone=False)
    )
    await diary.wait_until_held()
    await interrupt_advances(market.worker)
    reply = await asked
    assert (reply.status_code, reply.json()["isRetryable"]) == (409, True)
    shown = await clock_of(market)
    assert (shown["state"], shown["advance"]["state"], shown["now"]) == ("advancing", "open", text(BEGIN))
    diary.let_go()
    ended = await advance(market, {})
    assert (ended["advance"]["state"], ended["advance"]["pieces"]) == ("complete", 1)


async def test_an_advance_that_kills_every_server_is_given_up(market: Market, diary: Diary) -> None:
    await diary.plan("x", BEGIN + DAY)
    diary.kill("x")
    with pytest.raises(Killed):
        await advance(market, {"by": "P1M"})
    await diary.serve()
    shown = await clock_of(market)
    assert (shown["state"], shown["advance"]["state"]) == ("running", "stopped")
    assert "interrupted" in shown["advance"]["failures"][0]["error"]
