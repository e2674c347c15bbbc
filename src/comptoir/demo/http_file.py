"""The played steps as a file that editors send again: later requests use the answers of earlier ones.

The format is that of the REST Client of VS Code, which Visual Studio reads too. Secrets stay out of it: they
come from the ``.env`` file beside it.
"""

import json
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from comptoir.demo.story import PICK_PART, Step, fill, split


def render(base: str, constants: Mapping[str, str], played: Iterable[tuple[str, Step]]) -> str:
    """The whole file. ``constants`` are the values given before the first step, as they may be shown."""
    lines = [
        "# Played by comptoir demo; to play it again: start the server, then send the requests in order."
    ]
    lines += [f"@{name} = {value}" for name, value in {"base": base, **constants}.items()]
    references = {name: f"{{{{{name}}}}}" for name in constants}
    for number, (sentence, step) in enumerate(played, start=1):
        name = f"step{number}"
        lines += ["", f"### {number}. {sentence}", f"# @name {name}", *_request(step, references)]
        references |= {kept: _reference(name, wanted) for kept, wanted in step.keep.items()}
    return "\n".join([*lines, ""])


def _request(step: Step, references: Mapping[str, str]) -> list[str]:
    path = fill(step.path, references)
    lines = [f"{step.method} {'{{base}}' if path.startswith('/') else ''}{path}"]
    if step.caller:
        lines.append(f"Authorization: Bearer {references[step.caller]}")
    lines += [f"{name}: {fill(value, references)}" for name, value in step.headers.items()]
    if step.form is not None:
        pairs = urlencode(fill(step.form, references), safe="{}$ .@'?=()*[]/:")
        lines += ["Content-Type: application/x-www-form-urlencoded", "", pairs]
    elif step.body is not None:
        body = json.dumps(fill(step.body, references), indent=2, ensure_ascii=False)
        lines += ["Content-Type: application/json", "", body]
    return lines


def _reference(name: str, wanted: str) -> str:
    """A pick as the JSONPath of an earlier answer."""
    parts = [_json_path(part) for part in split(wanted)]
    return f"{{{{{name}.response.body.${''.join(parts)}}}}}"


def _json_path(part: str) -> str:
    if part == "#":
        return ".length"
    if part.isdecimal():
        return f"[{part}]"
    searched = PICK_PART.fullmatch(part)
    if searched is None:
        return f".{part}"
    items, member, wanted = searched.groups()
    return f".{items}[?(@.{member}=='{wanted}')]"
