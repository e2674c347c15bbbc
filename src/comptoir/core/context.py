"""What a use case knows of the call it serves: who, for which account, at which time, with which ids."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from comptoir.core.accounts import Account
from comptoir.core.ids import Ids


class Role(StrEnum):
    """A partner user's role, as it stands in the ``roles`` claim."""

    ADMIN_AGENTS = "AdminAgents"
    SALES_AGENTS = "SalesAgents"
    HELPDESK_AGENTS = "HelpdeskAgents"
    BILLING_ADMIN = "BillingAdmin"
    GLOBAL_ADMIN = "GlobalAdmin"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who calls: an application, and the user on whose behalf if the token is app+user.

    ``publisher_id`` is set for an application of a publisher, which acts upon what its customers bought.
    """

    application_id: str
    user_id: str | None = None
    user_name: str | None = None
    roles: frozenset[Role] = frozenset()
    has_mfa: bool = False
    publisher_id: str | None = None

    @property
    def id(self) -> str:
        """The signed-in user's GUID, else the application's."""
        return self.user_id or self.application_id


@dataclass(frozen=True, slots=True)
class Context:
    """The facts of one call.

    ``now`` is the account's time and decides terms, expiry and delays; ``wall`` is the real time and decides
    tokens, stored replies and leases (contract README, decision 24). Both are aware UTC.
    ``sign`` and ``unsign`` make and open the opaque texts handed to callers, for one purpose each
    ("continuation", "purchase"); ``unsign`` gives ``None`` for a text that was not signed here.
    ``publisher_page_size`` is how many purchases a page of a publisher's list holds at most.
    ``strict`` is set for clients that only know the older vocabularies (``00-cross-cutting`` section 12.2).
    """

    account: Account
    actor: Actor
    now: datetime
    wall: datetime
    ids: Ids
    correlation_id: str
    request_id: str
    sign: Callable[[str, bytes], str]
    unsign: Callable[[str, str], bytes | None]
    locale: str = "en-US"
    strict: bool = False
    public_base_url: str = "http://127.0.0.1:8080"
    publisher_page_size: int = 100
