"""However a client spells a body, it means the same; whatever the bytes, only the two refusals come out."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.wire.codec import Unreadable, WrongType, canonical, decode, encode
from comptoir.wire.types import Body, Reply


class PartBody(Body):
    ALIASES: ClassVar[Mapping[str, str]] = {"partName": "name"}

    name: str | None = None
    count: int | None = None
    is_ready: bool | None = None
    context: dict[str, str] | None = None
    parts: "list[PartBody] | None" = None


class OrderBody(Body):
    friendly_name: str | None = None
    billing_cycle: str | int | None = None
    placed_at: datetime | None = None
    line_items: list[PartBody] | None = None


class AmountBody(Body):
    amount: Decimal | None = None


class NumberReply(Reply, kw_only=True):
    value: Decimal
    at: datetime


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
INSTANTS = st.datetimes(timezones=st.just(UTC)).filter(lambda at: at.year > 1)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12)


def objects(members: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects with any of the members."""
    return st.fixed_dictionaries({}, optional=dict(members))


PARTS = st.recursive(
    objects({"name": TEXTS, "count": st.integers(-(2**40), 2**40), "isReady": st.booleans()}),
    lambda inner: objects(
        {"context": st.dictionaries(TEXTS, TEXTS, max_size=3), "parts": st.lists(inner, max_size=3)}
    ),
    max_leaves=6,
)
BODIES = objects(
    {
        "friendlyName": TEXTS,
        "billingCycle": TEXTS | st.integers(0, 9),
        "placedAt": INSTANTS.map(lambda at: at.isoformat()),
        "lineItems": st.lists(PARTS, max_size=3),
    }
)
DECORATION = st.sampled_from(["", "", " ", "\r\n\t", '// a remark, "quoted" ]}\n', "/* [{,} */", "/***/"])
UNKNOWN = st.sampled_from(
    ['"totalPrice":0.0', '"Links":{"Self":{"Uri":null}}', '"Error":null', '"name2":"x"']
)


class Speller:
    """Writes a body as careless clients do: case, aliases, order, nulls, comments, commas, "True"."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def spell(self, value: Any, *, is_map: bool = False) -> str:
        """The JSON of a value. The keys of a map are data and stay."""
        if isinstance(value, dict):
            return self.brackets("{", self.members(value, is_map=is_map), "}")
        if isinstance(value, list):
            return self.brackets("[", [self.spell(item) for item in value], "]")
        if isinstance(value, bool):
            plain = json.dumps(value)
            spellings: list[str] = [plain, f'"{plain}"', f'"{plain.title()}"']
            return self.draw(st.sampled_from(spellings))
        return json.dumps(value, ensure_ascii=self.draw(st.booleans()))

    def members(self, value: dict[str, Any], *, is_map: bool) -> list[str]:
        """The members in any order, among others that mean nothing."""
        spelled = [
            f"{json.dumps(name if is_map else self.name(name))}{self.gap()}:{self.gap()}"
            + self.spell(inner, is_map=name == "context")
            for name, inner in value.items()
        ]
        if is_map:
            return spelled
        noise: list[str] = self.draw(st.lists(UNKNOWN, max_size=2))
        return self.draw(st.permutations(spelled + noise))

    def name(self, name: str) -> str:
        """A member's name in another case, or an alias of it."""
        if name == "name" and self.draw(st.booleans()):
            name = "PartName"
        changes: list[bool] = self.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
        return "".join(c.swapcase() if change else c for c, change in zip(name, changes, strict=True))

    def brackets(self, opening: str, parts: list[str], closing: str) -> str:
        """Parts between brackets, perhaps with a comma too many."""
        has_trailing: bool = self.draw(st.booleans())
        trailing = "," if parts and has_trailing else ""
        inside = f"{self.gap()},{self.gap()}".join(parts)
        return f"{opening}{self.gap()}{inside}{self.gap()}{trailing}{self.gap()}{closing}"

    def gap(self) -> str:
        """What stands between two tokens."""
        return self.draw(DECORATION)


