"""Resolve, read, list, plans, activate (``40-publisher-fulfillment-metering`` section 3)."""

import asyncio
import base64
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
import pytest
from tests.contract.check import check_reply
from tests.market import ADMIN, BASE_URL, Json, Market
from tests.publisher_desk import NOWHERE, OTHER, PUBLISHER, VERSION, Bought, Desk, desk, refusal

from comptoir.audit import service as audit
from comptoir.fulfillment import rules
from comptoir.fulfillment.model import Person
from comptoir.identity import tokens

__all__ = ["desk"]

pytestmark = pytest.mark.anyio

MEMBERS = [
    "id", "publisherId", "offerId", "name", "saasSubscriptionStatus", "beneficiary", "purchaser", "planId",
    "term", "autoRenew", "isTest", "isFreeTrial", "allowedCustomerOperations", "sandboxType", "created",
    "lastModified", "quantity", "sessionMode",
]  # fmt: skip
"""In the order of the wire."""


async def journal(market: Market, account: str = "production") -> list[str]:
    """What was done in an account."""
    account_id = (await market.account(account)).id
    recorded = await market.read(partial(audit.read, account_id=account_id, after_sequence=0, limit=1000))
    return [each.entry.action for each in recorded]


# Resolve


async def test_the_link_leads_to_the_landing_page_with_a_new_token_each_time(desk: Desk) -> None:
    bought = await desk.buy(friendlyName="Harbor for Velmora")
    first, second = await bought.link(), await bought.link()
    assert first.startswith("https://app.northbeam.example/start?from=comptoir&token=")
    assert first != second
    for link in (first, second, first):
        token = parse_qs(urlsplit(link).query)["token"][0]
        reply = await desk.resolve(token)
        assert reply.status_code == 200, reply.text
        check_reply("40.ResolvedSubscription", reply.json())
        assert list(reply.json()) == [
            "id", "subscriptionName", "offerId", "planId", "quantity", "subscription",
        ]  # fmt: skip
        assert reply.json()["subscription"] == await bought.seen()
        assert (reply.json()["id"], reply.json()["subscriptionName"]) == (bought.id, "Harbor for Velmora")
    assert (await journal(desk.market)).count("resolve_purchase") == 1
    assert await bought.states() == ("pending", "PendingFulfillmentStart")


async def test_a_token_tells_nobody_what_it_stands_for(desk: Desk) -> None:
    bought = await desk.buy()
    token = await bought.token()
    sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert not [known for known in (bought.id, PUBLISHER, desk.customer_id) if known.encode() in sealed]
    assert not set(token) & set("+/= ")


async def test_a_token_lives_for_a_day_of_the_wall_clock(desk: Desk) -> None:
    token = await (await desk.buy()).token()
    desk.market.wait(seconds=86_399)
    desk.market.tokens.clear()
    assert (await desk.resolve(token)).status_code == 200
    desk.market.wait(seconds=1)
    reply = await desk.resolve(token)
    assert (refusal(reply), reply.json()["target"]) == ((400, "InvalidValue"), "token")


async def test_the_life_of_a_token_is_a_setting(desk: Desk) -> None:
    await desk.configure(activation_token_ttl_seconds=60)
    token = await (await desk.buy()).token()
    desk.market.wait(seconds=60)
    assert refusal(await desk.resolve(token)) == (400, "InvalidValue")


async def test_what_is_no_token_is_refused(desk: Desk) -> None:
    for token in ("x", "=", "a" * 5_000, "%2B%2F", "AAAA" * 20):
        assert refusal(await desk.resolve(token)) == (400, "InvalidValue")


async def test_the_header_must_be_there(desk: Desk) -> None:
    reply = await desk.call("POST", "/resolve")
    assert refusal(reply) == (400, "HeaderNotPresent")
    assert reply.json()["target"] == "x-ms-marketplace-token"
    assert list(reply.json()) == ["code", "message", "target"]


async def test_a_changed_token_and_one_for_another_purpose_are_refused(desk: Desk) -> None:
    token = await (await desk.buy()).token()
    for position in (0, 20, len(token) - 2):
        changed = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
        assert refusal(await desk.resolve(changed)) == (400, "InvalidValue")
    foreign = tokens.sign_opaque(desk.market.services.secrets, "continuation", b"{}")
    assert refusal(await desk.resolve(foreign)) == (400, "InvalidValue")


