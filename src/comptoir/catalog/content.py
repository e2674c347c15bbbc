"""From the entries of a catalogue file to what is stored and sold.

Source of the mapping: ``40-publisher-fulfillment-metering`` section 8.2; of billing cycles
``30-invoices-billing`` section 3.1.
"""

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal

from comptoir.catalog.file_format import ContactEntry, OfferEntry, PlanEntry, PublisherEntry, TermEntry
from comptoir.catalog.model import (
    DEFAULT_LOCALE,
    UNLIMITED_QUANTITY,
    BillingCycle,
    Contact,
    Dimension,
    Fulfillment,
    MeterPrice,
    PricingModel,
    ProductDetails,
    Publisher,
    SeatReduction,
    SkuDetails,
    Term,
    Texts,
)
from comptoir.catalog.texts import describe_term
from comptoir.core.money import Rate
from comptoir.core.terms import Duration

UNIT_TYPE = "License(s)"
ONE_MONTH = Duration(months=1)

_TRIAL_WORDS = {"fr": "Essai gratuit"}
_CYCLES = {"P1M": BillingCycle.MONTHLY, "P1Y": BillingCycle.ANNUAL, "upfront": BillingCycle.ONE_TIME}


def publisher_of(entry: PublisherEntry) -> Publisher:
    """The publisher; GUIDs in lower case, so that they compare."""
    return Publisher(
        id=entry.id,
        name=entry.name,
        tenant_id=entry.tenant_id.lower(),
        application_id=entry.app_id.lower(),
        support=_contact(entry.support),
    )


def product_details(offer: OfferEntry) -> ProductDetails:
    """What a product says of itself; texts that are left out repeat the next shorter one."""
    title = _texts(offer.name)
    summary = title if offer.summary is None else _texts(offer.summary)
    return ProductDetails(
        title=title,
        summary=summary,
        description=summary if offer.description is None else _texts(offer.description),
        pricing_model=PricingModel(offer.pricing_model),
        landing_page_url=offer.landing_page_url,
        webhook_url=offer.webhook_url,
        fulfillment=Fulfillment(offer.fulfillment),
        getting_started=None if offer.getting_started is None else _texts(offer.getting_started),
        support=_contact(offer.support),
        engineering=_contact(offer.engineering),
        privacy_url=offer.privacy_url,
        terms_of_use_url=offer.terms_of_use_url,
        categories=offer.categories,
        dimensions=tuple(
            Dimension(entry.id, _texts(entry.display_name), entry.unit_of_measure)
            for entry in offer.dimensions
        ),
    )


def sku_details(offer: OfferEntry, plan: PlanEntry, parent_skus: tuple[str, ...]) -> SkuDetails:
    """What a plan's SKU says of itself. Flat-rate plans are bought one at a time."""
    title = _texts(plan.name)
    minimum, maximum = 1, 1
    if offer.pricing_model == "perUser":
        minimum = 1 if plan.seats is None else plan.seats.minimum
        maximum = (plan.seats and plan.seats.maximum) or UNLIMITED_QUANTITY
    return SkuDetails(
        title=title,
        description=title if plan.description is None else _texts(plan.description),
        minimum_quantity=minimum,
        maximum_quantity=maximum,
        unit_type=UNIT_TYPE,
        supported_billing_cycles=_supported_cycles(plan.terms),
        is_stop_sold=plan.stop_sell,
        exclusive_to=_exclusive_to(offer, plan),
        parent_skus=parent_skus,
        minimum_parent_quantity=plan.minimum_parent_seats,
        ownership_limit=plan.ownership_limit,
        attestation_type=plan.attestation,
        meters=tuple(sorted(plan.meters)),
        seat_reduction=SeatReduction(plan.seat_reduction or SeatReduction.PRORATED_ANYTIME),
    )


def trial_details(paid: SkuDetails, paid_sku_key: str) -> SkuDetails:
    """What the free trial of a plan says of itself."""
    return SkuDetails(
        title={locale: f"{text} – {_trial_word(locale)}" for locale, text in paid.title.items()},
        description=paid.description,
        minimum_quantity=paid.minimum_quantity,
        maximum_quantity=paid.maximum_quantity,
        unit_type=paid.unit_type,
        supported_billing_cycles=(BillingCycle.NONE,),
        is_stop_sold=paid.is_stop_sold,
        exclusive_to=paid.exclusive_to,
        parent_skus=paid.parent_skus,
        minimum_parent_quantity=paid.minimum_parent_quantity,
        ownership_limit=paid.ownership_limit,
        attestation_type=paid.attestation_type,
        renews_to_sku=paid_sku_key,
        seat_reduction=paid.seat_reduction,
    )


