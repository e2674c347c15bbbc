"""The catalogue on both engines: imports all or nothing, what readers see, offers, stock."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.catalog_files import APP, HARBOR, PARTNER, TENANT, changed
from tests.customers_factory import context

from comptoir.audit import service as audit
from comptoir.catalog import service, service_import, store
from comptoir.catalog.model import (
    Availability,
    BillingCycle,
    FileError,
    Fulfillment,
    ImportSummary,
    InventoryResult,
    InventoryTarget,
    MeterPrice,
    Offer,
    Publisher,
    RestrictionReason,
    SeatReduction,
    Segment,
    Selection,
)
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import Ids
from comptoir.core.money import Rate
from comptoir.db import Database, Tx, sql

pytestmark = pytest.mark.anyio

CTX = context()
ALL = frozenset(Segment)
US = Selection("US", ALL)
LIMITED = changed("trial: P1M", "stock: 10\n        trial: P1M")
# Tests look at whole tables.
COUNTS = sql("""
    SELECT (SELECT COUNT(*) FROM publishers) AS publishers, (SELECT COUNT(*) FROM products) AS products,
        (SELECT COUNT(*) FROM skus) AS skus, (SELECT COUNT(*) FROM availabilities) AS availabilities,
        (SELECT COUNT(*) FROM sku_partners) AS partners
""")
CURRENT = sql("SELECT id, is_current, replaced_at FROM availabilities ORDER BY id{c}")


def at(days: int, seed: int | None = None) -> Context:
    """The test's context, some days later."""
    ids = CTX.ids if seed is None else Ids(seed)
    return replace(CTX, now=CTX.now + timedelta(days=days), ids=ids)


async def imported(database: Database, *texts: str, ctx: Context = CTX) -> ImportSummary:
    files = [(f"{number}.yaml", text) for number, text in enumerate(texts, 1)]
    return await database.write(lambda tx: service_import.import_files(tx, ctx, files))


async def products(database: Database, selection: Selection = US, ctx: Context = CTX) -> list[str]:
    found = await database.read(lambda tx: service.products(tx, ctx, selection, selection.segments))
    return [product.offer_id for product in found]


async def availabilities(
    database: Database, offer_id: str, sku_id: str = "0001", selection: Selection = US
) -> list[Availability]:
    async def work(tx: Tx) -> list[Availability]:
        found = await service.products(tx, CTX, selection, selection.segments)
        product_id = next(product.id for product in found if product.offer_id == offer_id)
        return (await service.availabilities(tx, selection, selection.segments, product_id, sku_id))[2]

    return await database.read(work)


async def offers(database: Database, ids: Sequence[str]) -> dict[str, Offer]:
    return await database.read(lambda tx: service.offers(tx, ids))


async def refusal(work: object) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await work  # type: ignore[misc] # any awaitable
    return refused.value


# Imports


async def test_an_import_fills_an_empty_catalogue(database: Database) -> None:
    assert await database.read(service.version) == 0
    summary = await imported(database, HARBOR)
    assert summary == ImportSummary(
        catalogue_version=1, publishers_added=1, products_added=2, skus_added=4, availabilities_issued=9
    )
    assert await database.read(service.version) == 1
    assert await products(database) == ["desk", "harbor"]


async def test_a_repeat_changes_nothing(database: Database) -> None:
    await imported(database, HARBOR)
    before = await database.read(lambda tx: tx.all(CURRENT))
    assert await imported(database, HARBOR, ctx=at(1)) == ImportSummary(1)
    assert await database.read(lambda tx: tx.all(CURRENT)) == before
    entries = await database.read(lambda tx: audit.read(tx, CTX.account.id, 0, 10))
    assert [(one.entry.action, one.entry.subject_id) for one in entries] == [("import_catalogue", "1")]


async def test_a_fault_leaves_everything_as_it_was(database: Database) -> None:
    await imported(database, HARBOR)
    before = await database.read(lambda tx: tx.one(COUNTS))
    broken = changed("EUR: 7.40", "EUR: cheap", changed("id: extra", "id: more"))
    refused = await refusal(imported(database, broken, ctx=at(1)))
    assert refused.code is Code.CATALOGUE_FILE_INVALID
    assert refused.facts["errors"] == (
        FileError("1.yaml", 28, "the plan extra was published: keep it, with stopSell: true"),
        FileError("1.yaml", 35, "offers[1].plans[0].terms[0].price.EUR: must be a number, not cheap"),
    )
    assert refused.description == (
        "The catalogue has 2 errors. The first: "
        "1.yaml, line 28: the plan extra was published: keep it, with stopSell: true"
    )
    assert await database.read(lambda tx: tx.one(COUNTS)) == before
    assert await database.read(service.version) == 1


