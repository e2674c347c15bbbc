"""SQL of catalogue imports: the whole catalogue as it is stored, and the rows that an import writes."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from comptoir.catalog import store
from comptoir.catalog.model import DEFAULT_LOCALE, Publisher, Segment, Sku
from comptoir.catalog.publishing import ImportPlan, Issued, NewAvailability, PlanSku, Shelf
from comptoir.core.instants import to_micros
from comptoir.db import Tx, Value, sql

START_VERSION = sql("""
    INSERT INTO instance (name, value) VALUES ('catalogue_version', '0') ON CONFLICT (name) DO NOTHING
""")
LOCK_VERSION = sql("SELECT value FROM instance WHERE name = 'catalogue_version' {for_update}")
SET_VERSION = sql("UPDATE instance SET value = :value WHERE name = 'catalogue_version'")


async def lock_version(tx: Tx) -> int:
    """The catalogue's version, held until the transaction ends: imports follow one another."""
    await tx.run(START_VERSION)
    row = await tx.one(LOCK_VERSION)
    assert row is not None, "the row was just made sure of"
    return int(row["value"])


async def set_version(tx: Tx, version: int) -> None:
    await tx.run(SET_VERSION, value=str(version))


LIST_ALL_PRODUCTS = sql("""
    SELECT p.id, p.publisher_id, p.offer_id, p.document, u.name AS publisher_name
    FROM products p JOIN publishers u ON u.id = p.publisher_id
""")
LIST_ALL_SKUS = sql("SELECT product_id, id, plan_id, is_trial, stock_limit, document FROM skus")
LIST_ISSUED = sql("""
    SELECT product_id, sku_id, id, country, segment, fingerprint FROM availabilities WHERE is_current = 1
""")


async def load_shelf(tx: Tx) -> Shelf:
    """Everything that is stored, but for the terms of availabilities."""
    publishers = await store.list_publishers(tx)
    products = [store.product_of(row) for row in await tx.all(LIST_ALL_PRODUCTS)]
    skus: dict[str, dict[PlanSku, Sku]] = {product.id: {} for product in products}
    for row in await tx.all(LIST_ALL_SKUS):
        sku = store.sku_of(row)
        skus[sku.product_id][sku.plan_id, sku.is_trial] = sku
    issued = {
        (row["product_id"], row["sku_id"], row["country"], Segment(row["segment"])): Issued(
            row["id"], row["fingerprint"]
        )
        for row in await tx.all(LIST_ISSUED)
    }
    return Shelf(
        publishers={publisher.id: publisher for publisher in publishers},
        products={(product.publisher_id, product.offer_id): product for product in products},
        skus=skus,
        issued=issued,
    )


# One catalogue for all accounts.
PUT_PUBLISHER = sql("""
    INSERT INTO publishers (id, name, tenant_id, application_id, document)
    VALUES (:id, :name, :tenant_id, :application_id, :document)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, tenant_id = excluded.tenant_id,
        application_id = excluded.application_id, document = excluded.document
""")
# One catalogue for all accounts.
PUT_PRODUCT = sql("""
    INSERT INTO products (id, publisher_id, offer_id, title, document)
    VALUES (:id, :publisher_id, :offer_id, :title, :document)
    ON CONFLICT (id) DO UPDATE SET title = excluded.title, document = excluded.document
""")
# One catalogue for all accounts.
PUT_SKU = sql("""
    INSERT INTO skus (product_id, id, plan_id, is_trial, is_stop_sold, is_exclusive, stock_limit, document)
    VALUES (:product_id, :id, :plan_id, :is_trial, :is_stop_sold, :is_exclusive, :stock_limit, :document)
    ON CONFLICT (product_id, id) DO UPDATE SET is_stop_sold = excluded.is_stop_sold,
        is_exclusive = excluded.is_exclusive, stock_limit = excluded.stock_limit, document = excluded.document
""")
# One catalogue for all accounts.
DELETE_PARTNERS = sql("DELETE FROM sku_partners WHERE product_id = :product_id AND sku_id = :sku_id")
ADD_PARTNER = sql("""
    INSERT INTO sku_partners (product_id, sku_id, account_id) VALUES (:product_id, :sku_id, :account_id)
""")
START_STOCK = sql("""
    INSERT INTO sku_stock (product_id, sku_id, taken) VALUES (:product_id, :sku_id, 0)
    ON CONFLICT (product_id, sku_id) DO NOTHING
""")
END_AVAILABILITY = sql("""
    UPDATE availabilities SET is_current = 0, replaced_at = :now
    WHERE product_id = :product_id AND sku_id = :sku_id AND id = :id
""")
ISSUE_AVAILABILITY = sql("""
    INSERT INTO availabilities (product_id, sku_id, id, country, segment, currency, is_current, replaced_at,
        fingerprint, document)
    VALUES (:product_id, :sku_id, :id, :country, :segment, :currency, 1, NULL, :fingerprint, :document)
""")


