"""The OpenAPI 3.1 document of everything that is served, made from the table of operations and its structs.

A pure function of the program: no setting and no account changes it. Addresses are relative, so that it is
right wherever it is served from.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from http import HTTPStatus
from itertools import groupby
from typing import Any

from comptoir import __version__
from comptoir.api import publisher_faults
from comptoir.api.closed_sets import CLOSED_SETS, QUERY_SETS
from comptoir.api.documented import FAULTS, OAUTH_FAULTS, THROTTLED, errors_of
from comptoir.api.needed_members import NEEDED, NEEDED_BY
from comptoir.api.openapi_texts import (
    ALWAYS_SENT,
    FAMILIES,
    HEADERS,
    INTRODUCTION,
    PATH_PARAMETERS,
    QUERY_SHAPES,
    REPLY_HEADERS,
    SECURITY,
)
from comptoir.api.publisher import API_VERSION
from comptoir.wire.customers import CustomerBillingProfile
from comptoir.wire.json_schema import Schema, Schemas
from comptoir.wire.oauth import OAuthFault
from comptoir.wire.operation import Audience, Operation, Query
from comptoir.wire.operations import OPERATIONS
from comptoir.wire.publisher import FulfillmentFault
from comptoir.wire.subscriptions import Subscription
from comptoir.wire.types import Fault, ThrottleFault

Object = dict[str, Any]
Errors = tuple[str, ...]
"""Refusals with the same status, as ``status/code``."""

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
TRACE_HEADERS = ("MS-RequestId", "MS-CorrelationId", "X-Locale")
"""Request headers that every call with a token reads."""

ID_HEADERS = ("MS-RequestId", "MS-CorrelationId", "MS-CV", "MS-ServerId", "X-Locale")
"""Headers of every answer."""

PUBLISHER_TRACE_HEADERS = ("x-ms-requestid", "x-ms-correlationid")
PUBLISHER_ID_HEADERS = ("x-ms-requestid", "x-ms-correlationid", "x-ms-activityid")
"""The same of the publishers' APIs."""

SCOPE = "https://api.partnercenter.microsoft.com/.default"
SCHEMES: Mapping[Audience, tuple[Object, ...]] = {
    Audience.PUBLIC: (),
    Audience.PARTNER: ({"partnerApplication": [SCOPE]}, {"partnerToken": []}),
    Audience.OPERATOR: ({"operatorToken": []},),
    Audience.PUBLISHER: ({"publisherToken": []},),
}
USER_SCHEMES: tuple[Object, ...] = ({"partnerUserToken": []},)
VERSIONED = frozenset({Subscription, CustomerBillingProfile})
"""Answers with an etag, which is mirrored as a header."""

_REFUSAL_HEADERS = {"401": ("WWW-Authenticate",), "429": ("Retry-After",)}

_CONVERTER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_SHAPES: Mapping[str, Schema] = {
    "guid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
}
_KINDS: Mapping[type, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer", "minimum": 0, "maximum": 999_999_999},
    bool: {"type": "boolean"},
}


def document(operations: Sequence[Operation] = OPERATIONS) -> Object:
    """The whole document."""
    return _Document(operations).render()


def path_of(operation: Operation) -> str:
    """An operation's path, its parameters without their shapes."""
    return _CONVERTER.sub(r"{\1}", operation.path)


def is_always_refused(operation: Operation) -> bool:
    """Whether an operation has no successful answer: it is served to say no. Publishers get empty ones."""
    if operation.is_for_publishers:
        return False
    is_read = operation.status == 200 and operation.method != "HEAD" and operation.media_type == JSON
    return is_read and operation.reply is None


