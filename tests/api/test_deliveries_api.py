"""The operator's view of webhooks, and the token that they carry."""

from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from tests.market import BASE_URL, Market
from tests.receivers import answering, unreachable

from comptoir.api import deliveries
from comptoir.catalog import service as catalog
from comptoir.catalog.model import Publisher
from comptoir.core.errors import Code, Refusal
from comptoir.db import Tx, sql
from comptoir.delivery import service
from comptoir.delivery.model import State
from comptoir.identity import tokens

pytestmark = pytest.mark.anyio

PATH = "/operator/v1/deliveries"
OPERATOR = {"account": "operator"}
FIND_PRODUCT = sql("SELECT id FROM products WHERE publisher_id = :publisher_id ORDER BY id{c} LIMIT 1")
Json = dict[str, Any]


async def a_publisher(market: Market, name: str = "hoshikawa") -> tuple[Publisher, str]:
    """A publisher of the sample, and a product of its."""

    async def find(tx: Tx) -> tuple[Publisher, str]:
        publisher = next(each for each in await catalog.publishers(tx) if each.id.startswith(name))
        row = await tx.one(FIND_PRODUCT, publisher_id=publisher.id)
        assert row is not None
        return publisher, row["id"]

    return await market.read(find)


async def order(market: Market, subject_id: str, *, queue: str = "S1", account: str = "sandbox") -> str:
    """Order a webhook about an operation that does not exist: nobody acts upon its outcome."""
    ctx = await market.context(account)
    _, product_id = await a_publisher(market)

    async def enqueue(tx: Tx) -> str:
        target = await service.publisher_target(tx, product_id)
        assert target is not None
        return await service.enqueue(
            tx,
            ctx,
            queue=queue.lower(),
            kind="saas_operation",
            subject_id=subject_id,
            target=target,
            body=f'{{"id":"{subject_id}"}}'.encode(),
            is_refusable=True,
        )

    return await market.write(enqueue)


async def read(market: Market, path: str = "", **query: object) -> Json:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    reply = await market.get(f"{PATH}{path}?{asked}", **OPERATOR)
    assert reply.status_code == 200, reply.text
    found: Json = reply.json()
    return found


async def test_a_webhook_is_shown_with_its_body_and_attempts(market: Market) -> None:
    publisher, product_id = await a_publisher(market)
    delivery_id = await order(market, "op-1")
    waiting = await read(market, f"/{delivery_id}")
    assert (waiting["state"], waiting["attempts"], waiting["log"]) == ("pending", 0, [])
    assert "nextAttempt" in waiting
    assert not {"settled", "lastStatus", "lastError"} & waiting.keys()
    market.receivers.answer = unreachable
    await market.deliver()
    market.wait(seconds=70)
    market.receivers.answer = answering(204)
    await market.deliver()
    shown = await read(market, f"/{delivery_id.upper()}")
    account = await market.account()
    assert shown == {
        "id": delivery_id,
        "tenantId": account.id,
        "publisherId": publisher.id,
        "productId": product_id,
        "subscriptionId": "s1",
        "kind": "saas_operation",
        "subjectId": "op-1",
        "url": market.receivers.messages[0].url,
        "state": "delivered",
        "attempts": 2,
        "created": "2026-03-02T08:15:00Z",
        "settled": "2026-03-02T08:16:10Z",
        "lastStatus": 204,
        "body": '{"id":"op-1"}',
        "log": [
            {
                "number": 1,
                "started": "2026-03-02T08:15:00Z",
                "durationMs": shown["log"][0]["durationMs"],
                "url": shown["url"],
                "error": "connection refused",
                "excerpt": "",
            },
            {
                "number": 2,
                "started": "2026-03-02T08:16:10Z",
                "durationMs": shown["log"][1]["durationMs"],
                "url": shown["url"],
                "status": 204,
                "excerpt": "",
            },
        ],
    }


async def test_webhooks_are_listed_page_by_page(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        await order(market, f"op-{number}", queue="S1" if number % 2 else "S2")
        market.wait(seconds=1)
    other = await order(market, "op-5", account="production")
    publisher, _ = await a_publisher(market)
    first = await read(market, size=4)
    assert [item["subjectId"] for item in first["items"]] == ["op-5", "op-4", "op-3", "op-2"]
    rest = await read(market, size=4, after=first["nextAfter"])
    assert [item["subjectId"] for item in rest["items"]] == ["op-1", "op-0"]
    assert "nextAfter" not in rest
    assert [item["id"] for item in (await read(market, account="production"))["items"]] == [other]
    assert len((await read(market, publisher=publisher.id))["items"]) == 6
    assert (await read(market, publisher="nobody"))["items"] == []
    in_queue = await read(market, subscription="S1", account="sandbox")
    assert [item["subjectId"] for item in in_queue["items"]] == ["op-3", "op-1"]
    await market.deliver()
    assert (await read(market, state="pending"))["items"] == []
    assert len((await read(market, state="Delivered"))["items"]) == 6
    monkeypatch.setattr(deliveries, "PAGE_SIZE_MAX", 2)
    assert len((await read(market, size=400))["items"]) == 2


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?account=nobody", 404, 1000),
        ("?after=7a0c0d80-0000-4000-8000-000000000000", 404, 1000),
        ("?after=%00", 404, 1000),
        ("?state=lost", 400, 900126),
        ("?size=many", 400, 3000),
        ("/7a0c0d80-0000-4000-8000-000000000000", 404, 1000),
        ("/%00", 404, 1000),
    ],
)
async def test_what_is_not_there_is_refused(market: Market, query: str, status: int, code: int) -> None:
    reply = await market.get(f"{PATH}{query}", **OPERATOR)
    assert (reply.status_code, reply.json()["code"]) == (status, code)


