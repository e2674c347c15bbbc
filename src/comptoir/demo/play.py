"""Plays acts against a started server: sends each request, checks the answer, shows a line."""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import httpx2

from comptoir.demo.story import Act, Json, Step, fill, pick

POLLS_MAX = 50
POLL_SECONDS = 0.1
SENTENCE_WIDTH = 50
LONG_ID = re.compile(r"(?=[^/.=&?]*\d)[^/.=&?]{12,}")


class DemoFailure(Exception):
    """An answer was not what the story says, or the story could not be played."""


@dataclass(slots=True)
class Player:
    """Plays steps one after the other. ``values`` holds what was given and what the steps so far have kept.

    ``played`` are the steps with their sentences as they were shown.
    """

    client: httpx2.Client
    values: dict[str, Json]
    show: Callable[[str], None]
    played: list[tuple[str, Step]] = field(default_factory=list)

    def play(self, acts: Iterable[Act]) -> None:
        """Play every act. Raises ``DemoFailure`` at the first answer that differs from the story."""
        for act in acts:
            self.show(act.title)
            for step in act.steps:
                self._play(step)

    def _play(self, step: Step) -> None:
        path = fill(step.path, self.values)
        try:
            answer = self._answer(step, path)
            for wanted, expected in fill(step.expect, self.values).items():
                found = pick(answer, wanted)
                if found != expected:
                    raise DemoFailure(f"{wanted} is {found!r}, not {expected!r}")
            self.values |= {name: pick(answer, wanted) for name, wanted in step.keep.items()}
        except (DemoFailure, LookupError, httpx2.HTTPError) as error:
            raise DemoFailure(f"step {len(self.played) + 1}, {step.method} {path}: {error}") from error
        sentence = fill(step.say, self.values)
        self.played.append((sentence, step))
        line = f"{len(self.played):3}  {sentence:<{SENTENCE_WIDTH}} {step.method:>4} {step.status}  "
        self.show(line + _shortened(path.removeprefix(str(self.client.base_url).rstrip("/"))))

    def _answer(self, step: Step, path: str) -> Json:
        for _ in range(POLLS_MAX):
            answer = self._send(step, path)
            if step.until is None or pick(answer, step.until[0]) == step.until[1]:
                return answer
            time.sleep(POLL_SECONDS)
        raise DemoFailure(f"{step.until} did not come true")

    def _send(self, step: Step, path: str) -> Json:
        headers = dict(fill(step.headers, self.values))
        if step.token:
            headers["Authorization"] = f"Bearer {self.values[step.token]}"
        form: Mapping[str, str] | None = fill(step.form, self.values)
        body = fill(step.body, self.values)
        reply = self.client.request(step.method, path, json=body, data=form, headers=headers)
        if reply.status_code != step.status:
            raise DemoFailure(f"{reply.status_code} instead of {step.status}: {reply.text[:500]}")
        if step.holds not in reply.text:
            raise DemoFailure(f"{step.holds!r} is not in the answer: {reply.text[:500]}")
        is_json = reply.headers.get("Content-Type", "").startswith("application/json")
        return json.loads(reply.text, parse_float=Decimal) if is_json else reply.text


def _shortened(path: str) -> str:
    """The path without ids, so that a line stays readable."""
    return LONG_ID.sub("…", path)
