"""Subscriptions on both engines: every column, every filter, every change."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.subscription_factory import (
    CUSTOMER_ID,
    ORDER_ID,
    ORDERED_AT,
    SUBSCRIPTION_ID,
    context,
    customer,
    draft,
    in_status,
    offer,
    pending,
    term,
)

from comptoir.audit import service as audit
from comptoir.catalog import service as catalog
from comptoir.catalog import service_import
from comptoir.catalog.model import BillingCycle, Offer
from comptoir.core.accounts import AccountSettings, ActivationLink
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.money import Rate
from comptoir.core.terms import Duration
from comptoir.db import Database, RetryTransaction, Tx, sql
from comptoir.subscriptions import rules, service, store
from comptoir.subscriptions.model import BillingType, Status, StatusReason, Subscription

pytestmark = pytest.mark.anyio

SANDBOX = AccountSettings(allow_partner_activation=True, activation_link=ActivationLink.PLACEHOLDER)
CTX = context(SANDBOX)
ACCOUNT_ID = CTX.account.id
OTHER_ACCOUNT = replace(CTX, account=replace(CTX.account, id="11111111-2222-4333-8444-555555555555"))
LATER = replace(CTX, now=ORDERED_AT + timedelta(days=2))

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
        name: Twenty in stock
        markets: {FR: EUR}
        stock: 20
        terms: [{termUnit: P1M, payment: P1M, price: {EUR: 12.50}}]
"""
READ_ITEM = sql("SELECT product_id, sku_id, id FROM availabilities")


async def saved(database: Database, *subscriptions: Subscription, account_id: str = ACCOUNT_ID) -> None:
    async def work(tx: Tx) -> None:
        await store.insert(tx, account_id, *subscriptions)

    await database.write(work)


async def loaded(database: Database, subscription_id: str = SUBSCRIPTION_ID) -> Subscription:
    return await database.read(lambda tx: service.get(tx, CTX, CUSTOMER_ID, subscription_id))


def numbered(number: int, **changes: object) -> Subscription:
    """One of several subscriptions; higher numbers are newer."""
    return pending(
        **{
            "id": f"00000000-0000-4000-8000-{number:012d}",
            "created_at": ORDERED_AT + timedelta(seconds=number),
            **changes,
        }
    )


async def test_every_member_comes_back_as_it_was(database: Database) -> None:
    full = replace(
        in_status(Status.DELETED),
        parent_subscription_id="00000000-0000-4000-8000-000000000001",
        is_trial=True,
        auto_renew=False,
        billing_cycle=BillingCycle.ONE_TIME,
        billing_type=BillingType.USAGE,
        term=Duration.parse("P3Y"),
        renews_to=Duration.parse("P1Y"),
        unit_price=Rate(Decimal("0.0000000125"), "JPY"),
        partner_mpn_id="4847383",
        refund_window=Duration.parse("P7D"),
        started_at=ORDERED_AT + timedelta(microseconds=1),
        anchored_at=ORDERED_AT + timedelta(microseconds=6),
        term_start_at=ORDERED_AT + timedelta(microseconds=2),
        term_end_at=ORDERED_AT + timedelta(microseconds=3),
        refund_until=ORDERED_AT + timedelta(microseconds=4),
        ended_at=ORDERED_AT + timedelta(microseconds=5),
        suspended_at=ORDERED_AT + timedelta(microseconds=7),
        next_quantity=11,
        is_auto_fulfilled=True,
        next_due_at=ORDERED_AT + timedelta(microseconds=8),
        status_reason=StatusReason.CUSTOMER_DELETED,
        friendly_name="Sauvegarde – Lyon ☂",
        version=41,
    )
    bare = numbered(2)
    await saved(database, full, bare)
    assert await loaded(database) == full
    assert await loaded(database, bare.id) == bare


async def test_an_id_matches_in_any_case(database: Database) -> None:
    await saved(database, pending())
    assert (await loaded(database, SUBSCRIPTION_ID.upper())).id == SUBSCRIPTION_ID


@pytest.mark.parametrize(
    ("ctx", "customer_id", "subscription_id"),
    [
        (CTX, CUSTOMER_ID, "00000000-0000-4000-8000-000000000099"),
        (CTX, CUSTOMER_ID, "' OR 1=1 --"),
        (CTX, CUSTOMER_ID, f"{SUBSCRIPTION_ID}\0"),
        (CTX, "5e0c7f2a-91d4-4b6b-8f0e-2c7d1a3b9e45", SUBSCRIPTION_ID),
        (OTHER_ACCOUNT, CUSTOMER_ID, SUBSCRIPTION_ID),
    ],
)
async def test_what_is_not_the_customers_is_unknown(
    database: Database, ctx: Context, customer_id: str, subscription_id: str
) -> None:
    await saved(database, pending())
    with pytest.raises(Refusal) as refused:
        await database.read(lambda tx: service.get(tx, ctx, customer_id, subscription_id))
    assert refused.value.code is Code.SUBSCRIPTION_NOT_FOUND


