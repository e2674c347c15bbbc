"""``comptoir clock``."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from cyclopts import App
from msgspec import UNSET

from comptoir.cli.common import FOUND_FAULTS, fail, instant, run, settings_of

if TYPE_CHECKING:
    from comptoir.wire.clocks import Clock

app = App(name="clock", help="Show, advance, freeze and run the clock of a sandbox account.")
INTERRUPTED = 130
"""Exit status of a command that was ended by Ctrl-C."""


@app.command
def show(
    name: str = "sandbox", *, json: bool = False, database: str | None = None, config: Path | None = None
) -> None:
    """Print what time it is for an account, and how the last advance of its clock went.

    Parameters
    ----------
    name
        Name of the account.
    json
        Print one JSON object.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import read_clock

    _print(run(read_clock(settings_of(config, database=database), name)), json=json)


@app.command
def advance(
    name: str = "sandbox",
    *,
    to: str | None = None,
    by: str | None = None,
    json: bool = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Advance a clock, and do everything that falls due on the way, each thing at its time.

    An advance that was interrupted goes on with neither --to nor --by. Exits with 1 if work has failed.

    Parameters
    ----------
    name
        Name of the account.
    to
        Instant to arrive at, such as 2027-01-01T00:00:00Z.
    by
        Duration such as P1M, P1D or PT12H.
    json
        Print one JSON object.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import advance_clock

    move = {"by": by} if by is not None else {}
    if to is not None:
        move["to"] = instant(to, "--to").isoformat()
    settings = settings_of(config, database=database)
    with _progress(json=json) as show_progress:
        try:
            clock = run(advance_clock(settings, name, move, show_progress))
        except KeyboardInterrupt:
            fail(
                f"interrupted; a server goes on with the advance, else: comptoir clock advance {name}",
                INTERRUPTED,
            )
    _print(clock, json=json)
    _require_done(clock)


@app.command
def freeze(
    name: str = "sandbox", *, json: bool = False, database: str | None = None, config: Path | None = None
) -> None:
    """Let a clock stand still. An advance that is under way ends where it is.

    Parameters
    ----------
    name
        Name of the account.
    json
        Print one JSON object.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import set_clock

    _print(run(set_clock(settings_of(config, database=database), name, "freeze")), json=json)


@app.command
def retry(
    name: str = "sandbox", *, json: bool = False, database: str | None = None, config: Path | None = None
) -> None:
    """Try work again that was given up, once what was wrong is mended; ``show`` lists it.

    Parameters
    ----------
    name
        Name of the account.
    json
        Print one JSON object.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import set_clock

    _print(run(set_clock(settings_of(config, database=database), name, "retry")), json=json)


@app.command(name="run")
def run_(
    name: str = "sandbox",
    *,
    scale: int = 1,
    until: str | None = None,
    json: bool = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Let a clock follow the wall from where it stands, or play its time faster.

    Parameters
    ----------
    name
        Name of the account.
    scale
        So many seconds pass in one, until Ctrl-C or --until: 86400 for a day in a second.
    until
        Instant at which playing ends.
    json
        Print one JSON object.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import play_clock, set_clock

    settings = settings_of(config, database=database)
    if scale < 1:
        fail("--scale: a whole number from 1 is expected")
    if scale == 1 and until is not None:
        fail("--until goes with a --scale of 2 or more")
    if scale == 1:
        _print(run(set_clock(settings, name, "run")), json=json)
        return
    until_at = None if until is None else instant(until, "--until")
    with _progress(json=json) as show_progress:
        try:
            clock = run(play_clock(settings, name, scale, until_at, show_progress))
        except KeyboardInterrupt:
            return
    _print(clock, json=json)
    _require_done(clock)


def _require_done(clock: "Clock") -> None:
    failures = () if clock.advance is UNSET else clock.advance.failures
    for failure in failures:
        outcome = "was given up" if failure.is_parked else "has ended the advance"
        print(
            f"comptoir: {failure.kind} for {failure.subject_id}, due {_text(failure.due)}, {outcome}: "
            f"{failure.error}",
            file=sys.stderr,
        )
    if failures:
        raise SystemExit(FOUND_FAULTS)


def _print(clock: "Clock", *, json: bool) -> None:
    if json:
        print(msgspec.json.encode(clock).decode())
        return
    print(
        f"The clock of {clock.kind} account {clock.account!r} shows {_text(clock.now)} and is {clock.state}."
    )
    if clock.next_due is not UNSET:
        print(f"Work falls due next at {_text(clock.next_due)}.")
    if clock.parked:
        print(f"Work that was given up: {len(clock.parked)} (see --json).")
    if clock.advance is not UNSET:
        last = clock.advance
        print(
            f"The last advance, from {_text(last.started)} to {_text(last.target)}, is {last.state}: "
            f"{last.pieces} pieces of work at {last.instants} instants."
        )


def _text(instant: datetime) -> str:
    """Without the fraction of the second where there is none."""
    return instant.isoformat(sep=" ").replace("+00:00", " UTC")


@contextmanager
def _progress(*, json: bool) -> "Iterator[Callable[[Clock], None]]":
    """A bar on a terminal that shows how far an advance has come; nothing elsewhere."""
    if json or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[work]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=None, work="")

        def show_progress(clock: "Clock") -> None:
            if clock.advance is UNSET:
                return
            last = clock.advance
            total = (last.target - last.started).total_seconds()
            done = (clock.now - last.started).total_seconds()
            progress.update(
                bar,
                description=_text(clock.now.replace(microsecond=0)),
                total=total,
                completed=done,
                work=f"{last.pieces} pieces of work",
            )

        yield show_progress
