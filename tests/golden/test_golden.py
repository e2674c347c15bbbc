"""Each client's requests, replayed, get the replies that were compared with the contract."""

import json

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
