"""What time it is for an account, and when work that failed is tried again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.clock import rules
from comptoir.core.accounts import AccountClock

WALL = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_without_a_change_the_account_s_time_is_the_wall_s() -> None:
    assert rules.account_time(AccountClock(), WALL) == WALL


@given(st.integers(min_value=-(10**15), max_value=10**16))
def test_an_offset_shifts_it_by_whole_microseconds(offset: int) -> None:
    shifted = rules.account_time(AccountClock(offset_micros=offset), WALL)
    assert shifted - WALL == timedelta(microseconds=offset)


def test_a_frozen_clock_stands_still_whatever_the_offset() -> None:
    frozen = AccountClock(offset_micros=5, frozen_at=WALL)
    assert rules.account_time(frozen, WALL + MINUTE) == WALL


@pytest.mark.parametrize(
    ("attempts", "wait"),
    [
        (1, timedelta(seconds=5)),
        (2, timedelta(seconds=10)),
        (4, timedelta(seconds=40)),
        (9, timedelta(seconds=1280)),
    ],
)
def test_the_wait_doubles(attempts: int, wait: timedelta) -> None:
    assert rules.failure(attempts, WALL, "").retry_at == WALL + wait


@given(st.integers(min_value=1, max_value=10**6))
def test_the_wait_is_bounded_and_the_attempts_too(attempts: int) -> None:
    failure = rules.failure(attempts, WALL, "")
    if attempts >= rules.ATTEMPTS_MAX:
        assert failure.retry_at is None
    else:
        assert failure.retry_at is not None
        assert rules.RETRY_FIRST <= failure.retry_at - WALL <= rules.RETRY_MAX


def test_a_long_error_is_cut() -> None:
    assert rules.failure(1, WALL, "x" * 5_000).error == "x" * rules.ERROR_LENGTH_MAX


@pytest.mark.parametrize(
    ("limit", "accounts", "share"), [(50, 0, 50), (50, 1, 50), (50, 3, 16), (50, 50, 1), (50, 80, 1)]
)
def test_accounts_share_a_batch(limit: int, accounts: int, share: int) -> None:
    assert rules.share(limit, accounts) == share
