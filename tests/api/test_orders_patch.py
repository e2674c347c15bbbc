"""Changing orders, on both engines (``10-catalog-cart-orders`` sections 4.5 to 4.7)."""

from typing import Any

import pytest
from tests.market import Json
from tests.order_market import FORMER, RESELLER, UNKNOWN_MPN_ID, Shop, shop
from tests.subscription_desk import Held

from comptoir.subscriptions.model import Status, StatusReason

pytestmark = pytest.mark.anyio
__all__ = ["shop"]

YEARLY = ("payment: P1M, price: {USD: 7,", "payment: P1Y, price: {USD: 80,")
"""Makes the publisher sell a year of ``team`` against one payment."""

NO_CHANGES = [
    {},
    {"status": "completed"},
    {"status": "PendingReview"},
    {"billingCycle": "monthly"},
    {"billingCycle": "unknown", "lineItems": []},
    {"lineItems": [{"lineItemNumber": 0, "quantity": 0}]},
]


@pytest.mark.parametrize("word", ["cancelled", "Cancelled", "canceled", "CANCELLED"])
async def test_cancelling_a_whole_order(shop: Shop, word: str) -> None:
    order = await shop.order(shop.line(), shop.line(number=1))
    reply = await shop.patch(order["id"], {"status": word})
    cancelled = reply.json()
    assert (reply.status_code, cancelled["status"]) == (200, "cancelled")
    assert list(cancelled["links"]) == ["self"]
    assert [line["quantity"] for line in cancelled["lineItems"]] == [6, 6]
    assert cancelled["totalPrice"] == 90.0
    for line in cancelled["lineItems"]:
        assert "activationLinks" not in line["links"]
        subscription = await shop.subscription(line["subscriptionId"])
        assert (subscription["status"], subscription["autoRenewEnabled"]) == ("deleted", False)
        links = await shop.get(f"/{order['id']}/lineitems/{line['lineItemNumber']}/activationlinks")
        assert links.json()["items"] == []
    assert (await shop.get(f"/{order['id']}/activationlinks")).json()["items"] == []
    assert (await shop.read(order["id"]))["status"] == "cancelled"


async def test_the_dotnet_way_get_set_the_status_patch(shop: Shop) -> None:
    order = await shop.order()
    line = {
        **{name[0].upper() + name[1:]: value for name, value in order["lineItems"][0].items()},
        "CustomTermEndDate": "0001-01-01T00:00:00",
        "ParentSubscriptionId": None,
        "Pricing": None,
    }
    body = {
        **{name[0].upper() + name[1:]: value for name, value in order.items()},
        "LineItems": [line],
        "Status": "cancelled",
        "TotalPrice": None,
    }
    assert (await shop.patch(order["id"], body)).json()["status"] == "cancelled"


async def test_active_subscriptions_end_with_the_order_whatever_their_refund_window(shop: Shop) -> None:
    order = await shop.order()
    await shop.activate(order)
    shop.market.wait(days=20)
    shop.market.tokens.clear()
    assert (await shop.patch(order["id"], {"status": "cancelled"})).status_code == 200
    subscription = await shop.subscription(order["lineItems"][0]["subscriptionId"])
    assert subscription["status"] == "deleted"


async def test_cancelling_some_lines(shop: Shop) -> None:
    order = await shop.order(shop.line(), shop.line("team", 2, 1), shop.line("team", 3, 2))
    second = {"lineItemNumber": 1, "offerId": order["lineItems"][1]["offerId"]}
    after = (await shop.patch(order["id"], {"status": "cancelled", "lineItems": [second]})).json()
    assert (after["status"], after["totalPrice"]) == ("completed", 67.5)
    assert [line["quantity"] for line in after["lineItems"]] == [6, 0, 3]
    assert ["activationLinks" in line["links"] for line in after["lineItems"]] == [True, False, True]
    states = [(await shop.subscription(line["subscriptionId"]))["status"] for line in after["lineItems"]]
    assert states == ["pending", "deleted", "pending"]
    links = (await shop.get(f"/{order['id']}/activationlinks")).json()["items"]
    assert [each["lineItemNumber"] for each in links] == [0, 2]

    again = await shop.patch(order["id"], {"status": "cancelled", "lineItems": [second]})
    assert (again.status_code, again.json()["code"]) == (400, 800061)
    rest = [{"lineItemNumber": 0}, {"lineItemNumber": 2}]
    last = (await shop.patch(order["id"], {"status": "cancelled", "lineItems": rest})).json()
    assert (last["status"], [line["quantity"] for line in last["lineItems"]]) == ("cancelled", [0, 0, 0])


