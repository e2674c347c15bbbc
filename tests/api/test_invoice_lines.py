"""Lines of invoices over HTTP: what they say, in which order and pages, and what is refused."""

import json
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.book_factory import (
    CUSTOMER,
    MARCH,
    Books,
    document,
    line,
    metered,
    price,
    rates,
    subject,
    usage_day,
)
from tests.market import Json, Market

from comptoir.billing.invoice_model import DocumentState, DocumentStatus, DocumentType
from comptoir.billing.model import ChargeType, LineDraft, LineKind

pytestmark = pytest.mark.anyio

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
ISSUED = datetime(2026, 3, 8, tzinfo=UTC)
NUMBER = "T000000017"
TOKEN = "MS-ContinuationToken"
BILLING = {"provider": "onetime", "invoiceLineItemType": "billinglineitems"}
USAGE = {"provider": "marketplace", "invoiceLineItemType": "usagelineitems"}


def unbilled(**parameters: Any) -> str:
    return "/v1/invoices/unbilled/lineitems?" + urlencode({**BILLING, "currencyCode": "USD", **parameters})


def billed(number: str = NUMBER, **parameters: Any) -> str:
    return f"/v1/invoices/{number}/lineitems?" + urlencode({**BILLING, **parameters})


async def pages(market: Market, first: str) -> AsyncIterator[Json]:
    """Every page, by the links and their headers alone, as PowerShell and Java follow them."""
    path = first
    headers: dict[str, str] = {}
    while True:
        reply = await market.get(path, headers=headers)
        assert reply.status_code == 200, reply.text
        page = reply.json()
        yield page
        assert ("continuationToken" in page) == ("next" in page["links"])
        if "next" not in page["links"]:
            return
        following = page["links"]["next"]
        assert page["items"], "no empty page leads on"
        assert following["headers"] == [{"key": TOKEN, "value": page["continuationToken"]}]
        path = f"/v1/{following['uri']}"
        headers = {each["key"]: each["value"] for each in following["headers"]}


async def references(market: Market, first: str) -> list[str]:
    return [item["referenceId"] async for page in pages(market, first) for item in page["items"]]


def by_time(lines: Sequence[LineDraft]) -> list[str]:
    """References in the order of choice C-15."""
    key = sorted(lines, key=lambda each: (each.order_date, each.subscription_id, each.reference_id))
    return [each.reference_id for each in key]


@pytest.fixture
def books(market: Market) -> Books:
    return Books(market)


# What lines say


CHARGE: dict[str, Any] = {
    "invoiceLineItemType": "billing_line_items",
    "partnerId": None,
    "customerId": CUSTOMER,
    "customerName": "Atelier Lumen",
    "customerDomainName": "atelierlumen.example",
    "customerCountry": "FR",
    "invoiceNumber": "",
    "mpnId": "6120044",
    "resellerMpnId": 0,
    "orderId": "a81c5e09d274",
    "orderDate": "2026-03-21T09:14:07.000001Z",
    "productId": "DZH318Z0K7QX",
    "skuId": "0004",
    "availabilityId": "DZH318Z0K9TP",
    "productName": "Beacon Tickets",
    "skuName": "Team plan",
    "productQualifiers": [],
    "chargeType": "addQuantity",
    "unitPrice": 14.95,
    "effectiveUnitPrice": -9.9666666667,
    "unitType": "",
    "quantity": 6,
    "billableQuantity": 6,
    "subtotal": -59.76,
    "taxTotal": 0,
    "totalForCustomer": 0,
    "currency": "EUR",
    "publisherName": "Beacon Labs",
    "publisherId": "30911877",
    "subscriptionDescription": "",
    "subscriptionId": "2f9c7d0e-51ab-4e0c-a4f3-9b1d88c60e75",
    "subscriptionStartDate": "2026-03-11T00:00:00Z",
    "subscriptionEndDate": "2026-04-10T00:00:00Z",
    "chargeStartDate": "2026-03-21T00:00:00Z",
    "chargeEndDate": "2026-04-10T00:00:00Z",
    "termAndBillingCycle": "1 Month Subscription",
    "alternateId": "a81c5e09d274",
    "referenceId": "0d3b6a94-7f15-4e8b-b2a6-5c90e1f4d827",
    "priceAdjustmentDescription": '["Private offer margin applied"]',
    "discountDetails": "",
    "pricingCurrency": "USD",
    "pcToBCExchangeRate": 0.917431193,
    "pcToBCExchangeRateDate": "2026-03-01T00:00:00Z",
    "meterDescription": "",
    "billingFrequency": "Monthly",
    "reservationOrderId": "",
    "creditReasonCode": "",
    "promotionId": "",
    "billingProvider": "one_time",
    "attributes": {"objectType": "OneTimeInvoiceLineItem"},
}