async def test_checking_against_the_stored_catalogue(database: Database) -> None:
    await imported(database, HARBOR)
    frozen = [("x.yaml", changed("        trial: P1M\n", ""))]
    found = await database.read(lambda tx: service_import.check_against(tx, frozen))
    assert found == [FileError("x.yaml", 29, "the free trial was published and cannot be removed")]
    assert service_import.check_files(frozen) == []


async def test_an_add_on_to_a_plan_that_is_stored_already(database: Database) -> None:
    await imported(database, HARBOR)
    other = HARBOR.replace(TENANT, TENANT.replace("5", "6")).replace("id: northbeam", "id: southbeam")
    other = other.replace("addOnTo: [team]", "addOnTo: [northbeam/desk/team]")
    files = [("x.yaml", other)]
    assert [error.reason for error in service_import.check_files(files)] == [
        "the plan northbeam/desk/team is not known"
    ]
    assert await database.read(lambda tx: service_import.check_against(tx, files)) == []
    assert (await imported(database, other)).products_added == 2
    chained = other.replace("id: desk", "id: desk2").replace("northbeam/desk/team", "northbeam/desk/extra")
    found = await database.read(lambda tx: service_import.check_against(tx, [("x.yaml", chained)]))
    assert "the plan northbeam/desk/extra is an add-on itself" in [error.reason for error in found]


async def test_a_changed_price_issues_a_new_id_and_keeps_the_old(database: Database) -> None:
    await imported(database, HARBOR)
    (old,) = await availabilities(database, "desk")
    summary = await imported(database, changed("{USD: 8,", "{USD: 9,"), ctx=at(1))
    assert summary == ImportSummary(2, availabilities_replaced=1)
    (new,) = await availabilities(database, "desk")
    assert new.id != old.id
    assert (new.terms[0].price, new.replaced_at) == (Rate(Decimal(9), "USD"), None)
    found = await offers(database, [old.catalog_item_id, new.catalog_item_id])
    assert found[old.catalog_item_id].replaced_at == CTX.now + timedelta(days=1)
    assert found[old.catalog_item_id].terms[0].price == Rate(Decimal(8), "USD")
    assert found[new.catalog_item_id].replaced_at is None


async def test_texts_change_without_new_ids(database: Database) -> None:
    await imported(database, HARBOR)
    before = await database.read(lambda tx: tx.all(CURRENT))
    text = changed("name: Northbeam Labs", "name: Northbeam")
    text = changed("fr-FR: Équipe", "fr-FR: Équipage", text)
    text = changed("name: Desk", "name: Bureau", text)
    summary = await imported(database, text)
    assert summary == ImportSummary(2, publishers_changed=1, products_changed=1, skus_changed=2)
    assert await database.read(lambda tx: tx.all(CURRENT)) == before
    found = await database.read(lambda tx: service.products(tx, CTX, US, ALL))
    assert [(one.details.title["en-US"], one.publisher_name) for one in found] == [
        ("Bureau", "Northbeam"),
        ("Harbor Insights", "Northbeam"),
    ]


async def test_partners_of_an_exclusive_plan_are_replaced(database: Database) -> None:
    exclusive = changed("trial: P1M", f"exclusiveTo: [{PARTNER}, {TENANT}]\n        trial: P1M")
    await imported(database, exclusive)
    assert (await database.read(lambda tx: tx.one(COUNTS)) or {})["partners"] == 4
    await imported(database, exclusive.replace(f", {TENANT}]", "]"))
    assert (await database.read(lambda tx: tx.one(COUNTS)) or {})["partners"] == 2
    await imported(database, HARBOR)
    assert (await database.read(lambda tx: tx.one(COUNTS)) or {})["partners"] == 0


async def test_the_same_seed_gives_the_same_ids(database: Database) -> None:
    await imported(database, HARBOR, ctx=at(0, seed=4))
    (found,) = await availabilities(database, "desk")
    expected = Ids(4)
    assert found.product_id == [expected.catalogue_id("DZH318Z0") for _ in range(2)][1]


