"""A publisher that meters, and what its customers bought of it, for tests of usage.

``desk`` gives a metered subscription that is active: ``await desk.report(desk.event())`` reports usage of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx2
import pytest

from comptoir.bootstrap.server import make_context
from comptoir.catalog import service_import
from comptoir.core.accounts import OPERATOR_ACCOUNT
from comptoir.core.context import Actor
from comptoir.db import Row, Tx, sql
from comptoir.identity import service as identity
from comptoir.subscriptions import service as subscriptions
from comptoir.subscriptions import store as subscriptions_store
from comptoir.subscriptions.model import Subscription
from tests.market import Json, Market

API_VERSION = "api-version=2018-08-31"
PUBLISHER = "meterworks"
RIVAL = "rivalworks"
RIVAL_APP = "3d1f6c9a-58b7-4c2e-9a60-7e4b1d8f2c35"
CATALOGUE = """
publisher:
  id: meterworks
  name: Meterworks
  tenantId: 2c5e8a1f-7b94-4d36-8e20-1f9a6c3b7d58
  appId: 91b4e7d2-0c6f-4a85-b3d9-5e2f8a7c1d64
offer:
  id: mailer
  name: {en-US: Mailer, fr-FR: Facteur}
  pricingModel: flatRate
  landingPageUrl: https://meterworks.example/start
  webhookUrl: https://meterworks.example/hook
  dimensions:
    - {id: email100, displayName: E-mails, unitOfMeasure: per 100 e-mails}
    - {id: text, displayName: Text messages, unitOfMeasure: per message}
    - {id: calls, displayName: Calls, unitOfMeasure: per minute}
  plans:
    - id: basic
      name: Basic
      markets: {US: USD, FR: EUR, JP: JPY}
      terms: [{termUnit: P1M, payment: P1M, price: {USD: 5, EUR: 5, JPY: 700}, included: {email100: 100}}]
      meters:
        email100: {price: {USD: 1, EUR: 0.9, JPY: 150}}
        text: {price: {USD: 0.05, EUR: 0.045, JPY: 7}}
    - id: big
      name: Big
      markets: {US: USD, FR: EUR, JP: JPY}
      terms:
        - {termUnit: P1Y, payment: P1M, price: {USD: 50, EUR: 50, JPY: 7000}, included: {calls: infinite}}
        - {termUnit: P1M, payment: P1M, price: {USD: 60, EUR: 60, JPY: 8000}}
      meters:
        email100: {price: {USD: 0.8, EUR: 0.7, JPY: 120}}
        calls: {price: {USD: 0.1, EUR: 0.1, JPY: 15}}
    - id: plain
      name: Plain
      markets: {US: USD}
      terms: [{termUnit: P1M, payment: P1M, price: {USD: 1}}]
"""
RIVAL_CATALOGUE = """
publisher:
  id: rivalworks
  name: Rivalworks
  tenantId: 6f0a3d7c-19e5-4b82-a4c7-8d2e5f1b9036
  appId: 3d1f6c9a-58b7-4c2e-9a60-7e4b1d8f2c35
offer:
  id: pigeon
  name: Pigeon
  pricingModel: flatRate
  landingPageUrl: https://rivalworks.example/start
  webhookUrl: https://rivalworks.example/hook
  dimensions: [{id: flights, displayName: Flights, unitOfMeasure: per flight}]
  plans:
    - id: loft
      name: Loft
      markets: {US: USD}
      terms: [{termUnit: P1M, payment: P1M, price: {USD: 5}}]
      meters: {flights: {price: {USD: 2}}}
"""
APPS = {PUBLISHER: "91b4e7d2-0c6f-4a85-b3d9-5e2f8a7c1d64", RIVAL: RIVAL_APP}

# Tests look at the catalogue, which belongs to no account, and at what every account reported.
LIST_ITEMS = sql("""
    SELECT s.plan_id, a.country, a.product_id, a.sku_id, a.id
    FROM products p
    JOIN skus s ON s.product_id = p.id
    JOIN availabilities a ON a.product_id = s.product_id AND a.sku_id = s.id
    WHERE p.publisher_id IN ('meterworks', 'rivalworks') AND a.is_current = 1
""")
# As above.
LIST_EVENTS = sql("""
    SELECT account_id, subscription_id, dimension_id, hour, id, plan_id, quantity, effective_text, rated_at,
        line_id
    FROM usage_events ORDER BY subscription_id{c}, dimension_id{c}, hour
