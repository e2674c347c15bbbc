"""``comptoir billing``, ``comptoir explain`` and ``comptoir verify``, without a server and beside one."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Comptoir, Outcome, is_one_line
from tests.invoice_books import SUBJECT, Ledger, licence, rates

from comptoir.billing import store_lines
from comptoir.bootstrap.making import Made
from comptoir.bootstrap.opening import opened
from comptoir.cli import billing as command
from comptoir.db import sql
from comptoir.identity import service as identity
from comptoir.settings import Settings
from comptoir.wire.billing_operator import InvoiceProgress, InvoiceRunProgress

pytestmark = pytest.mark.usefixtures("folder")


def shown(outcome: Outcome) -> Any:
    assert (outcome.status, outcome.error) == (0, ""), outcome
    return json.loads(outcome.out)


def month(back: int) -> str:
    """A month that is over: the ``back``-th before this one."""
    first = datetime.now(UTC).replace(day=1)
    for _ in range(back):
        first = (first - timedelta(days=1)).replace(day=1)
    return f"{first:%Y-%m}"


@pytest.fixture
def books(market_made: Made, folder: Path) -> Path:
    """Lines of two months in the sandbox: 6 seats of 14.95 in each, taxed with a tenth."""
    asyncio.run(_fill())
    return folder


async def _fill() -> None:
    async with opened(Settings(database="market.db")) as database:
        record = await database.read(partial(identity.require_account, name="sandbox"))
        await database.write(lambda tx: store_lines.put_subject(tx, record.account.id, SUBJECT))
        ledger = Ledger(database, record.account, now=datetime.now(UTC))
        await ledger.write(
            [licence(number, f"{month(number + 1)}-11", rates=rates("0.1")) for number in (1, 2)]
        )


def test_months_are_previewed_and_issued(comptoir: Comptoir, books: Path) -> None:
    previewed = comptoir("billing", "run", "sandbox", "--month", month(3), "--dry-run")
    assert previewed.out.split()[-5:] == ["1", "0", "89.70", "8.97", "98.67"]
    assert comptoir("billing", "list", "sandbox").out.count("\n") == 1

    issued = comptoir("billing", "run", "sandbox")
    assert [line.split()[:2] for line in issued.out.splitlines()[1:]] == [
        ["T000000001", month(3)],
        ["T000000002", month(2)],
    ]
    again = comptoir("billing", "run", "sandbox")
    assert again.out.startswith("Nothing is to be invoiced up to ")
    assert [each["total"] for each in shown(comptoir("billing", "list", "sandbox", "--json"))] == [
        98.67,
        98.67,
    ]


def test_payments_and_corrections(comptoir: Comptoir, books: Path) -> None:
    assert comptoir("billing", "run", "sandbox").status == 0
    paid = shown(
        comptoir("billing", "pay", "sandbox", "T000000001", "98.67", "--reference", "SEPA 1", "--json")
    )
    assert paid["balance"] == 0
    credited = comptoir(
        "billing", "credit", "sandbox", "T000000001", "--reason", "Downtime", "--line", "1=0.5", "--json"
    )
    assert shown(credited)["total"] == -3.3
    rebilled = comptoir(
        "billing",
        "rebill",
        "sandbox",
        "T000000002",
        "--reason",
        "wrong price",
        "--price",
        "1=10",
        "--quantity",
        "1=5",
        "--tax-rate",
        "0.2",
        "--purchase-order",
        "PO 7",
    )
    assert rebilled.status == 0, rebilled.error
    assert rebilled.out.split()[-4:] == ["0.2", "1", "50.00", "10.00"]
    whole = comptoir("billing", "show", "sandbox", "T000000001").out
    assert "SEPA 1" in whole
    listed = comptoir("billing", "list", "sandbox").out.splitlines()
    assert [line.split()[0] for line in listed[1:]] == [
        "T000000001",
        "T000000003",
        "T000000002",
        "T000000004",
    ]
    left_out = comptoir(
        "billing", "rebill", "sandbox", "T000000004", "--reason", "all of it", "--leave-out", "1", "--json"
    )
    assert shown(left_out)["total"] == 0


def test_a_line_is_explained(comptoir: Comptoir, books: Path) -> None:
    assert comptoir("billing", "run", "sandbox").status == 0
    explained = comptoir("explain", "T000000001", "1")
    assert "RD(14.95 x 1, 2) x 6 = 89.70 EUR" in explained.out
    assert "Brume SARL, Beacon Tickets, Team plan" in explained.out
    assert shown(comptoir("explain", "T000000001", "1", "--json"))["line"] == 1
    assert is_one_line(comptoir("explain", "T000000001", "2"))


def test_books_are_proven_and_the_first_offender_named(comptoir: Comptoir, books: Path) -> None:
    assert comptoir("billing", "run", "sandbox").status == 0
    proven = comptoir("verify")
    assert proven.out.startswith("The books hold.")
    assert shown(comptoir("verify", "--json"))["documents"] == 2
    assert is_one_line(comptoir("verify", "nobody"))
    asyncio.run(_tamper())
    found = comptoir("verify", "sandbox")
    assert found.status == 1
    assert found.out.startswith("The books do not hold. Account sandbox, line ")
    assert "its tax is 898, not 897" in found.out
    as_json = comptoir("verify", "--json")
    assert as_json.status == 1
    assert json.loads(as_json.out)["offender"]["account"] == "sandbox"
    assert comptoir("verify", "production").status == 0


async def _tamper() -> None:
    change = sql("UPDATE reconciliation_lines SET tax = tax + 1")
    async with opened(Settings(database="market.db")) as database:
        await database.write(lambda tx: tx.run(change))


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "nobody"),
        ("run", "sandbox", "--month", "June"),
        ("show", "sandbox", "T000000009"),
        ("pay", "sandbox", "T000000001", "much"),
        ("pay", "sandbox", "T000000001", "NaN"),
        ("credit", "sandbox", "T000000001", "--reason", "x", "--line", "1"),
        ("rebill", "sandbox", "T000000001", "--reason", "x", "--price", "1=cheap"),
    ],
)
def test_nonsense_is_refused_in_one_line(comptoir: Comptoir, market_made: Made, arguments: Any) -> None:
    assert is_one_line(comptoir("billing", *arguments))


def test_progress_is_shown_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    draft = InvoiceProgress(
        id="T000000001",
        month="2026-03",
        currency="EUR",
        document_type="invoice",
        phase="lines",
        lines_done=7,
        lines_left=5,
        consumption_lines_done=1,
        consumption_lines_left=2,
    )
    with command._progress(json=False) as show_progress:
        show_progress(InvoiceRunProgress(under_way=[draft]))
        show_progress(InvoiceRunProgress(under_way=[]))
    assert "T000000001" in capsys.readouterr().err