async def test_another_publisher_gets_nothing_out_of_a_token(desk: Desk) -> None:
    token = await (await desk.buy()).token()
    reply = await desk.resolve(token, publisher=OTHER)
    assert (reply.status_code, type(reply.json())) == (403, str)
    assert "resolve_purchase" not in await journal(desk.market)


async def test_a_purchase_can_be_resolved_in_every_status(desk: Desk) -> None:
    await desk.configure(csp_allowed_operations="all")
    bought = await desk.buy()
    token = await bought.token()
    assert (await bought.call("POST", "/activate")).status_code == 200
    assert (await desk.resolve(token)).json()["subscription"]["saasSubscriptionStatus"] == "Subscribed"
    assert (await bought.call("DELETE")).status_code == 202
    assert (await desk.resolve(token)).json()["subscription"]["saasSubscriptionStatus"] == "Unsubscribed"


async def test_a_token_in_base64_survives_careless_decoding(desk: Desk) -> None:
    await desk.configure(purchase_token_alphabet="base64")
    bought = await desk.buy()
    seen = set()
    for _ in range(8):
        link = await bought.link()
        token = parse_qs(urlsplit(link).query)["token"][0]
        seen |= set(token)
        assert quote(token, safe="") in link
        decoded = token if token.strip("+") != token else token.replace("+", " ")  # HTTP trims a header
        for handled in (token, decoded, token.rstrip("=")):
            assert (await desk.resolve(handled)).status_code == 200
    assert seen & set("+/=")


async def test_the_dummy_token_of_a_sandbox_never_resolves(desk: Desk) -> None:
    desk.account = "sandbox"
    bought = await desk.buy()
    link = urlsplit(await bought.link())
    assert link.path == "/sandbox/activation-placeholder"
    for value in (*[each[0] for each in parse_qs(link.query).values()], bought.id, link.query):
        assert refusal(await desk.resolve(value)) == (400, "InvalidValue")


# The redirect


async def test_a_link_can_lead_to_us_first(desk: Desk) -> None:
    await desk.configure(activation_link="redirect")
    bought = await desk.buy()
    link = await bought.link()
    assert link.startswith(f"{BASE_URL}/marketplace/activate/")
    desk.market.wait(days=29)
    desk.market.tokens.clear()
    reply = await desk.market.client.get(link)
    assert (reply.status_code, reply.headers["cache-control"]) == (302, "no-store")
    target = urlsplit(reply.headers["location"])
    assert target.netloc == "app.northbeam.example"
    resolved = await desk.resolve(parse_qs(target.query)["token"][0])
    assert (resolved.status_code, resolved.json()["id"]) == (200, bought.id)
    assert (await desk.market.client.get(link)).headers["location"] != reply.headers["location"]


async def test_a_link_that_leads_nowhere(desk: Desk) -> None:
    await desk.configure(activation_link="redirect", allow_partner_activation=True)
    bought = await desk.buy()
    link = await bought.link()
    assert (await bought.patch({"status": "deleted"})).status_code == 200
    for dead in (link, f"{link[:-2]}xx", f"{BASE_URL}/marketplace/activate/x"):
        reply = await desk.market.client.get(dead)
        assert (reply.status_code, reply.json()["code"]) == (404, 1000)


# Read


async def test_a_purchase_before_and_after_its_activation(desk: Desk) -> None:
    bought = await desk.buy(quantity=25)
    pending = await bought.seen()
    check_reply("40.Subscription", pending)
    assert list(pending) == MEMBERS
    assert pending["term"] == {"termUnit": "P1M"}
    assert (pending["saasSubscriptionStatus"], pending["planId"]) == ("PendingFulfillmentStart", "team")
    assert (pending["publisherId"], pending["offerId"], pending["name"]) == (PUBLISHER, "harbor", "Team")
    assert (pending["quantity"], pending["autoRenew"], pending["isFreeTrial"]) == (25, True, False)
    assert (pending["isTest"], pending["sandboxType"], pending["sessionMode"]) == (False, "None", "None")
    assert pending["allowedCustomerOperations"] == ["Read"]
    assert pending["lastModified"] == pending["created"] == "2026-03-02T08:15:00Z"
    desk.market.wait(days=3, hours=1)
    desk.market.tokens.clear()
    reply = await bought.call("POST", "/activate", {"planId": "team"})
    assert (reply.status_code, reply.content) == (200, b"")
    active = await bought.seen()
    assert active == {
        **pending,
        "saasSubscriptionStatus": "Subscribed",
        "lastModified": "2026-03-05T09:15:00Z",
        "term": {
            "startDate": "2026-03-05T00:00:00Z",
            "endDate": "2026-04-04T00:00:00Z",
            "termUnit": "P1M",
        },
    }
    owned = await bought.owned()
    assert (owned["status"], owned["creationDate"]) == ("active", "2026-03-02T08:15:00Z")
    assert owned["effectiveStartDate"] == "2026-03-05T09:15:00Z"
    assert owned["commitmentEndDate"][:10] == active["term"]["endDate"][:10]


