"""Consumption lines in the database."""

from collections.abc import Collection, Sequence
from decimal import Decimal

from comptoir.billing.model import Rates
from comptoir.billing.rating import ConsumptionLine, UsagePrice
from comptoir.core.instants import from_micros, to_micros
from comptoir.db import Row, Tx, Value, sql

GET = sql("""
    SELECT customer_id, id, sequence, subscription_id, subject_id, product_id, sku_id, dimension_id, usage_on,
        bill_month, event_count, quantity, unit_price, effective_unit_price, pricing_currency, currency,
        exchange_rate, exchange_rate_at, exchange_month, tax_rate, price_adjustment, invoice_id
    FROM consumption_lines WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id
""")

LIST_OF_SUBSCRIPTION = sql("""
    SELECT customer_id, id, sequence, subscription_id, subject_id, product_id, sku_id, dimension_id, usage_on,
        bill_month, event_count, quantity, unit_price, effective_unit_price, pricing_currency, currency,
        exchange_rate, exchange_rate_at, exchange_month, tax_rate, price_adjustment, invoice_id
    FROM consumption_lines
    WHERE account_id = :account_id AND customer_id = :customer_id AND subscription_id = :subscription_id
    ORDER BY sequence
""")

# Quantity and totals grow with the events of the day; a line that is billed stays as it is.
PUT = sql("""
    INSERT INTO consumption_lines (
        account_id, customer_id, id, sequence, subscription_id, subject_id, product_id, sku_id, dimension_id,
        usage_on, bill_month, is_late, event_count, quantity, unit_price, effective_unit_price,
        pricing_currency, currency, exchange_rate, exchange_rate_at, exchange_month, pricing_total,
        billing_total, tax_rate, price_adjustment, invoice_id, line_id
    ) VALUES (
        :account_id, :customer_id, :id, :sequence, :subscription_id, :subject_id, :product_id, :sku_id,
        :dimension_id, :usage_on, :bill_month, :is_late, :event_count, :quantity, :unit_price,
        :effective_unit_price, :pricing_currency, :currency, :exchange_rate, :exchange_rate_at,
        :exchange_month, :pricing_total, :billing_total, :tax_rate, :price_adjustment, NULL, NULL
    )
    ON CONFLICT (account_id, customer_id, id) DO UPDATE SET
        event_count = excluded.event_count, quantity = excluded.quantity,
        pricing_total = excluded.pricing_total, billing_total = excluded.billing_total
    WHERE consumption_lines.invoice_id IS NULL
    RETURNING id
""")


async def get(tx: Tx, account_id: str, customer_id: str, line_id: str) -> ConsumptionLine | None:
    """One consumption line."""
    row = await tx.one(GET, account_id=account_id, customer_id=customer_id, id=line_id)
    return None if row is None else _loaded(row)


async def list_of_subscription(
    tx: Tx, account_id: str, customer_id: str, subscription_id: str
) -> list[ConsumptionLine]:
    """Every consumption line of a subscription in the order in which they were first written."""
    rows = await tx.all(
        LIST_OF_SUBSCRIPTION, account_id=account_id, customer_id=customer_id, subscription_id=subscription_id
    )
    return [_loaded(row) for row in rows]


async def put(tx: Tx, account_id: str, lines: Sequence[ConsumptionLine]) -> Collection[str]:
    """Write new lines, and what has grown of others; the ids of those written, billed ones are not."""
    return {row["id"] for row in await tx.each(PUT, [_row(account_id, line) for line in lines])}


def _row(account_id: str, line: ConsumptionLine) -> dict[str, Value]:
    pricing_total, billing_total = line.totals
    return {
        "account_id": account_id,
        "customer_id": line.customer_id,
        "id": line.id,
        "sequence": line.sequence,
        "subscription_id": line.subscription_id,
        "subject_id": line.subject_id,
        "product_id": line.product_id,
        "sku_id": line.sku_id,
        "dimension_id": line.dimension_id,
        "usage_on": to_micros(line.usage_on),
        "bill_month": line.bill_month,
        "is_late": int(line.is_late),
        "event_count": line.event_count,
        "quantity": format(line.quantity, "f"),
        "unit_price": format(line.price.listed, "f"),
        "effective_unit_price": format(line.price.effective, "f"),
        "pricing_currency": line.price.currency,
        "currency": line.currency,
        "exchange_rate": format(line.rates.exchange_rate, "f"),
        "exchange_rate_at": to_micros(line.rates.exchange_rate_at),
        "exchange_month": line.rates.exchange_month,
        "pricing_total": format(pricing_total, "f"),
        "billing_total": format(billing_total, "f"),
        "tax_rate": format(line.rates.tax_rate, "f"),
        "price_adjustment": line.price.adjustment,
    }


def _loaded(row: Row) -> ConsumptionLine:
    return ConsumptionLine(
        id=row["id"],
        sequence=row["sequence"],
        customer_id=row["customer_id"],
        subscription_id=row["subscription_id"],
        subject_id=row["subject_id"],
        product_id=row["product_id"],
        sku_id=row["sku_id"],
        dimension_id=row["dimension_id"],
        usage_on=from_micros(row["usage_on"]),
        bill_month=row["bill_month"],
        event_count=row["event_count"],
        quantity=Decimal(row["quantity"]),
        price=UsagePrice(
            listed=Decimal(row["unit_price"]),
            effective=Decimal(row["effective_unit_price"]),
            currency=row["pricing_currency"],
            adjustment=row["price_adjustment"],
        ),
        currency=row["currency"],
        rates=Rates(
            exchange_rate=Decimal(row["exchange_rate"]),
            exchange_rate_at=from_micros(row["exchange_rate_at"]),
            exchange_month=row["exchange_month"],
            tax_rate=Decimal(row["tax_rate"]),
        ),
        invoice_id=row["invoice_id"],
    )
