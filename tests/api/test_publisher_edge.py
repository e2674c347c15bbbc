"""The edge of publishers: tokens, versions, ids (``40-publisher-fulfillment-metering`` sections 1 and 2)."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from tests.market import BASE_URL, Market
from tests.publisher_desk import (
    APPLICATION,
    BASE,
    NOWHERE,
    OTHER,
    PUBLISHER,
    VERSION,
    Desk,
    refusal,
)
from tests.publisher_desk import sqlite_desk as desk

from comptoir.api.app import Application, loggable
from comptoir.bootstrap.wiring import HANDLERS
from comptoir.core.errors import Code, Refusal
from comptoir.identity import tokens
from comptoir.identity.rules import PARTNER_RESOURCE, PUBLISHER_RESOURCE
from comptoir.wire.operation import Audience, Operation
from comptoir.wire.operations import BY_ID, OPERATIONS

__all__ = ["desk"]

pytestmark = pytest.mark.anyio

OURS = [operation for operation in OPERATIONS if operation.audience is Audience.PUBLISHER]
EVERY_OPERATION = pytest.mark.parametrize("operation", OURS, ids=lambda operation: operation.id)
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def path_of(operation: Operation) -> str:
    return re.sub(r"\{\w+\}", NOWHERE, operation.path)


def claims(desk: Desk, **changes: Any) -> str:
    """A token of the publisher with some claims different."""
    made = tokens.application_claims(
        tenant_id="5d1f0c7e-8a52-4f6e-9b1d-2f3f6f0a7c12",
        client_id=APPLICATION,
        resource=PUBLISHER_RESOURCE,
        base_url=BASE_URL,
        wall=desk.market.now,
    )
    changed = {name: getattr(made, name) for name in made.__struct_fields__} | changes
    return tokens.sign(desk.market.services.secrets, tokens.Claims(**changed))


@EVERY_OPERATION
async def test_without_a_token_nobody_gets_in(desk: Desk, operation: Operation) -> None:
    reply = await desk.market.call(
        operation.method, f"{path_of(operation)}?{VERSION}", headers={"Authorization": ""}
    )
    assert reply.status_code == 403
    assert isinstance(reply.json(), str)
    assert reply.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    "change",
    [
        {"aud": PARTNER_RESOURCE},
        {"aud": "00000000-0000-0000-0000-000000000000"},
        {"tid": NOWHERE, "iss": f"{BASE_URL}/{NOWHERE}/"},
        {"appid": NOWHERE},
        {"iss": "https://sts.example/other/"},
    ],
)
async def test_a_token_for_something_else_is_refused(desk: Desk, change: dict[str, str]) -> None:
    token = claims(desk, **change)
    reply = await desk.call("GET", "/", headers={"Authorization": f"Bearer {token}"})
    assert (reply.status_code, type(reply.json())) == (403, str)


async def test_both_names_of_the_application_are_understood(desk: Desk) -> None:
    for names in ({"appid": APPLICATION}, {"appid": "", "azp": APPLICATION.upper(), "ver": "2.0"}):
        reply = await desk.call("GET", "/", headers={"Authorization": f"Bearer {claims(desk, **names)}"})
        assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(("seconds", "status"), [(3600 + 59, 200), (3600 + 60, 403), (-60, 200), (-61, 403)])
async def test_a_token_has_a_minute_of_grace(desk: Desk, seconds: int, status: int) -> None:
    headers = {"Authorization": f"Bearer {claims(desk)}"}
    desk.market.time[0] += timedelta(seconds=seconds)
    assert (await desk.call("GET", "/", headers=headers)).status_code == status


@pytest.mark.parametrize(
    "authorization", ["Basic eDp5", "Bearer x", "Bearer a.b.c", "Bearer " + "a" * 20_000]
)
async def test_what_is_no_token_is_refused(desk: Desk, authorization: str) -> None:
    reply = await desk.call("GET", "/", headers={"Authorization": authorization})
    assert reply.status_code == 403


async def test_a_partner_is_no_publisher_and_the_other_way_round(desk: Desk) -> None:
    assert (await desk.market.get(f"{BASE}?{VERSION}", account="production")).status_code == 403
    reply = await desk.market.get("/v1/customers", account=f"publisher:{PUBLISHER}")
    assert (reply.status_code, reply.json()["code"]) == (401, 400)


@EVERY_OPERATION
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "ApiVersionUnspecified"),
        ("?api-version=", "ApiVersionUnspecified"),
        ("?api-version=2017-04-15", "UnsupportedApiVersion"),
    ],
)
async def test_the_version_must_be_known(desk: Desk, operation: Operation, query: str, code: str) -> None:
    """The caller is looked at before, the resource and the body after."""
    reply = await desk.market.call(
        operation.method, f"{path_of(operation)}{query}", account=f"publisher:{PUBLISHER}", raw=b"{"
    )
    assert reply.status_code == 400
    assert reply.json()["Error"].keys() == {"Code", "Message"}
    assert reply.json()["Error"]["Code"] == code
    anonymous = await desk.market.call(
        operation.method, f"{path_of(operation)}{query}", headers={"Authorization": ""}
    )
    assert anonymous.status_code == 403


@pytest.mark.parametrize("path", ["", "/", "//", f"/{NOWHERE}", "/resolve", "/../../nothing"])
async def test_ids_come_back_unchanged(desk: Desk, path: str) -> None:
    sent = {"x-ms-requestid": "my own id: 1", "x-ms-correlationid": "C-2"}
    reply = await desk.call("GET", path, headers=sent)
    assert {name: reply.headers[name] for name in sent} == sent
    refused = await desk.call("GET", path, headers={**sent, "Authorization": ""})
    assert {name: refused.headers[name] for name in sent} == sent
    assert "ms-requestid" not in reply.headers


async def test_missing_ids_are_made(desk: Desk) -> None:
    headers = (await desk.call("GET", "/")).headers
    assert GUID.fullmatch(headers["x-ms-requestid"])
    assert headers["x-ms-requestid"] == headers["x-ms-correlationid"]
    assert GUID.fullmatch(headers["x-ms-activityid"])
    one = (await desk.call("GET", "/", headers={"x-ms-correlationid": "c"})).headers
    assert (one["x-ms-correlationid"], bool(GUID.fullmatch(one["x-ms-requestid"]))) == ("c", True)


async def test_no_answer_is_stored_under_a_request_id(desk: Desk) -> None:
    bought = await desk.buy()
    headers = {"x-ms-requestid": "r-1", "MS-RequestId": "r-1"}
    first = await bought.call("POST", "/activate", {}, headers=headers)
    again = await bought.call("POST", "/activate", {}, headers=headers)
    assert (first.status_code, refusal(again)) == (200, (400, "BadRequest"))


@pytest.mark.parametrize(
    "path",
    [f"{BASE}?{VERSION}", f"{BASE}/?{VERSION}", f"/API/SaaS/Subscriptions/?API-Version={VERSION[12:]}"],
)
async def test_case_and_slashes_are_forgiven(desk: Desk, path: str) -> None:
    reply = await desk.market.get(path, account=f"publisher:{PUBLISHER}")
    assert (reply.status_code, reply.json()) == (200, {"subscriptions": []})


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/nothing"), ("PUT", BASE), ("POST", f"{BASE}/{NOWHERE}"), ("POST", "/api")],
)
async def test_unknown_paths_are_not_found(desk: Desk, method: str, path: str) -> None:
    reply = await desk.market.call(method, f"{path}?{VERSION}", account=f"publisher:{PUBLISHER}")
    assert refusal(reply) == (404, "NotFound")


async def test_the_api_shows_that_it_lives(market: Market) -> None:
    reply = await market.client.get("/api")
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})
    assert reply.headers["x-ms-requestid"] == reply.headers["x-ms-correlationid"]


async def test_unknown_headers_members_and_parameters_are_ignored(desk: Desk) -> None:
    bought = await desk.buy()
    body = {"planId": "team", "colour": "red", "nested": {"a": [1]}}
    headers = {"x-ms-client-request-id": "x", "Content-Type": "text/plain", "Accept": "text/html"}
    reply = await bought.call("POST", "/activate?colour=red", raw=json.dumps(body).encode(), headers=headers)
    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["content-length"] == "0"


@pytest.mark.parametrize("raw", [b"{", b"[]", b'"text"', b"3", b"\xff\xfe", b"x" * 1_100_000])
async def test_a_body_that_cannot_be_read(desk: Desk, raw: bytes) -> None:
    bought = await desk.activated()
    assert refusal(await bought.call("PATCH", raw=raw)) == (400, "BadRequest")


async def test_nothing_is_told_of_the_shape_of_a_call_on_somebody_else_s_purchase(desk: Desk) -> None:
    bought = await desk.activated()
    bodies: list[object] = [{"quantity": 1.5}, {"quantity": {}}, {"planId": 3}, [], "text"]
    for body in bodies:
        for method, path in (("PATCH", ""), ("POST", "/activate"), ("PATCH", f"/operations/{NOWHERE}")):
            assert (await bought.call(method, path, body, publisher=OTHER)).status_code == 403


PATHS = [
    ("/api/saas/a%0d%0aINFO forged", "/api/saas/a%250d%250aINFO%20forged"),
    ("/v1/a\r\nINFO forged\x1b[31m\x00", "/v1/a%0D%0AINFO%20forged%1B%5B31m%00"),
    ("/v1/customers/\udc80", "/v1/customers/%3F"),
    ("/v1/customers/1:2@3", "/v1/customers/1:2@3"),
    ("/marketplace/activate/secret", "/marketplace/activate/{token}"),
    ("//Marketplace//ACTIVATE/secret/more", "/marketplace/activate/{token}"),
]


@pytest.mark.parametrize(("path", "shown"), PATHS)
def test_a_path_in_a_log_is_one_line_and_no_secret(path: str, shown: str) -> None:
    assert loggable(path) == shown


@pytest.mark.parametrize("body", [{"planId": 3}, {"quantity": {}}, {"quantity": 2.5}, {"planId": ["team"]}])
async def test_a_member_of_the_wrong_type(desk: Desk, body: dict[str, object]) -> None:
    bought = await desk.activated()
    reply = await bought.call("PATCH", body=body)
    assert (refusal(reply), reply.json()["target"]) == ((400, "BadArgument"), next(iter(body)))


@pytest.mark.parametrize("error", [RuntimeError("no"), Refusal(Code.BUSY)])
async def test_a_failure_of_ours_has_its_own_shape(desk: Desk, error: Exception) -> None:
    async def fail(*_: object) -> None:
        raise error

    application = Application(desk.market.services, {**HANDLERS, "fulfillment.list": fail}, no_lifespan)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(application), base_url=BASE_URL) as client:
        headers = {"Authorization": f"Bearer {claims(desk)}"}
        for _ in range(12):
            reply = await client.get(f"{BASE}?{VERSION}", headers=headers)
            assert (reply.status_code, reply.json()["error"]["code"]) == (500, "InternalServerError")
            assert reply.headers["x-ms-requestid"]


def no_lifespan() -> Any:
    raise AssertionError("requests alone do not live")


async def test_in_development_a_publisher_may_say_who_it_is(desk: Desk) -> None:
    market, query = desk.market, f"{BASE}?{VERSION}&publisherId="
    await desk.buy()
    anonymous = {"Authorization": ""}
    assert (await market.get(f"{query}{PUBLISHER}", headers=anonymous)).status_code == 403
    services = replace(market.services, settings=replace(market.services.settings, dev_publisher_query=True))
    transport = httpx2.ASGITransport(Application(services, HANDLERS, no_lifespan))
    async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        named = await client.get(f"{query}{PUBLISHER}")
        assert (named.status_code, len(named.json()["subscriptions"])) == (200, 1)
        assert (await client.get(f"{query}nobody")).status_code == 403
        assert (await client.get(f"{query}%00")).status_code == 403
        assert (await client.get(f"{BASE}?{VERSION}")).status_code == 403
        wrong = await client.get(f"{query}{PUBLISHER}", headers={"Authorization": "Bearer x"})
        assert wrong.status_code == 403


def test_every_row_of_ours_documents_its_refusals() -> None:
    assert {operation.id for operation in OURS} <= BY_ID.keys()
    assert all("403" in operation.errors for operation in OURS)
