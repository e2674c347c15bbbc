"""Lists that come in pages."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from comptoir.client.request import Request
from comptoir.wire.types import Collection

T = TypeVar("T")

Turn = Callable[[Request], Awaitable[tuple[Collection[T], Request | None]]]
"""Asks for a page; gives it with the request for the next one, ``None`` after the last."""


class AsyncPages(Generic[T]):
    """A list of the service. Nothing is asked for before the first item is.

    ``async for item in pages`` gives every item; each page is asked for when the one before is used up.
    """

    def __init__(self, first: Request, turn: Turn[T]) -> None:
        self._first = first
        self._turn = turn

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.by_page():
            for item in page.items:
                yield item

    async def by_page(self) -> AsyncIterator[Collection[T]]:
        """The pages themselves, with their links and continuation tokens."""
        following: Request | None = self._first
        while following is not None:
            page, following = await self._turn(following)
            yield page

    async def first(self) -> Collection[T]:
        """The first page, which is all there is where the service does not page."""
        page, _ = await self._turn(self._first)
        return page

    async def to_list(self) -> list[T]:
        """Every item of every page."""
        return [item async for item in self]