async def test_a_flat_rate_has_no_quantity(desk: Desk) -> None:
    bought = await desk.buy("pro", 1)
    seen = await bought.seen()
    assert list(seen) == [member for member in MEMBERS if member != "quantity"]
    resolved = (await desk.resolve(await bought.token())).json()
    assert "quantity" not in resolved
    check_reply("40.ResolvedSubscription", resolved)


async def test_a_term_that_is_paid_in_parts_says_so(desk: Desk) -> None:
    monthly = await desk.buy("team", termDuration="P1Y")
    yearly = await desk.buy("pro", 1, termDuration="P1Y", billingCycle="annual")
    assert (await monthly.seen())["term"] == {"termUnit": "P1Y", "chargeDuration": "P1M"}
    assert (await yearly.seen())["term"] == {"termUnit": "P1Y"}


async def test_a_free_trial_is_the_same_plan(desk: Desk) -> None:
    bought = await desk.activated("team trial")
    seen = await bought.seen()
    assert (seen["planId"], seen["isFreeTrial"], seen["term"]["termUnit"]) == ("team", True, "P1M")


async def test_the_people_of_a_purchase(desk: Desk) -> None:
    """Of an application by itself, the partner's own address stands for the purchaser."""
    by_application = await (await desk.buy()).seen()
    partner = await desk.market.account("production")
    user, purchaser = by_application["beneficiary"], by_application["purchaser"]
    assert user["tenantId"] == desk.customer_id
    assert "@" in user["emailId"]
    assert (purchaser["tenantId"], "@" in purchaser["emailId"]) == (partner.id, True)
    for person in (user, purchaser):
        known = Person(person["emailId"], person["objectId"], person["tenantId"])
        assert person["puid"] == rules.puid(known)
        assert len(person["puid"]) == 16
        assert person["puid"] == person["puid"].upper()
    line = {"catalogItemId": await desk.item("team"), "quantity": 6, "billingCycle": "monthly", "id": 0}
    carts = f"/v1/customers/{desk.customer_id}/carts"
    options: Any = {"account": "production", "user": ADMIN}
    cart = (await desk.market.post(carts, {"lineItems": [line]}, **options)).json()
    order = (await desk.market.post(f"{carts}/{cart['id']}/checkout", **options)).json()["orders"][0]
    by_user = await Bought(desk, order["id"], order["lineItems"][0]["subscriptionId"]).seen()
    assert by_user["purchaser"]["emailId"] == ADMIN
    assert by_user["beneficiary"] == user


async def test_every_change_moves_the_last_modification(desk: Desk) -> None:
    bought = await desk.activated()
    desk.market.wait(hours=1)
    desk.market.tokens.clear()
    assert (await bought.patch({"autoRenewEnabled": False})).status_code == 200
    seen = await bought.seen()
    assert (seen["autoRenew"], seen["lastModified"]) == (False, "2026-03-02T09:15:00Z")


CALLS: list[tuple[str, str, Json]] = [
    ("GET", "", None),
    ("GET", "/listAvailablePlans", None),
    ("POST", "/activate", {}),
    ("PATCH", "", {"quantity": 3}),
    ("DELETE", "", None),
    ("GET", "/operations", None),
    ("GET", f"/operations/{NOWHERE}", None),
    ("PATCH", f"/operations/{NOWHERE}", {"status": "Success"}),
]
"""Everything that can be asked about one purchase."""


