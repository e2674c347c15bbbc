"""A server is killed under a load of checkouts and started again on the same file.

Every order whose checkout was answered is there whole, none is half there, and a checkout that was under way
takes effect once when its client repeats it.
"""

import asyncio
import random
import shutil
import signal
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from tests.started import Started, command, started

from comptoir.audit import service as audit
from comptoir.bootstrap.making import Made
from comptoir.bootstrap.opening import opened
from comptoir.db import Tx, sql
from comptoir.settings import Settings

pytestmark = pytest.mark.anyio

CLIENTS = 12
KILLED_AFTER = (3, 15, 30)
"""After how many answered checkouts the server is killed, one round each."""

PLANS = ("Team", "Team – Free trial")
Json = Any

# Tests look at everything there is, of every account.
COUNT_BROKEN = sql("""
SELECT
  (SELECT count(*) FROM orders o WHERE NOT EXISTS (
     SELECT 1 FROM order_lines l WHERE l.account_id = o.account_id AND l.order_id = o.id)) AS empty_orders,
  (SELECT count(*) FROM order_lines l WHERE NOT EXISTS (
     SELECT 1 FROM orders o WHERE o.account_id = l.account_id AND o.id = l.order_id)) AS lost_lines,
  (SELECT count(*) FROM order_lines l WHERE NOT EXISTS (
     SELECT 1 FROM subscriptions s WHERE s.account_id = l.account_id AND s.id = l.subscription_id
     AND s.order_id = l.order_id AND s.line_number = l.line_number)) AS lines_without_subscription,
  (SELECT count(*) FROM subscriptions s WHERE NOT EXISTS (
     SELECT 1 FROM order_lines l WHERE l.account_id = s.account_id AND l.subscription_id = s.id))
     AS lost_subscriptions,
  (SELECT count(*) FROM orders o WHERE o.status = 'pending' AND NOT EXISTS (
     SELECT 1 FROM due_work d WHERE d.account_id = o.account_id AND d.subject_id = o.alternate_id))
     AS forgotten_orders
""")
COUNT_JOURNALLED = sql("""
SELECT
  (SELECT count(*) FROM orders) AS orders,
  (SELECT count(*) FROM journal WHERE action = 'create_order') AS create_order
""")


@dataclass
class Checkout:
    """One checkout of one cart. ``answer`` is there if the server acknowledged it before it was killed."""

    cart_id: str
    request_id: str
    answer: bytes | None = None


@dataclass
class Load:
    """Clients that fill carts and check them out until the server is gone."""

    customer: str
    items: tuple[str, str]
    chance: random.Random
    checkouts: list[Checkout] = field(default_factory=list)

    @property
    def acknowledged(self) -> list[Checkout]:
        return [checkout for checkout in self.checkouts if checkout.answer is not None]

    async def press(self, client: httpx2.AsyncClient) -> None:
        """Buy for ever; ends when the connection does."""
        while True:
            try:
                await self._buy(client)
            except httpx2.TransportError:
                return

    async def _buy(self, client: httpx2.AsyncClient) -> None:
        monthly, trial = self.items
        lines = [
            {"id": 0, "catalogItemId": monthly, "quantity": 3, "billingCycle": "monthly"},
            {"id": 1, "catalogItemId": trial, "quantity": 1, "billingCycle": "none"},
        ]
        cart = await client.post(f"/v1/customers/{self.customer}/carts", json={"lineItems": lines})
        assert cart.status_code == 201, cart.text
        assert "error" not in cart.text, cart.text
        checkout = Checkout(cart.json()["id"], str(UUID(int=self.chance.getrandbits(128), version=4)))
        self.checkouts.append(checkout)
        checkout.answer = await self.send(client, checkout)

    async def send(self, client: httpx2.AsyncClient, checkout: Checkout) -> bytes:
        """Check the cart out, under the request id that every repeat has too."""
        path = f"/v1/customers/{self.customer}/carts/{checkout.cart_id}/checkout"
        reply = await client.post(path, headers={"MS-RequestId": checkout.request_id})
        assert reply.status_code == 201, reply.text
        return reply.content


def connect(server: Started, token: str) -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"}
    limits = httpx2.Limits(max_connections=CLIENTS)
    return httpx2.AsyncClient(base_url=server.address, headers=headers, limits=limits, timeout=20)


