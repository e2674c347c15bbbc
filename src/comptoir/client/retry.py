"""When a call is sent again, and after how long (``00-cross-cutting`` sections 4 and 12)."""

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

ATTEMPTS_MAX = 20
"""The most that a policy may ask for."""

_IN_PROGRESS = frozenset({800060, 800064})
"""The first of several equal calls is still at work."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a call is sent at most, and the bounds of the waits between.

    Waits double from ``wait_seconds_first`` to ``wait_seconds_max``; chance takes up to half of each away, so
    that many clients do not come back at once. If the service asks for more than ``wait_seconds_max``, the
    call fails at once instead.
    """

    attempts_max: int = 4
    wait_seconds_first: float = 0.5
    wait_seconds_max: float = 30.0

    def __post_init__(self) -> None:
        if not 1 <= self.attempts_max <= ATTEMPTS_MAX:
            raise ValueError(f"attempts_max must be between 1 and {ATTEMPTS_MAX}")
        if not 0 <= self.wait_seconds_first <= self.wait_seconds_max:
            raise ValueError("0 <= wait_seconds_first <= wait_seconds_max must hold")

    def wait_seconds(self, attempt: int, retry_after_seconds: float | None, draw: float) -> float | None:
        """The wait after attempt number ``attempt`` failed, ``None`` to give up.

        ``draw`` is a random number, at least 0 and below 1.
        """
        if attempt >= self.attempts_max:
            return None
        ceiling = min(self.wait_seconds_max, self.wait_seconds_first * 2.0 ** (attempt - 1))
        backoff = ceiling * (1 - draw / 2)
        if retry_after_seconds is None:
            return backoff
        if retry_after_seconds > self.wait_seconds_max:
            return None
        return max(retry_after_seconds + self.wait_seconds_first * draw, backoff)


def is_passing(status: int, code: int | None, *, was_unanswered: bool) -> bool:
    """Whether the same call may fare better later.

    ``was_unanswered`` tells that an earlier attempt of this call got no answer. If it is still at work, this
    one is told to come back (section 4, point 4). Otherwise such a conflict is an answer like any other.
    """
    if status in {408, 429} or (status >= 500 and status != 501):
        return True
    return was_unanswered and status == 409 and code in _IN_PROGRESS


def retry_after_seconds(header: str | None, now: float) -> float | None:
    """The wait that a ``Retry-After`` header asks for: seconds, or a date. ``now``: seconds since 1970."""
    if header is None:
        return None
    text = header.strip()
    if text.isdecimal() and text.isascii():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, aware.timestamp() - now)
