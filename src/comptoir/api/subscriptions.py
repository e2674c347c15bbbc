"""Subscriptions over HTTP: what the wire shows of them, and reading and activating them."""

from collections.abc import Mapping
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from msgspec import UNSET, UnsetType

from comptoir.api.call import Call, Handler
from comptoir.api.orders import billing_cycle_to_wire
from comptoir.api.reading import count_asked
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.customers import service as customers
from comptoir.customers.model import Customer
from comptoir.db import Tx
from comptoir.orders import service as orders
from comptoir.subscriptions import dates, rules, service
from comptoir.subscriptions.model import Status, Subscription
from comptoir.wire import subscriptions as wire
from comptoir.wire.types import Collection, Reply, attributes, collection, link

PRODUCT_TYPE = wire.ItemType(
    id="Azure", display_name="Azure", sub_type=wire.ItemType(id="SaaS", display_name="SaaS")
)
STRICT_STATUS = {
    Status.PENDING: "none",
    Status.ACTIVE: "active",
    Status.SUSPENDED: "suspended",
    Status.DELETED: "deleted",
    Status.EXPIRED: "deleted",
}
"""The four words that strict clients know: another one makes them lose the whole list
(``20-subscriptions-customers`` section 4.1)."""

CLIENTS_THAT_ACTIVATE_BY_GET = ("powershell", "open .net")
"""Parts of ``MS-PartnerCenter-Client``: the PowerShell module and the library that it is built on."""

GUID_LENGTH = 36
NOT_FOR_SAAS = "it is not made for software as a service."


async def list_subscriptions(tx: Tx, ctx: Context, call: Call) -> Collection[wire.Subscription]:
    """``GET customers/{c}/subscriptions``, with its filters by order and by reseller."""
    customer = await customers.require(tx, ctx, call.path["customer_id"])
    found = await service.list_for_customer(
        tx,
        ctx,
        customer.id,
        order_id=_order_id(call),
        mpn_id=call.query.get("mpn_id"),
        size=count_asked(call, "size"),
        offset=count_asked(call, "offset"),
    )
    return _collection(found, f"/customers/{customer.id}/subscriptions", customer, ctx)


async def get(tx: Tx, ctx: Context, call: Call) -> wire.Subscription:
    """``GET customers/{c}/subscriptions/{s}``"""
    customer, subscription = await _require(tx, ctx, call)
    return to_wire(subscription, customer, ctx)


async def activate(tx: Tx, ctx: Context, call: Call) -> wire.ActivationResult:
    """``POST customers/{c}/subscriptions/{s}/activate``; the body does not matter.

    Fulfilling the order may have activated the subscription already, if it needs no publisher.
    """
    customer = await customers.lock(tx, ctx, call.path["customer_id"])
    subscription = await service.get(tx, ctx, customer.id, call.path["subscription_id"])
    is_in_progress = False
    if subscription.status is Status.PENDING:
        is_in_progress = not await orders.fulfil_if_due(tx, ctx, customer, subscription.order_id)
        subscription = await service.get(tx, ctx, customer.id, subscription.id)
    active = await service.activate(tx, ctx, subscription, is_in_progress=is_in_progress)
    return wire.ActivationResult(subscription_id=active.id, status="Success")


async def activate_by_get(tx: Tx, ctx: Context, call: Call) -> wire.ActivationResult:
    """``GET .../activate``: for any client but PowerShell this path does not exist with GET."""
    client = (call.headers.get("MS-PartnerCenter-Client") or "").lower()
    if not any(name in client for name in CLIENTS_THAT_ACTIVATE_BY_GET):
        raise Refusal(Code.NOT_FOUND)
    return await activate(tx, ctx, call)


async def activation_links(tx: Tx, ctx: Context, call: Call) -> Collection[wire.ActivationLinkItem]:
    """``GET .../activationlinks``: the link of the order line that created the subscription."""
    customer, subscription = await _require(tx, ctx, call)
    found = await orders.activation_links(tx, ctx, customer, subscription.order_id, subscription.line_number)
    items = [
        wire.ActivationLinkItem(line_item_number=each.line_number, link=link(each.uri)) for each in found
    ]
    return collection(items, f"{_uri(subscription)}/activationlinks")


