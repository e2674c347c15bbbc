"""``comptoir doctor`` finds what is wrong and says how to mend it."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import asyncpg
import pytest
from tests.cli.conftest import Comptoir

from comptoir.bootstrap.making import Made
from comptoir.identity import certificates


def bad(comptoir: Comptoir, *flags: str) -> list[str]:
    """What was found to be wrong."""
    outcome = comptoir("doctor", *flags)
    assert outcome.error == ""
    found = [line[5:] for line in outcome.out.splitlines() if line.startswith("BAD  ")]
    assert outcome.status == (1 if found else 0)
    return found


def test_a_sound_installation(comptoir: Comptoir, market_made: Made) -> None:
    assert bad(comptoir) == []


def test_no_database(comptoir: Comptoir) -> None:
    assert bad(comptoir) == ["database: there is none at market.db; make one: comptoir init"]


def test_an_address_that_names_no_database(comptoir: Comptoir) -> None:
    (finding,) = bad(comptoir, "--database", "oracle://x/y")
    assert "names no database" in finding


def test_a_postgresql_server_that_does_not_answer(comptoir: Comptoir) -> None:
    (finding,) = bad(comptoir, "--database", "postgresql://someone:hush@127.0.0.1:1/market")
    assert finding.startswith("database: cannot open postgresql://someone@127.0.0.1:1/market: ")


def test_a_database_that_init_has_not_filled(comptoir: Comptoir, folder: Path) -> None:
    (folder / "market.db").touch(mode=0o600)
    assert bad(comptoir) == ["database: the database is empty; fill it with: comptoir init"]


def test_a_file_that_is_no_database(comptoir: Comptoir, folder: Path) -> None:
    (folder / "market.db").write_text("no database, but text that is long enough to be told from one " * 20)
    (finding,) = bad(comptoir)
    assert "not a database" in finding


@pytest.mark.parametrize(
    ("revision", "advice"), [("9999", "Use the version that wrote it"), ("0000", "starting the server")]
)
def test_a_schema_of_another_version(
    comptoir: Comptoir, market_made: Made, folder: Path, revision: str, advice: str
) -> None:
    connection = apsw.Connection(str(folder / "market.db"))
    connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.close()
    (finding,) = bad(comptoir)
    assert f"schema revision {revision}" in finding
    assert advice in finding


def test_a_database_that_others_can_read(comptoir: Comptoir, market_made: Made, folder: Path) -> None:
    (folder / "market.db").chmod(0o644)
    (finding,) = bad(comptoir)
    assert "chmod 600" in finding


def test_a_port_that_another_program_has(comptoir: Comptoir, market_made: Made) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        (finding,) = bad(comptoir, "--port", str(other.getsockname()[1]))
    assert finding.endswith("Address already in use; choose another with --port")


def test_an_address_that_is_not_ours(comptoir: Comptoir, market_made: Made) -> None:
    (finding,) = bad(comptoir, "--host", "192.0.2.1")
    assert "cannot listen on 192.0.2.1" in finding


def test_the_file_of_a_server_that_was_killed_is_no_fault(
    comptoir: Comptoir, market_made: Made, folder: Path
) -> None:
    left = '{"address": "http://127.0.0.1:1", "key": "x", "certificate": "", "pid": 1}'
    (folder / "market.db.server.json").write_text(left)
    assert bad(comptoir) == []


def test_certificates(comptoir: Comptoir, market_made: Made, folder: Path) -> None:
    wall = datetime.now(UTC)
    sound = certificates.ensure(folder / "sound", ["localhost"], wall)
    old = certificates.ensure(folder / "old", ["localhost"], wall - timedelta(days=500))
    assert bad(comptoir, "--tls-cert", str(sound.certificate), "--tls-key", str(sound.key)) == []
    (expired,) = bad(comptoir, "--tls-cert", str(old.certificate), "--tls-key", str(old.key))
    assert expired.startswith(f"certificate: {old.certificate} was valid until ")
    (unfit,) = bad(comptoir, "--tls-cert", str(sound.certificate), "--tls-key", str(old.key))
    assert "cannot use" in unfit
    (missing,) = bad(comptoir, "--tls-cert", "missing.pem", "--tls-key", str(sound.key))
    assert "No such file" in missing
    (alone,) = bad(comptoir, "--tls-cert", str(sound.certificate))
    assert "no tls_key" in alone


def test_postgresql_databases_that_are_not_ours(comptoir: Comptoir, postgresql_own_url: str) -> None:
    at = ("--database", postgresql_own_url)
    (finding,) = bad(comptoir, *at)
    assert finding == "database: the database is empty; fill it with: comptoir init"
    _change(postgresql_own_url, "UPDATE alembic_version SET version_num = '9999'")
    (finding,) = bad(comptoir, *at)
    assert "schema revision 9999" in finding
    _change(postgresql_own_url, "DROP TABLE alembic_version")
    (finding,) = bad(comptoir, *at)
    assert "not Comptoir's" in finding


def _change(url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


def test_a_variable_of_the_partners_commands(
    comptoir: Comptoir, market_made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPTOIR_PROFILE", "real")
    assert bad(comptoir) == []


def test_a_misspelt_variable(comptoir: Comptoir, market_made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPTOIR_PROT", "9000")
    (finding,) = bad(comptoir)
    assert finding == "environment: COMPTOIR_PROT is no setting; comptoir settings lists them"
