"""Changing subscriptions over HTTP, on both engines (``20`` sections 3.2 to 3.5 and 5).

The market looks after each refused call that nothing at all was changed.
"""

import asyncio
import json
from datetime import timedelta
from itertools import product

import pytest
from tests.api.test_subscriptions_api import pick
from tests.contract.check import check_reply
from tests.market import ADMIN, Json
from tests.order_market import FORMER, RESELLER, UNKNOWN_MPN_ID, Shop, shop
from tests.subscription_desk import (
    JAVA,
    Held,
    activate,
    hold,
    hold_in,
    hold_unlisted,
    later,
    pascal,
)

from comptoir.catalog.model import BillingCycle
from comptoir.core.instants import EPOCH
from comptoir.subscriptions.model import Status, StatusReason

pytestmark = pytest.mark.anyio
__all__ = ["shop"]

UNKNOWN = "00000000-0000-4000-8000-000000000099"
MICROSECOND = timedelta(microseconds=1)
STALE = "eyJpZCI6IjAiLCJ2ZXJzaW9uIjoxfQ=="


# Cancel


@pytest.mark.parametrize("word", ["deleted", "Deleted", "DELETED", 3, "3"])
async def test_cancelling_inside_the_window(shop: Shop, word: Json) -> None:
    held = await hold(shop)
    before = await held.read()
    assert before["actions"] == ["Edit", "Cancel"]
    after = await held.change({"status": word})
    assert (after["status"], after["autoRenewEnabled"], after["actions"]) == ("deleted", False, [])
    assert not {"refundOptions", "cancellationAllowedUntilDate"} & after.keys()
    assert after["attributes"]["etag"] != before["attributes"]["etag"]
    assert after["effectiveStartDate"] == before["effectiveStartDate"]
    await held.refuse({"friendlyName": "Again"}, 400, 2011)
    await held.refuse({"status": "active"}, 400, 2011)


@pytest.mark.parametrize(
    ("members", "window", "days"),
    [
        ({"termDuration": "P1M"}, timedelta(hours=24), 1),
        ({"termDuration": "P1Y"}, timedelta(days=14), 14),
        ({"termDuration": "P3Y", "billingCycle": "annual"}, timedelta(days=14), 14),
    ],
)
async def test_the_window_closes_at_its_end(shop: Shop, members: Json, window: timedelta, days: int) -> None:
    first, second = await hold(shop, **members), await hold(shop, **members)
    end = shop.market.now + window
    later(shop, end - MICROSECOND)
    expires_at = end.isoformat().replace("+00:00", "Z")
    assert (await first.read())["refundOptions"] == [{"type": "Full", "expiresAt": expires_at}]
    assert (await first.change({"status": "deleted"}))["status"] == "deleted"
    later(shop, end)
    closed = await second.read()
    assert "refundOptions" not in closed
    assert closed["actions"] == ["Edit"]
    description = await second.refuse({"status": "deleted"}, 400, 900117)
    assert f"{days}-day" in description
    assert (await second.change({"autoRenewEnabled": False}))["autoRenewEnabled"] is False


async def test_the_publishers_window_is_that_of_the_purchase(shop: Shop) -> None:
    await shop.republish(
        "payment: P1M, price: {USD: 7.50,", "payment: P1M, refundWindow: P7D, price: {USD: 7.50,"
    )
    held = await hold(shop, await shop.current_item("team"))
    await shop.republish()
    until = (shop.market.now + timedelta(days=7)).isoformat().replace("+00:00", "Z")
    assert (await held.read())["refundOptions"] == [{"type": "Full", "expiresAt": until}]
    later(shop, shop.market.now + timedelta(days=7) - MICROSECOND)
    assert (await held.change({"status": "deleted"}))["status"] == "deleted"


async def test_a_trial_is_cancelled_until_its_end(shop: Shop) -> None:
    held = await hold(shop, "team trial")
    later(shop, shop.market.now + timedelta(days=27))
    assert (await held.read())["actions"] == ["Edit", "Cancel"]
    assert (await held.change({"status": "deleted"}))["status"] == "deleted"


async def test_a_pending_subscription_is_cancelled_at_any_time(shop: Shop) -> None:
    held = await hold(shop, is_active=False)
    later(shop, shop.market.now + timedelta(days=29))
    after = await held.change({"status": "deleted", "friendlyName": "Never used"})
    assert (after["status"], after["friendlyName"]) == ("deleted", "Never used")
    assert "effectiveStartDate" not in after


