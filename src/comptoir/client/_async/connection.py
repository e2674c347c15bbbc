"""The calls of one client: from an operation and its arguments to the typed answer."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

import httpx2

from comptoir.client import retry
from comptoir.client._async.pages import AsyncPages
from comptoir.client._async.sending import Sender
from comptoir.client._async.tokens import Tokens
from comptoir.client.errors import ComptoirError, UnexpectedReply, Unreachable
from comptoir.client.reply import read_error, read_reply
from comptoir.client.request import Argument, Request, located_request, make_request, next_request
from comptoir.client.surroundings import Surroundings, correlation_id
from comptoir.wire.operation import Operation
from comptoir.wire.operations import BY_ID
from comptoir.wire.types import Collection

T = TypeVar("T")


class Connection:
    """What the groups of calls share. ``headers`` go with every call."""

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        timeout: httpx2.Timeout,
        http: httpx2.AsyncClient,
        sender: Sender,
        tokens: Tokens,
        surroundings: Surroundings,
    ) -> None:
        self._base_url = base_url
        self._headers = headers
        self._timeout = timeout
        self._http = http
        self._sender = sender
        self._tokens = tokens
        self._surroundings = surroundings

    async def call(
        self,
        operation_id: str,
        kind: type[T],
        /,
        body: object = None,
        request_id: str | None = None,
        **arguments: Argument,
    ) -> T:
        """The answer of an operation, which is of ``kind``. Raises ``ComptoirError``."""
        operation = BY_ID[operation_id]
        assert operation.reply == kind, f"{operation_id} answers {operation.reply}, not {kind}"
        request = self._identified(make_request(operation, arguments, body), request_id)
        reply = await self._answer(request)
        if reply.status_code == 202 and not reply.content and "Location" in reply.headers:
            reply = await self._answer(self._identified(located_request(reply.headers["Location"])))
        return read_reply(reply.content, kind)

    async def run(
        self,
        operation_id: str,
        /,
        body: object = None,
        request_id: str | None = None,
        **arguments: Argument,
    ) -> None:
        """Call an operation that answers nothing. Raises ``ComptoirError``."""
        operation = BY_ID[operation_id]
        assert operation.reply is None, f"{operation_id} answers {operation.reply}"
        await self._answer(self._identified(make_request(operation, arguments, body), request_id))

    def pages(self, operation_id: str, kind: type[Collection[T]], /, **arguments: Argument) -> AsyncPages[T]:
        """The pages of an operation that answers a list, each of ``kind``."""
        operation = BY_ID[operation_id]
        assert operation.reply == kind, f"{operation_id} answers {operation.reply}, not {kind}"
        return AsyncPages(partial(self._pages, operation, kind, make_request(operation, arguments)))

    async def _pages(
        self, operation: Operation, kind: type[Collection[T]], first: Request
    ) -> AsyncIterator[Collection[T]]:
        """All pages carry one correlation id; each is a call with a request id of its own."""
        shared = correlation_id() or self._surroundings.new_id()
        following: Request | None = first
        while following is not None:
            identified = self._identified(following, correlation=shared)
            page = read_reply((await self._answer(identified)).content, kind)
            yield page
            following = next_request(operation, following, page)

    def _identified(
        self, request: Request, request_id: str | None = None, correlation: str | None = None
    ) -> Request:
        """The request with everything but its token. Its ids stay the same however often it is sent."""
        headers = {
            **request.headers,
            **self._headers,
            "MS-RequestId": request_id or self._surroundings.new_id(),
            "MS-CorrelationId": correlation or correlation_id() or self._surroundings.new_id(),
        }
        if request.content is not None:
            headers["Content-Type"] = "application/json"
        return replace(request, headers=headers)

    async def _answer(self, request: Request) -> httpx2.Response:
        """The answer of a call that succeeded."""
        ids = {
            "request_id": request.headers["MS-RequestId"],
            "correlation_id": request.headers["MS-CorrelationId"],
        }
        what = f"{request.method} {request.path} (correlation {ids['correlation_id']})"
        try:
            reply = await self._sender.send(partial(self._attempt, request), what)
        except Unreachable as error:
            raise Unreachable(str(error), **ids) from error.__cause__
        except httpx2.RequestError as error:
            raise UnexpectedReply(f"{what}: {error}", **ids) from error
        if 200 <= reply.status_code < 300:
            return reply
        wait = retry.retry_after_seconds(reply.headers.get("Retry-After"), self._surroundings.now())
        raise read_error(reply.status_code, reply.content, retry_after_seconds=wait, **ids)

    async def _attempt(self, request: Request) -> httpx2.Response:
        """Send a request, and once more with another token if the service refuses this one."""
        token = await self._tokens.current()
        reply = await self._send(request, token)
        if reply.status_code == 401:
            other = await self._tokens.renewed(token)
            if other != token:
                reply = await self._send(request, other)
        return reply

    async def _send(self, request: Request, token: str) -> httpx2.Response:
        return await self._http.request(
            request.method,
            self._base_url + request.path,
            content=request.content,
            headers={**request.headers, "Authorization": f"Bearer {token}"},
            timeout=self._timeout,
            follow_redirects=False,
        )
