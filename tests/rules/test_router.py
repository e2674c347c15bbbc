"""The router on shapes that official clients send, and on paths that lead nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.api.router import Router
from comptoir.wire.operation import Operation

GUID = "5e0c7f2a-91d4-4b6b-8f0e-2c7d1a3b9e44"


def operation(name: str, method: str, path: str, aliases: tuple[str, ...] = ()) -> Operation:
    return Operation(id=name, method=method, path=path, summary="", reply=None, aliases=aliases)


ROUTER = Router(
    [
        operation("list", "GET", "/v1/customers"),
        operation("requests", "GET", "/v1/customers/relationshiprequests"),
        operation("get", "GET", "/v1/customers/{customer_id}"),
        operation("delete", "DELETE", "/v1/customers/{customer_id}"),
        operation("codes", "GET", "/v1/customers/all/validations"),
        operation("carts", "POST", "/v1/customers/{customer_id}/carts"),
        operation("line", "GET", "/v1/orders/{order_id}/lineitems/{number:int}"),
        operation("by_guid", "GET", "/v1/things/{id:guid}"),
        operation("by_name", "GET", "/v1/things/{name}"),
        operation("aliased", "GET", "/v1/customers/{customer_id}/products", ("POST",)),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "name", "values"),
    [
        ("GET", "/v1/customers", "list", {}),
        ("GET", "/V1/Customers/", "list", {}),
        ("GET", "/v1//customers", "list", {}),
        ("GET", "/v1/customers/RelationshipRequests", "requests", {}),
        ("GET", "/v1/customers/abc", "get", {"customer_id": "abc"}),
        ("GET", "/v1/customers/all", "get", {"customer_id": "all"}),
        ("POST", "/v1/customers/all/carts", "carts", {"customer_id": "all"}),
        ("DELETE", "/v1/customers/relationshiprequests", "delete", {"customer_id": "relationshiprequests"}),
        ("GET", "/v1/orders/aB_-/lineitems/7", "line", {"order_id": "aB_-", "number": "7"}),
        ("GET", f"/v1/things/{GUID.upper()}", "by_guid", {"id": GUID.upper()}),
        ("GET", "/v1/things/x", "by_name", {"name": "x"}),
        ("POST", "/v1/customers/abc/products", "aliased", {"customer_id": "abc"}),
    ],
)
def test_match(method: str, path: str, name: str, values: dict[str, str]) -> None:
    found = ROUTER.match(method, path)
    assert found is not None
    assert (found[0].id, found[1]) == (name, values)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/customers"),
        ("GET", "/"),
        ("GET", ""),
        ("GET", "/v2/customers"),
        ("GET", "/v1/orders/a/lineitems/x"),
        ("GET", "/v1/orders/a/lineitems/-1"),
        ("GET", "/v1/orders/a/lineitems/1234567890"),
        ("GET", "/v1/customers/a/b/c"),
        ("GET", "/v1" + "/a" * 100),
    ],
)
def test_no_match(method: str, path: str) -> None:
    assert ROUTER.match(method, path) is None


def test_the_same_path_twice_is_our_bug() -> None:
    twice = [operation("a", "GET", "/a/{x}"), operation("b", "GET", "/A/{x}")]
    with pytest.raises(AssertionError):
        Router(twice)


@given(st.text(max_size=200), st.sampled_from(["GET", "POST", "HEAD", "PURGE", ""]))
def test_any_path_is_matched_or_not(path: str, method: str) -> None:
    found = ROUTER.match(method, path)
    assert found is None or all(value in path for value in found[1].values())
