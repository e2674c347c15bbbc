"""Use cases of carts: fill, read, replace, check out, and forget those that are gone."""

from dataclasses import replace
from datetime import timedelta

from comptoir.audit import service as audit
from comptoir.audit.model import Action as Act
from comptoir.carts import rules, store
from comptoir.carts.lines import merge, number_lines, open_lines, requests_of, settle
from comptoir.carts.model import (
    Action,
    Cart,
    CartDraft,
    CartLine,
    CheckoutPlan,
    CheckoutResult,
    GroupFailure,
    Status,
    depth_first,
)
from comptoir.carts.planning import after_checkout, plan_checkout, result_of
from comptoir.clock import service as clock
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal, Refused
from comptoir.customers import service as customers
from comptoir.customers.model import Customer
from comptoir.db import Tx
from comptoir.orders import service as orders
from comptoir.orders.model import Order

PURGE_CART = "purge_cart"
"""The kind of due work that ``purge`` does. Its subject is the customer's id, a slash, the cart's id."""


async def create(tx: Tx, ctx: Context, customer_id: str, draft: CartDraft) -> Cart:
    """Fill a new cart. Lines that cannot be bought are kept with their error."""
    customer = await customers.require(tx, ctx, customer_id, hold=True)
    settings = ctx.account.settings
    rules.check_draft(draft, settings.require_partner_attestation)
    cart = Cart(
        id=ctx.ids.guid(),
        customer_id=customer.id,
        status=Status.ACTIVE,
        created_at=ctx.now,
        modified_at=ctx.now,
        modified_by=ctx.actor.id,
        expires_at=ctx.now + timedelta(seconds=settings.cart_ttl_seconds),
        lines=await _judged(tx, ctx, customer, number_lines(draft.lines)),
        attestation=draft.attestation,
    )
    await store.insert(tx, ctx.account.id, cart)
    await _schedule_purge(tx, ctx, cart)
    _record(tx, ctx, Act.CREATE_CART, None, cart)
    return cart


async def get(tx: Tx, ctx: Context, customer_id: str, cart_id: str) -> Cart:
    """A cart that is not gone; CART_NOT_FOUND."""
    customer = await customers.require(tx, ctx, customer_id)
    own_id = rules.read_cart_id(cart_id)
    return _present(ctx, own_id, await store.get(tx, ctx.account.id, customer.id, own_id))


async def update(tx: Tx, ctx: Context, customer_id: str, cart_id: str, draft: CartDraft) -> Cart:
    """Replace what is in an active cart; its expiry stays. CART_NOT_FOUND, CART_ORDERED."""
    customer = await customers.require(tx, ctx, customer_id, hold=True)
    cart = await _locked(tx, ctx, customer, cart_id)
    status = rules.next_status(cart, Action.REPLACE)
    rules.check_draft(draft, ctx.account.settings.require_partner_attestation)
    lines = rules.carry_over(cart, number_lines(draft.lines))
    judged = await _judged(tx, ctx, customer, open_lines(lines, cart.placed), cart)
    replaced = replace(
        cart,
        status=status,
        modified_at=ctx.now,
        modified_by=ctx.actor.id,
        lines=merge(lines, judged, cart.placed),
        attestation=draft.attestation,
    )
    await store.update(tx, ctx.account.id, replaced)
    _record(tx, ctx, Act.UPDATE_CART, cart, replaced)
    return replaced


async def checkout(
    tx: Tx, ctx: Context, customer_id: str, cart_id: str, upn: str | None
) -> CheckoutResult | Refused:
    """Order every group that is not ordered yet, each on its own (section 3.9).

    An ordered cart answers with the orders as they were when it was ordered, whatever has become of them
    since: they go on living, the answer to this call does not change. Returns ``Refused`` with
    CART_HAS_ERRORS where lines turn out to be wrong, so that the errors found are kept on them. Raises
    CART_NOT_FOUND, and AGREEMENT_MISSING where there is something to order.
    """
    customer = await customers.lock(tx, ctx, customer_id)
    cart = await _locked(tx, ctx, customer, cart_id)
    if cart.status is Status.ORDERED:
        return CheckoutResult(orders=cart.receipt, failures=())
    await orders.require_agreement(tx, ctx, customer)
    verdicts = await orders.judge(tx, ctx, customer, requests_of(open_lines(cart.lines, cart.placed)))
    plan = plan_checkout(cart, verdicts, orders.refusal_of, upn)
    if plan.has_errors:
        return await _keep_errors(tx, ctx, cart, plan)
    placed, failures = await _place(tx, ctx, customer, plan)
    earlier = await orders.list_by_ids(tx, ctx, customer, list(cart.placed.values()))
    result = result_of([*earlier, *placed], [*plan.failures, *failures])
    after = after_checkout(cart, plan, result, ctx.now, ctx.actor.id)
    await store.update(tx, ctx.account.id, after)
    _record(tx, ctx, Act.CHECKOUT_CART, cart, after)
    return result