async def catalog_item(client: httpx2.AsyncClient, title: str) -> str:
    """The catalogue item of a plan, by the plan's title."""
    products = await client.get("/v1/products?country=US&targetView=MarketplaceSaaS")
    for product in products.json()["items"]:
        skus = await client.get(f"/v1/products/{product['id']}/skus?country=US")
        for sku in skus.json()["items"]:
            if sku["title"] == title:
                path = f"/v1/products/{product['id']}/skus/{sku['id']}/availabilities?country=US"
                found = await client.get(path)
                item_id: str = found.json()["items"][0]["catalogItemId"]
                return item_id
    raise AssertionError(f"nothing is sold as {title}")


async def test_what_was_acknowledged_survives_and_nothing_is_half_there(
    tmp_path: Path, sample_sqlite: tuple[Path, Made]
) -> None:
    path, made = sample_sqlite
    shutil.copyfile(path, tmp_path / "market.db")
    sandbox = made.accounts[1]
    customer = next(customer.id for customer in sandbox.customers if customer.country == "US")
    token = command(tmp_path, "token", "--account", "sandbox", "--database", "market.db").stdout.strip()
    load = Load(customer, ("", ""), random.Random(1))
    for killed_after in KILLED_AFTER:
        before = len(load.checkouts)
        await _press_and_kill(tmp_path, token, load, before + killed_after)
        await _restart_and_look(tmp_path, token, load, load.checkouts[before:])
        await _examine(tmp_path / "market.db", sandbox.tenant_id)


async def _press_and_kill(folder: Path, token: str, load: Load, killed_after: int) -> None:
    with started(folder) as server:
        async with connect(server, token) as client:
            if not load.items[0]:
                load.items = await catalog_item(client, PLANS[0]), await catalog_item(client, PLANS[1])
            clients = [asyncio.create_task(load.press(client)) for _ in range(CLIENTS)]
            while len(load.acknowledged) < killed_after or len(load.acknowledged) == len(load.checkouts):
                await asyncio.sleep(0.002)
                assert not any(task.done() for task in clients), "a client has stopped before the server"
            server.process.send_signal(signal.SIGKILL)
            await asyncio.gather(*clients)


async def _restart_and_look(folder: Path, token: str, load: Load, recent: list[Checkout]) -> None:
    """Read what was acknowledged, and repeat every checkout, as a client without an answer does."""
    with started(folder) as server:
        async with connect(server, token) as client:
            for checkout in recent:
                if checkout.answer is not None:
                    await _require_whole(client, load.customer, checkout)
            for checkout in recent:
                answer = await load.send(client, checkout)
                assert checkout.answer in {None, answer}, "a repeat was answered differently"
                checkout.answer = answer
            orders = await client.get(f"/v1/customers/{load.customer}/orders")
        server.end(signal.SIGTERM)
    bought = {order["id"] for checkout in load.checkouts for order in _orders(checkout)}
    assert len(bought) == 2 * len(load.checkouts)
    assert {order["id"] for order in orders.json()["items"]} == bought


def _orders(checkout: Checkout) -> list[Json]:
    assert checkout.answer is not None
    result = httpx2.Response(201, content=checkout.answer).json()
    assert result["orderErrors"] == []
    orders: list[Json] = result["orders"]
    return orders


async def _require_whole(client: httpx2.AsyncClient, customer: str, checkout: Checkout) -> None:
    for order in _orders(checkout):
        stored = await client.get(f"/v1/customers/{customer}/orders/{order['id']}")
        assert stored.status_code == 200, stored.text
        assert [_essence(line) for line in stored.json()["lineItems"]] == [
            _essence(line) for line in order["lineItems"]
        ]
        for line in order["lineItems"]:
            path = f"/v1/customers/{customer}/subscriptions/{line['subscriptionId']}"
            subscription = await client.get(path)
            assert subscription.json()["quantity"] == line["quantity"]


def _essence(line: Json) -> tuple[Json, ...]:
    return tuple(line[name] for name in ("lineItemNumber", "offerId", "subscriptionId", "quantity"))


async def _examine(database_path: Path, account_id: str) -> None:
    """Hold the stored rows against each other, and the journal against its own chain."""

    async def look(tx: Tx) -> tuple[dict[str, int], dict[str, int]]:
        broken, counted = await tx.one(COUNT_BROKEN), await tx.one(COUNT_JOURNALLED)
        assert broken is not None
        assert counted is not None
        return dict(broken), dict(counted)

    async with opened(Settings(database=str(database_path)), read_only=True) as database:
        broken, counted = await database.read(look)
        assert set(broken.values()) == {0}, broken
        assert counted["create_order"] == counted["orders"]
        assert await database.read(partial(audit.verify_chain, account_id=account_id)) is None
