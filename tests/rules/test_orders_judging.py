"""Which lines can be bought (``10-catalog-cart-orders`` sections 3.8 and 3.10)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.order_factory import (
    ADD_ON,
    ITEM,
    NOW,
    RESELLER,
    TRIAL,
    a_request,
    a_trial,
    an_add_on,
    an_offer,
    facts,
    held,
    judge,
    months,
    problems,
)
from tests.subscription_factory import context, term

from comptoir.catalog.model import BillingCycle, Offer, Segment
from comptoir.core.accounts import AccountSettings
from comptoir.core.terms import Duration
from comptoir.orders.judging import judge_lines
from comptoir.orders.model import LineRequest, Participant, ParticipantKind, Problem

DAY = 86_400


def transaction_reseller(mpn_id: str = RESELLER.mpn_id) -> Participant:
    return Participant(ParticipantKind.TRANSACTION_RESELLER, mpn_id)


def further_reseller(mpn_id: str = RESELLER.mpn_id) -> Participant:
    return Participant(ParticipantKind.ADDITIONAL_TRANSACTION_RESELLER, mpn_id)


def test_a_sound_line_is_resolved_whole() -> None:
    line = judge(a_request())
    assert line.problem is None
    assert line.detail == ""
    assert (line.offer, line.term) == (an_offer(), an_offer().terms[0])
    assert (line.billing_cycle, line.currency) == (BillingCycle.MONTHLY, "EUR")
    assert line.pricing is not None
    assert line.pricing.extended_price == Decimal("90.00")


@pytest.mark.parametrize(
    ("request_changes", "offer_changes", "problem"),
    [
        ({"quantity": 0}, {}, Problem.QUANTITY_TOO_SMALL),
        ({"quantity": -1}, {}, Problem.QUANTITY_TOO_SMALL),
        ({"quantity": 4}, {"minimum_quantity": 5}, Problem.QUANTITY_TOO_SMALL),
        ({"quantity": 5}, {"minimum_quantity": 5}, None),
        ({"quantity": 300}, {}, None),
        ({"quantity": 301}, {}, Problem.QUANTITY_TOO_LARGE),
        ({"quantity": 2}, {"maximum_quantity": 1}, Problem.QUANTITY_TOO_LARGE),
        ({"unreadable": "termDuration"}, {}, Problem.INPUT),
        ({}, {"country": "DE"}, Problem.NOT_IN_COUNTRY),
        ({}, {"segment": Segment.EDUCATION}, Problem.NOT_IN_SEGMENT),
        ({}, {"is_stop_sold": True}, Problem.NOT_PURCHASABLE),
        ({}, {"exclusive_to": frozenset({"other"})}, Problem.NOT_PURCHASABLE),
        ({}, {"exclusive_to": frozenset({context().account.id})}, None),
        ({}, {"requires_attestation": True}, Problem.ATTESTATION),
        ({"attestation_accepted": False}, {"requires_attestation": True}, Problem.ATTESTATION),
        ({"attestation_accepted": True}, {"requires_attestation": True}, None),
        ({"attestation_accepted": False}, {}, None),
        ({"promotion_id": "39NFJQT1PJPD:0002:39NFJQT1Q5KL"}, {}, Problem.PROMOTION),
        ({"friendly_name": "é" * 256}, {}, Problem.FRIENDLY_NAME),
        ({"custom_term_end": NOW + timedelta(days=40)}, {}, Problem.CUSTOM_TERM_END),
    ],
)
def test_what_is_wrong_with_a_line(
    request_changes: Mapping[str, Any], offer_changes: Mapping[str, Any], problem: Problem | None
) -> None:
    line = judge(a_request(**request_changes), facts(an_offer(**offer_changes)))
    assert line.problem is problem
    assert (line.detail == "") == (problem is None)
    assert (line.pricing is None) == (problem is not None)


def test_an_unknown_item_keeps_what_was_asked() -> None:
    line = judge(a_request("X", billing_cycle=BillingCycle.ANNUAL, currency="USD"))
    assert line.problem is Problem.CATALOG_ITEM_UNKNOWN
    assert (line.offer, line.term) == (None, None)
    assert (line.billing_cycle, line.currency) == (BillingCycle.ANNUAL, "USD")


def test_a_faulty_line_is_still_resolved_as_far_as_possible() -> None:
    line = judge(a_request(quantity=0))
    assert (line.billing_cycle, line.currency) == (BillingCycle.MONTHLY, "EUR")
    assert line.term is not None
    assert line.renews_to == months("P1M")


@pytest.mark.parametrize(("seconds", "is_sold"), [(DAY - 1, True), (DAY, False), (DAY + 1, False)])
def test_a_replaced_availability_is_sold_until_its_grace_is_over(seconds: int, is_sold: bool) -> None:
    offer = an_offer(replaced_at=NOW - timedelta(seconds=seconds))
    assert (judge(a_request(), facts(offer)).problem is None) == is_sold


def test_the_grace_is_a_setting() -> None:
    offer = an_offer(replaced_at=NOW)
    known = facts(offer, settings=AccountSettings(availability_grace_seconds=0))
    assert judge(a_request(), known).problem is Problem.REPLACED


def test_segments_follow_the_customer() -> None:
    offer = an_offer(segment=Segment.EDUCATION)
    known = facts(offer, segments=frozenset({Segment.COMMERCIAL, Segment.EDUCATION}))
    assert judge(a_request(), known).problem is None


@pytest.mark.parametrize(
    ("participants", "problem"),
    [
        ((), None),
        ((transaction_reseller(),), None),
        ((transaction_reseller(), *([further_reseller()] * 5)), None),
        ((transaction_reseller(), *([further_reseller()] * 6)), Problem.PARTICIPANTS_TOO_MANY),
        ((transaction_reseller(), transaction_reseller()), Problem.PARTICIPANTS_TOO_MANY),
        ((transaction_reseller("4999999"),), Problem.MPN_ID_UNKNOWN),
        ((further_reseller("4999999"),), Problem.MPN_ID_UNKNOWN),
        ((transaction_reseller("4000777"),), Problem.MPN_ID_NOT_RESELLER),
        ((transaction_reseller(context().account.mpn_id),), Problem.MPN_ID_OWN),
    ],
)
def test_resellers_of_an_indirect_provider(
    participants: tuple[Participant, ...], problem: Problem | None
) -> None:
    former = replace(RESELLER, mpn_id="4000777", state="Terminated")
    known = facts(is_indirect_provider=True, resellers=[RESELLER, former])
    assert judge(a_request(participants=participants), known).problem is problem


def test_a_direct_partner_names_no_resellers() -> None:
    line = judge(a_request(participants=(transaction_reseller(),)), facts(resellers=[RESELLER]))
    assert line.problem is Problem.PARTICIPANTS_NOT_SUPPORTED


def test_the_account_limits_subscriptions_of_a_customer() -> None:
    settings = AccountSettings(limit_subscriptions_per_customer=5)
    known = facts(settings=settings, held=[held()] * 3)
    assert problems([a_request()] * 3, known) == [None, None, Problem.ACCOUNT_LIMIT]
    assert problems([a_request()], facts(held=[held()] * 1000)) == [None]


@pytest.mark.parametrize(("quantity", "problem"), [(25, None), (26, Problem.ACCOUNT_LIMIT)])
def test_the_account_limits_seats_of_a_subscription(quantity: int, problem: Problem | None) -> None:
    known = facts(settings=AccountSettings(limit_seats_per_subscription=25))
    assert judge(a_request(quantity=quantity), known).problem is problem


def test_a_plan_that_starts_above_the_account_s_limit_cannot_be_bought() -> None:
    settings = AccountSettings(limit_seats_per_subscription=25)
    known = facts(an_offer(minimum_quantity=30), settings=settings)
    assert judge(a_request(quantity=30), known).problem is Problem.ACCOUNT_LIMIT


def test_a_plan_limits_how_often_a_customer_holds_it() -> None:
    known = facts(an_offer(ownership_limit=3), held=[held(), held(TRIAL)])
    lines = judge_lines([a_request()] * 4, known)
    assert [line.problem for line in lines] == [None, None, *[Problem.OWNERSHIP_LIMIT] * 2]
    assert lines[3].facts == {"available": 0, "purchased": 1}


def test_lines_share_the_stock() -> None:
    known = facts(an_offer(stock_limit=40, stock_taken=10))
    assert problems([a_request(quantity=30)], known) == [None]
    assert problems([a_request(quantity=31)], known) == [Problem.OUT_OF_STOCK]
    lines = [a_request(quantity=20), a_request(quantity=11), a_request(quantity=10)]
    assert problems(lines, known) == [None, Problem.OUT_OF_STOCK, None]


def test_a_faulty_line_uses_up_no_limit() -> None:
    known = facts(settings=AccountSettings(limit_subscriptions_per_customer=1))
    lines = [a_request(quantity=0), a_request(), a_request()]
    assert problems(lines, known) == [Problem.QUANTITY_TOO_SMALL, None, Problem.ACCOUNT_LIMIT]


def test_each_line_says_where_it_stood() -> None:
    assert [line.index for line in judge_lines([a_request(), a_request("X")], facts())] == [0, 1]


DURATIONS = st.sampled_from([None, *map(Duration.parse, ("P14D", "P1M", "P1Y", "P3Y"))])
PARTICIPANTS = st.builds(
    Participant, st.sampled_from(ParticipantKind), st.sampled_from(["4000123", "4000001", "", "x"])
)


@st.composite
def requests(draw: st.DrawFn) -> list[LineRequest]:
    count = draw(st.integers(0, 6))
    return [
        LineRequest(
            catalog_item_id=draw(st.sampled_from([ITEM, TRIAL, ADD_ON, "", "a:b:c"])),
            quantity=draw(st.integers(-2, 400)),
            billing_cycle=draw(st.sampled_from([None, *BillingCycle])),
            term=draw(DURATIONS),
            currency=draw(st.sampled_from([None, "EUR", "usd"])),
            renews_to=draw(DURATIONS),
            participants=tuple(draw(st.lists(PARTICIPANTS, max_size=8))),
            parent_line=draw(st.one_of(st.none(), st.integers(0, count - 1))),
            parent_subscription_id=draw(st.sampled_from([None, held().id, "x"])),
            provisioning_context=draw(st.sampled_from([{}, {"PARENTSUBSCRIPTIONID": held().id}])),
            unreadable=draw(st.sampled_from([None, "termDuration"])),
        )
        for _ in range(count)
    ]


@st.composite
def offers(draw: st.DrawFn) -> list[Offer]:
    terms = [term("P1M"), term("P1Y", BillingCycle.ANNUAL), term("P3Y", BillingCycle.TRIENNIAL)]
    some = st.lists(st.sampled_from(terms), min_size=1, max_size=3)
    return [
        an_offer(terms=draw(some), ownership_limit=draw(st.sampled_from([None, 0, 2])), stock_limit=50),
        a_trial(),
        an_add_on(draw(some), minimum_parent_quantity=draw(st.sampled_from([None, 10]))),
    ]


@given(requests(), offers(), st.booleans(), st.sampled_from([None, 0, 2, 9]))
def test_judgement_never_fails_and_never_exceeds_a_limit(
    lines: list[LineRequest], sold: list[Offer], is_indirect: bool, limit: int | None
) -> None:
    settings = AccountSettings(limit_subscriptions_per_customer=limit, limit_seats_per_subscription=limit)
    known = facts(
        *sold, settings=settings, held=[held()], resellers=[RESELLER], is_indirect_provider=is_indirect
    )
    judged = judge_lines(lines, known)
    sound = [line for line in judged if line.problem is None]
    assert [line.index for line in judged] == list(range(len(lines)))
    assert all(line.term and line.offer and line.pricing for line in sound)
    assert limit is None or not sound or len(sound) + 1 <= limit
    assert sum(line.request.quantity for line in sound if line.request.catalog_item_id == ITEM) <= 50
    for line in sound:
        is_add_on = line.offer is not None and line.offer.is_add_on
        has_base = line.parent_line is not None or line.parent_subscription_id is not None
        assert is_add_on == has_base