async def test_lists_are_oldest_first_and_filtered(database: Database) -> None:
    first, second = numbered(1, order_id="A"), numbered(2, order_id="B", partner_mpn_id="4847383")
    third = numbered(3, order_id="A", line_number=1, parent_subscription_id=first.id)
    tied = numbered(4, order_id="C", created_at=third.created_at)
    await saved(database, tied, third, second, first)
    await saved(database, numbered(9), account_id=OTHER_ACCOUNT.account.id)

    async def ids(**filters: object) -> list[int]:
        found = await database.read(lambda tx: service.list_for_customer(tx, CTX, CUSTOMER_ID, **filters))  # type: ignore[arg-type]
        return [int(each.id[-2:]) for each in found]

    assert await ids() == [1, 2, 3, 4]
    assert await ids(order_id="A") == [1, 3]
    assert await ids(order_id="a") == []
    assert await ids(order_id="A\0") == []
    assert await ids(mpn_id="4847383") == [2]
    assert await ids(mpn_id="4847383\0") == []
    assert await ids(order_id="A", mpn_id="4847383") == []
    assert await ids(parent_subscription_id=first.id) == [3]
    assert await ids(size=2) == [1, 2]
    assert await ids(size=2, offset=3) == [4]
    assert await ids(offset=1) == [2, 3, 4]


async def test_a_list_has_a_bound_that_the_limits_do_not_have(database: Database) -> None:
    count = service.LISTED_MAX + 2
    held = [
        pending(id=f"5833af74-42f8-4c10-bb6f-{number:012d}", line_number=number) for number in range(count)
    ]
    await saved(database, *held)

    async def ids(size: int = 0, offset: int = 0) -> list[str]:
        found = await database.read(
            lambda tx: service.list_for_customer(tx, CTX, CUSTOMER_ID, size=size, offset=offset)
        )
        return [each.id for each in found]

    assert await ids() == await ids(count) == [each.id for each in held[: service.LISTED_MAX]]
    assert await ids(offset=service.LISTED_MAX) == [each.id for each in held[service.LISTED_MAX :]]
    every = await database.read(lambda tx: service.open_for_customer(tx, CTX, CUSTOMER_ID))
    assert len(every) == count


async def test_ended_subscriptions_leave_the_lists_after_their_days(database: Database) -> None:
    ended = rules.cancelled(pending(), StatusReason.ORDER_CANCELLED, ORDERED_AT)
    await saved(database, ended, numbered(1))

    async def count(elapsed: timedelta) -> int:
        ctx = replace(CTX, now=ORDERED_AT + elapsed)
        return len(await database.read(lambda tx: service.list_for_customer(tx, ctx, CUSTOMER_ID)))

    days = timedelta(days=SANDBOX.ended_subscription_list_days)
    assert await count(days - timedelta(microseconds=1)) == 2
    assert await count(days) == 1
    assert await loaded(database) == ended
    for_order = await database.read(lambda tx: service.list_for_order(tx, CTX, CUSTOMER_ID, ORDER_ID))
    assert {each.id for each in for_order} == {ended.id, numbered(1).id}
    held = await database.read(lambda tx: service.open_for_customer(tx, CTX, CUSTOMER_ID))
    assert [each.id for each in held] == [numbered(1).id]


async def test_create_stores_a_pending_subscription_and_writes_no_entry(database: Database) -> None:
    created = await database.write(lambda tx: service.create(tx, CTX, customer(), draft()))
    assert created.status is Status.PENDING
    assert created.customer_id == CUSTOMER_ID
    assert await loaded(database, created.id) == created
    assert await database.read(lambda tx: audit.read(tx, ACCOUNT_ID, 0, 10)) == []


async def activate(tx: Tx, ctx: Context = LATER, subscription_id: str = SUBSCRIPTION_ID) -> Subscription:
    subscription = await service.get(tx, ctx, CUSTOMER_ID, subscription_id)
    return await service.activate(tx, ctx, subscription, is_in_progress=False)