def credit() -> LineDraft:
    return line(
        1,
        datetime(2026, 3, 21, 9, 14, 7, 1, tzinfo=UTC),
        charge_type=ChargeType.ADD_QUANTITY,
        subscription_id=CHARGE["subscriptionId"],
        reference_id=CHARGE["referenceId"],
        term_start_at=datetime(2026, 3, 11, 15, 20, tzinfo=UTC),
        term_end_at=datetime(2026, 4, 11, tzinfo=UTC),
        charge_start_at=datetime(2026, 3, 21, tzinfo=UTC),
        charge_end_at=datetime(2026, 4, 11, tzinfo=UTC),
        effective_unit_price=Decimal("-9.9666666667"),
        currency="EUR",
        rates=rates(rate="0.917431193"),
        subtotal=-5976,
        price_adjustment='["Private offer margin applied"]',
    )


async def test_an_unbilled_charge(market: Market, books: Books) -> None:
    await books.write([credit()])
    reply = await market.get(unbilled(currencyCode="EUR"))
    assert reply.json()["items"] == [CHARGE | {"partnerId": await books.account_id()}]
    assert "null" not in reply.text


async def test_a_billed_charge_has_its_number_and_its_tax(market: Market, books: Books) -> None:
    await books.write([credit()])
    await books.issue(document(NUMBER, ISSUED, currency="EUR"), [credit()])
    (item,) = (await market.get(billed())).json()["items"]
    changed = {"invoiceNumber": NUMBER, "taxTotal": -11.95, "totalForCustomer": -71.71}
    assert item == CHARGE | {"partnerId": await books.account_id()} | changed


async def test_unbilled_totals_can_be_estimated(market: Market, books: Books) -> None:
    await market.configure(unbilled_totals="estimated")
    await books.write([credit()])
    (item,) = (await market.get(unbilled(currencyCode="EUR"))).json()["items"]
    assert (item["taxTotal"], item["totalForCustomer"]) == (0, -59.76)


async def test_a_month_of_usage_on_an_invoice(market: Market, books: Books) -> None:
    usage = line(
        2,
        datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC),
        kind=LineKind.USAGE,
        charge_start_at=FEBRUARY,
        charge_end_at=MARCH,
        quantity=1,
        billable_quantity=Decimal("1830.25"),
        unit_price=Decimal("0.037"),
        effective_unit_price=Decimal("0.037"),
        subtotal=6771,
    )
    await books.write([usage], metered(reseller_mpn_id="4847383"))
    await books.issue(document(NUMBER, ISSUED), [usage])
    (item,) = (await market.get(billed())).json()["items"]
    assert item["invoiceLineItemType"], item["billingProvider"] == ("billing_line_items", "one_time")
    assert (item["quantity"], item["billableQuantity"], item["unitPrice"]) == (1, 1830.25, 0.037)
    assert (item["orderDate"], item["chargeEndDate"]) == ("2026-02-28T23:59:59Z", "2026-02-28T00:00:00Z")
    assert item["meterDescription"] == "Beacon Tickets - Team plan - E-mails"
    assert (item["unitType"], item["termAndBillingCycle"]) == ("per 100 e-mails", "per 100 e-mails")
    assert (item["billingFrequency"], item["resellerMpnId"]) == ("", 4847383)


