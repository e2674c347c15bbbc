"""Rows of accounts, applications, users, signing keys and the installation's own values."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import msgspec

from comptoir.core.accounts import Account, AccountClock, AccountKind, AccountSettings, Profile
from comptoir.core.context import Role
from comptoir.core.instants import optional_instant, optional_micros, to_micros
from comptoir.db import Row, Tx, sql
from comptoir.identity.model import (
    AccountRecord,
    Application,
    Client,
    Organization,
    SettingValue,
    User,
)
from comptoir.identity.rules import resolve_settings

INSERT_VALUE = sql("INSERT INTO instance (name, value) VALUES (:name, :value)")

FIND_VALUE = sql("SELECT value FROM instance WHERE name = :name")

INSERT_SIGNING_KEY = sql("""
    INSERT INTO signing_keys (id, private_pem, created_at, retired_at)
    VALUES (:id, :private_pem, :created_at, NULL)
""")

LIST_SIGNING_KEYS = sql("""
    SELECT id, private_pem, retired_at FROM signing_keys
    WHERE retired_at IS NULL OR retired_at > :wall
    ORDER BY CASE WHEN retired_at IS NULL THEN 0 ELSE 1 END, created_at DESC, id{c} LIMIT :most
""")

RETIRE_SIGNING_KEYS = sql("UPDATE signing_keys SET retired_at = :retired_at WHERE retired_at IS NULL")

# A new account has no account to belong to.
INSERT_ACCOUNT = sql("""
    INSERT INTO accounts (
        id, name, kind, profile, domain, company_name, country, currency, mpn_id, is_indirect_provider,
        organization, settings, clock_offset_micros, clock_frozen_at, created_at
    ) VALUES (
        :id, :name, :kind, :profile, :domain, :company_name, :country, :currency, :mpn_id,
        :is_indirect_provider, :organization, :settings, :clock_offset, :clock_frozen_at, :created_at
    )
""")

FIND_ACCOUNT = sql("""
    SELECT id AS account_id, name AS account_name, kind, profile, domain, company_name, country, currency,
        mpn_id, is_indirect_provider, settings, clock_offset_micros, clock_frozen_at, organization
    FROM accounts WHERE name = :name
""")

LOAD_ACCOUNT = sql("""
    SELECT id AS account_id, name AS account_name, kind, profile, domain, company_name, country, currency,
        mpn_id, is_indirect_provider, settings, clock_offset_micros, clock_frozen_at, organization
    FROM accounts WHERE id = :account_id
""")

LOCK_ACCOUNT = sql("""
    SELECT id AS account_id, name AS account_name, kind, profile, domain, company_name, country, currency,
        mpn_id, is_indirect_provider, settings, clock_offset_micros, clock_frozen_at, organization
    FROM accounts WHERE name = :name {for_update}
""")

# Of every account: only the operator lists them.
LIST_ACCOUNTS = sql("""
    SELECT id AS account_id, name AS account_name, kind, profile, domain, company_name, country, currency,
        mpn_id, is_indirect_provider, settings, clock_offset_micros, clock_frozen_at, organization
    FROM accounts WHERE name{c} > :after ORDER BY name{c} LIMIT :most
""")

UPDATE_SETTINGS = sql("UPDATE accounts SET profile = :profile, settings = :settings WHERE id = :account_id")

INSERT_APPLICATION = sql("""
    INSERT INTO applications (
        client_id, account_id, publisher_id, name, secret_hash, compatibility, created_at
    ) VALUES (:client_id, :account_id, :publisher_id, :name, :secret_hash, :compatibility, :created_at)
""")

# Publishers stand outside accounts.
SET_PUBLISHER_SECRET = sql("""
    UPDATE applications SET secret_hash = :secret_hash
    WHERE client_id = :client_id AND publisher_id = :publisher_id
""")

LOAD_CALLER = sql("""
    SELECT p.client_id, p.publisher_id, p.name AS application_name, p.compatibility,
        a.id AS account_id, a.name AS account_name, a.kind, a.profile, a.domain, a.company_name, a.country,
        a.currency, a.mpn_id, a.is_indirect_provider, a.settings, a.clock_offset_micros, a.clock_frozen_at
    FROM applications p JOIN accounts a ON a.id = p.account_id
    WHERE p.client_id = :client_id AND p.account_id = :account_id
""")

# Of any account: the issuer finds out whose application asks.
FIND_CLIENT = sql("""
    SELECT p.client_id, p.account_id, p.publisher_id, p.name AS application_name, p.compatibility,
        p.secret_hash, a.domain, b.tenant_id
    FROM applications p
    LEFT JOIN accounts a ON a.id = p.account_id
    LEFT JOIN publishers b ON b.id = p.publisher_id
    WHERE p.client_id = :client_id
