"""A request as handlers see it, and an answer that is not a plain reply struct."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


class Parameters:
    """Query parameters, or headers: names in any case, the last value of a repeated name."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in pairs.items()}

    def get(self, name: str) -> str | None:
        """The value, or ``None`` where it is absent or blank."""
        return self._values.get(name.lower()) or None

    def pairs(self) -> list[tuple[str, str]]:
        """Every lower-cased name with its value, in the order of the names."""
        return sorted(self._values.items())


@dataclass(frozen=True, slots=True)
class Call:
    """One request: path parameters, query, headers, and the decoded body where the operation has one.

    ``body`` is of the operation's request type, ``None`` for an empty body or the literal ``null``.
    """

    path: Mapping[str, str]
    query: Parameters
    headers: Parameters
    body: Any
    raw: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer spelled out, for replies that are not the JSON of one struct."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[..., Awaitable[object]]
"""``(tx, ctx, call)``; ``(services, ctx, call)`` in steps; ``(services, call)`` for operations that need no
token. Gives a reply struct, an ``Answer``, a ``Refused``, or ``None`` for an answer without a body.

A handler in steps opens its transactions with ``services.write``. It runs again if the server is killed
before its answer is stored and the caller repeats the call: what it has begun must be found by the call's id.
"""
