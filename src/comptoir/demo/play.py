"""Plays acts against a started server: sends each request, checks the answer, shows one line, keeps a record."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from comptoir.demo.story import Act, Json, Step, fill, pick

POLLS_MAX = 50
POLL_SECONDS = 0.1
SENTENCE_WIDTH = 66


class DemoFailure(Exception):
    """An answer was not what the story says."""


@dataclass(slots=True)
class Player:
    """Plays steps one after the other. ``values`` holds what the steps so far have kept."""

    client: httpx2.Client
    tokens: dict[str, str]
    values: dict[str, Json]
    show: Callable[[str], None]
    record: list[str] = field(default_factory=list)
    calls: int = 0

    def play(self, acts: Iterable[Act]) -> None:
        """Play every act. Raises ``DemoFailure`` at the first answer that differs from the story."""
        for act in acts:
            self.show(f"{act.title}")
            for step in act.steps:
                self._play_step(step)

    def _play_step(self, step: Step) -> None:
        path = fill(step.path, self.values)
        body = fill(step.body, self.values)
        form = fill(dict(step.form), self.values) if step.form is not None else None
        answer = self._send_until(step, path, body, form)
        for wanted, expected in step.expect.items():
            found = pick(answer, wanted)
            if found != fill(expected, self.values):
                raise DemoFailure(f"{step.method} {path}: {wanted} is {found!r}, not {expected!r}")
        for name, wanted in step.keep.items():
            self.values[name] = pick(answer, wanted)
        if step.grants:
            self.tokens[step.grants] = pick(answer, "access_token")
        sentence = fill(step.say, self.values)
        self.calls += 1
        self.show(
            f" {self.calls:2} {sentence:<{SENTENCE_WIDTH}} {step.method:>5} {_shortened(path)} {step.status}"
        )
        self.record.append(_http_call(sentence, step, path, body, form))

    def _send_until(self, step: Step, path: str, body: Json, form: Mapping[str, str] | None) -> Json:
        for _ in range(POLLS_MAX):
            answer = self._send(step, path, body, form)
            if step.until is None or pick(answer, step.until[0]) == step.until[1]:
                return answer
            time.sleep(POLL_SECONDS)
        raise DemoFailure(f"{step.method} {path}: {step.until} did not come true")

    def _send(self, step: Step, path: str, body: Json, form: Mapping[str, str] | None) -> Json:
        headers = {"Authorization": f"Bearer {self.tokens[step.caller]}"} if step.caller in self.tokens else {}
        reply = self.client.request(step.method, path, json=body, data=form, headers=headers)
        if reply.status_code != step.status:
            raise DemoFailure(
                f"{step.method} {path}: {reply.status_code} instead of {step.status}: {reply.text[:500]}"
            )
        is_json = reply.headers.get("Content-Type", "").startswith("application/json")
        return reply.json() if is_json and reply.content else reply.text


def write_record(path: Path, base: str, record: Iterable[str], callers: Mapping[str, str]) -> None:
    """Every call as a file that HTTP clients of editors can replay; tokens stay out of it."""
    head = [f"@base = {base}"]
    head += [
        f"# {command}\n@{_variable(name)} = paste the token here" for name, command in sorted(callers.items())
    ]
    path.write_text("\n".join([*head, "", *record]), encoding="utf-8")


def _http_call(
    sentence: str, step: Step, path: str, body: Json, form: Mapping[str, str] | None
) -> str:
    lines = [f"### {sentence}", f"{step.method} {{{{base}}}}{path}"]
    if step.caller:
        lines.append(f"Authorization: Bearer {{{{{_variable(step.caller)}}}}}")
    if form is not None:
        shown = {name: "paste-the-secret-here" if "secret" in name else value for name, value in form.items()}
        pairs = "&".join(f"{name}={value}" for name, value in shown.items())
        lines += ["Content-Type: application/x-www-form-urlencoded", "", pairs]
    elif body is not None:
        lines += ["Content-Type: application/json", "", json.dumps(body, indent=2, ensure_ascii=False)]
    return "\n".join([*lines, ""])


def _variable(caller: str) -> str:
    return f"token_{caller.replace('-', '_')}"


def _shortened(path: str) -> str:
    """The path with long ids cut to their first characters, so that a line stays readable."""
    path, mark, query = path.partition("?")
    parts = [part if len(part) < 30 else f"{part[:6]}…" for part in path.split("/")]
    return "/".join(parts) + (f"{mark}{query}" if len(query) < 45 else f"{mark}…")
