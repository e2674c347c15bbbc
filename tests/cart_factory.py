"""Cart lines, verdicts and carts for tests, complete but for what a test says about them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from comptoir.carts.model import Cart, CartLine, LineDraft, Status
from comptoir.catalog.model import BillingCycle, Term
from comptoir.core.terms import Duration
from comptoir.orders.model import JudgedLine, LineRequest, Problem
from tests.subscription_factory import CUSTOMER_ID, offer, term

FILLED_AT = datetime(2026, 3, 2, 8, 15, 0, 441200, tzinfo=UTC)
CART_ID = "619a6b47-e6c8-4737-9cfd-6e1ac1739365"
USER_ID = "7d2c51a8-40b1-4a83-9a0e-3f2d1c0b9a87"
ITEM = "CTR000000K7F:0002:CTR00000M1PQ"


def request(**changes: Any) -> LineRequest:
    return replace(LineRequest(catalog_item_id=ITEM, quantity=3), **changes)


def draft(id_: int | None = None, *add_ons: LineDraft, **changes: Any) -> LineDraft:
    return LineDraft(request=request(**changes), id=id_, add_ons=add_ons)


def line(id_: int = 0, *add_ons: CartLine, group: str | None = None, **changes: Any) -> CartLine:
    """A line that was not judged yet, or one that has its group."""
    return CartLine(id=id_, request=request(**changes), add_ons=add_ons, group=group)


def keyed(cycle: BillingCycle, currency: str = "EUR", id_: int = 0, **changes: Any) -> CartLine:
    """A line whose cycle and currency are settled."""
    return line(id_, billing_cycle=cycle, currency=currency, **changes)


def verdict(
    index: int = 0, problem: Problem | None = None, chosen: Term | None = None, **changes: Any
) -> JudgedLine:
    """A verdict on a line: sound with its defaults filled in, or with a problem."""
    chosen = chosen or term()
    base = JudgedLine(
        index=index,
        request=request(),
        offer=offer(terms=(chosen,)),
        term=chosen,
        billing_cycle=chosen.billing_cycle,
        currency=chosen.price.currency,
        renews_to=chosen.duration,
        problem=problem,
        detail="" if problem is None else "Something is wrong.",
    )
    return replace(base, **changes)


def term_of(cycle: BillingCycle, currency: str = "EUR") -> Term:
    """The shortest term that is paid in a cycle."""
    months = {BillingCycle.ANNUAL: 12, BillingCycle.BIENNIAL: 24, BillingCycle.TRIENNIAL: 36}.get(cycle, 1)
    return term(str(Duration(months=months)), cycle, currency=currency)


def cart(lines: Sequence[CartLine] = (), **changes: Any) -> Cart:
    """An active cart with a week to live."""
    base = Cart(
        id=CART_ID,
        customer_id=CUSTOMER_ID,
        status=Status.ACTIVE,
        created_at=FILLED_AT,
        modified_at=FILLED_AT,
        modified_by=USER_ID,
        expires_at=FILLED_AT + timedelta(days=7),
        lines=tuple(lines),
    )
    return replace(base, **changes)
