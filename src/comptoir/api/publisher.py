"""The edge of publishers: who calls, in which version of the API, and the ids of each answer.

Source: ``40-publisher-fulfillment-metering`` sections 1 and 2. A handler of this audience is called with
``(tx, ctx, call)`` as all others are. Its context stands outside every account, and ``ctx.actor`` is the
publisher's application (``publisher_of``); for effects on what was bought, ``identity.service.in_account``
gives the context within the account of the purchase.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from comptoir.api.call import Call, Handler, Parameters
from comptoir.api.services import Services
from comptoir.api.trace import DEFAULT_LOCALE, Trace
from comptoir.core.context import Actor, Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import Ids
from comptoir.db import Tx
from comptoir.fulfillment import service_purchases as purchases
from comptoir.identity import rules as identity_rules
from comptoir.identity import service as identity
from comptoir.identity.model import Principal
from comptoir.settings import Settings
from comptoir.wire.publisher import PublisherApi

API_VERSION = "2018-08-31"
REQUEST_ID = "x-ms-requestid"
CORRELATION_ID = "x-ms-correlationid"
ACTIVITY_ID = "x-ms-activityid"
DEV_APPLICATION = "dev_publisher_query"
"""Who the journal names for calls without a token."""

_ECHOABLE = re.compile(r"[\x20-\x7e]{1,256}")


@dataclass(frozen=True, slots=True)
class PublisherTrace(Trace):
    """The ids of a publisher's call, in its own header names. No answer is stored under them."""

    activity_id: str = ""

    def headers(self, server_id: str) -> dict[str, str]:
        return {
            REQUEST_ID: self.request_id,
            CORRELATION_ID: self.correlation_id,
            ACTIVITY_ID: self.activity_id,
        }


def owns(path: str) -> bool:
    """Whether a path is one of the publishers' APIs, be it known or not."""
    return next((segment for segment in path.split("/") if segment), "").lower() == "api"


def trace_of(headers: Parameters, ids: Ids) -> PublisherTrace:
    """Take over the ids that the publisher sent; where it sent neither, both are the same new one."""
    drawn = ids.guid()
    return PublisherTrace(
        request_id=_echoable(headers.get(REQUEST_ID)) or drawn,
        is_repeatable=False,
        correlation_id=_echoable(headers.get(CORRELATION_ID)) or drawn,
        vector="",
        locale=DEFAULT_LOCALE,
        client="",
        activity_id=ids.guid(),
    )


def names_itself(settings: Settings, headers: Parameters, query: Mapping[str, str]) -> bool:
    """Whether a publisher in development says who it is instead of showing a token (section 2.1)."""
    has_token = headers.get("Authorization") is not None
    return settings.dev_publisher_query and not has_token and Parameters(query).get("publisherId") is not None


async def identify(tx: Tx, bearer: Principal | None, query: Parameters) -> Actor:
    """The publisher's application that calls; without a ``bearer``, the publisher that names itself."""
    if bearer is not None:
        publisher_id = await identity.load_publisher(tx, bearer)
        actor = identity_rules.actor_of(bearer)
        return Actor(actor.application_id, publisher_id=publisher_id)
    publisher_id = query.get("publisherId") or ""
    if not publisher_id.isprintable() or not await identity.has_publisher(tx, publisher_id):
        raise Refusal(Code.TOKEN_INVALID, reason="the publisher is not known.")
    return Actor(DEV_APPLICATION, publisher_id=publisher_id)


def require_version(query: Parameters) -> None:
    """Refuse a call that does not ask for the version of the API that there is (section 1.2)."""
    asked = query.get("api-version")
    if asked is None:
        raise Refusal(Code.API_VERSION_MISSING, version=API_VERSION)
    if asked != API_VERSION:
        raise Refusal(Code.API_VERSION_UNKNOWN, asked=asked[:100], version=API_VERSION)


def publisher_of(ctx: Context) -> str:
    """The id of the publisher that calls."""
    assert ctx.actor.publisher_id is not None, "publishers' operations are reached through this edge alone"
    return ctx.actor.publisher_id


async def require_own(tx: Tx, ctx: Context, call: Call) -> None:
    """Refuse a call on somebody else's purchase, before it is told what else is wrong with the call."""
    if "subscription_id" in call.path:
        await purchases.require(tx, ctx, publisher_of(ctx), call.path["subscription_id"])


async def live(services: Services, call: Call) -> PublisherApi:
    """``GET /api``"""
    return PublisherApi(status="ok")


def _echoable(value: str | None) -> str | None:
    return value if value is not None and _ECHOABLE.fullmatch(value) else None


HANDLERS: Mapping[str, Handler] = {"publisher.live": live}
