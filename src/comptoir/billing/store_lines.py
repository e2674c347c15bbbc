"""Reconciliation lines, what they are about, and their postings in the database."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from comptoir.billing import keys
from comptoir.billing.model import ChargeType, Line, LineDraft, LineKind, Rates, Subject
from comptoir.core.instants import from_micros, to_micros
from comptoir.db import Row, Statement, Tx, Value, sql

KEYS_AT_ONCE = 32

COLUMNS = """
    account_id, customer_id, id, sequence, subscription_id, publisher_id, subject_id, kind, charge_type,
    reference_id, position, order_date, bill_month, term_start_at, term_end_at, charge_start_at,
    charge_end_at, billing_days, cycle_days, quantity, billable_quantity, unit_price, net_price,
    effective_unit_price, pricing_currency, currency, exchange_rate, exchange_rate_at, exchange_month,
    tax_rate, subtotal, tax, price_adjustment, credit_reason, mirrors_id, invoice_id
"""
"""Every column of ``reconciliation_lines``, as ``line_of`` reads them."""

# The account's head is locked from here to the commit: whoever writes lines waits for its turn, so that
# the sequence has no gaps.
LOCK_HEAD = sql("""
    INSERT INTO billing_heads (account_id, line_sequence) VALUES (:account_id, 0)
    ON CONFLICT (account_id) DO UPDATE SET line_sequence = billing_heads.line_sequence
    RETURNING line_sequence
""")

ADVANCE_HEAD = sql("""
    UPDATE billing_heads SET line_sequence = :line_sequence WHERE account_id = :account_id
""")

INSERT = sql(f"""
    INSERT INTO reconciliation_lines ({COLUMNS}) VALUES (
        :account_id, :customer_id, :id, :sequence, :subscription_id, :publisher_id, :subject_id, :kind,
        :charge_type, :reference_id, :position, :order_date, :bill_month, :term_start_at, :term_end_at,
        :charge_start_at, :charge_end_at, :billing_days, :cycle_days, :quantity, :billable_quantity,
        :unit_price, :net_price, :effective_unit_price, :pricing_currency, :currency, :exchange_rate,
        :exchange_rate_at, :exchange_month, :tax_rate, :subtotal, 0, :price_adjustment, :credit_reason,
        :mirrors_id, NULL
    )
""")  # noqa: S608 - fixed texts

# A line's posting has the line's id and amount: what the customer owes but was not billed yet, earned from
# the publisher's plans.
POST = sql("""
    INSERT INTO postings (account_id, id, source_kind, source_id, at, debit, credit, amount, currency)
    SELECT account_id, id, 'line', id, order_date, 'unbilled', 'revenue:' || publisher_id, subtotal, currency
    FROM reconciliation_lines
    WHERE account_id = :account_id AND sequence > :after_sequence AND sequence <= :last_sequence
""")


def _find(count: int) -> Statement:
    pairs = ", ".join(f"(:customer_{number}, :id_{number})" for number in range(count))
    return sql(f"""
        SELECT id FROM reconciliation_lines
        WHERE account_id = :account_id AND (customer_id, id) IN (VALUES {pairs})
    """)  # noqa: S608 - parameter names


# A statement is one fixed text, so there is one for a single line and one for many; the rest is padded.
FIND_1 = _find(1)
FIND_MANY = _find(KEYS_AT_ONCE)

GET = sql(f"""
    SELECT {COLUMNS} FROM reconciliation_lines
    WHERE account_id = :account_id AND customer_id = :customer_id AND id = :id
""")  # noqa: S608 - fixed texts

LIST_OF_SUBSCRIPTION = sql(f"""
    SELECT {COLUMNS} FROM reconciliation_lines
    WHERE account_id = :account_id AND subscription_id = :subscription_id ORDER BY sequence
""")  # noqa: S608 - fixed texts

COUNTS = """
    NOT EXISTS (
        SELECT 1 FROM invoices AS i
        WHERE i.account_id = l.account_id AND i.id = l.invoice_id
            AND (i.state = 'void' OR (i.status = 'draft' AND i.amends_id IS NOT NULL))
    )
