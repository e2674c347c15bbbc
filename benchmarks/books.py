"""Lines in bulk, written straight into a marketplace's file: as many as a partner's month has."""

import random
import uuid
from pathlib import Path

import apsw
import msgspec

from comptoir.billing import keys
from comptoir.billing.model import Subject

DAY = 86_400_000_000
DAYS = 28
FIRST = 1_772_323_200_000_000  # 2026-03-01
MONTH = 202603
CACHE_KIB = 500_000
CHARGE_TYPES = ("new", "renew", "cycleCharge", "addQuantity")
PRICES = ("12.5", "14.95", "30", "99", "240.5", "7.25")
SHARES = ("1", "0.6666666667", "0.3333333333")


def write(database: Path, account_id: str, count: int) -> None:
    """``count`` unbilled licence lines in March 2026, each of a subscription of its own.

    Every twentieth subscription is of the same customer and order, so that lines share few subjects.
    """
    chance = random.Random(1)
    connection = apsw.Connection(str(database))
    with connection:
        for number in range(count):
            subject = _subject(number)
            document = msgspec.json.encode(subject)
            subject_id = keys.subject_id(document)
            connection.execute(
                "INSERT OR IGNORE INTO line_subjects (account_id, id, document) VALUES (?, ?, ?)",
                (account_id, subject_id, document.decode()),
            )
            _insert(connection, _line(account_id, number, count, subject_id, chance))
        connection.execute(
            "INSERT INTO billing_heads (account_id, line_sequence) VALUES (?, ?)", (account_id, count)
        )
    connection.close()


def _subject(number: int) -> Subject:
    customer = number // 20
    return Subject(
        partner_name="Rivermark Cloud",
        mpn_id="6120044",
        reseller_mpn_id="",
        customer_name=f"Customer {customer} & Sons",
        customer_domain=f"customer{customer}.example",
        customer_country="US",
        order_id=f"order-{customer:026d}1",
        alternate_id=f"{customer:012x}",
        product_id="CTR000000K7F",
        sku_id="0004",
        availability_id="CTR00000M1PQ",
        product_name="Lanternwick Desk",
        sku_name="Team",
        product_qualifiers=(),
        publisher_id="lanternwick",
        publisher_name="Lanternwick Software",
        subscription_description=f"Seats of team {number % 20}",
        term_and_billing_cycle="1 Month Subscription",
        billing_frequency="Monthly",
    )


def _line(
    account_id: str, number: int, count: int, subject_id: str, chance: random.Random
) -> dict[str, object]:
    ordered_at = FIRST + DAYS * DAY * number // count
    began = ordered_at // DAY * DAY
    price, quantity = chance.choice(PRICES), chance.randrange(1, 60)
    return {
        "account_id": account_id,
        "customer_id": _guid("customer", number // 20),
        "id": _guid("line", number),
        "sequence": number + 1,
        "subscription_id": _guid("subscription", number),
        "publisher_id": "lanternwick",
        "subject_id": subject_id,
        "kind": "licence",
        "charge_type": chance.choice(CHARGE_TYPES),
        "reference_id": _guid("event", number),
        "position": 0,
        "order_date": ordered_at,
        "bill_month": MONTH,
        "term_start_at": began,
        "term_end_at": began + 30 * DAY,
        "charge_start_at": began,
        "charge_end_at": began + 30 * DAY,
        "billing_days": 30,
        "cycle_days": 30,
        "quantity": quantity,
        "billable_quantity": str(quantity),
        "unit_price": price,
        "net_price": price,
        "effective_unit_price": chance.choice((price, "9.9666666667", "3.1233333333")),
        "pricing_currency": "USD",
        "currency": "USD",
        "exchange_rate": "1",
        "exchange_rate_at": FIRST,
        "exchange_month": 0,
        "tax_rate": "0.08875",
        "subtotal": chance.randrange(100, 1_000_000),
        "tax": 0,
        "price_adjustment": "",
        "credit_reason": "",
        "mirrors_id": None,
        "invoice_id": None,
    }


def _insert(connection: apsw.Connection, row: dict[str, object]) -> None:
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    connection.execute(f"INSERT INTO reconciliation_lines ({names}) VALUES ({values})", row)


def _guid(kind: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind}/{number}"))