async def test_production_accounts_cancel_too(shop: Shop) -> None:
    shop.account = "production"
    held = await hold(shop)
    assert (await held.change({"status": "deleted"}))["status"] == "deleted"


async def test_add_ons_end_with_their_base(shop: Shop) -> None:
    order = await shop.order(shop.line())
    base_id = order["lineItems"][0]["subscriptionId"]
    extra = shop.line("extra", 2, parentSubscriptionId=base_id)
    more = (await shop.patch(order["id"], {"lineItems": [extra]})).json()
    await activate(shop, more)
    base, add_on = Held(shop, base_id), Held(shop, more["lineItems"][1]["subscriptionId"])
    assert [each["id"] for each in (await _items(shop, f"{base.path}/addons"))] == [add_on.id]
    await base.change({"status": "deleted"})
    assert (await add_on.read())["status"] == "deleted"
    assert [entry.action for entry in await add_on.entries()][-1] == "cancel_subscription"


async def test_add_ons_that_another_order_bought_end_with_their_base_too(shop: Shop) -> None:
    base = await hold(shop)
    context = {"parentSubscriptionId": base.id}
    add_on = await hold(shop, "extra-scarce", 4, provisioningContext=context)
    assert await add_on.stock_taken() == 4
    await base.change({"status": "deleted"})
    ended = await add_on.stored()
    assert (ended.status, ended.status_reason) == (Status.DELETED, StatusReason.BASE_CANCELLED)
    assert await add_on.stock_taken() == 0


async def test_an_add_on_is_not_activated_beside_the_end_of_its_base(shop: Shop) -> None:
    base = await hold(shop)
    context = {"parentSubscriptionId": base.id}
    add_ons = [await hold(shop, "extra", 2, is_active=False, provisioningContext=context) for _ in range(3)]
    post = shop.market.post
    replies = await asyncio.gather(
        post(f"{add_ons[0].path}/activate", alone=False),
        base.patch({"status": "deleted"}, alone=False),
        *(post(f"{add_on.path}/activate", alone=False) for add_on in add_ons[1:]),
    )
    assert replies[1].status_code == 200
    assert {reply.json().get("code", 0) for reply in replies} <= {0, 2011}
    assert {(await add_on.stored()).status for add_on in add_ons} == {Status.DELETED}


async def test_base_and_add_ons_end_with_their_order(shop: Shop) -> None:
    order = await shop.order()
    extra = shop.line("extra", 2, parentSubscriptionId=order["lineItems"][0]["subscriptionId"])
    both = (await shop.patch(order["id"], {"lineItems": [extra]})).json()
    assert (await shop.patch(order["id"], {"status": "cancelled"})).status_code == 200
    for line in both["lineItems"]:
        stored = await Held(shop, line["subscriptionId"]).stored()
        assert stored.status_reason is StatusReason.ORDER_CANCELLED


async def _items(shop: Shop, path: str) -> list[Json]:
    reply = await shop.market.get(path, account=shop.account)
    found: list[Json] = reply.json()["items"]
    return found


# Auto-renew


@pytest.mark.parametrize("plan", ["team", "team trial"])
async def test_auto_renew_off_and_on(shop: Shop, plan: str) -> None:
    held = await hold(shop, plan)
    before = await held.read()
    off = await held.change({"autoRenewEnabled": False})
    assert off == {
        **before,
        "autoRenewEnabled": False,
        "attributes": {**before["attributes"], "etag": off["attributes"]["etag"]},
    }
    on = await held.change({"AutoRenewEnabled": "true"})
    assert on["autoRenewEnabled"] is True


@pytest.mark.parametrize("plan", ["team", "team trial"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seats: {maximum: 300}", "seats: {maximum: 300}\n      stopSell: true"),
        ("markets: &all {US: USD, FR: EUR, JP: JPY}", "markets: &all {FR: EUR, JP: JPY}"),
        ("        - {termUnit: P1M, payment: P1M, price: {USD: 7.50, EUR: 7.25, JPY: 900}}\n", ""),
        ("markets: &all {US: USD, FR: EUR, JP: JPY}", "markets: &all {US: EUR, FR: EUR, JP: JPY}"),
    ],
    ids=["stop-sold", "withdrawn", "term gone", "other currency"],
)
async def test_what_is_no_longer_sold_does_not_renew(shop: Shop, plan: str, old: str, new: str) -> None:
    held = await hold(shop, plan)
    await shop.republish(old, new)
    assert (await held.change({"autoRenewEnabled": False}))["autoRenewEnabled"] is False
    await held.refuse({"autoRenewEnabled": True}, 400, 800093)
    await held.refuse({"autoRenewEnabled": True, "friendlyName": "Lyon"}, 400, 800093)


