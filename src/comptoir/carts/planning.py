"""What a checkout does, decided before it is done (``10-catalog-cart-orders`` section 3.9, steps 4 to 6)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from comptoir.carts.lines import assign_groups, merge, nested_like, open_lines, pairs, settle_line
from comptoir.carts.model import Action, Cart, CartLine, CheckoutPlan, CheckoutResult, GroupFailure
from comptoir.carts.rules import next_status
from comptoir.core.errors import Refusal
from comptoir.orders.model import JudgedLine, Order, OrderDraft, Problem

PASSING = frozenset(
    {Problem.REPLACED, Problem.OUT_OF_STOCK, Problem.OWNERSHIP_LIMIT, Problem.ACCOUNT_LIMIT},
)
"""What can befall a sound line between cart and checkout: its supply, or the customer's allowance, has gone.

Section 3.9 reports these in ``orderErrors``, with the codes of orders (400019, 800010, 800089, 800018), so
that the other groups go on and a later checkout can try again. Every other problem is an error of the line.
"""


def plan_checkout(
    cart: Cart,
    verdicts: Sequence[JudgedLine],
    refusal_of: Callable[[JudgedLine], Refusal],
    upn: str | None,
) -> CheckoutPlan:
    """Decide a checkout from the verdicts on the cart's open lines.

    ``refusal_of`` gives the refusal with which an order answers a line's problem; ``upn`` is recorded.
    """
    lines = open_lines(cart.lines, cart.placed)
    failing = {verdict.index for line, verdict in pairs(lines, verdicts) if _has_passed(line, verdict)}
    settled = assign_groups(
        [
            line if verdict.index in failing else settle_line(line, verdict)
            for line, verdict in pairs(lines, verdicts)
        ],
        cart.placed,
    )
    groups = _members(settled, verdicts)
    failures = {
        name: GroupFailure(name, refusal_of(culprit))
        for name, members in groups.items()
        if (culprit := next((one for one in members if one.index in failing), None)) is not None
    }
    return CheckoutPlan(
        lines=merge(cart.lines, nested_like(lines, settled), cart.placed),
        drafts=tuple(
            _order_draft(cart, name, members, upn) for name, members in groups.items() if name not in failures
        ),
        failures=tuple(failures.values()),
        has_errors=any(line.error for line in settled),
    )


def result_of(placed: Sequence[Order], failures: Sequence[GroupFailure]) -> CheckoutResult:
    """What a checkout answers: every order of the cart and every failure, in group order."""
    return CheckoutResult(
        orders=tuple(sorted(placed, key=lambda order: _number(_group_of(order)))),
        failures=tuple(sorted(failures, key=lambda failure: _number(failure.group))),
    )


def after_checkout(
    cart: Cart, plan: CheckoutPlan, result: CheckoutResult, now: datetime, actor_id: str
) -> Cart:
    """The cart once ``result`` is there: ordered if nothing failed. Trying in vain does not change it."""
    action = Action.ORDER_SOME_GROUPS if result.failures else Action.ORDER_ALL_GROUPS
    after = replace(
        cart,
        status=next_status(cart, action),
        lines=plan.lines,
        placed={_group_of(order): order.id for order in result.orders},
        receipt=() if result.failures else result.orders,
    )
    if (after.status, after.placed) == (cart.status, cart.placed):
        return after
    return replace(after, modified_at=now, modified_by=actor_id)


def _group_of(order: Order) -> str:
    assert order.cart_group is not None, order.id
    return order.cart_group


def _number(group: str) -> int:
    """Groups come in the order of their numbers, the tenth after the ninth."""
    return int(group)


def _has_passed(line: CartLine, verdict: JudgedLine) -> bool:
    return verdict.problem in PASSING and line.error is None


def _members(lines: Sequence[CartLine], verdicts: Sequence[JudgedLine]) -> Mapping[str, list[JudgedLine]]:
    """The verdicts of each group, in group order; within it in cart order, each base before its add-ons."""
    groups: dict[str, list[JudgedLine]] = {}
    for line, verdict in zip(lines, verdicts, strict=True):
        if line.group is not None:
            groups.setdefault(line.group, []).append(verdict)
    return {name: _bases_first(groups[name]) for name in sorted(groups, key=_number)}


def _bases_first(members: Sequence[JudgedLine]) -> list[JudgedLine]:
    indexes = {verdict.index for verdict in members}
    add_ons: dict[int, list[JudgedLine]] = {}
    for verdict in members:
        if verdict.parent_line is not None and verdict.parent_line in indexes:
            add_ons.setdefault(verdict.parent_line, []).append(verdict)
    return [
        verdict
        for base in members
        if base.parent_line not in indexes
        for verdict in (base, *add_ons.get(base.index, ()))
    ]


def _order_draft(cart: Cart, group: str, members: Sequence[JudgedLine], upn: str | None) -> OrderDraft:
    first = members[0]
    assert first.billing_cycle is not None
    assert first.currency is not None
    assert {(one.billing_cycle, one.currency) for one in members} == {(first.billing_cycle, first.currency)}
    return OrderDraft(
        lines=tuple(members),
        billing_cycle=first.billing_cycle,
        currency=first.currency,
        cart_id=cart.id,
        cart_group=group,
        attestation=cart.attestation,
        upn=upn,
    )
