"""An order made of judged lines (``10-catalog-cart-orders`` sections 3.6, 3.10 and 4.3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from comptoir.core.context import Actor
from comptoir.core.terms import Duration
from comptoir.customers.model import Customer
from comptoir.orders.model import JudgedLine, Order, OrderDraft, OrderLine, Status, TransactionType
from comptoir.orders.participants import further_resellers, reseller_of_record
from comptoir.subscriptions.model import Subscription, SubscriptionDraft


def draft_of(lines: Sequence[JudgedLine], *, attestation: bool | None, upn: str | None) -> OrderDraft:
    """The draft of an order without a cart, whose lines were judged with the same cycle and currency."""
    first = lines[0]
    assert first.billing_cycle is not None
    assert first.currency is not None
    return OrderDraft(
        lines=tuple(lines),
        billing_cycle=first.billing_cycle,
        currency=first.currency,
        attestation=attestation,
        upn=upn,
    )


def bases_then_add_ons(lines: Sequence[JudgedLine]) -> list[list[int]]:
    """Places of the lines in two batches: those that others may extend, then those that extend them."""
    batches: tuple[list[int], list[int]] = ([], [])
    for place, line in enumerate(lines):
        batches[line.parent_line is not None].append(place)
    return [batch for batch in batches if batch]


def subscription_draft(
    line: JudgedLine, order_id: str, number: int, bought: Mapping[int, Subscription]
) -> SubscriptionDraft:
    """The subscription that a line buys. ``bought`` are those of the bases, by position in the request."""
    assert line.problem is None, line
    assert line.offer is not None
    assert line.term is not None
    return SubscriptionDraft(
        order_id=order_id,
        line_number=number,
        offer=line.offer,
        term=line.term,
        quantity=line.request.quantity,
        friendly_name=line.request.friendly_name,
        parent_subscription_id=(
            line.parent_subscription_id if line.parent_line is None else bought[line.parent_line].id
        ),
        renews_to=line.renews_to,
        partner_mpn_id=reseller_of_record(line.request.participants),
    )


def order_line(line: JudgedLine, subscription: Subscription) -> OrderLine:
    """The order's record of what a line bought."""
    assert line.term is not None
    request = line.request
    return OrderLine(
        number=subscription.line_number,
        catalog_item_id=subscription.catalog_item_id,
        subscription_id=subscription.id,
        term=line.term.duration,
        quantity=request.quantity,
        unit_price=line.term.price,
        billing_periods=line.term.billing_periods(),
        friendly_name=subscription.friendly_name,
        renews_to=_renewal_to_show(line),
        parent_subscription_id=subscription.parent_subscription_id,
        partner_mpn_id=subscription.partner_mpn_id,
        additional_mpn_ids=further_resellers(request.participants),
        provisioning_context=with_lower_initials(request.provisioning_context),
        attestation_accepted=request.attestation_accepted,
    )


def new_order(
    draft: OrderDraft,
    lines: Sequence[OrderLine],
    customer: Customer,
    actor: Actor,
    *,
    order_id: str,
    alternate_id: str,
    now: datetime,
) -> Order:
    """An order as it begins: pending, until its due work has fulfilled it."""
    assert lines, "an order has at least one line"
    assert {line.billing_cycle for line in draft.lines} == {draft.billing_cycle}, draft
    assert {line.currency for line in draft.lines} == {draft.currency}, draft
    return Order(
        id=order_id,
        alternate_id=alternate_id,
        customer_id=customer.id,
        country=customer.country,
        billing_cycle=draft.billing_cycle,
        currency=draft.currency,
        status=Status.PENDING,
        transaction_type=TransactionType.USER_PURCHASE,
        purchaser_id=actor.id,
        purchaser_name=actor.user_name,
        created_at=now,
        lines=tuple(lines),
        upn=draft.upn,
        attestation=draft.attestation,
        cart_id=draft.cart_id,
        cart_group=draft.cart_group,
    )


def with_lower_initials(context: Mapping[str, str]) -> dict[str, str]:
    """The provisioning context as it is given back: the first letter of each key lowered (section 3.3)."""
    return {key[:1].lower() + key[1:]: value for key, value in context.items()}


def journal_facts(order: Order) -> dict[str, str | int | None]:
    """What the journal keeps of an order, under the audit record's names (``20`` Part III)."""
    facts: dict[str, str | int | None] = {
        "OrderId": order.id,
        "AlternateId": order.alternate_id,
        "BillingCycle": order.billing_cycle.value,
        "Status": order.status.value,
    }
    for line in order.lines:
        facts[f"OfferId-{line.number}"] = line.catalog_item_id
        facts[f"SubscriptionId-{line.number}"] = line.subscription_id
        facts[f"SubscriptionName-{line.number}"] = line.friendly_name
        facts[f"Quantity-{line.number}"] = line.quantity
        facts[f"PartnerOnRecord-{line.number}"] = line.partner_mpn_id
    return facts


def _renewal_to_show(line: JudgedLine) -> Duration | None:
    """What the line renews to, where the caller asked for it or could not guess it."""
    assert line.term is not None
    if line.request.renews_to is None and line.renews_to == line.term.duration:
        return None
    return line.renews_to
