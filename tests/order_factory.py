"""Line requests, facts and orders for tests, complete but for what a test says about them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from comptoir.catalog.model import BillingCycle, Offer, Segment, Term
from comptoir.core.accounts import AccountSettings
from comptoir.core.context import Context
from comptoir.core.money import Rate
from comptoir.core.terms import Duration
from comptoir.customers.model import Reseller
from comptoir.db import Tx
from comptoir.orders import store
from comptoir.orders.facts import Facts
from comptoir.orders.judging import judge_lines
from comptoir.orders.model import (
    JudgedLine,
    LineRequest,
    Order,
    OrderLine,
    Problem,
    Status,
    TransactionType,
)
from comptoir.subscriptions.model import Subscription
from tests.subscription_factory import context, offer, pending, term

NOW = datetime(2026, 2, 11, 8, 14, 9, 482113, tzinfo=UTC)
ITEM = "DZH318Z0TFD8:0002:DZH318Z0J9QA"
TRIAL = "DZH318Z0TFD8:0001:DZH318Z0TR1A"
ADD_ON = "DZH318Z0TFD8:0009:DZH318Z0ADD0"
CUSTOMER_ID = "2f744df4-27ef-4dbd-a45b-eeba09a9746a"
ORDER_ID = "vJcUA1qQM-dJFpZ0Jho0NEDnXigvV74P1"
ALTERNATE_ID = "18d4a7264bac"
BASE_ID = "5833af74-42f8-4c10-bb6f-845f4613e12c"
RESELLER = Reseller(
    id="r", name="Reseller", mpn_id="4000123", state="Active", location="FR", has_signed_agreement=True
)


def months(text: str) -> Duration:
    return Duration.parse(text)


def an_offer(item: str = ITEM, terms: Sequence[Term] = (), **changes: Any) -> Offer:
    """The offer of the contract's sample: 7.50 EUR a month, 1 to 300 seats."""
    product_id, sku_id, availability_id = item.split(":")
    facts = {
        "product_id": product_id,
        "sku_id": sku_id,
        "availability_id": availability_id,
        "sku_title": "Fieldnote Cloud - Team",
        "maximum_quantity": 300,
    }
    terms = terms or (term(price="7.50"),)
    cycles = tuple(dict.fromkeys(each.billing_cycle for each in terms))
    return offer(terms, **{**facts, "supported_billing_cycles": cycles, **changes})


def a_trial(**changes: Any) -> Offer:
    free = replace(term("P1M", BillingCycle.NONE, "0"), renewal_options=(months("P1M"), months("P1Y")))
    return an_offer(TRIAL, (free,), is_trial=True, **changes)


def an_add_on(terms: Sequence[Term] = (), **changes: Any) -> Offer:
    return an_offer(ADD_ON, terms, **{"is_add_on": True, "parent_skus": ("DZH318Z0TFD8:0002",), **changes})


def a_request(item: str = ITEM, quantity: int = 12, **changes: Any) -> LineRequest:
    return LineRequest(item, quantity, **changes)


def facts(
    *offers: Offer,
    settings: AccountSettings | None = None,
    held: Sequence[Subscription] = (),
    resellers: Sequence[Reseller] = (),
    is_indirect_provider: bool = False,
    **changes: Any,
) -> Facts:
    account = replace(context(settings).account, is_indirect_provider=is_indirect_provider)
    base = Facts(
        account=account,
        country="FR",
        segments=frozenset({Segment.COMMERCIAL}),
        now=NOW,
        offers={each.catalog_item_id: each for each in offers or (an_offer(),)},
        open_subscriptions=held,
        resellers={each.mpn_id: each for each in resellers},
    )
    return replace(base, **changes)


def judge(request: LineRequest, known: Facts | None = None) -> JudgedLine:
    """The judgement of a single line."""
    (line,) = judge_lines([request], known or facts())
    return line


def problems(requests: Sequence[LineRequest], known: Facts) -> list[Problem | None]:
    return [line.problem for line in judge_lines(requests, known)]


def held(item: str = ITEM, **changes: Any) -> Subscription:
    """A subscription that the customer has already."""
    product_id, sku_id, availability_id = item.split(":")
    base = pending(
        id=BASE_ID,
        customer_id=CUSTOMER_ID,
        product_id=product_id,
        sku_id=sku_id,
        availability_id=availability_id,
    )
    return replace(base, **changes)


def an_order_line(number: int = 0, **changes: Any) -> OrderLine:
    base = OrderLine(
        number=number,
        catalog_item_id=ITEM,
        subscription_id=f"5833af74-42f8-4c10-bb6f-845f4613e1{number:02d}",
        term=months("P1M"),
        quantity=12,
        unit_price=Rate(Decimal("7.50"), "EUR"),
        billing_periods=1,
        friendly_name="Fieldnote Cloud - Team",
    )
    return replace(base, **changes)


def an_order(*lines: OrderLine, **changes: Any) -> Order:
    base = Order(
        id=ORDER_ID,
        alternate_id=ALTERNATE_ID,
        customer_id=CUSTOMER_ID,
        country="FR",
        billing_cycle=BillingCycle.MONTHLY,
        currency="EUR",
        status=Status.COMPLETED,
        transaction_type=TransactionType.USER_PURCHASE,
        purchaser_id=context().actor.id,
        created_at=NOW,
        completed_at=NOW,
        lines=lines or (an_order_line(),),
    )
    return replace(base, **changes)


async def put_order(tx: Tx, ctx: Context, subscription: Subscription) -> None:
    """Store the completed order of a subscription that was created without one."""
    order = an_order(
        an_order_line(subscription_id=subscription.id),
        id=subscription.order_id,
        alternate_id=ctx.ids.alternate_id(),
        customer_id=subscription.customer_id,
        created_at=ctx.now,
        completed_at=ctx.now,
    )
    assert await store.insert(tx, ctx.account.id, order)
