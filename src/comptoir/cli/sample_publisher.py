"""``comptoir sample-publisher``."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from comptoir.cli.common import fail, run

app = App(name="sample-publisher", help="Run a small publisher: landing page, webhook receiver, metering.")

if TYPE_CHECKING:
    from comptoir.sample_publisher.book import Book
    from comptoir.sample_publisher.marketplace import Identity

REPORT_SECONDS = 60.0


@app.default
def sample_publisher(
    *,
    marketplace: str = "http://127.0.0.1:8080",
    credentials: Annotated[Path, Parameter(env_var="PUBLISHER_CREDENTIALS")],
    host: str = "127.0.0.1",
    port: int = 8090,
    habit: str = "acknowledge",
    ca: Path | None = None,
) -> None:
    """Serve /start (landing page), /hooks/marketplace (webhook) and / (what was sold) until interrupted.

    Parameters
    ----------
    marketplace
        Address of the marketplace.
    credentials
        File with what ``comptoir publisher register --json`` printed.
    host
        Address to listen on.
    port
        Port to listen on; 0 takes a free one.
    habit
        How changes are met: acknowledge, wait, refuse, fail or break.
    ca
        File with the certificate authority of the marketplace, where it has one of its own.
    """
    from comptoir.sample_publisher.book import Book, Habit

    try:
        book = Book(habit=Habit(habit))
    except ValueError:
        fail(f"a habit is one of {', '.join(Habit)}")
    identity = _read(credentials)
    run(_serve(marketplace.rstrip("/"), identity, book, host=host, port=port, ca=ca))


def _read(credentials: Path) -> "Identity":
    import json

    from comptoir.sample_publisher.marketplace import Identity

    try:
        made = json.loads(credentials.read_bytes())
        return Identity(made["tenantId"], made["clientId"], made["clientSecret"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        fail(f"{credentials} holds no credentials of a publisher: {error!r}")


async def _serve(
    marketplace: str, identity: "Identity", book: "Book", *, host: str, port: int, ca: Path | None
) -> None:
    import logging
    import ssl

    import httpx2
    import uvicorn

    from comptoir.bootstrap.server import listen, signals_only_end_the_server
    from comptoir.clock.service import wall_now
    from comptoir.sample_publisher.marketplace import Marketplace
    from comptoir.sample_publisher.site import Site
    from comptoir.settings import Settings

    logging.basicConfig(format="%(message)s", level=logging.INFO)
    for quiet in ("httpx2", "uvicorn"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    verify = ssl.create_default_context(cafile=str(ca)) if ca else True
    async with httpx2.AsyncClient(verify=verify, trust_env=False) as http:
        site = Site(Marketplace(marketplace, identity, http, wall_now), book, wall_now)
        with listen(Settings(host=host, port=port)) as listening:
            print(f"The publisher serves http://{host}:{listening.getsockname()[1]}", flush=True)
            server = uvicorn.Server(uvicorn.Config(site, log_config=None, access_log=False, lifespan="off"))
            reporting = asyncio.create_task(site.report_forever(REPORT_SECONDS))
            try:
                with signals_only_end_the_server():
                    await server.serve(sockets=[listening])
            finally:
                reporting.cancel()
                await site.finish()
