"""The operator's view of invoices: issued, paid, corrected, explained, proven."""

from datetime import datetime
from typing import Any

import httpx2
import pytest
from tests.market import Json
from tests.order_market import Shop, shop
from tests.subscription_desk import hold, later

from comptoir.api import store_replies
from comptoir.core.instants import to_micros
from comptoir.db import sql

pytestmark = pytest.mark.anyio
__all__ = ["shop"]

ACCOUNT = "/operator/v1/accounts/sandbox/invoices"
MISSING = "/operator/v1/accounts/nobody/invoices"


async def get(shop: Shop, path: str, **options: Any) -> httpx2.Response:
    return await shop.market.get(path, account="operator", **options)


async def post(shop: Shop, path: str, body: Json = None, **options: Any) -> httpx2.Response:
    return await shop.market.post(path, body, account="operator", **options)


async def bought(shop: Shop) -> None:
    """Six seats of 7.50 a month from 2 March on, for which ten more come on 10 March."""
    held = await hold(shop)
    later(shop, instant(shop, "2026-03-10"))
    await held.change({**await held.read(), "quantity": 16})


def instant(shop: Shop, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=shop.market.now.tzinfo)


async def issued(shop: Shop) -> Json:
    """The invoice of March."""
    await bought(shop)
    later(shop, instant(shop, "2026-04-08"))
    await shop.market.work()
    (document,) = (await get(shop, ACCOUNT)).json()["items"]
    return document


def refusal(reply: httpx2.Response) -> tuple[int, int]:
    return reply.status_code, reply.json()["code"]


# Issuing


async def test_an_invoice_is_issued_on_its_day(shop: Shop) -> None:
    document = await issued(shop)
    assert document["month"] == "2026-03"
    assert (document["invoiceDate"], document["dueDate"]) == ("2026-04-08T00:00:00Z", "2026-06-07T00:00:00Z")
    assert (document["documentType"], document["state"], document["status"]) == (
        "invoice",
        "active",
        "issued",
    )
    assert document["id"] == "T000000001"
    assert document["lineCount"] == 3
    assert (document["subtotal"], document["total"]) == (100.6, 100.6)  # 45.00 - 33.36 + 88.96
    assert (document["paid"], document["balance"]) == (0, 100.6)
    assert document["billTo"]["tenantId"] == (await shop.market.account()).id
    assert document == (await get(shop, f"{ACCOUNT}/t000000001")).json()


async def test_a_dry_run_shows_what_a_run_then_issues(shop: Shop) -> None:
    await bought(shop)
    preview = (await post(shop, f"{ACCOUNT}/run", {"month": "2026-03", "isDryRun": True})).json()
    assert (preview["isDryRun"], preview["issued"]) == (True, [])
    (shown,) = preview["previews"]
    assert (await get(shop, ACCOUNT)).json()["items"] == []

    later(shop, instant(shop, "2026-04-03"))
    run = (await post(shop, f"{ACCOUNT}/run", {"month": "2026-03"})).json()
    (document,) = run["issued"]
    assert (run["isDryRun"], run["previews"], run["underWay"]) == (False, [], [])
    assert document["invoiceDate"] == "2026-04-03T00:00:00Z"
    for member in ("month", "currency", "lineCount", "subtotal", "tax", "total", "taxTotals"):
        assert document[member] == shown[member]
    again = (await post(shop, f"{ACCOUNT}/run")).json()
    assert (again["month"], again["issued"]) == ("2026-03", [])


async def test_a_run_issues_every_month_that_is_over(shop: Shop) -> None:
    await bought(shop)
    later(shop, instant(shop, "2026-06-03"))
    run = (await post(shop, f"{ACCOUNT}/run")).json()
    assert [document["month"] for document in run["issued"]] == ["2026-03", "2026-04", "2026-05"]
    items = (await get(shop, ACCOUNT)).json()["items"]
    assert [document["month"] for document in items] == ["2026-03", "2026-04", "2026-05"]
    assert [document["invoiceDate"][:10] for document in items] == ["2026-04-08", "2026-05-08", "2026-06-03"]


async def test_progress_tells_when_the_next_run_is_due(shop: Shop) -> None:
    assert (await get(shop, f"{ACCOUNT}/run")).json() == {"underWay": []}
    await bought(shop)
    progress = (await get(shop, f"{ACCOUNT}/run")).json()
    assert progress == {"underWay": [], "nextRun": "2026-04-08T00:00:00Z"}


