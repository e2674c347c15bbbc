"""What business code may rely on in a transaction, the same on both engines."""

import asyncio
from functools import partial

import pytest
from tests.store.ledger import GET, GET_LOCKED, INSERT, LIST, PUT, RENAME_ALL, names, put, value_of

from comptoir.db import Database, RetryTransaction, Tx, sql
from comptoir.db.statement import StatementError
from comptoir.db.tx import RUNS_MAX

pytestmark = pytest.mark.anyio


class DeliberateError(Exception):
    """What a test raises to see it undone."""


async def test_write_returns_its_result_and_is_there_for_the_next_read(database: Database) -> None:
    async def work(tx: Tx) -> str:
        await put(tx, "a", "1")
        return "done"

    assert await database.write(work) == "done"
    assert await database.read(names) == ["a"]
    assert await database.report(names) == ["a"]


async def test_an_error_undoes_the_transaction_and_reaches_the_caller(database: Database) -> None:
    async def work(tx: Tx) -> None:
        await put(tx, "a")
        raise DeliberateError

    with pytest.raises(DeliberateError):
        await database.write(work)
    assert await database.read(names) == []


async def test_a_savepoint_is_undone_alone(database: Database) -> None:
    async def part(tx: Tx) -> None:
        async with tx.savepoint():
            await put(tx, "inside")
            raise DeliberateError

    async def work(tx: Tx) -> None:
        await put(tx, "before")
        with pytest.raises(DeliberateError):
            await part(tx)
        await put(tx, "after")

    await database.write(work)
    assert await database.read(names) == ["after", "before"]


async def test_savepoints_nest(database: Database) -> None:
    async def part(tx: Tx) -> None:
        async with tx.savepoint():
            await put(tx, "inner")
            async with tx.savepoint():
                await put(tx, "innermost")
            raise DeliberateError

    async def work(tx: Tx) -> None:
        async with tx.savepoint():
            await put(tx, "outer")
            with pytest.raises(DeliberateError):
                await part(tx)
            await put(tx, "outer again")

    await database.write(work)
    assert await database.read(names) == ["outer", "outer again"]


async def test_a_savepoint_survives_a_statement_that_fails(database: Database) -> None:
    async def work(tx: Tx) -> None:
        await put(tx, "a")
        with pytest.raises(Exception, match=r"(?i)unique"):
            async with tx.savepoint():
                await tx.run(INSERT, name="a", value="again")
        await put(tx, "b")

    await database.write(work)
    assert await database.read(names) == ["a", "b"]


async def test_callbacks_run_in_order_and_only_after_the_commit(database: Database) -> None:
    called: list[str] = []

    async def part(tx: Tx) -> None:
        async with tx.savepoint():
            tx.after_commit(lambda: called.append("undone"))
            raise DeliberateError

    async def work(tx: Tx) -> None:
        tx.after_commit(lambda: called.append("first"))
        await put(tx, "a")
        with pytest.raises(DeliberateError):
            await part(tx)
        tx.after_commit(lambda: called.append("second"))
        assert called == []

    await database.write(work)
    assert called == ["first", "second"]


async def test_callbacks_of_a_failed_transaction_never_run(database: Database) -> None:
    called: list[str] = []

    async def work(tx: Tx) -> None:
        tx.after_commit(lambda: called.append("never"))
        raise DeliberateError

    with pytest.raises(DeliberateError):
        await database.write(work)
    assert called == []


async def test_a_lost_race_is_run_again(database: Database) -> None:
    runs: list[int] = []

    async def work(tx: Tx) -> int:
        runs.append(len(runs) + 1)
        await tx.run(INSERT, name=f"run {len(runs)}", value="")
        tx.after_commit(lambda: None)
        if len(runs) < 3:
            raise RetryTransaction
        return len(runs)

    assert await database.write(work) == 3
    assert await database.read(names) == ["run 3"]


