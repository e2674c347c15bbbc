"""What an answer means, when to try again, and how attempts share their places. Pure.

Source: ``40-publisher-fulfillment-metering`` section 5.3.
"""

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from urllib.parse import urlsplit

from comptoir.delivery.model import Decision, Delivery, Policy, Reply, State, Verdict, Waiting

NO_REFUSALS = frozenset({408, 425, 429})
"""Client errors that ask to be tried again."""

EXCERPT_LENGTH_MAX = 1_000
ERROR_LENGTH_MAX = 300
LOGGED_MAX = 50
"""Attempts of a delivery that the log keeps: the first, and the latest of the others."""

_GAP_PARTS = 10_000
_JITTER_PARTS = 1_000  # of 10,000: a tenth
_LEASE_MARGIN = timedelta(seconds=20)
_STATES = {Verdict.DELIVERED: State.DELIVERED, Verdict.REFUSED: State.REFUSED}


def judge(status: int | None, *, is_refusable: bool) -> Verdict:
    """What an attempt comes to that was answered with ``status``, or not at all."""
    if status is None:
        return Verdict.RETRY
    if 200 <= status < 300:
        return Verdict.DELIVERED
    if is_refusable and 400 <= status < 500 and status not in NO_REFUSALS:
        return Verdict.REFUSED
    return Verdict.RETRY


def decide(
    delivery: Delivery,
    reply: Reply,
    policy: Policy,
    *,
    started_at: datetime,
    ended_at: datetime,
    is_untold: bool = False,
) -> Decision:
    """What follows the attempt that the delivery has counted last.

    The last attempt is not the last as long as its end cannot be told (``is_untold``).
    """
    assert delivery.attempts > 0, "what was answered was tried"
    if reply.is_over:
        return Decision(State.DROPPED, None)
    verdict = judge(reply.status, is_refusable=delivery.is_refusable)
    if verdict is not Verdict.RETRY:
        return Decision(_STATES[verdict], None)
    if delivery.attempts_counted > policy.retries and not is_untold:
        return Decision(State.DEAD, None)
    due_at = started_at + jittered(policy.gap, delivery.id, delivery.attempts)
    return Decision(State.PENDING, max(due_at, ended_at))


def jittered(gap: timedelta, delivery_id: str, attempt: int) -> timedelta:
    """The gap after an attempt: longer or shorter by up to a tenth, the same each time it is asked for.

    So deliveries that failed together do not come back together.
    """
    draw = int.from_bytes(hashlib.sha256(f"{delivery_id}/{attempt}".encode()).digest()[:8])
    parts = _GAP_PARTS - _JITTER_PARTS + draw % (2 * _JITTER_PARTS + 1)
    return gap * parts // _GAP_PARTS


def lease_until(wall: datetime, policy: Policy) -> datetime:
    """When a queue is free again whose holder never came back: later than any attempt takes."""
    return wall + policy.timeout + _LEASE_MARGIN


def forgotten(number: int) -> int | None:
    """Which attempt the log drops when this one is added; never the first."""
    dropped = number - LOGGED_MAX + 1
    return dropped if dropped > 1 else None


def legible(text: str, length_max: int) -> str:
    """The beginning of a text from outside, without what terminals obey and databases refuse."""
    return "".join(character if character.isprintable() else " " for character in text[:length_max]).rstrip()


def host_of(url: str) -> str:
    """Whose places a delivery takes: host and port of its address, ``-`` for an address without a host."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower() or "-"
    except ValueError:
        return "-"


def grants(
    waiting: Sequence[Waiting],
    under_way: Mapping[str, int],
    failing: AbstractSet[str],
    policy: Policy,
    wall: datetime,
) -> dict[str, int]:
    """How many deliveries to begin for each receiver now.

    Each has ``places_per_host``. Those whose last attempt failed share half of all places, so that dead
    receivers, however many, leave the others room. Of the rest the one with the fewest under way is served
    first, then the one that waits longest.
    """
    taken = dict(under_way)
    taken_by_failing = sum(count for host, count in taken.items() if host in failing)
    free = policy.places - sum(taken.values())
    free_for_failing = max(1, policy.places // 2) - taken_by_failing
    due = [(taken.get(each.host, 0), each.next_attempt_at, each.host) for each in waiting]
    served = [entry for entry in due if entry[1] <= wall]
    heapify(served)
    granted: dict[str, int] = {}
    while served and free > 0:
        count, since, host = heappop(served)
        is_failing = host in failing
        if count >= policy.places_per_host or (is_failing and free_for_failing <= 0):
            continue
        granted[host] = granted.get(host, 0) + 1
        free -= 1
        free_for_failing -= is_failing
        heappush(served, (count + 1, since, host))
    return granted
