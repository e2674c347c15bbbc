"""Customers, agreements and resellers in the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec

from comptoir.core.instants import from_micros, to_micros
from comptoir.customers.model import (
    Agreement,
    AgreementType,
    BillingProfile,
    Contact,
    Customer,
    CustomerStanding,
    CustomerSummary,
    Qualification,
    Relationship,
    Reseller,
    Vetting,
)
from comptoir.customers.paging import Filter, FilterField, Position, Seek, name_key
from comptoir.db import Row, Tx, Value, sql
from comptoir.db.statement import Statement

AGREEMENTS_MAX = 500
"""How many confirmations of one customer a list shows, the newest first."""

RESELLERS_MAX = 1_000
STANDINGS_MAX = 10_000

_CUSTOMER = """
    SELECT account_id, id, commerce_id, domain, relationship, qualification, registration_number,
           associated_partner_id, document, billing_version, created_at
    FROM customers
    WHERE id = :id AND deleted_at IS NULL
"""
# These three read without the account: a customer of another account is refused otherwise than an unknown
# one (00-cross-cutting section 11.4), and the service compares the accounts.
GET = sql(_CUSTOMER)
HOLD = sql(_CUSTOMER + " {for_share}")
LOCK = sql(_CUSTOMER + " {for_update}")

# Also one that was deleted or given up.
GET_FORMER = sql("""
    SELECT account_id, id, commerce_id, domain, relationship, qualification, registration_number,
           associated_partner_id, document, billing_version, created_at
    FROM customers
    WHERE account_id = :account_id AND id = :id
""")

GET_EMAIL = sql("SELECT email FROM customers WHERE account_id = :account_id AND id = :id")

# Domains are unique over all accounts, as tenants are in the directory they stand for.
FIND_DOMAIN = sql("SELECT id FROM customers WHERE domain = :domain AND deleted_at IS NULL")

INSERT = sql("""
    INSERT INTO customers (
        account_id, id, commerce_id, domain, company_name, name_key, country, email, relationship,
        qualification, registration_number, associated_partner_id, document, billing_version, created_at
    ) VALUES (
        :account_id, :id, :commerce_id, :domain, :company_name, :name_key, :country, :email, :relationship,
        :qualification, :registration_number, :associated_partner_id, :document, :billing_version, :created_at
    )
    ON CONFLICT DO NOTHING
""")

UPDATE = sql("""
    UPDATE customers SET
        company_name = :company_name, name_key = :name_key, email = :email, relationship = :relationship,
        qualification = :qualification, document = :document, billing_version = :billing_version
    WHERE account_id = :account_id AND id = :id
""")

DELETE = sql("""
    UPDATE customers SET deleted_at = :deleted_at WHERE account_id = :account_id AND id = :id
""")

# The account's row serves as the lock under which its customers are counted.
LOCK_ACCOUNT = sql("SELECT id FROM accounts WHERE id = :account_id {for_update}")

COUNT = sql("""
    SELECT count(*) AS customers FROM customers
    WHERE account_id = :account_id AND deleted_at IS NULL AND relationship = 'reseller'
""")

_SUMMARIES = """
    SELECT id, domain, company_name, name_key, country, registration_number, associated_partner_id
    FROM customers
    WHERE account_id = :account_id AND deleted_at IS NULL AND relationship = 'reseller'
"""
_AFTER = """
    AND (name_key{c}, id{c}) > (:name_key, :id) ORDER BY name_key{c}, id{c} LIMIT :limit
"""
_BEFORE = """
    AND (name_key{c}, id{c}) < (:name_key, :id) ORDER BY name_key{c} DESC, id{c} DESC LIMIT :limit
