"""Identity on both engines: what init creates, who calls, which token is issued, what the operator sets."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from joserfc.jwk import RSAKey
from tests.identity_factory import BASE_URL, WALL, account_draft

from comptoir.audit import service as audit
from comptoir.core.accounts import OPERATOR_ACCOUNT, Account, AccountKind, AccountSettings, Profile
from comptoir.core.context import Actor, Context, Role
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import Ids
from comptoir.core.instants import to_micros
from comptoir.db import Database, Tx, sql
from comptoir.identity import rules, service, tokens
from comptoir.identity.grants import Dialect, GrantProblem, GrantRefusal, IssuedToken, TokenRequest
from comptoir.identity.model import Credentials, Principal, Secrets, SettingsChange

pytestmark = pytest.mark.anyio

IDS = Ids(11)
PUBLISHER_TENANT = "5d1f0000-aaaa-4bbb-8ccc-1234567890ab"
PUBLISHER_CLIENT = "91C20000-AAAA-4BBB-8CCC-1234567890AB"
PARTNER = "https://graph.windows.net"
CTX = Context(
    account=OPERATOR_ACCOUNT,
    actor=Actor("operator"),
    now=WALL,
    wall=WALL,
    ids=IDS,
    correlation_id="c",
    request_id="r",
    sign=lambda purpose, payload: "",
    unsign=lambda purpose, token: None,
)

ADD_PUBLISHER = sql("""
    INSERT INTO publishers (id, name, tenant_id, application_id, document)
    VALUES ('northbeam', 'Northbeam Labs', '5d1f0000-aaaa-4bbb-8ccc-1234567890ab', 'a', 'null')
