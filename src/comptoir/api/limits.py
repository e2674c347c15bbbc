"""Throttling, and the guard that ends an official client's endless repeats.

Both live in memory and are bounded: they protect this process, they decide nothing about money. Source:
``00-cross-cutting`` sections 12.0 and 12.1.
"""

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil

STORM_ANSWERS = 10
STORM_SECONDS = 60
REMEMBERED_MAX = 10_000


class Throttled(Exception):
    """Too many calls; ``retry_seconds`` until the next one is let through."""

    def __init__(self, retry_seconds: int) -> None:
        self.retry_seconds = retry_seconds
        super().__init__(retry_seconds)


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float
    last_request_id: str = ""


class Throttle:
    """A token bucket for each account and resource family."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()

    def admit(self, account_id: str, family: str, per_minute: int, request_id: str, now: float) -> None:
        """Take one token, or raise ``Throttled``. A repeat of the last request id is not counted.

        ``now`` is in seconds of any steady clock.
        """
        bucket = self._buckets.setdefault((account_id, family), _Bucket(per_minute, now))
        self._buckets.move_to_end((account_id, family))
        if len(self._buckets) > REMEMBERED_MAX:
            self._buckets.popitem(last=False)
        per_second = per_minute / 60
        bucket.tokens = min(per_minute, bucket.tokens + (now - bucket.filled_at) * per_second)
        bucket.filled_at = now
        if request_id == bucket.last_request_id:
            return
        if bucket.tokens < 1:
            raise Throttled(ceil((1 - bucket.tokens) / per_second))
        bucket.tokens -= 1
        bucket.last_request_id = request_id


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
