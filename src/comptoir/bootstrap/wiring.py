"""Which handler serves which operation, and which handler does which due work."""

from collections.abc import Mapping

from comptoir.api import (
    agreements,
    carts,
    catalog,
    catalog_import,
    customers,
    health,
    oauth,
    operator,
    orders,
    partner,
    placeholder,
    subscriptions,
)
from comptoir.api.dispatch import Handler
from comptoir.carts import service as carts_service
from comptoir.orders import service as orders_service
from comptoir.worker import Handler as WorkHandler

HANDLERS: Mapping[str, Handler] = {
    **health.HANDLERS,
    **oauth.HANDLERS,
    **operator.HANDLERS,
    **catalog.HANDLERS,
    **catalog_import.HANDLERS,
    **customers.HANDLERS,
    **agreements.HANDLERS,
    **partner.HANDLERS,
    **carts.HANDLERS,
    **orders.HANDLERS,
    **subscriptions.HANDLERS,
    **placeholder.HANDLERS,
}

DUE_WORK: Mapping[str, WorkHandler] = {
    "fulfil_order": orders_service.fulfil,
    "purge_cart": carts_service.purge,
}
