"""The ways in which the contract's appendices write a type, brought to one form.

``array<Order>``, ``[Address]`` and ``Plan[]`` are lists; ``map<string,string>`` is a map; ``{self: Link,
next?: Link}`` an object with its members; ``'Cart'`` a constant; ``string lower case`` and ``Link (absolute
uri)`` a type with a remark.
"""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum


class Presence(Enum):
    """When an answer holds a member."""

    ALWAYS = "always"
    WHEN_SET = "when-set"
    REQUEST_ONLY = "request-only"


class Kind(Enum):
    """What a JSON scalar holds."""

    TEXT = "text"
    GUID = "GUID"
    DATE_TIME = "date and time"
    DURATION = "duration"
    WHOLE = "whole number"
    NUMBER = "number"
    FLAG = "true or false"
    SCALAR = "text, number or flag"


@dataclass(frozen=True)
class Scalar:
    """A text, number or flag. ``values`` closes the set of texts."""

    kind: Kind
    values: frozenset[str] | None = None


@dataclass(frozen=True)
class Array:
    """A list."""

    item: "Type"


@dataclass(frozen=True)
class Map:
    """An object whose member names are data."""

    value: "Type"


@dataclass(frozen=True)
class Member:
    """One member of a model. Null is not allowed, with very few exceptions."""

    type: "Type"
    presence: Presence
    is_nullable: bool = False


@dataclass(frozen=True)
class Model:
    """An object with known members."""

    name: str
    members: Mapping[str, Member]


@dataclass(frozen=True)
class Ref:
    """A model by name, as ``source``, one of the appendices, understands it."""

    name: str
    source: str = ""
    is_absolute: bool = False
    """For a link: it leads to another site."""


@dataclass(frozen=True)
class Page:
    """A collection (``00`` section 7.1)."""

    item: "Type"


@dataclass(frozen=True)
class Either:
    """One of several types."""

    options: tuple["Type", ...]


@dataclass(frozen=True)
class Anything:
    """What the appendix leaves open."""


Type = Scalar | Array | Map | Model | Ref | Page | Either | Anything

_WORD = re.compile(r"(?:(?P<source>\d\d)\.)?(?P<name>\w+)(?:<(?P<item>[^=].*)>|\[\d+\.\.\d+\]|<=\d+)?")
_PAGES = frozenset({"Collection", "ResourceCollection", "SeekCollection"})
_KINDS = {
    "string": Kind.TEXT,
    "enum": Kind.TEXT,
    "uri": Kind.TEXT,
    "absolute_url": Kind.TEXT,
    "iso2": Kind.TEXT,
    "iso4217": Kind.TEXT,
    "date": Kind.TEXT,
    "datetime_as_received": Kind.TEXT,
    "guid": Kind.GUID,
    "datetime": Kind.DATE_TIME,
    "datetime_midnight": Kind.DATE_TIME,
    "duration": Kind.DURATION,
    "int": Kind.WHOLE,
    "int32": Kind.WHOLE,
    "int64": Kind.WHOLE,
    "integer": Kind.WHOLE,
    "number": Kind.NUMBER,
    "double": Kind.NUMBER,
    "bool": Kind.FLAG,
    "boolean": Kind.FLAG,
    "scalar": Kind.SCALAR,
}


class Notation:
    """Reads the types of one appendix.

    ``models`` are the names it describes, ``enums`` its named sets of texts; ``inline`` is the presence of
    the members of an object that is written in place.
    """

    def __init__(
        self, source: str, models: Container[str], enums: Mapping[str, frozenset[str]], inline: Presence
    ) -> None:
        self.source = source
        self.models = models
        self.enums = enums
        self.inline = inline

    def parse(self, text: str) -> Type:
        """The type that ``text`` writes."""
        text = text.strip()
        if inner := _between(text, "array<", ">") or _between(text, "[", "]"):
            return Array(self.parse(inner))
        if text.endswith("[]"):
            return Array(self.parse(text[:-2]))
        if inner := _between(text, "map<", ">"):
            return Map(self.parse(inner.split(",", 1)[1]))
        if inner := _between(text, "{", "}"):
            return Model("", dict(self._members(inner)))
        if constant := _between(text, "'", "'"):
            return Scalar(Kind.TEXT, frozenset({constant}))
        if text.endswith(" or true"):
            return Either((self.parse(text.removesuffix(" or true")), Scalar(Kind.FLAG)))
        return self._named(text)

    def _members(self, text: str) -> Iterator[tuple[str, Member]]:
        for part in _split(text):
            name, _, written = part.partition(":")
            presence = Presence.WHEN_SET if name.strip().endswith("?") else self.inline
            kind = self.parse(written) if written.strip() else Anything()
            yield name.strip().rstrip("?"), Member(kind, presence)

    def _named(self, text: str) -> Type:
        word, _, remark = text.partition(" ")
        found = _WORD.fullmatch(word)
        if found is None:
            return self._alternatives(word)
        name, item = found["name"], found["item"]
        if name in _PAGES:
            return Page(self.parse(item) if item else Anything())
        if word.endswith("]"):
            return Array(self.parse(name))
        if name in self.enums:
            return Scalar(Kind.TEXT, self.enums[name])
        if name in _KINDS:
            return Scalar(_KINDS[name], frozenset(remark.split("|")) if "|" in remark else None)
        if name == "array":
            return Array(Anything())
        source = found["source"] or self.source
        return Ref(name, source, "absolute" in remark) if name[0].isupper() else Anything()

    def _alternatives(self, word: str) -> Type:
        """``Full|Partial``: a closed set of texts; of two models, either."""
        names = word.split("|")
        if all(name in self.models for name in names):
            return Either(tuple(Ref(name, self.source) for name in names))
        return Scalar(Kind.TEXT, frozenset(names)) if len(names) > 1 else Anything()


def _between(text: str, opening: str, closing: str) -> str | None:
    if text.startswith(opening) and text.endswith(closing) and len(text) > len(opening):
        return text[len(opening) : -len(closing)]
    return None


def _split(text: str) -> Iterator[str]:
    """The parts between the commas that stand outside all brackets."""
    depth, start = 0, 0
    for position, character in enumerate(text):
        depth += (character in "<[{") - (character in ">]}")
        if character == "," and depth == 0:
            yield text[start:position]
            start = position + 1
    yield text[start:]
