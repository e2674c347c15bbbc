# Made from ../_async by tools/generate.py; do not edit.
"""Calls about what purchases cost."""

from comptoir.client._sync.connection import Connection
from comptoir.client._sync.pages import Pages
from comptoir.wire.filters import Filter
from comptoir.wire.invoices import (
    DailyRatedUsageLineItem,
    EstimateLinks,
    Invoice,
    InvoiceSummary,
    OneTimeInvoiceLineItem,
)
from comptoir.wire.types import Collection

EVERY_PROVIDER = "all"
BILLING_LINES = "billinglineitems"
USAGE_LINES = "usagelineitems"


class Invoices:
    """Invoices, balances, and the lines behind them, billed or not."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(
        self,
        *,
        size: int | None = None,
        offset: int | None = None,
        filter: Filter | None = None,  # noqa: A002 - the service's own name for it
    ) -> Pages[Invoice]:
        """Invoices by date, ``size`` on a page after the first ``offset``."""
        return self._connection.pages(
            "invoices.list", Collection[Invoice], size=size, offset=offset, filter=filter
        )

    def get(self, invoice_id: str) -> Invoice:
        """An invoice, also one that amends another. Needs a signed-in user."""
        return self._connection.call("invoices.get", Invoice, invoice_id=invoice_id)

    def statement(self, invoice_id: str) -> bytes:
        """An invoice as PDF. Needs a signed-in user."""
        return self._connection.call("invoices.statement", bytes, invoice_id=invoice_id)

    def receipt(self, invoice_id: str, receipt_id: str) -> bytes:
        """A tax receipt as PDF, where a jurisdiction has such. Needs a signed-in user."""
        return self._connection.call("invoices.receipt", bytes, invoice_id=invoice_id, receipt_id=receipt_id)

    def summary(self) -> InvoiceSummary:
        """The balance in the partner's billing currency."""
        return self._connection.call("invoices.summary", InvoiceSummary)

    def summaries(self) -> Pages[InvoiceSummary]:
        """The balances in every currency that ever had an invoice. Needs a signed-in user."""
        return self._connection.pages("invoices.summaries", Collection[InvoiceSummary])

    def estimate_links(self, currency_code: str) -> EstimateLinks:
        """The addresses of everything that is not billed yet."""
        return self._connection.call("invoices.estimate_links", EstimateLinks, currency_code=currency_code)

    def lines(
        self,
        invoice_id: str,
        *,
        invoice_line_item_type: str = BILLING_LINES,
        provider: str = EVERY_PROVIDER,
        currency_code: str | None = None,
        period: str | None = None,
        size: int | None = None,
        has_partner_earned_credit: bool | None = None,
        seek_operation: str | None = None,
        continuation_token: str | None = None,
    ) -> Pages[OneTimeInvoiceLineItem | DailyRatedUsageLineItem]:
        """The lines of an invoice: what was charged or, with ``usagelineitems``, what was used each day."""
        return self._connection.pages(
            "invoices.lines",
            Collection[OneTimeInvoiceLineItem | DailyRatedUsageLineItem],
            invoice_id=invoice_id,
            invoice_line_item_type=invoice_line_item_type,
            provider=provider,
            currency_code=currency_code,
            period=period,
            size=size,
            has_partner_earned_credit=has_partner_earned_credit,
            seek_operation=seek_operation or ("Next" if continuation_token else None),
            continuation_token=continuation_token,
        )

    def unbilled(
        self,
        currency_code: str,
        *,
        invoice_line_item_type: str = BILLING_LINES,
        provider: str = EVERY_PROVIDER,
        period: str | None = None,
        size: int | None = None,
        has_partner_earned_credit: bool | None = None,
        seek_operation: str | None = None,
        continuation_token: str | None = None,
    ) -> Pages[OneTimeInvoiceLineItem | DailyRatedUsageLineItem]:
        """Lines that are not billed yet: of the ``current`` calendar month, or of the ``previous`` ones.

        What is charged; with ``usagelineitems``, what was used each day. All pages show the books as they
        were when the first one was asked for.
        """
        return self._connection.pages(
            "invoices.unbilled",
            Collection[OneTimeInvoiceLineItem | DailyRatedUsageLineItem],
            currency_code=currency_code,
            invoice_line_item_type=invoice_line_item_type,
            provider=provider,
            period=period,
            size=size,
            has_partner_earned_credit=has_partner_earned_credit,
            seek_operation=seek_operation or ("Next" if continuation_token else None),
            continuation_token=continuation_token,
        )
