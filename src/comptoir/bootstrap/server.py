"""The running server: sockets, TLS, signals, and the worker beside the requests."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from comptoir.api import exporter, store_replies
from comptoir.api.app import Application
from comptoir.api.exporter import Exporter
from comptoir.api.services import Services
from comptoir.billing import service_exports
from comptoir.bootstrap import running
from comptoir.bootstrap.opening import CannotOpen, load_secrets, located, opened
from comptoir.bootstrap.webhooks import make_engine
from comptoir.bootstrap.wiring import DIVIDERS, DUE_WORK, HANDLERS
from comptoir.clock import service as clock
from comptoir.clock.model import Work
from comptoir.core.accounts import Account
from comptoir.core.context import Actor, Context
from comptoir.core.ids import Ids, derived_guid
from comptoir.db import Database, Tx
from comptoir.db.engines import Engine
from comptoir.delivery import service as delivery
from comptoir.delivery import service_engine
from comptoir.delivery.service_engine import Send
from comptoir.identity import service as identity
from comptoir.identity import tokens
from comptoir.identity.model import Secrets
from comptoir.settings import Settings
from comptoir.worker import Worker, interrupt_advances, run_daemon

log = logging.getLogger("comptoir.server")

LISTEN_BACKLOG = 2_048
SHUTDOWN_SECONDS_MAX = 5
"""How long requests under way may take to end."""

LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not listened on
"""Whoever listens on every address is reached from this machine on the one of the loopback."""

PURGE_SECONDS = 600
PURGE_REPLIES_MAX = 5_000
WORKER_APPLICATION = "worker"
"""Who the journal names for due work."""

DELIVERY_APPLICATION = "delivery"
"""Who the journal names for what follows from a webhook's outcome."""


async def make_services(
    database: Database,
    settings: Settings,
    *,
    wall: Callable[[], datetime] = clock.wall_now,
    ids: Ids | None = None,
    delivery_alarm: asyncio.Event | None = None,
    send: Send | None = None,
) -> Services:
    """The services of one process over an open database. Raises ``CannotOpen`` before ``init``.

    ``delivery_alarm`` wakes the sending of webhooks; ``send`` takes the place of the network in tests.
    """
    secrets = await load_secrets(database)
    return assemble(database, secrets, settings, wall, ids or Ids(), delivery_alarm=delivery_alarm, send=send)


def assemble(
    database: Database,
    secrets: Secrets,
    settings: Settings,
    wall: Callable[[], datetime],
    ids: Ids,
    *,
    delivery_alarm: asyncio.Event | None = None,
    send: Send | None = None,
) -> Services:
    """The services, with a worker and an engine over the same database, clock and ids as the requests."""

    async def make(tx: Tx, work: Work, wall: datetime) -> Context:
        return await _work_context(services, tx, work)

    async def make_for_delivery(tx: Tx, account_id: str, wall: datetime) -> Context:
        return await _delivery_context(services, tx, account_id, wall)

    services = Services(
        database=database,
        secrets=secrets,
        settings=settings,
        wall=wall,
        ids=ids,
        operator_key=identity.draw_operator_key(),
        worker=Worker(database, DUE_WORK, wall, make, owner=Ids().guid(), dividers=DIVIDERS),
        engine=make_engine(
            database,
            secrets,
            settings,
            wall=wall,
            make_context=make_for_delivery,
            owner=Ids().guid(),
            alarm=delivery_alarm,
            send=send,
        ),
        exporter=Exporter(database, export_folder(settings), wall, make_for_delivery, owner=Ids().guid()),
    )
    return services


def export_folder(settings: Settings) -> Path:
    """Where files of exports are kept: as the operator says, else beside the database's file."""
    if settings.export_folder:
        return Path(settings.export_folder)
    location = located(settings)
    if location.engine is Engine.SQLITE:
        return location.path.with_name(f"{location.path.name}.exports")
    return Path(".comptoir/exports")


def make_application(services: Services, alarm: asyncio.Event) -> Application:
    """The ASGI application; while it lives, the worker and the engine run beside it."""

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        if located(services.settings).engine is Engine.SQLITE:  # nobody else has it: who had leases is gone
            await services.database.write(clock.release_leases)
            await services.database.write(delivery.release_leases)
            await services.database.write(service_exports.release)
        services.stopping.clear()
        tasks = [
            asyncio.create_task(run_daemon(services.worker, alarm)),
            asyncio.create_task(service_engine.run_daemon(services.engine)),
            asyncio.create_task(exporter.run_daemon(services.exporter)),
            asyncio.create_task(_purge_forever(services)),
        ]
        try:
            yield
        finally:
            services.stopping.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return Application(services, HANDLERS, lifespan)


def make_context(services: Services, account: Account, actor: Actor, now: datetime) -> Context:
    """The context of work that no request has asked for."""
    return Context(
        account=account,
        actor=actor,
        now=now,
        wall=services.wall(),
        ids=services.ids,
        correlation_id=services.ids.guid(),
        request_id=services.ids.guid(),
        sign=partial(tokens.sign_opaque, services.secrets),
        unsign=partial(tokens.open_opaque, services.secrets),
        public_base_url=services.settings.public_base_url,
    )


async def _work_context(services: Services, tx: Tx, work: Work) -> Context:
    """Work that runs again runs at the same time and under the same ids, and so writes the same."""
    account = (await identity.load_account(tx, work.account_id)).account
    ctx = make_context(services, account, Actor(application_id=WORKER_APPLICATION), work.due_at)
    work_id = derived_guid(work.account_id, work.kind, work.subject_id, work.due_at.isoformat())
    return replace(ctx, correlation_id=work_id, request_id=work_id)


