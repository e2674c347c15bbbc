"""Subscriptions on the wire (``20-subscriptions-customers`` Part I)."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import UNSET, UnsetType, field

from comptoir.wire.operation import Audience, Mode, Operation, Query
from comptoir.wire.types import (
    AttributesBody,
    Body,
    Collection,
    Link,
    Reply,
    ResourceAttributes,
    SelfLinks,
)


class ItemType(Reply, kw_only=True):
    """What kind of product a subscription is of."""

    id: str
    display_name: str
    sub_type: "ItemType | UnsetType" = UNSET


class RefundOption(Reply, kw_only=True):
    """A refund that is still possible; ``expires_at`` is exclusive."""

    type: str
    expires_at: datetime | UnsetType = UNSET


class SubscriptionLinks(Reply, kw_only=True):
    """What a subscription leads to. ``activation_links`` is there while it waits for its set-up."""

    product: Link
    sku: Link
    availability: Link
    activation_links: Link | UnsetType = UNSET
    self_: Link = field(name="self")


class Subscription(Reply, kw_only=True):
    """What a customer has (section 1). Dates that are not known yet are left out, as are members of other
    kinds of products.
    """

    id: str
    offer_id: str
    offer_name: str
    friendly_name: str
    product_type: ItemType | UnsetType = UNSET
    quantity: int
    unit_type: str
    parent_subscription_id: str | UnsetType = UNSET
    has_purchasable_addons: bool
    creation_date: datetime
    effective_start_date: datetime | UnsetType = UNSET
    commitment_end_date: datetime | UnsetType = UNSET
    commitment_end_date_time: datetime | UnsetType = UNSET
    cancellation_allowed_until_date: datetime | UnsetType = UNSET
    billing_cycle_end_date: datetime | UnsetType = UNSET
    billing_cycle_end_date_time: datetime | UnsetType = UNSET
    status: str
    auto_renew_enabled: bool
    is_trial: bool
    billing_type: str
    billing_cycle: str
    term_duration: str
    renewal_term_duration: str | UnsetType = UNSET
    refund_options: Sequence[RefundOption] | UnsetType = UNSET
    is_microsoft_product: bool
    partner_id: str | UnsetType = UNSET
    attention_needed: bool
    action_taken: bool
    actions: Sequence[str]
    suspension_reasons: Sequence[str] | UnsetType = UNSET
    contract_type: str
    publisher_name: str
    order_id: str
    links: SubscriptionLinks
    attributes: ResourceAttributes


class SubscriptionBody(Body):
    """A PATCH: the members that count. Clients send the whole resource or a part of it (section 3.3)."""

    id: str | None = None
    offer_id: str | None = None
    status: str | int | None = None
    auto_renew_enabled: bool | None = None
    quantity: int | None = None
    friendly_name: str | None = None
    partner_id: str | None = None
    billing_cycle: str | int | None = None
    term_duration: str | None = None
    attributes: AttributesBody | None = None


class ActivationResult(Reply, kw_only=True):
    """The answer of a sandbox activation; it has no attributes."""

    subscription_id: str
    status: str


class ActivationLinkItem(Reply, kw_only=True):
    """Where to set up what an order line bought. The link's address is absolute."""

    line_item_number: int
    link: Link


class ProvisioningStatus(Reply, kw_only=True):
    """How far a subscription is set up. ``sku_id`` is a GUID: the .NET SDK reads nothing else there."""

    sku_id: str
    status: str
    quantity: int
    end_date: datetime
    attributes: ResourceAttributes


class RegistrationStatus(Reply, kw_only=True):
    """Whether a subscription is registered for Azure reservations."""

    subscription_id: str
    status: str
    attributes: ResourceAttributes


class SupportContact(Reply, kw_only=True):
    """Who supports a subscription: the partner, or a reseller that works with it (section 3.8)."""

    support_tenant_id: str
    support_mpn_id: str
    name: str
    links: SelfLinks
    attributes: ResourceAttributes


