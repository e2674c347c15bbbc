"""The operator buys, suspends, renews and so on, for developers of a publisher's site.

Everything goes the way that a partner's own calls go, so that webhooks and billing follow.
"""

from collections.abc import Awaitable, Callable

from comptoir.catalog import service as catalog
from comptoir.catalog.model import Availability, Plan
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.customers import service as customers
from comptoir.customers.model import Customer
from comptoir.db import Tx
from comptoir.fulfillment import rehearsal, service_partner
from comptoir.fulfillment import service_purchases as purchases
from comptoir.fulfillment.model import ChangeRequest, Started
from comptoir.fulfillment.rehearsal import PurchaseWanted, Rehearsed
from comptoir.identity import service as identity
from comptoir.orders import service as orders
from comptoir.orders.model import LineRequest, NumberedLine, OrderRequest
from comptoir.subscriptions import service as subscriptions
from comptoir.subscriptions.model import StatusReason, Subscription

Act = Callable[[Tx, Context, Subscription], Awaitable[Subscription]]


async def purchase(tx: Tx, ctx: Context, wanted: PurchaseWanted) -> Rehearsed:
    """Buy one plan for a customer of an account, and complete the order where its time has come."""
    account = (await identity.require_account(tx, wanted.account_name)).account
    own = await identity.in_account(tx, ctx, account.id)
    plan = await _plan(tx, wanted)
    customer, availability = await _buyer(tx, own, plan, wanted)
    request = _order(plan, availability, wanted)
    order = await orders.create(tx, own, customer, request)
    await orders.fulfil_if_due(tx, own, customer, order.id)
    (bought,) = await subscriptions.list_for_order(tx, own, customer.id, order.id)
    link = await subscriptions.activation_link(
        tx, own, bought, alternate_id=order.alternate_id, line_number=bought.line_number
    )
    return Rehearsed(own.account, bought, plan, link=link)


async def link(tx: Tx, ctx: Context, subscription_id: str) -> Rehearsed:
    """A new activation link of a subscription; without one where there is nothing to set up."""
    own, subscription = await _found(tx, ctx, subscription_id)
    customer = await customers.known(tx, own, subscription.customer_id)
    order = await orders.get(tx, own, customer, subscription.order_id)
    made = await subscriptions.activation_link(
        tx, own, subscription, alternate_id=order.alternate_id, line_number=subscription.line_number
    )
    return Rehearsed(own.account, subscription, await purchases.plan_of(tx, subscription), link=made)


async def suspend(tx: Tx, ctx: Context, subscription_id: str) -> Rehearsed:
    """The payment is missing."""
    return await _act(tx, ctx, subscription_id, _suspend)


async def renew(tx: Tx, ctx: Context, subscription_id: str) -> Rehearsed:
    """The running term ends, and the next one starts."""
    return await _act(tx, ctx, subscription_id, subscriptions.renew_now)


async def unsubscribe(tx: Tx, ctx: Context, subscription_id: str) -> Rehearsed:
    """The partner cancels, whatever its refund window says."""
    return await _act(tx, ctx, subscription_id, _cancel)


async def reinstate(tx: Tx, ctx: Context, subscription_id: str) -> Rehearsed:
    """The payment has come: the publisher is asked."""
    own, subscription = await _found(tx, ctx, subscription_id)
    started = await service_partner.request_reinstatement(tx, own, subscription.customer_id, subscription.id)
    return await _begun(tx, own, subscription, started)


async def change(tx: Tx, ctx: Context, subscription_id: str, wanted: ChangeRequest) -> Rehearsed:
    """Another plan, or another quantity: the publisher is asked."""
    own, subscription = await _found(tx, ctx, subscription_id)
    started = await service_partner.request_change(tx, own, subscription.customer_id, subscription.id, wanted)
    return await _begun(tx, own, subscription, started)


async def _suspend(tx: Tx, ctx: Context, subscription: Subscription) -> Subscription:
    return await subscriptions.suspend(tx, ctx, subscription, StatusReason.PAYMENT_DEFAULT)


