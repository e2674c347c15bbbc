"""The due work on subscriptions, and what publishers are served, on both engines."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.store.ledger import add_account
from tests.subscription_factory import CUSTOMER_ID, ORDERED_AT, context, pending, term

from comptoir.audit import service as audit
from comptoir.catalog import service as catalog
from comptoir.catalog import service_import
from comptoir.catalog.model import Offer
from comptoir.clock import service as clock
from comptoir.clock.model import Work
from comptoir.core.accounts import AccountClock
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal, Unsettled
from comptoir.core.instants import EPOCH
from comptoir.db import Database, RetryTransaction, Tx, sql
from comptoir.subscriptions import rules, service, service_turning, store, turning
from comptoir.subscriptions.model import Status, StatusReason, Subscription
from comptoir.worker import Worker, run_until

pytestmark = pytest.mark.anyio

CTX = context()
ACCOUNT_ID = CTX.account.id
OTHER_ID = "11111111-2222-4333-8444-555555555555"
START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
END = datetime(2026, 4, 2, tzinfo=UTC)
NEXT_END = datetime(2026, 5, 2, tzinfo=UTC)

CATALOGUE = """
publisher:
  id: tideline
  name: Tideline SAS
  tenantId: 4be1c5a8-2f83-4d0e-9b6a-7c1f0e5d2a31
  appId: a7d94c02-6b1e-4f5a-8c37-0d2e9f4b1c65
offers:
  - id: backup
    name: Tideline Backup
    pricingModel: perUser
    landingPageUrl: https://tideline.example/signup
    webhookUrl: https://tideline.example/hook
    plans:
      - id: boxed
        name: Many in stock
        markets: {FR: EUR}
        stock: 4000
        terms: [{termUnit: P1M, payment: P1M, price: {EUR: 13}}]
      - id: rare
        name: One in stock
        markets: {FR: EUR}
        stock: 1
        terms: [{termUnit: P1M, payment: P1M, price: {EUR: 80}}]
