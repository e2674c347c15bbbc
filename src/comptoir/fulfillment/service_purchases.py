"""Purchases as their publisher finds, reads, resolves and activates them (sections 3.2 to 3.6)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from comptoir.audit import service as audit
from comptoir.audit.model import Action as Act
from comptoir.catalog import service as catalog
from comptoir.catalog.model import Availability, Plan
from comptoir.clock import service as clock
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.instants import EPOCH, from_micros, to_micros
from comptoir.customers import service as customers
from comptoir.db import Tx
from comptoir.fulfillment import onsale, rules, store
from comptoir.fulfillment.model import ChangeRequest, Parties, Person, PlanOnSale, Purchase, PurchasePage
from comptoir.identity import service as identity
from comptoir.orders import service as orders
from comptoir.subscriptions import service as subscriptions
from comptoir.subscriptions.links import PurchaseToken
from comptoir.subscriptions.model import Status, Subscription

PAGE = "publisher_page"
"""The purpose under which continuation tokens of publishers are signed."""

PASSES_MAX = 10
"""How often a page is filled up with what follows, before it is left short."""

ACTIVATE = "activate_purchase"
"""The kind of due work that activates a purchase later than its publisher asked. Its subject is the
subscription."""


@dataclass(frozen=True, slots=True)
class Found:
    """A purchase of the publisher that asks, with the context of the account in which it was made."""

    ctx: Context
    subscription: Subscription
    plan: Plan


async def require(
    tx: Tx, ctx: Context, publisher_id: str, subscription_id: str, *, is_locked: bool = False
) -> Found:
    """The publisher's purchase. ``is_locked``: it is about to be changed, and nobody else does meanwhile.

    Raises ``PURCHASE_NOT_FOUND``, for what its publisher is not shown too, and ``PURCHASE_FOREIGN``.
    """
    found = None
    if subscription_id.isprintable():
        found = await subscriptions.get_by_id(tx, subscription_id.lower())
    if found is None:
        raise Refusal(Code.PURCHASE_NOT_FOUND, subscription_id=subscription_id[:100])
    account_id, subscription = found
    own = await identity.in_account(tx, ctx, account_id)
    if not own.account.is_seen_by_publishers:
        raise Refusal(Code.PURCHASE_NOT_FOUND, subscription_id=subscription.id)
    if subscription.publisher_id != publisher_id:
        raise Refusal(Code.PURCHASE_FOREIGN, subscription_id=subscription.id)
    if is_locked:
        await customers.seize(tx, subscription.customer_id)
        subscription = await subscriptions.get(tx, own, subscription.customer_id, subscription.id)
        subscriptions.require_settled(own, subscription)
    return Found(own, subscription, await plan_of(tx, subscription))


async def plan_of(tx: Tx, subscription: Subscription) -> Plan:
    """What was bought, in its publisher's terms."""
    return rules.plan_of(await catalog.plans(tx, subscription.product_id), subscription.sku_id)


async def view(tx: Tx, ctx: Context, subscription: Subscription, plan: Plan) -> Purchase:
    """A subscription of the context's account in the publisher's words."""
    return rules.purchase_of(subscription, plan, await _parties(tx, ctx, subscription), ctx.account)


async def get(tx: Tx, ctx: Context, publisher_id: str, subscription_id: str) -> Purchase:
    """One purchase of the publisher, whatever its status."""
    found = await require(tx, ctx, publisher_id, subscription_id)
    return await view(tx, found.ctx, found.subscription, found.plan)


