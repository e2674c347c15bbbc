"""Seek paging: nobody is shown twice or left out, and tokens hold what they must."""

import bisect
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.customers_factory import ACCOUNT_ID, NOW

from comptoir.core.errors import Code, Refusal
from comptoir.customers import paging
from comptoir.customers.model import CustomerSummary
from comptoir.customers.paging import Filter, FilterField, Page, Position, Seek, SeekOperation

Entry = tuple[str, str]


def summary(name_key: str, customer_id: str) -> CustomerSummary:
    return CustomerSummary(customer_id, f"{customer_id}.example", name_key, name_key, "FR")


def fetch(entries: Sequence[Entry], seek: Seek) -> Page:
    """What the store finds, over a list in memory."""
    ordered = sorted(entries)
    position = (seek.position.name_key, seek.position.id)
    before, after = (
        ordered[: bisect.bisect_left(ordered, position)],
        ordered[bisect.bisect_right(ordered, position) :],
    )
    ahead, behind = (before[::-1], after) if seek.is_backward else (after, before)
    found = [summary(*entry) for entry in ahead[: seek.limit + 1]]
    has_others_behind = bool(behind) or position in ordered
    return paging.arrange(seek, found, has_others_behind=has_others_behind)


def follow(page: Page, operation: SeekOperation) -> Seek:
    """The page that the token of a page leads to."""
    return paging.resume(operation, paging.continue_from(page, ACCOUNT_ID, NOW), ACCOUNT_ID, NOW)


def shown(page: Page) -> list[Entry]:
    return [(item.name_key, item.id) for item in page.items]


ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(["acme", "bleu", "café", "zeta", "青葉"]), st.text("abcdef", min_size=1, max_size=4)
    ),
    unique=True,
    max_size=30,
)


@given(entries=ENTRIES, arriving=ENTRIES, size=st.integers(1, 12))
@settings(max_examples=200)
def test_every_customer_exactly_once_while_others_arrive(
    entries: list[Entry], arriving: list[Entry], size: int
) -> None:
    present, waiting, seen = list(entries), list(arriving), []
    page = fetch(present, paging.plan(size, None))
    for _ in range(len(entries) + len(arriving) + 1):
        seen += shown(page)
        if waiting and waiting[-1] not in present:
            present.append(waiting[-1])
        del waiting[-1:]
        if not page.has_next:
            break
        page = fetch(present, follow(page, SeekOperation.NEXT))
    assert not page.has_next
    assert len(seen) == len(set(seen))
    assert seen == sorted(seen)
    assert set(entries) <= set(seen) <= set(present)


@given(entries=ENTRIES, size=st.integers(1, 12))
def test_backward_shows_the_same_pages(entries: list[Entry], size: int) -> None:
    page = fetch(entries, paging.plan(size, None))
    pages = [shown(page)]
    while page.has_next:
        page = fetch(entries, follow(page, SeekOperation.NEXT))
        pages.append(shown(page))
    back = []
    while page.has_previous:
        page = fetch(entries, follow(page, SeekOperation.PREVIOUS))
        assert page.has_next
        back.append(shown(page))
    assert back == pages[-2::-1]
    assert not page.has_previous


@given(entries=ENTRIES, size=st.integers(1, 12))
def test_first_begins_again(entries: list[Entry], size: int) -> None:
    page = fetch(entries, paging.plan(size, None))
    if page.items:
        assert shown(fetch(entries, follow(page, SeekOperation.FIRST))) == shown(page)


def page_of(*entries: Entry, seek: Seek | None = None) -> Page:
    return fetch(entries, seek or paging.plan(40, Filter(FilterField.DOMAIN, "con")))


def test_the_token_alone_carries_size_and_filter() -> None:
    sought = follow(page_of(("a", "1"), ("b", "2")), SeekOperation.NEXT)
    assert sought == Seek(40, Filter(FilterField.DOMAIN, "con"), Position("b", "2"))


def refused(token: bytes | None, operation: SeekOperation = SeekOperation.NEXT, **changes: object) -> Code:
    facts: dict[str, object] = {"account_id": ACCOUNT_ID, "wall": NOW, **changes}
    with pytest.raises(Refusal) as caught:
        paging.resume(operation, token, **facts)  # type: ignore[arg-type]  # the facts vary by test
    return caught.value.code


def test_a_token_lives_for_24_hours() -> None:
    token = paging.continue_from(page_of(("a", "1")), ACCOUNT_ID, NOW)
    paging.resume(SeekOperation.NEXT, token, ACCOUNT_ID, NOW + timedelta(hours=24, microseconds=-1))
    assert refused(token, wall=NOW + timedelta(hours=24)) is Code.INVALID_INPUT


def test_a_token_of_another_account_a_forged_and_a_foreign_one_are_refused() -> None:
    token = paging.continue_from(page_of(("a", "1")), ACCOUNT_ID, NOW)
    assert refused(token, account_id="another") is Code.INVALID_INPUT
    assert refused(None) is Code.INVALID_INPUT
    assert refused(b"{}") is Code.INVALID_INPUT
    assert refused(b"\xff") is Code.INVALID_INPUT


@pytest.mark.parametrize("operation", [SeekOperation.LAST, SeekOperation.PAGE_INDEX])
def test_pages_cannot_be_sought_by_number(operation: SeekOperation) -> None:
    assert refused(None, operation) is Code.NOT_SUPPORTED


@pytest.mark.parametrize(
    ("size", "limit"), [(0, paging.UNPAGED_SIZE_MAX), (1, 1), (500, 500), (501, 500), (10**9, 500)]
)
def test_the_size_of_a_page_is_bounded(size: int, limit: int) -> None:
    assert paging.plan(size, None).limit == limit


@given(name=st.text(st.characters(categories=("L", "N")), max_size=20), cut=st.integers(0, 20))
def test_a_name_lies_in_the_range_of_each_of_its_prefixes(name: str, cut: int) -> None:
    wanted = paging.begins_with(FilterField.COMPANY_NAME, name[:cut])
    assert wanted.prefix <= paging.name_key(name) < wanted.prefix_end


@pytest.mark.parametrize(
    ("name", "value", "is_found"),
    [
        ("Tailspin Toys", "TAIL", True),
        ("Tailspin Toys", "toys", False),
        ("Élan", "éL", True),
        ("Élan", "el", False),
        ("Straße 7", "STRASSE", True),
        ("株式会社みなと精工", "株式会社み", True),
        ("anything", "", True),
    ],
)
def test_a_prefix_matches_in_any_case(name: str, value: str, is_found: bool) -> None:
    wanted = paging.begins_with(FilterField.COMPANY_NAME, value)
    assert (wanted.prefix <= paging.name_key(name) < wanted.prefix_end) is is_found


@pytest.mark.parametrize("value", ["x" * 201, "a\x00b", "line\nbreak"])
def test_a_filter_value_must_be_short_and_printable(value: str) -> None:
    with pytest.raises(Refusal) as caught:
        paging.begins_with(FilterField.COMPANY_NAME, value)
    assert caught.value.code is Code.INVALID_PROPERTY


def test_an_empty_page_of_a_list_that_shrank_leads_nowhere() -> None:
    sought = replace(paging.plan(5, None), position=Position("z", "9"))
    page = fetch([], sought)
    assert (page.items, page.has_next, page.has_previous) == ((), False, False)
