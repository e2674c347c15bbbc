"""Pages of lines come from an index in its order: the thousandth costs what the first does."""

import pytest
from tests.engines import sqlite_empty

from comptoir.billing import store_reading
from comptoir.db.engines import locate
from comptoir.db.sqlite_tx import connect
from comptoir.db.statement import Statement

__all__ = ["sqlite_empty"]

PAGES = [
    pytest.param(getattr(store_reading, name), id=name)
    for name in (
        "UNBILLED_RECONCILIATION",
        "OPEN_RECONCILIATION",
        "BILLED_RECONCILIATION",
        "UNBILLED_CONSUMPTION",
        "BILLED_CONSUMPTION",
        "NEXT_UNBILLED_MONTH",
        "NEXT_BILLED_MONTH",
    )
]


@pytest.mark.parametrize("statement", PAGES)
def test_nothing_is_sorted_or_searched_through(statement: Statement, sqlite_empty: str) -> None:
    connection = connect(locate(sqlite_empty).path, writes=False)
    try:
        parameters = dict.fromkeys(statement.parameters, 1)
        plan = [
            str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {statement.sqlite}", parameters)
        ]
    finally:
        connection.close()
    (step,) = plan
    assert step.startswith("SEARCH")
    assert "currency=?" in step
    assert ">(?,?,?,?)" in step or "bill_month>?" in step
