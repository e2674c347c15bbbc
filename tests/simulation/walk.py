"""A walk: steps drawn from a seed, each with chance of its own, so that some can be left out of a replay."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

import httpx2
from tests import watch
from tests.market import START, Market
from tests.simulation import asks, books
from tests.simulation.asks import Ask, World
from tests.simulation.catalogue import LIST_ITEMS, PLANS, TRIAL_TERMS, Variant
from tests.simulation.invariants import Check, availabilities_of, entries_of, parsed
from tests.simulation.ledger import Customer, Item, Ledger

WALK_MAX = timedelta(days=25)
"""A walk ends before the first term does, and before what is not activated is cancelled."""

REPLAY_LIFE = timedelta(hours=24)
ALONE: dict[Callable[[World], Ask | None], int] = {
    asks.create_cart: 9,
    asks.checkout: 15,
    asks.put_cart: 4,
    asks.create_order: 10,
    asks.buy_add_on: 5,
    asks.cancel_order: 5,
    asks.send_order_back: 1,
    asks.activate: 9,
    asks.cancel_subscription: 5,
    asks.change_seats: 7,
    asks.switch_auto_renew: 3,
    asks.convert_trial: 2,
    asks.create_customer: 4,
    asks.confirm_agreement: 3,
    asks.delete_customer: 1,
    asks.import_catalogue: 5,
    asks.change_settings: 5,
}
AT_ONCE = {ask: weight for ask, weight in ALONE.items() if ask is not asks.change_settings}
KINDS = {"alone": 60, "at_once": 14, "work": 10, "wait": 8, "repeat": 6, "look": 6}


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, and the seed of the chance it takes."""

    kind: str
    seed: int


@dataclass(frozen=True, slots=True)
class Done:
    """A success that is stored for a day."""

    ask: Ask
    status: int
    content: bytes
    at: datetime


def draw(seed: int, count: int) -> list[Step]:
    """The steps of a seed."""
    rng = Random(seed)
    kinds = rng.choices(list(KINDS), list(KINDS.values()), k=count)
    return [Step(kind, rng.getrandbits(32)) for kind in kinds]


