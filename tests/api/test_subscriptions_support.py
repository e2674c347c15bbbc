"""Who supports a subscription, on both engines (``20`` section 3.8)."""

import asyncio
import json

import httpx2
import pytest
from tests.market import ADMIN, Json
from tests.order_market import FORMER, RESELLER, UNKNOWN_MPN_ID, Shop, shop
from tests.subscription_desk import Held, hold

from comptoir.subscriptions.model import Status

pytestmark = pytest.mark.anyio
__all__ = ["shop"]

UNKNOWN = "00000000-0000-4000-8000-000000000099"


async def contact(held: Held) -> Json:
    reply = await held.shop.market.get(f"{held.path}/supportcontact", user=ADMIN)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def put(held: Held, body: Json, **options: object) -> httpx2.Response:
    return await held.shop.market.put(f"{held.path}/supportcontact", body, **{"user": ADMIN, **options})


async def refuse(held: Held, body: Json, status: int, code: int) -> None:
    reply = await put(held, body)
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text


async def test_the_partner_supports_until_told_otherwise(shop: Shop) -> None:
    held = await hold(shop)
    account = await shop.market.account()
    found = await contact(held)
    assert found == {
        "supportTenantId": account.id,
        "supportMpnId": account.mpn_id,
        "name": account.company_name,
        "links": {
            "self": {
                "uri": f"{held.path.removeprefix('/v1')}/supportcontact",
                "method": "GET",
                "headers": [],
            }
        },
        "attributes": {"objectType": "SupportContact"},
    }
    entries = await held.entries()
    assert (await put(held, found)).json() == found
    assert await held.entries() == entries


async def test_a_reseller_supports(shop: Shop) -> None:
    await shop.make_indirect()
    held = await hold(shop)
    before, etag = await contact(held), (await held.read())["attributes"]["etag"]
    sent = {"SupportTenantId": RESELLER.id.upper(), "SupportMpnId": RESELLER.mpn_id, "Name": "Help desk"}
    reply = await put(held, sent)
    assert reply.json() == {
        **before,
        "supportTenantId": RESELLER.id,
        "supportMpnId": RESELLER.mpn_id,
        "name": "Help desk",
    }
    assert await contact(held) == reply.json()
    *_, entry = await held.entries()
    assert entry.action == "update_support_contact"
    assert json.loads(entry.after or "")["tenant_id"] == RESELLER.id
    assert (await held.read())["attributes"]["etag"] == etag
    assert (await put(held, {"supportMpnId": RESELLER.mpn_id})).json()["name"] == RESELLER.name
    assert (await put(held, before)).json() == before
    assert await contact(held) == before


async def test_each_subscription_has_its_own_contact(shop: Shop) -> None:
    await shop.make_indirect()
    first, second = await hold(shop), await hold(shop)
    before = await contact(second)
    await put(first, {"supportTenantId": RESELLER.id})
    assert await contact(second) == before


@pytest.mark.parametrize(
    "body",
    [
        {"supportMpnId": UNKNOWN_MPN_ID},
        {"supportTenantId": UNKNOWN},
        {"supportTenantId": "not-a-guid"},
        {"supportMpnId": FORMER.mpn_id},
        {"supportTenantId": FORMER.id, "supportMpnId": RESELLER.mpn_id},
    ],
)
async def test_nobody_else_supports(shop: Shop, body: Json) -> None:
    await shop.make_indirect()
    await refuse(await hold(shop), body, 400, 800016)


@pytest.mark.parametrize("body", [None, {}, {"name": "Help desk"}, {"supportMpnId": " "}])
async def test_a_contact_needs_an_id(shop: Shop, body: Json) -> None:
    await refuse(await hold(shop), body, 400, 3000)


async def test_a_body_that_cannot_be_read(shop: Shop) -> None:
    reply = await put(await hold(shop), None, raw=b"{")
    assert (reply.status_code, reply.json()["code"]) == (400, 800002)


@pytest.mark.parametrize("status", [Status.DELETED, Status.EXPIRED])
async def test_what_has_ended_keeps_its_contact(shop: Shop, status: Status) -> None:
    held = await hold(shop)
    await held.put_into(status)
    before = await contact(held)
    await refuse(held, before, 400, 2011)


async def test_contacts_at_the_same_time(shop: Shop) -> None:
    await shop.make_indirect()
    held = await hold(shop)
    names = {f"Desk {number}" for number in range(6)}
    bodies = [{"supportMpnId": RESELLER.mpn_id, "name": name} for name in names]
    replies = await asyncio.gather(*(put(held, body, alone=False) for body in bodies))
    assert [reply.status_code for reply in replies] == [200] * 6
    assert (await contact(held))["name"] in names


async def test_support_contacts_are_for_users_only(shop: Shop) -> None:
    held = await hold(shop)
    for reply in (
        await shop.market.get(f"{held.path}/supportcontact"),
        await shop.market.put(f"{held.path}/supportcontact", {"supportMpnId": "1"}),
    ):
        assert (reply.status_code, reply.json()["code"]) == (403, 2032)


async def test_nobody_reads_or_sets_what_is_not_the_customers(shop: Shop) -> None:
    held = await hold(shop)
    cases = [
        (f"{shop.customer_id}/subscriptions/{UNKNOWN}", 404, 20003),
        (f"{shop.market.customer('US', 'production')}/subscriptions/{held.id}", 403, 20002),
        (f"{UNKNOWN}/subscriptions/{held.id}", 404, 60003),
        (f"not-a-guid/subscriptions/{held.id}", 400, 900118),
    ]
    for method in ("GET", "PUT"):
        for path, status, code in cases:
            reply = await shop.market.call(method, f"/v1/customers/{path}/supportcontact", user=ADMIN)
            assert (reply.status_code, reply.json()["code"]) == (status, code), (method, path)
