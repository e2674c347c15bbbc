"""What an operator does for developers of a publisher's site: each side sees what the state table says."""

from typing import Any

import pytest
from tests.order_market import publish
from tests.publisher_desk import CATALOGUE, NOWHERE, Bought, Desk, desk
from tests.receivers import answering

__all__ = ["desk"]

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
TEAM = {"account": "production", "publisherId": "northbeam", "offerId": "harbor", "planId": "team"}


async def order(desk: Desk, **wanted: object) -> tuple[int, Json]:
    reply = await desk.market.post("/operator/v1/purchases", {**TEAM, **wanted}, account="operator")
    return reply.status_code, reply.json()


async def act(
    desk: Desk, subscription_id: str, verb: str, body: Json | None = None, *, method: str = "POST"
) -> tuple[int, Json]:
    path = f"/operator/v1/subscriptions/{subscription_id}/{verb}"
    reply = await desk.market.call(method, path, body, account="operator")
    return reply.status_code, reply.json()


async def done(desk: Desk, bought: Bought, verb: str, body: Json | None = None) -> Json:
    status, answer = await act(desk, bought.id, verb, body)
    assert status == 200, answer
    return answer


async def test_a_purchase_in_one_call_leads_to_the_landing_page(desk: Desk) -> None:
    status, made = await order(desk, quantity=7, friendlyName="Trial run")
    assert status == 201
    account = await desk.market.account("production")
    assert {name: made[name] for name in made.keys() - {"orderId", "subscriptionId", "activationLink"}} == {
        "account": "production",
        "tenantId": account.id,
        "customerId": made["customerId"],
        "publisherId": "northbeam",
        "offerId": "harbor",
        "planId": "team",
        "productId": made["productId"],
        "skuId": made["skuId"],
        "isTrial": False,
        "quantity": 7,
        "term": "P1M",
        "status": "pending",
        "saasStatus": "PendingFulfillmentStart",
        "isSeenByPublisher": True,
    }
    assert made["activationLink"].startswith("https://app.northbeam.example/start?from=comptoir&token=")
    token = made["activationLink"].rpartition("token=")[2]
    resolved = await desk.resolve(token)
    assert resolved.json()["id"] == made["subscriptionId"]
    assert resolved.json()["subscription"]["name"] == "Trial run"
    order_path = f"/v1/customers/{made['customerId']}/orders/{made['orderId']}"
    placed = await desk.market.get(order_path, account="production")
    assert placed.json()["status"] == "completed"


async def test_a_plan_can_be_named_by_the_catalogue_s_ids(desk: Desk) -> None:
    _, first = await order(desk)
    assert first["quantity"] == 2, "as few seats as the plan has"
    ids = {"productId": first["productId"].lower(), "skuId": first["skuId"].lower()}
    status, second = await order(desk, publisherId="", offerId="", planId="", **ids)
    assert (status, second["planId"]) == (201, "team")


async def test_the_choices_of_a_purchase(desk: Desk) -> None:
    france = desk.market.customer("FR", "production")
    _, made = await order(desk, customerId=france.upper(), term="p1y", billingCycle="monthly")
    assert (made["customerId"], made["term"]) == (france, "P1Y")
    _, trial = await order(desk, isTrial=True)
    assert (trial["isTrial"], trial["planId"]) == (True, "team")
    _, in_france = await order(desk, planId="france")
    made_customers = next(each.customers for each in desk.market.made.accounts if each.name == "production")
    french = {customer.id for customer in made_customers if customer.country == "FR"}
    assert in_france["customerId"] in french, "the first customer who can buy it"
    _, flat = await order(desk, offerId="beacon", planId="pro")
    assert flat["quantity"] == 1


async def test_a_sandbox_is_the_default_and_its_publisher_need_not_see_it(desk: Desk) -> None:
    _, hidden = await order(desk, account=None)
    assert (hidden["account"], hidden["isSeenByPublisher"]) == ("sandbox", False)
    assert "northbeam" not in hidden["activationLink"]
    await desk.market.configure("sandbox", sandbox_publisher_delivery=True)
    _, seen = await order(desk, account=None)
    assert seen["isSeenByPublisher"] is True
    assert seen["activationLink"].startswith("https://app.northbeam.example/")


