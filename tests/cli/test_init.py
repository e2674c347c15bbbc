"""``comptoir init`` and ``comptoir reset``."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.cli.conftest import Comptoir, is_one_line
from tests.engines import create_postgresql, drop_postgresql
from tests.started import command

APPLICATION = {"clientId", "clientSecret"}
ACCOUNT = {"name", "kind", "tenantId", "country", "applications", "users", "customers"}
PUBLISHER = {"name", "id", "tenantId", "clientId", "clientSecret"}


def test_a_new_marketplace_has_two_accounts_and_says_their_secrets_once(
    comptoir: Comptoir, folder: Path
) -> None:
    made = comptoir("init")
    assert made.status == 0, made.error
    assert "production account 'production'" in made.out
    assert "sandbox account 'sandbox'" in made.out
    assert made.out.count("secret ") == 2
    assert (folder / "market.db").stat().st_mode & 0o077 == 0
    accounts = comptoir("account", "list").out.splitlines()
    assert [line.split()[:2] for line in accounts[1:]] == [["production"] * 2, ["sandbox"] * 2]


def test_json_has_the_shape_that_others_rely_on(comptoir: Comptoir) -> None:
    made = json.loads(comptoir("init", "--sample", "--seed", "7", "--json").out)
    assert made.keys() == {"accounts", "publishers"}
    assert [(account["name"], account["kind"]) for account in made["accounts"]] == [
        ("production", "production"),
        ("sandbox", "sandbox"),
    ]
    for account in made["accounts"]:
        assert account.keys() == ACCOUNT
        assert account["applications"]
        assert all(application.keys() == APPLICATION for application in account["applications"])
        assert all(user.keys() == {"name", "role"} for user in account["users"])
        assert all(customer.keys() == {"id", "name", "country"} for customer in account["customers"])
        listed = json.loads(comptoir("customers", "--account", account["name"], "--json").out)
        agreed = {customer["id"] for customer in listed if customer["has_agreement"]}
        for country in ("US", "FR", "JP"):
            assert any(
                customer["id"] in agreed
                for customer in account["customers"]
                if customer["country"] == country
            )
    assert len(made["publishers"]) >= 12
    assert all(publisher.keys() == PUBLISHER for publisher in made["publishers"])


def test_a_seed_repeats_the_ids_but_never_the_secrets(comptoir: Comptoir) -> None:
    first, second, other = (
        json.loads(comptoir("init", "--sample", "--seed", seed, "--database", database, "--json").out)
        for seed, database in (("7", "a.db"), ("7", "b.db"), ("8", "c.db"))
    )
    assert _ids(first) == _ids(second)
    assert not _ids(first) & _ids(other)
    assert not _secrets(first) & _secrets(second)


def _ids(made: dict[str, list[dict[str, object]]]) -> set[str]:
    accounts = json.loads(json.dumps(made["accounts"]))
    customers = {customer["id"] for account in accounts for customer in account["customers"]}
    applications = {
        application["clientId"] for account in accounts for application in account["applications"]
    }
    return {account["tenantId"] for account in accounts} | customers | applications


def _secrets(made: dict[str, list[dict[str, object]]]) -> set[object]:
    accounts = json.loads(json.dumps(made["accounts"]))
    return {
        application["clientSecret"] for account in accounts for application in account["applications"]
    } | {publisher["clientSecret"] for publisher in made["publishers"]}


@pytest.mark.parametrize("flags", [(), ("--sample",), ("--json", "--seed", "1")])
def test_what_holds_data_already_is_left_alone(
    comptoir: Comptoir, folder: Path, flags: tuple[str, ...]
) -> None:
    comptoir("init")
    before = (folder / "market.db").read_bytes()
    again = comptoir("init", *flags)
    assert is_one_line(again)
    assert "nothing was changed" in again.error
    assert (folder / "market.db").read_bytes() == before


@pytest.mark.parametrize(
    ("database", "reason"),
    [
        ("mysql://localhost/x", "names no database"),
        ("sqlite:///:memory:", "names no database"),
        (".", "cannot open"),
        ("text.db", "not a database"),
        ("foreign.db", "not Comptoir's"),
        (
            "postgresql://someone:hush@127.0.0.1:1/market",
            "cannot open postgresql://someone@127.0.0.1:1/market",
        ),
    ],
)
def test_no_marketplace_where_there_cannot_be_one(
    comptoir: Comptoir, folder: Path, database: str, reason: str
) -> None:
    (folder / "text.db").write_text("no database, but text that is long enough to be told from one " * 20)
    _make_foreign(folder / "foreign.db")
    before = sorted((file.name, file.read_bytes()) for file in folder.iterdir() if file.suffix == ".db")
    refused = comptoir("init", "--database", database)
    assert is_one_line(refused), refused
    assert reason in refused.error
    assert "hush" not in refused.error
    assert before == sorted(
        (file.name, file.read_bytes()) for file in folder.iterdir() if file.suffix == ".db"
    )


def _make_foreign(path: Path) -> None:
    import apsw

    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()


def test_reset_asks_first(comptoir: Comptoir, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comptoir("init")
    for answer in ("no\n", "\n", ""):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        refused = comptoir("reset")
        assert refused.status == 2
        assert "nothing was changed" in refused.error
        assert (folder / "market.db").exists()
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert comptoir("reset").status == 0
    assert not (folder / "market.db").exists()
    assert comptoir("init").status == 0


def test_reset_needs_a_database(comptoir: Comptoir) -> None:
    refused = comptoir("reset", "--yes")
    assert is_one_line(refused)
    assert "there is no database" in refused.error


def test_the_whole_life_of_a_marketplace_on_postgresql(comptoir: Comptoir, postgresql_server: str) -> None:
    url = create_postgresql(postgresql_server, "cli_life")
    at = ("--database", url)
    try:
        assert "the database is empty" in comptoir("customers", *at).error
        made = json.loads(comptoir("init", "--sample", "--json", *at).out)
        assert is_one_line(comptoir("init", *at))
        customers = json.loads(comptoir("customers", "--json", *at).out)
        assert {customer["id"] for customer in customers} == {
            customer["id"] for customer in made["accounts"][1]["customers"]
        }
        assert comptoir("token", "--account", "sandbox", *at).status == 0
        assert comptoir("doctor", "--port", "0", *at).status == 0
        assert comptoir("reset", "--yes", *at).status == 0
        assert "the database is empty" in comptoir("customers", *at).error
        assert comptoir("init", *at).status == 0
    finally:
        drop_postgresql(postgresql_server, url)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_of_several_at_once_one_makes_the_marketplace(
    folder: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    database = "race.db"
    if engine == "postgresql":
        database = create_postgresql(request.getfixturevalue("postgresql_server"), "cli_race")
    with ThreadPoolExecutor(3) as pool:
        ended = list(pool.map(lambda _: command(folder, "init", "--database", database), range(3)))
    assert sorted(process.returncode for process in ended) == [0, 2, 2]
    for process in ended:
        assert process.stderr.count("\n") == (process.returncode == 2), process.stderr
