"""YAML to values, with the line of every value, exact decimals, and a limit on everything.

Built on the parser's flat events, so that nesting, aliases and numbers are ours to judge: PyYAML's own
loaders make floats, take ``NO`` for false, let a later key replace an earlier one, and unfold aliases
without a bound.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

import yaml

JsonValue: TypeAlias = "str | int | bool | Decimal | list[JsonValue] | dict[str, JsonValue] | None"
Path = tuple[str | int, ...]

TEXT_LENGTH_MAX = 4 * 1024 * 1024
DEPTH_MAX = 20
VALUES_MAX = 200_000
"""How many values a file may hold, with each alias counted as often as it is used."""

_LOADER: type[yaml.CSafeLoader | yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_CONSTANTS: Mapping[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
"""The words that are no text when unquoted, as in YAML 1.2: yes, no, on and off stay texts."""


@dataclass(frozen=True, slots=True)
class ReadError:
    """Why a text is no catalogue file. Lines count from 1."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Document:
    """The value of a file, and the line on which each of its members and items stands.

    ``errors`` are faults that did not stop the reading, such as a key that occurs twice. After repairs,
    ``origins`` says where each part stood in the file, and ``cut_ids`` are the ids of what was left out.
    """

    value: JsonValue
    lines: Mapping[Path, int]
    errors: tuple[ReadError, ...] = ()
    origins: Mapping[Path, Path] | None = None
    cut_ids: frozenset[str] = frozenset()

    def has(self, path: Path, name: str) -> bool:
        """Whether the mapping at ``path`` has a member ``name`` in the file, be it left out since."""
        return (*self._origin(path), name) in self.lines

    def line(self, path: Path) -> int:
        """The line of what is at ``path``, or of the closest thing around it that is there."""
        origin = self._origin(path)
        while origin and origin not in self.lines:
            origin = origin[:-1]
        return self.lines.get(origin, 1)

    def repaired(self, cuts: Collection[Path], fills: Mapping[Path, str]) -> "Document":
        """The document without some members and items, and with some texts filled in."""
        origins: dict[Path, Path] = {}
        cut_ids = set(self.cut_ids)

        def rebuild(value: JsonValue, old: Path, new: Path) -> JsonValue:
            origins[new] = self._origin(old)
            gone = [inner for step, inner in _inside(value) if (*old, step) in cuts]
            left = [(step, inner) for step, inner in _inside(value) if (*old, step) not in cuts]
            cut_ids.update(_ids(gone))
            if isinstance(value, dict):
                members = {str(step): rebuild(inner, (*old, step), (*new, step)) for step, inner in left}
                return members | {str(path[-1]): text for path, text in fills.items() if path[:-1] == old}
            if isinstance(value, list):
                return [rebuild(inner, (*old, at), (*new, index)) for index, (at, inner) in enumerate(left)]
            return value

        value = rebuild(self.value, (), ())
        return Document(value, self.lines, self.errors, origins, frozenset(cut_ids))

    def _origin(self, path: Path) -> Path:
        """Where a part, or a member that a part had, stood in the file."""
        if self.origins is None:
            return path
        if path in self.origins or not path:
            return self.origins.get(path, path)
        return (*self.origins.get(path[:-1], path[:-1]), path[-1])


class Unreadable(Exception):
    """A text that cannot be read any further."""

    def __init__(self, line: int, reason: str) -> None:
        self.error = ReadError(line, reason)
        super().__init__(reason)


@dataclass(frozen=True, slots=True, eq=False)
class _Node:
    """A node of the file: a scalar, the items of a list, or the members of a mapping with their key lines."""

    line: int
    content: "str | int | bool | Decimal | list[_Node] | list[tuple[str, int, _Node]] | None"
    is_mapping: bool = False


