"""An account and its settings: the facts that rules receive instead of asking which kind of account it is."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from comptoir.core.terms import MONTHS_PER_YEAR, Duration


class AccountKind(StrEnum):
    PRODUCTION = "production"
    SANDBOX = "sandbox"


class Profile(StrEnum):
    """Which set of defaults an account's settings start from."""

    RELAXED = "relaxed"
    FAITHFUL = "faithful"


class MfaPolicy(StrEnum):
    OFF = "off"
    REPORT = "report"
    ENFORCE = "enforce"


class ActivationLink(StrEnum):
    """Where an activation link leads."""

    PLACEHOLDER = "placeholder"
    PUBLISHER = "publisher"
    REDIRECT = "redirect"


class TokenAlphabet(StrEnum):
    """How purchase tokens are spelled: as every client reads them, or as the real ones are."""

    BASE64URL = "base64url"
    BASE64 = "base64"


class PublisherOperations(StrEnum):
    """What publishers may do with what a reseller has bought (``40-publisher-fulfillment-metering`` 3.7)."""

    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    ALL = "all"


class OrderIdForm(StrEnum):
    MODERN = "modern"
    GUID = "guid"


class TaxMode(StrEnum):
    """Where an invoice's tax is reckoned and cut to the cent (``30-invoices-billing`` section 3.10)."""

    ROW = "row"
    DOCUMENT = "document"


class UnbilledTotals(StrEnum):
    """What lines not billed yet say in ``totalForCustomer`` (``30-invoices-billing`` choice C-21)."""

    ZERO = "zero"
    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """Every behaviour of an account that can differ. A limit of ``None`` means none.

    Defaults are those of a production account with the ``relaxed`` profile; ``clock`` and ``identity`` lay
    the kind, the profile and the operator's own values over them (``identity.rules.resolve_settings``).
    """

    cart_ttl_seconds: int = 604_800
    ordered_cart_retention_seconds: int = 7_776_000
    order_list_delay_seconds: int = 0
    order_fulfilment_delay_seconds: int = 0
    availability_grace_seconds: int = 86_400
    activation_token_ttl_seconds: int = 86_400
    activation_limit_days: int = 30
    suspension_grace_days: int = 30
    ended_subscription_list_days: int = 90
    order_cancel_max_age_days: int = 60
    refund_window_monthly_seconds: int = 86_400
    refund_window_yearly_seconds: int = 1_209_600
    limit_customers: int | None = None
    limit_subscriptions_per_customer: int | None = None
    limit_seats_per_subscription: int | None = None
    requests_per_minute: int | None = None
    allow_order_cancel: bool = False
    allow_customer_delete: bool = False
    allow_partner_activation: bool = False
    allow_partner_suspend: bool = False
    strict_saas_order_cancel: bool = False
    require_customer_agreement: bool = True
    require_partner_attestation: bool = False
    enforce_user_context: bool = True
    mfa: MfaPolicy = MfaPolicy.REPORT
    activation_link: ActivationLink = ActivationLink.PUBLISHER
    order_id_form: OrderIdForm = OrderIdForm.MODERN
    allow_early_invoices: bool = False
    invoice_day: int = 8
    usage_cutoff_day: int = 3
    tax_mode: TaxMode = TaxMode.ROW
    tax_exempt: bool = False
    sandbox_publisher_delivery: bool = False
    csp_allowed_operations: PublisherOperations = PublisherOperations.READ
    activation_delay_seconds: int = 0
    ack_window_seconds: int = 10
    pc_wait_seconds: int = 25
    purchase_token_alphabet: TokenAlphabet = TokenAlphabet.BASE64URL
    usage_rating_delay_seconds: int = 0
    unbilled_totals: UnbilledTotals = UnbilledTotals.ZERO

    def refund_window(self, term: Duration, own: Duration | None) -> timedelta:
        """How long a paid term can be given back for a full refund: ``own`` is what its publisher says.

        Without it the term's length decides, not the billing cycle (``30-invoices-billing`` section 3.7).
        """
        if own is not None:
            return timedelta(days=own.days)
        is_yearly = term.months >= MONTHS_PER_YEAR
        return timedelta(
            seconds=self.refund_window_yearly_seconds if is_yearly else self.refund_window_monthly_seconds
        )


@dataclass(frozen=True, slots=True)
class AccountClock:
    """How an account's time relates to the wall's: shifted by an offset, or standing still."""

    offset_micros: int = 0
    frozen_at: datetime | None = None

    def time_at(self, wall: datetime) -> datetime:
        """The account's time while the wall shows ``wall``."""
        if self.frozen_at is not None:
            return self.frozen_at
        return wall + timedelta(microseconds=self.offset_micros)


@dataclass(frozen=True, slots=True)
class Account:
    """A partner's account: production or integration sandbox. Its id is the tenant id of its tokens."""

    id: str
    name: str
    kind: AccountKind
    profile: Profile
    domain: str
    company_name: str
    country: str
    currency: str
    mpn_id: str
    is_indirect_provider: bool = False
    settings: AccountSettings = field(default_factory=AccountSettings)
    clock: AccountClock = field(default_factory=AccountClock)

    @property
    def is_seen_by_publishers(self) -> bool:
        """Whether publishers see what is bought here (``40-publisher-fulfillment-metering`` section 7.4)."""
        return self.kind is AccountKind.PRODUCTION or self.settings.sandbox_publisher_delivery


OPERATOR_ACCOUNT = Account(
    id="operator",
    name="operator",
    kind=AccountKind.PRODUCTION,
    profile=Profile.RELAXED,
    domain="",
    company_name="",
    country="",
    currency="",
    mpn_id="",
)
"""Stands for the installation itself: the journal of what its operator does is kept under this id."""
