"""What an import writes, which ids stay, when an availability is issued anew, and what is frozen."""

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.catalog_files import APP, HARBOR, PARTNER, TENANT, changed, contents

from comptoir.catalog import content
from comptoir.catalog.checking import read_files
from comptoir.catalog.model import (
    UNLIMITED_QUANTITY,
    Availability,
    BillingCycle,
    Fulfillment,
    MeterPrice,
    PricingModel,
    Segment,
    Sku,
    Term,
)
from comptoir.catalog.publishing import (
    ImportPlan,
    Issued,
    NewAvailability,
    PlanSku,
    Shelf,
    frozen_findings,
    plan_import,
)
from comptoir.core.ids import Ids
from comptoir.core.money import Rate
from comptoir.core.terms import Duration

MONTH, YEAR, THREE_YEARS = Duration(months=1), Duration(months=12), Duration(months=36)


def plan_of(*texts: str, shelf: Shelf | None = None, seed: int = 1) -> ImportPlan:
    return plan_import(contents(*texts), shelf or Shelf(), Ids(seed))


def stored(plan: ImportPlan, before: Shelf | None = None) -> Shelf:
    """The shelf after a plan was carried out."""
    shelf = before or Shelf()
    skus: dict[str, dict[PlanSku, Sku]] = {product_id: dict(kept) for product_id, kept in shelf.skus.items()}
    for sku in plan.skus:
        skus.setdefault(sku.product_id, {})[sku.plan_id, sku.is_trial] = sku
    ended = {
        *plan.withdrawn,
        *((new.availability.product_id, new.availability.sku_id, new.replaces) for new in plan.issued),
    }
    kept = {key: issued for key, issued in shelf.issued.items() if (key[0], key[1], issued.id) not in ended}
    fresh = {
        (one.product_id, one.sku_id, one.country, one.segment): Issued(one.id, new.fingerprint)
        for new in plan.issued
        for one in [new.availability]
    }
    return Shelf(
        publishers={**shelf.publishers, **{publisher.id: publisher for publisher in plan.publishers}},
        products={
            **shelf.products,
            **{(product.publisher_id, product.offer_id): product for product in plan.products},
        },
        skus=skus,
        issued={**kept, **fresh},
    )


def sku_of(plan: ImportPlan, plan_id: str, *, is_trial: bool = False) -> Sku:
    return next(sku for sku in plan.skus if (sku.plan_id, sku.is_trial) == (plan_id, is_trial))


def issued(plan: ImportPlan, plan_id: str, country: str, *, is_trial: bool = False) -> NewAvailability:
    sku = sku_of(plan, plan_id, is_trial=is_trial)
    return next(
        new
        for new in plan.issued
        if (new.availability.product_id, new.availability.sku_id, new.availability.country)
        == (sku.product_id, sku.id, country)
    )


def availability(plan: ImportPlan, plan_id: str, country: str, *, is_trial: bool = False) -> Availability:
    return issued(plan, plan_id, country, is_trial=is_trial).availability


FRESH = plan_of(HARBOR)


def test_ids_have_their_shapes_and_order() -> None:
    harbor, desk = FRESH.products
    assert all(product.id.startswith("DZH318Z0") and len(product.id) == 12 for product in FRESH.products)
    assert [(sku.product_id, sku.id, sku.plan_id, sku.is_trial) for sku in FRESH.skus] == [
        (harbor.id, "0001", "pro", False),
        (desk.id, "0001", "team", False),
        (desk.id, "0002", "team", True),
        (desk.id, "0003", "extra", False),
    ]
    for new in FRESH.issued:
        assert len(new.availability.id) == 12
        assert new.availability.id.upper() == new.availability.id
        assert all(len(term.id) == 12 and term.id.lower() == term.id for term in new.availability.terms)


def test_a_seed_gives_the_same_ids() -> None:
    assert plan_of(HARBOR, seed=5) == plan_of(HARBOR, seed=5)
    assert plan_of(HARBOR, seed=5) != plan_of(HARBOR, seed=6)


def test_a_product_id_that_is_taken_is_drawn_again() -> None:
    first = FRESH.products[0]
    other = changed("id: harbor", "id: quay")
    again = plan_import(contents(other), stored(FRESH), Ids(1))
    assert [product.offer_id for product in again.products] == ["quay"]
    assert again.products[0].id not in {first.id, FRESH.products[1].id}


class StuckIds(Ids):
    """A source that draws one product id for ever."""

    def catalogue_id(self, prefix: str = "") -> str:
        return f"{prefix}AAAA"


