"""From a row of the table of operations to a request, and from a page to the request for the next one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from msgspec import UNSET

from comptoir.client.errors import UnexpectedReply
from comptoir.wire import codec
from comptoir.wire.filters import Combination, Condition, Filter
from comptoir.wire.operation import Operation
from comptoir.wire.types import Collection, Link, SelfLinks

Argument = str | int | bool | Filter | None

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_FURTHER_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TOKEN_HEADER = "MS-ContinuationToken"  # noqa: S105 - the name of a header, not a secret
_VERSION = "/v1"


@dataclass(frozen=True, slots=True)
class Request:
    """A call, to be sent as often as it takes. ``path`` begins at the root of the service and has the query."""

    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes | None = None


def make_request(operation: Operation, arguments: Mapping[str, Argument], body: object = None) -> Request:
    """The request of an operation. ``arguments`` are its path and query parameters by their Python names."""
    in_path = parameters(operation)
    by_name = {python_name(query.name): query.name for query in operation.query}
    unknown = arguments.keys() - in_path - by_name.keys()
    assert not unknown, f"{operation.id} has no parameters {unknown}"
    given = {by_name[name]: value for name, value in arguments.items() if name in by_name and value is not None}
    headers = {name: str(value) for name, value in given.items() if name == _TOKEN_HEADER}
    query = urlencode({name: _text(value) for name, value in given.items() if name != _TOKEN_HEADER})
    path = _PARAMETER.sub(lambda found: _segment(found[1], arguments[found[1]]), operation.path)
    content = None if body is None else codec.encode(_without_nothing(body))
    return Request(operation.method, f"{path}?{query}" if query else path, headers, content)


def parameters(operation: Operation) -> frozenset[str]:
    """The names in an operation's path."""
    return frozenset(_PARAMETER.findall(operation.path))


def python_name(query_name: str) -> str:
    """The name that a query parameter has in Python.

    >>> python_name("targetView"), python_name("MS-ContinuationToken"), python_name("order_id")
    ('target_view', 'continuation_token', 'order_id')
    """
    return _FURTHER_CAPITAL.sub("_", query_name.removeprefix("MS-")).lower()


def _segment(name: str, value: Argument) -> str:
    """A value as one segment of a path. Nothing and dots would lead to another resource."""
    text = _text(value)
    if text.strip(".") == "":
        raise ValueError(f"{name} is {text!r}")
    return quote(text, safe="")


def _text(value: Argument) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Condition | Combination):
        return codec.encode(_filter_members(value)).decode()
    return str(value)


def _filter_members(found: Filter) -> dict[str, object]:
    """A filter as the service reads it (``00-cross-cutting`` section 8)."""
    if isinstance(found, Condition):
        return {"Field": found.field, "Value": found.value, "Operator": found.operator}
    left, right = _filter_members(found.left), _filter_members(found.right)
    return {"LeftFilter": left, "Operator": found.operator, "RightFilter": right}


def _without_nothing(value: Any) -> Any:
    """A body whose members are all given: what is ``None`` is not sent, not even as null."""
    if isinstance(value, msgspec.Struct):
        members = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        pairs = {wire: getattr(value, name) for wire, name in members}
        return _without_nothing(pairs)
    if isinstance(value, Mapping):
        return {
            name: _without_nothing(inner) for name, inner in value.items() if inner is not None and inner is not UNSET
        }
    if isinstance(value, list | tuple):
        return [_without_nothing(item) for item in value]
    return value


def next_request(operation: Operation, request: Request, page: Collection[Any]) -> Request | None:
    """The request for the page after ``page``, ``None`` after the last (section 7.3).

    The page's own link is followed, with the headers that it asks for. Where there is none, a continuation
    token alone is enough for operations that seek.
    """
    # A real service may leave out what Comptoir never does.
    link = page.links.next if not isinstance(page.links, SelfLinks) and page.links is not UNSET else UNSET
    token = page.continuation_token
    if isinstance(link, Link):
        headers = {header.key: header.value for header in link.headers or ()}
        following = Request("GET", _address(link.uri), headers)
    elif isinstance(token, str) and token and any(query.name == "seekOperation" for query in operation.query):
        path = request.path.partition("?")[0]
        following = Request("GET", f"{path}?seekOperation=Next", {_TOKEN_HEADER: token})
    else:
        return None
    if (following.path, following.headers) == (request.path, request.headers):
        raise UnexpectedReply(f"the page after {request.path} is that page itself")
    return following


def located_request(location: str) -> Request:
    """The request for what a ``Location`` header names (section 10)."""
    return Request("GET", _address(location), {})


def _address(uri: str) -> str:
    """The path of a relative link (section 6): below ``/v1``, whether or not the link says so.

    Documents and services disagree on the leading slash and the version. An absolute address is not
    followed: it would take the caller's token to another host.
    """
    if "://" in uri:
        raise UnexpectedReply(f"a link leads away from the service: {uri}")
    path = "/" + uri.lstrip("/")
    return path if path.lower().startswith(f"{_VERSION}/") else _VERSION + path
