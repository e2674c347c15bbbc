"""The operator API for developers of publishers' sites: a purchase in one call, and what happens to it."""

from msgspec import UNSET, UnsetType

from comptoir.wire.operation import Audience, Mode, Operation
from comptoir.wire.types import Body, Reply

PURCHASES = "/operator/v1/purchases"
SUBSCRIPTION = "/operator/v1/subscriptions/{subscription_id}"


class RehearsalOperation(Reply, kw_only=True):
    """An operation that the publisher is asked about, or that was done at once because nobody is."""

    id: str
    action: str
    status: str


class RehearsedSubscription(Reply, kw_only=True):
    """A subscription in the partner's words (``status``) and in its publisher's.

    ``is_seen_by_publisher`` is false in a sandbox without the setting ``sandbox_publisher_delivery``: its
    publisher hears nothing of it then, and the activation link is a page of ours. ``operation`` is what was
    begun; follow it with the subscription's webhooks.
    """

    account: str
    tenant_id: str
    customer_id: str
    order_id: str
    subscription_id: str
    publisher_id: str
    offer_id: str
    plan_id: str
    product_id: str
    sku_id: str
    is_trial: bool
    quantity: int
    term: str
    status: str
    saas_status: str
    is_seen_by_publisher: bool
    operation: RehearsalOperation | UnsetType = UNSET
    activation_link: str | UnsetType = UNSET


class PurchaseBody(Body, kw_only=True):
    """What to buy: a plan, by ``productId`` and ``skuId`` or by ``publisherId``, ``offerId`` and ``planId``.

    Without the others: the sandbox account, its first customer who can buy it, as few seats as possible, and
    the plan's first term.
    """

    account: str | None = None
    customer_id: str | None = None
    product_id: str | None = None
    sku_id: str | None = None
    publisher_id: str | None = None
    offer_id: str | None = None
    plan_id: str | None = None
    is_trial: bool | None = None
    quantity: int | None = None
    term: str | None = None
    billing_cycle: str | int | None = None
    friendly_name: str | None = None


class ChangePlanBody(Body, kw_only=True):
    """The publisher's id of the plan to change to."""

    plan_id: str | None = None


class ChangeQuantityBody(Body, kw_only=True):
    """The number of seats to change to."""

    quantity: int | None = None


OPERATIONS = (
    Operation(
        id="operator.purchase",
        method="POST",
        path=PURCHASES,
        summary="Buy a plan for a test customer in one call",
        request=PurchaseBody,
        reply=RehearsedSubscription,
        status=201,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=(
            "400/3000",
            "400/800017",
            "400/800070",
            "400/800121",
            "400/900118",
            "400/900126",
            "403/13605",
            "403/20002",
            "404/1000",
            "404/60003",
        ),
    ),
    Operation(
        id="operator.link",
        method="GET",
        path=SUBSCRIPTION + "/link",
        summary="Make a new activation link of a subscription",
        reply=RehearsedSubscription,
        audience=Audience.OPERATOR,
        errors=("404/20003",),
    ),
    Operation(
        id="operator.suspend",
        method="POST",
        path=SUBSCRIPTION + "/suspend",
        summary="Suspend a subscription, as if its payment were missing",
        reply=RehearsedSubscription,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/2011", "400/800040", "404/20003"),
    ),
    Operation(
        id="operator.reinstate",
        method="POST",
        path=SUBSCRIPTION + "/reinstate",
        summary="Ask the publisher to take a suspended subscription up again",
        reply=RehearsedSubscription,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/800040", "400/800082", "404/20003"),
    ),
    Operation(
        id="operator.renew",
        method="POST",
        path=SUBSCRIPTION + "/renew",
        summary="End the running term of a subscription and start the next one",
        reply=RehearsedSubscription,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/2011", "400/800040", "400/800093", "404/20003"),
    ),
    Operation(
        id="operator.change_plan",
        method="POST",
        path=SUBSCRIPTION + "/change-plan",
        summary="Ask the publisher to change a subscription to another plan",
        request=ChangePlanBody,
        reply=RehearsedSubscription,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/3000", "400/800004", "400/800021", "400/800040", "400/800082", "404/20003"),
    ),
    Operation(
        id="operator.change_quantity",
        method="POST",
        path=SUBSCRIPTION + "/change-quantity",
        summary="Ask the publisher to change the seats of a subscription",
        request=ChangeQuantityBody,
        reply=RehearsedSubscription,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=(
            "400/2002",
            "400/3000",
            "400/800021",
            "400/800040",
            "400/800082",
            "400/800095",
            "404/20003",
        ),
    ),
    Operation(
        id="operator.unsubscribe",
        method="POST",
        path=SUBSCRIPTION + "/unsubscribe",
        summary="Cancel a subscription for good, whatever its refund window says",
        reply=RehearsedSubscription,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/2011", "404/20003"),
    ),
)
