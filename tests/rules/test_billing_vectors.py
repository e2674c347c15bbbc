"""The test vectors T01 to T21 of ``30-invoices-billing`` section 6, as far as they are about single lines.

The tables are the contract's: charge type, first and last day, days of cycle, unit price, effective unit
price, billable quantity, subtotal and, where there are more columns, tax and total.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.billing_history import History, billed, flat_rates, instant, plan, private_offer, trial

from comptoir.billing import cents
from comptoir.billing.model import MARGIN_APPLIED, ChargeType, Line
from comptoir.catalog.model import BillingCycle
from comptoir.subscriptions.model import Status

MONTHLY, ANNUAL, ONE_TIME = BillingCycle.MONTHLY, BillingCycle.ANNUAL, BillingCycle.ONE_TIME


def table(text: str) -> list[list[str]]:
    """The rows of a table as the contract prints it."""
    return [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in text.strip().splitlines()]


def printed(lines: Iterable[Line], columns: int = 8) -> list[list[str]]:
    """Lines in the form of the contract's tables."""
    rows = []
    for line in lines:
        subtotal, tax, total = billed(line)
        row = [
            line.charge_type.value,
            f"{line.charge_start_at:%Y-%m-%d}",
            f"{line.charge_last_day:%Y-%m-%d}",
            f"{line.billing_days}/{line.cycle_days}",
            str(line.unit_price),
            str(line.effective_unit_price),
            str(line.billable_quantity),
            str(subtotal),
            str(tax),
            str(total),
        ]
        rows.append(row[:columns])
    return rows


def invoice(lines: Iterable[Line], month: int) -> Decimal:
    """What a month's lines add up to, tax included."""
    return sum((billed(line)[2] for line in lines if line.bill_month == month), Decimal(0))


def assert_common(lines: Iterable[Line]) -> None:
    """What holds for the lines of one event."""
    (reference,) = {line.reference_id for line in lines}
    assert reference
    assert [line.position for line in lines] == list(range(len(list(lines))))


def test_t01_t02_per_seat_purchase_and_renewal_at_a_new_price() -> None:
    history = History(sold=lambda _: plan("13.00"))
    history.order(instant("2025-03-28"), plan("12.50"), 10)
    history.until(instant("2025-04-02T15:00"))
    assert history.lines == []
    history.activate(instant("2025-04-02T15:20"))
    first = table("| new | 2025-04-02 | 2025-05-01 | 30/30 | 12.5 | 12.5 | 10 | 125.00 |")
    assert printed(history.lines) == first
    (line,) = history.lines
    assert (line.order_date, line.bill_month) == (instant("2025-04-02T15:20"), 202504)
    assert (line.term_first_day, line.term_last_day) == (instant("2025-04-02"), instant("2025-05-01"))

    history.until(instant("2025-05-31"))
    renewal = table("| renew | 2025-05-02 | 2025-06-01 | 31/31 | 13 | 13 | 10 | 130.00 |")
    assert printed(history.lines) == first + renewal
    assert (history.lines[1].order_date, history.lines[1].bill_month) == (instant("2025-05-02"), 202505)
    assert history.lines[1].term_last_day == instant("2025-06-01")
    assert invoice(history.lines, 202503) == 0
    assert invoice(history.lines, 202504) == Decimal("125.00")
    assert invoice(history.lines, 202505) == Decimal("130.00")


