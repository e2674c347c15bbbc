"""The only place that draws ids: from the system's randomness, or from a seed for repeatable samples."""

import base64
import random
import re
import string
import uuid

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""The 36-character form of a GUID, in any case."""

DERIVED = uuid.UUID("6f3c0f43-52a1-5c5e-9d3c-8c7a9b0f0c4d")
"""The name space of derived GUIDs. Everything derived in the past depends on it."""

CATALOGUE_ALPHABET = string.ascii_uppercase + string.digits
TERM_ALPHABET = string.ascii_lowercase + string.digits


def derived_guid(*parts: str) -> str:
    """The GUID that follows from the parts: whoever derives it once more gets the same one."""
    return str(uuid.uuid5(DERIVED, "\n".join(parts)))


_GUID_BITS = (1 << 128) - 1
_VERSION_4_MASK = 0xF000 << 64 | 0xC000 << 48
_VERSION_4 = 0x4000 << 64 | 0x8000 << 48
"""The bits of a GUID that say how it was drawn (RFC 9562 section 5.4)."""


class Ids:
    """A source of ids. Not for secrets: those come from ``identity``."""

    def __init__(self, seed: int | None = None) -> None:
        self._random: random.Random = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - ids, never secrets

    def guid(self) -> str:
        """A version 4 GUID in lower case."""
        return _guid(self._random.getrandbits(128))

    def guids(self, count: int) -> list[str]:
        """Many at a time: asking the system for randomness costs more than writing a GUID down."""
        bits = self._random.getrandbits(128 * count) if count else 0
        return [_guid(bits >> 128 * number & _GUID_BITS) for number in range(count)]

    def order_id(self) -> str:
        """The modern order id: 32 characters, never beginning with ``-`` or ``_``, then ``1``."""
        text = base64.urlsafe_b64encode(self._random.getrandbits(192).to_bytes(24)).decode()
        first = {"-": "a", "_": "b"}.get(text[0], text[0])
        return first + text[1:] + "1"

    def correlation_vector(self) -> str:
        """Sixteen base64 characters that begin a new ``MS-CV`` (``00-cross-cutting`` section 3)."""
        return base64.b64encode(self._random.getrandbits(96).to_bytes(12)).decode()

    def alternate_id(self) -> str:
        """Twelve lower-case hex digits: the friendly id that invoices print."""
        return f"{self._random.getrandbits(48):012x}"

    def catalogue_id(self, prefix: str = "") -> str:
        """Twelve upper-case letters and digits, beginning with ``prefix``."""
        return prefix + "".join(self._random.choices(CATALOGUE_ALPHABET, k=12 - len(prefix)))

    def term_id(self) -> str:
        """Twelve lower-case letters and digits."""
        return "".join(self._random.choices(TERM_ALPHABET, k=12))


def _guid(bits: int) -> str:
    """As ``uuid`` writes it, in a third of the time."""
    text = f"{bits & ~_VERSION_4_MASK | _VERSION_4:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
