"""What every command shares: settings from its flags, exit statuses, and running a coroutine."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from comptoir.settings import Settings, SettingsError, load

T = TypeVar("T")
FOUND_FAULTS = 1
"""Exit status of a command that was asked to look for faults and found some."""

REFUSED = 2
"""Exit status of a command that was refused and changed nothing."""


def settings_of(config: Path | None = None, **flags: object) -> Settings:
    """The settings in force under these flags; a wrong setting ends the command."""
    try:
        return load(flags, file=config)[0]
    except SettingsError as error:
        fail(str(error))


def instant(text: str, flag: str) -> datetime:
    """The instant that a flag names; a text that names none ends the command."""
    from comptoir.wire.dates import NotADate, parse_date

    try:
        found = parse_date(text)
    except NotADate as error:
        fail(f"{flag}: {error}, not {text!r}")
    return found or fail(f"{flag}: a later date is expected")


def fail(reason: str, status: int = REFUSED) -> NoReturn:
    """End the command with one line on standard error."""
    print(f"comptoir: {reason}", file=sys.stderr)
    raise SystemExit(status)


def run(
    work: Coroutine[Any, Any, T], new_event_loop: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> T:
    """Run a coroutine to its end; what a user can mend ends the command with one line."""
    from comptoir.bootstrap.opening import CannotOpen, CommandRefused

    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(work)
    except (CannotOpen, CommandRefused) as error:
        fail(" ".join(str(error).split()))


def print_table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print rows under their titles, each column as wide as its widest text on a terminal."""
    from rich.cells import cell_len

    widths = [max(cell_len(row[column]) for row in (titles, *rows)) for column in range(len(titles))]
    for row in (titles, *rows):
        padded = [text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True)]
        print("  ".join(padded).rstrip())
