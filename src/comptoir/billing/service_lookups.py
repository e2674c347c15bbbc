"""What lines are priced with and say, looked up once for all that one transaction writes.

A sweep renews hundreds of subscriptions that were bought of few plans, at the same rates.
"""

from dataclasses import dataclass, field
from datetime import datetime

from comptoir.billing import service_reference
from comptoir.billing.model import PrivateOffer, Rates
from comptoir.catalog.model import Offer
from comptoir.core.context import Context
from comptoir.db import Tx
from comptoir.subscriptions import service as subscriptions
from comptoir.subscriptions.model import Subscription


@dataclass(frozen=True, slots=True)
class Lookups:
    """Catalogue and reference tables as one transaction sees them, which does not change them itself."""

    tx: Tx
    known_offers: dict[str, Offer | None] = field(default_factory=dict)
    known_rates: dict[tuple[str, str, str, datetime], Rates] = field(default_factory=dict)
    known_private_offers: dict[tuple[str, str, str, datetime], PrivateOffer | None] = field(
        default_factory=dict
    )

    async def offer_of(self, subscription: Subscription) -> Offer | None:
        """What was bought; ``None`` for an item that the catalogue has lost."""
        item = subscription.catalog_item_id
        if item not in self.known_offers:
            self.known_offers[item] = await subscriptions.offer_of(self.tx, subscription)
        return self.known_offers[item]

    async def rates(self, ctx: Context, currency: str, pricing_currency: str, at: datetime) -> Rates:
        """What a charge of the account is converted and taxed with. Raises ``EXCHANGE_RATE_MISSING``."""
        key = (ctx.account.id, currency, pricing_currency, at)
        if key not in self.known_rates:
            self.known_rates[key] = await service_reference.pricing_for(self.tx, ctx, *key[1:])
        return self.known_rates[key]

    async def private_offer(
        self, ctx: Context, product_id: str, sku_id: str, at: datetime
    ) -> PrivateOffer | None:
        """The better terms that the account has for a plan at an instant, if any."""
        key = (ctx.account.id, product_id, sku_id, at)
        if key not in self.known_private_offers:
            self.known_private_offers[key] = await service_reference.private_offer(self.tx, *key)
        return self.known_private_offers[key]
