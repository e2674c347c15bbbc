"""The schema files, the metadata and all migrations make the same database, on both engines."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.schema import CreateIndex, CreateTable

from comptoir.db import WrongRevision, migrate
from comptoir.db.engines import Engine, locate
from comptoir.db.migrate import prepare, script_from
from comptoir.db.revisions import MIGRATIONS_FOLDER, newest_revision, schema_script
from comptoir.db.schema_files import DIALECTS, render
from comptoir.db.sqlite_tx import connect
from comptoir.db.tables import METADATA

pytestmark = pytest.mark.anyio

SHAPE_SQLITE = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
SHAPE_POSTGRESQL = (
    """
    SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 3
    """,
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
    """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2
    """,
)


def _migrations(engine: Engine) -> str:
    command = [sys.executable, "-m", "comptoir.db.upgrade_script", engine, "base"]
    return subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout


def _metadata(engine: Engine) -> str:
    """The metadata's own statements, with the table in which Alembic keeps the revision."""
    dialect = DIALECTS[engine]
    statements = [str(CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables]
    for table in METADATA.sorted_tables:
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes]
    script = schema_script(engine)
    return ";".join(statements) + ";" + script[script.index("CREATE TABLE alembic_version") :]


def _shape_sqlite(script: str) -> list[Any]:
    connection = apsw.Connection(":memory:")
    connection.execute(script).fetchall()  # a statement that returns rows holds up those after it
    rows = list(connection.execute(SHAPE_SQLITE))
    assert connection.execute("SELECT version_num FROM alembic_version").get == newest_revision()
    connection.close()
    return [(*row[:3], " ".join(str(row[3]).split()).replace("( ", "(").replace(" )", ")")) for row in rows]


async def _shape_postgresql(server: str, script: str) -> list[Any]:
    name = "comptoir_shape"
    administration = await asyncpg.connect(server)
    await administration.execute(f"CREATE DATABASE {name}")
    connection = await asyncpg.connect(server.replace("/postgres?", f"/{name}?"))
    await connection.execute(script)
    rows = [tuple(row) for query in SHAPE_POSTGRESQL for row in await connection.fetch(query)]
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == newest_revision()
    await connection.close()
    await administration.execute(f"DROP DATABASE {name}")
    await administration.close()
    return rows


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_the_schema_files_are_those_of_the_metadata(dialect: str) -> None:
    assert schema_script(dialect) == render(dialect), "run `python -m comptoir.db.schema_files`"


def test_sqlite_is_the_same_three_ways() -> None:
    from_file = _shape_sqlite(schema_script("sqlite"))
    assert _shape_sqlite(_migrations(Engine.SQLITE)) == from_file
    assert _shape_sqlite(_metadata(Engine.SQLITE)) == from_file


async def test_postgresql_is_the_same_three_ways(postgresql_server: str) -> None:
    from_file = await _shape_postgresql(postgresql_server, schema_script("postgresql"))
    assert await _shape_postgresql(postgresql_server, _migrations(Engine.POSTGRESQL)) == from_file
    assert await _shape_postgresql(postgresql_server, _metadata(Engine.POSTGRESQL)) == from_file


def test_every_sqlite_table_is_strict() -> None:
    connection = apsw.Connection(":memory:")
    connection.execute(schema_script("sqlite"))
    loose = {
        name
        for name, strict in connection.execute("SELECT name, strict FROM pragma_table_list")
        if not strict
    }
    connection.close()
    assert {name for name in loose if not name.startswith("sqlite_")} == {"alembic_version"}


def test_revisions_are_one_line_of_numbers() -> None:
    scripts = list(ScriptDirectory(str(MIGRATIONS_FOLDER)).walk_revisions())
    numbers = [script.revision for script in reversed(scripts)]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    assert newest_revision() == numbers[-1]


async def test_prepare_says_whether_the_database_was_empty(database_url: str, tmp_path: Path) -> None:
    assert await prepare(database_url) is False
    assert await prepare(f"sqlite:///{tmp_path}/new.db") is True


async def _set_revision(url: str, revision: str) -> None:
    change = f"UPDATE alembic_version SET version_num = '{revision}'"
    if locate(url).engine is Engine.SQLITE:
        connection = connect(locate(url).path, writes=True)
        connection.execute(change)
        connection.close()
    else:
        server = await asyncpg.connect(url)
        await server.execute(change)
        await server.close()


