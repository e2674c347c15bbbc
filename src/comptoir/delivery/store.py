"""Queues, deliveries and the log of attempts in the database.

A queue's row is locked before its deliveries are looked at: so two transactions agree on whose turn it is.
"""

from datetime import datetime

from comptoir.core.instants import from_micros, optional_instant, optional_micros, to_micros
from comptoir.db import Row, Statement, Tx, sql
from comptoir.delivery.model import (
    Attempt,
    Claim,
    Delivery,
    DeliveryFilter,
    Lease,
    Reply,
    State,
    Waiting,
)

_COLUMNS = """
    account_id, queue, sequence, id, kind, subject_id, publisher_id, product_id, url, body, is_refusable,
    state, attempts, attempts_before, created_at, settled_at, last_status, last_error
"""
_OF_DELIVERY = ", ".join(f"d.{name.strip()}" for name in _COLUMNS.split(","))
_TURN = "CASE WHEN q.head_sequence = d.sequence THEN q.next_attempt_at END AS next_attempt_at"
_WITH_QUEUE = """
    deliveries d JOIN delivery_queues q ON q.account_id = d.account_id AND q.queue = d.queue
"""

# Takes the next number of the queue, and its turn if nothing else waits.
JOIN_QUEUE = sql("""
    INSERT INTO delivery_queues (account_id, queue, last_sequence, head_sequence, host, next_attempt_at)
    VALUES (:account_id, :queue, 1, 1, :host, :wall)
    ON CONFLICT (account_id, queue) DO UPDATE SET
        last_sequence = delivery_queues.last_sequence + 1,
        head_sequence = COALESCE(delivery_queues.head_sequence, delivery_queues.last_sequence + 1),
        host = COALESCE(delivery_queues.host, excluded.host),
        next_attempt_at = COALESCE(delivery_queues.next_attempt_at, excluded.next_attempt_at)
    RETURNING last_sequence
""")

INSERT = sql("""
    INSERT INTO deliveries (
        account_id, queue, sequence, id, kind, subject_id, publisher_id, product_id, url, body, is_refusable,
        state, attempts, attempts_before, created_at
    ) VALUES (
        :account_id, :queue, :sequence, :id, :kind, :subject_id, :publisher_id, :product_id, :url, :body,
        :is_refusable, 'pending', 0, 0, :created_at
    )
""")


async def join_queue(tx: Tx, account_id: str, queue: str, host: str, wall: datetime) -> int:
    """The number in its queue of a delivery that is about to be inserted."""
    row = await tx.one(JOIN_QUEUE, account_id=account_id, queue=queue, host=host, wall=to_micros(wall))
    assert row is not None, "an upsert returns its row"
    return int(row["last_sequence"])


async def insert(tx: Tx, delivery: Delivery) -> None:
    await tx.run(
        INSERT,
        account_id=delivery.account_id,
        queue=delivery.queue,
        sequence=delivery.sequence,
        id=delivery.id,
        kind=delivery.kind,
        subject_id=delivery.subject_id,
        publisher_id=delivery.publisher_id,
        product_id=delivery.product_id,
        url=delivery.url,
        body=delivery.body,
        is_refusable=int(delivery.is_refusable),
        created_at=to_micros(delivery.created_at),
    )


# Of every account: the engine serves them all. Walks the index from one host to the next, however many
# deliveries each has, and finds the earliest that nobody has leased.
READ_WAITING = sql("""
    WITH RECURSIVE hosts (host) AS (
        SELECT MIN(host) FROM delivery_queues WHERE host > ''
        UNION ALL
        SELECT (SELECT MIN(q.host) FROM delivery_queues q WHERE q.host > hosts.host)
        FROM hosts WHERE hosts.host IS NOT NULL
    ), waiting AS (
        SELECT hosts.host, (
            SELECT MIN(q.next_attempt_at) FROM delivery_queues q
            WHERE q.host = hosts.host AND (q.lease_until IS NULL OR q.lease_until <= :wall)
        ) AS next_attempt_at
        FROM hosts WHERE hosts.host IS NOT NULL
    )
    SELECT host, next_attempt_at FROM waiting WHERE next_attempt_at IS NOT NULL
    ORDER BY next_attempt_at, host LIMIT :count
""")

