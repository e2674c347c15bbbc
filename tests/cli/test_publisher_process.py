"""``comptoir sample-publisher`` beside a server, as processes of their own: everything goes over HTTP."""

import json
import re
import signal
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.cli.conftest import Comptoir, is_one_line
from tests.started import publishing, started

from comptoir.bootstrap.making import Made

TOKEN = re.compile(r'name="token" value="([^"]+)"')
SECONDS_MAX = 20


def told(comptoir: Comptoir, *arguments: str) -> Any:
    """What a command says as JSON."""
    outcome = comptoir(*arguments, "--json")
    assert outcome.status == 0, outcome.error
    return json.loads(outcome.out)


@pytest.fixture
def credentials(comptoir: Comptoir, folder: Path, market_made: Made) -> Path:
    """A file with a new secret of a publisher of the sample; the server may call this machine."""
    (folder / "comptoir.toml").write_text('webhook_private_networks = "127.0.0.0/8"\n')
    file = folder / "publisher.json"
    file.write_text(json.dumps(told(comptoir, "publisher", "register", "lanternwick")))
    return file


def test_a_purchase_and_its_publisher(comptoir: Comptoir, folder: Path, credentials: Path) -> None:
    with (
        started(folder) as server,
        publishing(folder, "--marketplace", server.address, "--credentials", str(credentials)) as (
            site,
            process,
        ),
        httpx2.Client(trust_env=False, timeout=SECONDS_MAX) as browser,
    ):
        assert comptoir("publisher", "point", "lanternwick", site).status == 0
        wanted = ("lanternwick", "desk", "team", "--account", "production", "--quantity", "5")
        bought = told(comptoir, "publisher", "purchase", *wanted)
        assert (bought["saasStatus"], bought["activationLink"].startswith(f"{site}/start?token=")) == (
            "PendingFulfillmentStart",
            True,
        )
        page = browser.get(bought["activationLink"])
        token = TOKEN.search(page.text)
        assert token is not None, page.text
        done = browser.post(f"{site}/activate", data={"token": token[1]})
        assert (done.status_code, "Subscribed" in done.text) == (200, True)

        path = (
            f"{server.address}/v1/customers/{bought['customerId']}/subscriptions/{bought['subscriptionId']}"
        )
        bearer = comptoir("token", "--account", "production").out.strip()
        partner = {"Authorization": f"Bearer {bearer}"}
        assert browser.get(path, headers=partner).json()["status"] == "active"
        changed = browser.patch(path, json={"quantity": 8}, headers=partner)
        assert (changed.status_code, changed.json().get("quantity")) == (200, 8), changed.text

        assert browser.post(f"{site}/habit", json={"habit": "refuse"}).status_code == 200
        refused = browser.patch(path, json={"quantity": 9}, headers=partner)
        assert (refused.status_code, refused.json()["code"]) == (400, 800095)
        assert browser.get(path, headers=partner).json()["quantity"] == 8

        ended = browser.patch(path, json={"status": "deleted"}, headers=partner)
        assert (ended.status_code, ended.json()["status"]) == (200, "deleted")
        assert heard(browser, site, 3) == [("ChangeQuantity", 8), ("ChangeQuantity", 9), ("Unsubscribe", 8)]

        process.send_signal(signal.SIGTERM)
        out, error = process.communicate(timeout=SECONDS_MAX)
        assert (process.returncode, out, error) == (0, "", "")


def heard(browser: httpx2.Client, site: str, count: int) -> list[tuple[str, int]]:
    """The webhooks that came in, once there are as many as are expected."""
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        events = browser.get(f"{site}/events").json()
        if len(events) >= count:
            break
        time.sleep(0.05)
    return [(event["action"], event["quantity"]) for event in events]


def test_a_new_secret_is_printed_for_people(comptoir: Comptoir, market_made: Made) -> None:
    shown = comptoir("publisher", "register", "lanternwick")
    lines = dict(line.split(None, 1) for line in shown.out.splitlines())
    publisher = next(each for each in market_made.publishers if each.id == "lanternwick")
    assert (lines["Tenant"], lines["Application"]) == (publisher.tenant_id, publisher.client_id)
    assert len(lines["Secret"]) >= 40
    assert lines["Secret"] != publisher.client_secret
    again = told(comptoir, "publisher", "register", "lanternwick")
    assert again["clientSecret"] != lines["Secret"]


@pytest.mark.usefixtures("market_made")
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("publisher", "register", "nobody"), "nobody"),
        (("publisher", "point", "nobody", "http://127.0.0.1:8090"), "nobody"),
        (("publisher", "point", "lanternwick", "127.0.0.1:8090"), "landingPageUrl"),
        (("publisher", "point", "lanternwick", "http://h", "--webhook", "/#"), "webhookUrl"),
        (("sample-publisher", "--credentials", "nowhere.json"), "nowhere.json"),
        (("sample-publisher", "--credentials", "comptoir.toml"), "comptoir.toml"),
        (
            ("sample-publisher", "--credentials", "x", "--habit", "sulk"),
            "acknowledge, wait, refuse, fail, break",
        ),
        (("sample-publisher",), "credentials"),
    ],
)
def test_what_cannot_be_is_one_line(
    comptoir: Comptoir, folder: Path, arguments: tuple[str, ...], reason: str
) -> None:
    (folder / "comptoir.toml").write_text("port = 0\n")
    refused = comptoir(*arguments)
    assert is_one_line(refused), refused
    assert reason in refused.error


def test_a_port_that_is_taken_is_one_line(comptoir: Comptoir, folder: Path, credentials: Path) -> None:
    with publishing(folder, "--credentials", str(credentials)) as (site, _):
        port = site.rpartition(":")[2]
        refused = comptoir("sample-publisher", "--credentials", str(credentials), "--port", port)
    assert is_one_line(refused), refused
    assert "cannot listen" in refused.error
