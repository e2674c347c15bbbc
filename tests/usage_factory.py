"""Subscriptions, plans and events of metered usage for tests of the rules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from comptoir.catalog.model import BillingCycle, MeteredPlan, Term
from comptoir.core.money import Rate
from comptoir.core.terms import Duration
from comptoir.subscriptions.model import MeteredSubscription, Status
from comptoir.usage.model import Event, PastPlan, Report, Resource, Sent, Slot

NOW = datetime(2026, 3, 4, 9, 5, 12, 118442, tzinfo=UTC)
STARTED_AT = NOW - timedelta(days=10)
ACCOUNT_ID = "7c1f0a52-3d0e-4f7b-9a86-1f2e3d4c5b6a"
CUSTOMER_ID = "5e0c7f2a-91d4-4b6b-8f0e-2c7d1a3b9e44"
SUBSCRIPTION_ID = "91bf2c60-7d15-4e0a-b3c8-6a4f0e8d2175"
PRODUCT_ID = "CTR000000K7F"
PUBLISHER_ID = "meterworks"
MONTH = Duration(months=1)


def plan(plan_id: str = "basic", sku_id: str = "0001", **changes: Any) -> MeteredPlan:
    """A plan that counts e-mails and, included without limit, calls."""
    term = Term(
        id="t",
        duration=MONTH,
        billing_cycle=BillingCycle.MONTHLY,
        price=Rate(Decimal(5), "USD"),
        description="A month",
        included={"email100": 100, "calls": None},
    )
    base = MeteredPlan(PRODUCT_ID, sku_id, plan_id, frozenset({"email100", "calls", "text"}), (term,))
    return replace(base, **changes)


def subscription(**changes: Any) -> MeteredSubscription:
    base = MeteredSubscription(
        account_id=ACCOUNT_ID,
        customer_id=CUSTOMER_ID,
        id=SUBSCRIPTION_ID,
        publisher_id=PUBLISHER_ID,
        product_id=PRODUCT_ID,
        sku_id="0001",
        availability_id="A1",
        status=Status.ACTIVE,
        billing_cycle=BillingCycle.MONTHLY,
        term=MONTH,
        started_at=STARTED_AT,
        ended_at=None,
        next_due_at=None,
    )
    return base._replace(**changes)


def resource(*past: PastPlan, **changes: Any) -> Resource:
    """An active subscription; ``changes`` are those of the subscription."""
    return Resource(subscription(**changes), plan(), past, NOW)


def sent(**changes: Any) -> Sent:
    base = Sent(
        resource_id=SUBSCRIPTION_ID,
        quantity=Decimal("12.5"),
        dimension="email100",
        effective_start_time="2026-03-04T08:40:00Z",
        plan_id="basic",
    )
    return base._replace(**changes)


def report(**changes: Any) -> Report:
    """A well-formed event of an hour ago."""
    base = Report(
        resource_id=SUBSCRIPTION_ID,
        quantity=Decimal("12.5"),
        dimension_id="email100",
        effective_at=NOW - timedelta(hours=1),
        effective_text="2026-03-04T08:05:12.118442Z",
        plan_id="basic",
    )
    return base._replace(**changes)


def event(**changes: Any) -> Event:
    """An accepted event."""
    at = NOW - timedelta(hours=1)
    base = Event(
        account_id=ACCOUNT_ID,
        customer_id=CUSTOMER_ID,
        slot=Slot(SUBSCRIPTION_ID, "email100", at.replace(minute=0, second=0, microsecond=0)),
        id="0e5b7d1a-2c3f-4a68-9b1e-7d6c5f4a3b21",
        publisher_id=PUBLISHER_ID,
        product_id=PRODUCT_ID,
        sku_id="0001",
        plan_id="basic",
        quantity=Decimal("12.5"),
        effective_at=at,
        effective_text="2026-03-04T08:05:12.118442Z",
        received_at=NOW,
    )
    return base._replace(**changes)


def used_at(at: datetime, **changes: Any) -> Event:
    """An accepted event of an instant."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    slot = Slot(SUBSCRIPTION_ID, changes.pop("dimension_id", "email100"), hour)
    return event(**{"slot": slot, "effective_at": at, "received_at": at, **changes})
