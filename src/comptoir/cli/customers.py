"""``comptoir customers``."""

from pathlib import Path

import msgspec

from comptoir.cli.common import run, settings_of


def customers(
    *, account: str = "sandbox", json: bool = False, database: str | None = None, config: Path | None = None
) -> None:
    """List the customers of an account with their Microsoft ID, which every call about them needs.

    Parameters
    ----------
    account
        Name of the account.
    json
        Print JSON instead of a table.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import list_customers

    found = run(list_customers(settings_of(config, database=database), account))
    if json:
        print(msgspec.json.encode(found).decode())
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for title in ("Microsoft ID", "Country", "Agreement", "Name", "Domain"):
        table.add_column(title, no_wrap=title == "Microsoft ID")
    for customer in found:
        agreed = "confirmed" if customer.has_agreement else "missing"
        table.add_row(customer.id, customer.country, agreed, customer.company_name, customer.domain)
    Console().print(table)