class _Document:
    """The document of some operations while it is made. What operations share becomes a component."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = operations
        bodies = [
            body for row in operations for body in (row.reply, row.request, row.form) if body is not None
        ]
        faults = [Fault, OAuthFault, ThrottleFault, FulfillmentFault, *publisher_faults.SHAPES.values()]
        faults += publisher_faults.FURTHER_SHAPES.values()
        self._schemas = Schemas([*bodies, *faults], CLOSED_SETS, NEEDED)

    def render(self) -> Object:
        families = dict.fromkeys(_family(operation) for operation in self._operations)
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Comptoir",
                "version": __version__,
                "summary": "A commercial marketplace, wire-compatible with Microsoft Partner Center.",
                "description": INTRODUCTION,
                "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "tags": [_tag(name) for name in families],
            "paths": self._paths(),
            "components": self._components(),
        }

    def _paths(self) -> Object:
        paths: Object = {}
        for operation in self._operations:
            described = self._operation(operation)
            item = paths.setdefault(path_of(operation), {})
            item[operation.method.lower()] = described
            for method in operation.aliases:
                alias = {"operationId": f"{operation.id}.{method.lower()}", "deprecated": True}
                item[method.lower()] = {**described, **alias}
        return paths

    def _operation(self, operation: Operation) -> Object:
        summary, _, more = operation.summary.partition(". ")
        described: Object = {
            "operationId": operation.id,
            "tags": [_family(operation)],
            "summary": summary.removesuffix("."),
        }
        if text := " ".join(filter(None, (more, _callers(operation)))):
            described["description"] = text
        if parameters := list(_parameters(operation)):
            described["parameters"] = parameters
        if operation.request is not None or operation.form is not None:
            described["requestBody"] = self._request_body(operation)
        described["responses"] = self._responses(operation)
        described["security"] = list(_security(operation))
        return described

    def _request_body(self, operation: Operation) -> Object:
        is_form = operation.form is not None
        schema = self._schemas.of(operation.form if is_form else operation.request)
        if operation.id in NEEDED_BY:
            schema = {"allOf": [schema, {"required": list(NEEDED_BY[operation.id])}]}
        return {"required": True, "content": {FORM if is_form else JSON: {"schema": schema}}}

    def _responses(self, operation: Operation) -> Object:
        has_body = operation.method != "HEAD"
        responses: Object = {}
        if not is_always_refused(operation):
            responses[str(operation.status)] = _success(self._schemas, operation)
        for status, errors in _by_status(operation).items():
            if has_body and self._shared[status, errors] > 1:
                responses[status] = {"$ref": f"#/components/responses/{_response_name(status, errors)}"}
            else:
                responses[status] = _refusal(self._schemas, status, errors, has_body=has_body)
        return responses

    @cached_property
    def _shared(self) -> Counter[tuple[str, Errors]]:
        """How many operations have exactly these refusals with one status."""
        return Counter(
            (status, errors)
            for operation in self._operations
            if operation.method != "HEAD"
            for status, errors in _by_status(operation).items()
        )

    def _components(self) -> Object:
        """Everything that is referred to."""
        in_paths = dict.fromkeys(found for row in self._operations for found in _CONVERTER.findall(row.path))
        headers = dict.fromkeys(name for row in self._operations for name in _request_headers(row))
        schemes = {name for row in self._operations for scheme in _security(row) for name in scheme}
        return {
            "schemas": self._schemas.components(),
            "responses": {
                _response_name(status, errors): _refusal(self._schemas, status, errors)
                for (status, errors), count in sorted(self._shared.items())
                if count > 1
            },
            "parameters": {
                **{_parameter_name(*found): _path_parameter(*found) for found in in_paths},
                **{name: _header_parameter(name) for name in headers},
            },
            "headers": {name: _reply_header(name) for name in REPLY_HEADERS},
            "securitySchemes": {name: scheme for name, scheme in SECURITY.items() if name in schemes},
        }


def _family(operation: Operation) -> str:
    return operation.id.partition(".")[0]


def _tag(family: str) -> Object:
    """A family; ``x-displayName`` is what browsers of such documents show."""
    title, text = FAMILIES.get(family, (family, family))
    return {"name": family, "x-displayName": title, "description": text}


def _callers(operation: Operation) -> str:
    """Who may call, where not every bearer of the audience's tokens may."""
    texts = []
    if operation.user_only:
        texts.append("Needs the token of a signed-in user.")
    if operation.allowed_roles:
        roles = ", ".join(sorted(operation.allowed_roles))
        texts.append(f"A signed-in user needs one of the roles {roles}.")
    return " ".join(texts)


def _security(operation: Operation) -> tuple[Object, ...]:
    return USER_SCHEMES if operation.user_only else SCHEMES[operation.audience]


def _parameters(operation: Operation) -> Iterator[Object]:
    for found in _CONVERTER.findall(operation.path):
        yield {"$ref": f"#/components/parameters/{_parameter_name(*found)}"}
    if operation.audience is Audience.PUBLISHER:
        yield _API_VERSION
    for query in operation.query:
        yield _query_parameter(query)
    for name in _request_headers(operation):
        yield {"$ref": f"#/components/parameters/{name}"}


_API_VERSION: Object = {
    "name": "api-version",
    "in": "query",
    "required": True,
    "description": "The version of the API.",
    "schema": {"type": "string", "enum": [API_VERSION]},
}


