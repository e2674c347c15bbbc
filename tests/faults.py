"""Faults at chosen points of whatever writes, so that what is left behind can be held against a run without.

Wrap the database that a worker or a service writes to. Each write passes three points, counted from 0:
before it begins, when its work is done but not committed, and when it is committed but not answered. At one
of them ``strike`` may raise: ``Killed`` for the end of the process, an ``Exception`` for an error that the
program is to live with. Whoever is struck begins anew, on the database itself or with another wrapper.

    faults = Faults(database, at(17))
    with suppress(Killed):
        await run_until(replace(worker, database=faults), account_id=account_id)
    await run_until(worker, account_id=account_id)
"""

import asyncio
import random
import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from comptoir.bootstrap.making import Made
from comptoir.db import Database, Tx
from comptoir.db.engines import Engine, locate
from tests.engines import copy_postgresql, drop_postgresql, keep_postgresql, restore_postgresql

T = TypeVar("T")
POINTS_PER_WRITE = 3


class Killed(BaseException):
    """The end of the process: nothing that catches errors catches it."""


class DeliberateError(Exception):
    """An error such as a full disk."""


Strike = Callable[[int], None]
"""Called with the number of each point; raises where a fault is wanted."""


def never(point: int) -> None:
    """No fault: for counting the points."""


def at(wanted: int, fault: type[BaseException] = Killed) -> Strike:
    """A fault at one point."""

    def strike(point: int) -> None:
        if point == wanted:
            raise fault(f"at point {point}")

    return strike


def at_each(wanted: Sequence[int], *faults: type[BaseException]) -> Strike:
    """A fault at each of some points, the kinds of faults in turn."""
    turns = {point: faults[number % len(faults)] for number, point in enumerate(sorted(wanted))}

    def strike(point: int) -> None:
        if point in turns:
            raise turns[point](f"at point {point}")

    return strike


def dealt(points: Sequence[int], count: int) -> list[Sequence[int]]:
    """Points for several runs, at most ``count`` for each, as far apart as can be."""
    runs = -(-len(points) // count)
    return [points[number::runs] for number in range(runs)]


def seeded_points(count: int, points: int, seed: int) -> Iterator[int]:
    """``count`` different points of a run that has ``points``, or all of them; the same each time."""
    chosen = random.Random(seed).sample(range(points), min(count, points))
    yield from sorted(chosen)


def now_and_then(one_in: int, seed: int, *faults: type[BaseException]) -> Strike:
    """One of the faults at about one in so many points; the same ones for the same seed."""
    chance = random.Random(seed)

    def strike(point: int) -> None:
        if chance.randrange(one_in) == 0:
            raise chance.choice(faults)(f"at point {point}")

    return strike


class Faults:
    """A database whose writes are struck. Reads are let through.

    ``points`` were passed, at ``struck`` of them there was a fault.
    """

    def __init__(self, database: Database, strike: Strike = never) -> None:
        self._database = database
        self._strike = strike
        self.points = 0
        self.struck = 0

    async def write(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        first = self.points
        self.points += POINTS_PER_WRITE
        self._pass(first)

        async def struck(tx: Tx) -> T:
            result = await work(tx)
            self._pass(first + 1)
            return result

        result = await self._database.write(struck)
        self._pass(first + 2)
        return result

    def _pass(self, point: int) -> None:
        try:
            self._strike(point)
        except BaseException:
            self.struck += 1
            raise

    async def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return await self._database.read(work)

    async def report(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        return await self._database.report(work)

    async def close(self) -> None:
        await self._database.close()


@dataclass(frozen=True)
class Repeatable:
    """A database of the sample marketplace that goes back to a kept state, as often as wanted.

    Nobody has it open while it is kept or restored.
    """

    url: str
    made: Made

    async def keep(self) -> None:
        """Remember this state."""
        if self._file is None:
            await asyncio.to_thread(keep_postgresql, self.url)
        else:
            assert not self._file.with_name(f"{self._file.name}-wal").exists(), "the database is open"
            shutil.copyfile(self._file, self._kept)

    async def restore(self) -> None:
        """Go back to the state that was kept."""
        if self._file is None:
            await asyncio.to_thread(restore_postgresql, self.url)
        else:
            shutil.copyfile(self._kept, self._file)

    @property
    def _file(self) -> Path | None:
        location = locate(self.url)
        return location.path if location.engine is Engine.SQLITE else None

    @property
    def _kept(self) -> Path:
        assert self._file is not None
        return self._file.with_name("kept.db")


@pytest.fixture
def repeatable_sqlite(sample_sqlite_url: tuple[str, Made]) -> Repeatable:
    return Repeatable(*sample_sqlite_url)


@pytest.fixture
def repeatable_postgresql(
    postgresql_server: str, sample_postgresql: tuple[str, Made]
) -> Iterator[Repeatable]:
    url = copy_postgresql(postgresql_server, "sample")
    yield Repeatable(url, sample_postgresql[1])
    drop_postgresql(postgresql_server, url)


@pytest.fixture(params=["sqlite", "postgresql"])
def repeatable(request: pytest.FixtureRequest) -> Repeatable:
    """A sample marketplace of the test's own, on each engine, whose rows it can keep and restore."""
    found: Repeatable = request.getfixturevalue(f"repeatable_{request.param}")
    return found
