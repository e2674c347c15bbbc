"""Wire structs as JSON Schema (2020-12), the dialect of OpenAPI 3.1.

Exact for what is answered: names as they are written, members that may be left out are not required, nothing
is null, decimals are numbers. A request is described in the spelling that the documents print; that more is
understood (any case, enumerations by number) is no schema's business.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Any, get_args, get_origin

from msgspec import inspect

Schema = dict[str, Any]
Words = Mapping[str, Iterable[str]]
"""The closed sets among the members of a struct: values by wire name."""

COMPONENTS = "#/components/schemas/"

_SOURCE = re.compile(r"\s*\([^()]*\bsections? [^()]*\)")
_CODE = re.compile(r"``(.+?)``")


class Schemas:
    """The schemas of some types and of every struct in them, which are named after their classes.

    Where two classes share a name, each has its family's before it. ``words`` are closed sets by struct,
    ``needed`` the members that a request cannot do without though the struct can.
    """

    def __init__(
        self, kinds: Iterable[Any], words: Mapping[Any, Words], needed: Mapping[Any, Iterable[str]]
    ) -> None:
        structs: dict[Any, inspect.StructType] = {}
        for kind in kinds:
            _collect(inspect.type_info(kind), structs)
        self._structs = structs
        self._names = _names(structs)
        self._words = words
        self._needed = needed

    def of(self, kind: Any) -> Schema:
        """The schema of a type; of a struct, a reference to its component."""
        return self._schema(inspect.type_info(kind))

    def components(self) -> dict[str, Schema]:
        """The schemas of the structs by name."""
        return {
            self._names[cls]: self._struct(cls) for cls in sorted(self._structs, key=self._names.__getitem__)
        }

    def _struct(self, cls: Any) -> Schema:
        info = self._structs[cls]
        words = self._words.get(cls, {})
        schema: Schema = {"type": "object"}
        if text := _description(info):
            schema["description"] = text
        schema["properties"] = {
            field.encode_name: self._member(field, words.get(field.encode_name)) for field in info.fields
        }
        required = [field.encode_name for field in info.fields if field.required]
        if info.tag_field is not None:
            schema["properties"] = {info.tag_field: {"const": info.tag}, **schema["properties"]}
            required = [info.tag_field, *required]
        if required := [*required, *self._needed.get(cls, ())]:
            schema["required"] = required
        return schema

    def _member(self, field: inspect.Field, words: Iterable[str] | None) -> Schema:
        if words is None:
            return self._schema(field.type)
        closed: Schema = {"type": "string", "enum": list(words)}
        is_list = any(
            isinstance(one, inspect.ListType | inspect.VarTupleType) for one in _choices(field.type)
        )
        return {"type": "array", "items": closed} if is_list else closed

    def _schema(self, info: inspect.Type) -> Schema:
        match info:
            case inspect.StructType(cls=cls):
                return {"$ref": COMPONENTS + self._names[cls]}
            case inspect.UnionType():
                schemas = [self._schema(one) for one in _choices(info)]
                return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
            case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
                return {"type": "array", "items": self._schema(item)}
            case inspect.DictType(value_type=value):
                return {"type": "object", "additionalProperties": self._schema(value)}
            case inspect.Metadata(extra_json_schema=whole) if whole is not None:
                return dict(whole)
            case inspect.IntType(ge=lowest, le=highest):
                bounds = {"minimum": lowest, "maximum": highest}
                return {
                    "type": "integer",
                    **{name: bound for name, bound in bounds.items() if bound is not None},
                }
            case _:
                return dict(_SCALARS[type(info)])


_SCALARS: Mapping[type[inspect.Type], Schema] = {
    inspect.StrType: {"type": "string"},
    inspect.BoolType: {"type": "boolean"},
    inspect.DecimalType: {"type": "number"},
    inspect.DateTimeType: {"type": "string", "format": "date-time"},
    inspect.BytesType: {"type": "string", "format": "binary"},
    inspect.AnyType: {},
}


def _description(info: inspect.StructType) -> str:
    """A struct's docstring as Markdown for callers: members by their wire names, without our own sources."""
    written = _SOURCE.sub("", (get_origin(info.cls) or info.cls).__doc__ or "")
    on_wire = {field.name: field.encode_name for field in info.fields}
    return _CODE.sub(lambda found: f"`{on_wire.get(found[1], found[1])}`", " ".join(written.split()))


def _collect(info: inspect.Type, structs: dict[Any, inspect.StructType]) -> None:
    """Add every struct in a type to ``structs``, each once: a struct may contain itself."""
    if not isinstance(info, inspect.StructType):
        for inner in _inner(info):
            _collect(inner, structs)
    elif info.cls not in structs:
        structs[info.cls] = info
        for field in info.fields:
            _collect(field.type, structs)


def _inner(info: inspect.Type) -> Iterator[inspect.Type]:
    match info:
        case inspect.UnionType():
            yield from _choices(info)
        case inspect.ListType(item_type=inner) | inspect.VarTupleType(item_type=inner):
            yield inner
        case inspect.DictType(value_type=inner):
            yield inner


def _choices(info: inspect.Type) -> list[inspect.Type]:
    """The types that a value may be of. In a request null stands for nothing given, which needs no null."""
    types = info.types if isinstance(info, inspect.UnionType) else (info,)
    return [one for one in types if not isinstance(one, inspect.NoneType)]


def _names(structs: Iterable[Any]) -> Mapping[Any, str]:
    plain = {cls: _plain_name(cls) for cls in structs}
    count = Counter(plain.values())
    return {cls: name if count[name] == 1 else _family(cls) + name for cls, name in plain.items()}


def _plain_name(cls: Any) -> str:
    """The class's name; of ``Collection[A | B]`` it is ``AOrBCollection``."""
    origin = get_origin(cls)
    if origin is None:
        return str(cls.__name__)
    names = list(map(_plain_name, get_args(cls)))
    return "Or".join(names) if origin is UnionType else "".join(names) + origin.__name__


def _family(cls: Any) -> str:
    return str(cls.__module__).rpartition(".")[2].capitalize()
