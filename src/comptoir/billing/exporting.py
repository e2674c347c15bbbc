"""Exports of lines: what is asked for, how far it is, and when it is gone (``30`` section 1.9)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec import Struct

from comptoir.billing.reading import LineQuery, LineType, Period, Provider

EXPORT_LIFE = timedelta(hours=24)
"""How long an export can be fetched after it was made (choice C-16)."""

MEMORY = timedelta(days=30)
"""How long it is remembered that an export has expired."""

LEASE = timedelta(seconds=60)
"""How long an export is its worker's before another one may begin it again. Renewed while it is made."""

ROWS_PER_BLOB = 100_000
CHUNK = 5_000
"""How many lines are read at a time."""

NO_DATA = "5000"
"""The documented code of an export without a line."""

FAILED = "5001"
"""The code of an export that could not be made."""


OPEN_MAX = 10
"""How many exports of an account may wait to be made."""


class TooManyOpen(Exception):
    """The account has to wait until some of its exports are made."""


class ExportKind(StrEnum):
    USAGE = "usage"
    RECONCILIATION = "reconciliation"


class BillingState(StrEnum):
    BILLED = "billed"
    UNBILLED = "unbilled"


class AttributeSet(StrEnum):
    FULL = "full"
    BASIC = "basic"


class ExportPeriod(StrEnum):
    CURRENT = "current"
    LAST = "last"


class Status(StrEnum):
    """``EXPIRED`` is none on the wire: the call is refused then."""

    NOT_STARTED = "notStarted"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"

    @property
    def is_open(self) -> bool:
        return self in {Status.NOT_STARTED, Status.RUNNING}


class Blob(Struct, frozen=True, array_like=True):
    """A file of an export. ``etag`` is a digest of its bytes."""

    name: str
    size: int
    rows: int
    etag: str


class PostingRow(Struct, array_like=True, gc=False):
    """A posting as it is stored. ``at`` is in microseconds, ``amount`` in minor units."""

    id: str
    source_kind: str
    source_id: str
    at: int
    debit: str
    credit: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which lines an export is of: those of a document, or the unbilled ones of a currency and a period."""

    kind: ExportKind
    attribute_set: AttributeSet
    invoice_id: str = ""
    currency: str = ""
    period: Period | None = None

    def __post_init__(self) -> None:
        assert bool(self.invoice_id) != bool(self.currency), (self.invoice_id, self.currency)
        assert bool(self.currency) == (self.period is not None), self.period


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export and how far it is.

    ``as_of`` is the account's time when it was asked for, which says what the current period is; the other
    instants are of the wall clock. ``error`` is the code and ``message`` the reason of one that failed.
    """

    account_id: str
    id: str
    asked: Asked
    as_of: datetime
    status: Status
    created_at: datetime
    changed_at: datetime
    expires_at: datetime
    error: str = ""
    message: str = ""
    blobs: Sequence[Blob] = ()

    def is_over(self, wall: datetime) -> bool:
        """Whether there is nothing left to fetch. What is still to be made does not expire."""
        return self.status is Status.EXPIRED or (not self.status.is_open and self.expires_at <= wall)

    @property
    def etag(self) -> str:
        """Changes with the content of any of its files."""
        return ".".join([self.id[:8], *(blob.etag[:8] for blob in self.blobs[:4]), str(len(self.blobs))])


def begun(account_id: str, export_id: str, asked: Asked, *, now: datetime, wall: datetime) -> Export:
    """A new export, which waits to be made."""
    return Export(
        account_id=account_id,
        id=export_id,
        asked=asked,
        as_of=now,
        status=Status.NOT_STARTED,
        created_at=wall,
        changed_at=wall,
        expires_at=wall + EXPORT_LIFE,
    )


def ended(export: Export, blobs: Sequence[Blob], wall: datetime) -> Export:
    """An export whose files are made; one without a line has failed."""
    if not blobs:
        return failed(export, NO_DATA, "There is no data available for this request.", wall)
    return replace(
        export, status=Status.SUCCEEDED, blobs=tuple(blobs), changed_at=wall, expires_at=wall + EXPORT_LIFE
    )


def failed(export: Export, error: str, message: str, wall: datetime) -> Export:
    """An export of which nothing came."""
    return replace(
        export,
        status=Status.FAILED,
        error=error,
        message=message,
        changed_at=wall,
        expires_at=wall + EXPORT_LIFE,
    )


def query_of(asked: Asked) -> LineQuery:
    """The walk through the lines that an export is of."""
    is_usage = asked.kind is ExportKind.USAGE
    return LineQuery(
        invoice_id=asked.invoice_id,
        provider=Provider.MARKETPLACE if is_usage else Provider.ONETIME,
        line_type=LineType.USAGE if is_usage else LineType.BILLING,
        currency=asked.currency,
        period=asked.period,
        earned_credit=False,
        size=CHUNK,
    )


def blob_name(kind: ExportKind, number: int) -> str:
    """``reconciliation_00001.json.gz``, counted from 1."""
    return f"{kind}_{number:05}.json.gz"


class Token(Struct, frozen=True, array_like=True):
    """What the signature of a file's address holds. ``expires_at`` is in seconds of the wall clock."""

    account_id: str
    export_id: str
    expires_at: int


def token_of(export: Export) -> bytes:
    """What to sign, so that whoever knows the address may fetch the files for as long as they exist."""
    return msgspec.json.encode(Token(export.account_id, export.id, int(export.expires_at.timestamp())))


def holder_of(token: bytes | None, export_id: str, wall: datetime) -> str | None:
    """The account whose export a signature opens; ``None`` for one that does not open this export."""
    if token is None:
        return None
    try:
        found = msgspec.json.decode(token, type=Token)
    except msgspec.DecodeError:
        return None
    is_good = found.export_id == export_id.lower() and wall.timestamp() < found.expires_at
    return found.account_id if is_good else None


class Span(Struct, frozen=True):
    """A part of a file: ``size`` bytes from ``start`` on."""

    start: int
    size: int


def span_of(text: str, size: int) -> Span | None:
    """The part of a file that a ``Range`` header means; ``None`` where it asks for the whole.

    What cannot be understood, and several ranges at once, mean the whole, as HTTP has it. A range outside
    the file is one of no bytes.
    """
    unit, _, rest = text.strip().lower().partition("=")
    first, dash, last = rest.partition("-")
    if unit != "bytes" or not dash or not (first + last).isascii() or not (first + last).isdigit():
        return None
    if not first:
        length = min(int(last), size)
        return Span(size - length, length)
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None
    return Span(start, max(0, end - start))
