"""The OpenAPI document beside the table of operations and the structs that it is made from."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET, UnsetType
from openapi_spec_validator import OpenAPIV31SpecValidator
from tests import documented

from comptoir.api import openapi, openapi_texts
from comptoir.api.documented import FAULTS, OAUTH_FAULTS, errors_of
from comptoir.api.needed_members import NEEDED, NEEDED_BY
from comptoir.wire.json_schema import Schemas
from comptoir.wire.operation import Audience, Operation
from comptoir.wire.operations import BY_ID, OPERATIONS
from comptoir.wire.types import Body, Collection, Reply

API = Path(openapi.__file__).parent
USUAL_HEADERS = {"Accept", "Accept-Encoding", "Authorization", "Content-Type", "Host", "MS-CV", "ValidateMfa"}
"""Headers that HTTP itself, the tokens or the introduction speak of."""

DOCUMENT = openapi.document()
EVERY_OPERATION = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)


def _described() -> Iterator[tuple[str, str, Any]]:
    for path, item in DOCUMENT["paths"].items():
        yield from ((path, method.upper(), described) for method, described in item.items())


def _of(operation: Operation) -> Any:
    return next(described for _, _, described in _described() if described["operationId"] == operation.id)


def _parameters(operation: Operation) -> list[Any]:
    shared = DOCUMENT["components"]["parameters"]
    return [
        shared[parameter["$ref"].rpartition("/")[2]] if "$ref" in parameter else parameter
        for parameter in _of(operation).get("parameters", ())
    ]


def _nodes(part: Any) -> Iterator[Any]:
    yield part
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for each in inner:
        yield from _nodes(each)


def test_the_document_is_valid() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_every_operation_is_in_it_and_nothing_else() -> None:
    served = {
        (openapi.path_of(operation), method): operation.id
        for operation in OPERATIONS
        for method in (operation.method, *operation.aliases)
    }
    described = {(path, method): each["operationId"] for path, method, each in _described()}
    assert described.keys() == served.keys()
    assert len(set(described.values())) == len(described)
    for (path, method), name in described.items():
        operation_id = served[path, method]
        assert name == operation_id or (
            method in BY_ID[operation_id].aliases and name == f"{operation_id}.{method.lower()}"
        )


@EVERY_OPERATION
def test_answers(operation: Operation) -> None:
    """Every status that the row or the edge can give, the codes of refusals, and no other status."""
    responses = documented.responses_of(operation.id)
    refused = {error.partition("/")[0] for error in errors_of(operation)}
    success = set() if openapi.is_always_refused(operation) else {str(operation.status)}
    assert responses.keys() == refused | success
    for error in operation.errors:
        status, _, code = error.partition("/")
        assert not code or f"`{code}`" in responses[status]["description"]


@EVERY_OPERATION
def test_parameters(operation: Operation) -> None:
    parameters = _parameters(operation)
    in_path = [each["name"] for each in parameters if each["in"] == "path"]
    in_query = {each["name"]: each.get("required", False) for each in parameters if each["in"] == "query"}
    assert in_path == re.findall(r"\{(\w+)", operation.path)
    assert set(in_path) <= openapi_texts.PATH_PARAMETERS.keys()
    version = {"api-version": True} if operation.audience is Audience.PUBLISHER else {}
    assert in_query == {**version, **{query.name: query.required for query in operation.query}}
    assert all(parameter["description"] for parameter in parameters)


@EVERY_OPERATION
def test_callers(operation: Operation) -> None:
    """Who needs no token is told so, and every scheme that is named is described."""
    schemes = [name for scheme in _of(operation)["security"] for name in scheme]
    assert bool(schemes) == (operation.audience is not Audience.PUBLIC)
    assert set(schemes) <= DOCUMENT["components"]["securitySchemes"].keys()
    assert ("partnerUserToken" in schemes) == operation.user_only


@EVERY_OPERATION
def test_families(operation: Operation) -> None:
    assert _of(operation)["tags"][0] in openapi_texts.FAMILIES


def test_every_header_that_is_read_is_described() -> None:
    read = {
        name
        for file in API.glob("*.py")
        for name in re.findall(r"headers\.get\(\"([^\"]+)\"\)", file.read_text(encoding="utf-8"))
    }
    assert read
    assert read - USUAL_HEADERS <= openapi_texts.HEADERS.keys()


def test_every_component_is_explained_and_used() -> None:
    components = DOCUMENT["components"]
    assert [name for name, schema in components["schemas"].items() if "description" not in schema] == []
    used = {node["$ref"] for node in _nodes(DOCUMENT) if isinstance(node, dict) and "$ref" in node}
    kinds = ("schemas", "responses", "parameters", "headers")
    assert {f"#/components/{kind}/{name}" for kind in kinds for name in components[kind]} == used


def test_nothing_is_null() -> None:
    kinds = [node["type"] for node in _nodes(DOCUMENT["components"]["schemas"]) if _is_kind(node)]
    assert set(kinds) <= {"string", "integer", "number", "boolean", "array", "object"}


def _is_kind(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("type"), str)


def test_no_text_speaks_of_our_own_sources() -> None:
    """Docstrings name the section of the contract that they follow; callers do not have it."""
    texts = [
        node["description"] for node in _nodes(DOCUMENT) if isinstance(node, dict) and "description" in node
    ]
    assert [text for text in texts if isinstance(text, str) and re.search(r"\bsections? \d|``", text)] == []


def test_needed_members_are_members() -> None:
    for body, members in NEEDED.items():
        assert set(members) <= set(body.__struct_encode_fields__)
    for operation_id, members in NEEDED_BY.items():
        assert set(members) <= set(BY_ID[operation_id].request.__struct_encode_fields__)


def test_codes_that_are_documented_have_a_meaning() -> None:
    errors = {error for operation in OPERATIONS for error in errors_of(operation) if "/" in error}
    assert errors <= FAULTS.keys() | OAUTH_FAULTS.keys()


class Item(Reply, kw_only=True):
    """An item (section 3.2). ``unit_price`` is in euros."""

    unit_price: Decimal
    kind: str
    note: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    parts: "list[Item] | UnsetType" = UNSET


class ItemBody(Body):
    """An item as it is sent (``10`` sections 3.3 and 4)."""

    unit_price: Decimal | None = None
    kind: str | int | None = None
    count: int | None = None


def test_an_answer_is_exact() -> None:
    schemas = Schemas([Item, Collection[Item]], {Item: {"kind": ["seat", "flat"], "tags": ["new"]}}, {})
    assert schemas.of(Item) == {"$ref": "#/components/schemas/Item"}
    assert schemas.of(list[Item]) == {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}
    components = schemas.components()
    assert components["Item"] == {
        "type": "object",
        "description": "An item. `unitPrice` is in euros.",
        "properties": {
            "unitPrice": {"type": "number"},
            "kind": {"type": "string", "enum": ["seat", "flat"]},
            "note": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string", "enum": ["new"]}},
            "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}},
        },
        "required": ["unitPrice", "kind"],
    }
    assert components["ItemCollection"]["properties"]["items"] == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Item"},
    }


def test_a_request_is_described_as_it_is_documented() -> None:
    """No null, no numbers of enumerations, and what it needs."""
    schemas = Schemas([ItemBody], {ItemBody: {"kind": ["seat"]}}, {ItemBody: ["kind"]})
    assert schemas.components()["ItemBody"] == {
        "type": "object",
        "description": "An item as it is sent.",
        "properties": {
            "unitPrice": {"type": "number"},
            "kind": {"type": "string", "enum": ["seat"]},
            "count": {"type": "integer"},
        },
        "required": ["kind"],
    }


def test_classes_that_share_a_name_are_told_apart() -> None:
    other = type("Item", (Reply,), {"__annotations__": {"id": str}, "__module__": "comptoir.wire.shelf"})
    names = Schemas([Item, other], {}, {}).components().keys()
    assert names == {"Test_openapiItem", "ShelfItem"}
