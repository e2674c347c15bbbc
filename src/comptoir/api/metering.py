"""Metered usage over HTTP (``40-publisher-fulfillment-metering`` section 6)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import cast

from msgspec import UNSET

from comptoir.api.call import Answer, Call, Handler, Parameters
from comptoir.api.publisher import publisher_of
from comptoir.api.publisher_faults import USAGE_REQUEST, usage_fault
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import GUID
from comptoir.core.instants import NEVER
from comptoir.db import Tx
from comptoir.identity import service as identity
from comptoir.subscriptions import service as subscriptions
from comptoir.usage import reading, service
from comptoir.usage.model import (
    EVENTS_MAX,
    ONE_DAY,
    Counter,
    DailyUsage,
    Event,
    Fault,
    Outcome,
    ReconStatus,
    Sent,
    UsageQuery,
    UsageStatus,
)
from comptoir.wire import codec, metering
from comptoir.wire.metering import (
    AcceptedMessage,
    BatchUsageEventOk,
    DailyUsageEvents,
    ItemFault,
    ItemFaultDetail,
    UsageBatchItem,
    UsageCounter,
    UsageCounters,
    UsageError,
    UsageEventOk,
)
from comptoir.wire.publisher import FaultDetail

NIL_GUID = "00000000-0000-0000-0000-000000000000"
NO_TIME = "0001-01-01T00:00:00"
"""What a member is answered with that was not given, or is no such value: typed readers need one."""

LAST_DAY = NEVER - ONE_DAY
"""No account's present lies behind it."""

DATE_LENGTH = len("2026-03-02")
"""A blank may follow a date; any later one was the plus of an offset."""

OFFER_TYPE = "SaaS"
BAD_ARGUMENT = "BadArgument"
CONFLICT = "Conflict"
ECHO_MAX = Decimal(10) ** 15
ECHO_DIGITS_MAX = 40
ZERO = Decimal(0)


async def usage_event(tx: Tx, ctx: Context, call: Call) -> object:
    """``POST usageEvent``: what is not accepted is a refusal of the call."""
    (outcome,) = await service.report(tx, ctx, publisher_of(ctx), [_event(call.raw)])
    if outcome.status is UsageStatus.ACCEPTED:
        return _accepted(outcome)
    if outcome.status is UsageStatus.RESOURCE_NOT_AUTHORIZED:
        raise Refusal(Code.PURCHASE_FOREIGN, subscription_id=outcome.sent.resource_id)
    if outcome.status is UsageStatus.DUPLICATE:
        return Answer(codec.encode(_conflict(outcome)), 409)
    return Answer(codec.encode(usage_fault(_why(outcome.faults), _details(outcome.faults))), 400)


async def batch_usage_event(tx: Tx, ctx: Context, call: Call) -> BatchUsageEventOk:
    """``POST batchUsageEvent``: the call succeeds even where no event does."""
    return to_wire(await service.report(tx, ctx, publisher_of(ctx), _batch(call.raw)))


async def usage_events(tx: Tx, ctx: Context, call: Call) -> list[DailyUsageEvents]:
    """``GET usageEvents``"""
    query = query_from_wire(call.query)
    subscription = call.query.get("azureSubscriptionId")
    if subscription is not None and subscription.lower() != NIL_GUID:
        return []
    return [_daily_to_wire(each) for each in await service.read_back(tx, publisher_of(ctx), query)]


async def add(tx: Tx, ctx: Context, call: Call) -> BatchUsageEventOk:
    """``POST accounts/{a}/usage``"""
    account = (await identity.require_account(tx, call.path["name"])).account
    account_ctx = await identity.in_account(tx, ctx, account.id)
    return to_wire(await service.back_fill(tx, account_ctx, _batch(call.raw)))


