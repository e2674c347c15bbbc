"""Metered usage: what publishers report and read back (``40-publisher-fulfillment-metering`` section 6).

The members stand in the order in which the real service writes them: a reader in the wild cuts the refusal of
a duplicate out of a text by it. A batch is read item by item: a malformed one must not refuse the others.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from comptoir.wire import codec
from comptoir.wire.operation import Audience, Mode, Operation, Query
from comptoir.wire.operator import ACCOUNTS
from comptoir.wire.publisher import FaultDetail
from comptoir.wire.types import Body, Reply

METERING = "metering"
"""The family of the publishers' operations here."""


class UsageEventOk(Reply, kw_only=True):
    """An accepted event. ``effective_start_time`` is as it was received."""

    usage_event_id: str
    status: str
    message_time: datetime
    resource_id: str
    quantity: Decimal
    dimension: str
    effective_start_time: str
    plan_id: str


class AcceptedMessage(Reply, kw_only=True):
    """The event that was accepted earlier."""

    accepted_message: UsageEventOk


class UsageError(Reply, kw_only=True):
    """Why an event is not accepted: one detail for each faulty member, or the earlier event."""

    additional_info: AcceptedMessage | UnsetType = UNSET
    message: str
    target: str | UnsetType = UNSET
    details: Sequence[FaultDetail] | UnsetType = UNSET
    code: str


class ItemFaultDetail(Reply, kw_only=True):
    """One faulty member of an event of a batch; its members stand in the order of the real service's."""

    code: str
    target: str
    message: str


class ItemFault(Reply, kw_only=True):
    """Why an event of a batch is not accepted: a ``UsageError`` in the order of the real service's."""

    code: str
    target: str
    message: str
    details: Sequence[ItemFaultDetail]


class UsageBatchItem(Reply, kw_only=True):
    """What became of one event of a batch. What was not given, or is no such value, is zero or empty."""

    usage_event_id: str | UnsetType = UNSET
    status: str
    message_time: datetime
    error: UsageError | UnsetType = UNSET
    resource_id: str
    quantity: Decimal
    dimension: str
    effective_start_time: str
    plan_id: str


class BatchUsageEventOk(Reply, kw_only=True):
    """The outcomes of a batch, in the order of its events."""

    result: Sequence[UsageBatchItem]
    count: int


class DailyUsageEvents(Reply, kw_only=True):
    """The accepted events of a day, resource, dimension and plan in one sum.

    ``processed_quantity`` and the names are there once the sum is on its way to an invoice.
    """

    usage_date: datetime
    usage_resource_id: str
    dimension: str
    plan_id: str
    plan_name: str
    offer_id: str
    offer_name: str
    offer_type: str
    azure_subscription_id: str
    recon_status: str
    submitted_quantity: Decimal
    processed_quantity: Decimal
    submitted_count: int


class UsageEventBody(Body):
    """How much of a dimension was used in the hour of ``effective_start_time``."""

    resource_id: str | None = None
    quantity: Decimal | None = None
    dimension: str | None = None
    effective_start_time: datetime | None = None
    plan_id: str | None = None


class BatchUsageEventBody(Body):
    """1 to 25 events."""

    request: list[UsageEventBody] | None = None


class UsageCounter(Reply, kw_only=True):
    """How much of a dimension was used in a term.

    ``included`` is what the term includes, left out where that has no limit; the publisher subtracts it.
    """

    dimension: str
    used: Decimal
    included: int | UnsetType = UNSET


class UsageCounters(Reply, kw_only=True):
    """The counters of a subscription's current term, or its last one."""

    subscription_id: str
    term_start: datetime | UnsetType = UNSET
    term_end: datetime | UnsetType = UNSET
    items: Sequence[UsageCounter]


class _Item(Struct, rename="camel", forbid_unknown_fields=True):
    """An event as most publishers spell it, its values not looked at."""

    resource_id: Any = None
    quantity: Any = None
    dimension: Any = None
    effective_start_time: Any = None
    plan_id: Any = None
    resource_uri: Any = None


class _Batch(Struct, forbid_unknown_fields=True):
    request: list[_Item]


Members = tuple[object, object, object, object, object, object]
"""Resource id, quantity, dimension, effective start time, plan id and resource URI, as they were sent."""

_NAMES = tuple(name.encode_name.lower() for name in msgspec.structs.fields(_Item))
_NOTHING: Members = (None, None, None, None, None, None)
_ITEM = msgspec.json.Decoder(_Item, float_hook=Decimal)
_BATCH = msgspec.json.Decoder(_Batch, float_hook=Decimal)
_ANYTHING = msgspec.json.Decoder(float_hook=Decimal)
UNUSUAL = (ValueError, ArithmeticError, RecursionError)
"""What a body raises that is not spelled as most publishers spell it, or is none."""


