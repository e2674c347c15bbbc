"""The engine agrees with an independent calculator, to the cent, over many random histories."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from tests import billing_oracle as oracle
from tests.billing_history import History, private_offer

from comptoir.billing import cents
from comptoir.billing.model import ChargeType, Line, PrivateOffer, Rates
from comptoir.catalog.model import BillingCycle, Term
from comptoir.core.money import Rate, minor_digits
from comptoir.core.terms import Duration

HISTORIES = 20_000
PARTS = 4
STEPS_MAX = 7
MONTHS_MAX = 40
CURRENCIES = ("USD", "EUR", "JPY", "KWD")
PLANS = (
    (1, 1, BillingCycle.MONTHLY),
    (1, 1, BillingCycle.ONE_TIME),
    (12, 1, BillingCycle.MONTHLY),
    (12, 12, BillingCycle.ANNUAL),
    (12, 12, BillingCycle.ONE_TIME),
    (24, 12, BillingCycle.ANNUAL),
    (36, 1, BillingCycle.MONTHLY),
    (36, 12, BillingCycle.ANNUAL),
    (36, 36, BillingCycle.ONE_TIME),
)
CHARGED_MONTHS = {cycle: months for _, months, cycle in PLANS}
TAXES = ("0", "0.19", "0.08875", "0.1")


@dataclass
class Shelf:
    """What a history's plan is sold as; its price moves from month to month."""

    chance: random.Random
    currency: str
    term_months: int = 0
    payment_months: int = 0
    cycle: BillingCycle = BillingCycle.MONTHLY
    prices: tuple[str, ...] = ()

    def stock(self, plan: tuple[int, int, BillingCycle]) -> None:
        self.term_months, self.payment_months, self.cycle = plan
        top = self.chance.choice((100, 10_000, 100_000_000))
        decimals = self.chance.choice((0, 2, 2, 4))
        self.prices = tuple(
            f"{Decimal(self.chance.randrange(1, top * 100)) / 100:.{decimals}f}" for _ in range(3)
        )

    def price(self, day: date) -> str:
        return self.prices[day.month % 3]

    def term(self, at: datetime) -> Term:
        return Term(
            "t",
            Duration(months=self.term_months),
            self.cycle,
            Rate(Decimal(self.price(at)), self.currency),
            "",
        )

    def sold(self, day: date) -> oracle.Sold:
        return oracle.Sold(self.term_months, self.cycle.value, self.payment_months, Fraction(self.price(day)))


@dataclass
class World:
    """Rates that differ from month to month, and the partner's private offer."""

    fx: tuple[str, ...]
    tax: tuple[str, str]
    offer: PrivateOffer | None

    def fx_of(self, day: date) -> str:
        return self.fx[(day.year + day.month) % len(self.fx)]

    def tax_of(self, day: date) -> str:
        return self.tax[day.year % 2]

    def rates(self, _pricing_currency: str, at: datetime) -> Rates:
        month = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        number = at.year * 100 + at.month
        return Rates(Decimal(self.fx_of(at)), month, number, Decimal(self.tax_of(at)))

    def better(self, listed: Fraction, at: datetime) -> Fraction:
        offer = self.offer
        if (
            offer is None
            or not offer.valid_from <= aware(at)
            or aware(at) >= (offer.valid_until or aware(at) + oracle.DAY)
        ):
            return listed
        return (
            listed * (1 - Fraction(offer.margin)) if offer.margin is not None else Fraction(offer.price or 0)
        )


def aware(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)


def make_world(chance: random.Random) -> World:
    is_local = chance.random() < 0.3
    fx = ("1",) if is_local else tuple(f"{chance.randrange(1, 200 * 10**9)}e-9" for _ in range(5))
    offer = None
    if chance.random() < 0.4:
        terms = {"margin": f"0.{chance.randrange(1, 999):03}"}
        if chance.random() < 0.4:
            terms = {"price": f"{chance.randrange(0, 90_000) / 100:.2f}"}
        offer = private_offer(
            **terms,
            valid_from=f"{chance.randrange(2023, 2026)}-0{chance.randrange(1, 10)}-01",
            until="2026-02-10",
        )
    return World(fx, (chance.choice(TAXES), chance.choice(TAXES)), offer)


