"""What counts as what, what lines say, and how they are explained."""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.billing_history import History, flat_rates, instant, plan, private_offer, trial
from tests.subscription_factory import context, customer, offer, pending

from comptoir.billing import cents, charging, explaining, following, keys, subjects
from comptoir.billing.following import Happening
from comptoir.billing.model import ChargeType, Line, LineKind, Subject
from comptoir.catalog.model import BillingCycle
from comptoir.core.money import Rate
from comptoir.core.terms import Duration
from comptoir.subscriptions import rules
from comptoir.subscriptions.model import Status, StatusReason, Subscription

DAY = timedelta(days=1)
ORDERED = instant("2026-03-02")
NOW = instant("2026-03-20T12:00")
SETTINGS = context().account.settings


def active(**changes: Any) -> Subscription:
    return replace(rules.activated(pending(), None, SETTINGS, instant("2026-03-05")), **changes)


# What happened


def test_what_no_money_follows_from() -> None:
    waiting, running = pending(), active()
    unnamed = replace(running, version=9)
    suspended = rules.suspended(running, StatusReason.SUSPENDED_BY_PARTNER, NOW)
    for before, after in [
        (waiting, rules.cancelled(waiting, StatusReason.CANCELLED_BY_PARTNER, NOW)),
        (waiting, replace(waiting, friendly_name="Another", quantity=3)),
        (running, unnamed),
        (running, replace(running, auto_renew=False)),
        (running, replace(running, next_quantity=2)),
        (running, suspended),
        (suspended, rules.reinstated(suspended)),
        (running, rules.expired(running, NOW)),
    ]:
        assert following.happening(before, after) is Happening.NOTHING, after


def test_what_money_follows_from() -> None:
    running, free = active(), active(is_trial=True)
    other = offer(sku_id="0009")
    year = plan("90", "P1Y", BillingCycle.ONE_TIME)
    for before, after, expected in [
        (pending(), running, Happening.ACTIVATED),
        (running, replace(running, quantity=3), Happening.RESIZED),
        (running, replace(running, friendly_name="Another"), Happening.DESCRIBED),
        (running, replace(running, partner_mpn_id="4000123"), Happening.DESCRIBED),
        (running, replace(running, billing_cycle=BillingCycle.ANNUAL), Happening.DESCRIBED),
        (running, rules.cancelled(running, StatusReason.CANCELLED_BY_PARTNER, NOW), Happening.CANCELLED),
        (running, rules.plan_changed(running, other, plan("9"), SETTINGS, NOW), Happening.CONVERTED),
        (running, rules.plan_changed(running, other, year, SETTINGS, NOW), Happening.REPLANNED),
        (running, rules.renewed_early(running, year, SETTINGS, NOW), Happening.REPLANNED),
        (free, rules.converted(free, plan("9"), SETTINGS, NOW), Happening.RENEWED),
        (running, replace(running, term_start_at=running.term_end_at), Happening.RENEWED),
    ]:
        assert following.happening(before, after) is expected, after


def test_of_several_changes_at_once_the_first_counts() -> None:
    running = active()
    gone = rules.cancelled(replace(running, quantity=3), StatusReason.CANCELLED_BY_PARTNER, NOW)
    assert following.happening(running, gone) is Happening.CANCELLED
    renamed = replace(running, quantity=3, friendly_name="Another")
    assert following.happening(running, renamed) is Happening.RESIZED


def test_a_term_may_begin_at_the_instant_of_another_while_the_clock_stands_still() -> None:
    history = History(sold=lambda _: plan("18"))
    history.start("2025-05-15T10:00", trial(), 5, is_trial=True)
    history.convert(instant("2025-05-15T10:00"), plan("18"))
    history.change_plan(instant("2025-05-15T10:00"), plan("100", "P1Y", BillingCycle.ONE_TIME))
    history.cancel(instant("2025-05-15T10:00"))
    charge_types = [line.charge_type.value for line in history.lines]
    assert charge_types[:4] == ["new", "renew", "convert", "convert"]
    assert sum(line.subtotal for line in history.lines) == 0


