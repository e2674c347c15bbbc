"""What time does to a subscription: its next due instant, and what becomes of it then.

Source: ``20-subscriptions-customers`` section 4.2, ``30-invoices-billing`` sections 3.6 and 3.7, README
decisions 10, 15 and 16.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from comptoir.audit.model import Action as Act
from comptoir.catalog.model import Term
from comptoir.core.accounts import AccountSettings
from comptoir.subscriptions import dates, rules
from comptoir.subscriptions.model import Status, StatusReason, Subscription


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides beside the subscription: ``renewal`` is the term that follows, as it is sold now, ``base``
    what an add-on extends; each ``None`` where there is none.
    """

    settings: AccountSettings
    renewal: Term | None = None
    base: Subscription | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What becomes of a subscription, and under which name the journal and its followers get it."""

    act: Act
    after: Subscription


def next_due(subscription: Subscription, settings: AccountSettings) -> datetime | None:
    """When time changes the subscription next, if nobody does before; ``None`` once it has ended."""
    match subscription.status:
        case Status.PENDING:
            return subscription.created_at + timedelta(days=settings.activation_limit_days)
        case Status.ACTIVE:
            return subscription.term_end_at
        case Status.SUSPENDED:
            ends = (subscription.term_end_at, _grace_end(subscription, settings))
            return min((end for end in ends if end is not None), default=None)
        case _:
            return None


def scheduled(subscription: Subscription, settings: AccountSettings) -> Subscription:
    """The subscription with its next due instant, as it is stored."""
    return replace(subscription, next_due_at=next_due(subscription, settings))


def in_order(subscriptions: Iterable[Subscription], now: datetime) -> list[str]:
    """The ids of what is due by ``now``, in the order in which it is done: the earliest first, and of the
    same instant bases before add-ons, which follow them.
    """
    due = [
        (each.next_due_at, each.parent_subscription_id is not None, each.id)
        for each in subscriptions
        if each.next_due_at is not None and each.next_due_at <= now
    ]
    return [subscription_id for _, _, subscription_id in sorted(due)]


def units_freed(before: Subscription, after: Subscription) -> int:
    """How many units of a change go back into stock: some at a reduction, all at the end."""
    return before.quantity - (0 if after.is_ended else after.quantity)


def may_renew(subscription: Subscription) -> bool:
    """Whether the end of the running term asks what is sold then."""
    return subscription.status is Status.ACTIVE and subscription.auto_renew


def turn(subscription: Subscription, facts: Facts, now: datetime) -> Turn | None:
    """What becomes of the subscription at ``now``; ``None`` if nothing is due (the settings gave it time).

    A term that ends is followed by the next one, a trial by its first paid one, unless auto-renew is off,
    nothing on sale fits, or the base of an add-on has ended. A suspended subscription is not renewed: that
    takes a payment in order (``40-publisher-fulfillment-metering`` section 9, row 11).
    """
    due_at = next_due(subscription, facts.settings)
    if due_at is None or now < due_at:
        return None
    if subscription.status is Status.PENDING:
        return _cancelled(subscription, StatusReason.NOT_ACTIVATED, now)
    assert subscription.term_end_at is not None, subscription.id
    if now < subscription.term_end_at:
        return _cancelled(subscription, StatusReason.NOT_REINSTATED, now)
    has_lost_base = facts.base is not None and facts.base.is_ended
    if not may_renew(subscription) or facts.renewal is None or has_lost_base:
        return Turn(Act.EXPIRE_SUBSCRIPTION, rules.expired(subscription, now))
    act = Act.CONVERT_TRIAL_SUBSCRIPTION if subscription.is_trial else Act.RENEW_SUBSCRIPTION
    return Turn(act, _renewed(subscription, facts.renewal, facts.settings))


def turn_with_base(add_on: Subscription, base: Subscription, now: datetime) -> Turn:
    """What becomes of an add-on whose base has just ended: it ends too, expired if its own term is over."""
    if add_on.term_end_at is not None and add_on.term_end_at <= now:
        return Turn(Act.EXPIRE_SUBSCRIPTION, rules.expired(add_on, now))
    has_expired = base.status is Status.EXPIRED
    reason = StatusReason.BASE_EXPIRED if has_expired else StatusReason.BASE_CANCELLED
    return _cancelled(add_on, reason, now)


def _grace_end(subscription: Subscription, settings: AccountSettings) -> datetime | None:
    if subscription.suspended_at is None:
        return None
    return subscription.suspended_at + timedelta(days=settings.suspension_grace_days)


def _cancelled(subscription: Subscription, reason: StatusReason, now: datetime) -> Turn:
    return Turn(Act.CANCEL_SUBSCRIPTION, rules.cancelled(subscription, reason, now))


def _renewed(subscription: Subscription, term: Term, settings: AccountSettings) -> Subscription:
    """The subscription in its next term, which starts where the last one ended and opens a refund window."""
    assert subscription.anchored_at is not None, subscription.id
    assert subscription.term_end_at is not None, subscription.id
    start = subscription.term_end_at
    return replace(
        rules.bought_again(subscription, term),
        term_start_at=start,
        term_end_at=dates.following_term_end(subscription.anchored_at, start, term.duration),
        refund_until=start + settings.refund_window(term.duration, term.refund_window),
    )
