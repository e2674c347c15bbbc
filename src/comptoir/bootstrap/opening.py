"""Opening an installation: its database, its secrets, and a word to the user where that fails."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from comptoir.audit import service as audit
from comptoir.clock import service as clock
from comptoir.db import Database, DatabaseInUse, Tx, WrongRevision
from comptoir.db.engines import Engine, locate, open_database
from comptoir.identity import service as identity
from comptoir.identity.model import Secrets
from comptoir.settings import Settings
from comptoir.worker import ring_when_scheduled


class CannotOpen(Exception):
    """The installation cannot be opened; the text says why and what to do."""


class CommandRefused(Exception):
    """The marketplace said no to a command; the text says why."""


async def _before_commit(tx: Tx, deferred: Sequence[object], alarm: asyncio.Event | None = None) -> None:
    """The last act of every writing transaction. Followers of an event go before the journal."""
    if alarm is not None:
        ring_when_scheduled(tx, deferred, alarm)
    await audit.append(tx, deferred)


def exists(settings: Settings) -> bool:
    """Whether there is a database file; a PostgreSQL database is asked when it is opened."""
    location = locate(settings.database)
    return location.engine is not Engine.SQLITE or location.path.exists()


@asynccontextmanager
async def opened(
    settings: Settings, *, read_only: bool = False, alarm: asyncio.Event | None = None
) -> AsyncIterator[Database]:
    """The database of an existing installation, closed at the end. Raises ``CannotOpen``.

    ``read_only`` works beside a server that holds an SQLite file. ``alarm`` rings after a commit that
    scheduled work.
    """
    from comptoir.db import migrate

    if not exists(settings):
        raise CannotOpen(f"there is no database at {settings.database}; make one with: comptoir init")
    try:
        if not read_only:
            await migrate.prepare(settings.database)
        hook = partial(_before_commit, alarm=alarm)
        database = await open_database(settings.database, before_commit=hook, read_only=read_only)
    except DatabaseInUse as error:
        raise CannotOpen(f"{error}; stop that server first, or use its operator API") from error
    except WrongRevision as error:
        raise CannotOpen(str(error)) from error
    except (OSError, ValueError) as error:
        raise CannotOpen(f"cannot open {settings.database}: {error}") from error
    try:
        yield database
    finally:
        await database.close()


async def load_secrets(database: Database) -> Secrets:
    """The secrets of an installation that ``init`` has made. Raises ``CannotOpen`` if it has not."""
    secrets = await database.read(partial(identity.load_secrets, wall=clock.wall_now()))
    if secrets is None:
        raise CannotOpen("the database is empty; fill it with: comptoir init")
    return secrets


def server_file(settings: Settings) -> Path:
    """Where a running server leaves its address and operator key for commands of the same user."""
    location = locate(settings.database)
    if location.engine is Engine.SQLITE:
        return Path(f"{location.path}.server.json")
    return Path(".comptoir/server.json")
