"""Carts in the database, on both engines."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MappingProxyType

import pytest
from tests.cart_factory import CART_ID, FILLED_AT, USER_ID, cart, line, verdict
from tests.subscription_factory import CUSTOMER_ID, ORDER_ID, SUBSCRIPTION_ID, term

from comptoir.carts import store
from comptoir.carts.lines import settle
from comptoir.carts.model import Cart, Quota, Status, depth_first
from comptoir.catalog.model import BillingCycle
from comptoir.core.terms import Duration
from comptoir.db import Database, Row, Tx, sql
from comptoir.orders.model import Order, OrderLine, Participant, ParticipantKind, Problem, TransactionType
from comptoir.orders.model import Status as OrderStatus

pytestmark = pytest.mark.anyio

ACCOUNT_ID = "7c1f0a52-3d0e-4f7b-9a86-1f2e3d4c5b6a"
OTHER_ID = "0b5f3f0e-5d0a-4f0b-8a57-2f9f6f6f6f6f"
READ_LINES = sql("SELECT lines FROM carts WHERE account_id = :account_id")
REPLACE_LINES = sql("UPDATE carts SET lines = :lines, receipt = :receipt WHERE account_id = :account_id")

FULL = line(
    4,
    line(9, quantity=1),
    friendly_name="Backup for the Lyon office \u2013 \U0001f5c4",
    renews_to=Duration(months=1),
    participants=(Participant(ParticipantKind.TRANSACTION_RESELLER, "4000002"),),
    attestation_accepted=True,
    promotion_id="SPRING",
    custom_term_end=datetime(2027, 1, 1, 12, 30, 0, 1, tzinfo=UTC),
    provisioning_context=MappingProxyType({"parentSubscriptionId": "", 'a "quoted" key': "value"}),
    unreadable="termDuration",
)
REFUSED = verdict(3, Problem.OWNERSHIP_LIMIT, facts={"available": 0, "purchased": 2})
ORDER = Order(
    id=ORDER_ID,
    alternate_id="18d4a7264bac",
    customer_id=CUSTOMER_ID,
    country="FR",
    billing_cycle=BillingCycle.MONTHLY,
    currency="EUR",
    status=OrderStatus.PENDING,
    transaction_type=TransactionType.USER_PURCHASE,
    purchaser_id=USER_ID,
    created_at=FILLED_AT,
    lines=(
        OrderLine(
            number=0,
            catalog_item_id="CTR000000K7F:0002:CTR00000M1PQ",
            subscription_id=SUBSCRIPTION_ID,
            term=Duration(months=12),
            quantity=3,
            unit_price=term(price="0.123456789012345678").price,
            billing_periods=12,
            friendly_name="Backup",
            additional_mpn_ids=("4000003",),
        ),
    ),
    cart_id=CART_ID,
    cart_group="0",
)


def filled() -> Cart:
    verdicts = [verdict(0), verdict(1), verdict(2), REFUSED]
    return cart(settle((FULL, line(2), line(0)), verdicts, ()), attestation=False)


async def kept(database: Database, each: Cart, account_id: str = ACCOUNT_ID) -> None:
    await database.write(partial(store.insert, account_id=account_id, cart=each))


async def read(
    database: Database, account_id: str = ACCOUNT_ID, customer_id: str = CUSTOMER_ID
) -> Cart | None:
    return await database.read(
        partial(store.get, account_id=account_id, customer_id=customer_id, cart_id=CART_ID)
    )


async def test_a_cart_comes_back_as_it_was(database: Database) -> None:
    await kept(database, filled())
    found = await read(database)
    assert found == filled()
    assert found is not None
    errors = [each.error for each in depth_first(found.lines)]
    assert errors[:3] == [None] * 3
    assert errors[3] is not None
    assert errors[3].quota == Quota(available=0, purchased=2)


async def test_an_ordered_cart_comes_back_with_its_receipt(database: Database) -> None:
    await kept(database, filled())
    ordered = replace(
        filled(),
        status=Status.ORDERED,
        modified_at=FILLED_AT + timedelta(microseconds=1),
        modified_by="somebody else",
        attestation=None,
        placed={"0": ORDER_ID},
        receipt=(ORDER,),
    )
    await database.write(partial(store.update, account_id=ACCOUNT_ID, cart=ordered))
    assert await read(database) == ordered


async def test_creation_and_expiry_never_change(database: Database) -> None:
    await kept(database, filled())
    moved = replace(filled(), created_at=FILLED_AT + timedelta(days=1), expires_at=FILLED_AT)
    await database.write(partial(store.update, account_id=ACCOUNT_ID, cart=moved))
    assert await read(database) == filled()


async def test_carts_are_seen_by_their_account_and_customer_only(database: Database) -> None:
    await kept(database, filled())
    assert await read(database, account_id=OTHER_ID) is None
    assert await read(database, customer_id=OTHER_ID) is None


async def test_changing_a_cart_leaves_others_alone(database: Database) -> None:
    await kept(database, filled())
    await kept(database, filled(), account_id=OTHER_ID)
    emptied = replace(filled(), lines=())
    await database.write(partial(store.update, account_id=ACCOUNT_ID, cart=emptied))
    assert await read(database, account_id=OTHER_ID) == filled()


async def test_a_deleted_cart_is_gone(database: Database) -> None:
    await kept(database, filled())
    await database.write(partial(store.delete, account_id=OTHER_ID, customer_id=CUSTOMER_ID, cart_id=CART_ID))
    assert await read(database) is not None
    await database.write(
        partial(store.delete, account_id=ACCOUNT_ID, customer_id=CUSTOMER_ID, cart_id=CART_ID)
    )
    assert await read(database) is None


async def test_locking_a_cart_reads_it(database: Database) -> None:
    await kept(database, filled())
    lock = partial(store.lock, account_id=ACCOUNT_ID, customer_id=CUSTOMER_ID, cart_id=CART_ID)
    assert await database.write(lock) == filled()


STORED_LINES = """[{"id":0,"request":{"catalog_item_id":"A:1:X","quantity":2,"billing_cycle":"monthly",
"term":{"months":1,"days":0},"currency":"EUR","friendly_name":null,"renews_to":null,"participants":[],
"parent_subscription_id":null,"parent_line":null,"attestation_accepted":null,"promotion_id":null,
"custom_term_end":null,"provisioning_context":{},"unreadable":null},"add_ons":[],"group":"0",
"pricing":{"list_price":"12.50","discounted_price":"12.50","prorated_price":"12.50","price":"12.50",
"extended_price":"25.00","currency":"EUR"},"error":null}]"""
STORED_RECEIPT = """[{"id":"Qm3xT8vKzL5nWpR2sYd7HcJb1GfA0eUk1","alternate_id":"18d4a7264bac",
"customer_id":"5e0c7f2a-91d4-4b6b-8f0e-2c7d1a3b9e44","country":"FR","billing_cycle":"monthly","currency":"EUR",
"status":"pending","transaction_type":"UserPurchase","purchaser_id":"u","created_at":"2026-03-02T08:15:00Z",
"lines":[{"number":0,"catalog_item_id":"A:1:X","subscription_id":"s","term":{"months":1,"days":0},"quantity":2,
"unit_price":{"amount":"12.50","currency":"EUR"},"billing_periods":1,"friendly_name":"Backup"}]}]"""


async def test_what_earlier_versions_stored_can_still_be_read(database: Database) -> None:
    """Fails when a change of the stored classes would lose carts that are in databases already."""
    await kept(database, filled())
    texts = {"lines": STORED_LINES, "receipt": STORED_RECEIPT, "account_id": ACCOUNT_ID}

    async def overwrite(tx: Tx) -> None:
        await tx.run(REPLACE_LINES, **texts)

    await database.write(overwrite)
    found = await read(database)
    assert found is not None
    assert (found.lines[0].request.quantity, found.lines[0].group) == (2, "0")
    assert str(found.receipt[0].lines[0].pricing.extended_price) == "25.00"


async def test_prices_are_stored_as_text(database: Database) -> None:
    """A JSON number could be read as a binary fraction by whoever looks at the table."""
    await kept(database, filled())

    async def work(tx: Tx) -> Row | None:
        return await tx.one(READ_LINES, account_id=ACCOUNT_ID)

    row = await database.read(work)
    assert row is not None
    assert '"list_price":"12.50"' in row["lines"]
