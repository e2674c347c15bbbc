"""Subscriptions that a customer of the shop holds, in every state, for tests that change them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import httpx2

from comptoir.audit import service as audit
from comptoir.audit.model import Entry
from comptoir.catalog import service as catalog
from comptoir.customers import service as customers
from comptoir.db import Tx
from comptoir.subscriptions import service, store
from comptoir.subscriptions.model import Status, StatusReason, Subscription
from tests.market import Json
from tests.order_factory import put_order
from tests.order_market import Shop
from tests.subscription_factory import draft

JAVA = {"MS-PartnerCenter-Client": "Partner Center Java SDK"}
LATER_STATES = {
    Status.SUSPENDED: StatusReason.SUSPENDED_BY_PARTNER,
    Status.DELETED: StatusReason.CANCELLED_BY_PARTNER,
    Status.EXPIRED: StatusReason.EXPIRATION,
}


@dataclass
class Held:
    """A subscription of the shop's customer."""

    shop: Shop
    id: str

    @property
    def path(self) -> str:
        return f"/v1/customers/{self.shop.customer_id}/subscriptions/{self.id}"

    async def read(self, **options: Any) -> Json:
        reply = await self.shop.market.get(self.path, account=self.shop.account, **options)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def patch(self, body: Json = None, **options: Any) -> httpx2.Response:
        return await self.shop.market.patch(self.path, body, account=self.shop.account, **options)

    async def change(self, body: Json = None, **options: Any) -> Json:
        """The subscription after a PATCH that succeeds."""
        reply = await self.patch(body, **options)
        assert reply.status_code == 200, reply.text
        assert reply.json() == await self.read(headers=options.get("headers") or {})
        return reply.json()

    async def refuse(self, body: Json, status: int, code: int, **options: Any) -> str:
        """The description of a refused PATCH. That nothing was changed is looked at by the market."""
        reply = await self.patch(body, **options)
        assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text
        description: str = reply.json()["description"]
        return description

    async def stored(self) -> Subscription:
        ctx = await self.shop.market.context(self.shop.account)
        get = partial(service.get, ctx=ctx, customer_id=self.shop.customer_id, subscription_id=self.id)
        return await self.shop.market.read(get)

    async def put_into(self, status: Status) -> None:
        """Bring it into a state that no call leads to."""
        has_ended = status in {Status.DELETED, Status.EXPIRED}
        await self.rewrite(
            status=status,
            status_reason=LATER_STATES.get(status),
            ended_at=self.shop.market.now if has_ended else None,
        )

    async def rewrite(self, **members: Any) -> None:
        """Store it with other members, without a journal entry."""
        subscription = await self.stored()
        ctx = await self.shop.market.context(self.shop.account)
        changed = replace(subscription, **members, version=subscription.version + 1)
        await self.shop.market.write(
            lambda tx: store.update(tx, ctx.account.id, subscription.version, changed)
        )

    async def stock_taken(self) -> int:
        """How many units of the item are taken, by everybody."""
        item = (await self.stored()).catalog_item_id
        found = await self.shop.market.read(lambda tx: catalog.offers(tx, [item]))
        return found[item].stock_taken

    async def entries(self) -> list[Entry]:
        """What the journal holds about it, oldest first."""
        account = await self.shop.market.account(self.shop.account)
        recorded = await self.shop.market.read(lambda tx: audit.read(tx, account.id, 0, 1000))
        return [each.entry for each in recorded if each.entry.subject_id == self.id]


async def hold(
    shop: Shop, plan: str = "team", quantity: int = 6, *, is_active: bool = True, **members: Json
) -> Held:
    """One subscription of a plan, bought by a completed order, active unless told otherwise."""
    cycle = members.pop("billingCycle", "none" if plan.endswith(" trial") else "monthly")
    order = await shop.order(shop.line(plan, quantity, **members), billingCycle=cycle)
    if is_active:
        await activate(shop, order)
    return Held(shop, order["lineItems"][0]["subscriptionId"])


async def activate(shop: Shop, order: Json) -> None:
    """Set up everything that an order bought, as a publisher does where the partner may not."""
    await shop.market.configure(shop.account, allow_partner_activation=True)
    await shop.activate(order)


async def hold_in(shop: Shop, status: Status) -> Held:
    """One subscription in any status."""
    held = await hold(shop, is_active=status is not Status.PENDING)
    if status in LATER_STATES:
        await held.put_into(status)
    return held


async def hold_unlisted(shop: Shop) -> Held:
    """An active subscription of an item that the catalogue has lost."""
    ctx = await shop.market.context(shop.account)

    async def work(tx: Tx) -> Held:
        customer = await customers.lock(tx, ctx, shop.customer_id)
        created = await service.create(tx, ctx, customer, draft(quantity=6))
        await put_order(tx, ctx, created)
        await service.activate(tx, ctx, created, is_in_progress=False)
        return Held(shop, created.id)

    return await shop.market.write(work)


def later(shop: Shop, now: datetime) -> None:
    """Let time pass until an instant; tokens are too old by then."""
    assert now >= shop.market.now
    shop.market.time[0] = now
    shop.market.tokens.clear()


def pascal(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body with its members, at every depth, spelled as .NET does."""
    return {name[:1].upper() + name[1:]: _pascal(value) for name, value in body.items()}


def _pascal(value: Json) -> Json:
    if isinstance(value, dict):
        return pascal(value)
    return [_pascal(item) for item in value] if isinstance(value, list) else value
