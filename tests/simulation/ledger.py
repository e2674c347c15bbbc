"""What the walker knows: everything that was acknowledged to it, and what the contract says follows from it.

This is a second, small reading of the contract. It shares no code with the application.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.simulation.catalogue import Plan, Term, Variant

Json = Any
GRACE = timedelta(hours=24)
ENDED = frozenset({"deleted", "expired"})


@dataclass(slots=True)
class Item:
    """A catalogue item id that was on sale at some time."""

    id: str
    plan: Plan
    is_trial: bool
    country: str
    currency: str
    terms: tuple[Term, ...]
    replaced_at: datetime | None = None


@dataclass(slots=True)
class Customer:
    id: str
    country: str
    has_agreement: bool
    is_deleted: bool = False


@dataclass(slots=True)
class Subscription:
    id: str
    customer_id: str
    order_id: str
    line_number: int
    item: Item
    term: Term
    quantity: int
    parent_id: str | None
    status: str = "pending"
    is_trial: bool = False
    auto_renew: bool = True
    started_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.status not in ENDED


@dataclass(slots=True)
class Line:
    """An order line: what was bought stays as it was, unless the line is cancelled."""

    number: int
    subscription_id: str
    item: Item
    term: Term
    quantity: int
    is_cancelled: bool = False


@dataclass(slots=True)
class Order:
    id: str
    alternate_id: str
    customer_id: str
    currency: str
    cycle: str
    created_at: datetime
    due_at: datetime
    lines: list[Line]
    status: str = "pending"


@dataclass(slots=True)
class Cart:
    id: str
    customer_id: str
    expires_at: datetime
    shown: Json
    order_ids: set[str] = field(default_factory=set)
    receipt: Json = None
    """The result of the checkout that ordered the last group."""

    @property
    def is_ordered(self) -> bool:
        return self.receipt is not None


@dataclass(frozen=True, slots=True)
class Wish:
    """A line as the walker asks for it. ``base`` is the place of the line it is nested in."""

    item_id: str
    quantity: int
    term: str | None = None
    cycle: str | None = None
    currency: str | None = None
    parent_id: str | None = None
    base: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything that is wrong with a wish; ``is_unsure`` where the contract leaves room."""

    problems: frozenset[str]
    is_unsure: bool = False
    term: Term | None = None

    @property
    def is_sound(self) -> bool:
        return not self.problems and not self.is_unsure


CART_CODES: Mapping[str, frozenset[int]] = {
    "unknown": frozenset({10001}),
    "country": frozenset({10001}),
    "replaced": frozenset({10001}),
    "stopped": frozenset({10003}),
    "currency": frozenset({10000}),
    "cycle": frozenset({10013}),
    "term": frozenset({10010}),
    "zero": frozenset({10010}),
    "few": frozenset({10010, 10019}),
    "many": frozenset({10015}),
    "ownership": frozenset({10002}),
    "stock": frozenset({10003}),
    "limit": frozenset({10009}),
    "deep": frozenset({10010}),
    "base": frozenset({10007}),
    "base seats": frozenset({10018}),
}
"""``10`` section 3.8."""

ORDER_CODES: Mapping[str, frozenset[str]] = {
    "unknown": frozenset({"400/800004"}),
    "country": frozenset({"400/800070"}),
    "replaced": frozenset({"404/400019"}),
    "stopped": frozenset({"403/800020"}),
    "currency": frozenset({"400/900169"}),
    "cycle": frozenset({"400/900269"}),
    "term": frozenset({"400/800121"}),
    "zero": frozenset({"400/800002"}),
    "few": frozenset({"400/800017"}),
    "many": frozenset({"400/800017"}),
    "ownership": frozenset({"403/800089"}),
    "stock": frozenset({"400/800010"}),
    "limit": frozenset({"400/800018"}),
    "deep": frozenset({"400/800029"}),
    "base": frozenset({"400/800029"}),
    "base seats": frozenset({"400/800029"}),
}
"""``10`` section 4.4."""


