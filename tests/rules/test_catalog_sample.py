"""The sample catalogue holds what the documentation and the demo promise."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from comptoir.catalog.checking import check_together, read_files
from comptoir.catalog.file_format import OfferEntry, PlanEntry, TermEntry
from comptoir.catalog.publishing import ImportPlan, Shelf, plan_import
from comptoir.core.ids import Ids

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "sample" / "catalog"
TEXTS = [(path.name, path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))]
FILES, ERRORS = read_files(TEXTS)
OFFERS = [
    (file.part.content.publisher, offer) for file in FILES for _, offer in file.part.content.all_offers()
]
PLANS = [(offer, plan) for _, offer in OFFERS for plan in offer.plans]


@pytest.fixture(scope="module")
def imported() -> ImportPlan:
    return plan_import([file.part.content for file in FILES], Shelf(), Ids(1))


def test_the_files_are_right() -> None:
    assert [*ERRORS, *check_together(FILES, {})] == []


def test_its_size(imported: ImportPlan) -> None:
    assert len(imported.publishers) >= 12
    assert len(imported.products) >= 25
    assert len(imported.skus) >= 60
    assert len({new.availability.country for new in imported.issued}) == 8
    assert len({new.availability.currency for new in imported.issued}) >= 6


def test_the_readme_counts_right(imported: ImportPlan) -> None:
    countries = len({new.availability.country for new in imported.issued})
    currencies = len({new.availability.currency for new in imported.issued})
    counts = (
        f"{len(imported.publishers)} publishers, one file each, with {len(imported.products)} products and "
        f"{len(imported.skus)} SKUs in {countries} countries and {currencies} currencies"
    )
    assert counts in (ROOT / "sample" / "README.md").read_text(encoding="utf-8")


def _terms(offer: OfferEntry, plan: PlanEntry) -> Iterator[tuple[str, str, TermEntry]]:
    return ((term.term_unit, term.payment, term) for term in plan.terms)


def _has_term(unit: str, payment: str) -> Callable[[OfferEntry, PlanEntry], bool]:
    return lambda offer, plan: any(found[:2] == (unit, payment) for found in _terms(offer, plan))


def _has_base_price(plan: PlanEntry) -> bool:
    return any(any(term.price.values()) for term in plan.terms)


def _is_infinite(term: TermEntry) -> bool:
    return "infinite" in term.included.values()


def _seats(plan: PlanEntry) -> int:
    return 0 if plan.seats is None else plan.seats.minimum


KINDS: dict[str, Callable[[OfferEntry, PlanEntry], bool]] = {
    "flat rate": lambda offer, plan: offer.pricing_model == "flatRate",
    "per seat": lambda offer, plan: offer.pricing_model == "perUser",
    "metered": lambda offer, plan: bool(plan.meters),
    "metered only": lambda offer, plan: bool(plan.meters) and not _has_base_price(plan),
    "infinite included quantity": lambda offer, plan: any(_is_infinite(term) for term in plan.terms),
    "free trial": lambda offer, plan: plan.trial is not None,
    "monthly": _has_term("P1M", "P1M"),
    "annual billed monthly": _has_term("P1Y", "P1M"),
    "annual": _has_term("P1Y", "P1Y"),
    "annual upfront": _has_term("P1Y", "upfront"),
    "two years": _has_term("P2Y", "P1Y"),
    "three years billed monthly": _has_term("P3Y", "P1M"),
    "three years billed yearly": _has_term("P3Y", "P1Y"),
    "three years upfront": _has_term("P3Y", "upfront"),
    "add-on": lambda offer, plan: plan.add_on_to is not None,
    "add-on with a minimum of seats": lambda offer, plan: (plan.minimum_parent_seats or 0) > 1,
    "stop-sold": lambda offer, plan: plan.stop_sell,
    "education": lambda offer, plan: "education" in plan.segments,
    "nonprofit": lambda offer, plan: "nonprofit" in plan.segments,
    "government": lambda offer, plan: "government" in plan.segments,
    "stock": lambda offer, plan: plan.stock is not None,
    "ownership limit": lambda offer, plan: plan.ownership_limit is not None,
    "attestation": lambda offer, plan: plan.attestation is not None,
    "exclusive": lambda offer, plan: isinstance(offer.csp, tuple),
    "completed without a publisher": lambda offer, plan: offer.fulfillment == "auto",
    "seats up to the sandbox's limit": lambda offer, plan: 0 < _seats(plan) <= 25,
    "more seats than a sandbox may have": lambda offer, plan: _seats(plan) > 25,
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_has_a_plan_of_each_kind(kind: str) -> None:
    assert [plan.id for offer, plan in PLANS if KINDS[kind](offer, plan)]


def _plan(path: str) -> tuple[OfferEntry, PlanEntry]:
    publisher_id, offer_id, plan_id = path.split("/")
    return next(
        (offer, plan)
        for publisher, offer in OFFERS
        for plan in offer.plans
        if (publisher.id, offer.id, plan.id) == (publisher_id, offer_id, plan_id)
    )


def test_the_three_heroes() -> None:
    offer, plan = _plan("lanternwick/desk/team")
    assert (offer.pricing_model, plan.trial, len(plan.markets)) == ("perUser", "P1M", 8)
    offer, plan = _plan("sablecourt/insight/growth")
    assert [(term.term_unit, term.payment) for term in plan.terms] == [("P1Y", "P1Y")]
    assert plan.meters.keys() == plan.terms[0].included.keys() == {"reports", "rows"}
    offer, plan = _plan("hoshikawa/ledger/shop")
    assert plan.markets == {"JP": "JPY"}
    assert [(term.term_unit, term.payment) for term in plan.terms] == [("P3Y", "upfront")]


def test_the_plans_that_the_readme_names_exist() -> None:
    text = (ROOT / "sample" / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z-]+/[a-z-]+/[a-z-]+)`", text)
    assert len(named) >= 12
    for path in named:
        assert _plan(path)


@pytest.mark.parametrize("publisher_and_offer", OFFERS, ids=lambda pair: f"{pair[0].id}/{pair[1].id}")
def test_every_text_is_in_english_and_french(publisher_and_offer: tuple[object, OfferEntry]) -> None:
    _, offer = publisher_and_offer
    texts = [offer.name, offer.summary, offer.description, *(d.display_name for d in offer.dimensions)]
    texts += [text for plan in offer.plans for text in (plan.name, plan.description)]
    for text in texts:
        assert isinstance(text, dict)
        assert text.keys() == {"en-US", "fr-FR"}
    assert isinstance(offer.description, dict)
    assert offer.description["en-US"] != offer.description["fr-FR"]


def test_addresses_are_examples() -> None:
    for publisher, offer in OFFERS:
        addresses = [offer.landing_page_url, offer.webhook_url, offer.privacy_url, offer.terms_of_use_url]
        addresses += [None if publisher.support is None else publisher.support.url]
        for address in addresses:
            assert address is not None
            assert address.split("/")[2].endswith(".example")


def test_a_seed_makes_the_same_marketplace(imported: ImportPlan) -> None:
    assert plan_import([file.part.content for file in FILES], Shelf(), Ids(1)) == imported
