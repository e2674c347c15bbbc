"""The books of an installation as tests hold them against each other, and as they prove themselves."""

from tests.market import Market
from tests.simulation import book_invariants

from comptoir.billing import service_verify
from comptoir.billing.verifying import Proof
from comptoir.db import Database, Tx, sql

TABLES = (
    "billing_cycles",
    "billing_heads",
    "consumption_lines",
    "due_work",
    "invoices",
    "journal",
    "journal_heads",
    "line_subjects",
    "order_lines",
    "orders",
    "payments",
    "postings",
    "reconciliation_lines",
    "sku_stock",
    "subscriptions",
    "usage_events",
)
"""What an account's time changes. The clock itself is left out: it is told by the wall's."""

# Tests look at everything of an account, on both engines.
_EVERYTHING = {
    table: sql(f"SELECT * FROM {table}" + (" WHERE account_id = :account_id" if table != "sku_stock" else ""))
    for table in TABLES
}


async def content(database: Database, account_id: str) -> dict[str, list[str]]:
    """Every row of an account's books, in a form that compares."""

    async def read(tx: Tx) -> dict[str, list[str]]:
        return {
            table: sorted(
                repr(sorted(dict(row).items()))
                for row in await (
                    tx.all(statement) if table == "sku_stock" else tx.all(statement, account_id=account_id)
                )
            )
            for table, statement in _EVERYTHING.items()
        }

    return await database.read(read)


async def prove(market: Market) -> Proof:
    """That the books hold: as the operator has it proven, and by the tests' own reading of the contract."""
    found = await market.read(service_verify.verify)
    assert isinstance(found, Proof), found
    for made in market.made.accounts:
        book_invariants.check(await book_invariants.read(market.services.database, made.tenant_id))
    return found
