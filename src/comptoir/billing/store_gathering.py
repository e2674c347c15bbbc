"""Gathering the lines of a document: what is unbilled, stamped step by step in the order of reading.

A step covers the lines from one ``Key`` up to, not including, another. So it touches each line once, however
many there are, and a document of a million lines is made in transactions of moments.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from comptoir.billing import store_lines
from comptoir.billing.invoice_model import Conversion, Invoice, Key, Tally
from comptoir.billing.model import Line, LineDraft
from comptoir.billing.monthly_usage import RatedDay, Tariff
from comptoir.core.instants import from_micros, to_micros
from comptoir.db import Row, Tx, Value, sql

_WITHIN = """
    (order_date, subscription_id, reference_id, position)
        >= (:from_order_date, :from_subscription_id, :from_reference_id, :from_position)
    AND (order_date, subscription_id, reference_id, position)
        < (:to_order_date, :to_subscription_id, :to_reference_id, :to_position)
"""

_UNBILLED = "invoice_id IS NULL AND currency = :currency"

# The next currency that has unbilled lines, and when the first of them was ordered.
FIRST_UNBILLED_LINE = sql("""
    SELECT currency, order_date FROM reconciliation_lines
    WHERE account_id = :account_id AND invoice_id IS NULL AND currency > :after
    ORDER BY currency, order_date LIMIT 1
""")

FIRST_UNBILLED_DAY = sql("""
    SELECT currency, bill_month FROM consumption_lines
    WHERE account_id = :account_id AND invoice_id IS NULL AND currency > :after
    ORDER BY currency, bill_month LIMIT 1
""")

NEXT_KEY = sql(f"""
    SELECT order_date, subscription_id, reference_id, position FROM reconciliation_lines
    WHERE account_id = :account_id AND {_UNBILLED} AND {_WITHIN}
    ORDER BY order_date, subscription_id, reference_id, position LIMIT 1 OFFSET :skipped
""")  # noqa: S608 - fixed texts

SUM_UNBILLED = sql(f"""
    SELECT
        tax_rate, pricing_currency, exchange_rate, exchange_rate_at, exchange_month, COUNT(*) AS line_count,
        CAST(SUM(subtotal) AS BIGINT) AS subtotal
    FROM reconciliation_lines
    WHERE account_id = :account_id AND {_UNBILLED} AND {_WITHIN}
    GROUP BY tax_rate, pricing_currency, exchange_rate, exchange_rate_at, exchange_month
""")  # noqa: S608 - fixed texts

# The tax is ``cents.tax`` in whole numbers (``invoices.tax_fraction``): both engines cut quotients towards
# zero and give the remainder the sign of the dividend.
STAMP = sql(f"""
    UPDATE reconciliation_lines
    SET invoice_id = :invoice_id,
        tax = subtotal / :denominator * :numerator + subtotal % :denominator * :numerator / :denominator
    WHERE account_id = :account_id AND {_UNBILLED} AND tax_rate = :tax_rate AND {_WITHIN}
""")  # noqa: S608 - fixed texts

SUM_TAX = sql(f"""
    SELECT CAST(COALESCE(SUM(tax), 0) AS BIGINT) AS tax FROM reconciliation_lines
    WHERE account_id = :account_id AND invoice_id = :invoice_id AND currency = :currency
        AND tax_rate = :tax_rate AND {_WITHIN}
""")  # noqa: S608 - fixed texts

STAMP_LINE = sql("""
    UPDATE reconciliation_lines SET invoice_id = :invoice_id, tax = :tax
    WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id AND invoice_id IS NULL
""")

LINE_AT = sql(f"""
    SELECT {store_lines.COLUMNS} FROM reconciliation_lines
    WHERE account_id = :account_id AND invoice_id = :invoice_id AND currency = :currency
    ORDER BY order_date, subscription_id, reference_id, position LIMIT 1 OFFSET :skipped
""")  # noqa: S608 - fixed texts

LINE_BY_ID = sql(f"""
    SELECT {store_lines.COLUMNS} FROM reconciliation_lines
    WHERE account_id = :account_id AND invoice_id = :invoice_id AND currency = :currency AND id = :id
