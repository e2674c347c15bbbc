"""The catalogue over HTTP on both engines: every call, every refusal, links, languages, what who may buy."""

from collections.abc import Iterator
from functools import partial
from typing import Any, cast

import httpx2
import pytest
from tests.market import ADMIN, Json, Market

from comptoir.api.call import Call, Parameters
from comptoir.api.catalog import HANDLERS
from comptoir.catalog import service
from comptoir.db import Statement, Tx

pytestmark = pytest.mark.anyio

VIEW = "targetView=MarketplaceSaaS"
STRANGER = "00000000-0000-4000-8000-000000000099"


async def items(market: Market, path: str, **options: Any) -> list[Json]:
    reply = await market.get(path, **options)
    assert reply.status_code == 200, reply.text
    found: list[Json] = reply.json()["items"]
    return found


async def product(market: Market, title: str, country: str = "US", **options: Any) -> Json:
    """The product whose title begins so."""
    found = await items(market, f"/v1/products?country={country}&targetView=MarketplaceSaaS", **options)
    return next(one for one in found if one["title"].startswith(title))


async def sku(
    market: Market, title: str, plan_id: str, country: str = "US", *, is_trial: bool = False
) -> Json:
    """The SKU of a plan, or of its trial."""
    product_id = (await product(market, title, country))["id"]
    found = await items(market, f"/v1/products/{product_id}/skus?country={country}&targetSegment=")
    every = [
        *found,
        *await items(market, f"/v1/products/{product_id}/skus?country={country}&targetSegment=nonprofit"),
    ]
    return next(
        one for one in every if (one["dynamicAttributes"]["planId"], one["isTrial"]) == (plan_id, is_trial)
    )


async def availability(market: Market, title: str, plan_id: str, country: str = "US", **options: Any) -> Json:
    one = await sku(market, title, plan_id, country, **options)
    path = f"/v1/products/{one['productId']}/skus/{one['id']}/availabilities?country={country}"
    return (await items(market, path))[0]


def fault(reply: httpx2.Response) -> tuple[int, int]:
    return reply.status_code, reply.json()["code"]


