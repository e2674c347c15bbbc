"""Which handler serves which operation, and which handler does which due work."""

from collections.abc import Mapping
from functools import partial

from comptoir.api import (
    agreements,
    carts,
    catalog,
    conversions,
    customers,
    health,
    oauth,
    operator,
    orders,
    partner,
    placeholder,
    subscription_patch,
    subscriptions,
    support_contacts,
)
from comptoir.api.call import Call, Handler
from comptoir.api.services import Services
from comptoir.carts import service as carts_service
from comptoir.core.context import Context
from comptoir.db import Tx
from comptoir.orders import service as orders_service
from comptoir.worker import Handler as WorkHandler


async def _import_catalogue(operation: str, tx: Tx, ctx: Context, call: Call) -> object:
    """Catalogue files are read so seldom that their libraries are not part of a server's start."""
    from comptoir.api import catalog_import

    return await catalog_import.HANDLERS[operation](tx, ctx, call)


async def _describe(operation: str, services: Services, call: Call) -> object:
    """What makes the documents is needed once they are asked for, and by few servers."""
    from comptoir.api import docs

    return await docs.HANDLERS[operation](services, call)


HANDLERS: Mapping[str, Handler] = {
    **health.HANDLERS,
    **{name: partial(_describe, name) for name in ("docs.openapi", "docs.page")},
    **oauth.HANDLERS,
    **operator.HANDLERS,
    **catalog.HANDLERS,
    **{name: partial(_import_catalogue, name) for name in ("catalog.check", "catalog.import")},
    **customers.HANDLERS,
    **agreements.HANDLERS,
    **partner.HANDLERS,
    **carts.HANDLERS,
    **orders.HANDLERS,
    **subscriptions.HANDLERS,
    **subscription_patch.HANDLERS,
    **support_contacts.HANDLERS,
    **conversions.HANDLERS,
    **placeholder.HANDLERS,
}

DUE_WORK: Mapping[str, WorkHandler] = {
    "fulfil_order": orders_service.fulfil,
    "purge_cart": carts_service.purge,
}
