"""Calls that come when time has something to do, seats that wait, and what no publisher sets up.

Source: ``20-subscriptions-customers`` sections 3.5 and 4.2, ``30-invoices-billing`` section 3.7,
``40-publisher-fulfillment-metering`` section 8.1.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from tests.market import ADMIN, Json
from tests.order_market import CATALOGUE, Shop, publish, shop
from tests.subscription_desk import Held, hold, later

from comptoir.core.errors import Code, Refusal
from comptoir.subscriptions import service
from comptoir.subscriptions.model import Status, StatusReason

pytestmark = pytest.mark.anyio
__all__ = ["shop"]

DAY = timedelta(days=1)
TERM_END = datetime(2026, 4, 2, tzinfo=UTC)
SEATS = "seats: {maximum: 300}"
TEAM = "name: Desk - Team"
PRICING = "pricingModel: perUser"


async def acts(held: Held) -> list[str]:
    return [entry.action for entry in await held.entries()]


# Calls before the worker


async def test_a_change_finds_the_term_renewed(shop: Shop) -> None:
    held = await hold(shop)
    later(shop, TERM_END)
    changed = await held.change({"quantity": 7})
    assert (changed["quantity"], changed["commitmentEndDate"]) == (7, "2026-05-01T08:15:00Z")
    assert await acts(held) == ["activate_subscription", "renew_subscription", "update_subscription"]
    assert [entry.at for entry in await held.entries()][1] == TERM_END


async def test_what_was_read_before_the_renewal_is_stale(shop: Shop) -> None:
    held = await hold(shop)
    before = await held.read()
    later(shop, TERM_END)
    reply = await held.patch({**before, "quantity": 7}, may_keep=True)
    assert (reply.status_code, reply.json()["code"]) == (400, 2055)


async def test_a_change_of_what_has_expired_is_refused(shop: Shop) -> None:
    held = await hold(shop)
    await held.change({"autoRenewEnabled": False})
    later(shop, TERM_END)
    reply = await held.patch({"autoRenewEnabled": True}, may_keep=True)
    assert (reply.status_code, reply.json()["code"]) == (400, 2011)
    assert (await held.read())["status"] == "expired"


async def test_an_activation_after_the_limit_is_refused(shop: Shop) -> None:
    held = await hold(shop, is_active=False)
    later(shop, shop.market.now + 30 * DAY)
    reply = await shop.market.post(f"{held.path}/activate", may_keep=True)
    assert (reply.status_code, reply.json()["code"]) == (400, 2011)
    assert (await held.read())["status"] == "deleted"


async def test_a_trial_that_is_over_cannot_be_ended_early(shop: Shop) -> None:
    held = await hold(shop, "team trial")
    later(shop, TERM_END)
    reply = await shop.market.post(f"{held.path}/conversions", user=ADMIN)
    assert reply.json()["error"]["code"] == "ConversionsNotFound"
    assert (await acts(held))[-1] == "convert_trial_subscription"
    assert (await held.stored()).term_start_at == TERM_END


async def test_an_order_is_cancelled_after_the_renewal(shop: Shop) -> None:
    order = await shop.order()
    await shop.activate(order)
    held = Held(shop, order["lineItems"][0]["subscriptionId"])
    later(shop, TERM_END + timedelta(hours=1))
    reply = await shop.patch(order["id"], {**order, "status": "cancelled"})
    assert reply.status_code == 200, reply.text
    assert await acts(held) == ["activate_subscription", "renew_subscription", "cancel_subscription"]


async def test_a_deleted_customer_takes_along_what_was_just_renewed(shop: Shop) -> None:
    held = await hold(shop)
    later(shop, TERM_END)
    reply = await shop.market.delete(f"/v1/customers/{shop.customer_id}")
    assert reply.status_code == 204, reply.text
    assert (await acts(held))[1:] == ["renew_subscription", "cancel_subscription"]


# Seats (T08 of 30-invoices-billing)


async def yearly(shop: Shop, policy: str, **members: Json) -> Held:
    await shop.republish(SEATS, f"{SEATS}\n      seatReduction: {policy}")
    return await hold(shop, quantity=20, **{"termDuration": "P1Y", **members})


async def test_seats_go_at_once_by_default(shop: Shop) -> None:
    held = await yearly(shop, "prorated_anytime")
    later(shop, shop.market.now + 200 * DAY)
    assert (await held.change({"quantity": 16}))["quantity"] == 16
    assert (await held.stored()).next_quantity is None


async def test_seats_that_go_in_the_window_only(shop: Shop) -> None:
    held = await yearly(shop, "window_only")
    start = shop.market.now
    later(shop, start + 14 * DAY - timedelta(microseconds=1))
    assert (await held.change({"quantity": 18}))["quantity"] == 18
    later(shop, start + 14 * DAY)
    description = await held.refuse({"quantity": 16}, 400, 800090)
    assert "refund window" in description
    assert (await held.change({"quantity": 19}))["quantity"] == 19
    later(shop, datetime(2027, 3, 2, tzinfo=UTC))
    assert (await held.change({"quantity": 16}))["quantity"] == 16


async def test_the_limits_of_the_sku_come_before_the_window(shop: Shop) -> None:
    held = await yearly(shop, "window_only")
    later(shop, shop.market.now + 14 * DAY)
    await held.refuse({"quantity": -1}, 400, 2002)


async def test_a_trial_gives_seats_back_at_any_time(shop: Shop) -> None:
    await shop.republish(SEATS, f"{SEATS}\n      seatReduction: window_only")
    held = await hold(shop, "team trial", 20)
    later(shop, shop.market.now + 9 * DAY)
    assert (await held.change({"quantity": 16}))["quantity"] == 16


async def test_seats_that_go_with_the_next_term(shop: Shop) -> None:
    held = await yearly(shop, "next_term")
    later(shop, shop.market.now + 200 * DAY)
    now = await held.change({"quantity": 16})
    assert (now["quantity"], (await held.stored()).next_quantity) == (20, 16)
    again = await held.change({"quantity": 16})
    assert again["attributes"]["etag"] == now["attributes"]["etag"]
    lower = await held.change({**again, "friendlyName": "Kept", "quantity": 15})
    assert (lower["friendlyName"], (await held.stored()).next_quantity) == ("Kept", 15)
    named = await held.change({**lower, "friendlyName": "Named"})
    assert (named["quantity"], (await held.stored()).next_quantity) == (20, 15)
    later(shop, datetime(2027, 3, 2, tzinfo=UTC))
    await shop.market.work()
    renewed = await held.read()
    assert (renewed["quantity"], (await held.stored()).next_quantity) == (15, None)


async def test_more_seats_replace_those_that_were_to_go(shop: Shop) -> None:
    held = await yearly(shop, "next_term")
    await held.change({"quantity": 16})
    assert (await held.change({"quantity": 25}))["quantity"] == 25
    assert (await held.stored()).next_quantity is None


async def test_an_early_end_of_the_trial_is_a_next_term(shop: Shop) -> None:
    await shop.republish(SEATS, f"{SEATS}\n      seatReduction: next_term")
    held = await hold(shop, "team trial", 20)
    await held.change({"quantity": 16})
    (offered,) = (await shop.market.get(f"{held.path}/conversions", user=ADMIN)).json()["items"]
    assert (await shop.market.post(f"{held.path}/conversions", offered, user=ADMIN)).is_success
    assert (await held.read())["quantity"] == 16


async def test_stock_comes_back_with_the_next_term(shop: Shop) -> None:
    scarce = "{id: scarce, name: D, markets: *all, terms: *monthly, stock: 10}"
    await shop.republish(scarce, scarce.replace("stock: 10", "stock: 10, seatReduction: next_term"))
    held = await hold(shop, "scarce", 7)
    await held.change({"quantity": 4})
    assert await held.stock_taken() == 7
    later(shop, TERM_END)
    await shop.market.work()
    assert ((await held.read())["quantity"], await held.stock_taken()) == (4, 4)


# What no publisher sets up

GADGET = f"""{CATALOGUE.partition("offer:")[0]}
offer:
  id: gadget
  name: Gadget
  pricingModel: perUser
  fulfillment: auto
  landingPageUrl: https://testworks.example/signup
  webhookUrl: https://testworks.example/webhook
  plans:
    - {{id: gadget, name: Gadget, markets: {{US: USD}}, addOnTo: [desk/team], terms: [
        {{termUnit: P1M, payment: P1M, price: {{USD: 1}}}}]}}
