"""Lines of a cart: their ids, the verdicts on them, and their groups (``10`` sections 3.3, 3.6 and 3.8).

Whether a line is in order is decided by ``orders``, the same way for a cart as for an order created directly.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count

from comptoir.carts.model import CartLine, LineDraft, LineError, LineErrorCode, Quota, depth_first
from comptoir.orders.model import JudgedLine, LineRequest, Problem

LINE_ID_MAX = 2**31 - 1
"""Clients read line ids as 32-bit integers."""

ERROR_CODES: Mapping[Problem, LineErrorCode] = {
    Problem.INPUT: LineErrorCode.INVALID_INPUT,
    Problem.FRIENDLY_NAME: LineErrorCode.INVALID_INPUT,
    Problem.QUANTITY_TOO_SMALL: LineErrorCode.INVALID_INPUT,
    Problem.QUANTITY_TOO_LARGE: LineErrorCode.MAX_ALLOWED_SEATS_PER_SUBSCRIPTION_EXCEEDED,
    Problem.CATALOG_ITEM_UNKNOWN: LineErrorCode.CATALOG_ITEM_ID_IS_NOT_VALID,
    Problem.NOT_IN_COUNTRY: LineErrorCode.CATALOG_ITEM_ID_IS_NOT_VALID,
    Problem.NOT_IN_SEGMENT: LineErrorCode.CATALOG_ITEM_ID_IS_NOT_VALID,
    Problem.REPLACED: LineErrorCode.CATALOG_ITEM_ID_IS_NOT_VALID,
    Problem.NOT_PURCHASABLE: LineErrorCode.INVENTORY_NOT_AVAILABLE,
    Problem.OUT_OF_STOCK: LineErrorCode.INVENTORY_NOT_AVAILABLE,
    Problem.OWNERSHIP_LIMIT: LineErrorCode.QUOTA_NOT_AVAILABLE,
    Problem.ACCOUNT_LIMIT: LineErrorCode.SANDBOX_LIMIT_EXCEEDED,
    Problem.CURRENCY: LineErrorCode.CURRENCY_IS_NOT_SUPPORTED,
    Problem.BILLING_CYCLE: LineErrorCode.BILLING_PLAN_NOT_SUPPORTED,
    Problem.TERM: LineErrorCode.INVALID_INPUT,
    Problem.RENEWS_TO: LineErrorCode.INVALID_INPUT,
    Problem.ATTESTATION: LineErrorCode.ATTESTATION_NOT_ACCEPTED,
    Problem.PROMOTION: LineErrorCode.INVALID_PROMOTION_ID,
    Problem.CUSTOM_TERM_END: LineErrorCode.INVALID_CUSTOM_TERM_END_DATE_PRODUCT,
    Problem.PARTICIPANTS_NOT_SUPPORTED: LineErrorCode.PARTICIPANTS_IS_NOT_SUPPORTED_FOR_PARTNER,
    Problem.PARTICIPANTS_TOO_MANY: LineErrorCode.INVALID_INPUT,
    Problem.MPN_ID_UNKNOWN: LineErrorCode.INVALID_INPUT,
    Problem.MPN_ID_NOT_RESELLER: LineErrorCode.INVALID_INPUT,
    Problem.MPN_ID_OWN: LineErrorCode.INVALID_INPUT,
    Problem.ADD_ON_TOO_DEEP: LineErrorCode.INVALID_INPUT,
    Problem.PARENT_UNKNOWN: LineErrorCode.SUBSCRIPTION_IS_NOT_VALID,
    Problem.ADD_ON_UNRELATED: LineErrorCode.SUBSCRIPTION_IS_NOT_VALID,
    Problem.ADD_ON_WITHOUT_BASE: LineErrorCode.SUBSCRIPTION_IS_NOT_VALID,
    Problem.BASE_SEATS: LineErrorCode.BASE_OFFER_SEAT_QUANTITY_NOT_MET,
    Problem.ADD_ON_SEATS: LineErrorCode.MINIMUM_ADD_ON_SEATS_NOT_MET,
}
"""The number that a line error prints for each problem (section 3.8)."""

assert ERROR_CODES.keys() == set(Problem), set(Problem) - ERROR_CODES.keys()


def sent_ids(drafts: Sequence[LineDraft]) -> list[int | None]:
    """The ids sent, depth-first: each line's, then its add-ons'."""
    return [id_ for draft in drafts for id_ in (draft.id, *sent_ids(draft.add_ons))]


def number_lines(drafts: Sequence[LineDraft]) -> tuple[CartLine, ...]:
    """Lines with ids, not judged yet.

    The ids sent are kept if all are usable and unique over lines and add-ons, else all lines are renumbered
    depth-first: .NET and Java send 0 for every line whose id the caller did not set (section 3.3).
    """
    sent = sent_ids(drafts)
    usable = [id_ for id_ in sent if id_ is not None and 0 <= id_ <= LINE_ID_MAX]
    return _with_ids(drafts, iter(usable if len(set(usable)) == len(sent) else range(len(sent))))


def requests_of(lines: Sequence[CartLine]) -> list[LineRequest]:
    """What to judge: the lines depth-first, each nested add-on pointing at its base."""
    requests: list[LineRequest] = []
    for line in lines:
        _append_requests(requests, line, None)
    return requests


def pairs(lines: Sequence[CartLine], verdicts: Sequence[JudgedLine]) -> Iterator[tuple[CartLine, JudgedLine]]:
    """Each line and add-on with its verdict; ``verdicts`` answer ``requests_of(lines)``."""
    return zip(depth_first(lines), verdicts, strict=True)


def settle(
    lines: Sequence[CartLine], verdicts: Sequence[JudgedLine], placed: Collection[str]
) -> tuple[CartLine, ...]:
    """The lines with their verdicts entered: defaults, prices and groups on sound ones, errors on the others.

    ``placed`` are the group names that are used up.
    """
    settled = [settle_line(line, verdict) for line, verdict in pairs(lines, verdicts)]
    return nested_like(lines, assign_groups(settled, placed))


def settle_line(line: CartLine, verdict: JudgedLine) -> CartLine:
    """The line as judged, before grouping. What an error left unresolved stays as it was sent."""
    request = _resolved(line.request, verdict)
    if verdict.problem is not None:
        return replace(line, request=request, group=None, pricing=None, error=line_error(verdict))
    return replace(line, request=request, pricing=verdict.pricing, error=None)


def assign_groups(lines: Sequence[CartLine], placed: Collection[str]) -> list[CartLine]:
    """Give each sound line its group: one for each billing cycle and currency (section 3.6).

    ``lines`` are flat. Groups are named "0", "1" and so on by first appearance; a line that has its group
    keeps it. An add-on needs no rule of its own: with another cycle or currency than its base it is in error.
    """
    names = {_group_key(line): line.group for line in lines if line.group is not None}
    taken = {*placed, *names.values()}
    free = (name for name in map(str, count()) if name not in taken)
    grouped = []
    for line in lines:
        key = _group_key(line)
        if line.error is None and key not in names:
            names[key] = next(free)
        grouped.append(line if line.error else replace(line, group=names[key]))
    return grouped


def nested_like(lines: Sequence[CartLine], flat: Sequence[CartLine]) -> tuple[CartLine, ...]:
    """The flat lines with the add-ons nested as in ``lines``, from which they came."""
    remaining = iter(flat)

    def nest(level: Sequence[CartLine]) -> tuple[CartLine, ...]:
        return tuple(replace(next(remaining), add_ons=nest(line.add_ons)) for line in level)

    return nest(lines)


def open_lines(lines: Sequence[CartLine], placed: Collection[str]) -> tuple[CartLine, ...]:
    """The lines that are not ordered yet. A nested add-on is ordered together with its base."""
    return tuple(line for line in lines if line.group not in placed)


def merge(
    lines: Sequence[CartLine], settled: Sequence[CartLine], placed: Collection[str]
) -> tuple[CartLine, ...]:
    """All lines in cart order, the open ones as ``settled``."""
    fresh = iter(settled)
    return tuple(line if line.group in placed else next(fresh) for line in lines)


def line_error(verdict: JudgedLine) -> LineError:
    """What the cart shows of a problem (section 3.8)."""
    assert verdict.problem is not None, verdict
    code = ERROR_CODES[verdict.problem]
    if verdict.problem is Problem.INPUT and verdict.request.unreadable == "billingCycle":
        code = LineErrorCode.BILLING_PLAN_NOT_SUPPORTED
    return LineError(code, verdict.detail, _quota(verdict))


def _with_ids(drafts: Sequence[LineDraft], ids: Iterator[int]) -> tuple[CartLine, ...]:
    return tuple(
        CartLine(id=next(ids), request=draft.request, add_ons=_with_ids(draft.add_ons, ids))
        for draft in drafts
    )


def _append_requests(requests: list[LineRequest], line: CartLine, base: int | None) -> None:
    position = len(requests)
    requests.append(replace(line.request, parent_line=base))
    for add_on in line.add_ons:
        _append_requests(requests, add_on, position)


def _resolved(request: LineRequest, verdict: JudgedLine) -> LineRequest:
    """The request with its defaults; a renewal is spelled out where it differs from the term.

    A currency that is not the item's stays as it was asked for, or the error would be gone the next time.
    """
    term = verdict.term.duration if verdict.term else request.term
    renews_to = verdict.renews_to if verdict.renews_to != term else None
    return replace(
        request,
        billing_cycle=verdict.billing_cycle or request.billing_cycle,
        currency=(request.currency if verdict.problem else None) or verdict.currency,
        term=term,
        renews_to=request.renews_to or renews_to,
    )


def _quota(verdict: JudgedLine) -> Quota | None:
    if verdict.problem is not Problem.OWNERSHIP_LIMIT:
        return None
    available, purchased = verdict.facts["available"], verdict.facts["purchased"]
    assert isinstance(available, int), verdict.facts
    assert isinstance(purchased, int), verdict.facts
    return Quota(available, purchased)


def _group_key(line: CartLine) -> tuple[str | None, str | None]:
    return line.request.billing_cycle, line.request.currency
