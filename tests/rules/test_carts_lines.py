"""Numbering, verdicts and grouping of cart lines (`10` sections 3.3, 3.6 and 3.8)."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cart_factory import draft, keyed, line, request, term_of, verdict
from tests.subscription_factory import term

from comptoir.carts.lines import (
    ERROR_CODES,
    LINE_ID_MAX,
    assign_groups,
    merge,
    number_lines,
    open_lines,
    requests_of,
    settle,
    settle_line,
)
from comptoir.carts.model import CartLine, LineDraft, LineError, LineErrorCode, Quota, depth_first
from comptoir.catalog.model import BillingCycle
from comptoir.core.terms import Duration
from comptoir.orders.model import LineRequest, Problem

MONTHLY, ANNUAL, NONE, ONE_TIME = (
    BillingCycle.MONTHLY,
    BillingCycle.ANNUAL,
    BillingCycle.NONE,
    BillingCycle.ONE_TIME,
)
ERROR = LineError(LineErrorCode.INVALID_INPUT, "Something is wrong.")


def ids(lines: Sequence[CartLine]) -> list[int]:
    return [each.id for each in depth_first(tuple(lines))]


def groups(lines: Sequence[CartLine], placed: Sequence[str] = ()) -> list[str | None]:
    return [each.group for each in assign_groups(lines, placed)]


# Numbering


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param([7, 3, 5], [7, 3, 5], id="usable ids are kept, in any order"),
        pytest.param([0], [0], id="a single zero is an id"),
        pytest.param([0, 0, 0], [0, 1, 2], id=".NET and Java send 0 for unset"),
        pytest.param([None, None], [0, 1], id="none sent"),
        pytest.param([4, None], [0, 1], id="one is missing"),
        pytest.param([4, -1], [0, 1], id="one is negative"),
        pytest.param([4, 9, 4], [0, 1, 2], id="one is repeated"),
        pytest.param([LINE_ID_MAX, 0], [LINE_ID_MAX, 0], id="the largest id a client can hold"),
        pytest.param([LINE_ID_MAX + 1, 0], [0, 1], id="larger than a client can hold"),
    ],
)
def test_line_ids(sent: list[int | None], kept: list[int]) -> None:
    assert ids(number_lines([draft(id_) for id_ in sent])) == kept


def test_renumbering_goes_depth_first() -> None:
    lines = number_lines([draft(0, draft(0), draft(0)), draft(0)])
    assert ids(lines) == [0, 1, 2, 3]
    assert [each.id for each in lines] == [0, 3]


def test_an_id_must_be_unique_over_lines_and_add_ons() -> None:
    assert ids(number_lines([draft(5, draft(8)), draft(8)])) == [0, 1, 2]
    assert ids(number_lines([draft(5, draft(8)), draft(2)])) == [5, 8, 2]


tree = st.recursive(
    st.builds(draft, st.none() | st.integers(-2, 6)),
    lambda inner: st.builds(
        lambda id_, add_ons: draft(id_, *add_ons), st.integers(0, 6), st.lists(inner, max_size=2)
    ),
    max_leaves=6,
)


@given(st.lists(tree, max_size=5))
def test_numbers_are_unique_and_numbering_them_again_changes_nothing(drafts: list[LineDraft]) -> None:
    lines = number_lines(drafts)
    assert len(set(ids(lines))) == len(ids(lines))
    assert number_lines([_as_draft(each) for each in lines]) == lines


def _as_draft(each: CartLine) -> LineDraft:
    return LineDraft(request=each.request, id=each.id, add_ons=tuple(map(_as_draft, each.add_ons)))


# What is judged


def test_nested_add_ons_point_at_their_base() -> None:
    lines = [line(0, line(1), line(2, line(3))), line(4)]
    assert [each.parent_line for each in requests_of(lines)] == [None, 0, 0, 2, None]


# Verdicts


def test_a_sound_line_gets_its_defaults_and_its_price() -> None:
    settled = settle_line(line(), verdict(chosen=term("P1Y", ANNUAL, "99.90")))
    assert settled.request == request(billing_cycle=ANNUAL, term=Duration(months=12), currency="EUR")
    assert settled.pricing is not None
    assert settled.error is None


def test_a_renewal_is_spelled_out_only_where_it_differs_from_the_term() -> None:
    trial = verdict(chosen=term("P1M", NONE, "0"), renews_to=Duration(months=12))
    assert settle_line(line(), trial).request.renews_to == Duration(months=12)
    assert settle_line(line(), verdict()).request.renews_to is None


def test_a_renewal_that_was_asked_for_is_kept() -> None:
    asked = settle_line(line(renews_to=Duration(months=1)), verdict(renews_to=Duration(months=1)))
    assert asked.request.renews_to == Duration(months=1)


def test_a_line_in_error_has_neither_group_nor_price() -> None:
    before = settle_line(line(group="0"), verdict())
    settled = settle_line(before, verdict(problem=Problem.NOT_PURCHASABLE))
    assert (settled.group, settled.pricing) == (None, None)
    assert settled.error == LineError(LineErrorCode.INVENTORY_NOT_AVAILABLE, "Something is wrong.")


def test_a_line_keeps_the_wrong_currency_it_asked_for() -> None:
    """Else the error would be gone when the line is judged again, and the line bought in another currency."""
    settled = settle_line(line(currency="JPY"), verdict(problem=Problem.CURRENCY, currency="EUR"))
    assert settled.request.currency == "JPY"


def test_an_unresolved_line_stays_as_it_was_sent() -> None:
    nothing = verdict(
        problem=Problem.CATALOG_ITEM_UNKNOWN,
        offer=None,
        term=None,
        billing_cycle=None,
        currency=None,
        renews_to=None,
    )
    sent = line(term=Duration(months=1))
    assert settle_line(sent, nothing).request == sent.request


@pytest.mark.parametrize(
    ("problem", "number"),
    [
        (Problem.INPUT, 10010),
        (Problem.FRIENDLY_NAME, 10010),
        (Problem.QUANTITY_TOO_SMALL, 10010),
        (Problem.QUANTITY_TOO_LARGE, 10015),
        (Problem.CATALOG_ITEM_UNKNOWN, 10001),
        (Problem.NOT_IN_COUNTRY, 10001),
        (Problem.NOT_IN_SEGMENT, 10001),
        (Problem.REPLACED, 10001),
        (Problem.NOT_PURCHASABLE, 10003),
        (Problem.OUT_OF_STOCK, 10003),
        (Problem.ACCOUNT_LIMIT, 10009),
        (Problem.CURRENCY, 10000),
        (Problem.BILLING_CYCLE, 10013),
        (Problem.TERM, 10010),
        (Problem.RENEWS_TO, 10010),
        (Problem.ATTESTATION, 10012),
        (Problem.PROMOTION, 10014),
        (Problem.CUSTOM_TERM_END, 10016),
        (Problem.PARTICIPANTS_NOT_SUPPORTED, 10004),
        (Problem.PARTICIPANTS_TOO_MANY, 10010),
        (Problem.MPN_ID_UNKNOWN, 10010),
        (Problem.MPN_ID_NOT_RESELLER, 10010),
        (Problem.MPN_ID_OWN, 10010),
        (Problem.ADD_ON_TOO_DEEP, 10010),
        (Problem.PARENT_UNKNOWN, 10007),
        (Problem.ADD_ON_UNRELATED, 10007),
        (Problem.ADD_ON_WITHOUT_BASE, 10007),
        (Problem.BASE_SEATS, 10018),
        (Problem.ADD_ON_SEATS, 10019),
    ],
)
def test_the_number_of_a_line_error(problem: Problem, number: int) -> None:
    error = settle_line(line(), verdict(problem=problem)).error
    assert error is not None
    assert (int(error.code), error.description, error.quota) == (number, "Something is wrong.", None)


def test_an_exceeded_allowance_says_what_is_left() -> None:
    reached = verdict(problem=Problem.OWNERSHIP_LIMIT, facts={"available": 1, "purchased": 4})
    assert settle_line(line(), reached).error == LineError(
        LineErrorCode.QUOTA_NOT_AVAILABLE, "Something is wrong.", Quota(available=1, purchased=4)
    )


def test_a_billing_cycle_that_is_no_word_of_the_vocabulary_is_not_supported() -> None:
    unreadable = verdict(problem=Problem.INPUT, request=LineRequest("x", 1, unreadable="billingCycle"))
    error = settle_line(line(), unreadable).error
    assert error is not None
    assert error.code is LineErrorCode.BILLING_PLAN_NOT_SUPPORTED


def test_every_problem_has_a_number() -> None:
    assert ERROR_CODES.keys() == set(Problem)


# Groups


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            [keyed(ONE_TIME), keyed(ONE_TIME), keyed(ONE_TIME), keyed(MONTHLY), keyed(NONE)],
            ["0", "0", "0", "1", "2"],
            id="create-a-cart.md 2019, its modern lines",
        ),
        pytest.param(
            [keyed(MONTHLY, term=Duration(months=1)), keyed(MONTHLY, term=Duration(months=12))],
            ["0", "0"],
            id="create-a-cart.md 2021: terms and participants do not split",
        ),
        pytest.param(
            [keyed(MONTHLY), keyed(MONTHLY), keyed(ANNUAL), keyed(NONE), keyed(MONTHLY)],
            ["0", "0", "1", "2", "0"],
            id="acceptance check 4",
        ),
        pytest.param(
            [keyed(MONTHLY, "EUR"), keyed(MONTHLY, "USD"), keyed(MONTHLY, "EUR")],
            ["0", "1", "0"],
            id="currencies split",
        ),
        pytest.param(
            [keyed(MONTHLY, catalog_item_id="A:1:X"), keyed(MONTHLY, catalog_item_id="B:1:X", quantity=9)],
            ["0", "0"],
            id="products and quantities do not split",
        ),
    ],
)
def test_groups(lines: list[CartLine], expected: list[str]) -> None:
    assert groups(lines) == expected


def test_a_line_in_error_is_not_grouped_and_uses_up_no_name() -> None:
    lines = [CartLine(0, request(billing_cycle=ANNUAL, currency="EUR"), error=ERROR), keyed(MONTHLY)]
    assert groups(lines) == [None, "0"]


def test_names_of_ordered_groups_are_not_given_again() -> None:
    assert groups([keyed(MONTHLY), keyed(ANNUAL), keyed(NONE)], placed=["1"]) == ["0", "2", "3"]


def test_a_line_keeps_the_group_it_has_and_others_join_it() -> None:
    lines = [keyed(MONTHLY), keyed(ANNUAL, group="0"), keyed(ANNUAL)]
    assert groups(lines) == ["1", "0", "0"]


def test_add_ons_have_the_group_of_their_base() -> None:
    lines = (line(0, line(1), line(2)), line(3))
    annual, monthly = term_of(ANNUAL), term_of(MONTHLY)
    settled = settle(
        lines, [verdict(0, chosen=monthly), verdict(1), verdict(2), verdict(3, chosen=annual)], ()
    )
    assert [(each.id, each.group) for each in depth_first(settled)] == [
        (0, "0"),
        (1, "0"),
        (2, "0"),
        (3, "1"),
    ]
    assert ids(settled[0].add_ons) == [1, 2]


keys = st.tuples(st.sampled_from(list(BillingCycle)), st.sampled_from(["EUR", "USD", "JPY"]))


@given(st.lists(st.tuples(keys, st.booleans()), max_size=12))
def test_groups_are_the_classes_of_cycle_and_currency(
    drawn: list[tuple[tuple[BillingCycle, str], bool]],
) -> None:
    lines = [
        CartLine(
            index,
            request(billing_cycle=cycle, currency=currency),
            error=ERROR if is_wrong else None,
        )
        for index, ((cycle, currency), is_wrong) in enumerate(drawn)
    ]
    grouped = assign_groups(lines, ())
    names = {
        (each.request.billing_cycle, each.request.currency): each.group for each in grouped if each.group
    }
    assert len(set(names.values())) == len(names)
    for each in grouped:
        expected = None if each.error else names[each.request.billing_cycle, each.request.currency]
        assert each.group == expected
    in_order = list(dict.fromkeys(each.group for each in grouped if each.group))
    assert in_order == [str(number) for number in range(len(in_order))]
    assert assign_groups(grouped, ()) == grouped


# Lines of a cart that is ordered in part


def test_open_lines_and_their_way_back() -> None:
    lines = (line(0, group="0"), line(1, group="1"), line(2, group="0"), line(3))
    assert ids(open_lines(lines, {"0"})) == [1, 3]
    settled = [line(1, group="1", quantity=8), line(3, group="2")]
    assert merge(lines, settled, {"0"}) == (lines[0], settled[0], lines[2], settled[1])
