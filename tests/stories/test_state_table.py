"""Both sides of a purchase after every step: the state table, row by row.

Source: ``40-publisher-fulfillment-metering`` section 9, and the contract README's decisions 7, 9 and 16. Each
test is one row: what triggers it, both states, what the publisher is told, what the partner sees.
"""

from typing import Any

import pytest
from tests.market import Json
from tests.publisher_desk import VERSION, Bought, Desk, refusal
from tests.publisher_desk import sqlite_desk as desk
from tests.receivers import answering, unreachable

__all__ = ["desk"]

pytestmark = pytest.mark.anyio

PENDING = ("pending", "PendingFulfillmentStart")
ACTIVE = ("active", "Subscribed")
SUSPENDED = ("suspended", "Suspended")
DELETED = ("deleted", "Unsubscribed")
EXPIRED = ("expired", "Unsubscribed")


async def pass_time(desk: Desk, **duration: float) -> None:
    """Let time pass and do what falls due."""
    desk.market.wait(**duration)
    desk.market.tokens.clear()
    await desk.market.work()


async def told(desk: Desk) -> list[tuple[str, str, str]]:
    """What the publisher is told now: action, status, who asked."""
    bodies = await desk.deliver()
    return [(body["action"], body["status"], body["operationRequestSource"]) for body in bodies]


async def lines(desk: Desk) -> list[Json]:
    """What is not billed yet."""
    path = (
        "/v1/invoices/unbilled/lineitems?provider=onetime&invoicelineitemtype=billinglineitems"
        "&currencycode=usd&period=current&size=100"
    )
    reply = await desk.market.get(path, account=desk.account)
    assert reply.status_code == 200, reply.text
    found: list[Json] = reply.json()["items"]
    return found


async def refused(bought: Bought, body: Json, code: int) -> None:
    """The partner's PATCH is refused, and nothing has happened."""
    before = await bought.owned()
    reply = await bought.patch(body)
    assert (reply.status_code, reply.json()["code"]) == (400, code), reply.text
    assert await bought.owned() == before


async def on_hold(desk: Desk, **members: Json) -> Bought:
    await desk.configure(allow_partner_suspend=True)
    bought = await desk.activated(**members)
    assert (await bought.patch({"status": "suspended"})).status_code == 200
    assert await told(desk) == [("Suspend", "Succeeded", "Azure")]
    return bought


async def usage(desk: Desk, bought: Bought, at: str) -> Any:
    """One report of usage."""
    body = {
        "resourceId": bought.id,
        "quantity": 12,
        "dimension": "scans",
        "effectiveStartTime": at,
        "planId": "pro",
    }
    caller = f"publisher:{desk.publisher}"
    return await desk.market.post(f"/api/usageEvent?{VERSION}", body, account=caller, may_keep=True)


async def test_row_1_purchase(desk: Desk) -> None:
    bought = await desk.buy()
    assert await bought.states() == PENDING
    assert await told(desk) == []
    assert (await bought.link()).startswith("https://app.northbeam.example/start")
    assert (await bought.owned())["attentionNeeded"] is True
    assert await lines(desk) == []


async def test_row_2_open_link(desk: Desk) -> None:
    bought = await desk.buy()
    reply = await desk.resolve(await bought.token())
    assert (reply.status_code, reply.json()["id"]) == (200, bought.id)
    assert await bought.states() == PENDING
    assert await told(desk) == []


async def test_row_3_activate(desk: Desk) -> None:
    bought = await desk.buy()
    assert (await bought.call("POST", "/activate", {})).status_code == 200
    assert await bought.states() == ACTIVE
    assert "startDate" in (await bought.seen())["term"]
    assert (await bought.owned())["commitmentEndDate"]
    (line,) = await lines(desk)
    assert (line["subscriptionId"], line["chargeType"], line["quantity"]) == (bought.id, "new", 6)
    assert await told(desk) == []


