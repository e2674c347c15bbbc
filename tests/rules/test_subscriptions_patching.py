"""What a PATCH may do in which state, as tables (``20-subscriptions-customers`` sections 3.4 and 3.5)."""

from dataclasses import asdict, replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.subscription_factory import ORDERED_AT, context, in_status, offer, pending, term

from comptoir.catalog.model import BillingCycle
from comptoir.core.accounts import AccountKind, AccountSettings
from comptoir.core.errors import Code, Refusal
from comptoir.core.terms import Duration
from comptoir.customers.model import Reseller
from comptoir.subscriptions import patching, rules
from comptoir.subscriptions.model import Status, StatusReason, StatusWord, Subscription, SubscriptionPatch
from comptoir.subscriptions.patching import Changes, Facts

NOW = ORDERED_AT + timedelta(hours=1)
RESELLER = Reseller("r", "Reseller", "4847383", "Active", "FR", True)
MAY_SUSPEND = AccountSettings(allow_partner_suspend=True)


def active(**changes: Any) -> Subscription:
    return replace(rules.activated(pending(), None, AccountSettings(), ORDERED_AT), **changes)


def subscription_in(status: Status) -> Subscription:
    """A subscription with dates, its refund window open, in any status."""
    if status is Status.PENDING:
        return pending()
    ended_at = NOW if status in {Status.DELETED, Status.EXPIRED} else None
    return active(status=status, ended_at=ended_at)


def facts(settings: AccountSettings | None = None, **changes: Any) -> Facts:
    """Everything that lets every change through, unless told otherwise."""
    account = replace(context(settings or MAY_SUSPEND).account, is_indirect_provider=True)
    base = Facts(account=account, now=NOW, offer=offer(), renewal=term(), reseller=RESELLER)
    return replace(base, **changes)


def outcome(subscription: Subscription, changes: Changes, known: Facts) -> Subscription | Code:
    """The subscription afterwards, or the code of a refusal, whose text has all its facts."""
    try:
        patching.require_changeable(subscription, changes, is_in_progress=False)
        return patching.changed(subscription, changes, known)
    except Refusal as refusal:
        return refusal.code if refusal.description else Code.UNEXPECTED


# Every change in every state

EDITS = {
    "auto_renew": Changes(auto_renew=False),
    "quantity": Changes(quantity=13),
    "friendly_name": Changes(friendly_name="Lyon"),
    "partner_mpn_id": Changes(partner_mpn_id="4847383"),
}
EDITS_ALLOWED = {(Status.PENDING, "friendly_name"), *((Status.ACTIVE, name) for name in EDITS)}
EDITS_REFUSED = {
    Status.PENDING: Code.NOT_ACTIVATED,
    Status.SUSPENDED: Code.SUSPENDED,
    Status.DELETED: Code.SUBSCRIPTION_ENDED,
    Status.EXPIRED: Code.SUBSCRIPTION_ENDED,
}


@pytest.mark.parametrize(("status", "name"), list(product(Status, EDITS)))
def test_each_edit_in_each_status(status: Status, name: str) -> None:
    before = subscription_in(status)
    found = outcome(before, EDITS[name], facts())
    if (status, name) in EDITS_ALLOWED:
        wanted = getattr(EDITS[name], name)
        assert found == replace(before, **{name: wanted}, version=before.version + 1)
    elif (status, name) == (Status.SUSPENDED, "quantity"):
        assert found is Code.SUSPENDED_QUANTITY
    else:
        assert found is EDITS_REFUSED[status]


WORDS = [word for word in StatusWord if word is not StatusWord.NONE]
STATUSES_ALLOWED = {
    (Status.PENDING, StatusWord.DELETED): Status.DELETED,
    (Status.ACTIVE, StatusWord.DELETED): Status.DELETED,
    (Status.ACTIVE, StatusWord.SUSPENDED): Status.SUSPENDED,
    (Status.SUSPENDED, StatusWord.DELETED): Status.DELETED,
    (Status.SUSPENDED, StatusWord.ACTIVE): Status.ACTIVE,
}


