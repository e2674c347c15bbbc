"""``comptoir export``: lines and postings of an account as a file, read beside a server."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import partial
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from comptoir.api.export_files import CsvFile, File, JsonLinesFile, ParquetFile
from comptoir.api.export_lines import Aside
from comptoir.api.invoice_lines import items_to_wire
from comptoir.billing import service_exports, service_reading
from comptoir.billing.exporting import Asked, AttributeSet, ExportKind, PostingRow, query_of
from comptoir.billing.reading import Period, document_number
from comptoir.billing.service_reading import LinePage
from comptoir.bootstrap.opening import CannotOpen, CommandRefused, opened
from comptoir.bootstrap.server import make_context, make_services
from comptoir.core.context import Actor, Context
from comptoir.core.errors import Refusal
from comptoir.core.instants import from_micros
from comptoir.core.money import Money
from comptoir.db import Database, Tx
from comptoir.identity import service as identity
from comptoir.settings import Settings
from comptoir.wire import exported
from comptoir.wire.exported import Posting
from comptoir.wire.invoices import DailyRatedUsageLineItem, OneTimeInvoiceLineItem

READER = Actor(application_id="command")
UNFINISHED = ".part"


class Dataset(StrEnum):
    LINES = "lines"
    CONSUMPTION = "consumption"
    POSTINGS = "postings"


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export: of a document, else what is not billed yet; of all postings.

    ``currency`` of unbilled lines is the account's own unless another is given.
    """

    dataset: Dataset
    account: str
    format: Format
    folder: Path
    invoice_id: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class _Shape:
    """A kind of rows: its struct, its CSV layout, and what is summed up by which currency."""

    kind: type[Struct]
    layout: Mapping[str, str]
    currency: str
    amounts: Sequence[str]


SHAPES: Mapping[Dataset, _Shape] = {
    Dataset.LINES: _Shape(
        OneTimeInvoiceLineItem,
        exported.RECONCILIATION,
        "currency",
        ("subtotal", "tax_total", "total_for_customer"),
    ),
    Dataset.CONSUMPTION: _Shape(
        DailyRatedUsageLineItem, exported.CONSUMPTION, "billing_currency", ("billing_pre_tax_total",)
    ),
    Dataset.POSTINGS: _Shape(Posting, exported.POSTINGS, "currency", ("amount",)),
}


class ExportedFile(Struct, rename="camel"):
    name: str
    rows: int
    size: int
    sha256: str


class Manifest(Struct, rename="camel"):
    """What ``manifest.json`` says. ``totals`` are by currency and member, as texts: they are exact."""

    dataset: Dataset
    format: Format
    account: str
    invoice_number: str
    currency: str
    files: list[ExportedFile]
    rows: int
    totals: dict[str, dict[str, str]]


@dataclass(slots=True)
class _Sums:
    """Totals by currency and member."""

    shape: _Shape
    found: dict[str, list[Decimal]] = field(default_factory=dict)

    def add(self, items: Sequence[Struct]) -> None:
        members = attrgetter(self.shape.currency, *self.shape.amounts)
        for currency, *amounts in map(members, items):
            known = self.found.get(currency)
            if known is None:
                known = self.found[currency] = [Decimal(0)] * len(amounts)
            for place, amount in enumerate(amounts):
                known[place] += amount if type(amount) is Decimal else Decimal(bytes(amount).decode())

    def texts(self) -> dict[str, dict[str, str]]:
        names = [
            each.encode_name
            for name in self.shape.amounts
            for each in msgspec.structs.fields(self.shape.kind)
            if each.name == name
        ]
        return {
            currency: dict(zip(names, (format(amount, "f") for amount in amounts), strict=True))
            for currency, amounts in sorted(self.found.items())
        }


async def export_books(settings: Settings, wanted: Wanted) -> Manifest:
    """Write the rows into a file of the folder, and beside it what it holds. Raises ``CommandRefused``."""
    async with reading(settings, wanted.account) as (database, ctx):
        try:
            return await database.report(partial(_export, ctx=ctx, wanted=wanted))
        except Refusal as refusal:
            raise CommandRefused(refusal.description) from refusal
        except OSError as error:
            raise CannotOpen(f"cannot write into {wanted.folder}: {error}") from error


