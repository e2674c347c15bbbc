"""Where a clock is moved to: by the calendar, forward only, not too far."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.clock import moving
from comptoir.clock.moving import Move, target_of
from comptoir.core.accounts import OPERATOR_ACCOUNT, AccountKind
from comptoir.core.errors import Code, Refusal

NOW = datetime(2026, 1, 31, 12, 30, 15, 5, tzinfo=UTC)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2189, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def refused(move: Move, now: datetime = NOW) -> tuple[str, str]:
    """The faulty member and the reason."""
    with pytest.raises(Refusal) as refusal:
        target_of(move, now)
    assert refusal.value.code is Code.INVALID_PROPERTY
    return str(refusal.value.facts["member"]), str(refusal.value.facts["reason"])


@pytest.mark.parametrize(
    ("duration", "target"),
    [
        ("P1M", NOW.replace(month=2, day=28)),
        ("P1Y", NOW.replace(year=2027)),
        ("P25M", NOW.replace(year=2028, month=2, day=29)),
        ("P1Y1M", NOW.replace(year=2027, month=2, day=28)),
        ("P1M1D", NOW.replace(month=3, day=1)),
        ("P1W", NOW.replace(month=2, day=7)),
        ("P1D", NOW.replace(month=2, day=1)),
        ("PT36H", NOW.replace(month=2, day=2, hour=0)),
        ("PT1M", NOW.replace(minute=31)),
        ("PT1S", NOW.replace(second=16)),
        ("p1dt1h1m1s", NOW.replace(month=2, day=1, hour=13, minute=31, second=16)),
        (" P1D ", NOW.replace(month=2, day=1)),
        ("P10Y", NOW.replace(year=2036)),
        ("P120M", NOW.replace(year=2036)),
    ],
)
def test_durations_follow_the_calendar(duration: str, target: datetime) -> None:
    assert target_of(Move(by=duration), NOW) == target


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P0D", "P0Y0M", "1M", "P1", "P-1D", "+P1D", "P1.5D", "P1DT", "P1H", "PT1D", "P１D"],
)
def test_what_is_no_duration(text: str) -> None:
    member, reason = refused(Move(by=text))
    assert (member, "duration" in reason) == ("by", True)


@pytest.mark.parametrize(
    "text", ["P10Y1D", "P121M", "P999Y", "P9999M", "P99999D", "PT999999H", "PT999999999S"]
)
def test_a_duration_that_is_too_long(text: str) -> None:
    member, reason = refused(Move(by=text))
    assert (member, "10 years at most" in reason) == ("by", True)


def test_either_an_instant_or_a_duration() -> None:
    for move in (Move(), Move(NOW, "P1D")):
        assert refused(move)[0] == "to"


def test_an_instant_is_not_before_the_clock_s_time() -> None:
    assert target_of(Move(NOW), NOW) == NOW
    elsewhere = NOW.astimezone(timezone(timedelta(hours=9)))
    assert target_of(Move(elsewhere), NOW) == NOW
    assert "never put back" in refused(Move(NOW - timedelta.resolution))[1]


def test_an_instant_is_not_too_far() -> None:
    furthest = NOW.replace(year=2036)
    assert target_of(Move(furthest), NOW) == furthest
    assert "10 years" in refused(Move(furthest + timedelta.resolution))[1]
    late = datetime(2195, 1, 1, tzinfo=UTC)
    assert target_of(Move(moving.LATEST), late) == moving.LATEST
    assert "2200" in refused(Move(moving.LATEST + timedelta.resolution), late)[1]


@given(instants, st.text(max_size=12) | st.from_regex(moving._DURATION, fullmatch=True))
def test_a_target_lies_ahead_whatever_is_asked(now: datetime, text: str) -> None:
    try:
        target = target_of(Move(by=text), now)
    except Refusal:
        return
    assert now < target <= moving.LATEST


def test_only_a_sandbox_s_clock_moves() -> None:
    sandbox = replace(OPERATOR_ACCOUNT, kind=AccountKind.SANDBOX)
    moving.require_movable(sandbox)
    with pytest.raises(Refusal) as refusal:
        moving.require_movable(replace(sandbox, kind=AccountKind.PRODUCTION))
    assert refusal.value.code is Code.WRONG_ENVIRONMENT


def test_where_a_clock_can_start() -> None:
    for instant in (moving.EARLIEST, moving.LATEST, NOW):
        moving.require_start(instant)
    for instant in (moving.EARLIEST - timedelta.resolution, moving.LATEST + timedelta.resolution):
        with pytest.raises(Refusal):
            moving.require_start(instant)


def test_an_advance_stops_at_every_third_failure() -> None:
    assert [attempts for attempts in range(1, 10) if moving.gives_up(attempts)] == [3, 6, 9]
