"""Whether the server lives and whether it can serve."""

from comptoir.wire.operation import Audience, Mode, Operation
from comptoir.wire.types import Reply


class Health(Reply, kw_only=True):
    """``status`` is ``ok``; a server that cannot serve answers with a fault instead."""

    status: str
    version: str


OPERATIONS = (
    Operation(
        id="health.live",
        method="GET",
        path="/health/live",
        summary="Whether the process answers",
        reply=Health,
        audience=Audience.PUBLIC,
        mode=Mode.STEPS,
    ),
    Operation(
        id="health.ready",
        method="GET",
        path="/health/ready",
        summary="Whether the database answers too",
        reply=Health,
        audience=Audience.PUBLIC,
        mode=Mode.STEPS,
        errors=("500/800003",),
    ),
)
