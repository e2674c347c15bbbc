"""Use cases of subscriptions: created by an order, read, activated, cancelled."""

from collections.abc import Sequence
from datetime import timedelta

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.catalog import service as catalog
from comptoir.catalog.model import Offer, Term
from comptoir.core.accounts import ActivationLink
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.instants import EPOCH, NEVER
from comptoir.customers.model import Customer
from comptoir.db import Tx
from comptoir.subscriptions import links, rules, store
from comptoir.subscriptions.model import StatusReason, Subscription, SubscriptionDraft

PURCHASE = "purchase"
"""The purpose under which purchase tokens are signed."""

LISTED_MAX = 5_000
"""Subscriptions of a list, which the contract does not page; ``size`` and ``offset`` lead to further ones."""


async def create(tx: Tx, ctx: Context, customer: Customer, draft: SubscriptionDraft) -> Subscription:
    """The subscription of one order line, waiting for its set-up. The order has taken the stock."""
    (subscription,) = await create_all(tx, ctx, customer, [draft])
    return subscription


async def create_all(
    tx: Tx, ctx: Context, customer: Customer, drafts: Sequence[SubscriptionDraft]
) -> list[Subscription]:
    """The subscriptions of several order lines, like ``create``, with as few statements as for one."""
    subscriptions = [rules.created(draft, ctx.ids.guid(), customer.id, ctx.now) for draft in drafts]
    await store.insert(tx, ctx.account.id, *subscriptions)
    return subscriptions


async def get(tx: Tx, ctx: Context, customer_id: str, subscription_id: str) -> Subscription:
    """One subscription of the customer, whatever its status. The id matches in any case."""
    subscription = None
    if subscription_id.isprintable():  # a NUL would be an error of PostgreSQL, not an unknown id
        subscription = await store.get(tx, ctx.account.id, customer_id, subscription_id.lower())
    if subscription is None:
        raise Refusal(Code.SUBSCRIPTION_NOT_FOUND, subscription_id=subscription_id)
    return subscription


async def list_for_customer(
    tx: Tx,
    ctx: Context,
    customer_id: str,
    *,
    order_id: str | None = None,
    mpn_id: str | None = None,
    parent_subscription_id: str | None = None,
    size: int = 0,
    offset: int = 0,
) -> list[Subscription]:
    """The customer's subscriptions, oldest first; ended ones for ``ended_subscription_list_days`` more.

    ``size`` 0 means as many as a list holds.
    """
    if not all(text.isprintable() for text in (order_id or "", mpn_id or "")):
        return []
    return await store.list_for_customer(
        tx,
        ctx.account.id,
        customer_id,
        ended_after=ctx.now - timedelta(days=ctx.account.settings.ended_subscription_list_days),
        order_id=order_id,
        mpn_id=mpn_id,
        parent_subscription_id=parent_subscription_id,
        size=min(size or LISTED_MAX, LISTED_MAX),
        offset=offset,
    )


async def open_for_customer(tx: Tx, ctx: Context, customer_id: str) -> list[Subscription]:
    """What the customer holds: neither deleted nor expired. Limits and add-on parents count these."""
    return await store.list_for_customer(tx, ctx.account.id, customer_id, ended_after=NEVER)


async def list_for_order(tx: Tx, ctx: Context, customer_id: str, order_id: str) -> list[Subscription]:
    """Every subscription of an order by line number, ended ones too."""
    return await store.list_for_customer(
        tx, ctx.account.id, customer_id, ended_after=EPOCH, order_id=order_id
    )


async def activate(tx: Tx, ctx: Context, subscription: Subscription, *, is_in_progress: bool) -> Subscription:
    """The partner activates by itself, where the account may: the term and billing start now.

    Source: ``20-subscriptions-customers`` section 3.6. An add-on waits for its base: until that is active
    the add-on is not a subscription that can be activated. ``is_in_progress``: the order of the subscription
    is not fulfilled yet. The caller holds the customer's lock, under which no base ends meanwhile.
    """
    if not ctx.account.settings.allow_partner_activation:
        raise Refusal(Code.WRONG_ENVIRONMENT)
    if is_in_progress:
        raise Refusal(Code.NOT_READY, subscription_id=subscription.id)
    parent = await _parent(tx, ctx, subscription)
    active = rules.activated(subscription, parent, ctx.account.settings, ctx.now)
    await save_change(tx, ctx, Action.ACTIVATE_SUBSCRIPTION, subscription, active)
    return active


