"""Comparing a reconciliation file with the books: which rows belong together, and why they differ.

Formulas and roundings are those of ``30-invoices-billing`` section 3.4.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from comptoir.billing import cents
from comptoir.core.money import minor_digits

Number = Decimal | None
"""``None`` where a file has no such column: then it is not compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A reconciliation row, of the file or of the books. ``place`` says where it stands in the file.

    Ids and charge types are in lower case; days are ``2026-03-01``; texts are empty where a file has none.
    """

    place: str
    invoice: str
    subscription_id: str
    reference_id: str
    charge_type: str
    product_id: str
    sku_id: str
    meter: str
    order_day: str
    charge_start: str
    charge_end: str
    currency: str
    quantity: Number
    billable_quantity: Number
    unit_price: Number
    effective_unit_price: Number
    exchange_rate: Number
    subtotal: Number
    tax: Number
    total: Number

    @property
    def is_usage(self) -> bool:
        return bool(self.meter)

    @property
    def is_credit(self) -> bool:
        return (self.subtotal or 0) < 0 or (self.effective_unit_price or 0) < 0


class Kind(StrEnum):
    """What is the matter with a row."""

    ONLY_IN_FILE = "only in the file"
    ONLY_IN_BOOKS = "only in the books"
    DIFFERENT = "different"


class Cause(StrEnum):
    """Why it is so, as far as the numbers tell."""

    DUPLICATE = "a duplicate row"
    MISSING_USAGE = "usage is missing"
    NOT_IN_BOOKS = "nothing like it was charged here"
    NOT_IN_FILE = "the file leaves it out"
    OTHER_RATE = "another exchange rate"
    OTHER_DAYS = "other days"
    OTHER_PRICE = "another price"
    OTHER_QUANTITY = "another quantity"
    OTHER_EVENT = "another charge type or event"
    OTHER_CURRENCY = "another currency"
    OTHER_DOCUMENT = "on another document"
    ROUNDED_PER_ROW = "rounded per row, not per unit"
    ROUNDED_OTHERWISE = "rounded otherwise"
    TAX_INCLUDED = "tax is included"
    TAX_UNBILLED = "tax in the file, and not billed here yet"
    OTHER_TAX = "another tax"
    SUM = "the total is not subtotal plus tax"
    OTHER_AMOUNT = "another amount"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that file and books disagree upon. ``row`` is the file's, where it has one."""

    kind: Kind
    cause: Cause
    row: Row
    member: str = ""
    in_file: str = ""
    in_books: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """``matched`` rows stand in both, whether or not their amounts agree; ``equal`` of them do."""

    matched: int
    equal: int
    differences: Sequence[Difference]


Key = Callable[[Row], object]


def _event(row: Row) -> tuple[object, ...]:
    return (row.subscription_id, row.reference_id, row.charge_type, row.meter, row.sku_id)


def _days(row: Row) -> tuple[object, ...]:
    return (row.charge_start, row.charge_end)


PASSES: Sequence[Key] = (
    lambda row: (row.invoice, _event(row), _days(row), row.billable_quantity, row.is_credit, _amounts(row)),
    lambda row: (row.invoice, _event(row), _days(row), row.billable_quantity, row.is_credit),
    lambda row: (row.invoice, _event(row), _days(row), row.is_credit),
    lambda row: (row.invoice, _event(row), _days(row), row.billable_quantity),
    lambda row: (row.invoice, _event(row), row.billable_quantity, row.is_credit),
    lambda row: (row.invoice, _event(row), row.is_credit),
    lambda row: (row.invoice, row.subscription_id, row.charge_type, row.meter, _days(row), row.is_credit),
    lambda row: (row.invoice, row.subscription_id, row.meter, _days(row), row.is_credit),
    lambda row: (row.invoice, row.subscription_id, row.charge_type, row.meter, row.charge_start),
    lambda row: (_event(row), _days(row), row.is_credit),
)
"""How rows are found to belong together, strictest first. What one pass pairs, no later one sees.

Both sides of a change of seats differ in quantity and sign alone; events of the same subscription on the same
days differ in the reference, which older files do not have.
"""


