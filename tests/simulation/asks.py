"""What a walker may ask of the marketplace next, what may be answered, and what follows from a yes.

An outcome is a status (``201``) or a status and a fault's number (``400/800018``). ``expects`` holds those
that the contract allows when nobody else is at work; ``None`` where the ledger cannot tell.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TypeVar
from uuid import UUID

from tests.market import ADMIN
from tests.simulation.catalogue import PLANS, STOCK, Plan
from tests.simulation.ledger import (
    CART_CODES,
    ORDER_CODES,
    Cart,
    Customer,
    Item,
    Json,
    Ledger,
    Order,
    Subscription,
    Verdict,
    Wish,
    problems_of,
)

AGREEMENT_TEMPLATE = "117a77b0-9360-443b-8795-c6dedc750cf9"
LIMITS = {
    "limit_customers": (6, 9, None),
    "limit_subscriptions_per_customer": (1, 2, 3, 4, 6, None),
    "limit_seats_per_subscription": (6, 25, None, None),
    "order_fulfilment_delay_seconds": (0, 0, 2, 3600),
}
ADDRESSES = {
    "FR": {"country": "FR", "city": "Lyon", "addressLine1": "14 rue des Fours", "postalCode": "69002"},
    "US": {
        "country": "US",
        "state": "WA",
        "city": "Tacoma",
        "addressLine1": "1200 Dock Street",
        "postalCode": "98402",
    },
}
CART_LIFE = timedelta(days=7)
REFUND = {"P1M": timedelta(hours=24), "P1Y": timedelta(days=14), "P3Y": timedelta(days=14)}
"""``20`` section 4.3, counted from the activation; the end is exclusive (README decision 15)."""


Owned = TypeVar("Owned", Cart, Order, Subscription)


def _nothing(_: Json) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Ask:
    """One call.

    ``absorb`` enters a success into the ledger. ``examine`` looks at it before, where nobody else was at
    work. ``changes`` says whether a success leaves an entry in the journal, ``None``: cannot tell.
    """

    what: str
    method: str
    path: str
    body: Json = None
    expects: frozenset[str] | None = None
    absorb: Callable[[Json], None] = _nothing
    examine: Callable[[Json], None] = _nothing
    changes: bool | None = True
    account: str = "sandbox"
    user: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    may_keep: bool = False
    is_import: bool = False
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class World:
    """What an ask is made from: the ledger, the time, and chance."""

    ledger: Ledger
    now: datetime
    rng: Random

    def customer(self) -> Customer:
        """A customer, most often one that is still there; one of them buys more than the others."""
        living = self.ledger.living
        if self.rng.random() < 0.4:
            return living[0]
        return self.rng.choice(living if self.rng.random() < 0.95 else list(self.ledger.customers.values()))

    def guid(self) -> str:
        return str(UUID(int=self.rng.getrandbits(128), version=4))


# Customers


def create_customer(world: World) -> Ask:
    rng, ledger = world.rng, world.ledger
    country = rng.choice(sorted(ADDRESSES))
    number = rng.randrange(8)
    body = {
        "companyProfile": {"domain": f"tide-{number}.example"},
        "billingProfile": {
            "email": f"buyer@tide-{number}.example",
            "culture": "en-US",
            "language": "en",
            "companyName": f"Tide {number}",
            "defaultAddress": ADDRESSES[country],
        },
    }
    limit = ledger.limit("limit_customers")
    is_full = limit is not None and len(ledger.living) >= limit

    def absorb(shown: Json) -> None:
        assert shown["id"] not in ledger.customers
        ledger.customers[shown["id"]] = Customer(shown["id"], country, has_agreement=False)

    expects = {"400/800018"} if is_full else {"201", "409/800002"}
    return Ask("create_customer", "POST", "/v1/customers", body, frozenset(expects), absorb)


def confirm_agreement(world: World) -> Ask:
    unsigned = [each for each in world.ledger.living if not each.has_agreement]
    customer = world.rng.choice(unsigned) if unsigned and world.rng.random() < 0.9 else world.customer()
    body = {
        "primaryContact": {"firstName": "Aimée", "lastName": "Lenoir", "email": "aimee@tide.example"},
        "templateId": AGREEMENT_TEMPLATE,
        "dateAgreed": "2026-03-01T00:00:00Z",
        "type": "MicrosoftCustomerAgreement",
    }

    def absorb(_: Json) -> None:
        customer.has_agreement = True

    path = f"/v1/customers/{customer.id}/agreements"
    expects = (
        _of_living(customer, "201", "409/600061") if customer.has_agreement else _of_living(customer, "201")
    )
    return Ask("confirm_agreement", "POST", path, body, expects, absorb, user=ADMIN)


def delete_customer(world: World) -> Ask | None:
    if len(world.ledger.living) < 4:
        return None
    customer = world.customer()
    path = f"/v1/customers/{customer.id}"
    return Ask(
        "delete_customer",
        "DELETE",
        path,
        expects=_of_living(customer, "204"),
        absorb=lambda _: world.ledger.delete(customer),
    )


# Carts


def create_cart(world: World) -> Ask:
    customer = world.customer()
    wishes = _wishes(world, customer, is_cart=True)
    verdicts = world.ledger.judge(wishes, customer, world.now)

    def absorb(shown: Json) -> None:
        cart = Cart(shown["id"], customer.id, world.now + CART_LIFE, shown)
        world.ledger.carts[cart.id] = cart

    return Ask(
        "create_cart",
        "POST",
        f"/v1/customers/{customer.id}/carts",
        {"lineItems": _cart_lines(wishes)},
        _of_living(customer, "201"),
        absorb,
        lambda shown: _examine_cart(wishes, shown, verdicts),
    )


def put_cart(world: World) -> Ask | None:
    cart = _some_cart(world)
    if cart is None:
        return None
    customer = world.ledger.customers[cart.customer_id]
    if world.rng.random() < 0.3:
        return _put_back(world, cart, customer)
    wishes = _wishes(world, customer, is_cart=True)
    verdicts = world.ledger.judge(wishes, customer, world.now)

    def examine(shown: Json) -> None:
        if not cart.order_ids:
            _examine_cart(wishes, shown, verdicts)

    path = f"/v1/customers/{customer.id}/carts/{cart.id}"
    body = {"lineItems": _cart_lines(wishes)}
    expects = _of_living(customer, *_of_cart(world, cart, {"400/800065"}, {"201"}))
    if cart.order_ids and "201" in expects:
        expects |= {"400/800065"}
    return Ask("put_cart", "PUT", path, body, expects, partial(_show, cart), examine)


def _put_back(world: World, cart: Cart, customer: Customer) -> Ask:
    """A cart sent back as it was read must be taken (``10`` section 3.4)."""
    path = f"/v1/customers/{customer.id}/carts/{cart.id}"
    expects = _of_living(customer, *_of_cart(world, cart, {"400/800065"}, {"201"}))
    return Ask("put_back_cart", "PUT", path, _sendable(cart.shown), expects, partial(_show, cart))


def checkout(world: World) -> Ask | None:
    cart = _some_cart(world)
    if cart is None:
        return None
    ledger, customer = world.ledger, world.ledger.customers[cart.customer_id]
    wishes = [_wish_of(line, base) for line, base in flat(cart.shown)]
    # A cart of which some groups are ordered is judged in part: too much for this ledger.
    verdicts = [] if customer.is_deleted or cart.order_ids else ledger.judge(wishes, customer, world.now)
    is_sound = bool(verdicts) and customer.has_agreement and all(verdict.is_sound for verdict in verdicts)
    was_ordered = cart.is_ordered

    def absorb(shown: Json) -> None:
        _note_checkout(world, cart, shown)

    def examine(shown: Json) -> None:
        if was_ordered:
            assert shown == cart.receipt, "a checkout of an ordered cart answers the stored result"
            return
        assert not is_sound or not shown["orderErrors"], shown["orderErrors"]
        _require_lines_of_groups(cart, shown)

    path = f"/v1/customers/{customer.id}/carts/{cart.id}/checkout"
    allowed = {"201"} if is_sound else {"201", "400/800009"}
    if not customer.has_agreement:
        allowed = {"403/13605"}
    return Ask(
        "checkout",
        "POST",
        path,
        expects=_of_living(customer, *_of_cart(world, cart, {"201"}, allowed)),
        absorb=absorb,
        examine=examine,
        changes=False if was_ordered else None,
        may_keep=True,
    )


def _examine_cart(wishes: Sequence[Wish], shown: Json, verdicts: Sequence[Verdict]) -> None:
    """Each line has an error that it deserves, or a group that it shares as ``10`` section 3.6 says."""
    lines = [line for line, _ in flat(shown)]
    groups: dict[str, tuple[str, str]] = {}
    for line, wish, verdict in zip(lines, wishes, verdicts, strict=True):
        assert (line["catalogItemId"], line["quantity"]) == (wish.item_id, wish.quantity)
        if "error" in line:
            allowed = {code for problem in verdict.problems for code in CART_CODES[problem]}
            assert verdict.is_unsure or line["error"]["errorCode"] in allowed, (line, verdict)
            assert "orderGroup" not in line, line
            continue
        assert verdict.is_unsure or not verdict.problems, (line, verdict)
        key = (line["billingCycle"], line["currencyCode"])
        assert groups.setdefault(line["orderGroup"], key) == key, "an order has one cycle and one currency"
    assert len(set(groups.values())) == len(groups), "lines of one cycle and one currency share a group"


def _show(cart: Cart, shown: Json) -> None:
    cart.shown = shown


def _note_checkout(world: World, cart: Cart, shown: Json) -> None:
    """Every group is answered with its order or with the reason why there is none."""
    ledger = world.ledger
    failed = [error["orderGroupId"] for error in shown["orderErrors"]]
    assert len(set(failed)) == len(failed)
    for order in shown["orders"]:
        ledger.note_order(order, world.now)
        cart.order_ids.add(order["id"])
    if not shown["orderErrors"]:
        if cart.receipt is not None:
            assert shown == cart.receipt, "both checkouts ordered the cart"
        cart.receipt = shown


def _require_lines_of_groups(cart: Cart, shown: Json) -> None:
    """Each new order holds the lines of one group, each base before its add-ons."""
    groups: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for line, _ in flat(cart.shown):
        key = (line["billingCycle"], line["currencyCode"])
        groups.setdefault(key, []).append((line["catalogItemId"], line["quantity"]))
    for order in shown["orders"]:
        if order["id"] not in cart.order_ids:
            bought = sorted((line["offerId"], line["quantity"]) for line in order["lineItems"])
            assert bought == sorted(groups[order["billingCycle"], order["currencyCode"]]), order
            places = {line["subscriptionId"]: line["lineItemNumber"] for line in order["lineItems"]}
            for line in order["lineItems"]:
                base_place = places.get(line.get("parentSubscriptionId"), -1)
                assert base_place < line["lineItemNumber"], order


# Orders


def create_order(world: World) -> Ask:
    ledger, rng, customer = world.ledger, world.rng, world.customer()
    wishes = _wishes(world, customer, is_cart=False)
    cycle = next((wish.cycle for wish in wishes), None)
    known = [ledger.items[wish.item_id] for wish in wishes if wish.item_id in ledger.items]
    asked = [replace(wish, currency=known[0].currency if known else None) for wish in wishes]
    verdicts = ledger.judge(asked, customer, world.now)
    body = {"billingCycle": cycle, "lineItems": _order_lines(wishes)}
    if rng.random() < 0.2:
        body["referenceCustomerId"] = customer.id
    return Ask(
        "create_order",
        "POST",
        f"/v1/customers/{customer.id}/orders",
        body,
        _of_living(customer, *_purchase(verdicts, customer)),
        lambda shown: _note_new_order(world, asked, shown),
    )


def buy_add_on(world: World) -> Ask | None:
    """Add-ons of an order's own subscriptions (``10`` section 4.5)."""
    ledger, rng = world.ledger, world.rng
    order = _some_order(world, with_plan="team")
    if order is None:
        return None
    customer = ledger.customers[order.customer_id]
    bases = [line.subscription_id for line in order.lines if line.item.plan.id == "team"]
    everything = [line.subscription_id for line in order.lines]
    parent = rng.choice(bases if bases and rng.random() < 0.9 else everything)
    wishes = []
    for _ in range(rng.choice((1, 1, 2))):
        item = _item(
            world, customer, [PLANS[rng.choice(("extra", "extra", "extra", "spare", "spare", "team"))]]
        )
        quantity = rng.choice((1, 2, 2, 3, 5, 60))
        wishes.append(Wish(item.id, quantity, cycle=order.cycle, currency=order.currency, parent_id=parent))
    verdicts = [] if customer.is_deleted else ledger.judge(wishes, customer, world.now)
    outcomes = set(_purchase(verdicts, customer, success="200"))
    line = next(line for line in order.lines if line.subscription_id == parent)
    if line.is_cancelled:
        outcomes = {"400/800029"}
    if order.status == "pending":
        outcomes = {"409/800060"}
    elif order.status != "completed":
        outcomes = {"400/800042"}
    body = {"lineItems": _order_lines(wishes, with_parents=True)}
    return Ask(
        "buy_add_on",
        "PATCH",
        _path_of(order),
        body,
        _of_living(customer, *outcomes),
        lambda shown: _note_more_lines(world, order, shown),
    )


