"""Add-ons in their three forms (``10-catalog-cart-orders`` sections 3.6 and 3.7)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.order_factory import (
    ADD_ON,
    BASE_ID,
    ITEM,
    TRIAL,
    a_request,
    a_trial,
    an_add_on,
    an_offer,
    facts,
    held,
    judge,
    problems,
)
from tests.subscription_factory import term

from comptoir.catalog.model import BillingCycle
from comptoir.core.accounts import AccountSettings
from comptoir.orders.judging import judge_lines
from comptoir.orders.model import LineRequest, Problem
from comptoir.orders.relations import needs_subscriptions

ANNUAL, MONTHLY = BillingCycle.ANNUAL, BillingCycle.MONTHLY
KNOWN = facts(an_offer(), a_trial(), an_add_on())
OWNING = facts(an_offer(), a_trial(), an_add_on(), held=[held()])
BOTH_CYCLES = (term("P1Y", MONTHLY), term("P1Y", ANNUAL))


def nested(base: int, **changes: object) -> LineRequest:
    return a_request(ADD_ON, 2, parent_line=base, **changes)


def test_a_nested_add_on_extends_its_line() -> None:
    add_on = judge_lines([a_request(), nested(0)], KNOWN)[1]
    assert (add_on.problem, add_on.parent_line, add_on.parent_subscription_id) == (None, 0, None)


def test_an_add_on_may_stand_before_its_base() -> None:
    lines = judge_lines([nested(1), a_request()], KNOWN)
    assert [(line.problem, line.parent_line) for line in lines] == [(None, 1), (None, None)]


@pytest.mark.parametrize("key", ["parentSubscriptionId", "ParentSubscriptionId", "PARENTSUBSCRIPTIONID"])
def test_the_provisioning_context_names_a_held_base(key: str) -> None:
    line = judge(a_request(ADD_ON, provisioning_context={"x": "y", key: BASE_ID.upper()}), OWNING)
    assert (line.problem, line.parent_line, line.parent_subscription_id) == (None, None, BASE_ID)


def test_a_line_names_a_held_base_itself() -> None:
    assert judge(a_request(ADD_ON, parent_subscription_id=BASE_ID), OWNING).parent_subscription_id == BASE_ID


def test_a_plain_add_on_finds_a_base_line_before_a_held_base() -> None:
    add_on = judge_lines([a_request(ADD_ON), a_request()], OWNING)[0]
    assert (add_on.problem, add_on.parent_line, add_on.parent_subscription_id) == (None, 1, None)


def test_a_plain_add_on_finds_a_held_base() -> None:
    assert judge(a_request(ADD_ON), OWNING).parent_subscription_id == BASE_ID


@pytest.mark.parametrize(
    ("requests", "problem"),
    [
        ([a_request(ADD_ON)], Problem.ADD_ON_WITHOUT_BASE),
        ([a_request(ADD_ON), a_request(TRIAL, 1)], Problem.ADD_ON_WITHOUT_BASE),
        ([a_request(ADD_ON, parent_subscription_id=BASE_ID)], Problem.PARENT_UNKNOWN),
        ([a_request(ADD_ON, provisioning_context={"parentSubscriptionId": "x"})], Problem.PARENT_UNKNOWN),
        ([nested(1), a_request(TRIAL, 1)], Problem.BILLING_CYCLE),
        ([a_request(ITEM, parent_line=1), a_request()], Problem.ADD_ON_UNRELATED),
        ([nested(1), nested(2), a_request()], Problem.ADD_ON_TOO_DEEP),
        ([nested(1), a_request(ADD_ON), a_request()], Problem.ADD_ON_TOO_DEEP),
    ],
)
def test_what_is_wrong_with_an_add_on(requests: Sequence[LineRequest], problem: Problem) -> None:
    assert problems(requests, KNOWN)[0] is problem


def test_an_add_on_of_another_plan_is_unrelated() -> None:
    known = facts(an_offer(), an_add_on(parent_skus=("DZH318Z0TFD8:0007",)), held=[held()])
    assert judge(a_request(ADD_ON, parent_subscription_id=BASE_ID), known).problem is Problem.ADD_ON_UNRELATED


def test_what_is_no_add_on_has_no_parent() -> None:
    assert judge(a_request(parent_subscription_id=BASE_ID), OWNING).problem is Problem.ADD_ON_UNRELATED


def test_a_blank_parent_is_none() -> None:
    assert judge(a_request(provisioning_context={"parentSubscriptionId": " "}), KNOWN).problem is None


def test_the_base_s_own_problem_is_enough() -> None:
    known = facts(an_add_on())
    assert problems([a_request(), nested(0)], known) == [Problem.CATALOG_ITEM_UNKNOWN, None]


def test_an_add_on_is_billed_like_its_base() -> None:
    known = facts(an_offer(terms=BOTH_CYCLES), an_add_on(BOTH_CYCLES))
    lines = judge_lines([a_request(billing_cycle=ANNUAL), nested(0)], known)
    assert [line.billing_cycle for line in lines] == [ANNUAL, ANNUAL]
    other = [a_request(billing_cycle=ANNUAL), nested(0, billing_cycle=MONTHLY)]
    assert problems(other, known) == [None, Problem.BILLING_CYCLE]


def test_a_plain_add_on_prefers_a_base_of_its_cycle() -> None:
    known = facts(an_offer(terms=BOTH_CYCLES), an_add_on(BOTH_CYCLES), held=[held()])
    bases = [a_request(billing_cycle=MONTHLY), a_request(billing_cycle=ANNUAL)]
    add_on = judge_lines([*bases, a_request(ADD_ON, billing_cycle=ANNUAL)], known)[2]
    assert (add_on.problem, add_on.parent_line) == (None, 1)
    held_base = judge_lines([bases[1], a_request(ADD_ON, billing_cycle=MONTHLY)], known)[1]
    assert (held_base.problem, held_base.parent_subscription_id) == (None, BASE_ID)


def test_a_plain_add_on_of_no_fitting_cycle_is_refused() -> None:
    known = facts(an_offer(terms=BOTH_CYCLES), an_add_on())
    lines = [a_request(billing_cycle=ANNUAL), a_request(ADD_ON)]
    assert problems(lines, known) == [None, Problem.BILLING_CYCLE]


@pytest.mark.parametrize(("seats", "problem"), [(9, Problem.BASE_SEATS), (10, None)])
def test_a_base_needs_its_seats(seats: int, problem: Problem | None) -> None:
    known = facts(an_offer(), an_add_on(minimum_parent_quantity=10))
    assert problems([a_request(quantity=seats), nested(0)], known) == [None, problem]


@pytest.mark.parametrize(("seats", "problem"), [(4, Problem.ADD_ON_SEATS), (5, None)])
def test_an_add_on_needs_its_seats(seats: int, problem: Problem | None) -> None:
    known = facts(an_offer(), an_add_on(minimum_quantity=5), held=[held()])
    assert judge(a_request(ADD_ON, seats), known).problem is problem


@pytest.mark.parametrize(
    ("request_line", "offer_changes", "limit", "expected"),
    [
        (a_request(), {}, None, False),
        (a_request(), {}, 5, True),
        (a_request(), {"ownership_limit": 1}, None, True),
        (a_request(), {"is_add_on": True}, None, True),
        (a_request(parent_subscription_id=BASE_ID), {}, None, True),
        (a_request(provisioning_context={"parentSubscriptionId": BASE_ID}), {}, None, True),
    ],
)
def test_what_the_customer_holds_is_asked_only_where_it_matters(
    request_line: LineRequest, offer_changes: Mapping[str, Any], limit: int | None, expected: bool
) -> None:
    settings = AccountSettings(limit_subscriptions_per_customer=limit)
    assert needs_subscriptions([request_line], {ITEM: an_offer(**offer_changes)}, settings) is expected


def test_an_add_on_is_sold_in_the_currency_of_its_base() -> None:
    dollars = an_add_on((term(currency="USD"),), currency="USD")
    known = facts(an_offer(), dollars, held=[held()])
    assert problems([a_request(), nested(0)], known) == [None, Problem.CURRENCY]
    assert judge(a_request(ADD_ON, parent_subscription_id=BASE_ID), known).problem is Problem.CURRENCY