""")  # noqa: S608 - fixed texts

COUNT_BEFORE = sql("""
    SELECT COUNT(*) AS line_count FROM reconciliation_lines
    WHERE account_id = :account_id AND invoice_id = :invoice_id AND currency = :currency
        AND (order_date, subscription_id, reference_id, position)
            < (:to_order_date, :to_subscription_id, :to_reference_id, :to_position)
""")

LIST_BILLED = sql(f"""
    SELECT {store_lines.COLUMNS} FROM reconciliation_lines
    WHERE account_id = :account_id AND invoice_id = :invoice_id AND currency = :currency
        AND (order_date, subscription_id, reference_id, position)
            >= (:from_order_date, :from_subscription_id, :from_reference_id, :from_position)
    ORDER BY order_date, subscription_id, reference_id, position LIMIT :count
""")  # noqa: S608 - fixed texts

STREAM_UNBILLED = sql(f"""
    SELECT tax_rate, subtotal FROM reconciliation_lines
    WHERE account_id = :account_id AND {_UNBILLED} AND order_date < :before
""")  # noqa: S608 - fixed texts

COUNT_UNBILLED = sql(f"""
    SELECT COUNT(*) AS line_count FROM reconciliation_lines
    WHERE account_id = :account_id AND {_UNBILLED} AND order_date < :before
""")  # noqa: S608 - fixed texts

COUNT_UNBILLED_DAYS = sql(f"""
    SELECT COUNT(*) AS line_count FROM consumption_lines
    WHERE account_id = :account_id AND {_UNBILLED} AND bill_month <= :bill_month
""")  # noqa: S608 - fixed texts

_DAY = """
    id, customer_id, subscription_id, subject_id, product_id, sku_id, usage_on, bill_month, is_late,
    quantity, dimension_id, unit_price, effective_unit_price, pricing_currency, currency, exchange_rate,
    exchange_rate_at, exchange_month, tax_rate, price_adjustment
"""

_UNBILLED_DAYS = f"{_UNBILLED} AND bill_month = :bill_month AND subscription_id > :after_subscription_id"

NEXT_SUBSCRIPTION = sql(f"""
    SELECT subscription_id FROM consumption_lines WHERE account_id = :account_id AND {_UNBILLED_DAYS}
    ORDER BY subscription_id LIMIT 1 OFFSET :skipped
""")  # noqa: S608 - fixed texts

LAST_SUBSCRIPTION = sql(f"""
    SELECT subscription_id FROM consumption_lines WHERE account_id = :account_id AND {_UNBILLED_DAYS}
    ORDER BY subscription_id DESC LIMIT 1
""")  # noqa: S608 - fixed texts

LIST_DAYS = sql(f"""
    SELECT {_DAY} FROM consumption_lines
    WHERE account_id = :account_id AND {_UNBILLED_DAYS} AND subscription_id <= :last_subscription_id
    ORDER BY subscription_id
""")  # noqa: S608 - fixed texts

STAMP_DAY = sql("""
    UPDATE consumption_lines SET invoice_id = :invoice_id, line_id = :line_id
    WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id AND invoice_id IS NULL
