"""What a publisher sees of a purchase, which operations are possible, and what follows an answer to one.

Source: ``40-publisher-fulfillment-metering`` sections 3, 4, 5.4, 7.2 and 9.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from comptoir.catalog.model import CYCLE_MONTHS, Fulfillment, Plan, Term
from comptoir.core.accounts import Account, AccountKind, PublisherOperations
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.terms import Duration
from comptoir.fulfillment.model import (
    SAAS_STATUS,
    Acknowledged,
    Acknowledgement,
    ChangeRequest,
    Operation,
    OperationAction,
    OperationDraft,
    OperationEvent,
    OperationStatus,
    Parties,
    Person,
    PlanOnSale,
    Purchase,
    PurchaseTerm,
    Source,
)
from comptoir.subscriptions.model import Status, Subscription

ONE_DAY = timedelta(days=1)
SEATS_MAX = 2**31 - 1
"""The wire's numbers are of 32 bits."""

READ, UPDATE, DELETE = "Read", "Update", "Delete"
ALLOWED_OPERATIONS: Mapping[PublisherOperations, tuple[str, ...]] = {
    PublisherOperations.READ: (READ,),
    PublisherOperations.UPDATE: (READ, UPDATE),
    PublisherOperations.DELETE: (READ, DELETE),
    PublisherOperations.ALL: (READ, UPDATE, DELETE),
}
"""What a publisher may do with a purchase (section 3.7); without a setting, read what a reseller bought."""

TRANSITIONS: Mapping[tuple[OperationStatus, OperationEvent], OperationStatus] = {
    (OperationStatus.NOT_STARTED, OperationEvent.BEGIN): OperationStatus.IN_PROGRESS,
    (OperationStatus.NOT_STARTED, OperationEvent.ACCEPT): OperationStatus.SUCCEEDED,
    (OperationStatus.NOT_STARTED, OperationEvent.REFUSE): OperationStatus.FAILED,
    (OperationStatus.NOT_STARTED, OperationEvent.COINCIDE): OperationStatus.CONFLICT,
    (OperationStatus.IN_PROGRESS, OperationEvent.BEGIN): OperationStatus.IN_PROGRESS,
    (OperationStatus.IN_PROGRESS, OperationEvent.ACCEPT): OperationStatus.SUCCEEDED,
    (OperationStatus.IN_PROGRESS, OperationEvent.REFUSE): OperationStatus.FAILED,
    (OperationStatus.IN_PROGRESS, OperationEvent.COINCIDE): OperationStatus.CONFLICT,
}
"""The life of an operation (section 5.4). A pair that is missing does not happen: what is closed stays so."""

ANSWERS: Mapping[Acknowledgement, OperationStatus] = {
    Acknowledgement.SUCCESS: OperationStatus.SUCCEEDED,
    Acknowledgement.FAILURE: OperationStatus.FAILED,
}

_BENEFICIARIES = UUID("1c5a6f0e-8a7d-4a52-9a35-6d2f1d3f7b10")
"""The name space of the users that stand for customers as a whole."""


# What the publisher sees


def has_loop(account: Account, plan: Plan) -> bool:
    """Whether changes of the plan's purchases are put before its publisher.

    Not where the offer has no system behind it, nor where the account's purchases are not shown (5.4, 7.4).
    """
    details = plan.product.details
    is_answered = details.fulfillment is Fulfillment.PUBLISHER and bool(details.webhook_url)
    return account.is_seen_by_publishers and is_answered


def plan_of(plans: Sequence[Plan], sku_id: str) -> Plan:
    """The plan of a SKU that was bought: none is ever removed from the catalogue."""
    return next(plan for plan in plans if plan.sku.id == sku_id)


def beneficiary(customer_id: str, email: str) -> Person:
    """The customer, by its billing profile; a user of its tenant that stands for all of them (7.2)."""
    return Person(email, str(uuid5(_BENEFICIARIES, customer_id)), customer_id)


def puid(person: Person) -> str:
    """Sixteen upper-case hex digits of a user: the first bits of a hash of the object id (7.2)."""
    return hashlib.sha256(person.object_id.encode()).hexdigest()[:16].upper()


def purchase_of(subscription: Subscription, plan: Plan, parties: Parties, account: Account) -> Purchase:
    """The subscription in the publisher's words (sections 3.1 and 7.2)."""
    return Purchase(
        id=subscription.id,
        publisher_id=subscription.publisher_id,
        offer_id=plan.product.offer_id,
        name=subscription.friendly_name,
        status=SAAS_STATUS[subscription.status],
        beneficiary=parties.beneficiary,
        purchaser=parties.purchaser,
        plan_id=plan.sku.plan_id,
        term=term_of(subscription),
        auto_renew=subscription.auto_renew,
        is_test=account.kind is AccountKind.SANDBOX,
        is_free_trial=subscription.is_trial,
        allowed_operations=ALLOWED_OPERATIONS[account.settings.csp_allowed_operations],
        created_at=subscription.created_at,
        modified_at=modified_at(subscription),
        quantity=subscription.quantity if plan.is_per_seat else None,
    )


