"""What publishers report of usage, and what they are told (``40-publisher-fulfillment-metering`` 6)."""

import asyncio
import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from tests.market import Json
from tests.metering_desk import CATALOGUE, PUBLISHER, RIVAL, Desk, desk, publish

from comptoir.db import sql
from comptoir.subscriptions.model import Status

__all__ = ["desk"]
pytestmark = pytest.mark.anyio

UNKNOWN = "00000000-1111-4222-8333-444444444444"
NIL = "00000000-0000-0000-0000-000000000000"
IDS = {"x-ms-requestid": "my request", "x-ms-correlationid": "my correlation"}
SET_OFFSET = sql("UPDATE accounts SET clock_offset_micros = :micros WHERE id = :account_id")
LIST_JOURNAL = sql(
    "SELECT action, after FROM journal WHERE account_id = :account_id AND action = 'report_usage'"
)
LIST_DUE = sql("SELECT kind, due_at FROM due_work WHERE account_id = :account_id AND kind = 'rate_usage'")


def refused(*faults: tuple[str, str]) -> Json:
    """The body of a 400, from targets and reasons."""
    details = [{"message": reason, "target": target, "code": "BadArgument"} for target, reason in faults]
    message = " ".join(reason for _, reason in faults)
    return {"message": message, "target": "usageEventRequest", "details": details, "code": "BadArgument"}


# One event


async def test_an_accepted_event_is_echoed_in_the_documented_order(desk: Desk) -> None:
    reply = await desk.report(desk.event(quantity=12, effectiveStartTime="2026-03-02T09:10:00"), headers=IDS)
    assert reply.status_code == 200
    event_id = reply.json()["usageEventId"]
    assert reply.text == (
        f'{{"usageEventId":"{event_id}","status":"Accepted","messageTime":"2026-03-02T09:15:00Z",'
        f'"resourceId":"{desk.subscription_id}","quantity":12.0,"dimension":"email100",'
        '"effectiveStartTime":"2026-03-02T09:10:00","planId":"basic"}'
    )
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert {name: reply.headers[name] for name in IDS} == IDS
    (event,) = await desk.events()
    assert (event["id"], event["quantity"], event["rated_at"]) == (event_id, "12", None)


QUANTITIES = [
    ("20.5", "20.5", "20.5"),
    ("20.50", "20.5", "20.5"),
    ("0.30000000000000004", "0.30000000000000004", "0.30000000000000004"),
    ("1e2", "100.0", "100"),
    ("1E-9", "0.000000001", "0.000000001"),
    ('"7.25"', "7.25", "7.25"),
]
"""As it is sent, answered and kept."""


async def test_a_quantity_keeps_its_own_digits(desk: Desk) -> None:
    for sent, answered, _ in QUANTITIES:
        desk.pass_time(hours=1)
        raw = json.dumps(desk.event(quantity=0)).replace('"quantity": 0', f'"quantity": {sent}').encode()
        reply = await desk.report(None, raw=raw)
        assert f'"quantity":{answered},' in reply.text
    assert [event["quantity"] for event in await desk.events()] == [kept for _, _, kept in QUANTITIES]


async def test_ids_are_made_where_none_are_sent_and_echoed_on_refusals_too(desk: Desk) -> None:
    reply = await desk.report(desk.event(dimension="faxes"))
    assert reply.status_code == 400
    assert reply.headers["x-ms-requestid"] == reply.headers["x-ms-correlationid"]


async def test_a_duplicate_is_told_of_the_earlier_event_byte_by_byte(desk: Desk) -> None:
    first = await desk.accept(effectiveStartTime="2026-03-02T09:10:00Z")
    desk.pass_time(minutes=3)
    again = desk.event(quantity=7, effectiveStartTime="2026-03-02T09:01:00Z")
    reply = await desk.report(again)
    assert reply.status_code == 409
    assert reply.text == (
        f'{{"additionalInfo":{{"acceptedMessage":{{"usageEventId":"{first["usageEventId"]}",'
        f'"status":"Duplicate","messageTime":"2026-03-02T09:15:00Z","resourceId":"{desk.subscription_id}",'
        '"quantity":5.5,"dimension":"email100","effectiveStartTime":"2026-03-02T09:10:00Z",'
        '"planId":"basic"}},"message":"This usage event already exist.","code":"Conflict"}'
    )
    assert reply.headers["x-ms-requestid"]
    assert len(await desk.events()) == 1


