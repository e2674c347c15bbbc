"""A subscription: what one order line gave the customer, from waiting for its set-up to its end."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from comptoir.audit.model import Action as Act
from comptoir.catalog.model import BillingCycle, Offer, Term
from comptoir.core.context import Context
from comptoir.core.money import Rate
from comptoir.core.terms import Duration

FRIENDLY_NAME_MAX = 255
"""Characters of a friendly name (``20-subscriptions-customers`` section 3.5)."""


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
    CHANGE_PLAN = "change_plan"


class BillingType(StrEnum):
    """Whether seats are billed, or only what was consumed."""

    LICENSE = "license"
    USAGE = "usage"


class StatusReason(StrEnum):
    """Why a subscription is in its status, where the status does not say it itself."""

    EXPIRATION = "Expiration"
    ORDER_CANCELLED = "OrderCancelled"
    CUSTOMER_DELETED = "CustomerDeleted"
    CANCELLED_BY_PARTNER = "CancelledByPartner"
    CANCELLED_BY_PUBLISHER = "CancelledByPublisher"
    SUSPENDED_BY_PARTNER = "SuspendedByPartner"
    BASE_CANCELLED = "BaseCancelled"
    BASE_EXPIRED = "BaseExpired"
    NOT_ACTIVATED = "NotActivated"
    PAYMENT_DEFAULT = "PaymentDefault"
    NOT_REINSTATED = "NotReinstated"


class StatusWord(StrEnum):
    """Every word that a client can write as a status, in the order of the .NET enumeration.

    ``none`` asks for nothing; ``disabled`` is a status that no subscription has (``20`` section 4.1).
    """

    NONE = "none"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"
    EXPIRED = "expired"
    PENDING = "pending"
    DISABLED = "disabled"


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

    ``started_at`` is the activation instant, where billing starts. The UTC date of ``anchored_at`` is what
    every later period is counted from: the activation, or the early end of a trial. ``term_end_at`` is
    exclusive and always 00:00 UTC (see ``dates``). ``refund_window`` is what the publisher gives for the
    term, ``None`` where it leaves that to the account; ``refund_until`` is where the window that was opened
    last ends, exclusive. ``ended_at`` is set exactly when the status is deleted or expired. ``unit_price``
    is the price of one unit for one billing period, fixed for the term. ``version`` counts changes, from 1.

    ``next_quantity`` is a lower quantity that counts from the next term on. ``is_auto_fulfilled``: no
    publisher sets it up, it is active once its order is fulfilled. ``next_due_at`` is when time itself
    changes it next (``turning.next_due``), as reckoned when it was stored last; ``modified_at`` is when that
    was, ``None`` before the first change.
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
    refund_window: Duration | None = None
    started_at: datetime | None = None
    anchored_at: datetime | None = None
    term_start_at: datetime | None = None
    term_end_at: datetime | None = None
    refund_until: datetime | None = None
    ended_at: datetime | None = None
    status_reason: StatusReason | None = None
    suspended_at: datetime | None = None
    next_quantity: int | None = None
    is_auto_fulfilled: bool = False
    next_due_at: datetime | None = None
    modified_at: datetime | None = None
    version: int = 1

    def __post_init__(self) -> None:
        assert (self.ended_at is not None) == self.is_ended, (self.id, self.status, self.ended_at)
        assert self.quantity >= 1, (self.id, self.quantity)
        assert self.next_quantity is None or 1 <= self.next_quantity < self.quantity, (self.id, self)

    @property
    def is_ended(self) -> bool:
        """Deleted or expired: it can be read for ever and never changed again."""
        return self.status in {Status.DELETED, Status.EXPIRED}

    @property
    def catalog_item_id(self) -> str:
        """What was bought, as ``product:sku:availability``."""
        return f"{self.product_id}:{self.sku_id}:{self.availability_id}"


@dataclass(frozen=True, slots=True)
class SubscriptionChanged:
    """Deferred with every change, so that whoever must follow it does so within the same transaction.

    ``act`` says what was done, at ``ctx.now`` of the account's clock.
    """

    ctx: Context
    act: Act
    before: Subscription
    after: Subscription


class MeteredSubscription(NamedTuple):
    """What metering needs to know of a subscription, in whichever account it is."""

    account_id: str
    customer_id: str
    id: str
    publisher_id: str
    product_id: str
    sku_id: str
    availability_id: str
    status: Status
    billing_cycle: BillingCycle
    term: Duration
    started_at: datetime | None
    ended_at: datetime | None
    next_due_at: datetime | None

    @property
    def item(self) -> tuple[str, str, str]:
        """What was bought: product, SKU and availability."""
        return self.product_id, self.sku_id, self.availability_id


@dataclass(frozen=True, slots=True)
class SubscriptionPatch:
    """What a client asks to change, after the habits of its library are taken off; ``None``: nothing said.

    ``etags`` are all those that came along. ``term`` is compared as text: what is no duration is not the
    subscription's either.
    """

    etags: tuple[str, ...] = ()
    status: StatusWord | None = None
    auto_renew: bool | None = None
    quantity: int | None = None
    friendly_name: str | None = None
    partner_mpn_id: str | None = None
    billing_cycle: BillingCycle | None = None
    term: str | None = None


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a running trial can be ended early: into ``billing_cycle`` of the plan it would renew to.

    The offer stays the same, and so does the subscription (``20-subscriptions-customers`` section 3.9).
    """

    offer_id: str
    order_id: str
    quantity: int
    billing_cycle: BillingCycle


@dataclass(frozen=True, slots=True)
class ConversionRequest:
    """The conversion that a client asks for; ``None`` where it leaves the choice to what is offered."""

    offer_id: str | None = None
    target_offer_id: str | None = None
    quantity: int | None = None
    billing_cycle: BillingCycle | None = None


@dataclass(frozen=True, slots=True)
class SupportContact:
    """Who supports a subscription: the partner itself, or one of its indirect resellers."""

    tenant_id: str
    mpn_id: str
    name: str