@dataclass
class Ledger:
    variant: Variant = field(default_factory=Variant)
    items: dict[str, Item] = field(default_factory=dict)
    current: dict[tuple[str, bool, str], Item] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    carts: dict[str, Cart] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    settings: dict[str, int | None] = field(default_factory=dict)

    # What is there

    @property
    def living(self) -> list[Customer]:
        return [customer for customer in self.customers.values() if not customer.is_deleted]

    def open_of(self, customer_id: str) -> list[Subscription]:
        return [each for each in self.of_customer(customer_id) if each.is_open]

    def of_customer(self, customer_id: str) -> list[Subscription]:
        return [each for each in self.subscriptions.values() if each.customer_id == customer_id]

    def orders_of(self, customer_id: str) -> list[Order]:
        return [order for order in self.orders.values() if order.customer_id == customer_id]

    def taken(self, plan_id: str) -> int:
        """The seats of open subscriptions of a plan, not of its trial."""
        return sum(
            each.quantity
            for each in self.subscriptions.values()
            if each.is_open and each.item.plan.id == plan_id and not each.item.is_trial
        )

    def limit(self, name: str) -> int | None:
        return self.settings.get(name)

    # What follows from an answer

    def note_order(self, shown: Json, now: datetime) -> Order:
        """An order that was answered; its new lines bring a subscription each."""
        order = self.orders.get(shown["id"])
        if order is None:
            assert shown["status"] == "pending", shown
            order = Order(
                id=shown["id"],
                alternate_id=shown["alternateId"],
                customer_id=shown["referenceCustomerId"],
                currency=shown["currencyCode"],
                cycle=shown["billingCycle"],
                created_at=now,
                due_at=now + timedelta(seconds=self.settings.get("order_fulfilment_delay_seconds") or 0),
                lines=[],
            )
            self.orders[order.id] = order
        numbers = [line["lineItemNumber"] for line in shown["lineItems"]]
        assert numbers == list(range(len(numbers))), numbers
        for line in shown["lineItems"][len(order.lines) :]:
            self._note_line(order, line)
        return order

    def _note_line(self, order: Order, shown: Json) -> None:
        item = self.items[shown["offerId"]]
        term = next(
            each for each in item.terms if (each.length, each.cycle) == (shown["termDuration"], order.cycle)
        )
        line = Line(shown["lineItemNumber"], shown["subscriptionId"], item, term, shown["quantity"])
        order.lines.append(line)
        assert line.subscription_id not in self.subscriptions, "two lines share a subscription"
        self.subscriptions[line.subscription_id] = Subscription(
            id=line.subscription_id,
            customer_id=order.customer_id,
            order_id=order.id,
            line_number=line.number,
            item=item,
            term=term,
            quantity=line.quantity,
            parent_id=shown.get("parentSubscriptionId"),
            is_trial=item.is_trial,
        )

    def end(self, subscription: Subscription) -> None:
        """End a subscription and what extends it (an add-on cannot outlive its base)."""
        if not subscription.is_open:
            return
        subscription.status, subscription.auto_renew = "deleted", False
        for each in self.subscriptions.values():
            if each.parent_id == subscription.id:
                self.end(each)

    def delete(self, customer: Customer) -> None:
        customer.is_deleted = True
        for each in self.of_customer(customer.id):
            self.end(each)

    def fulfil(self, now: datetime) -> None:
        """Complete what is due (``10`` section 4.6)."""
        for order in self.orders.values():
            if order.status == "pending" and order.due_at <= now:
                bought = [self.subscriptions[line.subscription_id] for line in order.lines]
                order.status = "completed" if any(each.is_open for each in bought) else "error"

    # What may be bought (``10`` sections 3.5, 3.7, 3.8 and 3.10)

    def judge(self, wishes: Sequence[Wish], customer: Customer, now: datetime) -> list[Verdict]:
        """One verdict for each wish. Those before it that can be fulfilled use up the limits."""
        verdicts: list[Verdict] = []
        for wish in wishes:
            verdict = self._judge_alone(wish, wishes, customer, now)
            if not verdict.problems:
                verdict = self._within_limits(
                    wish, verdict, list(zip(wishes, verdicts, strict=False)), customer
                )
            verdicts.append(verdict)
        return verdicts

    def _judge_alone(self, wish: Wish, wishes: Sequence[Wish], customer: Customer, now: datetime) -> Verdict:
        item = self.items.get(wish.item_id)
        if item is None:
            return Verdict(frozenset({"unknown"} | ({"zero"} if wish.quantity < 1 else set())))
        term = chosen_term(item, wish)
        bases = list(self._bases(wish, wishes, customer)) if item.plan.base is not None else []
        found = set(self._problems(wish, item, customer, now))
        is_unsure = False
        if item.plan.base is not None:
            outcomes = [frozenset(self._base_problems(item, base)) for base in bases] or [frozenset({"base"})]
            is_unsure = any(outcomes) and not all(outcomes)
            if found or not is_unsure:
                found |= frozenset().union(*outcomes)
        elif wish.parent_id is not None or wish.base is not None:
            found.add("base")
        return Verdict(frozenset(found), is_unsure and not found, term)

    def _problems(self, wish: Wish, item: Item, customer: Customer, now: datetime) -> Iterator[str]:
        if wish.quantity < 1:
            yield "zero"
        if item.country != customer.country:
            yield "country"
        if item.replaced_at is not None and now >= item.replaced_at + GRACE:
            yield "replaced"
        if item.plan.id in self.variant.stopped:
            yield "stopped"
        if wish.currency not in {None, item.currency}:
            yield "currency"
        cycles = {term.cycle for term in item.terms}
        if wish.cycle is not None and wish.cycle not in cycles:
            yield "cycle"
        elif chosen_term(item, wish) is None:
            yield "term"
        if wish.quantity < item.plan.minimum:
            yield "few"
        if wish.quantity > item.plan.maximum:
            yield "many"

    def _bases(
        self, wish: Wish, wishes: Sequence[Wish], customer: Customer
    ) -> Iterator[tuple[Item, int, str]]:
        """Everything that an add-on may extend: item, seats and billing cycle."""
        if wish.base is not None:
            yield from self._base_line(wishes[wish.base])
        elif wish.parent_id is not None:
            held = {each.id: each for each in self.open_of(customer.id)}
            if wish.parent_id in held:
                yield _base_of(held[wish.parent_id])
        else:
            found = [base for each in wishes if each is not wish for base in self._base_line(each)]
            found += [_base_of(each) for each in self.open_of(customer.id)]
            item = self.items[wish.item_id]
            yield from (base for base in found if _is_base(base[0], item))

    def _base_line(self, wish: Wish) -> Iterator[tuple[Item, int, str]]:
        item = self.items.get(wish.item_id)
        if item is not None:
            yield item, wish.quantity, chosen_cycle(item, wish)

    def _base_problems(self, item: Item, base: tuple[Item, int, str]) -> Iterator[str]:
        base_item, seats, cycle = base
        if base_item.plan.base is not None:
            yield "deep"
        if not _is_base(base_item, item):
            yield "base"
        if seats < item.plan.minimum_base_seats:
            yield "base seats"
        if all(term.cycle != cycle for term in item.terms):
            yield "cycle"
        if base_item.currency != item.currency:
            yield "currency"

    def _within_limits(
        self, wish: Wish, verdict: Verdict, before: Sequence[tuple[Wish, Verdict]], customer: Customer
    ) -> Verdict:
        item = self.items[wish.item_id]
        kept = [(each, self.items[each.item_id]) for each, judged in before if not judged.problems]
        has_doubt = any(judged.is_unsure for _, judged in before)
        same = [each for each, other in kept if (other.plan, other.is_trial) == (item.plan, item.is_trial)]
        held = self.open_of(customer.id)
        problems = set()
        seats, count = (
            self.limit("limit_seats_per_subscription"),
            self.limit("limit_subscriptions_per_customer"),
        )
        if seats is not None and wish.quantity > seats:
            problems.add("limit")
        if count is not None and len(held) + len(kept) >= count:
            problems.add("limit")
        if item.plan.ownership_limit is not None:
            owned = sum(each.item.plan is item.plan for each in held)
            if owned + len(same) >= item.plan.ownership_limit:
                problems.add("ownership")
        stock = self.variant.stock.get(item.plan.id)
        wanted = self.taken(item.plan.id) + sum(each.quantity for each in same) + wish.quantity
        if stock is not None and not item.is_trial and wanted > stock:
            problems.add("stock")
        return Verdict(frozenset(problems), verdict.is_unsure or (has_doubt and bool(problems)), verdict.term)


def chosen_cycle(item: Item, wish: Wish) -> str:
    """``10`` section 3.5: the only one, or monthly if there is a choice."""
    cycles = {term.cycle for term in item.terms}
    return wish.cycle or (cycles.pop() if len(cycles) == 1 else "monthly")


def chosen_term(item: Item, wish: Wish) -> Term | None:
    """``10`` section 3.5: the shortest term of the cycle."""
    cycle = chosen_cycle(item, wish)
    fitting = [term for term in item.terms if term.cycle == cycle and wish.term in {None, term.length}]
    return min(fitting, key=lambda term: "P1M P1Y P3Y".index(term.length), default=None)


def problems_of(verdicts: Iterable[Verdict]) -> frozenset[str]:
    return frozenset().union(*(verdict.problems for verdict in verdicts))


def _base_of(subscription: Subscription) -> tuple[Item, int, str]:
    return subscription.item, subscription.quantity, subscription.term.cycle


def _is_base(base: Item, add_on: Item) -> bool:
    return base.plan.id == add_on.plan.base and not base.is_trial
