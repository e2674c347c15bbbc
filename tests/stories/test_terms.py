"""Terms that end while nobody calls: month after month on both engines, in both kinds of account.

Source: ``20-subscriptions-customers`` section 4.2, ``30-invoices-billing`` sections 3.3, 3.6 and 3.7. After
each step the worker runs once more and must do nothing.
"""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from tests import watch
from tests.market import Json
from tests.order_market import Shop, shop
from tests.subscription_desk import Held, hold, later

from comptoir.core.terms import add_months
from comptoir.subscriptions import service
from comptoir.subscriptions.model import StatusReason

pytestmark = pytest.mark.anyio
__all__ = ["shop"]

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
STOP_SALE = ("name: Desk - Team", "name: Desk - Team\n      stopSell: true")


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def reach(shop: Shop, now: datetime) -> None:
    """Let time pass until an instant and do what falls due; a second run finds nothing to do."""
    later(shop, now)
    await shop.market.work()
    done = await watch.content(shop.market.services.database)
    await shop.market.work()
    assert await watch.content(shop.market.services.database) == done


async def due(held: Held) -> datetime:
    """When time changes the subscription next."""
    next_due_at = (await held.stored()).next_due_at
    assert next_due_at is not None
    return next_due_at


async def acts(held: Held) -> list[str]:
    return [entry.action for entry in await held.entries()]


def last_day(shown: Json) -> str:
    text: str = shown["commitmentEndDate"]
    return text[:10]


async def test_two_years_of_months_from_the_31st(shop: Shop) -> None:
    await reach(shop, day("2027-01-31") + timedelta(hours=12))
    held = await hold(shop)
    anchor = day("2027-01-31")
    for month in range(1, 25):
        end = add_months(anchor, month)
        assert await due(held) == end
        await reach(shop, end - MICROSECOND)
        before = await held.read()
        assert last_day(before) == (end - DAY).date().isoformat()
        await reach(shop, end)
        after = await held.read()
        assert last_day(after) == (add_months(anchor, month + 1) - DAY).date().isoformat()
        assert after["attributes"]["etag"] != before["attributes"]["etag"]
        assert after["refundOptions"] == [
            {"type": "Full", "expiresAt": (end + DAY).isoformat().replace("+00:00", "Z")}
        ]
        assert (after["status"], after["orderId"], after["offerId"]) == (
            "active",
            before["orderId"],
            before["offerId"],
        )
    assert await acts(held) == ["activate_subscription", *["renew_subscription"] * 24]
    renewals = [entry for entry in await held.entries() if entry.action == "renew_subscription"]
    assert [entry.at for entry in renewals] == [add_months(anchor, month) for month in range(1, 25)]


async def test_a_leap_day_comes_back_every_four_years(shop: Shop) -> None:
    await reach(shop, day("2028-02-29"))
    held = await hold(shop, termDuration="P1Y")
    ends = []
    for _ in range(4):
        ends.append(await due(held))
        await reach(shop, ends[-1])
    assert ends == [day("2029-02-28"), day("2030-02-28"), day("2031-02-28"), day("2032-02-29")]


async def test_a_late_worker_writes_what_a_punctual_one_does(shop: Shop) -> None:
    held = await hold(shop)
    await reach(shop, day("2026-07-15"))
    stored = await held.stored()
    assert (stored.term_start_at, stored.term_end_at) == (day("2026-07-02"), day("2026-08-02"))
    assert stored.refund_until == day("2026-07-03")
    renewals = [entry.at for entry in await held.entries() if entry.action == "renew_subscription"]
    assert renewals == [day("2026-04-02"), day("2026-05-02"), day("2026-06-02"), day("2026-07-02")]


async def test_a_renewal_takes_the_price_of_its_day(shop: Shop) -> None:
    held = await hold(shop)
    await shop.republish("USD: 7.50", "USD: 8.50")
    assert str((await held.stored()).unit_price.amount) == "7.50"
    await reach(shop, await due(held))
    assert str((await held.stored()).unit_price.amount) == "8.50"