async def test_another_dimension_or_hour_is_no_duplicate(desk: Desk) -> None:
    await desk.accept()
    await desk.accept(dimension="text")
    await desk.accept(effectiveStartTime="2026-03-02T08:59:00Z")
    assert len(await desk.events()) == 3


async def test_another_publishers_resource_is_forbidden_in_a_json_text(desk: Desk) -> None:
    reply = await desk.report(desk.event(), publisher=RIVAL)
    assert reply.status_code == 403
    assert reply.json() == f"The subscription {desk.subscription_id} was bought from another publisher."


NOT_ACTIVE = "The resource {id} is not active, or was not at the effectiveStartTime."
NO_TIME = "The effectiveStartTime must be a time in ISO 8601."
WINDOW = "The effectiveStartTime lies in the future, or too far in the past."
REFUSED: list[tuple[Json, list[tuple[str, str]]]] = [
    ({"resourceId": UNKNOWN}, [("resourceId", f"There is no resource {UNKNOWN}.")]),
    ({"resourceId": "basic"}, [("resourceId", "The resourceId must be a GUID.")]),
    (
        {"resourceUri": "/providers/x"},
        [("resourceUri", "Name the resource by its resourceId, not by a resourceUri.")],
    ),
    ({"planId": "other"}, [("planId", "The plan other is not that of the resource.")]),
    ({"dimension": "faxes"}, [("dimension", "The dimension faxes is not billed in the plan basic.")]),
    ({"quantity": 0}, [("quantity", "The quantity must be greater than 0.")]),
    ({"quantity": -1}, [("quantity", "The quantity must be greater than 0.")]),
    ({"quantity": "NaN"}, [("quantity", "The quantity must be greater than 0.")]),
    ({"quantity": 10**15}, [("quantity", "The quantity is too large or too exact.")]),
    ({"effectiveStartTime": "2026-03-02T09:20:01Z"}, [("effectiveStartTime", WINDOW)]),
    (
        {"effectiveStartTime": "yesterday"},
        [("effectiveStartTime", "The effectiveStartTime must be a time in ISO 8601.")],
    ),
    (
        {"resourceId": None, "quantity": None, "dimension": None, "effectiveStartTime": None, "planId": None},
        [(name, f"The {name} is required.") for name in ("resourceId", "quantity", "dimension")]
        + [(name, f"The {name} is required.") for name in ("effectiveStartTime", "planId")],
    ),
]


async def test_an_event_that_is_refused(desk: Desk) -> None:
    for members, faults in REFUSED:
        reply = await desk.report(desk.event(**members))
        assert (reply.status_code, reply.json()) == (400, refused(*faults))


async def test_the_members_of_a_refusal_stand_in_the_documented_order(desk: Desk) -> None:
    reply = await desk.report(desk.event(quantity=0))
    reason = "The quantity must be greater than 0."
    assert reply.text == (
        f'{{"message":"{reason}","target":"usageEventRequest","details":[{{"message":"{reason}",'
        '"target":"quantity","code":"BadArgument"}],"code":"BadArgument"}'
    )


async def test_usage_more_than_a_day_old_is_refused(desk: Desk) -> None:
    desk.pass_time(days=1, seconds=-301)
    await desk.accept(effectiveStartTime="2026-03-02T09:10:00Z")
    desk.pass_time(seconds=302)
    reply = await desk.report(desk.event(dimension="text", effectiveStartTime="2026-03-02T09:10:00Z"))
    assert (reply.status_code, reply.json()) == (400, refused(("effectiveStartTime", WINDOW)))


async def test_usage_before_the_activation_is_refused(desk: Desk) -> None:
    reply = await desk.report(desk.event(effectiveStartTime="2026-03-02T08:14:59Z"))
    reason = NOT_ACTIVE.format(id=desk.subscription_id)
    assert (reply.status_code, reply.json()) == (400, refused(("resourceId", reason)))
    await desk.accept(effectiveStartTime="2026-03-02T08:15:00Z")


