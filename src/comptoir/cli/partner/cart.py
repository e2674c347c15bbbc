"""``comptoir cart``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cyclopts import App

from comptoir.cli.common import fail
from comptoir.cli.partner.orders import ORDER
from comptoir.cli.partner.output import Columns, Json, moment, one_line, print_list, print_one
from comptoir.cli.partner.target import HERE, SERVICE_REFUSED, Target, client

if TYPE_CHECKING:
    from comptoir.client.models import Cart, CartBody, CartCheckoutResult, CartLineItem, CartLineItemBody

app = App(name="cart", help="Put a purchase together and order it.")

CART: "Columns[Cart]" = {
    "Cart": lambda cart: cart.id,
    "Status": lambda cart: cart.status,
    "Expires": lambda cart: moment(cart.expiration_timestamp),
}
LINE: "Columns[CartLineItem]" = {
    "Line": lambda line: line.id,
    "Catalog item": lambda line: line.catalog_item_id,
    "Quantity": lambda line: line.quantity,
    "Term": lambda line: line.term_duration,
    "Billing cycle": lambda line: line.billing_cycle,
    "Price": lambda line: f"{line.pricing.extended_price} {line.currency_code}" if line.pricing else None,
    "Group": lambda line: line.order_group,
    "Error": lambda line: f"{line.error.error_code} {line.error.error_description}" if line.error else None,
}


@app.command
def create(
    customer: str,
    *items: str,
    term: str | None = None,
    billing_cycle: str | None = None,
    name: str | None = None,
    attest: bool = False,
    json: Json = False,
    target: Target = HERE,
) -> None:
    """Fill a new cart. A line that cannot be bought is kept with its error; the cart can then not be ordered.

    Parameters
    ----------
    customer
        Microsoft ID of the customer.
    items
        Catalog items, each with =QUANTITY where it is more than one.
    term
        Term of every line, for instance P1M or P1Y. Left out: the usual one of the item.
    billing_cycle
        Billing cycle of every line: monthly, annual, one_time ... Left out: the usual one of the item.
    name
        Name that every line's subscription is to have.
    attest
        State that the customer agrees to what an item demands an attestation of.
    """
    from comptoir.client.models import CartBody

    if not items:
        fail("name at least one catalog item")
    body = CartBody(line_items=[_line(item, term, billing_cycle, name, attest=attest) for item in items])
    with client(target) as service:
        _print_cart(service.carts.create(customer, body), json=json)


@app.command
def show(customer: str, cart: str, *, json: Json = False, target: Target = HERE) -> None:
    """Show a cart with its lines.

    Parameters
    ----------
    customer
        Microsoft ID of the customer.
    cart
        Id of the cart.
    """
    with client(target) as service:
        _print_cart(service.carts.get(customer, cart), json=json)


@app.command
def update(
    customer: str,
    cart: str,
    *,
    add: tuple[str, ...] = (),
    remove: tuple[int, ...] = (),
    quantity: tuple[str, ...] = (),
    term: str | None = None,
    billing_cycle: str | None = None,
    name: str | None = None,
    attest: bool = False,
    json: Json = False,
    target: Target = HERE,
) -> None:
    """Change the lines of a cart; the others stay as they are.

    Parameters
    ----------
    customer
        Microsoft ID of the customer.
    cart
        Id of the cart.
    add
        Catalog item to add, with =QUANTITY where it is more than one; as often as wanted.
    remove
        Line to remove; as often as wanted.
    quantity
        LINE=QUANTITY of a line that stays; as often as wanted.
    term
        Term of the added lines.
    billing_cycle
        Billing cycle of the added lines.
    name
        Name that the subscriptions of the added lines are to have.
    attest
        State that the customer agrees to what an added item demands an attestation of.
    """
    quantities = dict(_assignment(text) for text in quantity)
    added = [_line(item, term, billing_cycle, name, attest=attest) for item in add]
    with client(target) as service:
        body = _as_body(service.carts.get(customer, cart))
        lines = body.line_items or []
        unknown = {*remove, *quantities} - {line.id for line in lines}
        if unknown:
            fail(f"the cart has no line {', '.join(map(str, sorted(unknown)))}")
        for line in lines:
            line.quantity = quantities.get(int(line.id or 0), line.quantity)
        body.line_items = [line for line in lines if line.id not in remove] + added
        _print_cart(service.carts.update(customer, cart, body), json=json)


@app.command
def checkout(customer: str, cart: str, *, json: Json = False, target: Target = HERE) -> None:
    """Order a cart. Done again, it answers the same orders. A group that is not ordered gives exit status 1.

    Parameters
    ----------
    customer
        Microsoft ID of the customer.
    cart
        Id of the cart.
    """
    with client(target) as service:
        result = service.carts.checkout(customer, cart)
        if json:
            print_one(result, {}, json=True)
        else:
            print_list(result.orders, ORDER, json=False)
    if result.order_errors:
        fail(_errors(result), SERVICE_REFUSED)


def _errors(result: "CartCheckoutResult") -> str:
    return "; ".join(
        one_line(f"group {error.order_group_id} was not ordered: {error.code} {error.description}")
        for error in result.order_errors
    )


def _print_cart(cart: "Cart", *, json: bool) -> None:
    print_one(cart, CART, json=json)
    if not json:
        print()
        print_list(_with_add_ons(cart.line_items), LINE, json=False)


def _with_add_ons(lines: "Sequence[CartLineItem]") -> "list[CartLineItem]":
    """The lines, each followed by those that extend it."""
    return [each for line in lines for each in (line, *_with_add_ons(line.addon_items or ()))]


def _line(
    item: str, term: str | None, billing_cycle: str | None, name: str | None, *, attest: bool
) -> "CartLineItemBody":
    from comptoir.client.models import CartLineItemBody

    catalog_item_id, _, quantity = item.partition("=")
    return CartLineItemBody(
        catalog_item_id=catalog_item_id,
        quantity=_number(quantity or "1", item),
        term_duration=term,
        billing_cycle=billing_cycle,
        friendly_name=name,
        attestation_accepted=True if attest else None,
    )


def _assignment(text: str) -> tuple[int, int]:
    line, _, quantity = text.partition("=")
    return _number(line, text), _number(quantity, text)


def _number(digits: str, text: str) -> int:
    if not (digits.isdecimal() and digits.isascii()):
        fail(f"{text!r} does not end in =QUANTITY")
    return int(digits)


def _as_body(cart: "Cart") -> "CartBody":
    """A cart as it is sent back; what only the service sets is left out."""
    from comptoir.client.models import CartBody
    from comptoir.wire import codec

    body = codec.decode(codec.encode(cart), CartBody)
    assert body is not None, "a cart is no empty body"
    return body
