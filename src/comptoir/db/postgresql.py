"""PostgreSQL through asyncpg: a pool, READ COMMITTED with row locks, and a bounded number of retries."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from types import TracebackType
from typing import Any, TypeVar, cast

import asyncpg

from comptoir.db.effects import Effects
from comptoir.db.statement import Statement, StatementError
from comptoir.db.tx import RUNS_MAX, BeforeCommit, LockTimeout, RetryTransaction, Row, S, Tx, Value

T = TypeVar("T")

WRITERS_MAX = 16
READERS_MAX = 8
"""Apart from the writers: those may all be waiting for one row lock, and others must go on reading."""

STATEMENT_CACHE = 500
ROWS_PREFETCHED = 500
RETRY_WAIT_MAX_SECONDS = 0.25
BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
SESSION = {"lock_timeout": "30s", "jit": "off", "timezone": "UTC", "application_name": "comptoir"}
LOST_RACES = (RetryTransaction, asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


async def open_postgresql(
    url: str, *, before_commit: BeforeCommit, read_only: bool = False
) -> "PostgresqlDatabase":
    """Connect to an existing database."""
    session = SESSION | ({"default_transaction_read_only": "on"} if read_only else {})
    readers = await _pool(url, READERS_MAX, session)
    writers = readers if read_only else await _pool(url, WRITERS_MAX, session)
    return PostgresqlDatabase(readers, writers, before_commit)


async def _pool(url: str, connections_max: int, session: Mapping[str, str]) -> Any:
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=connections_max,
        statement_cache_size=STATEMENT_CACHE,
        max_cached_statement_lifetime=0,
        server_settings=dict(session),
        reset=_reset,
    )


async def _reset(_connection: Any) -> None:
    """Nothing of ours outlives a transaction, so a connection goes back without a round trip to clean it."""


class PostgresqlDatabase:
    """``Database`` on two pools of connections, for reading and for writing."""

    def __init__(self, readers: Any, writers: Any, before_commit: BeforeCommit) -> None:
        self._readers = readers
        self._writers = writers
        self._before_commit = before_commit

    async def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        tx, result = await self._transaction(self._readers, BEGIN_READ, work)
        assert not tx.effects.deferred, "a read has nothing to write at its end"
        tx.effects.run_callbacks()
        return result

    async def write(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        async def whole(tx: Tx) -> T:
            result = await work(tx)
            deferred = cast(PostgresqlTx, tx).effects.deferred
            if deferred:
                await self._before_commit(tx, deferred)
            return result

        for run in range(1, RUNS_MAX):
            try:
                tx, result = await self._transaction(self._writers, "BEGIN", whole)
                break
            except LOST_RACES:
                await asyncio.sleep(_wait_seconds(run))
        else:
            tx, result = await self._transaction(self._writers, "BEGIN", whole)
        tx.effects.run_callbacks()
        return result

    async def report(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.read(work)

    async def close(self) -> None:
        await self._readers.close()
        await self._writers.close()

    @staticmethod
    async def _transaction(
        pool: Any, begin: str, work: Callable[[Tx], Awaitable[T]]
    ) -> "tuple[PostgresqlTx, T]":
        """Run ``work`` once and commit it, or undo it whole if it raises or its caller is cancelled."""
        async with pool.acquire() as connection:
            await connection.execute(begin)
            tx = PostgresqlTx(connection)
            try:
                result = await work(tx)
            except BaseException as error:
                with suppress(asyncpg.InterfaceError):  # A lost connection has nothing to roll back.
                    await connection.execute("ROLLBACK")
                if isinstance(error, asyncpg.LockNotAvailableError):
                    raise LockTimeout(str(error)) from error
                raise
            ended = await connection.execute("COMMIT")
            # PostgreSQL answers COMMIT with a rollback, and no error, if a statement has failed.
            assert ended == "COMMIT", "a failed statement was passed over without a savepoint"
        return tx, result


def _wait_seconds(run: int) -> float:
    """Longer after each lost race and never the same for two, so that racers part."""
    return random.uniform(0, min(RETRY_WAIT_MAX_SECONDS, 0.005 * 2.0**run))  # noqa: S311 - no secret


class PostgresqlTx:
    """``Tx`` on one connection, for one piece of work."""

    __slots__ = ("_connection", "effects")

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.effects = Effects()

    async def one(self, statement: Statement, /, **parameters: Value) -> Row | None:
        row = await self._connection.fetchrow(statement.postgresql, *_in_order(statement, parameters))
        return cast(Row | None, row)

    async def all(self, statement: Statement, /, **parameters: Value) -> list[Row]:
        rows = await self._connection.fetch(statement.postgresql, *_in_order(statement, parameters))
        return cast(list[Row], rows)

    async def structs(self, statement: Statement, kind: type[S], /, **parameters: Value) -> list[S]:
        rows = await self._connection.fetch(statement.postgresql, *_in_order(statement, parameters))
        return [kind(*row) for row in rows]

    async def run(self, statement: Statement, /, **parameters: Value) -> int:
        tag: str = await self._connection.execute(statement.postgresql, *_in_order(statement, parameters))
        return int(tag.rpartition(" ")[2])

    async def many(self, statement: Statement, rows: Sequence[Mapping[str, Value]], /) -> None:
        await self._connection.executemany(statement.postgresql, [_in_order(statement, row) for row in rows])

    async def each(self, statement: Statement, rows: Sequence[Mapping[str, Value]], /) -> list[Row]:
        arguments = [_in_order(statement, row) for row in rows]
        return cast(list[Row], await self._connection.fetchmany(statement.postgresql, arguments))

    async def stream(self, statement: Statement, /, **parameters: Value) -> AsyncIterator[Row]:
        arguments = _in_order(statement, parameters)
        async for row in self._connection.cursor(statement.postgresql, *arguments, prefetch=ROWS_PREFETCHED):
            yield row

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        return _Savepoint(self._connection, self.effects)

    def after_commit(self, callback: Callable[[], None]) -> None:
        self.effects.callbacks.append(callback)

    def defer(self, entry: object) -> None:
        self.effects.deferred.append(entry)


def _in_order(statement: Statement, parameters: Mapping[str, Value]) -> list[Value]:
    if len(parameters) != len(statement.parameters):
        raise StatementError(f"{statement} takes {statement.parameters}, not {tuple(parameters)}")
    return [parameters[name] for name in statement.parameters]


class _Savepoint:
    """One name serves every depth: the innermost savepoint of that name is always the one meant."""

    __slots__ = ("_connection", "_effects", "_mark")

    def __init__(self, connection: Any, effects: Effects) -> None:
        self._connection = connection
        self._effects = effects
        self._mark = effects.mark()

    async def __aenter__(self) -> None:
        self._mark = self._effects.mark()
        await self._connection.execute("SAVEPOINT inner_part")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            await self._connection.execute("ROLLBACK TO inner_part")
            self._effects.undo_to(self._mark)
        await self._connection.execute("RELEASE inner_part")
