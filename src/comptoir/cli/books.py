"""``comptoir explain`` and ``comptoir verify``."""

from dataclasses import asdict
from pathlib import Path

import msgspec

from comptoir.cli.common import FOUND_FAULTS, print_table, run, settings_of


def explain(
    invoice: str, line: str, *, json: bool = False, database: str | None = None, config: Path | None = None
) -> None:
    """Explain a line of an invoice: what happened, which rule follows from it, and how it was reckoned.

    Parameters
    ----------
    invoice
        Number of the document, such as G000410273.
    line
        Number of the line in the order of reading, from 1, or its id.
    json
        Print one JSON object.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import explain_line

    found = run(explain_line(settings_of(config, database=database), invoice, line))
    if json:
        print(msgspec.json.Encoder(decimal_format="number").encode(found).decode())
        return
    print(f"Line {found.line} of {found.invoice}: {found.charge_type} for {found.customer}, {found.product}.")
    print(
        f"{found.subtotal} + {found.tax} tax = {found.total} {found.currency}; its id is {found.line_id}.\n"
    )
    print_table(
        ("Step", "Formula", "Meaning", "Section"),
        [(step.name, step.formula, step.text, step.section) for step in found.steps],
    )


def verify(
    account: str | None = None, *, json: bool = False, database: str | None = None, config: Path | None = None
) -> None:
    """Prove the books: journal, lines, invoices, usage, payments and postings, each against the others.

    Changes nothing and runs beside a server. Exits with 1 and names the first offender if they do not hold.

    Parameters
    ----------
    account
        Name of the only account to look at.
    json
        Print one JSON object.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.billing.verifying import Offender
    from comptoir.bootstrap.commands import verify_books

    found = run(verify_books(settings_of(config, database=database), account))
    if isinstance(found, Offender):
        if json:
            print(msgspec.json.encode({"holds": False, "offender": asdict(found)}).decode())
        else:
            print(f"The books do not hold. Account {found.account}, {found.kind} {found.id}: {found.reason}.")
        raise SystemExit(FOUND_FAULTS)
    if json:
        print(msgspec.json.encode({"holds": True, **asdict(found)}).decode())
        return
    print("The books hold.")
    print_table(
        ("Looked at", "Count"),
        [(name.replace("_", " "), str(count)) for name, count in asdict(found).items()],
    )
