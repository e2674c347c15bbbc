"""`make bench`: medians of interleaved runs, each as a ratio against a floor measured in the same run.

    python -m benchmarks [--large] [SUBJECT ...]

``--large`` adds the runs over a million lines, which take minutes; the subjects are those of ``SUBJECTS``.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import floors, line_pages, load, money, servers, year
from benchmarks.load import Address
from benchmarks.reporting import ratio, report
from benchmarks.servers import Marketplace

ROUNDS = 5
CLIENTS = 16
CHECKOUTS_EACH = 25
REQUESTS_EACH = 60
STARTS = 5
RAW_ORDERS = 400
SEATS = 5
VIEW = "OnlineServices"
SUBJECTS = ("shop", "pages", "money", "year", "metering")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--large", action="store_true", help="also over a million lines")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    arguments = parser.parse_args()
    subjects = arguments.subjects or SUBJECTS
    with tempfile.TemporaryDirectory(prefix="comptoir-bench-") as name:
        folder = Path(name)
        if "shop" in subjects:
            _report_shop(folder)
        if "pages" in subjects:
            line_pages.report(folder)
        if "money" in subjects:
            money.report_money(folder, is_large=arguments.large)
        if "year" in subjects:
            year.report_year(folder)
        if "metering" in subjects:
            year.report_metering(folder)


def _report_shop(folder: Path) -> None:
    made = servers.make(folder / "bench.db")
    with servers.served(made) as market:
        idle = _resident_mebibytes(market)
        offer = asyncio.run(_offer(market))
        _report_checkouts(market, folder, offer)
        _report_against_bare(market, folder, offer)
    _report_start(folder, market.token)
    report("idle memory of the server", f"{idle:.0f} MiB", "at most 80 MiB")


def _headers(market: Marketplace) -> list[tuple[str, str]]:
    return [("Authorization", f"Bearer {market.token}"), ("Content-Type", "application/json")]


def _request(market: Marketplace, method: str, path: str, body: object = None, request_id: str = "") -> bytes:
    more = [("MS-RequestId", request_id)] if request_id else []
    content = b"" if body is None else json.dumps(body).encode()
    return load.request(method, path, [*_headers(market), *more], content)


async def _offer(market: Marketplace) -> str:
    """A per-seat item, paid monthly, that anyone can buy in any number."""
    for product in await _items(market, f"/v1/products?country=US&targetView={VIEW}"):
        for sku in await _items(market, f"/v1/products/{product['id']}/skus?country=US"):
            path = f"/v1/products/{product['id']}/skus/{sku['id']}/availabilities"
            for availability in await _items(market, f"{path}?country=US&targetSegment=commercial"):
                if _fits(sku, availability):
                    return str(availability["catalogItemId"])
    raise RuntimeError("the sample sells nothing that fits")


def _fits(sku: dict[str, Any], availability: dict[str, Any]) -> bool:
    is_plain = not sku["isTrial"] and not sku["dynamicAttributes"].get("isAddon")
    is_unlimited = "InventoryCheck" not in sku["purchasePrerequisites"] and sku["maximumQuantity"] > SEATS
    is_monthly = sku["supportedBillingCycles"] == ["monthly"] and sku["minimumQuantity"] <= SEATS
    return is_plain and is_unlimited and is_monthly and bool(availability["isPurchasable"])


async def _items(market: Marketplace, path: str) -> list[dict[str, Any]]:
    reply = json.loads(await load.one(market.address, _request(market, "GET", path)))
    return list(reply["items"])


def _cart(offer: str) -> dict[str, object]:
    return {"lineItems": [{"id": 0, "catalogItemId": offer, "quantity": SEATS}]}


async def _checkouts(market: Marketplace, offer: str, round_number: int) -> float:
    """Fill carts first, then measure nothing but their checkouts."""
    path = f"/v1/customers/{market.customer_id}/carts"
    create = _request(market, "POST", path, _cart(offer))
    carts = [
        [json.loads(await load.one(market.address, create))["id"] for _ in range(CHECKOUTS_EACH)]
        for _ in range(CLIENTS)
    ]
    clients = [
        [
            _request(market, "POST", f"{path}/{cart}/checkout", request_id=f"{round_number}-{cart}")
            for cart in own
        ]
        for own in carts
    ]
    return (await load.run(market.address, clients)).per_second


def _report_checkouts(market: Marketplace, folder: Path, offer: str) -> None:
    asyncio.run(_checkouts(market, offer, 0))
    copy = folder / "copy.db"
    ours, raw = [], []
    for number in range(1, ROUNDS + 1):
        ours.append(asyncio.run(_checkouts(market, offer, number)))
        for suffix in ("", "-wal", "-shm"):
            if Path(f"{folder / 'bench.db'}{suffix}").exists():
                shutil.copyfile(f"{folder / 'bench.db'}{suffix}", f"{copy}{suffix}")
        raw.append(floors.raw_orders_per_second(copy, folder, RAW_ORDERS))
    figure = (
        f"{statistics.median(ours):.0f}/s, raw loop {statistics.median(raw):.0f}/s, "
        f"ratio {ratio(ours, raw):.2f}"
    )
    report(f"checkouts over HTTP, {CLIENTS} clients", figure, "at least 0.5, aim above 1.0")


def _report_against_bare(market: Marketplace, folder: Path, offer: str) -> None:
    subjects = {
        "product list": (200, _request(market, "GET", "/v1/products?country=US&targetView=" + VIEW)),
        "cart creation": (
            201,
            _request(market, "POST", f"/v1/customers/{market.customer_id}/carts", _cart(offer)),
        ),
    }
    for subject, (status, message) in subjects.items():
        answer = asyncio.run(load.one(market.address, message))
        with servers.bare(folder, status, answer) as floor:
            ours, bare = _interleaved(market.address, floor, message)
        figure = (
            f"{statistics.median(ours):.0f}/s, bare ASGI {statistics.median(bare):.0f}/s, "
            f"ratio {ratio(ours, bare):.2f}"
        )
        report(f"{subject}, {CLIENTS} clients", figure, "against the same bytes from bare ASGI")


def _interleaved(ours: Address, floor: Address, message: bytes) -> tuple[list[float], list[float]]:
    clients = [[message] * REQUESTS_EACH for _ in range(CLIENTS)]
    asyncio.run(load.run(ours, clients))
    asyncio.run(load.run(floor, clients))
    pairs = [
        (asyncio.run(load.run(ours, clients)).per_second, asyncio.run(load.run(floor, clients)).per_second)
        for _ in range(ROUNDS)
    ]
    return [one for one, _ in pairs], [other for _, other in pairs]


def _report_start(folder: Path, token: str) -> None:
    message = load.request("GET", "/v1/customers", [("Authorization", f"Bearer {token}")])
    seconds: list[float] = []
    for _ in range(STARTS):
        with _stopwatch(seconds), servers.started(folder / "bench.db") as (address, _):
            asyncio.run(load.one(address, message))
            seconds[-1] = time.perf_counter() - seconds[-1]
    report("start to the first authenticated 200", f"{statistics.median(seconds):.2f} s", "at most 0.7 s")


@contextmanager
def _stopwatch(seconds: list[float]) -> Iterator[None]:
    """The block replaces the last entry, the instant it began, by what it took."""
    seconds.append(time.perf_counter())
    yield


def _resident_mebibytes(market: Marketplace) -> float:
    """Resident memory after one answered request, before any load."""
    asyncio.run(load.one(market.address, _request(market, "GET", "/v1/customers")))
    status = Path(f"/proc/{market.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
