"""The catalogue over HTTP: a market's, a customer's, and the inventory check."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from msgspec import UNSET

from comptoir.api.call import Call, Handler
from comptoir.catalog import rules, service
from comptoir.catalog.model import (
    Availability,
    BillingCycle,
    InventoryResult,
    InventoryTarget,
    PricingModel,
    Product,
    RestrictionReason,
    Segment,
    Selection,
    Sku,
    Term,
    is_purchasable,
)
from comptoir.catalog.texts import describe_duration, describe_included, describe_term, in_locale
from comptoir.core.accounts import AccountSettings
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.money import symbol
from comptoir.customers import service as customers
from comptoir.db import Tx
from comptoir.wire import catalog as wire
from comptoir.wire.types import Collection, collection, link, self_links

INVENTORY_TARGETS_MAX = 500
ONE_DAY, ONE_HOUR = timedelta(days=1), timedelta(hours=1)

SAAS = wire.ItemType(id="Azure", display_name="Azure", sub_type=wire.ItemType(id="SaaS", display_name="SaaS"))
"""The product type of everything that is sold here, exactly as clients look for it (section 1.4)."""

_CYCLE_NAMES: Mapping[BillingCycle, str] = {
    BillingCycle.MONTHLY: "Monthly",
    BillingCycle.ANNUAL: "Annual",
    BillingCycle.ONE_TIME: "OneTime",
    BillingCycle.NONE: "None",
}


@dataclass(frozen=True, slots=True)
class View:
    """Whose catalogue a request reads: what of it, and the address and query of its collections."""

    selection: Selection
    address: str
    query: Mapping[str, str]

    def self_uri(self, call: Call, path: str, *names: str) -> str:
        """The address of a collection below this view, with the parameters that shaped it."""
        sent = {name: value for name in names if (value := call.query.get(name)) is not None}
        query = urlencode({**self.query, **sent})
        return f"{self.address}{path}?{query}" if query else f"{self.address}{path}"


async def _market(_tx: Tx, _ctx: Context, call: Call) -> View:
    """C1 to C6: everything that is sold in a country, whether this partner may buy it or not."""
    country = rules.country_asked(call.query.get("country"))
    return View(Selection(country, frozenset(Segment)), "", {"country": country})


async def _customers_market(tx: Tx, ctx: Context, call: Call) -> View:
    """C7 to C12: what this partner may sell to the customer."""
    customer = await customers.require(tx, ctx, call.path["customer_id"])
    segments = rules.segments_for(customer.qualification.value)
    selection = Selection(customer.country, segments, buyer=ctx.account.id)
    return View(selection, f"/customers/{customer.id}", {})


Resolve = Callable[[Tx, Context, Call], Awaitable[View]]
Reader = Callable[[Tx, Context, Call, View], Awaitable[object]]


def _seen_through(resolve: Resolve, reader: Reader) -> Handler:
    """The same reading for a market and for a customer."""

    async def handler(tx: Tx, ctx: Context, call: Call) -> object:
        return await reader(tx, ctx, call, await resolve(tx, ctx, call))

    return handler


async def list_products(tx: Tx, ctx: Context, call: Call, view: View) -> Collection[wire.Product]:
    """C1 and C7. Views that are not for SaaS are empty."""
    is_for_saas = rules.lists_saas(call.query.get("targetView"))
    segments = _segments(call, view)
    found = await service.products(tx, ctx, view.selection, segments) if is_for_saas else []
    items = [_product_to_wire(product, view.selection.country, ctx.locale) for product in found]
    return collection(items, view.self_uri(call, "/products", "targetView", "targetSegment"))


async def get_product(tx: Tx, ctx: Context, call: Call, view: View) -> wire.Product:
    """C2 and C8."""
    product = await service.product(tx, view.selection, call.path["product_id"])
    return _product_to_wire(product, view.selection.country, ctx.locale)


async def list_skus(tx: Tx, ctx: Context, call: Call, view: View) -> Collection[wire.Sku]:
    """C3 and C9."""
    segments = _segments(call, view)
    product, skus = await service.skus(tx, view.selection, segments, call.path["product_id"])
    items = [_sku_to_wire(product, sku, ctx, view.selection.country) for sku in skus]
    return collection(items, view.self_uri(call, f"/products/{product.id}/skus", "targetSegment"))


async def get_sku(tx: Tx, ctx: Context, call: Call, view: View) -> wire.Sku:
    """C4 and C10."""
    product, sku = await service.sku(tx, view.selection, call.path["product_id"], call.path["sku_id"])
    return _sku_to_wire(product, sku, ctx, view.selection.country)


async def list_availabilities(tx: Tx, ctx: Context, call: Call, view: View) -> Collection[wire.Availability]:
    """C5 and C11."""
    segments = _segments(call, view)
    product, sku, found = await service.availabilities(
        tx, view.selection, segments, call.path["product_id"], call.path["sku_id"]
    )
    items = [_availability_to_wire(product, sku, availability, ctx) for availability in found]
    path = f"/products/{product.id}/skus/{sku.id}/availabilities"
    return collection(items, view.self_uri(call, path, "targetSegment"))


async def get_availability(tx: Tx, ctx: Context, call: Call, view: View) -> wire.Availability:
    """C6 and C12."""
    item = (call.path["product_id"], call.path["sku_id"], call.path["availability_id"])
    found = await service.availability(tx, ctx, view.selection, item)
    return _availability_to_wire(found.product, found.sku, found.availability, ctx)


async def check_inventory(tx: Tx, ctx: Context, call: Call) -> Sequence[wire.InventoryItem]:
    """I1. A list as body is Java's: it sends the country in place of the request, and gets no items."""
    if isinstance(call.body, list):
        return []
    country = call.query.get("country") or ctx.account.country
    if not rules.is_country_code(country):
        raise Refusal(Code.INVALID_INPUT, reason="country must be two letters.", member="country")
    results = await service.check_inventory(tx, country.upper(), _targets_from_wire(call.body))
    return [_inventory_to_wire(result, country.upper()) for result in results]


