"""The only place that draws ids: from the system's randomness, or from a seed for repeatable samples."""

import base64
import random
import re
import string
import uuid

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""The 36-character form of a GUID, in any case."""

CATALOGUE_ALPHABET = string.ascii_uppercase + string.digits
TERM_ALPHABET = string.ascii_lowercase + string.digits


class Ids:
    """A source of ids. Not for secrets: those come from ``identity``."""

    def __init__(self, seed: int | None = None) -> None:
        self._random: random.Random = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - ids, never secrets

    def guid(self) -> str:
        """A version 4 GUID in lower case."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

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
