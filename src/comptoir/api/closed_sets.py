"""The members and query parameters whose values are closed sets, for the OpenAPI document.

The sets are the enumerations that the program itself decides with, so that neither can change alone. Requests
are read in any case, with or without underscores, and by number; here stands the documented spelling.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from comptoir.api.partner import PROVIDER_OF, RESELLER_OF
from comptoir.carts.model import Status as CartStatus
from comptoir.catalog.model import BillingCycle, RestrictionReason, Segment
from comptoir.core.accounts import AccountKind, Profile
from comptoir.customers.model import AgreementType, Qualification, Relationship, VettingStatus
from comptoir.orders.model import ParticipantKind, TransactionType
from comptoir.orders.model import Status as OrderStatus
from comptoir.subscriptions.model import BillingType, StatusReason, StatusWord
from comptoir.wire import agreements, carts, catalog, customers, operator, orders, subscriptions
from comptoir.wire.json_schema import Words
from comptoir.wire.types import Link


def _pascal(words: Iterable[str]) -> list[str]:
    """``one_time`` as ``OneTime``."""
    return ["".join(part.capitalize() for part in word.split("_")) for word in words]


SPECIAL = [qualification for qualification in Qualification if qualification is not Qualification.NONE]

CLOSED_SETS: Mapping[Any, Words] = {
    Link: {"method": ("GET", "POST", "PUT", "PATCH", "DELETE")},
    catalog.Sku: {"supportedBillingCycles": BillingCycle},
    catalog.AvailabilityTerm: {"billingCycle": _pascal(BillingCycle)},
    catalog.Availability: {"segment": Segment},
    catalog.InventoryRestriction: {"reasonCode": RestrictionReason},
    carts.Cart: {"status": CartStatus},
    carts.CartLineItem: {"billingCycle": BillingCycle},
    carts.CartLineItemBody: {"billingCycle": BillingCycle},
    carts.Participant: {"key": ParticipantKind},
    carts.ParticipantBody: {"key": ParticipantKind},
    orders.Order: {"billingCycle": BillingCycle, "status": OrderStatus, "transactionType": TransactionType},
    orders.OrderBody: {"billingCycle": BillingCycle, "status": OrderStatus},
    subscriptions.Subscription: {
        "billingCycle": BillingCycle,
        "billingType": BillingType,
        "status": StatusWord,
        "suspensionReasons": StatusReason,
    },
    subscriptions.SubscriptionBody: {"billingCycle": BillingCycle, "status": StatusWord},
    subscriptions.Conversion: {"billingCycle": BillingCycle},
    subscriptions.ConversionBody: {"billingCycle": BillingCycle},
    customers.Customer: {"relationshipToPartner": Relationship},
    customers.CustomerBody: {"relationshipToPartner": Relationship},
    customers.CustomerQualification: {
        "qualification": _pascal(Qualification),
        "vettingStatus": VettingStatus,
    },
    customers.QualificationBody: {"qualification": _pascal(SPECIAL)},
    agreements.AgreementMetaData: {"agreementType": AgreementType},
    agreements.Agreement: {"type": AgreementType},
    agreements.AgreementBody: {"type": AgreementType},
    operator.OperatorAccount: {"kind": AccountKind, "profile": Profile},
    operator.SettingsBody: {"profile": Profile},
}
"""By struct and member."""

QUERY_SETS: Words = {
    "agreementType": (*AgreementType, "*"),
    "billingType": BillingCycle,
    "relationship_type": (PROVIDER_OF, RESELLER_OF),
    "seekOperation": ("Next", "Previous", "First"),
    "targetSegment": Segment,
}
"""By query parameter."""