def test_t03_annual_term_billed_monthly_from_the_end_of_january() -> None:
    history = History()
    history.start("2025-01-31", plan("30.00", "P1Y"), 4)
    history.until(instant("2026-01-30T23:59"))
    assert printed(history.lines) == table("""
        | new | 2025-01-31 | 2025-02-27 | 28/28 | 30 | 30 | 4 | 120.00 |
        | cycleCharge | 2025-02-28 | 2025-03-30 | 31/31 | 30 | 30 | 4 | 120.00 |
        | cycleCharge | 2025-03-31 | 2025-04-29 | 30/30 | 30 | 30 | 4 | 120.00 |
        | cycleCharge | 2025-04-30 | 2025-05-30 | 31/31 | 30 | 30 | 4 | 120.00 |
        | cycleCharge | 2025-05-31 | 2025-06-29 | 30/30 | 30 | 30 | 4 | 120.00 |
        | cycleCharge | 2025-06-30 | 2025-07-30 | 31/31 | 30 | 30 | 4 | 120.00 |
        | cycleCharge | 2025-07-31 | 2025-08-30 | 31/31 | 30 | 30 | 4 | 120.00 |
        | cycleCharge | 2025-08-31 | 2025-09-29 | 30/30 | 30 | 30 | 4 | 120.00 |
        | cycleCharge | 2025-09-30 | 2025-10-30 | 31/31 | 30 | 30 | 4 | 120.00 |
        | cycleCharge | 2025-10-31 | 2025-11-29 | 30/30 | 30 | 30 | 4 | 120.00 |
        | cycleCharge | 2025-11-30 | 2025-12-30 | 31/31 | 30 | 30 | 4 | 120.00 |
        | cycleCharge | 2025-12-31 | 2026-01-30 | 31/31 | 30 | 30 | 4 | 120.00 |
    """)
    assert [invoice(history.lines, 202500 + month) for month in range(1, 13)] == [Decimal("120.00")] * 12
    assert {(line.term_first_day, line.term_last_day) for line in history.lines} == {
        (instant("2025-01-31"), instant("2026-01-30"))
    }
    assert all(line.order_date == line.charge_start_at for line in history.lines)
    assert len({line.reference_id for line in history.lines}) == 12


def test_t04_annual_upfront_in_a_leap_year_with_tax() -> None:
    history = History(rates=flat_rates(tax="0.08875"))
    history.start("2024-02-10", plan("1200.00", "P1Y", ONE_TIME), 1)
    history.until(instant("2025-02-09T23:59"))
    assert printed(history.lines, 10) == table(
        "| new | 2024-02-10 | 2025-02-09 | 366/366 | 1200 | 1200 | 1 | 1200.00 | 106.50 | 1306.50 |"
    )
    history.until(instant("2025-02-10"))
    assert [line.charge_type for line in history.lines] == [ChargeType.NEW, ChargeType.RENEW]


def test_t05_seats_added_within_a_year() -> None:
    history = History()
    history.start("2025-04-01", plan("120.00", "P1Y", ONE_TIME), 10)
    history.seats(instant("2025-07-10T11:40"), 15)
    assert printed(history.lines) == table("""
        | new | 2025-04-01 | 2026-03-31 | 365/365 | 120 | 120 | 10 | 1200.00 |
        | addQuantity | 2025-07-10 | 2026-03-31 | 265/365 | 120 | -87.1232876712 | 10 | -871.20 |
        | addQuantity | 2025-07-10 | 2026-03-31 | 265/365 | 120 | 87.1232876712 | 15 | 1306.80 |
    """)
    assert_common(history.lines[1:])
    assert history.lines[0].reference_id != history.lines[1].reference_id
    assert invoice(history.lines, 202504) == Decimal("1200.00")
    assert invoice(history.lines, 202507) == Decimal("435.60")


def test_t06_seats_added_within_a_month() -> None:
    history = History()
    history.start("2025-06-18", plan("10.08"), 10)
    history.seats(instant("2025-06-20"), 12)
    assert printed(history.lines) == table("""
        | new | 2025-06-18 | 2025-07-17 | 30/30 | 10.08 | 10.08 | 10 | 100.80 |
        | addQuantity | 2025-06-20 | 2025-07-17 | 28/30 | 10.08 | -9.408 | 10 | -94.00 |
        | addQuantity | 2025-06-20 | 2025-07-17 | 28/30 | 10.08 | 9.408 | 12 | 112.80 |
    """)
    assert invoice(history.lines, 202506) == Decimal("119.60")