async def test_a_resource_that_is_not_set_up_takes_nothing(desk: Desk) -> None:
    waiting = await desk.buy(is_active=False)
    reply = await desk.report(waiting.event())
    reason = NOT_ACTIVE.format(id=waiting.subscription_id)
    assert (reply.status_code, reply.json()) == (400, refused(("resourceId", reason)))


async def test_a_suspended_resource_takes_nothing(desk: Desk) -> None:
    await desk.rewrite(status=Status.SUSPENDED)
    reply = await desk.report(desk.event())
    assert reply.json()["details"][0]["target"] == "resourceId"


async def test_usage_of_before_the_end_is_taken_afterwards(desk: Desk) -> None:
    await desk.rewrite(status=Status.DELETED, ended_at=desk.now)
    ended = desk.at()
    desk.pass_time(hours=2)
    assert (await desk.report(desk.event(effectiveStartTime=ended))).status_code == 400
    await desk.accept(effectiveStartTime="2026-03-02T09:14:59Z")


async def test_a_body_that_is_no_event(desk: Desk) -> None:
    for raw in (b"", b"null", b"[]", b"7", b'"x"', b'{"resourceId":', b"\xff", b"[" * 100_000):
        reply = await desk.report(None, raw=raw)
        assert reply.status_code == 400
        body = reply.json()
        assert (body["target"], body["code"]) == ("usageEventRequest", "BadArgument")
        assert [detail["target"] for detail in body["details"]] == ["usageEventRequest"]


async def test_names_match_in_any_case_and_unknown_members_are_ignored(desk: Desk) -> None:
    event = {name[0].upper() + name[1:]: value for name, value in desk.event().items()}
    reply = await desk.report({**event, "Remark": [1, {"a": None}]})
    assert reply.status_code == 200


async def test_a_path_matches_in_any_case_with_or_without_a_slash(desk: Desk) -> None:
    for path in ("usageevent", "USAGEEVENT/"):
        assert (await desk.call("POST", path, desk.event(dimension="faxes"))).status_code == 400


# The edge


CALLS = [("POST", "usageEvent"), ("POST", "batchUsageEvent"), ("GET", "usageEvents")]


@pytest.mark.parametrize(
    ("query", "code"),
    [("", "ApiVersionUnspecified"), ("?api-version=2017-04-15", "UnsupportedApiVersion")],
)
async def test_the_version_of_the_api_must_be_named(desk: Desk, query: str, code: str) -> None:
    for method, path in CALLS:
        address, account = f"/api/{path}{query}", f"publisher:{PUBLISHER}"
        reply = await desk.market.call(method, address, desk.event(), account=account)
        assert (reply.status_code, reply.json()["Error"]["Code"]) == (400, code)
        assert set(reply.json()["Error"]) == {"Code", "Message"}
        assert reply.headers["x-ms-requestid"]
        assert reply.headers["x-ms-correlationid"]


async def test_a_caller_without_a_publishers_token_gets_a_json_text(desk: Desk) -> None:
    for method, path in CALLS:
        address = f"/api/{path}?api-version=2018-08-31"
        reply = await desk.market.call(method, address, desk.event(), account="production")
        assert reply.status_code == 403
        assert isinstance(reply.json(), str)


# Batches


async def test_a_batch_tells_of_each_event_in_order(desk: Desk) -> None:
    rival = await desk.buy("loft")
    waiting = await desk.buy(is_active=False)
    await desk.accept(dimension="text")
    result = await desk.batch(
        desk.event(),
        desk.event(dimension="text", quantity=9),
        desk.event(effectiveStartTime="2026-03-02T09:20:01Z"),
        desk.event(resourceId=UNKNOWN),
        rival.event(dimension="flights"),
        waiting.event(),
        desk.event(dimension="faxes"),
        desk.event(quantity=-2),
        desk.event(planId="other"),
        desk.event(effectiveStartTime="2026-03-02T09:14:00Z", quantity=7),
    )
    assert [item["status"] for item in result] == [
        "Accepted",
        "Duplicate",
        "Expired",
        "ResourceNotFound",
        "ResourceNotAuthorized",
        "ResourceNotActive",
        "InvalidDimension",
        "InvalidQuantity",
        "BadArgument",
        "Duplicate",
    ]
    targets = [item["error"]["details"][0]["target"] for item in result[2:9]]
    assert targets == [
        "effectiveStartTime",
        *["resourceId"] * 3,
        "dimension",
        "quantity",
        "planId",
    ]
    accepted = result[9]["error"]["additionalInfo"]["acceptedMessage"]
    assert accepted == {**result[0], "status": "Duplicate"}
    assert len(await desk.events()) == 2


