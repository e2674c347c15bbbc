"""Checking carts out over HTTP, on both engines (`10` section 3.9)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from tests import watch
from tests.market import ADMIN, Json, Market, open_market
from tests.purchase_shelf import CATALOGUE, a_line, check_out, fill, path_of, stock

from comptoir.audit import service as audit
from comptoir.bootstrap import making
from comptoir.customers import service as customers
from comptoir.db import Tx, postgresql, sql
from comptoir.orders import store as orders_store

pytestmark = pytest.mark.anyio

LOCK_CART = sql("SELECT id FROM carts WHERE account_id = :account_id AND id = :id {for_update}")
FORGET_AGREEMENTS = sql(
    "DELETE FROM agreements WHERE account_id = :account_id AND customer_id = :customer_id"
)


def ids(result: Json) -> list[str]:
    return [order["id"] for order in result["orders"]]


def errors(result: Json) -> dict[str, int]:
    return {error["orderGroupId"]: error["code"] for error in result["orderErrors"]}


async def orders_of(market: Market, country: str = "FR") -> list[Json]:
    """The customer's orders, the oldest first."""
    reply = await market.get(f"/v1/customers/{market.customer(country)}/orders")
    return list(reversed(reply.json()["items"]))


async def actions(market: Market) -> list[str]:
    """What the account's journal says was done since the market opened, without the set-up."""
    account_id = (await market.account()).id
    entries = await market.read(partial(audit.read, account_id=account_id, after_sequence=0, limit=1000))
    names = [entry.entry.action for entry in entries]
    return names[names.index("create_cart") :]


# What is answered


@pytest.mark.parametrize(
    "raw", [b'"success"', b"", b"{}", b"null", b"{", b"\xff\xfe garbage", b'{"lineItems": []}'], ids=repr
)
async def test_the_body_does_not_matter(market: Market, raw: bytes) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]))
    result = await check_out(market, cart, raw=raw)
    assert len(result["orders"]) == 1


async def test_the_content_type_does_not_matter_either(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]))
    await check_out(market, cart, raw=b"success", headers={"Content-Type": "text/plain"})


async def test_an_order_knows_its_cart_and_who_wanted_it(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"], friendlyName="Lyon"), a_line(shelf["yearly"]))
    headers = {"x-ms-customeruser-upn": "buyer@lyon.example"}
    result = await check_out(market, cart, headers=headers, user=ADMIN)
    account_id = (await market.account()).id
    customer_id = market.customer("FR")
    for group, order in enumerate(result["orders"]):
        stored = await market.read(
            partial(orders_store.get, account_id=account_id, customer_id=customer_id, order_id=order["id"])
        )
        assert stored is not None
        assert (stored.cart_id, stored.cart_group) == (cart["id"], str(group))
        assert (stored.upn, stored.purchaser_name) == ("buyer@lyon.example", ADMIN)
    assert result["orders"][0]["lineItems"][0]["friendlyName"] == "Lyon"
    assert result["orders"][1]["lineItems"][0]["friendlyName"] == "Yearly"


async def test_the_cart_is_ordered_afterwards(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]))
    market.wait(seconds=90)
    await check_out(market, cart, user=ADMIN)
    ordered = (await market.get(path_of(cart))).json()
    assert (ordered["status"], ordered["lastModifiedTimestamp"]) == ("Ordered", "2026-03-02T08:16:30Z")
    assert ordered["lastModifiedUser"] != cart["lastModifiedUser"]
    assert ordered["lineItems"] == cart["lineItems"]
    refused = await market.put(path_of(cart), cart)
    assert (refused.status_code, refused.json()["code"]) == (400, 800065)


async def test_a_repeat_answers_the_first_result_whatever_became_of_the_orders(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]), a_line(shelf["yearly"]))
    path = f"{path_of(cart)}/checkout"
    first = await market.post(path)
    market.wait(seconds=10)
    await market.work()
    completed, cancelled = await orders_of(market)
    assert completed["status"] == "completed"
    await market.patch(f"/v1{cancelled['links']['self']['uri']}", {"status": "cancelled"})
    again = await market.post(path, raw=b'"success"')
    assert again.status_code == 201
    assert again.content == first.content
    assert "MS-Replayed" not in again.headers
    assert len(await orders_of(market)) == 2


