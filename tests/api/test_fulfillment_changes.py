"""Changes and operations, from both sides (``40-publisher-fulfillment-metering`` sections 3.7 to 5.4)."""

import asyncio
import json
from dataclasses import replace
from functools import partial
from typing import Any

import httpx2
import pytest
from tests.contract.check import check_reply
from tests.market import BASE_URL, Json
from tests.publisher_desk import NOWHERE, PUBLISHER, VERSION, Bought, Desk, desk, refusal
from tests.receivers import answering, unreachable

from comptoir.core.context import Context
from comptoir.db import Tx, sql
from comptoir.delivery.service_engine import run_pending
from comptoir.fulfillment import service, service_partner
from comptoir.fulfillment.model import ChangeRequest, Operation, Started
from comptoir.subscriptions import service as subscriptions
from comptoir.subscriptions import service_patch
from comptoir.subscriptions.model import StatusReason, SubscriptionPatch

__all__ = ["desk"]

pytestmark = pytest.mark.anyio

ALL = {"csp_allowed_operations": "all"}
FORGET_ANSWERS = sql("DELETE FROM replies WHERE account_id = :account_id")


class DeliberateError(Exception):
    """What the acceptance of an operation raises to see what becomes of the others."""


async def changing(desk: Desk, plan: str = "team", quantity: int = 6, **members: Json) -> Bought:
    """An active purchase that its publisher may change."""
    await desk.configure(**ALL)
    return await desk.activated(plan, quantity, **members)


async def suspended(desk: Desk) -> Bought:
    await desk.configure(allow_partner_suspend=True)
    bought = await desk.activated()
    assert (await bought.patch({"status": "suspended"})).status_code == 200
    await desk.deliver()
    return bought


def later(desk: Desk, seconds: float) -> None:
    desk.market.wait(seconds=seconds)


# The publisher asks


async def test_a_change_is_accepted_for_later(desk: Desk) -> None:
    bought = await changing(desk)
    reply = await bought.call("PATCH", body={"quantity": 12})
    assert (reply.status_code, reply.content) == (202, b"")
    operation_id = reply.headers["operation-id"]
    location = f"{BASE_URL}/api/saas/subscriptions/{bought.id}/operations/{operation_id}"
    assert reply.headers["operation-location"] == f"{location}?{VERSION}", "clients read it as it is"
    assert reply.headers["retry-after"] == "10"
    assert location.split("/")[3:][5] == operation_id, "the .NET client takes URI segment number 6"
    first = await bought.operation(operation_id)
    check_reply("40.Operation", first)
    assert first == {
        "id": operation_id,
        "activityId": operation_id,
        "publisherId": PUBLISHER,
        "offerId": "harbor",
        "planId": "team",
        "quantity": 12,
        "operationRequestSource": "Partner",
        "subscriptionId": bought.id,
        "timeStamp": "2026-03-02T08:15:00Z",
        "action": "ChangeQuantity",
        "status": "NotStarted",
    }
    (body,) = await desk.deliver()
    assert (body["id"], body["quantity"], body["status"]) == (operation_id, 12, "InProgress")
    assert (body["subscription"]["quantity"], body["operationRequestSource"]) == (6, "Partner")
    assert await bought.operations() == [{**first, "status": "InProgress"}]
    assert (await bought.owned())["quantity"] == 6
    assert (await bought.acknowledge(operation_id)).status_code == 200
    assert (await bought.operation(operation_id))["status"] == "Succeeded"
    assert (await bought.seen())["quantity"] == (await bought.owned())["quantity"] == 12
    assert await bought.operations() == []


async def test_silence_is_consent(desk: Desk) -> None:
    """Counted from the answer to the webhook (section 5.3)."""
    bought = await changing(desk)
    operation_id = (await bought.call("PATCH", body={"planId": "large"})).headers["operation-id"]
    later(desk, 100)
    (body,) = await desk.deliver()
    assert (body["planId"], body["subscription"]["planId"]) == ("large", "team")
    later(desk, 9.9)
    await desk.deliver()
    assert (await bought.operation(operation_id))["status"] == "InProgress"
    later(desk, 0.1)
    await desk.deliver()
    assert (await bought.operation(operation_id))["status"] == "Succeeded"
    seen, owned = await bought.seen(), await bought.owned()
    assert (seen["planId"], owned["offerId"]) == ("large", await desk.item("large"))
    assert (await bought.acknowledge(operation_id)).status_code == 200
    refused = await bought.acknowledge(operation_id, "Failure")
    assert refusal(refused) == (409, "Conflict")


