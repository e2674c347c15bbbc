"""Texts, numbers and terms of requests are read the same way in every family."""

import pytest

from comptoir.api import reading
from comptoir.catalog.model import BillingCycle
from comptoir.wire.enums import UnknownValue
from comptoir.wire.orders import RenewsToBody


@pytest.mark.parametrize(("text", "number"), [("0", 0), (" 7 ", 7), ("007", 7), ("999999999", 999_999_999)])
def test_counts(text: str, number: int) -> None:
    assert reading.count(text) == number


@pytest.mark.parametrize("text", ["", " ", "-1", "+1", "1.5", "1e3", "1_0", "٣", "²", "1000000000"])
def test_no_counts(text: str) -> None:
    assert reading.count(text) is None


@pytest.mark.parametrize(("value", "text"), [(None, None), ("", None), (" \t", None), (" a ", "a")])
def test_texts(value: str | None, text: str | None) -> None:
    assert reading.optional_text(value) == text
    assert reading.text_from_wire(value) == (text or "")


@pytest.mark.parametrize("value", [None, "", " ", "unknown", "Unknown", 0, "0"])
def test_a_cycle_that_is_left_open(value: str | int | None) -> None:
    assert reading.cycle(value) is None


def test_cycles() -> None:
    assert {reading.cycle(value) for value in ("one_time", "OneTime", 4, " 4 ")} == {BillingCycle.ONE_TIME}
    with pytest.raises(UnknownValue):
        reading.cycle("weekly")


def test_a_renewal_is_an_object_or_a_list_of_one() -> None:
    once = RenewsToBody(term_duration="P1M")
    assert reading.renewal_text(once) == reading.renewal_text([once]) == "P1M"
    assert reading.renewal_text(None) is None
    assert reading.renewal_text([]) is None
    assert reading.renewal_text(RenewsToBody()) is None
    with pytest.raises(ValueError, match="one renewal term"):
        reading.renewal_text([once, once])


@pytest.mark.parametrize("value", ["soon", "P0M", "P٣M"])
def test_no_durations(value: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        reading.duration(value)
