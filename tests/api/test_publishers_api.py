"""The operator API of publishers: who there is, and where their offers lead."""

import json
from functools import partial

import pytest
from tests.market import Json
from tests.order_market import publish
from tests.publisher_desk import CATALOGUE, OTHER_CATALOGUE, Desk, desk
from tests.sample_site import SITE, point

from comptoir.audit import service as audit
from comptoir.core.accounts import OPERATOR_ACCOUNT
from comptoir.db import Tx

__all__ = ["desk"]

pytestmark = pytest.mark.anyio

PUBLISHERS = "/operator/v1/publishers"
LANDING_PAGE = "https://app.northbeam.example/start"
WEBHOOK = "https://app.northbeam.example/hooks"


async def test_the_publishers_by_id(desk: Desk) -> None:
    reply = await desk.market.get(PUBLISHERS, account="operator")
    assert reply.status_code == 200
    items = reply.json()["items"]
    assert [item["id"] for item in items] == sorted(item["id"] for item in items)
    assert len(items) == len(desk.market.made.publishers) + 2
    assert items[[item["id"] for item in items].index("northbeam")] == {
        "id": "northbeam",
        "name": "Northbeam Labs",
        "tenantId": "5d1f0c7e-8a52-4f6e-9b1d-2f3f6f0a7c12",
        "applicationId": "91c2f0aa-55f6-4d38-8b1f-4f3f5f0a7c20",
    }


async def journal_of_the_catalogue(desk: Desk) -> list[Json]:
    async def work(tx: Tx) -> list[Json]:
        entries = await audit.read(tx, OPERATOR_ACCOUNT.id, 0, 1_000)
        kept = [found.entry for found in entries if found.entry.subject_kind == "publisher"]
        return [json.loads(entry.after) for entry in kept if isinstance(entry.after, str)]

    return await desk.market.read(work)


async def test_links_and_webhooks_lead_elsewhere_at_once(desk: Desk) -> None:
    harbor, beacon = await desk.activated("team"), await desk.buy("pro", 1)
    before = {"https://app.northbeam.example/start", "https://app.northbeam.example/beacon"}
    assert {(await bought.link()).split("?")[0] for bought in (harbor, beacon)} == before
    await point(desk)
    for bought in (harbor, beacon):
        assert (await bought.link()).startswith(f"{SITE}/start?token=")
    assert (await harbor.patch({"status": "deleted"})).status_code == 200
    await desk.deliver()
    assert [message.url for message in desk.market.receivers.messages] == [f"{SITE}/hooks/marketplace"]
    assert await journal_of_the_catalogue(desk) == [
        {"landingPageUrl": f"{SITE}/start", "webhookUrl": f"{SITE}/hooks/marketplace"}
    ]


async def test_other_publishers_lead_where_they_did(desk: Desk) -> None:
    await point(desk)
    wanted = {"account": "production", "publisherId": "southbeam", "offerId": "lamp", "planId": "lamp"}
    bought = await desk.market.post("/operator/v1/purchases", wanted, account="operator")
    assert bought.json()["activationLink"].startswith("https://app.southbeam.example/start?token=")


async def test_the_catalogue_file_brings_its_addresses_back(desk: Desk) -> None:
    bought = await desk.buy()
    await point(desk)
    await publish(desk.market, OTHER_CATALOGUE)
    assert (await bought.link()).startswith(SITE), "another publisher's file"
    partner = await desk.market.account("production")
    await publish(desk.market, CATALOGUE.replace("PARTNER", partner.id))
    assert (await bought.link()).startswith(LANDING_PAGE)


async def test_an_unknown_publisher_is_refused(desk: Desk) -> None:
    body = {"landingPageUrl": LANDING_PAGE, "webhookUrl": WEBHOOK}
    for unknown in ("nobody", "%00", "NORTHBEAM "):
        reply = await desk.market.put(f"{PUBLISHERS}/{unknown}/endpoints", body, account="operator")
        assert (reply.status_code, reply.json()["code"]) == (404, 1000), unknown


BAD_ADDRESSES = (
    None,
    "",
    "app.northbeam.example/start",
    "ftp://app.northbeam.example/start",
    "https://",
    "https://app.northbeam.example/start#top",
    "https://app northbeam.example/start",
    "javascript:alert(1)",
    7,
)


