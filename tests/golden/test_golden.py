"""Each client's requests, replayed, get the replies that were compared with the contract."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.golden.replay import CLIENTS, FOLDER, calls_of, replay
from tests.market import Market

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("client", CLIENTS)
async def test_replies(market: Market, client: str) -> None:
    found = await replay(market, client)
    assert found
    for call, reply in found:
        golden = json.loads(call.reply_file.read_text(encoding="utf-8"))
        assert _exact(reply) == _exact(golden), f"{client}/{call.name}; see tests/golden/README.md"


def _exact(reply: object) -> list[str]:
    """Lines to compare, in which 1, 1.0 and true differ, but the order of members does not."""
    return json.dumps(reply, ensure_ascii=False, indent=1, sort_keys=True).splitlines()


@pytest.mark.parametrize("client", CLIENTS)
def test_each_reply_has_its_request(client: str) -> None:
    expected = {call.reply_file for call in calls_of(client)}
    assert expected == set((FOLDER / client).glob("*.reply.json"))


def test_each_client_has_its_folder() -> None:
    assert {path.name for path in FOLDER.iterdir() if (path / "client.json").exists()} == set(CLIENTS)


STRICT_CLIENTS = ("java", "powershell", "kotlin")
STRICT_WORDS = {
    "Subscription": {"status": {"none", "active", "suspended", "deleted"}},
    "Order": {"billingCycle": {"unknown", "monthly", "annual", "none", "one_time"}},
}
"""Another word makes these clients lose the whole answer (``00`` section 12.2)."""


@pytest.mark.parametrize("client", STRICT_CLIENTS)
def test_strict_clients_get_only_words_that_they_know(client: str) -> None:
    found = 0
    for call in calls_of(client):
        for node in _resources(json.loads(call.reply_file.read_text(encoding="utf-8"))):
            for member, words in STRICT_WORDS.get(node["attributes"]["objectType"], {}).items():
                assert node[member] in words, f"{client}/{call.name}"
                found += 1
    assert found


def _resources(node: object) -> Iterator[dict[str, Any]]:
    """Every object of a reply that says what it is."""
    if isinstance(node, dict):
        if "objectType" in node.get("attributes", {}):
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from _resources(value)
