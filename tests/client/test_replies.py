"""Answers and errors from bytes, good and bad."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from comptoir.client.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PreconditionFailed,
    ServerError,
    ServiceError,
    Throttled,
    TokenRefused,
    Unauthorized,
    UnexpectedReply,
)
from comptoir.client.reply import read_error, read_reply, read_token_refusal, read_token_reply
from comptoir.wire import codec
from comptoir.wire.carts import Cart
from comptoir.wire.catalog import Sku
from comptoir.wire.customers import CustomerQualification, SpendingBudget
from comptoir.wire.invoices import (
    NO_DATE,
    DailyRatedUsageLineItem,
    InvoiceSummary,
    Lines,
    OneTimeInvoiceLineItem,
)
from comptoir.wire.operation import Audience
from comptoir.wire.operations import OPERATIONS
from comptoir.wire.orders import Order
from comptoir.wire.partner import AddressValidationResponse
from comptoir.wire.subscriptions import Subscription
from comptoir.wire.types import Collection, attributes, collection, self_links

KINDS = [
    operation.reply
    for operation in OPERATIONS
    if operation.audience is Audience.PARTNER and operation.reply is not None
]
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "items", "links", "quantity", "attributes", "lineItems"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


def test_what_the_server_writes_is_read_back() -> None:
    budget = SpendingBudget(
        amount=Decimal("12.50"), links=self_links("/x"), attributes=attributes("SpendingBudget")
    )
    page = codec.encode(collection([budget], "/x"))
    assert codec.encode(read_reply(page, Collection[SpendingBudget])) == page


def test_members_that_the_client_does_not_know_are_ignored() -> None:
    budget = read_reply(
        b'{"amount": 3, "brandNew": {"x": [1]},'
        b' "links": {"self": {"uri": "/x", "method": "GET", "headers": []}},'
        b' "attributes": {"objectType": "SpendingBudget"}}',
        SpendingBudget,
    )
    assert budget.amount == 3


def test_members_that_are_missing_or_null_are_unset() -> None:
    """The real service leaves out what its documents promise."""
    order: Any = read_reply(
        b'\xef\xbb\xbf{"id": "o1", "status": null, "creationDate": "2026-03-02T08:15:00.1234560Z",'
        b' "totalPrice": 10.05, "lineItems": [{"quantity": "3", "pricing": {"price": 1.10}}, null],'
        b' "links": {"self": {"uri": "/o1"}}}',
        Order,
    )
    assert (order.id, order.status, order.total_price) == ("o1", UNSET, Decimal("10.05"))
    assert order.creation_date == datetime(2026, 3, 2, 8, 15, 0, 123456, tzinfo=UTC)
    (line,) = order.line_items
    assert line.quantity == 3
    assert line.pricing.price == Decimal("1.10")
    assert order.links.self_.headers is UNSET
    assert order.attributes is UNSET


def test_maps_and_lists_of_lists() -> None:
    sku = read_reply(b'{"id": "0001", "dynamicAttributes": {"a": true, "b": "x", "c": null}}', Sku)
    assert sku.dynamic_attributes == {"a": True, "b": "x"}
    cart: Any = read_reply(b'{"lineItems": [{"id": 0, "addonItems": [{"id": 1}]}]}', Cart)
    assert cart.line_items[0].addon_items[0].id == 1


def test_bare_values() -> None:
    assert read_reply(b'"education"', str) == "education"
    assert (
        read_reply(b'[{"qualification": "Education"}]', list[CustomerQualification])[0].qualification
        == "Education"
    )
    either: Any = AddressValidationResponse | bool
    assert read_reply(b"true", either) is True
    assert read_reply(b'{"status": "NotValidated"}', either).status == "NotValidated"


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b'{"quantity": "many"}', b'{"quantity": [1]}', b"\xff"]
)
def test_what_cannot_be_read(content: bytes) -> None:
    with pytest.raises(UnexpectedReply):
        read_reply(content, Subscription)


@given(st.sampled_from(KINDS), json_values)
def test_any_json_is_read_or_refused(kind: Any, value: Any) -> None:
    content = codec.encode(value)
    try:
        read_reply(content, kind)
    except UnexpectedReply:
        return


@given(st.integers(300, 599), st.binary(max_size=60) | json_values.map(msgspec.json.encode))
def test_any_refusal_is_an_error(status: int, content: bytes) -> None:
    error = read_error(status, content)
    assert error.status == status
    assert len(error.description) <= 1024


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (412, PreconditionFailed),
        (417, ServiceError),
        (429, Throttled),
        (500, ServerError),
        (503, ServerError),
        (302, ServiceError),
    ],
)
def test_each_status_has_its_class(status: int, kind: type[ServiceError]) -> None:
    assert type(read_error(status, b"")) is kind


def test_everything_in_a_fault() -> None:
    error = read_error(
        409,
        b'{"code": "800060", "description": "Wait.", "data": ["lineItems[0]"], "source": "x",'
        b' "errorName": "OrderInProgress", "isRetryable": true}',
        2.0,
    )
    assert (error.code, error.description, error.data) == (800060, "Wait.", ("lineItems[0]",))
    assert (error.error_name, error.is_retryable, error.retry_after_seconds) == ("OrderInProgress", True, 2.0)
    assert str(error) == "409/800060 Wait."


@pytest.mark.parametrize(
    ("content", "code", "description", "data"),
    [
        (
            b"Authentication failed. MFA required. (10001)",
            None,
            "Authentication failed. MFA required. (10001)",
            (),
        ),
        (b'{"statusCode": 429, "message": "Slow down."}', None, "Slow down.", ()),
        (b'{"code": 2002, "description": "x", "data": {"a": 1}}', 2002, "x", ()),
        (b'{"code": true}', None, "", ()),
        (b"[1]", None, "[1]", ()),
        (b"", None, "", ()),
    ],
)
def test_other_shapes_of_refusals(
    content: bytes, code: int | None, description: str, data: tuple[str, ...]
) -> None:
    error = read_error(400, content)
    assert (error.code, error.description, error.data) == (code, description, data)


def test_tokens_of_both_versions() -> None:
    assert (
        read_token_reply(b'{"access_token": "a", "expires_in": "3599", "token_type": "Bearer"}').expires_in
        == 3599
    )
    assert read_token_reply(b'{"access_token": "a", "expires_in": 3599}').refresh_token is None


def test_an_answer_without_a_token_is_not_quoted() -> None:
    with pytest.raises(UnexpectedReply) as caught:
        read_token_reply(b'{"refresh_token": "secret"}')
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_refusals_of_the_authority() -> None:
    error = read_token_refusal(
        401, b'{"error": "invalid_client", "error_description": "no", "error_codes": [7000215]}'
    )
    assert isinstance(error, TokenRefused)
    assert (error.error, error.description, error.codes) == ("invalid_client", "no", (7000215,))
    assert read_token_refusal(502, b"<html>bad gateway").error == "502"


def test_lines_are_told_apart_by_their_type() -> None:
    """Also where members are missing, as in the documents' samples."""
    usage = {"invoiceLineItemType": "usage_line_items", "quantity": 2.5, "usageDate": "2026-03-01T00:00:00"}
    charge = {"invoiceLineItemType": "billing_line_items", "quantity": 6, "resellerMpnId": None}
    body = msgspec.json.encode({"items": [usage, charge], "totalCount": 2})
    found: Any = read_reply(body, Lines)
    first, second = found.items
    assert (type(first), type(second)) == (DailyRatedUsageLineItem, OneTimeInvoiceLineItem)
    assert (first.quantity, first.meter_name) == (Decimal("2.5"), UNSET)
    assert (second.quantity, second.reseller_mpn_id) == (6, UNSET)


def test_dates_may_be_none() -> None:
    body = b'{"balanceAmount": 0, "lastPaymentDate": "0001-01-01T00:00:00"}'
    assert read_reply(body, InvoiceSummary).last_payment_date == NO_DATE


def test_a_document_is_its_bytes() -> None:
    assert read_reply(b"%PDF-1.7 \xef", bytes) == b"%PDF-1.7 \xef"
