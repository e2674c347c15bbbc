"""Carts over HTTP: what the wire shows of them, filling, reading, replacing and checking out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from msgspec import UNSET, UnsetType

from comptoir.api import faults, reading
from comptoir.api.call import Call, Handler
from comptoir.api.orders import billing_cycle_to_wire, pricing_to_wire
from comptoir.api.orders import to_wire as order_to_wire
from comptoir.api.reading import optional_text, text_from_wire
from comptoir.carts import service
from comptoir.carts.model import Cart, CartDraft, CartLine, CheckoutResult, GroupFailure, LineDraft, LineError
from comptoir.catalog.model import BillingCycle
from comptoir.core.context import Context
from comptoir.core.errors import Refused
from comptoir.db import Tx
from comptoir.orders.model import LineRequest, Participant, ParticipantKind
from comptoir.orders.placing import with_lower_initials
from comptoir.orders.visibility import may_see_prices
from comptoir.wire import carts as wire
from comptoir.wire.enums import parse_enum
from comptoir.wire.orders import UPN_HEADER, RenewsTo
from comptoir.wire.types import attributes, self_links

PARTICIPANT_ORDINALS: Final = {
    1: ParticipantKind.TRANSACTION_RESELLER,
    2: ParticipantKind.CONSUMPTION_RESELLER,
    3: ParticipantKind.ADDITIONAL_TRANSACTION_RESELLER,
}
"""The numbers of the .NET enumeration, in the order of the appendix."""

_CART = attributes("Cart")
_RESULT = attributes("CartCheckoutResult")

T = TypeVar("T")


async def create(tx: Tx, ctx: Context, call: Call) -> wire.Cart:
    """``POST customers/{c}/carts``"""
    return to_wire(await service.create(tx, ctx, call.path["customer_id"], from_wire(call.body)), ctx)


async def get(tx: Tx, ctx: Context, call: Call) -> wire.Cart:
    """``GET customers/{c}/carts/{cart}``"""
    return to_wire(await service.get(tx, ctx, call.path["customer_id"], call.path["cart_id"]), ctx)


async def update(tx: Tx, ctx: Context, call: Call) -> wire.Cart:
    """``PUT customers/{c}/carts/{cart}``: everything is replaced; an id in the body does not matter."""
    customer_id, cart_id = call.path["customer_id"], call.path["cart_id"]
    return to_wire(await service.update(tx, ctx, customer_id, cart_id, from_wire(call.body)), ctx)


async def checkout(tx: Tx, ctx: Context, call: Call) -> wire.CartCheckoutResult | Refused:
    """``POST customers/{c}/carts/{cart}/checkout``

    Clients send ``"success"``, ``{}`` or nothing: the body is not looked at.
    """
    customer_id, cart_id = call.path["customer_id"], call.path["cart_id"]
    outcome = await service.checkout(tx, ctx, customer_id, cart_id, call.headers.get(UPN_HEADER))
    return outcome if isinstance(outcome, Refused) else result_to_wire(outcome, ctx)


def to_wire(cart: Cart, ctx: Context) -> wire.Cart:
    """A cart as ``10-catalog-cart-orders`` section 3.2 prints it, in the caller's vocabulary."""
    return wire.Cart(
        id=cart.id,
        creation_timestamp=cart.created_at,
        last_modified_timestamp=cart.modified_at,
        expiration_timestamp=cart.expires_at,
        last_modified_user=cart.modified_by,
        status=cart.status.value,
        line_items=_lines_to_wire(cart.lines, ctx),
        partner_on_record_attestation_accepted=_flag(cart.attestation),
        links=self_links(f"/customers/{cart.customer_id}/carts/{cart.id}"),
        attributes=_CART,
    )


def result_to_wire(result: CheckoutResult, ctx: Context) -> wire.CartCheckoutResult:
    """What a checkout has ordered and what it could not, as section 3.9 prints it."""
    return wire.CartCheckoutResult(
        orders=[order_to_wire(order, ctx) for order in result.orders],
        order_errors=[_failure_to_wire(failure) for failure in result.failures],
        attributes=_RESULT,
    )


def from_wire(body: wire.CartBody | None) -> CartDraft:
    """The cart that a body asks for. What the server sets itself is not read."""
    body = body or wire.CartBody()
    return CartDraft(
        lines=_lines_from_wire(body.line_items), attestation=body.partner_on_record_attestation_accepted
    )


def _lines_to_wire(lines: Sequence[CartLine], ctx: Context) -> list[wire.CartLineItem]:
    return [_line_to_wire(line, ctx) for line in lines]