REFUSED_PURCHASES: tuple[tuple[Json, int, int], ...] = (
    ({"account": "nobody"}, 404, 1000),
    ({"planId": "nothing"}, 404, 1000),
    ({"planId": "france", "isTrial": True}, 404, 1000),
    ({"planId": ""}, 404, 1000),
    ({"planId": "\x00"}, 400, 3000),
    ({"productId": "NOTHING", "skuId": "X"}, 404, 1000),
    ({"planId": "theirs"}, 404, 1000),
    ({"customerId": "someone"}, 400, 900118),
    ({"customerId": NOWHERE}, 404, 60003),
    ({"quantity": 0}, 400, 800002),
    ({"quantity": 51}, 400, 800017),
    ({"term": "P2Y"}, 400, 800121),
    ({"term": "P1M", "billingCycle": "annual"}, 400, 800121),
    ({"term": "a month"}, 400, 3000),
    ({"billingCycle": "sometimes"}, 400, 900126),
)


async def test_a_purchase_that_cannot_be_is_refused(desk: Desk) -> None:
    for wanted, status, code in REFUSED_PURCHASES:
        found, fault = await order(desk, **wanted)
        assert (found, fault["code"]) == (status, code), (wanted, fault)


async def test_a_customer_that_cannot_buy_is_refused(desk: Desk) -> None:
    japan = desk.market.customer("JP", "production")
    status, fault = await order(desk, customerId=japan)
    assert (status, fault["code"]) == (400, 800070), fault
    foreign = desk.market.customer("US", "sandbox")
    status, fault = await order(desk, customerId=foreign)
    assert (status, fault["code"]) == (403, 20002), fault


async def test_a_customer_without_the_agreement_is_refused(desk: Desk) -> None:
    body = {
        "companyProfile": {"domain": "unsigned.example"},
        "billingProfile": {
            "culture": "en-US",
            "email": "someone@unsigned.example",
            "language": "en",
            "companyName": "Aardvark Unsigned",
            "defaultAddress": {
                "country": "US",
                "state": "WA",
                "city": "Seattle",
                "addressLine1": "1 Pine Street",
                "postalCode": "98101",
                "firstName": "Ed",
                "lastName": "Ge",
                "phoneNumber": "2065550100",
            },
        },
    }
    made = await desk.market.post("/v1/customers", body, account="production")
    unsigned = made.json()["id"]
    status, fault = await order(desk, customerId=unsigned)
    assert (status, fault["code"]) == (403, 13605), fault
    _, bought = await order(desk)
    assert bought["customerId"] != unsigned


async def test_suspended_reinstated_and_cancelled(desk: Desk) -> None:
    bought = await desk.activated()
    suspended = await done(desk, bought, "suspend")
    assert (suspended["status"], suspended["saasStatus"]) == ("suspended", "Suspended")
    (notice,) = await desk.deliver()
    assert (notice["action"], notice["status"]) == ("Suspend", "Succeeded")
    asked = await done(desk, bought, "reinstate")
    assert asked["status"] == "suspended"
    assert (asked["operation"]["action"], asked["operation"]["status"]) == ("Reinstate", "NotStarted")
    (question,) = await desk.deliver()
    assert question["id"] == asked["operation"]["id"]
    assert (await act(desk, bought.id, "reinstate"))[1]["code"] == 800082, "it is being asked about"
    await bought.acknowledge(asked["operation"]["id"])
    assert await bought.states() == ("active", "Subscribed")
    cancelled = await done(desk, bought, "unsubscribe")
    assert cancelled["status"] == "deleted"
    (farewell,) = await desk.deliver()
    assert farewell["action"] == "Unsubscribe"


async def test_renewed_before_its_time(desk: Desk) -> None:
    bought = await desk.activated()
    before = (await bought.seen())["term"]
    desk.market.wait(days=3)
    desk.market.tokens.clear()
    renewed = await done(desk, bought, "renew")
    assert renewed["status"] == "active"
    (notice,) = await desk.deliver()
    assert notice["action"] == "Renew"
    assert notice["subscription"]["term"]["startDate"] > before["startDate"]


async def test_changed_as_far_as_the_publisher_agrees(desk: Desk) -> None:
    bought = await desk.activated()
    asked = await done(desk, bought, "change-quantity", {"quantity": 9})
    assert (asked["quantity"], asked["operation"]["action"]) == (6, "ChangeQuantity")
    desk.market.receivers.answer = answering(409)
    await desk.deliver()
    assert (await bought.owned())["quantity"] == 6, "refused"
    desk.market.receivers.answer = answering(200)
    asked = await done(desk, bought, "change-quantity", {"quantity": 9})
    await desk.deliver()
    await bought.acknowledge(asked["operation"]["id"])
    assert (await bought.owned())["quantity"] == 9
    asked = await done(desk, bought, "change-plan", {"planId": "large"})
    assert asked["planId"] == "team"
    await desk.deliver()
    await bought.acknowledge(asked["operation"]["id"])
    assert (await bought.seen())["planId"] == "large"


