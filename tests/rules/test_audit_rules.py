"""The digest covers all of an entry, and the chain fixes its place."""

import hashlib
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.audit import rules
from comptoir.audit.model import Entry, Offender, Recorded

ENTRY = Entry(
    account_id="account",
    action="create_order",
    subject_kind="order",
    subject_id="subject",
    customer_id=None,
    application_id="application",
    actor_id="actor",
    user_name=None,
    at=datetime(2026, 1, 1, tzinfo=UTC),
    request_id="request",
    correlation_id="correlation",
    before=None,
    after='{"quantity":1}',
)
TEXTS = st.text(st.characters(codec="utf-8"))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), TEXTS)


def test_the_digest_is_stable() -> None:
    content = (
        '{"account_id":"account","action":"create_order","actor_id":"actor","after":"{\\"quantity\\":1}",'
        '"application_id":"application","at":1767225600000000,"before":null,"correlation_id":"correlation",'
        '"customer_id":null,"request_id":"request","subject_id":"subject","subject_kind":"order",'
        '"user_name":null}'
    )
    assert rules.digest(ENTRY) == hashlib.sha256(content.encode()).hexdigest()


@pytest.mark.parametrize("name", [field.name for field in fields(Entry)])
def test_the_digest_covers_every_field(name: str) -> None:
    other: Any = ENTRY.at + timedelta(microseconds=1) if name == "at" else "other"
    changed: dict[str, Any] = {name: other}
    assert rules.digest(replace(ENTRY, **changed)) != rules.digest(ENTRY)


@given(st.dictionaries(TEXTS, SCALARS))
def test_canonical_text_does_not_depend_on_the_order(keys: dict[str, str | int | bool | None]) -> None:
    backwards = dict(reversed(keys.items()))
    assert rules.canonical(keys) == rules.canonical(backwards)
    assert ": " not in rules.canonical(dict.fromkeys(("a", "b"), 1))


def test_absent_keys_stay_absent() -> None:
    assert rules.optional_canonical(None) is None
    assert rules.optional_canonical({}) == "{}"


def _recorded(sequence: int, previous_hash: str, entry: Entry = ENTRY) -> Recorded:
    digest = rules.digest(entry)
    return Recorded(sequence, entry, digest, rules.chained(previous_hash, digest))


def test_a_sound_entry_has_no_fault() -> None:
    first = _recorded(1, rules.BEFORE_THE_FIRST)
    assert rules.fault(first, 0, rules.BEFORE_THE_FIRST) is None
    assert rules.fault(_recorded(2, first.hash), 1, first.hash) is None


@pytest.mark.parametrize(
    ("recorded", "reason"),
    [
        (_recorded(3, "before"), "the entry is missing"),
        (
            replace(_recorded(2, "before"), entry=replace(ENTRY, action="x")),
            "the content is not what was recorded",
        ),
        (_recorded(2, "another"), "the entry does not follow the one before it"),
    ],
)
def test_faults_are_named(recorded: Recorded, reason: str) -> None:
    assert rules.fault(recorded, 1, "before") == Offender(2, reason)


@pytest.mark.parametrize(
    ("head", "offender"),
    [
        ((2, "hash"), None),
        ((3, "later"), Offender(3, "the entry is missing")),
        ((1, "earlier"), Offender(2, "the entry is not the last that was recorded")),
        ((2, "other"), Offender(2, "the entry is not the last that was recorded")),
    ],
)
def test_the_head_fixes_the_end(head: tuple[int, str], offender: Offender | None) -> None:
    assert rules.head_fault(2, "hash", head) == offender
