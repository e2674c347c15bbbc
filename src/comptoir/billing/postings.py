"""Double entry: what each line, document and payment moves between the accounts of the books.

A line is owed but not billed yet, and earned from a publisher's plans; its posting is written with it. A
document moves what it bills from unbilled to receivable and adds the tax; a payment moves it on to cash. A
document that was made void takes back its own postings and, together, those of its lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from comptoir.billing import keys
from comptoir.billing.invoice_model import Invoice, Payment

UNBILLED = "unbilled"
RECEIVABLE = "receivable"
TAX = "tax"
CASH = "cash"

LINE = "line"
INVOICE = "invoice"
VOID = "void"
PAYMENT = "payment"


@dataclass(frozen=True, slots=True)
class Posting:
    """``amount`` minor units move to ``debit`` from ``credit``; negative for what is taken back.

    ``source_kind`` and ``source_id`` name what moved it.
    """

    id: str
    source_kind: str
    source_id: str
    at: datetime
    debit: str
    credit: str
    amount: int
    currency: str


def revenue(publisher_id: str) -> str:
    """The account of what a publisher's plans have earned."""
    return f"revenue:{publisher_id}"


def of_invoice(invoice: Invoice) -> list[Posting]:
    """What a document moves when it is issued."""
    return _of_document(Source(INVOICE, invoice.id, invoice.issued_at, invoice.currency), invoice, 1)


def of_void(invoice: Invoice, at: datetime, earned: Mapping[str, int]) -> list[Posting]:
    """What a document moves back when it is made void; ``earned`` sums its lines by publisher."""
    assert sum(earned.values()) == invoice.subtotal, invoice.id
    source = Source(VOID, invoice.id, at, invoice.currency)
    return [
        *_of_document(source, invoice, -1),
        *(
            source.moves(UNBILLED, revenue(publisher), -amount)
            for publisher, amount in sorted(earned.items())
        ),
    ]


def of_payment(payment: Payment) -> Posting:
    """What a payment moves."""
    source = Source(PAYMENT, payment.id, payment.recorded_at, payment.currency)
    return source.moves(CASH, RECEIVABLE, payment.amount)


@dataclass(frozen=True, slots=True)
class Source:
    """What moves money, when, and in which currency."""

    kind: str
    id: str
    at: datetime
    currency: str

    def moves(self, debit: str, credit: str, amount: int) -> Posting:
        posting_id = keys.posting_id(self.kind, self.id, debit, credit)
        return Posting(posting_id, self.kind, self.id, self.at, debit, credit, amount, self.currency)


def _of_document(source: Source, invoice: Invoice, sign: int) -> list[Posting]:
    return [
        source.moves(RECEIVABLE, UNBILLED, sign * invoice.subtotal),
        source.moves(RECEIVABLE, TAX, sign * invoice.tax),
    ]