def cancel_order(world: World) -> Ask | None:
    """The whole of an order, or some lines of it (``10`` section 4.7)."""
    ledger, rng = world.ledger, world.rng
    order = _some_order(world)
    if order is None:
        return None
    numbers = {line.number for line in order.lines}
    if len(numbers) > 1 and rng.random() < 0.6:
        numbers = set(rng.sample(sorted(numbers), rng.randrange(1, len(numbers))))
    still_open = {line.number for line in order.lines if not line.is_cancelled}
    body: Json = {"status": rng.choice(("cancelled", "Cancelled", "canceled"))}
    is_whole = len(numbers) == len(order.lines)
    if not is_whole or rng.random() < 0.3:
        body["lineItems"] = [{"lineItemNumber": number} for number in sorted(numbers)]
    outcome = "200" if numbers & still_open else "400/800061"
    if order.status != "completed":
        outcome = "409/800060" if order.status == "pending" else "400/800061"

    def absorb(shown: Json) -> None:
        ending = {line.subscription_id for line in order.lines if line.number in numbers & still_open}
        for line in order.lines:
            subscription = ledger.subscriptions[line.subscription_id]
            if not line.is_cancelled and ending & {subscription.id, subscription.parent_id}:
                line.is_cancelled = True
                line.quantity = line.quantity if is_whole else 0
                ledger.end(subscription)
        if all(line.is_cancelled for line in order.lines):
            order.status = "cancelled"

    expects = _of_living(ledger.customers[order.customer_id], outcome)
    return Ask("cancel_order", "PATCH", _path_of(order), body, expects, absorb)


