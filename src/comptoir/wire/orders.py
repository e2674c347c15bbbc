"""Orders on the wire (``10-catalog-cart-orders`` sections 4 and 5)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType, field

from comptoir.wire.operation import Mode, Operation, Query
from comptoir.wire.subscriptions import ActivationLinkItem
from comptoir.wire.types import Body, Collection, Link, Reply, ResourceAttributes

Number = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
"""Clients hold quantities and line numbers as 32-bit integers."""


class Pricing(Reply, kw_only=True):
    """Prices before tax, in the order's currency."""

    list_price: Decimal
    discounted_price: Decimal
    prorated_price: Decimal
    price: Decimal
    extended_price: Decimal


class RenewsTo(Reply, kw_only=True):
    """What a term renews to."""

    term_duration: str


class OrderLineItemLinks(Reply, kw_only=True):
    """What a line leads to. ``subscription`` comes once the order is completed, ``activation_links`` goes
    with the line.
    """

    product: Link
    sku: Link
    availability: Link
    activation_links: Link | UnsetType = UNSET
    subscription: Link | UnsetType = UNSET


class OrderLineItem(Reply, kw_only=True):
    """A line of an order (section 4.3). ``pricing`` is there where prices were asked for, or the order was
    just made or changed.
    """

    line_item_number: int
    offer_id: str
    subscription_id: str
    parent_subscription_id: str | UnsetType = UNSET
    term_duration: str
    renews_to: RenewsTo | UnsetType = UNSET
    transaction_type: str
    friendly_name: str
    quantity: int
    pricing: Pricing | UnsetType = UNSET
    partner_id_on_record: str | UnsetType = UNSET
    additional_partner_ids_on_record: Sequence[str] | UnsetType = UNSET
    provisioning_context: Mapping[str, str] | UnsetType = UNSET
    attestation_accepted: bool | UnsetType = UNSET
    links: OrderLineItemLinks


class OrderLinks(Reply, kw_only=True):
    """A cancelled order keeps only ``self``."""

    self_: Link = field(name="self")
    provisioning_status: Link | UnsetType = UNSET
    patch_operation: Link | UnsetType = UNSET


class Order(Reply, kw_only=True):
    """What was bought together (section 4.3). ``total_price`` goes with the lines' prices."""

    id: str
    alternate_id: str
    reference_customer_id: str
    billing_cycle: str
    currency_code: str
    currency_symbol: str
    line_items: Sequence[OrderLineItem]
    creation_date: datetime
    status: str
    transaction_type: str
    total_price: Decimal | UnsetType = UNSET
    partner_on_record_attestation_accepted: bool | UnsetType = UNSET
    links: OrderLinks
    attributes: ResourceAttributes


class QuantityProvisioning(Reply, kw_only=True):
    """How many units of a line are in one provisioning status."""

    quantity: int
    status: str


class OrderLineItemProvisioningStatus(Reply, kw_only=True):
    """How far one line is provisioned, whether or not its publisher has set it up."""

    line_item_number: int
    status: str
    quantity_provisioning_information: Sequence[QuantityProvisioning]


class OrderAttachment(Reply, kw_only=True):
    """A purchase-order document. No order has any."""

    id: str


class RenewsToBody(Body):
    """What a term is to renew to."""

    term_duration: str | None = None


class OrderLineItemBody(Body):
    """A line as it is sent. What the server sets (prices, links, transaction type) is ignored."""

    ALIASES: ClassVar[Mapping[str, str]] = {"catalogItemId": "offerId"}

    line_item_number: Number | None = None
    offer_id: str | None = None
    subscription_id: str | None = None
    parent_subscription_id: str | None = None
    term_duration: str | None = None
    renews_to: RenewsToBody | list[RenewsToBody] | None = None
    friendly_name: str | None = None
    quantity: Number | None = None
    partner_id_on_record: str | None = None
    additional_partner_ids_on_record: list[str] | None = None
    provisioning_context: dict[str, str] | None = None
    promotion_id: str | None = None
    custom_term_end_date: datetime | None = None
    attestation_accepted: bool | None = None


class OrderBody(Body):
    """An order as it is sent: to create one, or whole or in part to change one."""

    reference_customer_id: str | None = None
    billing_cycle: str | int | None = None
    currency_code: str | None = None
    line_items: list[OrderLineItemBody] | None = None
    status: str | int | None = None
    partner_on_record_attestation_accepted: bool | None = None


