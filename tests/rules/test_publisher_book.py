"""What the sample publisher draws and remembers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from comptoir.sample_publisher import pages
from comptoir.sample_publisher.book import EVENTS_MAX, Book, Used, UsedKey, this_hour, usage_event

NOW = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
HOSTILE = "<script>alert('1')</script>\"&"
DRAWN = "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&quot;&amp;"


def key(hours: int = 0, dimension: str = "scans") -> UsedKey:
    return UsedKey("one", "pro", dimension, this_hour(NOW) - timedelta(hours=hours))


def test_pages_draw_text_as_text() -> None:
    person = {"emailId": HOSTILE}
    resolved = {
        "id": HOSTILE,
        "subscriptionName": HOSTILE,
        "offerId": HOSTILE,
        "planId": HOSTILE,
        "quantity": 3,
        "subscription": {
            "beneficiary": person,
            "purchaser": person,
            "saasSubscriptionStatus": "PendingFulfillmentStart",
        },
    }
    listed = {"name": HOSTILE, "planId": HOSTILE, "saasSubscriptionStatus": HOSTILE}
    drawn = [
        pages.purchase(resolved, token=HOSTILE),
        pages.overview([listed], 3),
        pages.page(HOSTILE, pages.table([(HOSTILE,)], [HOSTILE])),
    ]
    for page in drawn:
        assert "<script" not in page
        assert DRAWN in page
    assert f'value="{DRAWN}"' in drawn[0], "the token"


def test_a_batch_is_of_hours_that_are_over_the_oldest_first() -> None:
    book = Book()
    for hours in range(30):
        book.use(key(hours), Decimal(1), NOW - timedelta(hours=hours))
    taken = book.take(this_hour(NOW))
    assert [each.hour for each, _ in taken] == [key(hours).hour for hours in range(29, 4, -1)]
    assert [each.hour for each, _ in book.take(this_hour(NOW))] == [
        key(hours).hour for hours in range(4, 0, -1)
    ]
    assert book.take(this_hour(NOW)) == []
    assert list(book.used) == [key(0)]


def test_what_is_given_back_is_added() -> None:
    book = Book()
    book.use(key(), Decimal("1.5"), NOW)
    taken = book.take(NOW)
    assert book.use(key(), Decimal(1), NOW - timedelta(minutes=5)) == 1
    book.give_back(taken)
    assert book.used == {key(): Used(Decimal("2.5"), NOW)}


def test_dimensions_and_hours_are_counted_apart() -> None:
    book = Book()
    assert book.use(key(), Decimal(1), NOW) == 1
    assert book.use(key(dimension="calls"), Decimal(2), NOW) == 2
    assert book.use(key(1), Decimal(3), NOW) == 3
    assert book.use(key(), Decimal(4), NOW) == 5


def test_an_event_says_when_its_last_unit_was_used() -> None:
    assert usage_event(key(), Used(Decimal("2.75"), NOW)) == {
        "resourceId": "one",
        "quantity": 2.75,
        "dimension": "scans",
        "effectiveStartTime": "2026-03-02T08:15:00Z",
        "planId": "pro",
    }


def test_the_hour_is_that_of_utc() -> None:
    from datetime import timezone

    kathmandu = timezone(timedelta(hours=5, minutes=45))
    assert this_hour(NOW.astimezone(kathmandu)) == datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_only_the_last_webhooks_are_kept() -> None:
    book = Book()
    for number in range(EVENTS_MAX + 5):
        book.events.append({"id": number})
    assert [book.events[0]["id"], len(book.events)] == [5, EVENTS_MAX]
