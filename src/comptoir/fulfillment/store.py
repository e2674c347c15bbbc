"""Operations and first resolutions in the database."""

from datetime import datetime

import msgspec

from comptoir.core.instants import from_micros, optional_instant, optional_micros, to_micros
from comptoir.db import Row, Tx, sql
from comptoir.fulfillment.model import Operation, OperationAction, OperationStatus, Source
from comptoir.subscriptions.model import SubscriptionPatch

OPEN_MAX = 100
"""Operations of a purchase that are open: one by the rules, and never more than can be read."""

INSERT = sql("""
    INSERT INTO fulfillment_operations (
        account_id, customer_id, subscription_id, id, publisher_id, product_id, offer_id, plan_id, quantity,
        action, source, status, catalog_item_id, patch, requested_at, closed_at, acknowledged_until,
        error_status, error_message, is_superseded
    ) VALUES (
        :account_id, :customer_id, :subscription_id, :id, :publisher_id, :product_id, :offer_id, :plan_id,
        :quantity, :action, :source, :status, :catalog_item_id, :patch, :requested_at, :closed_at,
        :acknowledged_until, :error_status, :error_message, :is_superseded
    )
""")

_COLUMNS = """
    account_id, customer_id, subscription_id, id, publisher_id, product_id, offer_id, plan_id, quantity,
    action, source, status, catalog_item_id, patch, requested_at, closed_at, acknowledged_until,
    error_status, error_message, is_superseded
"""

UPDATE = sql("""
    UPDATE fulfillment_operations
    SET status = :status, closed_at = :closed_at, acknowledged_until = :acknowledged_until,
        error_status = :error_status, error_message = :error_message, is_superseded = :is_superseded
    WHERE account_id = :account_id AND customer_id = :customer_id AND subscription_id = :subscription_id
        AND id = :id
""")

GET = sql(f"""
    SELECT {_COLUMNS}
    FROM fulfillment_operations
    WHERE account_id = :account_id AND subscription_id = :subscription_id AND id = :id
""")  # noqa: S608 - fixed texts

LIST_OPEN = sql(f"""
    SELECT {_COLUMNS}
    FROM fulfillment_operations
    WHERE account_id = :account_id AND subscription_id = :subscription_id AND closed_at IS NULL
    ORDER BY requested_at, id{{c}} LIMIT :most
""")  # noqa: S608 - fixed texts

FIND_ACTION = sql(f"""
    SELECT {_COLUMNS}
    FROM fulfillment_operations
    WHERE account_id = :account_id AND subscription_id = :subscription_id AND action = :action LIMIT 1
""")  # noqa: S608 - fixed texts

# Over all accounts: the windows are of the wall clock, and one timer serves everybody.
LIST_LAPSED = sql(f"""
    SELECT {_COLUMNS}
    FROM fulfillment_operations
    WHERE acknowledged_until <= :wall
    ORDER BY acknowledged_until, id{{c}} LIMIT :most
""")  # noqa: S608 - fixed texts

# Over all accounts, as above.
NEXT_LAPSE = sql("SELECT MIN(acknowledged_until) AS at FROM fulfillment_operations")

POSTPONE_LAPSE = sql("""
    UPDATE fulfillment_operations SET acknowledged_until = :until
    WHERE account_id = :account_id AND customer_id = :customer_id AND subscription_id = :subscription_id
        AND id = :id AND acknowledged_until <= :wall
""")

RESOLVED = sql("""
    INSERT INTO purchase_resolutions (account_id, customer_id, subscription_id, first_resolved_at)
    VALUES (:account_id, :customer_id, :subscription_id, :first_resolved_at)
    ON CONFLICT (account_id, customer_id, subscription_id) DO NOTHING
""")

WAS_RESOLVED = sql("""
    SELECT first_resolved_at FROM purchase_resolutions
    WHERE account_id = :account_id AND customer_id = :customer_id AND subscription_id = :subscription_id
""")

_PATCH = msgspec.json.Decoder(SubscriptionPatch)


async def insert(tx: Tx, operation: Operation) -> None:
    """Store a new operation."""
    patch = operation.patch
    await tx.run(
        INSERT,
        publisher_id=operation.publisher_id,
        product_id=operation.product_id,
        offer_id=operation.offer_id,
        plan_id=operation.plan_id,
        quantity=operation.quantity,
        action=operation.action.value,
        source=operation.source.value,
        catalog_item_id=operation.catalog_item_id,
        patch=None if patch is None else msgspec.json.encode(patch).decode(),
        requested_at=to_micros(operation.requested_at),
        **_key(operation),
        **_changing(operation),
    )


