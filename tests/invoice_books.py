"""Books for tests of invoices: lines and days of usage as the engine writes them, without anything bought.

``Ledger`` holds one account in a fresh database and does its due work as the worker does, as of the time at
which it fell due.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

import msgspec

from comptoir.billing import calendar, cents, keys, service_invoices, store_consumption, store_lines
from comptoir.billing import service_documents as documents
from comptoir.billing.invoice_model import BilledDocument
from comptoir.billing.model import ChargeType, Line, LineDraft, LineKind, Rates, Subject
from comptoir.billing.rating import ConsumptionLine, UsagePrice
from comptoir.billing.service_lines import write_lines
from comptoir.billing.service_schedule import RUN_INVOICES, schedule_run
from comptoir.clock.model import Work
from comptoir.core.accounts import Account, AccountKind
from comptoir.core.context import Actor, Context
from comptoir.core.ids import Ids
from comptoir.core.money import Money
from comptoir.db import Database, Row, Tx, sql
from comptoir.identity import service as identity
from comptoir.identity.model import AccountDraft, Address, Organization
from comptoir.subscriptions import store as subscriptions
from comptoir.worker import Worker, run_until
from tests.subscription_factory import context as call_context
from tests.subscription_factory import pending

WRITTEN_AT = datetime(2025, 6, 1, tzinfo=UTC)
ADDRESS = Address(line1="4 quai des Brumes", city="Nantes", postal_code="44000", country="FR")
BOOKS = (
    "billing_heads",
    "consumption_lines",
    "invoices",
    "payments",
    "postings",
    "reconciliation_lines",
)
# Tests look at everything, on both engines.
_EVERYTHING = {table: sql(f"SELECT * FROM {table}") for table in (*BOOKS, "journal", "instance")}


SUBJECT = Subject(
    partner_name="Atelier Lumen",
    mpn_id="6120044",
    reseller_mpn_id="",
    customer_name="Brume SARL",
    customer_domain="brume.example",
    customer_country="FR",
    order_id="Qm3xT8vKzL5nWpR2sYd7HcJb1GfA0eUk1",
    alternate_id="a81c5e09d274",
    product_id="product",
    sku_id="0001",
    availability_id="availability",
    product_name="Beacon Tickets",
    sku_name="Team plan",
    product_qualifiers=(),
    publisher_id="publisher-1",
    publisher_name="Beacon Labs",
    subscription_description="",
    term_and_billing_cycle="1 Month Subscription",
    billing_frequency="Monthly",
    plan_id="team",
    dimension_id="email",
    meter_name="Beacon Tickets - Team plan - E-mails",
    unit_of_measure="e-mail",
)
SUBJECT_ID = keys.subject_id(msgspec.json.encode(SUBJECT))


def instant(text: str) -> datetime:
    """``2025-04-02`` or ``2025-04-02T15:20`` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def rates(tax: str = "0", fx: str = "1", month: int = 0) -> Rates:
    return Rates(Decimal(fx), instant("2025-06-01"), month, Decimal(tax))


UNTAXED = rates()


def licence(
    subscription: int = 1,
    at: str = "2025-06-11",
    price: str = "14.95",
    quantity: int = 6,
    *,
    charge_type: ChargeType = ChargeType.NEW,
    days: tuple[int, int] = (30, 30),
    sign: int = 1,
    position: int = 0,
    currency: str = "EUR",
    pricing_currency: str = "",
    rates: Rates = UNTAXED,
    mirrors: LineDraft | None = None,
) -> LineDraft:
    """A licence line of a subscription, reckoned by the formula."""
    ordered_at = instant(at)
    unit_price = cents.effective_unit_price(Decimal(price), *days)
    event = f"{charge_type}:{at}"
    start = ordered_at.replace(hour=0, minute=0, second=0, microsecond=0)
    return LineDraft(
        id=keys.line_id("test", guid(subscription), event, position),
        customer_id=guid(1_000 + subscription % 7),
        subscription_id=guid(subscription),
        publisher_id=f"publisher-{subscription % 3}",
        subject_id=SUBJECT_ID,
        kind=LineKind.LICENCE,
        charge_type=charge_type,
        reference_id=keys.reference_id("test", guid(subscription), event),
        position=position,
        order_date=ordered_at,
        bill_month=calendar.month_of(ordered_at),
        term_start_at=instant("2025-06-01"),
        term_end_at=instant("2026-06-01"),
        charge_start_at=start,
        charge_end_at=start + timedelta(days=days[0]),
        billing_days=days[0],
        cycle_days=days[1],
        quantity=quantity,
        billable_quantity=Decimal(quantity),
        unit_price=Decimal(price),
        net_price=Decimal(price),
        effective_unit_price=unit_price if sign > 0 else cents.negated(unit_price),
        pricing_currency=pricing_currency or currency,
        currency=currency,
        rates=rates,
        subtotal=cents.licence_subtotal(unit_price, rates.exchange_rate, quantity, currency, sign),
        mirrors_id=None if mirrors is None else mirrors.id,
    )


