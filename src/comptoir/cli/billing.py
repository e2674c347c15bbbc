"""``comptoir billing``."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import App, Parameter

from comptoir.cli.common import fail, instant, print_table, run, settings_of

if TYPE_CHECKING:
    from comptoir.wire.billing_operator import InvoiceRun, InvoiceRunProgress, OperatorInvoice

app = App(name="billing", help="The invoices of an account: issue, preview, take payments, correct.")

_JSON = msgspec.json.Encoder(decimal_format="number")

Repeated = Annotated[list[str], Parameter(negative="")]


@app.command(name="list")
def list_(
    account: str, *, json: bool = False, database: str | None = None, config: Path | None = None
) -> None:
    """List the documents of an account, amendments below what they amend.

    Parameters
    ----------
    account
        Name of the account.
    json
        Print one JSON list.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import list_invoices

    found = run(list_invoices(settings_of(config, database=database), account))
    if json:
        print(_JSON.encode(found).decode())
        return
    _print_documents([each for document in found for each in (document, *document.amendments)])


@app.command
def show(
    account: str,
    invoice: str,
    *,
    json: bool = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Print a document with its totals by tax rate, its payments and amendments.

    Parameters
    ----------
    account
        Name of the account.
    invoice
        Number of the document.
    json
        Print one JSON object.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import get_invoice

    _print_one(run(get_invoice(settings_of(config, database=database), account, invoice)), json=json)


@app.command(name="run")
def run_(
    account: str,
    *,
    month: str | None = None,
    dry_run: bool = False,
    json: bool = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Issue the invoices of past months without waiting for the invoice day, or preview them.

    Parameters
    ----------
    account
        Name of the account.
    month
        The last month to issue, such as 2025-06; without it, all that can be issued now.
    dry_run
        Show what would be issued, and save nothing.
    json
        Print one JSON object.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import run_invoices

    body: dict[str, Any] = {"isDryRun": dry_run} | ({} if month is None else {"month": month})
    with _progress(json=json) as show_progress:
        result = run(run_invoices(settings_of(config, database=database), account, body, show_progress))
    if json:
        print(_JSON.encode(result).decode())
    else:
        _print_run(result)


@app.command
def pay(
    account: str,
    invoice: str,
    amount: str,
    *,
    on: str | None = None,
    reference: str = "",
    json: bool = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Record what came in for a document.

    Parameters
    ----------
    account
        Name of the account.
    invoice
        Number of the document.
    amount
        In units of the document's currency.
    on
        Instant at which it came in; without it, now.
    reference
        What the payer wrote.
    json
        Print one JSON object.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    body: dict[str, Any] = {"amount": _number(amount, "AMOUNT"), "reference": reference}
    if on is not None:
        body["paidAt"] = instant(on, "--on").isoformat()
    _change(settings=(config, database), which=(account, invoice), action="payments", body=body, json=json)


@app.command
def credit(
    account: str,
    invoice: str,
    *,
    reason: str,
    lines: Annotated[list[str], Parameter(name="--line", negative="")],
    json: bool = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Give back something on lines of a document, which stays in force.

    Parameters
    ----------
    account
        Name of the account.
    invoice
        Number of the document.
    reason
        Printed on each line of the credit note.
    lines
        LINE=PER_UNIT, as often as wanted: what to give back on each unit of the line, before tax.
    json
        Print one JSON object.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    credited = [{"line": line, "perUnit": value} for line, value in _assigned(lines, "--line")]
    body = {"reason": reason, "lines": credited}
    _change(settings=(config, database), which=(account, invoice), action="credits", body=body, json=json)


@app.command
def rebill(
    account: str,
    invoice: str,
    *,
    reason: str,
    leave_out: Repeated = [],  # noqa: B006 - never changed
    quantities: Annotated[list[str], Parameter(name="--quantity", negative="")] = [],  # noqa: B006
    prices: Annotated[list[str], Parameter(name="--price", negative="")] = [],  # noqa: B006
    tax_rate: str | None = None,
    purchase_order: str | None = None,
    json: bool = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Make a document void and bill its lines anew, corrected, on an adjustment note.

    Parameters
    ----------
    account
        Name of the account.
    invoice
        Number of the document.
    reason
        Printed on the note.
    leave_out
        Line that is not billed any more, as often as wanted.
    quantities
        LINE=SEATS, as often as wanted.
    prices
        LINE=PRICE of one seat and cycle, as often as wanted.
    tax_rate
        Fraction that every line is taxed with.
    purchase_order
        The partner's own reference.
    json
        Print one JSON object.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    lines: dict[str, dict[str, Any]] = {line: {"line": line, "leaveOut": True} for line in leave_out}
    for member, flag, assignments in (
        ("quantity", "--quantity", quantities),
        ("unitPrice", "--price", prices),
    ):
        for line, value in _assigned(assignments, flag):
            lines.setdefault(line, {"line": line})[member] = value
    body: dict[str, Any] = {"reason": reason, "lines": [*lines.values()]}
    if tax_rate is not None:
        body["taxRate"] = _number(tax_rate, "--tax-rate")
    if purchase_order is not None:
        body["purchaseOrder"] = purchase_order
    _change(settings=(config, database), which=(account, invoice), action="rebill", body=body, json=json)


def _change(
    *,
    settings: tuple[Path | None, str | None],
    which: tuple[str, str],
    action: str,
    body: dict[str, Any],
    json: bool,
) -> None:
    from comptoir.bootstrap.commands import change_invoice

    config, database = settings
    document = run(change_invoice(settings_of(config, database=database), *which, action, body))
    _print_one(document, json=json)


def _assigned(assignments: list[str], flag: str) -> Iterator[tuple[str, Decimal]]:
    for text in assignments:
        line, separator, value = text.partition("=")
        if not separator:
            fail(f"{flag} takes LINE=VALUE, not {text!r}")
        yield line, _number(value, flag)


def _number(text: str, name: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        fail(f"{name} takes a number, not {text!r}")
    return number if number.is_finite() else fail(f"{name} takes a number, not {text!r}")


def _print_one(document: "OperatorInvoice", *, json: bool) -> None:
    if json:
        print(_JSON.encode(document).decode())
        return
    _print_documents([document, *document.amendments])
    print()
    print_table(
        ("Tax rate", "Lines", f"Subtotal {document.currency}", "Tax"),
        [
            (str(each.rate), str(each.line_count), str(each.subtotal), str(each.tax))
            for each in document.tax_totals
        ],
    )
    if document.payments:
        print()
        print_table(
            ("Paid at", f"Amount {document.currency}", "Reference"),
            [(f"{each.paid_at:%Y-%m-%d}", str(each.amount), each.reference) for each in document.payments],
        )


def _print_documents(documents: "list[OperatorInvoice]") -> None:
    print_table(
        ("Number", "Month", "Type", "State", "Date", "Due", "Currency", "Total", "Balance", "Amends"),
        [
            (
                each.id,
                each.month,
                each.document_type,
                each.state if each.status == "issued" else each.status,
                f"{each.invoice_date:%Y-%m-%d}",
                f"{each.due_date:%Y-%m-%d}",
                each.currency,
                str(each.total),
                str(each.balance),
                each.amends_of or "",
            )
            for each in documents
        ],
    )


def _print_run(result: "InvoiceRun") -> None:
    for number in result.under_way:
        print(f"{number} is under way: something keeps it from being issued (see comptoir clock show).")
    if result.issued:
        _print_documents([*result.issued])
    elif result.previews:
        print_table(
            ("Month", "Currency", "Lines", "Days of usage", "Subtotal", "Tax", "Total"),
            [
                (
                    f"up to {each.month}",
                    each.currency,
                    str(each.line_count),
                    str(each.consumption_line_count),
                    str(each.subtotal),
                    str(each.tax),
                    str(each.total),
                )
                for each in result.previews
            ],
        )
    elif not result.under_way:
        print(f"Nothing is to be invoiced up to {result.month}.")


@contextmanager
def _progress(*, json: bool) -> "Iterator[Callable[[InvoiceRunProgress], None]]":
    """A bar on a terminal that shows how far the first document has come; nothing elsewhere."""
    if json or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=None)

        def show_progress(found: "InvoiceRunProgress") -> None:
            for each in found.under_way[:1]:
                done = each.lines_done + each.consumption_lines_done
                left = each.lines_left + each.consumption_lines_left
                description = f"{each.id}, {each.month} {each.currency}"
                progress.update(bar, description=description, completed=done, total=done + left)

        yield show_progress
