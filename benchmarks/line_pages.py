"""Pages of 2,000 lines, against a bare ASGI application that encodes the same structs for every request."""

import asyncio
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import books, load, reporting, servers
from benchmarks.load import Address

ROUNDS = 5
CLIENTS = 4
PAGES_EACH = 6
PAGE = 2_000
LINES = CLIENTS * PAGES_EACH * PAGE
QUERY = "provider=onetime&invoicelineitemtype=billinglineitems&currencycode=USD&period=previous"
PATH = f"/v1/invoices/unbilled/lineitems?{QUERY}&size={PAGE}"

Figures = tuple[float, float, float]
"""Pages a second: ours, the floor's, and the median of their ratios."""


def report(folder: Path) -> None:
    """Measure and print."""
    subjects = ("read anew", "asked for again")
    for subject, (ours, floor, median) in zip(subjects, measure(folder), strict=True):
        figure = f"{ours:.0f}/s, bare ASGI + encoding {floor:.0f}/s, ratio {median:.2f}"
        reporting.report(f"page of {PAGE} invoice lines, {subject}", figure, "at least 0.5")


def measure(folder: Path) -> tuple[Figures, Figures]:
    """For pages that nobody has asked for before, and for one page asked for again and again.

    All pages of the walk together are more than the server remembers, so that in each round every page is
    read anew.
    """
    made = servers.make(folder / "pages.db")
    books.write(made.database, made.account_id, LINES)
    token = servers.comptoir("token", "--account", "sandbox", "--database", str(made.database)).strip()
    with servers.started(made.database) as (address, _):
        walk, body = asyncio.run(_walk(address, token))
        with _floor(folder, body) as floor:
            once = [walk[client::CLIENTS] for client in range(CLIENTS)]
            again = [[walk[-1]] * PAGES_EACH for _ in range(CLIENTS)]
            return _interleaved(address, floor, once), _interleaved(address, floor, again)


async def _walk(address: Address, token: str) -> tuple[list[bytes], bytes]:
    """The requests of a whole walk, and the body of its last page."""
    requests: list[bytes] = []
    headers = [("Authorization", f"Bearer {token}")]
    continuation: list[tuple[str, str]] = []
    while True:
        requests.append(load.request("GET", PATH, [*headers, *continuation]))
        body = await load.one(address, requests[-1])
        page = json.loads(body)
        assert len(page["items"]) == PAGE, len(page["items"])
        if "continuationToken" not in page:
            return requests, body
        continuation = [("MS-ContinuationToken", page["continuationToken"])]


@contextmanager
def _floor(folder: Path, body: bytes) -> Iterator[Address]:
    file, answer = folder / "bare-page.json", folder / "bare-page.body"
    file.unlink(missing_ok=True)
    answer.write_bytes(body)
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.bare_page", str(file), str(answer)])
    try:
        yield servers.address_in(file, process)
    finally:
        process.terminate()
        process.wait()


def _interleaved(ours: Address, floor: Address, requests: Sequence[Sequence[bytes]]) -> Figures:
    plain = [[load.request("GET", "/")] * PAGES_EACH for _ in range(CLIENTS)]
    asyncio.run(load.run(floor, plain))
    pairs = [
        (asyncio.run(load.run(ours, requests)).per_second, asyncio.run(load.run(floor, plain)).per_second)
        for _ in range(ROUNDS)
    ]
    return (
        statistics.median(one for one, _ in pairs),
        statistics.median(other for _, other in pairs),
        statistics.median(one / other for one, other in pairs),
    )