async def test_the_journal_tells_what_was_done(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]), a_line(shelf["yearly"]))
    await market.put(path_of(cart), cart)
    await check_out(market, cart)
    await check_out(market, cart)
    assert Counter(await actions(market)) == {
        "create_cart": 1,
        "update_cart": 1,
        "create_order": 2,
        "checkout_cart": 1,
    }


# Errors found on the way


async def test_a_cart_with_a_line_in_error_cannot_be_checked_out(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]), a_line("a:b:c"))
    refused = await market.post(f"{path_of(cart)}/checkout")
    assert (refused.status_code, refused.json()["code"]) == (400, 800009)
    assert (await market.get(path_of(cart))).json() == cart


async def test_errors_that_a_checkout_finds_are_kept_on_the_lines(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]), a_line(shelf["yearly"]))
    await stock(market, CATALOGUE.replace("name: Yearly", "name: Yearly\n        stopSell: true"))
    market.wait(seconds=1)
    refused = await market.post(f"{path_of(cart)}/checkout", may_keep=True)
    assert (refused.status_code, refused.json()["code"]) == (400, 800009)
    found = (await market.get(path_of(cart))).json()
    sound, wrong = found["lineItems"]
    assert sound == cart["lineItems"][0]
    assert wrong["error"]["errorCode"] == 10003
    assert "orderGroup" not in wrong
    assert {**found, "lineItems": None} == {**cart, "lineItems": None}
    assert await orders_of(market) == []
    assert Counter(await actions(market)) == {"create_cart": 1, "import_catalogue": 1, "update_cart": 1}
    again = await market.post(f"{path_of(cart)}/checkout")
    assert again.status_code == 400


async def test_an_error_that_has_gone_by_the_time_of_the_checkout(market: Market) -> None:
    stopped = CATALOGUE.replace("name: Yearly", "name: Yearly\n        stopSell: true")
    shelf = await stock(market, stopped)
    cart = await fill(market, a_line(shelf["yearly"]), a_line(shelf["plain"]))
    assert cart["lineItems"][0]["error"]["errorCode"] == 10003
    await stock(market)
    result = await check_out(market, cart)
    assert [order["billingCycle"] for order in result["orders"]] == ["monthly", "annual"]
    ordered = (await market.get(path_of(cart))).json()
    assert [line["orderGroup"] for line in ordered["lineItems"]] == ["1", "0"]


# Groups that fail alone


async def test_stock_that_has_gone_fails_its_group_and_can_be_tried_again(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["boxed"], 3), a_line(shelf["plain"]))
    (taken,) = (await check_out(market, await fill(market, a_line(shelf["boxed"], 5))))["orders"]
    first = await check_out(market, cart)
    assert errors(first) == {"0": 800010}
    assert [order["billingCycle"] for order in first["orders"]] == ["monthly"]
    half = (await market.get(path_of(cart))).json()
    assert half["status"] == "Active"
    assert half["lineItems"] == cart["lineItems"]
    await market.work()
    second = await check_out(market, cart)
    assert errors(second) == {"0": 800010}
    assert ids(second) == ids(first)
    assert second["orders"][0]["status"] == "completed"
    cancelled = await market.patch(f"/v1{taken['links']['self']['uri']}", {"status": "cancelled"})
    assert cancelled.status_code == 200, cancelled.text
    third = await check_out(market, cart)
    assert third["orderErrors"] == []
    assert [order["billingCycle"] for order in third["orders"]] == ["annual", "monthly"]
    assert third["orders"][1]["id"] == ids(first)[0]
    assert (await market.get(path_of(cart))).json()["status"] == "Ordered"
    assert await check_out(market, cart) == third
    assert len(await orders_of(market)) == 3


async def test_an_availability_replaced_since_fails_its_group(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]), a_line(shelf["yearly"]))
    dearer = await stock(market, CATALOGUE.replace("EUR: 99.99", "EUR: 109.99"))
    market.wait(hours=24, microseconds=-1)
    market.tokens.clear()
    assert dearer["yearly"] != shelf["yearly"]
    in_time = await fill(market, a_line(shelf["yearly"]))
    market.wait(microseconds=1)
    result = await check_out(market, cart)
    assert errors(result) == {"1": 400019}
    assert result["orderErrors"][0]["description"]
    assert len(result["orders"]) == 1
    assert errors(await check_out(market, in_time)) == {"0": 400019}


