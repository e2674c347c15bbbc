"""A piece of work that is to be done at a time of the account's clock, and an advance of that clock."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from comptoir.core.accounts import AccountClock


@dataclass(frozen=True, slots=True)
class Work:
    """``kind`` names the handler; ``due_at`` is in the account's time; ``attempts`` counts this one too.

    An account has at most one piece of work of a kind for a subject.
    """

    account_id: str
    kind: str
    subject_id: str
    due_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has claimed work, and the wall time until which nobody else gets it."""

    owner: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed, in wall time. Without ``retry_at`` there is to be no other."""

    failed_at: datetime
    retry_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Parked:
    """Work given up after too many failures. It stays until it is scheduled again or cancelled."""

    work: Work
    parked_at: datetime
    last_error: str


@dataclass(frozen=True, slots=True)
class WorkScheduled:
    """Deferred by whoever schedules work, so that the worker can be woken after the commit."""

    account_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class ClockSet:
    """Deferred by whoever changes how a clock runs, so that the worker looks again when work falls due."""

    account_id: str


class AdvanceState(StrEnum):
    """``stopped`` before the target: by work that failed, or because the clock was frozen there."""

    OPEN = "open"
    COMPLETE = "complete"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class WorkFailure:
    """Work that failed during an advance. The advance went past it only if it ``is_parked``."""

    kind: str
    subject_id: str
    due_at: datetime
    error: str
    is_parked: bool


@dataclass(frozen=True, slots=True)
class Advance:
    """A move of an account's clock, which stops wherever work falls due and does it.

    ``id`` follows from the call that asked for it, so that its repeat is recognised. ``stops`` are instants,
    ``done`` pieces of work. A clock that ran before ``runs_on`` from the target.
    """

    account_id: str
    id: str
    started_at: datetime
    target_at: datetime
    runs_on: bool
    state: AdvanceState
    stops: int = 0
    done: int = 0
    failures: tuple[WorkFailure, ...] = ()


class ClockState(StrEnum):
    """How a clock goes."""

    RUNNING = "running"
    FROZEN = "frozen"
    ADVANCING = "advancing"


@dataclass(frozen=True, slots=True)
class ClockStanding:
    """An account's clock. While an advance leads to ``target_at``, it stands still where that one is.

    ``done_here`` is how much work the last advance has done where it stands.
    """

    account_id: str
    clock: AccountClock
    target_at: datetime | None
    done_here: int


class WorkLeased(Exception):
    """Another worker does this work at the moment. What is due after it must wait."""


class NotYet(Exception):
    """Raised by a handler whose work must wait for other work: it is put off, at the cost of no attempt."""


@dataclass(frozen=True, slots=True)
class Outstanding:
    """How much work is still to be done: ``ready`` at once, or ``busy`` because another worker does it at
    the moment or because it waits for its next attempt, or ``parked`` because it was given up.
    """

    ready: int = 0
    busy: int = 0
    parked: int = 0

    def __add__(self, other: "Outstanding") -> "Outstanding":
        return Outstanding(self.ready + other.ready, self.busy + other.busy, self.parked + other.parked)
