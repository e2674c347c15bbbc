"""How a document is corrected once it is issued (``30-invoices-billing`` sections 3.4 and 3.12).

A rebill makes the document void and bills its lines anew on an adjustment note: copies of them, some left out
or corrected. A credit note takes something back and leaves the document as it is.
"""

from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal

from comptoir.billing import calendar, cents, keys
from comptoir.billing.invoice_model import (
    Content,
    Correction,
    DocumentState,
    DocumentStatus,
    DocumentType,
    Invoice,
    Party,
    Phase,
    Progress,
)
from comptoir.billing.invoices import TAX_DECIMALS_MAX, number
from comptoir.billing.model import ChargeType, Line, LineDraft, LineKind
from comptoir.core.accounts import Account
from comptoir.core.errors import Code, Refusal

CORRECTIONS_MAX = 100
QUANTITY_MAX = 10_000_000
PRICE_MAX = Decimal(10) ** 9
PRICE_DECIMALS_MAX = 10
TEXT_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True)
class LineCorrection:
    """What is to become of one line: ``member`` names it in refusals."""

    member: str
    line: Line
    correction: Correction


@dataclass(frozen=True, slots=True)
class Rebill:
    """What an operator wants billed anew. ``tax_rate`` is for all lines; ``None`` changes nothing."""

    reason: str
    lines: tuple[LineCorrection, ...] = ()
    tax_rate: Decimal | None = None
    bill_to: Party | None = None
    purchase_order: str | None = None


@dataclass(frozen=True, slots=True)
class LineCredit:
    """What is given back on one line: ``per_unit`` in its pricing currency.

    ``returned`` was given back on each unit before, by credits and by a refund. ``term_sum`` is what the
    licence lines of its term come to, in minor units.
    """

    member: str
    line: Line
    per_unit: Decimal
    returned: Decimal = Decimal(0)
    term_sum: int = 0


def require_amendable(invoice: Invoice, amendments: list[Invoice], *, is_rebill: bool) -> None:
    """Refuse to correct what does not count any more, what is being corrected, and to bill anew what has a
    credit note, whose lines would refer to nothing.

    ``amendments`` are those of the invoice that the document belongs to. Raises ``INVOICE_VOID``,
    ``INVOICE_IN_WORK`` and ``INVOICE_HAS_CREDITS``.
    """
    if not invoice.counts:
        raise Refusal(Code.INVOICE_VOID, invoice_id=invoice.id)
    for amendment in amendments:
        if amendment.status is DocumentStatus.DRAFT:
            raise Refusal(Code.INVOICE_IN_WORK, invoice_id=invoice.id, amendment_id=amendment.id)
        if is_rebill and amendment.counts and amendment.id != invoice.id:
            raise Refusal(Code.INVOICE_HAS_CREDITS, invoice_id=invoice.id, amendment_id=amendment.id)


def check_rebill(rebill: Rebill) -> None:
    """Refuse corrections that make no sense. Raises ``INVALID_PROPERTY``."""
    _check_text("reason", rebill.reason)
    if not rebill.reason.strip():
        raise _not_valid("reason", "it is required.")
    if rebill.purchase_order is not None:
        _check_text("purchaseOrder", rebill.purchase_order)
    for member, text in asdict(rebill.bill_to or Party("")).items():
        _check_text(f"billTo.{member}", text)
    if rebill.tax_rate is not None:
        _check_rate("taxRate", rebill.tax_rate)
    if len(rebill.lines) > CORRECTIONS_MAX:
        raise _not_valid("lines", f"at most {CORRECTIONS_MAX} lines are corrected at once.")
    seen: set[str] = set()
    for each in rebill.lines:
        if each.line.id in seen:
            raise _not_valid(each.member, "the line is there already.")
        seen.add(each.line.id)
        _check_correction(each.member, each.line, each.correction)