async def test_a_new_price_does_not_keep_from_renewing(shop: Shop) -> None:
    held = await hold(shop)
    await shop.republish()
    await held.change({"autoRenewEnabled": False})
    assert (await held.change({"autoRenewEnabled": True}))["autoRenewEnabled"] is True


# Seats


async def test_seats_go_up_and_down_within_the_skus_limits(shop: Shop) -> None:
    held = await hold(shop)
    for quantity in (300, 1, 7):
        assert (await held.change({"quantity": quantity}))["quantity"] == quantity
    await held.refuse({"quantity": 301}, 400, 2002)
    await held.refuse({"quantity": -1}, 400, 2002)
    await held.refuse({"id": held.id, "quantity": 0}, 400, 2002)
    await held.refuse({"quantity": 1.5}, 400, 3000)
    await held.refuse({"quantity": 2**40}, 400, 2002)
    await held.refuse({"quantity": 2**70}, 400, 3000)


async def test_seats_stay_above_the_skus_minimum(shop: Shop) -> None:
    held = await hold(shop, "large", 30)
    await held.refuse({"quantity": 29}, 400, 2002)
    assert (await held.change({"quantity": 31}))["quantity"] == 31


async def test_the_provisioning_status_follows_the_seats(shop: Shop) -> None:
    held = await hold(shop)
    await held.change({"quantity": 9})
    reply = await shop.market.get(f"{held.path}/provisioningstatus", user=ADMIN)
    assert (reply.json()["status"], reply.json()["quantity"]) == ("success", 9)


async def test_a_flat_rate_has_no_seats(shop: Shop) -> None:
    flat = await pick(shop.market, "US", lambda offer: not offer.is_per_seat)
    held = await hold(shop, flat.catalog_item_id, 1, termDuration=str(flat.terms[0].duration))
    for quantity in (2, 300):
        await held.refuse({"quantity": quantity}, 400, 800095)


async def test_a_sandbox_has_25_seats_for_a_subscription(shop: Shop) -> None:
    await shop.market.configure(limit_seats_per_subscription=25)
    held = await hold(shop)
    assert (await held.change({"quantity": 25}))["quantity"] == 25
    await held.refuse({"quantity": 26}, 400, 800018)


async def test_a_production_account_can_have_a_limit_too(shop: Shop) -> None:
    shop.account = "production"
    held = await hold(shop)
    await shop.market.configure("production", limit_seats_per_subscription=5, ack_window_seconds=0)
    await held.refuse({"quantity": 7}, 403, 800067)
    assert (await held.change({"quantity": 5}))["quantity"] == 5


async def test_seats_of_what_the_catalogue_lost_are_fixed(shop: Shop) -> None:
    held = await hold_unlisted(shop)
    await held.refuse({"quantity": 7}, 403, 800027)
    await held.refuse({"autoRenewEnabled": False, "quantity": 7}, 403, 800027)
    assert (await held.change({"autoRenewEnabled": False}))["autoRenewEnabled"] is False
    await held.refuse({"autoRenewEnabled": True}, 400, 800093)


async def test_the_stock_follows_the_seats(shop: Shop) -> None:
    held, other = await hold(shop, "scarce", 4), await hold(shop, "scarce", 3)
    assert await held.stock_taken() == 7
    description = await held.refuse({"quantity": 8}, 403, 800088)
    assert "4 more seats" in description
    assert "3 are left" in description
    await held.change({"quantity": 7})
    assert await held.stock_taken() == 10
    await held.change({"quantity": 2})
    assert await held.stock_taken() == 5
    await other.change({"status": "deleted"})
    assert await held.stock_taken() == 2
    await held.change({"quantity": 6, "status": "deleted"})
    assert await held.stock_taken() == 0


# Nickname and reseller of record


async def test_the_nickname(shop: Shop) -> None:
    held = await hold(shop)
    assert (await held.change({"friendlyName": " Lyon – étage 2 ☂ "}))["friendlyName"] == "Lyon – étage 2 ☂"
    for nothing in ("", "  ", None):
        assert (await held.change({"friendlyName": nothing}))["friendlyName"] == "Lyon – étage 2 ☂"
    await held.change({"friendlyName": "x" * 255})
    await held.refuse({"friendlyName": "x" * 256}, 400, 3000)
    await held.refuse({"friendlyName": 7}, 400, 3000)
    await held.refuse({"friendlyName": "a\0b"}, 400, 3000)


