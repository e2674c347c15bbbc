"""The server's own wiring: a commit wakes the engine, which sends over the network to where it may."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.delivery.hostile import site
from tests.store.test_deliveries import until

from comptoir.api.services import Services
from comptoir.bootstrap.making import Made
from comptoir.bootstrap.opening import opened
from comptoir.bootstrap.server import make_context, make_services
from comptoir.core.context import Actor
from comptoir.db import Tx, sql
from comptoir.delivery import service
from comptoir.delivery.model import Delivery, State
from comptoir.delivery.service_engine import run_daemon
from comptoir.identity import service as identity
from comptoir.settings import Settings

pytestmark = pytest.mark.anyio

MOVE = sql("""
    UPDATE products SET document = replace(document, 'https://app.hoshikawa.example/hooks/marketplace', :url)
    WHERE publisher_id = 'hoshikawa'
""")
FIND_PRODUCT = sql("SELECT id FROM products WHERE publisher_id = 'hoshikawa' ORDER BY id{c} LIMIT 1")


@asynccontextmanager
async def served(url: str, **settings: object) -> AsyncIterator[Services]:
    """The services of a server whose engine is at work."""
    alarm = asyncio.Event()
    in_force = Settings(database=url, public_base_url="http://here.test", **settings)  # type: ignore[arg-type]
    async with opened(in_force, delivery_alarm=alarm) as database:
        services = await make_services(database, in_force, delivery_alarm=alarm)
        daemon = asyncio.create_task(run_daemon(services.engine))
        try:
            yield services
        finally:
            daemon.cancel()
            await asyncio.gather(daemon, return_exceptions=True)


async def order(services: Services, url: str) -> str:
    async def enqueue(tx: Tx) -> str:
        await tx.run(MOVE, url=url)
        row = await tx.one(FIND_PRODUCT)
        assert row is not None
        target = await service.publisher_target(tx, row["id"])
        assert target is not None
        assert target.url == url
        account = (await identity.require_account(tx, "sandbox")).account
        ctx = make_context(services, account, Actor("test"), services.wall())
        return await service.enqueue(
            tx,
            ctx,
            queue="subscription",
            kind="saas_operation",
            subject_id="operation",
            target=target,
            body=b"{}",
            is_refusable=True,
        )

    return await services.database.write(enqueue)


async def read(services: Services, delivery_id: str) -> Delivery:
    return await services.database.read(lambda tx: service.require(tx, delivery_id))


async def test_a_commit_is_followed_by_its_webhook(sample_sqlite_url: tuple[str, Made]) -> None:
    async with (
        site() as receiver,
        served(sample_sqlite_url[0], webhook_private_networks="127.0.0.0/8") as services,
    ):
        delivery_id = await order(services, receiver.url("well"))
        await until(lambda: bool(receiver.requests) and not services.engine.under_way)
        assert "\r\nAuthorization: Bearer ey" in receiver.requests[0]
        assert (await read(services, delivery_id)).state is State.DELIVERED


async def test_this_machine_is_not_called_unless_it_is_allowed(sample_sqlite_url: tuple[str, Made]) -> None:
    async with site() as receiver, served(sample_sqlite_url[0]) as services:
        delivery_id = await order(services, receiver.url("well"))
        await until(lambda: bool(services.engine.failing) and not services.engine.under_way)
        found = await read(services, delivery_id)
        assert (found.state, found.last_error) == (
            State.PENDING,
            "127.0.0.1 is not allowed: its network is loopback",
        )
        assert receiver.requests == []


async def test_a_file_of_authorities_that_is_none_is_told(
    sample_sqlite_url: tuple[str, Made], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    async with (
        site() as receiver,
        served(sample_sqlite_url[0], webhook_ca_file=str(tmp_path / "ca.pem")) as services,
    ):
        delivery_id = await order(services, receiver.url("well"))
        await until(lambda: bool(services.engine.failing) and not services.engine.under_way)
        assert "could not be sent" in ((await read(services, delivery_id)).last_error or "")
