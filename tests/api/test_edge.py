"""What the edge does for every call: ids, faults, leniency, limits, replay."""

import asyncio
import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests import watch
from tests.market import ADMIN, HELPDESK, Market

from comptoir.api.limits import STORM_ANSWERS
from comptoir.catalog import service as catalog
from comptoir.core.context import Role
from comptoir.db import Tx
from comptoir.identity import tokens
from comptoir.identity.model import User
from comptoir.wire.operation import Audience, Operation
from comptoir.wire.operations import OPERATIONS

pytestmark = pytest.mark.anyio

Json = dict[str, Any]


def customer_body(domain: str = "edge.example") -> Json:
    return {
        "companyProfile": {"domain": domain},
        "billingProfile": {
            "culture": "en-US",
            "email": "someone@edge.example",
            "language": "en",
            "companyName": "Edge & Sons",
            "defaultAddress": {
                "country": "US",
                "state": "WA",
                "city": "Seattle",
                "addressLine1": "1 Pine Street",
                "postalCode": "98101",
                "firstName": "Ed",
                "lastName": "Ge",
                "phoneNumber": "2065550100",
            },
        },
    }


async def test_every_answer_carries_the_ids(market: Market) -> None:
    sent = {
        "MS-RequestId": "r-1",
        "MS-CorrelationId": "c-1",
        "X-Locale": "fr-FR",
        "MS-CV": "q8Zt0bWvT0mJk2Xs.0",
    }
    reply = await market.get("/v1/customers", headers=sent)
    assert reply.headers["MS-RequestId"] == "r-1"
    assert reply.headers["MS-CorrelationId"] == "c-1"
    assert reply.headers["X-Locale"] == "fr-FR"
    assert reply.headers["MS-CV"] == "q8Zt0bWvT0mJk2Xs.0.0"
    assert reply.headers["MS-ServerId"]


async def test_ids_that_cannot_be_echoed_are_drawn(market: Market) -> None:
    sent = {"MS-RequestId": "with space", "X-Locale": "../../x", "MS-CV": "short"}
    reply = await market.get("/v1/customers", headers=sent)
    assert " " not in reply.headers["MS-RequestId"]
    assert reply.headers["X-Locale"] == "en-US"
    assert len(reply.headers["MS-CV"]) == len("q8Zt0bWvT0mJk2Xs.0")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/nothing"),
        ("PUT", "/v1/customers"),
        ("GET", "/"),
        ("GET", "/v1/customers/../../etc/passwd"),
        ("GET", "/v1/%2e%2e/%2e%2e/etc/passwd"),
        ("POST", "/v1/" + "x/" * 40),
        ("PROPFIND", "/v1/customers"),
    ],
)
async def test_unknown_paths_and_methods_are_not_found(market: Market, method: str, path: str) -> None:
    reply = await market.call(method, path)
    assert (reply.status_code, reply.json()["code"]) == (404, 1000)


@pytest.mark.parametrize(
    "path", ["/V1/Customers", "/v1//customers", "/v1/customers/", "http://market.test//v1/customers//"]
)
async def test_case_and_slashes_are_forgiven(market: Market, path: str) -> None:
    assert (await market.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", 800001),
        ("Bearer", 800001),
        ("Basic abc", 400),
        ("Bearer abc", 400),
        ("Bearer a.b.c", 400),
        ("Bearer " + "a" * 20_000, 400),
    ],
)
async def test_bad_tokens(market: Market, authorization: str, code: int) -> None:
    reply = await market.get("/v1/customers", headers={"Authorization": authorization})
    assert (reply.status_code, reply.json()["code"]) == (401, code)
    assert reply.headers["WWW-Authenticate"] == "Bearer"


async def test_tokens_expire_by_the_wall_clock(market: Market) -> None:
    token = await market.token()
    market.wait(minutes=64)
    assert (await market.get("/v1/customers")).status_code == 200
    market.wait(minutes=2)
    reply = await market.get("/v1/customers", headers={"Authorization": f"Bearer {token}"})
    assert (reply.status_code, reply.json()["code"]) == (401, 400)


