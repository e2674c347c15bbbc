"""Invoices and their lines on the wire (``30-invoices-billing`` sections 1 and 2)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from comptoir.wire.operation import Mode, Operation, Query
from comptoir.wire.types import Collection, Link, Reply, ResourceAttributes, SelfLinks

FAMILY = "invoices"
TOKEN_HEADER = "MS-ContinuationToken"  # noqa: S105 - the name of a header, not a secret

NO_DATE_TEXT = "0001-01-01T00:00:00"
NO_DATE = datetime(1, 1, 1)  # noqa: DTZ001 - .NET's date for none has no zone
"""Stands in a date that is always present where there is none; written without a zone."""

DateOrNone = Annotated[
    datetime,
    Meta(
        extra_json_schema={
            "type": "string",
            "anyOf": [{"format": "date-time"}, {"const": NO_DATE_TEXT}],
        }
    ),
]


class TaxReceipt(Reply, kw_only=True):
    """A separate document about the tax, where a jurisdiction demands one."""

    id: str
    tax_receipt_pdf_download_link: str


class InvoiceDetail(Reply, kw_only=True):
    """A kind of lines that the document has, and where they are."""

    invoice_line_item_type: str
    billing_provider: str
    links: SelfLinks
    attributes: ResourceAttributes


class Invoice(Reply, kw_only=True):
    """A document: an invoice, or one that amends it and stands in its ``amendments``."""

    id: str
    invoice_date: datetime
    billing_period_start_date: datetime
    billing_period_end_date: datetime
    total_charges: Decimal
    paid_amount: Decimal
    currency_code: str
    currency_symbol: str
    pdf_download_link: str
    tax_receipts: "Sequence[TaxReceipt] | UnsetType" = UNSET
    invoice_details: Sequence[InvoiceDetail]
    amendments: "Sequence[Invoice] | UnsetType" = UNSET
    document_type: str
    amends_of: str | UnsetType = UNSET
    invoice_type: str
    state: str
    links: SelfLinks
    attributes: ResourceAttributes


class InvoiceSummaryDetail(Reply, kw_only=True):
    """The part of a balance that one type of invoices makes up."""

    invoice_type: str
    summary: "InvoiceSummary"


class InvoiceSummary(Reply, kw_only=True):
    """What is owed in one currency."""

    balance_amount: Decimal
    currency_code: str
    currency_symbol: str
    accounting_date: DateOrNone
    first_invoice_creation_date: DateOrNone
    last_payment_date: DateOrNone
    last_payment_amount: Decimal
    latest_invoice_date: DateOrNone
    details: Sequence[InvoiceSummaryDetail] | UnsetType = UNSET
    links: SelfLinks | UnsetType = UNSET
    attributes: ResourceAttributes


class EstimateLink(Reply, kw_only=True):
    """Where unbilled lines of a kind and a period are."""

    type: str
    title: str
    description: str
    period: str
    link: Link


class EstimateLinks(Reply, kw_only=True):
    """The four links to unbilled lines. This collection has no links of its own (section 1.7)."""

    total_count: int
    items: Sequence[EstimateLink]
    attributes: ResourceAttributes


# The members of both kinds of lines are given by position, so that a page of thousands is made in time.
# ``invoiceLineItemType`` tells them apart: it is written first and is no member of the struct.


class OneTimeInvoiceLineItem(Reply, tag_field="invoiceLineItemType", tag="billing_line_items"):
    """A reconciliation line: a licence charge or credit, or a month of metered usage."""

    partner_id: str
    customer_id: str
    customer_name: str
    customer_domain_name: str
    customer_country: str
    invoice_number: str
    mpn_id: str
    reseller_mpn_id: int
    order_id: str
    order_date: datetime
    product_id: str
    sku_id: str
    availability_id: str
    product_name: str
    sku_name: str
    product_qualifiers: Sequence[str]
    charge_type: str
    unit_price: Decimal
    effective_unit_price: Decimal
    unit_type: str
    quantity: int
    billable_quantity: Decimal
    subtotal: Decimal
    tax_total: Decimal
    total_for_customer: Decimal
    currency: str
    publisher_name: str
    publisher_id: str
    subscription_description: str
    subscription_id: str
    subscription_start_date: datetime
    subscription_end_date: datetime
    charge_start_date: datetime
    charge_end_date: datetime
    term_and_billing_cycle: str
    alternate_id: str
    reference_id: str
    price_adjustment_description: str
    discount_details: str
    pricing_currency: str
    pc_to_bc_exchange_rate: Decimal = field(name="pcToBCExchangeRate")
    pc_to_bc_exchange_rate_date: datetime = field(name="pcToBCExchangeRateDate")
    meter_description: str
    billing_frequency: str
    reservation_order_id: str
    credit_reason_code: str
    promotion_id: str
    billing_provider: str
    attributes: ResourceAttributes


class DailyRatedUsageLineItem(Reply, tag_field="invoiceLineItemType", tag="usage_line_items"):
    """A consumption line: what one dimension of a subscription was used on one day."""

    partner_id: str
    partner_name: str
    customer_id: str
    customer_name: str
    customer_domain_name: str
    customer_country: str
    invoice_number: str
    product_id: str
    sku_id: str
    availability_id: str
    sku_name: str
    product_name: str
    publisher_name: str
    publisher_id: str
    subscription_id: str
    subscription_description: str
    charge_start_date: datetime
    charge_end_date: datetime
    usage_date: datetime
    meter_type: str
    meter_category: str
    meter_id: str
    meter_sub_category: str
    meter_name: str
    meter_region: str
    unit_of_measure: str
    resource_location: str
    consumed_service: str
    resource_group: str
    resource_uri: str
    tags: str
    additional_info: str
    service_info1: str
    service_info2: str
    mpn_id: str
    reseller_mpn_id: str
    charge_type: str
    unit_price: Decimal
    effective_unit_price: Decimal
    quantity: Decimal
    unit_type: str
    billing_pre_tax_total: Decimal
    billing_currency: str
    pricing_pre_tax_total: Decimal
    pricing_currency: str
    entitlement_id: str
    entitlement_description: str
    pc_to_bc_exchange_rate: Decimal = field(name="pcToBCExchangeRate")
    pc_to_bc_exchange_rate_date: datetime = field(name="pcToBCExchangeRateDate")
    rate_of_partner_earned_credit: Decimal
    has_partner_earned_credit: bool
    rate_of_credit: Decimal
    credit_type: str
    benefit_order_id: str
    benefit_id: str
    benefit_type: str
    billing_provider: str
    attributes: ResourceAttributes


LineItem = OneTimeInvoiceLineItem | DailyRatedUsageLineItem
Lines = Collection[LineItem]

_ONE_PATH = "/v1/invoices/{invoice_id}"
_DOCUMENT_ERRORS = ("404/1000", "403/2032")
_PROVIDER = Query("provider", "onetime, marketplace, all, azure or office.", required=True)
_LINE_TYPE = Query("invoiceLineItemType", "billinglineitems or usagelineitems.", required=True)
_PERIOD = Query("period", "current (the calendar month) or previous; of unbilled lines only.")
_SIZE = Query("size", "How many on a page: up to 2,000, which is the default.", kind=int)
_SEEK = Query("seekOperation", "Next, with the continuation token in the header; else First.")
_EARNED_CREDIT = Query(
    "hasPartnerEarnedCredit",
    "With onetime and usagelineitems: only usage that earned partner credit, which is none here.",
    kind=bool,
)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        id="invoices.list",
        method="GET",
        path="/v1/invoices",
        summary="List invoices by date. Without a size, all of them.",
        reply=Collection[Invoice],
        query=(
            Query("size", "How many on a page: 1 to 500.", kind=int),
            Query("offset", "How many to skip.", kind=int),
            Query("filter", "A JSON object that compares InvoiceDate."),
        ),
        errors=("400/3000",),
        family=FAMILY,
    ),
    Operation(
        id="invoices.summary",
        method="GET",
        path="/v1/invoices/summary",
        summary="Get the balance in the partner's billing currency.",
        reply=InvoiceSummary,
        family=FAMILY,
    ),
    Operation(
        id="invoices.summaries",
        method="GET",
        path="/v1/invoices/summaries",
        summary="List the balances in every currency that ever had an invoice.",
        reply=Collection[InvoiceSummary],
        errors=("403/2032",),
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="invoices.estimate_links",
        method="GET",
        path="/v1/invoices/estimates/links",
        summary="Get the links to everything that is not billed yet.",
        reply=EstimateLinks,
        query=(Query("currencyCode", "ISO 4217 code of the billing currency.", required=True),),
        errors=("400/3000",),
        family=FAMILY,
    ),
    Operation(
        id="invoices.unbilled",
        method="GET",
        path="/v1/invoices/unbilled/lineitems",
        summary="List lines that are not billed yet. A walk sees the books as they were when it began.",
        reply=Lines,
        mode=Mode.REPORT,
        query=(
            _PROVIDER,
            _LINE_TYPE,
            Query("currencyCode", "ISO 4217 code of the billing currency.", required=True),
            _PERIOD,
            _SIZE,
            _SEEK,
            _EARNED_CREDIT,
        ),
        headers=(TOKEN_HEADER,),
        errors=("400/3000",),
        family=FAMILY,
    ),
    Operation(
        id="invoices.get",
        method="GET",
        path=_ONE_PATH,
        summary="Get an invoice, also one that amends another.",
        reply=Invoice,
        errors=_DOCUMENT_ERRORS,
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="invoices.lines",
        method="GET",
        path=f"{_ONE_PATH}/lineitems",
        summary="List the lines of an invoice.",
        reply=Lines,
        mode=Mode.REPORT,
        query=(
            _PROVIDER,
            _LINE_TYPE,
            Query("currencyCode", "ISO 4217 code. Another than the invoice's has no lines."),
            _PERIOD,
            _SIZE,
            _SEEK,
            _EARNED_CREDIT,
        ),
        headers=(TOKEN_HEADER,),
        errors=("400/3000", *_DOCUMENT_ERRORS),
        family=FAMILY,
    ),
    Operation(
        id="invoices.lines_by_path",
        method="GET",
        path=f"{_ONE_PATH}/lineitems/{{provider}}/{{line_item_type}}",
        summary="List the lines of an invoice, named in the path.",
        reply=Lines,
        mode=Mode.REPORT,
        query=(
            _SIZE,
            Query("offset", "How many to skip before the first page.", kind=int),
            _SEEK,
            _EARNED_CREDIT,
        ),
        headers=(TOKEN_HEADER,),
        errors=("400/3000", *_DOCUMENT_ERRORS),
        family=FAMILY,
    ),
)
