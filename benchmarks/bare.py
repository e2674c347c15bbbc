"""A bare ASGI application: reads the body, answers fixed bytes. Run by ``servers.bare`` in a process of its own."""

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


async def main(file: Path, status: int, body: bytes) -> None:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(2_048)
    file.write_text(json.dumps({"address": f"http://127.0.0.1:{listening.getsockname()[1]}"}))
    config = uvicorn.Config(
        application(status, body), log_config=None, access_log=False, lifespan="off", server_header=False
    )
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]).read_bytes()))
