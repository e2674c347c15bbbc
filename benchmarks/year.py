"""A thousand customers, what they bought, a year of their time, and what their publisher meters."""

import asyncio
import json
import statistics
import time
from pathlib import Path

from benchmarks import floors, load, servers
from benchmarks.reporting import ratio, report
from benchmarks.servers import Made, Marketplace

CUSTOMERS = 1_000
CLIENTS = 16
CLOCK_PATH = "/operator/v1/accounts/sandbox/clock"
CLOCK = "2026-01-05T00:00:00Z"
METERED_FROM = "2026-01-06T00:00:00Z"
CATALOGUE = Path(__file__).parent / "metered.yaml"
NO_AGREEMENT = "require_customer_agreement=false"
FOR_PUBLISHERS = "sandbox_publisher_delivery=true"
RATED_LATER = "usage_rating_delay_seconds=86400"
PUBLISHER = "cinderpeak"

ROUNDS = 5
EVENTS_AT_ONCE = 25
REPEATED = (2, 3)
"""How many events of every other batch, and of the others, were in the one before: a tenth."""

BATCHES_EACH = 20
DIMENSIONS = ("calls", "mails")
HOURS = 24
ACCEPTED = b'"status":"Accepted"'
METERING = "/api/batchUsageEvent?api-version=2018-08-31"


def report_year(folder: Path) -> None:
    """Terms of a month, which renew, and terms of a year, which are charged by the month."""
    for term, subject in (("P1Y", "paid monthly for a year"), ("P1M", "renewed monthly")):
        with servers.served(_make(folder / f"year-{term}.db", NO_AGREEMENT)) as market:
            asyncio.run(_buy(market, term))
            before = servers.cpu_seconds(market.process)
            seconds, pieces = asyncio.run(_advance(market, "P1Y"))
            cpu = servers.cpu_seconds(market.process) - before
        figure = f"{seconds:.2f} s in {pieces} transactions, of it {cpu:.2f} s of the processor"
        report(f"a year for {CUSTOMERS:,} customers, {subject}", figure, "aim 2 s")


def report_metering(folder: Path) -> None:
    """Batches over HTTP against a loop that inserts the same events, with one fsync for each batch.

    The events are rated afterwards, which is measured by itself.
    """
    made = _make(folder / "metering.db", NO_AGREEMENT, FOR_PUBLISHERS, RATED_LATER)
    token = servers.comptoir("token", "--publisher", PUBLISHER, "--database", str(made.database)).strip()
    ours, raw, accepted = [], [], 0
    with servers.served(made) as market:
        subscriptions = asyncio.run(_buy(market, "P1M"))
        asyncio.run(_advance(market, "P2D"))
        for number in range(ROUNDS + 1):
            clients = _batches(subscriptions, number)
            messages = [[_batch_request(token, batch) for batch in batches] for batches in clients]
            found = asyncio.run(load.run(market.address, messages))
            per_second = found.per_second * EVENTS_AT_ONCE
            accepted += sum(body.count(ACCEPTED) for body in found.bodies)
            floor = floors.raw_events_per_second(market.database, folder, clients)
            if number:  # the first round fills caches
                ours.append(per_second)
                raw.append(floor)
        seconds, pieces = asyncio.run(_advance(market, "P2D"))
    figure = (
        f"{statistics.median(ours):.0f} events/s, raw loop {statistics.median(raw):.0f}/s, "
        f"ratio {ratio(ours, raw):.2f}"
    )
    report(f"metering in batches of {EVENTS_AT_ONCE}, {CLIENTS} clients", figure, "at least 0.3, aim 0.7")
    figure = f"{accepted / seconds:.0f} events/s, {seconds / pieces:.2f} s a transaction"
    report(f"rating of the {accepted:,} events that were accepted", figure, "afterwards, by the worker")


def _make(database: Path, *settings: str) -> Made:
    made = servers.make(database, clock=CLOCK)
    at = ("--database", str(database))
    servers.comptoir("catalog", "import", str(CATALOGUE), *at)
    changes = [argument for setting in settings for argument in ("--set", setting)]
    servers.comptoir("account", "settings", "sandbox", *changes, *at)
    return made


