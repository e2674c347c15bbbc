"""The operator API of webhooks: what was sent to publishers, how it went, and sending it anew."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import UNSET, UnsetType

from comptoir.wire.operation import Audience, Mode, Operation, Query
from comptoir.wire.types import Reply

DELIVERIES = "/operator/v1/deliveries"


class Delivery(Reply, kw_only=True):
    """A webhook: ``pending``, ``delivered``, ``refused`` by an answer, ``dead`` after the last try, or
    ``dropped`` unsent because what it asks for had failed.

    ``attempts`` counts those begun. ``next_attempt`` is there while it is the webhook's turn: those of a
    subscription are sent one after the other. ``last_status`` and ``last_error`` tell how the last attempt
    ended. ``url`` is where it went.
    """

    id: str
    tenant_id: str
    publisher_id: str
    product_id: str
    subscription_id: str
    kind: str
    subject_id: str
    url: str
    state: str
    attempts: int
    created: datetime
    settled: datetime | UnsetType = UNSET
    next_attempt: datetime | UnsetType = UNSET
    last_status: int | UnsetType = UNSET
    last_error: str | UnsetType = UNSET


class DeliveryAttempt(Reply, kw_only=True):
    """One attempt that ended: with a ``status`` and the beginning of the answer, or with an ``error``."""

    number: int
    started: datetime
    duration_ms: int
    url: str
    status: int | UnsetType = UNSET
    error: str | UnsetType = UNSET
    excerpt: str


class DeliveryLog(Delivery, kw_only=True):
    """A webhook with the body that every attempt sends and its log: the first attempt and the latest ones."""

    body: str
    log: Sequence[DeliveryAttempt]


class Deliveries(Reply, kw_only=True):
    """A page of webhooks, newest first. ``next_after`` is there if more follow: ask again with it."""

    items: Sequence[Delivery]
    next_after: str | UnsetType = UNSET


OPERATIONS = (
    Operation(
        id="operator.deliveries_list",
        method="GET",
        path=DELIVERIES,
        summary="List webhooks, the newest first",
        reply=Deliveries,
        audience=Audience.OPERATOR,
        query=(
            Query("account", "Name of the account whose subscriptions they are about."),
            Query("publisher", "Id of the publisher that they were sent to."),
            Query("subscription", "Id of the subscription that they are about."),
            Query("state", "pending, delivered, refused, dead or dropped."),
            Query("size", "How many; 100 unless told, 500 at most.", kind=int),
            Query("after", "Id of the last webhook of the page before."),
        ),
        errors=("400/3000", "400/900126", "404/1000"),
    ),
    Operation(
        id="operator.deliveries_get",
        method="GET",
        path=DELIVERIES + "/{delivery_id}",
        summary="Read a webhook with its body and its attempts",
        reply=DeliveryLog,
        audience=Audience.OPERATOR,
        errors=("404/1000",),
    ),
    Operation(
        id="operator.deliveries_redeliver",
        method="POST",
        path=DELIVERIES + "/{delivery_id}/redeliver",
        summary="Send a webhook again, with all its tries; one that waits for its next try is sent at once",
        reply=Delivery,
        mode=Mode.WRITE,
        audience=Audience.OPERATOR,
        errors=("404/1000",),
    ),
)
