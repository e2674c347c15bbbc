"""Where a customer's browser goes to set a subscription up (``10-catalog-cart-orders`` section 5)."""

import json
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from comptoir.core.instants import from_micros, to_micros
from comptoir.subscriptions.model import Subscription

REDIRECT_PATH = "/marketplace/activate"
_TO_BASE64 = str.maketrans("-_", "+/")
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

    @classmethod
    def decode(cls, payload: bytes) -> "PurchaseToken":
        """The inverse of ``encode``."""
        facts = json.loads(payload)
        return cls(
            id=facts["id"],
            account_id=facts["account"],
            customer_id=facts["customer"],
            subscription_id=facts["subscription"],
            publisher_id=facts["publisher"],
            expires_at=from_micros(facts["expires"]),
        )


def placeholder(public_base_url: str, alternate_id: str, line_number: int) -> str:
    """The dummy link of accounts without publishers: a page of ours that can complete nothing."""
    query = urlencode({"order": alternate_id, "line": line_number})
    return f"{public_base_url.rstrip('/')}{PLACEHOLDER_PATH}?{query}"


def purchase_payload(account_id: str, subscription: Subscription) -> bytes:
    """What the end of a link that leads on stands for: the subscription, for ever."""
    facts = {"account": account_id, "customer": subscription.customer_id, "subscription": subscription.id}
    return json.dumps(facts, separators=(",", ":")).encode()


def redirect(public_base_url: str, opaque: str) -> str:
    """A link to ourselves that leads on to the publisher when it is opened."""
    return f"{public_base_url.rstrip('/')}{REDIRECT_PATH}/{opaque}"


def in_base64(token: str) -> str:
    """A token in the alphabet of the real ones, with its padding."""
    return token.translate(_TO_BASE64) + "=" * (-len(token) % 4)


def landing_page(landing_page_url: str, token: str) -> str:
    """The publisher's page with the purchase token, percent-encoded, as one more query parameter."""
    separator = "&" if "?" in landing_page_url else "?"
    return f"{landing_page_url}{separator}token={quote(token, safe='')}"
