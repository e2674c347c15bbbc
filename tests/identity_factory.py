"""Secrets, accounts and callers for tests of identity."""

import base64
import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

from joserfc.jwk import RSAKey

from comptoir.core.accounts import AccountKind, Profile
from comptoir.core.context import Role
from comptoir.identity.model import (
    AccountDraft,
    Address,
    Application,
    AudienceKind,
    Client,
    Organization,
    Principal,
    Secrets,
    SettingValue,
    SigningKey,
    User,
)

WALL = datetime(2026, 11, 5, 12, 34, 56, tzinfo=UTC)
BASE_URL = "https://market.example:8443"
TENANT_ID = "b4c5d6e7-f801-4234-a567-89abcdef0123"
CLIENT_ID = "91c2f3d4-a5b6-4c7d-8e9f-a0b1c2d3e4f5"
USER_ID = "3f9a6b2c-1d4e-4a7b-8c5d-9e0f1a2b3c4d"
SERVER_ID = "0c7d9a3e-2f41-4c1b-8d55-61b1f0a7c9e2"


@cache
def rsa_key(name: str = "first") -> RSAKey:
    """A key that is made once for each name: making one is slow."""
    return RSAKey.generate_key(2_048)


def signing_key(name: str = "first", retired_at: datetime | None = None) -> SigningKey:
    return SigningKey(f"kid-{name}", rsa_key(name), retired_at)


def make_secrets(*keys: SigningKey, hmac_key: bytes = b"k" * 32, server_id: str = SERVER_ID) -> Secrets:
    return Secrets(keys or (signing_key(),), hmac_key, server_id)


def principal(
    *, user_id: str | None = None, roles: frozenset[Role] = frozenset(), has_mfa: bool = False
) -> Principal:
    return Principal(
        audience=AudienceKind.PARTNER,
        tenant_id=TENANT_ID,
        application_id=CLIENT_ID,
        resource="https://graph.windows.net",
        issued_at=WALL,
        expires_at=WALL,
        user_id=user_id,
        user_name=None if user_id is None else "ada@quay.example",
        roles=roles,
        has_mfa=has_mfa,
    )


def user(*roles: Role) -> User:
    return User(USER_ID, TENANT_ID, "ada@quay.example", "Ada Quay", frozenset(roles))


def client(secret_digest: str, *, publisher_id: str | None = None) -> Client:
    account_id = TENANT_ID if publisher_id is None else None
    application = Application(CLIENT_ID, "Portal", account_id=account_id, publisher_id=publisher_id)
    return Client(application, TENANT_ID, "quay.example" if account_id else None, secret_digest)


def account_draft(
    name: str = "production",
    kind: AccountKind = AccountKind.PRODUCTION,
    profile: Profile = Profile.RELAXED,
    overrides: dict[str, SettingValue] | None = None,
) -> AccountDraft:
    address = Address("1 Quay Street", "Boston", "02110", "US", state="MA", phone="+1 617 555 0100")
    return AccountDraft(
        name=name,
        kind=kind,
        profile=profile,
        domain=f"{name}.Quay.example",
        company_name="Quay Partners",
        country="US",
        currency="USD",
        mpn_id="1234567",
        organization=Organization("orders@quay.example", "en", "en-US", address),
        overrides=overrides or {},
    )


def json_segment(text: str) -> dict[str, Any]:
    """The JSON of one base64url segment of a token."""
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return decoded


def segment(content: object) -> str:
    """One base64url segment of a token."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
