"""The early end of a trial over HTTP (``20-subscriptions-customers`` section 3.9)."""

from collections.abc import Mapping

from msgspec import UNSET

from comptoir.api.call import Call, Handler
from comptoir.api.orders import billing_cycle_from_wire, billing_cycle_to_wire
from comptoir.api.reading import optional_text
from comptoir.core.context import Context
from comptoir.customers import service as customers
from comptoir.db import Tx
from comptoir.subscriptions import service, service_conversion
from comptoir.subscriptions.model import Conversion, ConversionRequest
from comptoir.wire import subscriptions as wire
from comptoir.wire.types import Collection, attributes, collection

NOT_OFFERED = wire.ConversionError(
    code="ConversionsNotFound", description="The subscription has no such conversion."
)


async def list_conversions(tx: Tx, ctx: Context, call: Call) -> Collection[wire.Conversion]:
    """``GET .../conversions``"""
    customer = await customers.require(tx, ctx, call.path["customer_id"])
    subscription = await service.get(tx, ctx, customer.id, call.path["subscription_id"])
    offered = await service_conversion.offered(tx, subscription)
    uri = f"/customers/{customer.id}/subscriptions/{subscription.id}/conversions"
    return collection([] if offered is None else [_to_wire(offered, ctx)], uri)


async def convert(tx: Tx, ctx: Context, call: Call) -> wire.ConversionResult:
    """``POST .../conversions``. What is not offered is told in the answer, which succeeds."""
    customer = await customers.lock(tx, ctx, call.path["customer_id"])
    subscription = await service.get(tx, ctx, customer.id, call.path["subscription_id"])
    request = _from_wire(call.body or wire.ConversionBody())
    is_converted = await service_conversion.convert(tx, ctx, subscription, request)
    return wire.ConversionResult(
        subscription_id=subscription.id,
        offer_id=subscription.catalog_item_id,
        target_offer_id=subscription.catalog_item_id,
        error=UNSET if is_converted else NOT_OFFERED,
    )


def _from_wire(body: wire.ConversionBody) -> ConversionRequest:
    """A quantity of 0 was not set."""
    return ConversionRequest(
        offer_id=optional_text(body.offer_id),
        target_offer_id=optional_text(body.target_offer_id),
        quantity=body.quantity or None,
        billing_cycle=billing_cycle_from_wire(body.billing_cycle, "billingCycle"),
    )


def _to_wire(conversion: Conversion, ctx: Context) -> wire.Conversion:
    return wire.Conversion(
        offer_id=conversion.offer_id,
        target_offer_id=conversion.offer_id,
        order_id=conversion.order_id,
        quantity=conversion.quantity,
        billing_cycle=billing_cycle_to_wire(conversion.billing_cycle, ctx),
        attributes=attributes("Conversion"),
    )


HANDLERS: Mapping[str, Handler] = {
    "subscriptions.conversions": list_conversions,
    "subscriptions.convert": convert,
}
