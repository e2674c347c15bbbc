"""Orders made of judged lines, requests as a whole, refusals and visibility (sections 4.2 to 4.4)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.order_factory import (
    ADD_ON,
    ALTERNATE_ID,
    BASE_ID,
    CUSTOMER_ID,
    ITEM,
    NOW,
    ORDER_ID,
    RESELLER,
    TRIAL,
    a_request,
    a_trial,
    an_add_on,
    an_offer,
    an_order,
    facts,
    held,
    judge,
    months,
)
from tests.subscription_factory import customer

from comptoir.catalog.model import BillingCycle
from comptoir.core.accounts import AccountSettings
from comptoir.core.context import Actor, Role
from comptoir.core.errors import Code, Refusal
from comptoir.orders import placing, visibility
from comptoir.orders.judging import judge_lines
from comptoir.orders.model import (
    LineRequest,
    NumberedLine,
    OrderDraft,
    OrderRequest,
    Participant,
    ParticipantKind,
    Problem,
    Status,
    TransactionType,
)
from comptoir.orders.refusals import CODES, refusal_of
from comptoir.orders.requests import LINES_MAX, checked_lines
from comptoir.subscriptions import rules as subscription_rules

KNOWN = facts(an_offer(), an_add_on(), a_trial(), resellers=[RESELLER], is_indirect_provider=True)


def subscription_of(request: LineRequest, number: int = 0) -> Any:
    draft = placing.subscription_draft(judge(request, KNOWN), ORDER_ID, number, {})
    return subscription_rules.created(draft, BASE_ID, CUSTOMER_ID, NOW)


def test_a_line_records_what_was_bought() -> None:
    participants = (
        Participant(ParticipantKind.ADDITIONAL_TRANSACTION_RESELLER, RESELLER.mpn_id),
        Participant(ParticipantKind.TRANSACTION_RESELLER, RESELLER.mpn_id),
        Participant(ParticipantKind.CONSUMPTION_RESELLER, RESELLER.mpn_id),
    )
    request = a_request(
        friendly_name="Team Lyon",
        participants=participants,
        provisioning_context={"Scope": "shared", "x": "y", "": "z"},
        attestation_accepted=True,
    )
    line = placing.order_line(judge(request, KNOWN), subscription_of(request, 3))
    assert (line.number, line.catalog_item_id, line.subscription_id) == (3, ITEM, BASE_ID)
    assert (line.term, line.billing_periods, line.quantity) == (months("P1M"), 1, 12)
    assert (line.friendly_name, line.attestation_accepted) == ("Team Lyon", True)
    assert (line.partner_mpn_id, line.additional_mpn_ids) == (RESELLER.mpn_id, (RESELLER.mpn_id,) * 2)
    assert line.provisioning_context == {"scope": "shared", "x": "y", "": "z"}


def test_a_line_without_a_name_has_the_sku_s() -> None:
    request = a_request()
    line = placing.order_line(judge(request, KNOWN), subscription_of(request))
    assert line.friendly_name == "Fieldnote Cloud - Team"


@pytest.mark.parametrize(
    ("request_line", "shown"),
    [
        (a_request(), None),
        (a_request(renews_to=months("P1M")), "P1M"),
        (a_request(TRIAL, 1), None),
        (a_request(TRIAL, 1, renews_to=months("P1Y")), "P1Y"),
    ],
)
def test_a_renewal_shows_where_it_is_not_the_same_again(request_line: LineRequest, shown: str | None) -> None:
    line = placing.order_line(judge(request_line, KNOWN), subscription_of(request_line))
    assert line.renews_to == (None if shown is None else months(shown))


def test_add_ons_are_bought_after_their_bases() -> None:
    requests = [a_request(ADD_ON, parent_line=1), a_request(), a_request(ADD_ON)]
    lines = judge_lines(requests, KNOWN)
    assert placing.bases_then_add_ons(lines) == [[1], [0, 2]]
    assert placing.bases_then_add_ons(lines[1:2]) == [[0]]
    draft = placing.subscription_draft(lines[0], ORDER_ID, 0, {1: held()})
    assert draft.parent_subscription_id == BASE_ID


def test_an_order_begins_pending() -> None:
    request = a_request()
    draft = placing.draft_of([judge(request)], attestation=True, upn="ann@customer.example")
    line = placing.order_line(draft.lines[0], subscription_of(request))
    actor = Actor("app", user_id="user", user_name="ann@partner.example")
    order = placing.new_order(
        draft, [line], customer(), actor, order_id=ORDER_ID, alternate_id=ALTERNATE_ID, now=NOW
    )
    assert (order.status, order.completed_at, order.created_at) == (Status.PENDING, None, NOW)
    assert (order.billing_cycle, order.currency, order.country) == (BillingCycle.MONTHLY, "EUR", "FR")
    assert (order.purchaser_id, order.purchaser_name) == ("user", "ann@partner.example")
    assert (order.attestation, order.upn) == (True, "ann@customer.example")
    assert order.transaction_type is TransactionType.USER_PURCHASE


@pytest.mark.parametrize("changes", [{"billing_cycle": BillingCycle.ANNUAL}, {"currency": "USD"}])
def test_an_order_has_one_cycle_and_one_currency(changes: dict[str, Any]) -> None:
    draft = replace(OrderDraft((judge(a_request()),), BillingCycle.MONTHLY, "EUR"), **changes)
    line = placing.order_line(draft.lines[0], subscription_of(a_request()))
    with pytest.raises(AssertionError):
        placing.new_order(
            draft, [line], customer(), Actor("app"), order_id=ORDER_ID, alternate_id=ALTERNATE_ID, now=NOW
        )


def test_the_journal_names_every_line() -> None:
    assert placing.journal_facts(an_order()) == {
        "OrderId": ORDER_ID,
        "AlternateId": ALTERNATE_ID,
        "BillingCycle": "monthly",
        "Status": "completed",
        "OfferId-0": ITEM,
        "SubscriptionId-0": an_order().lines[0].subscription_id,
        "SubscriptionName-0": "Fieldnote Cloud - Team",
        "Quantity-0": 12,
        "PartnerOnRecord-0": None,
    }


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
