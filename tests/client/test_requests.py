"""From operations and arguments to requests, and from pages to the next ones."""

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from comptoir.client.errors import UnexpectedReply
from comptoir.client.models import CartBody, CartLineItemBody, Combination, Condition, Customer, Operator
from comptoir.client.request import Request, located_request, make_request, next_request
from comptoir.wire.carts import Cart
from comptoir.wire.operations import BY_ID
from comptoir.wire.types import Collection, KeyValue, collection, link

LIST = BY_ID["customers.list"]
PRODUCTS = BY_ID["catalog.products_list"]
GET_ORDER = BY_ID["orders.get"]

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(texts.filter(lambda text: text.strip(".")), texts, st.booleans())
def test_any_text_arrives_as_it_is(order_id: str, country: str, include_price: bool) -> None:
    request = make_request(
        GET_ORDER, {"customer_id": "c", "order_id": order_id, "include_price": include_price}
    )
    address = urlsplit(f"http://host{request.path}")
    segments = address.path.split("/")
    assert len(segments) == 6
    assert unquote(segments[5]) == order_id
    assert address.query == f"include_price={str(include_price).lower()}"
    listed = make_request(PRODUCTS, {"country": country, "target_view": "a b", "target_segment": None})
    assert parse_qs(urlsplit(listed.path).query) == {"country": [country], "targetView": ["a b"]}


@pytest.mark.parametrize("order_id", ["", ".", "..", "..."])
def test_ids_that_would_lead_elsewhere(order_id: str) -> None:
    with pytest.raises(ValueError, match="order_id"):
        make_request(GET_ORDER, {"customer_id": "c", "order_id": order_id})


def test_numbers_and_headers() -> None:
    line = make_request(
        BY_ID["orders.line_activation_links"], {"customer_id": "c", "order_id": "o", "line_item_number": 0}
    )
    assert line.path == "/v1/customers/c/orders/o/lineitems/0/activationlinks"
    paged = make_request(LIST, {"size": 2, "seek_operation": "Next", "continuation_token": "a=,/"})
    assert (paged.path, paged.headers) == (
        "/v1/customers?size=2&seekOperation=Next",
        {"MS-ContinuationToken": "a=,/"},
    )
    put = make_request(BY_ID["customers.billing_profile_update"], {"customer_id": "c", "etag": "-51"})
    assert put.headers == {"If-Match": '"-51"'}


def test_filters() -> None:
    left = Condition("CompanyName", Operator.STARTS_WITH, 'T"il')
    request = make_request(
        LIST, {"filter": Combination(left, Operator.AND, Condition("Domain", Operator.EQUALS, "x"))}
    )
    (text,) = parse_qs(urlsplit(request.path).query)["filter"]
    assert json.loads(text) == {
        "LeftFilter": {"Field": "CompanyName", "Value": 'T"il', "Operator": "starts_with"},
        "Operator": "and",
        "RightFilter": {"Field": "Domain", "Value": "x", "Operator": "equals"},
    }


def test_what_is_not_given_is_not_sent() -> None:
    body = CartBody(line_items=[CartLineItemBody(catalog_item_id="a", provisioning_context={})])
    request = make_request(BY_ID["carts.create"], {"customer_id": "c"}, body)
    assert json.loads(request.content or b"") == {
        "lineItems": [{"catalogItemId": "a", "provisioningContext": {}}]
    }


def test_an_answer_can_be_sent_back() -> None:
    members: dict[str, Any] = dict.fromkeys(Cart.__struct_fields__, UNSET)
    cart = Cart(**{**members, "id": "x", "line_items": []})
    request = make_request(BY_ID["carts.update"], {"customer_id": "c", "cart_id": "x"}, cart)
    assert json.loads(request.content or b"") == {"id": "x", "lineItems": []}


def page(**links: Any) -> Collection[Customer]:
    return collection([], "/customers", **links)


FIRST = Request("GET", "/v1/customers?size=1", {})


@pytest.mark.parametrize(
    "uri",
    [
        "/customers?size=1&seekOperation=Next",
        "/v1/customers?size=1&seekOperation=Next",
        "customers?size=1&seekOperation=Next",
    ],
)
def test_the_next_link_is_followed_with_its_headers(uri: str) -> None:
    following = link(uri, headers=[KeyValue(key="MS-ContinuationToken", value="t")])
    assert next_request(LIST, FIRST, page(next_link=following)) == Request(
        "GET", "/v1/customers?size=1&seekOperation=Next", {"MS-ContinuationToken": "t"}
    )


def test_a_token_alone_is_enough_where_the_operation_seeks() -> None:
    last = page()
    last.continuation_token = "t"
    assert next_request(LIST, FIRST, last) == Request(
        "GET", "/v1/customers?seekOperation=Next", {"MS-ContinuationToken": "t"}
    )
    assert next_request(PRODUCTS, FIRST, last) is None


def test_the_last_page_has_no_next() -> None:
    assert next_request(LIST, FIRST, page()) is None
    bare: Any = page()
    bare.links = bare.continuation_token = UNSET
    assert next_request(LIST, FIRST, bare) is None


@pytest.mark.parametrize("uri", ["https://evil.example/v1/customers", "//evil.example://x"])
def test_no_link_leads_away_from_the_service(uri: str) -> None:
    with pytest.raises(UnexpectedReply, match="leads away"):
        next_request(LIST, FIRST, page(next_link=link(uri)))
    with pytest.raises(UnexpectedReply, match="leads away"):
        located_request(uri)


def test_a_page_that_is_its_own_successor_ends_the_list() -> None:
    with pytest.raises(UnexpectedReply, match="that page itself"):
        next_request(LIST, FIRST, page(next_link=link("/customers?size=1")))
