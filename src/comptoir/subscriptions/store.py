"""Subscriptions in the database."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from comptoir.catalog.model import BillingCycle
from comptoir.core.instants import from_micros, optional_instant, optional_micros, to_micros
from comptoir.core.money import Rate
from comptoir.core.terms import Duration
from comptoir.db import RetryTransaction, Row, Tx, Value, sql
from comptoir.subscriptions.model import BillingType, Status, StatusReason, Subscription

LIST_MAX = 100_000
"""Far above what a customer holds: rules that count subscriptions must see all of them."""

INSERT = sql("""
    INSERT INTO subscriptions (
        account_id, customer_id, id, order_id, line_number, product_id, sku_id, availability_id,
        publisher_id, publisher_name, offer_name, friendly_name, quantity, unit_type,
        parent_subscription_id, status, is_trial, auto_renew, billing_cycle, billing_type, term,
        renews_to, currency, unit_price, partner_mpn_id, created_at, refund_window, started_at, anchored_at,
        term_start_at, term_end_at, refund_until, ended_at, status_reason, suspended_at, next_quantity,
        is_auto_fulfilled, next_due_at, modified_at, version
    ) VALUES (
        :account_id, :customer_id, :id, :order_id, :line_number, :product_id, :sku_id,
        :availability_id, :publisher_id, :publisher_name, :offer_name, :friendly_name, :quantity,
        :unit_type, :parent_subscription_id, :status, :is_trial, :auto_renew, :billing_cycle,
        :billing_type, :term, :renews_to, :currency, :unit_price, :partner_mpn_id, :created_at,
        :refund_window, :started_at, :anchored_at, :term_start_at, :term_end_at, :refund_until, :ended_at,
        :status_reason, :suspended_at, :next_quantity, :is_auto_fulfilled, :next_due_at, :modified_at,
        :version
    )
""")

UPDATE = sql("""
    UPDATE subscriptions SET
        sku_id = :sku_id, availability_id = :availability_id, offer_name = :offer_name,
        friendly_name = :friendly_name, quantity = :quantity, unit_type = :unit_type, status = :status,
        is_trial = :is_trial, auto_renew = :auto_renew, billing_cycle = :billing_cycle,
        billing_type = :billing_type, term = :term, renews_to = :renews_to, unit_price = :unit_price,
        partner_mpn_id = :partner_mpn_id, refund_window = :refund_window, started_at = :started_at,
        anchored_at = :anchored_at, term_start_at = :term_start_at, term_end_at = :term_end_at,
        refund_until = :refund_until, ended_at = :ended_at, status_reason = :status_reason,
        suspended_at = :suspended_at, next_quantity = :next_quantity, next_due_at = :next_due_at,
        modified_at = :modified_at, version = :version
    WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id AND version = :version_read
""")

_COLUMNS = """
    customer_id, id, order_id, line_number, product_id, sku_id, availability_id, publisher_id,
    publisher_name, offer_name, friendly_name, quantity, unit_type, parent_subscription_id, status,
    is_trial, auto_renew, billing_cycle, billing_type, term, renews_to, currency, unit_price,
    partner_mpn_id, created_at, refund_window, started_at, anchored_at, term_start_at, term_end_at,
    refund_until, ended_at, status_reason, suspended_at, next_quantity, is_auto_fulfilled, next_due_at,
    modified_at, version
"""

GET = sql(f"""
    SELECT {_COLUMNS} FROM subscriptions
    WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id
""")  # noqa: S608 - fixed texts

LOCK = sql(f"""
    SELECT {_COLUMNS} FROM subscriptions
    WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id {{for_update}}
""")  # noqa: S608 - fixed texts

# Of every account: a publisher knows a subscription by its id alone.
GET_BY_ID = sql(f"SELECT account_id, {_COLUMNS} FROM subscriptions WHERE id = :id")  # noqa: S608 - fixed texts

LIST = sql(f"""
    SELECT {_COLUMNS} FROM subscriptions
    WHERE account_id = :account_id AND customer_id = :customer_id
      AND (ended_at IS NULL OR ended_at > :ended_after)
      AND (CAST(:order_id AS TEXT) IS NULL OR order_id = :order_id)
      AND (CAST(:mpn_id AS TEXT) IS NULL OR partner_mpn_id = :mpn_id)
      AND (CAST(:parent_subscription_id AS TEXT) IS NULL OR parent_subscription_id = :parent_subscription_id)
    ORDER BY created_at, order_id{{c}}, line_number
    LIMIT :size OFFSET :skipped
""")  # noqa: S608 - fixed texts

LIST_ADD_ONS = sql(f"""
    SELECT {_COLUMNS} FROM subscriptions
    WHERE account_id = :account_id AND parent_subscription_id = :parent_subscription_id AND ended_at IS NULL
    ORDER BY created_at, order_id{{c}}, line_number LIMIT :size