async def test_auto_renew_off_lets_the_term_end(shop: Shop) -> None:
    held = await hold(shop)
    await held.change({"autoRenewEnabled": False})
    end = await due(held)
    await reach(shop, end - MICROSECOND)
    assert (await held.read())["status"] == "active"
    await reach(shop, end)
    gone = await held.read()
    assert (gone["status"], gone["suspensionReasons"], gone["actions"]) == ("expired", ["Expiration"], [])
    assert gone["commitmentEndDate"] == "2026-04-01T08:15:00Z"
    await held.refuse({"autoRenewEnabled": True}, 400, 2011)
    await reach(shop, end + 400 * DAY)
    assert await acts(held) == ["activate_subscription", "update_subscription", "expire_subscription"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(STOP_SALE, id="stop-sold"),
        pytest.param(("markets: &all {US: USD, FR", "markets: &all {CA: USD, FR"), id="not sold here"),
        pytest.param(
            (
                "{termUnit: P1M, payment: P1M, price: {USD: 7.50",
                "{termUnit: P2Y, payment: P1M, price: {USD: 7.50",
            ),
            id="no such term",
        ),
    ],
)
async def test_what_is_no_longer_sold_is_not_renewed(shop: Shop, change: tuple[str, str]) -> None:
    held = await hold(shop)
    await shop.republish(*change)
    assert (await held.read())["status"] == "active"
    await held.change({"friendlyName": "The last month"})
    await reach(shop, await due(held))
    assert (await held.read())["status"] == "expired"


async def test_a_trial_turns_into_what_it_renews_to(shop: Shop) -> None:
    held = await hold(shop, "team trial", renewsTo={"termDuration": "P1Y"})
    trial = await held.read()
    await reach(shop, day("2026-04-02") - MICROSECOND)
    assert (await held.read())["isTrial"] is True
    await reach(shop, day("2026-04-02"))
    paid = await held.read()
    assert (paid["isTrial"], paid["status"], paid["termDuration"]) == (False, "active", "P1Y")
    assert (paid["billingCycle"], paid["quantity"], paid["offerId"]) == ("monthly", 6, trial["offerId"])
    assert (paid["effectiveStartDate"], last_day(paid)) == (trial["effectiveStartDate"], "2027-04-01")
    assert paid["refundOptions"] == [{"type": "Full", "expiresAt": "2026-04-16T00:00:00Z"}]
    assert str((await held.stored()).unit_price.amount) == "7"
    await reach(shop, day("2027-04-02"))
    assert await acts(held) == [
        "activate_subscription",
        "convert_trial_subscription",
        "renew_subscription",
    ]
    assert str((await held.stored()).unit_price.amount) == "7"


async def test_a_trial_that_was_ended_early_renews_from_its_own_day(shop: Shop) -> None:
    held = await hold(shop, "team trial")
    await reach(shop, day("2026-03-21") + timedelta(hours=7))
    assert (await shop.market.post(f"{held.path}/conversions", user="ada@rivermark-cloud.example")).is_success
    await reach(shop, day("2026-04-02"))
    assert await due(held) == day("2026-04-21")
    await reach(shop, day("2026-04-21"))
    assert await due(held) == day("2026-05-21")


async def test_a_trial_without_auto_renew_ends(shop: Shop) -> None:
    held = await hold(shop, "team trial")
    await held.change({"autoRenewEnabled": False})
    await reach(shop, await due(held))
    assert (await held.read())["status"] == "expired"


async def test_a_trial_of_a_plan_that_is_gone_ends(shop: Shop) -> None:
    held = await hold(shop, "team trial")
    await shop.republish(*STOP_SALE)
    await reach(shop, await due(held))
    assert (await held.read())["status"] == "expired"


@pytest.mark.parametrize("account", ["sandbox", "production"])
async def test_what_nobody_activates_is_deleted_after_30_days(shop: Shop, account: str) -> None:
    shop.account = account
    held = await hold(shop, is_active=False)
    bought = shop.market.now
    await reach(shop, bought + 30 * DAY - MICROSECOND)
    assert (await held.read())["status"] == "pending"
    await reach(shop, bought + 30 * DAY)
    gone = await held.read()
    assert (gone["status"], gone["actions"], gone["autoRenewEnabled"]) == ("deleted", [], False)
    stored = await held.stored()
    assert (stored.status_reason, stored.ended_at) == (StatusReason.NOT_ACTIVATED, bought + 30 * DAY)
    assert "commitmentEndDate" not in gone
    assert await acts(held) == ["cancel_subscription"]


async def test_the_activation_limit_is_a_setting(shop: Shop) -> None:
    await shop.market.configure(activation_limit_days=2)
    held = await hold(shop, is_active=False)
    bought = shop.market.now
    await shop.market.configure(activation_limit_days=5)
    await reach(shop, bought + 2 * DAY)
    assert (await held.read())["status"] == "pending"
    await reach(shop, bought + 5 * DAY)
    assert (await held.read())["status"] == "deleted"


