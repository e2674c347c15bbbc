"""Offers, subscriptions and callers for tests, complete but for what a test says about them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from comptoir.catalog.model import BillingCycle, Offer, Segment, Term
from comptoir.core.accounts import Account, AccountKind, AccountSettings, Profile
from comptoir.core.context import Actor, Context
from comptoir.core.ids import Ids
from comptoir.core.money import Rate
from comptoir.core.terms import Duration
from comptoir.customers.model import Address, BillingProfile, Customer
from comptoir.identity import tokens
from comptoir.identity.model import Secrets
from comptoir.subscriptions import rules
from comptoir.subscriptions.model import Status, StatusReason, Subscription, SubscriptionDraft

ORDERED_AT = datetime(2026, 3, 2, 8, 15, 0, 441200, tzinfo=UTC)
CUSTOMER_ID = "5e0c7f2a-91d4-4b6b-8f0e-2c7d1a3b9e44"
SUBSCRIPTION_ID = "91bf2c60-7d15-4e0a-b3c8-6a4f0e8d2175"
ORDER_ID = "Qm3xT8vKzL5nWpR2sYd7HcJb1GfA0eUk1"


def term(
    duration: str = "P1M",
    cycle: BillingCycle = BillingCycle.MONTHLY,
    price: str = "12.50",
    currency: str = "EUR",
) -> Term:
    return Term(
        id="k3v9q0a1b2c3",
        duration=Duration.parse(duration),
        billing_cycle=cycle,
        price=Rate(Decimal(price), currency),
        description="A term",
        renewal_options=(Duration.parse(duration),),
    )


def offer(terms: Sequence[Term] = (), **changes: Any) -> Offer:
    base = Offer(
        product_id="CTR000000K7F",
        sku_id="0002",
        availability_id="CTR00000M1PQ",
        publisher_id="tideline",
        publisher_name="Tideline SAS",
        product_title="Tideline Backup",
        sku_title="Tideline Backup - Team",
        country="FR",
        segment=Segment.COMMERCIAL,
        currency="EUR",
        minimum_quantity=1,
        maximum_quantity=100,
        is_trial=False,
        is_add_on=False,
        parent_skus=(),
        is_per_seat=True,
        unit_type="License(s)",
        terms=tuple(terms) or (term(),),
        supported_billing_cycles=(BillingCycle.MONTHLY,),
        replaced_at=None,
        is_stop_sold=False,
        exclusive_to=None,
        ownership_limit=None,
        stock_limit=None,
        stock_taken=0,
        requires_attestation=False,
        minimum_parent_quantity=None,
        landing_page_url="https://tideline.example/signup",
        renews_to_sku=None,
        metered_only=False,
    )
    return replace(base, **changes)


def draft(**changes: Any) -> SubscriptionDraft:
    base = SubscriptionDraft(
        order_id=ORDER_ID,
        line_number=0,
        offer=offer(),
        term=term(),
        quantity=12,
        friendly_name="Backup for the Lyon office",
    )
    return replace(base, **changes)


def pending(**changes: Any) -> Subscription:
    """A subscription that waits for its set-up."""
    return replace(rules.created(draft(), SUBSCRIPTION_ID, CUSTOMER_ID, ORDERED_AT), **changes)


def in_status(status: Status) -> Subscription:
    """A subscription that somehow came into a status."""
    is_ended = status in {Status.DELETED, Status.EXPIRED}
    return pending(
        status=status,
        ended_at=ORDERED_AT if is_ended else None,
        status_reason=StatusReason.EXPIRATION if status is Status.EXPIRED else None,
    )


def context(settings: AccountSettings | None = None, **changes: Any) -> Context:
    """A call of a partner in France, at the time of the order."""
    secrets = Secrets(signing_keys=(), hmac_key=b"k" * 32, server_id="040021907")
    account = Account(
        id="7c1f0a52-3d0e-4f7b-9a86-1f2e3d4c5b6a",
        name="sandbox",
        kind=AccountKind.SANDBOX,
        profile=Profile.RELAXED,
        domain="partner.example",
        company_name="Partner",
        country="FR",
        currency="EUR",
        mpn_id="4000001",
        settings=settings or AccountSettings(),
    )
    base = Context(
        account=account,
        actor=Actor(application_id="0f6d2b1c-8a57-4e3b-9c1d-5a4b3c2d1e0f"),
        now=ORDERED_AT,
        wall=ORDERED_AT,
        ids=Ids(seed=7),
        correlation_id="c",
        request_id="r",
        sign=partial(tokens.sign_opaque, secrets),
        unsign=partial(tokens.open_opaque, secrets),
        public_base_url="https://market.example",
    )
    return replace(base, **changes)


def customer(**changes: Any) -> Customer:
    """A customer in France."""
    billing = BillingProfile(
        id="b",
        email="office@lyon.example",
        culture="fr-FR",
        language="fr",
        company_name="Lyon Office",
        default_address=Address(country="FR"),
    )
    base = Customer(
        id=CUSTOMER_ID,
        account_id=context().account.id,
        commerce_id="e",
        domain="lyon.example",
        billing=billing,
        billing_version=1,
        created_at=ORDERED_AT,
    )
    return replace(base, **changes)
