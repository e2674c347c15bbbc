"""Ordering without a cart, on both engines (``10-catalog-cart-orders`` section 4.4)."""

import json
import re
from typing import Any

import pytest
from tests.market import ADMIN, Json
from tests.order_market import FORMER, RESELLER, UNKNOWN_MPN_ID, Shop, shop

from comptoir.catalog import service as catalog
from comptoir.core.errors import Code, Refusal
from comptoir.customers import service as customers
from comptoir.db import Tx, sql
from comptoir.orders import service
from comptoir.orders.model import LineRequest
from comptoir.orders.placing import draft_of

pytestmark = pytest.mark.anyio
__all__ = ["shop"]

DOTNET = {"MS-PartnerCenter-Client": "Partner Center .NET SDK"}
JAVA = {"MS-PartnerCenter-Client": "Partner Center Java SDK"}
UPN = sql("SELECT upn, purchaser_name FROM orders")


async def test_the_minimal_body_buys(shop: Shop) -> None:
    body = {"billingCycle": "monthly", "lineItems": [shop.line("team", 12)]}
    reply = await shop.market.post(shop.path, body)
    assert reply.status_code == 201
    order = reply.json()
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{31}1", order["id"])
    assert re.fullmatch(r"[0-9a-f]{12}", order["alternateId"])
    (line,) = order["lineItems"]
    assert order == {
        "id": order["id"],
        "alternateId": order["alternateId"],
        "referenceCustomerId": shop.customer_id,
        "billingCycle": "monthly",
        "currencyCode": "USD",
        "currencySymbol": "$",
        "lineItems": [line],
        "creationDate": "2026-03-02T08:15:00Z",
        "status": "pending",
        "transactionType": "UserPurchase",
        "totalPrice": 90.0,
        "links": {
            "self": link(f"/customers/{shop.customer_id}/orders/{order['id']}"),
            "provisioningStatus": link(
                f"/customers/{shop.customer_id}/orders/{order['id']}/provisioningstatus"
            ),
            "patchOperation": link(f"/customers/{shop.customer_id}/orders/{order['id']}", "PATCH"),
        },
        "attributes": {"objectType": "Order"},
    }
    product, sku, availability = shop.item().split(":")
    assert line == {
        "lineItemNumber": 0,
        "offerId": shop.item(),
        "subscriptionId": line["subscriptionId"],
        "termDuration": "P1M",
        "transactionType": "New",
        "friendlyName": "Desk - Team",
        "quantity": 12,
        "pricing": {
            "listPrice": 7.5,
            "discountedPrice": 7.5,
            "proratedPrice": 7.5,
            "price": 7.5,
            "extendedPrice": 90.0,
        },
        "links": {
            "product": link(f"/products/{product}?country=US"),
            "sku": link(f"/products/{product}/skus/{sku}?country=US"),
            "availability": link(f"/products/{product}/skus/{sku}/availabilities/{availability}?country=US"),
            "activationLinks": link(
                f"/customers/{shop.customer_id}/orders/{order['id']}/lineitems/0/activationlinks"
            ),
        },
    }


def link(uri: str, method: str = "GET") -> Json:
    return {"uri": uri, "method": method, "headers": []}


async def test_each_line_gets_a_subscription_that_waits(shop: Shop) -> None:
    order = (await shop.post(shop.line(number=1, quantity=2), shop.line(number=0, quantity=1))).json()
    assert [(line["lineItemNumber"], line["quantity"]) for line in order["lineItems"]] == [(0, 1), (1, 2)]
    for line in order["lineItems"]:
        subscription = await shop.subscription(line["subscriptionId"])
        assert (subscription["status"], subscription["orderId"]) == ("pending", order["id"])
        assert (subscription["quantity"], subscription["offerId"]) == (line["quantity"], line["offerId"])


