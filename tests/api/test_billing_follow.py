"""Changes of subscriptions through the real application, and the lines that follow them.

Source: ``30-invoices-billing`` sections 2.5 and 3.2 to 3.10.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from tests.billing_desk import (
    batches,
    forget_exchange_rates,
    give_private_offer,
    lines_of,
    postings,
    set_exchange_rate,
    set_tax_rate,
    subject_of,
)
from tests.market import ADMIN, Json
from tests.order_market import Shop, shop
from tests.subscription_desk import Held, activate, hold, later
from tests.subscription_factory import pending

from comptoir.audit.model import Action
from comptoir.billing import keys
from comptoir.billing import service as billing
from comptoir.billing.model import MARGIN_APPLIED, ChargeType, Line, Subject
from comptoir.subscriptions import service as subscriptions
from comptoir.subscriptions.model import StatusReason, SubscriptionChanged

pytestmark = pytest.mark.anyio
__all__ = ["shop"]

DAY = timedelta(days=1)
BEGAN = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)


def midnight(month: int, day: int, year: int = 2026) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def figures(lines: list[Line]) -> list[tuple[str, int, int]]:
    """Charge type, quantity and subtotal in cents."""
    return [(line.charge_type.value, line.quantity, line.subtotal) for line in lines]


async def in_france(shop: Shop, plan: str = "team") -> Held:
    """A subscription of a customer in France, priced in euros and billed in dollars."""
    customer_id = shop.market.customer("FR", shop.account)
    body = {"billingCycle": "monthly", "lineItems": [shop.line(plan) | {"offerId": shop.item(plan, "FR")}]}
    placed = await shop.market.post(f"/v1/customers/{customer_id}/orders", body)
    assert placed.status_code == 201, placed.text
    await shop.market.work()
    return Abroad(shop, placed.json()["lineItems"][0]["subscriptionId"], customer_id)


class Abroad(Held):
    """A subscription of another customer than the shop's."""

    def __init__(self, shop: Shop, subscription_id: str, customer_id: str) -> None:
        super().__init__(shop, subscription_id)
        self.customer_id = customer_id

    @property
    def path(self) -> str:
        return f"/v1/customers/{self.customer_id}/subscriptions/{self.id}"


# Activation


@pytest.mark.parametrize("account", ["sandbox", "production"])
async def test_what_is_not_activated_costs_nothing(shop: Shop, account: str) -> None:
    shop.account = account
    held = await hold(shop, is_active=False)
    for _ in range(10):
        later(shop, shop.market.now + DAY)
        await shop.market.work()
    assert await lines_of(held) == []
    await held.change({"status": "deleted"})
    assert await lines_of(held) == []
    assert await postings(shop) == []


async def test_the_activation_charges_the_first_cycle(shop: Shop) -> None:
    order = await shop.order(shop.line(quantity=6))
    held = Held(shop, order["lineItems"][0]["subscriptionId"])
    later(shop, BEGAN + 3 * DAY)
    await shop.activate(order)
    (line,) = await lines_of(held)
    assert figures([line]) == [("new", 6, 45_00)]
    assert (line.order_date, line.bill_month) == (BEGAN + 3 * DAY, 202603)
    assert (line.charge_start_at, line.charge_last_day) == (midnight(3, 5), midnight(4, 4))
    assert (line.term_first_day, line.term_last_day) == (midnight(3, 5), midnight(4, 4))
    assert (line.billing_days, line.cycle_days) == (31, 31)
    assert (line.unit_price, line.net_price, line.effective_unit_price) == (Decimal("7.5"),) * 3
    assert (line.currency, line.pricing_currency) == ("USD", "USD")
    assert (str(line.rates.exchange_rate), line.rates.exchange_month) == ("1", 0)
    assert line.rates.exchange_rate_at == midnight(3, 1)
    assert (line.sequence, line.position, line.tax, line.invoice_id) == (1, 0, 0, None)
    assert (line.price_adjustment, line.credit_reason, line.mirrors_id) == ("", "", None)

    account = await shop.market.account()
    product_id, sku_id, availability_id = shop.item().split(":")
    customer = (await shop.market.get(f"/v1/customers/{shop.customer_id}")).json()
    assert await subject_of(held, line) == Subject(
        partner_name=account.company_name,
        mpn_id=account.mpn_id,
        reseller_mpn_id="",
        customer_name=customer["companyProfile"]["companyName"],
        customer_domain=customer["companyProfile"]["domain"],
        customer_country="US",
        order_id=order["id"],
        alternate_id=order["alternateId"],
        product_id=product_id,
        sku_id=sku_id,
        availability_id=availability_id,
        product_name="Desk",
        sku_name="Desk - Team",
        product_qualifiers=(),
        publisher_id="testworks",
        publisher_name="Testworks",
        subscription_description="",
        term_and_billing_cycle="1 Month Subscription",
        billing_frequency="Monthly",
    )