@pytest.mark.parametrize("line", [{"lineItemNumber": 1}, {"lineItemNumber": 0, "offerId": "another"}])
async def test_cancelling_lines_that_the_order_lacks(shop: Shop, line: Json) -> None:
    order = await shop.order()
    reply = await shop.patch(order["id"], {"status": "cancelled", "lineItems": [line]})
    assert (reply.status_code, reply.json()["code"]) == (400, 800071)


async def test_production_orders_are_not_cancelled(shop: Shop) -> None:
    shop.account = "production"
    order = await shop.order()
    reply = await shop.patch(order["id"], {"status": "cancelled"})
    assert (reply.status_code, reply.json()["code"]) == (403, 800019)
    assert await shop.read(order["id"]) == order


async def test_a_setting_sends_cancellations_to_the_subscription(shop: Shop) -> None:
    order = await shop.order()
    await shop.market.configure(strict_saas_order_cancel=True)
    reply = await shop.patch(order["id"], {"status": "cancelled"})
    assert (reply.status_code, reply.json()["code"]) == (403, 800077)


async def test_orders_that_cannot_be_cancelled_any_more(shop: Shop) -> None:
    first, second = await shop.order(), await shop.order()
    await shop.patch(first["id"], {"status": "cancelled"})
    again = await shop.patch(first["id"], {"status": "cancelled"})
    assert (again.status_code, again.json()["code"]) == (400, 800061)
    shop.market.wait(days=60, microseconds=1)
    shop.market.tokens.clear()
    late = await shop.patch(second["id"], {"status": "cancelled"})
    assert (late.status_code, late.json()["code"]) == (400, 800061)


@pytest.mark.parametrize(
    "body",
    [
        {"status": "cancelled"},
        {"billingCycle": "annual"},
        {"lineItems": [{"lineItemNumber": 0, "quantity": 7}]},
    ],
)
async def test_pending_orders_do_not_change(shop: Shop, body: Json) -> None:
    placed = (await shop.post()).json()
    reply = await shop.patch(placed["id"], body)
    assert (reply.status_code, reply.json()["code"]) == (409, 800060)


async def test_another_billing_cycle(shop: Shop) -> None:
    order = await shop.order(shop.line(termDuration="P1Y"))
    await shop.activate(order)
    before = await shop.subscription(order["lineItems"][0]["subscriptionId"])
    await shop.republish(*YEARLY)
    reply = await shop.patch(order["id"], {"billingCycle": "Annual"})
    changed = reply.json()
    assert (reply.status_code, changed["billingCycle"], changed["totalPrice"]) == (200, "annual", 480.0)
    pricing = changed["lineItems"][0]["pricing"]
    assert (pricing["price"], pricing["extendedPrice"]) == (80.0, 480.0)
    assert changed["lineItems"][0]["offerId"] == order["lineItems"][0]["offerId"]
    assert (await shop.read(order["id"]))["billingCycle"] == "annual"
    after = await shop.subscription(before["id"])
    assert (before["billingCycle"], after["billingCycle"]) == ("monthly", "annual")
    assert after["commitmentEndDate"] == before["commitmentEndDate"]
    assert after["attributes"]["etag"] != before["attributes"]["etag"]


