"""SQL of the catalogue for metered usage. The catalogue is one for all accounts."""

from collections.abc import Collection, Iterator

import msgspec

from comptoir.catalog.model import MeteredPlan, Offer, PricePeriod, SkuDetails
from comptoir.catalog.store import ItemKey, Prices
from comptoir.core.instants import optional_instant
from comptoir.db import Row, Statement, Tx, sql


def _find_plans(count: int) -> Statement:
    keys = ", ".join(f"(:product_{number}, :sku_{number}, :id_{number})" for number in range(count))
    return sql(f"""
        SELECT a.product_id, a.sku_id, a.id, a.document, s.plan_id, s.document AS sku_document
        FROM availabilities a JOIN skus s ON s.product_id = a.product_id AND s.id = a.sku_id
        WHERE (a.product_id, a.sku_id, a.id) IN (VALUES {keys})
    """)  # noqa: S608 - parameter names


# A statement is one fixed text, so there is one for few keys and one for many; the rest is padded.
FIND_PLANS_2 = _find_plans(2)
FIND_PLANS_32 = _find_plans(32)

LIST_PRICES = sql("""
    SELECT id, replaced_at, document FROM availabilities
    WHERE product_id = :product_id AND sku_id = :sku_id AND country = :country AND segment = :segment
        AND currency = :currency
    ORDER BY CASE WHEN replaced_at IS NULL THEN 1 ELSE 0 END, replaced_at, id{c}
""")

_SKU_DETAILS = msgspec.json.Decoder(SkuDetails)
_PRICES = msgspec.json.Decoder(Prices)


async def find_plans(tx: Tx, keys: Collection[ItemKey]) -> dict[ItemKey, MeteredPlan]:
    """What is counted under each of the availabilities that exist, current or replaced."""
    found = {}
    for statement, parameters in _padded(list(dict.fromkeys(keys))):
        rows = await tx.all(statement, **parameters)
        found.update({(row["product_id"], row["sku_id"], row["id"]): _plan(row) for row in rows})
    return found


async def list_prices(tx: Tx, offer: Offer, sku_id: str) -> list[PricePeriod]:
    """What the dimensions of a plan cost in the market of an offer of its product, the oldest first."""
    rows = await tx.all(
        LIST_PRICES,
        product_id=offer.product_id,
        sku_id=sku_id,
        country=offer.country,
        segment=offer.segment.value,
        currency=offer.currency,
    )
    return [_period(row) for row in rows]


def _padded(keys: list[ItemKey]) -> Iterator[tuple[Statement, dict[str, str]]]:
    while keys:
        statement, size = (FIND_PLANS_2, 2) if len(keys) <= 2 else (FIND_PLANS_32, 32)
        chunk, keys = keys[:size], keys[size:]
        chunk += chunk[:1] * (size - len(chunk))
        parameters = {}
        for number, (product_id, sku_id, availability_id) in enumerate(chunk):
            parameters[f"product_{number}"] = product_id
            parameters[f"sku_{number}"] = sku_id
            parameters[f"id_{number}"] = availability_id
        yield statement, parameters


def _plan(row: Row) -> MeteredPlan:
    return MeteredPlan(
        product_id=row["product_id"],
        sku_id=row["sku_id"],
        plan_id=row["plan_id"],
        meters=frozenset(_SKU_DETAILS.decode(row["sku_document"]).meters),
        terms=_PRICES.decode(row["document"]).terms,
    )


def _period(row: Row) -> PricePeriod:
    meters = _PRICES.decode(row["document"]).meters
    return PricePeriod(
        availability_id=row["id"],
        until=optional_instant(row["replaced_at"]),
        prices={meter.dimension_id: meter.price for meter in meters},
    )