def links(value: Json) -> Iterator[str]:
    """Every link address in an answer."""
    if isinstance(value, dict):
        if "uri" in value:
            yield value["uri"]
        for inner in value.values():
            yield from links(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from links(inner)


# A market's catalogue


async def test_products_of_a_market(market: Market) -> None:
    reply = await market.get("/v1/products?country=us&targetView=marketplacesaas")
    body = reply.json()
    assert body["links"]["self"]["uri"] == "/products?country=US&targetView=marketplacesaas"
    titles = [(one["title"], one["id"]) for one in body["items"]]
    assert titles == sorted(titles)
    assert len(titles) > 20
    desk = next(one for one in body["items"] if one["title"].startswith("Lanternwick Desk"))
    assert desk == {
        "id": desk["id"],
        "title": "Lanternwick Desk – Shared workspace",
        "description": desk["description"],
        "productType": {
            "id": "Azure",
            "displayName": "Azure",
            "subType": {"id": "SaaS", "displayName": "SaaS"},
        },
        "isMicrosoftProduct": False,
        "publisherName": "Lanternwick Studio",
        "links": {
            "skus": {"uri": f"/products/{desk['id']}/skus?country=US", "method": "GET", "headers": []},
            "self": {"uri": f"/products/{desk['id']}?country=US", "method": "GET", "headers": []},
        },
    }


async def test_views(market: Market) -> None:
    online = await items(market, "/v1/products?country=US&targetView=OnlineServices")
    assert online == await items(market, f"/v1/products?country=US&{VIEW}")
    for view in ("Azure", "SoftwareSUSELinux", "SpecializedOffers"):
        assert await items(market, f"/v1/products?country=US&targetView={view}") == []
        assert await items(market, f"/v1/customers/{market.customer()}/products?targetView={view}") == []


async def test_a_country_without_products_is_empty(market: Market) -> None:
    assert await items(market, f"/v1/products?country=ZZ&{VIEW}") == []


async def test_segments(market: Market) -> None:
    async def titles(query: str) -> set[str]:
        found = await items(market, f"/v1/products?country=GB&{VIEW}{query}")
        return {one["title"] for one in found}

    unasked = await titles("")
    education, nonprofit = await titles("&targetSegment=Education"), await titles("&targetSegment=nonprofit")
    assert education < unasked
    assert {title.partition(" –")[0] for title in education & nonprofit} == {
        "Lanternwick Desk",
        "Thistledown Classroom",
        "Thistledown Library",
    }
    assert {title.partition(" –")[0] for title in await titles("&targetSegment=government")} == {
        "Magpie Sentry"
    }
    classroom = (await product(market, "Thistledown Classroom", "GB"))["id"]
    path = f"/v1/products/{classroom}/skus?country=GB"
    assert [one["title"] for one in await items(market, path)] == [
        "School",
        "Company",
        "Company – Free trial",
    ]
    assert [one["title"] for one in await items(market, f"{path}&targetSegment=nonprofit")] == ["Charity"]
    school = await sku(market, "Thistledown Classroom", "school", "GB")
    path = f"/v1/products/{classroom}/skus/{school['id']}/availabilities?country=GB"
    assert [one["segment"] for one in await items(market, path)] == ["education"]
    assert await items(market, f"{path}&targetSegment=commercial") == []


async def test_availabilities_are_ordered_by_segment(market: Market) -> None:
    branch = await sku(market, "Thistledown Library", "branch", "GB")
    path = f"/v1/products/{branch['productId']}/skus/{branch['id']}/availabilities?country=GB"
    assert [one["segment"] for one in await items(market, path)] == ["commercial", "education"]
    assert [one["segment"] for one in await items(market, f"{path}&targetSegment=nonprofit")] == ["nonprofit"]


async def test_languages(market: Market) -> None:
    french = {"X-Locale": "fr-FR"}
    desk = await product(market, "Lanternwick Desk", "FR", headers=french)
    assert desk["title"] == "Lanternwick Desk – Espace partagé"
    assert desk["description"].startswith("Lanternwick Desk conserve")
    skus = await items(market, f"/v1/products/{desk['id']}/skus?country=FR", headers=french)
    assert [one["title"] for one in skus] == [
        "Équipe", "Équipe – Essai gratuit", "Entreprise", "Entreprise – Essai gratuit", "Campus",
    ]  # fmt: skip
    path = f"/v1/products/{desk['id']}/skus/0001/availabilities?country=FR"
    (found,) = await items(market, path, headers=french)
    assert [term["description"] for term in found["terms"]] == [
        "Un mois, facturation mensuelle",
        "Un an, facturation mensuelle",
    ]
    assert found["sku"]["title"] == "Équipe"
    (english,) = await items(market, path, headers={"X-Locale": "de-DE"})
    assert english["sku"]["title"] == "Team"
    titles = [one["title"] for one in await items(market, f"/v1/products?country=FR&{VIEW}", headers=french)]
    assert titles == sorted(titles)


async def test_a_sku(market: Market) -> None:
    team = await sku(market, "Lanternwick Desk", "team")
    path = f"/products/{team['productId']}/skus/0001"
    assert team == {
        "id": "0001",
        "productId": team["productId"],
        "title": "Team",
        "description": (
            "For teams that start small: shared pages, comments and version history. The first month is free."
        ),
        "minimumQuantity": 1,
        "maximumQuantity": 300,
        "isTrial": False,
        "termsOfUseUri": "https://www.lanternwick.example/terms",
        "supportedBillingCycles": ["monthly"],
        "purchasePrerequisites": ["MicrosoftCustomerAgreement"],
        "inventoryVariables": [],
        "provisioningVariables": [],
        "dynamicAttributes": {
            "isMicrosoftProduct": False,
            "billingType": "license",
            "unitType": "License(s)",
            "isAddon": False,
            "hasConstraints": False,
            "offerId": "desk",
            "planId": "team",
            "publisherId": "lanternwick",
            "isPricePerSeat": True,
            "hasMeters": False,
        },
        "links": {
            "availabilities": {"uri": f"{path}/availabilities?country=US", "method": "GET", "headers": []},
            "self": {"uri": f"{path}?country=US", "method": "GET", "headers": []},
        },
    }


async def test_skus_of_every_kind(market: Market) -> None:
    trial = await sku(market, "Lanternwick Desk", "team", is_trial=True)
    assert (trial["isTrial"], trial["supportedBillingCycles"]) == (True, ["none"])
    business = await sku(market, "Lanternwick Desk", "business")
    assert (business["minimumQuantity"], business["maximumQuantity"]) == (5, 999999999)
    assert business["supportedBillingCycles"] == ["monthly", "annual"]
    metered = await sku(market, "Sablecourt Insight", "growth")
    assert (metered["consumptionType"], metered["dynamicAttributes"]["hasMeters"]) == ("overage", True)
    assert (metered["minimumQuantity"], metered["maximumQuantity"]) == (1, 1)
    add_on = await sku(market, "Lanternwick Canvas", "canvas-for-desk")
    parents = add_on["dynamicAttributes"]["parentSkus"].split(",")
    assert parents == [f"{trial['productId']}:0001", f"{trial['productId']}:0003"]
    assert add_on["dynamicAttributes"]["isAddon"] is True
    limited = await sku(market, "Magpie Rehearsal", "exercise")
    assert limited["purchasePrerequisites"] == ["MicrosoftCustomerAgreement", "InventoryCheck"]
    assert limited["attestationProperties"] == {
        "enforceAttestation": True,
        "attestationType": "SecurityTestingConsent",
    }
    assert limited["constraints"] == [
        {"constraintName": "AssetOwnershipLimit", "constraintValue": 1, "constraintType": "Customer"}
    ]


async def test_the_agreement_is_a_prerequisite_where_it_is_required(market: Market) -> None:
    await market.configure(require_customer_agreement=False)
    assert (await sku(market, "Lanternwick Desk", "team"))["purchasePrerequisites"] == []
    assert (await sku(market, "Magpie Rehearsal", "exercise"))["purchasePrerequisites"] == ["InventoryCheck"]


async def test_an_availability(market: Market) -> None:
    found = await availability(market, "Lanternwick Desk", "team", "FR")
    path = f"/products/{found['productId']}/skus/0001"
    assert found == {
        "id": found["id"],
        "productId": found["productId"],
        "skuId": "0001",
        "catalogItemId": f"{found['productId']}:0001:{found['id']}",
        "defaultCurrency": {"code": "EUR", "symbol": "€"},
        "segment": "commercial",
        "country": "FR",
        "isPurchasable": True,
        "isRenewable": True,
        "renewalInstructions": [
            {
                "applicableTermIds": [term["id"] for term in found["terms"]],
                "renewalOptions": [{"renewToId": f"{found['productId']}:0001", "isAutoRenewable": True}],
            }
        ],
        "terms": [
            {
                "id": found["terms"][0]["id"],
                "duration": "P1M",
                "description": "One month, billed monthly",
                "billingCycle": "Monthly",
                "renewalOptions": [
                    {"termDuration": "P1M", "description": "One month"},
                    {"termDuration": "P1Y", "description": "One year"},
                ],
                "cancellationPolicies": [
                    {"refundOptions": [{"sequenceId": 0, "type": "Full", "expiresAfter": "P1D"}]}
                ],
            },
            {
                "id": found["terms"][1]["id"],
                "duration": "P1Y",
                "description": "One year, billed monthly",
                "billingCycle": "Monthly",
                "renewalOptions": [
                    {"termDuration": "P1Y", "description": "One year"},
                    {"termDuration": "P1M", "description": "One month"},
                ],
                "cancellationPolicies": [
                    {"refundOptions": [{"sequenceId": 0, "type": "Full", "expiresAfter": "P14D"}]}
                ],
            },
        ],
        "product": (await market.get(f"/v1/products/{found['productId']}?country=FR")).json(),
        "sku": (await market.get(f"/v1{path}?country=FR")).json(),
        "links": {
            "self": {
                "uri": f"{path}/availabilities/{found['id']}?country=FR",
                "method": "GET",
                "headers": [],
            }
        },
    }


async def test_availabilities_of_every_kind(market: Market) -> None:
    trial = await availability(market, "Lanternwick Desk", "team", is_trial=True)
    (term,) = trial["terms"]
    assert (term["duration"], term["billingCycle"]) == ("P1M", "None")
    assert [option["termDuration"] for option in term["renewalOptions"]] == ["P1M", "P1Y"]
    assert "cancellationPolicies" not in term
    (instruction,) = trial["renewalInstructions"]
    assert instruction["renewalOptions"][0]["renewToId"] == f"{trial['productId']}:0001"

    metered = await availability(market, "Sablecourt Insight", "growth")
    assert [term["billingCycle"] for term in metered["terms"]] == ["Annual"]
    assert metered["includedQuantityOptions"] == [
        {"units": "120", "description": "Report runs (per 100 runs): 120 per term (One year)"},
        {"units": "600", "description": "Rows scanned (per million rows): 600 per term (One year)"},
    ]
    unlimited = await availability(market, "Sablecourt Insight", "enterprise")
    assert [option["units"] for option in unlimited["includedQuantityOptions"]] == [
        "Infinite", "6000", "Infinite", "20000",
    ]  # fmt: skip

    japanese = await availability(market, "Hoshikawa Ledger", "shop", "JP")
    assert japanese["defaultCurrency"] == {"code": "JPY", "symbol": "¥"}
    assert [(term["duration"], term["billingCycle"]) for term in japanese["terms"]] == [("P3Y", "OneTime")]

    stopped = await availability(market, "Cogwright", "classic")
    assert (stopped["isPurchasable"], stopped["isRenewable"]) == (False, False)
    assert "renewalInstructions" not in stopped
    exclusive = await availability(market, "Velvet Abacus Audit Room", "room")
    assert (exclusive["isPurchasable"], exclusive["isRenewable"]) == (False, True)


async def test_refund_windows_follow_the_accounts_settings(market: Market) -> None:
    await market.configure(refund_window_monthly_seconds=7200, refund_window_yearly_seconds=0)
    monthly, yearly = (await availability(market, "Lanternwick Desk", "team"))["terms"]
    (policy,) = monthly["cancellationPolicies"]
    assert policy["refundOptions"] == [{"sequenceId": 0, "type": "Full", "expiresAfter": "PT2H"}]
    assert "cancellationPolicies" not in yearly


async def test_every_product_of_every_market_holds_to_the_contract(market: Market) -> None:
    """Each answer is held against the contract by the market; here, every link leads somewhere."""
    for country in ("US", "FR", "JP"):
        path = f"/v1/products?country={country}&{VIEW}"
        reply = (await market.get(path)).json()
        for uri in dict.fromkeys(links(reply)):
            inner = await market.get(f"/v1{uri}")
            assert inner.status_code == 200, uri
            if "/skus" in uri:
                first = inner.json()["items"][0]["links"]["availabilities"]["uri"]
                for address in links((await market.get(f"/v1/{first}")).json()):
                    assert (await market.get(f"/v1/{address}")).status_code == 200, address


async def test_ids_match_in_any_case(market: Market) -> None:
    found = await availability(market, "Lanternwick Desk", "team")
    path = f"/v1/Products/{found['productId'].lower()}/SKUS/{found['skuId']}"
    assert (await market.get(f"{path}?Country=us")).json() == found["sku"]
    reply = await market.get(
        f"{path}/Availabilities/{found['id'].lower()}?COUNTRY=us&reservationScope=AzurePlan"
    )
    assert reply.json() == found


# A customer's catalogue


async def test_a_customer_sees_what_it_may_buy(market: Market) -> None:
    customer = market.customer("FR")
    reply = await market.get(f"/v1/customers/{customer.upper()}/products?{VIEW}&targetSegment=commercial")
    body = reply.json()
    assert body["links"]["self"]["uri"] == (
        f"/customers/{customer}/products?targetView=MarketplaceSaaS&targetSegment=commercial"
    )
    titles = {one["title"].partition(" –")[0] for one in body["items"]}
    everything = {
        one["title"].partition(" –")[0] for one in await items(market, f"/v1/products?country=FR&{VIEW}")
    }
    assert everything - titles == {"Velvet Abacus Audit Room"}
    assert all(one["links"]["self"]["uri"].endswith("?country=FR") for one in body["items"])


async def test_a_customers_skus_and_availabilities(market: Market) -> None:
    root = f"/v1/customers/{market.customer('FR')}"
    cogwright = (await product(market, "Cogwright", "FR"))["id"]
    every = await items(market, f"/v1/products/{cogwright}/skus?country=FR")
    assert "classic" in {one["dynamicAttributes"]["planId"] for one in every}
    found = await market.get(f"{root}/products/{cogwright}/skus")
    assert [one["dynamicAttributes"]["planId"] for one in found.json()["items"]] == [
        "standard",
        "plus",
        "plus",
    ]
    assert found.json()["links"]["self"]["uri"] == f"{root[3:]}/products/{cogwright}/skus"
    path = f"{root}/products/{cogwright}/skus/0001"
    assert (await market.get(path)).json() == every[0]
    listed = await market.get(f"{path}/availabilities?targetSegment=commercial&reservationScope=AzurePlan")
    body = listed.json()
    assert body["links"]["self"]["uri"] == f"{path[3:]}/availabilities?targetSegment=commercial"
    one = body["items"][0]
    assert (await market.get(f"{path}/availabilities/{one['id']}")).json() == one
    assert (
        one["links"]["self"]["uri"]
        == f"/products/{cogwright}/skus/0001/availabilities/{one['id']}?country=FR"
    )
    assert (await market.get(f"{root}/products/{cogwright}")).json() == one["product"]


async def test_post_reads_a_customers_catalogue_too(market: Market) -> None:
    root = f"/v1/customers/{market.customer()}"
    found = await availability(market, "Lanternwick Desk", "team")
    item = f"/products/{found['productId']}/skus/{found['skuId']}/availabilities"
    for path in (
        f"/products?{VIEW}",
        f"/products/{found['productId']}",
        f"/products/{found['productId']}/skus",
        f"/products/{found['productId']}/skus/{found['skuId']}",
        item,
        f"{item}/{found['id']}",
    ):
        got, posted = await market.get(root + path), await market.post(root + path)
        assert (posted.status_code, posted.json()) == (got.status_code, got.json()) == (200, got.json())


async def test_a_qualification_opens_a_segment(market: Market) -> None:
    customer = market.customer("FR")
    path = f"/v1/customers/{customer}/products?{VIEW}"
    school = next(
        one
        for one in await items(market, f"/v1/products?country=FR&{VIEW}")
        if one["title"].startswith("Thistledown Class")
    )
    skus = f"/v1/customers/{customer}/products/{school['id']}/skus"
    assert [one["dynamicAttributes"]["planId"] for one in await items(market, skus)] == ["company", "company"]
    assert await items(market, f"{path}&targetSegment=education") == []
    qualification = f"/v1/customers/{customer}/qualification"
    assert (await market.put(qualification, "Education", user=ADMIN)).status_code == 200
    titles = {
        one["title"].partition(" –")[0] for one in await items(market, f"{path}&targetSegment=education")
    }
    assert titles == {"Lanternwick Desk", "Thistledown Classroom", "Thistledown Library"}
    assert "school" in {one["dynamicAttributes"]["planId"] for one in await items(market, skus)}


# Refusals


async def _paths(market: Market) -> dict[str, str]:
    found = await availability(market, "Lanternwick Desk", "team")
    product_path = f"/products/{found['productId']}"
    sku_path = f"{product_path}/skus/{found['skuId']}"
    return {
        "products": "/products",
        "product": product_path,
        "skus": f"{product_path}/skus",
        "sku": sku_path,
        "availabilities": f"{sku_path}/availabilities",
        "availability": f"{sku_path}/availabilities/{found['id']}",
        "unknown product": "/products/DZH318Z0ZZZZ",
        "unknown sku": f"{product_path}/skus/0099",
        "unknown availability": f"{sku_path}/availabilities/AAAAAAAAAAAA",
    }


async def test_a_country_is_needed(market: Market) -> None:
    paths = await _paths(market)
    for name in ("products", "product", "skus", "sku", "availabilities", "availability"):
        for query in ("", "?country=", "?country=USA", "?country=1", "?country=%C3%9CS"):
            reply = await market.get(f"/v1{paths[name]}{query}")
            assert fault(reply) == (400, 400056)
            assert reply.json()["data"] == ["country"]


async def test_a_view_is_needed_and_known(market: Market) -> None:
    for root in ("/v1/products?country=US", f"/v1/customers/{market.customer()}/products?x=1"):
        assert fault(await market.get(root)) == (400, 400056)
        assert fault(await market.get(f"{root}&targetView=")) == (400, 400056)
        assert fault(await market.get(f"{root}&targetView=SaaS")) == (403, 400036)
        assert fault(await market.get(f"{root}&targetView=%3Cscript%3E")) == (403, 400036)


async def test_segments_are_known(market: Market) -> None:
    paths = await _paths(market)
    for name in ("products", "skus", "availabilities"):
        query = f"?country=US&{VIEW}&targetSegment=consumer"
        assert fault(await market.get(f"/v1{paths[name]}{query}")) == (403, 400030)
        assert fault(await market.get(f"/v1/customers/{market.customer()}{paths[name]}{query}")) == (
            403,
            400030,
        )


async def test_what_is_not_there(market: Market) -> None:
    paths = await _paths(market)
    expected = {
        "unknown product": (404, 400013),
        "unknown product/skus": (404, 400013),
        "unknown product/skus/0001": (404, 400013),
        "unknown product/skus/0001/availabilities": (404, 400013),
        "unknown product/skus/0001/availabilities/A": (404, 400013),
        "unknown sku": (404, 400018),
        "unknown sku/availabilities": (404, 400018),
        "unknown sku/availabilities/A": (404, 400018),
        "unknown availability": (404, 400019),
    }
    for name, code in expected.items():
        known, slash, rest = name.partition("/")
        path = paths[known] + slash + rest
        assert fault(await market.get(f"/v1{path}?country=US")) == code, name
        assert fault(await market.get(f"/v1/customers/{market.customer()}{path}")) == code, name


async def test_not_sold_in_that_country(market: Market) -> None:
    found = await availability(market, "Hoshikawa Ledger", "shop", "JP")
    path = f"/products/{found['productId']}"
    reply = await market.get(f"/v1{path}?country=US")
    assert fault(reply) == (404, 400013)
    assert (
        reply.json()["description"]
        == f"The product {found['productId']} was not found in the catalogue of US."
    )
    assert fault(await market.get(f"/v1/customers/{market.customer('US')}{path}")) == (404, 400013)
    assert (await market.get(f"/v1/customers/{market.customer('JP')}{path}")).status_code == 200


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE products; --", "%00", "%F0%9F%A6%86", "..%2f..%2fetc", "x" * 2000]
)
async def test_strange_ids_are_simply_not_there(market: Market, name: str) -> None:
    assert fault(await market.get(f"/v1/products/{name}?country=US")) in {(404, 400013), (404, 1000)}