""")

# Of any account: the issuer finds out which one is asked for.
FIND_TENANT = sql("""
    SELECT id AS tenant_id FROM accounts WHERE id = :tenant OR domain = :tenant
    UNION ALL
    SELECT tenant_id FROM publishers WHERE tenant_id = :tenant
    LIMIT 1
""")

FIRST_CLIENT_ID = sql("""
    SELECT client_id FROM applications WHERE account_id = :account_id
    ORDER BY created_at, client_id{c} LIMIT 1
""")

# Publishers stand outside accounts.
FIND_PUBLISHER_CLIENT = sql("""
    SELECT p.client_id, b.tenant_id
    FROM publishers b JOIN applications p ON p.publisher_id = b.id
    WHERE b.id = :name OR b.name = :name
    ORDER BY p.created_at, p.client_id{c} LIMIT 1
""")

# Publishers stand outside accounts.
FIND_PUBLISHER_OF_CLIENT = sql("""
    SELECT b.id
    FROM applications p JOIN publishers b ON b.id = p.publisher_id
    WHERE p.client_id = :client_id AND b.tenant_id = :tenant_id
""")

FIND_PUBLISHER = sql("SELECT id FROM publishers WHERE id = :publisher_id")

INSERT_USER = sql("""
    INSERT INTO users (account_id, id, user_name, display_name, roles, created_at)
    VALUES (:account_id, :id, :user_name, :display_name, :roles, :created_at)
""")

FIND_USER = sql("""
    SELECT account_id, id, user_name, display_name, roles FROM users
    WHERE account_id = :account_id AND user_name = :user_name
""")

SIGNING_KEYS_MAX = 16


@dataclass(frozen=True, slots=True)
class StoredKey:
    id: str
    private_pem: str
    retired_at: datetime | None


async def insert_value(tx: Tx, name: str, value: str) -> None:
    await tx.run(INSERT_VALUE, name=name, value=value)


async def find_value(tx: Tx, name: str) -> str | None:
    row = await tx.one(FIND_VALUE, name=name)
    return None if row is None else str(row["value"])


async def insert_signing_key(tx: Tx, key_id: str, private_pem: str, wall: datetime) -> None:
    await tx.run(INSERT_SIGNING_KEY, id=key_id, private_pem=private_pem, created_at=to_micros(wall))


async def list_signing_keys(tx: Tx, wall: datetime) -> list[StoredKey]:
    """The keys whose signatures still count: the one that signs, then the older ones, newest first."""
    rows = await tx.all(LIST_SIGNING_KEYS, wall=to_micros(wall), most=SIGNING_KEYS_MAX)
    return [StoredKey(row["id"], row["private_pem"], optional_instant(row["retired_at"])) for row in rows]


async def retire_signing_keys(tx: Tx, retired_at: datetime) -> None:
    await tx.run(RETIRE_SIGNING_KEYS, retired_at=to_micros(retired_at))


async def insert_account(tx: Tx, record: AccountRecord, wall: datetime) -> None:
    account = record.account
    await tx.run(
        INSERT_ACCOUNT,
        id=account.id,
        name=account.name,
        kind=account.kind,
        profile=account.profile,
        domain=account.domain,
        company_name=account.company_name,
        country=account.country,
        currency=account.currency,
        mpn_id=account.mpn_id,
        is_indirect_provider=int(account.is_indirect_provider),
        organization=_json(record.organization),
        settings=_json(record.overrides),
        clock_offset=account.clock.offset_micros,
        clock_frozen_at=optional_micros(account.clock.frozen_at),
        created_at=to_micros(wall),
    )


async def find_account(tx: Tx, name: str) -> AccountRecord | None:
    row = await tx.one(FIND_ACCOUNT, name=name)
    return None if row is None else _record(row)


async def load_account(tx: Tx, account_id: str) -> AccountRecord | None:
    row = await tx.one(LOAD_ACCOUNT, account_id=account_id)
    return None if row is None else _record(row)


async def lock_account(tx: Tx, name: str) -> AccountRecord | None:
    """The account of this name; nobody else changes it until the transaction ends."""
    row = await tx.one(LOCK_ACCOUNT, name=name)
    return None if row is None else _record(row)


async def list_accounts(tx: Tx, after: str, most: int) -> list[AccountRecord]:
    """Accounts whose name follows ``after``, in the order of their names."""
    return [_record(row) for row in await tx.all(LIST_ACCOUNTS, after=after, most=most)]


async def update_settings(
    tx: Tx, account_id: str, profile: Profile, overrides: dict[str, SettingValue]
) -> None:
    await tx.run(UPDATE_SETTINGS, account_id=account_id, profile=profile, settings=_json(overrides))


async def insert_application(tx: Tx, application: Application, secret_digest: str, wall: datetime) -> None:
    await tx.run(
        INSERT_APPLICATION,
        client_id=application.client_id,
        account_id=application.account_id,
        publisher_id=application.publisher_id,
        name=application.name,
        secret_hash=secret_digest,
        compatibility=application.compatibility,
        created_at=to_micros(wall),
    )


async def set_publisher_secret(tx: Tx, application: Application, secret_digest: str) -> bool:
    """Give a publisher's application another secret, if it is registered."""
    changed = await tx.run(
        SET_PUBLISHER_SECRET,
        client_id=application.client_id,
        publisher_id=application.publisher_id,
        secret_hash=secret_digest,
    )
    return changed == 1


