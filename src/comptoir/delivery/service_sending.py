"""Sends one message over the network, within bounds that its receiver cannot move.

The name of the receiver is looked up here and the connection goes to an address that was checked, so an
answer that changes in between leads nowhere else. Proxies, redirects, cookies and kept connections are not
used. An answer counts as soon as its status is there: what of its body is late, or too long, is not read.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import httpx2

from comptoir import __version__
from comptoir.delivery import networks
from comptoir.delivery.model import Message, Reply
from comptoir.delivery.networks import Address, Allowed, Endpoint, NotAnAddress
from comptoir.delivery.service_resolving import Resolver

BODY_BYTES_MAX = 65_536
EXCERPT_BYTES_MAX = 4_000
ADDRESSES_MAX = 4
"""Addresses of one name that are tried."""

Resolve = Callable[[str, int], Awaitable[list[str]]]
_HEADERS = (
    ("User-Agent", f"Comptoir/{__version__}"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
)


def trust(ca_file: str) -> ssl.SSLContext:
    """Whose certificates receivers may show: the system's authorities, and those in ``ca_file`` if named.

    Raises ``OSError`` for a file that cannot be used.
    """
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


@dataclass(slots=True)
class _Received:
    """What has come in of an answer so far."""

    status: int | None = None
    excerpt: bytearray = field(default_factory=bytearray)


class Sender:
    """Calls receivers. ``resolve`` and ``transport`` can be replaced by those of a test."""

    def __init__(
        self,
        timeout: timedelta,
        allowed: Allowed,
        context: ssl.SSLContext,
        *,
        resolve: Resolve | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._timeout = timeout
        self._allowed = allowed
        self._resolve = resolve or Resolver()
        self._transport = transport or httpx2.AsyncHTTPTransport(
            verify=context,
            trust_env=False,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def __call__(self, message: Message) -> Reply:
        """Send the message and give what came back. Raises nothing."""
        received = _Received()
        error = ""
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                await self._exchange(message, received)
        except (TimeoutError, httpx2.TimeoutException):
            error = f"no answer within {_spelled(self._timeout)}"
        except (NotAnAddress, httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as failure:
            error = str(failure) or type(failure).__name__
        if received.status is None:
            return Reply(None, error=error)
        return Reply(received.status, received.excerpt.decode(errors="replace"))

    async def _exchange(self, message: Message, received: _Received) -> None:
        endpoint = networks.parse_endpoint(message.url)
        resolved = await self._resolve(endpoint.host, endpoint.port)
        addresses = networks.permitted(endpoint, resolved, self._allowed)
        response = await self._call_first(endpoint, addresses[:ADDRESSES_MAX], message)
        received.status = response.status_code
        try:
            await _read(response, received)
        finally:
            await response.aclose()

    async def _call_first(
        self, endpoint: Endpoint, addresses: list[Address], message: Message
    ) -> httpx2.Response:
        """The answer of the first address that can be connected to: nothing was sent to those before it."""
        *others, last = addresses
        for address in others:
            with contextlib.suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
                return await self._call(endpoint, address, message)
        return await self._call(endpoint, last, message)

    async def _call(self, endpoint: Endpoint, address: Address, message: Message) -> httpx2.Response:
        whole = self._timeout.total_seconds()
        request = httpx2.Request(
            "POST",
            endpoint.at(address),
            headers=[("Host", endpoint.authority), *_HEADERS, *message.headers],
            content=message.body,
            extensions={
                "sni_hostname": endpoint.host,
                "timeout": {"connect": whole / 2, "read": whole, "write": whole, "pool": whole},
            },
        )
        return await self._transport.handle_async_request(request)


async def _read(response: httpx2.Response, received: _Received) -> None:
    """Read the body, as far as the bound, and keep its beginning."""
    size = 0
    async with contextlib.aclosing(response.aiter_raw()) as chunks:
        async for chunk in chunks:
            size += len(chunk)
            received.excerpt += chunk[: EXCERPT_BYTES_MAX - len(received.excerpt)]
            if size >= BODY_BYTES_MAX:
                return


def _spelled(duration: timedelta) -> str:
    whole = duration // timedelta(milliseconds=1)
    return f"{whole // 1_000} s" if whole % 1_000 == 0 else f"{whole} ms"
