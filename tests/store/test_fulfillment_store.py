"""Operations and first resolutions as they are stored, on both engines."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from tests.rules.test_fulfillment_rules import NOW, operation

from comptoir.db import Database, Tx
from comptoir.fulfillment import store
from comptoir.fulfillment.model import Operation, OperationAction, OperationStatus
from comptoir.subscriptions.model import SubscriptionPatch

pytestmark = pytest.mark.anyio

KEY = ("a", "0c7d9a3e-2f41-4c1b-8d55-61b1f0a7c9e2")


async def insert(database: Database, stored: Operation) -> None:
    await database.write(partial(store.insert, operation=stored))


async def get(database: Database, stored: Operation) -> Operation | None:
    async def work(tx: Tx) -> Operation | None:
        return await store.get(tx, stored.account_id, stored.subscription_id, stored.id)

    return await database.read(work)


@pytest.mark.parametrize(
    "stored",
    [
        operation(patch=SubscriptionPatch(quantity=40, friendly_name="N", auto_renew=False)),
        operation(
            OperationAction.CHANGE_PLAN, quantity=None, catalog_item_id="A:1:B", acknowledged_until=NOW
        ),
        operation(status=OperationStatus.FAILED, error_status="400", error_message="No.", is_superseded=True),
    ],
)
async def test_an_operation_comes_back_as_it_was(database: Database, stored: Operation) -> None:
    await insert(database, stored)
    assert await get(database, stored) == stored
    changed = replace(
        stored,
        status=OperationStatus.CONFLICT,
        closed_at=NOW,
        acknowledged_until=None,
        error_status="x",
        error_message="y",
        is_superseded=False,
    )
    await database.write(partial(store.update, operation=changed))
    assert await get(database, stored) == changed


async def test_a_purchase_has_one_open_operation_at_most(database: Database) -> None:
    """Whatever the rules forget, the storage does not."""
    await insert(database, operation())
    await insert(database, operation(OperationAction.RENEW, OperationStatus.SUCCEEDED, id="2"))
    await insert(database, operation(id="3", subscription_id="another"))
    with pytest.raises(Exception, match=r"(?i)unique"):
        await insert(database, operation(id="4"))
    open_ones = await database.read(lambda tx: store.list_open(tx, *KEY))
    assert [each.id for each in open_ones] == [operation().id]


async def test_windows_end_in_their_order(database: Database) -> None:
    for number, seconds in enumerate((30, 10, 20)):
        await insert(
            database,
            operation(
                id=str(number),
                subscription_id=str(number),
                acknowledged_until=NOW + timedelta(seconds=seconds),
            ),
        )
    await insert(database, operation(id="9", subscription_id="9"))

    async def look(tx: Tx, seconds: int, most: int) -> list[str]:
        found = await store.list_lapsed(tx, NOW + timedelta(seconds=seconds), most)
        return [each.id for each in found]

    assert await database.read(partial(look, seconds=9, most=5)) == []
    assert await database.read(partial(look, seconds=10, most=5)) == ["1"]
    assert await database.read(partial(look, seconds=40, most=2)) == ["1", "2"]
    assert await database.read(store.next_lapse) == NOW + timedelta(seconds=10)


async def test_a_purchase_is_resolved_for_the_first_time_once(database: Database) -> None:
    key = ("a", "c", "s")
    assert not await database.read(lambda tx: store.was_resolved(tx, *key))
    marks = [await database.write(lambda tx: store.mark_resolved(tx, *key, at=NOW)) for _ in range(2)]
    assert marks == [True, False]
    assert await database.read(lambda tx: store.was_resolved(tx, *key))
    assert not await database.read(lambda tx: store.was_resolved(tx, "a", "c", "another"))


async def test_an_operation_is_found_by_what_it_does(database: Database) -> None:
    await insert(database, operation(OperationAction.UNSUBSCRIBE, OperationStatus.SUCCEEDED))
    found = await database.read(lambda tx: store.find_action(tx, *KEY, OperationAction.UNSUBSCRIBE))
    assert found is not None
    assert found.id == operation().id
    assert await database.read(lambda tx: store.find_action(tx, *KEY, OperationAction.RENEW)) is None
