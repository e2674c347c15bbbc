"""``comptoir account``."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from comptoir.cli.common import fail, print_table, run, settings_of

app = App(name="account", help="List the accounts of this installation and change their settings.")
SPELLED = {"true": True, "false": False}


@app.command(name="list")
def list_(*, database: str | None = None, config: Path | None = None) -> None:
    """List the accounts with their tenant id.

    Parameters
    ----------
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import list_accounts

    accounts = run(list_accounts(settings_of(config, database=database)))
    print_table(
        ("Name", "Kind", "Profile", "Tenant ID", "Country", "Domain", "Company"),
        [
            (
                account.name,
                account.kind,
                account.profile,
                account.tenant_id,
                account.country,
                account.domain,
                account.company_name,
            )
            for account in accounts
        ],
    )


@app.command
def settings(
    name: str,
    *,
    assignments: Annotated[list[str], Parameter(name="--set", negative="")] = [],  # noqa: B006 - never changed
    resets: Annotated[list[str], Parameter(name="--reset", negative="")] = [],  # noqa: B006
    profile: str | None = None,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Change settings of an account from the next request on, and print those in force.

    Parameters
    ----------
    name
        Name of the account.
    assignments
        SETTING=VALUE, as often as wanted; a limit of none is no limit.
    resets
        SETTING that goes back to what kind and profile of the account say, as often as wanted.
    profile
        relaxed or faithful: which set of defaults the account starts from.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import change_settings

    overrides = dict(_assignment(text) for text in assignments) | dict.fromkeys(resets, "default")
    account = run(change_settings(settings_of(config, database=database), name, profile, overrides))
    print(f"{account.kind} account {account.name!r} with the {account.profile} profile")
    print_table(
        ("Setting", "Value", "From"),
        [
            (setting, str(value).lower(), "set" if setting in account.overrides else "kind and profile")
            for setting, value in sorted(account.settings.items())
        ],
    )


def _assignment(text: str) -> tuple[str, str | int | bool]:
    name, separator, value = text.partition("=")
    if not separator:
        fail(f"--set takes SETTING=VALUE, not {text!r}")
    if value.isdecimal():
        return name, int(value)
    return name, SPELLED.get(value.lower(), value)
