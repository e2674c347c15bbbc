"""The operator's view of webhooks."""

from collections.abc import Mapping

from msgspec import UNSET, structs

from comptoir.api.call import Call, Handler
from comptoir.api.reading import count_asked
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.db import Tx
from comptoir.delivery import service
from comptoir.delivery.model import Attempt, Delivery, DeliveryFilter, State
from comptoir.identity import service as identity
from comptoir.wire import deliveries as wire

PAGE_SIZE = 100
PAGE_SIZE_MAX = 500


async def list_deliveries(tx: Tx, ctx: Context, call: Call) -> wire.Deliveries:
    """One page; the one after it is asked for by the last id of this one."""
    size = min(count_asked(call, "size") or PAGE_SIZE, PAGE_SIZE_MAX)
    found = await service.page(tx, await _wanted(tx, call), size + 1)
    items = found[:size]
    return wire.Deliveries(
        items=[to_wire(delivery) for delivery in items],
        next_after=items[-1].id if len(found) > size else UNSET,
    )


async def get(tx: Tx, ctx: Context, call: Call) -> wire.DeliveryLog:
    delivery = await service.require(tx, call.path["delivery_id"])
    return wire.DeliveryLog(
        **structs.asdict(to_wire(delivery)),
        body=delivery.body,
        log=[_attempt_to_wire(attempt) for attempt in await service.attempts(tx, delivery)],
    )


async def redeliver(tx: Tx, ctx: Context, call: Call) -> wire.Delivery:
    return to_wire(await service.redeliver(tx, ctx, call.path["delivery_id"]))


HANDLERS: Mapping[str, Handler] = {
    "operator.deliveries_list": list_deliveries,
    "operator.deliveries_get": get,
    "operator.deliveries_redeliver": redeliver,
}


async def _wanted(tx: Tx, call: Call) -> DeliveryFilter:
    """Raises ``NAME_UNKNOWN`` for an account that does not exist, ``UNKNOWN_ENUM_VALUE`` for a state."""
    account, subscription = call.query.get("account"), call.query.get("subscription")
    return DeliveryFilter(
        account_id=None if account is None else (await identity.require_account(tx, account)).account.id,
        publisher_id=call.query.get("publisher"),
        queue=None if subscription is None else subscription.lower(),
        state=_state(call.query.get("state")),
        after=call.query.get("after"),
    )


def _state(value: str | None) -> State | None:
    try:
        return None if value is None else State(value.lower())
    except ValueError as error:
        raise Refusal(Code.UNKNOWN_ENUM_VALUE, member="state", value=value) from error


def to_wire(delivery: Delivery) -> wire.Delivery:
    return wire.Delivery(
        id=delivery.id,
        tenant_id=delivery.account_id,
        publisher_id=delivery.publisher_id,
        product_id=delivery.product_id,
        subscription_id=delivery.queue,
        kind=delivery.kind,
        subject_id=delivery.subject_id,
        url=delivery.url,
        state=delivery.state,
        attempts=delivery.attempts,
        created=delivery.created_at,
        settled=UNSET if delivery.settled_at is None else delivery.settled_at,
        next_attempt=UNSET if delivery.next_attempt_at is None else delivery.next_attempt_at,
        last_status=UNSET if delivery.last_status is None else delivery.last_status,
        last_error=UNSET if delivery.last_error is None else delivery.last_error,
    )


def _attempt_to_wire(attempt: Attempt) -> wire.DeliveryAttempt:
    reply = attempt.reply
    return wire.DeliveryAttempt(
        number=attempt.number,
        started=attempt.started_at,
        duration_ms=attempt.duration_ms,
        url=attempt.url,
        status=UNSET if reply.status is None else reply.status,
        error=UNSET if reply.error is None else reply.error,
        excerpt=reply.excerpt,
    )