async def provisioning_status(tx: Tx, ctx: Context, call: Call) -> wire.ProvisioningStatus:
    """``GET .../provisioningstatus``: nothing is provisioned for an ended subscription."""
    _, subscription = await _require(tx, ctx, call)
    if subscription.is_ended:
        raise Refusal(Code.PROVISIONING_UNAVAILABLE)
    commitment_end = _last_day(subscription.term_end_at, subscription)
    return wire.ProvisioningStatus(
        sku_id=str(uuid5(NAMESPACE_URL, f"{subscription.product_id}:{subscription.sku_id}")),
        status="pending" if subscription.status is Status.PENDING else "success",
        quantity=subscription.quantity,
        end_date=commitment_end or subscription.term.after(subscription.created_at),
        attributes=attributes("SubscriptionProvisioningStatus"),
    )


async def registration_status(tx: Tx, ctx: Context, call: Call) -> wire.RegistrationStatus:
    """``GET .../registrationstatus``: only Azure reservations are ever registered."""
    _, subscription = await _require(tx, ctx, call)
    return wire.RegistrationStatus(
        subscription_id=subscription.id,
        status="NotRegistered",
        attributes=attributes("SubscriptionRegistrationStatus"),
    )


async def add_ons(tx: Tx, ctx: Context, call: Call) -> Collection[wire.Subscription]:
    """``GET .../addons``"""
    customer, subscription = await _require(tx, ctx, call)
    found = await service.list_for_customer(tx, ctx, customer.id, parent_subscription_id=subscription.id)
    return _collection(found, f"{_uri(subscription)}/addons", customer, ctx)


async def upgrades(tx: Tx, ctx: Context, call: Call) -> Collection[Reply]:
    """``GET .../upgrades``"""
    return await _nothing(tx, ctx, call, "upgrades")


async def transitions(tx: Tx, ctx: Context, call: Call) -> Collection[Reply]:
    """``GET .../transitions``"""
    return await _nothing(tx, ctx, call, "transitions")


async def transition_eligibilities(tx: Tx, ctx: Context, call: Call) -> Collection[Reply]:
    """``GET .../transitioneligibilities``"""
    return await _nothing(tx, ctx, call, "transitioneligibilities")


async def refuse(tx: Tx, ctx: Context, call: Call) -> None:
    """``POST`` of registrations, upgrades and transitions, which other kinds of products have."""
    await _require(tx, ctx, call)
    raise Refusal(Code.NOT_SUPPORTED, reason=NOT_FOR_SAAS)


def to_wire(subscription: Subscription, customer: Customer, ctx: Context) -> wire.Subscription:
    """A subscription as ``20-subscriptions-customers`` section 1 prints it, in the caller's vocabulary."""
    commitment_end = _last_day(subscription.term_end_at, subscription)
    cycle_end = _billing_cycle_end(subscription, ctx.now)
    refund_until = subscription.refund_until if rules.is_refundable(subscription, ctx.now) else None
    return wire.Subscription(
        id=subscription.id,
        offer_id=subscription.catalog_item_id,
        offer_name=subscription.offer_name,
        friendly_name=subscription.friendly_name,
        product_type=UNSET if ctx.strict else PRODUCT_TYPE,
        quantity=subscription.quantity,
        unit_type=subscription.unit_type,
        parent_subscription_id=subscription.parent_subscription_id or UNSET,
        has_purchasable_addons=False,
        creation_date=subscription.created_at,
        effective_start_date=subscription.started_at or UNSET,
        commitment_end_date=commitment_end or UNSET,
        commitment_end_date_time=UNSET if ctx.strict else commitment_end or UNSET,
        cancellation_allowed_until_date=refund_until or UNSET,
        billing_cycle_end_date=cycle_end or UNSET,
        billing_cycle_end_date_time=cycle_end or UNSET,
        status=status_to_wire(subscription.status, ctx),
        auto_renew_enabled=subscription.auto_renew,
        is_trial=subscription.is_trial,
        billing_type=subscription.billing_type.value,
        billing_cycle=billing_cycle_to_wire(subscription.billing_cycle, ctx),
        term_duration=str(subscription.term),
        renewal_term_duration=_renewal_term(subscription),
        refund_options=[wire.RefundOption(type="Full", expires_at=refund_until)] if refund_until else UNSET,
        is_microsoft_product=False,
        partner_id=subscription.partner_mpn_id or UNSET,
        attention_needed=subscription.status is Status.PENDING,
        action_taken=False,
        actions=_actions(subscription, ctx.now),
        suspension_reasons=_suspension_reasons(subscription),
        contract_type="subscription",
        publisher_name=subscription.publisher_name,
        order_id=subscription.order_id,
        links=_links(subscription, customer.country),
        attributes=attributes("Subscription", rules.etag(subscription)),
    )


