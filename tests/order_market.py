"""A catalogue that provokes every refusal of a purchase, sold in the marketplace under test."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2
import pytest

from comptoir.bootstrap.server import make_context
from comptoir.catalog import service_import
from comptoir.core.accounts import OPERATOR_ACCOUNT
from comptoir.core.context import Actor
from comptoir.customers import service_resellers
from comptoir.customers.model import Reseller
from comptoir.db import Tx, sql
from comptoir.subscriptions import service as subscriptions
from tests.market import Json, Market

CATALOGUE = """
publisher:
  id: testworks
  name: Testworks
  tenantId: 5d1f0c7e-8a52-4f6e-9b1d-2f3f6f0a7c11
  appId: 0b0c5c8e-2e5b-4a5e-8f4e-6a9c1d2b3e4f
offer:
  id: desk
  name: Desk
  pricingModel: perUser
  landingPageUrl: https://testworks.example/signup
  webhookUrl: https://testworks.example/webhook
  plans:
    - id: team
      name: Desk - Team
      markets: &all {US: USD, FR: EUR, JP: JPY}
      trial: P1M
      seats: {maximum: 300}
      terms:
        - {termUnit: P1M, payment: P1M, price: {USD: 7.50, EUR: 7.25, JPY: 900}}
        - {termUnit: P1Y, payment: P1M, price: {USD: 7, EUR: 6.75, JPY: 850}}
        - {termUnit: P3Y, payment: P1Y, price: {USD: 70, EUR: 66, JPY: 9000}}
    - id: extra
      name: Desk - Extra
      markets: *all
      addOnTo: [team]
      minimumParentSeats: 5
      seats: {minimum: 2, maximum: 50}
      terms: &monthly [{termUnit: P1M, payment: P1M, price: {USD: 2, EUR: 2, JPY: 250}}]
    - {id: extra-scarce, name: D, markets: *all, terms: *monthly, addOnTo: [team], stock: 10}
    - {id: extra-single, name: D, markets: *all, terms: *monthly, addOnTo: [team], ownershipLimit: 1}
    - {id: extra-attested, name: D, markets: *all, terms: *monthly, addOnTo: [team], attestation: Use}
    - {id: extra-stopped, name: D, markets: *all, terms: *monthly, addOnTo: [team], stopSell: true}
    - {id: extra-school, name: D, markets: *all, terms: *monthly, addOnTo: [team], segments: [education]}
    - {id: extra-large, name: D, markets: *all, terms: *monthly, addOnTo: [large]}
    - {id: scarce, name: D, markets: *all, terms: *monthly, stock: 10}
    - {id: single, name: D, markets: *all, terms: *monthly, ownershipLimit: 1}
    - {id: attested, name: D, markets: *all, terms: *monthly, attestation: Use}
    - {id: stopped, name: D, markets: *all, terms: *monthly, stopSell: true}
    - {id: school, name: D, markets: *all, terms: *monthly, segments: [education]}
    - {id: large, name: D, markets: *all, terms: *monthly, seats: {minimum: 30}}
    - {id: extra-annual, name: Desk, markets: *all, addOnTo: [team], terms: &annual [
        {termUnit: P1Y, payment: P1Y, price: {USD: 20, EUR: 20, JPY: 2500}}]}
    - {id: france, name: Desk, markets: {FR: EUR}, terms: &euros [
        {termUnit: P1M, payment: P1M, price: {EUR: 2}}]}
    - {id: extra-francs, name: Desk, markets: {US: CHF}, addOnTo: [team], terms: [
        {termUnit: P1M, payment: P1M, price: {CHF: 2}}]}
    - {id: extra-france, name: Desk, markets: {FR: EUR}, addOnTo: [team], terms: *euros}
"""

LIST_ITEMS = sql("""
    SELECT s.plan_id, s.is_trial, a.country, a.product_id, a.sku_id, a.id
    FROM products p
    JOIN skus s ON s.product_id = p.id
    JOIN availabilities a ON a.product_id = s.product_id AND a.sku_id = s.id
    WHERE p.publisher_id = 'testworks' AND a.is_current = 1
