"""A transaction on SQLite. Its methods never suspend, so whoever runs the work drives it to its end."""

import hashlib
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, cast

import apsw
import msgspec
from msgspec import Struct

from comptoir.db.effects import Effects
from comptoir.db.statement import Statement, StatementError
from comptoir.db.tx import Row, S, Value

T = TypeVar("T")

LOCK_WAIT_MS = 30_000
STATEMENT_CACHE = 500
WRITER_CACHE_KIB = 32_000
READER_CACHE_KIB = 8_000
CHECKPOINT_PAGES = 4_000  # 16 MB: a checkpoint holds up the commit that it falls into


def connect(path: Path, *, writes: bool) -> apsw.Connection:
    """Open ``path`` with the settings that every connection of ours has; create it only to write it."""
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE if writes else apsw.SQLITE_OPEN_READONLY
    connection = apsw.Connection(str(path), flags=flags, statementcachesize=STATEMENT_CACHE)
    connection.set_busy_timeout(LOCK_WAIT_MS)
    connection.pragma("foreign_keys", True)
    connection.pragma("temp_store", "memory")
    connection.pragma("cache_size", -(WRITER_CACHE_KIB if writes else READER_CACHE_KIB))
    if writes:
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        connection.wal_autocheckpoint(CHECKPOINT_PAGES)
        connection.create_scalar_function("sha256_hex", _sha256_hex, 1, deterministic=True)
    return connection


def _sha256_hex(*texts: "apsw.SQLiteValue") -> str:
    (text,) = texts
    assert isinstance(text, str), "sha256_hex takes a text"
    return hashlib.sha256(text.encode()).hexdigest()


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end in this thread.

    Work that really suspends awaits something other than its transaction, which would hold the database for
    as long as that takes: it is stopped with a ``RuntimeError``.
    """
    try:
        work.send(None)
    except StopIteration as stop:
        return cast(T, stop.value)
    work.close()
    raise RuntimeError("inside a transaction only the transaction may be awaited")


class SqliteTx:
    """``Tx`` on one connection, for one piece of work.

    ``columns`` remembers each statement's column names for the life of the database: asking the engine for
    them costs more than reading a row.
    """

    __slots__ = ("_columns", "_connection", "effects")

    def __init__(self, connection: apsw.Connection, columns: dict[Statement, tuple[str, ...]]) -> None:
        self._connection = connection
        self._columns = columns
        self.effects = Effects()

    async def one(self, statement: Statement, /, **parameters: Value) -> Row | None:
        cursor = self._execute(statement, parameters)
        row = cursor.fetchone()
        return None if row is None else dict(zip(self._names(statement, cursor), row, strict=True))

    async def all(self, statement: Statement, /, **parameters: Value) -> list[Row]:
        cursor = self._execute(statement, parameters)
        first = cursor.fetchone()
        if first is None:
            return []
        names = self._names(statement, cursor)
        rows: list[Row] = [dict(zip(names, first, strict=True))]
        rows.extend(dict(zip(names, row, strict=True)) for row in cursor)
        return rows

    async def structs(self, statement: Statement, kind: type[S], /, **parameters: Value) -> list[S]:
        self._check(statement, parameters)
        text, decoder = _in_one_piece(statement, kind)
        row = self._connection.execute(text, parameters).fetchone()
        assert row is not None, "an aggregate gives a row"
        return cast(list[S], decoder.decode(cast(str, row[0])))

    async def run(self, statement: Statement, /, **parameters: Value) -> int:
        self._execute(statement, parameters)
        return self._connection.changes()

    async def many(self, statement: Statement, rows: Sequence[Mapping[str, Value]], /) -> None:
        for row in rows:
            self._execute(statement, row)

    async def each(self, statement: Statement, rows: Sequence[Mapping[str, Value]], /) -> list[Row]:
        if not rows:
            return []
        self._check(statement, rows[0])
        cursor = self._connection.executemany(statement.sqlite, rows)
        first = cursor.fetchone()
        if first is None:
            return []
        names = self._names(statement, cursor)
        return [dict(zip(names, row, strict=True)) for row in itertools.chain((first,), cursor)]

    async def stream(self, statement: Statement, /, **parameters: Value) -> AsyncIterator[Row]:
        cursor = self._execute(statement, parameters)
        names: tuple[str, ...] | None = None
        for row in cursor:
            names = names or self._names(statement, cursor)
            yield dict(zip(names, row, strict=True))

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        return _Savepoint(self._connection, self.effects)

    def after_commit(self, callback: Callable[[], None]) -> None:
        self.effects.callbacks.append(callback)

    def defer(self, entry: object) -> None:
        self.effects.deferred.append(entry)

    def _execute(self, statement: Statement, parameters: Mapping[str, Value]) -> apsw.Cursor:
        self._check(statement, parameters)
        return self._connection.execute(statement.sqlite, parameters)

    def _check(self, statement: Statement, parameters: Mapping[str, Value]) -> None:
        if len(parameters) != len(statement.parameters):
            raise StatementError(f"{statement} takes {statement.parameters}, not {tuple(parameters)}")
        # After a grave error (disk full) the engine drops the transaction, and would commit what follows.
        assert self._connection.in_transaction, "the transaction was lost in an earlier statement"

    def _names(self, statement: Statement, cursor: apsw.Cursor) -> tuple[str, ...]:
        names = self._columns.get(statement)
        if names is None:
            names = self._columns[statement] = tuple(name for name, _type in cursor.get_description())
        return names


@cache
def _in_one_piece(statement: Statement, kind: type[Struct]) -> tuple[str, msgspec.json.Decoder[Any]]:
    """A statement whose rows come as one JSON array of arrays, and what reads that."""
    columns = ", ".join(kind.__struct_fields__)
    text = f"SELECT json_group_array(json_array({columns})) FROM ({statement.sqlite})"  # noqa: S608 - our names
    return text, msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]


class _Savepoint:
    """One name serves every depth: SQLite always means the innermost savepoint of that name."""

    __slots__ = ("_connection", "_effects", "_mark")

    def __init__(self, connection: apsw.Connection, effects: Effects) -> None:
        self._connection = connection
        self._effects = effects
        self._mark = effects.mark()

    async def __aenter__(self) -> None:
        self._mark = self._effects.mark()
        self._connection.execute("SAVEPOINT inner_part")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._connection.execute("ROLLBACK TO inner_part")
            self._effects.undo_to(self._mark)
        self._connection.execute("RELEASE inner_part")
