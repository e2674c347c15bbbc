"""The floor of checkouts: a plain loop that writes the same rows, with one fsync for each order."""

import random
import time
from pathlib import Path

import apsw

SCHEMA = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
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
    target = apsw.Connection(str(folder / f"raw-{random.getrandbits(32)}.db"))
    target.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    for (sql,) in source.execute(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    ):
        target.execute(sql)
    inserts = {table: _insert(table, row) for table, row in rows.items()}
    source.close()
    began = time.perf_counter()
    for number in range(count):
        with target:
            for table, row in rows.items():
                for part in range(shares[table]):
                    target.execute(inserts[table], _renamed(row, number * 100 + part))
    elapsed = time.perf_counter() - began
    target.close()
    return count / elapsed


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
