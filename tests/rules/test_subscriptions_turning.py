"""What time does to a subscription (``20`` section 4.2, ``30`` sections 3.3, 3.6 and 3.7)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.subscription_factory import ORDERED_AT, draft, in_status, offer, pending, term

from comptoir.audit.model import Action as Act
from comptoir.catalog.model import BillingCycle, Fulfillment, Offer, Term
from comptoir.core.accounts import AccountSettings
from comptoir.core.errors import Code, Refusal
from comptoir.core.money import Rate
from comptoir.core.terms import Duration, add_months
from comptoir.subscriptions import dates, renewal, rules, turning
from comptoir.subscriptions.model import Status, StatusReason, Subscription
from comptoir.subscriptions.turning import Facts

SETTINGS = AccountSettings()
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
MONTH, YEAR = Duration.parse("P1M"), Duration.parse("P1Y")
ACTIVATED_AT = datetime(2026, 3, 4, 10, 2, 31, tzinfo=UTC)
MONTHLY = term("P1M", BillingCycle.MONTHLY, "13")
YEARLY = term("P1Y", BillingCycle.ANNUAL, "140")
RENEWAL = Facts(SETTINGS, renewal=MONTHLY)
NOTHING_SOLD = Facts(SETTINGS)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def active(at: datetime = ACTIVATED_AT, settings: AccountSettings = SETTINGS, **changes: Any) -> Subscription:
    """A subscription activated at an instant, as it is stored."""
    return turning.scheduled(rules.activated(pending(**changes), None, settings, at), settings)


def trial(at: datetime = ACTIVATED_AT, **changes: Any) -> Subscription:
    free: dict[str, Any] = {
        "is_trial": True,
        "billing_cycle": BillingCycle.NONE,
        "unit_price": Rate(Decimal(0), "EUR"),
    }
    return active(at, **free, **changes)


def suspended(at: datetime, since: Subscription | None = None) -> Subscription:
    held = rules.suspended(since or active(), StatusReason.PAYMENT_DEFAULT, at)
    return turning.scheduled(held, SETTINGS)


def at_end(subscription: Subscription, facts: Facts = RENEWAL) -> tuple[Act, Subscription]:
    """What becomes of a subscription at the instant that is stored with it."""
    assert subscription.next_due_at is not None
    assert turning.turn(subscription, facts, subscription.next_due_at - MICROSECOND) is None
    turned = turning.turn(subscription, facts, subscription.next_due_at)
    assert turned is not None
    assert turned.after.version == subscription.version + 1
    return turned.act, turning.scheduled(turned.after, facts.settings)


# When


@pytest.mark.parametrize(
    ("subscription", "due"),
    [
        (pending(), ORDERED_AT + 30 * DAY),
        (active(), utc("2026-04-04")),
        (active(term=YEAR), utc("2027-03-04")),
        (suspended(ACTIVATED_AT + DAY), utc("2026-04-04T00:00:00")),
        (suspended(ACTIVATED_AT + DAY, active(term=YEAR)), ACTIVATED_AT + 31 * DAY),
        (replace(active(), status=Status.SUSPENDED), utc("2026-04-04")),
        (in_status(Status.SUSPENDED), None),
        (in_status(Status.DELETED), None),
        (in_status(Status.EXPIRED), None),
    ],
)
def test_when_a_subscription_is_due(subscription: Subscription, due: datetime | None) -> None:
    assert turning.next_due(subscription, SETTINGS) == due
    assert turning.scheduled(subscription, SETTINGS) == replace(subscription, next_due_at=due)


def test_the_limits_are_settings() -> None:
    settings = AccountSettings(activation_limit_days=2, suspension_grace_days=3)
    assert turning.next_due(pending(), settings) == ORDERED_AT + 2 * DAY
    held = suspended(ACTIVATED_AT + DAY)
    assert turning.next_due(held, settings) == ACTIVATED_AT + 4 * DAY


def test_what_is_due_at_an_instant_is_not_settled_from_then_on() -> None:
    subscription = active()
    assert rules.is_settled(subscription, utc("2026-04-04") - MICROSECOND)
    assert not rules.is_settled(subscription, utc("2026-04-04"))
    assert rules.is_settled(in_status(Status.EXPIRED), utc("2099-01-01"))


def test_a_longer_limit_gives_time_to_what_would_have_been_due() -> None:
    bought = turning.scheduled(pending(), SETTINGS)
    longer = Facts(AccountSettings(activation_limit_days=40))
    assert bought.next_due_at is not None
    assert turning.turn(bought, longer, bought.next_due_at) is None
    assert turning.turn(bought, longer, ORDERED_AT + 40 * DAY) is not None


# What


def test_a_term_is_followed_by_the_next_at_the_price_of_the_day() -> None:
    before = active(refund_window=Duration.parse("P7D"), unit_price=Rate(Decimal("12.50"), "EUR"))
    act, after = at_end(before)
    assert act is Act.RENEW_SUBSCRIPTION
    assert after == replace(
        before,
        unit_price=Rate(Decimal(13), "EUR"),
        refund_window=None,
        term_start_at=utc("2026-04-04"),
        term_end_at=utc("2026-05-04"),
        refund_until=utc("2026-04-05"),
        next_due_at=utc("2026-05-04"),
        version=before.version + 1,
    )


@pytest.mark.parametrize(
    ("own", "window"), [(None, timedelta(hours=24)), (Duration.parse("P30D"), timedelta(days=30))]
)
def test_a_renewal_opens_a_refund_window_whose_end_is_outside(
    own: Duration | None, window: timedelta
) -> None:
    _, after = at_end(active(), Facts(SETTINGS, renewal=replace(MONTHLY, refund_window=own)))
    end = utc("2026-04-04") + window
    assert after.refund_until == end
    assert rules.is_refundable(after, end - MICROSECOND)
    assert not rules.is_refundable(after, end)


def test_the_next_term_is_the_one_that_was_chosen_and_stays() -> None:
    sold = offer([MONTHLY, YEARLY])
    before = active(renews_to=YEAR)
    _, after = at_end(before, Facts(SETTINGS, renewal=renewal.renewal_term(before, sold)))
    assert (after.term, after.renews_to, after.billing_cycle) == (YEAR, None, BillingCycle.ANNUAL)
    assert (after.term_start_at, after.term_end_at) == (utc("2026-04-04"), utc("2027-04-04"))
    assert after.refund_until == utc("2026-04-18")
    assert renewal.renewal_term(after, sold) is YEARLY


def test_a_trial_that_ends_becomes_a_paid_subscription_of_the_same_offer() -> None:
    before = trial(utc("2025-05-15T09:00:00"), renews_to=MONTH)
    act, after = at_end(before)
    assert act is Act.CONVERT_TRIAL_SUBSCRIPTION
    assert (after.is_trial, after.status) == (False, Status.ACTIVE)
    assert after.catalog_item_id == before.catalog_item_id
    assert (after.billing_cycle, after.unit_price) == (BillingCycle.MONTHLY, Rate(Decimal(13), "EUR"))
    assert (after.term_start_at, after.term_end_at) == (utc("2025-06-15"), utc("2025-07-15"))
    assert (after.anchored_at, after.started_at) == (before.anchored_at, before.started_at)
    assert rules.is_refundable(after, utc("2025-06-15T23:59:59"))


BASE_ENDED = Facts(SETTINGS, renewal=MONTHLY, base=in_status(Status.DELETED))


@pytest.mark.parametrize(
    ("subscription", "facts"),
    [
        pytest.param(active(auto_renew=False), RENEWAL, id="auto-renew is off"),
        pytest.param(active(), NOTHING_SOLD, id="nothing is sold that follows"),
        pytest.param(trial(auto_renew=False), RENEWAL, id="a trial without auto-renew"),
        pytest.param(trial(), NOTHING_SOLD, id="a trial of a plan that is gone"),
        pytest.param(suspended(ACTIVATED_AT + 20 * DAY), RENEWAL, id="suspended"),
        pytest.param(active(parent_subscription_id="b"), BASE_ENDED, id="an add-on without its base"),
    ],
)
def test_a_term_that_ends_unrenewed_expires(subscription: Subscription, facts: Facts) -> None:
    act, after = at_end(subscription, facts)
    assert act is Act.EXPIRE_SUBSCRIPTION
    assert (after.status, after.status_reason) == (Status.EXPIRED, StatusReason.EXPIRATION)
    assert (after.ended_at, after.auto_renew) == (utc("2026-04-04"), False)
    assert (after.next_due_at, rules.is_refundable(after, utc("2026-04-04"))) == (None, False)


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.SUSPENDED])
def test_an_add_on_renews_as_long_as_its_base_has_not_ended(status: Status) -> None:
    facts = Facts(SETTINGS, renewal=MONTHLY, base=in_status(status))
    assert at_end(active(parent_subscription_id="b"), facts)[0] is Act.RENEW_SUBSCRIPTION


def test_what_is_never_activated_is_deleted() -> None:
    act, after = at_end(turning.scheduled(pending(), SETTINGS))
    assert act is Act.CANCEL_SUBSCRIPTION
    assert (after.status, after.status_reason) == (Status.DELETED, StatusReason.NOT_ACTIVATED)
    assert (after.ended_at, after.started_at) == (ORDERED_AT + 30 * DAY, None)


def test_what_is_not_reinstated_is_deleted() -> None:
    held = suspended(ACTIVATED_AT + DAY, active(term=YEAR))
    assert held.suspended_at == ACTIVATED_AT + DAY
    act, after = at_end(held)
    assert act is Act.CANCEL_SUBSCRIPTION
    assert (after.status, after.status_reason) == (Status.DELETED, StatusReason.NOT_REINSTATED)
    assert after.ended_at == ACTIVATED_AT + 31 * DAY


def test_a_term_that_ends_with_the_grace_expires() -> None:
    held = suspended(utc("2026-04-04") - 30 * DAY, active(utc("2026-03-04")))
    assert at_end(held)[0] is Act.EXPIRE_SUBSCRIPTION


def test_reinstatement_takes_the_grace_away() -> None:
    held = suspended(ACTIVATED_AT + DAY, active(term=YEAR))
    back = turning.scheduled(rules.reinstated(held), SETTINGS)
    assert (back.status, back.suspended_at, back.next_due_at) == (Status.ACTIVE, None, utc("2027-03-04"))


@pytest.mark.parametrize("status", list(Status))
def test_in_every_status_a_turn_leads_where_the_table_says(status: Status) -> None:
    subscriptions = {
        Status.PENDING: turning.scheduled(pending(), SETTINGS),
        Status.ACTIVE: active(),
        Status.SUSPENDED: suspended(ACTIVATED_AT + DAY),
    }
    subscription = subscriptions.get(status, in_status(status))
    reachable = {after for (before, _), after in rules.TRANSITIONS.items() if before is status}
    for facts in (RENEWAL, NOTHING_SOLD, BASE_ENDED):
        turned = turning.turn(subscription, facts, utc("2099-01-01"))
        assert (turned is None) == subscription.is_ended
        assert turned is None or turned.after.status in reachable


# A quantity that waits for the next term


@pytest.mark.parametrize("before", [active(next_quantity=5), trial(next_quantity=5)])
def test_a_lower_quantity_counts_from_the_next_term_on(before: Subscription) -> None:
    _, after = at_end(before)
    assert (before.quantity, after.quantity, after.next_quantity) == (12, 5, None)
    assert turning.units_freed(before, after) == 7


def test_what_ends_frees_all_its_units() -> None:
    _, after = at_end(active(next_quantity=5), NOTHING_SOLD)
    assert (after.quantity, turning.units_freed(active(), after)) == (12, 12)


def test_an_early_end_of_the_term_brings_the_lower_quantity_too() -> None:
    now = ACTIVATED_AT + 3 * DAY
    early = rules.renewed_early(active(next_quantity=5), YEARLY, SETTINGS, now)
    assert (early.quantity, early.next_quantity, early.term) == (5, None, YEAR)
    assert (early.anchored_at, early.term_start_at, early.term_end_at) == (now, now, utc("2027-03-07"))
    assert early.refund_until == now + timedelta(days=14)


# Add-ons


@pytest.mark.parametrize(
    ("end_of_base", "reason"),
    [(Status.EXPIRED, StatusReason.BASE_EXPIRED), (Status.DELETED, StatusReason.BASE_CANCELLED)],
)
def test_an_add_on_ends_with_its_base(end_of_base: Status, reason: StatusReason) -> None:
    now = utc("2026-04-01")
    for add_on in (active(), pending()):
        turned = turning.turn_with_base(add_on, in_status(end_of_base), now)
        assert turned.act is Act.CANCEL_SUBSCRIPTION
        assert (turned.after.status_reason, turned.after.ended_at) == (reason, now)


def test_an_add_on_whose_term_ends_with_its_base_expires() -> None:
    turned = turning.turn_with_base(active(), in_status(Status.EXPIRED), utc("2026-04-04"))
    assert turned.act is Act.EXPIRE_SUBSCRIPTION
    assert turned.after.status_reason is StatusReason.EXPIRATION


def test_bases_turn_before_their_add_ons_and_the_earliest_first() -> None:
    early = active(utc("2026-03-02"), id="e")
    base, add_on = active(id="z"), active(id="a", parent_subscription_id="z")
    other, later = active(id="b"), active(utc("2026-03-05"), id="l")
    gone = in_status(Status.EXPIRED)
    everything = [later, add_on, gone, base, other, early]
    assert turning.in_order(everything, utc("2026-04-04")) == ["e", "b", "z", "a"]


# Dates


@pytest.mark.parametrize(
    ("activated", "durations", "ends"),
    [
        ("2026-01-31T12:00:00", "P1M P1M P1M P1M", "2026-02-28 2026-03-31 2026-04-30 2026-05-31"),
        ("2028-01-30T00:00:00", "P1M P1M P1M", "2028-02-29 2028-03-30 2028-04-30"),
        ("2028-02-29T23:59:59", "P1Y P1Y P1Y P1Y", "2029-02-28 2030-02-28 2031-02-28 2032-02-29"),
        ("2028-02-29T23:59:59", "P3Y P1Y P1M", "2031-02-28 2032-02-29 2032-03-29"),
        ("2026-12-31T18:00:00", "P1M P1M P1M", "2027-01-31 2027-02-28 2027-03-31"),
        ("2026-03-31T06:00:00", "P1M P1Y P1M", "2026-04-30 2027-04-30 2027-05-31"),
        ("2026-05-15T18:00:00", "P14D P14D", "2026-05-29 2026-06-12"),
    ],
)
def test_terms_follow_each_other_from_the_original_anchor(activated: str, durations: str, ends: str) -> None:
    first, *following = (Duration.parse(text) for text in durations.split())
    subscription = active(utc(activated), term=first)
    found = [subscription.term_end_at]
    for duration in following:
        _, subscription = at_end(subscription, Facts(SETTINGS, renewal=replace(MONTHLY, duration=duration)))
        assert subscription.term_start_at == found[-1]
        found.append(subscription.term_end_at)
    assert found == [utc(text) for text in ends.split()]


instants = st.datetimes(datetime(2000, 1, 1), datetime(2090, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants bounds without a zone
lengths = st.sampled_from([Duration.parse(text) for text in ("P1M", "P1Y", "P2Y", "P3Y")])


@given(instants)
def test_two_years_of_months_have_no_gap_and_no_drift(activated_at: datetime) -> None:
    subscription = active(activated_at)
    ends = [subscription.term_end_at]
    for _ in range(23):
        _, subscription = at_end(subscription)
        ends.append(subscription.term_end_at)
    day = dates.anchor_day(activated_at)
    assert ends == [add_months(day, count) for count in range(1, 25)]
    assert subscription.version == 25


@given(instants, st.lists(lengths, min_size=2, max_size=8))
def test_terms_of_any_length_touch_and_keep_the_anchored_day(
    activated_at: datetime, durations: list[Duration]
) -> None:
    subscription = active(activated_at, term=durations[0])
    months = durations[0].months
    for duration in durations[1:]:
        before = subscription
        _, subscription = at_end(before, Facts(SETTINGS, renewal=replace(MONTHLY, duration=duration)))
        months += duration.months
        assert subscription.term_start_at == before.term_end_at
        assert subscription.term_end_at == add_months(dates.anchor_day(activated_at), months)
        assert subscription.next_due_at == subscription.term_end_at


def test_billing_cycles_of_a_later_term_start_with_it() -> None:
    before = active(utc("2026-01-31T12:00:00"), renews_to=YEAR)
    _, after = at_end(before, Facts(SETTINGS, renewal=YEARLY))
    assert (after.term_start_at, after.term_end_at) == (utc("2026-02-28"), utc("2027-02-28"))
    assert cycle_end(after, utc("2026-02-28")) == utc("2027-02-28")
    assert cycle_end(after, utc("2027-02-27T23:00:00")) == utc("2027-02-28")
    monthly = replace(after, billing_cycle=BillingCycle.MONTHLY)
    assert cycle_end(monthly, utc("2026-02-28")) == utc("2026-03-31")
    assert cycle_end(monthly, utc("2026-03-31")) == utc("2026-04-30")


def cycle_end(subscription: Subscription, now: datetime) -> datetime:
    assert subscription.anchored_at is not None
    assert subscription.term_start_at is not None
    assert subscription.term_end_at is not None
    term_dates = (subscription.term_start_at, subscription.term_end_at)
    return dates.billing_cycle_end(subscription.anchored_at, *term_dates, subscription.billing_cycle, now)


@given(
    instants,
    st.lists(lengths, min_size=1, max_size=4),
    st.sampled_from([BillingCycle.MONTHLY, BillingCycle.ANNUAL]),
)
def test_billing_cycles_fill_each_term_without_a_rest(
    activated_at: datetime, durations: list[Duration], cycle: BillingCycle
) -> None:
    subscription = active(activated_at, term=durations[0], billing_cycle=cycle)
    for duration in durations[1:]:
        next_term = replace(MONTHLY, duration=duration, billing_cycle=cycle)
        _, subscription = at_end(subscription, Facts(SETTINGS, renewal=next_term))
    assert subscription.term_start_at is not None
    assert subscription.term_end_at is not None
    starts = [subscription.term_start_at]
    while starts[-1] < subscription.term_end_at:
        starts.append(cycle_end(subscription, starts[-1]))
    months = 1 if cycle is BillingCycle.MONTHLY else 12
    assert len(starts) - 1 == max(1, subscription.term.months // months)
    assert all(start < end for start, end in pairwise(starts))


# Another plan

GOLD = term("P1M", BillingCycle.MONTHLY, "80")


def gold(terms: tuple[Term, ...] = (GOLD,), **changes: Any) -> Offer:
    names = {"sku_id": "0007", "availability_id": "CTR00000GOLD", "sku_title": "Gold", "unit_type": "Seats"}
    return offer(terms, **{**names, **changes})


def test_the_same_term_goes_on_under_another_plan() -> None:
    before = active(next_quantity=3, renews_to=YEAR)
    after = rules.plan_changed(before, gold(metered_only=True), GOLD, SETTINGS, ACTIVATED_AT + 9 * DAY)
    assert after == replace(
        before,
        sku_id="0007",
        availability_id="CTR00000GOLD",
        offer_name="Gold",
        unit_type="Seats",
        billing_type=after.billing_type,
        unit_price=Rate(Decimal(80), "EUR"),
        renews_to=None,
        next_quantity=None,
        version=before.version + 1,
    )
    assert after.billing_type.value == "usage"
    assert after.friendly_name == "Backup for the Lyon office"


def test_a_name_that_is_the_plans_follows_the_plan() -> None:
    before = active(friendly_name="Tideline Backup - Team")
    assert rules.plan_changed(before, gold(), GOLD, SETTINGS, ACTIVATED_AT).friendly_name == "Gold"


@pytest.mark.parametrize("other", [YEARLY, term("P1M", BillingCycle.ONE_TIME, "70")])
def test_another_length_or_cycle_starts_anew(other: Term) -> None:
    now = ACTIVATED_AT + 9 * DAY
    after = rules.plan_changed(active(), gold((other,)), other, SETTINGS, now)
    assert (after.anchored_at, after.term_start_at, after.term) == (now, now, other.duration)
    assert after.term_end_at == dates.term_end(now, other.duration)
    assert after.refund_until == now + SETTINGS.refund_window(other.duration, None)


def test_a_trial_that_changes_its_plan_is_one_no_more() -> None:
    after = rules.plan_changed(trial(), gold(), GOLD, SETTINGS, ACTIVATED_AT + DAY)
    assert (after.is_trial, after.term_start_at) == (False, ACTIVATED_AT + DAY)
    assert rules.is_refundable(after, ACTIVATED_AT + DAY)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACTIVE])
def test_only_what_is_active_changes_its_plan(status: Status) -> None:
    with pytest.raises(Refusal) as refused:
        rules.plan_changed(in_status(status), gold(), GOLD, SETTINGS, ACTIVATED_AT)
    assert refused.value.code in {Code.TRANSITION_NOT_ALLOWED, Code.SUBSCRIPTION_ENDED}


# Set up by nobody


@pytest.mark.parametrize("fulfillment", list(Fulfillment))
def test_the_offer_says_who_sets_a_subscription_up(fulfillment: Fulfillment) -> None:
    bought = rules.created(draft(offer=offer(fulfillment=fulfillment)), "s", "c", ORDERED_AT)
    assert bought.is_auto_fulfilled is (fulfillment is Fulfillment.AUTO)
