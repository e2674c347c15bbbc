"""The floors of what writes: plain loops that write the same rows."""

import random
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

import apsw

from comptoir.db import sqlite_tx

SCHEMA = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
FETCH = """
    SELECT l.*, s.document
    FROM reconciliation_lines AS l JOIN line_subjects AS s USING (account_id)
    WHERE s.id = l.subject_id
    ORDER BY l.account_id, l.invoice_id, l.currency, l.order_date, l.subscription_id, l.reference_id,
        l.position
"""
LINES_AT_ONCE = 4_000
Value = str | int | float | bytes | None
COPIED = ("carts", "orders", "order_lines", "subscriptions", "due_work", "replies", "journal")


def raw_orders_per_second(database: Path, folder: Path, count: int) -> float:
    """Write ``count`` orders' rows, as large and as many as Comptoir's, each in a transaction of its own.

    ``database`` is a copy of a marketplace in which orders were placed: for each table the mean number of
    rows that one order left there, and a real row to write again under other keys.
    """
    source = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    orders = source.execute("SELECT count(*) FROM orders").get
    rows = {table: _row(source, table) for table in COPIED}
    shares = {
        table: max(1, round(source.execute(f"SELECT count(*) FROM {table}").get / orders)) for table in COPIED
    }
    target = _empty_copy(source, folder)
    inserts = {table: _insert(table, row) for table, row in rows.items()}
    source.close()
    began = time.perf_counter()
    for number in range(count):
        with target:
            for table, row in rows.items():
                for part in range(shares[table]):
                    target.execute(inserts[table], _renamed(row, number * 100 + part))
    elapsed = time.perf_counter() - began
    _remove(target)
    return count / elapsed


def raw_lines_per_second(database: Path, folder: Path) -> float:
    """Insert the lines that a marketplace has into an empty one: prepared tuples, one commit for many.

    They are read beforehand, piece by piece, which is not counted.
    """
    source = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    target = _empty_copy(source, folder)
    rows = source.execute("SELECT * FROM reconciliation_lines ORDER BY sequence")
    places = ", ".join("?" for _ in rows.get_description())
    count, elapsed = 0, 0.0
    while piece := list(islice(rows, LINES_AT_ONCE)):
        began = time.perf_counter()
        with target:
            target.executemany(f"INSERT INTO reconciliation_lines VALUES ({places})", piece)
        elapsed += time.perf_counter() - began
        count += len(piece)
    source.close()
    _remove(target)
    return count / elapsed


def fetched_lines_per_second(database: Path) -> float:
    """Fetch every line with what it is about, in the order in which it is read, and do nothing with it."""
    source = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    began = time.perf_counter()
    count = sum(1 for _ in source.execute(FETCH))
    elapsed = time.perf_counter() - began
    source.close()
    return count / elapsed


def raw_events_per_second(
    database: Path, folder: Path, clients: Sequence[Sequence[Sequence[Mapping[str, object]]]]
) -> float:
    """Insert the events of every batch unless they are there, each batch in a transaction of its own.

    ``database`` is one in which events were accepted: a real row is written again under other keys.
    """
    source = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    row = _row(source, "usage_events")
    target = _empty_copy(source, folder)
    source.close()
    insert = _insert("usage_events", row) + " ON CONFLICT DO NOTHING"
    batches = [[_metered(row, event) for event in batch] for batches in clients for batch in batches]
    began = time.perf_counter()
    for batch in batches:
        with target:
            target.executemany(insert, batch)
    elapsed = time.perf_counter() - began
    _remove(target)
    return sum(map(len, batches)) / elapsed


def _metered(row: dict[str, Value], event: Mapping[str, object]) -> dict[str, Value]:
    subscription_id, at = str(event["resourceId"]), str(event["effectiveStartTime"])
    hour = int(datetime.fromisoformat(at).timestamp() // 3_600 * 3_600_000_000)
    return {
        **row,
        "customer_id": subscription_id,
        "subscription_id": subscription_id,
        "dimension_id": str(event["dimension"]),
        "hour": hour,
        "id": str(uuid.uuid4()),
        "quantity": str(event["quantity"]),
        "effective_at": hour,
        "effective_text": at,
    }


def _empty_copy(source: apsw.Connection, folder: Path) -> apsw.Connection:
    """A new database with the tables and indexes of another one, with the settings of ours."""
    copy = apsw.Connection(str(folder / f"raw-{random.getrandbits(32)}.db"))
    copy.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    copy.execute(f"PRAGMA cache_size = -{sqlite_tx.WRITER_CACHE_KIB}")
    copy.wal_autocheckpoint(sqlite_tx.CHECKPOINT_PAGES)
    for (sql,) in source.execute(SCHEMA):
        copy.execute(sql)
    return copy


def _remove(connection: apsw.Connection) -> None:
    name = connection.filename
    connection.close()
    Path(name).unlink()


def _row(source: apsw.Connection, table: str) -> dict[str, Value]:
    cursor = source.execute(f"SELECT * FROM {table} ORDER BY rowid DESC LIMIT 1")
    names = [column[0] for column in cursor.get_description()]
    return dict(zip(names, next(cursor), strict=True))


def _insert(table: str, row: dict[str, Value]) -> str:
    names = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(f":{name}" for name in row)
    return f"INSERT INTO {table} ({names}) VALUES ({values})"


def _renamed(row: dict[str, Value], number: int) -> dict[str, Value]:
    """The row under other keys of the same size, scattered as random ids are."""
    scattered = f"{(number * 2_654_435_761) % 2**32:08x}"
    keys = {"id", "key", "subject_id", "order_id", "alternate_id", "subscription_id"}
    changed = {
        name: scattered + str(value)[8:] if name in keys and isinstance(value, str) else value
        for name, value in row.items()
    }
    if "sequence" in changed:
        changed["sequence"] = number
    return changed
