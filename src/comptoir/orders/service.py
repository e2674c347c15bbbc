"""Use cases of orders: judge lines, place, read, change, fulfil, link to the set-up."""

from collections.abc import Mapping, Sequence

from comptoir.audit import service as audit
from comptoir.audit.model import Action as Act
from comptoir.catalog import service as catalog
from comptoir.catalog.model import BillingCycle, Offer
from comptoir.clock import service as clock
from comptoir.core.accounts import OrderIdForm
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.customers import service as customers
from comptoir.customers.model import Customer, Reseller
from comptoir.db import RetryTransaction, Tx
from comptoir.orders import lifecycle, placing, requests, store, visibility
from comptoir.orders.choices import with_shared_terms
from comptoir.orders.facts import Facts
from comptoir.orders.judging import judge_lines
from comptoir.orders.model import (
    JudgedLine,
    LineActivationLink,
    LineRequest,
    Order,
    OrderDraft,
    OrderLine,
    OrderRequest,
    Purchaser,
    Status,
)
from comptoir.orders.refusals import refusal_of as refusal_of_line
from comptoir.orders.relations import needs_subscriptions
from comptoir.subscriptions import service as subscriptions
from comptoir.subscriptions.model import Subscription

FULFIL = "fulfil_order"
"""The kind of due work that completes an order. Its subject is the alternate id."""

ALTERNATE_ID_DRAWS_MAX = 5
LISTED_MAX = 5_000
"""Orders of a list, which the contract does not page. Older ones are read by their id."""


async def judge(tx: Tx, ctx: Context, customer: Customer, lines: Sequence[LineRequest]) -> list[JudgedLine]:
    """Judge lines against catalogue, subscriptions, stock and limits; one answer per line, in order."""
    offers = await catalog.offers(tx, {line.catalog_item_id for line in lines})
    return judge_lines(lines, await _facts(tx, ctx, customer, lines, offers))


def refusal_of(line: JudgedLine) -> Refusal:
    """With what an order refuses a line that has a problem."""
    return refusal_of_line(line)


async def place(tx: Tx, ctx: Context, customer: Customer, draft: OrderDraft) -> Order:
    """Buy what judged lines ask for: one order, and one subscription per line, waiting for its set-up.

    The customer has accepted the agreement (``require_agreement``). Refuses OUT_OF_STOCK if the stock went
    since the lines were judged.
    """
    order_id = _draw_order_id(ctx)
    lines = await provision(tx, ctx, customer, order_id=order_id, lines=draft.lines)
    order = await _insert(tx, ctx, customer, draft, order_id=order_id, lines=lines)
    await clock.schedule(
        tx,
        account_id=ctx.account.id,
        kind=FULFIL,
        subject_id=order.alternate_id,
        due_at=lifecycle.fulfilment_due(ctx.now, ctx.account.settings),
    )
    _record(tx, ctx, Act.CREATE_ORDER, None, order)
    return order


async def create(tx: Tx, ctx: Context, customer: Customer, request: OrderRequest) -> Order:
    """Judge and place an order without a cart (section 4.4). A line with a problem refuses all of it.

    The caller holds the customer's lock, so that nobody else uses up a limit at the same time.
    """
    wanted = requests.checked_lines(request, customer.id, ctx.account.settings)
    offers = await catalog.offers(tx, {line.catalog_item_id for line in wanted})
    lines = with_shared_terms(wanted, request.billing_cycle, request.currency, offers)
    judged = judge_lines(lines, await _facts(tx, ctx, customer, lines, offers))
    require_no_problem(judged)
    await require_agreement(tx, ctx, customer)
    draft = placing.draft_of(judged, attestation=request.attestation, upn=request.upn)
    return await place(tx, ctx, customer, draft)


async def get(tx: Tx, ctx: Context, customer: Customer, order_id: str) -> Order:
    """An order by its id or its alternate id, both case-sensitive."""
    own_id = await _own_id(tx, ctx, customer, order_id)
    order = None if own_id is None else await store.get(tx, ctx.account.id, customer.id, own_id)
    if order is None:
        raise Refusal(Code.ORDER_NOT_FOUND, order_id=order_id)
    return order


async def is_in_progress(tx: Tx, ctx: Context, customer: Customer, order_id: str) -> bool:
    """Whether there is such an order that is not fulfilled yet."""
    order = await store.get(tx, ctx.account.id, customer.id, order_id)
    return order is not None and order.status is Status.PENDING


async def purchaser_of(tx: Tx, ctx: Context, customer_id: str, order_id: str) -> Purchaser:
    """Who placed an order that is known to exist."""
    found = await store.purchaser_of(tx, ctx.account.id, customer_id, order_id)
    assert found is not None, order_id
    return found


