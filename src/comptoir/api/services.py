"""What handlers that open their own transactions hold, wired by ``bootstrap``."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from comptoir.api.exporter import Exporter
from comptoir.core.errors import Code, Refusal, Unsettled
from comptoir.core.ids import Ids
from comptoir.db import Database, Tx
from comptoir.delivery.service_engine import Engine
from comptoir.identity.model import Secrets
from comptoir.settings import Settings
from comptoir.worker import Worker, run_until

T = TypeVar("T")

SETTLINGS_MAX = 3
"""How often a call has overdue work done before it runs again."""

SETTLING_SECONDS_MAX = 20
"""How long it waits for that each time."""


@dataclass(frozen=True, slots=True)
class Services:
    """The open database and the facts of this installation.

    ``wall`` gives the real time, aware UTC. ``operator_key`` is the secret that commands on the same machine
    use for the operator API while the server holds the database. ``worker`` does due work, ``engine`` sends
    webhooks, ``exporter`` makes files of lines. ``stopping`` is set when the server is about to end: what
    waits for something gives up then.
    """

    database: Database
    secrets: Secrets
    settings: Settings
    wall: Callable[[], datetime]
    ids: Ids
    operator_key: str
    worker: Worker
    engine: Engine
    exporter: Exporter
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction of its own, after the overdue work that it stumbles over.

        Whoever opens transactions for a caller does so here. Raises ``BUSY`` if the work is not done in time.
        """
        for _ in range(SETTLINGS_MAX):
            try:
                return await self.database.write(work)
            except Unsettled as unsettled:
                await self._settle(unsettled.account_id)
        try:
            return await self.database.write(work)
        except Unsettled as unsettled:
            raise Refusal(Code.BUSY) from unsettled

    async def _settle(self, account_id: str) -> None:
        try:
            async with asyncio.timeout(SETTLING_SECONDS_MAX):
                await run_until(self.worker, account_id=account_id)
        except TimeoutError as error:  # the daemon goes on
            raise Refusal(Code.BUSY) from error