async def test_a_time_that_no_database_takes_spoils_its_own_event_alone(desk: Desk) -> None:
    bad = desk.event(effectiveStartTime="2026-03-02\x0008:50:00Z")
    result = await desk.batch(desk.event(), bad, desk.event(dimension="text"))
    assert [item["status"] for item in result] == ["Accepted", "BadArgument", "Accepted"]
    assert (await desk.report(bad)).json()["details"][0]["target"] == "effectiveStartTime"


async def test_the_members_of_items_stand_in_the_documented_order(desk: Desk) -> None:
    reply = await desk.call("POST", "batchUsageEvent", {"request": [desk.event(), desk.event(quantity=0)]})
    accepted, failed = reply.json()["result"]
    assert list(reply.json()) == ["result", "count"]
    echo = ["resourceId", "quantity", "dimension", "effectiveStartTime", "planId"]
    assert list(accepted) == ["usageEventId", "status", "messageTime", *echo]
    assert list(failed) == ["status", "messageTime", "error", *echo]
    assert list(failed["error"]) == ["code", "target", "message", "details"]
    assert list(failed["error"]["details"][0]) == ["code", "target", "message"]
    again = (await desk.call("POST", "batchUsageEvent", {"request": [desk.event()]})).text
    assert '"error":{"additionalInfo":{"acceptedMessage":{"usageEventId"' in again
    assert '},"message":"This usage event already exist.","code":"Conflict"}' in again


async def test_an_item_without_members_is_answered_with_empty_ones(desk: Desk) -> None:
    items: list[Any] = [{}, 5, {"resourceId": "x", "quantity": "many", "planId": 7}, {"quantity": 10**20}]
    result = await desk.batch(*items)
    assert {item["status"] for item in result} == {"BadArgument"}
    nothing = {
        "resourceId": NIL,
        "quantity": 0.0,
        "dimension": "",
        "effectiveStartTime": "0001-01-01T00:00:00",
        "planId": "",
    }
    assert [{name: item[name] for name in nothing} for item in result] == [nothing] * 4
    assert [detail["target"] for detail in result[0]["error"]["details"]] == list(nothing)


@pytest.mark.parametrize("count", [1, 25])
async def test_a_batch_has_up_to_25_events(desk: Desk, count: int) -> None:
    result = await desk.batch(*[desk.event()] * count)
    assert Counter(item["status"] for item in result) == {"Accepted": 1} | (
        {"Duplicate": count - 1} if count > 1 else {}
    )


NO_BATCHES: list[Json] = [
    None,
    {},
    {"request": []},
    {"request": None},
    {"request": {}},
    {"request": [{}] * 26},
    {"events": [{}]},
    [{}],
    [],
    5,
]


async def test_what_is_no_batch_is_refused(desk: Desk) -> None:
    for body in NO_BATCHES:
        reply = await desk.call("POST", "batchUsageEvent", body)
        assert reply.status_code == 400
        assert [detail["target"] for detail in reply.json()["details"]] == ["request"]
        assert reply.json()["code"] == "BadArgument"


async def test_a_batch_that_cannot_be_read_is_refused(desk: Desk) -> None:
    reply = await desk.call("POST", "batchUsageEvent", raw=b'{"request":[')
    assert reply.status_code == 400
    assert reply.json()["details"][0]["target"] == "usageEventRequest"