async def alternate_id_of(tx: Tx, ctx: Context, customer_id: str, order_id: str) -> str:
    """The friendly id of an order that is known to exist."""
    found = await store.alternate_id_of(tx, ctx.account.id, customer_id, order_id)
    assert found is not None, order_id
    return found


async def list_for_customer(
    tx: Tx, ctx: Context, customer: Customer, billing_cycle: BillingCycle | None = None
) -> list[Order]:
    """The customer's last orders, newest first, without those that the account's list does not show yet."""
    until = visibility.listed_until(ctx.now, ctx.account.settings)
    return await store.list_for_customer(
        tx, ctx.account.id, customer.id, until, billing_cycle, most=LISTED_MAX
    )


async def list_by_ids(tx: Tx, ctx: Context, customer: Customer, order_ids: Sequence[str]) -> list[Order]:
    """Orders that exist, as they are now, in the order asked for."""
    return [await get(tx, ctx, customer, order_id) for order_id in order_ids]


async def get_locked(tx: Tx, ctx: Context, customer: Customer, order_id: str) -> Order:
    """``get`` an order that nobody else changes until the transaction ends."""
    own_id = await _own_id(tx, ctx, customer, order_id)
    if own_id is not None:
        await store.lock(tx, ctx.account.id, customer.id, own_id)
    return await get(tx, ctx, customer, own_id or order_id)


async def save(tx: Tx, ctx: Context, action: Act, before: Order, after: Order) -> None:
    """Store and journal a change of an order."""
    await store.update(tx, ctx.account.id, before, after)
    _record(tx, ctx, action, before, after)


async def fulfil(tx: Tx, ctx: Context, subject_id: str) -> None:
    """Complete a pending order, whose subscriptions exist already; the due work ``fulfil_order``.

    Those that no publisher sets up are active from then on. If all of them have ended meanwhile there is
    nothing left to fulfil, which is an error. Repeating it changes nothing.
    """
    found = await store.find(tx, ctx.account.id, subject_id)
    assert found is not None, subject_id
    customer_id, order_id = found
    await store.lock(tx, ctx.account.id, customer_id, order_id)
    order = await store.get(tx, ctx.account.id, customer_id, order_id)
    assert order is not None, found
    if order.status is not Status.PENDING:
        return
    bought = await subscriptions.list_for_order(tx, ctx, customer_id, order_id)
    has_ended = all(subscription.is_ended for subscription in bought)
    changed = lifecycle.failed(order) if has_ended else lifecycle.fulfilled(order, ctx.now)
    await save(tx, ctx, Act.FULFIL_ORDER, order, changed)
    await subscriptions.follow_fulfilment(tx, ctx, bought)


async def fulfil_if_due(tx: Tx, ctx: Context, customer: Customer, order_id: str) -> bool:
    """Do not wait for the due work where the time has come. ``False`` while the order stays in progress."""
    order = await store.get(tx, ctx.account.id, customer.id, order_id)
    if order is None or order.status is not Status.PENDING:
        return True
    if ctx.now < lifecycle.fulfilment_due(order.created_at, ctx.account.settings):
        return False
    await fulfil(tx, ctx, order.alternate_id)
    return True


async def activation_links(
    tx: Tx, ctx: Context, customer: Customer, order_id: str, line_number: int | None = None
) -> list[LineActivationLink]:
    """Where to set up what an order bought: of one line, or of every line that can be set up (section 5)."""
    order = await get(tx, ctx, customer, order_id)
    if line_number is not None and line_number not in range(len(order.lines)):
        raise Refusal(Code.LINE_NUMBER_UNKNOWN, line_number=line_number)
    if order.status is Status.PENDING:
        raise Refusal(Code.ORDER_IN_PROGRESS, order_id=order.id)
    if order.status is not Status.COMPLETED:
        return []
    bought = await subscriptions_of(tx, ctx, order)
    links = []
    for line in order.open_lines:
        if line_number in {None, line.number}:
            uri = await subscriptions.activation_link(
                tx,
                ctx,
                bought[line.subscription_id],
                alternate_id=order.alternate_id,
                line_number=line.number,
            )
            if uri is not None:
                links.append(LineActivationLink(line.number, uri))
    return links


async def _facts(
    tx: Tx, ctx: Context, customer: Customer, lines: Sequence[LineRequest], offers: Mapping[str, Offer]
) -> Facts:
    held: list[Subscription] = []
    if needs_subscriptions(lines, offers, ctx.account.settings):
        held = await subscriptions.open_for_customer(tx, ctx, customer.id)
    return Facts(
        account=ctx.account,
        country=customer.country,
        segments=catalog.segments_for(customer.qualification.value),
        now=ctx.now,
        offers=offers,
        open_subscriptions=held,
        resellers=await _resellers(tx, ctx, lines),
    )


