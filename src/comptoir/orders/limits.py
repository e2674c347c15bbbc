"""Limits that the lines of one request use up together (``10-catalog-cart-orders`` section 3.10)."""

from collections.abc import Sequence

from comptoir.orders.facts import Facts, Finding, refused
from comptoir.orders.model import JudgedLine, Problem


def within_limits(lines: Sequence[JudgedLine], facts: Facts) -> list[JudgedLine]:
    """The lines, in order, with the first limit that each one exceeds.

    A line with a problem uses up nothing, so that those after it can still be bought without it.
    """
    kept: list[JudgedLine] = []
    judged: list[JudgedLine] = []
    for line in lines:
        finding = None if line.problem is not None else _first_exceeded(line, kept, facts)
        if finding is not None:
            judged.append(refused(line, finding))
            continue
        judged.append(line)
        if line.problem is None:
            kept.append(line)
    return judged


def _first_exceeded(line: JudgedLine, kept: Sequence[JudgedLine], facts: Facts) -> Finding | None:
    return (
        _ownership(line, kept, facts)
        or _stock(line, kept)
        or _account_subscriptions(kept, facts)
        or _account_seats(line, facts)
    )


def _ownership(line: JudgedLine, kept: Sequence[JudgedLine], facts: Facts) -> Finding | None:
    assert line.offer is not None
    limit = line.offer.ownership_limit
    if limit is None:
        return None
    held = sum(
        (subscription.product_id, subscription.sku_id) == (line.offer.product_id, line.offer.sku_id)
        for subscription in facts.open_subscriptions
    )
    remaining = max(0, limit - held - len(_same_sku(line, kept)))
    if remaining > 0:
        return None
    return Finding(
        Problem.OWNERSHIP_LIMIT,
        f"A customer can hold {limit} subscriptions of this item at a time.",
        {"available": remaining, "purchased": held},
    )


def _stock(line: JudgedLine, kept: Sequence[JudgedLine]) -> Finding | None:
    assert line.offer is not None
    left = line.offer.stock_left
    if left is None:
        return None
    left -= sum(other.request.quantity for other in _same_sku(line, kept))
    if line.request.quantity <= left:
        return None
    return Finding(Problem.OUT_OF_STOCK, f"There are {max(0, left)} units of this item left.")


def _account_subscriptions(kept: Sequence[JudgedLine], facts: Facts) -> Finding | None:
    limit = facts.account.settings.limit_subscriptions_per_customer
    if limit is None or len(facts.open_subscriptions) + len(kept) < limit:
        return None
    return Finding(Problem.ACCOUNT_LIMIT, f"A customer can have {limit} subscriptions.")


def _account_seats(line: JudgedLine, facts: Facts) -> Finding | None:
    limit = facts.account.settings.limit_seats_per_subscription
    if limit is None or line.request.quantity <= limit:
        return None
    return Finding(Problem.ACCOUNT_LIMIT, f"A subscription can have {limit} seats.")


def _same_sku(line: JudgedLine, others: Sequence[JudgedLine]) -> list[JudgedLine]:
    assert line.offer is not None
    return [other for other in others if other.offer and other.offer.sku_key == line.offer.sku_key]
