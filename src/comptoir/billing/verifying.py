"""When stored books hold: each line by itself, with its posting and its document, and all of them together.

Whatever is checked here can be read off what is stored; ``30-invoices-billing`` section 7 names the
invariants.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from comptoir.billing import calendar, cents, explaining, invoices, monthly_usage, postings
from comptoir.billing.invoice_model import (
    DocumentStatus,
    DocumentType,
    Invoice,
    Payment,
    Tally,
    TaxTotal,
)
from comptoir.billing.model import ChargeType, Line, LineKind
from comptoir.billing.postings import Posting

SEATS = frozenset({ChargeType.ADD_QUANTITY, ChargeType.REMOVE_QUANTITY})


@dataclass(frozen=True, slots=True)
class Offender:
    """The first thing found that does not hold, and why."""

    account: str
    kind: str
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Proof:
    """How much was looked at and found to hold."""

    accounts: int = 0
    journal_entries: int = 0
    lines: int = 0
    consumption_lines: int = 0
    documents: int = 0
    payments: int = 0
    postings: int = 0

    def __add__(self, other: "Proof") -> "Proof":
        return Proof(
            self.accounts + other.accounts,
            self.journal_entries + other.journal_entries,
            self.lines + other.lines,
            self.consumption_lines + other.consumption_lines,
            self.documents + other.documents,
            self.payments + other.payments,
            self.postings + other.postings,
        )


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What a line takes back, or credits: as much of it as can be compared."""

    subtotal: int
    effective_unit_price: Decimal
    tax_rate: Decimal


@dataclass(frozen=True, slots=True)
class CheckedLine:
    """A line with what stands beside it; ``None`` for what is missing."""

    line: Line
    posting: Posting | None
    mirrored: Mirrored | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that were written together, as the journal has it."""

    first_sequence: int
    last_sequence: int
    count: int
    digest: str


@dataclass(slots=True)
class Held:
    """What the lines of one document come to."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    earned: dict[str, int] = field(default_factory=dict)
    usage_count: int = 0

    def add(self, line: Line) -> None:
        rate = format(line.rates.tax_rate, "f")
        self.tallies[rate] = self.tallies.get(rate, Tally()) + Tally(1, line.subtotal, line.tax)
        self.earned[line.publisher_id] = self.earned.get(line.publisher_id, 0) + line.subtotal
        self.usage_count += line.kind is LineKind.USAGE


@dataclass(frozen=True, slots=True)
class CheckedDay:
    """A consumption line with what was stored of its totals, and the line that sums it up."""

    id: str
    bill_month: int
    subscription_id: str
    quantity: Decimal
    effective_unit_price: Decimal
    exchange_rate: Decimal
    totals: tuple[Decimal, Decimal]
    invoice_id: str | None
    line_id: str | None
    line_invoice_id: str | None
    line_quantity: Decimal | None


# One line


def line_fault(checked: CheckedLine, document: Invoice | None) -> str | None:
    """What is wrong with a line, if anything. ``document`` bills it."""
    line = checked.line
    return (
        _amount_fault(line)
        or _tax_fault(line, document)
        or _month_fault(line, document)
        or _posting_fault(line, checked.posting)
        or _mirror_fault(line, checked.mirrored, document)
    )


def _amount_fault(line: Line) -> str | None:
    """Invariants 2 and 8: each amount follows from the line itself, and can be told on the wire."""
    again = explaining.recomputed(line)
    if line.effective_unit_price != again.effective_unit_price:
        return f"its price is {line.effective_unit_price}, not {again.effective_unit_price}"
    if line.subtotal != again.subtotal:
        return f"its subtotal is {line.subtotal}, not {again.subtotal}"
    if line.billable_quantity <= 0 or line.unit_price < 0:
        return "its quantity or its list price is negative"
    if line.kind is LineKind.LICENCE and line.billable_quantity != line.quantity:
        return "it bills other units than its seats"
    numbers = (line.billable_quantity, line.effective_unit_price, line.rates.exchange_rate)
    if any(_digits(number) > cents.SIGNIFICANT_DIGITS for number in numbers):
        return f"one of its numbers has more than {cents.SIGNIFICANT_DIGITS} digits"
    return None


def _digits(number: Decimal) -> int:
    return len(number.normalize().as_tuple().digits)


def _tax_fault(line: Line, document: Invoice | None) -> str | None:
    """Section 3.10: nothing while it is unbilled, else by the document's mode."""
    if line.invoice_id is None:
        return f"it is unbilled and has a tax of {line.tax}" if line.tax else None
    if document is None:
        return f"there is no document {line.invoice_id}"
    expected = invoices.line_tax(document.tax_mode, line.subtotal, line.rates.tax_rate)
    return None if line.tax == expected else f"its tax is {line.tax}, not {expected}"