async def test_row_3s_activate_in_a_sandbox(desk: Desk) -> None:
    desk.account = "sandbox"
    bought = await desk.buy()
    path = f"{bought.path}/activate"
    reply = await desk.market.post(path)
    assert (reply.status_code, reply.json()["status"]) == (200, "Success")
    again = await desk.market.post(path)
    assert (again.status_code, again.json()["code"]) == (400, 800041)
    assert (await bought.owned())["status"] == "active"
    assert refusal(await bought.call("GET")) == (404, "EntityNotFound")
    assert await told(desk) == []
    desk.account = "production"
    other = await desk.buy()
    elsewhere = await desk.market.post(f"{other.path}/activate", account="production")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (400, 900127)


async def test_row_4_change_before_activation(desk: Desk) -> None:
    bought = await desk.buy()
    for body in ({"quantity": 9}, {"autoRenewEnabled": False}):
        await refused(bought, body, 800081)
    assert await bought.states() == PENDING
    assert await told(desk) == []


@pytest.mark.parametrize("by_publisher", [True, False])
async def test_row_5_cancel_before_activation(desk: Desk, by_publisher: bool) -> None:
    await desk.configure(csp_allowed_operations="delete")
    known, unknown = await desk.buy(), await desk.buy()
    await desk.resolve(await known.token())
    for bought in (known, unknown):
        if by_publisher:
            assert (await bought.call("DELETE")).status_code == 202
        else:
            assert (await bought.patch({"status": "deleted"})).status_code == 200
        assert await bought.states() == DELETED
        assert (await bought.seen())["term"] == {"termUnit": "P1M"}
    source = "Partner" if by_publisher else "Azure"
    bodies = await desk.deliver()
    assert [(body["subscriptionId"], body["operationRequestSource"]) for body in bodies] == [
        (known.id, source)
    ]
    assert await lines(desk) == []


async def test_row_6_activation_limit(desk: Desk) -> None:
    bought = await desk.buy()
    await desk.resolve(await bought.token())
    await pass_time(desk, days=30, seconds=-1)
    assert await bought.states() == PENDING
    await pass_time(desk, seconds=1)
    assert await bought.states() == DELETED
    assert await told(desk) == [("Unsubscribe", "Succeeded", "Azure")]
    assert await lines(desk) == []


@pytest.mark.parametrize("accepts", [True, False])
async def test_row_7_quantity_by_the_partner(desk: Desk, accepts: bool) -> None:
    bought = await desk.activated()
    await desk.configure(ack_window_seconds=0)
    if not accepts:
        desk.market.receivers.answer = answering(400)
    reply = await bought.patch({"quantity": 9}, may_keep=True)
    if accepts:
        assert (reply.status_code, reply.json()["quantity"]) == (200, 9)
    else:
        assert (reply.status_code, reply.json()["code"]) == (400, 800095)
    (body,) = desk.market.receivers.bodies
    assert (body["action"], body["operationRequestSource"]) == ("ChangeQuantity", "Azure")
    expected = 9 if accepts else 6
    assert ((await bought.seen())["quantity"], (await bought.owned())["quantity"]) == (expected, expected)
    assert len(await lines(desk)) == (3 if accepts else 1)


async def test_row_8_quantity_by_the_publisher(desk: Desk) -> None:
    bought = await desk.activated()
    assert refusal(await bought.call("PATCH", body={"quantity": 9})) == (400, "BadRequest")
    await desk.configure(csp_allowed_operations="update")
    reply = await bought.call("PATCH", body={"quantity": 9})
    assert reply.status_code == 202
    assert await told(desk) == [("ChangeQuantity", "InProgress", "Partner")]
    assert (await bought.owned())["quantity"] == 6
    assert (await bought.acknowledge(reply.headers["operation-id"])).status_code == 200
    assert await bought.states() == ACTIVE
    assert ((await bought.seen())["quantity"], (await bought.owned())["quantity"]) == (9, 9)


async def test_row_9_plan(desk: Desk) -> None:
    await desk.configure(csp_allowed_operations="update")
    bought = await desk.activated()
    before = await bought.owned()
    refused_id = (await bought.call("PATCH", body={"planId": "large"})).headers["operation-id"]
    assert await told(desk) == [("ChangePlan", "InProgress", "Partner")]
    assert (await bought.acknowledge(refused_id, "Failure")).status_code == 200
    assert await bought.owned() == before
    operation_id = (await bought.call("PATCH", body={"planId": "large"})).headers["operation-id"]
    assert (await bought.acknowledge(operation_id)).status_code == 200
    owned = await bought.owned()
    assert (owned["offerId"], owned["offerName"]) == (await desk.item("large"), "Large")
    assert (await bought.seen())["planId"] == "large"
    assert "convert" in {line["chargeType"] for line in await lines(desk)}