LEASE_DUE = sql("""
    UPDATE delivery_queues SET lease_until = :lease_until, lease_owner = :owner
    WHERE (account_id, queue) IN (
        SELECT account_id, queue FROM delivery_queues
        WHERE host = :host AND next_attempt_at <= :wall AND (lease_until IS NULL OR lease_until <= :wall)
        ORDER BY next_attempt_at, account_id, queue LIMIT :count {skip_locked}
    )
    RETURNING account_id, queue, head_sequence
""")

LEASE_ONE = sql("""
    UPDATE delivery_queues SET lease_until = :lease_until, lease_owner = :owner
    WHERE account_id = :account_id AND queue = :queue AND head_sequence = :sequence
        AND next_attempt_at <= :wall AND (lease_until IS NULL OR lease_until <= :wall)
""")

COUNT_ATTEMPT = sql(f"""
    UPDATE deliveries SET attempts = attempts + 1
    WHERE account_id = :account_id AND queue = :queue AND sequence = :sequence
    RETURNING {_COLUMNS}
""")  # noqa: S608 - fixed texts


async def waiting(tx: Tx, wall: datetime, count: int) -> list[Waiting]:
    """Receivers with deliveries to claim, now or later, the one whose turn comes first at the beginning."""
    rows = await tx.all(READ_WAITING, wall=to_micros(wall), count=count)
    return [Waiting(row["host"], from_micros(row["next_attempt_at"])) for row in rows]


async def lease_due(tx: Tx, host: str, lease: Lease, wall: datetime, count: int) -> list[Claim]:
    """Lease at most ``count`` queues whose turn has come at a receiver, and count the attempts."""
    rows = await tx.all(
        LEASE_DUE,
        host=host,
        wall=to_micros(wall),
        owner=lease.owner,
        lease_until=to_micros(lease.until),
        count=count,
    )
    return [
        Claim(await _count_attempt(tx, row["account_id"], row["queue"], row["head_sequence"]), host)
        for row in rows
    ]


async def lease_one(tx: Tx, delivery: Delivery, lease: Lease, wall: datetime) -> Delivery | None:
    """Lease the queue of a delivery whose turn it is, and count the attempt; ``None`` if it is not."""
    leased = await tx.run(
        LEASE_ONE,
        account_id=delivery.account_id,
        queue=delivery.queue,
        sequence=delivery.sequence,
        wall=to_micros(wall),
        owner=lease.owner,
        lease_until=to_micros(lease.until),
    )
    if not leased:
        return None
    return await _count_attempt(tx, delivery.account_id, delivery.queue, delivery.sequence)


async def _count_attempt(tx: Tx, account_id: str, queue: str, sequence: int) -> Delivery:
    row = await tx.one(COUNT_ATTEMPT, account_id=account_id, queue=queue, sequence=sequence)
    assert row is not None, "whose turn it is exists"
    return _delivery(row)


LOCK_LEASED = sql("""
    UPDATE delivery_queues SET lease_until = NULL, lease_owner = NULL
    WHERE account_id = :account_id AND queue = :queue AND lease_owner = :owner
""")

LOCK = sql("""
    SELECT head_sequence FROM delivery_queues
    WHERE account_id = :account_id AND queue = :queue {for_update}
""")

READ_HEAD = sql("""
    SELECT sequence, url FROM deliveries
    WHERE account_id = :account_id AND queue = :queue AND state = 'pending' ORDER BY sequence LIMIT 1
""")

SET_HEAD = sql("""
    UPDATE delivery_queues
    SET head_sequence = :sequence, host = :host, next_attempt_at = :next_attempt_at
    WHERE account_id = :account_id AND queue = :queue
""")

SAVE = sql("""
    UPDATE deliveries
    SET state = :state, url = :url, settled_at = :settled_at, last_status = :last_status,
        last_error = :last_error
    WHERE account_id = :account_id AND queue = :queue AND sequence = :sequence
""")

COUNT_ANEW = sql("""
    UPDATE deliveries SET attempts_before = attempts
    WHERE account_id = :account_id AND queue = :queue AND sequence = :sequence
""")

