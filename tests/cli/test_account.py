"""``comptoir account``, ``comptoir customers`` and ``comptoir settings``."""

from pathlib import Path

import pytest
from tests.cli.conftest import Comptoir, Outcome, is_one_line

from comptoir.bootstrap.making import Made


def values(outcome: Outcome) -> dict[str, list[str]]:
    """Each setting in force with its value and where it comes from."""
    assert outcome.status == 0, outcome.error
    return {line.split()[0]: line.split(maxsplit=2)[1:] for line in outcome.out.splitlines()[2:]}


def test_settings_are_changed_and_reset(comptoir: Comptoir, market_made: Made) -> None:
    change = ("--set", "limit_customers=3", "--set", "mfa=enforce", "--set", "allow_order_cancel=false")
    changed = values(comptoir("account", "settings", "sandbox", *change))
    assert changed["limit_customers"] == ["3", "set"]
    assert changed["mfa"] == ["enforce", "set"]
    assert changed["allow_order_cancel"] == ["false", "set"]
    assert changed["order_list_delay_seconds"] == ["0", "kind and profile"]
    faithful = ("--profile", "faithful", "--reset", "mfa", "--set", "limit_customers=none")
    changed = values(comptoir("account", "settings", "sandbox", *faithful))
    assert changed["limit_customers"] == ["none", "set"]
    assert changed["mfa"] == ["report", "kind and profile"]
    assert changed["order_list_delay_seconds"] == ["900", "kind and profile"]
    assert values(comptoir("account", "settings", "sandbox")) == changed
    untouched = values(comptoir("account", "settings", "production"))
    assert untouched["order_list_delay_seconds"] == ["0", "kind and profile"]


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("sandbox", "--set", "limit_customers"), "SETTING=VALUE"),
        (("sandbox", "--set", "limit_customers=few"), "whole number"),
        (("sandbox", "--set", "mfa=maybe"), "off, report, enforce"),
        (("sandbox", "--set", "colour=blue"), "there is no such setting"),
        (("sandbox", "--reset", "colour"), "there is no such setting"),
        (("sandbox", "--profile", "strict"), "strict"),
        (("nobody",), "There is no account nobody."),
        (("../accounts",), "was not found"),
        ((), "requires an argument"),
    ],
)
def test_refused_settings_change_nothing(
    comptoir: Comptoir, market_made: Made, folder: Path, flags: tuple[str, ...], reason: str
) -> None:
    before = (folder / "market.db").read_bytes()
    refused = comptoir("account", "settings", *flags)
    assert is_one_line(refused), refused
    assert reason in refused.error
    assert (folder / "market.db").read_bytes() == before


def test_customers_are_listed_with_their_id_and_agreement(comptoir: Comptoir, market_made: Made) -> None:
    lines = comptoir("customers", "--account", "production").out.splitlines()
    made = {customer.id: customer.name for customer in market_made.accounts[0].customers}
    assert {line.split(maxsplit=4)[0]: line.split(maxsplit=4)[4] for line in lines[1:]} == made
    assert all(line.split()[2] == "confirmed" for line in lines[1:])
    assert is_one_line(comptoir("customers", "--account", "nobody"))


def test_settings_say_where_they_come_from(
    comptoir: Comptoir, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "comptoir.toml").write_text('port = 9000\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("COMPTOIR_PORT", "9001")
    monkeypatch.setenv("COMPTOIR_DATABASE", "postgresql://someone:hush@db.example/market")
    lines = {line.split()[0]: line for line in comptoir("settings").out.splitlines()}
    assert lines["port"].split()[1:3] == ["9001", "COMPTOIR_PORT"]
    assert lines["host"].split()[1:3] == ["0.0.0.0", "comptoir.toml"]
    assert lines["tls"].split()[1:3] == ["False", "default"]
    assert lines["database"].split()[1] == "postgresql://someone@db.example/market"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("port = 70000", "at most 65535"),
        ("port = -1", "not be negative"),
        ('port = "many"', "port must be int"),
        ("prot = 1", "unknown setting 'prot'"),
        ("port 1", "comptoir.toml: "),
    ],
)
def test_wrong_settings_are_refused(
    comptoir: Comptoir, folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    monkeypatch.delenv("COMPTOIR_PORT")
    (folder / "comptoir.toml").write_text(text)
    for command in ("settings", "customers", "doctor"):
        refused = comptoir(command)
        assert is_one_line(refused), refused
        assert reason in refused.error


@pytest.mark.parametrize(
    "arguments", [("frob",), ("catalog", "frob"), ("init", "--sampel"), ("settings", "x")]
)
def test_a_mistyped_command_is_refused_in_one_line(comptoir: Comptoir, arguments: tuple[str, ...]) -> None:
    assert is_one_line(comptoir(*arguments))
