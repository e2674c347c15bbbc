"""A small calculator of what a subscription costs, written from ``30-invoices-billing`` alone.

It shares no code with the engine: dates are dates, numbers are fractions, amounts are whole minor units. A
``Purchase`` is told what happens to it and when; ``rows`` are the licence rows that the contract asks for.
"""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sold:
    """A plan as it is sold: months of its term, its billing plan by name and months of a payment, and the
    price of one unit and payment.
    """

    term_months: int
    billing_plan: str
    payment_months: int
    price: Fraction
    is_trial: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A licence row: first and last day, days out of the cycle's, prices, quantity, amounts."""

    charge_type: str
    first_day: date
    last_day: date
    days: int
    cycle_days: int
    list_price: Fraction
    unit_price: Fraction
    quantity: int
    subtotal: int
    tax: int
    dated: datetime


@dataclass(slots=True)
class Paid:
    """The cycle that was paid last: until when, for how many days in all, at which price and rates."""

    until: date
    whole_days: int
    list_price: Fraction
    net_price: Fraction
    fx: Fraction
    tax: Fraction


@dataclass(slots=True)
class Market:
    """What the world is like: minor digits of the billing currency, rates by day, the partner's own terms.

    ``better`` gives the net price for a list price as of an instant.
    """

    digits: int
    fx: Callable[[date], Fraction]
    tax: Callable[[date], Fraction]
    better: Callable[[Fraction, datetime], Fraction]


