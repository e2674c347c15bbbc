"""Bytes to request structs and answer structs to bytes (``00-cross-cutting`` section 5, ``10`` section 0.3).

Answers are exact: camel case, no null, decimals as numbers, dates in UTC with ``Z``.

Requests are read twice at most. The quick way takes a body spelled as we would spell it. Anything else, or
anything whose value needs judgement, goes the patient way of ``lenient``. Both give the same struct for the
same body.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

import msgspec
from msgspec import inspect

from comptoir.wire.lenient import DEPTH_MAX, Unreadable, WrongType, decode_leniently, struct_info

__all__ = ["SIZE_MAX", "Unreadable", "WrongType", "canonical", "decode", "encode", "encode_finite"]

T = TypeVar("T")

SIZE_MAX = 32 * 1024 * 1024
"""Bytes of a request body. The edge may bound it lower; files have their own routes."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DETERMINISTIC = msgspec.json.Encoder(decimal_format="number", order="deterministic")
_ANYTHING = msgspec.json.Decoder(float_hook=Decimal)

_INEXACT = (inspect.DecimalType, inspect.FloatType, inspect.AnyType)
_OUTLINE = bytes(ord("0") if code in b"0123456789" else code for code in range(256))
_LONG_NUMBER = re.compile(rb"[:,\[]\s*+-?\d{10}")


def encode(reply: object) -> bytes:
    """The JSON of an answer. A number that JSON cannot hold is our fault: ``ValueError``."""
    body = _ENCODER.encode(reply)
    if b"NaN" in body or b"Infinity" in body:
        _refuse_non_numbers(body)
    return body


def encode_finite(reply: object) -> bytes:
    """``encode`` for a large answer none of whose numbers can be NaN, as those of ``numbers`` cannot."""
    return _ENCODER.encode(reply)


def decode(raw: bytes, kind: type[T]) -> T | None:
    """The request of ``kind`` that ``raw`` holds; ``None`` for an empty body and for the literal ``null``.

    Raises ``Unreadable`` and ``WrongType``, nothing else, whatever the bytes.
    """
    if len(raw) > SIZE_MAX:
        raise Unreadable(f"the body is longer than {SIZE_MAX} bytes")
    shape: Any = kind
    quick = _quick(shape)
    if quick is not None and not _needs_judgement(raw, quick.loops):
        try:
            return cast(T, quick.decoder.decode(raw))
        except (ValueError, RecursionError):
            pass  # the patient way finds out what is wrong, if anything is
    return decode_leniently(raw, kind)


def canonical(raw: bytes) -> bytes:
    """The body with neither its white space nor the order of its members, for comparing repeats of a call.

    What cannot be read is compared byte for byte.
    """
    try:
        return _DETERMINISTIC.encode(_ANYTHING.decode(raw))
    except (ValueError, ArithmeticError, RecursionError):
        return raw


class _Quick(NamedTuple):
    """The quick way of a type. ``loops`` are the quoted names of members through which it contains itself."""

    decoder: msgspec.json.Decoder[Any]
    loops: tuple[bytes, ...]


@cache
def _quick(kind: Any) -> _Quick | None:
    """The quick way of a type; none where it would not be exact, or where nothing is gained."""
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)) or not _is_exact(kind, set()):
        return None
    loops = {f'"{name}"'.encode() for name in _loops(kind, frozenset())}
    return _Quick(msgspec.json.Decoder(kind), tuple(loops))


def _needs_judgement(raw: bytes, loops: tuple[bytes, ...]) -> bool:
    """Whether values may lie in the body that the quick way would let through unjudged.

    Escapes may hide NUL characters; dates may have zones other than UTC or lie in year 1; long numbers may
    be such that no column holds them; types that contain themselves may be nested too deeply. Written for
    speed: this is the price of the quick way.
    """
    if b"\\u" in raw or sum(map(raw.count, loops)) > DEPTH_MAX // 2:
        return True
    outline = raw.translate(_OUTLINE)
    is_long = b"0000000000" in outline and _LONG_NUMBER.search(raw) is not None
    return is_long or b"0000-00-00" in outline


def _is_exact(cls: type, seen: set[type]) -> bool:
    """Whether msgspec alone tells unknown names and bad values apart, for a struct and all below it.

    It reads NaN for a decimal from a text, and floats where anything goes.
    """
    seen.add(cls)
    info = struct_info(cls)
    parts = [part for field in info.fields for part in _parts(field.type)]
    structs = [part.cls for part in parts if isinstance(part, inspect.StructType)]
    is_exact_here = info.forbid_unknown_fields and not any(isinstance(part, _INEXACT) for part in parts)
    return is_exact_here and all(inner in seen or _is_exact(inner, seen) for inner in structs)


def _loops(cls: type, above: frozenset[type]) -> Iterator[str]:
    """The members through which a struct, or one below it, contains itself."""
    above |= {cls}
    for field in struct_info(cls).fields:
        for part in _parts(field.type):
            if isinstance(part, inspect.StructType):
                yield from [field.encode_name] if part.cls in above else _loops(part.cls, above)


def _parts(info: inspect.Type) -> Iterator[inspect.Type]:
    """The types of the values in a type, whether they stand in it alone, as choices, or in lists and maps."""
    match info:
        case inspect.UnionType(types=types):
            for one in types:
                yield from _parts(one)
        case inspect.ListType(item_type=inner) | inspect.VarTupleType(item_type=inner):
            yield from _parts(inner)
        case inspect.DictType(value_type=inner):
            yield from _parts(inner)
        case _:
            yield info


def _refuse_non_numbers(body: bytes) -> None:
    """A text may say NaN; a number may not, and then the body does not parse."""
    try:
        _ANYTHING.decode(body)
    except msgspec.DecodeError as error:
        raise ValueError("an answer holds a number that is none") from error
