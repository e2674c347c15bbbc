"""What foreign clients find in the books: an invoice of the month before, lines of the month that runs."""

import subprocess
import time
from datetime import UTC, datetime, timedelta

from tests.market import ADMIN
from tests.tls_server import TlsServer, comptoir

from comptoir.client import Comptoir
from comptoir.client.models import Customer, Order, OrderBody, OrderLineItemBody

COUNTRY = "FR"
"""Of the customer that buys here, so that another one's books are left to the client under test."""

PRODUCT, PLAN = "Cinderpeak Logs", "Base camp"
DIMENSIONS = ("gigabytes", "queries")
USAGE_DAYS = 3
UNTIL_INVOICED = 39
"""Days after which the month is invoiced, whichever day it is."""

POLLS_MAX = 200


def bill(server: TlsServer) -> None:
    """Buy a metered plan three times, use it, let the month's invoice be issued, and use it again."""
    account = server.account("sandbox")
    customer_id = next(each["id"] for each in account["customers"] if each["country"] == COUNTRY)
    with server.client() as http:
        token = server.token("--account", "sandbox", "--user", ADMIN)
        client = Comptoir(token, base_url=server.url, http=http)
        customer = client.customers.get(customer_id)
        orders = [_bought(client, customer) for _ in range(3)]
        subscriptions = [str(order.line_items[0].subscription_id) for order in orders]
        for subscription_id in subscriptions:
            client.subscriptions.activate(customer.id, subscription_id)
        _advance(server, USAGE_DAYS)
        _use(server, subscriptions)
        _advance(server, UNTIL_INVOICED)
        _use(server, subscriptions)


def _bought(client: Comptoir, customer: Customer) -> Order:
    products = client.products.list_for_customer(customer.id).to_list()
    product = next(each for each in products if each.title.startswith(PRODUCT))
    skus = client.skus.list_for_customer(customer.id, product.id).to_list()
    sku = next(each for each in skus if each.title.casefold() in {PLAN.casefold(), "camp de base"})
    offer = client.availabilities.list_for_customer(customer.id, product.id, sku.id).first().items[0]
    line = OrderLineItemBody(line_item_number=0, offer_id=offer.catalog_item_id, quantity=1)
    order = client.orders.create(customer.id, OrderBody(line_items=[line]))
    for _ in range(POLLS_MAX):
        if order.status == "completed":
            break
        time.sleep(0.05)
        order = client.orders.get(customer.id, order.id)
    return order


def _use(server: TlsServer, subscriptions: list[str]) -> None:
    """Usage of each dimension in the last days; each day is a line."""
    clock = server.operator("GET", "/operator/v1/accounts/sandbox/clock")
    now = datetime.fromisoformat(clock["now"]).astimezone(UTC)
    for subscription_id in subscriptions:
        events = [
            {
                "resourceId": subscription_id,
                "planId": "base-camp",
                "dimension": dimension,
                "quantity": 12.5,
                "effectiveStartTime": (now - timedelta(days=days)).isoformat(),
            }
            for dimension in DIMENSIONS
            for days in range(USAGE_DAYS)
        ]
        reply = server.operator("POST", "/operator/v1/accounts/sandbox/usage", {"request": events})
        assert {each["status"] for each in reply["result"]} == {"Accepted"}, reply


def _advance(server: TlsServer, days: int) -> None:
    subprocess.run(
        comptoir("clock", "advance", "--by", f"P{days}D", "--database", server.database),
        cwd=server.folder,
        check=True,
        capture_output=True,
        timeout=120,
    )