async def test_a_day_of_usage(market: Market, books: Books) -> None:
    day = usage_day(
        1,
        datetime(2026, 3, 11, tzinfo=UTC),
        subscription_id="2f9c7d0e-51ab-4e0c-a4f3-9b1d88c60e75",
        quantity=Decimal("350.50"),
        price=price("0.0375", "0.0375"),
        currency="EUR",
        rates=rates(rate="0.917431193"),
    )
    await books.use([day], metered(reseller_mpn_id="4847383"))
    reply = await market.get(unbilled(**USAGE, currencyCode="EUR"))
    assert reply.json()["items"] == [
        {
            "invoiceLineItemType": "usage_line_items",
            "partnerId": await books.account_id(),
            "partnerName": "Rivermark Cloud",
            "customerId": CUSTOMER,
            "customerName": "Atelier Lumen",
            "customerDomainName": "atelierlumen.example",
            "customerCountry": "FR",
            "invoiceNumber": "",
            "productId": "DZH318Z0K7QX",
            "skuId": "0004",
            "availabilityId": "DZH318Z0K9TP",
            "skuName": "Team plan",
            "productName": "Beacon Tickets",
            "publisherName": "Beacon Labs",
            "publisherId": "30911877",
            "subscriptionId": "2f9c7d0e-51ab-4e0c-a4f3-9b1d88c60e75",
            "subscriptionDescription": "",
            "chargeStartDate": "2026-03-01T00:00:00Z",
            "chargeEndDate": "2026-04-01T00:00:00Z",
            "usageDate": "2026-03-11T00:00:00Z",
            "meterType": "1 per 100 e-mails",
            "meterCategory": "SaaS",
            "meterId": "email100",
            "meterSubCategory": "Beacon Tickets",
            "meterName": "Beacon Tickets - Team plan - E-mails",
            "meterRegion": "",
            "unitOfMeasure": "per 100 e-mails",
            "resourceLocation": "",
            "consumedService": "Microsoft.SaaS",
            "resourceGroup": "",
            "resourceUri": "/providers/Microsoft.SaaS/saasresources/2f9c7d0e-51ab-4e0c-a4f3-9b1d88c60e75",
            "tags": "",
            "additionalInfo": '{"planId":"team","dimension":"email100","eventCount":"3","late":"false"}',
            "serviceInfo1": "",
            "serviceInfo2": "",
            "mpnId": "6120044",
            "resellerMpnId": "4847383",
            "chargeType": "new",
            "unitPrice": 0.0375,
            "effectiveUnitPrice": 0.0375,
            "quantity": 350.5,
            "unitType": "per 100 e-mails",
            "billingPreTaxTotal": 12.058486243,
            "billingCurrency": "EUR",
            "pricingPreTaxTotal": 13.14375,
            "pricingCurrency": "USD",
            "entitlementId": "",
            "entitlementDescription": "",
            "pcToBCExchangeRate": 0.917431193,
            "pcToBCExchangeRateDate": "2026-03-01T00:00:00Z",
            "rateOfPartnerEarnedCredit": 0,
            "hasPartnerEarnedCredit": False,
            "rateOfCredit": 0,
            "creditType": "Credit Not Applied",
            "benefitOrderId": "",
            "benefitId": "",
            "benefitType": "Charge",
            "billingProvider": "marketplace",
            "attributes": {"objectType": "DailyRatedUsageLineItem"},
        }
    ]
    assert "null" not in reply.text


async def test_late_usage_keeps_the_dates_of_its_own_month(market: Market, books: Books) -> None:
    """T19: it is billed with March, but was used in January."""
    await books.use([usage_day(1, datetime(2026, 1, 29, tzinfo=UTC), bill_month=202603)])
    (item,) = (await market.get(unbilled(**USAGE))).json()["items"]
    assert (item["chargeStartDate"], item["chargeEndDate"]) == (
        "2026-01-01T00:00:00Z",
        "2026-02-01T00:00:00Z",
    )
    assert json.loads(item["additionalInfo"])["late"] == "true"


async def test_numbers_are_such_as_every_client_reads(market: Market, books: Books) -> None:
    """Hazard 7: at most 15 significant digits, no exponent, no negative zero; yen have no cents."""
    dear = price("0.00000025", "123456.1234567891")
    await books.use([usage_day(1, quantity=Decimal("1.0000000001"), price=dear)])
    text = (await market.get(unbilled(**USAGE))).text
    assert '"unitPrice":0.00000025,' in text
    assert '"effectiveUnitPrice":123456.123456789,' in text
    assert '"quantity":1.0000000001,' in text
    assert '"pricingPreTaxTotal":123456.123469135,' in text
    yen = line(2, currency="JPY", subtotal=6157, effective_unit_price=Decimal("-0.0"))
    await books.write([yen])
    text = (await market.get(unbilled(currencyCode="jpy"))).text
    assert '"subtotal":6157,' in text
    assert '"effectiveUnitPrice":0,' in text


async def test_trial_and_add_on_are_qualifiers(market: Market, books: Books) -> None:
    await books.write(
        [line(1)], subject(product_qualifiers=("Trial",), subscription_description="Free trial")
    )
    (item,) = (await market.get(unbilled())).json()["items"]
    assert (item["productQualifiers"], item["subscriptionDescription"]) == (["Trial"], "Free trial")


async def test_a_credit_says_why(market: Market, books: Books) -> None:
    await books.write([line(1, charge_type=ChargeType.CUSTOMER_CREDIT, credit_reason="Outage", subtotal=-1)])
    (item,) = (await market.get(unbilled())).json()["items"]
    assert (item["chargeType"], item["creditReasonCode"]) == ("customerCredit", "Outage")
    assert item["subtotal"] == -0.01


# How clients ask


