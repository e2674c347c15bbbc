"""What handlers that open their own transactions hold, wired by ``bootstrap``."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from comptoir.core.ids import Ids
from comptoir.db import Database
from comptoir.identity.model import Secrets
from comptoir.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The open database and the facts of this installation.

    ``wall`` gives the real time, aware UTC. ``operator_key`` is the secret that commands on the same machine
    use for the operator API while the server holds the database.
    """

    database: Database
    secrets: Secrets
    settings: Settings
    wall: Callable[[], datetime]
    ids: Ids
    operator_key: str