def paid_terms(plan: PlanEntry, currency: str) -> tuple[Term, ...]:
    """The plan's terms in one currency, shortest first, without ids."""
    ordered = sorted(plan.terms, key=lambda entry: Duration.parse(entry.term_unit))
    return tuple(_paid_term(entry, ordered, currency) for entry in ordered)


def trial_terms(plan: PlanEntry, currency: str) -> tuple[Term, ...]:
    """The one free month, which turns into any of the plan's terms, the shortest unless told otherwise."""
    return (
        Term(
            id="",
            duration=ONE_MONTH,
            billing_cycle=BillingCycle.NONE,
            price=Rate(Decimal(0), currency),
            description=describe_term(ONE_MONTH, BillingCycle.NONE),
            renewal_options=tuple(sorted(Duration.parse(entry.term_unit) for entry in plan.terms)),
        ),
    )


def meter_prices(plan: PlanEntry, currency: str) -> tuple[MeterPrice, ...]:
    """What a unit of each metered dimension costs in one currency, by dimension."""
    return tuple(
        MeterPrice(name, Rate(meter.price[currency], currency)) for name, meter in sorted(plan.meters.items())
    )


def fingerprint(currency: str, terms: Iterable[Term], meters: Iterable[MeterPrice]) -> str:
    """What an availability's id stands for. It changes with price, terms and currency, and with nothing else.

    Spelled out fact by fact, so that it stays the same when later versions know more of a term.
    """
    facts = [currency]
    for term in terms:
        renewals = ",".join(str(duration) for duration in term.renewal_options)
        included = ",".join(f"{name}={units}" for name, units in sorted(term.included.items()))
        price = _plain(term.price.amount)
        facts.append(
            f"{term.duration} {term.billing_cycle} {price} [{renewals}] {term.refund_window} {included}"
        )
    facts += [f"{meter.dimension_id} {_plain(meter.price.amount)}" for meter in meters]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _paid_term(entry: TermEntry, around: Iterable[TermEntry], currency: str) -> Term:
    duration, cycle = Duration.parse(entry.term_unit), _cycle(entry)
    others = (Duration.parse(other.term_unit) for other in around if _cycle(other) == cycle)
    return Term(
        id="",
        duration=duration,
        billing_cycle=cycle,
        price=Rate(entry.price[currency], currency),
        description=describe_term(duration, cycle),
        renewal_options=tuple(dict.fromkeys((duration, *others))),
        refund_window=None if entry.refund_window is None else Duration.parse(entry.refund_window),
        included={name: None if units == "infinite" else units for name, units in entry.included.items()},
    )


def _cycle(entry: TermEntry) -> BillingCycle:
    """A month paid upfront is shown as monthly (section 3.1)."""
    is_month = entry.term_unit == "P1M"
    return BillingCycle.MONTHLY if is_month else _CYCLES[entry.payment]


def _supported_cycles(terms: Iterable[TermEntry]) -> tuple[BillingCycle, ...]:
    used = {_cycle(entry) for entry in terms}
    return tuple(cycle for cycle in BillingCycle if cycle in used)


def _exclusive_to(offer: OfferEntry, plan: PlanEntry) -> frozenset[str] | None:
    """The partners who may buy: those of the offer, and of these only those of the plan."""
    limits = []
    if offer.csp != "all":
        limits.append(_tenants(() if offer.csp == "none" else offer.csp))
    if plan.exclusive_to is not None:
        limits.append(_tenants(plan.exclusive_to))
    return frozenset.intersection(*limits) if limits else None


def _tenants(ids: Iterable[str]) -> frozenset[str]:
    return frozenset(tenant.lower() for tenant in ids)


def _texts(text: str | Mapping[str, str]) -> Texts:
    return {DEFAULT_LOCALE: text} if isinstance(text, str) else dict(text)


def _trial_word(locale: str) -> str:
    return _TRIAL_WORDS.get(locale.partition("-")[0], "Free trial")


def _contact(entry: ContactEntry | None) -> Contact | None:
    return None if entry is None else Contact(entry.email, entry.url, entry.phone)


def _plain(amount: Decimal) -> str:
    return format(amount.normalize(), "f")
