"""Documents, their numbers, payments and postings in the database."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from comptoir.billing.invoice_model import (
    Content,
    DocumentState,
    DocumentStatus,
    DocumentType,
    Invoice,
    Payment,
    Progress,
)
from comptoir.billing.postings import Posting
from comptoir.core.accounts import TaxMode
from comptoir.core.instants import from_micros, to_micros
from comptoir.db import Row, Tx, Value, sql

T = TypeVar("T")

_COLUMNS = """
    account_id, id, month, currency, document_type, state, status, amends_id, issued_at, line_sequence,
    tax_mode, subtotal, tax, total, line_count, consumption_count, document, progress
"""

# One more than the last of its kind. The row is locked until the transaction ends, which draws the number
# together with the document that has it: so no number is missing and none is used twice.
NEXT_NUMBER = sql("""
    INSERT INTO instance (name, value) VALUES (:name, '1')
    ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(instance.value AS BIGINT) + 1 AS TEXT)
    RETURNING value
""")

READ_NUMBER = sql("SELECT value FROM instance WHERE name = :name")

INSERT = sql(f"""
    INSERT INTO invoices ({_COLUMNS}) VALUES (
        :account_id, :id, :month, :currency, :document_type, :state, :status, :amends_id, :issued_at,
        :line_sequence, :tax_mode, :subtotal, :tax, :total, :line_count, :consumption_count, :document,
        :progress
    )
""")  # noqa: S608 - fixed texts

UPDATE = sql("""
    UPDATE invoices
    SET document_type = :document_type, state = :state, status = :status, line_sequence = :line_sequence,
        subtotal = :subtotal, tax = :tax, total = :total, line_count = :line_count,
        consumption_count = :consumption_count, document = :document, progress = :progress
    WHERE account_id = :account_id AND id = :id
""")

LOCK_DRAFT = sql(f"""
    SELECT {_COLUMNS} FROM invoices WHERE account_id = :account_id AND status = 'draft'
    ORDER BY id LIMIT 1 {{for_update}}
""")  # noqa: S608 - fixed texts

GET = sql(f"SELECT {_COLUMNS} FROM invoices WHERE account_id = :account_id AND id = :id")  # noqa: S608 - fixed

LOCK = sql(f"""
    SELECT {_COLUMNS} FROM invoices WHERE account_id = :account_id AND id = :id {{for_update}}
""")  # noqa: S608 - fixed texts

LIST = sql(f"""
    SELECT {_COLUMNS} FROM invoices WHERE account_id = :account_id ORDER BY issued_at, id
""")  # noqa: S608 - fixed texts

LIST_AMENDMENTS = sql(f"""
    SELECT {_COLUMNS} FROM invoices WHERE account_id = :account_id AND amends_id = :amends_id
    ORDER BY issued_at, id
""")  # noqa: S608 - fixed texts

LAST_MONTH = sql("""
    SELECT MAX(month) AS month FROM invoices
    WHERE account_id = :account_id AND currency = :currency AND amends_id IS NULL
""")

# Over all accounts: numbers are unique in the installation, and whose a document is decides what a caller
# is told.
FIND_OWNER = sql("SELECT account_id FROM invoices WHERE id = :id")

INSERT_PAYMENT = sql("""
    INSERT INTO payments (account_id, id, invoice_id, amount, currency, paid_at, reference, recorded_at)
    VALUES (:account_id, :id, :invoice_id, :amount, :currency, :paid_at, :reference, :recorded_at)
""")

MOVE_PAYMENTS = sql("""
    UPDATE payments SET invoice_id = :to_id WHERE account_id = :account_id AND invoice_id = :from_id
""")

LIST_PAYMENTS = sql("""
    SELECT id, invoice_id, amount, currency, paid_at, reference, recorded_at
    FROM payments WHERE account_id = :account_id ORDER BY paid_at, recorded_at, id
""")

INSERT_POSTING = sql("""
    INSERT INTO postings (account_id, id, source_kind, source_id, at, debit, credit, amount, currency)
    VALUES (:account_id, :id, :source_kind, :source_id, :at, :debit, :credit, :amount, :currency)
""")

GET_HEAD = sql("SELECT line_sequence FROM billing_heads WHERE account_id = :account_id")

_CONTENT = msgspec.json.Decoder(Content)
_PROGRESS = msgspec.json.Decoder(Progress)


async def next_number(tx: Tx, series: str) -> int:
    """Take the next number of a sequence, from 1."""
    row = await tx.one(NEXT_NUMBER, name=_counter(series))
    assert row is not None, "the counter was just written"
    return int(row["value"])


async def last_number(tx: Tx, series: str) -> int:
    """The number taken last, 0 before the first."""
    row = await tx.one(READ_NUMBER, name=_counter(series))
    return 0 if row is None else int(row["value"])


async def insert(tx: Tx, invoice: Invoice) -> None:
    await tx.run(
        INSERT,
        month=invoice.month,
        currency=invoice.currency,
        amends_id=invoice.amends_id,
        issued_at=to_micros(invoice.issued_at),
        tax_mode=invoice.tax_mode.value,
        **_changeable(invoice),
    )


async def update(tx: Tx, invoice: Invoice) -> None:
    """Store what changes about a document: how far it has come, that it is issued, that it is void."""
    changed = await tx.run(UPDATE, **_changeable(invoice))
    assert changed == 1, invoice.id


async def lock_draft(tx: Tx, account_id: str) -> Invoice | None:
    """The account's first draft; nobody else goes on with it until the transaction ends."""
    return _optional(await tx.one(LOCK_DRAFT, account_id=account_id))