@pytest.mark.parametrize(
    ("status", "word"), [pair for pair in product(Status, WORDS) if pair[0].value != pair[1].value]
)
def test_each_status_word_in_each_other_status(status: Status, word: StatusWord) -> None:
    before = subscription_in(status)
    found = outcome(before, Changes(status=word), facts())
    expected = STATUSES_ALLOWED.get((status, word))
    if expected is not None:
        assert isinstance(found, Subscription)
        assert (found.status, found.version) == (expected, before.version + 1)
    elif status is Status.ACTIVE:
        assert found is Code.TRANSITION_NOT_ALLOWED
    else:
        assert found is EDITS_REFUSED[status]


@pytest.mark.parametrize(
    ("status", "word"), [(Status.ACTIVE, StatusWord.SUSPENDED), (Status.SUSPENDED, StatusWord.ACTIVE)]
)
def test_the_partner_suspends_and_reactivates_only_where_it_may(status: Status, word: StatusWord) -> None:
    known = facts(AccountSettings())
    assert outcome(subscription_in(status), Changes(status=word), known) is Code.STATUS_NOT_SETTABLE


def test_a_suspended_subscription_says_why_until_it_is_active_again() -> None:
    suspended = outcome(active(), Changes(status=StatusWord.SUSPENDED), facts())
    assert isinstance(suspended, Subscription)
    assert suspended.status_reason is StatusReason.SUSPENDED_BY_PARTNER
    assert suspended.refund_until == active().refund_until
    reinstated = outcome(suspended, Changes(status=StatusWord.ACTIVE), facts())
    assert isinstance(reinstated, Subscription)
    assert reinstated == replace(active(), version=suspended.version + 1)


@pytest.mark.parametrize("status", Status)
def test_an_order_in_progress_is_the_last_guard(status: Status) -> None:
    changes = Changes(status=StatusWord.DELETED)
    with pytest.raises(Refusal) as refused:
        patching.require_changeable(subscription_in(status), changes, is_in_progress=True)
    has_ended = status in {Status.DELETED, Status.EXPIRED}
    assert refused.value.code is (Code.SUBSCRIPTION_ENDED if has_ended else Code.NOT_READY)


MIXED = [
    (Status.PENDING, Changes(status=StatusWord.DELETED, friendly_name="Lyon"), None),
    (Status.PENDING, Changes(status=StatusWord.DELETED, auto_renew=False), Code.NOT_ACTIVATED),
    (Status.PENDING, Changes(friendly_name="Lyon", quantity=13), Code.NOT_ACTIVATED),
    (Status.SUSPENDED, Changes(status=StatusWord.ACTIVE, quantity=13), Code.SUSPENDED_QUANTITY),
    (Status.SUSPENDED, Changes(status=StatusWord.ACTIVE, friendly_name="Lyon"), Code.SUSPENDED),
    (Status.SUSPENDED, Changes(friendly_name="Lyon", quantity=13), Code.SUSPENDED_QUANTITY),
]


@pytest.mark.parametrize(("status", "changes", "code"), MIXED)
def test_guards_look_at_all_changes_together(status: Status, changes: Changes, code: Code | None) -> None:
    found = outcome(subscription_in(status), changes, facts())
    assert isinstance(found, Subscription) if code is None else found is code


# Cancellation


@pytest.mark.parametrize(
    ("duration", "window", "length", "days"),
    [
        ("P1M", None, timedelta(hours=24), 1),
        ("P1Y", None, timedelta(days=14), 14),
        ("P3Y", None, timedelta(days=14), 14),
        ("P1M", "P7D", timedelta(days=7), 7),
        ("P1Y", "P30D", timedelta(days=30), 30),
    ],
)
def test_cancellation_ends_with_the_refund_window(
    duration: str, window: str | None, length: timedelta, days: int
) -> None:
    bought = pending(
        term=Duration.parse(duration), refund_window=None if window is None else Duration.parse(window)
    )
    subscription = rules.activated(bought, None, AccountSettings(), ORDERED_AT)
    cancel = Changes(status=StatusWord.DELETED)
    end = ORDERED_AT + length
    last = outcome(subscription, cancel, facts(now=end - timedelta(microseconds=1)))
    assert isinstance(last, Subscription)
    assert (last.status, last.auto_renew, last.version) == (Status.DELETED, False, 3)
    assert last.status_reason is StatusReason.CANCELLED_BY_PARTNER
    with pytest.raises(Refusal) as refused:
        patching.changed(subscription, cancel, facts(now=end))
    assert refused.value.code is Code.CANCELLATION_WINDOW_PASSED
    assert refused.value.description.startswith(f"The {days}-day window")


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.SUSPENDED])
def test_a_trial_is_cancelled_at_any_time(status: Status) -> None:
    trial = active(is_trial=True, refund_until=None, status=status)
    found = outcome(trial, Changes(status=StatusWord.DELETED), facts(now=NOW + timedelta(days=29)))
    assert isinstance(found, Subscription)


