"""Who may call: applications, users, the bearer of a verified token, and what the issuer keeps secret."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from joserfc.jwk import RSAKey

from comptoir.core.accounts import Account, AccountKind, Profile
from comptoir.core.context import Role

SettingValue = str | int | bool | None
"""A setting as an operator writes it; ``None`` is "no limit"."""


class AudienceKind(StrEnum):
    """Which of the three APIs a token is meant for."""

    PARTNER = "partner"
    OPERATOR = "operator"
    PUBLISHER = "publisher"


@dataclass(frozen=True, slots=True)
class Application:
    """A registered client: of a partner's account, or of a publisher.

    ``compatibility`` is ``"strict"`` for clients that only know the older vocabularies but do not say so
    (``00-cross-cutting`` section 12.2), else ``None``.
    """

    client_id: str
    name: str
    account_id: str | None = None
    publisher_id: str | None = None
    compatibility: str | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """A registered application with what a token request is judged by.

    ``tenant_id`` is the account, or the publisher's tenant; ``domain`` is the account's, in lower case.
    """

    application: Application
    tenant_id: str
    domain: str | None
    secret_digest: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a new application signs in with. The secret is shown once; only its digest is stored."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class User:
    """A user of a partner's account. ``user_name`` is in lower case."""

    id: str
    account_id: str
    user_name: str
    display_name: str
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Principal:
    """The bearer of a verified token. ``user_id`` is ``None`` for an app-only token."""

    audience: AudienceKind
    tenant_id: str
    application_id: str
    resource: str
    issued_at: datetime
    expires_at: datetime
    user_id: str | None = None
    user_name: str | None = None
    roles: frozenset[Role] = frozenset()
    has_mfa: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address of a partner's own company."""

    line1: str
    city: str
    postal_code: str
    country: str
    state: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Organization:
    """The partner's own company, as its organisation profile shows it."""

    email: str
    language: str
    culture: str
    address: Address


@dataclass(frozen=True, slots=True)
class AccountDraft:
    """An account to be created. ``overrides`` are settings laid over those of kind and profile.

    A sandbox's clock stands still at ``clock_at`` until it is moved; without it, it follows the wall.
    """

    name: str
    kind: AccountKind
    domain: str
    company_name: str
    country: str
    currency: str
    mpn_id: str
    organization: Organization
    profile: Profile = Profile.RELAXED
    is_indirect_provider: bool = False
    overrides: dict[str, SettingValue] = field(default_factory=dict)
    clock_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account with what only its operator and its own profile pages see."""

    account: Account
    organization: Organization
    overrides: dict[str, SettingValue]


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What an operator changes on an account.

    ``set`` lays values over the profile's; ``reset`` names settings that go back to them.
    """

    profile: Profile | None = None
    set: dict[str, SettingValue] = field(default_factory=dict)
    reset: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs tokens. From ``retired_at`` on its signatures count for nothing."""

    id: str
    key: RSAKey = field(repr=False)
    retired_at: datetime | None = None

    def is_valid(self, wall: datetime) -> bool:
        return self.retired_at is None or wall < self.retired_at


@dataclass(frozen=True, slots=True, eq=False)
class Secrets:
    """What this installation signs with, loaded once at start. Compared by identity.

    ``signing_keys`` are in the order of their making, newest first: the first one signs, all of them verify.
    ``server_id`` names the installation in headers and in the tokens of its operator.
    """

    signing_keys: tuple[SigningKey, ...]
    hmac_key: bytes = field(repr=False)
    server_id: str
