"""``comptoir products``, ``comptoir skus`` and ``comptoir availabilities``."""

from typing import TYPE_CHECKING

from cyclopts import App

from comptoir.cli.common import fail
from comptoir.cli.partner.output import Columns, Json, print_list, print_one
from comptoir.cli.partner.target import HERE, Target, client

if TYPE_CHECKING:
    from comptoir.client.models import Availability, AvailabilityTerm, Product, Sku

products = App(name="products", help="What is for sale in a country, or to a customer.")
skus = App(name="skus", help="The plans of a product.")
availabilities = App(name="availabilities", help="What a cart line can buy of a plan.")

PRODUCT: "Columns[Product]" = {
    "Product": lambda product: product.id,
    "Title": lambda product: product.title,
    "Publisher": lambda product: product.publisher_name,
}
PRODUCT_WHOLE: "Columns[Product]" = {
    **PRODUCT,
    "Type": lambda product: product.product_type.id,
    "Description": lambda product: product.description,
}
SKU: "Columns[Sku]" = {
    "Product": lambda sku: sku.product_id,
    "SKU": lambda sku: sku.id,
    "Title": lambda sku: sku.title,
    "Trial": lambda sku: sku.is_trial,
    "Minimum": lambda sku: sku.minimum_quantity,
    "Maximum": lambda sku: sku.maximum_quantity,
    "Billing cycles": lambda sku: sku.supported_billing_cycles,
}
SKU_WHOLE: "Columns[Sku]" = {
    **SKU,
    "Prerequisites": lambda sku: sku.purchase_prerequisites,
    "Description": lambda sku: sku.description,
}
AVAILABILITY: "Columns[Availability]" = {
    "Catalog item": lambda availability: availability.catalog_item_id,
    "Segment": lambda availability: availability.segment,
    "Currency": lambda availability: availability.default_currency.code,
    "Terms": lambda availability: [_term(term) for term in availability.terms or ()],
}


def _term(term: "AvailabilityTerm") -> str:
    return f"{term.duration} {term.billing_cycle}"


@products.command(name="list")
def list_products(
    *,
    country: str | None = None,
    customer: str | None = None,
    segment: str | None = None,
    json: Json = False,
    target: Target = HERE,
) -> None:
    """List the products of a country, or those that a customer may buy.

    Parameters
    ----------
    country
        Two letters.
    customer
        Microsoft ID of a customer, in place of a country.
    segment
        commercial, education, government or nonprofit.
    """
    _require_one(country, customer)
    with client(target) as service:
        if customer is not None:
            found = service.products.list_for_customer(customer, target_segment=segment)
        else:
            found = service.products.list(country or "", target_segment=segment)
        print_list(found, PRODUCT, json=json)


@products.command(name="show")
def show_product(
    product: str,
    *,
    country: str | None = None,
    customer: str | None = None,
    json: Json = False,
    target: Target = HERE,
) -> None:
    """Show a product.

    Parameters
    ----------
    product
        Id of the product.
    country
        Two letters.
    customer
        Microsoft ID of a customer, in place of a country.
    """
    _require_one(country, customer)
    with client(target) as service:
        if customer is not None:
            found = service.products.get_for_customer(customer, product)
        else:
            found = service.products.get(product, country or "")
        print_one(found, PRODUCT_WHOLE, json=json)


@skus.command(name="list")
def list_skus(
    product: str,
    *,
    country: str | None = None,
    customer: str | None = None,
    segment: str | None = None,
    json: Json = False,
    target: Target = HERE,
) -> None:
    """List the plans of a product.

    Parameters
    ----------
    product
        Id of the product.
    country
        Two letters.
    customer
        Microsoft ID of a customer, in place of a country.
    segment
        commercial, education, government or nonprofit.
    """
    _require_one(country, customer)
    with client(target) as service:
        if customer is not None:
            found = service.skus.list_for_customer(customer, product, target_segment=segment)
        else:
            found = service.skus.list(product, country or "", target_segment=segment)
        print_list(found, SKU, json=json)


@skus.command(name="show")
def show_sku(
    product: str,
    sku: str,
    *,
    country: str | None = None,
    customer: str | None = None,
    json: Json = False,
    target: Target = HERE,
) -> None:
    """Show a plan.

    Parameters
    ----------
    product
        Id of the product.
    sku
        Id of the SKU.
    country
        Two letters.
    customer
        Microsoft ID of a customer, in place of a country.
    """
    _require_one(country, customer)
    with client(target) as service:
        if customer is not None:
            found = service.skus.get_for_customer(customer, product, sku)
        else:
            found = service.skus.get(product, sku, country or "")
        print_one(found, SKU_WHOLE, json=json)


@availabilities.command(name="list")
def list_availabilities(
    product: str,
    sku: str,
    *,
    country: str | None = None,
    customer: str | None = None,
    segment: str | None = None,
    json: Json = False,
    target: Target = HERE,
) -> None:
    """List what a cart line can buy of a plan, with its terms.

    Parameters
    ----------
    product
        Id of the product.
    sku
        Id of the SKU.
    country
        Two letters.
    customer
        Microsoft ID of a customer, in place of a country.
    segment
        commercial, education, government or nonprofit.
    """
    _require_one(country, customer)
    with client(target) as service:
        if customer is not None:
            found = service.availabilities.list_for_customer(customer, product, sku, target_segment=segment)
        else:
            found = service.availabilities.list(product, sku, country or "", target_segment=segment)
        print_list(found, AVAILABILITY, json=json)


def _require_one(country: str | None, customer: str | None) -> None:
    if (country is None) == (customer is None):
        fail("give one of --country and --customer")
