"""Invoices over HTTP: the list, one of them, balances, and links to what is not billed yet."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from tests.book_factory import Books, document, line
from tests.market import ADMIN, Market

from comptoir.billing.invoice_model import DocumentState, DocumentStatus, DocumentType, Payment

pytestmark = pytest.mark.anyio

NO_DATE = "0001-01-01T00:00:00"
ONE_FILTER = '{"Field":"InvoiceDate","Value":"2025","Operator":"starts_with"}'
DATES = [datetime(2025, month, 8, tzinfo=UTC) for month in (4, 6, 7)]


@pytest.fixture
def books(market: Market) -> Books:
    return Books(market)


def payment(invoice_id: str, amount: int, day: int = 1) -> Payment:
    at = datetime(2025, 8, day, 10, tzinfo=UTC)
    return Payment(f"p{day}", invoice_id, amount, "EUR", at, "wire transfer", at)


INVOICE: dict[str, Any] = {
    "id": "T000410273",
    "invoiceDate": "2025-07-08T00:00:00Z",
    "billingPeriodStartDate": "2025-06-01T00:00:00Z",
    "billingPeriodEndDate": "2025-06-30T23:59:59Z",
    "totalCharges": 823.54,
    "paidAmount": 0,
    "currencyCode": "EUR",
    "currencySymbol": "€",
    "pdfDownloadLink": "/invoices/T000410273/documents/statement",
    "invoiceDetails": [
        {
            "invoiceLineItemType": "billing_line_items",
            "billingProvider": "one_time",
            "links": {
                "self": {
                    "uri": "/invoices/OneTime-T000410273/lineitems/OneTime/BillingLineItems",
                    "method": "GET",
                    "headers": [],
                }
            },
            "attributes": {"objectType": "InvoiceDetail"},
        },
        {
            "invoiceLineItemType": "usage_line_items",
            "billingProvider": "marketplace",
            "links": {
                "self": {
                    "uri": "/invoices/OneTime-T000410273/lineitems/Marketplace/UsageLineItems",
                    "method": "GET",
                    "headers": [],
                }
            },
            "attributes": {"objectType": "InvoiceDetail"},
        },
    ],
    "documentType": "invoice",
    "invoiceType": "OneTime",
    "state": "active",
    "links": {"self": {"uri": "/invoices/OneTime-T000410273", "method": "GET", "headers": []}},
    "attributes": {"objectType": "Invoice"},
}
"""The example of the contract, section 2.2, with a sandbox's number."""


async def issue_example(books: Books, number: str = "T000410273", **changes: Any) -> None:
    await books.issue(document(number, DATES[2], month=202506, currency="EUR", **changes))


async def issue_three(books: Books) -> list[str]:
    """Invoices of three dates, stored in another order; their numbers in the order of the dates."""
    for number, date in ((3, DATES[2]), (1, DATES[0]), (2, DATES[1])):
        await books.issue(document(f"T{number:09d}", date))
    return ["T000000001", "T000000002", "T000000003"]


async def listed(market: Market, query: str = "") -> list[str]:
    reply = await market.get(f"/v1/invoices{query}")
    assert reply.status_code == 200, reply.text
    return [invoice["id"] for invoice in reply.json()["items"]]


# One invoice


async def test_an_invoice(market: Market, books: Books) -> None:
    await issue_example(books)
    for number in ("T000410273", "onetime-t000410273/", "ONETIME-T000410273", "OneTime-T000410273"):
        assert (await market.get(f"/v1//Invoices/{number}", user=ADMIN)).json() == INVOICE


async def test_an_invoice_without_usage_has_no_link_to_it(market: Market, books: Books) -> None:
    await issue_example(books, consumption_count=0)
    found = (await market.get("/v1/invoices/T000410273", user=ADMIN)).json()
    assert found["invoiceDetails"] == INVOICE["invoiceDetails"][:1]


async def test_an_invoice_that_is_paid(market: Market, books: Books) -> None:
    """Choice C-18: what came in is negative."""
    await issue_example(books)
    await books.pay(payment("T000410273", 80_000))
    await books.pay(payment("T000410273", 54, day=2))
    found = (await market.get("/v1/invoices/T000410273", user=ADMIN)).json()
    assert (found["totalCharges"], found["paidAmount"]) == (823.54, -800.54)