async def test_whose_customer_it_is(market: Market) -> None:
    paths = await _paths(market)
    foreign = market.customer("US", "production")
    for name in ("products", "product", "skus", "sku", "availabilities", "availability"):
        path = f"{paths[name]}?{VIEW}"
        assert fault(await market.get(f"/v1/customers/{foreign}{path}")) == (403, 20002)
        assert fault(await market.get(f"/v1/customers/{STRANGER}{path}")) == (404, 60003)
        assert fault(await market.get(f"/v1/customers/nobody{path}")) == (400, 900118)
        assert fault(await market.post(f"/v1/customers/{foreign}{path}")) == (403, 20002)


async def test_no_token_no_catalogue(market: Market) -> None:
    reply = await market.client.get(f"/v1/products?country=US&{VIEW}")
    assert reply.status_code == 401


# Inventory


async def _check(market: Market, body: Json, query: str = "?country=US") -> httpx2.Response:
    return await market.post(f"/v1/extensions/product/checkinventory{query}", body)


async def test_inventory_of_a_product(market: Market) -> None:
    desk = (await product(market, "Lanternwick Desk"))["id"]
    reply = await _check(
        market,
        {
            "TargetItems": [{"ProductId": desk, "IsRestricted": False}],
            "InventoryContext": {"customerId": "x"},
        },
    )
    assert reply.status_code == 200
    assert reply.json() == [
        {"productId": desk, "skuId": f"000{number}", "isRestricted": False, "restrictions": []}
        for number in range(1, 6)
    ]


