"""The ASGI application: from the socket to ``dispatch`` and back, with the ids and faults of every answer."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import parse_qsl, quote

from isal import igzip

from comptoir.api import faults, publisher, publisher_faults
from comptoir.api.call import Answer, Handler, Parameters
from comptoir.api.dispatch import Dispatcher, Incoming
from comptoir.api.limits import StormGuard, Throttled
from comptoir.api.services import Services
from comptoir.api.trace import Trace
from comptoir.core.errors import Code, Refusal
from comptoir.wire import codec
from comptoir.wire.types import ThrottleFault

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Lifespan = Callable[[], AbstractAsyncContextManager[None]]

QUERY_FIELDS_MAX = 64
GZIP_BYTES_MIN = 1_400
"""Smaller bodies fit into one packet anyway."""

GZIP_LEVEL = 1
COMPRESSED = "application/gzip"
"""What is compressed by itself, and is asked for by ranges of its own bytes."""

REPEATED_STATUSES = frozenset({429, 500, 503})
"""Answers that official clients repeat by themselves."""

SECRET_PATH = ("marketplace", "activate")
SHOWN_SECRET_PATH = f"/{'/'.join(SECRET_PATH)}/{{token}}"
"""The address whose rest is a credential: whoever has it may set a purchase up."""

PATH_CHARACTERS = "/:@!$&'()*+,;=-._~"
"""What a path holds without being escaped."""

log = logging.getLogger("comptoir.api")
access_log = logging.getLogger("comptoir.access")


class Application:
    """Serves every operation that has a handler. ``lifespan`` runs the worker beside the requests."""

    def __init__(self, services: Services, handlers: Mapping[str, Handler], lifespan: Lifespan) -> None:
        self._services = services
        self._settings = services.settings
        self._dispatcher = Dispatcher(services, handlers)
        self._storms = StormGuard()
        self._lifespan = lifespan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._respond(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._lifespan():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        headers = _headers(scope)
        is_publishers = publisher.owns(scope["path"])
        trace = (publisher.trace_of if is_publishers else Trace.of)(headers, self._services.ids)
        answer = _compressed(await self._answer(scope, receive, headers, trace), headers)
        ids = trace.headers(self._services.secrets.server_id)
        await _send_answer(send, answer, ids, is_head=scope["method"] == "HEAD")
        if self._settings.access_log:
            elapsed_ms = (time.perf_counter() - began) * 1000
            path = loggable(scope["path"])
            access_log.info("%s %s %d %.1f ms", scope["method"], path, answer.status, elapsed_ms)

    async def _answer(self, scope: Scope, receive: Receive, headers: Parameters, trace: Trace) -> Answer:
        path = scope["path"]
        refuse = publisher_faults.answer if publisher.owns(path) else faults.answer
        try:
            answer = await self._dispatcher.serve(self._incoming(scope, receive, headers), trace)
        except Refusal as refusal:
            answer = refuse(refusal)
        except Throttled as throttled:
            answer = _throttled(throttled)
        except Exception:
            shown = loggable(path)
            log.exception("%s %s failed (correlation %s)", scope["method"], shown, trace.correlation_id)
            answer = refuse(Refusal(Code.UNEXPECTED))
        if publisher.owns(path):
            return answer
        if answer.status not in REPEATED_STATUSES:
            self._storms.forget(trace.request_id, path)
        elif self._storms.must_end(trace.request_id, path, time.monotonic()):
            answer = faults.answer(Refusal(Code.ORDER_IN_PROGRESS, order_id="of this request"))
        return answer

    def _incoming(self, scope: Scope, receive: Receive, headers: Parameters) -> Incoming:
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self._settings.header_bytes_max:
            raise Refusal(Code.INVALID_INPUT, reason="the headers are too large.")

        async def read(bytes_max: int) -> bytes:
            return await _read_body(receive, bytes_max)

        return Incoming(scope["method"], scope["path"], _query(scope["query_string"]), headers, read)


def loggable(path: str) -> str:
    """A path as one line of a log may show it: nothing in it ends the line, and nothing opens a door."""
    segments = [segment for segment in path.split("/") if segment]
    if tuple(segment.lower() for segment in segments[: len(SECRET_PATH)]) == SECRET_PATH:
        return SHOWN_SECRET_PATH
    return quote(path, safe=PATH_CHARACTERS, errors="replace")


def _headers(scope: Scope) -> Parameters:
    return Parameters({name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]})


def _query(text: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            text.decode("latin-1"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX, errors="strict"
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise Refusal(Code.INVALID_INPUT, reason="the query cannot be read.") from error
    return dict(pairs)


async def _read_body(receive: Receive, bytes_max: int) -> bytes:
    chunks = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(Code.INVALID_INPUT, reason="the body ended early.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > bytes_max:
            raise Refusal(Code.INVALID_INPUT, reason=f"the body is larger than {bytes_max} bytes.")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _takes_gzip(headers: Parameters) -> bool:
    codings = (headers.get("Accept-Encoding") or "").lower().replace(" ", "").split(",")
    return any(coding == "gzip" or (coding.startswith("gzip;q=") and coding[7:] > "0") for coding in codings)


def _compressed(answer: Answer, headers: Parameters) -> Answer:
    """The answer in gzip where the caller takes it and it pays."""
    is_compressed = answer.content_type == COMPRESSED
    if is_compressed or len(answer.body) < GZIP_BYTES_MIN or not _takes_gzip(headers):
        return answer
    body = igzip.compress(answer.body, GZIP_LEVEL, mtime=0)
    more = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Answer(body, answer.status, answer.content_type, {**answer.headers, **more})


async def _send_answer(send: Send, answer: Answer, ids: Mapping[str, str], *, is_head: bool) -> None:
    headers = {"Content-Length": str(len(answer.body)), **ids, **answer.headers}
    if answer.body:
        headers["Content-Type"] = answer.content_type
    if answer.status == 204:
        del headers["Content-Length"]
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if is_head else answer.body})


def _throttled(throttled: Throttled) -> Answer:
    """429 without a code, always with whole seconds: .NET needs both (``00-cross-cutting`` section 11.2)."""
    message = f"Too many requests. Repeat after {throttled.retry_seconds} seconds."
    body = codec.encode(ThrottleFault(status_code=429, message=message))
    return Answer(body, 429, headers={"Retry-After": str(throttled.retry_seconds)})
