"""Filling, reading and replacing carts over HTTP, on both engines (`10` sections 3.1 to 3.8 and 3.11)."""

import json
from typing import Any

import pytest
from tests.market import ADMIN, HELPDESK, Json, Market
from tests.purchase_shelf import CATALOGUE, Shelf, a_line, carts_of, check_out, fill, path_of, stock

from comptoir.customers import service_resellers
from comptoir.customers.model import Reseller
from comptoir.db import Tx, sql

pytestmark = pytest.mark.anyio

UNKNOWN = "00000000-0000-4000-8000-000000000099"
RECORD = {"key": "transaction_reseller", "value": "4000123"}
MAKE_INDIRECT = sql("UPDATE accounts SET is_indirect_provider = 1 WHERE id = :account_id")
RESELLER = Reseller(
    id="3c9d1f6e-0a4b-4c2d-8e5f-6a7b8c9d0e1f",
    name="Harbour Reselling",
    mpn_id="4000123",
    state="Active",
    location="FR",
    has_signed_agreement=True,
)


def only(cart: Json) -> Json:
    """The line of a cart that has one."""
    (line,) = cart["lineItems"]
    return line


async def make_indirect(market: Market) -> str:
    """Turn the account into an indirect provider with one reseller, whose MPN id is returned."""
    ctx = await market.context()

    async def work(tx: Tx) -> None:
        await tx.run(MAKE_INDIRECT, account_id=ctx.account.id)
        await service_resellers.add(tx, ctx, RESELLER)

    await market.write(work)
    return RESELLER.mpn_id


# Bodies of the clients (section 3.11)


def dotnet(item: str) -> Json:
    """Every member in PascalCase, unset ones null, enumerations in snake case."""
    return {
        "Id": None,
        "CreationTimestamp": None,
        "LastModifiedTimestamp": None,
        "ExpirationTimestamp": "0001-01-01T00:00:00",
        "LastModifiedUser": None,
        "Status": None,
        "LineItems": [dotnet_line(item), dotnet_line(item)],
        "PartnerOnRecordAttestationAccepted": None,
        "Links": None,
        "Attributes": {"ObjectType": "Cart"},
    }


def dotnet_line(item: str) -> Json:
    nothing = [
        "FriendlyName",
        "CurrencyCode",
        "PromotionId",
        "Participants",
        "OrderGroup",
        "PurchaseSystem",
        "AddonItems",
        "RenewsTo",
        "Error",
        "CustomTermEndDate",
        "AttestationAccepted",
    ]
    return {
        "Id": 0,
        "CatalogItemId": item,
        "Quantity": 3,
        "BillingCycle": "monthly",
        "TermDuration": "P1Y",
        "ProvisioningContext": {},
        **dict.fromkeys(nothing),
    }


def java(item: str) -> Json:
    """camelCase, nothing null, ids 0, its own spelling of the add-ons."""
    line = {
        "id": 0,
        "catalogItemId": item,
        "quantity": 3,
        "billingCycle": "monthly",
        "termDuration": "P1Y",
        "provisioningContext": {},
        "addOnItems": [],
    }
    return {"lineItems": [line, dict(line)], "attributes": {"objectType": "Cart"}}


def powershell(item: str) -> Json:
    """PascalCase, nothing null, enumerations by their .NET names."""
    line = {
        "Id": 0,
        "CatalogItemId": item,
        "Quantity": 3,
        "BillingCycle": "Monthly",
        "TermDuration": "P1Y",
        "ProvisioningContext": {},
    }
    return {"LineItems": [line, dict(line)]}


@pytest.mark.parametrize("body_of", [dotnet, java, powershell])
async def test_each_clients_body_fills_the_same_cart(market: Market, body_of: Any) -> None:
    shelf = await stock(market)
    reply = await market.post(carts_of(market.customer("FR")), body_of(shelf["plain"]))
    assert reply.status_code == 201, reply.text
    expected = {
        "catalogItemId": shelf["plain"],
        "quantity": 3,
        "currencyCode": "EUR",
        "billingCycle": "monthly",
        "termDuration": "P1Y",
        "provisioningContext": {},
        "orderGroup": "0",
        "pricing": {
            "listPrice": 6.25,
            "discountedPrice": 6.25,
            "proratedPrice": 6.25,
            "price": 6.25,
            "extendedPrice": 225.0,
        },
    }
    assert reply.json()["lineItems"] == [{"id": 0, **expected}, {"id": 1, **expected}]


