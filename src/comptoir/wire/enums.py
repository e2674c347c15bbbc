"""Names of enumeration values on the wire (``00-cross-cutting`` section 5.4, ``10`` section 0.3)."""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import TypeVar

E = TypeVar("E", bound=StrEnum)

_FURTHER_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
_ORDINAL = re.compile(r"-?[0-9]{1,9}")


class UnknownValue(ValueError):
    """A value that an enumeration does not have."""

    def __init__(self, value: str | int) -> None:
        self.value = value
        super().__init__(f"the value {value} is not understood")


def wire_enum(name: str) -> str:
    """The .NET converter's rule: first letter lower, ``_`` before every further capital.

    >>> wire_enum("GovernmentCommunityCloud")
    'government_community_cloud'
    """
    return _FURTHER_CAPITAL.sub("_", name).lower()


def parse_enum(kind: type[E], value: str | int | None, ordinals: Mapping[int, E] | None = None) -> E | None:
    """The member that a client means by ``one_time``, ``OneTime``, ``ONETIME``, ``4`` or ``"4"``.

    Member values are wire spellings. ``ordinals`` are the numbers of the .NET enumeration; without them no
    number is understood. ``None`` stays ``None``. Raises ``UnknownValue``.
    """
    if value is None:
        return None
    found = _by_name(kind).get(fold(value)) if isinstance(value, str) else None
    if found is None:
        found = _by_ordinal(value, ordinals or {})
    if found is None:
        raise UnknownValue(value)
    return found


def fold(text: str) -> str:
    """What remains of a name when case and underscores do not count."""
    return text.strip().replace("_", "").lower()


@cache
def _by_name(kind: type[E]) -> Mapping[str, E]:
    return {fold(member.value): member for member in kind}


def _by_ordinal(value: str | int, ordinals: Mapping[int, E]) -> E | None:
    if isinstance(value, bool) or (isinstance(value, str) and not _ORDINAL.fullmatch(value.strip())):
        return None
    return ordinals.get(int(value))
