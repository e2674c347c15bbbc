"""Whether reported usage is accepted, and what is read of a report."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.usage_factory import (
    CUSTOMER_ID,
    NOW,
    PUBLISHER_ID,
    STARTED_AT,
    SUBSCRIPTION_ID,
    event,
    plan,
    report,
    resource,
    sent,
)

from comptoir.catalog.model import BillingCycle
from comptoir.core.terms import Duration
from comptoir.subscriptions.model import Status
from comptoir.usage import reading, rules
from comptoir.usage.model import (
    BACK_FILL,
    PUBLISHERS,
    Admitted,
    Counter,
    Fault,
    Malformed,
    Member,
    PastPlan,
    Rejection,
    Report,
    Resource,
    Sent,
    UsageStatus,
)

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
ENDED = {"status": Status.DELETED, "ended_at": NOW - timedelta(minutes=30)}


def judged(
    of: Report | None = None, given_resource: Resource | None = None, **changes: Any
) -> tuple[UsageStatus, Member] | str:
    """Status and faulty member of a rejection, or the plan that an event is billed by."""
    verdict = rules.judge(of or report(**changes), given_resource or resource(), PUBLISHERS, PUBLISHER_ID)
    if isinstance(verdict, Admitted):
        return verdict.plan.plan_id
    (fault,) = verdict.faults
    return verdict.status, fault.member


# What a report says


def test_a_well_formed_event_is_read_exactly() -> None:
    found = reading.read(sent(resource_id=SUBSCRIPTION_ID.upper(), quantity=Decimal("0.30000000000000004")))
    assert found == Report(
        resource_id=SUBSCRIPTION_ID,
        quantity=Decimal("0.30000000000000004"),
        dimension_id="email100",
        effective_at=datetime(2026, 3, 4, 8, 40, tzinfo=UTC),
        effective_text="2026-03-04T08:40:00Z",
        plan_id="basic",
    )


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-04T08:40:00", datetime(2026, 3, 4, 8, 40, tzinfo=UTC)),
        ("2026-03-04T08:40:00.1234567Z", datetime(2026, 3, 4, 8, 40, 0, 123456, tzinfo=UTC)),
        ("2026-03-04T10:10:00+01:30", datetime(2026, 3, 4, 8, 40, tzinfo=UTC)),
        ("2026-03-04", datetime(2026, 3, 4, tzinfo=UTC)),
        ("2026-03-04 08:40", datetime(2026, 3, 4, 8, 40, tzinfo=UTC)),
        ("2026-03-04t08:40:00Z", datetime(2026, 3, 4, 8, 40, tzinfo=UTC)),
        ("20260304T084000Z", datetime(2026, 3, 4, 8, 40, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_any_form_of_iso_8601_and_kept_as_it_was_written(
    text: str, instant: datetime
) -> None:
    found = reading.read(sent(effective_start_time=text))
    assert isinstance(found, Report)
    assert (found.effective_at, found.effective_text) == (instant, text)


@pytest.mark.parametrize(
    ("value", "quantity"),
    [(5, Decimal(5)), (Decimal("20.5"), Decimal("20.5")), ("7.25", Decimal("7.25")), (" 7 ", Decimal(7))],
)
def test_a_quantity_is_a_number_or_a_text_that_holds_one(value: object, quantity: Decimal) -> None:
    found = reading.read(sent(quantity=value))
    assert isinstance(found, Report)
    assert found.quantity == quantity


NO_NUMBERS = [None, "", "many", True, [5], {"value": 5}, "1" * 401, "٥"]
NO_TIMES = [None, "", "yesterday", 5, "2026-02-30T00:00:00Z", "2026-03-04T24:00:00Z", "9" * 65]
NO_TIMES += ["0001-01-01T00:00:00+14:00"]
NO_TIMES += [f"2026-03-04{between}08:40:00Z" for between in "\x00\n_x5é"]
NO_TIMES += ["2026-03-04T08:40:00Z\x00", "2026-03-04T", "2026-03-04 08:40:00Z\n"]
NO_TEXTS = [None, "", 5, ["basic"]]
BAD_MEMBERS: list[tuple[str, list[Any], Member]] = [
    ("resource_id", [None, "", 5, "basic", SUBSCRIPTION_ID[:-1], SUBSCRIPTION_ID + "0"], Member.RESOURCE_ID),
    ("quantity", NO_NUMBERS, Member.QUANTITY),
    ("dimension", NO_TEXTS, Member.DIMENSION),
    ("effective_start_time", NO_TIMES, Member.EFFECTIVE_START_TIME),
    ("plan_id", NO_TEXTS, Member.PLAN_ID),
    ("resource_uri", ["/subscriptions/1"], Member.RESOURCE_URI),
]


@pytest.mark.parametrize(
    ("name", "value", "member"),
    [(name, value, member) for name, values, member in BAD_MEMBERS for value in values],
)
def test_a_member_that_is_missing_or_of_another_kind_is_named(name: str, value: Any, member: Member) -> None:
    found = reading.read(sent(**{name: value}))
    assert isinstance(found, Malformed)
    assert [fault.member for fault in found.faults] == [member]


def test_every_faulty_member_is_named_in_order() -> None:
    found = reading.read(
        sent(resource_id=None, quantity=None, dimension="", effective_start_time=7, plan_id=None)
    )
    assert isinstance(found, Malformed)
    assert found.faults == (
        Fault(Member.RESOURCE_ID, "The resourceId is required."),
        Fault(Member.QUANTITY, "The quantity is required."),
        Fault(Member.DIMENSION, "The dimension is required."),
        Fault(Member.EFFECTIVE_START_TIME, "The effectiveStartTime must be a time in ISO 8601."),
        Fault(Member.PLAN_ID, "The planId is required."),
    )


def test_a_resource_uri_is_refused_in_place_of_the_id_too() -> None:
    found = reading.read(sent(resource_id=None, resource_uri="/subscriptions/1"))
    assert isinstance(found, Malformed)
    assert [fault.member for fault in found.faults] == [Member.RESOURCE_URI]


_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.decimals(), st.text(), st.lists(st.integers(), max_size=2)
)


@given(st.tuples(_VALUES, _VALUES, _VALUES, _VALUES, _VALUES, _VALUES))
def test_whatever_is_sent_is_an_event_or_has_faults(values: tuple[Any, ...]) -> None:
    found = reading.read(Sent(*values))
    assert isinstance(found, Report) or found.faults


# Which check decides


def test_an_event_in_order_is_admitted() -> None:
    assert judged() == "basic"


WRONG: list[tuple[UsageStatus, Member, Callable[[dict[str, Any], dict[str, Any]], None]]] = [
    (
        UsageStatus.RESOURCE_NOT_AUTHORIZED,
        Member.RESOURCE_ID,
        lambda _event, bought: bought.update(publisher_id="other"),
    ),
    (
        UsageStatus.RESOURCE_NOT_ACTIVE,
        Member.RESOURCE_ID,
        lambda _event, bought: bought.update(status=Status.SUSPENDED),
    ),
    (UsageStatus.BAD_ARGUMENT, Member.PLAN_ID, lambda reported, _bought: reported.update(plan_id="other")),
    (
        UsageStatus.INVALID_DIMENSION,
        Member.DIMENSION,
        lambda reported, _bought: reported.update(dimension_id="faxes"),
    ),
    (
        UsageStatus.INVALID_QUANTITY,
        Member.QUANTITY,
        lambda reported, _bought: reported.update(quantity=Decimal(0)),
    ),
    (
        UsageStatus.EXPIRED,
        Member.EFFECTIVE_START_TIME,
        lambda reported, _bought: reported.update(effective_at=NOW - DAY - MICROSECOND),
    ),
]
"""What can be wrong with an event, in the order of the checks."""


@pytest.mark.parametrize("first", range(len(WRONG)))
def test_the_first_check_that_fails_decides(first: int) -> None:
    """Everything from ``first`` on is wrong."""
    reported: dict[str, Any] = {}
    bought: dict[str, Any] = {}
    for _status, _member, spoil in WRONG[first:]:
        spoil(reported, bought)
    assert judged(report(**reported), resource(**bought)) == WRONG[first][:2]


@given(st.sets(st.integers(0, len(WRONG) - 1)))
def test_of_any_faults_the_first_decides(faults: set[int]) -> None:
    reported: dict[str, Any] = {}
    bought: dict[str, Any] = {}
    for number in sorted(faults):
        WRONG[number][2](reported, bought)
    expected = WRONG[min(faults)][:2] if faults else "basic"
    assert judged(report(**reported), resource(**bought)) == expected


def test_an_unknown_resource_is_not_found_whatever_else_is_wrong() -> None:
    verdict = rules.judge(report(quantity=Decimal(-1)), None, PUBLISHERS, PUBLISHER_ID)
    assert isinstance(verdict, Rejection)
    assert (verdict.status, verdict.at) == (UsageStatus.RESOURCE_NOT_FOUND, None)


def test_a_rejection_carries_the_accounts_time() -> None:
    verdict = rules.judge(report(quantity=Decimal(-1)), resource(), PUBLISHERS, PUBLISHER_ID)
    assert isinstance(verdict, Rejection)
    assert verdict.at == NOW


# Time


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW - DAY, "basic"),
        (NOW - DAY - MICROSECOND, (UsageStatus.EXPIRED, Member.EFFECTIVE_START_TIME)),
        (NOW, "basic"),
        (NOW + timedelta(minutes=5), "basic"),
        (NOW + timedelta(minutes=5) + MICROSECOND, (UsageStatus.EXPIRED, Member.EFFECTIVE_START_TIME)),
    ],
)
def test_usage_is_reported_within_a_day_and_hardly_ahead(at: datetime, expected: object) -> None:
    assert judged(effective_at=at) == expected


@pytest.mark.parametrize(("seconds", "is_admitted"), [(-1, False), (0, True), (1, True)])
def test_usage_before_the_activation_is_refused(seconds: int, *, is_admitted: bool) -> None:
    started = NOW - timedelta(hours=1)
    found = judged(report(effective_at=started + timedelta(seconds=seconds)), resource(started_at=started))
    assert found == ("basic" if is_admitted else (UsageStatus.RESOURCE_NOT_ACTIVE, Member.RESOURCE_ID))


@pytest.mark.parametrize(
    ("status", "started_at", "is_admitted"),
    [
        (Status.PENDING, None, False),
        (Status.ACTIVE, STARTED_AT, True),
        (Status.SUSPENDED, STARTED_AT, False),
    ],
)
def test_only_an_active_resource_takes_usage(
    status: Status, started_at: datetime | None, *, is_admitted: bool
) -> None:
    found = judged(given_resource=resource(status=status, started_at=started_at))
    assert (found == "basic") == is_admitted


@pytest.mark.parametrize("status", [Status.DELETED, Status.EXPIRED])
@pytest.mark.parametrize(
    ("ago", "ended_ago", "is_admitted"),
    [
        (timedelta(hours=2), timedelta(hours=1), True),
        (timedelta(hours=1) + MICROSECOND, timedelta(hours=1), True),
        (timedelta(hours=1), timedelta(hours=1), False),
        (timedelta(minutes=59), timedelta(hours=1), False),
        (DAY, timedelta(hours=23), True),
        (DAY + MICROSECOND, timedelta(hours=23), False),
    ],
)
def test_usage_of_before_the_end_is_taken_for_a_day(
    status: Status, ago: timedelta, ended_ago: timedelta, *, is_admitted: bool
) -> None:
    found = judged(report(effective_at=NOW - ago), resource(status=status, ended_at=NOW - ended_ago))
    assert found == ("basic" if is_admitted else (UsageStatus.RESOURCE_NOT_ACTIVE, Member.RESOURCE_ID))


def test_an_operator_adds_usage_however_old() -> None:
    for bought in (resource(), resource(status=Status.SUSPENDED), resource(**ENDED)):
        verdict = rules.judge(report(effective_at=STARTED_AT), bought, BACK_FILL)
        assert isinstance(verdict, Admitted)


@pytest.mark.parametrize(
    ("changes", "reported", "status"),
    [
        ({"publisher_id": "other"}, {}, None),
        ({}, {"effective_at": STARTED_AT - MICROSECOND}, UsageStatus.RESOURCE_NOT_ACTIVE),
        (ENDED, {"effective_at": ENDED["ended_at"]}, UsageStatus.RESOURCE_NOT_ACTIVE),
        ({"status": Status.PENDING, "started_at": None}, {}, UsageStatus.RESOURCE_NOT_ACTIVE),
        ({}, {"effective_at": NOW + timedelta(minutes=6)}, UsageStatus.EXPIRED),
        ({}, {"quantity": Decimal(0)}, UsageStatus.INVALID_QUANTITY),
    ],
)
def test_an_operator_is_judged_like_a_publisher_otherwise(
    changes: dict[str, Any], reported: dict[str, Any], status: UsageStatus | None
) -> None:
    verdict = rules.judge(report(**reported), resource(**changes), BACK_FILL)
    assert (verdict.status if isinstance(verdict, Rejection) else None) is status


# Plan, dimension, quantity


def test_the_plan_of_then_is_taken_too() -> None:
    change = NOW - timedelta(minutes=30)
    changed = resource(
        PastPlan(NOW - timedelta(hours=2), plan("oldest", "0003")), PastPlan(change, plan("old", "0002"))
    )
    assert judged(report(plan_id="old"), changed) == "old"
    assert judged(report(plan_id="basic"), changed) == "basic"
    not_then = (UsageStatus.BAD_ARGUMENT, Member.PLAN_ID)
    assert judged(report(plan_id="oldest"), changed) == not_then
    assert judged(report(plan_id="old", effective_at=change), changed) == not_then
    assert judged(report(plan_id="old", effective_at=change - MICROSECOND), changed) == "old"


def test_a_resource_whose_plan_is_lost_has_no_plan() -> None:
    lost = Resource(resource().subscription, None, (), NOW)
    assert judged(given_resource=lost) == (UsageStatus.BAD_ARGUMENT, Member.PLAN_ID)


@pytest.mark.parametrize(
    ("dimension", "is_counted"), [("email100", True), ("text", True), ("calls", False), ("faxes", False)]
)
def test_what_is_not_enabled_or_included_without_limit_is_not_billed(
    dimension: str, *, is_counted: bool
) -> None:
    found = judged(dimension_id=dimension)
    assert found == ("basic" if is_counted else (UsageStatus.INVALID_DIMENSION, Member.DIMENSION))


def test_what_is_included_depends_on_the_term_that_was_bought() -> None:
    yearly = resource(term=Duration(months=12), billing_cycle=BillingCycle.ANNUAL)
    assert judged(report(dimension_id="calls"), yearly) == "basic"


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-1",
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "1E+15",
        "1E+400",
        "1E-21",
        "1E-999999",
        "1." + "1" * 28,
    ],
)
def test_a_quantity_that_cannot_be_billed(text: str) -> None:
    assert judged(quantity=Decimal(text)) == (UsageStatus.INVALID_QUANTITY, Member.QUANTITY)


@pytest.mark.parametrize("text", ["1E-20", "999999999999999.9", "0.30000000000000004", "1E+2"])
def test_a_quantity_that_can(text: str) -> None:
    assert judged(quantity=Decimal(text)) == "basic"


@given(st.decimals(min_value=Decimal("1E-20"), max_value=Decimal(10) ** 14, places=10))
def test_a_quantity_has_one_form(quantity: Decimal) -> None:
    if not quantity:
        return
    plain = rules.plain(quantity)
    assert plain == quantity
    assert str(plain) == str(rules.plain(Decimal(f"{quantity:f}0")))
    assert "E+" not in str(plain)


# What is kept


def test_events_of_one_clock_hour_share_a_slot() -> None:
    hour = datetime(2026, 3, 4, 8, tzinfo=UTC)
    slots = {rules.slot(report(effective_at=hour + timedelta(minutes=minutes))) for minutes in (0, 40, 59)}
    assert [slot.hour for slot in slots] == [hour]
    assert rules.slot(report(effective_at=hour + timedelta(hours=1))) not in slots
    assert rules.slot(report(effective_at=hour, dimension_id="text")) not in slots


def test_the_plan_is_no_part_of_the_slot() -> None:
    assert rules.slot(report(plan_id="basic")) == rules.slot(report(plan_id="old"))


def test_an_event_is_kept_with_the_plan_that_bills_it() -> None:
    verdict = rules.judge(report(quantity=Decimal("5.500")), resource(), PUBLISHERS, PUBLISHER_ID)
    assert isinstance(verdict, Admitted)
    kept = rules.event("an-id", verdict)
    assert (kept.id, kept.customer_id, kept.sku_id, kept.plan_id) == ("an-id", CUSTOMER_ID, "0001", "basic")
    assert (str(kept.quantity), kept.received_at, kept.effective_text) == (
        "5.5",
        NOW,
        report().effective_text,
    )


def test_the_digest_tells_events_apart() -> None:
    events = [event(), event(quantity=Decimal(7)), event(id="other"), event(plan_id="old")]
    assert len({rules.digest([each]) for each in events}) == len(events)
    assert rules.digest(events) != rules.digest(events[::-1])


def test_counters_show_what_is_counted_and_what_was_used() -> None:
    month = Duration(months=1), BillingCycle.MONTHLY
    assert rules.counters({"email100": Decimal("7.5"), "faxes": Decimal(1)}, plan(), *month) == [
        Counter("calls", Decimal(0), None),
        Counter("email100", Decimal("7.5"), 100),
        Counter("faxes", Decimal(1), 0),
        Counter("text", Decimal(0), 0),
    ]
    assert rules.counters({"text": Decimal(2)}, None, *month) == [Counter("text", Decimal(2), 0)]
