"""The invoice run on both engines: what it issues, step by step, and that it does so once."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from tests.faults import DeliberateError, Faults, Killed, Repeatable, at_each, dealt, seeded_points
from tests.invoice_books import (
    Ledger,
    content,
    instant,
    licence,
    open_ledger,
    rates,
    t18,
    t18_usage,
    usage,
)

from comptoir.audit import service as audit
from comptoir.billing import service_amending
from comptoir.billing import service_invoices as service
from comptoir.billing.amending import Rebill
from comptoir.billing.invoice_model import DocumentType, Party, TaxTotal
from comptoir.billing.model import LineDraft
from comptoir.billing.service import CHARGE_CYCLES
from comptoir.billing.service_schedule import RUN_INVOICES, run_by
from comptoir.clock import service as clock
from comptoir.clock.model import Lease
from comptoir.core.accounts import AccountKind
from comptoir.core.errors import Code, Refusal
from comptoir.db import Database, open_database, sql
from comptoir.identity import service as identity
from comptoir.worker import Tally, run_until

pytestmark = pytest.mark.anyio

POINTS = int(os.environ.get("COMPTOIR_FAULT_POINTS", "200"))
PER_RUN = int(os.environ.get("COMPTOIR_FAULTS_PER_RUN", "8"))
"""At how many points in all a run of invoices is struck, and at how many of them in one go."""

READ_RUN = sql("""
    SELECT attempts, parked_at FROM due_work WHERE account_id = :account_id AND kind = 'run_invoices'
