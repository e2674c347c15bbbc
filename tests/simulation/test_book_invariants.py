"""The checker of stored books finds what is wrong with them: a row that has changed, is missing or double."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.market import Market
from tests.simulation import book_invariants, scenario
from tests.simulation.book_invariants import Books, Row

pytestmark = pytest.mark.anyio


def with_row(find: Callable[[Row], bool], change: Callable[[Row], Row | None]) -> Callable[[Books], Books]:
    """Another row in the place of the first that is found, or none."""

    def tamper(books: Books) -> Books:
        found = next(row for row in books.rows if find(row))
        changed = change(found)
        rows = [changed if row is found else row for row in books.rows]
        return replace(books, rows=[row for row in rows if row is not None])

    return tamper


def is_open(charge_type: str) -> Callable[[Row], bool]:
    return lambda row: row.charge_type == charge_type and row.invoice_id is None


def cancelled_too_late(books: Books) -> Books:
    row = next(row for row in books.rows if row.charge_type == "cancelImmediate")
    held = books.subscriptions[row.subscription_id]
    late = replace(held, ended_at=held.refund_until)
    return replace(books, subscriptions={**books.subscriptions, held.id: late})


def without_document(books: Books) -> Books:
    last = max(books.documents)
    return replace(books, documents={key: each for key, each in books.documents.items() if key != last})


def with_another_total(books: Books) -> Books:
    last = books.documents[max(books.documents)]
    subtotal, tax, total = last.amounts
    changed = replace(last, amounts=(subtotal, tax + 1, total + 1))
    return replace(books, documents={**books.documents, last.id: changed})


TAMPERED: dict[str, Callable[[Books], Books]] = {
    "a cent": with_row(is_open("renew"), lambda row: replace(row, subtotal=row.subtotal + 1)),
    "a price": with_row(is_open("renew"), lambda row: replace(row, unit_price=row.unit_price + 1)),
    "a tax": with_row(is_open("renew"), lambda row: replace(row, tax=1)),
    "a day": with_row(is_open("renew"), lambda row: replace(row, until=row.until + timedelta(days=1))),
    "a month": with_row(is_open("renew"), lambda row: replace(row, bill_month=202603)),
    "half a pair": with_row(lambda row: row.charge_type == "addQuantity", lambda row: None),
    "a lost row": with_row(lambda row: row.invoice_id == "T000000005", lambda row: None),
    "a row twice": lambda books: replace(books, rows=[*books.rows, books.rows[-1]]),
    "a lost refund": with_row(lambda row: row.charge_type == "cancelImmediate", lambda row: None),
    "a late refund": cancelled_too_late,
    "a lost document": without_document,
    "another total": with_another_total,
    "lost usage": lambda books: replace(books, days=books.days[1:]),
    "a lost posting": lambda books: replace(books, postings=books.postings[1:]),
}


def is_sound(books: Books) -> bool:
    try:
        book_invariants.check(books)
    except AssertionError:
        return False
    return True


async def test_what_is_wrong_with_books_is_found(market: Market) -> None:
    await scenario.live(market)
    await market.advance("P3M")
    account = await market.account()
    books = await book_invariants.read(market.services.database, account.id)
    book_invariants.check(books)
    assert [name for name, tamper in TAMPERED.items() if is_sound(tamper(books))] == []
    query = "provider=onetime&invoiceLineItemType=billinglineitems&currencyCode=EUR&period=current"
    first = f"/v1/invoices/unbilled/lineitems?{query}"
    market.tokens.clear()
    count = sum(row.invoice_id is None and row.bill_month == 202607 for row in books.rows)
    assert count > 3
    await book_invariants.check_pages(market, first, (1, 2, 5), count)