async def test_a_body_like_the_documents_with_comments_and_trailing_commas(market: Market) -> None:
    shelf = await stock(market)
    raw = f"""\ufeff{{
        // the cart of the documentation
        "PartnerOnRecordAttestationAccepted": true,
        "lineItems": [
            {{
                "id": 5, /* any id */
                "catalogId": "{shelf["plain"].lower()}",
                "friendlyName": "Backup // for Lyon",
                "quantity": 1,
                "billingCycle": "monthly",
                "termDuration": "p1m",
                "provisioningContext": {{ "Domain": "lyon.example", }},
                "renewsTo": [ {{ "termDuration": "P1M", }}, ],
            }},
        ],
    }}"""
    reply = await market.post(carts_of(market.customer("FR")), raw=raw.encode())
    assert reply.status_code == 201, reply.text
    line = only(reply.json())
    assert (line["id"], line["friendlyName"], line["termDuration"]) == (5, "Backup // for Lyon", "P1M")
    assert line["provisioningContext"] == {"domain": "lyon.example"}
    assert line["renewsTo"] == {"termDuration": "P1M"}
    assert reply.json()["partnerOnRecordAttestationAccepted"] is True
    assert "error" not in line


async def test_a_new_cart(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]))
    assert cart["status"] == "Active"
    assert cart["creationTimestamp"] == cart["lastModifiedTimestamp"] == "2026-03-02T08:15:00Z"
    assert cart["expirationTimestamp"] == "2026-03-09T08:15:00Z"
    assert cart["links"]["self"]["uri"] == f"/customers/{market.customer('FR')}/carts/{cart['id']}"
    assert "partnerOnRecordAttestationAccepted" not in cart
    assert (await market.get(path_of(cart))).json() == cart
    assert (await market.get(path_of(cart).upper().replace("/V1/", "/v1//"))).json() == cart


async def test_the_last_user_is_the_one_who_signed_in_else_the_application(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]))
    changed = (await market.put(path_of(cart), {"lineItems": [a_line(shelf["plain"])]}, user=ADMIN)).json()
    assert cart["lastModifiedUser"] != changed["lastModifiedUser"]


# Defaults, groups, context


async def test_a_missing_term_becomes_the_shortest_and_a_missing_cycle_the_default(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]), a_line(shelf["yearly"]), a_line(shelf.trial("plain")))
    assert [(line["billingCycle"], line["termDuration"]) for line in cart["lineItems"]] == [
        ("monthly", "P1M"),
        ("annual", "P1Y"),
        ("none", "P1M"),
    ]


@pytest.mark.parametrize("cycle", ["monthly", "Monthly", "MONTHLY", 1, "unknown", "", None])
async def test_a_billing_cycle_in_every_spelling(market: Market, cycle: str | int | None) -> None:
    shelf = await stock(market)
    assert only(await fill(market, a_line(shelf["plain"], billingCycle=cycle)))["billingCycle"] == "monthly"


async def test_five_lines_in_three_groups_make_three_orders(market: Market) -> None:
    shelf = await stock(market)
    mpn_id = await make_indirect(market)
    cart = await fill(
        market,
        a_line(shelf["plain"], termDuration="P1M"),
        a_line(shelf["plain"], termDuration="P1Y"),
        a_line(shelf["yearly"]),
        a_line(shelf.trial("plain")),
        a_line(shelf["plain"], participants=[{"Key": "TransactionReseller", "Value": mpn_id}]),
    )
    assert [line["orderGroup"] for line in cart["lineItems"]] == ["0", "0", "1", "2", "0"]
    result = await check_out(market, cart)
    assert result["orderErrors"] == []
    assert [order["billingCycle"] for order in result["orders"]] == ["monthly", "annual", "none"]
    numbered = [[line["lineItemNumber"] for line in order["lineItems"]] for order in result["orders"]]
    assert numbered == [[0, 1, 2], [0], [0]]
    assert result["orders"][0]["lineItems"][2]["partnerIdOnRecord"] == mpn_id
    assert [order["totalPrice"] for order in result["orders"]] == [7.5 * 3 + 6.25 * 36 + 7.5 * 3, 299.97, 0]
    for order in result["orders"]:
        stored = await market.get(f"/v1{order['links']['self']['uri']}?include_price=true")
        assert stored.json() == order


