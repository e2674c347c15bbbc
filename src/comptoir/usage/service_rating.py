"""What billing asks of metered usage: the events that are not billed yet, and when to look for them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from comptoir.clock import service as clock
from comptoir.core.context import Context
from comptoir.db import Tx
from comptoir.usage import store
from comptoir.usage.model import Event, Slot, Unrated

RATE_USAGE = "rate_usage"
"""The due work that makes consumption lines of an account's events; its subject is the account."""


async def unrated(tx: Tx, ctx: Context, count: int) -> Unrated:
    """At most ``count`` events of the account that were received up to now and are not rated yet."""
    events = await store.list_unrated(tx, ctx.account.id, ctx.now, count + 1)
    return Unrated(tuple(events[:count]), has_more=len(events) > count)


async def rate(tx: Tx, ctx: Context, events: Sequence[Event], line_id: str | None) -> None:
    """Note that a consumption line bills these events; ``None``: they have no price and are rejected."""
    await store.rate(tx, events, line_id, ctx.now)


async def events_of_line(tx: Tx, account_id: str, customer_id: str, day: Slot, line_id: str) -> list[Event]:
    """The events that a consumption line bills, in their order.

    ``day`` is the line's subscription and dimension, and 00:00 UTC of its day.
    """
    return await store.list_billed(tx, account_id, customer_id, day, line_id)


async def first_unrated_at(tx: Tx, account_id: str) -> datetime | None:
    """When the oldest event of an account was received that is not rated; ``None`` if all are."""
    return await store.first_unrated_at(tx, account_id)


async def schedule(tx: Tx, ctx: Context, received_at: datetime) -> None:
    """Have events of the account that were received at an instant rated when their time has come."""
    due_at = received_at + timedelta(seconds=ctx.account.settings.usage_rating_delay_seconds)
    account_id = ctx.account.id
    await clock.schedule_by(tx, account_id=account_id, kind=RATE_USAGE, subject_id=account_id, due_at=due_at)
