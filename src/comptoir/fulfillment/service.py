"""Operations: begun by either side, put before the publisher, answered by it, and what follows from that.

Every change that a publisher may refuse is an operation first; the subscription changes when the operation
succeeds, in the same transaction. What a publisher cannot refuse happens, and it is told (``follow``).
Source: ``40-publisher-fulfillment-metering`` sections 4, 5 and 9.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from comptoir.audit import service as audit
from comptoir.audit.model import Action as Act
from comptoir.catalog import service as catalog
from comptoir.catalog.model import Plan
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal, Refused, Unsettled
from comptoir.core.ids import derived_guid
from comptoir.customers import service as customers
from comptoir.db import Database, Tx
from comptoir.delivery import service as delivery
from comptoir.delivery.model import Delivery, Outcome, State
from comptoir.fulfillment import payload, rules, store
from comptoir.fulfillment import service_purchases as purchases
from comptoir.fulfillment.model import (
    Acknowledged,
    Acknowledgement,
    ChangeRequest,
    Operation,
    OperationAction,
    OperationDraft,
    OperationEvent,
    OperationStatus,
    Source,
    Started,
)
from comptoir.subscriptions import service as subscriptions
from comptoir.subscriptions import service_patch
from comptoir.subscriptions.model import (
    StatusReason,
    Subscription,
    SubscriptionChanged,
    SubscriptionPatch,
)

KIND = "saas_operation"
"""The kind of deliveries that carry operations: one queue for each subscription, an operation as subject."""

LAPSED_MAX = 100
"""Windows that one look at them closes."""

UNSETTLED_RETRY = timedelta(seconds=1)
BROKEN_RETRY = timedelta(minutes=1)
RENEWALS = frozenset({Act.RENEW_SUBSCRIPTION, Act.CONVERT_TRIAL_SUBSCRIPTION})

log = logging.getLogger("comptoir.fulfillment")


class Write(Protocol):
    """Runs work in a transaction of its own."""

    async def __call__(self, work: Callable[[Tx], Awaitable[None]], /) -> None: ...


# Asked for by the publisher


async def change(
    tx: Tx, ctx: Context, publisher_id: str, subscription_id: str, request: ChangeRequest
) -> Operation:
    """The publisher asks for another plan or another quantity (section 3.7)."""
    purchase = await purchases.require(tx, ctx, publisher_id, subscription_id, is_locked=True)
    rules.require_one_change(request)
    is_open = bool(await store.list_open(tx, purchase.ctx.account.id, purchase.subscription.id))
    rules.require_change(purchase.subscription, purchase.ctx.account, has_open=is_open)
    draft = await drafted(tx, purchase, request, Source.PARTNER)
    started = await start(tx, purchase.ctx, purchase.subscription, purchase.plan, draft)
    return started.operation


async def drafted(tx: Tx, found: purchases.Found, request: ChangeRequest, source: Source) -> OperationDraft:
    """The operation that a request for a change is, if the purchase can have it (3.7, reasons 5 to 7)."""
    subscription, plan = found.subscription, found.plan
    if request.plan_id is None:
        quantity = rules.require_quantity(subscription, plan, request.quantity)
        return OperationDraft(OperationAction.CHANGE_QUANTITY, source, plan.sku.plan_id, quantity)
    on_sale = await purchases.plans_on_sale(tx, found)
    listed, _term = rules.plan_to_change_to(subscription, on_sale, plan, request.plan_id)
    return OperationDraft(
        OperationAction.CHANGE_PLAN,
        source,
        listed.plan.sku.plan_id,
        subscription.quantity if plan.is_per_seat else None,
        catalog_item_id=listed.catalog_item_id,
    )


async def cancel(tx: Tx, ctx: Context, publisher_id: str, subscription_id: str) -> Operation:
    """The publisher ends the purchase at once and for good (section 3.8)."""
    found = await purchases.require(tx, ctx, publisher_id, subscription_id, is_locked=True)
    rules.require_cancellation(found.subscription, found.ctx.account)
    draft = rules.draft_of(OperationAction.UNSUBSCRIBE, found.subscription, found.plan, Source.PARTNER)
    operation = rules.started(draft, found.subscription, found.plan, found.ctx)
    await _insert(tx, found.ctx, operation)
    await subscriptions.cancel(tx, found.ctx, found.subscription, StatusReason.CANCELLED_BY_PUBLISHER)
    return operation


async def list_open(tx: Tx, ctx: Context, publisher_id: str, subscription_id: str) -> list[Operation]:
    """The operations of a purchase that wait for their end (section 4.1)."""
    found = await purchases.require(tx, ctx, publisher_id, subscription_id)
    return await store.list_open(tx, found.ctx.account.id, found.subscription.id)


async def get(tx: Tx, ctx: Context, publisher_id: str, subscription_id: str, operation_id: str) -> Operation:
    """One operation of a purchase, whatever its status (section 4.2)."""
    found = await purchases.require(tx, ctx, publisher_id, subscription_id)
    return await _require(tx, found, operation_id)


async def acknowledge(
    tx: Tx, ctx: Context, publisher_id: str, subscription_id: str, said: Acknowledged
) -> Refused | None:
    """The publisher says whether it has done what an operation asks for (section 4.3).

    ``Refused``, and the failed operation kept, where it has and we cannot follow any more.
    """
    found = await purchases.require(tx, ctx, publisher_id, subscription_id, is_locked=True)
    operation = await _require(tx, found, said.operation_id)
    answer = rules.answer_of(said)
    is_news = rules.is_news(operation, answer)
    rules.require_same_values(operation, said)
    if not is_news:
        return None
    if operation.acknowledged_until is None:
        log.warning("operation %s was acknowledged before its webhook was answered", operation.id)
    if answer is Acknowledgement.FAILURE:
        await fail(tx, found.ctx, operation, status="Failure", message="The publisher reported a failure.")
        return None
    closed = await accept(tx, found.ctx, operation, found.subscription, found.plan)
    if closed.error_status is None:
        return None
    return Refused(Refusal(Code.OPERATION_CLOSED, operation_id=operation.id, status=closed.status.value))


async def _require(tx: Tx, found: purchases.Found, operation_id: str) -> Operation:
    operation = None
    if operation_id.isprintable():
        operation = await store.get(tx, found.ctx.account.id, found.subscription.id, operation_id.lower())
    if operation is None:
        raise Refusal(Code.OPERATION_NOT_FOUND, operation_id=operation_id[:100])
    return operation


# The life of an operation


async def has_open(tx: Tx, ctx: Context, subscription: Subscription) -> bool:
    """Whether something waits for the publisher's answer."""
    return bool(await store.list_open(tx, ctx.account.id, subscription.id))