def sandbox_type(purchase: Purchase) -> str:
    """``Csp`` for what a reseller bought in a sandbox (7.4)."""
    return "Csp" if purchase.is_test else "None"


def session_mode(purchase: Purchase) -> str:
    """Whether anything that happens to the purchase is meant (7.4)."""
    return "DryRun" if purchase.is_test else "None"


def term_of(subscription: Subscription) -> PurchaseTerm:
    """The running or last term; before the activation, and for ever without one, only its length (3.1)."""
    if subscription.term_start_at is None or subscription.term_end_at is None:
        return PurchaseTerm(subscription.term, charge_unit=charge_unit(subscription))
    start_on = subscription.term_start_at.replace(hour=0, minute=0, second=0, microsecond=0)
    return PurchaseTerm(
        subscription.term, start_on, subscription.term_end_at - ONE_DAY, charge_unit(subscription)
    )


def charge_unit(subscription: Subscription) -> Duration | None:
    """How often the term is paid, where that is more than once."""
    months = CYCLE_MONTHS.get(subscription.billing_cycle, 0)
    cycle = Duration(months=months)
    return None if months == 0 or cycle == subscription.term else cycle


def modified_at(subscription: Subscription) -> datetime:
    """When the subscription was changed last."""
    return subscription.modified_at or subscription.created_at


def plans_on_sale(
    plans: Sequence[Plan], on_sale: Sequence[PlanOnSale], current: Plan, tenants: frozenset[str]
) -> list[PlanOnSale]:
    """What a purchase can have: its own plan, and the others of its offer that are open to it (3.6).

    Private plans are open to the ``tenants`` of the purchase; stop-sold ones and add-ons to nobody, and free
    trials are no plans of their own.
    """
    shown: list[PlanOnSale] = []
    for listed in on_sale:
        is_current = listed.plan.sku.plan_id == current.sku.plan_id
        is_known = any(each.plan.sku.plan_id == listed.plan.sku.plan_id for each in shown)
        if not is_known and (is_current or _is_open(listed.plan, tenants)):
            shown.append(replace(listed, has_free_trial=_has_trial(plans, listed.plan)))
    return shown


def _is_open(plan: Plan, tenants: frozenset[str]) -> bool:
    details = plan.sku.details
    is_private_to_others = details.exclusive_to is not None and details.exclusive_to.isdisjoint(tenants)
    is_trial_or_add_on = plan.sku.is_trial or bool(details.parent_skus)
    return not (is_trial_or_add_on or details.is_stop_sold or is_private_to_others)


def _has_trial(plans: Sequence[Plan], plan: Plan) -> bool:
    return any(each.sku.is_trial and each.sku.plan_id == plan.sku.plan_id for each in plans)


# What the publisher asks for


def require_activation(subscription: Subscription, plan: Plan, said: ChangeRequest) -> None:
    """Refuse an activation that does not fit the purchase, or comes too late (3.3)."""
    if subscription.is_ended:
        raise Refusal(Code.PURCHASE_ENDED, subscription_id=subscription.id)
    if subscription.status is not Status.PENDING:
        raise Refusal(Code.PURCHASE_ACTIVE_ALREADY, subscription_id=subscription.id)
    if said.plan_id is not None and said.plan_id.lower() != plan.sku.plan_id:
        raise Refusal(Code.PURCHASE_MISMATCH, member="planId", expected=plan.sku.plan_id)
    _require_whole(said.quantity, has_quantity=said.has_quantity)
    bought = subscription.quantity if plan.is_per_seat else 1
    if said.quantity not in {None, bought}:
        raise Refusal(Code.PURCHASE_MISMATCH, member="quantity", expected=bought)


def _require_whole(quantity: int | None, *, has_quantity: bool) -> None:
    """Refuse what was given as a quantity and is none."""
    if has_quantity and quantity is None:
        raise Refusal(Code.INVALID_PROPERTY, member="quantity", reason="it must be a whole number.")


def require_one_change(request: ChangeRequest) -> None:
    """Refuse what asks for no change, or for two at once (3.7, reason 1)."""
    if (request.plan_id is None) != request.has_quantity:
        raise Refusal(Code.CHANGE_NOT_SINGLE)


def require_change(subscription: Subscription, account: Account, *, has_open: bool) -> None:
    """Refuse a publisher's change that the purchase does not allow now (3.7, reasons 2 to 4)."""
    _require_subscribed(subscription)
    _require_allowed(account, UPDATE)
    _require_none_open(subscription, has_open=has_open)


