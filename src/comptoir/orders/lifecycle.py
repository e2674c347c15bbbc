"""The status of an order: one table, and what each action does (``10-catalog-cart-orders`` section 4.6)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from comptoir.catalog.model import Term
from comptoir.core.accounts import AccountSettings
from comptoir.core.errors import Code, Refusal
from comptoir.orders.model import Action, Order, OrderLine, Status

TRANSITIONS: Mapping[tuple[Status, Action], Status] = {
    (Status.PENDING, Action.FULFIL): Status.COMPLETED,
    (Status.PENDING, Action.FAIL): Status.ERROR,
    (Status.COMPLETED, Action.CANCEL_SOME_LINES): Status.COMPLETED,
    (Status.COMPLETED, Action.CANCEL_ALL_LINES): Status.CANCELLED,
    (Status.COMPLETED, Action.CHANGE_BILLING_CYCLE): Status.COMPLETED,
    (Status.COMPLETED, Action.APPEND_ADD_ONS): Status.COMPLETED,
}
"""A pair that is missing is not allowed."""


def status_after(order: Order, action: Action) -> Status:
    """The status that ``action`` leads to. Refuses what the table lacks."""
    status = TRANSITIONS.get((order.status, action))
    if status is not None:
        return status
    if order.status is Status.PENDING:
        raise Refusal(Code.ORDER_IN_PROGRESS, order_id=order.id)
    if action is Action.CHANGE_BILLING_CYCLE:
        raise Refusal(Code.CYCLE_CHANGE_INACTIVE)
    if action in {Action.CANCEL_SOME_LINES, Action.CANCEL_ALL_LINES}:
        raise Refusal(Code.ORDER_NOT_CANCELLABLE, order_id=order.id, reason=f"it is {_worded(order.status)}.")
    raise Refusal(Code.NOT_SUPPORTED, reason=f"the order is {_worded(order.status)}.")


def fulfilment_due(created_at: datetime, settings: AccountSettings) -> datetime:
    """When an order that was created at an instant is complete, by the account's clock."""
    return created_at + timedelta(seconds=settings.order_fulfilment_delay_seconds)


def fulfilled(order: Order, now: datetime) -> Order:
    """The order once its subscriptions are there, whether or not their publishers have set them up."""
    return replace(order, status=status_after(order, Action.FULFIL), completed_at=now)


def failed(order: Order) -> Order:
    """The order of which nothing is left to fulfil."""
    return replace(order, status=status_after(order, Action.FAIL))


def cancelled(
    order: Order, numbers: frozenset[int], action: Action, keeps_quantities: bool, now: datetime
) -> Order:
    """The order without the lines of these numbers. A line cancelled alone has quantity 0 from then on."""
    status = status_after(order, action)
    return replace(
        order,
        status=status,
        cancelled_at=now if status is Status.CANCELLED else None,
        lines=tuple(
            _cancelled_line(line, keeps_quantities) if line.number in numbers else line
            for line in order.lines
        ),
    )


def with_terms(order: Order, terms: Mapping[int, Term]) -> Order:
    """The order on another billing cycle; ``terms`` are the new ones of its open lines by number."""
    cycles = {term.billing_cycle for term in terms.values()}
    assert len(cycles) == 1, cycles
    return replace(
        order,
        status=status_after(order, Action.CHANGE_BILLING_CYCLE),
        billing_cycle=cycles.pop(),
        lines=tuple(
            _with_term(line, terms[line.number]) if line.number in terms else line for line in order.lines
        ),
    )


def with_lines(order: Order, lines: Sequence[OrderLine]) -> Order:
    """The order with more lines, numbered on from its own."""
    status = status_after(order, Action.APPEND_ADD_ONS)
    assert [line.number for line in lines] == list(range(len(order.lines), len(order.lines) + len(lines)))
    return replace(order, status=status, lines=(*order.lines, *lines))


def _cancelled_line(line: OrderLine, keeps_quantity: bool) -> OrderLine:
    return replace(line, is_cancelled=True, quantity=line.quantity if keeps_quantity else 0)


def _with_term(line: OrderLine, term: Term) -> OrderLine:
    return replace(line, unit_price=term.price, billing_periods=term.billing_periods())


def _worded(status: Status) -> str:
    return "in error" if status is Status.ERROR else status.value
