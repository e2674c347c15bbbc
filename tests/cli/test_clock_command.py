"""``comptoir clock``: without a server, and beside one."""

import asyncio
import json
import signal
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Comptoir, Outcome, is_one_line
from tests.client.served import Served

from comptoir.bootstrap import commands
from comptoir.bootstrap.opening import opened
from comptoir.cli import clock as command
from comptoir.clock import service as due_work
from comptoir.clock import service_moving as clocks
from comptoir.db import Tx
from comptoir.identity import service as identity
from comptoir.settings import Settings

SECONDS_MAX = 20

pytestmark = pytest.mark.usefixtures("folder")


def shown(outcome: Outcome) -> Any:
    assert (outcome.status, outcome.error) == (0, ""), outcome
    return json.loads(outcome.out)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
def frozen(comptoir: Comptoir) -> datetime:
    """A marketplace whose sandbox stands still at the turn of a year."""
    made = comptoir("init", "--clock", "2025-12-31T23:59:59.5Z")
    assert made.status == 0, made.error
    return datetime(2025, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)


def test_a_clock_is_set_at_the_making(comptoir: Comptoir, frozen: datetime) -> None:
    clock = shown(comptoir("clock", "show", "--json"))
    assert (clock["account"], clock["state"], instant(clock["now"])) == ("sandbox", "frozen", frozen)
    production = shown(comptoir("clock", "show", "production", "--json"))
    assert production["state"] == "running"
    assert abs(instant(production["now"]) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("clock", ["soon", "0001-01-01", "1999-12-31", "2200-01-02", "2026-13-01"])
def test_a_nonsensical_clock_makes_nothing(comptoir: Comptoir, clock: str) -> None:
    assert is_one_line(comptoir("init", "--clock", clock))
    assert comptoir("init").status == 0


def test_a_clock_is_advanced_run_and_frozen(comptoir: Comptoir, frozen: datetime) -> None:
    said = comptoir("clock", "advance", "--by", "P2M")
    assert said.out.splitlines()[0] == (
        "The clock of sandbox account 'sandbox' shows 2026-02-28 23:59:59.500000 UTC and is frozen."
    )
    assert said.out.splitlines()[-1] == (
        "The last advance, from 2025-12-31 23:59:59.500000 UTC to 2026-02-28 23:59:59.500000 UTC, "
        "is complete: 0 pieces of work at 0 instants."
    )
    clock = shown(comptoir("clock", "advance", "sandbox", "--to", "2027-01-01", "--json"))
    assert instant(clock["now"]) == datetime(2027, 1, 1, tzinfo=UTC)
    running = shown(comptoir("clock", "run", "--json"))
    assert running["state"] == "running"
    assert shown(comptoir("clock", "retry", "--json"))["parked"] == []
    later = shown(comptoir("clock", "freeze", "--json"))
    assert instant(running["now"]) < instant(later["now"]) < instant(running["now"]) + timedelta(minutes=1)
    assert comptoir("clock", "show").out.startswith(
        "The clock of sandbox account 'sandbox' shows 2027-01-01 00"
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("advance",), "either an instant or"),
        (("advance", "--by", "P1D", "--to", "2027-01-01"), "either an instant or"),
        (("advance", "--by", "a while"), "duration"),
        (("advance", "--to", "someday"), "--to: a date such as"),
        (("advance", "--to", "2025-12-31T23:59:59Z"), "never put back"),
        (("advance", "--by", "P11Y"), "10 years at most"),
        (("advance", "production", "--by", "P1D"), "not supported in this environment"),
        (("advance", "nobody", "--by", "P1D"), "There is no account nobody."),
        (("show", "nobody"), "There is no account nobody."),
        (("freeze", "production"), "not supported in this environment"),
        (("run", "production"), "not supported in this environment"),
        (("run", "production", "--scale", "2"), "not supported in this environment"),
        (("run", "--scale", "0"), "--scale"),
        (("run", "--scale", "fast"), "fast"),
        (("run", "--until", "2027-01-01"), "--until goes with"),
        (("run", "--scale", "2", "--until", "never"), "--until: a date such as"),
    ],
)
def test_what_is_refused_moves_nothing(
    comptoir: Comptoir, frozen: datetime, arguments: tuple[str, ...], reason: str
) -> None:
    refused = comptoir("clock", *arguments)
    assert is_one_line(refused), refused
    assert reason in refused.error
    assert instant(shown(comptoir("clock", "show", "--json"))["now"]) == frozen