async def test_an_operator_token_is_no_partner_token(market: Market) -> None:
    reply = await market.get("/v1/customers", account="operator")
    assert reply.status_code == 401
    assert (await market.get("/operator/v1/accounts")).status_code == 401
    assert (await market.get("/operator/v1/accounts", account="operator")).status_code == 200
    key = market.services.operator_key
    reply = await market.get("/operator/v1/accounts", headers={"Authorization": f"Bearer {key}"})
    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", 800002),
        (b"[]", 800002),
        (b'"text"', 800002),
        (b"\xff\xfe{}", 800002),
        (b'{"companyProfile": 3}', 3000),
        (b'{"billingProfile": {"email": {}}}', 3000),
        (b"[" * 100_000, 800002),
        (b'{"companyProfile": ' * 5_000, 800002),
        (b"x" * 1_100_000, 800002),
        (b'{"companyProfile": {"domain": 1e400}}', 3000),
    ],
)
async def test_bodies_that_cannot_be_read(market: Market, raw: bytes, code: int) -> None:
    reply = await market.call("POST", "/v1/customers", raw=raw)
    assert reply.status_code == 400
    assert reply.json()["code"] in {code, 800002, 3000}


async def test_bodies_as_clients_write_them(market: Market) -> None:
    body = json.dumps(customer_body())
    lenient = "\ufeff" + body.replace('"billingProfile"', '/* note */ "BILLINGPROFILE"').replace(
        "}}}", "},},}"
    )
    reply = await market.call("POST", "/v1/customers", raw=lenient.encode())
    assert reply.status_code == 201, reply.text


async def test_headers_have_a_bound(market: Market) -> None:
    reply = await market.get("/v1/customers", headers={"X-Large": "x" * 70_000})
    assert (reply.status_code, reply.json()["code"]) == (400, 800002)


@pytest.mark.parametrize(
    "query",
    ["&".join(f"a{number}=1" for number in range(100)), "filter=%ff%fe", "size=abc", "size=-1"],
)
async def test_bad_queries(market: Market, query: str) -> None:
    assert (await market.get(f"/v1/customers?{query}")).status_code == 400


@pytest.mark.parametrize(
    "trick", ["' OR 1=1 --", "%27%3B%20DROP%20TABLE%20customers%3B--", "%00", "\u202e", "9" * 400]
)
async def test_ids_are_not_statements(market: Market, trick: str) -> None:
    reply = await market.get(f"/v1/customers/{trick}")
    assert (reply.status_code, reply.json()["code"]) == (400, 900118)
    path = f"/v1/customers/{market.customer()}/orders/{trick}"
    assert (await market.get(path)).status_code == 404


