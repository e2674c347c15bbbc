"""Which status follows which action, and what changes with it."""

import base64
import json
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from comptoir.catalog.model import Fulfillment, Offer, Term
from comptoir.core.accounts import AccountSettings
from comptoir.core.errors import Code, Refusal
from comptoir.subscriptions import dates
from comptoir.subscriptions.model import (
    Action,
    BillingType,
    Status,
    StatusReason,
    Subscription,
    SubscriptionDraft,
)

TRANSITIONS: dict[tuple[Status, Action], Status] = {
    (Status.PENDING, Action.ACTIVATE): Status.ACTIVE,
    (Status.PENDING, Action.CANCEL): Status.DELETED,
    (Status.ACTIVE, Action.RENEW): Status.ACTIVE,
    (Status.ACTIVE, Action.CONVERT_TRIAL): Status.ACTIVE,
    (Status.ACTIVE, Action.CHANGE_PLAN): Status.ACTIVE,
    (Status.ACTIVE, Action.EXPIRE): Status.EXPIRED,
    (Status.ACTIVE, Action.SUSPEND): Status.SUSPENDED,
    (Status.ACTIVE, Action.CANCEL): Status.DELETED,
    (Status.SUSPENDED, Action.REINSTATE): Status.ACTIVE,
    (Status.SUSPENDED, Action.EXPIRE): Status.EXPIRED,
    (Status.SUSPENDED, Action.CANCEL): Status.DELETED,
}
"""The state machine (``20-subscriptions-customers`` section 4.2). A pair that is missing is not allowed."""


def status_after(subscription: Subscription, action: Action) -> Status:
    """The status that ``action`` leads to; the only way to a new status. Refuses what the table lacks."""
    status = TRANSITIONS.get((subscription.status, action))
    if status is not None:
        return status
    if subscription.is_ended:
        raise Refusal(Code.SUBSCRIPTION_ENDED, subscription_id=subscription.id)
    if action is Action.ACTIVATE:
        raise Refusal(Code.ALREADY_ACTIVATED, subscription_id=subscription.id)
    raise Refusal(
        Code.TRANSITION_NOT_ALLOWED,
        subscription_id=subscription.id,
        status=subscription.status.value,
        action=action.value,
    )


def created(draft: SubscriptionDraft, subscription_id: str, customer_id: str, now: datetime) -> Subscription:
    """The subscription that an order line starts with: waiting for its set-up, renewing by itself."""
    offer = draft.offer
    return Subscription(
        id=subscription_id,
        customer_id=customer_id,
        order_id=draft.order_id,
        line_number=draft.line_number,
        product_id=offer.product_id,
        sku_id=offer.sku_id,
        availability_id=offer.availability_id,
        publisher_id=offer.publisher_id,
        publisher_name=offer.publisher_name,
        offer_name=offer.sku_title,
        friendly_name=draft.friendly_name or offer.sku_title,
        quantity=draft.quantity,
        unit_type=offer.unit_type,
        parent_subscription_id=draft.parent_subscription_id,
        status=Status.PENDING,
        is_trial=offer.is_trial,
        auto_renew=True,
        billing_cycle=draft.term.billing_cycle,
        billing_type=billing_type(offer),
        term=draft.term.duration,
        renews_to=draft.renews_to,
        unit_price=draft.term.price,
        partner_mpn_id=draft.partner_mpn_id,
        created_at=now,
        refund_window=draft.term.refund_window,
        is_auto_fulfilled=offer.fulfillment is Fulfillment.AUTO,
    )


def billing_type(offer: Offer) -> BillingType:
    """What a subscription of the offer is billed by."""
    return BillingType.USAGE if offer.metered_only else BillingType.LICENSE


def activated(
    subscription: Subscription, parent: Subscription | None, settings: AccountSettings, now: datetime
) -> Subscription:
    """The subscription once it is set up: its term, its billing and its refund window start at ``now``.

    An add-on can be set up only while its base, ``parent``, is active. A trial costs nothing, so it opens no
    refund window (it may be cancelled at any time).
    """
    status = status_after(subscription, Action.ACTIVATE)
    if parent is not None and parent.status is not Status.ACTIVE:
        raise Refusal(Code.NOT_A_SUBSCRIPTION_FOR_THIS, subscription_id=subscription.id)
    active = replace(subscription, status=status, started_at=now)
    return replace(_with_first_term(active, settings, now), version=subscription.version + 1)


