"""Use cases of subscriptions: created by an order, read, activated, changed, cancelled."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.catalog import service as catalog
from comptoir.catalog.model import Offer, Term
from comptoir.clock import service as clock
from comptoir.core.accounts import ActivationLink, TokenAlphabet
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal, Unsettled
from comptoir.core.instants import EPOCH, NEVER
from comptoir.customers.model import Customer
from comptoir.db import Tx
from comptoir.subscriptions import links, renewal, rules, store, turning
from comptoir.subscriptions.model import (
    Status,
    StatusReason,
    Subscription,
    SubscriptionChanged,
    SubscriptionDraft,
)

PURCHASE = "purchase"
"""The purpose under which purchase tokens are signed."""

ACTIVATION = "activation"
"""The purpose under which the ends of activation links that lead on are signed."""

TURN = "turn_subscriptions"
"""The kind of due work that does what time does to an account's subscriptions. Its subject is the account."""

LISTED_MAX = 5_000
"""Subscriptions of a list, which the contract does not page; ``size`` and ``offset`` lead to further ones."""


async def create(tx: Tx, ctx: Context, customer: Customer, draft: SubscriptionDraft) -> Subscription:
    """The subscription of one order line, waiting for its set-up. The order has taken the stock."""
    (subscription,) = await create_all(tx, ctx, customer, [draft])
    return subscription


async def create_all(
    tx: Tx, ctx: Context, customer: Customer, drafts: Sequence[SubscriptionDraft]
) -> list[Subscription]:
    """The subscriptions of several order lines, like ``create``, with as few statements as for one.

    Time begins to look after them with ``follow_fulfilment``, so that purchases do not wait for each other.
    """
    settings = ctx.account.settings
    created = (rules.created(draft, ctx.ids.guid(), customer.id, ctx.now) for draft in drafts)
    subscriptions = [turning.scheduled(subscription, settings) for subscription in created]
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


async def get_by_id(tx: Tx, subscription_id: str) -> tuple[str, Subscription] | None:
    """One subscription of whatever account, with the account's id: for publishers. Any case matches."""
    if not subscription_id.isprintable():
        return None
    return await store.get_by_id(tx, subscription_id.lower())


async def list_for_publisher(
    tx: Tx, publisher_id: str, *, after_created_at: datetime, after_id: str, limit: int
) -> list[tuple[str, Subscription]]:
    """What all partners have bought of a publisher, ended or not, each with its account's id.

    By creation and id, from behind a place in that order; ``EPOCH`` and ``""`` are before the first.
    """
    assert 0 < limit <= LISTED_MAX, "a list is read in bounded pieces"
    return await store.list_for_publisher(tx, publisher_id, after_created_at, after_id, limit)


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
    require_settled(ctx, subscription)
    if not ctx.account.settings.allow_partner_activation:
        raise Refusal(Code.WRONG_ENVIRONMENT)
    if is_in_progress:
        raise Refusal(Code.NOT_READY, subscription_id=subscription.id)
    return await _activate(tx, ctx, subscription)


async def activate_by_publisher(tx: Tx, ctx: Context, subscription: Subscription) -> Subscription:
    """The publisher has set the subscription up: the term and billing start now."""
    require_settled(ctx, subscription)
    return await _activate(tx, ctx, subscription)


async def follow_fulfilment(tx: Tx, ctx: Context, bought: Sequence[Subscription]) -> None:
    """The order of these is fulfilled: time looks after them from now on, and what needs no publisher starts.

    Repeating it changes nothing.
    """
    await _schedule(tx, ctx, bought)
    waiting = [each for each in bought if _starts_by_itself(each, ctx)]
    for base in waiting:
        if base.parent_subscription_id is None:
            await _activate(tx, ctx, base)
    for add_on in waiting:
        if add_on.parent_subscription_id is not None:
            await _activate_with_base(tx, ctx, add_on)


async def cancel(tx: Tx, ctx: Context, subscription: Subscription, reason: StatusReason) -> Subscription:
    """End a subscription and its add-ons for good and give their stock back. Refuses one that has ended.

    Whether the caller may still cancel (the refund window) is for the caller to decide before.
    """
    require_settled(ctx, subscription)
    cancelled = rules.cancelled(subscription, reason, ctx.now)
    ended = await save_change(tx, ctx, Action.CANCEL_SUBSCRIPTION, subscription, cancelled)
    await catalog.release_stock(tx, ended.product_id, ended.sku_id, ended.quantity)
    await cancel_add_ons(tx, ctx, ended)
    return ended


