"""The life of a subscription as a partner steers it, in the order of the scenario, on both engines.

Acceptance checks S1 to S4, S6 and S8 of ``20-subscriptions-customers`` Part VII.
"""

from datetime import timedelta

import pytest
from tests.market import ADMIN, Json
from tests.order_market import Shop, shop
from tests.subscription_desk import JAVA, Held, hold, later, pascal

pytestmark = pytest.mark.anyio
__all__ = ["shop"]


async def listed(shop: Shop, headers: dict[str, str] | None = None) -> list[Json]:
    path = f"/v1/customers/{shop.customer_id}/subscriptions"
    reply = await shop.market.get(path, headers=headers)
    items: list[Json] = reply.json()["items"]
    return items


async def test_from_purchase_to_cancellation(shop: Shop) -> None:
    order = await shop.order(shop.line(quantity=1))
    held = Held(shop, order["lineItems"][0]["subscriptionId"])
    assert [each["status"] for each in await listed(shop)] == ["pending"]
    assert [each["status"] for each in await listed(shop, JAVA)] == ["none"]
    pending = await held.read()
    await held.refuse({**pending, "quantity": 3}, 400, 800081)
    named = await held.change({**pending, "friendlyName": "Desk of the Tacoma office"})
    links = await shop.market.get("/v1" + named["links"]["activationLinks"]["uri"])
    assert len(links.json()["items"]) == 1

    later(shop, shop.market.now + timedelta(days=2))
    await shop.activate(order)
    active = await held.read()
    start = shop.market.now
    assert active["effectiveStartDate"] == start.isoformat().replace("+00:00", "Z")
    assert "activationLinks" not in active["links"]

    three = await held.change({**pascal(active), "Quantity": 3})
    assert three["quantity"] == 3
    await held.refuse({**active, "quantity": 4}, 400, 2055)
    await held.refuse({**three, "quantity": 301}, 400, 2002)
    off = await held.change({**three, "autoRenewEnabled": False})
    assert (off["autoRenewEnabled"], off["status"], off["friendlyName"]) == (
        False,
        "active",
        "Desk of the Tacoma office",
    )

    later(shop, start + timedelta(hours=23, minutes=59))
    gone = await held.change({**off, "status": "deleted"})
    assert (gone["status"], gone["actions"]) == ("deleted", [])
    await held.refuse({**gone, "autoRenewEnabled": True}, 400, 2011)
    assert [each["status"] for each in await listed(shop)] == ["deleted"]
    (line,) = (await shop.read(order["id"]))["lineItems"]
    assert line["quantity"] == 1


async def test_after_the_window_auto_renew_is_the_way_out(shop: Shop) -> None:
    held = await hold(shop, termDuration="P1Y")
    start = shop.market.now
    later(shop, start + timedelta(days=14, minutes=1))
    shown = await held.read()
    assert "refundOptions" not in shown
    assert shown["actions"] == ["Edit"]
    await held.refuse({**shown, "status": "deleted"}, 400, 900117)
    off = await held.change({**shown, "autoRenewEnabled": False})
    assert (off["status"], off["autoRenewEnabled"]) == ("active", False)
    assert off["commitmentEndDate"] == shown["commitmentEndDate"]


async def test_a_trial_that_convinces(shop: Shop) -> None:
    held = await hold(shop, "team trial", renewsTo={"termDuration": "P1Y"})
    later(shop, shop.market.now + timedelta(days=12))
    (conversion,) = (await shop.market.get(f"{held.path}/conversions", user=ADMIN)).json()["items"]
    done = await shop.market.post(f"{held.path}/conversions", conversion, user=ADMIN)
    assert done.json()["subscriptionId"] == held.id
    paid = await held.read()
    assert (paid["isTrial"], paid["termDuration"], paid["orderId"]) == (False, "P1Y", conversion["orderId"])
    more = await held.change({**paid, "quantity": 40})
    assert more["quantity"] == 40
    actions = [entry.action for entry in await held.entries()]
    assert actions == ["activate_subscription", "convert_trial_subscription", "update_subscription"]
