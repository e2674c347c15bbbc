"""What the two APIs of publishers have in common: the shapes of their refusals, and a sign of life.

Source: ``40-publisher-fulfillment-metering`` sections 1.2, 6.2 and 11. The members stand in the documented
order.
"""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType, field

from comptoir.wire.operation import Audience, Mode, Operation
from comptoir.wire.types import Reply


class FaultDetail(Reply, kw_only=True):
    """One fault among several. ``target`` is the member that it is about."""

    message: str
    target: str | UnsetType = UNSET
    code: str


class FulfillmentFault(Reply, kw_only=True):
    """Why a publisher's call is refused. ``target`` is the faulty header or member."""

    code: str
    message: str
    target: str | UnsetType = UNSET
    details: Sequence[FaultDetail] | UnsetType = UNSET


class MeteringFault(Reply, kw_only=True):
    """Why a report of usage is refused: one detail for each faulty member."""

    message: str
    target: str | UnsetType = UNSET
    details: Sequence[FaultDetail] | UnsetType = UNSET
    code: str


class VersionFaultBody(Reply, kw_only=True):
    """What is wrong with the version asked for."""

    code: str = field(name="Code")
    message: str = field(name="Message")


class VersionFault(Reply, kw_only=True):
    """A call without a known version of the API; unlike every other refusal, with capital letters."""

    error: VersionFaultBody = field(name="Error")


class ServerFaultBody(Reply, kw_only=True):
    """Our failure in words."""

    code: str
    message: str


class ServerFault(Reply, kw_only=True):
    """A call that failed through no fault of the caller."""

    error: ServerFaultBody


class PublisherApi(Reply, kw_only=True):
    """The API answers; ``status`` is ``ok``."""

    status: str


OPERATIONS = (
    Operation(
        id="publisher.live",
        method="GET",
        path="/api",
        summary="Whether the APIs of publishers answer",
        reply=PublisherApi,
        audience=Audience.PUBLIC,
        mode=Mode.STEPS,
    ),
)
