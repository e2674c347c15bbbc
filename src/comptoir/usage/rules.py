"""Whether a reported event is accepted: the first check that fails decides (section 6.3).

Source: ``40-publisher-fulfillment-metering`` section 6.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from comptoir.catalog.model import BillingCycle, MeteredPlan
from comptoir.core.terms import Duration
from comptoir.subscriptions.model import MeteredSubscription
from comptoir.usage.model import (
    Admitted,
    Allowance,
    Counter,
    Event,
    Fault,
    Member,
    Outcome,
    Rejection,
    Report,
    Resource,
    Sent,
    Slot,
    UsageStatus,
)

NOTHING = Decimal(0)
_UNIT = Decimal(1)
SHOWN_MAX = 100
"""Characters of somebody else's text that a reason repeats."""

USUAL_LENGTH_MAX = 18
"""Characters of a quantity within all bounds but that of its size."""

QUANTITY_MAX = Decimal(10) ** 15
QUANTITY_DIGITS_MAX = 28
QUANTITY_DECIMALS_MAX = 20
"""Bounds of a quantity, beyond all that a double distinguishes near the quantities that are sold."""


def judge(
    report: Report, resource: Resource | None, allowance: Allowance, publisher_id: str | None = None
) -> Admitted | Rejection:
    """Whether a well-formed event may be stored: the first check that fails decides.

    In the order of section 6.3: there is such a resource, its owner, active, plan, dimension, quantity, time.
    Duplicates are found on storing. Without a publisher nobody asks for the owner.
    """
    if resource is None:
        reason = f"There is no resource {report.resource_id}."
        return _rejection(UsageStatus.RESOURCE_NOT_FOUND, Member.RESOURCE_ID, reason)
    plan = plan_named(report.plan_id, resource, report.effective_at)
    rejection = (
        _foreign(report, resource, publisher_id)
        or _inactive(report, resource, allowance)
        or _misnamed(report, resource, plan)
        or _immeasurable(report)
        or _untimely(report, resource, allowance)
    )
    if rejection is not None:
        return rejection._replace(at=resource.now)
    assert plan is not None, report
    return Admitted(report, resource, plan)


def waits_for_time(report: Report, resource: Resource, publisher_id: str | None = None) -> bool:
    """Whether time has yet to do something to the resource that the verdict on the event may depend on.

    Neither whose the resource is nor when it began changes any more, and what has ended stays so.
    """
    subscription, due_at = resource.subscription, resource.subscription.next_due_at
    if due_at is None or due_at > resource.now or subscription.ended_at is not None:
        return False
    began_later = subscription.started_at is not None and report.effective_at < subscription.started_at
    return not began_later and _foreign(report, resource, publisher_id) is None


def plan_named(plan_id: str, resource: Resource, at: datetime) -> MeteredPlan | None:
    """The plan of this id, if it is the one in force now or was the one in force then."""
    if resource.plan is not None and plan_id == resource.plan.plan_id:
        return resource.plan
    then = next((past.plan for past in resource.past_plans if at < past.until), None)
    return then if then is not None and plan_id == then.plan_id else None


def quantity_fault(quantity: Decimal) -> str | None:
    """Why a quantity cannot be billed; ``None`` if it can."""
    if not quantity.is_finite() or quantity <= 0:
        return "The quantity must be greater than 0."
    text = str(quantity)
    if len(text) <= USUAL_LENGTH_MAX and "E" not in text and quantity < QUANTITY_MAX:
        return None
    _sign, digits, exponent = quantity.as_tuple()
    assert isinstance(exponent, int), quantity
    is_exact = len(digits) <= QUANTITY_DIGITS_MAX and exponent >= -QUANTITY_DECIMALS_MAX
    return None if is_exact and quantity < QUANTITY_MAX else "The quantity is too large or too exact."


def plain(quantity: Decimal) -> Decimal:
    """The same quantity with neither trailing zeros nor an exponent: its one form."""
    shortest = quantity.normalize()
    return quantity.quantize(_UNIT) if shortest == shortest.to_integral_value() else shortest


def slot(report: Report) -> Slot:
    """What the event takes: nobody else's event can have it (section 6.1)."""
    hour = report.effective_at.replace(minute=0, second=0, microsecond=0)
    return Slot(report.resource_id, report.dimension_id, hour)


def event(event_id: str, admitted: Admitted) -> Event:
    """The event as it is to be kept."""
    report, subscription, plan = admitted.report, admitted.resource.subscription, admitted.plan
    return Event(
        subscription.account_id,
        subscription.customer_id,
        slot(report),
        event_id,
        subscription.publisher_id,
        plan.product_id,
        plan.sku_id,
        plan.plan_id,
        quantity=plain(report.quantity),
        effective_at=report.effective_at,
        effective_text=report.effective_text,
        received_at=admitted.resource.now,
    )


