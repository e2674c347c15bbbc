"""Settings of accounts, audiences, and what a bearer may do (``00-cross-cutting`` sections 13 and 14)."""

from dataclasses import asdict, fields, replace
from enum import StrEnum

import pytest
from tests.identity_factory import BASE_URL, USER_ID, principal

from comptoir.core.accounts import (
    AccountKind,
    AccountSettings,
    ActivationLink,
    MfaPolicy,
    OrderIdForm,
    Profile,
)
from comptoir.core.context import Role
from comptoir.core.errors import Code, Refusal
from comptoir.identity import rules
from comptoir.identity.model import AudienceKind, SettingsChange, SettingValue
from comptoir.identity.setting_notes import HIGHEST, SETTING_NOTES, Shape

# Settings


def test_a_relaxed_production_account_has_the_defaults() -> None:
    resolved = rules.resolve_settings(AccountKind.PRODUCTION, Profile.RELAXED, {})
    assert resolved == AccountSettings()


def test_a_relaxed_sandbox_may_do_more_and_is_not_limited() -> None:
    resolved = rules.resolve_settings(AccountKind.SANDBOX, Profile.RELAXED, {})
    assert resolved == AccountSettings(
        allow_order_cancel=True,
        allow_customer_delete=True,
        allow_partner_activation=True,
        allow_early_invoices=True,
        activation_link=ActivationLink.PLACEHOLDER,
    )


def test_a_faithful_production_account_waits_and_throttles() -> None:
    resolved = rules.resolve_settings(AccountKind.PRODUCTION, Profile.FAITHFUL, {})
    assert resolved == AccountSettings(
        order_list_delay_seconds=900,
        order_fulfilment_delay_seconds=2,
        requests_per_minute=500,
        usage_rating_delay_seconds=3_600,
    )


def test_a_faithful_sandbox_has_the_documented_limits_too() -> None:
    resolved = rules.resolve_settings(AccountKind.SANDBOX, Profile.FAITHFUL, {})
    assert (
        resolved.limit_customers,
        resolved.limit_subscriptions_per_customer,
        resolved.limit_seats_per_subscription,
    ) == (75, 5, 25)
    assert resolved.order_list_delay_seconds == 900
    assert resolved.allow_order_cancel


def test_the_operators_values_win_over_kind_and_profile() -> None:
    overrides: dict[str, SettingValue] = {
        "limit_customers": None,
        "allow_order_cancel": False,
        "mfa": "enforce",
        "activation_link": "publisher",
        "order_list_delay_seconds": 0,
    }
    resolved = rules.resolve_settings(AccountKind.SANDBOX, Profile.FAITHFUL, overrides)
    assert resolved.limit_customers is None
    assert resolved.allow_order_cancel is False
    assert resolved.mfa is MfaPolicy.ENFORCE
    assert resolved.activation_link is ActivationLink.PUBLISHER
    assert resolved.order_list_delay_seconds == 0


WRONG_VALUES: list[tuple[str, SettingValue]] = [
    ("order_list_delay", 900),
    ("", 1),
    ("cart_ttl_seconds", -1),
    ("cart_ttl_seconds", HIGHEST[Shape.SECONDS] + 1),
    ("cart_ttl_seconds", True),
    ("cart_ttl_seconds", "60"),
    ("cart_ttl_seconds", None),
    ("order_cancel_max_age_days", HIGHEST[Shape.DAYS] + 1),
    ("limit_customers", 0),
    ("limit_customers", "none"),
    ("requests_per_minute", 0),
    ("allow_order_cancel", 1),
    ("allow_order_cancel", None),
    ("mfa", "sometimes"),
    ("mfa", True),
    ("mfa", None),
    ("invoice_day", 3),
    ("invoice_day", 29),
    ("usage_cutoff_day", 1),
    ("usage_cutoff_day", 5),
    ("tax_mode", "A"),
]


@pytest.mark.parametrize(("name", "value"), WRONG_VALUES)
def test_a_setting_or_value_that_does_not_exist_is_refused_by_name(name: str, value: SettingValue) -> None:
    with pytest.raises(Refusal) as refused:
        rules.resolve_settings(AccountKind.PRODUCTION, Profile.RELAXED, {name: value})
    assert refused.value.code is Code.INVALID_PROPERTY
    assert refused.value.facts["member"] == name


def _accepted_values(name: str) -> list[SettingValue]:
    note = SETTING_NOTES[name]
    if note.choices is not None:
        return [choice.value for choice in note.choices]
    if note.shape is Shape.FLAG:
        return [False, True]
    lowest_and_highest: list[SettingValue] = [*note.lowest_and_highest]
    return [*lowest_and_highest, None] if note.shape is Shape.LIMIT else lowest_and_highest


@pytest.mark.parametrize("name", SETTING_NOTES)
def test_every_setting_takes_all_its_values_and_nothing_else_changes(name: str) -> None:
    for value in _accepted_values(name):
        resolved = rules.resolve_settings(AccountKind.PRODUCTION, Profile.RELAXED, {name: value})
        assert getattr(resolved, name) == value
        untouched = asdict(AccountSettings())
        assert {**asdict(resolved), name: untouched[name]} == untouched


def test_there_is_a_note_for_each_setting_and_its_shape_is_that_of_the_default() -> None:
    assert list(SETTING_NOTES) == [setting.name for setting in fields(AccountSettings)]
    for name, default in asdict(AccountSettings()).items():
        note = SETTING_NOTES[name]
        if note.choices is not None:
            assert isinstance(default, note.choices)
        elif note.shape is Shape.FLAG:
            assert isinstance(default, bool)
        elif note.shape is Shape.LIMIT:
            assert default is None
        else:
            lowest, highest = note.lowest_and_highest
            assert lowest <= default <= highest
            assert name.endswith(("_seconds", "_days", "_day"))
            assert name.rpartition("_")[2] in note.shape.value


