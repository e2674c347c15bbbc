"""The sample publisher against the real application: each knows the other by the public API alone."""

import asyncio
import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc import jwk, jwt
from tests.market import Json
from tests.publisher_desk import NOWHERE, OTHER, OTHER_CATALOGUE, Bought
from tests.publisher_desk import sqlite_desk as desk
from tests.receivers import accept
from tests.sample_site import SITE, Loop, loop, serve

from comptoir.bootstrap.server import assemble, make_application
from comptoir.core.ids import Ids
from comptoir.delivery.model import Message
from comptoir.identity import service as identity
from comptoir.sample_publisher.book import Habit

__all__ = ["desk", "loop"]

pytestmark = pytest.mark.anyio

GAP = timedelta(minutes=1)
JSON = {"Content-Type": "application/json"}
HIDDEN = re.compile(r'name="token" value="([^"]+)"')


async def visit(loop: Loop, bought: Bought) -> httpx2.Response:
    """Open the activation link, as whoever has it does."""
    return await loop.browser.get(await bought.link())


async def set_up(loop: Loop, bought: Bought) -> httpx2.Response:
    """Open the link and press the button."""
    page = await visit(loop, bought)
    token = HIDDEN.search(page.text)
    assert token is not None, page.text
    return await loop.browser.post("/activate", data={"token": token[1]})


async def change(loop: Loop, bought: Bought, quantity: int) -> str:
    """Have the marketplace ask for another quantity; the operation's id."""
    path = f"/operator/v1/subscriptions/{bought.id}/change-quantity"
    reply = await loop.desk.market.post(path, {"quantity": quantity}, account="operator")
    assert reply.status_code == 200, reply.text
    operation_id: str = reply.json()["operation"]["id"]
    return operation_id


# The landing page


async def test_the_landing_page_sets_up_what_was_bought(loop: Loop) -> None:
    bought = await loop.desk.buy("team", 6, friendlyName="Harbor for the quay")
    page = await visit(loop, bought)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for shown in ("Harbor for the quay", "harbor", "team", ">6<", "PendingFulfillmentStart"):
        assert shown in page.text, shown
    assert await bought.states() == ("pending", "PendingFulfillmentStart")
    done = await set_up(loop, bought)
    assert done.status_code == 200
    assert "Subscribed" in done.text
    assert await bought.states() == ("active", "Subscribed")
    later = await visit(loop, bought)
    assert later.status_code == 200
    assert "<button>" not in later.text, "there is nothing more to set up"


async def test_a_token_of_the_spelling_that_needs_care(loop: Loop) -> None:
    await loop.desk.configure(purchase_token_alphabet="base64")
    for _ in range(4):
        bought = await loop.desk.buy()
        assert (await set_up(loop, bought)).status_code == 200


@pytest.mark.parametrize("query", ["", "?token=", "?token=garbage", "?token=%00%0a", "?token=%C3%A9"])
async def test_a_link_without_a_good_token(loop: Loop, query: str) -> None:
    for reply in (
        await loop.browser.get(f"/start{query}"),
        await loop.browser.post("/activate", content=query.removeprefix("?")),
    ):
        assert reply.status_code == 400, reply.text


async def test_a_link_that_is_too_old(loop: Loop) -> None:
    bought = await loop.desk.buy()
    link = await bought.link()
    loop.desk.market.wait(hours=24, seconds=1)
    loop.desk.market.tokens.clear()
    page = await loop.browser.get(link)
    assert (page.status_code, "not good any more" in page.text) == (400, True)
    token = parse_qs(urlsplit(link).query)["token"][0]
    assert (await loop.browser.post("/activate", data={"token": token})).status_code == 400
    assert await bought.states() == ("pending", "PendingFulfillmentStart")
    assert (await set_up(loop, bought)).status_code == 200, "with a new link"


async def test_a_link_of_another_publisher(loop: Loop) -> None:
    bought = await loop.desk.buy()
    link = await bought.link()
    async with serve(loop.desk, OTHER) as other:
        page = await other.browser.get(link)
    assert (page.status_code, "not good any more" in page.text) == (400, True)
    assert bought.id not in page.text


async def test_the_marketplace_is_away(loop: Loop) -> None:
    bought = await loop.desk.buy()
    link = await bought.link()
    loop.wire.is_cut = True
    page = await loop.browser.get(link)
    assert (page.status_code, "cannot be reached" in page.text) == (502, True)
    loop.wire.is_cut = False
    assert (await loop.browser.get(link)).status_code == 200