async def get(tx: Tx, account_id: str, invoice_id: str) -> Invoice | None:
    """A document, also a draft."""
    return _optional(await tx.one(GET, account_id=account_id, id=invoice_id))


async def lock(tx: Tx, account_id: str, invoice_id: str) -> Invoice | None:
    """A document that nobody else changes until the transaction ends."""
    return _optional(await tx.one(LOCK, account_id=account_id, id=invoice_id))


async def list_all(tx: Tx, account_id: str) -> list[Invoice]:
    """Every document of the account, drafts too, by date and number: a few for each month of its life."""
    return [_invoice(row) for row in await tx.all(LIST, account_id=account_id)]


async def list_amendments(tx: Tx, account_id: str, invoice_id: str) -> list[Invoice]:
    """The documents that amend one, drafts too."""
    return [
        _invoice(row) for row in await tx.all(LIST_AMENDMENTS, account_id=account_id, amends_id=invoice_id)
    ]


async def last_month(tx: Tx, account_id: str, currency: str) -> int | None:
    """The latest month that has a document in the currency."""
    row = await tx.one(LAST_MONTH, account_id=account_id, currency=currency)
    assert row is not None, "an aggregate gives a row"
    month: int | None = row["month"]
    return month


async def find_owner(tx: Tx, invoice_id: str) -> str | None:
    """The account whose document has this number."""
    row = await tx.one(FIND_OWNER, id=invoice_id)
    return None if row is None else str(row["account_id"])


async def line_sequence(tx: Tx, account_id: str) -> int:
    """The sequence of the account's last line."""
    row = await tx.one(GET_HEAD, account_id=account_id)
    return 0 if row is None else int(row["line_sequence"])


async def insert_payment(tx: Tx, account_id: str, payment: Payment) -> None:
    await tx.run(
        INSERT_PAYMENT,
        account_id=account_id,
        id=payment.id,
        invoice_id=payment.invoice_id,
        amount=payment.amount,
        currency=payment.currency,
        paid_at=to_micros(payment.paid_at),
        reference=payment.reference,
        recorded_at=to_micros(payment.recorded_at),
    )


async def move_payments(tx: Tx, account_id: str, from_id: str, to_id: str) -> None:
    """Have what came in for one document count for another."""
    await tx.run(MOVE_PAYMENTS, account_id=account_id, from_id=from_id, to_id=to_id)


async def list_payments(tx: Tx, account_id: str) -> list[Payment]:
    """Every payment of the account, the oldest first."""
    return [
        Payment(
            id=row["id"],
            invoice_id=row["invoice_id"],
            amount=row["amount"],
            currency=row["currency"],
            paid_at=from_micros(row["paid_at"]),
            reference=row["reference"],
            recorded_at=from_micros(row["recorded_at"]),
        )
        for row in await tx.all(LIST_PAYMENTS, account_id=account_id)
    ]


async def insert_postings(tx: Tx, account_id: str, postings: Sequence[Posting]) -> None:
    await tx.many(
        INSERT_POSTING,
        [
            {
                "account_id": account_id,
                "id": posting.id,
                "source_kind": posting.source_kind,
                "source_id": posting.source_id,
                "at": to_micros(posting.at),
                "debit": posting.debit,
                "credit": posting.credit,
                "amount": posting.amount,
                "currency": posting.currency,
            }
            for posting in postings
        ],
    )


def _counter(series: str) -> str:
    return f"invoice_number_{series}"


def _changeable(invoice: Invoice) -> dict[str, Value]:
    return {
        "account_id": invoice.account_id,
        "id": invoice.id,
        "document_type": invoice.document_type.value,
        "state": invoice.state.value,
        "status": invoice.status.value,
        "line_sequence": invoice.line_sequence,
        "subtotal": invoice.subtotal,
        "tax": invoice.tax,
        "total": invoice.total,
        "line_count": invoice.line_count,
        "consumption_count": invoice.consumption_count,
        "document": _encoded(invoice.content),
        "progress": None if invoice.progress is None else _encoded(invoice.progress),
    }


def _encoded(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def _optional(row: Row | None) -> Invoice | None:
    return None if row is None else _invoice(row)


def _invoice(row: Row) -> Invoice:
    return Invoice(
        account_id=row["account_id"],
        id=row["id"],
        month=row["month"],
        currency=row["currency"],
        document_type=DocumentType(row["document_type"]),
        state=DocumentState(row["state"]),
        status=DocumentStatus(row["status"]),
        amends_id=row["amends_id"],
        issued_at=from_micros(row["issued_at"]),
        line_sequence=row["line_sequence"],
        tax_mode=TaxMode(row["tax_mode"]),
        subtotal=row["subtotal"],
        tax=row["tax"],
        total=row["total"],
        line_count=row["line_count"],
        consumption_count=row["consumption_count"],
        content=_CONTENT.decode(row["document"]),
        progress=None if row["progress"] is None else _PROGRESS.decode(row["progress"]),
    )
