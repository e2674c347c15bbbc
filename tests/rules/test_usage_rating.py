"""What accepted usage costs (``30-invoices-billing`` section 4)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.usage_factory import ACCOUNT_ID, PRODUCT_ID, SUBSCRIPTION_ID, used_at

from comptoir.billing import cents, rating
from comptoir.billing.model import MARGIN_APPLIED, PrivateOffer, Rates, Subject
from comptoir.billing.rating import ConsumptionLine, LineKey, UsagePrice
from comptoir.catalog.model import (
    Dimension,
    Fulfillment,
    Plan,
    PricePeriod,
    PricingModel,
    Product,
    ProductDetails,
    Sku,
    SkuDetails,
)
from comptoir.core.accounts import AccountSettings
from comptoir.core.money import Rate
from comptoir.usage.model import Event

SETTINGS = AccountSettings()
PRICE = UsagePrice(Decimal("0.05"), Decimal("0.05"), "USD")
JUNE_29 = datetime(2025, 6, 29, 10, 15, tzinfo=UTC)


def period(price: str, until: datetime | None = None, availability_id: str = "A1") -> PricePeriod:
    return PricePeriod(availability_id, until, {"text": Rate(Decimal(price), "USD")})


def private(**changes: Any) -> PrivateOffer:
    base = PrivateOffer("a", PRODUCT_ID, "0001", JUNE_29, None, margin=Decimal("0.125"), price=None)
    return replace(base, **changes)


def rates(exchange_rate: str = "1", tax_rate: str = "0") -> Rates:
    first = datetime(2025, 6, 1, tzinfo=UTC)
    return Rates(Decimal(exchange_rate), first, 202506, Decimal(tax_rate))


def line(
    quantity: str, price: UsagePrice = PRICE, exchange_rate: str = "1", **changes: Any
) -> ConsumptionLine:
    base = ConsumptionLine(
        id="a-line",
        sequence=1,
        customer_id="c",
        subscription_id=SUBSCRIPTION_ID,
        subject_id="s",
        product_id=PRODUCT_ID,
        sku_id="0001",
        dimension_id="text",
        usage_on=datetime(2025, 6, 3, tzinfo=UTC),
        bill_month=202506,
        event_count=1,
        quantity=Decimal(quantity),
        price=price,
        currency="EUR",
        rates=rates(exchange_rate),
    )
    return replace(base, **changes)


# Prices


def test_the_price_in_force_at_the_usage_counts() -> None:
    may, june = datetime(2025, 5, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)
    periods = [period("1", may), period("2", june), period("3")]

    def price(at: datetime) -> Decimal | None:
        found = rating.period_at(periods, at)
        return None if found is None else found.prices["text"].amount

    before = timedelta(microseconds=1)
    instants = (may - timedelta(days=400), may - before, may, june - before, june, june + timedelta(days=400))
    assert list(map(price, instants)) == [1, 1, 2, 2, 3, 3]


def test_withdrawn_prices_stay_in_force() -> None:
    ended = [period("1", datetime(2025, 5, 1, tzinfo=UTC)), period("2", datetime(2025, 6, 1, tzinfo=UTC))]
    assert rating.period_at(ended, JUNE_29) == ended[1]
    assert rating.period_at([], JUNE_29) is None


@pytest.mark.parametrize(
    ("private_offer", "effective", "adjustment"),
    [
        (None, "40", ""),
        (private(), "35", MARGIN_APPLIED),
        (private(margin=Decimal(0)), "40", ""),
        (private(margin=None, price=Decimal(30)), "40", ""),
    ],
)
def test_a_margin_lowers_the_price_and_a_price_for_the_base_fee_does_not(
    private_offer: PrivateOffer | None, effective: str, adjustment: str
) -> None:
    found = rating.usage_price(Rate(Decimal("40.00"), "EUR"), private_offer)
    assert found == UsagePrice(Decimal(40), Decimal(effective), "EUR", adjustment)


# Lines


def key_of(event: Event, price: UsagePrice = PRICE, last_billed_month: int | None = None) -> LineKey:
    return rating.line_key(event, price, SETTINGS, last_billed_month)


@pytest.mark.parametrize(
    ("received", "month", "is_late"),
    [
        (datetime(2025, 6, 29, 11, tzinfo=UTC), 202506, False),
        (datetime(2025, 7, 2, 23, 59, 59, 999_999, tzinfo=UTC), 202506, False),
        (datetime(2025, 7, 3, tzinfo=UTC), 202507, True),
        (datetime(2025, 7, 10, tzinfo=UTC), 202507, True),
        (datetime(2025, 8, 2, 23, tzinfo=UTC), 202507, True),
        (datetime(2025, 8, 3, tzinfo=UTC), 202508, True),
        (datetime(2026, 1, 3, tzinfo=UTC), 202601, True),
    ],
)
def test_usage_is_billed_with_its_month_up_to_the_cut_off(
    received: datetime, month: int, *, is_late: bool
) -> None:
    key = key_of(used_at(JUNE_29, received_at=received, dimension_id="text"))
    assert (key.usage_on, key.bill_month) == (datetime(2025, 6, 29, tzinfo=UTC), month)
    assert line("1", usage_on=key.usage_on, bill_month=key.bill_month).is_late is is_late


def test_what_is_found_after_its_month_was_billed_is_billed_later() -> None:
    event = used_at(JUNE_29, dimension_id="text")
    assert key_of(event).bill_month == 202506
    assert key_of(event, last_billed_month=202505).bill_month == 202506
    assert key_of(event, last_billed_month=202506).bill_month == 202507
    assert key_of(event, last_billed_month=202512).bill_month == 202601


DIFFERENT: list[dict[str, Any]] = [
    {"subscription_id": "other"},
    {"product_id": "other"},
    {"sku_id": "0002"},
    {"dimension_id": "calls"},
    {"usage_on": datetime(2025, 6, 30, tzinfo=UTC)},
    {"bill_month": 202507},
    {"price": PRICE._replace(listed=Decimal("0.06"))},
    {"price": PRICE._replace(effective=Decimal("0.04"))},
    {"price": PRICE._replace(currency="EUR")},
]


@pytest.mark.parametrize("change", DIFFERENT)
def test_each_part_of_the_key_has_a_line_of_its_own(change: dict[str, Any]) -> None:
    key = key_of(used_at(JUNE_29, dimension_id="text"))
    assert key._replace(**change).line_id(ACCOUNT_ID) != key.line_id(ACCOUNT_ID)
    assert key.line_id("other") != key.line_id(ACCOUNT_ID)


def test_the_events_of_a_day_have_one_line_always_of_the_same_id() -> None:
    morning, evening = JUNE_29.replace(hour=0), JUNE_29.replace(hour=23)
    ids = {key_of(used_at(at, dimension_id="text")).line_id(ACCOUNT_ID) for at in (morning, evening)}
    assert ids == {"1dcc9f9e-2207-5e22-88a9-b62614145faa"}


def test_a_quantity_on_the_wire_has_fifteen_digits_at_most() -> None:
    assert rating.billable([Decimal("0.1"), Decimal("0.2"), Decimal("0.30000000000000004")]) == Decimal("0.6")
    assert rating.billable([Decimal("999999999999999"), Decimal("1")]) == Decimal("1000000000000000")
    assert str(rating.billable([Decimal("12345.678")])) == "12345.678"


def test_the_worked_example() -> None:
    price = UsagePrice(Decimal("0.0375"), Decimal("0.0375"), "USD")
    totals = [line(each, price, "0.917431193").totals for each in ("1200", "350.5", "2750.25")]
    assert totals == [
        (Decimal(45), Decimal("41.284403685")),
        (Decimal("13.14375"), Decimal("12.058486243")),
        (Decimal("103.134375"), Decimal("94.6186926956")),
    ]
    assert sum(priced for priced, _ in totals) == Decimal("161.278125")
    assert sum(billed for _, billed in totals) == Decimal("147.9615826236")
    summed = cents.usage_subtotal(price.effective, Decimal("4300.75"), Decimal("0.917431193"), "USD", "EUR")
    assert summed == 147_95


_QUANTITIES = st.lists(
    st.decimals(min_value=Decimal("0.0001"), max_value=Decimal(100_000), places=4), min_size=1, max_size=31
)


@given(
    quantities=_QUANTITIES,
    listed=st.decimals(min_value=Decimal("0.0001"), max_value=Decimal(1_000), places=4),
    margin=st.decimals(min_value=Decimal(0), max_value=Decimal("0.9"), places=3),
    exchange_rate=st.decimals(min_value=Decimal("0.000000001"), max_value=Decimal(50), places=9),
)
def test_the_days_add_up_to_the_line_of_their_month(
    quantities: list[Decimal], listed: Decimal, margin: Decimal, exchange_rate: Decimal
) -> None:
    """The identity of section 4.8: the month's line is less by what two truncations cut off."""
    price = rating.usage_price(Rate(listed, "USD"), private(margin=margin))
    days = [line(str(each), price, str(exchange_rate)) for each in quantities]
    billed = sum((day.totals[1] for day in days), Decimal(0))
    total = cents.usage_subtotal(price.effective, sum(quantities, Decimal(0)), exchange_rate, "USD", "EUR")
    lost = billed - Decimal(total) / 100
    rounding = len(days) * Decimal("0.5e-10") * (1 + exchange_rate)
    assert -rounding <= lost < Decimal("0.01") * (1 + exchange_rate) + rounding


