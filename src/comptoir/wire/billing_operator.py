"""The operator API of invoices: issue, pay, correct and explain them, and prove the books."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import UNSET, UnsetType

from comptoir.wire.operation import Audience, Mode, Operation, Query
from comptoir.wire.operator import ACCOUNTS
from comptoir.wire.types import Body, Reply

INVOICES = ACCOUNTS + "/{name}/invoices"


class BillTo(Reply, kw_only=True):
    """The company that a document is for, as it stood then."""

    name: str
    tenant_id: str
    mpn_id: str
    domain: str
    email: str
    line1: str
    city: str
    state: str
    postal_code: str
    country: str


class TaxTotalOnWire(Reply, kw_only=True):
    """All lines with one tax rate, which is a fraction."""

    rate: Decimal
    line_count: int
    subtotal: Decimal
    tax: Decimal


class PaymentOnWire(Reply, kw_only=True):
    """Money that came in."""

    id: str
    amount: Decimal
    currency: str
    paid_at: datetime
    reference: str
    recorded_at: datetime


class OperatorInvoice(Reply, kw_only=True):
    """A document. ``status`` is ``draft`` while its lines are being gathered; nobody else is shown it then.

    ``balance`` is what is still owed for it. ``amendments`` are the documents that correct it.
    """

    id: str
    month: str
    currency: str
    document_type: str
    state: str
    status: str
    amends_of: str | UnsetType = UNSET
    invoice_date: datetime
    due_date: datetime
    tax_mode: str
    subtotal: Decimal
    tax: Decimal
    total: Decimal
    paid: Decimal
    balance: Decimal
    line_count: int
    consumption_line_count: int
    tax_totals: Sequence[TaxTotalOnWire]
    bill_to: BillTo
    purchase_order: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    payments: Sequence[PaymentOnWire]
    amendments: "Sequence[OperatorInvoice]"


class OperatorInvoices(Reply, kw_only=True):
    """A page of documents by date. ``next_after`` is there if more follow: ask again with it as ``after``."""

    items: Sequence[OperatorInvoice]
    next_after: str | UnsetType = UNSET


class InvoicePreview(Reply, kw_only=True):
    """What would be issued for everything up to the end of a month, in one currency."""

    month: str
    currency: str
    line_count: int
    consumption_line_count: int
    subtotal: Decimal
    tax: Decimal
    total: Decimal
    tax_totals: Sequence[TaxTotalOnWire]


class InvoiceRun(Reply, kw_only=True):
    """What a run has issued or, without issuing it, would issue now.

    ``under_way`` are documents whose lines are still being gathered, because something keeps them from it.
    """

    is_dry_run: bool
    month: str
    issued: Sequence[OperatorInvoice]
    under_way: Sequence[str]
    previews: Sequence[InvoicePreview]


class InvoiceProgress(Reply, kw_only=True):
    """How far a document has come: the lines and days of usage that it has, and those still to come."""

    id: str
    month: str
    currency: str
    document_type: str
    phase: str
    lines_done: int
    lines_left: int
    consumption_lines_done: int
    consumption_lines_left: int


class InvoiceRunProgress(Reply, kw_only=True):
    """The documents under way, and when the next run is due by the account's clock."""

    under_way: Sequence[InvoiceProgress]
    next_run: datetime | UnsetType = UNSET


class ExplanationStep(Reply, kw_only=True):
    """One step towards a line's total. ``formula`` has the numbers; ``section`` is the contract's."""

    name: str
    text: str
    formula: str
    section: str


class LineExplanation(Reply, kw_only=True):
    """Why a line of a document says what it says. ``line`` is its number, from 1."""

    invoice: str
    line: int
    line_id: str
    customer: str
    product: str
    charge_type: str
    currency: str
    subtotal: Decimal
    tax: Decimal
    total: Decimal
    steps: Sequence[ExplanationStep]


class OffenderOnWire(Reply, kw_only=True):
    """The first thing that does not hold."""

    account: str
    kind: str
    id: str
    reason: str


class Verification(Reply, kw_only=True):
    """Whether the books hold, and how much was looked at; or the first offender."""

    holds: bool
    accounts: int
    journal_entries: int
    lines: int
    consumption_lines: int
    documents: int
    payments: int
    postings: int
    offender: OffenderOnWire | UnsetType = UNSET


class InvoiceRunBody(Body, kw_only=True):
    """Which month to issue, ``2025-06``, with all before it; without one, all that can be issued now.

    ``isDryRun`` shows what would be issued and saves nothing, also for a month that is not over.
    """

    month: str | None = None
    is_dry_run: bool | None = None