async def cancel_add_ons(tx: Tx, ctx: Context, base: Subscription) -> None:
    """End what extends a subscription that has ended. An add-on has no add-ons of its own."""
    for add_on in await open_add_ons(tx, ctx, base):
        await cancel(tx, ctx, add_on, StatusReason.BASE_CANCELLED)


async def open_add_ons(tx: Tx, ctx: Context, base: Subscription) -> list[Subscription]:
    """What extends a subscription and has not ended."""
    if base.parent_subscription_id is not None:
        return []
    return await store.list_open_add_ons(tx, ctx.account.id, base.id)


async def suspend(tx: Tx, ctx: Context, subscription: Subscription, reason: StatusReason) -> Subscription:
    """Put an active subscription on hold, for ``suspension_grace_days`` at most."""
    require_settled(ctx, subscription)
    suspended = rules.suspended(subscription, reason, ctx.now)
    return await save_change(tx, ctx, Action.SUSPEND_SUBSCRIPTION, subscription, suspended)


async def reinstate(tx: Tx, ctx: Context, subscription: Subscription) -> Subscription:
    """Take a subscription off hold."""
    require_settled(ctx, subscription)
    reinstated = rules.reinstated(subscription)
    return await save_change(tx, ctx, Action.REINSTATE_SUBSCRIPTION, subscription, reinstated)


async def change_plan(
    tx: Tx, ctx: Context, subscription: Subscription, offer: Offer, term: Term
) -> Subscription:
    """Move an active subscription to another plan of its product, with ``term``, one of that plan's.

    Whether the plan may be chosen, and fits the quantity, is for the caller to decide before. Refuses
    OUT_OF_STOCK, and a subscription that is not active.
    """
    require_settled(ctx, subscription)
    changed = rules.plan_changed(subscription, offer, term, ctx.account.settings, ctx.now)
    if changed.sku_id != subscription.sku_id:
        if not await catalog.take_stock(tx, changed.product_id, changed.sku_id, changed.quantity):
            raise Refusal(Code.OUT_OF_STOCK, offer_id=offer.catalog_item_id)
        await catalog.release_stock(tx, subscription.product_id, subscription.sku_id, subscription.quantity)
    return await save_change(tx, ctx, Action.CHANGE_PLAN, subscription, changed)


async def renew_now(tx: Tx, ctx: Context, subscription: Subscription) -> Subscription:
    """End the running term of an active subscription, or its trial, and start the one that follows.

    For an operator. The new term counts from now and is charged as a renewal; what is left of the cycle that
    was paid is given back by the day. Refuses AUTO_RENEW_IMPOSSIBLE where nothing on sale follows, whatever
    auto-renew says.
    """
    require_settled(ctx, subscription)
    term = await renewal_of(tx, subscription)
    if term is None:
        raise Refusal(Code.AUTO_RENEW_IMPOSSIBLE, subscription_id=subscription.id)
    renewed = rules.renewed_early(subscription, term, ctx.account.settings, ctx.now)
    act = Action.CONVERT_TRIAL_SUBSCRIPTION if subscription.is_trial else Action.RENEW_SUBSCRIPTION
    freed = subscription.quantity - renewed.quantity
    await catalog.release_stock(tx, subscription.product_id, subscription.sku_id, freed)
    return await save_change(tx, ctx, act, subscription, renewed)


async def renewal_of(tx: Tx, subscription: Subscription) -> Term | None:
    """The term that would follow if the running one ended now; ``None`` where nothing on sale does."""
    offer = await offer_of(tx, subscription)
    return None if offer is None else renewal.renewal_term(subscription, await catalog.successor(tx, offer))


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
    require_settled(ctx, subscription)
    changed = rules.rebilled(subscription, term)
    return await save_change(tx, ctx, Action.UPDATE_SUBSCRIPTION, subscription, changed)


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
    settings = ctx.account.settings
    if subscription.is_ended:
        return None
    if settings.activation_link is ActivationLink.PLACEHOLDER and not settings.sandbox_publisher_delivery:
        return links.placeholder(ctx.public_base_url, alternate_id, line_number)
    if settings.activation_link is ActivationLink.REDIRECT:
        payload = links.purchase_payload(ctx.account.id, subscription)
        return links.redirect(ctx.public_base_url, ctx.sign(ACTIVATION, payload))
    return await landing_link(tx, ctx, subscription)