def test_a_suspended_subscription_is_cancelled_in_its_window_alone() -> None:
    suspended, cancel = active(status=Status.SUSPENDED), Changes(status=StatusWord.DELETED)
    late = facts(now=NOW + timedelta(days=2))
    assert outcome(suspended, cancel, late) is Code.CANCELLATION_WINDOW_PASSED


@pytest.mark.parametrize(
    ("opened_for", "days"),
    [(timedelta(seconds=60), 1), (timedelta(days=1), 1), (timedelta(hours=36), 2), (timedelta(0), 0)],
)
def test_the_days_of_a_window_are_counted_up(opened_for: timedelta, days: int) -> None:
    assert rules.window_days(active(refund_until=ORDERED_AT + opened_for)) == days


def test_no_window_has_no_days() -> None:
    assert rules.window_days(pending()) == 0
    assert rules.window_days(active(refund_until=None)) == 0


# Seats

SEATS = [
    ({}, None, 1, None),
    ({}, None, 100, None),
    ({}, None, 0, Code.QUANTITY_OUT_OF_RANGE),
    ({}, None, -1, Code.QUANTITY_OUT_OF_RANGE),
    ({}, None, 101, Code.QUANTITY_OUT_OF_RANGE),
    ({"minimum_quantity": 5}, None, 4, Code.QUANTITY_OUT_OF_RANGE),
    ({"minimum_quantity": 5}, None, 5, None),
    ({"is_per_seat": False, "maximum_quantity": 1}, None, 2, Code.QUANTITY_FIXED),
    ({}, 25, 25, None),
    ({}, 25, 26, Code.SANDBOX_LIMIT),
    ({}, 25, 101, Code.QUANTITY_OUT_OF_RANGE),
    ({}, 5, 11, None),
    ({}, 5, 13, Code.SANDBOX_LIMIT),
]


@pytest.mark.parametrize(("item", "limit", "quantity", "code"), SEATS)
def test_seats_within_the_skus_and_the_accounts_limits(
    item: dict[str, Any], limit: int | None, quantity: int, code: Code | None
) -> None:
    """The subscription has 12 seats: what shrinks is not measured against the account's limit."""
    known = facts(AccountSettings(limit_seats_per_subscription=limit), offer=offer(**item))
    found = outcome(active(), Changes(quantity=quantity), known)
    assert (found.quantity == quantity) if isinstance(found, Subscription) else found is code
    assert isinstance(found, Subscription) == (code is None)


def test_the_accounts_limit_has_another_code_in_production() -> None:
    known = facts(AccountSettings(limit_seats_per_subscription=25))
    known = replace(known, account=replace(known.account, kind=AccountKind.PRODUCTION))
    assert outcome(active(), Changes(quantity=26), known) is Code.SEAT_LIMIT


def test_seats_of_an_item_that_the_catalogue_lost_are_fixed() -> None:
    assert outcome(active(), Changes(quantity=13), facts(offer=None)) is Code.QUANTITY_NOT_CHANGEABLE


# Auto-renew, nickname, reseller


def test_auto_renew_is_turned_off_whatever_is_on_sale() -> None:
    found = outcome(active(), Changes(auto_renew=False), facts(offer=None, renewal=None))
    assert isinstance(found, Subscription)
    assert found.auto_renew is False