async def test_everything_that_a_line_can_carry_comes_back(shop: Shop) -> None:
    await shop.make_indirect()
    sent: Json = {
        "friendlyName": "Team – Tacoma ☂",
        "termDuration": "p1y",
        "renewsTo": {"termDuration": "P1Y"},
        "partnerIdOnRecord": RESELLER.mpn_id,
        "additionalPartnerIdsOnRecord": [RESELLER.mpn_id, " "],
        "provisioningContext": {"Scope": "shared"},
        "attestationAccepted": True,
    }
    reply = await shop.post(shop.line(**sent), partnerOnRecordAttestationAccepted=True, currencyCode="usd")
    order = reply.json()
    (line,) = order["lineItems"]
    assert order["partnerOnRecordAttestationAccepted"] is True
    assert line["additionalPartnerIdsOnRecord"] == [RESELLER.mpn_id]
    assert line["provisioningContext"] == {"scope": "shared"}
    assert line["termDuration"] == "P1Y"
    for member in ("friendlyName", "renewsTo", "partnerIdOnRecord", "attestationAccepted"):
        assert line[member] == sent[member]
    assert order["totalPrice"] == 6 * 7 * 12
    assert (await shop.subscription(line["subscriptionId"]))["partnerId"] == RESELLER.mpn_id


async def test_a_yen_order_has_whole_numbers(shop: Shop) -> None:
    path = f"/v1/customers/{shop.market.customer('JP')}/orders"
    line = {"lineItemNumber": 0, "offerId": shop.item("team", "JP"), "quantity": 3}
    order = (await shop.market.post(path, {"lineItems": [line]})).json()
    assert (order["currencyCode"], order["currencySymbol"], order["totalPrice"]) == ("JPY", "¥", 2700)


@pytest.mark.parametrize(
    ("cycle", "plan", "expected"),
    [
        (None, "team", "monthly"),
        ("unknown", "team", "monthly"),
        (0, "team", "monthly"),
        ("", "team trial", "none"),
        ("Annual", "team", "annual"),
        ("ANNUAL", "team", "annual"),
        (2, "team", "annual"),
        ("none", "team trial", "none"),
    ],
)
async def test_the_billing_cycle_in_every_spelling(shop: Shop, cycle: Any, plan: str, expected: str) -> None:
    reply = await shop.post(shop.line(plan, 1), billingCycle=cycle)
    assert (reply.status_code, reply.json()["billingCycle"]) == (201, expected)


async def test_a_trial_says_what_it_renews_to(shop: Shop) -> None:
    line = (await shop.post(shop.line("team trial", 1), billingCycle="none")).json()["lineItems"][0]
    assert (line["pricing"]["extendedPrice"], line["termDuration"]) == (0, "P1M")
    assert (await shop.subscription(line["subscriptionId"]))["isTrial"] is True


async def test_plain_add_ons_join_the_order_of_their_base(shop: Shop) -> None:
    order = (await shop.post(shop.line("extra", 2), shop.line("team", 6, 1))).json()
    add_on, base = order["lineItems"]
    assert add_on["parentSubscriptionId"] == base["subscriptionId"]
    assert "parentSubscriptionId" not in base
    bought = await shop.subscription(add_on["subscriptionId"])
    assert bought["parentSubscriptionId"] == base["subscriptionId"]


async def test_the_provisioning_context_names_a_held_base(shop: Shop) -> None:
    base_id = (await shop.order())["lineItems"][0]["subscriptionId"]
    context = {"ParentSubscriptionId": base_id.upper()}
    (add_on,) = (await shop.post(shop.line("extra", 2, provisioningContext=context))).json()["lineItems"]
    assert add_on["parentSubscriptionId"] == base_id
    assert add_on["provisioningContext"] == {"parentSubscriptionId": base_id.upper()}


def dotnet_body(item: str) -> Json:
    """Every property, nulls included."""
    line = {
        "LineItemNumber": 0,
        "OfferId": item,
        "SubscriptionId": None,
        "ParentSubscriptionId": None,
        "TermDuration": None,
        "TransactionType": None,
        "FriendlyName": "",
        "Quantity": 6,
        "PartnerIdOnRecord": None,
        "AdditionalPartnerIdsOnRecord": None,
        "ProvisioningContext": None,
        "Pricing": None,
        "RenewsTo": None,
        "CustomTermEndDate": "0001-01-01T00:00:00",
        "AttestationAccepted": None,
        "Links": None,
    }
    return {
        "Id": None,
        "AlternateId": None,
        "ReferenceCustomerId": None,
        "BillingCycle": "unknown",
        "CurrencyCode": None,
        "LineItems": [line],
        "CreationDate": None,
        "Status": None,
        "TransactionType": None,
        "TotalPrice": None,
        "PartnerOnRecordAttestationAccepted": None,
        "Links": None,
        "Attributes": {"ObjectType": "Order"},
    }