async def test_the_reseller_of_record(shop: Shop) -> None:
    held = await hold(shop)
    await held.refuse({"partnerId": RESELLER.mpn_id}, 400, 800098)
    await shop.make_indirect()
    assert (await held.change({"PartnerId": RESELLER.mpn_id}))["partnerId"] == RESELLER.mpn_id
    assert (await held.change({"partnerId": ""}))["partnerId"] == RESELLER.mpn_id
    listed = await _items(shop, f"{held.path.rpartition('/')[0]}?mpn_id={RESELLER.mpn_id}")
    assert [each["id"] for each in listed] == [held.id]
    await held.refuse({"partnerId": UNKNOWN_MPN_ID}, 404, 800015)
    await held.refuse({"partnerId": "' OR 1=1"}, 404, 800015)
    await held.refuse({"partnerId": FORMER.mpn_id}, 400, 800016)
    own = (await shop.market.account()).mpn_id
    await held.refuse({"partnerId": own}, 404, 2072)


# Suspension and other words


async def test_the_partner_does_not_suspend(shop: Shop) -> None:
    held = await hold(shop)
    await held.refuse({"status": "suspended"}, 400, 800096)
    await held.put_into(Status.SUSPENDED)
    await held.refuse({"status": "Active"}, 400, 800096)


async def test_the_partner_suspends_and_reactivates_where_it_may(shop: Shop) -> None:
    await shop.market.configure(allow_partner_suspend=True)
    held = await hold(shop)
    suspended = await held.change({"status": "suspended"})
    assert (suspended["status"], suspended["suspensionReasons"]) == ("suspended", ["SuspendedByPartner"])
    assert "billingCycleEndDate" not in suspended
    active = await held.change({"status": "active"})
    assert active["status"] == "active"
    assert "suspensionReasons" not in active


@pytest.mark.parametrize("word", ["expired", "Pending", "disabled", 6])
async def test_words_that_no_status_leads_to(shop: Shop, word: Json) -> None:
    held = await hold(shop)
    await held.refuse({"status": word}, 400, 800040)


@pytest.mark.parametrize("word", ["on hold", "delete d", 7, -1, "7", "aktiv"])
async def test_words_that_do_not_exist(shop: Shop, word: Json) -> None:
    held = await hold(shop)
    await held.refuse({"status": word}, 400, 900126)


async def test_billing_cycle_and_term_change_elsewhere(shop: Shop) -> None:
    held = await hold(shop)
    await held.refuse({"billingCycle": "annual"}, 400, 800097)
    await held.refuse({"billingCycle": 2}, 400, 800097)
    await held.refuse({"termDuration": "P1Y"}, 400, 800097)
    await held.refuse({"termDuration": "month"}, 400, 800097)
    await held.refuse({"billingCycle": "weekly"}, 400, 900126)
    before = await held.read()
    assert await held.change({"billingCycle": "Monthly", "termDuration": "p1m"}) == before
    assert await held.change({"billingCycle": "unknown", "termDuration": ""}) == before


# Guards

CHANGES: dict[str, Json] = {
    "quantity": {"quantity": 7},
    "auto_renew": {"autoRenewEnabled": False},
    "name": {"friendlyName": "Lyon"},
    "reseller": {"partnerId": RESELLER.mpn_id},
    "suspend": {"status": "suspended"},
    "activate": {"status": "active"},
    "cancel": {"status": "deleted"},
    "expire": {"status": "expired"},
}
ANSWERS: dict[Status, dict[str, int | None]] = {
    Status.PENDING: {**dict.fromkeys(CHANGES, 800081), "name": None, "cancel": None},
    Status.ACTIVE: {**dict.fromkeys(CHANGES), "expire": 800040},
    Status.SUSPENDED: {
        **dict.fromkeys(CHANGES, 800091),
        "quantity": 2001,
        "suspend": None,
        "activate": None,
        "cancel": None,
    },
    Status.DELETED: {**dict.fromkeys(CHANGES, 2011), "cancel": None},
    Status.EXPIRED: {**dict.fromkeys(CHANGES, 2011), "expire": None},
}
"""The code of each change in each status, ``None`` where it succeeds or asks for what is so already."""


