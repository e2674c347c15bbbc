"""The servers under measurement: Comptoir itself, and a bare ASGI application that answers fixed bytes."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import Address

START_SECONDS_MAX = 30


@dataclass(frozen=True, slots=True)
class Marketplace:
    """A started Comptoir over a fresh sample, with what a client needs."""

    address: Address
    token: str
    customer_id: str
    process: subprocess.Popen[bytes]


def comptoir(*arguments: str) -> str:
    """Run a command of Comptoir and give what it prints."""
    command = [sys.executable, "-m", "comptoir", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def marketplace(folder: Path) -> Iterator[Marketplace]:
    """A new sample marketplace, served on a free port."""
    database = folder / "bench.db"
    made = json.loads(comptoir("init", "--sample", "--seed", "1", "--json", "--database", str(database)))
    account = next(account for account in made["accounts"] if account["name"] == "sandbox")
    customer = next(customer for customer in account["customers"] if customer["country"] == "US")
    token = comptoir("token", "--account", "sandbox", "--database", str(database)).strip()
    with started(database) as (address, process):
        yield Marketplace(address, token, customer["id"], process)


@contextmanager
def started(database: Path) -> Iterator[tuple[Address, subprocess.Popen[bytes]]]:
    """Serve an existing database on a free port until the block ends."""
    file = Path(f"{database}.server.json")
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "comptoir", "serve", "--port", "0", "--database", str(database)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield _address_in(file, process), process
    finally:
        process.terminate()
        process.wait()


def _address_in(file: Path, process: subprocess.Popen[bytes]) -> Address:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the server did not start")
        time.sleep(0.002)
    host, _, port = json.loads(file.read_text())["address"].removeprefix("http://").partition(":")
    return Address(host, int(port))


@contextmanager
def bare(folder: Path, status: int, body: bytes) -> Iterator[Address]:
    """The floor: a bare ASGI application on the same server, answering the same bytes to every request."""
    file = folder / "bare.json"
    file.unlink(missing_ok=True)
    answer = folder / "bare.body"
    answer.write_bytes(body)
    command = [sys.executable, "-m", "benchmarks.bare", str(file), str(status), str(answer)]
    process = subprocess.Popen(command)
    try:
        yield _address_in(file, process)
    finally:
        process.terminate()
        process.wait()
