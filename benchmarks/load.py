"""A load of HTTP requests that costs little itself: prepared bytes over kept connections."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

ANSWER_BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Load:
    """What a load found: requests a second, and the bodies of all answers in the order of their clients."""

    per_second: float
    bodies: Sequence[bytes]


def request(method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> bytes:
    """An HTTP/1.1 request on a kept connection, as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def run(address: Address, clients: Sequence[Sequence[bytes]]) -> Load:
    """Every client sends its requests one after the other, all clients side by side."""
    began = time.perf_counter()
    bodies = await asyncio.gather(*(_client(address, requests) for requests in clients))
    elapsed = time.perf_counter() - began
    return Load(
        sum(len(requests) for requests in clients) / elapsed, [body for each in bodies for body in each]
    )


async def one(address: Address, message: bytes) -> bytes:
    """The body of the answer to one request."""
    (body,) = await _client(address, [message])
    return body


async def _client(address: Address, requests: Sequence[bytes]) -> list[bytes]:
    reader, writer = await asyncio.open_connection(address.host, address.port, limit=ANSWER_BYTES_MAX)
    bodies = []
    try:
        for message in requests:
            writer.write(message)
            bodies.append(await _answer(reader))
    finally:
        writer.close()
        await writer.wait_closed()
    return bodies


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    if status >= 300:
        raise RuntimeError(f"{status}: {body[:500]!r}")
    return body