@pytest.mark.parametrize(("status", "name"), list(product(Status, CHANGES)))
async def test_each_change_in_each_status(shop: Shop, status: Status, name: str) -> None:
    await shop.make_indirect()
    await shop.market.configure(allow_partner_suspend=True)
    held = await hold_in(shop, status)
    code = ANSWERS[status][name]
    if code is None:
        await held.change(CHANGES[name])
    else:
        await held.refuse(CHANGES[name], 400, code)


async def test_a_subscription_waits_for_its_order(shop: Shop) -> None:
    placed = (await shop.post()).json()
    held = Held(shop, placed["lineItems"][0]["subscriptionId"])
    await held.refuse({"status": "deleted"}, 400, 800082)
    await held.refuse({"friendlyName": "Lyon"}, 400, 800082)
    await held.refuse({"quantity": 7}, 400, 800081)
    assert (await held.change({"status": "pending"}))["status"] == "pending"
    await shop.market.work()
    assert (await shop.read(placed["id"]))["status"] == "completed"
    assert (await held.change({"status": "deleted"}))["status"] == "deleted"


# The body as a whole


async def test_all_changes_are_one_version(shop: Shop) -> None:
    await shop.make_indirect()
    held = await hold(shop)
    version = (await held.stored()).version
    body = {
        "autoRenewEnabled": False,
        "quantity": 9,
        "friendlyName": "Lyon",
        "partnerId": RESELLER.mpn_id,
    }
    after = await held.change(body)
    assert {name: after[name] for name in body} == body
    assert (await held.stored()).version == version + 1


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"quantity": -1}, 400, 2002),
        ({"friendlyName": "x" * 256}, 400, 3000),
        ({"partnerId": UNKNOWN_MPN_ID}, 404, 800015),
        ({"status": "suspended"}, 400, 800096),
        ({"termDuration": "P1Y"}, 400, 800097),
    ],
)
async def test_one_refusal_refuses_everything(shop: Shop, wrong: Json, status: int, code: int) -> None:
    await shop.make_indirect()
    held = await hold(shop, "scarce", 4)
    right = {"autoRenewEnabled": False, "quantity": 5, "friendlyName": "Lyon"}
    await held.refuse({**right, **wrong}, status, code)
    assert await held.stock_taken() == 4


@pytest.mark.parametrize("body", [{}, None, {"status": "none"}, {"status": ""}, {"unknown": {"a": [1]}}])
async def test_nothing_to_change_keeps_the_version(shop: Shop, body: Json) -> None:
    held = await hold(shop)
    before, entries = await held.read(), await held.entries()
    raw = b"" if body == {} else None
    assert await held.change(body, raw=raw) == before
    assert await held.entries() == entries


async def test_read_only_members_are_ignored(shop: Shop) -> None:
    held = await hold(shop)
    before = await held.read()
    body = {
        "id": held.id.upper(),
        "offerId": "another",
        "offerName": "Another",
        "creationDate": "yesterday",
        "isTrial": "perhaps",
        "publisherName": 7,
        "unitType": None,
        "links": [],
        "orderId": {},
        "refundOptions": "none",
        "billingType": "usage",
        "scheduledNextTermInstructions": {"product": {"termDuration": "P3Y"}},
        "nextChargeInstructions": 1,
    }
    assert await held.change(body) == before


async def test_another_id_is_refused_before_anything_else(shop: Shop) -> None:
    held = await hold(shop)
    reply = await held.patch({"id": UNKNOWN, "status": "deleted", "attributes": {"etag": STALE}})
    assert (reply.status_code, reply.json()["code"], reply.json()["data"]) == (400, 3000, ["id"])


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", 800002),
        (b"[]", 800002),
        (b'"deleted"', 800002),
        (b'{"quantity": "many"}', 3000),
        (b'{"status": true}', 3000),
        (b'{"autoRenewEnabled": 1}', 3000),
        (b'{"attributes": []}', 3000),
    ],
)
async def test_bodies_that_cannot_be_read(shop: Shop, raw: bytes, code: int) -> None:
    held = await hold(shop)
    await held.refuse(None, 400, code, raw=raw)


async def test_what_is_unknown_is_said_before_the_body_is_judged(shop: Shop) -> None:
    await Held(shop, UNKNOWN).refuse({"status": "aktiv"}, 404, 20003)


