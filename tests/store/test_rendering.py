"""One text becomes two dialects: parameters and markers are found where they are, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.db.statement import StatementError, sql

LITERALS = st.one_of(
    st.text(alphabet='ab:{}c$?-/*"\n ', max_size=12).map(lambda text: f"'{text}'"),
    st.text(alphabet="ab:{}c$?-/*'\n ", min_size=1, max_size=12).map(lambda text: f'"{text}"'),
    st.text(alphabet="ab:{}c$?'\" ", max_size=12).map(lambda text: f"--{text}\n"),
    st.text(alphabet="ab:{}c$?'\"-\n ", max_size=12).map(lambda text: f"/*{text}*/"),
    st.sampled_from(["it''s", "''", "x::text", " a - b ", "c / d", "(1, 2)", "x * y"]),
)
"""Texts that both dialects must leave exactly as they are."""
NAMES = st.sampled_from(["a", "b", "account_id", "_x1"])


@given(st.lists(st.one_of(LITERALS.map(lambda text: ("literal", text)), NAMES.map(lambda n: ("name", n)))))
def test_only_parameters_are_rendered(pieces: list[tuple[str, str]]) -> None:
    text = " ".join(piece if kind == "literal" else f":{piece}" for kind, piece in pieces)
    statement = sql("SELECT " + text)
    order = list(dict.fromkeys(piece for kind, piece in pieces if kind == "name"))
    numbered = (piece if kind == "literal" else f"${order.index(piece) + 1}" for kind, piece in pieces)
    assert statement.parameters == tuple(order)
    assert statement.sqlite == "SELECT " + text
    assert statement.postgresql == "SELECT " + " ".join(numbered)


@pytest.mark.parametrize(
    ("marker", "postgresql"),
    [
        ("{for_update}", "FOR UPDATE"),
        ("{for_update of w}", "FOR UPDATE OF w"),
        ("{for_share}", "FOR SHARE"),
        ("{skip_locked}", "FOR UPDATE SKIP LOCKED"),
        ("{skip_locked of w}", "FOR UPDATE OF w SKIP LOCKED"),
        ("{c}", ' COLLATE "C"'),
    ],
)
def test_marker(marker: str, postgresql: str) -> None:
    statement = sql(f"SELECT a FROM w ORDER BY a{marker}")
    assert statement.postgresql == f"SELECT a FROM w ORDER BY a{postgresql}"
    assert statement.sqlite == "SELECT a FROM w ORDER BY a"


@pytest.mark.parametrize(
    "text",
    [
        "{nope}",
        "{}",
        "{c of w}",
        "{for update}",
        "$1",
        "?",
        "'open",
        '"open',
        "/* open",
        "a }",
        "a { b",
        ": a",
    ],
)
def test_unreadable_text_is_refused_when_it_is_declared(text: str) -> None:
    with pytest.raises(StatementError):
        sql("SELECT " + text)


def test_a_text_for_each_engine() -> None:
    statement = sql(sqlite="SELECT :b, :a", postgresql="SELECT :a || :b")
    assert statement.parameters == ("a", "b")
    assert (statement.sqlite, statement.postgresql) == ("SELECT :b, :a", "SELECT $1 || $2")


def test_two_texts_take_the_same_parameters() -> None:
    with pytest.raises(StatementError, match="'b'"):
        sql(sqlite="SELECT :a", postgresql="SELECT :a, :b")


@pytest.mark.parametrize("texts", [{}, {"sqlite": "SELECT 1"}, {"postgresql": "SELECT 1"}])
def test_a_statement_has_a_text_for_both_engines(texts: dict[str, str]) -> None:
    with pytest.raises(StatementError, match="one text"):
        sql(**texts)


def test_one_text_and_two_texts_exclude_each_other() -> None:
    with pytest.raises(StatementError, match="one text"):
        sql("SELECT 1", sqlite="SELECT 1", postgresql="SELECT 1")
