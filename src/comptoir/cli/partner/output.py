"""How a partner's commands print what the service answers: a table for people, JSON for programs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter
from msgspec import UNSET, UnsetType

from comptoir.cli.common import print_table

T = TypeVar("T")

Json = Annotated[bool, Parameter(negative="", help="Print JSON, as the service answered it.")]

Columns = Mapping[str, Callable[[T], object]]
"""What a table shows of an item: the value of each column by its title."""


def print_list(items: Iterable[T], columns: Columns[T], *, json: bool) -> None:
    """Print a row for each item, or one JSON list of them."""
    found = [*items]
    if json:
        _print_json(found)
        return
    print_table(tuple(columns), [_row(item, columns) for item in found])


def print_one(item: T, columns: Columns[T], *, json: bool) -> None:
    """Print each column on a line of its own, leaving out those that have no value, or one JSON object."""
    if json:
        _print_json(item)
        return
    lines = zip(columns, _row(item, columns), strict=True)
    width = max(len(title) for title in columns)
    for title, text in lines:
        if text:
            print(f"{title:<{width}}  {text}")


def moment(instant: datetime | UnsetType) -> str | None:
    """An instant to the second, as far as there is one."""
    return instant.isoformat(timespec="seconds") if isinstance(instant, datetime) else None


def _row(item: T, columns: Columns[T]) -> tuple[str, ...]:
    return tuple(_text(value(item)) for value in columns.values())


def _text(value: Any) -> str:
    if value is UNSET or value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_text(inner) for inner in value)
    return one_line(str(value))


def one_line(text: str) -> str:
    """A text of the service as a terminal may show it: without line breaks or commands to the terminal."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _print_json(answer: object) -> None:
    from comptoir.wire import codec

    print(codec.encode(answer).decode())