def test_words_of_choices_become_their_enumerations() -> None:
    resolved = rules.resolve_settings(AccountKind.PRODUCTION, Profile.RELAXED, {"order_id_form": "guid"})
    assert resolved.order_id_form is OrderIdForm.GUID


def test_a_change_sets_and_resets() -> None:
    change = SettingsChange(set={"mfa": "off"}, reset=frozenset({"limit_customers"}))
    overrides: dict[str, SettingValue] = {"limit_customers": 5, "cart_ttl_seconds": 60}
    assert rules.change_overrides(overrides, change) == {"cart_ttl_seconds": 60, "mfa": "off"}


def test_resetting_what_is_no_setting_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        rules.change_overrides({}, SettingsChange(reset=frozenset({"colour"})))
    assert refused.value.facts["member"] == "colour"


# Audiences


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ("https://graph.windows.net", AudienceKind.PARTNER),
        ("https://graph.windows.net/", AudienceKind.PARTNER),
        ("HTTPS://GRAPH.WINDOWS.NET", AudienceKind.PARTNER),
        ("https://api.partnercenter.microsoft.com", AudienceKind.PARTNER),
        ("https://api.partnercenter.microsoft.com/", AudienceKind.PARTNER),
        ("00000002-0000-0000-c000-000000000000", AudienceKind.PARTNER),
        ("fa3d9a0c-3fb0-42cc-9193-47c7ecd2edbd", AudienceKind.PARTNER),
        (BASE_URL, AudienceKind.PARTNER),
        (BASE_URL + "/", AudienceKind.PARTNER),
        ("20e940b3-4c77-4b0b-9a53-9e16a1b010a7", AudienceKind.PUBLISHER),
        ("urn:comptoir:operator", AudienceKind.OPERATOR),
        ("https://graph.microsoft.com", None),
        ("https://graph.windows.net.attacker.example", None),
        (BASE_URL + ".attacker.example", None),
        ("", None),
        ("/", None),
    ],
)
def test_audiences(resource: str, kind: AudienceKind | None) -> None:
    assert rules.audience_kind(resource, BASE_URL) is kind


def test_without_a_base_url_nothing_is_our_own() -> None:
    assert rules.audience_kind("", "") is None


# Permission

SETTINGS = AccountSettings()
ADMIN_ONLY: frozenset[str] = frozenset({"AdminAgents", "GlobalAdmin"})


class Answer(StrEnum):
    YES = "yes"
    ACCESS_DENIED = "ACCESS_DENIED"
    ROLE_LACKS_RIGHT = "ROLE_LACKS_RIGHT"
    MFA_REQUIRED = "MFA_REQUIRED"


def _ask(
    *,
    is_user: bool,
    user_only: bool = False,
    allowed: frozenset[str] = frozenset(),
    roles: frozenset[Role] = frozenset(),
    has_mfa: bool = True,
    settings: AccountSettings = SETTINGS,
) -> str:
    bearer = principal(user_id=USER_ID if is_user else None, roles=roles, has_mfa=has_mfa)
    try:
        rules.permit(user_only, allowed, bearer, settings)
    except Refusal as refusal:
        return refusal.code.name
    return Answer.YES


def test_app_only_does_what_is_not_reserved() -> None:
    assert _ask(is_user=False) == Answer.YES
    assert _ask(is_user=False, user_only=True) == Answer.ACCESS_DENIED


def test_user_context_can_be_made_optional() -> None:
    settings = replace(SETTINGS, enforce_user_context=False)
    assert _ask(is_user=False, user_only=True, settings=settings) == Answer.YES


def test_roles_limit_users_and_not_applications() -> None:
    sales = frozenset({Role.SALES_AGENTS})
    both = frozenset({Role.SALES_AGENTS, Role.GLOBAL_ADMIN})
    assert _ask(is_user=True, allowed=ADMIN_ONLY, roles=both) == Answer.YES
    assert _ask(is_user=True, allowed=ADMIN_ONLY, roles=sales) == Answer.ROLE_LACKS_RIGHT
    assert _ask(is_user=True, allowed=ADMIN_ONLY) == Answer.ROLE_LACKS_RIGHT
    assert _ask(is_user=True, roles=sales) == Answer.YES
    assert _ask(is_user=False, allowed=ADMIN_ONLY) == Answer.YES


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (MfaPolicy.OFF, Answer.YES),
        (MfaPolicy.REPORT, Answer.YES),
        (MfaPolicy.ENFORCE, Answer.MFA_REQUIRED),
    ],
)
def test_mfa_is_asked_of_users_under_enforce_alone(policy: MfaPolicy, expected: Answer) -> None:
    settings = replace(SETTINGS, mfa=policy)
    assert _ask(is_user=True, has_mfa=False, settings=settings) == expected
    assert _ask(is_user=True, has_mfa=True, settings=settings) == Answer.YES
    assert _ask(is_user=False, has_mfa=False, settings=settings) == Answer.YES


def test_the_actor_is_the_bearer() -> None:
    actor = rules.actor_of(principal(user_id=USER_ID, roles=frozenset({Role.ADMIN_AGENTS}), has_mfa=True))
    assert (actor.id, actor.user_name, actor.has_mfa) == (USER_ID, "ada@quay.example", True)
    assert actor.roles == {Role.ADMIN_AGENTS}
    application = rules.actor_of(principal())
    assert application.id == application.application_id