"""
FAULTY_ID = "00000000-0000-4000-8000-000000000003"
READ_ITEMS = sql("SELECT product_id, sku_id, id FROM availabilities ORDER BY sku_id")


@pytest.fixture
async def boxed(database: Database) -> Offer:
    """The first plan of the catalogue."""
    return (await on_shelf(database))[0]


async def on_shelf(database: Database) -> list[Offer]:
    """Both plans, imported if need be."""

    async def work(tx: Tx) -> list[Offer]:
        await service_import.import_files(tx, CTX, [("tideline.yaml", CATALOGUE)])
        rows = await tx.all(READ_ITEMS)
        items = [f"{row['product_id']}:{row['sku_id']}:{row['id']}" for row in rows]
        found = await catalog.offers(tx, items)
        return [found[item] for item in items]

    return await database.write(work)


def numbered(number: int, offer: Offer, **changes: Any) -> Subscription:
    """One of many active subscriptions of an offer, whose term ends at ``END`` unless told otherwise."""
    item = {"product_id": offer.product_id, "sku_id": offer.sku_id, "availability_id": offer.availability_id}
    bought = pending(id=f"00000000-0000-4000-8000-{number:012d}", line_number=number, **item)
    active = rules.activated(bought, None, CTX.account.settings, START)
    return turning.scheduled(replace(active, **changes), CTX.account.settings)


async def saved(database: Database, *subscriptions: Subscription, account_id: str = ACCOUNT_ID) -> None:
    async def work(tx: Tx) -> None:
        await store.insert(tx, account_id, *subscriptions)
        for each in subscriptions:
            await catalog.take_stock(tx, each.product_id, each.sku_id, each.quantity)

    await database.write(work)


async def work_at(database: Database, now: datetime) -> datetime | None:
    """Do the due work once, as a worker does; when it is to be done again."""

    async def work(tx: Tx) -> datetime | None:
        await clock.cancel(tx, account_id=ACCOUNT_ID, kind=service.TURN, subject_id=ACCOUNT_ID)
        await service_turning.turn_subscriptions(tx, replace(CTX, now=now), ACCOUNT_ID)
        return await clock.next_due_of(tx, ACCOUNT_ID)

    return await database.write(work)


async def held(database: Database) -> list[Subscription]:
    found = await database.read(
        lambda tx: store.list_for_customer(tx, ACCOUNT_ID, CUSTOMER_ID, ended_after=EPOCH)
    )
    return sorted(found, key=lambda each: each.id)


async def acts(database: Database) -> list[tuple[str, datetime]]:
    recorded = await database.read(lambda tx: audit.read(tx, ACCOUNT_ID, 0, 1_000))
    return [
        (each.entry.action, each.entry.at) for each in recorded if each.entry.subject_kind == "subscription"
    ]


async def taken(database: Database, offer: Offer) -> int:
    item = offer.catalog_item_id
    found: Offer = (await database.read(lambda tx: catalog.offers(tx, [item])))[item]
    return found.stock_taken


# Chunks


async def test_many_turn_in_chunks_of_bounded_size_and_none_twice(database: Database, boxed: Offer) -> None:
    count = service_turning.CHUNK_MAX + 44
    await saved(database, *(numbered(number, boxed) for number in range(count)))
    await saved(database, numbered(9_999, boxed), account_id=OTHER_ID)
    assert await work_at(database, END - timedelta(microseconds=1)) == END
    assert await acts(database) == []

    assert await work_at(database, END) == END
    renewed = [each.term_end_at == NEXT_END for each in await held(database)]
    assert renewed == [True] * service_turning.CHUNK_MAX + [False] * 44
    assert await work_at(database, END) == NEXT_END
    assert {each.term_end_at for each in await held(database)} == {NEXT_END}
    assert {str(each.unit_price.amount) for each in await held(database)} == {"13"}
    assert await acts(database) == [("renew_subscription", END)] * count
    assert await work_at(database, END) == NEXT_END
    assert len(await acts(database)) == count

    other = await database.read(lambda tx: store.get_by_id(tx, numbered(9_999, boxed).id))
    assert other == (OTHER_ID, numbered(9_999, boxed))


async def test_each_turns_as_of_its_own_instant_the_earliest_first(database: Database, boxed: Offer) -> None:
    late = numbered(1, boxed, term_end_at=END + timedelta(days=2))
    early = numbered(2, boxed, auto_renew=False)
    await saved(database, late, early)
    assert await work_at(database, END + timedelta(days=9)) == datetime(2026, 5, 2, tzinfo=UTC)
    assert await acts(database) == [
        ("expire_subscription", END),
        ("renew_subscription", END + timedelta(days=2)),
    ]
    ended = (await held(database))[1]
    assert (ended.status, ended.ended_at) == (Status.EXPIRED, END)


async def test_nothing_is_scheduled_where_nothing_is_due_any_more(database: Database, boxed: Offer) -> None:
    await saved(database, numbered(1, boxed, auto_renew=False))
    assert await work_at(database, END) is None


async def test_a_base_turns_before_its_add_ons_although_it_is_in_a_later_chunk(
    database: Database, boxed: Offer
) -> None:
    base = numbered(999_999, boxed, auto_renew=False)
    count = service_turning.CHUNK_MAX + 3
    add_ons = [numbered(number, boxed, parent_subscription_id=base.id) for number in range(count)]
    await saved(database, base, *add_ons)
    assert await work_at(database, END) is None
    assert {each.status for each in await held(database)} == {Status.EXPIRED}
    assert await acts(database) == [("expire_subscription", END)] * (count + 1)
    assert await taken(database, boxed) == 0


async def test_an_add_on_looks_at_a_base_that_is_not_due(database: Database, boxed: Offer) -> None:
    base = numbered(1, boxed, term_end_at=NEXT_END)
    gone = replace(numbered(2, boxed), status=Status.DELETED, ended_at=START, next_due_at=None)
    kept = numbered(3, boxed, parent_subscription_id=base.id)
    orphan = numbered(4, boxed, parent_subscription_id=gone.id)
    unknown = numbered(5, boxed, parent_subscription_id=numbered(77, boxed).id)
    await saved(database, base, gone, kept, orphan, unknown)
    await work_at(database, END)
    statuses = [each.status for each in await held(database)]
    assert statuses == [Status.ACTIVE, Status.DELETED, Status.ACTIVE, Status.EXPIRED, Status.ACTIVE]


async def test_units_come_back_of_all_that_ended_or_shrank(database: Database, boxed: Offer) -> None:
    await saved(
        database,
        numbered(1, boxed, next_quantity=5),
        numbered(2, boxed, auto_renew=False),
        numbered(3, boxed),
    )
    assert await taken(database, boxed) == 36
    await work_at(database, END)
    assert await taken(database, boxed) == 5 + 12


async def test_what_was_given_more_time_is_put_off_without_a_new_version(
    database: Database, boxed: Offer
) -> None:
    waiting = replace(pending(), next_due_at=ORDERED_AT + timedelta(days=3))
    await saved(database, waiting)
    limit = ORDERED_AT + timedelta(days=30)
    assert await work_at(database, ORDERED_AT + timedelta(days=3)) == limit
    assert await held(database) == [replace(waiting, next_due_at=limit)]
    assert await acts(database) == []


async def test_what_no_store_knows_a_term_of_is_due_never(database: Database) -> None:
    await saved(database, pending(), replace(pending(), id="00000000-0000-4000-8000-000000000001"))
    assert await work_at(database, END) is None


# One that fails


async def _turn(tx: Tx, ctx: Context, subject_id: str) -> None:
    """The due work, and what follows it as the transaction ends."""
    await service_turning.turn_subscriptions(tx, ctx, subject_id)
    found = await store.get(tx, ACCOUNT_ID, CUSTOMER_ID, FAULTY_ID)
    if found is not None and found.term_end_at == NEXT_END:
        raise LookupError(FAULTY_ID)


async def test_one_that_fails_holds_up_no_other_and_is_given_up_alone(
    database: Database, boxed: Offer
) -> None:
    await database.write(lambda tx: add_account(tx, ACCOUNT_ID, AccountClock(frozen_at=END)))
    later = numbered(9, boxed, term_end_at=END + timedelta(days=1))
    await saved(database, *(numbered(number, boxed) for number in range(1, 9)), later)
    await database.write(
        lambda tx: clock.schedule(
            tx, account_id=ACCOUNT_ID, kind=service.TURN, subject_id=ACCOUNT_ID, due_at=END
        )
    )
    wall = END

    async def make(tx: Tx, work: Work, wall: datetime) -> Context:
        return replace(CTX, now=work.due_at)

    worker = Worker(
        database, {service.TURN: _turn}, lambda: wall, make, "w", {service.TURN: service_turning.divide}
    )
    for _ in range(12):
        await run_until(worker)
        wall += timedelta(hours=1)
    ends = [each.term_end_at for each in await held(database)]
    assert ends == [NEXT_END] * 2 + [END] + [NEXT_END] * 5 + [later.term_end_at]
    parked = await database.read(lambda tx: clock.parked(tx, ACCOUNT_ID))
    assert [each.work.subject_id for each in parked] == [FAULTY_ID]
    assert await database.read(lambda tx: clock.next_due_of(tx, ACCOUNT_ID)) == later.term_end_at

    await database.write(lambda tx: clock.revive(tx, ACCOUNT_ID, service.TURN))
    mended = replace(worker, handlers={service.TURN: service_turning.turn_subscriptions})
    assert (await run_until(mended)).done == 1
    assert (await held(database))[2].term_end_at == NEXT_END
    assert len(await acts(database)) == 8


# Changes in between


async def test_a_change_that_comes_too_late_is_unsettled(database: Database, boxed: Offer) -> None:
    due = numbered(1, boxed)
    await saved(database, due)
    late = replace(CTX, now=END)
    acts_on = (
        lambda tx: service.cancel(tx, late, due, StatusReason.ORDER_CANCELLED),
        lambda tx: service.suspend(tx, late, due, StatusReason.PAYMENT_DEFAULT),
        lambda tx: service.reinstate(tx, late, due),
        lambda tx: service.renew_now(tx, late, due),
        lambda tx: service.change_plan(tx, late, due, boxed, boxed.terms[0]),
        lambda tx: service.change_billing_cycle(tx, late, due, boxed.terms[0]),
        lambda tx: service.activate_by_publisher(tx, late, due),
    )
    for act in acts_on:
        with pytest.raises(Unsettled) as unsettled:
            await database.write(act)
        assert unsettled.value.account_id == ACCOUNT_ID
    assert await held(database) == [due]


async def test_a_change_moves_the_due_work_to_an_earlier_time(database: Database, boxed: Offer) -> None:
    yearly = numbered(1, boxed, term_end_at=datetime(2027, 3, 2, tzinfo=UTC))
    await saved(database, yearly)
    now = replace(CTX, now=START + timedelta(days=1))
    suspended = await database.write(
        lambda tx: service.suspend(tx, now, yearly, StatusReason.PAYMENT_DEFAULT)
    )
    assert suspended.next_due_at == START + timedelta(days=31)
    assert await database.read(lambda tx: clock.next_due_of(tx, ACCOUNT_ID)) == suspended.next_due_at
    assert await held(database) == [suspended]


async def test_the_due_work_and_a_cancellation_do_not_overwrite_each_other(
    database: Database, boxed: Offer
) -> None:
    subscription = numbered(1, boxed)
    await saved(database, subscription)
    await work_at(database, END)

    async def cancel(tx: Tx) -> None:
        with pytest.raises(RetryTransaction):
            await service.cancel(tx, CTX, subscription, StatusReason.ORDER_CANCELLED)

    await database.write(cancel)
    assert (await held(database))[0].status is Status.ACTIVE


async def test_a_cancellation_and_the_due_work_at_once_are_done_one_after_the_other(
    database: Database, boxed: Offer
) -> None:
    base = numbered(1, boxed)
    add_ons = [numbered(number, boxed, parent_subscription_id=base.id) for number in range(2, 6)]
    await saved(database, base, *add_ons)
    before_the_end = replace(CTX, now=END - timedelta(microseconds=1))

    async def cancel(tx: Tx) -> bool:
        found = await store.get(tx, ACCOUNT_ID, CUSTOMER_ID, base.id)
        assert found is not None
        await service.cancel(tx, before_the_end, found, StatusReason.ORDER_CANCELLED)
        return True

    await asyncio.gather(database.write(cancel), work_at(database, END))
    assert {each.status for each in await held(database)} == {Status.DELETED}
    assert await taken(database, boxed) == 0
    done = [act for act, _ in await acts(database)]
    assert done.count("cancel_subscription") == 5
    assert len(done) in {5, 10}


# Another plan


async def test_another_plan_takes_its_stock_and_gives_the_old_back(database: Database) -> None:
    boxed, rare = await on_shelf(database)
    one = numbered(1, boxed, quantity=1)
    await saved(database, one, numbered(2, boxed))
    now = replace(CTX, now=START + timedelta(days=3))
    changed = await database.write(lambda tx: service.change_plan(tx, now, one, rare, rare.terms[0]))
    assert (changed.catalog_item_id, changed.offer_name) == (rare.catalog_item_id, "One in stock")
    assert (str(changed.unit_price.amount), changed.term_end_at) == ("80", END)
    assert (await held(database))[0] == changed
    assert (await taken(database, boxed), await taken(database, rare)) == (12, 1)
    assert await acts(database) == [("change_plan", now.now)]


async def test_another_plan_out_of_stock_is_refused(database: Database) -> None:
    boxed, rare = await on_shelf(database)
    twelve = numbered(1, boxed)
    await saved(database, twelve)
    with pytest.raises(Refusal) as refused:
        await database.write(lambda tx: service.change_plan(tx, CTX, twelve, rare, rare.terms[0]))
    assert refused.value.code is Code.OUT_OF_STOCK
    assert (await held(database), await taken(database, boxed)) == ([twelve], 12)


async def test_the_same_plan_at_another_price_keeps_its_stock(database: Database, boxed: Offer) -> None:
    twelve = numbered(1, boxed)
    await saved(database, twelve)
    await database.write(lambda tx: service.change_plan(tx, CTX, twelve, boxed, term(price="11")))
    assert await taken(database, boxed) == 12


# What publishers are served


async def test_a_publisher_activates_what_waits(database: Database) -> None:
    await saved(database, pending())
    production = replace(CTX, now=START)
    active = await database.write(lambda tx: service.activate_by_publisher(tx, production, pending()))
    assert (active.status, active.started_at, active.next_due_at) == (Status.ACTIVE, START, END)
    assert await held(database) == [active]


async def test_a_subscription_is_found_by_its_id_in_every_account(database: Database) -> None:
    await saved(database, pending(), account_id=OTHER_ID)
    find = service.get_by_id
    assert await database.read(lambda tx: find(tx, pending().id.upper())) == (OTHER_ID, pending())
    assert await database.read(lambda tx: find(tx, "00000000-0000-4000-8000-000000000009")) is None
    assert await database.read(lambda tx: find(tx, f"{pending().id}\0")) is None


async def test_a_publishers_list_walks_all_accounts_in_one_order(database: Database) -> None:
    def bought(number: int, seconds: int, **changes: Any) -> Subscription:
        created_at = ORDERED_AT + timedelta(seconds=seconds)
        return pending(id=f"00000000-0000-4000-8000-{number:012d}", created_at=created_at, **changes)

    mine = [bought(5, 0), bought(3, 1), bought(4, 1)]
    await saved(database, *mine)
    await saved(database, bought(1, 1), bought(2, 2), account_id=OTHER_ID)
    await saved(database, bought(6, 1, publisher_id="cinderpeak"))
    seen: list[tuple[str, int]] = []
    after_created_at, after_id = EPOCH, ""
    for _ in range(4):
        page = await database.read(lambda tx: listed(tx, after_created_at, after_id))  # noqa: B023 - run at once
        if not page:
            break
        seen += [(account_id, int(each.id[-2:])) for account_id, each in page]
        after_created_at, after_id = page[-1][1].created_at, page[-1][1].id
    mine_first = [(ACCOUNT_ID, 5), (OTHER_ID, 1), (ACCOUNT_ID, 3), (ACCOUNT_ID, 4), (OTHER_ID, 2)]
    assert seen == mine_first


async def listed(tx: Tx, after_created_at: datetime, after_id: str) -> list[tuple[str, Subscription]]:
    """Two of a publisher's subscriptions."""
    return await service.list_for_publisher(
        tx, "tideline", after_created_at=after_created_at, after_id=after_id, limit=2
    )


async def test_time_looks_after_what_was_bought_once_the_order_is_fulfilled(database: Database) -> None:
    bought = [turning.scheduled(each, CTX.account.settings) for each in (pending(),)]
    await saved(database, *bought)

    async def fulfil(tx: Tx, ctx: Context = CTX) -> datetime | None:
        await service.follow_fulfilment(tx, ctx, bought)
        return await clock.next_due_of(tx, ACCOUNT_ID)

    assert await database.write(fulfil) == ORDERED_AT + timedelta(days=30)
    assert await database.write(fulfil) == ORDERED_AT + timedelta(days=30)
    assert await held(database) == bought