async def update(tx: Tx, operation: Operation) -> None:
    """Store a change of an operation."""
    await tx.run(UPDATE, **_key(operation), **_changing(operation))


async def get(tx: Tx, account_id: str, subscription_id: str, operation_id: str) -> Operation | None:
    """One operation of a purchase."""
    row = await tx.one(GET, account_id=account_id, subscription_id=subscription_id, id=operation_id)
    return None if row is None else _loaded(row)


async def list_open(tx: Tx, account_id: str, subscription_id: str) -> list[Operation]:
    """The operations of a purchase that wait for their end."""
    rows = await tx.all(LIST_OPEN, account_id=account_id, subscription_id=subscription_id, most=OPEN_MAX)
    return [_loaded(row) for row in rows]


async def find_action(
    tx: Tx, account_id: str, subscription_id: str, action: OperationAction
) -> Operation | None:
    """An operation of this kind of a purchase, open or not."""
    row = await tx.one(
        FIND_ACTION, account_id=account_id, subscription_id=subscription_id, action=action.value
    )
    return None if row is None else _loaded(row)


async def list_lapsed(tx: Tx, wall: datetime, most: int) -> list[Operation]:
    """Operations, of whatever account, whose publisher has kept silent for long enough."""
    return [_loaded(row) for row in await tx.all(LIST_LAPSED, wall=to_micros(wall), most=most)]


async def next_lapse(tx: Tx) -> datetime | None:
    """When the next window to acknowledge an operation ends."""
    row = await tx.one(NEXT_LAPSE)
    assert row is not None, "an aggregate gives a row"
    return optional_instant(row["at"])


async def postpone_lapse(tx: Tx, operation: Operation, wall: datetime, until: datetime) -> None:
    """Look at an ended window again later, if it still is open."""
    await tx.run(POSTPONE_LAPSE, **_key(operation), wall=to_micros(wall), until=to_micros(until))


async def mark_resolved(
    tx: Tx, account_id: str, customer_id: str, subscription_id: str, at: datetime
) -> bool:
    """Remember that the publisher knows a purchase; false if it was known before."""
    inserted = await tx.run(
        RESOLVED,
        account_id=account_id,
        customer_id=customer_id,
        subscription_id=subscription_id,
        first_resolved_at=to_micros(at),
    )
    return inserted == 1


async def was_resolved(tx: Tx, account_id: str, customer_id: str, subscription_id: str) -> bool:
    """Whether the publisher has ever resolved a token of the purchase."""
    found = await tx.one(
        WAS_RESOLVED, account_id=account_id, customer_id=customer_id, subscription_id=subscription_id
    )
    return found is not None


def _key(operation: Operation) -> dict[str, str]:
    return {
        "account_id": operation.account_id,
        "customer_id": operation.customer_id,
        "subscription_id": operation.subscription_id,
        "id": operation.id,
    }


def _changing(operation: Operation) -> dict[str, str | int | None]:
    return {
        "status": operation.status.value,
        "closed_at": optional_micros(operation.closed_at),
        "acknowledged_until": optional_micros(operation.acknowledged_until),
        "error_status": operation.error_status,
        "error_message": operation.error_message,
        "is_superseded": int(operation.is_superseded),
    }


def _loaded(row: Row) -> Operation:
    return Operation(
        id=row["id"],
        account_id=row["account_id"],
        customer_id=row["customer_id"],
        subscription_id=row["subscription_id"],
        publisher_id=row["publisher_id"],
        product_id=row["product_id"],
        offer_id=row["offer_id"],
        plan_id=row["plan_id"],
        quantity=row["quantity"],
        action=OperationAction(row["action"]),
        source=Source(row["source"]),
        status=OperationStatus(row["status"]),
        requested_at=from_micros(row["requested_at"]),
        catalog_item_id=row["catalog_item_id"],
        patch=None if row["patch"] is None else _PATCH.decode(row["patch"]),
        closed_at=optional_instant(row["closed_at"]),
        acknowledged_until=optional_instant(row["acknowledged_until"]),
        error_status=row["error_status"],
        error_message=row["error_message"],
        is_superseded=row["is_superseded"] == 1,
    )
