"""What the tests of the database itself read and write: the ``instance`` table, and accounts with a clock."""

from comptoir.core.accounts import AccountClock
from comptoir.core.instants import optional_micros
from comptoir.db import Tx, sql

PUT = sql("""
    INSERT INTO instance (name, value) VALUES (:name, :value)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
""")
INSERT = sql("INSERT INTO instance (name, value) VALUES (:name, :value)")
GET = sql("SELECT name, value FROM instance WHERE name = :name")
GET_LOCKED = sql("SELECT name, value FROM instance WHERE name = :name {for_update}")
LIST = sql("SELECT name, value FROM instance ORDER BY name{c}")
RENAME_ALL = sql("UPDATE instance SET value = :value")
ADD_ACCOUNT = sql("""
    INSERT INTO accounts (
        id, name, kind, profile, domain, company_name, country, currency, mpn_id, is_indirect_provider,
        organization, settings, clock_offset_micros, clock_frozen_at, created_at
    ) VALUES (
        :id, :id, 'sandbox', 'relaxed', :id, 'Contoso', 'US', 'USD', '1', 0, '{}', '{}', :offset, :frozen_at,
        0
    )
""")


async def put(tx: Tx, name: str, value: str = "") -> None:
    await tx.run(PUT, name=name, value=value)


async def value_of(tx: Tx, name: str) -> str | None:
    row = await tx.one(GET, name=name)
    return None if row is None else row["value"]


async def names(tx: Tx) -> list[str]:
    return [row["name"] for row in await tx.all(LIST)]


async def add_account(tx: Tx, account_id: str, clock: AccountClock = AccountClock()) -> None:  # noqa: B008 - frozen
    await tx.run(
        ADD_ACCOUNT, id=account_id, offset=clock.offset_micros, frozen_at=optional_micros(clock.frozen_at)
    )
