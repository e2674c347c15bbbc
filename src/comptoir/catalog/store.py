"""SQL of the catalogue's readers. The catalogue is one for all accounts, so no read filters by account."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from comptoir.catalog.model import (
    Availability,
    Contact,
    MeterPrice,
    Offer,
    PricingModel,
    Product,
    ProductDetails,
    Publisher,
    Segment,
    Selection,
    Sku,
    SkuDetails,
    StockedSku,
    Term,
)
from comptoir.catalog.texts import in_locale
from comptoir.core.instants import optional_instant
from comptoir.db import Row, Statement, Tx, sql

ItemKey = tuple[str, str, str]
MarketKey = tuple[str, str, str, str, str]
"""Product id, SKU id, country, segment and currency: what has one current availability at a time."""

GET_VERSION = sql("SELECT value FROM instance WHERE name = 'catalogue_version'")


async def version(tx: Tx) -> int:
    """How many imports have changed the catalogue so far."""
    row = await tx.one(GET_VERSION)
    return 0 if row is None else int(row["value"])


LIST_PUBLISHERS = sql("""
    SELECT id, name, tenant_id, application_id, document FROM publishers ORDER BY id{c}
""")


async def list_publishers(tx: Tx) -> list[Publisher]:
    """Every publisher, by id."""
    return [_publisher(row) for row in await tx.all(LIST_PUBLISHERS)]


# What a reader sees: current availabilities of the country in the given segments and, for a buyer, only
# what may be bought: neither stop-sold nor exclusive to others.
_VISIBLE = """
    FROM availabilities a JOIN skus s ON s.product_id = a.product_id AND s.id = a.sku_id
    WHERE a.country = :country AND a.is_current = 1
        AND a.segment IN (:segment_1, :segment_2, :segment_3, :segment_4)
        AND (CAST(:buyer AS TEXT) IS NULL OR (s.is_stop_sold = 0 AND (s.is_exclusive = 0 OR EXISTS (
            SELECT 1 FROM sku_partners x
            WHERE x.product_id = s.product_id AND x.sku_id = s.id AND x.account_id = :buyer))))
"""
_PRODUCT = """
    p.id, p.publisher_id, p.offer_id, p.document, u.name AS publisher_name
    FROM products p JOIN publishers u ON u.id = p.publisher_id
"""
_SKU = "k.product_id, k.id, k.plan_id, k.is_trial, k.stock_limit, k.document"
_AVAILABILITY = "a.product_id, a.sku_id, a.id, a.country, a.segment, a.currency, a.replaced_at, a.document"

LIST_PRODUCTS = sql(f"SELECT {_PRODUCT} WHERE EXISTS (SELECT 1 {_VISIBLE} AND a.product_id = p.id)")
GET_PRODUCT = sql(
    f"SELECT {_PRODUCT} WHERE p.id = :product_id AND EXISTS (SELECT 1 {_VISIBLE} AND a.product_id = p.id)"
)
LIST_SKUS = sql(
    f"SELECT {_SKU} FROM skus k WHERE k.product_id = :product_id"  # noqa: S608 - fixed texts
    f" AND EXISTS (SELECT 1 {_VISIBLE} AND a.product_id = k.product_id AND a.sku_id = k.id)"
    " ORDER BY k.id{c}"
)
GET_SKU = sql(
    f"SELECT {_SKU} FROM skus k WHERE k.product_id = :product_id AND k.id = :sku_id"  # noqa: S608 - fixed texts
    f" AND EXISTS (SELECT 1 {_VISIBLE} AND a.product_id = k.product_id AND a.sku_id = k.id)"
)
LIST_AVAILABILITIES = sql(
    f"SELECT {_AVAILABILITY} {_VISIBLE} AND a.product_id = :product_id AND a.sku_id = :sku_id"
)
GET_AVAILABILITY = sql(
    f"SELECT {_AVAILABILITY} FROM availabilities a"  # noqa: S608 - fixed texts
    " WHERE a.product_id = :product_id AND a.sku_id = :sku_id AND a.id = :id AND a.country = :country"
)


LIST_PLANS = sql("""
    SELECT k.product_id, k.id AS sku_id, k.plan_id, k.is_trial, k.stock_limit, k.document AS sku_document,
        p.id, p.publisher_id, p.offer_id, p.document, u.name AS publisher_name
    FROM skus k JOIN products p ON p.id = k.product_id JOIN publishers u ON u.id = p.publisher_id
    WHERE k.product_id = :product_id ORDER BY k.id{c}