async def test_a_failed_group_can_be_repaired_without_buying_the_others_again(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]), a_line(shelf["yearly"], 2))
    dearer = await stock(market, CATALOGUE.replace("EUR: 99.99", "EUR: 109.99"))
    market.wait(hours=24)
    market.tokens.clear()
    first = await check_out(market, cart)
    assert errors(first) == {"1": 400019}
    half = (await market.get(path_of(cart))).json()
    half["lineItems"][0]["quantity"] = 9
    refused = await market.put(path_of(cart), half)
    assert (refused.status_code, refused.json()["code"]) == (400, 800065)
    half["lineItems"][0]["quantity"] = 3
    half["lineItems"][1]["catalogItemId"] = dearer["yearly"]
    half["lineItems"].append(a_line(dearer["plain"], 1))
    repaired = (await market.put(path_of(cart), half)).json()
    assert [line["orderGroup"] for line in repaired["lineItems"]] == ["0", "1", "2"]
    result = await check_out(market, cart)
    assert result["orderErrors"] == []
    assert [order["totalPrice"] for order in result["orders"]] == [22.5, 219.98, 7.5]
    assert ids(result)[0] == ids(first)[0]
    assert len(await orders_of(market)) == 3


async def test_what_is_ordered_can_be_left_out_of_a_repair(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]), a_line(shelf["boxed"], 3))
    await check_out(market, await fill(market, a_line(shelf["boxed"], 5)))
    first = await check_out(market, cart)
    assert errors(first) == {"1": 800010}
    body = {"lineItems": [a_line(shelf["yearly"], 1)]}
    repaired = (await market.put(path_of(cart), body)).json()
    assert [line["orderGroup"] for line in repaired["lineItems"]] == ["1"]
    result = await check_out(market, cart)
    assert ids(result)[0] == ids(first)[0]
    assert [order["totalPrice"] for order in result["orders"]] == [22.5, 99.99]


async def test_giving_up_what_failed_completes_the_cart(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]), a_line(shelf["boxed"], 3))
    await check_out(market, await fill(market, a_line(shelf["boxed"], 5)))
    first = await check_out(market, cart)
    await market.put(path_of(cart), {"lineItems": [a_line(shelf["plain"])]})
    result = await check_out(market, cart)
    assert (ids(result), result["orderErrors"]) == (ids(first), [])
    assert (await market.get(path_of(cart))).json()["status"] == "Ordered"


@pytest.mark.parametrize(
    ("settings", "plan", "code"),
    [
        pytest.param({"limit_subscriptions_per_customer": 1}, "plain", 800018, id="subscriptions"),
        pytest.param({"limit_seats_per_subscription": 2}, "plain", 800018, id="seats"),
        pytest.param({}, "single", 800089, id="ownership"),
    ],
)
async def test_an_allowance_used_up_since(
    market: Market, settings: dict[str, int], plan: str, code: int
) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf[plan]))
    await check_out(market, await fill(market, a_line(shelf[plan])))
    await market.configure("sandbox", **settings)
    result = await check_out(market, cart)
    assert errors(result) == {"0": code}
    assert result["orders"] == []
    assert (await market.get(path_of(cart))).json() == cart


async def test_two_groups_that_want_the_same_units(market: Market) -> None:
    """Each line is judged with those before it, so that together they cannot take more than there is."""
    twice = CATALOGUE.replace(
        "terms: [{termUnit: P1Y, payment: P1Y, price: {EUR: 40.00}}]",
        "terms: [{termUnit: P1Y, payment: P1Y, price: {EUR: 40.00}}, "
        "{termUnit: P1M, payment: P1M, price: {EUR: 4.00}}]",
    )
    shelf = await stock(market, twice)
    yearly = a_line(shelf["boxed"], 2, billingCycle="annual")
    cart = await fill(market, yearly, a_line(shelf["boxed"], 2, billingCycle="monthly"))
    await check_out(market, await fill(market, a_line(shelf["boxed"], 2)))
    assert errors(await check_out(market, cart)) == {"1": 800010}


async def forget_agreement(market: Market) -> None:
    account_id = (await market.account()).id

    async def work(tx: Tx) -> None:
        await tx.run(FORGET_AGREEMENTS, account_id=account_id, customer_id=market.customer("FR"))

    await market.write(work)


