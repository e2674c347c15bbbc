"""The only place that knows how publishers are refused (``40-publisher-fulfillment-metering`` section 11).

Who may not call is told so in a bare JSON text; an unknown version of the API and a failure of ours have
shapes of their own; everything else is code, message and target.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET

from comptoir.api.call import Answer
from comptoir.core.errors import Code, Refusal
from comptoir.wire import codec
from comptoir.wire.metering import METERING, UsageError
from comptoir.wire.publisher import (
    FaultDetail,
    FulfillmentFault,
    MeteringFault,
    ServerFault,
    ServerFaultBody,
    VersionFault,
    VersionFaultBody,
)

USAGE_REQUEST = "usageEventRequest"
"""What refused reports of usage name as their target (section 6.2)."""

OWN: Mapping[Code, tuple[int, str]] = {
    Code.API_VERSION_MISSING: (400, "ApiVersionUnspecified"),
    Code.API_VERSION_UNKNOWN: (400, "UnsupportedApiVersion"),
    Code.PURCHASE_TOKEN_MISSING: (400, "HeaderNotPresent"),
    Code.PURCHASE_TOKEN_INVALID: (400, "InvalidValue"),
    Code.PURCHASE_FOREIGN: (403, ""),
    Code.PURCHASE_NOT_FOUND: (404, "EntityNotFound"),
    Code.PURCHASE_ENDED: (404, "EntityNotFound"),
    Code.TOO_MUCH_USAGE: (400, "BadArgument"),
    Code.PURCHASE_ENDED_ALREADY: (400, "BadRequest"),
    Code.PURCHASE_ACTIVE_ALREADY: (400, "BadRequest"),
    Code.PURCHASE_MISMATCH: (400, "BadArgument"),
    Code.PAGE_TOKEN_INVALID: (400, "InvalidValue"),
    Code.CHANGE_NOT_SINGLE: (400, "RequiredField"),
    Code.CHANGE_NOT_SUBSCRIBED: (400, "BadRequest"),
    Code.PUBLISHER_OPERATION_NOT_ALLOWED: (400, "BadRequest"),
    Code.OPERATION_OPEN: (400, "Failed"),
    Code.PLAN_NOT_AVAILABLE: (400, "BadArgument"),
    Code.PLAN_IS_CURRENT: (400, "BadArgument"),
    Code.PLAN_HAS_NO_SEATS: (400, "BadArgument"),
    Code.QUANTITY_IS_CURRENT: (400, "BadArgument"),
    Code.SEATS_OUT_OF_RANGE: (400, "BadArgument"),
    Code.ACKNOWLEDGEMENT_INVALID: (400, "BadArgument"),
    Code.OPERATION_NOT_FOUND: (404, "NotFound"),
    Code.OPERATION_NOT_ACKNOWLEDGED: (400, "BadRequest"),
    Code.OPERATION_CLOSED: (409, "Conflict"),
}
"""Refusals that only publishers get. A status without a code is answered with a text alone."""

SHARED: Mapping[Code, tuple[int, str]] = {
    Code.NOT_FOUND: (404, "NotFound"),
    Code.INVALID_INPUT: (400, "BadRequest"),
    Code.INVALID_PROPERTY: (400, "BadArgument"),
    Code.UNEXPECTED: (500, "InternalServerError"),
    Code.BUSY: (500, "InternalServerError"),
    Code.TOKEN_MISSING: (403, ""),
    Code.TOKEN_INVALID: (403, ""),
}
"""Refusals that others get too, under the numbers of ``faults``."""

WIRE: Mapping[Code, tuple[int, str]] = {**OWN, **SHARED}
FOR_PUBLISHERS = frozenset(OWN)
OTHERWISE = (400, "BadRequest")
"""What a publisher is told of any other refusal."""

SHAPES: Mapping[str, Any] = {
    "403": str,
    "400/ApiVersionUnspecified": VersionFault,
    "400/UnsupportedApiVersion": VersionFault,
    "500/InternalServerError": ServerFault,
}
"""By documented refusal, those whose answer is no ``FulfillmentFault``."""

FURTHER_SHAPES: Mapping[str, Any] = {"409/Conflict": UsageError}
"""By documented refusal, another shape that its answer may have: a duplicate shows the earlier event."""

TARGETS: Mapping[Code, str] = {
    Code.PURCHASE_TOKEN_MISSING: "x-ms-marketplace-token",
    Code.PURCHASE_TOKEN_INVALID: "token",
    Code.PAGE_TOKEN_INVALID: "continuationToken",
    Code.PLAN_NOT_AVAILABLE: "planId",
    Code.PLAN_IS_CURRENT: "planId",
    Code.PLAN_HAS_NO_SEATS: "quantity",
    Code.QUANTITY_IS_CURRENT: "quantity",
    Code.SEATS_OUT_OF_RANGE: "quantity",
    Code.ACKNOWLEDGEMENT_INVALID: "status",
}
"""The faulty header or member, where the refusal does not name one."""


def error_of(code: Code) -> str:
    """A refusal as the table of operations documents it: ``404/EntityNotFound``, or ``403``."""
    status, word = WIRE.get(code, OTHERWISE)
    return f"{status}/{word}" if word else str(status)


def answer(refusal: Refusal, family: str = "") -> Answer:
    """A refusal as an answer to a publisher; ``family`` is that of the operation that was meant."""
    status, word = WIRE.get(refusal.code, OTHERWISE)
    return Answer(codec.encode(_body(refusal, word, family)), status)


def usage_fault(message: str, details: Sequence[FaultDetail]) -> MeteringFault:
    """Why a report of usage is refused, fault by fault (section 6.2)."""
    return MeteringFault(message=message, target=USAGE_REQUEST, details=details, code="BadArgument")


def _body(refusal: Refusal, word: str, family: str) -> object:
    message = refusal.description
    if not word:
        return message
    shape = SHAPES.get(error_of(refusal.code))
    if shape is VersionFault:
        return VersionFault(error=VersionFaultBody(code=word, message=message))
    if shape is ServerFault:
        return ServerFault(error=ServerFaultBody(code=word, message=message))
    target = refusal.facts.get("member", TARGETS.get(refusal.code))
    if family == METERING:
        named = USAGE_REQUEST if target is None else str(target)
        detail = FaultDetail(message=message, target=named, code="BadArgument")
        return usage_fault(message, [detail])
    return FulfillmentFault(code=word, message=message, target=_text(target))


def _text(target: object) -> Any:
    return UNSET if target is None else str(target)
