"""The format of catalogue files: one publisher with its offers, plans, terms and prices.

The JSON Schema is generated from these structs (``schema.py``), so that what is documented, what is checked
and what is read cannot differ. ``docs/reference/catalog-file.md`` explains the format.
Source: ``40-publisher-fulfillment-metering`` section 8.1.
"""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

NAME_LENGTH_MAX = 50
SUMMARY_LENGTH_MAX = 100
DESCRIPTION_LENGTH_MAX = 3000
PLAN_NAME_LENGTH_MAX = 200
DIMENSIONS_MAX = 30
QUANTITY_MAX = 999_999_999

Id = Annotated[
    str,
    Meta(pattern=r"^[a-z0-9_-]{1,50}$", description="up to 50 lower-case letters, digits, - and _"),
]
DimensionId = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_-]{1,50}$", description="up to 50 letters, digits, - and _")
]
PlanReference = Annotated[
    str,
    Meta(
        pattern=r"^(([a-z0-9_-]{1,50}/)?[a-z0-9_-]{1,50}/)?[a-z0-9_-]{1,50}$",
        description="plan, offer/plan or publisher/offer/plan",
    ),
]
Guid = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
        description="a GUID such as 5d1f0c7e-8a52-4f6e-9b1d-2f3f6f0a7c11",
    ),
]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$", description="an ISO 3166 code of two capitals")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$", description="an ISO 4217 code of three capitals")]
Locale = Annotated[str, Meta(pattern=r"^[a-z]{2}-[A-Z]{2}$", description="a locale such as en-US")]
WebAddress = Annotated[
    str,
    Meta(
        pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/([A-Za-z0-9._~:@!$&'()*+,;=/-]|%[0-9A-Fa-f]{2})*)?"
        r"(\?([A-Za-z0-9._~:@!$&'()*+,;=/?-]|%[0-9A-Fa-f]{2})*)?$",
        max_length=500,
        description="an http or https address without # and without spaces",
    ),
]
Email = Annotated[
    str, Meta(pattern=r"^[^@\s]+@[A-Za-z0-9.-]+$", max_length=254, description="an e-mail address")
]
Price = Annotated[Decimal, Meta(extra_json_schema={"minimum": 0, "maximum": 1_000_000_000})]
Quantity = Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]

NameText = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX)]
SummaryText = Annotated[str, Meta(min_length=1, max_length=SUMMARY_LENGTH_MAX)]
DescriptionText = Annotated[str, Meta(min_length=1, max_length=DESCRIPTION_LENGTH_MAX)]
PlanNameText = Annotated[str, Meta(min_length=1, max_length=PLAN_NAME_LENGTH_MAX)]

TermUnit = Literal["P1M", "P1Y", "P2Y", "P3Y"]
Payment = Literal["P1M", "P1Y", "upfront"]