class PaymentBody(Body, kw_only=True):
    """``amount`` is in units of the document's currency; without ``paidAt`` it came in now."""

    amount: Decimal | None = None
    paid_at: datetime | None = None
    reference: str | None = None


class LineCorrectionBody(Body, kw_only=True):
    """A line by its number or id, and what is wrong with it. Seats are whole; usage is left out, or taxed."""

    line: str | int | None = None
    leave_out: bool | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    tax_rate: Decimal | None = None


class BillToBody(Body, kw_only=True):
    """What is wrong with the recipient; what is not given stays."""

    name: str | None = None
    email: str | None = None
    line1: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class RebillBody(Body, kw_only=True):
    """What to correct: single lines, the tax rate of all of them, the recipient, its reference."""

    reason: str | None = None
    lines: list[LineCorrectionBody] | None = None
    tax_rate: Decimal | None = None
    bill_to: BillToBody | None = None
    purchase_order: str | None = None


class LineCreditBody(Body, kw_only=True):
    """What to give back on each unit of a line, in its pricing currency."""

    line: str | int | None = None
    per_unit: Decimal | None = None


class CreditBody(Body, kw_only=True):
    """What to give back; ``reason`` is printed on each line."""

    reason: str | None = None
    lines: list[LineCreditBody] | None = None


_DOCUMENT = ("403/2032", "404/1000")

OPERATIONS = (
    Operation(
        id="operator.invoices_list",
        method="GET",
        path=INVOICES,
        summary="List the documents of an account by date, 500 at a time; drafts come last",
        reply=OperatorInvoices,
        audience=Audience.OPERATOR,
        query=(Query("after", "Id of the last document of the page before."),),
        errors=("404/1000",),
    ),
    Operation(
        id="operator.invoices_progress",
        method="GET",
        path=INVOICES + "/run",
        summary="Read how far the documents have come that are under way",
        reply=InvoiceRunProgress,
        mode=Mode.REPORT,
        audience=Audience.OPERATOR,
        errors=("404/1000",),
    ),
    Operation(
        id="operator.invoices_run",
        method="POST",
        path=INVOICES + "/run",
        summary="Issue the invoices of past months without waiting for the invoice day, or preview them",
        request=InvoiceRunBody,
        reply=InvoiceRun,
        mode=Mode.STEPS,
        audience=Audience.OPERATOR,
        errors=("400/3000", "404/1000", "409/800042", "409/800064"),
    ),
    Operation(
        id="operator.invoices_get",
        method="GET",
        path=INVOICES + "/{invoice_id}",
        summary="Read a document with its payments and amendments",
        reply=OperatorInvoice,
        audience=Audience.OPERATOR,
        errors=_DOCUMENT,
    ),
    Operation(
        id="operator.invoices_pay",
        method="POST",
        path=INVOICES + "/{invoice_id}/payments",
        summary="Record what came in for a document",
        request=PaymentBody,
        reply=OperatorInvoice,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/3000", *_DOCUMENT, "409/800042"),
    ),
    Operation(
        id="operator.invoices_rebill",
        method="POST",
        path=INVOICES + "/{invoice_id}/rebill",
        summary="Make a document void and bill its lines anew, corrected, on an adjustment note",
        request=RebillBody,
        reply=OperatorInvoice,
        mode=Mode.STEPS,
        audience=Audience.OPERATOR,
        errors=("400/3000", *_DOCUMENT, "409/800042", "409/800064"),
    ),
    Operation(
        id="operator.invoices_credit",
        method="POST",
        path=INVOICES + "/{invoice_id}/credits",
        summary="Give back something on lines of a document with an adjustment note that leaves it in force",
        request=CreditBody,
        reply=OperatorInvoice,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/3000", *_DOCUMENT, "409/800042", "409/800064"),
    ),
    Operation(
        id="operator.invoices_explain",
        method="GET",
        path="/operator/v1/invoices/{invoice_id}/lines/{line}/explanation",
        summary="Explain a line, by its number or id: event, rule, and every formula with its numbers",
        reply=LineExplanation,
        mode=Mode.REPORT,
        audience=Audience.OPERATOR,
        errors=("404/1000",),
    ),
    Operation(
        id="operator.verify",
        method="GET",
        path="/operator/v1/verification",
        summary="Prove the books: journal, lines, documents, usage, payments and postings",
        reply=Verification,
        mode=Mode.REPORT,
        audience=Audience.OPERATOR,
        query=(Query("account", "Name of the only account to look at."),),
        errors=("404/1000",),
    ),
)