async def test_a_checkout_needs_the_customer_s_agreement(market: Market) -> None:
    shelf = await stock(market)
    ordered = await fill(market, a_line(shelf["plain"]))
    result = await check_out(market, ordered)
    cart = await fill(market, a_line(shelf["plain"]), a_line(shelf["yearly"]))
    await forget_agreement(market)
    refused = await market.post(f"{path_of(cart)}/checkout")
    assert (refused.status_code, refused.json()["code"]) == (403, 13605)
    assert await check_out(market, ordered) == result
    await market.configure(require_customer_agreement=False)
    assert len((await check_out(market, cart))["orders"]) == 2


async def test_every_group_can_fail(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]), a_line(shelf["yearly"]))
    await market.configure(limit_seats_per_subscription=2)
    result = await check_out(market, cart)
    assert (result["orders"], errors(result)) == ([], {"0": 800018, "1": 800018})
    assert (await market.get(path_of(cart))).json() == cart
    await market.configure(limit_seats_per_subscription=3)
    assert len((await check_out(market, cart))["orders"]) == 2


async def test_a_failed_group_leaves_nothing_behind(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]))
    await market.configure(limit_seats_per_subscription=2)
    before = await watch.content(market.services.database)
    await check_out(market, cart)
    after = await watch.content(market.services.database)
    changed = {table for table, rows in after.items() if rows != before[table]}
    assert changed <= {"journal", "journal_heads", "replies"}


# At the same time


