"""The members and query parameters whose values are closed sets, for the OpenAPI document.

The sets are the enumerations that the program itself decides with, so that neither can change alone. Requests
are read in any case, with or without underscores, and by number; here stands the documented spelling.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from comptoir.api.partner import PROVIDER_OF, RESELLER_OF
from comptoir.billing.invoice_model import DocumentState, DocumentStatus, DocumentType, Phase
from comptoir.billing.model import ChargeType
from comptoir.billing.reading import INVOICE_TYPE, LineType, Period, Provider
from comptoir.billing.subjects import ADD_ON_QUALIFIER, TRIAL_QUALIFIER
from comptoir.carts.model import Status as CartStatus
from comptoir.catalog.model import BillingCycle, RestrictionReason, Segment
from comptoir.clock.model import AdvanceState, ClockState
from comptoir.core.accounts import AccountKind, Profile, PublisherOperations, TaxMode
from comptoir.customers.model import AgreementType, Qualification, Relationship, VettingStatus
from comptoir.delivery.model import State as DeliveryState
from comptoir.fulfillment.model import (
    Acknowledgement,
    OperationAction,
    OperationStatus,
    SaasStatus,
    Source,
)
from comptoir.fulfillment.rules import ALLOWED_OPERATIONS
from comptoir.orders.model import ParticipantKind, TransactionType
from comptoir.orders.model import Status as OrderStatus
from comptoir.subscriptions.model import BillingType, StatusReason, StatusWord
from comptoir.usage.model import ReconStatus, UsageStatus
from comptoir.wire import (
    agreements,
    billing_operator,
    carts,
    catalog,
    clocks,
    customers,
    deliveries,
    fulfillment,
    invoices,
    metering,
    operator,
    orders,
    subscriptions,
)
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
    invoices.Invoice: {
        "documentType": DocumentType,
        "invoiceType": (INVOICE_TYPE,),
        "state": DocumentState,
    },
    invoices.InvoiceDetail: {
        "invoiceLineItemType": ("billing_line_items", "usage_line_items"),
        "billingProvider": ("one_time", "marketplace"),
    },
    invoices.InvoiceSummaryDetail: {"invoiceType": (INVOICE_TYPE,)},
    invoices.EstimateLink: {
        "type": ("daily_rated_usage", "non_consumption"),
        "period": ("Current", "Previous"),
    },
    invoices.OneTimeInvoiceLineItem: {
        "productQualifiers": (TRIAL_QUALIFIER, ADD_ON_QUALIFIER),
        "chargeType": ChargeType,
        "billingFrequency": ("", "Monthly", "Annual"),
        "billingProvider": ("one_time",),
    },
    invoices.DailyRatedUsageLineItem: {
        "chargeType": (ChargeType.NEW,),
        "creditType": ("Credit Not Applied",),
        "benefitType": ("Charge",),
        "billingProvider": ("marketplace",),
    },
    fulfillment.SaasSubscription: {
        "saasSubscriptionStatus": SaasStatus,
        "allowedCustomerOperations": ALLOWED_OPERATIONS[PublisherOperations.ALL],
        "sandboxType": ("None", "Csp"),
        "sessionMode": ("None", "DryRun"),
    },
    fulfillment.SaasOperation: {
        "operationRequestSource": Source,
        "action": OperationAction,
        "status": OperationStatus,
    },
    fulfillment.UpdateOperationBody: {"status": Acknowledgement},
    metering.UsageEventOk: {"status": (UsageStatus.ACCEPTED, UsageStatus.DUPLICATE)},
    metering.UsageBatchItem: {"status": UsageStatus},
    metering.DailyUsageEvents: {"reconStatus": ReconStatus},
    operator.OperatorAccount: {"kind": AccountKind, "profile": Profile},
    operator.SettingsBody: {"profile": Profile},
    deliveries.Delivery: {"state": DeliveryState},
    deliveries.DeliveryLog: {"state": DeliveryState},
    billing_operator.OperatorInvoice: {
        "documentType": DocumentType,
        "state": DocumentState,
        "status": DocumentStatus,
        "taxMode": TaxMode,
    },
    billing_operator.InvoiceProgress: {"documentType": DocumentType, "phase": Phase},
    billing_operator.LineExplanation: {"chargeType": ChargeType},
    clocks.Clock: {"kind": AccountKind, "state": ClockState},
    clocks.ClockAdvance: {"state": AdvanceState},
}
"""By struct and member."""

QUERY_SETS: Words = {
    "agreementType": (*AgreementType, "*"),
    "billingType": BillingCycle,
    "invoiceLineItemType": LineType,
    "period": Period,
    "provider": Provider,
    "reconStatus": ReconStatus,
    "relationship_type": (PROVIDER_OF, RESELLER_OF),
    "seekOperation": ("Next", "Previous", "First"),
    "targetSegment": Segment,
}
"""By query parameter."""
