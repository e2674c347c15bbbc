"""What an operator does for developers of a publisher's site."""

from collections.abc import Awaitable, Callable, Mapping

from msgspec import UNSET

from comptoir.api.call import Call, Handler
from comptoir.api.orders import billing_cycle_from_wire
from comptoir.api.reading import duration, optional_text, text_from_wire
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.terms import Duration
from comptoir.db import Tx
from comptoir.fulfillment import rehearsal
from comptoir.fulfillment import service_rehearsal as service
from comptoir.fulfillment.model import SAAS_STATUS, ChangeRequest
from comptoir.wire import rehearsal as wire

SANDBOX = "sandbox"
Act = Callable[[Tx, Context, str], Awaitable[rehearsal.Rehearsed]]


async def purchase(tx: Tx, ctx: Context, call: Call) -> wire.RehearsedSubscription:
    return to_wire(await service.purchase(tx, ctx, from_wire(call.body or wire.PurchaseBody())))


async def change_plan(tx: Tx, ctx: Context, call: Call) -> wire.RehearsedSubscription:
    plan_id = text_from_wire((call.body or wire.ChangePlanBody()).plan_id)
    if not plan_id:
        raise Refusal(Code.INVALID_PROPERTY, member="planId", reason="it is missing.")
    wanted = ChangeRequest(plan_id=plan_id)
    return to_wire(await service.change(tx, ctx, call.path["subscription_id"], wanted))


async def change_quantity(tx: Tx, ctx: Context, call: Call) -> wire.RehearsedSubscription:
    quantity = (call.body or wire.ChangeQuantityBody()).quantity
    if quantity is None:
        raise Refusal(Code.INVALID_PROPERTY, member="quantity", reason="it is missing.")
    wanted = ChangeRequest(quantity=quantity, has_quantity=True)
    return to_wire(await service.change(tx, ctx, call.path["subscription_id"], wanted))


def _simple(act: Act) -> Handler:
    """A handler of what needs nothing but a subscription."""

    async def handle(tx: Tx, ctx: Context, call: Call) -> wire.RehearsedSubscription:
        return to_wire(await act(tx, ctx, call.path["subscription_id"]))

    return handle


HANDLERS: Mapping[str, Handler] = {
    "operator.purchase": purchase,
    "operator.link": _simple(service.link),
    "operator.suspend": _simple(service.suspend),
    "operator.reinstate": _simple(service.reinstate),
    "operator.renew": _simple(service.renew),
    "operator.change_plan": change_plan,
    "operator.change_quantity": change_quantity,
    "operator.unsubscribe": _simple(service.unsubscribe),
}


def from_wire(body: wire.PurchaseBody) -> rehearsal.PurchaseWanted:
    """The purchase that a body asks for. Which plan there is, is for the catalogue to say."""
    plan = rehearsal.PlanWanted(
        product_id=text_from_wire(body.product_id),
        sku_id=text_from_wire(body.sku_id),
        publisher_id=text_from_wire(body.publisher_id),
        offer_id=text_from_wire(body.offer_id),
        plan_id=text_from_wire(body.plan_id),
        is_trial=body.is_trial is True,
    )
    return rehearsal.PurchaseWanted(
        account_name=text_from_wire(body.account) or SANDBOX,
        plan=plan,
        customer_id=optional_text(body.customer_id),
        quantity=body.quantity,
        term=_term(body.term),
        billing_cycle=billing_cycle_from_wire(body.billing_cycle, "billingCycle"),
        friendly_name=optional_text(body.friendly_name),
    )


def _term(text: str | None) -> Duration | None:
    try:
        return duration(text)
    except ValueError as error:
        raise Refusal(
            Code.INVALID_PROPERTY, member="term", reason="it is no duration such as P1M."
        ) from error


def to_wire(done: rehearsal.Rehearsed) -> wire.RehearsedSubscription:
    subscription, operation = done.subscription, done.operation
    return wire.RehearsedSubscription(
        account=done.account.name,
        tenant_id=done.account.id,
        customer_id=subscription.customer_id,
        order_id=subscription.order_id,
        subscription_id=subscription.id,
        publisher_id=subscription.publisher_id,
        offer_id=done.plan.product.offer_id,
        plan_id=done.plan.sku.plan_id,
        product_id=subscription.product_id,
        sku_id=subscription.sku_id,
        is_trial=subscription.is_trial,
        quantity=subscription.quantity,
        term=str(subscription.term),
        status=subscription.status,
        saas_status=SAAS_STATUS[subscription.status],
        is_seen_by_publisher=done.account.is_seen_by_publishers,
        operation=UNSET
        if operation is None
        else wire.RehearsalOperation(id=operation.id, action=operation.action, status=operation.status),
        activation_link=UNSET if done.link is None else done.link,
    )
