"""Ending a trial early, on both engines (``20`` section 3.9)."""

import asyncio
import json
from datetime import timedelta

import httpx2
import pytest
from tests.contract.check import check_reply
from tests.market import ADMIN, Json
from tests.order_market import Shop, shop
from tests.subscription_desk import JAVA, Held, hold, later

from comptoir.subscriptions.model import Status

pytestmark = pytest.mark.anyio
__all__ = ["shop"]

UNKNOWN = "00000000-0000-4000-8000-000000000099"


async def offered(held: Held, **options: object) -> list[Json]:
    """The conversions of a subscription."""
    reply = await held.shop.market.get(f"{held.path}/conversions", user=ADMIN, **options)
    assert reply.status_code == 200, reply.text
    check_reply("Collection<Conversion>", reply.json())
    items: list[Json] = reply.json()["items"]
    return items


async def convert(held: Held, body: Json = None, **options: object) -> httpx2.Response:
    return await held.shop.market.post(f"{held.path}/conversions", body, **{"user": ADMIN, **options})


async def refuse(held: Held, body: Json = None) -> None:
    """The call succeeds and says that there is no such conversion; nothing has changed."""
    before, entries = await held.stored(), await held.entries()
    reply = await convert(held, body)
    assert reply.status_code == 200, reply.text
    check_reply("ConversionResult", reply.json())
    assert reply.json()["error"]["code"] == "ConversionsNotFound"
    assert (await held.stored(), await held.entries()) == (before, entries)


async def test_a_running_trial_becomes_a_paid_subscription(shop: Shop) -> None:
    held = await hold(shop, "team trial", renewsTo={"termDuration": "P1Y"})
    later(shop, shop.market.now + timedelta(days=9))
    trial = await held.read()
    assert (trial["isTrial"], trial["billingCycle"], trial["renewalTermDuration"]) == (True, "none", "P1Y")
    (conversion,) = await offered(held)
    assert conversion == {
        "offerId": trial["offerId"],
        "targetOfferId": trial["offerId"],
        "orderId": trial["orderId"],
        "quantity": 6,
        "billingCycle": "monthly",
        "attributes": {"objectType": "Conversion"},
    }
    reply = await convert(held, conversion)
    assert reply.json() == {
        "subscriptionId": held.id,
        "offerId": trial["offerId"],
        "targetOfferId": trial["offerId"],
    }
    paid = await held.read()
    assert (paid["id"], paid["status"], paid["isTrial"]) == (held.id, "active", False)
    assert (paid["billingCycle"], paid["termDuration"], paid["quantity"]) == ("monthly", "P1Y", 6)
    assert "renewalTermDuration" not in paid
    assert paid["effectiveStartDate"] == trial["effectiveStartDate"]
    assert paid["commitmentEndDate"] == "2027-03-10T08:15:00Z"
    assert paid["billingCycleEndDate"] == "2026-04-10T08:15:00Z"
    assert paid["refundOptions"] == [{"type": "Full", "expiresAt": "2026-03-25T08:15:00Z"}]
    assert paid["attributes"]["etag"] != trial["attributes"]["etag"]
    assert str((await held.stored()).unit_price.amount) == "7"
    assert await offered(held) == []


async def test_a_converted_trial_is_refundable_anew(shop: Shop) -> None:
    held = await hold(shop, "team trial")
    later(shop, shop.market.now + timedelta(days=20))
    await convert(held)
    later(shop, shop.market.now + timedelta(days=1))
    await held.refuse({"status": "deleted"}, 400, 900117)
    other = await hold(shop, "team trial")
    await convert(other, {"billingCycle": "Monthly"})
    assert (await other.change({"status": "deleted"}))["status"] == "deleted"


async def test_seats_and_auto_renew_of_a_converted_trial(shop: Shop) -> None:
    held = await hold(shop, "team trial")
    await held.change({"autoRenewEnabled": False, "quantity": 9})
    await convert(held)
    converted = await held.read()
    assert (converted["autoRenewEnabled"], converted["quantity"]) == (False, 9)
    assert (await held.change({"autoRenewEnabled": True, "quantity": 300}))["quantity"] == 300
    await held.refuse({"quantity": 301}, 400, 2002)


