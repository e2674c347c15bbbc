"""Events of metered usage, and the plans that subscriptions had before, in the database."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal

from comptoir.core.instants import from_micros, to_micros
from comptoir.db import Row, Tx, Value, sql
from comptoir.subscriptions.model import MeteredSubscription, Subscription
from comptoir.usage.model import ONE_DAY, DailyKey, Event, Reported, Slot, UsageQuery

ONE_DAY_MICROS = 86_400_000_000

# The key is the slot: of several reports at the same time, on whatever connections, one takes it.
INSERT = sql("""
    INSERT INTO usage_events (
        account_id, customer_id, subscription_id, dimension_id, hour, id, publisher_id, product_id, sku_id,
        plan_id, quantity, effective_at, effective_text, received_at, rated_at, line_id
    ) VALUES (
        :account_id, :customer_id, :subscription_id, :dimension_id, :hour, :id, :publisher_id, :product_id,
        :sku_id, :plan_id, :quantity, :effective_at, :effective_text, :received_at, NULL, NULL
    )
    ON CONFLICT (account_id, customer_id, subscription_id, dimension_id, hour) DO NOTHING
    RETURNING id
""")

GET = sql("""
    SELECT account_id, customer_id, subscription_id, dimension_id, hour, id, publisher_id, product_id, sku_id,
        plan_id, quantity, effective_at, effective_text, received_at
    FROM usage_events
    WHERE account_id = :account_id AND customer_id = :customer_id AND subscription_id = :subscription_id
        AND dimension_id = :dimension_id AND hour = :hour
""")

LIST_UNRATED = sql("""
    SELECT account_id, customer_id, subscription_id, dimension_id, hour, id, publisher_id, product_id, sku_id,
        plan_id, quantity, effective_at, effective_text, received_at
    FROM usage_events
    WHERE account_id = :account_id AND rated_at IS NULL AND received_at <= :received_until
    ORDER BY received_at, subscription_id{c}, dimension_id{c}, hour LIMIT :count
""")

FIRST_UNRATED = sql("""
    SELECT received_at FROM usage_events
    WHERE account_id = :account_id AND rated_at IS NULL ORDER BY received_at LIMIT 1
""")

RATE = sql("""
    UPDATE usage_events SET rated_at = :rated_at, line_id = :line_id
    WHERE account_id = :account_id AND customer_id = :customer_id AND subscription_id = :subscription_id
        AND dimension_id = :dimension_id AND hour = :hour AND rated_at IS NULL
""")

LIST_BILLED = sql("""
    SELECT account_id, customer_id, subscription_id, dimension_id, hour, id, publisher_id, product_id, sku_id,
        plan_id, quantity, effective_at, effective_text, received_at
    FROM usage_events
    WHERE account_id = :account_id AND customer_id = :customer_id AND subscription_id = :subscription_id
        AND dimension_id = :dimension_id AND hour >= :hour_from AND hour < :hour_until AND line_id = :line_id
    ORDER BY hour
""")

# Of every account: a publisher asks for what all of its customers used.
LIST_REPORTED = sql("""
    SELECT account_id, subscription_id, dimension_id, product_id, sku_id, plan_id, quantity, effective_at,
        rated_at, line_id
    FROM usage_events
    WHERE publisher_id = :publisher_id AND effective_at >= :effective_from AND effective_at < :effective_until
        AND (CAST(:plan_id AS TEXT) IS NULL OR plan_id = :plan_id)
        AND (CAST(:dimension_id AS TEXT) IS NULL OR dimension_id = :dimension_id)
    ORDER BY effective_at DESC LIMIT :count
""")

STREAM_USED = sql("""
    SELECT dimension_id, quantity FROM usage_events
    WHERE account_id = :account_id AND customer_id = :customer_id AND subscription_id = :subscription_id
        AND effective_at >= :effective_from AND effective_at < :effective_until
""")

ADD_PLAN_CHANGE = sql("""
    INSERT INTO plan_changes (
        account_id, customer_id, subscription_id, changed_at, product_id, sku_id, availability_id
    ) VALUES (
        :account_id, :customer_id, :subscription_id, :changed_at, :product_id, :sku_id, :availability_id
    )
    ON CONFLICT (account_id, customer_id, subscription_id, changed_at) DO NOTHING
""")

LIST_PLAN_CHANGES = sql("""
    SELECT changed_at, product_id, sku_id, availability_id FROM plan_changes
    WHERE account_id = :account_id AND customer_id = :customer_id AND subscription_id = :subscription_id
    ORDER BY changed_at