async def test_documents_under_way_are_seen_by_the_operator_only(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await issued(shop)
    hold_up = sql("UPDATE due_work SET lease_until = :until WHERE kind = 'run_invoices'")
    await shop.market.write(lambda tx: tx.run(hold_up, until=2**60))
    reply = await post(shop, f"{ACCOUNT}/{document['id']}/rebill", {"reason": "wrong address"})
    note = reply.json()
    assert (note["status"], note["amendsOf"]) == ("draft", document["id"])
    (under_way,) = (await get(shop, f"{ACCOUNT}/run")).json()["underWay"]
    assert under_way == {
        "id": note["id"],
        "month": "2026-03",
        "currency": "USD",
        "documentType": "adjustment_note",
        "phase": "copies",
        "linesDone": 0,
        "linesLeft": 3,
        "consumptionLinesDone": 0,
        "consumptionLinesLeft": 0,
    }
    assert [item["status"] for item in (await get(shop, ACCOUNT)).json()["items"]] == ["issued", "draft"]
    for action, body in (("rebill", {"reason": "once more"}), ("credits", CREDIT)):
        again = await post(shop, f"{ACCOUNT}/{document['id']}/{action}", body)
        assert refusal(again) == (409, 800064)


async def test_a_month_is_a_month(shop: Shop) -> None:
    for month in ("2026-13", "March", "26-03", "", "2026-3"):
        reply = await post(shop, f"{ACCOUNT}/run", {"month": month})
        assert refusal(reply) == (400, 3000), month
        assert reply.json()["data"] == ["month"]


async def test_a_month_is_not_issued_before_its_usage_is_complete(shop: Shop) -> None:
    await bought(shop)
    assert refusal(await post(shop, f"{ACCOUNT}/run", {"month": "2026-03"})) == (409, 800042)
    assert (await post(shop, f"{ACCOUNT}/run")).json()["issued"] == []


async def test_a_month_is_not_issued_while_work_of_it_is_given_up(shop: Shop) -> None:
    await bought(shop)
    later(shop, instant(shop, "2026-04-03"))
    await shop.market.work()
    account = await shop.market.account()
    work = sql("""
        INSERT INTO due_work (account_id, kind, subject_id, due_at, attempts, parked_at)
        VALUES (:account_id, 'turn_subscriptions', 'parked', :due_at, 10, :due_at)
    """)
    due_at = to_micros(instant(shop, "2026-03-20"))
    await shop.market.write(lambda tx: tx.run(work, account_id=account.id, due_at=due_at))
    assert refusal(await post(shop, f"{ACCOUNT}/run", {"month": "2026-03"})) == (409, 800064)


async def test_a_long_list_comes_in_pages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comptoir.api.billing_operator.PAGE_SIZE", 2)
    await bought(shop)
    later(shop, instant(shop, "2026-06-08"))
    await shop.market.work()
    first = (await get(shop, ACCOUNT)).json()
    assert [item["id"] for item in first["items"]] == ["T000000001", "T000000002"]
    second = (await get(shop, f"{ACCOUNT}?after={first['nextAfter']}")).json()
    assert [item["id"] for item in second["items"]] == ["T000000003"]
    assert "nextAfter" not in second


# Paying


async def test_a_payment_is_seen_by_operator_and_partner(shop: Shop) -> None:
    document = await issued(shop)
    path = f"{ACCOUNT}/{document['id']}/payments"
    body = {"amount": 95.6, "paidAt": "2026-04-08T00:00:00Z", "reference": "SEPA 17"}
    paid = (await post(shop, path, body)).json()
    assert (paid["paid"], paid["balance"]) == (95.6, 5)
    (payment,) = paid["payments"]
    assert (payment["amount"], payment["reference"], payment["paidAt"]) == (
        95.6,
        "SEPA 17",
        "2026-04-08T00:00:00Z",
    )
    summary = (await shop.market.get("/v1/invoices/summary")).json()
    assert (summary["balanceAmount"], summary["lastPaymentAmount"]) == (5, 95.6)
    rest = (await post(shop, path, {"amount": 5})).json()
    assert rest["balance"] == 0


PAYMENTS_REFUSED: list[tuple[Json, str]] = [
    ({}, "amount"),
    ({"amount": 0}, "amount"),
    ({"amount": 100.61}, "amount"),
    ({"amount": 1.001}, "amount"),
    ({"amount": 1, "paidAt": "2026-04-09"}, "paidAt"),
    ({"amount": 1, "reference": "a\nb"}, "reference"),
]


async def test_payments_that_make_no_sense_are_refused(shop: Shop) -> None:
    document = await issued(shop)
    for body, member in PAYMENTS_REFUSED:
        reply = await post(shop, f"{ACCOUNT}/{document['id']}/payments", body)
        assert refusal(reply) == (400, 3000), body
        assert reply.json()["data"] == [member]


# Correcting


async def test_a_rebill_replaces_the_document(shop: Shop) -> None:
    document = await issued(shop)
    body = {
        "reason": "the seats were never added",
        "lines": [{"line": 2, "leaveOut": True}, {"line": 3, "leaveOut": True}, {"line": 1, "quantity": 5}],
        "billTo": {"name": "Rivermark Cloud Two", "city": "Bristol"},
        "purchaseOrder": "PO 7",
    }
    note = (await post(shop, f"{ACCOUNT}/{document['id']}/rebill", body)).json()
    assert (note["documentType"], note["amendsOf"], note["status"]) == (
        "adjustment_note",
        document["id"],
        "issued",
    )
    assert (note["total"], note["reason"], note["purchaseOrder"]) == (37.5, body["reason"], "PO 7")
    assert (note["billTo"]["name"], note["billTo"]["city"]) == ("Rivermark Cloud Two", "Bristol")
    assert note["billTo"]["country"] == document["billTo"]["country"]
    (void,) = (await get(shop, ACCOUNT)).json()["items"]
    assert (void["documentType"], void["state"], void["balance"]) == ("void_note", "void", 0)
    assert void["amendments"] == [note]
    partner = (await shop.market.get("/v1/invoices/summary")).json()
    assert partner["balanceAmount"] == 37.5
    assert refusal(await post(shop, f"{ACCOUNT}/{document['id']}/rebill", {"reason": "again"})) == (
        409,
        800042,
    )


async def test_a_credit_leaves_the_document_in_force(shop: Shop) -> None:
    document = await issued(shop)
    body = {"reason": "Downtime", "lines": [{"line": 1, "perUnit": 0.5}]}
    note = (await post(shop, f"{ACCOUNT}/{document['id']}/credits", body)).json()
    assert (note["documentType"], note["total"], note["reason"]) == ("adjustment_note", -3, "Downtime")
    current = (await get(shop, f"{ACCOUNT}/{document['id']}")).json()
    assert (current["state"], current["amendments"][0]["id"]) == ("active", note["id"])
    lines = (await shop.market.get(f"/v1/invoices/{note['id']}/lineitems/OneTime/BillingLineItems")).json()
    (line,) = lines["items"]
    assert (line["chargeType"], line["creditReasonCode"]) == ("customerCredit", "Downtime")
    assert (line["effectiveUnitPrice"], line["billableQuantity"], line["subtotal"]) == (-0.5, 6, -3)


async def test_a_credit_and_its_answer_are_stored_together(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await issued(shop)
    path = f"{ACCOUNT}/{document['id']}"
    headers = {"MS-RequestId": "0b6a1f0e-5a52-4b57-9d0c-2f3f2a6f1c11"}

    async def fill(*_: object) -> None:
        raise OSError

    with monkeypatch.context() as broken:
        broken.setattr(store_replies, "fill", fill)
        assert (await post(shop, f"{path}/credits", CREDIT, headers=headers)).status_code == 500
    assert (await post(shop, f"{path}/credits", CREDIT, headers=headers)).status_code == 200
    assert len((await get(shop, path)).json()["amendments"]) == 1


REBILL = {"reason": "wrong", "lines": [{"line": 1, "leaveOut": True}]}
CREDIT = {"reason": "wrong", "lines": [{"line": 1, "perUnit": 1}]}


CORRECTIONS_REFUSED: list[tuple[str, Json, str]] = [
    ("rebill", {}, "reason"),
    ("rebill", {**REBILL, "taxRate": 2}, "taxRate"),
    ("rebill", {**REBILL, "lines": [{"leaveOut": True}]}, "lines[0].line"),
    ("rebill", {**REBILL, "lines": [{"line": 1}]}, "lines[0]"),
    ("rebill", {**REBILL, "lines": [{"line": 1, "unitPrice": -1}]}, "lines[0].unitPrice"),
    ("rebill", {**REBILL, "lines": [{"line": 1, "leaveOut": True}] * 2}, "lines[1]"),
    ("rebill", {**REBILL, "lines": [{"line": 1, "leaveOut": True}] * 102}, "lines"),
    ("credits", {}, "reason"),
    ("credits", {"reason": "none"}, "lines"),
    ("credits", {**CREDIT, "lines": [{"line": 1}]}, "lines[0].perUnit"),
    ("credits", {**CREDIT, "lines": [{"line": 2, "perUnit": 1}]}, "lines[0].perUnit"),
    ("credits", {**CREDIT, "lines": [{"perUnit": 1}]}, "lines[0].line"),
]


async def test_corrections_that_make_no_sense_are_refused(shop: Shop) -> None:
    document = await issued(shop)
    for action, body, member in CORRECTIONS_REFUSED:
        reply = await post(shop, f"{ACCOUNT}/{document['id']}/{action}", body)
        assert refusal(reply) == (400, 3000), body
        assert reply.json()["data"] == [member]


async def test_what_is_void_is_neither_paid_nor_credited(shop: Shop) -> None:
    document = await issued(shop)
    path = f"{ACCOUNT}/{document['id']}"
    assert (await post(shop, f"{path}/rebill", {"reason": "void"})).status_code == 200
    assert refusal(await post(shop, f"{path}/payments", {"amount": 1})) == (409, 800042)
    assert refusal(await post(shop, f"{path}/credits", CREDIT)) == (409, 800042)


# Who and what is not there


NOT_THERE = [
    ("GET", MISSING),
    ("GET", f"{MISSING}/run"),
    ("POST", f"{MISSING}/run"),
    ("GET", f"{MISSING}/T000000001"),
    ("POST", f"{MISSING}/T000000001/payments"),
    ("POST", f"{MISSING}/T000000001/rebill"),
    ("POST", f"{MISSING}/T000000001/credits"),
    ("GET", f"{ACCOUNT}/T000000001"),
    ("GET", f"{ACCOUNT}/T00000000%00"),
    ("POST", f"{ACCOUNT}/%00/payments"),
    ("POST", f"{ACCOUNT}/T000000001/rebill"),
    ("POST", f"{ACCOUNT}/T000000001/credits"),
    ("GET", "/operator/v1/invoices/T000000001/lines/1/explanation"),
    ("GET", "/operator/v1/verification?account=nobody"),
]


async def test_what_is_not_there_is_not_found(shop: Shop) -> None:
    for method, path in NOT_THERE:
        reply = await shop.market.call(method, path, {} if method == "POST" else None, account="operator")
        assert refusal(reply) == (404, 1000), path


async def test_documents_of_another_account_are_refused(shop: Shop) -> None:
    document = await issued(shop)
    other = f"/operator/v1/accounts/production/invoices/{document['id']}"
    assert refusal(await get(shop, other)) == (403, 2032)
    assert refusal(await post(shop, f"{other}/payments", {"amount": 1})) == (403, 2032)
    assert refusal(await post(shop, f"{other}/rebill", REBILL)) == (403, 2032)
    assert refusal(await post(shop, f"{other}/credits", CREDIT)) == (403, 2032)


# Explaining and proving


async def test_a_line_is_explained_with_its_numbers(shop: Shop) -> None:
    document = await issued(shop)
    path = f"/operator/v1/invoices/{document['id'].lower()}/lines"
    explained = (await get(shop, f"{path}/3/explanation")).json()
    assert (explained["line"], explained["chargeType"]) == (3, "addQuantity")
    steps = {step["name"]: step for step in explained["steps"]}
    assert steps["event"]["section"] == "3.6"
    assert "23 of the 31 days" in steps["period"]["text"]
    assert steps["effectiveUnitPrice"]["formula"] == "RHU(7.5 x 23 / 31) = 5.564516129"
    assert steps["subtotal"]["formula"] == "RD(5.564516129 x 1, 2) x 16 = 88.96 USD"
    assert (explained["subtotal"], explained["total"]) == (88.96, 88.96)
    by_id = (await get(shop, f"{path}/{explained['lineId']}/explanation")).json()
    assert by_id == explained
    for line in ("4", "%00", "no-line"):
        assert refusal(await get(shop, f"{path}/{line}/explanation")) == (404, 1000)


async def test_a_line_that_was_billed_anew_says_so(shop: Shop) -> None:
    document = await issued(shop)
    body = {"reason": "too many", "lines": [{"line": 1, "quantity": 5}]}
    note = (await post(shop, f"{ACCOUNT}/{document['id']}/rebill", body)).json()
    path = f"/operator/v1/invoices/{note['id']}/lines/1/explanation"
    steps = {step["name"]: step for step in (await get(shop, path)).json()["steps"]}
    assert document["id"] in steps["rebilled"]["text"]
    assert steps["rebilled"]["formula"] == "45.00 -> 37.50"


async def test_the_books_are_proven(shop: Shop) -> None:
    document = await issued(shop)
    await post(shop, f"{ACCOUNT}/{document['id']}/payments", {"amount": 1})
    await post(shop, f"{ACCOUNT}/{document['id']}/rebill", REBILL)
    proof = (await get(shop, "/operator/v1/verification")).json()
    assert proof["holds"]
    assert (proof["accounts"], proof["documents"], proof["payments"]) == (2, 2, 1)
    assert "offender" not in proof
    change = sql("UPDATE reconciliation_lines SET subtotal = subtotal + 1 WHERE charge_type = 'new'")
    await shop.market.write(lambda tx: tx.run(change))
    found = (await get(shop, "/operator/v1/verification?account=sandbox")).json()
    assert not found["holds"]
    assert (found["offender"]["account"], found["offender"]["kind"]) == ("sandbox", "line")
    assert (await get(shop, "/operator/v1/verification?account=production")).json()["holds"]