def t18(tax: str = "0.20") -> list[LineDraft]:
    """The licence lines of test vector T18; its usage is ``t18_usage``."""
    taxed = rates(tax)
    new = licence(4, "2025-06-09", "59.90", 2, rates=taxed)
    return [
        licence(1, "2025-06-11", "14.95", 6, rates=taxed),
        licence(
            1,
            "2025-06-21",
            "14.95",
            6,
            charge_type=ChargeType.ADD_QUANTITY,
            days=(20, 30),
            sign=-1,
            rates=taxed,
        ),
        licence(
            1,
            "2025-06-21",
            "14.95",
            9,
            charge_type=ChargeType.ADD_QUANTITY,
            days=(20, 30),
            position=1,
            rates=taxed,
        ),
        licence(2, "2025-06-02", "499.00", 1, charge_type=ChargeType.CYCLE_CHARGE, rates=taxed),
        licence(3, "2025-06-20", "0", 3, rates=taxed),
        new,
        licence(
            4,
            "2025-06-09T23:00",
            "59.90",
            2,
            charge_type=ChargeType.CANCEL_IMMEDIATE,
            sign=-1,
            rates=taxed,
            mirrors=new,
        ),
    ]


def t18_usage(tax: str = "0.20") -> list[ConsumptionLine]:
    taxed = rates(tax)
    return [
        usage(2, "2025-06-03", "0.037", "1000", rates=taxed),
        usage(2, "2025-06-14", "0.037", "830.25", rates=taxed),
    ]


def usage(
    subscription: int,
    day: str,
    price: str,
    quantity: str,
    *,
    bill_month: int | None = None,
    dimension: str = "email",
    sku: str = "0001",
    rates: Rates = UNTAXED,
    currency: str = "EUR",
) -> ConsumptionLine:
    """A rated day of usage."""
    month = bill_month or calendar.month_of(instant(day))
    parts = (guid(subscription), sku, dimension, day, str(month), price)
    return ConsumptionLine(
        id=keys.consumption_id("test", *parts),
        sequence=0,
        customer_id=guid(1_000 + subscription % 7),
        subscription_id=guid(subscription),
        subject_id=SUBJECT_ID,
        product_id="product",
        sku_id=sku,
        dimension_id=dimension,
        usage_on=instant(day),
        bill_month=month,
        event_count=1,
        quantity=Decimal(quantity),
        price=UsagePrice(Decimal(price), Decimal(price), currency),
        currency=currency,
        rates=rates,
    )