async def start(
    tx: Tx, ctx: Context, subscription: Subscription, plan: Plan, draft: OperationDraft
) -> Started:
    """Put a change before the publisher; where nobody is there to be asked, it is done at once.

    The caller holds the customer's lock and has found no other operation open.
    """
    operation = rules.started(draft, subscription, plan, ctx)
    await _insert(tx, ctx, operation)
    if not rules.has_loop(ctx.account, plan):
        return Started(await accept(tx, ctx, operation, subscription, plan), None)
    return Started(operation, await _tell(tx, ctx, operation, subscription, plan))


async def accept(
    tx: Tx, ctx: Context, operation: Operation, subscription: Subscription, plan: Plan
) -> Operation:
    """Do what an open operation asks for; it fails if that has become impossible meanwhile."""
    if rules.coincides(operation, subscription, plan):
        return await _close(tx, ctx, rules.closed(operation, OperationEvent.COINCIDE, ctx.now))
    try:
        async with tx.savepoint():
            await _EFFECTS[operation.action](tx, ctx, operation, subscription)
    except Refusal as refusal:
        return await fail(tx, ctx, operation, status=refusal.code.name, message=refusal.description)
    return await _close(tx, ctx, rules.closed(operation, OperationEvent.ACCEPT, ctx.now))


async def fail(
    tx: Tx, ctx: Context, operation: Operation, *, status: str, message: str, is_superseded: bool = False
) -> Operation:
    """Give an open operation up; the subscription stays as it is."""
    failed = rules.refused(operation, ctx.now, status=status, message=message, is_superseded=is_superseded)
    return await _close(tx, ctx, failed)


