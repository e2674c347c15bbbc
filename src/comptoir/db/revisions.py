"""Which schema revision this version of the program wants, and where its scripts lie. Imports no tool.

Revisions are numbers of four digits in one line, so that comparing the texts tells older from newer.
"""

import re
from pathlib import Path

SCHEMA_FOLDER = Path(__file__).parent / "schema"
MIGRATIONS_FOLDER = Path(__file__).parent / "migrations"

_HEADER = re.compile(r"-- Schema revision (\d{4})\b")


def schema_script(dialect: str) -> str:
    """The statements that create a new database of ``dialect`` at the newest revision."""
    return (SCHEMA_FOLDER / f"{dialect}.sql").read_text(encoding="utf-8")


def newest_revision() -> str:
    """The revision that the schema scripts create."""
    found = _HEADER.match(schema_script("sqlite"))
    assert found is not None, "the schema script names its revision in the first line"
    return found[1]