def test_drawing_a_product_id_ends() -> None:
    with pytest.raises(AssertionError, match="no free product id was drawn"):
        plan_import(contents(HARBOR), Shelf(), StuckIds())


def test_one_availability_for_each_market_and_segment() -> None:
    text = changed("seats: {minimum: 2, maximum: 50}", "segments: [commercial, education]")
    markets = Counter(
        (new.availability.country, new.availability.segment.value) for new in plan_of(text).issued
    )
    assert markets == {
        ("US", "commercial"): 4, ("US", "education"): 2,
        ("FR", "commercial"): 3, ("FR", "education"): 2,
        ("JP", "commercial"): 2, ("JP", "education"): 2,
    }  # fmt: skip


def test_paid_terms() -> None:
    found = availability(FRESH, "team", "JP")
    assert (found.currency, found.segment, found.meters, found.replaced_at) == (
        "JPY",
        Segment.COMMERCIAL,
        (),
        None,
    )
    assert [(term.duration, term.billing_cycle, term.price, term.description) for term in found.terms] == [
        (MONTH, BillingCycle.MONTHLY, Rate(Decimal(1200), "JPY"), "One month, billed monthly"),
        (YEAR, BillingCycle.MONTHLY, Rate(Decimal(1080), "JPY"), "One year, billed monthly"),
        (THREE_YEARS, BillingCycle.ONE_TIME, Rate(Decimal(30000), "JPY"), "Three years, paid upfront"),
    ]
    assert [term.renewal_options for term in found.terms] == [(MONTH, YEAR), (YEAR, MONTH), (THREE_YEARS,)]
    assert [term.refund_window for term in found.terms] == [None, None, None]


def test_trial_terms() -> None:
    (term,) = availability(FRESH, "team", "FR", is_trial=True).terms
    assert (term.duration, term.billing_cycle, term.price) == (
        MONTH,
        BillingCycle.NONE,
        Rate(Decimal(0), "EUR"),
    )
    assert (term.renewal_options, term.refund_window) == ((MONTH, YEAR, THREE_YEARS), None)


def test_metered_terms() -> None:
    found = availability(FRESH, "pro", "FR")
    assert found.meters == (MeterPrice("scans", Rate(Decimal("0.55"), "EUR")),)
    assert [term.included for term in found.terms] == [{"scans": 20}, {"scans": 300}]
    infinite = plan_of(changed("included: {scans: 300}", "included: {scans: infinite}"))
    assert availability(infinite, "pro", "FR").terms[1].included == {"scans": None}


@pytest.mark.parametrize(
    ("unit", "payment", "cycle", "periods"),
    [
        ("P1M", "P1M", BillingCycle.MONTHLY, 1),
        ("P1M", "upfront", BillingCycle.MONTHLY, 1),
        ("P1Y", "P1M", BillingCycle.MONTHLY, 12),
        ("P1Y", "P1Y", BillingCycle.ANNUAL, 1),
        ("P1Y", "upfront", BillingCycle.ONE_TIME, 1),
        ("P2Y", "P1M", BillingCycle.MONTHLY, 24),
        ("P2Y", "P1Y", BillingCycle.ANNUAL, 2),
        ("P3Y", "P1Y", BillingCycle.ANNUAL, 3),
        ("P3Y", "upfront", BillingCycle.ONE_TIME, 1),
    ],
)
def test_billing_cycles(unit: str, payment: str, cycle: BillingCycle, periods: int) -> None:
    terms = "terms: [{termUnit: P1M, payment: P1M, price: {USD: 2}}]"
    text = changed(terms, terms.replace("P1M, payment: P1M", f"{unit}, payment: {payment}"))
    (term,) = availability(plan_of(text), "extra", "US").terms
    assert (str(term.duration), term.billing_cycle, term.billing_periods()) == (unit, cycle, periods)


def test_a_skus_details() -> None:
    details = sku_of(FRESH, "team").details
    assert details.title == {"en-US": "Team", "fr-FR": "Équipe"}
    assert details.description == details.title
    assert (details.minimum_quantity, details.maximum_quantity, details.unit_type) == (2, 50, "License(s)")
    assert details.supported_billing_cycles == (BillingCycle.MONTHLY, BillingCycle.ONE_TIME)
    assert (details.meters, details.parent_skus, details.renews_to_sku) == ((), (), None)


def test_a_trials_details() -> None:
    team, trial = sku_of(FRESH, "team"), sku_of(FRESH, "team", is_trial=True)
    assert trial.details.title == {"en-US": "Team – Free trial", "fr-FR": "Équipe – Essai gratuit"}
    assert trial.details.renews_to_sku == team.key
    assert trial.details.supported_billing_cycles == (BillingCycle.NONE,)
    assert (trial.details.minimum_quantity, trial.details.maximum_quantity) == (2, 50)


