"""Calls about what is for sale."""

from collections.abc import Sequence

from comptoir.client._async.connection import Connection
from comptoir.client._async.pages import AsyncPages
from comptoir.wire.catalog import (
    Availability,
    InventoryCheckBody,
    InventoryItem,
    InventoryTargetBody,
    Product,
    ProductPromotion,
    Sku,
)
from comptoir.wire.types import Collection

SAAS = "MarketplaceSaaS"


class Products:
    """Products, by market or as one customer may buy them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(
        self,
        country: str,
        *,
        target_view: str = SAAS,
        target_segment: str | None = None,
        reservation_scope: str | None = None,
    ) -> AsyncPages[Product]:
        """The products of a market, by title. ``country``: two letters."""
        return self._connection.pages(
            "catalog.products_list",
            Collection[Product],
            country=country,
            target_view=target_view,
            target_segment=target_segment,
            reservation_scope=reservation_scope,
        )

    async def get(self, product_id: str, country: str, *, reservation_scope: str | None = None) -> Product:
        """A product of a market."""
        return await self._connection.call(
            "catalog.products_get",
            Product,
            product_id=product_id,
            country=country,
            reservation_scope=reservation_scope,
        )

    def list_for_customer(
        self,
        customer_id: str,
        *,
        target_view: str = SAAS,
        target_segment: str | None = None,
        reservation_scope: str | None = None,
    ) -> AsyncPages[Product]:
        """The products that a customer may buy."""
        return self._connection.pages(
            "catalog.customer_products_list",
            Collection[Product],
            customer_id=customer_id,
            target_view=target_view,
            target_segment=target_segment,
            reservation_scope=reservation_scope,
        )

    async def get_for_customer(
        self, customer_id: str, product_id: str, *, reservation_scope: str | None = None
    ) -> Product:
        """A product, if the customer may buy it."""
        return await self._connection.call(
            "catalog.customer_products_get",
            Product,
            customer_id=customer_id,
            product_id=product_id,
            reservation_scope=reservation_scope,
        )


class Skus:
    """The plans of a product, by market or as one customer may buy them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(
        self,
        product_id: str,
        country: str,
        *,
        target_segment: str | None = None,
        reservation_scope: str | None = None,
    ) -> AsyncPages[Sku]:
        """The plans of a product."""
        return self._connection.pages(
            "catalog.skus_list",
            Collection[Sku],
            product_id=product_id,
            country=country,
            target_segment=target_segment,
            reservation_scope=reservation_scope,
        )

    async def get(
        self, product_id: str, sku_id: str, country: str, *, reservation_scope: str | None = None
    ) -> Sku:
        """A plan."""
        return await self._connection.call(
            "catalog.skus_get",
            Sku,
            product_id=product_id,
            sku_id=sku_id,
            country=country,
            reservation_scope=reservation_scope,
        )

    def list_for_customer(
        self,
        customer_id: str,
        product_id: str,
        *,
        target_segment: str | None = None,
        reservation_scope: str | None = None,
    ) -> AsyncPages[Sku]:
        """The plans of a product that a customer may buy."""
        return self._connection.pages(
            "catalog.customer_skus_list",
            Collection[Sku],
            customer_id=customer_id,
            product_id=product_id,
            target_segment=target_segment,
            reservation_scope=reservation_scope,
        )

    async def get_for_customer(
        self, customer_id: str, product_id: str, sku_id: str, *, reservation_scope: str | None = None
    ) -> Sku:
        """A plan, if the customer may buy it."""
        return await self._connection.call(
            "catalog.customer_skus_get",
            Sku,
            customer_id=customer_id,
            product_id=product_id,
            sku_id=sku_id,
            reservation_scope=reservation_scope,
        )


class Availabilities:
    """What a cart line can buy of a plan, with its terms, by market or for one customer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(
        self,
        product_id: str,
        sku_id: str,
        country: str,
        *,
        target_segment: str | None = None,
        reservation_scope: str | None = None,
    ) -> AsyncPages[Availability]:
        """The availabilities of a plan. ``catalog_item_id`` is what a cart line takes."""
        return self._connection.pages(
            "catalog.availabilities_list",
            Collection[Availability],
            product_id=product_id,
            sku_id=sku_id,
            country=country,
            target_segment=target_segment,
            reservation_scope=reservation_scope,
        )

    async def get(self, product_id: str, sku_id: str, availability_id: str, country: str) -> Availability:
        """An availability; one that was replaced is there for a day more."""
        return await self._connection.call(
            "catalog.availabilities_get",
            Availability,
            product_id=product_id,
            sku_id=sku_id,
            availability_id=availability_id,
            country=country,
        )

    def list_for_customer(
        self,
        customer_id: str,
        product_id: str,
        sku_id: str,
        *,
        target_segment: str | None = None,
        reservation_scope: str | None = None,
    ) -> AsyncPages[Availability]:
        """The availabilities of a plan that a customer may buy."""
        return self._connection.pages(
            "catalog.customer_availabilities_list",
            Collection[Availability],
            customer_id=customer_id,
            product_id=product_id,
            sku_id=sku_id,
            target_segment=target_segment,
            reservation_scope=reservation_scope,
        )

    async def get_for_customer(
        self, customer_id: str, product_id: str, sku_id: str, availability_id: str
    ) -> Availability:
        """An availability, if the customer may buy it."""
        return await self._connection.call(
            "catalog.customer_availabilities_get",
            Availability,
            customer_id=customer_id,
            product_id=product_id,
            sku_id=sku_id,
            availability_id=availability_id,
        )


class Inventory:
    """Whether plans can be had."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def check(
        self, items: Sequence[InventoryTargetBody], *, country: str | None = None
    ) -> Sequence[InventoryItem]:
        """What restricts each plan asked for, if anything does; without a country, in the partner's own."""
        return await self._connection.call(
            "catalog.inventory_check",
            list[InventoryItem],
            body=InventoryCheckBody(target_items=[*items], inventory_context={}),
            country=country,
        )


class Promotions:
    """Promotions. Comptoir has none: they do not exist for software as a service."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, segment: str | None = None, country: str | None = None) -> AsyncPages[ProductPromotion]:
        """All promotions."""
        return self._connection.pages(
            "catalog.promotions_list", Collection[ProductPromotion], segment=segment, country=country
        )

    async def get(self, promotion_id: str, *, country: str | None = None) -> None:
        """A promotion: there is none to answer with."""
        await self._connection.run("catalog.promotions_get", promotion_id=promotion_id, country=country)

    async def check_eligibility(self, customer_id: str) -> None:
        """A customer's eligibility: refused for software as a service."""
        await self._connection.run("catalog.promotion_eligibilities", customer_id=customer_id)
