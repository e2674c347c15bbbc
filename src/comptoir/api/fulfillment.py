"""SaaS fulfillment over HTTP (``40-publisher-fulfillment-metering`` sections 3 and 4)."""

from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import quote

from msgspec import UNSET, UnsetType

from comptoir.api.call import Answer, Call, Handler
from comptoir.api.publisher import API_VERSION, publisher_of
from comptoir.api.reading import optional_text
from comptoir.catalog.model import DEFAULT_LOCALE, Term
from comptoir.catalog.texts import in_locale
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.terms import Duration
from comptoir.db import Tx
from comptoir.fulfillment import rules, service
from comptoir.fulfillment import service_purchases as purchases
from comptoir.fulfillment.model import (
    Acknowledged,
    Acknowledgement,
    ChangeRequest,
    MeterOnSale,
    Operation,
    Person,
    PlanOnSale,
    Purchase,
    PurchaseTerm,
)
from comptoir.wire import fulfillment as wire

INFINITE = "Infinite"
RETRY_AFTER = "10"
"""Seconds that the real service asks publishers to wait before they look at an operation."""

QUANTITY_DIGITS_MAX = 10


async def resolve(tx: Tx, ctx: Context, call: Call) -> wire.ResolvedSubscription:
    """``POST subscriptions/resolve``"""
    token = call.headers.get("x-ms-marketplace-token")
    if token is None:
        raise Refusal(Code.PURCHASE_TOKEN_MISSING)
    purchase = await purchases.resolve(tx, ctx, publisher_of(ctx), token)
    return wire.ResolvedSubscription(
        id=purchase.id,
        subscription_name=purchase.name,
        offer_id=purchase.offer_id,
        plan_id=purchase.plan_id,
        quantity=_optional(purchase.quantity),
        subscription=to_wire(purchase),
    )


async def list_purchases(tx: Tx, ctx: Context, call: Call) -> wire.SaasSubscriptions:
    """``GET subscriptions``"""
    token = call.query.get("continuationToken")
    page = await purchases.page(tx, ctx, publisher_of(ctx), size=ctx.publisher_page_size, token=token)
    next_link: str | UnsetType = UNSET
    if page.next_token is not None:
        query = f"continuationToken={quote(page.next_token, safe='')}&api-version={API_VERSION}"
        next_link = f"{_base(ctx)}{wire.SUBSCRIPTIONS}/?{query}"
    return wire.SaasSubscriptions(
        subscriptions=[to_wire(purchase) for purchase in page.purchases], next_link=next_link
    )


async def get(tx: Tx, ctx: Context, call: Call) -> wire.SaasSubscription:
    """``GET subscriptions/{s}``"""
    return to_wire(await purchases.get(tx, ctx, publisher_of(ctx), _subscription_id(call)))


async def plans(tx: Tx, ctx: Context, call: Call) -> wire.SubscriptionPlans:
    """``GET subscriptions/{s}/listAvailablePlans``"""
    found = await purchases.plans(tx, ctx, publisher_of(ctx), _subscription_id(call))
    wanted = (call.query.get("planId") or "").lower()
    return wire.SubscriptionPlans(
        plans=[_plan_to_wire(each) for each in found if wanted in {"", each.plan.sku.plan_id}]
    )


async def activate(tx: Tx, ctx: Context, call: Call) -> None:
    """``POST subscriptions/{s}/activate``; the body may be missing."""
    body = call.body or wire.SubscriberPlanBody()
    asked = change_from_wire(body)
    await purchases.activate(tx, ctx, publisher_of(ctx), _subscription_id(call), asked)


async def update(tx: Tx, ctx: Context, call: Call) -> Answer:
    """``PATCH subscriptions/{s}``"""
    asked = change_from_wire(call.body or wire.SubscriberPlanBody())
    return _accepted(ctx, await service.change(tx, ctx, publisher_of(ctx), _subscription_id(call), asked))


