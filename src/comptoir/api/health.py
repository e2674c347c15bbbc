"""Answers for those who watch over the server."""

from collections.abc import Mapping

from comptoir import __version__
from comptoir.api.call import Call, Handler
from comptoir.api.services import Services
from comptoir.catalog import service as catalog
from comptoir.wire.health import Health


async def live(services: Services, call: Call) -> Health:
    """The process answers."""
    return Health(status="ok", version=__version__)


async def ready(services: Services, call: Call) -> Health:
    """The database answers; if it does not, the edge answers 500."""
    await services.database.read(catalog.version)
    return Health(status="ok", version=__version__)


HANDLERS: Mapping[str, Handler] = {"health.live": live, "health.ready": ready}