@pytest.mark.parametrize("member", ["landingPageUrl", "webhookUrl"])
async def test_addresses_that_are_none_are_refused(desk: Desk, member: str) -> None:
    bought = await desk.buy()
    call = partial(desk.market.put, f"{PUBLISHERS}/northbeam/endpoints", account="operator")
    good: Json = {"landingPageUrl": f"{SITE}/start", "webhookUrl": f"{SITE}/hooks"}
    for address in BAD_ADDRESSES:
        reply = await call({**good, member: address})
        assert (reply.status_code, reply.json()["code"]) == (400, 3000), address
    assert (await call({name: good[name] for name in good if name != member})).status_code == 400
    assert (await bought.link()).startswith(LANDING_PAGE)
    assert await journal_of_the_catalogue(desk) == []


async def test_only_the_operator_points_publishers(desk: Desk) -> None:
    body = {"landingPageUrl": LANDING_PAGE, "webhookUrl": WEBHOOK}
    for caller in ("production", "publisher:northbeam"):
        for reply in (
            await desk.market.get(PUBLISHERS, account=caller),
            await desk.market.put(f"{PUBLISHERS}/northbeam/endpoints", body, account=caller),
        ):
            assert reply.status_code in {401, 403}, caller


# The secret of a publisher's application

SECRET = "a secret of thirty-two characters"


async def sign_in(desk: Desk, secret: str, publisher: str = "northbeam") -> int:
    """The status with which the token service answers the publisher."""
    rows = (await desk.market.get(PUBLISHERS, account="operator")).json()["items"]
    row = next(row for row in rows if row["id"] == publisher)
    form = {
        "grant_type": "client_credentials",
        "client_id": row["applicationId"],
        "client_secret": secret,
        "resource": "20e940b3-4c77-4b0b-9a53-9e16a1b010a7",
    }
    return (await desk.market.client.post(f"/{row['tenantId']}/oauth2/token", data=form)).status_code


async def register(desk: Desk, publisher: str, secret: object) -> tuple[int, Json]:
    body = {"clientSecret": secret}
    reply = await desk.market.put(f"{PUBLISHERS}/{publisher}/secret", body, account="operator")
    return reply.status_code, reply.json()


async def test_a_new_secret_takes_the_place_of_the_old_one(desk: Desk) -> None:
    old = desk.credentials["northbeam"].client_secret
    assert [await sign_in(desk, secret) for secret in (old, SECRET)] == [200, 401]
    status, answer = await register(desk, "northbeam", SECRET)
    assert (status, answer["applicationId"]) == (200, "91c2f0aa-55f6-4d38-8b1f-4f3f5f0a7c20")
    assert SECRET not in str(answer)
    assert [await sign_in(desk, secret) for secret in (old, SECRET)] == [401, 200]
    other = desk.credentials["southbeam"].client_secret
    assert [await sign_in(desk, secret, "southbeam") for secret in (other, SECRET)] == [200, 401]
    assert await journal_of_the_catalogue(desk) == [{"applicationId": "91c2f0aa-55f6-4d38-8b1f-4f3f5f0a7c20"}]


async def test_a_publisher_whose_file_was_imported_later(desk: Desk) -> None:
    text = OTHER_CATALOGUE.replace("southbeam", "eastbeam").replace("id: lamp", "id: candle", 1)
    text = text.replace("6d1f0c7e", "7d1f0c7e").replace("a1c2f0aa", "B1C2F0AA")
    await publish(desk.market, text)
    assert await sign_in(desk, SECRET, "eastbeam") == 401
    assert (await register(desk, "eastbeam", SECRET))[0] == 200
    assert await sign_in(desk, SECRET, "eastbeam") == 200


async def test_secrets_that_are_refused(desk: Desk) -> None:
    for secret in (None, "", "short", " " * 40):
        status, fault = await register(desk, "northbeam", secret)
        assert (status, fault["code"]) == (400, 3000), secret
    status, fault = await register(desk, "nobody", SECRET)
    assert (status, fault["code"]) == (404, 1000)
    assert await sign_in(desk, desk.credentials["northbeam"].client_secret) == 200
