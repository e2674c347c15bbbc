"""Throttling, and the guard that ends an official client's endless repeats.

Both live in memory and are bounded: they protect this process, they decide nothing about money. Source:
``00-cross-cutting`` sections 12.0 and 12.1.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from math import ceil

STORM_ANSWERS = 10
STORM_SECONDS = 60
REMEMBERED_MAX = 10_000
FREE_REPEATS = 5
CALLS_REMEMBERED_MAX = 256


class Throttled(Exception):
    """Too many calls; ``retry_seconds`` until the next one is let through."""

    def __init__(self, retry_seconds: int) -> None:
        self.retry_seconds = retry_seconds
        super().__init__(retry_seconds)


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float
    answered: OrderedDict[tuple[str, str], int] = field(default_factory=OrderedDict)

    def is_free_repeat(self, call: tuple[str, str]) -> bool:
        """Whether the call was let through before, and not yet as often as clients repeat by themselves."""
        times = self.answered.get(call, 0)
        return 0 < times < FREE_REPEATS

    def remember(self, call: tuple[str, str]) -> None:
        self.answered[call] = self.answered.get(call, 0) + 1
        self.answered.move_to_end(call)
        if len(self.answered) > CALLS_REMEMBERED_MAX:
            self.answered.popitem(last=False)


class Throttle:
    """A token bucket for each account and resource family."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()

    def admit(self, account_id: str, family: str, per_minute: int, call: tuple[str, str], now: float) -> None:
        """Take one token, or raise ``Throttled``.

        ``call`` is a request id with what it was sent to: a client's own repeats of one call are free, as
        often as the most stubborn official client sends them (``10-catalog-cart-orders`` section 0.4).
        ``now`` is in seconds of any steady clock.
        """
        bucket = self._buckets.setdefault((account_id, family), _Bucket(per_minute, now))
        self._buckets.move_to_end((account_id, family))
        if len(self._buckets) > REMEMBERED_MAX:
            self._buckets.popitem(last=False)
        per_second = per_minute / 60
        bucket.tokens = min(per_minute, bucket.tokens + (now - bucket.filled_at) * per_second)
        bucket.filled_at = now
        if not bucket.is_free_repeat(call):
            if bucket.tokens < 1:
                raise Throttled(ceil((1 - bucket.tokens) / per_second))
            bucket.tokens -= 1
        bucket.remember(call)


@dataclass(slots=True)
class _Storm:
    count: int
    began_at: float


class StormGuard:
    """Counts answers that clients repeat at once (5xx, 429) for one request id and path."""

    def __init__(self) -> None:
        self._storms: OrderedDict[tuple[str, str], _Storm] = OrderedDict()

    def must_end(self, request_id: str, path: str, now: float) -> bool:
        """Count one more such answer; true when the next must be one that the client takes as final."""
        storm = self._storms.get((request_id, path))
        if storm is None or now - storm.began_at > STORM_SECONDS:
            storm = self._storms[(request_id, path)] = _Storm(0, now)
            if len(self._storms) > REMEMBERED_MAX:
                self._storms.popitem(last=False)
        storm.count += 1
        return storm.count > STORM_ANSWERS

    def forget(self, request_id: str, path: str) -> None:
        """The call was answered for good."""
        self._storms.pop((request_id, path), None)
