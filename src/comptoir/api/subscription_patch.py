"""PATCH of a subscription over HTTP: what the libraries send, and what they mean by it.

Source: ``20-subscriptions-customers`` sections 3.3 and 3.4. Official clients send the whole resource back, or
an object of their own in which everything that was not set has its language's default.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from time import monotonic

from comptoir.api.call import Call, Handler, Parameters
from comptoir.api.etags import supplied_etags
from comptoir.api.orders import billing_cycle_from_wire
from comptoir.api.reading import optional_text, text_from_wire
from comptoir.api.services import Services
from comptoir.api.subscriptions import status_to_wire, to_wire
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.customers import service as customers
from comptoir.db import Tx
from comptoir.delivery.service_engine import send_now
from comptoir.fulfillment import service as fulfillment
from comptoir.fulfillment import service_partner
from comptoir.fulfillment.model import Operation, Started
from comptoir.orders import service as orders
from comptoir.subscriptions import service
from comptoir.subscriptions.model import Status, StatusWord, Subscription, SubscriptionPatch
from comptoir.wire import subscriptions as wire
from comptoir.wire.enums import UnknownValue, fold, parse_enum

STATUS_NUMBERS = dict(enumerate(StatusWord))
"""The numbers of the .NET enumeration."""

LOOK_SECONDS = 0.05
"""How often a call that waits looks whether the publisher has answered."""

UNSET_CYCLES = frozenset({"unknown", "0"})
"""How .NET writes a billing cycle that was not set."""


async def patch(services: Services, ctx: Context, call: Call) -> wire.Subscription:
    """``PATCH customers/{c}/subscriptions/{s}``

    A change that the publisher is asked about waits for its answer, for ``pc_wait_seconds`` at most: then
    the subscription is shown as it is (``40-publisher-fulfillment-metering`` section 5.4).
    """
    begun = await services.write(partial(_begin, ctx, call))
    if not isinstance(begun, Started):
        return begun
    if begun.delivery_id is not None:
        await send_now(services.engine, ctx.account.id, begun.delivery_id)
    await _wait(services, ctx, begun.operation)
    return await services.database.read(partial(_end, ctx, begun.operation))


async def _wait(services: Services, ctx: Context, operation: Operation) -> None:
    """Until the operation has ended, the caller has waited for long enough, or the server is to end."""
    deadline = monotonic() + ctx.account.settings.pc_wait_seconds
    while True:
        look = partial(service_partner.answer, ctx=ctx, operation=operation)
        now = (await services.database.read(look)).operation
        left = deadline - monotonic()
        if not now.is_open or left <= 0 or services.stopping.is_set():
            return
        if now.acknowledged_until is not None and now.acknowledged_until <= services.wall():
            await _close(services, now, left)
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await services.stopping.wait()


async def _close(services: Services, lapsed: Operation, seconds: float) -> None:
    """Accept what the publisher has kept silent about, after the overdue work that comes first."""
    with suppress(TimeoutError):  # the timer of deliveries tries it again
        async with asyncio.timeout(seconds):
            make_context = services.engine.make_context
            await fulfillment.close_silent(services.write, lapsed, services.wall(), make_context)


async def _begin(ctx: Context, call: Call, tx: Tx) -> wire.Subscription | Started:
    """Change the subscription, or ask its publisher.

    Only before the set-up does it matter whether the order is still in progress.
    """
    customer = await customers.lock(tx, ctx, call.path["customer_id"])
    subscription = await service.get(tx, ctx, customer.id, call.path["subscription_id"])
    wanted = patch_from_wire(call.body or wire.SubscriptionBody(), call.headers, subscription, ctx)
    is_pending = subscription.status is Status.PENDING
    changed = await service_partner.patch(
        tx,
        ctx,
        subscription,
        wanted,
        is_in_progress=is_pending and await orders.is_in_progress(tx, ctx, customer, subscription.order_id),
    )
    return changed if isinstance(changed, Started) else to_wire(changed, customer, ctx)


async def _end(ctx: Context, operation: Operation, tx: Tx) -> wire.Subscription:
    """The subscription after the publisher's answer, or without one. Refuses what the publisher refused."""
    answered = await service_partner.answer(tx, ctx, operation)
    service_partner.require_success(answered.operation)
    customer = await customers.require(tx, ctx, operation.customer_id)
    return to_wire(answered.subscription, customer, ctx)


def patch_from_wire(
    body: wire.SubscriptionBody, headers: Parameters, subscription: Subscription, ctx: Context
) -> SubscriptionPatch:
    """What the body asks for. A status that the client was shown asks for nothing."""
    body_id = text_from_wire(body.id)
    if body_id and body_id.lower() != subscription.id:
        raise Refusal(Code.INVALID_PROPERTY, member="id", reason="it is not the subscription's.")
    is_sparse = _is_sparse(body)
    return SubscriptionPatch(
        etags=supplied_etags(headers, body.attributes),
        status=_status(body.status, subscription, ctx),
        auto_renew=None if is_sparse else body.auto_renew_enabled,
        quantity=None if is_sparse and (body.quantity or 0) <= 0 else body.quantity,
        friendly_name=optional_text(body.friendly_name),
        partner_mpn_id=optional_text(body.partner_id),
        billing_cycle=None if is_sparse else billing_cycle_from_wire(body.billing_cycle, "billingCycle"),
        term=None if is_sparse else optional_text(body.term_duration),
    )


def _is_sparse(body: wire.SubscriptionBody) -> bool:
    """Whether a library wrote its defaults for all that the caller did not set.

    Then ``autoRenewEnabled`` is false and the quantity 0 without anybody having asked for it. What was
    written by hand has neither of the two marks.
    """
    is_anonymous = not text_from_wire(body.id) and not text_from_wire(body.offer_id)
    is_cycle_unset = body.billing_cycle is not None and fold(str(body.billing_cycle)) in UNSET_CYCLES
    return is_anonymous and (is_cycle_unset or body.quantity == 0)


def _status(value: str | int | None, subscription: Subscription, ctx: Context) -> StatusWord | None:
    if isinstance(value, str) and not value.strip():
        return None
    try:
        word = parse_enum(StatusWord, value, STATUS_NUMBERS)
    except UnknownValue as error:
        raise Refusal(Code.UNKNOWN_ENUM_VALUE, value=str(error.value)[:100], member="status") from error
    shown = status_to_wire(subscription.status, ctx)
    return None if word in {None, StatusWord.NONE, shown} else word


HANDLERS: Mapping[str, Handler] = {"subscriptions.patch": patch}
