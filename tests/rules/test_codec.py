"""Reading and writing JSON: exact out, forgiving in (``00`` section 5, ``10`` section 0.3)."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

import msgspec
import pytest

from comptoir.wire import codec, lenient
from comptoir.wire.codec import Unreadable, WrongType, canonical, decode, encode
from comptoir.wire.types import AttributesBody, Body, Collection, Reply, collection


class RenewalBody(Body):
    term_duration: str | None = None


class LineBody(Body):
    ALIASES: ClassVar[Mapping[str, str]] = {"catalogId": "catalogItemId", "addOnItems": "addonItems"}

    id: int | None = None
    catalog_item_id: str | None = None
    quantity: int | None = None
    billing_cycle: str | int | None = None
    provisioning_context: dict[str, str] | None = None
    attestation_accepted: bool | None = None
    custom_term_end_date: datetime | None = None
    renews_to: RenewalBody | list[RenewalBody] | None = None
    addon_items: "list[LineBody] | None" = None


class CartBody(Body):
    id: str | None = None
    expiration_timestamp: str | None = None
    line_items: list[LineBody] | None = None
    attributes: AttributesBody | None = None


class ProfileBody(Body):
    company_name: str | None = None
    default_address: RenewalBody | None = None


class BudgetBody(Body):
    amount: Decimal | None = None


class AnythingBody(Body):
    document: Any = None


class CountBody(Body):
    count: Annotated[int, msgspec.Meta(le=999)] | None = None


class LenientStruct(msgspec.Struct):
    """Not a ``Body``: msgspec alone would skip the names that it does not know."""

    quantity: int | None = None


class Priced(Reply, kw_only=True):
    price: Decimal
    at: datetime
    note: str | msgspec.UnsetType = msgspec.UNSET


PLAIN = (
    b'{"lineItems":[{"id":0,"catalogItemId":"A:1:B","quantity":3,"billingCycle":"one_time",'
    b'"provisioningContext":{"ParentSubscriptionId":"x"},"attestationAccepted":true}]}'
)
LINE = LineBody(
    id=0,
    catalog_item_id="A:1:B",
    quantity=3,
    billing_cycle="one_time",
    provisioning_context={"ParentSubscriptionId": "x"},
    attestation_accepted=True,
)
CART = CartBody(line_items=[LINE])


def line(body: str) -> LineBody:
    """The one line of a cart whose line is written as ``body``."""
    cart = decode(f'{{"lineItems":[{body}]}}'.encode(), CartBody)
    assert cart is not None
    assert cart.line_items is not None
    return cart.line_items[0]


def refusal(body: str) -> tuple[str, str]:
    """Member and reason of a cart that is refused."""
    with pytest.raises(WrongType) as refused:
        decode(body.encode(), CartBody)
    return refused.value.member, refused.value.reason


class TestSpellings:
    @pytest.mark.parametrize(
        "raw",
        [
            PLAIN,
            PLAIN.replace(b"lineItems", b"LineItems").replace(b"quantity", b"Quantity"),
            PLAIN.replace(b"catalogItemId", b"catalogId"),
            PLAIN.replace(b"catalogItemId", b"CatalogID"),
            b"\xef\xbb\xbf" + PLAIN,
            b"\xef\xbb\xbf" + PLAIN.replace(b"]}", b",],}"),
            PLAIN.replace(b"[", b"[ // the only line\n").replace(b"}]", b"}/* done */]"),
            PLAIN.replace(b'"id":0', b'"id":0,"currencyCode":null,"Error":{"errorCode":null}'),
            PLAIN.replace(b"true", b'"True"'),
            PLAIN.replace(b'"lineItems"', b'"expirationTimestamp":"0001-01-01T00:00:00","lineItems"'),
            PLAIN.replace(b'"id":0', b'"id":0,"customTermEndDate":"0001-01-01T00:00:00Z"'),
            PLAIN.replace(b'"quantity":3', b'"Quantity":1,"quantity":2,"QUANTITY":3'),
            PLAIN.replace(b'"quantity":3', b'"Quantity":1,"QUANTITY":2,"quantity":3,"QuantitY":null'),
            PLAIN.replace(b"one_time", b"\\u006fne_time"),
            PLAIN.replace(b'"x"', b'"x","gone":null'),
        ],
    )
    def test_mean_the_same(self, raw: bytes) -> None:
        assert decode(raw, CartBody) == CART

    def test_comment_and_comma_inside_a_text_stay(self) -> None:
        assert (
            line('{"catalogItemId":"a /* b */ // c ,] \\" ,}",}').catalog_item_id == 'a /* b */ // c ,] " ,}'
        )

    def test_java_spelling_of_add_ons(self) -> None:
        assert line('{"addOnItems":[{"quantity":2}]}').addon_items == [LineBody(quantity=2)]

    def test_snake_case_names_of_the_documents(self) -> None:
        raw = b'{"company_name":"Tideline","default_address":{"termDuration":"P1M"}}'
        expected = ProfileBody(company_name="Tideline", default_address=RenewalBody(term_duration="P1M"))
        assert decode(raw, ProfileBody) == expected

    def test_other_underscores_are_not_forgiven(self) -> None:
        assert line('{"catalog_item_id":"A:1:B"}') == LineBody()

    def test_keys_of_a_map_keep_their_case(self) -> None:
        assert line('{"ProvisioningContext":{"Aa":"1","aA":"2"}}').provisioning_context == {
            "Aa": "1",
            "aA": "2",
        }

    def test_object_or_list(self) -> None:
        assert line('{"RenewsTo":{"TermDuration":"P1Y"}}').renews_to == RenewalBody(term_duration="P1Y")
        assert line('{"RenewsTo":[{"TermDuration":"P1Y"}]}').renews_to == [RenewalBody(term_duration="P1Y")]

    def test_number_or_text(self) -> None:
        assert line('{"BillingCycle":4}').billing_cycle == 4
        assert line('{"BillingCycle":"4"}').billing_cycle == "4"

    def test_attributes_of_a_client(self) -> None:
        cart = decode(b'{"Attributes":{"Etag":"e","ObjectType":"Cart"}}', CartBody)
        assert cart == CartBody(attributes=AttributesBody(etag="e", object_type="Cart"))

    def test_dates_are_read_as_utc(self) -> None:
        expected = datetime(2026, 3, 2, 6, 15, tzinfo=UTC)
        assert line('{"customTermEndDate":"2026-03-02T08:15:00+02:00"}').custom_term_end_date == expected
        assert line('{"customTermEndDate":"3/2/2026 6:15:00 AM"}').custom_term_end_date == expected

    @pytest.mark.parametrize(
        "raw", [b"", b"  \r\n", b"null", b" null ", b"\xef\xbb\xbfnull", b"/* nothing */"]
    )
    def test_no_body(self, raw: bytes) -> None:
        assert decode(raw, CartBody) is None

    def test_any_struct_is_read_in_any_case(self) -> None:
        assert decode(b'{"Quantity":3}', LenientStruct) == LenientStruct(quantity=3)

    def test_bodies_that_are_no_objects(self) -> None:
        assert decode(b'"education"', str) == "education"
        assert decode(b"[1,2]", list[int]) == [1, 2]

    def test_decimals_keep_their_digits(self) -> None:
        budget = decode(b'{"Amount":100.10}', BudgetBody)
        assert budget is not None
        assert str(budget.amount) == "100.10"

    def test_open_documents_are_read_exactly(self) -> None:
        body = decode(b'{"document":{"Price":1.10,"none":null,"list":[{"a":1}]}}', AnythingBody)
        assert body == AnythingBody(document={"Price": Decimal("1.10"), "list": [{"a": 1}]})


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "member"),
        [
            ('{"lineItems":5}', "lineItems"),
            ('{"lineItems":[null]}', "lineItems[0]"),
            ('{"lineItems":[{},{"quantity":"3"}]}', "lineItems[1].quantity"),
            ('{"lineItems":[{"quantity":3.0}]}', "lineItems[0].quantity"),
            ('{"lineItems":[{"quantity":true}]}', "lineItems[0].quantity"),
            ('{"lineItems":[{"quantity":99999999999999999999}]}', "lineItems[0].quantity"),
            ('{"LineItems":[{"Quantity":{"a":1}}]}', "lineItems[0].quantity"),
            ('{"lineItems":[{"addOnItems":[{"quantity":[]}]}]}', "lineItems[0].addonItems[0].quantity"),
            ('{"lineItems":[{"billingCycle":{}}]}', "lineItems[0].billingCycle"),
            ('{"lineItems":[{"attestationAccepted":"yes"}]}', "lineItems[0].attestationAccepted"),
            ('{"lineItems":[{"customTermEndDate":"soon"}]}', "lineItems[0].customTermEndDate"),
            ('{"lineItems":[{"catalogItemId":"a\\u0000b"}]}', "lineItems[0].catalogItemId"),
            ('{"lineItems":[{"catalogItemId":"\\ud800"}]}', "lineItems[0].catalogItemId"),
            (
                '{"lineItems":[{"provisioningContext":{"k\\u0000":"v"}}]}',
                "lineItems[0].provisioningContext.k\0",
            ),
        ],
    )
    def test_wrong_type_names_the_member(self, body: str, member: str) -> None:
        assert refusal(body)[0] == member

    def test_wrong_type_says_what_is_wrong(self) -> None:
        reason = refusal('{"lineItems":[{"quantity":"3"}]}')[1]
        assert reason == "a whole number is expected and text was given"

    def test_limits_of_a_type_are_said(self) -> None:
        with pytest.raises(WrongType) as refused:
            decode(b'{"count":1000}', CountBody)
        assert (refused.value.member, refused.value.reason) == ("count", "a whole number <= 999 is expected")

    @pytest.mark.parametrize("amount", ['"1.5"', '"NaN"', "1e500", "1e-500", "1" * 40, "0." + "1" * 40])
    def test_numbers_that_no_column_holds(self, amount: str) -> None:
        with pytest.raises(WrongType) as refused:
            decode(f'{{"amount":{amount}}}'.encode(), BudgetBody)
        assert refused.value.member == "amount"

    @pytest.mark.parametrize(
        "raw",
        [
            b"{",
            b"[1]",
            b'"success"',
            b"{} {}",
            b"\xff\xfe{}",
            b'{"id":NaN}',
            b'{"id":Infinity}',
            b'{"lineItems":[,]}',
            b'{"lineItems":[],,}',
            b'{,"id":"a"}',
            b'{"id":"a" /* open}',
            b'{"id":"a',
            b'{"id":"a\\',
            b"{'id':'a'}",
            b"\xef\xbb\xbf\xef\xbb\xbf{}",
        ],
    )
    def test_unreadable(self, raw: bytes) -> None:
        with pytest.raises(Unreadable):
            decode(raw, CartBody)

    @pytest.mark.parametrize(
        "raw",
        [
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b'{"lineItems":' + b"[" * 100_000,
            b'{"lineItems":[' + b'{"addonItems":[' * 60 + b"]}" * 60 + b"]}",
        ],
    )
    def test_too_deep_is_unreadable(self, raw: bytes) -> None:
        with pytest.raises(Unreadable):
            decode(raw, CartBody)

    def test_nesting_within_the_bound_is_read(self) -> None:
        depth = lenient.DEPTH_MAX // 2 - 1
        raw = b'{"lineItems":[' + b'{"addonItems":[' * depth + b"]}" * depth + b"]}"
        assert decode(raw, CartBody) is not None

    def test_too_long_is_unreadable(self) -> None:
        with pytest.raises(Unreadable, match="longer"):
            decode(b" " * (codec.SIZE_MAX + 1), CartBody)

    @pytest.mark.parametrize(
        "piece", [b'"', b'"\\"', b"/*", b"//", b"/", b",", b", ", b"[ ", b"1", b"\\", b'{"a":1,', b"\n"]
    )
    def test_long_nonsense_is_refused_in_linear_time(self, piece: bytes) -> None:
        """A megabyte of each: with a pattern that backtracks, this test does not end."""
        with pytest.raises(Unreadable):
            decode(b"[" + piece * (1_000_000 // len(piece)), CartBody)


class TestAnswers:
    def test_decimals_are_numbers_and_dates_end_in_z(self) -> None:
        at = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
        assert encode(Priced(price=Decimal("7.50"), at=at)) == b'{"price":7.50,"at":"2026-03-02T08:15:00Z"}'

    def test_fraction_only_when_not_zero(self) -> None:
        at = datetime(2026, 2, 11, 8, 14, 9, 482113, tzinfo=UTC)
        assert b'"2026-02-11T08:14:09.482113Z"' in encode(Priced(price=Decimal(0), at=at))

    @pytest.mark.parametrize("price", ["NaN", "Infinity", "-Infinity", "sNaN"])
    def test_a_number_that_is_none_is_our_fault(self, price: str) -> None:
        with pytest.raises(ValueError, match="number"):
            encode(Priced(price=Decimal(price), at=datetime(2026, 1, 1, tzinfo=UTC)))

    def test_a_text_may_say_nan(self) -> None:
        reply = Priced(price=Decimal(1), at=datetime(2026, 1, 1, tzinfo=UTC), note="NaN, Infinity")
        assert json.loads(encode(reply))["note"] == "NaN, Infinity"

    def test_collection(self) -> None:
        page: Collection[Priced] = collection([], "/customers")
        assert json.loads(encode(page)) == {
            "totalCount": 0,
            "items": [],
            "links": {"self": {"uri": "/customers", "method": "GET", "headers": []}},
            "attributes": {"objectType": "Collection"},
        }


class TestCanonical:
    def test_white_space_and_order_do_not_count(self) -> None:
        assert canonical(b'{"b":1, "a":[1,\n2]}') == canonical(b' {"a":[1,2],"b":1}')

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (b'{"a":1}', b'{"a":2}'),
            (b"[1,2]", b"[2,1]"),
            (b'{"a":0.1}', b'{"a":0.10000000000000000001}'),
            (b'{"a":"x y"}', b'{"a":"xy"}'),
            (b"{", b"{ "),
            (b"", b"null"),
        ],
    )
    def test_meaning_counts(self, one: bytes, other: bytes) -> None:
        assert canonical(one) != canonical(other)

    @pytest.mark.parametrize("raw", [b"{", b"", b"[" * 100_000, b"\xff", b'{"a":NaN}'])
    def test_what_cannot_be_read_is_itself(self, raw: bytes) -> None:
        assert canonical(raw) == raw