async def test_currencies_make_groups_too(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]), a_line(shelf["francs"]))
    assert [(line["currencyCode"], line["orderGroup"]) for line in cart["lineItems"]] == [
        ("EUR", "0"),
        ("CHF", "1"),
    ]
    orders = (await check_out(market, cart))["orders"]
    assert [(order["currencyCode"], order["totalPrice"]) for order in orders] == [
        ("EUR", 22.5),
        ("CHF", 27.15),
    ]


async def test_context_keys_lose_their_first_capital_only(market: Market) -> None:
    shelf = await stock(market)
    context = {"Domain": "a", "alreadyLower": "b", "SCOPE": "c", "É": "d"}
    line = only(await fill(market, a_line(shelf["plain"], provisioningContext=context)))
    assert line["provisioningContext"] == {"domain": "a", "alreadyLower": "b", "sCOPE": "c", "é": "d"}


async def test_participants_are_given_back_in_snake_case(market: Market) -> None:
    shelf = await stock(market)
    mpn_id = await make_indirect(market)
    sent = [{"key": 1, "value": mpn_id}, {"Key": "additional_transaction_reseller", "Value": mpn_id}]
    line = only(await fill(market, a_line(shelf["plain"], participants=sent)))
    assert line["participants"] == [
        {"key": "transaction_reseller", "value": mpn_id},
        {"key": "additional_transaction_reseller", "value": mpn_id},
    ]
    assert "error" not in line


async def test_prices_are_not_for_helpdesk_agents(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]))
    assert "pricing" in only(cart)
    assert "pricing" not in only((await market.get(path_of(cart), user=HELPDESK)).json())


# Line errors (section 3.8)


async def error_of(market: Market, *lines: Json) -> Json:
    """The error of the last line; the others are sound."""
    cart = await fill(market, *lines)
    *sound, wrong = cart["lineItems"]
    assert all("error" not in line for line in sound)
    assert isinstance(wrong["error"]["errorCode"], int)
    assert wrong["error"]["errorDescription"]
    assert "orderGroup" not in wrong
    assert "pricing" not in wrong
    refused = await market.post(f"{path_of(cart)}/checkout")
    assert (refused.status_code, refused.json()["code"]) == (400, 800009)
    return wrong["error"]


