"""Lists that come in pages."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from comptoir.wire.types import Collection

T = TypeVar("T")


class AsyncPages(Generic[T]):
    """A list of the service. Nothing is asked for before the first item is.

    ``async for item in pages`` gives every item; each page is asked for when the one before is used up.
    """

    def __init__(self, pages: Callable[[], AsyncIterator[Collection[T]]]) -> None:
        self._pages = pages

    def by_page(self) -> AsyncIterator[Collection[T]]:
        """The pages themselves, with their links and continuation tokens."""
        return self._pages()

    async def first(self) -> Collection[T]:
        """The first page: all there is, where the service does not page."""
        async for page in self._pages():
            return page
        raise AssertionError("a list has a first page")

    async def to_list(self) -> list[T]:
        """Every item of every page."""
        return [item async for item in self]

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self._pages():
            for item in page.items:
                yield item
