"""Seek paging of the customer list: what is asked, where a page lies, and the token that leads on.

Rules of ``00-cross-cutting`` sections 7.3 and 8. A page is found by position, not by number: the list is
ordered by company name, then id, and the next page begins after the last position shown. So every customer
that stays in the list is shown exactly once, whoever arrives or leaves in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from comptoir.core.errors import Code, Refusal
from comptoir.customers.model import CustomerSummary

PAGE_SIZE_MAX = 500
"""A larger ``size`` is cut to this (section 7.3)."""

UNPAGED_SIZE_MAX = 5_000
"""How many customers a list without ``size`` holds at most; beyond it the answer links to a next page."""

TOKEN_LIFE = timedelta(hours=24)
FILTER_VALUE_MAX = 200
_ABOVE_EVERY_CHARACTER = "\U0010ffff"


class SeekOperation(StrEnum):
    """Which page a continuation token is used for. All that clients may name; not all are served."""

    NEXT = "next"
    PREVIOUS = "previous"
    FIRST = "first"
    LAST = "last"
    PAGE_INDEX = "page_index"


class FilterField(StrEnum):
    """What a customer list can be narrowed by."""

    COMPANY_NAME = "company_name"
    DOMAIN = "domain"
    INDIRECT_RESELLER = "indirect_reseller"
    INDIRECT_CLOUD_SOLUTION_PROVIDER = "indirect_cloud_solution_provider"


@dataclass(frozen=True, slots=True)
class Filter:
    """Only customers whose ``field`` begins with ``prefix``, which is folded like the stored keys."""

    field: FilterField
    prefix: str

    @property
    def prefix_end(self) -> str:
        """The end, exclusive, of the range of texts that begin with the prefix."""
        return self.prefix + _ABOVE_EVERY_CHARACTER


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the order of the list: that of one customer."""

    name_key: str
    id: str


BEGINNING = Position("", "")
"""Before every customer: no name is empty."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """What a continuation token holds. ``first`` and ``last`` are the ends of the page it came with."""

    account_id: str
    size: int
    filter: Filter | None
    first: Position
    last: Position
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Seek:
    """The page to fetch: the ``limit`` customers next to ``position``, after it or before it.

    ``size`` is what the caller asked for, 0 for everything.
    """

    size: int
    filter: Filter | None
    position: Position
    is_backward: bool = False

    @property
    def limit(self) -> int:
        """How many customers the page holds at most."""
        return self.size or UNPAGED_SIZE_MAX


@dataclass(frozen=True, slots=True)
class Page:
    """The customers of one page, in order, and whether there are others on either side."""

    seek: Seek
    items: tuple[CustomerSummary, ...]
    has_previous: bool
    has_next: bool


def name_key(company_name: str) -> str:
    """What a company is sorted and searched by: its name, case folded."""
    return company_name.strip().casefold()


def begins_with(field: FilterField, value: str) -> Filter:
    """The filter for customers whose ``field`` begins with ``value`` in any case."""
    if len(value) > FILTER_VALUE_MAX or not value.isprintable():
        raise Refusal(Code.INVALID_PROPERTY, member="filter", reason="a short printable value is expected.")
    return Filter(field, name_key(value))


def plan(size: int, wanted: Filter | None) -> Seek:
    """The first page of a list; ``size`` 0 for everything in one page."""
    assert size >= 0, size
    return Seek(min(size, PAGE_SIZE_MAX), wanted, BEGINNING)


def resume(operation: SeekOperation, token: bytes | None, account_id: str, wall: datetime) -> Seek:
    """The page that ``operation`` means for the opened token; ``None`` is a token that we did not sign.

    The token alone decides size and filter: SDKs send neither with it. Tokens live by the wall clock.
    """
    if operation in {SeekOperation.LAST, SeekOperation.PAGE_INDEX}:
        raise Refusal(Code.NOT_SUPPORTED, reason=f"customers cannot be sought by {operation}.")
    continuation = _read(token)
    if continuation.account_id != account_id or continuation.expires_at <= wall:
        raise _bad_token()
    if operation is SeekOperation.FIRST:
        return Seek(continuation.size, continuation.filter, BEGINNING)
    if operation is SeekOperation.PREVIOUS:
        return Seek(continuation.size, continuation.filter, continuation.first, is_backward=True)
    return Seek(continuation.size, continuation.filter, continuation.last)


def continue_from(page: Page, account_id: str, wall: datetime) -> bytes:
    """What to sign as the token that leads on from a page, and back. The page must not be empty."""
    first, last = page.items[0], page.items[-1]
    continuation = Continuation(
        account_id=account_id,
        size=page.seek.size,
        filter=page.seek.filter,
        first=Position(first.name_key, first.id),
        last=Position(last.name_key, last.id),
        expires_at=wall + TOKEN_LIFE,
    )
    return msgspec.json.encode(continuation)


def arrange(seek: Seek, found: Sequence[CustomerSummary], *, has_others_behind: bool) -> Page:
    """A page from up to ``limit + 1`` customers found in the direction of the seek.

    ``has_others_behind``: there are customers on the side that the seek came from.
    """
    has_others_ahead = len(found) > seek.limit
    items = tuple(found[: seek.limit])
    if seek.is_backward:
        return Page(seek, items[::-1], has_previous=has_others_ahead, has_next=has_others_behind)
    return Page(seek, items, has_previous=has_others_behind, has_next=has_others_ahead)


def _read(token: bytes | None) -> Continuation:
    if token is None:
        raise _bad_token()
    try:
        return msgspec.json.decode(token, type=Continuation)
    except msgspec.DecodeError as error:
        raise _bad_token() from error


def _bad_token() -> Refusal:
    return Refusal(Code.INVALID_INPUT, reason="the continuation token is unknown or has expired.")