""")


@dataclass(frozen=True, slots=True)
class Books:
    """The unbilled lines of an account in one currency, up to the end of a month."""

    account_id: str
    currency: str
    bill_month: int
    before: datetime

    @property
    def end(self) -> Key:
        """The key that stands behind every line of theirs."""
        return Key(order_date=to_micros(self.before))


@dataclass(frozen=True, slots=True)
class Step:
    """The lines from one key up to, not including, another, which go onto a document together."""

    invoice_id: str
    start: Key
    end: Key


@dataclass(frozen=True, slots=True)
class Piece:
    """What one step finds: counted by tax rate, tax not reckoned yet, and how it was converted."""

    tallies: dict[str, Tally]
    conversions: tuple[Conversion, ...]


async def first_orders(tx: Tx, account_id: str) -> dict[str, datetime]:
    """When the first unbilled line of each currency was ordered."""
    found: dict[str, datetime] = {}
    after = ""
    while row := await tx.one(FIRST_UNBILLED_LINE, account_id=account_id, after=after):
        after = row["currency"]
        found[after] = from_micros(row["order_date"])
    return found


async def first_usage_months(tx: Tx, account_id: str) -> dict[str, int]:
    """The earliest bill month with unbilled usage in each currency."""
    found: dict[str, int] = {}
    after = ""
    while row := await tx.one(FIRST_UNBILLED_DAY, account_id=account_id, after=after):
        after = row["currency"]
        found[after] = row["bill_month"]
    return found


async def next_key(tx: Tx, books: Books, start: Key, count: int) -> Key:
    """Where the step after the one that begins at ``start`` and takes ``count`` lines begins."""
    row = await tx.one(NEXT_KEY, skipped=count, **_unbilled(books), **_within(start, books.end))
    return books.end if row is None else _key(row)


async def sum_up(tx: Tx, books: Books, start: Key, end: Key) -> Piece:
    """What the lines of a step come to."""
    tallies: dict[str, Tally] = {}
    conversions = []
    for row in await tx.all(SUM_UNBILLED, **_unbilled(books), **_within(start, end)):
        tally = Tally(row["line_count"], row["subtotal"])
        tallies[row["tax_rate"]] = tallies.get(row["tax_rate"], Tally()) + tally
        conversions.append(_conversion(row))
    return Piece(tallies, tuple(conversions))


async def stamp(tx: Tx, books: Books, step: Step, tax_rate: str, fraction: tuple[int, int]) -> int:
    """Put the lines of a step that have this tax rate onto a document, taxed; what their tax comes to."""
    numerator, denominator = fraction
    span = _within(step.start, step.end)
    await tx.run(
        STAMP,
        invoice_id=step.invoice_id,
        numerator=numerator,
        denominator=denominator,
        tax_rate=tax_rate,
        **_unbilled(books),
        **span,
    )
    if numerator == 0:
        return 0
    row = await tx.one(SUM_TAX, invoice_id=step.invoice_id, tax_rate=tax_rate, **_unbilled(books), **span)
    assert row is not None, "an aggregate gives a row"
    tax: int = row["tax"]
    return tax


async def stamp_lines(
    tx: Tx, account_id: str, invoice_id: str, lines: Iterable[tuple[LineDraft, int]]
) -> None:
    """Put single lines onto a document, each with its tax."""
    rows: list[Mapping[str, Value]] = [
        {
            "account_id": account_id,
            "invoice_id": invoice_id,
            "customer_id": line.customer_id,
            "id": line.id,
            "tax": tax,
        }
        for line, tax in lines
    ]
    await tx.many(STAMP_LINE, rows)


async def list_billed(tx: Tx, invoice: Invoice, start: Key, count: int) -> list[Line]:
    """At most ``count`` lines of a document from a key on, in order."""
    rows = await tx.all(LIST_BILLED, count=count, **_of(invoice), **_from(start))
    return [store_lines.line_of(row) for row in rows]


async def stream_unbilled(tx: Tx, books: Books) -> AsyncIterator[tuple[str, int]]:
    """Tax rate and subtotal of every unbilled line, in bounded memory."""
    parameters = _unbilled(books)
    async for row in tx.stream(STREAM_UNBILLED, before=to_micros(books.before), **parameters):
        yield row["tax_rate"], row["subtotal"]


async def line_at(tx: Tx, invoice: Invoice, skipped: int) -> Line | None:
    """The line of a document that so many others come before."""
    row = await tx.one(LINE_AT, skipped=skipped, **_of(invoice))
    return None if row is None else store_lines.line_of(row)


async def line_by_id(tx: Tx, invoice: Invoice, line_id: str) -> Line | None:
    """The line of a document with this id."""
    row = await tx.one(LINE_BY_ID, id=line_id, **_of(invoice))
    return None if row is None else store_lines.line_of(row)


async def count_before(tx: Tx, invoice: Invoice, line: Line) -> int:
    """How many lines of its document come before a line."""
    row = await tx.one(COUNT_BEFORE, **_of(invoice), **_to(key_of(line)))
    assert row is not None, "an aggregate gives a row"
    count: int = row["line_count"]
    return count


async def count_unbilled(tx: Tx, books: Books) -> tuple[int, int]:
    """How many lines, and how many consumption lines, are still to be billed."""
    parameters = _unbilled(books)
    lines = await tx.one(COUNT_UNBILLED, before=to_micros(books.before), **parameters)
    days = await tx.one(COUNT_UNBILLED_DAYS, bill_month=books.bill_month, **parameters)
    assert lines is not None, "an aggregate gives a row"
    assert days is not None, "an aggregate gives a row"
    return lines["line_count"], days["line_count"]


async def list_days(
    tx: Tx, books: Books, bill_month: int, after_subscription_id: str, count: int
) -> list[RatedDay]:
    """Unbilled usage of the next subscriptions: whole ones, about ``count`` days, none if none is left."""
    span: dict[str, Value] = {
        **_unbilled(books),
        "bill_month": bill_month,
        "after_subscription_id": after_subscription_id,
    }
    last = await tx.one(NEXT_SUBSCRIPTION, skipped=count, **span) or await tx.one(LAST_SUBSCRIPTION, **span)
    if last is None:
        return []
    rows = await tx.all(LIST_DAYS, last_subscription_id=last["subscription_id"], **span)
    return [_day(row) for row in rows]


async def stamp_days(tx: Tx, account_id: str, invoice_id: str, days: Sequence[tuple[RatedDay, str]]) -> None:
    """Put days of usage onto a document, each with the line that sums it up."""
    rows: list[Mapping[str, Value]] = [
        {
            "account_id": account_id,
            "invoice_id": invoice_id,
            "customer_id": day.customer_id,
            "id": day.id,
            "line_id": line_id,
        }
        for day, line_id in days
    ]
    await tx.many(STAMP_DAY, rows)


def key_of(line: Line) -> Key:
    """The place of a line in its document."""
    return Key(to_micros(line.order_date), line.subscription_id, line.reference_id, line.position)


def key_after(line: Line) -> Key:
    """The first place behind a line."""
    key = key_of(line)
    return replace(key, position=key.position + 1)


def _of(invoice: Invoice) -> dict[str, Value]:
    return {"account_id": invoice.account_id, "invoice_id": invoice.id, "currency": invoice.currency}


def _unbilled(books: Books) -> dict[str, Value]:
    return {"account_id": books.account_id, "currency": books.currency}


def _from(start: Key) -> dict[str, Value]:
    return {
        "from_order_date": start.order_date,
        "from_subscription_id": start.subscription_id,
        "from_reference_id": start.reference_id,
        "from_position": start.position,
    }


def _within(start: Key, end: Key) -> dict[str, Value]:
    return {**_from(start), **_to(end)}


def _to(end: Key) -> dict[str, Value]:
    return {
        "to_order_date": end.order_date,
        "to_subscription_id": end.subscription_id,
        "to_reference_id": end.reference_id,
        "to_position": end.position,
    }


def _key(row: Row) -> Key:
    return Key(row["order_date"], row["subscription_id"], row["reference_id"], row["position"])


def _conversion(row: Row) -> Conversion:
    return Conversion(
        pricing_currency=row["pricing_currency"],
        rate_at=from_micros(row["exchange_rate_at"]),
        rate=Decimal(row["exchange_rate"]),
        month=row["exchange_month"],
    )


def _day(row: Row) -> RatedDay:
    return RatedDay(
        id=row["id"],
        customer_id=row["customer_id"],
        subscription_id=row["subscription_id"],
        subject_id=row["subject_id"],
        product_id=row["product_id"],
        sku_id=row["sku_id"],
        usage_on=from_micros(row["usage_on"]),
        bill_month=row["bill_month"],
        is_late=row["is_late"] == 1,
        quantity=Decimal(row["quantity"]),
        tariff=Tariff(
            dimension_id=row["dimension_id"],
            unit_price=row["unit_price"],
            effective_unit_price=row["effective_unit_price"],
            pricing_currency=row["pricing_currency"],
            currency=row["currency"],
            exchange_rate=row["exchange_rate"],
            exchange_rate_at=from_micros(row["exchange_rate_at"]),
            exchange_month=row["exchange_month"],
            tax_rate=row["tax_rate"],
            price_adjustment=row["price_adjustment"],
        ),
    )
