"""What importing catalogue files changes, and what published offers do not let change.

Source: ``10-catalog-cart-orders`` section 1.1, ``40-publisher-fulfillment-metering`` sections 8.1 and 8.2.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from comptoir.catalog import content
from comptoir.catalog.file_format import CatalogFile, OfferEntry, PlanEntry
from comptoir.catalog.meaning import Finding, Part, PlanKey, resolve
from comptoir.catalog.model import (
    Availability,
    MeterPrice,
    Product,
    ProductDetails,
    Publisher,
    Segment,
    Sku,
    SkuDetails,
    Term,
)
from comptoir.catalog.reading import Path
from comptoir.core.ids import Ids

PRODUCT_PREFIX = "DZH318Z0"
DRAWS_MAX = 1000

OfferKey = tuple[str, str]
"""Publisher and offer id."""
PlanSku = tuple[str, bool]
"""Plan id, and whether it is the SKU of its free trial."""
MarketKey = tuple[str, str, str, Segment]
"""Product id, SKU id, country and segment: what has one current availability at a time."""


@dataclass(frozen=True, slots=True)
class Issued:
    """The current availability of a market: its id, and what it was issued for (``content.fingerprint``)."""

    id: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The catalogue as it is stored."""

    publishers: Mapping[str, Publisher] = field(default_factory=dict)
    products: Mapping[OfferKey, Product] = field(default_factory=dict)
    skus: Mapping[str, Mapping[PlanSku, Sku]] = field(default_factory=dict)
    """The SKUs of each product id."""
    issued: Mapping[MarketKey, Issued] = field(default_factory=dict)

    def plans(self) -> dict[PlanKey, Sku]:
        """Every stored plan with its SKU."""
        return {
            (*key, plan_id): sku
            for key, product in self.products.items()
            for (plan_id, is_trial), sku in self.skus.get(product.id, {}).items()
            if not is_trial
        }

    def sku(self, wanted: Sku) -> Sku | None:
        """The stored SKU of the same plan."""
        return self.skus.get(wanted.product_id, {}).get((wanted.plan_id, wanted.is_trial))


@dataclass(frozen=True, slots=True)
class NewAvailability:
    """An availability to issue, and the id of the one whose place it takes, if any."""

    availability: Availability
    fingerprint: str
    replaces: str | None


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Everything that an import writes. ``withdrawn`` are the catalogue items of markets that are left."""

    publishers: Sequence[Publisher] = ()
    products: Sequence[Product] = ()
    skus: Sequence[Sku] = ()
    issued: Sequence[NewAvailability] = ()
    withdrawn: Sequence[tuple[str, str, str]] = ()

    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.publishers or self.products or self.skus or self.issued or self.withdrawn)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A plan with the ids that it has or was given. ``trial_id`` is empty without a free trial."""

    publisher: str
    offer: OfferEntry
    plan: PlanEntry
    product_id: str
    sku_id: str
    trial_id: str

    @property
    def sku_key(self) -> str:
        return f"{self.product_id}:{self.sku_id}"


def plan_import(files: Sequence[CatalogFile], shelf: Shelf, ids: Ids) -> ImportPlan:
    """What to write so that the catalogue says what the files say. Nothing, if it does already.

    Ids that exist are kept; new ones are drawn in the order of the files, so that a seed gives the same ids.
    """
    placed = _place(files, shelf, ids)
    parents = {(entry.publisher, entry.offer.id, entry.plan.id): entry.sku_key for entry in placed}
    known = {**{key: sku.key for key, sku in shelf.plans().items()}, **parents}
    markets = [market for entry in placed for market in _markets(entry)]
    issued = (_issue(market, shelf.issued.get(market.key), ids) for market in markets)
    return ImportPlan(
        publishers=_changed_publishers(files, shelf),
        products=_changed_products(files, placed, shelf),
        skus=[sku for entry in placed for sku in _skus(entry, known) if shelf.sku(sku) != sku],
        issued=[availability for availability in issued if availability is not None],
        withdrawn=_left_markets(placed, markets, shelf),
    )