REQUESTS = {
    "dotnet": "/v1/invoices/unbilled/lineitems?provider=onetime&invoiceLineItemType=billinglineitems"
    "&currencyCode=usd&period=current&size=2000",
    "powershell": "/v1/invoices/Unbilled/lineitems?currencyCode=USD&invoiceLineItemType=BillingLineItems"
    "&period=current&provider=OneTime&size=2000",
    "java": "/v1//invoices/unbilled/lineitems?currencyCode=USD&invoiceLineItemType=BILLINGLINEITEMS"
    "&period=current&provider=onetime&size=2000",
    "snake_case": "/v1/Invoices/UNBILLED/LineItems/?PROVIDER=one_time&invoicelineitemtype=billing_line_items"
    "&currencycode=Usd&PERIOD=Current&seekoperation=first&hasPartnerEarnedCredit=True",
    "empty_values": "/v1/invoices/unbilled/lineitems?provider=all&invoiceLineItemType=billinglineitems"
    "&currencyCode=usd&period=&size=&seekOperation=",
    "path": "/v1/invoices/unbilled/lineitems/onetime/BILLINGLINEITEMS?currencyCode=usd",
}


async def test_every_client_is_understood(market: Market, books: Books) -> None:
    await books.write([line(1)])
    for client, path in REQUESTS.items():
        page = (await market.get(path)).json()
        assert [item["orderDate"] for item in page["items"]] == ["2026-03-01T00:00:00Z"], client
        assert page["totalCount"] == 1


CHARGES = [("billing_line_items", "one_time")]
DAYS = [("usage_line_items", "marketplace")]
MATRIX = [
    ("onetime", CHARGES, DAYS),
    ("marketplace", [], DAYS),
    ("all", CHARGES, DAYS),
    ("azure", [], []),
    ("office", [], []),
]
"""Choice C-09: by provider, what billinglineitems and usagelineitems are."""


async def test_provider_and_type(market: Market, books: Books) -> None:
    """Billed and unbilled, by query and by path."""
    await books.write([line(1), on_invoice := line(2)])
    await books.use([usage_day(1), day := usage_day(2)])
    await books.issue(document(NUMBER, ISSUED), [on_invoice], [day])
    for provider, *kinds in MATRIX:
        for line_type, kind in zip(("billinglineitems", "usagelineitems"), kinds, strict=True):
            asked = {"provider": provider, "invoiceLineItemType": line_type}
            path = f"/v1/invoices/onetime-{NUMBER}/lineitems/{provider}/{line_type}"
            for page in (unbilled(**asked), billed(**asked), path):
                items = (await market.get(page)).json()["items"]
                assert [(item["invoiceLineItemType"], item["billingProvider"]) for item in items] == kind


async def test_earned_credit_is_asked_of_onetime_usage_alone(market: Market, books: Books) -> None:
    await books.write([line(1)])
    await books.use([usage_day(1)])
    onetime = {**USAGE, "provider": "onetime"}
    counts = [
        (await market.get(unbilled(**asked, hasPartnerEarnedCredit=wanted))).json()["totalCount"]
        for asked in (onetime, USAGE, BILLING)
        for wanted in ("true", "FALSE")
    ]
    assert counts == [0, 1, 1, 1, 1, 1]


async def test_an_older_java_sdk_knows_charges_by_another_name(market: Market, books: Books) -> None:
    """It compares the provider with how it writes it in addresses, and loses the answer otherwise."""
    await books.write([line(1)])
    found = {}
    for version in ("1.15.3", "1.15.4", "1.9.0", "2.0", "x", ""):
        headers = {
            "Authorization": f"Bearer {await market.token()}",
            "MS-PartnerCenter-Client": "Partner Center Java SDK",
            "MS-SdkVersion": version,
        }
        (item,) = (await market.client.get(unbilled(), headers=headers)).json()["items"]
        found[version] = item["billingProvider"]
    assert [version for version, name in found.items() if name == "onetime"] == ["1.15.3", "1.9.0"]
    assert set(found.values()) == {"onetime", "one_time"}


async def test_links_lead_where_they_say(market: Market, books: Books) -> None:
    await books.write([line(1), line(2)])
    page = (await market.get(unbilled(size=1))).json()
    uri = (
        "/invoices/unbilled/lineitems?provider=onetime&invoicelineitemtype=billinglineitems&currencycode=USD"
        "&period=current&size=1"
    )
    assert page["links"]["self"] == {"uri": uri, "method": "GET", "headers": []}
    assert page["links"]["next"]["uri"] == f"{uri}&seekOperation=Next"
    assert page["attributes"] == {"objectType": "Collection"}


# Periods


