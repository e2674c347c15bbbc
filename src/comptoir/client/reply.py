"""From bytes to answers and errors.

Comptoir's answers fit their structs exactly. The real service leaves out members that the documents promise,
and writes nulls; then what is missing is ``UNSET``, whatever the member's type says, and the rest is there.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from msgspec import UNSET, inspect

from comptoir.client.errors import ServiceError, TokenRefused, UnexpectedReply, error_class

T = TypeVar("T")

DESCRIPTION_LENGTH_MAX = 1024
"""Characters of an error's text, as the service bounds its own."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ANYTHING = msgspec.json.Decoder(float_hook=Decimal)
_SCALARS: Mapping[type[inspect.Type], type] = {
    inspect.StrType: str,
    inspect.BoolType: bool,
    inspect.IntType: int,
    inspect.DecimalType: Decimal,
    inspect.DateTimeType: datetime,
}


def read_reply(content: bytes, kind: type[T]) -> T:
    """The answer that ``content`` holds; of ``bytes``, the content itself. Raises ``UnexpectedReply``."""
    if kind is bytes:
        return cast(T, content)
    plain = content.removeprefix(_BYTE_ORDER_MARK)
    shape: Any = kind
    try:
        try:
            answer: T = _decoder(shape).decode(plain)
        except msgspec.ValidationError:
            answer = _fitted(_ANYTHING.decode(plain), inspect.type_info(shape))
    except (msgspec.DecodeError, ArithmeticError, RecursionError) as error:
        raise UnexpectedReply(f"the answer cannot be read: {error}") from error
    return answer


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _fitted(value: Any, info: inspect.Type) -> Any:
    """A JSON value in the shape of a type, as far as it is there. Raises ``msgspec.ValidationError``."""
    match info:
        case inspect.StructType(cls=cls, fields=fields) if isinstance(value, dict):
            return cls(**{field.name: _member(value.get(field.encode_name), field) for field in fields})
        case inspect.ListType(item_type=item) if isinstance(value, list):
            return [_fitted(inner, item) for inner in value if inner is not None]
        case inspect.DictType(value_type=item) if isinstance(value, dict):
            return {name: _fitted(inner, item) for name, inner in value.items() if inner is not None}
        case inspect.Metadata(type=inner):
            return _fitted(value, inner)
        case inspect.UnionType(types=types):
            return _fitted(value, next((one for one in types if _suits(value, one)), types[0]))
        case _ if type(info) in _SCALARS:
            return msgspec.convert(value, _SCALARS[type(info)], strict=False)
        case _:
            raise msgspec.ValidationError(f"{type(value).__name__} where {type(info).__name__} is expected")


def _member(value: Any, field: inspect.Field) -> Any:
    return UNSET if value is None else _fitted(value, field.type)


def _suits(value: Any, info: inspect.Type) -> bool:
    """Which of several types a value means: they are told apart by the kind of JSON value."""
    if isinstance(value, dict):
        if isinstance(info, inspect.StructType) and info.tag_field is not None:
            return value.get(info.tag_field) == info.tag
        return isinstance(info, inspect.StructType | inspect.DictType)
    if isinstance(value, list):
        return isinstance(info, inspect.ListType)
    return isinstance(value, _SCALARS.get(type(info), ()))


class _FaultBody(msgspec.Struct, rename="camel"):
    """All that may be in the body of a refusal (section 11.1 a to c). Types are judged by hand."""

    code: Any = None
    description: Any = None
    message: Any = None
    data: Any = None
    error_name: Any = None
    is_retryable: Any = None


def read_error(status: int, content: bytes, retry_after_seconds: float | None = None) -> ServiceError:
    """The error that an answer means, whatever its body is: a fault, a text, or nothing."""
    fault = _read_fault(content)
    description = fault.description or fault.message or ""
    data = fault.data if isinstance(fault.data, list) else []
    return error_class(status)(
        status=status,
        code=_number(fault.code),
        description=str(description)[:DESCRIPTION_LENGTH_MAX],
        data=tuple(str(item) for item in data),
        error_name=str(fault.error_name or ""),
        is_retryable=fault.is_retryable is True,
        retry_after_seconds=retry_after_seconds,
    )


def _read_fault(content: bytes) -> _FaultBody:
    plain = content.removeprefix(_BYTE_ORDER_MARK)
    try:
        return msgspec.json.decode(plain, type=_FaultBody)
    except (msgspec.DecodeError, RecursionError):
        return _FaultBody(description=plain.decode(errors="replace").strip())


def _number(code: object) -> int | None:
    """The documents type the code as text, the samples print a number."""
    if isinstance(code, str) and code.strip().isdecimal():
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else None


class TokenReply(msgspec.Struct):
    """What a client needs of an authority's answer. ``expires_in`` is in seconds."""

    access_token: str
    expires_in: int
    refresh_token: str | None = None


class _TokenFault(msgspec.Struct):
    error: str
    error_description: str = ""
    error_codes: list[int] = []


def read_token_reply(content: bytes) -> TokenReply:
    """A token; older authorities write numbers as texts.

    Raises ``UnexpectedReply``, which does not quote the answer: it may hold a secret.
    """
    try:
        return msgspec.json.decode(content, type=TokenReply, strict=False)
    except msgspec.DecodeError:
        raise UnexpectedReply("the authority's answer holds no token") from None


def read_token_refusal(status: int, content: bytes) -> TokenRefused:
    """Why the authority gives no token, in the dialect of OAuth (section 11.1 f)."""
    try:
        fault = msgspec.json.decode(content, type=_TokenFault)
    except msgspec.DecodeError:
        return TokenRefused(str(status), content[:DESCRIPTION_LENGTH_MAX].decode(errors="replace").strip())
    return TokenRefused(fault.error, fault.error_description, tuple(fault.error_codes))
