"""Dates in all the spellings of ``00`` section 5.3."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.wire.codec import encode
from comptoir.wire.dates import NotADate, parse_date

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01T12:00:00", NOON),
        ("2026-03-01 12:00:00", NOON),
        ("2026-03-01t12:00:00z", NOON),
        ("2026-03-01T12:00Z", NOON),
        ("2026-03-01T14:00:00+02:00", NOON),
        ("2026-03-01T14:00:00+0200", NOON),
        ("2026-02-28T23:30:00-12:30", NOON),
        ("2026-03-01T12:00:00.0000000Z", NOON),
        (" 2026-03-01T12:00:00Z ", NOON),
        ("2026-03-01T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("2026-03-01T12:00:00.1234567Z", NOON + timedelta(microseconds=123456)),
        ("2026-03-01T12:00:00.999999999Z", NOON + timedelta(microseconds=999999)),
        ("2026-03-01", MIDNIGHT),
        ("03/01/2026 12:00:00", NOON),
        ("3/1/2026 12:00:00 PM", NOON),
        ("3/1/2026 12:00:00 AM", MIDNIGHT),
        ("3/1/2026 1:05:09 pm", NOON + timedelta(hours=1, minutes=5, seconds=9)),
        ("03/01/2026", MIDNIGHT),
        ("2026-03-60", MIDNIGHT),
        ("2026-03-60T12:00:00Z", NOON),
        ("2026-02-32", datetime(2026, 2, 1, tzinfo=UTC)),
        ("2026-12-365", datetime(2026, 12, 31, tzinfo=UTC)),
        ("2028-12-366", datetime(2028, 12, 31, tzinfo=UTC)),
        ("9999-12-31T23:59:59.9999999Z", datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_spellings(text: str, instant: datetime) -> None:
    parsed = parse_date(text)
    assert parsed == instant
    assert parsed is not None
    assert parsed.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00.0000000+02:00",
        "01/01/0001 00:00:00",
    ],
)
def test_year_one_is_not_supplied(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026",
        "2026-13-01",
        "2026-00-10",
        "2026-03-00",
        "2026-04-31",
        "2026-02-30",
        "2026-12-366",
        "2026-03-01T24:00:00Z",
        "2026-03-01T12:60:00Z",
        "2026-03-01T12:00:60Z",
        "2026-03-01T12:00:00+25:00",
        "2026-03-01T12:00:00ZZ",
        "2026-03-01Z12",
        "13/01/2026 12:00:00",
        "3/1/2026 13:00:00 PM",
        "3/1/2026 0:00:00 AM",
        "3/1/26",
        "0000-01-01",
        "9999-12-31T23:59:59-01:00",
        "2026-03-01T12:00:00." + "1" * 80 + "Z",
        "٢٠٢٦-٠٣-٠١",
    ],
)
def test_no_dates(text: str) -> None:
    with pytest.raises(NotADate):
        parse_date(text)


INSTANTS = st.datetimes(timezones=st.just(UTC)).filter(lambda at: 1 < at.year < 9999)


@given(INSTANTS)
def test_what_we_write_we_read(instant: datetime) -> None:
    written = encode(instant).decode().strip('"')
    assert written.endswith("Z")
    assert parse_date(written) == instant


@given(INSTANTS, st.integers(-14 * 60, 14 * 60))
def test_any_zone_is_the_same_instant(instant: datetime, minutes: int) -> None:
    local = instant.astimezone(timezone(timedelta(minutes=minutes)))
    assert parse_date(local.isoformat()) == instant


@given(INSTANTS)
def test_day_of_the_year_is_the_day(instant: datetime) -> None:
    java = f"{instant:%Y}".zfill(4) + f"-{instant:%m}-{instant.timetuple().tm_yday:02d}"
    expected = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    assert parse_date(java) == expected


@given(st.text(max_size=40) | st.from_regex(r"[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,4}.{0,20}"))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    try:
        parsed = parse_date(text)
    except NotADate:
        return
    assert parsed is None or parsed.tzinfo is UTC