""")


@dataclass
class Desk:
    """The marketplace with the catalogues above, and a subscription that one customer has."""

    market: Market
    subscription_id: str = ""
    account: str = "production"
    country: str = "US"
    plan: str = "basic"

    @property
    def now(self) -> datetime:
        return self.market.now

    @property
    def customer_id(self) -> str:
        return self.market.customer(self.country, self.account)

    def at(self, **ago: float) -> str:
        """An instant some time before now, as publishers write it."""
        return (self.now - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def event(self, **members: Json) -> Json:
        """An event that is accepted, with other members; ``None`` leaves one out."""
        event = {
            "resourceId": self.subscription_id,
            "quantity": 5.5,
            "dimension": "email100",
            "effectiveStartTime": self.at(),
            "planId": self.plan,
            **members,
        }
        return {name: value for name, value in event.items() if value is not None}

    async def call(
        self, method: str, path: str, body: Json = None, *, publisher: str = PUBLISHER, **options: Any
    ) -> httpx2.Response:
        """A call of the publisher; ``path`` is what follows ``/api/``."""
        separator = "&" if "?" in path else "?"
        address = f"/api/{path}{separator}{API_VERSION}"
        return await self.market.call(method, address, body, account=f"publisher:{publisher}", **options)

    async def report(self, event: Json, **options: Any) -> httpx2.Response:
        """``POST usageEvent``"""
        return await self.call("POST", "usageEvent", event, **options)

    async def accept(self, **members: Json) -> Json:
        """An event that is accepted."""
        reply = await self.report(self.event(**members))
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def batch(self, *events: Json, **options: Any) -> list[Json]:
        """The outcomes of ``POST batchUsageEvent``."""
        reply = await self.call("POST", "batchUsageEvent", {"request": list(events)}, **options)
        assert reply.status_code == 200, reply.text
        result: list[Json] = reply.json()["result"]
        assert reply.json()["count"] == len(result) == len(events)
        return result

    async def read_back(self, query: str = "usageStartDate=2026-03-01", **options: Any) -> list[Json]:
        reply = await self.call("GET", f"usageEvents?{query}", **options)
        assert reply.status_code == 200, reply.text
        found: list[Json] = reply.json()
        return found

    async def buy(self, plan: str = "basic", *, is_active: bool = True, **members: Json) -> "Desk":
        """The same desk with another subscription, bought now."""
        items = {(row["plan_id"], row["country"]): row for row in await self.rows(LIST_ITEMS)}
        row = items[plan, self.country]
        line = {"offerId": f"{row['product_id']}:{row['sku_id']}:{row['id']}", "quantity": 1, **members}
        body = {"billingCycle": "monthly", "lineItems": [{"lineItemNumber": 0, **line}]}
        path = f"/v1/customers/{self.customer_id}/orders"
        placed = await self.market.post(path, body, account=self.account)
        assert placed.status_code == 201, placed.text
        await self.market.work()
        reply = await self.market.get(f"{path}/{placed.json()['id']}", account=self.account)
        bought = replace(self, subscription_id=reply.json()["lineItems"][0]["subscriptionId"], plan=plan)
        if is_active:
            await bought.activate()
        return bought

    async def activate(self) -> None:
        await self.market.configure(self.account, allow_partner_activation=True)
        path = f"/v1/customers/{self.customer_id}/subscriptions/{self.subscription_id}/activate"
        reply = await self.market.post(path, account=self.account)
        assert reply.status_code == 200, reply.text
        await self.market.configure(self.account, allow_partner_activation=False)

    async def stored(self) -> Subscription:
        ctx = await self.market.context(self.account)
        get = partial(subscriptions.get, ctx=ctx, customer_id=self.customer_id)
        return await self.market.read(partial(get, subscription_id=self.subscription_id))

    async def rewrite(self, **members: Any) -> None:
        """Store the subscription with other members."""
        before = await self.stored()
        changed = replace(before, **members, version=before.version + 1)
        account = await self.market.account(self.account)
        await self.market.write(
            lambda tx: subscriptions_store.update(tx, account.id, before.version, changed)
        )

    async def rows(self, statement: Any, **parameters: Any) -> list[Row]:
        return await self.market.read(lambda tx: tx.all(statement, **parameters))

    async def events(self) -> list[Row]:
        return await self.rows(LIST_EVENTS)

    def pass_time(self, **duration: float) -> None:
        """Let time pass; tokens are renewed."""
        self.market.wait(**duration)
        self.market.tokens.clear()


async def publish(market: Market, text: str = CATALOGUE) -> None:
    """Import a catalogue file."""
    ctx = make_context(market.services, OPERATOR_ACCOUNT, Actor("operator"), market.now)
    await market.write(partial(service_import.import_files, ctx=ctx, files=[("meters.yaml", text)]))


async def register(market: Market, apps: Mapping[str, str] = APPS) -> None:
    """Register the publishers' applications."""

    async def work(tx: Tx) -> None:
        for publisher, client_id in apps.items():
            await identity.create_publisher_application(tx, publisher, client_id, "Meter", wall=market.now)

    await market.write(work)


async def open_desk(market: Market, **members: Any) -> Desk:
    """Publish both catalogues, and buy the basic plan."""
    await publish(market)
    await publish(market, RIVAL_CATALOGUE)
    await register(market)
    return await Desk(market, **members).buy()


@pytest.fixture
async def desk(market: Market) -> Desk:
    """An active subscription in the production account, on each engine; an hour has passed since."""
    opened = await open_desk(market)
    opened.pass_time(hours=1)
    return opened
