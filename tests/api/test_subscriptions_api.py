"""Reading and activating subscriptions over HTTP, on both engines (``20`` sections 3.1, 3.6, 3.7 and 3.9)."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from tests.contract.check import check_reply
from tests.market import ADMIN, BASE_URL, START, Market
from tests.order_factory import put_order
from tests.subscription_factory import draft

from comptoir.audit import service as audit
from comptoir.catalog import service as catalog
from comptoir.catalog.model import Fulfillment, Offer
from comptoir.core.instants import to_micros
from comptoir.customers import service as customers
from comptoir.db import Tx, sql
from comptoir.subscriptions import service
from comptoir.subscriptions.model import StatusReason, Subscription

pytestmark = pytest.mark.anyio

UNKNOWN = "00000000-0000-4000-8000-000000000099"
JAVA = {"MS-PartnerCenter-Client": "Partner Center Java SDK"}
DOTNET = {"MS-PartnerCenter-Client": "Partner Center .NET SDK"}
POWERSHELL = {"MS-PartnerCenter-Client": "Partner Center PowerShell"}
OPEN_DOTNET = {"MS-PartnerCenter-Client": "Partner Center Open .NET SDK"}

WAYS_TO_ACTIVATE = [("POST", {}), ("GET", POWERSHELL)]

LIST_ITEMS = sql("""
    SELECT product_id, sku_id, id FROM availabilities
    WHERE country = :country AND segment = 'commercial' AND is_current = 1
    ORDER BY product_id{c}, sku_id{c}, id{c}