def test_an_add_ons_details() -> None:
    extra = sku_of(FRESH, "extra")
    assert extra.details.parent_skus == (sku_of(FRESH, "team").key,)
    assert extra.details.minimum_parent_quantity == 5
    assert (extra.details.minimum_quantity, extra.details.maximum_quantity) == (1, UNLIMITED_QUANTITY)


def test_flat_rate_plans_are_bought_one_at_a_time() -> None:
    details = sku_of(FRESH, "pro").details
    assert (details.minimum_quantity, details.maximum_quantity, details.meters) == (1, 1, ("scans",))


def test_a_products_details() -> None:
    harbor = FRESH.products[0]
    assert (harbor.publisher_id, harbor.publisher_name, harbor.offer_id) == (
        "northbeam",
        "Northbeam Labs",
        "harbor",
    )
    assert harbor.details.pricing_model is PricingModel.FLAT_RATE
    assert harbor.details.fulfillment is Fulfillment.PUBLISHER
    assert harbor.details.summary == harbor.details.title == harbor.details.description
    assert [(one.id, one.display_name) for one in harbor.details.dimensions] == [
        ("scans", {"en-US": "Document scans"})
    ]


@pytest.mark.parametrize(
    ("csp", "exclusive", "expected"),
    [
        ("all", None, None),
        ("none", None, frozenset()),
        (f"[{PARTNER.upper()}]", None, frozenset({PARTNER})),
        ("all", f"[{PARTNER}]", frozenset({PARTNER})),
        (f"[{PARTNER}, {TENANT}]", f"[{PARTNER}, {APP}]", frozenset({PARTNER})),
        ("none", f"[{PARTNER}]", frozenset()),
        ("all", "[]", frozenset()),
    ],
)
def test_who_may_buy(csp: str, exclusive: str | None, expected: frozenset[str] | None) -> None:
    text = changed("pricingModel: perUser", f"pricingModel: perUser\n    csp: {csp}")
    if exclusive is not None:
        text = changed("trial: P1M", f"trial: P1M\n        exclusiveTo: {exclusive}", text)
    plan = plan_of(text)
    assert sku_of(plan, "team").details.exclusive_to == expected
    assert sku_of(plan, "team", is_trial=True).details.exclusive_to == expected


def test_stock_belongs_to_the_paid_sku() -> None:
    plan = plan_of(changed("trial: P1M", "trial: P1M\n        stock: 40"))
    assert (sku_of(plan, "team").stock_limit, sku_of(plan, "team", is_trial=True).stock_limit) == (40, None)


# A second import


KEEPS_IDS: list[tuple[str, str]] = [
    ("Document scans", "Scanned documents"),
    ("name: Northbeam Labs", "name: Northbeam"),
    ("fr-FR: Équipe", "fr-FR: Équipage"),
    ("minimum: 2, maximum: 50", "minimum: 1, maximum: 60"),
    ("trial: P1M", "trial: P1M\n        stopSell: true"),
    ("trial: P1M", f"trial: P1M\n        exclusiveTo: [{PARTNER}]"),
    ("trial: P1M", "trial: P1M\n        ownershipLimit: 3"),
    ("trial: P1M", "trial: P1M\n        stock: 10"),
    ("minimumParentSeats: 5", "minimumParentSeats: 6"),
    ("northbeam.example/start", "northbeam.example/begin"),
]


@pytest.mark.parametrize(("old", "new"), KEEPS_IDS)
def test_what_keeps_every_id(old: str, new: str) -> None:
    plan = plan_of(changed(old, new), shelf=stored(FRESH))
    assert (plan.issued, plan.withdrawn) == ([], [])
    assert [*plan.publishers, *plan.products, *plan.skus] != []
    assert {sku.id for sku in plan.skus} <= {sku.id for sku in FRESH.skus}


ISSUES_ANEW: list[tuple[str, str, set[tuple[str, str]]]] = [
    ("USD: 0.6,", "USD: 0.7,", {("pro", "US")}),
    ("scans: 20}", "scans: 25}", {("pro", "US"), ("pro", "FR")}),
    ("EUR: 7.40", "EUR: 7.41", {("team", "FR")}),
    ("{US: USD, FR: EUR, JP: JPY}", "{US: EUR, FR: EUR, JP: JPY}", {("team", "US"), ("trial", "US")}),
    (
        "termUnit: P3Y, payment: upfront",
        "termUnit: P2Y, payment: upfront",
        {("team", "US"), ("team", "FR"), ("team", "JP"), ("trial", "US"), ("trial", "FR"), ("trial", "JP")},
    ),
    (
        "payment: upfront, price",
        "payment: upfront, refundWindow: P30D, price",
        {("team", "US"), ("team", "FR"), ("team", "JP")},
    ),
]
"""Changes, and the plans and countries that they give a new availability."""