async def test_simultaneous_imports_follow_one_another(database: Database) -> None:
    summaries = await asyncio.gather(*(imported(database, HARBOR) for _ in range(4)))
    assert sorted(summary.products_added for summary in summaries) == [0, 0, 0, 2]
    assert await database.read(service.version) == 1


async def test_publishers_by_id(database: Database) -> None:
    other = HARBOR.replace(TENANT, TENANT.upper().replace("5", "6")).replace("id: northbeam", "id: anchor")
    other = other.replace("addOnTo: [team]", "addOnTo: [desk/team]")
    contact = "name: Northbeam Labs\n  support: {email: help@northbeam.example}"
    await imported(database, changed("name: Northbeam Labs", contact), other)
    found = await database.read(service.publishers)
    assert [publisher.id for publisher in found] == ["anchor", "northbeam"]
    assert found[0] == Publisher("anchor", "Northbeam Labs", TENANT.replace("5", "6"), APP)
    assert found[1].support is not None
    assert found[1].support.email == "help@northbeam.example"


# Readers


async def test_a_market_sees_what_is_sold_there(database: Database) -> None:
    await imported(database, HARBOR)
    assert await products(database, Selection("JP", ALL)) == ["desk"]
    assert await products(database, Selection("BR", ALL)) == []
    assert await products(database, Selection("US", frozenset({Segment.EDUCATION}))) == []
    product = (await database.read(lambda tx: service.products(tx, CTX, US, ALL)))[0]
    _, skus = await database.read(lambda tx: service.skus(tx, US, ALL, product.id.lower()))
    assert [(sku.id, sku.plan_id, sku.is_trial) for sku in skus] == [
        ("0001", "team", False),
        ("0002", "team", True),
        ("0003", "extra", False),
    ]
    _, skus = await database.read(lambda tx: service.skus(tx, Selection("JP", ALL), ALL, product.id))
    assert [sku.id for sku in skus] == ["0001", "0002"]
    _, skus = await database.read(lambda tx: service.skus(tx, US, frozenset(), product.id))
    assert skus == []


async def test_only_a_buyer_misses_what_it_cannot_buy(database: Database) -> None:
    text = changed("pricingModel: flatRate", f"pricingModel: flatRate\n    csp: [{PARTNER}]")
    text = changed("trial: P1M", "stopSell: true\n        trial: P1M", text)
    await imported(database, text)
    assert await products(database) == ["desk", "harbor"]
    assert await products(database, Selection("US", ALL, buyer=PARTNER)) == ["desk", "harbor"]
    assert await products(database, Selection("US", ALL, buyer="somebody")) == ["desk"]
    assert await products(database, Selection("JP", ALL, buyer=PARTNER)) == []
    product = (await database.read(lambda tx: service.products(tx, CTX, US, ALL)))[0]
    buyer = Selection("US", ALL, buyer="somebody")
    _, skus = await database.read(lambda tx: service.skus(tx, buyer, ALL, product.id))
    assert [sku.plan_id for sku in skus] == ["extra"]
    refused = await refusal(database.read(lambda tx: service.sku(tx, buyer, product.id, "0001")))
    assert refused.code is Code.SKU_NOT_FOUND


@pytest.mark.parametrize(
    ("product_id", "sku_id", "availability_id", "code"),
    [
        ("DZH318Z0ZZZZ", "0001", "A", Code.PRODUCT_NOT_FOUND),
        ("a\x00b", "0001", "A", Code.PRODUCT_NOT_FOUND),
        ("", "0009", "A", Code.SKU_NOT_FOUND),
        ("", "' OR 1=1 --", "A", Code.SKU_NOT_FOUND),
        ("", "0001", "ZZZZZZZZZZZZ", Code.AVAILABILITY_NOT_FOUND),
        ("", "0001", "\ud800", Code.AVAILABILITY_NOT_FOUND),
    ],
)
async def test_what_is_not_there(
    database: Database, product_id: str, sku_id: str, availability_id: str, code: Code
) -> None:
    await imported(database, HARBOR)
    known = (await availabilities(database, "desk"))[0].product_id
    item = (product_id or known, sku_id, availability_id)
    refused = await refusal(database.read(lambda tx: service.availability(tx, CTX, US, item)))
    assert refused.code is code


