"""What callers do with the catalogue: read it, look up what a purchase buys, take and give back stock."""

from collections.abc import Collection, Sequence

from comptoir.catalog import rules, store
from comptoir.catalog.model import (
    Availability,
    InventoryResult,
    InventoryTarget,
    Offer,
    Plan,
    Product,
    Publisher,
    Segment,
    Selection,
    Sku,
    SkuListing,
    Term,
)
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.db import Tx


async def version(tx: Tx) -> int:
    """The catalogue's version, which grows with each import that changes something."""
    return await store.version(tx)


async def publishers(tx: Tx) -> list[Publisher]:
    """Every publisher, by id."""
    return await store.list_publishers(tx)


async def products(
    tx: Tx, ctx: Context, selection: Selection, segments: Collection[Segment]
) -> list[Product]:
    """The products that the reader sees in these segments, by title in the reader's language."""
    return rules.by_title(await store.list_products(tx, selection, segments), ctx.locale)


async def product(tx: Tx, selection: Selection, product_id: str) -> Product:
    """A product that the reader sees. Raises ``PRODUCT_NOT_FOUND``."""
    key = rules.catalogue_key(product_id)
    found = None if key is None else await store.find_product(tx, selection, key[0])
    if found is None:
        raise Refusal(Code.PRODUCT_NOT_FOUND, product_id=product_id, country=selection.country)
    return found


async def skus(
    tx: Tx, selection: Selection, segments: Collection[Segment], product_id: str
) -> tuple[Product, list[Sku]]:
    """The product's SKUs that the reader sees in these segments, by id. Raises ``PRODUCT_NOT_FOUND``."""
    parent = await product(tx, selection, product_id)
    return parent, await store.list_skus(tx, selection, segments, parent.id)


async def sku(tx: Tx, selection: Selection, product_id: str, sku_id: str) -> tuple[Product, Sku]:
    """A SKU that the reader sees. Raises ``PRODUCT_NOT_FOUND`` and ``SKU_NOT_FOUND``."""
    parent = await product(tx, selection, product_id)
    key = rules.catalogue_key(sku_id)
    found = None if key is None else await store.find_sku(tx, selection, parent.id, key[0])
    if found is None:
        raise Refusal(Code.SKU_NOT_FOUND, sku_id=sku_id, product_id=product_id, country=selection.country)
    return parent, found


async def availabilities(
    tx: Tx, selection: Selection, segments: Collection[Segment], product_id: str, sku_id: str
) -> tuple[Product, Sku, list[Availability]]:
    """The SKU's current availabilities in these segments, by segment then id. Raises as ``sku`` does."""
    parent, plan = await sku(tx, selection, product_id, sku_id)
    listed = await store.list_availabilities(tx, selection, segments, parent.id, plan.id)
    return parent, plan, rules.by_segment(listed)


async def availability(tx: Tx, ctx: Context, selection: Selection, item: tuple[str, str, str]) -> SkuListing:
    """One availability that the reader sees, a replaced one until its grace is over.

    ``item`` is its product, SKU and own id. Raises as ``sku`` does, and ``AVAILABILITY_NOT_FOUND``.
    """
    parent, plan = await sku(tx, selection, item[0], item[1])
    key = rules.catalogue_key(item[2])
    found = None
    if key is not None:
        found = await store.find_availability(tx, selection.country, (parent.id, plan.id, key[0]))
    grace_seconds = ctx.account.settings.availability_grace_seconds
    if found is None or not rules.is_shown(found, selection, ctx.now, grace_seconds):
        raise Refusal(Code.AVAILABILITY_NOT_FOUND, availability_id=item[2])
    return SkuListing(parent, plan, found)


def segments_for(qualification: str) -> frozenset[Segment]:
    """The segments that a customer with this qualification may buy in."""
    return rules.segments_for(qualification)


async def offers(tx: Tx, catalog_item_ids: Collection[str]) -> dict[str, Offer]:
    """What each ``PRODUCT:SKU:AVAILABILITY`` buys, keyed by the id as asked for.

    Malformed and unknown ids are absent. Replaced availabilities are there with ``replaced_at``; whether
    their grace is over is for the caller's rules (``Offer.has_lapsed``).
    """
    keys = {text: rules.parse_catalog_item_id(text) for text in catalog_item_ids}
    found = await store.find_offers(tx, [key for key in keys.values() if key is not None])
    return {text: found[key] for text, key in keys.items() if key is not None and key in found}


