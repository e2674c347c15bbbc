"""``comptoir orders``."""

from typing import TYPE_CHECKING

from cyclopts import App

from comptoir.cli.partner.output import Columns, Json, moment, print_list, print_one
from comptoir.cli.partner.target import HERE, Target, client

if TYPE_CHECKING:
    from comptoir.client.models import Order, OrderLineItem

app = App(name="orders", help="The orders of a customer.")

ORDER: "Columns[Order]" = {
    "Order": lambda order: order.id,
    "Status": lambda order: order.status,
    "Billing cycle": lambda order: order.billing_cycle,
    "Lines": lambda order: len(order.line_items),
    "Total": lambda order: f"{order.total_price} {order.currency_code}" if order.total_price else None,
    "Created": lambda order: moment(order.creation_date),
}
LINE: "Columns[OrderLineItem]" = {
    "Line": lambda line: line.line_item_number,
    "Catalog item": lambda line: line.offer_id,
    "Quantity": lambda line: line.quantity,
    "Term": lambda line: line.term_duration,
    "Subscription": lambda line: line.subscription_id,
    "Name": lambda line: line.friendly_name,
}


@app.command(name="list")
def list_(customer: str, *, json: Json = False, target: Target = HERE) -> None:
    """List the orders of a customer, newest first. A new one may take some minutes to appear.

    Parameters
    ----------
    customer
        Microsoft ID of the customer.
    """
    with client(target) as service:
        print_list(service.orders.list(customer, include_price=True), ORDER, json=json)


@app.command
def show(customer: str, order: str, *, json: Json = False, target: Target = HERE) -> None:
    """Show an order with its lines.

    Parameters
    ----------
    customer
        Microsoft ID of the customer.
    order
        Id of the order, or its alternate id.
    """
    with client(target) as service:
        _print_order(service.orders.get(customer, order, include_price=True), json=json)


@app.command
def cancel(customer: str, order: str, *, json: Json = False, target: Target = HERE) -> None:
    """Cancel an order of a sandbox, with its subscriptions.

    Parameters
    ----------
    customer
        Microsoft ID of the customer.
    order
        Id of the order.
    """
    from comptoir.client.models import OrderBody

    with client(target) as service:
        _print_order(service.orders.update(customer, order, OrderBody(status="cancelled")), json=json)


def _print_order(order: "Order", *, json: bool) -> None:
    print_one(order, ORDER, json=json)
    if not json:
        print()
        print_list(order.line_items, LINE, json=False)