async def test_a_client_error_refuses(desk: Desk) -> None:
    bought = await changing(desk)
    for status in (400, 403, 404, 409):
        operation_id = (await bought.call("PATCH", body={"quantity": 12})).headers["operation-id"]
        desk.market.receivers.answer = answering(status)
        await desk.deliver()
        operation = await bought.operation(operation_id)
        check_reply("40.Operation", operation)
        assert (operation["status"], operation["errorStatusCode"]) == ("Failed", str(status))
        assert operation["errorMessage"]
        assert (await bought.seen())["quantity"] == 6
    assert (await bought.acknowledge(operation_id, "Failure")).status_code == 200
    assert refusal(await bought.acknowledge(operation_id)) == (409, "Conflict")


async def test_anything_else_is_tried_again(desk: Desk) -> None:
    bought = await changing(desk)
    operation_id = (await bought.call("PATCH", body={"quantity": 12})).headers["operation-id"]
    bodies = []
    for answer in (unreachable, *map(answering, (500, 503, 302, 408, 425, 429, 200))):
        assert (await bought.operation(operation_id))["status"] in {"NotStarted", "InProgress"}
        desk.market.receivers.answer = answer
        bodies += await desk.deliver()
        later(desk, 70)
    assert len(bodies) == 8
    assert all(body == bodies[0] for body in bodies)
    await desk.deliver()
    assert (await bought.seen())["quantity"] == 12


async def test_a_publisher_that_is_never_reached_changes_nothing(desk: Desk) -> None:
    bought = await changing(desk)
    operation_id = (await bought.call("PATCH", body={"quantity": 12})).headers["operation-id"]
    desk.market.receivers.answer = answering(500)
    engine = desk.market.services.engine
    tired = replace(engine, policy=replace(engine.policy, retries=3))
    for _ in range(6):
        await run_pending(tired)
        later(desk, 64)
    operation = await bought.operation(operation_id)
    assert (operation["status"], operation["errorStatusCode"]) == ("Failed", "500")
    assert (await bought.seen())["quantity"] == 6
    assert len(desk.market.receivers.messages) == 4


async def test_an_answer_before_the_webhook_was_taken_counts(desk: Desk) -> None:
    bought = await changing(desk)
    operation_id = (await bought.call("PATCH", body={"quantity": 12})).headers["operation-id"]
    assert (await bought.acknowledge(operation_id)).status_code == 200
    assert (await bought.seen())["quantity"] == 12
    (body,) = await desk.deliver()
    assert body["id"] == operation_id
    later(desk, 60)
    await desk.deliver()
    assert (await bought.operation(operation_id))["status"] == "Succeeded"


async def test_one_change_at_a_time(desk: Desk) -> None:
    """Reason 1 comes before all others: the purchase is not even subscribed."""
    bought = await desk.buy()
    for body in (None, {}, {"planId": "large", "quantity": 9}, {"planId": " "}):
        assert refusal(await bought.call("PATCH", body=body)) == (400, "RequiredField")


async def test_the_reasons_come_in_the_documented_order(desk: Desk) -> None:
    """A request that has every fault is refused for the first; without it, for the next."""
    wrong = {"planId": "nothing"}
    bought = await desk.buy()
    assert "Subscribed" in (await bought.call("PATCH", body=wrong)).json()["message"]
    assert (await bought.call("POST", "/activate", {})).status_code == 200
    assert "Update" in (await bought.call("PATCH", body=wrong)).json()["message"]
    await desk.configure(**ALL)
    operation_id = (await bought.call("PATCH", body={"quantity": 9})).headers["operation-id"]
    assert refusal(await bought.call("PATCH", body=wrong)) == (400, "Failed")
    assert (await bought.acknowledge(operation_id, "Failure")).status_code == 200
    reply = await bought.call("PATCH", body=wrong)
    assert (refusal(reply), reply.json()["target"]) == ((400, "BadArgument"), "planId")


async def test_plans_that_cannot_be_had(desk: Desk) -> None:
    bought = await changing(desk)
    others = ("huge", "france", "yearly", "stopped", "theirs", "extra", "pro")
    for plan in ("nothing", "team", "TEAM", "ours!", "a%00b", *others):
        reply = await bought.call("PATCH", body={"planId": plan})
        assert (refusal(reply), reply.json()["target"]) == ((400, "BadArgument"), "planId")


