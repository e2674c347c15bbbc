"""Use cases of identity: what init creates, who calls, which token is issued, what the operator changes.

The only place that draws secrets.
"""

import secrets as randomness
from dataclasses import replace
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import RSAKey

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.core.accounts import Account, AccountClock, AccountKind
from comptoir.core.context import Context, Role
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import Ids
from comptoir.db import Tx
from comptoir.identity import grants, rules, store, tokens
from comptoir.identity.model import (
    AccountDraft,
    AccountRecord,
    Application,
    Credentials,
    Principal,
    Secrets,
    SettingsChange,
    SigningKey,
    User,
)

RSA_BITS = 2_048
SECRET_BYTES = 32
SECRET_LENGTH_MIN = 32
RETIREMENT_DELAY = timedelta(days=1)
"""How long an old key still verifies after a rotation: longer than any token of it lives."""

HMAC_KEY = "hmac_key"
SERVER_ID = "server_id"

# The installation's secrets


async def create_secrets(tx: Tx, *, ids: Ids, wall: datetime) -> None:
    """Draw the keys of a new installation."""
    await store.insert_value(tx, HMAC_KEY, randomness.token_hex(SECRET_BYTES))
    await store.insert_value(tx, SERVER_ID, ids.guid())
    await _create_signing_key(tx, wall)


async def load_secrets(tx: Tx, wall: datetime) -> Secrets | None:
    """The keys of this installation, ``None`` where it was not initialised."""
    hmac_key = await store.find_value(tx, HMAC_KEY)
    server_id = await store.find_value(tx, SERVER_ID)
    if hmac_key is None or server_id is None:
        return None
    keys = tuple(
        SigningKey(stored.id, _key_from_pem(stored.private_pem), stored.retired_at)
        for stored in await store.list_signing_keys(tx, wall)
    )
    assert keys[0].retired_at is None, "an installation always has a key that signs"
    return Secrets(keys, bytes.fromhex(hmac_key), server_id)


async def rotate_signing_key(tx: Tx, wall: datetime) -> None:
    """Sign with a new key from the next load on; the keys before it verify for one more day."""
    await store.retire_signing_keys(tx, wall + RETIREMENT_DELAY)
    await _create_signing_key(tx, wall)


async def _create_signing_key(tx: Tx, wall: datetime) -> None:
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    await store.insert_signing_key(tx, RSAKey.import_key(private_key).thumbprint(), pem.decode(), wall)


def _key_from_pem(pem: str) -> RSAKey:
    """Without the arithmetic checks (30 ms at each start): the key is one that we made ourselves."""
    private_key = serialization.load_pem_private_key(
        pem.encode(), password=None, unsafe_skip_rsa_key_validation=True
    )
    assert isinstance(private_key, rsa.RSAPrivateKey)
    return RSAKey.import_key(private_key)


def draw_operator_key() -> str:
    """The key by which commands of the same machine reach a running server's operator API."""
    return randomness.token_urlsafe(SECRET_BYTES)


# Accounts, applications, users


async def create_account(tx: Tx, draft: AccountDraft, *, ids: Ids, wall: datetime) -> Account:
    """Raises ``INVALID_PROPERTY`` for overrides that are no settings."""
    assert draft.name == draft.name.lower(), draft.name
    assert draft.clock_at is None or draft.kind is AccountKind.SANDBOX, "a production clock follows the wall"
    assert "." in draft.domain, draft.domain
    account = Account(
        id=ids.guid(),
        name=draft.name,
        kind=draft.kind,
        profile=draft.profile,
        domain=draft.domain.lower(),
        company_name=draft.company_name,
        country=draft.country,
        currency=draft.currency,
        mpn_id=draft.mpn_id,
        is_indirect_provider=draft.is_indirect_provider,
        settings=rules.resolve_settings(draft.kind, draft.profile, draft.overrides),
        clock=AccountClock(frozen_at=draft.clock_at),
    )
    await store.insert_account(tx, AccountRecord(account, draft.organization, draft.overrides), wall)
    return account


async def create_application(
    tx: Tx, account_id: str, name: str, *, ids: Ids, wall: datetime, compatibility: str | None = None
) -> Credentials:
    """Register an application of an account and draw its secret."""
    application = Application(ids.guid(), name, account_id=account_id, compatibility=compatibility)
    return await _register(tx, application, wall)


async def create_publisher_application(
    tx: Tx, publisher_id: str, client_id: str, name: str, *, wall: datetime
) -> Credentials:
    """Register a publisher's application under the id that the catalogue gives it, and draw its secret."""
    return await _register(tx, Application(client_id.lower(), name, publisher_id=publisher_id), wall)


