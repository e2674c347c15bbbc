"""A plan in a market: what it costs, what it includes, what is counted (``40`` section 3.6)."""

from comptoir.catalog.model import Availability, Dimension, Plan
from comptoir.catalog.texts import in_locale
from comptoir.fulfillment.model import MeterOnSale, PlanOnSale

LOCALE = "en-US"
"""Publishers do not say which language they read."""


def plan_on_sale(plan: Plan, availability: Availability) -> PlanOnSale:
    """A plan as one availability sells it. Whether it has a free trial is for its siblings to say."""
    dimensions = {dimension.id: dimension for dimension in plan.product.details.dimensions}
    meters = tuple(
        MeterOnSale(
            dimension_id=meter.dimension_id,
            price=meter.price,
            unit_of_measure=dimensions[meter.dimension_id].unit_of_measure,
            display_name=_display_name(dimensions[meter.dimension_id]),
        )
        for meter in availability.meters
    )
    return PlanOnSale(
        plan=plan,
        catalog_item_id=availability.catalog_item_id,
        market=availability.country,
        has_free_trial=False,
        terms=availability.terms,
        meters=meters,
    )


def _display_name(dimension: Dimension) -> str:
    return in_locale(dimension.display_name, LOCALE)
