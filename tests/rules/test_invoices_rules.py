"""What documents come to, their numbers and dates, and what is owed: the pure rules."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.invoice_books import instant, licence, rates, t18, usage

from comptoir.billing import calendar, invoices, monthly_usage, postings
from comptoir.billing.invoice_model import (
    Content,
    Conversion,
    DocumentState,
    DocumentStatus,
    DocumentType,
    Invoice,
    Party,
    Payment,
    Phase,
    Progress,
    Tally,
    TaxTotal,
)
from comptoir.billing.monthly_usage import RatedDay, Tariff, Term
from comptoir.core.accounts import AccountKind, AccountSettings, TaxMode
from comptoir.core.errors import Code, Refusal
from comptoir.core.instants import from_micros, to_micros

DEFAULT = AccountSettings()
MONTHS = st.integers(2020, 2060).flatmap(
    lambda year: st.integers(1, 12).map(lambda month: year * 100 + month)
)
INSTANTS = st.integers(to_micros(instant("2020-01-01")), to_micros(instant("2060-01-01"))).map(from_micros)


def document(number: int, total: int, **members: Any) -> Invoice:
    base = Invoice(
        account_id="account",
        id=f"G{number:09}",
        month=202506,
        currency="EUR",
        document_type=DocumentType.INVOICE,
        state=DocumentState.ACTIVE,
        status=DocumentStatus.ISSUED,
        amends_id=None,
        issued_at=instant("2025-07-08") + timedelta(days=number),
        line_sequence=0,
        tax_mode=TaxMode.ROW,
        subtotal=total,
        tax=0,
        total=total,
        line_count=1,
        consumption_count=0,
        content=Content(Party("Atelier Lumen")),
    )
    return replace(base, **members)


def payment(number: int, invoice_id: str, amount: int, on: str = "2025-07-20", **members: Any) -> Payment:
    base = Payment(
        id=f"payment-{number}",
        invoice_id=invoice_id,
        amount=amount,
        currency="EUR",
        paid_at=instant(on),
        reference="",
        recorded_at=instant(on) + timedelta(days=1),
    )
    return replace(base, **members)


# Calendar


def test_a_month_closes_on_the_documented_days() -> None:
    assert calendar.month_start(202506) == instant("2025-06-01")
    assert calendar.usage_cutoff(202506, DEFAULT) == instant("2025-07-03")
    assert calendar.invoice_at(202506, DEFAULT) == instant("2025-07-08")
    assert calendar.invoice_at(202512, DEFAULT) == instant("2026-01-08")
    assert calendar.invoice_at(202501, replace(DEFAULT, invoice_day=28)) == instant("2025-02-28")
    assert instant("2025-07-08") + calendar.PAYMENT_TERM == instant("2025-09-06")


@given(MONTHS)
def test_months_follow_each_other(month: int) -> None:
    assert calendar.month_before(calendar.month_after(month)) == month
    assert calendar.month_of(calendar.month_start(month)) == month
    assert calendar.month_of(calendar.month_end(month) - timedelta(microseconds=1)) == month
    assert calendar.month_end(month) == calendar.month_start(calendar.month_after(month))


@pytest.mark.parametrize(
    ("used", "accepted", "month"),
    [
        ("2025-06-29", "2025-06-29T01:00", 202506),
        ("2025-06-30T23:00", "2025-07-01T22:59", 202506),
        ("2025-06-29", "2025-07-02T23:59:59.999999", 202506),
        ("2025-06-29", "2025-07-03", 202507),
        ("2025-06-29", "2025-07-10", 202507),
        ("2025-01-05", "2025-07-02", 202506),
        ("2025-01-05", "2025-07-03", 202507),
        ("2025-12-31", "2026-01-03", 202601),
        ("2025-07-01", "2025-07-01", 202507),
    ],
)
def test_usage_belongs_to_its_month_until_the_cut_off(used: str, accepted: str, month: int) -> None:
    assert calendar.usage_bill_month(instant(used), instant(accepted), DEFAULT) == month


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_usage_is_billed_in_the_earliest_month_that_is_open(used: datetime, delay: timedelta) -> None:
    accepted = used + delay
    month = calendar.usage_bill_month(used, accepted, DEFAULT)
    assert month >= calendar.month_of(used)
    assert accepted < calendar.usage_cutoff(month, DEFAULT)
    earlier = calendar.month_before(month)
    assert earlier < calendar.month_of(used) or accepted >= calendar.usage_cutoff(earlier, DEFAULT)


# Numbers


def test_numbers_are_of_two_sequences() -> None:
    assert invoices.number(AccountKind.PRODUCTION, 410_273) == "G000410273"
    assert invoices.number(AccountKind.SANDBOX, 1) == "T000000001"


# Which month is next


def test_the_earliest_month_with_anything_unbilled_comes_first() -> None:
    assert invoices.first_month({}, {}, {}) is None
    ordered = {"EUR": instant("2025-06-30T23:59:59"), "USD": instant("2025-05-01")}
    assert invoices.first_month(ordered, {}, {}) == (202505, ("USD",))
    assert invoices.first_month(ordered, {"EUR": 202505}, {}) == (202505, ("EUR", "USD"))
    assert invoices.first_month(ordered, {"JPY": 202504}, {}) == (202504, ("JPY",))


def test_a_month_that_is_invoiced_is_not_invoiced_again() -> None:
    ordered = {"EUR": instant("2025-05-30"), "USD": instant("2025-06-30")}
    assert invoices.first_month(ordered, {}, {"EUR": 202505}) == (202506, ("EUR", "USD"))
    assert invoices.first_month(ordered, {"EUR": 202503}, {"EUR": 202512}) == (202506, ("USD",))


@pytest.mark.parametrize(
    ("now", "is_early", "latest"),
    [
        ("2025-07-02T23:59", True, 202505),
        ("2025-07-03", True, 202506),
        ("2025-07-03", False, 202505),
        ("2025-07-08", False, 202506),
        ("2026-01-08", False, 202512),
    ],
)
def test_the_latest_month_that_can_be_closed(now: str, is_early: bool, latest: int) -> None:
    settings = replace(DEFAULT, allow_early_invoices=is_early)
    assert invoices.latest_closable(instant(now), settings) == latest
    invoices.require_closable(latest, instant(now), settings)
    with pytest.raises(Refusal) as refused:
        invoices.require_closable(calendar.month_after(latest), instant(now), settings)
    assert refused.value.code is Code.MONTH_NOT_CLOSABLE


# Tax and totals


def tallies(mode: TaxMode, *lines: tuple[int, str]) -> dict[str, Tally]:
    counting = invoices.Counting(mode)
    for subtotal, rate in lines:
        counting.add(rate, subtotal)
    return counting.tallies


def test_t18_in_both_modes() -> None:
    lines = [(line.subtotal, "0.20") for line in t18()] + [(6771, "0.20")]
    (by_row,) = invoices.tax_totals(TaxMode.ROW, tallies(TaxMode.ROW, *lines))
    (by_document,) = invoices.tax_totals(TaxMode.DOCUMENT, tallies(TaxMode.DOCUMENT, *lines))
    assert by_row == TaxTotal(Decimal("0.2"), 8, 68629, 13725)
    assert by_document == TaxTotal(Decimal("0.2"), 8, 68629, 13726)


def test_one_rate_is_one_total_however_it_is_written() -> None:
    found = invoices.tax_totals(TaxMode.ROW, tallies(TaxMode.ROW, (100, "0.2"), (50, "0.20"), (7, "0")))
    assert found == (TaxTotal(Decimal(0), 1, 7, 0), TaxTotal(Decimal("0.2"), 2, 150, 30))


SUBTOTALS = st.integers(-(10**15), 10**15)
TAX_RATES = st.decimals(0, 1, places=9)


@given(SUBTOTALS, TAX_RATES)
def test_the_fraction_gives_the_tax_of_a_line_in_64_bits(subtotal: int, rate: Decimal) -> None:
    numerator, denominator = invoices.tax_fraction(TaxMode.ROW, rate)
    whole, rest = _divided(subtotal, denominator)
    products = (whole * numerator, rest * numerator)
    assert all(abs(product) < 2**63 for product in products)
    assert products[0] + _divided(products[1], denominator)[0] == invoices.line_tax(
        TaxMode.ROW, subtotal, rate
    )


def _divided(dividend: int, divisor: int) -> tuple[int, int]:
    """As databases divide: cut towards zero, the remainder with the dividend's sign."""
    sign = -1 if dividend < 0 else 1
    whole, rest = divmod(abs(dividend), divisor)
    return sign * whole, sign * rest