"""
"""Whether a line ``l`` counts: a document that was made void has been billed anew by lines of another one;
while that one is a draft, the document still counts."""

LIST_OF_TERM = sql(f"""
    SELECT {COLUMNS} FROM reconciliation_lines AS l
    WHERE account_id = :account_id AND subscription_id = :subscription_id AND term_start_at = :term_start_at
        AND kind = 'licence' AND {COUNTS}
    ORDER BY sequence
""")  # noqa: S608 - fixed texts

PUT_SUBJECT = sql("""
    INSERT INTO line_subjects (account_id, id, document) VALUES (:account_id, :id, :document)
    ON CONFLICT (account_id, id) DO NOTHING
""")

GET_SUBJECT = sql("SELECT document FROM line_subjects WHERE account_id = :account_id AND id = :id")

_ENCODER = msgspec.json.Encoder()
_SUBJECT = msgspec.json.Decoder(Subject)


async def lock_books(tx: Tx, account_id: str) -> int:
    """The sequence of the account's last line; nobody else writes lines until the transaction ends."""
    row = await tx.one(LOCK_HEAD, account_id=account_id)
    assert row is not None, "the head was just written"
    sequence: int = row["line_sequence"]
    return sequence


async def insert(tx: Tx, account_id: str, last_sequence: int, drafts: Sequence[LineDraft]) -> None:
    """Write lines behind the last one, each with its posting. The caller holds the books."""
    rows = [
        _row(account_id, sequence, draft) for sequence, draft in enumerate(drafts, start=last_sequence + 1)
    ]
    new_last = last_sequence + len(rows)
    await tx.many(INSERT, rows)
    await tx.run(POST, account_id=account_id, after_sequence=last_sequence, last_sequence=new_last)
    await advance(tx, account_id, new_last)


async def advance(tx: Tx, account_id: str, last_sequence: int) -> None:
    """Note the sequence of the account's last line. The caller holds the books."""
    await tx.run(ADVANCE_HEAD, account_id=account_id, line_sequence=last_sequence)


async def written(tx: Tx, account_id: str, drafts: Sequence[LineDraft]) -> Collection[str]:
    """The ids of those among the lines that are in the books already."""
    found: set[str] = set()
    for chunk in _chunks(drafts):
        parameters: dict[str, Value] = {"account_id": account_id}
        for number, draft in enumerate(chunk):
            parameters[f"customer_{number}"], parameters[f"id_{number}"] = draft.customer_id, draft.id
        statement = FIND_1 if len(chunk) == 1 else FIND_MANY
        found.update(row["id"] for row in await tx.all(statement, **parameters))
    return found


async def get(tx: Tx, account_id: str, customer_id: str, line_id: str) -> Line | None:
    """One line."""
    row = await tx.one(GET, account_id=account_id, customer_id=customer_id, id=line_id)
    return None if row is None else line_of(row)


async def list_of_subscription(tx: Tx, account_id: str, subscription_id: str) -> list[Line]:
    """Every line of a subscription in the order in which they were written."""
    rows = await tx.all(LIST_OF_SUBSCRIPTION, account_id=account_id, subscription_id=subscription_id)
    return [line_of(row) for row in rows]


async def list_of_term(tx: Tx, account_id: str, subscription_id: str, term_start_at: datetime) -> list[Line]:
    """The licence lines of one term that count, in the order in which they were written."""
    rows = await tx.all(
        LIST_OF_TERM,
        account_id=account_id,
        subscription_id=subscription_id,
        term_start_at=to_micros(term_start_at),
    )
    return [line_of(row) for row in rows]


async def put_subject(tx: Tx, account_id: str, subject: Subject) -> str:
    """Store what lines are about, once for each content; its id."""
    document = _ENCODER.encode(subject)
    subject_id = keys.subject_id(document)
    await tx.run(PUT_SUBJECT, account_id=account_id, id=subject_id, document=document.decode())
    return subject_id


async def get_subject(tx: Tx, account_id: str, subject_id: str) -> Subject:
    """What a line is about."""
    row = await tx.one(GET_SUBJECT, account_id=account_id, id=subject_id)
    assert row is not None, f"no line is without its subject: {subject_id}"
    return subject_of(row["document"])


