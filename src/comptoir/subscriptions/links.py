"""Where a customer's browser goes to set a subscription up (``10-catalog-cart-orders`` section 5)."""

import json
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from comptoir.core.instants import to_micros

PLACEHOLDER_PATH = "/sandbox/activation-placeholder"


@dataclass(frozen=True, slots=True)
class PurchaseToken:
    """What a publisher gets on its landing page and gives back to learn what was bought.

    ``id`` makes each token a new one. ``expires_at`` is wall-clock time and exclusive.
    """

    id: str
    account_id: str
    customer_id: str
    subscription_id: str
    publisher_id: str
    expires_at: datetime

    def encode(self) -> bytes:
        """The JSON that is signed; instants as microseconds since 1970."""
        facts = {
            "id": self.id,
            "account": self.account_id,
            "customer": self.customer_id,
            "subscription": self.subscription_id,
            "publisher": self.publisher_id,
            "expires": to_micros(self.expires_at),
        }
        return json.dumps(facts, separators=(",", ":")).encode()


def placeholder(public_base_url: str, alternate_id: str, line_number: int) -> str:
    """The dummy link of accounts without publishers: a page of ours that can complete nothing."""
    query = urlencode({"order": alternate_id, "line": line_number})
    return f"{public_base_url.rstrip('/')}{PLACEHOLDER_PATH}?{query}"


def landing_page(landing_page_url: str, token: str) -> str:
    """The publisher's page with the purchase token, percent-encoded, as one more query parameter."""
    separator = "&" if "?" in landing_page_url else "?"
    return f"{landing_page_url}{separator}token={quote(token, safe='')}"
