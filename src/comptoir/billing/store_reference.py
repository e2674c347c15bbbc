"""Exchange rates, tax rates and private offers in the database."""

from collections.abc import Sequence
from decimal import Decimal

from comptoir.billing.model import ExchangeRate, PrivateOffer, TaxRate
from comptoir.core.instants import from_micros, optional_instant, optional_micros, to_micros
from comptoir.db import Row, Tx, Value, sql

# Rates of exchange and of tax are the world's, the same for every account.
SET_EXCHANGE_RATE = sql("""
    INSERT INTO exchange_rates (currency, month, usd_per_unit) VALUES (:currency, :month, :usd_per_unit)
    ON CONFLICT (currency, month) DO UPDATE SET usd_per_unit = excluded.usd_per_unit
""")

# As above.
LAST_EXCHANGE_RATE = sql("""
    SELECT currency, month, usd_per_unit FROM exchange_rates
    WHERE currency = :currency AND month <= :month ORDER BY month DESC LIMIT 1
""")

# As above.
SET_TAX_RATE = sql("""
    INSERT INTO tax_rates (country, valid_from, rate, name) VALUES (:country, :valid_from, :rate, :name)
    ON CONFLICT (country, valid_from) DO UPDATE SET rate = excluded.rate, name = excluded.name
""")

# As above.
TAX_RATE_AT = sql("""
    SELECT country, valid_from, rate, name FROM tax_rates
    WHERE country = :country AND valid_from <= :at ORDER BY valid_from DESC LIMIT 1
""")

SET_PRIVATE_OFFER = sql("""
    INSERT INTO private_offers (
        account_id, product_id, sku_id, valid_from, valid_until, margin, price
    ) VALUES (:account_id, :product_id, :sku_id, :valid_from, :valid_until, :margin, :price)
    ON CONFLICT (account_id, product_id, sku_id, valid_from) DO UPDATE SET
        valid_until = excluded.valid_until, margin = excluded.margin, price = excluded.price
""")

PRIVATE_OFFER_AT = sql("""
    SELECT account_id, product_id, sku_id, valid_from, valid_until, margin, price FROM private_offers
    WHERE account_id = :account_id AND product_id = :product_id AND sku_id = :sku_id
        AND valid_from <= :at AND (valid_until IS NULL OR valid_until > :at)
    ORDER BY valid_from DESC LIMIT 1
""")


# As above: the rates are the same for every account.
NEWEST_EXCHANGE_RATES = sql("""
    SELECT currency, month, usd_per_unit FROM exchange_rates ORDER BY month DESC, currency{c} LIMIT :count
""")

# As above.
NEWEST_TAX_RATES = sql("""
    SELECT country, valid_from, rate, name FROM tax_rates
    ORDER BY country{c}, valid_from DESC LIMIT :count
""")


async def set_exchange_rates(tx: Tx, rates: Sequence[ExchangeRate]) -> None:
    """Store rates, in place of those that are there for the same currency and month."""
    rows: list[dict[str, Value]] = [
        {"currency": rate.currency, "month": rate.month, "usd_per_unit": format(rate.usd_per_unit, "f")}
        for rate in rates
    ]
    await tx.many(SET_EXCHANGE_RATE, rows)


async def last_exchange_rate(tx: Tx, currency: str, month: int) -> ExchangeRate | None:
    """The rate of a month (YYYYMM), else of the last one before it that is known."""
    row = await tx.one(LAST_EXCHANGE_RATE, currency=currency, month=month)
    return None if row is None else ExchangeRate(row["currency"], row["month"], Decimal(row["usd_per_unit"]))


async def newest_exchange_rates(tx: Tx, count: int) -> list[ExchangeRate]:
    """The rates of the last months, the newest first."""
    rows = await tx.all(NEWEST_EXCHANGE_RATES, count=count)
    return [ExchangeRate(row["currency"], row["month"], Decimal(row["usd_per_unit"])) for row in rows]


async def newest_tax_rates(tx: Tx, count: int) -> list[TaxRate]:
    """Tax rates by country, of each the newest first."""
    return [_tax_rate(row) for row in await tx.all(NEWEST_TAX_RATES, count=count)]


async def set_tax_rates(tx: Tx, rates: Sequence[TaxRate]) -> None:
    """Store rates, in place of those that begin in the same country at the same time."""
    rows: list[dict[str, Value]] = [
        {
            "country": rate.country,
            "valid_from": to_micros(rate.valid_from),
            "rate": format(rate.rate, "f"),
            "name": rate.name,
        }
        for rate in rates
    ]
    await tx.many(SET_TAX_RATE, rows)


async def tax_rate_at(tx: Tx, country: str, at_micros: int) -> TaxRate | None:
    """The country's rate at an instant, in microseconds."""
    row = await tx.one(TAX_RATE_AT, country=country, at=at_micros)
    return None if row is None else _tax_rate(row)


async def set_private_offers(tx: Tx, offers: Sequence[PrivateOffer]) -> None:
    """Store private offers, in place of those that begin for the same plan at the same time."""
    rows: list[dict[str, Value]] = [
        {
            "account_id": offer.account_id,
            "product_id": offer.product_id,
            "sku_id": offer.sku_id,
            "valid_from": to_micros(offer.valid_from),
            "valid_until": optional_micros(offer.valid_until),
            "margin": _optional_text(offer.margin),
            "price": _optional_text(offer.price),
        }
        for offer in offers
    ]
    await tx.many(SET_PRIVATE_OFFER, rows)


async def private_offer_at(
    tx: Tx, account_id: str, product_id: str, sku_id: str, at_micros: int
) -> PrivateOffer | None:
    """The account's private offer for a plan at an instant; of several the one that began last."""
    row = await tx.one(
        PRIVATE_OFFER_AT, account_id=account_id, product_id=product_id, sku_id=sku_id, at=at_micros
    )
    return None if row is None else _private_offer(row)


def _tax_rate(row: Row) -> TaxRate:
    return TaxRate(row["country"], from_micros(row["valid_from"]), Decimal(row["rate"]), row["name"])


def _private_offer(row: Row) -> PrivateOffer:
    return PrivateOffer(
        account_id=row["account_id"],
        product_id=row["product_id"],
        sku_id=row["sku_id"],
        valid_from=from_micros(row["valid_from"]),
        valid_until=optional_instant(row["valid_until"]),
        margin=_optional_decimal(row["margin"]),
        price=_optional_decimal(row["price"]),
    )


def _optional_text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


def _optional_decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