async def register_publisher(tx: Tx, ctx: Context, application: Application, secret: str) -> None:
    """Let a publisher's application sign in with this secret from now on, and with no other.

    Raises ``INVALID_PROPERTY`` for a secret that could be guessed.
    """
    if len(secret) < SECRET_LENGTH_MIN:
        reason = f"a secret has at least {SECRET_LENGTH_MIN} characters."
        raise Refusal(Code.INVALID_PROPERTY, member="clientSecret", reason=reason)
    digest = grants.secret_digest(secret)
    if not await store.set_publisher_secret(tx, application, digest):
        await store.insert_application(tx, application, digest, ctx.wall)
    audit.record(
        tx,
        ctx,
        Action.REGISTER_PUBLISHER,
        subject_kind="publisher",
        subject_id=application.publisher_id or "",
        after={"applicationId": application.client_id},
    )


def draw_client_secret() -> str:
    """A secret for an application, for those who register it. It begins with no dash, which a command line
    would take for a flag.
    """
    secret = randomness.token_urlsafe(SECRET_BYTES)
    return draw_client_secret() if secret.startswith("-") else secret


async def _register(tx: Tx, application: Application, wall: datetime) -> Credentials:
    credentials = Credentials(application.client_id, draw_client_secret())
    await store.insert_application(tx, application, grants.secret_digest(credentials.client_secret), wall)
    return credentials


async def create_user(
    tx: Tx,
    account_id: str,
    user_name: str,
    display_name: str,
    roles: frozenset[Role],
    *,
    ids: Ids,
    wall: datetime,
) -> User:
    """Add a user to an account; it signs in under its name in any case."""
    user = User(ids.guid(), account_id, user_name.lower(), display_name, roles)
    await store.insert_user(tx, user, wall)
    return user


async def list_accounts(tx: Tx, *, after: str, most: int) -> list[AccountRecord]:
    """Up to ``most`` accounts whose name follows ``after``, by name."""
    return await store.list_accounts(tx, _searchable(after), most)


async def require_account(tx: Tx, name: str) -> AccountRecord:
    """Raises ``NAME_UNKNOWN``."""
    return _known(await store.find_account(tx, _searchable(name)), name)


def _searchable(name: str) -> str:
    """A name as it is stored. No name holds a NUL, which PostgreSQL does not even compare."""
    return name.lower().replace("\0", "?")


def _known(record: AccountRecord | None, name: str) -> AccountRecord:
    if record is None:
        raise Refusal(Code.NAME_UNKNOWN, kind="account", name=name)
    return record


async def load_account(tx: Tx, account_id: str) -> AccountRecord:
    """The account whose id is known to exist: accounts are never deleted."""
    record = await store.load_account(tx, account_id)
    assert record is not None, account_id
    return record


async def update_settings(tx: Tx, ctx: Context, name: str, change: SettingsChange) -> AccountRecord:
    """Change what an account does from the next request on.

    Raises ``INVALID_PROPERTY`` for what is no setting and ``NAME_UNKNOWN``.
    """
    record = _known(await store.lock_account(tx, _searchable(name)), name)
    account = record.account
    profile = change.profile or account.profile
    overrides = rules.change_overrides(record.overrides, change)
    settings = rules.resolve_settings(account.kind, profile, overrides)
    await store.update_settings(tx, account.id, profile, overrides)
    audit.record(
        tx,
        ctx,
        Action.UPDATE_ACCOUNT_SETTINGS,
        subject_kind="account",
        subject_id=account.id,
        before={"profile": account.profile, **record.overrides},
        after={"profile": profile, **overrides},
    )
    return AccountRecord(replace(account, profile=profile, settings=settings), record.organization, overrides)


# Callers and tokens


async def load_caller(tx: Tx, principal: Principal) -> tuple[Account, Application]:
    """The account and the application that a verified token names.

    Raises ``TOKEN_INVALID`` where the application is not, or no longer, registered in that account.
    """
    caller = await store.load_caller(tx, principal.tenant_id, principal.application_id)
    if caller is None:
        raise Refusal(Code.TOKEN_INVALID, reason="the application is not registered in the tenant.")
    return caller


