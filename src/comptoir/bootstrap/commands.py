"""What commands do with an installation.

What only reads opens the database beside a server. What writes calls the operator API: that of the server
which holds the database, else that of an application of our own over it, so that either does the same.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from comptoir.api.app import Application
from comptoir.bootstrap import running
from comptoir.bootstrap.opening import (
    CannotOpen,
    CommandRefused,
    HeldElsewhere,
    exists,
    load_secrets,
    opened,
)
from comptoir.bootstrap.server import make_services
from comptoir.bootstrap.wiring import HANDLERS
from comptoir.catalog import service_import
from comptoir.catalog.model import FileError, ImportSummary
from comptoir.clock import service as clock
from comptoir.core.errors import Refusal
from comptoir.customers import service as customers
from comptoir.customers.model import CustomerStanding
from comptoir.db import Tx
from comptoir.identity import service as identity
from comptoir.settings import Settings
from comptoir.wire.catalog import CatalogImport
from comptoir.wire.operator import ACCOUNTS, OperatorAccount, OperatorAccounts, SettingOnWire

T = TypeVar("T")


async def mint_token(
    settings: Settings, *, account: str | None = None, user: str | None = None, publisher: str | None = None
) -> str:
    """A bearer token for an account, a publisher, or with neither for the operator."""
    async with opened(settings, read_only=True) as database:
        work = partial(
            identity.issue_for_cli,
            secrets=await load_secrets(database),
            wall=clock.wall_now(),
            base_url=settings.public_base_url or "http://127.0.0.1",
            account=account,
            user=user,
            publisher=publisher,
        )
        try:
            return await database.read(work)
        except Refusal as refusal:
            raise CommandRefused(refusal.description) from refusal


async def list_customers(settings: Settings, account: str) -> list[CustomerStanding]:
    """The customers of the account with that name."""
    async with opened(settings, read_only=True) as database:

        async def work(tx: Tx) -> list[CustomerStanding]:
            record = await identity.require_account(tx, account)
            return await customers.list_for_cli(tx, record.account.id)

        try:
            return await database.read(work)
        except Refusal as refusal:
            raise CommandRefused(refusal.description) from refusal


async def check_catalogue(settings: Settings, files: Sequence[tuple[str, str]]) -> list[FileError]:
    """Every fault of catalogue files, by file and line: beside the stored catalogue where there is one."""
    if not exists(settings):
        return service_import.check_files(files)
    async with opened(settings, read_only=True) as database:
        return await database.read(partial(service_import.check_against, files=files))


async def import_catalogue(settings: Settings, files: Sequence[tuple[str, str]]) -> ImportSummary:
    """Import catalogue files that ``check_catalogue`` finds nothing wrong with, and say what changed."""
    body = {"files": [{"name": name, "text": text} for name, text in files]}
    async with _operator_api(settings) as client:
        answer = await _call(client, "POST", "/operator/v1/catalog/import", CatalogImport, body)
    return ImportSummary(**msgspec.structs.asdict(answer))


async def list_accounts(settings: Settings) -> list[OperatorAccount]:
    """Every account, by name."""
    accounts: list[OperatorAccount] = []
    async with _operator_api(settings) as client:
        path = ACCOUNTS
        while path:
            page = await _call(client, "GET", path, OperatorAccounts)
            accounts += page.items
            path = f"{ACCOUNTS}?after={quote(page.next_after)}" if page.next_after else ""
    return accounts


async def change_settings(
    settings: Settings, name: str, profile: str | None, overrides: dict[str, SettingOnWire]
) -> OperatorAccount:
    """Change an account's profile and settings, as ``SettingsBody`` describes, and give the account.

    Without anything to change it is only read.
    """
    account = f"{ACCOUNTS}/{quote(name, safe='')}"
    body = {"overrides": overrides} | ({} if profile is None else {"profile": profile})
    async with _operator_api(settings) as client:
        if profile is None and not overrides:
            return await _call(client, "GET", account, OperatorAccount)
        return await _call(client, "PATCH", f"{account}/settings", OperatorAccount, body)


@asynccontextmanager
async def _operator_api(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(await _operator_client(settings, stack))


async def _operator_client(settings: Settings, stack: AsyncExitStack) -> httpx2.AsyncClient:
    try:
        database = await stack.enter_async_context(opened(settings))
    except HeldElsewhere as held:
        server = running.find(settings)
        if server is None:
            raise CannotOpen(f"{held} (it is no server of Comptoir)") from held
        return server.client()
    services = await make_services(database, settings)
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(Application(services, HANDLERS, nullcontext)),
        base_url="http://command",
        headers={"Authorization": f"Bearer {services.operator_key}"},
    )


async def _call(client: httpx2.AsyncClient, method: str, path: str, kind: type[T], body: Any = None) -> T:
    """Call the operator API. Raises ``CommandRefused`` with its reason, ``CannotOpen`` if it is not there."""
    try:
        reply = await client.request(method, path, json=body)
    except (httpx2.HTTPError, OSError) as error:
        raise CannotOpen(f"the server at {client.base_url} does not answer: {error}") from error
    if reply.status_code != httpx2.codes.OK:
        raise CommandRefused(_reason(reply))
    return msgspec.json.decode(reply.content, type=kind)


def _reason(reply: httpx2.Response) -> str:
    try:
        return str(reply.json()["description"])
    except (ValueError, KeyError, TypeError):
        return f"the server answered {reply.status_code}"