async def _insert(tx: Tx, ctx: Context, operation: Operation) -> None:
    await store.insert(tx, operation)
    _record(tx, ctx, Act.START_OPERATION, operation)


async def _close(tx: Tx, ctx: Context, operation: Operation) -> Operation:
    await store.update(tx, operation)
    _record(tx, ctx, Act.CLOSE_OPERATION, operation)
    return operation


async def _change_quantity(tx: Tx, ctx: Context, operation: Operation, subscription: Subscription) -> None:
    wanted = operation.patch or SubscriptionPatch(quantity=operation.quantity)
    await service_patch.patch(tx, ctx, subscription, wanted, is_in_progress=False)


async def _change_plan(tx: Tx, ctx: Context, operation: Operation, subscription: Subscription) -> None:
    assert operation.catalog_item_id is not None, operation.id
    offer = (await catalog.offers(tx, [operation.catalog_item_id])).get(operation.catalog_item_id)
    term = None if offer is None else rules.like_term(subscription, offer.terms)
    if offer is None or term is None:
        raise Refusal(Code.PLAN_NOT_AVAILABLE, plan_id=operation.plan_id)
    await subscriptions.change_plan(tx, ctx, subscription, offer, term)


async def _reinstate(tx: Tx, ctx: Context, operation: Operation, subscription: Subscription) -> None:
    await subscriptions.reinstate(tx, ctx, subscription)


_EFFECTS: dict[OperationAction, Callable[[Tx, Context, Operation, Subscription], Awaitable[None]]] = {
    OperationAction.CHANGE_QUANTITY: _change_quantity,
    OperationAction.CHANGE_PLAN: _change_plan,
    OperationAction.REINSTATE: _reinstate,
}
"""What the success of an operation does to the subscription."""


# Told to the publisher


async def follow(tx: Tx, change: SubscriptionChanged) -> None:
    """Tell the publisher what has happened to a subscription, and end what cannot go on beside it (5.4)."""
    ctx = change.ctx
    if not ctx.account.is_seen_by_publishers:
        return
    action = rules.notice_of(change.before, change.after, is_renewal=change.act in RENEWALS)
    if action is None:
        return
    if action is not OperationAction.RENEW:
        await _supersede(tx, ctx, change.after, action)
    plan = await purchases.plan_of(tx, change.after)
    if rules.has_loop(ctx.account, plan):
        await _notify(tx, change, action, plan)


async def _supersede(tx: Tx, ctx: Context, subscription: Subscription, action: OperationAction) -> None:
    for operation in await store.list_open(tx, ctx.account.id, subscription.id):
        message = f"The subscription was changed meanwhile: {action.value}."
        await fail(tx, ctx, operation, status="Superseded", message=message, is_superseded=True)


async def _notify(tx: Tx, change: SubscriptionChanged, action: OperationAction, plan: Plan) -> None:
    """Send what is final already. A cancellation by the publisher has its operation."""
    ctx, after = change.ctx, change.after
    key = (ctx.account.id, after.customer_id, after.id)
    was_resolved = change.before.started_at is not None or await store.was_resolved(tx, *key)
    if not rules.is_told(action, change.before, was_resolved=was_resolved):
        return
    own = None
    if action is OperationAction.UNSUBSCRIBE:
        own = await store.find_action(tx, ctx.account.id, after.id, action)
    if own is None:
        draft = rules.draft_of(action, after, plan, Source.AZURE)
        operation_id = derived_guid(after.id, action.value, str(after.version))
        own = rules.started(replace(draft, id=operation_id), after, plan, ctx)
        await _insert(tx, ctx, own)
    await _tell(tx, ctx, own, after, plan)


async def _tell(tx: Tx, ctx: Context, operation: Operation, subscription: Subscription, plan: Plan) -> str:
    """Order the webhook of an operation; ``subscription`` is what it shows. The delivery's id."""
    target = await delivery.publisher_target(tx, operation.product_id)
    assert target is not None, operation.product_id
    purchase = await purchases.view(tx, ctx, subscription, plan)
    return await delivery.enqueue(
        tx,
        ctx,
        queue=subscription.id,
        kind=KIND,
        subject_id=operation.id,
        target=target,
        body=payload.body(operation, purchase),
        is_refusable=not operation.is_notify_only,
    )


