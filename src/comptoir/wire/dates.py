"""Every way in which clients write a date (``00-cross-cutting`` section 5.3)."""

import calendar
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
_ISO = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d{1,3})"
    rf"(?:[Tt ]{_TIME}(?:[Zz]|(?P<sign>[+-])(?P<offset_hours>\d\d):?(?P<offset_minutes>\d\d))?)?",
    re.ASCII,
)
_AMERICAN = re.compile(
    rf"(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/(?P<year>\d{{4}})(?: {_TIME}(?: (?P<half>[AaPp])[Mm])?)?",
    re.ASCII,
)
_LENGTH_MAX = 64

_Parts = Mapping[str, str | None]


class NotADate(ValueError):
    """A text that is a date in none of the accepted spellings."""

    def __init__(self) -> None:
        super().__init__("a date such as 2026-03-02T08:15:00Z is expected")


def parse_date(text: str) -> datetime | None:
    """The instant in UTC, cut to whole microseconds; ``None`` for year 1, .NET's way to supply none.

    A date without a zone is UTC, without a time midnight. Raises ``NotADate``.
    """
    stripped = text.strip()
    found = None
    if len(stripped) <= _LENGTH_MAX:
        found = _ISO.fullmatch(stripped) or _AMERICAN.fullmatch(stripped)
    if found is None:
        raise NotADate
    parts: _Parts = found.groupdict()
    if parts["year"] == "0001":
        return None
    try:
        return (_midnight(parts) + _since_midnight(parts)).replace(tzinfo=_zone(parts)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NotADate from error


def _midnight(parts: _Parts) -> datetime:
    """The day. Java's audit query prints the day of the year: 1 March arrives as ``2026-03-60``.

    A day past the end of its month is read so if that day of the year does lie in the month; any other
    is a slip of the pen.
    """
    year, month, day = (int(parts[name] or 0) for name in ("year", "month", "day"))
    if not 1 <= month <= 12 or day <= calendar.monthrange(year, month)[1]:
        return datetime(year, month, day)  # noqa: DTZ001 - the zone is added with the time of day
    by_day_of_year = datetime(year, 1, 1) + timedelta(days=day - 1)  # noqa: DTZ001 - as above
    if (by_day_of_year.year, by_day_of_year.month) != (year, month):
        raise NotADate
    return by_day_of_year


def _since_midnight(parts: _Parts) -> timedelta:
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    half = parts.get("half")
    if half is not None:
        if not 1 <= hour <= 12:
            raise NotADate
        hour = hour % 12 + (12 if half in "Pp" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise NotADate
    microsecond = int((parts["fraction"] or "0")[:6].ljust(6, "0"))
    return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=microsecond)


def _zone(parts: _Parts) -> timezone:
    sign = parts.get("sign")
    if sign is None:
        return UTC
    offset = timedelta(hours=int(parts["offset_hours"] or 0), minutes=int(parts["offset_minutes"] or 0))
    return timezone(-offset if sign == "-" else offset)