async def purge(tx: Tx, ctx: Context, subject_id: str) -> None:
    """Handler of the due work ``purge_cart``: delete a cart that is gone, look again later at any other.

    It leaves no journal entry, because nobody can see a difference.
    """
    customer_id, _, cart_id = subject_id.partition("/")
    cart = await store.lock(tx, ctx.account.id, customer_id, cart_id)
    if cart is None:
        return
    if ctx.now < rules.gone_at(cart, ctx.account.settings.ordered_cart_retention_seconds):
        await _schedule_purge(tx, ctx, cart)
    else:
        await store.delete(tx, ctx.account.id, customer_id, cart_id)


async def _locked(tx: Tx, ctx: Context, customer: Customer, cart_id: str) -> Cart:
    """The cart, once no other call is at work on it; the database bounds the wait (README, decision 21)."""
    own_id = rules.read_cart_id(cart_id)
    return _present(ctx, own_id, await store.lock(tx, ctx.account.id, customer.id, own_id))


def _present(ctx: Context, cart_id: str, cart: Cart | None) -> Cart:
    retention = ctx.account.settings.ordered_cart_retention_seconds
    if cart is None or ctx.now >= rules.gone_at(cart, retention):
        raise Refusal(Code.CART_NOT_FOUND, cart_id=cart_id)
    return cart


async def _judged(
    tx: Tx, ctx: Context, customer: Customer, lines: tuple[CartLine, ...], cart: Cart | None = None
) -> tuple[CartLine, ...]:
    verdicts = await orders.judge(tx, ctx, customer, requests_of(lines))
    return settle(lines, verdicts, cart.placed if cart else ())


async def _keep_errors(tx: Tx, ctx: Context, cart: Cart, plan: CheckoutPlan) -> Refused:
    if plan.lines != cart.lines:
        wrong = replace(cart, lines=plan.lines)
        await store.update(tx, ctx.account.id, wrong)
        _record(tx, ctx, Act.UPDATE_CART, cart, wrong)
    return Refused(Refusal(Code.CART_HAS_ERRORS))


async def _place(
    tx: Tx, ctx: Context, customer: Customer, plan: CheckoutPlan
) -> tuple[list[Order], list[GroupFailure]]:
    """Each group in a savepoint of its own, so that one that fails takes nothing with it."""
    placed: list[Order] = []
    failures: list[GroupFailure] = []
    for draft in plan.drafts:
        assert draft.cart_group is not None
        try:
            async with tx.savepoint():
                placed.append(await orders.place(tx, ctx, customer, draft))
        except Refusal as refusal:
            failures.append(GroupFailure(draft.cart_group, refusal))
    return placed, failures


async def _schedule_purge(tx: Tx, ctx: Context, cart: Cart) -> None:
    await clock.schedule(
        tx,
        account_id=ctx.account.id,
        kind=PURGE_CART,
        subject_id=f"{cart.customer_id}/{cart.id}",
        due_at=rules.gone_at(cart, ctx.account.settings.ordered_cart_retention_seconds),
    )


def _record(tx: Tx, ctx: Context, action: Act, before: Cart | None, after: Cart) -> None:
    audit.record(
        tx,
        ctx,
        action,
        subject_kind="cart",
        subject_id=after.id,
        customer_id=after.customer_id,
        before=None if before is None else _summary(before),
        after=_summary(after),
    )


def _summary(cart: Cart) -> dict[str, str | int]:
    lines = list(depth_first(cart.lines))
    return {
        "status": cart.status.value,
        "lines": len(lines),
        "linesInError": sum(line.error is not None for line in lines),
        "orders": len(cart.placed),
    }
