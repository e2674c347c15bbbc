"""How far subscriptions are charged, in the database."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from comptoir.billing.model import Cycle
from comptoir.core.instants import from_micros, optional_micros, to_micros
from comptoir.db import Tx, Value, sql

GET = sql("""
    SELECT document FROM billing_cycles
    WHERE account_id = :account_id AND customer_id = :customer_id AND subscription_id = :subscription_id
""")

LIST_DUE = sql("""
    SELECT document FROM billing_cycles WHERE account_id = :account_id AND next_charge_at <= :now
    ORDER BY next_charge_at, subscription_id{c} LIMIT :count
""")

NEXT_CHARGE = sql("""
    SELECT MIN(next_charge_at) AS next_charge_at FROM billing_cycles WHERE account_id = :account_id
""")

SAVE = sql("""
    INSERT INTO billing_cycles (
        account_id, customer_id, subscription_id, cycle_start_at, cycle_end_at, next_charge_at, document
    ) VALUES (
        :account_id, :customer_id, :subscription_id, :cycle_start_at, :cycle_end_at, :next_charge_at,
        :document
    )
    ON CONFLICT (account_id, customer_id, subscription_id) DO UPDATE SET
        cycle_start_at = excluded.cycle_start_at, cycle_end_at = excluded.cycle_end_at,
        next_charge_at = excluded.next_charge_at, document = excluded.document
""")

_ENCODER = msgspec.json.Encoder()
_CYCLE = msgspec.json.Decoder(Cycle)


async def get(tx: Tx, account_id: str, customer_id: str, subscription_id: str) -> Cycle | None:
    """How far a subscription is charged; ``None`` for one that never was."""
    row = await tx.one(GET, account_id=account_id, customer_id=customer_id, subscription_id=subscription_id)
    return None if row is None else _CYCLE.decode(row["document"])


async def list_due(tx: Tx, account_id: str, now: datetime, count: int) -> list[Cycle]:
    """Cycles whose successor has begun, those first that began first."""
    rows = await tx.all(LIST_DUE, account_id=account_id, now=to_micros(now), count=count)
    return [_CYCLE.decode(row["document"]) for row in rows]


async def next_charge_at(tx: Tx, account_id: str) -> datetime | None:
    """When a subscription of the account begins its next cycle."""
    row = await tx.one(NEXT_CHARGE, account_id=account_id)
    assert row is not None, "an aggregate gives a row"
    return None if row["next_charge_at"] is None else from_micros(row["next_charge_at"])


async def save(tx: Tx, cycles: Sequence[Cycle]) -> None:
    """Store how far subscriptions are charged."""
    await tx.many(SAVE, [_row(cycle) for cycle in cycles])


def _row(cycle: Cycle) -> dict[str, Value]:
    return {
        "account_id": cycle.account_id,
        "customer_id": cycle.customer_id,
        "subscription_id": cycle.subscription_id,
        "cycle_start_at": to_micros(cycle.start_at),
        "cycle_end_at": to_micros(cycle.end_at),
        "next_charge_at": optional_micros(cycle.next_charge_at),
        "document": _ENCODER.encode(cycle).decode(),
    }