""")  # noqa: S608 - fixed texts

# Of every account: a publisher sees what all partners have bought of it.
LIST_FOR_PUBLISHER = sql(f"""
    SELECT account_id, {_COLUMNS} FROM subscriptions
    WHERE publisher_id = :publisher_id AND created_at >= :created_at
      AND (created_at > :created_at OR id{{c}} > :id)
    ORDER BY created_at, id{{c}} LIMIT :size
""")  # noqa: S608 - fixed texts

# What has due work of its own has failed together with others, and holds them up no longer.
_IN_SWEEP = """
    NOT EXISTS (
        SELECT 1 FROM due_work
        WHERE due_work.account_id = :account_id AND due_work.kind = :kind
            AND due_work.subject_id = subscriptions.id
    )
"""

# The order of the index, the same at every run.
LOCK_DUE = sql(f"""
    SELECT {_COLUMNS} FROM subscriptions
    WHERE account_id = :account_id AND next_due_at <= :now AND {_IN_SWEEP}
    ORDER BY next_due_at, id LIMIT :size {{for_update}}
""")  # noqa: S608 - fixed texts

READ_NEXT_DUE = sql(f"""
    SELECT next_due_at FROM subscriptions
    WHERE account_id = :account_id AND next_due_at IS NOT NULL AND {_IN_SWEEP}
    ORDER BY next_due_at LIMIT 1
""")  # noqa: S608 - fixed texts


async def insert(tx: Tx, account_id: str, *subscriptions: Subscription) -> None:
    """Store new subscriptions."""
    rows = [{"account_id": account_id, **_fixed(each), **_changing(each)} for each in subscriptions]
    await tx.many(INSERT, rows)


async def update(tx: Tx, account_id: str, version_read: int, subscription: Subscription) -> None:
    """Store a change made to the version that was read; the transaction runs again if another one won."""
    changed = await tx.run(
        UPDATE,
        account_id=account_id,
        customer_id=subscription.customer_id,
        id=subscription.id,
        version_read=version_read,
        **_changing(subscription),
    )
    if changed == 0:
        raise RetryTransaction


async def get(tx: Tx, account_id: str, customer_id: str, subscription_id: str) -> Subscription | None:
    """One subscription of a customer."""
    row = await tx.one(GET, account_id=account_id, customer_id=customer_id, id=subscription_id)
    return None if row is None else _loaded(row)


async def lock(tx: Tx, account_id: str, customer_id: str, subscription_id: str) -> Subscription | None:
    """``get`` a subscription that nobody else changes until the transaction ends."""
    row = await tx.one(LOCK, account_id=account_id, customer_id=customer_id, id=subscription_id)
    return None if row is None else _loaded(row)


async def get_by_id(tx: Tx, subscription_id: str) -> tuple[str, Subscription] | None:
    """One subscription of whatever account, and the account's id."""
    row = await tx.one(GET_BY_ID, id=subscription_id)
    return None if row is None else (row["account_id"], _loaded(row))


async def list_for_publisher(
    tx: Tx, publisher_id: str, after_created_at: datetime, after_id: str, size: int
) -> list[tuple[str, Subscription]]:
    """What was bought of a publisher after a place in the order of creation, each with its account's id."""
    rows = await tx.all(
        LIST_FOR_PUBLISHER,
        publisher_id=publisher_id,
        created_at=to_micros(after_created_at),
        id=after_id,
        size=size,
    )
    return [(row["account_id"], _loaded(row)) for row in rows]


async def lock_due(tx: Tx, account_id: str, kind: str, now: datetime, size: int) -> list[Subscription]:
    """The account's first subscriptions that time changes by ``now``; nobody else does meanwhile.

    Left out are those that have due work of this kind themselves.
    """
    rows = await tx.all(LOCK_DUE, account_id=account_id, kind=kind, now=to_micros(now), size=size)
    return [_loaded(row) for row in rows]


async def next_due(tx: Tx, account_id: str, kind: str) -> datetime | None:
    """When time changes a subscription of the account next, of those without due work of this kind."""
    row = await tx.one(READ_NEXT_DUE, account_id=account_id, kind=kind)
    return None if row is None else from_micros(row["next_due_at"])


async def list_open_add_ons(tx: Tx, account_id: str, base_id: str) -> list[Subscription]:
    """What extends a subscription and has not ended, oldest first."""
    rows = await tx.all(LIST_ADD_ONS, account_id=account_id, parent_subscription_id=base_id, size=LIST_MAX)
    return [_loaded(row) for row in rows]


