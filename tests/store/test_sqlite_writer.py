"""SQLite's writer: many requests in one commit, each undone alone, and what happens when a commit fails."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.store.ledger import names, put, value_of

from comptoir.db import LockTimeout, Tx, sqlite_writer
from comptoir.db.sqlite_tx import connect
from comptoir.db.sqlite_writer import BATCH_MAX, Job, Writer

pytestmark = pytest.mark.anyio


class DeliberateError(Exception):
    """What a test raises to see it undone."""


@dataclass
class Bench:
    """A writer whose connection the test can tamper with, and that can be held until jobs have queued up."""

    path: Path
    connection: apsw.Connection
    writer: Writer
    commits: int = 0
    failing_commits: frozenset[int] = frozenset()

    def submit(self, work: Callable[[Tx], Awaitable[Any]]) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self.writer.submit(Job(work, loop, future))  # type: ignore[arg-type]
        return future

    def hold(self) -> Callable[[], None]:
        """Keep the writer busy with a job that changes nothing; the result lets it go on."""
        gate, entered = threading.Event(), threading.Event()

        async def wait(tx: Tx) -> None:
            entered.set()
            gate.wait()

        self.submit(wait)
        entered.wait()
        return gate.set

    def on_commit(self) -> bool:
        """True makes the commit fail."""
        self.commits += 1
        return self.commits in self.failing_commits


@pytest.fixture
async def bench(sqlite_url: str) -> AsyncIterator[Bench]:
    async def keep(tx: Tx, deferred: Sequence[object]) -> None:
        for entry in deferred:
            await put(tx, f"deferred {entry}")

    path = Path(sqlite_url.removeprefix("sqlite:///"))
    connection = connect(path, writes=True)
    bench = Bench(path, connection, Writer(connection, {}, keep))
    connection.set_commit_hook(bench.on_commit)
    yield bench
    bench.writer.stop()


def _names(bench: Bench) -> list[str]:
    connection = connect(bench.path, writes=False)
    try:
        return [name for (name,) in connection.execute("SELECT name FROM instance ORDER BY name")]
    finally:
        connection.close()


def putting(name: str) -> Callable[[Tx], Awaitable[str]]:
    async def work(tx: Tx) -> str:
        await put(tx, name)
        return name

    return work


async def failing(tx: Tx) -> None:
    await put(tx, "undone")
    tx.defer("undone")
    raise DeliberateError


async def test_waiting_requests_share_a_commit(bench: Bench) -> None:
    release = bench.hold()
    futures = [bench.submit(putting(f"{number:03}")) for number in range(BATCH_MAX - 1)]
    release()
    assert await asyncio.gather(*futures) == [f"{number:03}" for number in range(BATCH_MAX - 1)]
    assert bench.commits == 1


async def test_a_batch_is_bounded(bench: Bench) -> None:
    release = bench.hold()
    futures = [bench.submit(putting(f"{number:03}")) for number in range(2 * BATCH_MAX)]
    release()
    await asyncio.gather(*futures)
    assert bench.commits == 3
    assert len(_names(bench)) == 2 * BATCH_MAX


async def test_a_lone_request_is_committed_at_once(bench: Bench) -> None:
    assert await bench.submit(putting("a")) == "a"
    assert bench.commits == 1


@pytest.mark.parametrize("place", [0, 1, 4])
async def test_a_failing_request_does_not_harm_its_neighbours(bench: Bench, place: int) -> None:
    release = bench.hold()
    works: list[Callable[[Tx], Awaitable[Any]]] = [putting(f"{number}") for number in range(4)]
    works.insert(place, failing)
    futures = [bench.submit(work) for work in works]
    release()
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert isinstance(results.pop(place), DeliberateError)
    assert results == ["0", "1", "2", "3"]
    assert _names(bench) == ["0", "1", "2", "3"]


async def test_a_lone_failing_request_leaves_nothing(bench: Bench) -> None:
    with pytest.raises(DeliberateError):
        await bench.submit(failing)
    await bench.submit(putting("a"))
    assert _names(bench) == ["a"]


async def test_when_the_commit_fails_each_request_is_run_again_alone(bench: Bench) -> None:
    runs: list[str] = []
    called: list[str] = []

    def counting(name: str) -> Callable[[Tx], Awaitable[str]]:
        async def work(tx: Tx) -> str:
            runs.append(name)
            tx.defer(name)
            tx.after_commit(lambda: called.append(name))
            await put(tx, name)
            return name

        return work

    release = bench.hold()
    bench.failing_commits = frozenset({1})
    futures = [bench.submit(counting(name)) for name in "abc"]
    release()
    assert await asyncio.gather(*futures) == ["a", "b", "c"]
    await asyncio.sleep(0)
    assert runs == ["a", "b", "c", "a", "b", "c"]
    assert called == ["a", "b", "c"]
    assert bench.commits == 1 + 4
    assert _names(bench) == ["a", "b", "c", "deferred a", "deferred b", "deferred c"]


async def test_a_request_that_alone_cannot_be_committed_fails_alone(bench: Bench) -> None:
    release = bench.hold()
    bench.failing_commits = frozenset({1, 3})  # of the batch, and of the first request after the holder
    futures = [bench.submit(putting(name)) for name in "abc"]
    release()
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert isinstance(results[0], apsw.ConstraintError)
    assert results[1:] == ["b", "c"]
    assert _names(bench) == ["b", "c"]


async def test_a_full_disk_fails_the_request_that_needs_the_room(bench: Bench) -> None:
    pages = bench.connection.pragma("page_count")
    bench.connection.pragma("max_page_count", pages + 4)

    async def greedy(tx: Tx) -> None:
        await put(tx, "greedy", "x" * 100_000)

    release = bench.hold()
    futures = [bench.submit(putting("a")), bench.submit(greedy), bench.submit(putting("b"))]
    release()
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert isinstance(results[1], apsw.FullError)
    assert (results[0], results[2]) == ("a", "b")
    assert _names(bench) == ["a", "b"]


async def test_work_that_hides_a_full_disk_is_not_committed_in_part(bench: Bench) -> None:
    bench.connection.pragma("max_page_count", bench.connection.pragma("page_count") + 4)

    async def hiding(tx: Tx) -> str:
        await put(tx, "before")
        with pytest.raises(apsw.FullError):
            await put(tx, "greedy", "x" * 100_000)
        await put(tx, "after")
        return "all is well"

    release = bench.hold()
    futures = [bench.submit(putting("a")), bench.submit(hiding)]
    release()
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert results[0] == "a"
    assert isinstance(results[1], Exception)
    assert _names(bench) == ["a"]


async def test_a_callback_that_fails_does_not_stop_the_others(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    called: list[str] = []

    def broken() -> None:
        raise DeliberateError

    async def work(tx: Tx) -> None:
        tx.after_commit(broken)
        tx.after_commit(lambda: called.append("second"))

    await bench.submit(work)
    assert called == ["second"]
    assert "a callback after a commit failed" in caplog.text


async def test_the_queue_is_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_writer, "QUEUE_MAX", 2)
    release = bench.hold()
    futures = [bench.submit(putting(name)) for name in "ab"]
    with pytest.raises(LockTimeout, match="waiting already"):
        bench.submit(putting("c"))
    release()
    await asyncio.gather(*futures)
    assert _names(bench) == ["a", "b"]


async def test_a_cancelled_caller_does_not_disturb_the_answers(bench: Bench) -> None:
    release = bench.hold()
    futures = [bench.submit(putting(name)) for name in "ab"]
    futures[0].cancel()
    release()
    assert await futures[1] == "b"


async def test_work_that_really_suspends_is_refused(bench: Bench) -> None:
    async def sleeping(tx: Tx) -> None:
        await put(tx, "undone")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="only the transaction may be awaited"):
        await bench.submit(sleeping)
    assert _names(bench) == []


async def test_a_request_sees_what_its_neighbours_wrote(bench: Bench) -> None:
    async def look(tx: Tx) -> str | None:
        return await value_of(tx, "a")

    release = bench.hold()
    written, seen = bench.submit(putting("a")), bench.submit(look)
    release()
    assert (await written, await seen) == ("a", "")


async def test_a_lock_of_another_process_is_a_lock_timeout(bench: Bench) -> None:
    bench.connection.set_busy_timeout(1)
    other = connect(bench.path, writes=True)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LockTimeout):
            await bench.submit(putting("a"))
        other.execute("ROLLBACK")
    finally:
        other.close()
    assert await bench.submit(putting("b")) == "b"


async def test_stopping_finishes_what_is_queued(bench: Bench) -> None:
    release = bench.hold()
    futures = [bench.submit(putting(f"{number:03}")) for number in range(100)]
    stopping = asyncio.create_task(asyncio.to_thread(bench.writer.stop))
    await asyncio.sleep(0)
    release()
    await asyncio.gather(*futures)
    await stopping
    assert len(_names(bench)) == 100
    with pytest.raises(RuntimeError, match="closed"):
        bench.submit(names)
