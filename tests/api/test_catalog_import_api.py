"""Catalogue files over the operator API on both engines, and what an import means for open carts."""

from functools import partial

import httpx2
import pytest
from tests.catalog_files import HARBOR, changed
from tests.market import Json, Market

from comptoir.audit import service as audit
from comptoir.catalog import service
from comptoir.core.accounts import OPERATOR_ACCOUNT

pytestmark = pytest.mark.anyio

CHECK, IMPORT = "/operator/v1/catalog/check", "/operator/v1/catalog/import"
PRODUCTS = "/v1/products?country=US&targetView=MarketplaceSaaS"


def body(*texts: str) -> Json:
    return {"files": [{"name": f"{number}.yaml", "text": text} for number, text in enumerate(texts, 1)]}


async def ask(market: Market, path: str, content: Json, **options: str) -> httpx2.Response:
    return await market.post(path, content, **{"account": "operator", **options})


async def import_(market: Market, text: str) -> Json:
    reply = await ask(market, IMPORT, body(text))
    assert reply.status_code == 200, reply.text
    return reply.json()


async def northbeam(market: Market, offer_id: str = "desk") -> tuple[str, str]:
    """Product and current catalogue item of an imported offer."""
    found = (await market.get(PRODUCTS)).json()["items"]
    for one in found:
        if one["publisherName"] == "Northbeam Labs":
            skus = (await market.get(f"/v1/products/{one['id']}/skus?country=US")).json()["items"]
            if skus[0]["dynamicAttributes"]["offerId"] == offer_id:
                path = f"/v1/products/{one['id']}/skus/0001/availabilities?country=US"
                return one["id"], (await market.get(path)).json()["items"][0]["catalogItemId"]
    raise AssertionError(f"{offer_id} is not listed")


async def test_an_import_shows_at_once(market: Market) -> None:
    before = (await market.get(PRODUCTS)).json()["totalCount"]
    version = await market.read(service.version)
    summary = await import_(market, HARBOR)
    assert summary == {
        "catalogueVersion": version + 1,
        "publishersAdded": 1,
        "publishersChanged": 0,
        "productsAdded": 2,
        "productsChanged": 0,
        "skusAdded": 4,
        "skusChanged": 0,
        "availabilitiesIssued": 9,
        "availabilitiesReplaced": 0,
        "availabilitiesWithdrawn": 0,
    }
    assert (await market.get(PRODUCTS)).json()["totalCount"] == before + 2
    again = await import_(market, HARBOR)
    assert (again["catalogueVersion"], sum(again.values())) == (version + 1, version + 1)


async def test_an_import_is_in_the_operators_journal(market: Market) -> None:
    summary = await import_(market, HARBOR)
    entries = await market.read(
        partial(audit.read, account_id=OPERATOR_ACCOUNT.id, after_sequence=0, limit=100)
    )
    last = entries[-1].entry
    assert (last.action, last.subject_kind) == ("import_catalogue", "catalogue")
    assert last.subject_id == str(summary["catalogueVersion"])


async def test_a_check_tells_every_fault_and_changes_nothing(market: Market) -> None:
    version = await market.read(service.version)
    text = changed("id: northbeam", "id: North", changed("EUR: 7.40", "EUR: cheap"))
    reply = await ask(market, CHECK, body(text, "a: ["))
    assert reply.status_code == 200
    assert reply.json() == {
        "errors": [
            {
                "file": "1.yaml",
                "line": 2,
                "reason": "publisher.id: North is not up to 50 lower-case letters, digits, - and _",
            },
            {
                "file": "1.yaml",
                "line": 35,
                "reason": "offers[1].plans[0].terms[0].price.EUR: must be a number, not cheap",
            },
            {
                "file": "2.yaml",
                "line": 2,
                "reason": "not valid YAML: while parsing a flow node, did not find expected node content",
            },
        ]
    }
    assert (await ask(market, CHECK, body(HARBOR))).json() == {"errors": []}
    assert await market.read(service.version) == version


async def test_an_import_with_a_fault_is_refused_whole(market: Market) -> None:
    version = await market.read(service.version)
    reply = await ask(market, IMPORT, body(HARBOR, "a: 1"))
    assert (reply.status_code, reply.json()["code"]) == (400, 3000)
    description = reply.json()["description"]
    assert description.startswith("The catalogue has 2 errors. The first: 2.yaml, line 1: ")
    assert await market.read(service.version) == version


@pytest.mark.parametrize("path", [CHECK, IMPORT])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, (400, 800002)),
        ({}, (400, 800002)),
        ({"files": []}, (400, 800002)),
        ({"files": [{}]}, (400, 3000)),
        ({"files": [{"name": "x"}]}, (400, 3000)),
        ({"files": [{"text": "x"}]}, (400, 3000)),
        ({"files": "x"}, (400, 3000)),
    ],
)
async def test_what_cannot_be_read(
    market: Market, path: str, content: Json, expected: tuple[int, int]
) -> None:
    reply = await ask(market, path, content)
    assert (reply.status_code, reply.json()["code"]) == expected


@pytest.mark.parametrize("path", [CHECK, IMPORT])
async def test_only_the_operator_may(market: Market, path: str) -> None:
    reply = await ask(market, path, body(HARBOR), account="sandbox")
    assert reply.status_code in {401, 403}


async def test_a_new_price_gives_a_new_id_and_the_old_one_stays_for_a_day(market: Market) -> None:
    await import_(market, HARBOR)
    product_id, old = await northbeam(market)
    await import_(market, changed("{USD: 8,", "{USD: 9,"))
    _, new = await northbeam(market)
    assert new != old
    path = f"/v1/products/{product_id}/skus/0001/availabilities/{old.split(':')[2]}?country=US"
    assert (await market.get(path)).json()["catalogItemId"] == old
    carts = f"/v1/customers/{market.customer()}/carts"
    cart = await market.post(carts, {"lineItems": [{"catalogItemId": old, "quantity": 2}]})
    assert "error" not in cart.json()["lineItems"][0]
    assert cart.json()["lineItems"][0]["pricing"]["listPrice"] == 8
    market.wait(days=1)
    market.tokens.clear()
    reply = await market.get(path)
    assert (reply.status_code, reply.json()["code"]) == (404, 400019)
    late = await market.post(carts, {"lineItems": [{"catalogItemId": old, "quantity": 2}]})
    assert late.json()["lineItems"][0]["error"]["errorCode"] == 10001
    fresh = await market.post(carts, {"lineItems": [{"catalogItemId": new, "quantity": 2}]})
    assert fresh.json()["lineItems"][0]["pricing"]["listPrice"] == 9
