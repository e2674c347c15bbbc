"""Use cases of exports: ask for one, look how far it is, take one to make, end it, delete what is over."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from comptoir.audit import service as audit
from comptoir.audit.model import Action
from comptoir.billing import exporting, service_documents, store_exports
from comptoir.billing.exporting import (
    CHUNK,
    OPEN_MAX,
    Asked,
    Blob,
    Export,
    PostingRow,
    Status,
    TooManyOpen,
)
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import derived_guid
from comptoir.db import Tx

EXPIRED_AT_ONCE = 100
"""How many exports are deleted in one go."""


async def start(tx: Tx, ctx: Context, export_id: str, asked: Asked) -> Export:
    """Note that an export is to be made; asked for again, it is the same one until that is over.

    Raises ``INVOICE_NOT_FOUND``, ``INVOICE_FOREIGN`` and ``TooManyOpen``.
    """
    while (known := await store_exports.get(tx, ctx.account.id, export_id)) is not None:
        if not known.is_over(ctx.wall):
            return known
        export_id = derived_guid("export after", export_id)
    if await store_exports.count_open(tx, ctx.account.id) >= OPEN_MAX:
        raise TooManyOpen
    if asked.invoice_id:
        await service_documents.require(tx, ctx, asked.invoice_id)
    export = exporting.begun(ctx.account.id, export_id, asked, now=ctx.now, wall=ctx.wall)
    await store_exports.insert(tx, export)
    audit.record(
        tx,
        ctx,
        Action.EXPORT_LINES,
        subject_kind="export",
        subject_id=export.id,
        after={"kind": asked.kind, "invoice": asked.invoice_id, "currency": asked.currency},
    )
    return export


async def require(tx: Tx, account_id: str, export_id: str, wall: datetime) -> Export:
    """An export of the account. Raises ``EXPORT_NOT_FOUND`` and ``EXPORT_EXPIRED``."""
    export = await store_exports.get(tx, account_id, export_id.lower())
    if export is None:
        raise Refusal(Code.EXPORT_NOT_FOUND, export_id=export_id[:100])
    if export.is_over(wall):
        raise Refusal(Code.EXPORT_EXPIRED, export_id=export.id)
    return export


async def require_made(tx: Tx, account_id: str, export_id: str, wall: datetime) -> Export:
    """``require``, of an export that has its files."""
    export = await require(tx, account_id, export_id, wall)
    if export.status is not Status.SUCCEEDED:
        raise Refusal(Code.EXPORT_NOT_FOUND, export_id=export.id)
    return export


async def claim(tx: Tx, owner: str, wall: datetime) -> Export | None:
    """The next export to make, which is the owner's for the time of a lease."""
    return await store_exports.claim_next(tx, owner, wall)


async def renew(tx: Tx, export: Export, owner: str, wall: datetime) -> bool:
    """Whether the export is still the owner's, which it now is for longer."""
    return await store_exports.renew(tx, export, owner, wall)


async def end(tx: Tx, export: Export, owner: str, blobs: Sequence[Blob], wall: datetime) -> bool:
    """Store the files of an export. ``False`` if another has it by now."""
    return await store_exports.finish(tx, exporting.ended(export, blobs, wall), owner)


async def fail(tx: Tx, export: Export, owner: str, wall: datetime) -> bool:
    """Store that an export could not be made."""
    failed = exporting.failed(export, exporting.FAILED, "The export could not be made. Ask again.", wall)
    return await store_exports.finish(tx, failed, owner)


async def release(tx: Tx) -> None:
    """Take leases away from workers that are gone."""
    await store_exports.release(tx)


async def list_expired(tx: Tx, wall: datetime) -> Sequence[Export]:
    """Exports whose files are to be deleted, a bounded number."""
    return await store_exports.list_expired(tx, wall, EXPIRED_AT_ONCE)


async def expire(tx: Tx, exports: Sequence[Export], wall: datetime) -> None:
    """Note that the files of exports are deleted."""
    await store_exports.expire(tx, exports, wall)


async def read_postings(tx: Tx, ctx: Context) -> AsyncIterator[Sequence[PostingRow]]:
    """Every posting of the account by id, in pieces."""
    after = ""
    while rows := await store_exports.postings(tx, ctx.account.id, after, CHUNK):
        yield rows
        after = rows[-1].id