async def test_each_line_has_its_posting_and_each_batch_its_journal_entry(shop: Shop) -> None:
    held = await hold(shop)
    await held.change({"quantity": 8})
    lines = await lines_of(held)
    assert [line.sequence for line in lines] == [1, 2, 3]
    assert [dict(row) for row in await postings(shop)] == [
        {
            "id": line.id,
            "source_kind": "line",
            "source_id": line.id,
            "at": int(line.order_date.timestamp()) * 1_000_000,
            "debit": "unbilled",
            "credit": "revenue:testworks",
            "amount": line.subtotal,
            "currency": "USD",
        }
        for line in sorted(lines, key=lambda line: line.id)
    ]
    entries = await batches(shop)
    assert [entry.at for entry in entries] == [BEGAN, BEGAN]
    digest = keys.digest(lines[1:])
    assert entries[1].after == f'{{"count":2,"digest":"{digest}","firstSequence":2,"lastSequence":3}}'


async def test_a_second_time_nothing_is_written(shop: Shop) -> None:
    held = await hold(shop)
    before = pending(id=held.id, customer_id=shop.customer_id, order_id=(await held.stored()).order_id)
    change = SubscriptionChanged(
        await shop.market.context(), Action.ACTIVATE_SUBSCRIPTION, before, await held.stored()
    )
    first = await lines_of(held)
    await shop.market.write(partial(billing.follow, change=change))
    assert await lines_of(held) == first
    assert len(await postings(shop)) == len(await batches(shop)) == 1


# Seats, names, plans


async def test_seats_added_and_removed(shop: Shop) -> None:
    held = await hold(shop)
    later(shop, BEGAN + 10 * DAY)
    await held.change({"quantity": 9})
    await held.change({"quantity": 4})
    lines = await lines_of(held)
    assert figures(lines) == [
        ("new", 6, 45_00),
        ("addQuantity", 6, -30_48),
        ("addQuantity", 9, 45_72),
        ("removeQuantity", 9, -45_72),
        ("removeQuantity", 4, 20_32),
    ]
    assert {(line.charge_start_at, line.charge_last_day) for line in lines[1:]} == {
        (midnight(3, 12), midnight(4, 1))
    }
    references = [line.reference_id for line in lines]
    assert references[1] == references[2] != references[3] == references[4]
    assert {line.subject_id for line in lines} == {lines[0].subject_id}


async def test_a_refused_change_leaves_no_line(shop: Shop) -> None:
    held = await hold(shop)
    await held.refuse({"quantity": 301}, 400, 2002)
    assert figures(await lines_of(held)) == [("new", 6, 45_00)]


async def test_a_new_name_is_on_later_lines(shop: Shop) -> None:
    held = await hold(shop, termDuration="P1Y")
    await held.change({"friendlyName": "Tacoma"})
    await held.change({"quantity": 7})
    await shop.market.advance("P1M")
    lines = await lines_of(held)
    described = [(await subject_of(held, line)).subscription_description for line in lines]
    assert [line.charge_type for line in lines][0::3] == [ChargeType.NEW, ChargeType.CYCLE_CHARGE]
    assert described == ["", "Tacoma", "Tacoma", "Tacoma"]
    assert [(await subject_of(held, lines[3])).term_and_billing_cycle] == ["1 Year Subscription"]


