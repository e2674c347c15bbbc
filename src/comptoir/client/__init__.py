"""A client of Partner Center and of Comptoir: typed, synchronous and asynchronous.

    from comptoir.client import ClientCredentials, Comptoir

    credential = ClientCredentials("contoso.example", client_id, client_secret)
    with Comptoir(credential, base_url="http://127.0.0.1:8080") as client:
        for customer in client.customers.list():
            print(customer.company_profile.company_name)

What needs the HTTP library is loaded when it is first asked for, and only the client that is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from comptoir.client.credentials import PARTNER_CENTER, PARTNER_CENTER_CHINA, ClientCredentials, RefreshToken
from comptoir.client.errors import (
    BadRequest,
    ComptoirError,
    Conflict,
    Forbidden,
    NotFound,
    PreconditionFailed,
    ServerError,
    ServiceError,
    Throttled,
    TokenRefused,
    Unauthorized,
    UnexpectedReply,
    Unreachable,
)
from comptoir.client.retry import RetryPolicy

__all__ = [
    "PARTNER_CENTER",
    "PARTNER_CENTER_CHINA",
    "AsyncComptoir",
    "AsyncPages",
    "BadRequest",
    "ClientCredentials",
    "Comptoir",
    "ComptoirError",
    "Conflict",
    "Forbidden",
    "NotFound",
    "Pages",
    "PreconditionFailed",
    "RefreshToken",
    "RetryPolicy",
    "ServerError",
    "ServiceError",
    "Throttled",
    "TokenRefused",
    "Unauthorized",
    "UnexpectedReply",
    "Unreachable",
]

if TYPE_CHECKING:
    from comptoir.client._async.client import AsyncComptoir
    from comptoir.client._async.pages import AsyncPages
    from comptoir.client._sync.client import Comptoir
    from comptoir.client._sync.pages import Pages
else:
    _LOADED_LATE = {
        "AsyncComptoir": "_async.client",
        "AsyncPages": "_async.pages",
        "Comptoir": "_sync.client",
        "Pages": "_sync.pages",
    }

    def __getattr__(name: str) -> object:
        if name not in _LOADED_LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_LOADED_LATE[name]}"), name)
