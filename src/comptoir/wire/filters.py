"""The ``filter`` query parameter: a small expression in JSON (``00-cross-cutting`` section 8)."""

from dataclasses import dataclass
from enum import StrEnum

from comptoir.wire.codec import Unreadable, WrongType, decode
from comptoir.wire.enums import UnknownValue, parse_enum
from comptoir.wire.types import Body

_DEPTH_MAX = 8


class Operator(StrEnum):
    """How a field is compared, or how two filters combine."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    GREATER_THAN = "greater_than"
    GREATER_THAN_OR_EQUALS = "greater_than_or_equals"
    LESS_THAN = "less_than"
    LESS_THAN_OR_EQUALS = "less_than_or_equals"
    SUBSTRING = "substring"
    AND = "and"
    OR = "or"
    STARTS_WITH = "starts_with"
    NOT_STARTS_WITH = "not_starts_with"


_COMBINING = frozenset({Operator.AND, Operator.OR})


@dataclass(frozen=True, slots=True)
class Condition:
    """One field compared with one value. ``field`` is as the client spelled it; values ignore case."""

    field: str
    operator: Operator
    value: str


@dataclass(frozen=True, slots=True)
class Combination:
    """Two filters joined by ``and`` or ``or``."""

    left: "Filter"
    operator: Operator
    right: "Filter"


Filter = Condition | Combination


class FilterInvalid(ValueError):
    """A filter that cannot be read. The text says why."""


class FilterBody(Body):
    """Both shapes of a filter as received. Java's ``fieldType`` and other extras are ignored."""

    field: str | None = None
    value: str | int | bool | None = None
    operator: str | None = None
    left_filter: "FilterBody | None" = None
    right_filter: "FilterBody | None" = None


def parse_filter(text: str) -> Filter:
    """The filter that a query parameter holds. Raises ``FilterInvalid``."""
    try:
        body = decode(text.encode(), FilterBody)
    except (Unreadable, WrongType, UnicodeEncodeError) as error:
        raise FilterInvalid(f"the filter cannot be read: {error}") from error
    if body is None:
        raise FilterInvalid("the filter is empty")
    return _filter(body, 1)


def _filter(body: FilterBody, depth: int) -> Filter:
    if depth > _DEPTH_MAX:
        raise FilterInvalid(f"a filter holds at most {_DEPTH_MAX} levels")
    operator = _operator(body)
    if operator in _COMBINING:
        if body.left_filter is None or body.right_filter is None:
            raise FilterInvalid(f"the operator {operator} needs LeftFilter and RightFilter")
        return Combination(
            _filter(body.left_filter, depth + 1), operator, _filter(body.right_filter, depth + 1)
        )
    if not body.field or body.value is None:
        raise FilterInvalid(f"the operator {operator} needs Field and Value")
    return Condition(body.field, operator, _text(body.value))


def _operator(body: FilterBody) -> Operator:
    try:
        operator = parse_enum(Operator, body.operator)
    except UnknownValue as error:
        raise FilterInvalid(f"the operator {error.value} is unknown") from error
    if operator is None:
        raise FilterInvalid("the filter has no Operator")
    return operator


def _text(value: str | int) -> str:
    """A value as text: ``true`` is not Python's ``True``."""
    return str(value).lower() if isinstance(value, bool) else str(value)
