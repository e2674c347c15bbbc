"""The browsable page of the interface."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from comptoir.api import docs_page, openapi
from comptoir.api.pages import page_headers
from comptoir.wire.operations import OPERATIONS

DOCUMENT = openapi.document()
PAGE = docs_page.render(DOCUMENT)
VOID = {"meta", "input", "br", "link", "img"}


class Outline(HTMLParser):
    """Tags, ids and links of a page; raises for tags that are not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.sources: set[str] = set()
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.add(value or "")
            if name in {"src", "srcset", "action"} or name.startswith("on"):
                self.sources.add(f"{name}={value}")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def outline() -> Outline:
    return Outline(PAGE)


def test_every_operation_has_its_place(outline: Outline) -> None:
    assert {operation.id for operation in OPERATIONS} <= set(outline.ids)
    assert len(set(outline.ids)) == len(outline.ids)


def test_links_lead_to_something(outline: Outline) -> None:
    inside = {link.removeprefix("#") for link in outline.links if link.startswith("#")}
    assert inside <= set(outline.ids)
    assert outline.links - {f"#{name}" for name in inside} == {"openapi.json"}


def test_the_page_loads_nothing(outline: Outline) -> None:
    assert outline.sources == set()
    assert outline.tags.isdisjoint({"link", "img", "iframe", "object", "form"})
    assert "url(" not in PAGE
    assert "@import" not in PAGE


def test_the_policy_allows_what_stands_in_the_page_and_nothing_else() -> None:
    headers = page_headers(docs_page.STYLE, docs_page.SCRIPT)
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    for tag, source in (("style", "style-src"), ("script", "script-src")):
        found = re.search(rf"<{tag}>(.*?)</{tag}>", PAGE, re.DOTALL)
        assert found is not None
        digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        assert policy[source] == f"'sha256-{digest}'"
    assert "style=" not in PAGE


def test_an_operation_is_found_by_the_code_of_its_refusals() -> None:
    entry = re.search(r'<details id="carts.checkout" data-find="([^"]*)"', PAGE)
    assert entry is not None
    assert {"800009", "post", "/v1/customers/{customer_id}/carts/{cart_id}/checkout"} <= set(entry[1].split())


def test_a_schema_is_found_by_its_members() -> None:
    assert re.search(r'id="schema-Customer" data-find="customer [^"]*commerceid', PAGE)


def test_both_colour_schemes_are_served() -> None:
    assert "color-scheme: light dark" in docs_page.STYLE
    assert "prefers-color-scheme: dark" in docs_page.STYLE


def test_shapes_show_what_may_be_absent() -> None:
    shown = re.search(r'id="schema-KeyValueBody".*?<pre>(.*?)</pre>', PAGE, re.DOTALL)
    assert shown is not None
    assert shown[1] == "{\n  key?: string\n  value?: string\n}"


@pytest.mark.parametrize("attack", ["<script>alert(1)</script>", '"><img src=x>', "$style", "</style>"])
def test_texts_of_the_document_cannot_become_markup(attack: str) -> None:
    poisoned = json.loads(json.dumps(DOCUMENT))
    poisoned["info"]["title"] = poisoned["info"]["description"] = attack
    poisoned["tags"][0]["description"] = poisoned["tags"][0]["x-displayName"] = attack
    for item in poisoned["paths"].values():
        for described in item.values():
            described["summary"] = described["description"] = attack
    for schema in poisoned["components"]["schemas"].values():
        schema["description"] = attack
    assert Outline(docs_page.render(poisoned)).tags <= Outline(PAGE).tags