async def test_bodies_as_clients_send_them(shop: Shop) -> None:
    item = shop.item()
    bodies: list[tuple[Json, dict[str, str]]] = [
        (dotnet_body(item), DOTNET),
        (
            {
                "referenceCustomerId": shop.customer_id.upper(),
                "billingCycle": "monthly",
                "lineItems": [{"lineItemNumber": 0, "offerId": item.lower(), "quantity": 6}],
                "totalPrice": 0.0,
                "attributes": {"objectType": "Order"},
            },
            JAVA,
        ),
        (
            {"BillingCycle": "Monthly", "LineItems": [{"OfferId": item, "Quantity": 6}]},
            {"MS-PartnerCenter-Client": "Partner Center PowerShell"},
        ),
        (
            {"lineItems": [{"offerId": item, "quantity": 6, "lineItemNumber": 0}], "billingCycle": "monthly"},
            {},
        ),
        (
            {
                "referenceCustomerId": "",
                "billingCycle": "Monthly",
                "lineItems": [{"offerId": item, "quantity": 6, "renewsTo": [{"termDuration": "P1M"}]}],
                "status": "nonsense",
            },
            {},
        ),
    ]
    for body, headers in bodies:
        reply = await shop.market.post(shop.path, body, headers=headers)
        assert reply.status_code == 201, (headers, reply.text)
        order = reply.json()
        assert (order["totalPrice"], order["lineItems"][0]["offerId"]) == (45.0, item)


async def test_comments_and_trailing_commas_are_forgiven(shop: Shop) -> None:
    text = json.dumps({"lineItems": [shop.line()]}).replace("]}", ",], /* the rest */ }")
    reply = await shop.market.post(shop.path, raw=b"\xef\xbb\xbf// an order\n" + text.encode())
    assert reply.status_code == 201


async def test_who_bought_and_for_whom_is_recorded(shop: Shop) -> None:
    headers = {"x-ms-customeruser-upn": "bob@customer.example"}
    body = {"lineItems": [shop.line()]}
    assert (await shop.market.post(shop.path, body, user=ADMIN, headers=headers)).status_code == 201

    async def read(tx: Tx) -> tuple[str, str]:
        (row,) = await tx.all(UPN)
        return row["upn"], row["purchaser_name"]

    assert await shop.market.read(read) == ("bob@customer.example", ADMIN)


async def test_an_availability_is_sold_for_a_day_after_it_was_replaced(shop: Shop) -> None:
    await shop.republish()
    shop.market.wait(hours=23, minutes=59, seconds=59)
    shop.market.tokens.clear()
    assert (await shop.post()).json()["totalPrice"] == 45.0
    shop.market.wait(seconds=1)
    reply = await shop.post()
    assert (reply.status_code, reply.json()["code"]) == (404, 400019)