@pytest.mark.parametrize(
    ("late", "refunded"),
    [(timedelta(microseconds=-1), True), (timedelta(0), False), (timedelta(microseconds=1), False)],
)
@pytest.mark.parametrize(("term", "window"), [("P1M", DAY), ("P1Y", 14 * DAY), ("P3Y", 14 * DAY)])
def test_the_window_by_term(term: str, window: timedelta, late: timedelta, refunded: bool) -> None:
    began = instant("2026-03-05T17:00")
    running = rules.activated(pending(term=Duration.parse(term)), None, SETTINGS, began)
    assert following.is_refunded(running, began + window + late) is refunded
    assert following.is_refunded(replace(running, is_trial=True), began + 20 * DAY)


def test_the_window_opens_again_with_a_renewal() -> None:
    for late, expected in ((timedelta(microseconds=1), 2), (timedelta(0), 1)):
        history = History()
        history.start("2025-04-02T15:20", plan("12.50"), 10)
        history.cancel(instant("2025-05-03") - late)
        renewed = [line for line in history.lines if line.term_first_day == instant("2025-05-02")]
        assert len(renewed) == expected
        assert sum(line.subtotal for line in renewed) == (0 if expected == 2 else 125_00)
        assert history.lines[0].subtotal == 125_00


def figures(lines: Iterable[Line]) -> list[tuple[str, str, str, int]]:
    """Charge type, first day, days of the cycle's and subtotal in cents."""
    return [
        (
            line.charge_type.value,
            f"{line.charge_start_at:%Y-%m-%d}",
            f"{line.billing_days}/{line.cycle_days}",
            line.subtotal,
        )
        for line in lines
    ]


def test_another_plan_that_is_paid_by_longer_cycles_than_the_running_one() -> None:
    other = plan("2200", "P1Y", BillingCycle.ANNUAL)
    history = History(sold=lambda _: other)
    history.start("2026-03-01", plan("100", "P1Y"), 1)
    history.pay_by(instant("2026-03-03"), plan("1100", "P1Y", BillingCycle.ANNUAL))
    history.change_plan(instant("2026-03-06"), other)
    history.until(instant("2027-03-01"))
    assert figures(history.lines) == [
        ("new", "2026-03-01", "31/31", 100_00),
        ("convert", "2026-03-06", "26/31", -83_87),
        ("convert", "2026-03-06", "360/365", 2169_86),
        ("renew", "2027-03-01", "366/366", 2200_00),
    ]


def test_another_plan_that_is_paid_by_shorter_cycles_than_the_running_one() -> None:
    history = History()
    history.start("2026-01-31", plan("1000", "P1Y", BillingCycle.ANNUAL), 1)
    history.pay_by(instant("2026-02-03"), plan("100", "P1Y"))
    history.change_plan(instant("2026-03-05"), plan("200", "P1Y"))
    history.until(instant("2026-04-30"))
    assert figures(history.lines) == [
        ("new", "2026-01-31", "365/365", 1000_00),
        ("convert", "2026-03-05", "332/365", -909_58),
        ("convert", "2026-03-05", "26/31", 167_74),
        ("cycleCharge", "2026-03-31", "30/30", 200_00),
        ("cycleCharge", "2026-04-30", "31/31", 200_00),
    ]
    assert len({line.term_start_at for line in history.lines}) == 1


def test_a_plan_that_is_paid_by_other_cycles_opens_with_the_rates_of_its_day() -> None:
    january, february = flat_rates("1", "0.1"), flat_rates("1.1", "0.2")
    history = History(rates=lambda currency, at: (january if at.month == 1 else february)(currency, at))
    history.start("2026-01-31", plan("1000", "P1Y", BillingCycle.ANNUAL), 1)
    history.pay_by(instant("2026-02-03"), plan("100", "P1Y"))
    history.change_plan(instant("2026-02-05"), plan("200", "P1Y"))
    _, wiped, charged = history.lines
    assert (wiped.rates.tax_rate, charged.rates.tax_rate) == (Decimal("0.1"), Decimal("0.2"))


