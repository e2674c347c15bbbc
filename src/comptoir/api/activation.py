"""The address behind an activation link that leads on (``40-publisher-fulfillment-metering`` section 7.1).

The purchase token is made when the link is opened: a link in a mail lives as long as the subscription.
"""

import json
from collections.abc import Mapping
from functools import partial

from comptoir.api.call import Answer, Call, Handler
from comptoir.api.services import Services
from comptoir.core.context import Actor, Context
from comptoir.core.errors import Code, Refusal
from comptoir.db import Tx
from comptoir.identity import service as identity
from comptoir.identity import tokens
from comptoir.subscriptions import service as subscriptions

BROWSER = Actor(application_id="browser")
"""Whoever opens a link: the partner, the customer, without any credentials of ours."""


async def lead_on(services: Services, call: Call) -> Answer:
    """``GET /marketplace/activate/{token}``"""
    payload = tokens.open_opaque(services.secrets, subscriptions.ACTIVATION, call.path["token"])
    if payload is None:
        raise Refusal(Code.NOT_FOUND)
    uri = await services.database.read(partial(_landing_link, services, json.loads(payload)))
    if uri is None:
        raise Refusal(Code.NOT_FOUND)
    headers = {"Location": uri, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Answer(status=302, headers=headers)


async def _landing_link(services: Services, purchase: Mapping[str, str], tx: Tx) -> str | None:
    ctx = await _context(services, tx, purchase["account"])
    subscription = await subscriptions.get(tx, ctx, purchase["customer"], purchase["subscription"])
    return await subscriptions.landing_link(tx, ctx, subscription)


async def _context(services: Services, tx: Tx, account_id: str) -> Context:
    account = (await identity.load_account(tx, account_id)).account
    wall = services.wall()
    return Context(
        account=account,
        actor=BROWSER,
        now=account.clock.time_at(wall),
        wall=wall,
        ids=services.ids,
        correlation_id=services.ids.guid(),
        request_id=services.ids.guid(),
        sign=partial(tokens.sign_opaque, services.secrets),
        unsign=partial(tokens.open_opaque, services.secrets),
        public_base_url=services.settings.public_base_url,
    )


HANDLERS: Mapping[str, Handler] = {"marketplace.activate": lead_on}
