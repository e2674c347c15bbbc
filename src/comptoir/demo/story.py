"""What a demo is made of: acts of steps, and the small language that picks values out of answers.

A step names one request. ``{name}`` in it stands for a value that an earlier step kept.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = Any

PICK_PART = re.compile(r"(\w+)\[(\w+)=([^\]]*)\]")
_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Step:
    """One request of the story.

    ``say`` is the sentence shown. ``form`` is sent in place of a JSON body. ``caller`` names the kept
    value that is sent as bearer token, ``""`` none. ``keep`` maps names to picks of the answer; ``expect``
    maps picks to the values that the answer must have, and ``holds`` is a text that it must hold, else the
    demo fails. ``until`` is a pick and a value for which the request is repeated, as a polling client does.
    ``save`` names the file of the demo's folder that the answer is written to. A ``quiet`` step is played and
    recorded without a line of its own.
    """

    say: str
    method: str
    path: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    form: Mapping[str, str] | None = None
    caller: str = "partner"
    keep: Mapping[str, str] = field(default_factory=dict)
    expect: Mapping[str, Json] = field(default_factory=dict)
    holds: str = ""
    until: tuple[str, Json] | None = None
    save: str = ""
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """A part of the story with a title of its own.

    What ``needs_publisher`` calls a second program too: it is left out of the record, which knows one server.
    """

    title: str
    steps: tuple[Step, ...]
    needs_publisher: bool = False


def pick(answer: Json, path: str) -> Json:
    """The value at ``path``: ``items[title=Desk].id``, ``lineItems.0.orderGroup``, ``items.#`` for a count,
    ``link.uri?token`` for a parameter of an address.

    Raises ``LookupError`` where the answer has nothing there.
    """
    value = answer
    for part in split(path):
        try:
            value = _inside(value, part)
        except (LookupError, TypeError) as error:
            raise LookupError(f"{path}: there is no {part}") from error
    return value


def split(path: str) -> list[str]:
    """The parts of a pick, between dots that stand outside brackets."""
    return re.split(r"\.(?![^\[]*\])", path)


def _inside(value: Json, part: str) -> Json:
    if part == "#":
        return len(value)
    if part.isdecimal():
        return value[int(part)]
    searched = PICK_PART.fullmatch(part)
    if searched is None:
        member, _, parameter = part.partition("?")
        return parse_qs(urlsplit(value[member]).query)[parameter][0] if parameter else value[member]
    items, member, wanted = searched.groups()
    found = [item for item in value[items] if str(item[member]) == wanted]
    return found[0]


def fill(template: Json, values: Mapping[str, Json]) -> Json:
    """``template`` with every ``{name}`` replaced; a text that is a name alone takes the value's own type."""
    if isinstance(template, Mapping):
        return {fill(key, values): fill(item, values) for key, item in template.items()}
    if isinstance(template, list):
        return [fill(item, values) for item in template]
    if not isinstance(template, str):
        return template
    alone = _NAME.fullmatch(template)
    if alone:
        return values[alone[1]]
    return _NAME.sub(lambda match: str(values[match[1]]), template)