async def test_a_cycle_that_the_plan_does_not_have(shop: Shop) -> None:
    order = await shop.order(shop.line(termDuration="P1Y"))
    await shop.activate(order)
    reply = await shop.patch(order["id"], {"billingCycle": "annual"})
    assert (reply.status_code, reply.json()["code"]) == (400, 6001)


async def test_a_cycle_for_what_is_not_active(shop: Shop) -> None:
    order = await shop.order(shop.line(termDuration="P1Y"))
    await shop.republish(*YEARLY)
    waiting = await shop.patch(order["id"], {"billingCycle": "annual"})
    assert (waiting.status_code, waiting.json()["code"]) == (400, 6000)
    await shop.patch(order["id"], {"status": "cancelled"})
    cancelled = await shop.patch(order["id"], {"billingCycle": "annual"})
    assert (cancelled.status_code, cancelled.json()["code"]) == (400, 6000)


def add_on(shop: Shop, order: Json, plan: str = "extra", quantity: int = 2, **members: Json) -> Json:
    """A PATCH that buys an add-on; numbers begin at 0 again."""
    parent_id = order["lineItems"][0]["subscriptionId"]
    return {"lineItems": [shop.line(plan, quantity, 0, parentSubscriptionId=parent_id, **members)]}


async def test_an_add_on_joins_the_order(shop: Shop) -> None:
    order = await shop.order(shop.line(), shop.line(number=1))
    reply = await shop.patch(order["id"], add_on(shop, order, friendlyName="More"))
    after = reply.json()
    assert (reply.status_code, after["status"], after["totalPrice"]) == (200, "completed", 94.0)
    assert [line["lineItemNumber"] for line in after["lineItems"]] == [0, 1, 2]
    bought = after["lineItems"][2]
    base_id = order["lineItems"][0]["subscriptionId"]
    assert (bought["parentSubscriptionId"], bought["friendlyName"]) == (base_id, "More")
    subscription = await shop.subscription(bought["subscriptionId"])
    assert (subscription["parentSubscriptionId"], subscription["status"]) == (base_id, "pending")
    links = (await shop.get(f"/{order['id']}/activationlinks")).json()["items"]
    assert [each["lineItemNumber"] for each in links] == [0, 1, 2]


async def test_an_order_with_add_ons_is_sent_back_and_grows(shop: Shop) -> None:
    order = await shop.order()
    once = (await shop.patch(order["id"], add_on(shop, order))).json()
    assert (await shop.patch(order["id"], once)).json() == once
    more = {**once, "lineItems": [*once["lineItems"], *add_on(shop, order)["lineItems"]]}
    twice = (await shop.patch(order["id"], more)).json()
    assert [line["lineItemNumber"] for line in twice["lineItems"]] == [0, 1, 2]


@pytest.mark.parametrize(
    ("plan", "quantity", "members", "refusal"),
    [
        ("extra-large", 2, {}, (400, 800029)),
        ("team", 2, {}, (400, 800029)),
        ("extra", 2, {"parentSubscriptionId": "5833af74-42f8-4c10-bb6f-845f4613e12c"}, (400, 800029)),
        ("DZH318Z0XXXX:0001:DZH318Z0YYYY", 2, {}, (400, 800004)),
        ("extra-france@FR", 2, {}, (400, 800070)),
        ("extra-stopped", 2, {}, (403, 800020)),
        ("extra-school", 2, {}, (403, 800020)),
        ("extra-scarce", 11, {}, (400, 800010)),
        ("extra", 1, {}, (400, 800017)),
        ("extra", 51, {}, (400, 800017)),
        ("extra", 0, {}, (400, 800002)),
        ("extra-annual", 1, {}, (400, 900269)),
        ("extra-francs", 2, {}, (400, 900169)),
        ("extra", 2, {"termDuration": "P1Y"}, (400, 800121)),
        ("extra", 2, {"termDuration": "soon"}, (400, 800121)),
        ("extra", 2, {"partnerIdOnRecord": RESELLER.mpn_id}, (400, 800016)),
        ("extra-attested", 2, {}, (400, 900203)),
        ("extra", 2, {"promotionId": "x"}, (400, 3000)),
    ],
)
async def test_what_an_add_on_is_refused_for(
    shop: Shop, plan: str, quantity: int, members: Json, refusal: tuple[int, int]
) -> None:
    order = await shop.order()
    name, _, country = plan.partition("@")
    body = add_on(shop, order, shop.items.get((name, country or "US"), name), quantity)
    body["lineItems"][0].update(members)
    reply = await shop.patch(order["id"], body)
    assert (reply.status_code, reply.json()["code"]) == refusal, reply.text


