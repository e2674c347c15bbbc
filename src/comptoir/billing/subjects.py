"""What lines are about: the texts and ids of ``30-invoices-billing`` sections 2.5 and 2.6."""

from dataclasses import dataclass, replace

from comptoir.billing.model import Subject
from comptoir.catalog.model import BillingCycle, Offer
from comptoir.core.accounts import Account
from comptoir.core.terms import MONTHS_PER_YEAR, Duration
from comptoir.customers.model import Customer
from comptoir.subscriptions.model import Subscription

TRIAL_QUALIFIER = "Trial"
ADD_ON_QUALIFIER = "AddOn"
FREE_TRIAL = "Free trial"
AFTER_TRIAL = "Paid subscription"
TRIAL_TERM = "One-Month commitment for trial"
FREQUENCIES = {BillingCycle.MONTHLY: "Monthly", BillingCycle.ANNUAL: "Annual"}


@dataclass(frozen=True, slots=True)
class Meter:
    """The dimension of a plan that usage was reported for; ``plan_id`` is the publisher's."""

    plan_id: str
    dimension_id: str
    display_name: str
    unit_of_measure: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a subscription does not say of itself. ``alternate_id`` is its order's friendly id; ``offer`` what
    was bought, ``None`` once the catalogue has lost it: its product goes by the id then.
    """

    account: Account
    customer: Customer
    alternate_id: str
    offer: Offer | None


def of_licence(
    subscription: Subscription, around: Surroundings, *, is_first_after_trial: bool = False
) -> Subject:
    """What the licence lines of a subscription are about, as things stand."""
    return Subject(
        partner_name=around.account.company_name,
        mpn_id=around.account.mpn_id,
        reseller_mpn_id=subscription.partner_mpn_id or "",
        customer_name=around.customer.company_name,
        customer_domain=around.customer.domain,
        customer_country=around.customer.country,
        order_id=subscription.order_id,
        alternate_id=around.alternate_id,
        product_id=subscription.product_id,
        sku_id=subscription.sku_id,
        availability_id=subscription.availability_id,
        product_name=subscription.product_id if around.offer is None else around.offer.product_title,
        sku_name=subscription.offer_name,
        product_qualifiers=qualifiers(subscription),
        publisher_id=subscription.publisher_id,
        publisher_name=subscription.publisher_name,
        subscription_description=description(subscription, is_first_after_trial=is_first_after_trial),
        term_and_billing_cycle=TRIAL_TERM if subscription.is_trial else term_text(subscription.term),
        billing_frequency=frequency(subscription),
    )


def of_usage(licence: Subject, meter: Meter) -> Subject:
    """What the usage lines of a subscription are about, given what its licence lines are about."""
    return replace(
        licence,
        product_qualifiers=(),
        term_and_billing_cycle=meter.unit_of_measure,
        billing_frequency="",
        plan_id=meter.plan_id,
        dimension_id=meter.dimension_id,
        meter_name=f"{licence.product_name} - {licence.sku_name} - {meter.display_name}",
        unit_of_measure=meter.unit_of_measure,
    )


def plan_sold(subscription: Subscription, offer: Offer | None) -> tuple[str, str]:
    """Product and SKU of the plan that is paid for: after a trial not the trial's own, which stays on the
    subscription (``20-subscriptions-customers`` section 3.9).
    """
    if offer is not None and offer.is_trial and not subscription.is_trial and offer.renews_to_sku:
        product_id, sku_id = offer.renews_to_sku.split(":")
        return product_id, sku_id
    return subscription.product_id, subscription.sku_id


def qualifiers(subscription: Subscription) -> tuple[str, ...]:
    """What is special about the product."""
    trial = (TRIAL_QUALIFIER,) if subscription.is_trial else ()
    return trial if subscription.parent_subscription_id is None else (*trial, ADD_ON_QUALIFIER)


def description(subscription: Subscription, *, is_first_after_trial: bool) -> str:
    """The friendly name that somebody gave; without one, whether this is a trial or what followed (C-22).

    A subscription that nobody named has its plan's title as its friendly name.
    """
    if subscription.friendly_name != subscription.offer_name:
        return subscription.friendly_name
    if subscription.is_trial:
        return FREE_TRIAL
    return AFTER_TRIAL if is_first_after_trial else ""


def term_text(term: Duration) -> str:
    """``1 Month Subscription``, ``2 Year Subscription`` (C-26)."""
    if term.days:
        return f"{term.days} Day Subscription"
    if term.months % MONTHS_PER_YEAR:
        return f"{term.months} Month Subscription"
    return f"{term.months // MONTHS_PER_YEAR} Year Subscription"


def frequency(subscription: Subscription) -> str:
    """How often a term is paid that is not paid at once; a month paid at once counts as monthly (C-25)."""
    if subscription.is_trial:
        return ""
    if subscription.term.months == 1:
        return FREQUENCIES[BillingCycle.MONTHLY]
    return FREQUENCIES.get(subscription.billing_cycle, "")