def status_to_wire(status: Status, ctx: Context) -> str:
    """The status in the caller's vocabulary."""
    return STRICT_STATUS[status] if ctx.strict else status.value


def _links(subscription: Subscription, country: str) -> wire.SubscriptionLinks:
    product = f"/products/{subscription.product_id}"
    sku = f"{product}/skus/{subscription.sku_id}"
    availability = f"{sku}/availabilities/{subscription.availability_id}"
    is_pending = subscription.status is Status.PENDING
    return wire.SubscriptionLinks(
        product=link(f"{product}?country={country}"),
        sku=link(f"{sku}?country={country}"),
        availability=link(f"{availability}?country={country}"),
        activation_links=link(f"{_uri(subscription)}/activationlinks") if is_pending else UNSET,
        self_=link(_uri(subscription)),
    )


def _uri(subscription: Subscription) -> str:
    return f"/customers/{subscription.customer_id}/subscriptions/{subscription.id}"


def _collection(
    found: list[Subscription], uri: str, customer: Customer, ctx: Context
) -> Collection[wire.Subscription]:
    return collection([to_wire(each, customer, ctx) for each in found], uri)


def _actions(subscription: Subscription, now: datetime) -> list[str]:
    allowed = {"Edit": rules.is_editable(subscription), "Cancel": rules.is_cancellable(subscription, now)}
    return [action for action, is_allowed in allowed.items() if is_allowed]


def _renewal_term(subscription: Subscription) -> str | UnsetType:
    """The next term, where it is not simply the same again."""
    renews_to = subscription.renews_to or subscription.term
    return str(renews_to) if subscription.is_trial or renews_to != subscription.term else UNSET


def _suspension_reasons(subscription: Subscription) -> list[str] | UnsetType:
    if subscription.status not in {Status.SUSPENDED, Status.EXPIRED} or subscription.status_reason is None:
        return UNSET
    return [subscription.status_reason.value]


def _billing_cycle_end(subscription: Subscription, now: datetime) -> datetime | None:
    if subscription.status is not Status.ACTIVE:
        return None
    assert subscription.anchored_at is not None, subscription.id
    assert subscription.term_start_at is not None, subscription.id
    assert subscription.term_end_at is not None, subscription.id
    end = dates.billing_cycle_end(
        subscription.anchored_at,
        subscription.term_start_at,
        subscription.term_end_at,
        subscription.billing_cycle,
        now,
    )
    return _last_day(end, subscription)


def _last_day(end_at: datetime | None, subscription: Subscription) -> datetime | None:
    if end_at is None or subscription.anchored_at is None:
        return None
    return dates.last_day(end_at, subscription.anchored_at)


async def _require(tx: Tx, ctx: Context, call: Call) -> tuple[Customer, Subscription]:
    customer = await customers.require(tx, ctx, call.path["customer_id"])
    return customer, await service.get(tx, ctx, customer.id, call.path["subscription_id"])


async def _nothing(tx: Tx, ctx: Context, call: Call, name: str) -> Collection[Reply]:
    _, subscription = await _require(tx, ctx, call)
    return collection([], f"{_uri(subscription)}/{name}")


def _order_id(call: Call) -> str | None:
    """Order ids are case-sensitive; those of the GUID form, which are the longer ones, are not."""
    order_id = call.query.get("order_id")
    if order_id is None:
        return None
    return order_id.lower() if len(order_id) == GUID_LENGTH else order_id


HANDLERS: Mapping[str, Handler] = {
    "subscriptions.list": list_subscriptions,
    "subscriptions.get": get,
    "subscriptions.activate": activate,
    "subscriptions.activate_by_get": activate_by_get,
    "subscriptions.activation_links": activation_links,
    "subscriptions.provisioning_status": provisioning_status,
    "subscriptions.registration_status": registration_status,
    "subscriptions.register": refuse,
    "subscriptions.add_ons": add_ons,
    "subscriptions.upgrades": upgrades,
    "subscriptions.upgrade": refuse,
    "subscriptions.transition_eligibilities": transition_eligibilities,
    "subscriptions.transitions": transitions,
    "subscriptions.transition": refuse,
}