def _check_correction(member: str, line: Line, correction: Correction) -> None:
    changes = (correction.quantity, correction.unit_price, correction.tax_rate)
    if correction.leave_out == any(change is not None for change in changes):
        raise _not_valid(member, "leave the line out, or say what of it changes.")
    if line.kind is LineKind.USAGE and (correction.quantity, correction.unit_price) != (None, None):
        raise _not_valid(member, "quantity and price of usage follow from its days: leave the line out.")
    if correction.quantity is not None:
        is_whole = correction.quantity.is_finite() and correction.quantity == int(correction.quantity)
        if not is_whole or not 1 <= correction.quantity <= QUANTITY_MAX:
            raise _not_valid(f"{member}.quantity", f"it takes a whole number from 1 to {QUANTITY_MAX}.")
    if correction.unit_price is not None:
        _check_price(f"{member}.unitPrice", correction.unit_price)
        if line.effective_unit_price == 0:
            raise _not_valid(f"{member}.unitPrice", "a line that is free of charge stays so.")
    if correction.tax_rate is not None:
        _check_rate(f"{member}.taxRate", correction.tax_rate)


def rebilled(
    account: Account, count: int, original: Invoice, rebill: Rebill, *, issued_at: datetime
) -> Invoice:
    """The adjustment note that bills a document anew, its lines still to be copied."""
    content = Content(
        bill_to=rebill.bill_to or original.content.bill_to,
        reason=rebill.reason.strip(),
        purchase_order=original.content.purchase_order
        if rebill.purchase_order is None
        else rebill.purchase_order.strip(),
    )
    progress = Progress(
        Phase.COPIES,
        replaces_id=original.id,
        corrections={each.line.id: each.correction for each in rebill.lines},
        tax_rate=rebill.tax_rate,
    )
    note = _note(account, count, original, issued_at=issued_at)
    return replace(note, content=content, progress=progress)


def corrected(line: Line, progress: Progress, note_id: str) -> LineDraft | None:
    """The line as the note bills it; ``None`` if it is left out.

    A line that nothing is corrected about costs what it did. A corrected one is reckoned anew, with the new
    price as its net price.
    """
    correction = progress.corrections.get(line.id, Correction())
    if correction.leave_out:
        return None
    tax_rate = cents.plain(_first(correction.tax_rate, progress.tax_rate, line.rates.tax_rate))
    copied = copy_of(line, note_id, tax_rate)
    if correction.quantity is None and correction.unit_price is None:
        return copied
    sign = -1 if line.effective_unit_price < 0 else 1
    net = cents.plain(_first(correction.unit_price, line.net_price))
    quantity = line.quantity if correction.quantity is None else int(correction.quantity)
    price = cents.effective_unit_price(net, line.billing_days, line.cycle_days)
    return replace(
        copied,
        quantity=quantity,
        billable_quantity=Decimal(quantity),
        unit_price=cents.plain(_first(correction.unit_price, line.unit_price)),
        net_price=net,
        price_adjustment=line.price_adjustment if correction.unit_price is None else "",
        effective_unit_price=price if sign > 0 else cents.negated(price),
        subtotal=cents.licence_subtotal(price, line.rates.exchange_rate, quantity, line.currency, sign),
    )


def copy_of(line: Line, note_id: str, tax_rate: Decimal) -> LineDraft:
    """The same line, to be billed on a note."""
    return replace(
        line.redrafted(), id=keys.copy_id(line.id, note_id), rates=replace(line.rates, tax_rate=tax_rate)
    )


def made_void(original: Invoice) -> Invoice:
    """A document that was billed anew."""
    return replace(original, document_type=DocumentType.VOID_NOTE, state=DocumentState.VOID)


def check_credits(wanted: tuple[LineCredit, ...], reason: str) -> None:
    """Refuse credits that make no sense: at most what a line cost can be given back on it, and on the
    licence lines of a term at most what they come to, for seats and plans that were left are paid back.

    Raises ``INVALID_PROPERTY``.
    """
    _check_text("reason", reason)
    if not reason.strip():
        raise _not_valid("reason", "it is required.")
    if not 1 <= len(wanted) <= CORRECTIONS_MAX:
        raise _not_valid("lines", f"it takes 1 to {CORRECTIONS_MAX} lines.")
    seen: set[str] = set()
    of_terms: Counter[tuple[str, datetime]] = Counter()
    for credit in wanted:
        line = credit.line
        if line.id in seen:
            raise _not_valid(credit.member, "the line is there already.")
        seen.add(line.id)
        _check_credit(credit)
        if line.kind is LineKind.LICENCE:
            term = line.subscription_id, line.term_start_at
            of_terms[term] -= _credit_subtotal(line, credit.per_unit)
            if of_terms[term] > credit.term_sum:
                raise _not_valid(f"{credit.member}.perUnit", "more than is left of the term's charges.")