"""
_CONDITIONS = {
    None: "",
    FilterField.COMPANY_NAME: "AND name_key{c} >= :prefix AND name_key{c} < :prefix_end",
    FilterField.DOMAIN: "AND domain{c} >= :prefix AND domain{c} < :prefix_end",
    FilterField.INDIRECT_RESELLER: (
        "AND associated_partner_id{c} >= :prefix AND associated_partner_id{c} < :prefix_end"
    ),
    # The account itself is the provider of its customers that came through a reseller.
    FilterField.INDIRECT_CLOUD_SOLUTION_PROVIDER: (
        "AND associated_partner_id IS NOT NULL AND account_id{c} >= :prefix AND account_id{c} < :prefix_end"
    ),
}
LIST_AFTER: Mapping[FilterField | None, Statement] = {
    field: sql(_SUMMARIES + condition + _AFTER) for field, condition in _CONDITIONS.items()
}
LIST_BEFORE: Mapping[FilterField | None, Statement] = {
    field: sql(_SUMMARIES + condition + _BEFORE) for field, condition in _CONDITIONS.items()
}

LIST_STANDINGS = sql("""
    SELECT id, company_name, domain, country,
           (SELECT count(*) FROM agreements
            WHERE agreements.account_id = customers.account_id AND agreements.customer_id = customers.id
              AND agreements.type IN ('MicrosoftCustomerAgreement', 'direct')) AS agreements
    FROM customers
    WHERE account_id = :account_id AND deleted_at IS NULL AND relationship = 'reseller'
    ORDER BY name_key{c}, id{c} LIMIT :limit
""")

INSERT_AGREEMENT = sql("""
    INSERT INTO agreements (
        account_id, customer_id, id, type, template_id, contact, user_id, agreed_at, created_at
    ) VALUES (
        :account_id, :customer_id, :id, :type, :template_id, :contact, :user_id, :agreed_at, :created_at
    )
""")

LIST_AGREEMENTS = sql("""
    SELECT id, type, template_id, contact, user_id, agreed_at, created_at
    FROM agreements
    WHERE account_id = :account_id AND customer_id = :customer_id AND type <> 'direct'
      AND (CAST(:type AS TEXT) IS NULL OR type = :type)
    ORDER BY created_at DESC, id{c} LIMIT :limit
""")

FIND_AGREEMENT = sql("""
    SELECT id FROM agreements
    WHERE account_id = :account_id AND customer_id = :customer_id
      AND type IN ('MicrosoftCustomerAgreement', 'direct')
    LIMIT 1
""")

FIND_DIRECT_AGREEMENT = sql("""
    SELECT id FROM agreements
    WHERE account_id = :account_id AND customer_id = :customer_id AND type = 'direct'
    LIMIT 1
""")

INSERT_RESELLER = sql("""
    INSERT INTO resellers (account_id, id, name, mpn_id, state, location, has_signed_agreement)
    VALUES (:account_id, :id, :name, :mpn_id, :state, :location, :has_signed_agreement)
""")

_RESELLER = """
    SELECT id, name, mpn_id, state, location, has_signed_agreement FROM resellers
    WHERE account_id = :account_id
