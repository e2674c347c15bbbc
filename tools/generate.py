"""Writes the documents that are made from the program: operations, errors, settings, assumptions, schemas.

With ``--check`` nothing is written and the exit status is 1 if a document differs from what it would be.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import client_reference
import sync_client

from comptoir.api import faults, openapi, publisher_faults
from comptoir.catalog import schema as catalog_schema
from comptoir.core.accounts import AccountKind, AccountSettings, Profile
from comptoir.db import schema_files
from comptoir.identity.rules import resolve_settings
from comptoir.identity.setting_notes import SETTING_NOTES
from comptoir.settings import Settings
from comptoir.subscriptions.model import Action, Status
from comptoir.subscriptions.rules import TRANSITIONS
from comptoir.wire.operation import Operation
from comptoir.wire.operations import OPERATIONS

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
NOTICE = "<!-- Written by tools/generate.py; do not edit. -->\n\n"


def operations_page() -> str:
    """Every call that is served, by family."""
    lines = ["# Operations", "", "Every call that Comptoir serves. Errors are `status/code`.", ""]
    for family in sorted({operation.id.partition(".")[0] for operation in OPERATIONS}):
        own = [operation for operation in OPERATIONS if operation.id.startswith(f"{family}.")]
        lines += [f"## {family}", "", "| operation | request | success | callers | errors |"]
        lines += ["|---|---|---|---|---|", *(_operation_row(operation) for operation in own)]
        lines.append("")
    return "\n".join(lines)


def _operation_row(operation: Operation) -> str:
    query = ", ".join(f"`{query.name}`{' (required)' if query.required else ''}" for query in operation.query)
    methods = "/".join((operation.method, *operation.aliases))
    callers = "app+user" if operation.user_only else operation.audience.value
    request = f"{methods} `{operation.path}`" + (f"<br>query: {query}" if query else "")
    errors = ", ".join(operation.errors)
    name = f"**{operation.id}**<br>{operation.summary}"
    return f"| {name} | {request} | {operation.status} | {callers} | {errors} |"


def errors_page() -> str:
    """Every reason to say no, with its status, number and text."""
    lines = ["# Errors", "", "| status | code | name | description |", "|---|---|---|---|"]
    lines += [f"| {status} | {number} | {name} | {text} |" for status, number, name, text in _error_rows()]
    return "\n".join([*lines, ""])


def _error_rows() -> list[tuple[int, int | str, str, str]]:
    """Those of the partner and operator APIs, then those of the publishers' APIs, whose codes are words."""
    numbered = sorted((*wire, faults.error_name(code), code.value) for code, wire in faults.WIRE.items())
    worded = sorted(
        (*wire, faults.error_name(code), code.value) for code, wire in publisher_faults.WIRE.items()
    )
    return [*numbered, *worded]


def settings_page() -> str:
    """Settings of the installation, and of each account by kind and profile."""
    lines = ["# Settings", "", "## Installation", ""]
    lines += ["From flags, `COMPTOIR_*` environment variables, or `comptoir.toml`, in this order.", ""]
    lines += ["| setting | default | meaning |", "|---|---|---|"]
    for setting in fields(Settings):
        lines.append(f"| `{setting.name}` | `{setting.default!r}` | {setting.metadata['summary']} |")
    columns = [(kind, profile) for kind in AccountKind for profile in Profile]
    lines += ["", "## Accounts", "", "Defaults by kind and profile; an operator can set others.", ""]
    titles = " | ".join(f"{kind.value}, {profile.value}" for kind, profile in columns)
    lines += [f"| setting | {titles} | meaning |", "|---" * (len(columns) + 2) + "|"]
    resolved = [resolve_settings(kind, profile, {}) for kind, profile in columns]
    for setting in fields(AccountSettings):
        values = " | ".join(_shown(getattr(settings, setting.name)) for settings in resolved)
        lines.append(f"| `{setting.name}` | {values} | {SETTING_NOTES[setting.name].summary} |")
    return "\n".join([*lines, ""])