async def test_an_availability_of_another_country_is_not_there(database: Database) -> None:
    await imported(database, HARBOR)
    (japanese,) = await availabilities(database, "desk", selection=Selection("JP", ALL))
    item = (japanese.product_id, japanese.sku_id, japanese.id)
    found = await database.read(lambda tx: service.availability(tx, CTX, Selection("JP", ALL), item))
    assert found.availability == japanese
    refused = await refusal(database.read(lambda tx: service.availability(tx, CTX, US, item)))
    assert refused.code is Code.AVAILABILITY_NOT_FOUND


async def test_a_replaced_availability_is_read_until_its_grace_is_over(database: Database) -> None:
    await imported(database, HARBOR)
    (old,) = await availabilities(database, "desk")
    await imported(database, changed("{USD: 8,", "{USD: 9,"))
    item = (old.product_id, old.sku_id, old.id)
    almost = replace(CTX, now=CTX.now + timedelta(days=1) - timedelta(microseconds=1))
    found = await database.read(lambda tx: service.availability(tx, almost, US, item))
    assert found.availability.replaced_at == CTX.now
    refused = await refusal(database.read(lambda tx: service.availability(tx, at(1), US, item)))
    assert refused.code is Code.AVAILABILITY_NOT_FOUND


# Offers


async def test_an_offer_holds_all_that_a_purchase_needs(database: Database) -> None:
    text = changed("trial: P1M", f"trial: P1M\n        ownershipLimit: 3\n        exclusiveTo: [{PARTNER}]")
    text = changed("payment: upfront, price", "payment: upfront, refundWindow: P30D, price", text)
    text = changed("minimumParentSeats: 5", "minimumParentSeats: 5\n        attestation: Consent", text)
    await imported(database, text)
    team = (await availabilities(database, "desk"))[0]
    trial = (await availabilities(database, "desk", "0002"))[0]
    extra = (await availabilities(database, "desk", "0003"))[0]
    pro = (await availabilities(database, "harbor"))[0]
    found = await offers(database, [one.catalog_item_id for one in (team, trial, extra, pro)])
    offer = found[team.catalog_item_id]
    assert (offer.product_title, offer.sku_title, offer.publisher_name) == ("Desk", "Team", "Northbeam Labs")
    assert (offer.country, offer.currency, offer.segment) == ("US", "USD", Segment.COMMERCIAL)
    assert (offer.minimum_quantity, offer.maximum_quantity, offer.is_per_seat) == (2, 50, True)
    assert (offer.is_trial, offer.is_add_on, offer.requires_attestation) == (False, False, False)
    assert offer.supported_billing_cycles == (BillingCycle.MONTHLY, BillingCycle.ONE_TIME)
    assert [term.price.amount for term in offer.terms] == [Decimal(8), Decimal("7.20"), Decimal(200)]
    assert [str(term.refund_window) for term in offer.terms] == ["None", "None", "P30D"]
    assert (offer.ownership_limit, offer.exclusive_to) == (3, frozenset({PARTNER}))
    assert (offer.landing_page_url, offer.unit_type) == ("https://app.northbeam.example/desk", "License(s)")
    offer = found[trial.catalog_item_id]
    assert (offer.is_trial, offer.renews_to_sku) == (True, f"{team.product_id}:0001")
    offer = found[extra.catalog_item_id]
    assert (offer.is_add_on, offer.parent_skus) == (True, (f"{team.product_id}:0001",))
    assert (offer.minimum_parent_quantity, offer.requires_attestation) == (5, True)
    offer = found[pro.catalog_item_id]
    assert (offer.is_per_seat, offer.metered_only, offer.minimum_quantity) == (False, False, 1)
    assert pro.meters == (MeterPrice("scans", Rate(Decimal("0.6"), "USD")),)


async def test_an_offer_says_who_completes_it_and_when_seats_go(database: Database) -> None:
    text = changed("trial: P1M", "trial: P1M\n        seatReduction: window_only")
    text = changed("pricingModel: perUser", "pricingModel: perUser\n    fulfillment: auto", text)
    await imported(database, text)
    items = {
        sku: (await availabilities(database, "desk", sku))[0].catalog_item_id
        for sku in ("0001", "0002", "0003")
    }
    found = await offers(database, list(items.values()))
    assert {found[item].fulfillment for item in items.values()} == {Fulfillment.AUTO}
    policies = [found[item].seat_reduction for item in items.values()]
    assert policies == [SeatReduction.WINDOW_ONLY, SeatReduction.WINDOW_ONLY, SeatReduction.PRORATED_ANYTIME]


