"""Use case: change a subscription by PATCH (``20-subscriptions-customers`` section 3.4)."""

from comptoir.audit.model import Action
from comptoir.catalog import service as catalog
from comptoir.catalog.model import Offer
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.customers import service as customers
from comptoir.db import Tx
from comptoir.subscriptions import patching, rules, service
from comptoir.subscriptions.model import Subscription, SubscriptionPatch
from comptoir.subscriptions.renewal import renewal_term


async def patch(
    tx: Tx, ctx: Context, subscription: Subscription, wanted: SubscriptionPatch, *, is_in_progress: bool
) -> Subscription:
    """Make every change that is asked for, in one version, or none; nothing to change keeps the version.

    ``is_in_progress``: the order of the subscription is not fulfilled yet. The caller holds the customer's
    lock, so that nobody else changes what the customer has.
    """
    service.require_settled(ctx, subscription)
    rules.require_current(subscription, wanted.etags)
    changes = patching.differences(subscription, wanted)
    if changes.are_none:
        return subscription
    patching.require_changeable(subscription, changes, is_in_progress=is_in_progress)
    facts = await _facts(tx, ctx, subscription, changes)
    wanted_state = patching.changed(subscription, changes, facts)
    await _move_stock(tx, subscription, wanted_state, facts.offer)
    changed = await service.save_change(tx, ctx, Action.UPDATE_SUBSCRIPTION, subscription, wanted_state)
    if changed.is_ended:
        await service.cancel_add_ons(tx, ctx, changed)
    return changed


async def _facts(
    tx: Tx, ctx: Context, subscription: Subscription, changes: patching.Changes
) -> patching.Facts:
    """What the changes at hand are judged by; nothing is read that none of them needs."""
    offer = on_sale = reseller = None
    if changes.quantity is not None or changes.auto_renew:
        offer = await service.offer_of(tx, subscription)
    if offer is not None and changes.auto_renew:
        on_sale = await catalog.successor(tx, offer)
    if changes.partner_mpn_id is not None:
        reseller = await customers.reseller_by_mpn(tx, ctx, changes.partner_mpn_id)
    return patching.Facts(
        account=ctx.account,
        now=ctx.now,
        offer=offer,
        renewal=renewal_term(subscription, on_sale),
        reseller=reseller,
    )


async def _move_stock(tx: Tx, before: Subscription, after: Subscription, offer: Offer | None) -> None:
    """Take or give back the units by which the subscription has grown or shrunk; all of them at its end."""
    added = (0 if after.is_ended else after.quantity) - before.quantity
    if added < 0:
        await catalog.release_stock(tx, after.product_id, after.sku_id, -added)
    elif added > 0 and not await catalog.take_stock(tx, after.product_id, after.sku_id, added):
        remaining = 0 if offer is None else offer.stock_left
        raise Refusal(Code.SEATS_LEFT, requested=added, remaining=remaining, offer_id=after.catalog_item_id)
