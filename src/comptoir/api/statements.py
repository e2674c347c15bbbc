"""Invoices as PDF. Best imported late: it draws in what prints."""

import asyncio
from collections.abc import Mapping
from functools import partial

from comptoir.api.call import Answer, Call, Handler
from comptoir.api.invoice_lines import document_of
from comptoir.api.services import Services
from comptoir.billing import service_documents, service_printing, service_statement
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.db import Tx
from comptoir.wire.statements import PDF

SELLER_SEPARATOR = "|"


async def statement(services: Services, ctx: Context, call: Call) -> Answer:
    """Gathered in one reading transaction, printed in a thread that holds none."""
    seller = tuple(part.strip() for part in services.settings.seller.split(SELLER_SEPARATOR))
    read = partial(
        service_statement.statement_of,
        ctx=ctx,
        invoice_id=document_of(call),
        seller=seller,
    )
    invoice, text = await services.database.report(read)
    printed = await asyncio.to_thread(service_printing.pdf, text, invoice.issued_at)
    disposition = f"attachment; filename=Invoice_{invoice.id}.pdf"
    return Answer(printed, content_type=PDF, headers={"Content-Disposition": disposition})


async def receipt(tx: Tx, ctx: Context, call: Call) -> Answer:
    """Receipts are for jurisdictions that issue separate ones, which none here does."""
    await service_documents.require(tx, ctx, document_of(call))
    raise Refusal(Code.INVOICE_NOT_FOUND, invoice_id=call.path["receipt_id"])


HANDLERS: Mapping[str, Handler] = {"invoices.statement": statement, "invoices.receipt": receipt}
