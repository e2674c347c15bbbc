"""State machine, dates and versions of subscriptions (``20-subscriptions-customers`` section 4)."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.subscription_factory import ORDERED_AT, SUBSCRIPTION_ID, draft, in_status, offer, pending, term

from comptoir.catalog.model import BillingCycle
from comptoir.core.accounts import AccountSettings
from comptoir.core.errors import Code, Refusal
from comptoir.core.terms import Duration
from comptoir.subscriptions import dates, links, rules
from comptoir.subscriptions.model import Action, BillingType, Status, StatusReason

SETTINGS = AccountSettings()
MICROSECOND = timedelta(microseconds=1)
ACTIVATED_AT = datetime(2026, 3, 4, 10, 2, 31, tzinfo=UTC)

ALLOWED = {
    Status.PENDING: {Action.ACTIVATE: Status.ACTIVE, Action.CANCEL: Status.DELETED},
    Status.ACTIVE: {
        Action.CANCEL: Status.DELETED,
        Action.EXPIRE: Status.EXPIRED,
        Action.SUSPEND: Status.SUSPENDED,
        Action.RENEW: Status.ACTIVE,
        Action.CONVERT_TRIAL: Status.ACTIVE,
        Action.CHANGE_PLAN: Status.ACTIVE,
    },
    Status.SUSPENDED: {
        Action.REINSTATE: Status.ACTIVE,
        Action.EXPIRE: Status.EXPIRED,
        Action.CANCEL: Status.DELETED,
    },
    Status.DELETED: {},
    Status.EXPIRED: {},
}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# The state machine


@pytest.mark.parametrize(("status", "action"), list(product(Status, Action)))
def test_each_pair_of_status_and_action(status: Status, action: Action) -> None:
    subscription = in_status(status)
    expected = ALLOWED[status].get(action)
    if expected is not None:
        assert rules.status_after(subscription, action) is expected
        return
    with pytest.raises(Refusal) as refused:
        rules.status_after(subscription, action)
    if status in {Status.DELETED, Status.EXPIRED}:
        assert refused.value.code is Code.SUBSCRIPTION_ENDED
    elif action is Action.ACTIVATE:
        assert refused.value.code is Code.ALREADY_ACTIVATED
    else:
        assert refused.value.code is Code.TRANSITION_NOT_ALLOWED
    assert SUBSCRIPTION_ID in refused.value.description


@given(st.lists(st.sampled_from(Action)))
def test_what_has_ended_never_comes_back(actions: list[Action]) -> None:
    status = Status.PENDING
    has_ended = False
    for action in actions:
        status = rules.TRANSITIONS.get((status, action), status)
        has_ended = has_ended or status in {Status.DELETED, Status.EXPIRED}
        assert not has_ended or status in {Status.DELETED, Status.EXPIRED}


def test_a_pending_subscription_can_only_be_left_by_set_up_or_cancellation() -> None:
    assert {action for status, action in rules.TRANSITIONS if status is Status.PENDING} == {
        Action.ACTIVATE,
        Action.CANCEL,
    }


# Creation


def test_a_new_subscription_waits_renews_by_itself_and_has_no_dates() -> None:
    created = rules.created(draft(), "s", "c", ORDERED_AT)
    assert (created.status, created.auto_renew, created.version) == (Status.PENDING, True, 1)
    assert (created.created_at, created.started_at, created.term_end_at) == (ORDERED_AT, None, None)
    assert (created.quantity, created.friendly_name) == (12, "Backup for the Lyon office")
    assert (created.offer_name, created.publisher_name) == ("Tideline Backup - Team", "Tideline SAS")
    assert created.catalog_item_id == "CTR000000K7F:0002:CTR00000M1PQ"


@pytest.mark.parametrize("nothing", [None, ""])
def test_the_friendly_name_defaults_to_the_title(nothing: str | None) -> None:
    created = rules.created(draft(friendly_name=nothing), "s", "c", ORDERED_AT)
    assert created.friendly_name == "Tideline Backup - Team"


def test_a_plan_of_meters_alone_is_billed_by_usage() -> None:
    created = rules.created(draft(offer=offer(metered_only=True), quantity=1), "s", "c", ORDERED_AT)
    assert created.billing_type is BillingType.USAGE


def test_a_subscription_without_seats_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError):
        pending(quantity=0)


# Activation


def test_activation_starts_term_and_refund_window() -> None:
    active = rules.activated(pending(), None, SETTINGS, ACTIVATED_AT)
    assert active.status is Status.ACTIVE
    assert (active.started_at, active.anchored_at) == (ACTIVATED_AT, ACTIVATED_AT)
    assert active.term_start_at == ACTIVATED_AT
    assert active.term_end_at == utc("2026-04-04T00:00:00")
    assert active.refund_until == ACTIVATED_AT + timedelta(hours=24)
    assert active.version == 2
    assert active.created_at == ORDERED_AT


def test_a_trial_opens_no_refund_window_and_can_be_cancelled_until_its_end() -> None:
    trial = pending(is_trial=True, billing_cycle=BillingCycle.NONE)
    active = rules.activated(trial, None, SETTINGS, ACTIVATED_AT)
    assert (active.is_trial, active.refund_until) == (True, None)
    assert active.term_end_at is not None
    assert rules.is_cancellable(active, active.term_end_at - MICROSECOND)
    assert not rules.is_refundable(active, ACTIVATED_AT)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACTIVE])
def test_an_add_on_waits_for_its_base(status: Status) -> None:
    with pytest.raises(Refusal) as refused:
        rules.activated(pending(parent_subscription_id="p"), in_status(status), SETTINGS, ACTIVATED_AT)
    assert refused.value.code is Code.NOT_A_SUBSCRIPTION_FOR_THIS


def test_an_add_on_of_an_active_base_is_activated() -> None:
    add_on = pending(parent_subscription_id="p")
    active = rules.activated(add_on, in_status(Status.ACTIVE), SETTINGS, ACTIVATED_AT)
    assert active.status is Status.ACTIVE


# Cancellation


@pytest.mark.parametrize("status", [Status.PENDING, Status.ACTIVE, Status.SUSPENDED])
def test_cancellation_ends_and_stops_renewal(status: Status) -> None:
    ended = rules.cancelled(in_status(status), StatusReason.ORDER_CANCELLED, ACTIVATED_AT)
    assert (ended.status, ended.auto_renew, ended.ended_at) == (Status.DELETED, False, ACTIVATED_AT)
    assert (ended.status_reason, ended.version) == (StatusReason.ORDER_CANCELLED, 2)
    assert not rules.is_cancellable(ended, ACTIVATED_AT)
    assert not rules.is_editable(ended)


@pytest.mark.parametrize(
    ("duration", "window"),
    [
        ("P1M", timedelta(hours=24)),
        ("P6M", timedelta(hours=24)),
        ("P1Y", timedelta(days=14)),
        ("P2Y", timedelta(days=14)),
        ("P3Y", timedelta(days=14)),
    ],
)
def test_the_refund_window_closes_at_its_last_microsecond(duration: str, window: timedelta) -> None:
    active = rules.activated(pending(term=Duration.parse(duration)), None, SETTINGS, ACTIVATED_AT)
    end = ACTIVATED_AT + window
    assert rules.is_refundable(active, end - MICROSECOND)
    assert rules.is_cancellable(active, end - MICROSECOND)
    assert not rules.is_refundable(active, end)
    assert not rules.is_cancellable(active, end)


def test_the_refund_windows_are_settings() -> None:
    settings = AccountSettings(refund_window_monthly_seconds=60, refund_window_yearly_seconds=7 * 86_400)
    monthly = rules.activated(pending(), None, settings, ACTIVATED_AT)
    yearly = rules.activated(pending(term=Duration.parse("P1Y")), None, settings, ACTIVATED_AT)
    assert monthly.refund_until == ACTIVATED_AT + timedelta(seconds=60)
    assert yearly.refund_until == ACTIVATED_AT + timedelta(days=7)


@pytest.mark.parametrize("duration", ["P1M", "P1Y"])
def test_the_publishers_refund_window_comes_before_the_settings(duration: str) -> None:
    bought = pending(term=Duration.parse(duration), refund_window=Duration.parse("P30D"))
    active = rules.activated(bought, None, SETTINGS, ACTIVATED_AT)
    assert active.refund_until == ACTIVATED_AT + timedelta(days=30)


def test_the_refund_window_is_that_of_the_term_that_was_bought() -> None:
    week = replace(term(), refund_window=Duration.parse("P7D"))
    assert rules.created(draft(term=week), "s", "c", ORDERED_AT).refund_window == Duration.parse("P7D")
    assert rules.created(draft(), "s", "c", ORDERED_AT).refund_window is None


def test_a_closed_window_does_not_keep_a_pending_subscription() -> None:
    assert rules.is_cancellable(pending(), ORDERED_AT + timedelta(days=29))
    assert not rules.is_refundable(pending(), ORDERED_AT)


# Another billing cycle


def test_another_billing_cycle_brings_its_price_and_moves_no_date() -> None:
    active = rules.activated(pending(term=Duration.parse("P1Y")), None, SETTINGS, ACTIVATED_AT)
    paid_at_once = replace(term("P1Y", BillingCycle.ANNUAL, "140"), refund_window=Duration.parse("P30D"))
    annual = rules.rebilled(active, paid_at_once)
    assert (annual.billing_cycle, str(annual.unit_price.amount)) == (BillingCycle.ANNUAL, "140")
    assert (annual.term_end_at, annual.refund_until) == (active.term_end_at, active.refund_until)
    assert annual.refund_window == Duration.parse("P30D")
    assert annual.version == active.version + 1


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACTIVE])
def test_only_an_active_subscription_changes_its_cycle(status: Status) -> None:
    with pytest.raises(AssertionError):
        rules.rebilled(in_status(status), term())


def test_another_cycle_is_not_another_term() -> None:
    active = rules.activated(pending(), None, SETTINGS, ACTIVATED_AT)
    with pytest.raises(AssertionError):
        rules.rebilled(active, term("P1Y", BillingCycle.ANNUAL))


# Dates


@pytest.mark.parametrize(
    ("started", "duration", "end", "last_day"),
    [
        ("2026-01-09T09:30:00", "P1M", "2026-02-09T00:00:00", "2026-02-08T09:30:00"),
        ("2026-06-10T23:59:59", "P1M", "2026-07-10T00:00:00", "2026-07-09T23:59:59"),
        ("2026-03-04T00:00:00", "P1M", "2026-04-04T00:00:00", "2026-04-03T00:00:00"),
        ("2026-01-31T12:00:00", "P1M", "2026-02-28T00:00:00", "2026-02-27T12:00:00"),
        ("2028-01-31T12:00:00", "P1M", "2028-02-29T00:00:00", "2028-02-28T12:00:00"),
        ("2026-03-31T12:00:00", "P1M", "2026-04-30T00:00:00", "2026-04-29T12:00:00"),
        ("2028-02-29T06:00:00", "P1Y", "2029-02-28T00:00:00", "2029-02-27T06:00:00"),
        ("2027-02-28T06:00:00", "P1Y", "2028-02-28T00:00:00", "2028-02-27T06:00:00"),
        ("2028-02-29T06:00:00", "P3Y", "2031-02-28T00:00:00", "2031-02-27T06:00:00"),
        ("2026-12-31T18:00:00", "P1M", "2027-01-31T00:00:00", "2027-01-30T18:00:00"),
        ("2026-05-15T18:00:00", "P14D", "2026-05-29T00:00:00", "2026-05-28T18:00:00"),
    ],
)
def test_a_term_ends_at_midnight_and_shows_its_last_day(
    started: str, duration: str, end: str, last_day: str
) -> None:
    started_at = utc(started)
    end_at = dates.term_end(started_at, Duration.parse(duration))
    assert end_at == utc(end)
    assert dates.last_day(end_at, started_at) == utc(last_day)


instants = st.datetimes(datetime(2000, 1, 1), datetime(2090, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants bounds without a zone
durations = st.builds(Duration, months=st.integers(1, 60))


@given(instants, durations)
def test_the_last_day_is_start_plus_term_minus_a_day(started_at: datetime, duration: Duration) -> None:
    end_at = dates.term_end(started_at, duration)
    assert dates.last_day(end_at, started_at) == duration.after(started_at) - timedelta(days=1)
    assert end_at > started_at
    assert (end_at.hour, end_at.minute, end_at.second, end_at.microsecond) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("started", "cycle", "now", "end"),
    [
        ("2026-01-31T12:00:00", "monthly", "2026-01-31T12:00:00", "2026-02-28T00:00:00"),
        ("2026-01-31T12:00:00", "monthly", "2026-02-27T23:59:59", "2026-02-28T00:00:00"),
        ("2026-01-31T12:00:00", "monthly", "2026-02-28T00:00:00", "2026-03-31T00:00:00"),
        ("2026-01-31T12:00:00", "monthly", "2026-03-30T23:00:00", "2026-03-31T00:00:00"),
        ("2026-01-31T12:00:00", "monthly", "2026-03-31T00:00:00", "2026-04-30T00:00:00"),
        ("2026-01-31T12:00:00", "monthly", "2029-01-30T23:00:00", "2029-01-31T00:00:00"),
        ("2028-02-29T12:00:00", "annual", "2028-12-01T00:00:00", "2029-02-28T00:00:00"),
        ("2026-01-31T12:00:00", "annual", "2027-01-31T00:00:00", "2028-01-31T00:00:00"),
        ("2026-01-31T12:00:00", "biennial", "2026-06-01T00:00:00", "2028-01-31T00:00:00"),
        ("2026-01-31T12:00:00", "triennial", "2026-06-01T00:00:00", "2029-01-31T00:00:00"),
        ("2026-01-31T12:00:00", "one_time", "2026-06-01T00:00:00", "2029-01-31T00:00:00"),
        ("2026-01-31T12:00:00", "none", "2026-06-01T00:00:00", "2029-01-31T00:00:00"),
    ],
)
def test_the_billing_cycle_that_holds_an_instant(started: str, cycle: str, now: str, end: str) -> None:
    started_at = utc(started)
    term_end_at = dates.term_end(started_at, Duration.parse("P3Y"))
    found = dates.billing_cycle_end(started_at, started_at, term_end_at, BillingCycle(cycle), utc(now))
    assert found == utc(end)


@given(
    instants,
    st.sampled_from([BillingCycle.MONTHLY, BillingCycle.ANNUAL]),
    st.integers(0, 36 * 30 * 86_400),
)
def test_a_billing_cycle_holds_the_instant_and_ends_within_the_term(
    started_at: datetime, cycle: BillingCycle, elapsed_seconds: int
) -> None:
    term_end_at = dates.term_end(started_at, Duration.parse("P3Y"))
    now = started_at + timedelta(seconds=elapsed_seconds)
    if now >= term_end_at:
        return
    end = dates.billing_cycle_end(started_at, started_at, term_end_at, cycle, now)
    assert now < end <= term_end_at
    longest = timedelta(days=31 if cycle is BillingCycle.MONTHLY else 366)
    assert end - now <= longest


# Versions and the journal


def test_the_etag_is_the_base64_of_id_and_version() -> None:
    assert rules.etag(pending(version=3)) == (
        "eyJpZCI6IjkxYmYyYzYwLTdkMTUtNGUwYS1iM2M4LTZhNGYwZThkMjE3NSIsInZlcnNpb24iOjN9"
    )


@given(st.integers(1, 2**40))
def test_the_etag_opens_to_what_it_was_made_of(version: int) -> None:
    opened = json.loads(base64.b64decode(rules.etag(pending(version=version))))
    assert opened == {"id": SUBSCRIPTION_ID, "version": version}


def test_the_journal_keeps_what_a_change_was_about() -> None:
    facts = rules.journal_facts(rules.activated(pending(), None, SETTINGS, ACTIVATED_AT))
    assert facts == {
        "status": "active",
        "statusReason": None,
        "offerId": "CTR000000K7F:0002:CTR00000M1PQ",
        "isTrial": False,
        "friendlyName": "Backup for the Lyon office",
        "partnerId": None,
        "quantity": 12,
        "nextQuantity": None,
        "autoRenew": True,
        "term": "P1M",
        "billingCycle": "monthly",
        "unitPrice": "12.50",
        "termStartAt": "2026-03-04T10:02:31+00:00",
        "termEndAt": "2026-04-04T00:00:00+00:00",
        "refundUntil": "2026-03-05T10:02:31+00:00",
        "suspendedAt": None,
        "endedAt": None,
        "version": 2,
    }


# Activation links


@pytest.mark.parametrize("base", ["https://market.example", "https://market.example/"])
def test_the_placeholder_names_order_and_line(base: str) -> None:
    assert links.placeholder(base, "a1b2c3d4e5f6", 3) == (
        "https://market.example/sandbox/activation-placeholder?order=a1b2c3d4e5f6&line=3"
    )


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("https://isv.example/signup", "https://isv.example/signup?token=a%2Bb%2Fc%3D%3D"),
        ("https://isv.example/?plan=x", "https://isv.example/?plan=x&token=a%2Bb%2Fc%3D%3D"),
    ],
)
def test_the_token_is_one_more_query_parameter_percent_encoded(page: str, expected: str) -> None:
    assert links.landing_page(page, "a+b/c==") == expected


def test_term_cycle_and_price_are_those_bought() -> None:
    yearly = term("P1Y", BillingCycle.ANNUAL, "99", "USD")
    created = rules.created(draft(offer=offer([yearly]), term=yearly), "s", "c", ORDERED_AT)
    assert (str(created.term), created.billing_cycle) == ("P1Y", BillingCycle.ANNUAL)
    assert (str(created.unit_price.amount), created.unit_price.currency) == ("99", "USD")
