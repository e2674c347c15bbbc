"""Seeded walks through months of billing, on both engines, held against a model and a calculator.

``COMPTOIR_MONTHS_SEEDS=100`` walks 100 seeds on each engine, ``COMPTOIR_MONTHS_FIRST=40`` begins at another
one, ``COMPTOIR_MONTHS_STEPS`` sets their length.
"""

import os

import pytest
from tests.market import Market
from tests.simulation.months import open_walk

pytestmark = pytest.mark.anyio

FIRST = int(os.environ.get("COMPTOIR_MONTHS_FIRST", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("COMPTOIR_MONTHS_SEEDS", "3")))
STEPS = int(os.environ.get("COMPTOIR_MONTHS_STEPS", "70"))


@pytest.mark.parametrize("seed", SEEDS)
async def test_months_agree_with_the_calculator(market: Market, seed: int) -> None:
    walker = await open_walk(market, seed)
    try:
        for _ in range(STEPS):
            await walker.take()
        await walker.finish()
    except BaseException:
        print("\n".join([f"seed {seed} goes wrong:", *walker.story]))
        raise