async def test_a_private_plan_of_ours_can_be_had(desk: Desk) -> None:
    bought = await changing(desk)
    operation_id = (await bought.call("PATCH", body={"planId": "Ours"})).headers["operation-id"]
    assert (await bought.acknowledge(operation_id)).status_code == 200
    assert (await bought.seen())["planId"] == "ours"


async def test_quantities_that_cannot_be_had(desk: Desk) -> None:
    bought = await changing(desk)
    for quantity in (0, -1, 1, 51, 6, "6", "many", 2**31, "9" * 30, 7.5):
        reply = await bought.call("PATCH", body={"quantity": quantity})
        assert (refusal(reply), reply.json()["target"]) == ((400, "BadArgument"), "quantity")


async def test_a_quantity_may_be_a_text(desk: Desk) -> None:
    bought = await changing(desk)
    reply = await bought.call("PATCH", body={"quantity": "20"})
    assert (await bought.operation(reply.headers["operation-id"]))["quantity"] == 20


async def test_a_flat_rate_has_no_quantity_to_change(desk: Desk) -> None:
    bought = await changing(desk, "pro", 1)
    for quantity in (1, 2):
        reply = await bought.call("PATCH", body={"quantity": quantity})
        assert (refusal(reply), reply.json()["target"]) == ((400, "BadArgument"), "quantity")


async def test_a_reseller_s_purchase_is_not_changed_by_its_publisher(desk: Desk) -> None:
    """The default is faithful (section 3.7); each right can be given alone."""
    bought = await desk.activated()
    for method, body in (("PATCH", {"quantity": 9}), ("DELETE", None)):
        assert refusal(await bought.call(method, body=body)) == (400, "BadRequest")
    await desk.configure(csp_allowed_operations="delete")
    assert (await bought.seen())["allowedCustomerOperations"] == ["Read", "Delete"]
    assert refusal(await bought.call("PATCH", body={"quantity": 9})) == (400, "BadRequest")
    await desk.configure(csp_allowed_operations="update")
    assert (await bought.seen())["allowedCustomerOperations"] == ["Read", "Update"]
    assert refusal(await bought.call("DELETE")) == (400, "BadRequest")


async def test_an_offer_without_a_system_behind_it_changes_at_once(desk: Desk) -> None:
    await desk.configure(**ALL)
    bought = await desk.buy("reader")
    if (await bought.owned())["status"] == "pending":
        assert (await bought.call("POST", "/activate", {})).status_code == 200
    reply = await bought.call("PATCH", body={"quantity": 9})
    assert (await bought.operation(reply.headers["operation-id"]))["status"] == "Succeeded"
    assert (await bought.seen())["quantity"] == 9
    assert (await bought.patch({"quantity": 11})).json()["quantity"] == 11
    assert (await bought.patch({"status": "deleted"})).status_code == 200
    assert await desk.deliver() == []


async def test_a_change_that_has_become_impossible_fails(desk: Desk) -> None:
    bought = await changing(desk)
    operation_id = (await bought.call("PATCH", body={"quantity": 12})).headers["operation-id"]
    await desk.configure(limit_seats_per_subscription=10)
    reply = await bought.acknowledge(operation_id, may_keep=True)
    assert refusal(reply) == (409, "Conflict")
    operation = await bought.operation(operation_id)
    assert (operation["status"], operation["errorStatusCode"]) == ("Failed", "SEAT_LIMIT")
    assert (await bought.seen())["quantity"] == 6


async def test_what_is_overdue_comes_first(desk: Desk) -> None:
    """The term has ended though nobody has looked at it yet: there is nothing left to change."""
    bought = await changing(desk)
    assert (await bought.patch({"autoRenewEnabled": False})).status_code == 200
    desk.market.wait(days=31)
    desk.market.tokens.clear()
    reply = await bought.call("PATCH", body={"quantity": 9}, may_keep=True)
    assert refusal(reply) == (400, "BadRequest")
    assert await bought.states() == ("expired", "Unsubscribed")


async def test_what_is_so_already_is_a_conflict(desk: Desk) -> None:
    bought = await changing(desk)
    operation_id = (await bought.call("PATCH", body={"quantity": 12})).headers["operation-id"]
    market = desk.market
    ctx = await market.context("production")

    async def change_elsewhere(tx: Tx) -> None:
        found = await subscriptions.get(tx, ctx, desk.customer_id, bought.id)
        await service_patch.patch(tx, ctx, found, SubscriptionPatch(quantity=12), is_in_progress=False)

    await market.write(change_elsewhere)
    assert (await bought.acknowledge(operation_id)).status_code == 200
    assert (await bought.operation(operation_id))["status"] == "Conflict"
    assert refusal(await bought.acknowledge(operation_id)) == (409, "Conflict")