@pytest.mark.parametrize("raw", [b"", b"null", b"{}", b'{"quantity":0,"billingCycle":"unknown"}'])
async def test_what_is_left_out_is_taken_as_offered(shop: Shop, raw: bytes) -> None:
    held = await hold(shop, "team trial")
    reply = await convert(held, raw=raw)
    assert "error" not in reply.json()
    assert (await held.read())["isTrial"] is False


@pytest.mark.parametrize(
    "body",
    [
        {"offerId": "CTR000000K7F:0002:CTR00000M1PQ"},
        {"targetOfferId": "CTR000000K7F:0002:CTR00000M1PQ"},
        {"quantity": 7},
        {"billingCycle": "annual"},
    ],
)
async def test_another_conversion_than_the_offered_one_is_not_found(shop: Shop, body: Json) -> None:
    await refuse(await hold(shop, "team trial"), body)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACTIVE])
async def test_only_a_running_trial_is_converted(shop: Shop, status: Status) -> None:
    held = await hold(shop, "team trial", is_active=status is not Status.PENDING)
    if status is not Status.PENDING:
        await held.put_into(status)
    assert await offered(held) == []
    await refuse(held)


async def test_a_paid_subscription_is_not_converted(shop: Shop) -> None:
    held = await hold(shop)
    assert await offered(held) == []
    await refuse(held)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seats: {maximum: 300}", "seats: {maximum: 300}\n      stopSell: true"),
        ("markets: &all {US: USD, FR: EUR, JP: JPY}", "markets: &all {FR: EUR, JP: JPY}"),
    ],
    ids=["stop-sold", "withdrawn"],
)
async def test_a_trial_of_what_is_no_longer_sold_is_not_converted(shop: Shop, old: str, new: str) -> None:
    held = await hold(shop, "team trial")
    await shop.republish(old, new)
    assert await offered(held) == []
    await refuse(held)


async def test_the_price_is_todays(shop: Shop) -> None:
    held = await hold(shop, "team trial")
    await shop.republish("USD: 7.50", "USD: 8.50")
    await convert(held)
    assert str((await held.stored()).unit_price.amount) == "8.50"


async def test_a_conversion_is_journalled_once(shop: Shop) -> None:
    held = await hold(shop, "team trial")
    replies = await asyncio.gather(*(convert(held, alone=False) for _ in range(4)))
    assert sorted("error" in reply.json() for reply in replies) == [False, True, True, True]
    *_, entry = await held.entries()
    assert entry.action == "convert_trial_subscription"
    assert json.loads(entry.before or "")["isTrial"] is True
    assert json.loads(entry.after or "")["unitPrice"] == "7.50"
    assert [each.action for each in await held.entries()].count("convert_trial_subscription") == 1


async def test_a_strict_client_converts(shop: Shop) -> None:
    held = await hold(shop, "team trial")
    (conversion,) = await offered(held, headers=JAVA)
    reply = await convert(held, conversion, headers=JAVA)
    assert "error" not in reply.json()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", 800002),
        (b'{"quantity": "six"}', 3000),
        (b'{"billingCycle": "weekly"}', 900126),
    ],
)
async def test_bodies_that_make_no_sense(shop: Shop, raw: bytes, code: int) -> None:
    reply = await convert(await hold(shop, "team trial"), raw=raw)
    assert (reply.status_code, reply.json()["code"]) == (400, code)


async def test_conversions_are_for_users_only(shop: Shop) -> None:
    held = await hold(shop, "team trial")
    for reply in (
        await shop.market.get(f"{held.path}/conversions"),
        await shop.market.post(f"{held.path}/conversions"),
    ):
        assert (reply.status_code, reply.json()["code"]) == (403, 2032)


async def test_nobody_converts_what_is_not_the_customers(shop: Shop) -> None:
    held = await hold(shop, "team trial")
    cases = [
        (f"{shop.customer_id}/subscriptions/{UNKNOWN}", 404, 20003),
        (f"{shop.market.customer('US', 'production')}/subscriptions/{held.id}", 403, 20002),
        (f"{UNKNOWN}/subscriptions/{held.id}", 404, 60003),
        (f"not-a-guid/subscriptions/{held.id}", 400, 900118),
    ]
    for method in ("GET", "POST"):
        for path, status, code in cases:
            reply = await shop.market.call(method, f"/v1/customers/{path}/conversions", user=ADMIN)
            assert (reply.status_code, reply.json()["code"]) == (status, code), (method, path)
