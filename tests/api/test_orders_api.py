"""Orders over HTTP, on both engines (``10-catalog-cart-orders`` sections 4 and 5)."""

import pytest
from tests.order_market import Shop, shop

pytestmark = pytest.mark.anyio
__all__ = ["shop"]


async def test_probe(shop: Shop) -> None:
    order = await shop.order()
    print(order)
