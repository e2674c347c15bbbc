"""Which operation a method and a path mean.

A tree of path segments. Literal segments match in any case and win over parameters; where a literal leads
nowhere the search goes back and tries the parameter. A path that exists with another method is unknown, not
405: an official client would repeat a 405 without end (``00-cross-cutting`` section 12.1).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from comptoir.core.ids import GUID
from comptoir.wire.operation import Operation

_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_SHAPES = {
    None: re.compile(r".+", re.DOTALL),
    "int": re.compile(r"[0-9]{1,9}", re.ASCII),
    "guid": GUID,
}
SEGMENTS_MAX = 32
"""Longer paths name nothing of ours; the bound keeps the search short."""


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameters: list[tuple[str, re.Pattern[str], "_Node"]] = field(default_factory=list)
    operations: dict[str, Operation] = field(default_factory=dict)


class Router:
    """Built once from the table of operations."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Node()
        for operation in operations:
            leaf = self._leaf(operation.path)
            for method in (operation.method, *operation.aliases):
                assert method not in leaf.operations, (method, operation.path)
                leaf.operations[method] = operation

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation and its path parameters; repeated and trailing slashes are forgiven."""
        segments = [segment for segment in path.split("/") if segment]
        if len(segments) > SEGMENTS_MAX:
            return None
        values: dict[str, str] = {}
        operation = _search(self._root, segments, 0, method, values)
        return None if operation is None else (operation, values)

    def _leaf(self, path: str) -> _Node:
        node = self._root
        for segment in path.strip("/").split("/"):
            match = _PARAMETER.fullmatch(segment)
            node = _parameter_child(node, match[1], match[2]) if match else _literal_child(node, segment)
        return node


def _literal_child(node: _Node, segment: str) -> _Node:
    return node.literals.setdefault(segment.lower(), _Node())


def _parameter_child(node: _Node, name: str, shape: str | None) -> _Node:
    pattern = _SHAPES[shape]
    for known_name, known_pattern, child in node.parameters:
        if (known_name, known_pattern) == (name, pattern):
            return child
    child = _Node()
    node.parameters.append((name, pattern, child))
    return child


def _search(
    node: _Node, segments: list[str], depth: int, method: str, values: dict[str, str]
) -> Operation | None:
    if depth == len(segments):
        return node.operations.get(method)
    segment = segments[depth]
    child = node.literals.get(segment.lower())
    if child is not None:
        found = _search(child, segments, depth + 1, method, values)
        if found is not None:
            return found
    for name, pattern, child in node.parameters:
        if pattern.fullmatch(segment):
            found = _search(child, segments, depth + 1, method, values)
            if found is not None:
                values[name] = segment
                return found
    return None
