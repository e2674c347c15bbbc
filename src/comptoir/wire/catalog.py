"""Products, SKUs, availabilities, inventory checks and catalogue files on the wire
(``10-catalog-cart-orders`` sections 1 and 2).
"""

from collections.abc import Mapping, Sequence

from msgspec import UNSET, UnsetType, field

from comptoir.wire.operation import Audience, Mode, Operation, Query
from comptoir.wire.types import Body, Collection, Link, Reply, SelfLinks


class ItemType(Reply, kw_only=True):
    """What kind of product it is; clients tell SaaS by the ids (section 1.3)."""

    id: str
    display_name: str
    sub_type: "ItemType | UnsetType" = UNSET


class ProductLinks(Reply, kw_only=True):
    """Where a product and its plans are read."""

    skus: Link
    self_: Link = field(name="self")


class Product(Reply, kw_only=True):
    """What plans belong to; not bought by itself."""

    id: str
    title: str
    description: str
    product_type: ItemType
    is_microsoft_product: bool
    publisher_name: str
    links: ProductLinks


class SkuConstraint(Reply, kw_only=True):
    """A limit on buying the SKU."""

    constraint_name: str
    constraint_value: int
    constraint_type: str


class AttestationProperties(Reply, kw_only=True):
    """What a buyer must attest to on the cart line."""

    enforce_attestation: bool
    attestation_type: str


class SkuLinks(Reply, kw_only=True):
    """Where a plan and its availabilities are read."""

    availabilities: Link
    self_: Link = field(name="self")


class Sku(Reply, kw_only=True):
    """A plan of a product. ``dynamic_attributes`` holds scalars only: Java reads a map of texts."""

    id: str
    product_id: str
    title: str
    description: str
    minimum_quantity: int
    maximum_quantity: int
    is_trial: bool
    terms_of_use_uri: str | UnsetType = UNSET
    supported_billing_cycles: Sequence[str]
    purchase_prerequisites: Sequence[str]
    inventory_variables: Sequence[str]
    provisioning_variables: Sequence[str]
    dynamic_attributes: Mapping[str, str | bool]
    constraints: Sequence[SkuConstraint] | UnsetType = UNSET
    attestation_properties: AttestationProperties | UnsetType = UNSET
    consumption_type: str | UnsetType = UNSET
    links: SkuLinks


class DefaultCurrency(Reply, kw_only=True):
    """An object, though the tables of the documents print a text."""

    code: str
    symbol: str


class RenewalOption(Reply, kw_only=True):
    """Which term a term may turn into."""

    term_duration: str
    description: str


class RefundOption(Reply, kw_only=True):
    """How much is refunded until when, counted from the start of the term."""

    sequence_id: int
    type: str
    expires_after: str


class CancellationPolicy(Reply, kw_only=True):
    """What a cancellation gives back."""

    refund_options: Sequence[RefundOption]


class AvailabilityTerm(Reply, kw_only=True):
    """``billing_cycle`` is a plain text in Pascal case here, unlike everywhere else."""

    id: str
    duration: str
    description: str
    billing_cycle: str
    renewal_options: Sequence[RenewalOption] | UnsetType = UNSET
    cancellation_policies: Sequence[CancellationPolicy] | UnsetType = UNSET


class RenewalTarget(Reply, kw_only=True):
    """The SKU that a term goes on as."""

    renew_to_id: str
    is_auto_renewable: bool


class RenewalInstruction(Reply, kw_only=True):
    """What some terms go on as."""

    applicable_term_ids: Sequence[str]
    renewal_options: Sequence[RenewalTarget]


class IncludedQuantity(Reply, kw_only=True):
    """What a metered plan includes in one term."""

    units: str
    description: str


class Availability(Reply, kw_only=True):
    """What a cart line buys: a plan in a country, currency and segment, with its terms. The product and the
    SKU are embedded: clients read them from the list.
    """

    id: str
    product_id: str
    sku_id: str
    catalog_item_id: str
    default_currency: DefaultCurrency
    segment: str
    country: str
    is_purchasable: bool
    is_renewable: bool
    renewal_instructions: Sequence[RenewalInstruction] | UnsetType = UNSET
    terms: Sequence[AvailabilityTerm]
    included_quantity_options: Sequence[IncludedQuantity] | UnsetType = UNSET
    product: Product
    sku: Sku
    links: SelfLinks


class InventoryTargetBody(Body):
    """One item to check; without a SKU every SKU of the product."""

    product_id: str | None = None
    sku_id: str | None = None


class InventoryCheckBody(Body):
    """The items to check. The keys of the context are the caller's and change nothing for SaaS."""

    target_items: list[InventoryTargetBody] | None = None
    inventory_context: dict[str, str] | None = None


class KeyValueBody(Body):
    """What Java sends in place of the request: ``[{"key": "country", "value": "US"}]`` (section 2)."""

    key: str | None = None
    value: str | None = None