async def test_credentials_that_are_refused(loop: Loop) -> None:
    marketplace = loop.site.marketplace
    marketplace.identity = replace(marketplace.identity, client_secret="wrong")
    page = await loop.browser.get("/")
    assert (page.status_code, "AADSTS7000215" in page.text) == (502, True)


async def test_what_was_sold_page_by_page(loop: Loop) -> None:
    for number in range(3):
        await loop.desk.buy(friendlyName=f"Purchase {number} & more")
    market = loop.desk.market
    settings = replace(market.services.settings, publisher_page_size=2)
    market.application = make_application(replace(market.services, settings=settings), asyncio.Event())
    loop.wire.asked.clear()
    page = await loop.browser.get("/")
    assert [page.text.count(f"Purchase {number} &amp; more") for number in range(3)] == [1, 1, 1]
    assert "0 webhooks received" in page.text
    assert [path for path in loop.wire.asked if "saas" in path] == ["/api/saas/subscriptions/"] * 2
    assert (await loop.browser.get("/events")).json() == []


async def test_what_the_site_does_not_have(loop: Loop) -> None:
    assert (await loop.browser.get("/nowhere")).status_code == 404
    assert (await loop.browser.get("/activate")).status_code == 404
    assert (await loop.browser.post("/habit", content=b" " * 300_000)).status_code == 413
    for body in (b"", b"[]", b"{}", b'{"habit": "sulk"}', b'{"habit": []}', b"\xff"):
        assert (await loop.browser.post("/habit", content=body, headers=JSON)).status_code == 400, body
    assert loop.site.book.habit is Habit.ACKNOWLEDGE


# Webhooks


@pytest.mark.parametrize(
    ("habit", "at_once", "later", "quantity"),
    [
        (Habit.ACKNOWLEDGE, "Succeeded", "Succeeded", 9),
        (Habit.WAIT, "InProgress", "Succeeded", 9),
        (Habit.REFUSE, "Failed", "Failed", 6),
        (Habit.FAIL, "Failed", "Failed", 6),
        (Habit.BREAK, "InProgress", "InProgress", 6),
    ],
)
async def test_a_change_is_met_by_habit(
    loop: Loop, habit: Habit, at_once: str, later: str, quantity: int
) -> None:
    bought = await loop.desk.activated()
    assert (await loop.post("/habit", {"habit": habit})).json() == {"habit": habit}
    operation_id = await change(loop, bought, 9)
    await loop.deliver()
    assert loop.actions == ["ChangeQuantity"]
    assert (await bought.operation(operation_id))["status"] == at_once
    loop.desk.market.wait(seconds=11)
    await loop.deliver()
    assert (await bought.operation(operation_id))["status"] == later
    assert ((await bought.seen())["quantity"], (await bought.owned())["quantity"]) == (quantity, quantity)


async def test_a_publisher_that_was_broken_gets_it_again(loop: Loop) -> None:
    bought = await loop.desk.activated()
    loop.meet(Habit.BREAK)
    operation_id = await change(loop, bought, 9)
    await loop.deliver()
    loop.meet(Habit.ACKNOWLEDGE)
    loop.desk.market.wait(minutes=2)
    await loop.deliver()
    assert (await bought.operation(operation_id))["status"] == "Succeeded"
    assert [event["id"] for event in (await loop.browser.get("/events")).json()] == [operation_id] * 2


async def test_what_it_is_only_told_is_not_answered(loop: Loop) -> None:
    bought = await loop.desk.activated()
    loop.meet(Habit.REFUSE)
    path = f"/operator/v1/subscriptions/{bought.id}"
    for verb in ("suspend", "unsubscribe"):
        assert (await loop.desk.market.post(f"{path}/{verb}", account="operator")).status_code == 200
    await loop.deliver()
    assert loop.actions == ["Suspend", "Unsubscribe"]
    assert {message.url for message in loop.desk.market.receivers.messages} == {f"{SITE}/hooks/marketplace"}
    assert not [path for path in loop.wire.asked if path.endswith("/activate")]


