"""``comptoir init``."""

from pathlib import Path

import msgspec

from comptoir.cli.common import fail, instant, run, settings_of


def init(
    *,
    sample: bool = False,
    seed: int | None = None,
    clock: str | None = None,
    database: str | None = None,
    json: bool = False,
    config: Path | None = None,
) -> None:
    """Make a new marketplace: its database, a production and a sandbox account with an application and users.

    The secrets printed here are shown once and stored only as digests.

    Parameters
    ----------
    sample
        Fill it with the sample marketplace: publishers, products, customers.
    seed
        Draw every id from this seed, so that the sample has the same ids each time. Secrets never repeat.
    clock
        Instant such as 2026-01-01T00:00:00Z at which the sandbox's clock stands still until it is moved.
        Without it, the clock follows the wall.
    database
        SQLite file, or a postgresql:// address.
    json
        Print one JSON object instead of a table.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap import making

    settings = settings_of(config, database=database)
    try:
        clock_at = None if clock is None else instant(clock, "--clock")
        made = run(making.initialise(settings, with_sample=sample, seed=seed, clock_at=clock_at))
    except making.AlreadyInitialised:
        fail(f"{settings.database_label} holds data already; nothing was changed")
    if json:
        print(msgspec.json.encode(made).decode())
        return
    print(f"Made the marketplace in {settings.database_label}. The secrets below are not shown again.\n")
    for account in made.accounts:
        print(f"{account.kind} account {account.name!r} in {account.country}: tenant {account.tenant_id}")
        for application in account.applications:
            print(f"  application {application.client_id}  secret {application.client_secret}")
        for user in account.users:
            print(f"  user {user.name} ({user.role})")
        for customer in account.customers:
            print(f"  customer {customer.id}  {customer.country}  {customer.name}")
    if made.publishers:
        print(f"{len(made.publishers)} publishers, with applications of their own (--json lists them)")
    print(f"\nNext: comptoir serve{'' if database is None else f' --database {settings.database_label}'}")
