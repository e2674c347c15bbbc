"""Every fault of catalogue files: first what the schema says, then what only makes sense together.

What the schema refuses is cut out of a file before the second part, so that one misspelt word does not hide
the faults of the rest.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from comptoir.catalog.file_format import CatalogFile
from comptoir.catalog.meaning import UNKNOWN_GUID, UNNAMED_PUBLISHER, Part, PlanKey, check_meaning
from comptoir.catalog.model import FileError
from comptoir.catalog.reading import Document, JsonValue, Path, Unreadable, read
from comptoir.catalog.schema import schema

FILES_MAX = 1000
ERRORS_MAX = 1000
"""How many faults are told at once."""

_ECHO_LENGTH_MAX = 60
_PLAIN_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
}


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file by its name, with as much of its content as the schema allows."""

    name: str
    part: Part

    def error(self, path: Path, reason: str) -> FileError:
        """A fault at a place of this file."""
        return FileError(self.name, self.part.document.line(path), reason)


def read_files(files: Sequence[tuple[str, str]]) -> tuple[list[CheckedFile], list[FileError]]:
    """The files as far as they can be used, by name, and every fault in the form of each file."""
    if len(files) > FILES_MAX:
        return [], [FileError(files[FILES_MAX][0], 1, f"more than {FILES_MAX} files at once")]
    usable: list[CheckedFile] = []
    errors: list[FileError] = []
    for name, text in sorted(files):
        part, faults = _read_file(name, text)
        errors += faults
        if part is not None:
            usable.append(CheckedFile(name, part))
    return usable, errors


def check_together(files: Sequence[CheckedFile], known_plans: Mapping[PlanKey, bool]) -> list[FileError]:
    """Every fault in what the files mean (``meaning.check_meaning``)."""
    findings = check_meaning([file.part for file in files], known_plans)
    return [files[finding.file].error(finding.path, finding.reason) for finding in findings]


def in_order(errors: Iterable[FileError]) -> list[FileError]:
    """Distinct faults by file and line, no more than are told at once."""
    distinct = dict.fromkeys(errors)
    return sorted(distinct, key=lambda error: (error.file, error.line))[:ERRORS_MAX]


def _read_file(name: str, text: str) -> tuple[Part | None, list[FileError]]:
    try:
        document = read(text)
    except Unreadable as unreadable:
        return None, [FileError(name, unreadable.error.line, unreadable.error.reason)]
    faults = _schema_faults(document.value)
    errors = [FileError(name, error.line, error.reason) for error in document.errors]
    errors += [FileError(name, document.line(fault.path), fault.sentence()) for fault in faults]
    return _usable_part(document, faults), errors


# What the schema says, in our words


@dataclass(frozen=True, slots=True)
class _Fault:
    """A fault at ``path``. Leaving out ``cut`` gets rid of it, or filling in what is ``missing``."""

    path: Path
    reason: str
    cut: Path
    missing: str = ""

    def sentence(self) -> str:
        """The reason behind the path, like ``offers[0].plans[2].id: ...``."""
        parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        path = "".join(parts).removeprefix(".")
        return f"{path}: {self.reason}" if path else self.reason


def _schema_faults(value: JsonValue) -> list[_Fault]:
    faults = (fault for error in _VALIDATOR.iter_errors(value) for fault in _faults(error))
    return sorted(faults, key=lambda fault: [str(part) for part in fault.path])


def _usable_part(document: Document, faults: Sequence[_Fault]) -> Part | None:
    """The file without what is faulty. Cutting a part may leave its surroundings incomplete: mend on."""
    while faults:
        fills = {
            (*fault.cut, fault.missing): _STAND_INS[fault.missing] for fault in faults if _can_fill(fault)
        }
        cuts = {fault.cut for fault in faults if not _can_fill(fault)}
        if () in cuts:
            return None
        document = document.repaired(cuts, fills)
        faults = _schema_faults(document.value)
    return Part(document, msgspec.convert(document.value, CatalogFile))


_STAND_INS = {
    "name": "-",
    "displayName": "-",
    "unitOfMeasure": "-",
    "landingPageUrl": "https://publisher.example",
    "webhookUrl": "https://publisher.example",
    "email": "nobody@publisher.example",
    "tenantId": UNKNOWN_GUID,
    "appId": UNKNOWN_GUID,
    "id": UNNAMED_PUBLISHER,
}
"""What stands for a required member that is missing or faulty, where no other check depends on its value."""