@pytest.mark.parametrize(
    ("plan", "members", "number"),
    [
        pytest.param("plain", {"currencyCode": "USD"}, 10000, id="currency"),
        pytest.param("nothing", {}, 10001, id="malformed item id"),
        pytest.param(None, {}, 10001, id="no item id"),
        pytest.param("school", {}, 10001, id="not the customer's segment"),
        pytest.param("shut", {}, 10003, id="stop-sold"),
        pytest.param("club", {}, 10003, id="for another partner"),
        pytest.param("boxed", {"quantity": 6}, 10003, id="more than there is in stock"),
        pytest.param(
            "plain",
            {"participants": [{"key": "transaction_reseller", "value": "1"}]},
            10004,
            id="participants",
        ),
        pytest.param(
            "extra", {"provisioningContext": {"ParentSubscriptionId": UNKNOWN}}, 10007, id="unknown parent"
        ),
        pytest.param("extra", {}, 10007, id="an add-on without a base"),
        pytest.param("plain", {"quantity": 0}, 10010, id="no quantity"),
        pytest.param("plain", {"quantity": -1}, 10010, id="negative quantity"),
        pytest.param("plain", {"quantity": None}, 10010, id="quantity left out"),
        pytest.param("plain", {"termDuration": "P3Y"}, 10010, id="a term that is not offered"),
        pytest.param("plain", {"termDuration": "soon"}, 10010, id="a term that is none"),
        pytest.param(
            "plain", {"renewsTo": {"termDuration": "P3Y"}}, 10010, id="a renewal that is not offered"
        ),
        pytest.param(
            "plain",
            {"renewsTo": [{"termDuration": "P1M"}, {"termDuration": "P1Y"}]},
            10010,
            id="two renewals",
        ),
        pytest.param(
            "plain", {"participants": [{"key": "friend", "value": "1"}]}, 10010, id="unknown participant"
        ),
        pytest.param("plain", {"friendlyName": "é" * 256}, 10010, id="a name that is too long"),
        pytest.param("nothing", {"friendlyName": "é" * 256}, 10010, id="such a name of an unknown item"),
        pytest.param("pledge", {}, 10012, id="attestation"),
        pytest.param("pledge", {"attestationAccepted": False}, 10012, id="attestation declined"),
        pytest.param("plain", {"billingCycle": "annual"}, 10013, id="billing cycle"),
        pytest.param("plain", {"billingCycle": "weekly"}, 10013, id="a billing cycle that is none"),
        pytest.param("plain", {"billingCycle": 99}, 10013, id="a billing cycle by a number that is none"),
        pytest.param("plain", {"promotionId": "SPRING"}, 10014, id="promotion"),
        pytest.param("plain", {"quantity": 301}, 10015, id="more than the maximum"),
        pytest.param("plain", {"quantity": 2**31 - 1}, 10015, id="the largest number clients can hold"),
        pytest.param(
            "plain", {"customTermEndDate": "2027-01-01T00:00:00Z"}, 10016, id="custom end of the term"
        ),
    ],
)
async def test_a_line_error(market: Market, plan: str | None, members: Json, number: int) -> None:
    shelf = await stock(market)
    item = None if plan is None else "a:b" if plan == "nothing" else shelf[plan]
    error = await error_of(market, {"quantity": 3, "catalogItemId": item, **members})
    assert error["errorCode"] == number
    assert "additionalInformation" not in error


async def test_an_item_of_another_country(market: Market) -> None:
    shelf = await stock(market)
    assert (await error_of(market, a_line(shelf.in_country("american", "US"))))["errorCode"] == 10001


async def test_an_item_past_its_grace(market: Market) -> None:
    shelf = await stock(market)
    await replace_plain(market)
    market.wait(hours=24)
    market.tokens.clear()
    assert (await error_of(market, a_line(shelf["plain"])))["errorCode"] == 10001


async def replace_plain(market: Market) -> Shelf:
    """Import the catalogue with another price, so that the plain plan gets another availability."""
    return await stock(market, CATALOGUE.replace("EUR: 7.50", "EUR: 7.90"))


async def test_an_ownership_limit_says_what_is_left(market: Market) -> None:
    shelf = await stock(market)
    error = await error_of(market, a_line(shelf["single"]), a_line(shelf["single"]))
    assert error["errorCode"] == 10002
    assert error["additionalInformation"] == {"availableQuantity": 0, "purchasedQuantity": 0}
    await check_out(market, await fill(market, a_line(shelf["single"])))
    error = await error_of(market, a_line(shelf["single"]))
    assert error["additionalInformation"] == {"availableQuantity": 0, "purchasedQuantity": 1}


async def test_sandbox_limits(market: Market) -> None:
    shelf = await stock(market)
    await market.configure(limit_subscriptions_per_customer=2, limit_seats_per_subscription=25)
    too_many = [a_line(shelf["plain"]) for _ in range(3)]
    assert (await error_of(market, *too_many))["errorCode"] == 10009
    assert (await error_of(market, a_line(shelf["plain"], 26)))["errorCode"] == 10009
    assert "error" not in only(await fill(market, a_line(shelf["plain"], 25)))


@pytest.mark.parametrize(
    ("base_seats", "add_on_seats", "cycle", "number"),
    [(4, 2, None, 10018), (5, 1, None, 10019), (5, 2, "annual", 10013)],
)
async def test_errors_of_a_nested_add_on(
    market: Market, base_seats: int, add_on_seats: int, cycle: str | None, number: int
) -> None:
    shelf = await stock(market)
    add_on = a_line(shelf["extra"], add_on_seats, billingCycle=cycle)
    line = only(await fill(market, a_line(shelf["plain"], base_seats, addonItems=[add_on])))
    (nested,) = line["addonItems"]
    assert "error" not in line
    assert nested["error"]["errorCode"] == number
    assert "orderGroup" not in nested


