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

# What has due work of its own has failed together with others, and holds them up no longer.
_IN_SWEEP = """
    NOT EXISTS (
        SELECT 1 FROM due_work
        WHERE due_work.account_id = :account_id AND due_work.kind = :kind
            AND due_work.subject_id = billing_cycles.subscription_id
    )
"""

LIST_DUE = sql(f"""
    SELECT document FROM billing_cycles
    WHERE account_id = :account_id AND next_charge_at <= :now AND {_IN_SWEEP}
    ORDER BY next_charge_at, subscription_id{{c}} LIMIT :count
""")  # noqa: S608 - fixed texts

LIST_DUE_OF = sql("""
    SELECT document FROM billing_cycles
    WHERE account_id = :account_id AND subscription_id = :subscription_id AND next_charge_at <= :now
""")

NEXT_CHARGE = sql(f"""
    SELECT next_charge_at FROM billing_cycles
    WHERE account_id = :account_id AND next_charge_at IS NOT NULL AND {_IN_SWEEP}
    ORDER BY next_charge_at LIMIT 1
""")  # noqa: S608 - fixed texts

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


async def list_due(tx: Tx, account_id: str, kind: str, now: datetime, count: int) -> list[Cycle]:
    """Cycles whose successor has begun, those first that began first.

    Left out are subscriptions that have due work of this kind themselves.
    """
    rows = await tx.all(LIST_DUE, account_id=account_id, kind=kind, now=to_micros(now), count=count)
    return [_CYCLE.decode(row["document"]) for row in rows]


async def list_due_of(tx: Tx, account_id: str, subscription_id: str, now: datetime) -> list[Cycle]:
    """The cycle of a subscription if its successor has begun."""
    rows = await tx.all(
        LIST_DUE_OF, account_id=account_id, subscription_id=subscription_id, now=to_micros(now)
    )
    return [_CYCLE.decode(row["document"]) for row in rows]


async def next_charge_at(tx: Tx, account_id: str, kind: str) -> datetime | None:
    """When a subscription of the account begins its next cycle, of those without due work of this kind."""
    row = await tx.one(NEXT_CHARGE, account_id=account_id, kind=kind)
    return None if row is None else from_micros(row["next_charge_at"])


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
