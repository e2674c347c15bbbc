"""What a publisher reads back: the accepted events of a day in one sum (section 6.5 of ``40``)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from comptoir.catalog.model import DEFAULT_LOCALE, Plan
from comptoir.usage.model import DailyKey, DailyUsage, ReconStatus, Reported, UsageQuery

NOTHING = Decimal(0)


@dataclass(slots=True)
class Sum:
    """The events of one key so far."""

    count: int = 0
    rated_count: int = 0
    quantity: Decimal = NOTHING
    priced: Decimal = NOTHING

    def add(self, event: Reported) -> None:
        self.count += 1
        self.rated_count += event.is_rated
        self.quantity += event.quantity
        if event.is_priced:
            self.priced += event.quantity


def sums(events: Iterable[Reported]) -> dict[DailyKey, Sum]:
    """One sum for each day, resource, dimension and plan."""
    found: dict[DailyKey, Sum] = {}
    for event in events:
        found.setdefault(event.key, Sum()).add(event)
    return found


def report(
    found: Mapping[DailyKey, Sum], plans: Mapping[tuple[str, str], Plan], billed_accounts: frozenset[str]
) -> list[DailyUsage]:
    """The sums with their names and states, the newest day first.

    ``plans`` are by product and SKU. Usage of an account that is not among ``billed_accounts`` leads to
    nothing that is paid, so it stays submitted (section 7.4). Names are known once a sum is rated, as in the
    real service's answers.
    """
    usages = [
        _daily(key, one, plans[key.product_id, key.sku_id], is_billed=key.account_id in billed_accounts)
        for key, one in found.items()
    ]
    usages.sort(key=lambda usage: usage.key[2:])
    usages.sort(key=lambda usage: usage.key.day, reverse=True)
    return usages


def matches(usage: DailyUsage, query: UsageQuery) -> bool:
    """Whether a sum is of the offer and in the state that the publisher asks for."""
    is_offer = query.offer_id is None or usage.offer_id == query.offer_id
    return is_offer and query.recon_status in {None, usage.recon_status}


def _daily(key: DailyKey, one: Sum, plan: Plan, *, is_billed: bool) -> DailyUsage:
    status = _status(one, is_billed=is_billed)
    is_named = status is not ReconStatus.SUBMITTED
    details = plan.product.details
    return DailyUsage(
        key=key,
        count=one.count,
        quantity=one.quantity,
        priced=one.priced if is_named else NOTHING,
        recon_status=status,
        offer_id=plan.product.offer_id,
        offer_name=details.title[DEFAULT_LOCALE] if is_named else "",
        plan_name=plan.sku.details.title[DEFAULT_LOCALE] if is_named else "",
    )


def _status(one: Sum, *, is_billed: bool) -> ReconStatus:
    """Accepted once every event is rated; rejected if none could be priced."""
    if one.rated_count < one.count or not is_billed:
        return ReconStatus.SUBMITTED
    if one.priced == one.quantity:
        return ReconStatus.ACCEPTED
    return ReconStatus.MISMATCH if one.priced else ReconStatus.REJECTED
