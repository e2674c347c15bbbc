"""The instants at which a bill month closes (``30-invoices-billing`` section 3.8).

A bill month is written as the number YYYYMM. Every instant is UTC and every period half-open.
"""

from datetime import UTC, datetime, timedelta

from comptoir.core.accounts import AccountSettings

MONTHS_PER_YEAR = 12
PAYMENT_TERM = timedelta(days=60)
"""How long after the invoice its amount is due."""


def month_of(instant: datetime) -> int:
    """The month that an instant lies in."""
    return instant.year * 100 + instant.month


def month_start(month: int) -> datetime:
    """00:00 UTC of the first day of a month."""
    year, number = divmod(month, 100)
    return datetime(year, number, 1, tzinfo=UTC)


def month_after(month: int) -> int:
    """The month that follows."""
    year, number = divmod(month, 100)
    return (year + 1) * 100 + 1 if number == MONTHS_PER_YEAR else month + 1


def month_before(month: int) -> int:
    """The month that goes before."""
    year, number = divmod(month, 100)
    return (year - 1) * 100 + MONTHS_PER_YEAR if number == 1 else month - 1


def month_end(month: int) -> datetime:
    """The first instant that does not belong to a month any more."""
    return month_start(month_after(month))


def usage_cutoff(month: int, settings: AccountSettings) -> datetime:
    """Until when usage of a month still belongs to that month."""
    return month_end(month) + timedelta(days=settings.usage_cutoff_day - 1)


def invoice_at(month: int, settings: AccountSettings) -> datetime:
    """When a month is invoiced."""
    return month_end(month) + timedelta(days=settings.invoice_day - 1)


def usage_bill_month(used_at: datetime, accepted_at: datetime, settings: AccountSettings) -> int:
    """The month that usage is billed with: its own, or the earliest whose cut-off was still ahead when it was
    accepted (choice C-39).
    """
    month = max(month_of(used_at), month_before(month_of(accepted_at)))
    return month if accepted_at < usage_cutoff(month, settings) else month_after(month)
