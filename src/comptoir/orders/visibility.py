"""What a caller sees of orders, and when."""

import re
from datetime import datetime, timedelta

from comptoir.core.accounts import AccountSettings
from comptoir.core.context import Actor, Role

ROLES_WITHOUT_PRICES = frozenset({Role.HELPDESK_AGENTS})

_ORDER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_ALTERNATE_ID = re.compile(r"[0-9a-f]{12}", re.ASCII)


def may_see_prices(actor: Actor) -> bool:
    """Applications may; a user may with any role beyond those that only help customers."""
    return not actor.roles or bool(actor.roles - ROLES_WITHOUT_PRICES)


def listed_until(now: datetime, settings: AccountSettings) -> datetime:
    """Lists hide younger orders: one created at this very instant shows (section 4.2)."""
    return now - timedelta(seconds=settings.order_list_delay_seconds)


def is_order_id(text: str) -> bool:
    """Whether a text can be an order id at all. Ids match case-sensitively."""
    return _ORDER_ID.fullmatch(text) is not None


def is_alternate_id(text: str) -> bool:
    """Whether a text is a friendly id; no order id has that form."""
    return _ALTERNATE_ID.fullmatch(text) is not None
