"""Reading reconciliation files: CSV in the published layout, and JSON lines of an export."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec

from comptoir.billing.reconciling import Row
from comptoir.wire.dates import NotADate, parse_date

MEMBERS: Mapping[str, tuple[str, ...]] = {
    "invoice": ("invoicenumber",),
    "subscription_id": ("subscriptionid",),
    "reference_id": ("referenceid",),
    "charge_type": ("chargetype",),
    "product_id": ("productid",),
    "sku_id": ("skuid",),
    "meter": ("meterdescription",),
    "order_day": ("orderdate",),
    "charge_start": ("chargestartdate",),
    "charge_end": ("chargeenddate",),
    "currency": ("currency",),
    "quantity": ("quantity",),
    "billable_quantity": ("billablequantity",),
    "unit_price": ("unitprice",),
    "effective_unit_price": ("effectiveunitprice",),
    "exchange_rate": ("pctobcexchangerate",),
    "subtotal": ("subtotal",),
    "tax": ("taxtotal",),
    "total": ("totalforcustomer", "total"),
}
"""The names of each member in files, in lower case: titles of columns, and members on the wire."""

NEEDED = ("subscription_id", "charge_type", "charge_start", "subtotal")
_NUMBERS = frozenset(
    {
        "quantity",
        "billable_quantity",
        "unit_price",
        "effective_unit_price",
        "exchange_rate",
        "subtotal",
        "tax",
        "total",
    }
)
_DAYS = frozenset({"order_day", "charge_start", "charge_end"})
_UPPER = frozenset({"invoice", "currency", "product_id", "sku_id"})
_EXACT = frozenset({"meter"})
_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class NotAFile(ValueError):
    """What is read is no reconciliation file; the text says why, and where."""


def read_csv(lines: Iterable[str]) -> Iterator[Row]:
    """The rows of a CSV file. Raises ``NotAFile``."""
    reader = csv.reader(lines)
    titles = next(reader, [])
    readers = _readers(tuple(title.strip().lower() for title in titles))
    try:
        for values in reader:
            if values:
                yield _row(f"line {reader.line_num}", readers, values)
    except csv.Error as error:
        raise NotAFile(f"line {reader.line_num}: {error}") from error


def read_json_lines(lines: Iterable[bytes]) -> Iterator[Row]:
    """The rows of a file of JSON objects, one a line. Raises ``NotAFile``."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                known = _DECODER.decode(line)
            except msgspec.DecodeError as error:
                raise NotAFile(f"line {number}: {error}") from error
            place = f"line {number}"
            yield _row(place, _readers(tuple(map(str.lower, known))), list(known.values()))


Reader = tuple[str, int, Callable[[Any], Any]]


@lru_cache(maxsize=16)
def _readers(names: tuple[str, ...]) -> list[Reader]:
    """How each member is read: from which column, and as what."""
    places = {name: place for place, name in reversed(list(enumerate(names)))}
    found: list[Reader] = []
    for member, spellings in MEMBERS.items():
        place = next((places[name] for name in spellings if name in places), None)
        if place is not None:
            found.append((member, place, _kind_of(member)))
    missing = set(NEEDED) - {member for member, _, _ in found}
    if missing:
        titles = ", ".join(sorted(MEMBERS[member][0] for member in missing))
        raise NotAFile(f"it has no column {titles}: no reconciliation file")
    return found


def _row(place: str, readers: list[Reader], values: list[Any]) -> Row:
    known: dict[str, Any] = {name: None if name in _NUMBERS else "" for name in MEMBERS}
    for member, column, read in readers:
        if column < len(values):
            try:
                known[member] = read(values[column])
            except (InvalidOperation, NotADate, ValueError) as error:
                shown = str(values[column])[:40]
                raise NotAFile(f"{place}: {MEMBERS[member][0]} cannot be {shown!r}") from error
    return Row(place=place, **known)


def _kind_of(member: str) -> Callable[[Any], Any]:
    if member in _NUMBERS:
        return number
    if member in _DAYS:
        return day
    if member in _EXACT:
        return str
    return _upper if member in _UPPER else _folded


def number(value: Any) -> Decimal | None:
    """An exact number; ``None`` for an empty cell."""
    text = str(value).strip()
    if not text:
        return None
    found = Decimal(text)
    if not found.is_finite():
        raise ValueError(text)
    return found


def day(value: Any) -> str:
    """The day of a date in any usual spelling; empty for none."""
    text = str(value).strip()
    found = parse_date(text) if text else None
    return "" if found is None else found.date().isoformat()


def _folded(value: Any) -> str:
    return str(value).strip().lower()


def _upper(value: Any) -> str:
    return str(value).strip().upper()
