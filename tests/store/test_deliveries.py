"""Deliveries: in order within their queue, at least once, bounded, and none in the way of another."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.receivers import Receivers, answering, unreachable
from tests.store.test_journal import context

from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import Ids
from comptoir.db import Database, Tx
from comptoir.delivery import rules, service
from comptoir.delivery.model import (
    Attempt,
    Delivery,
    DeliveryEnqueued,
    DeliveryFilter,
    Message,
    Outcome,
    Policy,
    Reply,
    State,
    Target,
)
from comptoir.delivery.service import Headers, Kind, MakeContext
from comptoir.delivery.service_engine import Engine, ring_when_enqueued, run_daemon, run_pending, send_now

pytestmark = pytest.mark.anyio

WALL = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
POLICY = Policy(retries=3, gap=timedelta(seconds=60), places=8, places_per_host=4)
PENDING, DELIVERED, REFUSED, DEAD, DROPPED = State
IDS = Ids(11)


class DeliberateError(Exception):
    """What a handler raises to see what becomes of its delivery."""


@dataclass
class Post:
    """An engine over a database, the network it sends to, and what it told of the ends."""

    database: Database
    receivers: Receivers = field(default_factory=Receivers)
    time: list[datetime] = field(default_factory=lambda: [WALL])
    told: list[tuple[str, State, int | None]] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    over: set[str] = field(default_factory=set)
    urls: dict[str, str] = field(default_factory=dict)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = self.another_engine("first")

    def another_engine(self, owner: str) -> Engine:
        return Engine(
            database=self.database,
            kinds={"test": Kind(self._target, self._headers, self._ended, self._begun)},
            ticks=(),
            wall=lambda: self.time[0],
            make_context=self.make_context,
            send=self.receivers,
            policy=POLICY,
            owner=owner,
            alarm=asyncio.Event(),
        )

    async def make_context(self, tx: Tx, account_id: str, wall: datetime) -> Context:
        return replace(context(account_id), wall=wall, ids=IDS)

    async def _target(self, tx: Tx, delivery: Delivery) -> Target | None:
        url = self.urls.get(delivery.product_id, delivery.url)
        return Target(url, "northbeam", delivery.product_id, "tenant", "app") if url else None

    def _headers(self, target: Target, wall: datetime) -> Headers:
        return (("X-Application", target.application_id),)

    async def _begun(self, tx: Tx, ctx: Context, delivery: Delivery) -> str | None:
        self.begun.append(delivery.subject_id)
        return "it is over" if delivery.subject_id in self.over else None

    async def _ended(self, tx: Tx, ctx: Context, delivery: Delivery, outcome: Outcome) -> None:
        assert ctx.account.id == delivery.account_id
        self.told.append((delivery.subject_id, outcome.state, outcome.status))

    async def order(
        self,
        subject_id: str,
        *,
        queue: str = "q",
        host: str = "app.example",
        account_id: str = "contoso",
        product_id: str = "PRODUCT",
        is_refusable: bool = True,
    ) -> str:
        target = Target(f"https://{host}/hook", "northbeam", product_id, "tenant", "app")

        async def enqueue(tx: Tx) -> str:
            return await service.enqueue(
                tx,
                await self.make_context(tx, account_id, self.time[0]),
                queue=queue,
                kind="test",
                subject_id=subject_id,
                target=target,
                body=f'{{"id":"{subject_id}"}}'.encode(),
                is_refusable=is_refusable,
            )

        return await self.database.write(enqueue)

    async def run(self, **waited: int) -> Counter[State]:
        self.time[0] += timedelta(**waited)
        return await run_pending(self.engine)

    async def get(self, delivery_id: str) -> Delivery:
        return await self.database.read(lambda tx: service.require(tx, delivery_id))

    async def log(self, delivery_id: str) -> list[Attempt]:
        async def read(tx: Tx) -> list[Attempt]:
            return await service.attempts(tx, await service.require(tx, delivery_id))

        return await self.database.read(read)

    async def redeliver(self, delivery_id: str) -> Delivery:
        ctx = replace(context("operator"), wall=self.time[0])
        return await self.database.write(lambda tx: service.redeliver(tx, ctx, delivery_id))

    @property
    def sent(self) -> list[str]:
        return [body["id"] for body in self.receivers.bodies]


@pytest.fixture
async def post(database: Database) -> Post:
    return Post(database)


async def test_what_is_ordered_is_sent_told_and_logged(post: Post) -> None:
    delivery_id = await post.order("one")
    before = await post.get(delivery_id)
    assert (before.state, before.attempts, before.next_attempt_at) == (PENDING, 0, WALL)
    assert await post.run() == Counter({DELIVERED: 1})
    (message,) = post.receivers.messages
    assert message.url == "https://app.example/hook"
    assert message.body == b'{"id":"one"}'
    assert dict(message.headers) == {
        "Content-Type": "application/json; charset=utf-8",
        "X-Application": "app",
    }
    assert post.begun == ["one"]
    assert post.told == [("one", DELIVERED, 200)]
    after = await post.get(delivery_id)
    assert (after.state, after.attempts, after.last_status) == (DELIVERED, 1, 200)
    assert (after.settled_at, after.next_attempt_at) == (WALL, None)
    (attempt,) = await post.log(delivery_id)
    assert (attempt.number, attempt.url, attempt.started_at) == (1, "https://app.example/hook", WALL)
    assert attempt.reply == Reply(200)
    assert await post.run(hours=9) == Counter()


async def test_what_is_rolled_back_is_not_sent(post: Post) -> None:
    async def fail(tx: Tx) -> None:
        target = Target("https://app.example/hook", "northbeam", "P", "t", "a")
        await service.enqueue(
            tx, context(), queue="q", kind="test", subject_id="x", target=target, body=b"", is_refusable=True
        )
        raise DeliberateError

    with pytest.raises(DeliberateError):
        await post.database.write(fail)
    assert await post.run() == Counter()


async def test_a_refusal_ends_it_where_there_is_something_to_refuse(post: Post) -> None:
    post.receivers.answer = answering(403)
    await post.order("request", queue="a")
    await post.order("notice", queue="b", is_refusable=False)
    assert await post.run() == Counter({REFUSED: 1, PENDING: 1})
    assert post.told == [("request", REFUSED, 403)]


async def test_failures_are_retried_in_bounds_with_the_same_body(post: Post) -> None:
    post.receivers.answer = unreachable
    delivery_id = await post.order("one")
    assert await post.run() == Counter({PENDING: 1})
    assert await post.run(seconds=50) == Counter()
    assert await post.run(seconds=17) == Counter({PENDING: 1})
    post.receivers.answer = answering(500)
    assert await post.run(seconds=67) == Counter({PENDING: 1})
    assert post.told == []
    assert await post.run(seconds=67) == Counter({DEAD: 1})
    assert post.told == [("one", DEAD, 500)]
    assert {message.body for message in post.receivers.messages} == {b'{"id":"one"}'}
    log = await post.log(delivery_id)
    assert [attempt.number for attempt in log] == [1, 2, 3, 4]
    assert [attempt.reply.status for attempt in log] == [None, None, 500, 500]
    assert [attempt.reply.error for attempt in log] == ["connection refused"] * 2 + [None] * 2
    after = await post.get(delivery_id)
    assert (after.state, after.attempts, after.last_status, after.last_error) == (DEAD, 4, 500, None)
    assert await post.run(hours=9) == Counter()


async def test_a_queue_keeps_its_order_under_failures(post: Post) -> None:
    for subject in ("one", "two", "three"):
        await post.order(subject)
    post.receivers.answer = unreachable
    await post.run()
    assert post.sent == ["one"]
    post.receivers.answer = answering(200)
    await post.run(seconds=10)
    assert post.sent == ["one"]
    assert await post.run(seconds=60) == Counter({DELIVERED: 3})
    assert post.sent == ["one", "one", "two", "three"]


async def test_after_a_dead_one_its_queue_goes_on(post: Post) -> None:
    first = await post.order("one")
    await post.order("two")
    post.receivers.answer = lambda message: Reply(500 if b"one" in message.body else 200)
    for _ in range(POLICY.retries + 1):
        await post.run(seconds=70)
    assert post.sent == ["one"] * 4 + ["two"]
    assert post.told == [("one", DEAD, 500), ("two", DELIVERED, 200)]
    assert (await post.get(first)).state is DEAD


async def test_what_is_over_is_not_sent_and_its_queue_goes_on(post: Post) -> None:
    post.receivers.answer = unreachable
    first = await post.order("one")
    await post.run()
    await post.order("two")
    post.over.add("one")
    post.receivers.answer = answering(200)
    assert await post.run(seconds=70) == Counter({DROPPED: 1, DELIVERED: 1})
    assert post.sent == ["one", "two"], "once before it was over"
    after = await post.get(first)
    assert (after.state, after.settled_at, after.last_error) == (DROPPED, post.time[0], "it is over")
    assert await post.run(hours=9) == Counter()


async def test_queues_do_not_wait_for_each_other(post: Post) -> None:
    post.receivers.answer = lambda message: Reply(500 if b"sick" in message.body else 200)
    await post.order("sick", queue="a", host="dead.example")
    await post.order("sick too", queue="b")
    await post.order("well", queue="c")
    assert await post.run() == Counter({PENDING: 2, DELIVERED: 1})
    await post.order("later", queue="c", account_id="other")
    assert await post.run() == Counter({DELIVERED: 1})


async def test_one_at_a_time_within_a_queue_and_bounded_for_each_host(post: Post) -> None:
    under_way: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def slow(message: Message) -> Reply:
        names = ("all", message.url, message.body.decode().split(" ")[0])
        under_way.update(names)
        for name in names:
            most[name] = max(most[name], under_way[name])
        await asyncio.sleep(0.002)
        under_way.subtract(names)
        return Reply(200)

    engine = replace(post.engine, send=slow)
    for number in range(6):
        for queue in range(5):
            for host in ("a", "b", "c"):
                await post.order(f"{host}{queue} {number}", queue=f"{host}{queue}", host=host)
    assert await run_pending(engine) == Counter({DELIVERED: 90})
    assert most.pop("all") == POLICY.places
    urls = {name: count for name, count in most.items() if name.startswith("https")}
    assert set(urls.values()) <= set(range(1, POLICY.places_per_host + 1))
    assert {count for name, count in most.items() if name not in urls} == {1}
    assert [subject for subject, *_ in post.told if subject.startswith("a0")] == [f"a0 {n}" for n in range(6)]
    assert not engine.under_way


async def test_a_claim_that_dies_before_it_records_sends_the_same_body_again(post: Post) -> None:
    class Killed(BaseException):
        pass

    async def die(message: Message) -> Reply:
        await post.receivers(message)
        raise Killed

    delivery_id = await post.order("one")
    with pytest.raises(Killed):
        await run_pending(replace(post.engine, send=die))
    assert post.told == []
    another = post.another_engine("second")
    assert await run_pending(another) == Counter(), "the lease keeps others away"
    post.time[0] = rules.lease_until(WALL, POLICY)
    assert await run_pending(another) == Counter({DELIVERED: 1})
    assert post.receivers.messages[0] == post.receivers.messages[1]
    assert (await post.get(delivery_id)).attempts == 2
    assert [attempt.number for attempt in await post.log(delivery_id)] == [2]


async def test_an_attempt_that_is_cut_off_leaves_no_lease(post: Post) -> None:
    silence = asyncio.Event()

    async def dawdle(message: Message) -> Reply:
        silence.set()
        await asyncio.Event().wait()
        raise AssertionError

    delivery_id = await post.order("one")
    engine = replace(post.engine, send=dawdle)
    daemon = asyncio.create_task(run_daemon(engine))
    await silence.wait()
    daemon.cancel()
    await asyncio.gather(daemon, return_exceptions=True)
    assert not engine.under_way
    assert await run_pending(post.another_engine("second")) == Counter({DELIVERED: 1})
    assert (await post.get(delivery_id)).attempts == 2


async def test_leases_can_be_taken_away(post: Post) -> None:
    class Killed(BaseException):
        pass

    async def die(message: Message) -> Reply:
        raise Killed

    await post.order("one")
    with pytest.raises(Killed):
        await run_pending(replace(post.engine, send=die))
    assert await post.run() == Counter()
    assert await post.database.write(service.release_leases) == 1
    assert await post.database.write(service.release_leases) == 0
    assert await post.run() == Counter({DELIVERED: 1})


async def test_who_lost_the_lease_records_nothing(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    thief = post.another_engine("thief")

    async def dawdle(message: Message) -> Reply:
        post.time[0] = rules.lease_until(post.time[0], POLICY)
        assert await run_pending(thief) == Counter({DELIVERED: 1})
        return Reply(500)

    delivery_id = await post.order("one")
    assert await run_pending(replace(post.engine, send=dawdle)) == Counter()
    assert "somebody else has it now" in caplog.text
    assert (await post.get(delivery_id)).state is DELIVERED
    assert post.told == [("one", DELIVERED, 200)]


async def test_engines_side_by_side_send_each_once(post: Post) -> None:
    for number in range(40):
        await post.order(f"{number:02}", queue=f"q{number % 20}", host=f"h{number % 5}")
    ended = await asyncio.gather(*(run_pending(post.another_engine(name)) for name in ("a", "b", "c")))
    assert sum((each[DELIVERED] for each in ended), 0) == 40
    assert sorted(post.sent) == [f"{number:02}" for number in range(40)]


async def test_orders_at_the_same_time_all_have_their_turn(post: Post) -> None:
    """Each must see whether something waits before it, even while that is being settled."""
    for round_number in range(3):
        await asyncio.gather(
            run_pending(post.another_engine(f"a{round_number}")),
            *(post.order(f"{round_number} {number}") for number in range(6)),
            run_pending(post.another_engine(f"b{round_number}")),
        )
    await post.run(seconds=70)
    assert len(post.sent) == 18
    assert len(set(post.sent)) == 18


async def test_retries_follow_the_catalogue_to_a_new_address(post: Post) -> None:
    post.receivers.answer = unreachable
    delivery_id = await post.order("one")
    await post.run()
    post.urls["PRODUCT"] = "https://new.example/hook"
    post.receivers.answer = answering(200)
    await post.run(seconds=70)
    assert [message.url for message in post.receivers.messages] == [
        "https://app.example/hook",
        "https://new.example/hook",
    ]
    assert (await post.get(delivery_id)).url == "https://new.example/hook"


async def test_without_an_address_there_is_an_attempt_that_failed(post: Post) -> None:
    delivery_id = await post.order("one")
    post.urls["PRODUCT"] = ""
    assert await post.run() == Counter({PENDING: 1})
    assert post.receivers.messages == []
    assert (await post.get(delivery_id)).last_error == "there is no address to send it to"


async def test_a_delivery_that_nobody_is_registered_for_dies_in_bounds(post: Post) -> None:
    delivery_id = await post.order("one")
    engine = replace(post.engine, kinds={})
    for _ in range(POLICY.retries + 1):
        await run_pending(engine)
        post.time[0] += timedelta(seconds=70)
    assert (await post.get(delivery_id)).state is DEAD


def _broken(post: Post, part: str) -> Engine:
    async def fail(*_: object) -> None:
        raise DeliberateError("deliberate")

    def refuse(target: Target, wall: datetime) -> Headers:
        raise Refusal(Code.TOKEN_INVALID, reason="deliberate")

    if part == "send":
        return replace(post.engine, send=fail)  # type: ignore[arg-type] # that is what is broken
    whole = post.engine.kinds["test"]
    kind = {
        "begun": replace(whole, begun=fail),
        "headers": replace(whole, headers=refuse),
        "ended": replace(whole, ended=fail),
    }[part]
    return replace(post.engine, kinds={"test": kind})


@pytest.mark.parametrize("part", ["begun", "headers", "send", "ended"])
async def test_whatever_breaks_counts_as_an_attempt(post: Post, part: str) -> None:
    engine = _broken(post, part)
    delivery_id = await post.order("one")
    well = await post.order("well", queue="other", host="well.example")
    for _ in range(POLICY.retries + 1):
        await run_pending(engine)
        post.time[0] += timedelta(seconds=70)
    after = await post.get(delivery_id)
    is_told = part != "ended"
    assert (after.state, after.attempts) == (DEAD if is_told else PENDING, 4), "no end that nobody hears of"
    assert "deliberate" in (after.last_error or "")
    assert (await post.get(well)).attempts == 4
    assert sorted(post.told) == ([("one", DEAD, None), ("well", DEAD, None)] if is_told else [])


async def test_foreign_text_is_stored_harmless_and_short(post: Post) -> None:
    nasty = "\x00\x1b[2J" + "\ud800" + "x" * 5_000
    post.receivers.answer = lambda message: Reply(500, nasty)
    delivery_id = await post.order("one")
    await post.run()
    post.receivers.answer = lambda message: Reply(None, error=nasty)
    await post.run(seconds=70)
    for attempt in await post.log(delivery_id):
        text = attempt.reply.excerpt + (attempt.reply.error or "")
        assert text.isprintable()
        assert len(text) <= rules.EXCERPT_LENGTH_MAX


async def test_the_log_of_a_long_trial_stays_short(post: Post) -> None:
    engine = replace(post.engine, policy=replace(POLICY, retries=59, gap=timedelta(seconds=1)))
    post.receivers.answer = answering(500)
    delivery_id = await post.order("one")
    for _ in range(60):
        await run_pending(engine)
        post.time[0] += timedelta(seconds=2)
    numbers = [attempt.number for attempt in await post.log(delivery_id)]
    assert numbers == [1, *range(12, 61)]


async def test_an_order_anew_sends_the_same_again_with_all_its_tries(post: Post) -> None:
    post.receivers.answer = answering(500)
    delivery_id = await post.order("one")
    for _ in range(4):
        await post.run(seconds=70)
    anew = await post.redeliver(delivery_id)
    assert (anew.state, anew.attempts, anew.attempts_counted) == (PENDING, 4, 0)
    assert anew.next_attempt_at == post.time[0]
    for _ in range(3):
        assert await post.run(seconds=70) == Counter({PENDING: 1})
    post.receivers.answer = answering(200)
    assert await post.run(seconds=70) == Counter({DELIVERED: 1})
    assert post.told == [("one", DEAD, 500), ("one", DELIVERED, 200)]
    assert len({message.body for message in post.receivers.messages}) == 1


async def test_an_order_anew_goes_before_what_waits_behind_it(post: Post) -> None:
    first = await post.order("one")
    await post.run()
    post.receivers.answer = unreachable
    await post.order("two")
    await post.order("three")
    await post.run()
    await post.redeliver(first)
    post.receivers.answer = answering(200)
    await post.run()
    assert post.sent == ["one", "two", "one", "two", "three"]


async def test_what_waits_is_tried_at_once_when_ordered_anew(post: Post) -> None:
    post.receivers.answer = unreachable
    delivery_id = await post.order("one")
    await post.run()
    assert await post.run(seconds=1) == Counter()
    await post.redeliver(delivery_id)
    assert await post.run() == Counter({PENDING: 1})


async def test_an_order_anew_during_the_last_attempt_counts(post: Post) -> None:
    delivery_id = await post.order("one")
    post.receivers.answer = answering(500)
    for _ in range(POLICY.retries):
        await post.run(seconds=70)

    async def anew(message: Message) -> Reply:
        await post.redeliver(delivery_id)
        return Reply(500)

    post.time[0] += timedelta(seconds=70)
    assert await run_pending(replace(post.engine, send=anew)) == Counter({PENDING: 1})
    after = await post.get(delivery_id)
    assert (after.attempts, after.attempts_before) == (4, 4)
    for _ in range(POLICY.retries):
        assert await post.run(seconds=70) == Counter({PENDING: 1})
    assert await post.run(seconds=70) == Counter({DEAD: 1})


async def test_an_unknown_delivery_is_not_ordered_anew(post: Post) -> None:
    for unknown in ("nothing", "\x00"):
        with pytest.raises(Refusal) as refused:
            await post.redeliver(unknown)
        assert refused.value.code is Code.NAME_UNKNOWN


async def test_a_caller_can_wait_for_the_first_attempt(post: Post) -> None:
    delivery_id = await post.order("one")
    second = await post.order("two")
    waiting = await send_now(post.engine, "contoso", second)
    assert waiting is not None
    assert (waiting.state, post.sent) == (PENDING, []), "it is not its turn"
    sent = await send_now(post.engine, "contoso", delivery_id)
    assert sent is not None
    assert (sent.state, sent.last_status) == (DELIVERED, 200)
    again = await send_now(post.engine, "contoso", delivery_id)
    assert again is not None
    assert (again.attempts, post.sent) == (1, ["one"])
    assert await send_now(post.engine, "other", second) is None
    post.receivers.answer = unreachable
    failed = await send_now(post.engine, "contoso", second)
    assert failed is not None
    assert (failed.state, failed.last_error) == (PENDING, "connection refused")
    await send_now(post.engine, "contoso", second)
    assert post.sent == ["one", "two"], "its next attempt has its time"


async def test_a_caller_that_waits_takes_no_place_that_is_not_there(post: Post) -> None:
    delivery_id = await post.order("one")
    engine = replace(post.engine, under_way=Counter({"a": POLICY.places}))
    left = await send_now(engine, "contoso", delivery_id)
    assert left is not None
    assert (left.state, left.attempts, post.sent) == (PENDING, 0, [])


async def test_callers_that_wait_keep_to_the_places_of_their_receiver(post: Post) -> None:
    most = 0

    async def slow(message: Message) -> Reply:
        nonlocal most
        most = max(most, engine.under_way.total())
        await asyncio.sleep(0.01)
        return Reply(200)

    engine = replace(post.engine, send=slow)
    ids = [await post.order(f"{number}", queue=f"q{number}") for number in range(12)]
    await asyncio.gather(*(send_now(engine, "contoso", each) for each in ids))
    assert most <= POLICY.places_per_host
    assert not engine.under_way


async def test_timers_are_called_and_say_when_again(post: Post) -> None:
    calls: list[datetime] = []

    async def tick(database: Database, wall: datetime, make_context: MakeContext) -> datetime | None:
        calls.append(wall)
        ctx = await database.write(lambda tx: make_context(tx, "contoso", wall))
        assert ctx.account.id == "contoso"
        return wall if len(calls) == 1 else None

    async def broken(database: Database, wall: datetime, make_context: MakeContext) -> datetime | None:
        raise DeliberateError

    await post.order("one")
    engine = replace(post.engine, ticks=(broken, tick))
    assert await run_pending(engine) == Counter({DELIVERED: 1})
    assert calls[:2] == [WALL, WALL], "more to do at once"
    assert len(calls) == 3, "and once more after what was sent"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in the code under test
            await asyncio.sleep(0.002)


async def test_the_daemon_sends_what_is_ordered_and_what_falls_due(post: Post) -> None:
    """By an alarm, by the time of the next attempt, and by polling for what other processes have ordered."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    engine = replace(
        post.engine,
        wall=lambda: WALL + timedelta(seconds=loop.time() - begun),
        policy=replace(POLICY, gap=timedelta(milliseconds=30)),
    )
    daemon = asyncio.create_task(run_daemon(engine, poll=timedelta(seconds=30)))
    try:
        await asyncio.sleep(0.01)
        await post.order("rung")
        engine.alarm.set()
        await until(lambda: post.sent == ["rung"])
        post.receivers.answer = answering(503)
        await post.order("due", queue="b")
        engine.alarm.set()
        await until(lambda: post.sent.count("due") >= 2)
        post.receivers.answer = answering(200)
        await until(lambda: ("due", DELIVERED, 200) in post.told)
    finally:
        daemon.cancel()
        await asyncio.gather(daemon, return_exceptions=True)