async def list_promotions(_tx: Tx, _ctx: Context, _call: Call) -> Collection[wire.ProductPromotion]:
    """X4: there are none."""
    no_promotions: list[wire.ProductPromotion] = []
    return collection(no_promotions, "/productpromotions")


async def get_promotion(_tx: Tx, _ctx: Context, _call: Call) -> None:
    """X5: there is none."""
    raise Refusal(Code.NOT_FOUND)


async def check_promotion_eligibility(_tx: Tx, _ctx: Context, _call: Call) -> None:
    """X6: nothing to be eligible for."""
    raise Refusal(Code.NOT_SUPPORTED, reason="there are no promotions for SaaS.")


_READERS: Mapping[str, Reader] = {
    "products_list": list_products,
    "products_get": get_product,
    "skus_list": list_skus,
    "skus_get": get_sku,
    "availabilities_list": list_availabilities,
    "availabilities_get": get_availability,
}

HANDLERS: Mapping[str, Handler] = {
    **{f"catalog.{name}": _seen_through(_market, reader) for name, reader in _READERS.items()},
    **{
        f"catalog.customer_{name}": _seen_through(_customers_market, reader)
        for name, reader in _READERS.items()
    },
    "catalog.inventory_check": check_inventory,
    "catalog.promotions_list": list_promotions,
    "catalog.promotions_get": get_promotion,
    "catalog.promotion_eligibilities": check_promotion_eligibility,
}


def _segments(call: Call, view: View) -> frozenset[Segment]:
    return rules.segments_asked(call.query.get("targetSegment")) & view.selection.segments


