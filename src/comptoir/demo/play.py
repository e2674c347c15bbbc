"""Plays acts against a started server: sends each request, checks the answer, shows a line."""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import httpx2

from comptoir.demo.story import Act, Json, Step, fill, pick

POLLS_MAX = 50
POLL_SECONDS = 0.1
SENTENCE_WIDTH = 56
PATH_WIDTH = 46
LONG_ID = re.compile(r"(?=[^/.=&?]*\d)[^/.=&?]{12,}")


class DemoFailure(Exception):
    """An answer was not what the story says, or the story could not be played."""


@dataclass(slots=True)
class Player:
    """Plays steps one after the other. ``values`` holds what was given and what the steps so far have kept.

    Answers to be kept are written to ``folder``. ``count`` is that of the calls made, ``played`` are those of
    them for the record, with their sentences.
    """

    client: httpx2.Client
    values: dict[str, Json]
    show: Callable[[str], None]
    folder: Path = Path()
    count: int = 0
    played: list[tuple[str, Step]] = field(default_factory=list)

    def play(self, acts: Iterable[Act]) -> None:
        """Play every act. Raises ``DemoFailure`` at the first answer that differs from the story."""
        for act in acts:
            self.show(act.title)
            for step in act.steps:
                sentence = self._play(step)
                if not act.needs_publisher:
                    self.played.append((sentence, step))

    def _play(self, step: Step) -> str:
        path = fill(step.path, self.values)
        self.count += 1
        try:
            answer = self._answer(step, path)
            for wanted, expected in fill(step.expect, self.values).items():
                found = pick(answer, wanted)
                if found != expected:
                    raise DemoFailure(f"{wanted} is {found!r}, not {expected!r}")
            self.values |= {name: pick(answer, wanted) for name, wanted in step.keep.items()}
        except (DemoFailure, LookupError, httpx2.HTTPError) as error:
            raise DemoFailure(f"step {self.count}, {step.method} {path}: {error}") from error
        sentence: str = fill(step.say, self.values)
        if not step.quiet:
            line = f"{self.count:3}  {sentence:<{SENTENCE_WIDTH}} {step.method:>5} {step.status}  "
            self.show(line + _shortened(self._local(path))[:PATH_WIDTH])
        return sentence

    def _local(self, path: str) -> str:
        """A path without the address, which is another one in each demo."""
        for address in (str(self.client.base_url), str(self.values.get("site", ""))):
            path = path.removeprefix(address.rstrip("/"))
        return path

    def _answer(self, step: Step, path: str) -> Json:
        for _ in range(POLLS_MAX):
            answer = self._send(step, path)
            if step.until is None or pick(answer, step.until[0]) == step.until[1]:
                return answer
            time.sleep(POLL_SECONDS)
        raise DemoFailure(f"{step.until} did not come true")

    def _send(self, step: Step, path: str) -> Json:
        headers = dict(fill(step.headers, self.values))
        if step.caller:
            headers["Authorization"] = f"Bearer {self.values[step.caller]}"
        form: Mapping[str, str] | None = fill(step.form, self.values)
        body = fill(step.body, self.values)
        reply = self.client.request(step.method, path, json=body, data=form, headers=headers)
        if reply.status_code != step.status:
            raise DemoFailure(f"{reply.status_code} instead of {step.status}: {reply.text[:500]}")
        if step.holds and step.holds not in reply.text:
            raise DemoFailure(f"{step.holds!r} is not in the answer: {reply.text[:500]}")
        if step.save:
            (self.folder / step.save).write_bytes(reply.content)
            return ""
        is_json = reply.headers.get("Content-Type", "").startswith("application/json")
        return json.loads(reply.text, parse_float=Decimal) if is_json else reply.text


def _shortened(path: str) -> str:
    """The path without ids, so that a line stays readable."""
    return LONG_ID.sub("…", path)
