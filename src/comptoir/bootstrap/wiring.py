"""Which handler serves which operation, and which handler does which due work."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from comptoir.api import (
    activation,
    agreements,
    billing_operator,
    carts,
    catalog,
    clocks,
    conversions,
    customers,
    deliveries,
    fulfillment,
    health,
    invoice_lines,
    invoices,
    metering,
    oauth,
    operator,
    orders,
    partner,
    placeholder,
    publisher,
    rates,
    rehearsal,
    subscription_patch,
    subscriptions,
    support_contacts,
)
from comptoir.api.call import Call, Handler
from comptoir.api.services import Services
from comptoir.billing import service as billing_service
from comptoir.billing import service_invoices, service_rating, service_schedule
from comptoir.carts import service as carts_service
from comptoir.core.context import Context
from comptoir.db import Tx
from comptoir.fulfillment import service_purchases as purchases
from comptoir.orders import service as orders_service
from comptoir.subscriptions import service as subscriptions_service
from comptoir.subscriptions import service_turning
from comptoir.usage import service_rating as usage_rating
from comptoir.wire import exports as exports_on_wire
from comptoir.worker import Divide
from comptoir.worker import Handler as WorkHandler


async def _import_catalogue(operation: str, tx: Tx, ctx: Context, call: Call) -> object:
    """Catalogue files are read so seldom that their libraries are not part of a server's start."""
    from comptoir.api import catalog_import

    return await catalog_import.HANDLERS[operation](tx, ctx, call)


ADMINISTRATION = ("publishers.list", "publishers.point", "publishers.register")


async def _administer(operation: str, tx: Tx, ctx: Context, call: Call) -> object:
    """Publishers are pointed elsewhere by what imports catalogue files."""
    from comptoir.api import publishers

    return await publishers.HANDLERS[operation](tx, ctx, call)


async def _print(operation: str, *arguments: Any) -> object:
    """Printing is seldom, and its libraries and fonts are large."""
    from comptoir.api import statements

    return await statements.HANDLERS[operation](*arguments)


async def _export(operation: str, *arguments: Any) -> object:
    """Exports are seldom asked for."""
    from comptoir.api import exports

    return await exports.HANDLERS[operation](*arguments)


async def _describe(operation: str, services: Services, call: Call) -> object:
    """What makes the documents is needed once they are asked for, and by few servers."""
    from comptoir.api import docs

    return await docs.HANDLERS[operation](services, call)


HANDLERS: Mapping[str, Handler] = {
    **health.HANDLERS,
    **{name: partial(_describe, name) for name in ("docs.openapi", "docs.page")},
    **oauth.HANDLERS,
    **operator.HANDLERS,
    **billing_operator.HANDLERS,
    **{name: partial(_administer, name) for name in ADMINISTRATION},
    **deliveries.HANDLERS,
    **rehearsal.HANDLERS,
    **clocks.HANDLERS,
    **rates.HANDLERS,
    **{name: partial(_print, name) for name in ("invoices.statement", "invoices.receipt")},
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
    **invoices.HANDLERS,
    **invoice_lines.HANDLERS,
    **{each.id: partial(_export, each.id) for each in exports_on_wire.OPERATIONS},
    **publisher.HANDLERS,
    **metering.HANDLERS,
    **fulfillment.HANDLERS,
    **activation.HANDLERS,
}


def _resuming_runs(sweep: WorkHandler) -> WorkHandler:
    """A sweep, after which an invoice run that could not wait for it any longer goes on."""

    async def swept(tx: Tx, ctx: Context, subject_id: str) -> None:
        await sweep(tx, ctx, subject_id)
        await service_invoices.resume(tx, ctx)

    return swept


DUE_WORK: Mapping[str, WorkHandler] = {
    "fulfil_order": orders_service.fulfil,
    "purge_cart": carts_service.purge,
    purchases.ACTIVATE: purchases.activate_later,
    subscriptions_service.TURN: _resuming_runs(service_turning.turn_subscriptions),
    billing_service.CHARGE_CYCLES: _resuming_runs(billing_service.charge_cycles),
    usage_rating.RATE_USAGE: _resuming_runs(service_rating.rate_usage),
    service_schedule.RUN_INVOICES: service_invoices.run_invoices,
}

DIVIDERS: Mapping[str, Divide] = {
    subscriptions_service.TURN: service_turning.divide,
    billing_service.CHARGE_CYCLES: billing_service.divide,
}