async def apply(tx: Tx, plan: ImportPlan, now: datetime) -> None:
    """Write an import. Availabilities that are replaced or withdrawn stay, with the time of their end."""
    await tx.many(PUT_PUBLISHER, [_publisher_row(publisher) for publisher in plan.publishers])
    await tx.many(
        PUT_PRODUCT,
        [
            {
                "id": product.id,
                "publisher_id": product.publisher_id,
                "offer_id": product.offer_id,
                "title": product.details.title[DEFAULT_LOCALE],
                "document": _json(product.details),
            }
            for product in plan.products
        ],
    )
    await _put_skus(tx, plan)
    replaced = [
        (new.availability.product_id, new.availability.sku_id, new.replaces)
        for new in plan.issued
        if new.replaces is not None
    ]
    ended = [*replaced, *plan.withdrawn]
    await tx.many(
        END_AVAILABILITY,
        [{"product_id": key[0], "sku_id": key[1], "id": key[2], "now": to_micros(now)} for key in ended],
    )
    await tx.many(ISSUE_AVAILABILITY, [_availability_row(new) for new in plan.issued])


async def _put_skus(tx: Tx, plan: ImportPlan) -> None:
    keys = [{"product_id": sku.product_id, "sku_id": sku.id} for sku in plan.skus]
    await tx.many(PUT_SKU, [_sku_row(sku) for sku in plan.skus])
    await tx.many(DELETE_PARTNERS, keys)
    partners = [
        {"product_id": sku.product_id, "sku_id": sku.id, "account_id": account_id}
        for sku in plan.skus
        for account_id in sorted(sku.details.exclusive_to or ())
    ]
    await tx.many(ADD_PARTNER, partners)
    limited = [key for key, sku in zip(keys, plan.skus, strict=True) if sku.stock_limit is not None]
    await tx.many(START_STOCK, limited)


def _publisher_row(publisher: Publisher) -> Mapping[str, Value]:
    return {
        "id": publisher.id,
        "name": publisher.name,
        "tenant_id": publisher.tenant_id,
        "application_id": publisher.application_id,
        "document": _json(publisher.support),
    }


def _sku_row(sku: Sku) -> Mapping[str, Value]:
    return {
        "product_id": sku.product_id,
        "id": sku.id,
        "plan_id": sku.plan_id,
        "is_trial": int(sku.is_trial),
        "is_stop_sold": int(sku.details.is_stop_sold),
        "is_exclusive": int(sku.details.exclusive_to is not None),
        "stock_limit": sku.stock_limit,
        "document": _json(sku.details),
    }


def _availability_row(new: NewAvailability) -> Mapping[str, Value]:
    availability = new.availability
    return {
        "product_id": availability.product_id,
        "sku_id": availability.sku_id,
        "id": availability.id,
        "country": availability.country,
        "segment": availability.segment.value,
        "currency": availability.currency,
        "fingerprint": new.fingerprint,
        "document": _json(store.Prices(availability.terms, availability.meters)),
    }


def _json(document: object) -> str:
    return msgspec.json.encode(document, order="sorted").decode()
