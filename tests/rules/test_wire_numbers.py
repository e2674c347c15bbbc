"""Numbers as every client reads them, whatever was stored."""

import re
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.wire import codec
from comptoir.wire.numbers import number

PLAIN = re.compile(r"-?(0|[1-9]\d*)(\.\d*[1-9])?")

DECIMALS = st.decimals(min_value=-(10**14), max_value=10**14, places=12)


@given(DECIMALS)
def test_any_decimal_is_written_plainly(value: Decimal) -> None:
    """At most 15 significant digits, no exponent, no trailing zeros, no negative zero (hazard 7)."""
    text = codec.encode([number(str(value))]).decode()[1:-1]
    assert PLAIN.fullmatch(text), text
    assert text != "-0"
    assert len(Decimal(text).as_tuple().digits) <= 15
    digits = max(0, len(value.as_tuple().digits) - 15)
    assert abs(Decimal(text) - value) <= Decimal(5).scaleb(int(value.as_tuple().exponent) + digits - 1)


@given(DECIMALS)
def test_what_doubles_hold_exactly_comes_back(value: Decimal) -> None:
    text = codec.encode([number(str(value))]).decode()[1:-1]
    assert Decimal(repr(float(text))) == Decimal(text)


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("12.50", "12.5"),
        ("1E+3", "1000"),
        ("0.0000001", "0.0000001"),
        ("1E-10", "0.0000000001"),
        ("-0.00000025", "-0.00000025"),
        ("0E-10", "0"),
        ("-0.0", "0"),
        ("100", "100"),
        ("94618.6926956000", "94618.6926956"),
        ("100000.00000000005", "100000"),
        ("123456.1234567895", "123456.12345679"),
    ],
)
def test_examples(stored: str, written: str) -> None:
    assert msgspec.json.Encoder(decimal_format="number").encode(number(stored)).decode() == written


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_our_own_fault(text: str) -> None:
    with pytest.raises(AssertionError):
        number(text)
