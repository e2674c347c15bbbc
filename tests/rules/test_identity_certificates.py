"""The own certificate authority: what it makes is trusted, reused, renewed in time and kept private."""

import os
import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from comptoir.identity import certificates

WALL = datetime(2026, 11, 5, 12, 34, 56, tzinfo=UTC)
RENEWAL = certificates.SERVER_LIFETIME - certificates.BACKDATED - certificates.RENEWED_BEFORE_END


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "tls"


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix == ".pem"}


def changed(before: dict[str, bytes], folder: Path) -> set[str]:
    after = contents(folder)
    assert after.keys() == before.keys()
    return {name for name in after if after[name] != before[name]}


@pytest.mark.skipif(os.name != "posix", reason="other systems keep rights elsewhere")
def test_everything_is_readable_by_its_owner_alone(folder: Path) -> None:
    certificates.ensure(folder, [], WALL)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.glob("*.pem")} == {0o600}


def test_a_second_start_reuses_everything(folder: Path) -> None:
    first = certificates.ensure(folder, ["market.example"], WALL)
    before = contents(folder)
    assert certificates.ensure(folder, ["MARKET.example"], WALL + timedelta(days=300)) == first
    assert certificates.ensure(folder, [], WALL + timedelta(days=300)) == first
    assert changed(before, folder) == set()


def test_the_server_certificate_is_renewed_30_days_before_its_end(folder: Path) -> None:
    files = certificates.ensure(folder, [], WALL)
    before = contents(folder)
    certificates.ensure(folder, [], WALL + RENEWAL - timedelta(seconds=1))
    assert changed(before, folder) == set()
    certificates.ensure(folder, [], WALL + RENEWAL)
    assert changed(before, folder) == {"server.pem", "server-key.pem"}
    ends_at = WALL + RENEWAL + certificates.SERVER_LIFETIME - certificates.BACKDATED
    assert certificates.ends_at(files.certificate) == ends_at


def test_the_authority_always_outlasts_the_server_certificate(folder: Path) -> None:
    moment = WALL
    for _ in range(15):
        files = certificates.ensure(folder, [], moment)
        assert certificates.ends_at(files.certificate) < certificates.ends_at(files.authority)
        moment += RENEWAL


def test_a_new_host_gets_a_new_certificate_of_the_same_authority(folder: Path) -> None:
    certificates.ensure(folder, [], WALL)
    before = contents(folder)
    certificates.ensure(folder, ["market.example", "10.0.0.7"], WALL)
    assert changed(before, folder) == {"server.pem", "server-key.pem"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::1]", "LOCALHOST", "127.0.0.1"])
def test_hosts_that_need_no_name_of_their_own(folder: Path, host: str) -> None:
    certificates.ensure(folder, [], WALL)
    before = contents(folder)
    certificates.ensure(folder, [host], WALL)
    assert changed(before, folder) == set()


@pytest.mark.parametrize("name", ["server.pem", "server-key.pem", "authority.pem", "authority-key.pem"])
@pytest.mark.parametrize("damage", ["removed", "cut", "swapped"])
def test_a_damaged_file_is_replaced(folder: Path, tmp_path: Path, name: str, damage: str) -> None:
    certificates.ensure(folder, [], WALL)
    other = certificates.ensure(tmp_path / "other", [], WALL).certificate.with_name(name)
    match damage:
        case "removed":
            (folder / name).unlink()
        case "cut":
            (folder / name).write_bytes((folder / name).read_bytes()[:100])
        case "swapped":
            (folder / name).write_bytes(other.read_bytes())
    files = certificates.ensure(folder, [], WALL)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.certificate, files.key)
    before = contents(folder)
    certificates.ensure(folder, [], WALL)
    assert changed(before, folder) == set()


@pytest.fixture
def tls_port(folder: Path) -> Iterator[int]:
    """A server that greets one caller over TLS with certificates made now."""
    files = certificates.ensure(folder, ["market.example"], datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)

    def greet(listening: socket.socket) -> None:
        raw, _ = listening.accept()
        try:
            with context.wrap_socket(raw, server_side=True) as caller:
                caller.sendall(b"hello")
        except OSError:
            raw.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        thread = threading.Thread(target=greet, args=(listening,))
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "market.example"])
def test_a_strict_client_trusts_the_server(folder: Path, tls_port: int, host: str) -> None:
    context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection(("127.0.0.1", tls_port), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname=host) as caller,
    ):
        assert caller.recv(5) == b"hello"


def test_a_client_does_not_trust_it_under_another_name(folder: Path, tls_port: int) -> None:
    context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    with (
        socket.create_connection(("127.0.0.1", tls_port), timeout=10) as raw,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(raw, server_hostname="attacker.example")


def test_two_starts_at_once_agree(folder: Path) -> None:
    made: list[certificates.CertificateFiles] = []
    threads = [
        threading.Thread(target=lambda: made.append(certificates.ensure(folder, [], WALL))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(made[0].certificate, made[0].key)


def test_what_is_no_certificate_has_no_end(tmp_path: Path) -> None:
    file = tmp_path / "none.pem"
    with pytest.raises(OSError, match=r"none\.pem"):
        certificates.ends_at(file)
    file.write_text("no certificate")
    with pytest.raises(ValueError, match="PEM"):
        certificates.ends_at(file)
