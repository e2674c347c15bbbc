"""A small catalogue for tests of purchases: each plan differs from the plain one in one trait.

``shelf = await stock(market)`` puts it beside the sample; ``shelf["plain"]`` is then the catalogue item id of
a plan in France.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from comptoir.catalog import service_import
from comptoir.db import Row, Tx, sql
from tests.market import Json, Market

COUNTRY = "FR"
FILE = "lantern.yaml"
CATALOGUE = """
publisher:
  id: lantern
  name: Lantern Works
  tenantId: 4be1c5a8-2f83-4d0e-9b6a-7c1f0e5d2a31
  appId: a7d94c02-6b1e-4f5a-8c37-0d2e9f4b1c65
offers:
  - id: lantern
    name: Lantern
    pricingModel: perUser
    landingPageUrl: https://lantern.example/signup
    webhookUrl: https://lantern.example/hook
    plans:
      - id: plain
        name: Plain
        markets: {FR: EUR, US: USD}
        trial: P1M
        seats: {minimum: 1, maximum: 300}
        terms:
          - {termUnit: P1M, payment: P1M, price: {EUR: 7.50, USD: 8.00}}
          - {termUnit: P1Y, payment: P1M, price: {EUR: 6.25, USD: 7.00}}
      - id: yearly
        name: Yearly
        markets: {FR: EUR}
        terms: [{termUnit: P1Y, payment: P1Y, price: {EUR: 99.99}}]
      - id: francs
        name: Sold in francs
        markets: {FR: CHF}
        terms: [{termUnit: P1M, payment: P1M, price: {CHF: 9.05}}]
      - id: american
        name: Sold in America
        markets: {US: USD}
        terms: [{termUnit: P1M, payment: P1M, price: {USD: 5.00}}]
      - id: school
        name: For schools
        markets: {FR: EUR}
        segments: [education]
        terms: [{termUnit: P1M, payment: P1M, price: {EUR: 1.00}}]
      - id: boxed
        name: Five in stock
        markets: {FR: EUR}
        stock: 5
        terms: [{termUnit: P1Y, payment: P1Y, price: {EUR: 40.00}}]
      - id: shut
        name: Not sold any more
        markets: {FR: EUR}
        stopSell: true
        terms: [{termUnit: P1M, payment: P1M, price: {EUR: 3.00}}]
      - id: club
        name: For one partner
        markets: {FR: EUR}
        exclusiveTo: [99999999-aaaa-4bbb-8ccc-dddddddddddd]
        terms: [{termUnit: P1M, payment: P1M, price: {EUR: 3.00}}]
      - id: pledge
        name: With an attestation
        markets: {FR: EUR}
        attestation: Academic use
        terms: [{termUnit: P1M, payment: P1M, price: {EUR: 3.00}}]
      - id: single
        name: One for each customer
        markets: {FR: EUR}
        ownershipLimit: 1
        terms: [{termUnit: P1M, payment: P1M, price: {EUR: 3.00}}]
      - id: extra
        name: Add-on of Plain
        markets: {FR: EUR}
        addOnTo: [plain]
        minimumParentSeats: 5
        seats: {minimum: 2, maximum: 300}
        terms:
          - {termUnit: P1M, payment: P1M, price: {EUR: 1.10}}
          - {termUnit: P1Y, payment: P1Y, price: {EUR: 11.00}}
      - id: swiss-extra
        name: Add-on of Plain in francs
        markets: {FR: CHF}
        addOnTo: [plain]
        terms: [{termUnit: P1M, payment: P1M, price: {CHF: 1.20}}]
"""

# Tests look at the catalogue, which belongs to no account.
READ_ITEMS = sql("""
    SELECT s.plan_id, s.is_trial, a.country, a.product_id, a.sku_id, a.id
    FROM availabilities a
    JOIN skus s ON s.product_id = a.product_id AND s.id = a.sku_id
    JOIN products p ON p.id = a.product_id
    WHERE p.publisher_id = 'lantern' AND a.is_current = 1
""")


@dataclass(frozen=True, slots=True)
class Shelf:
    """The catalogue item ids by plan, trial or not, and country."""

    items: Mapping[tuple[str, bool, str], str]

    def __getitem__(self, plan: str) -> str:
        return self.items[plan, False, COUNTRY]

    def trial(self, plan: str) -> str:
        return self.items[plan, True, COUNTRY]

    def in_country(self, plan: str, country: str) -> str:
        return self.items[plan, False, country]


async def stock(market: Market, catalogue: str = CATALOGUE) -> Shelf:
    """Import the catalogue, or a changed one in its place."""
    ctx = await market.context()
    await market.write(partial(service_import.import_files, ctx=ctx, files=[(FILE, catalogue)]))

    async def read(tx: Tx) -> list[Row]:
        return await tx.all(READ_ITEMS)

    rows = await market.read(read)
    return Shelf({(row["plan_id"], row["is_trial"] == 1, row["country"]): _item(row) for row in rows})


def _item(row: Row) -> str:
    return f"{row['product_id']}:{row['sku_id']}:{row['id']}"


def carts_of(customer_id: str) -> str:
    """The path of a customer's carts."""
    return f"/v1/customers/{customer_id}/carts"


def a_line(item: str, quantity: int = 3, **members: Any) -> Json:
    """A cart line as a caller sends it."""
    return {"catalogItemId": item, "quantity": quantity, **members}


async def fill(market: Market, *lines: Json, **members: Any) -> Json:
    """A new cart of the French customer."""
    body = {"lineItems": list(lines), **members}
    reply = await market.post(carts_of(market.customer(COUNTRY)), body)
    assert reply.status_code == 201, reply.text
    return reply.json()


def path_of(cart: Json) -> str:
    """Where a cart lies."""
    return f"/v1{cart['links']['self']['uri']}"


async def check_out(market: Market, cart: Json, **options: Any) -> Json:
    """The result of checking a cart out."""
    reply = await market.post(f"{path_of(cart)}/checkout", **options)
    assert reply.status_code == 201, reply.text
    return reply.json()