def frozen_findings(parts: Sequence[Part], shelf: Shelf) -> Iterator[Finding]:
    """Every change in the files that a published offer does not allow (section 8.1)."""
    for number, part in enumerate(parts):
        publisher = part.content.publisher
        pair = (publisher.tenant_id.lower(), publisher.app_id.lower())
        for other in shelf.publishers.values():
            if other.id != publisher.id and (other.tenant_id, other.application_id) == pair:
                reason = f"tenantId and appId are those of {other.id} already"
                yield Finding(number, ("publisher", "appId"), reason)
        for path, offer in part.content.all_offers():
            product = shelf.products.get((publisher.id, offer.id))
            if product is not None:
                skus = shelf.skus.get(product.id, {})
                for place, reason in _frozen(offer, product.details, skus, part.document.cut_ids):
                    yield Finding(number, (*path, *place), reason)


def _frozen(
    offer: OfferEntry, published: ProductDetails, skus: Mapping[PlanSku, Sku], cut_ids: frozenset[str]
) -> Iterator[tuple[Path, str]]:
    if offer.pricing_model != published.pricing_model:
        yield ("pricingModel",), f"the offer was published as {published.pricing_model}, which is frozen"
    dimensions = {entry.id: entry for entry in offer.dimensions}
    for dimension in published.dimensions:
        entry = dimensions.get(dimension.id)
        if entry is None and dimension.id not in cut_ids:
            yield ("dimensions",), f"the dimension {dimension.id} was published and cannot be removed"
        elif entry is not None and entry.unit_of_measure != dimension.unit_of_measure:
            reason = (
                f"the unit of {dimension.id} was published as {dimension.unit_of_measure}, which is frozen"
            )
            yield ("dimensions", offer.dimensions.index(entry), "unitOfMeasure"), reason
    plans = {entry.id: entry for entry in offer.plans}
    for plan_id, is_trial in skus:
        if plan_id not in plans and not is_trial and plan_id not in cut_ids:
            yield ("plans",), f"the plan {plan_id} was published: keep it, with stopSell: true"
    for index, plan in enumerate(offer.plans):
        for place, reason in _frozen_plan(plan, skus):
            yield ("plans", index, *place), reason


def _frozen_plan(plan: PlanEntry, skus: Mapping[PlanSku, Sku]) -> Iterator[tuple[Path, str]]:
    paid = skus.get((plan.id, False))
    if paid is None:
        return
    if plan.trial is None and (plan.id, True) in skus:
        yield (), "the free trial was published and cannot be removed"
    if set(paid.details.meters) != set(plan.meters):
        enabled = ", ".join(paid.details.meters) or "none"
        yield ("meters",), f"the meters of a published plan are frozen: {enabled}"
    if (paid.stock_limit is None) != (plan.stock is None):
        # Units sold while there is no limit are not counted, so a later limit would not know of them.
        yield ("stock",), "whether a published plan has a stock limit is frozen; its number may change"


def _place(files: Sequence[CatalogFile], shelf: Shelf, ids: Ids) -> list[_Placed]:
    """Every plan of the files with its ids."""
    placed: list[_Placed] = []
    taken = {product.id for product in shelf.products.values()}
    for file in files:
        for _, offer in file.all_offers():
            product = shelf.products.get((file.publisher.id, offer.id))
            product_id = _draw_product_id(ids, taken) if product is None else product.id
            taken.add(product_id)
            placed += _place_plans(file.publisher.id, offer, product_id, shelf)
    return placed


def _place_plans(publisher: str, offer: OfferEntry, product_id: str, shelf: Shelf) -> Iterator[_Placed]:
    """SKU ids count up in the order in which plans and trials came to the product (section 8.2)."""
    sku_ids = {key: sku.id for key, sku in shelf.skus.get(product_id, {}).items()}
    last = max((int(sku_id) for sku_id in sku_ids.values()), default=0)
    for plan in offer.plans:
        for key in ((plan.id, False), (plan.id, True)):
            if key not in sku_ids and (plan.trial is not None or not key[1]):
                last += 1
                sku_ids[key] = f"{last:04d}"
        trial_id = sku_ids.get((plan.id, True), "")
        yield _Placed(publisher, offer, plan, product_id, sku_ids[plan.id, False], trial_id)


