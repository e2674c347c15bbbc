"""What a reader may ask for and sees, what restricts a SKU, and texts in the reader's language."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from comptoir.catalog import rules
from comptoir.catalog.model import (
    Availability,
    BillingCycle,
    ImportSummary,
    InventoryResult,
    InventoryTarget,
    Offer,
    PricingModel,
    Product,
    ProductDetails,
    RestrictionReason,
    Segment,
    Selection,
    StockedSku,
    Term,
    Texts,
)
from comptoir.catalog.texts import describe_duration, describe_included, describe_term, in_locale
from comptoir.core.accounts import AccountSettings
from comptoir.core.errors import Code, Refusal
from comptoir.core.money import Rate
from comptoir.core.terms import Duration

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DAY = 86_400


@pytest.mark.parametrize(
    ("qualification", "expected"),
    [
        ("none", {Segment.COMMERCIAL}),
        ("education", {Segment.COMMERCIAL, Segment.EDUCATION}),
        ("nonprofit", {Segment.COMMERCIAL, Segment.NONPROFIT}),
        ("government_community_cloud", {Segment.COMMERCIAL, Segment.GOVERNMENT}),
        ("state_owned_entity", {Segment.COMMERCIAL}),
    ],
)
def test_segments_of_a_qualification(qualification: str, expected: set[Segment]) -> None:
    assert rules.segments_for(qualification) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, {Segment.COMMERCIAL, Segment.EDUCATION, Segment.GOVERNMENT}),
        ("commercial", {Segment.COMMERCIAL}),
        ("Education", {Segment.EDUCATION}),
        ("GOVERNMENT", {Segment.GOVERNMENT}),
        ("nonProfit", {Segment.NONPROFIT}),
    ],
)
def test_target_segment(text: str | None, expected: set[Segment]) -> None:
    assert rules.segments_asked(text) == expected


@pytest.mark.parametrize("text", ["consumer", "non_profit", "commercial,education", " "])
def test_unknown_target_segment(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        rules.segments_asked(text)
    assert refused.value.code is Code.SEGMENT_NOT_ALLOWED


EMPTY_VIEWS = """
    Azure AzureReservations AzureReservationsVM AzureReservationsSQL AzureReservationsCosmosDb MicrosoftAzure
    Software SoftwareSUSELinux SoftwarePerpetual SoftwareSubscriptions SpecializedOffers azure
