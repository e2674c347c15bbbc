"""A walk of months: subscriptions of every kind, changed by chance, while renewals, cycles and invoices come.

``Walker`` takes steps and says beforehand what each of them must answer. What becomes of a subscription
is ``Life``, a small reading of ``20-subscriptions-customers`` section 4; what it costs is the calculator of
``tests.billing_oracle``. Neither shares anything with the application.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from random import Random

from tests import billing_oracle as oracle
from tests import order_market
from tests.billing_desk import lines_of
from tests.billing_oracle import Purchase, Sold
from tests.market import ADMIN, Json, Market
from tests.order_market import LIST_ITEMS
from tests.simulation import book_invariants, books
from tests.simulation.scenario import MOVE, Scene, open_catalogues
from tests.stories.test_billing_years import exchange, row
from tests.subscription_desk import Held

from comptoir.db import sql

BEGAN = datetime(2027, 1, 30, 21, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
ACTIVATION_DAYS = 30
GRACE_DAYS = 20
TAX = {"FR": Fraction("0.20"), "JP": Fraction("0.10")}
CURRENCIES = {"US": "USD", "FR": "EUR", "JP": "JPY"}
MONTHS = {"P1M": (1, "monthly", 1), "P1Y": (12, "monthly", 1), "P3Y": (36, "annual", 12)}
TEAM = {
    "P1M": {"US": "7.50", "FR": "7.25", "JP": "900"},
    "P1Y": {"US": "7", "FR": "6.75", "JP": "850"},
    "P3Y": {"US": "70", "FR": "66", "JP": "9000"},
}
BASIC = {"US": "5", "FR": "5", "JP": "700"}
METERS = {"email100": {"US": "1", "FR": "0.9", "JP": "150"}, "text": {"US": "0.05", "FR": "0.045", "JP": "7"}}
DEARER = {"US": ("USD: 7.50", "USD: {}"), "FR": ("EUR: 7.25", "EUR: {}"), "JP": ("JPY: 900}", "JPY: {}}}")}
"""How the file gives the price of a month of ``team``: what is replaced when it gets dearer."""

STOP_SALE = ("name: Desk - Team", "name: Desk - Team\n      stopSell: true")
# Tests look at everything of the account.
HELD = sql("""
    SELECT id, status, quantity, auto_renew, is_trial FROM subscriptions WHERE account_id = :account_id
""")
USED = sql("""
    SELECT subscription_id, dimension_id, bill_month, quantity, effective_unit_price FROM consumption_lines
    WHERE account_id = :account_id