class SupportContactBody(Body):
    """The contact to be. One of the two ids is enough."""

    support_tenant_id: str | None = None
    support_mpn_id: str | None = None
    name: str | None = None


class Conversion(Reply, kw_only=True):
    """How a trial can be ended early. The offer stays the same (section 3.9)."""

    offer_id: str
    target_offer_id: str
    order_id: str
    quantity: int
    billing_cycle: str
    attributes: ResourceAttributes


class ConversionBody(Body):
    """The conversion that was offered, sent back; what is left out is taken as offered."""

    offer_id: str | None = None
    target_offer_id: str | None = None
    quantity: int | None = None
    billing_cycle: str | int | None = None


class ConversionError(Reply, kw_only=True):
    """Why a trial was not converted: ``ConversionsNotFound`` or ``Other``."""

    code: str
    description: str


class ConversionResult(Reply, kw_only=True):
    """What came of a conversion. A conversion that is not offered is an error in a successful answer."""

    subscription_id: str
    offer_id: str
    target_offer_id: str
    error: ConversionError | UnsetType = UNSET


NOTHING = Collection[Reply]
"""A list that is always empty for software as a service."""

CUSTOMER_ERRORS = ("400/900118", "404/60003", "403/20002")
SUBSCRIPTION_ERRORS = ("404/20003", *CUSTOMER_ERRORS)
FAMILY = "subscriptions"
PATH = "/v1/customers/{customer_id}/subscriptions"
ONE_PATH = PATH + "/{subscription_id}"


def _about_one(
    verb: str,
    path: str,
    summary: str,
    reply: object,
    *errors: str,
    method: str = "GET",
    user_only: bool = False,
) -> Operation:
    """A read of one subscription's sub-resource, or a POST that this kind of product does not support."""
    return Operation(
        id=f"subscriptions.{verb}",
        method=method,
        path=ONE_PATH + path,
        summary=summary,
        reply=reply,
        errors=(*SUBSCRIPTION_ERRORS, *errors),
        user_only=user_only,
        family=FAMILY,
    )


