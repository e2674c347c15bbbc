"""What PostgreSQL adds: transactions that really run at once, and so wait, deadlock and are cancelled."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import asyncpg
import pytest
from tests.store.ledger import GET_LOCKED, INSERT, names, put

from comptoir.audit import service as audit
from comptoir.db import Database, LockTimeout, Tx, open_database, sql
from comptoir.db.postgresql import WRITERS_MAX

pytestmark = pytest.mark.anyio

WAIT_BRIEFLY = sql(sqlite="SELECT 1", postgresql="SET LOCAL lock_timeout = '50ms'")
SLEEP = sql(sqlite="SELECT 1", postgresql="SELECT 1 FROM pg_sleep(30)")
END_CONNECTION = sql(sqlite="SELECT 1", postgresql="SELECT 1 FROM pg_terminate_backend(pg_backend_pid())")


@pytest.fixture
async def server(postgresql_url: str) -> AsyncIterator[Database]:
    opened = await open_database(postgresql_url, before_commit=audit.append)
    await opened.write(lambda tx: put(tx, "a", "0"))
    await opened.write(lambda tx: put(tx, "b", "0"))
    yield opened
    async with asyncio.timeout(10):
        await opened.close()


async def test_a_lock_that_is_not_had_in_time_is_a_lock_timeout(server: Database) -> None:
    locked, enough = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        await tx.one(GET_LOCKED, name="a")
        locked.set()
        await enough.wait()

    async def wait(tx: Tx) -> None:
        await tx.all(WAIT_BRIEFLY)
        await put(tx, "c")
        await tx.one(GET_LOCKED, name="a")

    holding = asyncio.create_task(server.write(hold))
    await locked.wait()
    with pytest.raises(LockTimeout):
        await server.write(wait)
    enough.set()
    await holding
    assert await server.read(names) == ["a", "b"]


async def test_writers_who_all_wait_for_one_row_let_others_read(server: Database) -> None:
    locked, enough = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        await tx.one(GET_LOCKED, name="a")
        locked.set()
        await enough.wait()

    async def wait(tx: Tx) -> None:
        await tx.one(GET_LOCKED, name="a")

    holding = asyncio.create_task(server.write(hold))
    await locked.wait()
    waiting = [asyncio.create_task(server.write(wait)) for _ in range(WRITERS_MAX + 4)]
    async with asyncio.timeout(10):
        assert await server.read(names) == ["a", "b"]
    enough.set()
    await asyncio.gather(holding, *waiting)


async def test_a_deadlock_is_run_again(server: Database) -> None:
    both_locked = asyncio.Barrier(2)
    runs: list[str] = []

    def crossing(first: str, second: str) -> Callable[[Tx], Awaitable[None]]:
        async def work(tx: Tx) -> None:
            runs.append(first)
            await tx.one(GET_LOCKED, name=first)
            if runs.count(first) == 1:
                await both_locked.wait()
            await tx.one(GET_LOCKED, name=second)
            await put(tx, f"{first} then {second}")

        return work

    await asyncio.gather(server.write(crossing("a", "b")), server.write(crossing("b", "a")))
    assert sorted(runs) in (["a", "a", "b"], ["a", "b", "b"])
    assert await server.read(names) == ["a", "a then b", "b", "b then a"]


async def test_a_failed_statement_that_is_passed_over_commits_nothing(server: Database) -> None:
    async def work(tx: Tx) -> None:
        await put(tx, "c")
        with pytest.raises(asyncpg.UniqueViolationError):
            await tx.run(INSERT, name="a", value="again")

    with pytest.raises(AssertionError, match="without a savepoint"):
        await server.write(work)
    assert await server.read(names) == ["a", "b"]


async def test_a_cancelled_caller_leaves_nothing_and_no_complaint(server: Database) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    written = asyncio.Event()

    async def work(tx: Tx) -> None:
        await put(tx, "c")
        written.set()
        await tx.all(SLEEP)

    task = asyncio.create_task(server.write(work))
    await written.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await server.read(names) == ["a", "b"]
    assert complaints == []


async def test_a_lost_connection_is_replaced(server: Database) -> None:
    async def work(tx: Tx) -> None:
        await put(tx, "c")
        await tx.all(END_CONNECTION)

    with pytest.raises(asyncpg.PostgresConnectionError):
        await server.write(work)
    await server.write(lambda tx: put(tx, "d"))
    assert await server.read(names) == ["a", "b", "d"]


async def test_more_callers_than_connections_wait_their_turn(server: Database) -> None:
    await asyncio.gather(*(server.write(partial(put, name=f"many {number}")) for number in range(60)))
    assert len(await server.read(names)) == 62


async def test_read_only_refuses_to_write(postgresql_url: str) -> None:
    reader = await open_database(postgresql_url, before_commit=audit.append, read_only=True)
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await reader.write(lambda tx: put(tx, "c"))
    await reader.close()
