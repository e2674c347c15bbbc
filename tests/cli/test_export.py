"""``comptoir export`` and ``comptoir reconcile`` in a folder with a marketplace."""

import json
from pathlib import Path

from tests.cli.conftest import Comptoir, is_one_line
from tests.cli.test_partner import bought, customer, desk, item
from tests.client.served import Served

__all__ = ["bought", "customer", "desk", "item"]

SANDBOX = ("--account", "sandbox")
INTO = ("--output", "out")


def test_lines_go_out_and_come_back(
    comptoir: Comptoir, server: Served, customer: str, bought: tuple[str, str], folder: Path
) -> None:
    """Beside the server that holds the database."""
    assert comptoir("subscriptions", "activate", customer, bought[1]).status == 0
    printed = comptoir("export", "lines", *SANDBOX, "--unbilled", *INTO)
    assert printed.status == 0, printed.error
    assert printed.out.splitlines()[0].split() == ["File", "Rows", "Bytes"]
    assert printed.out.splitlines()[2].split() == ["Currency", "subtotal", "taxTotal", "totalForCustomer"]
    alike = comptoir("reconcile", "out/lines.csv", *SANDBOX)
    assert (alike.status, alike.out) == (0, "1 rows stand in both, 1 of them alike; 0 differences.\n")

    file = folder / "out/lines.csv"
    titles, row = file.read_text(encoding="utf-8").splitlines()
    subtotal = row.split(",")[titles.split(",").index("Subtotal")]
    file.write_text(f"{titles}\n{row.replace(f',{subtotal},', ',1.11,', 1)}\n", encoding="utf-8")
    differing = comptoir("reconcile", "out/lines.csv", *SANDBOX)
    assert differing.status == 1
    assert f"subtotal is 1.11, in the books {subtotal}: another amount" in differing.out
    told = json.loads(comptoir("reconcile", "out/lines.csv", *SANDBOX, "--json").out)
    assert [each["member"] for each in told["differences"]] == ["subtotal"]

    for dataset in ("consumption", "lines"):
        made = comptoir("export", dataset, *SANDBOX, "--unbilled", *INTO, "--format", "jsonl", "--json")
        assert json.loads(made.out)["files"][0]["name"] == f"{dataset}.json.gz"
    posted = comptoir("export", "postings", *SANDBOX, *INTO, "--format", "parquet")
    assert posted.status == 0, posted.error


def test_what_makes_no_sense(comptoir: Comptoir, server: Served) -> None:
    for arguments in (
        ("lines",),
        ("lines", "--invoice", "T000000001", "--unbilled"),
        ("lines", "--invoice", "T000000001", "--currency", "USD"),
        ("lines", "--invoice", "T999999999"),
        ("postings", "--unbilled"),
    ):
        assert is_one_line(comptoir("export", *arguments, *SANDBOX, *INTO)), arguments
    assert is_one_line(comptoir("reconcile", "nothing.csv", *SANDBOX))
