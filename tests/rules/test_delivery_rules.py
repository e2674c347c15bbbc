"""What an answer to a webhook means, when it is tried again, and how attempts share their places."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.delivery import rules
from comptoir.delivery.model import Decision, Delivery, Policy, Reply, State, Verdict, Waiting

WALL = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
POLICY = Policy()
HOSTS = ("a", "b", "c", "d", "e")


def a_delivery(attempts: int = 1, *, before: int = 0, is_refusable: bool = True) -> Delivery:
    return Delivery(
        account_id="contoso",
        queue="subscription",
        sequence=1,
        id="7d0f",
        kind="test",
        subject_id="operation",
        publisher_id="northbeam",
        product_id="PRODUCT",
        url="https://app.northbeam.example/hook",
        body="{}",
        is_refusable=is_refusable,
        state=State.PENDING,
        attempts=attempts,
        attempts_before=before,
        created_at=WALL,
    )


DELIVERED, REFUSED, RETRY = Verdict.DELIVERED, Verdict.REFUSED, Verdict.RETRY


@pytest.mark.parametrize(
    ("statuses", "of_a_request", "of_a_notice"),
    [
        ((200, 201, 202, 204, 299), DELIVERED, DELIVERED),
        ((400, 401, 403, 404, 409, 410, 422, 499), REFUSED, RETRY),
        ((408, 425, 429), RETRY, RETRY),
        ((300, 301, 302, 303, 307, 308), RETRY, RETRY),
        ((500, 502, 503, 599), RETRY, RETRY),
        ((100, 199, 600, 999), RETRY, RETRY),
        ((None,), RETRY, RETRY),
    ],
)
def test_every_status_has_its_meaning(
    statuses: tuple[int | None, ...], of_a_request: Verdict, of_a_notice: Verdict
) -> None:
    for status in statuses:
        assert rules.judge(status, is_refusable=True) is of_a_request
        assert rules.judge(status, is_refusable=False) is of_a_notice


def decided(delivery: Delivery, status: int | None, policy: Policy = POLICY) -> Decision:
    reply = Reply(status, error="no answer" if status is None else None)
    return rules.decide(delivery, reply, policy, started_at=WALL, ended_at=WALL + timedelta(seconds=10))


def test_an_answer_ends_a_delivery() -> None:
    assert decided(a_delivery(), 204) == Decision(State.DELIVERED, None)
    assert decided(a_delivery(), 400) == Decision(State.REFUSED, None)
    assert decided(a_delivery(is_refusable=False), 400).state is State.PENDING


def test_five_hundred_retries_take_eight_hours() -> None:
    at = WALL
    for attempt in range(1, 501):
        decision = decided(a_delivery(attempt), 503)
        assert decision.state is State.PENDING
        assert decision.next_attempt_at is not None
        at += decision.next_attempt_at - WALL
    assert abs(at - WALL - timedelta(hours=8)) < timedelta(minutes=5)
    assert decided(a_delivery(501), 503) == Decision(State.DEAD, None)
    assert decided(a_delivery(501), None) == Decision(State.DEAD, None)
    assert decided(a_delivery(501), 200) == Decision(State.DELIVERED, None)


def test_a_delivery_ordered_anew_has_all_its_tries() -> None:
    assert decided(a_delivery(502, before=501), 503).state is State.PENDING
    assert decided(a_delivery(1002, before=501), 503).state is State.DEAD


def test_without_retries_the_first_attempt_is_the_last() -> None:
    assert decided(a_delivery(), 500, replace(POLICY, retries=0)) == Decision(State.DEAD, None)


def test_an_attempt_that_took_longer_than_the_gap_is_repeated_at_once() -> None:
    decision = decided(a_delivery(), None, replace(POLICY, gap=timedelta(seconds=1)))
    assert decision.next_attempt_at == WALL + timedelta(seconds=10)


@given(st.text(max_size=40), st.integers(1, 10_000))
def test_jitter_stays_within_a_tenth_and_is_the_same_each_time(delivery_id: str, attempt: int) -> None:
    gap = rules.jittered(POLICY.gap, delivery_id, attempt)
    assert POLICY.gap * 9 // 10 <= gap <= POLICY.gap * 11 // 10
    assert rules.jittered(POLICY.gap, delivery_id, attempt) == gap


def test_jitter_spreads() -> None:
    gaps = {rules.jittered(POLICY.gap, f"delivery {number}", 1) for number in range(200)}
    assert len(gaps) > 150
    assert min(gaps) < POLICY.gap * 92 // 100
    assert max(gaps) > POLICY.gap * 108 // 100


def test_a_lease_outlasts_every_attempt() -> None:
    assert rules.lease_until(WALL, POLICY) - WALL > POLICY.timeout


def test_the_log_keeps_the_first_attempt_and_the_latest() -> None:
    kept: set[int] = set()
    for number in range(1, 502):
        kept.add(number)
        kept.discard(rules.forgotten(number) or 0)
    assert kept == {1, *range(501 - rules.LOGGED_MAX + 2, 502)}
    assert len(kept) == rules.LOGGED_MAX


@given(st.text(), st.integers(0, 50))
def test_foreign_text_is_made_harmless(text: str, length_max: int) -> None:
    shown = rules.legible(text, length_max)
    assert shown.isprintable()
    assert len(shown) <= length_max


def test_what_can_be_read_is_left_alone() -> None:
    assert rules.legible("Größe: 3 €\x1b[31m\x00\r\nend", 100) == "Größe: 3 € [31m   end"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://App.Northbeam.example/hook", "app.northbeam.example"),
        ("https://app.northbeam.example:8443/hook?x=1", "app.northbeam.example:8443"),
        ("http://user:secret@app.example/", "app.example"),
        ("http://[::1]:8000/", "[::1]:8000"),
        ("http://[::1/", "-"),
        ("nonsense", "-"),
        ("", "-"),
    ],
)
def test_places_are_counted_by_host(url: str, host: str) -> None:
    assert rules.host_of(url) == host


def waiting(*hosts: str) -> list[Waiting]:
    return [Waiting(host, WALL - timedelta(seconds=len(hosts) - i)) for i, host in enumerate(hosts)]


SMALL = Policy(places=8, places_per_host=3)


def test_places_are_shared_evenly() -> None:
    assert rules.grants(waiting("a", "b"), {}, set(), SMALL, WALL) == {"a": 3, "b": 3}
    assert rules.grants(waiting("a", "b", "c", "d"), {}, set(), SMALL, WALL) == dict.fromkeys("abcd", 2)
    assert rules.grants(waiting("a", "b"), {"a": 2}, set(), SMALL, WALL) == {"a": 1, "b": 3}
    many = rules.grants(waiting(*"abcdefghijkl"), {}, set(), SMALL, WALL)
    assert many == dict.fromkeys("abcdefgh", 1)


def test_what_is_not_due_gets_no_place() -> None:
    later = Waiting("a", WALL + timedelta(microseconds=1))
    assert rules.grants([later], {}, set(), SMALL, WALL) == {}
    assert rules.grants([Waiting("a", WALL)], {}, set(), SMALL, WALL) == {"a": 3}


def test_dead_receivers_leave_half_of_the_places_to_the_others() -> None:
    dead = set("abcdefgh")
    granted = rules.grants(waiting(*"abcdefgh", "alive"), {}, dead, SMALL, WALL)
    assert granted.pop("alive") == 3
    assert sum(granted.values()) == 4
    full = {"a": 3, "b": 1}
    assert rules.grants(waiting(*"abcdefgh", "alive"), full, dead, SMALL, WALL) == {"alive": 3}


def test_a_single_place_is_enough_for_a_dead_receiver() -> None:
    assert rules.grants(waiting("a"), {}, {"a"}, replace(SMALL, places=1), WALL) == {"a": 1}


@given(
    st.lists(
        st.tuples(st.sampled_from(HOSTS), st.integers(-3, 3)), max_size=5, unique_by=lambda each: each[0]
    ),
    st.dictionaries(st.sampled_from(HOSTS), st.integers(1, 3), max_size=2),
    st.sets(st.sampled_from(HOSTS)),
)
def test_no_bound_is_ever_exceeded(
    due: list[tuple[str, int]], under_way: dict[str, int], failing: set[str]
) -> None:
    listed = [Waiting(host, WALL + timedelta(seconds=offset)) for host, offset in due]
    granted = rules.grants(listed, under_way, failing, SMALL, WALL)
    taken = Counter(under_way) + Counter(granted)
    assert granted.keys() <= {host for host, offset in due if offset <= 0}
    assert taken.total() <= SMALL.places
    assert max(taken.values(), default=0) <= SMALL.places_per_host
    by_failing = sum(count for host, count in taken.items() if host in failing)
    before = sum(count for host, count in under_way.items() if host in failing)
    assert by_failing <= max(SMALL.places // 2, before)