async def test_deletion_and_expiry_give_the_stock_back(shop: Shop) -> None:
    pending = await hold(shop, "scarce", 1, is_active=False)
    ending = await hold(shop, "scarce", 1)
    await ending.change({"autoRenewEnabled": False})
    assert await ending.stock_taken() == 2
    await reach(shop, day("2026-04-01") + timedelta(hours=8, minutes=15))
    assert ((await pending.read())["status"], await ending.stock_taken()) == ("deleted", 1)
    await reach(shop, day("2026-04-02"))
    assert ((await ending.read())["status"], await ending.stock_taken()) == ("expired", 0)


async def test_what_is_suspended_too_long_is_deleted(shop: Shop) -> None:
    await shop.market.configure(allow_partner_suspend=True)
    held = await hold(shop, termDuration="P1Y")
    await reach(shop, day("2026-05-05") + timedelta(hours=6))
    await held.change({"status": "suspended"})
    await held.change({"status": "active"})
    await reach(shop, day("2026-06-05"))
    assert (await held.change({"status": "suspended"}))["suspensionReasons"] == ["SuspendedByPartner"]
    await reach(shop, day("2026-07-05") - MICROSECOND)
    assert (await held.read())["status"] == "suspended"
    await reach(shop, day("2026-07-05"))
    assert (await held.read())["status"] == "deleted"
    assert (await held.stored()).status_reason is StatusReason.NOT_REINSTATED


async def test_a_suspended_subscription_is_not_renewed(shop: Shop) -> None:
    held = await hold(shop)
    await reach(shop, day("2026-03-20"))
    ctx, stored = await shop.market.context(), await held.stored()
    pause = partial(service.suspend, ctx=ctx, subscription=stored, reason=StatusReason.PAYMENT_DEFAULT)
    await shop.market.write(pause)
    assert (await held.read())["suspensionReasons"] == ["PaymentDefault"]
    await reach(shop, day("2026-04-02"))
    assert ((await held.read())["status"], (await held.read())["suspensionReasons"]) == (
        "expired",
        ["Expiration"],
    )
    assert await acts(held) == ["activate_subscription", "suspend_subscription", "expire_subscription"]


async def add_to(shop: Shop, base: Held, *, is_active: bool = True) -> Held:
    context = {"parentSubscriptionId": base.id}
    return await hold(shop, "extra", 2, is_active=is_active, provisioningContext=context)


async def test_add_ons_renew_beside_their_base_and_expire_with_it(shop: Shop) -> None:
    base = await hold(shop)
    add_on = await add_to(shop, base)
    await reach(shop, day("2026-04-02"))
    assert await acts(add_on) == await acts(base) == ["activate_subscription", "renew_subscription"]
    await base.change({"autoRenewEnabled": False})
    await reach(shop, day("2026-05-02"))
    assert ((await base.read())["status"], (await add_on.read())["status"]) == ("expired", "expired")
    assert (await acts(add_on))[-1] == "expire_subscription"


async def test_an_add_on_in_the_middle_of_its_term_ends_with_its_base(shop: Shop) -> None:
    base = await hold(shop)
    await reach(shop, day("2026-03-10"))
    add_on = await add_to(shop, base)
    waiting = await add_to(shop, base, is_active=False)
    await base.change({"autoRenewEnabled": False})
    await reach(shop, day("2026-04-02"))
    assert (await base.read())["status"] == "expired"
    for each in (add_on, waiting):
        stored = await each.stored()
        assert (stored.status.value, stored.status_reason) == ("deleted", StatusReason.BASE_EXPIRED)
        assert (stored.ended_at, stored.next_due_at) == (day("2026-04-02"), None)
    await reach(shop, day("2026-06-02"))
    assert (await acts(add_on))[-1] == "cancel_subscription"


async def test_an_add_on_of_what_is_never_activated_goes_with_it(shop: Shop) -> None:
    base = await hold(shop, is_active=False)
    add_on = await add_to(shop, base, is_active=False)
    await reach(shop, shop.market.now + 30 * DAY)
    reasons = [(await each.stored()).status_reason for each in (base, add_on)]
    assert reasons == [StatusReason.NOT_ACTIVATED, StatusReason.BASE_CANCELLED]


async def test_an_add_on_can_end_alone(shop: Shop) -> None:
    base = await hold(shop)
    add_on = await add_to(shop, base)
    await add_on.change({"autoRenewEnabled": False})
    await reach(shop, day("2026-04-02"))
    assert ((await base.read())["status"], (await add_on.read())["status"]) == ("active", "expired")
