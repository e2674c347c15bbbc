"""What each setting of an account means and which values it takes.

Read by the rules that check an operator's values and by the generated page of settings.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

from comptoir.core.accounts import (
    ActivationLink,
    MfaPolicy,
    OrderIdForm,
    PublisherOperations,
    TaxMode,
    TokenAlphabet,
    UnbilledTotals,
)


class Shape(Enum):
    """The kind of value that a setting takes."""

    SECONDS = "whole seconds"
    DAYS = "whole days"
    MONTH_DAY = "day of the month"
    LIMIT = "whole number, or none"
    FLAG = "true or false"
    CHOICE = "one of several words"


HIGHEST = {Shape.SECONDS: 315_360_000, Shape.DAYS: 3_650, Shape.LIMIT: 1_000_000_000, Shape.MONTH_DAY: 28}
"""Ten years, or a billion: past them a value is a slip of the pen, and dates would overflow. Every month has
28 days.
"""


@dataclass(frozen=True, slots=True)
class SettingNote:
    """``choices`` is the enumeration of a setting whose shape is ``CHOICE``; ``between`` narrows a number."""

    shape: Shape
    summary: str
    choices: type[StrEnum] | None = None
    between: tuple[int, int] | None = None

    @property
    def lowest_and_highest(self) -> tuple[int, int]:
        """The least and the greatest number that the setting takes."""
        return self.between or (int(self.shape is Shape.LIMIT), HIGHEST[self.shape])


SETTING_NOTES: dict[str, SettingNote] = {
    "cart_ttl_seconds": SettingNote(Shape.SECONDS, "How long a cart lives that is not checked out."),
    "ordered_cart_retention_seconds": SettingNote(Shape.SECONDS, "How long an ordered cart stays readable."),
    "order_list_delay_seconds": SettingNote(
        Shape.SECONDS,
        "How long a new order is missing from the customer's list; it can be read by id at once.",
    ),
    "order_fulfilment_delay_seconds": SettingNote(
        Shape.SECONDS, "How long a new order stays pending before it is completed."
    ),
    "availability_grace_seconds": SettingNote(
        Shape.SECONDS, "How long an availability that was replaced can still be bought."
    ),
    "activation_token_ttl_seconds": SettingNote(
        Shape.SECONDS, "How long the token in an activation link can be resolved."
    ),
    "activation_limit_days": SettingNote(
        Shape.DAYS,
        "How long after its purchase a subscription can be activated; then it is deleted, unbilled. A "
        "shorter time counts for later purchases only.",
    ),
    "suspension_grace_days": SettingNote(
        Shape.DAYS,
        "How long a subscription can be suspended before it is deleted. If its term ends first, it expires.",
    ),
    "ended_subscription_list_days": SettingNote(
        Shape.DAYS, "For how many days the list of subscriptions still shows one that has ended."
    ),
    "order_cancel_max_age_days": SettingNote(
        Shape.DAYS, "Up to which age an order can be cancelled, where orders can be cancelled at all."
    ),
    "refund_window_monthly_seconds": SettingNote(
        Shape.SECONDS,
        "How long after its start a term of less than a year can be cancelled for a refund, where its "
        "publisher does not say.",
    ),
    "refund_window_yearly_seconds": SettingNote(
        Shape.SECONDS,
        "How long after its start a term of a year or more can be cancelled for a refund, where its "
        "publisher does not say.",
    ),
    "limit_customers": SettingNote(Shape.LIMIT, "How many customers the account can have."),
    "limit_subscriptions_per_customer": SettingNote(
        Shape.LIMIT, "How many subscriptions, neither deleted nor expired, a customer can have."
    ),
    "limit_seats_per_subscription": SettingNote(Shape.LIMIT, "How many seats a subscription can have."),
    "requests_per_minute": SettingNote(
        Shape.LIMIT, "How many requests to a resource family are served in a minute; more get 429."
    ),
    "allow_order_cancel": SettingNote(Shape.FLAG, "Whether orders can be cancelled."),
    "allow_customer_delete": SettingNote(Shape.FLAG, "Whether customers can be deleted."),
    "allow_partner_activation": SettingNote(
        Shape.FLAG, "Whether the partner can activate a subscription without its publisher."
    ),
    "allow_partner_suspend": SettingNote(Shape.FLAG, "Whether the partner can suspend a SaaS subscription."),
    "strict_saas_order_cancel": SettingNote(
        Shape.FLAG, "Whether cancelling an order of seat-based SaaS is refused with 800077 instead of 800019."
    ),
    "require_customer_agreement": SettingNote(
        Shape.FLAG, "Whether the customer's agreement must be confirmed before the first order."
    ),
    "require_partner_attestation": SettingNote(
        Shape.FLAG, "Whether a checkout must carry the partner-on-record attestation."
    ),
    "enforce_user_context": SettingNote(
        Shape.FLAG, "Whether calls that are documented for app+user tokens refuse app-only tokens."
    ),
    "mfa": SettingNote(
        Shape.CHOICE,
        "What happens to app+user calls without proof of multi-factor sign-in: enforce refuses them.",
        MfaPolicy,
    ),
    "activation_link": SettingNote(
        Shape.CHOICE,
        "Where an activation link leads: a placeholder page, the publisher, or an address here that leads on "
        "to the publisher with a new token at each visit.",
        ActivationLink,
    ),
    "order_id_form": SettingNote(
        Shape.CHOICE, "Form of new order ids: modern, or guid for the PowerShell module.", OrderIdForm
    ),
    "allow_early_invoices": SettingNote(
        Shape.FLAG, "Whether the operator can issue a month's invoices before the invoice day."
    ),
    "invoice_day": SettingNote(
        Shape.MONTH_DAY,
        "The day of the following month, at midnight UTC, on which a month is invoiced.",
        between=(4, 28),
    ),
    "usage_cutoff_day": SettingNote(
        Shape.MONTH_DAY,
        "The day of the following month, at midnight UTC, up to which usage belongs to the month in which it "
        "was used; later it is billed with the next month.",
        between=(2, 4),
    ),
    "tax_mode": SettingNote(
        Shape.CHOICE, "Whether tax is reckoned and cut row by row, or once for the whole document.", TaxMode
    ),
    "tax_exempt": SettingNote(Shape.FLAG, "Whether the partner pays no tax."),
    "sandbox_publisher_delivery": SettingNote(
        Shape.FLAG,
        "Whether publishers see what a sandbox account buys: purchase tokens, webhooks and usage as in "
        "production. Production accounts are always seen.",
    ),
    "csp_allowed_operations": SettingNote(
        Shape.CHOICE,
        "What publishers may do with purchases of the account besides reading them: update (change plan and "
        "quantity), delete (cancel), or all of it.",
        PublisherOperations,
    ),
    "activation_delay_seconds": SettingNote(
        Shape.SECONDS, "How long after a publisher's call an activation takes effect."
    ),
    "ack_window_seconds": SettingNote(
        Shape.SECONDS,
        "How long a publisher that took the webhook of a change can refuse it; then it is accepted.",
    ),
    "pc_wait_seconds": SettingNote(
        Shape.SECONDS, "How long a partner's change of a subscription waits for the publisher's answer."
    ),
    "purchase_token_alphabet": SettingNote(
        Shape.CHOICE,
        "How purchase tokens are spelled: base64url, or base64 to try a landing page's decoding.",
        TokenAlphabet,
    ),
    "usage_rating_delay_seconds": SettingNote(
        Shape.SECONDS, "How long after it was accepted a report of usage becomes a consumption line."
    ),
    "unbilled_totals": SettingNote(
        Shape.CHOICE,
        "What lines that are not billed yet say as their total: zero, or their amount before tax.",
        UnbilledTotals,
    ),
}
"""One note for each field of ``AccountSettings``; a test compares the two."""