async def test_another_billing_plan_counts_from_the_next_cycle(shop: Shop) -> None:
    order = await shop.order(shop.line("team", 2, termDuration="P1Y"))
    held = Held(shop, order["lineItems"][0]["subscriptionId"])
    await shop.activate(order)
    monthly = "{termUnit: P1Y, payment: P1M, price: {USD: 7,"
    await shop.republish(monthly, "{termUnit: P1Y, payment: P1Y, price: {USD: 73,")
    reply = await shop.patch(order["id"], {**order, "billingCycle": "annual"})
    assert reply.status_code == 200, reply.text
    await held.change({"quantity": 3})
    await shop.market.advance("P2M")
    lines = await lines_of(held)
    assert figures(lines) == [
        ("new", 2, 14_00),
        ("addQuantity", 2, -14_00),
        ("addQuantity", 3, 21_00),
        ("changeBillingPlan", 3, 200_40),
    ]
    assert (lines[3].charge_start_at, lines[3].charge_last_day) == (midnight(4, 2), midnight(3, 1, 2027))
    assert (lines[3].billing_days, lines[3].cycle_days) == (334, 365)
    frequencies = [(await subject_of(held, line)).billing_frequency for line in lines]
    assert frequencies == ["Monthly", "Monthly", "Monthly", "Annual"]


async def test_what_is_on_hold_is_charged_on(shop: Shop) -> None:
    held = await hold(shop, termDuration="P1Y")
    await shop.market.configure(allow_partner_suspend=True)
    await held.change({"status": "suspended"})
    await shop.market.advance("P20D")
    await held.change({"status": "active"})
    await shop.market.advance("P20D")
    assert figures(await lines_of(held)) == [("new", 6, 42_00), ("cycleCharge", 6, 42_00)]


# Cancellation


async def test_cancelled_inside_the_window_everything_is_taken_back(shop: Shop) -> None:
    held = await hold(shop, termDuration="P1Y")
    await held.change({"quantity": 8})
    later(shop, BEGAN + 14 * DAY - timedelta(microseconds=1))
    await held.change({"status": "deleted", "quantity": 9})
    lines = await lines_of(held)
    assert [line.charge_type for line in lines[3:]] == [ChargeType.CANCEL_IMMEDIATE] * 3
    assert sum(line.subtotal for line in lines) == 0
    assert [line.mirrors_id for line in lines[3:]] == [line.id for line in lines[:3]]
    assert len({line.reference_id for line in lines[3:]}) == 1
    await shop.market.advance("P3M")
    assert [line.id for line in await lines_of(held)] == [line.id for line in lines]


async def test_after_the_window_the_term_is_charged_to_its_end_even_of_a_deleted_customer(shop: Shop) -> None:
    held = await hold(shop, termDuration="P1Y")
    later(shop, BEGAN + 14 * DAY)
    await shop.market.configure(allow_customer_delete=True)
    deleted = await shop.market.delete(f"/v1/customers/{shop.customer_id}")
    assert deleted.status_code == 204, deleted.text
    await shop.market.advance("P2Y")
    lines = await lines_of(held)
    assert [line.charge_type.value for line in lines] == ["new", *["cycleCharge"] * 11]
    assert sum(line.subtotal for line in lines) == 12 * 42_00
    assert lines[-1].charge_last_day == midnight(3, 1, 2027)
    assert (await subject_of(held, lines[-1])).customer_country == "US"


# Time


async def test_cycles_are_charged_as_of_their_beginning(shop: Shop) -> None:
    held = await hold(shop, termDuration="P1Y")
    await shop.market.advance("P65D")
    lines = await lines_of(held)
    assert [(line.charge_type.value, line.order_date) for line in lines] == [
        ("new", BEGAN),
        ("cycleCharge", midnight(4, 2)),
        ("cycleCharge", midnight(5, 2)),
    ]
    assert [line.bill_month for line in lines] == [202603, 202604, 202605]
    assert (lines[1].charge_start_at, lines[1].charge_last_day) == (midnight(4, 2), midnight(5, 1))
    await shop.market.work()
    assert await lines_of(held) == lines


async def test_a_change_that_comes_before_the_worker_charges_the_cycle_first(shop: Shop) -> None:
    held = await hold(shop, termDuration="P1Y")
    later(shop, midnight(5, 2) + timedelta(hours=6))
    await held.change({"quantity": 7})
    lines = await lines_of(held)
    assert [(line.charge_type.value, line.quantity) for line in lines] == [
        ("new", 6),
        ("cycleCharge", 6),
        ("cycleCharge", 6),
        ("addQuantity", 6),
        ("addQuantity", 7),
    ]
    assert [line.order_date for line in lines[1:3]] == [midnight(4, 2), midnight(5, 2)]
    assert {line.billing_days for line in lines[3:]} == {31}
    await shop.market.work()
    assert [line for line in await lines_of(held) if line.invoice_id is None][-2:] == lines[-2:]


