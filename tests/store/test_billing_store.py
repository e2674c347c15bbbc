"""Lines, cycles and reference tables in the database, on both engines; the sweep that charges cycles."""

import asyncio
import uuid
from dataclasses import fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from tests.billing_history import History, flat_rates, instant, plan, private_offer
from tests.store.ledger import add_account
from tests.subscription_factory import context

from comptoir.audit import service as audit
from comptoir.billing import (
    service,
    service_lines,
    service_reference,
    service_schedule,
    store_cycles,
    store_lines,
    store_reference,
)
from comptoir.billing.model import Cycle, ExchangeRate, Line, LineDraft, Subject, TaxRate
from comptoir.clock import service as clock
from comptoir.clock.model import Work
from comptoir.core.accounts import AccountClock
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.db import Database, Tx, open_database, sql
from comptoir.worker import Worker, run_until

pytestmark = pytest.mark.anyio

CTX = context()
ACCOUNT = CTX.account.id
ANOTHER = replace(CTX, account=replace(CTX.account, id="another"))
COUNT_POSTINGS = sql("SELECT amount FROM postings WHERE account_id = :account_id")
LIST_DUE_WORK = sql("SELECT kind, subject_id, due_at FROM due_work WHERE account_id = :account_id")


def drafts(subscription_id: str = "s1", seats: int = 2) -> list[LineDraft]:
    """The lines of a subscription with some seat changes."""
    history = History("EUR", flat_rates("0.9", "0.2"), private_offer=private_offer("0.125"))
    history.start("2025-04-02T15:20", plan("12.50", "P1Y"), 10)
    for number in range(seats):
        history.seats(instant("2025-04-10") + timedelta(days=number), 11 + number)
    history.cancel(instant("2025-04-14T15:00"))
    return [
        LineDraft(
            **{field.name: getattr(line, field.name) for field in fields(LineDraft)}
            | {
                "subscription_id": subscription_id,
                "id": str(uuid.uuid5(uuid.NAMESPACE_OID, subscription_id + line.id)),
            }
        )
        for line in history.lines
    ]


def cycle(number: int = 0, ctx: Context = CTX, **changes: Any) -> Cycle:
    """A cycle of a year that is paid by the month, from 31 January 2026 on."""
    history = History(ctx.account.currency)
    history.start("2026-01-31T10:00", plan("12.50", "P1Y", currency="EUR"), 10)
    assert history.cycle is not None
    return replace(history.cycle, account_id=ctx.account.id, subscription_id=f"s{number:04}", **changes)


async def sweep(tx: Tx, ctx: Context) -> None:
    """What the worker does: it takes the work off the list, and then does it."""
    account_id = ctx.account.id
    await clock.cancel(tx, account_id=account_id, kind=service.CHARGE_CYCLES, subject_id=account_id)
    await service.charge_cycles(tx, ctx, account_id)


async def lines_of(database: Database, subscription_id: str, ctx: Context = CTX) -> list[Line]:
    return await database.read(
        lambda tx: service_lines.lines_of_subscription(tx, ctx.account.id, subscription_id)
    )


# Lines


async def test_lines_come_back_as_they_were_written(database: Database) -> None:
    written = drafts()
    assert await database.write(lambda tx: service_lines.write_lines(tx, CTX, written)) == len(written) == 10
    found = await lines_of(database, "s1")
    assert [line.sequence for line in found] == list(range(1, 11))
    assert {(line.tax, line.invoice_id) for line in found} == {(0, None)}
    for line, draft in zip(found, written, strict=True):
        assert {field.name: getattr(line, field.name) for field in fields(LineDraft)} == {
            field.name: getattr(draft, field.name) for field in fields(LineDraft)
        }
    one = written[3]
    assert await database.read(lambda tx: store_lines.get(tx, ACCOUNT, one.customer_id, one.id)) == found[3]
    assert await database.read(lambda tx: store_lines.get(tx, "another", one.customer_id, one.id)) is None


async def test_a_line_is_written_once(database: Database) -> None:
    first, second = drafts("s1"), drafts("s2")
    assert await database.write(lambda tx: service_lines.write_lines(tx, CTX, first[:4])) == 4
    assert await database.write(lambda tx: service_lines.write_lines(tx, CTX, [*first, *second])) == 16
    assert await database.write(lambda tx: service_lines.write_lines(tx, CTX, [*second, *first])) == 0
    assert await database.write(lambda tx: service_lines.write_lines(tx, CTX, [])) == 0
    lines = [*await lines_of(database, "s1"), *await lines_of(database, "s2")]
    assert [line.sequence for line in lines] == list(range(1, 21))
    amounts = await database.read(lambda tx: tx.all(COUNT_POSTINGS, account_id=ACCOUNT))
    assert sorted(row["amount"] for row in amounts) == sorted(line.subtotal for line in lines)
    entries = await database.read(lambda tx: audit.read(tx, ACCOUNT, 0, 100))
    assert [entry.entry.after for entry in entries if '"count":4' in (entry.entry.after or "")]
    assert len(entries) == 2