def test_t07_seats_reduced_inside_the_window() -> None:
    history = History()
    history.start("2025-09-18", plan("99.00", "P1Y", ONE_TIME), 12)
    history.seats(instant("2025-09-24"), 8)
    assert printed(history.lines) == table("""
        | new | 2025-09-18 | 2026-09-17 | 365/365 | 99 | 99 | 12 | 1188.00 |
        | removeQuantity | 2025-09-24 | 2026-09-17 | 359/365 | 99 | -97.3726027397 | 12 | -1168.44 |
        | removeQuantity | 2025-09-24 | 2026-09-17 | 359/365 | 99 | 97.3726027397 | 8 | 778.96 |
    """)
    assert invoice(history.lines, 202509) == Decimal("798.52")


def test_t08_seats_reduced_outside_the_window() -> None:
    history = History()
    history.start("2025-04-01", plan("96.00", "P1Y", ONE_TIME), 20)
    history.seats(instant("2025-11-15"), 16)
    assert printed(history.lines[1:]) == table("""
        | removeQuantity | 2025-11-15 | 2026-03-31 | 137/365 | 96 | -36.0328767123 | 20 | -720.60 |
        | removeQuantity | 2025-11-15 | 2026-03-31 | 137/365 | 96 | 36.0328767123 | 16 | 576.48 |
    """)
    assert invoice(history.lines, 202511) == Decimal("-144.12")


def test_t08_a_reduction_put_off_to_the_next_term_costs_nothing_before() -> None:
    history = History()
    history.start("2025-04-01", plan("96.00", "P1Y", ONE_TIME), 20)
    history.subscription = replace(history.subscription, next_quantity=16)
    history.until(instant("2026-04-01"))
    assert printed(history.lines[1:]) == table(
        "| renew | 2026-04-01 | 2027-03-31 | 365/365 | 96 | 96 | 16 | 1536.00 |"
    )


def test_t09_cancelled_within_a_day() -> None:
    history = History(rates=flat_rates(tax="0.19"))
    history.start("2025-10-07T10:00", plan("34.50"), 3)
    history.cancel(instant("2025-10-08T05:59"))
    history.until(instant("2026-02-01"))
    assert printed(history.lines, 10) == table("""
        | new | 2025-10-07 | 2025-11-06 | 31/31 | 34.5 | 34.5 | 3 | 103.50 | 19.66 | 123.16 |
        | cancelImmediate | 2025-10-07 | 2025-11-06 | 31/31 | 34.5 | -34.5 | 3 | -103.50 | -19.66 | -123.16 |
    """)
    assert history.lines[1].order_date == instant("2025-10-08T05:59")
    assert history.lines[1].mirrors_id == history.lines[0].id
    assert invoice(history.lines, 202510) == 0


@pytest.mark.parametrize("late", [timedelta(0), timedelta(microseconds=1), timedelta(days=3)])
def test_t09_cancelled_when_the_day_is_over(late: timedelta) -> None:
    history = History(rates=flat_rates(tax="0.19"))
    history.start("2025-10-07T10:00", plan("34.50"), 3)
    history.cancel(instant("2025-10-08T10:00") + late)
    history.until(instant("2026-02-01"))
    assert [line.charge_type for line in history.lines] == [ChargeType.NEW]
    assert invoice(history.lines, 202510) == Decimal("123.16")


def test_t10_cancelled_within_two_weeks_after_a_seat_change() -> None:
    history = History()
    history.start("2025-08-25", plan("240.00", "P1Y", ONE_TIME), 5)
    history.seats(instant("2025-08-30"), 7)
    history.cancel(instant("2025-09-04"))
    assert printed(history.lines) == table("""
        | new | 2025-08-25 | 2026-08-24 | 365/365 | 240 | 240 | 5 | 1200.00 |
        | addQuantity | 2025-08-30 | 2026-08-24 | 360/365 | 240 | -236.7123287671 | 5 | -1183.55 |
        | addQuantity | 2025-08-30 | 2026-08-24 | 360/365 | 240 | 236.7123287671 | 7 | 1656.97 |
        | cancelImmediate | 2025-08-25 | 2026-08-24 | 365/365 | 240 | -240 | 5 | -1200.00 |
        | cancelImmediate | 2025-08-30 | 2026-08-24 | 360/365 | 240 | 236.7123287671 | 5 | 1183.55 |
        | cancelImmediate | 2025-08-30 | 2026-08-24 | 360/365 | 240 | -236.7123287671 | 7 | -1656.97 |
    """)
    assert_common(history.lines[3:])
    assert [line.mirrors_id for line in history.lines[3:]] == [line.id for line in history.lines[:3]]
    assert invoice(history.lines, 202508) == Decimal("1673.42")
    assert invoice(history.lines, 202509) == Decimal("-1673.42")