""")

AFTERWARDS = 24 * 7
"""Hours after which work that failed has been tried again."""


async def june(database: Database, **overrides: Any) -> Ledger:
    """The books of test vector T18 before they are invoiced."""
    ledger = await open_ledger(database, **overrides)
    await ledger.subscribe(2)
    await ledger.write(t18())
    await ledger.use(t18_usage())
    return ledger


# What is issued


async def test_a_month_is_one_document_of_all_customers(database: Database) -> None:
    ledger = await june(database)
    await ledger.work_until("2025-07-07T23:59")
    assert await ledger.documents() == []

    await ledger.work_until("2025-07-08")
    (document,) = await ledger.documents()
    invoice = document.invoice
    assert (invoice.id, invoice.month, invoice.currency) == ("G000000001", 202506, "EUR")
    assert (invoice.document_type, invoice.issued_at) == (DocumentType.INVOICE, instant("2025-07-08"))
    assert (invoice.subtotal, invoice.tax, invoice.total) == (68629, 13725, 82354)
    assert (invoice.line_count, invoice.consumption_count) == (8, 2)
    assert invoice.content.tax_totals == (TaxTotal(Decimal("0.20"), 8, 68629, 13725),)
    assert (invoice.content.bill_to.name, invoice.content.bill_to.city) == ("Atelier Lumen", "Nantes")
    assert invoice.due_at == instant("2025-09-06")
    lines = await ledger.lines(invoice.id)
    assert [(line.subtotal, line.tax) for line in lines] == [
        (49900, 9980),
        (11980, 2396),
        (-11980, -2396),
        (8970, 1794),
        (0, 0),
        (-5976, -1195),
        (8964, 1792),
        (6771, 1354),
    ]
    assert await ledger.lines() == []


async def test_usage_is_summed_up_and_remembers_its_line(database: Database) -> None:
    ledger = await june(database)
    await ledger.work_until("2025-07-08")
    line = (await ledger.lines("G000000001"))[-1]
    assert (line.quantity, line.billable_quantity, line.subtotal) == (1, Decimal("1830.25"), 6771)
    assert line.order_date == instant("2025-06-30T23:59:59")
    assert (line.charge_start_at, line.charge_end_at) == (instant("2025-06-01"), instant("2025-07-01"))
    assert (line.term_first_day, line.publisher_id) == (instant("2025-06-01"), "publisher-2")
    days = await ledger.days("G000000001")
    assert [day["line_id"] for day in days] == [line.id, line.id]
    assert await ledger.days() == []


async def test_the_books_move_from_unbilled_to_receivable(database: Database) -> None:
    ledger = await june(database)
    assert (await ledger.sums())["unbilled"] == 68629 - 6771
    await ledger.work_until("2025-07-08")
    sums = await ledger.sums()
    assert (sums["receivable"], sums["tax"]) == (82354, -13725)
    assert "unbilled" not in sums
    assert sum(held for account, held in sums.items() if account.startswith("revenue:")) == -68629


async def test_tax_of_the_document_stands_in_its_total_only(database: Database) -> None:
    ledger = await june(database, tax_mode="document")
    await ledger.work_until("2025-07-08")
    (document,) = await ledger.documents()
    assert (document.invoice.tax, document.invoice.total) == (13726, 82355)
    assert {line.tax for line in await ledger.lines("G000000001")} == {0}


async def test_each_currency_and_each_rate_counts_by_itself(database: Database) -> None:
    ledger = await open_ledger(database)
    await ledger.write([licence(1, currency="USD", price="10.005", quantity=3, rates=rates("0.19"))])
    await ledger.write([licence(2, currency="EUR", price="1.01", quantity=1, rates=rates("0.10"))])
    await ledger.write([licence(3, currency="EUR", price="1.09", quantity=1, rates=rates("0.2"))])
    await ledger.write([licence(4, currency="EUR", price="1.01", quantity=1, rates=rates("0.20"))])
    await ledger.work_until("2025-07-08")
    euros, dollars = await ledger.documents()
    assert (euros.invoice.id, dollars.invoice.id) == ("G000000001", "G000000002")
    assert euros.invoice.content.tax_totals == (
        TaxTotal(Decimal("0.1"), 1, 101, 10),
        TaxTotal(Decimal("0.2"), 2, 210, 41),
    )
    assert (dollars.invoice.subtotal, dollars.invoice.tax) == (3000, 570)
    assert await ledger.owed() == {"EUR": "3.62", "USD": "35.70"}


async def test_a_month_of_nothing_but_free_lines_is_invoiced(database: Database) -> None:
    ledger = await open_ledger(database)
    await ledger.write([licence(1, "2025-05-15", "0", 5), licence(2, "2025-06-15", "18", 5)])
    await ledger.work_until("2025-08-30")
    assert await ledger.totals() == [(202505, "EUR", "0.00"), (202506, "EUR", "90.00")]


async def test_a_month_without_lines_has_no_document_and_a_credit_stays_an_invoice(
    database: Database,
) -> None:
    ledger = await open_ledger(database)
    await ledger.write([licence(1, "2025-03-31T23:59:59.999999", "20", 1)])
    await ledger.write([licence(1, "2025-06-01", "20", 1, sign=-1)])
    await ledger.work_until("2025-09-30")
    assert await ledger.totals() == [(202503, "EUR", "20.00"), (202506, "EUR", "-20.00")]
    first, second = await ledger.documents()
    assert second.invoice.document_type is DocumentType.INVOICE
    assert first.invoice.issued_at == instant("2025-04-08")
    assert await ledger.owed() == {"EUR": "0.00"}


async def test_late_usage_has_a_line_of_its_own_on_a_later_invoice(database: Database) -> None:
    """Test vector T19."""
    ledger = await open_ledger(database)
    await ledger.subscribe(1)
    await ledger.use([usage(1, "2025-06-29", "0.05", "41", bill_month=202507)])
    await ledger.use([usage(1, f"2025-07-{day:02}", "0.05", "100") for day in range(1, 11)])
    await ledger.work_until("2025-08-08")
    assert await ledger.totals() == [(202507, "EUR", "52.05")]
    late, current = await ledger.lines("G000000001")
    assert (late.charge_start_at, late.charge_end_at) == (instant("2025-06-01"), instant("2025-07-01"))
    assert [(line.billable_quantity, line.subtotal) for line in (late, current)] == [
        (Decimal(41), 205),
        (Decimal(1000), 5000),
    ]


async def test_usage_of_different_prices_is_not_summed_up(database: Database) -> None:
    ledger = await open_ledger(database)
    await ledger.subscribe(1, 2)
    await ledger.use(
        [
            usage(1, "2025-06-03", "0.05", "1.5"),
            usage(1, "2025-06-04", "0.06", "1.5"),
            usage(1, "2025-06-05", "0.05", "1.5", sku="0002"),
            usage(1, "2025-06-06", "0.05", "1.5", dimension="text"),
            usage(1, "2025-06-07", "0.05", "0.5"),
            usage(2, "2025-06-07", "0.05", "100.25"),
        ]
    )
    await ledger.work_until("2025-07-08")
    lines = await ledger.lines("G000000001")
    assert sorted(line.billable_quantity for line in lines) == [
        Decimal("1.5"),
        Decimal("1.5"),
        Decimal("1.5"),
        2,
        Decimal("100.25"),
    ]
    assert (await ledger.totals())[0][2] == "5.34"  # 0.07 + 0.09 + 0.07 + 0.10 + 5.01, the rest cut each


async def test_the_sandbox_has_a_sequence_of_its_own(database: Database) -> None:
    production = await open_ledger(database)
    sandbox = await open_ledger(database, kind=AccountKind.SANDBOX, seed=6)
    for ledger in (production, sandbox):
        await ledger.write([licence(1, f"2025-0{month}-11") for month in range(1, 5)])
        await ledger.work_until("2025-12-01")
    assert [each.invoice.id for each in await production.documents()] == [
        f"G00000000{n}" for n in range(1, 5)
    ]
    assert [each.invoice.id for each in await sandbox.documents()] == [f"T00000000{n}" for n in range(1, 5)]


async def test_the_day_is_the_accounts_and_a_later_change_of_it_counts(database: Database) -> None:
    ledger = await open_ledger(database, invoice_day=28)
    await ledger.write([licence(1)])
    await ledger.work_until("2025-07-27T23:59:59")
    assert await ledger.documents() == []
    await ledger.work_until("2025-07-28")
    assert [each.invoice.issued_at for each in await ledger.documents()] == [instant("2025-07-28")]


async def test_what_came_too_late_for_its_month_is_billed_with_the_next(database: Database) -> None:
    ledger = await open_ledger(database)
    await ledger.write([licence(1, "2025-06-11")])
    await ledger.work_until("2025-07-08")
    await ledger.write([licence(2, "2025-06-12"), licence(3, "2025-07-12")])
    await ledger.work_until("2025-08-08")
    assert await ledger.totals() == [(202506, "EUR", "89.70"), (202507, "EUR", "179.40")]


# Once, and from wherever it was interrupted


async def test_a_second_run_changes_nothing(database: Database) -> None:
    ledger = await june(database)
    await ledger.work_until("2025-07-08")
    before = await content(database)
    await database.write(lambda tx: run_by(tx, ledger.context, ledger.now))
    await ledger.work_until("2025-07-08")
    assert await content(database) == before


async def test_the_journal_says_that_the_invoice_is_ready(database: Database) -> None:
    ledger = await june(database)
    await ledger.work_until("2025-07-08")
    recorded = await database.read(lambda tx: audit.read(tx, ledger.account.id, 0, 100))
    entry = recorded[-1].entry
    assert (entry.action, entry.subject_id, entry.at) == (
        "ready_invoice",
        "G000000001",
        instant("2025-07-08"),
    )
    assert await database.read(lambda tx: audit.verify_chain(tx, ledger.account.id)) is None


async def test_small_steps_come_to_the_same(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await open_ledger(database)
    stepwise = await open_ledger(database, seed=6, kind=AccountKind.SANDBOX)
    for ledger in (whole, stepwise):
        await ledger.write_at_once(_many_lines())
    await whole.work_until("2025-07-08")
    monkeypatch.setattr(service, "EFFORT_MAX", 7)
    await stepwise.work_until("2025-07-08")
    assert await stepwise.totals() == await whole.totals()
    (document,) = await stepwise.documents()
    lines = await stepwise.lines("T000000001")
    assert [line.tax for line in lines] == [line.tax for line in await whole.lines("G000000001")]
    assert sum(line.tax for line in lines) == document.invoice.tax
    assert await stepwise.lines() == []


def _many_lines() -> list[LineDraft]:
    """Lines whose tax has to be cut, of both signs, in three rates."""
    return [
        licence(
            number,
            f"2025-06-{1 + number % 28:02}T{number % 24:02}:00",
            f"{7 + number}.{number % 100:02}",
            1 + number % 3,
            sign=-1 if number % 4 == 0 else 1,
            rates=rates(("0.08875", "0.2", "0")[number % 3]),
        )
        for number in range(1, 61)
    ]


@pytest.mark.parametrize("tax", ["0.2", "0.08875", "0.123456789", "1", "0"])
async def test_the_database_taxes_as_the_rule_does(database: Database, tax: str) -> None:
    ledger = await open_ledger(database)
    amounts = [1, 4, 9, 11, 99, 101, 12_345, 999_999_999, 10**12 + 7, 9 * 10**15 - 1]
    drafts = [
        replace(licence(number, rates=rates(tax)), subtotal=sign * amount)
        for number, (amount, sign) in enumerate((amount, sign) for amount in amounts for sign in (1, -1))
    ]
    await ledger.write_at_once(drafts)
    await ledger.work_until("2025-07-08")
    for line in await ledger.lines("G000000001"):
        exact = abs(line.subtotal) * Decimal(tax)
        assert abs(line.tax) == int(exact)
        assert line.tax * line.subtotal >= 0


async def test_a_run_that_is_interrupted_anywhere_comes_to_the_same(
    repeatable: Repeatable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rebill and a month in many steps, struck at seeded points: the books are the same to the byte."""
    async with _books(repeatable) as ledger:
        await _two_months(ledger)
        await ledger.work_until("2025-06-08")
        wanted = Rebill("another recipient", bill_to=Party("Lumen SAS"))
        await ledger.database.write(
            lambda tx: service_amending.rebill(tx, ledger.context, "G000000001", wanted)
        )
    await repeatable.keep()
    monkeypatch.setattr(service, "EFFORT_MAX", 1)
    async with _books(repeatable) as ledger:
        counted = Faults(ledger.database)
        await _finish(replace(ledger, database=counted))
        undisturbed = await content(ledger.database)
        assert [each.invoice.id for each in await ledger.documents()] == ["G000000001", "G000000003"]
        assert len(await ledger.lines("G000000002")) == len(await ledger.lines("G000000001"))
    assert counted.points > 200
    points = list(seeded_points(POINTS, counted.points, seed=4))
    for number, chosen in enumerate(dealt(points, PER_RUN)):
        await repeatable.restore()
        kinds = (Killed, DeliberateError) if number % 2 else (DeliberateError, Killed)
        async with _books(repeatable) as ledger:
            faults = Faults(ledger.database, at_each(chosen, *kinds))
            await _strike(replace(ledger, database=faults), len(chosen))
            assert faults.struck == len(chosen)
            await _finish(ledger)
            assert await content(ledger.database) == undisturbed, (chosen, kinds)


