"""A process that invoices the month that ``books`` wrote, as the worker does, and tells what it took.

    python -m benchmarks.invoicing DATABASE ACCOUNT

A process of its own, so that the memory it took is that of the run alone.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from benchmarks import books
from comptoir.billing import service_documents, service_schedule
from comptoir.bootstrap.opening import opened
from comptoir.bootstrap.server import make_context, make_services
from comptoir.core.context import Actor
from comptoir.db import Database, Tx
from comptoir.identity import service as identity
from comptoir.settings import Settings
from comptoir.worker import run_until

T = TypeVar("T")
LATER = datetime(2026, 5, 1, tzinfo=UTC)
"""When the month is due to be invoiced."""


class Outcome(msgspec.Struct):
    """How many lines were invoiced in how many seconds, and what that took beside.

    ``longest_write`` is from the request to the answer: it includes waiting for the disk, on which other
    programs write too. ``longest_work`` is what the longest one did before its commit.
    """

    lines: int
    seconds: float
    writes: int
    longest_write: float
    longest_work: float
    mebibytes: float


@dataclass
class Timed:
    """A database whose writing transactions are timed."""

    database: Database
    writes: list[float] = field(default_factory=list)
    works: list[float] = field(default_factory=list)

    async def write(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        async def timed(tx: Tx) -> T:
            began = time.perf_counter()
            try:
                return await work(tx)
            finally:
                self.works.append(time.perf_counter() - began)

        began = time.perf_counter()
        try:
            return await self.database.write(timed)
        finally:
            self.writes.append(time.perf_counter() - began)

    async def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.database.read(work)

    async def report(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.database.report(work)

    async def close(self) -> None:
        await self.database.close()


async def invoice(database: Path, account_id: str) -> Outcome:
    settings = Settings(database=str(database))
    async with opened(settings) as opened_database:
        timed = Timed(opened_database)
        services = await make_services(timed, settings, wall=lambda: LATER)

        async def schedule(tx: Tx) -> None:
            account = (await identity.load_account(tx, account_id)).account
            ctx = make_context(services, account, Actor("bench"), LATER)
            await service_schedule.schedule_run(tx, ctx, books.MONTH)

        await timed.write(schedule)
        timed.writes.clear()
        timed.works.clear()
        worker = replace(services.worker, database=timed)
        began = time.perf_counter()
        tally = await run_until(worker, account_id=account_id)
        elapsed = time.perf_counter() - began
        assert (tally.failed, tally.parked) == (0, 0), tally
        (document,) = await timed.read(lambda tx: service_documents.list_documents(tx, account_id))
    return Outcome(
        lines=document.invoice.line_count,
        seconds=elapsed,
        writes=len(timed.writes),
        longest_write=max(timed.writes),
        longest_work=max(timed.works),
        mebibytes=peak_mebibytes(),
    )


def peak_mebibytes() -> float:
    """The most memory that this process ever had."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    outcome = asyncio.run(invoice(Path(sys.argv[1]), sys.argv[2]))
    print(msgspec.json.encode(outcome).decode())
