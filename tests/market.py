"""The real application in process, over a copy of the sample marketplace, with a clock that tests move.

``market`` runs a test on both engines. ``await market.get("/v1/...")`` and its siblings call the API as the
sandbox account unless told otherwise.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest

from comptoir.api.app import Application
from comptoir.api.dispatch import WRITING_METHODS
from comptoir.api.services import Services
from comptoir.bootstrap import making
from comptoir.bootstrap.opening import opened
from comptoir.bootstrap.server import make_application, make_context, make_services
from comptoir.core.accounts import Account
from comptoir.core.context import Actor, Context
from comptoir.core.ids import Ids
from comptoir.db import Tx
from comptoir.delivery.model import State
from comptoir.delivery.service_engine import run_pending
from comptoir.identity import service as identity
from comptoir.identity.model import SettingsChange, SettingValue
from comptoir.settings import Settings
from comptoir.worker import Worker, run_until
from tests import watch
from tests.engines import create_postgresql, keep_postgresql, restore_postgresql
from tests.receivers import Receivers

T = TypeVar("T")
Json = Any
START = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
SEED = 7
BASE_URL = "http://market.test"
ADMIN = "ada@rivermark-cloud.example"
SALES = "sam@rivermark-cloud.example"
HELPDESK = "noor@rivermark-cloud.example"


@dataclass
class Market:
    """A marketplace under test. ``now`` is the wall clock, moved by ``wait``.

    ``receivers`` get its webhooks, without a network, when ``deliver`` is called.
    """

    services: Services
    application: Application
    worker: Worker
    made: making.Made
    client: httpx2.AsyncClient
    time: list[datetime]
    receivers: Receivers = field(default_factory=Receivers)
    tokens: dict[tuple[str, str | None], str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.time[0]

    def wait(self, **duration: float) -> None:
        """Let time pass, without doing the work that falls due."""
        self.time[0] += timedelta(**duration)

    def employ(self, worker: Worker) -> None:
        """Let another worker do what requests ask for, and what falls due."""
        self.services = replace(self.services, worker=worker)
        self.worker = worker
        self.application = make_application(self.services, asyncio.Event())
        transport = httpx2.ASGITransport(self.application)
        self.client = httpx2.AsyncClient(transport=transport, base_url=BASE_URL)

    async def advance(self, by: str, account: str = "sandbox") -> Json:
        """Advance the clock of a sandbox by a duration such as P1M, with all work on the way."""
        path = f"/operator/v1/accounts/{account}/clock/advance"
        reply = await self.post(path, {"by": by}, account="operator", alone=False)
        assert reply.status_code == 200, reply.text
        assert reply.json()["advance"]["failures"] == [], reply.text
        return reply.json()

    async def work(self) -> None:
        """Do all work that is due."""
        tally = await run_until(self.worker)
        assert (tally.failed, tally.parked) == (0, 0), tally

    async def deliver(self) -> Counter[State]:
        """Send all webhooks that are due; the states of those that were tried."""
        return await run_pending(self.services.engine)

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Json = None, **options: Any) -> httpx2.Response:
        return await self.call("POST", path, body, **options)

    async def put(self, path: str, body: Json = None, **options: Any) -> httpx2.Response:
        return await self.call("PUT", path, body, **options)

    async def patch(self, path: str, body: Json = None, **options: Any) -> httpx2.Response:
        return await self.call("PATCH", path, body, **options)

    async def delete(self, path: str, **options: Any) -> httpx2.Response:
        return await self.call("DELETE", path, **options)

    async def call(
        self,
        method: str,
        path: str,
        body: Json = None,
        *,
        account: str = "sandbox",
        user: str | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        may_keep: bool = False,
        alone: bool = True,
    ) -> httpx2.Response:
        """One request with a token of the account, on behalf of ``user`` if one is given.

        ``raw`` is sent as it is, in place of the JSON of ``body``. The answer is held against the contract,
        and a refusal must have changed nothing, unless it ``may_keep`` something; not looked at where the
        call is not ``alone``, but one of several at the same time.
        """
        all_headers = {"Authorization": f"Bearer {await self.token(account, user)}", **(headers or {})}
        if raw is not None:
            all_headers = {"Content-Type": "application/json", **all_headers}
        is_watched = alone and not may_keep and method in WRITING_METHODS
        before = await watch.content(self.services.database) if is_watched else {}
        if raw is not None:
            reply = await self.client.request(method, path, content=raw, headers=all_headers)
        else:
            reply = await self.client.request(method, path, json=body, headers=all_headers)
        watch.examine(reply)
        if is_watched and reply.status_code >= 400:
            assert await watch.content(self.services.database) == before, f"{method} {path} changed something"
        return reply

    async def token(self, account: str = "sandbox", user: str | None = None) -> str:
        """A bearer token; remembered, so renew it by clearing ``tokens`` after an hour has passed.

        ``publisher:<id>`` in place of an account means the application of that publisher.
        """
        if (account, user) not in self.tokens:
            publisher = account.removeprefix("publisher:") if account.startswith("publisher:") else None
            issue = partial(
                identity.issue_for_cli,
                secrets=self.services.secrets,
                wall=self.now,
                base_url=BASE_URL,
                account=None if account == "operator" or publisher else account,
                user=user,
                publisher=publisher,
            )
            self.tokens[account, user] = await self.services.database.read(issue)
        return self.tokens[account, user]

    def customer(self, country: str = "US", account: str = "sandbox") -> str:
        """The id of the first sample customer of an account in a country, its agreement confirmed."""
        made = next(made for made in self.made.accounts if made.name == account)
        return next(customer.id for customer in made.customers if customer.country == country)

    async def account(self, name: str = "sandbox") -> Account:
        record = await self.services.database.read(partial(identity.require_account, name=name))
        return record.account

    async def configure(self, account: str = "sandbox", **settings: SettingValue) -> None:
        """Set settings of an account, as an operator does."""
        ctx = make_context(self.services, await self.account(account), Actor("operator"), self.now)
        change = SettingsChange(set=dict(settings))
        await self.services.database.write(
            partial(identity.update_settings, ctx=ctx, name=account, change=change)
        )

    async def context(self, account: str = "sandbox") -> Context:
        """A context for calling services directly."""
        found = await self.account(account)
        return make_context(self.services, found, Actor("test"), found.clock.time_at(self.now))

    async def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.services.database.read(work)

    async def write(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.services.database.write(work)


@asynccontextmanager
async def open_market(url: str, made: making.Made) -> AsyncIterator[Market]:
    """The application over a database that holds the sample. Due work is done only by ``work()``."""
    time = [START]
    settings = Settings(database=url, public_base_url=BASE_URL)
    async with opened(settings) as database:
        receivers = Receivers()
        services = await make_services(database, settings, wall=lambda: time[0], ids=Ids(), send=receivers)
        application = make_application(services, asyncio.Event())
        transport = httpx2.ASGITransport(application)
        async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client:
            yield Market(services, application, services.worker, made, client, time, receivers)


@pytest.fixture(scope="session")
def sample_sqlite(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, making.Made]:
    """A SQLite file with the sample marketplace, and its credentials."""
    path = tmp_path_factory.mktemp("sample") / "sample.db"
    made = asyncio.run(_make(f"sqlite:///{path}"))
    return path, made


@pytest.fixture(scope="session")
def sample_postgresql(postgresql_server: str) -> tuple[str, making.Made]:
    """A PostgreSQL database with the sample marketplace, and its credentials."""
    url = create_postgresql(postgresql_server, "sample")
    made = asyncio.run(_make(url))
    return keep_postgresql(url), made


async def _make(url: str) -> making.Made:
    return await making.initialise(Settings(database=url), with_sample=True, seed=SEED)


@pytest.fixture
def sample_sqlite_url(sample_sqlite: tuple[Path, making.Made], tmp_path: Path) -> tuple[str, making.Made]:
    path = tmp_path / "market.db"
    shutil.copyfile(sample_sqlite[0], path)
    return f"sqlite:///{path}", sample_sqlite[1]


@pytest.fixture
def sample_postgresql_url(sample_postgresql: tuple[str, making.Made]) -> Iterator[tuple[str, making.Made]]:
    yield sample_postgresql
    restore_postgresql(sample_postgresql[0])


@pytest.fixture(params=["sqlite", "postgresql"])
def sample(request: pytest.FixtureRequest) -> tuple[str, making.Made]:
    """The URL of a fresh database with the sample marketplace, on each engine, and its credentials."""
    url, made = request.getfixturevalue(f"sample_{request.param}_url")
    return url, made


@pytest.fixture
async def market(sample: tuple[str, making.Made]) -> AsyncIterator[Market]:
    """A marketplace of its own for each test, on each engine."""
    async with open_market(*sample) as opened_market:
        yield opened_market