def test_auto_renew_is_turned_on_only_for_what_is_on_sale() -> None:
    off = active(auto_renew=False)
    assert outcome(off, Changes(auto_renew=True), facts(renewal=None)) is Code.AUTO_RENEW_IMPOSSIBLE
    found = outcome(off, Changes(auto_renew=True), facts())
    assert isinstance(found, Subscription)
    assert found.auto_renew is True


def test_a_nickname_has_255_characters() -> None:
    assert isinstance(outcome(active(), Changes(friendly_name="x" * 255), facts()), Subscription)
    assert outcome(active(), Changes(friendly_name="x" * 256), facts()) is Code.INVALID_PROPERTY


RESELLERS = [
    (True, RESELLER, "4847383", None),
    (False, RESELLER, "4847383", Code.PARTNER_NOT_SETTABLE),
    (True, None, "4000001", Code.MPN_ID_OWN),
    (True, None, "4847384", Code.MPN_ID_UNKNOWN),
    (True, replace(RESELLER, state="Terminated"), "4847383", Code.MPN_ID_NOT_RESELLER),
]


@pytest.mark.parametrize(("is_indirect", "reseller", "mpn_id", "code"), RESELLERS)
def test_resellers_of_record(
    is_indirect: bool, reseller: Reseller | None, mpn_id: str, code: Code | None
) -> None:
    known = facts(reseller=reseller)
    known = replace(known, account=replace(known.account, is_indirect_provider=is_indirect))
    found = outcome(active(), Changes(partner_mpn_id=mpn_id), known)
    assert isinstance(found, Subscription) if code is None else found is code


# Differences


def test_what_is_said_again_is_no_change() -> None:
    subscription = active(partner_mpn_id="4847383")
    patch = SubscriptionPatch(
        auto_renew=True,
        quantity=12,
        friendly_name=subscription.friendly_name,
        partner_mpn_id="4847383",
        billing_cycle=BillingCycle.MONTHLY,
        term="p1m",
    )
    assert patching.differences(subscription, patch).are_none
    assert patching.differences(subscription, SubscriptionPatch()).are_none


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize(
    "patch",
    [
        SubscriptionPatch(billing_cycle=BillingCycle.ANNUAL),
        SubscriptionPatch(term="P1Y"),
        SubscriptionPatch(term="a month"),
    ],
)
def test_cycle_and_term_are_not_set_here_in_any_state(status: Status, patch: SubscriptionPatch) -> None:
    with pytest.raises(Refusal) as refused:
        patching.differences(in_status(status), patch)
    assert refused.value.code is Code.BILLING_CYCLE_NOT_SETTABLE


patches = st.builds(
    SubscriptionPatch,
    status=st.sampled_from([None, *WORDS]),
    auto_renew=st.sampled_from([None, True, False]),
    quantity=st.none() | st.integers(-1, 110),
    friendly_name=st.none() | st.text(min_size=1, max_size=300),
    partner_mpn_id=st.sampled_from([None, "4847383", "4000001"]),
)


@given(st.sampled_from(Status), patches)
def test_a_patch_is_one_version_or_nothing(status: Status, patch: SubscriptionPatch) -> None:
    """Whatever is asked for: a refusal, the subscription itself, or one more version of it."""
    before = subscription_in(status)
    changes = patching.differences(before, patch)
    if changes.are_none:
        return
    found = outcome(before, changes, facts())
    if isinstance(found, Code):
        return
    assert found.version == before.version + 1
    kept = {
        "id",
        "created_at",
        "started_at",
        "anchored_at",
        "term_end_at",
        "refund_until",
        "unit_price",
        "term",
    }
    assert {name: asdict(found)[name] for name in kept} == {name: asdict(before)[name] for name in kept}
    if patch.status is None:
        assert found.status is before.status
    if patch.quantity is None:
        assert found.quantity == before.quantity


# Versions


def test_every_etag_that_comes_along_must_be_the_current_one() -> None:
    current, stale = rules.etag(active()), rules.etag(pending())
    rules.require_current(active(), ())
    rules.require_current(active(), (current, current))
    for supplied in [(stale,), (current, stale), ("",), (current.lower(),)]:
        with pytest.raises(Refusal) as refused:
            rules.require_current(active(), supplied)
        assert refused.value.code is Code.STALE_ETAG
