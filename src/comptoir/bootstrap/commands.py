"""What commands do with an installation.

What only reads opens the database beside a server. What writes calls the operator API: that of the server
which holds the database, else that of an application of our own over it, so that either does the same.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import httpx2
import msgspec

from comptoir.api.app import Application
from comptoir.billing import service_verify
from comptoir.billing.verifying import Offender, Proof
from comptoir.bootstrap import running
from comptoir.bootstrap.making import MadePublisher
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
from comptoir.wire.billing_operator import (
    InvoiceRun,
    InvoiceRunProgress,
    LineExplanation,
    OperatorInvoice,
    OperatorInvoices,
)
from comptoir.wire.catalog import CatalogImport
from comptoir.wire.clocks import Clock
from comptoir.wire.deliveries import DELIVERIES, Deliveries, Delivery, DeliveryLog
from comptoir.wire.metering import BatchUsageEventOk, UsageBatchItem, UsageCounters
from comptoir.wire.operator import ACCOUNTS, OperatorAccount, OperatorAccounts, SettingOnWire
from comptoir.wire.publishers import PUBLISHERS, OperatorPublisher
from comptoir.wire.rates import Rates, RatesImport
from comptoir.wire.rehearsal import PURCHASES, SUBSCRIPTION, RehearsedSubscription
from comptoir.worker import interrupt_advances

T = TypeVar("T")

_EXACT = msgspec.json.Encoder(decimal_format="number")
PROGRESS_SECONDS = 0.2
"""How often an advance of a clock is looked at, and how often one that is played moves on."""


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


async def import_rates(settings: Settings, files: Sequence[tuple[str, str]]) -> RatesImport:
    """Take files of exchange rates, tax rates and private offers over, and say how much they held."""
    body = {"files": [{"name": name, "text": text} for name, text in files]}
    async with _operator_api(settings) as client:
        return await _call(client, "POST", "/operator/v1/rates/import", RatesImport, body)


async def list_rates(settings: Settings) -> Rates:
    """The newest exchange rates and tax rates."""
    async with _operator_api(settings) as client:
        return await _call(client, "GET", "/operator/v1/rates", Rates)


async def point_publisher(
    settings: Settings, publisher_id: str, landing_page_url: str, webhook_url: str
) -> OperatorPublisher:
    """Let a publisher's offers lead to another landing page and webhook."""
    body = {"landingPageUrl": landing_page_url, "webhookUrl": webhook_url}
    path = f"{PUBLISHERS}/{quote(publisher_id, safe='')}/endpoints"
    async with _operator_api(settings) as client:
        return await _call(client, "PUT", path, OperatorPublisher, body)


async def register_publisher(settings: Settings, publisher_id: str) -> MadePublisher:
    """Draw a secret for a publisher's application, and register it. Nobody else sees it."""
    secret = identity.draw_client_secret()
    path = f"{PUBLISHERS}/{quote(publisher_id, safe='')}/secret"
    async with _operator_api(settings) as client:
        made = await _call(client, "PUT", path, OperatorPublisher, {"clientSecret": secret})
    return MadePublisher(made.name, made.id, made.tenant_id, made.application_id, secret)


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


async def list_deliveries(settings: Settings, wanted: dict[str, str], most: int) -> list[Delivery]:
    """The newest webhooks, narrowed by the query parameters in ``wanted``."""
    query = urlencode({**wanted, "size": most})
    async with _operator_api(settings) as client:
        page = await _call(client, "GET", f"{DELIVERIES}?{query}", Deliveries)
    return [*page.items]


async def read_delivery(settings: Settings, delivery_id: str) -> DeliveryLog:
    """A webhook with its body and its attempts."""
    async with _operator_api(settings) as client:
        return await _call(client, "GET", _delivery_path(delivery_id), DeliveryLog)


async def redeliver(settings: Settings, delivery_id: str) -> Delivery:
    """Have a webhook sent again."""
    async with _operator_api(settings) as client:
        return await _call(client, "POST", f"{_delivery_path(delivery_id)}/redeliver", Delivery)


