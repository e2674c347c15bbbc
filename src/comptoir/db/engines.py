"""Open the database that a URL names. A driver is imported only when its engine is the one asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path

from comptoir.db.tx import BeforeCommit, Database, Unusable


class Engine(StrEnum):
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@dataclass(frozen=True, slots=True)
class Location:
    """What a database URL says: which engine, and the file or the server's own URL."""

    engine: Engine
    address: str

    @property
    def path(self) -> Path:
        """The SQLite file."""
        assert self.engine is Engine.SQLITE, "only SQLite has a file"
        return Path(self.address)


def locate(url: str) -> Location:
    """Read ``sqlite:///file`` (a path from here; four slashes for one from the root), ``postgresql://...``
    or a bare path of a SQLite file. Raises ``ValueError`` for anything else.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "sqlite", f"/{url}"
    if scheme in {"postgresql", "postgres"}:
        return Location(Engine.POSTGRESQL, url)
    if scheme != "sqlite" or not rest.startswith("/") or rest in {"/", "/:memory:"}:
        raise ValueError(f"{url!r} names no database: sqlite:///FILE or postgresql://HOST/NAME is meant")
    return Location(Engine.SQLITE, rest[1:])


@contextmanager
def explained(location: Location) -> Iterator[None]:
    """Raise what the driver says of a database that cannot be used as ``Unusable``."""
    is_sqlite = location.engine is Engine.SQLITE
    driver = import_module("apsw" if is_sqlite else "asyncpg")
    refusals = (driver.Error,) if is_sqlite else (driver.PostgresError, driver.InterfaceError)
    try:
        yield
    except (*refusals, OSError) as error:
        raise Unusable(str(error) or type(error).__name__) from error


async def open_database(url: str, *, before_commit: BeforeCommit, read_only: bool = False) -> Database:
    """Open a database that ``migrate.prepare`` has seen.

    ``read_only`` opens a SQLite file beside the process that owns it. Otherwise ``DatabaseInUse`` is raised
    while another process owns the file. Raises ``Unusable``.
    """
    location = locate(url)
    with explained(location):
        if location.engine is Engine.SQLITE:
            sqlite = import_module("comptoir.db.sqlite")
            database: Database = sqlite.open_sqlite(
                location.path, before_commit=before_commit, read_only=read_only
            )
        else:
            postgresql = import_module("comptoir.db.postgresql")
            database = await postgresql.open_postgresql(url, before_commit=before_commit, read_only=read_only)
    return database
