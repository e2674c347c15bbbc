"""What each setting of an account means and which values it takes.

Read by the rules that check an operator's values and by the generated page of settings.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

from comptoir.core.accounts import ActivationLink, MfaPolicy, OrderIdForm


class Shape(Enum):
    """The kind of value that a setting takes."""

    SECONDS = "whole seconds"
    DAYS = "whole days"
    LIMIT = "whole number, or none"
    FLAG = "true or false"
    CHOICE = "one of several words"


HIGHEST = {Shape.SECONDS: 315_360_000, Shape.DAYS: 3_650, Shape.LIMIT: 1_000_000_000}
"""Ten years, or a billion: past them a value is a slip of the pen, and dates would overflow."""


@dataclass(frozen=True, slots=True)
class SettingNote:
    """``choices`` is the enumeration of a setting whose shape is ``CHOICE``."""

    shape: Shape
    summary: str
    choices: type[StrEnum] | None = None


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
        Shape.CHOICE, "Where an activation link leads: a placeholder page, or the publisher.", ActivationLink
    ),
    "order_id_form": SettingNote(
        Shape.CHOICE, "Form of new order ids: modern, or guid for the PowerShell module.", OrderIdForm
    ),
}
"""One note for each field of ``AccountSettings``; a test compares the two."""