def test_t11_cancelled_after_the_window_the_term_is_charged_to_its_end() -> None:
    history = History()
    history.start("2025-02-14", plan("75.00", "P1Y"), 1)
    history.cancel(instant("2025-03-26"))
    assert history.subscription.status is Status.DELETED
    history.until(instant("2027-01-01"))
    assert printed(history.lines[:4]) == table("""
        | new | 2025-02-14 | 2025-03-13 | 28/28 | 75 | 75 | 1 | 75.00 |
        | cycleCharge | 2025-03-14 | 2025-04-13 | 31/31 | 75 | 75 | 1 | 75.00 |
        | cycleCharge | 2025-04-14 | 2025-05-13 | 30/30 | 75 | 75 | 1 | 75.00 |
        | cycleCharge | 2025-05-14 | 2025-06-13 | 31/31 | 75 | 75 | 1 | 75.00 |
    """)
    assert printed(history.lines[-1:]) == table(
        "| cycleCharge | 2026-01-14 | 2026-02-13 | 31/31 | 75 | 75 | 1 | 75.00 |"
    )
    assert len(history.lines) == 12
    assert sum(line.subtotal for line in history.lines) == 900_00


def test_t12_a_trial_that_converts_by_itself() -> None:
    history = History(sold=lambda _: plan("18.00"))
    history.start("2025-05-15", trial(), 5, is_trial=True)
    history.until(instant("2025-06-30"))
    assert printed(history.lines) == table("""
        | new | 2025-05-15 | 2025-06-14 | 31/31 | 0 | 0 | 5 | 0.00 |
        | renew | 2025-06-15 | 2025-07-14 | 30/30 | 18 | 18 | 5 | 90.00 |
    """)
    assert invoice(history.lines, 202505) == 0
    assert invoice(history.lines, 202506) == Decimal("90.00")


def test_t12_a_trial_that_is_cancelled() -> None:
    history = History(sold=lambda _: plan("18.00"))
    history.start("2025-05-15", trial(), 5, is_trial=True)
    history.cancel(instant("2025-06-10"))
    history.until(instant("2025-08-30"))
    assert printed(history.lines[1:]) == table(
        "| cancelImmediate | 2025-05-15 | 2025-06-14 | 31/31 | 0 | 0 | 5 | 0.00 |"
    )


def test_t13_another_plan_within_the_cycle() -> None:
    gold = plan("80.00")
    history = History(sold=lambda _: gold)
    history.start("2025-03-01", plan("45.00"), 1)
    history.change_plan(instant("2025-03-13"), gold)
    history.until(instant("2025-04-01"))
    assert printed(history.lines) == table("""
        | new | 2025-03-01 | 2025-03-31 | 31/31 | 45 | 45 | 1 | 45.00 |
        | convert | 2025-03-13 | 2025-03-31 | 19/31 | 45 | -27.5806451613 | 1 | -27.58 |
        | convert | 2025-03-13 | 2025-03-31 | 19/31 | 80 | 49.0322580645 | 1 | 49.03 |
        | renew | 2025-04-01 | 2025-04-30 | 30/30 | 80 | 80 | 1 | 80.00 |
    """)
    assert_common(history.lines[1:3])
    silver, wiped, recreated, _ = (line.subject_id for line in history.lines)
    assert silver == wiped != recreated
    assert invoice(history.lines, 202503) == Decimal("66.45")