def _can_fill(fault: _Fault) -> bool:
    """Ids of offers and plans are compared with others; that of a publisher can be told from real ones."""
    return fault.missing in _STAND_INS and (fault.missing != "id" or fault.cut == ("publisher",))


def _match_whole(
    _validator: Any, pattern: str, instance: object, _schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """``$`` means the end of the text, as in JSON Schema; Python's would allow a newline after it."""
    if isinstance(instance, str) and (not re.search(pattern, instance) or instance.endswith("\n")):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_VALIDATOR = extend(Draft202012Validator, {"pattern": _match_whole})(schema())  # type: ignore[no-untyped-call] # it has none


def _faults(error: ValidationError) -> Iterator[_Fault]:
    path = tuple(error.absolute_path)
    if error.validator == "anyOf":
        yield from _fault_of_alternatives(error, path)
    elif error.validator == "required":
        missing = next(iter(re.findall(r"^'(.*?)' is a required property", error.message)), "")
        yield _Fault(path, f"{missing} is missing", path, missing)
    elif error.validator == "additionalProperties":
        for name in _unknown_members(error):
            yield _Fault((*path, name), "is not known here", (*path, name))
    elif "propertyNames" in error.absolute_schema_path:
        name = str(error.instance)
        yield _Fault((*path, name), f"{_echo(name)} is not {_described(error)}", (*path, name))
    else:
        yield _Fault(path, _reason(error), path)


def _fault_of_alternatives(error: ValidationError, path: Path) -> Iterator[_Fault]:
    """The faults of the alternative whose kind of value it is, if there is one."""
    closest = [inner for inner in error.context or () if not _is_other_kind(inner, error)]
    if closest:
        for inner in closest:
            yield from _faults(inner)
        return
    alternatives: Any = error.validator_value
    kinds = [_kind(alternative) for alternative in alternatives]
    yield _Fault(path, f"must be {' or '.join(dict.fromkeys(kinds))}, not {_echo(error.instance)}", path)


def _is_other_kind(inner: ValidationError, outer: ValidationError) -> bool:
    is_same_place = inner.absolute_path == outer.absolute_path
    return is_same_place and inner.validator in {"type", "enum"}


def _kind(alternative: Mapping[str, Any]) -> str:
    if "enum" in alternative:
        return " or ".join(str(value) for value in alternative["enum"])
    return _PLAIN_TYPES.get(alternative.get("type", ""), "something else")


def _unknown_members(error: ValidationError) -> list[str]:
    around: Any = error.schema
    given: Any = error.instance
    return [name for name in given if name not in around["properties"]]


def _described(error: ValidationError) -> str:
    around: Any = error.schema
    return str(around.get("description", "allowed here"))


def _reason(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    given: Any = error.instance
    match error.validator:
        case "type":
            return f"must be {_PLAIN_TYPES.get(wanted, wanted)}, not {_echo(given)}"
        case "enum":
            return f"must be {' or '.join(str(value) for value in wanted)}, not {_echo(given)}"
        case "pattern":
            return f"{_echo(given)} is not {_described(error)}"
        case "minLength" | "maxLength":
            limit = "at least" if error.validator == "minLength" else "at most"
            return f"has {len(given)} characters; {limit} {wanted} are allowed"
        case "minItems" | "maxItems" | "minProperties" | "maxProperties":
            limit = "at least" if str(error.validator).startswith("min") else "at most"
            return f"has {len(given)} entries; {limit} {wanted} are allowed"
        case "minimum":
            return f"must be at least {wanted}, not {_echo(given)}"
        case "maximum":
            return f"must be at most {wanted}, not {_echo(given)}"
        case _:
            assert error.validator == "uniqueItems", (
                f"the schema says {error.validator}, which has no words here"
            )
            return "names the same thing twice"


def _echo(value: object) -> str:
    """A value as an error quotes it: short, and no more than its kind for lists and mappings."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "empty"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _ECHO_LENGTH_MAX else text[:_ECHO_LENGTH_MAX] + "…"
