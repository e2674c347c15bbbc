"""Making a new installation, with or without the sample marketplace, and unmaking it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import msgspec

from comptoir.api import exporter
from comptoir.audit import service as audit
from comptoir.billing import service_reference_import
from comptoir.bootstrap import sample
from comptoir.bootstrap.opening import CannotOpen, CommandRefused, exists, located, mendable
from comptoir.bootstrap.running import server_file
from comptoir.bootstrap.server import assemble, export_folder, make_context
from comptoir.catalog import service as catalog
from comptoir.catalog import service_import
from comptoir.clock import moving
from comptoir.clock import service as clock
from comptoir.core.accounts import OPERATOR_ACCOUNT, Account, AccountKind
from comptoir.core.context import Actor, Context, Role
from comptoir.core.errors import Refusal
from comptoir.core.ids import Ids
from comptoir.customers import service as customers
from comptoir.customers import service_agreements as agreements
from comptoir.customers.agreements import template_of
from comptoir.customers.model import AgreementDraft, AgreementType, Contact
from comptoir.db import Database, Tx, migrate
from comptoir.db.engines import explained, open_database
from comptoir.identity import service as identity
from comptoir.settings import Settings

INIT = Actor(application_id="init")
"""Who the journal names for what ``comptoir init`` makes."""

APPLICATION_NAME = "First application"


class AlreadyInitialised(Exception):
    """The database holds a marketplace already."""


class MadeApplication(msgspec.Struct, rename="camel"):
    """Credentials, shown this once."""

    client_id: str
    client_secret: str


class MadeUser(msgspec.Struct, rename="camel"):
    name: str
    role: Role


class MadeCustomer(msgspec.Struct, rename="camel"):
    id: str
    name: str
    country: str


class MadeAccount(msgspec.Struct, rename="camel"):
    name: str
    kind: AccountKind
    tenant_id: str
    country: str
    applications: list[MadeApplication]
    users: list[MadeUser]
    customers: list[MadeCustomer]


class MadePublisher(msgspec.Struct, rename="camel"):
    name: str
    id: str
    tenant_id: str
    client_id: str
    client_secret: str


class Made(msgspec.Struct, rename="camel"):
    """What ``comptoir init --json`` prints."""

    accounts: list[MadeAccount]
    publishers: list[MadePublisher]


async def initialise(
    settings: Settings, *, with_sample: bool, seed: int | None, clock_at: datetime | None = None
) -> Made:
    """Make a new installation in one transaction: all of it or nothing.

    With a seed the ids repeat, the secrets never do. The sandbox's clock stands still at ``clock_at``, or
    follows the wall. Raises ``AlreadyInitialised``, ``CannotOpen``, ``CommandRefused``.
    """
    try:
        moving.require_start(clock_at or moving.EARLIEST)
    except Refusal as refusal:
        raise CommandRefused(refusal.description) from refusal
    location = located(settings)
    with mendable(settings):
        if await _is_initialised(settings):
            raise AlreadyInitialised
        await migrate.prepare(settings.database)
        database = await open_database(settings.database, before_commit=audit.append)
    work = partial(
        _make, settings=settings, with_sample=with_sample, seed=seed, clock_at=clock_at, database=database
    )
    try:
        with mendable(settings), explained(location):
            return await database.write(work)
    except CannotOpen as error:
        if await _is_initialised(settings):  # another init was faster
            raise AlreadyInitialised from error
        raise
    finally:
        await database.close()


async def _is_initialised(settings: Settings) -> bool:
    """Looks only, so that an installation in use is recognised too and nothing of it is changed."""
    if not exists(settings) or await migrate.is_empty(settings.database):
        return False
    database = await open_database(settings.database, before_commit=audit.append, read_only=True)
    try:
        return await database.read(partial(identity.load_secrets, wall=clock.wall_now())) is not None
    finally:
        await database.close()


async def _make(
    tx: Tx,
    *,
    settings: Settings,
    with_sample: bool,
    seed: int | None,
    clock_at: datetime | None,
    database: Database,
) -> Made:
    ids, wall = Ids(seed), clock.wall_now()
    if await identity.load_secrets(tx, wall) is not None:
        raise AlreadyInitialised
    await identity.create_secrets(tx, ids=ids, wall=wall)
    secrets = await identity.load_secrets(tx, wall)
    assert secrets is not None
    services = assemble(database, secrets, settings, lambda: wall, ids)
    made = Made([], [])
    for description in sample.read_accounts() if with_sample else sample.DEFAULT_ACCOUNTS:
        draft = description.draft()
        if draft.kind is AccountKind.SANDBOX:
            draft = replace(draft, clock_at=clock_at)
        account = await identity.create_account(tx, draft, ids=ids, wall=wall)
        made.accounts.append(await _make_access(tx, account, description.users, ids, wall))
        if with_sample:
            ctx = make_context(services, account, INIT, account.clock.time_at(wall))
            made.accounts[-1].customers = await _make_customers(tx, ctx, sample.read_customers())
    if with_sample:
        ctx = make_context(services, OPERATOR_ACCOUNT, INIT, wall)
        made.publishers = await _make_catalogue(tx, ctx, sample.read_catalogue())
        await service_reference_import.import_files(tx, ctx, sample.read_rates())
    return made


async def _make_access(
    tx: Tx, account: Account, users: Sequence[sample.SampleUser], ids: Ids, wall: datetime
) -> MadeAccount:
    credentials = await identity.create_application(tx, account.id, APPLICATION_NAME, ids=ids, wall=wall)
    for user in users:
        await identity.create_user(
            tx, account.id, user.user_name, user.display_name, frozenset({user.role}), ids=ids, wall=wall
        )
    return MadeAccount(
        name=account.name,
        kind=account.kind,
        tenant_id=account.id,
        country=account.country,
        applications=[MadeApplication(credentials.client_id, credentials.client_secret)],
        users=[MadeUser(user.user_name, user.role) for user in users],
        customers=[],
    )


async def _make_customers(
    tx: Tx, ctx: Context, descriptions: Sequence[sample.SampleCustomer]
) -> list[MadeCustomer]:
    """The account's customers, each with a confirmed customer agreement."""
    template = template_of(AgreementType.MICROSOFT_CUSTOMER_AGREEMENT)
    made = []
    for description in descriptions:
        if description.account != ctx.account.name:
            continue
        customer = await customers.create(tx, ctx, description.draft())
        contact = Contact(
            first_name=description.contact.first_name,
            last_name=description.contact.last_name,
            email=description.contact.email,
            phone_number=description.contact.phone_number,
        )
        draft = AgreementDraft(contact, template.id, template.type, ctx.now)
        await agreements.confirm(tx, ctx, customer.id, draft)
        made.append(MadeCustomer(customer.id, customer.company_name, customer.country))
    return made


async def _make_catalogue(tx: Tx, ctx: Context, files: Sequence[tuple[str, str]]) -> list[MadePublisher]:
    """The catalogue, and an application for each of its publishers."""
    await service_import.import_files(tx, ctx, files)
    made = []
    for publisher in await catalog.publishers(tx):
        credentials = await identity.create_publisher_application(
            tx, publisher.id, publisher.application_id, publisher.name, wall=ctx.wall
        )
        made.append(
            MadePublisher(
                name=publisher.name,
                id=publisher.id,
                tenant_id=publisher.tenant_id,
                client_id=credentials.client_id,
                client_secret=credentials.client_secret,
            )
        )
    return made


async def reset(settings: Settings) -> None:
    """Delete the database file, or our tables in a PostgreSQL database; ``init`` makes them again.

    Raises ``CannotOpen``, also while a server holds the database.
    """
    if not exists(settings):
        raise CannotOpen(f"there is no database at {settings.database_label}")
    with mendable(settings):
        await migrate.remove(settings.database)
    server_file(settings).unlink(missing_ok=True)
    exporter.clear(export_folder(settings))