async def test_an_acknowledgement_that_comes_too_late_is_only_logged(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    bought = await loop.desk.activated()
    await change(loop, bought, 9)
    loop.site.acknowledged_after_seconds = 0.05
    await loop.desk.market.deliver()
    reply = await bought.patch({"status": "deleted"})
    assert reply.status_code == 200
    await loop.site.finish()
    assert "could not be acknowledged: 409" in caplog.text
    assert (await bought.owned())["quantity"] == 6


async def genuine(loop: Loop) -> Message:
    """A webhook that the publisher has not seen yet."""
    loop.desk.market.receivers.answer = accept
    bought = await loop.desk.activated()
    await change(loop, bought, 9)
    await loop.desk.market.deliver()
    return loop.desk.market.receivers.messages[-1]


def authorized(message: Message, authorization: str | None) -> Message:
    """The webhook with another token, or none."""
    kept = tuple(header for header in message.headers if header[0] != "Authorization")
    return replace(message, headers=kept + ((("Authorization", authorization),) if authorization else ()))


async def status_of(loop: Loop, message: Message) -> int | None:
    """How the site answers, which believes it only if it answers 200."""
    status = (await loop.take(message)).status
    assert len(loop.site.book.events) == (status == 200), status
    await loop.site.finish()
    return status


def forged(message: Message, **claims: object) -> str:
    """The token of a webhook, signed anew by somebody who has seen one."""
    token = dict(message.headers)["Authorization"].removeprefix("Bearer ")
    header, payload = (json.loads(_decoded(part)) for part in token.split(".")[:2])
    key = jwk.RSAKey.generate_key(2048)
    return "Bearer " + jwt.encode(header, {**payload, **claims}, key)


def _decoded(part: str) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


async def test_a_webhook_s_token_must_be_good(loop: Loop) -> None:
    message = await genuine(loop)
    market = loop.desk.market
    token = dict(message.headers)["Authorization"].removeprefix("Bearer ")
    body, signature = token.rsplit(".", 1)
    bad = [
        None,
        "Bearer",
        "Bearer garbage",
        f"Basic {token}",
        f"Bearer {body}.{signature[::-1]}",
        f"Bearer {body}.",
        f"Bearer eyJhbGciOiJub25lIn0.{token.split('.')[1]}.",
        forged(message),
        f"Bearer {await market.token('production')}",
        f"Bearer {await market.token('publisher:northbeam')}",
    ]
    for authorization in bad:
        assert await status_of(loop, authorized(message, authorization)) == 401, authorization
    async with serve(loop.desk, OTHER) as other:
        assert await status_of(other, message) == 401, "it is for another publisher"
    assert await status_of(loop, authorized(message, f"bearer {token}")) == 200


async def test_a_webhook_s_token_is_good_for_an_hour(loop: Loop) -> None:
    message = await genuine(loop)
    loop.desk.market.wait(hours=1)
    assert await status_of(loop, message) == 401
    loop.desk.market.wait(hours=-1, minutes=-6)
    assert await status_of(loop, message) == 401, "it is not good yet"
    loop.desk.market.wait(minutes=6)
    assert await status_of(loop, message) == 200


async def test_a_forged_token_does_not_fetch_keys_again_and_again(loop: Loop) -> None:
    message = await genuine(loop)
    for _ in range(3):
        assert await status_of(loop, authorized(message, forged(message))) == 401
    assert sum(path.endswith("openid-configuration") for path in loop.wire.asked) == 1


async def test_a_new_key_of_the_marketplace_is_believed(loop: Loop) -> None:
    message = await genuine(loop)
    market = loop.desk.market
    assert await status_of(loop, message) == 200
    loop.site.book.events.clear()
    await market.write(partial(identity.rotate_signing_key, wall=market.now))
    secrets = await market.read(partial(identity.load_secrets, wall=market.now))
    assert secrets is not None
    settings, database = market.services.settings, market.services.database
    market.services = assemble(database, secrets, settings, lambda: market.now, Ids(), send=market.receivers)
    market.application = make_application(market.services, asyncio.Event())
    bought = await loop.desk.activated()
    await change(loop, bought, 9)
    await market.deliver()
    newer = market.receivers.messages[-1]
    kids = [jwt_header(each)["kid"] for each in (message, newer)]
    assert len(set(kids)) == 2
    asked = len(loop.wire.asked)
    assert await status_of(loop, newer) == 401, "the keys have just been looked up"
    assert len(loop.wire.asked) == asked
    market.wait(minutes=1)
    assert await status_of(loop, newer) == 200


def jwt_header(message: Message) -> Json:
    token = dict(message.headers)["Authorization"].removeprefix("Bearer ")
    return json.loads(_decoded(token.split(".", maxsplit=1)[0]))


@pytest.mark.parametrize(
    "told",
    [
        {"id": NOWHERE},
        {"subscriptionId": NOWHERE},
        {"subscriptionId": "../subscriptions"},
        {"action": "Unsubscribe"},
        {"planId": "large"},
        {"quantity": 7000},
    ],
)
async def test_an_operation_that_the_marketplace_tells_otherwise(loop: Loop, told: dict[str, Any]) -> None:
    message = await genuine(loop)
    body = json.dumps({**json.loads(message.body), **told}).encode()
    assert await status_of(loop, replace(message, body=body)) == 401


async def test_an_operation_of_another_publisher_s(loop: Loop) -> None:
    message = await genuine(loop)
    theirs = await buy_lamp(loop)
    path = f"/operator/v1/subscriptions/{theirs}/change-quantity"
    reply = await loop.desk.market.post(path, {"quantity": 5}, account="operator")
    told = {"subscriptionId": theirs, "id": reply.json()["operation"]["id"]}
    body = json.dumps({**json.loads(message.body), **told}).encode()
    assert await status_of(loop, replace(message, body=body)) == 401


async def buy_lamp(loop: Loop) -> str:
    """An active purchase of the other publisher's."""
    assert "id: lamp" in OTHER_CATALOGUE
    wanted = {"account": "production", "publisherId": OTHER, "offerId": "lamp", "planId": "lamp"}
    bought = await loop.desk.market.post("/operator/v1/purchases", wanted, account="operator")
    theirs: str = bought.json()["subscriptionId"]
    activated = await loop.desk.call("POST", f"/{theirs}/activate", {}, publisher=OTHER)
    assert activated.status_code == 200, activated.text
    return theirs


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"\xff"])
async def test_a_webhook_that_cannot_be_read(loop: Loop, body: bytes) -> None:
    message = await genuine(loop)
    assert await status_of(loop, replace(message, body=body)) == 400


