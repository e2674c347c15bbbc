"""Documents that bill lines: invoices, void notes, adjustment notes, and the payments they receive.

Money is whole minor units of the document's currency. Source: ``30-invoices-billing`` sections 2.1, 2.3 and
3.8 to 3.12.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from comptoir.billing import calendar
from comptoir.core.accounts import TaxMode


class DocumentType(StrEnum):
    """What a document is, in wire spelling. An invoice that is billed anew becomes a void note."""

    INVOICE = "invoice"
    VOID_NOTE = "void_note"
    ADJUSTMENT_NOTE = "adjustment_note"


class DocumentState(StrEnum):
    """Whether a document counts: a void one has left every balance."""

    ACTIVE = "active"
    VOID = "void"


class DocumentStatus(StrEnum):
    """Whether a document is issued. While its lines are being gathered it is a draft, which nobody is shown:
    the lines of a draft are still unbilled.
    """

    DRAFT = "draft"
    ISSUED = "issued"


@dataclass(frozen=True, slots=True)
class Party:
    """A company as it stood on the day of the document."""

    name: str
    tenant_id: str = ""
    mpn_id: str = ""
    domain: str = ""
    email: str = ""
    line1: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """All lines of a document with one tax rate (a fraction)."""

    rate: Decimal
    line_count: int
    subtotal: int
    tax: int


@dataclass(frozen=True, slots=True, order=True)
class Conversion:
    """An exchange rate that lines of a document were converted with.

    ``rate_at`` is the first day of the month that the charges are dated in, ``month`` the one whose rate was
    known (0: none was needed).
    """

    pricing_currency: str
    rate_at: datetime
    rate: Decimal
    month: int


@dataclass(frozen=True, slots=True)
class Content:
    """What a document says besides its totals, as it was when it was issued.

    ``reason`` is why an amendment was made; ``purchase_order`` is the partner's own reference.
    """

    bill_to: Party
    payment_days: int = calendar.PAYMENT_TERM.days
    tax_totals: tuple[TaxTotal, ...] = ()
    conversions: tuple[Conversion, ...] = ()
    reason: str = ""
    purchase_order: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Lines of one tax rate counted so far. ``tax`` sums what was reckoned line by line."""

    line_count: int = 0
    subtotal: int = 0
    tax: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.line_count + other.line_count, self.subtotal + other.subtotal, self.tax + other.tax)


@dataclass(frozen=True, slots=True)
class Key:
    """The place of a line in its document: a document is read, and written, in this order."""

    order_date: int = 0
    subscription_id: str = ""
    reference_id: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class DayKey:
    """The place of a day of usage in its document."""

    bill_month: int = 0
    usage_on: int = 0
    subscription_id: str = ""
    dimension_id: str = ""
    id: str = ""


class Phase(StrEnum):
    """What is done next for a draft; each phase in bounded steps."""

    USAGE = "usage"
    LINES = "lines"
    COPIES = "copies"
    COPIED_USAGE = "copied_usage"
    ISSUE = "issue"


@dataclass(frozen=True, slots=True)
class Correction:
    """How one line of a document is billed anew. ``None``: as it was."""

    leave_out: bool = False
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    tax_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a draft has come: kept with it, in the transaction of every step.

    ``usage_month`` with ``subscription_id``, ``key`` and ``day_key`` are where the next step begins.
    ``tallies`` is by tax rate (its text). ``replaces_id`` is the document that a draft bills anew, with
    ``corrections`` by line id and ``tax_rate`` for all lines; ``earned`` sums the lines of that document by
    publisher.
    """

    phase: Phase
    usage_month: int = 0
    subscription_id: str = ""
    key: Key = field(default_factory=Key)
    day_key: DayKey = field(default_factory=DayKey)
    consumption_count: int = 0
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    conversions: tuple[Conversion, ...] = ()
    replaces_id: str = ""
    corrections: Mapping[str, Correction] = field(default_factory=dict)
    tax_rate: Decimal | None = None
    earned: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Invoice:
    """A document. ``month`` is YYYYMM; ``amends_id`` the invoice that an amendment belongs to.

    ``line_sequence`` is that of the account's last line when it was issued. ``progress`` is there while it is
    a draft.
    """

    account_id: str
    id: str
    month: int
    currency: str
    document_type: DocumentType
    state: DocumentState
    status: DocumentStatus
    amends_id: str | None
    issued_at: datetime
    line_sequence: int
    tax_mode: TaxMode
    subtotal: int
    tax: int
    total: int
    line_count: int
    consumption_count: int
    content: Content
    progress: Progress | None = None

    @property
    def counts(self) -> bool:
        """Whether it is part of what the partner owes."""
        return self.status is DocumentStatus.ISSUED and self.state is DocumentState.ACTIVE

    @property
    def period_start(self) -> datetime:
        """00:00 UTC of the month's first day."""
        return calendar.month_start(self.month)

    @property
    def period_end(self) -> datetime:
        """The first instant after the month."""
        return calendar.month_end(self.month)

    @property
    def due_at(self) -> datetime:
        """When it is to be paid."""
        return self.issued_at + calendar.PAYMENT_TERM


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came in for a document; ``amount`` is positive. Times are the account's."""

    id: str
    invoice_id: str
    amount: int
    currency: str
    paid_at: datetime
    reference: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class BilledDocument:
    """A document with what was paid for it and, on the one that others amend, with those."""

    invoice: Invoice
    paid: int
    amendments: "tuple[BilledDocument, ...]" = ()

    @property
    def balance(self) -> int:
        """What is still owed for it: negative if too much was paid."""
        return self.invoice.total - self.paid if self.invoice.counts else 0


@dataclass(frozen=True, slots=True)
class Balance:
    """What a partner owes in one currency (section 2.3). ``accounting_at`` is when it last changed."""

    currency: str
    amount: int
    accounting_at: datetime
    first_invoice_at: datetime
    latest_invoice_at: datetime
    last_payment_at: datetime | None
    last_payment_amount: int


@dataclass(frozen=True, slots=True)
class MonthPreview:
    """What would be issued for a month in one currency, from the same decisions, without issuing it."""

    month: int
    currency: str
    line_count: int
    consumption_count: int
    subtotal: int
    tax: int
    total: int
    tax_totals: tuple[TaxTotal, ...]
