"""What must hold after every step: rows against each other, against the ledger, and as the API shows them."""

import json
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import httpx2
from tests.market import Market
from tests.simulation.asks import flat
from tests.simulation.catalogue import PLANS, TRIAL_TERMS
from tests.simulation.ledger import ENDED, Customer, Item, Json, Ledger, Order

from comptoir.audit import service as audit
from comptoir.db import Row, Statement, Tx, sql

# Tests look at everything of the account, on both engines.
ORDERS = sql("SELECT customer_id, id, status, cart_id, cart_group FROM orders WHERE account_id = :account_id")
LINES = sql("""
    SELECT customer_id, order_id, line_number, subscription_id, quantity, is_cancelled
    FROM order_lines WHERE account_id = :account_id
""")
SUBSCRIPTIONS = sql("""
    SELECT customer_id, id, order_id, line_number, product_id, sku_id, quantity, parent_subscription_id,
        status, auto_renew, is_trial
    FROM subscriptions WHERE account_id = :account_id
""")
CARTS = sql("SELECT customer_id, id, status FROM carts WHERE account_id = :account_id")
CUSTOMERS = sql("SELECT id, deleted_at FROM customers WHERE account_id = :account_id")
STOCK = sql("""
    SELECT s.product_id, s.id, s.plan_id, s.stock_limit, t.taken
    FROM skus s LEFT JOIN sku_stock t ON t.product_id = s.product_id AND t.sku_id = s.id
    WHERE s.stock_limit IS NOT NULL
""")
JOURNAL_ENDS = sql("""
    SELECT account_id, COUNT(*) AS entries, MIN(sequence) AS first, MAX(sequence) AS last
    FROM journal GROUP BY account_id
""")
JOURNAL_HEADS = sql("SELECT account_id, sequence FROM journal_heads")
ENTRIES_OF_REQUEST = sql("SELECT action FROM journal WHERE request_id = :request_id")


async def rows(market: Market, account_id: str, statement: Statement) -> list[Row]:
    return await market.read(lambda tx: tx.all(statement, account_id=account_id))


async def entries_of(market: Market, request_id: str) -> list[str]:
    """The actions that the journal holds of one request."""
    found = await market.read(lambda tx: tx.all(ENTRIES_OF_REQUEST, request_id=request_id))
    return [row["action"] for row in found]


def parsed(reply: httpx2.Response) -> Json:
    """The body, with exact decimals."""
    return json.loads(reply.content, parse_float=Decimal) if reply.content else None


def availabilities_of(item: Item) -> str:
    """The path of what is on sale in an item's place."""
    product, sku, _ = item.id.split(":")
    return f"/v1/products/{product}/skus/{sku}/availabilities?country={item.country}"