async def _cancel(tx: Tx, ctx: Context, subscription: Subscription) -> Subscription:
    return await subscriptions.cancel(tx, ctx, subscription, StatusReason.CANCELLED_BY_PARTNER)


async def _act(tx: Tx, ctx: Context, subscription_id: str, act: Act) -> Rehearsed:
    """What happens at once, and the publisher is told of."""
    own, found = await _found(tx, ctx, subscription_id)
    await customers.seize(tx, found.customer_id)
    subscription = await subscriptions.get(tx, own, found.customer_id, found.id)
    after = await act(tx, own, subscription)
    return Rehearsed(own.account, after, await purchases.plan_of(tx, after))


async def _begun(tx: Tx, ctx: Context, before: Subscription, started: Started) -> Rehearsed:
    after = await subscriptions.get(tx, ctx, before.customer_id, before.id)
    return Rehearsed(ctx.account, after, await purchases.plan_of(tx, after), started.operation)


async def _found(tx: Tx, ctx: Context, subscription_id: str) -> tuple[Context, Subscription]:
    """The context of the subscription's account, and the subscription. Raises ``SUBSCRIPTION_NOT_FOUND``."""
    found = None
    if subscription_id.isprintable():
        found = await subscriptions.get_by_id(tx, subscription_id.lower())
    if found is None:
        raise Refusal(Code.SUBSCRIPTION_NOT_FOUND, subscription_id=subscription_id[:100])
    account_id, subscription = found
    return await identity.in_account(tx, ctx, account_id), subscription


async def _plan(tx: Tx, wanted: PurchaseWanted) -> Plan:
    """Raises ``NAME_UNKNOWN`` for a plan that the catalogue does not have."""
    plan = wanted.plan
    product_id = plan.product_id.upper()
    if not product_id:
        ids = (plan.publisher_id.lower(), plan.offer_id.lower(), plan.plan_id.lower())
        paid = await catalog.paid_sku(tx, *ids)
        product_id = "" if paid is None else paid.product_id
    found = rehearsal.plan_among(await catalog.plans(tx, product_id), plan)
    if found is None:
        raise Refusal(Code.NAME_UNKNOWN, kind="plan", name=plan)
    return found


async def _buyer(tx: Tx, ctx: Context, plan: Plan, wanted: PurchaseWanted) -> tuple[Customer, Availability]:
    """Who buys, and what is sold there: the customer that is named, else the first who can."""
    if wanted.customer_id is not None:
        customer = await customers.lock(tx, ctx, wanted.customer_id)
        sold = await catalog.sold_in(tx, plan, customer.country, ctx.account.id)
        if not sold:
            raise Refusal(Code.OFFER_NOT_IN_COUNTRY, offer_id=wanted.plan, country=customer.country)
        return customer, sold[0]
    needs_agreement = ctx.account.settings.require_customer_agreement
    standings = await customers.list_for_cli(tx, ctx.account.id)
    for standing in standings[: rehearsal.CUSTOMERS_MAX]:
        sold = await catalog.sold_in(tx, plan, standing.country, ctx.account.id)
        if sold and (standing.has_agreement or not needs_agreement):
            return await customers.lock(tx, ctx, standing.id), sold[0]
    raise Refusal(
        Code.NAME_UNKNOWN, kind=f"customer of account {ctx.account.name}", name="who can buy this plan"
    )


def _order(plan: Plan, availability: Availability, wanted: PurchaseWanted) -> OrderRequest:
    """The order of one line. Raises ``TERM_NOT_OFFERED``."""
    term = rehearsal.term_among(availability, wanted)
    if term is None:
        raise Refusal(Code.TERM_NOT_OFFERED, term=wanted.term, offer_id=availability.catalog_item_id)
    line = LineRequest(
        catalog_item_id=availability.catalog_item_id,
        quantity=rehearsal.quantity_of(plan, wanted),
        term=term.duration,
        friendly_name=wanted.friendly_name,
        attestation_accepted=True,
    )
    return OrderRequest((NumberedLine(0, line),), billing_cycle=term.billing_cycle, attestation=True)
