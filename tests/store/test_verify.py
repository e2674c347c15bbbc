"""Proving books: whole ones hold, and whatever is changed in them is found and named."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import pytest
from tests.faults import Faults
from tests.invoice_books import Ledger, instant, licence, open_ledger, rates, t18, t18_usage, usage

from comptoir.billing import service_amending as amending
from comptoir.billing import service_documents as documents
from comptoir.billing import service_invoices, service_verify
from comptoir.billing.amending import LineCorrection, LineCredit, Rebill
from comptoir.billing.invoice_model import Correction
from comptoir.billing.invoices import PaymentNote
from comptoir.billing.model import ChargeType
from comptoir.billing.verifying import Offender, Proof
from comptoir.core.accounts import AccountKind
from comptoir.core.errors import Code, Refusal
from comptoir.db import Database, Tx, sql
from comptoir.db.statement import Statement

T = TypeVar("T")
pytestmark = pytest.mark.anyio


async def verify(database: Database, account: str | None = None) -> Proof | Offender:
    return await database.report(partial(service_verify.verify, account_name=account))


@pytest.fixture
async def books(database: Database) -> Ledger:
    """Two invoices, one of them billed anew, a credit note, payments, and lines that are still unbilled."""
    ledger = await open_ledger(database)
    await ledger.subscribe(2)
    await ledger.write(t18())
    await ledger.use(t18_usage())
    await ledger.work_until("2025-07-08")
    ledger.now = instant("2025-07-09")
    await _pay(ledger, "100")
    await _rebill(ledger, 8)
    await ledger.write([licence(5, "2025-07-12", "10.10", 3, rates=rates("0.1"))])
    await ledger.use([usage(2, "2025-07-14", "0.05", "30")])
    await ledger.work_until("2025-08-08")
    await _credit(ledger)
    await ledger.write(
        [
            licence(6, "2025-08-12", "10.10", 3),
            licence(6, "2025-08-12", "10.10", 4, position=1, charge_type=ChargeType.CONVERT),
        ]
    )
    await ledger.use([usage(2, "2025-08-14", "0.05", "30")])
    return ledger


async def _pay(ledger: Ledger, units: str) -> None:
    note = PaymentNote(Decimal(units), ledger.now, "")
    await ledger.database.write(lambda tx: documents.record_payment(tx, ledger.context, "G000000001", note))


async def _line(ledger: Ledger, invoice: str, number: int) -> Any:
    document = (await ledger.document(invoice)).invoice
    return await ledger.database.read(lambda tx: amending.find_line(tx, document, str(number)))


async def _rebill(ledger: Ledger, left_out: int) -> None:
    line = await _line(ledger, "G000000001", left_out)
    wanted = Rebill("wrong usage", (LineCorrection("lines[0]", line, Correction(leave_out=True)),))
    await ledger.database.write(lambda tx: amending.rebill(tx, ledger.context, "G000000001", wanted))
    await ledger.work_until("2025-07-09")


async def _credit(ledger: Ledger) -> None:
    wanted = [LineCredit("lines[0]", await _line(ledger, "G000000003", 1), Decimal(1))]
    await ledger.database.write(
        lambda tx: amending.credit(tx, ledger.context, "G000000003", wanted, "Downtime")
    )


async def test_whole_books_hold(books: Ledger) -> None:
    found = await verify(books.database)
    assert isinstance(found, Proof), found
    assert (found.accounts, found.documents, found.payments) == (1, 4, 1)
    assert found.lines == 7 + 1 + 7 + 2 + 1 + 2
    assert found.consumption_lines == 2 + 1 + 1
    assert found.postings == found.lines + 4 * 2 + (2 + 3) + 1
    assert await verify(books.database, "PRODUCTION-5") == found


async def test_empty_books_hold(database: Database) -> None:
    assert await verify(database) == Proof()
    await open_ledger(database)
    assert await verify(database) == Proof(accounts=1)


class Proven(Faults):
    """A database whose books are proven after each write."""

    proofs = 0

    async def write(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        result = await super().write(work)
        found = await self.report(service_verify.verify)
        assert isinstance(found, Proof), found
        self.proofs += 1
        return result


async def test_books_hold_after_every_step_of_a_run(books: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invoice and a rebill, one line at a time."""
    monkeypatch.setattr(service_invoices, "EFFORT_MAX", 1)
    watched = Proven(books.database)
    ledger = replace(books, database=watched)
    wanted = Rebill("once more")
    await watched.write(lambda tx: amending.rebill(tx, ledger.context, "G000000002", wanted))
    await ledger.work_until("2025-09-08")
    assert await ledger.owed() == {"EUR": "746.02"}
    assert watched.proofs > 15


async def test_an_account_that_is_not_there_cannot_be_proven(database: Database) -> None:
    with pytest.raises(Refusal) as refused:
        await verify(database, "nobody")
    assert refused.value.code is Code.NAME_UNKNOWN


