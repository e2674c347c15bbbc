"""``comptoir webhooks``."""

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from comptoir.cli.common import fail, run, settings_of
from comptoir.cli.partner.output import Columns, Json, moment, print_list, print_one

if TYPE_CHECKING:
    from comptoir.wire.deliveries import Delivery, DeliveryAttempt

app = App(name="webhooks", help="What was sent to publishers, how it went, and sending it again.")

LIMIT_MAX = 500

LISTED: "Columns[Delivery]" = {
    "ID": lambda delivery: delivery.id,
    "Created": lambda delivery: moment(delivery.created),
    "Publisher": lambda delivery: delivery.publisher_id,
    "Subscription": lambda delivery: delivery.subscription_id,
    "State": lambda delivery: delivery.state,
    "Attempts": lambda delivery: delivery.attempts,
    "Last answer": lambda delivery: delivery.last_status or delivery.last_error,
}

SHOWN: "Columns[Delivery]" = {
    **LISTED,
    "Operation": lambda delivery: delivery.subject_id,
    "Address": lambda delivery: delivery.url,
    "Settled": lambda delivery: moment(delivery.settled),
    "Next attempt": lambda delivery: moment(delivery.next_attempt),
}

ATTEMPTS: "Columns[DeliveryAttempt]" = {
    "Attempt": lambda attempt: attempt.number,
    "Started": lambda attempt: moment(attempt.started),
    "Took": lambda attempt: f"{attempt.duration_ms} ms",
    "Answer": lambda attempt: attempt.status or attempt.error,
    "Excerpt": lambda attempt: attempt.excerpt[:60],
}


@app.command(name="list")
def list_(
    *,
    account: str | None = None,
    publisher: str | None = None,
    subscription: str | None = None,
    state: str | None = None,
    limit: int = 50,
    json: Json = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """List webhooks, the newest first.

    Parameters
    ----------
    account
        Only those about subscriptions of the account with this name.
    publisher
        Only those to the publisher with this id.
    subscription
        Only those about the subscription with this id.
    state
        Only those that are pending, delivered, refused or dead.
    limit
        How many, 500 at most.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import list_deliveries

    if not 1 <= limit <= LIMIT_MAX:
        fail(f"--limit takes a number from 1 to {LIMIT_MAX}")
    wanted = {"account": account, "publisher": publisher, "subscription": subscription, "state": state}
    given = {name: value for name, value in wanted.items() if value is not None}
    found = run(list_deliveries(settings_of(config, database=database), given, limit))
    print_list(found, LISTED, json=json)


@app.command
def show(
    webhook: str, *, json: Json = False, database: str | None = None, config: Path | None = None
) -> None:
    """Print a webhook with its body, its first attempt and its latest ones.

    Parameters
    ----------
    webhook
        Its id.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import read_delivery

    found = run(read_delivery(settings_of(config, database=database), webhook))
    print_one(found, SHOWN, json=json)
    if not json:
        print(f"\n{found.body}\n")
        print_list(found.log, ATTEMPTS, json=False)


@app.command
def redeliver(
    webhook: str, *, json: Json = False, database: str | None = None, config: Path | None = None
) -> None:
    """Have a webhook sent again, with all its tries; one that waits for its next try is sent at once.

    It goes where the catalogue says now. The server sends it: without one it waits for the next start.

    Parameters
    ----------
    webhook
        Its id.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import redeliver as redeliver_

    print_one(run(redeliver_(settings_of(config, database=database), webhook)), SHOWN, json=json)
