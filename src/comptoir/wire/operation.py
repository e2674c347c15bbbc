"""One row of the table of operations: everything that router, client, documents and tests need to know."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Audience(StrEnum):
    """Whose token an operation takes."""

    PUBLIC = "public"
    PARTNER = "partner"
    OPERATOR = "operator"
    PUBLISHER = "publisher"


SELLERS = frozenset({"AdminAgents", "SalesAgents", "GlobalAdmin"})
"""The roles of users who may change something for customers; the others may read."""


class Mode(StrEnum):
    """How the edge runs a handler: inside one transaction, or free to open short ones itself."""

    READ = "read"
    REPORT = "report"
    """A read of so much that others are served meanwhile."""
    WRITE = "write"
    STEPS = "steps"


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter. Names match in any case; values stay text until the handler reads them.

    ``kind`` is what the text stands for: ``str``, ``int`` (none is negative) or ``bool``.
    """

    name: str
    summary: str
    required: bool = False
    kind: type[str | int | bool] = str


@dataclass(frozen=True, slots=True)
class Operation:
    """A call that Comptoir serves.

    ``path`` holds parameters as ``{name}`` (any text), ``{name:guid}`` or ``{name:int}``. ``errors`` lists
    the documented refusals as ``"status/code"``. ``user_only`` marks calls that refuse app-only tokens;
    ``roles`` limits app+user callers to some roles; empty means sellers for a partner's write, else all.
    ``cached`` marks catalogue reads whose answer depends on nothing but the request, the account and the
    catalogue's version.
    """

    id: str
    method: str
    path: str
    summary: str
    reply: Any
    request: Any = None
    status: int = 200
    mode: Mode = Mode.READ
    audience: Audience = Audience.PARTNER
    query: tuple[Query, ...] = ()
    errors: tuple[str, ...] = ()
    user_only: bool = False
    roles: frozenset[str] = frozenset()
    family: str = ""
    aliases: tuple[str, ...] = ()
    """Other methods answered the same way."""
    cached: bool = False
    headers: tuple[str, ...] = ()
    """Headers that this call reads besides those that every call reads."""
    reply_headers: tuple[str, ...] = ()
    """Headers of a successful answer besides those of every answer."""
    reads_body: bool = False
    """Whether the handler reads the body, which is not decoded at the edge then."""
    form: Any = None
    """The fields of a body that is sent as a form. The handler reads it; it is not decoded at the edge."""
    media_type: str = "application/json"
    """What a successful answer is."""

    @property
    def is_for_publishers(self) -> bool:
        """Whether it belongs to one of the publishers' APIs, which have headers and refusals of their own."""
        return self.path.split("/")[1] == "api"

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.mode is Mode.WRITE or (self.mode is Mode.STEPS and self.method != "GET")

    @property
    def allowed_roles(self) -> frozenset[str]:
        """The roles of users who may call it; empty for all."""
        is_partner_write = self.audience is Audience.PARTNER and self.writes
        return self.roles or (SELLERS if is_partner_write else frozenset())
