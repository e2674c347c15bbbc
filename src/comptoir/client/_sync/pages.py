# Made from ../_async by tools/generate.py; do not edit.
"""Lists that come in pages."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from comptoir.client.request import Request
from comptoir.wire.types import Collection

T = TypeVar("T")

Turn = Callable[[Request], tuple[Collection[T], Request | None]]
"""Asks for a page; gives it with the request for the next one, ``None`` after the last."""


class Pages(Generic[T]):
    """A list of the service. Nothing is asked for before the first item is.

    ``for item in pages`` gives every item; each page is asked for when the one before is used up.
    """

    def __init__(self, first: Request, turn: Turn[T]) -> None:
        self._first = first
        self._turn = turn

    def __iter__(self) -> Iterator[T]:
        for page in self.by_page():
            for item in page.items:
                yield item

    def by_page(self) -> Iterator[Collection[T]]:
        """The pages themselves, with their links and continuation tokens."""
        following: Request | None = self._first
        while following is not None:
            page, following = self._turn(following)
            yield page

    def first(self) -> Collection[T]:
        """The first page, which is all there is where the service does not page."""
        page, _ = self._turn(self._first)
        return page

    def to_list(self) -> list[T]:
        """Every item of every page."""
        return [item for item in self]
