"""What a request cannot do without, for the OpenAPI document.

Bodies are read with every member optional, and the rules of each domain refuse what is missing; a schema that
says so beforehand saves the call.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from comptoir.wire import agreements, carts, catalog, customers, metering, orders, partner

NEEDED: Mapping[Any, Sequence[str]] = {
    carts.CartBody: ("lineItems",),
    carts.CartLineItemBody: ("catalogItemId", "quantity"),
    carts.ParticipantBody: ("key", "value"),
    orders.RenewsToBody: ("termDuration",),
    agreements.AgreementBody: ("primaryContact", "templateId", "dateAgreed", "type"),
    agreements.ContactBody: ("firstName", "lastName", "email"),
    customers.CompanyProfileBody: ("domain",),
    customers.BillingProfileBody: ("email", "culture", "language", "companyName", "defaultAddress"),
    customers.QualificationBody: ("qualification",),
    partner.AddressBody: ("country", "addressLine1"),
    catalog.InventoryCheckBody: ("targetItems",),
    catalog.InventoryTargetBody: ("productId",),
    catalog.CatalogFilesBody: ("files",),
    catalog.CatalogFileBody: ("name", "text"),
    metering.UsageEventBody: ("resourceId", "quantity", "dimension", "effectiveStartTime", "planId"),
    metering.BatchUsageEventBody: ("request",),
}
"""By body, wherever it is sent."""

NEEDED_BY: Mapping[str, Sequence[str]] = {
    "orders.create": ("lineItems",),
    "customers.create": ("companyProfile", "billingProfile"),
    "customers.remove_relationship": ("relationshipToPartner",),
}
"""By operation, where others take the same body without."""
