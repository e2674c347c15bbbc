"""What a reader of the catalogue may ask for and sees, and what restricts a SKU."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from comptoir.catalog.model import (
    Availability,
    BillingCycle,
    InventoryResult,
    InventoryTarget,
    Offer,
    Product,
    RestrictionReason,
    Segment,
    Selection,
    StockedSku,
    Term,
    has_lapsed,
)
from comptoir.catalog.texts import in_locale
from comptoir.core.accounts import AccountSettings
from comptoir.core.errors import Code, Refusal

VIEWS_WITH_SAAS = frozenset({"onlineservices", "marketplacesaas"})
VIEWS = VIEWS_WITH_SAAS | {
    "azure", "azurereservations", "azurereservationsvm", "azurereservationssql", "azurereservationscosmosdb",
    "microsoftazure", "software", "softwaresuselinux", "softwareperpetual", "softwaresubscriptions",
    "specializedoffers",
}  # fmt: skip
"""Every documented ``targetView`` in lower case; the two above list our SaaS (section 1.3)."""

ALL_SEGMENTS = frozenset(Segment)
UNASKED_SEGMENTS = ALL_SEGMENTS - {Segment.NONPROFIT}
"""What is listed without ``targetSegment``: nonprofit has to be asked for (section 1.3)."""

_QUALIFIED_SEGMENTS = {
    "education": Segment.EDUCATION,
    "nonprofit": Segment.NONPROFIT,
    "government_community_cloud": Segment.GOVERNMENT,
}

_COUNTRY = re.compile(r"[A-Za-z]{2}")
_ID = re.compile(r"[0-9A-Z]{1,12}")


def segments_for(qualification: str) -> frozenset[Segment]:
    """The segments that a customer with this qualification may buy in; commercial is open to all."""
    special = _QUALIFIED_SEGMENTS.get(qualification)
    return frozenset({Segment.COMMERCIAL} if special is None else {Segment.COMMERCIAL, special})


def segments_asked(text: str | None) -> frozenset[Segment]:
    """The segments that ``targetSegment`` means, in any case. Refuses an unknown one with 400030."""
    if text is None:
        return UNASKED_SEGMENTS
    try:
        return frozenset({Segment(text.lower())})
    except ValueError:
        raise Refusal(Code.SEGMENT_NOT_ALLOWED, segment=text) from None


def lists_saas(view: str | None) -> bool:
    """Whether the ``targetView`` holds our products. Refuses none (400056) and an unknown one (400036)."""
    if view is None:
        raise Refusal(Code.CATALOGUE_INPUT_INVALID, reason="targetView is missing.", member="targetView")
    if view.lower() not in VIEWS:
        raise Refusal(Code.VIEW_NOT_ALLOWED, view=view)
    return view.lower() in VIEWS_WITH_SAAS


def country_asked(text: str | None) -> str:
    """The upper-case country code of ``country``, two letters in any case. Refuses all else with 400056."""
    if text is None:
        raise Refusal(Code.CATALOGUE_INPUT_INVALID, reason="country is missing.", member="country")
    if not is_country_code(text):
        raise Refusal(Code.CATALOGUE_INPUT_INVALID, reason="country must be two letters.", member="country")
    return text.upper()


def is_country_code(text: str) -> bool:
    """Whether a text has the shape of an ISO 3166 two-letter code, in any case."""
    return _COUNTRY.fullmatch(text) is not None


def catalogue_key(*ids: str) -> tuple[str, ...] | None:
    """The ids in the case they are stored in, or ``None`` if one cannot be an id of the catalogue."""
    key = tuple(text.upper() for text in ids)
    return key if all(_ID.fullmatch(text) for text in key) else None


def parse_catalog_item_id(text: str) -> tuple[str, str, str] | None:
    """The product, SKU and availability ids of ``PRODUCT:SKU:AVAILABILITY``; ``None`` if it is not one."""
    parts = text.strip().split(":")
    key = catalogue_key(*parts) if len(parts) == 3 else None
    return None if key is None else (key[0], key[1], key[2])


def by_title(products: Iterable[Product], locale: str) -> list[Product]:
    """Products in the order of their titles as the reader sees them, then of their ids (section 1.3)."""
    return sorted(products, key=lambda product: (in_locale(product.details.title, locale), product.id))


def by_segment(availabilities: Iterable[Availability]) -> list[Availability]:
    """Availabilities in the order of their segments, then of their ids (section 1.3)."""
    return sorted(availabilities, key=lambda availability: (availability.segment.value, availability.id))


def refund_window(term: Term, settings: AccountSettings) -> timedelta | None:
    """How long a term can be given back for a full refund; ``None`` for a trial, which costs nothing."""
    if term.billing_cycle is BillingCycle.NONE:
        return None
    return settings.refund_window(term.duration, term.refund_window)


def market_after(offer: Offer) -> tuple[str, str, str, str, str]:
    """Where that is sold which follows a subscription of the offer: the same plan, or that of a trial.

    Product id, SKU id, country, segment and currency.
    """
    product_id, sku_id = (offer.renews_to_sku or offer.sku_key).split(":")
    return product_id, sku_id, offer.country, offer.segment.value, offer.currency


def on_sale(offer: Offer | None) -> Offer | None:
    """The offer, unless its plan is stop-sold or it is none at all."""
    return None if offer is None or offer.is_stop_sold else offer


def judge_inventory(sku: StockedSku) -> InventoryResult:
    """Whether a SKU can be had in the country asked about (section 2).

    A stop-sold SKU counts as not sold there. Stock is short when not even the smallest purchase is left.
    """
    remaining = None if sku.stock_limit is None else max(0, sku.stock_limit - sku.stock_taken)
    reason = None
    if sku.is_stop_sold or not sku.is_sold_in_country:
        reason = RestrictionReason.NOT_AVAILABLE_IN_COUNTRY
    elif remaining is not None and remaining < sku.minimum_quantity:
        reason = RestrictionReason.INVENTORY_NOT_AVAILABLE
    return InventoryResult(sku.product_id, sku.id, reason, remaining)


def is_shown(availability: Availability, selection: Selection, now: datetime, grace_seconds: int) -> bool:
    """Whether a reader who asks for this availability by its id gets it."""
    lapsed = has_lapsed(availability.replaced_at, now, grace_seconds)
    return availability.segment in selection.segments and not lapsed


def product_keys(targets: Iterable[InventoryTarget]) -> list[str]:
    """The product ids that an inventory check asks about, leaving out what cannot be one."""
    keys = (catalogue_key(target.product_id) for target in targets)
    return [key[0] for key in keys if key is not None]


def judge_targets(targets: Sequence[InventoryTarget], stocked: Iterable[StockedSku]) -> list[InventoryResult]:
    """The results of an inventory check in the order asked; a target without a SKU means each one.

    What is asked for twice is answered once, which bounds the answer by the catalogue.
    """
    by_product: dict[str, list[StockedSku]] = defaultdict(list)
    for sku in stocked:
        by_product[sku.product_id].append(sku)
    meant = (
        sku
        for target in targets
        for sku in by_product.get(target.product_id.upper(), [])
        if target.sku_id is None or target.sku_id.upper() == sku.id
    )
    return [judge_inventory(sku) for sku in dict.fromkeys(meant)]