async def _resellers(tx: Tx, ctx: Context, lines: Sequence[LineRequest]) -> dict[str, Reseller]:
    """The resellers that the lines name; only an indirect provider has any."""
    if not ctx.account.is_indirect_provider:
        return {}
    mpn_ids = {participant.mpn_id for line in lines for participant in line.participants}
    found = {mpn_id: await customers.reseller_by_mpn(tx, ctx, mpn_id) for mpn_id in sorted(mpn_ids)}
    return {mpn_id: reseller for mpn_id, reseller in found.items() if reseller is not None}


async def require_agreement(tx: Tx, ctx: Context, customer: Customer) -> None:
    """Refuse a purchase by a customer that has not accepted the agreement, where the account asks for it."""
    if not ctx.account.settings.require_customer_agreement:
        return
    if not await customers.has_agreement(tx, ctx, customer.id):
        raise Refusal(Code.AGREEMENT_MISSING)


def require_no_problem(judged: Sequence[JudgedLine]) -> None:
    """Refuse what the first line with a problem is refused with."""
    for line in judged:
        if line.problem is not None:
            raise refusal_of_line(line)


def _draw_order_id(ctx: Context) -> str:
    is_guid = ctx.account.settings.order_id_form is OrderIdForm.GUID
    return ctx.ids.guid() if is_guid else ctx.ids.order_id()


async def provision(
    tx: Tx,
    ctx: Context,
    customer: Customer,
    *,
    order_id: str,
    lines: Sequence[JudgedLine],
    first_number: int = 0,
) -> list[OrderLine]:
    """Take the stock and create the subscription of each line, numbered on from ``first_number``."""
    await _take_stock(tx, lines)
    bought: dict[int, Subscription] = {}
    for places in placing.bases_then_add_ons(lines):
        drafts = [
            placing.subscription_draft(lines[place], order_id, first_number + place, bought)
            for place in places
        ]
        created = await subscriptions.create_all(tx, ctx, customer, drafts)
        bought |= {lines[place].index: each for place, each in zip(places, created, strict=True)}
    return [placing.order_line(line, bought[line.index]) for line in lines]


async def _take_stock(tx: Tx, lines: Sequence[JudgedLine]) -> None:
    """Take the units of SKUs with a stock limit, in one order for everybody so that no two wait in a ring."""
    limited = [line for line in lines if line.offer is not None and line.offer.stock_limit is not None]
    for line in sorted(limited, key=lambda line: line.request.catalog_item_id):
        assert line.offer is not None
        offer, quantity = line.offer, line.request.quantity
        if not await catalog.take_stock(tx, offer.product_id, offer.sku_id, quantity):
            raise Refusal(Code.OUT_OF_STOCK, offer_id=offer.catalog_item_id)


async def _insert(
    tx: Tx, ctx: Context, customer: Customer, draft: OrderDraft, *, order_id: str, lines: Sequence[OrderLine]
) -> Order:
    """Store a new order under an alternate id that no other order of the account has."""
    for _ in range(ALTERNATE_ID_DRAWS_MAX):
        order = placing.new_order(
            draft,
            lines,
            customer,
            ctx.actor,
            order_id=order_id,
            alternate_id=ctx.ids.alternate_id(),
            now=ctx.now,
        )
        if await store.insert(tx, ctx.account.id, order):
            return order
    raise RetryTransaction


async def _own_id(tx: Tx, ctx: Context, customer: Customer, text: str) -> str | None:
    """The order id that a text is or stands for; ``None`` for what cannot be one of the customer's."""
    if not visibility.is_alternate_id(text):
        return text if visibility.is_order_id(text) else None
    found = await store.find(tx, ctx.account.id, text)
    return found[1] if found is not None and found[0] == customer.id else None


async def subscriptions_of(tx: Tx, ctx: Context, order: Order) -> dict[str, Subscription]:
    """Everything that an order bought, ended or not, by id."""
    bought = await subscriptions.list_for_order(tx, ctx, order.customer_id, order.id)
    return {subscription.id: subscription for subscription in bought}


def _record(tx: Tx, ctx: Context, action: Act, before: Order | None, after: Order) -> None:
    audit.record(
        tx,
        ctx,
        action,
        subject_kind="order",
        subject_id=after.id,
        customer_id=after.customer_id,
        before=None if before is None else placing.journal_facts(before),
        after=placing.journal_facts(after),
    )
