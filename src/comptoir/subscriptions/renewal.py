"""What follows a subscription's term, and the early end of a trial.

Renewing itself is due work (``turning``); what it would renew to decides already whether auto-renew can be
turned on (``20-subscriptions-customers`` section 3.5) and how a trial can be converted (section 3.9).
"""

from comptoir.catalog.model import Offer, Term
from comptoir.subscriptions.model import Conversion, ConversionRequest, Status, Subscription


def renewal_term(subscription: Subscription, on_sale: Offer | None) -> Term | None:
    """The term that follows, of what the plan is sold as now; ``None`` where it is no longer sold.

    As long as the customer chose at the purchase, else as long as now, and billed as now if there is a
    choice.
    """
    duration = subscription.renews_to or subscription.term
    fitting = [term for term in on_sale.terms if term.duration == duration] if on_sale else []
    same_cycle = (term for term in fitting if term.billing_cycle is subscription.billing_cycle)
    return next(same_cycle, next(iter(fitting), None))


def conversion_of(subscription: Subscription, renewal: Term | None) -> Conversion | None:
    """How the subscription can be converted: a trial that is running, into the term that would follow it."""
    is_running = subscription.status is Status.ACTIVE and subscription.is_trial
    if renewal is None or not is_running:
        return None
    return Conversion(
        offer_id=subscription.catalog_item_id,
        order_id=subscription.order_id,
        quantity=subscription.quantity,
        billing_cycle=renewal.billing_cycle,
    )


def fits(request: ConversionRequest, offered: Conversion) -> bool:
    """Whether a client asks for the conversion that it was offered, or leaves the choice to us."""
    ids = {request.offer_id or offered.offer_id, request.target_offer_id or offered.offer_id}
    return (
        {each.upper() for each in ids} == {offered.offer_id}
        and request.quantity in {None, offered.quantity}
        and request.billing_cycle in {None, offered.billing_cycle}
    )
