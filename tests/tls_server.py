"""A started server for foreign clients: the commands of a user, in processes of their own, over TLS."""

import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from comptoir.bootstrap.running import server_file
from comptoir.settings import Settings

START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 2


@dataclass(frozen=True)
class TlsServer:
    """``made`` is what ``comptoir init --json`` printed; ``authority`` is the certificate to trust."""

    url: str
    authority: Path
    made: dict[str, Any]
    folder: Path
    database: str

    def account(self, name: str) -> dict[str, Any]:
        return next(account for account in self.made["accounts"] if account["name"] == name)

    def token(self, *arguments: str) -> str:
        """What ``comptoir token`` prints beside the running server."""
        done = subprocess.run(
            comptoir("token", *arguments, "--database", self.database),
            cwd=self.folder,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout.strip()

    def operator(self, method: str, path: str, body: object = None) -> Any:
        """The answer of the operator API."""
        headers = {"Authorization": f"Bearer {self.token('--operator')}"}
        with self.client(headers=headers) as http:
            reply = http.request(method, path, json=body)
        assert reply.is_success, reply.text
        return reply.json()

    def client(self, **options: Any) -> httpx2.Client:
        """An HTTP client that trusts the server's authority."""
        trust = ssl.create_default_context(cafile=str(self.authority))
        return httpx2.Client(base_url=self.url, verify=trust, **options)


def comptoir(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "comptoir", *arguments]


@pytest.fixture(scope="session")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """The sample marketplace on a free port of this machine."""
    folder = tmp_path_factory.mktemp("server")
    with started(folder, str(folder / "market.db")) as server:
        yield server


@contextmanager
def started(folder: Path, database: str) -> Iterator[TlsServer]:
    """A server of the sample marketplace, made in this database: a SQLite file or a PostgreSQL address."""
    environment = {
        **os.environ,
        "COMPTOIR_DATABASE": database,
        "COMPTOIR_TLS_FOLDER": str(folder / "tls"),
        "PYTHONUNBUFFERED": "1",
    }
    made = subprocess.run(
        comptoir("init", "--sample", "--json"),
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        timeout=120,
    )
    log_path = folder / "server.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            comptoir("serve", "--tls", "--port", "0"), cwd=folder, env=environment, stdout=log, stderr=log
        )
    try:
        authority = folder / "tls" / "authority.pem"
        address = folder / server_file(Settings(database=database))
        _wait_for(process, [address, authority], log_path)
        url = str(json.loads(address.read_text(encoding="utf-8"))["address"])
        server = TlsServer(url, authority, json.loads(made.stdout), folder, database)
        _wait_until_it_answers(server, log_path)
        yield server
    finally:
        _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Foreign clients leave connections open, which hold the server up, so it is not waited for long."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", files: Sequence[Path], log_path: Path) -> None:
    """Until the server has written these files."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        if all(file.exists() for file in files):
            return
        time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{log_path.read_text(encoding='utf-8')}")


def _wait_until_it_answers(server: TlsServer, log_path: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    with server.client() as client:
        while time.monotonic() < deadline:
            try:
                if client.get("/health/ready").status_code == 200:
                    return
            except httpx2.TransportError:
                time.sleep(0.05)
    raise AssertionError(f"the server does not answer:\n{log_path.read_text(encoding='utf-8')}")
