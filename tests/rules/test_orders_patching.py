"""What a PATCH of an order does (``10-catalog-cart-orders`` sections 4.5 and 4.7)."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.order_factory import ADD_ON, ITEM, NOW, a_request, an_order, an_order_line
from tests.subscription_factory import in_status, term

from comptoir.catalog.model import BillingCycle, Term
from comptoir.core.accounts import AccountSettings
from comptoir.core.errors import Code, Refusal
from comptoir.orders.model import Action, EchoedLine, Order, OrderPatch, Status
from comptoir.orders.patching import BuyAddOns, CancelLines, ChangeBillingCycle, Plan, new_terms, plan_patch
from comptoir.orders.requests import LINES_MAX
from comptoir.subscriptions.model import Status as SubscriptionStatus
from comptoir.subscriptions.model import Subscription

ANNUAL, MONTHLY = BillingCycle.ANNUAL, BillingCycle.MONTHLY
SANDBOX = AccountSettings(allow_order_cancel=True)
TWO_LINES = an_order(an_order_line(0), an_order_line(1))
PENDING = an_order(status=Status.PENDING)
CANCEL = OrderPatch(is_cancellation=True)


def plan(patch: OrderPatch, order: Order = TWO_LINES, now: datetime = NOW) -> Plan:
    return plan_patch(order, patch, SANDBOX, now)


def cancel(*lines: EchoedLine) -> OrderPatch:
    return OrderPatch(is_cancellation=True, lines=lines)


def cancels(
    numbers: Collection[int],
    action: Action,
    *,
    asked: Collection[int] | None = None,
    keeps_quantities: bool = False,
) -> CancelLines:
    meant = frozenset(numbers if asked is None else asked)
    return CancelLines(frozenset(numbers), meant, action, keeps_quantities)


def code_of(patch: OrderPatch, order: Order = TWO_LINES, **settings: Any) -> Code:
    with pytest.raises(Refusal) as refused:
        plan_patch(order, patch, replace(SANDBOX, **settings), NOW)
    assert refused.value.description
    return refused.value.code


@pytest.mark.parametrize(
    "lines", [(), (EchoedLine(0), EchoedLine(1)), (EchoedLine(1, ITEM.lower(), 12), EchoedLine(0, ITEM))]
)
def test_no_line_or_every_line_cancels_the_order(lines: Sequence[EchoedLine]) -> None:
    assert plan(cancel(*lines)) == cancels({0, 1}, Action.CANCEL_ALL_LINES, keeps_quantities=True)


def test_some_lines_cancel_these() -> None:
    assert plan(cancel(EchoedLine(1))) == cancels({1}, Action.CANCEL_SOME_LINES)


def test_the_last_open_line_takes_the_order_with_it() -> None:
    order = an_order(an_order_line(0, is_cancelled=True, quantity=0), an_order_line(1))
    alone = plan(cancel(EchoedLine(1)), order)
    assert alone == cancels({1}, Action.CANCEL_ALL_LINES)
    assert plan(CANCEL, order) == cancels({1}, Action.CANCEL_ALL_LINES, keeps_quantities=True)


BASE_IDS = [an_order_line(number).subscription_id for number in range(2)]


def test_a_line_takes_its_open_add_ons_along() -> None:
    add_ons = [
        an_order_line(2, parent_subscription_id=BASE_IDS[0]),
        an_order_line(3, parent_subscription_id=BASE_IDS[1]),
        an_order_line(4, parent_subscription_id=BASE_IDS[0], is_cancelled=True, quantity=0),
    ]
    order = an_order(an_order_line(0), an_order_line(1), *add_ons)
    first = plan(cancel(EchoedLine(0)), order)
    assert first == cancels({0, 2}, Action.CANCEL_SOME_LINES, asked={0})
    both = plan(cancel(EchoedLine(0), EchoedLine(2)), order)
    assert both == cancels({0, 2}, Action.CANCEL_SOME_LINES)
    assert plan(cancel(EchoedLine(2)), order) == cancels({2}, Action.CANCEL_SOME_LINES)
    bases = plan(cancel(EchoedLine(0), EchoedLine(1)), order)
    assert bases == cancels({0, 1, 2, 3}, Action.CANCEL_ALL_LINES, asked={0, 1})


@pytest.mark.parametrize("line", [EchoedLine(2), EchoedLine(-1), EchoedLine(0, ADD_ON)])
def test_a_line_that_the_order_lacks_cannot_be_cancelled(line: EchoedLine) -> None:
    assert code_of(cancel(line)) is Code.LINE_NUMBER_UNKNOWN


def test_cancelled_lines_are_not_cancelled_again() -> None:
    order = an_order(an_order_line(0, is_cancelled=True, quantity=0), an_order_line(1))
    assert code_of(cancel(EchoedLine(0)), order) is Code.ORDER_NOT_CANCELLABLE


def test_who_may_cancel() -> None:
    assert code_of(CANCEL, allow_order_cancel=False) is Code.ORDER_CANCEL_FORBIDDEN
    assert code_of(CANCEL, strict_saas_order_cancel=True) is Code.ORDER_CANCEL_BY_SUBSCRIPTION
    assert code_of(CANCEL, PENDING, allow_order_cancel=False) is Code.ORDER_CANCEL_FORBIDDEN


def test_which_orders_can_be_cancelled() -> None:
    assert code_of(CANCEL, PENDING) is Code.ORDER_IN_PROGRESS
    assert code_of(CANCEL, an_order(status=Status.CANCELLED)) is Code.ORDER_NOT_CANCELLABLE
    assert code_of(CANCEL, an_order(status=Status.ERROR)) is Code.ORDER_NOT_CANCELLABLE


def test_orders_can_be_cancelled_for_sixty_days() -> None:
    last = NOW + timedelta(days=60)
    assert isinstance(plan(CANCEL, now=last), CancelLines)
    with pytest.raises(Refusal) as refused:
        plan(CANCEL, now=last + timedelta(microseconds=1))
    assert refused.value.code is Code.ORDER_NOT_CANCELLABLE


def test_another_cycle() -> None:
    assert plan(OrderPatch(billing_cycle=ANNUAL)) == ChangeBillingCycle(ANNUAL)
    assert code_of(OrderPatch(billing_cycle=ANNUAL), PENDING) is Code.ORDER_IN_PROGRESS
    cancelled = an_order(status=Status.CANCELLED)
    assert code_of(OrderPatch(billing_cycle=ANNUAL), cancelled) is Code.CYCLE_CHANGE_INACTIVE


def test_a_cancellation_goes_before_a_change_of_cycle() -> None:
    assert isinstance(plan(OrderPatch(is_cancellation=True, billing_cycle=ANNUAL)), CancelLines)


@pytest.mark.parametrize(
    "patch",
    [
        OrderPatch(),
        OrderPatch(billing_cycle=MONTHLY),
        OrderPatch(billing_cycle=BillingCycle.UNKNOWN),
        OrderPatch(lines=(EchoedLine(0, ITEM, 12), EchoedLine(1, ITEM, 0))),
        OrderPatch(lines=(EchoedLine(1),)),
    ],
)
def test_an_order_sent_back_asks_for_nothing(patch: OrderPatch) -> None:
    assert plan(patch) is None
    assert plan(patch, replace(TWO_LINES, status=Status.PENDING)) is None


def test_quantities_change_through_subscriptions() -> None:
    patch = OrderPatch(lines=(EchoedLine(0, ITEM, 13),))
    assert code_of(patch) is Code.NOT_SUPPORTED
    assert code_of(patch, PENDING) is Code.ORDER_IN_PROGRESS


def test_a_line_without_a_parent_cannot_be_added() -> None:
    assert code_of(OrderPatch(lines=(EchoedLine(2, ADD_ON, 1),))) is Code.LINE_NUMBER_UNKNOWN


def add_on(parent_id: str) -> OrderPatch:
    return OrderPatch(
        lines=(EchoedLine(0, ADD_ON, 1, a_request(ADD_ON, 1, parent_subscription_id=parent_id)),)
    )


def test_an_add_on_is_billed_like_its_order() -> None:
    decided = plan(add_on(TWO_LINES.lines[1].subscription_id.upper()))
    assert isinstance(decided, BuyAddOns)
    (request,) = decided.requests
    assert (request.billing_cycle, request.currency) == (MONTHLY, "EUR")


def test_an_add_on_extends_an_open_line_of_its_order() -> None:
    cancelled = an_order(an_order_line(0, is_cancelled=True), an_order_line(1))
    assert code_of(add_on("another")) is Code.ADD_ON_UNRELATED
    assert code_of(add_on(cancelled.lines[0].subscription_id), cancelled) is Code.ADD_ON_UNRELATED
    assert code_of(add_on(PENDING.lines[0].subscription_id), PENDING) is Code.ORDER_IN_PROGRESS


def bought(order: Order, *statuses: SubscriptionStatus) -> dict[str, Subscription]:
    pairs = zip(order.lines, statuses, strict=True)
    return {
        line.subscription_id: replace(in_status(status), id=line.subscription_id) for line, status in pairs
    }


ACTIVE, ENDED = SubscriptionStatus.ACTIVE, SubscriptionStatus.DELETED
YEARLY, MONTH_PAID_YEARLY = term("P1Y", ANNUAL, "80"), term("P1M", ANNUAL, "8")


def test_the_new_term_is_as_long_as_the_old_one() -> None:
    on_sale = {0: (term(), YEARLY, MONTH_PAID_YEARLY), 1: (MONTH_PAID_YEARLY,)}
    terms = new_terms(TWO_LINES, ANNUAL, on_sale, bought(TWO_LINES, ACTIVE, ACTIVE))
    assert terms == {0: MONTH_PAID_YEARLY, 1: MONTH_PAID_YEARLY}


@pytest.mark.parametrize("terms", [(), (term(), YEARLY), (term("P1M", ANNUAL, "8", "USD"),)])
def test_a_cycle_that_a_plan_lacks_is_refused(terms: Sequence[Term]) -> None:
    for on_sale in ({0: (MONTH_PAID_YEARLY,)}, {0: (MONTH_PAID_YEARLY,), 1: terms}):
        with pytest.raises(Refusal) as refused:
            new_terms(TWO_LINES, ANNUAL, on_sale, bought(TWO_LINES, ACTIVE, ACTIVE))
        assert refused.value.code is Code.CYCLE_CHANGE_NOT_OFFERED


@pytest.mark.parametrize("status", sorted(set(SubscriptionStatus) - {ACTIVE}))
def test_only_active_subscriptions_change_their_cycle(status: SubscriptionStatus) -> None:
    on_sale = {0: (MONTH_PAID_YEARLY,), 1: (MONTH_PAID_YEARLY,)}
    with pytest.raises(Refusal) as refused:
        new_terms(TWO_LINES, ANNUAL, on_sale, bought(TWO_LINES, ACTIVE, status))
    assert refused.value.code is Code.CYCLE_CHANGE_INACTIVE


def test_cancelled_lines_do_not_hinder_the_others() -> None:
    order = an_order(an_order_line(0, is_cancelled=True), an_order_line(1))
    terms = new_terms(order, ANNUAL, {1: (MONTH_PAID_YEARLY,)}, bought(order, ENDED, ACTIVE))
    assert terms == {1: MONTH_PAID_YEARLY}


def test_an_order_grows_up_to_its_bound() -> None:
    order = an_order(*(an_order_line(number) for number in range(LINES_MAX - 1)))
    parent_id = order.lines[0].subscription_id
    request = a_request(ADD_ON, parent_subscription_id=parent_id)
    one = EchoedLine(0, request=request)
    assert isinstance(plan(OrderPatch(lines=(one,)), order), BuyAddOns)
    assert code_of(OrderPatch(lines=(one, one)), order) is Code.INVALID_INPUT