@pytest.mark.parametrize("rate", ["-0.1", "1.000000001", "0.0000000001"])
def test_a_tax_rate_is_a_fraction_of_nine_decimals(rate: str) -> None:
    with pytest.raises(AssertionError):
        invoices.tax_fraction(TaxMode.ROW, Decimal(rate))


LINES = st.lists(st.tuples(SUBTOTALS, TAX_RATES.map(str)), max_size=20)


@given(LINES, LINES, st.sampled_from(TaxMode))
def test_pieces_add_up_to_the_whole(
    first: list[tuple[int, str]], second: list[tuple[int, str]], mode: TaxMode
) -> None:
    apart = invoices.added(tallies(mode, *first), tallies(mode, *second))
    assert invoices.tax_totals(mode, apart) == invoices.tax_totals(mode, tallies(mode, *first, *second))


@given(LINES, st.sampled_from(TaxMode))
def test_a_document_sums_up_its_rates(lines: list[tuple[int, str]], mode: TaxMode) -> None:
    progress = Progress(Phase.ISSUE, tallies=tallies(mode, *lines), consumption_count=3)
    draft = document(1, 0, tax_mode=mode, status=DocumentStatus.DRAFT, progress=progress)
    issued = invoices.issued(draft, 17)
    assert issued.subtotal == sum(subtotal for subtotal, _ in lines)
    assert issued.total == issued.subtotal + issued.tax
    assert issued.tax == sum(total.tax for total in issued.content.tax_totals)
    assert (issued.line_count, issued.consumption_count, issued.line_sequence) == (len(lines), 3, 17)
    assert (issued.status, issued.progress) == (DocumentStatus.ISSUED, None)