SPELLINGS: list[tuple[Json, Json]] = [
    ({"autoRenewEnabled": False}, {"AutoRenewEnabled": False}),
    ({"friendlyName": "Lyon"}, {"FRIENDLYNAME": "Lyon", "PartnerId": None}),
    ({"quantity": 8}, {"Quantity": 8, "CommitmentEndDate": "0001-01-01T00:00:00"}),
    ({"status": "deleted"}, {"Status": "Deleted"}),
]


@pytest.mark.parametrize(("camel", "other"), SPELLINGS)
async def test_members_in_any_spelling_have_the_same_effect(shop: Shop, camel: Json, other: Json) -> None:
    first, second = await hold(shop), await hold(shop)
    effect, same = await first.change(camel), await second.change(other)
    own = {"id", "orderId", "links", "attributes"}
    assert {k: v for k, v in effect.items() if k not in own} == {
        k: v for k, v in same.items() if k not in own
    }


async def test_comments_and_trailing_commas_are_forgiven(shop: Shop) -> None:
    held = await hold(shop)
    raw = b'\xef\xbb\xbf{ // as documented\n "autoRenewEnabled": false, }'
    assert (await held.change(None, raw=raw))["autoRenewEnabled"] is False


# Sparse bodies

DOTNET_SPARSE: Json = {
    "Id": None,
    "OfferId": None,
    "Quantity": 0,
    "AutoRenewEnabled": False,
    "BillingType": "none",
    "BillingCycle": "unknown",
    "Status": "none",
    "CreationDate": "0001-01-01T00:00:00",
    "IsTrial": False,
    "FriendlyName": None,
    "PartnerId": None,
    "TermDuration": None,
    "Links": {},
    "Attributes": {"ObjectType": "Subscription"},
}
JAVA_SPARSE: Json = {"status": "none", "quantity": 0, "autoRenewEnabled": False, "isTrial": False}


@pytest.mark.parametrize("body", [DOTNET_SPARSE, {**DOTNET_SPARSE, "BillingCycle": 0}, JAVA_SPARSE])
async def test_an_object_of_defaults_asks_for_nothing(shop: Shop, body: Json) -> None:
    held = await hold(shop)
    before = await held.read()
    assert await held.change(body) == before


@pytest.mark.parametrize("body", [DOTNET_SPARSE, JAVA_SPARSE])
async def test_a_sparse_suspend_touches_nothing_else(shop: Shop, body: Json) -> None:
    held = await hold(shop)
    name = "Status" if "Status" in body else "status"
    await held.refuse({**body, name: "suspended"}, 400, 800096)
    await shop.market.configure(allow_partner_suspend=True)
    after = await held.change({**body, name: "suspended"})
    assert (after["status"], after["quantity"], after["autoRenewEnabled"]) == ("suspended", 6, True)


async def test_a_sparse_body_changes_what_was_set(shop: Shop) -> None:
    await shop.make_indirect()
    held = await hold(shop)
    sparse = {
        **DOTNET_SPARSE,
        "Quantity": 8,
        "FriendlyName": "Lyon",
        "PartnerId": RESELLER.mpn_id,
        "TermDuration": "P3Y",
    }
    after = await held.change(sparse)
    assert (after["quantity"], after["friendlyName"], after["partnerId"]) == (8, "Lyon", RESELLER.mpn_id)
    assert (after["autoRenewEnabled"], after["termDuration"]) == (True, "P1M")
    assert (await held.change({**DOTNET_SPARSE, "Quantity": -3})) == after
    assert (await held.change({**DOTNET_SPARSE, "Status": "deleted"}))["status"] == "deleted"


@pytest.mark.parametrize("mark", [{"id": "own"}, {"offerId": "item"}, {"billingCycle": "monthly"}])
async def test_a_body_with_one_mark_less_is_taken_at_its_word(shop: Shop, mark: Json) -> None:
    held = await hold(shop)
    marks = {"id": held.id} if "id" in mark else mark
    after = await held.change({"quantity": 6, "billingCycle": "unknown", "autoRenewEnabled": False, **marks})
    assert after["autoRenewEnabled"] is False


async def test_what_was_written_by_hand_is_taken_at_its_word(shop: Shop) -> None:
    held = await hold(shop)
    assert (await held.change({"autoRenewEnabled": False}))["autoRenewEnabled"] is False


