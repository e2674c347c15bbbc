"""Lines as files: JSON lines in gzip, made in bounded memory, the same bytes whenever they are made.

What reads the database runs in one transaction, so that the files show the books at one instant.
"""

import asyncio
import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from operator import attrgetter
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
from isal import isal_zlib
from msgspec import Struct

from comptoir.billing.exporting import ROWS_PER_BLOB, AttributeSet, Blob, ExportKind, blob_name
from comptoir.wire import exports as wire

T = TypeVar("T")

GZIP_LEVEL = 1
"""The level at which compressing costs less than encoding."""

GZIP_WINDOW = 31
"""zlib's word for gzip with a window of 32 KiB. The header has neither a time nor a name."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")
Project = Callable[[Any], Any]


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class Aside:
    """Does one thing after the other in a thread of its own while the next lines are read: the database
    needs no interpreter while it looks for them. It is one thing behind at most, so memory is bounded.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="export")
        self._last: Future[Any] | None = None

    def __enter__(self) -> "Aside":
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def begin(self, act: Callable[..., object], *arguments: Any) -> None:
        """Have something done once what was begun before is; raises what that raised."""
        await self._end()
        self._last = self._thread.submit(act, *arguments)

    async def finish(self, act: Callable[..., T], *arguments: Any) -> T:
        """Do something after everything that was begun, and wait for it."""
        await self.begin(act, *arguments)
        result: T = await self._end()
        return result

    async def _end(self) -> Any:
        """Wait as whoever reads must: a report on SQLite has a thread to itself and suspends never; on
        PostgreSQL it runs among the requests.
        """
        last, self._last = self._last, None
        if last is None:
            return None
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return last.result()
        return await asyncio.wrap_future(last)


class GzipLines:
    """A file of JSON lines in gzip that grows by lines. ``close`` makes it durable."""

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self.size = 0
        self._digest: Digest = hashlib.sha256()
        self._compressor = isal_zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WINDOW)
        self._file = path.open("wb")

    def write(self, items: Sequence[object]) -> None:
        self.rows += len(items)
        self._put(self._compressor.compress(_ENCODER.encode_lines(items)))

    def close(self) -> None:
        self._put(self._compressor.flush())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        self._file.close()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def _put(self, data: bytes) -> None:
        self.size += len(data)
        self._digest.update(data)
        self._file.write(data)


class Blobs:
    """The files of an export, each of up to ``rows_max`` lines."""

    def __init__(
        self, folder: Path, kind: ExportKind, attribute_set: AttributeSet, rows_max: int = ROWS_PER_BLOB
    ) -> None:
        self._folder = folder
        self._kind = kind
        self._rows_max = rows_max
        self._project = projection(kind, attribute_set)
        self._open: GzipLines | None = None
        self._made: list[Blob] = []

    def write(self, items: Sequence[Struct]) -> None:
        """Take lines, which begin a new file wherever one is full."""
        while items:
            file = self._open or self._begin()
            fitting = items[: self._rows_max - file.rows]
            file.write(fitting if self._project is None else [self._project(item) for item in fitting])
            items = items[len(fitting) :]
            if file.rows == self._rows_max:
                self._end(file)

    def close(self) -> tuple[Blob, ...]:
        """The files, all of them durable; none if there were no lines."""
        if self._open is not None:
            self._end(self._open)
        return tuple(self._made)

    def abandon(self) -> None:
        """Let go of a file that is not finished."""
        if self._open is not None:
            self._open.abandon()

    def _begin(self) -> GzipLines:
        self._open = GzipLines(self._folder / self._next_name())
        return self._open

    def _end(self, file: GzipLines) -> None:
        file.close()
        self._made.append(Blob(self._next_name(), file.size, file.rows, file.sha256[:32]))
        self._open = None

    def _next_name(self) -> str:
        return blob_name(self._kind, len(self._made) + 1)


def projection(kind: ExportKind, attribute_set: AttributeSet) -> Project | None:
    """What makes the basic form of a line; ``None`` where the whole line is asked for."""
    if attribute_set is AttributeSet.FULL:
        return None
    is_usage = kind is ExportKind.USAGE
    part: Any = wire.BasicUsage if is_usage else wire.BasicCharge
    members = attrgetter(*(wire.BASIC_USAGE if is_usage else wire.BASIC_CHARGE))
    return lambda item: part(*members(item))
