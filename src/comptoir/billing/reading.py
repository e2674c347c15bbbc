"""Reading lines page by page: what is asked, what a walk sees, and the token that leads on.

Rules of ``30-invoices-billing`` section 1.8. A page is found by position, not by number: it begins after the
last line shown. A walk over unbilled lines sees the books as they stood when it began: lines written since
are left out, lines billed since are still shown. So each line is shown exactly once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from comptoir.core.errors import Code, Refusal

PAGE_SIZE_MAX = 2_000
"""A larger ``size`` is cut to this, and without one a page is that long (choice C-11)."""

INVOICE_TYPE = "OneTime"
"""The type of every document that is issued here; the other one, ``Recurring``, is the older service's."""

TOKEN_LIFE = timedelta(hours=24)
TOKEN_STEP = timedelta(minutes=10)
"""Tokens live up to this much longer, so that a page has the same bytes for as long."""

_TOKEN_KIND = "lines"  # noqa: S105 - marks what is signed, so that no other token passes for one of ours


class Provider(StrEnum):
    """Whose lines are asked for (section 1.8). Case and underscores do not count."""

    ONETIME = "onetime"
    MARKETPLACE = "marketplace"
    ALL = "all"
    AZURE = "azure"
    OFFICE = "office"


class LineType(StrEnum):
    """Which lines are asked for. Case and underscores do not count."""

    BILLING = "billinglineitems"
    USAGE = "usagelineitems"


class Period(StrEnum):
    """Which unbilled lines are asked for: those of the calendar month, or all older ones."""

    CURRENT = "current"
    PREVIOUS = "previous"
    LAST = "last"


class SeekOperation(StrEnum):
    """Which page is asked for. All that clients may name; two are served."""

    FIRST = "first"
    NEXT = "next"
    PREVIOUS = "previous"
    LAST = "last"
    PAGE_INDEX = "page_index"


class Feed(StrEnum):
    """The table that answers a query; nothing does where the matrix of choice C-09 is empty."""

    RECONCILIATION = "reconciliation"
    CONSUMPTION = "consumption"
    NOTHING = "nothing"


class LineQuery(Struct, frozen=True, array_like=True):
    """What a walk asks for. ``invoice_id`` is empty for unbilled lines, which alone have a ``period``.

    ``currency`` is empty for any; ``earned_credit`` asks for usage that earned partner credit alone.
    """

    invoice_id: str
    provider: Provider
    line_type: LineType
    currency: str
    period: Period | None
    earned_credit: bool
    size: int

    @property
    def feed(self) -> Feed:
        """Which lines these are (choices C-09 and C-13): marketplace usage never earns partner credit."""
        if self.provider in {Provider.AZURE, Provider.OFFICE}:
            return Feed.NOTHING
        if self.line_type is LineType.BILLING:
            return Feed.NOTHING if self.provider is Provider.MARKETPLACE else Feed.RECONCILIATION
        if self.provider is Provider.ONETIME and self.earned_credit:
            return Feed.NOTHING
        return Feed.CONSUMPTION


class Place(Struct, frozen=True, array_like=True, order=True):
    """The place of a line in the order of its feed (choice C-15).

    Reconciliation lines go by order date, subscription, reference and position; consumption lines by usage
    date, subscription, meter and id, of which the resource URI is made as well.
    """

    micros: int
    subscription_id: str
    third: str
    fourth: int | str


def beginning(feed: Feed, micros: int = 0) -> Place:
    """Before every line of a feed that is dated at this instant or later."""
    return Place(micros, "", "", -1 if feed is Feed.RECONCILIATION else "")


class Snapshot(Struct, frozen=True, array_like=True):
    """The books as a walk over unbilled lines sees them.

    ``line_sequence`` is that of the last line then; ``month`` the calendar month (YYYYMM) then. Documents
    issued since have more lines before them, or as many and are none of ``closed``, which were issued
    already.
    """

    line_sequence: int
    month: int
    closed: tuple[str, ...]

    def is_open(self, invoice_id: str, line_sequence: int) -> bool:
        """Whether an issued document was issued after the walk began."""
        if line_sequence == self.line_sequence:
            return invoice_id not in self.closed
        return line_sequence > self.line_sequence


class Walk(Struct, frozen=True):
    """The page to fetch: the lines after a place, or from the beginning but for the first ``offset``.

    It ``is_past_end`` if its document has no more lines than that. ``snapshot`` is that of a walk over
    unbilled lines which is under way. ``currency`` is that of the lines, once the walk has begun.
    """

    query: LineQuery
    after: Place | None = None
    snapshot: Snapshot | None = None
    offset: int = 0
    is_past_end: bool = False
    currency: str = ""

    @property
    def is_settled(self) -> bool:
        """Whether what it shows never changes: a day's usage grows until it is billed, all else is there."""
        return bool(self.query.invoice_id) or self.query.feed is not Feed.CONSUMPTION


class Run(Struct, frozen=True):
    """Lines that lie in order in the database: of one document or of none, consumption of one bill month."""

    invoice_id: str | None
    month: int = 0