async def test_a_void_invoice_and_what_replaces_it(market: Market, books: Books) -> None:
    """T22: the note stands inside the document that it amends, and is readable by its own id (C-06)."""
    await issue_example(books, document_type=DocumentType.VOID_NOTE, state=DocumentState.VOID)
    note = {"amends_id": "T000410273", "document_type": DocumentType.ADJUSTMENT_NOTE, "total": 74229}
    await issue_example(books, "T000410311", **note)
    assert await listed(market) == ["T000410273"]
    void = (await market.get("/v1/invoices/T000410273", user=ADMIN)).json()
    assert (void["documentType"], void["state"]) == ("void_note", "void")
    (amendment,) = void["amendments"]
    assert (amendment["id"], amendment["documentType"]) == ("T000410311", "adjustment_note")
    assert (amendment["amendsOf"], amendment["totalCharges"]) == ("T000410273", 742.29)
    assert "amendments" not in amendment
    assert (await market.get("/v1/invoices/T000410311", user=ADMIN)).json() == amendment
    (balance,) = (await market.get("/v1/invoices/summaries", user=ADMIN)).json()["items"]
    assert (balance["currencyCode"], balance["balanceAmount"]) == ("EUR", 742.29)


async def test_an_invoice_in_yen(market: Market, books: Books) -> None:
    await books.issue(document("T000000001", DATES[0], currency="JPY", total=6157))
    text = (await market.get("/v1/invoices/T000000001", user=ADMIN)).text
    assert '"totalCharges":6157,"paidAmount":0,"currencyCode":"JPY","currencySymbol":"¥"' in text


async def test_unknown_invoices(market: Market, books: Books) -> None:
    await issue_example(books)
    for number in ("T999999999", "Recurring-T000410273", "unbilled", "D040009999", "x-y"):
        reply = await market.get(f"/v1/invoices/{number}", user=ADMIN)
        assert (reply.status_code, reply.json()["code"]) == (404, 1000), number


async def test_invoices_of_others_and_drafts(market: Market, books: Books) -> None:
    await Books(market, "production").issue(document("G000000001", DATES[0]))
    await books.issue(document("T000000001", DATES[0], status=DocumentStatus.DRAFT))
    foreign = await market.get("/v1/invoices/G000000001", user=ADMIN)
    assert (foreign.status_code, foreign.json()["code"]) == (403, 2032)
    draft = await market.get("/v1/invoices/T000000001", user=ADMIN)
    assert (draft.status_code, draft.json()["code"]) == (404, 1000)
    assert await listed(market) == []
    assert (await market.get("/v1/invoices/summary")).json()["details"] == []


async def test_some_calls_need_a_user(market: Market, books: Books) -> None:
    await issue_example(books)
    paths = ("/v1/invoices/T000410273", "/v1/invoices/summaries")
    for path in paths:
        reply = await market.get(path)
        assert (reply.status_code, reply.json()["code"]) == (403, 2032)
    await market.configure(enforce_user_context=False)
    for path in paths:
        assert (await market.get(path)).status_code == 200


# The list


async def test_the_list_goes_by_date(market: Market, books: Books) -> None:
    numbers = await issue_three(books)
    page = (await market.get("/v1/invoices")).json()
    assert [invoice["id"] for invoice in page["items"]] == numbers
    assert (page["totalCount"], page["attributes"]) == (3, {"objectType": "Collection"})
    assert page["links"] == {"self": {"uri": "/invoices", "method": "GET", "headers": []}}
    first = page["items"][0]
    assert first["pdfDownloadLink"] == "/invoices/T000000001/documents/statement"
    assert first["invoiceType"] == "OneTime"
    assert all(detail["links"]["self"]["uri"] for detail in first["invoiceDetails"])


async def test_no_invoices(market: Market) -> None:
    page = (await market.get("/v1/invoices")).json()
    assert (page["totalCount"], page["items"]) == (0, [])


async def test_pages_by_size_and_offset(market: Market, books: Books) -> None:
    """Java sends the offset first; links lead on and back."""
    numbers = await issue_three(books)
    page = (await market.get("/v1/invoices?offset=1&size=1")).json()
    uris = {name: each["uri"] for name, each in page["links"].items()}
    assert [invoice["id"] for invoice in page["items"]] == numbers[1:2]
    assert page["totalCount"] == 1
    assert uris == {
        "self": "/invoices?size=1&offset=1",
        "next": "/invoices?size=1&offset=2",
        "previous": "/invoices?size=1&offset=0",
    }
    assert await listed(market, uris["next"].removeprefix("/invoices")) == numbers[2:]
    last = (await market.get("/v1//invoices?size=2&offset=2")).json()["links"]
    assert "next" not in last
    assert last["previous"]["uri"] == "/invoices?size=2&offset=0"
    assert (
        (await market.get("/v1/invoices?size=2&offset=1")).json()["links"]["previous"]["uri"].endswith("=0")
    )
    assert await listed(market, "?offset=2") == numbers[2:]
    assert await listed(market, "?size=500") == numbers
    assert await listed(market, "?size=5&offset=99") == []