async def _delivery_context(services: Services, tx: Tx, account_id: str, wall: datetime) -> Context:
    account = (await identity.load_account(tx, account_id)).account
    actor = Actor(application_id=DELIVERY_APPLICATION)
    return make_context(services, account, actor, account.clock.time_at(wall))


async def _purge_forever(services: Services) -> None:
    """Delete expired replies now and then, in batches that hold the database for moments."""
    while True:
        purge = partial(store_replies.purge, wall=services.wall(), most=PURGE_REPLIES_MAX)
        has_more = False
        try:
            has_more = await services.database.write(purge) == PURGE_REPLIES_MAX
        except Exception:
            log.exception("expired replies could not be deleted, and are next time")
        await asyncio.sleep(1 if has_more else PURGE_SECONDS)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, which takes less time for each request, where the platform has it."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


async def serve(settings: Settings, announce: Callable[[str], None] = print) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are answered first.

    Raises ``CannotOpen`` if the database, the port or the certificate cannot be had.
    """
    alarm, delivery_alarm = asyncio.Event(), asyncio.Event()
    settings = _with_certificate(settings, announce)
    async with opened(settings, alarm=alarm, delivery_alarm=delivery_alarm) as database:
        with listen(settings) as listening:
            settings = replace(settings, port=listening.getsockname()[1])
            settings = replace(settings, public_base_url=_base_url(settings))
            services = await make_services(database, settings, delivery_alarm=delivery_alarm)
            await _serve_on(listening, services, alarm, announce)


async def _serve_on(
    listening: socket.socket, services: Services, alarm: asyncio.Event, announce: Callable[[str], None]
) -> None:
    settings = services.settings
    server = _make_uvicorn(services, alarm)
    try:
        file = running.leave(settings, _here(services))
    except OSError as error:
        raise CannotOpen(f"cannot leave the server's address for other commands: {error}") from error
    announce(f"Comptoir serves {settings.database_label} on {settings.public_base_url}")
    try:
        with signals_only_end_the_server():
            await server.serve(sockets=[listening])
    finally:
        file.unlink(missing_ok=True)


def _here(services: Services) -> running.RunningServer:
    settings = services.settings
    return running.RunningServer(
        address=_local_address(settings),
        key=services.operator_key,
        certificate=str(Path(settings.tls_cert).resolve()) if settings.tls_cert else "",
        pid=os.getpid(),
    )


def _make_uvicorn(services: Services, alarm: asyncio.Event) -> Any:
    import uvicorn

    _log_to_standard_error(services.settings)
    config = uvicorn.Config(
        make_application(services, alarm),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS_MAX,
        ssl_certfile=services.settings.tls_cert or None,
        ssl_keyfile=services.settings.tls_key or None,
    )
    try:
        config.load()
    except (OSError, ValueError) as error:
        files = f"{services.settings.tls_cert} and {services.settings.tls_key}"
        raise CannotOpen(f"cannot use the certificate and key in {files}: {error}") from error

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            services.stopping.set()
            await interrupt_advances(services.worker)
            for connection in list(self.server_state.connections):
                if _is_idle_over_tls(connection):
                    connection.transport.abort()
            await super().shutdown(sockets)

    return Server(config)


def _is_idle_over_tls(connection: Any) -> bool:
    """Whether a connection would only hold up our end with waiting for its client's farewell."""
    is_idle = connection.cycle is None or connection.cycle.response_complete
    is_tls = connection.transport.get_extra_info("sslcontext") is not None
    return bool(is_idle and is_tls and not connection.transport.get_write_buffer_size())


def _log_to_standard_error(settings: Settings) -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.WARNING)
    logging.getLogger("comptoir.access").setLevel(logging.INFO if settings.access_log else logging.WARNING)


@contextmanager
def signals_only_end_the_server() -> Iterator[None]:
    """uvicorn raises the signal that ended it once more, which would kill us with the database open."""
    from uvicorn.server import HANDLED_SIGNALS

    before = {number: signal.signal(number, lambda *_: None) for number in HANDLED_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _with_certificate(settings: Settings, announce: Callable[[str], None]) -> Settings:
    """The settings with a certificate of our own authority, where TLS is wanted and none is given."""
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise CannotOpen("tls_cert and tls_key go together: one is set without the other")
    if not settings.tls or settings.tls_cert:
        return settings
    from comptoir.identity import certificates

    try:
        issued = certificates.ensure(Path(settings.tls_folder), [settings.host], clock.wall_now())
    except OSError as error:
        raise CannotOpen(f"cannot keep certificates in {settings.tls_folder}: {error}") from error
    announce(f"The certificate authority lies in {issued.authority}")
    return replace(settings, tls_cert=str(issued.certificate), tls_key=str(issued.key))


def _base_url(settings: Settings) -> str:
    """Where the server is reached: as the operator says, else where it listens."""
    return (settings.public_base_url or _local_address(settings)).rstrip("/")


def _local_address(settings: Settings) -> str:
    """Where commands on this machine reach the server."""
    scheme = "https" if settings.tls_cert else "http"
    host = LOOPBACK.get(settings.host, settings.host)
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"


def listen(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say. Raises ``CannotOpen``."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # With the protocol named, and the option inherited, no answer waits 40 ms for an acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(LISTEN_BACKLOG)  # who finds the server's file can connect at once
    except OSError as error:
        listening.close()
        reason = error.strerror or error
        raise CannotOpen(f"cannot listen on {settings.host}, port {settings.port}: {reason}") from error
    return listening
