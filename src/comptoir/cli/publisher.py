"""``comptoir publisher``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from comptoir.cli.common import run, settings_of
from comptoir.cli.partner.output import Columns, Json, print_one

if TYPE_CHECKING:
    from comptoir.bootstrap.making import MadePublisher
    from comptoir.wire.rehearsal import RehearsedSubscription

app = App(
    name="publisher",
    help="For developers of a publisher's site: buy for a test customer, then suspend, renew and so on.",
)

SHOWN: "Columns[RehearsedSubscription]" = {
    "Subscription": lambda done: done.subscription_id,
    "Status": lambda done: f"{done.status} ({done.saas_status})",
    "Account": lambda done: done.account,
    "Customer": lambda done: done.customer_id,
    "Order": lambda done: done.order_id,
    "Offer": lambda done: f"{done.publisher_id}/{done.offer_id}",
    "Plan": lambda done: done.plan_id + (" (trial)" if done.is_trial else ""),
    "Quantity": lambda done: done.quantity,
    "Term": lambda done: done.term,
    "Operation": lambda done: (
        f"{done.operation.action} {done.operation.id}: {done.operation.status}" if done.operation else None
    ),
    "Seen by its publisher": lambda done: done.is_seen_by_publisher,
    "Activation link": lambda done: done.activation_link,
}

CREDENTIALS: "Columns[MadePublisher]" = {
    "Publisher": lambda made: f"{made.name} ({made.id})",
    "Tenant": lambda made: made.tenant_id,
    "Application": lambda made: made.client_id,
    "Secret": lambda made: made.client_secret,
}


@app.command
def purchase(
    publisher: str,
    offer: str,
    plan: str,
    *,
    account: str = "sandbox",
    customer: str | None = None,
    quantity: int | None = None,
    term: str | None = None,
    trial: bool = False,
    json: Json = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Buy a plan and print the activation link, which leads to the publisher's landing page.

    A sandbox account shows its purchases to publishers after
    ``comptoir account settings sandbox --set sandbox_publisher_delivery=true``.

    Parameters
    ----------
    publisher
        Id of the publisher.
    offer
        The publisher's id of the offer.
    plan
        The publisher's id of the plan.
    account
        Name of the account that buys.
    customer
        Id of the customer; without it the first one who can buy the plan.
    quantity
        Seats; without it as few as the plan has.
    term
        Length of the term, such as P1M or P1Y; without it the plan's first.
    trial
        Buy the free trial of the plan.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import buy_for_rehearsal

    wanted: dict[str, Any] = {
        "publisherId": publisher,
        "offerId": offer,
        "planId": plan,
        "account": account,
        "customerId": customer,
        "quantity": quantity,
        "term": term,
        "isTrial": trial,
    }
    print_one(run(buy_for_rehearsal(settings_of(config, database=database), wanted)), SHOWN, json=json)


@app.command
def link(
    subscription: str, *, json: Json = False, database: str | None = None, config: Path | None = None
) -> None:
    """Make a new activation link.

    Parameters
    ----------
    subscription
        Id of the subscription.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    _act(subscription, "link", json=json, database=database, config=config)


@app.command
def suspend(
    subscription: str, *, json: Json = False, database: str | None = None, config: Path | None = None
) -> None:
    """Suspend a subscription, as if its payment were missing. The publisher is told.

    Parameters
    ----------
    subscription
        Id of the subscription.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    _act(subscription, "suspend", json=json, database=database, config=config)


@app.command
def reinstate(
    subscription: str, *, json: Json = False, database: str | None = None, config: Path | None = None
) -> None:
    """Take a suspended subscription up again, as if the payment had come. The publisher is asked.

    Parameters
    ----------
    subscription
        Id of the subscription.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    _act(subscription, "reinstate", json=json, database=database, config=config)


@app.command
def renew(
    subscription: str, *, json: Json = False, database: str | None = None, config: Path | None = None
) -> None:
    """End the running term and start the next one. The publisher is told.

    Parameters
    ----------
    subscription
        Id of the subscription.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    _act(subscription, "renew", json=json, database=database, config=config)


@app.command
def change_plan(
    subscription: str,
    plan: str,
    *,
    json: Json = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Change to another plan of the same offer. The publisher is asked.

    Parameters
    ----------
    subscription
        Id of the subscription.
    plan
        The publisher's id of the plan.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    body = {"planId": plan}
    _act(subscription, "change-plan", body, json=json, database=database, config=config)


@app.command
def change_quantity(
    subscription: str,
    quantity: int,
    *,
    json: Json = False,
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Change the number of seats. The publisher is asked.

    Parameters
    ----------
    subscription
        Id of the subscription.
    quantity
        Seats.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    body = {"quantity": quantity}
    _act(subscription, "change-quantity", body, json=json, database=database, config=config)


@app.command
def unsubscribe(
    subscription: str, *, json: Json = False, database: str | None = None, config: Path | None = None
) -> None:
    """Cancel a subscription for good. The publisher is told.

    Parameters
    ----------
    subscription
        Id of the subscription.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    _act(subscription, "unsubscribe", json=json, database=database, config=config)


def _act(
    subscription: str,
    verb: str,
    body: dict[str, Any] | None = None,
    *,
    json: bool,
    database: str | None,
    config: Path | None,
) -> None:
    from comptoir.bootstrap.commands import rehearse

    done = run(rehearse(settings_of(config, database=database), subscription, verb, body))
    print_one(done, SHOWN, json=json)


@app.command
def register(
    publisher: str, *, json: Json = False, database: str | None = None, config: Path | None = None
) -> None:
    """Draw a secret for the application of a publisher, in place of the one it had. It is shown this once.

    Parameters
    ----------
    publisher
        Id of the publisher in its catalogue file.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import register_publisher

    made = run(register_publisher(settings_of(config, database=database), publisher))
    print_one(made, CREDENTIALS, json=json)


@app.command
def point(
    publisher: str,
    site: str,
    *,
    landing_page: str = "/start",
    webhook: str = "/hooks/marketplace",
    database: str | None = None,
    config: Path | None = None,
) -> None:
    """Let a publisher's offers lead to your site, or to that of ``comptoir sample-publisher``.

    Importing the publisher's catalogue file again brings back what that says.

    Parameters
    ----------
    publisher
        Id of the publisher.
    site
        Address of the site, such as http://127.0.0.1:8090.
    landing_page
        Path of the landing page.
    webhook
        Path of the webhook.
    database
        SQLite file, or a postgresql:// address.
    config
        TOML file with settings.
    """
    from comptoir.bootstrap.commands import point_publisher

    base = site.rstrip("/")
    settings = settings_of(config, database=database)
    pointed = run(point_publisher(settings, publisher, base + landing_page, base + webhook))
    print(f"{pointed.name} is reached at {base}.")
