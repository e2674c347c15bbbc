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
from comptoir.wire.types import Collection, CollectionLinks, Link

Argument = str | int | bool | Filter | None

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_FURTHER_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TOKEN_HEADER = "MS-ContinuationToken"  # noqa: S105 - the name of a header, not a secret
_VERSION = "/v1"

HEADERS: Mapping[str, str] = {
    "continuation_token": _TOKEN_HEADER,
    "customer_user_upn": "x-ms-customeruser-upn",
    "etag": "If-Match",
}
"""Headers that only some operations read, by the names of their arguments."""


@dataclass(frozen=True, slots=True)
class Request:
    """A call, to be sent as often as it takes. ``path`` begins at the service's root and has the query."""

    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """What an operation takes besides a body, by the names of the arguments; for the wire's own, see there.

    What it reads in the query as well as in a header is sent as the header.
    """

    path: frozenset[str]
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @classmethod
    def of(cls, operation: Operation) -> "Parameters":
        return cls(
            frozenset(_PARAMETER.findall(operation.path)),
            {
                _snake(query.name): query.name
                for query in operation.query
                if query.name not in operation.headers
            },
            {name: header for name, header in HEADERS.items() if header in operation.headers},
        )

    @property
    def names(self) -> frozenset[str]:
        return self.path | self.query.keys() | self.headers.keys()


def _snake(name: str) -> str:
    """``targetView`` is ``target_view``, ``order_id`` is itself."""
    return _FURTHER_CAPITAL.sub("_", name).lower()


def make_request(operation: Operation, arguments: Mapping[str, Argument], body: object = None) -> Request:
    """The request of an operation; arguments that are ``None`` are left out. Raises ``ValueError``."""
    parameters = Parameters.of(operation)
    given = {name: _text(name, value) for name, value in arguments.items() if value is not None}
    unknown = arguments.keys() - parameters.names
    assert not unknown, f"{operation.id} has no parameters {unknown}"
    path = _PARAMETER.sub(lambda found: _segment(found[1], given[found[1]]), operation.path)
    query = urlencode({wire: given[name] for name, wire in parameters.query.items() if name in given})
    headers = {wire: given[name] for name, wire in parameters.headers.items() if name in given}
    content = None if body is None else codec.encode(_without_nothing(body))
    return Request(operation.method, f"{path}?{query}" if query else path, headers, content)


def _segment(name: str, text: str) -> str:
    """A value as one segment of a path. Nothing and dots would lead to another resource."""
    if text.strip(".") == "":
        raise ValueError(f"{name} is {text!r}")
    return quote(text, safe="")


def _text(name: str, value: Argument) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Condition | Combination):
        return codec.encode(_filter_members(value)).decode()
    return f'"{value}"' if name == "etag" else str(value)


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
            name: _without_nothing(inner)
            for name, inner in value.items()
            if inner is not None and inner is not UNSET
        }
    if isinstance(value, list | tuple):
        return [_without_nothing(item) for item in value]
    return value


def next_request(operation: Operation, request: Request, page: Collection[Any]) -> Request | None:
    """The request for the page after ``page``, ``None`` after the last (section 7.3).

    The page's own link is followed, with the headers that it asks for. Where there is none, a continuation
    token alone is enough for operations that seek.
    """
    links: object = page.links
    link = links.next if isinstance(links, CollectionLinks) else UNSET
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
