"""Order deliveries, list them, order them anew; and what the engine does to them in its transactions.

**How a domain sends a webhook.** It registers a ``Kind`` under a name of its own in ``bootstrap`` and calls
``enqueue`` in the transaction whose effect the webhook tells of. After the commit the engine
(``service_engine``) sends the body, at least once and always the same bytes, one delivery of a queue at a
time and in their order, until it is delivered, refused or dead; then it calls ``Kind.ended`` in the very
transaction that records this. A caller that waits for the receiver uses ``service_engine.send_now``.

**Timers by the wall clock** (such as the time that a publisher has to acknowledge) are a ``Tick`` of the
engine: it is called, and opens its own transactions, whenever the engine wakes, which it does after every
delivery that is ordered and every attempt that ends, and says when it wants to be called next.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.catalog import service as catalog
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.db import Database, Tx
from comptoir.delivery import rules, store
from comptoir.delivery.model import (
    Attempt,
    Claim,
    Decision,
    Delivery,
    DeliveryEnqueued,
    DeliveryFilter,
    Lease,
    Outcome,
    Policy,
    State,
    Target,
    Waiting,
)

HOSTS_MAX = 1_000
"""Receivers that one look at what waits takes into account, those that have waited longest."""

Headers = tuple[tuple[str, str], ...]
Begun = Callable[[Tx, Context, Delivery], Awaitable[str | None]]
Ended = Callable[[Tx, Context, Delivery, Outcome], Awaitable[None]]


class MakeContext(Protocol):
    """Builds the context in which an account hears of its deliveries."""

    async def __call__(self, tx: Tx, account_id: str, wall: datetime) -> Context:
        """``now`` is the account's time while the wall shows ``wall``; the actor is the engine itself."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What deliveries of one kind need, registered by ``bootstrap``.

    ``target`` reads where they go now, in the transaction that claims them; ``None`` if there is no such
    place any more. ``headers`` makes what one attempt is sent with, a token for example. ``begun`` is called
    before each attempt in a transaction of its own, and ``ended`` in the one that records the end. Both must
    stand being called again: attempts are repeated, and a delivery can be ordered anew after its end. What
    ``begun`` gives is why nothing is to be sent any more: then the delivery is dropped.
    """

    target: Callable[[Tx, Delivery], Awaitable[Target | None]]
    headers: Callable[[Target, datetime], Headers]
    ended: Ended
    begun: Begun | None = None


Tick = Callable[[Database, datetime, MakeContext], Awaitable[datetime | None]]
"""Does what is due at this time of the wall, in bounded pieces, and gives the time of what is due next: the
same time if there is more to do at once, ``None`` if there is nothing."""


class LeaseLost(Exception):
    """Somebody else has the delivery now; nothing of this attempt is to be saved."""


async def publisher_target(tx: Tx, product_id: str) -> Target | None:
    """Where webhooks about a product go, as the catalogue says now; ``None`` for a product it has lost."""
    found = await catalog.webhook_of(tx, product_id)
    if found is None:
        return None
    url, publisher = found
    return Target(url, publisher.id, product_id, publisher.tenant_id, publisher.application_id)


async def enqueue(
    tx: Tx,
    ctx: Context,
    *,
    queue: str,
    kind: str,
    subject_id: str,
    target: Target,
    body: bytes,
    is_refusable: bool,
) -> str:
    """Have ``body`` sent once this transaction is committed, after everything else in its queue; the id.

    Deliveries of a queue (a subscription's id) keep their order. ``is_refusable``: the receiver may say no
    with a client error, which is tried again otherwise.
    """
    account_id = ctx.account.id
    sequence = await store.join_queue(tx, account_id, queue, rules.host_of(target.url), ctx.wall)
    delivery = Delivery(
        account_id=account_id,
        queue=queue,
        sequence=sequence,
        id=ctx.ids.guid(),
        kind=kind,
        subject_id=subject_id,
        publisher_id=target.publisher_id,
        product_id=target.product_id,
        url=target.url,
        body=body.decode(),
        is_refusable=is_refusable,
        state=State.PENDING,
        attempts=0,
        attempts_before=0,
        created_at=ctx.wall,
    )
    await store.insert(tx, delivery)
    tx.defer(DeliveryEnqueued(account_id))
    return delivery.id


async def get(tx: Tx, account_id: str, delivery_id: str) -> Delivery | None:
    """A delivery of the account."""
    return await store.get(tx, account_id, delivery_id)


async def require(tx: Tx, delivery_id: str) -> Delivery:
    """A delivery of whatever account, for the operator. Raises ``NAME_UNKNOWN``."""
    found = await store.find(tx, delivery_id.lower()) if delivery_id.isprintable() else None
    if found is None:
        raise Refusal(Code.NAME_UNKNOWN, kind="delivery", name=delivery_id)
    return found


async def page(tx: Tx, wanted: DeliveryFilter, count: int) -> list[Delivery]:
    """Deliveries of whatever account, newest first. Raises ``NAME_UNKNOWN`` for an unknown ``after``."""
    after = None if wanted.after is None else await require(tx, wanted.after)
    texts = (wanted.publisher_id, wanted.queue)
    if not all(text is None or text.isprintable() for text in texts):
        return []
    return await store.page(tx, wanted, after, count)


async def attempts(tx: Tx, delivery: Delivery) -> list[Attempt]:
    """The log of a delivery: its first attempt and the latest ones."""
    return await store.attempts(tx, delivery, rules.LOGGED_MAX)


async def redeliver(tx: Tx, ctx: Context, delivery_id: str) -> Delivery:
    """Have a delivery sent anew, with all its tries again; one that still waits is tried at once.

    Its queue waits for it again, as it did the first time. Raises ``NAME_UNKNOWN``.
    """
    await store.lock(tx, await require(tx, delivery_id))
    before = await require(tx, delivery_id)
    anew = replace(before, state=State.PENDING, settled_at=None)
    await store.save(tx, anew)
    await store.count_anew(tx, anew)
    await _advance(tx, anew, ctx.wall)
    tx.defer(DeliveryEnqueued(anew.account_id))
    audit.record(
        tx,
        ctx,
        Action.REDELIVER_WEBHOOK,
        subject_kind="delivery",
        subject_id=anew.id,
        before={"state": before.state, "attempts": before.attempts},
        after={"state": anew.state},
    )
    return await require(tx, delivery_id)


async def waiting(tx: Tx, wall: datetime) -> list[Waiting]:
    """Receivers with deliveries that nobody has claimed, the one whose turn comes first at the beginning."""
    return await store.waiting(tx, wall, HOSTS_MAX)


async def claim(
    tx: Tx,
    lease: Lease,
    wall: datetime,
    *,
    granted: Mapping[str, int],
    kinds: Mapping[str, Kind],
) -> list[Claim]:
    """Lease the queues of deliveries that are due: for each receiver at most as many as granted to it."""
    claims: list[Claim] = []
    for host, count in granted.items():
        claims += await store.lease_due(tx, host, lease, wall, count)
    return [await _addressed(tx, each, kinds) for each in claims]


async def claim_one(
    tx: Tx, account_id: str, delivery_id: str, lease: Lease, wall: datetime, *, kinds: Mapping[str, Kind]
) -> Claim | None:
    """Lease the queue of this delivery, if it is its turn and nobody is at it."""
    found = await store.get(tx, account_id, delivery_id)
    if found is None or found.state is not State.PENDING:
        return None
    leased = await store.lease_one(tx, found, lease, wall)
    return None if leased is None else await _addressed(tx, Claim(leased, rules.host_of(leased.url)), kinds)


async def give_back(tx: Tx, claim: Claim, owner: str) -> None:
    """End a lease whose attempt was cut off: another one may begin at once."""
    await store.give_back(tx, claim.delivery, owner)


async def release_leases(tx: Tx) -> int:
    """End every lease, for the only server of a database that has just started; how many there were."""
    return await store.release_leases(tx)


async def _addressed(tx: Tx, claim: Claim, kinds: Mapping[str, Kind]) -> Claim:
    kind = kinds.get(claim.delivery.kind)
    return claim if kind is None else replace(claim, target=await kind.target(tx, claim.delivery))


async def record(
    tx: Tx,
    ctx: Context,
    claim: Claim,
    attempt: Attempt,
    *,
    owner: str,
    policy: Policy,
    ended: Ended | None,
    is_untold: bool = False,
) -> Decision:
    """Save what became of an attempt; whoever is to hear of the end does so first.

    ``is_untold``: that has failed before, so the attempt is no end, even if it was the last one. Raises
    ``LeaseLost``, which undoes all of it. The queue's row is locked after whatever ``ended`` locks, because
    everybody who orders a delivery locks in this order too.
    """
    now = await store.get(tx, claim.delivery.account_id, claim.delivery.id)
    assert now is not None, claim.delivery.id
    decision = rules.decide(
        replace(claim.delivery, attempts_before=min(now.attempts_before, claim.delivery.attempts)),
        attempt.reply,
        policy,
        started_at=attempt.started_at,
        ended_at=ctx.wall,
        is_untold=is_untold,
    )
    is_final = decision.state is not State.PENDING
    after = replace(
        claim.delivery,
        state=decision.state,
        url=attempt.url,
        settled_at=ctx.wall if is_final else None,
        last_status=attempt.reply.status,
        last_error=attempt.reply.error,
    )
    if is_final and ended is not None:
        await ended(tx, ctx, after, Outcome(decision.state, attempt.reply.status))
    if not await store.give_back(tx, after, owner):
        raise LeaseLost
    await store.save(tx, after)
    await store.log(tx, after, attempt, rules.forgotten(attempt.number))
    await _advance(tx, after, ctx.wall, next_attempt_at=decision.next_attempt_at)
    return decision


async def _advance(
    tx: Tx,
    delivery: Delivery,
    wall: datetime,
    *,
    next_attempt_at: datetime | None = None,
) -> None:
    """Find out whose turn it is in a locked queue: at once, but for ``delivery`` at ``next_attempt_at``."""
    head = await store.head(tx, delivery)
    if head is None:
        await store.set_head(tx, delivery, None, None, None)
        return
    sequence, url = head
    due_at = next_attempt_at if sequence == delivery.sequence and next_attempt_at else wall
    await store.set_head(tx, delivery, sequence, rules.host_of(url), due_at)
