"""The closed sets that the whole program shares hold no word that nobody says."""

import ast
from enum import Enum
from pathlib import Path

import pytest

from comptoir.audit.model import Action
from comptoir.core.errors import Code

PACKAGE = Path(__file__).parents[2] / "src" / "comptoir"


@pytest.mark.parametrize(
    ("words", "module", "apart"),
    [(Action, "comptoir.audit.model", ()), (Code, "comptoir.core.errors", ("api/faults.py",))],
)
def test_every_word_is_said(words: type[Enum], module: str, apart: tuple[str, ...]) -> None:
    files = [file for file in PACKAGE.rglob("*.py") if file.relative_to(PACKAGE).as_posix() not in apart]
    said = {word for file in files for word in members_named(file, module, words.__name__)}
    assert {word.name for word in words} == said


def members_named(file: Path, module: str, name: str) -> set[str]:
    """The members of an imported class that a file names."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    local_names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == module
        for alias in node.names
        if alias.name == name
    }
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in local_names
    }