@asynccontextmanager
async def reading(settings: Settings, account: str) -> AsyncIterator[tuple[Database, Context]]:
    """The database, opened beside a server, and a context for reading an account's books."""
    async with opened(settings, read_only=True) as database:
        services = await make_services(database, settings)
        try:
            record = await database.read(partial(identity.require_account, name=account))
        except Refusal as refusal:
            raise CommandRefused(refusal.description) from refusal
        found = record.account
        yield database, make_context(services, found, READER, found.clock.time_at(services.wall()))


async def pages(
    tx: Tx, ctx: Context, kind: ExportKind, *, invoice_id: str = "", currency: str = ""
) -> AsyncIterator[LinePage]:
    """Lines in pieces: of a document, else all unbilled ones of a currency."""
    if invoice_id:
        asked = [Asked(kind=kind, attribute_set=AttributeSet.FULL, invoice_id=invoice_id)]
    else:
        asked = [
            Asked(kind=kind, attribute_set=AttributeSet.FULL, currency=currency, period=period)
            for period in (Period.PREVIOUS, Period.CURRENT)
        ]
    for each in asked:
        async for page in service_reading.read_all(tx, ctx, query_of(each)):
            yield page


async def _export(tx: Tx, ctx: Context, wanted: Wanted) -> Manifest:
    shape = SHAPES[wanted.dataset]
    wanted.folder.mkdir(parents=True, exist_ok=True)
    currency = "" if wanted.invoice_id else (wanted.currency or ctx.account.currency)
    make, suffix = _file_of(wanted.format, shape)
    path = wanted.folder / f"{wanted.dataset}.{suffix}"
    unfinished = path.with_name(path.name + UNFINISHED)
    file, sums = make(unfinished), _Sums(shape)
    try:
        with Aside() as thread:
            async for make_items in _rows(tx, ctx, wanted, currency):
                await thread.begin(_take, make_items, file, sums)
            written = await thread.finish(file.close)
        unfinished.replace(path)
    finally:
        file.abandon()
        unfinished.unlink(missing_ok=True)
    manifest = Manifest(
        dataset=wanted.dataset,
        format=wanted.format,
        account=ctx.account.id,
        invoice_number=wanted.invoice_id,
        currency="" if wanted.dataset is Dataset.POSTINGS else currency,
        files=[ExportedFile(path.name, written.rows, written.size, written.sha256)],
        rows=written.rows,
        totals=sums.texts(),
    )
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (wanted.folder / "manifest.json").write_bytes(text + b"\n")
    return manifest


MakeItems = Callable[[], Sequence[Any]]


def _take(make_items: MakeItems, file: File, sums: _Sums) -> None:
    items = make_items()
    file.write(items)
    sums.add(items)


async def _rows(tx: Tx, ctx: Context, wanted: Wanted, currency: str) -> AsyncIterator[MakeItems]:
    """What makes the rows, piece by piece."""
    if wanted.dataset is Dataset.POSTINGS:
        async for rows in service_exports.read_postings(tx, ctx):
            yield partial(list, map(_posting, rows))
        return
    kind = ExportKind.USAGE if wanted.dataset is Dataset.CONSUMPTION else ExportKind.RECONCILIATION
    invoice_id = document_number(wanted.invoice_id) or wanted.invoice_id
    async for page in pages(tx, ctx, kind, invoice_id=invoice_id, currency=currency):
        yield partial(items_to_wire, ctx, page)


def _posting(row: PostingRow) -> Posting:
    return Posting(
        id=row.id,
        source_kind=row.source_kind,
        source_id=row.source_id,
        at=from_micros(row.at),
        debit=row.debit,
        credit=row.credit,
        amount=Money(row.amount, row.currency).amount,
        currency=row.currency,
    )


def _file_of(wanted: Format, shape: _Shape) -> tuple[Callable[[Path], File], str]:
    """What makes a file of a format, and how its name ends."""
    if wanted is Format.CSV:
        return partial(CsvFile, layout=shape.layout, kind=shape.kind), CsvFile.suffix
    if wanted is Format.JSONL:
        return JsonLinesFile, JsonLinesFile.suffix
    if find_spec("pyarrow") is None:
        raise CannotOpen("Parquet needs pyarrow; install it with: pip install 'comptoir[export]'")
    return partial(ParquetFile, kind=shape.kind), ParquetFile.suffix
