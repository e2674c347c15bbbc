"""A cart and its lines, as asked for, as kept, and as checked out (``10-catalog-cart-orders`` section 3)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from comptoir.core.errors import Refusal
from comptoir.orders.model import LineRequest, Order, OrderDraft, Pricing


class Status(StrEnum):
    """A cart's status, in wire spelling. An expired cart has none: it is gone."""

    ACTIVE = "Active"
    ORDERED = "Ordered"


class Action(StrEnum):
    """What can happen to a cart."""

    REPLACE = "replace"
    ORDER_SOME_GROUPS = "order_some_groups"
    ORDER_ALL_GROUPS = "order_all_groups"


class LineErrorCode(IntEnum):
    """``CartErrorCode`` of section 3.8: the numbers that Comptoir raises."""

    CURRENCY_IS_NOT_SUPPORTED = 10000
    CATALOG_ITEM_ID_IS_NOT_VALID = 10001
    QUOTA_NOT_AVAILABLE = 10002
    INVENTORY_NOT_AVAILABLE = 10003
    PARTICIPANTS_IS_NOT_SUPPORTED_FOR_PARTNER = 10004
    SUBSCRIPTION_IS_NOT_VALID = 10007
    SANDBOX_LIMIT_EXCEEDED = 10009
    INVALID_INPUT = 10010
    ATTESTATION_NOT_ACCEPTED = 10012
    BILLING_PLAN_NOT_SUPPORTED = 10013
    INVALID_PROMOTION_ID = 10014
    MAX_ALLOWED_SEATS_PER_SUBSCRIPTION_EXCEEDED = 10015
    INVALID_CUSTOM_TERM_END_DATE_PRODUCT = 10016
    BASE_OFFER_SEAT_QUANTITY_NOT_MET = 10018
    MINIMUM_ADD_ON_SEATS_NOT_MET = 10019


@dataclass(frozen=True, slots=True)
class Quota:
    """What a line that exceeds the customer's allowance is told beside its error."""

    available: int
    purchased: int


@dataclass(frozen=True, slots=True)
class LineError:
    """Why a line cannot be bought as it stands."""

    code: LineErrorCode
    description: str
    quota: Quota | None = None


@dataclass(frozen=True, slots=True)
class LineDraft:
    """A line as the caller asked for it. ``id`` is the number sent, if any; ``add_ons`` are nested in it."""

    request: LineRequest
    id: int | None = None
    add_ons: tuple["LineDraft", ...] = ()


@dataclass(frozen=True, slots=True)
class CartDraft:
    """A whole cart as the caller asked for it."""

    lines: tuple[LineDraft, ...]
    attestation: bool | None = None


@dataclass(frozen=True, slots=True)
class CartLine:
    """A line in a cart. ``request`` holds what was asked, with every default that could be filled in.

    ``group`` and ``pricing`` are set exactly where ``error`` is not.
    """

    id: int
    request: LineRequest
    add_ons: tuple["CartLine", ...] = ()
    group: str | None = None
    pricing: Pricing | None = None
    error: LineError | None = None


@dataclass(frozen=True, slots=True)
class Cart:
    """A cart of one customer.

    ``placed`` maps the groups that are ordered to their orders; while some are not, the cart stays active.
    ``receipt`` holds all orders as they were when the last group was ordered; later checkouts answer it.
    """

    id: str
    customer_id: str
    status: Status
    created_at: datetime
    modified_at: datetime
    modified_by: str
    expires_at: datetime
    lines: tuple[CartLine, ...]
    attestation: bool | None = None
    placed: Mapping[str, str] = field(default_factory=dict)
    receipt: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupFailure:
    """A group that could not be ordered; the others are not held up by it."""

    group: str
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class CheckoutPlan:
    """What a checkout will do.

    ``lines`` are the cart's lines after they were judged again. If they hold errors there is nothing more to
    do than to keep them; else one order is placed for each of ``drafts``. ``failures`` are the groups that
    cannot be ordered at present although their lines were sound when the cart was filled.
    """

    lines: tuple[CartLine, ...]
    drafts: tuple[OrderDraft, ...]
    failures: tuple[GroupFailure, ...]
    has_errors: bool


@dataclass(frozen=True, slots=True)
class CheckoutResult:
    """All orders of the cart so far, and the groups that failed this time, both in group order."""

    orders: tuple[Order, ...]
    failures: tuple[GroupFailure, ...]


def depth_first(lines: Iterable[CartLine]) -> Iterator[CartLine]:
    """Every line, each followed by its add-ons."""
    for line in lines:
        yield line
        yield from depth_first(line.add_ons)
