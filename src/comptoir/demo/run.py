"""Sets a fresh sample marketplace up, starts its server, plays the story, and says what came of it."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from comptoir.bootstrap import making
from comptoir.bootstrap.commands import mint_token
from comptoir.bootstrap.opening import CannotOpen, exists
from comptoir.core.context import Role
from comptoir.demo import http_file
from comptoir.demo.acts import ACTS
from comptoir.demo.play import DemoFailure, Player
from comptoir.demo.story import Json
from comptoir.settings import ENVIRONMENT_PREFIX, Settings

SEED = 1
DATABASE = "comptoir.db"
CREDENTIALS = ".env"
PUBLISHER_CREDENTIALS = "publisher.json"
REQUESTS = "demo.http"
"""The record of the calls. A folder without it is not the demo's to empty."""

ACCOUNT = "sandbox"
PUBLISHER = "sablecourt"
BEGINS = datetime(2026, 1, 15, 9, tzinfo=UTC)
"""What the sandbox's clock shows at the beginning, so that every demo tells the same amounts."""

LOOPBACK = {"COMPTOIR_WEBHOOK_PRIVATE_NETWORKS": "127.0.0.0/8"}
"""The demo's publisher is on this machine, where webhooks otherwise do not go."""

SERVED_AT = "http://127.0.0.1:8080"
"""Where ``comptoir serve`` serves the same marketplace later."""

FROM_ENVIRONMENT_FILE = {
    "client_secret": "{{$dotenv CLIENT_SECRET}}",
    "admin": "{{$dotenv ADMIN_TOKEN}}",
    "operator": "{{$dotenv OPERATOR_TOKEN}}",
}
"""What the record takes from the ``.env`` file. Its tokens are good for an hour."""

ANSWER_SECONDS_MAX = 30
STOP_SECONDS_MAX = 10


def play_demo(output: Path, show: Callable[[str], None]) -> None:
    """Play the demo in the folder ``output``, from the beginning. Raises ``DemoFailure``."""
    made = _make(output)
    account = _account(made)
    tokens = _tokens(output, account)
    _write_credentials(output / CREDENTIALS, account, tokens)
    application = account.applications[0]
    constants = {"tenant": account.tenant_id, "client_id": application.client_id}
    with _served(output) as address, _publishing(output, address, made) as site:
        show(f"Comptoir serves a sample marketplace of {len(made.publishers)} publishers on {address}.")
        secrets = {"client_secret": application.client_secret, **tokens}
        values = {**constants, **secrets, "site": site}
        with httpx2.Client(base_url=address, timeout=ANSWER_SECONDS_MAX, trust_env=False) as client:
            player = Player(client, values, show, output)
            player.play(ACTS)
    shown = {**constants, **FROM_ENVIRONMENT_FILE}
    requests = http_file.render(SERVED_AT, shown, player.played)
    (output / REQUESTS).write_text(requests, encoding="utf-8")
    show("")
    for line in _summary(player.values):
        show(line)
    show(f"{output / REQUESTS} holds {len(player.played)} of its {player.count} calls, to be sent again.")


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
        made = asyncio.run(making.initialise(settings, with_sample=True, seed=SEED, clock_at=BEGINS))
    except (CannotOpen, OSError) as error:
        raise DemoFailure(str(error)) from error
    return made


def _account(made: making.Made) -> making.MadeAccount:
    return next(account for account in made.accounts if account.name == ACCOUNT)


def _tokens(output: Path, account: making.MadeAccount) -> dict[str, str]:
    """The tokens that no application gets by itself: of a user who may read invoices, and of the operator."""
    settings = Settings(database=str(output / DATABASE))
    admin = next(user for user in account.users if user.role is Role.ADMIN_AGENTS)
    return {
        "admin": asyncio.run(mint_token(settings, account=account.name, user=admin.name)),
        "operator": asyncio.run(mint_token(settings)),
    }


def _write_credentials(file: Path, account: making.MadeAccount, tokens: Mapping[str, str]) -> None:
    credentials = {
        "TENANT_ID": account.tenant_id,
        "CLIENT_ID": account.applications[0].client_id,
        "CLIENT_SECRET": account.applications[0].client_secret,
        "ADMIN_TOKEN": tokens["admin"],
        "OPERATOR_TOKEN": tokens["operator"],
    }
    _keep_secret(file, "".join(f"{name}={value}\n" for name, value in credentials.items()))


def _keep_secret(file: Path, text: str) -> None:
    """Write a file that nobody else on this machine can read."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)


def _served(output: Path) -> AbstractContextManager[str]:
    """The address of a server of the marketplace."""
    return _program(output, ["serve", "--port", "0", "--database", DATABASE], LOOPBACK)


def _publishing(output: Path, address: str, made: making.Made) -> AbstractContextManager[str]:
    """The address of the site of one of the publishers, which calls the marketplace at ``address``."""
    publisher = next(publisher for publisher in made.publishers if publisher.id == PUBLISHER)
    _keep_secret(
        output / PUBLISHER_CREDENTIALS,
        json.dumps(
            {
                "tenantId": publisher.tenant_id,
                "clientId": publisher.client_id,
                "clientSecret": publisher.client_secret,
            }
        ),
    )
    return _program(
        output,
        [
            "sample-publisher",
            *("--port", "0"),
            *("--marketplace", address),
            *("--credentials", PUBLISHER_CREDENTIALS),
        ],
        {},
    )


@contextmanager
def _program(output: Path, arguments: Sequence[str], variables: Mapping[str, str]) -> Iterator[str]:
    """The address that a command serves, a process of its own that ends with the block."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIX)
    }
    log_file = output / f"{arguments[0]}.log"
    with log_file.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "comptoir", *arguments],
            cwd=output,
            env={**environment, **variables},
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
        )
    with process:
        try:
            yield _address(process, log_file)
        finally:
            process.terminate()
            _wait(process)


def _address(process: "subprocess.Popen[str]", log_file: Path) -> str:
    assert process.stdout is not None
    said = process.stdout.readline()
    if not said:
        reason = log_file.read_text(encoding="utf-8").strip()
        raise DemoFailure(f"a program did not start: {reason}")
    return said.split()[-1]


def _wait(process: "subprocess.Popen[str]") -> None:
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()


def _summary(values: dict[str, Json]) -> Iterator[str]:
    bought = sum(order["totalPrice"] for order in values["orders"])
    currency = values["orders"][0]["currencyCode"]
    yield f"{values['customer_name']} has bought for {bought:,.2f} {currency} before tax."
    billed = sum(invoice["totalCharges"] for invoice in values["billed"])
    currency = values["billed"][0]["currencyCode"]
    yield f"Its first year was billed with {billed:,.2f} {currency} on {len(values['billed'])} invoices."
