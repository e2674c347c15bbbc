"""A purchase as its publisher sees it, and the operations by which the two sides agree on its changes.

Words and values are those of ``40-publisher-fulfillment-metering`` sections 3 to 5. A purchase is a
subscription of ours: same id, other words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from comptoir.catalog.model import Plan, Term
from comptoir.core.money import Rate
from comptoir.core.terms import Duration
from comptoir.subscriptions.model import Status, SubscriptionPatch


class SaasStatus(StrEnum):
    """The status of a purchase in the publisher's words."""

    PENDING = "PendingFulfillmentStart"
    SUBSCRIBED = "Subscribed"
    SUSPENDED = "Suspended"
    UNSUBSCRIBED = "Unsubscribed"


SAAS_STATUS: Mapping[Status, SaasStatus] = {
    Status.PENDING: SaasStatus.PENDING,
    Status.ACTIVE: SaasStatus.SUBSCRIBED,
    Status.SUSPENDED: SaasStatus.SUSPENDED,
    Status.DELETED: SaasStatus.UNSUBSCRIBED,
    Status.EXPIRED: SaasStatus.UNSUBSCRIBED,
}
"""A subscription's status in the publisher's words (section 9)."""


class OperationAction(StrEnum):
    """What an operation does to a purchase."""

    CHANGE_PLAN = "ChangePlan"
    CHANGE_QUANTITY = "ChangeQuantity"
    SUSPEND = "Suspend"
    REINSTATE = "Reinstate"
    RENEW = "Renew"
    UNSUBSCRIBE = "Unsubscribe"


NOTIFY_ONLY = frozenset({OperationAction.SUSPEND, OperationAction.RENEW, OperationAction.UNSUBSCRIBE})
"""What the publisher is only told of: it has happened already."""


class OperationStatus(StrEnum):
    """``Conflict``: the new value was the current one when the operation would have been done."""

    NOT_STARTED = "NotStarted"
    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CONFLICT = "Conflict"


OPEN = frozenset({OperationStatus.NOT_STARTED, OperationStatus.IN_PROGRESS})


class OperationEvent(StrEnum):
    """What can happen to an operation."""

    BEGIN = "begin"
    ACCEPT = "accept"
    REFUSE = "refuse"
    COINCIDE = "coincide"


class Source(StrEnum):
    """Who asked for an operation: the marketplace's side, or the publisher."""

    AZURE = "Azure"
    PARTNER = "Partner"


class Acknowledgement(StrEnum):
    """What a publisher answers to an operation."""

    SUCCESS = "Success"
    FAILURE = "Failure"


@dataclass(frozen=True, slots=True)
class Person:
    """A user of a directory. Every part is always known: publishers' programs rely on it."""

    email: str
    object_id: str
    tenant_id: str


@dataclass(frozen=True, slots=True)
class Parties:
    """Who uses a purchase, and who made it."""

    beneficiary: Person
    purchaser: Person


@dataclass(frozen=True, slots=True)
class PurchaseTerm:
    """``start_on`` and ``end_on``, the last day, are midnights; ``None`` before the activation.

    ``charge_unit`` is how often the term is paid, ``None`` where that is once.
    """

    unit: Duration
    start_on: datetime | None = None
    end_on: datetime | None = None
    charge_unit: Duration | None = None


@dataclass(frozen=True, slots=True)
class Purchase:
    """A subscription in the publisher's words. ``quantity`` is ``None`` for a flat rate."""

    id: str
    publisher_id: str
    offer_id: str
    name: str
    status: SaasStatus
    beneficiary: Person
    purchaser: Person
    plan_id: str
    term: PurchaseTerm
    auto_renew: bool
    is_test: bool
    is_free_trial: bool
    allowed_operations: tuple[str, ...]
    created_at: datetime
    modified_at: datetime
    quantity: int | None


@dataclass(frozen=True, slots=True)
class PurchasePage:
    """Purchases in the order of their making; ``next_token`` leads to the page that follows."""

    purchases: tuple[Purchase, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class MeterOnSale:
    """The price of a dimension in a plan."""

    dimension_id: str
    price: Rate
    unit_of_measure: str
    display_name: str


@dataclass(frozen=True, slots=True)
class PlanOnSale:
    """A plan that a purchase can be changed to, or has, in its market.

    ``catalog_item_id`` is what a purchase of it would buy now.
    """

    plan: Plan
    catalog_item_id: str
    market: str
    has_free_trial: bool
    terms: tuple[Term, ...]
    meters: tuple[MeterOnSale, ...]


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """What a publisher asks to change: a plan, or a quantity. ``has_quantity`` without a ``quantity``:
    what it gave is no whole number.
    """

    plan_id: str | None = None
    quantity: int | None = None
    has_quantity: bool = False


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What a publisher says about an operation. Plan and quantity may be repeated with it.

    Without an ``answer`` it is neither of the two that there are; ``has_quantity`` without a ``quantity``:
    what it gave is no whole number.
    """

    operation_id: str
    answer: Acknowledgement | None
    plan_id: str | None = None
    quantity: int | None = None
    has_quantity: bool = False


@dataclass(frozen=True, slots=True)
class OperationDraft:
    """An operation that is to be. ``plan_id`` and ``quantity`` are those that it leads to.

    ``catalog_item_id`` is what a change of plan buys. ``patch`` is everything that the partner wants changed
    once the publisher has accepted. Without an ``id`` it gets a new one.
    """

    action: OperationAction
    source: Source
    plan_id: str
    quantity: int | None
    catalog_item_id: str | None = None
    patch: SubscriptionPatch | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """A stored operation.

    ``quantity`` is ``None`` for a flat rate. ``requested_at`` and ``closed_at`` are the account's time,
    ``acknowledged_until`` is the wall's: when an operation whose webhook was taken is accepted without a
    word. ``is_superseded``: a cancellation or a suspension came in between.
    """

    id: str
    account_id: str
    customer_id: str
    subscription_id: str
    publisher_id: str
    product_id: str
    offer_id: str
    plan_id: str
    quantity: int | None
    action: OperationAction
    source: Source
    status: OperationStatus
    requested_at: datetime
    catalog_item_id: str | None = None
    patch: SubscriptionPatch | None = None
    closed_at: datetime | None = None
    acknowledged_until: datetime | None = None
    error_status: str | None = None
    error_message: str | None = None
    is_superseded: bool = False

    def __post_init__(self) -> None:
        assert (self.closed_at is None) == self.is_open, (self.id, self.status, self.closed_at)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_notify_only(self) -> bool:
        return self.action in NOTIFY_ONLY


@dataclass(frozen=True, slots=True)
class Started:
    """An operation, and the delivery that puts it before the publisher, ``None`` where none is needed."""

    operation: Operation
    delivery_id: str | None