async def test_inventory_of_what_cannot_be_had(market: Market) -> None:
    classic, shop = (
        await sku(market, "Cogwright", "classic"),
        await sku(market, "Hoshikawa Ledger", "shop", "JP"),
    )
    targets = [{"productId": one["productId"], "skuId": one["id"]} for one in (classic, shop)]
    targets += [{"productId": "DZH318Z0ZZZZ"}, {"productId": shop["productId"], "skuId": "0099"}]
    reply = await _check(market, {"targetItems": targets})
    restriction = {
        "reasonCode": "NotAvailableInCountry",
        "description": "The SKU is not sold in US.",
        "properties": {"country": "US"},
    }
    assert reply.json() == [
        {
            "productId": one["productId"],
            "skuId": one["id"],
            "isRestricted": True,
            "restrictions": [restriction],
        }
        for one in (classic, shop)
    ]
    japan = await _check(market, {"targetItems": targets[1:2]}, "?country=jp")
    assert [one["isRestricted"] for one in japan.json()] == [False]


async def test_inventory_without_a_country_is_the_partners_own(market: Market) -> None:
    shop = await sku(market, "Hoshikawa Ledger", "shop", "JP")
    body = {"targetItems": [{"productId": shop["productId"], "skuId": shop["id"]}]}
    (found,) = (await _check(market, body, "")).json()
    assert found["restrictions"][0]["properties"] == {"country": "US"}


