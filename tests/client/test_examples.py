"""The examples of the reference run against the real application, and each makes the call that it shows."""

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests import watch
from tests.client.served import Served

from comptoir.client import Comptoir
from comptoir.wire.operation import Audience
from comptoir.wire.operations import OPERATIONS

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "client.py"

OTHER_SPELLINGS = {
    "invoices.lines_by_path": "invoices.lines, as .NET's other way to them sends it",
    **dict.fromkeys(
        ("exports.start", "exports.start_by_action", "exports.operation", "exports.manifest"),
        "invoices.lines and invoices.unbilled, for programs of the newer interface",
    ),
    "subscriptions.activate_by_get": "subscriptions.activate, as the PowerShell module sends it",
}
"""Operations for other clients alone, each a second way to one that is called."""


def parts() -> list[tuple[str, str]]:
    """Operation and code of each example; what stands above the first is needed by all."""
    preamble, *rest = re.split(r"^# %% ", EXAMPLES.read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = [part.partition("\n")[::2] for part in rest]
    return [("", preamble), *((name, code) for name, code in named)]


def test_every_operation_of_partners_has_an_example() -> None:
    served = [operation.id for operation in OPERATIONS if operation.audience is Audience.PARTNER]
    assert sorted(name for name, _ in parts() if name) == sorted(set(served) - OTHER_SPELLINGS.keys())


def test_the_examples_run(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPTOIR_URL", server.url)
    monkeypatch.setenv("COMPTOIR_TOKEN", server.token())
    called: list[str] = []
    scope: dict[str, Any] = {}
    with httpx2.Client(event_hooks={"response": [lambda reply: called.append(_operation_id(reply))]}) as http:
        for name, code in parts():
            called.clear()
            exec(compile(code, f"{EXAMPLES.name}, {name}", "exec"), scope)
            assert name in {"", *called}, f"the example of {name} calls {called}"
            if not name:
                scope["client"].close()
                scope["client"] = Comptoir(server.token(), base_url=server.url, http=http)


def _operation_id(reply: httpx2.Response) -> str:
    operation = watch.operation_of(reply)
    return "" if operation is None else operation.id
