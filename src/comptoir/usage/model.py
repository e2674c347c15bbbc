"""Metered usage as it is reported, judged and kept (``40-publisher-fulfillment-metering`` section 6).

What exists once for each event of a report is a named tuple: those are made quickly, and reports are many.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from comptoir.catalog.model import MeteredPlan
from comptoir.subscriptions.model import MeteredSubscription, Status

EVENTS_MAX = 25
"""Events of one report (section 6.1)."""

ONE_DAY = timedelta(days=1)
ONE_HOUR = timedelta(hours=1)


class UsageStatus(StrEnum):
    """What became of a reported event (section 6.3). Values are the wire's."""

    ACCEPTED = "Accepted"
    EXPIRED = "Expired"
    DUPLICATE = "Duplicate"
    RESOURCE_NOT_FOUND = "ResourceNotFound"
    RESOURCE_NOT_AUTHORIZED = "ResourceNotAuthorized"
    RESOURCE_NOT_ACTIVE = "ResourceNotActive"
    INVALID_DIMENSION = "InvalidDimension"
    INVALID_QUANTITY = "InvalidQuantity"
    BAD_ARGUMENT = "BadArgument"


class ReconStatus(StrEnum):
    """How far a day's usage has come on its way to an invoice (section 6.5). Values are the wire's."""

    SUBMITTED = "Submitted"
    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    MISMATCH = "Mismatch"


class Member(StrEnum):
    """The members of a reported event, as refusals name them. Values are the wire's."""

    RESOURCE_ID = "resourceId"
    RESOURCE_URI = "resourceUri"
    QUANTITY = "quantity"
    DIMENSION = "dimension"
    EFFECTIVE_START_TIME = "effectiveStartTime"
    PLAN_ID = "planId"


class Sent(NamedTuple):
    """An event as a publisher sent it, whatever that was; ``None`` where a member is missing.

    Texts, truth values, whole numbers and decimals, and lists or maps where somebody errs.
    """

    resource_id: object = None
    quantity: object = None
    dimension: object = None
    effective_start_time: object = None
    plan_id: object = None
    resource_uri: object = None


class Fault(NamedTuple):
    """One member of an event that is not as it should be, and why."""

    member: Member
    reason: str


class Malformed(NamedTuple):
    """An event that cannot be judged: a fault for each bad member."""

    faults: tuple[Fault, ...]


class Rejection(NamedTuple):
    """Why an event is not accepted. A malformed one has a fault for each bad member, any other one fault.

    ``at`` is the account's time; ``None`` where no account is known.
    """

    status: UsageStatus
    faults: tuple[Fault, ...]
    at: datetime | None = None


class Report(NamedTuple):
    """An event that is well formed. ``effective_text`` is the time as it was written."""

    resource_id: str
    quantity: Decimal
    dimension_id: str
    effective_at: datetime
    effective_text: str
    plan_id: str


class Slot(NamedTuple):
    """What takes one event: a dimension of a subscription in one hour, which ``hour`` begins."""

    subscription_id: str
    dimension_id: str
    hour: datetime


class Event(NamedTuple):
    """An accepted event as it is kept. ``received_at`` is the account's time."""

    account_id: str
    customer_id: str
    slot: Slot
    id: str
    publisher_id: str
    product_id: str
    sku_id: str
    plan_id: str
    quantity: Decimal
    effective_at: datetime
    effective_text: str
    received_at: datetime


class Outcome(NamedTuple):
    """What became of one event of a report.

    ``event`` is the one that was accepted; for a duplicate, the one that was accepted earlier. ``at`` is when
    it was judged, by the account's clock where there is an account.
    """

    sent: Sent
    status: UsageStatus
    at: datetime
    event: Event | None = None
    faults: tuple[Fault, ...] = ()


class PastPlan(NamedTuple):
    """A plan that a subscription had until it changed to another one; ``until`` is exclusive."""

    until: datetime
    plan: MeteredPlan


@dataclass(frozen=True, slots=True)
class Resource:
    """A subscription with what its usage is judged by. ``now`` is the time of its account.

    ``plan`` is the one it has now, ``None`` if the catalogue has lost it; ``past_plans`` are those before it,
    oldest first, where an event names another one.
    """

    subscription: MeteredSubscription
    plan: MeteredPlan | None
    past_plans: tuple[PastPlan, ...]
    now: datetime


class Admitted(NamedTuple):
    """An event that is accepted if its slot is free. ``plan`` is the one that it is billed by."""

    report: Report
    resource: Resource
    plan: MeteredPlan


@dataclass(frozen=True, slots=True)
class Allowance:
    """Which usage may be reported: how long ago it was, ``None`` for ever, how far ahead the reporter's clock
    may be, and what the subscription may be like if it has not ended.
    """

    past: timedelta | None
    future: timedelta
    statuses: frozenset[Status]


CLOCK_SKEW = timedelta(minutes=5)
PUBLISHERS = Allowance(ONE_DAY, CLOCK_SKEW, frozenset({Status.ACTIVE}))
"""What publishers are given (section 6.1)."""

BACK_FILL = Allowance(None, CLOCK_SKEW, frozenset({Status.ACTIVE, Status.SUSPENDED}))
"""What an operator is given, who adds usage that came too late (``30-invoices-billing`` section 3.8)."""


@dataclass(frozen=True, slots=True)
class Unrated:
    """Events of one account that are accepted and not billed yet, oldest first; ``has_more`` follow."""

    events: tuple[Event, ...]
    has_more: bool


class DailyKey(NamedTuple):
    """What a publisher reads the sum of: a day, a resource, a dimension and a plan (section 6.5)."""

    day: datetime
    account_id: str
    subscription_id: str
    dimension_id: str
    product_id: str
    sku_id: str
    plan_id: str


class Reported(NamedTuple):
    """An accepted event as a publisher reads it back. ``is_priced``: a consumption line bills it."""

    key: DailyKey
    quantity: Decimal
    is_rated: bool
    is_priced: bool


@dataclass(frozen=True, slots=True)
class DailyUsage:
    """The sum of a day's events. ``priced`` is what consumption lines bill of it.

    ``recon_status`` says how far it has come, ``offer_id`` is the publisher's name for the product.
    """

    key: DailyKey
    count: int
    quantity: Decimal
    priced: Decimal
    recon_status: ReconStatus
    offer_id: str
    offer_name: str
    plan_name: str


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Which days' usage a publisher asks for; both days are included, ``None`` filters nothing."""

    first_day: datetime
    last_day: datetime
    offer_id: str | None = None
    plan_id: str | None = None
    dimension_id: str | None = None
    recon_status: ReconStatus | None = None


@dataclass(frozen=True, slots=True)
class Counter:
    """How much of a dimension was used in a term, and how much the term includes; ``None``: without limit."""

    dimension_id: str
    used: Decimal
    included: int | None
