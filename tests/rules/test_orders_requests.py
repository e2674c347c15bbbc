"""Requests as a whole, the refusals of lines, and who sees what when (sections 4.2 to 4.4)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.order_factory import (
    ALTERNATE_ID,
    BASE_ID,
    CUSTOMER_ID,
    NOW,
    ORDER_ID,
    a_request,
    an_add_on,
    an_offer,
    facts,
    judge,
    months,
)

from comptoir.catalog.model import BillingCycle
from comptoir.core.accounts import AccountSettings
from comptoir.core.context import Actor, Role
from comptoir.core.errors import Code, Refusal
from comptoir.orders import visibility
from comptoir.orders.model import (
    LineRequest,
    NumberedLine,
    OrderRequest,
    Problem,
)
from comptoir.orders.refusals import CODES, refusal_of
from comptoir.orders.requests import LINES_MAX, checked_lines


def numbered(*numbers: int, **changes: Any) -> tuple[NumberedLine, ...]:
    return tuple(NumberedLine(number, a_request(quantity=number + 1, **changes)) for number in numbers)


def test_lines_come_by_their_numbers() -> None:
    lines = checked_lines(OrderRequest(numbered(2, 0, 1)), CUSTOMER_ID, AccountSettings())
    assert [line.quantity for line in lines] == [1, 2, 3]


def test_the_customer_in_the_body_is_the_one_in_the_path() -> None:
    request = OrderRequest(numbered(0), customer_id=CUSTOMER_ID.upper())
    assert len(checked_lines(request, CUSTOMER_ID, AccountSettings())) == 1


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (OrderRequest(()), Code.INVALID_INPUT),
        (OrderRequest(numbered(*range(LINES_MAX + 1))), Code.INVALID_INPUT),
        (OrderRequest((NumberedLine(0, a_request(quantity=0)),)), Code.INVALID_INPUT),
        (OrderRequest(numbered(0), customer_id="another"), Code.CUSTOMER_ID_INVALID),
        (OrderRequest(numbered(1)), Code.LINE_NUMBERS_INVALID),
        (OrderRequest(numbered(0, 0)), Code.LINE_NUMBERS_INVALID),
        (OrderRequest(numbered(0, 2)), Code.LINE_NUMBERS_INVALID),
        (OrderRequest((NumberedLine(-1, a_request()),)), Code.LINE_NUMBERS_INVALID),
        (OrderRequest(numbered(0, parent_subscription_id=BASE_ID)), Code.PARENT_NOT_SUPPORTED),
    ],
)
def test_what_is_wrong_with_a_request_as_a_whole(request_: OrderRequest, code: Code) -> None:
    with pytest.raises(Refusal) as refused:
        checked_lines(request_, CUSTOMER_ID, AccountSettings())
    assert refused.value.code is code
    assert refused.value.description


@pytest.mark.parametrize(("attestation", "is_refused"), [(None, True), (False, True), (True, False)])
def test_the_partner_s_attestation_is_a_setting(attestation: bool | None, is_refused: bool) -> None:
    request = OrderRequest(numbered(0), attestation=attestation)
    assert checked_lines(request, CUSTOMER_ID, AccountSettings())
    if not is_refused:
        assert checked_lines(request, CUSTOMER_ID, AccountSettings(require_partner_attestation=True))
        return
    with pytest.raises(Refusal) as refused:
        checked_lines(request, CUSTOMER_ID, AccountSettings(require_partner_attestation=True))
    assert refused.value.code is Code.PARTNER_ATTESTATION_MISSING


@pytest.mark.parametrize("problem", Problem)
@pytest.mark.parametrize("known", [facts(), facts(an_add_on())])
def test_every_problem_has_its_refusal_with_a_full_text(problem: Problem, known: Any) -> None:
    line = replace(judge(a_request(unreadable="termDuration"), known), problem=problem)
    line = replace(line, facts={"mpn_id": "4000123", "country": "FR"})
    refusal = refusal_of(line)
    assert refusal.code is CODES[problem][0]
    assert "{" not in refusal.description
    assert str(refusal.facts["member"]).startswith("lineItems[0].")


@pytest.mark.parametrize(
    ("request_line", "offer_changes", "code", "words"),
    [
        (a_request("x"), {}, Code.OFFER_INVALID, "x"),
        (a_request(), {"country": "DE"}, Code.OFFER_NOT_IN_COUNTRY, "FR"),
        (a_request(), {"replaced_at": NOW - timedelta(days=9)}, Code.AVAILABILITY_NOT_FOUND, "DZH318Z0J9QA"),
        (a_request(quantity=301), {}, Code.QUANTITY_NOT_AVAILABLE, "301"),
        (a_request(quantity=0), {}, Code.INVALID_INPUT, "at least 1"),
        (a_request(billing_cycle=BillingCycle.ANNUAL), {}, Code.BILLING_CYCLE_NOT_SUPPORTED, "annual"),
        (a_request(term=months("P3Y")), {}, Code.TERM_NOT_OFFERED, "P3Y"),
        (a_request(renews_to=months("P2Y")), {}, Code.TERM_NOT_OFFERED, "P2Y"),
        (a_request(currency="USD"), {}, Code.CURRENCY_NOT_SUPPORTED, "USD"),
        (a_request(), {"ownership_limit": 0}, Code.OWNERSHIP_LIMIT, "0 are left"),
    ],
)
def test_refusals_say_what_is_wrong(
    request_line: LineRequest, offer_changes: dict[str, Any], code: Code, words: str
) -> None:
    refusal = refusal_of(judge(request_line, facts(an_offer(**offer_changes))))
    assert refusal.code is code
    assert words in refusal.description


@pytest.mark.parametrize(
    ("roles", "may"),
    [
        ((), True),
        ((Role.HELPDESK_AGENTS,), False),
        ((Role.HELPDESK_AGENTS, Role.SALES_AGENTS), True),
        ((Role.ADMIN_AGENTS,), True),
        ((Role.BILLING_ADMIN,), True),
    ],
)
def test_helpdesk_agents_see_no_prices(roles: tuple[Role, ...], may: bool) -> None:
    assert visibility.may_see_prices(Actor("app", "user", roles=frozenset(roles))) is may


def test_lists_lag_by_a_setting() -> None:
    assert visibility.listed_until(NOW, AccountSettings()) == NOW
    late = AccountSettings(order_list_delay_seconds=900)
    assert visibility.listed_until(NOW, late) == NOW - timedelta(minutes=15)


@pytest.mark.parametrize(
    ("text", "is_id", "is_alternate"),
    [
        (ORDER_ID, True, False),
        (CUSTOMER_ID, True, False),
        (ALTERNATE_ID, True, True),
        (ALTERNATE_ID.upper(), True, False),
        ("", False, False),
        ("a b", False, False),
        ("x" * 65, False, False),
        ("١٢٣", False, False),
        ("a\x00", False, False),
        ("a\n", False, False),
    ],
)
def test_forms_of_order_ids(text: str, is_id: bool, is_alternate: bool) -> None:
    assert visibility.is_order_id(text) is is_id
    assert visibility.is_alternate_id(text) is is_alternate
