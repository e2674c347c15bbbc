"""The JSON Schema of catalogue files: what the checker applies and what editors can complete with."""

import json
from typing import Any

import msgspec

from comptoir.catalog.file_format import CatalogFile


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a catalogue file."""
    (root,), definitions = msgspec.json.schema_components([CatalogFile], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Comptoir catalogue file",
        **_plain(root),
        "$defs": {name: _plain(part) for name, part in sorted(definitions.items())},
    }


def render() -> str:
    """The schema as the text of ``docs/reference/catalog.schema.json``."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _plain(part: Any) -> Any:
    """The schema as a file shows it: decimals are numbers, and what may be left out is never null."""
    if isinstance(part, list):
        return [_plain(item) for item in part if item != {"type": "null"}]
    if not isinstance(part, dict):
        return part
    plain = {name: _plain(value) for name, value in part.items() if (name, value) != ("default", None)}
    if plain.get("format") == "decimal":
        del plain["format"]
        plain["type"] = "number"
    alternatives = plain.get("anyOf")
    if alternatives is not None and len(alternatives) == 1:
        del plain["anyOf"]
        plain.update(alternatives[0])
    return plain