class InventoryRestriction(Reply, kw_only=True):
    """Why a plan cannot be had."""

    reason_code: str
    description: str
    properties: Mapping[str, str]


class InventoryItem(Reply, kw_only=True):
    """Whether a plan can be had."""

    product_id: str
    sku_id: str
    is_restricted: bool
    restrictions: Sequence[InventoryRestriction]


class ProductPromotion(Reply, kw_only=True):
    """A promotion. There are none for SaaS, so the list of them is always empty."""

    id: str


class CatalogFileBody(Body):
    """A catalogue file, by a name that serves to say where an error is."""

    name: str | None = None
    text: str | None = None


class CatalogFilesBody(Body):
    """The files to check or to import together."""

    files: list[CatalogFileBody] | None = None


class CatalogFileError(Reply, kw_only=True):
    """One fault. Lines count from 1."""

    file: str
    line: int
    reason: str


class CatalogCheck(Reply, kw_only=True):
    """Every fault of the files, by file and line; none if they can be imported now."""

    errors: Sequence[CatalogFileError]


class CatalogImport(Reply, kw_only=True):
    """What an import changed. The version grows if and only if something did."""

    catalogue_version: int
    publishers_added: int
    publishers_changed: int
    products_added: int
    products_changed: int
    skus_added: int
    skus_changed: int
    availabilities_issued: int
    availabilities_replaced: int
    availabilities_withdrawn: int


FAMILY = "catalog"
CUSTOMER = "/v1/customers/{customer_id}"
PRODUCTS = "/products"
PRODUCT = PRODUCTS + "/{product_id}"
SKUS = PRODUCT + "/skus"
SKU = SKUS + "/{sku_id}"
AVAILABILITIES = SKU + "/availabilities"
AVAILABILITY = AVAILABILITIES + "/{availability_id}"

COUNTRY = Query("country", "ISO 3166 code of the market, two letters in any case.", required=True)
VIEW = Query("targetView", "MarketplaceSaaS or OnlineServices; the other views are empty.", required=True)
SEGMENT = Query(
    "targetSegment", "commercial, education, government or nonprofit; without it all but nonprofit."
)
SCOPE = Query("reservationScope", "Accepted and without effect.")

INPUT_ERROR = "400/400056"
SEGMENT_ERROR = "403/400030"
PRODUCT_ERROR = "404/400013"
SKU_ERROR = "404/400018"
AVAILABILITY_ERROR = "404/400019"
CUSTOMER_ERRORS = ("400/900118", "404/60003", "403/20002")

_COUNTRY_OPERATIONS = (
    Operation(
        id="catalog.products_list",
        method="GET",
        path="/v1" + PRODUCTS,
        summary="List the products of a market by title.",
        reply=Collection[Product],
        query=(COUNTRY, VIEW, SEGMENT, SCOPE),
        errors=(INPUT_ERROR, SEGMENT_ERROR, "403/400036"),
        family=FAMILY,
        cached=True,
    ),
    Operation(
        id="catalog.products_get",
        method="GET",
        path="/v1" + PRODUCT,
        summary="Read a product.",
        reply=Product,
        query=(COUNTRY, SCOPE),
        errors=(INPUT_ERROR, PRODUCT_ERROR),
        family=FAMILY,
        cached=True,
    ),
    Operation(
        id="catalog.skus_list",
        method="GET",
        path="/v1" + SKUS,
        summary="List the plans of a product by id.",
        reply=Collection[Sku],
        query=(COUNTRY, SEGMENT, SCOPE),
        errors=(INPUT_ERROR, PRODUCT_ERROR, SEGMENT_ERROR),
        family=FAMILY,
        cached=True,
    ),
    Operation(
        id="catalog.skus_get",
        method="GET",
        path="/v1" + SKU,
        summary="Read a plan.",
        reply=Sku,
        query=(COUNTRY, SCOPE),
        errors=(INPUT_ERROR, PRODUCT_ERROR, SKU_ERROR),
        family=FAMILY,
        cached=True,
    ),
    Operation(
        id="catalog.availabilities_list",
        method="GET",
        path="/v1" + AVAILABILITIES,
        summary="List what a cart line can buy of a plan, with terms, by segment.",
        reply=Collection[Availability],
        query=(COUNTRY, SEGMENT, SCOPE),
        errors=(INPUT_ERROR, PRODUCT_ERROR, SKU_ERROR, SEGMENT_ERROR),
        family=FAMILY,
        cached=True,
    ),
    # Not cached: a replaced availability is there until its grace ends, which no import marks.
    Operation(
        id="catalog.availabilities_get",
        method="GET",
        path="/v1" + AVAILABILITY,
        summary="Read an availability. One that was replaced stays for a day.",
        reply=Availability,
        query=(COUNTRY,),
        errors=(INPUT_ERROR, PRODUCT_ERROR, SKU_ERROR, AVAILABILITY_ERROR),
        family=FAMILY,
    ),
)

