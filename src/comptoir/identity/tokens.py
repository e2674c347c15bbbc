"""Signed texts: bearer tokens (JWT, RS256) and the opaque texts handed to callers (AES-SIV).

Times are arguments and nothing is drawn at random. Keys come from ``service``. Claims and their checks:
``00-cross-cutting`` section 13.8.
"""

import base64
import binascii
import hmac
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from comptoir.core.context import Role
from comptoir.core.errors import Code, Refusal
from comptoir.core.instants import EPOCH
from comptoir.identity.model import AudienceKind, Principal, Secrets, SigningKey, User
from comptoir.identity.rules import (
    OPERATOR_RESOURCE,
    PUBLISHER_RESOURCE,
    audience_kind,
    same_resource,
)

LIFETIME = timedelta(hours=1)
CLOCK_SKEW = timedelta(minutes=5)
PUBLISHER_CLOCK_SKEW = timedelta(seconds=60)
"""What publishers' tokens are given (``40-publisher-fulfillment-metering`` section 2.1)."""

TOKEN_LENGTH_MAX = 16_384
VERIFIED_TOKENS_MAX = 1_024
OPERATOR_APPLICATION = "operator"

_ROLES: Mapping[str, Role] = {role.value: role for role in Role}
_APPLICATION_OBJECTS = uuid.UUID("6f9c1f43-6f0f-4d9e-9d0a-0f6f3a3b7c55")
_FILLED = b"."
"""Begins what is encrypted, which must not be empty."""


class Claims(msgspec.Struct, omit_defaults=True, frozen=True, kw_only=True):
    """The claims that Comptoir writes and reads; a claim that is absent is empty here."""

    aud: str
    iss: str
    iat: int
    nbf: int
    exp: int
    tid: str
    ver: str
    sub: str = ""
    oid: str = ""
    appid: str = ""
    azp: str = ""
    name: str = ""
    upn: str = ""
    unique_name: str = ""
    preferred_username: str = ""
    scp: str = ""
    roles: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()


def application_claims(
    *, tenant_id: str, client_id: str, resource: str, base_url: str, wall: datetime, version: int = 1
) -> Claims:
    """The claims of an app-only token. ``version`` 2 names the application ``azp`` instead of ``appid``."""
    object_id = application_object_id(tenant_id, client_id)
    now = seconds(wall)
    return Claims(
        aud=resource,
        iss=issuer(base_url, tenant_id, version),
        iat=now,
        nbf=now,
        exp=now + int(LIFETIME.total_seconds()),
        tid=tenant_id,
        ver=f"{version}.0",
        sub=object_id,
        oid=object_id,
        appid=client_id if version == 1 else "",
        azp=client_id if version == 2 else "",
    )


def application_object_id(tenant_id: str, client_id: str) -> str:
    """The id under which a tenant's directory has an application."""
    return str(uuid.uuid5(_APPLICATION_OBJECTS, f"{tenant_id}/{client_id}"))


def user_claims(
    *, user: User, client_id: str, resource: str, base_url: str, wall: datetime, has_mfa: bool
) -> Claims:
    """The claims of an app+user token, in the first version's names, which every client knows."""
    application = application_claims(
        tenant_id=user.account_id, client_id=client_id, resource=resource, base_url=base_url, wall=wall
    )
    return msgspec.structs.replace(
        application,
        sub=user.id,
        oid=user.id,
        name=user.display_name,
        upn=user.user_name,
        unique_name=user.user_name,
        scp="user_impersonation",
        roles=tuple(sorted(user.roles)),
        amr=("pwd", "mfa") if has_mfa else ("pwd",),
    )


def operator_claims(secrets: Secrets, base_url: str, wall: datetime) -> Claims:
    """The claims of a token for the operator API: the installation itself is the tenant."""
    return application_claims(
        tenant_id=secrets.server_id,
        client_id=OPERATOR_APPLICATION,
        resource=OPERATOR_RESOURCE,
        base_url=base_url,
        wall=wall,
    )


def webhook_claims(*, tenant_id: str, application_id: str, base_url: str, wall: datetime) -> Claims:
    """The claims by which a publisher knows that a webhook comes from this marketplace.

    Its own application is the audience, we are the caller. Validators allow no skew, so the token is valid
    for some minutes already (``40-publisher-fulfillment-metering`` section 2.2). Raises ``TOKEN_INVALID`` for
    an application that is one of our APIs: nobody gets a token for those without a secret.
    """
    if audience_kind(application_id, base_url) is not None:
        raise _invalid("no publisher's application has the id of an API of this marketplace")
    now = seconds(wall)
    return Claims(
        aud=application_id,
        iss=issuer(base_url, tenant_id, 2),
        iat=now,
        nbf=now - int(CLOCK_SKEW.total_seconds()),
        exp=now + int(LIFETIME.total_seconds()),
        tid=tenant_id,
        ver="2.0",
        azp=PUBLISHER_RESOURCE,
    )


def issuer(base_url: str, tenant_id: str, version: int) -> str:
    """Who issues tokens of a tenant, as it stands in ``iss`` and in the metadata."""
    return f"{base_url}/{tenant_id}/" if version == 1 else f"{base_url}/{tenant_id}/v2.0"


def sign(secrets: Secrets, claims: Claims) -> str:
    """A bearer token, signed by the newest key."""
    signing = secrets.signing_keys[0]
    header = {"typ": "JWT", "alg": "RS256", "kid": signing.id}
    return jws.serialize_compact(header, msgspec.json.encode(claims), signing.key, algorithms=["RS256"])


def bearer(authorization: str | None) -> str:
    """The token in an ``Authorization`` header. Raises ``TOKEN_MISSING`` and ``TOKEN_INVALID``."""
    kind, _, token = (authorization or "").partition(" ")
    if not token.strip():
        raise Refusal(Code.TOKEN_MISSING)
    if kind.lower() != "bearer":
        raise _invalid("the authorization header must hold a bearer token")
    return token.strip()


