"""Where a clock is moved to: forward only, by a duration of the calendar or to an instant, within bounds."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from comptoir.core.accounts import Account, AccountKind
from comptoir.core.errors import Code, Refusal
from comptoir.core.terms import MONTHS_PER_YEAR, add_months

YEARS_MAX = 10
"""How far a clock is advanced at once."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Between these a sandbox clock is set and moved."""

ATTEMPTS_PER_ADVANCE = 3
"""How often an advance tries work that fails before it stops there."""

RESUMES_MAX = 10
"""How often an advance is taken up again, without a piece of work done, before it ends where it stands."""

PIECES_AT_A_STOP_MAX = 100_000
"""How much work an advance does at one instant before it takes it for endless."""

EXAMPLES = "P1M, P1D or PT12H"

_DURATION = re.compile(
    r"P(?:(?P<years>\d{1,3})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9})S)?)?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Move:
    """What an operator asks for: an instant or a duration. Neither means an advance that is open already."""

    to: datetime | None = None
    by: str | None = None

    def __str__(self) -> str:
        return self.by or (self.to.isoformat() if self.to else "")


def require_movable(account: Account) -> None:
    """Raises ``WRONG_ENVIRONMENT`` for a production account, whose clock follows the wall."""
    if account.kind is AccountKind.PRODUCTION:
        raise Refusal(Code.WRONG_ENVIRONMENT)


def target_of(move: Move, now: datetime) -> datetime:
    """Where a clock that shows ``now`` is to arrive. Raises ``INVALID_PROPERTY``."""
    if (move.to is None) == (move.by is None):
        raise _refused("to", f"give either an instant or, in by, a duration such as {EXAMPLES}.")
    target = _later(now, move.by) if move.by is not None else move.to
    member = "to" if move.by is None else "by"
    if target is None:
        raise _refused(member, f"it must be a duration such as {EXAMPLES}.")
    if target < now:
        raise _refused(member, f"the clock shows {now.isoformat()} already and is never put back.")
    if target > min(add_months(now, YEARS_MAX * MONTHS_PER_YEAR), LATEST):
        raise _refused(
            member, f"a clock is advanced by {YEARS_MAX} years at most, and not beyond {LATEST:%Y}."
        )
    return target


def require_start(starts_at: datetime) -> None:
    """Raises ``INVALID_PROPERTY`` for an instant at which no clock can start."""
    if not EARLIEST <= starts_at <= LATEST:
        raise _refused("clock", f"it must lie between {EARLIEST:%Y} and {LATEST:%Y}.")


def _later(now: datetime, text: str) -> datetime | None:
    """``None`` if the text is no duration, or one of nothing. Months count from ``now``, the day clamped."""
    found = _DURATION.fullmatch(text.strip())
    amounts = {name: int(digits) for name, digits in found.groupdict(default="0").items()} if found else {}
    if not any(amounts.values()):
        return None
    months = amounts.pop("years") * MONTHS_PER_YEAR + amounts.pop("months")
    if months > YEARS_MAX * MONTHS_PER_YEAR:
        return LATEST + timedelta.resolution
    return add_months(now, months) + min(timedelta(**amounts), LATEST - EARLIEST)


def gives_up(attempts: int) -> bool:
    """Whether an advance stops at work that has now failed ``attempts`` times."""
    return attempts % ATTEMPTS_PER_ADVANCE == 0


def _refused(member: str, reason: str) -> Refusal:
    return Refusal(Code.INVALID_PROPERTY, member=member, reason=reason)
