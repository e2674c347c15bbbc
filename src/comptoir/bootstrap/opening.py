"""Opening an installation: its database, its secrets, and a word to the user where that fails."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial

from comptoir.audit import service as audit
from comptoir.billing import service as billing
from comptoir.billing.service_lookups import Lookups
from comptoir.bootstrap import running
from comptoir.clock import service as clock
from comptoir.db import Database, DatabaseInUse, Tx, Unusable, WrongRevision
from comptoir.db.engines import Engine, Location, locate, open_database
from comptoir.delivery.service_engine import ring_when_enqueued
from comptoir.fulfillment import service as fulfillment
from comptoir.identity import service as identity
from comptoir.identity.model import Secrets
from comptoir.settings import Settings
from comptoir.subscriptions.model import SubscriptionChanged
from comptoir.usage import service as usage
from comptoir.worker import ring_when_scheduled

EMPTY = "the database is empty; fill it with: comptoir init"


class CannotOpen(Exception):
    """The installation cannot be opened; the text says why and what to do."""


class HeldElsewhere(CannotOpen):
    """Another process owns the database."""


class CommandRefused(Exception):
    """The marketplace said no to a command; the text says why."""


async def _before_commit(
    tx: Tx,
    deferred: Sequence[object],
    alarm: asyncio.Event | None = None,
    delivery_alarm: asyncio.Event | None = None,
) -> None:
    """The last act of every writing transaction. Followers of an event go before the journal."""
    await _follow(tx, deferred)
    if alarm is not None:
        ring_when_scheduled(tx, deferred, alarm)
    if delivery_alarm is not None:
        ring_when_enqueued(tx, deferred, delivery_alarm)
    await audit.append(tx, deferred)


async def _follow(tx: Tx, deferred: Sequence[object]) -> None:
    """Let usage, billing and publishers follow what happened to subscriptions, in order and at once."""
    lookups = Lookups(tx)
    for change in [entry for entry in deferred if isinstance(entry, SubscriptionChanged)]:
        await usage.follow(tx, change)
        await billing.follow(tx, change, lookups)
        await fulfillment.follow(tx, change)


def exists(settings: Settings) -> bool:
    """Whether there is a database file; a PostgreSQL database is asked when it is opened."""
    location = located(settings)
    return location.engine is not Engine.SQLITE or location.path.exists()


def located(settings: Settings) -> Location:
    """Engine and place of the database. Raises ``CannotOpen`` for a setting that names none."""
    try:
        return locate(settings.database)
    except ValueError as error:
        raise CannotOpen(str(error)) from error


@contextmanager
def mendable(settings: Settings) -> Iterator[None]:
    """Raise what an operator can mend as ``CannotOpen``, with a word on how."""
    try:
        yield
    except DatabaseInUse as error:
        server = running.find(settings)
        where = "" if server is None else f", it seems the server on {server.address}"
        raise HeldElsewhere(f"{error}{where}; stop it first") from error
    except WrongRevision as error:
        raise CannotOpen(str(error)) from error
    except (Unusable, OSError) as error:
        raise CannotOpen(f"cannot open {settings.database_label}: {error}") from error


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    read_only: bool = False,
    alarm: asyncio.Event | None = None,
    delivery_alarm: asyncio.Event | None = None,
) -> AsyncIterator[Database]:
    """The database of an existing installation, closed at the end.

    Raises ``HeldElsewhere`` while another process owns it, and ``CannotOpen``.

    ``read_only`` works beside a server that holds an SQLite file. ``alarm`` rings after a commit that
    scheduled work, ``delivery_alarm`` after one that ordered a delivery.
    """
    from comptoir.db import migrate

    if not exists(settings):
        raise CannotOpen(f"there is no database at {settings.database_label}; make one with: comptoir init")
    with mendable(settings):
        if not read_only:
            await migrate.prepare(settings.database)
        elif await migrate.is_empty(settings.database):
            raise CannotOpen(EMPTY)
        hook = partial(_before_commit, alarm=alarm, delivery_alarm=delivery_alarm)
        database = await open_database(settings.database, before_commit=hook, read_only=read_only)
    try:
        yield database
    finally:
        await database.close()


async def load_secrets(database: Database) -> Secrets:
    """The secrets of an installation that ``init`` has made. Raises ``CannotOpen`` if it has not."""
    secrets = await database.read(partial(identity.load_secrets, wall=clock.wall_now()))
    if secrets is None:
        raise CannotOpen(EMPTY)
    return secrets