async def counters(tx: Tx, ctx: Context, call: Call) -> UsageCounters:
    """``GET accounts/{a}/subscriptions/{s}/usage``"""
    account = (await identity.require_account(tx, call.path["name"])).account
    account_ctx = await identity.in_account(tx, ctx, account.id)
    wanted = call.path["subscription_id"].lower()
    found = await subscriptions.get_by_id(tx, wanted) if GUID.fullmatch(wanted) else None
    if found is None or found[0] != account.id:
        raise Refusal(Code.SUBSCRIPTION_NOT_FOUND, subscription_id=wanted)
    subscription = found[1]
    return UsageCounters(
        subscription_id=subscription.id,
        term_start=subscription.term_start_at or UNSET,
        term_end=subscription.term_end_at or UNSET,
        items=[_counter_to_wire(each) for each in await service.counters(tx, account_ctx, subscription)],
    )


HANDLERS: Mapping[str, Handler] = {
    "metering.usage_event": usage_event,
    "metering.batch_usage_event": batch_usage_event,
    "metering.usage_events": usage_events,
    "operator.usage_add": add,
    "operator.usage_counters": counters,
}


def to_wire(outcomes: Sequence[Outcome]) -> BatchUsageEventOk:
    return BatchUsageEventOk(result=[_item(each) for each in outcomes], count=len(outcomes))


def query_from_wire(query: Parameters) -> UsageQuery:
    """Which days a publisher asks for; without an end up to the present, be it a sandbox's of next year."""
    start = _day(query, "usageStartDate")
    end = _day(query, "usageEndDate") or LAST_DAY
    if start is None:
        raise Refusal(Code.INVALID_PROPERTY, member="usageStartDate", reason="it is required.")
    if start > end:
        raise Refusal(Code.INVALID_PROPERTY, member="usageStartDate", reason="it is after usageEndDate.")
    return UsageQuery(
        first_day=start,
        last_day=end,
        offer_id=query.get("offerId"),
        plan_id=_searchable(query.get("planId")),
        dimension_id=_searchable(query.get("dimension")),
        recon_status=_recon_status(query.get("reconStatus")),
    )


def _event(raw: bytes) -> Sent:
    try:
        members = metering.read_event(raw)
    except (codec.Unreadable, codec.WrongType) as error:
        raise _unreadable(error.reason) from error
    if members is None:
        raise _unreadable("an event is expected.")
    return Sent(*members)


def _batch(raw: bytes) -> list[Sent]:
    try:
        batch = metering.read_batch(raw)
    except (codec.Unreadable, codec.WrongType) as error:
        raise _unreadable(error.reason) from error
    if batch is None or not 1 <= len(batch) <= EVENTS_MAX:
        reason = f"it must be a list of 1 to {EVENTS_MAX} events."
        raise Refusal(Code.INVALID_PROPERTY, member="request", reason=reason)
    return [Sent(*members) for members in batch]


def _unreadable(reason: str) -> Refusal:
    return Refusal(Code.INVALID_PROPERTY, member=USAGE_REQUEST, reason=reason)


def _day(query: Parameters, name: str) -> datetime | None:
    """The day of a query parameter, ``None`` for one that is left out."""
    text = query.get(name)
    if text is None:
        return None
    found = reading.instant(text[: DATE_LENGTH + 1] + text[DATE_LENGTH + 1 :].replace(" ", "+"))
    if found is None or found >= NEVER:
        reason = "a date such as 2026-03-02 is expected."
        raise Refusal(Code.INVALID_PROPERTY, member=name, reason=reason)
    return _midnight(found)