# Acknowledging


async def test_an_operation_that_does_not_exist(desk: Desk) -> None:
    bought, other = await changing(desk), await desk.activated()
    operation_id = (await bought.call("PATCH", body={"quantity": 9})).headers["operation-id"]
    for unknown in (NOWHERE, "nothing", "a%00b"):
        assert refusal(await bought.call("GET", f"/operations/{unknown}")) == (404, "NotFound")
        assert refusal(await bought.acknowledge(unknown)) == (404, "NotFound")
    assert refusal(await other.call("GET", f"/operations/{operation_id}")) == (404, "NotFound")
    assert (await bought.operation(operation_id.upper()))["id"] == operation_id


async def test_an_acknowledgement_is_one_of_two_words(desk: Desk) -> None:
    bought = await changing(desk)
    operation_id = (await bought.call("PATCH", body={"quantity": 9})).headers["operation-id"]
    for body in (None, {}, {"status": ""}, {"status": "Succeeded"}, {"status": "Maybe"}):
        reply = await bought.call("PATCH", f"/operations/{operation_id}", body)
        assert (refusal(reply), reply.json()["target"]) == ((400, "BadArgument"), "status")


async def test_an_acknowledgement_of_something_else(desk: Desk) -> None:
    bought = await changing(desk)
    operation_id = (await bought.call("PATCH", body={"quantity": 9})).headers["operation-id"]
    for more in ({"planId": "large"}, {"quantity": 8}, {"quantity": "twelve"}, {"quantity": 9.5}):
        reply = await bought.call("PATCH", f"/operations/{operation_id}", {"status": "Success", **more})
        assert refusal(reply) == (400, "BadArgument")
    same = {"status": "success", "planId": "team", "quantity": "9"}
    assert (await bought.call("PATCH", f"/operations/{operation_id}", same)).status_code == 200


async def test_what_has_happened_is_not_acknowledged(desk: Desk) -> None:
    bought = await suspended(desk)
    body = desk.market.receivers.bodies[-1]
    assert (body["action"], body["status"]) == ("Suspend", "Succeeded")
    assert refusal(await bought.acknowledge(body["id"])) == (400, "BadRequest")
    assert (await bought.operation(body["id"]))["status"] == "Succeeded"


async def test_concurrent_answers_have_one_effect(desk: Desk) -> None:
    bought = await changing(desk)
    operation_id = (await bought.call("PATCH", body={"quantity": 12})).headers["operation-id"]
    words = ["Success", "Failure"] * 3
    replies = await asyncio.gather(*(bought.acknowledge(operation_id, word, alone=False) for word in words))
    by_word = {word: {reply.status_code for reply, said in zip(replies, words, strict=True) if said == word}
               for word in set(words)}  # fmt: skip
    assert sorted(map(sorted, by_word.values())) == [[200], [409]]
    taken = "Success" if by_word["Success"] == {200} else "Failure"
    assert (await bought.seen())["quantity"] == (12 if taken == "Success" else 6)


async def test_concurrent_changes_start_one_operation(desk: Desk) -> None:
    bought = await changing(desk)
    replies: list[httpx2.Response] = await asyncio.gather(
        *(bought.call("PATCH", body={"quantity": 10 + number}, alone=False) for number in range(4))
    )
    assert sorted(reply.status_code for reply in replies) == [202, 400, 400, 400]
    assert len(await bought.operations()) == 1


# Ending


async def test_the_publisher_ends_a_purchase(desk: Desk) -> None:
    bought = await changing(desk)
    open_id = (await bought.call("PATCH", body={"quantity": 9})).headers["operation-id"]
    reply = await bought.call("DELETE")
    assert (reply.status_code, reply.content, reply.headers["retry-after"]) == (202, b"", "10")
    operation_id = reply.headers["operation-id"]
    assert await bought.states() == ("deleted", "Unsubscribed")
    operation = await bought.operation(operation_id)
    assert (operation["action"], operation["status"]) == ("Unsubscribe", "Succeeded")
    assert operation["operationRequestSource"] == "Partner"
    (body,) = await desk.deliver()
    assert body["id"] == operation_id, "what was superseded is not asked any more"
    assert body["subscription"]["saasSubscriptionStatus"] == "Unsubscribed"
    assert (await bought.operation(open_id))["status"] == "Failed"
    for word in ("Success", "Failure"):
        assert refusal(await bought.acknowledge(open_id, word)) == (409, "Conflict")
    assert refusal(await bought.call("DELETE")) == (400, "BadRequest")
    assert (await bought.call("GET")).status_code == 200


