"""``comptoir publisher``."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Comptoir, is_one_line
from tests.publisher_desk import CATALOGUE, NOWHERE

from comptoir.bootstrap.making import Made


@pytest.fixture
def shop_made(comptoir: Comptoir, folder: Path, market_made: Made) -> Made:
    """The sample, and a publisher whose site somebody develops."""
    (folder / "northbeam.yaml").write_text(CATALOGUE.replace("PARTNER", NOWHERE))
    imported = comptoir("catalog", "import", "northbeam.yaml")
    assert imported.status == 0, imported.error
    shown = comptoir("account", "settings", "sandbox", "--set", "sandbox_publisher_delivery=true")
    assert shown.status == 0, shown.error
    return market_made


def done(comptoir: Comptoir, *arguments: str) -> Any:
    outcome = comptoir("publisher", *arguments, "--json")
    assert outcome.status == 0, outcome.error
    return json.loads(outcome.out)


@pytest.mark.usefixtures("shop_made")
def test_a_purchase_and_its_life(comptoir: Comptoir) -> None:
    bought = done(comptoir, "purchase", "northbeam", "pamphlet", "reader", "--quantity", "3", "--term", "P1Y")
    assert (bought["account"], bought["status"], bought["quantity"]) == ("sandbox", "active", 3)
    subscription = bought["subscriptionId"]
    assert done(comptoir, "change-quantity", subscription, "4")["quantity"] == 4
    assert done(comptoir, "suspend", subscription)["status"] == "suspended"
    assert done(comptoir, "reinstate", subscription)["status"] == "active"
    assert done(comptoir, "renew", subscription)["status"] == "active"
    assert done(comptoir, "unsubscribe", subscription)["status"] == "deleted"


@pytest.mark.usefixtures("shop_made")
def test_what_was_bought_is_printed_for_people(comptoir: Comptoir) -> None:
    bought = comptoir("publisher", "purchase", "northbeam", "harbor", "team", "--trial")
    assert bought.status == 0, bought.error
    lines = {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in bought.out.splitlines()}
    assert lines["Status"] == "pending (PendingFulfillmentStart)"
    assert (lines["Plan"], lines["Seen by its publisher"]) == ("team (trial)", "yes")
    assert lines["Activation link"].startswith("https://app.northbeam.example/start?from=comptoir&token=")
    again = done(comptoir, "link", lines["Subscription"])
    assert again["activationLink"] != lines["Activation link"]


@pytest.mark.usefixtures("shop_made")
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("purchase", "northbeam", "harbor", "nothing"), "There is no plan northbeam/harbor/nothing."),
        (("purchase", "northbeam", "harbor", "team", "--quantity", "900"), "900"),
        (("suspend", NOWHERE), "was not found"),
        (("change-plan", NOWHERE, "large"), "was not found"),
        (("change-quantity", NOWHERE, "many"), "many"),
    ],
)
def test_what_cannot_be_is_one_line(comptoir: Comptoir, arguments: tuple[str, ...], reason: str) -> None:
    refused = comptoir("publisher", *arguments)
    assert is_one_line(refused), refused
    assert reason in refused.error
