"""Decisions about a cart as a whole: what may happen to it, how long it lives, what a replacement may change.

Source: ``10-catalog-cart-orders`` sections 3.2 and 3.4. Lines are in ``lines.py``, checkouts are planned in
``planning.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from comptoir.carts.lines import sent_ids
from comptoir.carts.model import Action, Cart, CartDraft, CartLine, Status
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import GUID

LINES_MAX = 500
"""Lines of one cart, add-ons included: what one transaction can order without holding up the others."""


TRANSITIONS: Mapping[tuple[Status, Action], Status] = {
    (Status.ACTIVE, Action.REPLACE): Status.ACTIVE,
    (Status.ACTIVE, Action.ORDER_SOME_GROUPS): Status.ACTIVE,
    (Status.ACTIVE, Action.ORDER_ALL_GROUPS): Status.ORDERED,
}
"""Section 3.4. Expiry is not a status: an expired cart is gone."""


def read_cart_id(text: str) -> str:
    """The id that a text means, in any case; CART_NOT_FOUND for a text that no cart has as its id."""
    cart_id = text.lower()
    if GUID.fullmatch(cart_id) is None:
        raise Refusal(Code.CART_NOT_FOUND, cart_id=text[:100])
    return cart_id


def next_status(cart: Cart, action: Action) -> Status:
    """The status after ``action``; CART_ORDERED where the table has none."""
    status = TRANSITIONS.get((cart.status, action))
    if status is None:
        raise Refusal(Code.CART_ORDERED, cart_id=cart.id)
    return status


def gone_at(cart: Cart, ordered_retention_seconds: int) -> datetime:
    """The first instant at which the cart cannot be read any more (section 3.4).

    Nothing changes an ordered cart, so its last change is the checkout that ordered it.
    """
    if cart.status is Status.ORDERED:
        return cart.modified_at + timedelta(seconds=ordered_retention_seconds)
    return cart.expires_at


def check_draft(draft: CartDraft, require_attestation: bool) -> None:
    """Refuse a cart that is wrong as a whole; a bad line is not, it is kept with its error (section 3.4)."""
    if not draft.lines:
        raise Refusal(Code.INVALID_INPUT, reason="the cart has no line items.")
    if len(sent_ids(draft.lines)) > LINES_MAX:
        raise Refusal(Code.INVALID_INPUT, reason=f"the cart has more than {LINES_MAX} line items.")
    if require_attestation and not draft.attestation:
        raise Refusal(Code.PARTNER_ATTESTATION_MISSING)


def carry_over(cart: Cart, lines: Sequence[CartLine]) -> tuple[CartLine, ...]:
    """``lines`` of a replacement, with those that are ordered already as they were.

    A cart that is ordered in part can be replaced, so that the caller can repair the groups that failed. What
    is ordered may be sent back or left out, and is not bought again; changing it is refused like any change
    of an ordered cart.
    """
    ordered = [line for line in cart.lines if line.group in cart.placed]
    carried = []
    for line in lines:
        same = next((one for one in ordered if _is_same_purchase(line, one)), None)
        if same is not None:
            ordered.remove(same)
            carried.append(_with_ids_of(same, line))
        elif any(one.id == line.id and _is_same_item(one, line) for one in ordered):
            raise Refusal(Code.CART_ORDERED, cart_id=cart.id)
        else:
            carried.append(line)
    return tuple(carried)


def _is_same_item(one: CartLine, other: CartLine) -> bool:
    return one.request.catalog_item_id.lower() == other.request.catalog_item_id.lower()


def _is_same_purchase(sent: CartLine, ordered: CartLine) -> bool:
    """Whether ``sent`` asks for what is ordered; a default that the caller left out counts as the same."""
    choices = (
        (sent.request.billing_cycle, ordered.request.billing_cycle),
        (sent.request.term, ordered.request.term),
        (sent.request.currency, ordered.request.currency),
    )
    return (
        _is_same_item(sent, ordered)
        and sent.request.quantity == ordered.request.quantity
        and all(asked is None or asked == bought for asked, bought in choices)
        and len(sent.add_ons) == len(ordered.add_ons)
        and all(map(_is_same_purchase, sent.add_ons, ordered.add_ons))
    )


def _with_ids_of(ordered: CartLine, sent: CartLine) -> CartLine:
    add_ons = tuple(map(_with_ids_of, ordered.add_ons, sent.add_ons))
    return replace(ordered, id=sent.id, add_ons=add_ons)
