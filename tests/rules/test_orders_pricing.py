"""What lines and orders cost (``10-catalog-cart-orders`` sections 3.9 and 4.3)."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.order_factory import a_request, a_trial, an_offer, an_order, an_order_line, facts, judge
from tests.subscription_factory import term

from comptoir.catalog.model import BillingCycle
from comptoir.core.money import Rate
from comptoir.orders.model import Pricing


def test_the_sample_of_the_contract() -> None:
    pricing = judge(a_request()).pricing
    price = Decimal("7.50")
    assert pricing == Pricing(price, price, price, price, Decimal("90.00"), "EUR")
    assert an_order().total_price == Decimal("90.00")


@pytest.mark.parametrize(
    ("duration", "cycle", "price", "quantity", "extended"),
    [
        ("P1Y", BillingCycle.MONTHLY, "12.50", 1, "150.00"),
        ("P1Y", BillingCycle.MONTHLY, "12.50", 4, "600.00"),
        ("P1Y", BillingCycle.ANNUAL, "120", 4, "480.00"),
        ("P3Y", BillingCycle.ANNUAL, "120", 2, "720.00"),
        ("P3Y", BillingCycle.TRIENNIAL, "300", 2, "600.00"),
        ("P3Y", BillingCycle.ONE_TIME, "300", 2, "600.00"),
    ],
)
def test_the_extended_price_covers_quantity_and_term(
    duration: str, cycle: BillingCycle, price: str, quantity: int, extended: str
) -> None:
    known = facts(an_offer(terms=[term(duration, cycle, price)]))
    pricing = judge(a_request(quantity=quantity), known).pricing
    assert pricing is not None
    assert str(pricing.extended_price) == extended


def test_a_trial_costs_nothing() -> None:
    pricing = judge(a_request("DZH318Z0TFD8:0001:DZH318Z0TR1A", 3), facts(a_trial())).pricing
    assert pricing is not None
    assert pricing.price == pricing.extended_price == 0


@pytest.mark.parametrize(
    ("currency", "listed", "price"),
    [("EUR", "10.087", "10.08"), ("JPY", "1234.9", "1234"), ("KWD", "1.2349", "1.234"), ("EUR", "3", "3.00")],
)
def test_the_charged_price_is_cut_to_the_currency(currency: str, listed: str, price: str) -> None:
    pricing = Pricing.of(Rate(Decimal(listed), currency), 1, 1)
    assert pricing.list_price == Decimal(listed)
    assert str(pricing.price) == price


@given(
    st.decimals(0, 100_000, places=6),
    st.sampled_from(["EUR", "JPY", "KWD"]),
    st.integers(0, 999_999_999),
    st.sampled_from([1, 3, 12, 36]),
)
def test_extended_is_price_times_quantity_times_periods(
    amount: Decimal, currency: str, quantity: int, periods: int
) -> None:
    pricing = Pricing.of(Rate(amount, currency), quantity, periods)
    assert pricing.extended_price == pricing.price * quantity * periods
    assert 0 <= pricing.price <= pricing.list_price


def test_the_total_is_the_sum_of_the_lines() -> None:
    order = an_order(an_order_line(0), an_order_line(1, quantity=2, billing_periods=12))
    assert str(order.total_price) == "270.00"


def test_a_line_cancelled_alone_costs_nothing() -> None:
    assert str(an_order(an_order_line(0, quantity=0, is_cancelled=True)).total_price) == "0.00"


def test_a_yen_order_has_no_cents() -> None:
    line = replace(an_order_line(), unit_price=Rate(Decimal(3000), "JPY"))
    assert str(an_order(line, currency="JPY").total_price) == "36000"
