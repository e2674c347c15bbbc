"""``comptoir customers``."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from comptoir.cli import profiles
from comptoir.cli.common import print_table, run, settings_of
from comptoir.cli.partner.output import Columns, print_list
from comptoir.cli.partner.target import Target, client

if TYPE_CHECKING:
    from comptoir.client.models import Customer

CUSTOMER: "Columns[Customer]" = {
    "Microsoft ID": lambda customer: customer.id,
    "Domain": lambda customer: customer.company_profile.domain,
    "Name": lambda customer: customer.company_profile.company_name,
}


def customers(
    *,
    account: str = "sandbox",
    profile: str | None = None,
    json: bool = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """List the customers of an account with their Microsoft ID.

    Parameters
    ----------
    account
        Name of the account.
    profile
        Ask the service of this profile in place of the database.
    json
        Print JSON instead of a table.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    if profile is None:
        _list_from_database(account, json=json, database=database, config=config)
        return
    is_local = profile == profiles.LOCAL
    target = Target(profile, account if is_local else None, None, database, config)
    with client(target) as service:
        print_list(service.customers.list(), CUSTOMER, json=json)


def _list_from_database(account: str, *, json: bool, database: str | None, config: Path | None) -> None:
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
