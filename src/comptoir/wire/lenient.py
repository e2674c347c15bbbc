"""The patient way to read a request: what the contract forgives is forgiven (``00-cross-cutting`` section 5).

A byte order mark, comments, trailing commas, member names in any case, aliases, nulls, ``"true"``, .NET's
year 1, all spellings of dates, unknown members. The JSON is read, brought into the shape of the type, and
then msgspec checks every value.
"""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache, partial
from typing import Any, Final, NamedTuple, NoReturn, TypeVar

import msgspec
from msgspec import inspect

from comptoir.wire.dates import NotADate, parse_date

T = TypeVar("T")

DEPTH_MAX = 64
"""Members and list items on the way to a value."""

_DIGITS_MAX = 28
_INTEGER_MAX = 2**63 - 1

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# An open string or comment runs to the end, so that no text makes these expressions scan it twice.
_STRING = r'"(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z)'
_COMMENTS = re.compile(rf"{_STRING}|//[^\r\n]*+|/\*.*?(?:\*/|\Z)", re.DOTALL)
# A comma after an opener or another comma trails nothing: it stays, and the body is refused.
_TRAILING_COMMAS = re.compile(rf"{_STRING}|[\[{{,]\s*+,|,(?=\s*+[\]}}])", re.DOTALL)

_YEAR_ONE = re.compile(r"0001-01-01T00:00:00(?:\.0+)?(?:Z|[+-]\d\d:\d\d)?")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")

_SNAKE_NAMES = {"company_name": "companyName", "default_address": "defaultAddress"}
"""The two member names that documents print in snake case (section 5.1)."""


class Unreadable(Exception):
    """A body that is no JSON, or not JSON of the right overall kind."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class WrongType(Exception):
    """A member whose value is of the wrong type. ``member`` is its path, like ``lineItems[0].quantity``."""

    def __init__(self, member: str, reason: str) -> None:
        self.member = member
        self.reason = reason
        super().__init__(f"{member}: {reason}")


class _Object(list[tuple[str, Any]]):
    """A JSON object as its members in order, repeats included, so that the last spelling of a name wins."""


class _Path(NamedTuple):
    """Where in the body we are. Spelled out only for a refusal."""

    parent: "_Path | None"
    step: str | int

    def __str__(self) -> str:
        if isinstance(self.step, int):
            return f"{self.parent or ''}[{self.step}]"
        return f"{self.parent}.{self.step}" if self.parent else self.step

    @property
    def depth(self) -> int:
        """How many steps lead here."""
        return 1 + (self.parent.depth if self.parent else 0)


_Fit = Callable[[Any, _Path | None], Any]
"""Takes a JSON value and gives what msgspec shall convert, or ``_ABSENT``."""

_ABSENT: Final = object()


def decode_leniently(raw: bytes, kind: type[T]) -> T | None:
    """The request of ``kind`` that ``raw`` holds, however it is spelled; called by ``codec.decode`` only."""
    try:
        value = _read(raw)
        shape: Any = kind
        if value is not None:
            value = _fit_of(shape)(value, None)
        return None if value is None or value is _ABSENT else msgspec.convert(value, kind)
    except RecursionError:
        raise Unreadable("the body is nested too deeply") from None
    except msgspec.ValidationError as error:
        raise _wrong_type(str(error)) from None


def _read(raw: bytes) -> Any:
    try:
        text = raw.removeprefix(_BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError:
        raise Unreadable("the body is not UTF-8") from None
    for spelling in (str, _without_decoration):
        plain = spelling(text)
        if not plain.strip():
            return None
        try:
            return _LENIENT.decode(plain)
        except (ValueError, ArithmeticError):
            continue
    raise Unreadable("the body is not JSON")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_LENIENT = json.JSONDecoder(object_pairs_hook=_Object, parse_float=Decimal, parse_constant=_refuse_constant)


def _without_decoration(text: str) -> str:
    """The text without comments and trailing commas, as the documents' own samples carry them."""
    return _TRAILING_COMMAS.sub(_kept_comma, _COMMENTS.sub(_kept_comment, text))


