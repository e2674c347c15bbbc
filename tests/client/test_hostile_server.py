"""The synchronous client over real sockets, against a server that breaks connections and loses answers."""

import threading
import uuid

import pytest
from tests.client.hostile import HANG_SECONDS, Malice, hostile
from tests.client.served import Served

from comptoir.client import Comptoir, RetryPolicy, Unreachable
from comptoir.client.models import CartBody, CartLineItemBody

QUICK = RetryPolicy(wait_seconds_first=0.01, wait_seconds_max=5)


def client_of(server: Served, url: str | None = None) -> Comptoir:
    return Comptoir(server.token(), base_url=url or server.url, retry=QUICK, timeout_seconds=HANG_SECONDS / 2)


@pytest.fixture(scope="module")
def cart_body(server: Served) -> CartBody:
    with client_of(server) as client:
        products = client.products.list("US").to_list()
        desk = next(each for each in products if each.title.startswith("Lanternwick Desk"))
        team = next(each for each in client.skus.list(desk.id, "US") if not each.is_trial)
        item = client.availabilities.list(desk.id, team.id, "US").first().items[0].catalog_item_id
    line = CartLineItemBody(catalog_item_id=item, quantity=2, term_duration="P1M", billing_cycle="monthly")
    return CartBody(line_items=[line])


def orders(client: Comptoir, customer: str) -> set[str]:
    return {order.id for order in client.orders.list(customer)}


@pytest.mark.parametrize("malice", Malice)
def test_an_order_is_placed_once(server: Served, cart_body: CartBody, malice: Malice) -> None:
    customer = next(customer.id for customer in server.account().customers if customer.country == "US")
    with client_of(server) as honest:
        before = orders(honest, customer)
        with hostile(server.url, malice, malice) as enemy, client_of(server, enemy.url) as client:
            cart = client.carts.create(customer, cart_body)
            (order,) = client.carts.checkout(customer, cart.id).orders
            assert set(enemy.attempts.values()) == {3}
            assert len(enemy.attempts) == 2
        assert orders(honest, customer) - before == {order.id}


def test_a_server_that_never_answers(server: Served) -> None:
    with hostile(server.url, *[Malice.HANG_UP] * 4) as enemy, client_of(server, enemy.url) as client:
        request_id = str(uuid.uuid4())
        with pytest.raises(Unreachable, match="attempts: 4") as caught:
            client.subscriptions.activate("c", "s", request_id=request_id)
        assert (caught.value.request_id, enemy.attempts) == (request_id, {request_id: 4})


def test_nobody_is_there() -> None:
    with Comptoir("token", base_url="http://127.0.0.1:9", retry=QUICK) as client, pytest.raises(Unreachable):
        client.customers.validation_codes()


def test_one_client_serves_many_threads(server: Served, cart_body: CartBody) -> None:
    customer = server.account().customers[0].id
    made: list[str] = []
    with hostile(server.url, Malice.HANG_UP_AFTER) as enemy, client_of(server, enemy.url) as client:

        def work() -> None:
            made.extend(client.carts.create(customer, cart_body).id for _ in range(5))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(made)) == 20
