"""Orders over HTTP: what the wire shows of them, ordering, reading, changing, and links to the set-up."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

from msgspec import UNSET, UnsetType

from comptoir.api import reading
from comptoir.api.call import Call, Handler
from comptoir.api.reading import optional_text, text_from_wire
from comptoir.catalog.model import BillingCycle
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.money import symbol
from comptoir.core.terms import Duration
from comptoir.customers import service as customers
from comptoir.customers.model import Customer
from comptoir.db import Tx
from comptoir.orders import service, service_patch, visibility
from comptoir.orders.model import (
    EchoedLine,
    LineActivationLink,
    LineRequest,
    NumberedLine,
    Order,
    OrderLine,
    OrderPatch,
    OrderRequest,
    Participant,
    ParticipantKind,
    Pricing,
    Status,
)
from comptoir.wire import orders as wire
from comptoir.wire.enums import UnknownValue, fold
from comptoir.wire.subscriptions import ActivationLinkItem
from comptoir.wire.types import Collection, attributes, collection, link

LATER_CYCLES = frozenset({BillingCycle.TRIENNIAL, BillingCycle.BIENNIAL})
"""Words that strict clients do not know: one of them would lose the whole answer (``00`` section 12.2)."""

CANCELLED_WORDS = frozenset({"cancelled", "canceled"})
KNOWN_STATUSES = CANCELLED_WORDS | {
    "unknown",
    "completed",
    "pending",
    "error",
    "suspended",
    "pendingreview",
    "pendingpoupload",
    "pouploadcomplete",
    "poreviewrejected",
    "partialsuccess",
}
"""Statuses that a client may send back (section 4.6), without case and underscores."""

NEW = "New"
"""The transaction type of every line: later events of a subscription make no orders (section 4.6)."""

PROVISIONING = {
    Status.PENDING: "prefulfillmentPending",
    Status.COMPLETED: "fulfilled",
    Status.CANCELLED: "unfulfilled",
}
FLAGS = {"true": True, "false": False}
_ATTRIBUTES = attributes("Order")


async def create(tx: Tx, ctx: Context, call: Call) -> wire.Order:
    """``POST customers/{c}/orders``"""
    customer = await customers.lock(tx, ctx, call.path["customer_id"])
    request = request_from_wire(call.body, call.headers.get(wire.UPN_HEADER))
    return to_wire(await service.create(tx, ctx, customer, request), ctx)


async def list_orders(tx: Tx, ctx: Context, call: Call) -> Collection[wire.Order]:
    """``GET customers/{c}/orders``, with its filter by billing cycle."""
    customer = await customers.require(tx, ctx, call.path["customer_id"])
    with_prices = _wants_prices(ctx, call)
    cycle = billing_cycle_from_wire(call.query.get("billingType"), "billingType")
    found = await service.list_for_customer(tx, ctx, customer, cycle)
    items = [to_wire(order, ctx, with_prices=with_prices) for order in found]
    return collection(items, f"/customers/{customer.id}/orders")


async def get(tx: Tx, ctx: Context, call: Call) -> wire.Order:
    """``GET customers/{c}/orders/{o}``"""
    customer = await customers.require(tx, ctx, call.path["customer_id"])
    with_prices = _wants_prices(ctx, call)
    order = await service.get(tx, ctx, customer, call.path["order_id"])
    return to_wire(order, ctx, with_prices=with_prices)


async def patch(tx: Tx, ctx: Context, call: Call) -> wire.Order:
    """``PATCH customers/{c}/orders/{o}``: a part of the order, or the whole of it sent back changed."""
    customer = await customers.lock(tx, ctx, call.path["customer_id"])
    order = await service_patch.patch(tx, ctx, customer, call.path["order_id"], patch_from_wire(call.body))
    return to_wire(order, ctx)


async def provisioning_status(
    tx: Tx, ctx: Context, call: Call
) -> Collection[wire.OrderLineItemProvisioningStatus]:
    """``GET .../provisioningstatus``: independent of what publishers do."""
    _, order = await _require(tx, ctx, call)
    if order.status not in PROVISIONING:
        raise Refusal(Code.PROVISIONING_UNAVAILABLE)
    items = [_provisioning_to_wire(order, line) for line in order.lines]
    return collection(items, f"{_uri(order)}/provisioningstatus")


async def activation_links(tx: Tx, ctx: Context, call: Call) -> Collection[ActivationLinkItem]:
    """``GET .../activationlinks``: of every line that can be set up."""
    customer, order = await _require(tx, ctx, call)
    found = await service.activation_links(tx, ctx, customer, order.id)
    return _links_to_wire(found, f"{_uri(order)}/activationlinks")


async def line_activation_links(tx: Tx, ctx: Context, call: Call) -> Collection[ActivationLinkItem]:
    """``GET .../lineitems/{n}/activationlinks``: at most one."""
    customer, order = await _require(tx, ctx, call)
    number = _line_number(call.path["line_item_number"])
    found = await service.activation_links(tx, ctx, customer, order.id, number)
    return _links_to_wire(found, f"{_uri(order)}/lineitems/{number}/activationlinks")


async def attachments(tx: Tx, ctx: Context, call: Call) -> Collection[wire.OrderAttachment]:
    """``GET .../attachments``: always empty."""
    _, order = await _require(tx, ctx, call)
    return collection([], f"{_uri(order)}/attachments")


async def refuse_attachment(tx: Tx, ctx: Context, call: Call) -> NoReturn:
    """Adding and reading documents, which exist for large deals only."""
    await _require(tx, ctx, call)
    raise Refusal(Code.NOT_SUPPORTED, reason="orders here have no purchase-order documents.")


def to_wire(order: Order, ctx: Context, *, with_prices: bool = True) -> wire.Order:
    """An order as section 4.3 prints it, in the caller's vocabulary.

    Prices stay hidden from callers without the right to them, even where they are shown unasked.
    """
    has_prices = with_prices and visibility.may_see_prices(ctx.actor)
    return wire.Order(
        id=order.id,
        alternate_id=order.alternate_id,
        reference_customer_id=order.customer_id,
        billing_cycle=billing_cycle_to_wire(order.billing_cycle, ctx),
        currency_code=order.currency,
        currency_symbol=symbol(order.currency),
        line_items=[_line_to_wire(order, line, has_prices) for line in order.lines],
        creation_date=order.created_at,
        status=order.status.value,
        transaction_type=order.transaction_type.value,
        total_price=order.total_price if has_prices else UNSET,
        partner_on_record_attestation_accepted=UNSET if order.attestation is None else order.attestation,
        links=_links_of(order),
        attributes=_ATTRIBUTES,
    )


def pricing_to_wire(pricing: Pricing) -> wire.Pricing:
    """The five prices of a line."""
    return wire.Pricing(
        list_price=pricing.list_price,
        discounted_price=pricing.discounted_price,
        prorated_price=pricing.prorated_price,
        price=pricing.price,
        extended_price=pricing.extended_price,
    )


def billing_cycle_to_wire(cycle: BillingCycle, ctx: Context) -> str:
    """The cycle's word, ``unknown`` where the client would fail over it.

    A client that sends ``unknown`` back changes nothing.
    """
    return BillingCycle.UNKNOWN.value if ctx.strict and cycle in LATER_CYCLES else cycle.value


def billing_cycle_from_wire(value: str | int | None, member: str) -> BillingCycle | None:
    """The cycle that a client means; ``None`` where it is absent, blank or ``unknown``."""
    try:
        return reading.cycle(value)
    except UnknownValue as error:
        raise Refusal(Code.UNKNOWN_ENUM_VALUE, value=error.value, member=member) from error


def request_from_wire(body: wire.OrderBody | None, upn: str | None) -> OrderRequest:
    """What a POST asks for. A status, prices and ids that come along are ignored."""
    if body is None:
        raise Refusal(Code.INVALID_INPUT, reason="the request has no body.")
    lines = enumerate(body.line_items or [])
    return OrderRequest(
        lines=tuple(
            NumberedLine(line.line_item_number or 0, _line_from_wire(line, index)) for index, line in lines
        ),
        customer_id=optional_text(body.reference_customer_id),
        billing_cycle=billing_cycle_from_wire(body.billing_cycle, "billingCycle"),
        currency=optional_text(body.currency_code),
        attestation=body.partner_on_record_attestation_accepted,
        upn=upn,
    )


def patch_from_wire(body: wire.OrderBody | None) -> OrderPatch:
    """What a PATCH asks for. An order sent back as it was read asks for nothing."""
    if body is None:
        return OrderPatch()
    return OrderPatch(
        is_cancellation=_is_cancellation(body.status),
        billing_cycle=billing_cycle_from_wire(body.billing_cycle, "billingCycle"),
        lines=tuple(_echoed_from_wire(line, index) for index, line in enumerate(body.line_items or [])),
    )


async def _require(tx: Tx, ctx: Context, call: Call) -> tuple[Customer, Order]:
    customer = await customers.require(tx, ctx, call.path["customer_id"])
    return customer, await service.get(tx, ctx, customer, call.path["order_id"])


def _wants_prices(ctx: Context, call: Call) -> bool:
    text = call.query.get("include_price") or "false"
    wanted = FLAGS.get(text.strip().lower())
    if wanted is None:
        raise Refusal(Code.INVALID_PROPERTY, member="include_price", reason="true or false is expected.")
    if wanted and not visibility.may_see_prices(ctx.actor):
        raise Refusal(Code.PRICES_FORBIDDEN)
    return wanted


def _line_number(text: str) -> int:
    number = reading.count(text)
    if number is None:
        raise Refusal(Code.LINE_NUMBER_UNKNOWN, line_number=text[:100])
    return number


def _is_cancellation(status: str | int | None) -> bool:
    word = fold(str(status or ""))
    if word and word not in KNOWN_STATUSES:
        raise Refusal(Code.UNKNOWN_ENUM_VALUE, value=str(status)[:100], member="status")
    return word in CANCELLED_WORDS


def _echoed_from_wire(line: wire.OrderLineItemBody, index: int) -> EchoedLine:
    """A line with a parent and without a subscription of its own is one to buy."""
    is_purchase = text_from_wire(line.parent_subscription_id) and not text_from_wire(line.subscription_id)
    return EchoedLine(
        number=line.line_item_number or 0,
        offer_id=optional_text(line.offer_id),
        quantity=line.quantity,
        request=_line_from_wire(line, index) if is_purchase else None,
    )


def _line_from_wire(line: wire.OrderLineItemBody, index: int) -> LineRequest:
    offer_id = text_from_wire(line.offer_id)
    return LineRequest(
        catalog_item_id=offer_id,
        quantity=line.quantity or 0,
        term=_duration(line.term_duration, offer_id, f"lineItems[{index}].termDuration"),
        friendly_name=optional_text(line.friendly_name),
        renews_to=_duration(_renews_to(line, index), offer_id, f"lineItems[{index}].renewsTo"),
        participants=_participants(line),
        parent_subscription_id=optional_text(line.parent_subscription_id),
        attestation_accepted=line.attestation_accepted,
        promotion_id=optional_text(line.promotion_id),
        custom_term_end=line.custom_term_end_date,
        provisioning_context=line.provisioning_context or {},
    )


def _renews_to(line: wire.OrderLineItemBody, index: int) -> str | None:
    try:
        return reading.renewal_text(line.renews_to)
    except ValueError as error:
        member = f"lineItems[{index}].renewsTo"
        raise Refusal(Code.INVALID_PROPERTY, member=member, reason=str(error)) from error


def _duration(text: str | None, offer_id: str, member: str) -> Duration | None:
    """What cannot be read as a duration is a term that nobody offers."""
    try:
        return reading.duration(text)
    except ValueError as error:
        term = optional_text(text)
        raise Refusal(Code.TERM_NOT_OFFERED, term=term, offer_id=offer_id, member=member) from error


def _participants(line: wire.OrderLineItemBody) -> tuple[Participant, ...]:
    of_record = optional_text(line.partner_id_on_record)
    further = [optional_text(mpn_id) for mpn_id in line.additional_partner_ids_on_record or []]
    resellers = [] if of_record is None else [Participant(ParticipantKind.TRANSACTION_RESELLER, of_record)]
    resellers += [
        Participant(ParticipantKind.ADDITIONAL_TRANSACTION_RESELLER, mpn_id) for mpn_id in further if mpn_id
    ]
    return tuple(resellers)


def _uri(order: Order) -> str:
    return f"/customers/{order.customer_id}/orders/{order.id}"


def _links_of(order: Order) -> wire.OrderLinks:
    """What can still be done with the order; a cancelled one can only be read (section 4.7)."""
    uri = _uri(order)
    if order.status in {Status.CANCELLED, Status.ERROR}:
        return wire.OrderLinks(self_=link(uri))
    return wire.OrderLinks(
        self_=link(uri),
        provisioning_status=link(f"{uri}/provisioningstatus"),
        patch_operation=link(uri, "PATCH"),
    )


def _line_to_wire(order: Order, line: OrderLine, has_prices: bool) -> wire.OrderLineItem:
    attestation = line.attestation_accepted
    return wire.OrderLineItem(
        line_item_number=line.number,
        offer_id=line.catalog_item_id,
        subscription_id=line.subscription_id,
        parent_subscription_id=line.parent_subscription_id or UNSET,
        term_duration=str(line.term),
        renews_to=UNSET if line.renews_to is None else wire.RenewsTo(term_duration=str(line.renews_to)),
        transaction_type=NEW,
        friendly_name=line.friendly_name,
        quantity=line.quantity,
        pricing=pricing_to_wire(line.pricing) if has_prices else UNSET,
        partner_id_on_record=line.partner_mpn_id or UNSET,
        additional_partner_ids_on_record=line.additional_mpn_ids or UNSET,
        provisioning_context=_context_to_wire(line.provisioning_context),
        attestation_accepted=UNSET if attestation is None else attestation,
        links=_line_links(order, line),
    )


def _context_to_wire(context: Mapping[str, str]) -> Mapping[str, str] | UnsetType:
    return dict(context) if context else UNSET


def _line_links(order: Order, line: OrderLine) -> wire.OrderLineItemLinks:
    product_id, sku_id, availability_id = line.catalog_item_id.split(":")
    product, query = f"/products/{product_id}", f"?country={order.country}"
    sku = f"{product}/skus/{sku_id}"
    is_open = order.status in {Status.PENDING, Status.COMPLETED} and not line.is_cancelled
    is_provisioned = order.status in {Status.COMPLETED, Status.CANCELLED}
    return wire.OrderLineItemLinks(
        product=link(product + query),
        sku=link(sku + query),
        availability=link(f"{sku}/availabilities/{availability_id}{query}"),
        activation_links=(
            link(f"{_uri(order)}/lineitems/{line.number}/activationlinks") if is_open else UNSET
        ),
        subscription=(
            link(f"/customers/{order.customer_id}/subscriptions/{line.subscription_id}")
            if is_provisioned
            else UNSET
        ),
    )


def _provisioning_to_wire(order: Order, line: OrderLine) -> wire.OrderLineItemProvisioningStatus:
    status = PROVISIONING[Status.CANCELLED if line.is_cancelled else order.status]
    return wire.OrderLineItemProvisioningStatus(
        line_item_number=line.number,
        status=status,
        quantity_provisioning_information=[wire.QuantityProvisioning(quantity=line.quantity, status=status)],
    )


def _links_to_wire(found: Sequence[LineActivationLink], uri: str) -> Collection[ActivationLinkItem]:
    items = [ActivationLinkItem(line_item_number=each.line_number, link=link(each.uri)) for each in found]
    return collection(items, uri)


HANDLERS: Mapping[str, Handler] = {
    "orders.create": create,
    "orders.list": list_orders,
    "orders.get": get,
    "orders.patch": patch,
    "orders.provisioning_status": provisioning_status,
    "orders.activation_links": activation_links,
    "orders.line_activation_links": line_activation_links,
    "orders.attachments": attachments,
    "orders.attach": refuse_attachment,
    "orders.attachment": refuse_attachment,
}
