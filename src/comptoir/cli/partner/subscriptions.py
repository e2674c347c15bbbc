"""``comptoir subscriptions``."""

from typing import TYPE_CHECKING

from cyclopts import App

from comptoir.cli.common import fail
from comptoir.cli.partner.output import Columns, Json, moment, print_list, print_one
from comptoir.cli.partner.target import HERE, Target, client

if TYPE_CHECKING:
    from comptoir.client.models import ActivationLinkItem, ActivationResult, Subscription

app = App(name="subscriptions", help="The subscriptions of a customer.")


def _refund_until(subscription: "Subscription") -> str | None:
    full = [option for option in subscription.refund_options or () if option.type == "Full"]
    return moment(full[0].expires_at) if full else None


SUBSCRIPTION: "Columns[Subscription]" = {
    "Subscription": lambda subscription: subscription.id,
    "Status": lambda subscription: subscription.status,
    "Quantity": lambda subscription: subscription.quantity,
    "Term": lambda subscription: subscription.term_duration,
    "Renews": lambda subscription: subscription.auto_renew_enabled,
    "Ends": lambda subscription: moment(subscription.commitment_end_date),
    "Name": lambda subscription: subscription.friendly_name,
}
WHOLE: "Columns[Subscription]" = {
    **SUBSCRIPTION,
    "Offer": lambda subscription: f"{subscription.offer_name} ({subscription.offer_id})",
    "Publisher": lambda subscription: subscription.publisher_name,
    "Trial": lambda subscription: subscription.is_trial,
    "Billing cycle": lambda subscription: subscription.billing_cycle,
    "Started": lambda subscription: moment(subscription.effective_start_date),
    "Full refund until": _refund_until,
    "Order": lambda subscription: subscription.order_id,
}
LINK: "Columns[ActivationLinkItem]" = {
    "Line": lambda item: item.line_item_number,
    "Link": lambda item: item.link.uri,
}
ACTIVATION: "Columns[ActivationResult]" = {
    "Subscription": lambda result: result.subscription_id,
    "Activation": lambda result: result.status,
}


@app.command(name="list")
def list_(customer: str, *, order: str | None = None, json: Json = False, target: Target = HERE) -> None:
    """List the subscriptions of a customer, oldest first.

    Parameters
    ----------
    customer
        Microsoft ID of the customer.
    order
        Only those of this order.
    """
    with client(target) as service:
        print_list(service.subscriptions.list(customer, order_id=order), SUBSCRIPTION, json=json)


@app.command
def show(customer: str, subscription: str, *, json: Json = False, target: Target = HERE) -> None:
    """Show a subscription, whatever its status.

    Parameters
    ----------
    customer
        Microsoft ID of the customer.
    subscription
        Id of the subscription.
    """
    with client(target) as service:
        print_one(service.subscriptions.get(customer, subscription), WHOLE, json=json)


@app.command
def links(customer: str, subscription: str, *, json: Json = False, target: Target = HERE) -> None:
    """Print where the customer sets a subscription up.

    Parameters
    ----------
    customer
        Microsoft ID of the customer.
    subscription
        Id of the subscription.
    """
    with client(target) as service:
        print_list(service.activation_links.for_subscription(customer, subscription), LINK, json=json)


@app.command
def activate(customer: str, subscription: str, *, json: Json = False, target: Target = HERE) -> None:
    """Activate a subscription of a sandbox, where no publisher does.

    Parameters
    ----------
    customer
        Microsoft ID of the customer.
    subscription
        Id of the subscription.
    """
    with client(target) as service:
        print_one(service.subscriptions.activate(customer, subscription), ACTIVATION, json=json)


@app.command(name="set")
def set_(
    customer: str,
    subscription: str,
    *,
    quantity: int | None = None,
    auto_renew: bool | None = None,
    name: str | None = None,
    json: Json = False,
    target: Target = HERE,
) -> None:
    """Change a subscription, all of it or nothing.

    Parameters
    ----------
    customer
        Microsoft ID of the customer.
    subscription
        Id of the subscription.
    quantity
        Units, within what the plan allows.
    auto_renew
        Whether it goes on when its term ends.
    name
        Name that the partner gives it.
    """
    if quantity is None and auto_renew is None and name is None:
        fail("give at least one of --quantity, --auto-renew, --no-auto-renew, --name")
    with client(target) as service:
        changed = service.subscriptions.get(customer, subscription)
        changed.quantity = changed.quantity if quantity is None else quantity
        changed.auto_renew_enabled = changed.auto_renew_enabled if auto_renew is None else auto_renew
        changed.friendly_name = changed.friendly_name if name is None else name
        print_one(service.subscriptions.update(customer, subscription, changed), WHOLE, json=json)


@app.command
def cancel(customer: str, subscription: str, *, json: Json = False, target: Target = HERE) -> None:
    """Cancel a subscription for good, within the time in which it is refunded.

    Parameters
    ----------
    customer
        Microsoft ID of the customer.
    subscription
        Id of the subscription.
    """
    with client(target) as service:
        ended = service.subscriptions.get(customer, subscription)
        ended.status = "deleted"
        print_one(service.subscriptions.update(customer, subscription, ended), WHOLE, json=json)
