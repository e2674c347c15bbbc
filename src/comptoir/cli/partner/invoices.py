"""``comptoir invoices``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from comptoir.cli.common import fail
from comptoir.cli.partner.output import Columns, Json, moment, print_list, print_one
from comptoir.cli.partner.target import HERE, Target, client

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from msgspec import UnsetType

    from comptoir.client.models import (
        DailyRatedUsageLineItem,
        Invoice,
        InvoiceSummary,
        OneTimeInvoiceLineItem,
    )

app = App(name="invoices", help="What purchases cost: invoices, their lines, and what is not billed yet.")

Usage = Annotated[bool, Parameter(negative="", help="Print what was used each day, not what is charged.")]
Currency = Annotated[str | None, Parameter(help="ISO 4217 code. Left out: the account's own currency.")]


def _day(instant: "datetime | UnsetType") -> str | None:
    """The day of an instant, as far as there is one: .NET's date for none lies in year 1."""
    text = moment(instant)
    return None if text is None or text.startswith("0001") else text[:10]


INVOICE: "Columns[Invoice]" = {
    "Invoice": lambda invoice: invoice.id,
    "Date": lambda invoice: _day(invoice.invoice_date),
    "From": lambda invoice: _day(invoice.billing_period_start_date),
    "To": lambda invoice: _day(invoice.billing_period_end_date),
    "Total": lambda invoice: invoice.total_charges,
    "Paid": lambda invoice: abs(invoice.paid_amount),
    "Currency": lambda invoice: invoice.currency_code,
    "Document": lambda invoice: invoice.document_type,
    "State": lambda invoice: invoice.state,
}
WHOLE: "Columns[Invoice]" = {
    **INVOICE,
    "Amends": lambda invoice: invoice.amends_of,
    "Amended by": lambda invoice: [each.id for each in invoice.amendments or ()],
    "Lines": lambda invoice: [each.invoice_line_item_type for each in invoice.invoice_details],
}
BALANCE: "Columns[InvoiceSummary]" = {
    "Currency": lambda balance: balance.currency_code,
    "Balance": lambda balance: balance.balance_amount,
    "Last invoice": lambda balance: _day(balance.latest_invoice_date),
    "Last payment": lambda balance: _day(balance.last_payment_date),
    "Of": lambda balance: balance.last_payment_amount or None,
}
CHARGE: "Columns[OneTimeInvoiceLineItem]" = {
    "Date": lambda line: moment(line.order_date),
    "Customer": lambda line: line.customer_name,
    "Product": lambda line: f"{line.product_name}, {line.sku_name}",
    "Charge": lambda line: line.charge_type,
    "From": lambda line: _day(line.charge_start_date),
    "To": lambda line: _day(line.charge_end_date),
    "Quantity": lambda line: line.billable_quantity,
    "Unit price": lambda line: line.effective_unit_price,
    "Subtotal": lambda line: line.subtotal,
    "Tax": lambda line: line.tax_total,
    "Currency": lambda line: line.currency,
}
DAY: "Columns[DailyRatedUsageLineItem]" = {
    "Date": lambda line: _day(line.usage_date),
    "Customer": lambda line: line.customer_name,
    "Meter": lambda line: line.meter_name,
    "Quantity": lambda line: line.quantity,
    "Unit": lambda line: line.unit_of_measure,
    "Unit price": lambda line: line.effective_unit_price,
    "Amount": lambda line: line.billing_pre_tax_total,
    "Currency": lambda line: line.billing_currency,
}


@app.command(name="list")
def list_(*, json: Json = False, target: Target = HERE) -> None:
    """List the invoices by date."""
    with client(target) as service:
        print_list(service.invoices.list(), INVOICE, json=json)


@app.command
def show(invoice: str, *, json: Json = False, target: Target = HERE) -> None:
    """Show an invoice. Needs a user.

    Parameters
    ----------
    invoice
        Number of the document.
    """
    with client(target) as service:
        print_one(service.invoices.get(invoice), WHOLE, json=json)


@app.command
def lines(invoice: str, *, usage: Usage = False, json: Json = False, target: Target = HERE) -> None:
    """List the lines of an invoice.

    Parameters
    ----------
    invoice
        Number of the document.
    """
    with client(target) as service:
        _print_lines(
            service.invoices.lines(invoice, invoice_line_item_type=_kind(usage)), usage=usage, json=json
        )


@app.command
def unbilled(
    *,
    currency: Currency = None,
    period: Literal["current", "previous"] = "current",
    usage: Usage = False,
    json: Json = False,
    target: Target = HERE,
) -> None:
    """List what is not billed yet.

    Parameters
    ----------
    period
        The calendar month, or all before it.
    """
    with client(target) as service:
        code = currency or service.invoices.summary().currency_code
        found = service.invoices.unbilled(code, invoice_line_item_type=_kind(usage), period=period)
        _print_lines(found, usage=usage, json=json)


@app.command
def balance(
    *,
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    json: Json = False,
    target: Target = HERE,
) -> None:
    """Show what is owed.

    Parameters
    ----------
    every
        In every currency that ever had an invoice. Needs a user.
    """
    with client(target) as service:
        if every:
            print_list(service.invoices.summaries(), BALANCE, json=json)
        else:
            print_one(service.invoices.summary(), BALANCE, json=json)


@app.command
def pdf(invoice: str, *, output: Path | None = None, target: Target = HERE) -> None:
    """Save an invoice as PDF. Needs a user.

    Parameters
    ----------
    invoice
        Number of the document.
    output
        The file. Left out: Invoice_NUMBER.pdf in the current folder.
    """
    with client(target) as service:
        printed = service.invoices.statement(invoice)
    file = output or Path(f"Invoice_{invoice}.pdf")
    try:
        file.write_bytes(printed)
    except OSError as error:
        fail(f"cannot write {file}: {error}")
    print(file)


def _kind(usage: bool) -> str:
    return "usagelineitems" if usage else "billinglineitems"


def _print_lines(
    found: "Iterable[OneTimeInvoiceLineItem | DailyRatedUsageLineItem]", *, usage: bool, json: bool
) -> None:
    columns: Columns[Any] = DAY if usage else CHARGE
    print_list(found, columns, json=json)
