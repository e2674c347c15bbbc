"""Invoices as the operator sees them: issued, paid, corrected, explained, proven."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from functools import partial
from typing import TypeVar

from msgspec import UNSET, structs

from comptoir.api.call import Call, Handler
from comptoir.api.reading import text_from_wire, text_to_wire
from comptoir.api.services import Services
from comptoir.billing import invoices, service_amending, service_verify
from comptoir.billing import service_documents as documents
from comptoir.billing import service_explaining as explaining
from comptoir.billing import service_invoices as service
from comptoir.billing.amending import CORRECTIONS_MAX, LineCorrection, LineCredit, Rebill
from comptoir.billing.invoice_model import (
    BilledDocument,
    Correction,
    DocumentStatus,
    Invoice,
    MonthPreview,
    Party,
    Payment,
    TaxTotal,
)
from comptoir.billing.invoices import PaymentNote
from comptoir.billing.model import Line
from comptoir.billing.service_explaining import Explanation
from comptoir.billing.verifying import Offender, Proof
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.money import Money
from comptoir.db import Tx
from comptoir.identity import service as identity
from comptoir.wire import billing_operator as wire
from comptoir.worker import run_until

T = TypeVar("T")
PAGE_SIZE = 500
MONTHS_MAX = 1_200
"""How many months one call issues at most: a century."""


# Reading


async def list_(tx: Tx, ctx: Context, call: Call) -> wire.OperatorInvoices:
    """Issued documents by date with their amendments inside, then the drafts."""
    within = await _within(tx, ctx, call)
    account_id = within.account.id
    found = [
        *await documents.list_documents(tx, account_id),
        *(BilledDocument(draft, 0) for draft in await documents.list_drafts(tx, account_id)),
    ]
    after = call.query.get("after")
    ids = [document.invoice.id for document in found]
    start = ids.index(after) + 1 if after in ids else 0
    page = found[start : start + PAGE_SIZE]
    payments = await documents.list_payments(tx, account_id)
    has_more = start + len(page) < len(found)
    return wire.OperatorInvoices(
        items=[to_wire(document, payments) for document in page],
        next_after=page[-1].invoice.id if has_more else UNSET,
    )


async def get(tx: Tx, ctx: Context, call: Call) -> wire.OperatorInvoice:
    return await _shown(tx, await _within(tx, ctx, call), _invoice_id(call))


async def progress(tx: Tx, ctx: Context, call: Call) -> wire.InvoiceRunProgress:
    within = await _within(tx, ctx, call)
    drafts = await documents.list_drafts(tx, within.account.id)
    next_run = await service.next_run(tx, within)
    return wire.InvoiceRunProgress(
        under_way=[_progress_to_wire(draft, await service.remaining(tx, draft)) for draft in drafts],
        next_run=UNSET if next_run is None else next_run,
    )


async def explain(tx: Tx, ctx: Context, call: Call) -> wire.LineExplanation:
    """A number names a document of the installation, so that no account needs to be given."""
    invoice_id = _invoice_id(call)
    owner = await documents.find_owner(tx, invoice_id)
    if owner is None:
        raise Refusal(Code.INVOICE_NOT_FOUND, invoice_id=invoice_id)
    within = await identity.in_account(tx, ctx, owner)
    return _explanation_to_wire(await explaining.explain(tx, within, invoice_id, call.path["line"]))


async def verify(tx: Tx, ctx: Context, call: Call) -> wire.Verification:
    found = await service_verify.verify(tx, call.query.get("account"))
    return verification_to_wire(found)


# Issuing


async def run(services: Services, ctx: Context, call: Call) -> wire.InvoiceRun:
    """Do what is due, then issue month after month; or only look."""
    body: wire.InvoiceRunBody = call.body or wire.InvoiceRunBody()
    within = await services.database.read(partial(_within, ctx=ctx, call=call))
    month = _month(body.month, within)
    if body.is_dry_run:
        previews = await services.database.report(partial(service.preview, ctx=within, month=month))
        return _run_to_wire(month, previews=previews)
    if body.month is not None:
        invoices.require_closable(month, within.now, within.account.settings)
    before = await services.database.read(partial(_issued_ids, account_id=within.account.id))
    await _close(services, within, month)
    found = await services.database.read(partial(_besides, ctx=within, before=before))
    return _run_to_wire(month, found=found)


async def _close(services: Services, ctx: Context, month: int) -> None:
    """Do what is due, then issue the months up to one, in order."""
    for _ in range(MONTHS_MAX):
        await run_until(services.worker, account_id=ctx.account.id)
        if not await services.write(partial(service.open_month, ctx=ctx, up_to=month)):
            break


async def _issued_ids(tx: Tx, account_id: str) -> frozenset[str]:
    """The documents that are issued, without their amendments."""
    return frozenset(each.invoice.id for each in await documents.list_documents(tx, account_id))


async def _besides(tx: Tx, ctx: Context, before: frozenset[str]) -> list[wire.OperatorInvoice]:
    """The documents that have come since, drafts too."""
    drafts = [draft.id for draft in await documents.list_drafts(tx, ctx.account.id)]
    issued = await _issued_ids(tx, ctx.account.id) - before
    return [await _shown(tx, ctx, invoice_id) for invoice_id in sorted({*issued, *drafts})]


# Paying and correcting


async def pay(tx: Tx, ctx: Context, call: Call) -> wire.OperatorInvoice:
    body: wire.PaymentBody = call.body or wire.PaymentBody()
    within = await _within(tx, ctx, call)
    invoice_id = _invoice_id(call)
    if body.amount is None:
        raise _missing("amount")
    note = PaymentNote(body.amount, body.paid_at or within.now, text_from_wire(body.reference))
    await documents.record_payment(tx, within, invoice_id, note)
    return await _shown(tx, within, invoice_id)


async def rebill(services: Services, ctx: Context, call: Call) -> wire.OperatorInvoice:
    """Begin it, have its lines copied, and show the note; it is issued unless something obstructs it."""
    body: wire.RebillBody = call.body or wire.RebillBody()
    within = await services.database.read(partial(_within, ctx=ctx, call=call))
    invoice_id = _invoice_id(call)
    wanted = await services.database.report(
        partial(_rebill_from_wire, ctx=within, invoice_id=invoice_id, body=body)
    )
    note = await services.write(
        partial(service_amending.rebill, ctx=within, invoice_id=invoice_id, wanted=wanted)
    )
    await run_until(services.worker, account_id=within.account.id)
    return await services.database.read(partial(_shown, ctx=within, invoice_id=note.id))


async def credit(tx: Tx, ctx: Context, call: Call) -> wire.OperatorInvoice:
    body: wire.CreditBody = call.body or wire.CreditBody()
    within = await _within(tx, ctx, call)
    invoice_id = _invoice_id(call)
    wanted = await _credits_from_wire(tx, within, invoice_id, body)
    note = await service_amending.credit(tx, within, invoice_id, wanted, text_from_wire(body.reason))
    return await _shown(tx, within, note.id)


HANDLERS: Mapping[str, Handler] = {
    "operator.invoices_list": list_,
    "operator.invoices_get": get,
    "operator.invoices_progress": progress,
    "operator.invoices_run": run,
    "operator.invoices_pay": pay,
    "operator.invoices_rebill": rebill,
    "operator.invoices_credit": credit,
    "operator.invoices_explain": explain,
    "operator.verify": verify,
}


# From the wire


async def _within(tx: Tx, ctx: Context, call: Call) -> Context:
    """The operator's call as one within the account of the path, by that account's clock."""
    record = await identity.require_account(tx, call.path["name"])
    return await identity.in_account(tx, ctx, record.account.id)


def _invoice_id(call: Call) -> str:
    """The number of the path. Raises ``INVOICE_NOT_FOUND`` for what is none."""
    invoice_id = call.path["invoice_id"].upper()
    if not invoices.is_number(invoice_id):
        raise Refusal(Code.INVOICE_NOT_FOUND, invoice_id=invoice_id[:50])
    return invoice_id


def _month(text: str | None, ctx: Context) -> int:
    """``2025-06``, or the latest month that can be issued now."""
    if text is None:
        return invoices.latest_closable(ctx.now, ctx.account.settings)
    return invoices.read_month(text)


async def _rebill_from_wire(tx: Tx, ctx: Context, invoice_id: str, body: wire.RebillBody) -> Rebill:
    """What is wanted, with the lines that it is about."""
    invoice = await documents.require(tx, ctx, invoice_id)
    lines = []
    for member, each in _numbered(body.lines):
        correction = Correction(bool(each.leave_out), each.quantity, each.unit_price, each.tax_rate)
        line = await _line(tx, invoice, member, each.line)
        lines.append(LineCorrection(member, line, correction))
    return Rebill(
        reason=text_from_wire(body.reason),
        lines=tuple(lines),
        tax_rate=body.tax_rate,
        bill_to=None if body.bill_to is None else _party_from_wire(body.bill_to, invoice.content.bill_to),
        purchase_order=body.purchase_order,
    )


async def _credits_from_wire(
    tx: Tx, ctx: Context, invoice_id: str, body: wire.CreditBody
) -> list[LineCredit]:
    invoice = await documents.require(tx, ctx, invoice_id)
    wanted = []
    for member, each in _numbered(body.lines):
        if each.per_unit is None:
            raise _missing(f"{member}.perUnit")
        wanted.append(LineCredit(member, await _line(tx, invoice, member, each.line), each.per_unit))
    return wanted


def _numbered(bodies: Sequence[T] | None) -> list[tuple[str, T]]:
    """Each line with the name that refusals call it by; no more of them than one too many."""
    return [(f"lines[{index}]", each) for index, each in enumerate((bodies or [])[: CORRECTIONS_MAX + 1])]


async def _line(tx: Tx, invoice: Invoice, member: str, asked: str | int | None) -> Line:
    if asked is None:
        raise _missing(f"{member}.line")
    return await service_amending.find_line(tx, invoice, str(asked).strip())


def _party_from_wire(body: wire.BillToBody, known: Party) -> Party:
    given = {name: text.strip() for name, text in structs.asdict(body).items() if text is not None}
    return replace(known, **given)


def _missing(member: str) -> Refusal:
    return Refusal(Code.INVALID_PROPERTY, member=member, reason="it is required.")


# To the wire


async def _shown(tx: Tx, ctx: Context, invoice_id: str) -> wire.OperatorInvoice:
    document = await documents.get_any(tx, ctx, invoice_id)
    return to_wire(document, await documents.list_payments(tx, ctx.account.id))


def to_wire(document: BilledDocument, payments: Sequence[Payment]) -> wire.OperatorInvoice:
    """``payments`` are the account's; those of the document are picked out."""
    invoice, content = document.invoice, document.invoice.content

    def money(minor: int) -> Decimal:
        return Money(minor, invoice.currency).amount

    return wire.OperatorInvoice(
        id=invoice.id,
        month=invoices.month_text(invoice.month),
        currency=invoice.currency,
        document_type=invoice.document_type,
        state=invoice.state,
        status=invoice.status,
        amends_of=UNSET if invoice.amends_id is None else invoice.amends_id,
        invoice_date=invoice.issued_at,
        due_date=invoice.due_at,
        tax_mode=invoice.tax_mode,
        subtotal=money(invoice.subtotal),
        tax=money(invoice.tax),
        total=money(invoice.total),
        paid=money(document.paid),
        balance=money(document.balance),
        line_count=invoice.line_count,
        consumption_line_count=invoice.consumption_count,
        tax_totals=[_tax_total_to_wire(total, invoice.currency) for total in content.tax_totals],
        bill_to=wire.BillTo(**asdict(content.bill_to)),
        purchase_order=text_to_wire(content.purchase_order),
        reason=text_to_wire(content.reason),
        payments=[_payment_to_wire(each) for each in payments if each.invoice_id == invoice.id],
        amendments=[to_wire(amendment, payments) for amendment in document.amendments],
    )