def test_each_conversion_is_named_once_in_order() -> None:
    june = Conversion("USD", instant("2025-06-01"), Decimal("0.9"), 202506)
    july = Conversion("USD", instant("2025-07-01"), Decimal("0.8"), 202507)
    assert invoices.merged((july,), [june, july]) == (june, july)


# Usage of a month


def day(on: str, quantity: str, **members: Any) -> RatedDay:
    line = usage(1, on, "0.0375", quantity, rates=rates("0.2", "0.917431193"))
    tariff = Tariff(
        "email", "0.0375", "0.0375", "USD", "EUR", "0.917431193", instant("2025-06-01"), 202506, "0.2", ""
    )
    base = RatedDay(
        line.id, "customer", line.subscription_id, on, "product", "0001", line.usage_on, 202506, False,
        Decimal(quantity), tariff,
    )  # fmt: skip
    return base._replace(**members)


TERM = Term("publisher", instant("2025-06-01"), instant("2025-07-01"))
WORKED = [day("2025-06-03", "1200"), day("2025-06-11", "350.5"), day("2025-06-27", "2750.25")]


def test_the_worked_example_of_section_4() -> None:
    (found,) = monthly_usage.grouped(reversed(WORKED))
    line = monthly_usage.line("account", 202506, TERM, found)
    assert line.billable_quantity == Decimal("4300.75")
    assert line.subtotal == 14795
    assert line.subject_id == "2025-06-27"
    assert line.order_date == instant("2025-06-30T23:59:59")
    assert line == monthly_usage.line("account", 202506, TERM, monthly_usage.grouped(WORKED)[0])


@pytest.mark.parametrize(
    "other",
    [
        {"sku_id": "0002"},
        {"is_late": True},
        {"bill_month": 202505},
        {"usage_on": instant("2025-05-31")},
        {"tariff": WORKED[0].tariff._replace(effective_unit_price="0.03")},
        {"tariff": WORKED[0].tariff._replace(exchange_rate="0.9")},
        {"tariff": WORKED[0].tariff._replace(tax_rate="0.1")},
        {"tariff": WORKED[0].tariff._replace(dimension_id="text")},
    ],
)
def test_whatever_belongs_to_the_price_makes_a_line_of_its_own(other: dict[str, Any]) -> None:
    found = monthly_usage.grouped([*WORKED, day("2025-06-30", "1", **other)])
    lines = [monthly_usage.line("account", 202506, TERM, each) for each in found]
    assert sorted(line.billable_quantity for line in lines) == [Decimal(1), Decimal("4300.75")]
    assert len({line.id for line in lines}) == len({line.reference_id for line in lines}) == 2


@given(st.lists(st.decimals("0.00001", 10**6, places=5), min_size=1, max_size=31))
def test_the_days_of_a_line_come_to_what_it_costs_but_for_cut_cents(quantities: list[Decimal]) -> None:
    """The identity of section 4.8."""
    days = [day(f"2025-06-{number % 30 + 1:02}", str(each)) for number, each in enumerate(quantities)]
    (found,) = monthly_usage.grouped(days)
    rate = Decimal("0.917431193")
    exact = sum(
        ((each * Decimal("0.0375")).quantize(Decimal("1e-10")) * rate).quantize(Decimal("1e-10"))
        for each in quantities
    )
    difference = exact - Decimal(monthly_usage.subtotal(found)).scaleb(-2)
    slack = Decimal("0.5e-10") * (1 + rate) * len(quantities)
    assert -slack <= difference < Decimal("0.01") * (1 + rate) + slack


