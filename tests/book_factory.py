"""Lines, consumption and documents as they stand in the books, written straight into a market's database."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from comptoir.billing import store_consumption, store_invoices, store_lines
from comptoir.billing.calendar import month_end, month_of, month_start
from comptoir.billing.invoice_model import (
    Content,
    DocumentState,
    DocumentStatus,
    DocumentType,
    Invoice,
    Party,
    Payment,
)
from comptoir.billing.model import ChargeType, LineDraft, LineKind, Rates, Subject
from comptoir.billing.rating import ConsumptionLine, UsagePrice
from comptoir.core.accounts import TaxMode
from comptoir.db import Tx, sql
from tests.market import Market

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
CUSTOMER = "b46d3f18-90a7-4a52-8c1d-6e2f7a5503c9"
STAMP_LINES = sql("""
    UPDATE reconciliation_lines SET invoice_id = :invoice_id, tax = subtotal / 5
    WHERE account_id = :account_id AND id = :id
""")
STAMP_DAYS = sql("""
    UPDATE consumption_lines SET invoice_id = :invoice_id WHERE account_id = :account_id AND id = :id
""")


def guid(number: int, kind: int = 0) -> str:
    """Ids that are scattered like real ones, and the same in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind}/{number}"))


def subject(**changes: Any) -> Subject:
    base = Subject(
        partner_name="Rivermark Cloud",
        mpn_id="6120044",
        reseller_mpn_id="",
        customer_name="Atelier Lumen",
        customer_domain="atelierlumen.example",
        customer_country="FR",
        order_id="a81c5e09d274",
        alternate_id="a81c5e09d274",
        product_id="DZH318Z0K7QX",
        sku_id="0004",
        availability_id="DZH318Z0K9TP",
        product_name="Beacon Tickets",
        sku_name="Team plan",
        product_qualifiers=(),
        publisher_id="30911877",
        publisher_name="Beacon Labs",
        subscription_description="",
        term_and_billing_cycle="1 Month Subscription",
        billing_frequency="Monthly",
    )
    return replace(base, **changes)


def metered(**changes: Any) -> Subject:
    """What a usage line is about."""
    return subject(
        term_and_billing_cycle="per 100 e-mails",
        billing_frequency="",
        plan_id="team",
        dimension_id="email100",
        meter_name="Beacon Tickets - Team plan - E-mails",
        unit_of_measure="per 100 e-mails",
        **changes,
    )


def rates(month: datetime = MARCH, rate: str = "1") -> Rates:
    return Rates(Decimal(rate), month, 0, Decimal("0.2"))


def line(number: int, at: datetime = MARCH, **changes: Any) -> LineDraft:
    """A month of six seats."""
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    base = LineDraft(
        id=guid(number, 1),
        customer_id=CUSTOMER,
        subscription_id=guid(number, 2),
        publisher_id="30911877",
        subject_id="",
        kind=LineKind.LICENCE,
        charge_type=ChargeType.NEW,
        reference_id=guid(number, 3),
        position=0,
        order_date=at,
        bill_month=month_of(at),
        term_start_at=at,
        term_end_at=day + timedelta(days=30),
        charge_start_at=day,
        charge_end_at=day + timedelta(days=30),
        billing_days=30,
        cycle_days=30,
        quantity=6,
        billable_quantity=Decimal(6),
        unit_price=Decimal("14.95"),
        net_price=Decimal("14.95"),
        effective_unit_price=Decimal("14.95"),
        pricing_currency="USD",
        currency="USD",
        rates=rates(month_start(month_of(at))),
        subtotal=8970,
    )
    return replace(base, **changes)


def price(listed: str = "1", effective: str = "1") -> UsagePrice:
    return UsagePrice(Decimal(listed), Decimal(effective), "USD", "")


def usage_day(number: int, on: datetime = MARCH, **changes: Any) -> ConsumptionLine:
    """23.5 units of a dimension, used on one day."""
    base = ConsumptionLine(
        id=guid(number, 4),
        sequence=0,
        customer_id=CUSTOMER,
        subscription_id=guid(number, 2),
        subject_id="",
        product_id="DZH318Z0K7QX",
        sku_id="0004",
        dimension_id="email100",
        usage_on=on,
        bill_month=month_of(on),
        event_count=3,
        quantity=Decimal("23.5"),
        price=price(),
        currency="USD",
        rates=rates(month_start(month_of(on))),
    )
    return replace(base, **changes)


