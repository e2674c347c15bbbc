"""What judging a request needs to know, loaded beforehand, and what it finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from comptoir.catalog.model import BillingCycle, Offer, Segment
from comptoir.core.accounts import Account
from comptoir.customers.model import Reseller
from comptoir.orders.model import JudgedLine, Problem
from comptoir.subscriptions.model import Subscription


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything outside the request that decides about its lines.

    ``offers`` are keyed by the catalogue item id as the request spells it, ``resellers`` by MPN id; what is
    unknown is absent. ``open_subscriptions`` are the customer's, neither deleted nor expired, oldest first.
    """

    account: Account
    country: str
    segments: frozenset[Segment]
    now: datetime
    offers: Mapping[str, Offer]
    open_subscriptions: Sequence[Subscription] = ()
    resellers: Mapping[str, Reseller] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a line, with a sentence for the caller."""

    problem: Problem
    detail: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Base:
    """What an add-on extends: a line of the same request (``line``) or a subscription that exists.

    ``sku_key``, ``quantity``, ``billing_cycle`` and ``currency`` are ``None`` where the base line itself
    could not be resolved; its own problem is enough then.
    """

    sku_key: str | None
    quantity: int | None
    billing_cycle: BillingCycle | None
    currency: str | None
    line: int | None = None
    subscription_id: str | None = None


def refused(line: JudgedLine, finding: Finding) -> JudgedLine:
    """The line with what is wrong with it."""
    return replace(line, problem=finding.problem, detail=finding.detail, facts=finding.facts)
