"""What catalogue files must fulfil beyond their schema: references, combinations, prices for every market.

Source: ``40-publisher-fulfillment-metering`` section 8.1, ``30-invoices-billing`` section 3.1.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from comptoir.catalog.codes import COUNTRIES, CURRENCIES
from comptoir.catalog.file_format import (
    CatalogFile,
    DimensionEntry,
    OfferEntry,
    PlanEntry,
    PublisherEntry,
)
from comptoir.catalog.model import DEFAULT_LOCALE
from comptoir.catalog.reading import Document, Path

PRICE_DECIMALS_MAX = 10
UNNAMED_PUBLISHER = "-" * 50
"""Stands for the id of a publisher whose own is missing or faulty."""
UNKNOWN_GUID = "00000000-0000-0000-0000-000000000000"
"""Stands for a tenant or app id that is missing or faulty."""

PlanKey = tuple[str, str, str]
"""Publisher, offer and plan id."""

E = TypeVar("E", OfferEntry, PlanEntry, DimensionEntry)


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault at a place of the file with this number."""

    file: int
    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Part:
    """The usable content of a file. ``document`` still knows the lines of the members that were cut out."""

    document: Document
    content: CatalogFile


@dataclass(frozen=True, slots=True)
class Place:
    """An offer and where it stands."""

    file: int
    path: Path
    publisher: str
    offer: OfferEntry


def check_meaning(parts: Sequence[Part], known_plans: Mapping[PlanKey, bool]) -> Iterator[Finding]:
    """Every fault of files that the schema has nothing against.

    ``known_plans`` are the plans that add-ons may name besides those of the files; the value says whether
    the plan is an add-on itself.
    """
    places = [
        Place(number, path, part.content.publisher.id, offer)
        for number, part in enumerate(parts)
        for path, offer in part.content.all_offers()
    ]
    for number, part in enumerate(parts):
        yield from _check_file(number, part)
    yield from _check_publishers(parts)
    yield from _check_repeated_offers(places)
    plans = {**known_plans, **_plans_of(places)}
    cut_ids = frozenset().union(*(part.document.cut_ids for part in parts))
    for place in places:
        yield from _check_offer(place, parts[place.file].document)
        yield from _check_parents(place, plans, cut_ids)


def resolve(reference: str, publisher: str, offer: str) -> PlanKey:
    """The plan that ``plan``, ``offer/plan`` or ``publisher/offer/plan`` means inside an offer."""
    *around, plan = reference.split("/")
    match around:
        case []:
            return publisher, offer, plan
        case [other_offer]:
            return publisher, other_offer, plan
        case _:
            return around[0], around[1], plan


def _check_file(number: int, part: Part) -> Iterator[Finding]:
    has_offer, has_offers = (part.document.has((), name) for name in ("offer", "offers"))
    if has_offer and has_offers:
        yield Finding(number, ("offers",), "a file has either offer or offers, not both")
    if not has_offer and not has_offers:
        yield Finding(number, (), "offers is missing")


def _check_publishers(parts: Sequence[Part]) -> Iterator[Finding]:
    by_id: dict[str, PublisherEntry] = {}
    by_tenant: dict[tuple[str, str], str] = {}
    for number, part in enumerate(parts):
        publisher = part.content.publisher
        if publisher.id == UNNAMED_PUBLISHER:
            continue
        if by_id.setdefault(publisher.id, publisher) != publisher:
            yield Finding(
                number, ("publisher",), f"the publisher {publisher.id} differs from an earlier file's"
            )
        pair = (publisher.tenant_id.lower(), publisher.app_id.lower())
        owner = by_tenant.setdefault(pair, publisher.id)
        if owner != publisher.id and UNKNOWN_GUID not in pair:
            yield Finding(number, ("publisher", "appId"), f"tenantId and appId are those of {owner} already")


def _check_repeated_offers(places: Sequence[Place]) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for place in places:
        key = (place.publisher, place.offer.id)
        if key in seen:
            yield Finding(place.file, (*place.path, "id"), f"the offer {place.offer.id} occurs twice")
        seen.add(key)


def _plans_of(places: Sequence[Place]) -> dict[PlanKey, bool]:
    return {
        (place.publisher, place.offer.id, plan.id): plan.add_on_to is not None
        for place in places
        for plan in place.offer.plans
    }


def _check_offer(place: Place, document: Document) -> Iterator[Finding]:
    offer = place.offer
    checker = _Checker(place.file, document)
    yield from checker.texts(place.path, offer, "name", "summary", "description", "gettingStarted")
    yield from checker.repeats((*place.path, "dimensions"), offer.dimensions, "dimension")
    yield from checker.repeats((*place.path, "plans"), offer.plans, "plan")
    if offer.dimensions and offer.pricing_model == "perUser":
        yield checker.finding((*place.path, "dimensions"), "only flat-rate offers have dimensions")
    for index, dimension in enumerate(offer.dimensions):
        yield from checker.texts((*place.path, "dimensions", index), dimension, "displayName")
    dimensions = {dimension.id for dimension in offer.dimensions}
    for index, plan in enumerate(offer.plans):
        path = (*place.path, "plans", index)
        yield from checker.texts(path, plan, "name", "description")
        yield from checker.plan(path, plan, offer.pricing_model == "perUser")
        yield from checker.meters(path, plan, dimensions)