"""
GET_RESELLER = sql(_RESELLER + " AND id = :id")
GET_RESELLER_BY_MPN = sql(_RESELLER + " AND mpn_id = :mpn_id")
LIST_RESELLERS = sql(_RESELLER + " ORDER BY name{c}, id{c} LIMIT :limit")


@dataclass(frozen=True, slots=True)
class _Document:
    """What is stored of a customer as one JSON text."""

    billing: BillingProfile
    vettings: tuple[Vetting, ...] = ()
    spending_budget: Decimal | None = None


async def get(tx: Tx, customer_id: str, *, hold: bool = False) -> Customer | None:
    """A customer of whichever account. ``hold`` keeps it unchanged until the transaction ends."""
    row = await tx.one(HOLD if hold else GET, id=customer_id)
    return None if row is None else _customer(row)


async def lock(tx: Tx, customer_id: str) -> Customer | None:
    """A customer of whichever account, to change it: others wait."""
    row = await tx.one(LOCK, id=customer_id)
    return None if row is None else _customer(row)


async def get_former(tx: Tx, account_id: str, customer_id: str) -> Customer:
    """A customer that is known to have been one, deleted or not."""
    row = await tx.one(GET_FORMER, account_id=account_id, id=customer_id)
    assert row is not None, customer_id
    return _customer(row)


async def email_of(tx: Tx, account_id: str, customer_id: str) -> str:
    """The address of a customer that is known to have been one, deleted or not."""
    row = await tx.one(GET_EMAIL, account_id=account_id, id=customer_id)
    assert row is not None, customer_id
    return str(row["email"])


async def is_domain_taken(tx: Tx, domain: str) -> bool:
    """Whether a customer of any account has the domain, which must be in lower case."""
    return await tx.one(FIND_DOMAIN, domain=domain) is not None


async def insert(tx: Tx, customer: Customer) -> bool:
    """Store a new customer; ``False``, with nothing stored, if its domain is taken."""
    inserted = await tx.run(
        INSERT,
        account_id=customer.account_id,
        id=customer.id,
        commerce_id=customer.commerce_id,
        domain=customer.domain,
        country=customer.country,
        registration_number=customer.registration_number or None,
        associated_partner_id=customer.associated_partner_id or None,
        created_at=to_micros(customer.created_at),
        **_changing(customer),
    )
    return inserted == 1


async def update(tx: Tx, customer: Customer) -> None:
    """Store what can change of a customer that is locked."""
    await tx.run(UPDATE, account_id=customer.account_id, id=customer.id, **_changing(customer))


async def delete(tx: Tx, account_id: str, customer_id: str, deleted_at: datetime) -> None:
    """The customer is gone for every caller; its row stays for the bills."""
    await tx.run(DELETE, account_id=account_id, id=customer_id, deleted_at=to_micros(deleted_at))


async def count_exclusively(tx: Tx, account_id: str) -> int:
    """How many customers the account has, while no other transaction counts them."""
    await tx.one(LOCK_ACCOUNT, account_id=account_id)
    row = await tx.one(COUNT, account_id=account_id)
    assert row is not None
    return int(row["customers"])


async def list_page(tx: Tx, account_id: str, seek: Seek) -> list[CustomerSummary]:
    """Up to one customer more than the page holds, in the direction of the seek."""
    return await _list(
        tx, account_id, seek.filter, seek.position, seek.limit + 1, is_backward=seek.is_backward
    )


async def has_others(
    tx: Tx, account_id: str, wanted: Filter | None, position: Position, *, is_backward: bool
) -> bool:
    """Whether a customer of the list lies beyond a position."""
    return bool(await _list(tx, account_id, wanted, position, 1, is_backward=is_backward))


async def list_standings(tx: Tx, account_id: str) -> list[CustomerStanding]:
    """The account's customers by name, with whether their agreement is confirmed."""
    rows = await tx.all(LIST_STANDINGS, account_id=account_id, limit=STANDINGS_MAX)
    return [
        CustomerStanding(
            id=row["id"],
            company_name=row["company_name"],
            domain=row["domain"],
            country=row["country"],
            has_agreement=row["agreements"] > 0,
        )
        for row in rows
    ]


async def insert_agreement(tx: Tx, account_id: str, customer_id: str, agreement: Agreement) -> None:
    """Store a confirmation."""
    await tx.run(
        INSERT_AGREEMENT,
        account_id=account_id,
        customer_id=customer_id,
        id=agreement.id,
        type=agreement.type.value,
        template_id=agreement.template_id,
        contact=msgspec.json.encode(agreement.contact).decode(),
        user_id=agreement.user_id,
        agreed_at=to_micros(agreement.agreed_at),
        created_at=to_micros(agreement.created_at),
    )


async def list_agreements(
    tx: Tx, account_id: str, customer_id: str, wanted: AgreementType | None
) -> list[Agreement]:
    """The customer's confirmations, newest first; those of every type for ``None``."""
    rows = await tx.all(
        LIST_AGREEMENTS,
        account_id=account_id,
        customer_id=customer_id,
        type=None if wanted is None else wanted.value,
        limit=AGREEMENTS_MAX,
    )
    return [_agreement(row) for row in rows]


async def has_agreement(tx: Tx, account_id: str, customer_id: str) -> bool:
    """Whether the customer agreement was confirmed, or signed by the customer directly."""
    return await tx.one(FIND_AGREEMENT, account_id=account_id, customer_id=customer_id) is not None


async def insert_direct_agreement(
    tx: Tx,
    account_id: str,
    customer_id: str,
    *,
    agreement_id: str,
    template_id: str,
    signed_at: datetime,
) -> None:
    """Store that the customer signed directly. It is no confirmation: lists leave it out."""
    await tx.run(
        INSERT_AGREEMENT,
        account_id=account_id,
        customer_id=customer_id,
        id=agreement_id,
        type="direct",
        template_id=template_id,
        contact="{}",
        user_id=None,
        agreed_at=to_micros(signed_at),
        created_at=to_micros(signed_at),
    )


