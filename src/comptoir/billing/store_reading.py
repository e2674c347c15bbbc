"""Pages of lines in the database, billed and unbilled."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from comptoir.billing.invoice_model import DocumentStatus
from comptoir.billing.reading import About, ConsumptionRow, Place, ReconciliationRow, Run
from comptoir.db import Tx, Value, sql

HIGHEST = 2**63 - 1
"""No line has a higher sequence or a later date: for reading documents, whose lines are all there."""

# The bill month of a licence line is the month of its order date, by which the index is ordered.
_RECONCILIATION_PAGE = """
    SELECT order_date, subscription_id, reference_id, position, customer_id, subject_id, charge_type,
        term_start_at, term_end_at, charge_start_at, charge_end_at, quantity, billable_quantity, unit_price,
        effective_unit_price, pricing_currency, currency, exchange_rate, exchange_rate_at, subtotal, tax,
        price_adjustment, credit_reason
    FROM reconciliation_lines
    WHERE account_id = :account_id AND {which} AND currency = :currency AND sequence <= :line_sequence
        AND (order_date, subscription_id, reference_id, position)
            > (:after_micros, :after_subscription_id, :after_third, :after_fourth)
        AND order_date < :before
    ORDER BY order_date, subscription_id, reference_id, position
    LIMIT :limit
"""
# The estimate feed knows no consumption: a month's usage is a reconciliation line once it is billed.
UNBILLED_RECONCILIATION = sql(_RECONCILIATION_PAGE.format(which="invoice_id IS NULL AND kind = 'licence'"))
OPEN_RECONCILIATION = sql(_RECONCILIATION_PAGE.format(which="invoice_id = :invoice_id AND kind = 'licence'"))
BILLED_RECONCILIATION = sql(_RECONCILIATION_PAGE.format(which="invoice_id = :invoice_id"))

_CONSUMPTION_PAGE = """
    SELECT usage_on, subscription_id, dimension_id, id, customer_id, subject_id, is_late, event_count,
        quantity, unit_price, effective_unit_price, pricing_currency, currency, exchange_rate,
        exchange_rate_at, pricing_total, billing_total
    FROM consumption_lines
    WHERE account_id = :account_id AND {which} AND currency = :currency AND bill_month = :month
        AND sequence <= :line_sequence
        AND (usage_on, subscription_id, dimension_id, id)
            > (:after_micros, :after_subscription_id, :after_third, :after_fourth)
    ORDER BY usage_on, subscription_id, dimension_id, id
    LIMIT :limit
"""
UNBILLED_CONSUMPTION = sql(_CONSUMPTION_PAGE.format(which="invoice_id IS NULL"))
BILLED_CONSUMPTION = sql(_CONSUMPTION_PAGE.format(which="invoice_id = :invoice_id"))

# The next month that has consumption lines, found by the index alone.
_NEXT_MONTH = """
    SELECT MIN(bill_month) AS month FROM consumption_lines
    WHERE account_id = :account_id AND {which} AND currency = :currency AND bill_month > :month
"""
NEXT_UNBILLED_MONTH = sql(_NEXT_MONTH.format(which="invoice_id IS NULL"))
NEXT_BILLED_MONTH = sql(_NEXT_MONTH.format(which="invoice_id = :invoice_id"))

# Documents whose lines a walk counts as unbilled, or may: drafts, and what was issued since the snapshot.
# What amends a document, void by now or not, bills anew what has been billed before.
LIST_RECENT = sql("""
    SELECT id, status, line_sequence FROM invoices
    WHERE account_id = :account_id AND currency = :currency AND amends_id IS NULL
        AND (status = 'draft' OR line_sequence >= :line_sequence)
    ORDER BY id
""")

LIST_SUBJECTS = sql(
    sqlite="""
        SELECT id, document FROM line_subjects
        WHERE account_id = :account_id AND id IN (SELECT value FROM json_each(:ids))
    """,
    postgresql="""
        SELECT id, document FROM line_subjects
        WHERE account_id = :account_id AND id IN (SELECT json_array_elements_text(CAST(:ids AS JSON)))
    """,
)


@dataclass(frozen=True, slots=True)
class RecentDocument:
    """A draft, or a document issued when the books had at least so many lines."""

    id: str
    is_issued: bool
    line_sequence: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Which lines of a run a page takes: those between two places, ``before`` exclusive in microseconds.

    ``with_usage``: also reconciliation lines that sum up metered usage.
    """

    account_id: str
    currency: str
    line_sequence: int
    after: Place
    before: int
    limit: int
    with_usage: bool


_ABOUT = msgspec.json.Decoder(About)


class _SubjectRow(Struct, array_like=True):
    id: str
    document: str


async def reconciliation_lines(tx: Tx, run: Run, part: Slice) -> list[ReconciliationRow]:
    """The reconciliation lines of a run that a page takes, in order."""
    billed = BILLED_RECONCILIATION if part.with_usage else OPEN_RECONCILIATION
    statement = UNBILLED_RECONCILIATION if run.invoice_id is None else billed
    return await tx.structs(statement, ReconciliationRow, before=part.before, **_parameters(run, part))


async def consumption_lines(tx: Tx, run: Run, part: Slice) -> list[ConsumptionRow]:
    """The consumption lines of a run that a page takes, in order."""
    statement = UNBILLED_CONSUMPTION if run.invoice_id is None else BILLED_CONSUMPTION
    return await tx.structs(statement, ConsumptionRow, month=run.month, **_parameters(run, part))


async def consumption_months(tx: Tx, account_id: str, invoice_id: str | None, currency: str) -> list[int]:
    """The bill months of the consumption lines of a document, or of those without one."""
    statement = NEXT_UNBILLED_MONTH if invoice_id is None else NEXT_BILLED_MONTH
    months: list[int] = []
    while True:
        row = await tx.one(
            statement,
            account_id=account_id,
            currency=currency,
            month=months[-1] if months else 0,
            **_of_document(invoice_id),
        )
        assert row is not None, "an aggregate gives a row"
        if row["month"] is None:
            return months
        months.append(row["month"])


async def list_recent(tx: Tx, account_id: str, currency: str, line_sequence: int) -> Sequence[RecentDocument]:
    """Drafts, and documents issued when the books had at least so many lines."""
    rows = await tx.all(LIST_RECENT, account_id=account_id, currency=currency, line_sequence=line_sequence)
    return [
        RecentDocument(row["id"], row["status"] == DocumentStatus.ISSUED, row["line_sequence"])
        for row in rows
    ]


async def subjects(tx: Tx, account_id: str, ids: Collection[str]) -> Mapping[str, About]:
    """What lines are about, by id."""
    text = msgspec.json.encode(list(ids)).decode()
    rows = await tx.structs(LIST_SUBJECTS, _SubjectRow, account_id=account_id, ids=text)
    return {row.id: _ABOUT.decode(row.document) for row in rows}


def _parameters(run: Run, part: Slice) -> dict[str, Value]:
    return {
        "account_id": part.account_id,
        "currency": part.currency,
        "line_sequence": part.line_sequence,
        "after_micros": part.after.micros,
        "after_subscription_id": part.after.subscription_id,
        "after_third": part.after.third,
        "after_fourth": part.after.fourth,
        "limit": part.limit,
        **_of_document(run.invoice_id),
    }


def _of_document(invoice_id: str | None) -> dict[str, Value]:
    """The parameter of statements that read a document's lines, and that the others do not take."""
    return {} if invoice_id is None else {"invoice_id": invoice_id}
