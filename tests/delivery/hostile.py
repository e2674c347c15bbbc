"""Receivers of webhooks that do whatever a receiver can do wrong, over real sockets of this machine."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from comptoir.delivery.model import Message

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Behaviour = Callable[[Writer], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def well(writer: Writer) -> None:
    writer.write(OK)


async def fails(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops")


async def refuses(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n")


async def throttles(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")


async def redirects(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 307 Temporary\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")


async def hangs_up(writer: Writer) -> None:
    """Closes the connection in place of an answer."""


async def is_silent(writer: Writer) -> None:
    await asyncio.sleep(30)


async def drips(writer: Writer) -> None:
    """Begins an answer and never ends it, so that no single read takes long."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 1_000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def drips_its_body(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1_000):
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.02)


async def breaks_off(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")


async def babbles(writer: Writer) -> None:
    writer.write(b"\x16\x03\x01 good day\x00\xff\r\n\r\n" * 50)


async def floods(writer: Writer) -> None:
    """Sends a body without an end, as fast as it is taken."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    while True:
        writer.write(b"flood " * 4_000)
        await writer.drain()


async def floods_headers(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Padding: " + b"x" * 8_000 + b"\r\n")
        await writer.drain()


async def never_decides(writer: Writer) -> None:
    """Answers "not yet" for ever."""
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0)


async def bomb(writer: Writer) -> None:
    """A body that says it is compressed and is not."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxyz")


BEHAVIOURS: Mapping[str, Behaviour] = {
    behaviour.__name__: behaviour
    for behaviour in (
        well,
        fails,
        refuses,
        throttles,
        redirects,
        hangs_up,
        is_silent,
        drips,
        drips_its_body,
        breaks_off,
        babbles,
        floods,
        floods_headers,
        never_decides,
        bomb,
    )
}


@dataclass
class Site:
    """A started receiver. The path of a call says how it behaves; ``requests`` are the heads it was sent."""

    port: int
    requests: list[str] = field(default_factory=list)

    def url(self, behaviour: str, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}/{behaviour}"

    def message(self, behaviour: str, host: str = "127.0.0.1", scheme: str = "http") -> Message:
        return Message(self.url(behaviour, host, scheme), (("X-Test", "yes"),), b'{"id":"one"}')

    async def serve(self, reader: Reader, writer: Writer) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            await BEHAVIOURS[head.split()[1].strip("/")](writer)
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def site(context: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    """A receiver on a free port, with TLS if a context is given. What it still does at the end is cut off."""
    calls: set[asyncio.Task[None]] = set()
    started = Site(0)

    async def serve(reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        calls.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await started.serve(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(
        serve, "127.0.0.1", 0, ssl=context, ssl_handshake_timeout=1 if context else None
    )
    started.port = server.sockets[0].getsockname()[1]
    try:
        yield started
    finally:
        server.close()
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