async def test_a_webhook_is_sent_again_when_the_operator_says_so(market: Market) -> None:
    market.receivers.answer = answering(400)
    delivery_id = await order(market, "op-1")
    assert (await market.deliver())[State.REFUSED] == 1
    reply = await market.post(f"{PATH}/{delivery_id}/redeliver", **OPERATOR)
    assert reply.status_code == 200, reply.text
    assert reply.json()["state"] == "pending"
    market.receivers.answer = answering(200)
    assert (await market.deliver())[State.DELIVERED] == 1
    assert len({message.body for message in market.receivers.messages}) == 1
    shown = await read(market, f"/{delivery_id}")
    assert (shown["state"], shown["attempts"]) == ("delivered", 2)


async def test_a_repeated_order_to_send_again_sends_once(market: Market) -> None:
    delivery_id = await order(market, "op-1")
    await market.deliver()
    for _ in range(2):
        reply = await market.post(
            f"{PATH}/{delivery_id}/redeliver", headers={"MS-RequestId": "twice"}, **OPERATOR
        )
        assert reply.status_code == 200
        await market.deliver()
    assert len(market.receivers.messages) == 2


async def test_an_unknown_webhook_is_not_sent_again(market: Market) -> None:
    reply = await market.post(f"{PATH}/nothing/redeliver", **OPERATOR)
    assert (reply.status_code, reply.json()["code"]) == (404, 1000)


async def test_webhooks_are_for_operators_only(market: Market) -> None:
    delivery_id = await order(market, "op-1")
    for path in ("", f"/{delivery_id}"):
        assert (await market.get(f"{PATH}{path}")).status_code == 401
    assert (await market.post(f"{PATH}/{delivery_id}/redeliver")).status_code == 401


async def test_each_attempt_carries_a_token_that_the_publisher_can_check(market: Market) -> None:
    """With the published keys, at once and without skew (contract 40 section 2.2)."""
    publisher, _ = await a_publisher(market)
    await order(market, "op-1")
    market.receivers.answer = unreachable
    await market.deliver()
    market.wait(seconds=70)
    await market.deliver()
    discovery = await market.get(f"/{publisher.tenant_id}/v2.0/.well-known/openid-configuration")
    published = await market.client.get(discovery.json()["jwks_uri"].removeprefix(BASE_URL))
    keys = KeySet.import_key_set(published.json())
    headers = [dict(message.headers) for message in market.receivers.messages]
    kind, _, token = headers[1]["Authorization"].partition(" ")
    assert kind == "Bearer"
    now = int(market.now.timestamp())
    assert jwt.decode(token, keys).claims == {
        "aud": publisher.application_id,
        "iss": f"{BASE_URL}/{publisher.tenant_id}/v2.0",
        "iat": now,
        "nbf": now - 300,
        "exp": now + 3600,
        "tid": publisher.tenant_id,
        "ver": "2.0",
        "azp": "20e940b3-4c77-4b0b-9a53-9e16a1b010a7",
    }
    assert headers[0]["Authorization"] != headers[1]["Authorization"], "each attempt has its own"


@pytest.mark.parametrize("audience", ["partner", "publisher", "operator"])
async def test_the_token_of_a_webhook_opens_none_of_our_apis(market: Market, audience: str) -> None:
    publisher, _ = await a_publisher(market)
    claims = tokens.webhook_claims(
        tenant_id=publisher.tenant_id,
        application_id=publisher.application_id,
        base_url=BASE_URL,
        wall=market.now,
    )
    token = tokens.sign(market.services.secrets, claims)
    with pytest.raises(Refusal) as refused:
        tokens.verify(market.services.secrets, token, market.now, audience=audience, base_url=BASE_URL)
    assert refused.value.code is Code.TOKEN_INVALID


@pytest.mark.parametrize(
    "application_id",
    [
        "20e940b3-4c77-4b0b-9a53-9e16a1b010a7",
        "FA3D9A0C-3fb0-42cc-9193-47c7ecd2edbd",
        "00000002-0000-0000-c000-000000000000",
        BASE_URL,
    ],
)
async def test_no_publisher_is_given_a_token_for_an_api_of_ours(market: Market, application_id: str) -> None:
    with pytest.raises(Refusal):
        tokens.webhook_claims(
            tenant_id="tenant", application_id=application_id, base_url=BASE_URL, wall=market.now
        )


async def test_a_publisher_that_moves_gets_what_waits_at_the_new_address(market: Market) -> None:
    """The catalogue is asked before each attempt."""
    delivery_id = await order(market, "op-1")
    market.receivers.answer = unreachable
    await market.deliver()
    _, product_id = await a_publisher(market)
    move = sql(
        "UPDATE products SET document = replace(document, 'https://app.hoshikawa.example/hooks/marketplace',"
        " 'https://new.hoshikawa.example/hooks') WHERE id = :product_id"
    )
    await market.write(lambda tx: tx.run(move, product_id=product_id))
    market.wait(seconds=70)
    market.receivers.answer = answering(200)
    await market.deliver()
    assert (await read(market, f"/{delivery_id}"))["url"] == "https://new.hoshikawa.example/hooks"


async def test_eight_hours_of_silence_end_it(market: Market) -> None:
    """The documented policy with its real numbers: 500 retries, one every 57.6 seconds."""
    market.receivers.answer = unreachable
    delivery_id = await order(market, "op-1")
    begun = market.now
    for _ in range(501):
        assert (await market.deliver()).total() == 1
        shown = await market.read(lambda tx: service.require(tx, delivery_id))
        if shown.next_attempt_at is None:
            break
        market.time[0] = shown.next_attempt_at
    assert (shown.state, shown.attempts) == (State.DEAD, 501)
    assert abs(market.now - begun - timedelta(hours=8)) < timedelta(minutes=5)
