"""How entries are digested and chained, and when a chain holds."""

import hashlib
import json
from collections.abc import Mapping

from comptoir.audit.model import Entry, JsonScalar, Keys, Offender, Recorded
from comptoir.core.instants import to_micros

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

BEFORE_THE_FIRST = ""
"""The hash that stands before the first entry of every account."""


def canonical(keys: Mapping[str, JsonScalar]) -> str:
    """The one JSON text of ``keys``: members sorted, no spaces, nothing escaped that need not be."""
    return _ENCODER.encode(keys)


def optional_canonical(keys: Keys | None) -> str | None:
    """``canonical`` for keys that may be absent."""
    return None if keys is None else canonical(keys)


def digest(entry: Entry) -> str:
    """The SHA-256 of the entry's whole content, as 64 hex digits."""
    content: dict[str, JsonScalar] = {
        "account_id": entry.account_id,
        "action": entry.action,
        "subject_kind": entry.subject_kind,
        "subject_id": entry.subject_id,
        "customer_id": entry.customer_id,
        "application_id": entry.application_id,
        "actor_id": entry.actor_id,
        "user_name": entry.user_name,
        "at": to_micros(entry.at),
        "request_id": entry.request_id,
        "correlation_id": entry.correlation_id,
        "before": entry.before,
        "after": entry.after,
    }
    return _sha256(canonical(content))


def chained(previous_hash: str, entry_digest: str) -> str:
    """The hash of an entry that follows one with ``previous_hash``. The store computes the same in SQL."""
    return _sha256(previous_hash + entry_digest)


def fault(recorded: Recorded, previous_sequence: int, previous_hash: str) -> Offender | None:
    """What is wrong with an entry that should follow the given one, if anything."""
    expected = previous_sequence + 1
    if recorded.sequence != expected:
        return Offender(expected, "the entry is missing")
    if recorded.digest != digest(recorded.entry):
        return Offender(expected, "the content is not what was recorded")
    if recorded.hash != chained(previous_hash, recorded.digest):
        return Offender(expected, "the entry does not follow the one before it")
    return None


def head_fault(last_sequence: int, last_hash: str, head: tuple[int, str]) -> Offender | None:
    """What is wrong at the chain's end, given the sequence and hash that the account's head remembers."""
    if head[0] > last_sequence:
        return Offender(last_sequence + 1, "the entry is missing")
    if head != (last_sequence, last_hash):
        return Offender(last_sequence, "the entry is not the last that was recorded")
    return None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
