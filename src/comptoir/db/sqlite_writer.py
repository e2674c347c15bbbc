"""SQLite's one writer: a thread that puts the requests waiting at the moment into one commit.

A commit costs a wait for the disk, whatever it holds. So the writer takes a request, runs it, goes on with
those that have come in meanwhile (at most ``BATCH_MAX``), commits them all with one wait, and only then
answers them. Each request stands in a savepoint of its own, so that one that fails is undone alone.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import apsw

from comptoir.db.effects import Effects
from comptoir.db.sqlite_tx import SqliteTx, drive
from comptoir.db.statement import Statement
from comptoir.db.tx import RUNS_MAX, BeforeCommit, LockTimeout, RetryTransaction

BATCH_MAX = 64
QUEUE_MAX = 10_000

Work = Callable[[SqliteTx], Coroutine[Any, Any, object]]


@dataclass(slots=True, eq=False)
class Job:
    """A request to write, and how it went once it was run."""

    work: Work
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[object]
    result: object = None
    error: BaseException | None = None
    effects: Effects | None = None

    def succeed(self, result: object, effects: Effects) -> None:
        """Note the outcome of a run; it counts once it is committed."""
        self.result, self.error, self.effects = result, None, effects

    def fail(self, error: BaseException) -> None:
        """Note that nothing of the job is to be kept."""
        self.result, self.error, self.effects = None, error, None


class _TransactionLostError(Exception):
    """The engine gave up the whole transaction (disk full, for example), and every job in it."""


class Writer:
    """Owns the only connection that writes, and the thread that uses it."""

    def __init__(
        self,
        connection: apsw.Connection,
        columns: dict[Statement, tuple[str, ...]],
        before_commit: BeforeCommit,
    ) -> None:
        self._connection = connection
        self._columns = columns
        self._before_commit = before_commit
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue ``job``; its future is resolved on its own loop once its effect is durable.

        Raises ``LockTimeout`` if so many are waiting that it would take too long.
        """
        if self._stopping:
            raise RuntimeError("the database is closed")
        if self._queue.qsize() >= QUEUE_MAX:
            raise LockTimeout(f"{QUEUE_MAX} writes are waiting already")
        self._queue.put(job)

    def stop(self) -> None:
        """Finish what is queued, end the thread, close the connection. Blocks."""
        self._stopping = True
        self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _serve(self) -> None:
        while (job := self._queue.get()) is not None:
            batch = [job]
            try:
                self._commit_together(batch)
            except Exception:  # The engine failed, not a job: those are answered for in their savepoints.
                for each in batch:
                    self._commit_alone(each)
            _answer(batch)

    def _commit_together(self, batch: list[Job]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._run_first(batch[0])
        for job in self._waiting():
            batch.append(job)
            self._run_in_savepoint(job)
        self._connection.execute("COMMIT")

    def _commit_alone(self, job: Job) -> None:
        try:
            self._roll_back()
            self._connection.execute("BEGIN IMMEDIATE")
            self._run_first(job)
            self._connection.execute("COMMIT")
        except apsw.BusyError as error:
            job.fail(LockTimeout(str(error)))
        except _TransactionLostError as error:
            job.fail(error.__cause__ or error)
        except Exception as error:
            job.fail(error)

    def _waiting(self) -> Iterator[Job]:
        for _ in range(BATCH_MAX - 1):
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return
            if job is None:
                self._queue.put(None)
                return
            yield job

    def _run_first(self, job: Job) -> None:
        """Run the job that opens a transaction: undoing it is undoing the transaction, so no savepoint."""
        for _ in range(RUNS_MAX):
            self._run(job)
            if job.error is None:
                return
            self._connection.execute("ROLLBACK")
            self._connection.execute("BEGIN IMMEDIATE")
            if not isinstance(job.error, RetryTransaction):
                return

    def _run_in_savepoint(self, job: Job) -> None:
        for _ in range(RUNS_MAX):
            self._connection.execute("SAVEPOINT job")
            self._run(job)
            if job.error is not None:
                self._connection.execute("ROLLBACK TO job")
            self._connection.execute("RELEASE job")
            if not isinstance(job.error, RetryTransaction):
                return

    def _run(self, job: Job) -> None:
        tx = SqliteTx(self._connection, self._columns)
        try:
            job.succeed(drive(self._whole(job.work, tx)), tx.effects)
        except BaseException as error:
            job.fail(error)
        if not self._connection.in_transaction:
            raise _TransactionLostError from job.error

    async def _whole(self, work: Work, tx: SqliteTx) -> object:
        result = await work(tx)
        if tx.effects.deferred:
            await self._before_commit(tx, tx.effects.deferred)
        return result

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _answer(batch: list[Job]) -> None:
    """Resolve the jobs' futures, each on its caller's loop, with one wake-up for each loop."""
    for loop in {job.loop for job in batch}:
        jobs = [job for job in batch if job.loop is loop]
        try:
            loop.call_soon_threadsafe(_resolve, jobs)
        except RuntimeError:
            continue  # The loop was closed: nobody waits for these answers any more.


def _resolve(jobs: list[Job]) -> None:
    for job in jobs:
        if job.effects is not None:
            job.effects.run_callbacks()
        if job.future.done():
            continue  # The caller was cancelled.
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)
