"""Sends what is due: claim, commit, send, record. The daemon, tests and a caller that waits all use it.

A claim leases a queue, and counts the attempt, in a transaction that is committed before anything is sent. So
an engine that is killed while it sends leaves a lease that runs out, and the same body is sent again.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from comptoir.core.errors import Refusal
from comptoir.db import Database, Tx
from comptoir.delivery import rules, service
from comptoir.delivery.model import (
    Attempt,
    Claim,
    Decision,
    Delivery,
    DeliveryEnqueued,
    Lease,
    Message,
    Policy,
    Reply,
    State,
    Verdict,
    Waiting,
)
from comptoir.delivery.service import Ended, Kind, LeaseLost, MakeContext, Tick

logger = logging.getLogger(__name__)

POLL = timedelta(seconds=10)
BATCHES_MAX = 10_000
CONTENT_TYPE = ("Content-Type", "application/json; charset=utf-8")

Send = Callable[[Message], Awaitable[Reply]]
"""Sends one message within the time limit and gives what came back; raises nothing."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything that sending needs. ``owner`` names this engine in leases: no two have the same.

    ``alarm`` wakes ``run_daemon``. ``under_way`` and ``failing`` are this process's memory of the receivers:
    how many attempts each has, and whose last attempt came to nothing.
    """

    database: Database
    kinds: Mapping[str, Kind]
    ticks: Sequence[Tick]
    wall: Callable[[], datetime]
    make_context: MakeContext
    send: Send
    policy: Policy
    owner: str
    alarm: asyncio.Event
    under_way: Counter[str] = field(default_factory=Counter)
    failing: set[str] = field(default_factory=set)


async def run_pending(engine: Engine) -> Counter[State]:
    """Send everything that is due, and what that makes due, until nothing is; the states of what was tried.

    ``pending`` counts attempts that are to be repeated later.
    """
    states: Counter[State] = Counter()
    for _ in range(BATCHES_MAX):
        await _run_ticks(engine)
        claims, _ = await _claim_due(engine)
        if not claims:
            break
        ended = await asyncio.gather(*(_attempt(engine, claim) for claim in claims))
        states.update(state for state in ended if state is not None)
    return states


async def run_daemon(engine: Engine, *, poll: timedelta = POLL) -> None:
    """Send for ever: whenever the alarm rings, something falls due, or ``poll`` is over.

    Ends by being cancelled; what is under way is then cut off and sent again later.
    """
    async with asyncio.TaskGroup() as attempts:
        while True:
            engine.alarm.clear()
            try:
                due_at = await _begin_due(engine, attempts)
            except Exception:
                logger.exception("deliveries could not be claimed; trying again in %s", poll)
                due_at = None
            pause = poll if due_at is None else min(poll, max(timedelta(), due_at - engine.wall()))
            try:
                async with asyncio.timeout(pause.total_seconds()):
                    await engine.alarm.wait()
            except TimeoutError:
                pass


async def send_now(engine: Engine, account_id: str, delivery_id: str) -> Delivery | None:
    """Try a delivery at once, for a caller that waits, and give it as it is afterwards.

    Nothing is sent where it is not its turn, somebody is at it already, or no place is left: the daemon sends
    it then. ``None`` for a delivery that the account does not have.
    """
    claim = await _claim_one(engine, account_id, delivery_id)
    if claim is not None:
        await _attempt(engine, claim)

    async def read(tx: Tx) -> Delivery | None:
        return await service.get(tx, account_id, delivery_id)

    return await engine.database.read(read)


def ring_when_enqueued(tx: Tx, deferred: Sequence[object], alarm: asyncio.Event) -> None:
    """Part of the database's ``before_commit`` hook: ring after the commit if a delivery was ordered."""
    if any(isinstance(entry, DeliveryEnqueued) for entry in deferred):
        tx.after_commit(alarm.set)