def converted(
    subscription: Subscription, paid: Term, settings: AccountSettings, now: datetime
) -> Subscription:
    """The running trial ended early: a first paid term starts at ``now``, with a refund window of its own."""
    assert subscription.is_trial, subscription.id
    return renewed_early(subscription, paid, settings, now)


def renewed_early(
    subscription: Subscription, term: Term, settings: AccountSettings, now: datetime
) -> Subscription:
    """The running term, or trial, cut short: the one that would follow starts at ``now`` and counts anew."""
    return _with_first_term(bought_again(subscription, term), settings, now)


def bought_again(subscription: Subscription, term: Term) -> Subscription:
    """The subscription on the term that follows, at its price and with the quantity that was put off until
    then; its dates are those of the term before still.

    What it renews to from then on is the same term again. A trial has become a paid subscription, under the
    offer that was bought (``20-subscriptions-customers`` section 3.9).
    """
    action = Action.CONVERT_TRIAL if subscription.is_trial else Action.RENEW
    return replace(
        subscription,
        status=status_after(subscription, action),
        is_trial=False,
        billing_cycle=term.billing_cycle,
        term=term.duration,
        renews_to=None,
        unit_price=term.price,
        refund_window=term.refund_window,
        quantity=subscription.next_quantity or subscription.quantity,
        next_quantity=None,
        version=subscription.version + 1,
    )


def plan_changed(
    subscription: Subscription, offer: Offer, term: Term, settings: AccountSettings, now: datetime
) -> Subscription:
    """The active subscription on another plan of its product.

    A term of the same length and billing cycle goes on under the new plan; any other one starts at ``now``
    and counts anew (``30-invoices-billing`` section 3.6). A reduction that was put off is forgotten: it was
    judged by the plan that is left.
    """
    assert offer.product_id == subscription.product_id, (subscription.id, offer.catalog_item_id)
    has_own_name = subscription.friendly_name != subscription.offer_name
    changed = replace(
        subscription,
        status=status_after(subscription, Action.CHANGE_PLAN),
        sku_id=offer.sku_id,
        availability_id=offer.availability_id,
        offer_name=offer.sku_title,
        friendly_name=subscription.friendly_name if has_own_name else offer.sku_title,
        unit_type=offer.unit_type,
        billing_type=billing_type(offer),
        is_trial=offer.is_trial,
        billing_cycle=term.billing_cycle,
        term=term.duration,
        renews_to=None,
        unit_price=term.price,
        refund_window=term.refund_window,
        next_quantity=None,
        version=subscription.version + 1,
    )
    goes_on = (term.duration, term.billing_cycle) == (subscription.term, subscription.billing_cycle)
    return changed if goes_on else _with_first_term(changed, settings, now)


def _with_first_term(subscription: Subscription, settings: AccountSettings, now: datetime) -> Subscription:
    """The subscription with a term that starts now, and with it the count of all later periods."""
    window = settings.refund_window(subscription.term, subscription.refund_window)
    return replace(
        subscription,
        anchored_at=now,
        term_start_at=now,
        term_end_at=dates.term_end(now, subscription.term),
        refund_until=None if subscription.is_trial else now + window,
    )


def cancelled(subscription: Subscription, reason: StatusReason, now: datetime) -> Subscription:
    """The subscription ended at once and for good."""
    return replace(
        subscription,
        status=status_after(subscription, Action.CANCEL),
        auto_renew=False,
        ended_at=now,
        status_reason=reason,
        version=subscription.version + 1,
    )


def expired(subscription: Subscription, now: datetime) -> Subscription:
    """The subscription whose last term is over."""
    return replace(
        subscription,
        status=status_after(subscription, Action.EXPIRE),
        auto_renew=False,
        ended_at=now,
        status_reason=StatusReason.EXPIRATION,
        version=subscription.version + 1,
    )


