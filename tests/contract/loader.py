"""The contract's machine-readable appendices as data.

The ``NN-*.yaml`` files beside this one are the appendices, word for word; ``presence.yaml`` adds which
members the contract's tables call always present (a member counts as such when its table says so or its
appendix marks it). Names are looked up in the appendix that uses them, then in ``00``, ``10``, ``20``,
``30``, ``40``. From outside a model is ``Cart``, or ``40.Subscription`` where a name stands for two things.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.contract.notation import Kind, Member, Model, Notation, Presence, Ref, Scalar, Type

FILES = ("00", "10", "20", "30", "40")
_HERE = Path(__file__).parent
_BASES = {"10": "/v1", "40": "/api"}
"""What the paths of an appendix leave out."""

_NO_BODY = frozenset({"none", "empty", "ignored", "form", "none_or_null"})
_NO_MEMBERS = frozenset({"extends", "header"})
"""Remarks that stand among the members of a model."""

_OBJECT_TYPE = "attributes.objectType"
_PRESENCE_MARKS = {"always": Presence.ALWAYS, "A": Presence.ALWAYS, "E": Presence.ALWAYS}


@dataclass(frozen=True)
class Endpoint:
    """One call. ``errors`` are ``"status/code"``, or the status alone where the contract gives no code."""

    id: str
    method: str
    path: str
    status: int
    query: Mapping[str, bool | None]
    """Whether each parameter is required; ``None`` where the appendix does not say."""
    errors: frozenset[str]
    request: Type | None
    response: Type | None
    """``None`` for no body, ``Anything`` where the appendix does not say."""


def path_shape(method: str, path: str) -> tuple[str, str]:
    """What identifies a call: method and path in lower case, parameter names blank, no trailing slash."""
    return method, re.sub(r"\{[^}]*\}", "{}", path).lower().rstrip("/")


@cache
def endpoints() -> Mapping[str, Endpoint]:
    """All calls by appendix and id, such as ``"10.K1"``."""
    found = (_endpoint(source, row) for source in FILES for row in document(source)["endpoints"])
    return {endpoint.id: endpoint for endpoint in found}


def kind(text: str) -> Type:
    """A type as a test writes it: ``Cart``, ``Collection<Cart>``, ``[InventoryItem]``, ``40.Plan``."""
    return Notation("", (), {}, Presence.ALWAYS).parse(text)


def resolve(ref: Ref) -> Model | None:
    """The model that a reference means, or ``None`` where no appendix describes it."""
    sources = (ref.source, *FILES) if ref.source else FILES
    return next((_models(source)[ref.name] for source in sources if ref.name in _models(source)), None)


@cache
def document(source: str) -> dict[str, Any]:
    """An appendix as written."""
    (path,) = _HERE.glob(f"{source}-*.yaml")
    written: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return written


@cache
def error_codes() -> Mapping[int, list[int]]:
    """Every documented error code with its HTTP statuses."""
    written: dict[int, list[int]] = yaml.safe_load((_HERE / "error-codes.yaml").read_text(encoding="utf-8"))
    return written


@cache
def _notation(source: str) -> Notation:
    named = document(source).get("enums", {})
    enums = {name: frozenset(_values(values)) for name, values in named.items()}
    inline = Presence.WHEN_SET if source in {"00", "20"} else Presence.ALWAYS
    return Notation(source, document(source)["models"], enums, inline)


def _values(written: Any) -> Iterator[str]:
    """The wire values of a named set, written as a list or with remarks about it."""
    if isinstance(written, Mapping):
        written = written.get("wire", written.get("values", written.get("used", written)))
    return (str(value) for value in written)


@cache
def _models(source: str) -> Mapping[str, Model]:
    return {name: _model(source, name, rows) for name, rows in document(source)["models"].items()}


def _model(source: str, name: str, rows: Mapping[str, Any]) -> Model:
    members = {member: _member(_notation(source), row) for member, row in rows.items()}
    for member in _presence_by_table().get(f"{source}.{name}", frozenset()):
        members[member] = replace(members[member], presence=Presence.ALWAYS)
    if (object_type := members.pop(_OBJECT_TYPE, None)) is not None:
        members["attributes"] = Member(_attributes(object_type.type), Presence.ALWAYS)
    return Model(name, {member: members[member] for member in members if member not in _NO_MEMBERS})


def _attributes(object_type: Type) -> Model:
    etag = Member(Scalar(Kind.TEXT), Presence.WHEN_SET)
    return Model("ResourceAttributes", {"objectType": Member(object_type, Presence.ALWAYS), "etag": etag})


@cache
def _presence_by_table() -> Mapping[str, frozenset[str]]:
    written = yaml.safe_load((_HERE / "presence.yaml").read_text(encoding="utf-8"))
    return {name: frozenset(entry["always"]) for name, entry in written.items()}


def _member(notation: Notation, row: Any) -> Member:
    """A member in any of the three notations: ``[type, presence]``, ``{type: ...}`` or ``type?``."""
    if isinstance(row, list):
        return Member(notation.parse(row[0]), Presence(row[1]))
    if isinstance(row, Mapping):
        return _marked_member(notation, row)
    written = str(row)
    presence = Presence.WHEN_SET if written.endswith("?") else Presence.ALWAYS
    return Member(notation.parse(written.rstrip("?")), presence, is_nullable=row is None)


def _marked_member(notation: Notation, row: Mapping[str, Any]) -> Member:
    remark = " (absolute uri)" if row.get("note") == "absolute uri" else ""
    kind = notation.parse(str(row.get("type", row.get("t", "object"))) + remark)
    values = [str(value) for value in row.get("enum", [row["const"]] if "const" in row else [])]
    if isinstance(kind, Scalar) and kind.kind is Kind.TEXT and values:
        kind = Scalar(kind.kind, frozenset(values))
    if isinstance(kind, Ref) and (object_type := row.get("objectType", row.get("const"))):
        kind = _attributes(Scalar(Kind.TEXT, frozenset({object_type})))
    is_always = row.get("required") is True or _PRESENCE_MARKS.get(row.get("p", "")) is Presence.ALWAYS
    presence = Presence.ALWAYS if is_always else Presence.WHEN_SET
    return Member(kind, presence, is_nullable="nullable" in row)


def _endpoint(source: str, row: Mapping[str, Any]) -> Endpoint:
    status = row.get("success", row.get("status", row.get("ok")))
    return Endpoint(
        id=f"{source}.{row['id']}",
        method=row["method"],
        path=_path(source, row["path"]),
        status=int(status[0] if isinstance(status, list) else status) if status != "2xx" else 200,
        query=dict(_query(row)),
        errors=frozenset(_errors(row.get("errors", []))),
        request=_body(source, row.get("request", row.get("body", "none"))),
        response=_body(source, row.get("response", row.get("returns", ""))),
    )


def _path(source: str, path: str) -> str:
    base = _BASES.get(source, "")
    is_full = not base or path.startswith(("{", "/{")) or "/oauth2/" in path
    return path if is_full else base + path


def _query(row: Mapping[str, Any]) -> Iterator[tuple[str, bool | None]]:
    written = row.get("query", [])
    required = set(row.get("required", []))
    for name in written:
        is_required = name in required or None
        yield name, _is_required(written[name]) if isinstance(written, Mapping) else is_required


def _is_required(remark: str) -> bool | None:
    """``required ...``, ``string required``; what is ``required for`` something is neither here nor there."""
    if "required for" in remark:
        return None
    return remark.startswith("required") or remark.endswith(" required")


def _errors(written: Any) -> Iterator[str]:
    """``400/3000`` or ``400`` in a list, or a mapping from status to code or remark."""
    if isinstance(written, Mapping):
        for status, code in written.items():
            yield f"{status}/{code}" if str(code).isdigit() else str(status)
        return
    yield from (str(error) for error in written)


def _body(source: str, written: str) -> Type | None:
    return None if written in _NO_BODY else _notation(source).parse(written)
