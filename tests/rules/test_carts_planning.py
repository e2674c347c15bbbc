"""What a checkout does (`10` section 3.9, steps 4 to 6)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cart_factory import CART_ID, FILLED_AT, cart, line, term_of, verdict
from tests.order_factory import an_order

from comptoir.carts.lines import requests_of, settle
from comptoir.carts.model import Cart, CartLine, CheckoutPlan, GroupFailure, LineErrorCode, Status
from comptoir.carts.planning import after_checkout, plan_checkout, result_of
from comptoir.catalog.model import BillingCycle
from comptoir.core.errors import Code, Refusal
from comptoir.orders.model import JudgedLine, Order, Problem

MONTHLY, ANNUAL, NONE = BillingCycle.MONTHLY, BillingCycle.ANNUAL, BillingCycle.NONE
UPN = "buyer@lyon.example"


def plan(kept: Cart, verdicts: Sequence[JudgedLine]) -> CheckoutPlan:
    return plan_checkout(kept, verdicts, blame, UPN)


def blame(one: JudgedLine) -> Refusal:
    return Refusal(Code.SANDBOX_LIMIT, reason=f"line {one.index}")


def blamed(planned: CheckoutPlan) -> dict[str, object]:
    """The line that each failing group fails for."""
    return {failure.group: failure.refusal.facts["reason"] for failure in planned.failures}


def sound(cycles: Sequence[BillingCycle]) -> list[JudgedLine]:
    return [verdict(index, chosen=term_of(cycle)) for index, cycle in enumerate(cycles)]


def filled(cycles: Sequence[BillingCycle], lines: Sequence[CartLine] = (), **changes: object) -> Cart:
    """A cart of sound lines with the groups that they have after K1."""
    lines = tuple(lines) or tuple(line(index) for index in range(len(cycles)))
    return replace(cart(settle(lines, sound(cycles), ())), **changes)  # type: ignore[arg-type]


def members(planned: CheckoutPlan) -> dict[str | None, list[int]]:
    return {draft.cart_group: [each.index for each in draft.lines] for draft in planned.drafts}


def test_one_order_for_each_group_in_group_order() -> None:
    cycles = [MONTHLY, MONTHLY, ANNUAL, NONE, MONTHLY]
    planned = plan(filled(cycles, attestation=True), sound(cycles))
    assert members(planned) == {"0": [0, 1, 4], "1": [2], "2": [3]}
    assert [draft.billing_cycle for draft in planned.drafts] == [MONTHLY, ANNUAL, NONE]
    assert {(draft.cart_id, draft.currency, draft.attestation, draft.upn) for draft in planned.drafts} == {
        (CART_ID, "EUR", True, UPN)
    }
    assert (planned.failures, planned.has_errors) == ((), False)


def test_more_than_ten_groups_stay_in_the_order_of_their_numbers() -> None:
    pairs = [
        (cycle, currency) for cycle in (MONTHLY, ANNUAL, NONE) for currency in ("EUR", "USD", "JPY", "GBP")
    ]
    verdicts = [verdict(index, chosen=term_of(*pair)) for index, pair in enumerate(pairs)]
    lines = tuple(line(index) for index in range(len(pairs)))
    planned = plan(cart(settle(lines, verdicts, ())), verdicts)
    assert [draft.cart_group for draft in planned.drafts] == [str(number) for number in range(12)]


def test_nested_add_ons_follow_their_base() -> None:
    cycles = [MONTHLY] * 4
    lines = [line(0, line(1)), line(2, line(3))]
    verdicts = [
        replace(each, parent_line=request.parent_line)
        for each, request in zip(sound(cycles), requests_of(lines), strict=True)
    ]
    assert members(plan(filled(cycles, lines), verdicts)) == {"0": [0, 1, 2, 3]}


def test_a_plain_add_on_line_moves_behind_its_base() -> None:
    verdicts = sound([MONTHLY] * 4)
    verdicts[0] = replace(verdicts[0], parent_line=2)
    verdicts[3] = replace(verdicts[3], parent_line=1)
    assert members(plan(filled([MONTHLY] * 4), verdicts)) == {"0": [1, 3, 2, 0]}


def test_any_line_error_stops_the_checkout_and_is_kept_on_its_line() -> None:
    cycles = [MONTHLY, ANNUAL]
    before = filled(cycles)
    verdicts = sound(cycles)
    verdicts[1] = verdict(1, Problem.NOT_PURCHASABLE)
    planned = plan(before, verdicts)
    assert planned.has_errors
    assert planned.lines[0] == before.lines[0]
    error = planned.lines[1].error
    assert error is not None
    assert error.code is LineErrorCode.INVENTORY_NOT_AVAILABLE
    assert planned.lines[1].group is None


@pytest.mark.parametrize(
    "problem", [Problem.REPLACED, Problem.OUT_OF_STOCK, Problem.OWNERSHIP_LIMIT, Problem.ACCOUNT_LIMIT]
)
def test_supply_and_allowance_that_went_since_fail_their_group_alone(problem: Problem) -> None:
    cycles = [MONTHLY, ANNUAL, MONTHLY]
    before = filled(cycles)
    verdicts = sound(cycles)
    verdicts[2] = verdict(2, problem)
    planned = plan(before, verdicts)
    assert not planned.has_errors
    assert planned.lines == before.lines
    assert members(planned) == {"1": [1]}
    assert blamed(planned) == {"0": "line 2"}


def test_the_first_culprit_of_a_group_is_named() -> None:
    cycles = [MONTHLY, MONTHLY]
    verdicts = [verdict(index, Problem.OUT_OF_STOCK) for index in range(2)]
    planned = plan(filled(cycles), verdicts)
    assert blamed(planned) == {"0": "line 0"}
    assert planned.drafts == ()


def test_what_was_an_error_in_the_cart_already_stays_one() -> None:
    reached = verdict(0, Problem.ACCOUNT_LIMIT)
    before = cart(settle((line(0),), [reached], ()))
    planned = plan(before, [reached])
    assert planned.has_errors
    assert planned.lines == before.lines
    assert planned.failures == ()


def test_an_error_that_has_gone_lets_the_line_be_ordered() -> None:
    before = cart(settle((line(0), line(1)), [verdict(0, Problem.OUT_OF_STOCK), verdict(1)], ()))
    planned = plan(before, sound([ANNUAL, MONTHLY]))
    assert members(planned) == {"0": [1], "1": [0]}
    assert [(each.group, each.error) for each in planned.lines] == [("1", None), ("0", None)]


def test_only_groups_that_are_not_ordered_are_tried_again() -> None:
    cycles = [MONTHLY, ANNUAL, NONE]
    before = filled(cycles, placed={"1": "an order"})
    verdicts = [verdict(0, chosen=term_of(MONTHLY)), verdict(1, chosen=term_of(NONE))]
    planned = plan(before, verdicts)
    assert members(planned) == {"0": [0], "2": [1]}
    assert planned.lines == before.lines


def test_nothing_is_left_to_do_when_every_line_is_ordered() -> None:
    before = filled([MONTHLY], placed={"0": "an order"})
    assert plan(before, []) == CheckoutPlan(lines=before.lines, drafts=(), failures=(), has_errors=False)


# Afterwards


def ordered(group: str) -> Order:
    return an_order(id=f"order {group}", cart_group=group)


def failed(group: str) -> GroupFailure:
    return GroupFailure(group, Refusal(Code.AGREEMENT_MISSING))


def test_orders_and_failures_are_answered_in_group_order() -> None:
    result = result_of([ordered("10"), ordered("2")], [failed("9"), failed("11"), failed("1")])
    assert [order.cart_group for order in result.orders] == ["2", "10"]
    assert [failure.group for failure in result.failures] == ["1", "9", "11"]


LATER = FILLED_AT + timedelta(hours=1)


def test_a_cart_is_ordered_when_nothing_failed() -> None:
    before = filled([MONTHLY, ANNUAL])
    result = result_of([ordered("0"), ordered("1")], [])
    after = after_checkout(before, plan(before, sound([MONTHLY, ANNUAL])), result, LATER, "u")
    assert after == replace(
        before,
        status=Status.ORDERED,
        modified_at=LATER,
        modified_by="u",
        placed={"0": "order 0", "1": "order 1"},
        receipt=result.orders,
    )


def test_a_cart_ordered_in_part_stays_active_and_remembers() -> None:
    before = filled([MONTHLY, ANNUAL])
    result = result_of([ordered("1")], [failed("0")])
    after = after_checkout(before, plan(before, sound([MONTHLY, ANNUAL])), result, LATER, "u")
    assert after == replace(before, modified_at=LATER, modified_by="u", placed={"1": "order 1"})


def test_trying_in_vain_does_not_change_a_cart() -> None:
    before = filled([MONTHLY, ANNUAL], placed={"1": "order 1"})
    result = result_of([ordered("1")], [failed("0")])
    assert after_checkout(before, plan(before, sound([MONTHLY])), result, LATER, "u") == before


drawn_lines = st.lists(
    st.tuples(
        st.sampled_from([MONTHLY, ANNUAL, NONE]),
        st.sampled_from(["EUR", "CHF"]),
        st.sampled_from([None, None, None, *Problem]),
        st.sampled_from([None, None, None, *Problem]),
    ),
    min_size=1,
    max_size=8,
)


@given(drawn_lines)
def test_every_line_is_ordered_or_fails_with_its_group_or_is_in_error(
    drawn: list[tuple[BillingCycle, str, Problem | None, Problem | None]],
) -> None:
    facts = {"available": 0, "purchased": 0}

    def verdicts(problems: Sequence[Problem | None]) -> list[JudgedLine]:
        return [
            verdict(index, problem, term_of(cycle, currency), facts=facts)
            for index, ((cycle, currency, _, _), problem) in enumerate(zip(drawn, problems, strict=True))
        ]

    lines = tuple(line(index) for index in range(len(drawn)))
    before = cart(settle(lines, verdicts([at_first for *_, at_first, _ in drawn]), ()))
    planned = plan(before, verdicts([later for *_, later in drawn]))
    assert [each.id for each in planned.lines] == list(range(len(drawn)))
    assert planned.has_errors == any(each.error for each in planned.lines)
    planned_groups = {name: indexes for name, indexes in members(planned).items() if name is not None}
    failed_groups = blamed(planned).keys()
    assert not planned_groups.keys() & failed_groups
    for index, each in enumerate(planned.lines):
        is_in = [each.error is not None, each.group in planned_groups, each.group in failed_groups]
        assert sum(is_in) == 1
        assert each.error is not None or each.pricing is not None
        assert each.group not in planned_groups or index in planned_groups[each.group or ""]
    for draft in planned.drafts:
        assert {(one.billing_cycle, one.currency) for one in draft.lines} == {
            (draft.billing_cycle, draft.currency)
        }
        assert all(one.problem is None for one in draft.lines)