async def test_content_type_and_accept(market: Market) -> None:
    as_xml = {"Content-Type": "application/xml"}
    assert (await market.call("POST", "/v1/customers", raw=b"<a/>", headers=as_xml)).status_code == 415
    assert (await market.get("/v1/customers", headers={"Accept": "text/html"})).status_code == 406
    refused = await market.get("/v1/customers", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers
    for accept in ("application/json", "text/html, */*;q=0.1", "application/json, text/plain, */*"):
        assert (await market.get("/v1/customers", headers={"Accept": accept})).status_code == 200


async def test_large_answers_are_compressed_for_those_who_ask(market: Market) -> None:
    path = "/v1/products?country=US&targetView=OnlineServices"
    plain = await market.get(path, headers={"Accept-Encoding": "identity"})
    packed = await market.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.json() == plain.json()
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(gzip.compress(plain.content)) < len(plain.content)


async def test_the_etag_is_mirrored(market: Market) -> None:
    reply = await market.get(f"/v1/customers/{market.customer()}/profiles/billing")
    assert reply.headers["ETag"] == f'"{reply.json()["attributes"]["etag"]}"'


async def _without_mfa(market: Market) -> dict[str, str]:
    """The header of a user who signed in with a password alone."""
    account, secrets = await market.account(), market.services.secrets
    user = User(
        "1f0e4d8a-0f4c-4b52-9d6e-6a1c6f0b7a01", account.id, ADMIN, "Ada", frozenset({Role.ADMIN_AGENTS})
    )
    claims = tokens.user_claims(
        user=user,
        client_id=market.made.accounts[1].applications[0].client_id,
        resource="https://api.partnercenter.microsoft.com",
        base_url="http://market.test",
        wall=market.now,
        has_mfa=False,
    )
    return {"Authorization": f"Bearer {tokens.sign(secrets, claims)}"}


async def test_mfa_is_reported_to_those_who_ask(market: Market) -> None:
    asked = {"ValidateMfa": "true"}
    assert (await market.get("/v1/customers", user=ADMIN, headers=asked)).headers["isMfaCompliant"] == "true"
    for path in ("/v1/products?country=US&targetView=OnlineServices", "/v1/customers/x"):
        assert (await market.get(path, user=ADMIN, headers=asked)).headers["isMfaCompliant"] == "true"
    assert (await market.get("/v1/customers", headers=asked)).headers["isMfaCompliant"] == "true"
    assert "isMfaCompliant" not in (await market.get("/v1/customers", user=ADMIN)).headers
    without = await market.get("/v1/customers", headers={**asked, **await _without_mfa(market)})
    assert without.headers["isMfaCompliant"] == "false"


async def test_a_repeated_write_is_answered_from_the_store(market: Market) -> None:
    sent = {"MS-RequestId": "one-of-a-kind"}
    first = await market.post("/v1/customers", customer_body(), headers=sent)
    before = await watch.content(market.services.database)
    again = await market.post("/v1/customers", customer_body(), headers=sent)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["MS-Replayed"] == "true"
    assert "MS-Replayed" not in first.headers
    assert await watch.content(market.services.database) == before


async def test_the_same_id_may_serve_another_call(market: Market) -> None:
    sent = {"MS-RequestId": "pinned"}
    first = await market.post("/v1/customers", customer_body("a.example"), headers=sent)
    second = await market.post("/v1/customers", customer_body("b.example"), headers=sent)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


async def test_a_refusal_is_judged_afresh_and_replies_end_after_a_day(market: Market) -> None:
    sent = {"MS-RequestId": "again"}
    taken = await market.post("/v1/customers", customer_body(), headers={"MS-RequestId": "first"})
    refused = await market.post("/v1/customers", customer_body(), headers=sent)
    assert (taken.status_code, refused.status_code) == (201, 409)
    assert (await market.delete(f"/v1/customers/{taken.json()['id']}")).status_code == 204
    assert (await market.post("/v1/customers", customer_body(), headers=sent)).status_code == 201
    market.wait(hours=24)
    market.tokens.clear()
    assert (await market.post("/v1/customers", customer_body(), headers=sent)).status_code == 409


async def test_fifty_repeats_at_once_have_one_effect(market: Market) -> None:
    sent = {"MS-RequestId": "fifty"}
    replies = await asyncio.gather(
        *(market.post("/v1/customers", customer_body(), headers=sent, alone=False) for _ in range(50))
    )
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    assert sum("MS-Replayed" in reply.headers for reply in replies) == 49


def path_of(operation: Operation, market: Market) -> str:
    """A path of the operation for a customer that exists and things that do not."""
    path = re.sub(r"\{\w+:int\}", "0", operation.path)
    path = re.sub(r"\{customer_id\}", market.customer(), path)
    return re.sub(r"\{\w+(:guid)?\}", "00000000-0000-4000-8000-000000000000", path)


def of_partners(wanted: Callable[[Operation], bool]) -> pytest.MarkDecorator:
    operations = [known for known in OPERATIONS if known.audience is Audience.PARTNER and wanted(known)]
    return pytest.mark.parametrize("operation", operations, ids=lambda known: known.id)


@of_partners(lambda known: known.writes and "HelpdeskAgents" not in known.allowed_roles)
async def test_users_who_only_help_change_nothing(market: Market, operation: Operation) -> None:
    reply = await market.call(operation.method, path_of(operation, market), user=HELPDESK)
    assert (reply.status_code, reply.json()["code"]) == (403, 900150)


@of_partners(lambda known: known.request is not None)
async def test_every_call_with_a_body_refuses_one_that_is_not_json(
    market: Market, operation: Operation
) -> None:
    reply = await market.call(operation.method, path_of(operation, market), raw=b'{"a":', user=ADMIN)
    assert (reply.status_code, reply.json()["code"]) == (400, 800002)


async def test_throttling_tells_when_to_come_back(market: Market) -> None:
    await market.configure(requests_per_minute=2)
    for _ in range(2):
        assert (await market.get("/v1/customers")).status_code == 200
    reply = await market.get("/v1/customers")
    assert reply.status_code == 429
    assert reply.headers["Retry-After"] == "30"
    assert "code" not in reply.json()


async def test_a_storm_of_repeats_is_ended(market: Market) -> None:
    await market.configure(requests_per_minute=1)
    assert (await market.get("/v1/customers")).status_code == 200
    sent = {"MS-RequestId": "storm"}
    statuses = [
        (await market.get("/v1/customers", headers=sent)).status_code for _ in range(STORM_ANSWERS + 1)
    ]
    assert statuses == [429] * STORM_ANSWERS + [409]


async def test_a_failure_of_ours_tells_nothing_and_changes_nothing(
    market: Market, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(tx: Tx) -> int:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(catalog, "version", fail)
    reply = await market.get("/v1/products?country=US&targetView=OnlineServices")
    assert (reply.status_code, reply.json()["code"]) == (500, 800003)
    assert "secret" not in reply.text
    assert reply.headers["MS-CorrelationId"] in caplog.text