def send_order_back(world: World) -> Ask | None:
    """An order sent back as it was asks for nothing."""
    order = _some_order(world)
    if order is None:
        return None
    lines = [
        {"lineItemNumber": line.number, "offerId": line.item.id, "quantity": line.quantity}
        for line in order.lines
    ]
    body = {"id": order.id, "lineItems": lines, "billingCycle": order.cycle}
    expects = _of_living(world.ledger.customers[order.customer_id], "200")
    return Ask("send_order_back", "PATCH", _path_of(order), body, expects, changes=False)


# Subscriptions


def activate(world: World) -> Ask | None:
    """An order whose time has come is complete at once, even if the due work has not been done yet."""
    found = _some_subscription(world, prefer="pending")
    if found is None:
        return None
    ledger, customer = world.ledger, world.ledger.customers[found.customer_id]
    order = ledger.orders[found.order_id]
    delay = timedelta(seconds=ledger.limit("order_fulfilment_delay_seconds") or 0)
    outcomes = {{"pending": "200", "active": "400/800041"}.get(found.status, "400/2011")}
    if found.status == "pending":
        is_early = order.status == "pending" and world.now < order.created_at + delay
        parent = None if found.parent_id is None else ledger.subscriptions[found.parent_id]
        refusals = {"400/800082"} if is_early else set()
        refusals |= {"400/800021"} if parent is not None and parent.status != "active" else set()
        outcomes = refusals or outcomes

    def absorb(_: Json) -> None:
        if order.status == "pending":
            order.status = "completed"
        if found.is_open:
            found.status, found.started_at = "active", world.now

    path = f"{_path_of(found)}/activate"
    return Ask("activate", "POST", path, None, _of_living(customer, *outcomes), absorb)