""")


async def insert(tx: Tx, events: Sequence[Event]) -> set[str]:
    """Store the events whose slot is free, and say which: the ids of those that are stored now.

    In the order of their keys, so that two reports wait for each other in the same order.
    """
    rows = [_row(event) for event in sorted(events, key=lambda event: event[:3])]
    return {row["id"] for row in await tx.each(INSERT, rows)}


async def get(tx: Tx, event: Event) -> Event | None:
    """The stored event that has the slot of this one."""
    row = await tx.one(GET, **_slot(event))
    return None if row is None else _loaded(row)


async def list_unrated(tx: Tx, account_id: str, received_until: datetime, count: int) -> list[Event]:
    """Events of an account that are not rated, up to an instant of its time, oldest first."""
    rows = await tx.all(
        LIST_UNRATED, account_id=account_id, received_until=to_micros(received_until), count=count
    )
    return [_loaded(row) for row in rows]


async def first_unrated_at(tx: Tx, account_id: str) -> datetime | None:
    """When the oldest event of an account was received that is not rated."""
    row = await tx.one(FIRST_UNRATED, account_id=account_id)
    return None if row is None else from_micros(row["received_at"])


async def rate(tx: Tx, events: Sequence[Event], line_id: str | None, now: datetime) -> None:
    """Note that events are rated, and which line bills them."""
    rated = {"rated_at": to_micros(now), "line_id": line_id}
    await tx.many(RATE, [{**_slot(event), **rated} for event in events])


async def list_billed(tx: Tx, account_id: str, customer_id: str, day: Slot, line_id: str) -> list[Event]:
    """The events of a day that a line bills, in their order; ``day`` is the slot of its first hour."""
    rows = await tx.all(
        LIST_BILLED,
        account_id=account_id,
        customer_id=customer_id,
        subscription_id=day.subscription_id,
        dimension_id=day.dimension_id,
        hour_from=to_micros(day.hour),
        hour_until=to_micros(day.hour + ONE_DAY),
        line_id=line_id,
    )
    return [_loaded(row) for row in rows]


async def list_reported(tx: Tx, publisher_id: str, query: UsageQuery, count: int) -> list[Reported]:
    """The publisher's events of some days, newest first. Offer and status are not looked at."""
    rows = await tx.all(
        LIST_REPORTED,
        publisher_id=publisher_id,
        effective_from=to_micros(query.first_day),
        effective_until=to_micros(query.last_day + ONE_DAY),
        plan_id=query.plan_id,
        dimension_id=query.dimension_id,
        count=count,
    )
    return [_reported(row) for row in rows]


async def used(
    tx: Tx, account_id: str, subscription: Subscription, start: datetime, end: datetime
) -> AsyncIterator[tuple[str, Decimal]]:
    """Dimension and quantity of each of a subscription's events in a period."""
    rows = tx.stream(
        STREAM_USED,
        account_id=account_id,
        customer_id=subscription.customer_id,
        subscription_id=subscription.id,
        effective_from=to_micros(start),
        effective_until=to_micros(end),
    )
    async for row in rows:
        yield row["dimension_id"], Decimal(row["quantity"])


async def add_plan_change(tx: Tx, account_id: str, left: Subscription, at: datetime) -> None:
    """Keep the plan that a subscription leaves. Of two changes at one instant, the first left a plan."""
    await tx.run(
        ADD_PLAN_CHANGE,
        account_id=account_id,
        customer_id=left.customer_id,
        subscription_id=left.id,
        changed_at=to_micros(at),
        product_id=left.product_id,
        sku_id=left.sku_id,
        availability_id=left.availability_id,
    )


async def list_plan_changes(
    tx: Tx, subscription: MeteredSubscription
) -> list[tuple[datetime, tuple[str, str, str]]]:
    """The plans that a subscription had, each with the instant at which it left it, oldest first."""
    rows = await tx.all(
        LIST_PLAN_CHANGES,
        account_id=subscription.account_id,
        customer_id=subscription.customer_id,
        subscription_id=subscription.id,
    )
    return [
        (from_micros(row["changed_at"]), (row["product_id"], row["sku_id"], row["availability_id"]))
        for row in rows
    ]


def _slot(event: Event) -> dict[str, Value]:
    return {
        "account_id": event.account_id,
        "customer_id": event.customer_id,
        "subscription_id": event.slot.subscription_id,
        "dimension_id": event.slot.dimension_id,
        "hour": to_micros(event.slot.hour),
    }


def _row(event: Event) -> dict[str, Value]:
    slot = event.slot
    return {
        "account_id": event.account_id,
        "customer_id": event.customer_id,
        "subscription_id": slot.subscription_id,
        "dimension_id": slot.dimension_id,
        "hour": to_micros(slot.hour),
        "id": event.id,
        "publisher_id": event.publisher_id,
        "product_id": event.product_id,
        "sku_id": event.sku_id,
        "plan_id": event.plan_id,
        "quantity": format(event.quantity, "f"),
        "effective_at": to_micros(event.effective_at),
        "effective_text": event.effective_text,
        "received_at": to_micros(event.received_at),
    }


def _reported(row: Row) -> Reported:
    day = from_micros(row["effective_at"] // ONE_DAY_MICROS * ONE_DAY_MICROS)
    key = DailyKey(
        day,
        row["account_id"],
        row["subscription_id"],
        row["dimension_id"],
        row["product_id"],
        row["sku_id"],
        row["plan_id"],
    )
    is_rated, is_priced = row["rated_at"] is not None, row["line_id"] is not None
    return Reported(key, Decimal(row["quantity"]), is_rated, is_priced)


def _loaded(row: Row) -> Event:
    return Event(
        account_id=row["account_id"],
        customer_id=row["customer_id"],
        slot=Slot(row["subscription_id"], row["dimension_id"], from_micros(row["hour"])),
        id=row["id"],
        publisher_id=row["publisher_id"],
        product_id=row["product_id"],
        sku_id=row["sku_id"],
        plan_id=row["plan_id"],
        quantity=Decimal(row["quantity"]),
        effective_at=from_micros(row["effective_at"]),
        effective_text=row["effective_text"],
        received_at=from_micros(row["received_at"]),
    )
