"""Every operation of partners is a typed method of both clients, and importing the client costs little."""

import inspect
import subprocess
import sys
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.client.test_examples import OTHER_SPELLINGS

import comptoir.client
from comptoir.client import AsyncComptoir, AsyncPages, Comptoir, Pages, errors, models
from comptoir.client.request import Parameters
from comptoir.wire.operation import Audience, Operation
from comptoir.wire.operations import BY_ID, OPERATIONS
from comptoir.wire.types import Collection

CALLABLE = [
    operation
    for operation in OPERATIONS
    if operation.audience is Audience.PARTNER and operation.id not in OTHER_SPELLINGS
]
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
NOT_WRITES = frozenset(
    {"catalog.inventory_check", "catalog.promotion_eligibilities", "partner.address_validate"}
)
"""Sent as POST, but they change nothing: there is nothing to repeat with the same request id."""

ANSWERED_OTHERWISE: dict[str, object] = {"partner.domain_exists": bool}
"""What a method gives where it is not the answer itself."""


class Recorder:
    """Stands for a connection and writes down what it is asked for."""

    def __init__(self) -> None:
        self.operation_id = ""
        self.kind: object = None
        self.arguments: dict[str, Any] = {}
        self.body: object = None

    def call(self, operation_id: str, kind: object, /, body: object = None, **arguments: Any) -> None:
        self.operation_id, self.kind, self.body, self.arguments = operation_id, kind, body, arguments

    def pages(self, operation_id: str, kind: object, /, **arguments: Any) -> None:
        self.call(operation_id, kind, **arguments)

    def run(self, operation_id: str, /, body: object = None, **arguments: Any) -> None:
        self.call(operation_id, None, body, **arguments)


SERVER_ONLY = frozenset(
    {"alembic", "apsw", "asyncpg", "cryptography", "cyclopts", "joserfc", "sqlalchemy", "uvicorn"}
)
"""What the extra ``server`` brings."""


@dataclass(frozen=True)
class Method:
    """A method of a group of calls, and the call that it makes."""

    path: str
    function: Any
    recorded: Recorder

    @property
    def operation(self) -> Operation:
        return BY_ID[self.recorded.operation_id]


def methods() -> Iterator[Method]:
    """Every method of the synchronous client, called once with its own argument names as values."""
    with Comptoir("token") as client:
        groups = {name: type(group) for name, group in vars(client).items() if not name.startswith("_")}
    for group_name, group in groups.items():
        for name, function in inspect.getmembers(group, inspect.isfunction):
            if not name.startswith("_"):
                recorded = Recorder()
                arguments = {each: each for each in list(inspect.signature(function).parameters)[1:]}
                function(group(recorded), **arguments)
                yield Method(f"{group_name}.{name}", function, recorded)


METHODS = list(methods())
BY_METHOD = [pytest.param(method, id=method.path) for method in METHODS]


def test_every_operation_is_a_method() -> None:
    assert sorted(method.operation.id for method in METHODS) == sorted(operation.id for operation in CALLABLE)


@pytest.mark.parametrize("method", BY_METHOD)
def test_a_method_takes_what_its_operation_takes(method: Method) -> None:
    recorded, operation = method.recorded, method.operation
    given = recorded.arguments.keys() - {"request_id"}
    assert given == Parameters.of(operation).names
    expected = {name: name for name in given} | ({"request_id": "request_id"} if is_write(operation) else {})
    assert recorded.arguments == expected
    assert (recorded.body is not None) == (operation.request is not None)


def is_write(operation: Operation) -> bool:
    return operation.method in WRITING and operation.id not in NOT_WRITES


@pytest.mark.parametrize("method", BY_METHOD)
def test_a_method_answers_what_its_operation_answers(method: Method) -> None:
    reply = method.operation.reply
    found = typing.get_type_hints(method.function)["return"]
    if typing.get_origin(reply) is Collection:
        assert found == Pages[typing.get_args(reply)]  # type: ignore[misc]
    elif typing.get_origin(reply) is list:
        assert typing.get_args(found) == typing.get_args(reply)
    else:
        assert found == ANSWERED_OTHERWISE.get(method.operation.id, type(None) if reply is None else reply)
    assert method.recorded.kind == reply


@pytest.mark.parametrize("method", BY_METHOD)
async def test_both_clients_have_the_same_methods(method: Method, anyio_backend: str) -> None:
    group, _, name = method.path.partition(".")
    async with AsyncComptoir("token") as client:
        twin = getattr(getattr(client, group), name)
    ours = inspect.signature(method.function)
    theirs = inspect.signature(twin)
    assert [str(each) for each in ours.parameters.values()][1:] == [
        str(each) for each in theirs.parameters.values()
    ]
    is_list = typing.get_origin(typing.get_type_hints(twin)["return"]) is AsyncPages
    assert inspect.iscoroutinefunction(twin) != is_list
    assert method.function.__doc__


def test_everything_public_is_there() -> None:
    for module in (comptoir.client, models):
        assert len(module.__all__) == len(set(module.__all__))
        assert all(hasattr(module, name) for name in module.__all__)
    known = {
        name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, Exception)
    }
    assert known <= set(comptoir.client.__all__)
    with pytest.raises(AttributeError, match="Nothing"):
        comptoir.client.Nothing  # type: ignore[attr-defined]  # noqa: B018 - looking is the point


def test_every_type_of_a_method_has_a_public_name() -> None:
    hidden = {
        name
        for method in METHODS
        for hint in typing.get_type_hints(method.function).values()
        for name in struct_names(hint)
    }
    assert hidden <= set(models.__all__)


def struct_names(hint: Any) -> Iterator[str]:
    if isinstance(hint, type) and hint.__module__.startswith("comptoir.wire"):
        yield hint.__name__
    for inner in typing.get_args(hint):
        yield from struct_names(inner)


def loaded_by(statement: str) -> set[str]:
    """The modules that a new interpreter has loaded after ``statement`` and not before."""
    code = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_importing_the_client_loads_next_to_nothing() -> None:
    loaded = loaded_by("import comptoir.client")
    assert not loaded & {"httpx2", "msgspec", "asyncio", "ssl"}
    parts = {name.split(".")[1] for name in loaded if name.startswith("comptoir.")}
    assert parts == {"client"}


@pytest.mark.parametrize("name", ["Comptoir", "AsyncComptoir"])
def test_using_a_client_loads_neither_the_server_nor_the_other_client(name: str) -> None:
    loaded = loaded_by(f"from comptoir.client import models, {name}")
    parts = {name.split(".")[1] for name in loaded if name.startswith("comptoir.")}
    assert parts == {"client", "wire"}
    other = "_async" if name == "Comptoir" else "_sync"
    assert not any(module.startswith(f"comptoir.client.{other}") for module in loaded)
    assert ("asyncio" in loaded) == (name == "AsyncComptoir")
    assert not {module.split(".")[0] for module in loaded} & SERVER_ONLY
