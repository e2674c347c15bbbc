"""Lines asked for, lines judged, and orders (``10-catalog-cart-orders`` sections 3.3 to 3.10 and 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from comptoir.catalog.model import BillingCycle, Offer, Term
from comptoir.core.money import Rate, minor_digits
from comptoir.core.terms import Duration


class ParticipantKind(StrEnum):
    """What a third partner does in a purchase (wire spelling)."""

    TRANSACTION_RESELLER = "transaction_reseller"
    ADDITIONAL_TRANSACTION_RESELLER = "additional_transaction_reseller"
    CONSUMPTION_RESELLER = "consumption_reseller"


@dataclass(frozen=True, slots=True)
class Participant:
    """A reseller named on a line by its MPN id."""

    kind: ParticipantKind
    mpn_id: str


@dataclass(frozen=True, slots=True)
class LineRequest:
    """One line as the caller asked for it, in a cart or in an order.

    ``None`` means not given. ``parent_line`` is the position, in the same request, of the base line that this
    add-on is nested in. A parent subscription may be named directly or by ``provisioning_context`` (key
    ``parentSubscriptionId`` in any case). ``unreadable`` names the first member whose value could not be read
    as its type (a term that is no duration, an unknown participant); such a line is judged as invalid input.
    """

    catalog_item_id: str
    quantity: int
    billing_cycle: BillingCycle | None = None
    term: Duration | None = None
    currency: str | None = None
    friendly_name: str | None = None
    renews_to: Duration | None = None
    participants: tuple[Participant, ...] = ()
    parent_subscription_id: str | None = None
    parent_line: int | None = None
    attestation_accepted: bool | None = None
    promotion_id: str | None = None
    custom_term_end: datetime | None = None
    provisioning_context: Mapping[str, str] = field(default_factory=dict)
    unreadable: str | None = None


class Problem(StrEnum):
    """Every way in which a line can be wrong.

    Carts print it as a line error number (section 3.8), orders refuse with the code of section 4.4.
    The comment after each is the cart's number.
    """

    INPUT = "input"  # 10010: a member cannot be read
    FRIENDLY_NAME = "friendly_name"  # 10010: longer than a subscription's can be
    QUANTITY_TOO_SMALL = "quantity_too_small"  # 10010: under one, or under the SKU's minimum
    QUANTITY_TOO_LARGE = "quantity_too_large"  # 10015: over the SKU's maximum
    CATALOG_ITEM_UNKNOWN = "catalog_item_unknown"  # 10001
    NOT_IN_COUNTRY = "not_in_country"  # 10001
    NOT_IN_SEGMENT = "not_in_segment"  # 10001
    REPLACED = "replaced"  # 10001: the availability was replaced longer ago than the grace
    NOT_PURCHASABLE = "not_purchasable"  # 10003: stop-sold, or exclusive to other partners
    OUT_OF_STOCK = "out_of_stock"  # 10003
    OWNERSHIP_LIMIT = "ownership_limit"  # 10002: facts available, purchased
    ACCOUNT_LIMIT = "account_limit"  # 10009: the account's limits of subscriptions or seats
    CURRENCY = "currency"  # 10000
    BILLING_CYCLE = "billing_cycle"  # 10013
    TERM = "term"  # 10010
    RENEWS_TO = "renews_to"  # 10010
    ATTESTATION = "attestation"  # 10012
    PROMOTION = "promotion"  # 10014
    CUSTOM_TERM_END = "custom_term_end"  # 10016
    PARTICIPANTS_NOT_SUPPORTED = "participants_not_supported"  # 10004: not an indirect provider
    PARTICIPANTS_TOO_MANY = "participants_too_many"  # 10010
    MPN_ID_UNKNOWN = "mpn_id_unknown"  # 10010
    MPN_ID_NOT_RESELLER = "mpn_id_not_reseller"  # 10010
    MPN_ID_OWN = "mpn_id_own"  # 10010
    ADD_ON_TOO_DEEP = "add_on_too_deep"  # 10010: an add-on of an add-on
    PARENT_UNKNOWN = "parent_unknown"  # 10007: not the customer's, or ended
    ADD_ON_UNRELATED = "add_on_unrelated"  # 10007: the parent is not of a SKU that this extends
    ADD_ON_WITHOUT_BASE = "add_on_without_base"  # 10007: neither a base line nor an owned base
    BASE_SEATS = "base_seats"  # 10018: the parent has too few seats
    ADD_ON_SEATS = "add_on_seats"  # 10019: an add-on under the SKU's minimum


@dataclass(frozen=True, slots=True)
class Pricing:
    """What a line costs before tax: five prices, exact, in units of ``currency`` (section 4.3).

    ``list_price`` is what the catalogue asks for one unit and one billing period; ``discounted_price`` and
    ``prorated_price`` differ from it only by promotions, margins and proration, none of which a first
    purchase has; ``price`` is the unit price that is charged, cut to the currency's digits;
    ``extended_price`` is ``price`` for the whole quantity and the whole term.
    """

    list_price: Decimal
    discounted_price: Decimal
    prorated_price: Decimal
    price: Decimal
    extended_price: Decimal
    currency: str

    @classmethod
    def of(cls, unit_price: Rate, quantity: int, billing_periods: int) -> "Pricing":
        """The prices of ``quantity`` units over a term of ``billing_periods`` periods.

        The charged unit price is cut before it is multiplied (``30-invoices-billing`` section 3.4), so that
        ``extended_price`` is exactly ``price`` times quantity times periods.
        """
        assert quantity >= 0, quantity
        assert billing_periods >= 1, billing_periods
        price = unit_price.charge(1).amount
        return cls(
            list_price=unit_price.amount,
            discounted_price=unit_price.amount,
            prorated_price=unit_price.amount,
            price=price,
            extended_price=price * quantity * billing_periods,
            currency=unit_price.currency,
        )


@dataclass(frozen=True, slots=True)
class JudgedLine:
    """A line after judgement: every default filled in, or the first thing that is wrong with it.

    ``index`` is its position in the judged request. ``offer``, ``term``, ``billing_cycle`` and ``currency``
    are filled as far as they could be resolved, also on a line with a problem. ``parent_line`` is the
    position of the base line of the same request whose new subscription becomes the parent;
    ``parent_subscription_id`` is the parent that exists already. ``detail`` is a sentence for the caller.
    """

    index: int
    request: LineRequest
    offer: Offer | None = None
    term: Term | None = None
    billing_cycle: BillingCycle | None = None
    currency: str | None = None
    renews_to: Duration | None = None
    parent_line: int | None = None
    parent_subscription_id: str | None = None
    problem: Problem | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    detail: str = ""

    @property
    def pricing(self) -> Pricing | None:
        """What the line costs; ``None`` on a line with a problem."""
        if self.problem is not None or self.term is None:
            return None
        return Pricing.of(self.term.price, self.request.quantity, self.term.billing_periods())


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """What to buy in one order: judged lines of one billing cycle and one currency, without problems.

    A line's number in the order is its place in ``lines``; each add-on comes after its base.
    """

    lines: tuple[JudgedLine, ...]
    billing_cycle: BillingCycle
    currency: str
    cart_id: str | None = None
    cart_group: str | None = None
    attestation: bool | None = None
    upn: str | None = None


@dataclass(frozen=True, slots=True)
class NumberedLine:
    """A line with the number that the caller gave it."""

    number: int
    request: LineRequest


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order to create without a cart (section 4.4). ``None`` means not given.

    The lines carry neither billing cycle nor currency of their own: an order has one of each.
    ``customer_id`` is the one in the body.
    """

    lines: tuple[NumberedLine, ...]
    customer_id: str | None = None
    billing_cycle: BillingCycle | None = None
    currency: str | None = None
    attestation: bool | None = None
    upn: str | None = None


