"""What holds for every wire struct and every row of the table of operations."""

import re
from collections.abc import Iterator

import msgspec
import pytest
from msgspec import inspect

from comptoir.wire.operation import Mode, Operation
from comptoir.wire.operations import BY_ID, OPERATIONS
from comptoir.wire.types import Body, Reply


def _family(base: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for cls in base.__subclasses__():
        if cls.__module__.startswith("comptoir."):
            yield cls
        yield from _family(cls)


def _fields(cls: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    return info.fields


def _kinds(info: inspect.Type) -> Iterator[inspect.Type]:
    """A type and the types inside it, short of other structs."""
    yield info
    for inner in (
        *getattr(info, "types", ()),
        getattr(info, "item_type", None),
        getattr(info, "value_type", None),
    ):
        if isinstance(inner, inspect.Type):
            yield from _kinds(inner)


REPLIES = list(_family(Reply))
BODIES = list(_family(Body))


@pytest.mark.parametrize("reply", REPLIES, ids=lambda cls: cls.__name__)
def test_answers_hold_neither_null_nor_floats(reply: type[msgspec.Struct]) -> None:
    for field in _fields(reply):
        for kind in _kinds(field.type):
            assert not isinstance(kind, inspect.NoneType | inspect.FloatType), field.encode_name


@pytest.mark.parametrize("reply", REPLIES, ids=lambda cls: cls.__name__)
def test_answers_have_no_silent_defaults(reply: type[msgspec.Struct]) -> None:
    """A member is given, or it may be left out."""
    assert not reply.__struct_config__.omit_defaults
    assert {field.default for field in _fields(reply)} <= {msgspec.NODEFAULT, msgspec.UNSET}


@pytest.mark.parametrize("body", BODIES, ids=lambda cls: cls.__name__)
def test_requests_are_all_optional_and_hold_no_floats(body: type[msgspec.Struct]) -> None:
    for field in _fields(body):
        assert field.default is None, field.encode_name
        assert not any(isinstance(kind, inspect.FloatType) for kind in _kinds(field.type)), field.encode_name


@pytest.mark.parametrize("body", BODIES, ids=lambda cls: cls.__name__)
def test_aliases_lead_to_members(body: type[Body]) -> None:
    assert set(body.ALIASES.values()) <= {field.encode_name for field in _fields(body)}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_rows_are_well_formed(operation: Operation) -> None:
    assert BY_ID[operation.id] is operation
    assert re.fullmatch(r"[a-z_]+\.[a-z0-9_]+", operation.id)
    assert re.fullmatch(r"(/([A-Za-z0-9.\-]+|\{[a-z0-9_]+(:guid|:int)?\}))+", operation.path)
    assert operation.summary
    assert all(re.fullmatch(r"[45]\d\d(/(\d+|[A-Z][A-Za-z]+))?", error) for error in operation.errors)
    assert len(set(operation.errors)) == len(operation.errors)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_reads_write_nothing(operation: Operation) -> None:
    """PowerShell activates with GET (``00`` section 12.2): that one row is a write all the same."""
    is_read = operation.method in {"GET", "HEAD"}
    if operation.mode is Mode.WRITE:
        assert not is_read or operation.id == "subscriptions.activate_by_get"