OPERATIONS = (
    Operation(
        id="subscriptions.list",
        method="GET",
        path=PATH,
        summary="List a customer's subscriptions, oldest first; ended ones for 90 days more.",
        reply=Collection[Subscription],
        query=(
            Query("order_id", "Only subscriptions of this order."),
            Query("mpn_id", "Only subscriptions with this reseller of record."),
            Query("size", "At most so many; everything if absent or 0.", kind=int),
            Query("offset", "Leave out so many from the start.", kind=int),
        ),
        errors=(*CUSTOMER_ERRORS, "400/3000"),
        family=FAMILY,
    ),
    _about_one("get", "", "Read a subscription, whatever its status.", Subscription),
    Operation(
        id="subscriptions.patch",
        method="PATCH",
        path=ONE_PATH,
        summary="Change a subscription: cancel it, turn auto-renew on or off, change seats, name, reseller.",
        request=SubscriptionBody,
        reply=Subscription,
        mode=Mode.STEPS,
        errors=(
            "400/2001",
            "400/2002",
            "400/2011",
            "400/2055",
            "400/3000",
            "400/800002",
            "400/800016",
            "400/800018",
            "400/800040",
            "400/800081",
            "400/800082",
            "400/800090",
            "400/800091",
            "400/800093",
            "400/800095",
            "400/800096",
            "400/800097",
            "400/800098",
            "400/900117",
            "400/900126",
            "403/800027",
            "403/800067",
            "403/800088",
            "404/2072",
            "404/800015",
            *SUBSCRIPTION_ERRORS,
        ),
        family=FAMILY,
        headers=("If-Match",),
    ),
    Operation(
        id="subscriptions.activate",
        method="POST",
        path=ONE_PATH + "/activate",
        summary="Activate a subscription in an account without publishers: its term and its billing start.",
        reply=ActivationResult,
        mode=Mode.WRITE,
        errors=(
            "400/900127",
            "400/800041",
            "400/800082",
            "400/800021",
            "400/800024",
            "400/2011",
            *SUBSCRIPTION_ERRORS,
        ),
        family=FAMILY,
    ),
    Operation(
        id="subscriptions.activate_by_get",
        method="GET",
        path=ONE_PATH + "/activate",
        summary="The same for the PowerShell module, whose library sends GET. Unknown to any other client.",
        reply=ActivationResult,
        mode=Mode.WRITE,
        errors=(
            "404/1000",
            "400/900127",
            "400/800041",
            "400/800082",
            "400/800021",
            "400/800024",
            "400/2011",
            *SUBSCRIPTION_ERRORS,
        ),
        family=FAMILY,
        headers=("MS-PartnerCenter-Client",),
    ),
    _about_one(
        "activation_links",
        "/activationlinks",
        "Where the customer sets the subscription up. Empty once it is deleted or expired.",
        Collection[ActivationLinkItem],
        "409/800060",
    ),
    _about_one(
        "provisioning_status",
        "/provisioningstatus",
        "How far the subscription is set up.",
        ProvisioningStatus,
        "404/800007",
        "403/2032",
        user_only=True,
    ),
    _about_one(
        "registration_status",
        "/registrationstatus",
        "Whether the subscription is registered for Azure reservations: software as a service never is.",
        RegistrationStatus,
    ),
    _about_one(
        "register",
        "/registrations",
        "Register for Azure reservations: refused for software as a service.",
        None,
        "400/800042",
        method="POST",
    ),
    _about_one("add_ons", "/addons", "The subscriptions that extend this one.", Collection[Subscription]),
    _about_one(
        "support_contact_get",
        "/supportcontact",
        "Who supports the subscription: the partner itself until another contact is chosen.",
        SupportContact,
        "403/2032",
        user_only=True,
    ),
    Operation(
        id="subscriptions.support_contact_update",
        method="PUT",
        path=ONE_PATH + "/supportcontact",
        summary="Choose who supports the subscription: a reseller that works with the partner, or itself.",
        request=SupportContactBody,
        reply=SupportContact,
        mode=Mode.WRITE,
        errors=("400/800016", "400/2011", "400/3000", "400/800002", "403/2032", *SUBSCRIPTION_ERRORS),
        user_only=True,
        family=FAMILY,
    ),
    _about_one(
        "conversions",
        "/conversions",
        "How a trial can be ended early: one way while it runs, else none.",
        Collection[Conversion],
        "403/2032",
        user_only=True,
    ),
    Operation(
        id="subscriptions.convert",
        method="POST",
        path=ONE_PATH + "/conversions",
        summary="End a trial early: its first paid term starts now. The subscription keeps its id.",
        request=ConversionBody,
        reply=ConversionResult,
        mode=Mode.WRITE,
        errors=("400/3000", "400/800002", "400/900126", "403/2032", *SUBSCRIPTION_ERRORS),
        user_only=True,
        family=FAMILY,
    ),
    _about_one("upgrades", "/upgrades", "What the subscription can be upgraded to: nothing.", NOTHING),
    _about_one(
        "upgrade",
        "/upgrades",
        "Upgrade: refused for software as a service.",
        None,
        "400/800042",
        method="POST",
    ),
    _about_one(
        "transition_eligibilities",
        "/transitioneligibilities",
        "What the subscription can be moved to: nothing.",
        NOTHING,
    ),
    _about_one("transitions", "/transitions", "Moves of the subscription so far: none.", NOTHING),
    _about_one(
        "transition",
        "/transitions",
        "Move: refused for software as a service.",
        None,
        "400/800042",
        method="POST",
    ),
    Operation(
        id="sandbox.activation_placeholder",
        method="GET",
        path="/sandbox/activation-placeholder",
        summary="The page behind a dummy activation link: says how to activate, can complete nothing.",
        reply=None,
        mode=Mode.STEPS,
        audience=Audience.PUBLIC,
        query=(
            Query("order", "The order's alternate id, shown as it came."),
            Query("line", "The order line's number, shown as it came."),
        ),
        headers=("Accept-Language",),
        media_type="text/html",
    ),
)
