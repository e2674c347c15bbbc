"""Charge cycles (``30-invoices-billing`` section 3.3).

A cycle begins on the anchored day of a month: ``anchor + k * months``, the day clamped to the month's length
and always computed from the original anchor, also across renewals, so that nothing drifts (C-29). A term
begins at one of these days, and its cycles are counted from there.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from comptoir.billing.model import ONE_DAY
from comptoir.catalog.model import CYCLE_MONTHS, BillingCycle
from comptoir.core.terms import MONTHS_PER_YEAR, Duration, add_months

SPANS_REMEMBERED = 4_096
"""What was bought on one day has the same cycles."""


@dataclass(frozen=True, slots=True)
class Span:
    """The days that one charge covers, out of a whole cycle of ``cycle_days``. ``end_at`` is exclusive."""

    start_at: datetime
    end_at: datetime
    cycle_days: int

    @property
    def days(self) -> int:
        """How many days are charged."""
        return days_between(self.start_at, self.end_at)


def cycle_months(cycle: BillingCycle, term: Duration) -> int:
    """Months that one payment covers, at most the term."""
    return min(CYCLE_MONTHS.get(cycle, term.months), term.months)


def days_between(start_at: datetime, end_at: datetime) -> int:
    """Whole days from one midnight to another."""
    return (end_at - start_at) // ONE_DAY


@lru_cache(maxsize=SPANS_REMEMBERED)
def span_from(
    anchor: datetime, term_start_day: datetime, term_end_at: datetime, months: int, start_at: datetime
) -> Span:
    """The cycle of so many months that ``start_at`` lies in, from there to its end or the term's.

    All are midnights. It is shorter than a whole one where ``start_at`` is not its beginning: after a change
    from monthly to yearly payment, for example.
    """
    before_term = _anchored_months(anchor, term_start_day)
    in_term = _anchored_months(anchor, start_at) - before_term
    first = before_term + in_term // months * months
    whole_start, whole_end = add_months(anchor, first), add_months(anchor, first + months)
    assert whole_start <= start_at < whole_end, (anchor, term_start_day, months, start_at)
    return Span(start_at, min(whole_end, term_end_at), days_between(whole_start, whole_end))


def _anchored_months(anchor: datetime, day: datetime) -> int:
    """How many months after the anchor the last anchored day was, up to ``day``."""
    months = (day.year - anchor.year) * MONTHS_PER_YEAR + day.month - anchor.month
    return months if add_months(anchor, months) <= day else months - 1
