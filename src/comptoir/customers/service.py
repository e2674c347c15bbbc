"""Use cases of customers: create, list, read, change, give up, delete."""

from dataclasses import replace
from decimal import Decimal

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.customers import paging, rules, store
from comptoir.customers.model import (
    BillingProfileDraft,
    Customer,
    CustomerDraft,
    CustomerStanding,
    Qualification,
    Relationship,
    Reseller,
    Vetting,
    VettingStatus,
)
from comptoir.db import Tx
from comptoir.identity import service as identity

CONTINUATION = "continuation"
"""The purpose under which continuation tokens are signed."""


async def require(tx: Tx, ctx: Context, customer_id: str, *, hold: bool = False) -> Customer:
    """The account's customer; the id matches in any case.

    ``hold`` keeps the customer from being changed or deleted until the transaction ends, for callers that
    are about to give it something. Raises ``CUSTOMER_ID_INVALID``, ``CUSTOMER_NOT_FOUND`` and, for another
    account's customer or one that was given up, ``CUSTOMER_FOREIGN``.
    """
    wanted = rules.require_customer_id(customer_id)
    return _required(ctx, wanted, await store.get(tx, wanted, hold=hold))


async def known(tx: Tx, ctx: Context, customer_id: str) -> Customer:
    """One of the account's customers, also a deleted or given up one: for what is billed afterwards."""
    return await store.get_former(tx, ctx.account.id, customer_id)


async def has_agreement(tx: Tx, ctx: Context, customer_id: str) -> bool:
    """Whether the customer agreement is confirmed, or signed by the customer directly."""
    return await store.has_agreement(tx, ctx.account.id, customer_id)


async def reseller_by_mpn(tx: Tx, ctx: Context, mpn_id: str) -> Reseller | None:
    """The account's indirect reseller with an MPN id."""
    return await store.get_reseller_by_mpn(tx, ctx.account.id, mpn_id) if mpn_id.isalnum() else None


async def create(tx: Tx, ctx: Context, draft: CustomerDraft) -> Customer:
    """Create a customer with a tenant of its own (``20`` section 7, ``POST customers``)."""
    rules.judge_draft(draft)
    if draft.associated_partner_id:
        reseller = await store.get_reseller(tx, ctx.account.id, draft.associated_partner_id.lower())
        rules.judge_reseller(draft, reseller)
    if ctx.account.settings.limit_customers is not None:
        rules.judge_count(await store.count_exclusively(tx, ctx.account.id), ctx.account.settings)
    customer = rules.created(
        draft,
        customer_id=ctx.ids.guid(),
        commerce_id=ctx.ids.guid(),
        billing_id=ctx.ids.guid(),
        account_id=ctx.account.id,
        now=ctx.now,
    )
    if await is_domain_taken(tx, customer.domain) or not await store.insert(tx, customer):
        raise Refusal(Code.DOMAIN_TAKEN, domain=customer.domain)
    _record(tx, ctx, Action.ADD_CUSTOMER, None, customer)
    return customer


async def is_domain_taken(tx: Tx, domain: str) -> bool:
    """Whether a tenant has the domain: a customer of any account, or any account itself."""
    wanted = domain.lower()
    if not rules.is_domain(wanted):
        return False
    return await store.is_domain_taken(tx, wanted) or await identity.find_tenant(tx, wanted) is not None


async def list_page(tx: Tx, ctx: Context, seek: paging.Seek) -> paging.Page:
    """One page of the account's customers, ordered by company name."""
    found = await store.list_page(tx, ctx.account.id, seek)
    behind = paging.Position(found[0].name_key, found[0].id) if found else seek.position
    has_others_behind = seek.position != paging.BEGINNING and await store.has_others(
        tx, ctx.account.id, seek.filter, behind, is_backward=not seek.is_backward
    )
    return paging.arrange(seek, found, has_others_behind=has_others_behind)


def resume(ctx: Context, operation: paging.SeekOperation, token: str) -> paging.Seek:
    """The page that a continuation token leads to."""
    return paging.resume(operation, ctx.unsign(CONTINUATION, token), ctx.account.id, ctx.wall)


def continuation_token(ctx: Context, page: paging.Page) -> str:
    """The token that leads on from a page, and back."""
    return ctx.sign(CONTINUATION, paging.continue_from(page, ctx.account.id, ctx.wall))


async def update_billing_profile(
    tx: Tx, ctx: Context, customer_id: str, draft: BillingProfileDraft, etags: tuple[str, ...]
) -> Customer:
    """Replace the billing profile; ``etags`` are all those that came with the call."""
    customer = await lock(tx, ctx, customer_id)
    changed = rules.with_billing(customer, draft, etags)
    return await _save(tx, ctx, Action.UPDATE_CUSTOMER_BILLING_PROFILE, customer, changed)


