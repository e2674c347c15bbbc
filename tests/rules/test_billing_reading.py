"""Places, pages and tokens of walks over lines, without a database."""

import dataclasses
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.book_factory import subject

from comptoir.billing import reading
from comptoir.billing.reading import (
    About,
    ConsumptionRow,
    Feed,
    LineQuery,
    LineType,
    Period,
    Place,
    Provider,
    Snapshot,
    Walk,
)
from comptoir.core.errors import Code, Refusal

NOW = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
YEAR_2020, YEAR_2030 = datetime(2020, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001 - as hypothesis wants them
ACCOUNT = "7c1f0a52-3b1e-4c7a-9d55-0f6b2d1a9e41"
GUID = "2f9c7d0e-51ab-4e0c-a4f3-9b1d88c60e75"
QUERY = LineQuery("", Provider.ONETIME, LineType.BILLING, "USD", Period.CURRENT, False, 2000)
PLACE = Place(1_772_439_300_123_456, GUID, GUID, 1)
WALK = Walk(QUERY, snapshot=Snapshot(4_000_000, 202603, ("T000000017",)))


def query(**changes: object) -> LineQuery:
    return msgspec.structs.replace(QUERY, **changes)


def row(day: int, subscription: int, dimension: str, id_: int) -> ConsumptionRow:
    empty = [None] * (len(ConsumptionRow.__struct_fields__) - 4)
    return ConsumptionRow(day, str(subscription), dimension, str(id_), *empty)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("T000000017", "T000000017"),
        ("g000410273", "G000410273"),
        ("OneTime-G000410273", "G000410273"),
        ("ONETIME-g000410273", "G000410273"),
        (" G1 ", "G1"),
        ("Recurring-G000410273", None),
        ("-G000410273", None),
        ("One-Time-G000410273", None),
    ],
)
def test_numbers_of_documents(written: str, number: str | None) -> None:
    """An empty type is none: ``-G...`` is no number either."""
    found = reading.document_number(written)
    assert found == number


@pytest.mark.parametrize("provider", Provider)
@pytest.mark.parametrize("line_type", LineType)
@pytest.mark.parametrize("earned_credit", [False, True])
def test_what_a_query_reads(provider: Provider, line_type: LineType, earned_credit: bool) -> None:
    """Choices C-09 and C-13."""
    found = query(provider=provider, line_type=line_type, earned_credit=earned_credit).feed
    reads_charges = line_type is LineType.BILLING and provider in {Provider.ONETIME, Provider.ALL}
    is_ours = provider in {Provider.ONETIME, Provider.MARKETPLACE, Provider.ALL}
    wants_credit = earned_credit and provider is Provider.ONETIME
    reads_usage = line_type is LineType.USAGE and is_ours and not wants_credit
    assert found is (
        Feed.RECONCILIATION if reads_charges else Feed.CONSUMPTION if reads_usage else Feed.NOTHING
    )


def test_a_token_holds_the_walk() -> None:
    token = reading.continuation(WALK, PLACE, ACCOUNT, NOW)
    found = reading.resumed("", QUERY, token, ACCOUNT, NOW)
    assert found == Walk(QUERY, PLACE, WALK.snapshot)
    assert reading.resumed("", None, token, ACCOUNT, NOW) == found


def test_a_token_fits_into_a_header() -> None:
    """With the signature and as base64, though many documents were issued at once."""
    closed = tuple(f"T{number:09d}" for number in range(24))
    walk = Walk(QUERY, snapshot=Snapshot(2**62, 202603, closed))
    token = reading.continuation(walk, PLACE, ACCOUNT, NOW)
    assert (len(token) + 32) * 4 / 3 <= 1_024


def test_a_token_lives_for_a_day() -> None:
    token = reading.continuation(WALK, PLACE, ACCOUNT, NOW)
    end = NOW + timedelta(hours=24)
    assert reading.resumed("", QUERY, token, ACCOUNT, end - timedelta(seconds=1)).after == PLACE
    with pytest.raises(Refusal):
        reading.resumed("", QUERY, token, ACCOUNT, end + reading.TOKEN_STEP)


@given(st.datetimes(timezones=st.just(UTC), min_value=YEAR_2020, max_value=YEAR_2030))
def test_tokens_end_in_steps_after_a_day(wall: datetime) -> None:
    """So a page has the same bytes for minutes, whenever it is asked for."""
    end = datetime.fromtimestamp(reading.token_end(wall), UTC)
    assert timedelta() < end - wall - reading.TOKEN_LIFE <= reading.TOKEN_STEP
    assert end.minute % 10 == end.second == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": Provider.ALL},
        {"line_type": LineType.USAGE},
        {"currency": "EUR"},
        {"period": Period.PREVIOUS},
        {"period": None},
        {"earned_credit": True},
        {"size": 1999},
        {"invoice_id": "T000000017"},
    ],
)
def test_a_token_is_bound_to_its_query(changes: dict[str, object]) -> None:
    other = query(**changes)
    token = reading.continuation(WALK, PLACE, ACCOUNT, NOW)
    with pytest.raises(Refusal) as refused:
        reading.resumed(other.invoice_id, other, token, ACCOUNT, NOW)
    assert refused.value.code is Code.INVALID_PROPERTY


def test_a_token_is_bound_to_its_account_and_document() -> None:
    token = reading.continuation(WALK, PLACE, ACCOUNT, NOW)
    for invoice_id, account_id in (("", GUID), ("T000000017", ACCOUNT)):
        with pytest.raises(Refusal):
            reading.resumed(invoice_id, None, token, account_id, NOW)


@given(st.binary(max_size=200) | st.none())
def test_what_was_signed_for_another_purpose_is_no_token(payload: bytes | None) -> None:
    with pytest.raises(Refusal):
        reading.resumed("", QUERY, payload, ACCOUNT, NOW)


def test_documents_issued_since_the_snapshot() -> None:
    """At the same length of the books, those that were issued before are known by name."""
    snapshot = Snapshot(100, 202603, ("T000000002",))
    assert not snapshot.is_open("T000000001", 99)
    assert not snapshot.is_open("T000000002", 100)
    assert snapshot.is_open("T000000003", 100)
    assert snapshot.is_open("T000000004", 101)


ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from("abA_"), st.integers(0, 9)),
    unique=True,
    max_size=40,
)


@given(ROWS, st.integers(1, 7), st.integers(1, 4))
def test_walking_runs_shows_each_line_once_in_order(
    keys: list[tuple[int, int, str, int]], size: int, run_count: int
) -> None:
    """As the database does it: of each run, the next ``size + 1`` lines after the last one shown."""
    rows = sorted((row(*key) for key in keys), key=lambda each: each.place)
    runs = [rows[number::run_count] for number in range(run_count)]
    after = reading.beginning(Feed.CONSUMPTION)
    shown: list[ConsumptionRow] = []
    while True:
        parts = [[each for each in run if each.place > after][: size + 1] for run in runs]
        page = reading.arranged(parts, size)
        shown += page.rows
        if not page.has_next:
            break
        assert page.rows, "an empty page does not lead on"
        after = page.rows[-1].place
    assert shown == rows


def test_what_lines_are_about_is_read_as_it_was_written() -> None:
    """The struct that pages are made from has the members of the stored subject, all of them."""
    written = subject(product_qualifiers=("Trial",), reseller_mpn_id="4847383")
    found = msgspec.json.decode(msgspec.json.encode(written), type=About)
    expected = dataclasses.asdict(written) | {"product_qualifiers": ["Trial"]}
    assert msgspec.structs.asdict(found) == expected