async def test_inventory_of_limited_stock(market: Market) -> None:
    exercise = await sku(market, "Magpie Rehearsal", "exercise")
    body = {"targetItems": [{"productId": exercise["productId"], "skuId": exercise["id"]}]}
    (found,) = (await _check(market, body)).json()
    assert (found["isRestricted"], found["restrictions"]) == (False, [])
    take = partial(service.take_stock, product_id=exercise["productId"], sku_id=exercise["id"], quantity=40)
    assert await market.write(take)
    (found,) = (await _check(market, body)).json()
    assert found["isRestricted"] is True
    assert found["restrictions"] == [
        {
            "reasonCode": "InventoryNotAvailable",
            "description": "Too little is left: 0.",
            "properties": {"remainingQuantity": "0"},
        }
    ]


async def test_inventory_as_java_asks(market: Market) -> None:
    reply = await _check(market, [{"key": "country", "value": "US"}], "")
    assert (reply.status_code, reply.json()) == (200, [])
    assert (await _check(market, [], "?country=US")).json() == []


@pytest.mark.parametrize(
    ("body", "query", "expected"),
    [
        (None, "", (400, 800002)),
        ({}, "", (400, 800002)),
        ({"targetItems": [{}]}, "", (400, 800002)),
        ({"targetItems": [{"productId": ""}]}, "", (400, 800002)),
        ({"targetItems": [{"productId": "P"}] * 501}, "", (400, 800002)),
        ({"targetItems": []}, "?country=USA", (400, 800002)),
        ({"targetItems": "all"}, "", (400, 3000)),
        ({"targetItems": [{"productId": 7}]}, "", (400, 3000)),
        ("all", "", (400, 800002)),
    ],
)
async def test_inventory_checks_that_cannot_be_read(
    market: Market, body: Json, query: str, expected: tuple[int, int]
) -> None:
    assert fault(await _check(market, body, query)) == expected