@dataclass(slots=True)
class _Reader:
    """Turns events into nodes. An anchor is known only after its node has ended, so nothing holds itself."""

    events: Iterator[yaml.Event]
    anchors: dict[str, _Node] = field(default_factory=dict)
    errors: list[ReadError] = field(default_factory=list)

    def node(self, event: yaml.Event, depth: int) -> _Node:
        line = _line(event.start_mark)
        if depth > DEPTH_MAX:
            raise Unreadable(line, f"nested more than {DEPTH_MAX} levels deep")
        if isinstance(event, yaml.AliasEvent):
            return self._anchored(event, line)
        assert isinstance(event, yaml.NodeEvent)
        if getattr(event, "tag", None) not in {None, "!"}:
            raise Unreadable(line, "tags such as !!int are not supported")
        node = self._untagged(event, line, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _anchored(self, event: yaml.AliasEvent, line: int) -> _Node:
        node = self.anchors.get(event.anchor or "")
        if node is None:
            raise Unreadable(line, f"the alias *{event.anchor} has no anchor before it")
        return node

    def _untagged(self, event: yaml.NodeEvent, line: int, depth: int) -> _Node:
        if isinstance(event, yaml.ScalarEvent):
            return _Node(line, _scalar(event, line))
        if isinstance(event, yaml.SequenceStartEvent):
            return _Node(line, self._items(depth))
        return _Node(line, self._members(depth), is_mapping=True)

    def _items(self, depth: int) -> list[_Node]:
        items = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.node(event, depth + 1))
        return items

    def _members(self, depth: int) -> list[tuple[str, int, _Node]]:
        members: dict[str, tuple[str, int, _Node]] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            line = _line(event.start_mark)
            if not isinstance(event, yaml.ScalarEvent):
                raise Unreadable(line, "a key must be a plain text")
            key = _text(event.value, line)
            node = self.node(next(self.events), depth + 1)
            if key in members:
                self.errors.append(
                    ReadError(line, f"the key {key} occurs twice, first on line {members[key][1]}")
                )
            else:
                members[key] = (key, line, node)
        return list(members.values())


def read(text: str) -> Document:
    """The document that a catalogue file holds. Raises ``Unreadable``, nothing else, whatever the text."""
    if len(text) > TEXT_LENGTH_MAX:
        raise Unreadable(1, f"longer than {TEXT_LENGTH_MAX} characters")
    if forbidden := _FORBIDDEN.search(text):
        raise Unreadable(text.count("\n", 0, forbidden.start()) + 1, "holds a control character")
    try:
        root, errors = _root(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        raise Unreadable(_line(mark), _sentence(error)) from error
    lines: dict[Path, int] = {}
    return Document(_unfold(root, (), lines), lines, tuple(errors))


def _inside(value: JsonValue) -> list[tuple[str | int, JsonValue]]:
    """The members or items of a value, with the last step of their paths."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _ids(value: JsonValue) -> Iterator[str]:
    """The texts of every member named ``id`` inside a value."""
    for step, inner in _inside(value):
        if step == "id" and isinstance(inner, str):
            yield inner
        yield from _ids(inner)


def _root(text: str) -> tuple[_Node, list[ReadError]]:
    reader = _Reader(iter(yaml.parse(text, Loader=_LOADER)))
    root = None
    for event in reader.events:
        if isinstance(event, yaml.DocumentStartEvent):
            if root is not None:
                raise Unreadable(_line(event.start_mark), "a second document; each file holds one")
            root = reader.node(next(reader.events), 1)
    if root is None:
        raise Unreadable(1, "the file is empty")
    return root, reader.errors


def _unfold(node: _Node, path: Path, lines: dict[Path, int]) -> JsonValue:
    """The node as a value, noting lines; aliases become copies, and their number is what is bounded here."""
    lines.setdefault(path, node.line)
    if len(lines) > VALUES_MAX:
        raise Unreadable(node.line, f"holds more than {VALUES_MAX} values, counting what aliases repeat")
    if not isinstance(node.content, list):
        return node.content
    if not node.is_mapping:
        items = [item for item in node.content if isinstance(item, _Node)]
        return [_unfold(item, (*path, index), lines) for index, item in enumerate(items)]
    value: dict[str, JsonValue] = {}
    for member in node.content:
        assert isinstance(member, tuple)
        key, line, inner = member
        lines[*path, key] = line
        value[key] = _unfold(inner, (*path, key), lines)
    return value


def _scalar(event: yaml.ScalarEvent, line: int) -> str | int | bool | Decimal | None:
    text = _text(event.value, line)
    is_plain = event.implicit[0]
    if not is_plain:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return Decimal(text) if _DECIMAL.fullmatch(text) else text


def _text(text: str, line: int) -> str:
    if _FORBIDDEN.search(text):
        raise Unreadable(line, "a text holds a control character")
    return text


def _line(mark: "yaml.Mark | yaml._yaml.Mark | None") -> int:
    return 1 if mark is None else mark.line + 1


def _sentence(error: yaml.YAMLError) -> str:
    parts = [getattr(error, name, None) for name in ("context", "problem")]
    return "not valid YAML: " + ", ".join(part for part in parts if part)