async def test_a_webhook_that_cannot_be_looked_up_comes_again(loop: Loop) -> None:
    message = await genuine(loop)
    loop.wire.is_cut = True
    assert await status_of(loop, message) == 502
    loop.wire.is_cut = False
    assert await status_of(loop, message) == 200


# Metering


async def use(loop: Loop, bought: Bought, units: object, **members: Json) -> httpx2.Response:
    body = {"subscription": bought.id, "dimension": "scans", "units": units, **members}
    return await loop.post("/use", body)


async def report(loop: Loop) -> Counter[str]:
    """Have the site report everything; how often each status came back."""
    reply = await loop.post("/report", None)
    assert reply.status_code == 200, reply.text
    return Counter(result["status"] for result in reply.json())


async def accepted(loop: Loop) -> list[tuple[str, float, int]]:
    """What the marketplace has: subscription, units and events of each day."""
    path = "/api/usageEvents?usageStartDate=2026-03-01&api-version=2018-08-31"
    rows = (await loop.desk.market.get(path, account="publisher:northbeam")).json()
    return [(row["usageResourceId"], row["submittedQuantity"], row["submittedCount"]) for row in rows]


def hour(loop: Loop, ago: int) -> str:
    moment: datetime = loop.desk.market.now - timedelta(hours=ago)
    return moment.isoformat()


async def test_units_of_an_hour_are_one_event(loop: Loop) -> None:
    bought = await loop.desk.activated("pro", 1)
    assert (await use(loop, bought, 2)).json() == {"units": "2"}
    assert (await use(loop, bought, "0.5")).json() == {"units": "2.5"}
    assert (await use(loop, bought, 0.25)).json() == {"units": "2.75"}
    assert await report(loop) == {"Accepted": 1}
    assert await accepted(loop) == [(bought.id, 2.75, 1)]
    assert await report(loop) == {}, "nothing is left"
    await use(loop, bought, 1)
    assert await report(loop) == {"Duplicate": 1}, "the hour has been reported"
    (untaken,) = loop.site.book.untaken
    assert (untaken["status"], untaken["quantity"]) == ("Duplicate", "1")


