"""Throttling and the storm guard, with time as an argument."""

import pytest

from comptoir.api.limits import (
    FREE_REPEATS,
    REMEMBERED_MAX,
    STORM_ANSWERS,
    STORM_SECONDS,
    StormGuard,
    Throttle,
    Throttled,
)


def test_a_minute_holds_as_many_calls_as_allowed() -> None:
    throttle = Throttle()
    for number in range(60):
        throttle.admit("a", "orders", 60, (str(number), "/p"), 0)
    with pytest.raises(Throttled) as caught:
        throttle.admit("a", "orders", 60, ("next", "/p"), 0)
    assert caught.value.retry_seconds == 1
    throttle.admit("a", "customers", 60, ("other family", "/p"), 0)
    throttle.admit("b", "orders", 60, ("other account", "/p"), 0)
    throttle.admit("a", "orders", 60, ("later", "/p"), 1)


def test_a_client_s_own_repeats_are_free_but_not_for_ever() -> None:
    throttle = Throttle()
    for _ in range(FREE_REPEATS):
        throttle.admit("a", "orders", 1, ("same", "/p"), 0)
    with pytest.raises(Throttled):
        throttle.admit("a", "orders", 1, ("same", "/p"), 0)


def test_repeats_side_by_side_are_free() -> None:
    throttle = Throttle()
    for _ in range(FREE_REPEATS):
        throttle.admit("a", "orders", 2, ("one", "/p"), 0)
        throttle.admit("a", "orders", 2, ("two", "/p"), 0)


def test_one_request_id_for_many_calls_is_no_way_around() -> None:
    throttle = Throttle()
    throttle.admit("a", "orders", 1, ("pinned", "/orders/1"), 0)
    with pytest.raises(Throttled):
        throttle.admit("a", "orders", 1, ("pinned", "/orders/2"), 0)


def test_an_idle_account_gathers_no_more_than_a_minute() -> None:
    throttle = Throttle()
    throttle.admit("a", "orders", 2, ("first", "/p"), 0)
    for number in range(2):
        throttle.admit("a", "orders", 2, (str(number), "/p"), 1_000_000)
    with pytest.raises(Throttled):
        throttle.admit("a", "orders", 2, ("third", "/p"), 1_000_000)


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
        throttle.admit(str(number), "f", 1, ("r", "/p"), 0)
    assert len(guard._storms) == REMEMBERED_MAX
    assert len(throttle._buckets) == REMEMBERED_MAX