@st.composite
def spellings(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A body spelled as we would, and the same body spelled carelessly."""
    body = draw(BODIES)
    careless = Speller(draw).spell(body)
    mark = draw(st.sampled_from(["", "\ufeff"]))
    return json.dumps(body).encode(), (mark + careless).encode()


@given(spellings())
@settings(max_examples=300, deadline=None)
def test_careless_spelling_means_the_same(bodies: tuple[bytes, bytes]) -> None:
    plain, careless = bodies
    assert decode(careless, OrderBody) == decode(plain, OrderBody)


@given(BODIES)
@settings(deadline=None)
def test_values_arrive_unchanged(body: dict[str, Any]) -> None:
    read = decode(json.dumps(body).encode(), OrderBody)
    assert read is not None
    assert read.friendly_name == body.get("friendlyName")
    assert read.billing_cycle == body.get("billingCycle")
    assert read.placed_at == (datetime.fromisoformat(body["placedAt"]) if "placedAt" in body else None)
    assert _plain(read.line_items) == body.get("lineItems")


def _plain(parts: list[PartBody] | None) -> list[dict[str, Any]] | None:
    """Parts as the JSON that they came from."""
    if parts is None:
        return None
    members = [
        {"name": part.name, "count": part.count, "isReady": part.is_ready, "context": part.context}
        | {"parts": _plain(part.parts)}
        for part in parts
    ]
    return [{name: value for name, value in part.items() if value is not None} for part in members]


@given(DECIMALS)
def test_decimals_arrive_digit_by_digit(amount: Decimal) -> None:
    read = decode(f'{{"amount":{amount}}}'.encode(), AmountBody)
    assert read is not None
    assert str(read.amount) == str(amount)


FRAGMENTS = st.lists(
    st.sampled_from(
        [b'"', b"{", b"}", b"[", b"]", b",", b":", b"//", b"/*", b"*/", b"\\", b"\n", b"null", b"1e9"]
    )
    | st.sampled_from(
        [b'"lineItems"', b'"PARTS"', b'"count"', b'"context"', b"true", b'"\\u0000"', b"\xef\xbb\xbf"]
    )
    | st.binary(max_size=3),
    max_size=30,
).map(b"".join)


@given(FRAGMENTS | st.binary(max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(Unreadable, WrongType):
        read = decode(raw, OrderBody)
        assert read is None or isinstance(read, OrderBody)
    assert isinstance(canonical(raw), bytes)


TRAPS: st.SearchStrategy[Any] = st.sampled_from(
    [
        "\0",
        "0001-01-01T00:00:00",
        "2026-03-02T08:15:00+02:00",
        "2026-03-60",
        "true",
        "\\u0041",
        2**63,
        10**30,
        5.0,
    ]
)
NAMES = st.sampled_from(
    ["lineItems", "parts", "count", "context", "isReady", "placedAt", "name", "billingCycle", "x"]
)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | TRAPS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


VALUES = TRAPS | TEXTS | st.integers(-9, 9) | st.booleans() | st.none()
NEAR_PARTS = objects(
    {
        "name": VALUES,
        "count": VALUES,
        "isReady": VALUES,
        "context": st.dictionaries(TEXTS, VALUES, max_size=2),
    }
)
NEAR_BODIES = objects(
    {
        "friendlyName": VALUES,
        "billingCycle": VALUES,
        "placedAt": VALUES,
        "lineItems": st.lists(NEAR_PARTS | st.none(), max_size=2),
    }
)


def outcome(raw: bytes) -> object:
    """What becomes of a body: a struct, or the words of a refusal."""
    try:
        return decode(raw, OrderBody)
    except (Unreadable, WrongType) as refused:
        return str(refused)


@given(JSON_VALUES | NEAR_BODIES)
@settings(max_examples=500, deadline=None)
def test_the_quick_way_and_the_patient_way_agree(value: object) -> None:
    """A byte order mark forces the patient way."""
    raw = json.dumps(value, ensure_ascii=False).encode()
    assert outcome(raw) == outcome(b"\xef\xbb\xbf" + raw)


@given(JSON_VALUES, st.sampled_from([None, 1, "\t"]))
def test_canonical_form_forgets_layout_only(value: object, indent: int | str | None) -> None:
    plain, laid_out = json.dumps(value).encode(), json.dumps(value, indent=indent).encode()
    assert canonical(plain) == canonical(laid_out)
    assert json.loads(canonical(plain), parse_float=Decimal) == json.loads(plain, parse_float=Decimal)


@given(DECIMALS, INSTANTS)
def test_answers_are_json_that_keeps_the_digits(value: Decimal, at: datetime) -> None:
    read = json.loads(encode(NumberReply(value=value, at=at)), parse_float=Decimal, parse_int=Decimal)
    assert str(read["value"]) == str(value)
    assert read["at"].endswith("Z")
    assert datetime.fromisoformat(read["at"]) == at
