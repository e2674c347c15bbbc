"""A publisher in the marketplace under test: what it sells, what was bought of it, and how it calls.

``desk`` runs a test on both engines, with purchases made in the production account unless told otherwise. Its
webhooks go to ``market.receivers`` when ``market.deliver`` is called, or at once where a partner waits.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from comptoir.bootstrap.making import Made
from comptoir.db import sql
from comptoir.identity import service as identity
from comptoir.identity.model import Credentials
from tests.market import Json, Market, open_market
from tests.order_market import publish

VERSION = "api-version=2018-08-31"
BASE = "/api/saas/subscriptions"
PUBLISHER = "northbeam"
OTHER = "southbeam"
APPLICATION = "91c2f0aa-55f6-4d38-8b1f-4f3f5f0a7c20"
OTHER_APPLICATION = "a1c2f0aa-55f6-4d38-8b1f-4f3f5f0a7c21"
NOWHERE = "00000000-0000-4000-8000-000000000000"

CATALOGUE = """
publisher:
  id: northbeam
  name: Northbeam Labs
  tenantId: 5d1f0c7e-8a52-4f6e-9b1d-2f3f6f0a7c12
  appId: 91c2f0aa-55f6-4d38-8b1f-4f3f5f0a7c20
offers:
  - id: harbor
    name: Harbor
    pricingModel: perUser
    landingPageUrl: https://app.northbeam.example/start?from=comptoir
    webhookUrl: https://app.northbeam.example/hooks/harbor
    plans:
      - id: team
        name: Team
        description: For a team.
        markets: &markets {US: USD, FR: EUR}
        trial: P1M
        seats: {minimum: 2, maximum: 50}
        terms: &terms
          - {termUnit: P1M, payment: P1M, price: {USD: 10, EUR: 9.50}}
          - {termUnit: P1Y, payment: P1M, price: {USD: 8, EUR: 7.50}}
      - {id: large, name: Large, markets: *markets, seats: {minimum: 5, maximum: 500}, terms: *terms}
      - {id: huge, name: Huge, markets: *markets, seats: {minimum: 100}, terms: *terms}
      - {id: france, name: France, markets: {FR: EUR}, terms: [
          {termUnit: P1M, payment: P1M, price: {EUR: 4}}]}
      - {id: yearly, name: Yearly, markets: *markets, terms: [
          {termUnit: P1Y, payment: P1Y, price: {USD: 80, EUR: 75}}]}
      - {id: stopped, name: Stopped, markets: *markets, terms: *terms, stopSell: true}
      - {id: ours, name: Ours, markets: *markets, terms: *terms, exclusiveTo: [PARTNER]}
      - {id: theirs, name: Theirs, markets: *markets, terms: *terms,
          exclusiveTo: [0f0e0d0c-0b0a-4908-8706-050403020100]}
      - {id: extra, name: Extra, markets: *markets, terms: *terms, addOnTo: [team]}
  - id: beacon
    name: Beacon
    pricingModel: flatRate
    landingPageUrl: https://app.northbeam.example/beacon
    webhookUrl: https://app.northbeam.example/hooks/beacon
    dimensions:
      - {id: scans, displayName: Document scans, unitOfMeasure: per 100 scans}
      - {id: calls, displayName: Calls, unitOfMeasure: per call}
    plans:
      - id: pro
        name: Pro
        markets: *markets
        terms:
          - {termUnit: P1M, payment: P1M, price: {USD: 90, EUR: 85}, included: {scans: 20, calls: infinite}}
          - {termUnit: P1Y, payment: P1Y, price: {USD: 900, EUR: 850}, included: {scans: 300}}
        meters:
          scans: {price: {USD: 0.6, EUR: 0.55}}
          calls: {price: {USD: 0.01, EUR: 0.01}}
      - {id: basic, name: Basic, markets: *markets, terms: [
          {termUnit: P1M, payment: P1M, price: {USD: 30, EUR: 28}}]}
  - id: pamphlet
    name: Pamphlet
    pricingModel: perUser
    fulfillment: auto
    landingPageUrl: https://app.northbeam.example/pamphlet
    webhookUrl: https://app.northbeam.example/hooks/pamphlet
    plans:
      - {id: reader, name: Reader, markets: *markets, terms: *terms}
"""
OTHER_CATALOGUE = """
publisher:
  id: southbeam
  name: Southbeam
  tenantId: 6d1f0c7e-8a52-4f6e-9b1d-2f3f6f0a7c13
  appId: a1c2f0aa-55f6-4d38-8b1f-4f3f5f0a7c21
offer:
  id: lamp
  name: Lamp
  pricingModel: perUser
  landingPageUrl: https://app.southbeam.example/start
  webhookUrl: https://app.southbeam.example/hooks
  plans:
    - {id: lamp, name: Lamp, markets: {US: USD}, terms: [
        {termUnit: P1M, payment: P1M, price: {USD: 3}}]}
"""

LIST_ITEMS = sql("""
    SELECT s.plan_id, s.is_trial, a.country, a.product_id, a.sku_id, a.id
    FROM products p
    JOIN skus s ON s.product_id = p.id
    JOIN availabilities a ON a.product_id = s.product_id AND a.sku_id = s.id
    WHERE p.publisher_id = 'northbeam' AND a.is_current = 1