# Of every account: whoever had leases is gone.
RELEASE_LEASES = sql("""
    UPDATE delivery_queues SET lease_until = NULL, lease_owner = NULL WHERE lease_until IS NOT NULL
""")

LOG = sql("""
    INSERT INTO delivery_attempts (
        account_id, delivery_id, number, url, started_at, duration_ms, status, error, excerpt
    ) VALUES (
        :account_id, :delivery_id, :number, :url, :started_at, :duration_ms, :status, :error, :excerpt
    )
""")

FORGET = sql("""
    DELETE FROM delivery_attempts
    WHERE account_id = :account_id AND delivery_id = :delivery_id AND number = :number
""")


async def give_back(tx: Tx, delivery: Delivery, owner: str) -> bool:
    """End ``owner``'s lease of the delivery's queue, and lock its row; false if it has none any more."""
    changed = await tx.run(LOCK_LEASED, account_id=delivery.account_id, queue=delivery.queue, owner=owner)
    return changed > 0


async def lock(tx: Tx, delivery: Delivery) -> None:
    """Lock the queue of a delivery."""
    await tx.one(LOCK, account_id=delivery.account_id, queue=delivery.queue)


async def head(tx: Tx, delivery: Delivery) -> tuple[int, str] | None:
    """Number and address of the delivery of a locked queue whose turn it is."""
    row = await tx.one(READ_HEAD, account_id=delivery.account_id, queue=delivery.queue)
    return None if row is None else (row["sequence"], row["url"])


async def set_head(
    tx: Tx, delivery: Delivery, sequence: int | None, host: str | None, next_attempt_at: datetime | None
) -> None:
    """Say whose turn it is in the delivery's queue, which is locked; ``None`` if nothing waits."""
    await tx.run(
        SET_HEAD,
        account_id=delivery.account_id,
        queue=delivery.queue,
        sequence=sequence,
        host=host,
        next_attempt_at=optional_micros(next_attempt_at),
    )


async def save(tx: Tx, delivery: Delivery) -> None:
    """Store what an attempt or an order anew changes of a delivery. Attempts are counted elsewhere."""
    await tx.run(
        SAVE,
        account_id=delivery.account_id,
        queue=delivery.queue,
        sequence=delivery.sequence,
        state=delivery.state,
        url=delivery.url,
        settled_at=optional_micros(delivery.settled_at),
        last_status=delivery.last_status,
        last_error=delivery.last_error,
    )


async def count_anew(tx: Tx, delivery: Delivery) -> None:
    """Have the attempts so far not count any more."""
    await tx.run(COUNT_ANEW, account_id=delivery.account_id, queue=delivery.queue, sequence=delivery.sequence)


async def release_leases(tx: Tx) -> int:
    """End every lease; how many there were."""
    return await tx.run(RELEASE_LEASES)


async def log(tx: Tx, delivery: Delivery, attempt: Attempt, forgotten: int | None) -> None:
    """Add an attempt to the delivery's log, and drop one."""
    reply = attempt.reply
    await tx.run(
        LOG,
        account_id=delivery.account_id,
        delivery_id=delivery.id,
        number=attempt.number,
        url=attempt.url,
        started_at=to_micros(attempt.started_at),
        duration_ms=attempt.duration_ms,
        status=reply.status,
        error=reply.error,
        excerpt=reply.excerpt,
    )
    if forgotten is not None:
        await tx.run(FORGET, account_id=delivery.account_id, delivery_id=delivery.id, number=forgotten)


GET = sql(
    f"SELECT {_OF_DELIVERY}, {_TURN} FROM {_WITH_QUEUE}"  # noqa: S608 - fixed texts
    " WHERE d.account_id = :account_id AND d.id = :id"
)

# Of every account: the operator knows a delivery by its id alone.
FIND = sql(f"SELECT {_OF_DELIVERY}, {_TURN} FROM {_WITH_QUEUE} WHERE d.id = :id")  # noqa: S608 - fixed texts

READ_LOG = sql("""
    SELECT number, url, started_at, duration_ms, status, error, excerpt FROM delivery_attempts
    WHERE account_id = :account_id AND delivery_id = :delivery_id ORDER BY number LIMIT :count
""")


