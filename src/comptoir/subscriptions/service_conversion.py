"""Use cases of the early end of a trial (``20-subscriptions-customers`` section 3.9)."""

from comptoir.audit.model import Action
from comptoir.catalog.model import Term
from comptoir.core.context import Context
from comptoir.db import Tx
from comptoir.subscriptions import renewal, rules, service
from comptoir.subscriptions.model import Conversion, ConversionRequest, Subscription


async def offered(tx: Tx, subscription: Subscription) -> Conversion | None:
    """How a trial can be ended early; ``None`` for what is no running trial, or has nothing to become."""
    return renewal.conversion_of(subscription, await _renewal(tx, subscription))


async def convert(tx: Tx, ctx: Context, subscription: Subscription, request: ConversionRequest) -> bool:
    """Start the paid term of a trial now. ``False``, and nothing done, where that is not what is offered.

    The caller holds the customer's lock.
    """
    service.require_settled(ctx, subscription)
    term = await _renewal(tx, subscription)
    conversion = renewal.conversion_of(subscription, term)
    if term is None or conversion is None or not renewal.fits(request, conversion):
        return False
    converted = rules.converted(subscription, term, ctx.account.settings, ctx.now)
    await service.save_change(tx, ctx, Action.CONVERT_TRIAL_SUBSCRIPTION, subscription, converted)
    return True


async def _renewal(tx: Tx, subscription: Subscription) -> Term | None:
    return await service.renewal_of(tx, subscription) if subscription.is_trial else None
