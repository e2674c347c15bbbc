"""Which base an add-on extends, in its three forms (``10-catalog-cart-orders`` section 3.7)."""

from collections.abc import Mapping, Sequence

from comptoir.catalog.model import BillingCycle, Offer
from comptoir.core.accounts import AccountSettings
from comptoir.orders.facts import Base, Facts, Finding
from comptoir.orders.model import JudgedLine, LineRequest, Problem
from comptoir.subscriptions.model import Subscription

PARENT_KEY = "parentsubscriptionid"
"""The provisioning context's key for an existing base, compared without case."""


def named_parent(request: LineRequest) -> str | None:
    """The existing subscription that a line names as its parent, directly or in its provisioning context."""
    if request.parent_subscription_id is not None:
        return request.parent_subscription_id
    for key, value in request.provisioning_context.items():
        if key.lower() == PARENT_KEY and value.strip():
            return value.strip()
    return None


def extends_something(request: LineRequest, offer: Offer | None) -> bool:
    """Whether a line is, or claims to be, an add-on."""
    is_add_on = offer is not None and offer.is_add_on
    return is_add_on or request.parent_line is not None or named_parent(request) is not None


def needs_subscriptions(
    requests: Sequence[LineRequest], offers: Mapping[str, Offer], settings: AccountSettings
) -> bool:
    """Whether judging these lines asks what the customer holds: for limits, or as bases of add-ons."""
    return (
        settings.limit_subscriptions_per_customer is not None
        or any(offer.ownership_limit is not None for offer in offers.values())
        or any(extends_something(request, offers.get(request.catalog_item_id)) for request in requests)
    )


def find_base(
    request: LineRequest, offer: Offer | None, bases: Mapping[int, JudgedLine], facts: Facts
) -> Base | Finding | None:
    """The base of an add-on: the line it is nested in, the subscription it names, or one that fits.

    ``bases`` holds the request's judged base lines by position.
    """
    if request.parent_line is not None:
        return _nesting_line(request.parent_line, bases)
    parent_id = named_parent(request)
    if parent_id is not None:
        return _named_subscription(parent_id, facts.open_subscriptions)
    return None if offer is None else _fitting_base(request, offer, bases, facts.open_subscriptions)


def judge_relation(offer: Offer, base: Base | None, quantity: int) -> Finding | None:
    """Whether what claims a base is an add-on of it, and whether both have enough seats."""
    if base is None:
        return None
    if not offer.is_add_on:
        return Finding(Problem.ADD_ON_UNRELATED, "The item is not an add-on.")
    if base.sku_key is not None and base.sku_key not in offer.parent_skus:
        return Finding(Problem.ADD_ON_UNRELATED, "The add-on does not belong to its parent subscription.")
    minimum = offer.minimum_parent_quantity
    if minimum is not None and base.quantity is not None and base.quantity < minimum:
        return Finding(Problem.BASE_SEATS, f"The parent subscription needs at least {minimum} seats.")
    if quantity < offer.minimum_quantity:
        return Finding(Problem.ADD_ON_SEATS, f"The add-on needs at least {offer.minimum_quantity} seats.")
    return None


def _nesting_line(index: int, bases: Mapping[int, JudgedLine]) -> Base | Finding:
    if index not in bases:
        return Finding(Problem.ADD_ON_TOO_DEEP, "An add-on cannot have add-ons of its own.")
    return _base_line(bases[index])


def _named_subscription(parent_id: str, held: Sequence[Subscription]) -> Base | Finding:
    for subscription in held:
        if subscription.id == parent_id.lower():
            return _base_subscription(subscription)
    return Finding(Problem.PARENT_UNKNOWN, "The parent subscription is not one that the customer holds.")


def _fitting_base(
    request: LineRequest, offer: Offer, bases: Mapping[int, JudgedLine], held: Sequence[Subscription]
) -> Base | Finding:
    """A base line of the request if there is one, else what the customer holds; of a fitting cycle if any."""
    candidates = [_base_line(line) for line in bases.values()]
    candidates += [_base_subscription(subscription) for subscription in held]
    fitting = [base for base in candidates if base.sku_key in offer.parent_skus]
    if not fitting:
        return Finding(Problem.ADD_ON_WITHOUT_BASE, "The add-on needs a subscription that it extends.")
    is_open = request.billing_cycle in {None, BillingCycle.UNKNOWN}
    cycles = offer.supported_billing_cycles if is_open else (request.billing_cycle,)
    return next((base for base in fitting if base.billing_cycle in cycles), fitting[0])


def _base_line(line: JudgedLine) -> Base:
    return Base(
        sku_key=None if line.offer is None else line.offer.sku_key,
        quantity=line.request.quantity,
        billing_cycle=line.billing_cycle,
        currency=None if line.offer is None else line.offer.currency,
        line=line.index,
    )


def _base_subscription(subscription: Subscription) -> Base:
    return Base(
        sku_key=f"{subscription.product_id}:{subscription.sku_id}",
        quantity=subscription.quantity,
        billing_cycle=subscription.billing_cycle,
        currency=subscription.unit_price.currency,
        subscription_id=subscription.id,
    )
