"""Use case: what a document says on paper."""

from comptoir.billing import service_documents, statement, store_gathering, store_lines
from comptoir.billing.invoice_model import Invoice, Key
from comptoir.billing.model import Subject
from comptoir.catalog import service as catalog
from comptoir.core.context import Context
from comptoir.db import Tx
from comptoir.identity import service as identity

PIECE = 2_000


async def statement_of(tx: Tx, ctx: Context, invoice_id: str, seller: tuple[str, ...]) -> tuple[Invoice, str]:
    """A document, and the text of which ``service_printing.pdf`` makes its pages.

    ``seller`` are the lines of whoever runs the marketplace. Raises ``INVOICE_NOT_FOUND`` and
    ``INVOICE_FOREIGN``.
    """
    document = await service_documents.get_document(tx, ctx, invoice_id)
    gathered = await _gathered(tx, document.invoice)
    culture = (await identity.load_account(tx, ctx.account.id)).organization.culture
    publishers = [await catalog.publisher(tx, each) for each in sorted(gathered.publisher_ids)]
    paper = statement.Paper(seller, culture, document.paid, tuple(publishers))
    return document.invoice, statement.render(document.invoice, gathered, paper)


async def _gathered(tx: Tx, invoice: Invoice) -> statement.Gathered:
    """The document's lines, read piece by piece."""
    gathered = statement.Gathered()
    subjects: dict[str, Subject] = {}
    start = Key()
    while lines := await store_gathering.list_billed(tx, invoice, start, PIECE):
        for line in lines:
            if line.subject_id not in subjects:
                subjects[line.subject_id] = await store_lines.get_subject(
                    tx, invoice.account_id, line.subject_id
                )
            gathered.add(line, subjects[line.subject_id])
        start = store_gathering.key_after(lines[-1])
    return gathered