""")
LIST_OF_PRODUCT = sql(
    f"SELECT {_AVAILABILITY} FROM availabilities a"  # noqa: S608 - fixed texts
    " WHERE a.product_id = :product_id AND a.country = :country AND a.segment = :segment"
    " AND (a.is_current = 1 OR a.id = :bought_id) ORDER BY a.sku_id{c}, a.is_current DESC, a.id{c}"
)
GET_PUBLISHER = sql("SELECT id, name, tenant_id, application_id, document FROM publishers WHERE id = :id")


async def list_plans(tx: Tx, product_id: str) -> list[tuple[Product, Sku]]:
    """Every SKU of a product, whether or not anybody sees it, with the product."""
    rows = await tx.all(LIST_PLANS, product_id=product_id)
    return [
        (product_of(row), sku_of({**row, "id": row["sku_id"], "document": row["sku_document"]}))
        for row in rows
    ]


FIND_PAID_SKU = sql("""
    SELECT k.product_id, k.id, k.plan_id, k.is_trial, k.stock_limit, k.document
    FROM skus k JOIN products p ON p.id = k.product_id
    WHERE p.publisher_id = :publisher_id AND p.offer_id = :offer_id
      AND k.plan_id = :plan_id AND k.is_trial = 0
""")


async def find_paid_sku(tx: Tx, publisher_id: str, offer_id: str, plan_id: str) -> Sku | None:
    """The SKU of a plan by the publisher's own ids."""
    row = await tx.one(FIND_PAID_SKU, publisher_id=publisher_id, offer_id=offer_id, plan_id=plan_id)
    return None if row is None else sku_of(row)


async def list_of_product(
    tx: Tx, product_id: str, country: str, segment: Segment, bought_id: str
) -> list[Availability]:
    """The product's current availabilities in a market, and the one that was bought, current ones first."""
    rows = await tx.all(
        LIST_OF_PRODUCT, product_id=product_id, country=country, segment=segment.value, bought_id=bought_id
    )
    return [_availability(row) for row in rows]


async def find_publisher(tx: Tx, publisher_id: str) -> Publisher | None:
    row = await tx.one(GET_PUBLISHER, id=publisher_id)
    return None if row is None else _publisher(row)


GET_WEBHOOK = sql("""
    SELECT u.id, u.name, u.tenant_id, u.application_id, u.document, p.document AS product_document
    FROM products p JOIN publishers u ON u.id = p.publisher_id WHERE p.id = :product_id
""")


async def find_webhook(tx: Tx, product_id: str) -> tuple[str, Publisher] | None:
    """The address that a product's publisher gives for webhooks, and the publisher."""
    row = await tx.one(GET_WEBHOOK, product_id=product_id)
    return None if row is None else (_DETAILS.decode(row["product_document"]).webhook_url, _publisher(row))


async def list_products(tx: Tx, selection: Selection, segments: Collection[Segment]) -> list[Product]:
    """Products with at least one visible availability in the segments, in no order."""
    return [product_of(row) for row in await tx.all(LIST_PRODUCTS, **_seen(selection, segments))]


async def find_product(tx: Tx, selection: Selection, product_id: str) -> Product | None:
    row = await tx.one(GET_PRODUCT, product_id=product_id, **_seen(selection, selection.segments))
    return None if row is None else product_of(row)