async def test_an_unknown_purchase(desk: Desk) -> None:
    for method, end, body in CALLS:
        for path in (f"/{NOWHERE}", "/nothing", "/a%00b", f"/{'9' * 200}"):
            assert refusal(await desk.call(method, f"{path}{end}", body)) == (404, "EntityNotFound")


async def test_another_publisher_s_purchase(desk: Desk) -> None:
    await desk.configure(csp_allowed_operations="all")
    bought = await desk.activated()
    for method, end, body in CALLS:
        reply = await bought.call(method, end, body, publisher=OTHER)
        assert (reply.status_code, type(reply.json())) == (403, str)


async def test_ids_match_in_any_case(desk: Desk) -> None:
    bought = await desk.buy()
    assert (await desk.read(f"/{bought.id.upper()}"))["id"] == bought.id


# List


async def test_the_list_in_pages(desk: Desk) -> None:
    ids = []
    for _ in range(5):
        ids.append((await desk.buy()).id)
        desk.market.wait(seconds=1)
    ids += sorted([(await desk.buy()).id, (await desk.buy()).id])
    with_size(desk, 2)
    seen, path = [], "/"
    for _ in range(4):
        reply = await desk.call("GET", path)
        check_reply("40.SubscriptionsResponse", reply.json())
        seen += [each["id"] for each in reply.json()["subscriptions"]]
        link = reply.json().get("@nextLink")
        if link is None:
            break
        assert link.startswith(f"{BASE_URL}/api/saas/subscriptions/?continuationToken=")
        assert parse_qs(urlsplit(link).query)["api-version"] == [VERSION[12:]]
        as_it_is = await desk.market.get(link.removeprefix(BASE_URL), account=f"publisher:{PUBLISHER}")
        token = parse_qs(urlsplit(link).query)["continuationToken"][0]
        path = f"/?continuationToken={quote(token, safe='')}"
        assert (await desk.call("GET", path)).json() == as_it_is.json()
    assert (seen, link) == (ids, None)


def with_size(desk: Desk, size: int) -> None:
    """Serve pages of this size."""
    market = desk.market
    settings = replace(market.services.settings, publisher_page_size=size)
    market.services = replace(market.services, settings=settings)
    market.employ(market.worker)


async def test_each_publisher_sees_its_own(desk: Desk) -> None:
    assert (await desk.read("/")) == {"subscriptions": []}
    bought = await desk.buy()
    assert [each["id"] for each in (await desk.read("/"))["subscriptions"]] == [bought.id]
    assert await desk.read("/", publisher=OTHER) == {"subscriptions": []}
    with_size(desk, 1)
    await desk.buy()
    link = (await desk.read("/"))["@nextLink"]
    query = urlsplit(link).query
    foreign = await desk.call("GET", f"/?{query}", publisher=OTHER)
    assert (refusal(foreign), foreign.json()["target"]) == ((400, "InvalidValue"), "continuationToken")


async def test_a_token_of_no_page(desk: Desk) -> None:
    for token in ("x", "AAAA", "%00"):
        assert refusal(await desk.call("GET", f"/?continuationToken={token}")) == (400, "InvalidValue")


async def test_what_has_ended_stays_in_the_list(desk: Desk) -> None:
    bought = await desk.buy()
    assert (await bought.patch({"status": "deleted"})).status_code == 200
    desk.market.wait(days=400)
    desk.market.tokens.clear()
    (listed,) = (await desk.read("/"))["subscriptions"]
    assert (listed["id"], listed["saasSubscriptionStatus"]) == (bought.id, "Unsubscribed")
    assert (listed["term"], listed["quantity"]) == ({"termUnit": "P1M"}, 6)


# A sandbox


async def test_publishers_do_not_see_a_sandbox(desk: Desk) -> None:
    desk.account = "sandbox"
    bought = await desk.buy()
    assert await desk.read("/") == {"subscriptions": []}
    assert refusal(await bought.call("GET")) == (404, "EntityNotFound")
    assert refusal(await bought.call("POST", "/activate", {})) == (404, "EntityNotFound")


