"""``comptoir usage``."""

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App
from msgspec import UNSET

from comptoir.cli.common import fail, run, settings_of
from comptoir.cli.partner.output import Columns, Json, print_list, print_one

if TYPE_CHECKING:
    from comptoir.wire.metering import UsageBatchItem, UsageCounter

app = App(name="usage", help="Add usage that was reported too late, and see what a term has used.")

ADDED: "Columns[UsageBatchItem]" = {
    "ID": lambda item: "" if item.usage_event_id is UNSET else item.usage_event_id,
    "Subscription": lambda item: item.resource_id,
    "Plan": lambda item: item.plan_id,
    "Dimension": lambda item: item.dimension,
    "Quantity": lambda item: item.quantity,
    "Used at": lambda item: item.effective_start_time,
}

COUNTED: "Columns[UsageCounter]" = {
    "Dimension": lambda counter: counter.dimension,
    "Used": lambda counter: counter.used,
    "Included": lambda counter: "no limit" if counter.included is UNSET else counter.included,
}


@app.command
def add(
    subscription: str,
    *,
    dimension: str,
    quantity: str,
    at: str,
    plan: str,
    account: str = "production",
    json: Json = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Add the usage of an hour, however old it is. It is billed as if its publisher had reported it.

    Parameters
    ----------
    subscription
        The subscription's id.
    dimension
        The publisher's name of what was used.
    quantity
        How many units of it.
    at
        When, such as 2026-06-29T10:00:00Z. Each hour takes one report of a dimension.
    plan
        The publisher's name of the plan that the subscription had then.
    account
        Name of the partner's account.
    json
        Print JSON instead of a table.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import add_usage

    event = {
        "resourceId": subscription,
        "dimension": dimension,
        "quantity": quantity,
        "effectiveStartTime": at,
        "planId": plan,
    }
    added = run(add_usage(settings_of(config, database=database), account, event))
    if added.error is not UNSET:
        fail(f"{added.status}: {added.error.message}")
    print_one(added, ADDED, json=json)


@app.command
def show(
    subscription: str,
    *,
    account: str = "production",
    json: Json = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """What a subscription used in its current term, by dimension, and what the term includes.

    Parameters
    ----------
    subscription
        The subscription's id.
    account
        Name of the partner's account.
    json
        Print JSON instead of a table.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import read_usage

    counters = run(read_usage(settings_of(config, database=database), account, subscription))
    print_list(counters.items, COUNTED, json=json)
