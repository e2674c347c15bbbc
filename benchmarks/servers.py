"""The servers under measurement: Comptoir itself, and a bare ASGI application that answers fixed bytes."""

import json
import os
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
    """A started Comptoir over a fresh sample, with what a client needs. The account is the sandbox."""

    address: Address
    database: Path
    account_id: str
    customer_id: str
    token: str
    operator_token: str
    process: subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Made:
    """A fresh sample marketplace that nobody serves yet."""

    database: Path
    account_id: str
    customer_id: str


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """How long a process has used a processor."""
    after_name = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    user, system = int(after_name[11]), int(after_name[12])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def comptoir(*arguments: str) -> str:
    """Run a command of Comptoir and give what it prints."""
    command = [sys.executable, "-m", "comptoir", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def make(database: Path, *, clock: str = "") -> Made:
    """A new sample marketplace; its sandbox's clock stands still at ``clock``, if one is given."""
    at = ("--clock", clock) if clock else ()
    made = json.loads(comptoir("init", "--sample", "--seed", "1", "--json", *at, "--database", str(database)))
    account = next(account for account in made["accounts"] if account["name"] == "sandbox")
    customer = next(customer for customer in account["customers"] if customer["country"] == "US")
    return Made(database, account["tenantId"], customer["id"])


@contextmanager
def served(made: Made) -> Iterator[Marketplace]:
    """A sample marketplace, served on a free port."""
    at = ("--database", str(made.database))
    token = comptoir("token", "--account", "sandbox", *at).strip()
    operator_token = comptoir("token", "--operator", *at).strip()
    with started(made.database) as (address, process):
        yield Marketplace(
            address, made.database, made.account_id, made.customer_id, token, operator_token, process
        )


@contextmanager
def started(database: Path) -> Iterator[tuple[Address, subprocess.Popen[bytes]]]:
    """Serve an existing database on a free port until the block ends."""
    file = Path(f"{database}.server.json")
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "comptoir", "serve", "--port", "0", "--database", str(database)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield address_in(file, process), process
    finally:
        process.terminate()
        process.wait()


def address_in(file: Path, process: subprocess.Popen[bytes]) -> Address:
    """The address that a started server leaves in a file."""
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
    answer = folder / "bare.body"
    answer.write_bytes(body)
    with _run("benchmarks.bare", folder / "bare.json", str(status), str(answer)) as address:
        yield address


@contextmanager
def _run(module: str, file: Path, *arguments: str) -> Iterator[Address]:
    """A server of ours as a process, which leaves its address in ``file``."""
    file.unlink(missing_ok=True)
    process = subprocess.Popen([sys.executable, "-m", module, str(file), *arguments])
    try:
        yield address_in(file, process)
    finally:
        process.terminate()
        process.wait()
