"""SaaS fulfillment: what publishers read of purchases, and what they send back.

Source: ``40-publisher-fulfillment-metering`` sections 3 and 4. The members stand in the order in which the
real service writes them: readers in the wild look for texts.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import UNSET, UnsetType, field

from comptoir.wire.operation import Audience, Mode, Operation, Query
from comptoir.wire.types import Body, Reply

SUBSCRIPTIONS = "/api/saas/subscriptions"
ONE = f"{SUBSCRIPTIONS}/{{subscription_id}}"
OPERATION = f"{ONE}/operations/{{operation_id}}"
ACCEPTED_HEADERS = ("Operation-Location", "Operation-Id", "Retry-After")


class AadIdentifier(Reply, kw_only=True):
    """A user of a directory."""

    email_id: str
    object_id: str
    tenant_id: str
    puid: str


class SaasTerm(Reply, kw_only=True):
    """A term. The dates are there from the activation on; ``end_date`` is the last day."""

    start_date: datetime | UnsetType = UNSET
    end_date: datetime | UnsetType = UNSET
    term_unit: str
    charge_duration: str | UnsetType = UNSET


class SaasSubscription(Reply, kw_only=True):
    """A purchase. ``quantity`` is left out for a flat rate."""

    id: str
    publisher_id: str
    offer_id: str
    name: str
    saas_subscription_status: str
    beneficiary: AadIdentifier
    purchaser: AadIdentifier
    plan_id: str
    term: SaasTerm
    auto_renew: bool
    is_test: bool
    is_free_trial: bool
    allowed_customer_operations: Sequence[str]
    sandbox_type: str
    created: datetime
    last_modified: datetime
    quantity: int | UnsetType = UNSET
    session_mode: str


class ResolvedSubscription(Reply, kw_only=True):
    """What a purchase token stands for."""

    id: str
    subscription_name: str
    offer_id: str
    plan_id: str
    quantity: int | UnsetType = UNSET
    subscription: SaasSubscription


class SaasSubscriptions(Reply, kw_only=True):
    """A page of purchases. The address of the next one is absolute."""

    subscriptions: Sequence[SaasSubscription]
    next_link: str | UnsetType = field(default=UNSET, name="@nextLink")


class MeteredQuantityIncluded(Reply, kw_only=True):
    """Units of a dimension that a term includes: a number as text, or ``Infinite``."""

    dimension_id: str
    units: str


class RecurrentBillingTerm(Reply, kw_only=True):
    """A term of a plan and the price of one payment."""

    currency: str
    price: Decimal
    term_unit: str
    term_description: str
    metered_quantity_included: Sequence[MeteredQuantityIncluded] | UnsetType = UNSET


class MeteringDimension(Reply, kw_only=True):
    """What is counted in a plan, and the price of one unit."""

    id: str
    currency: str
    price_per_unit: Decimal
    unit_of_measure: str
    display_name: str


class PlanComponents(Reply, kw_only=True):
    """What a plan costs. Neither list is ever left out."""

    recurrent_billing_terms: Sequence[RecurrentBillingTerm]
    metering_dimensions: Sequence[MeteringDimension]


class SaasPlan(Reply, kw_only=True):
    """A plan that a purchase can have. The limits are those of plans with seats."""

    plan_id: str
    display_name: str
    is_private: bool
    description: str
    min_quantity: int | UnsetType = UNSET
    max_quantity: int | UnsetType = UNSET
    has_free_trials: bool
    is_price_per_seat: bool
    is_stop_sell: bool
    market: str
    plan_components: PlanComponents


class SubscriptionPlans(Reply, kw_only=True):
    """The plans that a purchase can have."""

    plans: Sequence[SaasPlan]


class SaasOperation(Reply, kw_only=True):
    """An operation on a purchase; ``plan_id`` and ``quantity`` are those that it leads to."""

    id: str
    activity_id: str
    publisher_id: str
    offer_id: str
    plan_id: str
    quantity: int | UnsetType = UNSET
    operation_request_source: str
    subscription_id: str
    time_stamp: datetime
    action: str
    status: str
    error_status_code: str | UnsetType = UNSET
    error_message: str | UnsetType = UNSET


class OperationList(Reply, kw_only=True):
    """The operations of a purchase that are open."""

    operations: Sequence[SaasOperation]


class SubscriberPlanBody(Body):
    """A plan, a quantity, or both. The quantity may be a number as text, as older samples have it."""

    plan_id: str | None = None
    quantity: int | str | None = None


class UpdateOperationBody(Body):
    """What the publisher says about an operation; plan and quantity may be repeated."""

    plan_id: str | None = None
    quantity: int | str | None = None
    status: str | None = None


OPERATIONS = (
    Operation(
        id="fulfillment.resolve",
        method="POST",
        path=f"{SUBSCRIPTIONS}/resolve",
        summary="Exchange the token of a landing page for the purchase.",
        reply=ResolvedSubscription,
        mode=Mode.WRITE,
        audience=Audience.PUBLISHER,
        headers=("x-ms-marketplace-token",),
        errors=("400/HeaderNotPresent", "400/InvalidValue", "403", "404/EntityNotFound"),
    ),
    Operation(
        id="fulfillment.list",
        method="GET",
        path=SUBSCRIPTIONS,
        summary="List what was bought of the publisher, ended or not, oldest first.",
        reply=SaasSubscriptions,
        audience=Audience.PUBLISHER,
        query=(Query("continuationToken", "The token of a page, from the address of the next one."),),
        errors=("400/InvalidValue", "403"),
    ),
    Operation(
        id="fulfillment.get",
        method="GET",
        path=ONE,
        summary="Read a purchase.",
        reply=SaasSubscription,
        audience=Audience.PUBLISHER,
        errors=("403", "404/EntityNotFound"),
    ),
    Operation(
        id="fulfillment.plans",
        method="GET",
        path=f"{ONE}/listAvailablePlans",
        summary="List the plans that a purchase can have, its own among them.",
        reply=SubscriptionPlans,
        audience=Audience.PUBLISHER,
        query=(Query("planId", "Only the plan with this id."),),
        errors=("403", "404/EntityNotFound"),
    ),
    Operation(
        id="fulfillment.activate",
        method="POST",
        path=f"{ONE}/activate",
        summary="Report that a purchase is set up: its term and its billing start.",
        request=SubscriberPlanBody,
        reply=None,
        mode=Mode.WRITE,
        audience=Audience.PUBLISHER,
        errors=("400/BadArgument", "400/BadRequest", "403", "404/EntityNotFound"),
    ),
    Operation(
        id="fulfillment.update",
        method="PATCH",
        path=ONE,
        summary="Ask for another plan or another quantity.",
        request=SubscriberPlanBody,
        reply=None,
        status=202,
        mode=Mode.WRITE,
        audience=Audience.PUBLISHER,
        reply_headers=ACCEPTED_HEADERS,
        errors=(
            "400/BadArgument",
            "400/BadRequest",
            "400/Failed",
            "400/RequiredField",
            "403",
            "404/EntityNotFound",
        ),
    ),
    Operation(
        id="fulfillment.cancel",
        method="DELETE",
        path=ONE,
        summary="End a purchase at once and for good.",
        reply=None,
        status=202,
        mode=Mode.WRITE,
        audience=Audience.PUBLISHER,
        reply_headers=ACCEPTED_HEADERS,
        errors=("400/BadRequest", "403", "404/EntityNotFound"),
    ),
    Operation(
        id="fulfillment.operations",
        method="GET",
        path=f"{ONE}/operations",
        summary="List the operations of a purchase that are open.",
        reply=OperationList,
        audience=Audience.PUBLISHER,
        errors=("400/ApiVersionUnspecified", "400/UnsupportedApiVersion", "403", "404/EntityNotFound"),
    ),
    Operation(
        id="fulfillment.operation",
        method="GET",
        path=OPERATION,
        summary="Read an operation, whatever its status.",
        reply=SaasOperation,
        audience=Audience.PUBLISHER,
        errors=("403", "404/EntityNotFound", "404/NotFound"),
    ),
    Operation(
        id="fulfillment.acknowledge",
        method="PATCH",
        path=OPERATION,
        summary="Say whether what an operation asks for was done.",
        request=UpdateOperationBody,
        reply=None,
        mode=Mode.WRITE,
        audience=Audience.PUBLISHER,
        errors=(
            "400/BadArgument",
            "400/BadRequest",
            "403",
            "404/EntityNotFound",
            "404/NotFound",
            "409/Conflict",
        ),
    ),
    Operation(
        id="marketplace.activate",
        method="GET",
        path="/marketplace/activate/{token}",
        summary="Lead on to the publisher's landing page with a new purchase token.",
        reply=None,
        status=302,
        mode=Mode.STEPS,
        audience=Audience.PUBLIC,
        reply_headers=("Location",),
        errors=("404/1000",),
    ),
)