async def test_a_sandbox_can_take_part_in_the_loop(desk: Desk) -> None:
    desk.account = "sandbox"
    await desk.configure(sandbox_publisher_delivery=True)
    bought = await desk.buy()
    token = await bought.token()
    resolved = (await desk.resolve(token)).json()["subscription"]
    assert (resolved["sandboxType"], resolved["isTest"], resolved["sessionMode"]) == ("Csp", True, "DryRun")
    assert (await bought.call("POST", "/activate", {})).status_code == 200
    assert await bought.states() == ("active", "Subscribed")
    await desk.configure(sandbox_publisher_delivery=False)
    assert refusal(await desk.resolve(token)) == (404, "EntityNotFound")


async def test_pages_pass_over_what_is_not_shown(desk: Desk) -> None:
    for account in ("sandbox", "sandbox", "production", "sandbox", "production", "sandbox"):
        desk.account = account
        await desk.buy()
        desk.market.wait(seconds=1)
    with_size(desk, 1)
    first = await desk.read("/")
    second = await desk.read(f"/?{urlsplit(first['@nextLink']).query.partition('&')[0]}")
    assert [len(page["subscriptions"]) for page in (first, second)] == [1, 1]
    assert first["subscriptions"][0]["id"] != second["subscriptions"][0]["id"]


# Plans


async def test_the_plans_of_a_purchase(desk: Desk) -> None:
    bought = await desk.buy()
    found = await desk.read(f"/{bought.id}/listAvailablePlans")
    check_reply("40.SubscriptionPlans", found)
    assert {plan["planId"] for plan in found["plans"]} == {"team", "large", "huge", "yearly", "ours"}
    team = next(plan for plan in found["plans"] if plan["planId"] == "team")
    assert team == {
        "planId": "team",
        "displayName": "Team",
        "isPrivate": False,
        "description": "For a team.",
        "minQuantity": 2,
        "maxQuantity": 50,
        "hasFreeTrials": True,
        "isPricePerSeat": True,
        "isStopSell": False,
        "market": "US",
        "planComponents": {
            "recurrentBillingTerms": [
                {
                    "currency": "USD",
                    "price": 10,
                    "termUnit": "P1M",
                    "termDescription": "One month, billed monthly",
                },
                {
                    "currency": "USD",
                    "price": 8,
                    "termUnit": "P1Y",
                    "termDescription": "One year, billed monthly",
                },
            ],
            "meteringDimensions": [],
        },
    }
    assert list(team)[:3] == ["planId", "displayName", "isPrivate"]
    assert next(plan for plan in found["plans"] if plan["planId"] == "ours")["isPrivate"] is True
    filtered = await desk.read(f"/{bought.id}/listAvailablePlans?planId=TEAM")
    assert [plan["planId"] for plan in filtered["plans"]] == ["team"]
    assert await desk.read(f"/{bought.id}/listAvailablePlans?planId=nothing") == {"plans": []}


async def test_the_plans_of_a_metered_offer(desk: Desk) -> None:
    bought = await desk.buy("pro", 1)
    found = {plan["planId"]: plan for plan in (await desk.read(f"/{bought.id}/listAvailablePlans"))["plans"]}
    assert found.keys() == {"pro", "basic"}
    assert "minQuantity" not in found["pro"]
    assert "maxQuantity" not in found["pro"]
    terms = found["pro"]["planComponents"]["recurrentBillingTerms"]
    assert terms[0]["meteredQuantityIncluded"] == [
        {"dimensionId": "calls", "units": "Infinite"},
        {"dimensionId": "scans", "units": "20"},
    ]
    dimensions = found["pro"]["planComponents"]["meteringDimensions"]
    assert sorted(dimensions, key=lambda dimension: dimension["id"]) == [
        {
            "id": "calls",
            "currency": "USD",
            "pricePerUnit": 0.01,
            "unitOfMeasure": "per call",
            "displayName": "Calls",
        },
        {
            "id": "scans",
            "currency": "USD",
            "pricePerUnit": 0.6,
            "unitOfMeasure": "per 100 scans",
            "displayName": "Document scans",
        },
    ]
    assert found["basic"]["planComponents"]["meteringDimensions"] == []
    assert "meteredQuantityIncluded" not in found["basic"]["planComponents"]["recurrentBillingTerms"][0]


