"""Exports in the database. All instants but ``as_of`` are the wall's."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from comptoir.billing.exporting import (
    LEASE,
    MEMORY,
    Asked,
    AttributeSet,
    Blob,
    Export,
    ExportKind,
    PostingRow,
    Status,
)
from comptoir.billing.reading import Period
from comptoir.core.instants import from_micros, to_micros
from comptoir.db import Row, Tx, sql

_EXPORTS = """
    SELECT account_id, id, kind, attribute_set, invoice_id, currency, period, as_of, status, created_at,
        changed_at, expires_at, error, message, blobs
    FROM exports WHERE {which}
"""

# A call that is repeated after the server was killed finds what it has begun.
INSERT = sql("""
    INSERT INTO exports (
        account_id, id, kind, attribute_set, invoice_id, currency, period, as_of, status, created_at,
        changed_at, expires_at, error, message, blobs, lease_until, lease_owner
    ) VALUES (
        :account_id, :id, :kind, :attribute_set, :invoice_id, :currency, :period, :as_of, :status,
        :created_at, :changed_at, :expires_at, '', '', '[]', NULL, NULL
    )
    ON CONFLICT (account_id, id) DO NOTHING
""")

GET = sql(_EXPORTS.format(which="account_id = :account_id AND id = :id"))

COUNT_OPEN = sql("""
    SELECT COUNT(*) AS count FROM exports
    WHERE account_id = :account_id AND status IN ('notStarted', 'running')
""")

# Exports of all accounts are made in the order in which they were asked for.
NEXT = sql(
    _EXPORTS.format(
        which="""status IN ('notStarted', 'running') AND (lease_until IS NULL OR lease_until <= :wall)
            ORDER BY created_at, id LIMIT 1"""
    )
)

CLAIM = sql("""
    UPDATE exports SET status = 'running', changed_at = :wall, lease_until = :lease_until,
        lease_owner = :owner
    WHERE account_id = :account_id AND id = :id AND status IN ('notStarted', 'running')
        AND (lease_until IS NULL OR lease_until <= :wall)
""")

RENEW = sql("""
    UPDATE exports SET lease_until = :lease_until
    WHERE account_id = :account_id AND id = :id AND lease_owner = :owner
""")

FINISH = sql("""
    UPDATE exports SET status = :status, changed_at = :changed_at, expires_at = :expires_at, error = :error,
        message = :message, blobs = :blobs, lease_until = NULL, lease_owner = NULL
    WHERE account_id = :account_id AND id = :id AND lease_owner = :owner
""")

# Whoever had leases is gone: nobody else has the database.
RELEASE = sql("UPDATE exports SET lease_until = NULL, lease_owner = NULL WHERE lease_owner IS NOT NULL")

# Files are deleted for all accounts alike.
LIST_EXPIRED = sql(
    _EXPORTS.format(
        which="status IN ('succeeded', 'failed') AND expires_at <= :wall ORDER BY expires_at, id LIMIT :most"
    )
)

EXPIRE = sql("""
    UPDATE exports SET status = 'expired', blobs = '[]' WHERE account_id = :account_id AND id = :id
""")

# The same for what is remembered of them.
FORGET = sql("DELETE FROM exports WHERE status = 'expired' AND expires_at <= :before")

LIST_POSTINGS = sql("""
    SELECT id, source_kind, source_id, at, debit, credit, amount, currency FROM postings
    WHERE account_id = :account_id AND id > :after
    ORDER BY id LIMIT :most
""")


async def postings(tx: Tx, account_id: str, after: str, most: int) -> Sequence[PostingRow]:
    """Postings by id, those that follow one."""
    return await tx.structs(LIST_POSTINGS, PostingRow, account_id=account_id, after=after, most=most)


async def insert(tx: Tx, export: Export) -> None:
    asked = export.asked
    await tx.run(
        INSERT,
        account_id=export.account_id,
        id=export.id,
        kind=asked.kind,
        attribute_set=asked.attribute_set,
        invoice_id=asked.invoice_id,
        currency=asked.currency,
        period=asked.period or "",
        as_of=to_micros(export.as_of),
        status=export.status,
        created_at=to_micros(export.created_at),
        changed_at=to_micros(export.changed_at),
        expires_at=to_micros(export.expires_at),
    )


async def get(tx: Tx, account_id: str, export_id: str) -> Export | None:
    row = await tx.one(GET, account_id=account_id, id=export_id)
    return None if row is None else _loaded(row)


async def count_open(tx: Tx, account_id: str) -> int:
    """How many exports of the account are still to be made."""
    row = await tx.one(COUNT_OPEN, account_id=account_id)
    assert row is not None, "an aggregate gives a row"
    count: int = row["count"]
    return count


async def claim_next(tx: Tx, owner: str, wall: datetime) -> Export | None:
    """The next export to make, ours from now on; ``None`` if there is none, or another was faster."""
    row = await tx.one(NEXT, wall=to_micros(wall))
    if row is None:
        return None
    found = _loaded(row)
    claimed = await tx.run(
        CLAIM,
        account_id=found.account_id,
        id=found.id,
        wall=to_micros(wall),
        lease_until=to_micros(wall + LEASE),
        owner=owner,
    )
    return found if claimed else None


async def renew(tx: Tx, export: Export, owner: str, wall: datetime) -> bool:
    """Whether the export is still ours, which it now is for longer."""
    lease_until = to_micros(wall + LEASE)
    return bool(
        await tx.run(RENEW, account_id=export.account_id, id=export.id, owner=owner, lease_until=lease_until)
    )


async def finish(tx: Tx, export: Export, owner: str) -> bool:
    """Store how an export of ours ended. ``False`` if it is another's by now."""
    return bool(
        await tx.run(
            FINISH,
            account_id=export.account_id,
            id=export.id,
            owner=owner,
            status=export.status,
            changed_at=to_micros(export.changed_at),
            expires_at=to_micros(export.expires_at),
            error=export.error,
            message=export.message,
            blobs=msgspec.json.encode(export.blobs).decode(),
        )
    )


async def release(tx: Tx) -> None:
    await tx.run(RELEASE)


async def list_expired(tx: Tx, wall: datetime, most: int) -> Sequence[Export]:
    return [_loaded(row) for row in await tx.all(LIST_EXPIRED, wall=to_micros(wall), most=most)]


async def expire(tx: Tx, exports: Sequence[Export], wall: datetime) -> None:
    """Note that the files of exports are deleted, and forget those of long ago."""
    await tx.many(EXPIRE, [{"account_id": export.account_id, "id": export.id} for export in exports])
    await tx.run(FORGET, before=to_micros(wall - MEMORY))


def _loaded(row: Row) -> Export:
    return Export(
        account_id=row["account_id"],
        id=row["id"],
        asked=Asked(
            kind=ExportKind(row["kind"]),
            attribute_set=AttributeSet(row["attribute_set"]),
            invoice_id=row["invoice_id"],
            currency=row["currency"],
            period=Period(row["period"]) if row["period"] else None,
        ),
        as_of=from_micros(row["as_of"]),
        status=Status(row["status"]),
        created_at=from_micros(row["created_at"]),
        changed_at=from_micros(row["changed_at"]),
        expires_at=from_micros(row["expires_at"]),
        error=row["error"],
        message=row["message"],
        blobs=msgspec.json.decode(row["blobs"], type=tuple[Blob, ...]),
    )
