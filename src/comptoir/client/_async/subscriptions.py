"""Calls about subscriptions."""

from comptoir.client._async.connection import Connection
from comptoir.client._async.pages import AsyncPages
from comptoir.wire.subscriptions import (
    ActivationResult,
    Conversion,
    ConversionBody,
    ConversionResult,
    ProvisioningStatus,
    RegistrationStatus,
    Subscription,
    SubscriptionBody,
    SupportContact,
    SupportContactBody,
)
from comptoir.wire.types import Collection, Reply


class Subscriptions:
    """Subscriptions of a customer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(
        self,
        customer_id: str,
        *,
        order_id: str | None = None,
        mpn_id: str | None = None,
        size: int | None = None,
        offset: int | None = None,
    ) -> AsyncPages[Subscription]:
        """The customer's subscriptions, oldest first, ended ones for a while; of one order or reseller."""
        return self._connection.pages(
            "subscriptions.list",
            Collection[Subscription],
            customer_id=customer_id,
            order_id=order_id,
            mpn_id=mpn_id,
            size=size,
            offset=offset,
        )

    async def get(self, customer_id: str, subscription_id: str) -> Subscription:
        """A subscription, whatever its status."""
        return await self._connection.call(
            "subscriptions.get", Subscription, customer_id=customer_id, subscription_id=subscription_id
        )

    async def update(
        self,
        customer_id: str,
        subscription_id: str,
        changes: SubscriptionBody | Subscription,
        *,
        etag: str | None = None,
        request_id: str | None = None,
    ) -> Subscription:
        """Change a subscription: cancel it, turn auto-renew on or off, change seats, name or reseller.

        Give only what changes, or the subscription as it was read, with other values; such a one carries its
        etag, and the change is refused if somebody else was faster.
        """
        return await self._connection.call(
            "subscriptions.patch",
            Subscription,
            body=changes,
            request_id=request_id,
            customer_id=customer_id,
            subscription_id=subscription_id,
            etag=etag,
        )

    async def activate(
        self, customer_id: str, subscription_id: str, *, request_id: str | None = None
    ) -> ActivationResult:
        """Activate a subscription in a sandbox, where no publisher does: its term and its billing start."""
        return await self._connection.call(
            "subscriptions.activate",
            ActivationResult,
            request_id=request_id,
            customer_id=customer_id,
            subscription_id=subscription_id,
        )

    async def provisioning_status(self, customer_id: str, subscription_id: str) -> ProvisioningStatus:
        """How far the subscription is set up."""
        return await self._connection.call(
            "subscriptions.provisioning_status",
            ProvisioningStatus,
            customer_id=customer_id,
            subscription_id=subscription_id,
        )

    async def registration_status(self, customer_id: str, subscription_id: str) -> RegistrationStatus:
        """Whether the subscription is registered for reservations: software as a service never is."""
        return await self._connection.call(
            "subscriptions.registration_status",
            RegistrationStatus,
            customer_id=customer_id,
            subscription_id=subscription_id,
        )

    async def register(
        self, customer_id: str, subscription_id: str, *, request_id: str | None = None
    ) -> None:
        """Register for reservations: refused for software as a service."""
        await self._connection.run(
            "subscriptions.register",
            request_id=request_id,
            customer_id=customer_id,
            subscription_id=subscription_id,
        )

    async def support_contact(self, customer_id: str, subscription_id: str) -> SupportContact:
        """Who supports the subscription: the partner itself until another contact is chosen."""
        return await self._connection.call(
            "subscriptions.support_contact_get",
            SupportContact,
            customer_id=customer_id,
            subscription_id=subscription_id,
        )

    async def set_support_contact(
        self,
        customer_id: str,
        subscription_id: str,
        contact: SupportContactBody | SupportContact,
        *,
        request_id: str | None = None,
    ) -> SupportContact:
        """Choose who supports the subscription: a reseller that works with the partner, or itself."""
        return await self._connection.call(
            "subscriptions.support_contact_update",
            SupportContact,
            body=contact,
            request_id=request_id,
            customer_id=customer_id,
            subscription_id=subscription_id,
        )

    def conversions(self, customer_id: str, subscription_id: str) -> AsyncPages[Conversion]:
        """How a trial can be ended early: one way while it runs, else none."""
        return self._connection.pages(
            "subscriptions.conversions",
            Collection[Conversion],
            customer_id=customer_id,
            subscription_id=subscription_id,
        )

    async def convert(
        self,
        customer_id: str,
        subscription_id: str,
        conversion: ConversionBody | Conversion,
        *,
        request_id: str | None = None,
    ) -> ConversionResult:
        """End a trial early: its first paid term starts now. An ``error`` tells why it did not."""
        return await self._connection.call(
            "subscriptions.convert",
            ConversionResult,
            body=conversion,
            request_id=request_id,
            customer_id=customer_id,
            subscription_id=subscription_id,
        )

    def add_ons(self, customer_id: str, subscription_id: str) -> AsyncPages[Subscription]:
        """The subscriptions that extend this one."""
        return self._connection.pages(
            "subscriptions.add_ons",
            Collection[Subscription],
            customer_id=customer_id,
            subscription_id=subscription_id,
        )

    def upgrades(self, customer_id: str, subscription_id: str) -> AsyncPages[Reply]:
        """What the subscription can be upgraded to: nothing, for software as a service."""
        return self._connection.pages(
            "subscriptions.upgrades",
            Collection[Reply],
            customer_id=customer_id,
            subscription_id=subscription_id,
        )

    async def upgrade(self, customer_id: str, subscription_id: str, *, request_id: str | None = None) -> None:
        """Upgrade: refused for software as a service."""
        await self._connection.run(
            "subscriptions.upgrade",
            request_id=request_id,
            customer_id=customer_id,
            subscription_id=subscription_id,
        )

    def transition_eligibilities(self, customer_id: str, subscription_id: str) -> AsyncPages[Reply]:
        """What the subscription can be moved to: nothing, for software as a service."""
        return self._connection.pages(
            "subscriptions.transition_eligibilities",
            Collection[Reply],
            customer_id=customer_id,
            subscription_id=subscription_id,
        )

    def transitions(self, customer_id: str, subscription_id: str) -> AsyncPages[Reply]:
        """The moves of the subscription so far: none, for software as a service."""
        return self._connection.pages(
            "subscriptions.transitions",
            Collection[Reply],
            customer_id=customer_id,
            subscription_id=subscription_id,
        )

    async def transition(
        self, customer_id: str, subscription_id: str, *, request_id: str | None = None
    ) -> None:
        """Move: refused for software as a service."""
        await self._connection.run(
            "subscriptions.transition",
            request_id=request_id,
            customer_id=customer_id,
            subscription_id=subscription_id,
        )