async def buy_for_rehearsal(settings: Settings, wanted: dict[str, Any]) -> RehearsedSubscription:
    """Buy a plan for a test customer, as ``PurchaseBody`` describes."""
    async with _operator_api(settings) as client:
        return await _call(client, "POST", PURCHASES, RehearsedSubscription, wanted)


async def rehearse(
    settings: Settings, subscription_id: str, verb: str, body: dict[str, Any] | None
) -> RehearsedSubscription:
    """Do to a subscription what ``verb``, the last part of its path, says."""
    path = f"{SUBSCRIPTION.format(subscription_id=quote(subscription_id, safe=''))}/{verb}"
    async with _operator_api(settings) as client:
        return await _call(client, "GET" if verb == "link" else "POST", path, RehearsedSubscription, body)


def _delivery_path(delivery_id: str) -> str:
    return f"{DELIVERIES}/{quote(delivery_id, safe='')}"


async def add_usage(settings: Settings, account: str, event: dict[str, str]) -> UsageBatchItem:
    """Add usage to an account, and tell what became of it; ``event`` is as ``UsageEventBody`` describes."""
    path = f"{ACCOUNTS}/{quote(account, safe='')}/usage"
    async with _operator_api(settings) as client:
        (added,) = (await _call(client, "POST", path, BatchUsageEventOk, {"request": [event]})).result
    return added


async def read_usage(settings: Settings, account: str, subscription_id: str) -> UsageCounters:
    """What a subscription used in its current term."""
    path = f"{ACCOUNTS}/{quote(account, safe='')}/subscriptions/{quote(subscription_id, safe='')}/usage"
    async with _operator_api(settings) as client:
        return await _call(client, "GET", path, UsageCounters)


async def read_clock(settings: Settings, name: str) -> Clock:
    """An account's clock."""
    async with _operator_api(settings) as client:
        return await _call(client, "GET", _clock_path(name), Clock)


async def set_clock(settings: Settings, name: str, verb: str) -> Clock:
    """Have an account's clock ``freeze`` or ``run``, or ``retry`` the work that was given up."""
    async with _operator_api(settings) as client:
        return await _call(client, "POST", f"{_clock_path(name)}/{verb}", Clock)


async def advance_clock(
    settings: Settings, name: str, move: dict[str, str], show: Callable[[Clock], None]
) -> Clock:
    """Advance an account's clock ``to`` an instant or ``by`` a duration, and ``show`` how far it has come."""
    async with _operator_api(settings) as client:
        moving = asyncio.create_task(_advance(client, name, move))
        try:
            while not (await asyncio.wait({moving}, timeout=PROGRESS_SECONDS))[0]:
                show(await _call(client, "GET", _clock_path(name), Clock))
            return await moving
        finally:
            moving.cancel()


async def play_clock(
    settings: Settings, name: str, scale: int, until: datetime | None, show: Callable[[Clock], None]
) -> Clock:
    """Have an account's clock go ``scale`` times as fast as the wall's, until then or until interrupted.

    Ends early where work fails. Afterwards the clock is frozen or running, as it was before.
    """
    async with _operator_api(settings) as client:
        path = _clock_path(name)
        before = await _call(client, "GET", path, Clock)
        clock = await _call(client, "POST", f"{path}/freeze", Clock)
        began, start = time.monotonic(), clock.now
        try:
            while until is None or clock.now < until:
                await asyncio.sleep(PROGRESS_SECONDS)
                target = start + scale * timedelta(seconds=time.monotonic() - began)
                target = target if until is None else min(target, until)
                clock = await _advance(client, name, {"to": target.isoformat()})
                show(clock)
                if clock.now < target:
                    break
        finally:
            if before.state == "running":
                clock = await _call(client, "POST", f"{path}/run", Clock)
        return clock


async def verify_books(settings: Settings, account: str | None) -> Proof | Offender:
    """Prove the books of every account, or of one, beside a server."""
    async with opened(settings, read_only=True) as database:
        try:
            return await database.report(partial(service_verify.verify, account_name=account))
        except Refusal as refusal:
            raise CommandRefused(refusal.description) from refusal


