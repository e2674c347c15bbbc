"""``comptoir serve`` as a process, and the commands beside it."""

import signal
import socket
import ssl
import time
from pathlib import Path

import httpx2
import pytest
from tests.catalog_files import HARBOR
from tests.cli.conftest import Comptoir, Outcome, is_one_line
from tests.engines import copy_postgresql, drop_postgresql
from tests.started import Started, started

from comptoir.bootstrap.making import Made
from comptoir.bootstrap.running import server_file
from comptoir.settings import Settings

PRODUCTS = "/v1/products?country=US&targetView=MarketplaceSaaS"


def client(server: Started) -> httpx2.Client:
    """A client that trusts the server's own authority, if it has one."""
    authority = server.file.parent / ".comptoir/tls/authority.pem"
    trust = ssl.create_default_context(cafile=str(authority) if authority.exists() else None)
    return httpx2.Client(base_url=server.address, verify=trust)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("flags", [(), ("--tls",)])
def test_a_signal_ends_the_server_cleanly(
    market_made: Made, folder: Path, number: int, flags: tuple[str, ...]
) -> None:
    with started(folder, *flags) as server, client(server) as kept_open:
        assert kept_open.get("/health/ready").status_code == 200
        assert server.file.stat().st_mode & 0o777 == 0o600
        status, out, error = server.end(number)
    assert (status, error) == (0, "")
    assert out.endswith(f"Comptoir serves market.db on {server.address}\n")
    assert server.address.startswith("https://" if flags else "http://")
    assert not server.file.exists()


def test_a_request_under_way_is_answered_before_the_end(market_made: Made, folder: Path) -> None:
    body = b"grant_type=client_credentials"
    head = f"POST /common/oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    with started(folder) as server, socket.create_connection(_place(server.address), timeout=10) as caller:
        caller.sendall(head.encode() + body[:5])
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        caller.sendall(body[5:])
        assert caller.recv(1000).startswith(b"HTTP/1.1 400 ")
        assert server.process.wait(10) == 0


def _place(address: str) -> tuple[str, int]:
    url = httpx2.URL(address)
    assert url.port is not None
    return url.host, url.port


def test_commands_beside_a_server(comptoir: Comptoir, market_made: Made, folder: Path) -> None:
    (folder / "harbor.yaml").write_text(HARBOR)
    with started(folder) as server:
        _check_commands(comptoir, server, folder)
        holder = f"market.db is in use by another process, it seems the server on {server.address}"
        assert holder in _serve_in_vain(comptoir)
        refused = comptoir("reset", "--yes")
        assert is_one_line(refused)
        assert "stop it first" in refused.error
        assert "nothing was changed" in comptoir("init").error
        assert "serves this database" in comptoir("doctor").out


@pytest.mark.parametrize("is_own", [True, False])
def test_commands_beside_a_server_with_tls(
    comptoir: Comptoir, market_made: Made, folder: Path, is_own: bool
) -> None:
    (folder / "harbor.yaml").write_text(HARBOR)
    flags = ["--tls"]
    if not is_own:
        with started(folder, "--tls"):
            pass  # makes a certificate, for an address that the next server is not reached by
        tls = folder / ".comptoir/tls"
        flags = ["--tls-cert", str(tls / "server.pem"), "--tls-key", str(tls / "server-key.pem")]
    with started(folder, *flags) as server:
        _check_commands(comptoir, server, folder)


def _check_commands(comptoir: Comptoir, server: Started, folder: Path) -> None:
    imported = comptoir("catalog", "import", "harbor.yaml")
    assert (imported.status, imported.error) == (0, "")
    assert "publishers added: 1" in imported.out
    (folder / "bad.yaml").write_text(HARBOR.replace("P1M", "P2M"))
    assert comptoir("catalog", "import", "bad.yaml").status == 1
    changed = comptoir("account", "settings", "sandbox", "--set", "requests_per_minute=2")
    assert (changed.status, changed.error) == (0, "")
    assert is_one_line(comptoir("account", "settings", "nobody", "--set", "mfa=off"))
    token = comptoir("token", "--account", "sandbox").out.strip()
    headers = {"Authorization": f"Bearer {token}"}
    with client(server) as caller:
        answers = [caller.get(PRODUCTS, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429], answers[0].text
    assert "Harbor Insights" in [product["title"] for product in answers[0].json()["items"]]


def _serve_in_vain(comptoir: Comptoir, *flags: str) -> str:
    refused: Outcome = comptoir("serve", *flags)
    assert is_one_line(refused), refused
    return refused.error


def test_a_server_that_was_killed_is_in_nobodys_way(
    comptoir: Comptoir, market_made: Made, folder: Path
) -> None:
    with started(folder) as server:
        server.end(signal.SIGKILL)
        assert server.file.exists()
        assert comptoir("account", "settings", "sandbox", "--set", "mfa=off").status == 0
        assert comptoir("reset", "--yes").status == 0
        assert not server.file.exists()


def test_what_keeps_a_server_from_starting(comptoir: Comptoir, market_made: Made, folder: Path) -> None:
    (folder / "junk.pem").write_text("no certificate")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert f"cannot listen on 127.0.0.1, port {port}" in _serve_in_vain(comptoir, "--port", port)
    assert "cannot listen on nowhere.invalid" in _serve_in_vain(comptoir, "--host", "nowhere.invalid")
    assert "go together" in _serve_in_vain(comptoir, "--tls-cert", "junk.pem")
    unusable = _serve_in_vain(comptoir, "--tls-cert", "junk.pem", "--tls-key", "junk.pem")
    assert "cannot use the certificate" in unusable
    missing = _serve_in_vain(comptoir, "--tls-cert", "none.pem", "--tls-key", "none.pem")
    assert "No such file" in missing
    assert "make one with: comptoir init" in _serve_in_vain(comptoir, "--database", "none.db")
    assert not (folder / "market.db.server.json").exists()


def test_a_log_of_requests_for_who_asks(market_made: Made, folder: Path) -> None:
    with started(folder, "--access-log") as server:
        with client(server) as caller:
            caller.get("/health/live")
        _, _, error = server.end(signal.SIGTERM)
    assert "GET /health/live 200" in error


def test_postgresql_beside_a_server(
    comptoir: Comptoir, folder: Path, postgresql_server: str, sample_postgresql: tuple[str, Made]
) -> None:
    url = copy_postgresql(postgresql_server, "sample")
    try:
        (folder / "harbor.yaml").write_text(HARBOR)
        with started(folder, database=url, file=folder / server_file(Settings(database=url))) as server:
            assert comptoir("catalog", "import", "harbor.yaml", "--database", url).status == 0
            refused = comptoir("reset", "--yes", "--database", url)
            assert is_one_line(refused)
            assert "in use by another process" in refused.error
            assert server.end(signal.SIGTERM)[0] == 0
        assert comptoir("reset", "--yes", "--database", url).status == 0
    finally:
        drop_postgresql(postgresql_server, url)
