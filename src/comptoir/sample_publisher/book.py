"""What the sample publisher remembers: webhooks that came in, and units that its customers have used."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

EVENTS_MAX = 1_000
BATCH_MAX = 25


class Habit(StrEnum):
    """How the publisher meets a change that the marketplace asks about."""

    ACKNOWLEDGE = "acknowledge"
    """Answer 200 and say Success."""
    WAIT = "wait"
    """Answer 200 and say nothing: the marketplace takes that for a yes after ten seconds."""
    REFUSE = "refuse"
    """Answer 400."""
    FAIL = "fail"
    """Answer 200 and say Failure."""
    BREAK = "break"
    """Answer 500, as a publisher in trouble does."""


@dataclass(frozen=True, slots=True)
class UsedKey:
    """One usage event: what was used of a dimension, by a subscription on a plan, in one hour."""

    subscription_id: str
    plan_id: str
    dimension: str
    hour: datetime


@dataclass(frozen=True, slots=True)
class Used:
    """How much was used in an hour, and when last."""

    units: Decimal
    last_at: datetime


@dataclass(slots=True)
class Book:
    """Everything in memory. ``events`` keeps the last webhooks, the newest last.

    ``untaken`` keeps the last usage that the marketplace did not accept, for somebody to look at.
    """

    habit: Habit = Habit.ACKNOWLEDGE
    events: deque[Mapping[str, Any]] = field(default_factory=lambda: deque(maxlen=EVENTS_MAX))
    used: dict[UsedKey, Used] = field(default_factory=dict)
    untaken: deque[Mapping[str, Any]] = field(default_factory=lambda: deque(maxlen=EVENTS_MAX))

    def use(self, key: UsedKey, units: Decimal, at: datetime) -> Decimal:
        """Count units that a customer has used, and say how many it are in that hour."""
        known = self.used.get(key, Used(Decimal(0), at))
        self.used[key] = Used(known.units + units, max(known.last_at, at))
        return self.used[key].units

    def take(self, before: datetime) -> list[tuple[UsedKey, Used]]:
        """Take out at most a batch of what was used in hours that began before ``before``."""
        ended = sorted((key for key in self.used if key.hour < before), key=lambda key: key.hour)[:BATCH_MAX]
        return [(key, self.used.pop(key)) for key in ended]

    def give_back(self, taken: list[tuple[UsedKey, Used]]) -> None:
        """Put back what could not be reported."""
        for key, used in taken:
            self.use(key, used.units, used.last_at)


def this_hour(now: datetime) -> datetime:
    """The beginning of the UTC hour: the marketplace takes one event an hour for each dimension."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def usage_event(key: UsedKey, used: Used) -> dict[str, Any]:
    """The event as the metering API takes it. Its time lies in the hour, and after the activation."""
    return {
        "resourceId": key.subscription_id,
        "quantity": float(used.units),
        "dimension": key.dimension,
        "effectiveStartTime": used.last_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "planId": key.plan_id,
    }