def document(number: str, at: datetime, **changes: Any) -> Invoice:
    """An issued invoice, of a month of its own: an account has one for each month and currency."""
    count = int(number[1:])
    month = (2000 + count // 12) * 100 + count % 12 + 1
    base = Invoice(
        account_id="",
        id=number,
        month=month,
        currency="USD",
        document_type=DocumentType.INVOICE,
        state=DocumentState.ACTIVE,
        status=DocumentStatus.ISSUED,
        amends_id=None,
        issued_at=at,
        line_sequence=0,
        tax_mode=TaxMode.ROW,
        subtotal=68629,
        tax=13725,
        total=82354,
        line_count=8,
        consumption_count=2,
        content=Content(bill_to=Party(name="Rivermark Cloud")),
    )
    return replace(base, **changes)


class Books:
    """The books of one account of a market."""

    def __init__(self, market: Market, account: str = "sandbox") -> None:
        self._market = market
        self._name = account

    async def account_id(self) -> str:
        return (await self._market.account(self._name)).id

    async def write(self, drafts: Sequence[LineDraft], about: Subject | None = None) -> None:
        """Write lines; those that name no subject are about ``about``."""
        account_id = await self.account_id()

        async def work(tx: Tx) -> None:
            subject_id = await store_lines.put_subject(tx, account_id, about or subject())
            lines = [replace(each, subject_id=each.subject_id or subject_id) for each in drafts]
            await store_lines.insert(tx, account_id, await store_lines.lock_books(tx, account_id), lines)

        await self._market.write(work)

    async def use(self, days: Sequence[ConsumptionLine], about: Subject | None = None) -> None:
        """Write consumption lines."""
        account_id = await self.account_id()

        async def work(tx: Tx) -> None:
            subject_id = await store_lines.put_subject(tx, account_id, about or metered())
            last = await store_lines.lock_books(tx, account_id)
            lines = [
                replace(each, subject_id=subject_id, sequence=sequence)
                for sequence, each in enumerate(days, start=last + 1)
            ]
            await store_consumption.put(tx, account_id, lines)
            await store_lines.advance(tx, account_id, last + len(lines))

        await self._market.write(work)

    async def grow(self, day: ConsumptionLine) -> None:
        """Later events of a day add to its line, which keeps its place in the books."""
        account_id = await self.account_id()

        async def work(tx: Tx) -> None:
            assert await store_consumption.put(tx, account_id, [day])

        await self._market.write(work)

    async def issue(
        self, invoice: Invoice, lines: Iterable[LineDraft] = (), days: Iterable[ConsumptionLine] = ()
    ) -> None:
        """Store a document as of now, and put lines and days on it."""
        account_id = await self.account_id()
        stamps = [{"account_id": account_id, "invoice_id": invoice.id, "id": each.id} for each in lines]
        day_stamps = [{"account_id": account_id, "invoice_id": invoice.id, "id": each.id} for each in days]

        async def work(tx: Tx) -> None:
            line_sequence = await store_lines.lock_books(tx, account_id)
            stored = replace(invoice, account_id=account_id, line_sequence=line_sequence)
            if await store_invoices.get(tx, account_id, invoice.id) is None:
                await store_invoices.insert(tx, stored)
            else:
                await store_invoices.update(tx, stored)
            await tx.many(STAMP_LINES, stamps)
            await tx.many(STAMP_DAYS, day_stamps)

        await self._market.write(work)

    async def pay(self, payment: Payment) -> None:
        account_id = await self.account_id()
        await self._market.write(lambda tx: store_invoices.insert_payment(tx, account_id, payment))


def days_of(month: int) -> list[datetime]:
    """Every day of a month (YYYYMM)."""
    first = month_start(month)
    return [first + timedelta(days=number) for number in range((month_end(month) - first).days)]
