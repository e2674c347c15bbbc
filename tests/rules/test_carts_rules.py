"""Life of a cart, and what a replacement may change (`10` section 3.4)."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest
from tests.cart_factory import CART_ID, FILLED_AT, cart, draft, line

from comptoir.carts.model import Action, CartDraft, CartLine, Status
from comptoir.carts.rules import (
    LINES_MAX,
    TRANSITIONS,
    carry_over,
    check_draft,
    gone_at,
    next_status,
    read_cart_id,
)
from comptoir.catalog.model import BillingCycle
from comptoir.core.errors import Code, Refusal
from comptoir.core.terms import Duration

RETENTION_SECONDS = 7_776_000
ANNUAL, MONTHLY = BillingCycle.ANNUAL, BillingCycle.MONTHLY


# Status


@pytest.mark.parametrize(("status", "action"), list(product(Status, Action)))
def test_every_pair_of_status_and_action(status: Status, action: Action) -> None:
    expected = {
        (Status.ACTIVE, Action.REPLACE): Status.ACTIVE,
        (Status.ACTIVE, Action.ORDER_SOME_GROUPS): Status.ACTIVE,
        (Status.ACTIVE, Action.ORDER_ALL_GROUPS): Status.ORDERED,
    }
    assert expected == TRANSITIONS
    if (status, action) in expected:
        assert next_status(cart(status=status), action) is expected[status, action]
        return
    with pytest.raises(Refusal) as refused:
        next_status(cart(status=status), action)
    assert refused.value.code is Code.CART_ORDERED
    assert CART_ID in refused.value.description


def test_an_active_cart_is_gone_when_it_expires_however_late_it_was_changed() -> None:
    expires_at = FILLED_AT + timedelta(days=7)
    changed = cart(modified_at=expires_at - timedelta(microseconds=1))
    assert gone_at(changed, RETENTION_SECONDS) == expires_at


def test_an_ordered_cart_can_be_read_for_ninety_days_after_its_order() -> None:
    ordered_at = datetime(2026, 3, 5, tzinfo=FILLED_AT.tzinfo)
    ordered = cart(status=Status.ORDERED, modified_at=ordered_at)
    assert gone_at(ordered, RETENTION_SECONDS) == ordered_at + timedelta(days=90)


# Ids


def test_ids_match_in_any_case() -> None:
    assert read_cart_id(CART_ID.upper()) == CART_ID


@pytest.mark.parametrize(
    "text", ["", "1", CART_ID[:-1], CART_ID + "0", "\0", "g" * 36, CART_ID.replace("6", "\u0666")]
)
def test_what_no_cart_has_as_its_id(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_cart_id(text)
    assert refused.value.code is Code.CART_NOT_FOUND


# The cart as a whole


def test_a_cart_needs_a_line() -> None:
    with pytest.raises(Refusal) as refused:
        check_draft(CartDraft(lines=()), require_attestation=False)
    assert refused.value.code is Code.INVALID_INPUT


def test_the_number_of_lines_is_bounded_add_ons_included() -> None:
    base = draft(None, *(draft() for _ in range(LINES_MAX - 1)))
    check_draft(CartDraft(lines=(base,)), require_attestation=False)
    with pytest.raises(Refusal) as refused:
        check_draft(CartDraft(lines=(base, draft())), require_attestation=False)
    assert refused.value.code is Code.INVALID_INPUT


@pytest.mark.parametrize("attestation", [None, False])
def test_an_attestation_that_is_required_must_be_accepted(attestation: bool | None) -> None:
    wanted = CartDraft(lines=(draft(),), attestation=attestation)
    check_draft(wanted, require_attestation=False)
    with pytest.raises(Refusal) as refused:
        check_draft(wanted, require_attestation=True)
    assert refused.value.code is Code.PARTNER_ATTESTATION_MISSING
    check_draft(replace(wanted, attestation=True), require_attestation=True)


# Replacing a cart that is ordered in part

ORDERED = line(
    0,
    line(
        1,
        catalog_item_id="ADDON:1:X",
        group="0",
        billing_cycle=MONTHLY,
        term=Duration(months=1),
        currency="EUR",
    ),
    group="0",
    billing_cycle=MONTHLY,
    term=Duration(months=1),
    currency="EUR",
)
FAILED = line(2, catalog_item_id="OTHER:1:X", group="1", billing_cycle=ANNUAL, currency="EUR")
IN_PART = cart([ORDERED, FAILED], placed={"0": "an order"})


def sent(each: CartLine, **changes: object) -> CartLine:
    """A line as a caller sends it back: without what the server sets."""
    add_ons = tuple(replace(add_on, group=None) for add_on in each.add_ons)
    return replace(each, group=None, add_ons=add_ons, request=replace(each.request, **changes))  # type: ignore[arg-type]


def test_ordered_lines_that_come_back_unchanged_stay_ordered() -> None:
    assert carry_over(IN_PART, [sent(ORDERED), sent(FAILED, quantity=8)]) == (
        ORDERED,
        sent(FAILED, quantity=8),
    )


def test_an_ordered_line_is_recognised_without_its_defaults_its_id_and_its_casing() -> None:
    bare = sent(
        ORDERED,
        billing_cycle=None,
        term=None,
        currency=None,
        catalog_item_id="ctr000000k7f:0002:CTR00000m1pq",
    )
    (carried,) = carry_over(IN_PART, [replace(bare, id=7)])
    assert carried == replace(ORDERED, id=7)


def test_ordered_lines_can_be_left_out() -> None:
    assert carry_over(IN_PART, [sent(FAILED)]) == (sent(FAILED),)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(sent(ORDERED, quantity=4), id="quantity"),
        pytest.param(sent(ORDERED, term=Duration(months=12)), id="term"),
        pytest.param(sent(ORDERED, billing_cycle=ANNUAL), id="billing cycle"),
        pytest.param(sent(ORDERED, currency="USD"), id="currency"),
        pytest.param(replace(sent(ORDERED), add_ons=()), id="an add-on less"),
    ],
)
def test_ordered_lines_cannot_be_changed(changed: CartLine) -> None:
    with pytest.raises(Refusal) as refused:
        carry_over(IN_PART, [changed, sent(FAILED)])
    assert refused.value.code is Code.CART_ORDERED


def test_another_item_under_the_id_of_an_ordered_line_is_a_new_line() -> None:
    """.NET sends id 0 for a line whose id the caller did not set."""
    fresh = line(0, catalog_item_id="NEW:1:X")
    assert carry_over(IN_PART, [fresh]) == (fresh,)


def test_an_ordered_line_stands_for_one_line_only() -> None:
    again = replace(sent(ORDERED), id=9)
    assert carry_over(IN_PART, [sent(ORDERED), again]) == (ORDERED, again)
