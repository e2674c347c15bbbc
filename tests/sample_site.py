"""The sample publisher in process, beside the marketplace under test; no network lies between them."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx2
import pytest

from comptoir.delivery.model import Message, Reply
from comptoir.sample_publisher.book import Book, Habit
from comptoir.sample_publisher.marketplace import Identity, Marketplace
from comptoir.sample_publisher.site import Site
from tests.market import BASE_URL, Json
from tests.publisher_desk import PUBLISHER, Desk

SITE = "http://publisher.test"


@dataclass
class Wire:
    """What the publisher reaches the marketplace by: notes the paths asked for, and can be cut."""

    application: Callable[[], httpx2.AsyncBaseTransport]
    asked: list[str] = field(default_factory=list)
    is_cut: bool = False

    async def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url.path)
        if self.is_cut:
            raise httpx2.ConnectError("it is cut")
        return await self.application().handle_async_request(request)


class _Transport(httpx2.AsyncBaseTransport):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._wire.handle(request)


@dataclass
class Loop:
    """The marketplace, the publisher's site, and a browser that opens it."""

    desk: Desk
    site: Site
    browser: httpx2.AsyncClient
    wire: Wire

    async def take(self, message: Message) -> Reply:
        """What the site answers to a webhook."""
        reply = await self.browser.post(message.url, content=message.body, headers=dict(message.headers))
        return Reply(reply.status_code, reply.text)

    async def post(self, path: str, body: Json) -> httpx2.Response:
        """A call of the site's own little API."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return await self.browser.post(path, content=content, headers=headers)

    def meet(self, habit: Habit) -> None:
        self.site.book.habit = habit

    @property
    def actions(self) -> list[str]:
        """What it was told and believed."""
        return [event["action"] for event in self.site.book.events]

    async def deliver(self) -> None:
        """Let the webhooks that are due come in, and the publisher say what it has to say to them."""
        await self.desk.market.deliver()
        await self.site.finish()


@asynccontextmanager
async def serve(desk: Desk, publisher: str = PUBLISHER) -> AsyncIterator[Loop]:
    """The site of a publisher, which its offers lead to."""
    rows = (await desk.market.get("/operator/v1/publishers", account="operator")).json()["items"]
    tenant = next(row["tenantId"] for row in rows if row["id"] == publisher)
    credentials = desk.credentials[publisher]
    identity = Identity(tenant, credentials.client_id, credentials.client_secret)
    wire = Wire(lambda: httpx2.ASGITransport(desk.market.application))
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx2.AsyncClient(transport=_Transport(wire)))
        site = Site(
            Marketplace(BASE_URL, identity, http, lambda: desk.market.now),
            Book(),
            lambda: desk.market.now,
            acknowledged_after_seconds=0,
        )
        transport = httpx2.ASGITransport(site)
        browser = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url=SITE))
        stack.push_async_callback(site.finish)
        yield Loop(desk, site, browser, wire)


async def point(desk: Desk, publisher: str = PUBLISHER) -> None:
    """Let the publisher's offers lead to its site."""
    body = {"landingPageUrl": f"{SITE}/start", "webhookUrl": f"{SITE}/hooks/marketplace"}
    path = f"/operator/v1/publishers/{publisher}/endpoints"
    reply = await desk.market.put(path, body, account="operator")
    assert reply.status_code == 200, reply.text


@asynccontextmanager
async def open_loop(desk: Desk) -> AsyncIterator[Loop]:
    """The site at work: links lead to it, and webhooks come in."""
    await point(desk)
    async with serve(desk) as loop:
        desk.market.receivers.answer = loop.take
        yield loop


@pytest.fixture
async def loop(desk: Desk) -> AsyncIterator[Loop]:
    """The site at work beside the desk of the test."""
    async with open_loop(desk) as opened:
        yield opened