@pytest.mark.parametrize("path", ["/habit", "/use", "/report"])
async def test_no_form_of_another_site_is_taken(loop: Loop, path: str) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded"):
        headers = {"Content-Type": content_type}
        reply = await loop.browser.post(path, content=b'{"habit": "refuse"}', headers=headers)
        assert reply.status_code == 415
    assert (await loop.browser.post(path)).status_code == 415
    assert loop.site.book.habit is Habit.ACKNOWLEDGE


async def test_what_cannot_be_used(loop: Loop) -> None:
    bought = await loop.desk.activated("pro", 1)
    several: tuple[object, ...] = (0, -1, "NaN", "Infinity", "many", None, [])
    for units in several:
        assert (await use(loop, bought, units)).status_code == 400, units
    assert (await use(loop, bought, 1, at="2026-03-02T08:00:00")).status_code == 400
    assert (await use(loop, bought, 1, at="yesterday")).status_code == 400
    assert (await use(loop, bought, 1, subscription=NOWHERE)).status_code == 502
    assert await report(loop) == {}


async def test_more_than_a_batch(loop: Loop) -> None:
    first, second = [await loop.desk.activated("pro", 1) for _ in range(2)]
    loop.desk.market.wait(hours=14)
    for ago in range(13):
        for bought in (first, second):
            await use(loop, bought, 1, at=hour(loop, ago))
    loop.wire.asked.clear()
    assert await report(loop) == {"Accepted": 26}
    assert [path for path in loop.wire.asked if "Usage" in path] == ["/api/batchUsageEvent"] * 2
    loop.desk.market.tokens.clear()
    sums = Counter[str]()
    for subscription_id, units, _ in await accepted(loop):
        sums[subscription_id] += int(units)
    assert sums == {first.id: 13, second.id: 13}


async def test_what_could_not_be_reported_is_reported_later(loop: Loop) -> None:
    bought = await loop.desk.activated("pro", 1)
    await use(loop, bought, 2)
    loop.wire.is_cut = True
    assert (await loop.post("/report", None)).status_code == 502
    loop.wire.is_cut = False
    await use(loop, bought, 3)
    assert await report(loop) == {"Accepted": 1}
    assert await accepted(loop) == [(bought.id, 5.0, 1)]


async def test_hours_that_are_over_report_themselves(loop: Loop) -> None:
    bought = await loop.desk.activated("pro", 1)
    await use(loop, bought, 2)
    loop.desk.market.wait(hours=1)
    loop.desk.market.tokens.clear()
    await use(loop, bought, 3)
    loop.wire.is_cut = True
    reporting = asyncio.create_task(loop.site.report_forever(0.01))
    try:
        await asyncio.sleep(0.05)
        loop.wire.is_cut = False
        async with asyncio.timeout(30):
            while await accepted(loop) != [(bought.id, 2.0, 1)]:  # noqa: ASYNC110 - from outside
                await asyncio.sleep(0.01)
    finally:
        reporting.cancel()
        with suppress(asyncio.CancelledError):
            await reporting
    assert 3 in [used.units for used in loop.site.book.used.values()], "of the hour that runs"


# Its calls


async def test_changes_that_the_publisher_asks_for(loop: Loop) -> None:
    await loop.desk.configure(csp_allowed_operations="all")
    bought = await loop.desk.activated()
    marketplace = loop.site.marketplace
    plans = await marketplace.plans(bought.id)
    assert {"team", "large"} <= {plan["planId"] for plan in plans}
    operation_id = await marketplace.change(bought.id, {"planId": "large"})
    await loop.deliver()
    assert (await marketplace.operation(bought.id, operation_id))["status"] == "Succeeded"
    assert (await bought.seen())["planId"] == "large"
    operation_id = await marketplace.cancel(bought.id)
    assert (await marketplace.operation(bought.id, operation_id))["action"] == "Unsubscribe"
    assert await bought.states() == ("deleted", "Unsubscribed")


async def test_a_token_is_kept_until_shortly_before_its_end(loop: Loop) -> None:
    async def tokens() -> int:
        await loop.browser.get("/")
        return sum(path.endswith("/token") for path in loop.wire.asked)

    assert (await tokens(), await tokens()) == (1, 1)
    loop.desk.market.wait(minutes=59)
    assert await tokens() == 2