@dataclass
class Pair:
    """One history, told to the engine and to the calculator at the same time."""

    chance: random.Random
    shelf: Shelf
    engine: History
    reckoned: oracle.Purchase
    now: datetime

    @classmethod
    def made(cls, seed: int) -> "Pair":
        chance = random.Random(seed)
        world = make_world(chance)
        currency = chance.choice(CURRENCIES)
        shelf = Shelf(chance, "USD")
        shelf.stock(chance.choice(PLANS))
        market = oracle.Market(
            digits=minor_digits(currency),
            fx=lambda day: Fraction(world.fx_of(day)),
            tax=lambda day: Fraction(world.tax_of(day)),
            better=world.better,
        )
        engine = History(currency, world.rates, shelf.term, world.offer)
        # Month-ends and leap days are where mistakes are made.
        day = date(2023, 1, 1) + timedelta(days=chance.randrange(800))
        if chance.random() < 0.4:
            day = chance.choice((date(2023, 1, 31), date(2024, 1, 30), date(2024, 2, 29), date(2023, 8, 31)))
        now = oracle.midnight(day) + timedelta(microseconds=chance.randrange(86_400_000_000))
        return cls(chance, shelf, engine, oracle.Purchase(market, shelf.sold), now)

    def run(self) -> None:
        self.buy()
        for _ in range(self.chance.randrange(STEPS_MAX)):
            self.wait()
            if not self.reckoned.is_active:
                break
            self.act()
        self.now += timedelta(days=self.chance.randrange(MONTHS_MAX * 30))
        self.reckoned.advance(self.now)
        self.engine.until(aware(self.now))

    def buy(self) -> None:
        ordered = self.now - timedelta(days=self.chance.randrange(20))
        quantity = self.chance.choice((1, 3, self.chance.randrange(1, 5_000)))
        plan, term, is_trial = self.shelf.sold(ordered), self.shelf.term(ordered), self.chance.random() < 0.15
        if is_trial:
            plan = oracle.Sold(1, "none", 1, Fraction(0), is_trial=True)
            term = Term("t", Duration(months=1), BillingCycle.NONE, Rate(Decimal(0), "USD"), "")
        self.engine.order(aware(ordered), term, quantity, is_trial=is_trial)
        self.engine.activate(aware(self.now))
        self.reckoned.activate(self.now, ordered, plan, quantity)

    def wait(self) -> None:
        """Mostly some days; sometimes no time at all, or to the last microsecond of a window."""
        kind = self.chance.random()
        if kind < 0.2:
            window = timedelta(days=self.chance.choice((1, 14)))
            edge = self.reckoned.term_began + window - timedelta(microseconds=self.chance.randrange(2))
            self.now = max(self.now, edge)
        elif kind < 0.9:
            self.now += timedelta(seconds=self.chance.randrange(86_400 * 45))
        self.reckoned.advance(self.now)
        self.engine.until(aware(self.now))

    def act(self) -> None:
        acts: list[tuple[int, Callable[[], None]]] = [
            (5, self.change_seats),
            (2, self.cancel),
            (1, self.switch_renewal),
            (1, self.suspend_and_reinstate),
        ]
        if self.reckoned.is_trial:
            acts.append((4, self.end_trial))
        else:
            acts += [(2, self.change_plan), (1, self.pay_otherwise), (1, self.renew_now)]
        # A term that begins when the last one did is told apart by nobody; another test looks at it.
        self.now = max(self.now, self.reckoned.term_began + timedelta(microseconds=1))
        (act,) = self.chance.choices([act for _, act in acts], [weight for weight, _ in acts])
        act()

    def change_seats(self) -> None:
        quantity = self.chance.randrange(1, 6_000)
        if quantity != self.reckoned.quantity:
            self.engine.seats(aware(self.now), quantity)
            self.reckoned.change_seats(self.now, quantity)

    def change_plan(self) -> None:
        same = (self.shelf.term_months, self.shelf.payment_months, self.shelf.cycle)
        is_running = self.engine.subscription.billing_cycle is self.shelf.cycle
        stays = is_running and self.chance.random() < 0.6
        self.shelf.stock(same if stays else self.chance.choice(PLANS))
        self.engine.change_plan(
            aware(self.now), self.shelf.term(self.now), sku_id=f"{self.chance.randrange(10**9):09}"
        )
        self.reckoned.change_plan(self.now, self.shelf.sold(self.now))

    def pay_otherwise(self) -> None:
        """Another way to pay the running term, if there is one."""
        running = self.engine.subscription
        ways = [
            plan for plan in PLANS if plan[0] == running.term.months and plan[2] is not running.billing_cycle
        ]
        if not ways:
            return
        self.shelf.stock(self.chance.choice(ways))
        self.engine.pay_by(aware(self.now), self.shelf.term(self.now))
        self.reckoned.pay_by(self.now, self.shelf.sold(self.now))

    def renew_now(self) -> None:
        self.engine.renew_now(aware(self.now), self.shelf.term(self.now))
        self.reckoned.renew_now(self.now, self.shelf.sold(self.now))

    def end_trial(self) -> None:
        self.engine.convert(aware(self.now), self.shelf.term(self.now))
        self.reckoned.end_trial(self.now, self.shelf.sold(self.now))

    def cancel(self) -> None:
        self.engine.cancel(aware(self.now))
        self.reckoned.cancel(self.now)

    def switch_renewal(self) -> None:
        self.reckoned.renews = not self.reckoned.renews
        self.engine.auto_renew(aware(self.now), wanted=self.reckoned.renews)

    def suspend_and_reinstate(self) -> None:
        """Costs nothing and saves nothing."""
        self.engine.suspend(aware(self.now))
        self.engine.reinstate(aware(self.now))


