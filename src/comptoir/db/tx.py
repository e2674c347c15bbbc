"""What business code sees of a database: statements, a transaction, and a way to open one.

Two engines implement it: ``sqlite.py`` and ``postgresql.py``. Nothing outside ``db`` knows which one runs.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from comptoir.db.statement import Statement

T = TypeVar("T")
S = TypeVar("S", bound=Struct)
Row = Mapping[str, Any]
Value = str | int | bytes | None


class Tx(Protocol):
    """One transaction. Inside it business code awaits nothing but these methods."""

    async def one(self, statement: Statement, /, **parameters: Value) -> Row | None:
        """The first row, or ``None``."""

    async def all(self, statement: Statement, /, **parameters: Value) -> list[Row]:
        """Every row; the statement itself bounds how many."""

    async def structs(self, statement: Statement, kind: type[S], /, **parameters: Value) -> list[S]:
        """Every row as an array-like struct whose members are named, and stand, as the columns do.

        For thousands of rows, which come in one piece: on SQLite each step of a cursor hands the interpreter
        to whoever else is waiting for it. No column may hold bytes.
        """

    async def run(self, statement: Statement, /, **parameters: Value) -> int:
        """Run a change and say how many rows it touched."""

    async def many(self, statement: Statement, rows: Sequence[Mapping[str, Value]], /) -> None:
        """Run a change once for each mapping of parameters."""

    async def each(self, statement: Statement, rows: Sequence[Mapping[str, Value]], /) -> list[Row]:
        """Like ``many``, for a change with ``RETURNING``: the rows of all runs, in their order."""

    def stream(self, statement: Statement, /, **parameters: Value) -> AsyncIterator[Row]:
        """Rows one after the other, in bounded memory."""

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """A part that is undone alone when its block raises; the exception goes on to the caller."""

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once the transaction is durable; never if it is rolled back."""

    def defer(self, entry: object) -> None:
        """Hand ``entry`` to the database's ``before_commit`` hook, unless its savepoint is rolled back."""


BeforeCommit = Callable[[Tx, Sequence[object]], Awaitable[None]]
"""Called as the last act of a writing transaction with everything deferred in it, in order.

The sequence is the live one: what the hook itself defers is at its end.
"""


class Database(Protocol):
    """A database that is open. ``work`` may run more than once, so it must do nothing but use its ``Tx``."""

    async def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """Run a bounded read on a consistent snapshot."""

    async def write(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction and return once it is durable; undo it whole if it raises."""

    async def report(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """Like ``read`` for long work that must not hold up other calls."""

    async def close(self) -> None:
        """Finish what is under way and let go of the database."""


class RetryTransaction(Exception):
    """Raised by ``work`` when another transaction won a race: undo, then run ``work`` again (bounded)."""


class LockTimeout(Exception):
    """A lock was not had within the time limit (30 s); nothing was changed."""


class DatabaseInUse(Exception):
    """Another process owns the SQLite file, so this one may at most read it."""


class Unusable(Exception):
    """The database cannot be reached or read; the text says why."""


class WrongRevision(Exception):
    """The database's schema is not one that this version of the program can use."""


RUNS_MAX = 8
"""How often the work of one transaction is run before ``RetryTransaction`` reaches its caller."""