async def test_bad_pages(market: Market) -> None:
    for query in ("size=0", "size=501", "size=-1", "size=x", "offset=-1", "offset=x", "size=99999999999"):
        reply = await market.get(f"/v1/invoices?{query}")
        assert (reply.status_code, reply.json()["code"]) == (400, 3000), query
        assert reply.json()["data"] == [query.partition("=")[0]]


FILTERS = [
    ("starts_with", "2025-0", [1, 2, 3]),
    ("starts_with", "2025-04", [1]),
    ("StartsWith", "2025-04-08T00:00:00Z", [1]),
    ("not_starts_with", "2025-04", [2, 3]),
    ("substring", "-06-", [2]),
    ("equals", "2025-06-08", [2]),
    ("equals", "2025-06-08T00:00:00Z", [2]),
    ("equals", "2025-06", []),
    ("NotEquals", "2025-06-08", [1, 3]),
    ("greater_than", "2025-06-08", [3]),
    ("greater_than", "2025-06-07T23:59:59Z", [2, 3]),
    ("greater_than_or_equals", "2025-06-08", [2, 3]),
    ("less_than", "2025-06-08", [1]),
    ("less_than", "2025-06-08t00:00:01z", [1, 2]),
    ("LESS_THAN_OR_EQUALS", "2025-06-08", [1, 2]),
]
"""Operator, value, and which of three invoices it lets through."""


async def test_filters(market: Market, books: Books) -> None:
    numbers = await issue_three(books)
    for operator, value, found in FILTERS:
        for field in ("InvoiceDate", "invoice_date"):
            wanted = quote(f'{{"Field":"{field}","Value":"{value}","Operator":"{operator}"}}')
            expected = [numbers[each - 1] for each in found]
            assert await listed(market, f"?filter={wanted}") == expected, (operator, value)


async def test_pages_of_what_a_filter_lets_through(market: Market, books: Books) -> None:
    numbers = await issue_three(books)
    wanted = quote('{"field":"InvoiceDate","value":"2025-06-08","operator":"GreaterThanOrEquals"}')
    page = (await market.get(f"/v1/invoices?size=1&filter={wanted}")).json()
    assert [invoice["id"] for invoice in page["items"]] == numbers[1:2]
    assert await listed(market, page["links"]["next"]["uri"].removeprefix("/invoices")) == numbers[2:]
    assert page["links"]["next"]["uri"].count("?") == 1


BAD_FILTERS = [
    "nonsense",
    '{"Field":"InvoiceDate","Value":"2025"}',
    '{"Field":"InvoiceDate","Value":"2025","Operator":"like"}',
    '{"Field":"TotalCharges","Value":"1","Operator":"equals"}',
    f'{{"LeftFilter":{ONE_FILTER},"Operator":"and","RightFilter":{ONE_FILTER}}}',
]


async def test_bad_filters(market: Market) -> None:
    for text in BAD_FILTERS:
        reply = await market.get(f"/v1/invoices?filter={quote(text)}")
        assert (reply.status_code, reply.json()["code"]) == (400, 3000), text
        assert reply.json()["data"] == ["filter"]


# Balances


async def test_nothing_was_ever_billed(market: Market) -> None:
    currency = (await market.account()).currency
    found = (await market.get("/v1/invoices/summary")).json()
    assert found == {
        "balanceAmount": 0,
        "currencyCode": currency,
        "currencySymbol": "$",
        "accountingDate": NO_DATE,
        "firstInvoiceCreationDate": NO_DATE,
        "lastPaymentDate": NO_DATE,
        "lastPaymentAmount": 0,
        "latestInvoiceDate": NO_DATE,
        "details": [],
        "links": {"self": {"uri": "/invoices/summary", "method": "GET", "headers": []}},
        "attributes": {"objectType": "InvoiceSummary"},
    }
    page = (await market.get("/v1/invoices/summaries", user=ADMIN)).json()
    assert (page["totalCount"], page["items"]) == (0, [])
    assert page["links"]["self"]["uri"] == "/invoices/summaries"


