# Made from ../_async by tools/generate.py; do not edit.
"""Calls about carts."""

from comptoir.client._sync.connection import Connection
from comptoir.wire.carts import Cart, CartBody, CartCheckoutResult


class Carts:
    """Carts: a customer's purchase while it is put together."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, customer_id: str, cart: CartBody, *, request_id: str | None = None) -> Cart:
        """A new cart. A line that cannot be bought is kept, with its ``error``."""
        return self._connection.call(
            "carts.create", Cart, body=cart, request_id=request_id, customer_id=customer_id
        )

    def get(self, customer_id: str, cart_id: str) -> Cart:
        """A cart, until it expires or was ordered long ago."""
        return self._connection.call("carts.get", Cart, customer_id=customer_id, cart_id=cart_id)

    def update(
        self, customer_id: str, cart_id: str, cart: CartBody | Cart, *, request_id: str | None = None
    ) -> Cart:
        """Replace everything in a cart that is not ordered yet."""
        return self._connection.call(
            "carts.update",
            Cart,
            body=cart,
            request_id=request_id,
            customer_id=customer_id,
            cart_id=cart_id,
        )

    def checkout(
        self,
        customer_id: str,
        cart_id: str,
        *,
        customer_user_upn: str | None = None,
        request_id: str | None = None,
    ) -> CartCheckoutResult:
        """Order a cart: one order for each order group. Done again, it answers the same orders.

        ``customer_user_upn`` names the customer's user that the orders are for.
        """
        return self._connection.call(
            "carts.checkout",
            CartCheckoutResult,
            request_id=request_id,
            customer_id=customer_id,
            cart_id=cart_id,
            customer_user_upn=customer_user_upn,
        )