def engine_rows(lines: list[Line]) -> Iterator[oracle.Row]:
    """The engine's lines in the calculator's form."""
    for line in lines:
        yield oracle.Row(
            line.charge_type.value,
            line.charge_start_at.date(),
            line.charge_last_day.date(),
            line.billing_days,
            line.cycle_days,
            Fraction(line.unit_price),
            Fraction(line.effective_unit_price),
            line.quantity,
            line.subtotal,
            cents.tax(line.subtotal, line.rates.tax_rate),
            line.order_date.replace(tzinfo=None),
        )


@pytest.mark.parametrize("part", range(PARTS))
def test_the_engine_agrees_with_the_calculator(part: int) -> None:
    lines = 0
    charge_types: set[str] = set()
    for seed in range(part, HISTORIES, PARTS):
        pair = Pair.made(seed)
        pair.run()
        assert list(engine_rows(pair.engine.lines)) == pair.reckoned.rows, f"history {seed}"
        lines += len(pair.reckoned.rows)
        charge_types.update(row.charge_type for row in pair.reckoned.rows)
    assert lines > HISTORIES / PARTS * 5
    assert charge_types == set(ChargeType) - {ChargeType.CUSTOMER_CREDIT}


def test_usage_agrees_with_the_calculator() -> None:
    chance = random.Random(30)
    for _ in range(HISTORIES):
        pricing, billing = chance.choice(CURRENCIES), chance.choice(CURRENCIES)
        price, units = f"{chance.randrange(10**9)}e-7", f"{chance.randrange(1, 10**9)}e-4"
        fx = f"{chance.randrange(1, 10**11)}e-9"
        unit_price = cents.usage_unit_price(Decimal(price))
        assert cents.usage_subtotal(
            unit_price, Decimal(units), Decimal(fx), pricing, billing
        ) == oracle.usage_subtotal(
            Fraction(price), Fraction(units), Fraction(fx), minor_digits(pricing), minor_digits(billing)
        )