@dataclass
class Ledger:
    """One account's books. ``now`` is its time, which tests move."""

    database: Database
    account: Account
    now: datetime = WRITTEN_AT
    ids: Ids = field(default_factory=lambda: Ids(seed=11))

    @property
    def context(self) -> Context:
        return call_context(account=self.account, now=self.now, wall=self.now, ids=self.ids)

    @property
    def worker(self) -> Worker:
        async def make(tx: Tx, work: Work, wall: datetime) -> Context:
            record = await identity.load_account(tx, work.account_id)
            return replace(
                self.context, account=record.account, now=work.due_at, actor=Actor("worker"), ids=Ids(seed=1)
            )

        handlers = {RUN_INVOICES: service_invoices.run_invoices}
        return Worker(self.database, handlers, lambda: self.now, make, owner=self.account.id)

    def configured(self, **settings: Any) -> "Ledger":
        """The same books under other settings, for calls of services."""
        account = replace(self.account, settings=replace(self.account.settings, **settings))
        return replace(self, account=account)

    async def write(self, lines: Iterable[LineDraft]) -> None:
        """Write lines event by event, as the engine does."""
        for _, event in groupby(lines, lambda line: line.reference_id):
            await self.write_at_once(list(event))

    async def write_at_once(self, lines: Sequence[LineDraft]) -> None:
        ctx = replace(self.context, now=lines[-1].order_date)
        await self.database.write(lambda tx: write_lines(tx, ctx, lines))

    async def use(self, days: Sequence[ConsumptionLine]) -> None:
        """Write rated days, as rating does."""

        async def work(tx: Tx) -> None:
            last = await store_lines.lock_books(tx, self.account.id)
            numbered = [replace(day, sequence=number) for number, day in enumerate(days, start=last + 1)]
            await store_consumption.put(tx, self.account.id, numbered)
            await store_lines.advance(tx, self.account.id, last + len(days))
            for month in {day.bill_month for day in days}:
                await schedule_run(tx, self.context, month)

        await self.database.write(work)

    async def subscribe(self, *numbers: int) -> None:
        """Have subscriptions, as usage needs them."""
        bought = [
            pending(
                id=guid(number),
                customer_id=guid(1_000 + number % 7),
                publisher_id=f"publisher-{number % 3}",
                started_at=instant("2025-06-01"),
                anchored_at=instant("2025-06-01"),
                term_start_at=instant("2025-06-01"),
                term_end_at=instant("2026-06-01"),
            )
            for number in numbers
        ]
        await self.database.write(lambda tx: subscriptions.insert(tx, self.account.id, *bought))

    async def work_until(self, now: str) -> None:
        """Let the account's time come to an instant and do what is due, in order."""
        self.now = instant(now)
        tally = await run_until(self.worker, account_id=self.account.id)
        assert (tally.failed, tally.parked) == (0, 0), tally

    async def documents(self) -> list[BilledDocument]:
        return await self.database.read(lambda tx: documents.list_documents(tx, self.account.id))

    async def document(self, invoice_id: str) -> BilledDocument:
        return await self.database.read(lambda tx: documents.get_document(tx, self.context, invoice_id))

    async def totals(self) -> list[tuple[int, str, str]]:
        """Month, currency and total of every document that is listed."""
        return [
            (each.invoice.month, each.invoice.currency, amount(each.invoice.total, each.invoice.currency))
            for each in await self.documents()
        ]

    async def lines(self, invoice_id: str | None = None) -> list[Line]:
        """The lines of a document, or the unbilled ones, in the order of reading."""
        rows = await self.table("reconciliation_lines")
        found = [store_lines.line_of(row) for row in rows if row["invoice_id"] == invoice_id]
        return sorted(
            found, key=lambda line: (line.order_date, line.subscription_id, line.reference_id, line.position)
        )

    async def days(self, invoice_id: str | None = None) -> list[Row]:
        """The consumption lines of a document, or the unbilled ones."""
        rows = await self.table("consumption_lines")
        return sorted(
            (row for row in rows if row["invoice_id"] == invoice_id),
            key=lambda row: (row["usage_on"], row["id"]),
        )

    async def owed(self) -> dict[str, str]:
        """The balance of each currency."""
        found = await self.database.read(lambda tx: documents.balances(tx, self.account.id))
        return {balance.currency: amount(balance.amount, balance.currency) for balance in found}

    async def table(self, name: str) -> list[Row]:
        return await self.database.read(lambda tx: tx.all(_EVERYTHING[name]))

    async def sums(self) -> dict[str, int]:
        """What each account of the books holds."""
        found: dict[str, int] = {}
        for row in await self.table("postings"):
            found[row["debit"]] = found.get(row["debit"], 0) + row["amount"]
            found[row["credit"]] = found.get(row["credit"], 0) - row["amount"]
        return {account: held for account, held in found.items() if held}


async def content(database: Database) -> dict[str, list[str]]:
    """Everything that an invoice run leaves behind, in a form that compares."""

    async def read(tx: Tx) -> dict[str, list[str]]:
        return {
            table: sorted(repr(sorted(dict(row).items())) for row in await tx.all(statement))
            for table, statement in _EVERYTHING.items()
        }

    return await database.read(read)


async def open_ledger(
    database: Database, *, kind: AccountKind = AccountKind.PRODUCTION, seed: int = 5, **overrides: Any
) -> Ledger:
    """An account in France, billed in EUR, with the subjects of its lines."""
    draft = AccountDraft(
        name=f"{kind.value}-{seed}",
        kind=kind,
        domain=f"atelier{seed}.example",
        company_name="Atelier Lumen",
        country="FR",
        currency="EUR",
        mpn_id="6120044",
        organization=Organization("office@atelier.example", "fr", "fr-FR", ADDRESS),
        overrides=overrides,
    )
    account = await database.write(
        lambda tx: identity.create_account(tx, draft, ids=Ids(seed), wall=WRITTEN_AT)
    )
    await database.write(lambda tx: store_lines.put_subject(tx, account.id, SUBJECT))
    return Ledger(database, account)


def amount(minor: int, currency: str) -> str:
    return format(Money(minor, currency).amount, "f")