def _targets_from_wire(body: wire.InventoryCheckBody | None) -> list[InventoryTarget]:
    if body is None or body.target_items is None:
        raise Refusal(Code.INVALID_INPUT, reason="targetItems is missing.", member="targetItems")
    if len(body.target_items) > INVENTORY_TARGETS_MAX:
        reason = f"at most {INVENTORY_TARGETS_MAX} items are checked at once."
        raise Refusal(Code.INVALID_INPUT, reason=reason, member="targetItems")
    targets = []
    for index, item in enumerate(body.target_items):
        if not item.product_id:
            member = f"targetItems[{index}].productId"
            raise Refusal(Code.INVALID_INPUT, reason=f"{member} is missing.", member=member)
        targets.append(InventoryTarget(item.product_id, item.sku_id or None))
    return targets


def _inventory_to_wire(result: InventoryResult, country: str) -> wire.InventoryItem:
    restrictions = [] if result.reason is None else [_restriction(result.reason, country, result.remaining)]
    return wire.InventoryItem(
        product_id=result.product_id,
        sku_id=result.sku_id,
        is_restricted=result.reason is not None,
        restrictions=restrictions,
    )


def _restriction(reason: RestrictionReason, country: str, remaining: int | None) -> wire.InventoryRestriction:
    if reason is RestrictionReason.NOT_AVAILABLE_IN_COUNTRY:
        description, properties = f"The SKU is not sold in {country}.", {"country": country}
    else:
        description = f"Too little is left: {remaining}."
        properties = {"remainingQuantity": str(remaining)}
    return wire.InventoryRestriction(reason_code=reason.value, description=description, properties=properties)


def _product_to_wire(product: Product, country: str, locale: str) -> wire.Product:
    uri = f"/products/{product.id}"
    return wire.Product(
        id=product.id,
        title=in_locale(product.details.title, locale),
        description=in_locale(product.details.description, locale),
        product_type=SAAS,
        is_microsoft_product=False,
        publisher_name=product.publisher_name,
        links=wire.ProductLinks(
            skus=link(f"{uri}/skus?country={country}"), self_=link(f"{uri}?country={country}")
        ),
    )


def _sku_to_wire(product: Product, sku: Sku, ctx: Context, country: str) -> wire.Sku:
    details = sku.details
    uri = f"/products/{sku.product_id}/skus/{sku.id}"
    attestation = details.attestation_type
    return wire.Sku(
        id=sku.id,
        product_id=sku.product_id,
        title=in_locale(details.title, ctx.locale),
        description=in_locale(details.description, ctx.locale),
        minimum_quantity=details.minimum_quantity,
        maximum_quantity=details.maximum_quantity,
        is_trial=sku.is_trial,
        terms_of_use_uri=product.details.terms_of_use_url or UNSET,
        supported_billing_cycles=[cycle.value for cycle in details.supported_billing_cycles],
        purchase_prerequisites=_prerequisites(sku, ctx),
        inventory_variables=[],
        provisioning_variables=[],
        dynamic_attributes=_dynamic_attributes(product, sku),
        constraints=_constraints(sku) or UNSET,
        attestation_properties=UNSET
        if attestation is None
        else wire.AttestationProperties(enforce_attestation=True, attestation_type=attestation),
        consumption_type="overage" if details.meters else UNSET,
        links=wire.SkuLinks(
            availabilities=link(f"{uri}/availabilities?country={country}"),
            self_=link(f"{uri}?country={country}"),
        ),
    )


def _prerequisites(sku: Sku, ctx: Context) -> list[str]:
    prerequisites = []
    if ctx.account.settings.require_customer_agreement:
        prerequisites.append("MicrosoftCustomerAgreement")
    if sku.stock_limit is not None:
        prerequisites.append("InventoryCheck")
    return prerequisites


def _constraints(sku: Sku) -> list[wire.SkuConstraint]:
    limit = sku.details.ownership_limit
    if limit is None:
        return []
    return [
        wire.SkuConstraint(
            constraint_name="AssetOwnershipLimit", constraint_value=limit, constraint_type="Customer"
        )
    ]