async def test_a_batch_across_resources_and_accounts_is_one_entry_each(desk: Desk) -> None:
    other = await desk.buy("big")
    await desk.market.configure("sandbox", sandbox_publisher_delivery=True)
    sandbox = await Desk(desk.market, account="sandbox").buy()
    result = await desk.batch(
        desk.event(),
        other.event(dimension="calls"),
        sandbox.event(),
        desk.event(),
    )
    assert [item["status"] for item in result] == ["Accepted", "Accepted", "Accepted", "Duplicate"]
    for name, count in (("production", 2), ("sandbox", 1)):
        account = await desk.market.account(name)
        (entry,) = await desk.rows(LIST_JOURNAL, account_id=account.id)
        assert json.loads(entry["after"])["count"] == count
        assert [row["kind"] for row in await desk.rows(LIST_DUE, account_id=account.id)] == ["rate_usage"]


async def test_a_batch_of_which_nothing_is_accepted_leaves_no_trace(desk: Desk) -> None:
    await desk.batch(desk.event(quantity=0))
    account = await desk.market.account("production")
    assert await desk.rows(LIST_JOURNAL, account_id=account.id) == []
    assert await desk.rows(LIST_DUE, account_id=account.id) == []


async def test_rating_waits_as_long_as_the_account_says(desk: Desk) -> None:
    await desk.market.configure("production", usage_rating_delay_seconds=3_600)
    await desk.accept()
    desk.pass_time(minutes=59)
    await desk.market.work()
    assert [event["rated_at"] for event in await desk.events()] == [None]
    desk.pass_time(minutes=1)
    await desk.market.work()
    assert all(event["rated_at"] for event in await desk.events())


# Duplicates at the same time


async def test_of_concurrent_reports_one_is_accepted(desk: Desk) -> None:
    await desk.market.token(f"publisher:{PUBLISHER}")
    events = [desk.event(quantity=number) for number in range(1, 9)]
    replies = await asyncio.gather(*(desk.report(event, alone=False) for event in events))
    (accepted,) = [reply.json() for reply in replies if reply.status_code == 200]
    others = [reply for reply in replies if reply.status_code != 200]
    assert {reply.status_code for reply in others} == {409}
    shown = [reply.json()["additionalInfo"]["acceptedMessage"] for reply in others]
    assert shown == [{**accepted, "status": "Duplicate"}] * 7
    assert len(await desk.events()) == 1


async def test_concurrent_batches_accept_each_event_once(desk: Desk) -> None:
    other = await desk.buy("big")
    await desk.market.token(f"publisher:{PUBLISHER}")
    slots = [
        one.event(dimension=dimension, effectiveStartTime=f"2026-03-02T0{hour}:15:00Z")
        for one, dimension in ((desk, "text"), (desk, "email100"), (other, "calls"))
        for hour in (8, 9)
    ]
    slots = [slot for slot in slots if slot["planId"] == "basic" or "T09" in slot["effectiveStartTime"]]
    results = await asyncio.gather(
        *(desk.batch(*slots[turn:], *slots[:turn], alone=False) for turn in range(len(slots)))
    )
    items = [item for result in results for item in result]
    accepted = {item["usageEventId"] for item in items if item["status"] == "Accepted"}
    assert len(accepted) == len(slots) == len(await desk.events())
    duplicates = [item for item in items if item["status"] == "Duplicate"]
    assert len(duplicates) == len(items) - len(slots)
    shown = {item["error"]["additionalInfo"]["acceptedMessage"]["usageEventId"] for item in duplicates}
    assert shown == accepted


# Clocks and sandboxes


async def test_the_clock_of_the_account_decides(desk: Desk) -> None:
    account = await desk.market.account("production")
    micros = timedelta(days=3) // timedelta(microseconds=1)
    await desk.market.write(lambda tx: tx.run(SET_OFFSET, account_id=account.id, micros=micros))
    assert (await desk.report(desk.event())).status_code == 400
    accepted = await desk.accept(effectiveStartTime="2026-03-05T09:10:00Z")
    assert accepted["messageTime"] == "2026-03-05T09:15:00Z"
    assert (await desk.report(desk.event(effectiveStartTime="2026-03-05T09:11:00Z"))).status_code == 409


async def test_usage_of_a_clock_that_is_ahead_is_read_back(desk: Desk) -> None:
    account = await desk.market.account("production")
    micros = timedelta(days=3) // timedelta(microseconds=1)
    await desk.market.write(lambda tx: tx.run(SET_OFFSET, account_id=account.id, micros=micros))
    await desk.accept(effectiveStartTime="2026-03-05T09:10:00Z")
    assert len(await desk.read_back("usageStartDate=2026-03-05")) == 1


