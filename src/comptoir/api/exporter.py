"""Makes exports in the background, one after the other, and deletes their files when they have expired.

An export is its maker's by a lease. Its files are made in a folder with another name and have their own once
all of them are durable, before the database says that they are there. Whoever is killed on the way leaves an
export that is begun again.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from comptoir.api.export_lines import Aside, Blobs
from comptoir.api.invoice_lines import items_to_wire
from comptoir.billing import service_exports, service_reading
from comptoir.billing.exporting import LEASE, ROWS_PER_BLOB, Blob, Export, query_of
from comptoir.billing.service_reading import LinePage
from comptoir.core.context import Context
from comptoir.core.ids import GUID
from comptoir.db import Database, Tx

MakeContext = Callable[[Tx, str, datetime], Awaitable[Context]]

POLL_SECONDS = 15
"""How long until exports are looked for that nobody has rung for: another server's, and one given up."""

UNFINISHED = ".part"

logger = logging.getLogger("comptoir.exporter")


@dataclass(frozen=True, slots=True)
class Exporter:
    """What makes exports. ``folder`` holds a folder for each, ``owner`` is the name of this process,
    ``alarm`` rings when one is asked for.
    """

    database: Database
    folder: Path
    wall: Callable[[], datetime]
    make_context: MakeContext
    owner: str
    alarm: asyncio.Event = field(default_factory=asyncio.Event)
    rows_per_blob: int = ROWS_PER_BLOB

    def path_of(self, export: Export, blob: Blob) -> Path:
        """Where a file of an export is."""
        return self.folder / export.id / blob.name


async def run_daemon(exporter: Exporter) -> None:
    """Make exports as they are asked for, and delete what has expired, until cancelled."""
    while True:
        exporter.alarm.clear()
        try:
            await run_pending(exporter)
            await purge(exporter)
        except Exception:
            logger.exception("exports cannot be looked after")
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await exporter.alarm.wait()
        except TimeoutError:
            pass


async def run_pending(exporter: Exporter) -> int:
    """Make every export that waits, and say how many there were."""
    made = 0
    while True:
        claim = partial(service_exports.claim, owner=exporter.owner, wall=exporter.wall())
        export = await exporter.database.write(claim)
        if export is None:
            return made
        await _make(exporter, export)
        made += 1


async def purge(exporter: Exporter) -> None:
    """Delete the files of exports that have expired."""
    wall = exporter.wall()
    over = await exporter.database.read(partial(service_exports.list_expired, wall=wall))
    if not over:
        return
    for export in over:
        await asyncio.to_thread(_remove, exporter.folder / export.id)
    await exporter.database.write(partial(service_exports.expire, exports=over, wall=wall))


async def _make(exporter: Exporter, export: Export) -> None:
    keeping = asyncio.create_task(_keep(exporter, export))
    try:
        blobs = await _write(exporter, export)
        end = partial(service_exports.end, export=export, owner=exporter.owner, blobs=blobs)
    except Exception:
        logger.exception("export %s of account %s failed", export.id, export.account_id)
        end = partial(service_exports.fail, export=export, owner=exporter.owner)
    finally:
        keeping.cancel()
    if not await exporter.database.write(partial(end, wall=exporter.wall())):
        logger.warning("export %s of account %s was taken over", export.id, export.account_id)


async def _keep(exporter: Exporter, export: Export) -> None:
    """Renew the lease while the export is made."""
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        renew = partial(service_exports.renew, export=export, owner=exporter.owner, wall=exporter.wall())
        if not await exporter.database.write(renew):
            return


async def _write(exporter: Exporter, export: Export) -> tuple[Blob, ...]:
    """The files of an export, in the folder of its own name."""
    unfinished = exporter.folder / f"{export.id}{UNFINISHED}"
    finished = exporter.folder / export.id
    await asyncio.to_thread(_prepare, unfinished, finished)
    made = await exporter.database.report(partial(_read, exporter, export, unfinished))
    await asyncio.to_thread(_put_in_place, unfinished, finished)
    return made


async def _read(exporter: Exporter, export: Export, folder: Path, tx: Tx) -> tuple[Blob, ...]:
    ctx = replace(await exporter.make_context(tx, export.account_id, exporter.wall()), now=export.as_of)
    asked = export.asked
    blobs = Blobs(folder, asked.kind, asked.attribute_set, exporter.rows_per_blob)
    try:
        with Aside() as thread:
            async for page in service_reading.read_all(tx, ctx, query_of(asked)):
                await thread.begin(_take, blobs, ctx, page)
            return await thread.finish(blobs.close)
    finally:
        blobs.abandon()


def _take(blobs: Blobs, ctx: Context, page: LinePage) -> None:
    blobs.write(items_to_wire(ctx, page))


def clear(folder: Path) -> None:
    """Delete every export of a folder, whosever; what else lies there stays."""
    if folder.is_dir():
        for path in folder.iterdir():
            if GUID.fullmatch(path.name.removesuffix(UNFINISHED)):
                _remove(path)
        with suppress(OSError):
            folder.rmdir()


def _prepare(unfinished: Path, finished: Path) -> None:
    """Remove what an attempt that was killed has left, and begin."""
    _remove(unfinished)
    _remove(finished)
    unfinished.mkdir(parents=True, mode=0o700)


def _put_in_place(unfinished: Path, finished: Path) -> None:
    """Give the files their name for good: both folders are on the disk before the database says so."""
    _sync(unfinished)
    unfinished.rename(finished)
    _sync(finished.parent)


def _sync(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