async def test_the_calendar_month_and_all_before_it(market: Market, books: Books) -> None:
    lines = [line(1, FEBRUARY), line(2, JANUARY), line(3, MARCH), line(4, MARCH - timedelta(microseconds=1))]
    await books.write(lines)
    assert await references(market, unbilled()) == [lines[2].reference_id]
    expected = by_time([lines[0], lines[1], lines[3]])
    assert await references(market, unbilled(period="previous")) == expected
    assert await references(market, unbilled(period="LAST", size=1)) == expected


async def test_usage_goes_by_the_month_that_it_is_billed_with(market: Market, books: Books) -> None:
    days = [
        usage_day(1, JANUARY + timedelta(days=20)),
        usage_day(2, JANUARY + timedelta(days=9), bill_month=202602),
        usage_day(3, FEBRUARY + timedelta(days=3)),
        usage_day(4, JANUARY + timedelta(days=1), bill_month=202603),
        usage_day(5, MARCH),
    ]
    await books.use(days)

    async def dates(period: str, size: int) -> list[str]:
        found = pages(market, unbilled(**USAGE, period=period, size=size))
        return [item["usageDate"][:10] async for page in found for item in page["items"]]

    for size in (1, 2, 2000):
        assert await dates("current", size) == ["2026-01-02", "2026-03-01"]
        assert await dates("previous", size) == ["2026-01-10", "2026-01-21", "2026-02-04"]


async def test_the_period_of_a_document_does_not_count(market: Market, books: Books) -> None:
    await books.write([billed_line := line(1, FEBRUARY)])
    await books.issue(document(NUMBER, ISSUED), [billed_line])
    for period in ("current", "previous", "whatever"):
        assert (await market.get(billed(period=period))).json()["totalCount"] == 1


async def test_a_document_knows_its_own_currency_alone(market: Market, books: Books) -> None:
    await books.write([billed_line := line(1, FEBRUARY)])
    await books.issue(document(NUMBER, ISSUED), [billed_line])
    counts = [
        (await market.get(billed(currencyCode=code))).json()["totalCount"] for code in ("usd", "", "EUR", "x")
    ]
    assert counts == [1, 1, 0, 0]


# What is billed and what is not


async def test_unbilled_lines_know_no_month_of_usage(market: Market, books: Books) -> None:
    """The estimate feed is that of licences. While a run makes lines of usage they are on no document."""
    await books.write([line(1), line(2, kind=LineKind.USAGE)])
    assert (await market.get(unbilled())).json()["totalCount"] == 1


async def test_lines_of_a_draft_are_not_billed(market: Market, books: Books) -> None:
    lines = [line(1, FEBRUARY), line(2, FEBRUARY), line(3, FEBRUARY, kind=LineKind.USAGE)]
    days = [usage_day(1, FEBRUARY), usage_day(2, FEBRUARY)]
    await books.write(lines)
    await books.use(days)
    draft = document(NUMBER, ISSUED, status=DocumentStatus.DRAFT)
    await books.issue(draft, [lines[0], lines[2]], days[:1])
    found = (await market.get(unbilled(period="previous"))).json()["items"]
    assert [item["referenceId"] for item in found] == by_time(lines[:2])
    assert {(item["invoiceNumber"], item["taxTotal"]) for item in found} == {("", 0)}
    usage = (await market.get(unbilled(**USAGE, period="previous"))).json()["items"]
    assert {item["resourceUri"][-36:] for item in usage} == {each.subscription_id for each in days}
    assert (await market.get(billed())).status_code == 404
    await books.issue(document(NUMBER, ISSUED), [lines[0], lines[2]], days[:1])
    assert await references(market, unbilled(period="previous")) == by_time(lines[1:2])
    assert await references(market, billed()) == by_time([lines[0], lines[2]])


async def test_what_an_adjustment_bills_anew_is_not_unbilled(market: Market, books: Books) -> None:
    await books.write([again := line(1, FEBRUARY)])
    note = document(
        "T000000018",
        ISSUED,
        status=DocumentStatus.DRAFT,
        document_type=DocumentType.ADJUSTMENT_NOTE,
        amends_id=NUMBER,
    )
    await books.issue(note, [again])
    assert await references(market, unbilled(period="previous")) == []


