"""Instants are aware UTC datetimes in code and whole microseconds since 1970 in storage."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""How the wire prints a date that does not come (``00-cross-cutting`` section 5.3)."""

_MICROSECOND = timedelta(microseconds=1)


def to_micros(instant: datetime) -> int:
    """Whole microseconds since 1970-01-01T00:00:00Z, exact."""
    return (instant - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The inverse of ``to_micros``."""
    return EPOCH + timedelta(microseconds=micros)


def optional_micros(instant: datetime | None) -> int | None:
    """``to_micros`` for a column that may be null."""
    return None if instant is None else to_micros(instant)


def optional_instant(micros: int | None) -> datetime | None:
    """``from_micros`` for a column that may be null."""
    return None if micros is None else from_micros(micros)
