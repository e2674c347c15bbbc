"""``comptoir token``."""

import base64
import json
from typing import Any

import pytest
from tests.cli.conftest import Comptoir, is_one_line

from comptoir.bootstrap.making import Made


def claims(text: str) -> dict[str, Any]:
    """What is in the token, if a token and a newline is all there is."""
    token, end = text[:-1], text[-1]
    assert end == "\n"
    _, payload, _ = token.split(".")
    found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert isinstance(found, dict)
    return found


def test_a_token_of_an_account(comptoir: Comptoir, market_made: Made) -> None:
    minted = comptoir("token", "--account", "sandbox")
    found = claims(minted.out)
    account = market_made.accounts[1]
    assert (found["tid"], found["appid"]) == (account.tenant_id, account.applications[0].client_id)
    assert "upn" not in found
    assert found["exp"] - found["iat"] == 3600


def test_a_token_on_behalf_of_a_user(comptoir: Comptoir, market_made: Made) -> None:
    user = market_made.accounts[0].users[1]
    minted = comptoir("token", "--account", "PRODUCTION", "--user", user.name.upper())
    found = claims(minted.out)
    assert found["upn"] == user.name
    assert "mfa" in found["amr"]


def test_a_token_of_a_publisher(comptoir: Comptoir, market_made: Made) -> None:
    publisher = market_made.publishers[0]
    found = claims(comptoir("token", "--publisher", publisher.id).out)
    assert (found["tid"], found["appid"]) == (publisher.tenant_id, publisher.client_id)


def test_a_token_of_the_operator(comptoir: Comptoir, market_made: Made) -> None:
    assert claims(comptoir("token", "--operator").out)["aud"] == "urn:comptoir:operator"


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ((), "give one of"),
        (("--account", "sandbox", "--operator"), "give one of"),
        (("--user", "ada@rivermark-cloud.example", "--operator"), "--user needs --account"),
        (("--account", "nobody"), "There is no account nobody."),
        (("--account", "sandbox", "--user", "eve@x.example"), "There is no user of account sandbox eve"),
        (("--publisher", "nobody"), "There is no publisher"),
        (("--account",), "requires an argument"),
        (("--acount", "sandbox"), "--account"),
    ],
)
def test_a_refused_token(comptoir: Comptoir, market_made: Made, flags: tuple[str, ...], reason: str) -> None:
    refused = comptoir("token", *flags)
    assert is_one_line(refused), refused
    assert reason in refused.error


def test_no_token_without_a_database(comptoir: Comptoir) -> None:
    refused = comptoir("token", "--operator")
    assert is_one_line(refused)
    assert "make one with: comptoir init" in refused.error