"""
VIEWS = {
    **dict.fromkeys(EMPTY_VIEWS.split(), False),
    **dict.fromkeys(("OnlineServices", "MarketplaceSaaS", "ONLINESERVICES", "marketplacesaas"), True),
}


@pytest.mark.parametrize(("view", "expected"), VIEWS.items())
def test_target_view(view: str, expected: bool) -> None:
    assert rules.lists_saas(view) is expected


@pytest.mark.parametrize(
    ("view", "code"), [(None, Code.CATALOGUE_INPUT_INVALID), ("SaaS", Code.VIEW_NOT_ALLOWED)]
)
def test_missing_or_unknown_target_view(view: str | None, code: Code) -> None:
    with pytest.raises(Refusal) as refused:
        rules.lists_saas(view)
    assert refused.value.code is code


@pytest.mark.parametrize(("text", "expected"), [("US", "US"), ("fr", "FR"), ("zZ", "ZZ")])
def test_country(text: str, expected: str) -> None:
    assert rules.country_asked(text) == expected


@pytest.mark.parametrize("text", [None, "", "U", "USA", "U1", "ÜS", "U\n", "US\n"])
def test_missing_or_malformed_country(text: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        rules.country_asked(text)
    assert refused.value.code is Code.CATALOGUE_INPUT_INVALID
    assert refused.value.facts["member"] == "country"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DZH318Z0TFD8:0002:DZH318Z0J9QA", ("DZH318Z0TFD8", "0002", "DZH318Z0J9QA")),
        (" dzh318z0tfd8:000s:dzh318z0j9qa ", ("DZH318Z0TFD8", "000S", "DZH318Z0J9QA")),
        ("DZH318Z0TFD8:0002", None),
        ("DZH318Z0TFD8:0002:DZH318Z0J9QA:1", None),
        ("DZH318Z0TFD8::DZH318Z0J9QA", None),
        ("DZH318Z0TFD8:0002:DZH318Z0J9QA0", None),
        ("a'b:0002:DZH318Z0J9QA", None),
        ("a\x00b:0002:DZH318Z0J9QA", None),
        ("ß:0002:DZH318Z0J9QA", ("SS", "0002", "DZH318Z0J9QA")),
        ("", None),
    ],
)
def test_catalog_item_ids(text: str, expected: tuple[str, str, str] | None) -> None:
    assert rules.parse_catalog_item_id(text) == expected


def _product(product_id: str, title: Texts) -> Product:
    details = ProductDetails(
        title, title, title, PricingModel.FLAT_RATE, "https://a.example", "https://b.example"
    )
    return Product(product_id, "northbeam", "Northbeam", product_id.lower(), details)


def test_products_are_ordered_by_the_title_that_is_seen() -> None:
    products = [
        _product("C", {"en-US": "Beacon", "fr-FR": "Zinc"}),
        _product("B", {"en-US": "Anchor", "fr-FR": "Phare"}),
        _product("A", {"en-US": "Beacon", "fr-FR": "Ancre"}),
    ]
    assert [product.id for product in rules.by_title(products, "en-US")] == ["B", "A", "C"]
    assert [product.id for product in rules.by_title(products, "fr-FR")] == ["A", "B", "C"]


def _availability(
    segment: Segment, availability_id: str, replaced_at: datetime | None = None
) -> Availability:
    return Availability("P", "0001", availability_id, "US", segment, "USD", replaced_at, ())


def test_availabilities_are_ordered_by_segment_and_id() -> None:
    given = [
        _availability(Segment.NONPROFIT, "A"),
        _availability(Segment.COMMERCIAL, "C"),
        _availability(Segment.COMMERCIAL, "B"),
    ]
    assert [availability.id for availability in rules.by_segment(given)] == ["B", "C", "A"]


@pytest.mark.parametrize(
    ("replaced_at", "expected"),
    [
        (None, True),
        (NOW, True),
        (NOW - timedelta(seconds=DAY) + timedelta(microseconds=1), True),
        (NOW - timedelta(seconds=DAY), False),
        (NOW + timedelta(days=3), True),
    ],
)
def test_a_replaced_availability_is_shown_until_its_grace_ends(
    replaced_at: datetime | None, expected: bool
) -> None:
    selection = Selection("US", frozenset({Segment.COMMERCIAL}))
    availability = _availability(Segment.COMMERCIAL, "A", replaced_at)
    assert rules.is_shown(availability, selection, NOW, DAY) is expected


def test_an_availability_of_a_segment_that_is_not_the_readers_is_not_shown() -> None:
    selection = Selection("US", frozenset({Segment.COMMERCIAL}))
    assert not rules.is_shown(_availability(Segment.EDUCATION, "A"), selection, NOW, DAY)


SOLD = StockedSku("P", "0001", True, False, 1, None, 0)
NOT_THERE = RestrictionReason.NOT_AVAILABLE_IN_COUNTRY
TOO_LITTLE = RestrictionReason.INVENTORY_NOT_AVAILABLE


@pytest.mark.parametrize(
    ("sku", "reason", "remaining"),
    [
        (SOLD, None, None),
        (replace(SOLD, is_sold_in_country=False), NOT_THERE, None),
        (replace(SOLD, is_stop_sold=True), NOT_THERE, None),
        (replace(SOLD, stock_limit=5, stock_taken=4), None, 1),
        (replace(SOLD, stock_limit=5, stock_taken=5), TOO_LITTLE, 0),
        (replace(SOLD, stock_limit=5, stock_taken=9), TOO_LITTLE, 0),
        (replace(SOLD, stock_limit=5, stock_taken=0, minimum_quantity=6), TOO_LITTLE, 5),
        (replace(SOLD, stock_limit=5, is_stop_sold=True), NOT_THERE, 5),
    ],
)
def test_inventory(sku: StockedSku, reason: RestrictionReason | None, remaining: int | None) -> None:
    assert rules.judge_inventory(sku) == InventoryResult("P", "0001", reason, remaining)


def test_inventory_targets_are_answered_once_and_in_their_order() -> None:
    stocked = [SOLD, replace(SOLD, id="0002"), replace(SOLD, product_id="Q")]
    targets = [
        InventoryTarget("q", None),
        InventoryTarget("P", "0002"),
        InventoryTarget("P", "0009"),
        InventoryTarget("no such\x00", None),
        InventoryTarget("p", None),
        InventoryTarget("q", None),
    ]
    assert rules.product_keys(targets) == ["Q", "P", "P", "P", "Q"]
    found = [(result.product_id, result.sku_id) for result in rules.judge_targets(targets, stocked)]
    assert found == [("Q", "0001"), ("P", "0002"), ("P", "0001")]


# Texts


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en-US", "Harbour"),
        ("fr-FR", "Port"),
        ("fr-fr", "Port"),
        ("fr-CA", "Port"),
        ("fr", "Port"),
        ("en-GB", "Harbour"),
        ("de-DE", "Harbour"),
        ("", "Harbour"),
        ("nonsense", "Harbour"),
    ],
)
def test_locale(locale: str, expected: str) -> None:
    assert in_locale({"en-US": "Harbour", "fr-FR": "Port"}, locale) == expected


@pytest.mark.parametrize(
    ("duration", "english", "french"),
    [
        ("P1M", "One month", "Un mois"),
        ("P6M", "6 months", "6 mois"),
        ("P1Y", "One year", "Un an"),
        ("P3Y", "Three years", "Trois ans"),
        ("P14D", "14 days", "14 jours"),
    ],
)
def test_durations_in_words(duration: str, english: str, french: str) -> None:
    assert describe_duration(Duration.parse(duration)) == english
    assert describe_duration(Duration.parse(duration), "fr-FR") == french


@pytest.mark.parametrize(
    ("duration", "cycle", "english", "french"),
    [
        ("P1M", BillingCycle.MONTHLY, "One month, billed monthly", "Un mois, facturation mensuelle"),
        ("P1Y", BillingCycle.ANNUAL, "One year, billed annually", "Un an, facturation annuelle"),
        ("P3Y", BillingCycle.ONE_TIME, "Three years, paid upfront", "Trois ans, paiement d’avance"),
        ("P1M", BillingCycle.NONE, "One month, free trial", "Un mois, essai gratuit"),
        ("P1M", BillingCycle.UNKNOWN, "One month", "Un mois"),
    ],
)
def test_terms_in_words(duration: str, cycle: BillingCycle, english: str, french: str) -> None:
    assert describe_term(Duration.parse(duration), cycle) == english
    assert describe_term(Duration.parse(duration), cycle, "fr-FR") == french


def test_included_quantities_in_words() -> None:
    assert describe_included(20, "Scans", "per 100", "One year") == "Scans (per 100): 20 per term (One year)"
    assert describe_included(None, "Scans", "per 100", "One year").endswith("unlimited per term (One year)")
    french = describe_included(None, "Numérisations", "par 100", "Un an", "fr-FR")
    assert french == "Numérisations (par 100) : illimité par période (Un an)"


# The offer that a purchase works with


OFFER = Offer(
    product_id="DZH318Z0TFD8",
    sku_id="0002",
    availability_id="DZH318Z0J9QA",
    publisher_id="northbeam",
    publisher_name="Northbeam Labs",
    product_title="Desk",
    sku_title="Team",
    country="US",
    segment=Segment.COMMERCIAL,
    currency="USD",
    minimum_quantity=1,
    maximum_quantity=50,
    is_trial=False,
    is_add_on=False,
    parent_skus=(),
    is_per_seat=True,
    unit_type="License(s)",
    terms=(),
    supported_billing_cycles=(BillingCycle.MONTHLY,),
    replaced_at=None,
    is_stop_sold=False,
    exclusive_to=None,
    ownership_limit=None,
    stock_limit=None,
    stock_taken=0,
    requires_attestation=False,
    minimum_parent_quantity=None,
    landing_page_url="https://app.northbeam.example",
    renews_to_sku=None,
    metered_only=False,
)


def test_an_offers_keys() -> None:
    assert OFFER.catalog_item_id == "DZH318Z0TFD8:0002:DZH318Z0J9QA"
    assert OFFER.sku_key == "DZH318Z0TFD8:0002"


@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        (OFFER, True),
        (replace(OFFER, is_stop_sold=True), False),
        (replace(OFFER, exclusive_to=frozenset({"us"})), True),
        (replace(OFFER, exclusive_to=frozenset({"them"})), False),
        (replace(OFFER, exclusive_to=frozenset()), False),
        (replace(OFFER, exclusive_to=frozenset({"us"}), is_stop_sold=True), False),
    ],
)
def test_who_can_purchase(offer: Offer, expected: bool) -> None:
    assert offer.purchasable_by("us") is expected


@pytest.mark.parametrize(("limit", "taken", "left"), [(None, 5, None), (5, 0, 5), (5, 5, 0), (5, 7, 0)])
def test_stock_left(limit: int | None, taken: int, left: int | None) -> None:
    assert replace(OFFER, stock_limit=limit, stock_taken=taken).stock_left == left


def test_a_replaced_offer_lapses_at_the_end_of_its_grace() -> None:
    offer = replace(OFFER, replaced_at=NOW)
    assert not OFFER.has_lapsed(NOW, 0)
    assert not offer.has_lapsed(NOW + timedelta(seconds=DAY - 1), DAY)
    assert offer.has_lapsed(NOW + timedelta(seconds=DAY), DAY)
    assert offer.has_lapsed(NOW, 0)


@pytest.mark.parametrize(
    ("duration", "cycle", "periods"),
    [
        ("P1M", BillingCycle.NONE, 1),
        ("P1M", BillingCycle.ANNUAL, 1),
        ("P14D", BillingCycle.MONTHLY, 1),
        ("P1Y", BillingCycle.MONTHLY, 12),
        ("P3Y", BillingCycle.TRIENNIAL, 1),
        ("P2Y", BillingCycle.BIENNIAL, 1),
        ("P3Y", BillingCycle.ONE_TIME, 1),
    ],
)
def test_billing_periods(duration: str, cycle: BillingCycle, periods: int) -> None:
    term = Term("t", Duration.parse(duration), cycle, Rate(Decimal(1), "USD"), "")
    assert term.billing_periods() == periods


MONTHLY = Term(
    id="t",
    duration=Duration.parse("P1M"),
    billing_cycle=BillingCycle.MONTHLY,
    price=Rate(Decimal(1), "USD"),
    description="",
)
YEARLY = replace(MONTHLY, duration=Duration.parse("P1Y"))
OWN = replace(MONTHLY, refund_window=Duration.parse("P7D"))
TRIAL = replace(MONTHLY, billing_cycle=BillingCycle.NONE)


@pytest.mark.parametrize(
    ("term", "settings", "expected"),
    [
        (MONTHLY, AccountSettings(), timedelta(days=1)),
        (YEARLY, AccountSettings(), timedelta(days=14)),
        (OWN, AccountSettings(), timedelta(days=7)),
        (TRIAL, AccountSettings(), None),
        (MONTHLY, AccountSettings(refund_window_monthly_seconds=7200), timedelta(hours=2)),
        (YEARLY, AccountSettings(refund_window_yearly_seconds=0), timedelta(0)),
        (OWN, AccountSettings(refund_window_monthly_seconds=7200), timedelta(days=7)),
    ],
)
def test_refund_windows(term: Term, settings: AccountSettings, expected: timedelta | None) -> None:
    """As the publisher says, else as the account's settings say; never for a trial."""
    assert rules.refund_window(term, settings) == expected


def test_an_import_says_what_it_did() -> None:
    assert str(ImportSummary(3)) == "Catalogue version 3. Nothing has changed."
    summary = ImportSummary(4, products_added=2, availabilities_replaced=1)
    assert str(summary) == "Catalogue version 4. products added: 2, availabilities replaced: 1."
