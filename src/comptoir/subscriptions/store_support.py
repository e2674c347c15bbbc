"""Support contacts in the database: those that are not the partner itself by default."""

from comptoir.db import Tx, sql
from comptoir.subscriptions.model import SupportContact

GET = sql("""
    SELECT tenant_id, mpn_id, name FROM support_contacts
    WHERE account_id = :account_id AND customer_id = :customer_id AND subscription_id = :subscription_id
""")
PUT = sql("""
    INSERT INTO support_contacts (account_id, customer_id, subscription_id, tenant_id, mpn_id, name)
    VALUES (:account_id, :customer_id, :subscription_id, :tenant_id, :mpn_id, :name)
    ON CONFLICT (account_id, customer_id, subscription_id)
    DO UPDATE SET tenant_id = excluded.tenant_id, mpn_id = excluded.mpn_id, name = excluded.name
""")


async def get(tx: Tx, account_id: str, customer_id: str, subscription_id: str) -> SupportContact | None:
    """The contact of a subscription, if one was ever chosen."""
    row = await tx.one(GET, account_id=account_id, customer_id=customer_id, subscription_id=subscription_id)
    return None if row is None else SupportContact(row["tenant_id"], row["mpn_id"], row["name"])


async def put(
    tx: Tx, account_id: str, customer_id: str, subscription_id: str, contact: SupportContact
) -> None:
    """Store the contact in place of an earlier one."""
    await tx.run(
        PUT,
        account_id=account_id,
        customer_id=customer_id,
        subscription_id=subscription_id,
        tenant_id=contact.tenant_id,
        mpn_id=contact.mpn_id,
        name=contact.name,
    )