def test_a_renewal_before_its_time_gives_the_rest_back_and_is_charged_as_one() -> None:
    history = History()
    history.start("2026-03-01", plan("100"), 2)
    history.renew_now(instant("2026-03-20"), plan("110"))
    history.until(instant("2026-04-20"))
    assert figures(history.lines) == [
        ("new", "2026-03-01", "31/31", 200_00),
        ("convert", "2026-03-20", "12/31", -77_40),
        ("renew", "2026-03-20", "31/31", 220_00),
        ("renew", "2026-04-20", "30/30", 200_00),
    ]


# Prices


@pytest.mark.parametrize(
    ("terms", "net", "named"),
    [
        ({"margin": "0.125"}, "35", True),
        ({"margin": "0"}, "40", False),
        ({"margin": "1"}, "0", True),
        ({"price": "33.3"}, "33.3", True),
        ({"price": "40.00"}, "40", False),
    ],
)
def test_a_private_offer(terms: dict[str, str], net: str, named: bool) -> None:
    price = charging.price_of(Rate(Decimal("40.00"), "USD"), private_offer(**terms))
    assert (str(price.listed), str(price.net), bool(price.adjustment)) == ("40", net, named)


@pytest.mark.parametrize(
    ("pricing", "billing", "expected"),
    [("1", "1.09", "0.917431193"), ("1", "1", "1"), ("1.0968", "0.0066832", "164.112999761")],
)
def test_an_exchange_rate_has_9_decimals(pricing: str, billing: str, expected: str) -> None:
    assert cents.exchange_rate(Decimal(pricing), Decimal(billing)) == Decimal(expected)


@pytest.mark.parametrize(
    ("net", "days", "expected"),
    [
        ("99999.99999999996", (1, 1), "100000"),
        ("100000.00000000005", (1, 1), "100000"),
        ("123456.1234567895", (1, 1), "123456.12345679"),
        ("9999999999999999.5", (1, 1), "10000000000000000"),
        ("0.00000000005", (1, 1), "0.0000000001"),
        ("0.00000000005", (1, 2), "0"),
        ("2", (1, 3), "0.6666666667"),
    ],
)
def test_digits_of_a_unit_price(net: str, days: tuple[int, int], expected: str) -> None:
    assert format(cents.effective_unit_price(Decimal(net), *days), "f") == expected


@pytest.mark.parametrize("text", ["0", "-0.00", "1E+3", "100", "0.10", "-2.50"])
def test_a_number_has_one_form(text: str) -> None:
    found = cents.plain(Decimal(text))
    assert found == Decimal(text)
    assert str(found) in {"0", "1000", "100", "0.1", "-2.5"}


# What lines say


def licence(subscription: Subscription, **changes: Any) -> Subject:
    ctx = context()
    sold = offer(product_title="Tideline Backup")
    around = subjects.Surroundings(ctx.account, customer(), "a81c5e09d274", sold)
    return subjects.of_licence(subscription, replace(around, **changes))


@pytest.mark.parametrize(
    ("term", "cycle", "text", "frequency"),
    [
        ("P1M", BillingCycle.MONTHLY, "1 Month Subscription", "Monthly"),
        ("P1M", BillingCycle.ONE_TIME, "1 Month Subscription", "Monthly"),
        ("P1Y", BillingCycle.MONTHLY, "1 Year Subscription", "Monthly"),
        ("P1Y", BillingCycle.ANNUAL, "1 Year Subscription", "Annual"),
        ("P1Y", BillingCycle.ONE_TIME, "1 Year Subscription", ""),
        ("P2Y", BillingCycle.ANNUAL, "2 Year Subscription", "Annual"),
        ("P3Y", BillingCycle.TRIENNIAL, "3 Year Subscription", ""),
        ("P6M", BillingCycle.MONTHLY, "6 Month Subscription", "Monthly"),
        ("P14D", BillingCycle.ONE_TIME, "14 Day Subscription", ""),
    ],
)
def test_term_and_frequency(term: str, cycle: BillingCycle, text: str, frequency: str) -> None:
    about = licence(pending(term=Duration.parse(term), billing_cycle=cycle))
    assert (about.term_and_billing_cycle, about.billing_frequency) == (text, frequency)


