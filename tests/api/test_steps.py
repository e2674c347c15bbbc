"""Calls that open their own transactions, and calls that overdue work comes before.

Operations of the test's own stand for them, served by the real edge.
"""

import asyncio
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import httpx2
import pytest
from tests.clock_market import Diary
from tests.faults import DeliberateError
from tests.market import ADMIN, BASE_URL, HELPDESK, START, Market
from tests.store.ledger import names, put

from comptoir.api import dispatch, services
from comptoir.api.app import Application
from comptoir.api.call import Call, Handler
from comptoir.api.replay import REPLAYED
from comptoir.api.services import SETTLINGS_MAX, Services
from comptoir.bootstrap.wiring import HANDLERS
from comptoir.clock import service as clock
from comptoir.clock.model import Lease
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal, Unsettled
from comptoir.db import Tx
from comptoir.wire.operation import Mode, Operation
from comptoir.wire.operations import OPERATIONS
from comptoir.wire.types import Body, Reply

pytestmark = pytest.mark.anyio

SECONDS_MAX = 10
ID = "11111111-0000-4000-8000-000000000000"


class Probed(Reply, kw_only=True):
    effects: int


class ProbeBody(Body):
    name: str | None = None


def operation(verb: str, method: str, mode: Mode) -> Operation:
    path = f"/v1/probes/{verb}"
    request = None if method == "GET" else ProbeBody
    return Operation(f"probe.{verb}", method, path, "A probe", Probed, request, mode=mode)


PROBES = (
    operation("steps", "POST", Mode.STEPS),
    operation("look", "GET", Mode.STEPS),
    operation("write", "POST", Mode.WRITE),
)


