"""One process owns a SQLite file, others may read it, and what was acknowledged outlives a killed process."""

import asyncio
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.store.ledger import LIST, names, put

from comptoir.audit import service as audit
from comptoir.db import DatabaseInUse, Tx, open_database
from comptoir.db.engines import Engine, locate
from comptoir.db.migrate import prepare

pytestmark = pytest.mark.anyio

REPOSITORY = Path(__file__).parents[2]


async def test_only_one_process_owns_a_file(sqlite_url: str) -> None:
    owner = await open_database(sqlite_url, before_commit=audit.append)
    with pytest.raises(DatabaseInUse):
        await open_database(sqlite_url, before_commit=audit.append)
    with pytest.raises(DatabaseInUse):
        await prepare(sqlite_url)
    await owner.close()
    again = await open_database(sqlite_url, before_commit=audit.append)
    await again.close()


async def test_others_read_while_the_owner_writes(sqlite_url: str) -> None:
    owner = await open_database(sqlite_url, before_commit=audit.append)
    reader = await open_database(sqlite_url, before_commit=audit.append, read_only=True)
    await owner.write(lambda tx: put(tx, "a"))
    assert await reader.read(names) == ["a"]
    with pytest.raises(DatabaseInUse, match="read only"):
        await reader.write(lambda tx: put(tx, "b"))
    await reader.close()
    await owner.close()


async def test_a_file_without_an_owner_can_be_read(sqlite_url: str) -> None:
    reader = await open_database(sqlite_url, before_commit=audit.append, read_only=True)
    assert await reader.read(names) == []
    await reader.close()


async def test_a_report_does_not_hold_up_others(sqlite_url: str) -> None:
    database = await open_database(sqlite_url, before_commit=audit.append)
    await database.write(lambda tx: put(tx, "a"))
    loop = asyncio.get_running_loop()

    async def slow(tx: Tx) -> list[str]:
        """Ends only after the event loop has served another call."""
        before = [row["name"] async for row in tx.stream(LIST)]
        asyncio.run_coroutine_threadsafe(database.write(lambda tx: put(tx, "b")), loop).result(timeout=10)
        return before + await names(tx)

    assert await database.report(slow) == ["a", "a"]
    assert await database.read(names) == ["a", "b"]
    await database.close()


def _acknowledged_before_the_kill(url: str) -> set[str]:
    command = [sys.executable, "-m", "tests.store.killed_writer", url]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(300)]
        process.kill()
        lines += [line for line in process.stdout if line.endswith("\n")]
    return {line.strip() for line in lines}


async def test_what_was_acknowledged_outlives_a_killed_process(sqlite_url: str) -> None:
    acknowledged = _acknowledged_before_the_kill(sqlite_url)
    database = await open_database(sqlite_url, before_commit=audit.append)
    stored = await database.read(lambda tx: tx.all(LIST))
    await database.close()
    assert acknowledged <= {row["name"] for row in stored}
    assert {row["value"] for row in stored} == {"whole"}


async def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "comptoir.db"
    assert await prepare(str(path)) is True
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "engine", "address"),
    [
        ("sqlite:///comptoir.db", Engine.SQLITE, "comptoir.db"),
        ("sqlite:////var/lib/comptoir.db", Engine.SQLITE, "/var/lib/comptoir.db"),
        ("sqlite:///C:/data/comptoir.db", Engine.SQLITE, "C:/data/comptoir.db"),
        ("data/comptoir.db", Engine.SQLITE, "data/comptoir.db"),
        ("postgresql://u@h/d", Engine.POSTGRESQL, "postgresql://u@h/d"),
        ("postgres://u@h/d", Engine.POSTGRESQL, "postgres://u@h/d"),
    ],
)
def test_urls(url: str, engine: Engine, address: str) -> None:
    location = locate(url)
    assert (location.engine, location.address) == (engine, address)


@pytest.mark.parametrize(
    "url", ["", "sqlite://", "sqlite:///", "sqlite:///:memory:", ":memory:", "mysql://h/d"]
)
def test_urls_that_name_no_database(url: str) -> None:
    with pytest.raises(ValueError, match="names no database"):
        locate(url)