class Walker:
    """Takes steps through one marketplace and keeps the ledger. ``story`` tells what was done."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._ledger = Ledger()
        self._done: list[Done] = []
        self._check: Check
        self.story: list[str] = []

    async def prepare(self) -> None:
        """The marketplace as the walk finds it."""
        account = await self._market.account()
        self._check = Check(self._market, self._ledger, account.id)
        made = next(made for made in self._market.made.accounts if made.name == "sandbox")
        for customer in made.customers:
            self._ledger.customers[customer.id] = Customer(customer.id, customer.country, has_agreement=True)
        text = Variant().text()
        body = {"files": [{"name": "driftwood.yaml", "text": text}]}
        reply = await self._market.post("/operator/v1/catalog/import", body, account="operator")
        assert reply.status_code == 200, reply.text
        await self._read_items(Variant())

    async def take(self, step: Step) -> None:
        """One step, and a look at everything that it may have broken."""
        rng = Random(step.seed)
        await getattr(self, f"_{step.kind}")(rng)
        await self._check.rows()

    async def finish(self) -> None:
        """The last look goes over everything."""
        await self._check.rows()
        for customer in list(self._ledger.customers.values()):
            await self._check.customer(customer)
        await self._check.customer_list()
        await self._check.carts_shown()
        await self._check.catalogue(self._ledger.current.values())
        await self._check.chains()
        await books.prove(self._market)

    # Steps

    async def _alone(self, rng: Random) -> None:
        ask = self._draw_ask(rng, ALONE)
        if ask is None:
            return
        reply = await self._send(ask)
        outcome = self._tell("", ask, reply)
        assert ask.expects is None or outcome in ask.expects, f"{outcome} is none of {set(ask.expects)}"
        before = self._ledger.variant
        if reply.is_success:
            shown = parsed(reply)
            ask.examine(shown)
            self._absorb(ask, reply)
            await self._require_journal(ask)
        if ask.is_import:
            await self._read_items(before)
            await self._check.catalogue(self._some_items(rng))
        if ask.may_keep:
            await self._check.rows()
            await self._check.carts_shown()

    async def _at_once(self, rng: Random) -> None:
        """Several callers at the same time, some asking for the same, some sending a request twice."""
        wanted: list[Ask] = []
        focus = {self._draw_kind(rng, AT_ONCE): 1} if rng.random() < 0.5 else AT_ONCE
        for _ in range(rng.randrange(2, 6)):
            ask = self._draw_ask(rng, focus) or self._draw_ask(rng, AT_ONCE)
            if ask is None or any(ask.is_import and each.is_import for each in wanted):
                continue
            wanted.append(ask)
            if rng.random() < 0.3:
                wanted += [ask] * rng.randrange(1, 3)
            if rng.random() < 0.3 and not ask.is_import:
                wanted.append(replace(ask, request_id=_guid(rng)))
        before = self._ledger.variant
        works = [self._market.work()] if rng.random() < 0.4 else []
        reads = [self._market.get(availabilities_of(item)) for item in self._some_items(rng)]
        replies, *_ = await asyncio.gather(
            asyncio.gather(*(self._send(ask, alone=False) for ask in wanted)),
            asyncio.gather(*works),
            asyncio.gather(*reads),
        )
        self.story += ["  at once: due work"] * len(works)
        for ask, reply in zip(wanted, replies, strict=True):
            self._tell("  at once: ", ask, reply)
        answers: dict[str, bytes] = {}
        for ask, reply in zip(wanted, replies, strict=True):
            if not reply.is_success:
                continue
            if ask.request_id in answers:
                assert answers[ask.request_id] == reply.content, "one request, two answers"
                continue
            answers[ask.request_id] = reply.content
            self._absorb(ask, reply)
            if ask.what not in NOTHING_TWICE:
                await self._require_journal(ask)
        await self._check.adopt()
        if any(ask.is_import for ask in wanted):
            await self._read_items(before)
        await self._check.rows()
        await self._check.carts_shown()

    def _some_items(self, rng: Random) -> list[Item]:
        return rng.sample(list(self._ledger.current.values()), 4)

    async def _work(self, rng: Random) -> None:
        self.story.append("due work")
        await self._market.work()
        self._ledger.fulfil(self._market.now)

    async def _wait(self, rng: Random) -> None:
        hours = rng.choice((0.001, 1, 6, 23, 25, 25, 49, 120))
        if self._market.now + timedelta(hours=hours) > START + WALK_MAX:
            return
        self.story.append(f"{hours} hours pass")
        self._market.wait(hours=hours)
        self._market.tokens.clear()

    async def _repeat(self, rng: Random) -> None:
        """An earlier request again, byte for byte: the first answer, and nothing else."""
        fresh = [done for done in self._done if self._market.now < done.at + REPLAY_LIFE]
        if not fresh:
            return
        done = rng.choice(fresh)
        entries = await entries_of(self._market, done.ask.request_id)
        before = await watch.content(self._market.services.database)
        reply = await self._send(done.ask)
        self._tell("again: ", done.ask, reply)
        assert (reply.status_code, reply.content) == (done.status, done.content), "a replay differs"
        assert reply.headers.get("MS-Replayed") == "true"
        assert await watch.content(self._market.services.database) == before, "a replay changed something"
        assert await entries_of(self._market, done.ask.request_id) == entries

    async def _look(self, rng: Random) -> None:
        self.story.append("a look at everything")
        await self._check.customer(rng.choice(list(self._ledger.customers.values())))
        await self._check.customer_list()
        await self._check.catalogue(self._some_items(rng))
        await self._check.rows()
        await self._check.carts_shown()
        await self._check.chains()

    # Calls

    def _draw_kind(
        self, rng: Random, weights: dict[Callable[[World], Ask | None], int]
    ) -> Callable[[World], Ask | None]:
        return rng.choices(list(weights), list(weights.values()))[0]

    def _draw_ask(self, rng: Random, weights: dict[Callable[[World], Ask | None], int]) -> Ask | None:
        make = self._draw_kind(rng, weights)
        ask = make(World(self._ledger, self._market.now, rng))
        return None if ask is None else replace(ask, request_id=_guid(rng))

    async def _send(self, ask: Ask, *, alone: bool = True) -> httpx2.Response:
        reply = await self._market.call(
            ask.method,
            ask.path,
            ask.body,
            account=ask.account,
            user=ask.user,
            headers={"MS-RequestId": ask.request_id},
            may_keep=ask.may_keep,
            alone=alone,
        )
        assert reply.status_code < 500, reply.text
        return reply

    def _tell(self, prefix: str, ask: Ask, reply: httpx2.Response) -> str:
        """The outcome of a call, once the contract knows it."""
        outcome = str(reply.status_code)
        if not reply.is_success:
            outcome += f"/{reply.json()['code']}"
            operation = watch.operation_of(reply)
            assert operation is not None
            assert outcome in {*operation.errors, *EVERYWHERE}, f"{operation.id} knows no {outcome}"
        body = "" if ask.body is None or ask.is_import else f" {ask.body}"
        self.story.append(f"{prefix}{ask.what}: {ask.method} {ask.path}{body} -> {outcome}")
        return outcome

    def _absorb(self, ask: Ask, reply: httpx2.Response) -> None:
        ask.absorb(parsed(reply))
        self._done.append(Done(ask, reply.status_code, reply.content, self._market.now))

    async def _require_journal(self, ask: Ask) -> None:
        """A change is in the journal under its request id; what changed nothing is not."""
        entries = await entries_of(self._market, ask.request_id)
        assert ask.changes is None or bool(entries) == ask.changes, (ask.what, entries)

    async def _read_items(self, before: Variant) -> None:
        """Which item ids are on sale after an import: a new one exactly where the price is another."""
        ledger, now = self._ledger, self._market.now
        rows = await self._market.read(lambda tx: tx.all(LIST_ITEMS))
        for row in rows:
            plan, is_trial = PLANS[row["plan_id"]], row["is_trial"] == 1
            key = (plan.id, is_trial, row["country"])
            currency = plan.currencies[row["country"]]
            item_id = f"{row['product_id']}:{row['sku_id']}:{row['id']}"
            terms = TRIAL_TERMS if is_trial else ledger.variant.terms(plan, currency)
            old = ledger.current.get(key)
            if old is not None and not is_trial:
                is_same = before.terms(plan, currency) == terms
                assert (old.id == item_id) == is_same, f"{key}: {old.id} became {item_id}"
            if old is not None and old.id == item_id:
                continue
            assert item_id not in ledger.items, "an old item id was issued again"
            if old is not None:
                old.replaced_at = now
            item = Item(item_id, plan, is_trial, row["country"], currency, terms)
            ledger.items[item_id] = ledger.current[key] = item


NOTHING_TWICE = frozenset({"change_seats", "switch_auto_renew", "cancel_subscription"})
"""What somebody else may have done already; then there is nothing left to do, which is a success."""

EVERYWHERE = frozenset({"409/800064"})
"""Refusals that any write may have: somebody else holds the lock for too long."""


def _guid(rng: Random) -> str:
    return asks.World(Ledger(), START, rng).guid()


async def walk(market: Market, steps: Sequence[Step]) -> tuple[Walker, int, Exception | None]:
    """Take the steps; the number of the one that went wrong, if any, and what went wrong."""
    walker = Walker(market)
    await walker.prepare()
    for number, step in enumerate(steps):
        try:
            await walker.take(step)
        except Exception as error:  # whatever it is, the walk reports it
            return walker, number, error
    try:
        await walker.finish()
    except Exception as error:
        return walker, len(steps) - 1, error
    return walker, len(steps), None