async def test_a_renewal_costs_what_the_day_says(shop: Shop) -> None:
    held = await hold(shop)
    await shop.republish()
    later(shop, midnight(4, 2) + timedelta(hours=9))
    await shop.market.work()
    lines = await lines_of(held)
    assert figures(lines) == [("new", 6, 45_00), ("renew", 6, 51_00)]
    assert lines[1].order_date == lines[1].charge_start_at == lines[1].term_start_at == midnight(4, 2)
    assert lines[1].term_last_day == midnight(5, 1)


async def test_without_renewal_nothing_follows(shop: Shop) -> None:
    held = await hold(shop)
    await held.change({"autoRenewEnabled": False})
    await shop.market.advance("P3M")
    assert (await held.read())["status"] == "expired"
    assert figures(await lines_of(held)) == [("new", 6, 45_00)]


# Trials


async def test_a_trial_turns_into_a_paid_subscription(shop: Shop) -> None:
    held = await hold(shop, "team trial")
    await shop.market.advance("P2M")
    lines = await lines_of(held)
    assert figures(lines) == [("new", 6, 0), ("renew", 6, 45_00), ("renew", 6, 45_00)]
    subjects = [await subject_of(held, line) for line in lines]
    assert [each.subscription_description for each in subjects] == ["Free trial", "Paid subscription", ""]
    assert [each.product_qualifiers for each in subjects] == [("Trial",), (), ()]
    assert [each.billing_frequency for each in subjects] == ["", "Monthly", "Monthly"]
    assert subjects[0].term_and_billing_cycle == "One-Month commitment for trial"


async def test_a_trial_ended_early_and_one_given_up(shop: Shop) -> None:
    held, other = await hold(shop, "team trial"), await hold(shop, "team trial")
    later(shop, BEGAN + 12 * DAY)
    (conversion,) = (await shop.market.get(f"{held.path}/conversions", user=ADMIN)).json()["items"]
    await shop.market.post(f"{held.path}/conversions", conversion, user=ADMIN)
    lines = await lines_of(held)
    assert figures(lines) == [("new", 6, 0), ("renew", 6, 45_00)]
    assert (lines[1].charge_start_at, lines[1].charge_last_day) == (midnight(3, 14), midnight(4, 13))
    await other.change({"status": "deleted"})
    assert figures(await lines_of(other)) == [("new", 6, 0), ("cancelImmediate", 6, 0)]


# Prices, currencies, tax


@pytest.mark.parametrize(
    ("terms", "net", "subtotal"), [({"margin": "0.2"}, "6", 36_00), ({"price": "6.25"}, "6.25", 37_50)]
)
async def test_a_private_offer_counts_from_the_order_on(
    shop: Shop, terms: dict[str, str], net: str, subtotal: int
) -> None:
    await give_private_offer(shop, shop.item(), BEGAN - DAY, BEGAN + DAY, **terms)
    order = await shop.order(shop.line())
    held = Held(shop, order["lineItems"][0]["subscriptionId"])
    later(shop, BEGAN + 5 * DAY)
    await shop.activate(order)
    await held.change({"quantity": 7})
    await shop.market.advance("P1M")
    lines = await lines_of(held)
    assert [str(line.net_price) for line in lines] == [net, net, net, "7.5"]
    assert [line.price_adjustment for line in lines] == [*[MARGIN_APPLIED] * 3, ""]
    assert {line.unit_price for line in lines} == {Decimal("7.5")}
    assert lines[0].subtotal == subtotal


async def test_a_private_offer_holds_for_what_follows_a_trial(shop: Shop) -> None:
    await give_private_offer(shop, shop.item(), BEGAN, margin="0.2")
    held = await hold(shop, "team trial")
    await shop.market.advance("P1M")
    assert [line.net_price for line in await lines_of(held)] == [0, 6]


