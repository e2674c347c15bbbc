"""Seeded random walks over the whole application, on both engines.

Each walk draws some dozens of steps from its seed and looks, after each of them, whether everything still
holds that the contract promises. ``COMPTOIR_SIMULATION_SEEDS=300`` walks 300 seeds on each engine,
``COMPTOIR_SIMULATION_FIRST=100`` begins at another seed, ``COMPTOIR_SIMULATION_STEPS`` sets their length.
"""

import asyncio
import itertools
import os
import shutil
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from tests.engines import restore_postgresql
from tests.market import Market, open_market
from tests.simulation.walk import Step, Walker, draw, walk

pytestmark = pytest.mark.anyio

FIRST = int(os.environ.get("COMPTOIR_SIMULATION_FIRST", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("COMPTOIR_SIMULATION_SEEDS", "4")))
STEPS = int(os.environ.get("COMPTOIR_SIMULATION_STEPS", "60"))
SHRINKING_RUNS_MAX = 60

Fresh = Callable[[], AbstractAsyncContextManager[Market]]


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Fresh:
    """Opens a marketplace that nobody has used, as often as it is asked to."""
    place, made = request.getfixturevalue(f"sample_{request.param}")
    numbers = itertools.count()

    @asynccontextmanager
    async def fresh_sqlite() -> AsyncIterator[Market]:
        path = tmp_path / f"{next(numbers)}.db"
        shutil.copyfile(place, path)
        async with open_market(f"sqlite:///{path}", made) as market:
            yield market

    @asynccontextmanager
    async def fresh_postgresql() -> AsyncIterator[Market]:
        try:
            async with open_market(place, made) as market:
                yield market
        finally:
            await asyncio.to_thread(restore_postgresql, place)

    return fresh_sqlite if request.param == "sqlite" else fresh_postgresql


async def attempt(fresh: Fresh, steps: Sequence[Step]) -> tuple[Walker, int, Exception | None]:
    async with fresh() as market:
        return await walk(market, steps)


async def shrink(fresh: Fresh, steps: Sequence[Step]) -> list[Step]:
    """Fewer steps that still go wrong: leave out halves, quarters and so on while that is so."""
    kept, size, runs = list(steps), max(1, len(steps) // 2), 0
    while runs < SHRINKING_RUNS_MAX:
        start = 0
        while start < len(kept) and runs < SHRINKING_RUNS_MAX:
            fewer = kept[:start] + kept[start + size :]
            runs += 1
            _, number, error = await attempt(fresh, fewer)
            if error is None:
                start += size
            else:
                kept = fewer[: number + 1]
        if size == 1:
            break
        size //= 2
    return kept


async def report(fresh: Fresh, seed: int, steps: Sequence[Step], error: Exception) -> str:
    """What went wrong and the shortest way found to it. Steps at once may need several tries."""
    walker, _, again = await attempt(fresh, steps)
    lines = traceback.format_exception(again or error)
    return "\n".join(
        [
            f"seed {seed} goes wrong{'' if again else ' (not each time)'}; {len(steps)} steps lead there:",
            *(f"  {step}" for step in steps),
            "what they did:",
            *(f"  {line}" for line in walker.story),
            *lines,
        ]
    )


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_walk(fresh: Fresh, seed: int) -> None:
    steps = draw(seed, STEPS)
    _, number, error = await attempt(fresh, steps)
    if error is None:
        return
    steps = await shrink(fresh, steps[: number + 1])
    pytest.fail(await report(fresh, seed, steps, error), pytrace=False)
