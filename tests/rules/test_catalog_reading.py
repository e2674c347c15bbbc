"""Catalogue YAML: exact values, the line of everything, and a limit on everything."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.catalog import reading
from comptoir.catalog.reading import ReadError, Unreadable, read

SCALARS = [
    ("1", 1),
    ("-7", -7),
    ("0", 0),
    ("1.50", Decimal("1.50")),
    ("-0.1", Decimal("-0.1")),
    ("true", True),
    ("False", False),
    ("~", None),
    ("null", None),
    ("", None),
    ("NO", "NO"),
    ("yes", "yes"),
    ("on", "on"),
    ("010", "010"),
    ("0x10", "0x10"),
    ("1e3", "1e3"),
    (".5", ".5"),
    ("5.", "5."),
    (".inf", ".inf"),
    (".nan", ".nan"),
    ("1_000", "1_000"),
    ("12:30", "12:30"),
    ("2026-01-01", "2026-01-01"),
    ("9999999999999999999", "9999999999999999999"),
    ("'1'", "1"),
    ('"true"', "true"),
    ('"a\\tb"', "a\tb"),
]


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_scalars(text: str, value: object) -> None:
    found = read(f"key: {text}\n").value
    assert found == {"key": value}
    assert isinstance(found, dict)
    assert type(found["key"]) is type(value)


def test_decimals_keep_their_digits() -> None:
    assert str(read("[1.10, 0.100]").value) == "[Decimal('1.10'), Decimal('0.100')]"


def test_every_value_has_its_line() -> None:
    document = read("# first\na: 1\nb:\n  - x\n  - c: 2\n    d:\n      - 3\n")
    lines = {("a",): 2, ("b",): 3, ("b", 0): 4, ("b", 1): 5, ("b", 1, "c"): 5, ("b", 1, "d"): 6}
    assert {path: document.line(path) for path in lines} == lines
    assert document.line(("b", 1, "d", 0, "unknown")) == 7
    assert document.line(("nothing", 3)) == 2


REFUSED = [
    ("", 1, "the file is empty"),
    ("# a comment alone\n", 1, "the file is empty"),
    ("a: 1\n---\nb: 2\n", 2, "a second document; each file holds one"),
    ("a: 1\nb: !!int 3\n", 2, "tags such as !!int are not supported"),
    ("a: !!python/object/apply:os.system [ls]\n", 1, "tags such as !!int are not supported"),
    ("a: &x [*x]\n", 1, "the alias *x has no anchor before it"),
    ("a: *nowhere\n", 1, "the alias *nowhere has no anchor before it"),
    ("? [1]\n: 2\n", 1, "a key must be a plain text"),
    ("a: 1\nb: c: d\n", 2, "not valid YAML: mapping values are not allowed in this context"),
    ("a: 1\nb: x\x00y\n", 2, "holds a control character"),
    ("a: \ud800\n", 1, "holds a control character"),
    ('a: 1\nb: "\\0"\n', 2, "a text holds a control character"),
    ('"\\e": 1\n', 1, "a text holds a control character"),
    ("[" * 21, 1, "nested more than 20 levels deep"),
    ("[" * 200_000, 1, "nested more than 20 levels deep"),
]


@pytest.mark.parametrize(("text", "line", "reason"), REFUSED)
def test_what_cannot_be_read(text: str, line: int, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(text)
    assert refused.value.error == ReadError(line, reason)


def test_the_deepest_that_is_read() -> None:
    assert read("[" * 20 + "]" * 20).value is not None


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "TEXT_LENGTH_MAX", 10)
    assert read("a: 3456789").value == {"a": 3456789}
    with pytest.raises(Unreadable, match="longer than 10 characters"):
        read("a: 34567890")


def test_aliases_are_copies_and_count() -> None:
    document = read("a: &x {b: 1}\nc: *x\n")
    assert document.value == {"a": {"b": 1}, "c": {"b": 1}}
    assert (document.line(("c",)), document.line(("c", "b"))) == (2, 1)


def test_laughs_are_bounded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(Unreadable, match="holds more than 200000 values, counting what aliases repeat"):
        read("\n".join(lines))


def test_a_key_that_occurs_twice_does_not_stop_the_reading() -> None:
    document = read("a: 1\nb: {c: 1, c: 2}\na: 3\na: 4\n")
    assert document.value == {"a": 1, "b": {"c": 1}}
    assert document.errors == (
        ReadError(2, "the key c occurs twice, first on line 2"),
        ReadError(3, "the key a occurs twice, first on line 1"),
        ReadError(4, "the key a occurs twice, first on line 1"),
    )


def test_windows_line_ends_and_a_byte_order_mark() -> None:
    document = read("\ufeffa: 1\r\nb: 2\r\n")
    assert document.value == {"a": 1, "b": 2}
    assert document.line(("b",)) == 2


def test_repairs_remember_where_things_stood() -> None:
    document = read("a:\n  - id: first\n  - id: second\n    x: 1\n  - id: third\nb: 2\n")
    repaired = document.repaired({("a", 0), ("a", 1, "x"), ("b",)}, {("a", 2, "name"): "-"})
    assert repaired.value == {"a": [{"id": "second"}, {"id": "third", "name": "-"}]}
    assert (repaired.line(("a", 0, "id")), repaired.line(("a", 1))) == (3, 5)
    assert repaired.cut_ids == {"first"}
    assert repaired.has(("a", 0), "x")
    assert not repaired.has(("a", 1), "x")
    assert repaired.has((), "b")
    again = repaired.repaired({("a", 0)}, {})
    assert (again.value, set(again.cut_ids)) == ({"a": [{"id": "third", "name": "-"}]}, {"first", "second"})
    assert (again.line(("a", 0)), again.has((), "b")) == (5, True)


@given(st.text(max_size=200) | st.text(alphabet="ab:-?[]{},&*!|>'\"#%@\n\t ~0.", max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    line = 1
    try:
        read(text)
    except Unreadable as refused:
        line = refused.error.line
    assert 1 <= line <= len(text.splitlines()) + 1