def test_a_trial_says_so() -> None:
    about = licence(pending(is_trial=True, friendly_name="Tideline Backup - Team"))
    assert about.product_qualifiers == ("Trial",)
    assert about.term_and_billing_cycle == "One-Month commitment for trial"
    assert (about.subscription_description, about.billing_frequency) == ("Free trial", "")


def test_a_name_that_somebody_gave_goes_first() -> None:
    assert licence(pending()).subscription_description == "Backup for the Lyon office"
    assert licence(pending(is_trial=True)).subscription_description == "Backup for the Lyon office"


def test_a_product_that_the_catalogue_has_lost_goes_by_its_id() -> None:
    assert licence(pending()).product_name == "Tideline Backup"
    assert licence(pending(), offer=None).product_name == pending().product_id


def test_usage_speaks_of_its_meter() -> None:
    meter = subjects.Meter("team", "scans", "Scans", "per 100 scans")
    about = subjects.of_usage(licence(pending(is_trial=True)), meter)
    assert about.meter_name == "Tideline Backup - Tideline Backup - Team - Scans"
    assert (about.plan_id, about.dimension_id) == ("team", "scans")
    assert about.unit_of_measure == about.term_and_billing_cycle == "per 100 scans"
    assert (about.product_qualifiers, about.billing_frequency) == ((), "")


def test_after_a_trial_the_plan_that_is_sold_is_another() -> None:
    free = offer(is_trial=True, renews_to_sku="P:S")
    bought = pending()
    assert subjects.plan_sold(bought, free) == ("P", "S")
    assert subjects.plan_sold(replace(bought, is_trial=True), free) == (bought.product_id, bought.sku_id)
    assert subjects.plan_sold(bought, offer()) == (bought.product_id, bought.sku_id)
    assert subjects.plan_sold(bought, None) == (bought.product_id, bought.sku_id)


# Ids


def test_ids_are_version_5_guids_of_their_key() -> None:
    name = "\x1f".join(("line", "a", "s", "version:2", "0"))
    assert keys.line_id("a", "s", "version:2", 0) == str(uuid.uuid5(keys.NAMESPACE, name))
    others = {keys.line_id("a", "s", "version:2", 1), keys.line_id("a", "s", "version:20", 0)}
    assert len({*others, keys.line_id("a", "s", "version:2", 0), keys.reference_id("a", "s", "x")}) == 4


def test_the_digest_sees_every_member() -> None:
    history = History()
    history.start("2025-06-18", plan("10.08"), 10)
    (line,) = history.lines
    rates = replace(line.rates, tax_rate=Decimal("0.1"))
    changed = [
        replace(line, quantity=11),
        replace(line, subtotal=1),
        replace(line, rates=rates),
        replace(line, order_date=line.order_date + DAY),
        replace(line, price_adjustment="x"),
        replace(line, mirrors_id="y"),
    ]
    digests = {keys.digest([each]) for each in [line, *changed]}
    assert len(digests) == 7
    assert keys.digest([replace(line, tax=5, invoice_id="G000000001")]) == keys.digest([line])
    assert keys.digest(history.lines * 2) != keys.digest(history.lines)


# Explanations


def explained(line: Line) -> dict[str, tuple[str, str]]:
    """Formula and section of each step, by name."""
    steps = explaining.explained(line, licence(pending()))
    assert all(step.text for step in steps)
    return {step.name: (step.formula, step.section) for step in steps}


def test_a_seat_change_explained() -> None:
    history = History("EUR", flat_rates("0.9", "0.2"), private_offer=private_offer("0.125"))
    history.start("2025-07-20", plan("40"), 7)
    history.seats(instant("2025-08-08"), 9)
    wipe = history.lines[1]
    steps = explained(wipe)
    assert list(steps) == [
        "event",
        "period",
        "price",
        "effectiveUnitPrice",
        "exchangeRate",
        "subtotal",
        "taxTotal",
        "totalForCustomer",
    ]
    assert steps["effectiveUnitPrice"] == ("-RHU(35 x 12 / 31) = -13.5483870968", "3.4")
    assert steps["exchangeRate"] == ("0.9", "3.9")
    assert steps["subtotal"] == ("-RD(13.5483870968 x 0.9, 2) x 7 = -85.33 EUR", "3.4")
    assert steps["taxTotal"] == ("0", "3.10")
    assert steps["totalForCustomer"] == ("-85.33 + 0.00 = -85.33", "3.4")
    billed = explained(replace(wipe, invoice_id="G000000001", tax=-17_06))
    assert billed["taxTotal"] == ("RD(-85.33 x 0.2, 2) = -17.06", "3.10")
    assert billed["totalForCustomer"] == ("-85.33 + -17.06 = -102.39", "3.4")
    at_once = explained(replace(wipe, invoice_id="G000000001", tax=0))
    assert at_once["taxTotal"] == ("0.00", "3.10")