def require_changeable(subscription: Subscription, *, has_open: bool) -> None:
    """Refuse a change by the marketplace's side that cannot be made now."""
    _require_subscribed(subscription)
    _require_none_open(subscription, has_open=has_open)


def _require_subscribed(subscription: Subscription) -> None:
    if subscription.status is not Status.ACTIVE:
        raise Refusal(Code.CHANGE_NOT_SUBSCRIBED, subscription_id=subscription.id)


def _require_none_open(subscription: Subscription, *, has_open: bool) -> None:
    if has_open:
        raise Refusal(Code.OPERATION_OPEN, subscription_id=subscription.id)


def require_cancellation(subscription: Subscription, account: Account) -> None:
    """Refuse a cancellation by the publisher that the purchase does not allow (3.8)."""
    if subscription.is_ended:
        raise Refusal(Code.PURCHASE_ENDED_ALREADY, subscription_id=subscription.id)
    _require_allowed(account, DELETE)


def _require_allowed(account: Account, operation: str) -> None:
    if operation not in ALLOWED_OPERATIONS[account.settings.csp_allowed_operations]:
        raise Refusal(Code.PUBLISHER_OPERATION_NOT_ALLOWED, operation=operation)


def plan_to_change_to(
    subscription: Subscription, on_sale: Sequence[PlanOnSale], current: Plan, plan_id: str
) -> tuple[PlanOnSale, Term]:
    """The plan that is asked for and its term like the purchase's (3.7, reasons 5 and 6)."""
    wanted = plan_id.lower()
    listed = next((each for each in on_sale if each.plan.sku.plan_id == wanted), None)
    term = None if listed is None else like_term(subscription, listed.terms)
    if listed is None or term is None or not _has_seats(subscription, listed.plan):
        raise Refusal(Code.PLAN_NOT_AVAILABLE, plan_id=plan_id[:100])
    if wanted == current.sku.plan_id:
        raise Refusal(Code.PLAN_IS_CURRENT, plan_id=wanted)
    return listed, term


def like_term(subscription: Subscription, terms: Sequence[Term]) -> Term | None:
    """The term of another plan that is as long as the subscription's, paid as often if there is a choice."""
    fitting = [term for term in terms if term.duration == subscription.term]
    same_cycle = (term for term in fitting if term.billing_cycle is subscription.billing_cycle)
    return next(same_cycle, next(iter(fitting), None))


def _has_seats(subscription: Subscription, plan: Plan) -> bool:
    details = plan.sku.details
    return (
        not plan.is_per_seat or details.minimum_quantity <= subscription.quantity <= details.maximum_quantity
    )


def require_quantity(subscription: Subscription, plan: Plan, quantity: int | None) -> int:
    """The quantity that is asked for (3.7, reasons 6 and 7). ``None``: what was given is no whole number."""
    if quantity == quantity_agreed(subscription) and plan.is_per_seat:
        raise Refusal(Code.QUANTITY_IS_CURRENT, quantity=quantity)
    details = plan.sku.details
    if not plan.is_per_seat:
        raise Refusal(Code.PLAN_HAS_NO_SEATS, plan_id=plan.sku.plan_id)
    if quantity is None or not details.minimum_quantity <= quantity <= min(
        details.maximum_quantity, SEATS_MAX
    ):
        raise Refusal(
            Code.SEATS_OUT_OF_RANGE, minimum=details.minimum_quantity, maximum=details.maximum_quantity
        )
    return quantity


# The life of an operation


def started(draft: OperationDraft, subscription: Subscription, plan: Plan, ctx: Context) -> Operation:
    """The operation that a draft becomes: open, or done already if the publisher is only told of it."""
    operation = Operation(
        id=draft.id or ctx.ids.guid(),
        account_id=ctx.account.id,
        customer_id=subscription.customer_id,
        subscription_id=subscription.id,
        publisher_id=subscription.publisher_id,
        product_id=subscription.product_id,
        offer_id=plan.product.offer_id,
        plan_id=draft.plan_id,
        quantity=draft.quantity,
        action=draft.action,
        source=draft.source,
        status=OperationStatus.NOT_STARTED,
        requested_at=ctx.now,
        catalog_item_id=draft.catalog_item_id,
        patch=draft.patch,
    )
    return closed(operation, OperationEvent.ACCEPT, ctx.now) if operation.is_notify_only else operation


def status_after(operation: Operation, event: OperationEvent) -> OperationStatus:
    """The status that an event leads to; the only way to a new one."""
    return TRANSITIONS[operation.status, event]


def begun(operation: Operation) -> Operation:
    """The operation whose webhook is on its way."""
    return replace(operation, status=status_after(operation, OperationEvent.BEGIN))


