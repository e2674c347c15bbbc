"""Bring a database to the schema revision of this version of the program, before it is opened."""

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from comptoir.db.engines import Engine, explained, locate
from comptoir.db.revisions import newest_revision, schema_script
from comptoir.db.tx import DatabaseInUse, WrongRevision

UPGRADE_SECONDS_MAX = 60
HAS_REVISION_SQLITE = "SELECT count(*) FROM sqlite_schema WHERE name = 'alembic_version'"
HAS_REVISION_POSTGRESQL = """
SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'alembic_version'
"""
HAS_TABLES_SQLITE = "SELECT count(*) FROM sqlite_schema"
HAS_TABLES_POSTGRESQL = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
COUNT_OTHERS_POSTGRESQL = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'comptoir' AND pid <> pg_backend_pid()
"""
READ_REVISION = "SELECT version_num FROM alembic_version"


async def prepare(url: str) -> bool:
    """Create the schema in an empty database, or run the migrations it lacks. True if it was empty.

    Raises ``WrongRevision`` for a database of a newer version, or one that holds something else;
    ``DatabaseInUse`` while another process owns the SQLite file; ``Unusable``.
    """
    location = locate(url)
    with explained(location):
        if location.engine is Engine.SQLITE:
            return _prepare_sqlite(location.path)
        return await _prepare_postgresql(url)


async def is_empty(url: str) -> bool:
    """Whether an existing database has no tables yet; it is only looked at.

    Raises ``WrongRevision`` if it must be upgraded before it can be read or is none of ours; ``Unusable``.
    """
    location = locate(url)
    with explained(location):
        is_sqlite = location.engine is Engine.SQLITE
        stored = _look_sqlite(location.path) if is_sqlite else await _look_postgresql(url)
    if stored is None:
        return True
    _require_known(stored)
    if stored != newest_revision():
        raise WrongRevision(
            f"The database has schema revision {stored}, this version of Comptoir needs {newest_revision()}: "
            "starting the server upgrades it."
        )
    return False


async def remove(url: str) -> None:
    """Delete the database with everything in it.

    Raises ``DatabaseInUse`` while another process owns the SQLite file, or is connected to the PostgreSQL
    database; ``Unusable``.
    """
    location = locate(url)
    with explained(location):
        if location.engine is Engine.SQLITE:
            _remove_sqlite(location.path)
        else:
            await _remove_postgresql(url)


def _remove_sqlite(path: Path) -> None:
    from comptoir.db.sqlite import lock_file

    lock = lock_file(path)
    try:
        for suffix in ("-wal", "-shm", ""):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
    finally:
        lock.release()


async def _remove_postgresql(url: str) -> None:
    """Drop our own tables only: whatever else lies in the schema is not ours to delete."""
    import asyncpg

    ours = re.findall(r"^CREATE TABLE (\w+)", schema_script(Engine.POSTGRESQL), re.MULTILINE)
    connection = await asyncpg.connect(url)
    try:
        if await connection.fetchval(COUNT_OTHERS_POSTGRESQL):
            raise DatabaseInUse("the database is in use by another process")
        async with connection.transaction():
            await connection.execute(f"DROP TABLE IF EXISTS {', '.join(ours)}")
    finally:
        await connection.close()


def script_from(engine: Engine, stored: str | None) -> str | None:
    """What to run on a database at ``stored`` (``None``: it is empty); ``None`` if there is nothing to do."""
    if stored is None:
        return schema_script(engine)
    _require_known(stored)
    return None if stored == newest_revision() else _upgrade_script(engine, stored)


def _require_known(stored: str) -> None:
    newest = newest_revision()
    if stored > newest or not re.fullmatch(r"\d{4}", stored):
        raise WrongRevision(
            f"The database has schema revision {stored}; this version of Comptoir knows {newest} and older "
            "ones. Use the version that wrote it, or a newer one."
        )


def _upgrade_script(engine: Engine, stored: str) -> str:
    command = [sys.executable, "-m", "comptoir.db.upgrade_script", engine, stored]
    done = subprocess.run(  # noqa: S603 - our own interpreter and module, and a revision of four digits
        command, capture_output=True, check=False, encoding="utf-8", timeout=UPGRADE_SECONDS_MAX
    )
    if done.returncode != 0:
        reason = done.stderr.strip().rpartition("\n")[2]
        raise WrongRevision(f"There is no way from schema revision {stored} to the newest: {reason}")
    return done.stdout


def _prepare_sqlite(path: Path) -> bool:
    from comptoir.db.sqlite import lock_file
    from comptoir.db.sqlite_tx import connect

    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # it will hold signing keys
    lock = lock_file(path)
    try:
        with closing(connect(path, writes=True)) as connection:
            stored = _stored_sqlite(connection, path)
            script = script_from(Engine.SQLITE, stored)
            if script is not None:
                with connection:  # One transaction, which DDL is part of.
                    connection.execute(script).fetchall()
    finally:
        lock.release()
    return stored is None


def _stored_sqlite(connection: Any, path: Path) -> str | None:
    if connection.execute(HAS_REVISION_SQLITE).get:
        revision: str = connection.execute(READ_REVISION).get
        return revision
    if connection.execute(HAS_TABLES_SQLITE).get:
        raise WrongRevision(f"{path} holds tables that are not Comptoir's.")
    return None


def _look_sqlite(path: Path) -> str | None:
    from comptoir.db.sqlite_tx import connect

    with closing(connect(path, writes=False)) as connection:
        return _stored_sqlite(connection, path)


async def _look_postgresql(url: str) -> str | None:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        if await connection.fetchval(HAS_REVISION_POSTGRESQL):
            revision: str = await connection.fetchval(READ_REVISION)
            return revision
        if await connection.fetchval(HAS_TABLES_POSTGRESQL):
            raise WrongRevision("The database holds tables that are not Comptoir's.")
    finally:
        await connection.close()
    return None


async def _prepare_postgresql(url: str) -> bool:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        try:
            if await _create_postgresql(connection, url):
                return True
        except (asyncpg.DuplicateTableError, asyncpg.UniqueViolationError):
            pass  # Another process created the schema at the same time.
        await _upgrade_postgresql(connection)
    finally:
        await connection.close()
    return False


async def _create_postgresql(connection: Any, url: str) -> bool:
    async with connection.transaction():
        if await connection.fetchval(HAS_REVISION_POSTGRESQL):
            return False
        if await connection.fetchval(HAS_TABLES_POSTGRESQL):
            raise WrongRevision("The database holds tables that are not Comptoir's.")
        await connection.execute(script_from(Engine.POSTGRESQL, None))
    return True


async def _upgrade_postgresql(connection: Any) -> None:
    stored = await connection.fetchval(READ_REVISION)
    script = script_from(Engine.POSTGRESQL, stored)
    if script is None:
        return
    async with connection.transaction():
        await connection.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        if await connection.fetchval(READ_REVISION) == stored:
            await connection.execute(script)
