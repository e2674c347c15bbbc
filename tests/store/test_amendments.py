"""Billing documents anew, crediting them and paying them, on both engines."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.invoice_books import Ledger, amount, instant, licence, open_ledger, rates, t18, t18_usage

from comptoir.audit import service as audit
from comptoir.billing import service_amending as amending
from comptoir.billing import service_documents as documents
from comptoir.billing import service_invoices
from comptoir.billing.amending import LineCorrection, LineCredit, Rebill
from comptoir.billing.invoice_model import (
    BilledDocument,
    Correction,
    DocumentState,
    DocumentType,
    Invoice,
    Party,
    Payment,
)
from comptoir.billing.invoices import PaymentNote
from comptoir.billing.model import ChargeType, Line, LineDraft, LineKind
from comptoir.core.errors import Code, Refusal
from comptoir.db import Database, sql

pytestmark = pytest.mark.anyio

# Numbers are the installation's.
SET_NUMBER = sql("""
    INSERT INTO instance (name, value) VALUES ('invoice_number_G', :value)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
""")
ORIGINAL = "G000410273"
AMENDED_ON = "2025-07-20"


@pytest.fixture
async def billed(database: Database) -> Ledger:
    """The invoice of test vectors T18 and T22, with its number."""
    ledger = await open_ledger(database)
    await ledger.subscribe(2)
    await ledger.write(t18())
    await ledger.use(t18_usage())
    await _count_to(ledger, 410_272)
    await ledger.work_until("2025-07-08")
    await _count_to(ledger, 410_310)
    ledger.now = instant(AMENDED_ON)
    return ledger


async def _count_to(ledger: Ledger, number: int) -> None:
    """Have documents been issued elsewhere, the last with this number."""
    await ledger.database.write(lambda tx: tx.run(SET_NUMBER, value=str(number)))


async def rebill(
    ledger: Ledger, *corrections: LineCorrection, invoice: str = ORIGINAL, **members: Any
) -> Invoice:
    """Bill anew and do the work."""
    wanted = Rebill(members.pop("reason", "wrong usage"), corrections, **members)
    note = await ledger.database.write(lambda tx: amending.rebill(tx, ledger.context, invoice, wanted))
    await ledger.work_until(AMENDED_ON)
    return note


async def correct(ledger: Ledger, line: str | int, invoice: str = ORIGINAL, **members: Any) -> LineCorrection:
    """The correction of one line, by its number or id."""
    return LineCorrection("lines[0]", await find(ledger, line, invoice), Correction(**members))


async def find(ledger: Ledger, line: str | int, invoice: str = ORIGINAL) -> Any:
    found = await ledger.document(invoice)
    return await ledger.database.read(lambda tx: amending.find_line(tx, found.invoice, str(line)))


async def credit(ledger: Ledger, *wanted: tuple[int, str], invoice: str = ORIGINAL) -> Invoice:
    given_back = [
        LineCredit(f"lines[{number}]", await find(ledger, line, invoice), Decimal(per_unit))
        for number, (line, per_unit) in enumerate(wanted)
    ]
    return await ledger.database.write(
        lambda tx: amending.credit(tx, ledger.context, invoice, given_back, "Downtime in June")
    )


async def pay(
    ledger: Ledger, units: str, on: str = "2025-07-10", invoice: str = ORIGINAL, reference: str = "SEPA 1"
) -> Payment:
    note = PaymentNote(Decimal(units), instant(on), reference)
    return await ledger.database.write(lambda tx: documents.record_payment(tx, ledger.context, invoice, note))


def amounts(document: BilledDocument) -> tuple[str, str]:
    invoice = document.invoice
    return amount(invoice.total, invoice.currency), amount(document.paid, invoice.currency)


# Rebill


async def test_t22_a_rebill_without_a_line(billed: Ledger) -> None:
    note = await rebill(billed, await correct(billed, 8, leave_out=True))
    original = await billed.document(ORIGINAL)
    assert (original.invoice.document_type, original.invoice.state) == (
        DocumentType.VOID_NOTE,
        DocumentState.VOID,
    )
    assert amounts(original)[0] == "823.54"
    (amendment,) = original.amendments
    assert amendment.invoice.id == note.id == "G000410311"
    assert (amendment.invoice.document_type, amendment.invoice.amends_id) == (
        DocumentType.ADJUSTMENT_NOTE,
        ORIGINAL,
    )
    assert amounts(amendment)[0] == "742.29"
    assert await billed.owed() == {"EUR": "742.29"}
    assert [each.invoice.id for each in await billed.documents()] == [ORIGINAL]


async def test_the_note_has_copies_of_the_lines_and_the_void_document_keeps_its_own(billed: Ledger) -> None:
    before = await billed.lines(ORIGINAL)
    note = await rebill(billed, await correct(billed, 1, leave_out=True))
    assert await billed.lines(ORIGINAL) == before
    copies = await billed.lines(note.id)
    assert len(copies) == 7
    assert not {line.id for line in copies} & {line.id for line in before}
    ours = {"id", "sequence", "invoice_id"}
    assert [_without(line, ours) for line in copies] == [_without(line, ours) for line in before[1:]]
    assert len(await billed.days(note.id)) == len(await billed.days(ORIGINAL)) == 2
    assert {day["line_id"] for day in await billed.days(note.id)} == {copies[-1].id}


def _without(line: Any, members: set[str]) -> dict[str, Any]:
    return {name: getattr(line, name) for name in _MEMBERS if name not in members}


_MEMBERS = ("id", "sequence", "invoice_id", "order_date", "subtotal", "tax", "billable_quantity", "rates")


async def test_usage_that_is_left_out_takes_its_days_along(billed: Ledger) -> None:
    note = await rebill(billed, await correct(billed, 8, leave_out=True))
    assert await billed.days(note.id) == []
    amendment = await billed.document(note.id)
    assert (amendment.invoice.line_count, amendment.invoice.consumption_count) == (7, 0)


async def test_price_quantity_and_tax_of_a_line_are_reckoned_anew(billed: Ledger) -> None:
    lines = [
        await correct(billed, 4, unit_price=Decimal("12.00")),  # 6 seats of customer A
        await correct(billed, 6, quantity=Decimal(5)),  # the wipe of them
        await correct(billed, 1, tax_rate=Decimal("0.10")),
    ]
    note = await rebill(billed, *lines)
    copies = await billed.lines(note.id)
    assert [(line.subtotal, line.tax) for line in (copies[3], copies[5], copies[0])] == [
        (7200, 1440),
        (-4980, -996),
        (49900, 4990),
    ]
    assert (copies[3].unit_price, copies[3].net_price) == (Decimal(12), Decimal(12))
    assert (copies[5].quantity, copies[5].billable_quantity) == (5, Decimal(5))
    totals = (await billed.document(note.id)).invoice.content.tax_totals
    assert [(total.rate, total.line_count) for total in totals] == [(Decimal("0.1"), 1), (Decimal("0.2"), 7)]


async def test_another_tax_rate_for_everything_and_another_recipient(billed: Ledger) -> None:
    recipient = Party("Lumen SAS", city="Rennes", country="FR")
    note = await rebill(billed, tax_rate=Decimal("0.1"), bill_to=recipient, purchase_order="PO 7")
    document = (await billed.document(note.id)).invoice
    assert (document.subtotal, document.tax) == (68629, 6863)
    assert (document.content.bill_to, document.content.purchase_order) == (recipient, "PO 7")
    assert document.content.reason == "wrong usage"
    assert (await billed.document(ORIGINAL)).invoice.content.bill_to.name == "Atelier Lumen"


async def test_what_was_paid_counts_for_the_note(billed: Ledger) -> None:
    await pay(billed, "800.00")
    note = await rebill(billed, await correct(billed, 8, leave_out=True))
    original = await billed.document(ORIGINAL)
    assert amounts(original)[1] == "0.00"
    assert amounts(original.amendments[0]) == ("742.29", "800.00")
    assert await billed.owed() == {"EUR": "-57.71"}
    assert note.id == original.amendments[0].invoice.id


async def test_a_rebill_moves_its_postings_and_nothing_else(billed: Ledger) -> None:
    await billed.write([licence(5, "2025-07-11", "10", 1)])
    await rebill(billed, await correct(billed, 8, leave_out=True))
    sums = await billed.sums()
    assert (sums["receivable"], sums["unbilled"], sums["tax"]) == (74229, 1000, -12371)
    assert sum(held for account, held in sums.items() if account.startswith("revenue:")) == -61858 - 1000
    assert sum(sums.values()) == 0


async def test_a_rebill_in_small_steps_comes_to_the_same(
    billed: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_invoices, "EFFORT_MAX", 1)
    note = await rebill(billed, await correct(billed, 2, leave_out=True))
    assert len(await billed.lines(note.id)) == 7
    assert len(await billed.days(note.id)) == 2
    assert amounts(await billed.document(note.id))[0] == "679.78"


async def test_until_the_note_is_issued_the_document_stays_as_it_is(billed: Ledger) -> None:
    wanted = Rebill("too early to tell")
    note = await billed.database.write(lambda tx: amending.rebill(tx, billed.context, ORIGINAL, wanted))
    assert await billed.owed() == {"EUR": "823.54"}
    assert (await billed.document(ORIGINAL)).amendments == ()
    assert await _refusal(billed, documents.require, note.id) is Code.INVOICE_NOT_FOUND
    assert await _rebill_refused(billed) is Code.INVOICE_IN_WORK


async def test_an_adjustment_note_can_be_billed_anew_in_its_turn(billed: Ledger) -> None:
    first = await rebill(billed, await correct(billed, 8, leave_out=True))
    second = await rebill(billed, await correct(billed, 1, first.id, leave_out=True), invoice=first.id)
    original = await billed.document(ORIGINAL)
    assert [each.invoice.id for each in original.amendments] == [first.id, second.id]
    assert [each.invoice.document_type for each in original.amendments] == [
        DocumentType.VOID_NOTE,
        DocumentType.ADJUSTMENT_NOTE,
    ]
    assert await billed.owed() == {"EUR": "143.49"}


async def test_a_document_without_any_line_left_is_just_void(billed: Ledger) -> None:
    everything = [await correct(billed, number, leave_out=True) for number in range(1, 9)]
    note = await rebill(billed, *everything)
    assert amounts(await billed.document(note.id)) == ("0.00", "0.00")
    assert await billed.owed() == {"EUR": "0.00"}
    assert "receivable" not in await billed.sums()


@pytest.mark.parametrize(
    ("line", "members", "member"),
    [
        (1, {}, "lines[0]"),
        (1, {"leave_out": True, "quantity": Decimal(2)}, "lines[0]"),
        (8, {"quantity": Decimal(2)}, "lines[0]"),
        (8, {"unit_price": Decimal(2)}, "lines[0]"),
        (1, {"quantity": Decimal("1.5")}, "lines[0].quantity"),
        (1, {"quantity": Decimal(0)}, "lines[0].quantity"),
        (1, {"quantity": Decimal("NaN")}, "lines[0].quantity"),
        (1, {"unit_price": Decimal(-1)}, "lines[0].unitPrice"),
        (1, {"unit_price": Decimal("Infinity")}, "lines[0].unitPrice"),
        (1, {"unit_price": Decimal("0.00000000001")}, "lines[0].unitPrice"),
        (5, {"unit_price": Decimal(1)}, "lines[0].unitPrice"),
        (1, {"tax_rate": Decimal("1.1")}, "lines[0].taxRate"),
        (1, {"tax_rate": Decimal("0.0000000001")}, "lines[0].taxRate"),
    ],
)
async def test_corrections_that_make_no_sense_are_refused(
    billed: Ledger, line: int, members: dict[str, Any], member: str
) -> None:
    correction = await correct(billed, line, **members)
    with pytest.raises(Refusal) as refused:
        await rebill(billed, correction)
    assert (refused.value.code, refused.value.facts["member"]) == (Code.INVALID_PROPERTY, member)


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"reason": " "}, "reason"),
        ({"reason": "a\nb"}, "reason"),
        ({"reason": "a" * 501}, "reason"),
        ({"tax_rate": Decimal(-1)}, "taxRate"),
        ({"purchase_order": "\0"}, "purchaseOrder"),
        ({"bill_to": Party("Lumen", city="Ren\nnes")}, "billTo.city"),
    ],
)
async def test_a_rebill_that_makes_no_sense_is_refused(
    billed: Ledger, members: dict[str, Any], member: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await rebill(billed, **members)
    assert (refused.value.code, refused.value.facts["member"]) == (Code.INVALID_PROPERTY, member)


async def test_a_line_is_corrected_once(billed: Ledger) -> None:
    twice = [await correct(billed, 1, leave_out=True), await correct(billed, 1, quantity=Decimal(2))]
    with pytest.raises(Refusal, match="INVALID_PROPERTY"):
        await rebill(billed, *twice)


@pytest.mark.parametrize("line", ["0", "9", "-1", "١", "1.0", "", "99999999999", "no-such-line"])
async def test_a_line_that_is_not_there_is_not_found(billed: Ledger, line: str) -> None:
    with pytest.raises(Refusal) as refused:
        await find(billed, line)
    assert refused.value.code is Code.LINE_NOT_FOUND


async def test_a_line_goes_by_its_id_in_any_case(billed: Ledger) -> None:
    line = (await billed.lines(ORIGINAL))[2]
    assert await find(billed, line.id.upper()) == line == await find(billed, 3)


# Credit


async def test_a_credit_note_gives_back_and_leaves_the_invoice(billed: Ledger) -> None:
    """One euro for each seat of customer A, a tenth of the units of customer B."""
    note = await credit(billed, (7, "1"), (8, "0.0037"))
    original = await billed.document(ORIGINAL)
    assert (original.invoice.document_type, original.invoice.state) == (
        DocumentType.INVOICE,
        DocumentState.ACTIVE,
    )
    (amendment,) = original.amendments
    assert (amendment.invoice.id, amendment.invoice.amends_id) == (note.id, ORIGINAL)
    assert amendment.invoice.document_type is DocumentType.ADJUSTMENT_NOTE
    seats, usage_line = sorted(await billed.lines(note.id), key=lambda line: line.kind)
    assert {seats.charge_type, usage_line.charge_type} == {ChargeType.CUSTOMER_CREDIT}
    assert (seats.quantity, seats.billable_quantity) == (9, Decimal(9))
    assert seats.effective_unit_price == Decimal(-1)
    assert (seats.subtotal, seats.tax, seats.credit_reason) == (-900, -180, "Downtime in June")
    assert (usage_line.billable_quantity, usage_line.effective_unit_price) == (
        Decimal("1830.25"),
        Decimal("-0.0037"),
    )
    assert (usage_line.subtotal, usage_line.tax) == (-677, -135)
    assert (seats.unit_price, seats.kind) == (Decimal("14.95"), LineKind.LICENCE)
    assert seats.mirrors_id == (await billed.lines(ORIGINAL))[6].id
    assert amounts(amendment)[0] == "-18.92"
    assert await billed.owed() == {"EUR": "804.62"}
    assert (await billed.sums())["receivable"] == 80462


async def test_credits_of_a_line_add_up_to_what_it_cost_at_most(billed: Ledger) -> None:
    await credit(billed, (1, "400"))
    with pytest.raises(Refusal) as refused:
        await credit(billed, (1, "99.01"))
    assert refused.value.facts["member"] == "lines[0].perUnit"
    assert "at most 99." in refused.value.description
    await credit(billed, (1, "99"))
    assert await billed.owed() == {"EUR": "224.74"}


@pytest.mark.parametrize("per_unit", ["0", "-1", "499.01", "NaN", "0.00000000001"])
async def test_credits_that_make_no_sense_are_refused(billed: Ledger, per_unit: str) -> None:
    with pytest.raises(Refusal) as refused:
        await credit(billed, (1, per_unit))
    assert (refused.value.code, refused.value.facts["member"]) == (Code.INVALID_PROPERTY, "lines[0].perUnit")


@pytest.mark.parametrize("line", [3, 5, 6])
async def test_what_cost_nothing_is_not_credited(billed: Ledger, line: int) -> None:
    with pytest.raises(Refusal, match="INVALID_PROPERTY"):
        await credit(billed, (line, "0.01"))


async def test_what_was_refunded_is_not_credited(billed: Ledger) -> None:
    """Whether the refund is billed (customer D) or not yet (customer B), and after a rebill of the line."""
    bought = await find(billed, 1)
    await billed.write([refund_of(bought)])
    for line in (1, 2):
        assert await _credit_refused(billed, (line, "0.01")) == "lines[0].perUnit"
    note = await rebill(billed, await correct(billed, 1, unit_price=Decimal(510)))
    assert await _credit_refused(billed, (2, "0.01"), invoice=note.id) == "lines[0].perUnit"
    assert await _credit_refused(billed, (1, "11.01"), invoice=note.id) == "lines[0].perUnit"
    await credit(billed, (1, "11"), invoice=note.id)


def refund_of(line: Line) -> LineDraft:
    cancelled = licence(
        2, "2025-07-11", "499", 1, charge_type=ChargeType.CANCEL_IMMEDIATE, sign=-1, rates=line.rates
    )
    return replace(cancelled, mirrors_id=line.id)


async def test_a_refund_that_was_taken_back_leaves_the_line_to_be_credited(billed: Ledger) -> None:
    note = await rebill(billed, await correct(billed, 3, leave_out=True))
    await credit(billed, (2, "59.90"), invoice=note.id)


async def test_credits_of_a_term_come_to_what_is_left_of_it_at_most(billed: Ledger) -> None:
    """Customer A: 89.70 for 6 seats, of which 59.76 were given back when it got 9 for 89.64."""
    assert await _credit_refused(billed, (4, "14.95"), (7, "3.33")) == "lines[1].perUnit"
    await credit(billed, (4, "14.95"), (7, "3"))
    assert await _credit_refused(billed, (7, "0.33")) == "lines[0].perUnit"
    await credit(billed, (7, "0.32"))


async def _credit_refused(ledger: Ledger, *wanted: tuple[int, str], invoice: str = ORIGINAL) -> Any:
    with pytest.raises(Refusal) as refused:
        await credit(ledger, *wanted, invoice=invoice)
    assert refused.value.code is Code.INVALID_PROPERTY
    return refused.value.facts["member"]


async def test_a_credit_names_each_line_once_and_at_least_one(billed: Ledger) -> None:
    for wanted in ([], [(1, "1"), (1, "1")]):
        with pytest.raises(Refusal, match="INVALID_PROPERTY"):
            await credit(billed, *wanted)


async def test_what_has_a_credit_note_is_billed_anew_after_that(billed: Ledger) -> None:
    note = await credit(billed, (1, "1"))
    assert await _rebill_refused(billed) is Code.INVOICE_HAS_CREDITS
    withdrawn = await rebill(billed, await correct(billed, 1, note.id, leave_out=True), invoice=note.id)
    assert amounts(await billed.document(withdrawn.id))[0] == "0.00"
    assert await billed.owed() == {"EUR": "823.54"}


async def test_a_void_document_is_left_alone(billed: Ledger) -> None:
    await rebill(billed)
    assert await _rebill_refused(billed) is Code.INVOICE_VOID
    for call in (credit(billed, (1, "1")), pay(billed, "1")):
        with pytest.raises(Refusal) as refused:
            await call
        assert refused.value.code is Code.INVOICE_VOID


async def _rebill_refused(ledger: Ledger) -> Code:
    with pytest.raises(Refusal) as refused:
        await rebill(ledger)
    return refused.value.code


async def _refusal(ledger: Ledger, call: Any, *arguments: str) -> Code:
    with pytest.raises(Refusal) as refused:
        await ledger.database.read(lambda tx: call(tx, ledger.context, *arguments))
    return refused.value.code


# Payments


async def test_payments_reduce_what_is_owed(billed: Ledger) -> None:
    await pay(billed, "23.54", "2025-07-09", reference=" first ")
    recorded = await pay(billed, "300", "2025-07-10")
    assert (recorded.amount, recorded.reference) == (30_000, "SEPA 1")
    (document,) = await billed.documents()
    assert (amounts(document), document.balance) == (("823.54", "323.54"), 50_000)
    (balance,) = await billed.database.read(lambda tx: documents.balances(tx, billed.account.id))
    assert (balance.amount, balance.last_payment_amount) == (50_000, 30_000)
    assert balance.last_payment_at == instant("2025-07-10")
    assert balance.accounting_at == instant(AMENDED_ON)
    assert (balance.first_invoice_at, balance.latest_invoice_at) == (instant("2025-07-08"),) * 2
    assert (await billed.sums())["cash"] == 32_354
    first, _ = await billed.database.read(lambda tx: documents.list_payments(tx, billed.account.id))
    assert first.reference == "first"


@pytest.mark.parametrize(
    ("units", "on", "reference", "member"),
    [
        ("0", "2025-07-10", "", "amount"),
        ("-1", "2025-07-10", "", "amount"),
        ("1.001", "2025-07-10", "", "amount"),
        ("NaN", "2025-07-10", "", "amount"),
        ("Infinity", "2025-07-10", "", "amount"),
        ("1e300", "2025-07-10", "", "amount"),
        ("823.55", "2025-07-10", "", "amount"),
        ("1", "2025-07-07T23:59", "", "paidAt"),
        ("1", "2025-07-20T00:00:01", "", "paidAt"),
        ("1", "2025-07-10", "a\tb", "reference"),
        ("1", "2025-07-10", "a" * 201, "reference"),
    ],
)
async def test_payments_that_make_no_sense_are_refused(
    billed: Ledger, units: str, on: str, reference: str, member: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await pay(billed, units, on, reference=reference)
    assert (refused.value.code, refused.value.facts["member"]) == (Code.INVALID_PROPERTY, member)


async def test_a_payment_is_for_a_document_of_the_account(billed: Ledger) -> None:
    other = await open_ledger(billed.database, seed=8)
    other.now = billed.now
    for ledger, invoice, code in (
        (billed, "G000000001", Code.INVOICE_NOT_FOUND),
        (other, ORIGINAL, Code.INVOICE_FOREIGN),
    ):
        with pytest.raises(Refusal) as refused:
            await pay(ledger, "1", invoice=invoice)
        assert refused.value.code is code


async def test_currencies_without_cents_are_paid_without_them(database: Database) -> None:
    ledger = await open_ledger(database)
    await ledger.write(
        [
            licence(
                1,
                "2025-06-03",
                "12.34",
                3,
                currency="JPY",
                pricing_currency="USD",
                rates=rates("0.1", "151.237"),
            )
        ]
    )
    await ledger.work_until("2025-07-20")
    assert await ledger.totals() == [(202506, "JPY", "6157")]
    with pytest.raises(Refusal):
        await pay(ledger, "6156.5", invoice="G000000001")
    await pay(ledger, "6157", invoice="G000000001")
    assert await ledger.owed() == {"JPY": "0"}


async def test_every_correction_stands_in_the_journal(billed: Ledger) -> None:
    await pay(billed, "1")
    await rebill(billed)
    recorded = await billed.database.read(lambda tx: audit.read(tx, billed.account.id, 0, 100))
    actions = [each.entry.action for each in recorded]
    assert actions[-4:] == ["record_payment", "rebill_invoice", "write_lines", "ready_invoice"]
    assert await billed.database.read(lambda tx: audit.verify_chain(tx, billed.account.id)) is None