def _month_fault(line: Line, document: Invoice | None) -> str | None:
    """Section 3.8: the month follows from the date, and a document bills up to its own month."""
    month = calendar.month_of(line.order_date)
    if line.bill_month != month and not (line.kind is LineKind.USAGE and line.bill_month > month):
        return f"it is of {line.bill_month} and dated {line.order_date:%Y-%m-%d}"
    if document is None:
        return None
    if line.currency != document.currency:
        return f"its currency is {line.currency}, its document's {document.currency}"
    if line.charge_type is not ChargeType.CUSTOMER_CREDIT and line.order_date >= document.period_end:
        return f"it is later than its document's month {document.month}"
    return None


def _posting_fault(line: Line, posting: Posting | None) -> str | None:
    if posting is None:
        return "it has no posting"
    expected = replace(
        posting,
        source_kind=postings.LINE,
        source_id=line.id,
        at=line.order_date,
        debit=postings.UNBILLED,
        credit=postings.revenue(line.publisher_id),
        amount=line.subtotal,
        currency=line.currency,
    )
    return None if posting == expected else f"its posting is {posting.amount} {posting.currency}"


def _mirror_fault(line: Line, mirrored: Mirrored | None, document: Invoice | None) -> str | None:
    """Invariant 3: what is taken back is exactly what was charged, and a credit is not more than that.

    On an adjustment note, an operator may have changed it.
    """
    if line.mirrors_id is None:
        return None
    if mirrored is None:
        return f"there is no line {line.mirrors_id} that it could take back"
    if line.charge_type is ChargeType.CUSTOMER_CREDIT:
        is_credit = -mirrored.effective_unit_price <= line.effective_unit_price < 0
        return None if is_credit else f"it gives back more than line {line.mirrors_id} cost"
    if document is not None and document.amends_id is not None:
        return None
    opposite = (-line.subtotal, -line.effective_unit_price, line.rates.tax_rate)
    if opposite != (mirrored.subtotal, mirrored.effective_unit_price, mirrored.tax_rate):
        return f"it is not the opposite of line {line.mirrors_id}"
    return None


# Lines of one event


def events_fault(lines: Sequence[Line], notes: frozenset[str]) -> tuple[str, str] | None:
    """Invariants 3 and 4: what is given back for seats is charged again for the same days, price and rates.

    Lines on adjustment notes (``notes``) are left out: an operator may have left out one of a pair. Gives the
    id of the line and the reason.
    """
    events: dict[str, list[Line]] = {}
    for line in lines:
        if line.charge_type in SEATS and line.invoice_id not in notes:
            events.setdefault(line.reference_id, []).append(line)
    for found in events.values():
        fault = _pair_fault(found)
        if fault is not None:
            return found[0].id, fault
    return None


def _pair_fault(lines: Sequence[Line]) -> str | None:
    if len(lines) != 2:
        return f"its event has {len(lines)} lines, not a pair"
    wipe, recreate = sorted(lines, key=lambda line: line.position)
    if _terms(wipe) != _terms(recreate):
        return "what is given back and what is charged differ in more than their seats"
    if wipe.effective_unit_price != -recreate.effective_unit_price or wipe.effective_unit_price > 0:
        return "what is given back has another price than what is charged"
    return None


def _terms(line: Line) -> tuple[object, ...]:
    return (line.charge_start_at, line.charge_end_at, line.billing_days, line.cycle_days, line.rates)


# Documents


def document_fault(document: Invoice, held: Held) -> str | None:
    """Invariant 1: what its head says is the sum of its lines. A draft says it in its progress."""
    if document.status is DocumentStatus.DRAFT:
        counted = document.progress.tallies if document.progress is not None else {}
        same = invoices.tax_totals(document.tax_mode, counted)
        is_held = same == invoices.tax_totals(document.tax_mode, held.tallies)
        return None if is_held else "it has counted other lines than it has"
    totals = invoices.tax_totals(document.tax_mode, held.tallies)
    if document.content.tax_totals != totals:
        return f"its lines come to {_shown(totals)}, its totals by tax rate are otherwise"
    subtotal, tax = sum(total.subtotal for total in totals), sum(total.tax for total in totals)
    head = (document.subtotal, document.tax, document.total)
    if head != (subtotal, tax, subtotal + tax):
        return f"its head says {head}, its lines {(subtotal, tax, subtotal + tax)}"
    count = sum(total.line_count for total in totals)
    return None if document.line_count == count else f"it has {count} lines, not {document.line_count}"


def _shown(totals: Iterable[TaxTotal]) -> str:
    return ", ".join(f"{total.subtotal} and {total.tax} tax at {total.rate}" for total in totals) or "nothing"


