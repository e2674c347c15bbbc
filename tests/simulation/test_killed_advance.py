"""A server is killed again and again while it advances a clock through years of renewals and invoices.

It goes on, and in the end the books are byte for byte those of an advance that nobody disturbed.
"""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.faults import Repeatable
from tests.market import open_market
from tests.simulation import books, scenario
from tests.started import Started, started

from comptoir.bootstrap import running
from comptoir.settings import Settings

pytestmark = pytest.mark.anyio

KILLS = 10
SEED = 10
PATH = "/operator/v1/accounts/sandbox/clock"
TO = "2035-03-09T00:00:00Z"
SENT = {"MS-RequestId": "11111111-0000-4000-8000-000000000000"}
SECONDS_MAX = 60
Json = Any
Content = dict[str, list[str]]


@dataclass(frozen=True)
class Killing:
    """A marketplace with years ahead of it, and its servers."""

    folder: Path
    repeatable: Repeatable

    def start(self) -> AbstractContextManager[Started]:
        file = running.server_file(Settings(database=self.repeatable.url))
        return started(self.folder, database=self.repeatable.url, file=self.folder / file)

    @asynccontextmanager
    async def connect(self, server: Started) -> AsyncIterator[httpx2.AsyncClient]:
        headers = {"Authorization": f"Bearer {server.info['key']}"}
        async with httpx2.AsyncClient(
            base_url=server.address, headers=headers, timeout=SECONDS_MAX
        ) as client:
            yield client

    async def undisturbed(self) -> tuple[Json, Content]:
        """What an advance without a server comes to, and the books then; all is put back afterwards."""
        async with open_market(self.repeatable.url, self.repeatable.made) as market:
            await scenario.live(market)
            await market.work()  # a server would, before it is asked to advance
        await self.repeatable.keep()
        async with open_market(self.repeatable.url, self.repeatable.made) as market:
            market.time[0] = scenario.STANDS_AT
            reply = await market.post(f"{PATH}/advance", {"to": TO}, account="operator", alone=False)
            content = await self._books(market.services.database)
        await self.repeatable.restore()
        return reply.json()["advance"], content

    async def outcome(self) -> Content:
        """The books, once they are proven."""
        async with open_market(self.repeatable.url, self.repeatable.made) as market:
            await books.prove(market)
            return await self._books(market.services.database)

    async def _books(self, database: Any) -> Content:
        sandbox = next(made for made in self.repeatable.made.accounts if made.name == "sandbox")
        return await books.content(database, sandbox.tenant_id)


@pytest.fixture
def killing(repeatable: Repeatable, tmp_path: Path) -> Killing:
    return Killing(tmp_path, repeatable)


async def look(client: httpx2.AsyncClient) -> Json:
    return (await client.get(PATH)).json()


async def advance(client: httpx2.AsyncClient) -> httpx2.Response | None:
    """The answer, or ``None`` if the server is killed."""
    try:
        return await client.post(f"{PATH}/advance", json={"to": TO}, headers=SENT)
    except httpx2.TransportError:
        return None


async def test_a_killed_server_goes_on_with_its_advance(killing: Killing) -> None:
    whole, undisturbed = await killing.undisturbed()
    chance = random.Random(SEED)
    done = 0
    for number in range(KILLS):
        with killing.start() as server:
            async with killing.connect(server) as client:
                asked = asyncio.create_task(advance(client)) if number == 0 else None
                done = await _wait_for_progress(client, whole["pieces"] * (number + 1) // (KILLS + 3))
                await asyncio.sleep(chance.random() / 100)
                server.process.send_signal(signal.SIGKILL)
                assert asked is None or await asked is None
        assert done < whole["pieces"], "it was killed too late"
    with killing.start() as server:
        async with killing.connect(server) as client:
            assert done <= (await look(client))["advance"]["pieces"]
            joined = await advance(client)
            assert joined is not None
            shown = joined.json()
        assert server.end(signal.SIGTERM)[0] == 0
    assert shown["advance"] == whole
    assert (shown["state"], shown["now"]) == ("frozen", TO)
    resumed = await killing.outcome()
    assert len(resumed["invoices"]) > 100
    assert resumed == undisturbed


async def _wait_for_progress(client: httpx2.AsyncClient, pieces: int) -> int:
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            shown = await look(client)
            done = shown["advance"]["pieces"] if "advance" in shown else 0
            if done >= pieces:
                return int(done)
