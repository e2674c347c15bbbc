"""Use case: change an order by PATCH (``10-catalog-cart-orders`` section 4.5)."""

from collections.abc import Sequence

from comptoir.audit.model import Action as Act
from comptoir.catalog import service as catalog
from comptoir.catalog.model import BillingCycle, Term
from comptoir.core.context import Context
from comptoir.customers.model import Customer
from comptoir.db import Tx
from comptoir.orders import lifecycle, patching, service
from comptoir.orders.model import LineRequest, Order, OrderPatch
from comptoir.subscriptions import service as subscriptions
from comptoir.subscriptions.model import StatusReason


async def patch(tx: Tx, ctx: Context, customer: Customer, order_id: str, wanted: OrderPatch) -> Order:
    """Cancel lines, change the billing cycle or buy add-ons; nothing to do changes nothing.

    The caller holds the customer's lock, as for ``service.create``.
    """
    order = await service.get_locked(tx, ctx, customer, order_id)
    match patching.plan_patch(order, wanted, ctx.account.settings, ctx.now):
        case patching.CancelLines() as plan:
            after = await _cancel(tx, ctx, order, plan)
            await service.save(tx, ctx, Act.CANCEL_ORDER, order, after)
        case patching.ChangeBillingCycle(cycle):
            after = await _change_billing_cycle(tx, ctx, order, cycle)
            await service.save(tx, ctx, Act.UPDATE_ORDER, order, after)
        case patching.BuyAddOns(requests):
            after = await _buy_add_ons(tx, ctx, customer, order, requests)
            await service.save(tx, ctx, Act.UPDATE_ORDER, order, after)
        case None:
            return order
    return after


async def _cancel(tx: Tx, ctx: Context, order: Order, plan: patching.CancelLines) -> Order:
    """End the subscriptions of the lines, unless they have ended by themselves.

    Add-ons first, each with its own reason: their base would take them along, as it does with those that
    other orders bought.
    """
    changed = lifecycle.cancelled(order, plan.numbers, plan.action, plan.keeps_quantities, ctx.now)
    bought = await service.subscriptions_of(tx, ctx, order)
    for line in sorted(order.lines, key=lambda line: line.parent_subscription_id is None):
        subscription = bought[line.subscription_id]
        if line.number in plan.numbers and not subscription.is_ended:
            is_asked = line.number in plan.asked
            reason = StatusReason.ORDER_CANCELLED if is_asked else StatusReason.BASE_CANCELLED
            await subscriptions.cancel(tx, ctx, subscription, reason)
    return changed


async def _change_billing_cycle(tx: Tx, ctx: Context, order: Order, cycle: BillingCycle) -> Order:
    bought = await service.subscriptions_of(tx, ctx, order)
    terms = patching.new_terms(order, cycle, await _terms_on_sale(tx, order), bought)
    changed = lifecycle.with_terms(order, terms)
    for line in order.open_lines:
        await subscriptions.change_billing_cycle(tx, ctx, bought[line.subscription_id], terms[line.number])
    return changed


async def _terms_on_sale(tx: Tx, order: Order) -> dict[int, tuple[Term, ...]]:
    """What the plan of each open line is sold for now in the order's market. What is gone is left out.

    A plan has one payment for each length of its terms, so another billing cycle is there only once the
    publisher has changed it, which gives the plan a new availability.
    """
    offers = await catalog.offers(tx, {line.catalog_item_id for line in order.open_lines})
    on_sale: dict[int, tuple[Term, ...]] = {}
    for line in order.open_lines:
        offer = offers.get(line.catalog_item_id)
        if offer is not None:
            on_sale[line.number] = await catalog.current_terms(tx, offer)
    return on_sale


async def _buy_add_ons(
    tx: Tx, ctx: Context, customer: Customer, order: Order, requests: Sequence[LineRequest]
) -> Order:
    judged = await service.judge(tx, ctx, customer, requests)
    service.require_no_problem(judged)
    await service.require_agreement(tx, ctx, customer)
    lines = await service.provision(
        tx, ctx, customer, order_id=order.id, lines=judged, first_number=len(order.lines)
    )
    bought = await service.subscriptions_of(tx, ctx, order)
    await subscriptions.follow_fulfilment(tx, ctx, [bought[line.subscription_id] for line in lines])
    return lifecycle.with_lines(order, lines)