def family_fault(document: Invoice, documents: Mapping[str, Invoice]) -> str | None:
    """Section 3.12: what is void was billed anew by an amendment of the same invoice."""
    if document.amends_id is not None and document.amends_id not in documents:
        return f"it amends {document.amends_id}, which is not there"
    is_void_note = document.document_type is DocumentType.VOID_NOTE
    if is_void_note == document.counts and document.status is DocumentStatus.ISSUED:
        return f"it is a {document.document_type} and {document.state}"
    if document.amends_id is None and document.document_type is DocumentType.ADJUSTMENT_NOTE:
        return "it is an adjustment note of nothing"
    if is_void_note and not any(_replaces(other, document) for other in documents.values()):
        return "it is void, and nothing has billed it anew"
    return None


def _replaces(other: Invoice, void: Invoice) -> bool:
    amended = void.amends_id or void.id
    return other.id > void.id and other.amends_id == amended and other.status is DocumentStatus.ISSUED


# Postings


def expected_postings(
    documents: Iterable[Invoice],
    payments: Iterable[Payment],
    held: Mapping[str, Held],
    voided_at: Mapping[str, Posting],
) -> list[Posting]:
    """What documents and payments must have moved. ``voided_at`` has a posting of what made each document
    void: when that was is written nowhere else.
    """
    expected: list[Posting] = []
    for document in documents:
        if document.status is DocumentStatus.DRAFT:
            continue
        expected += postings.of_invoice(document)
        if not document.counts:
            moved = voided_at.get(document.id)
            at = document.issued_at if moved is None else moved.at
            expected += postings.of_void(document, at, held.get(document.id, Held()).earned)
    expected += [postings.of_payment(payment) for payment in payments]
    return expected


def payment_fault(payment: Payment, documents: Mapping[str, Invoice]) -> str | None:
    """A payment is for a document that counts, in its currency."""
    document = documents.get(payment.invoice_id)
    if document is None or not document.counts:
        return f"it is for {payment.invoice_id}, which does not count"
    return None if payment.amount > 0 and payment.currency == document.currency else "it is no money for it"


def postings_fault(found: Mapping[str, Posting], expected: Sequence[Posting]) -> tuple[str, str] | None:
    """The first posting that is missing, differs or has no source: its source's id and the reason."""
    for posting in expected:
        stored = found.get(posting.id)
        if stored is None:
            return posting.source_id, f"its posting to {posting.debit} from {posting.credit} is missing"
        if stored != posting:
            return posting.source_id, f"its posting is {stored.amount}, not {posting.amount}"
    for extra in found.keys() - {posting.id for posting in expected}:
        return found[extra].source_id, "it has moved more than it should have"
    return None


# Usage


def day_fault(day: CheckedDay, documents: Mapping[str, Invoice]) -> str | None:
    """Sections 2.6 and 4.5: totals follow from the line, and it is billed with the line that sums it up."""
    totals = cents.daily_totals(day.effective_unit_price, day.quantity, day.exchange_rate)
    if day.totals != totals:
        return f"its totals are {day.totals[0]} and {day.totals[1]}, not {totals[0]} and {totals[1]}"
    if (day.invoice_id is None) != (day.line_id is None):
        return "it is billed without a line, or has a line and is unbilled"
    if day.invoice_id is None:
        return None
    if day.invoice_id not in documents:
        return f"there is no document {day.invoice_id}"
    document = documents[day.invoice_id]
    is_gathering = document.status is DocumentStatus.DRAFT and day.line_invoice_id is None
    if day.line_quantity is None or (day.line_invoice_id != day.invoice_id and not is_gathering):
        return f"the line {day.line_id} that sums it up is not on {day.invoice_id}"
    return None


def usage_fault(document: Invoice, held: Held, day_count: int, line_count: int) -> str | None:
    """Whether every usage line of a document has its days, and the head counts them."""
    if held.usage_count != line_count and document.status is DocumentStatus.ISSUED:
        return f"{line_count} of its {held.usage_count} usage lines have days"
    if document.status is DocumentStatus.ISSUED and document.consumption_count != day_count:
        return f"it has {day_count} consumption lines, not {document.consumption_count}"
    return None


def units_fault(days: Sequence[CheckedDay]) -> tuple[str, str] | None:
    """Whether the billed days of one subscription come to the units of their lines: line id and reason."""
    units: dict[str, tuple[list[Decimal], Decimal]] = {}
    for day in days:
        if day.line_id is not None and day.line_quantity is not None:
            units.setdefault(day.line_id, ([], day.line_quantity))[0].append(day.quantity)
    for line_id, (quantities, billed) in units.items():
        total = monthly_usage.units(quantities)
        if total != billed:
            return line_id, f"it bills {billed} units and its days have {total}"
    return None