def _shown(value: object) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def assumptions_page() -> str:
    """The decisions that no source settles, each with its setting."""
    source = ROOT / "docs/decisions/assumptions.toml"
    entries = tomllib.loads(source.read_text(encoding="utf-8"))["assumption"]
    lines = ["# Assumptions", "", "Decisions that no public source settles, with the setting of each.", ""]
    for entry in entries:
        _require_settings(entry)
        names = [*entry.get("account", ()), *entry.get("installation", ())]
        setting = ", ".join(f"`{name}`" for name in names) or f"none: {entry['why']}"
        lines += [f"## {entry['title']}", "", entry["decision"], ""]
        lines += [f"- Setting: {setting}", f"- Contract: {entry['contract']}", ""]
    return "\n".join(lines)


def _require_settings(entry: Mapping[str, Any]) -> None:
    known = {"account": AccountSettings, "installation": Settings}
    for level, kind in known.items():
        unknown = set(entry.get(level, ())) - {setting.name for setting in fields(kind)}
        assert not unknown, f"{entry['title']}: there is no {level} setting {unknown}"


ACTIONS = {
    Action.ACTIVATE: "The publisher confirms the set-up, or the partner activates where it may: term, "
    "billing and refund window start.",
    Action.CANCEL: "By the partner before the activation, in a trial, or while a refund is possible; by time "
    "if it was never activated, or not reinstated within its grace. Final.",
    Action.RENEW: "The term ends with auto-renew on: the next one starts, and with it a new refund window.",
    Action.CONVERT_TRIAL: "The trial ends with auto-renew on, or early at the partner's wish: from then on "
    "the subscription is a paid one.",
    Action.CHANGE_PLAN: "Another plan of the same product, within the running term if that has the same "
    "length and billing cycle.",
    Action.EXPIRE: "The term ends with auto-renew off, while suspended, with nothing on sale that follows "
    "it, or together with that of its base. Final.",
    Action.SUSPEND: "Put on hold for a missing payment, or by the partner where it may. The term runs on, "
    "and is the last one unless the subscription is reinstated.",
    Action.REINSTATE: "No longer on hold.",
}
"""What the actions on a subscription are."""


def states_page() -> str:
    """The state machine of a subscription, as a diagram and as a table."""
    assert ACTIONS.keys() == set(Action), set(Action) - ACTIONS.keys()
    steps = [(before, action, after) for (before, action), after in TRANSITIONS.items()]
    ends = [status for status in Status if status not in {before for before, _, _ in steps}]
    lines = [
        "# States of a subscription",
        "",
        "What the table does not list is refused and changes nothing.",
        "",
    ]
    lines += ["```mermaid", "stateDiagram-v2", "    [*] --> pending: order"]
    lines += [f"    {before} --> {after}: {action}" for before, action, after in steps]
    lines += [*(f"    {status} --> [*]" for status in ends), "```", ""]
    lines += ["| from | action | to | when |", "|---|---|---|---|"]
    lines += [f"| {before} | {action} | {after} | {ACTIONS[action]} |" for before, action, after in steps]
    lines += [
        "",
        "A free trial is active, with `isTrial`. Clients that know fewer words (Java, PowerShell) read",
    ]
    return "\n".join([*lines, "`none` for pending and `deleted` for expired.", ""])


SCHEMAS = ROOT / "src" / "comptoir" / "db" / "schema"
DOCUMENTS: Mapping[Path, Callable[[], str]] = {
    **sync_client.files(),
    SCHEMAS / "sqlite.sql": lambda: schema_files.render("sqlite"),
    SCHEMAS / "postgresql.sql": lambda: schema_files.render("postgresql"),
    REFERENCE / "operations.md": lambda: NOTICE + operations_page(),
    REFERENCE / "errors.md": lambda: NOTICE + errors_page(),
    REFERENCE / "settings.md": lambda: NOTICE + settings_page(),
    REFERENCE / "assumptions.md": lambda: NOTICE + assumptions_page(),
    REFERENCE / "subscription-states.md": lambda: NOTICE + states_page(),
    REFERENCE / "catalog.schema.json": catalog_schema.render,
    REFERENCE / "openapi.json": lambda: json.dumps(openapi.document(), indent=1, ensure_ascii=False) + "\n",
    REFERENCE / "client.md": lambda: NOTICE + client_reference.page(),
}


def main(arguments: Iterable[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if one differs")
    is_check = parser.parse_args(list(arguments)).check
    stale = []
    for path, render in DOCUMENTS.items():
        text = render()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not is_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    for path in stale:
        print(f"{'differs' if is_check else 'written'}: {path.relative_to(ROOT).as_posix()}")
    return 1 if is_check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