def test_texts_of_an_explanation() -> None:
    history = History("EUR", flat_rates("0.9"), private_offer=private_offer("0.125"))
    history.start("2025-07-20T10:00", plan("40"), 7)
    line = replace(history.lines[0], rates=replace(history.lines[0].rates, exchange_month=202505))
    texts = {step.name: step.text for step in explaining.explained(line, licence(pending()))}
    assert texts["event"] == (
        "The subscription was activated, and its first cycle charged whole. 2025-07-20T10:00:00Z, "
        "Tideline Backup Tideline Backup - Team."
    )
    assert texts["period"] == "2025-07-20 to 2025-08-19: 31 of the 31 days of a whole cycle."
    assert texts["price"] == "The list price of one unit is 40 USD, that of the private offer 35."
    assert texts["exchangeRate"] == "No rate of 202507 was known: that of 202505 was taken."


def test_a_refund_explained() -> None:
    history = History(rates=flat_rates(tax="0.19"))
    history.start("2025-10-07T10:00", plan("34.50"), 3)
    history.cancel(instant("2025-10-08T05:59"))
    steps = explained(history.lines[1])
    assert list(steps) == ["event", "subtotal", "taxTotal", "totalForCustomer"]
    assert steps["event"] == ("", "3.7")
    assert steps["subtotal"] == ("-103.50", "3.6")


def usage_line() -> Line:
    history = History("EUR", flat_rates("0.846202666", "0.20"))
    history.start("2025-11-01", plan("0.0125"), 1)
    return replace(
        history.lines[0],
        kind=LineKind.USAGE,
        billing_days=0,
        cycle_days=0,
        billable_quantity=Decimal("12345.678"),
        effective_unit_price=Decimal("0.0125"),
        subtotal=130_58,
    )


def test_usage_explained() -> None:
    line = usage_line()
    steps = explained(line)
    assert steps["event"] == ("", "4")
    assert steps["effectiveUnitPrice"] == ("RHU(0.0125) = 0.0125", "3.4")
    assert steps["subtotal"] == ("RD(RD(0.0125 x 12345.678, 2) x 0.846202666, 2) = 130.58 EUR", "3.4")
    assert explaining.recomputed(line) == explaining.Recomputed(Decimal("0.0125"), 130_58, 26_11)


def test_a_credit_stands_by_itself() -> None:
    history = History()
    history.start("2025-07-20", plan("40"), 7)
    line = replace(
        history.lines[0],
        charge_type=ChargeType.CUSTOMER_CREDIT,
        effective_unit_price=Decimal("-1.555"),
        subtotal=-10_85,
        credit_reason="An outage",
    )
    assert explaining.recomputed(line) == explaining.Recomputed(Decimal("-1.555"), -10_85, 0)
    assert explained(line)["effectiveUnitPrice"] == ("-1.555", "3.4")


@pytest.mark.parametrize("charge_type", ChargeType)
def test_every_charge_type_has_an_explanation(charge_type: ChargeType) -> None:
    text, section = explaining.EVENTS[charge_type]
    assert text.endswith(".")
    assert section.startswith(("3.", "4"))


def test_a_cancelled_subscription_costs_nothing_in_any_status() -> None:
    suspended = rules.suspended(active(), StatusReason.SUSPENDED_BY_PARTNER, NOW)
    gone = rules.cancelled(suspended, StatusReason.NOT_REINSTATED, NOW)
    assert gone.status is Status.DELETED
    assert following.happening(suspended, gone) is Happening.CANCELLED
