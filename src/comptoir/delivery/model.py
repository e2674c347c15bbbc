"""A delivery: one body that is sent to one address until it has arrived. All its times are the wall's."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class State(StrEnum):
    """``pending`` waits or is under way; ``refused`` is an answer; ``dead`` was tried too often.

    ``dropped`` was not sent any more, because what it is about was over.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    REFUSED = "refused"
    DEAD = "dead"
    DROPPED = "dropped"


class Verdict(StrEnum):
    """What an attempt comes to."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Target:
    """Where deliveries about a product go, and as whom its publisher is addressed."""

    url: str
    publisher_id: str
    product_id: str
    tenant_id: str
    application_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A stored delivery, the ``sequence``-th of its queue, which sends them one at a time.

    ``kind`` names who hears of the outcome, ``subject_id`` what it is about. ``url`` is where the last
    attempt went, or the first one will go. ``attempts`` counts those begun; ``attempts_before`` of them do
    not count against the limit, because the delivery was ordered anew since. ``next_attempt_at`` is set while
    it is the delivery's turn. ``last_status`` and ``last_error`` are those of the last attempt that ended.
    """

    account_id: str
    queue: str
    sequence: int
    id: str
    kind: str
    subject_id: str
    publisher_id: str
    product_id: str
    url: str
    body: str
    is_refusable: bool
    state: State
    attempts: int
    attempts_before: int
    created_at: datetime
    settled_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None
    next_attempt_at: datetime | None = None

    def __post_init__(self) -> None:
        assert (self.settled_at is None) == (self.state is State.PENDING), (self.id, self.state)
        assert 0 <= self.attempts_before <= self.attempts, (self.id, self.attempts)

    @property
    def attempts_counted(self) -> int:
        """Attempts that count against the limit."""
        return self.attempts - self.attempts_before


@dataclass(frozen=True, slots=True)
class Message:
    """What goes over the network in one attempt."""

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: a status and the beginning of the body, or in place of a status why there is none.

    ``is_over``: nothing was sent, and nothing is to be, because what the delivery is about is over.
    """

    status: int | None
    excerpt: str = ""
    error: str | None = None
    is_over: bool = False

    def __post_init__(self) -> None:
        assert (self.status is None) == (self.error is not None), self


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that ended, as the log keeps it."""

    number: int
    url: str
    started_at: datetime
    duration_ms: int
    reply: Reply


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows an attempt: a final state, or another attempt at ``next_attempt_at``."""

    state: State
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a delivery. ``status`` is that of the last answer, ``None`` if the last attempt got none."""

    state: State
    status: int | None

    def __post_init__(self) -> None:
        assert self.state is not State.PENDING, self


@dataclass(frozen=True, slots=True)
class Policy:
    """How hard a delivery is tried, and how many are under way at the same time.

    ``retries`` follow the first attempt, ``gap`` apart; ``timeout`` bounds an attempt from beginning to end.
    ``places`` bounds the attempts of this process, ``places_per_host`` those at one receiver.
    """

    timeout: timedelta = timedelta(seconds=10)
    retries: int = 500
    gap: timedelta = timedelta(milliseconds=57_600)
    places: int = 64
    places_per_host: int = 8


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has a queue, and until when nobody else gets it."""

    owner: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A receiver with deliveries that nobody has claimed, and when the first of them can be tried."""

    host: str
    next_attempt_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery whose queue is leased, this attempt counted.

    ``host`` is whose places it takes; ``target`` is where it goes, ``None`` if there is no such place.
    """

    delivery: Delivery
    host: str
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries to list; ``None``: all. ``after`` is the id of the last one of the page before."""

    account_id: str | None = None
    publisher_id: str | None = None
    queue: str | None = None
    state: State | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryEnqueued:
    """Deferred with every delivery that is ordered, so that the engine can be woken after the commit."""

    account_id: str