def _amounts(row: Row) -> tuple[Number, ...]:
    return (row.subtotal, row.tax, row.total, row.unit_price, row.effective_unit_price, row.exchange_rate)


def compare(file: Sequence[Row], books: Sequence[Row]) -> Comparison:
    """Pair the rows of a file with those of the books and say where they differ, in the file's order."""
    pairs, left, missing = _paired(file, books)
    seen = {(row.invoice, _event(row), _days(row), row.is_credit) for row, _ in pairs}
    found: list[tuple[int, Difference]] = []
    order = {id(row): number for number, row in enumerate(file)}
    equal = 0
    for row, booked in pairs:
        differences = list(_differences(row, booked))
        equal += not differences
        found += ((order[id(row)], difference) for difference in differences)
    for row in left:
        is_repeated = (row.invoice, _event(row), _days(row), row.is_credit) in seen
        cause = Cause.DUPLICATE if is_repeated else _cause_of_strange(row)
        found.append((order[id(row)], Difference(Kind.ONLY_IN_FILE, cause, row)))
    found.sort(key=lambda each: each[0])
    only_in_books = [Difference(Kind.ONLY_IN_BOOKS, Cause.NOT_IN_FILE, row) for row in missing]
    return Comparison(len(pairs), equal, [*(each for _, each in found), *only_in_books])


def _paired(
    file: Sequence[Row], books: Sequence[Row]
) -> tuple[list[tuple[Row, Row]], Sequence[Row], Sequence[Row]]:
    """The pairs, the rows of the file without one, and those of the books."""
    pairs: list[tuple[Row, Row]] = []
    for key in PASSES:
        if not file or not books:
            break
        waiting: dict[object, deque[Row]] = defaultdict(deque)
        for row in books:
            waiting[key(row)].append(row)
        left = []
        for row in file:
            candidates = waiting.get(key(row))
            if candidates:
                pairs.append((row, candidates.popleft()))
            else:
                left.append(row)
        file = left
        books = [row for rows in waiting.values() for row in rows]
    return pairs, file, books


def _cause_of_strange(row: Row) -> Cause:
    return Cause.MISSING_USAGE if row.is_usage else Cause.NOT_IN_BOOKS


def _differences(row: Row, booked: Row) -> Iterator[Difference]:
    """Every member in which two rows differ. What follows from another difference has its cause."""
    root = _root(row, booked)
    for member, cause, ours, theirs in _compared(row, booked, root):
        if ours is not None and theirs is not None and ours != theirs:
            yield Difference(Kind.DIFFERENT, cause, row, member, _text(ours), _text(theirs))


def _compared(
    row: Row, booked: Row, root: Cause | None
) -> Iterable[tuple[str, Cause, Number | str, Number | str]]:
    subtotal = _cause_of_subtotal(row, booked, root)
    tax = _cause_of_tax(row, booked, subtotal)
    return (
        ("invoiceNumber", Cause.OTHER_DOCUMENT, row.invoice, booked.invoice),
        ("chargeType", Cause.OTHER_EVENT, row.charge_type, booked.charge_type),
        ("referenceId", Cause.OTHER_EVENT, row.reference_id or None, booked.reference_id),
        ("chargeStartDate", Cause.OTHER_DAYS, row.charge_start or None, booked.charge_start),
        ("chargeEndDate", Cause.OTHER_DAYS, row.charge_end or None, booked.charge_end),
        ("currency", Cause.OTHER_CURRENCY, row.currency or None, booked.currency),
        ("quantity", _cause_of_quantity(row, booked), row.quantity, booked.quantity),
        (
            "billableQuantity",
            _cause_of_quantity(row, booked),
            row.billable_quantity,
            booked.billable_quantity,
        ),
        ("unitPrice", Cause.OTHER_PRICE, row.unit_price, booked.unit_price),
        (
            "effectiveUnitPrice",
            Cause.OTHER_DAYS if root is Cause.OTHER_DAYS else Cause.OTHER_PRICE,
            row.effective_unit_price,
            booked.effective_unit_price,
        ),
        ("pcToBCExchangeRate", Cause.OTHER_RATE, row.exchange_rate, booked.exchange_rate),
        ("subtotal", subtotal, row.subtotal, booked.subtotal),
        ("taxTotal", tax, row.tax, booked.tax),
        ("totalForCustomer", _cause_of_total(row, booked, subtotal, tax), row.total, booked.total),
    )


