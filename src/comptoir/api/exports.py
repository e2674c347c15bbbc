"""Exports over HTTP (``30-invoices-billing`` section 1.9): ask, look, list the files, fetch them."""

import asyncio
from collections.abc import Mapping
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from msgspec import UNSET

from comptoir.api.call import Answer, Call, Handler
from comptoir.api.invoice_lines import currency_code
from comptoir.api.limits import Throttled
from comptoir.api.services import Services
from comptoir.billing import exporting, service_exports
from comptoir.billing.exporting import (
    Asked,
    AttributeSet,
    BillingState,
    Blob,
    Export,
    ExportKind,
    ExportPeriod,
    Span,
    Status,
)
from comptoir.billing.reading import Period, document_number
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import derived_guid
from comptoir.db import Tx
from comptoir.identity import tokens
from comptoir.wire import codec
from comptoir.wire import exports as wire
from comptoir.wire.enums import E, UnknownValue, parse_enum

SIGNATURE = "export"
"""The purpose under which addresses of files are signed."""

RETRY_AFTER = "10"
SCHEMA_VERSION = "2"
DATA_FORMAT = "compressedJSONLines"
PARTITION = "default"
SAS_VERSION = "2024-11-04"
PERIODS = {ExportPeriod.CURRENT: Period.CURRENT, ExportPeriod.LAST: Period.PREVIOUS}
TYPES = {
    Status.NOT_STARTED: "runningOperation",
    Status.RUNNING: "runningOperation",
    Status.SUCCEEDED: "exportSuccessOperation",
    Status.FAILED: "failedOperation",
}


async def start(services: Services, ctx: Context, call: Call) -> Answer:
    """``POST {kind}/{state}/export``: begun now, made afterwards."""
    asked = _asked(call)
    # A call that is repeated because its answer was lost finds what it has begun.
    export_id = derived_guid("export", ctx.account.id, ctx.request_id, *call.path.values(), call.raw.hex())
    begin = partial(service_exports.start, ctx=ctx, export_id=export_id, asked=asked)
    try:
        export = await services.write(begin)
    except exporting.TooManyOpen as error:
        raise Throttled(int(RETRY_AFTER)) from error
    services.exporter.alarm.set()
    location = f"{ctx.public_base_url}{wire.BASE}/operations/{export.id}"
    return Answer(status=202, headers={"Location": location})


async def operation(tx: Tx, ctx: Context, call: Call) -> Answer:
    """``GET operations/{id}``"""
    export = await service_exports.require(tx, ctx.account.id, call.path["export_id"], ctx.wall)
    headers = {"Retry-After": RETRY_AFTER} if export.status.is_open else {}
    return Answer(codec.encode(_operation_to_wire(ctx, export)), headers=headers)


async def manifest(tx: Tx, ctx: Context, call: Call) -> wire.ExportManifest:
    """``GET manifests/{id}``"""
    export = await service_exports.require_made(tx, ctx.account.id, call.path["export_id"], ctx.wall)
    return _manifest_to_wire(ctx, export)


async def blob(services: Services, call: Call) -> Answer:
    """``GET blobs/{id}/{name}``: whoever has the signature may fetch it."""
    export_id, wall = call.path["export_id"].lower(), services.wall()
    signed = tokens.open_opaque(services.secrets, SIGNATURE, call.query.get("sig") or "")
    account_id = exporting.holder_of(signed, export_id, wall)
    if account_id is None:
        raise Refusal(Code.EXPORT_TOKEN_INVALID)
    read = partial(service_exports.require_made, account_id=account_id, export_id=export_id, wall=wall)
    export = await services.database.read(read)
    name = call.path["blob_name"].lower()
    found = next((each for each in export.blobs if each.name == name), None)
    if found is None:
        raise Refusal(Code.EXPORT_NOT_FOUND, export_id=name[:100])
    return await _answer(services, call, export, found)


