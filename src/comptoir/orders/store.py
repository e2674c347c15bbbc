"""Orders and their lines in the database. Every statement names the account."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby

import msgspec

from comptoir.catalog.model import BillingCycle
from comptoir.core.instants import from_micros, optional_instant, optional_micros, to_micros
from comptoir.core.money import Rate
from comptoir.core.terms import Duration
from comptoir.db import Row, Tx, Value, sql
from comptoir.orders.model import Order, OrderLine, Purchaser, Status, TransactionType

INSERT = sql("""
    INSERT INTO orders (
        account_id, customer_id, id, alternate_id, country, billing_cycle, currency, status,
        transaction_type, attestation, cart_id, cart_group, purchaser_id, purchaser_name, upn, created_at
    ) VALUES (
        :account_id, :customer_id, :id, :alternate_id, :country, :billing_cycle, :currency, :status,
        :transaction_type, :attestation, :cart_id, :cart_group, :purchaser_id, :purchaser_name, :upn,
        :created_at
    )
    ON CONFLICT (account_id, alternate_id) DO NOTHING
""")

INSERT_LINE = sql("""
    INSERT INTO order_lines (
        account_id, customer_id, order_id, line_number, catalog_item_id, subscription_id,
        parent_subscription_id, term, renews_to, quantity, unit_price, billing_periods, friendly_name,
        partner_mpn_id, document, is_cancelled
    ) VALUES (
        :account_id, :customer_id, :order_id, :line_number, :catalog_item_id, :subscription_id,
        :parent_subscription_id, :term, :renews_to, :quantity, :unit_price, :billing_periods,
        :friendly_name, :partner_mpn_id, :document, :is_cancelled
    )
""")

UPDATE = sql("""
    UPDATE orders
    SET billing_cycle = :billing_cycle, status = :status, completed_at = :completed_at,
        cancelled_at = :cancelled_at
    WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id
""")

UPDATE_LINE = sql("""
    UPDATE order_lines
    SET quantity = :quantity, unit_price = :unit_price, billing_periods = :billing_periods,
        is_cancelled = :is_cancelled
    WHERE account_id = :account_id AND customer_id = :customer_id AND order_id = :order_id
        AND line_number = :line_number
""")

GET_ALTERNATE_ID = sql("""
    SELECT alternate_id FROM orders
    WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id
""")

GET_PURCHASER = sql("""
    SELECT purchaser_id, purchaser_name FROM orders
    WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id
""")

LOCK = sql("""
    SELECT id FROM orders
    WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id {for_update}
""")

FIND_BY_ALTERNATE_ID = sql("""
    SELECT customer_id, id FROM orders WHERE account_id = :account_id AND alternate_id = :alternate_id
""")

_ORDER_WITH_LINES = """
    SELECT o.customer_id, o.id, o.alternate_id, o.country, o.billing_cycle, o.currency, o.status,
        o.transaction_type, o.attestation, o.cart_id, o.cart_group, o.purchaser_id, o.purchaser_name, o.upn,
        o.created_at, o.completed_at, o.cancelled_at, l.line_number, l.catalog_item_id, l.subscription_id,
        l.parent_subscription_id, l.term, l.renews_to, l.quantity, l.unit_price, l.billing_periods,
        l.friendly_name, l.partner_mpn_id, l.document, l.is_cancelled
    FROM orders o JOIN order_lines l
        ON l.account_id = o.account_id AND l.customer_id = o.customer_id AND l.order_id = o.id
    WHERE o.account_id = :account_id AND o.customer_id = :customer_id
"""

GET = sql(_ORDER_WITH_LINES + " AND o.id = :id ORDER BY l.line_number")

_IS_AMONG_THE_NEWEST = """
    AND o.id IN (
        SELECT n.id FROM orders n
        WHERE n.account_id = :account_id AND n.customer_id = :customer_id AND n.created_at <= :created_until
            AND (CAST(:billing_cycle AS TEXT) IS NULL OR n.billing_cycle = :billing_cycle)
        ORDER BY n.created_at DESC, n.id{c} LIMIT :most
    )