async def test_row_10_auto_renew(desk: Desk) -> None:
    bought = await desk.activated()
    for wanted in (False, True):
        reply = await bought.patch({"autoRenewEnabled": wanted})
        assert (reply.status_code, reply.json()["autoRenewEnabled"]) == (200, wanted)
        assert (await bought.seen())["autoRenew"] is wanted
    assert await told(desk) == []


async def test_row_11_renewal(desk: Desk) -> None:
    bought = await desk.activated()
    first = (await bought.seen())["term"]
    await pass_time(desk, days=31)
    assert await bought.states() == ACTIVE
    (body,) = await desk.deliver()
    assert (body["action"], body["status"]) == ("Renew", "Succeeded")
    term = (await bought.seen())["term"]
    assert (first["endDate"], term["startDate"]) == ("2026-04-01T00:00:00Z", "2026-04-02T00:00:00Z")
    assert body["subscription"]["term"] == {**term, "chargeDuration": None}
    assert (await bought.owned())["commitmentEndDate"][:10] == term["endDate"][:10]
    assert refusal(await bought.acknowledge(body["id"])) == (400, "BadRequest")


async def test_row_11_the_end_of_a_trial_is_a_renewal(desk: Desk) -> None:
    bought = await desk.activated("team trial")
    await pass_time(desk, days=31)
    seen = await bought.seen()
    assert (seen["isFreeTrial"], seen["planId"], await bought.states()) == (False, "team", ACTIVE)
    assert await told(desk) == [("Renew", "Succeeded", "Azure")]


async def test_row_12_term_end_without_renewal(desk: Desk) -> None:
    """The partner reads ``expired`` (README decision 16)."""
    bought = await desk.activated()
    assert (await bought.patch({"autoRenewEnabled": False})).status_code == 200
    await pass_time(desk, days=31)
    assert await bought.states() == EXPIRED
    assert await told(desk) == [("Unsubscribe", "Succeeded", "Azure")]


async def test_row_13_suspend(desk: Desk) -> None:
    bought = await on_hold(desk)
    assert await bought.states() == SUSPENDED
    assert (await bought.owned())["suspensionReasons"]
    await refused(bought, {"quantity": 9}, 2001)
    await refused(bought, {"friendlyName": "New"}, 800091)


async def test_row_14_reinstate(desk: Desk) -> None:
    bought = await on_hold(desk)
    await desk.configure(pc_wait_seconds=0)
    reply = await bought.patch({"status": "active"})
    assert (reply.status_code, reply.json()["status"]) == (200, "suspended")
    assert await bought.states() == SUSPENDED
    (operation,) = await bought.operations()
    assert (operation["action"], operation["operationRequestSource"]) == ("Reinstate", "Azure")
    assert (await bought.acknowledge(operation["id"])).status_code == 200
    assert await bought.states() == ACTIVE


@pytest.mark.parametrize("word", ["400", "Failure"])
async def test_row_15_reinstate_refused(desk: Desk, word: str) -> None:
    bought = await on_hold(desk, termDuration="P1Y")
    await pass_time(desk, days=10)
    if word == "400":
        desk.market.receivers.answer = answering(400)
        reply = await bought.patch({"status": "active"}, may_keep=True)
        assert (reply.status_code, reply.json()["code"]) == (400, 800096)
        operation_id = desk.market.receivers.bodies[-1]["id"]
    else:
        await desk.configure(pc_wait_seconds=0)
        assert (await bought.patch({"status": "active"})).status_code == 200
        operation_id = (await bought.operations())[0]["id"]
        assert (await bought.acknowledge(operation_id, "Failure")).status_code == 200
    assert (await bought.operation(operation_id))["status"] == "Failed"
    assert await bought.states() == SUSPENDED
    await pass_time(desk, days=20)
    assert await bought.states() == DELETED, "the grace has gone on"


