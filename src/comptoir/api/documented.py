"""Every refusal that an operation can give: those of its row, and those of the edge around it."""

from collections.abc import Iterator, Mapping

from comptoir.api import publisher_faults
from comptoir.api.faults import WIRE, error_name
from comptoir.api.oauth import OAUTH
from comptoir.core.errors import Code
from comptoir.wire.operation import Audience, Operation

THROTTLED = "429"
"""A refusal without a number (``00-cross-cutting`` section 11.1 c)."""

GENERAL = (Code.NOT_FOUND, Code.INVALID_PROPERTY, Code.BUSY)
"""Codes whose text holds for every refusal with their number."""


def errors_of(operation: Operation) -> list[str]:
    """The refusals as ``status/code``, by status and code; a status alone has no code."""
    found = {*operation.errors, *_edge_errors(operation)}
    return sorted(found, key=_rank)


def _rank(error: str) -> tuple[int, int, str]:
    """By status, then by number; the codes of publishers are words."""
    status, _, code = error.partition("/")
    return int(status), int(code) if code.isdigit() else 0, code


def _edge_errors(operation: Operation) -> Iterator[str]:
    """What happens to a request before its handler runs, or to any handler."""
    if operation.is_for_publishers:
        yield from map(publisher_faults.error_of, _publisher_edge_codes(operation))
        return
    codes = [Code.INVALID_INPUT, Code.UNEXPECTED, Code.ORDER_IN_PROGRESS]
    if "{" in operation.path:
        codes.append(Code.NOT_FOUND)
    if operation.request is not None:
        codes += [Code.INVALID_PROPERTY, Code.MEDIA_TYPE]
    if operation.audience is not Audience.PUBLIC:
        codes += [Code.TOKEN_MISSING, Code.TOKEN_INVALID, Code.NOT_ACCEPTABLE, Code.BUSY]
    if operation.audience is Audience.PARTNER:
        codes.append(Code.MFA_REQUIRED)
    if operation.user_only:
        codes.append(Code.ACCESS_DENIED)
    if operation.allowed_roles:
        codes.append(Code.ROLE_LACKS_RIGHT)
    yield from map(_error, codes)
    if operation.family and operation.audience not in {Audience.PUBLIC, Audience.OPERATOR}:
        yield THROTTLED


def _publisher_edge_codes(operation: Operation) -> Iterator[Code]:
    yield from (Code.INVALID_INPUT, Code.UNEXPECTED)
    if operation.audience is Audience.PUBLISHER:
        yield from (Code.TOKEN_MISSING, Code.API_VERSION_MISSING, Code.API_VERSION_UNKNOWN)
    if operation.request is not None:
        yield Code.INVALID_PROPERTY


def _error(code: Code) -> str:
    return "/".join(map(str, WIRE[code]))


def _faults() -> Mapping[str, list[str]]:
    codes: dict[str, list[Code]] = {}
    for code in WIRE:
        codes.setdefault(_error(code), []).append(code)
    for code in publisher_faults.WIRE:
        codes.setdefault(publisher_faults.error_of(code), []).append(code)
    for code in GENERAL:
        codes[_error(code)] = [code]
    return {
        error: [f"{error_name(code)}: {code.value}" for code in several] for error, several in codes.items()
    }


FAULTS: Mapping[str, list[str]] = _faults()
"""What each ``status/code`` means: names with texts."""

OAUTH_FAULTS: Mapping[str, list[str]] = {
    f"{status}/{number}": [f"{error}: {problem.value}"] for problem, (status, error, number) in OAUTH.items()
}
"""The same for the token issuer's refusals, which are of another shape."""

assert FAULTS.keys().isdisjoint(OAUTH_FAULTS), "a code would not tell which shape a refusal has"