def read_event(raw: bytes) -> Members | None:
    """The members of the event that a body holds; ``None`` for a body that is no object.

    Raises ``codec.Unreadable`` and ``codec.WrongType``.
    """
    try:
        return _members(_ITEM.decode(raw))
    except UNUSUAL:
        value = _anything(raw)
    return _folded(value) if isinstance(value, dict) else None


def read_batch(raw: bytes) -> list[Members] | None:
    """The members of each event of a batch; ``None`` for a body without a list of them.

    An event that is no object has no members. Raises ``codec.Unreadable`` and ``codec.WrongType``.
    """
    try:
        return [_members(item) for item in _BATCH.decode(raw).request]
    except UNUSUAL:
        value = _anything(raw)
    items = _lower(value).get("request") if isinstance(value, dict) else None
    if not isinstance(items, list):
        return None
    return [_folded(item) if isinstance(item, dict) else _NOTHING for item in items]


def _anything(raw: bytes) -> object:
    """Whatever a body holds, read patiently only where it is not JSON as it should be."""
    try:
        return _ANYTHING.decode(raw)
    except UNUSUAL:
        return codec.decode(raw, cast(type[Any], Any))


def _members(item: _Item) -> Members:
    return (
        item.resource_id,
        item.quantity,
        item.dimension,
        item.effective_start_time,
        item.plan_id,
        item.resource_uri,
    )


def _folded(value: dict[str, object]) -> Members:
    """The members of an object whose names may be spelled in any case."""
    named = _lower(value)
    return cast(Members, tuple(named.get(name) for name in _NAMES))


def _lower(value: dict[str, object]) -> dict[str, object]:
    return {name.lower(): inner for name, inner in value.items()}


def quantity(value: Decimal) -> Decimal:
    """A double as it is answered: never an exponent, and always a decimal point (section 6.4).

    What Python would print with an exponent is a piece of ready JSON in place of a decimal.
    """
    text = str(value)
    if "E" in text:
        text = format(value, "f")
        return cast(Decimal, Raw((text if "." in text else f"{text}.0").encode()))
    return value if "." in text else Decimal(f"{text}.0")


@lru_cache(maxsize=1_024)
def timestamp(instant: datetime) -> datetime:
    """An instant as it is answered: in UTC, without zeros at the end of its fraction (section 1.4)."""
    text = instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return cast(datetime, f"{text}Z")


_USAGE_QUERY = (
    Query("usageStartDate", "The first day, as a date or with a time of day.", required=True),
    Query("UsageEndDate", "The last day, today if left out."),
    Query("offerId", "Only usage of this offer."),
    Query("planId", "Only usage of this plan."),
    Query("dimension", "Only usage of this dimension."),
    Query("azureSubscriptionId", "Only usage of this Azure subscription: all usage is that of the nil GUID."),
    Query("reconStatus", "Only usage that has come this far."),
)

OPERATIONS = (
    Operation(
        id="metering.usage_event",
        method="POST",
        path="/api/usageEvent",
        summary="Report how much of a dimension was used in an hour.",
        request=UsageEventBody,
        reads_body=True,
        reply=UsageEventOk,
        mode=Mode.WRITE,
        audience=Audience.PUBLISHER,
        family=METERING,
        errors=("400/BadArgument", "403", "409/Conflict"),
    ),
    Operation(
        id="metering.batch_usage_event",
        method="POST",
        path="/api/batchUsageEvent",
        summary="Report up to 25 events; each is accepted or refused on its own.",
        request=BatchUsageEventBody,
        reads_body=True,
        reply=BatchUsageEventOk,
        mode=Mode.WRITE,
        audience=Audience.PUBLISHER,
        family=METERING,
        errors=("400/BadArgument", "403"),
    ),
    Operation(
        id="metering.usage_events",
        method="GET",
        path="/api/usageEvents",
        summary="Read what was accepted back in daily sums, the newest day first.",
        reply=Sequence[DailyUsageEvents],
        mode=Mode.REPORT,
        audience=Audience.PUBLISHER,
        family=METERING,
        query=_USAGE_QUERY,
        errors=("400/BadArgument", "403"),
    ),
    Operation(
        id="operator.usage_add",
        method="POST",
        path=ACCOUNTS + "/{name}/usage",
        summary="Add usage that its publisher reported too late, however old it is",
        request=BatchUsageEventBody,
        reads_body=True,
        reply=BatchUsageEventOk,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("400/3000", "404/1000"),
    ),
    Operation(
        id="operator.usage_counters",
        method="GET",
        path=ACCOUNTS + "/{name}/subscriptions/{subscription_id}/usage",
        summary="Read what a subscription used in its current term, by dimension, and what the term includes",
        reply=UsageCounters,
        audience=Audience.OPERATOR,
        errors=("404/1000", "404/20003"),
    ),
)