def subject_of(document: str) -> Subject:
    """The subject in a ``document`` of ``line_subjects``."""
    return _SUBJECT.decode(document)


def line_of(row: Row) -> Line:
    """The line in a row with all ``COLUMNS``."""
    return Line(
        id=row["id"],
        sequence=row["sequence"],
        customer_id=row["customer_id"],
        subscription_id=row["subscription_id"],
        publisher_id=row["publisher_id"],
        subject_id=row["subject_id"],
        kind=LineKind(row["kind"]),
        charge_type=ChargeType(row["charge_type"]),
        reference_id=row["reference_id"],
        position=row["position"],
        order_date=from_micros(row["order_date"]),
        bill_month=row["bill_month"],
        term_start_at=from_micros(row["term_start_at"]),
        term_end_at=from_micros(row["term_end_at"]),
        charge_start_at=from_micros(row["charge_start_at"]),
        charge_end_at=from_micros(row["charge_end_at"]),
        billing_days=row["billing_days"],
        cycle_days=row["cycle_days"],
        quantity=row["quantity"],
        billable_quantity=Decimal(row["billable_quantity"]),
        unit_price=Decimal(row["unit_price"]),
        net_price=Decimal(row["net_price"]),
        effective_unit_price=Decimal(row["effective_unit_price"]),
        pricing_currency=row["pricing_currency"],
        currency=row["currency"],
        rates=Rates(
            exchange_rate=Decimal(row["exchange_rate"]),
            exchange_rate_at=from_micros(row["exchange_rate_at"]),
            exchange_month=row["exchange_month"],
            tax_rate=Decimal(row["tax_rate"]),
        ),
        subtotal=row["subtotal"],
        tax=row["tax"],
        price_adjustment=row["price_adjustment"],
        credit_reason=row["credit_reason"],
        mirrors_id=row["mirrors_id"],
        invoice_id=row["invoice_id"],
    )


def _chunks(drafts: Sequence[LineDraft]) -> Iterator[Sequence[LineDraft]]:
    """Parts of one line or of ``KEYS_AT_ONCE``: the last one is filled up with its first line."""
    for first in range(0, len(drafts), KEYS_AT_ONCE):
        chunk = list(drafts[first : first + KEYS_AT_ONCE])
        yield chunk if len(chunk) == 1 else chunk + chunk[:1] * (KEYS_AT_ONCE - len(chunk))


def _row(account_id: str, sequence: int, draft: LineDraft) -> dict[str, Value]:
    return {
        "account_id": account_id,
        "customer_id": draft.customer_id,
        "id": draft.id,
        "sequence": sequence,
        "subscription_id": draft.subscription_id,
        "publisher_id": draft.publisher_id,
        "subject_id": draft.subject_id,
        "kind": draft.kind.value,
        "charge_type": draft.charge_type.value,
        "reference_id": draft.reference_id,
        "position": draft.position,
        "order_date": to_micros(draft.order_date),
        "bill_month": draft.bill_month,
        "term_start_at": to_micros(draft.term_start_at),
        "term_end_at": to_micros(draft.term_end_at),
        "charge_start_at": to_micros(draft.charge_start_at),
        "charge_end_at": to_micros(draft.charge_end_at),
        "billing_days": draft.billing_days,
        "cycle_days": draft.cycle_days,
        "quantity": draft.quantity,
        "billable_quantity": format(draft.billable_quantity, "f"),
        "unit_price": format(draft.unit_price, "f"),
        "net_price": format(draft.net_price, "f"),
        "effective_unit_price": format(draft.effective_unit_price, "f"),
        "pricing_currency": draft.pricing_currency,
        "currency": draft.currency,
        "exchange_rate": format(draft.rates.exchange_rate, "f"),
        "exchange_rate_at": to_micros(draft.rates.exchange_rate_at),
        "exchange_month": draft.rates.exchange_month,
        "tax_rate": format(draft.rates.tax_rate, "f"),
        "subtotal": draft.subtotal,
        "price_adjustment": draft.price_adjustment,
        "credit_reason": draft.credit_reason,
        "mirrors_id": draft.mirrors_id,
    }
