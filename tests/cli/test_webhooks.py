"""``comptoir webhooks``."""

import asyncio
import json

import pytest
from tests.cli.conftest import Comptoir, is_one_line
from tests.market import open_market
from tests.receivers import answering

from comptoir.bootstrap.making import Made
from comptoir.db import Tx, sql
from comptoir.delivery import service

FIND_PRODUCT = sql("SELECT id FROM products ORDER BY id{c} LIMIT 1")


@pytest.fixture
def webhook(market_made: Made) -> str:
    """The id of a webhook that its publisher has refused."""

    async def make() -> str:
        async with open_market("sqlite:///market.db", market_made) as market:
            ctx = await market.context()

            async def enqueue(tx: Tx) -> str:
                row = await tx.one(FIND_PRODUCT)
                assert row is not None
                target = await service.publisher_target(tx, row["id"])
                assert target is not None
                return await service.enqueue(
                    tx,
                    ctx,
                    queue="subscription",
                    kind="saas_operation",
                    subject_id="operation",
                    target=target,
                    body=b'{"id":"operation"}',
                    is_refusable=True,
                )

            delivery_id = await market.write(enqueue)
            market.receivers.answer = answering(418)
            await market.deliver()
            return delivery_id

    return asyncio.run(make())


def test_webhooks_are_listed(comptoir: Comptoir, webhook: str) -> None:
    listed = comptoir("webhooks", "list")
    assert listed.status == 0, listed.error
    titles, row = listed.out.splitlines()
    assert titles.split()[:2] == ["ID", "Created"]
    assert row.split()[0] == webhook
    assert row.split()[-3:] == ["refused", "1", "418"]
    assert json.loads(comptoir("webhooks", "list", "--json").out)[0]["id"] == webhook
    for flags in (
        ("--state", "dead"),
        ("--account", "production"),
        ("--publisher", "x"),
        ("--subscription", "x"),
    ):
        assert len(comptoir("webhooks", "list", *flags).out.splitlines()) == 1
    assert len(comptoir("webhooks", "list", "--state", "refused", "--limit", "1").out.splitlines()) == 2


def test_a_webhook_is_shown(comptoir: Comptoir, webhook: str) -> None:
    shown = comptoir("webhooks", "show", webhook)
    assert shown.status == 0, shown.error
    assert '\n{"id":"operation"}\n' in shown.out
    assert shown.out.splitlines()[-1].split()[0] == "1"
    assert "418" in shown.out.splitlines()[-1]
    found = json.loads(comptoir("webhooks", "show", webhook, "--json").out)
    assert (found["body"], found["log"][0]["status"]) == ('{"id":"operation"}', 418)


def test_a_webhook_is_sent_again(comptoir: Comptoir, webhook: str) -> None:
    again = comptoir("webhooks", "redeliver", webhook)
    assert again.status == 0, again.error
    assert "pending" in again.out
    assert json.loads(comptoir("webhooks", "show", webhook, "--json").out)["state"] == "pending"
    assert json.loads(comptoir("webhooks", "redeliver", webhook, "--json").out)["attempts"] == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("show", "nothing"), "There is no delivery nothing."),
        (("redeliver", "../x"), "was not found"),
        (("list", "--state", "lost"), "lost"),
        (("list", "--account", "nobody"), "nobody"),
        (("list", "--limit", "0"), "1 to 500"),
        (("list", "--limit", "501"), "1 to 500"),
    ],
)
def test_what_is_refused_is_one_line(
    comptoir: Comptoir, market_made: Made, arguments: tuple[str, ...], reason: str
) -> None:
    refused = comptoir("webhooks", *arguments)
    assert is_one_line(refused), refused
    assert reason in refused.error


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("WEBHOOK_PRIVATE_NETWORKS", "10.0.0.0/99", "neither a network nor a host"),
        ("WEBHOOK_CA_FILE", "nowhere.pem", "there is no file nowhere.pem"),
        ("WEBHOOK_TIMEOUT_MS", "0", "from 1 to 600000"),
        ("WEBHOOK_PLACES", "0", "from 1 to 1000"),
        ("WEBHOOK_RETRIES", "1000000", "from 0 to 100000"),
    ],
)
@pytest.mark.usefixtures("market_made")
def test_settings_that_cannot_be_used_are_told(
    comptoir: Comptoir, monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(f"COMPTOIR_{name}", value)
    refused = comptoir("webhooks", "list")
    assert is_one_line(refused), refused
    assert reason in refused.error
