"""What is sold: publishers, products, SKUs, availabilities, and the offer that a purchase works with.

Names and meanings follow ``10-catalog-cart-orders`` section 1 and ``40-publisher-fulfillment-metering``
section 8. Texts are mappings from a locale (``en-US``, ``fr-FR``) to the text; ``en-US`` is always there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum

from comptoir.core.money import Rate
from comptoir.core.terms import Duration

DEFAULT_LOCALE = "en-US"
UNLIMITED_QUANTITY = 999_999_999
"""How a plan without a seat limit prints its maximum (contract README, decision 19)."""

Texts = Mapping[str, str]


class BillingCycle(StrEnum):
    """How often a term is paid. Values are the wire's."""

    UNKNOWN = "unknown"
    MONTHLY = "monthly"
    ANNUAL = "annual"
    NONE = "none"
    ONE_TIME = "one_time"
    TRIENNIAL = "triennial"
    BIENNIAL = "biennial"


CYCLE_MONTHS: Mapping[BillingCycle, int] = {
    BillingCycle.MONTHLY: 1,
    BillingCycle.ANNUAL: 12,
    BillingCycle.BIENNIAL: 24,
    BillingCycle.TRIENNIAL: 36,
}
"""Months that one payment covers; cycles that are missing here are paid once for the whole term."""


class Segment(StrEnum):
    """The kind of customer that an availability is priced for."""

    COMMERCIAL = "commercial"
    EDUCATION = "education"
    GOVERNMENT = "government"
    NONPROFIT = "nonprofit"


class PricingModel(StrEnum):
    """How an offer's plans are priced; one per offer, for ever."""

    FLAT_RATE = "flatRate"
    PER_USER = "perUser"


class Fulfillment(StrEnum):
    """Who completes a purchase: the publisher's landing page, or Comptoir by itself."""

    PUBLISHER = "publisher"
    AUTO = "auto"


class SeatReduction(StrEnum):
    """When seats can be given back (``30-invoices-billing`` section 3.7); values are the catalogue file's.

    At any time, with credit for the days that are left; only while a refund is possible; or at any time, but
    with effect from the next term.
    """

    PRORATED_ANYTIME = "prorated_anytime"
    WINDOW_ONLY = "window_only"
    NEXT_TERM = "next_term"