TAMPERED = [
    # Lines
    ("UPDATE reconciliation_lines SET subtotal = subtotal + 1 WHERE charge_type = 'cycleCharge'", "line"),
    ("UPDATE reconciliation_lines SET tax = tax + 1 WHERE charge_type = 'cycleCharge'", "line"),
    ("UPDATE reconciliation_lines SET tax = 1 WHERE invoice_id IS NULL", "line"),
    ("UPDATE reconciliation_lines SET effective_unit_price = '498' WHERE subtotal = 49900", "line"),
    ("UPDATE reconciliation_lines SET quantity = 2 WHERE subtotal = 49900", "line"),
    ("UPDATE reconciliation_lines SET bill_month = 202505 WHERE subtotal = 49900", "line"),
    ("UPDATE reconciliation_lines SET order_date = order_date + 1 WHERE subtotal = 49900", "line"),
    ("UPDATE reconciliation_lines SET currency = 'USD' WHERE subtotal = 49900", "line"),
    ("UPDATE reconciliation_lines SET invoice_id = 'G000000009' WHERE subtotal = 49900", "line"),
    ("UPDATE reconciliation_lines SET customer_id = 'else' WHERE subtotal = 49900", "lines"),
    ("UPDATE reconciliation_lines SET unit_price = '500' WHERE subtotal = 49900", "lines"),
    ("UPDATE reconciliation_lines SET tax_rate = '0.19' WHERE invoice_id IS NULL", "lines"),
    ("UPDATE reconciliation_lines SET credit_reason = 'None' WHERE credit_reason = 'Downtime'", "lines"),
    ("UPDATE reconciliation_lines SET charge_type = 'new' WHERE subtotal = 49900", "lines"),
    ("UPDATE reconciliation_lines SET billable_quantity = '31' WHERE billable_quantity = '30'", "line"),
    ("UPDATE reconciliation_lines SET mirrors_id = 'x' WHERE mirrors_id IS NOT NULL", "line"),
    ("DELETE FROM reconciliation_lines WHERE charge_type = 'cycleCharge'", "lines"),
    ("UPDATE reconciliation_lines SET invoice_id = NULL, tax = 0 WHERE subtotal = 3030", "document"),
    ("UPDATE reconciliation_lines SET sequence = sequence + 100 WHERE invoice_id IS NULL", "lines"),
    # Documents
    ("UPDATE invoices SET total = total + 1 WHERE id = 'G000000002'", "document"),
    ("UPDATE invoices SET tax = tax + 1 WHERE id = 'G000000001'", "document"),
    ("UPDATE invoices SET line_count = 9 WHERE id = 'G000000001'", "document"),
    ("UPDATE invoices SET consumption_count = 9 WHERE id = 'G000000001'", "document"),
    ("UPDATE invoices SET state = 'active' WHERE id = 'G000000001'", "document"),
    ("UPDATE invoices SET state = 'void' WHERE id = 'G000000002'", "document"),
    (
        "UPDATE invoices SET document_type = 'invoice', state = 'active' WHERE id = 'G000000001'",
        "payment|postings",
    ),
    ("UPDATE invoices SET amends_id = 'G000000009' WHERE id = 'G000000002'", "document"),
    ("UPDATE invoices SET tax_mode = 'document' WHERE id = 'G000000002'", "line"),
    ("UPDATE invoices SET document = replace(document, '0.2', '0.3') WHERE id = 'G000000001'", "document"),
    ("UPDATE invoices SET issued_at = issued_at + 1 WHERE id = 'G000000003'", "postings"),
    ("UPDATE invoices SET id = 'G000000007' WHERE id = 'G000000004'", "line"),
    # Usage
    ("UPDATE consumption_lines SET quantity = '1' WHERE quantity = '30'", "consumption line"),
    ("UPDATE consumption_lines SET billing_total = '1' WHERE invoice_id IS NULL", "consumption line"),
    ("UPDATE consumption_lines SET line_id = NULL WHERE invoice_id IS NOT NULL", "consumption line"),
    ("UPDATE consumption_lines SET line_id = 'x' WHERE invoice_id IS NOT NULL", "consumption line"),
    ("UPDATE consumption_lines SET invoice_id = 'G000000002' WHERE quantity = '830.25'", "consumption line"),
    ("DELETE FROM consumption_lines WHERE quantity = '830.25'", "line"),
    ("DELETE FROM consumption_lines WHERE invoice_id = 'G000000003'", "document"),
    ("DELETE FROM consumption_lines WHERE invoice_id IS NULL", "lines of both kinds"),
    # Payments and postings
    ("UPDATE payments SET amount = amount + 1", "postings"),
    ("UPDATE payments SET currency = 'USD'", "payment"),
    ("UPDATE payments SET invoice_id = 'G000000001'", "payment"),
    ("DELETE FROM payments", "postings"),
    ("UPDATE postings SET amount = amount + 1 WHERE source_kind = 'line'", "line"),
    ("UPDATE postings SET credit = 'revenue:me' WHERE source_kind = 'line'", "line"),
    ("UPDATE postings SET amount = amount + 1 WHERE source_kind = 'invoice'", "postings"),
    ("UPDATE postings SET debit = 'cash' WHERE source_kind = 'void'", "postings"),
    ("DELETE FROM postings WHERE source_kind = 'void'", "postings"),
    ("UPDATE postings SET source_kind = 'gift' WHERE source_kind = 'payment'", "postings"),
    # Heads, numbers, journal
    ("UPDATE billing_heads SET line_sequence = line_sequence + 1", "lines of both kinds"),
    ("UPDATE instance SET value = '5' WHERE name = 'invoice_number_G'", "document"),
    ("UPDATE journal SET at = at + 1 WHERE action = 'write_lines'", "journal entry"),
    ("DELETE FROM journal WHERE action = 'record_payment'", "journal entry"),
]  # fmt: skip
# Whoever tampers does not ask which account it is.
TAMPERING = {text: sql(text) for text, _ in TAMPERED}


