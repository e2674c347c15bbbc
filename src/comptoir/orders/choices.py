"""Billing cycle, term and renewal of a line, with the defaults of ``10-catalog-cart-orders`` section 3.5."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from comptoir.catalog.model import BillingCycle, Offer, Term
from comptoir.core.errors import Code, Refusal
from comptoir.core.terms import Duration
from comptoir.orders.facts import Base, Finding
from comptoir.orders.model import LineRequest, Problem

PREFERRED_CYCLES = (BillingCycle.MONTHLY, BillingCycle.ONE_TIME)
"""What to take when several cycles are supported and none was asked for, best first."""


def default_cycle(supported: Sequence[BillingCycle]) -> BillingCycle | None:
    """The only supported cycle, else the preferred one; ``None`` if none of them is supported."""
    if len(supported) == 1:
        return supported[0]
    return next((cycle for cycle in PREFERRED_CYCLES if cycle in supported), None)


def choose_cycle(request: LineRequest, offer: Offer, base: Base | None) -> BillingCycle | None:
    """The cycle asked for, else the base's for an add-on (it must not differ), else the default.

    ``None`` means that the caller has to choose.
    """
    if request.billing_cycle not in {None, BillingCycle.UNKNOWN}:
        return request.billing_cycle
    if base is not None and base.billing_cycle in offer.supported_billing_cycles:
        return base.billing_cycle
    return default_cycle(offer.supported_billing_cycles)


def choose_term(offer: Offer, cycle: BillingCycle, duration: Duration | None) -> Term | Finding:
    """The term with that cycle and duration; the shortest one if no duration was asked for."""
    terms = [term for term in offer.terms if term.billing_cycle is cycle]
    if duration is not None:
        terms = [term for term in terms if term.duration == duration]
    if terms:
        return min(terms, key=lambda term: term.duration)
    if cycle not in offer.supported_billing_cycles:
        return Finding(Problem.BILLING_CYCLE, f"The billing cycle {cycle.value} is not supported.")
    asked = "" if duration is None else f" {duration}"
    return Finding(Problem.TERM, f"The term{asked} is not offered with the billing cycle {cycle.value}.")


def choose_renewal(request: LineRequest, offer: Offer, term: Term) -> Duration | Finding | None:
    """What the term renews to: the one asked for, else a trial's first option, else the same term again."""
    default = next(iter(term.renewal_options), None) if offer.is_trial else term.duration
    asked = request.renews_to
    if asked is None or asked == default:
        return default
    if asked in term.renewal_options:
        return asked
    return Finding(Problem.RENEWS_TO, f"The term {term.duration} does not renew to {asked}.")


def with_shared_terms(
    lines: Sequence[LineRequest],
    cycle: BillingCycle | None,
    currency: str | None,
    offers: Mapping[str, Offer],
) -> list[LineRequest]:
    """The lines of an order created directly, with the cycle and the currency that they share (section 4.4).

    Where the body names no cycle it is the default among those that every line supports.
    """
    known = [offers[line.catalog_item_id] for line in lines if line.catalog_item_id in offers]
    if known and cycle in {None, BillingCycle.UNKNOWN}:
        cycle = default_cycle(_shared_cycles(known))
        if cycle is None:
            offer_id = known[-1].catalog_item_id
            raise Refusal(Code.BILLING_CYCLE_NOT_SUPPORTED, billing_cycle="unknown", offer_id=offer_id)
    if known and currency is None:
        currency = known[0].currency
    return [replace(line, billing_cycle=cycle, currency=currency) for line in lines]


def _shared_cycles(offers: Sequence[Offer]) -> list[BillingCycle]:
    first, *others = offers
    return [
        cycle
        for cycle in first.supported_billing_cycles
        if all(cycle in other.supported_billing_cycles for other in others)
    ]
