"""When a call is sent again, and after how long."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.client import RetryPolicy
from comptoir.client.retry import ATTEMPTS_MAX, is_passing, retry_after_seconds

seconds = st.floats(0, 1_000, allow_nan=False)
draws = st.floats(0, 1, exclude_max=True)


@st.composite
def policies(draw: st.DrawFn) -> RetryPolicy:
    first, longest = sorted((draw(seconds), draw(seconds)))
    return RetryPolicy(draw(st.integers(1, ATTEMPTS_MAX)), first, longest)


@given(policies(), st.integers(1, 2 * ATTEMPTS_MAX), draws)
def test_backoff_is_bounded(policy: RetryPolicy, attempt: int, draw: float) -> None:
    wait = policy.wait_seconds(attempt, None, draw)
    if attempt >= policy.attempts_max:
        assert wait is None
    else:
        assert wait is not None
        assert policy.wait_seconds_first / 2 <= wait <= policy.wait_seconds_max


@given(policies(), st.integers(1, ATTEMPTS_MAX), seconds, draws)
def test_the_service_is_given_the_time_it_asks_for(
    policy: RetryPolicy, attempt: int, asked: float, draw: float
) -> None:
    wait = policy.wait_seconds(attempt, asked, draw)
    if attempt >= policy.attempts_max or asked > policy.wait_seconds_max:
        assert wait is None
    else:
        assert wait is not None
        assert asked <= wait <= 2 * policy.wait_seconds_max


def test_waits_double_up_to_the_longest() -> None:
    policy = RetryPolicy(attempts_max=6, wait_seconds_first=1, wait_seconds_max=5)
    assert [policy.wait_seconds(attempt, None, 0) for attempt in range(1, 7)] == [1, 2, 4, 5, 5, None]


@pytest.mark.parametrize("attempts", [0, -1, ATTEMPTS_MAX + 1])
def test_attempts_are_bounded(attempts: int) -> None:
    with pytest.raises(ValueError, match="attempts_max"):
        RetryPolicy(attempts_max=attempts)


@pytest.mark.parametrize(("first", "longest"), [(-1, 1), (2, 1)])
def test_waits_are_ordered(first: float, longest: float) -> None:
    with pytest.raises(ValueError, match="wait_seconds_first"):
        RetryPolicy(wait_seconds_first=first, wait_seconds_max=longest)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_passing_failures(status: int) -> None:
    assert is_passing(status, None, was_unanswered=False)


@pytest.mark.parametrize("status", [200, 201, 204, 302, 400, 401, 403, 404, 405, 409, 412, 417, 501])
def test_answers_that_stand(status: int) -> None:
    assert not is_passing(status, 800002, was_unanswered=True)


@pytest.mark.parametrize("code", [800060, 800064])
def test_a_call_at_work_is_waited_for_only_if_it_is_our_own(code: int) -> None:
    assert is_passing(409, code, was_unanswered=True)
    assert not is_passing(409, code, was_unanswered=False)
    assert not is_passing(400, code, was_unanswered=True)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("²", None),
        ("", None),
        (formatdate(1_090, usegmt=True), 90.0),
        (formatdate(900, usegmt=True), 0.0),
        ("Thu, 01 Jan 1970 00:17:00 -0000", 20.0),
        ("99999999999999999999", 999999999.0),
    ],
)
def test_retry_after(header: str | None, expected: float | None) -> None:
    assert retry_after_seconds(header, 1_000) == expected


@given(st.text(max_size=40))
def test_retry_after_of_any_text(header: str) -> None:
    wait = retry_after_seconds(header, 1_000)
    assert wait is None or wait >= 0
