"""Support contacts of subscriptions over HTTP (``20-subscriptions-customers`` section 3.8)."""

from collections.abc import Mapping

from comptoir.api.call import Call, Handler
from comptoir.api.reading import text_from_wire
from comptoir.core.context import Context
from comptoir.customers import service as customers
from comptoir.db import Tx
from comptoir.subscriptions import service, service_support
from comptoir.subscriptions.model import Subscription, SupportContact
from comptoir.wire import subscriptions as wire
from comptoir.wire.types import attributes, self_links


async def get(tx: Tx, ctx: Context, call: Call) -> wire.SupportContact:
    """``GET .../supportcontact``"""
    customer = await customers.require(tx, ctx, call.path["customer_id"])
    subscription = await service.get(tx, ctx, customer.id, call.path["subscription_id"])
    return _to_wire(await service_support.get(tx, ctx, subscription), subscription)


async def update(tx: Tx, ctx: Context, call: Call) -> wire.SupportContact:
    """``PUT .../supportcontact``"""
    customer = await customers.lock(tx, ctx, call.path["customer_id"])
    subscription = await service.get(tx, ctx, customer.id, call.path["subscription_id"])
    body = call.body or wire.SupportContactBody()
    chosen = await service_support.put(
        tx,
        ctx,
        subscription,
        tenant_id=text_from_wire(body.support_tenant_id),
        mpn_id=text_from_wire(body.support_mpn_id),
        name=text_from_wire(body.name),
    )
    return _to_wire(chosen, subscription)


def _to_wire(contact: SupportContact, subscription: Subscription) -> wire.SupportContact:
    uri = f"/customers/{subscription.customer_id}/subscriptions/{subscription.id}/supportcontact"
    return wire.SupportContact(
        support_tenant_id=contact.tenant_id,
        support_mpn_id=contact.mpn_id,
        name=contact.name,
        links=self_links(uri),
        attributes=attributes("SupportContact"),
    )


HANDLERS: Mapping[str, Handler] = {
    "subscriptions.support_contact_get": get,
    "subscriptions.support_contact_update": update,
}