@dataclass(slots=True)
class Purchase:
    """One subscription. ``sold`` says what its plan is sold as on a day, for renewals."""

    market: Market
    sold: Callable[[date], Sold]
    rows: list[Row] = field(default_factory=list)
    is_active: bool = False
    is_charged: bool = False
    is_trial: bool = False
    renews: bool = True
    quantity: int = 0
    anchor: date = date.min
    term_began: datetime = datetime(1, 1, 1)  # noqa: DTZ001 - everything here is UTC
    term_offset: int = 0
    term_until: date = date.min
    billing_plan: str = ""
    payment_months: int = 0
    next_prices: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))
    next_payment_months: int = 0
    paid: Paid | None = None
    term_rows: list[Row] = field(default_factory=list)

    def activate(self, at: datetime, ordered: datetime, plan: Sold, quantity: int) -> None:
        self.quantity, self.is_active = quantity, True
        self._begin_term(at, plan, "new", priced=ordered, anchor=at.date())

    def change_seats(self, at: datetime, quantity: int) -> None:
        charge_type = "addQuantity" if quantity > self.quantity else "removeQuantity"
        self._pay_rest(at, charge_type, -1)
        self.quantity = quantity
        self._pay_rest(at, charge_type, 1)

    def change_plan(self, at: datetime, plan: Sold) -> None:
        self._pay_rest(at, "convert", -1)
        assert self.paid is not None
        prices = plan.price, self.market.better(plan.price, at)
        if (plan.term_months, plan.billing_plan) != (self._term_months(), self.billing_plan):
            self._begin_term(at, plan, "convert", priced=at, anchor=at.date())
        elif plan.payment_months == self.payment_months:
            self.paid.list_price, self.paid.net_price = self.next_prices = prices
            self._pay_rest(at, "convert", 1)
        else:
            self.next_prices, self.next_payment_months = prices, plan.payment_months
            self._pay_cycle_of(at.date(), "convert", at)

    def pay_by(self, at: datetime, plan: Sold) -> None:
        """Another billing plan of the same term, from the next cycle on."""
        self.billing_plan, self.next_payment_months = plan.billing_plan, plan.payment_months
        self.next_prices = plan.price, self.market.better(plan.price, at)

    def renew_now(self, at: datetime, plan: Sold) -> None:
        """Only the first charge of the new term is called a renewal; what is given back is not."""
        self._pay_rest(at, "convert", -1)
        self._begin_term(at, plan, "renew", priced=at, anchor=at.date())

    def end_trial(self, at: datetime, plan: Sold) -> None:
        self._begin_term(at, plan, "renew", priced=at, anchor=at.date())

    def cancel(self, at: datetime) -> None:
        """All of the term back inside the window or during a trial; otherwise it is owed to its end."""
        self.is_active = False
        window = timedelta(days=1) if self._term_months() < 12 else timedelta(days=14)
        if not self.is_trial and at >= self.term_began + window:
            return
        self.is_charged = False
        self.rows += [
            Row(
                "cancelImmediate",
                row.first_day,
                row.last_day,
                row.days,
                row.cycle_days,
                row.list_price,
                -row.unit_price,
                row.quantity,
                -row.subtotal,
                -row.tax,
                at,
            )
            for row in self.term_rows
        ]

    def advance(self, to: datetime) -> None:
        """Everything that time brings up to an instant: cycles within terms, and new terms."""
        while self.is_charged and self.paid is not None and midnight(self.paid.until) <= to:
            if self.paid.until < self.term_until:
                self._pay_next_cycle()
            elif self.is_active and self.renews:
                began = midnight(self.term_until)
                self._begin_term(began, self.sold(self.term_until), "renew", priced=began, anchor=self.anchor)
            else:
                self.is_active = self.is_charged = False

    def _term_months(self) -> int:
        return months_apart(self.anchor, self.term_until) - self.term_offset

    def _begin_term(self, at: datetime, plan: Sold, charge_type: str, priced: datetime, anchor: date) -> None:
        self.anchor, self.term_began, self.is_charged, self.is_trial = anchor, at, True, plan.is_trial
        self.term_offset = months_apart(anchor, at.date())
        self.term_until = shift(anchor, self.term_offset + plan.term_months)
        self.billing_plan = plan.billing_plan
        self.payment_months = self.next_payment_months = plan.payment_months
        net = plan.price if plan.is_trial else self.market.better(plan.price, priced)
        self.next_prices = plan.price, net
        first, until = at.date(), shift(anchor, self.term_offset + plan.payment_months)
        self.paid = self._paid(first, until, (until - first).days)
        self.term_rows = []
        self._write(charge_type, first, at, 1)

    def _pay_next_cycle(self) -> None:
        assert self.paid is not None
        first = self.paid.until
        is_same = self.next_payment_months == self.payment_months
        self._pay_cycle_of(first, "cycleCharge" if is_same else "changeBillingPlan", midnight(first))

    def _pay_cycle_of(self, day: date, charge_type: str, dated: datetime) -> None:
        """What is left, from a day on, of the term's cycle which that day is in."""
        length = self.payment_months = self.next_payment_months
        number = self.term_offset
        while shift(self.anchor, number + length) <= day:
            number += length
        whole_first, whole_until = shift(self.anchor, number), shift(self.anchor, number + length)
        self.paid = self._paid(day, min(whole_until, self.term_until), (whole_until - whole_first).days)
        self._write(charge_type, day, dated, 1)

    def _paid(self, first: date, until: date, whole_days: int) -> Paid:
        return Paid(until, whole_days, *self.next_prices, self.market.fx(first), self.market.tax(first))

    def _pay_rest(self, at: datetime, charge_type: str, sign: int) -> None:
        self._write(charge_type, at.date(), at, sign)

    def _write(self, charge_type: str, first: date, dated: datetime, sign: int) -> None:
        paid = self.paid
        assert paid is not None
        days = (paid.until - first).days
        unit_price = rounded_price(paid.net_price * days / paid.whole_days)
        subtotal = sign * cut(unit_price * paid.fx * 10**self.market.digits) * self.quantity
        row = Row(
            charge_type,
            first,
            paid.until - DAY,
            days,
            paid.whole_days,
            paid.list_price,
            sign * unit_price,
            self.quantity,
            subtotal,
            cut(subtotal * paid.tax),
            dated,
        )
        self.rows.append(row)
        self.term_rows.append(row)


def usage_subtotal(price: Fraction, units: Fraction, fx: Fraction, pricing_digits: int, digits: int) -> int:
    """What a month of one meter costs, in minor units."""
    priced = Fraction(cut(rounded_price(price) * units * 10**pricing_digits), 10**pricing_digits)
    return cut(priced * fx * 10**digits)


def midnight(day: date) -> datetime:
    """00:00 of a day, without a time zone: everything here is UTC."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - see above


def months_apart(earlier: date, later: date) -> int:
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def shift(day: date, months: int) -> date:
    """So many months later, on the same day of the month or its last one."""
    number = day.year * 12 + day.month - 1 + months
    year, month = number // 12, number % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def cut(amount: Fraction) -> int:
    """Towards zero."""
    return (
        amount.numerator // amount.denominator if amount >= 0 else -(-amount.numerator // amount.denominator)
    )


def rounded_price(price: Fraction) -> Fraction:
    """10 decimals, halves up; from 100000 on so many that there are 15 digits."""
    decimals = 10 if price < 100_000 else max(0, 15 - len(str(int(price))))
    return Fraction(int(price * 10**decimals + Fraction(1, 2)), 10**decimals)
