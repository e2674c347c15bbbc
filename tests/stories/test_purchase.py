"""A partner's purchase from the first look at the catalogue to the active subscription, on both engines.

The order of the calls is that of an official client (`10` section 7.1, acceptance check 1).
"""

from urllib.parse import parse_qs, urlsplit

import pytest
from tests.market import BASE_URL, Json, Market
from tests.purchase_shelf import COUNTRY, a_line, carts_of, check_out, fill, path_of, stock

pytestmark = pytest.mark.anyio


async def fetched(market: Market, uri: str, account: str = "sandbox") -> Json:
    """What a link of an answer leads to."""
    reply = await market.get(f"/v1/{uri}", account=account)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def item_of(market: Market, title: str, account: str = "sandbox") -> Json:
    """The first availability of a plan, found by following links from the list of products."""
    products = await fetched(market, f"/products?country={COUNTRY}&targetView=OnlineServices", account)
    (product,) = [each for each in products["items"] if each["title"] == "Lantern"]
    skus = await fetched(market, product["links"]["skus"]["uri"], account)
    (sku,) = [each for each in skus["items"] if each["title"] == title and not each["isTrial"]]
    availabilities = await fetched(market, sku["links"]["availabilities"]["uri"], account)
    return availabilities["items"][0]


async def test_a_purchase_in_the_sandbox(market: Market) -> None:
    await stock(market)
    customer = f"/customers/{market.customer(COUNTRY)}"
    monthly, yearly = await item_of(market, "Plain"), await item_of(market, "Yearly")

    line = {
        "catalogItemId": monthly["catalogItemId"],
        "quantity": monthly["sku"]["minimumQuantity"],
        "termDuration": monthly["terms"][0]["duration"],
        "billingCycle": monthly["sku"]["supportedBillingCycles"][0],
    }
    cart = (await market.post(f"/v1{customer}/carts", {"LineItems": [line]})).json()
    cart["lineItems"].append(a_line(yearly["catalogItemId"], 2))
    cart = (await market.put(path_of(cart), cart)).json()
    assert [each["orderGroup"] for each in cart["lineItems"]] == ["0", "1"]
    result = await check_out(market, cart, raw=b'"success"')
    assert [order["status"] for order in result["orders"]] == ["pending", "pending"]

    await market.work()
    order = await fetched(market, result["orders"][0]["links"]["self"]["uri"])
    assert order["status"] == "completed"
    listed = await fetched(market, f"{customer}/orders")
    assert {each["id"] for each in listed["items"]} == {each["id"] for each in result["orders"]}

    (bought,) = order["lineItems"]
    links = await fetched(market, bought["links"]["activationLinks"]["uri"])
    subscription = await fetched(market, bought["links"]["subscription"]["uri"])
    same_links = await fetched(market, subscription["links"]["activationLinks"]["uri"])
    assert links["items"] == same_links["items"]
    dummy = links["items"][0]["link"]["uri"]
    assert dummy.startswith(f"{BASE_URL}/sandbox/")
    assert (await market.client.get(dummy)).status_code == 200
    subscription = await fetched(market, bought["links"]["subscription"]["uri"])
    assert subscription["status"] == "pending"

    activated = await market.post(f"/v1{bought['links']['subscription']['uri']}/activate")
    assert activated.json() == {"subscriptionId": subscription["id"], "status": "Success"}
    subscription = await fetched(market, bought["links"]["subscription"]["uri"])
    assert (subscription["status"], subscription["orderId"]) == ("active", order["id"])
    assert subscription["commitmentEndDate"] > market.now.isoformat()


async def test_a_purchase_in_production_waits_for_its_publisher(market: Market) -> None:
    await stock(market)
    item = await item_of(market, "Plain", "production")
    carts = carts_of(market.customer(COUNTRY, "production"))
    body = {"lineItems": [a_line(item["catalogItemId"])]}
    cart = (await market.post(carts, body, account="production")).json()
    (order,) = (await check_out(market, cart, account="production"))["orders"]
    await market.work()
    uri = order["lineItems"][0]["links"]["activationLinks"]["uri"]
    links = await fetched(market, uri, "production")
    address = urlsplit(links["items"][0]["link"]["uri"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == "https://lantern.example/signup"
    assert len(parse_qs(address.query)["token"][0]) > 20
    subscription_id = order["lineItems"][0]["subscriptionId"]
    path = f"/v1/customers/{market.customer(COUNTRY, 'production')}/subscriptions/{subscription_id}"
    refused = await market.post(f"{path}/activate", account="production")
    assert (refused.status_code, refused.json()["code"]) == (400, 900127)
    assert (await market.get(path, account="production")).json()["status"] == "pending"


async def test_an_order_hides_from_the_list_for_a_quarter_of_an_hour(market: Market) -> None:
    shelf = await stock(market)
    await market.configure(order_list_delay_seconds=900)
    customer = f"/customers/{market.customer(COUNTRY)}"
    (order,) = (await check_out(market, await fill(market, a_line(shelf["plain"]))))["orders"]
    assert (await fetched(market, order["links"]["self"]["uri"]))["id"] == order["id"]
    market.wait(minutes=14, seconds=59)
    assert (await fetched(market, f"{customer}/orders"))["items"] == []
    market.wait(seconds=1)
    assert [each["id"] for each in (await fetched(market, f"{customer}/orders"))["items"]] == [order["id"]]


async def test_a_purchase_that_goes_wrong_half_way_and_is_put_right(market: Market) -> None:
    """Two partners' users want the last units; the one who comes second gets the rest of the cart first."""
    shelf = await stock(market)
    first = await fill(market, a_line(shelf["boxed"], 4))
    second = await fill(market, a_line(shelf["plain"], 10), a_line(shelf["boxed"], 2))
    await check_out(market, first)
    half = await check_out(market, second)
    assert [error["code"] for error in half["orderErrors"]] == [800010]
    await market.work()
    (kept,) = half["orders"]
    activated = await market.post(
        f"/v1/customers/{market.customer(COUNTRY)}/subscriptions/"
        f"{kept['lineItems'][0]['subscriptionId']}/activate"
    )
    assert activated.status_code == 200

    cart = (await market.get(path_of(second))).json()
    assert cart["status"] == "Active"
    cart["lineItems"][1]["quantity"] = 1
    repaired = (await market.put(path_of(second), cart)).json()
    assert all("error" not in line for line in repaired["lineItems"])
    whole = await check_out(market, second)
    assert whole["orderErrors"] == []
    assert whole["orders"][0]["id"] == kept["id"]
    assert (await market.get(path_of(second))).json()["status"] == "Ordered"

    market.wait(days=8)
    await market.work()
    market.tokens.clear()
    assert await check_out(market, second) == whole