async def test_an_add_on_of_a_base_with_too_few_seats(shop: Shop) -> None:
    order = await shop.order(shop.line("team", 4))
    reply = await shop.patch(order["id"], add_on(shop, order))
    assert (reply.status_code, reply.json()["code"]) == (400, 800029)


async def test_an_add_on_of_another_order_s_base(shop: Shop) -> None:
    order, other = await shop.order(), await shop.order()
    reply = await shop.patch(order["id"], add_on(shop, other))
    assert (reply.status_code, reply.json()["code"]) == (400, 800029)


async def test_an_add_on_whose_availability_lapsed(shop: Shop) -> None:
    order = await shop.order()
    await shop.republish("price: {USD: 2,", "price: {USD: 3,")
    shop.market.wait(hours=24)
    shop.market.tokens.clear()
    reply = await shop.patch(order["id"], add_on(shop, order))
    assert (reply.status_code, reply.json()["code"]) == (404, 400019)


async def test_an_add_on_that_can_be_held_once(shop: Shop) -> None:
    order = await shop.order()
    assert (await shop.patch(order["id"], add_on(shop, order, "extra-single"))).status_code == 200
    reply = await shop.patch(order["id"], add_on(shop, order, "extra-single"))
    assert (reply.status_code, reply.json()["code"]) == (403, 800089)


async def test_add_ons_count_towards_the_account_s_limits(shop: Shop) -> None:
    order = await shop.order()
    await shop.market.configure(limit_subscriptions_per_customer=1)
    reply = await shop.patch(order["id"], add_on(shop, order))
    assert (reply.status_code, reply.json()["code"]) == (400, 800018)


async def test_add_ons_need_the_customer_s_agreement(shop: Shop) -> None:
    order = await shop.order()
    await shop.disagree()
    reply = await shop.patch(order["id"], add_on(shop, order))
    assert (reply.status_code, reply.json()["code"]) == (403, 13605)


@pytest.mark.parametrize(
    ("mpn_id", "status", "code"),
    [
        (RESELLER.mpn_id, 200, None),
        (UNKNOWN_MPN_ID, 404, 800015),
        (FORMER.mpn_id, 400, 800016),
        ("own", 404, 2072),
    ],
)
async def test_resellers_of_add_ons(shop: Shop, mpn_id: str, status: int, code: Any) -> None:
    await shop.make_indirect()
    own = (await shop.market.account()).mpn_id
    order = await shop.order()
    body = add_on(shop, order, partnerIdOnRecord=own if mpn_id == "own" else mpn_id)
    reply = await shop.patch(order["id"], body)
    assert (reply.status_code, reply.json().get("code")) == (status, code)


async def test_a_base_line_takes_its_add_ons_along(shop: Shop) -> None:
    order = await shop.order(shop.line(), shop.line(number=1))
    grown = (await shop.patch(order["id"], add_on(shop, order, "extra-scarce", 4))).json()
    assert grown["status"] == "completed"
    ids = [line["subscriptionId"] for line in grown["lineItems"]]
    base, other, extra = (Held(shop, subscription_id) for subscription_id in ids)
    assert await extra.stock_taken() == 4
    after = (await shop.patch(order["id"], cancel_line(0))).json()
    assert (after["status"], [line["quantity"] for line in after["lineItems"]]) == ("completed", [0, 6, 0])
    assert "activationLinks" not in after["lineItems"][2]["links"]
    assert (await other.stored()).status is Status.PENDING
    reasons = [(await held.stored()).status_reason for held in (base, extra)]
    assert reasons == [StatusReason.ORDER_CANCELLED, StatusReason.BASE_CANCELLED]
    assert await extra.stock_taken() == 0
    again = await shop.patch(order["id"], cancel_line(2))
    assert (again.status_code, again.json()["code"]) == (400, 800061)
    last = (await shop.patch(order["id"], cancel_line(1))).json()
    assert last["status"] == "cancelled"