def cancel_subscription(world: World) -> Ask | None:
    found = _some_subscription(world, prefer="active")
    if found is None:
        return None
    ledger = world.ledger
    # A status that the subscription has already asks for nothing (``20`` section 3.4, step 6).
    is_same = found.status == "deleted"
    outcome = "200" if is_same else _guard(world, found)
    if outcome is None:
        outcome = "200"
        if found.status == "active" and not found.is_trial:
            assert found.started_at is not None
            window_ends = found.started_at + REFUND[found.term.length]
            outcome = "200" if world.now < window_ends else "400/900117"

    def absorb(shown: Json) -> None:
        assert (shown["status"], shown["autoRenewEnabled"]) == ("deleted", False)
        ledger.end(found)

    body = {"status": "deleted"}
    return _patch(world, found, "cancel_subscription", body, outcome, absorb=absorb, changes=not is_same)


def change_seats(world: World) -> Ask | None:
    found = _some_subscription(world, prefer="active")
    if found is None:
        return None
    ledger, plan = world.ledger, found.item.plan
    wanted = world.rng.choice((1, 2, 3, 4, 6, 9, 20, 26, 31, 301, found.quantity + 1, found.quantity))
    outcome = _guard(world, found)
    if outcome is None and found.status == "pending":
        outcome = "400/800081"
    if outcome is None:
        stock = ledger.variant.stock.get(plan.id) if not found.item.is_trial else None
        limit = ledger.limit("limit_seats_per_subscription")
        added = wanted - found.quantity
        outcome = "200"
        if stock is not None and added > 0 and ledger.taken(plan.id) + added > stock:
            outcome = "403/800088"
        if limit is not None and wanted > limit and added > 0:
            outcome = "400/800018"
        if not plan.minimum <= wanted <= plan.maximum:
            outcome = "400/2002"
    is_same = wanted == found.quantity
    if is_same:
        outcome = "200"

    def absorb(shown: Json) -> None:
        assert shown["quantity"] == wanted
        found.quantity = wanted

    return _patch(
        world, found, "change_seats", {"quantity": wanted}, outcome, absorb=absorb, changes=not is_same
    )


