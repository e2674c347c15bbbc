"""Whether each line of a cart or of an order can be bought, and on which terms.

One evaluation for both: ``10-catalog-cart-orders`` sections 3.5 (defaults), 3.7 (add-ons), 3.8 (line errors)
and 3.10 (limits).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from comptoir.catalog.model import BillingCycle, Offer, Term
from comptoir.core.terms import Duration
from comptoir.orders.choices import choose_cycle, choose_renewal, choose_term
from comptoir.orders.facts import Base, Facts, Finding, refused
from comptoir.orders.limits import within_limits
from comptoir.orders.model import JudgedLine, LineRequest, Problem
from comptoir.orders.participants import judge_participants
from comptoir.orders.relations import extends_something, find_base, judge_relation
from comptoir.subscriptions.model import FRIENDLY_NAME_MAX


@dataclass(frozen=True, slots=True)
class _Reading:
    """A line with every choice made that can be made; a finding stands where one failed."""

    request: LineRequest
    offer: Offer | None = None
    base: Base | Finding | None = None
    cycle: BillingCycle | None = None
    term: Term | Finding | None = None
    renewal: Duration | Finding | None = None


def judge_lines(requests: Sequence[LineRequest], facts: Facts) -> list[JudgedLine]:
    """One judgement per line, in the order of the request.

    Bases are judged before the add-ons that extend them, wherever these stand.
    """
    offers = [facts.offers.get(request.catalog_item_id) for request in requests]
    bases: dict[int, JudgedLine] = {}
    for index, (request, offer) in enumerate(zip(requests, offers, strict=True)):
        if not extends_something(request, offer):
            bases[index] = _judge_line(index, request, offer, None, facts)
    lines = [
        bases.get(index) or _judge_line(index, request, offer, find_base(request, offer, bases, facts), facts)
        for index, (request, offer) in enumerate(zip(requests, offers, strict=True))
    ]
    return within_limits(lines, facts)


def _judge_line(
    index: int, request: LineRequest, offer: Offer | None, base: Base | Finding | None, facts: Facts
) -> JudgedLine:
    """Fill in what can be filled in, then report the first thing that is wrong."""
    reading = _Reading(request) if offer is None else _read(request, offer, base)
    finding = _first_finding(reading, facts)
    line = JudgedLine(
        index=index,
        request=request,
        offer=offer,
        term=None if isinstance(reading.term, Finding) else reading.term,
        billing_cycle=reading.cycle or request.billing_cycle,
        currency=request.currency if offer is None else offer.currency,
        renews_to=None if isinstance(reading.renewal, Finding) else reading.renewal,
        parent_line=base.line if isinstance(base, Base) else None,
        parent_subscription_id=base.subscription_id if isinstance(base, Base) else None,
    )
    return line if finding is None else refused(line, finding)


def _read(request: LineRequest, offer: Offer, base: Base | Finding | None) -> _Reading:
    cycle = choose_cycle(request, offer, base if isinstance(base, Base) else None)
    term = None if cycle is None else choose_term(offer, cycle, request.term)
    renewal = choose_renewal(request, offer, term) if isinstance(term, Term) else None
    return _Reading(request, offer, base, cycle, term, renewal)


def _first_finding(reading: _Reading, facts: Facts) -> Finding | None:
    request, offer = reading.request, reading.offer
    if request.unreadable is not None:
        return Finding(Problem.INPUT, f"{request.unreadable} cannot be understood.")
    if request.quantity < 1:
        return Finding(Problem.QUANTITY_TOO_SMALL, "The quantity must be at least 1.")
    if len(request.friendly_name or "") > FRIENDLY_NAME_MAX:
        return Finding(
            Problem.FRIENDLY_NAME, f"The friendly name has more than {FRIENDLY_NAME_MAX} characters."
        )
    if offer is None:
        return Finding(Problem.CATALOG_ITEM_UNKNOWN, "The catalogue item id is not valid.")
    base = reading.base if isinstance(reading.base, Base) else None
    return (
        _judge_offer(offer, facts)
        or _finding(reading.base)
        or _judge_currency(request, offer, base)
        or _judge_cycle(reading.cycle, base)
        or _finding(reading.term)
        or _finding(reading.renewal)
        or judge_relation(offer, base, request.quantity)
        or _judge_quantity(request.quantity, offer)
        or _judge_extras(request, offer)
        or judge_participants(request.participants, facts.account, facts.resellers)
    )


def _finding(choice: object) -> Finding | None:
    return choice if isinstance(choice, Finding) else None


def _judge_offer(offer: Offer, facts: Facts) -> Finding | None:
    """Whether this customer can buy the item from this partner now."""
    if offer.country != facts.country:
        return Finding(
            Problem.NOT_IN_COUNTRY, f"The item is not sold in {facts.country}.", {"country": facts.country}
        )
    if offer.segment not in facts.segments:
        return Finding(
            Problem.NOT_IN_SEGMENT, f"The customer does not qualify for the segment {offer.segment.value}."
        )
    if offer.has_lapsed(facts.now, facts.account.settings.availability_grace_seconds):
        return Finding(
            Problem.REPLACED, "The availability was replaced. Read the SKU's availabilities again."
        )
    if not offer.purchasable_by(facts.account.id):
        return Finding(Problem.NOT_PURCHASABLE, "The item is not eligible for purchase.")
    return None


def _judge_currency(request: LineRequest, offer: Offer, base: Base | None) -> Finding | None:
    """An order has one currency, so an add-on is bought in that of its base."""
    if request.currency is not None and request.currency.upper() != offer.currency:
        return Finding(Problem.CURRENCY, f"The item is sold in {offer.currency}, not in {request.currency}.")
    if base is not None and base.currency is not None and base.currency != offer.currency:
        return Finding(
            Problem.CURRENCY, f"The item is sold in {offer.currency}, its base in {base.currency}."
        )
    return None


def _judge_cycle(cycle: BillingCycle | None, base: Base | None) -> Finding | None:
    if cycle is None:
        return Finding(Problem.BILLING_CYCLE, "The item has several billing cycles; choose one.")
    if base is not None and base.billing_cycle is not None and base.billing_cycle is not cycle:
        return Finding(
            Problem.BILLING_CYCLE,
            f"The add-on's billing cycle must be that of its base: {base.billing_cycle.value}.",
        )
    return None


def _judge_quantity(quantity: int, offer: Offer) -> Finding | None:
    bounds = f"{offer.minimum_quantity} to {offer.maximum_quantity}"
    if quantity < offer.minimum_quantity:
        return Finding(Problem.QUANTITY_TOO_SMALL, f"The quantity must be {bounds}.")
    if quantity > offer.maximum_quantity:
        return Finding(Problem.QUANTITY_TOO_LARGE, f"The quantity must be {bounds}.")
    return None


def _judge_extras(request: LineRequest, offer: Offer) -> Finding | None:
    """What this catalogue asks of a line beyond its terms, and what it does not have at all."""
    if offer.requires_attestation and request.attestation_accepted is not True:
        return Finding(Problem.ATTESTATION, "The attestation of the item must be accepted.")
    if request.promotion_id is not None:
        return Finding(Problem.PROMOTION, f"The promotion {request.promotion_id} is not known.")
    if request.custom_term_end is not None:
        return Finding(Problem.CUSTOM_TERM_END, "SaaS cannot be bought until a date of one's own choice.")
    return None
