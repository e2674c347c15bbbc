"""What the two clients do differently: wait. ``asynchronous`` has the same names."""

import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

from comptoir.client.credentials import ClientCredentials, RefreshToken, ScopedToken

T = TypeVar("T")

Lock = threading.Lock
Sleep = Callable[[float], None]
sleep: Sleep = time.sleep


@runtime_checkable
class GivesTokens(Protocol):
    """A credential of azure-identity."""

    def get_token(self, *scopes: str) -> ScopedToken: ...


Credential = ClientCredentials | RefreshToken | GivesTokens | Callable[[], str] | str


def resolved(value: T) -> T:
    """The value itself: there is nothing to wait for."""
    return value