async def list_skus(
    tx: Tx, selection: Selection, segments: Collection[Segment], product_id: str
) -> list[Sku]:
    """The product's SKUs with at least one visible availability in the segments, by id."""
    rows = await tx.all(LIST_SKUS, product_id=product_id, **_seen(selection, segments))
    return [sku_of(row) for row in rows]


async def find_sku(tx: Tx, selection: Selection, product_id: str, sku_id: str) -> Sku | None:
    seen = _seen(selection, selection.segments)
    row = await tx.one(GET_SKU, product_id=product_id, sku_id=sku_id, **seen)
    return None if row is None else sku_of(row)


async def list_availabilities(
    tx: Tx, selection: Selection, segments: Collection[Segment], product_id: str, sku_id: str
) -> list[Availability]:
    """The SKU's visible availabilities in the segments, in no order."""
    seen = _seen(selection, segments)
    rows = await tx.all(LIST_AVAILABILITIES, product_id=product_id, sku_id=sku_id, **seen)
    return [_availability(row) for row in rows]


async def find_availability(tx: Tx, country: str, key: ItemKey) -> Availability | None:
    """One availability of the country, current or replaced."""
    row = await tx.one(GET_AVAILABILITY, product_id=key[0], sku_id=key[1], id=key[2], country=country)
    return None if row is None else _availability(row)


def _seen(selection: Selection, segments: Collection[Segment]) -> dict[str, str | None]:
    names = [segment.value for segment in segments] + [""] * len(Segment)
    return {
        "country": selection.country,
        "buyer": selection.buyer,
        **{f"segment_{number}": names[number - 1] for number in range(1, len(Segment) + 1)},
    }


def _keys(width: int, count: int) -> str:
    """``(:key_0_0, :key_0_1), (:key_1_0, ...)``: the parameters of ``count`` composite keys."""
    rows = ([f":key_{row}_{column}" for column in range(width)] for row in range(count))
    return ", ".join(f"({', '.join(row)})" for row in rows)


_OFFER = """
    a.product_id, a.sku_id, a.id, a.country, a.segment, a.currency, a.replaced_at, a.document,
        s.is_trial, s.stock_limit, s.document AS sku_document, p.document AS product_document,
        u.id AS publisher_id, u.name AS publisher_name, t.taken
    FROM availabilities a
        JOIN skus s ON s.product_id = a.product_id AND s.id = a.sku_id
        JOIN products p ON p.id = a.product_id
        JOIN publishers u ON u.id = p.publisher_id
        LEFT JOIN sku_stock t ON t.product_id = a.product_id AND t.sku_id = a.sku_id
"""


def _find_offers(count: int) -> Statement:
    return sql(f"SELECT {_OFFER} WHERE (a.product_id, a.sku_id, a.id) IN (VALUES {_keys(3, count)})")


def _find_current(count: int) -> Statement:
    return sql(
        f"SELECT {_OFFER} WHERE a.is_current = 1"
        f" AND (a.product_id, a.sku_id, a.country, a.segment, a.currency) IN (VALUES {_keys(5, count)})"
    )


def _find_stocked(count: int) -> Statement:
    return sql(f"""
        SELECT s.product_id, s.id, s.is_stop_sold, s.stock_limit, s.document, t.taken,
            CASE WHEN EXISTS (
                SELECT 1 FROM availabilities a
                WHERE a.product_id = s.product_id AND a.sku_id = s.id AND a.country = :country
                    AND a.is_current = 1
            ) THEN 1 ELSE 0 END AS is_sold
        FROM skus s LEFT JOIN sku_stock t ON t.product_id = s.product_id AND t.sku_id = s.id
        WHERE s.product_id IN (VALUES {_keys(1, count)})
        ORDER BY s.product_id{{c}}, s.id{{c}}
    """)  # noqa: S608 - parameter names


