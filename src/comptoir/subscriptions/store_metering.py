"""Subscriptions as metering sees them: many at a time, of every account."""

from collections.abc import Collection
from functools import lru_cache

from comptoir.catalog.model import BillingCycle
from comptoir.core.instants import optional_instant
from comptoir.core.terms import Duration
from comptoir.db import Row, Statement, Tx, sql
from comptoir.subscriptions.model import MeteredSubscription, Status

CHUNK = 25
"""As many as a publisher may report on at a time (``40-publisher-fulfillment-metering`` section 6.1)."""


def _find(count: int) -> Statement:
    ids = ", ".join(f":id_{number}" for number in range(count))
    # Of every account: a publisher names a subscription by nothing but its id, which is unique. The lock
    # keeps it as it is until what is reported for it is stored.
    return sql(f"""
        SELECT account_id, customer_id, id, publisher_id, product_id, sku_id, availability_id, status,
            billing_cycle, term, started_at, ended_at, next_due_at
        FROM subscriptions WHERE id IN ({ids}) ORDER BY id {{for_share}}
    """)  # noqa: S608 - parameter names


# A statement is one fixed text, so there is one for a single event and one for many; the rest is padded.
FIND_1 = _find(1)
FIND_25 = _find(CHUNK)


async def find(tx: Tx, subscription_ids: Collection[str]) -> dict[str, MeteredSubscription]:
    """The subscriptions that exist among those named, by id."""
    ids = sorted(subscription_ids)
    found = {}
    while ids:
        chunk, ids = ids[:CHUNK], ids[CHUNK:]
        statement = FIND_1 if len(chunk) == 1 else FIND_25
        padding = [""] * (len(statement.parameters) - len(chunk))
        parameters = dict(zip(statement.parameters, chunk + padding, strict=True))
        found.update({row["id"]: _loaded(row) for row in await tx.all(statement, **parameters)})
    return found


def _loaded(row: Row) -> MeteredSubscription:
    return MeteredSubscription(
        row["account_id"],
        row["customer_id"],
        row["id"],
        row["publisher_id"],
        row["product_id"],
        row["sku_id"],
        row["availability_id"],
        Status(row["status"]),
        BillingCycle(row["billing_cycle"]),
        _duration(row["term"]),
        started_at=optional_instant(row["started_at"]),
        ended_at=optional_instant(row["ended_at"]),
        next_due_at=optional_instant(row["next_due_at"]),
    )


@lru_cache(maxsize=64)
def _duration(text: str) -> Duration:
    return Duration.parse(text)
