"""What a document comes to, which number it has, and what is owed for all of them.

Source: ``30-invoices-billing`` sections 1.5, 2.3, 3.8 and 3.10 to 3.12.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from comptoir.billing import calendar, cents
from comptoir.billing.invoice_model import (
    Balance,
    BilledDocument,
    Content,
    Conversion,
    DocumentState,
    DocumentStatus,
    DocumentType,
    Invoice,
    MonthPreview,
    Party,
    Payment,
    Phase,
    Progress,
    Tally,
    TaxTotal,
)
from comptoir.core.accounts import Account, AccountKind, AccountSettings, TaxMode
from comptoir.core.errors import Code, Refusal
from comptoir.core.money import Money, minor_digits

SERIES = {AccountKind.PRODUCTION: "G", AccountKind.SANDBOX: "T"}
"""The letter of each of the two sequences of numbers (choice C-43)."""

NUMBER_DIGITS = 9
TAX_DECIMALS_MAX = 9
"""With so many decimals in a tax rate, the tax of a line is exact in 64 bits (``tax_fraction``)."""

NO_TAX = (0, 1)
_NUMBER = re.compile(rf"[GT]\d{{{NUMBER_DIGITS}}}", re.ASCII)
_MONTH = re.compile(r"(2\d{3})-(0[1-9]|1[0-2])", re.ASCII)
AMOUNT_MAX = Decimal(10) ** 15
REFERENCE_LENGTH_MAX = 200


def number(kind: AccountKind, count: int) -> str:
    """The number of the ``count``-th document in the sequence of accounts of this kind (section 3.11)."""
    assert 0 < count < 10**NUMBER_DIGITS, count
    return f"{SERIES[kind]}{count:0{NUMBER_DIGITS}d}"


def is_number(text: str) -> bool:
    """Whether a document could have this number."""
    return _NUMBER.fullmatch(text) is not None


def first_month(
    first_orders: Mapping[str, datetime], usage_months: Mapping[str, int], last_months: Mapping[str, int]
) -> tuple[int, tuple[str, ...]] | None:
    """The earliest month that has something to bill, and the currencies it has that in, in order.

    By currency: when the first unbilled line was ordered, the earliest month of unbilled usage, and the
    latest month that is invoiced. What was written too late for its month is billed with the next one.
    """
    months: dict[str, int] = {currency: calendar.month_of(at) for currency, at in first_orders.items()}
    for currency, month in usage_months.items():
        months[currency] = min(month, months.get(currency, month))
    for currency, month in months.items():
        if currency in last_months:
            months[currency] = max(month, calendar.month_after(last_months[currency]))
    if not months:
        return None
    first = min(months.values())
    return first, tuple(sorted(currency for currency, month in months.items() if month == first))


def require_closable(month: int, now: datetime, settings: AccountSettings) -> None:
    """Refuse to invoice a month whose usage may still change, or that its account has to wait for.

    Raises ``MONTH_NOT_CLOSABLE``.
    """
    is_early = settings.allow_early_invoices
    at = calendar.usage_cutoff(month, settings) if is_early else calendar.invoice_at(month, settings)
    if now < at:
        raise Refusal(Code.MONTH_NOT_CLOSABLE, month=month_text(month), at=f"{at:%Y-%m-%d}")


def latest_closable(now: datetime, settings: AccountSettings) -> int:
    """The latest month that ``require_closable`` lets pass."""
    month = calendar.month_before(calendar.month_of(now))
    at = calendar.usage_cutoff(month, settings)
    if not settings.allow_early_invoices:
        at = calendar.invoice_at(month, settings)
    return month if now >= at else calendar.month_before(month)


def month_text(month: int) -> str:
    """``2025-06``."""
    return f"{month // 100:04}-{month % 100:02}"


def read_month(text: str) -> int:
    """The month that ``month_text`` wrote. Raises ``INVALID_PROPERTY``."""
    found = _MONTH.fullmatch(text.strip())
    if found is None:
        raise _not_valid("month", "it takes a month such as 2025-06.")
    return int(found[1]) * 100 + int(found[2])


def draft(
    account: Account, count: int, month: int, currency: str, *, issued_at: datetime, bill_to: Party
) -> Invoice:
    """An invoice whose lines are still to be gathered."""
    return Invoice(
        account_id=account.id,
        id=number(account.kind, count),
        month=month,
        currency=currency,
        document_type=DocumentType.INVOICE,
        state=DocumentState.ACTIVE,
        status=DocumentStatus.DRAFT,
        amends_id=None,
        issued_at=issued_at,
        line_sequence=0,
        tax_mode=account.settings.tax_mode,
        subtotal=0,
        tax=0,
        total=0,
        line_count=0,
        consumption_count=0,
        content=Content(bill_to),
        progress=Progress(Phase.USAGE),
    )


def issued(draft: Invoice, line_sequence: int) -> Invoice:
    """A draft that has all its lines, with what they come to."""
    progress = draft.progress
    assert progress is not None, draft.id
    totals = tax_totals(draft.tax_mode, progress.tallies)
    subtotal, tax = sum(total.subtotal for total in totals), sum(total.tax for total in totals)
    return replace(
        draft,
        status=DocumentStatus.ISSUED,
        line_sequence=line_sequence,
        subtotal=subtotal,
        tax=tax,
        total=subtotal + tax,
        line_count=sum(total.line_count for total in totals),
        consumption_count=progress.consumption_count,
        content=replace(draft.content, tax_totals=totals, conversions=progress.conversions),
        progress=None,
    )


@dataclass(slots=True)
class Counting:
    """Counts lines one by one, as a run does in pieces."""

    mode: TaxMode
    tallies: dict[str, Tally] = field(default_factory=dict)

    def add(self, rate: str, subtotal: int) -> None:
        tax = line_tax(self.mode, subtotal, Decimal(rate))
        self.tallies[rate] = self.tallies.get(rate, Tally()) + Tally(1, subtotal, tax)


def previewed(month: int, currency: str, counted: Counting, *, consumption_count: int) -> MonthPreview:
    """What a document would say that has these lines."""
    totals = tax_totals(counted.mode, counted.tallies)
    subtotal, tax = sum(total.subtotal for total in totals), sum(total.tax for total in totals)
    return MonthPreview(
        month=month,
        currency=currency,
        line_count=sum(total.line_count for total in totals),
        consumption_count=consumption_count,
        subtotal=subtotal,
        tax=tax,
        total=subtotal + tax,
        tax_totals=totals,
    )


def tax_fraction(mode: TaxMode, rate: Decimal) -> tuple[int, int]:
    """Numerator and denominator by which a line's tax is reckoned: nothing where the document is taxed.

    With subtotal = q × denominator + r, the tax q × numerator + r × numerator ÷ denominator needs no more
    than 64 bits, and divisions that cut towards zero give ``cents.tax``.
    """
    if mode is TaxMode.DOCUMENT:
        return NO_TAX
    denominator = 10**TAX_DECIMALS_MAX
    numerator = rate * denominator
    assert 0 <= rate <= 1, rate
    assert numerator == int(numerator), rate
    return int(numerator), denominator


def line_tax(mode: TaxMode, subtotal: int, rate: Decimal) -> int:
    """The tax that a line carries once it is billed."""
    return cents.tax(subtotal, rate) if mode is TaxMode.ROW else 0


def tax_totals(mode: TaxMode, tallies: Mapping[str, Tally]) -> tuple[TaxTotal, ...]:
    """What a document says for each tax rate, the lowest first.

    Mode A sums the tax of the lines; mode B reckons it once, on their sum.
    """
    by_rate: dict[Decimal, Tally] = {}
    for text, tally in tallies.items():
        rate = Decimal(text)
        by_rate[rate] = by_rate.get(rate, Tally()) + tally
    return tuple(
        TaxTotal(
            rate,
            tally.line_count,
            tally.subtotal,
            tally.tax if mode is TaxMode.ROW else cents.document_tax(tally.subtotal, rate),
        )
        for rate, tally in sorted(by_rate.items(), key=lambda item: item[0])
    )


def added(tallies: Mapping[str, Tally], more: Mapping[str, Tally]) -> dict[str, Tally]:
    """Both together, rate by rate."""
    rates = [*tallies, *(rate for rate in more if rate not in tallies)]
    return {rate: tallies.get(rate, Tally()) + more.get(rate, Tally()) for rate in rates}


def merged(known: Sequence[Conversion], more: Iterable[Conversion]) -> tuple[Conversion, ...]:
    """Every conversion once, in order."""
    return tuple(sorted({*known, *more}))


def arranged(invoices: Sequence[Invoice], payments: Sequence[Payment]) -> list[BilledDocument]:
    """The issued documents by date and number, each amendment inside the one that it amends."""
    paid = paid_by_invoice(payments)
    issued = sorted(
        (invoice for invoice in invoices if invoice.status is DocumentStatus.ISSUED),
        key=lambda invoice: (invoice.issued_at, invoice.id),
    )
    amendments: dict[str, list[BilledDocument]] = {}
    for invoice in issued:
        if invoice.amends_id is not None:
            document = BilledDocument(invoice, paid.get(invoice.id, 0))
            amendments.setdefault(invoice.amends_id, []).append(document)
    return [
        BilledDocument(invoice, paid.get(invoice.id, 0), tuple(amendments.get(invoice.id, ())))
        for invoice in issued
        if invoice.amends_id is None
    ]


def paid_by_invoice(payments: Iterable[Payment]) -> dict[str, int]:
    """What came in for each document."""
    paid: dict[str, int] = {}
    for payment in payments:
        paid[payment.invoice_id] = paid.get(payment.invoice_id, 0) + payment.amount
    return paid


def balances(invoices: Sequence[Invoice], payments: Sequence[Payment]) -> list[Balance]:
    """What is owed in each currency that ever had a document, by currency code (section 1.5)."""
    issued = [invoice for invoice in invoices if invoice.status is DocumentStatus.ISSUED]
    paid = paid_by_invoice(payments)
    return [
        _balance(
            currency,
            [invoice for invoice in issued if invoice.currency == currency],
            [payment for payment in payments if payment.currency == currency],
            paid,
        )
        for currency in sorted({invoice.currency for invoice in issued})
    ]


def _balance(
    currency: str, issued: Sequence[Invoice], payments: Sequence[Payment], paid: Mapping[str, int]
) -> Balance:
    owed = sum(invoice.total - paid.get(invoice.id, 0) for invoice in issued if invoice.counts)
    dates = [invoice.issued_at for invoice in issued]
    last = max(payments, key=lambda payment: (payment.paid_at, payment.recorded_at, payment.id), default=None)
    return Balance(
        currency=currency,
        amount=owed,
        accounting_at=max([*dates, *(payment.recorded_at for payment in payments)]),
        first_invoice_at=min(dates),
        latest_invoice_at=max(dates),
        last_payment_at=None if last is None else last.paid_at,
        last_payment_amount=0 if last is None else last.amount,
    )


@dataclass(frozen=True, slots=True)
class PaymentNote:
    """What an operator says came in: ``amount`` in units of the document's currency."""

    amount: Decimal
    paid_at: datetime
    reference: str