async def _strike(ledger: Ledger, count: int) -> None:
    """Run until all faults have struck; what an error leaves behind is tried again an hour later."""
    for hours in range(count + 1):
        late = replace(ledger, now=ledger.now + timedelta(hours=hours))
        with suppress(Killed, DeliberateError):
            await run_until(late.worker, account_id=ledger.account.id)


async def _finish(ledger: Ledger) -> None:
    """Do what is due, after the wait of work that failed."""
    late = replace(ledger, now=ledger.now + timedelta(hours=AFTERWARDS))
    tally = await run_until(late.worker, account_id=ledger.account.id)
    assert (tally.failed, tally.parked) == (0, 0), tally


@asynccontextmanager
async def _books(repeatable: Repeatable) -> AsyncIterator[Ledger]:
    """The account in a database that is opened for a while."""
    database = await open_database(repeatable.url, before_commit=audit.append)
    try:
        (found,) = await database.read(partial(identity.list_accounts, after="production-", most=1))
        if found.account.name == "production-5":
            yield Ledger(database, found.account, now=instant("2025-07-20"))
        else:
            yield await open_ledger(database)
    finally:
        await database.close()


async def _two_months(ledger: Ledger) -> None:
    await ledger.subscribe(1, 2)
    for month in (5, 6):
        await ledger.write_at_once(
            [
                licence(number, f"2025-0{month}-{number:02}", "19.99", number, rates=rates("0.08875"))
                for number in range(1, 29)
            ]
        )
        await ledger.use(
            [usage(1 + day % 2, f"2025-0{month}-{day:02}", "0.037", f"{day}.25") for day in range(1, 13)]
        )