async def test_an_add_on_is_bought_in_the_currency_of_its_base(market: Market) -> None:
    shelf = await stock(market)
    add_on = a_line(shelf["swiss-extra"], 1)
    nested = only(await fill(market, a_line(shelf["plain"], addonItems=[add_on])))["addonItems"][0]
    assert nested["error"]["errorCode"] == 10000
    assert (await error_of(market, a_line(shelf["plain"]), add_on))["errorCode"] == 10000


async def test_an_add_on_of_an_add_on(market: Market) -> None:
    shelf = await stock(market)
    innermost = a_line(shelf["extra"], 2)
    nested = a_line(shelf["extra"], 2, addonItems=[innermost])
    line = only(await fill(market, a_line(shelf["plain"], 5, addonItems=[nested])))
    assert line["addonItems"][0]["addonItems"][0]["error"]["errorCode"] == 10010


async def test_a_bad_line_does_not_spoil_the_others(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line("a:b:c"), a_line(shelf["plain"]))
    assert [line.get("orderGroup") for line in cart["lineItems"]] == [None, "0"]
    assert [line.get("error", {}).get("errorCode") for line in cart["lineItems"]] == [10001, None]


# Add-ons


async def test_a_nested_add_on_belongs_to_its_new_base(market: Market) -> None:
    shelf = await stock(market)
    base = a_line(shelf["plain"], 5, addOnItems=[a_line(shelf["extra"], 2)])
    cart = await fill(market, base, a_line(shelf["plain"]))
    assert [line["id"] for line in cart["lineItems"]] == [0, 2]
    assert cart["lineItems"][0]["addonItems"][0]["orderGroup"] == "0"
    (order,) = (await check_out(market, cart))["orders"]
    bought = [line["offerId"] for line in order["lineItems"]]
    assert bought == [shelf["plain"], shelf["extra"], shelf["plain"]]
    assert order["lineItems"][1]["parentSubscriptionId"] == order["lineItems"][0]["subscriptionId"]
    assert "parentSubscriptionId" not in order["lineItems"][2]


async def test_an_add_on_names_a_subscription_that_the_customer_has(market: Market) -> None:
    shelf = await stock(market)
    (order,) = (await check_out(market, await fill(market, a_line(shelf["plain"], 5))))["orders"]
    base_id = order["lineItems"][0]["subscriptionId"]
    context = {"ParentSubscriptionId": base_id.upper()}
    cart = await fill(market, a_line(shelf["extra"], 2, provisioningContext=context))
    assert only(cart)["provisioningContext"] == {"parentSubscriptionId": base_id.upper()}
    (order,) = (await check_out(market, cart))["orders"]
    assert order["lineItems"][0]["parentSubscriptionId"] == base_id


async def test_a_plain_line_of_an_add_on_moves_behind_its_base(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["extra"], 2), a_line(shelf["plain"], 5))
    assert [line["orderGroup"] for line in cart["lineItems"]] == ["0", "0"]
    (order,) = (await check_out(market, cart))["orders"]
    assert [line["offerId"] for line in order["lineItems"]] == [shelf["plain"], shelf["extra"]]
    assert order["lineItems"][1]["parentSubscriptionId"] == order["lineItems"][0]["subscriptionId"]


# Replacing


async def test_a_put_replaces_everything_but_the_expiry(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]), partnerOnRecordAttestationAccepted=True)
    market.wait(minutes=5)
    body = {"id": UNKNOWN, "status": "Ordered", "lineItems": [a_line(shelf["yearly"], 1)]}
    reply = await market.put(f"{path_of(cart)}/", body)
    assert reply.status_code == 201
    changed = reply.json()
    assert (changed["id"], changed["status"]) == (cart["id"], "Active")
    assert changed["creationTimestamp"] == cart["creationTimestamp"]
    assert changed["expirationTimestamp"] == cart["expirationTimestamp"]
    assert changed["lastModifiedTimestamp"] == "2026-03-02T08:20:00Z"
    assert [line["catalogItemId"] for line in changed["lineItems"]] == [shelf["yearly"]]
    assert "partnerOnRecordAttestationAccepted" not in changed
    assert (await market.get(path_of(cart))).json() == changed