@pytest.mark.parametrize(("old", "new", "expected"), ISSUES_ANEW)
def test_what_issues_a_new_id(old: str, new: str, expected: set[tuple[str, str]]) -> None:
    shelf = stored(FRESH)
    plan = plan_of(changed(old, new), shelf=shelf)
    names = {(sku.product_id, sku.id): "trial" if sku.is_trial else sku.plan_id for sku in FRESH.skus}
    found = {
        (names[new.availability.product_id, new.availability.sku_id], new.availability.country): new
        for new in plan.issued
    }
    assert found.keys() == expected
    for anew in plan.issued:
        one = anew.availability
        before = shelf.issued[one.product_id, one.sku_id, one.country, one.segment]
        assert anew.replaces == before.id != one.id
    assert plan.withdrawn == []


def test_a_market_that_is_left_is_withdrawn_and_comes_back_anew() -> None:
    shelf = stored(FRESH)
    without = changed("{US: USD, FR: EUR, JP: JPY}", "{US: USD, FR: EUR}")
    left = plan_of(without, shelf=shelf)
    old = {availability(FRESH, "team", "JP").id, availability(FRESH, "team", "JP", is_trial=True).id}
    assert {key[2] for key in left.withdrawn} == old
    assert left.issued == []
    back = plan_of(HARBOR, shelf=stored(left, shelf), seed=9)
    assert {(new.availability.country, new.replaces) for new in back.issued} == {("JP", None)}
    assert not {new.availability.id for new in back.issued} & old


def test_offers_that_no_file_names_stay() -> None:
    only_harbor = HARBOR[: HARBOR.index("  - id: desk")]
    assert plan_of(only_harbor, shelf=stored(FRESH)).is_empty()


def test_a_later_trial_gets_the_next_sku_id() -> None:
    without = changed("        trial: P1M\n", "")
    first = plan_of(without)
    assert [sku.id for sku in first.skus if sku.plan_id in {"team", "extra"}] == ["0001", "0002"]
    later = plan_of(HARBOR, shelf=stored(first))
    assert [(sku.plan_id, sku.is_trial, sku.id) for sku in later.skus] == [("team", True, "0003")]


def test_spelling_a_price_otherwise_changes_nothing() -> None:
    text = changed("EUR: 85.50", "EUR: 85.5000")
    text = changed("USD: 900,", "USD: 900.00,", text)
    assert plan_of(text, shelf=stored(FRESH)).is_empty()


def test_the_order_of_the_terms_changes_nothing() -> None:
    lines = HARBOR.splitlines(keepends=True)
    lines[18], lines[19] = lines[19], lines[18]
    assert "".join(lines) != HARBOR
    assert plan_of("".join(lines), shelf=stored(FRESH)).is_empty()


CHANGES = [*KEEPS_IDS, *((old, new) for old, new, _ in ISSUES_ANEW)]