async def test_row_16_grace_over(desk: Desk) -> None:
    await desk.configure(allow_partner_suspend=True)
    bought = await desk.activated(termDuration="P1Y")
    assert (await bought.patch({"status": "suspended"})).status_code == 200
    await pass_time(desk, days=30, seconds=-1)
    assert await bought.states() == SUSPENDED
    await pass_time(desk, seconds=1)
    assert await bought.states() == DELETED
    assert await told(desk) == [("Suspend", "Succeeded", "Azure"), ("Unsubscribe", "Succeeded", "Azure")]


@pytest.mark.parametrize("from_hold", [True, False])
async def test_row_17_cancel_by_the_partner(desk: Desk, from_hold: bool) -> None:
    bought = await (on_hold(desk) if from_hold else desk.activated())
    assert (await bought.patch({"status": "deleted"})).status_code == 200
    assert await bought.states() == DELETED
    assert await told(desk) == [("Unsubscribe", "Succeeded", "Azure")]
    assert {line["chargeType"] for line in await lines(desk)} == {"new", "cancelImmediate"}


@pytest.mark.parametrize("days", [0, 10])
async def test_row_18_cancel_by_the_publisher(desk: Desk, days: int) -> None:
    """Access ends at once; inside the refund window the flat fee is given back, later it is not."""
    bought = await desk.activated()
    assert refusal(await bought.call("DELETE")) == (400, "BadRequest")
    await desk.configure(csp_allowed_operations="delete")
    await pass_time(desk, days=days)
    reply = await bought.call("DELETE")
    assert reply.status_code == 202
    assert await bought.states() == DELETED
    assert await told(desk) == [("Unsubscribe", "Succeeded", "Partner")]
    refunds = [line for line in await lines(desk) if line["chargeType"] == "cancelImmediate"]
    assert len(refunds) == (1 if days == 0 else 0)


async def test_row_19_usage(desk: Desk) -> None:
    bought = await desk.activated("pro", 1)
    await pass_time(desk, hours=2)
    reply = await usage(desk, bought, "2026-03-02T09:40:00Z")
    assert (reply.status_code, reply.json()["status"]) == (200, "Accepted")
    assert await bought.states() == ACTIVE


async def test_row_20_usage_after_cancel(desk: Desk) -> None:
    bought = await desk.activated("pro", 1)
    await pass_time(desk, hours=2)
    assert (await bought.patch({"status": "deleted"})).status_code == 200
    await pass_time(desk, hours=20)
    reply = await usage(desk, bought, "2026-03-02T09:40:00Z")
    assert (reply.status_code, reply.json()["status"]) == (200, "Accepted")
    late = await usage(desk, bought, "2026-03-02T11:00:00Z")
    assert late.status_code == 400, "after the cancellation"
    assert await bought.states() == DELETED


async def test_row_21_nothing_brings_a_deleted_purchase_back(desk: Desk) -> None:
    """The partner's code is 2011 (README decision 16)."""
    await desk.configure(csp_allowed_operations="all", allow_partner_suspend=True)
    bought = await desk.activated()
    token = await bought.token()
    assert (await bought.patch({"status": "deleted"})).status_code == 200
    for body in ({"status": "active"}, {"status": "suspended"}, {"quantity": 9}, {"friendlyName": "N"}):
        await refused(bought, body, 2011)
    assert refusal(await bought.call("POST", "/activate", {})) == (404, "EntityNotFound")
    for body in ({"quantity": 9}, {"planId": "large"}):
        assert refusal(await bought.call("PATCH", body=body)) == (400, "BadRequest")
    assert refusal(await bought.call("DELETE")) == (400, "BadRequest")
    assert (await bought.call("GET")).status_code == 200
    assert (await desk.resolve(token)).status_code == 200
    assert await bought.states() == DELETED


async def test_row_22_change_while_an_operation_is_open(desk: Desk) -> None:
    await desk.configure(csp_allowed_operations="all", pc_wait_seconds=0)
    bought = await desk.activated()
    desk.market.receivers.answer = unreachable
    assert (await bought.patch({"quantity": 9})).status_code == 200
    await refused(bought, {"quantity": 8}, 800082)
    assert refusal(await bought.call("PATCH", body={"quantity": 8})) == (400, "Failed")
    assert await bought.states() == ACTIVE
    assert [operation["status"] for operation in await bought.operations()] == ["InProgress"]
