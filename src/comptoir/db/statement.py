"""SQL as one text for both engines, with ``:name`` parameters, rendered once per dialect when it is declared.

A text is read as a sequence of tokens, so that strings, quoted names, comments and ``::`` casts are never
taken for parameters. What differs between the engines is written as a marker in braces:

=========================  ====================================  =========
marker                     PostgreSQL                            SQLite
=========================  ====================================  =========
``{for_update}``           ``FOR UPDATE``                        nothing
``{for_update of w}``      ``FOR UPDATE OF w``                   nothing
``{for_share}``            ``FOR SHARE``                         nothing
``{skip_locked}``          ``FOR UPDATE SKIP LOCKED``            nothing
``{skip_locked of w}``     ``FOR UPDATE OF w SKIP LOCKED``       nothing
``{c}``                    ``COLLATE "C"`` (order of the bytes)  nothing
=========================  ====================================  =========

SQLite needs no lock clauses: its write transactions hold the whole database from the start.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<string>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<line_comment>--[^\n]*)
    | (?P<block_comment>/\*(?:[^*]|\*(?!/))*\*/)
    | (?P<cast>::)
    | :(?P<parameter>[A-Za-z_][A-Za-z0-9_]*)
    | \{(?P<marker>[^{}]*)\}
    | (?P<plain>[^'":{}$?/-]+|/(?!\*)|-)
    """,
    re.VERBOSE,
)
_MARKER = re.compile(r"(?P<name>c|for_update|for_share|skip_locked)(?: of (?P<table>[a-z_]+))?")


class StatementError(ValueError):
    """A statement's text cannot be rendered: a mistake in our source, found when its module is imported."""


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One statement in both dialects. ``parameters`` are in the order of PostgreSQL's ``$1``, ``$2`` ..."""

    sqlite: str
    postgresql: str
    parameters: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.postgresql.split())[:120]


def sql(text: str = "", *, sqlite: str = "", postgresql: str = "") -> Statement:
    """Declare a statement: one ``text`` for both engines or, where none can serve both, one text for each.

    The two texts of such a pair take the same parameters. A SQLite text may hold several statements.
    """
    if bool(text) == bool(sqlite and postgresql) or bool(sqlite) != bool(postgresql):
        raise StatementError("give either one text or one text for each engine")
    names: dict[str, int] = {}
    rendered_postgresql = _render(postgresql or text, _postgresql_marker, _numbered(names))
    names_sqlite: dict[str, int] = {}
    rendered_sqlite = _render(sqlite or text, _sqlite_marker, _named(names_sqlite))
    if names.keys() != names_sqlite.keys():
        raise StatementError(f"the two texts differ in {sorted(names.keys() ^ names_sqlite.keys())}")
    return Statement(rendered_sqlite, rendered_postgresql, tuple(names))


def _render(text: str, marker: Callable[[str], str], parameter: Callable[[str], str]) -> str:
    pieces: list[str] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise StatementError(f"cannot read the statement at: {text[position : position + 40]!r}")
        if token.lastgroup == "parameter":
            pieces.append(parameter(token["parameter"]))
        elif token.lastgroup == "marker":
            pieces.append(marker(token["marker"]))
        else:
            pieces.append(token[0])
        position = token.end()
    return "".join(pieces)


def _numbered(names: dict[str, int]) -> Callable[[str], str]:
    return lambda name: f"${names.setdefault(name, len(names) + 1)}"


def _named(names: dict[str, int]) -> Callable[[str], str]:
    def render(name: str) -> str:
        names.setdefault(name, len(names) + 1)
        return f":{name}"

    return render


def _parse_marker(body: str) -> tuple[str, str | None]:
    found = _MARKER.fullmatch(body)
    if found is None or (found["name"] == "c" and found["table"]):
        raise StatementError(f"unknown marker {{{body}}}")
    return found["name"], found["table"]


def _sqlite_marker(body: str) -> str:
    _parse_marker(body)
    return ""


def _postgresql_marker(body: str) -> str:
    name, table = _parse_marker(body)
    if name == "c":
        return ' COLLATE "C"'
    lock = "SHARE" if name == "for_share" else "UPDATE"
    of = f" OF {table}" if table else ""
    skip = " SKIP LOCKED" if name == "skip_locked" else ""
    return f"FOR {lock}{of}{skip}"