async def test_a_note_that_is_billed_anew_during_a_walk_is_not_unbilled(market: Market, books: Books) -> None:
    lines = [line(number, FEBRUARY + timedelta(hours=number)) for number in range(1, 4)]
    await books.write(lines)
    note = document(
        "T000000018", ISSUED, document_type=DocumentType.ADJUSTMENT_NOTE, amends_id=NUMBER, month=202602
    )
    await books.issue(note, [lines[2]])
    page = (await market.get(unbilled(period="previous", size=1))).json()
    await books.issue(replace(note, document_type=DocumentType.VOID_NOTE, state=DocumentState.VOID))
    headers = {TOKEN: page["continuationToken"]}
    rest = (await market.get(unbilled(period="previous", size=1), headers=headers)).json()
    assert [each["referenceId"] for each in rest["items"]] == [lines[1].reference_id]
    assert "continuationToken" not in rest


async def test_a_void_document_still_shows_its_lines(market: Market, books: Books) -> None:
    await books.write([gone := line(1, FEBRUARY)])
    void = document(NUMBER, ISSUED, document_type=DocumentType.VOID_NOTE, state=DocumentState.VOID)
    await books.issue(void, [gone])
    assert await references(market, billed()) == [gone.reference_id]
    assert await references(market, unbilled(period="previous")) == []


# Pages


@pytest.mark.parametrize("seed", range(3))
async def test_a_walk_shows_each_line_once_whatever_happens(market: Market, books: Books, seed: int) -> None:
    """Lines are written before and after the place reached, others are drafted, billed and left alone."""
    chance = random.Random(seed)
    numbers = iter(range(10_000))

    def some(count: int) -> list[LineDraft]:
        return [
            line(
                next(numbers), FEBRUARY + timedelta(hours=chance.randrange(600)), position=chance.randrange(3)
            )
            for _ in range(count)
        ]

    lines = some(40)
    await books.write(lines)
    await books.issue(document("T000000001", ISSUED), lines[:5])
    unbilled_then = lines[5:]
    seen: list[str] = []
    number = 2
    async for page in pages(market, unbilled(period="previous", size=chance.randrange(1, 9))):
        seen += [item["referenceId"] for item in page["items"]]
        assert {item["invoiceNumber"] for item in page["items"]} == {""}
        more = some(chance.randrange(3))
        await books.write(more)
        status = chance.choice([DocumentStatus.DRAFT, DocumentStatus.ISSUED])
        taken = chance.sample(unbilled_then, 3) + more[:1]
        await books.issue(document(f"T{number:09d}", ISSUED, status=status), taken)
        number += status is DocumentStatus.ISSUED
    assert seen == by_time(unbilled_then)


async def test_what_is_billed_right_after_the_first_page_is_still_shown(market: Market, books: Books) -> None:
    """No line is written in between, so that both documents were issued at the same length of the books."""
    lines = [line(number, FEBRUARY + timedelta(hours=number)) for number in range(4)]
    await books.write([early := line(9, JANUARY), *lines])
    await books.issue(document("T000000001", ISSUED), [early])
    walk = pages(market, unbilled(period="previous", size=2))
    first = await anext(walk)
    await books.issue(document("T000000002", ISSUED), lines)
    rest = [item["referenceId"] async for page in walk for item in page["items"]]
    assert [item["referenceId"] for item in first["items"]] + rest == by_time(lines)
    assert await references(market, unbilled(period="previous", size=2)) == []


async def test_a_walk_stays_in_the_month_in_which_it_began(market: Market, books: Books) -> None:
    market.time[0] = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    await books.write([line(number) for number in range(3)])
    page = (await market.get(unbilled(size=2))).json()
    market.wait(hours=1)
    market.tokens.clear()
    following = await market.get(unbilled(size=2), headers={TOKEN: page["continuationToken"]})
    assert following.json()["totalCount"] == 1
    assert (await market.get(unbilled())).json()["totalCount"] == 0


async def test_any_size_gives_the_same_lines_in_the_same_order(market: Market, books: Books) -> None:
    lines = [line(number, FEBRUARY + timedelta(days=number % 3)) for number in range(8)]
    lines += [replace(lines[0], id=line(90).id, position=1)]
    days = [usage_day(number, FEBRUARY + timedelta(days=number % 3)) for number in range(7)]
    await books.write(lines)
    await books.use(days)
    await books.issue(document(NUMBER, ISSUED), lines, days)
    for size in (1, 2, 3, 7, 8, 9, 2000):
        assert await references(market, billed(size=size)) == by_time(lines)
        found = pages(market, billed(**USAGE, size=size))
        usage = [
            (item["usageDate"], item["subscriptionId"]) async for page in found for item in page["items"]
        ]
        assert usage == sorted(usage)
        assert len(usage) == len(days)