def suspended(subscription: Subscription, reason: StatusReason, now: datetime) -> Subscription:
    """The subscription put on hold; its term and its billing run on (``30-invoices-billing`` section 3.6)."""
    return replace(
        subscription,
        status=status_after(subscription, Action.SUSPEND),
        status_reason=reason,
        suspended_at=now,
        version=subscription.version + 1,
    )


def reinstated(subscription: Subscription) -> Subscription:
    """The subscription no longer on hold."""
    return replace(
        subscription,
        status=status_after(subscription, Action.REINSTATE),
        status_reason=None,
        suspended_at=None,
        version=subscription.version + 1,
    )


def rebilled(subscription: Subscription, term: Term) -> Subscription:
    """The active subscription paid by another billing cycle of a term as long as its own.

    What was charged stays, and so does a refund window that is open; the next charge and the next window
    follow the new cycle (``10-catalog-cart-orders`` section 4.5).
    """
    assert subscription.status is Status.ACTIVE, (subscription.id, subscription.status)
    assert term.duration == subscription.term, (subscription.id, term.duration)
    return replace(
        subscription,
        billing_cycle=term.billing_cycle,
        unit_price=term.price,
        refund_window=term.refund_window,
        version=subscription.version + 1,
    )


def is_settled(subscription: Subscription, now: datetime) -> bool:
    """Whether time has done to the subscription what it had to do by ``now``."""
    return subscription.next_due_at is None or now < subscription.next_due_at


def is_refundable(subscription: Subscription, now: datetime) -> bool:
    """Whether the refund window is open; its end is exclusive (README decision 15)."""
    return (
        subscription.status in {Status.ACTIVE, Status.SUSPENDED}
        and subscription.refund_until is not None
        and now < subscription.refund_until
    )


def is_editable(subscription: Subscription) -> bool:
    """Whether the partner may change anything but the status (``20-subscriptions-customers`` section 3.4)."""
    return subscription.status in {Status.PENDING, Status.ACTIVE}


def is_cancellable(subscription: Subscription, now: datetime) -> bool:
    """Whether the partner may cancel: before the set-up, during a trial, and while a refund is possible.

    Later it turns auto-renew off instead (``20-subscriptions-customers`` section 4.2, README decision 7).
    """
    if subscription.is_ended:
        return False
    return subscription.status is Status.PENDING or subscription.is_trial or is_refundable(subscription, now)


def window_days(subscription: Subscription) -> int:
    """How many days the refund window had that was opened last; 0 if none was."""
    if subscription.term_start_at is None or subscription.refund_until is None:
        return 0
    return dates.window_days(subscription.term_start_at, subscription.refund_until)


def require_current(subscription: Subscription, etags: Collection[str]) -> None:
    """Refuse a change that was made to another version than this one (``00-cross-cutting`` section 9)."""
    if any(supplied != etag(subscription) for supplied in etags):
        raise Refusal(Code.STALE_ETAG)


def etag(subscription: Subscription) -> str:
    """Base64 of the id and the version (``00-cross-cutting`` section 9)."""
    facts = {"id": subscription.id, "version": subscription.version}
    return base64.b64encode(json.dumps(facts, separators=(",", ":")).encode()).decode()


def journal_facts(subscription: Subscription) -> dict[str, str | int | bool | None]:
    """What the journal keeps of a version: everything that billing and followers cannot do without.

    Instants are ISO 8601 texts.
    """
    return {
        "status": subscription.status.value,
        "statusReason": None if subscription.status_reason is None else subscription.status_reason.value,
        "offerId": subscription.catalog_item_id,
        "isTrial": subscription.is_trial,
        "friendlyName": subscription.friendly_name,
        "partnerId": subscription.partner_mpn_id,
        "quantity": subscription.quantity,
        "nextQuantity": subscription.next_quantity,
        "autoRenew": subscription.auto_renew,
        "term": str(subscription.term),
        "billingCycle": subscription.billing_cycle.value,
        "unitPrice": format(subscription.unit_price.amount, "f"),
        "termStartAt": _text(subscription.term_start_at),
        "termEndAt": _text(subscription.term_end_at),
        "refundUntil": _text(subscription.refund_until),
        "suspendedAt": _text(subscription.suspended_at),
        "endedAt": _text(subscription.ended_at),
        "version": subscription.version,
    }


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
