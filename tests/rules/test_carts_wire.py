"""Cart bodies from the wire and carts back to it (`10` sections 0.3 and 3.11)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.api.carts import from_wire
from comptoir.carts.lines import number_lines, requests_of
from comptoir.carts.model import CartDraft
from comptoir.catalog.model import BillingCycle
from comptoir.core.terms import Duration
from comptoir.orders.model import LineRequest, Participant, ParticipantKind
from comptoir.wire import codec
from comptoir.wire.carts import CartBody


def read(body: Any) -> CartDraft:
    return from_wire(codec.decode(json.dumps(body).encode(), CartBody))


def the_line(**members: Any) -> LineRequest:
    (line,) = read({"lineItems": [{"catalogItemId": "A:1:X", "quantity": 1, **members}]}).lines
    return line.request


@pytest.mark.parametrize("spelling", ["one_time", "OneTime", "onetime", "ONE_TIME", 4, "4", " one_time "])
def test_a_billing_cycle_in_every_spelling(spelling: str | int) -> None:
    assert the_line(billingCycle=spelling).billing_cycle is BillingCycle.ONE_TIME


@pytest.mark.parametrize("spelling", ["unknown", "Unknown", 0, "", "  ", None])
def test_a_billing_cycle_left_to_the_default(spelling: str | int | None) -> None:
    assert the_line(billingCycle=spelling).billing_cycle is None


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ({"Key": "TransactionReseller", "Value": "42"}, ParticipantKind.TRANSACTION_RESELLER),
        ({"key": "transaction_reseller", "value": "42"}, ParticipantKind.TRANSACTION_RESELLER),
        ({"key": 1, "value": "42"}, ParticipantKind.TRANSACTION_RESELLER),
        ({"key": 2, "value": "42"}, ParticipantKind.CONSUMPTION_RESELLER),
        (
            {"key": "additionalTransactionReseller", "value": " 42 "},
            ParticipantKind.ADDITIONAL_TRANSACTION_RESELLER,
        ),
    ],
)
def test_a_participant_in_every_spelling(sent: dict[str, Any], kind: ParticipantKind) -> None:
    assert the_line(participants=[sent]).participants == (Participant(kind, "42"),)


@pytest.mark.parametrize("renewal", [{"termDuration": "P1Y"}, [{"TermDuration": "p1y"}]])
def test_a_renewal_as_an_object_or_a_list_of_one(renewal: Any) -> None:
    assert the_line(renewsTo=renewal).renews_to == Duration(months=12)


@pytest.mark.parametrize("renewal", [None, {}, [], [{}], {"termDuration": ""}, {"termDuration": None}])
def test_a_renewal_that_is_not_given(renewal: Any) -> None:
    assert the_line(renewsTo=renewal) == the_line()


@pytest.mark.parametrize(
    ("members", "unreadable"),
    [
        ({"billingCycle": "weekly"}, "billingCycle"),
        ({"billingCycle": 7}, "billingCycle"),
        ({"termDuration": "a while"}, "termDuration"),
        ({"termDuration": "P0M"}, "termDuration"),
        ({"renewsTo": {"termDuration": "P1M1D"}}, "renewsTo"),
        ({"renewsTo": [{"termDuration": "P1M"}, {"termDuration": "P1M"}]}, "renewsTo"),
        ({"participants": [{"value": "42"}]}, "participants"),
        ({"participants": [{"key": "unknown", "value": "42"}]}, "participants"),
        ({"termDuration": "?", "billingCycle": "?"}, "billingCycle"),
    ],
)
def test_a_value_that_makes_no_sense_is_an_error_of_its_line(
    members: dict[str, Any], unreadable: str
) -> None:
    assert the_line(**members).unreadable == unreadable


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("7", 7), (" 7 ", 7), (7, 7), (-1, -1), ("-1", None), ("x", None), ("9" * 10, None), ("٧", None)],
)
def test_a_line_id_as_a_number_or_a_text(sent: str | int, kept: int | None) -> None:
    (line,) = read({"lineItems": [{"id": sent}]}).lines
    assert line.id == kept


def test_what_the_server_sets_is_not_read() -> None:
    echoed = {
        "orderGroup": 7,
        "pricing": "?",
        "error": {"errorCode": "text"},
        "purchaseSystem": [],
        "links": 1,
    }
    assert the_line(**echoed) == the_line()
    cart = {
        "id": 7,
        "status": 9,
        "expirationTimestamp": "0001-01-01T00:00:00",
        "links": [],
        "totalPrice": 0.0,
    }
    assert read(cart) == CartDraft(lines=())


def test_blank_texts_are_not_given() -> None:
    blank = {"friendlyName": " ", "currencyCode": "", "promotionId": "", "termDuration": " "}
    assert the_line(**blank) == the_line()


scalars = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8)
MEMBERS = """
    id catalogItemId catalogId friendlyName quantity currencyCode billingCycle termDuration participants
    key value provisioningContext addonItems addOnItems AddonItems renewsTo promotionId customTermEndDate
    lineItems attestationAccepted partnerOnRecordAttestationAccepted
"""
names = st.sampled_from(MEMBERS.split())
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)


@given(st.dictionaries(names, anything, max_size=4) | anything)
def test_no_body_breaks_anything(body: Any) -> None:
    try:
        draft = read(body)
    except (codec.Unreadable, codec.WrongType):
        return
    lines = number_lines(draft.lines)
    assert len(requests_of(lines)) >= len(lines)
