"""ISO 8601 durations of the catalogue and periods anchored to a start date.

Period k of an agreement is ``anchor + k * months``, with the day clamped to the month's length and always
computed from the original anchor, so that nothing drifts (``30-invoices-billing`` section 3.3).
"""

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

MONTHS_PER_YEAR = 12

_DURATION = re.compile(r"P(\d{1,3})([DMY])", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A term or a window such as P1M, P1Y, P3Y or P14D: whole months or whole days, never both."""

    months: int = 0
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Read P<n>D, P<n>M or P<n>Y in any case. Raises ``ValueError`` for anything else or for zero."""
        match = _DURATION.fullmatch(text)
        if match is None or int(match[1]) == 0:
            raise ValueError(f"not a duration of whole days, months or years: {text!r}")
        count, unit = int(match[1]), match[2].upper()
        if unit == "D":
            return cls(days=count)
        return cls(months=count * 12 if unit == "Y" else count)

    def __str__(self) -> str:
        if self.days:
            return f"P{self.days}D"
        return f"P{self.months // 12}Y" if self.months % 12 == 0 else f"P{self.months}M"

    def after(self, start: datetime, count: int = 1) -> datetime:
        """The instant ``count`` durations after ``start``, at the same time of day."""
        return add_months(start, self.months * count) + timedelta(days=self.days * count)


def add_months(start: datetime, months: int) -> datetime:
    """``months`` calendar months later, same time of day, the day clamped to the month's length."""
    year, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month0 + 1)[1])
    return start.replace(year=year, month=month0 + 1, day=day)
