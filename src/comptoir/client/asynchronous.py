"""What the two clients do differently: wait. ``synchronous`` has the same names."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Protocol, TypeVar, runtime_checkable

from comptoir.client.credentials import ClientCredentials, RefreshToken, ScopedToken

T = TypeVar("T")

Lock = asyncio.Lock
Sleep = Callable[[float], Awaitable[None]]
sleep: Sleep = asyncio.sleep


@runtime_checkable
class GivesTokens(Protocol):
    """A credential of azure-identity, of either kind."""

    def get_token(self, *scopes: str) -> ScopedToken | Awaitable[ScopedToken]: ...


Credential = ClientCredentials | RefreshToken | GivesTokens | Callable[[], str | Awaitable[str]] | str


async def resolved(value: T | Awaitable[T]) -> T:
    """The value itself, whether or not it must be waited for."""
    return await value if isawaitable(value) else value