@pytest.mark.parametrize(
    ("price", "seats", "wiped"),
    [
        ("500.00", 1, "| convert | 2025-03-13 | 2025-03-31 | 19/31 | 500 | -306.4516129032 | 1 | -306.45 |"),
        ("20.00", 25, "| convert | 2025-03-13 | 2025-03-31 | 19/31 | 20 | -12.2580645161 | 25 | -306.25 |"),
    ],
)
def test_t14_a_flat_rate_and_seats_of_the_same_value(price: str, seats: int, wiped: str) -> None:
    history = History()
    history.start("2025-03-01", plan(price), seats)
    history.change_plan(instant("2025-03-13"), plan("80.00"))
    assert history.lines[0].subtotal == 500_00
    assert printed(history.lines[1:2]) == table(wiped)


@pytest.mark.parametrize(
    ("price", "units", "subtotal"), [("1", "23.5", 23_50), ("0.05", "137", 6_85), ("0.05", "41", 2_05)]
)
def test_t15_t19_metered_usage(price: str, units: str, subtotal: int) -> None:
    unit_price = cents.usage_unit_price(Decimal(price))
    assert unit_price == Decimal(price)
    assert cents.usage_subtotal(unit_price, Decimal(units), Decimal(1), "USD", "USD") == subtotal


def test_t16_another_currency_and_tax() -> None:
    rates = flat_rates("0.846202666", "0.20")
    seats, flat = History("EUR", rates), History("EUR", rates)
    seats.start("2025-11-04", plan("10.08"), 25)
    flat.start("2025-11-10", plan("49.00"), 1)
    assert printed([*seats.lines, *flat.lines], 10) == table("""
        | new | 2025-11-04 | 2025-12-03 | 30/30 | 10.08 | 10.08 | 25 | 213.00 | 42.60 | 255.60 |
        | new | 2025-11-10 | 2025-12-09 | 30/30 | 49 | 49 | 1 | 41.46 | 8.29 | 49.75 |
    """)
    usage = cents.usage_subtotal(
        cents.usage_unit_price(Decimal("0.0125")),
        Decimal("12345.678"),
        Decimal("0.846202666"),
        "USD",
        "EUR",
    )
    assert (usage, cents.tax(usage, Decimal("0.20"))) == (130_58, 26_11)
    assert seats.lines[0].rates.exchange_rate_at == instant("2025-11-01")


def test_t17_a_private_offer_and_seats_added_in_the_next_month() -> None:
    july, august = flat_rates("1", "0.1"), flat_rates("1.1", "0.2")
    history = History(
        "USD",
        rates=lambda currency, at: (july if at.month == 7 else august)(currency, at),
        private_offer=private_offer(margin="0.125"),
    )
    history.start("2025-07-20", plan("40.00"), 7)
    history.seats(instant("2025-08-08"), 9)
    assert printed(history.lines) == table("""
        | new | 2025-07-20 | 2025-08-19 | 31/31 | 40 | 35 | 7 | 245.00 |
        | addQuantity | 2025-08-08 | 2025-08-19 | 12/31 | 40 | -13.5483870968 | 7 | -94.78 |
        | addQuantity | 2025-08-08 | 2025-08-19 | 12/31 | 40 | 13.5483870968 | 9 | 121.86 |
    """)
    assert {line.rates for line in history.lines} == {july("USD", instant("2025-07-20"))}
    assert {line.price_adjustment for line in history.lines} == {MARGIN_APPLIED}
    assert sum(line.subtotal for line in history.lines if line.bill_month == 202508) == 27_08
    history.rates = july
    history.until(instant("2025-08-20"))
    assert history.lines[-1].subtotal == 315_00