def _root(row: Row, booked: Row) -> Cause | None:
    """The first thing in which rows differ that their amounts follow from."""
    if (row.charge_start or booked.charge_start, row.charge_end or booked.charge_end) != _days(booked):
        return Cause.OTHER_DAYS
    if _differ(row.billable_quantity, booked.billable_quantity) or _differ(row.quantity, booked.quantity):
        return _cause_of_quantity(row, booked)
    if _differ(row.unit_price, booked.unit_price):
        return Cause.OTHER_PRICE
    if _differ(row.effective_unit_price, booked.effective_unit_price):
        return Cause.OTHER_PRICE
    return Cause.OTHER_RATE if _differ(row.exchange_rate, booked.exchange_rate) else None


def _cause_of_quantity(row: Row, booked: Row) -> Cause:
    if row.is_usage and (row.billable_quantity or 0) > (booked.billable_quantity or 0):
        return Cause.MISSING_USAGE
    return Cause.OTHER_QUANTITY


def _cause_of_subtotal(row: Row, booked: Row, root: Cause | None) -> Cause:
    if root is not None:
        return root
    if row.subtotal is None or booked.subtotal is None:
        return Cause.OTHER_AMOUNT
    if booked.tax and row.subtotal == booked.subtotal + booked.tax:
        return Cause.TAX_INCLUDED
    unit = Decimal(1).scaleb(-minor_digits(booked.currency))
    exact = _exact(booked)
    if exact is not None and not booked.is_usage:
        per_row = {_cut(exact, booked.currency), _nearest(exact, booked.currency)}
        if abs(row.subtotal) in per_row:
            return Cause.ROUNDED_PER_ROW
    units = max(abs(booked.billable_quantity or Decimal(1)), Decimal(1))
    if abs(row.subtotal - booked.subtotal) <= unit * (1 if booked.is_usage else units):
        return Cause.ROUNDED_OTHERWISE
    return Cause.OTHER_AMOUNT


def _exact(row: Row) -> Decimal | None:
    """What a row costs without any rounding, as a positive number."""
    if row.effective_unit_price is None or row.exchange_rate is None or row.billable_quantity is None:
        return None
    return abs(row.effective_unit_price * row.exchange_rate * row.billable_quantity)


def _cut(amount: Decimal, currency: str) -> Decimal:
    return cents.round_down(amount, minor_digits(currency))


def _nearest(amount: Decimal, currency: str) -> Decimal:
    return cents.round_half_up(amount, minor_digits(currency))


def _cause_of_tax(row: Row, booked: Row, subtotal: Cause) -> Cause:
    if not booked.invoice and row.tax:
        return Cause.TAX_UNBILLED
    if _differ(row.subtotal, booked.subtotal):
        return subtotal
    unit = Decimal(1).scaleb(-minor_digits(booked.currency))
    is_near = row.tax is not None and booked.tax is not None and abs(row.tax - booked.tax) <= unit
    return Cause.ROUNDED_OTHERWISE if is_near else Cause.OTHER_TAX


def _cause_of_total(row: Row, booked: Row, subtotal: Cause, tax: Cause) -> Cause:
    """A total differs for what it is the sum of, or is no sum at all."""
    if row.total is not None and row.subtotal is not None and row.tax is not None:
        if not booked.invoice and row.total:
            return tax if row.tax else Cause.TAX_UNBILLED
        if row.total != row.subtotal + row.tax:
            return Cause.SUM
    return subtotal if _differ(row.subtotal, booked.subtotal) else tax


def _differ(ours: Number, theirs: Number) -> bool:
    return ours is not None and theirs is not None and ours != theirs


def _text(value: Number | str) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)
