"""Two years of five subscriptions in three currencies, month after month on both engines.

After each step the books hold exactly what the independent calculator of ``tests.billing_oracle`` says, and
the worker, run once more, does nothing.
"""

import csv
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from tests import billing_oracle as oracle
from tests import watch
from tests.billing_desk import lines_of
from tests.billing_oracle import Purchase, Row, Sold
from tests.market import Json
from tests.order_market import Shop, shop
from tests.subscription_desk import Held, later

from comptoir.billing import cents
from comptoir.billing.model import Line
from comptoir.core.terms import add_months
from comptoir.db import sql

pytestmark = pytest.mark.anyio
__all__ = ["shop"]

RATES = Path(__file__).parents[2] / "sample" / "rates" / "exchange-rates.csv"
MOVE = sql("UPDATE accounts SET country = :country, currency = :currency WHERE id = :account_id")
BEGAN = datetime(2027, 1, 31, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
PRICES = {
    ("USD", "P1M"): "7.50",
    ("USD", "P1Y"): "7",
    ("EUR", "P1M"): "7.25",
    ("JPY", "P3Y"): "9000",
}
MONTHS = {"P1M": (1, 1), "P1Y": (12, 1), "P3Y": (36, 12)}
CURRENCIES = {"US": "USD", "FR": "EUR", "JP": "JPY"}


def dollars(currency: str, day: date) -> Fraction:
    """What a unit of the currency is worth on a day, by the sample's file or the last month in it."""
    if currency == "USD":
        return Fraction(1)
    rows = list(csv.DictReader(RATES.read_text(encoding="utf-8").splitlines()))
    known = {row["Month"]: row["USDPerUnit"] for row in rows if row["CurrencyCode"] == currency}
    return Fraction(known[max(month for month in known if month <= f"{day:%Y%m}")])


def exchange(pricing: str, billing: str) -> Callable[[date], Fraction]:
    def rate(day: date) -> Fraction:
        exact = dollars(pricing, day) / dollars(billing, day) * 10**9
        return Fraction(int(exact + Fraction(1, 2)), 10**9)

    return rate


@dataclass
class Bought(Held):
    """A subscription of a customer somewhere, and what the calculator makes of it."""

    customer_id: str
    reckoned: Purchase

    @property
    def path(self) -> str:
        return f"/v1/customers/{self.customer_id}/subscriptions/{self.id}"

    async def assert_agrees(self, now: datetime) -> None:
        self.reckoned.advance(now.replace(tzinfo=None))
        assert [row(line) for line in await lines_of(self)] == self.reckoned.rows

    async def change_seats(self, quantity: int) -> None:
        now = self.shop.market.now
        await self.change({"quantity": quantity})
        self.reckoned.change_seats(now.replace(tzinfo=None), quantity)


def row(line: Line) -> Row:
    """A line in the calculator's form."""
    return Row(
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


async def move_account(shop: Shop, country: str, currency: str) -> None:
    account = await shop.market.account()
    await shop.market.write(
        lambda tx: tx.run(MOVE, account_id=account.id, country=country, currency=currency)
    )
    await shop.market.configure(allow_partner_activation=True)


async def buy(shop: Shop, country: str, term: str, quantity: int, *, is_trial: bool = False) -> Bought:
    """Bought and activated at once; what was paid in euros and yen is billed in the account's currency."""
    customer_id, now = shop.market.customer(country), shop.market.now
    plan = "team trial" if is_trial else "team"
    line: Json = {"lineItemNumber": 0, "offerId": shop.item(plan, country), "quantity": quantity}
    if not is_trial:
        line["termDuration"] = term
    cycle = "none" if is_trial else "annual" if term == "P3Y" else "monthly"
    placed = await shop.market.post(
        f"/v1/customers/{customer_id}/orders", {"billingCycle": cycle, "lineItems": [line]}
    )
    assert placed.status_code == 201, placed.text
    await shop.market.work()
    account = await shop.market.account()
    pricing = CURRENCIES[country]
    tax = Fraction({"FR": "0.20", "JP": "0.10"}[account.country])
    market = oracle.Market(
        digits={"EUR": 2, "JPY": 0}[account.currency],
        fx=exchange(pricing, account.currency),
        tax=lambda _: tax,
        better=lambda price, _: price,
    )
    sold = Sold(MONTHS[term][0], cycle, MONTHS[term][1], Fraction(PRICES[pricing, term]))
    first = Sold(1, "none", 1, Fraction(0), is_trial=True) if is_trial else sold
    bought = Bought(
        shop, placed.json()["lineItems"][0]["subscriptionId"], customer_id, Purchase(market, lambda _: sold)
    )
    activated = await shop.market.post(f"{bought.path}/activate")
    assert activated.status_code == 200, activated.text
    naive = now.replace(tzinfo=None)
    bought.reckoned.activate(naive, naive, first, quantity)
    return bought


async def reach(shop: Shop, now: datetime, bought: list[Bought]) -> None:
    """Let time pass until an instant and do what falls due; a second run finds nothing to do."""
    later(shop, now)
    await shop.market.work()
    done = await watch.content(shop.market.services.database)
    await shop.market.work()
    assert await watch.content(shop.market.services.database) == done
    for each in bought:
        await each.assert_agrees(now)


@pytest.mark.parametrize(("country", "currency"), [("FR", "EUR"), ("JP", "JPY")])
async def test_two_years_agree_with_the_calculator(shop: Shop, country: str, currency: str) -> None:
    await move_account(shop, country, currency)
    await reach(shop, BEGAN, [])
    year = await buy(shop, "US", "P1Y", 4)
    trial = await buy(shop, "FR", "P1M", 5, is_trial=True)
    yen = await buy(shop, "JP", "P3Y", 7)
    refunded = await buy(shop, "US", "P1M", 3)
    kept = await buy(shop, "US", "P1M", 2)
    bought = [year, trial, yen, refunded, kept]

    # Both end their first term on 28 February; one is given back at the last microsecond of the new window.
    window_end = datetime(2027, 3, 1, tzinfo=UTC)
    await reach(shop, window_end - MICROSECOND, bought)
    await refunded.change({"status": "deleted"})
    refunded.reckoned.cancel((window_end - MICROSECOND).replace(tzinfo=None))
    await reach(shop, window_end, bought)
    await kept.refuse({"status": "deleted"}, 400, 900117)
    await kept.change({"autoRenewEnabled": False})
    kept.reckoned.renews = False

    changes: dict[tuple[int, int], Callable[[], Awaitable[None]]] = {
        (2027, 4): lambda: year.change_seats(6),
        (2027, 8): lambda: trial.change_seats(2),
        (2027, 9): lambda: year.change_seats(3),
        (2028, 2): lambda: year.change_seats(9),
        (2028, 6): lambda: yen.change_seats(8),
    }
    for month in range(2, 26):
        day = add_months(BEGAN, month)
        await reach(shop, day.replace(hour=0), bought)
        later(shop, day.replace(hour=17))
        change = changes.get((day.year, day.month))
        if change is not None:
            await change()
        for each in bought:
            await each.assert_agrees(shop.market.now)

    assert (await kept.read())["status"] == "expired"
    lines = [line for each in bought for line in await lines_of(each)]
    assert {line.currency for line in lines} == {currency}
    assert sum(line.subtotal for line in lines if line.bill_month == 202702 and line.quantity == 3) == 0
    assert any(line.charge_start_at == datetime(2028, 2, 29, tzinfo=UTC) for line in lines)
    assert len(lines) > 60
    assert Decimal(1) in {line.rates.exchange_rate for line in lines}
