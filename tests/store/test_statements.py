"""Every statement that a store declares runs on both engines, and gives the same columns on both."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import apsw
import apsw.ext
import asyncpg
import pytest

import comptoir
from comptoir.db.engines import locate
from comptoir.db.sqlite_tx import connect
from comptoir.db.statement import Statement

pytestmark = pytest.mark.anyio

EXAMPLES: dict[str, Any] = {"text": "1", "int8": 1, "bytea": b"1", "json": "[]"}
"""A value for each type that a parameter may have: the common subset of the engines is text and BIGINT."""


def _declared() -> Iterator[Any]:
    for module in pkgutil.walk_packages(comptoir.__path__, "comptoir."):
        if not module.name.rpartition(".")[2].startswith("store"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Statement):
                yield pytest.param(value, id=f"{module.name}.{name}")


@pytest.mark.parametrize("statement", list(_declared()))
async def test_statement_runs_on_both_engines(
    statement: Statement, postgresql_empty: str, sqlite_empty: str
) -> None:
    connection = await asyncpg.connect(postgresql_empty)
    try:
        prepared = await connection.prepare(statement.postgresql)
        types = [parameter.name for parameter in prepared.get_parameters()]
        values = [EXAMPLES[name] for name in types]
        columns = {attribute.name: attribute.type.name for attribute in prepared.get_attributes()}
        transaction = connection.transaction()
        await transaction.start()
        try:
            await prepared.fetch(*values)
        except asyncpg.IntegrityConstraintViolationError:
            pass  # The example values need not have the rows they refer to.
        finally:
            await transaction.rollback()
    finally:
        await connection.close()
    assert set(columns.values()) <= EXAMPLES.keys() | {"int4"}, "cast the column to TEXT or BIGINT"
    named = dict(zip(statement.parameters, values, strict=True))
    assert _run_on_sqlite(sqlite_empty, statement, named) == list(columns)


def _run_on_sqlite(url: str, statement: Statement, values: dict[str, Any]) -> list[str]:
    connection = connect(locate(url).path, writes=True)
    try:
        info = apsw.ext.query_info(connection, statement.sqlite, values)
        connection.execute("BEGIN")
        try:
            list(connection.execute(statement.sqlite, values))
        except apsw.ConstraintError:
            pass
        finally:
            connection.execute("ROLLBACK")
    finally:
        connection.close()
    return [name for name, _type in info.description]
