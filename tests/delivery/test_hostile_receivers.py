"""The whole way over real sockets: hostile receivers are retried in bounds and logged, and delay nobody."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.delivery.hostile import BEHAVIOURS, Site, site
from tests.store.test_deliveries import Post, until

from comptoir.audit import service as audit
from comptoir.db import open_database
from comptoir.delivery.model import Policy, State
from comptoir.delivery.networks import parse_allowed
from comptoir.delivery.service_engine import Engine, run_daemon
from comptoir.delivery.service_sending import Sender, trust

pytestmark = pytest.mark.anyio

POLICY = Policy(
    timeout=timedelta(milliseconds=600),
    retries=1,
    gap=timedelta(milliseconds=50),
    places=12,
    places_per_host=12,
)
HOSTILE = sorted(BEHAVIOURS.keys() - {"well", "refuses", "drips_its_body", "breaks_off", "floods", "bomb"})
"""Those from which no answer comes that would end a delivery."""

TWO_HUNDREDS = ("well", "drips_its_body", "breaks_off", "floods", "bomb")


@pytest.fixture
async def receiver() -> AsyncIterator[Site]:
    async with site() as started:
        yield started


@pytest.fixture
async def post(sqlite_url: str) -> AsyncIterator[Post]:
    opened = await open_database(sqlite_url, before_commit=audit.append)
    yield Post(opened)
    await opened.close()


def over_the_network(post: Post) -> Engine:
    """The engine with the real network and time that passes by itself."""
    loop = asyncio.get_running_loop()
    wall, begun = post.time[0], loop.time()
    return replace(
        post.engine,
        send=Sender(POLICY.timeout, parse_allowed("127.0.0.0/8"), trust("")),
        policy=POLICY,
        wall=lambda: wall + timedelta(seconds=loop.time() - begun),
    )


async def test_hostile_receivers_are_retried_in_bounds_and_logged_and_delay_nobody(
    post: Post, receiver: Site
) -> None:
    ids: dict[str, str] = {}
    for behaviour in (*HOSTILE, "tls"):
        scheme = "https" if behaviour == "tls" else "http"
        post.urls[behaviour] = receiver.url("well" if scheme == "https" else behaviour, scheme=scheme)
        ids[behaviour] = await post.order(behaviour, queue=behaviour, product_id=behaviour)
    engine = over_the_network(post)
    daemon = asyncio.create_task(run_daemon(engine))
    loop = asyncio.get_running_loop()
    try:
        await until(lambda: engine.under_way.total() > 0)
        begun = loop.time()
        post.urls["well"] = receiver.url("well")
        for number in range(3):
            await post.order(f"well {number}", queue="well", product_id="well", host="well.example")
        engine.alarm.set()
        await until(lambda: ("well 2", State.DELIVERED, 200) in post.told)
        assert timedelta(seconds=loop.time() - begun) < POLICY.timeout, "while others wait for their time"
        await until(lambda: len(post.told) == len(ids) + 3 and not engine.under_way)
    finally:
        daemon.cancel()
        await asyncio.gather(daemon, return_exceptions=True)
    for behaviour, delivery_id in ids.items():
        delivery = await post.get(delivery_id)
        assert (delivery.state, delivery.attempts) == (State.DEAD, POLICY.retries + 1), behaviour
        log = await post.log(delivery_id)
        assert [attempt.number for attempt in log] == [1, 2]
        assert all(attempt.reply.status or attempt.reply.error for attempt in log)
        assert all(attempt.duration_ms < 2_000 for attempt in log), behaviour


async def test_answers_end_a_delivery_however_their_body_misbehaves(post: Post, receiver: Site) -> None:
    for behaviour in (*TWO_HUNDREDS, "refuses"):
        post.urls[behaviour] = receiver.url(behaviour)
        await post.order(behaviour, queue=behaviour, product_id=behaviour)
    daemon = asyncio.create_task(run_daemon(over_the_network(post)))
    try:
        await until(lambda: len(post.told) == len(TWO_HUNDREDS) + 1)
    finally:
        daemon.cancel()
        await asyncio.gather(daemon, return_exceptions=True)
    assert sorted(post.told) == sorted(
        [*((each, State.DELIVERED, 200) for each in TWO_HUNDREDS), ("refuses", State.REFUSED, 409)]
    )
