"""What commands do with an installation: through its running server where there is one, else directly."""

import json
from collections.abc import Sequence
from functools import partial

import httpx2

from comptoir.bootstrap.opening import CannotOpen, CommandRefused, load_secrets, opened, server_file
from comptoir.bootstrap.server import make_context, make_services
from comptoir.catalog import service_import
from comptoir.catalog.model import FileError
from comptoir.clock import service as clock
from comptoir.core.accounts import OPERATOR_ACCOUNT
from comptoir.core.context import Actor
from comptoir.core.errors import Refusal
from comptoir.customers import service as customers
from comptoir.customers.model import CustomerStanding
from comptoir.db import Database, Tx
from comptoir.identity import service as identity
from comptoir.settings import Settings

COMMAND = Actor(application_id="command")
"""Who the journal names for what a command changes."""

UPLOAD_SECONDS_MAX = 120


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


def check_catalogue(files: Sequence[tuple[str, str]]) -> list[FileError]:
    """Every fault of catalogue files as they stand, by file and line."""
    return service_import.check_files(files)


async def import_catalogue(settings: Settings, files: Sequence[tuple[str, str]]) -> str:
    """Import catalogue files and say what changed; by the server that holds the database, if one does."""
    running = _running_server(settings)
    if running is not None:
        return await _upload(running, files)
    async with opened(settings) as database:
        summary = await _import_here(settings, database, files)
    return str(summary)


async def _import_here(settings: Settings, database: Database, files: Sequence[tuple[str, str]]) -> str:
    services = await make_services(database, settings)
    ctx = make_context(services, OPERATOR_ACCOUNT, COMMAND, clock.wall_now())
    try:
        return str(await database.write(partial(service_import.import_files, ctx=ctx, files=files)))
    except Refusal as refusal:
        raise CommandRefused(refusal.description) from refusal


def _running_server(settings: Settings) -> dict[str, str] | None:
    """Address and key of the server that holds this database, if there is one."""
    try:
        running = json.loads(server_file(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {"address": str(running["address"]), "key": str(running["key"])}


async def _upload(running: dict[str, str], files: Sequence[tuple[str, str]]) -> str:
    body = {"files": [{"name": name, "text": text} for name, text in files]}
    headers = {"Authorization": f"Bearer {running['key']}"}
    try:
        async with httpx2.AsyncClient(base_url=running["address"], timeout=UPLOAD_SECONDS_MAX) as client:
            reply = await client.post("/operator/v1/catalog/import", json=body, headers=headers)
    except httpx2.HTTPError as error:
        raise CannotOpen(f"the server at {running['address']} does not answer: {error}") from error
    if reply.status_code != httpx2.codes.OK:
        raise CommandRefused(reply.json()["description"])
    return f"The server imported the catalogue: {reply.json()}"