""")
REMOVE_APPLICATION = sql("DELETE FROM applications WHERE client_id = :client_id")
SET_CLOCK = sql("UPDATE accounts SET clock_offset_micros = 7, clock_frozen_at = :frozen WHERE id = :id")
STORED_TEXTS = sql("SELECT secret_hash AS text FROM applications UNION ALL SELECT name FROM applications")


async def initialised(database: Database) -> Secrets:
    async def work(tx: Tx) -> Secrets | None:
        await service.create_secrets(tx, ids=IDS, wall=WALL)
        return await service.load_secrets(tx, WALL)

    secrets = await database.write(work)
    assert secrets is not None
    return secrets


async def an_account(database: Database, name: str = "production") -> tuple[Account, Credentials]:
    async def work(tx: Tx) -> tuple[Account, Credentials]:
        account = await service.create_account(tx, account_draft(name), ids=IDS, wall=WALL)
        return account, await service.create_application(tx, account.id, "Portal", ids=IDS, wall=WALL)

    return await database.write(work)


async def a_publisher(database: Database) -> Credentials:
    async def work(tx: Tx) -> Credentials:
        await tx.run(ADD_PUBLISHER)
        return await service.create_publisher_application(
            tx, "northbeam", PUBLISHER_CLIENT, "Northbeam", wall=WALL
        )

    return await database.write(work)


async def asked(
    database: Database, secrets: Secrets, credentials: Credentials, tenant: str, resource: str = PARTNER
) -> IssuedToken | GrantRefusal:
    request = TokenRequest(
        tenant=tenant,
        dialect=Dialect.V1,
        grant_type="client_credentials",
        client_id=credentials.client_id,
        client_secret=credentials.client_secret,
        resource=resource,
    )
    return await database.read(
        partial(service.grant, secrets=secrets, request=request, wall=WALL, base_url=BASE_URL)
    )


async def bearer_of(
    database: Database, secrets: Secrets, credentials: Credentials, tenant: str, resource: str = PARTNER
) -> Principal:
    issued = await asked(database, secrets, credentials, tenant, resource)
    assert isinstance(issued, IssuedToken)
    audience = rules.RESOURCES[resource]
    return tokens.verify(secrets, issued.access_token, WALL, audience=audience, base_url=BASE_URL)


# The installation's secrets


async def test_secrets_are_drawn_once_and_loaded_the_same(database: Database) -> None:
    made = await initialised(database)
    again = await database.read(partial(service.load_secrets, wall=WALL))
    assert again is not None
    assert (again.hmac_key, again.server_id) == (made.hmac_key, made.server_id)
    assert len(again.hmac_key) == 32
    assert [key.id for key in again.signing_keys] == [key.id for key in made.signing_keys]
    assert again.signing_keys[0].key.as_dict(private=True) == made.signing_keys[0].key.as_dict(private=True)


async def test_a_signing_key_has_2048_bits_and_is_named_by_its_thumbprint(database: Database) -> None:
    signing = (await initialised(database)).signing_keys[0]
    assert isinstance(signing.key, RSAKey)
    assert signing.key.raw_value.key_size == 2_048
    assert signing.id == signing.key.thumbprint()


async def test_a_database_without_secrets_is_not_initialised(database: Database) -> None:
    assert await database.read(partial(service.load_secrets, wall=WALL)) is None


async def test_rotation_signs_with_a_new_key_and_keeps_the_old_one_for_a_day(database: Database) -> None:
    before = await initialised(database)
    for hours in (1, 2, 3):
        await database.write(partial(service.rotate_signing_key, wall=WALL + timedelta(hours=hours)))
    loaded = await database.read(partial(service.load_secrets, wall=WALL + timedelta(hours=3)))
    assert loaded is not None
    assert len({key.id for key in loaded.signing_keys}) == 4
    assert loaded.signing_keys[0].retired_at is None
    assert loaded.signing_keys[-1].id == before.signing_keys[0].id
    assert loaded.signing_keys[-1].retired_at == WALL + timedelta(days=1, hours=1)
    a_day_later = await database.read(partial(service.load_secrets, wall=WALL + timedelta(days=1, hours=1)))
    assert a_day_later is not None
    assert before.signing_keys[0].id not in {key.id for key in a_day_later.signing_keys}


# Callers


async def test_the_caller_is_the_account_with_its_application(database: Database) -> None:
    secrets = await initialised(database)
    account, credentials = await an_account(database)
    await database.write(lambda tx: tx.run(SET_CLOCK, id=account.id, frozen=to_micros(WALL)))
    bearer = await bearer_of(database, secrets, credentials, account.id)
    loaded, application = await database.read(partial(service.load_caller, principal=bearer))
    assert replace(loaded, clock=account.clock) == account
    assert (loaded.clock.offset_micros, loaded.clock.frozen_at) == (7, WALL)
    assert (application.client_id, application.account_id) == (credentials.client_id, account.id)


async def test_a_token_ends_with_the_registration_of_its_application(database: Database) -> None:
    secrets = await initialised(database)
    account, credentials = await an_account(database)
    bearer = await bearer_of(database, secrets, credentials, account.id)
    await database.read(partial(service.load_caller, principal=bearer))
    await database.write(lambda tx: tx.run(REMOVE_APPLICATION, client_id=credentials.client_id))
    with pytest.raises(Refusal) as refused:
        await database.read(partial(service.load_caller, principal=bearer))
    assert refused.value.code is Code.TOKEN_INVALID


async def test_an_application_does_not_call_for_another_account(database: Database) -> None:
    secrets = await initialised(database)
    account, credentials = await an_account(database)
    other, _ = await an_account(database, "sandbox")
    bearer = await bearer_of(database, secrets, credentials, account.id)
    with pytest.raises(Refusal) as refused:
        await database.read(partial(service.load_caller, principal=replace(bearer, tenant_id=other.id)))
    assert refused.value.code is Code.TOKEN_INVALID


# Grants


async def test_an_account_is_named_by_its_id_or_its_domain_in_any_case(database: Database) -> None:
    secrets = await initialised(database)
    account, credentials = await an_account(database)
    for tenant in (
        account.id,
        account.id.upper(),
        "production.quay.example",
        "PRODUCTION.QUAY.example",
        "adfs",
    ):
        bearer = await bearer_of(database, secrets, credentials, tenant)
        assert (bearer.tenant_id, bearer.application_id) == (account.id, credentials.client_id)


async def test_grants_are_refused_across_tenants(database: Database) -> None:
    secrets = await initialised(database)
    account, credentials = await an_account(database)
    other, _ = await an_account(database, "sandbox")
    publisher = await a_publisher(database)
    for asker, tenant, problem in (
        (credentials, other.id, GrantProblem.CLIENT_UNKNOWN),
        (credentials, PUBLISHER_TENANT, GrantProblem.CLIENT_UNKNOWN),
        (credentials, "nowhere.example", GrantProblem.TENANT_UNKNOWN),
        (publisher, account.id, GrantProblem.CLIENT_UNKNOWN),
        (Credentials(IDS.guid(), "x"), account.id, GrantProblem.CLIENT_UNKNOWN),
        (Credentials(credentials.client_id, "wrong"), account.id, GrantProblem.CREDENTIAL_WRONG),
    ):
        refusal = await asked(database, secrets, asker, tenant)
        assert isinstance(refusal, GrantRefusal)
        assert refusal.problem is problem, (tenant, problem)


async def test_a_publisher_gets_a_token_of_its_own_tenant(database: Database) -> None:
    secrets = await initialised(database)
    credentials = await a_publisher(database)
    assert credentials.client_id == PUBLISHER_CLIENT.lower()
    for tenant in (PUBLISHER_TENANT, PUBLISHER_TENANT.upper(), "adfs"):
        bearer = await bearer_of(database, secrets, credentials, tenant, rules.PUBLISHER_RESOURCE)
        assert (bearer.tenant_id, bearer.application_id) == (PUBLISHER_TENANT, credentials.client_id)


async def test_secrets_of_applications_have_256_bits_and_are_not_stored(database: Database) -> None:
    _, first = await an_account(database)
    _, second = await an_account(database, "sandbox")
    assert first.client_secret != second.client_secret
    assert len(first.client_secret) == 43
    stored = " ".join(row["text"] for row in await database.read(lambda tx: tx.all(STORED_TEXTS)))
    assert first.client_secret not in stored
    assert first.client_secret not in repr(first)


# Tokens for the command line


async def cli_bearer(
    database: Database,
    secrets: Secrets,
    audience: str,
    *,
    account: str | None = None,
    user: str | None = None,
    publisher: str | None = None,
) -> Principal:
    issue = partial(
        service.issue_for_cli,
        secrets=secrets,
        wall=WALL,
        base_url="http://127.0.0.1",
        account=account,
        user=user,
        publisher=publisher,
    )
    token = await database.read(issue)
    return tokens.verify(secrets, token, WALL, audience=audience, base_url=BASE_URL)


async def test_the_command_line_gets_tokens_for_everyone(database: Database) -> None:
    secrets = await initialised(database)
    account, credentials = await an_account(database)
    await a_publisher(database)
    user = await database.write(
        partial(
            service.create_user,
            account_id=account.id,
            user_name="Ada@Quay.example",
            display_name="Ada Quay",
            roles=frozenset({Role.ADMIN_AGENTS, Role.GLOBAL_ADMIN}),
            ids=IDS,
            wall=WALL,
        )
    )
    app_only = await cli_bearer(database, secrets, "partner", account="Production")
    assert (app_only.tenant_id, app_only.user_id) == (account.id, None)
    assert app_only.application_id == credentials.client_id
    signed_in = await cli_bearer(database, secrets, "partner", account="production", user="ADA@quay.example")
    assert (signed_in.user_id, signed_in.user_name) == (user.id, "ada@quay.example")
    assert signed_in.roles == user.roles
    assert signed_in.has_mfa
    for name in ("northbeam", "Northbeam Labs"):
        publisher = await cli_bearer(database, secrets, "publisher", publisher=name)
        assert publisher.tenant_id == PUBLISHER_TENANT
    operator = await cli_bearer(database, secrets, "operator")
    assert operator.tenant_id == secrets.server_id


async def test_names_that_the_command_line_cannot_mean(database: Database) -> None:
    secrets = await initialised(database)
    await an_account(database)
    await database.write(lambda tx: service.create_account(tx, account_draft("empty"), ids=IDS, wall=WALL))
    for names in (
        {"account": "nobody"},
        {"account": "production", "user": "nobody@quay.example"},
        {"account": "empty"},
        {"publisher": "nobody"},
    ):
        with pytest.raises(Refusal) as refused:
            await cli_bearer(database, secrets, "partner", **names)
        assert refused.value.code is Code.NAME_UNKNOWN
        assert str(refused.value.facts["name"]) in refused.value.description


# Accounts and their settings


async def test_accounts_are_listed_by_name_and_in_pages(database: Database) -> None:
    for name in ("production", "sandbox", "a-third"):
        await an_account(database, name)
    listed = await database.read(partial(service.list_accounts, after="", most=2))
    assert [record.account.name for record in listed] == ["a-third", "production"]
    listed = await database.read(partial(service.list_accounts, after="production", most=2))
    assert [record.account.name for record in listed] == ["sandbox"]
    assert listed[0].organization == account_draft("sandbox").organization
    assert listed[0].account.domain == "sandbox.quay.example"


async def test_an_account_with_wrong_settings_is_not_created(database: Database) -> None:
    draft = account_draft(overrides={"mfa": "maybe"})
    with pytest.raises(Refusal) as refused:
        await database.write(lambda tx: service.create_account(tx, draft, ids=IDS, wall=WALL))
    assert refused.value.facts["member"] == "mfa"
    assert await database.read(partial(service.list_accounts, after="", most=9)) == []


async def changed(database: Database, change: SettingsChange) -> AccountSettings:
    record = await database.write(partial(service.update_settings, ctx=CTX, name="sandbox", change=change))
    stored = await database.read(partial(service.require_account, name="sandbox"))
    assert stored == record
    return stored.account.settings


async def test_settings_change_from_the_next_request_on(database: Database) -> None:
    draft = account_draft("sandbox", AccountKind.SANDBOX)
    await database.write(lambda tx: service.create_account(tx, draft, ids=IDS, wall=WALL))
    settings = await changed(database, SettingsChange(profile=Profile.FAITHFUL))
    assert (settings.order_list_delay_seconds, settings.limit_customers) == (900, 75)
    settings = await changed(database, SettingsChange(set={"limit_customers": None, "mfa": "enforce"}))
    assert (settings.order_list_delay_seconds, settings.limit_customers) == (900, None)
    settings = await changed(database, SettingsChange(reset=frozenset({"limit_customers"})))
    assert (settings.limit_customers, settings.mfa) == (75, "enforce")


async def test_each_change_of_settings_is_in_the_journal(database: Database) -> None:
    account, _ = await an_account(database)
    change = SettingsChange(set={"limit_customers": 5})
    await database.write(partial(service.update_settings, ctx=CTX, name="production", change=change))
    entries = await database.read(
        partial(audit.read, account_id=OPERATOR_ACCOUNT.id, after_sequence=0, limit=10)
    )
    assert [entry.entry.subject_id for entry in entries] == [account.id]
    assert "limit_customers" in (entries[0].entry.after or "")


@pytest.mark.parametrize(
    "change",
    [
        SettingsChange(set={"colour": "red"}),
        SettingsChange(set={"limit_customers": -1}),
        SettingsChange(reset=frozenset({"colour"})),
    ],
)
async def test_a_wrong_change_of_settings_changes_nothing(database: Database, change: SettingsChange) -> None:
    await an_account(database)
    before = await database.read(partial(service.require_account, name="production"))
    with pytest.raises(Refusal) as refused:
        await database.write(partial(service.update_settings, ctx=CTX, name="production", change=change))
    assert refused.value.code is Code.INVALID_PROPERTY
    assert await database.read(partial(service.require_account, name="production")) == before