def _check_credit(credit: LineCredit) -> None:
    member = f"{credit.member}.perUnit"
    _check_price(member, credit.per_unit)
    left = credit.line.effective_unit_price - credit.returned
    if credit.per_unit == 0 or credit.per_unit > left:
        raise _not_valid(member, f"it takes more than 0 and at most {cents.plain(max(left, Decimal(0)))}.")


def credited(account: Account, count: int, original: Invoice, reason: str, *, issued_at: datetime) -> Invoice:
    """The credit note for a document, its lines still to be written."""
    content = Content(
        original.content.bill_to, reason=reason.strip(), purchase_order=original.content.purchase_order
    )
    note = _note(account, count, original, issued_at=issued_at)
    return replace(note, content=content, progress=Progress(Phase.ISSUE))


def credit_line(credit: LineCredit, note: Invoice, reason: str, position: int) -> LineDraft:
    """The line that gives something back, by the formula of section 3.4 with the rates of the line that cost
    it. It is about the same and bills the same units, of which each costs ``-per_unit``.
    """
    line, price = credit.line, cents.plain(credit.per_unit)
    event = f"credit:{note.id}"
    return replace(
        copy_of(line, note.id, line.rates.tax_rate),
        id=keys.line_id(note.account_id, line.subscription_id, event, position),
        charge_type=ChargeType.CUSTOMER_CREDIT,
        reference_id=keys.reference_id(note.account_id, line.subscription_id, event),
        position=position,
        order_date=note.issued_at,
        bill_month=calendar.month_of(note.issued_at),
        billing_days=line.cycle_days,
        net_price=price,
        effective_unit_price=cents.negated(price),
        subtotal=_credit_subtotal(line, price),
        price_adjustment="",
        credit_reason=reason.strip(),
        mirrors_id=line.id,
    )


def _credit_subtotal(line: Line, price: Decimal) -> int:
    exchange_rate = line.rates.exchange_rate
    if line.kind is LineKind.LICENCE:
        return cents.licence_subtotal(price, exchange_rate, line.quantity, line.currency, -1)
    return -cents.usage_subtotal(
        price, line.billable_quantity, exchange_rate, line.pricing_currency, line.currency
    )


def _note(account: Account, count: int, original: Invoice, *, issued_at: datetime) -> Invoice:
    """An amendment belongs to the invoice that its original belongs to, for there is one level of them."""
    return replace(
        original,
        id=number(account.kind, count),
        document_type=DocumentType.ADJUSTMENT_NOTE,
        status=DocumentStatus.DRAFT,
        amends_id=original.amends_id or original.id,
        issued_at=issued_at,
        line_sequence=0,
        subtotal=0,
        tax=0,
        total=0,
        line_count=0,
        consumption_count=0,
    )


def _first(*values: Decimal | None) -> Decimal:
    return next(value for value in values if value is not None)


def _check_text(member: str, text: str) -> None:
    if len(text) > TEXT_LENGTH_MAX or not text.isprintable():
        raise _not_valid(member, f"it is one line of at most {TEXT_LENGTH_MAX} characters.")


def _check_rate(member: str, rate: Decimal) -> None:
    if not rate.is_finite() or not 0 <= rate <= 1 or _decimals(rate) > TAX_DECIMALS_MAX:
        raise _not_valid(member, f"it takes a fraction with at most {TAX_DECIMALS_MAX} decimals.")


def _check_price(member: str, price: Decimal) -> None:
    if not price.is_finite() or not 0 <= price < PRICE_MAX or _decimals(price) > PRICE_DECIMALS_MAX:
        raise _not_valid(member, f"it takes a price with at most {PRICE_DECIMALS_MAX} decimals.")


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), value
    return max(0, -exponent)


def _not_valid(member: str, reason: str) -> Refusal:
    return Refusal(Code.INVALID_PROPERTY, member=member, reason=reason)