def switch_auto_renew(world: World) -> Ask | None:
    found = _some_subscription(world, prefer="active")
    if found is None:
        return None
    wanted = world.rng.random() < 0.5
    is_same = wanted == found.auto_renew
    outcome = _guard(world, found)
    if outcome is None and found.status == "pending":
        outcome = "400/800081"
    if outcome is None:
        is_gone = found.item.plan.id in world.ledger.variant.stopped
        outcome = "400/800093" if wanted and is_gone else "200"
    if is_same:
        outcome = "200"

    def absorb(_: Json) -> None:
        found.auto_renew = wanted

    body = {"autoRenewEnabled": wanted}
    return _patch(world, found, "switch_auto_renew", body, outcome, absorb=absorb, changes=not is_same)


def convert_trial(world: World) -> Ask | None:
    """The early end of a trial; where there is none to end, a success says so and changes nothing."""
    trials = [each for each in world.ledger.subscriptions.values() if each.item.is_trial]
    if not trials:
        return None
    running = [each for each in trials if each.is_trial and each.status == "active"]
    found = world.rng.choice(running or trials)

    def absorb(shown: Json) -> None:
        if "error" in shown or not found.is_open:
            return
        assert found.is_trial
        paid = world.ledger.current[found.item.plan.id, False, found.item.country]
        found.is_trial = False
        found.started_at = world.now
        found.term = next(term for term in paid.terms if term.length == "P1M")

    path = f"{_path_of(found)}/conversions"
    expects = _of_living(world.ledger.customers[found.customer_id], "200")
    return Ask("convert_trial", "POST", path, {}, expects, absorb, changes=None, user=ADMIN)