async def test_the_seek_query_of_dotnet(market: Market, books: Books) -> None:
    """The same query, ``seekoperation=Next``, and the token of the body."""
    lines = [line(number, FEBRUARY) for number in range(3)]
    await books.write(lines)
    await books.issue(document(NUMBER, ISSUED), lines)
    page = (await market.get(billed(size=2, currencyCode="usd", period="current"))).json()
    headers = {TOKEN: page["continuationToken"]}
    query = billed(size=2, currencyCode="usd", period="current", seekoperation="Next")
    again = [(await market.get(query, headers=headers)).json() for _ in range(2)]
    assert again[0] == again[1], "a token can be used again"
    assert again[0]["totalCount"] == 1
    without_operation = await market.get(billed(size=2, currencyCode="usd"), headers=headers)
    assert without_operation.json() == again[0]
    alone = await market.get(f"/v1/invoices/{NUMBER}/lineitems?seekOperation=next", headers=headers)
    assert alone.json() == again[0]
    first = await market.get(billed(size=2, currencyCode="usd", seekOperation="First"), headers=headers)
    assert first.json()["items"] == page["items"]


async def test_the_path_form_skips_and_then_pages(market: Market, books: Books) -> None:
    lines = [line(number, FEBRUARY + timedelta(hours=number)) for number in range(9)]
    await books.write(lines)
    await books.issue(document(NUMBER, ISSUED, line_count=9), lines)
    path = f"/v1/invoices/OneTime-{NUMBER}/lineitems/OneTime/BillingLineItems"
    assert await references(market, path) == by_time(lines)
    assert await references(market, f"{path}?size=2&offset=3") == by_time(lines)[3:]
    assert await references(market, f"{path}?offset=8") == by_time(lines)[8:]
    assert await references(market, f"{path}?offset=9") == []
    assert await references(market, f"{path}?offset=999999999") == []
    page = (await market.get(f"{path}?size=2")).json()
    expected = f"/invoices/{NUMBER}/lineitems/OneTime/BillingLineItems?size=2&seekOperation=Next"
    assert page["links"]["next"]["uri"] == expected


async def test_tokens_go_through_headers(market: Market, books: Books) -> None:
    await books.write([line(1), line(2)])
    for number in range(20):
        await books.issue(document(f"T{number:09d}", ISSUED))
    token = (await market.get(unbilled(size=1))).json()["continuationToken"]
    assert len(token) <= 1_024
    assert token.replace("-", "").replace("_", "").isalnum()


async def test_sizes_are_cut(market: Market, books: Books) -> None:
    await books.write([line(number) for number in range(3)])
    for size, shown, cut in (("2001", 3, "2000"), ("999999999999999999999", 3, "2000"), ("002", 2, "2")):
        page = (await market.get(unbilled(size=size))).json()
        assert page["totalCount"] == shown
        assert page["links"]["self"]["uri"].endswith(f"&size={cut}")


async def test_no_lines(market: Market) -> None:
    page = (await market.get(unbilled())).json()
    assert (page["totalCount"], page["items"]) == (0, [])
    assert "continuationToken" not in page


# What is refused


BAD_QUERIES: list[tuple[dict[str, str], str]] = [
    ({"provider": ""}, "provider"),
    ({"provider": "nobody"}, "provider"),
    ({"invoiceLineItemType": ""}, "invoiceLineItemType"),
    ({"invoiceLineItemType": "none"}, "invoiceLineItemType"),
    ({"currencyCode": ""}, "currencyCode"),
    ({"currencyCode": "US"}, "currencyCode"),
    ({"currencyCode": "U$D"}, "currencyCode"),
    ({"period": "next"}, "period"),
    ({"size": "0"}, "size"),
    ({"size": "-1"}, "size"),
    ({"size": "ten"}, "size"),
    ({"size": "1.5"}, "size"),
    ({"hasPartnerEarnedCredit": "maybe"}, "hasPartnerEarnedCredit"),
    ({"seekOperation": "Previous"}, "seekOperation"),
    ({"seekOperation": "Last"}, "seekOperation"),
    ({"seekOperation": "PageIndex"}, "seekOperation"),
    ({"seekOperation": "sideways"}, "seekOperation"),
    ({"seekOperation": "Next"}, TOKEN),
]
"""Parameters, and the one that is refused."""


async def test_bad_queries(market: Market) -> None:
    for parameters, member in BAD_QUERIES:
        reply = await market.get(unbilled(**parameters))
        assert (reply.status_code, reply.json()["code"]) == (400, 3000), parameters
        assert reply.json()["data"] == [member]


async def test_bad_queries_of_documents(market: Market, books: Books) -> None:
    await books.issue(document(NUMBER, ISSUED))
    path = f"/v1/invoices/{NUMBER}/lineitems"
    bad = [
        billed(provider="x"),
        billed(size="0"),
        f"{path}/nobody/billinglineitems",
        f"{path}/onetime/none",
        f"{path}/onetime/billinglineitems?offset=-1",
        "/v1/invoices/unbilled/lineitems/onetime/billinglineitems",
    ]
    for query in bad:
        reply = await market.get(query)
        assert (reply.status_code, reply.json()["code"]) == (400, 3000), query