async def test_an_empty_inventory_check(market: Market) -> None:
    assert (await _check(market, {"targetItems": []})).json() == []


# Promotions


async def test_there_are_no_promotions(market: Market) -> None:
    reply = await market.get("/v1/productpromotions?segment=Commercial&country=US")
    assert (reply.status_code, reply.json()["items"]) == (200, [])
    assert fault(await market.get("/v1/productpromotions/39NFJQT1PFPX:0001:39NFJQT1Q5KK?country=US")) == (
        404,
        1000,
    )
    path = f"/v1/customers/{market.customer()}/promotionEligibilities"
    assert fault(await market.post(path, {"items": []})) == (400, 800042)


# Cost


class CountingTx:
    """A transaction that counts the statements that readers run."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.count = 0

    async def one(self, statement: Statement, /, **parameters: Any) -> Any:
        self.count += 1
        return await self._tx.one(statement, **parameters)

    async def all(self, statement: Statement, /, **parameters: Any) -> Any:
        self.count += 1
        return await self._tx.all(statement, **parameters)


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("products_list", 1),
        ("products_get", 1),
        ("skus_list", 2),
        ("skus_get", 2),
        ("availabilities_list", 3),
        ("availabilities_get", 3),
    ],
)
async def test_a_reading_takes_few_statements(market: Market, name: str, most: int) -> None:
    """However many products there are; for a customer one more, for the customer."""
    found = await availability(market, "Lanternwick Desk", "team")
    path = {
        "customer_id": market.customer(),
        "product_id": found["productId"],
        "sku_id": found["skuId"],
        "availability_id": found["id"],
    }
    query = Parameters({"country": "US", "targetView": "MarketplaceSaaS"})
    call = Call(path, query, Parameters({}), None, b"")
    ctx = await market.context()

    async def count(operation: str, tx: Tx) -> int:
        counting = CountingTx(tx)
        await HANDLERS[operation](cast(Tx, counting), ctx, call)
        return counting.count

    assert await market.read(partial(count, f"catalog.{name}")) <= most
    assert await market.read(partial(count, f"catalog.customer_{name}")) <= most + 1