""")


async def pick(market: Market, country: str, is_wanted: Callable[[Offer], bool] = lambda _: True) -> Offer:
    """The first thing that anybody in a country can buy alone."""

    async def work(tx: Tx) -> Offer:
        rows = await tx.all(LIST_ITEMS, country=country)
        ids = [f"{row['product_id']}:{row['sku_id']}:{row['id']}" for row in rows]
        found = await catalog.offers(tx, ids)
        return next(offer for offer in found.values() if _is_plain(offer) and is_wanted(offer))

    return await market.read(work)


def _is_plain(offer: Offer) -> bool:
    return not (
        offer.is_stop_sold
        or offer.exclusive_to is not None
        or offer.is_add_on
        or offer.is_trial
        or offer.requires_attestation
        or offer.ownership_limit is not None
        or offer.minimum_quantity > 1
        or offer.fulfillment is Fulfillment.AUTO
    )


async def buy(market: Market, offer: Offer, account: str = "sandbox", quantity: int = 1) -> dict[str, Any]:
    """Order one line and return the order."""
    term = offer.terms[0]
    line = {
        "lineItemNumber": 0,
        "offerId": offer.catalog_item_id,
        "quantity": quantity,
        "termDuration": str(term.duration),
    }
    body = {"billingCycle": term.billing_cycle.value, "lineItems": [line]}
    customer_id = market.customer(offer.country, account)
    response = await market.post(f"/v1/customers/{customer_id}/orders", body, account=account)
    assert response.status_code == 201, response.text
    order: dict[str, Any] = response.json()
    return order


async def bought(market: Market, account: str = "sandbox") -> tuple[str, dict[str, Any]]:
    """A fulfilled purchase in France: the path of its subscription, and the order."""
    order = await buy(market, await pick(market, "FR"), account)
    await market.work()
    return path_of(market, order["lineItems"][0]["subscriptionId"], account), order


async def made(market: Market, account: str = "sandbox", **changes: Any) -> Subscription:
    """A subscription of an item that the catalogue does not have, and the order behind it."""
    ctx = await market.context(account)
    customer_id = market.customer("FR", account)

    async def work(tx: Tx) -> Subscription:
        customer = await customers.require(tx, ctx, customer_id)
        wanted = draft(order_id=ctx.ids.order_id(), **changes)
        created = await service.create(tx, ctx, customer, wanted)
        await put_order(tx, ctx, created)
        return created

    return await market.write(work)


async def ended(market: Market, subscription: Subscription) -> None:
    ctx = await market.context()
    await market.write(
        partial(service.cancel, ctx=ctx, subscription=subscription, reason=StatusReason.ORDER_CANCELLED)
    )


def path_of(market: Market, subscription_id: str, account: str = "sandbox") -> str:
    return f"/v1/customers/{market.customer('FR', account)}/subscriptions/{subscription_id}"


def assert_refused(response: httpx2.Response, status: int, code: int) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    check_reply("Fault", response.json())


# The story


async def test_a_purchase_is_activated_by_the_call_and_not_by_the_dummy_link(market: Market) -> None:
    path, order = await bought(market)
    pending = (await market.get(path)).json()
    check_reply("Subscription", pending)
    assert (pending["status"], pending["orderId"]) == ("pending", order["id"])

    links = await market.get("/v1" + pending["links"]["activationLinks"]["uri"])
    check_reply("Collection<ActivationLinkItem>", links.json())
    (item,) = links.json()["items"]
    assert item["lineItemNumber"] == 0
    assert item["link"]["uri"] == (
        f"{BASE_URL}/sandbox/activation-placeholder?order={order['alternateId']}&line=0"
    )
    page = await market.client.get(item["link"]["uri"])
    assert (page.status_code, order["alternateId"] in page.text) == (200, True)
    assert (await market.get(path)).json() == pending

    market.wait(hours=1)
    done = await market.post(f"{path}/activate")
    assert done.status_code == 200
    assert done.json() == {"subscriptionId": pending["id"], "status": "Success"}
    check_reply("SubscriptionActivationResult", done.json())

    active = (await market.get(path)).json()
    check_reply("Subscription", active)
    assert active["status"] == "active"
    assert active["effectiveStartDate"] == (START + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    assert active["attributes"]["etag"] != pending["attributes"]["etag"]
    assert "activationLinks" not in active["links"]

    assert_refused(await market.post(f"{path}/activate"), 400, 800041)
    assert (await market.get(path)).json() == active


async def test_the_answer_carries_the_etag_as_a_header(market: Market) -> None:
    subscription = await made(market)
    response = await market.get(path_of(market, subscription.id))
    assert response.headers["ETag"] == f'"{response.json()["attributes"]["etag"]}"'


# Activation


@pytest.mark.parametrize("raw", [b"", b"null", b' "success" ', b'{"SubscriptionId":null}'])
async def test_the_body_of_an_activation_does_not_matter(market: Market, raw: bytes) -> None:
    subscription = await made(market)
    response = await market.post(f"{path_of(market, subscription.id)}/activate", raw=raw)
    assert response.json() == {"subscriptionId": subscription.id, "status": "Success"}


async def test_the_same_request_activates_once_and_is_answered_twice(market: Market) -> None:
    path = path_of(market, (await made(market)).id)
    headers = {"MS-RequestId": "4c5b9f4e-52a3-4b2c-8f0e-1a2b3c4d5e6f"}
    first = await market.post(f"{path}/activate", headers=headers)
    again = await market.post(f"{path}/activate", headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["MS-Replayed"] == "true"


@pytest.mark.parametrize(("method", "headers"), WAYS_TO_ACTIVATE)
async def test_a_production_account_cannot_activate_by_itself(
    market: Market, method: str, headers: dict[str, str]
) -> None:
    subscription = await made(market, "production")
    path = path_of(market, subscription.id, "production")
    before = (await market.get(path, account="production")).content
    response = await market.call(method, f"{path}/activate", account="production", headers=headers)
    assert_refused(response, 400, 900127)
    assert (await market.get(path, account="production")).content == before


@pytest.mark.parametrize(("method", "headers"), WAYS_TO_ACTIVATE)
async def test_an_ended_subscription_is_not_activated(
    market: Market, method: str, headers: dict[str, str]
) -> None:
    subscription = await made(market)
    await ended(market, subscription)
    path = path_of(market, subscription.id)
    before = (await market.get(path)).content
    assert_refused(await market.call(method, f"{path}/activate", headers=headers), 400, 2011)
    assert (await market.get(path)).content == before


@pytest.mark.parametrize(("method", "headers"), WAYS_TO_ACTIVATE)
async def test_an_active_subscription_is_not_activated_again(
    market: Market, method: str, headers: dict[str, str]
) -> None:
    path = path_of(market, (await made(market)).id)
    await market.call(method, f"{path}/activate", headers=headers)
    before = (await market.get(path)).content
    assert_refused(await market.call(method, f"{path}/activate", headers=headers), 400, 800041)
    assert (await market.get(path)).content == before


@pytest.mark.parametrize(("method", "headers"), WAYS_TO_ACTIVATE)
async def test_an_add_on_is_not_activated_before_its_base(
    market: Market, method: str, headers: dict[str, str]
) -> None:
    base = await made(market)
    add_on = await made(market, parent_subscription_id=base.id)
    path = path_of(market, add_on.id)
    before = (await market.get(path)).content
    assert_refused(await market.call(method, f"{path}/activate", headers=headers), 400, 800021)
    assert (await market.get(path)).content == before


@pytest.mark.parametrize(("method", "headers"), WAYS_TO_ACTIVATE)
async def test_a_subscription_is_activated_once_its_order_is_due(
    market: Market, method: str, headers: dict[str, str]
) -> None:
    await market.configure(order_fulfilment_delay_seconds=2)
    order = await buy(market, await pick(market, "FR"))
    path = path_of(market, order["lineItems"][0]["subscriptionId"])
    market.wait(seconds=2, microseconds=-1)
    assert_refused(await market.call(method, f"{path}/activate", headers=headers), 400, 800082)
    market.wait(microseconds=1)
    assert (await market.call(method, f"{path}/activate", headers=headers)).status_code == 200
    orders = path.partition("/subscriptions")[0] + "/orders"
    assert (await market.get(f"{orders}/{order['id']}")).json()["status"] == "completed"
    await market.work()
    account = await market.account()
    recorded = await market.read(lambda tx: audit.read(tx, account.id, 0, 100))
    actions = [each.entry.action for each in recorded if each.entry.subject_kind in {"order", "subscription"}]
    assert actions[-3:] == ["create_order", "fulfil_order", "activate_subscription"]


async def test_a_refused_activation_does_not_complete_the_order(market: Market) -> None:
    order = await buy(market, await pick(market, "FR"))
    path = path_of(market, order["lineItems"][0]["subscriptionId"])
    await market.configure(allow_partner_activation=False)
    assert_refused(await market.post(f"{path}/activate"), 400, 900127)
    orders = path.partition("/subscriptions")[0] + "/orders"
    assert (await market.get(f"{orders}/{order['id']}")).json()["status"] == "pending"


@pytest.mark.parametrize("headers", [POWERSHELL, OPEN_DOTNET])
async def test_the_powershell_module_activates_by_get(market: Market, headers: dict[str, str]) -> None:
    subscription = await made(market)
    response = await market.get(f"{path_of(market, subscription.id)}/activate", headers=headers)
    assert response.json() == {"subscriptionId": subscription.id, "status": "Success"}


@pytest.mark.parametrize("headers", [{}, JAVA, DOTNET])
async def test_nobody_else_activates_by_get(market: Market, headers: dict[str, str]) -> None:
    path = path_of(market, (await made(market)).id)
    assert_refused(await market.get(f"{path}/activate", headers=headers), 404, 1000)
    assert (await market.get(path)).json()["status"] == "pending"


# Activation links


async def test_there_is_no_link_before_the_order_is_fulfilled(market: Market) -> None:
    order = await buy(market, await pick(market, "FR"))
    path = path_of(market, order["lineItems"][0]["subscriptionId"])
    assert_refused(await market.get(f"{path}/activationlinks"), 409, 800060)


async def test_an_active_subscription_keeps_its_link(market: Market) -> None:
    path, _ = await bought(market)
    await market.post(f"{path}/activate")
    assert len((await market.get(f"{path}/activationlinks")).json()["items"]) == 1


async def test_a_cancelled_order_leaves_no_link(market: Market) -> None:
    path, order = await bought(market)
    orders = path.partition("/subscriptions")[0] + "/orders"
    cancelled = await market.patch(f"{orders}/{order['id']}", {"status": "cancelled"})
    assert cancelled.status_code == 200, cancelled.text
    links = (await market.get(f"{path}/activationlinks")).json()
    check_reply("Collection<ActivationLinkItem>", links)
    assert links["items"] == []
    assert (await market.get(path)).json()["status"] == "deleted"


async def test_a_publishers_link_carries_a_new_signed_token_each_time(market: Market) -> None:
    offer = await pick(market, "FR")
    path, _ = await bought(market, "production")

    async def token() -> str:
        links = await market.get(f"{path}/activationlinks", account="production")
        check_reply("Collection<ActivationLinkItem>", links.json())
        uri: str = links.json()["items"][0]["link"]["uri"]
        assert uri.startswith(offer.landing_page_url + ("&" if "?" in offer.landing_page_url else "?"))
        (found,) = parse_qs(urlsplit(uri).query)["token"]
        return found

    first, second = await token(), await token()
    assert first != second
    ctx = await market.context("production")
    opened = json.loads(ctx.unsign(service.PURCHASE, first) or b"null")
    assert opened["account"] == ctx.account.id
    assert path.endswith(f"/{opened['customer']}/subscriptions/{opened['subscription']}")
    assert opened["publisher"] == offer.publisher_id
    assert opened["expires"] == to_micros(market.now + timedelta(hours=24))
    assert ctx.unsign("continuation", first) is None
    assert ctx.unsign(service.PURCHASE, ("A" if first[0] != "A" else "B") + first[1:]) is None


async def test_the_token_lives_by_the_wall_clock_and_by_its_setting(market: Market) -> None:
    await market.configure("production", activation_token_ttl_seconds=60)
    path, _ = await bought(market, "production")
    links = (await market.get(f"{path}/activationlinks", account="production")).json()
    (token,) = parse_qs(urlsplit(links["items"][0]["link"]["uri"]).query)["token"]
    ctx = await market.context("production")
    opened = json.loads(ctx.unsign(service.PURCHASE, token) or b"null")
    assert opened["expires"] == to_micros(market.now + timedelta(seconds=60))


# Lists


async def test_the_list_is_oldest_first_and_filtered(market: Market) -> None:
    path, order = await bought(market)
    market.wait(seconds=1)
    other = await made(market, partner_mpn_id="4847383")
    subscriptions = path.rpartition("/")[0]

    async def ids(query: str = "") -> list[str]:
        response = await market.get(subscriptions + query)
        check_reply("Collection<Subscription>", response.json())
        return [item["id"] for item in response.json()["items"]]

    first = path.rpartition("/")[2]
    assert await ids() == [first, other.id]
    assert await ids(f"?order_id={order['id']}") == [first]
    assert await ids(f"?ORDER_ID={order['id']}") == [first]
    assert await ids("?order_id=unknown") == []
    assert await ids("?order_id=a%00b") == []
    assert await ids("?mpn_id=4847383") == [other.id]
    assert await ids("?size=1") == [first]
    assert await ids("?size=0&offset=1") == [other.id]


@pytest.mark.parametrize("query", ["size=-1", "size=x", "offset=1.5", "offset=99999999999", "size=%D9%A3"])
async def test_a_count_that_is_none_is_refused(market: Market, query: str) -> None:
    customer_id = market.customer("FR")
    assert_refused(await market.get(f"/v1/customers/{customer_id}/subscriptions?{query}"), 400, 3000)


async def test_a_strict_client_never_reads_pending(market: Market) -> None:
    await made(market)
    market.wait(seconds=1)
    cancelled = await made(market)
    await ended(market, cancelled)
    subscriptions = f"/v1/customers/{market.customer('FR')}/subscriptions"
    full = (await market.get(subscriptions)).json()["items"]
    assert [item["status"] for item in full] == ["pending", "deleted"]
    for headers in (JAVA, POWERSHELL, OPEN_DOTNET):
        strict = (await market.get(subscriptions, headers=headers)).json()
        check_reply("Collection<Subscription>", strict)
        assert [item["status"] for item in strict["items"]] == ["none", "deleted"]


async def test_an_ended_subscription_leaves_the_list_and_stays_readable(market: Market) -> None:
    subscription = await made(market)
    await ended(market, subscription)
    subscriptions = f"/v1/customers/{market.customer('FR')}/subscriptions"
    assert len((await market.get(subscriptions)).json()["items"]) == 1
    market.wait(days=90)
    market.tokens.clear()
    assert (await market.get(subscriptions)).json()["items"] == []
    assert (await market.get(path_of(market, subscription.id))).json()["status"] == "deleted"


async def test_add_ons_are_listed_under_their_base(market: Market) -> None:
    base = await made(market)
    add_on = await made(market, parent_subscription_id=base.id)
    found = (await market.get(f"{path_of(market, base.id)}/addons")).json()
    check_reply("Collection<Subscription>", found)
    assert [item["id"] for item in found["items"]] == [add_on.id]
    assert (await market.get(f"{path_of(market, add_on.id)}/addons")).json()["items"] == []


# Provisioning, registration, and what other kinds of products have


async def test_provisioning_status_of_each_stage(market: Market) -> None:
    path, _ = await bought(market)

    async def provisioning() -> dict[str, Any]:
        response = await market.get(f"{path}/provisioningstatus", user=ADMIN)
        check_reply("SubscriptionProvisioningStatus", response.json())
        found: dict[str, Any] = response.json()
        return found

    waiting = await provisioning()
    subscription = (await market.get(path)).json()
    assert (waiting["status"], waiting["quantity"]) == ("pending", subscription["quantity"])
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", waiting["skuId"]
    )
    await market.post(f"{path}/activate")
    ready = await provisioning()
    assert (ready["status"], ready["skuId"]) == ("success", waiting["skuId"])
    assert ready["endDate"] == (await market.get(path)).json()["commitmentEndDate"]


async def test_nothing_is_provisioned_for_an_ended_subscription(market: Market) -> None:
    subscription = await made(market)
    await ended(market, subscription)
    path = path_of(market, subscription.id)
    assert_refused(await market.get(f"{path}/provisioningstatus", user=ADMIN), 404, 800007)


async def test_provisioning_status_is_for_users_only(market: Market) -> None:
    path = path_of(market, (await made(market)).id)
    assert_refused(await market.get(f"{path}/provisioningstatus"), 403, 2032)


async def test_software_is_never_registered(market: Market) -> None:
    subscription = await made(market)
    found = (await market.get(f"{path_of(market, subscription.id)}/registrationstatus")).json()
    check_reply("SubscriptionRegistrationStatus", found)
    assert (found["subscriptionId"], found["status"]) == (subscription.id, "NotRegistered")


@pytest.mark.parametrize("name", ["upgrades", "transitions", "transitioneligibilities"])
async def test_there_is_nothing_to_move_to(market: Market, name: str) -> None:
    subscription = await made(market)
    found = (await market.get(f"{path_of(market, subscription.id)}/{name}")).json()
    assert found == {
        "totalCount": 0,
        "items": [],
        "links": {
            "self": {
                "uri": f"{path_of(market, subscription.id).removeprefix('/v1')}/{name}",
                "method": "GET",
                "headers": [],
            }
        },
        "attributes": {"objectType": "Collection"},
    }


@pytest.mark.parametrize("name", ["registrations", "upgrades", "transitions"])
async def test_what_software_does_not_have_is_refused(market: Market, name: str) -> None:
    path = path_of(market, (await made(market)).id)
    before = (await market.get(path)).content
    assert_refused(await market.post(f"{path}/{name}", raw=b"null"), 400, 800042)
    assert (await market.get(path)).content == before


# Whose it is

CALLS = [
    ("GET", ""),
    ("POST", "/activate"),
    ("GET", "/activate"),
    ("GET", "/activationlinks"),
    ("GET", "/provisioningstatus"),
    ("GET", "/registrationstatus"),
    ("POST", "/registrations"),
    ("GET", "/addons"),
    ("GET", "/upgrades"),
    ("POST", "/upgrades"),
    ("GET", "/transitions"),
    ("POST", "/transitions"),
    ("GET", "/transitioneligibilities"),
]


async def test_every_call_refuses_what_is_not_the_customers(market: Market) -> None:
    mine, foreign = await made(market), await made(market, "production")
    customer_id, foreign_customer_id = market.customer("FR"), market.customer("FR", "production")
    other_customer_id = market.customer("US")
    cases = [
        (f"{customer_id}/subscriptions/{UNKNOWN}", 404, 20003),
        (f"{customer_id}/subscriptions/not-an-id", 404, 20003),
        (f"{customer_id}/subscriptions/a%00b", 404, 20003),
        (f"{customer_id}/subscriptions/{foreign.id}", 404, 20003),
        (f"{other_customer_id}/subscriptions/{mine.id}", 404, 20003),
        (f"{foreign_customer_id}/subscriptions/{foreign.id}", 403, 20002),
        (f"{UNKNOWN}/subscriptions/{mine.id}", 404, 60003),
        (f"not-a-guid/subscriptions/{mine.id}", 400, 900118),
    ]
    for method, name in CALLS:
        for case, status, code in cases:
            path = f"/v1/customers/{case}{name}"
            assert_refused(await market.call(method, path, user=ADMIN, headers=POWERSHELL), status, code)
    assert (await market.get(path_of(market, mine.id))).json()["status"] == "pending"


@pytest.mark.parametrize(
    ("account", "customer_id", "status", "code"),
    [("sandbox", UNKNOWN, 404, 60003), ("sandbox", "x", 400, 900118), ("production", None, 403, 20002)],
)
async def test_the_list_of_somebody_elses_customer_is_refused(
    market: Market, account: str, customer_id: str | None, status: int, code: int
) -> None:
    asked = customer_id or market.customer("FR", "sandbox")
    response = await market.get(f"/v1/customers/{asked}/subscriptions", account=account)
    assert_refused(response, status, code)


async def test_ids_match_in_any_case(market: Market) -> None:
    subscription = await made(market)
    path = path_of(market, subscription.id).upper().replace("/V1/", "/v1/")
    assert (await market.get(path)).json()["id"] == subscription.id


# The placeholder page


async def test_the_page_is_public_escaped_and_closed_to_everything(market: Market) -> None:
    page = await market.client.get(
        "/sandbox/activation-placeholder?order=%3Cscript%3Ealert(1)%3C/script%3E&line=%22%27",
        headers={"Accept": "text/html", "Accept-Language": "fr-CA,en;q=0.5"},
    )
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<script" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert page.headers["Content-Language"] == "fr"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"


async def test_the_page_needs_no_order(market: Market) -> None:
    page = await market.client.get("/sandbox/activation-placeholder")
    assert (page.status_code, page.headers["Content-Language"]) == (200, "en")
