"""The invariants of ``30-invoices-billing`` section 7, read off stored books with nothing of the engine.

``check`` looks at the rows of one account, on either engine: numbers are fractions, days are dates, and the
rounding is that of ``tests.billing_oracle``. Invariant 6 is looked at through the API (``check_pages``).
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from tests.billing_oracle import cut, rounded_price
from tests.market import Json, Market

from comptoir.db import Database, Tx, sql

DIGITS: Mapping[str, int] = {"EUR": 2, "USD": 2, "CHF": 2, "JPY": 0}
CHARGE_TYPES = {
    "new", "renew", "cycleCharge", "addQuantity", "removeQuantity", "convert", "cancelImmediate",
    "customerCredit", "changeBillingPlan",
}  # fmt: skip
OPENING = {"new", "renew", "cycleCharge", "changeBillingPlan"}
SEATS = {"addQuantity", "removeQuantity"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Tests look at everything of an account.
LINES = sql("SELECT * FROM reconciliation_lines WHERE account_id = :account_id ORDER BY sequence")
DOCUMENTS = sql("SELECT * FROM invoices WHERE account_id = :account_id")
DAYS = sql("SELECT * FROM consumption_lines WHERE account_id = :account_id")
POSTINGS = sql("SELECT * FROM postings WHERE account_id = :account_id")
SUBSCRIPTIONS = sql("SELECT * FROM subscriptions WHERE account_id = :account_id")


@dataclass(frozen=True)
class Row:
    """A reconciliation line as it is stored."""

    id: str
    subscription_id: str
    kind: str
    charge_type: str
    reference_id: str
    position: int
    ordered_at: datetime
    term_start: date
    first_day: date
    until: date
    days: int
    cycle_days: int
    units: Fraction
    net: Fraction
    unit_price: Fraction
    pricing_currency: str
    currency: str
    fx: Fraction
    tax_rate: Fraction
    subtotal: int
    tax: int
    bill_month: int
    mirrors_id: str | None
    invoice_id: str | None
    texts: tuple[str, ...]

    @property
    def is_licence(self) -> bool:
        return self.kind == "licence"

    @property
    def is_credit(self) -> bool:
        """Whether it takes something back: at a price of 0, only its place and type tell."""
        if self.charge_type in {"cancelImmediate", "customerCredit"}:
            return True
        return self.unit_price < 0 or (self.charge_type in {*SEATS, "convert"} and self.position == 0)


@dataclass(frozen=True)
class Document:
    id: str
    month: int
    currency: str
    is_issued: bool
    is_void: bool
    amends_id: str | None
    is_taxed_by_row: bool
    issued_at: datetime
    amounts: tuple[int, int, int]
    line_count: int


@dataclass(frozen=True)
class Held:
    """A subscription: when it ended, if it did, and whether its refund window was open then."""

    id: str
    status: str
    is_trial: bool
    ended_at: datetime | None
    refund_until: datetime | None


@dataclass(frozen=True)
class Books:
    """What an account's books hold."""

    rows: Sequence[Row]
    documents: Mapping[str, Document]
    days: Sequence[tuple[str | None, Fraction]]
    postings: Sequence[tuple[str, str, int, str]]
    subscriptions: Mapping[str, Held]

    @property
    def original(self) -> list[Row]:
        """Rows as the engine wrote them, void or not, without those of amendments."""
        return [
            row
            for row in self.rows
            if row.invoice_id is None or self.documents[row.invoice_id].amends_id is None
        ]


async def read(database: Database, account_id: str) -> Books:
    """The books of an account at one moment."""

    async def look(tx: Tx) -> Books:
        lines = await tx.all(LINES, account_id=account_id)
        documents = await tx.all(DOCUMENTS, account_id=account_id)
        days = await tx.all(DAYS, account_id=account_id)
        postings = await tx.all(POSTINGS, account_id=account_id)
        subscriptions = await tx.all(SUBSCRIPTIONS, account_id=account_id)
        return Books(
            [_row(dict(line)) for line in lines],
            {row["id"]: _document(dict(row)) for row in documents},
            [(row["line_id"], Fraction(row["quantity"])) for row in days],
            [(row["debit"], row["credit"], row["amount"], row["currency"]) for row in postings],
            {row["id"]: _held(dict(row)) for row in subscriptions},
        )

    return await database.read(look)


def check(books: Books) -> None:
    """Raises ``AssertionError`` at the first invariant that does not hold."""
    _check_places(books)
    for row in books.rows:
        _check_row(row)
    _check_totals(books)
    _check_pairs(books.original)
    _check_cancellations(books)
    _check_days(books.original)
    _check_closed_months(books)
    _check_usage(books)
    _check_postings(books)


# Invariants 2 and 8