""")


@dataclass
class Desk:
    """The publisher's side of the marketplace, and a partner who buys."""

    market: Market
    account: str = "production"
    publisher: str = PUBLISHER
    credentials: Mapping[str, Credentials] = field(default_factory=dict)

    # What the publisher calls

    async def call(
        self, method: str, path: str, body: Json = None, *, publisher: str | None = None, **options: Any
    ) -> httpx2.Response:
        """A call of the publisher; a refused one must have changed nothing."""
        separator = "&" if "?" in path else "?"
        caller = f"publisher:{publisher or self.publisher}"
        return await self.market.call(
            method, f"{BASE}{path}{separator}{VERSION}", body, account=caller, **options
        )

    async def read(self, path: str, **options: Any) -> Json:
        reply = await self.call("GET", path, **options)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def resolve(self, token: str, **options: Any) -> httpx2.Response:
        return await self.call("POST", "/resolve", headers={"x-ms-marketplace-token": token}, **options)

    async def deliver(self) -> list[Json]:
        """Send what is due; the bodies that the publisher got by it."""
        before = len(self.market.receivers.messages)
        await self.market.deliver()
        return self.market.receivers.bodies[before:]

    async def configure(self, **settings: Any) -> None:
        await self.market.configure(self.account, **settings)

    # What the partner does

    @property
    def customer_id(self) -> str:
        return self.market.customer("US", self.account)

    async def item(self, plan: str, country: str = "US") -> str:
        """The catalogue item of a plan; ``team trial`` is the trial of ``team``."""
        rows = await self.market.read(lambda tx: tx.all(LIST_ITEMS))
        (item,) = (
            f"{row['product_id']}:{row['sku_id']}:{row['id']}"
            for row in rows
            if (f"{row['plan_id']}{' trial' * row['is_trial']}", row["country"]) == (plan, country)
        )
        return item

    async def buy(self, plan: str = "team", quantity: int = 6, **members: Json) -> "Bought":
        """A purchase that waits for its publisher."""
        cycle = members.pop("billingCycle", "none" if plan.endswith(" trial") else "monthly")
        line = {"lineItemNumber": 0, "offerId": await self.item(plan), "quantity": quantity, **members}
        body = {"billingCycle": cycle, "lineItems": [line]}
        path = f"/v1/customers/{self.customer_id}/orders"
        placed = await self.market.post(path, body, account=self.account)
        assert placed.status_code == 201, placed.text
        await self.market.work()
        order = placed.json()
        return Bought(self, order["id"], order["lineItems"][0]["subscriptionId"])

    async def activated(self, plan: str = "team", quantity: int = 6, **members: Json) -> "Bought":
        """A purchase that its publisher has activated."""
        bought = await self.buy(plan, quantity, **members)
        reply = await bought.call("POST", "/activate", {})
        assert reply.status_code == 200, reply.text
        return bought


@dataclass
class Bought:
    """A purchase of the publisher's."""

    desk: Desk
    order_id: str
    id: str

    @property
    def path(self) -> str:
        """Where the partner finds it."""
        return f"/v1/customers/{self.desk.customer_id}/subscriptions/{self.id}"

    async def link(self) -> str:
        """What the partner hands to whoever sets it up."""
        reply = await self.desk.market.get(f"{self.path}/activationlinks", account=self.desk.account)
        assert reply.status_code == 200, reply.text
        uri: str = reply.json()["items"][0]["link"]["uri"]
        return uri

    async def token(self) -> str:
        """A new purchase token, as a landing page reads it."""
        return parse_qs(urlsplit(await self.link()).query)["token"][0]

    async def call(self, method: str, path: str = "", body: Json = None, **options: Any) -> httpx2.Response:
        """A call of the publisher about it."""
        return await self.desk.call(method, f"/{self.id}{path}", body, **options)

    async def seen(self) -> Json:
        """The purchase as its publisher sees it."""
        return await self.desk.read(f"/{self.id}")

    async def owned(self) -> Json:
        """The subscription as the partner sees it."""
        reply = await self.desk.market.get(self.path, account=self.desk.account)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def patch(self, body: Json, **options: Any) -> httpx2.Response:
        """The partner's PATCH."""
        return await self.desk.market.patch(self.path, body, account=self.desk.account, **options)

    async def operations(self) -> list[Json]:
        """The operations that are open."""
        found: list[Json] = (await self.desk.read(f"/{self.id}/operations"))["operations"]
        return found

    async def operation(self, operation_id: str) -> Json:
        return await self.desk.read(f"/{self.id}/operations/{operation_id}")

    async def acknowledge(
        self, operation_id: str, status: str = "Success", **options: Any
    ) -> httpx2.Response:
        return await self.call("PATCH", f"/operations/{operation_id}", {"status": status}, **options)

    async def states(self) -> tuple[str, str]:
        """The status on both sides: the partner's, the publisher's."""
        return (await self.owned())["status"], (await self.seen())["saasSubscriptionStatus"]


def refusal(reply: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal in the fulfillment shape."""
    fault: Mapping[str, str] = reply.json()
    return reply.status_code, fault["code"]


async def open_desk(market: Market) -> Desk:
    """Publish two publishers' catalogues and register their applications."""
    partner = await market.account("production")
    await publish(market, CATALOGUE.replace("PARTNER", partner.id))
    await publish(market, OTHER_CATALOGUE)
    credentials = {}
    for publisher_id, client_id in ((PUBLISHER, APPLICATION), (OTHER, OTHER_APPLICATION)):
        register = partial(
            identity.create_publisher_application,
            publisher_id=publisher_id,
            client_id=client_id,
            name=publisher_id,
            wall=market.now,
        )
        credentials[publisher_id] = await market.write(register)
    return Desk(market, credentials=credentials)


@pytest.fixture
async def desk(market: Market) -> Desk:
    """The publisher above, on each engine."""
    return await open_desk(market)


@pytest.fixture
async def sqlite_desk(sample_sqlite_url: tuple[str, Made]) -> AsyncIterator[Desk]:
    """The publisher above on one engine: for what has little to do with the database."""
    async with open_market(*sample_sqlite_url) as market:
        yield await open_desk(market)