async def test_activation_is_stored_and_journalled(database: Database) -> None:
    await saved(database, pending())
    active = await database.write(activate)
    assert active.status is Status.ACTIVE
    assert active.started_at == LATER.now
    assert await loaded(database) == active
    (entry,) = await database.read(lambda tx: audit.read(tx, ACCOUNT_ID, 0, 10))
    assert (entry.entry.action, entry.entry.subject_id) == ("activate_subscription", SUBSCRIPTION_ID)
    assert (entry.entry.customer_id, entry.entry.at) == (CUSTOMER_ID, LATER.now)
    assert '"status":"pending"' in (entry.entry.before or "")
    assert '"status":"active"' in (entry.entry.after or "")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.ACTIVE, Code.ALREADY_ACTIVATED),
        (Status.SUSPENDED, Code.ALREADY_ACTIVATED),
        (Status.DELETED, Code.SUBSCRIPTION_ENDED),
        (Status.EXPIRED, Code.SUBSCRIPTION_ENDED),
    ],
)
async def test_a_refused_activation_changes_nothing(database: Database, status: Status, code: Code) -> None:
    before = in_status(status)
    await saved(database, before)
    with pytest.raises(Refusal) as refused:
        await database.write(activate)
    assert refused.value.code is code
    assert await loaded(database) == before
    assert await database.read(lambda tx: audit.read(tx, ACCOUNT_ID, 0, 10)) == []


async def test_an_account_that_may_not_activate_is_refused(database: Database) -> None:
    await saved(database, pending())
    production = context(AccountSettings())
    with pytest.raises(Refusal) as refused:
        await database.write(lambda tx: activate(tx, production))
    assert refused.value.code is Code.WRONG_ENVIRONMENT
    assert (await loaded(database)).status is Status.PENDING


async def test_an_add_on_is_activated_after_its_base(database: Database) -> None:
    base = numbered(1)
    await saved(database, base, pending(parent_subscription_id=base.id))
    with pytest.raises(Refusal) as refused:
        await database.write(activate)
    assert refused.value.code is Code.NOT_A_SUBSCRIPTION_FOR_THIS
    await database.write(lambda tx: activate(tx, subscription_id=base.id))
    add_on = await database.write(activate)
    assert add_on.status is Status.ACTIVE


async def test_of_many_activations_at_once_one_counts(database: Database) -> None:
    await saved(database, pending())

    async def attempt() -> str:
        try:
            await database.write(activate)
        except Refusal as refusal:
            return refusal.code.name
        return "activated"

    results = await asyncio.gather(*(attempt() for _ in range(8)))
    assert sorted(results) == sorted(["activated", *["ALREADY_ACTIVATED"] * 7])
    assert (await loaded(database)).version == 2
    assert len(await database.read(lambda tx: audit.read(tx, ACCOUNT_ID, 0, 10))) == 1


async def test_a_change_to_an_older_version_is_not_stored(database: Database) -> None:
    await saved(database, pending())
    stale = pending()
    await database.write(activate)

    async def work(tx: Tx) -> None:
        with pytest.raises(RetryTransaction):
            await service.cancel(tx, LATER, stale, StatusReason.ORDER_CANCELLED)

    await database.write(work)
    assert (await loaded(database)).status is Status.ACTIVE


async def test_cancellation_gives_the_stock_back_once(database: Database) -> None:
    async def buy(tx: Tx) -> Subscription:
        await service_import.import_files(tx, CTX, [("tideline.yaml", CATALOGUE)])
        boxed = await stocked(tx)
        assert await catalog.take_stock(tx, boxed.product_id, boxed.sku_id, 12)
        return await service.create(tx, CTX, customer(), draft(offer=boxed, term=boxed.terms[0], quantity=12))

    async def cancel(tx: Tx) -> Subscription:
        found = await service.get(tx, LATER, CUSTOMER_ID, subscription.id)
        return await service.cancel(tx, LATER, found, StatusReason.ORDER_CANCELLED)

    subscription = await database.write(buy)
    assert (await database.read(stocked)).stock_taken == 12
    ended = await database.write(cancel)
    assert (ended.status, ended.ended_at) == (Status.DELETED, LATER.now)
    assert await loaded(database, subscription.id) == ended
    assert (await database.read(stocked)).stock_taken == 0
    with pytest.raises(Refusal) as refused:
        await database.write(cancel)
    assert refused.value.code is Code.SUBSCRIPTION_ENDED
    assert (await database.read(stocked)).stock_taken == 0
    *_, entry = await database.read(lambda tx: audit.read(tx, ACCOUNT_ID, 0, 10))
    assert (entry.entry.action, entry.entry.subject_id) == ("cancel_subscription", subscription.id)


async def stocked(tx: Tx) -> Offer:
    """The one item of the catalogue, with what is taken of its stock."""
    row = await tx.one(READ_ITEM)
    assert row is not None
    (found,) = (await catalog.offers(tx, [f"{row['product_id']}:{row['sku_id']}:{row['id']}"])).values()
    return found


