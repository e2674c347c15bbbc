"""Orders on both engines: every column, the list's delay, placing, fulfilling, changing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.order_factory import (
    ADD_ON,
    ALTERNATE_ID,
    CUSTOMER_ID,
    ITEM,
    NOW,
    ORDER_ID,
    a_request,
    an_add_on,
    an_offer,
    an_order,
    an_order_line,
    facts,
    months,
)
from tests.subscription_factory import context, customer

from comptoir.audit import service as audit
from comptoir.audit.model import Recorded
from comptoir.catalog.model import BillingCycle
from comptoir.core.accounts import AccountSettings, ActivationLink, OrderIdForm
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import Ids
from comptoir.core.money import Rate
from comptoir.db import Database, RetryTransaction, Tx, sql
from comptoir.orders import placing, service, service_patch, store
from comptoir.orders.judging import judge_lines
from comptoir.orders.model import EchoedLine, LineRequest, Order, OrderPatch, Status
from comptoir.orders.service import FULFIL
from comptoir.subscriptions import service as subscriptions
from comptoir.subscriptions.model import Status as SubscriptionStatus
from comptoir.subscriptions.model import StatusReason, Subscription

pytestmark = pytest.mark.anyio

SANDBOX = AccountSettings(
    require_customer_agreement=False,
    allow_order_cancel=True,
    activation_link=ActivationLink.PLACEHOLDER,
    order_fulfilment_delay_seconds=2,
)
CTX = replace(context(SANDBOX), now=NOW)
ACCOUNT_ID = CTX.account.id
BUYER = customer(id=CUSTOMER_ID)
STRANGER = replace(BUYER, id="5e0c7f2a-91d4-4b6b-8f0e-2c7d1a3b9e45")
OTHER_ACCOUNT = replace(CTX, account=replace(CTX.account, id="11111111-2222-4333-8444-555555555555"))
DUE = sql("SELECT account_id, kind, subject_id, due_at FROM due_work")


async def saved(database: Database, *orders: Order, account_id: str = ACCOUNT_ID) -> None:
    async def work(tx: Tx) -> None:
        for order in orders:
            assert await store.insert(tx, account_id, order)

    await database.write(work)


async def loaded(database: Database, order_id: str = ORDER_ID, ctx: Context = CTX) -> Order:
    return await database.read(lambda tx: service.get(tx, ctx, BUYER, order_id))


async def placed(database: Database, *requests: LineRequest, ctx: Context = CTX, **options: Any) -> Order:
    """An order for judged lines; the catalogue is not asked."""
    lines = judge_lines(requests or [a_request()], facts(an_offer(), an_add_on()))
    draft = replace(placing.draft_of(lines, attestation=None, upn=None), **options)
    return await database.write(lambda tx: service.place(tx, ctx, BUYER, draft))


async def fulfilled(database: Database, order: Order, ctx: Context = CTX) -> Order:
    await database.write(lambda tx: service.fulfil(tx, ctx, order.alternate_id))
    return await loaded(database, order.id, ctx)


async def bought(database: Database, order: Order) -> list[Subscription]:
    return await database.read(lambda tx: subscriptions.list_for_order(tx, CTX, BUYER.id, order.id))


async def journal(database: Database) -> Sequence[Recorded]:
    return await database.read(lambda tx: audit.read(tx, ACCOUNT_ID, 0, 100))


async def test_every_member_comes_back_as_it_was(database: Database) -> None:
    full = an_order_line(
        1,
        term=months("P3Y"),
        renews_to=months("P1Y"),
        unit_price=Rate(Decimal("0.0000000125"), "EUR"),
        billing_periods=36,
        quantity=999_999_999,
        friendly_name="Équipe – Lyon ☂",
        parent_subscription_id=an_order_line().subscription_id,
        partner_mpn_id="4000123",
        additional_mpn_ids=("4000124", "4000125"),
        provisioning_context={"parentSubscriptionId": "x", "": "y"},
        attestation_accepted=False,
        is_cancelled=True,
    )
    order = an_order(
        an_order_line(0),
        full,
        purchaser_name="ann@partner.example",
        upn="bob@customer.example",
        attestation=False,
        cart_id="c",
        cart_group="0",
        completed_at=None,
        status=Status.PENDING,
    )
    bare = an_order(id=ORDER_ID[::-1], alternate_id="000000000001", completed_at=None)
    await saved(database, order, bare)
    assert await loaded(database) == order
    assert await loaded(database, bare.id) == bare


@pytest.mark.parametrize("text", [ORDER_ID, ALTERNATE_ID])
async def test_an_order_is_found_by_both_ids(database: Database, text: str) -> None:
    await saved(database, an_order(completed_at=None))
    assert (await loaded(database, text)).id == ORDER_ID


@pytest.mark.parametrize(
    ("ctx", "buyer", "text"),
    [
        (CTX, BUYER, ORDER_ID.lower()),
        (CTX, BUYER, ALTERNATE_ID.upper()),
        (CTX, BUYER, "000000000000"),
        (CTX, BUYER, "' OR 1=1 --"),
        (CTX, BUYER, f"{ORDER_ID}\0"),
        (CTX, BUYER, ""),
        (CTX, STRANGER, ORDER_ID),
        (CTX, STRANGER, ALTERNATE_ID),
        (OTHER_ACCOUNT, BUYER, ORDER_ID),
        (OTHER_ACCOUNT, BUYER, ALTERNATE_ID),
    ],
)
async def test_what_is_not_the_customer_s_is_unknown(
    database: Database, ctx: Context, buyer: Any, text: str
) -> None:
    await saved(database, an_order())
    for read in (service.get, service.get_locked):
        with pytest.raises(Refusal) as refused:
            await database.write(lambda tx, read=read: read(tx, ctx, buyer, text))  # type: ignore[misc]
        assert refused.value.code is Code.ORDER_NOT_FOUND


async def test_an_alternate_id_belongs_to_one_order(database: Database) -> None:
    await saved(database, an_order())
    again = an_order(id=ORDER_ID[::-1])
    assert not await database.write(lambda tx: store.insert(tx, ACCOUNT_ID, again))
    await saved(database, again, account_id=OTHER_ACCOUNT.account.id)
    with pytest.raises(Refusal):
        await loaded(database, again.id)


async def test_another_alternate_id_is_drawn_for_a_taken_one(database: Database) -> None:
    taken = Ids(seed=3)
    taken.order_id(), taken.guid()
    await saved(database, an_order(alternate_id=taken.alternate_id()))
    order = await placed(database, ctx=replace(CTX, ids=Ids(seed=3)))
    assert order.alternate_id == taken.alternate_id()
    assert await loaded(database, order.id) == order


class OneAlternateId(Ids):
    """Draws the same alternate id for ever."""

    def alternate_id(self) -> str:
        return ALTERNATE_ID


async def test_drawing_alternate_ids_has_an_end(database: Database) -> None:
    await saved(database, an_order())
    ctx = replace(CTX, ids=OneAlternateId(seed=1))
    lines = judge_lines([a_request()], facts())
    draft = placing.draft_of(lines, attestation=None, upn=None)

    async def work(tx: Tx) -> None:
        with pytest.raises(RetryTransaction):
            async with tx.savepoint():
                await service.place(tx, ctx, BUYER, draft)

    await database.write(work)
    assert len(await database.read(lambda tx: service.list_for_customer(tx, CTX, BUYER))) == 1


async def test_a_list_holds_the_newest_orders_with_all_their_lines(database: Database) -> None:
    def aged(seconds: int, number: int, **changes: Any) -> Order:
        created_at = NOW - timedelta(seconds=seconds)
        lines = an_order_line(0), an_order_line(1)
        ids = {"id": f"order-{number}", "alternate_id": f"{number:012d}"}
        return an_order(*lines, **ids, created_at=created_at, completed_at=None, **changes)

    newest = [aged(1, 4), aged(2, 2), aged(2, 3), aged(3, 1)]
    other = aged(0, 5, billing_cycle=BillingCycle.ONE_TIME)
    await saved(database, *newest, other)

    async def listed(most: int, cycle: BillingCycle | None = None) -> list[Order]:
        return await database.read(
            lambda tx: store.list_for_customer(tx, ACCOUNT_ID, BUYER.id, NOW, cycle, most=most)
        )

    for most in range(1, 6):
        assert await listed(most, BillingCycle.MONTHLY) == newest[:most]
        assert await listed(most) == [other, *newest][:most]


async def test_lists_are_newest_first_and_filtered(database: Database) -> None:
    def numbered(number: int, **changes: Any) -> Order:
        ids = {"id": f"order-{number}", "alternate_id": f"{number:012d}"}
        return an_order(**{**ids, "created_at": NOW - timedelta(seconds=number), **changes})

    await saved(
        database,
        numbered(2, lines=(an_order_line(0), an_order_line(1))),
        numbered(3, billing_cycle=BillingCycle.ONE_TIME),
        numbered(1),
        numbered(4, customer_id=STRANGER.id),
    )
    await saved(database, numbered(5), account_id=OTHER_ACCOUNT.account.id)

    async def ids(cycle: BillingCycle | None = None) -> list[str]:
        found = await database.read(lambda tx: service.list_for_customer(tx, CTX, BUYER, cycle))
        return [order.id for order in found]

    assert await ids() == ["order-1", "order-2", "order-3"]
    assert await ids(BillingCycle.ONE_TIME) == ["order-3"]
    assert await ids(BillingCycle.ANNUAL) == []
    asked = ["order-3", "order-1"]
    by_ids = await database.read(lambda tx: service.list_by_ids(tx, CTX, BUYER, asked))
    assert [order.id for order in by_ids] == asked


@pytest.mark.parametrize(
    ("elapsed", "is_listed"),
    [(timedelta(0), False), (timedelta(minutes=14, seconds=59), False), (timedelta(minutes=15), True)],
)
async def test_the_list_shows_an_order_after_its_delay(
    database: Database, elapsed: timedelta, is_listed: bool
) -> None:
    await saved(database, an_order())
    late = replace(SANDBOX, order_list_delay_seconds=900)
    ctx = replace(CTX, now=NOW + elapsed, account=replace(CTX.account, settings=late))
    found = await database.read(lambda tx: service.list_for_customer(tx, ctx, BUYER))
    assert [order.id for order in found] == ([ORDER_ID] if is_listed else [])
    assert (await loaded(database, ctx=ctx)).id == ORDER_ID


async def test_placing_writes_order_subscriptions_work_and_journal(database: Database) -> None:
    order = await placed(database, a_request(), a_request(quantity=1), cart_id="c", cart_group="0")
    assert await loaded(database, order.id) == order
    assert (order.status, order.cart_id, order.cart_group) == (Status.PENDING, "c", "0")
    subscribed = await bought(database, order)
    assert [each.id for each in subscribed] == [line.subscription_id for line in order.lines]
    assert {each.status for each in subscribed} == {SubscriptionStatus.PENDING}
    assert [each.quantity for each in subscribed] == [12, 1]
    (work,) = await database.read(lambda tx: tx.all(DUE))
    assert (work["account_id"], work["kind"], work["subject_id"]) == (ACCOUNT_ID, FULFIL, order.alternate_id)
    (entry,) = await journal(database)
    assert (entry.entry.action, entry.entry.subject_id) == ("create_order", order.id)


async def test_add_ons_know_their_new_base(database: Database) -> None:
    order = await placed(database, a_request(ADD_ON, parent_line=1), a_request(), a_request(ADD_ON))
    assert [line.catalog_item_id for line in order.lines] == [ADD_ON, ITEM, ADD_ON]
    base_id = order.lines[1].subscription_id
    assert [line.parent_subscription_id for line in order.lines] == [base_id, None, base_id]
    assert [each.parent_subscription_id for each in await bought(database, order)] == [base_id, None, base_id]


@pytest.mark.parametrize(("form", "length"), [(OrderIdForm.MODERN, 33), (OrderIdForm.GUID, 36)])
async def test_the_form_of_order_ids_is_a_setting(database: Database, form: OrderIdForm, length: int) -> None:
    settings = replace(SANDBOX, order_id_form=form)
    order = await placed(database, ctx=replace(CTX, account=replace(CTX.account, settings=settings)))
    assert len(order.id) == length
    assert (await loaded(database, order.alternate_id)).id == order.id


async def test_fulfilment_completes_once(database: Database) -> None:
    order = await placed(database)
    later = replace(CTX, now=NOW + timedelta(seconds=2))
    done = await fulfilled(database, order, later)
    assert (done.status, done.completed_at) == (Status.COMPLETED, later.now)
    assert await fulfilled(database, order, replace(CTX, now=NOW + timedelta(days=1))) == done
    assert [each.entry.action for each in await journal(database)] == ["create_order", "fulfil_order"]


async def test_nothing_left_to_fulfil_is_an_error(database: Database) -> None:
    order = await placed(database)

    async def cancel(tx: Tx) -> None:
        await subscriptions.cancel_all(tx, CTX, BUYER.id)

    await database.write(cancel)
    assert (await fulfilled(database, order)).status is Status.ERROR


async def changed(database: Database, order: Order, patch: OrderPatch, ctx: Context = CTX) -> Order:
    return await database.write(lambda tx: service_patch.patch(tx, ctx, BUYER, order.id, patch))


async def test_cancelling_ends_every_subscription(database: Database) -> None:
    order = await fulfilled(database, await placed(database, a_request(), a_request(quantity=3)))
    after = await changed(database, order, OrderPatch(is_cancellation=True))
    assert await loaded(database, order.id) == after
    assert (after.status, after.cancelled_at) == (Status.CANCELLED, NOW)
    assert [line.quantity for line in after.lines] == [12, 3]
    ended = await bought(database, order)
    assert {each.status for each in ended} == {SubscriptionStatus.DELETED}
    assert {each.status_reason for each in ended} == {StatusReason.ORDER_CANCELLED}


async def test_cancelling_a_line_leaves_the_others(database: Database) -> None:
    order = await fulfilled(database, await placed(database, a_request(), a_request(quantity=3)))
    after = await changed(database, order, OrderPatch(is_cancellation=True, lines=(EchoedLine(1),)))
    assert await loaded(database, order.id) == after
    assert (after.status, after.cancelled_at) == (Status.COMPLETED, None)
    assert [(line.quantity, line.is_cancelled) for line in after.lines] == [(12, False), (0, True)]
    statuses = [each.status for each in await bought(database, order)]
    assert statuses == [SubscriptionStatus.PENDING, SubscriptionStatus.DELETED]
    rest = await changed(database, order, OrderPatch(is_cancellation=True))
    assert [(line.quantity, line.is_cancelled) for line in rest.lines] == [(12, True), (0, True)]
    assert rest.status is Status.CANCELLED


async def test_a_subscription_that_ended_by_itself_does_not_hinder_a_cancellation(database: Database) -> None:
    order = await fulfilled(database, await placed(database, a_request(), a_request()))
    first = (await bought(database, order))[0]
    await database.write(lambda tx: subscriptions.cancel(tx, CTX, first, StatusReason.CUSTOMER_DELETED))
    await changed(database, order, OrderPatch(is_cancellation=True))
    ended = await bought(database, order)
    assert {each.status for each in ended} == {SubscriptionStatus.DELETED}
    assert ended[0].status_reason is StatusReason.CUSTOMER_DELETED


async def test_a_patch_that_asks_for_nothing_leaves_no_trace(database: Database) -> None:
    order = await fulfilled(database, await placed(database))
    entries = await journal(database)
    assert await changed(database, order, OrderPatch()) == order
    assert await journal(database) == entries


async def test_links_of_a_pending_order_are_not_ready(database: Database) -> None:
    order = await placed(database)
    with pytest.raises(Refusal) as refused:
        await database.read(lambda tx: service.activation_links(tx, CTX, BUYER, order.id))
    assert refused.value.code is Code.ORDER_IN_PROGRESS


async def test_links_lead_from_open_lines(database: Database) -> None:
    order = await fulfilled(database, await placed(database, a_request(), a_request()))

    async def numbers(line_number: int | None = None) -> list[int]:
        links = await database.read(
            lambda tx: service.activation_links(tx, CTX, BUYER, order.id, line_number)
        )
        assert all(f"order={order.alternate_id}" in link.uri for link in links)
        return [link.line_number for link in links]

    assert await numbers() == [0, 1]
    assert await numbers(1) == [1]
    await changed(database, order, OrderPatch(is_cancellation=True, lines=(EchoedLine(0),)))
    assert await numbers() == [1]
    assert await numbers(0) == []
    await changed(database, order, OrderPatch(is_cancellation=True))
    assert await numbers() == []


@pytest.mark.parametrize("line_number", [-1, 1])
async def test_lines_outside_the_order_have_no_links(database: Database, line_number: int) -> None:
    order = await placed(database)
    with pytest.raises(Refusal) as refused:
        await database.read(lambda tx: service.activation_links(tx, CTX, BUYER, order.id, line_number))
    assert refused.value.code is Code.LINE_NUMBER_UNKNOWN
