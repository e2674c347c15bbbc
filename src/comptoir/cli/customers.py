"""``comptoir customers``."""

from pathlib import Path

import msgspec

from comptoir.cli.common import print_table, run, settings_of


def customers(
    *, account: str = "sandbox", json: bool = False, database: str | None = None, config: Path | None = None
) -> None:
    """List the customers of an account with their Microsoft ID.

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
    print_table(
        ("Microsoft ID", "Country", "Agreement", "Domain", "Name"),
        [
            (
                customer.id,
                customer.country,
                "confirmed" if customer.has_agreement else "missing",
                customer.domain,
                customer.company_name,
            )
            for customer in found
        ],
    )