async def test_another_billing_cycle_is_stored_and_journalled(database: Database) -> None:
    active = rules.activated(pending(term=Duration.parse("P1Y")), None, SANDBOX, LATER.now)
    await saved(database, active)
    annual = term("P1Y", BillingCycle.ANNUAL, "140")
    changed = await database.write(lambda tx: service.change_billing_cycle(tx, LATER, active, annual))
    assert await loaded(database) == changed
    assert (changed.billing_cycle, changed.unit_price.amount) == (BillingCycle.ANNUAL, Decimal("140"))
    (entry,) = await database.read(lambda tx: audit.read(tx, ACCOUNT_ID, 0, 10))
    assert entry.entry.action == "update_subscription"


async def test_cancel_all_ends_what_is_open_and_leaves_the_rest(database: Database) -> None:
    ended = replace(in_status(Status.EXPIRED), id=numbered(5).id)
    elsewhere = numbered(6, customer_id="5e0c7f2a-91d4-4b6b-8f0e-2c7d1a3b9e45")
    await saved(database, numbered(1), numbered(2), ended, elsewhere)
    await database.write(lambda tx: service.cancel_all(tx, LATER, CUSTOMER_ID))
    assert await database.read(lambda tx: service.open_for_customer(tx, CTX, CUSTOMER_ID)) == []
    assert await loaded(database, ended.id) == ended
    first = await loaded(database, numbered(1).id)
    assert (first.status, first.status_reason) == (Status.DELETED, StatusReason.CUSTOMER_DELETED)
    held = await database.read(lambda tx: service.open_for_customer(tx, CTX, elsewhere.customer_id))
    assert held == [elsewhere]


async def test_add_ons_end_with_their_base(database: Database) -> None:
    base, other = numbered(1), numbered(2)
    ended = replace(in_status(Status.EXPIRED), id=numbered(6).id, parent_subscription_id=base.id)
    add_ons = [numbered(3, parent_subscription_id=base.id), numbered(4, parent_subscription_id=base.id)]
    elsewhere = numbered(5, parent_subscription_id=other.id)
    await saved(database, base, other, *add_ons, elsewhere, ended)
    await database.write(lambda tx: service.cancel(tx, LATER, base, StatusReason.ORDER_CANCELLED))
    held = await database.read(lambda tx: service.open_for_customer(tx, CTX, CUSTOMER_ID))
    assert held == [other, elsewhere]
    assert await loaded(database, ended.id) == ended
    for add_on in add_ons:
        assert (await loaded(database, add_on.id)).status_reason is StatusReason.BASE_CANCELLED
    assert (await loaded(database, base.id)).status_reason is StatusReason.ORDER_CANCELLED
    assert len(await database.read(lambda tx: audit.read(tx, ACCOUNT_ID, 0, 10))) == 3


async def test_cancel_all_gives_each_add_on_its_own_reason(database: Database) -> None:
    base = numbered(1)
    await saved(database, base, numbered(2, parent_subscription_id=base.id))
    ended = await database.write(lambda tx: service.cancel_all(tx, LATER, CUSTOMER_ID))
    assert {each.id for each in ended} == {base.id, numbered(2).id}
    assert {each.status_reason for each in ended} == {StatusReason.CUSTOMER_DELETED}


async def test_the_placeholder_link_holds_nothing_that_opens(database: Database) -> None:
    subscription = await database.write(lambda tx: service.create(tx, CTX, customer(), draft(offer=offer())))
    uri = await database.read(
        lambda tx: service.activation_link(tx, CTX, subscription, alternate_id="a1b2c3d4e5f6", line_number=0)
    )
    assert uri == "https://market.example/sandbox/activation-placeholder?order=a1b2c3d4e5f6&line=0"
    assert CTX.unsign(service.PURCHASE, "a1b2c3d4e5f6") is None


@pytest.mark.parametrize("status", [Status.DELETED, Status.EXPIRED])
async def test_what_has_ended_has_no_link(database: Database, status: Status) -> None:
    ended = in_status(status)
    link = service.activation_link
    uri = await database.read(lambda tx: link(tx, CTX, ended, alternate_id="a1b2c3d4e5f6", line_number=0))
    assert uri is None


async def test_an_item_that_the_catalogue_lost_has_no_link(database: Database) -> None:
    production = context(AccountSettings(activation_link=ActivationLink.PUBLISHER))
    link = service.activation_link
    uri = await database.read(
        lambda tx: link(tx, production, pending(), alternate_id="a1b2c3d4e5f6", line_number=0)
    )
    assert uri is None