@pytest.mark.parametrize("revision", ["9999", "unknown"])
async def test_a_newer_revision_is_refused(own_database_url: str, revision: str) -> None:
    await _set_revision(own_database_url, revision)
    with pytest.raises(WrongRevision, match=f"schema revision {revision}; this version"):
        await prepare(own_database_url)


async def test_a_revision_that_no_script_knows_is_refused(own_database_url: str) -> None:
    await _set_revision(own_database_url, "0000")
    with pytest.raises(WrongRevision, match="no way from schema revision 0000"):
        await prepare(own_database_url)


async def test_a_database_behind_runs_the_missing_scripts(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = "CREATE TABLE added (x BIGINT); UPDATE alembic_version SET version_num = '0009';"
    monkeypatch.setattr(migrate, "newest_revision", lambda: "0009")
    monkeypatch.setattr(migrate, "_upgrade_script", lambda engine, stored: step)
    assert await prepare(own_database_url) is False
    assert await prepare(own_database_url) is False


async def test_a_foreign_database_is_left_alone(postgresql_server: str, tmp_path: Path) -> None:
    path = tmp_path / "foreign.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(WrongRevision, match="not Comptoir's"):
        await prepare(str(path))
    administration = await asyncpg.connect(postgresql_server)
    await administration.execute("CREATE DATABASE theirs")
    url = postgresql_server.replace("/postgres?", "/theirs?")
    foreign = await asyncpg.connect(url)
    await foreign.execute("CREATE TABLE theirs (x bigint)")
    await foreign.close()
    with pytest.raises(WrongRevision, match="not Comptoir's"):
        await prepare(url)
    await administration.execute("DROP DATABASE theirs")
    await administration.close()


async def test_processes_that_prepare_one_database_at_once_agree(postgresql_server: str) -> None:
    administration = await asyncpg.connect(postgresql_server)
    await administration.execute("CREATE DATABASE raced")
    url = postgresql_server.replace("/postgres?", "/raced?")
    assert sorted(await asyncio.gather(*(prepare(url) for _ in range(4)))) == [False, False, False, True]
    await administration.execute("DROP DATABASE raced WITH (FORCE)")
    await administration.close()


def test_an_empty_database_gets_the_schema_file() -> None:
    assert script_from(Engine.SQLITE, None) == schema_script("sqlite")
    assert script_from(Engine.SQLITE, newest_revision()) is None


SUBSCRIPTION = """
    INSERT INTO subscriptions (
        account_id, customer_id, id, order_id, line_number, product_id, sku_id, availability_id, publisher_id,
        publisher_name, offer_name, friendly_name, quantity, unit_type, status, is_trial, auto_renew,
        billing_cycle, billing_type, term, currency, unit_price, created_at, term_end_at, version
    ) VALUES (
        'partner', 'customer', ?, 'order', 0, 'p', 's', 'a', 'publisher', 'P', 'O', 'F', 1, 'License(s)',
        ?, 0, 1, 'monthly', 'license', 'P1M', 'USD', '1', 1000, ?, 1
    )
"""


def test_what_was_bought_before_the_second_revision_gets_its_due_time() -> None:
    """A subscription of an older database would otherwise neither renew nor end."""
    first, second = _migrations(Engine.SQLITE).split("UPDATE subscriptions SET next_due_at", 1)
    connection = apsw.Connection(":memory:")
    connection.execute(first).fetchall()
    states = {"pending": None, "active": 9_000, "suspended": 8_000, "deleted": 7_000}
    for status, term_end_at in states.items():
        connection.execute(SUBSCRIPTION, (status, status, term_end_at))
    connection.execute("UPDATE subscriptions SET next_due_at" + second).fetchall()
    due = dict(connection.execute("SELECT id, next_due_at FROM subscriptions"))
    assert due == {
        "pending": 1_000 + 30 * 86_400 * 1_000_000,
        "active": 9_000,
        "suspended": 8_000,
        "deleted": None,
    }
    work = connection.execute("SELECT account_id, kind, subject_id, due_at FROM due_work").fetchall()
    assert work == [("partner", "turn_subscriptions", "partner", 8_000)]