class _Continuation(Struct, frozen=True, array_like=True):
    """What a token holds. ``expires_at`` is in seconds of the wall clock."""

    kind: str
    account_id: str
    query: LineQuery
    after: Place
    snapshot: Snapshot | None
    expires_at: int


class ReconciliationRow(Struct, array_like=True, gc=False):
    """A reconciliation line as it is stored, as far as it is answered. Instants are microseconds."""

    order_date: int
    subscription_id: str
    reference_id: str
    position: int
    customer_id: str
    subject_id: str
    charge_type: str
    term_start_at: int
    term_end_at: int
    charge_start_at: int
    charge_end_at: int
    quantity: int
    billable_quantity: str
    unit_price: str
    effective_unit_price: str
    pricing_currency: str
    currency: str
    exchange_rate: str
    exchange_rate_at: int
    subtotal: int
    tax: int
    price_adjustment: str
    credit_reason: str

    @property
    def place(self) -> Place:
        return Place(self.order_date, self.subscription_id, self.reference_id, self.position)


class ConsumptionRow(Struct, array_like=True, gc=False):
    """A consumption line as it is stored, as far as it is answered."""

    usage_on: int
    subscription_id: str
    dimension_id: str
    id: str
    customer_id: str
    subject_id: str
    is_late: int
    event_count: int
    quantity: str
    unit_price: str
    effective_unit_price: str
    pricing_currency: str
    currency: str
    exchange_rate: str
    exchange_rate_at: int
    pricing_total: str
    billing_total: str

    @property
    def place(self) -> Place:
        return Place(self.usage_on, self.subscription_id, self.dimension_id, self.id)


class About(Struct, gc=False, kw_only=True):
    """``model.Subject`` in the form that is read fastest; the members have the same names and meanings."""

    partner_name: str
    mpn_id: str
    reseller_mpn_id: str
    customer_name: str
    customer_domain: str
    customer_country: str
    order_id: str
    alternate_id: str
    product_id: str
    sku_id: str
    availability_id: str
    product_name: str
    sku_name: str
    product_qualifiers: Sequence[str]
    publisher_id: str
    publisher_name: str
    subscription_description: str
    term_and_billing_cycle: str
    billing_frequency: str
    plan_id: str
    dimension_id: str
    meter_name: str
    unit_of_measure: str


R = TypeVar("R", ReconciliationRow, ConsumptionRow)


@dataclass(frozen=True, slots=True)
class Found(Generic[R]):
    """The lines of one page in order, and whether others follow."""

    rows: Sequence[R]
    has_next: bool


def document_number(text: str) -> str | None:
    """The number of the document that a path names, ``None`` for one that cannot exist (choice C-01).

    Links write ``OneTime-G000410273``: the type before it must be that of everything issued here.
    """
    prefix, dash, rest = text.strip().rpartition("-")
    if dash and prefix.lower() != INVOICE_TYPE.lower():
        return None
    return rest.upper()


def arranged(parts: Sequence[Sequence[R]], size: int) -> Found[R]:
    """A page from the runs that it draws on: up to ``size + 1`` lines of each, in order."""
    if len(parts) == 1:
        (rows,) = parts
    else:
        rows = sorted((row for part in parts for row in part), key=lambda row: row.place)
    return Found(rows[:size], len(rows) > size)


def continuation(walk: Walk, after: Place, account_id: str, wall: datetime) -> bytes:
    """What to sign as the token that leads on after a line."""
    return msgspec.json.encode(
        _Continuation(_TOKEN_KIND, account_id, walk.query, after, walk.snapshot, token_end(wall))
    )


def token_end(wall: datetime) -> int:
    """When tokens made at this instant expire, in seconds: the same for all of a step."""
    step = int(TOKEN_STEP.total_seconds())
    began = int(wall.timestamp()) // step * step
    return began + int((TOKEN_STEP + TOKEN_LIFE).total_seconds())


def resumed(
    invoice_id: str, query: LineQuery | None, token: bytes | None, account_id: str, wall: datetime
) -> Walk:
    """The walk that goes on; ``token`` is ``None`` for a text that was not signed here.

    A token goes on with its own query alone (choice C-12); a client that sends nothing but the token
    (``query`` is ``None``) means that one. Tokens live by the wall clock.
    """
    found = _read(token)
    is_ours = found.kind == _TOKEN_KIND and found.account_id == account_id
    is_same = found.query.invoice_id == invoice_id and query in {None, found.query}
    if not (is_ours and is_same) or found.expires_at <= wall.timestamp():
        raise _bad_token()
    return Walk(found.query, found.after, found.snapshot)


def _read(token: bytes | None) -> _Continuation:
    if token is None:
        raise _bad_token()
    try:
        return msgspec.json.decode(token, type=_Continuation)
    except msgspec.DecodeError as error:
        raise _bad_token() from error


def _bad_token() -> Refusal:
    return Refusal(
        Code.INVALID_PROPERTY,
        member="MS-ContinuationToken",
        reason="it is unknown, has expired or belongs to another query.",
    )