""")


@dataclass
class Life(Held):
    """One subscription as it must be. ``renews_to`` is what a trial becomes."""

    path_: str
    plan: str
    country: str
    length: str
    quantity: int
    ordered_at: datetime
    ordered: Sold
    reckoned: Purchase
    is_trial: bool = False
    status: str = "pending"
    auto_renew: bool = True
    suspended_at: datetime | None = None
    used: dict[tuple[str, datetime], Fraction] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return self.path_

    @property
    def is_metered(self) -> bool:
        return self.plan == "basic"

    @property
    def window_end(self) -> datetime:
        length = DAY if self.length == "P1M" or self.is_trial else 14 * DAY
        return self.reckoned.term_began.replace(tzinfo=UTC) + length

    def pass_time(self, now: datetime, *, is_sold: bool) -> None:
        """Everything that time brings, with its money, up to an instant."""
        if self.status == "pending":
            if now >= self.ordered_at + ACTIVATION_DAYS * DAY:
                self.status, self.auto_renew = "deleted", False
            return
        if not self.reckoned.rows:
            return  # it was never activated
        self.reckoned.renews = self.status == "active" and self.auto_renew and is_sold
        if self.status == "suspended" and self.suspended_at is not None:
            ends = self.suspended_at + GRACE_DAYS * DAY
            if ends <= now and ends < oracle.midnight(self.reckoned.term_until).replace(tzinfo=UTC):
                self.reckoned.advance(ends.replace(tzinfo=None))
                self.end(ends)
        self.reckoned.advance(now.replace(tzinfo=None))
        self.is_trial = self.reckoned.is_trial
        if self.status in {"active", "suspended"} and not self.reckoned.is_active:
            self.status, self.auto_renew = "expired", False

    def end(self, at: datetime) -> None:
        self.reckoned.cancel(at.replace(tzinfo=None))
        self.status, self.auto_renew = "deleted", False


class Walker:
    """Takes steps through one marketplace. ``story`` tells what was done."""

    def __init__(self, scene: Scene, country: str, rng: Random) -> None:
        self._scene, self._market, self._rng = scene, scene.market, rng
        self._country, self._currency = country, CURRENCIES[country]
        self._lives: list[Life] = []
        self._prices = {where: [(date.min, Fraction(TEAM["P1M"][where]))] for where in CURRENCIES}
        self._is_stopped = False
        self._accepted: dict[tuple[str, str, int], Fraction] = defaultdict(Fraction)
        self.story: list[str] = []

    @property
    def now(self) -> datetime:
        return self._market.now

    async def prepare(self) -> None:
        account = await self._market.account()
        self._account_id = account.id
        await self._market.write(
            lambda tx: tx.run(MOVE, account_id=account.id, country=self._country, currency=self._currency)
        )
        await self._market.configure(
            "sandbox",
            allow_partner_activation=True,
            allow_partner_suspend=True,
            activation_limit_days=ACTIVATION_DAYS,
            suspension_grace_days=GRACE_DAYS,
        )
        await self._reach(BEGAN)

    async def take(self) -> None:
        """One step, and a look at everything that it may have broken."""
        steps: dict[Callable[[], Awaitable[None]], int] = {
            self._wait: 30,
            self._buy: 16,
            self._activate: 8,
            self._change_seats: 14,
            self._switch_auto_renew: 8,
            self._cancel: 10,
            self._convert_trial: 4,
            self._suspend: 5,
            self._reinstate: 4,
            self._use: 16,
            self._raise_price: 5,
            self._stop_sale: 3,
        }
        await self._rng.choices(list(steps), list(steps.values()))[0]()
        await self._compare()

    async def finish(self) -> None:
        """Once everything up to now is invoiced, the books are proven and every cent is looked for."""
        await self._reach(invoice_day(self.now) + DAY)
        await self._compare()
        await books.prove(self._market)
        found = await book_invariants.read(self._market.services.database, self._account_id)
        self._compare_invoices(found)
        await self._compare_pages(found)

    # Steps

    async def _wait(self) -> None:
        rng = self._rng
        windows = [each.window_end for each in self._lives if each.status == "active"]
        ahead = [end for end in windows if end - MICROSECOND > self.now]
        kind = rng.random()
        if ahead and kind < 0.2:
            to = min(ahead) - rng.choice((MICROSECOND, 0 * MICROSECOND))
        elif kind < 0.4:
            to = self.now + timedelta(hours=rng.choice((0.001, 1, 7, 23, 25, 49)))
        elif kind < 0.6:
            to = datetime.combine(self.now.date() + rng.choice((1, 2, 9)) * DAY, datetime.min.time(), UTC)
        else:
            to = self.now + timedelta(days=rng.choice((5, 11, 17, 28, 31, 59)), hours=rng.randrange(24))
        await self._reach(to)

    async def _buy(self) -> None:
        rng = self._rng
        where, at = rng.choice(list(CURRENCIES)), self.now
        plan = rng.choice(("team", "team", "team", "team", "team trial", "basic"))
        if self._is_stopped and plan != "basic":
            return
        length = rng.choice(("P1M", "P1M", "P1Y", "P3Y")) if plan == "team" else "P1M"
        quantity = 1 if plan == "basic" else rng.choice((1, 2, 3, 7))
        months, cycle, payment = MONTHS[length]
        is_trial = plan == "team trial"
        line: Json = {} if is_trial else {"termDuration": length}
        path = await self._scene.order(plan, where, quantity, cycle="none" if is_trial else cycle, **line)

        def sold(day: date) -> Sold:
            return Sold(months, cycle, payment, self._price(plan, length, where, day))

        market = oracle.Market(
            digits={"EUR": 2, "JPY": 0}[self._currency],
            fx=exchange(CURRENCIES[where], self._currency),
            tax=lambda _: TAX[self._country],
            better=lambda price, _: price,
        )
        first = Sold(1, "none", 1, Fraction(0), is_trial=True) if is_trial else sold(date.max)
        held = Life(
            self._scene.shop,
            path.rpartition("/")[2],
            path,
            plan,
            where,
            length,
            quantity,
            at,
            first,
            Purchase(market, sold),
            is_trial=is_trial,
        )
        self._lives.append(held)
        self._tell(f"buy {quantity} of {plan} {length} in {where}", held)
        if rng.random() < 0.8:
            await self._activate(held)

    async def _activate(self, held: Life | None = None) -> None:
        held = held or self._some("pending")
        if held is None:
            return
        await self._post(held, "activate")
        held.status = "active"
        at, ordered = self.now.replace(tzinfo=None), held.ordered_at.replace(tzinfo=None)
        held.reckoned.activate(at, ordered, held.ordered, held.quantity)

    async def _change_seats(self) -> None:
        held = self._some("active")
        if held is None or held.is_metered:
            return
        quantity = self._rng.choice((1, 2, 4, 9, 30))
        if quantity == held.quantity:
            return
        await self._patch(held, {"quantity": quantity}, 200)
        held.quantity = quantity
        held.reckoned.change_seats(self.now.replace(tzinfo=None), quantity)

    async def _switch_auto_renew(self) -> None:
        held = self._some("active")
        if held is None:
            return
        wanted = self._rng.random() < 0.4
        is_refused = wanted and not held.auto_renew and self._is_stopped and not held.is_metered
        await self._patch(held, {"autoRenewEnabled": wanted}, 400 if is_refused else 200)
        if not is_refused:
            held.auto_renew = wanted

    async def _cancel(self) -> None:
        """Inside the window, or during a trial, everything comes back; else it is too late."""
        held = self._some("active")
        if held is None:
            return
        is_open = held.is_trial or self.now < held.window_end
        await self._patch(held, {"status": "deleted"}, 200 if is_open else 400)
        if is_open:
            held.end(self.now)

    async def _convert_trial(self) -> None:
        held = self._some("active")
        if held is None or not held.is_trial or self._is_stopped:
            return
        await self._post(held, "conversions", {}, user=ADMIN)
        held.is_trial = False
        held.reckoned.end_trial(self.now.replace(tzinfo=None), held.reckoned.sold(date.max))

    async def _suspend(self) -> None:
        held = self._some("active")
        if held is not None:
            await self._patch(held, {"status": "suspended"}, 200)
            held.status, held.suspended_at = "suspended", self.now

    async def _reinstate(self) -> None:
        held = self._some("suspended")
        if held is not None:
            await self._patch(held, {"status": "active"}, 200)
            held.status, held.suspended_at = "active", None

    async def _use(self) -> None:
        """Usage of some hours, the older of them too late for their month."""
        metered = [each for each in self._lives if each.is_metered and each.status in {"active", "suspended"}]
        if not metered:
            return
        held = self._rng.choice(metered)
        for _ in range(self._rng.randrange(1, 5)):
            ago = self._rng.choice((0, 1, 5, 20, 100, 300, 900, 1500))
            dimension, units = self._rng.choice(list(METERS)), self._rng.randrange(1, 9_999) / 8
            hour = (self.now - timedelta(hours=ago)).replace(minute=0, second=0, microsecond=0)
            began = oracle.midnight(held.reckoned.anchor).replace(tzinfo=UTC) + DAY
            if hour < began or (dimension, hour) in held.used:
                continue
            await self._scene.use(held.path, "basic", dimension, units, ago)
            held.used[dimension, hour] = Fraction(units)
            self._accepted[held.id, dimension, self._bill_month(hour)] += Fraction(units)
            self._tell(f"use {units} {dimension} of {hour}", held)
        await self._market.work()

    async def _raise_price(self) -> None:
        where = self._rng.choice(list(CURRENCIES))
        step = Fraction(11) if where == "JP" else Fraction("0.11")
        self._prices[where].append((self.now.date() + DAY, self._prices[where][-1][1] + step))
        await self._publish()

    async def _stop_sale(self) -> None:
        self._is_stopped = not self._is_stopped
        await self._publish()

    # What the steps are made of

    def _some(self, status: str) -> Life | None:
        found = [each for each in self._lives if each.status == status]
        return self._rng.choice(found[-8:]) if found else None

    def _price(self, plan: str, length: str, where: str, day: date) -> Fraction:
        if plan == "basic":
            return Fraction(BASIC[where])
        if length != "P1M":
            return Fraction(TEAM[length][where])
        return [price for since, price in self._prices[where] if since <= day][-1]

    async def _publish(self) -> None:
        text = order_market.CATALOGUE
        for where, (old, new) in DEARER.items():
            price = self._prices[where][-1][1]
            assert text.count(old) == 1, old
            text = text.replace(old, new.format(f"{float(price):.2f}" if where != "JP" else f"{price}"))
        if self._is_stopped:
            text = text.replace(*STOP_SALE)
        await order_market.publish(self._market, text)
        items = {
            (f"{found['plan_id']}{' trial' * found['is_trial']}", found["country"]): found
            for found in await self._market.read(lambda tx: tx.all(LIST_ITEMS))
        }
        self._scene.shop.items = {
            key: f"{found['product_id']}:{found['sku_id']}:{found['id']}" for key, found in items.items()
        }
        self.story.append(f"{self.now} prices {self._prices} stopped {self._is_stopped}")

    async def _reach(self, to: datetime) -> None:
        """Let time pass and do what falls due; a second run finds nothing to do."""
        self.story.append(f"{to} it is")
        self._market.time[0] = to
        self._market.tokens.clear()
        await self._market.work()
        done = await books.content(self._market.services.database, self._account_id)
        await self._market.work()
        assert await books.content(self._market.services.database, self._account_id) == done
        for held in self._lives:
            held.pass_time(to, is_sold=held.is_metered or not self._is_stopped)

    async def _patch(self, held: Life, body: Json, status: int) -> None:
        self._tell(f"patch {body}", held)
        reply = await self._market.patch(held.path, body, alone=status >= 400)
        assert reply.status_code == status, reply.text

    async def _post(self, held: Life, what: str, body: Json = None, **options: str) -> None:
        self._tell(what, held)
        reply = await self._market.post(f"{held.path}/{what}", body, alone=False, **options)
        assert reply.status_code == 200, reply.text

    def _tell(self, what: str, held: Life) -> None:
        self.story.append(f"{self.now} {what}: {held.plan} {held.length} {held.country} {held.id}")

    # What must hold

    async def _compare(self) -> None:
        rows = await self._market.read(lambda tx: tx.all(HELD, account_id=self._account_id))
        shown = {each["id"]: each for each in rows}
        assert shown.keys() == {each.id for each in self._lives}
        for held in self._lives:
            each = shown[held.id]
            found = (each["status"], each["quantity"], each["auto_renew"] == 1, each["is_trial"] == 1)
            assert found == (held.status, held.quantity, held.auto_renew, held.is_trial), held.id
            licences = [line for line in await lines_of(held) if line.kind.value == "licence"]
            assert [row(line) for line in licences] == held.reckoned.rows, held.id
        await self._compare_usage()

    async def _compare_usage(self) -> None:
        """Every unit that was accepted is in the month that bills it, at the price of its meter."""
        countries = {each.id: each.country for each in self._lives}
        billed: dict[tuple[str, str, int], Fraction] = defaultdict(Fraction)
        for line in await self._market.read(lambda tx: tx.all(USED, account_id=self._account_id)):
            billed[line["subscription_id"], line["dimension_id"], line["bill_month"]] += Fraction(
                line["quantity"]
            )
            price = METERS[line["dimension_id"]][countries[line["subscription_id"]]]
            assert Fraction(line["effective_unit_price"]) == Fraction(price), dict(line)
        assert billed == self._accepted

    async def _compare_pages(self, found: book_invariants.Books) -> None:
        query = f"provider=onetime&invoiceLineItemType=billinglineitems&currencyCode={self._currency}"
        places: dict[str | None, str] = {None: f"unbilled/lineitems?{query}&period=current"}
        places |= {document: f"{document}/lineitems?{query}" for document in sorted(found.documents)[-2:]}
        for document, place in places.items():
            count = sum(each.invoice_id == document for each in found.rows)
            sizes = (1, self._rng.randrange(2, 9))
            await book_invariants.check_pages(self._market, f"/v1/invoices/{place}", sizes, count)

    def _bill_month(self, used_at: datetime) -> int:
        """Its own month, or the earliest one whose cut-off, the 3rd of the next month, is ahead."""
        month = used_at.date().replace(day=1)
        while self.now >= oracle.midnight(oracle.shift(month, 1)).replace(tzinfo=UTC) + 2 * DAY:
            month = oracle.shift(month, 1)
        return month.year * 100 + month.month

    def _compare_invoices(self, found: book_invariants.Books) -> None:
        """Each month's document is the sum of what the calculator dates in it, to the cent; and of usage."""
        months: dict[int, list[oracle.Row]] = {}
        for held in self._lives:
            for each in held.reckoned.rows:
                months.setdefault(each.dated.year * 100 + each.dated.month, []).append(each)
        this_month = self.now.year * 100 + self.now.month
        due = {month for month in months if month < this_month}
        due |= {month for _, _, month in self._accepted if month < this_month}
        documents = {document.month: document for document in found.documents.values()}
        assert documents.keys() == due
        for month, document in documents.items():
            billed = [each for each in found.rows if each.invoice_id == document.id]
            licences = [each for each in billed if each.is_licence]
            expected = months.get(month, [])
            assert sum(each.subtotal for each in licences) == sum(each.subtotal for each in expected), month
            assert sum(each.tax for each in licences) == sum(each.tax for each in expected), month
            assert len(licences) == len(expected), month
            used = sum(each.units for each in billed if not each.is_licence)
            assert used == sum(units for (_, _, of), units in self._accepted.items() if of == month), month


def invoice_day(now: datetime) -> datetime:
    """The 8th of the month after."""
    return oracle.midnight(oracle.shift(now.date().replace(day=1), 1)).replace(tzinfo=UTC) + 7 * DAY


async def open_walk(market: Market, seed: int) -> Walker:
    """A walk that is about to begin: with an even seed it is billed in euros, else in yen."""
    rng = Random(seed)
    walker = Walker(await open_catalogues(market), ("FR", "JP")[seed % 2], rng)
    await walker.prepare()
    return walker
