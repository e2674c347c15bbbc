"""Watches every call that API tests make through ``Market``.

A successful answer must be what the contract says, a refused one must be a fault and must have changed
nothing, and either must be described in the OpenAPI document. Which operation gave which answer is written
down, so that the end of a whole run can tell which documented refusals no test has provoked (``unprovoked``;
``tests/conftest.py`` fails the run for them).
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from comptoir.api import publisher
from comptoir.api.router import Router
from comptoir.db import Database, Tx, sql
from comptoir.wire.operation import Audience, Operation
from comptoir.wire.operations import OPERATIONS
from tests import documented
from tests.contract import check, loader
from tests.contract.reviewed import ALWAYS_REFUSED

PARTNER_IDS = ("MS-RequestId", "MS-CorrelationId")
LEDGER = "COMPTOIR_TEST_LEDGER"
"""Environment variable: the folder in which each process of a run writes down what it has seen."""

TABLES = (
    "accounts",
    "agreements",
    "applications",
    "billing_cycles",
    "billing_heads",
    "carts",
    "clock_advances",
    "consumption_lines",
    "customers",
    "deliveries",
    "delivery_attempts",
    "delivery_queues",
    "due_work",
    "exports",
    "fulfillment_operations",
    "instance",
    "invoices",
    "journal",
    "journal_heads",
    "line_subjects",
    "order_lines",
    "orders",
    "payments",
    "plan_changes",
    "postings",
    "products",
    "publishers",
    "purchase_resolutions",
    "reconciliation_lines",
    "replies",
    "resellers",
    "sku_stock",
    "subscriptions",
    "support_contacts",
    "usage_events",
    "users",
)
NOT_PROVOKED = {
    "health.ready 500/800003": "the database would have to fail while it is open; tests/store lets it fail",
}
"""Documented refusals that no API test can provoke, with the reason."""

_ROUTER = Router(OPERATIONS)
_CONTRACT = {loader.path_shape(found.method, found.path): found for found in loader.endpoints().values()}
# Tests look at everything, on both engines.
_EVERYTHING = {table: sql(f"SELECT * FROM {table}") for table in TABLES}


async def content(database: Database) -> dict[str, list[str]]:
    """Every row of the tables that calls change, in a form that compares."""

    async def read(tx: Tx) -> dict[str, list[str]]:
        return {
            table: sorted(repr(sorted(dict(row).items())) for row in await tx.all(statement))
            for table, statement in _EVERYTHING.items()
        }

    return await database.read(read)


def operation_of(reply: httpx2.Response) -> Operation | None:
    """The operation that a reply answers, ``None`` for a path that leads nowhere."""
    match = _ROUTER.match(reply.request.method, reply.request.url.path)
    return None if match is None else match[0]


def examine(reply: httpx2.Response) -> None:
    """Hold a reply against the contract and write it down."""
    operation = operation_of(reply)
    ids = ("x-ms-requestid", "x-ms-correlationid") if publisher.owns(reply.request.url.path) else PARTNER_IDS
    assert all(reply.headers[name] for name in ids)
    if operation is not None:
        documented.examine(reply, operation)
    if operation is None or operation.audience is Audience.PUBLIC:
        return
    if reply.status_code >= 400:
        _examine_refusal(reply, operation)
        return
    assert reply.status_code == operation.status, (operation.id, reply.status_code)
    _write_down(f"{operation.id} success")
    endpoint = _CONTRACT.get(loader.path_shape(operation.method, operation.path))
    is_json = operation.media_type == "application/json"
    if is_json and endpoint is not None and endpoint.response is not None and reply.content:
        found = list(check.problems(endpoint.response, reply.json(), "$"))
        assert not found, f"{operation.id} breaks the contract:\n" + "\n".join(found)


def _examine_refusal(reply: httpx2.Response, operation: Operation) -> None:
    if operation.method == "HEAD":
        _write_down(f"{operation.id} {reply.status_code}")
        return
    fault: dict[str, Any] = reply.json()
    if operation.is_for_publishers:
        code = documented.code_of(fault)
        _write_down(f"{operation.id} {reply.status_code}" + (f"/{code}" if code else ""))
        return
    if reply.status_code == 429:
        check.check_reply("ThrottleFault", fault)
        assert int(reply.headers["Retry-After"]) > 0
        return
    check.check_reply("Fault", fault)
    assert "Traceback" not in reply.text
    _write_down(f"{operation.id} {reply.status_code}/{fault['code']}")


def _write_down(line: str) -> None:
    folder = os.environ.get(LEDGER)
    if folder:
        with (Path(folder) / str(os.getpid())).open("a", encoding="utf-8") as ledger:
            ledger.write(f"{line}\n")


def unprovoked(folder: Path) -> list[str]:
    """What a whole run has missed: documented refusals, and operations that never succeeded."""
    seen = {line for file in folder.iterdir() for line in file.read_text(encoding="utf-8").splitlines()}
    return sorted(set(_expected()) - seen - NOT_PROVOKED.keys())


def _expected() -> Iterator[str]:
    for operation in OPERATIONS:
        if operation.audience is Audience.PUBLIC:
            continue
        yield from (f"{operation.id} {error}" for error in operation.errors)
        if operation.id not in ALWAYS_REFUSED:
            yield f"{operation.id} success"