@given(walk=st.lists(st.lists(st.sampled_from(CHANGES), max_size=3, unique=True), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_importing_again_changes_nothing_and_no_id_comes_back(walk: list[list[tuple[str, str]]]) -> None:
    shelf, ids, seen = Shelf(), Ids(3), set[str]()
    for changes in [[], *walk]:
        text = HARBOR
        for old, new in changes:
            text = text.replace(old, new)
        (file,) = contents(text)
        plan = plan_import([file], shelf, ids)
        new_ids = [new.availability.id for new in plan.issued]
        assert not seen.intersection(new_ids)
        seen.update(new_ids)
        shelf = stored(plan, shelf)
        assert plan_import([file], shelf, ids).is_empty()


def test_every_fact_of_a_term_counts_for_the_fingerprint() -> None:
    base = Term(
        "id", MONTH, BillingCycle.MONTHLY, Rate(Decimal("1.5"), "USD"), "text", (MONTH,), MONTH, {"a": 1}
    )
    variants = [
        Term(
            "id", YEAR, BillingCycle.MONTHLY, Rate(Decimal("1.5"), "USD"), "text", (MONTH,), MONTH, {"a": 1}
        ),
        Term(
            "id", MONTH, BillingCycle.ANNUAL, Rate(Decimal("1.5"), "USD"), "text", (MONTH,), MONTH, {"a": 1}
        ),
        Term(
            "id", MONTH, BillingCycle.MONTHLY, Rate(Decimal("1.51"), "USD"), "text", (MONTH,), MONTH, {"a": 1}
        ),
        Term(
            "id", MONTH, BillingCycle.MONTHLY, Rate(Decimal("1.5"), "USD"), "text", (YEAR,), MONTH, {"a": 1}
        ),
        Term(
            "id", MONTH, BillingCycle.MONTHLY, Rate(Decimal("1.5"), "USD"), "text", (MONTH,), YEAR, {"a": 1}
        ),
        Term(
            "id",
            MONTH,
            BillingCycle.MONTHLY,
            Rate(Decimal("1.5"), "USD"),
            "text",
            (MONTH,),
            MONTH,
            {"a": None},
        ),
    ]
    meter = MeterPrice("a", Rate(Decimal("0.1"), "USD"))
    prints = [content.fingerprint("USD", [term], [meter]) for term in (base, *variants)]
    prints += [content.fingerprint("EUR", [base], [meter]), content.fingerprint("USD", [base], [])]
    assert len(set(prints)) == len(prints)
    renamed = Term(
        "other", MONTH, BillingCycle.MONTHLY, Rate(Decimal("1.50"), "USD"), "words", (MONTH,), MONTH, {"a": 1}
    )
    assert content.fingerprint("USD", [renamed], [meter]) == prints[0]


FROZEN: list[tuple[str, str, tuple[str | int, ...], str]] = [
    (
        "pricingModel: perUser",
        "pricingModel: flatRate",
        ("offers", 1, "pricingModel"),
        "the offer was published as perUser, which is frozen",
    ),
    (
        "        trial: P1M\n",
        "",
        ("offers", 1, "plans", 0),
        "the free trial was published and cannot be removed",
    ),
    (
        "id: extra",
        "id: more",
        ("offers", 1, "plans"),
        "the plan extra was published: keep it, with stopSell: true",
    ),
    (
        "unitOfMeasure: per 100 scans",
        "unitOfMeasure: per scan",
        ("offers", 0, "dimensions", 0, "unitOfMeasure"),
        "the unit of scans was published as per 100 scans, which is frozen",
    ),
    (
        "        trial: P1M\n",
        "        stock: 10\n        trial: P1M\n",
        ("offers", 1, "plans", 0, "stock"),
        "whether a published plan has a stock limit is frozen; its number may change",
    ),
    ("  - id: harbor", "  - id: quay", (), ""),
]


def _frozen(text: str, shelf: Shelf) -> list[tuple[tuple[str | int, ...], str]]:
    files, _ = read_files([("again.yaml", text)])
    return [
        (finding.path, finding.reason) for finding in frozen_findings([file.part for file in files], shelf)
    ]


@pytest.mark.parametrize(("old", "new", "path", "reason"), FROZEN)
def test_what_a_published_offer_does_not_let_change(
    old: str, new: str, path: tuple[str | int, ...], reason: str
) -> None:
    text = changed(old, new)
    if new.endswith("flatRate"):
        text = changed("        seats: {minimum: 2, maximum: 50}\n", "", text)
    assert _frozen(text, stored(FRESH)) == ([(path, reason)] if reason else [])


def test_published_meters_and_dimensions_are_frozen() -> None:
    text = changed("        meters:\n          scans: {price: {USD: 0.6, EUR: 0.55}}\n", "")
    text = text.replace(", included: {scans: 20}", "").replace(", included: {scans: 300}", "")
    meters = "the meters of a published plan are frozen: scans"
    assert _frozen(text, stored(FRESH)) == [(("offers", 0, "plans", 0, "meters"), meters)]
    text = changed(
        "    dimensions:\n      - {id: scans, displayName: Document scans, unitOfMeasure: per 100 scans}\n",
        "",
        text,
    )
    removed = "the dimension scans was published and cannot be removed"
    assert (("offers", 0, "dimensions"), removed) in _frozen(text, stored(FRESH))


def test_a_publishers_pair_is_its_own() -> None:
    text = changed("id: northbeam", "id: southbeam")
    reason = "tenantId and appId are those of northbeam already"
    assert _frozen(text, stored(FRESH)) == [(("publisher", "appId"), reason)]


def test_a_plan_with_a_slip_does_not_count_as_removed() -> None:
    assert _frozen(changed("name: Extra", "nmae: Extra"), stored(FRESH)) == []
    assert _frozen(changed("addOnTo: [team]", "addOnTo: 5"), stored(FRESH)) == []