class Entry(Struct, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Base of every part of a file. A misspelt member is an error, never ignored."""


class ContactEntry(Entry, kw_only=True, frozen=True):
    """Where to reach somebody."""

    email: Email
    url: WebAddress | None = None
    phone: Annotated[str, Meta(min_length=1, max_length=40)] | None = None


class PublisherEntry(Entry, kw_only=True, frozen=True):
    """The software vendor. The pair of tenant id and app id names it at the fulfilment API."""

    id: Id
    name: NameText
    tenant_id: Guid
    app_id: Guid
    support: ContactEntry | None = None


class DimensionEntry(Entry, kw_only=True, frozen=True):
    """Something the offer counts. Prices and included quantities count units of it."""

    id: DimensionId
    display_name: NameText | dict[Locale, NameText]
    unit_of_measure: NameText


class TermEntry(Entry, kw_only=True, frozen=True):
    """One way to buy the plan: its length, how it is paid, and the price of one payment by currency.

    Prices of a per-user plan are per seat. ``included`` counts units per term, or says ``infinite``.
    """

    term_unit: TermUnit
    payment: Payment
    price: dict[Currency, Price]
    included: dict[DimensionId, Annotated[int, Meta(ge=0, le=QUANTITY_MAX)] | Literal["infinite"]] = {}
    refund_window: Literal["P1D", "P7D", "P14D", "P30D"] | None = None


class MeterEntry(Entry, kw_only=True, frozen=True):
    """The price of one unit of a dimension beyond the included quantity, by currency."""

    price: dict[Currency, Price]


class SeatsEntry(Entry, kw_only=True, frozen=True):
    """How many seats of a per-user plan one subscription may have."""

    minimum: Quantity = 1
    maximum: Quantity | None = None


class PlanEntry(Entry, kw_only=True, frozen=True):
    """What a customer buys: a SKU, with a second one for its free trial."""

    id: Id
    name: PlanNameText | dict[Locale, PlanNameText]
    description: DescriptionText | dict[Locale, DescriptionText] | None = None
    markets: Annotated[dict[Country, Currency], Meta(min_length=1, max_length=141)]
    segments: Annotated[
        tuple[Literal["commercial", "education", "government", "nonprofit"], ...],
        Meta(min_length=1, extra_json_schema={"uniqueItems": True}),
    ] = ("commercial",)
    terms: Annotated[tuple[TermEntry, ...], Meta(min_length=1, max_length=10)]
    meters: dict[DimensionId, MeterEntry] = {}
    trial: Literal["P1M"] | None = None
    seats: SeatsEntry | None = None
    seat_reduction: Literal["prorated_anytime", "window_only", "next_term"] | None = None
    stop_sell: bool = False
    exclusive_to: Annotated[tuple[Guid, ...], Meta(max_length=1000)] | None = None
    add_on_to: Annotated[tuple[PlanReference, ...], Meta(min_length=1, max_length=100)] | None = None
    minimum_parent_seats: Quantity | None = None
    ownership_limit: Quantity | None = None
    stock: Annotated[int, Meta(ge=0, le=QUANTITY_MAX)] | None = None
    attestation: NameText | None = None


class OfferEntry(Entry, kw_only=True, frozen=True):
    """What a publisher sells: a product with its plans. One pricing model, for ever."""

    id: Id
    name: NameText | dict[Locale, NameText]
    summary: SummaryText | dict[Locale, SummaryText] | None = None
    description: DescriptionText | dict[Locale, DescriptionText] | None = None
    getting_started: DescriptionText | dict[Locale, DescriptionText] | None = None
    pricing_model: Literal["flatRate", "perUser"]
    landing_page_url: WebAddress
    webhook_url: WebAddress
    fulfillment: Literal["publisher", "auto"] = "publisher"
    csp: Literal["all", "none"] | Annotated[tuple[Guid, ...], Meta(min_length=1, max_length=1000)] = "all"
    support: ContactEntry | None = None
    engineering: ContactEntry | None = None
    privacy_url: WebAddress | None = None
    terms_of_use_url: WebAddress | None = None
    categories: Annotated[tuple[NameText, ...], Meta(max_length=10)] = ()
    dimensions: Annotated[tuple[DimensionEntry, ...], Meta(max_length=DIMENSIONS_MAX)] = ()
    plans: Annotated[tuple[PlanEntry, ...], Meta(min_length=1, max_length=500)]


class CatalogFile(Entry, kw_only=True, frozen=True):
    """One catalogue file: a publisher and either ``offer`` or ``offers``."""

    publisher: PublisherEntry
    offer: OfferEntry | None = None
    offers: Annotated[tuple[OfferEntry, ...], Meta(min_length=1, max_length=500)] | None = None

    def all_offers(self) -> tuple[tuple[tuple[str | int, ...], OfferEntry], ...]:
        """Each offer with the path at which the file holds it."""
        single = () if self.offer is None else ((("offer",), self.offer),)
        return single + tuple((("offers", index), offer) for index, offer in enumerate(self.offers or ()))
