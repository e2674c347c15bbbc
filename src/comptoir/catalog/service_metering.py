"""What metering asks the catalogue: which dimensions a plan counts, and what they cost when."""

from collections.abc import Collection

from comptoir.catalog import store_metering
from comptoir.catalog.model import MeteredPlan, Offer, PricePeriod
from comptoir.db import Tx


async def metered_plans(
    tx: Tx, items: Collection[tuple[str, str, str]]
) -> dict[tuple[str, str, str], MeteredPlan]:
    """What is counted under items given as product, SKU and availability; unknown ones are absent."""
    return await store_metering.find_plans(tx, items)


async def price_periods(tx: Tx, offer: Offer, sku_id: str) -> list[PricePeriod]:
    """What the dimensions of a plan cost over time, the oldest prices first, those in force now last.

    ``sku_id`` is a plan of the offer's product; the prices are those of the offer's country, segment and
    currency. Empty for a plan that was never sold there.
    """
    return await store_metering.list_prices(tx, offer, sku_id)