async def test_what_follows_many_items_is_found_at_once(database: Database) -> None:
    await imported(database, HARBOR)
    team, trial, extra = [
        (await availabilities(database, "desk", sku))[0].catalog_item_id for sku in ("0001", "0002", "0003")
    ]
    pro = (await availabilities(database, "harbor"))[0].catalog_item_id
    text = changed("{USD: 8,", "{USD: 9,")
    text = changed("markets: {US: USD}", "markets: {US: USD}\n        stopSell: true", text)
    text = changed("markets: {US: USD, FR: EUR}", "markets: {FR: EUR}", text)
    await imported(database, text)
    current = (await availabilities(database, "desk"))[0].catalog_item_id
    items = [team, trial, extra, pro, "no item", "DZH318Z00000:0001:AAAAAAAAAAAA"]
    found = await database.read(lambda tx: service.successors(tx, items))
    assert {item: offer.catalog_item_id for item, offer in found.items()} == {team: current, trial: current}
    assert current != team
    assert found[team].terms[0].price.amount == Decimal(9)
    one = await database.read(lambda tx: service.successor(tx, found[team]))
    assert one == found[team]


async def test_a_plan_in_another_currency_follows_nothing(database: Database) -> None:
    await imported(database, HARBOR)
    old = (await availabilities(database, "desk"))[0].catalog_item_id
    text = changed("markets: {US: USD, FR: EUR, JP: JPY}", "markets: {US: EUR, FR: EUR, JP: JPY}")
    await imported(database, text)
    assert await database.read(lambda tx: service.successors(tx, [old])) == {}


async def test_a_plan_without_base_price_is_metered_only(database: Database) -> None:
    text = changed("price: {USD: 90, EUR: 85.50}", "price: {USD: 0, EUR: 0.00}")
    text = changed("price: {USD: 900, EUR: 850}", "price: {USD: 0, EUR: 0}", text)
    await imported(database, text)
    (pro,) = await availabilities(database, "harbor")
    assert (await offers(database, [pro.catalog_item_id]))[pro.catalog_item_id].metered_only


async def test_offers_are_keyed_by_the_id_as_asked(database: Database) -> None:
    await imported(database, HARBOR)
    (team,) = await availabilities(database, "desk")
    lower = team.catalog_item_id.lower()
    malformed = [
        team.catalog_item_id + ":1",
        "",
        "a:b:c",
        f"{team.product_id}:0001:ZZZZZZZZZZZZ",
        "\x00:\ud800:'",
    ]
    found = await offers(database, [lower, team.catalog_item_id, *malformed])
    assert found.keys() == {lower, team.catalog_item_id}
    assert found[lower] == found[team.catalog_item_id]
    assert await offers(database, []) == {}


async def test_many_offers_are_found_in_few_statements(database: Database) -> None:
    plans = "\n".join(
        f"      - {{id: plan{number}, name: Plan, markets: {{US: USD}}, "
        f"terms: [{{termUnit: P1M, payment: P1M, price: {{USD: {number}}}}}]}}"
        for number in range(70)
    )
    await imported(database, f"{HARBOR}{plans}\n")
    ids = [
        (await availabilities(database, "desk", f"{number:04d}"))[0].catalog_item_id
        for number in range(1, 74)
    ]
    assert list(await offers(database, ids)) == ids
    assert list(await offers(database, ids[:5])) == ids[:5]


async def test_the_current_terms_of_an_offer(database: Database) -> None:
    await imported(database, HARBOR)
    (team,) = await availabilities(database, "desk")
    offer = (await offers(database, [team.catalog_item_id]))[team.catalog_item_id]
    await imported(database, changed("{USD: 8,", "{USD: 9,"))
    terms = await database.read(lambda tx: service.current_terms(tx, offer))
    assert [term.price.amount for term in terms] == [Decimal(9), Decimal("7.20"), Decimal(200)]
    await imported(database, changed("{US: USD, FR: EUR, JP: JPY}", "{FR: EUR, JP: JPY}"))
    assert await database.read(lambda tx: service.current_terms(tx, offer)) == ()


