"""What every command shares: settings from its flags, exit statuses, and running a coroutine."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from comptoir.settings import Settings, SettingsError, load

T = TypeVar("T")
REFUSED = 2
"""Exit status of a command that was refused and changed nothing."""


def settings_of(config: Path | None = None, **flags: object) -> Settings:
    """The settings in force under these flags; a wrong setting ends the command."""
    try:
        return load(flags, file=config)[0]
    except SettingsError as error:
        fail(str(error))


def fail(reason: str, status: int = REFUSED) -> NoReturn:
    """End the command with one line on standard error."""
    print(f"comptoir: {reason}", file=sys.stderr)
    raise SystemExit(status)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; what a user can mend ends the command with one line."""
    from comptoir.bootstrap.opening import CannotOpen, CommandRefused

    try:
        return asyncio.run(work)
    except (CannotOpen, CommandRefused) as error:
        fail(str(error))
