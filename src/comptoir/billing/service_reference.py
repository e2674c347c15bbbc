"""Use cases of exchange rates, tax rates and private offers."""

from datetime import datetime
from decimal import Decimal

from comptoir.billing import cents, store_reference
from comptoir.billing.calendar import month_of, month_start
from comptoir.billing.model import ExchangeRate, PrivateOffer, Rates, TaxRate
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.instants import to_micros
from comptoir.db import Tx

REFERENCE_CURRENCY = "USD"
"""What every rate is given in."""

LISTED_MAX = 500


async def pricing_for(tx: Tx, ctx: Context, currency: str, pricing_currency: str, at: datetime) -> Rates:
    """What a charge dated ``at``, priced in one currency and billed in another, is converted and taxed with.

    Where the month has no exchange rate yet, the last known one is taken. Raises ``EXCHANGE_RATE_MISSING``
    where there never was one.
    """
    month = month_of(at)
    tax_rate = await tax_rate_for(tx, ctx, at)
    if pricing_currency == currency:
        return Rates(Decimal(1), month_start(month), 0, tax_rate)
    priced = await _usd_per_unit(tx, pricing_currency, month)
    billed = await _usd_per_unit(tx, currency, month)
    if priced is None or billed is None:
        missing = pricing_currency if priced is None else currency
        raise Refusal(
            Code.EXCHANGE_RATE_MISSING, pricing_currency=pricing_currency, currency=currency, missing=missing
        )
    rate = cents.exchange_rate(priced.usd_per_unit, billed.usd_per_unit)
    return Rates(rate, month_start(month), min(priced.month, billed.month), tax_rate)


async def tax_rate_for(tx: Tx, ctx: Context, at: datetime) -> Decimal:
    """The tax of the partner's country on the day of a charge; nothing for a partner that is exempt, and
    where no rate is known.
    """
    if ctx.account.settings.tax_exempt:
        return Decimal(0)
    found = await store_reference.tax_rate_at(tx, ctx.account.country, to_micros(at))
    return Decimal(0) if found is None else found.rate


async def private_offer(
    tx: Tx, account_id: str, product_id: str, sku_id: str, at: datetime
) -> PrivateOffer | None:
    """The better terms that an account has for a plan at an instant, if any."""
    return await store_reference.private_offer_at(tx, account_id, product_id, sku_id, to_micros(at))


async def newest(tx: Tx) -> tuple[list[ExchangeRate], list[TaxRate]]:
    """The exchange rates of the last months and the tax rates of each country, for people to look at."""
    return (
        await store_reference.newest_exchange_rates(tx, LISTED_MAX),
        await store_reference.newest_tax_rates(tx, LISTED_MAX),
    )


async def _usd_per_unit(tx: Tx, currency: str, month: int) -> ExchangeRate | None:
    """The rate of the month or the last one before it. The reference currency needs none."""
    if currency == REFERENCE_CURRENCY:
        return ExchangeRate(currency, month, Decimal(1))
    return await store_reference.last_exchange_rate(tx, currency, month)