async def cancel(tx: Tx, ctx: Context, call: Call) -> Answer:
    """``DELETE subscriptions/{s}``"""
    return _accepted(ctx, await service.cancel(tx, ctx, publisher_of(ctx), _subscription_id(call)))


async def list_operations(tx: Tx, ctx: Context, call: Call) -> wire.OperationList:
    """``GET subscriptions/{s}/operations``"""
    found = await service.list_open(tx, ctx, publisher_of(ctx), _subscription_id(call))
    return wire.OperationList(operations=[operation_to_wire(each) for each in found])


async def get_operation(tx: Tx, ctx: Context, call: Call) -> wire.SaasOperation:
    """``GET subscriptions/{s}/operations/{o}``"""
    operation_id = call.path["operation_id"]
    found = await service.get(tx, ctx, publisher_of(ctx), _subscription_id(call), operation_id)
    return operation_to_wire(found)


async def acknowledge(tx: Tx, ctx: Context, call: Call) -> object:
    """``PATCH subscriptions/{s}/operations/{o}``"""
    said = _said(call)
    return await service.acknowledge(tx, ctx, publisher_of(ctx), _subscription_id(call), said)


def change_from_wire(body: wire.SubscriberPlanBody) -> ChangeRequest:
    """A plan and a quantity as they were given; blank texts were not."""
    return ChangeRequest(optional_text(body.plan_id), _quantity(body.quantity), _is_given(body.quantity))


def _said(call: Call) -> Acknowledged:
    body = call.body or wire.UpdateOperationBody()
    word = (optional_text(body.status) or "").lower()
    answer = next((each for each in Acknowledgement if each.value.lower() == word), None)
    return Acknowledged(
        operation_id=call.path["operation_id"],
        answer=answer,
        plan_id=optional_text(body.plan_id),
        quantity=_quantity(body.quantity),
        has_quantity=_is_given(body.quantity),
    )


def _is_given(value: int | str | None) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _quantity(value: int | str | None) -> int | None:
    """A whole number, be it written as text; ``None`` for anything else."""
    if not isinstance(value, str):
        return value
    digits = value.strip()
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= QUANTITY_DIGITS_MAX
    return int(digits) if is_number else None


def _subscription_id(call: Call) -> str:
    return call.path["subscription_id"]


def _base(ctx: Context) -> str:
    return ctx.public_base_url.rstrip("/")


def _accepted(ctx: Context, operation: Operation) -> Answer:
    """202 without a body. The .NET client takes the operation's id from its place in the address.

    The address carries the version, as the real one does, because clients read it as it is.
    """
    path = f"{wire.SUBSCRIPTIONS}/{operation.subscription_id}/operations/{operation.id}"
    location = f"{_base(ctx)}{path}?api-version={API_VERSION}"
    return Answer(
        status=202,
        headers={"Operation-Location": location, "Operation-Id": operation.id, "Retry-After": RETRY_AFTER},
    )


def to_wire(purchase: Purchase) -> wire.SaasSubscription:
    """A purchase as section 3.1 prints it."""
    return wire.SaasSubscription(
        id=purchase.id,
        publisher_id=purchase.publisher_id,
        offer_id=purchase.offer_id,
        name=purchase.name,
        saas_subscription_status=purchase.status.value,
        beneficiary=_person_to_wire(purchase.beneficiary),
        purchaser=_person_to_wire(purchase.purchaser),
        plan_id=purchase.plan_id,
        term=_term_to_wire(purchase.term),
        auto_renew=purchase.auto_renew,
        is_test=purchase.is_test,
        is_free_trial=purchase.is_free_trial,
        allowed_customer_operations=purchase.allowed_operations,
        sandbox_type=rules.sandbox_type(purchase),
        created=purchase.created_at,
        last_modified=purchase.modified_at,
        quantity=_optional(purchase.quantity),
        session_mode=rules.session_mode(purchase),
    )


