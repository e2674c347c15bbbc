"""Documents as everybody sees them: issued, with what amends them and what was paid for them."""

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.billing import invoices, postings, store_invoices, store_lines
from comptoir.billing.invoice_model import (
    Balance,
    BilledDocument,
    DocumentStatus,
    Invoice,
    Party,
    Payment,
)
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.db import Tx
from comptoir.identity import service as identity


async def list_documents(tx: Tx, account_id: str) -> list[BilledDocument]:
    """The account's issued documents by date and number; amendments stand inside what they amend."""
    return invoices.arranged(
        await store_invoices.list_all(tx, account_id), await store_invoices.list_payments(tx, account_id)
    )


async def get_document(tx: Tx, ctx: Context, invoice_id: str) -> BilledDocument:
    """An issued document of the account, an amendment too.

    Raises ``INVOICE_NOT_FOUND``, and ``INVOICE_FOREIGN`` for one of another account.
    """
    invoice = await require(tx, ctx, invoice_id)
    around = [invoice]
    if invoice.amends_id is None:
        around += await store_invoices.list_amendments(tx, ctx.account.id, invoice.id)
    payments = await store_invoices.list_payments(tx, ctx.account.id)
    if invoice.amends_id is not None:
        return BilledDocument(invoice, invoices.paid_by_invoice(payments).get(invoice.id, 0))
    (document,) = invoices.arranged(around, payments)
    return document


async def get_any(tx: Tx, ctx: Context, invoice_id: str) -> BilledDocument:
    """``get_document``, of a draft too."""
    found = await store_invoices.get(tx, ctx.account.id, invoice_id)
    if found is not None and found.status is DocumentStatus.DRAFT:
        return BilledDocument(found, 0)
    return await get_document(tx, ctx, invoice_id)


async def require(tx: Tx, ctx: Context, invoice_id: str) -> Invoice:
    """An issued document of the account. Raises ``INVOICE_NOT_FOUND`` and ``INVOICE_FOREIGN``."""
    return await _issued(tx, ctx, invoice_id, await store_invoices.get(tx, ctx.account.id, invoice_id))


async def lock(tx: Tx, ctx: Context, invoice_id: str) -> Invoice:
    """``require``, and nobody else changes the document until the transaction ends."""
    return await _issued(tx, ctx, invoice_id, await store_invoices.lock(tx, ctx.account.id, invoice_id))


async def _issued(tx: Tx, ctx: Context, invoice_id: str, found: Invoice | None) -> Invoice:
    if found is not None and found.status is DocumentStatus.ISSUED:
        return found
    owner = await store_invoices.find_owner(tx, invoice_id)
    is_foreign = owner is not None and owner != ctx.account.id
    raise Refusal(Code.INVOICE_FOREIGN if is_foreign else Code.INVOICE_NOT_FOUND, invoice_id=invoice_id)


async def list_drafts(tx: Tx, account_id: str) -> list[Invoice]:
    """The documents that are under way."""
    found = await store_invoices.list_all(tx, account_id)
    return [invoice for invoice in found if invoice.status is DocumentStatus.DRAFT]


async def list_payments(tx: Tx, account_id: str) -> list[Payment]:
    """What came in, the oldest first."""
    return await store_invoices.list_payments(tx, account_id)


async def find_owner(tx: Tx, invoice_id: str) -> str | None:
    """The account that a document belongs to, whether it is issued or not."""
    return await store_invoices.find_owner(tx, invoice_id)


async def balances(tx: Tx, account_id: str) -> list[Balance]:
    """What is owed in each currency that ever had a document, by currency code (section 1.5)."""
    return invoices.balances(
        await store_invoices.list_all(tx, account_id), await store_invoices.list_payments(tx, account_id)
    )


async def record_payment(tx: Tx, ctx: Context, invoice_id: str, payment: invoices.PaymentNote) -> Payment:
    """Note what came in for a document.

    Raises ``INVOICE_NOT_FOUND``, ``INVOICE_VOID``, and ``INVALID_PROPERTY`` for what makes no sense.
    """
    invoice = await lock(tx, ctx, invoice_id)
    paid = invoices.paid_by_invoice(await store_invoices.list_payments(tx, ctx.account.id))
    recorded = invoices.judge_payment(
        invoice, paid.get(invoice.id, 0), payment, payment_id=ctx.ids.guid(), now=ctx.now
    )
    await store_invoices.insert_payment(tx, ctx.account.id, recorded)
    await store_invoices.insert_postings(tx, ctx.account.id, [postings.of_payment(recorded)])
    audit.record(
        tx,
        ctx,
        Action.RECORD_PAYMENT,
        subject_kind="invoice",
        subject_id=invoice.id,
        after={"payment": recorded.id, "amount": recorded.amount, "currency": recorded.currency},
    )
    return recorded


async def issue(tx: Tx, ctx: Context, draft: Invoice) -> Invoice:
    """Make a document of a draft that has all its lines: totals, postings, journal.

    Nobody writes lines meanwhile: how many there are tells walks over unbilled lines when it was issued.
    """
    document = invoices.issued(draft, await store_lines.lock_books(tx, draft.account_id))
    await store_invoices.update(tx, document)
    await store_invoices.insert_postings(tx, document.account_id, postings.of_invoice(document))
    audit.record(
        tx,
        ctx,
        Action.READY_INVOICE,
        subject_kind="invoice",
        subject_id=document.id,
        after={
            "documentType": document.document_type,
            "amendsOf": document.amends_id,
            "month": document.month,
            "currency": document.currency,
            "subtotal": document.subtotal,
            "tax": document.tax,
            "total": document.total,
            "lineCount": document.line_count,
            "consumptionCount": document.consumption_count,
        },
    )
    return document


async def party_of(tx: Tx, account_id: str) -> Party:
    """The account's company as documents name it today."""
    record = await identity.load_account(tx, account_id)
    account, organization = record.account, record.organization
    address = organization.address
    return Party(
        name=account.company_name,
        tenant_id=account.id,
        mpn_id=account.mpn_id,
        domain=account.domain,
        email=organization.email,
        line1=address.line1,
        city=address.city,
        state=address.state,
        postal_code=address.postal_code,
        country=address.country,
    )
