"""The same purchase as five clients write it (``10`` sections 3.11 and 4.4): one meaning."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from comptoir.wire.carts import CartBody, CartLineItemBody, ParticipantBody
from comptoir.wire.codec import decode
from comptoir.wire.enums import fold
from comptoir.wire.orders import OrderBody, OrderLineItemBody

ITEM = "DZH318Z0TFD8:0002:DZH318Z0J9QA"

REST = """{
  "lineItems": [ // the documents' own sample has remarks and commas too many
    { "id": 0, "catalogItemId": "DZH318Z0TFD8:0002:DZH318Z0J9QA", "quantity": 3, "billingCycle": "one_time",
      "termDuration": "P1Y", "participants": [{ "key": "transaction_reseller", "value": "4847383" }],
      "provisioningContext": {}, },
  ],
}"""

DOTNET = """{"Id":null,
"CreationTimestamp":"0001-01-01T00:00:00","LastModifiedTimestamp":"0001-01-01T00:00:00",
"ExpirationTimestamp":"0001-01-01T00:00:00","LastModifiedUser":null,"Status":null,"LineItems":[{"Id":0,
"CatalogItemId":"DZH318Z0TFD8:0002:DZH318Z0J9QA","FriendlyName":null,"Quantity":3,"CurrencyCode":null,
"BillingCycle":"one_time","TermDuration":"P1Y","PromotionId":null,"Participants":[{"Key":"transaction_reseller",
"Value":"4847383"}],"ProvisioningContext":{},"OrderGroup":null,"PurchaseSystem":null,"AddonItems":null,
"RenewsTo":null,"Error":null,"CustomTermEndDate":null,"AttestationAccepted":null}],
"PartnerOnRecordAttestationAccepted":null,"Links":null,"Attributes":{"Etag":null,"ObjectType":"Cart"}}"""

JAVA = """{"lineItems":[{"id":0,"catalogItemId":"DZH318Z0TFD8:0002:DZH318Z0J9QA","quantity":3,
"billingCycle":"one_time","termDuration":"P1Y","participants":[{"key":"transaction_reseller",
"value":"4847383"}],"provisioningContext":{},"error":{"errorCode":10010}}],
"creationTimestamp":"2026-03-02T08:15:00.123Z","attributes":{"objectType":"Cart"}}"""

POWERSHELL = """\ufeff{"LineItems":[{
"CatalogItemId":"DZH318Z0TFD8:0002:DZH318Z0J9QA","BillingCycle":"OneTime",
"TermDuration":"P1Y","Id":0,"Participants":[{"Key":"TransactionReseller","Value":"4847383"}],
"ProvisioningContext":{},"Quantity":3}],"Attributes":{"ObjectType":"Cart"}}"""


def folded(cart: CartBody | None) -> CartLineItemBody:
    """The one line of a cart; names of enumerations are compared as ``parse_enum`` compares them."""
    assert cart is not None
    assert cart.line_items is not None
    (line,) = cart.line_items
    assert line.participants is not None
    participants = [ParticipantBody(key=fold(str(one.key)), value=one.value) for one in line.participants]
    return CartLineItemBody(
        id=line.id,
        catalog_item_id=line.catalog_item_id,
        quantity=line.quantity,
        billing_cycle=fold(str(line.billing_cycle)),
        term_duration=line.term_duration,
        participants=participants,
        provisioning_context=line.provisioning_context,
        addon_items=line.addon_items,
        custom_term_end_date=line.custom_term_end_date,
    )


@pytest.mark.parametrize(
    "body", [REST, DOTNET, JAVA, POWERSHELL], ids=["rest", "dotnet", "java", "powershell"]
)
def test_cart(body: str) -> None:
    assert folded(decode(body.encode(), CartBody)) == CartLineItemBody(
        id=0,
        catalog_item_id=ITEM,
        quantity=3,
        billing_cycle="onetime",
        term_duration="P1Y",
        participants=[ParticipantBody(key="transactionreseller", value="4847383")],
        provisioning_context={},
    )


@pytest.mark.parametrize("name", ["addonItems", "addOnItems", "AddonItems", "AddOnItems"])
def test_add_ons_of_a_line(name: str) -> None:
    body = {"lineItems": [{"catalogId": ITEM, name: [{"catalogItemId": "A:1:B", "quantity": 2}]}]}
    cart = decode(json.dumps(body).encode(), CartBody)
    add_ons = [CartLineItemBody(catalog_item_id="A:1:B", quantity=2)]
    assert cart == CartBody(line_items=[CartLineItemBody(catalog_item_id=ITEM, addon_items=add_ons)])


def test_dates_of_an_echoed_cart() -> None:
    body = DOTNET.replace('"CustomTermEndDate":null', '"CustomTermEndDate":"2027-01-31T00:00:00.0000000Z"')
    line = folded(decode(body.encode(), CartBody))
    assert line.custom_term_end_date == datetime(2027, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        {"billingCycle": "monthly", "lineItems": [{"lineItemNumber": 0, "offerId": ITEM, "quantity": 3}]},
        {
            "Id": None,
            "ReferenceCustomerId": None,
            "BillingCycle": "monthly",
            "LineItems": [
                {"LineItemNumber": 0, "OfferId": ITEM, "Quantity": 3, "Links": None, "Pricing": None}
            ],
            "CreationDate": "0001-01-01T00:00:00",
            "TotalPrice": None,
            "Attributes": {"ObjectType": "Order"},
        },
        {
            "billingCycle": "monthly",
            "lineItems": [{"lineItemNumber": 0, "offerId": ITEM, "quantity": 3}],
            "totalPrice": 0.0,
            "attributes": {"objectType": "Order"},
        },
    ],
    ids=["rest", "dotnet", "java"],
)
def test_order(body: dict[str, Any]) -> None:
    line = OrderLineItemBody(line_item_number=0, offer_id=ITEM, quantity=3)
    assert decode(json.dumps(body).encode(), OrderBody) == OrderBody(
        billing_cycle="monthly", line_items=[line]
    )
