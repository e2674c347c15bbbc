"""The contract's own samples pass the checks, and each fault that the checks are for is found."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime
from typing import Any

import pytest
from msgspec import UNSET, UnsetType

from comptoir.wire.types import Body, Collection, Link, Reply
from tests.contract import loader
from tests.contract.check import check_reply, problems
from tests.contract.notation import Model, Presence, Ref, Type
from tests.contract.structs import reply_problems, request_problems

CUSTOMER = "2f744df4-27ef-4dbd-a45b-eeba09a9746a"


def link(uri: str) -> dict[str, Any]:
    """A link as an answer holds it."""
    return {"uri": uri, "method": "GET", "headers": []}


LINE = {
    "lineItemNumber": 0,
    "offerId": "DZH318Z0TFD8:0002:DZH318Z0J9QA",
    "subscriptionId": "5833af74-42f8-4c10-bb6f-845f4613e12c",
    "termDuration": "P1M",
    "transactionType": "New",
    "friendlyName": "Fieldnote Cloud - Team",
    "quantity": 12,
    "pricing": {"listPrice": 7.5, "extendedPrice": 90.0},
    "links": {
        "product": link("/products/DZH318Z0TFD8?country=FR"),
        "sku": link("/products/DZH318Z0TFD8/skus/0002?country=FR"),
        "availability": link("/products/DZH318Z0TFD8/skus/0002/availabilities/DZH318Z0J9QA?country=FR"),
    },
}
ORDER = {
    "id": "vJcUA1qQM-dJFpZ0Jho0NEDnXigvV74P1",
    "alternateId": "18d4a7264bac",
    "referenceCustomerId": CUSTOMER,
    "billingCycle": "monthly",
    "currencyCode": "EUR",
    "currencySymbol": "€",
    "lineItems": [LINE],
    "creationDate": "2026-02-11T08:14:09.482113Z",
    "status": "pending",
    "transactionType": "UserPurchase",
    "totalPrice": 90.0,
    "links": {"self": link(f"/customers/{CUSTOMER}/orders/vJcUA1qQM-dJFpZ0Jho0NEDnXigvV74P1")},
    "attributes": {"objectType": "Order"},
}
PAGE = {
    "totalCount": 1,
    "items": [
        {"lineItemNumber": 0, "link": link("https://fieldnote.example/signup?token=q7Xh2c%2FNw%3D%3D")}
    ],
    "links": {"self": link(f"/customers/{CUSTOMER}/orders/x/lineitems/0/activationlinks")},
    "attributes": {"objectType": "Collection"},
}

Change = Callable[[dict[str, Any]], object]


def changed(body: dict[str, Any], change: Change) -> dict[str, Any]:
    """A copy of a body with one thing different."""
    copy = deepcopy(body)
    change(copy)
    return copy


def test_samples_pass() -> None:
    check_reply("Order", ORDER)
    check_reply("Collection<OrderLineItemActivationLink>", PAGE)
    check_reply(
        "CartCheckoutResult",
        {"orders": [ORDER], "orderErrors": [], "attributes": _kind("CartCheckoutResult")},
    )
    check_reply(
        "[InventoryItem]", [{"productId": "A", "skuId": "1", "isRestricted": False, "restrictions": []}]
    )
    check_reply("Fault", {"code": 800008, "description": "Not found.", "data": [], "source": "Comptoir"})


def _kind(object_type: str) -> dict[str, str]:
    return {"objectType": object_type}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda order: order.pop("alternateId"), "$.alternateId: missing"),
        (lambda order: order["lineItems"][0].pop("quantity"), "$.lineItems[0].quantity: missing"),
        (lambda order: order.update(totalPrice=None), "$.totalPrice: null"),
        (lambda order: order.update(totalPrice="90"), "$.totalPrice: number expected"),
        (lambda order: order["lineItems"][0].update(quantity=12.0), "$.lineItems[0].quantity: whole number"),
        (lambda order: order["lineItems"][0].update(quantity=True), "$.lineItems[0].quantity: whole number"),
        (lambda order: order["lineItems"][0].update(quantity=2**31), "$.lineItems[0].quantity: whole number"),
        (lambda order: order.update(billingCycle="Monthly"), "$.billingCycle: 'Monthly' is none of"),
        (lambda order: order.update(creationDate="2026-02-11T08:14:09"), "$.creationDate: date and time"),
        (
            lambda order: order.update(creationDate="2026-02-11T08:14:09.000Z"),
            "$.creationDate: date and time",
        ),
        (
            lambda order: order.update(creationDate="2026-02-11T08:14:09+00:00"),
            "$.creationDate: date and time",
        ),
        (lambda order: order.update(referenceCustomerId=CUSTOMER.upper()), "$.referenceCustomerId: GUID"),
        (lambda order: order.update(colour="red"), "$.colour: the contract has no such member"),
        (lambda order: order["links"]["self"].pop("headers"), "$.links.self.headers: missing"),
        (lambda order: order["links"]["self"].update(headers=None), "$.links.self.headers: null"),
        (lambda order: order["links"]["self"].update(uri="/v1/customers"), "$.links.self.uri: repeats"),
        (lambda order: order["links"]["self"].update(uri="/a b"), "$.links.self.uri: not a legal relative"),
        (
            lambda order: order["links"]["self"].update(uri="/a?b=c?d"),
            "$.links.self.uri: not a legal relative",
        ),
        (
            lambda order: order["links"]["self"].update(uri="customers"),
            "$.links.self.uri: not a legal relative",
        ),
        (
            lambda order: order["links"]["self"].update(uri="http://a/b"),
            "$.links.self.uri: not a legal relative",
        ),
        (
            lambda order: order["attributes"].update(objectType="Cart"),
            "$.attributes.objectType: 'Cart' is none",
        ),
        (lambda order: order.update(lineItems={}), "$.lineItems: a list expected"),
        (lambda order: order.update(attributes=[]), "$.attributes: an object expected"),
    ],
)
def test_faults_of_an_order_are_found(change: Change, problem: str) -> None:
    with pytest.raises(AssertionError) as found:
        check_reply("Order", changed(ORDER, change))
    assert f"\n{problem}" in str(found.value)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda page: page.update(totalCount=2), "$.totalCount: 2 for 1 items"),
        (lambda page: page.update(continuationToken="x"), "$.continuationToken: present without"),
        (lambda page: page.pop("links"), "$.links: missing"),
        (lambda page: page["items"].append(None), "$.items[1]: null"),
        (
            lambda page: page["items"][0]["link"].update(uri="/relative"),
            "$.items[0].link.uri: not a legal abs",
        ),
    ],
)
def test_faults_of_a_page_are_found(change: Change, problem: str) -> None:
    with pytest.raises(AssertionError) as found:
        check_reply("Collection<OrderLineItemActivationLink>", changed(PAGE, change))
    assert f"\n{problem}" in str(found.value)


def test_scalars_only_where_only_scalars_are_allowed() -> None:
    found = list(problems(loader.kind("map<string,scalar>"), {"a": 1, "b": "x", "c": True, "d": []}, "$"))
    assert found == ["$.d: text, number or flag expected, found []"]


def models() -> Iterator[tuple[str, Model]]:
    """Every model of the appendices."""
    for source in loader.FILES:
        for name in loader.document(source)["models"]:
            model = loader.resolve(Ref(name, source))
            assert model is not None
            yield f"{source}.{name}", model


@pytest.mark.parametrize(("name", "model"), list(models()))
def test_every_model_is_understood(name: str, model: Model) -> None:
    """A reference that leads nowhere would switch a check off."""
    assert model.members
    unknown = {f"{name}.{member}" for member in model.members if _leads_nowhere(model.members[member].type)}
    assert unknown <= {"40.WebhookPayload.subscription"}


def _leads_nowhere(kind: Type) -> bool:
    return isinstance(kind, Ref) and loader.resolve(kind) is None


def test_presence_is_read_from_every_notation() -> None:
    marked = {
        "00.Link": "headers",
        "10.Cart": "id",
        "20.Subscription": "contractType",
        "30.Invoice": "id",
        "40.Plan": "planId",
    }
    optional = {"00.Fault": "errorName", "10.Cart": "partnerOnRecordAttestationAccepted"} | {
        "20.Subscription": "partnerId",
        "30.Invoice": "amendsOf",
        "40.Plan": "minQuantity",
    }
    found = dict(models())
    assert {name: found[name].members[member].presence for name, member in marked.items()} == dict.fromkeys(
        marked, Presence.ALWAYS
    )
    assert {name: found[name].members[member].presence for name, member in optional.items()} == dict.fromkeys(
        optional, Presence.WHEN_SET
    )


class Links(Reply, kw_only=True):
    self: Link | UnsetType = UNSET


class WrongResult(Reply, kw_only=True):
    orders: str
    attributes: Links | None
    colour: str


class ErrorLine(Reply, kw_only=True):
    order_group_id: str
    code: str
    description: str
    at: datetime


class CartSlip(Body):
    line_items: list[str] | None = None
    expires: str | None = None


def test_faults_of_declarations_are_found() -> None:
    assert set(reply_problems(WrongResult, loader.kind("CartCheckoutResult"))) == {
        "$.orders: a list expected, declared StrType",
        "$.orderErrors: always present in CartCheckoutResult, here missing",
        "$.attributes: an object expected, declared NoneType",
        "$.attributes: null is declared",
        "$.attributes.objectType: always present in ResourceAttributes, here missing",
        "$.attributes.self: ResourceAttributes has no such member",
        "$.colour: CartCheckoutResult has no such member",
    }
    assert set(reply_problems(Collection[ErrorLine], loader.kind("Collection<OrderError>"))) == {
        "$.items[].code: whole number expected, declared StrType",
        "$.items[].at: OrderError has no such member",
    }
    assert list(request_problems(CartSlip, loader.kind("Cart"))) == ["$.expires: not in Cart"]