def _check_row(row: Row) -> None:
    """Every amount follows from the row itself, and can be told on the wire."""
    price, digits = abs(row.unit_price), DIGITS[row.currency]
    sign = -1 if row.unit_price < 0 else 1
    if row.is_licence:
        if row.charge_type != "customerCredit":
            assert price == rounded_price(row.net * row.days / row.cycle_days), row
        expected = cut(price * row.fx * 10**digits) * row.units
    else:
        pricing = 10 ** DIGITS[row.pricing_currency]
        expected = Fraction(cut(Fraction(cut(price * row.units * pricing), pricing) * row.fx * 10**digits))
    assert row.subtotal == sign * expected, row
    assert row.charge_type in CHARGE_TYPES, row
    assert row.units > 0, row
    assert row.days == (row.until - row.first_day).days > 0 or not row.is_licence, row
    for text in row.texts:
        assert "e" not in text.lower(), row
        assert len(text.replace(".", "").lstrip("-").strip("0")) <= 15, row


# Invariant 1


def _check_totals(books: Books) -> None:
    """A billed row has its tax, a document the sum of its rows; an unbilled row has none."""
    sums: dict[str, list[Row]] = defaultdict(list)
    for row in books.rows:
        if row.invoice_id is None:
            assert row.tax == 0, row
            continue
        by_row = books.documents[row.invoice_id].is_taxed_by_row
        assert row.tax == (cut(row.subtotal * row.tax_rate) if by_row else 0), row
        sums[row.invoice_id].append(row)
    for document in books.documents.values():
        rows = sums[document.id]
        assert all(row.currency == document.currency for row in rows), document
        if not document.is_issued or not document.is_taxed_by_row:
            continue
        subtotal, tax = sum(row.subtotal for row in rows), sum(row.tax for row in rows)
        assert document.amounts == (subtotal, tax, subtotal + tax), document
        assert document.line_count == len(rows), document


# Invariant 3


def _check_pairs(rows: Iterable[Row]) -> None:
    """A change of seats gives back and charges the same days at the same price: for equal seats, nothing."""
    pairs: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.charge_type in SEATS:
            pairs[row.reference_id].append(row)
    for pair in pairs.values():
        wipe, again = sorted(pair, key=lambda row: row.position)
        assert wipe.unit_price == -again.unit_price <= 0, pair
        assert wipe.subtotal * again.units == -again.subtotal * wipe.units, pair
        for name in ("first_day", "until", "days", "cycle_days", "fx", "tax_rate", "ordered_at", "currency"):
            assert getattr(wipe, name) == getattr(again, name), pair
        assert (again.units > wipe.units) == (again.charge_type == "addQuantity"), pair


def _check_cancellations(books: Books) -> None:
    """Invariants 3 and 9: inside its window all of a term comes back, outside of it nothing does."""
    terms: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for row in books.original:
        if row.is_licence and row.charge_type != "customerCredit":
            terms[row.subscription_id, row.term_start].append(row)
    last = dict(sorted(terms))
    for (subscription_id, start), rows in terms.items():
        taken_back = [row for row in rows if row.charge_type == "cancelImmediate"]
        held = books.subscriptions[subscription_id]
        is_last = last[subscription_id] == start
        if held.status == "deleted" and is_last and held.ended_at is not None:
            was_open = held.refund_until is not None and held.ended_at < held.refund_until
            assert bool(taken_back) == (was_open or held.is_trial), (held, rows)
        else:
            assert not taken_back or is_last, (held, rows)
        if taken_back:
            assert len({row.reference_id for row in taken_back}) == 1, rows
            assert sum(row.subtotal for row in rows) == 0, rows
            assert sum(cut(row.subtotal * row.tax_rate) for row in rows) == 0, rows
            charged = Counter(row.id for row in rows if row.charge_type != "cancelImmediate")
            assert charged == Counter(row.mirrors_id for row in taken_back), rows


# Invariant 4


def _check_days(rows: Iterable[Row]) -> None:
    """Inside a cycle the days in each state add up to the cycle's, and cycle follows cycle.

    A later term may cut a cycle short. Where that cycle is a trial's, nothing is given back for the rest.
    """
    cycles: dict[tuple[str, date, date, bool], list[Row]] = defaultdict(list)
    terms: dict[str, set[date]] = defaultdict(set)
    for row in rows:
        if row.is_licence and row.charge_type not in {"cancelImmediate", "customerCredit"}:
            cycles[row.subscription_id, row.term_start, row.until, row.net == 0].append(row)
            terms[row.subscription_id].add(row.term_start)
    spans: dict[str, list[tuple[date, date]]] = defaultdict(list)
    for (subscription_id, term_start, until, is_trial), found in cycles.items():
        begins = min(row.first_day for row in found)
        later = [each for each in terms[subscription_id] if term_start < each < until and not is_trial]
        ends = min([until, *later])
        days = sum(-row.days if row.is_credit else row.days for row in found)
        assert days == (ends - begins).days, found
        assert sum(row.charge_type in OPENING for row in found) <= 1, found
        if not is_trial:
            spans[subscription_id].append((begins, ends))
    for subscription_id, paid in spans.items():
        for (_, ends), (begins, _) in itertools.pairwise(sorted(paid)):
            assert ends == begins, (subscription_id, paid)


# Invariants 5 and 7