# Stock


async def _team(database: Database) -> Availability:
    return (await availabilities(database, "desk"))[0]


async def taken(database: Database) -> int:
    item = (await _team(database)).catalog_item_id
    return (await offers(database, [item]))[item].stock_taken


async def test_stock_is_taken_and_given_back(database: Database) -> None:
    await imported(database, LIMITED)
    product_id = (await _team(database)).product_id

    async def take(quantity: int) -> bool:
        return await database.write(lambda tx: service.take_stock(tx, product_id, "0001", quantity))

    assert await take(7)
    assert not await take(4)
    assert await taken(database) == 7
    assert await take(3)
    assert not await take(1)
    await database.write(lambda tx: service.release_stock(tx, product_id, "0001", 4))
    assert await taken(database) == 6
    await database.write(lambda tx: service.release_stock(tx, product_id, "0001", 40))
    assert await taken(database) == 6


async def test_a_sku_without_a_limit_always_has_enough(database: Database) -> None:
    await imported(database, HARBOR)
    product_id = (await _team(database)).product_id
    assert await database.write(lambda tx: service.take_stock(tx, product_id, "0001", 10**9))
    await database.write(lambda tx: service.release_stock(tx, product_id, "0001", 10**9))
    assert await taken(database) == 0


async def test_what_was_taken_outlives_an_import(database: Database) -> None:
    await imported(database, LIMITED)
    product_id = (await _team(database)).product_id
    await database.write(lambda tx: service.take_stock(tx, product_id, "0001", 7))
    await imported(database, LIMITED.replace("stock: 10", "stock: 8"))
    item = (await _team(database)).catalog_item_id
    offer = (await offers(database, [item]))[item]
    assert (offer.stock_limit, offer.stock_taken, offer.stock_left) == (8, 7, 1)


async def test_many_buyers_never_take_more_than_there_is(database: Database) -> None:
    await imported(database, LIMITED)
    product_id = (await _team(database)).product_id
    attempts = (database.write(lambda tx: service.take_stock(tx, product_id, "0001", 3)) for _ in range(12))
    assert sorted(await asyncio.gather(*attempts)) == [False] * 9 + [True] * 3
    assert await taken(database) == 9


# Inventory


async def test_inventory_check(database: Database) -> None:
    text = changed("minimumParentSeats: 5", "minimumParentSeats: 5\n        stopSell: true", LIMITED)
    await imported(database, text)
    desk, harbor = (
        (await _team(database)).product_id,
        (await availabilities(database, "harbor"))[0].product_id,
    )
    not_there = RestrictionReason.NOT_AVAILABLE_IN_COUNTRY

    async def check(country: str, *targets: InventoryTarget) -> list[InventoryResult]:
        return await database.read(lambda tx: service.check_inventory(tx, country, targets))

    assert await check("US", InventoryTarget(desk, None)) == [
        InventoryResult(desk, "0001", None, 10),
        InventoryResult(desk, "0002", None),
        InventoryResult(desk, "0003", not_there),
    ]
    assert await check("JP", InventoryTarget(harbor.lower(), None), InventoryTarget(desk, "0001")) == [
        InventoryResult(harbor, "0001", not_there),
        InventoryResult(desk, "0001", None, 10),
    ]
    assert await check("US", InventoryTarget("NOSUCH", None), InventoryTarget(desk, "0099")) == []
    assert await check("US") == []
    await database.write(lambda tx: service.take_stock(tx, desk, "0001", 9))
    short = InventoryResult(desk, "0001", RestrictionReason.INVENTORY_NOT_AVAILABLE, 1)
    assert await check("US", InventoryTarget(desk, "0001")) == [short]


async def test_prices_survive_storage_exactly(database: Database) -> None:
    await imported(database, changed("USD: 0.6,", "USD: 0.1234567891,"))
    (pro,) = await availabilities(database, "harbor")
    assert pro.meters[0].price.amount == Decimal("0.1234567891")
    assert pro.terms[0].included == {"scans": 20}
    parts = tuple(pro.catalog_item_id.split(":"))
    assert (
        await database.read(lambda tx: store.find_availability(tx, "US", (parts[0], parts[1], parts[2])))
        == pro
    )
