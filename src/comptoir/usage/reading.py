"""From what a publisher sent to a well-formed event, or to every fault in it."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from comptoir.core.ids import GUID
from comptoir.usage.model import Fault, Malformed, Member, Report, Sent

EFFECTIVE_TEXT_MAX = 64
_INSTANT = re.compile(r"[0-9W-]{7,10}(?:[Tt ][0-9:.,+-]+[Zz]?)?")
"""What an instant is made of: Python alone would take any character, a NUL too, between date and time."""

_DIGITS_MAX = 400
"""Characters of a number: far more than any double needs."""


def read(sent: Sent) -> Report | Malformed:
    """The event, if each of its members is there and of the right kind; else a fault for each that is not."""
    resource_id, quantity = sent.resource_id, number(sent.quantity)
    dimension, effective, plan_id = sent.dimension, sent.effective_start_time, sent.plan_id
    effective_at = instant(effective)
    if (
        isinstance(resource_id, str)
        and isinstance(dimension, str)
        and isinstance(effective, str)
        and isinstance(plan_id, str)
        and quantity is not None
        and effective_at is not None
        and dimension
        and plan_id
        and sent.resource_uri is None
        and GUID.fullmatch(resource_id)
    ):
        return Report(resource_id.lower(), quantity, dimension, effective_at, effective, plan_id)
    return Malformed(_faults(sent, quantity, effective_at))


def number(value: object) -> Decimal | None:
    """The exact number that a JSON number, or a text that holds one, stands for; ``None`` for anything else.

    It need not be finite: whether a quantity makes sense is judged later.
    """
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if not isinstance(value, str) or len(value) > _DIGITS_MAX or not value.isascii():
        return None
    try:
        return Decimal(value.strip())
    except InvalidOperation:
        return None


def instant(value: object) -> datetime | None:
    """The instant that a text in ISO 8601 names, UTC where it has no zone; ``None`` for anything else."""
    if not isinstance(value, str) or len(value) > EFFECTIVE_TEXT_MAX or not _INSTANT.fullmatch(value):
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _faults(sent: Sent, quantity: Decimal | None, effective_at: datetime | None) -> tuple[Fault, ...]:
    """Every fault, in the order of the members."""
    named = sent.resource_id if sent.resource_id is not None else sent.resource_uri
    found: list[Fault] = []
    if named is None:
        found.append(Fault(Member.RESOURCE_ID, "The resourceId is required."))
    elif sent.resource_uri is not None:
        reason = "Name the resource by its resourceId, not by a resourceUri."
        found.append(Fault(Member.RESOURCE_URI, reason))
    elif not isinstance(named, str) or not GUID.fullmatch(named):
        found.append(Fault(Member.RESOURCE_ID, "The resourceId must be a GUID."))
    if quantity is None:
        found.append(Fault(Member.QUANTITY, _missing_or(sent.quantity, Member.QUANTITY, "a number")))
    if not (isinstance(sent.dimension, str) and sent.dimension):
        found.append(Fault(Member.DIMENSION, _missing_or(sent.dimension, Member.DIMENSION, "a text")))
    if effective_at is None:
        member = Member.EFFECTIVE_START_TIME
        found.append(Fault(member, _missing_or(sent.effective_start_time, member, "a time in ISO 8601")))
    if not (isinstance(sent.plan_id, str) and sent.plan_id):
        found.append(Fault(Member.PLAN_ID, _missing_or(sent.plan_id, Member.PLAN_ID, "a text")))
    assert found, sent
    return tuple(found)


def _missing_or(value: object, member: Member, kind: str) -> str:
    is_missing = value is None or value == ""
    return f"The {member} is required." if is_missing else f"The {member} must be {kind}."