async def test_a_term_that_is_overdue_is_renewed_first(desk: Desk) -> None:
    desk.pass_time(days=31)
    before = await desk.stored()
    assert before.term_end_at is not None
    assert before.term_end_at < desk.now
    await desk.accept()
    assert (await desk.stored()).term_start_at == before.term_end_at


async def test_what_is_overdue_of_others_keeps_nobody_waiting(desk: Desk) -> None:
    """Time is not even asked what it has yet to do to a subscription whose usage is refused anyway."""
    rival = await desk.buy("loft")
    desk.pass_time(days=31)
    before = await rival.stored()
    early = desk.event(effectiveStartTime="2026-03-01T00:00:00Z")
    result = await desk.batch(early, rival.event(dimension="flights"), rival.event(planId=None))
    statuses = [item["status"] for item in result]
    assert statuses == ["ResourceNotActive", "ResourceNotAuthorized", "BadArgument"]
    assert await rival.stored() == before


async def test_a_term_that_is_over_takes_no_more(desk: Desk) -> None:
    await desk.rewrite(auto_renew=False)
    desk.pass_time(days=30, hours=20)
    assert (await desk.report(desk.event(), may_keep=True)).status_code == 400
    assert (await desk.stored()).status is Status.EXPIRED
    await desk.accept(effectiveStartTime="2026-04-01T23:59:59Z")


async def test_sandbox_purchases_are_not_there_for_publishers_unless_they_may_see_them(desk: Desk) -> None:
    sandbox = await Desk(desk.market, account="sandbox").buy()
    event = sandbox.event()
    reply = await desk.report(event)
    assert (reply.status_code, reply.json()["details"][0]["target"]) == (400, "resourceId")
    assert (await desk.report(event, publisher=RIVAL)).status_code == 400
    await desk.market.configure("sandbox", sandbox_publisher_delivery=True)
    assert (await desk.report(event, publisher=RIVAL)).status_code == 403
    assert (await desk.report(event)).status_code == 200
    await desk.market.work()
    (usage,) = await desk.read_back()
    assert (usage["reconStatus"], usage["processedQuantity"], usage["offerName"]) == ("Submitted", 0.0, "")
    await desk.market.configure("sandbox", sandbox_publisher_delivery=False)
    assert await desk.read_back() == []


# Reading back


async def test_usage_is_read_back_in_daily_sums(desk: Desk) -> None:
    await desk.accept(quantity=2)
    await desk.accept(quantity=0.5, effectiveStartTime="2026-03-02T08:15:00Z")
    await desk.accept(dimension="text")
    desk.pass_time(days=1)
    await desk.accept(quantity=7)
    submitted = await desk.read_back()
    assert [list(usage) for usage in submitted] == [
        [
            "usageDate",
            "usageResourceId",
            "dimension",
            "planId",
            "planName",
            "offerId",
            "offerName",
            "offerType",
            "azureSubscriptionId",
            "reconStatus",
            "submittedQuantity",
            "processedQuantity",
            "submittedCount",
        ]
    ] * 3
    assert submitted[1] == {
        "usageDate": "2026-03-02T00:00:00Z",
        "usageResourceId": desk.subscription_id,
        "dimension": "email100",
        "planId": "basic",
        "planName": "",
        "offerId": "mailer",
        "offerName": "",
        "offerType": "SaaS",
        "azureSubscriptionId": NIL,
        "reconStatus": "Submitted",
        "submittedQuantity": 2.5,
        "processedQuantity": 0.0,
        "submittedCount": 2,
    }
    assert [usage["usageDate"][:10] for usage in submitted] == ["2026-03-03", "2026-03-02", "2026-03-02"]
    await desk.market.work()
    accepted = await desk.read_back()
    assert {usage["reconStatus"] for usage in accepted} == {"Accepted"}
    assert accepted[1] == {
        **submitted[1],
        "reconStatus": "Accepted",
        "processedQuantity": 2.5,
        "planName": "Basic",
        "offerName": "Mailer",
    }