def test_t18_one_invoice_for_several_customers() -> None:
    rates = flat_rates("1", "0.20")
    a, b, c, d = (History("EUR", rates) for _ in range(4))
    a.start("2025-06-11", plan("14.95", currency="EUR"), 6)
    a.seats(instant("2025-06-21"), 9)
    b.start("2025-01-02", plan("499.00", "P1Y", currency="EUR"), 1)
    b.until(instant("2025-06-30"))
    c.start("2025-06-20", trial("EUR"), 3, is_trial=True)
    d.start("2025-06-09T08:00", plan("59.90", currency="EUR"), 2)
    d.cancel(instant("2025-06-10T07:00"))
    lines = [line for history in (a, b, c, d) for line in history.lines if line.bill_month == 202506]
    assert printed(lines, 10) == table("""
    | new | 2025-06-11 | 2025-07-10 | 30/30 | 14.95 | 14.95 | 6 | 89.70 | 17.94 | 107.64 |
    | addQuantity | 2025-06-21 | 2025-07-10 | 20/30 | 14.95 | -9.9666666667 | 6 | -59.76 | -11.95 | -71.71 |
    | addQuantity | 2025-06-21 | 2025-07-10 | 20/30 | 14.95 | 9.9666666667 | 9 | 89.64 | 17.92 | 107.56 |
    | cycleCharge | 2025-06-02 | 2025-07-01 | 30/30 | 499 | 499 | 1 | 499.00 | 99.80 | 598.80 |
    | new | 2025-06-20 | 2025-07-19 | 30/30 | 0 | 0 | 3 | 0.00 | 0.00 | 0.00 |
    | new | 2025-06-09 | 2025-07-08 | 30/30 | 59.9 | 59.9 | 2 | 119.80 | 23.96 | 143.76 |
    | cancelImmediate | 2025-06-09 | 2025-07-08 | 30/30 | 59.9 | -59.9 | 2 | -119.80 | -23.96 | -143.76 |
    """)
    usage = cents.usage_subtotal(Decimal("0.037"), Decimal("1830.25"), Decimal(1), "EUR", "EUR")
    usage_tax = cents.tax(usage, Decimal("0.20"))
    assert (usage, usage_tax) == (67_71, 13_54)
    subtotal = sum(line.subtotal for line in lines) + usage
    tax = sum(cents.tax(line.subtotal, line.rates.tax_rate) for line in lines) + usage_tax
    assert (subtotal, tax) == (686_29, 137_25)
    assert cents.document_tax(subtotal, Decimal("0.20")) == 137_26


def test_t20_a_currency_without_minor_unit() -> None:
    history = History("JPY", flat_rates("151.237", "0.10"))
    history.start("2025-02-03", plan("12.34"), 3)
    assert printed(history.lines, 10) == table(
        "| new | 2025-02-03 | 2025-03-02 | 28/28 | 12.34 | 12.34 | 3 | 5598 | 559 | 6157 |"
    )


@pytest.mark.parametrize(
    ("price", "days", "unit_price", "quantity", "subtotal"),
    [
        ("10.08", (29, 31), "9.4296774194", 10, 94_20),
        ("10.08", (23, 30), "7.728", 300, 2316_00),
        ("6.43", (23, 30), "4.9296666667", 300, 1476_00),
        ("10.08", (23, 30), "7.728", 100, 772_00),
        ("6.43", (23, 30), "4.9296666667", 100, 492_00),
    ],
)
def test_t21_documented_values(
    price: str, days: tuple[int, int], unit_price: str, quantity: int, subtotal: int
) -> None:
    found = cents.effective_unit_price(Decimal(price), *days)
    assert found == Decimal(unit_price)
    assert cents.licence_subtotal(found, Decimal(1), quantity, "USD") == subtotal
    assert cents.licence_subtotal(found, Decimal(1), quantity, "USD", -1) == -subtotal
    assert cents.licence_subtotal(cents.negated(found), Decimal(1), quantity, "USD") == -subtotal


def test_section_4_a_month_of_metered_days() -> None:
    fx, price = Decimal("0.917431193"), Decimal("0.0375")
    days = [cents.daily_totals(price, Decimal(units), fx) for units in ("1200", "350.5", "2750.25")]
    assert [str(priced) for priced, _ in days] == ["45", "13.14375", "103.134375"]
    assert [str(billed) for _, billed in days] == ["41.284403685", "12.058486243", "94.6186926956"]
    assert cents.usage_subtotal(price, Decimal("4300.75"), fx, "USD", "EUR") == 147_95
