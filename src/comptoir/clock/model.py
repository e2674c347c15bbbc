"""A piece of work that is to be done at a time of the account's clock."""

from dataclasses import dataclass
from datetime import datetime


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
