"""Everything that proving the books looks at, in bounded pieces."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal

from comptoir.billing import store_lines
from comptoir.billing.postings import Posting
from comptoir.billing.verifying import CheckedDay, CheckedLine, Mirrored
from comptoir.core.instants import from_micros
from comptoir.db import Row, Tx, sql

_LINE = ", ".join(f"l.{column.strip()}" for column in store_lines.COLUMNS.split(","))

LIST_LINES = sql(f"""
    SELECT {_LINE},
        p.id AS posting_id, p.source_kind, p.source_id, p.at, p.debit, p.credit, p.amount,
        p.currency AS posting_currency, m.subtotal AS mirrored_subtotal,
        m.effective_unit_price AS mirrored_price, m.tax_rate AS mirrored_tax_rate
    FROM reconciliation_lines AS l
    LEFT JOIN postings AS p ON p.account_id = l.account_id AND p.id = l.id
    LEFT JOIN reconciliation_lines AS m
        ON m.account_id = l.account_id AND m.customer_id = l.customer_id AND m.id = l.mirrors_id
    WHERE l.account_id = :account_id AND l.sequence >= :first_sequence AND l.sequence <= :last_sequence
    ORDER BY l.sequence
""")  # noqa: S608 - fixed texts

STREAM_DAYS = sql("""
    SELECT c.id, c.bill_month, c.subscription_id, c.quantity, c.effective_unit_price, c.exchange_rate,
        c.pricing_total, c.billing_total, c.invoice_id, c.line_id, l.invoice_id AS line_invoice_id,
        l.billable_quantity AS line_quantity
    FROM consumption_lines AS c
    LEFT JOIN reconciliation_lines AS l
        ON l.account_id = c.account_id AND l.customer_id = c.customer_id AND l.id = c.line_id
    WHERE c.account_id = :account_id
    ORDER BY c.invoice_id, c.currency, c.bill_month, c.subscription_id
""")

LIST_POSTINGS = sql("""
    SELECT id AS posting_id, source_kind, source_id, at, debit, credit, amount, currency AS posting_currency
    FROM postings
    WHERE account_id = :account_id AND source_kind IN ('invoice', 'void', 'payment')
""")

COUNT = sql("""
    SELECT
        (SELECT COUNT(*) FROM reconciliation_lines WHERE account_id = :account_id) AS line_count,
        (SELECT COUNT(*) FROM consumption_lines WHERE account_id = :account_id) AS consumption_count,
        (SELECT COUNT(*) FROM postings WHERE account_id = :account_id) AS posting_count
""")

# Over all accounts: a sequence of numbers is the installation's.
STREAM_NUMBERS = sql("""
    SELECT id FROM invoices WHERE id >= :first AND id < :beyond ORDER BY id{c}
""")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows an account has."""

    lines: int
    consumption_lines: int
    postings: int


async def list_lines(tx: Tx, account_id: str, first_sequence: int, last_sequence: int) -> list[CheckedLine]:
    """The lines of a range of sequences, each with its posting and what it takes back."""
    rows = await tx.all(
        LIST_LINES, account_id=account_id, first_sequence=first_sequence, last_sequence=last_sequence
    )
    return [
        CheckedLine(
            store_lines.line_of(row),
            None if row["posting_id"] is None else _posting(row),
            None if row["mirrored_subtotal"] is None else _mirrored(row),
        )
        for row in rows
    ]


async def stream_days(tx: Tx, account_id: str) -> AsyncIterator[CheckedDay]:
    """Every consumption line, document by document and subscription by subscription."""
    async for row in tx.stream(STREAM_DAYS, account_id=account_id):
        quantity = row["line_quantity"]
        yield CheckedDay(
            id=row["id"],
            bill_month=row["bill_month"],
            subscription_id=row["subscription_id"],
            quantity=Decimal(row["quantity"]),
            effective_unit_price=Decimal(row["effective_unit_price"]),
            exchange_rate=Decimal(row["exchange_rate"]),
            totals=(Decimal(row["pricing_total"]), Decimal(row["billing_total"])),
            invoice_id=row["invoice_id"],
            line_id=row["line_id"],
            line_invoice_id=row["line_invoice_id"],
            line_quantity=None if quantity is None else Decimal(quantity),
        )


async def list_postings(tx: Tx, account_id: str) -> dict[str, Posting]:
    """The postings of documents and payments by id: a few for each."""
    rows = await tx.all(LIST_POSTINGS, account_id=account_id)
    return {row["posting_id"]: _posting(row) for row in rows}


async def count(tx: Tx, account_id: str) -> Counts:
    row = await tx.one(COUNT, account_id=account_id)
    assert row is not None, "an aggregate gives a row"
    return Counts(row["line_count"], row["consumption_count"], row["posting_count"])


async def stream_numbers(tx: Tx, series: str) -> AsyncIterator[int]:
    """The numbers of a sequence that documents have, in order."""
    async for row in tx.stream(STREAM_NUMBERS, first=series, beyond=chr(ord(series) + 1)):
        yield int(row["id"].removeprefix(series))


def _posting(row: Row) -> Posting:
    return Posting(
        id=row["posting_id"],
        source_kind=row["source_kind"],
        source_id=row["source_id"],
        at=from_micros(row["at"]),
        debit=row["debit"],
        credit=row["credit"],
        amount=row["amount"],
        currency=row["posting_currency"],
    )


def _mirrored(row: Row) -> Mirrored:
    return Mirrored(
        subtotal=row["mirrored_subtotal"],
        effective_unit_price=Decimal(row["mirrored_price"]),
        tax_rate=Decimal(row["mirrored_tax_rate"]),
    )
