"""Use cases of the indirect model: the resellers that work with an account (``20`` section 8.4)."""

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.core.context import Context
from comptoir.customers import rules, store
from comptoir.customers.model import Customer, Reseller
from comptoir.db import Tx


async def add(tx: Tx, ctx: Context, reseller: Reseller) -> None:
    """Let a reseller work with the account, which an operator sets up."""
    assert rules.is_guid(reseller.id), reseller.id
    await store.insert_reseller(tx, ctx.account.id, reseller)
    audit.record(
        tx,
        ctx,
        Action.ADD_RESELLER,
        subject_kind="reseller",
        subject_id=reseller.id,
        after={"name": reseller.name, "mpn_id": reseller.mpn_id, "state": reseller.state},
    )


async def list_for_account(tx: Tx, ctx: Context) -> list[Reseller]:
    """The account's resellers by name."""
    return await store.list_resellers(tx, ctx.account.id)


async def of_customer(tx: Tx, ctx: Context, customer: Customer) -> Reseller | None:
    """The reseller that the customer buys through; ``None`` for a direct customer."""
    if not customer.associated_partner_id:
        return None
    return await store.get_reseller(tx, ctx.account.id, customer.associated_partner_id)


async def by_tenant(tx: Tx, ctx: Context, tenant_id: str) -> Reseller | None:
    """The account's reseller with a tenant id, in any case."""
    wanted = tenant_id.lower()
    return await store.get_reseller(tx, ctx.account.id, wanted) if rules.is_guid(wanted) else None


async def has_signed_agreement(tx: Tx, ctx: Context, *, mpn_id: str | None, tenant_id: str | None) -> bool:
    """Whether a partner, named by MPN id or tenant id, has signed the partner agreement.

    The account itself has; so have those of its resellers that say so. Anyone else has not, as far as this
    account may know.
    """
    if mpn_id == ctx.account.mpn_id or (tenant_id or "").lower() == ctx.account.id:
        return True
    if mpn_id is not None:
        reseller = await store.get_reseller_by_mpn(tx, ctx.account.id, mpn_id) if mpn_id.isalnum() else None
    else:
        reseller = await by_tenant(tx, ctx, tenant_id or "")
    return reseller is not None and reseller.has_signed_agreement