def _parameter_name(name: str, shape: str) -> str:
    return f"{name}.{shape}" if shape else name


def _path_parameter(name: str, shape: str) -> Object:
    description, schema = PATH_PARAMETERS.get(name, (name, _KINDS[str]))
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": _SHAPES.get(shape, schema),
    }


def _query_parameter(query: Query) -> Object:
    required = {"required": True} if query.required else {}
    return {
        "name": query.name,
        "in": "query",
        **required,
        "description": query.summary,
        "schema": _query_schema(query),
    }


def _query_schema(query: Query) -> Schema:
    if query.name in QUERY_SETS:
        return {"type": "string", "enum": list(QUERY_SETS[query.name])}
    if query.name in QUERY_SHAPES:
        return QUERY_SHAPES[query.name]
    is_needed_text = query.required and query.kind is str
    return {**_KINDS[query.kind], "minLength": 1} if is_needed_text else _KINDS[query.kind]


def _request_headers(operation: Operation) -> tuple[str, ...]:
    if operation.audience is Audience.PUBLIC:
        return operation.headers
    trace = PUBLISHER_TRACE_HEADERS if operation.is_for_publishers else TRACE_HEADERS
    return (*trace, *operation.headers)


def _header_parameter(name: str) -> Object:
    description, schema = HEADERS[name]
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _reply_header(name: str) -> Object:
    description, schema = REPLY_HEADERS[name]
    required = {"required": True} if name in ALWAYS_SENT else {}
    return {"description": description, **required, "schema": schema}


def _headers(*names: str) -> Object:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _success_headers(operation: Operation) -> list[str]:
    more = []
    if operation.reply in VERSIONED:
        more.append("ETag")
    if operation.is_for_publishers:
        return [*PUBLISHER_ID_HEADERS, *operation.reply_headers]
    if operation.writes:
        more.append("MS-Replayed")
    return [*ID_HEADERS, *more, *operation.reply_headers]


def _success(schemas: Schemas, operation: Operation) -> Object:
    response: Object = {
        "description": HTTPStatus(operation.status).phrase,
        "headers": _headers(*_success_headers(operation)),
    }
    if operation.reply is not None:
        response["content"] = {operation.media_type: {"schema": schemas.of(operation.reply)}}
    elif operation.media_type != JSON:
        response["content"] = {operation.media_type: {"schema": _KINDS[str]}}
    return response


def _by_status(operation: Operation) -> dict[str, Errors]:
    """An operation's refusals by status."""
    return {
        status: tuple(errors)
        for status, errors in groupby(errors_of(operation), key=lambda error: error.partition("/")[0])
    }


def _response_name(status: str, errors: Errors) -> str:
    return ".".join([status, *(error.partition("/")[2] for error in errors if "/" in error)])


def _refusal(schemas: Schemas, status: str, errors: Errors, *, has_body: bool = True) -> Object:
    more = _REFUSAL_HEADERS.get(status, ())
    ids = PUBLISHER_ID_HEADERS if all(map(_is_for_publishers, errors)) else ID_HEADERS
    response: Object = {"description": _meaning(status, errors), "headers": _headers(*ids, *more)}
    if has_body:
        shapes = [schemas.of(shape) for shape in dict.fromkeys(_shapes_of(errors))]
        response["content"] = {JSON: {"schema": shapes[0] if len(shapes) == 1 else {"anyOf": shapes}}}
    return response


def _is_for_publishers(error: str) -> bool:
    """Whether a refusal is one of the publishers' APIs, whose codes are words."""
    return error in publisher_faults.SHAPES or error.partition("/")[2].isalpha()


def _shapes_of(errors: Errors) -> Iterator[Any]:
    for error in errors:
        yield _shape_of(error)
        if error in publisher_faults.FURTHER_SHAPES:
            yield publisher_faults.FURTHER_SHAPES[error]


def _shape_of(error: str) -> Any:
    if error == THROTTLED:
        return ThrottleFault
    if _is_for_publishers(error):
        return publisher_faults.SHAPES.get(error, FulfillmentFault)
    return OAuthFault if error in OAUTH_FAULTS else Fault


def _meaning(status: str, errors: Errors) -> str:
    """The status in words and, as a Markdown list, what each code means."""
    lines = [HTTPStatus(int(status)).phrase, ""]
    for error in errors:
        texts = FAULTS.get(error) or OAUTH_FAULTS.get(error) or []
        code = error.partition("/")[2]
        lines += [f"- `{code}` {text}" if code else f"- {text}" for text in texts]
    return "\n".join(lines).strip()