async def test_a_balance_for_each_currency(market: Market, books: Books) -> None:
    """In the order of the codes; the single balance is that of the account's own currency (C-07)."""
    own = (await market.account()).currency
    await books.issue(document("T000000001", DATES[0], currency=own, total=10_000))
    await books.issue(document("T000000002", DATES[1], currency=own, total=-2_550))
    await issue_example(books, "T000000003")
    await books.pay(payment("T000000003", 82_000))
    page = (await market.get("/v1/invoices/summaries", user=ADMIN)).json()
    assert [summary["currencyCode"] for summary in page["items"]] == sorted(["EUR", own])
    euros = next(summary for summary in page["items"] if summary["currencyCode"] == "EUR")
    inner = {
        "balanceAmount": 3.54,
        "currencyCode": "EUR",
        "currencySymbol": "€",
        "accountingDate": "2025-08-01T10:00:00Z",
        "firstInvoiceCreationDate": "2025-07-08T00:00:00Z",
        "lastPaymentDate": "2025-08-01T10:00:00Z",
        "lastPaymentAmount": 820,
        "latestInvoiceDate": "2025-07-08T00:00:00Z",
        "attributes": {"objectType": "InvoiceSummary"},
    }
    links = {"self": {"uri": "/invoices/summary", "method": "GET", "headers": []}}
    assert euros == {**inner, "details": [{"invoiceType": "OneTime", "summary": inner}], "links": links}
    single = (await market.get("/v1/Invoices/Summary")).json()
    assert single == next(summary for summary in page["items"] if summary["currencyCode"] == own)
    assert (single["balanceAmount"], single["lastPaymentDate"]) == (74.5, NO_DATE)
    assert single["firstInvoiceCreationDate"] == "2025-04-08T00:00:00Z"
    assert single["latestInvoiceDate"] == "2025-06-08T00:00:00Z"


# Links to what is not billed yet


async def test_estimate_links(market: Market, books: Books) -> None:
    await books.write([line(1)])
    page = (await market.get("/v1/invoices/estimates/links?currencycode=usd")).json()
    assert [(item["type"], item["period"]) for item in page["items"]] == [
        ("daily_rated_usage", "Current"),
        ("daily_rated_usage", "Previous"),
        ("non_consumption", "Current"),
        ("non_consumption", "Previous"),
    ]
    base = "/invoices/unbilled/lineitems?provider="
    assert [item["link"] for item in page["items"]] == [
        {"uri": f"{base}{rest}&size=2000", "method": "GET", "headers": []}
        for rest in (
            "Marketplace&invoicelineitemtype=UsageLineItems&currencycode=USD&period=current",
            "Marketplace&invoicelineitemtype=UsageLineItems&currencycode=USD&period=previous",
            "all&invoicelineitemtype=billinglineitems&currencycode=USD&period=current",
            "all&invoicelineitemtype=billinglineitems&currencycode=USD&period=previous",
        )
    ]
    counts = [(await market.get(f"/v1/{item['link']['uri']}")).json()["totalCount"] for item in page["items"]]
    assert counts == [0, 0, 1, 0]
    assert (page["totalCount"], page["attributes"]) == (4, {"objectType": "Collection"})
    assert "links" not in page


async def test_estimate_links_speak_french(market: Market) -> None:
    reply = await market.get("/v1/invoices/estimates/links?currencyCode=EUR", headers={"X-Locale": "fr-CA"})
    assert [item["title"] for item in reply.json()["items"]][2:] == ["Licences", "Licences"]


async def test_the_java_sdk_sends_no_currency(market: Market) -> None:
    headers = {"MS-PartnerCenter-Client": "Partner Center Java SDK"}
    page = (await market.get("/v1/invoices/estimates/links", headers=headers)).json()
    assert all("currencycode=USD&" in item["link"]["uri"] for item in page["items"])
    wrong = await market.get("/v1/invoices/estimates/links?currencycode=x", headers=headers)
    assert wrong.status_code == 400


async def test_estimate_links_need_a_currency(market: Market) -> None:
    for query in ("", "?currencycode=", "?currencycode=euro", "?currencyCode=E1R"):
        reply = await market.get(f"/v1/invoices/estimates/links{query}")
        assert (reply.status_code, reply.json()["code"]) == (400, 3000), query


async def test_other_methods_find_nothing(market: Market) -> None:
    assert (await market.post("/v1/invoices", {})).status_code == 404
