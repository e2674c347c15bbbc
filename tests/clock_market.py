"""Due work for tests that move clocks: it writes the account's journal, waits, fails, or kills its worker."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.clock import service as clock
from comptoir.core.accounts import Account
from comptoir.core.context import Context
from comptoir.db import Tx
from comptoir.worker import run_daemon
from tests.faults import DeliberateError, Faults, Killed
from tests.market import Market

T = TypeVar("T")
NOTE = "note"
DAY = timedelta(days=1)
SECONDS_MAX = 10


def path(account: str = "sandbox") -> str:
    return f"/operator/v1/accounts/{account}/clock"


def let_pass(market: Market, **duration: float) -> None:
    """Let the wall's time pass, tokens included."""
    market.wait(**duration)
    market.tokens.clear()


async def clock_of(market: Market, account: str = "sandbox") -> Any:
    return (await market.get(path(account), account="operator")).json()


class Gate(Faults):
    """Holds one write until it is let go."""

    held: int | None = None

    def __init__(self, market: Market) -> None:
        super().__init__(market.services.database)
        self.writes = 0
        self.is_held = asyncio.Event()
        self.is_open = asyncio.Event()

    async def write(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        self.writes += 1
        if self.writes == self.held:
            self.is_held.set()
            await self.is_open.wait()
        return await super().write(work)


class Diary:
    """Work of a kind of its own, whose effect is an entry of the account's journal."""

    def __init__(self, market: Market, account: Account) -> None:
        self._market = market
        self._account = account
        self._broken = ""
        self._killing = ""
        self._gate = Gate(market)
        self.attempts = 0
        handlers = {**market.worker.handlers, NOTE: self._note}
        market.employ(replace(market.worker, handlers=handlers, database=self._gate))

    async def plan(self, subject: str, due_at: datetime) -> None:
        async def work(tx: Tx) -> None:
            await self._schedule(tx, subject, due_at)

        await self._market.write(work)

    async def _schedule(self, tx: Tx, subject: str, due_at: datetime) -> None:
        await clock.schedule(tx, account_id=self._account.id, kind=NOTE, subject_id=subject, due_at=due_at)

    async def _note(self, tx: Tx, ctx: Context, subject_id: str) -> None:
        if subject_id == self._broken:
            self.attempts += 1
            raise DeliberateError("it is broken")
        if subject_id == self._killing:
            raise Killed
        if subject_id == "daily":
            await self._schedule(tx, subject_id, ctx.now + DAY)
        if subject_id == "endless":
            await self._schedule(tx, subject_id, ctx.now)
        audit.record(tx, ctx, Action.UPDATE_ORDER, subject_kind=NOTE, subject_id=subject_id)

    async def read(self) -> list[tuple[str, datetime]]:
        """What was done, in order, and when by the account's clock."""

        async def work(tx: Tx) -> list[tuple[str, datetime]]:
            entries = [recorded.entry for recorded in await audit.read(tx, self._account.id, 0, 1_000)]
            return [(entry.subject_id, entry.at) for entry in entries if entry.subject_kind == NOTE]

        return await self._market.read(work)

    def break_(self, subject: str) -> None:
        """Have the work on this subject fail."""
        self._broken = subject

    def kill(self, subject: str) -> None:
        """Have the work on this subject end the process."""
        self._killing = subject

    def mend(self) -> None:
        self._broken = self._killing = ""

    def hold(self, write: int) -> None:
        """Have the worker wait before a write, counted from 1."""
        self._gate.held = write

    async def wait_until_held(self) -> None:
        async with asyncio.timeout(SECONDS_MAX):
            await self._gate.is_held.wait()

    def let_go(self) -> None:
        self._gate.is_open.set()

    async def serve(self) -> None:
        """Run the daemon, as a server does, until no advance is under way."""
        daemon = asyncio.create_task(run_daemon(self._market.worker, asyncio.Event(), poll_seconds=0.01))
        try:
            async with asyncio.timeout(SECONDS_MAX):
                while (await clock_of(self._market))["state"] == "advancing":  # noqa: ASYNC110 - from outside
                    await asyncio.sleep(0.01)
        finally:
            daemon.cancel()
            with suppress(asyncio.CancelledError):
                await daemon
