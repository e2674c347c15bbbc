"""The published schema and its page are those of the program."""

import json
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from comptoir.catalog import file_format
from comptoir.catalog.file_format import Entry
from comptoir.catalog.schema import render, schema

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
ENTRIES = [
    entry
    for entry in vars(file_format).values()
    if isinstance(entry, type) and issubclass(entry, Entry) and entry is not Entry
]


def test_the_published_schema_is_current() -> None:
    assert (REFERENCE / "catalog.schema.json").read_text(encoding="utf-8") == render()


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_it_knows_decimals_as_numbers_and_no_null() -> None:
    text = json.dumps(schema())
    assert '"decimal"' not in text
    assert "null" not in text


def test_it_forbids_unknown_members_everywhere() -> None:
    definitions = schema()["$defs"]
    assert definitions.keys() == {entry.__name__ for entry in ENTRIES}
    assert all(definition["additionalProperties"] is False for definition in definitions.values())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.__name__)
def test_the_page_explains_every_member(entry: type[Entry]) -> None:
    page = (REFERENCE / "catalog-file.md").read_text(encoding="utf-8")
    names = [field.encode_name for field in msgspec.structs.fields(entry)]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_pages_example_is_right() -> None:
    from tests.catalog_files import faults

    page = (REFERENCE / "catalog-file.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert example.startswith("publisher:")
    assert faults(example) == []