# Heard from the delivery


async def on_begun(tx: Tx, ctx: Context, sent: Delivery) -> str | None:
    """The webhook of an operation is on its way, unless that has failed meanwhile: then why it is not sent.

    What the operator has ordered anew is sent nevertheless.
    """
    operation = await _operation_of(tx, ctx, sent)
    if operation is None:
        return None
    if operation.is_open:
        await store.update(tx, rules.begun(operation))
    elif operation.status is OperationStatus.FAILED and sent.attempts_before == 0:
        return f"its operation has failed: {operation.error_message}"
    return None


async def on_ended(tx: Tx, ctx: Context, sent: Delivery, outcome: Outcome) -> None:
    """The publisher has taken the webhook of an operation, has refused it, or was never reached (5.3)."""
    operation = await _operation_of(tx, ctx, sent)
    if operation is None or not operation.is_open:
        return
    status = "" if outcome.status is None else str(outcome.status)
    match outcome.state:
        case State.DELIVERED:
            window = timedelta(seconds=ctx.account.settings.ack_window_seconds)
            await store.update(tx, rules.awaiting(operation, ctx.wall + window))
        case State.REFUSED:
            message = "The publisher refused the change."
            await fail(tx, ctx, operation, status=status, message=message)
        case _:
            message = "The publisher could not be reached."
            await fail(tx, ctx, operation, status=status or "Unreachable", message=message)


async def _operation_of(tx: Tx, ctx: Context, sent: Delivery) -> Operation | None:
    """The operation that a delivery carries, with its customer locked as for every change of it."""
    operation = await store.get(tx, ctx.account.id, sent.queue, sent.subject_id)
    if operation is None:
        return None
    await customers.seize(tx, operation.customer_id)
    return await store.get(tx, ctx.account.id, sent.queue, sent.subject_id)


async def close_lapsed(
    database: Database, wall: datetime, make_context: delivery.MakeContext
) -> datetime | None:
    """Accept what publishers have taken without a word; when the next window ends (section 5.3)."""
    for operation in await database.read(partial(store.list_lapsed, wall=wall, most=LAPSED_MAX)):
        await close_silent(database.write, operation, wall, make_context)
    return await database.read(store.next_lapse)


async def close_silent(
    write: Write, lapsed: Operation, wall: datetime, make_context: delivery.MakeContext
) -> None:
    """Accept an operation whose window has ended, in a transaction of its own.

    Where that fails it is passed over for a while, and the others go on: for a moment where the account has
    overdue work, which comes first.
    """
    try:
        await write(partial(_accept_lapsed, wall=wall, make_context=make_context, lapsed=lapsed))
    except (Unsettled, Refusal):
        pause = UNSETTLED_RETRY
    except Exception:
        log.exception("operation %s was taken in silence and could not be accepted", lapsed.id)
        pause = BROKEN_RETRY
    else:
        return
    await write(partial(store.postpone_lapse, operation=lapsed, wall=wall, until=wall + pause))


async def _accept_lapsed(
    tx: Tx, wall: datetime, make_context: delivery.MakeContext, lapsed: Operation
) -> None:
    ctx = await make_context(tx, lapsed.account_id, wall)
    await customers.seize(tx, lapsed.customer_id)
    operation = await store.get(tx, ctx.account.id, lapsed.subscription_id, lapsed.id)
    if operation is None or operation.acknowledged_until is None or operation.acknowledged_until > wall:
        return
    key = (lapsed.customer_id, lapsed.subscription_id)
    subscription = await subscriptions.get(tx, ctx, *key)
    await accept(tx, ctx, operation, subscription, await purchases.plan_of(tx, subscription))


def _record(tx: Tx, ctx: Context, action: Act, operation: Operation) -> None:
    audit.record(
        tx,
        ctx,
        action,
        subject_kind="subscription",
        subject_id=operation.subscription_id,
        customer_id=operation.customer_id,
        after={
            "operationId": operation.id,
            "action": operation.action.value,
            "source": operation.source.value,
            "status": operation.status.value,
            "planId": operation.plan_id,
            "quantity": operation.quantity,
            "errorStatus": operation.error_status,
        },
    )