async def current_terms(tx: Tx, offer: Offer) -> tuple[Term, ...]:
    """What an offer's plan is sold for now in the same country and segment; nothing once it is withdrawn."""
    selection = Selection(offer.country, frozenset({offer.segment}))
    found = await store.list_availabilities(tx, selection, selection.segments, offer.product_id, offer.sku_id)
    return tuple(term for availability in found for term in availability.terms)


async def successor(tx: Tx, offer: Offer) -> Offer | None:
    """What follows a subscription of the offer: its plan, or that of its free trial, as it is sold now.

    In the same country, segment and currency; ``None`` once the plan is withdrawn there or stop-sold.
    """
    market = rules.market_after(offer)
    return rules.on_sale((await store.find_current(tx, [market])).get(market))


async def successors(tx: Tx, catalog_item_ids: Collection[str]) -> dict[str, Offer]:
    """``successor`` of many items at once, keyed by the id as asked for; those that have none are absent."""
    bought = await offers(tx, catalog_item_ids)
    markets = {text: rules.market_after(offer) for text, offer in bought.items()}
    current = await store.find_current(tx, markets.values())
    sold = ((text, rules.on_sale(current.get(market))) for text, market in markets.items())
    return {text: offer for text, offer in sold if offer is not None}


async def plans(tx: Tx, product_id: str) -> list[Plan]:
    """Every plan of an offer and every free trial, as the publisher knows them, whoever may see them."""
    return [Plan(parent, sku) for parent, sku in await store.list_plans(tx, product_id)]


async def paid_sku(tx: Tx, publisher_id: str, offer_id: str, plan_id: str) -> Sku | None:
    """The SKU of a plan by the publisher's own ids, not that of its free trial."""
    return await store.find_paid_sku(tx, publisher_id, offer_id, plan_id)


async def sold_in(tx: Tx, plan: Plan, country: str, buyer: str) -> list[Availability]:
    """What an account may buy of a plan now for a commercial customer of a country; often nothing."""
    selection = Selection(country, frozenset({Segment.COMMERCIAL}), buyer)
    return await store.list_availabilities(tx, selection, selection.segments, plan.product.id, plan.sku.id)


async def on_sale_beside(tx: Tx, offer: Offer) -> list[Availability]:
    """What is sold now of the offer's product in the same market, and what was bought itself.

    By SKU; where a SKU has both, what is sold now comes first.
    """
    return await store.list_of_product(
        tx, offer.product_id, offer.country, offer.segment, offer.availability_id
    )


async def publisher(tx: Tx, publisher_id: str) -> Publisher:
    """A publisher that is known to exist: none is ever removed."""
    found = await store.find_publisher(tx, publisher_id)
    assert found is not None, publisher_id
    return found


async def webhook_of(tx: Tx, product_id: str) -> tuple[str, Publisher] | None:
    """Where a product's publisher is told of changes, and who that is; ``None`` for an unknown product."""
    return await store.find_webhook(tx, product_id)


async def check_inventory(tx: Tx, country: str, targets: Sequence[InventoryTarget]) -> list[InventoryResult]:
    """Whether the SKUs can be had in the country, in the order asked; unknown ones left out (section 2)."""
    keys = rules.product_keys(targets)
    return rules.judge_targets(targets, await store.find_stocked(tx, country, keys))


async def take_stock(tx: Tx, product_id: str, sku_id: str, quantity: int) -> bool:
    """Take units of a SKU with a stock limit; ``False`` and nothing taken when too few are left.

    A SKU without a stock limit is not touched and always has enough.
    """
    limit = await store.stock_limit(tx, product_id, sku_id)
    return limit is None or await store.take_stock(tx, product_id, sku_id, quantity, limit)


async def release_stock(tx: Tx, product_id: str, sku_id: str, quantity: int) -> None:
    """Give back units that were taken. Nothing happens for a SKU without a stock limit."""
    await store.release_stock(tx, product_id, sku_id, quantity)
