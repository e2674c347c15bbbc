"""Use cases of customer agreements: confirm one, list them, link to their text."""

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.core.context import Context
from comptoir.customers import agreements, service, store
from comptoir.customers.model import Agreement, AgreementDraft, AgreementType
from comptoir.db import Tx

AGREEMENT = "agreement"
"""The purpose under which links to an agreement's text are signed."""


async def confirm(tx: Tx, ctx: Context, customer_id: str, draft: AgreementDraft) -> Agreement:
    """Keep that a contact of the customer accepted an agreement; the caller vouches for it."""
    customer = await service.lock(tx, ctx, customer_id)
    agreement = agreements.confirmed(
        draft,
        await store.list_agreements(tx, ctx.account.id, customer.id, None),
        agreement_id=ctx.ids.guid(),
        user_id=ctx.actor.id,
        now=ctx.now,
        wall=ctx.wall,
    )
    await store.insert_agreement(tx, ctx.account.id, customer.id, agreement)
    audit.record(
        tx,
        ctx,
        Action.CREATE_AGREEMENT,
        subject_kind="agreement",
        subject_id=agreement.id,
        customer_id=customer.id,
        after={"type": agreement.type.value, "template_id": agreement.template_id},
    )
    return agreement


async def list_for_customer(
    tx: Tx, ctx: Context, customer_id: str, wanted: AgreementType | None
) -> list[Agreement]:
    """The customer's confirmations, newest first; those of every type for ``None``."""
    customer = await service.require(tx, ctx, customer_id)
    return await store.list_agreements(tx, ctx.account.id, customer.id, wanted)


async def is_signed_directly(tx: Tx, ctx: Context, customer_id: str) -> bool:
    """Whether the customer signed the customer agreement itself, without the partner."""
    customer = await service.require(tx, ctx, customer_id)
    return await store.has_direct_agreement(tx, ctx.account.id, customer.id)


async def sign_directly(tx: Tx, ctx: Context, customer_id: str) -> None:
    """The customer signs the customer agreement itself, as an operator attests. Twice is as good as once."""
    customer = await service.lock(tx, ctx, customer_id)
    if await store.has_direct_agreement(tx, ctx.account.id, customer.id):
        return
    agreement_id = ctx.ids.guid()
    template = agreements.template_of(AgreementType.MICROSOFT_CUSTOMER_AGREEMENT)
    await store.insert_direct_agreement(
        tx,
        ctx.account.id,
        customer.id,
        agreement_id=agreement_id,
        template_id=template.id,
        signed_at=ctx.now,
    )
    audit.record(
        tx,
        ctx,
        Action.CREATE_AGREEMENT,
        subject_kind="agreement",
        subject_id=agreement_id,
        customer_id=customer.id,
        after={"type": template.type.value, "template_id": template.id, "is_signed_directly": True},
    )


def document_token(ctx: Context, template_id: str, language: str, country: str) -> str:
    """The signed part of a link to an agreement's text; it works for five minutes and never repeats."""
    ticket = agreements.DocumentTicket(
        template_id=template_id,
        language=language,
        country=country,
        expires_at=ctx.wall + agreements.DOCUMENT_LIFE,
        nonce=ctx.ids.guid(),
    )
    return ctx.sign(AGREEMENT, ticket.encode())