async def test_each_account_counts_its_own_lines(database: Database) -> None:
    await database.write(lambda tx: service_lines.write_lines(tx, CTX, drafts("s1")))
    await database.write(lambda tx: service_lines.write_lines(tx, ANOTHER, drafts("s1")))
    assert [line.sequence for line in await lines_of(database, "s1", ANOTHER)] == list(range(1, 11))


async def test_lines_of_a_failed_transaction_leave_no_gap(database: Database) -> None:
    async def fail(tx: Tx) -> None:
        await service_lines.write_lines(tx, CTX, drafts("s1"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await database.write(fail)
    await database.write(lambda tx: service_lines.write_lines(tx, CTX, drafts("s2")))
    assert await lines_of(database, "s1") == []
    assert [line.sequence for line in await lines_of(database, "s2")] == list(range(1, 11))


async def test_the_lines_of_a_term(database: Database) -> None:
    written = drafts()
    await database.write(lambda tx: service_lines.write_lines(tx, CTX, written))
    began = written[0].term_start_at
    term = await database.read(lambda tx: store_lines.list_of_term(tx, ACCOUNT, "s1", began))
    assert [line.id for line in term] == [line.id for line in written]
    later = began + timedelta(microseconds=1)
    assert await database.read(lambda tx: store_lines.list_of_term(tx, ACCOUNT, "s1", later)) == []


async def test_a_subject_is_kept_once(database: Database) -> None:
    names = {field.name: f"“{field.name}”" for field in fields(Subject)}
    subject = Subject(**names | {"product_qualifiers": ("Trial",)})  # type: ignore[arg-type]

    async def put(tx: Tx) -> list[str]:
        return [
            await store_lines.put_subject(tx, ACCOUNT, each)
            for each in (subject, subject, replace(subject, sku_name="Other"))
        ]

    first, again, other = await database.write(put)
    assert first == again != other
    assert await database.read(lambda tx: store_lines.get_subject(tx, ACCOUNT, first)) == subject


# Rates, tax, private offers


async def test_exchange_rates(database: Database) -> None:
    def rate(month: int, usd: str) -> ExchangeRate:
        return ExchangeRate("EUR", month, Decimal(usd))

    await database.write(
        lambda tx: store_reference.set_exchange_rates(tx, [rate(202602, "1.1"), rate(202604, "1.3")])
    )
    await database.write(lambda tx: store_reference.set_exchange_rates(tx, [rate(202604, "1.2")]))
    found = {
        month: await database.read(partial(store_reference.last_exchange_rate, currency="EUR", month=month))
        for month in (202601, 202602, 202603, 202604, 202712)
    }
    assert found == {
        202601: None,
        202602: rate(202602, "1.1"),
        202603: rate(202602, "1.1"),
        202604: rate(202604, "1.2"),
        202712: rate(202604, "1.2"),
    }


@pytest.mark.parametrize(
    ("pricing", "billing", "rate", "month"),
    [
        ("USD", "EUR", "0.909090909", 202602),
        ("EUR", "USD", "1.1", 202602),
        ("JPY", "EUR", "0.006090909", 202512),
        ("CHF", "CHF", "1", 0),
    ],
)
async def test_a_charge_is_converted(
    database: Database, pricing: str, billing: str, rate: str, month: int
) -> None:
    rates = [ExchangeRate("EUR", 202602, Decimal("1.1")), ExchangeRate("JPY", 202512, Decimal("0.0067"))]
    await database.write(lambda tx: store_reference.set_exchange_rates(tx, rates))
    at = instant("2026-03-20T10:00")
    found = await database.read(lambda tx: service_reference.pricing_for(tx, CTX, billing, pricing, at))
    assert (str(found.exchange_rate), found.exchange_month) == (rate, month)
    assert found.exchange_rate_at == instant("2026-03-01")


@pytest.mark.parametrize(("pricing", "billing"), [("CHF", "USD"), ("USD", "CHF"), ("JPY", "CHF")])
async def test_a_currency_without_a_rate_is_named(database: Database, pricing: str, billing: str) -> None:
    rates = [ExchangeRate("JPY", 202512, Decimal("0.0067")), ExchangeRate("CHF", 202604, Decimal("1.1"))]
    await database.write(lambda tx: store_reference.set_exchange_rates(tx, rates))
    with pytest.raises(Refusal) as refused:
        await database.read(
            lambda tx: service_reference.pricing_for(tx, CTX, billing, pricing, instant("2026-03-20"))
        )
    assert refused.value.code is Code.EXCHANGE_RATE_MISSING
    assert refused.value.facts["missing"] == "CHF"


async def test_tax_begins_on_its_day(database: Database) -> None:
    rates = [
        TaxRate("FR", instant("2026-01-01"), Decimal("0.196"), "TVA"),
        TaxRate("FR", instant("2026-04-01"), Decimal("0.20"), "TVA"),
        TaxRate("DE", instant("2020-01-01"), Decimal("0.19"), "USt"),
    ]
    await database.write(lambda tx: store_reference.set_tax_rates(tx, rates))
    found = [
        await database.read(partial(service_reference.tax_rate_for, ctx=CTX, at=instant(day)))
        for day in ("2025-12-31", "2026-01-01", "2026-03-31T23:59", "2026-04-01")
    ]
    assert found == [0, Decimal("0.196"), Decimal("0.196"), Decimal("0.20")]
    exempt = replace(
        CTX, account=replace(CTX.account, settings=replace(CTX.account.settings, tax_exempt=True))
    )
    day = instant("2026-04-01")
    assert await database.read(lambda tx: service_reference.tax_rate_for(tx, exempt, day)) == 0


async def test_the_private_offer_that_began_last_counts(database: Database) -> None:
    offers = [
        replace(private_offer("0.1", valid_from="2026-01-01"), account_id=ACCOUNT),
        replace(private_offer(price="5.5", valid_from="2026-02-01", until="2026-03-01"), account_id=ACCOUNT),
        replace(private_offer("0.3", valid_from="2025-01-01"), account_id="another"),
    ]
    await database.write(lambda tx: store_reference.set_private_offers(tx, offers))

    async def at(day: str, account_id: str = ACCOUNT) -> object:
        return await database.read(
            lambda tx: service_reference.private_offer(tx, account_id, "p", "s", instant(day))
        )

    assert await at("2025-12-31") is None
    assert await at("2026-01-01") == offers[0]
    assert await at("2026-02-28T23:59") == offers[1]
    assert await at("2026-03-01") == offers[0]
    assert await at("2026-03-01", "another") == offers[2]


# Cycles


async def test_cycles_come_back_as_they_were_stored(database: Database) -> None:
    known = cycle(is_stopped=True, next_months=12)
    await database.write(lambda tx: store_cycles.save(tx, [cycle(), cycle(1), known]))
    found = await database.read(lambda tx: store_cycles.get(tx, ACCOUNT, known.customer_id, "s0000"))
    assert found == known
    assert await database.read(lambda tx: store_cycles.get(tx, ACCOUNT, known.customer_id, "s9")) is None


async def test_the_sweep_takes_some_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "CYCLES_AT_ONCE", 3)
    others = [cycle(7, is_stopped=True), cycle(8, ANOTHER), cycle(9, end_at=instant("2026-03-02"))]
    await database.write(lambda tx: store_cycles.save(tx, [*map(cycle, range(5)), *others]))
    ctx = replace(CTX, now=instant("2026-02-28"))
    for expected, due in ((3, "2026-02-28"), (5, "2026-03-02"), (5, "2026-03-02")):
        await database.write(partial(sweep, ctx=ctx))
        lines = [line for number in range(10) for line in await lines_of(database, f"s{number:04}")]
        assert len(lines) == expected
        work = await database.read(lambda tx: tx.all(LIST_DUE_WORK, account_id=ACCOUNT))
        (charge,) = [row for row in work if row["kind"] == service.CHARGE_CYCLES]
        assert charge["due_at"] == int(instant(due).timestamp()) * 1_000_000
    assert {(line.charge_type.value, line.order_date) for line in lines} == {
        ("cycleCharge", instant("2026-02-28"))
    }
    assert {(line.charge_start_at, line.charge_last_day) for line in lines} == {
        (instant("2026-02-28"), instant("2026-03-30"))
    }
    assert [line.sequence for line in lines] == [1, 2, 3, 4, 5]
    assert await lines_of(database, "s0008", ANOTHER) == []


async def test_a_sweep_that_is_not_saved_is_done_again_alike(database: Database) -> None:
    await database.write(lambda tx: store_cycles.save(tx, [cycle(), cycle(1)]))
    ctx = replace(CTX, now=instant("2026-03-01"))
    seen: list[list[Line]] = []

    async def sweep_and_fail(tx: Tx) -> None:
        await service.charge_cycles(tx, ctx, ACCOUNT)
        seen.append(await service_lines.lines_of_subscription(tx, ACCOUNT, "s0000"))
        raise RuntimeError

    for _ in range(2):
        with pytest.raises(RuntimeError):
            await database.write(sweep_and_fail)
    await database.write(lambda tx: service.charge_cycles(tx, ctx, ACCOUNT))
    seen.append(await lines_of(database, "s0000"))
    assert seen[0] == seen[1] == seen[2] != []


async def test_a_cycle_that_cannot_be_charged_holds_up_no_other(database: Database) -> None:
    at = instant("2026-02-28")
    await database.write(lambda tx: add_account(tx, ACCOUNT, AccountClock(frozen_at=at)))
    faulty = cycle(2, next_price=replace(cycle().next_price, currency="CHF"))
    await database.write(lambda tx: store_cycles.save(tx, [cycle(1), faulty, cycle(3)]))
    await database.write(
        partial(service_schedule.sweep_by, ctx=replace(CTX, now=at), kind=service.CHARGE_CYCLES, due_at=at)
    )
    wall = at

    async def make(tx: Tx, work: Work, wall: datetime) -> Context:
        return replace(CTX, now=work.due_at)

    handlers = {service.CHARGE_CYCLES: service.charge_cycles}
    worker = Worker(database, handlers, lambda: wall, make, "w", {service.CHARGE_CYCLES: service.divide})
    for _ in range(12):
        await run_until(worker)
        wall += timedelta(hours=1)
    charged = [len(await lines_of(database, f"s000{number}")) for number in (1, 2, 3)]
    assert charged == [1, 0, 1]
    parked = await database.read(lambda tx: clock.parked(tx, ACCOUNT))
    assert [each.work.subject_id for each in parked] == ["s0002"]
    later = await database.read(lambda tx: store_cycles.next_charge_at(tx, ACCOUNT, service.CHARGE_CYCLES))
    assert later == instant("2026-03-31")


# Side by side


async def test_a_change_does_not_wait_for_a_sweep_that_waits_for_it(postgresql_url: str) -> None:
    """The sweep has taken its work off the list before it asks for the books, which the change holds."""
    database = await open_database(postgresql_url, before_commit=audit.append)
    await database.write(lambda tx: store_cycles.save(tx, [cycle()]))
    ctx = replace(CTX, now=instant("2026-02-28"))
    await database.write(
        partial(service_schedule.sweep_by, ctx=ctx, kind=service.CHARGE_CYCLES, due_at=ctx.now)
    )
    await database.write(partial(service_schedule.run_by, ctx=ctx, due_at=instant("2025-05-08")))
    is_taken, is_held, runs = asyncio.Event(), asyncio.Event(), []

    async def swept(tx: Tx) -> None:
        runs.append("sweep")
        for kind in (service.CHARGE_CYCLES, service_schedule.RUN_INVOICES):
            await clock.cancel(tx, account_id=ACCOUNT, kind=kind, subject_id=ACCOUNT)
        is_taken.set()
        await is_held.wait()
        await service.charge_cycles(tx, ctx, ACCOUNT)

    async def changed(tx: Tx) -> None:
        runs.append("change")
        await is_taken.wait()
        await store_lines.lock_books(tx, ACCOUNT)
        is_held.set()
        await asyncio.sleep(0.05)
        await service_lines.write_lines(tx, ctx, drafts("s0001"))
        await store_cycles.save(tx, [cycle(1)])
        await service_schedule.sweep_by(tx, ctx, service.CHARGE_CYCLES, instant("2026-02-28"))

    await asyncio.gather(database.write(swept), database.write(changed))
    assert sorted(runs) == ["change", "sweep"]
    assert [line.sequence for line in await lines_of(database, "s0000")] == [11]
    assert [line.sequence for line in await lines_of(database, "s0001")] == [*range(1, 11), 12]
    work = await database.read(lambda tx: tx.all(LIST_DUE_WORK, account_id=ACCOUNT))
    assert service.CHARGE_CYCLES in {row["kind"] for row in work}
    await database.close()
