"""A subscription: what one order line gave the customer, from waiting for its set-up to its end."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from comptoir.catalog.model import BillingCycle, Offer, Term
from comptoir.core.money import Rate
from comptoir.core.terms import Duration


class Status(StrEnum):
    """The states of ``20-subscriptions-customers`` section 4.1, in the wire's full vocabulary.

    A free trial is an active subscription whose ``is_trial`` is set, not a state of its own.
    """

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"
    EXPIRED = "expired"


class Action(StrEnum):
    """What can happen to a subscription's status (``20-subscriptions-customers`` section 4.2)."""

    ACTIVATE = "activate"
    CANCEL = "cancel"
    EXPIRE = "expire"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    RENEW = "renew"
    CONVERT_TRIAL = "convert_trial"


class BillingType(StrEnum):
    """Whether seats are billed, or only what was consumed."""

    LICENSE = "license"
    USAGE = "usage"


class StatusReason(StrEnum):
    """Why a subscription is in its status, where the status does not say it itself."""

    EXPIRATION = "Expiration"
    ORDER_CANCELLED = "OrderCancelled"
    CUSTOMER_DELETED = "CustomerDeleted"


@dataclass(frozen=True, slots=True)
class SubscriptionDraft:
    """What an order line asks for, before there is a subscription.

    ``friendly_name`` empty or ``None`` means the SKU's title; ``renews_to`` ``None`` means the same term.
    ``partner_mpn_id`` is the reseller of record in the indirect model.
    """

    order_id: str
    line_number: int
    offer: Offer
    term: Term
    quantity: int
    friendly_name: str | None = None
    parent_subscription_id: str | None = None
    renews_to: Duration | None = None
    partner_mpn_id: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A stored subscription. All instants are aware UTC.

    ``started_at`` is the activation instant: billing starts there, and its UTC date anchors every later
    period. ``term_end_at`` is exclusive and always 00:00 UTC (see ``dates``). ``refund_until`` is exclusive
    too. ``ended_at`` is set exactly when the status is deleted or expired. ``unit_price`` is the price of one
    unit for one billing period, fixed for the term. ``version`` counts changes, from 1.
    """

    id: str
    customer_id: str
    order_id: str
    line_number: int
    product_id: str
    sku_id: str
    availability_id: str
    publisher_id: str
    publisher_name: str
    offer_name: str
    friendly_name: str
    quantity: int
    unit_type: str
    parent_subscription_id: str | None
    status: Status
    is_trial: bool
    auto_renew: bool
    billing_cycle: BillingCycle
    billing_type: BillingType
    term: Duration
    renews_to: Duration | None
    unit_price: Rate
    partner_mpn_id: str | None
    created_at: datetime
    started_at: datetime | None = None
    term_start_at: datetime | None = None
    term_end_at: datetime | None = None
    refund_until: datetime | None = None
    ended_at: datetime | None = None
    status_reason: StatusReason | None = None
    version: int = 1

    def __post_init__(self) -> None:
        assert (self.ended_at is not None) == self.is_ended, (self.id, self.status, self.ended_at)
        assert self.quantity >= 1, (self.id, self.quantity)

    @property
    def is_ended(self) -> bool:
        """Deleted or expired: it can be read for ever and never changed again."""
        return self.status in {Status.DELETED, Status.EXPIRED}

    @property
    def catalog_item_id(self) -> str:
        """What was bought, as ``product:sku:availability``."""
        return f"{self.product_id}:{self.sku_id}:{self.availability_id}"