async def get(tx: Tx, account_id: str, delivery_id: str) -> Delivery | None:
    row = await tx.one(GET, account_id=account_id, id=delivery_id)
    return None if row is None else _delivery(row)


async def find(tx: Tx, delivery_id: str) -> Delivery | None:
    """A delivery of whatever account."""
    row = await tx.one(FIND, id=delivery_id)
    return None if row is None else _delivery(row)


async def attempts(tx: Tx, delivery: Delivery, count: int) -> list[Attempt]:
    """The delivery's log, the first attempt first."""
    rows = await tx.all(READ_LOG, account_id=delivery.account_id, delivery_id=delivery.id, count=count)
    return [_attempt(row) for row in rows]


def _list_by(condition: str) -> Statement:
    """Deliveries, newest first, found by the index that begins with the condition's column."""
    # Of every account unless one is asked for: the operator looks after all of them.
    return sql(f"""
        SELECT {_OF_DELIVERY}, {_TURN} FROM {_WITH_QUEUE}
        WHERE {condition}
            AND (CAST(:account_id AS TEXT) IS NULL OR d.account_id = :account_id)
            AND (CAST(:publisher_id AS TEXT) IS NULL OR d.publisher_id = :publisher_id)
            AND (CAST(:queue AS TEXT) IS NULL OR d.queue = :queue)
            AND (CAST(:state AS TEXT) IS NULL OR d.state = :state)
            AND (
                CAST(:after_at AS BIGINT) IS NULL
                OR d.created_at < :after_at OR (d.created_at = :after_at AND d.id{{c}} < :after)
            )
        ORDER BY d.created_at DESC, d.id{{c}} DESC LIMIT :count
    """)  # noqa: S608 - fixed texts


LIST_BY_QUEUE = _list_by("d.queue = :queue")
LIST_BY_PUBLISHER = _list_by("d.publisher_id = :publisher_id")
LIST_BY_STATE = _list_by("d.state = :state")
LIST_BY_ACCOUNT = _list_by("d.account_id = :account_id")
LIST_ALL = _list_by("d.created_at <= COALESCE(CAST(:after_at AS BIGINT), 9223372036854775807)")


async def page(tx: Tx, wanted: DeliveryFilter, after: Delivery | None, count: int) -> list[Delivery]:
    """Deliveries, newest first, that follow ``after`` in this order."""
    rows = await tx.all(
        _listing(wanted),
        account_id=wanted.account_id,
        publisher_id=wanted.publisher_id,
        queue=wanted.queue,
        state=wanted.state,
        after_at=None if after is None else to_micros(after.created_at),
        after="" if after is None else after.id,
        count=count,
    )
    return [_delivery(row) for row in rows]


def _listing(wanted: DeliveryFilter) -> Statement:
    """The statement whose index narrows the search most."""
    if wanted.queue is not None:
        return LIST_BY_QUEUE
    if wanted.publisher_id is not None:
        return LIST_BY_PUBLISHER
    if wanted.state is not None:
        return LIST_BY_STATE
    return LIST_ALL if wanted.account_id is None else LIST_BY_ACCOUNT


def _delivery(row: Row) -> Delivery:
    return Delivery(
        account_id=row["account_id"],
        queue=row["queue"],
        sequence=row["sequence"],
        id=row["id"],
        kind=row["kind"],
        subject_id=row["subject_id"],
        publisher_id=row["publisher_id"],
        product_id=row["product_id"],
        url=row["url"],
        body=row["body"],
        is_refusable=row["is_refusable"] == 1,
        state=State(row["state"]),
        attempts=row["attempts"],
        attempts_before=row["attempts_before"],
        created_at=from_micros(row["created_at"]),
        settled_at=optional_instant(row["settled_at"]),
        last_status=row["last_status"],
        last_error=row["last_error"],
        next_attempt_at=optional_instant(row.get("next_attempt_at")),
    )


def _attempt(row: Row) -> Attempt:
    return Attempt(
        number=row["number"],
        url=row["url"],
        started_at=from_micros(row["started_at"]),
        duration_ms=row["duration_ms"],
        reply=Reply(row["status"], row["excerpt"], row["error"]),
    )