# A statement is one fixed text, so there is one for few keys and one for many; the rest is padded.
FIND_OFFERS_4 = _find_offers(4)
FIND_OFFERS_32 = _find_offers(32)
FIND_CURRENT_4 = _find_current(4)
FIND_CURRENT_32 = _find_current(32)
FIND_STOCKED_4 = _find_stocked(4)
FIND_STOCKED_32 = _find_stocked(32)


async def find_offers(tx: Tx, keys: Collection[ItemKey]) -> dict[ItemKey, Offer]:
    """The offers that exist among ``keys``, replaced ones too."""
    found = {}
    for few, chunk in _chunks(keys):
        rows = await tx.all(FIND_OFFERS_4 if few else FIND_OFFERS_32, **_key_parameters(chunk))
        found.update({(row["product_id"], row["sku_id"], row["id"]): _offer(row) for row in rows})
    return found


async def find_current(tx: Tx, keys: Collection[MarketKey]) -> dict[MarketKey, Offer]:
    """What is on sale now in each of these markets; one that was left is absent."""
    found = {}
    for few, chunk in _chunks(keys):
        rows = await tx.all(FIND_CURRENT_4 if few else FIND_CURRENT_32, **_key_parameters(chunk))
        found.update({_market(row): _offer(row) for row in rows})
    return found


async def find_stocked(tx: Tx, country: str, product_ids: Collection[str]) -> list[StockedSku]:
    """Every SKU of the products, by product and id."""
    found: list[StockedSku] = []
    for few, chunk in _chunks([(product_id,) for product_id in product_ids]):
        statement = FIND_STOCKED_4 if few else FIND_STOCKED_32
        rows = await tx.all(statement, country=country, **_key_parameters(chunk))
        found.extend(_stocked(row) for row in rows)
    return found


def _chunks(keys: Collection[tuple[str, ...]]) -> Iterator[tuple[bool, list[tuple[str, ...]]]]:
    """The distinct keys in parts of 4 or 32, each filled up with its first key; says which of the two."""
    distinct = list(dict.fromkeys(keys))
    while distinct:
        few = len(distinct) <= 4
        chunk, distinct = distinct[:32], distinct[32:]
        yield few, chunk + chunk[:1] * ((4 if few else 32) - len(chunk))


def _key_parameters(keys: Iterable[Sequence[str]]) -> dict[str, str]:
    return {f"key_{row}_{column}": part for row, key in enumerate(keys) for column, part in enumerate(key)}


GET_STOCK_LIMIT = sql("SELECT stock_limit FROM skus WHERE product_id = :product_id AND id = :sku_id")
TAKE_STOCK = sql("""
    UPDATE sku_stock SET taken = taken + :quantity
    WHERE product_id = :product_id AND sku_id = :sku_id AND taken + :quantity <= :stock_limit
""")
RELEASE_STOCK = sql("""
    UPDATE sku_stock SET taken = taken - :quantity
    WHERE product_id = :product_id AND sku_id = :sku_id AND taken >= :quantity
""")


async def stock_limit(tx: Tx, product_id: str, sku_id: str) -> int | None:
    row = await tx.one(GET_STOCK_LIMIT, product_id=product_id, sku_id=sku_id)
    return None if row is None else row["stock_limit"]


async def take_stock(tx: Tx, product_id: str, sku_id: str, quantity: int, limit: int) -> bool:
    """Count ``quantity`` more units as taken if that many are left; two buyers cannot both take the last."""
    touched = await tx.run(
        TAKE_STOCK, product_id=product_id, sku_id=sku_id, quantity=quantity, stock_limit=limit
    )
    return touched == 1


async def release_stock(tx: Tx, product_id: str, sku_id: str, quantity: int) -> None:
    await tx.run(RELEASE_STOCK, product_id=product_id, sku_id=sku_id, quantity=quantity)


@dataclass(frozen=True, slots=True)
class Prices:
    """The document of an availability: what a new id is issued for when it changes."""

    terms: tuple[Term, ...]
    meters: tuple[MeterPrice, ...]


