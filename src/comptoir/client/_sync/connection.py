# Made from ../_async by tools/generate.py; do not edit.
"""The calls of one client: from an operation and its arguments to the typed answer."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

import httpx2

from comptoir.client import retry
from comptoir.client._sync.pages import Pages
from comptoir.client._sync.sending import Sender
from comptoir.client._sync.tokens import Tokens
from comptoir.client.reply import read_error, read_reply
from comptoir.client.request import Argument, Request, located_request, make_request, next_request
from comptoir.client.surroundings import CORRELATION_ID, REQUEST_ID, Surroundings, correlation_id, named
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
        sender: Sender,
        tokens: Tokens,
        surroundings: Surroundings,
    ) -> None:
        self._base_url = base_url
        self._headers = headers
        self._sender = sender
        self._tokens = tokens
        self._surroundings = surroundings

    def call(
        self,
        operation_id: str,
        kind: type[T],
        /,
        body: object = None,
        request_id: str | None = None,
        **arguments: Argument,
    ) -> T:
        """The answer of an operation, which is of ``kind``. Raises ``ComptoirError``."""
        request = make_request(_operation(operation_id, kind), arguments, body)
        return self._read(request, kind, self._ids(request_id))

    def run(
        self,
        operation_id: str,
        /,
        body: object = None,
        request_id: str | None = None,
        **arguments: Argument,
    ) -> None:
        """Call an operation that answers nothing. Raises ``ComptoirError``."""
        request = make_request(_operation(operation_id, None), arguments, body)
        self._answer(request, self._ids(request_id))

    def pages(self, operation_id: str, kind: type[Collection[T]], /, **arguments: Argument) -> Pages[T]:
        """The pages of an operation that answers a list, each of ``kind``.

        All of them carry the correlation id of where the list was asked for; each is a call of its own.
        """
        operation = _operation(operation_id, kind)
        correlation = self._ids()[CORRELATION_ID]

        def turn(request: Request) -> tuple[Collection[T], Request | None]:
            page = self._read(request, kind, {**self._ids(), CORRELATION_ID: correlation})
            return page, next_request(operation, request, page)

        return Pages(make_request(operation, arguments), turn)

    def _ids(self, request_id: str | None = None) -> dict[str, str]:
        """The ids of a new call (section 2). They stay the same however often it is sent."""
        new_id = self._surroundings.new_id
        return {
            REQUEST_ID: request_id or new_id(),
            CORRELATION_ID: correlation_id() or new_id(),
        }

    def _read(self, request: Request, kind: type[T], ids: Mapping[str, str]) -> T:
        """What a call answers. Where the service only says where to look, look there (section 10)."""
        reply = self._answer(request, ids)
        with named(ids):
            if reply.status_code == 202 and not reply.content and "Location" in reply.headers:
                located = located_request(reply.headers["Location"])
                reply = self._answer(located, self._ids())
            return read_reply(reply.content, kind)

    def _answer(self, request: Request, ids: Mapping[str, str]) -> httpx2.Response:
        """The answer of a call that succeeded."""
        headers = httpx2.Headers(request.headers)
        headers.update({**self._headers, **ids})
        if request.content is not None:
            headers["Content-Type"] = "application/json"
        ready = replace(request, headers=headers)
        with named(ids):
            what = f"{request.method} {request.path} (request {ids[REQUEST_ID]})"
            reply = self._sender.send(partial(self._attempt, ready), what)
            if reply.is_success:
                return reply
            asked = retry.retry_after_seconds(reply.headers.get("Retry-After"), self._surroundings.now())
            raise read_error(reply.status_code, reply.content, asked)

    def _attempt(self, request: Request) -> httpx2.Response:
        """Send a request, and once more with another token if the service refuses this one."""
        token = self._tokens.current()
        reply = self._send(request, token)
        if reply.status_code == 401:
            other = self._tokens.renewed(token)
            if other != token:
                return self._send(request, other)
        return reply

    def _send(self, request: Request, token: str) -> httpx2.Response:
        headers = httpx2.Headers(request.headers)
        headers["Authorization"] = f"Bearer {token}"
        return self._sender.once(request.method, self._base_url + request.path, headers, request.content)


def _operation(operation_id: str, kind: object) -> Operation:
    operation = BY_ID[operation_id]
    assert operation.reply == kind, f"{operation_id} answers {operation.reply}, not {kind}"
    return operation
