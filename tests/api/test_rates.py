"""Exchange rates, tax rates and private offers through the operator API."""

from datetime import UTC, datetime

import pytest
from tests.market import Market

from comptoir.billing import service_reference
from comptoir.db import Tx

pytestmark = pytest.mark.anyio

OFFER = "Account,Publisher,Offer,Plan,ValidFrom,ValidUntil,Margin,Price\n"
IMPORT = "/operator/v1/rates/import"


async def test_a_file_replaces_what_was_known_for_the_same_month(market: Market) -> None:
    text = "CurrencyCode,USDPerUnit,Month\nEUR,1.25,202603\n"
    reply = await market.post(IMPORT, {"files": [{"name": "a.csv", "text": text}]}, account="operator")
    assert reply.json() == {"exchangeRates": 1, "taxRates": 0, "privateOffers": 0}
    known = (await market.get("/operator/v1/rates", account="operator")).json()
    rates = {(rate["currency"], rate["month"]): rate["usdPerUnit"] for rate in known["exchangeRates"]}
    assert rates["EUR", "202603"] == 1.25
    assert rates["EUR", "202602"] != 1.25
    assert {"country": "JP", "validFrom": "2019-10-01", "rate": 0.1, "name": "消費税"} in known["taxRates"]


async def test_a_private_offer_names_account_and_plan(market: Market) -> None:
    text = OFFER + "sandbox,lanternwick,desk,team,2026-01-01,2026-07-01,0.125,\n"
    reply = await market.post(IMPORT, {"files": [{"name": "o.csv", "text": text}]}, account="operator")
    assert reply.json()["privateOffers"] == 1
    ctx = await market.context()

    async def look(tx: Tx) -> list[object]:
        from comptoir.catalog import service as catalog

        sku = await catalog.paid_sku(tx, "lanternwick", "desk", "team")
        assert sku is not None
        instants = [
            datetime(2025, 12, 31, 23, tzinfo=UTC),
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2026, 6, 30, 23, tzinfo=UTC),
            datetime(2026, 7, 1, tzinfo=UTC),
        ]
        found = [
            await service_reference.private_offer(tx, ctx.account.id, sku.product_id, sku.id, at)
            for at in instants
        ]
        return [None if offer is None else str(offer.margin) for offer in found]

    assert await market.read(look) == [None, "0.125", "0.125", None]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (OFFER + "nobody,lanternwick,desk,team,2026-01-01,,0.1,\n", "There is no account nobody."),
        (OFFER + "sandbox,lanternwick,desk,x,2026-01-01,,0.1,\n", "there is no plan lanternwick/desk/x"),
        ("CurrencyCode,USDPerUnit,Month\nEUR,1.25,202603\nEUR,0,202604\n", "above 0"),
    ],
)
async def test_a_fault_refuses_all_files(market: Market, text: str, reason: str) -> None:
    reply = await market.post(IMPORT, {"files": [{"name": "a.csv", "text": text}]}, account="operator")
    assert (reply.status_code, reply.json()["code"]) == (400, 3000)
    assert reason in reply.json()["description"]


async def test_no_file_is_refused(market: Market) -> None:
    reply = await market.post(IMPORT, {"files": []}, account="operator")
    assert (reply.status_code, reply.json()["code"]) == (400, 800002)
