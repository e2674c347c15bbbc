"""Exports of the books as files (``30-invoices-billing`` section 1.9)."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import UNSET, Struct, UnsetType, defstruct, field, structs

from comptoir.wire.invoices import DailyRatedUsageLineItem, OneTimeInvoiceLineItem
from comptoir.wire.operation import Audience, Mode, Operation, Query
from comptoir.wire.types import Body, Reply

FAMILY = "exports"
BASE = "/v1.0/reports/partners/billing"
BLOBS = f"{BASE}/blobs"
GZIP = "application/gzip"
KINDS = "#microsoft.graph.partners.billing."

EVERY_ROLE = frozenset({"AdminAgents", "SalesAgents", "HelpdeskAgents", "BillingAdmin", "GlobalAdmin"})
"""Whoever may read lines may have them exported, though that is no GET."""

BASIC_CHARGE = (
    "customer_id",
    "customer_name",
    "invoice_number",
    "order_id",
    "order_date",
    "product_id",
    "sku_id",
    "product_name",
    "sku_name",
    "charge_type",
    "unit_price",
    "effective_unit_price",
    "billable_quantity",
    "subtotal",
    "tax_total",
    "total_for_customer",
    "currency",
    "publisher_name",
    "subscription_id",
    "charge_start_date",
    "charge_end_date",
    "reference_id",
)
"""The members of a reconciliation line that ``basic`` asks for (choice C-16)."""

BASIC_USAGE = (
    "partner_id",
    "partner_name",
    "customer_id",
    "customer_name",
    "invoice_number",
    "product_id",
    "sku_id",
    "sku_name",
    "publisher_name",
    "subscription_id",
    "charge_start_date",
    "charge_end_date",
    "usage_date",
    "unit_of_measure",
    "resource_uri",
    "charge_type",
    "unit_price",
    "effective_unit_price",
    "quantity",
    "billing_pre_tax_total",
    "billing_currency",
    "pricing_pre_tax_total",
    "pricing_currency",
    "entitlement_id",
    "pc_to_bc_exchange_rate",
    "rate_of_credit",
    "credit_type",
    "benefit_order_id",
    "benefit_type",
)
"""The members of a consumption line that ``basic`` asks for."""


def _part_of(name: str, whole: type[Struct], members: Sequence[str]) -> type[Struct]:
    """A struct of some members of another one, with their wire names."""
    known = {each.name: each for each in structs.fields(whole)}
    chosen = [(each, known[each].type, field(name=known[each].encode_name)) for each in members]
    return defstruct(name, chosen, gc=False)


BasicCharge = _part_of("BasicCharge", OneTimeInvoiceLineItem, BASIC_CHARGE)
BasicUsage = _part_of("BasicUsage", DailyRatedUsageLineItem, BASIC_USAGE)


class ExportBody(Body):
    """What to export. ``invoiceId`` belongs to billed lines, currency and period to unbilled ones."""

    invoice_id: str | None = None
    currency_code: str | None = None
    billing_period: str | int | None = None
    attribute_set: str | int | None = None


class ExportedBlob(Reply, kw_only=True):
    """A file below the manifest's root directory."""

    name: str
    partition_value: str


class ExportManifest(Reply, kw_only=True):
    """What came of an export. ``rootDirectory``, a slash, a blob's name, ``?`` and ``sasToken`` give its
    address.
    """

    id: str
    schema_version: str
    data_format: str
    created_date_time: datetime
    e_tag: str
    partner_tenant_id: str
    root_directory: str
    sas_token: str
    partition_type: str
    blob_count: int
    blobs: Sequence[ExportedBlob]


class ExportError(Reply, kw_only=True):
    """Why an export failed."""

    message: str
    code: str


class ExportOperation(Reply, kw_only=True):
    """An export, under way or ended."""

    odata_type: str = field(name="@odata.type")
    id: str
    status: str
    created_date_time: datetime
    last_action_date_time: datetime
    resource_location: ExportManifest | UnsetType = UNSET
    error: ExportError | UnsetType = UNSET


def _start(operation_id: str, verb: str) -> Operation:
    return Operation(
        id=operation_id,
        method="POST",
        path=f"{BASE}/{{export_kind}}/{{billing_state}}/{verb}",
        summary="Begin to export billed or unbilled lines as files.",
        request=ExportBody,
        reply=None,
        status=202,
        mode=Mode.STEPS,
        reply_headers=("Location",),
        errors=("400/3000", "401/400", "403/2032", "404/1000"),
        roles=EVERY_ROLE,
        family=FAMILY,
    )


OPERATIONS: tuple[Operation, ...] = (
    _start("exports.start", "export"),
    _start("exports.start_by_action", "microsoft.graph.partners.billing.export"),
    Operation(
        id="exports.operation",
        method="GET",
        path=f"{BASE}/operations/{{export_id}}",
        summary="Look how far an export is.",
        reply=ExportOperation,
        errors=("401/400", "404/1000", "410/1000"),
        reply_headers=("Retry-After",),
        family=FAMILY,
    ),
    Operation(
        id="exports.manifest",
        method="GET",
        path=f"{BASE}/manifests/{{export_id}}",
        summary="List the files of an export that has succeeded.",
        reply=ExportManifest,
        errors=("401/400", "404/1000", "410/1000"),
        family=FAMILY,
    ),
    Operation(
        id="exports.blob",
        method="GET",
        path=f"{BLOBS}/{{export_id}}/{{blob_name}}",
        summary="Get a file of an export, or a range of it: JSON lines in gzip.",
        reply=bytes,
        audience=Audience.PUBLIC,
        aliases=("HEAD",),
        query=(Query("sig", "The signature of the manifest's sasToken.", required=True),),
        headers=("Range", "x-ms-range"),
        reply_headers=("ETag", "Last-Modified", "Accept-Ranges", "x-ms-blob-type", "x-ms-request-id"),
        errors=("403/2032", "404/1000", "416/3000"),
        media_type=GZIP,
    ),
)