def _check_places(books: Books) -> None:
    """Every row is unbilled or in one document; what a void one held is billed anew."""
    assert len({row.id for row in books.rows}) == len(books.rows)
    for row in books.rows:
        assert row.invoice_id is None or row.invoice_id in books.documents, row
    counted = Counter(
        (document.month, document.currency)
        for document in books.documents.values()
        if document.amends_id is None
    )
    assert set(counted.values()) <= {1}, counted
    for document in books.documents.values():
        if document.is_void:
            amended = document.amends_id or document.id
            assert any(
                other.amends_id == amended and other.id > document.id for other in books.documents.values()
            ), document


def _check_closed_months(books: Books) -> None:
    """What a month's document left behind came into the books after it."""
    for document in books.documents.values():
        if not document.is_issued or document.amends_id is not None:
            continue
        left = [
            row
            for row in books.rows
            if row.invoice_id is None
            and row.currency == document.currency
            and row.bill_month <= document.month
            and row.ordered_at < document.issued_at
        ]
        assert not left, (document, left)


# Usage and postings


def _check_usage(books: Books) -> None:
    """A usage row bills the units of its days."""
    units: dict[str, Fraction] = defaultdict(Fraction)
    for line_id, quantity in books.days:
        if line_id is not None:
            units[line_id] += quantity
    for row in books.rows:
        if not row.is_licence:
            assert units[row.id] == row.units, row


def _check_postings(books: Books) -> None:
    """What is unbilled, receivable and earned is what rows and documents say."""
    held: dict[tuple[str, str], int] = defaultdict(int)
    for debit, credit, amount, currency in books.postings:
        held[debit, currency] += amount
        held[credit, currency] -= amount
    unbilled: dict[str, int] = defaultdict(int)
    for row in books.rows:
        document = books.documents.get(row.invoice_id or "")
        if document is None or not document.is_issued:
            unbilled[row.currency] += row.subtotal
    for currency in {currency for _, currency in held}:
        assert held["unbilled", currency] == unbilled[currency], currency
    assert sum(held.values()) == 0


# Invariant 6


async def check_pages(market: Market, first: str, sizes: Iterable[int], count: int) -> None:
    """Walks of any size give the same rows in the same order, as many as there are.

    Rows may look alike: what takes back the free rows of a trial is told under one reference.
    """
    whole = await _walk(market, f"{first}&size=2000")
    assert len(whole) == count, first
    for size in sizes:
        assert await _walk(market, f"{first}&size={size}") == whole, size


async def _walk(market: Market, path: str) -> list[str]:
    found: list[str] = []
    headers: dict[str, str] = {}
    while True:
        reply = await market.get(path, headers=headers)
        assert reply.status_code == 200, reply.text
        page: Json = reply.json()
        found += [repr(sorted(item.items(), key=lambda pair: pair[0])) for item in page["items"]]
        following = page["links"].get("next")
        if following is None:
            return found
        path = f"/v1/{following['uri']}"
        headers = {each["key"]: each["value"] for each in following["headers"]}


# Rows


def _row(row: Mapping[str, Json]) -> Row:
    return Row(
        id=row["id"],
        subscription_id=row["subscription_id"],
        kind=row["kind"],
        charge_type=row["charge_type"],
        reference_id=row["reference_id"],
        position=row["position"],
        ordered_at=_instant(row["order_date"]),
        term_start=_instant(row["term_start_at"]).date(),
        first_day=_instant(row["charge_start_at"]).date(),
        until=_instant(row["charge_end_at"]).date(),
        days=row["billing_days"],
        cycle_days=row["cycle_days"],
        units=Fraction(row["billable_quantity"]),
        net=Fraction(row["net_price"]),
        unit_price=Fraction(row["effective_unit_price"]),
        pricing_currency=row["pricing_currency"],
        currency=row["currency"],
        fx=Fraction(row["exchange_rate"]),
        tax_rate=Fraction(row["tax_rate"]),
        subtotal=row["subtotal"],
        tax=row["tax"],
        bill_month=row["bill_month"],
        mirrors_id=row["mirrors_id"],
        invoice_id=row["invoice_id"],
        texts=tuple(
            row[name] for name in ("billable_quantity", "unit_price", "effective_unit_price", "exchange_rate")
        ),
    )


def _document(row: Mapping[str, Json]) -> Document:
    return Document(
        id=row["id"],
        month=row["month"],
        currency=row["currency"],
        is_issued=row["status"] == "issued",
        is_void=row["state"] == "void",
        amends_id=row["amends_id"],
        is_taxed_by_row=row["tax_mode"] == "row",
        issued_at=_instant(row["issued_at"]),
        amounts=(row["subtotal"], row["tax"], row["total"]),
        line_count=row["line_count"],
    )


def _held(row: Mapping[str, Json]) -> Held:
    return Held(
        id=row["id"],
        status=row["status"],
        is_trial=row["is_trial"] == 1,
        ended_at=None if row["ended_at"] is None else _instant(row["ended_at"]),
        refund_until=None if row["refund_until"] is None else _instant(row["refund_until"]),
    )


def _instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)