async def test_a_cart_put_back_as_it_was_read_stays_the_same(market: Market) -> None:
    shelf = await stock(market)
    await make_indirect(market)
    cart = await fill(
        market,
        a_line(shelf["plain"], 5, addonItems=[a_line(shelf["extra"], 2)], friendlyName="Lyon"),
        a_line(shelf.trial("plain"), renewsTo={"termDuration": "P1M"}),
        a_line("a:b:c", participants=[{"key": "transaction_reseller", "value": RESELLER.mpn_id}]),
        partnerOnRecordAttestationAccepted=False,
    )
    again = await market.put(path_of(cart), cart)
    assert again.status_code == 201
    assert again.json() == cart


async def test_a_wrong_line_can_be_read_repaired_and_put_back(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line("a:b:c", 2))
    only(cart)["catalogItemId"] = shelf["francs"]
    repaired = only((await market.put(path_of(cart), cart)).json())
    assert (repaired["currencyCode"], repaired["orderGroup"]) == ("CHF", "0")
    assert "error" not in repaired


# Refusals of the request as a whole


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="no body"),
        pytest.param({}, id="no lines"),
        pytest.param({"lineItems": []}, id="empty list"),
        pytest.param({"lineItems": None}, id="null"),
        pytest.param({"lineItems": [{}] * 501}, id="501 lines"),
    ],
)
async def test_a_cart_without_lines_or_with_too_many(market: Market, body: Json) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]))
    for reply in (
        await market.post(carts_of(market.customer("FR")), body),
        await market.put(path_of(cart), body),
    ):
        assert (reply.status_code, reply.json()["code"]) == (400, 800002)
    assert (await market.get(path_of(cart))).json() == cart


@pytest.mark.parametrize("raw", [b"{", b'{"lineItems": [', b"\xff\xfe", b"[1,2", b"{'lineItems': []}"])
async def test_a_body_that_is_no_json(market: Market, raw: bytes) -> None:
    cart = await fill(market, a_line("a:b:c"))
    for reply in (
        await market.post(carts_of(market.customer("FR")), raw=raw),
        await market.put(path_of(cart), raw=raw),
    ):
        assert (reply.status_code, reply.json()["code"]) == (400, 800002)


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"quantity": "three"}, "lineItems[0].quantity"),
        ({"quantity": 1.5}, "lineItems[0].quantity"),
        ({"quantity": 2**31}, "lineItems[0].quantity"),
        ({"catalogItemId": 7}, "lineItems[0].catalogItemId"),
        ({"provisioningContext": []}, "lineItems[0].provisioningContext"),
        ({"customTermEndDate": "soon"}, "lineItems[0].customTermEndDate"),
        ({"friendlyName": "nul\0"}, "lineItems[0].friendlyName"),
    ],
    ids=str,
)
async def test_a_member_of_the_wrong_type(market: Market, members: Json, member: str) -> None:
    cart = await fill(market, a_line("a:b:c"))
    raw = json.dumps({"lineItems": [{**a_line("a:b:c"), **members}]}).encode()
    for reply in (
        await market.post(carts_of(market.customer("FR")), raw=raw),
        await market.put(path_of(cart), raw=raw),
    ):
        assert (reply.status_code, reply.json()["code"]) == (400, 3000)
        assert reply.json()["data"] == [member]


async def test_an_attestation_that_the_account_requires(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]))
    await market.configure(require_partner_attestation=True)
    body = {"lineItems": [a_line(shelf["plain"])]}
    for reply in (
        await market.post(carts_of(market.customer("FR")), body),
        await market.put(path_of(cart), {**body, "partnerOnRecordAttestationAccepted": False}),
    ):
        assert (reply.status_code, reply.json()["code"]) == (400, 900206)
    accepted = await fill(market, a_line(shelf["plain"]), partnerOnRecordAttestationAccepted=True)
    (order,) = (await check_out(market, accepted))["orders"]
    assert order["partnerOnRecordAttestationAccepted"] is True


async def every_call(market: Market, customer_id: str, cart_id: str, **options: Any) -> list[tuple[int, int]]:
    """Status and code of all four calls, which are refused."""
    body = {"lineItems": [a_line("a:b:c")]}
    one = f"{carts_of(customer_id)}/{cart_id}"
    replies = [
        await market.post(carts_of(customer_id), body, **options),
        await market.get(one, **options),
        await market.put(one, body, **options),
        await market.post(f"{one}/checkout", **options),
    ]
    return [(reply.status_code, reply.json()["code"]) for reply in replies if reply.status_code >= 400]


