"""The real application on a port of this machine, in a thread, for clients that must have sockets."""

import asyncio
import shutil
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import uvicorn
from tests.market import ADMIN

from comptoir.api.services import Services
from comptoir.bootstrap.making import Made, MadeAccount
from comptoir.bootstrap.opening import opened
from comptoir.bootstrap.server import make_application, make_services
from comptoir.db import Tx
from comptoir.identity import service as identity
from comptoir.settings import Settings

T = TypeVar("T")

START_SECONDS_MAX = 30


@dataclass
class Served:
    """A marketplace that answers at ``url`` on the machine's clock, with its worker."""

    url: str
    made: Made
    loop: asyncio.AbstractEventLoop
    services: Services

    def account(self, name: str = "sandbox") -> MadeAccount:
        return next(account for account in self.made.accounts if account.name == name)

    def token(self, account: str = "sandbox", user: str | None = ADMIN) -> str:
        """A new token, on behalf of an admin unless told otherwise."""
        return self.read(
            partial(
                identity.issue_for_cli,
                secrets=self.services.secrets,
                wall=self.services.wall(),
                base_url=self.url,
                account=account,
                user=user,
            )
        )

    def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return asyncio.run_coroutine_threadsafe(self._read(work), self.loop).result(START_SECONDS_MAX)

    async def _read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.services.database.read(work)


@contextmanager
def served(template: Path, made: Made, folder: Path) -> Iterator[Served]:
    """The sample marketplace, from a copy of its database."""
    path = folder / "market.db"
    shutil.copyfile(template, path)
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    thread = _ServerThread(Settings(database=f"sqlite:///{path}", public_base_url=url), listening)
    thread.start()
    try:
        yield Served(url, made, *thread.wait_until_ready())
    finally:
        thread.stop()


class _ServerThread(threading.Thread):
    def __init__(self, settings: Settings, listening: socket.socket) -> None:
        super().__init__(name="served")
        self._settings = settings
        self._listening = listening
        self._ready = threading.Event()
        self._server: uvicorn.Server | None = None
        self._serving: tuple[asyncio.AbstractEventLoop, Services] | None = None

    def run(self) -> None:
        with self._listening:
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        alarm, delivery_alarm = asyncio.Event(), asyncio.Event()
        async with opened(self._settings, alarm=alarm, delivery_alarm=delivery_alarm) as database:
            services = await make_services(database, self._settings, delivery_alarm=delivery_alarm)
            application = make_application(services, alarm)
            config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="on")
            self._server = uvicorn.Server(config)
            self._serving = asyncio.get_running_loop(), services
            self._ready.set()
            await self._server.serve(sockets=[self._listening])

    def wait_until_ready(self) -> tuple[asyncio.AbstractEventLoop, Services]:
        """The socket listens already, so that whoever calls now is answered soon."""
        while self._serving is None and self.is_alive():
            self._ready.wait(0.05)
        assert self._serving is not None, "the server did not start"
        return self._serving

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True
        self.join(START_SECONDS_MAX)
