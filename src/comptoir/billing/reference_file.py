"""Files of exchange rates, tax rates and private offers: CSV with a header, told apart by their columns.

Exchange rates have the columns in which Microsoft publishes them (``30-invoices-billing`` section 3.9).
"""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from comptoir.billing.model import ExchangeRate, TaxRate
from comptoir.catalog.model import FileError

ROWS_MAX = 100_000
CURRENCY = re.compile(r"[A-Z]{3}")
COUNTRY = re.compile(r"[A-Z]{2}")
MONTH = re.compile(r"[1-9][0-9]{3}(0[1-9]|1[0-2])")
DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")

EXCHANGE_COLUMNS = ("CurrencyCode", "USDPerUnit", "Month")
TAX_COLUMNS = ("CountryCode", "TaxRate", "ValidFrom", "TaxName")
OFFER_COLUMNS = ("Account", "Publisher", "Offer", "Plan", "ValidFrom", "ValidUntil", "Margin", "Price")


@dataclass(frozen=True, slots=True)
class OfferRow:
    """A private offer as the file names it: by account and by the publisher's own ids."""

    account: str
    publisher_id: str
    offer_id: str
    plan_id: str
    valid_from: datetime
    valid_until: datetime | None
    margin: Decimal | None
    price: Decimal | None
    file: str
    line: int


@dataclass(slots=True)
class ReferenceTables:
    """What files hold, and everything that is wrong with them, by file and line."""

    exchange_rates: list[ExchangeRate] = field(default_factory=list)
    tax_rates: list[TaxRate] = field(default_factory=list)
    private_offers: list[OfferRow] = field(default_factory=list)
    errors: list[FileError] = field(default_factory=list)


class _Wrong(Exception):
    """A row that cannot be taken; the text says why."""


@dataclass(frozen=True, slots=True)
class _Place:
    file: str
    line: int


def read_tables(files: Sequence[tuple[str, str]]) -> ReferenceTables:
    """Everything that the files (name and text) hold. What is named twice is an error, in whichever file."""
    tables = ReferenceTables()
    seen: dict[object, _Place] = {}
    for name, text in files:
        _read_file(tables, seen, name, text)
    return tables


def _read_file(tables: ReferenceTables, seen: dict[object, _Place], name: str, text: str) -> None:
    reader = csv.DictReader(text.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
    try:
        columns = tuple(column.strip() for column in reader.fieldnames or ())
        take = _TAKERS.get(columns)
        if take is None:
            known = " or ".join(",".join(each) for each in _TAKERS)
            raise _Wrong(f"the first line must be {known}")
        reader.fieldnames = list(columns)
        for count, row in enumerate(reader, start=1):
            if count > ROWS_MAX:
                raise _Wrong(f"it has more than {ROWS_MAX} rows")
            _take_row(tables, seen, row, _Place(name, reader.line_num), take)
    except (csv.Error, _Wrong) as error:
        tables.errors.append(FileError(name, max(1, reader.line_num), str(error)))


def _take_row(
    tables: ReferenceTables,
    seen: dict[object, _Place],
    row: Mapping[str | None, str | None],
    place: _Place,
    take: "_Taker",
) -> None:
    try:
        if None in row or None in row.values():
            raise _Wrong("it has not as many fields as the first line")
        key = take(tables, {str(name): str(value).strip() for name, value in row.items()}, place)
        if key in seen:
            first = seen[key]
            raise _Wrong(f"the same is said in {first.file}, line {first.line}")
        seen[key] = place
    except _Wrong as error:
        tables.errors.append(FileError(place.file, place.line, str(error)))


def _take_exchange(tables: ReferenceTables, row: Mapping[str, str], _place: _Place) -> object:
    currency = _matching(CURRENCY, row["CurrencyCode"], "a currency of three capital letters")
    month = int(_matching(MONTH, row["Month"], "a month as YYYYMM"))
    usd_per_unit = _decimal(row["USDPerUnit"], "USDPerUnit")
    if usd_per_unit == 0:
        raise _Wrong("USDPerUnit must be above 0")
    if currency == "USD" and usd_per_unit != 1:
        raise _Wrong("a US dollar is worth one US dollar")
    tables.exchange_rates.append(ExchangeRate(currency, month, usd_per_unit))
    return "exchange", currency, month


def _take_tax(tables: ReferenceTables, row: Mapping[str, str], _place: _Place) -> object:
    country = _matching(COUNTRY, row["CountryCode"], "a country of two capital letters")
    rate = _fraction(row["TaxRate"], "TaxRate")
    valid_from = _day(row["ValidFrom"], "ValidFrom")
    tables.tax_rates.append(TaxRate(country, valid_from, rate, row["TaxName"]))
    return "tax", country, valid_from


def _take_offer(tables: ReferenceTables, row: Mapping[str, str], place: _Place) -> object:
    margin = _fraction(row["Margin"], "Margin") if row["Margin"] else None
    price = _decimal(row["Price"], "Price") if row["Price"] else None
    if (margin is None) == (price is None):
        raise _Wrong("either Margin or Price is needed, not both")
    valid_from = _day(row["ValidFrom"], "ValidFrom")
    valid_until = _day(row["ValidUntil"], "ValidUntil") if row["ValidUntil"] else None
    if valid_until is not None and valid_until <= valid_from:
        raise _Wrong("ValidUntil must be after ValidFrom")
    account, publisher, offer, plan = (row[name] for name in OFFER_COLUMNS[:4])
    tables.private_offers.append(
        OfferRow(
            account, publisher, offer, plan, valid_from, valid_until, margin, price, place.file, place.line
        )
    )
    return "offer", account, publisher, offer, plan, valid_from


_Taker = Callable[[ReferenceTables, Mapping[str, str], _Place], object]
"""Takes one row over and gives the key under which it must be alone."""

_TAKERS: Mapping[tuple[str, ...], _Taker] = {
    EXCHANGE_COLUMNS: _take_exchange,
    TAX_COLUMNS: _take_tax,
    OFFER_COLUMNS: _take_offer,
}


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if pattern.fullmatch(text) is None:
        raise _Wrong(f"{text!r} is not {what}")
    return text


def _decimal(text: str, name: str) -> Decimal:
    if DECIMAL.fullmatch(text) is None:
        raise _Wrong(f"{name} must be a decimal number such as 0.9174, not {text!r}")
    return Decimal(text)


def _fraction(text: str, name: str) -> Decimal:
    fraction = _decimal(text, name)
    if fraction > 1:
        raise _Wrong(f"{name} is a fraction: 0.2 means 20 %")
    return fraction


def _day(text: str, name: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise _Wrong(f"{name} must be a day such as 2025-07-01, not {text!r}") from error
