"""Throttling and the storm guard, with time as an argument."""

import pytest

from comptoir.api.limits import REMEMBERED_MAX, STORM_ANSWERS, STORM_SECONDS, StormGuard, Throttle, Throttled


def test_a_minute_holds_as_many_calls_as_allowed() -> None:
    throttle = Throttle()
    for number in range(60):
        throttle.admit("a", "orders", 60, str(number), 0)
    with pytest.raises(Throttled) as caught:
        throttle.admit("a", "orders", 60, "next", 0)
    assert caught.value.retry_seconds == 1
    throttle.admit("a", "customers", 60, "other family", 0)
    throttle.admit("b", "orders", 60, "other account", 0)
    throttle.admit("a", "orders", 60, "later", 1)


def test_a_repeat_of_the_same_request_id_is_free() -> None:
    throttle = Throttle()
    for _ in range(10):
        throttle.admit("a", "orders", 1, "same", 0)


def test_an_idle_account_gathers_no_more_than_a_minute() -> None:
    throttle = Throttle()
    throttle.admit("a", "orders", 2, "first", 0)
    for number in range(2):
        throttle.admit("a", "orders", 2, str(number), 1_000_000)
    with pytest.raises(Throttled):
        throttle.admit("a", "orders", 2, "third", 1_000_000)


def test_a_storm_ends_after_ten_answers_within_a_minute() -> None:
    guard = StormGuard()
    assert [guard.must_end("id", "/p", 0) for _ in range(STORM_ANSWERS + 1)] == [False] * STORM_ANSWERS + [
        True
    ]
    assert not guard.must_end("id", "/other", 0)
    assert not guard.must_end("id", "/p", STORM_SECONDS + 1)


def test_a_final_answer_ends_the_count() -> None:
    guard = StormGuard()
    for _ in range(STORM_ANSWERS):
        guard.must_end("id", "/p", 0)
    guard.forget("id", "/p")
    assert not guard.must_end("id", "/p", 0)


def test_what_is_remembered_is_bounded() -> None:
    guard, throttle = StormGuard(), Throttle()
    for number in range(REMEMBERED_MAX + 10):
        guard.must_end(str(number), "/p", 0)
        throttle.admit(str(number), "f", 1, "r", 0)
    assert len(guard._storms) == REMEMBERED_MAX
    assert len(throttle._buckets) == REMEMBERED_MAX