class Status(StrEnum):
    """An order's status, in wire spelling (section 4.6)."""

    PENDING = "pending"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ERROR = "error"


class Action(StrEnum):
    """What can happen to an order."""

    FULFIL = "fulfil"
    FAIL = "fail"
    CANCEL_SOME_LINES = "cancel_some_lines"
    CANCEL_ALL_LINES = "cancel_all_lines"
    CHANGE_BILLING_CYCLE = "change_billing_cycle"
    APPEND_ADD_ONS = "append_add_ons"


class TransactionType(StrEnum):
    """Who bought: a person or an application, or the system itself."""

    USER_PURCHASE = "UserPurchase"
    SYSTEM_PURCHASE = "SystemPurchase"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order. ``renews_to`` is set where it was asked for or differs from the term.

    A line cancelled alone has quantity 0; a line cancelled with the whole order keeps its quantity.
    """

    number: int
    catalog_item_id: str
    subscription_id: str
    term: Duration
    quantity: int
    unit_price: Rate
    billing_periods: int
    friendly_name: str
    renews_to: Duration | None = None
    parent_subscription_id: str | None = None
    partner_mpn_id: str | None = None
    additional_mpn_ids: tuple[str, ...] = ()
    provisioning_context: Mapping[str, str] = field(default_factory=dict)
    attestation_accepted: bool | None = None
    is_cancelled: bool = False

    @property
    def pricing(self) -> Pricing:
        """What the line costs over its whole term."""
        return Pricing.of(self.unit_price, self.quantity, self.billing_periods)


@dataclass(frozen=True, slots=True)
class Purchaser:
    """Who placed an order: a signed-in user, or without a ``user_name`` an application by itself."""

    id: str
    user_name: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """A purchase: one or more lines of one billing cycle and currency, each with its subscription.

    ``country`` is the market of its lines. ``purchaser_id`` is the signed-in user, else the application.
    """

    id: str
    alternate_id: str
    customer_id: str
    country: str
    billing_cycle: BillingCycle
    currency: str
    status: Status
    transaction_type: TransactionType
    purchaser_id: str
    created_at: datetime
    lines: tuple[OrderLine, ...]
    purchaser_name: str | None = None
    upn: str | None = None
    attestation: bool | None = None
    cart_id: str | None = None
    cart_group: str | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None

    @property
    def total_price(self) -> Decimal:
        """The sum of the lines' extended prices, before tax."""
        nothing = Decimal(0).scaleb(-minor_digits(self.currency))
        return sum((line.pricing.extended_price for line in self.lines), nothing)

    @property
    def open_lines(self) -> tuple[OrderLine, ...]:
        """The lines that were not cancelled."""
        return tuple(line for line in self.lines if not line.is_cancelled)


@dataclass(frozen=True, slots=True)
class EchoedLine:
    """A line in the body of a PATCH: one of the order's own, sent back, or an add-on to buy.

    Number and offer are those sent; a quantity of ``None`` or 0 means not given.
    """

    number: int
    offer_id: str | None = None
    quantity: int | None = None
    request: LineRequest | None = None
    """The purchase, where the line names a parent subscription and has no subscription of its own."""


@dataclass(frozen=True, slots=True)
class OrderPatch:
    """What the body of a PATCH asks for. ``billing_cycle`` is ``None`` where absent or ``unknown``."""

    is_cancellation: bool = False
    billing_cycle: BillingCycle | None = None
    lines: tuple[EchoedLine, ...] = ()


@dataclass(frozen=True, slots=True)
class LineActivationLink:
    """Where the buyer sets up what a line bought: an absolute URI."""

    line_number: int
    uri: str