class Check:
    """Reads the rows of one moment."""

    def __init__(self, market: Market, ledger: Ledger, account_id: str) -> None:
        self._market, self._ledger, self._account_id = market, ledger, account_id
        self._peaks: dict[str, int] = {}

    async def rows(self) -> None:
        """The rows against each other and against the ledger."""
        await self._read()
        self._subscriptions_and_lines()
        self._statuses()
        self._ledger_agrees()
        self._limits()
        self._carts_and_orders()
        await self._stock()
        await self._journal_has_no_gaps()

    async def adopt(self) -> None:
        """Take over what several callers at once have made of things, as far as that is possible at all."""
        await self._read()
        for row in self.subscriptions.values():
            known = self._ledger.subscriptions.get(row["id"])
            assert known is not None, f"nobody was told of subscription {row['id']}"
            assert known.is_open or row["status"] in ENDED, f"subscription {row['id']} has come back"
            known.status, known.quantity = row["status"], row["quantity"]
            known.auto_renew = row["auto_renew"] == 1
        for row in self.orders.values():
            order = self._ledger.orders.get(row["id"])
            assert order is not None, f"nobody was told of order {row['id']}"
            assert order.status != "cancelled" or row["status"] == "cancelled", "an order has come back"
            order.status = row["status"]
            for line in order.lines:
                stored = self.lines[order.id, line.number]
                line.is_cancelled, line.quantity = stored["is_cancelled"] == 1, stored["quantity"]

    async def _read(self) -> None:
        account_id = self._account_id

        async def read(tx: Tx) -> list[list[Row]]:
            return [
                await tx.all(statement, account_id=account_id)
                for statement in (ORDERS, LINES, SUBSCRIPTIONS, CARTS, CUSTOMERS)
            ]

        orders, lines, subscriptions, carts, customers = await self._market.read(read)
        self.orders = {row["id"]: row for row in orders}
        self.lines = {(row["order_id"], row["line_number"]): row for row in lines}
        self.subscriptions = {row["id"]: row for row in subscriptions}
        self.carts = {row["id"]: row for row in carts}
        self.customers = {row["id"]: row for row in customers}

    def _subscriptions_and_lines(self) -> None:
        """One subscription for each line, one line for each subscription (``10`` section 3.10)."""
        by_subscription = {row["subscription_id"]: row for row in self.lines.values()}
        assert len(by_subscription) == len(self.lines), "two lines share a subscription"
        assert by_subscription.keys() == self.subscriptions.keys(), "lines and subscriptions differ"
        for row in self.subscriptions.values():
            line = by_subscription[row["id"]]
            named = ("customer_id", "order_id", "line_number")
            assert [row[name] for name in named] == [line[name] for name in named]
        numbers = defaultdict(set)
        for order_id, number in self.lines:
            numbers[order_id].add(number)
        assert numbers.keys() == self.orders.keys(), "an order without lines, or lines without an order"
        assert all(found == set(range(len(found))) for found in numbers.values())

    def _statuses(self) -> None:
        """``10`` sections 4.6 and 4.7, ``20`` section 4."""
        for (order_id, _), line in self.lines.items():
            order = self.orders[order_id]
            subscription = self.subscriptions[line["subscription_id"]]
            is_cancelled = line["is_cancelled"] == 1
            assert order["customer_id"] == line["customer_id"]
            assert not is_cancelled or subscription["status"] == "deleted", "a cancelled line lives on"
            assert is_cancelled or order["status"] != "cancelled", "a cancelled order has an open line"
            if order["status"] == "pending":
                assert not is_cancelled
            if order["status"] == "error":
                assert subscription["status"] in ENDED
        for row in self.subscriptions.values():
            assert row["status"] not in ENDED or row["auto_renew"] == 0
            parent_id = row["parent_subscription_id"]
            if parent_id is not None:
                parent = self.subscriptions[parent_id]
                assert parent["customer_id"] == row["customer_id"]
                assert row["status"] in ENDED or parent["status"] not in ENDED, "an add-on outlives its base"
                assert row["status"] != "active" or parent["status"] == "active"
            if self.customers[row["customer_id"]]["deleted_at"] is not None:
                assert row["status"] in ENDED, "a deleted customer holds a subscription"

    def _ledger_agrees(self) -> None:
        """Everything acknowledged is there, nothing else is, and it is as the contract says it must be."""
        assert {row["id"] for row in self.customers.values() if row["deleted_at"] is None} == {
            customer.id for customer in self._ledger.living
        }
        assert self.orders.keys() == self._ledger.orders.keys()
        for order in self._ledger.orders.values():
            assert self.orders[order.id]["status"] == order.status, (order.id, order.status)
            for line in order.lines:
                row = self.lines[order.id, line.number]
                assert (row["quantity"], row["is_cancelled"] == 1) == (line.quantity, line.is_cancelled)
        assert self.subscriptions.keys() == self._ledger.subscriptions.keys()
        for known in self._ledger.subscriptions.values():
            row = self.subscriptions[known.id]
            found = (row["status"], row["quantity"], row["auto_renew"] == 1, row["is_trial"] == 1)
            assert found == (known.status, known.quantity, known.auto_renew, known.is_trial), known

    def _limits(self) -> None:
        """Whatever grew since the last look stays within the limits (``10`` section 3.10)."""
        per_customer: dict[str, int] = defaultdict(int)
        for row in self.subscriptions.values():
            if row["status"] not in ENDED:
                per_customer[row["customer_id"]] += 1
                seats = row["quantity"]
                self._require_within(f"seats {row['id']}", seats, "limit_seats_per_subscription")
        for customer_id, count in per_customer.items():
            self._require_within(f"held {customer_id}", count, "limit_subscriptions_per_customer")
        self._require_within("customers", len(self._ledger.living), "limit_customers")
        self._require_within_ownership()

    def _require_within(self, what: str, count: int, setting: str) -> None:
        limit, before = self._ledger.limit(setting), self._peaks.get(what, 0)
        self._peaks[what] = count
        assert limit is None or count <= max(limit, before), f"{what}: {count} is above {limit}"

    def _require_within_ownership(self) -> None:
        owned: dict[tuple[str, str], int] = defaultdict(int)
        for known in self._ledger.subscriptions.values():
            if known.is_open and not known.item.is_trial:
                owned[known.customer_id, known.item.plan.id] += 1
        for (customer_id, plan_id), count in owned.items():
            limit = PLANS[plan_id].ownership_limit
            assert limit is None or count <= limit, f"{customer_id} holds {count} of {plan_id}"

    def _carts_and_orders(self) -> None:
        """No group of a cart is ordered twice; what the ledger holds as ordered is."""
        groups = [(row["cart_id"], row["cart_group"]) for row in self.orders.values() if row["cart_id"]]
        assert len(set(groups)) == len(groups), "a group was ordered twice"
        ordered = defaultdict(set)
        for row in self.orders.values():
            ordered[row["cart_id"]].add(row["id"])
        for cart in self._ledger.carts.values():
            assert cart.order_ids == ordered.get(cart.id, set()), (cart.id, cart.order_ids)
            if cart.id in self.carts:
                assert (self.carts[cart.id]["status"] == "Ordered") == cart.is_ordered

    async def _stock(self) -> None:
        """Taken is what open subscriptions have, and more is never sold than there is."""
        seats: dict[tuple[str, str], int] = defaultdict(int)
        for row in self.subscriptions.values():
            if row["status"] not in ENDED:
                seats[row["product_id"], row["sku_id"]] += row["quantity"]
        for row in await self._market.read(lambda tx: tx.all(STOCK)):
            taken = seats[row["product_id"], row["id"]]
            assert row["taken"] == taken, f"{row['plan_id']}: {row['taken']} taken, {taken} held"
            before = self._peaks.get(f"taken {row['plan_id']}", 0)
            self._peaks[f"taken {row['plan_id']}"] = taken
            assert taken <= max(row["stock_limit"], before), (
                f"{row['plan_id']}: {taken} of {row['stock_limit']}"
            )

    async def _journal_has_no_gaps(self) -> None:
        async def read(tx: Tx) -> tuple[list[Row], list[Row]]:
            return await tx.all(JOURNAL_ENDS), await tx.all(JOURNAL_HEADS)

        ends, heads = await self._market.read(read)
        last = {row["account_id"]: row["sequence"] for row in heads}
        for row in ends:
            assert (row["first"], row["last"]) == (1, row["entries"]), dict(row)
            assert last[row["account_id"]] == row["last"]

    async def chains(self) -> None:
        """Nobody has touched the journal."""
        for row in await self._market.read(lambda tx: tx.all(JOURNAL_HEADS)):
            account_id = row["account_id"]

            async def verify(tx: Tx, account_id: str = account_id) -> Any:
                return await audit.verify_chain(tx, account_id)

            assert await self._market.read(verify) is None, account_id

    # Through the API

    async def customer(self, customer: Customer) -> None:
        """What the API tells of one customer."""
        path = f"/v1/customers/{customer.id}"
        if customer.is_deleted:
            assert (await self._market.get(path)).status_code == 404
            return
        shown = await self._get(f"{path}/orders?include_price=true")
        expected = {order.id: order for order in self._ledger.orders_of(customer.id)}
        assert shown["totalCount"] == len(expected)
        assert {order["id"] for order in shown["items"]} == expected.keys()
        times = [order["creationDate"] for order in shown["items"]]
        assert times == sorted(times, reverse=True), "newest first"
        for order in shown["items"]:
            self._order(order, expected[order["id"]])
        held = {each.id: each for each in self._ledger.of_customer(customer.id)}
        listed = (await self._get(f"{path}/subscriptions"))["items"]
        assert {each["id"] for each in listed} == held.keys()
        for each in listed:
            known = held[each["id"]]
            told = (each["status"], each["quantity"], each["orderId"], each.get("parentSubscriptionId"))
            assert told == (known.status, known.quantity, known.order_id, known.parent_id)
            assert (each["isTrial"], each["autoRenewEnabled"]) == (known.is_trial, known.auto_renew)

    def _order(self, shown: Json, known: Order) -> None:
        """Totals add up, in exact decimals (``10`` section 4.3)."""
        assert (shown["status"], shown["alternateId"]) == (known.status, known.alternate_id)
        assert (shown["currencyCode"], shown["billingCycle"]) == (known.currency, known.cycle)
        total = Decimal(0)
        for line, bought in zip(shown["lineItems"], known.lines, strict=True):
            assert (line["offerId"], line["quantity"]) == (bought.item.id, bought.quantity)
            price = bought.term.price
            extended = price * bought.quantity * bought.term.periods
            pricing = {name: Decimal(value) for name, value in line["pricing"].items()}
            assert pricing["listPrice"] == pricing["price"] == price, (line, price)
            assert pricing["extendedPrice"] == extended, (line, extended)
            total += extended
        assert Decimal(shown["totalPrice"]) == total, (shown["totalPrice"], total)

    async def customer_list(self) -> None:
        shown = await self._get("/v1/customers?size=500")
        assert {each["id"] for each in shown["items"]} == {each.id for each in self._ledger.living}

    async def carts_shown(self) -> None:
        """A cart is ordered once a checkout has left no group without an order, and not before."""
        for cart in list(self._ledger.carts.values()):
            customer = self._ledger.customers[cart.customer_id]
            reply = await self._market.get(f"/v1/customers/{customer.id}/carts/{cart.id}")
            is_gone = customer.is_deleted or (not cart.is_ordered and self._market.now >= cart.expires_at)
            assert (reply.status_code == 404) == is_gone, (cart.id, reply.status_code, is_gone)
            if is_gone:
                continue
            shown = cart.shown = parsed(reply)
            lines = [line for line, _ in flat(shown)]
            groups = {line["orderGroup"] for line in lines if "orderGroup" in line}
            placed = {
                self.orders[order_id]["cart_group"] for order_id in cart.order_ids if order_id in self.orders
            }
            is_whole = groups <= placed and all("error" not in line for line in lines)
            assert (shown["status"] == "Ordered") == cart.is_ordered, shown
            assert not cart.is_ordered or is_whole, (groups, placed)

    async def catalogue(self, items: Iterable[Item]) -> None:
        """What the API tells of the catalogue, remembered or not, is what the operator's file says."""
        for item in items:
            plan_id, is_trial = item.plan.id, item.is_trial
            (shown,) = (await self._get(availabilities_of(item)))["items"]
            assert shown["catalogItemId"] == item.id
            assert shown["isPurchasable"] == (plan_id not in self._ledger.variant.stopped), plan_id
            terms = TRIAL_TERMS if is_trial else item.terms
            told = {(term["duration"], term["billingCycle"].lower()) for term in shown["terms"]}
            assert told == {(term.length, term.cycle) for term in terms}, (plan_id, told)

    async def _get(self, path: str) -> Json:
        reply = await self._market.get(path)
        assert reply.status_code == 200, (path, reply.text)
        return parsed(reply)
