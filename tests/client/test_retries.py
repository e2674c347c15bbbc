"""Calls to the real application over a line that fails: no effect is missing and none is doubled."""

import asyncio
from collections.abc import Sequence
from enum import Enum
from itertools import product

import httpx2
import pytest
from tests import watch
from tests.client.fakes import FakeTime
from tests.market import ADMIN, BASE_URL, Market

from comptoir.client import AsyncComptoir, ServerError, Unreachable
from comptoir.client.models import (
    AddressBody,
    BillingProfileBody,
    CartBody,
    CartLineItemBody,
    CompanyProfileBody,
    CustomerBody,
    SubscriptionBody,
)

pytestmark = pytest.mark.anyio


class Failure(Enum):
    """What goes wrong with one attempt."""

    REFUSED = "the connection cannot be made"
    BROKEN = "the connection breaks once the effect is there"
    UNAVAILABLE = "a gateway does not pass the call on"
    GATEWAY = "a gateway loses the answer"
    THROTTLED = "there are too many calls"
    OVERTAKEN = "the answer is late, and the call is sent again before it has had its effect"


class FaultyLine(httpx2.AsyncBaseTransport):
    """The way to the application. The first attempts of each call fail as ``failures`` say."""

    def __init__(self, market: Market, failures: Sequence[Failure]) -> None:
        self._application = httpx2.ASGITransport(market.application)
        self._failures = failures
        self._seen: dict[str, int] = {}
        self._late: set[asyncio.Task[httpx2.Response]] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request_id = request.headers["MS-RequestId"]
        attempt = self._seen.get(request_id, 0)
        self._seen[request_id] = attempt + 1
        if attempt >= len(self._failures):
            return await self._pass_on(request)
        return await self._fail(request, self._failures[attempt])

    async def _pass_on(self, request: httpx2.Request) -> httpx2.Response:
        reply = await self._application.handle_async_request(request)
        await reply.aread()
        return reply

    async def _fail(self, request: httpx2.Request, failure: Failure) -> httpx2.Response:
        match failure:
            case Failure.REFUSED:
                raise httpx2.ConnectError("refused")
            case Failure.BROKEN:
                await self._pass_on(request)
                raise httpx2.ReadError("broken")
            case Failure.UNAVAILABLE:
                return httpx2.Response(503, content=b"<html>")
            case Failure.GATEWAY:
                await self._pass_on(request)
                return httpx2.Response(502, content=b"<html>")
            case Failure.THROTTLED:
                return httpx2.Response(429, headers={"Retry-After": "3"}, json={"statusCode": 429})
            case Failure.OVERTAKEN:
                self._late.add(asyncio.create_task(self._pass_on(request)))
                raise httpx2.ReadTimeout("late")

    @property
    def attempts(self) -> list[int]:
        """How often each call was sent."""
        return list(self._seen.values())

    async def aclose(self) -> None:
        await asyncio.gather(*self._late)


async def client_over(market: Market, line: FaultyLine, time: FakeTime) -> AsyncComptoir:
    http = httpx2.AsyncClient(transport=line)
    token = await market.token("sandbox", ADMIN)
    return AsyncComptoir(token, base_url=BASE_URL, http=http, sleep=time.sleep)


async def amounts(market: Market) -> dict[str, int]:
    """How many rows each table has. Stored replies are not counted: they are the means."""
    content = await watch.content(market.services.database)
    return {table: len(rows) for table, rows in content.items() if table != "replies"}


async def a_cart(client: AsyncComptoir) -> CartBody:
    """Two seats of a sample plan."""
    products = await client.products.list("US").to_list()
    desk = next(each for each in products if each.title.startswith("Lanternwick Desk"))
    skus = await client.skus.list(desk.id, "US").to_list()
    team = next(each for each in skus if each.title == "Team" and not each.is_trial)
    item = (await client.availabilities.list(desk.id, team.id, "US").first()).items[0].catalog_item_id
    line = CartLineItemBody(catalog_item_id=item, quantity=2, term_duration="P1M", billing_cycle="monthly")
    return CartBody(line_items=[line])


async def purchase(client: AsyncComptoir, market: Market, number: int) -> None:
    """A new customer, and another one's purchase from the cart to a change of the subscription."""
    address = AddressBody(
        address_line1="12 Ferry Road", city="Portland", state="OR", postal_code="97204", country="US"
    )
    profile = BillingProfileBody(
        company_name=f"Bakery {number}",
        email="mina@bakery.example",
        culture="en-US",
        language="en",
        default_address=address,
    )
    domain = CompanyProfileBody(domain=f"bakery-{number}.example")
    await client.customers.create(CustomerBody(company_profile=domain, billing_profile=profile))
    customer = market.customer("US")
    cart = await client.carts.create(customer, await a_cart(client))
    (order,) = (await client.carts.checkout(customer, cart.id)).orders
    await market.work()
    subscription_id = order.line_items[0].subscription_id
    await client.subscriptions.activate(customer, subscription_id)
    changed = await client.subscriptions.update(customer, subscription_id, SubscriptionBody(quantity=3))
    assert changed.quantity == 3
    await client.subscriptions.update(customer, subscription_id, SubscriptionBody(status="deleted"))


ONE_FAILURE = [(failure,) for failure in Failure]
EVERY_PAIR = list(product(Failure, repeat=2))
THREE = [(failure,) * 3 for failure in Failure]


async def test_a_purchase_has_its_effects_once_whatever_fails(market: Market) -> None:
    await market.configure(limit_customers=None)
    time = FakeTime()
    opening = await client_over(market, FaultyLine(market, ()), time)
    await purchase(opening, market, 1_000)  # the first one also opens the account's books
    clean = FaultyLine(market, ())
    client = await client_over(market, clean, time)
    before = await amounts(market)
    await purchase(client, market, 0)
    after = await amounts(market)
    effect = {table: after[table] - before[table] for table in after}
    assert effect["orders"] == effect["subscriptions"] == effect["carts"] == effect["customers"] == 1
    calls = len(clean.attempts)

    for number, failures in enumerate([*ONE_FAILURE, *EVERY_PAIR, *THREE], start=1):
        line = FaultyLine(market, failures)
        before = await amounts(market)
        await purchase(await client_over(market, line, time), market, number)
        await line.aclose()
        after = await amounts(market)
        assert {table: after[table] - before[table] for table in after} == effect, failures
        assert line.attempts == [len(failures) + 1] * calls
    assert 3.0 in {round(wait) for wait in time.slept}


@pytest.mark.parametrize("failure", [Failure.BROKEN, Failure.GATEWAY, Failure.OVERTAKEN])
async def test_a_call_whose_every_answer_is_lost_can_be_taken_up_again(
    market: Market, failure: Failure
) -> None:
    whole = await client_over(market, FaultyLine(market, ()), FakeTime())
    body, customer = await a_cart(whole), market.customer()
    line = FaultyLine(market, [failure] * 4)
    before = await amounts(market)
    with pytest.raises((Unreachable, ServerError)) as caught:
        await (await client_over(market, line, FakeTime())).carts.create(customer, body)
    await line.aclose()
    cart = await whole.carts.create(customer, body, request_id=caught.value.request_id)
    after = await amounts(market)
    assert after["carts"] - before["carts"] == 1
    assert (await whole.carts.get(customer, cart.id)).id == cart.id
