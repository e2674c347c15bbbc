"""Decisions about callers: the settings of an account, the audience of a token, what a bearer may do."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from comptoir.core.accounts import (
    AccountKind,
    AccountSettings,
    ActivationLink,
    MfaPolicy,
    Profile,
)
from comptoir.core.context import Actor
from comptoir.core.errors import Code, Refusal
from comptoir.identity.model import AudienceKind, Principal, SettingsChange, SettingValue
from comptoir.identity.setting_notes import SETTING_NOTES, SettingNote, Shape

DIRECTORY_RESOURCE = "https://graph.windows.net"
PARTNER_RESOURCE = "https://api.partnercenter.microsoft.com"
PUBLISHER_RESOURCE = "20e940b3-4c77-4b0b-9a53-9e16a1b010a7"
OPERATOR_RESOURCE = "urn:comptoir:operator"

RESOURCES = {
    DIRECTORY_RESOURCE: AudienceKind.PARTNER,
    PARTNER_RESOURCE: AudienceKind.PARTNER,
    "00000002-0000-0000-c000-000000000000": AudienceKind.PARTNER,
    "fa3d9a0c-3fb0-42cc-9193-47c7ecd2edbd": AudienceKind.PARTNER,
    PUBLISHER_RESOURCE: AudienceKind.PUBLISHER,
    OPERATOR_RESOURCE: AudienceKind.OPERATOR,
}
"""Audiences that clients ask for by themselves (``00-cross-cutting`` section 13.2; the publishers' one:
``40-publisher-fulfillment-metering`` section 2.1)."""

SANDBOX = {
    "allow_order_cancel": True,
    "allow_customer_delete": True,
    "allow_partner_activation": True,
    "activation_link": ActivationLink.PLACEHOLDER,
    "allow_early_invoices": True,
}
"""What a sandbox account may do that a production account may not (``00-cross-cutting`` section 14)."""

FAITHFUL = {
    "order_list_delay_seconds": 900,
    "order_fulfilment_delay_seconds": 2,
    "requests_per_minute": 500,
    "usage_rating_delay_seconds": 3_600,
}
"""Documented delays and throttling (``10-catalog-cart-orders`` sections 4.2 and 4.6, ``00-cross-cutting``
section 12.0)."""

FAITHFUL_SANDBOX = {
    "limit_customers": 75,
    "limit_subscriptions_per_customer": 5,
    "limit_seats_per_subscription": 25,
}
"""Documented limits of a sandbox account (``00-cross-cutting`` section 14)."""


def resolve_settings(
    kind: AccountKind, profile: Profile, overrides: Mapping[str, SettingValue]
) -> AccountSettings:
    """Lay the kind, the profile and the operator's own values over the defaults, in this order.

    Raises ``INVALID_PROPERTY`` for a setting that does not exist or a value that it does not take.
    """
    values: dict[str, Any] = {}
    if kind is AccountKind.SANDBOX:
        values |= SANDBOX
    if profile is Profile.FAITHFUL:
        values |= FAITHFUL
        if kind is AccountKind.SANDBOX:
            values |= FAITHFUL_SANDBOX
    values |= {name: _checked(name, value) for name, value in overrides.items()}
    return replace(AccountSettings(), **values)


def change_overrides(
    overrides: Mapping[str, SettingValue], change: SettingsChange
) -> dict[str, SettingValue]:
    """An account's own values after a change. Raises ``INVALID_PROPERTY`` for a reset of no setting."""
    for name in sorted(change.reset):
        _note(name)
    kept = {name: value for name, value in overrides.items() if name not in change.reset}
    return kept | change.set


def _note(name: str) -> SettingNote:
    note = SETTING_NOTES.get(name)
    if note is None:
        raise Refusal(Code.INVALID_PROPERTY, member=name, reason="there is no such setting.")
    return note


def _checked(name: str, value: SettingValue) -> SettingValue:
    note = _note(name)
    if note.choices is not None:
        words = [word.value for word in note.choices]
        if value not in words:
            raise _wrong_value(name, f"it takes one of {', '.join(words)}")
        return note.choices(value)
    if note.shape is Shape.FLAG:
        if not isinstance(value, bool):
            raise _wrong_value(name, "it takes true or false")
        return value
    return _checked_number(name, value, note)


def _checked_number(name: str, value: SettingValue, note: SettingNote) -> int | None:
    is_limit = note.shape is Shape.LIMIT
    if is_limit and value is None:
        return None
    lowest, highest = note.lowest_and_highest
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        suffix = ", or none" if is_limit else ""
        raise _wrong_value(name, f"it takes a whole number from {lowest} to {highest}{suffix}")
    return value


def _wrong_value(name: str, expectation: str) -> Refusal:
    return Refusal(Code.INVALID_PROPERTY, member=name, reason=f"{expectation}.")


def same_resource(resource: str) -> str:
    """One spelling for a resource: lower case, without trailing slash."""
    return resource.lower().rstrip("/")


def audience_kind(resource: str, base_url: str) -> AudienceKind | None:
    """Which API a resource stands for, ``None`` for one that is not ours.

    Our own base URL stands for the partner API (``00-cross-cutting`` section 13.2).
    """
    spelled = same_resource(resource)
    if spelled and spelled == same_resource(base_url):
        return AudienceKind.PARTNER
    return RESOURCES.get(spelled)


def permit(user_only: bool, roles: frozenset[str], principal: Principal, settings: AccountSettings) -> None:
    """Let the bearer do an operation, or refuse (``00-cross-cutting`` sections 13.9 to 13.11).

    ``user_only`` and ``roles`` are the operation's: calls reserved to app+user tokens, and to users with one
    of some roles; no roles means every role. App-only tokens need no role and no proof of MFA.
    """
    if principal.user_id is None:
        if user_only and settings.enforce_user_context:
            raise Refusal(Code.ACCESS_DENIED, reason="this call needs the token of a signed-in user.")
        return
    if settings.mfa is MfaPolicy.ENFORCE and not principal.has_mfa:
        raise Refusal(Code.MFA_REQUIRED)
    if roles and principal.roles.isdisjoint(roles):
        raise Refusal(Code.ROLE_LACKS_RIGHT)


def actor_of(principal: Principal) -> Actor:
    """The bearer as use cases and the journal know it."""
    return Actor(
        application_id=principal.application_id,
        user_id=principal.user_id,
        user_name=principal.user_name,
        roles=principal.roles,
        has_mfa=principal.has_mfa,
    )