async def page(tx: Tx, ctx: Context, publisher_id: str, *, size: int, token: str | None) -> PurchasePage:
    """A page of the publisher's purchases, oldest first. Raises ``PAGE_TOKEN_INVALID``.

    It may hold fewer than ``size`` although more follow: those that no publisher is shown are passed over.
    """
    place = (EPOCH, "") if token is None else _position(ctx, publisher_id, token)
    reader = _Reader(tx, ctx)
    purchases: list[Purchase] = []
    for _ in range(PASSES_MAX):
        count = size - len(purchases)
        found = await subscriptions.list_for_publisher(
            tx, publisher_id, after_created_at=place[0], after_id=place[1], limit=count + 1
        )
        for account_id, subscription in found[:count]:
            place = (subscription.created_at, subscription.id)
            purchases += await reader.shown(account_id, subscription)
        if len(found) <= count:
            return PurchasePage(tuple(purchases), None)
        if len(purchases) == size:
            break
    return PurchasePage(tuple(purchases), _token(ctx, publisher_id, *place))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads purchases of many accounts, each account and each product once."""

    tx: Tx
    ctx: Context
    accounts: dict[str, Context] = field(default_factory=dict)
    plans: dict[str, list[Plan]] = field(default_factory=dict)

    async def shown(self, account_id: str, subscription: Subscription) -> list[Purchase]:
        """The purchase, or nothing where no publisher is shown it."""
        if account_id not in self.accounts:
            self.accounts[account_id] = await identity.in_account(self.tx, self.ctx, account_id)
        own, product_id = self.accounts[account_id], subscription.product_id
        if not own.account.is_seen_by_publishers:
            return []
        if product_id not in self.plans:
            self.plans[product_id] = await catalog.plans(self.tx, product_id)
        plan = rules.plan_of(self.plans[product_id], subscription.sku_id)
        return [await view(self.tx, own, subscription, plan)]


def _token(ctx: Context, publisher_id: str, created_at: datetime, subscription_id: str) -> str:
    place = {"publisher": publisher_id, "created": to_micros(created_at), "id": subscription_id}
    return ctx.sign(PAGE, json.dumps(place, separators=(",", ":")).encode())


def _position(ctx: Context, publisher_id: str, token: str) -> tuple[datetime, str]:
    """After which purchase a page begins. A token leads nobody else anywhere."""
    payload = ctx.unsign(PAGE, token)
    place = {} if payload is None else json.loads(payload)
    if place.get("publisher") != publisher_id:
        raise Refusal(Code.PAGE_TOKEN_INVALID)
    return from_micros(place["created"]), place["id"]


async def resolve(tx: Tx, ctx: Context, publisher_id: str, token: str) -> Purchase:
    """What was bought, for the token of a landing page; as often as the publisher likes until it expires.

    Changes nothing but that the purchase is known to its publisher from now on (section 3.2).
    """
    purchase = _opened(ctx, token)
    if purchase.publisher_id != publisher_id:
        raise Refusal(Code.PURCHASE_FOREIGN, subscription_id=purchase.subscription_id)
    found = await require(tx, ctx, publisher_id, purchase.subscription_id)
    subscription = found.subscription
    key = (found.ctx.account.id, subscription.customer_id, subscription.id)
    if await store.mark_resolved(tx, *key, at=ctx.wall):
        _record_resolution(tx, found)
    return await view(tx, found.ctx, subscription, found.plan)


def _opened(ctx: Context, token: str) -> PurchaseToken:
    payload = ctx.unsign(subscriptions.PURCHASE, token_as_made(token))
    purchase = None if payload is None else PurchaseToken.decode(payload)
    if purchase is None or ctx.wall >= purchase.expires_at:
        raise Refusal(Code.PURCHASE_TOKEN_INVALID)
    return purchase


def token_as_made(token: str) -> str:
    """A token as we made it, whatever alphabet it was handed out in and however often it was decoded."""
    return token.replace(" ", "-").replace("+", "-").replace("/", "_").rstrip("=")


def _record_resolution(tx: Tx, found: Found) -> None:
    audit.record(
        tx,
        found.ctx,
        Act.RESOLVE_PURCHASE,
        subject_kind="subscription",
        subject_id=found.subscription.id,
        customer_id=found.subscription.customer_id,
    )


async def activate(
    tx: Tx, ctx: Context, publisher_id: str, subscription_id: str, said: ChangeRequest
) -> None:
    """The publisher has set the purchase up: its term and its billing start (section 3.3).

    What it says of plan and quantity must be what was bought.
    """
    found = await require(tx, ctx, publisher_id, subscription_id, is_locked=True)
    rules.require_activation(found.subscription, found.plan, said)
    delay_seconds = found.ctx.account.settings.activation_delay_seconds
    if delay_seconds == 0:
        await _activate(tx, found.ctx, found.subscription)
        return
    await clock.schedule_by(  # a repeated call puts nothing off
        tx,
        account_id=found.ctx.account.id,
        kind=ACTIVATE,
        subject_id=found.subscription.id,
        due_at=found.ctx.now + timedelta(seconds=delay_seconds),
    )


async def activate_later(tx: Tx, ctx: Context, subject_id: str) -> None:
    """The due work ``activate_purchase``: nothing, if the purchase is active or over meanwhile."""
    found = await subscriptions.get_by_id(tx, subject_id)
    assert found is not None, subject_id
    await customers.seize(tx, found[1].customer_id)
    subscription = await subscriptions.get(tx, ctx, found[1].customer_id, subject_id)
    if subscription.status is Status.PENDING:
        await _activate(tx, ctx, subscription)


async def _activate(tx: Tx, ctx: Context, subscription: Subscription) -> None:
    customer = await customers.lock(tx, ctx, subscription.customer_id)
    if not await orders.fulfil_if_due(tx, ctx, customer, subscription.order_id):
        raise Refusal(Code.NOT_READY, subscription_id=subscription.id)
    await subscriptions.activate_by_publisher(tx, ctx, subscription)


async def plans(tx: Tx, ctx: Context, publisher_id: str, subscription_id: str) -> list[PlanOnSale]:
    """The plans that a purchase can have, its own among them (section 3.6)."""
    return await plans_on_sale(tx, await require(tx, ctx, publisher_id, subscription_id))


async def plans_on_sale(tx: Tx, found: Found) -> list[PlanOnSale]:
    """The same of a purchase that was found."""
    subscription = found.subscription
    offer = await subscriptions.offer_of(tx, subscription)
    if offer is None:
        return []
    listed = await catalog.plans(tx, subscription.product_id)
    on_sale = [_on_sale(listed, availability) for availability in await catalog.on_sale_beside(tx, offer)]
    tenants = frozenset({subscription.customer_id, found.ctx.account.id})
    return rules.plans_on_sale(listed, on_sale, found.plan, tenants)


def _on_sale(plans_listed: Sequence[Plan], availability: Availability) -> PlanOnSale:
    return onsale.plan_on_sale(rules.plan_of(plans_listed, availability.sku_id), availability)


async def _parties(tx: Tx, ctx: Context, subscription: Subscription) -> Parties:
    """Who uses the purchase, and who made it (section 7.2)."""
    email = await customers.email_of(tx, ctx, subscription.customer_id)
    user = rules.beneficiary(subscription.customer_id, email)
    return Parties(user, await _purchaser(tx, ctx, subscription))


async def _purchaser(tx: Tx, ctx: Context, subscription: Subscription) -> Person:
    """The signed-in user who ordered; for an application by itself, the partner's own address."""
    account_id = ctx.account.id
    purchaser = await orders.purchaser_of(tx, ctx, subscription.customer_id, subscription.order_id)
    if purchaser.user_name is not None:
        return Person(purchaser.user_name, purchaser.id, account_id)
    contact = (await identity.load_account(tx, account_id)).organization.email
    return Person(contact, identity.application_object_id(account_id, purchaser.id), account_id)
