"""Enumerations in the spellings of ``00`` section 5.4 and ``10`` section 0.3."""

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.wire.enums import UnknownValue, parse_enum, wire_enum


class Cycle(StrEnum):
    MONTHLY = "monthly"
    ANNUAL = "annual"
    ONE_TIME = "one_time"


ORDINALS = {1: Cycle.MONTHLY, 2: Cycle.ANNUAL, 4: Cycle.ONE_TIME}


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("OneTime", "one_time"),
        ("Monthly", "monthly"),
        ("GovernmentCommunityCloud", "government_community_cloud"),
        ("IsIndirectResellerOf", "is_indirect_reseller_of"),
        ("active", "active"),
    ],
)
def test_names_on_the_wire(name: str, wire: str) -> None:
    assert wire_enum(name) == wire


@pytest.mark.parametrize(
    "value", ["one_time", "OneTime", "oneTime", "onetime", "ONE_TIME", "ONETIME", " one_time ", 4, "4"]
)
def test_spellings(value: str | int) -> None:
    assert parse_enum(Cycle, value, ORDINALS) is Cycle.ONE_TIME


def test_not_supplied() -> None:
    assert parse_enum(Cycle, None, ORDINALS) is None


@pytest.mark.parametrize("value", ["", "weekly", "one time", 3, -1, "3", "٤", "4.0", True, "9" * 50])
def test_unknown_values(value: str | int) -> None:
    with pytest.raises(UnknownValue) as unknown:
        parse_enum(Cycle, value, ORDINALS)
    assert unknown.value.value == value


def test_numbers_mean_nothing_without_ordinals() -> None:
    with pytest.raises(UnknownValue):
        parse_enum(Cycle, 4)


WORDS = st.lists(st.from_regex(r"[A-Z][a-z0-9]{0,8}", fullmatch=True), min_size=1, max_size=4)


@given(WORDS)
def test_the_rule_can_be_undone(words: list[str]) -> None:
    assert "".join(word.capitalize() for word in wire_enum("".join(words)).split("_")) == "".join(words)


@given(st.sampled_from(Cycle), st.lists(st.booleans(), min_size=8, max_size=8), st.booleans())
def test_case_and_underscores_never_count(member: Cycle, changes: list[bool], drops_underscore: bool) -> None:
    spelled = "".join(c.upper() if change else c for c, change in zip(member.value, changes, strict=False))
    spelled += member.value[len(changes) :]
    assert parse_enum(Cycle, spelled.replace("_", "") if drops_underscore else spelled) is member
