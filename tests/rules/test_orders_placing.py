"""Orders made of judged lines (``10-catalog-cart-orders`` sections 3.10 and 4.3)."""

from dataclasses import replace
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
from comptoir.core.context import Actor
from comptoir.orders import placing
from comptoir.orders.judging import judge_lines
from comptoir.orders.model import (
    LineRequest,
    OrderDraft,
    Participant,
    ParticipantKind,
    Status,
    TransactionType,
)
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
