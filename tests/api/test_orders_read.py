"""Reading orders and leading to the set-up, on both engines (``10-catalog-cart-orders`` sections 4 and 5)."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.market import ADMIN, BASE_URL, HELPDESK, Json
from tests.order_market import Shop, shop

pytestmark = pytest.mark.anyio
__all__ = ["shop"]

JAVA = {"MS-PartnerCenter-Client": "Partner Center Java SDK"}


def ids(reply: Json) -> list[str]:
    return [order["id"] for order in reply["items"]]


async def test_an_order_is_completed_by_its_due_work(shop: Shop) -> None:
    placed = (await shop.post()).json()
    line = placed["lineItems"][0]
    assert (placed["status"], "subscription" in line["links"]) == ("pending", False)
    await shop.market.work()
    order = await shop.read(placed["id"])
    assert order["status"] == "completed"
    uri = f"/customers/{shop.customer_id}/subscriptions/{line['subscriptionId']}"
    assert order["lineItems"][0]["links"]["subscription"]["uri"] == uri
    assert (await shop.subscription(line["subscriptionId"]))["status"] == "pending"


async def test_fulfilment_takes_its_time(shop: Shop) -> None:
    await shop.market.configure(order_fulfilment_delay_seconds=2)
    placed = (await shop.post()).json()
    shop.market.wait(seconds=1)
    await shop.market.work()
    assert (await shop.read(placed["id"]))["status"] == "pending"
    shop.market.wait(seconds=1)
    await shop.market.work()
    assert (await shop.read(placed["id"]))["status"] == "completed"


async def test_both_ids_read_an_order_and_its_parts(shop: Shop) -> None:
    order = await shop.order()
    for part in (
        "",
        "/provisioningstatus",
        "/activationlinks",
        "/lineitems/0/activationlinks",
        "/attachments",
    ):
        by_id = await shop.get(f"/{order['id']}{part}")
        by_alternate_id = await shop.get(f"/{order['alternateId']}{part}")
        assert by_id.status_code == by_alternate_id.status_code == 200
        assert by_id.json() == by_alternate_id.json()


async def test_the_guid_form_of_ids(shop: Shop) -> None:
    await shop.market.configure(order_id_form="guid")
    order = await shop.order()
    assert len(order["id"]) == 36
    assert (await shop.read(order["alternateId"]))["id"] == order["id"]


@pytest.mark.parametrize("include", ["True", "true", "TRUE"])
async def test_prices_are_read_on_request(shop: Shop, include: str) -> None:
    order = await shop.order()
    assert "totalPrice" not in order
    assert "pricing" not in order["lineItems"][0]
    priced = (await shop.get(f"/{order['id']}?INCLUDE_PRICE={include}")).json()
    assert (priced["totalPrice"], priced["lineItems"][0]["pricing"]["extendedPrice"]) == (45.0, 45.0)
    (listed,) = (await shop.get(f"?include_price={include}")).json()["items"]
    assert listed == priced
    assert (await shop.get("?include_price=false")).json()["items"] == [order]


async def test_helpdesk_agents_read_orders_without_prices(shop: Shop) -> None:
    order = await shop.order()
    assert (await shop.get(f"/{order['id']}", user=HELPDESK)).json() == order
    for path in (f"/{order['id']}?include_price=true", "?include_price=true"):
        reply = await shop.get(path, user=HELPDESK)
        assert (reply.status_code, reply.json()["code"]) == (403, 800043)
        assert (await shop.get(path, user=ADMIN)).status_code == 200


async def test_lists_are_newest_first(shop: Shop) -> None:
    placed = []
    for _ in range(3):
        placed.append((await shop.post()).json()["id"])
        shop.market.wait(seconds=1)
    reply = (await shop.get()).json()
    assert ids(reply) == placed[::-1]
    assert reply["links"]["self"]["uri"] == f"/customers/{shop.customer_id}/orders"


async def test_a_customer_without_orders(shop: Shop) -> None:
    assert (await shop.get()).json()["items"] == []


@pytest.mark.parametrize(
    ("billing_type", "found"),
    [
        ("Monthly", ["monthly"]),
        ("none", ["none"]),
        ("NONE", ["none"]),
        ("2", ["annual"]),
        ("one_time", []),
        ("onetime", []),
        ("OneTime", []),
        ("Triennial", []),
        ("unknown", ["annual", "none", "monthly"]),
        ("0", ["annual", "none", "monthly"]),
    ],
)
async def test_lists_by_billing_cycle(shop: Shop, billing_type: str, found: list[str]) -> None:
    for plan, cycle in (("team", "monthly"), ("team trial", "none"), ("team", "annual")):
        await shop.post(shop.line(plan, 1), billingCycle=cycle)
        shop.market.wait(seconds=1)
    reply = await shop.get(f"?billingType={billing_type}&include_price=True")
    assert [order["billingCycle"] for order in reply.json()["items"]] == found


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [("billingType=weekly", 400, 900126), ("billingType=7", 400, 900126), ("include_price=yes", 400, 3000)],
)
async def test_queries_that_cannot_be_understood(shop: Shop, query: str, status: int, code: int) -> None:
    order = await shop.order()
    paths = [f"?{query}"] + [f"/{order['id']}?{query}"] * ("include_price" in query)
    for path in paths:
        reply = await shop.get(path)
        assert (reply.status_code, reply.json()["code"]) == (status, code)


async def test_the_list_hides_an_order_for_fifteen_minutes(shop: Shop) -> None:
    await shop.market.configure(order_list_delay_seconds=900)
    order_id = (await shop.post()).json()["id"]
    shop.market.wait(minutes=14, seconds=59)
    assert (await shop.get()).json()["items"] == []
    assert (await shop.get("?billingType=monthly")).json()["items"] == []
    assert (await shop.read(order_id))["id"] == order_id
    shop.market.wait(seconds=1)
    assert ids((await shop.get()).json()) == [order_id]


async def test_the_list_goes_by_the_account_s_clock(shop: Shop) -> None:
    await shop.market.configure(order_list_delay_seconds=900)
    order_id = (await shop.post()).json()["id"]
    await shop.move_clock(899)
    assert (await shop.get()).json()["items"] == []
    await shop.move_clock(900)
    assert ids((await shop.get()).json()) == [order_id]


async def test_provisioning_follows_the_order(shop: Shop) -> None:
    placed = (await shop.post(shop.line(), shop.line(quantity=1, number=1))).json()

    async def statuses() -> list[tuple[int, str, Any]]:
        reply = await shop.get(f"/{placed['id']}/provisioningstatus")
        assert reply.json()["links"]["self"]["uri"].endswith(f"/orders/{placed['id']}/provisioningstatus")
        return [
            (each["lineItemNumber"], each["status"], each["quantityProvisioningInformation"])
            for each in reply.json()["items"]
        ]

    def both(status: str) -> list[tuple[int, str, Any]]:
        return [(n, status, [{"quantity": q, "status": status}]) for n, q in ((0, 6), (1, 1))]

    assert await statuses() == both("prefulfillmentPending")
    await shop.market.work()
    assert await statuses() == both("fulfilled")
    await shop.patch(placed["id"], {"status": "cancelled", "lineItems": [{"lineItemNumber": 1}]})
    unfulfilled = (1, "unfulfilled", [{"quantity": 0, "status": "unfulfilled"}])
    assert await statuses() == [both("fulfilled")[0], unfulfilled]
    await shop.patch(placed["id"], {"status": "cancelled"})
    assert (await statuses())[0] == both("unfulfilled")[0]


async def test_an_order_in_error_has_no_provisioning(shop: Shop) -> None:
    """All that it bought ended before it was fulfilled."""
    placed = (await shop.post()).json()
    await shop.cancel_subscriptions()
    await shop.market.work()
    order = await shop.read(placed["id"])
    assert order["status"] == "error"
    assert list(order["links"]) == ["self"]
    reply = await shop.get(f"/{placed['id']}/provisioningstatus")
    assert (reply.status_code, reply.json()["code"]) == (404, 800007)
    assert (await shop.get(f"/{placed['id']}/activationlinks")).json()["items"] == []


async def test_the_links_of_an_order_and_of_its_lines(shop: Shop) -> None:
    order = await shop.order(shop.line(), shop.line(number=1))
    of_order = (await shop.get(f"/{order['id']}/activationlinks")).json()
    assert [each["lineItemNumber"] for each in of_order["items"]] == [0, 1]
    for line in order["lineItems"]:
        uri = line["links"]["activationLinks"]["uri"]
        of_line = (await shop.market.get(f"/v1/{uri}")).json()
        assert of_line["links"]["self"]["uri"] == uri
        assert of_line["items"] == [of_order["items"][line["lineItemNumber"]]]
        assert of_line["items"][0]["link"] == {
            "uri": f"{BASE_URL}/sandbox/activation-placeholder"
            f"?order={order['alternateId']}&line={line['lineItemNumber']}",
            "method": "GET",
            "headers": [],
        }


async def test_a_production_link_leads_to_the_publisher_with_a_new_token_each_time(shop: Shop) -> None:
    shop.account = "production"
    order = await shop.order()
    uris = set()
    for _ in range(2):
        (item,) = (await shop.get(f"/{order['id']}/lineitems/0/activationlinks")).json()["items"]
        uris.add(item["link"]["uri"])
        assert item["link"]["uri"].startswith("https://testworks.example/signup?token=")
        assert urlsplit(item["link"]["uri"]).query.count("=") == 1
    assert len(uris) == 2


async def test_an_active_subscription_still_has_its_link(shop: Shop) -> None:
    order = await shop.order()
    await shop.activate(order)
    assert len((await shop.get(f"/{order['id']}/lineitems/0/activationlinks")).json()["items"]) == 1


async def test_links_wait_for_the_order(shop: Shop) -> None:
    placed = (await shop.post()).json()
    for part in ("activationlinks", "lineitems/0/activationlinks"):
        reply = await shop.get(f"/{placed['id']}/{part}")
        assert (reply.status_code, reply.json()["code"]) == (409, 800060)


@pytest.mark.parametrize("number", ["1", "-1", "x", "0x0", "00000000000", "1.0", "٠"])
async def test_lines_outside_the_order(shop: Shop, number: str) -> None:
    order = await shop.order()
    reply = await shop.get(f"/{order['id']}/lineitems/{number}/activationlinks")
    assert (reply.status_code, reply.json()["code"]) == (400, 800071)


async def test_there_are_no_attachments(shop: Shop) -> None:
    order = await shop.order()
    assert (await shop.get(f"/{order['id']}/attachments")).json()["items"] == []
    posted = await shop.market.post(f"{shop.path}/{order['id']}/attachment", {"name": "po.pdf"})
    read = await shop.get(f"/{order['id']}/attachment/1")
    for reply in (posted, read):
        assert (reply.status_code, reply.json()["code"]) == (400, 800042)


PARTS = (
    "",
    "/provisioningstatus",
    "/activationlinks",
    "/lineitems/0/activationlinks",
    "/attachments",
    "/attachment/1",
)


async def test_orders_that_are_not_the_customer_s(shop: Shop) -> None:
    order = await shop.order()
    others = f"/v1/customers/{shop.market.customer('FR')}/orders"
    for part in PARTS:
        for path in (
            f"{shop.path}/{order['id'].swapcase()}{part}",
            f"{shop.path}/{order['alternateId'].upper()}x{part}",
            f"{shop.path}/000000000000{part}",
            f"{shop.path}/%27%20OR%201%3D1{part}",
            f"{others}/{order['id']}{part}",
            f"{others}/{order['alternateId']}{part}",
        ):
            reply = await shop.market.get(path)
            assert (reply.status_code, reply.json()["code"]) == (404, 20000), path
    reply = await shop.market.post(f"{others}/{order['id']}/attachment", {})
    assert (reply.status_code, reply.json()["code"]) == (404, 20000)


async def test_customers_that_are_not_ours(shop: Shop) -> None:
    foreign = shop.market.customer("US", "production")
    order = await shop.order()
    for customer_id, status, code in (
        ("me", 400, 900118),
        ("00000000-0000-4000-8000-000000000000", 404, 60003),
        (foreign, 403, 20002),
    ):
        path = f"/v1/customers/{customer_id}/orders"
        replies = [await shop.market.get(f"{path}/{order['id']}{part}") for part in PARTS]
        replies.append(await shop.market.get(path))
        replies.append(await shop.market.post(f"{path}/{order['id']}/attachment", {}))
        for reply in replies:
            assert (reply.status_code, reply.json()["code"]) == (status, code)


async def test_strict_clients_never_see_later_billing_cycles(shop: Shop) -> None:
    order = await shop.order()
    await shop.set_billing_cycle("triennial")
    assert (await shop.read(order["id"]))["billingCycle"] == "triennial"
    assert (await shop.read(order["id"], headers=JAVA))["billingCycle"] == "unknown"
    (listed,) = (await shop.get(headers=JAVA)).json()["items"]
    assert listed["billingCycle"] == "unknown"
    echoed = {**listed, "status": "completed"}
    assert (await shop.patch(order["id"], echoed, headers=JAVA)).json()["billingCycle"] == "unknown"
