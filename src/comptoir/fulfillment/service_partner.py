"""The marketplace's side asks for a change: the partner by a PATCH, the operator (sections 5.4 and 9)."""

from dataclasses import replace
from typing import NamedTuple

from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import derived_guid
from comptoir.customers import service as customers
from comptoir.db import Tx
from comptoir.fulfillment import rules, service, store
from comptoir.fulfillment import service_purchases as purchases
from comptoir.fulfillment.model import (
    ChangeRequest,
    Operation,
    OperationAction,
    OperationDraft,
    OperationStatus,
    Source,
    Started,
)
from comptoir.subscriptions import service as subscriptions
from comptoir.subscriptions import service_patch
from comptoir.subscriptions.model import Status, Subscription, SubscriptionPatch


class Answered(NamedTuple):
    """An operation as it is now, and its subscription."""

    operation: Operation
    subscription: Subscription


class _NeedsConsent(Exception):
    """Undoes a change that the publisher is to be asked about first."""

    def __init__(self, action: OperationAction, quantity: int, patch: SubscriptionPatch) -> None:
        self.action = action
        self.quantity = quantity
        self.patch = patch
        super().__init__(action)


async def patch(
    tx: Tx, ctx: Context, subscription: Subscription, wanted: SubscriptionPatch, *, is_in_progress: bool
) -> Subscription | Started:
    """Change a subscription as ``service_patch.patch`` does, or ask its publisher whether it may be.

    Everything that would refuse the change refuses it before anybody is asked. While something waits for the
    publisher nothing else is changed (row 22), but what wins over it. The caller holds the customer's lock.
    A call that is repeated because its answer was lost finds what it has begun.
    """
    operation_id, begun = await _begun(tx, ctx, subscription, wanted)
    if begun is not None:
        return Started(begun, None)
    try:
        async with tx.savepoint():
            changed = await service_patch.patch(tx, ctx, subscription, wanted, is_in_progress=is_in_progress)
            await _require_no_question(tx, ctx, subscription, changed, wanted)
        return changed
    except _NeedsConsent as needed:
        return await _ask(tx, ctx, subscription, needed, operation_id)


async def _begun(
    tx: Tx, ctx: Context, subscription: Subscription, wanted: SubscriptionPatch
) -> tuple[str, Operation | None]:
    """The operation that this very call has begun, and its id; else the id of the one that it may begin.

    What was refused, or has come to its end long ago, is judged afresh.
    """
    operation_id = derived_guid(
        ctx.account.id, ctx.actor.application_id, subscription.id, ctx.request_id, repr(wanted)
    )
    while ctx.account.is_seen_by_publishers:
        begun = await store.get(tx, ctx.account.id, subscription.id, operation_id)
        if begun is None or rules.answers_again(begun, ctx.now):
            return operation_id, begun
        operation_id = derived_guid(operation_id, "again")
    return operation_id, None


async def _require_no_question(
    tx: Tx, ctx: Context, before: Subscription, after: Subscription, wanted: SubscriptionPatch
) -> None:
    if after == before or rules.wins(after) or not ctx.account.is_seen_by_publishers:
        return
    if await service.has_open(tx, ctx, before):
        raise Refusal(Code.NOT_READY, subscription_id=before.id)
    action = rules.consent_to(before, after)
    if action is not None and rules.has_loop(ctx.account, await purchases.plan_of(tx, before)):
        raise _NeedsConsent(action, rules.quantity_agreed(after), replace(wanted, etags=(), status=None))


async def _ask(
    tx: Tx, ctx: Context, subscription: Subscription, needed: _NeedsConsent, operation_id: str
) -> Started:
    plan = await purchases.plan_of(tx, subscription)
    draft = OperationDraft(
        needed.action,
        Source.AZURE,
        plan.sku.plan_id,
        needed.quantity if plan.is_per_seat else None,
        patch=needed.patch,
        id=operation_id,
    )
    return await service.start(tx, ctx, subscription, plan, draft)


async def answer(tx: Tx, ctx: Context, operation: Operation) -> Answered:
    """What has become of an operation that somebody waits for, and of its subscription."""
    found = await store.get(tx, ctx.account.id, operation.subscription_id, operation.id)
    assert found is not None, operation.id
    key = (operation.customer_id, operation.subscription_id)
    return Answered(found, await subscriptions.get(tx, ctx, *key))


def require_success(operation: Operation) -> None:
    """Refuse a partner's change that has failed; one that is open still is not refused (5.4)."""
    if operation.status is not OperationStatus.FAILED:
        return
    if operation.action is OperationAction.REINSTATE:
        raise Refusal(Code.REINSTATEMENT_REFUSED, subscription_id=operation.subscription_id)
    raise Refusal(Code.QUANTITY_REFUSED, subscription_id=operation.subscription_id)


async def request_change(
    tx: Tx, ctx: Context, customer_id: str, subscription_id: str, request: ChangeRequest
) -> Started:
    """The operator changes a plan or a quantity, as far as the publisher agrees (section 9, row 9)."""
    found = await _found(tx, ctx, customer_id, subscription_id)
    rules.require_one_change(request)
    is_open = await service.has_open(tx, ctx, found.subscription)
    rules.require_changeable(found.subscription, has_open=is_open)
    draft = await service.drafted(tx, found, request, Source.AZURE)
    return await service.start(tx, ctx, found.subscription, found.plan, draft)


async def request_reinstatement(tx: Tx, ctx: Context, customer_id: str, subscription_id: str) -> Started:
    """The payment is there again: the suspension ends as soon as the publisher agrees (row 14)."""
    found = await _found(tx, ctx, customer_id, subscription_id)
    if found.subscription.status is not Status.SUSPENDED:
        raise Refusal(
            Code.TRANSITION_NOT_ALLOWED,
            subscription_id=found.subscription.id,
            status=found.subscription.status.value,
            action="become active",
        )
    if await service.has_open(tx, ctx, found.subscription):
        raise Refusal(Code.NOT_READY, subscription_id=found.subscription.id)
    draft = rules.draft_of(OperationAction.REINSTATE, found.subscription, found.plan, Source.AZURE)
    return await service.start(tx, ctx, found.subscription, found.plan, draft)


async def _found(tx: Tx, ctx: Context, customer_id: str, subscription_id: str) -> purchases.Found:
    customer = await customers.lock(tx, ctx, customer_id)
    subscription = await subscriptions.get(tx, ctx, customer.id, subscription_id)
    subscriptions.require_settled(ctx, subscription)
    return purchases.Found(ctx, subscription, await purchases.plan_of(tx, subscription))
