"""The ids of a request, and the headers that every answer carries (``00-cross-cutting`` sections 2 and 3)."""

import re
from dataclasses import dataclass

from comptoir.api.call import Parameters
from comptoir.core.ids import Ids

DEFAULT_LOCALE = "en-US"
STRICT_CLIENTS = frozenset(
    {"partner center java sdk", "partner center powershell", "partner center open .net sdk"}
)
"""Clients that only know the older vocabularies (``00-cross-cutting`` section 12.2)."""

_LOCALE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,2}", re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,128}")
_VECTOR = re.compile(r"[A-Za-z0-9+/]{16,22}(\.[0-9]{1,10}){1,10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Trace:
    """``request_id`` is the idempotency key of writes if the caller sent it, else drawn here."""

    request_id: str
    is_repeatable: bool
    correlation_id: str
    vector: str
    locale: str
    client: str

    @classmethod
    def of(cls, headers: Parameters, ids: Ids) -> "Trace":
        """Take over what the caller sent, as far as it can be echoed in a header; draw the rest."""
        request_id = _echoable(headers.get("MS-RequestId"))
        vector = headers.get("MS-CV")
        locale = headers.get("X-Locale") or DEFAULT_LOCALE
        return cls(
            request_id=request_id or ids.guid(),
            is_repeatable=request_id is not None,
            correlation_id=_echoable(headers.get("MS-CorrelationId")) or ids.guid(),
            vector=f"{vector}.0" if vector and _VECTOR.fullmatch(vector) else f"{ids.correlation_vector()}.0",
            locale=locale if _LOCALE.fullmatch(locale) else DEFAULT_LOCALE,
            client=(headers.get("MS-PartnerCenter-Client") or "").lower(),
        )

    @property
    def is_strict(self) -> bool:
        return self.client in STRICT_CLIENTS

    def headers(self, server_id: str) -> dict[str, str]:
        return {
            "MS-RequestId": self.request_id,
            "MS-CorrelationId": self.correlation_id,
            "MS-CV": self.vector,
            "MS-ServerId": server_id,
            "X-Locale": self.locale,
        }


def _echoable(value: str | None) -> str | None:
    return value if value is not None and _PRINTABLE.fullmatch(value) else None