def _dynamic_attributes(product: Product, sku: Sku) -> dict[str, str | bool]:
    attributes: dict[str, str | bool] = {
        "isMicrosoftProduct": False,
        "billingType": "license",
        "unitType": sku.details.unit_type,
        "isAddon": bool(sku.details.parent_skus),
        "hasConstraints": sku.details.ownership_limit is not None,
        "offerId": product.offer_id,
        "planId": sku.plan_id,
        "publisherId": product.publisher_id,
        "isPricePerSeat": product.details.pricing_model is PricingModel.PER_USER,
        "hasMeters": bool(sku.details.meters),
    }
    if sku.details.parent_skus:
        attributes["parentSkus"] = ",".join(sku.details.parent_skus)
    return attributes


def _availability_to_wire(
    product: Product, sku: Sku, availability: Availability, ctx: Context
) -> wire.Availability:
    details = sku.details
    country = availability.country
    uri = f"/products/{sku.product_id}/skus/{sku.id}/availabilities/{availability.id}"
    return wire.Availability(
        id=availability.id,
        product_id=availability.product_id,
        sku_id=availability.sku_id,
        catalog_item_id=availability.catalog_item_id,
        default_currency=wire.DefaultCurrency(
            code=availability.currency, symbol=symbol(availability.currency)
        ),
        segment=availability.segment.value,
        country=country,
        is_purchasable=is_purchasable(details.is_stop_sold, details.exclusive_to, ctx.account.id),
        is_renewable=not details.is_stop_sold,
        renewal_instructions=UNSET if details.is_stop_sold else [_renewal(sku, availability)],
        terms=[_term_to_wire(term, ctx.locale, ctx.account.settings) for term in availability.terms],
        included_quantity_options=_included(product, availability, ctx.locale) or UNSET,
        product=_product_to_wire(product, country, ctx.locale),
        sku=_sku_to_wire(product, sku, ctx, country),
        links=self_links(f"{uri}?country={country}"),
    )


def _renewal(sku: Sku, availability: Availability) -> wire.RenewalInstruction:
    """A free trial goes on as the paid plan, everything else as itself."""
    target = sku.details.renews_to_sku or sku.key
    return wire.RenewalInstruction(
        applicable_term_ids=[term.id for term in availability.terms],
        renewal_options=[wire.RenewalTarget(renew_to_id=target, is_auto_renewable=True)],
    )


def _term_to_wire(term: Term, locale: str, settings: AccountSettings) -> wire.AvailabilityTerm:
    return wire.AvailabilityTerm(
        id=term.id,
        duration=str(term.duration),
        description=describe_term(term.duration, term.billing_cycle, locale),
        billing_cycle=_CYCLE_NAMES[term.billing_cycle],
        renewal_options=[
            wire.RenewalOption(term_duration=str(duration), description=describe_duration(duration, locale))
            for duration in term.renewal_options
        ],
        cancellation_policies=_policies(term, settings) or UNSET,
    )


def _policies(term: Term, settings: AccountSettings) -> list[wire.CancellationPolicy]:
    window = rules.refund_window(term, settings)
    if not window:
        return []
    refund = wire.RefundOption(sequence_id=0, type="Full", expires_after=_duration_to_wire(window))
    return [wire.CancellationPolicy(refund_options=[refund])]


def _duration_to_wire(window: timedelta) -> str:
    """Whole days where it can be said in days (``P14D``), else hours."""
    days, rest = divmod(window, ONE_DAY)
    return f"PT{window // ONE_HOUR}H" if rest else f"P{days}D"


def _included(product: Product, availability: Availability, locale: str) -> list[wire.IncludedQuantity]:
    dimensions = {dimension.id: dimension for dimension in product.details.dimensions}
    return [
        wire.IncludedQuantity(
            units="Infinite" if units is None else str(units),
            description=describe_included(
                units,
                in_locale(dimensions[name].display_name, locale),
                dimensions[name].unit_of_measure,
                describe_duration(term.duration, locale),
                locale,
            ),
        )
        for term in availability.terms
        for name, units in term.included.items()
    ]