async def landing_link(tx: Tx, ctx: Context, subscription: Subscription) -> str | None:
    """The publisher's landing page with a new purchase token; ``None`` where there is nothing to set up."""
    offer = None if subscription.is_ended else await offer_of(tx, subscription)
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
    sealed = ctx.sign(PURCHASE, token.encode())
    if ctx.account.settings.purchase_token_alphabet is TokenAlphabet.BASE64:
        sealed = links.in_base64(sealed)
    return links.landing_page(offer.landing_page_url, sealed)


def require_settled(ctx: Context, subscription: Subscription) -> None:
    """Raise ``Unsettled`` if time has to do something to the subscription before anybody else does."""
    if not rules.is_settled(subscription, ctx.now):
        raise Unsettled(ctx.account.id)


async def save_change(
    tx: Tx, ctx: Context, action: Action, before: Subscription, after: Subscription
) -> Subscription:
    """Store a change, with when the next one is due; tell those who follow it, and journal it.

    The transaction runs again if another one was faster.
    """
    require_settled(ctx, before)
    saved = await record_change(tx, ctx, action, before, after)
    if saved.next_due_at != before.next_due_at:
        await _schedule(tx, ctx, [saved])
    return saved


async def record_change(
    tx: Tx, ctx: Context, action: Action, before: Subscription, after: Subscription
) -> Subscription:
    """``save_change`` for the due work itself, which looks at the end when the next change is due."""
    next_due_at = turning.next_due(after, ctx.account.settings)
    saved = replace(after, next_due_at=next_due_at, modified_at=ctx.now)
    await store.update(tx, ctx.account.id, before.version, saved)
    tx.defer(SubscriptionChanged(ctx, action, before, saved))
    audit.record(
        tx,
        ctx,
        action,
        subject_kind="subscription",
        subject_id=saved.id,
        customer_id=saved.customer_id,
        before=rules.journal_facts(before),
        after=rules.journal_facts(saved),
    )
    return saved


async def _activate(tx: Tx, ctx: Context, subscription: Subscription) -> Subscription:
    """Start term and billing, and those of add-ons that have waited for nothing else."""
    parent = await _parent(tx, ctx, subscription)
    started = rules.activated(subscription, parent, ctx.account.settings, ctx.now)
    active = await save_change(tx, ctx, Action.ACTIVATE_SUBSCRIPTION, subscription, started)
    for add_on in await open_add_ons(tx, ctx, active):
        if _starts_by_itself(add_on, ctx):
            await _activate(tx, ctx, add_on)
    return active


async def _activate_with_base(tx: Tx, ctx: Context, add_on: Subscription) -> None:
    """Start an add-on unless that was done with its base, or waits for it."""
    add_on = await get(tx, ctx, add_on.customer_id, add_on.id)
    base = await _parent(tx, ctx, add_on)
    if base is not None and base.status is Status.ACTIVE and _starts_by_itself(add_on, ctx):
        await _activate(tx, ctx, add_on)


def _starts_by_itself(subscription: Subscription, ctx: Context) -> bool:
    is_waiting = subscription.status is Status.PENDING and rules.is_settled(subscription, ctx.now)
    return subscription.is_auto_fulfilled and is_waiting


async def _parent(tx: Tx, ctx: Context, subscription: Subscription) -> Subscription | None:
    if subscription.parent_subscription_id is None:
        return None
    return await get(tx, ctx, subscription.customer_id, subscription.parent_subscription_id)


async def _schedule(tx: Tx, ctx: Context, subscriptions: Iterable[Subscription]) -> None:
    """Have time look after subscriptions when the first of them is due."""
    dues = [each.next_due_at for each in subscriptions if each.next_due_at is not None]
    if dues:
        await clock.schedule_by(
            tx, account_id=ctx.account.id, kind=TURN, subject_id=ctx.account.id, due_at=min(dues)
        )