def outcome(sent: Sent, verdict: Event | Rejection, holders: Mapping[Slot, Event], now: datetime) -> Outcome:
    """What became of an event, given who holds the slots now; ``now`` where no account's time is known."""
    if isinstance(verdict, Rejection):
        return Outcome(sent, verdict.status, verdict.at or now, faults=verdict.faults)
    holder = holders[verdict.slot]
    status = UsageStatus.ACCEPTED if holder.id == verdict.id else UsageStatus.DUPLICATE
    return Outcome(sent, status, verdict.received_at, event=holder)


def digest(events: Iterable[Event]) -> str:
    """The SHA-256 of what the journal vouches for: which events were accepted, and what they count."""
    facts = (
        (each.id, *each.slot[:2], each.effective_text, each.plan_id, str(each.quantity)) for each in events
    )
    return hashlib.sha256("\n".join(map(" ".join, facts)).encode()).hexdigest()


def counters(
    used: Mapping[str, Decimal], plan: MeteredPlan | None, term: Duration, cycle: BillingCycle
) -> list[Counter]:
    """What was used and is included of each dimension that the plan counts or that was used, by dimension."""
    meters = frozenset[str]() if plan is None else plan.meters
    included = {} if plan is None else plan.included(term, cycle)
    dimensions = sorted(meters | used.keys())
    return [Counter(name, used.get(name, NOTHING), included.get(name, 0)) for name in dimensions]


def _rejection(status: UsageStatus, member: Member, reason: str) -> Rejection:
    return Rejection(status, (Fault(member, reason),))


def _foreign(report: Report, resource: Resource, publisher_id: str | None) -> Rejection | None:
    if publisher_id in {None, resource.subscription.publisher_id}:
        return None
    reason = f"The resource {report.resource_id} belongs to another publisher."
    return _rejection(UsageStatus.RESOURCE_NOT_AUTHORIZED, Member.RESOURCE_ID, reason)


def _inactive(report: Report, resource: Resource, allowance: Allowance) -> Rejection | None:
    if _was_active(resource, report.effective_at, allowance):
        return None
    reason = f"The resource {report.resource_id} is not active, or was not at the effectiveStartTime."
    return _rejection(UsageStatus.RESOURCE_NOT_ACTIVE, Member.RESOURCE_ID, reason)


def _misnamed(report: Report, resource: Resource, plan: MeteredPlan | None) -> Rejection | None:
    """The plan is another one, or does not bill the dimension."""
    if plan is None:
        reason = f"The plan {report.plan_id[:SHOWN_MAX]} is not that of the resource."
        return _rejection(UsageStatus.BAD_ARGUMENT, Member.PLAN_ID, reason)
    if not _is_counted(plan, report.dimension_id, resource.subscription):
        reason = f"The dimension {report.dimension_id[:SHOWN_MAX]} is not billed in the plan {plan.plan_id}."
        return _rejection(UsageStatus.INVALID_DIMENSION, Member.DIMENSION, reason)
    return None


def _immeasurable(report: Report) -> Rejection | None:
    fault = quantity_fault(report.quantity)
    if fault is None:
        return None
    return _rejection(UsageStatus.INVALID_QUANTITY, Member.QUANTITY, fault)


def _untimely(report: Report, resource: Resource, allowance: Allowance) -> Rejection | None:
    at, now = report.effective_at, resource.now
    if at <= now + allowance.future and not _is_too_old(allowance, at, now):
        return None
    reason = "The effectiveStartTime lies in the future, or too far in the past."
    return _rejection(UsageStatus.EXPIRED, Member.EFFECTIVE_START_TIME, reason)


def _was_active(resource: Resource, at: datetime, allowance: Allowance) -> bool:
    """Subscribed now, or ended after the usage and not long ago; in either case not before the activation."""
    subscription = resource.subscription
    if subscription.started_at is None or at < subscription.started_at:
        return False
    if subscription.ended_at is not None:
        return at < subscription.ended_at and not _is_too_old(allowance, at, resource.now)
    return subscription.status in allowance.statuses


def _is_too_old(allowance: Allowance, at: datetime, now: datetime) -> bool:
    return allowance.past is not None and at < now - allowance.past


def _is_counted(plan: MeteredPlan, dimension_id: str, subscription: MeteredSubscription) -> bool:
    """Whether units of a dimension are billed: enabled in the plan, and not included without limit."""
    if dimension_id not in plan.meters:
        return False
    included = plan.included(subscription.term, subscription.billing_cycle)
    return included.get(dimension_id, 0) is not None
