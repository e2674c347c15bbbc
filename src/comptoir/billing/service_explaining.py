"""Use case: why a line of a document says what it says."""

from dataclasses import dataclass

from comptoir.billing import (
    explaining,
    keys,
    service_amending,
    service_documents,
    store_copying,
    store_gathering,
    store_invoices,
    store_lines,
)
from comptoir.billing.explaining import Step
from comptoir.billing.invoice_model import DocumentType, Invoice
from comptoir.billing.model import Line, LineKind, Subject
from comptoir.core.context import Context
from comptoir.db import Tx


@dataclass(frozen=True, slots=True)
class Explanation:
    """A line, the ``number``-th of its document from 1, and the steps that lead to its total."""

    invoice: Invoice
    number: int
    line: Line
    subject: Subject
    steps: tuple[Step, ...]


async def explain(tx: Tx, ctx: Context, invoice_id: str, line: str) -> Explanation:
    """Explain the line that a text names by number or id.

    Raises ``INVOICE_NOT_FOUND``, ``INVOICE_FOREIGN`` and ``LINE_NOT_FOUND``.
    """
    invoice = await service_documents.require(tx, ctx, invoice_id)
    found = await service_amending.find_line(tx, invoice, line)
    subject = await store_lines.get_subject(tx, invoice.account_id, found.subject_id)
    event, *reckoning = explaining.explained(found, subject)
    around = [event]
    if found.kind is LineKind.USAGE:
        quantities = await store_copying.quantities_of(tx, invoice, found)
        around.append(explaining.usage_step(quantities, found))
    rebilled = await _rebilled(tx, invoice, found)
    if rebilled is not None:
        around.append(explaining.rebilled_step(found, *rebilled))
    number = await store_gathering.count_before(tx, invoice, found) + 1
    return Explanation(invoice, number, found, subject, (*around, *reckoning))


async def _rebilled(tx: Tx, note: Invoice, line: Line) -> tuple[Line, str] | None:
    """The line that a line of an adjustment note bills anew, and its document: its place is the same."""
    if note.amends_id is None:
        return None
    amended = await store_invoices.get(tx, note.account_id, note.amends_id)
    assert amended is not None, note.id
    for document in (amended, *await store_invoices.list_amendments(tx, note.account_id, amended.id)):
        if document.document_type is DocumentType.VOID_NOTE:
            for found in await store_gathering.list_billed(tx, document, store_gathering.key_of(line), 1):
                if keys.copy_id(found.id, note.id) == line.id:
                    return found, document.id
    return None