# When it waits


async def _outstanding(ledger: Ledger, kind: str, due_at: str) -> None:
    await ledger.database.write(
        partial(
            clock.schedule,
            account_id=ledger.account.id,
            kind=kind,
            subject_id=ledger.account.id,
            due_at=instant(due_at),
        )
    )


@pytest.mark.parametrize(
    ("kind", "due_at", "waits"),
    [
        ("charge_cycles", "2025-06-30T23:59", True),
        ("turn_subscriptions", "2025-06-30T23:59", True),
        ("rate_usage", "2025-07-07", True),
        ("charge_cycles", "2025-07-01", False),
        ("purge_cart", "2025-06-01", False),
    ],
)
async def test_a_month_waits_for_work_of_it_that_failed_and_spends_no_attempt(
    database: Database, kind: str, due_at: str, waits: bool, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = await june(database)
    await _outstanding(ledger, kind, due_at)
    ledger.now = instant("2025-07-08")
    tally = await run_until(ledger.worker, account_id=ledger.account.id)  # it has no handler for that kind
    assert (await ledger.documents() == []) is waits
    assert (tally.failed, tally.postponed) == (1, int(waits))
    assert [record.message for record in caplog.records if RUN_INVOICES in record.message] == []
    row = await database.read(lambda tx: tx.one(READ_RUN, account_id=ledger.account.id))
    assert (row and tuple(row.values())) == ((0, None) if waits else None)

    await database.write(
        partial(clock.cancel, account_id=ledger.account.id, kind=kind, subject_id=ledger.account.id)
    )
    await ledger.work_until("2025-07-08T01:00")
    assert len(await ledger.documents()) == 1


async def test_a_month_does_not_wait_for_work_that_another_worker_does_as_if_it_had_failed(
    database: Database,
) -> None:
    ledger = await june(database)
    await _outstanding(ledger, CHARGE_CYCLES, "2025-06-30")
    at = instant("2025-07-08")
    lease = Lease("another", at + timedelta(minutes=1))
    ledger.now = at
    claimed = await database.write(lambda tx: clock.claim(tx, lease, at - timedelta(hours=1), limit=1))
    assert [work.kind for work in claimed] == [CHARGE_CYCLES]
    tally = await run_until(ledger.worker)
    assert (tally.postponed, tally.failed) == (1, 0)
    assert await run_until(ledger.worker) == Tally()
    await database.write(partial(clock.finish, work=claimed[0], owner="another"))
    ledger.now += timedelta(seconds=6)
    assert (await run_until(ledger.worker)).done == 1
    assert len(await ledger.documents()) == 1


async def test_a_run_that_was_given_up_comes_back_when_nothing_is_in_its_way(database: Database) -> None:
    ledger = await june(database)
    await _outstanding(ledger, CHARGE_CYCLES, "2025-06-30")
    ledger.now = instant("2025-07-08")
    for _ in range(20):
        await run_until(ledger.worker)
        ledger.now += timedelta(hours=1)
    parked = await database.read(partial(clock.parked, account_id=ledger.account.id))
    assert [each.work.kind for each in parked] == [CHARGE_CYCLES, RUN_INVOICES]
    resume = partial(service.resume, ctx=ledger.context)
    await database.write(resume)
    assert len(await database.read(partial(clock.parked, account_id=ledger.account.id))) == 2

    await database.write(
        partial(clock.cancel, account_id=ledger.account.id, kind=CHARGE_CYCLES, subject_id=ledger.account.id)
    )
    await database.write(resume)
    await run_until(ledger.worker)
    assert len(await ledger.documents()) == 1


async def test_a_month_comes_back_after_work_of_it_that_is_ready(database: Database) -> None:
    ledger = await june(database)
    await _outstanding(ledger, "charge_cycles", "2025-06-30T23:59")
    ctx = replace(ledger.context, now=instant("2025-07-08"))
    await database.write(partial(service.run_invoices, ctx=ctx, _subject_id=ledger.account.id))
    assert await ledger.documents() == []
    due = await database.read(partial(clock.next_due_of, account_id=ledger.account.id))
    assert due == instant("2025-06-30T23:59")


# Ahead of the day, and without saving


async def test_the_operator_may_close_a_month_once_its_usage_is_complete(database: Database) -> None:
    ledger = await june(database, allow_early_invoices=True)
    ledger.now = instant("2025-07-02T23:59")
    with pytest.raises(Refusal) as refused:
        await database.write(lambda tx: service.open_month(tx, ledger.context, 202506))
    assert refused.value.code is Code.MONTH_NOT_CLOSABLE
    assert "2025-07-03" in refused.value.description

    ledger.now = instant("2025-07-03")
    (draft,) = await database.write(lambda tx: service.open_month(tx, ledger.context, 202506))
    assert await ledger.documents() == []
    await ledger.work_until("2025-07-03")
    (document,) = await ledger.documents()
    assert (document.invoice.id, document.invoice.total) == (draft.id, 82354)
    assert document.invoice.issued_at == instant("2025-07-03")


async def test_who_may_not_close_early_waits_for_the_day(database: Database) -> None:
    ledger = await june(database)
    ledger.now = instant("2025-07-07")
    with pytest.raises(Refusal) as refused:
        await database.write(lambda tx: service.open_month(tx, ledger.context, 202506))
    assert (refused.value.code, refused.value.facts["at"]) == (Code.MONTH_NOT_CLOSABLE, "2025-07-08")


async def test_months_are_closed_in_order_and_none_after_the_one_asked_for(database: Database) -> None:
    ledger = await open_ledger(database, allow_early_invoices=True)
    await ledger.write([licence(1, "2025-05-11"), licence(1, "2025-06-11")])
    ledger.now = instant("2025-07-05")
    assert await database.write(lambda tx: service.open_month(tx, ledger.context, 202504)) == []
    (first,) = await database.write(lambda tx: service.open_month(tx, ledger.context, 202506))
    assert first.month == 202505


async def test_an_operator_does_not_close_a_month_that_work_is_outstanding_for(database: Database) -> None:
    ledger = await june(database)
    await _outstanding(ledger, CHARGE_CYCLES, "2025-06-30")
    ledger.now = instant("2025-07-09")
    with pytest.raises(Refusal) as refused:
        await database.write(lambda tx: service.open_month(tx, ledger.context, 202506))
    assert refused.value.code is Code.BUSY


@pytest.mark.parametrize("mode", ["row", "document"])
async def test_a_preview_shows_what_the_run_then_issues_and_saves_nothing(
    database: Database, mode: str
) -> None:
    ledger = await june(database, tax_mode=mode)
    await ledger.write([licence(9, "2025-06-30", currency="USD", rates=rates("0.1"))])
    before = await content(database)
    previews = await database.read(lambda tx: service.preview(tx, ledger.context, 202506))
    assert await content(database) == before
    await ledger.work_until("2025-07-08")
    assert [
        (each.currency, each.total, each.line_count, each.consumption_count, each.tax_totals)
        for each in previews
    ] == [
        (
            each.invoice.currency,
            each.invoice.total,
            each.invoice.line_count,
            each.invoice.consumption_count,
            each.invoice.content.tax_totals,
        )
        for each in await ledger.documents()
    ]
    assert await database.read(lambda tx: service.preview(tx, ledger.context, 202506)) == []
