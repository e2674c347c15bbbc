"""Defaults of billing cycle, term, currency and renewal (``10-catalog-cart-orders`` section 3.5)."""

from dataclasses import replace

import pytest
from tests.order_factory import ITEM, TRIAL, a_request, a_trial, an_offer, facts, judge, months
from tests.subscription_factory import term

from comptoir.catalog.model import BillingCycle
from comptoir.core.errors import Code, Refusal
from comptoir.orders.choices import with_shared_terms
from comptoir.orders.model import Problem

MONTHLY, ANNUAL = BillingCycle.MONTHLY, BillingCycle.ANNUAL
ONE_TIME, NONE, TRIENNIAL = BillingCycle.ONE_TIME, BillingCycle.NONE, BillingCycle.TRIENNIAL


@pytest.mark.parametrize(
    ("cycles", "expected"),
    [
        ((ANNUAL,), ANNUAL),
        ((NONE,), NONE),
        ((TRIENNIAL,), TRIENNIAL),
        ((ANNUAL, MONTHLY), MONTHLY),
        ((ONE_TIME, ANNUAL), ONE_TIME),
        ((ONE_TIME, MONTHLY), MONTHLY),
    ],
)
@pytest.mark.parametrize("asked", [None, BillingCycle.UNKNOWN])
def test_the_cycle_is_the_only_one_else_monthly_else_one_time(
    cycles: tuple[BillingCycle, ...], expected: BillingCycle, asked: BillingCycle | None
) -> None:
    offer = an_offer(terms=[term("P3Y", cycle) for cycle in cycles])
    line = judge(a_request(billing_cycle=asked), facts(offer))
    assert (line.problem, line.billing_cycle) == (None, expected)


def test_several_cycles_without_a_preferred_one_leave_the_choice_to_the_caller() -> None:
    offer = an_offer(terms=[term("P3Y", ANNUAL), term("P3Y", TRIENNIAL)])
    assert judge(a_request(), facts(offer)).problem is Problem.BILLING_CYCLE


def test_the_term_is_the_shortest_of_the_cycle() -> None:
    terms = [term("P3Y", MONTHLY), term("P1Y", MONTHLY), term("P1M", ANNUAL)]
    line = judge(a_request(billing_cycle=MONTHLY), facts(an_offer(terms=terms)))
    assert line.term is terms[1]


def test_days_are_shorter_than_months() -> None:
    terms = [term("P1M", NONE, "0"), term("P14D", NONE, "0")]
    line = judge(a_request(), facts(an_offer(terms=terms)))
    assert line.term is terms[1]


def test_cycle_and_duration_choose_the_term() -> None:
    terms = [term("P1M", MONTHLY), term("P1Y", MONTHLY), term("P1Y", ANNUAL)]
    line = judge(a_request(billing_cycle=MONTHLY, term=months("P1Y")), facts(an_offer(terms=terms)))
    assert line.term is terms[1]


@pytest.mark.parametrize(
    ("cycle", "duration", "problem"),
    [
        (ANNUAL, None, Problem.BILLING_CYCLE),
        (ANNUAL, "P1M", Problem.BILLING_CYCLE),
        (MONTHLY, "P3Y", Problem.TERM),
        (None, "P3Y", Problem.TERM),
    ],
)
def test_a_pair_that_is_not_sold_is_a_fault_of_the_cycle_or_of_the_term(
    cycle: BillingCycle | None, duration: str | None, problem: Problem
) -> None:
    request = a_request(billing_cycle=cycle, term=months(duration) if duration else None)
    line = judge(request)
    assert line.problem is problem
    assert line.term is None


def test_a_supported_cycle_without_any_term_is_a_fault_of_the_term() -> None:
    offer = an_offer(supported_billing_cycles=(MONTHLY, ANNUAL))
    assert judge(a_request(billing_cycle=ANNUAL), facts(offer)).problem is Problem.TERM


def test_the_currency_is_the_availability_s() -> None:
    assert judge(a_request()).currency == "EUR"
    assert judge(a_request(currency="eur")).problem is None
    other = judge(a_request(currency="USD"))
    assert other.problem is Problem.CURRENCY
    assert "EUR" in other.detail


def test_a_trial_renews_to_the_first_option_of_its_term() -> None:
    assert judge(a_request(TRIAL, 1), facts(a_trial())).renews_to == months("P1M")


def test_a_trial_without_options_renews_to_nothing() -> None:
    offer = replace(a_trial(), terms=(replace(term("P1M", NONE, "0"), renewal_options=()),))
    line = judge(a_request(TRIAL, 1), facts(offer))
    assert (line.problem, line.renews_to) == (None, None)


def test_a_paid_plan_renews_to_its_own_term() -> None:
    assert judge(a_request()).renews_to == months("P1M")


def test_the_own_term_is_always_a_renewal() -> None:
    offer = an_offer(terms=[replace(term(), renewal_options=())])
    assert judge(a_request(renews_to=months("P1M")), facts(offer)).problem is None


def test_another_renewal_must_be_one_of_the_options() -> None:
    known = facts(a_trial())
    assert judge(a_request(TRIAL, 1, renews_to=months("P1Y")), known).renews_to == months("P1Y")
    line = judge(a_request(TRIAL, 1, renews_to=months("P3Y")), known)
    assert (line.problem, line.renews_to) == (Problem.RENEWS_TO, None)


def test_an_order_without_a_cycle_takes_one_that_all_lines_support() -> None:
    first = an_offer(terms=[term("P1Y", MONTHLY), term("P1Y", ANNUAL)])
    other_item = "DZH318Z0TFD8:0003:DZH318Z0J9QB"
    offers = {ITEM: first, other_item: an_offer(other_item, [term("P1Y", ANNUAL)])}
    lines = with_shared_terms([a_request(), a_request(other_item)], None, None, offers)
    assert [(line.billing_cycle, line.currency) for line in lines] == [(ANNUAL, "EUR")] * 2


def test_an_order_keeps_the_cycle_and_the_currency_that_it_names() -> None:
    (line,) = with_shared_terms([a_request()], ANNUAL, "USD", {ITEM: an_offer()})
    assert (line.billing_cycle, line.currency) == (ANNUAL, "USD")


def test_an_order_whose_lines_share_no_cycle_is_refused() -> None:
    offers = {ITEM: an_offer(), TRIAL: a_trial()}
    with pytest.raises(Refusal) as refused:
        with_shared_terms([a_request(), a_request(TRIAL)], BillingCycle.UNKNOWN, None, offers)
    assert refused.value.code is Code.BILLING_CYCLE_NOT_SUPPORTED
    assert TRIAL in refused.value.description


def test_lines_that_nobody_knows_are_left_as_they_are() -> None:
    assert with_shared_terms([a_request()], None, None, {}) == [a_request()]