def _tax_total_to_wire(total: TaxTotal, currency: str) -> wire.TaxTotalOnWire:
    return wire.TaxTotalOnWire(
        rate=total.rate,
        line_count=total.line_count,
        subtotal=Money(total.subtotal, currency).amount,
        tax=Money(total.tax, currency).amount,
    )


def _payment_to_wire(payment: Payment) -> wire.PaymentOnWire:
    return wire.PaymentOnWire(
        id=payment.id,
        amount=Money(payment.amount, payment.currency).amount,
        currency=payment.currency,
        paid_at=payment.paid_at,
        reference=payment.reference,
        recorded_at=payment.recorded_at,
    )


def _run_to_wire(
    month: int,
    *,
    found: Sequence[wire.OperatorInvoice] = (),
    previews: Sequence[MonthPreview] | None = None,
) -> wire.InvoiceRun:
    return wire.InvoiceRun(
        is_dry_run=previews is not None,
        month=invoices.month_text(month),
        issued=[each for each in found if each.status == DocumentStatus.ISSUED],
        under_way=[each.id for each in found if each.status == DocumentStatus.DRAFT],
        previews=[_preview_to_wire(each) for each in previews or ()],
    )


def _preview_to_wire(preview: MonthPreview) -> wire.InvoicePreview:
    return wire.InvoicePreview(
        month=invoices.month_text(preview.month),
        currency=preview.currency,
        line_count=preview.line_count,
        consumption_line_count=preview.consumption_count,
        subtotal=Money(preview.subtotal, preview.currency).amount,
        tax=Money(preview.tax, preview.currency).amount,
        total=Money(preview.total, preview.currency).amount,
        tax_totals=[_tax_total_to_wire(total, preview.currency) for total in preview.tax_totals],
    )