ERRORS: list[tuple[str, int, int, Json]] = [
    ("no lines", 400, 800002, {"lineItems": []}),
    ("lines of another type", 400, 3000, {"lineItems": "team"}),
    ("no quantity", 400, 800002, {"lineItems": [{"lineItemNumber": 0, "offerId": "team"}]}),
    ("quantity 0", 400, 800002, {"lineItems": [("team", 0)]}),
    ("quantity -1", 400, 800002, {"lineItems": [("team", -1)]}),
    ("a quantity that is too long", 400, 3000, {"lineItems": [("team", 2**31)]}),
    ("another customer in the body", 400, 900118, {"referenceCustomerId": "5833af74"}),
    ("a number that does not begin at 0", 400, 800071, {"lineItems": [("team", 1, {"lineItemNumber": 1})]}),
    ("numbers that repeat", 400, 800071, {"lineItems": [("team", 1), ("team", 1)]}),
    ("an offer that nobody knows", 400, 800004, {"lineItems": [("DZH318Z0XXXX:0001:DZH318Z0YYYY", 1)]}),
    ("a legacy offer", 400, 800004, {"lineItems": [("5833af74-42f8-4c10-bb6f-845f4613e12c", 1)]}),
    ("SQL for an offer", 400, 800004, {"lineItems": [("' OR 1=1 --", 1)]}),
    ("no offer", 400, 800004, {"lineItems": [("", 1)]}),
    ("an offer of another country", 400, 800070, {"lineItems": [("team@FR", 1)]}),
    ("a stop-sold offer", 403, 800020, {"lineItems": [("stopped", 1)]}),
    ("an offer for schools", 403, 800020, {"lineItems": [("school", 1)]}),
    ("too many seats", 400, 800017, {"lineItems": [("team", 301)]}),
    ("too few seats", 400, 800017, {"lineItems": [("large", 29)]}),
    ("more than there are", 400, 800010, {"lineItems": [("scarce", 11)]}),
    ("a cycle that the offer lacks", 400, 900269, {"billingCycle": "one_time"}),
    ("lines without a common cycle", 400, 900269, {"lineItems": [("team", 1), ("team trial", 1, 1)]}),
    ("an unknown cycle", 400, 900126, {"billingCycle": "weekly"}),
    ("an unknown cycle number", 400, 900126, {"billingCycle": 9}),
    ("a term of another cycle", 400, 800121, {"lineItems": [("team", 1, {"termDuration": "P3Y"})]}),
    ("a term that is none", 400, 800121, {"lineItems": [("team", 1, {"termDuration": "soon"})]}),
    (
        "a renewal that is none",
        400,
        800121,
        {"lineItems": [("team", 1, {"renewsTo": {"termDuration": "x"}})]},
    ),
    ("two renewals", 400, 3000, {"lineItems": [("team", 1, {"renewsTo": [{}, {}]})]}),
    ("another currency", 400, 900169, {"currencyCode": "EUR"}),
    ("a parent", 400, 2000, {"lineItems": [("extra", 2, {"parentSubscriptionId": "5833af74"})]}),
    ("an add-on without a base", 400, 800029, {"lineItems": [("extra", 2)]}),
    ("a reseller of a direct partner", 400, 800016, {"lineItems": [("team", 1, {"partnerIdOnRecord": "1"})]}),
    ("no attestation", 400, 900203, {"lineItems": [("attested", 1)]}),
    (
        "a promotion",
        400,
        3000,
        {"lineItems": [("team", 1, {"promotionId": "39NFJQT1PJPD:0002:39NFJQT1Q5KL"})]},
    ),
    (
        "an end of its own",
        400,
        3000,
        {"lineItems": [("team", 1, {"customTermEndDate": "2027-01-01T00:00:00Z"})]},
    ),
    ("twice what can be had once", 403, 800089, {"lineItems": [("single", 1), ("single", 1, 1)]}),
]


def expanded(shop: Shop, members: Json) -> Json:
    """Lines written as (plan, quantity, number or further members) become bodies."""
    lines = members.get("lineItems", [("team", 6)])
    if not isinstance(lines, list):
        return members
    return {**members, "lineItems": [line_of(shop, line) for line in lines]}


def line_of(shop: Shop, line: Any) -> Json:
    if not isinstance(line, tuple):
        return line
    plan, quantity, *rest = line
    offer, _, country = plan.partition("@")
    item = shop.items.get((offer, country or "US"), offer)
    further = rest[0] if rest and isinstance(rest[0], dict) else {"lineItemNumber": rest[0] if rest else 0}
    return {"lineItemNumber": 0, "offerId": item, "quantity": quantity, **further}


@pytest.mark.parametrize(
    ("status", "code", "members"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS]
)
async def test_what_an_order_is_refused_for(shop: Shop, status: int, code: int, members: Json) -> None:
    reply = await shop.market.post(shop.path, expanded(shop, members))
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text


async def test_a_friendly_name_is_as_long_as_a_subscription_s_can_be(shop: Shop) -> None:
    longest = "é" * 255
    order = await shop.order(shop.line(), shop.line(number=1, friendlyName=longest))
    assert order["lineItems"][1]["friendlyName"] == longest
    reply = await shop.post(shop.line(), shop.line(number=1, friendlyName=longest + "é"))
    assert (reply.status_code, reply.json()["code"]) == (400, 3000)
    assert reply.json()["data"] == ["lineItems[1].friendlyName"]


@pytest.mark.parametrize("raw", [b"", b"null", b"{", b"[]", b'"success"', b"\xff"])
async def test_a_body_that_is_no_order(shop: Shop, raw: bytes) -> None:
    reply = await shop.market.post(shop.path, raw=raw)
    assert reply.status_code == 400
    assert reply.json()["code"] in {800002, 3000}


