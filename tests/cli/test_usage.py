"""``comptoir usage``."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Comptoir, is_one_line
from tests.metering_desk import CATALOGUE, PUBLISHER

UNKNOWN = "00000000-1111-4222-8333-444444444444"
ACCOUNT = ("--account", "sandbox")


@pytest.fixture
def subscription(comptoir: Comptoir, folder: Path, market_made: object) -> str:
    """A metered subscription in the sandbox, active since now."""
    (folder / "meters.yaml").write_text(CATALOGUE.replace("flatRate\n", "flatRate\n  fulfillment: auto\n"))
    assert comptoir("catalog", "import", "meters.yaml").status == 0
    bought = comptoir("publisher", "purchase", PUBLISHER, "mailer", "basic", "--json")
    assert bought.status == 0, bought.error
    found: dict[str, Any] = json.loads(bought.out)
    assert found["status"] == "active"
    return str(found["subscriptionId"])


def event(subscription: str, **members: str) -> list[str]:
    """The arguments of an event of now."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    flags = {"dimension": "text", "quantity": "2.5", "at": now, "plan": "basic", **members}
    return ["add", subscription, *ACCOUNT, *(f"--{name}={value}" for name, value in flags.items())]


def test_usage_is_added_and_counted(comptoir: Comptoir, subscription: str) -> None:
    added = comptoir("usage", *event(subscription))
    assert added.status == 0, added.error
    shown = {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in added.out.splitlines()}
    assert (shown["Subscription"], shown["Quantity"]) == (subscription, "2.5")
    counted = comptoir("usage", "show", subscription, *ACCOUNT)
    rows = [line.split() for line in counted.out.splitlines()]
    assert rows == [["Dimension", "Used", "Included"], ["email100", "0.0", "100"], ["text", "2.5", "0"]]
    counters = json.loads(comptoir("usage", "show", subscription, *ACCOUNT, "--json").out)
    assert counters[1] == {"dimension": "text", "used": 2.5, "included": 0}


def test_usage_that_is_not_accepted_is_one_line(comptoir: Comptoir, subscription: str) -> None:
    assert comptoir("usage", *event(subscription)).status == 0
    again = comptoir("usage", *event(subscription))
    assert is_one_line(again)
    assert again.error == "comptoir: Duplicate: This usage event already exist.\n"
    wrong = comptoir("usage", *event(subscription, dimension="faxes"))
    assert is_one_line(wrong)
    assert wrong.error.startswith("comptoir: InvalidDimension: ")


def test_a_subscription_that_is_not_there_is_one_line(comptoir: Comptoir, market_made: object) -> None:
    assert is_one_line(comptoir("usage", "show", UNKNOWN))
    assert is_one_line(comptoir("usage", "show", UNKNOWN, "--account", "nobody"))
    assert is_one_line(comptoir("usage", *event(UNKNOWN)))