async def cancel(tx: Tx, ctx: Context, subscription: Subscription, reason: StatusReason) -> Subscription:
    """End a subscription and its add-ons for good and give their stock back. Refuses one that has ended.

    Whether the caller may still cancel (the refund window) is for the caller to decide before.
    """
    ended = rules.cancelled(subscription, reason, ctx.now)
    await save_change(tx, ctx, Action.CANCEL_SUBSCRIPTION, subscription, ended)
    await catalog.release_stock(tx, ended.product_id, ended.sku_id, ended.quantity)
    await cancel_add_ons(tx, ctx, ended)
    return ended


async def cancel_add_ons(tx: Tx, ctx: Context, base: Subscription) -> None:
    """End what extends a subscription that has ended. An add-on has no add-ons of its own."""
    if base.parent_subscription_id is not None:
        return
    add_ons = await store.list_for_customer(
        tx, ctx.account.id, base.customer_id, ended_after=NEVER, parent_subscription_id=base.id
    )
    for add_on in add_ons:
        await cancel(tx, ctx, add_on, StatusReason.BASE_CANCELLED)


async def cancel_all(
    tx: Tx, ctx: Context, customer_id: str, reason: StatusReason = StatusReason.CUSTOMER_DELETED
) -> Sequence[Subscription]:
    """Cancel everything the customer holds, add-ons first, so that each has this reason."""
    held = await open_for_customer(tx, ctx, customer_id)
    return [
        await cancel(tx, ctx, subscription, reason)
        for subscription in sorted(held, key=lambda each: each.parent_subscription_id is None)
    ]


async def change_billing_cycle(tx: Tx, ctx: Context, subscription: Subscription, term: Term) -> Subscription:
    """Pay an active subscription by ``term``, which is as long as its own, from the next charge on."""
    changed = rules.rebilled(subscription, term)
    await save_change(tx, ctx, Action.UPDATE_SUBSCRIPTION, subscription, changed)
    return changed


async def offer_of(tx: Tx, subscription: Subscription) -> Offer | None:
    """What was bought, as the catalogue has it now; ``None`` for an item that it has lost."""
    return (await catalog.offers(tx, [subscription.catalog_item_id])).get(subscription.catalog_item_id)


async def activation_link(
    tx: Tx, ctx: Context, subscription: Subscription, *, alternate_id: str, line_number: int
) -> str | None:
    """Where a browser goes to set the subscription up, absolute; ``None`` where there is nothing to set up.

    ``alternate_id`` is the order's friendly id. A publisher's link carries a new purchase token each time;
    it lives by the wall clock (``10-catalog-cart-orders`` section 5, README decision 24).
    """
    if subscription.is_ended:
        return None
    if ctx.account.settings.activation_link is ActivationLink.PLACEHOLDER:
        return links.placeholder(ctx.public_base_url, alternate_id, line_number)
    offer = await offer_of(tx, subscription)
    if offer is None:
        return None
    token = links.PurchaseToken(
        id=ctx.ids.guid(),
        account_id=ctx.account.id,
        customer_id=subscription.customer_id,
        subscription_id=subscription.id,
        publisher_id=subscription.publisher_id,
        expires_at=ctx.wall + timedelta(seconds=ctx.account.settings.activation_token_ttl_seconds),
    )
    return links.landing_page(offer.landing_page_url, ctx.sign(PURCHASE, token.encode()))


async def _parent(tx: Tx, ctx: Context, subscription: Subscription) -> Subscription | None:
    if subscription.parent_subscription_id is None:
        return None
    return await get(tx, ctx, subscription.customer_id, subscription.parent_subscription_id)


async def save_change(
    tx: Tx, ctx: Context, action: Action, before: Subscription, after: Subscription
) -> None:
    """Store a change and journal it. The transaction runs again if another one was faster."""
    await store.update(tx, ctx.account.id, before.version, after)
    audit.record(
        tx,
        ctx,
        action,
        subject_kind="subscription",
        subject_id=after.id,
        customer_id=after.customer_id,
        before=rules.journal_facts(before),
        after=rules.journal_facts(after),
    )