async def test_suspending_wins_over_an_open_change(desk: Desk) -> None:
    bought = await changing(desk)
    await desk.configure(allow_partner_suspend=True)
    operation_id = (await bought.call("PATCH", body={"quantity": 9})).headers["operation-id"]
    assert (await bought.patch({"status": "suspended"})).status_code == 200
    assert (await bought.operation(operation_id))["errorStatusCode"] == "Superseded"
    assert refusal(await bought.acknowledge(operation_id)) == (409, "Conflict")
    assert [body["action"] for body in await desk.deliver()] == ["Suspend"]


# The partner asks


async def test_a_partner_waits_for_its_publisher(desk: Desk) -> None:
    bought = await desk.activated()
    await desk.configure(ack_window_seconds=0)
    reply = await bought.patch({"quantity": 9, "friendlyName": "More", "autoRenewEnabled": False})
    assert reply.status_code == 200
    owned = reply.json()
    assert (owned["quantity"], owned["friendlyName"], owned["autoRenewEnabled"]) == (9, "More", False)
    assert owned == await bought.owned()
    (body,) = desk.market.receivers.bodies
    assert (body["action"], body["quantity"], body["operationRequestSource"]) == (
        "ChangeQuantity",
        9,
        "Azure",
    )
    assert body["subscription"]["quantity"] == 6
    assert (await bought.seen())["quantity"] == 9


async def test_a_partner_gets_the_answer_as_soon_as_it_is_there(desk: Desk) -> None:
    bought = await desk.activated()
    waiting = asyncio.create_task(bought.patch({"quantity": 9}, alone=False))
    operation_id = await opened(bought)
    assert (await bought.acknowledge(operation_id, alone=False)).status_code == 200
    reply = await waiting
    assert (reply.status_code, reply.json()["quantity"]) == (200, 9)


async def opened(bought: Bought) -> str:
    """The operation that has come up, once its webhook was taken."""
    for _ in range(200):
        found = await bought.operations()
        if found and bought.desk.market.receivers.messages:
            return str(found[0]["id"])
        await asyncio.sleep(0.01)
    raise AssertionError("no operation has come up")


async def test_a_partner_is_told_that_the_publisher_refused(desk: Desk) -> None:
    bought = await desk.activated()
    before = await bought.owned()
    desk.market.receivers.answer = answering(400)
    reply = await bought.patch({"quantity": 9, "friendlyName": "More"}, may_keep=True)
    assert (reply.status_code, reply.json()["code"]) == (400, 800095)
    assert await bought.owned() == before


async def test_a_failure_reported_while_a_partner_waits(desk: Desk) -> None:
    bought = await desk.activated()
    waiting = asyncio.create_task(bought.patch({"quantity": 9}, alone=False))
    operation_id = await opened(bought)
    assert (await bought.acknowledge(operation_id, "Failure", alone=False)).status_code == 200
    reply = await waiting
    assert (reply.status_code, reply.json()["code"]) == (400, 800095)
    assert (await bought.seen())["quantity"] == 6


async def test_a_partner_does_not_wait_for_ever(desk: Desk) -> None:
    """Row 22: until the operation has ended, the subscription stays as it is for everybody."""
    bought = await desk.activated()
    await desk.configure(pc_wait_seconds=0, **ALL)
    desk.market.receivers.answer = unreachable
    before = await bought.owned()
    reply = await bought.patch({"quantity": 9})
    assert (reply.status_code, reply.json()) == (200, before)
    for body in ({"quantity": 8}, {"friendlyName": "New"}, {"autoRenewEnabled": False}):
        refused = await bought.patch(body)
        assert (refused.status_code, refused.json()["code"]) == (400, 800082)
    assert (await bought.patch({"quantity": 6})).status_code == 200, "nothing to change"
    assert refusal(await bought.call("PATCH", body={"quantity": 8})) == (400, "Failed")
    desk.market.receivers.answer = answering(200)
    later(desk, 70)
    await desk.deliver()
    later(desk, 10)
    await desk.deliver()
    assert (await bought.owned())["quantity"] == 9
    assert (await bought.patch({"friendlyName": "New"})).json()["friendlyName"] == "New"