@pytest.mark.parametrize(
    ("settings", "lines", "status", "code"),
    [
        ({"limit_seats_per_subscription": 5}, [("team", 6)], 400, 800018),
        ({"limit_subscriptions_per_customer": 1}, [("team", 1), ("team", 1, 1)], 400, 800018),
        ({"require_partner_attestation": True}, [("team", 6)], 400, 900206),
    ],
)
async def test_what_an_account_s_settings_refuse(
    shop: Shop, settings: dict[str, Any], lines: list[Any], status: int, code: int
) -> None:
    await shop.market.configure(**settings)
    reply = await shop.market.post(shop.path, expanded(shop, {"lineItems": lines}))
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text


async def test_no_order_without_the_customer_s_agreement(shop: Shop) -> None:
    await shop.disagree()
    reply = await shop.post()
    assert (reply.status_code, reply.json()["code"]) == (403, 13605)
    await shop.market.configure(require_customer_agreement=False)
    assert (await shop.post()).status_code == 201


@pytest.mark.parametrize(
    ("mpn_id", "status", "code"),
    [(UNKNOWN_MPN_ID, 404, 800015), (FORMER.mpn_id, 400, 800016), ("own", 404, 2072)],
)
async def test_which_resellers_an_indirect_provider_cannot_name(
    shop: Shop, mpn_id: str, status: int, code: int
) -> None:
    await shop.make_indirect()
    own = (await shop.market.account()).mpn_id
    reply = await shop.post(shop.line(partnerIdOnRecord=own if mpn_id == "own" else mpn_id))
    assert (reply.status_code, reply.json()["code"]) == (status, code)


async def test_customers_that_are_not_ours(shop: Shop) -> None:
    body = {"lineItems": [shop.line()]}
    foreign = shop.market.customer("US", "production")
    for customer_id, status, code in (
        ("me", 400, 900118),
        ("00000000-0000-4000-8000-000000000000", 404, 60003),
        (foreign, 403, 20002),
    ):
        reply = await shop.market.post(f"/v1/customers/{customer_id}/orders", body)
        assert (reply.status_code, reply.json()["code"]) == (status, code)


async def test_limits_count_what_is_held_and_not_what_has_ended(shop: Shop) -> None:
    await shop.market.configure(limit_subscriptions_per_customer=1)
    order = await shop.order()
    assert (await shop.post()).json()["code"] == 800018
    assert (await shop.patch(order["id"], {"status": "cancelled"})).status_code == 200
    assert (await shop.post()).status_code == 201


async def test_cancelled_stock_can_be_sold_again(shop: Shop) -> None:
    order = await shop.order(shop.line("scarce", 10))
    assert (await shop.post(shop.line("scarce", 1))).json()["code"] == 800010
    assert (await shop.patch(order["id"], {"status": "cancelled"})).status_code == 200
    assert (await shop.post(shop.line("scarce", 10))).status_code == 201


async def test_stock_that_went_after_it_was_judged(shop: Shop) -> None:
    ctx = await shop.market.context()
    product_id, sku_id, _ = shop.item("scarce").split(":")

    async def work(tx: Tx) -> Code:
        customer = await customers.require(tx, ctx, shop.customer_id)
        judged = await service.judge(tx, ctx, customer, [LineRequest(shop.item("scarce"), 10)])
        assert await catalog.take_stock(tx, product_id, sku_id, 1)
        with pytest.raises(Refusal) as refused:
            async with tx.savepoint():
                await service.place(tx, ctx, customer, draft_of(judged, attestation=None, upn=None))
        return refused.value.code

    assert await shop.market.write(work) is Code.OUT_OF_STOCK
    assert (await shop.get()).json()["items"] == []
    assert (await shop.post(shop.line("scarce", 9))).status_code == 201


async def test_a_repeated_request_buys_once(shop: Shop) -> None:
    body, headers = {"lineItems": [shop.line()]}, {"MS-RequestId": "1d6f5e5a-8b0a-4d3c-9c57-0e7d4f0c2b11"}
    first = await shop.market.post(shop.path, body, headers=headers)
    again = await shop.market.post(shop.path, body, headers=headers)
    assert first.content == again.content
    assert again.headers["MS-Replayed"] == "true"
    assert (await shop.get()).json()["totalCount"] == 1
