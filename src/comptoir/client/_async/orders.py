"""Calls about orders, and about where customers set up what they bought."""

from comptoir.client._async.connection import Connection
from comptoir.client._async.pages import AsyncPages
from comptoir.wire.orders import Order, OrderAttachment, OrderBody, OrderLineItemProvisioningStatus
from comptoir.wire.subscriptions import ActivationLinkItem
from comptoir.wire.types import Collection


class Orders:
    """Orders of a customer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(
        self,
        customer_id: str,
        order: OrderBody,
        *,
        customer_user_upn: str | None = None,
        request_id: str | None = None,
    ) -> Order:
        """Order directly, without a cart.

        ``customer_user_upn`` names the customer's user that the order is for.
        """
        return await self._connection.call(
            "orders.create",
            Order,
            body=order,
            request_id=request_id,
            customer_id=customer_id,
            customer_user_upn=customer_user_upn,
        )

    def list(
        self, customer_id: str, *, include_price: bool | None = None, billing_type: str | None = None
    ) -> AsyncPages[Order]:
        """The customer's orders, newest first. New ones may take minutes to appear; ``get`` has them."""
        return self._connection.pages(
            "orders.list",
            Collection[Order],
            customer_id=customer_id,
            include_price=include_price,
            billing_type=billing_type,
        )

    async def get(self, customer_id: str, order_id: str, *, include_price: bool | None = None) -> Order:
        """An order, by its id or its alternate id."""
        return await self._connection.call(
            "orders.get", Order, customer_id=customer_id, order_id=order_id, include_price=include_price
        )

    async def update(
        self, customer_id: str, order_id: str, order: OrderBody | Order, *, request_id: str | None = None
    ) -> Order:
        """Cancel an order or lines of it, change its billing cycle, or buy add-ons."""
        return await self._connection.call(
            "orders.patch",
            Order,
            body=order,
            request_id=request_id,
            customer_id=customer_id,
            order_id=order_id,
        )

    def provisioning_status(
        self, customer_id: str, order_id: str
    ) -> AsyncPages[OrderLineItemProvisioningStatus]:
        """How far each line is provisioned."""
        return self._connection.pages(
            "orders.provisioning_status",
            Collection[OrderLineItemProvisioningStatus],
            customer_id=customer_id,
            order_id=order_id,
        )

    def attachments(self, customer_id: str, order_id: str) -> AsyncPages[OrderAttachment]:
        """The purchase-order documents: none."""
        return self._connection.pages(
            "orders.attachments", Collection[OrderAttachment], customer_id=customer_id, order_id=order_id
        )

    async def attachment(self, customer_id: str, order_id: str, attachment_id: str) -> None:
        """A purchase-order document: not supported for software as a service."""
        await self._connection.run(
            "orders.attachment", customer_id=customer_id, order_id=order_id, attachment_id=attachment_id
        )

    async def attach(self, customer_id: str, order_id: str, *, request_id: str | None = None) -> None:
        """Attach a purchase-order document: not supported for software as a service."""
        await self._connection.run(
            "orders.attach", request_id=request_id, customer_id=customer_id, order_id=order_id
        )


class ActivationLinks:
    """Where a customer sets up what it bought. The links are absolute addresses of publishers' sites."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def for_order(self, customer_id: str, order_id: str) -> AsyncPages[ActivationLinkItem]:
        """The links of each line of an order."""
        return self._connection.pages(
            "orders.activation_links",
            Collection[ActivationLinkItem],
            customer_id=customer_id,
            order_id=order_id,
        )

    def for_line(
        self, customer_id: str, order_id: str, line_item_number: int
    ) -> AsyncPages[ActivationLinkItem]:
        """The links of one line of an order."""
        return self._connection.pages(
            "orders.line_activation_links",
            Collection[ActivationLinkItem],
            customer_id=customer_id,
            order_id=order_id,
            line_item_number=line_item_number,
        )

    def for_subscription(self, customer_id: str, subscription_id: str) -> AsyncPages[ActivationLinkItem]:
        """The links of a subscription; none once it is deleted or expired."""
        return self._connection.pages(
            "subscriptions.activation_links",
            Collection[ActivationLinkItem],
            customer_id=customer_id,
            subscription_id=subscription_id,
        )
