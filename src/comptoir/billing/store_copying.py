"""What amendments and explanations need of the database: the days of a line's usage, what was given back."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from comptoir.billing import keys, store_lines
from comptoir.billing.invoice_model import DayKey, Invoice
from comptoir.billing.model import Line
from comptoir.core.instants import to_micros
from comptoir.db import Row, Tx, Value, sql

LIST_DAYS = sql("""
    SELECT customer_id, id, line_id, bill_month, usage_on, subscription_id, dimension_id
    FROM consumption_lines
    WHERE account_id = :account_id AND invoice_id = :invoice_id AND currency = :currency
        AND (bill_month, usage_on, subscription_id, dimension_id, id)
            > (:bill_month, :usage_on, :subscription_id, :dimension_id, :id)
    ORDER BY bill_month, usage_on, subscription_id, dimension_id, id LIMIT :count
""")

COPY_DAY = sql("""
    INSERT INTO consumption_lines (
        account_id, customer_id, id, sequence, subscription_id, subject_id, product_id, sku_id, dimension_id,
        usage_on, bill_month, is_late, event_count, quantity, unit_price, effective_unit_price,
        pricing_currency, currency, exchange_rate, exchange_rate_at, exchange_month, pricing_total,
        billing_total, tax_rate, price_adjustment, invoice_id, line_id
    )
    SELECT
        account_id, customer_id, :copy_id, :sequence, subscription_id, subject_id, product_id, sku_id,
        dimension_id, usage_on, bill_month, is_late, event_count, quantity, unit_price, effective_unit_price,
        pricing_currency, currency, exchange_rate, exchange_rate_at, exchange_month, pricing_total,
        billing_total, tax_rate, price_adjustment, :note_id, :line_id
    FROM consumption_lines WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id
""")

LIST_QUANTITIES = sql("""
    SELECT quantity FROM consumption_lines
    WHERE account_id = :account_id AND invoice_id = :invoice_id AND currency = :currency
        AND bill_month <= :bill_month AND subscription_id = :subscription_id AND line_id = :line_id
    ORDER BY usage_on, id
""")

# A line that was billed anew has the place of its original in the same event, and what was given back on the
# original counts for it.
LIST_RETURNS = sql(f"""
    SELECT l.effective_unit_price
    FROM reconciliation_lines AS l JOIN reconciliation_lines AS m
        ON m.account_id = l.account_id AND m.customer_id = l.customer_id AND m.id = l.mirrors_id
    WHERE l.account_id = :account_id AND l.subscription_id = :subscription_id
        AND l.term_start_at = :term_start_at
        AND m.reference_id = :reference_id AND m.position = :position AND {store_lines.COUNTS}
""")  # noqa: S608 - fixed texts


class BilledDay(NamedTuple):
    """A day of usage on a document, and the line that sums it up."""

    customer_id: str
    id: str
    line_id: str
    key: DayKey


async def list_days(tx: Tx, invoice: Invoice, after: DayKey, count: int) -> list[BilledDay]:
    """At most ``count`` days of a document's usage that follow a key, in order."""
    rows = await tx.all(
        LIST_DAYS,
        account_id=invoice.account_id,
        invoice_id=invoice.id,
        currency=invoice.currency,
        bill_month=after.bill_month,
        usage_on=after.usage_on,
        subscription_id=after.subscription_id,
        dimension_id=after.dimension_id,
        id=after.id,
        count=count,
    )
    return [_day(row) for row in rows]


async def copy_days(tx: Tx, note: Invoice, last_sequence: int, days: Sequence[BilledDay]) -> None:
    """Write days of usage once more, for a note that has copies of their lines."""
    rows: list[Mapping[str, Value]] = [
        {
            "account_id": note.account_id,
            "customer_id": day.customer_id,
            "id": day.id,
            "copy_id": keys.copy_id(day.id, note.id),
            "sequence": sequence,
            "note_id": note.id,
            "line_id": keys.copy_id(day.line_id, note.id),
        }
        for sequence, day in enumerate(days, start=last_sequence + 1)
    ]
    await tx.many(COPY_DAY, rows)


async def quantities_of(tx: Tx, invoice: Invoice, line: Line) -> list[Decimal]:
    """The quantities of the days that a usage line of a document sums up, in order."""
    rows = await tx.all(
        LIST_QUANTITIES,
        account_id=invoice.account_id,
        invoice_id=invoice.id,
        currency=invoice.currency,
        bill_month=invoice.month,
        subscription_id=line.subscription_id,
        line_id=line.id,
    )
    return [Decimal(row["quantity"]) for row in rows]


async def returned(tx: Tx, account_id: str, line: Line) -> Decimal:
    """What was given back on each unit of a line before, by credits and a refund, in its pricing currency."""
    rows = await tx.all(
        LIST_RETURNS,
        account_id=account_id,
        subscription_id=line.subscription_id,
        term_start_at=to_micros(line.term_start_at),
        reference_id=line.reference_id,
        position=line.position,
    )
    return -sum((Decimal(row["effective_unit_price"]) for row in rows), Decimal(0))


def _day(row: Row) -> BilledDay:
    key = DayKey(row["bill_month"], row["usage_on"], row["subscription_id"], row["dimension_id"], row["id"])
    return BilledDay(row["customer_id"], row["id"], row["line_id"], key)