def test_the_digest_tells_what_is_billed() -> None:
    lines = [
        line("1"),
        line("2"),
        line("1", event_count=2),
        line("1", exchange_rate="1.1"),
        line("1", id="b"),
    ]
    assert len({rating.digest([each]) for each in lines}) == len(lines)


# What lines are about


def a_plan(sku_id: str = "0001", title: str = "Basic") -> Plan:
    details = ProductDetails(
        title={"en-US": "Mailer"},
        summary={"en-US": "Mailer"},
        description={"en-US": "Mailer"},
        pricing_model=PricingModel.FLAT_RATE,
        landing_page_url="",
        webhook_url="",
        fulfillment=Fulfillment.PUBLISHER,
        dimensions=(Dimension("text", {"en-US": "Text messages"}, "per message"),),
    )
    sku = SkuDetails(
        title={"en-US": title},
        description={"en-US": title},
        minimum_quantity=1,
        maximum_quantity=1,
        unit_type="",
        supported_billing_cycles=(),
    )
    product = Product(PRODUCT_ID, "meterworks", "Meterworks", "mailer", details)
    return Plan(product, Sku(PRODUCT_ID, sku_id, "basic", is_trial=False, stock_limit=None, details=sku))


LICENCE = Subject(
    partner_name="Partner",
    mpn_id="4000001",
    reseller_mpn_id="",
    customer_name="Lyon Office",
    customer_domain="lyon.example",
    customer_country="FR",
    order_id="o",
    alternate_id="a",
    product_id=PRODUCT_ID,
    sku_id="0001",
    availability_id="A1",
    product_name="Mailer",
    sku_name="Basic",
    product_qualifiers=(),
    publisher_id="meterworks",
    publisher_name="Meterworks",
    subscription_description="Mail",
    term_and_billing_cycle="1 Month Subscription",
    billing_frequency="Monthly",
)


def test_a_line_names_its_meter() -> None:
    about = rating.subject(LICENCE, a_plan(), "A9", key_of(used_at(JUNE_29, dimension_id="text")))
    assert about.meter_name == "Mailer - Basic - Text messages"
    assert (about.dimension_id, about.unit_of_measure, about.plan_id) == ("text", "per message", "basic")
    assert (about.sku_id, about.availability_id) == ("0001", "A1")
    assert about.term_and_billing_cycle == "per message"


def test_usage_of_a_plan_that_was_left_names_that_plan() -> None:
    key = key_of(used_at(JUNE_29, dimension_id="text", sku_id="0007", plan_id="old"))
    about = rating.subject(LICENCE, a_plan("0007", "Old"), "A7", key)
    assert (about.sku_id, about.availability_id, about.sku_name, about.plan_id) == (
        "0007",
        "A7",
        "Old",
        "old",
    )
    assert about.meter_name == "Mailer - Old - Text messages"
    assert about.product_name == "Mailer"


def test_usage_is_converted_and_taxed_at_the_end_of_its_month() -> None:
    assert rating.charged_at(datetime(2024, 2, 3, tzinfo=UTC)) == datetime(
        2024, 2, 29, 23, 59, 59, tzinfo=UTC
    )