async def load_caller(tx: Tx, account_id: str, client_id: str) -> tuple[Account, Application] | None:
    """An account and one of its own applications, in one statement."""
    row = await tx.one(LOAD_CALLER, account_id=account_id, client_id=client_id)
    return None if row is None else (_account(row), _application(row))


async def find_client(tx: Tx, client_id: str) -> Client | None:
    row = await tx.one(FIND_CLIENT, client_id=client_id)
    if row is None:
        return None
    tenant_id = row["tenant_id"] if row["account_id"] is None else row["account_id"]
    return Client(_application(row), tenant_id, row["domain"], row["secret_hash"])


async def find_tenant(tx: Tx, tenant: str) -> str | None:
    """The id of the account or publisher's tenant that an id or a domain, in lower case, names."""
    row = await tx.one(FIND_TENANT, tenant=tenant)
    return None if row is None else str(row["tenant_id"])


async def first_client_id(tx: Tx, account_id: str) -> str | None:
    """The oldest application of the account."""
    row = await tx.one(FIRST_CLIENT_ID, account_id=account_id)
    return None if row is None else str(row["client_id"])


async def find_publisher_client(tx: Tx, name: str) -> tuple[str, str] | None:
    """Tenant and oldest application of the publisher with this id or name."""
    row = await tx.one(FIND_PUBLISHER_CLIENT, name=name)
    return None if row is None else (row["tenant_id"], row["client_id"])


async def find_publisher_of_client(tx: Tx, tenant_id: str, client_id: str) -> str | None:
    """The publisher of this tenant that the application is registered for."""
    row = await tx.one(FIND_PUBLISHER_OF_CLIENT, tenant_id=tenant_id, client_id=client_id)
    return None if row is None else str(row["id"])


async def has_publisher(tx: Tx, publisher_id: str) -> bool:
    return await tx.one(FIND_PUBLISHER, publisher_id=publisher_id) is not None


async def insert_user(tx: Tx, user: User, wall: datetime) -> None:
    await tx.run(
        INSERT_USER,
        account_id=user.account_id,
        id=user.id,
        user_name=user.user_name,
        display_name=user.display_name,
        roles=_json(sorted(user.roles)),
        created_at=to_micros(wall),
    )


async def find_user(tx: Tx, account_id: str, user_name: str) -> User | None:
    row = await tx.one(FIND_USER, account_id=account_id, user_name=user_name)
    if row is None:
        return None
    roles = frozenset(msgspec.json.decode(row["roles"], type=list[Role]))
    return User(row["id"], row["account_id"], row["user_name"], row["display_name"], roles)


def _json(document: object) -> str:
    return msgspec.json.encode(document).decode()


@lru_cache(maxsize=1_024)
def _settings(kind: AccountKind, profile: Profile, overrides: str) -> AccountSettings:
    """Resolved once for each text: every request loads its account."""
    return resolve_settings(kind, profile, _overrides(overrides))


def _overrides(text: str) -> dict[str, SettingValue]:
    return msgspec.json.decode(text, type=dict[str, SettingValue])


def _account(row: Row) -> Account:
    kind, profile = AccountKind(row["kind"]), Profile(row["profile"])
    return Account(
        id=row["account_id"],
        name=row["account_name"],
        kind=kind,
        profile=profile,
        domain=row["domain"],
        company_name=row["company_name"],
        country=row["country"],
        currency=row["currency"],
        mpn_id=row["mpn_id"],
        is_indirect_provider=row["is_indirect_provider"] == 1,
        settings=_settings(kind, profile, row["settings"]),
        clock=AccountClock(row["clock_offset_micros"], optional_instant(row["clock_frozen_at"])),
    )


def _record(row: Row) -> AccountRecord:
    organization = msgspec.json.decode(row["organization"], type=Organization)
    return AccountRecord(_account(row), organization, _overrides(row["settings"]))


def _application(row: Row) -> Application:
    return Application(
        client_id=row["client_id"],
        name=row["application_name"],
        account_id=row["account_id"],
        publisher_id=row["publisher_id"],
        compatibility=row["compatibility"],
    )
