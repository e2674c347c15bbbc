"""``comptoir token``."""

from pathlib import Path

from comptoir.cli.common import fail, run, settings_of


def token(
    *,
    account: str | None = None,
    user: str | None = None,
    publisher: str | None = None,
    operator: bool = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Print a bearer token that is valid for an hour, and nothing else.

    Parameters
    ----------
    account
        Name of the account: an app-only token of its first application.
    user
        User name within the account: an app+user token, with the proof of a second factor.
    publisher
        Id of a publisher: a token for the publisher's API.
    operator
        A token for the operator API.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import mint_token

    if sum((account is not None, publisher is not None, operator)) != 1:
        fail("give one of --account NAME, --publisher ID, --operator")
    if user is not None and account is None:
        fail("--user needs --account")
    settings = settings_of(config, database=database)
    print(run(mint_token(settings, account=account, user=user, publisher=publisher)))