_SUPPORT = msgspec.json.Decoder(Contact | None)
_DETAILS = msgspec.json.Decoder(ProductDetails)
_SKU_DETAILS = msgspec.json.Decoder(SkuDetails)
_PRICES = msgspec.json.Decoder(Prices)


def _publisher(row: Row) -> Publisher:
    return Publisher(
        id=row["id"],
        name=row["name"],
        tenant_id=row["tenant_id"],
        application_id=row["application_id"],
        support=_SUPPORT.decode(row["document"]),
    )


def product_of(row: Row) -> Product:
    """The product of a row with its publisher's name."""
    return Product(
        id=row["id"],
        publisher_id=row["publisher_id"],
        publisher_name=row["publisher_name"],
        offer_id=row["offer_id"],
        details=_DETAILS.decode(row["document"]),
    )


def sku_of(row: Row) -> Sku:
    """The SKU of a row."""
    return Sku(
        product_id=row["product_id"],
        id=row["id"],
        plan_id=row["plan_id"],
        is_trial=row["is_trial"] == 1,
        stock_limit=row["stock_limit"],
        details=_SKU_DETAILS.decode(row["document"]),
    )


def _availability(row: Row) -> Availability:
    prices = _PRICES.decode(row["document"])
    return Availability(
        product_id=row["product_id"],
        sku_id=row["sku_id"],
        id=row["id"],
        country=row["country"],
        segment=Segment(row["segment"]),
        currency=row["currency"],
        replaced_at=optional_instant(row["replaced_at"]),
        terms=prices.terms,
        meters=prices.meters,
    )


def _market(row: Row) -> MarketKey:
    return row["product_id"], row["sku_id"], row["country"], row["segment"], row["currency"]


def _stocked(row: Row) -> StockedSku:
    return StockedSku(
        product_id=row["product_id"],
        id=row["id"],
        is_sold_in_country=row["is_sold"] == 1,
        is_stop_sold=row["is_stop_sold"] == 1,
        minimum_quantity=_SKU_DETAILS.decode(row["document"]).minimum_quantity,
        stock_limit=row["stock_limit"],
        stock_taken=row["taken"] or 0,
    )


def _offer(row: Row) -> Offer:
    availability = _availability(row)
    sku = _SKU_DETAILS.decode(row["sku_document"])
    product = _DETAILS.decode(row["product_document"])
    return Offer(
        product_id=availability.product_id,
        sku_id=availability.sku_id,
        availability_id=availability.id,
        publisher_id=row["publisher_id"],
        publisher_name=row["publisher_name"],
        product_title=in_locale(product.title, "en-US"),
        sku_title=in_locale(sku.title, "en-US"),
        country=availability.country,
        segment=availability.segment,
        currency=availability.currency,
        minimum_quantity=sku.minimum_quantity,
        maximum_quantity=sku.maximum_quantity,
        is_trial=row["is_trial"] == 1,
        is_add_on=bool(sku.parent_skus),
        parent_skus=sku.parent_skus,
        is_per_seat=product.pricing_model is PricingModel.PER_USER,
        unit_type=sku.unit_type,
        terms=availability.terms,
        supported_billing_cycles=sku.supported_billing_cycles,
        replaced_at=availability.replaced_at,
        is_stop_sold=sku.is_stop_sold,
        exclusive_to=sku.exclusive_to,
        ownership_limit=sku.ownership_limit,
        stock_limit=row["stock_limit"],
        stock_taken=row["taken"] or 0,
        requires_attestation=sku.attestation_type is not None,
        minimum_parent_quantity=sku.minimum_parent_quantity,
        landing_page_url=product.landing_page_url,
        renews_to_sku=sku.renews_to_sku,
        metered_only=bool(availability.meters) and all(term.price.amount == 0 for term in availability.terms),
        fulfillment=product.fulfillment,
        seat_reduction=sku.seat_reduction,
    )