def _kept_comment(found: re.Match[str]) -> str:
    piece = found[0]
    is_open = piece.startswith("/*") and (len(piece) < 4 or not piece.endswith("*/"))
    return piece if piece.startswith('"') or is_open else " "


def _kept_comma(found: re.Match[str]) -> str:
    return "" if found[0] == "," else found[0]


def struct_info(cls: type) -> inspect.StructType:
    """The members of a struct."""
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    return info


@cache
def _fit_of(kind: Any) -> _Fit:
    return _fit(inspect.type_info(kind))


def _fit(info: inspect.Type) -> _Fit:
    """How values of a type are brought into shape. What cannot be is passed on for msgspec to refuse."""
    match info:
        case inspect.UnionType(types=types):
            return _fit_union(types)
        case inspect.StructType(cls=cls):
            return partial(_fit_struct, cls)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return partial(_fit_list, _fit(item))
        case inspect.DictType(value_type=values):
            return partial(_fit_map, _fit(values))
        case inspect.AnyType():
            return _fit_anything
        case _:
            return _FIT_SCALAR.get(type(info), _fit_other)


def _fit_union(types: tuple[inspect.Type, ...]) -> _Fit:
    """By the kind of the JSON value: a union holds one type of each kind. Nulls are gone by now."""
    some = tuple(info for info in types if not isinstance(info, inspect.NoneType))
    if len(some) == 1:
        return _fit(some[0])
    by_kind = {kind: _fit(info) for info in some for kind in _JSON_KINDS.get(type(info), ())}
    return lambda value, path: by_kind.get(type(value), _fit_other)(value, path)


def _fit_struct(cls: type, value: Any, path: _Path | None) -> Any:
    if type(value) is not _Object:
        return _fit_other(value, path)
    if path is not None and path.depth > DEPTH_MAX:
        raise Unreadable("the body is nested too deeply")
    members = _members(cls)
    fitted: dict[str, Any] = {}
    for spelling, inner in value:
        member = members.get(spelling.lower())
        if member is None or inner is None:
            continue
        name, fit = member
        shaped = fit(inner, _Path(path, name))
        if shaped is not _ABSENT:
            fitted[name] = shaped
    return fitted


@cache
def _members(cls: type) -> Mapping[str, tuple[str, _Fit]]:
    """The members of a struct by every spelling in lower case: wire name and shape."""
    fields = struct_info(cls).fields
    members = {field.encode_name.lower(): (field.encode_name, _fit(field.type)) for field in fields}
    aliases = {**_SNAKE_NAMES, **getattr(cls, "ALIASES", {})}
    for alias, name in aliases.items():
        if name.lower() in members:
            members.setdefault(alias.lower(), members[name.lower()])
    return members


def _fit_list(fit: _Fit, value: Any, path: _Path | None) -> Any:
    """A null among the items is kept, and refused: dropping it would shift the others."""
    if type(value) is not list:
        return _fit_other(value, path)
    items = [None if item is None else fit(item, _Path(path, index)) for index, item in enumerate(value)]
    return [item for item in items if item is not _ABSENT]


def _fit_map(fit: _Fit, value: Any, path: _Path | None) -> Any:
    """A map's keys are values of the caller's and stay as they are."""
    if type(value) is not _Object:
        return _fit_other(value, path)
    fitted = {}
    for key, inner in value:
        inner_path = _Path(path, key)
        _check_text(key, inner_path)
        shaped = _ABSENT if inner is None else fit(inner, inner_path)
        if shaped is not _ABSENT:
            fitted[key] = shaped
    return fitted


def _fit_anything(value: Any, path: _Path | None) -> Any:
    if isinstance(value, _Object):
        return _fit_map(_fit_anything, value, path)
    if isinstance(value, list):
        return _fit_list(_fit_anything, value, path)
    scalar = {str: _fit_text, int: _fit_whole, Decimal: _fit_number}.get(type(value), _fit_other)
    return scalar(value, path)


