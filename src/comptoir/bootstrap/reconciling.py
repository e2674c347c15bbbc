"""``comptoir reconcile``: a reconciliation file against the books, read beside a server."""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from operator import attrgetter
from pathlib import Path
from typing import Any

from msgspec import Raw

from comptoir.api.invoice_lines import items_to_wire
from comptoir.billing import service_documents
from comptoir.billing.calendar import month_of, month_start
from comptoir.billing.exporting import ExportKind
from comptoir.billing.reading import document_number
from comptoir.billing.reconciliation_file import NotAFile, number, read_csv, read_json_lines
from comptoir.billing.reconciling import Comparison, Row, compare
from comptoir.bootstrap.exporting import pages, reading
from comptoir.bootstrap.opening import CannotOpen, CommandRefused
from comptoir.core.context import Context
from comptoir.core.errors import Refusal
from comptoir.db import Tx
from comptoir.settings import Settings

GZIP_MAGIC = b"\x1f\x8b"
IN_BOOKS = "books"
_TEXTS = attrgetter(
    "invoice_number",
    "subscription_id",
    "reference_id",
    "charge_type",
    "product_id",
    "sku_id",
    "meter_description",
    "currency",
)
_DATES = attrgetter("order_date", "charge_start_date", "charge_end_date")
_NUMBERS = attrgetter(
    "quantity",
    "billable_quantity",
    "unit_price",
    "effective_unit_price",
    "pc_to_bc_exchange_rate",
    "subtotal",
    "tax_total",
    "total_for_customer",
)


async def reconcile(settings: Settings, account: str, file: Path) -> Comparison:
    """Compare the rows of a file with the documents that it names, and with what is not billed yet.

    Raises ``CommandRefused`` for a file that is none, ``CannotOpen`` for one that cannot be read.
    """
    rows = _read(file)
    async with reading(settings, account) as (database, ctx):
        books = await database.report(partial(_books, ctx=ctx, rows=rows))
    return compare(rows, books)


def _read(file: Path) -> Sequence[Row]:
    try:
        with _opened(file) as content:
            is_json = content.peek(1)[:1] == b"{"
            if is_json:
                return list(read_json_lines(content))
            return list(read_csv(_decoded(content)))
    except NotAFile as error:
        raise CommandRefused(f"{file}: {error}") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CannotOpen(f"cannot read {file}: {reason}") from error


@contextmanager
def _opened(file: Path) -> Iterator[BufferedReader | gzip.GzipFile]:
    """The content, out of gzip where it is in gzip."""
    with file.open("rb") as raw:
        if raw.peek(2)[:2] != GZIP_MAGIC:
            yield raw
            return
        with gzip.open(raw) as content:
            yield content


def _decoded(content: Iterable[bytes]) -> Iterator[str]:
    """Lines as texts; a byte order mark before the first is none of it."""
    for place, line in enumerate(content):
        yield line.decode("utf-8-sig" if place == 0 else "utf-8")


async def _books(tx: Tx, ctx: Context, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows of the books that the file is about."""
    found: list[Row] = []
    for invoice in sorted({row.invoice for row in rows} - {""}):
        invoice_id = document_number(invoice)
        if invoice_id is None or not await _is_ours(tx, ctx, invoice_id):
            continue
        async for page in pages(tx, ctx, ExportKind.RECONCILIATION, invoice_id=invoice_id):
            found += map(_row_of, items_to_wire(ctx, page))
    month_began = month_start(month_of(ctx.now)).date().isoformat()
    unbilled = [row for row in rows if not row.invoice]
    periods = {(row.currency, row.order_day >= month_began) for row in unbilled if row.order_day}
    for currency in sorted({row.currency for row in unbilled}):
        async for page in pages(tx, ctx, ExportKind.RECONCILIATION, currency=currency):
            of_books = map(_row_of, items_to_wire(ctx, page))
            found += (
                row for row in of_books if not periods or (currency, row.order_day >= month_began) in periods
            )
    return found


async def _is_ours(tx: Tx, ctx: Context, invoice_id: str) -> bool:
    try:
        await service_documents.require(tx, ctx, invoice_id)
    except Refusal:
        return False
    return True


def _row_of(item: Any) -> Row:
    """A line of the books as a row of a file."""
    invoice, subscription, reference, charge_type, product, sku, meter, currency = _TEXTS(item)
    ordered, start, end = (each.date().isoformat() for each in _DATES(item))
    quantity, billable, price, effective, rate, subtotal, tax, total = map(_number, _NUMBERS(item))
    return Row(
        place=IN_BOOKS,
        invoice=invoice,
        subscription_id=subscription,
        reference_id=reference,
        charge_type=charge_type.lower(),
        product_id=product.upper(),
        sku_id=sku.upper(),
        meter=meter,
        order_day=ordered,
        charge_start=start,
        charge_end=end,
        currency=currency,
        quantity=quantity,
        billable_quantity=billable,
        unit_price=price,
        effective_unit_price=effective,
        exchange_rate=rate,
        subtotal=subtotal,
        tax=tax,
        total=total,
    )


def _number(value: Any) -> Any:
    return number(bytes(value).decode() if isinstance(value, Raw) else value)
