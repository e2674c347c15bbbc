"""The page of the scenario: all that it names is there, and no operation of the scenario is missing."""

import ast
import re
from pathlib import Path

import pytest

from comptoir.wire.operations import BY_ID

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "scenario.md"
GUIDE = ROOT / "docs" / "guide" / "create-a-subscription.en.md"

LINKED = frozenset(
    {
        "activate-sandbox-subscription-azure-marketplace-products",
        "cancel-an-azure-marketplace-subscription",
        "change-the-quantity-of-a-subscription",
        "check-inventory",
        "checkout-a-cart",
        "create-a-cart",
        "get-a-list-of-availabilities-for-a-sku",
        "get-a-list-of-customers",
        "get-a-list-of-products",
        "get-a-list-of-skus-for-a-product",
        "get-a-product-by-id",
        "get-a-sku-by-id",
        "get-a-subscription-by-id",
        "get-activation-link-by-order-line-item",
        "get-all-of-a-customer-s-orders",
        "get-an-availability-by-id",
        "get-an-order-by-id",
        "get-invoice-billed-consumption-lineitems",
        "get-invoice-estimate-links",
        "get-invoice-unbilled-consumption-lineitems",
        "get-invoice-unbilled-recon-lineitems",
        "partner-center-authentication",
        "update-a-cart",
        "update-autorenew-for-an-azure-marketplace-subscription",
    }
)
"""The pages of operations that the scenario links to."""

NOT_HERE_YET = "not here yet"

_SLUG = re.compile(r"partner-center/developer/([a-z-]+)")
_REFERENCE = re.compile(r"`([\w/]+\.py)(?:::(\w+))?`")
_OPERATION = re.compile(r"\*\*([a-z_0-9]+\.[a-z_0-9]+)\*\*")


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def rows() -> list[tuple[str, str, str, str]]:
    """Statement, operations, implementation and tests of each row."""
    found = []
    for line in page().splitlines():
        if line.startswith("| ") and not line.startswith("| statement"):
            statement, operations, implementation, tests = (
                cell.strip() for cell in line.strip("|").split("|")
            )
            found.append((statement, operations, implementation, tests))
    return found


def names(path: Path) -> set[str]:
    """What a file defines at its top level."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.Assign(targets=targets):
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
    return found


@pytest.mark.parametrize("reference", sorted(set(_REFERENCE.findall(page()))), ids="::".join)
def test_what_the_page_names_is_there(reference: tuple[str, str]) -> None:
    file, name = reference
    path = ROOT / file if file.startswith("tests/") else ROOT / "src" / "comptoir" / file
    assert path.is_file(), file
    assert not name or name in names(path), f"{file} defines no {name}"


def test_every_operation_that_the_scenario_links_to_is_on_the_page() -> None:
    assert set(_SLUG.findall(page())) >= LINKED


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:40])
def test_each_statement_is_implemented_and_tested_or_said_not_to_be(row: tuple[str, str, str, str]) -> None:
    _, operations, implementation, tests = row
    assert [file for file, name in _REFERENCE.findall(tests) if name and file.startswith("tests/")]
    sources = [file for file, _ in _REFERENCE.findall(implementation)]
    assert bool(sources) != (implementation == NOT_HERE_YET)
    assert not any(file.startswith("tests/") for file in sources)
    for operation in _OPERATION.findall(operations):
        assert operation in BY_ID
        assert sources, f"{operation} is served, but said to be missing"


def test_page_and_guide_have_the_same_sections_in_the_same_order() -> None:
    """The page begins with a summary of its own, the guide ends with what to do next."""
    in_page, in_guide = (
        re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE) for path in (PAGE, GUIDE)
    )
    assert in_page[1:] == in_guide[:-1]