def _guard(world: World, found: Subscription) -> str | None:
    """What a change meets before anything else (``20`` section 3.4, step 7)."""
    if not found.is_open:
        return "400/2011"
    if found.status == "pending" and world.ledger.orders[found.order_id].status == "pending":
        return "400/800082"
    return None


def _patch(
    world: World,
    found: Subscription,
    what: str,
    body: Json,
    outcome: str,
    *,
    absorb: Callable[[Json], None],
    changes: bool = True,
) -> Ask:
    expects = {outcome, "400/800081"} if outcome == "400/800082" else {outcome}
    if world.rng.random() < 0.3:
        body = {**body, "attributes": {"etag": "c3RhbGU="}}
        expects = {"400/2055"}
    customer = world.ledger.customers[found.customer_id]
    return Ask(what, "PATCH", _path_of(found), body, _of_living(customer, *expects), absorb, changes=changes)


# The operator


def import_catalogue(world: World) -> Ask:
    """Another price, a stop-sell or its end; now and then another stock."""
    rng, ledger = world.rng, world.ledger
    variant = ledger.variant.copy()
    plan = rng.choice([*PLANS, "team"])
    kind = rng.random()
    if kind < 0.6:
        variant.raised[plan] = variant.raised.get(plan, 0) + rng.choice((-1, 1, 2))
    elif kind < 0.85:
        variant.stopped ^= {rng.choice(("yearly", "boxed", "team", "spare"))}
    else:
        variant.stock[rng.choice(sorted(STOCK))] = rng.choice((0, 9, 20, 60))
    body = {"files": [{"name": "driftwood.yaml", "text": variant.text()}]}

    def absorb(_: Json) -> None:
        ledger.variant = variant

    return Ask(
        "import_catalogue",
        "POST",
        "/operator/v1/catalog/import",
        body,
        frozenset({"200"}),
        absorb,
        changes=variant != ledger.variant,
        account="operator",
        is_import=True,
    )


def change_settings(world: World) -> Ask:
    name = world.rng.choice([*sorted(LIMITS), "limit_subscriptions_per_customer"])
    value = world.rng.choice(LIMITS[name])

    def absorb(shown: Json) -> None:
        world.ledger.settings[name] = value
        assert shown["settings"][name] == ("none" if value is None else value)

    return Ask(
        "change_settings",
        "PATCH",
        "/operator/v1/accounts/sandbox/settings",
        {"overrides": {name: "none" if value is None else value}},
        frozenset({"200"}),
        absorb,
        account="operator",
    )


# What asks are made of