FAMILY = "orders"
PATH = "/v1/customers/{customer_id}/orders"
ONE_PATH = PATH + "/{order_id}"
CUSTOMER_ERRORS = ("400/900118", "404/60003", "403/20002")
ORDER_ERRORS = ("404/20000", *CUSTOMER_ERRORS)
PURCHASE_ERRORS = (
    "400/800002",
    "400/3000",
    "400/800004",
    "400/800070",
    "403/800020",
    "404/400019",
    "400/800010",
    "400/800017",
    "400/900169",
    "400/900269",
    "400/800121",
    "404/800015",
    "400/800016",
    "404/2072",
    "400/800018",
    "403/800089",
    "400/900203",
    "403/13605",
)
"""What an order and an add-on bought later can both be refused with."""
UPN_HEADER = "x-ms-customeruser-upn"
"""Names the customer's user that an order is for."""

INCLUDE_PRICE = Query("include_price", "Whether to show prices: true or false.", kind=bool)

OPERATIONS = (
    Operation(
        id="orders.create",
        method="POST",
        path=PATH,
        summary="Order directly, without a cart. All lines share the order's billing cycle and currency.",
        request=OrderBody,
        reply=Order,
        status=201,
        mode=Mode.WRITE,
        errors=(
            *PURCHASE_ERRORS,
            "400/800029",
            "400/800071",
            "400/2000",
            "400/900126",
            "400/900206",
            *CUSTOMER_ERRORS,
        ),
        family=FAMILY,
        headers=(UPN_HEADER,),
    ),
    Operation(
        id="orders.list",
        method="GET",
        path=PATH,
        summary="List a customer's orders, newest first. New ones may take some minutes to appear.",
        reply=Collection[Order],
        query=(INCLUDE_PRICE, Query("billingType", "Only orders with this billing cycle.")),
        errors=("400/900126", "400/3000", "403/800043", *CUSTOMER_ERRORS),
        family=FAMILY,
    ),
    Operation(
        id="orders.get",
        method="GET",
        path=ONE_PATH,
        summary="Read an order by its id or its alternate id, at once after it was placed.",
        reply=Order,
        query=(INCLUDE_PRICE,),
        errors=("400/3000", "403/800043", *ORDER_ERRORS),
        family=FAMILY,
    ),
    Operation(
        id="orders.patch",
        method="PATCH",
        path=ONE_PATH,
        summary="Cancel an order or some of its lines, change its billing cycle, or buy add-ons.",
        request=OrderBody,
        reply=Order,
        mode=Mode.WRITE,
        errors=(
            "403/800019",
            "403/800077",
            "400/800061",
            "409/800060",
            "400/6000",
            "400/6001",
            "400/800029",
            "400/800042",
            "400/800071",
            "400/900126",
            *PURCHASE_ERRORS,
            *ORDER_ERRORS,
        ),
        family=FAMILY,
    ),
    Operation(
        id="orders.provisioning_status",
        method="GET",
        path=ONE_PATH + "/provisioningstatus",
        summary="How far each line of an order is provisioned.",
        reply=Collection[OrderLineItemProvisioningStatus],
        errors=("404/800007", *ORDER_ERRORS),
        family=FAMILY,
    ),
    Operation(
        id="orders.activation_links",
        method="GET",
        path=ONE_PATH + "/activationlinks",
        summary="Where the customer sets up what each line of an order bought.",
        reply=Collection[ActivationLinkItem],
        errors=("409/800060", *ORDER_ERRORS),
        family=FAMILY,
    ),
    Operation(
        id="orders.line_activation_links",
        method="GET",
        path=ONE_PATH + "/lineitems/{line_item_number}/activationlinks",
        summary="Where the customer sets up what one line of an order bought.",
        reply=Collection[ActivationLinkItem],
        errors=("400/800071", "409/800060", *ORDER_ERRORS),
        family=FAMILY,
    ),
    Operation(
        id="orders.attachments",
        method="GET",
        path=ONE_PATH + "/attachments",
        summary="The purchase-order documents of an order: none.",
        reply=Collection[OrderAttachment],
        errors=ORDER_ERRORS,
        family=FAMILY,
    ),
    Operation(
        id="orders.attach",
        method="POST",
        path=ONE_PATH + "/attachment",
        summary="Attach a purchase-order document: not supported.",
        reply=None,
        errors=("400/800042", *ORDER_ERRORS),
        family=FAMILY,
    ),
    Operation(
        id="orders.attachment",
        method="GET",
        path=ONE_PATH + "/attachment/{attachment_id}",
        summary="Read a purchase-order document: not supported.",
        reply=None,
        errors=("400/800042", *ORDER_ERRORS),
        family=FAMILY,
    ),
)