def judge_payment(
    invoice: Invoice, paid: int, note: PaymentNote, *, payment_id: str, now: datetime
) -> Payment:
    """The payment as it is recorded. At most what is still owed for the document can be paid for it.

    Raises ``INVOICE_VOID`` and ``INVALID_PROPERTY``.
    """
    if not invoice.counts:
        raise Refusal(Code.INVOICE_VOID, invoice_id=invoice.id)
    amount = _amount(note.amount, invoice.currency)
    if amount > invoice.total - paid:
        raise _not_valid("amount", f"{Money(max(0, invoice.total - paid), invoice.currency).amount} is owed.")
    if not invoice.issued_at <= note.paid_at <= now:
        raise _not_valid("paidAt", "it lies before the invoice or in the future.")
    reference = note.reference.strip()
    if len(reference) > REFERENCE_LENGTH_MAX or not reference.isprintable():
        raise _not_valid("reference", f"it is one line of at most {REFERENCE_LENGTH_MAX} characters.")
    return Payment(payment_id, invoice.id, amount, invoice.currency, note.paid_at, reference, now)


def _amount(amount: Decimal, currency: str) -> int:
    """A positive amount in minor units."""
    digits = minor_digits(currency)
    if not amount.is_finite() or amount <= 0 or amount >= AMOUNT_MAX:
        raise _not_valid("amount", "it takes a positive amount.")
    if cents.round_down(amount, digits) != amount:
        raise _not_valid("amount", f"{currency} has {digits} decimals.")
    return int(amount.scaleb(digits))


def _not_valid(member: str, reason: str) -> Refusal:
    return Refusal(Code.INVALID_PROPERTY, member=member, reason=reason)
