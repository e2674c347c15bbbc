"""What a PATCH of an order does: one of three documented changes, or nothing (section 4.5)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from comptoir.catalog.model import BillingCycle, Term
from comptoir.core.accounts import AccountSettings
from comptoir.core.errors import Code, Refusal
from comptoir.orders.lifecycle import status_after
from comptoir.orders.model import Action, EchoedLine, LineRequest, Order, OrderLine, OrderPatch, Status
from comptoir.orders.requests import LINES_MAX
from comptoir.subscriptions.model import Status as SubscriptionStatus
from comptoir.subscriptions.model import Subscription


@dataclass(frozen=True, slots=True)
class CancelLines:
    """Cancel the lines of these numbers, all that are open or some of them.

    ``asked`` are those that the caller meant; the others extend one of them and end with it.
    """

    numbers: frozenset[int]
    asked: frozenset[int]
    action: Action
    keeps_quantities: bool


@dataclass(frozen=True, slots=True)
class ChangeBillingCycle:
    """Bill the open lines by another cycle from their next billing period on."""

    billing_cycle: BillingCycle


@dataclass(frozen=True, slots=True)
class BuyAddOns:
    """Append lines that extend subscriptions of the order."""

    requests: tuple[LineRequest, ...]


Plan = CancelLines | ChangeBillingCycle | BuyAddOns | None
"""``None``: nothing to do."""


def plan_patch(order: Order, patch: OrderPatch, settings: AccountSettings, now: datetime) -> Plan:
    """Decide, in the documented order of the tests. Refuses what an order cannot be asked for."""
    if patch.is_cancellation:
        return _plan_cancellation(order, patch.lines, settings, now)
    if patch.billing_cycle not in {None, BillingCycle.UNKNOWN, order.billing_cycle}:
        assert patch.billing_cycle is not None
        status_after(order, Action.CHANGE_BILLING_CYCLE)
        return ChangeBillingCycle(patch.billing_cycle)
    requests = tuple(line.request for line in patch.lines if line.request is not None)
    if requests:
        status_after(order, Action.APPEND_ADD_ONS)
        if len(order.lines) + len(requests) > LINES_MAX:
            raise Refusal(Code.INVALID_INPUT, reason=f"an order has at most {LINES_MAX} line items.")
        return BuyAddOns(tuple(_for_order(order, request) for request in requests))
    _refuse_other_changes(order, patch.lines)
    return None


def new_terms(
    order: Order,
    billing_cycle: BillingCycle,
    on_sale: Mapping[int, Sequence[Term]],
    subscriptions: Mapping[str, Subscription],
) -> dict[int, Term]:
    """The term of each open line under another billing cycle: as long as now, at today's price.

    ``on_sale`` holds what each line's plan is sold for now, by line number. Refuses a cycle that some plan
    lacks, and an order of which a subscription is not active (waiting for its set-up, suspended or ended).
    """
    terms = {
        line.number: _term_like(line, billing_cycle, on_sale.get(line.number, ()))
        for line in order.open_lines
    }
    statuses = {subscriptions[line.subscription_id].status for line in order.open_lines}
    if statuses != {SubscriptionStatus.ACTIVE}:
        raise Refusal(Code.CYCLE_CHANGE_INACTIVE)
    return terms


def _term_like(line: OrderLine, billing_cycle: BillingCycle, on_sale: Sequence[Term]) -> Term:
    for term in on_sale:
        is_same = (term.duration, term.price.currency) == (line.term, line.unit_price.currency)
        if is_same and term.billing_cycle is billing_cycle:
            return term
    raise Refusal(Code.CYCLE_CHANGE_NOT_OFFERED)


def _plan_cancellation(
    order: Order, listed: Sequence[EchoedLine], settings: AccountSettings, now: datetime
) -> CancelLines:
    """Section 4.7. No line listed, or every line, means the whole order."""
    if not settings.allow_order_cancel:
        raise Refusal(Code.ORDER_CANCEL_FORBIDDEN)
    if settings.strict_saas_order_cancel:
        raise Refusal(Code.ORDER_CANCEL_BY_SUBSCRIPTION)
    status_after(order, Action.CANCEL_ALL_LINES)
    if now - order.created_at > timedelta(days=settings.order_cancel_max_age_days):
        reason = f"it is older than {settings.order_cancel_max_age_days} days."
        raise Refusal(Code.ORDER_NOT_CANCELLABLE, order_id=order.id, reason=reason)
    every = {line.number for line in order.lines}
    listed_numbers = {_own_line(order, line).number for line in listed} or every
    asked = frozenset(line.number for line in order.open_lines if line.number in listed_numbers)
    if not asked:
        raise Refusal(
            Code.ORDER_NOT_CANCELLABLE, order_id=order.id, reason="its lines are cancelled already."
        )
    numbers = asked | _add_ons_of(order, asked)
    is_whole = len(numbers) == len(order.open_lines)
    return CancelLines(
        numbers=numbers,
        asked=asked,
        action=Action.CANCEL_ALL_LINES if is_whole else Action.CANCEL_SOME_LINES,
        keeps_quantities=listed_numbers == every,
    )


def _add_ons_of(order: Order, numbers: Collection[int]) -> frozenset[int]:
    """The open lines that extend one of these lines."""
    bases = {line.subscription_id for line in order.lines if line.number in numbers}
    return frozenset(line.number for line in order.open_lines if line.parent_subscription_id in bases)


def _own_line(order: Order, listed: EchoedLine) -> OrderLine:
    """The order's line that a listed one means: the same number and, if given, the same offer."""
    for line in order.lines:
        if line.number == listed.number and (
            listed.offer_id is None or listed.offer_id.upper() == line.catalog_item_id.upper()
        ):
            return line
    raise Refusal(Code.LINE_NUMBER_UNKNOWN, line_number=listed.number)


def _for_order(order: Order, request: LineRequest) -> LineRequest:
    """An add-on is billed like the order it joins, and extends one of its subscriptions."""
    parents = {line.subscription_id for line in order.open_lines}
    if (request.parent_subscription_id or "").lower() not in parents:
        raise Refusal(Code.ADD_ON_UNRELATED, offer_id=request.catalog_item_id)
    return replace(request, billing_cycle=order.billing_cycle, currency=request.currency or order.currency)


def _refuse_other_changes(order: Order, listed: Sequence[EchoedLine]) -> None:
    """Lines that come back as they are ask for nothing; a quantity changes through its subscription."""
    for each in listed:
        line = _own_line(order, each)
        if each.quantity and each.quantity != line.quantity:
            if order.status is Status.PENDING:
                raise Refusal(Code.ORDER_IN_PROGRESS, order_id=order.id)
            raise Refusal(
                Code.NOT_SUPPORTED, reason="change the quantity of the line's subscription instead."
            )
