"""The ``filter`` parameter of ``00`` section 8."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.wire.filters import Combination, Condition, FilterInvalid, Operator, parse_filter

TAIL = Condition("CompanyName", Operator.STARTS_WITH, "tail")


@pytest.mark.parametrize(
    "text",
    [
        '{"Field":"CompanyName","Value":"tail","Operator":"starts_with"}',
        '{"operator":"StartsWith","field":"CompanyName","value":"tail","fieldType":"STRING"}',
        '{"FIELD":"CompanyName","VALUE":"tail","OPERATOR":"STARTSWITH","LeftFilter":null}',
    ],
)
def test_simple(text: str) -> None:
    assert parse_filter(text) == TAIL


def test_compound() -> None:
    simple = '{"Field":"CompanyName","Value":"tail","Operator":"starts_with"}'
    text = f'{{"LeftFilter":{simple},"Operator":"and","RightFilter":{simple}}}'
    assert parse_filter(text) == Combination(TAIL, Operator.AND, TAIL)


@pytest.mark.parametrize(("value", "read"), [("5", "5"), ("true", "true"), ('"Abc"', "Abc"), ('""', "")])
def test_values_are_texts(value: str, read: str) -> None:
    condition = parse_filter(f'{{"Field":"MpnId","Value":{value},"Operator":"Equals"}}')
    assert condition == Condition("MpnId", Operator.EQUALS, read)


@pytest.mark.parametrize("operator", Operator)
def test_every_operator_is_known_in_both_spellings(operator: Operator) -> None:
    pascal = "".join(word.capitalize() for word in operator.value.split("_"))
    for spelled in (operator.value, pascal):
        simple = '{"Field":"a","Value":"b","Operator":"equals"}'
        text = (
            f'{{"Field":"a","Value":"b","Operator":"{spelled}","LeftFilter":{simple},"RightFilter":{simple}}}'
        )
        assert parse_filter(text).operator is operator


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "tail",
        "[]",
        "{}",
        '{"Field":"CompanyName","Value":"tail"}',
        '{"Field":"CompanyName","Value":"tail","Operator":"like"}',
        '{"Field":"CompanyName","Operator":"equals"}',
        '{"Value":"tail","Operator":"equals"}',
        '{"Field":5,"Value":"tail","Operator":"equals"}',
        '{"Field":"CompanyName","Value":["tail"],"Operator":"equals"}',
        '{"Operator":"and"}',
        '{"Operator":"and","LeftFilter":{"Field":"a","Value":"b","Operator":"equals"}}',
        "\ud800",
        '{"LeftFilter":' * 20 + "{}" + "}" * 20,
        '{"LeftFilter":' * 5_000,
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(FilterInvalid):
        parse_filter(text)


def test_depth_is_bounded() -> None:
    text = '{"Field":"a","Value":"b","Operator":"equals"}'
    for _ in range(9):
        text = f'{{"LeftFilter":{text},"Operator":"or","RightFilter":{text if len(text) < 100 else "{}"}}}'
    with pytest.raises(FilterInvalid, match="levels"):
        parse_filter(text)


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    with pytest.raises(FilterInvalid):
        parse_filter(text)