async def test_a_day_is_submitted_until_all_of_it_is_rated(desk: Desk) -> None:
    await desk.accept()
    await desk.market.work()
    await desk.accept(effectiveStartTime="2026-03-02T08:15:00Z")
    (usage,) = await desk.read_back()
    assert (usage["reconStatus"], usage["processedQuantity"], usage["submittedCount"]) == (
        "Submitted",
        0.0,
        2,
    )


async def test_usage_is_read_back_filtered(desk: Desk) -> None:
    big = await desk.buy("big")
    await desk.batch(
        desk.event(), desk.event(dimension="text"), big.event(), big.event(dimension="calls", quantity=3)
    )
    await desk.market.work()
    await desk.accept(effectiveStartTime="2026-03-02T08:15:00Z")

    async def found(query: str) -> list[tuple[str, str]]:
        usages = await desk.read_back(f"usageStartDate=2026-03-02&{query}")
        return sorted((usage["planId"], usage["dimension"]) for usage in usages)

    everything = [("basic", "email100"), ("basic", "text"), ("big", "calls"), ("big", "email100")]
    assert await found("") == everything
    assert await found("offerId=mailer") == everything
    assert await found("offerId=other") == []
    assert await found("planId=big") == everything[2:]
    assert await found("dimension=email100") == [everything[0], everything[3]]
    assert await found("dimension=%00") == []
    assert await found("reconStatus=submitted") == everything[:1]
    assert await found("reconStatus=Accepted") == everything[1:]
    assert await found("reconStatus=Rejected") == []
    assert await found(f"azureSubscriptionId={NIL}") == everything
    assert await found(f"azureSubscriptionId={UNKNOWN}") == []
    assert await desk.read_back(publisher=RIVAL) == []


RANGES = [
    ("usageStartDate=2026-03-02", 2),
    ("usageStartDate=2026-03-02T23:59:59Z", 2),
    ("usageStartDate=2026-03-03", 1),
    ("usageStartDate=2026-03-04", 0),
    ("USAGESTARTDATE=2026-03-02&usageenddate=2026-03-02", 1),
    ("usageStartDate=2026-03-02&UsageEndDate=2026-03-02T00:00:00.0000000%2B00:00", 1),
    ("usageStartDate=2026-03-02&UsageEndDate=2026-03-02T00:00:00+00:00", 1),
    ("usageStartDate=2026-03-01&usageEndDate=2026-03-01", 0),
    ("usageStartDate=0001-01-01", 2),
]
"""Queries, and how many of two days they find."""


async def test_both_days_of_the_range_are_included(desk: Desk) -> None:
    await desk.accept()
    desk.pass_time(days=1)
    await desk.accept()
    for query, days in RANGES:
        assert len(await desk.read_back(query)) == days, query


NO_RANGES = [
    ("", "usageStartDate"),
    ("usageStartDate=", "usageStartDate"),
    ("usageStartDate=soon", "usageStartDate"),
    ("usageStartDate=9999-12-31", "usageStartDate"),
    ("usageStartDate=2026-03-02&usageEndDate=later", "usageEndDate"),
    ("usageStartDate=2026-03-02&usageEndDate=2026-03-01", "usageStartDate"),
    ("usageStartDate=2026-03-02&reconStatus=Lost", "reconStatus"),
]
"""Queries, and the parameter that is wrong."""


async def test_a_range_that_is_none_is_refused(desk: Desk) -> None:
    for query, target in NO_RANGES:
        reply = await desk.call("GET", f"usageEvents?{query}")
        assert reply.status_code == 400
        assert [detail["target"] for detail in reply.json()["details"]] == [target]


async def test_an_answer_sums_up_so_many_events_and_no_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.batch(desk.event(), desk.event(dimension="text"))
    monkeypatch.setattr("comptoir.usage.service.READ_BACK_MAX", 1)
    reply = await desk.call("GET", "usageEvents?usageStartDate=2026-03-02")
    assert (reply.status_code, reply.json()["code"]) == (400, "BadArgument")
    monkeypatch.setattr("comptoir.usage.service.READ_BACK_MAX", 2)
    assert len(await desk.read_back()) == 2


# The operator