async def test_customers_that_are_not_there(market: Market) -> None:
    cart = await fill(market, a_line("a:b:c"))
    assert await every_call(market, "nobody", cart["id"]) == [(400, 900118)] * 4
    assert await every_call(market, UNKNOWN, cart["id"]) == [(404, 60003)] * 4
    foreign = market.customer("FR", "production")
    assert await every_call(market, foreign, cart["id"]) == [(403, 20002)] * 4


@pytest.mark.parametrize("cart_id", [UNKNOWN, "1", "'; DROP TABLE carts; --", "%00", "..%2f"])
async def test_a_cart_that_is_not_there(market: Market, cart_id: str) -> None:
    assert await every_call(market, market.customer("FR"), cart_id) == [(404, 800008)] * 3


async def test_the_cart_of_another_customer_or_account_is_not_there(market: Market) -> None:
    cart = await fill(market, a_line("a:b:c"))
    assert await every_call(market, market.customer("US"), cart["id"]) == [(404, 800008)] * 3
    theirs = market.customer("FR", "production")
    assert await every_call(market, theirs, cart["id"], account="production") == [(404, 800008)] * 3


async def test_there_is_neither_a_list_of_carts_nor_a_deletion(market: Market) -> None:
    cart = await fill(market, a_line("a:b:c"))
    assert (await market.get(carts_of(market.customer("FR")))).status_code == 404
    assert (await market.delete(path_of(cart))).status_code == 404


# Expiry (section 3.4)


async def test_a_cart_is_gone_at_the_microsecond_of_its_expiry(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]))
    market.wait(days=7, microseconds=-1)
    market.tokens.clear()
    assert (await market.get(path_of(cart))).status_code == 200
    assert (await market.put(path_of(cart), cart)).status_code == 201
    market.wait(microseconds=1)
    assert await every_call(market, market.customer("FR"), cart["id"]) == [(404, 800008)] * 3


async def test_an_ordered_cart_is_gone_after_ninety_days(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]))
    market.wait(days=6)
    market.tokens.clear()
    result = await check_out(market, cart)
    market.wait(days=90, microseconds=-1)
    market.tokens.clear()
    assert (await market.get(path_of(cart))).json()["status"] == "Ordered"
    assert await check_out(market, cart) == result
    market.wait(microseconds=1)
    assert await every_call(market, market.customer("FR"), cart["id"]) == [(404, 800008)] * 3


async def test_how_long_a_cart_lives_is_a_setting(market: Market) -> None:
    await market.configure(cart_ttl_seconds=900)
    cart = await fill(market, a_line("a:b:c"))
    assert cart["expirationTimestamp"] == "2026-03-02T08:30:00Z"
    market.wait(seconds=900)
    assert (await market.get(path_of(cart))).json()["code"] == 800008


COUNT_CARTS = sql("SELECT COUNT(*) AS carts FROM carts WHERE account_id = :account_id")


async def carts_kept(market: Market) -> int:
    account_id = (await market.account()).id

    async def read(tx: Tx) -> int:
        row = await tx.one(COUNT_CARTS, account_id=account_id)
        assert row is not None
        return int(row["carts"])

    return await market.read(read)


async def test_carts_that_are_gone_do_not_stay_in_the_database(market: Market) -> None:
    shelf = await stock(market)
    abandoned = await fill(market, a_line(shelf["plain"]))
    ordered = await fill(market, a_line(shelf["plain"]))
    market.wait(days=1)
    market.tokens.clear()
    await check_out(market, ordered)
    market.wait(days=6, microseconds=-1)
    await market.work()
    assert await carts_kept(market) == 2
    market.wait(microseconds=1)
    await market.work()
    market.tokens.clear()
    assert (await market.get(path_of(abandoned))).status_code == 404
    assert (await market.get(path_of(ordered))).status_code == 200
    assert await carts_kept(market) == 1
    market.wait(days=84)
    await market.work()
    assert await carts_kept(market) == 0