"""
LIST = sql(_ORDER_WITH_LINES + _IS_AMONG_THE_NEWEST + " ORDER BY o.created_at DESC, o.id{c}, l.line_number")


class _Document(msgspec.Struct, omit_defaults=True):
    """What of a line no statement looks for."""

    additional_mpn_ids: tuple[str, ...] = ()
    provisioning_context: dict[str, str] = {}
    attestation_accepted: bool | None = None


_DOCUMENT = msgspec.json.Decoder(_Document)


async def insert(tx: Tx, account_id: str, order: Order) -> bool:
    """Store a new order with its lines; ``False`` and nothing stored if its alternate id is taken."""
    inserted = await tx.run(
        INSERT,
        account_id=account_id,
        customer_id=order.customer_id,
        id=order.id,
        alternate_id=order.alternate_id,
        country=order.country,
        billing_cycle=order.billing_cycle.value,
        currency=order.currency,
        status=order.status.value,
        transaction_type=order.transaction_type.value,
        attestation=None if order.attestation is None else int(order.attestation),
        cart_id=order.cart_id,
        cart_group=order.cart_group,
        purchaser_id=order.purchaser_id,
        purchaser_name=order.purchaser_name,
        upn=order.upn,
        created_at=to_micros(order.created_at),
    )
    if inserted:
        await insert_lines(tx, account_id, order, order.lines)
    return inserted == 1


async def insert_lines(tx: Tx, account_id: str, order: Order, lines: Iterable[OrderLine]) -> None:
    """Store more lines of an order."""
    await tx.many(INSERT_LINE, [_line_columns(account_id, order, line) for line in lines])


async def update(tx: Tx, account_id: str, before: Order, after: Order) -> None:
    """Store what changed of an order and of the lines that both versions have, and the lines added."""
    await tx.run(
        UPDATE,
        account_id=account_id,
        customer_id=after.customer_id,
        id=after.id,
        billing_cycle=after.billing_cycle.value,
        status=after.status.value,
        completed_at=optional_micros(after.completed_at),
        cancelled_at=optional_micros(after.cancelled_at),
    )
    known = len(before.lines)
    changed = [new for old, new in zip(before.lines, after.lines[:known], strict=True) if new != old]
    await tx.many(UPDATE_LINE, [_changing_columns(account_id, after, line) for line in changed])
    await insert_lines(tx, account_id, after, after.lines[known:])


async def lock(tx: Tx, account_id: str, customer_id: str, order_id: str) -> None:
    """Let nobody else change the order until the transaction ends. Read it afterwards, not before."""
    await tx.one(LOCK, account_id=account_id, customer_id=customer_id, id=order_id)


async def purchaser_of(tx: Tx, account_id: str, customer_id: str, order_id: str) -> Purchaser | None:
    """Who placed an order."""
    row = await tx.one(GET_PURCHASER, account_id=account_id, customer_id=customer_id, id=order_id)
    return None if row is None else Purchaser(row["purchaser_id"], row["purchaser_name"])


async def alternate_id_of(tx: Tx, account_id: str, customer_id: str, order_id: str) -> str | None:
    """The id by which people know an order."""
    row = await tx.one(GET_ALTERNATE_ID, account_id=account_id, customer_id=customer_id, id=order_id)
    return None if row is None else str(row["alternate_id"])


async def get(tx: Tx, account_id: str, customer_id: str, order_id: str) -> Order | None:
    """One order of a customer by its id."""
    rows = await tx.all(GET, account_id=account_id, customer_id=customer_id, id=order_id)
    return next(iter(_orders(rows)), None)


async def find(tx: Tx, account_id: str, alternate_id: str) -> tuple[str, str] | None:
    """The customer id and the order id behind an alternate id, which is unique in the account."""
    row = await tx.one(FIND_BY_ALTERNATE_ID, account_id=account_id, alternate_id=alternate_id)
    return None if row is None else (row["customer_id"], row["id"])


async def list_for_customer(
    tx: Tx,
    account_id: str,
    customer_id: str,
    created_until: datetime,
    billing_cycle: BillingCycle | None,
    *,
    most: int,
) -> list[Order]:
    """The ``most`` last orders of the customer created up to an instant, newest first."""
    rows = await tx.all(
        LIST,
        account_id=account_id,
        customer_id=customer_id,
        created_until=to_micros(created_until),
        billing_cycle=None if billing_cycle is None else billing_cycle.value,
        most=most,
    )
    return _orders(rows)


def _line_columns(account_id: str, order: Order, line: OrderLine) -> dict[str, Value]:
    document = _Document(line.additional_mpn_ids, dict(line.provisioning_context), line.attestation_accepted)
    return {
        **_changing_columns(account_id, order, line),
        "catalog_item_id": line.catalog_item_id,
        "subscription_id": line.subscription_id,
        "parent_subscription_id": line.parent_subscription_id,
        "term": str(line.term),
        "renews_to": None if line.renews_to is None else str(line.renews_to),
        "friendly_name": line.friendly_name,
        "partner_mpn_id": line.partner_mpn_id,
        "document": msgspec.json.encode(document).decode(),
    }


def _changing_columns(account_id: str, order: Order, line: OrderLine) -> dict[str, Value]:
    return {
        "account_id": account_id,
        "customer_id": order.customer_id,
        "order_id": order.id,
        "line_number": line.number,
        "quantity": line.quantity,
        "unit_price": str(line.unit_price.amount),
        "billing_periods": line.billing_periods,
        "is_cancelled": int(line.is_cancelled),
    }


def _orders(rows: Sequence[Row]) -> list[Order]:
    """Orders from rows of one line each, those of an order side by side."""
    return [_order(list(lines)) for _, lines in groupby(rows, key=lambda row: row["id"])]


def _order(rows: Sequence[Row]) -> Order:
    row = rows[0]
    return Order(
        id=row["id"],
        alternate_id=row["alternate_id"],
        customer_id=row["customer_id"],
        country=row["country"],
        billing_cycle=BillingCycle(row["billing_cycle"]),
        currency=row["currency"],
        status=Status(row["status"]),
        transaction_type=TransactionType(row["transaction_type"]),
        purchaser_id=row["purchaser_id"],
        purchaser_name=row["purchaser_name"],
        created_at=from_micros(row["created_at"]),
        lines=tuple(_line(line) for line in rows),
        upn=row["upn"],
        attestation=None if row["attestation"] is None else row["attestation"] == 1,
        cart_id=row["cart_id"],
        cart_group=row["cart_group"],
        completed_at=optional_instant(row["completed_at"]),
        cancelled_at=optional_instant(row["cancelled_at"]),
    )


def _line(row: Row) -> OrderLine:
    document = _DOCUMENT.decode(row["document"])
    return OrderLine(
        number=row["line_number"],
        catalog_item_id=row["catalog_item_id"],
        subscription_id=row["subscription_id"],
        term=Duration.parse(row["term"]),
        quantity=row["quantity"],
        unit_price=Rate(Decimal(row["unit_price"]), row["currency"]),
        billing_periods=row["billing_periods"],
        friendly_name=row["friendly_name"],
        renews_to=None if row["renews_to"] is None else Duration.parse(row["renews_to"]),
        parent_subscription_id=row["parent_subscription_id"],
        partner_mpn_id=row["partner_mpn_id"],
        additional_mpn_ids=document.additional_mpn_ids,
        provisioning_context=document.provisioning_context,
        attestation_accepted=document.attestation_accepted,
        is_cancelled=row["is_cancelled"] == 1,
    )
