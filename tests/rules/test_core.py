"""Terms, instants, ids and money: the arithmetic that everything rests on."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import Ids
from comptoir.core.instants import from_micros, to_micros
from comptoir.core.money import Money, Rate
from comptoir.core.terms import Duration, add_months

INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(INSTANTS)
def test_instants_survive_storage_to_the_microsecond(instant: datetime) -> None:
    assert from_micros(to_micros(instant)) == instant


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
    ],
)
def test_months_are_clamped_to_the_length_of_the_month(start: str, months: int, expected: str) -> None:
    assert add_months(datetime.fromisoformat(start), months) == datetime.fromisoformat(expected)


@given(INSTANTS, st.integers(1, 36), st.integers(0, 60))
def test_periods_from_the_anchor_never_drift(anchor: datetime, months: int, k: int) -> None:
    moved = Duration(months=months).after(anchor, k)
    assert (moved.year * 12 + moved.month) - (anchor.year * 12 + anchor.month) == months * k
    assert moved.day <= anchor.day
    assert moved.time() == anchor.time()


@pytest.mark.parametrize("text", ["P1M", "P1Y", "P3Y", "P14D", "P6M"])
def test_durations_print_as_they_are_read(text: str) -> None:
    assert str(Duration.parse(text)) == text
    assert Duration.parse(text.lower()) == Duration.parse(text)


@pytest.mark.parametrize("text", ["", "P", "P0M", "1M", "PT1H", "P1W", "P1M1D", "P-1M", "P9999M", "P٣M"])
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("price", "currency", "quantity", "minor"),
    [
        ("7.5", "EUR", 12, 9000),
        ("0.019", "USD", 3, 3),
        ("1999.9", "JPY", 2, 3998),
        ("1.2345", "KWD", 2, 2468),
    ],
)
def test_a_charge_is_cut_to_minor_units_for_each_unit(
    price: str, currency: str, quantity: int, minor: int
) -> None:
    assert Rate(Decimal(price), currency).charge(quantity) == Money(minor, currency)


def test_money_prints_with_its_minor_digits() -> None:
    assert str(Money(9000, "EUR").amount) == "90.00"
    assert str(Money(3998, "JPY").amount) == "3998"
    assert Money(5, "EUR") + -Money(7, "EUR") == Money(-2, "EUR")
    with pytest.raises(AssertionError):
        Money(1, "EUR") + Money(1, "USD")


@given(st.integers(0, 2**32))
def test_seeded_ids_repeat_and_have_their_shape(seed: int) -> None:
    first, second = Ids(seed), Ids(seed)
    guid = uuid.UUID(first.guid())
    assert (guid.version, guid.variant, str(guid)) == (4, uuid.RFC_4122, second.guid())
    many = first.guids(3)
    assert len({*many, str(guid)}) == 4
    assert {uuid.UUID(each).version for each in many} == {4}
    assert (second.guids(3), first.guids(0)) == (many, [])
    order_id = first.order_id()
    assert order_id == second.order_id()
    assert len(order_id) == 33
    assert order_id[0] not in "-_"
    assert order_id[-1] == "1"
    assert len(first.alternate_id()) == 12
    assert first.catalogue_id("DZH318Z0").startswith("DZH318Z0")


def test_unseeded_ids_differ() -> None:
    assert Ids().guid() != Ids().guid()


def test_a_refusal_tells_its_facts_and_stays_short() -> None:
    assert Refusal(Code.CART_NOT_FOUND, cart_id="x").description == "Cart x was not found."
    assert len(Refusal(Code.INVALID_INPUT, reason="x" * 5000).description) == 1024
