"""The operator API of clocks: what time it is for an account, and moving a sandbox's clock."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import UNSET, UnsetType

from comptoir.wire.operation import Audience, Mode, Operation
from comptoir.wire.operator import ACCOUNTS
from comptoir.wire.types import Body, Reply

CLOCK = ACCOUNTS + "/{name}/clock"


class FailedWork(Reply, kw_only=True):
    """Work that failed. What is parked was given up: it stays, and nothing tries it again by itself."""

    kind: str
    subject_id: str
    due: datetime
    error: str
    is_parked: bool


class ClockAdvance(Reply, kw_only=True):
    """The last advance: ``open``, ``complete``, or ``stopped`` before its target.

    ``instants`` are those at which work fell due, ``pieces`` are the work done.
    """

    state: str
    started: datetime
    target: datetime
    instants: int
    pieces: int
    failures: Sequence[FailedWork]


class Clock(Reply, kw_only=True):
    """An account's clock: ``running`` like the wall's, ``frozen``, or ``advancing``.

    ``next_due`` is when work falls due next, ``parked`` is work that was given up, the oldest first.
    """

    account: str
    kind: str
    state: str
    now: datetime
    wall: datetime
    next_due: datetime | UnsetType = UNSET
    parked: Sequence[FailedWork]
    advance: ClockAdvance | UnsetType = UNSET


class AdvanceBody(Body, kw_only=True):
    """Where to: an instant, or an ISO 8601 duration from the clock's time. Neither joins an open advance."""

    to: datetime | None = None
    by: str | None = None


OPERATIONS = (
    Operation(
        id="operator.clock_get",
        method="GET",
        path=CLOCK,
        summary="Read an account's clock, and how far an advance of it has come",
        reply=Clock,
        audience=Audience.OPERATOR,
        errors=("404/1000",),
    ),
    Operation(
        id="operator.clock_advance",
        method="POST",
        path=CLOCK + "/advance",
        summary="Advance a sandbox's clock, doing what falls due on the way; answers when all of it is done",
        request=AdvanceBody,
        reply=Clock,
        mode=Mode.STEPS,
        audience=Audience.OPERATOR,
        errors=("400/3000", "400/900127", "404/1000", "409/800064"),
    ),
    Operation(
        id="operator.clock_freeze",
        method="POST",
        path=CLOCK + "/freeze",
        summary="Let a sandbox's clock stand still; ends an advance where it is",
        reply=Clock,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/900127", "404/1000"),
    ),
    Operation(
        id="operator.clock_run",
        method="POST",
        path=CLOCK + "/run",
        summary="Let a sandbox's clock follow the wall from where it stands",
        reply=Clock,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/900127", "404/1000", "409/800064"),
    ),
    Operation(
        id="operator.work_retry",
        method="POST",
        path=CLOCK + "/retry",
        summary="Have an account's work that was given up tried again, once what was wrong is mended",
        reply=Clock,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("404/1000",),
    ),
)
