"""The dates of a subscription.

A term runs from the activation instant to 00:00 UTC of the anchored day (contract README, decision 24): the
UTC date of the activation, moved by the term. That midnight is stored, exclusive, because there the term is
over and the next one begins, and because the days that are billed then fit the terms without remainder. The
wire speaks of the last day instead, at the activation's time of day: ``effectiveStartDate`` + term - 1 day
(``20-subscriptions-customers`` section 1). The last day is the same in both; the time of day on the wire
carries no meaning. A trial that is ended early starts the count again (``30-invoices-billing`` section 3.6).
"""

from datetime import datetime, timedelta

from comptoir.catalog.model import CYCLE_MONTHS, BillingCycle
from comptoir.core.terms import MONTHS_PER_YEAR, Duration, add_months

ONE_DAY = timedelta(days=1)


def anchor_day(anchored_at: datetime) -> datetime:
    """00:00 UTC of the day from which every period is counted."""
    return anchored_at.replace(hour=0, minute=0, second=0, microsecond=0)


def term_end(anchored_at: datetime, term: Duration) -> datetime:
    """The exclusive end of the first term, its day clamped: a month from 31 January ends on 28 February."""
    return term.after(anchor_day(anchored_at))


def following_term_end(anchored_at: datetime, term_end_at: datetime, term: Duration) -> datetime:
    """The exclusive end of the term that follows one ending at ``term_end_at``.

    Months are counted from the original anchor, so that 28 February is followed by 31 March
    (``30-invoices-billing`` choice C-29).
    """
    if term.days:
        return term.after(term_end_at)
    return add_months(anchor_day(anchored_at), months_between(anchored_at, term_end_at) + term.months)


def months_between(anchored_at: datetime, instant: datetime) -> int:
    """How many months lie between the months of two instants: clamped days never leave their month."""
    return (instant.year - anchored_at.year) * MONTHS_PER_YEAR + instant.month - anchored_at.month


def last_day(end_at: datetime, anchored_at: datetime) -> datetime:
    """The inclusive end that the wire shows for an exclusive one, at the time of day of the start."""
    return datetime.combine(end_at - ONE_DAY, anchored_at.timetz())


def window_days(opened_at: datetime, until: datetime) -> int:
    """How many days a refund window has, a day that is begun counted whole."""
    return -((opened_at - until) // ONE_DAY)


def billing_cycle_end(
    anchored_at: datetime,
    term_start_at: datetime,
    term_end_at: datetime,
    cycle: BillingCycle,
    now: datetime,
) -> datetime:
    """The exclusive end of the billing cycle that holds ``now``, at most the term's end.

    A cycle without months of its own is the whole term. The others start on the anchored day, so many months
    after the one in which the term started (``30-invoices-billing`` section 3.3).
    """
    if cycle not in CYCLE_MONTHS:
        return term_end_at
    months = CYCLE_MONTHS[cycle]
    before_term = months_between(anchored_at, term_start_at)
    count = (months_between(anchored_at, now) - before_term) // months
    start = add_months(anchor_day(anchored_at), before_term + months * count)
    ended = count if start > now else count + 1
    return min(add_months(anchor_day(anchored_at), before_term + months * ended), term_end_at)