async def explain_line(settings: Settings, invoice: str, line: str) -> LineExplanation:
    """Why a line of a document, by its number or id, says what it says."""
    path = f"/operator/v1/invoices/{quote(invoice, safe='')}/lines/{quote(line, safe='')}/explanation"
    async with _operator_api(settings) as client:
        return await _call(client, "GET", path, LineExplanation, seconds_max=None)


async def list_invoices(settings: Settings, account: str) -> list[OperatorInvoice]:
    """Every document of an account by date."""
    found: list[OperatorInvoice] = []
    async with _operator_api(settings) as client:
        path = _invoices_path(account)
        while path:
            page = await _call(client, "GET", path, OperatorInvoices)
            found += page.items
            path = f"{_invoices_path(account)}?after={quote(page.next_after)}" if page.next_after else ""
    return found


async def get_invoice(settings: Settings, account: str, invoice: str) -> OperatorInvoice:
    """A document of an account."""
    async with _operator_api(settings) as client:
        return await _call(client, "GET", _invoices_path(account, invoice), OperatorInvoice)


async def change_invoice(
    settings: Settings, account: str, invoice: str, action: str, body: dict[str, Any]
) -> OperatorInvoice:
    """Record a payment, bill a document anew or credit something of it; the document that comes of it."""
    path = f"{_invoices_path(account, invoice)}/{action}"
    exact = _EXACT.encode(body)
    async with _operator_api(settings) as client:
        return await _call(client, "POST", path, OperatorInvoice, exact, seconds_max=None)


async def run_invoices(
    settings: Settings, account: str, body: dict[str, Any], show: Callable[[InvoiceRunProgress], None]
) -> InvoiceRun:
    """Issue an account's invoices, or preview them, and ``show`` how far they have come."""
    async with _operator_api(settings) as client:
        path = f"{_invoices_path(account)}/run"
        running_now = asyncio.create_task(_call(client, "POST", path, InvoiceRun, body, seconds_max=None))
        try:
            while not (await asyncio.wait({running_now}, timeout=PROGRESS_SECONDS))[0]:
                show(await _call(client, "GET", path, InvoiceRunProgress, seconds_max=None))
            return await running_now
        finally:
            running_now.cancel()


def _invoices_path(account: str, invoice: str = "") -> str:
    path = f"{ACCOUNTS}/{quote(account, safe='')}/invoices"
    return f"{path}/{quote(invoice, safe='')}" if invoice else path


def _clock_path(name: str) -> str:
    return f"{ACCOUNTS}/{quote(name, safe='')}/clock"


async def _advance(client: httpx2.AsyncClient, name: str, move: dict[str, str]) -> Clock:
    """However long it takes."""
    return await _call(client, "POST", f"{_clock_path(name)}/advance", Clock, move, seconds_max=None)


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
    stack.push_async_callback(interrupt_advances, services.worker)
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(Application(services, HANDLERS, nullcontext)),
        base_url="http://command",
        headers={"Authorization": f"Bearer {services.operator_key}"},
    )


async def _call(
    client: httpx2.AsyncClient,
    method: str,
    path: str,
    kind: type[T],
    body: Any = None,
    *,
    seconds_max: float | None = running.ANSWER_SECONDS_MAX,
) -> T:
    """Call the operator API; a body of bytes is JSON already.

    Raises ``CommandRefused`` with its reason, ``CannotOpen`` if it is not there.
    """
    is_json = isinstance(body, bytes)
    sent = {"content": body, "headers": {"Content-Type": "application/json"}} if is_json else {"json": body}
    try:
        reply = await client.request(method, path, timeout=seconds_max, **sent)
    except (httpx2.HTTPError, OSError) as error:
        raise CannotOpen(f"the server at {client.base_url} does not answer: {error}") from error
    if not reply.is_success:
        raise CommandRefused(_reason(reply))
    return msgspec.json.decode(reply.content, type=kind)


def _reason(reply: httpx2.Response) -> str:
    try:
        return str(reply.json()["description"])
    except (ValueError, KeyError, TypeError):
        return f"the server answered {reply.status_code}"
