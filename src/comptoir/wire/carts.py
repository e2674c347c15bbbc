"""Carts and checkouts on the wire (``10-catalog-cart-orders`` section 3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType

from comptoir.wire.operation import Mode, Operation
from comptoir.wire.orders import UPN_HEADER, Order, Pricing, RenewsTo, RenewsToBody
from comptoir.wire.types import Body, Reply, ResourceAttributes, SelfLinks

Quantity = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
"""Clients hold quantities as 32-bit integers. Zero and less are errors of the line, not of the call."""


class Participant(Reply, kw_only=True):
    """A reseller named on a line: what it does, and its MPN id."""

    key: str
    value: str


class Quota(Reply, kw_only=True):
    """How many more a customer may have, and how many it has."""

    available_quantity: int
    purchased_quantity: int


class CartError(Reply, kw_only=True):
    """Why a line cannot be bought. ``error_code`` is a number, as the real service sends it."""

    error_code: int
    error_description: str
    additional_information: Quota | UnsetType = UNSET


class CartLineItem(Reply, kw_only=True):
    """A line of a cart (section 3.3). Valid ones have ``order_group`` and ``pricing``, others ``error``."""

    id: int
    catalog_item_id: str
    friendly_name: str | UnsetType = UNSET
    quantity: int
    currency_code: str
    billing_cycle: str
    term_duration: str | UnsetType = UNSET
    participants: Sequence[Participant] | UnsetType = UNSET
    provisioning_context: Mapping[str, str]
    order_group: str | UnsetType = UNSET
    addon_items: "Sequence[CartLineItem] | UnsetType" = UNSET
    renews_to: RenewsTo | UnsetType = UNSET
    error: CartError | UnsetType = UNSET
    attestation_accepted: bool | UnsetType = UNSET
    pricing: Pricing | UnsetType = UNSET


class Cart(Reply, kw_only=True):
    """Lines to buy together, as they were judged last (section 3.2)."""

    id: str
    creation_timestamp: datetime
    last_modified_timestamp: datetime
    expiration_timestamp: datetime
    last_modified_user: str
    status: str
    line_items: Sequence[CartLineItem]
    partner_on_record_attestation_accepted: bool | UnsetType = UNSET
    links: SelfLinks
    attributes: ResourceAttributes


class OrderError(Reply, kw_only=True):
    """A group that was not ordered. ``code`` has the numbers of ordinary faults."""

    order_group_id: str
    code: int
    description: str


class CartCheckoutResult(Reply, kw_only=True):
    """What a checkout did (section 3.9). Both lists are always there: clients ask them how long they are."""

    orders: Sequence[Order]
    order_errors: Sequence[OrderError]
    attributes: ResourceAttributes


class ParticipantBody(Body):
    """A participant as it is sent; .NET and PowerShell spell the kind in different ways."""

    key: str | int | None = None
    value: str | None = None


class CartLineItemBody(Body):
    """A line as it is sent. What the server sets (group, prices, error) is ignored when it comes back."""

    ALIASES: ClassVar[Mapping[str, str]] = {"catalogId": "catalogItemId"}

    id: int | str | None = None
    catalog_item_id: str | None = None
    friendly_name: str | None = None
    quantity: Quantity | None = None
    currency_code: str | None = None
    billing_cycle: str | int | None = None
    term_duration: str | None = None
    participants: list[ParticipantBody] | None = None
    provisioning_context: dict[str, str] | None = None
    addon_items: "list[CartLineItemBody] | None" = None
    renews_to: RenewsToBody | list[RenewsToBody] | None = None
    promotion_id: str | None = None
    custom_term_end_date: datetime | None = None
    attestation_accepted: bool | None = None


class CartBody(Body):
    """A cart as it is sent."""

    line_items: list[CartLineItemBody] | None = None
    partner_on_record_attestation_accepted: bool | None = None


CUSTOMER_ERRORS = ("400/900118", "404/60003", "403/20002")
BODY_ERRORS = ("400/800002", "400/3000", "400/900206")
FAMILY = "carts"
PATH = "/v1/customers/{customer_id}/carts"
ONE_PATH = PATH + "/{cart_id}"

OPERATIONS = (
    Operation(
        id="carts.create",
        method="POST",
        path=PATH,
        summary="Fill a new cart. A line that cannot be bought is kept, with its error.",
        request=CartBody,
        reply=Cart,
        status=201,
        mode=Mode.WRITE,
        errors=("409/800064", *BODY_ERRORS, *CUSTOMER_ERRORS),
        family=FAMILY,
    ),
    Operation(
        id="carts.get",
        method="GET",
        path=ONE_PATH,
        summary="Read a cart. It is gone once it has expired, or 90 days after it was ordered.",
        reply=Cart,
        errors=("404/800008", *CUSTOMER_ERRORS),
        family=FAMILY,
    ),
    Operation(
        id="carts.update",
        method="PUT",
        path=ONE_PATH,
        summary="Replace everything in a cart that is not ordered yet. Its expiry stays.",
        request=CartBody,
        reply=Cart,
        status=201,
        mode=Mode.WRITE,
        errors=("404/800008", "400/800065", "409/800064", *BODY_ERRORS, *CUSTOMER_ERRORS),
        family=FAMILY,
    ),
    Operation(
        id="carts.checkout",
        method="POST",
        path=ONE_PATH + "/checkout",
        summary="Order a cart: one order for each order group. Repeated, it answers the same orders.",
        reply=CartCheckoutResult,
        status=201,
        mode=Mode.WRITE,
        errors=("404/800008", "403/13605", "400/800009", "409/800064", *CUSTOMER_ERRORS),
        family=FAMILY,
        headers=(UPN_HEADER,),
    ),
)