async def list_for_customer(
    tx: Tx,
    account_id: str,
    customer_id: str,
    *,
    ended_after: datetime,
    order_id: str | None = None,
    mpn_id: str | None = None,
    parent_subscription_id: str | None = None,
    size: int = LIST_MAX,
    offset: int = 0,
) -> list[Subscription]:
    """Open subscriptions and those that ended after an instant, oldest first. ``None`` filters nothing."""
    rows = await tx.all(
        LIST,
        account_id=account_id,
        customer_id=customer_id,
        ended_after=to_micros(ended_after),
        order_id=order_id,
        mpn_id=mpn_id,
        parent_subscription_id=parent_subscription_id,
        size=size,
        skipped=offset,
    )
    return [_loaded(row) for row in rows]


def _fixed(subscription: Subscription) -> Mapping[str, Value]:
    """The columns that never change once written."""
    return {
        "customer_id": subscription.customer_id,
        "id": subscription.id,
        "order_id": subscription.order_id,
        "line_number": subscription.line_number,
        "product_id": subscription.product_id,
        "publisher_id": subscription.publisher_id,
        "publisher_name": subscription.publisher_name,
        "parent_subscription_id": subscription.parent_subscription_id,
        "currency": subscription.unit_price.currency,
        "created_at": to_micros(subscription.created_at),
        "is_auto_fulfilled": int(subscription.is_auto_fulfilled),
    }


def _changing(subscription: Subscription) -> Mapping[str, Value]:
    """The columns that ``UPDATE`` writes."""
    return {
        "sku_id": subscription.sku_id,
        "availability_id": subscription.availability_id,
        "offer_name": subscription.offer_name,
        "friendly_name": subscription.friendly_name,
        "quantity": subscription.quantity,
        "unit_type": subscription.unit_type,
        "status": subscription.status.value,
        "is_trial": int(subscription.is_trial),
        "auto_renew": int(subscription.auto_renew),
        "billing_cycle": subscription.billing_cycle.value,
        "billing_type": subscription.billing_type.value,
        "term": str(subscription.term),
        "renews_to": _optional_text(subscription.renews_to),
        "unit_price": format(subscription.unit_price.amount, "f"),
        "partner_mpn_id": subscription.partner_mpn_id,
        "refund_window": _optional_text(subscription.refund_window),
        "started_at": optional_micros(subscription.started_at),
        "anchored_at": optional_micros(subscription.anchored_at),
        "term_start_at": optional_micros(subscription.term_start_at),
        "term_end_at": optional_micros(subscription.term_end_at),
        "refund_until": optional_micros(subscription.refund_until),
        "ended_at": optional_micros(subscription.ended_at),
        "status_reason": None if subscription.status_reason is None else subscription.status_reason.value,
        "suspended_at": optional_micros(subscription.suspended_at),
        "next_quantity": subscription.next_quantity,
        "next_due_at": optional_micros(subscription.next_due_at),
        "modified_at": optional_micros(subscription.modified_at),
        "version": subscription.version,
    }


def _loaded(row: Row) -> Subscription:
    return Subscription(
        id=row["id"],
        customer_id=row["customer_id"],
        order_id=row["order_id"],
        line_number=row["line_number"],
        product_id=row["product_id"],
        sku_id=row["sku_id"],
        availability_id=row["availability_id"],
        publisher_id=row["publisher_id"],
        publisher_name=row["publisher_name"],
        offer_name=row["offer_name"],
        friendly_name=row["friendly_name"],
        quantity=row["quantity"],
        unit_type=row["unit_type"],
        parent_subscription_id=row["parent_subscription_id"],
        status=Status(row["status"]),
        is_trial=row["is_trial"] == 1,
        auto_renew=row["auto_renew"] == 1,
        billing_cycle=BillingCycle(row["billing_cycle"]),
        billing_type=BillingType(row["billing_type"]),
        term=Duration.parse(row["term"]),
        renews_to=_optional_duration(row["renews_to"]),
        unit_price=Rate(Decimal(row["unit_price"]), row["currency"]),
        partner_mpn_id=row["partner_mpn_id"],
        created_at=from_micros(row["created_at"]),
        refund_window=_optional_duration(row["refund_window"]),
        started_at=optional_instant(row["started_at"]),
        anchored_at=optional_instant(row["anchored_at"]),
        term_start_at=optional_instant(row["term_start_at"]),
        term_end_at=optional_instant(row["term_end_at"]),
        refund_until=optional_instant(row["refund_until"]),
        ended_at=optional_instant(row["ended_at"]),
        status_reason=None if row["status_reason"] is None else StatusReason(row["status_reason"]),
        suspended_at=optional_instant(row["suspended_at"]),
        next_quantity=row["next_quantity"],
        is_auto_fulfilled=row["is_auto_fulfilled"] == 1,
        next_due_at=optional_instant(row["next_due_at"]),
        modified_at=optional_instant(row["modified_at"]),
        version=row["version"],
    )


def _optional_text(duration: Duration | None) -> str | None:
    return None if duration is None else str(duration)


def _optional_duration(text: str | None) -> Duration | None:
    return None if text is None else Duration.parse(text)