def _check_parents(place: Place, plans: Mapping[PlanKey, bool], cut_ids: frozenset[str]) -> Iterator[Finding]:
    for plan_index, plan in enumerate(place.offer.plans):
        own = (place.publisher, place.offer.id, plan.id)
        for index, reference in enumerate(plan.add_on_to or ()):
            path = (*place.path, "plans", plan_index, "addOnTo", index)
            key = resolve(reference, place.publisher, place.offer.id)
            if key == own:
                yield Finding(place.file, path, "a plan cannot be an add-on to itself")
            elif key not in plans and not cut_ids.intersection(key):
                yield Finding(place.file, path, f"the plan {reference} is not known")
            elif plans.get(key):
                yield Finding(place.file, path, f"the plan {reference} is an add-on itself")


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@dataclass(frozen=True, slots=True)
class _Checker:
    """Checks of one file. What the schema has cut out is still known to be there, so it is not missed."""

    file: int
    document: Document

    def finding(self, path: Path, reason: str) -> Finding:
        return Finding(self.file, path, reason)

    def texts(self, path: Path, entry: object, *names: str) -> Iterator[Finding]:
        for name in names:
            text = getattr(entry, _snake(name))
            if isinstance(text, dict) and not self.document.has((*path, name), DEFAULT_LOCALE):
                yield self.finding((*path, name), f"the text in {DEFAULT_LOCALE} is missing")

    def repeats(self, path: Path, entries: Iterable[E], kind: str) -> Iterator[Finding]:
        seen: set[str] = set()
        for index, entry in enumerate(entries):
            if entry.id in seen:
                yield self.finding((*path, index, "id"), f"the {kind} {entry.id} occurs twice")
            seen.add(entry.id)

    def plan(self, path: Path, plan: PlanEntry, is_per_user: bool) -> Iterator[Finding]:
        seats = plan.seats
        if seats is not None and not is_per_user:
            yield self.finding((*path, "seats"), "only plans of per-user offers have seats")
        if plan.seat_reduction is not None and not is_per_user:
            yield self.finding((*path, "seatReduction"), "only plans of per-user offers have seats")
        if seats is not None and seats.maximum is not None and seats.maximum < seats.minimum:
            yield self.finding((*path, "seats", "maximum"), "the maximum is less than the minimum")
        if plan.minimum_parent_seats is not None and not self.document.has(path, "addOnTo"):
            yield self.finding((*path, "minimumParentSeats"), "only add-ons have a base plan")
        yield from self._markets((*path, "markets"), plan)
        yield from self._terms((*path, "terms"), plan)

    def _markets(self, path: Path, plan: PlanEntry) -> Iterator[Finding]:
        for country, currency in plan.markets.items():
            if country not in COUNTRIES:
                yield self.finding((*path, country), f"{country} is no country of ISO 3166")
            if currency not in CURRENCIES:
                yield self.finding((*path, country), f"{currency} is no currency of ISO 4217")

    def _terms(self, path: Path, plan: PlanEntry) -> Iterator[Finding]:
        lengths: dict[str, int] = defaultdict(int)
        for index, term in enumerate(plan.terms):
            lengths[term.term_unit] += 1
            if lengths[term.term_unit] == 2:
                reason = f"a second payment for {term.term_unit}; each term has one"
                yield self.finding((*path, index, "termUnit"), reason)
            if (term.term_unit, term.payment) == ("P1M", "P1Y"):
                yield self.finding((*path, index, "payment"), "a month cannot be paid yearly")
            yield from self._prices((*path, index, "price"), term.price, plan)

    def _prices(self, path: Path, prices: Mapping[str, Decimal], plan: PlanEntry) -> Iterator[Finding]:
        for currency in dict.fromkeys(plan.markets.values()):
            if currency in CURRENCIES and not self.document.has(path, currency):
                countries = ", ".join(country for country, used in plan.markets.items() if used == currency)
                yield self.finding(path, f"the price in {currency} is missing (market {countries})")
        for currency, amount in prices.items():
            exponent = amount.as_tuple().exponent
            if isinstance(exponent, int) and -exponent > PRICE_DECIMALS_MAX:
                reason = f"a price has at most {PRICE_DECIMALS_MAX} decimals"
                yield self.finding((*path, currency), reason)

    def meters(self, path: Path, plan: PlanEntry, dimensions: Collection[str]) -> Iterator[Finding]:
        if plan.meters and plan.trial is not None:
            yield self.finding((*path, "trial"), "a plan with meters has no free trial")
        for name, meter in plan.meters.items():
            if name not in dimensions and name not in self.document.cut_ids:
                yield self.finding((*path, "meters", name), f"the offer has no dimension {name}")
            yield from self._prices((*path, "meters", name, "price"), meter.price, plan)
        for index, term in enumerate(plan.terms):
            for name in term.included:
                if not self.document.has((*path, "meters"), name):
                    yield self.finding(
                        (*path, "terms", index, "included", name), f"the plan has no meter {name}"
                    )
