"""What sends webhooks: who hears of their outcome, what they are signed with, and where they may go."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from comptoir.bootstrap.opening import CannotOpen
from comptoir.db import Database, Tx
from comptoir.delivery import service as delivery
from comptoir.delivery.model import Delivery, Message, Policy, Reply, Target
from comptoir.delivery.networks import Allowed, NotAnAddress, parse_allowed
from comptoir.delivery.service import Begun, Ended, Headers, Kind, MakeContext, Tick
from comptoir.delivery.service_engine import Engine, Send
from comptoir.fulfillment import service as fulfillment
from comptoir.identity import tokens
from comptoir.identity.model import Secrets
from comptoir.settings import Settings

TICKS: Sequence[Tick] = (fulfillment.close_lapsed,)
"""Timers by the wall clock."""


def kinds(secrets: Secrets, base_url: str) -> Mapping[str, Kind]:
    """Who hears of the outcome of which deliveries."""
    operations = publisher_kind(secrets, base_url, ended=fulfillment.on_ended, begun=fulfillment.on_begun)
    return {fulfillment.KIND: operations}


def publisher_kind(secrets: Secrets, base_url: str, *, ended: Ended, begun: Begun | None = None) -> Kind:
    """Deliveries to the webhook of a product's publisher, with the token that the publisher checks."""
    return Kind(_publisher_target, partial(publisher_headers, secrets, base_url), ended, begun)


async def _publisher_target(tx: Tx, wanted: Delivery) -> Target | None:
    return await delivery.publisher_target(tx, wanted.product_id)


def publisher_headers(secrets: Secrets, base_url: str, target: Target, wall: datetime) -> Headers:
    """The token that says who calls, a new one for each attempt.

    Source: ``40-publisher-fulfillment-metering`` section 2.2.
    """
    claims = tokens.webhook_claims(
        tenant_id=target.tenant_id, application_id=target.application_id, base_url=base_url, wall=wall
    )
    return (("Authorization", f"Bearer {tokens.sign(secrets, claims)}"),)


def make_engine(
    database: Database,
    secrets: Secrets,
    settings: Settings,
    *,
    wall: Callable[[], datetime],
    make_context: MakeContext,
    owner: str,
    alarm: asyncio.Event | None = None,
    send: Send | None = None,
) -> Engine:
    """What sends webhooks under these settings. Raises ``CannotOpen`` for settings that cannot be used."""
    policy = Policy(
        timeout=timedelta(milliseconds=settings.webhook_timeout_ms),
        retries=settings.webhook_retries,
        gap=timedelta(milliseconds=settings.webhook_retry_gap_ms),
        places=settings.webhook_places,
        places_per_host=settings.webhook_places_per_host,
    )
    return Engine(
        database=database,
        kinds=kinds(secrets, settings.public_base_url),
        ticks=TICKS,
        wall=wall,
        make_context=make_context,
        send=send or _sender(settings, policy),
        policy=policy,
        owner=owner,
        alarm=alarm or asyncio.Event(),
    )


def _sender(settings: Settings, policy: Policy) -> Send:
    """Sends over the network. Its libraries are loaded for the first message: many servers send none."""
    allowed = _allowed(settings)
    made: list[Send] = []

    def make() -> Send:
        from comptoir.delivery.service_sending import Sender, trust

        return Sender(policy.timeout, allowed, trust(settings.webhook_ca_file))

    async def send(message: Message) -> Reply:
        if not made:
            made.append(await asyncio.to_thread(make))
        return await made[0](message)

    return send


def _allowed(settings: Settings) -> Allowed:
    if settings.webhook_ca_file and not Path(settings.webhook_ca_file).is_file():
        raise CannotOpen(f"webhook_ca_file: there is no file {settings.webhook_ca_file}")
    try:
        return parse_allowed(settings.webhook_private_networks)
    except NotAnAddress as error:
        raise CannotOpen(f"webhook_private_networks: {error}") from error
