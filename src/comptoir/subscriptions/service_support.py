"""Use cases of a subscription's support contact (``20-subscriptions-customers`` section 3.8)."""

from dataclasses import asdict

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.customers import service as customers
from comptoir.customers import service_resellers as resellers
from comptoir.customers.model import Reseller
from comptoir.db import Tx
from comptoir.subscriptions import store_support, support
from comptoir.subscriptions.model import Subscription, SupportContact


async def get(tx: Tx, ctx: Context, subscription: Subscription) -> SupportContact:
    """Who supports the subscription; the partner itself until another one is chosen."""
    key = (ctx.account.id, subscription.customer_id, subscription.id)
    return await store_support.get(tx, *key) or support.default_contact(ctx.account)


async def put(
    tx: Tx, ctx: Context, subscription: Subscription, *, tenant_id: str, mpn_id: str, name: str
) -> SupportContact:
    """Choose who supports the subscription: a reseller, or the partner itself again."""
    if subscription.is_ended:
        raise Refusal(Code.SUBSCRIPTION_ENDED, subscription_id=subscription.id)
    reseller = await _reseller(tx, ctx, tenant_id, mpn_id)
    chosen = support.chosen_contact(ctx.account, reseller, tenant_id=tenant_id, mpn_id=mpn_id, name=name)
    before = await get(tx, ctx, subscription)
    if chosen == before:
        return chosen
    await store_support.put(tx, ctx.account.id, subscription.customer_id, subscription.id, chosen)
    audit.record(
        tx,
        ctx,
        Action.UPDATE_SUPPORT_CONTACT,
        subject_kind="subscription",
        subject_id=subscription.id,
        customer_id=subscription.customer_id,
        before=asdict(before),
        after=asdict(chosen),
    )
    return chosen


async def _reseller(tx: Tx, ctx: Context, tenant_id: str, mpn_id: str) -> Reseller | None:
    if mpn_id:
        return await customers.reseller_by_mpn(tx, ctx, mpn_id)
    return await resellers.by_tenant(tx, ctx, tenant_id)