async def _begin_due(engine: Engine, attempts: asyncio.TaskGroup) -> datetime | None:
    """Begin every attempt that is due and has a place; when something else falls due.

    What is due and has no place is not counted: the alarm rings when a place becomes free.
    """
    due_at = [await _run_ticks(engine)]
    for _ in range(BATCHES_MAX):
        claims, waiting = await _claim_due(engine)
        for claim in claims:
            attempts.create_task(_attempt(engine, claim))
        if not claims:
            wall = engine.wall()
            due_at += [each.next_attempt_at for each in waiting if each.next_attempt_at > wall]
            break
    return min((each for each in due_at if each is not None), default=None)


async def _run_ticks(engine: Engine) -> datetime | None:
    """Call every tick; the earliest time at which one wants to be called again."""
    due_at = [await _run_tick(engine, tick) for tick in engine.ticks]
    return min((each for each in due_at if each is not None), default=None)


async def _run_tick(engine: Engine, tick: Tick) -> datetime | None:
    try:
        for _ in range(BATCHES_MAX):
            due_at = await tick(engine.database, engine.wall(), engine.make_context)
            if due_at is None or due_at > engine.wall():
                return due_at
    except Exception:
        logger.exception("a timer of deliveries failed; it is called again later")
    return None


async def _claim_due(engine: Engine) -> tuple[list[Claim], list[Waiting]]:
    """Claim what is due, as far as there are places, and give all that waited when it was looked at."""
    wall = engine.wall()

    async def look(tx: Tx) -> list[Waiting]:
        return await service.waiting(tx, wall)

    async def claim(tx: Tx) -> list[Claim]:
        return await service.claim(tx, _lease(engine, wall), wall, granted=granted, kinds=engine.kinds)

    waiting = await engine.database.read(look)
    granted = rules.grants(waiting, engine.under_way, engine.failing, engine.policy, wall)
    if not granted:
        return [], waiting
    engine.under_way.update(granted)
    claims: list[Claim] = []
    try:
        claims = await engine.database.write(claim)
    finally:
        _vacate(engine, Counter(granted) - Counter(each.host for each in claims))
    return claims, waiting


async def _claim_one(engine: Engine, account_id: str, delivery_id: str) -> Claim | None:
    wall = engine.wall()

    async def claim(tx: Tx) -> Claim | None:
        lease = _lease(engine, wall)
        return await service.claim_one(tx, account_id, delivery_id, lease, wall, kinds=engine.kinds)

    async def look(tx: Tx) -> Delivery | None:
        return await service.get(tx, account_id, delivery_id)

    found = await engine.database.read(look)
    host = "" if found is None else rules.host_of(found.url)
    is_full = engine.under_way[host] >= engine.policy.places_per_host
    if found is None or is_full or engine.under_way.total() >= engine.policy.places:
        return None
    engine.under_way[host] += 1
    claimed = None
    try:
        claimed = await engine.database.write(claim)
    finally:
        if claimed is None:
            _vacate(engine, {host: 1})
    return None if claimed is None else replace(claimed, host=host)


def _lease(engine: Engine, wall: datetime) -> Lease:
    return Lease(engine.owner, rules.lease_until(wall, engine.policy))


def _vacate(engine: Engine, places: Mapping[str, int]) -> None:
    """Give places back, and forget receivers that have none."""
    engine.under_way.subtract(places)
    for host in places:
        if engine.under_way[host] <= 0:
            del engine.under_way[host]


async def _attempt(engine: Engine, claim: Claim) -> State | None:
    """Send what was claimed and record it. Raises nothing: a delivery's trouble is its own."""
    try:
        return await _send_and_record(engine, claim)
    except LeaseLost:
        logger.warning("delivery %s took so long that somebody else has it now", claim.delivery.id)
    except asyncio.CancelledError:
        await _give_back(engine, claim)
        raise
    except Exception:
        logger.exception("delivery %s was sent and could not be recorded", claim.delivery.id)
    finally:
        _vacate(engine, {claim.host: 1})
        engine.alarm.set()
    return None