def _wishes(world: World, customer: Customer, *, is_cart: bool) -> list[Wish]:
    """One to four lines, most of them sound."""
    rng = world.rng
    wishes: list[Wish] = []
    cycle = rng.choice(("monthly", "monthly", "monthly", "annual", "none"))
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        plans = [
            plan
            for plan in PLANS.values()
            if (customer.country in plan.currencies or rng.random() < 0.03)
            and (plan.base is None or rng.random() < 0.3)
        ]
        wish = _wish(world, customer, plans)
        if not is_cart:
            item = world.ledger.items.get(wish.item_id)
            fits = item is None or cycle in {term.cycle for term in item.terms}
            if not fits and rng.random() < 0.95:
                continue
            wishes.append(replace(wish, cycle=cycle))
            continue
        wishes.append(wish)
        is_base = wish.item_id in world.ledger.items and world.ledger.items[wish.item_id].plan.id == "team"
        if rng.random() < (0.5 if is_base else 0.02):
            add_on = _wish(world, customer, [PLANS["extra"], PLANS["spare"]])
            wishes.append(replace(add_on, base=len(wishes) - 1, parent_id=None))
    if not wishes:
        item = _item(world, customer, [PLANS["team"]])
        wishes.append(Wish(item.id, rng.choice((1, 3, 6)), cycle=None if is_cart else "monthly"))
    return wishes


def _wish(world: World, customer: Customer, plans: Sequence[Plan]) -> Wish:
    rng = world.rng
    item = _item(world, customer, plans)
    if rng.random() < 0.02:
        return Wish("NOSUCHITEM00:0001:NOSUCHAVAIL0", 1)
    quantity = rng.choice((1, 2, 3, 5, 6, 7, 12))
    if item.plan.minimum > 2:
        quantity += item.plan.minimum
    if rng.random() < 0.08:
        quantity = rng.choice((0, 1, 26, 51, 301))
    term = rng.choice([each.length for each in item.terms]) if rng.random() < 0.5 else None
    if rng.random() < 0.02:
        term = "P2Y"
    cycle = None
    if term is not None and len(item.terms) > 1:
        cycle = next((each.cycle for each in item.terms if each.length == term), None)
    return Wish(item.id, quantity, term, cycle)


def _item(world: World, customer: Customer, plans: Sequence[Plan]) -> Item:
    rng, ledger = world.rng, world.ledger
    country = customer.country if rng.random() < 0.98 else rng.choice(("FR", "US", "JP"))
    allowed = {plan.id for plan in plans}
    if rng.random() < 0.15:
        old = [
            item
            for item in ledger.items.values()
            if item.replaced_at and item.country == country and item.plan.id in allowed
        ]
        if old:
            return rng.choice(old)
    found = [
        item
        for (plan_id, is_trial, where), item in ledger.current.items()
        if plan_id in allowed and where == country and (not is_trial or rng.random() < 0.7)
    ]
    return rng.choice(found or list(ledger.current.values()))


def _cart_lines(wishes: Sequence[Wish]) -> list[Json]:
    lines: list[Json] = []
    by_place: list[Json] = []
    for wish in wishes:
        line: Json = {"catalogItemId": wish.item_id, "quantity": wish.quantity}
        if wish.term is not None:
            line["termDuration"] = wish.term
        if wish.cycle is not None:
            line["billingCycle"] = wish.cycle
        if wish.currency is not None:
            line["currencyCode"] = wish.currency
        by_place.append(line)
        if wish.base is None:
            lines.append(line)
        else:
            by_place[wish.base].setdefault("addonItems", []).append(line)
    return lines


def _order_lines(wishes: Sequence[Wish], *, with_parents: bool = False) -> list[Json]:
    lines = []
    for number, wish in enumerate(wishes):
        line: Json = {"lineItemNumber": number, "offerId": wish.item_id, "quantity": wish.quantity}
        if wish.term is not None:
            line["termDuration"] = wish.term
        if with_parents:
            line["parentSubscriptionId"] = wish.parent_id
        lines.append(line)
    return lines


def _purchase(verdicts: Sequence[Verdict], customer: Customer, success: str = "201") -> frozenset[str]:
    """The outcomes that the verdicts on an order's lines allow."""
    problems = problems_of(verdicts)
    refusals = {code for problem in problems for code in ORDER_CODES[problem]}
    if any(verdict.is_unsure for verdict in verdicts):
        refusals |= {code for codes in ORDER_CODES.values() for code in codes}
        refusals |= {success} if not problems else set()
    if not refusals:
        return frozenset({success if customer.has_agreement else "403/13605"})
    return frozenset(refusals | (set() if customer.has_agreement else {"403/13605"}))