def _draw_product_id(ids: Ids, taken: Iterable[str]) -> str:
    """The four free characters of a product id are few enough to meet one that is taken."""
    for _ in range(DRAWS_MAX):
        product_id = ids.catalogue_id(PRODUCT_PREFIX)
        if product_id not in taken:
            return product_id
    raise AssertionError("the catalogue is as good as full: no free product id was drawn")


def _changed_publishers(files: Sequence[CatalogFile], shelf: Shelf) -> list[Publisher]:
    wanted = {file.publisher.id: content.publisher_of(file.publisher) for file in files}
    return [publisher for publisher in wanted.values() if shelf.publishers.get(publisher.id) != publisher]


def _changed_products(files: Sequence[CatalogFile], placed: Sequence[_Placed], shelf: Shelf) -> list[Product]:
    names = {file.publisher.id: file.publisher.name for file in files}
    wanted = {
        entry.product_id: Product(
            id=entry.product_id,
            publisher_id=entry.publisher,
            publisher_name=names[entry.publisher],
            offer_id=entry.offer.id,
            details=content.product_details(entry.offer),
        )
        for entry in placed
    }
    stored = {product.id: product.details for product in shelf.products.values()}
    return [product for product in wanted.values() if stored.get(product.id) != product.details]


def _skus(entry: _Placed, known: Mapping[PlanKey, str]) -> Iterator[Sku]:
    """The SKU of a plan and, where it has one, that of its free trial."""
    names = entry.plan.add_on_to or ()
    parents = (known[resolve(name, entry.publisher, entry.offer.id)] for name in names)
    details = content.sku_details(entry.offer, entry.plan, tuple(sorted(parents)))
    yield _sku(entry, entry.sku_id, details, is_trial=False)
    if entry.trial_id:
        yield _sku(entry, entry.trial_id, content.trial_details(details, entry.sku_key), is_trial=True)


def _sku(entry: _Placed, sku_id: str, details: SkuDetails, *, is_trial: bool) -> Sku:
    stock = None if is_trial else entry.plan.stock
    return Sku(entry.product_id, sku_id, entry.plan.id, is_trial, stock, details)


@dataclass(frozen=True, slots=True)
class _Market:
    """What is to be sold under one availability."""

    key: MarketKey
    currency: str
    terms: tuple[Term, ...]
    meters: tuple[MeterPrice, ...] = ()


def _markets(entry: _Placed) -> Iterator[_Market]:
    """Each country and segment of a plan, and of its free trial."""
    for country, currency in entry.plan.markets.items():
        paid = content.paid_terms(entry.plan, currency)
        meters = content.meter_prices(entry.plan, currency)
        trial = content.trial_terms(entry.plan, currency)
        for segment in map(Segment, entry.plan.segments):
            yield _Market((entry.product_id, entry.sku_id, country, segment), currency, paid, meters)
            if entry.trial_id:
                yield _Market((entry.product_id, entry.trial_id, country, segment), currency, trial)


def _issue(market: _Market, current: Issued | None, ids: Ids) -> NewAvailability | None:
    """A new availability, unless the current one stands for the same price, terms and currency."""
    fingerprint = content.fingerprint(market.currency, market.terms, market.meters)
    if current is not None and current.fingerprint == fingerprint:
        return None
    product_id, sku_id, country, segment = market.key
    availability = Availability(
        product_id=product_id,
        sku_id=sku_id,
        id=ids.catalogue_id(),
        country=country,
        segment=segment,
        currency=market.currency,
        replaced_at=None,
        terms=tuple(replace(term, id=ids.term_id()) for term in market.terms),
        meters=market.meters,
    )
    return NewAvailability(availability, fingerprint, None if current is None else current.id)


def _left_markets(
    placed: Sequence[_Placed], wanted: Sequence[_Market], shelf: Shelf
) -> list[tuple[str, str, str]]:
    """The current availabilities of imported offers in markets and segments that the files no longer name."""
    products = {entry.product_id for entry in placed}
    keys = {market.key for market in wanted}
    gone = (key for key in shelf.issued if key[0] in products and key not in keys)
    return [(key[0], key[1], shelf.issued[key].id) for key in gone]