def _fit_text(value: Any, path: _Path | None) -> Any:
    if not isinstance(value, str):
        return _fit_other(value, path)
    _check_text(value, path)
    return _ABSENT if _YEAR_ONE.fullmatch(value) else value


def _check_text(value: str, path: _Path | None) -> None:
    """No database column takes a NUL, and no encoder half a character."""
    if "\0" in value or _HALF_CHARACTER.search(value):
        raise WrongType(str(path or ""), "the text holds a character that is not allowed")


def _fit_flag(value: Any, path: _Path | None) -> Any:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), value)
    return _fit_other(value, path)


def _fit_date(value: Any, path: _Path | None) -> Any:
    if not isinstance(value, str):
        return _fit_other(value, path)
    try:
        instant = parse_date(value)
    except NotADate as error:
        raise WrongType(str(path or ""), str(error)) from None
    return _ABSENT if instant is None else instant


def _fit_whole(value: Any, path: _Path | None) -> Any:
    if isinstance(value, int) and abs(value) > _INTEGER_MAX:
        raise WrongType(str(path or ""), "the number is too large")
    return _fit_other(value, path)


def _fit_number(value: Any, path: _Path | None) -> Any:
    """Decimals are bounded: the numbers that msgspec would read from a text include NaN."""
    if isinstance(value, str):
        raise WrongType(str(path or ""), "a number is expected and text was given")
    if isinstance(value, Decimal):
        is_long = len(value.as_tuple().digits) > _DIGITS_MAX
        if is_long or (value and abs(value.adjusted()) > _DIGITS_MAX):
            raise WrongType(str(path or ""), "the number is too large or too exact")
        return value
    return _fit_whole(value, path)


def _fit_other(value: Any, path: _Path | None) -> Any:
    """A value of another type than its member's. Its inside does not matter: msgspec refuses the whole."""
    if isinstance(value, _Object):
        return {}
    return [] if isinstance(value, list) else value


_FIT_SCALAR: Mapping[type[inspect.Type], _Fit] = {
    inspect.StrType: _fit_text,
    inspect.BoolType: _fit_flag,
    inspect.DateTimeType: _fit_date,
    inspect.IntType: _fit_whole,
    inspect.DecimalType: _fit_number,
}
_JSON_KINDS: Mapping[type[inspect.Type], tuple[type, ...]] = {
    inspect.StructType: (_Object,),
    inspect.DictType: (_Object,),
    inspect.ListType: (list,),
    inspect.VarTupleType: (list,),
    inspect.StrType: (str,),
    inspect.DateTimeType: (str,),
    inspect.BoolType: (bool,),
    inspect.IntType: (int,),
    inspect.DecimalType: (int, Decimal),
}


_REFUSED = re.compile(r"(?P<reason>.*?)(?: - at `\$\.?(?P<member>.*)`)?", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<expected>[^`]+)`(?:, got `(?P<got>[^`]+)`|(?P<limit> .+))")
_PLAIN_NAMES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number with decimals",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "datetime": "a date",
    "null": "null",
}


def _wrong_type(text: str) -> Unreadable | WrongType:
    """msgspec's refusal in our words. Without a member it is the body as a whole."""
    refused = _REFUSED.fullmatch(text)
    assert refused is not None
    expected = _EXPECTED.fullmatch(refused["reason"])
    reason = refused["reason"] if expected is None else _reason(expected)
    return WrongType(refused["member"], reason) if refused["member"] else Unreadable(reason)


def _reason(expected: re.Match[str]) -> str:
    wanted = [name for name in expected["expected"].split(" | ") if name != "null"]
    spelled = " or ".join(_PLAIN_NAMES.get(name, name) for name in wanted)
    if expected["limit"]:
        return f"{spelled}{expected['limit']} is expected"
    return f"{spelled} is expected and {_PLAIN_NAMES.get(expected['got'], expected['got'])} was given"