def _line_to_wire(line: CartLine, ctx: Context) -> wire.CartLineItem:
    """A line as section 3.3 prints it. Only of an unknown item the currency may be unknown, too."""
    request = line.request
    pricing = line.pricing if may_see_prices(ctx.actor) else None
    return wire.CartLineItem(
        id=line.id,
        catalog_item_id=request.catalog_item_id,
        friendly_name=request.friendly_name or UNSET,
        quantity=request.quantity,
        currency_code=request.currency or "",
        billing_cycle=billing_cycle_to_wire(request.billing_cycle or BillingCycle.UNKNOWN, ctx),
        term_duration=UNSET if request.term is None else str(request.term),
        participants=[_participant_to_wire(each) for each in request.participants] or UNSET,
        provisioning_context=request.provisioning_context,
        order_group=UNSET if line.group is None else line.group,
        addon_items=_lines_to_wire(line.add_ons, ctx) or UNSET,
        renews_to=UNSET if request.renews_to is None else RenewsTo(term_duration=str(request.renews_to)),
        error=UNSET if line.error is None else _error_to_wire(line.error),
        attestation_accepted=_flag(request.attestation_accepted),
        pricing=UNSET if pricing is None else pricing_to_wire(pricing),
    )


def _participant_to_wire(participant: Participant) -> wire.Participant:
    return wire.Participant(key=participant.kind.value, value=participant.mpn_id)


def _error_to_wire(error: LineError) -> wire.CartError:
    quota: wire.Quota | UnsetType = UNSET
    if error.quota is not None:
        quota = wire.Quota(available_quantity=error.quota.available, purchased_quantity=error.quota.purchased)
    return wire.CartError(
        error_code=int(error.code), error_description=error.description, additional_information=quota
    )


def _failure_to_wire(failure: GroupFailure) -> wire.OrderError:
    """``code`` is the number that the refusal has as a fault; its HTTP status does not show here."""
    refusal = failure.refusal
    _, number = faults.WIRE[refusal.code]
    return wire.OrderError(order_group_id=failure.group, code=number, description=refusal.description)


def _flag(value: bool | None) -> bool | UnsetType:
    return UNSET if value is None else value


def _lines_from_wire(lines: Sequence[wire.CartLineItemBody] | None) -> tuple[LineDraft, ...]:
    return tuple(_line_from_wire(line) for line in lines or ())


def _line_from_wire(line: wire.CartLineItemBody) -> LineDraft:
    """A line as asked for. A value that makes no sense is an error of the line, not of the call."""
    unreadable: list[str] = []
    request = LineRequest(
        catalog_item_id=text_from_wire(line.catalog_item_id),
        quantity=line.quantity or 0,
        billing_cycle=_read(lambda: reading.cycle(line.billing_cycle), "billingCycle", unreadable),
        term=_read(lambda: reading.duration(line.term_duration), "termDuration", unreadable),
        currency=optional_text(line.currency_code),
        friendly_name=optional_text(line.friendly_name),
        renews_to=_read(
            lambda: reading.duration(reading.renewal_text(line.renews_to)), "renewsTo", unreadable
        ),
        participants=_read(lambda: _participants_from_wire(line.participants), "participants", unreadable)
        or (),
        attestation_accepted=line.attestation_accepted,
        promotion_id=optional_text(line.promotion_id),
        custom_term_end=line.custom_term_end_date,
        provisioning_context=with_lower_initials(line.provisioning_context or {}),
        unreadable=unreadable[0] if unreadable else None,
    )
    return LineDraft(
        request=request, id=_line_id_from_wire(line.id), add_ons=_lines_from_wire(line.addon_items)
    )


def _read(parse: Callable[[], T | None], member: str, unreadable: list[str]) -> T | None:
    """What ``parse`` gives; where it fails, ``member`` is added to what is unreadable."""
    try:
        return parse()
    except ValueError:
        unreadable.append(member)
        return None


def _participants_from_wire(participants: list[wire.ParticipantBody] | None) -> tuple[Participant, ...]:
    return tuple(_participant_from_wire(each) for each in participants or ())


def _participant_from_wire(body: wire.ParticipantBody) -> Participant:
    kind = parse_enum(ParticipantKind, body.key, PARTICIPANT_ORDINALS)
    if kind is None:
        raise ValueError("a participant has a key")
    return Participant(kind, text_from_wire(body.value))


def _line_id_from_wire(value: int | str | None) -> int | None:
    """A number; the documents' tables have a text. Anything else is no id, and the line gets one."""
    return reading.count(value) if isinstance(value, str) else value


HANDLERS: Mapping[str, Handler] = {
    "carts.create": create,
    "carts.get": get,
    "carts.update": update,
    "carts.checkout": checkout,
}