async def test_where_nobody_is_asked_it_is_done_at_once(desk: Desk) -> None:
    _, made = await order(desk, offerId="pamphlet", planId="reader", quantity=3)
    assert made["status"] == "active"
    status, changed = await act(desk, made["subscriptionId"], "change-quantity", {"quantity": 4})
    assert (status, changed["quantity"], changed["operation"]["status"]) == (200, 4, "Succeeded")


async def test_a_link_is_made_anew(desk: Desk) -> None:
    bought = await desk.buy()
    links = []
    for _ in range(2):
        status, answer = await act(desk, bought.id.upper(), "link", method="GET")
        assert status == 200
        links.append(answer["activationLink"])
    assert links[0] != links[1]
    await done(desk, bought, "unsubscribe")
    assert "activationLink" not in (await act(desk, bought.id, "link", method="GET"))[1]


async def test_an_unknown_subscription_is_refused(desk: Desk) -> None:
    bodies: dict[str, Json] = {"change-plan": {"planId": "large"}, "change-quantity": {"quantity": 3}}
    verbs = ("link", "suspend", "reinstate", "renew", "change-plan", "change-quantity", "unsubscribe")
    for verb in verbs:
        for unknown in (NOWHERE, "%00"):
            method = "GET" if verb == "link" else "POST"
            status, fault = await act(desk, unknown, verb, bodies.get(verb), method=method)
            assert (status, fault["code"]) == (404, 20003), verb


async def refused(desk: Desk, bought: Bought, verb: str, body: Json | None = None) -> int:
    """The code with which something is refused that the purchase does not allow."""
    status, fault = await act(desk, bought.id, verb, body)
    assert status == 400, fault
    code: int = fault["code"]
    return code


async def test_what_waits_for_its_publisher_cannot_be_changed(desk: Desk) -> None:
    bought = await desk.buy()
    for verb in ("suspend", "reinstate", "renew"):
        assert await refused(desk, bought, verb) == 800040, verb
    assert await refused(desk, bought, "change-plan", {"planId": "large"}) == 800040
    assert await refused(desk, bought, "change-quantity", {"quantity": 9}) == 800040


async def test_what_is_active_cannot_be_changed_to_anything(desk: Desk) -> None:
    bought = await desk.activated()
    assert await refused(desk, bought, "reinstate") == 800040
    assert await refused(desk, bought, "change-plan", {}) == 3000
    assert await refused(desk, bought, "change-plan", {"planId": "team"}) == 800021
    assert await refused(desk, bought, "change-plan", {"planId": "nothing"}) == 800004
    assert await refused(desk, bought, "change-plan", {"planId": "huge"}) == 800004
    assert await refused(desk, bought, "change-quantity", {}) == 3000
    assert await refused(desk, bought, "change-quantity", {"quantity": 6}) == 800021
    assert await refused(desk, bought, "change-quantity", {"quantity": 51}) == 2002
    assert await refused(desk, bought, "change-quantity", {"quantity": 1}) == 2002


async def test_one_question_at_a_time(desk: Desk) -> None:
    bought = await desk.activated()
    await done(desk, bought, "change-quantity", {"quantity": 8})
    assert await refused(desk, bought, "change-plan", {"planId": "large"}) == 800082
    assert await refused(desk, bought, "change-quantity", {"quantity": 9}) == 800082


async def test_a_flat_rate_has_no_seats(desk: Desk) -> None:
    bought = await desk.activated("pro", 1)
    assert await refused(desk, bought, "change-quantity", {"quantity": 2}) == 800095


async def test_what_has_ended_stays_as_it_is(desk: Desk) -> None:
    bought = await desk.activated()
    await done(desk, bought, "unsubscribe")
    for action in ("unsubscribe", "suspend", "renew"):
        assert await refused(desk, bought, action) == 2011


async def test_what_is_no_longer_sold_does_not_renew(desk: Desk) -> None:
    bought = await desk.activated()
    stopped = CATALOGUE.replace("name: Team", "name: Team\n        stopSell: true")
    await publish(desk.market, stopped.replace("PARTNER", NOWHERE))
    assert await refused(desk, bought, "renew") == 800093
