"""The one table of operations: router, client, documents, permission matrix and coverage read it."""

import re
from collections import Counter
from collections.abc import Mapping

from comptoir.wire import (
    agreements,
    billing_operator,
    carts,
    catalog,
    clocks,
    customers,
    deliveries,
    docs,
    exports,
    fulfillment,
    health,
    invoices,
    metering,
    oauth,
    operator,
    orders,
    partner,
    publisher,
    publishers,
    rates,
    rehearsal,
    statements,
    subscriptions,
)
from comptoir.wire.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *oauth.OPERATIONS,
    *customers.OPERATIONS,
    *agreements.OPERATIONS,
    *partner.OPERATIONS,
    *catalog.OPERATIONS,
    *carts.OPERATIONS,
    *orders.OPERATIONS,
    *subscriptions.OPERATIONS,
    *publisher.OPERATIONS,
    *fulfillment.OPERATIONS,
    *metering.OPERATIONS,
    *invoices.OPERATIONS,
    *operator.OPERATIONS,
    *billing_operator.OPERATIONS,
    *publishers.OPERATIONS,
    *deliveries.OPERATIONS,
    *rehearsal.OPERATIONS,
    *clocks.OPERATIONS,
    *rates.OPERATIONS,
    *statements.OPERATIONS,
    *exports.OPERATIONS,
    *health.OPERATIONS,
    *docs.OPERATIONS,
)

BY_ID: Mapping[str, Operation] = {operation.id: operation for operation in OPERATIONS}

_PARAMETER_NAME = re.compile(r"\{\w+")


def _shapes(operation: Operation) -> list[tuple[str, str]]:
    """The calls that an operation answers: methods, and the path without the names of its parameters."""
    path = _PARAMETER_NAME.sub("{", operation.path).lower().rstrip("/")
    return [(method, path) for method in (operation.method, *operation.aliases)]


def _repeated() -> list[object]:
    """Ids and calls that stand in the table more than once."""
    counts: Counter[object] = Counter(operation.id for operation in OPERATIONS)
    counts.update(shape for operation in OPERATIONS for shape in _shapes(operation))
    return [entry for entry, count in counts.items() if count > 1]


assert not _repeated(), f"in the table of operations more than once: {_repeated()}"
