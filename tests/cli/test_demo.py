"""``comptoir demo``: what it shows, what it leaves behind, and that its record can be sent again."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.cli.conftest import Comptoir
from tests.started import Started, command, started

from comptoir.demo.play import DemoFailure, Player
from comptoir.demo.story import Act, Step

LINES_MAX = 40
COLUMNS_MAX = 120
STATUS = re.compile(r" +\d+  \S.*  +(?:POST|GET|PUT|PATCH) 20[01]  \S+")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a demo that was played twice, and what it showed the second time."""
    folder = tmp_path_factory.mktemp("demo")
    for _ in range(2):
        ended = command(folder, "demo")
        assert (ended.returncode, ended.stderr) == (0, "")
    return folder / "demo-output", ended.stdout


def test_it_tells_a_purchase_in_forty_lines(played: tuple[Path, str]) -> None:
    lines = played[1].splitlines()
    assert len(lines) <= LINES_MAX
    assert max(len(line) for line in lines) <= COLUMNS_MAX
    steps = [line for line in lines if STATUS.fullmatch(line)]
    assert len(steps) >= 20
    text = " ".join(steps)
    for call in ("/token", "/customers?", "/products?", "/skus?", "/availabilities?", "/checkinventory"):
        assert call in text
    for call in ("/carts/…/checkout", "/orders ", "/lineitems/0", "/activation-placeholder", "/activate"):
        assert call in text
    for call in ("/invoices/unbilled/", "/clock/advance", "/statement", "/start?token=…", "/verification"):
        assert call in text
    assert "1,206.00 EUR" in played[1]
    assert "12 invoices were issued" in played[1]
    assert "carries the usage: 22.96 USD" in played[1]


def test_it_leaves_an_invoice_to_look_at(played: tuple[Path, str]) -> None:
    assert (played[0] / "invoice.pdf").read_bytes().startswith(b"%PDF-")


def test_it_names_three_commands_that_work(played: tuple[Path, str]) -> None:
    folder, shown = played
    *_, serve, customers, token = (line.split("comptoir ", 1)[1].split() for line in shown.splitlines()[-3:])
    assert "Librairie des Ormes" in command(folder.parent, *customers).stdout
    assert command(folder.parent, *token).stdout.count(".") == 2
    assert serve == ["serve", "--database", os.path.join("demo-output", "comptoir.db")]


def test_what_it_leaves_is_kept_from_others(played: tuple[Path, str]) -> None:
    folder, shown = played
    secret = credentials(folder)["CLIENT_SECRET"]
    assert len(secret) > 30
    for name in (".env", "comptoir.db"):
        assert (folder / name).stat().st_mode & 0o077 == 0
    for text in (shown, (folder / "demo.http").read_text(encoding="utf-8")):
        assert secret not in text
        assert "eyJ" not in text, "a token begins like this"


def credentials(folder: Path) -> dict[str, str]:
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


# The record, sent again as an editor does


@dataclass
class Replay:
    """Sends the requests of a ``.http`` file; later ones use the answers of earlier ones."""

    client: httpx2.Client
    values: dict[str, str]
    dotenv: Mapping[str, str]
    answers: dict[str, Any] = field(default_factory=dict)

    def filled(self, text: str) -> str:
        return re.sub(r"\{\{(.+?)\}\}", lambda found: self._value(found[1]), text)

    def _value(self, expression: str) -> str:
        if expression.startswith("$dotenv "):
            return self.dotenv[expression.removeprefix("$dotenv ")]
        if ".response.body.$" not in expression:
            return self.filled(self.values[expression])
        name, path = expression.split(".response.body.$", 1)
        value = self.answers[name]
        for member, index, searched, wanted in re.findall(
            r"\.(\w+)|\[(\d+)\]|\[\?\(@\.(\w+)=='([^']*)'\)\]", path
        ):
            if searched:
                value = next(item for item in value if item[searched] == wanted)
            else:
                value = value[member] if member else value[int(index)]
        return str(value)

    def send(self, request: str) -> httpx2.Response:
        head, _, body = request.partition("\n\n")
        name_line, request_line, *header_lines = head.splitlines()
        method, url = request_line.split(" ", 1)
        headers = dict(line.split(": ", 1) for line in header_lines)
        reply = self.client.request(
            method,
            self.filled(url),
            headers={name: self.filled(value) for name, value in headers.items()},
            content=self.filled(body).strip().encode(),
        )
        if reply.headers["Content-Type"].startswith("application/json"):
            self.answers[name_line.removeprefix("# @name ")] = reply.json()
        return reply


