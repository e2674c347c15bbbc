"""What holds for the lines of any history: the invariants of ``30-invoices-billing`` section 7 that are
about lines, and the shape of cycles.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.billing_history import History, plan

from comptoir.billing import cents, cycles, explaining, keys
from comptoir.billing.model import ChargeType, Line, Rates, midnight
from comptoir.catalog.model import BillingCycle, Term
from comptoir.core.terms import add_months
from comptoir.subscriptions.model import Status

DAY = timedelta(days=1)
BEGIN = datetime(2023, 1, 1, tzinfo=UTC)
TERMS = (
    ("P1M", BillingCycle.MONTHLY),
    ("P1Y", BillingCycle.MONTHLY),
    ("P1Y", BillingCycle.ONE_TIME),
    ("P3Y", BillingCycle.ANNUAL),
)
prices = st.decimals("0", "99999999", places=4)
positive_prices = st.decimals("0.0001", "9999", places=4)
exchange_rates = st.decimals("0.000000001", "300", places=9)
tax_rates = st.decimals("0", "0.3", places=5)
currencies = st.sampled_from(("USD", "JPY", "KWD"))
instants = st.integers(0, 900 * 86_400_000_000).map(lambda micros: BEGIN + timedelta(microseconds=micros))
steps = st.lists(st.tuples(st.integers(0, 40 * 86_400), st.integers(1, 9_999)), max_size=6)


@dataclass(frozen=True)
class Case:
    """An activated subscription, and seat changes: seconds to wait for each, and the seats then."""

    history: History
    began: datetime
    steps: list[tuple[int, int]]

    def play(self) -> History:
        now = self.began
        for wait, quantity in self.steps:
            now += timedelta(seconds=wait)
            if quantity != self.history.subscription.quantity:
                self.history.seats(now, quantity)
        return self.history


@st.composite
def cases(draw: st.DrawFn) -> Case:
    term, cycle = draw(st.sampled_from(TERMS))
    exchange, tax = draw(exchange_rates), draw(tax_rates)
    began = draw(instants)

    def rates(_pricing_currency: str, at: datetime) -> Rates:
        """Rates that differ from month to month."""
        month = midnight(at).replace(day=1)
        return Rates(exchange + at.month, month, at.year * 100 + at.month, tax + Decimal(at.month) / 100)

    history = History(draw(currencies), rates)
    history.order(began, plan(str(draw(prices)), term, cycle), draw(st.integers(1, 9_999)))
    history.activate(began)
    return Case(history, began, draw(steps))


@given(cases())
def test_2_every_subtotal_can_be_derived_again_from_its_line(case: Case) -> None:
    for line in case.play().lines:
        again = explaining.recomputed(line)
        assert (again.effective_unit_price, again.subtotal) == (line.effective_unit_price, line.subtotal)


@given(cases(), st.integers(1, 13 * 86_400))
def test_3_what_is_cancelled_in_the_window_has_cost_nothing(case: Case, late: int) -> None:
    history = case.play()
    until = history.subscription.refund_until
    began = history.subscription.term_start_at
    assert until is not None
    assert began is not None
    at = max(until - timedelta(seconds=late), began)
    assume(history.lines[-1].order_date <= at)
    history.cancel(at)
    assert history.subscription.status is Status.DELETED
    term = [line for line in history.lines if line.term_start_at == began]
    assert sum(line.subtotal for line in term) == 0
    assert sum(cents.tax(line.subtotal, line.rates.tax_rate) for line in term) == 0
    assert len(term) % 2 == 0
    history.until(at + timedelta(days=2_000))
    assert history.lines[-1] == term[-1]


@given(positive_prices, exchange_rates, currencies, st.integers(1, 9_999), st.integers(1, 366))
def test_3_a_wipe_is_the_opposite_of_a_recreate(
    price: Decimal, rate: Decimal, currency: str, quantity: int, days: int
) -> None:
    unit_price = cents.effective_unit_price(price, days, 366)
    charged = cents.licence_subtotal(unit_price, rate, quantity, currency)
    assert charged + cents.licence_subtotal(unit_price, rate, quantity, currency, -1) == 0
    assert charged == -cents.licence_subtotal(cents.negated(unit_price), rate, quantity, currency)


@given(cases())
def test_4_every_day_is_charged_once_in_the_state_that_it_had(case: Case) -> None:
    """The days of each state add up to those of the cycle, and the seats of each day are those of its end."""
    lines = case.play().lines
    charged: dict[datetime, int] = defaultdict(int)
    seats: dict[datetime, int] = defaultdict(int)
    for line in lines:
        sign = -1 if line.subtotal < 0 or line.effective_unit_price < 0 else _sign(line)
        for number in range(line.billing_days):
            day = line.charge_start_at + number * DAY
            charged[day] += sign
            seats[day] += sign * line.quantity
    assert set(charged.values()) == {1}
    days = sorted(charged)
    assert days[-1] - days[0] == (len(days) - 1) * DAY
    expected = lines[0].quantity
    changes = {midnight(line.order_date): line.quantity for line in lines}
    for day in days:
        expected = changes.get(day, expected)
        assert seats[day] == expected


def _sign(line: Line) -> int:
    """A line that costs nothing does not show whether it gives back: the first of a pair does."""
    pairs = {ChargeType.ADD_QUANTITY, ChargeType.REMOVE_QUANTITY}
    return -1 if line.charge_type in pairs and line.position == 0 else 1


@given(prices, st.integers(1, 1_096), st.integers(1, 1_096))
def test_8_unit_prices_have_15_digits_and_no_exponent(price: Decimal, days: int, cycle_days: int) -> None:
    found = cents.effective_unit_price(price, days, cycle_days)
    text = format(found, "f")
    assert len(text.replace(".", "").lstrip("0")) <= 15
    assert found == Decimal(text)
    exact = Fraction(price) * days / cycle_days
    digits = len(str(int(exact)))
    unit = Fraction(1, 10**10) if exact < 100_000 else Fraction(10) ** (digits - 15)
    assert abs(Fraction(found) - exact) <= unit / 2


@given(cases(), st.booleans())
def test_9_the_window_ends_with_its_last_microsecond(case: Case, is_late: bool) -> None:
    history = case.history
    until = history.subscription.refund_until
    assert until is not None
    history.cancel(until if is_late else until - timedelta(microseconds=1))
    mirrored = [line for line in history.lines if line.charge_type is ChargeType.CANCEL_IMMEDIATE]
    assert len(mirrored) == (0 if is_late else 1)


@given(cases())
def test_the_same_history_gives_the_same_lines(case: Case) -> None:
    again = replace(case, history=History(case.history.currency, case.history.rates))
    term = Term(
        "t",
        case.history.subscription.term,
        case.history.subscription.billing_cycle,
        case.history.subscription.unit_price,
        "",
    )
    again.history.order(case.began, term, case.history.subscription.quantity)
    again.history.activate(case.began)
    first, second = case.play().lines, again.play().lines
    assert first == second
    assert keys.digest(first) == keys.digest(second)
    assert len({line.id for line in first}) == len(first)


@given(
    instants,
    st.integers(0, 40),
    st.sampled_from([(1, 1), (12, 1), (12, 12), (24, 12), (36, 1), (36, 12), (36, 36)]),
)
def test_cycles_fill_their_term_without_gap_or_overlap(
    anchored_at: datetime, months_before: int, lengths: tuple[int, int]
) -> None:
    term_months, months = lengths
    anchor = midnight(anchored_at)
    first, end = add_months(anchor, months_before), add_months(anchor, months_before + term_months)
    start, spans = first, []
    while start < end:
        spans.append(cycles.span_from(anchor, first, end, months, start))
        start = spans[-1].end_at
    assert start == end
    assert len(spans) == term_months // months
    assert all(span.days == span.cycle_days for span in spans)
    assert all(span.start_at.day in {anchor.day, _last_day(span.start_at)} for span in spans)


def _last_day(day: datetime) -> int:
    return (add_months(day.replace(day=1), 1) - DAY).day