def verify(secrets: Secrets, token: str, wall: datetime, *, audience: str, base_url: str) -> Principal:
    """The bearer of a token that is meant for one of the three APIs.

    Raises ``TOKEN_INVALID`` for anything else. Whether the application is still registered is another
    question, asked of the database on each call (``service.load_caller``).
    """
    if len(token) > TOKEN_LENGTH_MAX:
        raise _invalid("the token is too long")
    signing, claims = _read(secrets, token)
    if not signing.is_valid(wall):
        raise _invalid("the key that signed the token is retired")
    kind = audience_kind(claims.aud, base_url)
    _require_in_force(claims, wall, PUBLISHER_CLOCK_SKEW if kind is AudienceKind.PUBLISHER else CLOCK_SKEW)
    if kind is None or kind != audience:
        raise _invalid("the token is meant for another audience")
    if kind is AudienceKind.OPERATOR and claims.tid != secrets.server_id:
        raise _invalid("the token belongs to another installation")
    return _principal(claims, kind)


def key_set(secrets: Secrets, wall: datetime) -> list[dict[str, Any]]:
    """The public halves of the keys whose signatures count, as JSON Web Keys."""
    return [
        {**signing.key.as_dict(private=False), "kid": signing.id, "use": "sig", "alg": "RS256"}
        for signing in secrets.signing_keys
        if signing.is_valid(wall)
    ]


def sign_opaque(secrets: Secrets, purpose: str, payload: bytes) -> str:
    """A text that only this installation can make, and read, for one purpose.

    The same payload gives the same text: whoever wants another one puts something new into it.
    """
    return _base64url(_cipher(secrets).encrypt(_FILLED + payload, [_purpose(purpose)]))


def open_opaque(secrets: Secrets, purpose: str, token: str) -> bytes | None:
    """The payload of a text made by ``sign_opaque`` for the same purpose, ``None`` for any other text."""
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        return _cipher(secrets).decrypt(sealed, [_purpose(purpose)]).removeprefix(_FILLED)
    except (InvalidTag, ValueError):
        return None


@lru_cache(maxsize=4)
def _cipher(secrets: Secrets) -> AESSIV:
    """Encryption that proves who made a text, with a key that is drawn from the installation's for it."""
    return AESSIV(hmac.digest(secrets.hmac_key, b"opaque texts", "sha512"))


def _purpose(purpose: str) -> bytes:
    return purpose.encode()


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@lru_cache(maxsize=VERIFIED_TOKENS_MAX)
def _read(secrets: Secrets, token: str) -> tuple[SigningKey, Claims]:
    """The claims of a token with a good signature. Remembered, because clients show a token many times.

    Only what never changes is decided here; times are judged at each call. Bad tokens are not remembered.
    """
    keys = {signing.id: signing for signing in secrets.signing_keys}
    try:
        signature = jws.deserialize_compact(token, partial(_key_of, keys), algorithms=["RS256"])
        claims = msgspec.json.decode(signature.payload, type=Claims)
    except (JoseError, ValueError, RecursionError) as error:
        raise _invalid("the token is malformed or its signature is wrong") from error
    _require_claims(claims)
    return keys[signature.headers()["kid"]], claims


def _key_of(keys: Mapping[str, SigningKey], signature: Any) -> RSAKey:
    signing = keys.get(str(signature.headers().get("kid")))
    if signing is None:
        raise ValueError("signed by a key that is not ours")
    return signing.key


def _require_claims(claims: Claims) -> None:
    if not (claims.tid and (claims.appid or claims.azp)):
        raise _invalid("the token names no tenant or no application")
    if not _names_tenant(claims):
        raise _invalid("the issuer of the token is not that of its tenant")
    if _is_user(claims) and not claims.oid:
        raise _invalid("the token names no user")


def _names_tenant(claims: Claims) -> bool:
    """Whether the issuer ends with the tenant. Its host is not compared: the signature is the proof that we
    issued the token, and one installation is reached under several names and ports.
    """
    issued_by = same_resource(claims.iss)
    tenant = claims.tid.lower()
    return issued_by.endswith((f"/{tenant}", f"/{tenant}/v2.0"))


def _require_in_force(claims: Claims, wall: datetime, allowed: timedelta) -> None:
    skew = int(allowed.total_seconds())
    now = seconds(wall)
    if now >= claims.exp + skew:
        raise _invalid("the token has expired")
    if now < claims.nbf - skew:
        raise _invalid("the token is not valid yet")


def _is_user(claims: Claims) -> bool:
    return bool(claims.scp or claims.upn or claims.preferred_username)


def _principal(claims: Claims, kind: AudienceKind) -> Principal:
    is_user = _is_user(claims)
    return Principal(
        audience=kind,
        tenant_id=claims.tid.lower(),
        application_id=(claims.appid or claims.azp).lower(),
        resource=claims.aud,
        issued_at=EPOCH + timedelta(seconds=claims.iat),
        expires_at=EPOCH + timedelta(seconds=claims.exp),
        user_id=claims.oid.lower() if is_user else None,
        user_name=(claims.upn or claims.preferred_username or claims.unique_name) if is_user else None,
        roles=frozenset(_ROLES[role] for role in claims.roles if role in _ROLES),
        has_mfa="mfa" in claims.amr,
    )


def seconds(instant: datetime) -> int:
    """Whole seconds since 1970, as tokens and their answers count time."""
    return (instant - EPOCH) // timedelta(seconds=1)


def _invalid(reason: str) -> Refusal:
    return Refusal(Code.TOKEN_INVALID, reason=f"{reason}.")