@dataclass(frozen=True, slots=True)
class Term:
    """One way to buy a plan: how long, how often paid, and the price of one unit for one payment."""

    id: str
    duration: Duration
    billing_cycle: BillingCycle
    price: Rate
    description: str
    renewal_options: tuple[Duration, ...] = ()
    refund_window: Duration | None = None
    """How long after the start, and after each renewal, a full refund is due, where the publisher says so;
    ``None`` leaves it to the account's settings. A trial costs nothing and has none.
    """
    included: Mapping[str, int | None] = field(default_factory=dict)
    """Units of each metered dimension included in one term; ``None`` means without limit."""

    def billing_periods(self) -> int:
        """How many payments one term has: 12 for P1Y paid monthly, 1 when it is paid at once."""
        months = CYCLE_MONTHS.get(self.billing_cycle)
        if months is None or self.duration.months == 0:
            return 1
        return max(1, self.duration.months // months)


@dataclass(frozen=True, slots=True)
class Dimension:
    """What a metered offer counts, in ``unit_of_measure`` (for example "per 100 scans")."""

    id: str
    display_name: Texts
    unit_of_measure: str


@dataclass(frozen=True, slots=True)
class MeterPrice:
    """The price of one unit of a dimension beyond what a term includes."""

    dimension_id: str
    price: Rate


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a partner or an operator reaches a publisher."""

    email: str
    url: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Publisher:
    """A software vendor. ``tenant_id`` and ``application_id`` name it towards the fulfilment API."""

    id: str
    name: str
    tenant_id: str
    application_id: str
    support: Contact | None = None


@dataclass(frozen=True, slots=True)
class ProductDetails:
    """Everything of a published offer but its keys."""

    title: Texts
    summary: Texts
    description: Texts
    pricing_model: PricingModel
    landing_page_url: str
    webhook_url: str
    fulfillment: Fulfillment = Fulfillment.PUBLISHER
    getting_started: Texts | None = None
    support: Contact | None = None
    engineering: Contact | None = None
    privacy_url: str | None = None
    terms_of_use_url: str | None = None
    categories: tuple[str, ...] = ()
    dimensions: tuple[Dimension, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """An offer as the partner sees it: a group of plans, not itself for sale."""

    id: str
    publisher_id: str
    publisher_name: str
    offer_id: str
    details: ProductDetails


@dataclass(frozen=True, slots=True)
class SkuDetails:
    """Everything of a published plan, or of its free trial, but its keys."""

    title: Texts
    description: Texts
    minimum_quantity: int
    maximum_quantity: int
    unit_type: str
    supported_billing_cycles: tuple[BillingCycle, ...]
    is_stop_sold: bool = False
    exclusive_to: frozenset[str] | None = None
    """Tenant ids of the only partners who may buy; ``None`` means every partner."""
    parent_skus: tuple[str, ...] = ()
    """``PRODUCT:SKU`` of the base plans that this add-on extends; empty for what stands alone."""
    minimum_parent_quantity: int | None = None
    ownership_limit: int | None = None
    """How many subscriptions of the SKU one customer may hold at a time."""
    attestation_type: str | None = None
    """What the buyer must attest to on the cart line, if anything."""
    renews_to_sku: str | None = None
    """``PRODUCT:SKU`` of the paid plan that a free trial turns into."""
    meters: tuple[str, ...] = ()
    """Dimensions of the product that are counted for this plan."""
    seat_reduction: SeatReduction = SeatReduction.PRORATED_ANYTIME


@dataclass(frozen=True, slots=True)
class Sku:
    """A plan of a product. ``stock_limit`` counts units that may be taken in all; ``None`` means no limit."""

    product_id: str
    id: str
    plan_id: str
    is_trial: bool
    stock_limit: int | None
    details: SkuDetails

    @property
    def key(self) -> str:
        """``PRODUCT:SKU``, as add-ons and renewal instructions name it."""
        return f"{self.product_id}:{self.id}"


@dataclass(frozen=True, slots=True)
class Availability:
    """A SKU in one country, currency and segment, with its terms. Its id changes when they change."""

    product_id: str
    sku_id: str
    id: str
    country: str
    segment: Segment
    currency: str
    replaced_at: datetime | None
    terms: tuple[Term, ...]
    meters: tuple[MeterPrice, ...] = ()

    @property
    def catalog_item_id(self) -> str:
        return catalog_item_id(self.product_id, self.sku_id, self.id)


@dataclass(frozen=True, slots=True)
class Plan:
    """A SKU with the product that it belongs to, as its publisher knows it.

    A plan and its free trial have the same ``plan_id``; ``offer_id`` and ``plan_id`` are the publisher's own.
    """

    product: Product
    sku: Sku

    @property
    def is_per_seat(self) -> bool:
        return self.product.details.pricing_model is PricingModel.PER_USER


@dataclass(frozen=True, slots=True)
class MeteredPlan:
    """What of a plan's usage is counted for a subscription that bought one of its availabilities."""

    product_id: str
    sku_id: str
    plan_id: str
    meters: frozenset[str]
    terms: tuple[Term, ...]

    def included(self, duration: Duration, cycle: BillingCycle) -> Mapping[str, int | None]:
        """Units of each dimension that are included in a term paid like this; ``None``: without limit."""
        bought = (term for term in self.terms if (term.duration, term.billing_cycle) == (duration, cycle))
        return next((term.included for term in bought), {})


@dataclass(frozen=True, slots=True)
class PricePeriod:
    """What the units of a plan's dimensions cost in one market, until other prices took their place.

    ``until`` is exclusive; ``None`` where the prices are in force still.
    """

    availability_id: str
    until: datetime | None
    prices: Mapping[str, Rate]


@dataclass(frozen=True, slots=True)
class Offer:
    """One availability together with everything that buying it needs to know."""

    product_id: str
    sku_id: str
    availability_id: str
    publisher_id: str
    publisher_name: str
    product_title: str
    sku_title: str
    country: str
    segment: Segment
    currency: str
    minimum_quantity: int
    maximum_quantity: int
    is_trial: bool
    is_add_on: bool
    parent_skus: tuple[str, ...]
    is_per_seat: bool
    unit_type: str
    terms: tuple[Term, ...]
    supported_billing_cycles: tuple[BillingCycle, ...]
    replaced_at: datetime | None
    is_stop_sold: bool
    exclusive_to: frozenset[str] | None
    ownership_limit: int | None
    stock_limit: int | None
    stock_taken: int
    requires_attestation: bool
    minimum_parent_quantity: int | None
    landing_page_url: str
    renews_to_sku: str | None
    metered_only: bool
    fulfillment: Fulfillment = Fulfillment.PUBLISHER
    seat_reduction: SeatReduction = SeatReduction.PRORATED_ANYTIME

    @property
    def catalog_item_id(self) -> str:
        """``PRODUCT:SKU:AVAILABILITY``: what a cart line buys."""
        return catalog_item_id(self.product_id, self.sku_id, self.availability_id)

    @property
    def sku_key(self) -> str:
        """``PRODUCT:SKU``, as add-ons and trials name it."""
        return f"{self.product_id}:{self.sku_id}"

    @property
    def stock_left(self) -> int | None:
        """Units that may still be taken; ``None`` where the SKU has no stock limit."""
        return None if self.stock_limit is None else max(0, self.stock_limit - self.stock_taken)

    def purchasable_by(self, account_id: str) -> bool:
        """Whether this partner may buy it at all: not stop-sold, and not exclusive to others."""
        return is_purchasable(self.is_stop_sold, self.exclusive_to, account_id)

    def has_lapsed(self, now: datetime, grace_seconds: int) -> bool:
        """Whether another availability took its place longer ago than the grace (section 1.1)."""
        return has_lapsed(self.replaced_at, now, grace_seconds)


def catalog_item_id(product_id: str, sku_id: str, availability_id: str) -> str:
    """The three ids joined by colons (``10-catalog-cart-orders`` section 1.1)."""
    return f"{product_id}:{sku_id}:{availability_id}"


def is_purchasable(is_stop_sold: bool, exclusive_to: frozenset[str] | None, account_id: str) -> bool:
    """Whether a partner may buy: exclusive plans stay visible to the others, but not for sale to them."""
    return not is_stop_sold and (exclusive_to is None or account_id in exclusive_to)


def has_lapsed(replaced_at: datetime | None, now: datetime, grace_seconds: int) -> bool:
    """Whether a replaced availability is past its grace; the end of the grace is exclusive."""
    return replaced_at is not None and now >= replaced_at + timedelta(seconds=grace_seconds)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of the catalogue a reader sees.

    ``buyer`` is the account id when only what that partner may buy is wanted, as for a customer's catalogue;
    ``None`` shows stop-sold and exclusive plans too.
    """

    country: str
    segments: frozenset[Segment]
    buyer: str | None = None


@dataclass(frozen=True, slots=True)
class SkuListing:
    """An availability with the product and the SKU that it belongs to."""

    product: Product
    sku: Sku
    availability: Availability


@dataclass(frozen=True, slots=True)
class InventoryTarget:
    """One item of an inventory check; without a SKU id it asks for every SKU of the product."""

    product_id: str
    sku_id: str | None


class RestrictionReason(StrEnum):
    """Why an inventory check says that a SKU cannot be had."""

    NOT_AVAILABLE_IN_COUNTRY = "NotAvailableInCountry"
    INVENTORY_NOT_AVAILABLE = "InventoryNotAvailable"


@dataclass(frozen=True, slots=True)
class StockedSku:
    """What an inventory check knows of a SKU: its limits, what was taken, and whether it is sold there."""

    product_id: str
    id: str
    is_sold_in_country: bool
    is_stop_sold: bool
    minimum_quantity: int
    stock_limit: int | None
    stock_taken: int


@dataclass(frozen=True, slots=True)
class InventoryResult:
    """The answer for one SKU; ``reason`` is ``None`` when nothing restricts it."""

    product_id: str
    sku_id: str
    reason: RestrictionReason | None
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class FileError:
    """One fault of a catalogue file. Lines count from 1."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did. ``catalogue_version`` grew if and only if anything changed."""

    catalogue_version: int
    publishers_added: int = 0
    publishers_changed: int = 0
    products_added: int = 0
    products_changed: int = 0
    skus_added: int = 0
    skus_changed: int = 0
    availabilities_issued: int = 0
    availabilities_replaced: int = 0
    availabilities_withdrawn: int = 0

    def __str__(self) -> str:
        """What happened, for people to read."""
        counts = [(field.name.replace("_", " "), getattr(self, field.name)) for field in fields(self)][1:]
        done = ", ".join(f"{name}: {count}" for name, count in counts if count)
        return f"Catalogue version {self.catalogue_version}. {done or 'Nothing has changed'}."
