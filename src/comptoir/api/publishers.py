"""Publishers, for the operator."""

from collections.abc import Mapping

from comptoir.api.call import Call, Handler
from comptoir.api.reading import text_from_wire
from comptoir.catalog import service, service_endpoints
from comptoir.catalog.model import Publisher
from comptoir.core.context import Context
from comptoir.db import Tx
from comptoir.identity import service as identity
from comptoir.identity.model import Application
from comptoir.wire import publishers as wire


async def list_(tx: Tx, _ctx: Context, _call: Call) -> wire.OperatorPublishers:
    return wire.OperatorPublishers(items=[to_wire(each) for each in await service.publishers(tx)])


async def point(tx: Tx, ctx: Context, call: Call) -> wire.OperatorPublisher:
    body = call.body or wire.EndpointsBody()
    pointed = await service_endpoints.point(
        tx,
        ctx,
        call.path["publisher_id"],
        text_from_wire(body.landing_page_url),
        text_from_wire(body.webhook_url),
    )
    return to_wire(pointed)


async def register(tx: Tx, ctx: Context, call: Call) -> wire.OperatorPublisher:
    body = call.body or wire.PublisherSecretBody()
    publisher = await service_endpoints.require_publisher(tx, call.path["publisher_id"])
    secret = text_from_wire(body.client_secret)
    application = Application(publisher.application_id, publisher.name, publisher_id=publisher.id)
    await identity.register_publisher(tx, ctx, application, secret)
    return to_wire(publisher)


def to_wire(publisher: Publisher) -> wire.OperatorPublisher:
    return wire.OperatorPublisher(
        id=publisher.id,
        name=publisher.name,
        tenant_id=publisher.tenant_id,
        application_id=publisher.application_id,
    )


HANDLERS: Mapping[str, Handler] = {
    "publishers.list": list_,
    "publishers.point": point,
    "publishers.register": register,
}
