"""The status table of an order, every pair of it (``10-catalog-cart-orders`` section 4.6)."""

from itertools import product

import pytest
from tests.order_factory import NOW, an_order, an_order_line
from tests.subscription_factory import term

from comptoir.catalog.model import BillingCycle
from comptoir.core.errors import Code, Refusal
from comptoir.orders import lifecycle
from comptoir.orders.model import Action, Status

PENDING, COMPLETED, CANCELLED, ERROR = Status
CANCELLATIONS = (Action.CANCEL_SOME_LINES, Action.CANCEL_ALL_LINES)
ALLOWED = {
    (PENDING, Action.FULFIL): COMPLETED,
    (PENDING, Action.FAIL): ERROR,
    (COMPLETED, Action.CANCEL_SOME_LINES): COMPLETED,
    (COMPLETED, Action.CANCEL_ALL_LINES): CANCELLED,
    (COMPLETED, Action.CHANGE_BILLING_CYCLE): COMPLETED,
    (COMPLETED, Action.APPEND_ADD_ONS): COMPLETED,
}


def refused_with(status: Status, action: Action) -> Code:
    if status is PENDING:
        return Code.ORDER_IN_PROGRESS
    if action in CANCELLATIONS:
        return Code.ORDER_NOT_CANCELLABLE
    return Code.CYCLE_CHANGE_INACTIVE if action is Action.CHANGE_BILLING_CYCLE else Code.NOT_SUPPORTED


@pytest.mark.parametrize(("status", "action"), list(product(Status, Action)))
def test_every_pair(status: Status, action: Action) -> None:
    order = an_order(status=status)
    if (status, action) in ALLOWED:
        assert lifecycle.status_after(order, action) is ALLOWED[status, action]
        return
    with pytest.raises(Refusal) as refused:
        lifecycle.status_after(order, action)
    assert refused.value.code is refused_with(status, action)
    assert refused.value.description


def test_fulfilment_completes() -> None:
    order = lifecycle.fulfilled(an_order(status=PENDING, completed_at=None), NOW)
    assert (order.status, order.completed_at) == (COMPLETED, NOW)


def test_failure_completes_nothing() -> None:
    order = lifecycle.failed(an_order(status=PENDING, completed_at=None))
    assert (order.status, order.completed_at) == (ERROR, None)


def test_a_line_cancelled_alone_has_no_quantity_left() -> None:
    order = an_order(an_order_line(0), an_order_line(1))
    after = lifecycle.cancelled(order, frozenset({1}), Action.CANCEL_SOME_LINES, False, NOW)
    assert (after.status, after.cancelled_at) == (COMPLETED, None)
    assert [(line.is_cancelled, line.quantity) for line in after.lines] == [(False, 12), (True, 0)]
    assert [line.number for line in after.open_lines] == [0]


def test_a_whole_cancellation_keeps_the_quantities() -> None:
    order = an_order(an_order_line(0), an_order_line(1))
    after = lifecycle.cancelled(order, frozenset({0, 1}), Action.CANCEL_ALL_LINES, True, NOW)
    assert (after.status, after.cancelled_at) == (CANCELLED, NOW)
    assert [(line.is_cancelled, line.quantity) for line in after.lines] == [(True, 12), (True, 12)]


def test_another_cycle_has_another_price() -> None:
    order = an_order(an_order_line(0, is_cancelled=True, quantity=0), an_order_line(1))
    after = lifecycle.with_terms(order, {1: term("P1M", BillingCycle.ANNUAL, "80")})
    assert after.billing_cycle is BillingCycle.ANNUAL
    assert after.lines[0] == order.lines[0]
    assert after.lines[1].unit_price.amount == 80
    assert after.lines[1].billing_periods == 1


def test_add_ons_are_numbered_on() -> None:
    order = an_order(an_order_line(0))
    after = lifecycle.with_lines(order, [an_order_line(1), an_order_line(2)])
    assert [line.number for line in after.lines] == [0, 1, 2]
    with pytest.raises(AssertionError):
        lifecycle.with_lines(order, [an_order_line(0)])