# The documents' syntax tables say POST for a customer's catalogue, their examples and the SDKs use GET.
_CUSTOMER_OPERATIONS = (
    Operation(
        id="catalog.customer_products_list",
        method="GET",
        path=CUSTOMER + PRODUCTS,
        summary="List the products that a customer may buy.",
        reply=Collection[Product],
        query=(VIEW, SEGMENT, SCOPE),
        errors=(INPUT_ERROR, SEGMENT_ERROR, "403/400036", *CUSTOMER_ERRORS),
        family=FAMILY,
        aliases=("POST",),
    ),
    Operation(
        id="catalog.customer_products_get",
        method="GET",
        path=CUSTOMER + PRODUCT,
        summary="Read a product that a customer may buy.",
        reply=Product,
        query=(SCOPE,),
        errors=(PRODUCT_ERROR, *CUSTOMER_ERRORS),
        family=FAMILY,
        aliases=("POST",),
    ),
    Operation(
        id="catalog.customer_skus_list",
        method="GET",
        path=CUSTOMER + SKUS,
        summary="List the plans of a product that a customer may buy.",
        reply=Collection[Sku],
        query=(SEGMENT, SCOPE),
        errors=(PRODUCT_ERROR, SEGMENT_ERROR, *CUSTOMER_ERRORS),
        family=FAMILY,
        aliases=("POST",),
    ),
    Operation(
        id="catalog.customer_skus_get",
        method="GET",
        path=CUSTOMER + SKU,
        summary="Read a plan that a customer may buy.",
        reply=Sku,
        query=(SCOPE,),
        errors=(PRODUCT_ERROR, SKU_ERROR, *CUSTOMER_ERRORS),
        family=FAMILY,
        aliases=("POST",),
    ),
    Operation(
        id="catalog.customer_availabilities_list",
        method="GET",
        path=CUSTOMER + AVAILABILITIES,
        summary="List the availabilities of a plan that a customer may buy.",
        reply=Collection[Availability],
        query=(SEGMENT, SCOPE),
        errors=(PRODUCT_ERROR, SKU_ERROR, SEGMENT_ERROR, *CUSTOMER_ERRORS),
        family=FAMILY,
        aliases=("POST",),
    ),
    Operation(
        id="catalog.customer_availabilities_get",
        method="GET",
        path=CUSTOMER + AVAILABILITY,
        summary="Read an availability that a customer may buy.",
        reply=Availability,
        errors=(PRODUCT_ERROR, SKU_ERROR, AVAILABILITY_ERROR, *CUSTOMER_ERRORS),
        family=FAMILY,
        aliases=("POST",),
    ),
)

_OTHER_OPERATIONS = (
    Operation(
        id="catalog.inventory_check",
        method="POST",
        path="/v1/extensions/product/checkinventory",
        summary="Ask whether plans can be had in a country. Answers a bare list.",
        request=InventoryCheckBody | list[KeyValueBody],
        reply=list[InventoryItem],
        query=(Query("country", "The market; without it the partner's own country."),),
        errors=("400/800002", "400/3000"),
        family=FAMILY,
    ),
    Operation(
        id="catalog.promotions_list",
        method="GET",
        path="/v1/productpromotions",
        summary="List promotions. There are none for SaaS.",
        reply=Collection[ProductPromotion],
        query=(Query("segment", "Without effect."), Query("country", "Without effect.")),
        family=FAMILY,
    ),
    Operation(
        id="catalog.promotions_get",
        method="GET",
        path="/v1/productpromotions/{promotion_id}",
        summary="Read a promotion. There are none for SaaS.",
        reply=None,
        query=(Query("country", "Without effect."),),
        errors=("404/1000",),
        family=FAMILY,
    ),
    Operation(
        id="catalog.promotion_eligibilities",
        method="POST",
        path=CUSTOMER + "/promotionEligibilities",
        summary="Check a customer's eligibility for promotions. Not supported for SaaS.",
        reply=None,
        errors=("400/800042",),
        family=FAMILY,
    ),
    Operation(
        id="catalog.check",
        method="POST",
        path="/operator/v1/catalog/check",
        summary="Find every fault of catalogue files, beside the catalogue as it is.",
        request=CatalogFilesBody,
        reply=CatalogCheck,
        audience=Audience.OPERATOR,
        errors=("400/800002", "400/3000"),
    ),
    Operation(
        id="catalog.import",
        method="POST",
        path="/operator/v1/catalog/import",
        summary="Import catalogue files: all of them, or nothing.",
        request=CatalogFilesBody,
        reply=CatalogImport,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/800002", "400/3000"),
    ),
)

OPERATIONS = (*_COUNTRY_OPERATIONS, *_CUSTOMER_OPERATIONS, *_OTHER_OPERATIONS)