"""


async def buy_by_itself(shop: Shop, delay_seconds: int = 0) -> Held:
    """A new purchase of what no publisher sets up, its order not fulfilled yet."""
    await shop.republish(PRICING, f"{PRICING}\n  fulfillment: auto")
    await shop.market.configure(shop.account, order_fulfilment_delay_seconds=delay_seconds)
    placed = await shop.post()
    assert placed.status_code == 201, placed.text
    return Held(shop, placed.json()["lineItems"][0]["subscriptionId"])


def of(base: Held) -> Json:
    """What makes a line an add-on of a subscription."""
    return {"provisioningContext": {"parentSubscriptionId": base.id}}


@pytest.mark.parametrize("account", ["sandbox", "production"])
async def test_it_is_active_once_its_order_is_fulfilled(shop: Shop, account: str) -> None:
    shop.account = account
    held = await buy_by_itself(shop, delay_seconds=60)
    assert (await held.read())["status"] == "pending"
    later(shop, shop.market.now + timedelta(seconds=60))
    await shop.market.work()
    active = await held.read()
    assert (active["status"], active["effectiveStartDate"]) == ("active", "2026-03-02T08:16:00Z")
    assert await acts(held) == ["activate_subscription"]
    later(shop, TERM_END)
    await shop.market.work()
    assert (await acts(held))[-1] == "renew_subscription"


async def test_activating_it_comes_too_late(shop: Shop) -> None:
    held = await buy_by_itself(shop)
    reply = await shop.market.post(f"{held.path}/activate")
    assert (reply.status_code, reply.json()["code"]) == (400, 800041)
    await shop.market.work()
    assert (await held.read())["status"] == "active"


async def test_its_add_on_of_another_order_is_active_at_once_too(shop: Shop) -> None:
    base = await buy_by_itself(shop)
    await shop.market.work()
    add_on = await hold(shop, "extra", 2, is_active=False, **of(base))
    assert (await add_on.read())["status"] == "active"


async def test_an_add_on_is_active_with_its_base(shop: Shop) -> None:
    gadget = await on_shelf(shop)
    base = await hold(shop, is_active=False)
    first = await hold(shop, gadget, 1, is_active=False, **of(base))
    assert (await first.read())["status"] == "pending"
    await shop.market.post(f"{base.path}/activate")
    assert ((await base.read())["status"], (await first.read())["status"]) == ("active", "active")


async def test_an_add_on_that_joins_an_order_is_active_at_once(shop: Shop) -> None:
    gadget = await on_shelf(shop)
    base = await hold(shop)
    order = await shop.read((await base.read())["orderId"])
    line = {**shop.line(gadget, 1, 1), "parentSubscriptionId": base.id}
    reply = await shop.patch(order["id"], {**order, "lineItems": [*order["lineItems"], line]})
    assert reply.status_code == 200, reply.text
    added = Held(shop, reply.json()["lineItems"][1]["subscriptionId"])
    assert (await added.read())["status"] == "active"
    later(shop, TERM_END)
    await shop.market.work()
    assert (await acts(added))[-1] == "renew_subscription"


async def on_shelf(shop: Shop) -> str:
    """The item of an add-on that no publisher sets up, of a plan that one does."""
    await publish(shop.market, GADGET)
    return await shop.current_item("gadget")


# What an operator or a publisher steers


async def test_a_term_can_be_ended_and_renewed_now(shop: Shop) -> None:
    held = await hold(shop)
    now = shop.market.now + 9 * DAY
    later(shop, now)
    await steer(shop, held, service.renew_now)
    stored = await held.stored()
    assert (stored.term_start_at, stored.anchored_at) == (now, now)
    assert stored.term_end_at == datetime(2026, 4, 11, tzinfo=UTC)
    assert stored.next_due_at == stored.term_end_at
    assert stored.refund_until == now + DAY
    assert (await acts(held))[-1] == "renew_subscription"
    later(shop, TERM_END)
    await shop.market.work()
    assert await held.stored() == stored


async def test_a_trial_that_is_renewed_now_is_converted(shop: Shop) -> None:
    held = await hold(shop, "team trial")
    await steer(shop, held, service.renew_now)
    assert ((await held.stored()).is_trial, (await acts(held))[-1]) == (False, "convert_trial_subscription")


async def test_what_nothing_follows_is_not_renewed_now(shop: Shop) -> None:
    held = await hold(shop)
    await shop.republish(TEAM, f"{TEAM}\n      stopSell: true")
    with pytest.raises(Refusal) as refused:
        await steer(shop, held, service.renew_now)
    assert refused.value.code is Code.AUTO_RENEW_IMPOSSIBLE


async def test_a_suspended_subscription_is_reinstated(shop: Shop) -> None:
    held = await hold(shop, termDuration="P1Y")
    await steer(shop, held, service.suspend, reason=StatusReason.PAYMENT_DEFAULT)
    suspended = await held.stored()
    assert (suspended.status, suspended.suspended_at) == (Status.SUSPENDED, shop.market.now)
    await held.refuse({"quantity": 7}, 400, 2001)
    await steer(shop, held, service.reinstate)
    assert ((await held.stored()).status, (await held.stored()).suspended_at) == (Status.ACTIVE, None)
    assert (await acts(held))[1:] == ["suspend_subscription", "reinstate_subscription"]


async def steer(shop: Shop, held: Held, act: Callable[..., Awaitable[object]], **members: object) -> None:
    """Have a service do something to a subscription."""
    ctx, subscription = await shop.market.context(shop.account), await held.stored()
    await shop.market.write(partial(act, ctx=ctx, subscription=subscription, **members))