async def test_unknown_documents(market: Market, books: Books) -> None:
    await books.issue(document(NUMBER, ISSUED))
    for number in ("T999999999", "D04000ABCD", f"Recurring-{NUMBER}", "x-1", "summary", "onetime-unbilled"):
        for path in (billed(number), f"/v1/invoices/{number}/lineitems/onetime/usagelineitems"):
            reply = await market.get(path)
            assert (reply.status_code, reply.json()["code"]) == (404, 1000), path


async def test_documents_of_others(market: Market, books: Books) -> None:
    await books.issue(document(NUMBER, ISSUED))
    await books.issue(document("T000000018", ISSUED, status=DocumentStatus.DRAFT))
    for path in (billed(), f"/v1/invoices/{NUMBER}/lineitems/azure/usagelineitems"):
        reply = await market.get(path, account="production")
        assert (reply.status_code, reply.json()["code"]) == (403, 2032)


async def test_bad_tokens(market: Market, books: Books) -> None:
    lines = [line(number, FEBRUARY) for number in range(3)]
    await books.write(lines)
    await books.write([line(number) for number in range(10, 13)])
    await books.issue(document(NUMBER, ISSUED), lines)
    await books.issue(document("T000000018", ISSUED))
    token = (await market.get(unbilled(size=1))).json()["continuationToken"]
    of_document = (await market.get(billed(size=1))).json()["continuationToken"]
    customers = (await market.get("/v1/customers?size=1")).json()["continuationToken"]
    changed = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    bad = [
        (unbilled(size=1), "nonsense"),
        (unbilled(size=1), changed),
        (unbilled(size=1), customers),
        (unbilled(size=1), of_document),
        (unbilled(size=2), token),
        (unbilled(size=1, period="previous"), token),
        (unbilled(size=1, currencyCode="EUR"), token),
        (unbilled(size=1, provider="all"), token),
        (unbilled(size=1, hasPartnerEarnedCredit="true"), token),
        (billed(size=1), token),
        (billed("T000000018", size=1), of_document),
        ("/v1/invoices/T000000018/lineitems?seekOperation=Next", of_document),
    ]
    for path, sent in bad:
        reply = await market.get(path, headers={TOKEN: sent})
        assert (reply.status_code, reply.json()["code"]) == (400, 3000), path
        assert reply.json()["data"] == [TOKEN]
    assert (await market.get(unbilled(size=1), headers={TOKEN: token})).status_code == 200
    foreign = await market.get(unbilled(size=1), headers={TOKEN: token}, account="production")
    assert foreign.status_code == 400


async def test_tokens_end_after_a_day(market: Market, books: Books) -> None:
    await books.write([line(1), line(2)])
    headers = {TOKEN: (await market.get(unbilled(size=1))).json()["continuationToken"]}
    market.wait(hours=23, minutes=59)
    market.tokens.clear()
    assert (await market.get(unbilled(size=1), headers=headers)).status_code == 200
    market.wait(minutes=11)
    market.tokens.clear()
    assert (await market.get(unbilled(size=1), headers=headers)).status_code == 400


async def test_a_page_that_was_asked_for_again_is_not_that_of_another_time(
    market: Market, books: Books
) -> None:
    """Answers are remembered: not across a line that was written, an account or a setting."""
    await books.write([line(1)])
    first = (await market.get(unbilled())).json()
    assert (await market.get(unbilled())).json() == first
    await market.configure(unbilled_totals="estimated")
    assert (await market.get(unbilled())).json()["items"][0]["totalForCustomer"] == 89.7
    assert (await market.get(unbilled(), account="production")).json()["items"] == []
    await books.write([line(2)])
    assert (await market.get(unbilled())).json()["totalCount"] == 2
    await books.issue(document(NUMBER, ISSUED), [line(1)])
    assert (await market.get(unbilled())).json()["totalCount"] == 1
    assert (await market.get(billed())).json()["items"][0]["taxTotal"] == 17.94


async def test_a_days_usage_grows_until_it_is_billed(market: Market, books: Books) -> None:
    await books.use([usage_day(1)])
    assert (await market.get(unbilled(**USAGE))).json()["items"][0]["quantity"] == 23.5
    await books.grow(usage_day(1, quantity=Decimal(30)))
    assert (await market.get(unbilled(**USAGE))).json()["items"][0]["quantity"] == 30