async def test_prices_of_another_currency_are_converted_at_the_rate_of_the_month(shop: Shop) -> None:
    await set_exchange_rate(shop, "EUR", 202603, "1.16")
    await set_exchange_rate(shop, "EUR", 202604, "1.2")
    held = await in_france(shop)
    assert (await shop.market.post(f"{held.path}/activate")).status_code == 200
    later(shop, midnight(4, 1) + timedelta(hours=9))
    await held.change({"quantity": 8})
    await shop.market.advance("P1D")
    lines = await lines_of(held)
    assert [line.charge_type.value for line in lines] == ["new", "addQuantity", "addQuantity", "renew"]
    assert [str(line.rates.exchange_rate) for line in lines] == ["1.16", "1.16", "1.16", "1.2"]
    assert [line.rates.exchange_rate_at for line in lines] == [*[midnight(3, 1)] * 3, midnight(4, 1)]
    assert [line.rates.exchange_month for line in lines] == [*[202603] * 3, 202604]
    assert {(line.pricing_currency, line.currency) for line in lines} == {("EUR", "USD")}
    assert lines[0].subtotal == 8_41 * 6
    assert lines[3].subtotal == 8_70 * 8


async def test_the_last_known_rate_stands_for_a_month_without_one(shop: Shop) -> None:
    await forget_exchange_rates(shop, "EUR")
    await set_exchange_rate(shop, "EUR", 202511, "1.1")
    held = await in_france(shop)
    assert (await shop.market.post(f"{held.path}/activate")).status_code == 200
    (line,) = await lines_of(held)
    assert (str(line.rates.exchange_rate), line.rates.exchange_month) == ("1.1", 202511)
    assert line.rates.exchange_rate_at == midnight(3, 1)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_prices_that_cannot_be_converted_are_not_activated(shop: Shop, method: str) -> None:
    await forget_exchange_rates(shop, "EUR")
    held = await in_france(shop)
    headers = {"MS-PartnerCenter-Client": "Partner Center PowerShell"} if method == "GET" else None
    reply = await shop.market.call(method, f"{held.path}/activate", headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (400, 800024), reply.text
    assert "EUR" in reply.json()["description"]
    assert (await held.read())["status"] == "pending"
    assert await lines_of(held) == []
    await set_exchange_rate(shop, "EUR", 202603, "1.16")
    assert (await shop.market.call(method, f"{held.path}/activate", headers=headers)).status_code == 200


async def test_tax_is_that_of_the_partner_on_the_day_of_the_charge(shop: Shop) -> None:
    await set_tax_rate(shop, "0.05", midnight(1, 1))
    await set_tax_rate(shop, "0.06", midnight(4, 2))
    held = await hold(shop)
    await held.change({"quantity": 7})
    await shop.market.advance("P1M")
    assert [str(line.rates.tax_rate) for line in await lines_of(held)] == ["0.05", "0.05", "0.05", "0.06"]


async def test_a_partner_that_is_exempt_pays_no_tax(shop: Shop) -> None:
    await set_tax_rate(shop, "0.05", midnight(1, 1))
    await shop.market.configure(tax_exempt=True)
    held = await hold(shop)
    assert [line.rates.tax_rate for line in await lines_of(held)] == [0]


# Several at once


async def test_an_add_on_says_so_and_ends_with_its_base(shop: Shop) -> None:
    base = shop.line("team", 6)
    order = await shop.order({**base, "addOnItems": []}, shop.line("extra", 2, 1))
    await activate(shop, order)
    held, add_on = (Held(shop, line["subscriptionId"]) for line in order["lineItems"])
    (line,) = await lines_of(add_on)
    assert (await subject_of(add_on, line)).product_qualifiers == ("AddOn",)
    await held.change({"status": "deleted"})
    assert [sum(line.subtotal for line in await lines_of(each)) for each in (held, add_on)] == [0, 0]


async def test_what_was_set_up_before_there_were_books_is_left_alone(shop: Shop) -> None:
    held = await hold(shop, is_active=False)
    await held.rewrite(**await _set_up(held))
    await held.change({"quantity": 7})
    ctx = await shop.market.context()
    subscription = await held.stored()
    await shop.market.write(
        lambda tx: subscriptions.cancel(tx, ctx, subscription, StatusReason.ORDER_CANCELLED)
    )
    assert await lines_of(held) == []


async def _set_up(held: Held) -> Json:
    """What an activation writes into a subscription."""
    other = await hold(held.shop)
    active = await other.stored()
    names = ("status", "started_at", "anchored_at", "term_start_at", "term_end_at", "refund_until")
    return {name: getattr(active, name) for name in names}
