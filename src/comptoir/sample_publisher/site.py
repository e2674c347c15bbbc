"""What the publisher serves: a landing page for customers, a webhook for the marketplace, a little JSON.

Plain ASGI, so that it runs anywhere: ``uvicorn`` here, another server or framework elsewhere.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import httpx2

from comptoir.sample_publisher import pages
from comptoir.sample_publisher.book import Book, Habit, UsedKey, this_hour, usage_event
from comptoir.sample_publisher.marketplace import Marketplace, Refused

logger = logging.getLogger(__name__)

BODY_MAX = 262_144
ACCEPTED = "Accepted"
FLAT_RATE_QUANTITY = 1
"""What a webhook says where an operation has no quantity."""

TO_ACKNOWLEDGE = frozenset({"ChangePlan", "ChangeQuantity", "Reinstate"})
"""What the marketplace asks about; of everything else it only tells."""

OWN_CALLS = frozenset({("POST", "/habit"), ("POST", "/use"), ("POST", "/report")})
"""What the publisher's own systems call. No page of another site can have a browser send JSON here."""

NOT_FOR_US = frozenset({403, 404})
"""The marketplace's answers about what is another publisher's, or nobody's."""

Json = Any
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class BadLink(Exception):
    """The landing page was opened with a token that is none, or too old, or another publisher's."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as this publisher needs it."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def form(self) -> Mapping[str, str]:
        return {name: values[-1] for name, values in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True, slots=True)
class Said:
    """An answer."""

    body: str
    status: int = 200
    content_type: str = "text/html; charset=utf-8"


@dataclass(slots=True)
class Site:
    """The ASGI application of one publisher."""

    marketplace: Marketplace
    book: Book
    now: Callable[[], datetime]
    acknowledged_after_seconds: float = 0.3
    """The marketplace wants the answer to its webhook first."""

    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        said = await self._answer(scope, await _body(receive))
        headers = [(b"content-type", said.content_type.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": said.status, "headers": headers})
        await send({"type": "http.response.body", "body": said.body.encode()})

    async def _answer(self, scope: Scope, body: bytes | None) -> Said:
        routes = {
            ("GET", "/"): self._overview,
            ("GET", "/start"): self._land,
            ("POST", "/activate"): self._activate,
            ("POST", "/hooks/marketplace"): self._hear,
            ("GET", "/events"): self._events,
            ("POST", "/habit"): self._take_habit,
            ("POST", "/use"): self._use,
            ("POST", "/report"): self._report,
        }
        key = (scope["method"], scope["path"])
        handler = routes.get(key)
        if handler is None:
            return Said("There is no such page.", 404)
        if body is None:
            return Said("That is too long.", 413)
        query = {
            name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()
        }
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if key in OWN_CALLS and not _is_json(headers.get("content-type", "")):
            return Said("JSON is expected.", 415, "text/plain; charset=utf-8")
        try:
            return await handler(Asked(query, headers, body))
        except BadLink:
            return Said(pages.page("This link is not good any more", "<p>Ask for a new one.</p>"), 400)
        except Refused as refused:
            return Said(pages.page("The marketplace said no", pages.table([(refused,)])), 502)
        except httpx2.HTTPError as error:
            logger.warning("the marketplace cannot be reached: %s", error)
            return Said(pages.page("The marketplace cannot be reached"), 502)
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            return Said(f"That cannot be read: {error!r}", 400, "text/plain; charset=utf-8")

    async def _overview(self, _asked: Asked) -> Said:
        return Said(pages.overview(await self.marketplace.subscriptions(), len(self.book.events)))

    async def _land(self, asked: Asked) -> Said:
        """Where the activation link leads: the token says what was bought."""
        token = asked.query.get("token", "")
        return Said(pages.purchase(await self._resolve(token), token))

    async def _activate(self, asked: Asked) -> Said:
        """The landing page's button. Whoever has the token may set up what was bought, and no more."""
        token = asked.form().get("token", "")
        resolved = await self._resolve(token)
        await self.marketplace.activate(resolved["id"], resolved["planId"])
        return Said(pages.purchase(await self._resolve(token), token))

    async def _resolve(self, token: str) -> Json:
        try:
            return await self.marketplace.resolve(token)
        except Refused as refused:
            if refused.status in NOT_FOR_US or refused.status == 400:
                raise BadLink from refused
            raise

    async def _hear(self, asked: Asked) -> Said:
        """A webhook: believed only with a good token, and as the marketplace itself tells the operation."""
        if not await self.marketplace.is_genuine(asked.headers.get("authorization", "")):
            return Said("", 401)
        event = json.loads(asked.body)
        if not await self._is_true(event):
            return Said("", 401)
        self.book.events.append(event)
        if self.book.habit is Habit.BREAK:
            return Said("", 500)
        if event["action"] in TO_ACKNOWLEDGE:
            return self._meet(event)
        return Said("")

    async def _is_true(self, event: Mapping[str, Any]) -> bool:
        """Whether the marketplace knows the operation as the webhook tells it."""
        try:
            operation = await self.marketplace.operation(event["subscriptionId"], event["id"])
        except Refused as refused:
            if refused.status in NOT_FOR_US:
                return False
            raise
        same = all(operation.get(name) == event[name] for name in ("action", "planId"))
        return same and operation.get("quantity", FLAT_RATE_QUANTITY) == event.get("quantity")

    def _meet(self, event: Mapping[str, Any]) -> Said:
        match self.book.habit:
            case Habit.REFUSE:
                return Said("", 400)
            case Habit.ACKNOWLEDGE | Habit.FAIL:
                task = asyncio.create_task(self._acknowledge(event, self.book.habit is Habit.ACKNOWLEDGE))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        return Said("")

    async def _acknowledge(self, event: Mapping[str, Any], success: bool) -> None:
        """Say how it went, once the webhook has its answer."""
        await asyncio.sleep(self.acknowledged_after_seconds)
        try:
            await self.marketplace.acknowledge(event["subscriptionId"], event["id"], success=success)
        except (Refused, httpx2.HTTPError) as error:
            logger.warning("the operation %s could not be acknowledged: %s", event["id"], error)

    async def _events(self, _asked: Asked) -> Said:
        return _json(list(self.book.events))

    async def _take_habit(self, asked: Asked) -> Said:
        """Change how changes are met: ``{"habit": "refuse"}``."""
        self.book.habit = Habit(json.loads(asked.body)["habit"])
        return _json({"habit": self.book.habit})

    async def _use(self, asked: Asked) -> Said:
        """Count units: ``{"subscription", "dimension", "units", "at"?}``, for the subscription's plan."""
        used = json.loads(asked.body, parse_float=Decimal)
        units = Decimal(used["units"])
        at = datetime.fromisoformat(used["at"]) if "at" in used else self.now()
        if not (units.is_finite() and units > 0) or at.tzinfo is None:
            raise ValueError("units are more than 0, and a time has an offset")
        subscription = await self.marketplace.subscription(used["subscription"])
        key = UsedKey(subscription["id"], subscription["planId"], used["dimension"], this_hour(at))
        return _json({"units": str(self.book.use(key, units, at))})

    async def _report(self, _asked: Asked) -> Said:
        """Report everything now, the running hour too: what comes in the same hour later is a duplicate."""
        return _json(await self.report(datetime.max.replace(tzinfo=UTC)))

    async def report(self, before: datetime) -> list[Json]:
        """Report everything that was used in hours that began before ``before``; the results."""
        results: list[Json] = []
        while taken := self.book.take(before):
            try:
                came_back = await self.marketplace.report([usage_event(*each) for each in taken])
            except BaseException:  # even if we are ended meanwhile
                self.book.give_back(taken)
                raise
            for each, result in zip(taken, came_back, strict=False):
                if result["status"] != ACCEPTED:
                    logger.warning("usage of %s was not taken: %s", each[0], result)
                    self.book.untaken.append({**result, "quantity": str(each[1].units)})
            results += came_back
        return results

    async def finish(self) -> None:
        """Say what is still to be said."""
        await asyncio.gather(*self._tasks)

    async def report_forever(self, seconds: float) -> None:
        """Report hours that are over, again and again."""
        while True:
            await asyncio.sleep(seconds)
            try:
                for result in await self.report(this_hour(self.now())):
                    logger.info("usage of %s: %s", result.get("resourceId"), result.get("status"))
            except (Refused, httpx2.HTTPError) as error:
                logger.warning("usage could not be reported yet: %s", error)


async def _body(receive: Receive) -> bytes | None:
    """The whole body, ``None`` for one that is too long."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > BODY_MAX:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _json(value: object) -> Said:
    return Said(json.dumps(value), content_type="application/json; charset=utf-8")
