"""Sets a fresh sample marketplace up, starts its server, plays the story, and says what came of it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from comptoir.bootstrap import making
from comptoir.bootstrap.opening import CannotOpen, exists
from comptoir.demo import http_file
from comptoir.demo.acts import ACTS
from comptoir.demo.play import DemoFailure, Player
from comptoir.demo.story import Json
from comptoir.settings import ENVIRONMENT_PREFIX, Settings

SEED = 1
DATABASE = "comptoir.db"
CREDENTIALS = ".env"
REQUESTS = "demo.http"
"""The record of the calls. A folder without it is not the demo's to empty."""

ACCOUNT = "sandbox"
SERVED_AT = "http://127.0.0.1:8080"
"""Where ``comptoir serve`` serves the same marketplace later."""

FROM_ENVIRONMENT_FILE = "{{$dotenv CLIENT_SECRET}}"
ANSWER_SECONDS_MAX = 30
STOP_SECONDS_MAX = 10


def play_demo(output: Path, show: Callable[[str], None]) -> None:
    """Play the demo in the folder ``output``, from the beginning. Raises ``DemoFailure``."""
    made = _make(output)
    account = next(account for account in made.accounts if account.name == ACCOUNT)
    application = account.applications[0]
    constants = {"tenant": account.tenant_id, "client_id": application.client_id}
    with _served(output) as address:
        show(f"Comptoir serves a sample marketplace of {len(made.publishers)} publishers on {address}.")
        with httpx2.Client(base_url=address, timeout=ANSWER_SECONDS_MAX, trust_env=False) as client:
            player = Player(client, {**constants, "client_secret": application.client_secret}, show)
            player.play(ACTS)
    shown = {**constants, "client_secret": FROM_ENVIRONMENT_FILE}
    requests = http_file.render(SERVED_AT, shown, player.played)
    (output / REQUESTS).write_text(requests, encoding="utf-8")
    show("")
    for line in _summary(player.values):
        show(line)
    show(f"{output / REQUESTS} holds the {len(player.played)} calls, to be sent again with an editor.")


def _make(output: Path) -> making.Made:
    """A new marketplace in place of the last demo's, and its credentials in a file of this user."""
    settings = Settings(database=str(output / DATABASE))
    for name in (DATABASE, CREDENTIALS):
        if (output / name).exists() and not (output / REQUESTS).exists():
            raise DemoFailure(f"no demo has made {output / name}; name another folder with --output")
    try:
        output.mkdir(parents=True, exist_ok=True)
        if exists(settings):
            asyncio.run(making.reset(settings))
        (output / REQUESTS).write_text("", encoding="utf-8")
        made = asyncio.run(making.initialise(settings, with_sample=True, seed=SEED))
        _write_credentials(output / CREDENTIALS, made)
    except (CannotOpen, OSError) as error:
        raise DemoFailure(str(error)) from error
    return made


def _write_credentials(file: Path, made: making.Made) -> None:
    account = next(account for account in made.accounts if account.name == ACCOUNT)
    credentials = {
        "TENANT_ID": account.tenant_id,
        "CLIENT_ID": account.applications[0].client_id,
        "CLIENT_SECRET": account.applications[0].client_secret,
    }
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write("".join(f"{name}={value}\n" for name, value in credentials.items()))


@contextmanager
def _served(output: Path) -> Iterator[str]:
    """The address of a server of the marketplace, a process of its own that ends with the block."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIX)
    }
    with (output / "server.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "comptoir", "serve", "--port", "0", "--database", DATABASE],
            cwd=output,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
        )
    with process:
        try:
            yield _address(process, output)
        finally:
            process.terminate()
            _wait(process)


def _address(process: "subprocess.Popen[str]", output: Path) -> str:
    assert process.stdout is not None
    said = process.stdout.readline()
    if not said:
        reason = (output / "server.log").read_text(encoding="utf-8").strip()
        raise DemoFailure(f"the server did not start: {reason}")
    return said.split()[-1]


def _wait(process: "subprocess.Popen[str]") -> None:
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()


def _summary(values: dict[str, Json]) -> Iterator[str]:
    orders = values["orders"]
    yield f"{values['customer_name']} has bought, before tax:"
    for order in orders:
        for line in order["lineItems"]:
            bought = f"{line['quantity']:>2} × {line['friendlyName']}, billing cycle {order['billingCycle']}"
            yield f"  {bought:<60} {line['pricing']['extendedPrice']:>9,.2f} {order['currencyCode']}"
    total = sum(order["totalPrice"] for order in orders)
    yield f"  {f'{len(orders)} orders in all':<60} {total:>9,.2f} {orders[0]['currencyCode']}"