def awaiting(operation: Operation, until: datetime) -> Operation:
    """The operation whose webhook was taken: accepted at ``until`` unless the publisher answers before."""
    return replace(begun(operation), acknowledged_until=until)


def closed(operation: Operation, event: OperationEvent, now: datetime) -> Operation:
    """The operation at its end."""
    return replace(operation, status=status_after(operation, event), closed_at=now, acknowledged_until=None)


def refused(
    operation: Operation, now: datetime, *, status: str, message: str, is_superseded: bool = False
) -> Operation:
    """The operation that failed, and why."""
    failed = closed(operation, OperationEvent.REFUSE, now)
    return replace(failed, error_status=status, error_message=message[:1024], is_superseded=is_superseded)


def answers_again(operation: Operation, now: datetime) -> bool:
    """Whether a call that is repeated is told of the operation that it began, as stored answers are."""
    if operation.status is OperationStatus.FAILED:
        return False
    return operation.closed_at is None or now < operation.closed_at + ONE_DAY


def answer_of(said: Acknowledged) -> Acknowledgement:
    """The answer that a publisher gives, if it is one."""
    if said.answer is None:
        raise Refusal(Code.ACKNOWLEDGEMENT_INVALID)
    _require_whole(said.quantity, has_quantity=said.has_quantity)
    return said.answer


def is_news(operation: Operation, answer: Acknowledgement) -> bool:
    """Whether an acknowledgement closes the operation; refuses one that does not fit (4.3).

    The answer that it was closed with may be repeated.
    """
    if operation.is_notify_only:
        raise Refusal(Code.OPERATION_NOT_ACKNOWLEDGED, action=operation.action.value)
    if operation.is_open:
        return True
    if operation.is_superseded or operation.status is not ANSWERS[answer]:
        raise Refusal(Code.OPERATION_CLOSED, operation_id=operation.id, status=operation.status.value)
    return False


def require_same_values(operation: Operation, said: Acknowledged) -> None:
    """Refuse an acknowledgement of other values than the operation's (4.3)."""
    if said.plan_id is not None and said.plan_id.lower() != operation.plan_id:
        raise Refusal(Code.PURCHASE_MISMATCH, member="planId", expected=operation.plan_id)
    if said.quantity is not None and operation.quantity not in {None, said.quantity}:
        raise Refusal(Code.PURCHASE_MISMATCH, member="quantity", expected=operation.quantity)


def quantity_agreed(subscription: Subscription) -> int:
    """The seats that were asked for last: those of now, or the fewer ones of the next term."""
    return subscription.next_quantity or subscription.quantity


def coincides(operation: Operation, subscription: Subscription, plan: Plan) -> bool:
    """Whether what an operation leads to is so already (5.4)."""
    match operation.action:
        case OperationAction.CHANGE_PLAN:
            return operation.plan_id == plan.sku.plan_id
        case OperationAction.CHANGE_QUANTITY:
            return operation.quantity == quantity_agreed(subscription)
        case _:
            return False


# What the publisher is told


def notice_of(before: Subscription, after: Subscription, *, is_renewal: bool) -> OperationAction | None:
    """What a publisher is only told of when a subscription has changed (5.1)."""
    if after.is_ended and not before.is_ended:
        return OperationAction.UNSUBSCRIBE
    if after.status is Status.SUSPENDED and before.status is not Status.SUSPENDED:
        return OperationAction.SUSPEND
    return OperationAction.RENEW if is_renewal else None


def is_told(action: OperationAction, before: Subscription, *, was_resolved: bool) -> bool:
    """Whether the publisher knows the purchase: before the activation, only if it was resolved (7.3)."""
    return action is not OperationAction.UNSUBSCRIBE or before.status is not Status.PENDING or was_resolved


def consent_to(before: Subscription, after: Subscription) -> OperationAction | None:
    """What the publisher is asked before a partner's change is made; ``None`` where it need not be (9)."""
    if before.status is Status.SUSPENDED and after.status is Status.ACTIVE:
        return OperationAction.REINSTATE
    is_active = before.status is Status.ACTIVE and after.status is Status.ACTIVE
    is_other = (before.quantity, before.next_quantity) != (after.quantity, after.next_quantity)
    return OperationAction.CHANGE_QUANTITY if is_active and is_other else None


def wins(after: Subscription) -> bool:
    """Whether a change is made whatever waits for the publisher: a cancellation, a suspension (5.4)."""
    return after.is_ended or after.status is Status.SUSPENDED


def draft_of(
    action: OperationAction, subscription: Subscription, plan: Plan, source: Source
) -> OperationDraft:
    """An operation that changes neither plan nor quantity."""
    return OperationDraft(
        action=action,
        source=source,
        plan_id=plan.sku.plan_id,
        quantity=subscription.quantity if plan.is_per_seat else None,
    )