async def test_the_last_base_line_takes_the_order_with_it(shop: Shop) -> None:
    order = await shop.order()
    await shop.patch(order["id"], add_on(shop, order))
    after = (await shop.patch(order["id"], cancel_line(0))).json()
    assert (after["status"], [line["quantity"] for line in after["lineItems"]]) == ("cancelled", [0, 0])


async def test_a_line_takes_the_add_ons_of_other_orders_along(shop: Shop) -> None:
    base = await shop.order()
    parent = {"parentSubscriptionId": base["lineItems"][0]["subscriptionId"]}
    other = await shop.order(
        shop.line("extra-scarce", 4, provisioningContext=parent), shop.line("single", 1, 1)
    )
    extra, single = (Held(shop, line["subscriptionId"]) for line in other["lineItems"])
    assert (await shop.patch(base["id"], {"status": "cancelled"})).status_code == 200
    ended = await extra.stored()
    assert (ended.status, ended.status_reason) == (Status.DELETED, StatusReason.BASE_CANCELLED)
    assert await extra.stock_taken() == 0
    assert (await single.stored()).status is Status.PENDING
    assert (await shop.read(other["id"]))["status"] == "completed"


def cancel_line(number: int) -> Json:
    """A PATCH that cancels one line."""
    return {"status": "cancelled", "lineItems": [{"lineItemNumber": number}]}


@pytest.mark.parametrize("body", [None, *NO_CHANGES])
async def test_a_patch_that_asks_for_nothing_changes_nothing(shop: Shop, body: Json) -> None:
    order = await shop.order()
    raw = b"null" if body is None else None
    reply = await shop.patch(order["id"], body, raw=raw)
    assert reply.status_code == 200
    assert await shop.read(order["id"]) == order


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"lineItems": [{"lineItemNumber": 0, "quantity": 7}]}, 400, 800042),
        ({"lineItems": [{"lineItemNumber": 1, "offerId": "another", "quantity": 1}]}, 400, 800071),
        ({"status": "finished"}, 400, 900126),
        ({"billingCycle": "weekly"}, 400, 900126),
        ({"lineItems": 1}, 400, 3000),
    ],
)
async def test_changes_that_orders_do_not_know(shop: Shop, body: Json, status: int, code: int) -> None:
    order = await shop.order()
    reply = await shop.patch(order["id"], body)
    assert (reply.status_code, reply.json()["code"]) == (status, code)


async def test_an_unreadable_patch(shop: Shop) -> None:
    order = await shop.order()
    reply = await shop.patch(order["id"], None, raw=b"{")
    assert (reply.status_code, reply.json()["code"]) == (400, 800002)


async def test_orders_and_customers_that_are_not_ours(shop: Shop) -> None:
    order = await shop.order()
    body = {"status": "cancelled"}
    foreign = shop.market.customer("US", "production")
    for customer_id, order_id, status, code in (
        (shop.customer_id, order["id"].swapcase(), 404, 20000),
        (shop.customer_id, "000000000000", 404, 20000),
        (shop.market.customer("FR"), order["id"], 404, 20000),
        ("me", order["id"], 400, 900118),
        ("00000000-0000-4000-8000-000000000000", order["id"], 404, 60003),
        (foreign, order["id"], 403, 20002),
    ):
        reply = await shop.market.patch(f"/v1/customers/{customer_id}/orders/{order_id}", body)
        assert (reply.status_code, reply.json()["code"]) == (status, code)
