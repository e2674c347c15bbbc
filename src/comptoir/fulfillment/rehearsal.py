"""What an operator does in place of a partner, so that a publisher's developers can try their site. Pure.

Source: ``40-publisher-fulfillment-metering`` section 12, whose emulator has buttons for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from comptoir.catalog.model import Availability, BillingCycle, Plan, Term
from comptoir.core.accounts import Account
from comptoir.core.terms import Duration
from comptoir.fulfillment.model import Operation
from comptoir.subscriptions.model import Subscription

CUSTOMERS_MAX = 100
"""Customers that are looked at for one that can buy."""


@dataclass(frozen=True, slots=True)
class PlanWanted:
    """A plan by the ids of the catalogue (``product_id`` and ``sku_id``) or by its publisher's own."""

    product_id: str = ""
    sku_id: str = ""
    publisher_id: str = ""
    offer_id: str = ""
    plan_id: str = ""
    is_trial: bool = False

    def __str__(self) -> str:
        if self.product_id:
            return f"{self.product_id}:{self.sku_id}"
        trial = " (trial)" if self.is_trial else ""
        return f"{self.publisher_id}/{self.offer_id}/{self.plan_id}{trial}"


@dataclass(frozen=True, slots=True)
class PurchaseWanted:
    """A purchase to be made; ``None`` leaves the choice to what there is.

    Without a ``customer_id`` the first customer buys who can.
    """

    account_name: str
    plan: PlanWanted
    customer_id: str | None = None
    quantity: int | None = None
    term: Duration | None = None
    billing_cycle: BillingCycle | None = None
    friendly_name: str | None = None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A subscription after what the operator did, with its account and its plan in the publisher's words.

    ``operation`` is what waits for the publisher, or was done at once because nobody is asked; ``None`` for
    what a publisher is only told of. ``link`` is where the purchase can be set up.
    """

    account: Account
    subscription: Subscription
    plan: Plan
    operation: Operation | None = None
    link: str | None = None


def plan_among(plans: Sequence[Plan], wanted: PlanWanted) -> Plan | None:
    """The plan that is wanted, of those of its product."""
    if wanted.product_id:
        return next((each for each in plans if each.sku.id == wanted.sku_id.upper()), None)
    key = (wanted.plan_id.lower(), wanted.is_trial)
    return next((each for each in plans if (each.sku.plan_id, each.sku.is_trial) == key), None)


def term_among(availability: Availability, wanted: PurchaseWanted) -> Term | None:
    """The first term that is as long as wanted and paid as often; ``None`` if there is none."""
    return next(
        (
            term
            for term in availability.terms
            if wanted.term in {None, term.duration} and wanted.billing_cycle in {None, term.billing_cycle}
        ),
        None,
    )


def quantity_of(plan: Plan, wanted: PurchaseWanted) -> int:
    """How many seats to buy: as few as the plan has, unless told."""
    return plan.sku.details.minimum_quantity if wanted.quantity is None else wanted.quantity