async def add(desk: Desk, *events: Json, account: str = "production") -> list[Json]:
    """What the operator is told of events that it adds."""
    path = f"/operator/v1/accounts/{account}/usage"
    reply = await desk.market.post(path, {"request": list(events)}, account="operator")
    assert reply.status_code == 200, reply.text
    result: list[Json] = reply.json()["result"]
    return result


async def test_an_operator_adds_usage_that_came_too_late(desk: Desk) -> None:
    late = desk.event()
    desk.pass_time(days=20)
    assert (await desk.report(late)).status_code == 400
    result = await add(desk, late, late, desk.event(quantity=0), desk.event(resourceId=UNKNOWN))
    assert [item["status"] for item in result] == [
        "Accepted",
        "Duplicate",
        "InvalidQuantity",
        "ResourceNotFound",
    ]
    account = await desk.market.account("production")
    assert len(await desk.rows(LIST_JOURNAL, account_id=account.id)) == 1
    assert (await desk.read_back())[0]["submittedQuantity"] == 5.5


async def test_an_operator_adds_usage_of_one_account_and_of_a_sandbox_too(desk: Desk) -> None:
    sandbox = await Desk(desk.market, account="sandbox").buy()
    event = sandbox.event()
    assert (await add(desk, event))[0]["status"] == "ResourceNotFound"
    assert (await add(desk, event, account="sandbox"))[0]["status"] == "Accepted"


NOT_ADDED: list[tuple[str, Json, tuple[int, int]]] = [
    ("production", {"request": []}, (400, 3000)),
    ("production", {"request": [{}] * 26}, (400, 3000)),
    ("production", 5, (400, 3000)),
    ("nobody", {"request": [{}]}, (404, 1000)),
]


async def test_what_an_operator_cannot_add(desk: Desk) -> None:
    for account, body, error in NOT_ADDED:
        path = f"/operator/v1/accounts/{account}/usage"
        reply = await desk.market.post(path, body, account="operator")
        assert (reply.status_code, reply.json()["code"]) == error


async def test_an_operator_sees_what_a_term_has_used(desk: Desk) -> None:
    big = await desk.buy("big", termDuration="P1Y")
    await desk.batch(desk.event(quantity=2.5), desk.event(dimension="text", quantity=9), big.event())

    async def counters(subscription_id: str) -> Json:
        path = f"/operator/v1/accounts/production/subscriptions/{subscription_id}/usage"
        reply = await desk.market.get(path, account="operator")
        assert reply.status_code == 200, reply.text
        return reply.json()

    assert await counters(desk.subscription_id.upper()) == {
        "subscriptionId": desk.subscription_id,
        "termStart": "2026-03-02T08:15:00Z",
        "termEnd": "2026-04-02T00:00:00Z",
        "items": [
            {"dimension": "email100", "used": 2.5, "included": 100},
            {"dimension": "text", "used": 9.0, "included": 0},
        ],
    }
    assert (await counters(big.subscription_id))["items"] == [
        {"dimension": "calls", "used": 0.0},
        {"dimension": "email100", "used": 5.5, "included": 0},
    ]
    waiting = await desk.buy(is_active=False)
    assert "termStart" not in await counters(waiting.subscription_id)


NO_COUNTERS: list[tuple[str, str | None, tuple[int, int]]] = [
    ("nobody", UNKNOWN, (404, 1000)),
    ("production", UNKNOWN, (404, 20003)),
    ("production", "basic", (404, 20003)),
    ("sandbox", None, (404, 20003)),
]


async def test_counters_that_are_not_there(desk: Desk) -> None:
    for account, subscription_id, error in NO_COUNTERS:
        wanted = subscription_id or desk.subscription_id
        path = f"/operator/v1/accounts/{account}/subscriptions/{wanted}/usage"
        reply = await desk.market.get(path, account="operator")
        assert (reply.status_code, reply.json()["code"]) == error


async def test_publishers_see_the_plan_that_an_event_names(desk: Desk) -> None:
    """A price that is published anew changes nothing about what may be reported."""
    await publish(desk.market, CATALOGUE.replace("USD: 0.05", "USD: 0.06"))
    assert (await desk.accept(dimension="text"))["planId"] == "basic"
