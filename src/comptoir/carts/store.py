"""Carts in the database. A cart is one row: its lines are always read and written together."""

from collections.abc import Mapping

import msgspec

from comptoir.carts.model import Cart, CartLine, Status
from comptoir.core.instants import from_micros, to_micros
from comptoir.db import Row, Tx, Value, sql
from comptoir.orders.model import Order

INSERT_CART = sql("""
    INSERT INTO carts (account_id, customer_id, id, status, created_at, modified_at, modified_by, expires_at,
                       attestation, lines, placed, receipt)
    VALUES (:account_id, :customer_id, :id, :status, :created_at, :modified_at, :modified_by, :expires_at,
            :attestation, :lines, :placed, :receipt)
""")
GET_CART = sql("""
    SELECT customer_id, id, status, created_at, modified_at, modified_by, expires_at, attestation, lines,
           placed, receipt
    FROM carts
    WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id
""")
LOCK_CART = sql("""
    SELECT customer_id, id, status, created_at, modified_at, modified_by, expires_at, attestation, lines,
           placed, receipt
    FROM carts
    WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id
    {for_update}
""")
UPDATE_CART = sql("""
    UPDATE carts
    SET status = :status, modified_at = :modified_at, modified_by = :modified_by, attestation = :attestation,
        lines = :lines, placed = :placed, receipt = :receipt
    WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id
""")
DELETE_CART = sql("""
    DELETE FROM carts WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id
""")

_ENCODER = msgspec.json.Encoder(enc_hook=dict)  # a mapping that cannot be changed is written like any other
_LINES = msgspec.json.Decoder(tuple[CartLine, ...])
_PLACED = msgspec.json.Decoder(dict[str, str])
_RECEIPT = msgspec.json.Decoder(tuple[Order, ...])


async def insert(tx: Tx, account_id: str, cart: Cart) -> None:
    """Keep a new cart."""
    await tx.run(
        INSERT_CART,
        account_id=account_id,
        created_at=to_micros(cart.created_at),
        expires_at=to_micros(cart.expires_at),
        **_changing(cart),
    )


async def get(tx: Tx, account_id: str, customer_id: str, cart_id: str) -> Cart | None:
    """A cart as it stands."""
    row = await tx.one(GET_CART, account_id=account_id, customer_id=customer_id, id=cart_id)
    return None if row is None else _cart(row)


async def lock(tx: Tx, account_id: str, customer_id: str, cart_id: str) -> Cart | None:
    """A cart, held for this transaction: whoever else wants to change it or check it out waits."""
    row = await tx.one(LOCK_CART, account_id=account_id, customer_id=customer_id, id=cart_id)
    return None if row is None else _cart(row)


async def update(tx: Tx, account_id: str, cart: Cart) -> None:
    """Keep a cart that was locked in this transaction."""
    changed = await tx.run(UPDATE_CART, account_id=account_id, **_changing(cart))
    assert changed == 1, cart.id


async def delete(tx: Tx, account_id: str, customer_id: str, cart_id: str) -> None:
    """Forget a cart."""
    await tx.run(DELETE_CART, account_id=account_id, customer_id=customer_id, id=cart_id)


def _changing(cart: Cart) -> Mapping[str, Value]:
    return {
        "customer_id": cart.customer_id,
        "id": cart.id,
        "status": cart.status.value,
        "modified_at": to_micros(cart.modified_at),
        "modified_by": cart.modified_by,
        "attestation": None if cart.attestation is None else int(cart.attestation),
        "lines": _ENCODER.encode(cart.lines).decode(),
        "placed": _ENCODER.encode(cart.placed).decode(),
        "receipt": _ENCODER.encode(cart.receipt).decode() if cart.receipt else None,
    }


def _cart(row: Row) -> Cart:
    return Cart(
        id=row["id"],
        customer_id=row["customer_id"],
        status=Status(row["status"]),
        created_at=from_micros(row["created_at"]),
        modified_at=from_micros(row["modified_at"]),
        modified_by=row["modified_by"],
        expires_at=from_micros(row["expires_at"]),
        lines=_LINES.decode(row["lines"]),
        attestation=None if row["attestation"] is None else row["attestation"] == 1,
        placed=_PLACED.decode(row["placed"]),
        receipt=() if row["receipt"] is None else _RECEIPT.decode(row["receipt"]),
    )
