"""An advance of a clock that is struck anywhere and taken up again leaves what an undisturbed one leaves.

The advance goes through five months of ``scenario`` with an invoice run in each, whose steps are cut small.
Several points are struck in each run, far apart; ``COMPTOIR_FAULTS_PER_RUN=1`` gives each point a run of its
own, ``COMPTOIR_FAULT_POINTS=100000`` strikes every point.
"""

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest
from tests import watch
from tests.faults import (
    DeliberateError,
    Faults,
    Killed,
    Repeatable,
    Strike,
    at_each,
    dealt,
    never,
    now_and_then,
    seeded_points,
)
from tests.market import Market, open_market
from tests.simulation import books, scenario

from comptoir import worker
from comptoir.billing import service_invoices
from comptoir.bootstrap.server import make_context
from comptoir.clock import service_moving as clocks
from comptoir.clock.moving import Move
from comptoir.core.accounts import OPERATOR_ACCOUNT
from comptoir.core.context import Actor

pytestmark = pytest.mark.anyio

POINTS = int(os.environ.get("COMPTOIR_FAULT_POINTS", "200"))
PER_RUN = int(os.environ.get("COMPTOIR_FAULTS_PER_RUN", "10"))
SEED = 4
STORMS = 3
TRIES_MAX = 500
Content = dict[str, list[str]]


@pytest.fixture
async def promised(repeatable: Repeatable, monkeypatch: pytest.MonkeyPatch) -> Repeatable:
    """A marketplace with an advance that is open and has not begun, on each engine."""
    async with open_market(repeatable.url, repeatable.made) as market:
        await scenario.live(market)
        await promise(market)
    await repeatable.keep()
    monkeypatch.setattr(service_invoices, "EFFORT_MAX", 1)
    return repeatable


async def promise(market: Market) -> None:
    ctx = make_context(market.services, OPERATOR_ACCOUNT, Actor("operator"), market.now)
    account = await market.account()
    move = Move(to=scenario.AHEAD)
    await market.write(partial(clocks.open_advance, ctx=ctx, account=account, move=move))


async def outcome(repeatable: Repeatable, strike: Strike) -> tuple[Content, Faults]:
    """What the database holds when the advance has ended, and how its writes were struck."""
    await repeatable.restore()
    async with open_market(repeatable.url, repeatable.made) as market:
        market.time[0] = scenario.STANDS_AT
        account = await market.account()
        faults = Faults(market.services.database, strike)
        for _ in range(TRIES_MAX):
            with suppress(Killed, DeliberateError):
                await worker.advance(replace(market.worker, database=faults, advances={}), account.id)
            if account.id not in await market.read(clocks.advancing):
                break
        content = await watch.content(market.services.database)
        if strike is never:
            await books.prove(market)
    return content, faults


async def suspect(repeatable: Repeatable, points: Sequence[int], undisturbed: Content) -> list[int]:
    """Those of some points at which a single fault changes the outcome."""
    found = []
    for point in points:
        for fault in (Killed, DeliberateError):
            content, _ = await outcome(repeatable, at_each([point], fault))
            if content != undisturbed:
                found.append(point)
    return found


async def test_whatever_point_is_struck_the_outcome_is_the_same(
    promised: Repeatable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    undisturbed, faults = await outcome(promised, never)
    assert faults.points > 200
    assert sum("run_invoices" in row or "ready_invoice" in row for row in undisturbed["journal"]) >= 8
    points = list(seeded_points(POINTS, faults.points, SEED))
    for number, chosen in enumerate(dealt(points, PER_RUN)):
        kinds = (Killed, DeliberateError) if number % 2 else (DeliberateError, Killed)
        content, disturbed = await outcome(promised, at_each(chosen, *kinds))
        assert disturbed.struck == len(chosen)
        assert content == undisturbed, (chosen, await suspect(promised, chosen, undisturbed))


async def test_a_storm_of_faults_leaves_the_same(
    promised: Repeatable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    undisturbed, _ = await outcome(promised, never)
    for seed in range(STORMS):
        content, faults = await outcome(promised, now_and_then(9, seed, Killed, DeliberateError))
        assert faults.struck > 5
        assert content == undisturbed, seed
