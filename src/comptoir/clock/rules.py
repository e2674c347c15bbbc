"""What time it is for an account, and when work that failed is tried again."""

from datetime import datetime, timedelta

from comptoir.clock.model import Failure
from comptoir.core.accounts import AccountClock

ATTEMPTS_MAX = 10
RETRY_FIRST = timedelta(seconds=5)
RETRY_MAX = timedelta(minutes=30)
DOUBLINGS_MAX = 20
ERROR_LENGTH_MAX = 1_000


def account_time(clock: AccountClock, wall: datetime) -> datetime:
    """The account's time while the wall shows ``wall``: standing still, or shifted by the offset."""
    return clock.time_at(wall)


def failure(attempts: int, failed_at: datetime, error: str) -> Failure:
    """What follows when work has failed ``attempts`` times, the last at ``failed_at`` of the wall.

    The wait doubles from ``RETRY_FIRST`` up to ``RETRY_MAX``. It is wall time, because an account's clock
    may stand still (contract README, decision 24).
    """
    assert attempts > 0, "what has failed was tried"
    text = error[:ERROR_LENGTH_MAX]
    if attempts >= ATTEMPTS_MAX:
        return Failure(failed_at, None, text)
    doublings = min(attempts - 1, DOUBLINGS_MAX)
    return Failure(failed_at, failed_at + min(RETRY_FIRST * (1 << doublings), RETRY_MAX), text)


def share(limit: int, accounts: int) -> int:
    """How much work each of so many accounts may have claimed, so that a busy one does not delay the rest."""
    return max(1, limit // max(1, accounts))