# Strict clients


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("headers", [{}, JAVA], ids=["full", "strict"])
async def test_what_a_client_was_shown_changes_nothing(
    shop: Shop, status: Status, headers: dict[str, str]
) -> None:
    """A whole resource sent back, in either spelling: 200, the same version."""
    held = await hold_in(shop, status)
    shown = await held.read(headers=headers)
    if headers:
        assert shown["status"] in {"none", "active", "suspended", "deleted"}
    assert await held.change(shown, headers=headers) == shown
    assert await held.change(pascal(shown), headers=headers) == shown


async def test_a_strict_client_changes_what_it_cannot_name(shop: Shop) -> None:
    held = await hold(shop, is_active=False)
    shown = await held.read(headers=JAVA)
    renamed = await held.change({**shown, "friendlyName": "Lyon"}, headers=JAVA)
    assert (renamed["status"], renamed["friendlyName"]) == ("none", "Lyon")
    await held.refuse({**renamed, "quantity": 9}, 400, 800081, headers=JAVA)
    gone = await held.change({**renamed, "status": "deleted"}, headers=JAVA)
    assert gone["status"] == "deleted"
    await held.put_into(Status.EXPIRED)
    shown = await held.read(headers=JAVA)
    await held.refuse({**shown, "friendlyName": "Paris"}, 400, 2011, headers=JAVA)


async def test_a_strict_clients_list_never_breaks(shop: Shop) -> None:
    for status in Status:
        await hold_in(shop, status)
        shop.market.wait(seconds=1)
    reply = await shop.market.get(f"/v1/customers/{shop.customer_id}/subscriptions", headers=JAVA)
    assert [each["status"] for each in reply.json()["items"]] == [
        "none",
        "active",
        "suspended",
        "deleted",
        "deleted",
    ]
    check_reply("Collection<Subscription>", reply.json())


async def test_a_strict_client_sends_back_a_cycle_that_it_was_not_told(shop: Shop) -> None:
    held = await hold(shop)
    await held.rewrite(billing_cycle=BillingCycle.TRIENNIAL)
    shown = await held.read(headers=JAVA)
    assert shown["billingCycle"] == "unknown"
    assert await held.change(shown, headers=JAVA) == shown
    changed = await held.change({**shown, "autoRenewEnabled": False}, headers=JAVA)
    assert changed["autoRenewEnabled"] is False


# Versions


@pytest.mark.parametrize(
    "etag",
    ['"{etag}"', "{etag}", 'W/"{etag}"', "*", ' "{etag}" '],
    ids=["quoted", "plain", "weak", "any", "wide"],
)
async def test_a_current_etag_lets_a_change_through(shop: Shop, etag: str) -> None:
    held = await hold(shop)
    current = (await held.read())["attributes"]["etag"]
    condition = {"If-Match": etag.format(etag=current)}
    after = await held.patch({"quantity": 8}, headers=condition)
    assert after.status_code == 200, after.text
    assert after.headers["ETag"] == f'"{after.json()["attributes"]["etag"]}"'
    assert after.json()["attributes"]["etag"] != current


async def test_a_stale_etag_is_refused_and_the_new_one_succeeds(shop: Shop) -> None:
    held = await hold(shop)
    stale = await held.read()
    current = await held.change({"quantity": 8})
    old = stale["attributes"]["etag"]
    await held.refuse({"quantity": 9}, 400, 2055, headers={"If-Match": f'"{old}"'})
    await held.refuse({**stale, "quantity": 9}, 400, 2055)
    await held.refuse(stale, 400, 2055)
    both = {"If-Match": current["attributes"]["etag"]}
    await held.refuse({**stale, "quantity": 9}, 400, 2055, headers=both)
    await held.refuse({"quantity": 9, "status": "expired"}, 400, 2055, headers={"If-Match": STALE})
    assert (await held.change({**current, "quantity": 9}))["quantity"] == 9


# At the same time


async def test_changes_at_the_same_time_are_one_version_each(shop: Shop) -> None:
    held = await hold(shop, "scarce", 1)
    version = (await held.stored()).version
    replies = await asyncio.gather(
        *(held.patch({"quantity": quantity}, alone=False) for quantity in range(2, 10))
    )
    assert [reply.status_code for reply in replies] == [200] * 8
    assert len({reply.json()["attributes"]["etag"] for reply in replies}) == 8
    after = await held.stored()
    assert after.version == version + 8
    assert await held.stock_taken() == after.quantity


