"""A bare ASGI application: reads the body, answers fixed bytes. ``servers.bare`` runs it as a process."""

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvicorn


def application(status: int, body: bytes) -> Callable[..., Awaitable[None]]:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def listen(file: Path) -> socket.socket:
    """A socket on a free port, whose address is left in ``file``."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen(2_048)
    whole = file.with_suffix(".whole")
    whole.write_text(json.dumps({"address": f"http://127.0.0.1:{listening.getsockname()[1]}"}))
    whole.replace(file)
    return listening


async def main(listening: socket.socket, status: int, body: bytes) -> None:
    config = uvicorn.Config(
        application(status, body), log_config=None, access_log=False, lifespan="off", server_header=False
    )
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(main(listen(Path(sys.argv[1])), int(sys.argv[2]), Path(sys.argv[3]).read_bytes()))