async def test_the_daemon_outlives_a_database_that_fails(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [0]

    class Failing:
        """A database that cannot be read the first two times."""

        write = post.database.write

        async def read(self, work: Callable[[Tx], Awaitable[object]]) -> object:
            failures[0] += 1
            if failures[0] <= 2:
                raise DeliberateError
            return await post.database.read(work)

    engine = replace(post.engine, database=Failing())  # type: ignore[arg-type] # a part of a database
    await post.order("one")
    daemon = asyncio.create_task(run_daemon(engine, poll=timedelta(milliseconds=5)))
    try:
        await until(lambda: post.sent == ["one"])
    finally:
        daemon.cancel()
        await asyncio.gather(daemon, return_exceptions=True)
    assert "deliveries could not be claimed" in caplog.text


async def test_dead_receivers_delay_nobody(post: Post) -> None:
    """Twice as many deliveries to silent receivers as there are places, and a receiver that is well."""
    silence = asyncio.Event()

    async def send(message: Message) -> Reply:
        if "dead" in message.url:
            await silence.wait()
        return await post.receivers(message)

    engine = replace(post.engine, send=send, failing={f"dead{number}" for number in range(4)})
    for number in range(16):
        await post.order(f"dead {number}", queue=f"d{number}", host=f"dead{number % 4}")
    daemon = asyncio.create_task(run_daemon(engine, poll=timedelta(seconds=30)))
    try:
        await until(lambda: engine.under_way.total() == POLICY.places // 2)
        for number in range(6):
            await post.order(f"well {number}", queue=f"w{number % 2}", host="well")
        engine.alarm.set()
        await until(lambda: len(post.sent) == 6)
        assert all(subject.startswith("well") for subject in post.sent)
    finally:
        silence.set()
        await until(lambda: len(post.sent) == 22)
        daemon.cancel()
        await asyncio.gather(daemon, return_exceptions=True)


async def test_the_alarm_rings_after_the_commit_only(post: Post) -> None:
    alarm = asyncio.Event()

    async def order(tx: Tx) -> None:
        target = Target("https://app.example/hook", "northbeam", "P", "t", "a")
        await service.enqueue(
            tx, context(), queue="q", kind="test", subject_id="x", target=target, body=b"", is_refusable=True
        )
        ring_when_enqueued(tx, [DeliveryEnqueued("contoso")], alarm)
        assert not alarm.is_set()

    await post.database.write(order)
    await asyncio.sleep(0)
    assert alarm.is_set()


async def listed(post: Post, count: int = 50, **wanted: object) -> list[str]:
    chosen = DeliveryFilter(**wanted)  # type: ignore[arg-type] # the test's words
    found = await post.database.read(lambda tx: service.page(tx, chosen, count))
    return [delivery.subject_id for delivery in found]


async def test_deliveries_are_listed_by_what_an_operator_looks_for(post: Post) -> None:
    post.receivers.answer = lambda message: Reply(400 if b"3" in message.body else 200)
    ids = []
    for number in range(6):
        ids.append(
            await post.order(
                f"{number}", queue=f"q{number % 2}", account_id=f"account{number % 3}", host=f"h{number}"
            )
        )
        post.time[0] += timedelta(seconds=1)
    await post.run()
    assert await listed(post) == ["5", "4", "3", "2", "1", "0"]
    assert await listed(post, 2) == ["5", "4"]
    assert await listed(post, 2, after=ids[4]) == ["3", "2"]
    assert await listed(post, queue="q1") == ["5", "3", "1"]
    assert await listed(post, account_id="account0") == ["3", "0"]
    assert await listed(post, publisher_id="northbeam", queue="q0") == ["4", "2", "0"]
    assert await listed(post, publisher_id="other") == []
    assert await listed(post, state=REFUSED) == ["3"]
    assert await listed(post, state=DELIVERED, account_id="account0", after=ids[3]) == ["0"]
    assert await listed(post, queue="\x00") == []
    with pytest.raises(Refusal):
        await listed(post, after="unknown")


async def test_deliveries_of_one_instant_are_paged_without_loss(post: Post) -> None:
    ids = {await post.order(f"{number}", queue=f"q{number}") for number in range(5)}
    found: list[str] = []
    after: str | None = None
    for _ in range(6):
        wanted = DeliveryFilter(after=after)
        page = await post.database.read(lambda tx, wanted=wanted: service.page(tx, wanted, 2))  # type: ignore[misc]
        if not page:
            break
        found += [delivery.id for delivery in page]
        after = found[-1]
    assert len(found) == 5
    assert set(found) == ids