async def _answer(services: Services, call: Call, export: Export, found: Blob) -> Answer:
    """The whole file, or the range that is asked for."""
    wanted = call.headers.get("x-ms-range") or call.headers.get("Range") or ""
    span = exporting.span_of(wanted, found.size)
    if span is not None and not span.size:
        raise Refusal(Code.RANGE_OUTSIDE, size=found.size)
    part = span or Span(0, found.size)
    try:
        body = await asyncio.to_thread(_read, services.exporter.path_of(export, found), part)
    except FileNotFoundError as error:
        raise Refusal(Code.EXPORT_NOT_FOUND, export_id=export.id) from error
    headers = {
        "ETag": f'"{found.etag}"',
        "Last-Modified": format_datetime(export.changed_at, usegmt=True),
        "Accept-Ranges": "bytes",
        "x-ms-blob-type": "BlockBlob",
        "x-ms-request-id": services.ids.guid(),
    }
    if span is None:
        return Answer(body, content_type=wire.GZIP, headers=headers)
    last = span.start + span.size - 1
    headers["Content-Range"] = f"bytes {span.start}-{last}/{found.size}"
    return Answer(body, 206, wire.GZIP, headers)


def _read(path: Path, part: Span) -> bytes:
    with path.open("rb") as file:
        file.seek(part.start)
        return file.read(part.size)


# From the wire


def _asked(call: Call) -> Asked:
    kind = _of_path(ExportKind, call.path["export_kind"])
    state = _of_path(BillingState, call.path["billing_state"])
    body: wire.ExportBody = call.body or wire.ExportBody()
    attribute_set = _choice(AttributeSet, body.attribute_set, "attributeSet") or AttributeSet.FULL
    if state is BillingState.BILLED:
        written = (body.invoice_id or "").strip()
        if not written:
            raise _invalid("invoiceId", "it is required.")
        invoice_id = document_number(written)
        if not invoice_id:
            raise Refusal(Code.INVOICE_NOT_FOUND, invoice_id=written[:100])
        return Asked(kind=kind, attribute_set=attribute_set, invoice_id=invoice_id)
    period = _choice(ExportPeriod, body.billing_period, "billingPeriod")
    currency = currency_code(body.currency_code, is_needed=True)
    if period is None:
        raise _invalid("billingPeriod", "it is required: current or last.")
    return Asked(kind=kind, attribute_set=attribute_set, currency=currency, period=PERIODS[period])


def _of_path(kind: type[E], text: str) -> E:
    try:
        found = parse_enum(kind, text)
    except UnknownValue:
        found = None
    if found is None:
        raise Refusal(Code.NOT_FOUND)
    return found


def _choice(kind: type[E], value: str | int | None, member: str) -> E | None:
    try:
        return parse_enum(kind, None if value == "" else value)
    except UnknownValue as error:
        raise _invalid(member, f"{str(error.value)[:100]} is none of {', '.join(kind)}.") from error


def _invalid(member: str, reason: str) -> Refusal:
    return Refusal(Code.INVALID_PROPERTY, member=member, reason=reason)


# To the wire


def _operation_to_wire(ctx: Context, export: Export) -> wire.ExportOperation:
    is_made = export.status is Status.SUCCEEDED
    is_failed = export.status is Status.FAILED
    return wire.ExportOperation(
        odata_type=wire.KINDS + TYPES[export.status],
        id=export.id,
        status=export.status,
        created_date_time=export.created_at,
        last_action_date_time=export.changed_at,
        resource_location=_manifest_to_wire(ctx, export) if is_made else UNSET,
        error=wire.ExportError(message=export.message, code=export.error) if is_failed else UNSET,
    )


def _manifest_to_wire(ctx: Context, export: Export) -> wire.ExportManifest:
    return wire.ExportManifest(
        id=export.id,
        schema_version=SCHEMA_VERSION,
        data_format=DATA_FORMAT,
        created_date_time=export.changed_at,
        e_tag=export.etag,
        partner_tenant_id=export.account_id,
        root_directory=f"{ctx.public_base_url}{wire.BLOBS}/{export.id}",
        sas_token=_sas_token(ctx, export),
        partition_type=PARTITION,
        blob_count=len(export.blobs),
        blobs=[wire.ExportedBlob(name=each.name, partition_value=PARTITION) for each in export.blobs],
    )


def _sas_token(ctx: Context, export: Export) -> str:
    """In the form of Azure Storage's: version, end, permission to read, and our signature, which counts."""
    return urlencode(
        {
            "sv": SAS_VERSION,
            "se": f"{export.expires_at:%Y-%m-%dT%H:%M:%SZ}",
            "sr": "c",
            "sp": "r",
            "sig": ctx.sign(SIGNATURE, exporting.token_of(export)),
        }
    )


HANDLERS: Mapping[str, Handler] = {
    "exports.start": start,
    "exports.start_by_action": start,
    "exports.operation": operation,
    "exports.manifest": manifest,
    "exports.blob": blob,
}
