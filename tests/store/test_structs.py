"""Rows as structs, read in one piece, the same on both engines."""

import pytest
from msgspec import Struct

from comptoir.db import Database, Tx, sql
from comptoir.db.statement import StatementError

pytestmark = pytest.mark.anyio

PUT = sql("INSERT INTO billing_heads (account_id, line_sequence) VALUES (:account_id, :line_sequence)")
LIST = sql("""
    SELECT line_sequence AS count, account_id AS name FROM billing_heads
    WHERE line_sequence > :after ORDER BY line_sequence DESC, account_id LIMIT :limit
""")
ALL = sql("SELECT line_sequence AS count, account_id AS name FROM billing_heads ORDER BY account_id DESC")
TEXTS = ["a", 'quoted "b" \\', "ünï\u2028\x1f", "日本", ""]


class Head(Struct, array_like=True):
    count: int
    name: str


async def fill(tx: Tx) -> None:
    await tx.many(PUT, [{"account_id": text, "line_sequence": 2**62 + n} for n, text in enumerate(TEXTS)])


async def test_rows_come_in_the_order_of_the_statement(database: Database) -> None:
    await database.write(fill)

    async def work(tx: Tx) -> list[Head]:
        return await tx.structs(LIST, Head, after=2**62, limit=3)

    expected = [Head(2**62 + n, TEXTS[n]) for n in (4, 3, 2)]
    assert await database.read(work) == expected
    assert await database.report(work) == expected


async def test_without_a_limit_the_order_is_kept_too(database: Database) -> None:
    await database.write(fill)
    found = await database.read(lambda tx: tx.structs(ALL, Head))
    assert sorted(head.name for head in found) == sorted(TEXTS)
    assert [head.name for head in found][-1] == ""


async def test_no_rows(database: Database) -> None:
    assert await database.read(lambda tx: tx.structs(LIST, Head, after=0, limit=10)) == []


async def test_parameters_are_counted(database: Database) -> None:
    with pytest.raises(StatementError):
        await database.read(lambda tx: tx.structs(LIST, Head, after=0))
