"""The embedded database: one SQLite file, owned by one process, with one writer and any number of readers."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar, cast

import apsw
from filelock import FileLock, Timeout

from comptoir.db.sqlite_tx import SqliteTx, connect, drive
from comptoir.db.sqlite_writer import Job, Work, Writer
from comptoir.db.statement import Statement
from comptoir.db.tx import BeforeCommit, DatabaseInUse, Tx

T = TypeVar("T")


def lock_file(path: Path) -> FileLock:
    """Take the file's lock for this process, until it is released or the process ends.

    Raises ``DatabaseInUse`` at once if another process, or another database of this one, has it.
    """
    lock = FileLock(f"{path}.lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise DatabaseInUse(f"{path} is in use by another process") from None
    return lock


def open_sqlite(path: Path, *, before_commit: BeforeCommit, read_only: bool = False) -> "SqliteDatabase":
    """Open an existing database file: as its owner or, beside a process that owns it, to read only."""
    if read_only:
        return SqliteDatabase(path, None, before_commit)
    lock = lock_file(path)
    try:
        return SqliteDatabase(path, lock, before_commit)
    except BaseException:
        lock.release()
        raise


class SqliteDatabase:
    """``Database`` on a SQLite file. Without a lock it only reads.

    Reads run inline: on the caller's thread, on a connection of their own, in a snapshot. A read therefore
    never waits for the writer, and costs no change of thread.
    """

    def __init__(self, path: Path, lock: FileLock | None, before_commit: BeforeCommit) -> None:
        self._path = path
        self._lock = lock
        self._columns: dict[Statement, tuple[str, ...]] = {}
        self._readers: deque[apsw.Connection] = deque()
        self._closed = False
        self._writer: Writer | None = None
        if lock is not None:
            self._writer = Writer(connect(path, writes=True), self._columns, before_commit)

    async def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return self._read(work)

    async def write(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        if self._writer is None:
            raise DatabaseInUse(f"{self._path} is open to read only")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._writer.submit(Job(cast(Work, work), loop, future))
        return cast(T, await future)

    async def report(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return await asyncio.to_thread(self._read, work)

    async def close(self) -> None:
        """The writer's connection goes last: it takes the log into the file, which is then whole."""
        self._closed = True
        while self._readers:
            self._readers.popleft().close()
        if self._writer is not None:
            await asyncio.to_thread(self._writer.stop)
        if self._lock is not None:
            self._lock.release()

    def _read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        connection = self._reader()
        tx = SqliteTx(connection, self._columns)
        try:
            connection.execute("BEGIN")
            result = drive(cast(Coroutine[Any, Any, T], work(tx)))
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._return(connection)
        assert not tx.effects.deferred, "a read has nothing to write at its end"
        tx.effects.run_callbacks()
        return result

    def _reader(self) -> apsw.Connection:
        if self._closed:
            raise RuntimeError("the database is closed")
        try:
            return self._readers.popleft()
        except IndexError:
            return connect(self._path, writes=False)

    def _return(self, connection: apsw.Connection) -> None:
        if self._closed:
            connection.close()
        else:
            self._readers.append(connection)