# What is owed


def test_t22_the_balance_leaves_out_what_is_void() -> None:
    void = document(1, 82354, document_type=DocumentType.VOID_NOTE, state=DocumentState.VOID)
    note = document(2, 74229, document_type=DocumentType.ADJUSTMENT_NOTE, amends_id=void.id)
    (balance,) = invoices.balances([void, note], [])
    assert balance.amount == 74229
    assert (balance.first_invoice_at, balance.latest_invoice_at) == (void.issued_at, note.issued_at)


def test_nothing_is_owed_where_there_are_no_documents() -> None:
    draft = document(1, 0, status=DocumentStatus.DRAFT)
    assert invoices.balances([], []) == invoices.balances([draft], []) == []


def test_each_currency_has_its_balance() -> None:
    found = invoices.balances(
        [document(1, 100), document(2, 300, currency="CHF"), document(3, -20)],
        [payment(1, "G000000001", 30), payment(2, "G000000002", 300, "2025-07-21", currency="CHF")],
    )
    assert [(balance.currency, balance.amount) for balance in found] == [("CHF", 0), ("EUR", 50)]
    assert [balance.last_payment_amount for balance in found] == [300, 30]
    assert found[0].accounting_at == instant("2025-07-22")


def test_the_last_payment_is_the_one_paid_last() -> None:
    payments = [payment(1, "G000000001", 5, "2025-08-01"), payment(2, "G000000001", 6, "2025-07-20")]
    (balance,) = invoices.balances([document(1, 100)], payments)
    assert (balance.last_payment_amount, balance.last_payment_at) == (5, instant("2025-08-01"))
    (without,) = invoices.balances([document(1, 100)], [])
    assert (without.last_payment_amount, without.last_payment_at) == (0, None)
    assert without.accounting_at == document(1, 100).issued_at


def test_amendments_stand_inside_what_they_amend() -> None:
    documents = [
        document(3, 1, amends_id="G000000001"),
        document(2, 2),
        document(1, 3),
        document(4, 4, amends_id="G000000001"),
        document(5, 5, status=DocumentStatus.DRAFT),
    ]
    found = invoices.arranged(documents, [payment(1, "G000000004", 4)])
    assert [each.invoice.id for each in found] == ["G000000001", "G000000002"]
    assert [(each.invoice.id, each.paid) for each in found[0].amendments] == [
        ("G000000003", 0),
        ("G000000004", 4),
    ]
    assert found[0].amendments[1].balance == 0


AMOUNTS = st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=10)


@given(AMOUNTS, st.data())
def test_the_balance_is_what_every_document_owes(amounts: Sequence[int], data: st.DataObject) -> None:
    documents = [
        document(number, amount, state=data.draw(st.sampled_from(DocumentState)))
        for number, amount in enumerate(amounts, start=1)
    ]
    payments = [
        payment(number, data.draw(st.sampled_from(documents)).id, data.draw(st.integers(1, 10**6)))
        for number in range(data.draw(st.integers(0, 5)))
    ]
    (balance,) = invoices.balances(documents, payments)
    assert balance.amount == sum(each.balance for each in invoices.arranged(documents, payments))


# Postings


@given(st.integers(-(10**9), 10**9), st.integers(-(10**6), 10**6))
def test_what_is_made_void_moves_everything_back(subtotal: int, tax: int) -> None:
    issued = document(1, subtotal + tax, subtotal=subtotal, tax=tax)
    earned = {"a": subtotal - 7, "b": 7}
    moved = [*postings.of_invoice(issued), *postings.of_void(issued, instant("2025-08-01"), earned)]
    sums: dict[str, int] = {}
    for posting in moved:
        sums[posting.debit] = sums.get(posting.debit, 0) + posting.amount
        sums[posting.credit] = sums.get(posting.credit, 0) - posting.amount
    assert {account: held for account, held in sums.items() if held} == {
        account: held
        for account, held in {
            "unbilled": -subtotal,
            "revenue:a": subtotal - 7,
            "revenue:b": 7,
        }.items()
        if held
    }
    assert len({posting.id for posting in moved}) == len(moved)


def test_a_line_has_nothing_to_do_with_dates_of_others() -> None:
    assert licence(1, "2025-06-11").id != licence(1, "2025-06-12").id