def operation_to_wire(operation: Operation) -> wire.SaasOperation:
    """An operation as section 4 prints it."""
    return wire.SaasOperation(
        id=operation.id,
        activity_id=operation.id,
        publisher_id=operation.publisher_id,
        offer_id=operation.offer_id,
        plan_id=operation.plan_id,
        quantity=_optional(operation.quantity),
        operation_request_source=operation.source.value,
        subscription_id=operation.subscription_id,
        time_stamp=operation.requested_at,
        action=operation.action.value,
        status=operation.status.value,
        error_status_code=operation.error_status or UNSET,
        error_message=operation.error_message or UNSET,
    )


def _optional(number: int | None) -> int | UnsetType:
    return UNSET if number is None else number


def _person_to_wire(person: Person) -> wire.AadIdentifier:
    return wire.AadIdentifier(
        email_id=person.email,
        object_id=person.object_id,
        tenant_id=person.tenant_id,
        puid=rules.puid(person),
    )


def _term_to_wire(term: PurchaseTerm) -> wire.SaasTerm:
    return wire.SaasTerm(
        start_date=term.start_on or UNSET,
        end_date=term.end_on or UNSET,
        term_unit=str(term.unit),
        charge_duration=_duration(term.charge_unit),
    )


def _duration(duration: Duration | None) -> str | UnsetType:
    return UNSET if duration is None else str(duration)


def _plan_to_wire(listed: PlanOnSale) -> wire.SaasPlan:
    plan, details = listed.plan, listed.plan.sku.details
    is_per_seat = plan.is_per_seat
    return wire.SaasPlan(
        plan_id=plan.sku.plan_id,
        display_name=in_locale(details.title, DEFAULT_LOCALE),
        is_private=details.exclusive_to is not None,
        description=in_locale(details.description, DEFAULT_LOCALE),
        min_quantity=details.minimum_quantity if is_per_seat else UNSET,
        max_quantity=details.maximum_quantity if is_per_seat else UNSET,
        has_free_trials=listed.has_free_trial,
        is_price_per_seat=is_per_seat,
        is_stop_sell=details.is_stop_sold,
        market=listed.market,
        plan_components=wire.PlanComponents(
            recurrent_billing_terms=[_billing_term_to_wire(term) for term in listed.terms],
            metering_dimensions=[_meter_to_wire(meter) for meter in listed.meters],
        ),
    )


def _billing_term_to_wire(term: Term) -> wire.RecurrentBillingTerm:
    included = [
        wire.MeteredQuantityIncluded(
            dimension_id=dimension_id, units=INFINITE if units is None else str(units)
        )
        for dimension_id, units in term.included.items()
    ]
    return wire.RecurrentBillingTerm(
        currency=term.price.currency,
        price=_plain(term.price.amount),
        term_unit=str(term.duration),
        term_description=term.description,
        metered_quantity_included=included or UNSET,
    )


def _meter_to_wire(meter: MeterOnSale) -> wire.MeteringDimension:
    return wire.MeteringDimension(
        id=meter.dimension_id,
        currency=meter.price.currency,
        price_per_unit=_plain(meter.price.amount),
        unit_of_measure=meter.unit_of_measure,
        display_name=meter.display_name,
    )


def _plain(amount: Decimal) -> Decimal:
    """Without an exponent, which not every reader of numbers expects."""
    return Decimal(format(amount, "f"))


HANDLERS: Mapping[str, Handler] = {
    "fulfillment.resolve": resolve,
    "fulfillment.list": list_purchases,
    "fulfillment.get": get,
    "fulfillment.plans": plans,
    "fulfillment.activate": activate,
    "fulfillment.update": update,
    "fulfillment.cancel": cancel,
    "fulfillment.operations": list_operations,
    "fulfillment.operation": get_operation,
    "fulfillment.acknowledge": acknowledge,
}