async def test_a_race_is_not_run_for_ever(database: Database) -> None:
    runs: list[int] = []

    async def work(tx: Tx) -> None:
        runs.append(1)
        await put(tx, "a")
        raise RetryTransaction

    with pytest.raises(RetryTransaction):
        await database.write(work)
    assert len(runs) == RUNS_MAX
    assert await database.read(names) == []


async def test_concurrent_changes_of_one_row_lose_nothing(database: Database) -> None:
    async def begin(tx: Tx) -> None:
        await put(tx, "counter", "0")

    async def add_one(tx: Tx) -> None:
        row = await tx.one(GET_LOCKED, name="counter")
        assert row is not None
        await put(tx, "counter", str(int(row["value"]) + 1))

    await database.write(begin)
    await asyncio.gather(*(database.write(add_one) for _ in range(60)))
    row = await database.read(lambda tx: tx.one(GET, name="counter"))
    assert row is not None
    assert row["value"] == "60"


async def test_a_read_sees_one_moment(database: Database) -> None:
    async def work(tx: Tx) -> tuple[str | None, str | None]:
        first = await value_of(tx, "a")
        return first, await value_of(tx, "a")

    await database.write(lambda tx: tx.run(PUT, name="a", value="0"))
    writes = [database.write(partial(put, name="a", value=str(number))) for number in range(20)]
    writing = asyncio.gather(*writes)
    seen = await asyncio.gather(*(database.read(work) for _ in range(20)))
    await writing
    assert all(first == second for first, second in seen)


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        await database.read(lambda tx: tx.run(PUT, name="a", value=""))
    assert await database.read(names) == []


async def test_rows_are_mappings(database: Database) -> None:
    await database.write(lambda tx: tx.run(PUT, name="a", value="1"))
    row = await database.read(lambda tx: tx.one(GET, name="a"))
    assert row is not None
    assert dict(row) == {"name": "a", "value": "1"}
    assert list(row.keys()) == ["name", "value"]
    assert await database.read(lambda tx: tx.one(GET, name="b")) is None
    assert await database.read(lambda tx: tx.all(GET, name="b")) == []


async def test_many_and_stream(database: Database) -> None:
    rows = [{"name": f"{number:05}", "value": str(number)} for number in range(1_500)]

    async def collect(tx: Tx) -> list[dict[str, object]]:
        return [dict(row) async for row in tx.stream(LIST)]

    await database.write(lambda tx: tx.many(INSERT, rows))
    assert await database.read(collect) == rows


async def test_each_gives_the_rows_of_all_runs_in_order(database: Database) -> None:
    add = sql("""
        INSERT INTO instance (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING RETURNING name, value
    """)
    rows = [{"name": name, "value": str(number)} for number, name in enumerate("badbc")]

    async def work(tx: Tx) -> list[list[str]]:
        added = [await tx.each(add, part) for part in ([], rows, rows)]
        return [[row["name"] + row["value"] for row in part] for part in added]

    assert await database.write(work) == [[], ["b0", "a1", "d2", "c4"], []]
    with pytest.raises(StatementError):
        await database.write(lambda tx: tx.each(add, [{"name": "a"}]))


async def test_run_counts_the_rows_it_touched(database: Database) -> None:
    async def work(tx: Tx) -> tuple[int, int]:
        nothing = await tx.run(RENAME_ALL, value="x")
        await put(tx, "a")
        await put(tx, "b")
        return nothing, await tx.run(RENAME_ALL, value="y")

    assert await database.write(work) == (0, 2)


@pytest.mark.parametrize("parameters", [{}, {"name": "a", "value": "b"}, {"value": "a"}])
async def test_parameters_must_be_those_of_the_statement(
    database: Database, parameters: dict[str, str]
) -> None:
    with pytest.raises((StatementError, KeyError)):
        await database.read(lambda tx: tx.one(GET, **parameters))


async def test_a_closed_database_refuses(database_url: str) -> None:
    from comptoir.audit import service as audit
    from comptoir.db import open_database

    database = await open_database(database_url, before_commit=audit.append)
    await database.close()
    with pytest.raises(Exception, match="clos"):
        await database.read(names)
    with pytest.raises(Exception, match="clos"):
        await database.write(names)
