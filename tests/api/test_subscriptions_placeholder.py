"""The page behind a dummy activation link (``10-catalog-cart-orders`` section 5)."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.api import placeholder


class Outline(HTMLParser):
    """The tags of a page, and the texts of its ``dd`` elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.values: list[str] = []
        self._is_value = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))
        self._is_value = tag == "dd"
        if self._is_value:
            self.values.append("")

    def handle_endtag(self, tag: str) -> None:
        self._is_value = self._is_value and tag != "dd"

    def handle_data(self, data: str) -> None:
        if self._is_value:
            self.values[-1] += data


def test_the_page_shows_order_and_line() -> None:
    assert Outline(placeholder.render("en", "a1b2c3d4e5f6", "3")).values == ["a1b2c3d4e5f6", "3"]


def test_the_page_says_what_is_missing() -> None:
    assert Outline(placeholder.render("fr", "", "")).values == ["non indiquée", "non indiquée"]


@given(st.text(), st.text())
def test_nothing_in_the_address_becomes_part_of_the_page(order: str, line: str) -> None:
    outline = Outline(placeholder.render("en", order, line))
    assert outline.tags == Outline(placeholder.render("en", "x", "0")).tags
    assert len(placeholder.render("en", order * 1000, line)) < 6_000


@pytest.mark.parametrize(
    "attack",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'--></style>", "&lt;b&gt;", "$why"],
)
def test_markup_is_shown_as_text(attack: str) -> None:
    assert Outline(placeholder.render("en", attack, attack)).values == [attack, attack]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_names_the_call_and_loads_nothing(language: str) -> None:
    page = placeholder.render(language, "a", "0")
    assert f'<html lang="{language}">' in page
    assert "POST /v1/customers/{customer-id}/subscriptions/{subscription-id}/activate" in page
    tags = {tag for tag, _ in Outline(page).tags}
    assert not tags & {"script", "form", "a", "link", "img", "iframe", "button", "input"}
    assert "url(" not in page
    assert "http" not in page


def test_the_policy_allows_the_style_of_the_page_and_nothing_else() -> None:
    style = re.search(r"<style>(.*)</style>", placeholder.render("en", "a", "0"), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = placeholder.SECURITY_HEADERS["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA", "fr"),
        ("FR-fr,en;q=0.8", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.5", "en"),
        ("en;q=0.4,fr;q=0.6", "fr"),
        ("de,fr;q=0.2", "fr"),
        ("de", "en"),
        ("*", "en"),
        ("fr;q=0", "en"),
        ("fr;q=banana", "en"),
        ("fr;q=0.5,fr-CH;q=0.9,en;q=0.7", "fr"),
        ("frisian", "en"),
        (",,;q=;", "en"),
    ],
)
def test_the_language_that_the_browser_prefers(header: str, language: str) -> None:
    assert placeholder.preferred_language(header) == language


@given(st.text())
def test_any_header_gives_a_language_of_the_page(header: str) -> None:
    assert placeholder.preferred_language(header) in placeholder.TEXTS
