"""The file by which commands find the server that holds their database, and the way to its operator API."""

import hashlib
import json
import os
import ssl
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from comptoir.db.engines import Engine, locate
from comptoir.settings import Settings

if TYPE_CHECKING:
    import httpx2

ANSWER_SECONDS_MAX = 120
DIGEST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where a server answers on this machine, and the key to its operator API.

    ``certificate`` is the PEM file that it shows, empty without TLS.
    """

    address: str
    key: str
    certificate: str
    pid: int

    def client(self) -> "httpx2.AsyncClient":
        """An HTTP client for the operator API. A server, which needs none, does not pay for its import."""
        import httpx2

        return httpx2.AsyncClient(
            base_url=self.address,
            headers={"Authorization": f"Bearer {self.key}"},
            verify=self.trust(),
            timeout=ANSWER_SECONDS_MAX,
            trust_env=False,
        )

    def trust(self) -> ssl.SSLContext:
        """Trust in the certificate that the server shows, whatever name it was issued for."""
        if not self.certificate:
            return ssl.create_default_context()
        context = ssl.create_default_context(cafile=self.certificate)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.check_hostname = False
        return context


def server_file(settings: Settings) -> Path:
    """Where a running server leaves its address and operator key for commands of the same user."""
    location = locate(settings.database)
    if location.engine is Engine.SQLITE:
        return Path(f"{location.path}.server.json")
    database = hashlib.sha256(settings.database.encode()).hexdigest()[:DIGEST_DIGITS]
    return Path(f".comptoir/server-{database}.json")  # several databases may be served from one folder


def leave(settings: Settings, server: RunningServer) -> Path:
    """Write the file, whole or not at all, for nobody but this user to read."""
    file = server_file(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(asdict(server), out)
    draft.replace(file)
    return file


def find(settings: Settings) -> RunningServer | None:
    """What the file says, if there is one. A server that was killed leaves its file behind."""
    try:
        return RunningServer(**json.loads(server_file(settings).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
