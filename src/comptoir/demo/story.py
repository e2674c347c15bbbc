"""What a demo is made of: acts of steps, and the small language that picks values out of answers.

A step names one request. ``{name}`` in its path and body stands for a value that an earlier step kept.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Any

_PART = re.compile(r"([^.\[\]]+)(?:\[([^\]=]+)=([^\]]*)\])?|\[(\d+)\]")
_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Step:
    """One request of the story.

    ``say`` is the sentence shown, with ``{name}`` for kept values. ``form`` is sent in place of a JSON body.
    ``caller`` names the token used, ``""`` none; ``grants`` is the caller whose token the answer holds. ``keep`` maps names to picks of the
    answer; ``expect`` maps picks to the values that the answer must have, else the demo fails.
    ``until`` is a pick and value for which the step is repeated, as a polling client does.
    """

    say: str
    method: str
    path: str
    status: int = 200
    body: Json = None
    form: Mapping[str, str] | None = None
    caller: str = "sandbox"
    grants: str = ""
    keep: Mapping[str, str] = field(default_factory=dict)
    expect: Mapping[str, Json] = field(default_factory=dict)
    until: tuple[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """A part of the story with a title of its own."""

    title: str
    steps: tuple[Step, ...]


def pick(answer: Json, path: str) -> Json:
    """The value at ``path``: ``items[title=Harbor].id``, ``lineItems.0.orderGroup``, ``items.#`` for a count.

    Raises ``LookupError`` where the answer has nothing there.
    """
    value = answer
    for part in re.split(r"\.(?![^\[]*\])", path):
        match = _PART.fullmatch(part)
        if part == "#":
            value = len(value)
        elif part.isdecimal():
            value = value[int(part)]
        elif match is None:
            raise LookupError(f"{path}: cannot read {part!r}")
        else:
            value = value[match[1]]
            if match[2]:
                value = _first(value, match[2], match[3], path)
    return value


def _first(items: list[Json], member: str, wanted: str, path: str) -> Json:
    for item in items:
        if str(item.get(member)) == wanted:
            return item
    raise LookupError(f"{path}: no item whose {member} is {wanted}")


def fill(template: Json, values: Mapping[str, Json]) -> Json:
    """``template`` with every ``{name}`` replaced; a text that is one name alone takes the value's own type."""
    if isinstance(template, dict):
        return {key: fill(item, values) for key, item in template.items()}
    if isinstance(template, list):
        return [fill(item, values) for item in template]
    if not isinstance(template, str):
        return template
    alone = _NAME.fullmatch(template)
    if alone:
        return values[alone[1]]
    return _NAME.sub(lambda match: str(values[match[1]]), template)