async def test_fifty_checkouts_at_once_make_one_set_of_orders_and_fifty_equal_answers(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]), a_line(shelf["yearly"]), a_line(shelf["boxed"], 5))
    path = f"{path_of(cart)}/checkout"
    replies = await asyncio.gather(*(market.post(path, alone=False) for _ in range(50)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    assert len({reply.headers["MS-RequestId"] for reply in replies}) == 50
    assert {order["id"] for order in await orders_of(market)} == set(ids(replies[0].json()))
    assert len(await orders_of(market)) == 2


async def test_fifty_replays_of_one_request_have_one_effect(market: Market) -> None:
    shelf = await stock(market)
    cart = await fill(market, a_line(shelf["plain"]))
    path = f"{path_of(cart)}/checkout"
    headers = {"MS-RequestId": "5a6f0c1e-7b2d-4c3a-9e8f-0d1c2b3a4e5f"}
    replies = await asyncio.gather(*(market.post(path, alone=False, headers=headers) for _ in range(50)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    assert sum(reply.headers.get("MS-Replayed") == "true" for reply in replies) == 49
    assert len(await orders_of(market)) == 1
    assert Counter(await actions(market))["checkout_cart"] == 1


async def test_fifty_replays_of_one_creation_fill_one_cart(market: Market) -> None:
    shelf = await stock(market)
    path = f"/v1/customers/{market.customer('FR')}/carts"
    headers = {"MS-RequestId": "5a6f0c1e-7b2d-4c3a-9e8f-0d1c2b3a4e60"}
    body = {"lineItems": [a_line(shelf["plain"])]}
    replies = await asyncio.gather(
        *(market.post(path, body, alone=False, headers=headers) for _ in range(50))
    )
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert sum(reply.headers.get("MS-Replayed") == "true" for reply in replies) == 49


async def test_carts_that_want_the_last_units_at_once(market: Market) -> None:
    shelf = await stock(market)
    carts = [await fill(market, a_line(shelf["boxed"], 2)) for _ in range(10)]
    replies = await asyncio.gather(*(market.post(f"{path_of(cart)}/checkout", alone=False) for cart in carts))
    results = [reply.json() for reply in replies]
    assert sum(len(result["orders"]) for result in results) == 2
    assert [errors(result) for result in results if result["orderErrors"]] == [{"0": 800010}] * 8


async def test_carts_that_want_the_last_allowance_at_once(market: Market) -> None:
    shelf = await stock(market)
    await market.configure(limit_subscriptions_per_customer=5)
    carts = [await fill(market, a_line(shelf["plain"])) for _ in range(10)]
    replies = await asyncio.gather(*(market.post(f"{path_of(cart)}/checkout", alone=False) for cart in carts))
    assert sum(len(reply.json()["orders"]) for reply in replies) == 5
    assert len(await orders_of(market)) == 5


async def test_replacements_and_checkouts_at_once_never_mix(market: Market) -> None:
    """Whatever comes first: what is ordered is the whole of one content or of the other."""
    shelf = await stock(market)
    for _ in range(5):
        cart = await fill(market, a_line(shelf["plain"], 1), a_line(shelf["yearly"], 1))
        other = {"lineItems": [a_line(shelf["plain"], 2), a_line(shelf["yearly"], 2)]}
        replies = await asyncio.gather(
            market.put(path_of(cart), other, alone=False),
            market.post(f"{path_of(cart)}/checkout", alone=False),
        )
        put, checkout = replies
        assert put.status_code in {201, 400}
        ordered = [line["quantity"] for order in checkout.json()["orders"] for line in order["lineItems"]]
        assert ordered == ([2, 2] if put.status_code == 201 else [1, 1])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks on PostgreSQL are waited for half a second instead of thirty."""
    monkeypatch.setitem(postgresql.SESSION, "lock_timeout", "500ms")


@pytest.mark.usefixtures("impatient")
async def test_a_cart_that_stays_busy(sample_postgresql_url: tuple[str, making.Made]) -> None:
    """SQLite has one writer, which never finds a cart busy."""
    async with open_market(*sample_postgresql_url) as market:
        shelf = await stock(market)
        cart = await fill(market, a_line(shelf["plain"]))
        account_id = (await market.account()).id
        locked, done = asyncio.Event(), asyncio.Event()

        async def hold(tx: Tx) -> None:
            await tx.one(LOCK_CART, account_id=account_id, id=cart["id"])
            locked.set()
            await done.wait()

        holder = asyncio.create_task(market.write(hold))
        await locked.wait()
        put = await market.put(path_of(cart), cart)
        checkout = await market.post(f"{path_of(cart)}/checkout")
        done.set()
        await holder
        assert (put.status_code, put.json()["code"]) == (409, 800064)
        assert (checkout.status_code, checkout.json()["code"]) == (409, 800064)
        assert len((await check_out(market, cart))["orders"]) == 1


@pytest.mark.usefixtures("impatient")
async def test_a_customer_that_stays_busy(sample_postgresql_url: tuple[str, making.Made]) -> None:
    async with open_market(*sample_postgresql_url) as market:
        shelf = await stock(market)
        async with held_customer(market) as release:
            reply = await market.post(carts_path(market), {"lineItems": [a_line(shelf["plain"])]})
            release.set()
        assert (reply.status_code, reply.json()["code"]) == (409, 800064)


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_no_cart_is_filled_beside_the_end_of_its_customer(
    sample_postgresql_url: tuple[str, making.Made], method: str
) -> None:
    """On SQLite no two writers meet."""
    async with open_market(*sample_postgresql_url) as market:
        shelf = await stock(market)
        cart = await fill(market, a_line(shelf["plain"]))
        path = path_of(cart) if method == "PUT" else carts_path(market)
        body = {"lineItems": [a_line(shelf["plain"], 2)]}
        async with held_customer(market, is_deleted=True) as release:
            call = asyncio.create_task(market.call(method, path, body, alone=False))
            done, _ = await asyncio.wait({call}, timeout=0.5)
            assert not done
            release.set()
        reply = await call
        assert (reply.status_code, reply.json()["code"]) == (404, 60003)
        carts = (await watch.content(market.services.database))["carts"]
        assert len(carts) == 1


def carts_path(market: Market) -> str:
    return f"/v1/customers/{market.customer('FR')}/carts"


@asynccontextmanager
async def held_customer(market: Market, *, is_deleted: bool = False) -> AsyncIterator[asyncio.Event]:
    """The customer is locked by another transaction until the event is set, and then perhaps gone."""
    ctx = await market.context()
    locked, release = asyncio.Event(), asyncio.Event()

    async def work(tx: Tx) -> None:
        customer = await customers.lock(tx, ctx, market.customer("FR"))
        locked.set()
        await release.wait()
        if is_deleted:
            await customers.delete(tx, ctx, customer)

    holder = asyncio.create_task(market.write(work))
    await locked.wait()
    try:
        yield release
    finally:
        release.set()
        await holder