async def _give_back(engine: Engine, claim: Claim) -> None:
    async def give_back(tx: Tx) -> None:
        await service.give_back(tx, claim, engine.owner)

    try:
        await engine.database.write(give_back)
    except Exception:  # the lease runs out
        logger.warning("the lease of delivery %s was not given back", claim.delivery.id, exc_info=True)


async def _send_and_record(engine: Engine, claim: Claim) -> State:
    started_at, time = engine.wall(), asyncio.get_running_loop().time
    begun = time()
    reply = await _send(engine, claim)
    attempt = Attempt(
        number=claim.delivery.attempts,
        url=claim.delivery.url if claim.target is None else claim.target.url,
        started_at=started_at,
        duration_ms=int((time() - begun) * 1_000),
        reply=_legible(reply),
    )
    _remember(engine, claim, reply)
    return (await _record(engine, claim, attempt)).state


async def _send(engine: Engine, claim: Claim) -> Reply:
    """What comes back, also where there is nobody to send to."""
    kind, delivery = engine.kinds.get(claim.delivery.kind), claim.delivery
    if kind is None or claim.target is None:
        return Reply(None, error="there is no address to send it to")
    try:
        if kind.begun is not None:
            over = await engine.database.write(_beginning(engine, kind.begun, delivery))
            if over is not None:
                return Reply(None, error=over, is_over=True)
        headers = (CONTENT_TYPE, *kind.headers(claim.target, engine.wall()))
        return await engine.send(Message(claim.target.url, headers, delivery.body.encode()))
    except Refusal as refusal:
        return Reply(None, error=refusal.description)
    except Exception as error:
        logger.exception("delivery %s could not be sent", delivery.id)
        return Reply(None, error=f"it could not be sent: {error!r}")


def _beginning(
    engine: Engine, begun: service.Begun, delivery: Delivery
) -> Callable[[Tx], Awaitable[str | None]]:
    async def begin(tx: Tx) -> str | None:
        return await begun(tx, await engine.make_context(tx, delivery.account_id, engine.wall()), delivery)

    return begin


def _legible(reply: Reply) -> Reply:
    error = None if reply.error is None else rules.legible(reply.error, rules.ERROR_LENGTH_MAX)
    return replace(reply, excerpt=rules.legible(reply.excerpt, rules.EXCERPT_LENGTH_MAX), error=error)


def _remember(engine: Engine, claim: Claim, reply: Reply) -> None:
    """Keep in mind whether a receiver fails: those that do share fewer places."""
    if reply.is_over:
        return
    if rules.judge(reply.status, is_refusable=claim.delivery.is_refusable) is Verdict.RETRY:
        engine.failing.add(claim.host)
    else:
        engine.failing.discard(claim.host)


async def _record(engine: Engine, claim: Claim, attempt: Attempt) -> Decision:
    """Save the attempt. What breaks whoever hears of the end counts as a failed attempt, and is repeated."""
    kind = engine.kinds.get(claim.delivery.kind)
    try:
        return await engine.database.write(
            _recording(engine, claim, attempt, None if kind is None else kind.ended)
        )
    except LeaseLost:
        raise
    except Exception as error:
        logger.exception("the end of delivery %s could not be told", claim.delivery.id)
        reason = rules.legible(f"its end could not be told: {error!r}", rules.ERROR_LENGTH_MAX)
        untold = replace(attempt, reply=Reply(None, attempt.reply.excerpt, reason))
        return await engine.database.write(_recording(engine, claim, untold, None, is_untold=True))


def _recording(
    engine: Engine, claim: Claim, attempt: Attempt, ended: Ended | None, *, is_untold: bool = False
) -> Callable[[Tx], Awaitable[Decision]]:
    async def record(tx: Tx) -> Decision:
        ctx = await engine.make_context(tx, claim.delivery.account_id, engine.wall())
        return await service.record(
            tx,
            ctx,
            claim,
            attempt,
            owner=engine.owner,
            policy=engine.policy,
            ended=ended,
            is_untold=is_untold,
        )

    return record