@dataclass
class Probe:
    """What the operations do: each run leaves a row and says how many there are, unless it is to fail."""

    market: Market
    account_id: str
    diary: Diary
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    contexts: list[Context] = field(default_factory=list)
    runs: int = 0
    fault: Exception | None = None

    def server(self) -> httpx2.AsyncClient:
        """A server of its own over the same database."""
        handlers: dict[str, Handler] = {
            "probe.steps": self._steps,
            "probe.look": self._steps,
            "probe.write": self._write,
        }
        application = Application(self.market.services, {**HANDLERS, **handlers}, nullcontext)
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(application), base_url=BASE_URL)

    async def _steps(self, held: Services, ctx: Context, call: Call) -> Probed:
        self.contexts.append(ctx)
        await held.write(self._leave)
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return Probed(effects=await self.effects())

    async def _write(self, tx: Tx, ctx: Context, call: Call) -> Probed:
        await self._leave(tx)
        return Probed(effects=len(await names(tx)))

    async def _leave(self, tx: Tx) -> None:
        self.runs += 1
        await put(tx, f"effect {self.runs}")
        due_at = await clock.next_due_of(tx, self.account_id)
        if due_at is not None and due_at <= START:
            raise Unsettled(self.account_id)

    async def wait_until_run(self, runs: int = 1) -> None:
        """Wait for so many runs, and a little for calls that would be more."""
        async with asyncio.timeout(SECONDS_MAX):
            while self.runs < runs:  # noqa: ASYNC110 - on SQLite the writer's thread counts
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)

    async def effects(self) -> int:
        return len([name for name in await self.market.read(names) if name.startswith("effect")])

    async def call(
        self,
        client: httpx2.AsyncClient,
        verb: str = "steps",
        *,
        user: str = ADMIN,
        request_id: str | None = ID,
        name: str = "x",
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {await self.market.token('sandbox', user)}"}
        if request_id is not None:
            headers["MS-RequestId"] = request_id
        if verb == "look":
            return await client.get("/v1/probes/look", headers=headers)
        return await client.post(f"/v1/probes/{verb}", json={"name": name}, headers=headers)


@pytest.fixture
async def probe(market: Market, monkeypatch: pytest.MonkeyPatch) -> Probe:
    account = await market.account()
    made = Probe(market, account.id, Diary(market, account))
    monkeypatch.setattr(dispatch, "OPERATIONS", (*OPERATIONS, *PROBES))
    made.gate.set()
    return made


def is_replayed(reply: httpx2.Response) -> bool:
    assert reply.status_code == 200, reply.text
    return bool(reply.headers.get(REPLAYED) == "true")


async def test_a_handler_in_steps_knows_its_caller(probe: Probe) -> None:
    reply = await probe.call(probe.server(), request_id=None)
    assert reply.json() == {"effects": 1}
    (ctx,) = probe.contexts
    assert (ctx.account.id, ctx.actor.user_name, ctx.now) == (probe.account_id, ADMIN, START)


async def test_writing_in_steps_needs_a_seller(probe: Probe) -> None:
    client = probe.server()
    refused = await probe.call(client, user=HELPDESK)
    assert (refused.status_code, refused.json()["code"]) == (403, 900150)
    assert probe.runs == 0
    assert (await probe.call(client, "look", user=HELPDESK)).status_code == 200
    nobody = await client.post("/v1/probes/steps")
    assert nobody.status_code == 401


async def test_equal_calls_at_once_have_one_effect_and_equal_answers(probe: Probe) -> None:
    client = probe.server()
    probe.gate.clear()
    calls = [asyncio.create_task(probe.call(client)) for _ in range(5)]
    await probe.wait_until_run()
    assert (probe.runs, any(call.done() for call in calls)) == (1, False)
    probe.gate.set()
    replies = [await call for call in calls]
    assert {reply.content for reply in replies} == {b'{"effects":1}'}
    assert [is_replayed(reply) for reply in replies] == [False, True, True, True, True]
    later = await probe.call(client)
    assert (later.content, is_replayed(later)) == (b'{"effects":1}', True)
    assert (probe.runs, await probe.effects()) == (1, 1)


async def test_calls_that_differ_do_not_join(probe: Probe) -> None:
    client = probe.server()
    await probe.call(client)
    await probe.call(client, name="another")
    await probe.call(client, request_id=ID.replace("1", "2"))
    await probe.call(client, request_id=None)
    await probe.call(client, request_id=None)
    await probe.call(client, "look")
    await probe.call(client, "look")
    assert probe.runs == 7


async def test_the_stored_answer_ends_with_its_time(probe: Probe) -> None:
    client = probe.server()
    await probe.call(client)
    for wait, runs in ((timedelta(hours=23, minutes=59), 1), (timedelta(minutes=1), 2)):
        probe.market.wait(seconds=wait.total_seconds())
        probe.market.tokens.clear()
        await probe.call(client)
        assert probe.runs == runs


async def test_a_call_that_broke_off_runs_again(probe: Probe) -> None:
    client = probe.server()
    probe.gate.clear()
    probe.fault = DeliberateError()
    calls = [asyncio.create_task(probe.call(client)) for _ in range(2)]
    await probe.wait_until_run()
    probe.gate.set()
    assert [(await call).status_code for call in calls] == [500, 500]
    probe.fault = None
    again = await probe.call(client)
    assert (again.json(), is_replayed(again)) == ({"effects": 2}, False)


async def test_a_refusal_is_told_to_all_who_joined_and_is_not_stored(probe: Probe) -> None:
    client = probe.server()
    probe.gate.clear()
    probe.fault = Refusal(Code.NOT_FOUND)
    calls = [asyncio.create_task(probe.call(client)) for _ in range(3)]
    await probe.wait_until_run()
    probe.gate.set()
    assert [(await call).json()["code"] for call in calls] == [1000] * 3
    probe.fault = None
    assert (await probe.call(client)).status_code == 200
    assert probe.runs == 2


async def test_a_call_goes_on_when_its_caller_is_gone(probe: Probe) -> None:
    client = probe.server()
    probe.gate.clear()
    gone = asyncio.create_task(probe.call(client))
    await probe.wait_until_run()
    gone.cancel()
    with suppress(asyncio.CancelledError):
        await gone
    probe.gate.set()
    repeated = await probe.call(client)
    assert (repeated.json(), is_replayed(repeated)) == ({"effects": 1}, True)
    assert probe.runs == 1


async def test_two_servers_give_one_answer(probe: Probe) -> None:
    """They do not see each other's open calls: the answer that is stored first counts."""
    probe.gate.clear()
    calls = [asyncio.create_task(probe.call(probe.server())) for _ in range(2)]
    await probe.wait_until_run(2)
    probe.gate.set()
    replies = [await call for call in calls]
    assert len({reply.content for reply in replies}) == 1
    assert sorted(is_replayed(reply) for reply in replies) == [False, True]


@pytest.mark.parametrize("verb", ["write", "steps"])
async def test_overdue_work_is_done_before_the_call(probe: Probe, verb: str) -> None:
    for hours in (1, 2):
        await probe.diary.plan(f"{hours}", START - timedelta(hours=hours))
    reply = await probe.call(probe.server(), verb)
    assert (reply.status_code, probe.runs) == (200, 2)
    assert await probe.effects() == 1
    assert [subject for subject, _ in await probe.diary.read()] == ["2", "1"]


@pytest.mark.parametrize("verb", ["write", "steps"])
async def test_a_call_gives_up_if_overdue_work_cannot_be_done(probe: Probe, verb: str) -> None:
    await probe.diary.plan("x", START)
    probe.diary.break_("x")
    client = probe.server()
    reply = await probe.call(client, verb)
    assert (reply.status_code, reply.json()["code"]) == (409, 800064)
    assert (probe.runs, await probe.effects()) == (SETTLINGS_MAX + 1, 0)
    assert probe.diary.attempts == 1


async def test_a_call_does_not_wait_long_for_overdue_work(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "SETTLING_SECONDS_MAX", 0.05)
    await probe.diary.plan("x", START)
    lease = Lease("other", START + timedelta(hours=1))
    assert await probe.market.write(partial(clock.claim, lease=lease, wall=START, limit=1))
    reply = await probe.call(probe.server(), "write")
    assert (reply.status_code, reply.json()["code"]) == (409, 800064)
    assert await probe.diary.read() == []