def _progress_to_wire(draft: Invoice, left: tuple[int, int]) -> wire.InvoiceProgress:
    progress = draft.progress
    assert progress is not None, draft.id
    return wire.InvoiceProgress(
        id=draft.id,
        month=invoices.month_text(draft.month),
        currency=draft.currency,
        document_type=draft.document_type,
        phase=progress.phase,
        lines_done=sum(tally.line_count for tally in progress.tallies.values()),
        lines_left=left[0],
        consumption_lines_done=progress.consumption_count,
        consumption_lines_left=left[1],
    )


def _explanation_to_wire(explanation: Explanation) -> wire.LineExplanation:
    line, subject = explanation.line, explanation.subject

    def money(minor: int) -> Decimal:
        return Money(minor, line.currency).amount

    return wire.LineExplanation(
        invoice=explanation.invoice.id,
        line=explanation.number,
        line_id=line.id,
        customer=subject.customer_name,
        product=f"{subject.product_name}, {subject.sku_name}",
        charge_type=line.charge_type,
        currency=line.currency,
        subtotal=money(line.subtotal),
        tax=money(line.tax),
        total=money(line.subtotal + line.tax),
        steps=[wire.ExplanationStep(**asdict(step)) for step in explanation.steps],
    )


def verification_to_wire(found: Proof | Offender) -> wire.Verification:
    """What was looked at, or the first offender."""
    if isinstance(found, Offender):
        return wire.Verification(
            holds=False, **asdict(Proof()), offender=wire.OffenderOnWire(**asdict(found))
        )
    return wire.Verification(holds=True, **asdict(found))