async def set_qualification(tx: Tx, ctx: Context, customer_id: str, qualification: Qualification) -> Customer:
    """Give the customer a qualification that needs no vetting."""
    customer = await lock(tx, ctx, customer_id)
    changed = rules.with_qualification(customer, qualification, ctx.now)
    return await _save(tx, ctx, Action.UPDATE_CUSTOMER_QUALIFICATION, customer, changed)


async def apply_for_qualification(tx: Tx, ctx: Context, customer_id: str, application: Vetting) -> Vetting:
    """Ask for a qualification that is vetted: it is in review until someone decides."""
    customer = await lock(tx, ctx, customer_id)
    vetting = replace(application, status=VettingStatus.IN_REVIEW, created_at=ctx.now)
    changed = rules.with_vetting(customer, vetting)
    await _save(tx, ctx, Action.UPDATE_CUSTOMER_QUALIFICATION, customer, changed)
    return vetting


async def set_budget(tx: Tx, ctx: Context, customer_id: str, amount: Decimal | None) -> Customer:
    """Set or, with 0 or ``None``, remove the customer's monthly spending budget."""
    customer = await lock(tx, ctx, customer_id)
    changed = rules.with_budget(customer, amount)
    return await _save(tx, ctx, Action.UPDATE_CUSTOMER_SPENDING_BUDGET, customer, changed)


async def remove_relationship(
    tx: Tx, ctx: Context, customer: Customer, *, has_open_subscriptions: bool
) -> Customer:
    """Give up a locked customer, whose tenant goes on without the partner."""
    changed = rules.without_relationship(customer, has_open_subscriptions=has_open_subscriptions)
    return await _save(tx, ctx, Action.REMOVE_PARTNER_CUSTOMER_RELATIONSHIP, customer, changed)


async def lock(tx: Tx, ctx: Context, customer_id: str) -> Customer:
    """``require``, and whoever else changes or holds the customer waits until the transaction ends."""
    wanted = rules.require_customer_id(customer_id)
    return _required(ctx, wanted, await store.lock(tx, wanted))


async def seize(tx: Tx, customer_id: str) -> None:
    """Have whoever else changes what the customer holds wait until the transaction ends.

    For those who act upon a subscription, whoever has its customer by now: a publisher, the engine itself.
    """
    await store.lock(tx, customer_id)


async def email_of(tx: Tx, ctx: Context, customer_id: str) -> str:
    """The address of one of the account's customers, of one that was deleted or given up too."""
    return await store.email_of(tx, ctx.account.id, customer_id)


async def lock_for_deletion(tx: Tx, ctx: Context, customer_id: str) -> Customer:
    """``lock`` a customer that the account may delete. Raises ``WRONG_ENVIRONMENT`` where it may not."""
    if not ctx.account.settings.allow_customer_delete:
        raise Refusal(Code.WRONG_ENVIRONMENT)
    return await lock(tx, ctx, customer_id)


async def delete(tx: Tx, ctx: Context, customer: Customer) -> None:
    """Delete a customer locked for it, whose subscriptions the caller has cancelled before."""
    assert ctx.account.settings.allow_customer_delete, "lock_for_deletion refuses this"
    await store.delete(tx, ctx.account.id, customer.id, ctx.now)
    _record(tx, ctx, Action.DELETE_CUSTOMER, customer, None)


async def list_for_cli(tx: Tx, account_id: str) -> list[CustomerStanding]:
    """An account's customers by name, for the operator."""
    return await store.list_standings(tx, account_id)


async def _save(tx: Tx, ctx: Context, action: Action, before: Customer, after: Customer) -> Customer:
    """Store and journal a change; a call that changes nothing leaves no trace."""
    if after != before:
        await store.update(tx, after)
        _record(tx, ctx, action, before, after)
    return after


def _required(ctx: Context, customer_id: str, customer: Customer | None) -> Customer:
    if customer is None:
        raise Refusal(Code.CUSTOMER_NOT_FOUND, customer_id=customer_id)
    if customer.account_id != ctx.account.id or customer.relationship is Relationship.NONE:
        raise Refusal(Code.CUSTOMER_FOREIGN, customer_id=customer_id)
    return customer


def _record(tx: Tx, ctx: Context, action: Action, before: Customer | None, after: Customer | None) -> None:
    customer = after or before
    assert customer is not None, "a use case has something before or after it"
    audit.record(
        tx,
        ctx,
        action,
        subject_kind="customer",
        subject_id=customer.id,
        customer_id=customer.id,
        before=None if before is None else rules.journal_facts(before),
        after=None if after is None else rules.journal_facts(after),
    )