# Activate


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"null", b'{"planId": "team", "quantity": 6}', b'{"quantity": "6"}']
)
async def test_an_activation_may_repeat_what_was_bought(desk: Desk, raw: bytes) -> None:
    bought = await desk.buy()
    reply = await bought.call("POST", "/activate", raw=raw)
    assert (reply.status_code, reply.content) == (200, b"")
    assert await bought.states() == ("active", "Subscribed")
    assert "activate_subscription" in await journal(desk.market)


async def test_an_activation_of_something_else(desk: Desk) -> None:
    bought = await desk.buy()
    for body in ({"planId": "large"}, {"quantity": 7}, {"quantity": "six"}):
        reply = await bought.call("POST", "/activate", body)
        assert (refusal(reply), reply.json()["target"]) == ((400, "BadArgument"), next(iter(body)))


@pytest.mark.parametrize("quantity", ["", None, 1, "1"])
async def test_a_flat_rate_is_activated_with_no_quantity_or_one(desk: Desk, quantity: object) -> None:
    bought = await desk.buy("pro", 1)
    for wrong in (0, 2, 1.5, "one"):
        reply = await bought.call("POST", "/activate", {"planId": "pro", "quantity": wrong})
        assert (refusal(reply), reply.json()["target"]) == ((400, "BadArgument"), "quantity")
    body = {"planId": "pro", "quantity": quantity}
    assert (await bought.call("POST", "/activate", body)).status_code == 200


async def test_an_activation_happens_once(desk: Desk) -> None:
    bought = await desk.activated()
    assert refusal(await bought.call("POST", "/activate", {})) == (400, "BadRequest")
    await desk.configure(allow_partner_suspend=True)
    assert (await bought.patch({"status": "suspended"})).status_code == 200
    assert refusal(await bought.call("POST", "/activate", {})) == (400, "BadRequest")
    assert (await bought.patch({"status": "deleted"})).status_code == 200
    assert refusal(await bought.call("POST", "/activate", {})) == (404, "EntityNotFound")


async def test_concurrent_activations_have_one_effect(desk: Desk) -> None:
    bought = await desk.buy()
    replies: list[httpx2.Response] = await asyncio.gather(
        *(bought.call("POST", "/activate", {}, alone=False) for _ in range(6))
    )
    assert sorted(reply.status_code for reply in replies) == [200, 400, 400, 400, 400, 400]
    assert (await journal(desk.market)).count("activate_subscription") == 1


async def test_concurrent_resolves_have_one_effect(desk: Desk) -> None:
    token = await (await desk.buy()).token()
    replies = await asyncio.gather(*(desk.resolve(token, alone=False) for _ in range(6)))
    assert {reply.status_code for reply in replies} == {200}
    assert (await journal(desk.market)).count("resolve_purchase") == 1


async def test_an_activation_can_take_its_time(desk: Desk) -> None:
    await desk.configure(activation_delay_seconds=120)
    bought, cancelled = await desk.buy(), await desk.buy()
    for each in (bought, cancelled):
        assert (await each.call("POST", "/activate", {})).status_code == 200
    assert await bought.states() == ("pending", "PendingFulfillmentStart")
    assert (await cancelled.patch({"status": "deleted"})).status_code == 200
    desk.market.wait(seconds=60)
    assert (await bought.call("POST", "/activate", {})).status_code == 200, "which puts nothing off"
    desk.market.wait(seconds=60)
    await desk.market.work()
    assert await bought.states() == ("active", "Subscribed")
    assert await cancelled.states() == ("deleted", "Unsubscribed")


async def test_an_order_that_is_not_fulfilled_yet_activates_nothing(desk: Desk) -> None:
    await desk.configure(order_fulfilment_delay_seconds=60)
    bought = await desk.buy()
    assert refusal(await bought.call("POST", "/activate", {})) == (400, "BadRequest")
    desk.market.wait(seconds=60)
    assert (await bought.call("POST", "/activate", {})).status_code == 200


async def test_an_activation_that_comes_too_late(desk: Desk) -> None:
    """The limit has passed, though nobody has looked at it yet."""
    bought = await desk.buy()
    desk.market.time[0] += timedelta(days=30)
    desk.market.tokens.clear()
    assert refusal(await bought.call("POST", "/activate", {}, may_keep=True)) == (404, "EntityNotFound")
    assert await bought.states() == ("deleted", "Unsubscribed")