class _UndoneError(Exception):
    """Ends a transaction that is not to be kept."""


async def test_whatever_is_changed_is_found(books: Ledger) -> None:
    """Each change by itself, in a transaction that is undone."""
    for change, kind in TAMPERED:
        found = await _found_after(books.database, TAMPERING[change])
        assert isinstance(found, Offender), change
        assert found.kind in kind.split("|"), (change, found)
        assert found.id
        assert found.reason
    assert isinstance(await verify(books.database), Proof)


async def _found_after(database: Database, change: Statement) -> Proof | Offender:
    found: list[Proof | Offender] = []

    async def work(tx: Tx) -> None:
        assert await tx.run(change) > 0
        found.append(await service_verify.verify(tx))
        raise _UndoneError

    with pytest.raises(_UndoneError):
        await database.write(work)
    return found[-1]


async def test_the_first_offender_is_named(books: Ledger) -> None:
    (line,) = [each for each in await books.lines("G000000003") if each.quantity == 3]
    change = sql("UPDATE reconciliation_lines SET tax = 302 WHERE id = :id")
    await books.database.write(lambda tx: tx.run(change, id=line.id))
    assert await verify(books.database) == Offender(
        "production-5", "line", line.id, "its tax is 302, not 303"
    )


async def test_a_forger_who_changes_everything_but_the_journal_is_found(books: Ledger) -> None:
    """Another price, with the amounts, the posting, the document and its postings to match."""
    line = sql("""
        UPDATE reconciliation_lines
        SET unit_price = '10.2', net_price = '10.2', effective_unit_price = '10.2', subtotal = 3060, tax = 306
        WHERE subtotal = 3030
    """)
    posting = sql("UPDATE postings SET amount = 3060 WHERE amount = 3030")
    assert await books.database.write(lambda tx: tx.run(line)) > 0
    assert await books.database.write(lambda tx: tx.run(posting)) > 0
    found = await verify(books.database)
    assert isinstance(found, Offender)
    assert (found.kind, found.reason) == ("lines", "their content is not what was recorded")


async def test_a_pair_of_seats_is_a_pair(database: Database) -> None:
    ledger = await open_ledger(database)
    wipe = licence(1, charge_type=ChargeType.ADD_QUANTITY, sign=-1, days=(20, 30))
    await ledger.write_at_once([wipe])
    found = await verify(database)
    assert found == Offender("production-5", "line", wipe.id, "its event has 1 lines, not a pair")


@pytest.mark.parametrize("members", [{"days": (19, 30)}, {"price": "15"}, {"rates": rates("0.3")}])
async def test_seats_are_given_back_as_they_are_charged(database: Database, members: Any) -> None:
    ledger = await open_ledger(database)
    terms: dict[str, Any] = {"charge_type": ChargeType.REMOVE_QUANTITY, "days": (20, 30)}
    pair = [licence(1, sign=-1, **terms), licence(1, quantity=9, position=1, **{**terms, **members})]
    await ledger.write_at_once(pair)
    found = await verify(database)
    assert isinstance(found, Offender)
    assert (found.kind, found.id) == ("line", pair[0].id)


async def test_numbers_are_those_of_the_whole_installation(database: Database) -> None:
    first = await open_ledger(database)
    second = await open_ledger(database, seed=6)
    sandbox = await open_ledger(database, seed=7, kind=AccountKind.SANDBOX)
    for ledger in (first, second, sandbox):
        await ledger.write([licence(1)])
        await ledger.work_until("2025-07-08")
    found = await verify(database)
    assert isinstance(found, Proof)
    assert (found.accounts, found.documents) == (3, 3)