async def test_a_partner_waits_in_bounds_for_what_cannot_be_accepted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that cannot be accepted is looked at again later, and the others are accepted meanwhile."""
    tries = []
    bought, other = await desk.activated(), await desk.activated()
    await desk.configure(ack_window_seconds=0, pc_wait_seconds=1)
    whole = service.accept

    async def accept(tx: Tx, ctx: Context, operation: Operation, *rest: Any) -> Operation:
        if operation.subscription_id != bought.id:
            return await whole(tx, ctx, operation, *rest)
        tries.append(operation.id)
        raise DeliberateError

    monkeypatch.setattr(service, "accept", accept)
    before = await bought.owned()
    reply = await bought.patch({"quantity": 9})
    assert (reply.status_code, reply.json()) == (200, before)
    assert len(tries) == 1
    assert (await other.patch({"quantity": 8})).json()["quantity"] == 8
    later(desk, 60)
    await desk.deliver()
    assert len(tries) == 2
    monkeypatch.undo()
    later(desk, 60)
    await desk.deliver()
    assert (await bought.owned())["quantity"] == 9


async def test_a_partner_that_waits_is_answered_when_the_server_ends(desk: Desk) -> None:
    bought = await desk.activated()
    waiting = asyncio.create_task(bought.patch({"quantity": 9}, alone=False))
    await opened(bought)
    desk.market.services.stopping.set()
    async with asyncio.timeout(5):
        reply = await waiting
    assert (reply.status_code, reply.json()["quantity"]) == (200, 6)


async def test_the_webhook_of_what_was_superseded_is_not_sent_any_more(desk: Desk) -> None:
    bought = await desk.activated()
    await desk.configure(pc_wait_seconds=0)
    desk.market.receivers.answer = unreachable
    assert (await bought.patch({"quantity": 9})).status_code == 200
    assert (await bought.patch({"status": "deleted"})).status_code == 200
    desk.market.receivers.answer = answering(200)
    desk.market.receivers.messages.clear()
    later(desk, 70)
    assert [body["action"] for body in await desk.deliver()] == ["Unsubscribe"]


async def test_a_cancellation_wins_over_an_open_change(desk: Desk) -> None:
    bought = await desk.activated()
    await desk.configure(pc_wait_seconds=0)
    assert (await bought.patch({"quantity": 9})).status_code == 200
    (operation,) = await bought.operations()
    assert (await bought.patch({"status": "deleted"})).status_code == 200
    assert await bought.states() == ("deleted", "Unsubscribed")
    assert refusal(await bought.acknowledge(operation["id"])) == (409, "Conflict")


async def test_a_repeated_call_finds_what_it_has_begun(desk: Desk) -> None:
    """Even where the server was killed before it could store its answer."""
    bought = await desk.activated()
    await desk.configure(pc_wait_seconds=0)
    headers = {"MS-RequestId": "the-same"}
    first = await bought.patch({"quantity": 9}, headers=headers)
    again = await bought.patch({"quantity": 9}, headers=headers)
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)
    assert again.headers["ms-replayed"] == "true"
    account_id = (await desk.market.account("production")).id
    await desk.market.write(lambda tx: tx.run(FORGET_ANSWERS, account_id=account_id))
    lost = await bought.patch({"quantity": 9}, headers=headers)
    assert (lost.status_code, lost.content) == (200, first.content)
    assert "ms-replayed" not in lost.headers
    other = await bought.patch({"quantity": 9}, headers={"MS-RequestId": "another"})
    assert (other.status_code, other.json()["code"]) == (400, 800082)
    assert len(await bought.operations()) == 1


async def test_a_repeated_call_is_judged_afresh_after_a_refusal(desk: Desk) -> None:
    bought = await desk.activated()
    headers = {"MS-RequestId": "the-same"}
    desk.market.receivers.answer = answering(400)
    for _ in range(2):
        refused = await bought.patch({"quantity": 9}, headers=headers, may_keep=True)
        assert refused.status_code == 400
    assert len(desk.market.receivers.messages) == 2, "the publisher was asked again"
    desk.market.receivers.answer = answering(200)
    await desk.configure(ack_window_seconds=0)
    assert (await bought.patch({"quantity": 9}, headers=headers)).json()["quantity"] == 9


async def test_one_id_of_two_different_calls(desk: Desk) -> None:
    bought = await desk.activated()
    headers = {"MS-RequestId": "the-same"}
    await desk.configure(ack_window_seconds=0)
    assert (await bought.patch({"quantity": 9}, headers=headers)).json()["quantity"] == 9
    named = {"quantity": 10, "friendlyName": "Named"}
    await bought.patch({"quantity": 10}, headers={"MS-RequestId": "another"})
    await bought.patch({"quantity": 9}, headers={"MS-RequestId": "a-third"})
    reply = (await bought.patch(named, headers=headers)).json()
    assert (reply["quantity"], reply["friendlyName"]) == (10, "Named")


async def test_what_the_rules_refuse_never_reaches_the_publisher(desk: Desk) -> None:
    bought = await desk.activated()
    refused = await bought.patch({"quantity": 51})
    assert (refused.status_code, refused.json()["code"]) == (400, 2002)
    assert desk.market.receivers.messages == []
    assert await bought.operations() == []


async def test_other_changes_need_no_publisher(desk: Desk) -> None:
    """Row 10: seen in the purchase, told by no webhook."""
    bought = await desk.activated()
    reply = await bought.patch({"autoRenewEnabled": False, "friendlyName": "Named"})
    assert reply.status_code == 200
    seen = await bought.seen()
    assert (seen["autoRenew"], seen["name"]) == (False, "Named")
    assert await desk.deliver() == []


async def test_a_sandbox_changes_at_once(desk: Desk) -> None:
    desk.account = "sandbox"
    bought = await desk.buy()
    path = f"{bought.path}/activate"
    assert (await desk.market.post(path)).status_code == 200
    assert (await bought.patch({"quantity": 9})).json()["quantity"] == 9
    assert await desk.deliver() == []


# Reinstating


async def test_reinstating_waits_for_the_publisher(desk: Desk) -> None:
    bought = await suspended(desk)
    await desk.configure(ack_window_seconds=0)
    reply = await bought.patch({"status": "active"})
    assert (reply.status_code, reply.json()["status"]) == (200, "active")
    body = desk.market.receivers.bodies[-1]
    assert (body["action"], body["status"]) == ("Reinstate", "InProgress")
    assert body["subscription"]["saasSubscriptionStatus"] == "Suspended"
    assert await bought.states() == ("active", "Subscribed")


async def test_the_publisher_refuses_to_reinstate(desk: Desk) -> None:
    bought = await suspended(desk)
    desk.market.receivers.answer = answering(400)
    reply = await bought.patch({"status": "active"}, may_keep=True)
    assert (reply.status_code, reply.json()["code"]) == (400, 800096)
    assert await bought.states() == ("suspended", "Suspended")


async def test_reinstating_stays_open_while_nobody_answers(desk: Desk) -> None:
    bought = await suspended(desk)
    await desk.configure(pc_wait_seconds=0, **ALL)
    reply = await bought.patch({"status": "active"})
    assert (reply.status_code, reply.json()["status"]) == (200, "suspended")
    (operation,) = await bought.operations()
    assert (await bought.acknowledge(operation["id"], "Failure")).status_code == 200
    assert await bought.states() == ("suspended", "Suspended")
    assert (await bought.patch({"status": "active"})).status_code == 200
    assert (await bought.call("DELETE")).status_code == 202
    assert await bought.states() == ("deleted", "Unsubscribed")


# The operator asks


async def test_the_operator_changes_the_plan_of_a_reseller_s_purchase(desk: Desk) -> None:
    """Row 9: the publisher is asked, though it may not ask itself."""
    bought = await desk.activated()
    ctx = await desk.market.context("production")
    change = partial(
        service_partner.request_change,
        ctx=ctx,
        customer_id=desk.customer_id,
        subscription_id=bought.id,
        request=ChangeRequest(plan_id="large"),
    )
    started: Started = await desk.market.write(change)
    (body,) = await desk.deliver()
    assert (body["action"], body["operationRequestSource"], body["planId"]) == (
        "ChangePlan",
        "Azure",
        "large",
    )
    assert (await bought.acknowledge(started.operation.id)).status_code == 200
    assert (await bought.seen())["planId"] == "large"


async def test_the_operator_reinstates(desk: Desk) -> None:
    bought = await suspended(desk)
    ctx = await desk.market.context("production")
    reinstate = partial(
        service_partner.request_reinstatement,
        ctx=ctx,
        customer_id=desk.customer_id,
        subscription_id=bought.id,
    )
    started: Started = await desk.market.write(reinstate)
    assert (await bought.acknowledge(started.operation.id)).status_code == 200
    assert await bought.states() == ("active", "Subscribed")


# Being told


async def test_the_webhook_spelled_out(desk: Desk) -> None:
    bought = await desk.activated(friendlyName="Harbor – für alle")
    assert (await bought.patch({"status": "deleted"})).status_code == 200
    await desk.market.deliver()
    (message,) = desk.market.receivers.messages
    assert message.url == "https://app.northbeam.example/hooks/harbor"
    assert dict(message.headers)["Authorization"].startswith("Bearer ")
    body = json.loads(message.body)
    check_reply_with_nulls(body)
    assert list(body) == [
        "id", "activityId", "publisherId", "offerId", "planId", "quantity", "subscriptionId", "timeStamp",
        "action", "status", "operationRequestSource", "subscription", "purchaseToken",
    ]  # fmt: skip
    assert list(body["subscription"]) == [
        "id", "name", "publisherId", "offerId", "planId", "quantity", "beneficiary", "purchaser",
        "allowedCustomerOperations", "sessionMode", "isFreeTrial", "isTest", "sandboxType",
        "saasSubscriptionStatus", "term", "autoRenew", "created", "lastModified",
    ]  # fmt: skip
    seen = await bought.seen()
    told = dict(body["subscription"])
    assert told.pop("term") == {**seen.pop("term"), "chargeDuration": None}
    assert told == seen
    assert (body["purchaseToken"], body["activityId"]) == (None, body["id"])
    assert message.body.decode() == json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def check_reply_with_nulls(body: Json) -> None:
    check_reply("40.AadIdentifier", body["subscription"]["beneficiary"])
    assert isinstance(body["quantity"], int)


async def test_the_webhook_of_a_flat_rate(desk: Desk) -> None:
    bought = await desk.activated("pro", 1)
    assert (await bought.patch({"status": "deleted"})).status_code == 200
    (body,) = await desk.deliver()
    assert (body["quantity"], body["subscription"]["quantity"]) == (1, None)
    operation = await bought.operation(body["id"])
    assert "quantity" not in operation


@pytest.mark.parametrize("resolved", [True, False])
async def test_a_purchase_that_ends_before_its_activation(desk: Desk, resolved: bool) -> None:
    """Rows 5 and 6: told only to a publisher that has resolved it once (section 7.3)."""
    cancelled, forgotten = await desk.buy(), await desk.buy()
    if resolved:
        for bought in (cancelled, forgotten):
            assert (await desk.resolve(await bought.token())).status_code == 200
    assert (await cancelled.patch({"status": "deleted"})).status_code == 200
    desk.market.wait(days=31)
    desk.market.tokens.clear()
    await desk.market.work()
    told = {body["subscriptionId"] for body in await desk.deliver()}
    assert told == ({cancelled.id, forgotten.id} if resolved else set())
    for bought in (cancelled, forgotten):
        assert await bought.states() == ("deleted", "Unsubscribed")
        assert (await bought.seen())["term"] == {"termUnit": "P1M"}


async def test_the_publisher_may_end_what_it_has_never_resolved(desk: Desk) -> None:
    await desk.configure(**ALL)
    bought = await desk.buy()
    reply = await bought.call("DELETE")
    assert reply.status_code == 202
    assert await bought.states() == ("deleted", "Unsubscribed")
    assert (await bought.operation(reply.headers["operation-id"]))["status"] == "Succeeded"
    assert await desk.deliver() == []


async def test_notices_are_tried_again_whatever_the_answer(desk: Desk) -> None:
    bought = await desk.activated()
    desk.market.receivers.answer = answering(400)
    assert (await bought.patch({"status": "deleted"})).status_code == 200
    (first,) = await desk.deliver()
    desk.market.receivers.answer = answering(200)
    later(desk, 70)
    (again,) = await desk.deliver()
    assert first == again
    assert (await bought.operation(first["id"]))["status"] == "Succeeded"


async def test_a_sandbox_in_the_loop_is_told_as_a_test(desk: Desk) -> None:
    desk.account = "sandbox"
    await desk.configure(sandbox_publisher_delivery=True)
    bought = await desk.activated()
    assert (await bought.patch({"status": "deleted"})).status_code == 200
    (body,) = await desk.deliver()
    told = body["subscription"]
    assert (told["sandboxType"], told["isTest"], told["sessionMode"]) == ("Csp", True, "DryRun")


async def test_an_ending_by_somebody_else_names_no_publisher(desk: Desk) -> None:
    bought = await desk.activated()
    ctx = await desk.market.context("production")

    async def cancel(tx: Tx) -> None:
        found = await subscriptions.get(tx, ctx, desk.customer_id, bought.id)
        await subscriptions.cancel(tx, ctx, found, StatusReason.CUSTOMER_DELETED)

    await desk.market.write(cancel)
    (body,) = await desk.deliver()
    assert (body["action"], body["operationRequestSource"]) == ("Unsubscribe", "Azure")