def _midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def _searchable(text: str | None) -> str | None:
    """A text to look for; a NUL would be an error of PostgreSQL, where it means nothing."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if text else None


def _recon_status(text: str | None) -> ReconStatus | None:
    if text is None:
        return None
    found = {status.lower(): status for status in ReconStatus}.get(text.lower())
    if found is None:
        raise Refusal(Code.INVALID_PROPERTY, member="reconStatus", reason="there is no such status.")
    return found


def _accepted(outcome: Outcome) -> UsageEventOk:
    assert outcome.event is not None, outcome
    return _stored(outcome.event, UsageStatus.ACCEPTED)


def _stored(event: Event, status: UsageStatus) -> UsageEventOk:
    """An event as it was accepted, now or earlier."""
    return UsageEventOk(
        usage_event_id=event.id,
        status=status,
        message_time=metering.timestamp(event.received_at),
        resource_id=event.slot.subscription_id,
        quantity=metering.quantity(event.quantity),
        dimension=event.slot.dimension_id,
        effective_start_time=event.effective_text,
        plan_id=event.plan_id,
    )


def _conflict(outcome: Outcome) -> UsageError:
    """The body that a client in the wild cuts up as a text: its order must stay (section 6.4)."""
    assert outcome.event is not None, outcome
    return UsageError(
        additional_info=AcceptedMessage(accepted_message=_stored(outcome.event, UsageStatus.DUPLICATE)),
        message="This usage event already exist.",
        code=CONFLICT,
    )


def _item(outcome: Outcome) -> UsageBatchItem:
    sent, event = outcome.sent, outcome.event
    if outcome.status is UsageStatus.ACCEPTED:
        assert event is not None, outcome
        return UsageBatchItem(
            usage_event_id=event.id,
            status=outcome.status,
            message_time=metering.timestamp(outcome.at),
            resource_id=event.slot.subscription_id,
            quantity=metering.quantity(event.quantity),
            dimension=event.slot.dimension_id,
            effective_start_time=event.effective_text,
            plan_id=event.plan_id,
        )
    return UsageBatchItem(
        status=outcome.status,
        message_time=metering.timestamp(outcome.at),
        error=_error(outcome),
        resource_id=_echoed_guid(sent.resource_id),
        quantity=_echoed_quantity(sent.quantity),
        dimension=_echoed_text(sent.dimension, ""),
        effective_start_time=_echoed_text(sent.effective_start_time, NO_TIME),
        plan_id=_echoed_text(sent.plan_id, ""),
    )


def _error(outcome: Outcome) -> UsageError:
    if outcome.status is UsageStatus.DUPLICATE:
        return _conflict(outcome)
    details = [
        ItemFaultDetail(code=BAD_ARGUMENT, target=fault.member, message=fault.reason)
        for fault in outcome.faults
    ]
    fault = ItemFault(code=BAD_ARGUMENT, target=USAGE_REQUEST, message=_why(outcome.faults), details=details)
    return cast(UsageError, fault)


def _why(faults: Sequence[Fault]) -> str:
    return " ".join(fault.reason for fault in faults)


def _details(faults: Sequence[Fault]) -> list[FaultDetail]:
    return [FaultDetail(message=fault.reason, target=fault.member, code=BAD_ARGUMENT) for fault in faults]


def _echoed_guid(value: object) -> str:
    return value.lower() if isinstance(value, str) and GUID.fullmatch(value) else NIL_GUID


def _echoed_quantity(value: object) -> Decimal:
    """The number that was sent, where a double can say it without an exponent."""
    number = reading.number(value)
    if number is None or not number.is_finite() or abs(number) >= ECHO_MAX:
        return metering.quantity(ZERO)
    is_short = number.adjusted() > -ECHO_DIGITS_MAX and len(number.as_tuple().digits) <= ECHO_DIGITS_MAX
    return metering.quantity(number if is_short else ZERO)


def _echoed_text(value: object, missing: str) -> str:
    return value if isinstance(value, str) and value else missing


def _daily_to_wire(usage: DailyUsage) -> DailyUsageEvents:
    key = usage.key
    return DailyUsageEvents(
        usage_date=key.day,
        usage_resource_id=key.subscription_id,
        dimension=key.dimension_id,
        plan_id=key.plan_id,
        plan_name=usage.plan_name,
        offer_id=usage.offer_id,
        offer_name=usage.offer_name,
        offer_type=OFFER_TYPE,
        azure_subscription_id=NIL_GUID,
        recon_status=usage.recon_status,
        submitted_quantity=metering.quantity(usage.quantity),
        processed_quantity=metering.quantity(usage.priced),
        submitted_count=usage.count,
    )


def _counter_to_wire(counter: Counter) -> UsageCounter:
    return UsageCounter(
        dimension=counter.dimension_id,
        used=metering.quantity(counter.used),
        included=UNSET if counter.included is None else counter.included,
    )
