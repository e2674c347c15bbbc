"""The documents as they are served, and what they promise of tokens."""

import httpx2
import pytest
from tests import documented
from tests.market import Market

from comptoir.api import openapi
from comptoir.wire.operation import Audience, Operation
from comptoir.wire.operations import OPERATIONS

pytestmark = pytest.mark.anyio


async def test_the_document_is_served(market: Market) -> None:
    reply = await market.client.get("/openapi.json")
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.json() == openapi.document()


async def test_the_page_is_served(market: Market) -> None:
    reply = await market.client.get("/docs")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "<title>Comptoir API</title>" in reply.text


async def test_the_document_is_made_once(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await market.client.get("/openapi.json")
    monkeypatch.setattr(openapi, "document", lambda: pytest.fail("made again"))
    assert (await market.client.get("/openapi.json")).content == first.content


async def test_who_has_no_token_is_told_so_wherever_one_is_needed(market: Market) -> None:
    for operation in OPERATIONS:
        path = operation.path.replace("{", "").replace("}", "")
        reply = await market.client.request(operation.method, path)
        refused = 403 if operation.audience is Audience.PUBLISHER else 401
        assert (reply.status_code == refused) == _needs_token(operation), operation.id


def _needs_token(operation: Operation) -> bool:
    """The exchange of a token takes it in the header, too."""
    return operation.audience is not Audience.PUBLIC or operation.id == "oauth.generate_token"


async def test_the_address_for_tokens_gives_one(market: Market) -> None:
    flow = openapi.document()["components"]["securitySchemes"]["partnerApplication"]["flows"]
    ((scope, _),) = flow["clientCredentials"]["scopes"].items()
    (application, *_) = market.made.accounts[0].applications
    form = {
        "grant_type": "client_credentials",
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "scope": scope,
    }
    reply = await market.client.post(flow["clientCredentials"]["tokenUrl"], data=form)
    assert reply.status_code == 200, reply.text
    headers = {"Authorization": f"Bearer {reply.json()['access_token']}"}
    assert (await market.client.get("/v1/customers", headers=headers)).status_code == 200


CART = next(operation for operation in OPERATIONS if operation.id == "carts.get")
FAULT = {
    "code": 800008,
    "description": "Cart x was not found.",
    "data": [],
    "source": "Comptoir",
    "errorName": "CartNotFound",
    "isRetryable": False,
}


def _reply(status: int, body: object, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, json=body, headers=headers)


def test_an_answer_as_documented_passes() -> None:
    documented.examine(_reply(404, FAULT), CART)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(_reply(404, {**FAULT, "code": 20000}), id="another code"),
        pytest.param(_reply(410, FAULT), id="another status"),
        pytest.param(_reply(404, {**FAULT, "more": 1}), id="another member"),
        pytest.param(_reply(404, {**FAULT, "code": "800008"}), id="another type"),
        pytest.param(_reply(404, FAULT, ETag='"1"'), id="another header"),
        pytest.param(httpx2.Response(404, text="no"), id="another media type"),
        pytest.param(httpx2.Response(404), id="no body"),
        pytest.param(_reply(200, {"id": "x"}), id="missing members"),
    ],
)
def test_an_answer_that_differs_from_the_document_is_noticed(reply: httpx2.Response) -> None:
    with pytest.raises(AssertionError):
        documented.examine(reply, CART)