async def has_direct_agreement(tx: Tx, account_id: str, customer_id: str) -> bool:
    """Whether the customer signed the customer agreement directly."""
    return await tx.one(FIND_DIRECT_AGREEMENT, account_id=account_id, customer_id=customer_id) is not None


async def insert_reseller(tx: Tx, account_id: str, reseller: Reseller) -> None:
    """Store a reseller that works with the account."""
    await tx.run(
        INSERT_RESELLER,
        account_id=account_id,
        id=reseller.id,
        name=reseller.name,
        mpn_id=reseller.mpn_id,
        state=reseller.state,
        location=reseller.location,
        has_signed_agreement=int(reseller.has_signed_agreement),
    )


async def get_reseller(tx: Tx, account_id: str, reseller_id: str) -> Reseller | None:
    """A reseller of the account by its tenant id, in lower case."""
    row = await tx.one(GET_RESELLER, account_id=account_id, id=reseller_id)
    return None if row is None else _reseller(row)


async def get_reseller_by_mpn(tx: Tx, account_id: str, mpn_id: str) -> Reseller | None:
    """A reseller of the account by its MPN id."""
    row = await tx.one(GET_RESELLER_BY_MPN, account_id=account_id, mpn_id=mpn_id)
    return None if row is None else _reseller(row)


async def list_resellers(tx: Tx, account_id: str) -> list[Reseller]:
    """The account's resellers by name."""
    return [
        _reseller(row) for row in await tx.all(LIST_RESELLERS, account_id=account_id, limit=RESELLERS_MAX)
    ]


async def _list(
    tx: Tx, account_id: str, wanted: Filter | None, position: Position, limit: int, *, is_backward: bool
) -> list[CustomerSummary]:
    statements = LIST_BEFORE if is_backward else LIST_AFTER
    condition: Mapping[str, Value] = {}
    if wanted is not None:
        condition = {"prefix": wanted.prefix, "prefix_end": wanted.prefix_end}
    rows = await tx.all(
        statements[None if wanted is None else wanted.field],
        account_id=account_id,
        name_key=position.name_key,
        id=position.id,
        limit=limit,
        **condition,
    )
    return [_summary(row) for row in rows]


def _changing(customer: Customer) -> Mapping[str, Value]:
    """The columns that ``UPDATE`` writes."""
    document = _Document(customer.billing, customer.vettings, customer.spending_budget)
    return {
        "company_name": customer.company_name,
        "name_key": name_key(customer.company_name),
        "email": customer.email,
        "relationship": customer.relationship.value,
        "qualification": customer.qualification.value,
        "document": msgspec.json.encode(document).decode(),
        "billing_version": customer.billing_version,
    }


def _customer(row: Row) -> Customer:
    document = msgspec.json.decode(row["document"], type=_Document)
    return Customer(
        id=row["id"],
        account_id=row["account_id"],
        commerce_id=row["commerce_id"],
        domain=row["domain"],
        billing=document.billing,
        billing_version=row["billing_version"],
        created_at=from_micros(row["created_at"]),
        relationship=Relationship(row["relationship"]),
        qualification=Qualification(row["qualification"]),
        registration_number=row["registration_number"] or "",
        associated_partner_id=row["associated_partner_id"] or "",
        vettings=document.vettings,
        spending_budget=document.spending_budget,
    )


def _summary(row: Row) -> CustomerSummary:
    return CustomerSummary(
        id=row["id"],
        domain=row["domain"],
        company_name=row["company_name"],
        name_key=row["name_key"],
        country=row["country"],
        registration_number=row["registration_number"] or "",
        associated_partner_id=row["associated_partner_id"] or "",
    )


def _agreement(row: Row) -> Agreement:
    return Agreement(
        id=row["id"],
        type=AgreementType(row["type"]),
        template_id=row["template_id"],
        contact=msgspec.json.decode(row["contact"], type=Contact),
        user_id=row["user_id"] or "",
        agreed_at=from_micros(row["agreed_at"]),
        created_at=from_micros(row["created_at"]),
    )


def _reseller(row: Row) -> Reseller:
    return Reseller(
        id=row["id"],
        name=row["name"],
        mpn_id=row["mpn_id"],
        state=row["state"],
        location=row["location"],
        has_signed_agreement=row["has_signed_agreement"] == 1,
    )
