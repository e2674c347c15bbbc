"""Whether an answer is what the contract says. For every test that has a real answer in hand.

    from tests.contract.check import check_reply

    check_reply("Cart", response.json())
    check_reply("Collection<Order>", response.json())
    check_reply("[InventoryItem]", response.json())
    check_reply("Fault", response.json())
    check_reply("40.Subscription", response.json())     # a name that two appendices use

The body is JSON as ``json.loads`` gives it. Checked, all the way down: each member that must be present is;
no member that the contract does not know (``reviewed.EXTRA_MEMBERS`` lists ours, with reasons); the type of
every value, closed sets of texts, dates with ``Z``, whole numbers within 32 bits, lower-case GUIDs; no null;
links with ``headers`` and a legal relative address without ``/v1``; pages whose ``totalCount`` counts their
items. ``AssertionError`` lists every problem with its path.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from tests.contract import loader, reviewed
from tests.contract.notation import Array, Either, Kind, Map, Model, Page, Presence, Ref, Scalar, Type

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(?!0+Z)\d{1,7})?Z")
NO_DATE = "0001-01-01T00:00:00"
_DURATION = re.compile(r"P\d+[DMY]|PT\d+H")
_CHARACTER = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_RELATIVE_URI = re.compile(rf"(?:/{_CHARACTER}+)+(?:\?(?:{_CHARACTER}|/)*)?")
_ABSOLUTE_URI = re.compile(rf"https?://{_CHARACTER}+(?:/{_CHARACTER}*)*(?:\?(?:{_CHARACTER}|[/?])*)?")


def check_reply(kind: str, reply: object) -> None:
    """Raises ``AssertionError`` if ``reply`` is not what the contract calls ``kind``."""
    found = list(problems(loader.kind(kind), reply, "$"))
    assert not found, f"{kind} breaks the contract:\n" + "\n".join(found)


def problems(kind: Type, value: object, path: str) -> Iterator[str]:
    """What is wrong with a value, one line each."""
    if value is None:
        yield f"{path}: null"
        return
    match kind:
        case Scalar():
            yield from _scalar_problems(kind, value, path)
        case Array(item=item):
            yield from _array_problems(item, value, path)
        case Map(value=inner):
            yield from _map_problems(inner, value, path)
        case Model():
            yield from _model_problems(kind, value, path)
        case Ref():
            yield from _ref_problems(kind, value, path)
        case Page(item=item):
            yield from _page_problems(item, value, path)
        case Either(options=options):
            yield from min((list(problems(option, value, path)) for option in options), key=len)
        case _:
            yield from _nulls(value, path)


def _scalar_problems(kind: Scalar, value: object, path: str) -> Iterator[str]:
    if not _IS[kind.kind](value):
        yield f"{path}: {kind.kind.value} expected, found {value!r}"
    elif kind.values is not None and value not in kind.values:
        yield f"{path}: {value!r} is none of {sorted(kind.values)}"


def _array_problems(item: Type, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: a list expected, found {value!r}"
        return
    for index, inner in enumerate(value):
        yield from problems(item, inner, f"{path}[{index}]")


def _map_problems(inner: Type, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: an object expected, found {value!r}"
        return
    for key, entry in value.items():
        yield from problems(inner, entry, f"{path}.{key}")


def _model_problems(model: Model, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: an object expected, found {value!r}"
        return
    extra = reviewed.EXTRA_MEMBERS.get(model.name, {})
    for name, member in model.members.items():
        if name not in value:
            if member.presence is Presence.ALWAYS:
                yield f"{path}.{name}: missing"
        elif member.presence is Presence.REQUEST_ONLY:
            yield f"{path}.{name}: belongs into requests only"
        elif value[name] == NO_DATE and name in reviewed.MAY_HAVE_NO_DATE.get(model.name, {}):
            continue
        elif not (member.is_nullable and value[name] is None):
            yield from problems(member.type, value[name], f"{path}.{name}")
    for name in value.keys() - model.members.keys():
        if name not in extra:
            yield f"{path}.{name}: the contract has no such member"
        yield from _nulls(value[name], f"{path}.{name}")


def _ref_problems(ref: Ref, value: object, path: str) -> Iterator[str]:
    model = loader.resolve(ref)
    if model is None:
        yield from _nulls(value, path)
        return
    yield from _model_problems(model, value, path)
    if ref.name == "Link" and isinstance(value, Mapping):
        yield from _uri_problems(value.get("uri"), ref.is_absolute, path)


def _uri_problems(uri: object, is_absolute: bool, path: str) -> Iterator[str]:
    legal = _ABSOLUTE_URI if is_absolute else _RELATIVE_URI
    if not isinstance(uri, str) or not legal.fullmatch(uri):
        yield f"{path}.uri: not a legal {'absolute' if is_absolute else 'relative'} address: {uri!r}"
    elif re.match(r"/v1(?:/|$)", uri, re.IGNORECASE):
        yield f"{path}.uri: repeats the version: {uri!r}"


def _page_problems(item: Type, value: object, path: str) -> Iterator[str]:
    envelope = value
    if is_without_links(item) and isinstance(value, Mapping):
        if "links" in value:
            yield f"{path}.links: this list has none"
        envelope = {"links": {"self": {"uri": "/here", "method": "GET", "headers": []}}, **value}
    yield from _ref_problems(Ref("ResourceCollection", "00"), envelope, path)
    if not isinstance(value, Mapping) or not isinstance(value.get("items"), list):
        return
    yield from _array_problems(item, value["items"], f"{path}.items")
    if value.get("totalCount") != len(value["items"]):
        yield f"{path}.totalCount: {value.get('totalCount')!r} for {len(value['items'])} items"
    has_next = "next" in value.get("links", {})
    if "continuationToken" in value and not has_next:
        yield f"{path}.continuationToken: present without links.next"


def is_without_links(item: Type) -> bool:
    """Whether a list of such items has no links of its own."""
    return isinstance(item, Ref) and item.name in reviewed.WITHOUT_LINKS


def _nulls(value: object, path: str) -> Iterator[str]:
    """The nulls inside a value that the contract leaves open."""
    if value is None:
        yield f"{path}: null"
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _nulls(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _nulls(inner, f"{path}[{index}]")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _matches(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_IS: Mapping[Kind, Callable[[object], bool]] = {
    Kind.TEXT: lambda value: isinstance(value, str),
    Kind.GUID: _matches(_GUID),
    Kind.DATE_TIME: _matches(_DATE_TIME),
    Kind.DURATION: _matches(_DURATION),
    Kind.WHOLE: _is_whole,
    Kind.NUMBER: _is_number,
    Kind.FLAG: lambda value: isinstance(value, bool),
    Kind.SCALAR: lambda value: isinstance(value, str | bool) or _is_number(value),
}
