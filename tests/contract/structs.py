"""Whether the wire structs of the program are what the contract says, by looking at their declarations."""

from collections.abc import Iterator
from typing import Any

from msgspec import inspect

from tests.contract import check, loader, reviewed
from tests.contract.notation import Array, Either, Kind, Map, Model, Page, Presence, Ref, Scalar, Type

_PAGE = Ref("ResourceCollection", "00")
_TEXTS = (inspect.StrType, inspect.EnumType, inspect.LiteralType)
_NUMBERS = (inspect.IntType, inspect.DecimalType)
_ALLOWED: dict[Kind, tuple[type[inspect.Type], ...]] = {
    Kind.TEXT: _TEXTS,
    Kind.GUID: (inspect.StrType,),
    Kind.DATE_TIME: (inspect.DateTimeType,),
    Kind.DURATION: _TEXTS,
    Kind.WHOLE: (inspect.IntType,),
    Kind.NUMBER: _NUMBERS,
    Kind.FLAG: (inspect.BoolType,),
    Kind.SCALAR: (*_TEXTS, *_NUMBERS, inspect.BoolType),
}


def reply_problems(reply: Any, kind: Type) -> Iterator[str]:
    """Where the declaration of an answer differs from the contract's type."""
    yield from _problems(inspect.type_info(reply), kind, "$", frozenset())


def request_problems(request: Any, kind: Type) -> Iterator[str]:
    """Members that a request declares and the contract does not know: a spelling slip would never be read."""
    model = loader.resolve(kind) if isinstance(kind, Ref) else None
    if model is None:
        return
    known = model.members.keys() | reviewed.EXTRA_REQUEST_MEMBERS.get(model.name, {}).keys()
    for info in _options(inspect.type_info(request)):
        if isinstance(info, inspect.StructType):
            yield from (
                f"$.{f.encode_name}: not in {model.name}" for f in info.fields if f.encode_name not in known
            )


def _problems(info: inspect.Type, kind: Type, path: str, seen: frozenset[tuple[type, str]]) -> Iterator[str]:
    for option in _options(info):
        match kind:
            case Scalar():
                yield from _scalar_problems(option, kind, path)
            case Array(item=item):
                yield from _list_problems(option, item, path, seen)
            case Map(value=value):
                yield from _map_problems(option, value, path, seen)
            case Model():
                yield from _struct_problems(option, kind, path, seen)
            case Ref():
                model = loader.resolve(kind)
                yield from () if model is None else _struct_problems(option, model, path, seen)
            case Page(item=item):
                yield from _page_problems(option, item, path, seen)
            case Either(options=kinds):
                yield from min((list(_problems(option, one, path, seen)) for one in kinds), key=len)


def _options(info: inspect.Type) -> tuple[inspect.Type, ...]:
    plain = info.type if isinstance(info, inspect.Metadata) else info
    return plain.types if isinstance(plain, inspect.UnionType) else (plain,)


def _scalar_problems(info: inspect.Type, kind: Scalar, path: str) -> Iterator[str]:
    if not isinstance(info, _ALLOWED[kind.kind]):
        yield f"{path}: {kind.kind.value} expected, declared {type(info).__name__}"
    elif kind.values is not None:
        strange = _values(info) - kind.values
        if strange:
            yield f"{path}: {sorted(strange)} not among {sorted(kind.values)}"


def _values(info: inspect.Type) -> frozenset[str]:
    match info:
        case inspect.EnumType(cls=cls):
            return frozenset(str(member.value) for member in cls)
        case inspect.LiteralType(values=values):
            return frozenset(map(str, values))
        case _:
            return frozenset()


def _list_problems(
    info: inspect.Type, item: Type, path: str, seen: frozenset[tuple[type, str]]
) -> Iterator[str]:
    if isinstance(info, inspect.ListType | inspect.VarTupleType):
        yield from _problems(info.item_type, item, f"{path}[]", seen)
    else:
        yield f"{path}: a list expected, declared {type(info).__name__}"


def _map_problems(
    info: inspect.Type, value: Type, path: str, seen: frozenset[tuple[type, str]]
) -> Iterator[str]:
    if isinstance(info, inspect.DictType):
        yield from _problems(info.value_type, value, f"{path}{{}}", seen)
    elif not isinstance(info, inspect.StructType):
        yield f"{path}: an object expected, declared {type(info).__name__}"


def _page_problems(
    info: inspect.Type, item: Type, path: str, seen: frozenset[tuple[type, str]]
) -> Iterator[str]:
    for problem in _problems(info, _PAGE, path, seen):
        if not (problem.startswith(f"{path}.links: always present") and check.is_without_links(item)):
            yield problem
    if isinstance(info, inspect.StructType):
        items = next((field.type for field in info.fields if field.name == "items"), None)
        if items is not None:
            yield from _problems(items, Array(item), f"{path}.items", seen)


def _struct_problems(
    info: inspect.Type, model: Model, path: str, seen: frozenset[tuple[type, str]]
) -> Iterator[str]:
    if not isinstance(info, inspect.StructType):
        yield f"{path}: an object expected, declared {type(info).__name__}"
        return
    if (info.cls, model.name) in seen:
        return
    seen |= {(info.cls, model.name)}
    fields = {field.encode_name: field for field in info.fields}
    if info.tag_field is not None:
        tag = inspect.LiteralType(values=(info.tag,))
        fields[info.tag_field] = inspect.Field(info.tag_field, info.tag_field, tag)
    for name, member in model.members.items():
        field = fields.get(name)
        if member.presence is Presence.ALWAYS and (field is None or not field.required):
            yield f"{path}.{name}: always present in {model.name}, here {'optional' if field else 'missing'}"
        if field is not None:
            yield from _problems(field.type, member.type, f"{path}.{name}", seen)
    known = model.members.keys() | reviewed.EXTRA_MEMBERS.get(model.name, {}).keys()
    for name in fields.keys() - known:
        yield f"{path}.{name}: {model.name} has no such member"
    yield from (f"{path}.{name}: null is declared" for name in fields if _may_be_null(fields[name].type))


def _may_be_null(info: inspect.Type) -> bool:
    return any(isinstance(option, inspect.NoneType) for option in _options(info))
