"""What the simulated marketplace sells, and how the operator changes it while others buy.

The prices that a walk expects are worked out from here, never read from the application.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from comptoir.db import sql

PUBLISHER = "driftwood"
STOCK = {"boxed": 40, "spare": 18, "yearly": 25}
"""The plans that have a stock limit in the beginning."""

CURRENCIES = {"FR": "EUR", "US": "USD", "JP": "JPY"}
HEAD = """\
publisher:
  id: driftwood
  name: Driftwood
  tenantId: 6c1d1e0a-52a4-4f6e-9b1d-2f3f6f0a7c44
  appId: 1b0c5c8e-2e5b-4a5e-8f4e-6a9c1d2b3e55
offers:
  - id: raft
    name: Raft
    pricingModel: perUser
    landingPageUrl: https://driftwood.example/signup
    webhookUrl: https://driftwood.example/hook
    plans:
"""
CYCLES = {("P1M", "P1M"): ("monthly", 1), ("P1Y", "P1M"): ("monthly", 12), ("P1Y", "P1Y"): ("annual", 1),
          ("P3Y", "P1Y"): ("annual", 3)}  # fmt: skip
"""Billing cycle and number of payments by the length of a term and of what one payment covers."""

# Walks look at the catalogue, which belongs to no account.
LIST_ITEMS = sql("""
    SELECT s.plan_id, s.is_trial, a.country, a.product_id, a.sku_id, a.id
    FROM products p
    JOIN skus s ON s.product_id = p.id
    JOIN availabilities a ON a.product_id = s.product_id AND a.sku_id = s.id
    WHERE p.publisher_id = 'driftwood' AND a.is_current = 1
""")


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as the publisher describes it. ``terms`` are (length, one payment's length, euros)."""

    id: str
    terms: tuple[tuple[str, str, str], ...]
    currencies: Mapping[str, str] = field(default_factory=lambda: CURRENCIES)
    minimum: int = 1
    maximum: int = 300
    has_trial: bool = False
    ownership_limit: int | None = None
    base: str | None = None
    minimum_base_seats: int = 0


PLANS = {
    plan.id: plan
    for plan in (
        Plan(
            "team", (("P1M", "P1M", "7.50"), ("P1Y", "P1M", "6.75"), ("P3Y", "P1Y", "66.13")), has_trial=True
        ),
        Plan("yearly", (("P1Y", "P1Y", "99.99"),)),
        Plan("boxed", (("P1M", "P1M", "4.01"),)),
        Plan("single", (("P1M", "P1M", "3.05"),), ownership_limit=1),
        Plan("large", (("P1M", "P1M", "2.20"),), minimum=30),
        Plan("francs", (("P1M", "P1M", "9.05"),), {"FR": "CHF"}),
        Plan("american", (("P1M", "P1M", "5.00"),), {"US": "USD"}),
        Plan(
            "extra",
            (("P1M", "P1M", "1.10"), ("P1Y", "P1M", "0.95")),
            minimum=2,
            maximum=50,
            base="team",
            minimum_base_seats=5,
        ),
        Plan("spare", (("P1M", "P1M", "0.33"),), base="team"),
    )
}


@dataclass(frozen=True, slots=True)
class Term:
    """One way to buy an item: the price of one unit for one billing period, and how many periods it has."""

    length: str
    cycle: str
    price: Decimal
    periods: int


@dataclass
class Variant:
    """The catalogue of the moment: how often each plan got dearer, what is stop-sold, and the stock."""

    raised: dict[str, int] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    stock: dict[str, int] = field(default_factory=STOCK.copy)

    def copy(self) -> "Variant":
        return Variant(dict(self.raised), set(self.stopped), dict(self.stock))

    def terms(self, plan: Plan, currency: str) -> tuple[Term, ...]:
        """How the plan is sold in a currency."""
        return tuple(
            Term(length, *_cycle_and_price(self._price(plan, euros, currency), length, payment))
            for length, payment, euros in plan.terms
        )

    def text(self) -> str:
        """The catalogue as the operator's file."""
        return HEAD + "".join(line for plan in PLANS.values() for line in self._plan(plan))

    def _price(self, plan: Plan, euros: str, currency: str) -> Decimal:
        price = Decimal(euros) + Decimal("0.07") * self.raised.get(plan.id, 0)
        return price * 100 if currency == "JPY" else price

    def _plan(self, plan: Plan) -> Iterator[str]:
        markets = ", ".join(f"{country}: {currency}" for country, currency in plan.currencies.items())
        yield f"      - id: {plan.id}\n        name: Raft {plan.id}\n        markets: {{{markets}}}\n"
        yield f"        seats: {{minimum: {plan.minimum}, maximum: {plan.maximum}}}\n"
        if plan.has_trial:
            yield "        trial: P1M\n"
        if plan.ownership_limit is not None:
            yield f"        ownershipLimit: {plan.ownership_limit}\n"
        if plan.base is not None:
            yield f"        addOnTo: [{plan.base}]\n"
        if plan.minimum_base_seats:
            yield f"        minimumParentSeats: {plan.minimum_base_seats}\n"
        if plan.id in self.stopped:
            yield "        stopSell: true\n"
        if plan.id in self.stock:
            yield f"        stock: {self.stock[plan.id]}\n"
        yield "        terms:\n"
        for length, payment, euros in plan.terms:
            prices = ", ".join(
                f"{currency}: {self._price(plan, euros, currency).normalize():f}"
                for currency in dict.fromkeys(plan.currencies.values())
            )
            yield f"          - {{termUnit: {length}, payment: {payment}, price: {{{prices}}}}}\n"


def _cycle_and_price(price: Decimal, length: str, payment: str) -> tuple[str, Decimal, int]:
    cycle, periods = CYCLES[length, payment]
    return cycle, price, periods


TRIAL_TERMS = (Term("P1M", "none", Decimal(0), 1),)