def _of_living(customer: Customer, *outcomes: str) -> frozenset[str]:
    return frozenset({"404/60003"} if customer.is_deleted else outcomes)


def _of_cart(world: World, cart: Cart, ordered: set[str], active: set[str]) -> set[str]:
    if cart.is_ordered:
        return ordered
    return {"404/800008"} if world.now >= cart.expires_at else active


def _note_new_order(world: World, wishes: Sequence[Wish], shown: Json) -> None:
    order = world.ledger.note_order(shown, world.now)
    bought = [(line.item.id, line.quantity) for line in order.lines]
    assert bought == [(wish.item_id, wish.quantity) for wish in wishes]


def _note_more_lines(world: World, order: Order, shown: Json) -> None:
    assert shown["id"] == order.id
    world.ledger.note_order(shown, world.now)


def _path_of(thing: Order | Subscription) -> str:
    family = "orders" if isinstance(thing, Order) else "subscriptions"
    return f"/v1/customers/{thing.customer_id}/{family}/{thing.id}"


def _some_cart(world: World) -> Cart | None:
    carts = _of_the_living(world, list(world.ledger.carts.values()))
    active = [cart for cart in carts if not cart.is_ordered]
    sound = [cart for cart in active if all("error" not in line for line, _ in flat(cart.shown))]
    chosen = active if active and world.rng.random() < 0.8 else carts
    chosen = sound if sound and world.rng.random() < 0.8 else chosen
    return world.rng.choice(chosen[-6:]) if chosen else None


def _some_order(world: World, with_plan: str | None = None) -> Order | None:
    orders = _of_the_living(world, list(world.ledger.orders.values()))
    fitting = [order for order in orders if with_plan in {line.item.plan.id for line in order.lines}]
    ready = [order for order in fitting or orders if order.status == "completed"]
    chosen = ready if ready and world.rng.random() < 0.85 else orders
    return world.rng.choice(chosen) if chosen else None


def _some_subscription(world: World, prefer: str) -> Subscription | None:
    everything = _of_the_living(world, list(world.ledger.subscriptions.values()))
    preferred = [each for each in everything if each.status == prefer]
    if world.rng.random() < 0.3:
        bases = {each.parent_id for each in everything if each.is_open}
        preferred = [each for each in everything if each.id in bases] or preferred
    chosen = preferred if preferred and world.rng.random() < 0.8 else everything
    return world.rng.choice(chosen) if chosen else None


def _of_the_living(world: World, things: list[Owned]) -> list[Owned]:
    """Most often only what belongs to customers that are still there."""
    if world.rng.random() < 0.05:
        return things
    return [each for each in things if not world.ledger.customers[each.customer_id].is_deleted]


def flat(cart: Json) -> Iterator[tuple[Json, int | None]]:
    """Every line depth-first with the place of the line that it is nested in."""
    place = 0
    for line in cart["lineItems"]:
        base, place = place, place + 1
        yield line, None
        for add_on in line.get("addonItems", ()):
            place += 1
            yield add_on, base


def _wish_of(line: Json, base: int | None) -> Wish:
    """What a line asks for by itself, once its defaults are filled in."""
    cycle = line["billingCycle"]
    return Wish(
        line["catalogItemId"],
        line["quantity"],
        line.get("termDuration"),
        None if cycle == "unknown" else cycle,
        line["currencyCode"] or None,
        base=base,
    )


def _sendable(cart: Json) -> Json:
    """A cart as a client sends it back, without prices: JSON here writes no exact decimals."""
    return {**cart, "lineItems": [_without_prices(line) for line in cart["lineItems"]]}


def _without_prices(line: Json) -> Json:
    kept = {name: value for name, value in line.items() if name != "pricing"}
    if "addonItems" in line:
        kept["addonItems"] = [_without_prices(add_on) for add_on in line["addonItems"]]
    return kept