def requests_of(text: str) -> Iterator[str]:
    for part in text.split("\n### ")[1:]:
        yield part.split("\n", 1)[1].strip()


def test_the_record_can_be_sent_again(played: tuple[Path, str]) -> None:
    folder, _ = played
    text = (folder / "demo.http").read_text(encoding="utf-8")
    values = dict(line[1:].split(" = ", 1) for line in text.splitlines() if line.startswith("@"))
    with started(folder, database="comptoir.db") as server, httpx2.Client() as client:
        replay = Replay(client, {**values, "base": server.address}, credentials(folder))
        requests = list(requests_of(text))
        for request in requests:
            assert _settled(replay, request).is_success
    assert len(requests) >= 20
    assert replay.answers[f"step{len(requests)}"]["holds"] is True


def _settled(replay: Replay, request: str) -> httpx2.Response:
    """The answer, once the order that it asks about is no longer in progress."""
    reply = replay.send(request)
    for _ in range(50):
        if reply.status_code != 409:
            break
        time.sleep(0.1)
        reply = replay.send(request)
    return reply


# When something is wrong


def test_quiet_shows_nothing(comptoir: Comptoir, folder: Path) -> None:
    ended = comptoir("demo", "--quiet", "--output", "elsewhere")
    assert (ended.status, ended.out, ended.error) == (0, "", "")
    assert (folder / "elsewhere/demo.http").stat().st_size > 1000


def test_it_does_not_replace_what_no_demo_has_made(comptoir: Comptoir, folder: Path) -> None:
    for name in ("comptoir.db", ".env"):
        (folder / name).write_text("mine")
        refused = comptoir("demo", "--output", ".")
        assert refused.status == 1
        assert refused.error.startswith("comptoir: the demo failed: no demo has made")
        assert (folder / name).read_text() == "mine"


def test_it_says_who_holds_its_marketplace(
    comptoir: Comptoir, folder: Path, played: tuple[Path, str]
) -> None:
    shutil.copytree(played[0], folder / "demo-output")
    with started(folder / "demo-output", database="comptoir.db") as server:
        refused = comptoir("demo")
    assert refused.status == 1
    assert f"it seems the server on {server.address}; stop it first" in refused.error


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (Step("", "GET", "/health/live", status=201, caller=""), "200 instead of 201"),
        (Step("", "GET", "/health/live", caller="", expect={"status": "dead"}), "not 'dead'"),
        (Step("", "GET", "/health/live", caller="", expect={"pulse": 60}), "there is no pulse"),
        (Step("", "GET", "/health/live", caller="", holds="ill"), "'ill' is not in the answer"),
        (Step("", "GET", "/health/live", caller="", keep={"x": "items.0"}), "there is no items"),
        (Step("", "GET", "http://127.0.0.1:1/", caller=""), "refused"),
    ],
)
def test_an_answer_that_differs_from_the_story(server: Started, step: Step, reason: str) -> None:
    shown: list[str] = []
    with httpx2.Client(base_url=server.address) as client, pytest.raises(DemoFailure) as failure:
        Player(client, {}, shown.append).play([Act("An act.", (step,))])
    assert str(failure.value).startswith("step 1, GET ")
    assert reason in str(failure.value)
    assert shown == ["An act."]


@pytest.fixture(scope="module")
def server(played: tuple[Path, str]) -> Iterator[Started]:
    with started(played[0], database="comptoir.db") as running:
        yield running


def test_the_story_ends_when_a_poll_never_comes_true(
    server: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comptoir.demo.play.POLLS_MAX", 2)
    step = Step("", "GET", "/health/live", caller="", until=("status", "dead"))
    with (
        httpx2.Client(base_url=server.address) as client,
        pytest.raises(DemoFailure, match="did not come true"),
    ):
        Player(client, {}, print).play([Act("An act.", (step,))])


def test_json_of_the_record_is_json(played: tuple[Path, str]) -> None:
    text = (played[0] / "demo.http").read_text(encoding="utf-8")
    bodies = [
        request.split("\n\n", 1)[1]
        for request in requests_of(text)
        if "Content-Type: application/json" in request
    ]
    assert len(bodies) == 9
    for body in bodies:
        assert isinstance(json.loads(body), dict)


def test_the_readme_shows_what_the_demo_says(played: tuple[Path, str]) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    transcript = readme.split("```text\n", 1)[1].split("\n```", 1)[0]
    assert transcript.splitlines()[1:] == played[1].splitlines()[1 : len(transcript.splitlines())]