async def load_publisher(tx: Tx, principal: Principal) -> str:
    """The publisher that a verified token names (``40-publisher-fulfillment-metering`` section 2.1).

    Raises ``TOKEN_INVALID`` where the application is not, or no longer, registered for one in that tenant.
    """
    found = await store.find_publisher_of_client(tx, principal.tenant_id, principal.application_id)
    if found is None:
        raise Refusal(Code.TOKEN_INVALID, reason="the application is not registered for a publisher.")
    return found


async def has_publisher(tx: Tx, publisher_id: str) -> bool:
    """Whether the catalogue has a publisher of this id."""
    return await store.has_publisher(tx, publisher_id)


def application_object_id(tenant_id: str, client_id: str) -> str:
    """The id under which a tenant's directory has an application, as its tokens name it in ``oid``."""
    return tokens.application_object_id(tenant_id, client_id)


async def in_account(tx: Tx, ctx: Context, account_id: str) -> Context:
    """The context of the same call within an account, with the time of that account's clock.

    For publishers, who act across accounts: a call of theirs begins outside all of them.
    """
    account = (await load_account(tx, account_id)).account
    return replace(ctx, account=account, now=account.clock.time_at(ctx.wall))


async def find_tenant(tx: Tx, tenant: str) -> str | None:
    """The id of the tenant that a path segment names by id or domain, in any case."""
    return await store.find_tenant(tx, _searchable(tenant))


async def grant(
    tx: Tx, secrets: Secrets, request: grants.TokenRequest, *, wall: datetime, base_url: str
) -> grants.IssuedToken | grants.GrantRefusal:
    """Answer a request for a token."""
    refusal = grants.check_request(request)
    if refusal is not None:
        return refusal
    client = await store.find_client(tx, (request.client_id or "").lower())
    is_adfs = request.tenant.lower() == grants.ADFS_TENANT
    is_tenant_known = is_adfs or await find_tenant(tx, request.tenant) is not None
    decision = grants.judge(request, client, is_tenant_known=is_tenant_known, base_url=base_url)
    if isinstance(decision, grants.GrantRefusal):
        return decision
    claims = tokens.application_claims(
        tenant_id=decision.client.tenant_id,
        client_id=decision.client.application.client_id,
        resource=decision.resource,
        base_url=base_url,
        wall=wall,
        version=decision.version,
    )
    return grants.IssuedToken(
        tokens.sign(secrets, claims), decision.resource, decision.scope, wall, wall + tokens.LIFETIME
    )


async def issue_for_cli(
    tx: Tx,
    secrets: Secrets,
    *,
    wall: datetime,
    base_url: str,
    account: str | None = None,
    user: str | None = None,
    publisher: str | None = None,
) -> str:
    """A bearer token for whoever holds the database itself, without any sign-in.

    For an account's oldest application, with ``user`` on behalf of that user as if signed in with MFA; for a
    publisher's application; with neither, for the operator. Raises ``NAME_UNKNOWN``.
    """
    if account is not None:
        claims = await _account_claims(tx, account, user, wall, base_url)
    elif publisher is not None:
        claims = await _publisher_claims(tx, publisher, wall, base_url)
    else:
        claims = tokens.operator_claims(secrets, base_url, wall)
    return tokens.sign(secrets, claims)


async def _account_claims(
    tx: Tx, name: str, user_name: str | None, wall: datetime, base_url: str
) -> tokens.Claims:
    record = await require_account(tx, name)
    account_id = record.account.id
    client_id = await store.first_client_id(tx, account_id)
    if client_id is None:
        raise Refusal(Code.NAME_UNKNOWN, kind="application of account", name=name)
    if user_name is None:
        return tokens.application_claims(
            tenant_id=account_id,
            client_id=client_id,
            resource=rules.PARTNER_RESOURCE,
            base_url=base_url,
            wall=wall,
        )
    user = await store.find_user(tx, account_id, user_name.lower())
    if user is None:
        raise Refusal(Code.NAME_UNKNOWN, kind=f"user of account {name}", name=user_name)
    return tokens.user_claims(
        user=user,
        client_id=client_id,
        resource=rules.PARTNER_RESOURCE,
        base_url=base_url,
        wall=wall,
        has_mfa=True,
    )


async def _publisher_claims(tx: Tx, name: str, wall: datetime, base_url: str) -> tokens.Claims:
    found = await store.find_publisher_client(tx, name)
    if found is None:
        raise Refusal(Code.NAME_UNKNOWN, kind="publisher with an application", name=name)
    tenant_id, client_id = found
    return tokens.application_claims(
        tenant_id=tenant_id,
        client_id=client_id,
        resource=rules.PUBLISHER_RESOURCE,
        base_url=base_url,
        wall=wall,
    )
