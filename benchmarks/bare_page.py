"""A bare ASGI application that encodes one page of lines anew for every request: the floor of such pages."""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from benchmarks.bare import listen
from comptoir.wire import codec
from comptoir.wire.invoices import Lines


def application(page: object) -> Callable[..., Awaitable[None]]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        body = codec.encode_finite(page)
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


async def main(listening: socket.socket, page: object) -> None:
    config = uvicorn.Config(
        application(page), log_config=None, access_log=False, lifespan="off", server_header=False
    )
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    lines = msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=Lines)
    asyncio.run(main(listen(Path(sys.argv[1])), lines))