""")
MAKE_INDIRECT = sql("UPDATE accounts SET is_indirect_provider = 1 WHERE id = :account_id")
DISAGREE = sql("DELETE FROM agreements WHERE account_id = :account_id")
SET_CYCLE = sql("UPDATE orders SET billing_cycle = :billing_cycle WHERE account_id = :account_id")
MOVE_CLOCK = sql("UPDATE accounts SET clock_offset_micros = :micros WHERE id = :account_id")
UNKNOWN_MPN_ID = "4999999"
RESELLER = Reseller("0f0e0d0c-0b0a-4908-8706-050403020100", "Reseller", "4000123", "Active", "US", True)
FORMER = Reseller("1f0e0d0c-0b0a-4908-8706-050403020100", "Former", "4000777", "Terminated", "US", True)


@dataclass
class Shop:
    """The marketplace with the catalogue above, and one customer in the United States."""

    market: Market
    items: Mapping[tuple[str, str], str]
    account: str = "sandbox"

    @property
    def customer_id(self) -> str:
        return self.market.customer("US", self.account)

    @property
    def path(self) -> str:
        return f"/v1/customers/{self.customer_id}/orders"

    def item(self, plan: str = "team", country: str = "US") -> str:
        """The catalogue item of a plan; ``team trial`` is the trial of ``team``."""
        return self.items[plan, country]

    def line(self, plan: str = "team", quantity: int = 6, number: int = 0, **members: Json) -> Json:
        """An order line as a caller sends it."""
        item = self.items.get((plan, "US"), plan)
        return {"lineItemNumber": number, "offerId": item, "quantity": quantity, **members}

    async def post(self, *lines: Json, **members: Json) -> httpx2.Response:
        """``POST orders``"""
        body = {"billingCycle": "monthly", "lineItems": list(lines or (self.line(),)), **members}
        return await self.market.post(self.path, body, account=self.account)

    async def order(self, *lines: Json, **members: Json) -> Json:
        """A completed order."""
        placed = await self.post(*lines, **members)
        assert placed.status_code == 201, placed.text
        await self.market.work()
        return await self.read(placed.json()["id"])

    async def read(self, order_id: str, **options: Any) -> Json:
        reply = await self.get(f"/{order_id}", **options)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def get(self, path: str = "", **options: Any) -> httpx2.Response:
        """``GET orders...``"""
        return await self.market.get(f"{self.path}{path}", **{"account": self.account, **options})

    async def patch(self, order_id: str, body: Json, **options: Any) -> httpx2.Response:
        """``PATCH orders/{id}``"""
        return await self.market.patch(
            f"{self.path}/{order_id}", body, **{"account": self.account, **options}
        )

    async def subscription(self, subscription_id: str) -> Json:
        path = f"/v1/customers/{self.customer_id}/subscriptions/{subscription_id}"
        reply = await self.market.get(path, account=self.account)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def activate(self, order: Json) -> None:
        """Activate everything that an order bought."""
        for line in order["lineItems"]:
            path = f"/v1/customers/{self.customer_id}/subscriptions/{line['subscriptionId']}/activate"
            assert (await self.market.post(path, account=self.account)).status_code == 200

    async def make_indirect(self) -> None:
        """Turn the account into an indirect provider with one reseller at work and one that left."""
        ctx = await self.market.context(self.account)

        async def work(tx: Tx) -> None:
            await tx.run(MAKE_INDIRECT, account_id=ctx.account.id)
            for reseller in (RESELLER, FORMER):
                await service_resellers.add(tx, ctx, reseller)

        await self.market.write(work)

    async def republish(self, old: str = "USD: 7.50", new: str = "USD: 8.50") -> None:
        """Publish the catalogue again with one thing changed."""
        assert CATALOGUE.count(old) == 1, old
        await publish(self.market, CATALOGUE.replace(old, new))

    async def current_item(self, plan: str) -> str:
        """The catalogue item of a plan in the United States as it is now, after a publication."""
        rows = await self.market.read(lambda tx: tx.all(LIST_ITEMS))
        (item,) = (
            f"{row['product_id']}:{row['sku_id']}:{row['id']}"
            for row in rows
            if (row["plan_id"], row["is_trial"], row["country"]) == (plan, 0, "US")
        )
        return item

    async def cancel_subscriptions(self) -> None:
        """End everything that the customer holds."""
        ctx = await self.market.context(self.account)
        await self.market.write(partial(subscriptions.cancel_all, ctx=ctx, customer_id=self.customer_id))

    async def set_billing_cycle(self, cycle: str) -> None:
        """Write a billing cycle into every order that no plan of this catalogue has."""
        account = await self.market.account(self.account)
        await self.market.write(lambda tx: tx.run(SET_CYCLE, account_id=account.id, billing_cycle=cycle))

    async def disagree(self) -> None:
        """Take back every customer's agreement."""
        account = await self.market.account(self.account)
        await self.market.write(lambda tx: tx.run(DISAGREE, account_id=account.id))

    async def move_clock(self, seconds: int) -> None:
        """Set the account's clock so many seconds ahead of the wall's."""
        account = await self.market.account(self.account)
        micros = seconds * 1_000_000
        await self.market.write(lambda tx: tx.run(MOVE_CLOCK, account_id=account.id, micros=micros))


async def publish(market: Market, text: str = CATALOGUE) -> None:
    """Import a catalogue file."""
    ctx = make_context(market.services, OPERATOR_ACCOUNT, Actor("operator"), market.now)
    await market.write(partial(service_import.import_files, ctx=ctx, files=[("desk.yaml", text)]))


@pytest.fixture
async def shop(market: Market) -> Shop:
    """The marketplace with the catalogue above, on each engine."""
    return await open_shop(market)


async def open_shop(market: Market) -> Shop:
    """Publish the catalogue above."""
    await publish(market)
    rows = await market.read(lambda tx: tx.all(LIST_ITEMS))
    items = {
        (
            f"{row['plan_id']}{' trial' * row['is_trial']}",
            row["country"],
        ): f"{row['product_id']}:{row['sku_id']}:{row['id']}"
        for row in rows
    }
    return Shop(market, items)