@pytest.mark.parametrize("running", [False, True])
def test_time_is_played_faster_until_an_instant(
    comptoir: Comptoir, frozen: datetime, monkeypatch: pytest.MonkeyPatch, running: bool
) -> None:
    monkeypatch.setattr(commands, "PROGRESS_SECONDS", 0.02)
    if running:
        comptoir("clock", "run")
    clock = shown(comptoir("clock", "run", "--scale", "864000", "--until", "2026-01-03", "--json"))
    assert clock["state"] == ("running" if running else "frozen")
    assert timedelta() <= instant(clock["now"]) - datetime(2026, 1, 3, tzinfo=UTC) < timedelta(seconds=30)
    assert clock["advance"]["state"] == "complete"


def test_playing_ends_with_an_interruption(
    comptoir: Comptoir, frozen: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(SECONDS_MAX)

    comptoir("clock", "run")
    monkeypatch.setattr(commands, "_advance", interrupt)
    assert comptoir("clock", "run", "--scale", "2").status == 0
    assert shown(comptoir("clock", "show", "--json"))["state"] == "running"
    interrupted = comptoir("clock", "advance", "--by", "P1D")
    assert (interrupted.status, interrupted.out) == (command.INTERRUPTED, "")
    assert "comptoir clock advance sandbox" in interrupted.error


def test_an_advance_that_was_interrupted_goes_on(
    comptoir: Comptoir, frozen: datetime, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a server, the next command goes on with it."""

    async def interrupt(tx: Tx, account_id: str, wall: datetime) -> None:
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as interrupting:
        interrupting.setattr(clocks, "step", interrupt)
        interrupted = comptoir("clock", "advance", "--by", "P1M")
    assert (interrupted.status, interrupted.out) == (command.INTERRUPTED, "")
    assert len(interrupted.error.splitlines()) == 1
    clock = shown(comptoir("clock", "show", "--json"))
    assert (clock["state"], clock["advance"]["state"]) == ("advancing", "open")
    assert "is being advanced to 2026-01-31" in comptoir("clock", "advance", "--by", "P1D").error
    clock = shown(comptoir("clock", "advance", "--json"))
    assert (instant(clock["now"]), clock["state"]) == (frozen + timedelta(days=31), "frozen")


def test_work_that_fails_is_told(
    comptoir: Comptoir, frozen: datetime, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    asyncio.run(plan_what_nobody_can_do(folder, frozen + timedelta(days=1)))
    stopped = comptoir("clock", "advance", "--by", "P1M")
    assert stopped.status == 1
    assert "shows 2026-01-01 23:59:59.500000 UTC and is frozen" in stopped.out
    assert "Work falls due next at 2026-01-01 23:59:59.500000 UTC." in stopped.out
    assert "is stopped: 0 pieces of work" in stopped.out
    assert "mystery for x, due 2026-01-01 23:59:59.500000 UTC, has ended the advance" in stopped.error


async def plan_what_nobody_can_do(folder: Path, due_at: datetime) -> None:
    async with opened(Settings(database=str(folder / "market.db"))) as database:

        async def plan(tx: Tx) -> None:
            account = (await identity.require_account(tx, "sandbox")).account
            await due_work.schedule(tx, account_id=account.id, kind="mystery", subject_id="x", due_at=due_at)

        await database.write(plan)


def test_beside_a_server(comptoir: Comptoir, server: Served) -> None:
    """The server moves the clock, which the requests see at once."""
    before = shown(comptoir("clock", "show", "--json"))
    assert before["state"] == "running"
    clock = shown(comptoir("clock", "advance", "--by", "P1M", "--json"))
    assert clock["state"] == "running"
    assert instant(clock["now"]) > instant(before["now"]) + timedelta(days=27)
    account = server.read(partial(identity.require_account, name="sandbox")).account
    assert account.clock.time_at(datetime.now(UTC)) >= instant(clock["now"])