async def _buy(market: Marketplace, term: str) -> list[str]:
    """Have each customer buy the plan; the ids of their subscriptions."""
    created = await load.run(market.address, _shared([_customer(market, n) for n in range(CUSTOMERS)]))
    customers = [json.loads(body)["id"] for body in created.bodies]
    bought = await load.run(market.address, _shared([_purchase(market, each, term) for each in customers]))
    subscriptions = [json.loads(body) for body in bought.bodies]
    assert {each["status"] for each in subscriptions} == {"active"}
    await _settled(market)
    return [each["subscriptionId"] for each in subscriptions]


async def _settled(market: Marketplace) -> None:
    """Wait until what the purchases have ordered is done."""
    headers = [("Authorization", f"Bearer {market.operator_token}")]
    message = load.request("GET", CLOCK_PATH, headers)
    while True:
        clock = json.loads(await load.one(market.address, message))
        if clock["nextDue"] > clock["now"]:
            return
        await asyncio.sleep(0.05)


def _shared(messages: list[bytes]) -> list[list[bytes]]:
    return [messages[first::CLIENTS] for first in range(CLIENTS)]


def _customer(market: Marketplace, number: int) -> bytes:
    body = {
        "companyProfile": {"domain": f"bench{number}.example"},
        "billingProfile": {
            "email": f"office@bench{number}.example",
            "culture": "en-US",
            "language": "en",
            "companyName": f"Bench {number}",
            "defaultAddress": {
                "country": "US",
                "city": "Portland",
                "state": "OR",
                "addressLine1": f"{number} Main Street",
                "postalCode": "97204",
            },
        },
    }
    return _request(market.token, "/v1/customers", body)


def _purchase(market: Marketplace, customer_id: str, term: str) -> bytes:
    wanted = {"publisherId": PUBLISHER, "offerId": "gauge", "planId": "basic", "term": term}
    body = {"customerId": customer_id, "billingCycle": "monthly", **wanted}
    return _request(market.operator_token, "/operator/v1/purchases", body)


async def _advance(market: Marketplace, by: str) -> tuple[float, int]:
    """How long the sandbox's clock takes to get there, and how many pieces of work were done."""
    message = _request(market.operator_token, f"{CLOCK_PATH}/advance", {"by": by})
    began = time.perf_counter()
    clock = json.loads(await load.one(market.address, message))
    seconds = time.perf_counter() - began
    assert clock["advance"]["state"] == "complete", clock
    return seconds, clock["advance"]["pieces"]


def _batches(subscriptions: list[str], number: int) -> list[list[list[dict[str, object]]]]:
    """What each client sends in a round: batches of events of many subscriptions, some of them anew."""
    free = iter(range(number * len(subscriptions) * len(DIMENSIONS) * HOURS // (ROUNDS + 1), 10**9))
    clients: list[list[list[dict[str, object]]]] = [[] for _ in range(CLIENTS)]
    for number_of_batch in range(BATCHES_EACH):
        for batches in clients:
            repeated = batches[-1][: -REPEATED[number_of_batch % 2] - 1 : -1] if batches else []
            new = [_event(subscriptions, next(free)) for _ in range(EVENTS_AT_ONCE - len(repeated))]
            batches.append([*repeated, *new])
    return clients


def _event(subscriptions: list[str], number: int) -> dict[str, object]:
    hours, place = divmod(number, len(subscriptions))
    hour, dimension = divmod(hours, len(DIMENSIONS))
    return {
        "resourceId": subscriptions[place],
        "quantity": 1.5 + number % 7,
        "dimension": DIMENSIONS[dimension],
        "effectiveStartTime": f"{METERED_FROM[:11]}{hour:02}:30:00Z",
        "planId": "basic",
    }


def _batch_request(token: str, batch: list[dict[str, object]]) -> bytes:
    return _request(token, METERING, {"request": batch})


def _request(token: str, path: str, body: object) -> bytes:
    headers = [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json")]
    return load.request("POST", path, headers, json.dumps(body).encode())