async def test_of_changes_to_one_version_one_counts(shop: Shop) -> None:
    held = await hold(shop)
    shown = await held.read()
    replies = await asyncio.gather(
        *(held.patch({**shown, "quantity": quantity}, alone=False) for quantity in range(7, 13))
    )
    codes = sorted(reply.json().get("code", 0) for reply in replies)
    assert codes == [0, *[2055] * 5]


async def test_different_members_at_the_same_time_are_all_kept(shop: Shop) -> None:
    held = await hold(shop)
    bodies: list[Json] = [{"quantity": 8}, {"friendlyName": "Lyon"}, {"autoRenewEnabled": False}]
    replies = await asyncio.gather(*(held.patch(body, alone=False) for body in bodies))
    assert [reply.status_code for reply in replies] == [200] * 3
    after = await held.read()
    assert (after["quantity"], after["friendlyName"], after["autoRenewEnabled"]) == (8, "Lyon", False)


async def test_the_last_seats_go_to_one(shop: Shop) -> None:
    first, second = await hold(shop, "scarce", 3), await hold(shop, "scarce", 3)
    replies = await asyncio.gather(*(held.patch({"quantity": 6}, alone=False) for held in (first, second)))
    assert sorted(reply.json().get("code", 0) for reply in replies) == [0, 800088]
    assert await first.stock_taken() == 9


async def test_a_cancellation_races_an_order_for_an_add_on(shop: Shop) -> None:
    """Whoever comes first, no open add-on is left without its base."""
    order = await shop.order()
    await activate(shop, order)
    base = Held(shop, order["lineItems"][0]["subscriptionId"])
    extra = shop.line("extra", 2, parentSubscriptionId=base.id)
    cancelled, bought = await asyncio.gather(
        base.patch({"status": "deleted"}, alone=False),
        shop.patch(order["id"], {"lineItems": [extra]}, alone=False),
    )
    assert cancelled.status_code == 200
    if bought.status_code == 200:
        add_on = Held(shop, bought.json()["lineItems"][1]["subscriptionId"])
        assert (await add_on.read())["status"] == "deleted"
    else:
        assert bought.json()["code"] == 800029


async def test_the_same_request_changes_once_and_is_answered_twice(shop: Shop) -> None:
    held = await hold(shop)
    headers = {"MS-RequestId": "7c5b9f4e-52a3-4b2c-8f0e-1a2b3c4d5e6f"}
    shown = await held.read()
    first = await held.patch({**shown, "quantity": 8}, headers=headers)
    again = await held.patch({**shown, "quantity": 8}, headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["MS-Replayed"] == "true"


# The journal


async def test_the_journal_says_what_changed(shop: Shop) -> None:
    held = await hold(shop)
    await held.change({"quantity": 9, "friendlyName": "Lyon"})
    *_, entry = await held.entries()
    assert (entry.action, entry.subject_kind, entry.customer_id) == (
        "update_subscription",
        "subscription",
        shop.customer_id,
    )
    before, after = json.loads(entry.before or ""), json.loads(entry.after or "")
    assert {name: (before[name], after[name]) for name in before if before[name] != after[name]} == {
        "quantity": (6, 9),
        "friendlyName": ("Desk - Team", "Lyon"),
        "version": (2, 3),
    }


async def test_a_cancellation_is_an_update_in_the_journal(shop: Shop) -> None:
    held = await hold(shop)
    await held.change({"status": "deleted"})
    *_, entry = await held.entries()
    assert entry.action == "update_subscription"
    assert json.loads(entry.after or "")["statusReason"] == "CancelledByPartner"
    assert entry.at > EPOCH


# Whose it is


async def test_nobody_changes_what_is_not_the_customers(shop: Shop) -> None:
    mine = await hold(shop)
    other_customer = shop.market.customer("FR")
    foreign_customer = shop.market.customer("US", "production")
    cases = [
        (f"{shop.customer_id}/subscriptions/{UNKNOWN}", 404, 20003),
        (f"{shop.customer_id}/subscriptions/not-an-id", 404, 20003),
        (f"{other_customer}/subscriptions/{mine.id}", 404, 20003),
        (f"{foreign_customer}/subscriptions/{mine.id}", 403, 20002),
        (f"{UNKNOWN}/subscriptions/{mine.id}", 404, 60003),
        (f"not-a-guid/subscriptions/{mine.id}", 400, 900118),
    ]
    for path, status, code in cases:
        reply = await shop.market.patch(f"/v1/customers/{path}", {"status": "deleted"})
        assert (reply.status_code, reply.json()["code"]) == (status, code), path
