"""Customers for tests, complete but for what a test says about them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from comptoir.core.accounts import Account, AccountKind, AccountSettings, Profile
from comptoir.core.context import Actor, Context
from comptoir.core.ids import Ids
from comptoir.customers import rules
from comptoir.customers.model import Address, BillingProfileDraft, Customer, CustomerDraft

NOW = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
ACCOUNT_ID = "0b7d2f10-4c1e-4a55-9d0a-7a2f3c9e1b01"
CUSTOMER_ID = "5e0c7f2a-91d4-4b6b-8f0e-2c7d1a3b9e44"

ADDRESSES = {
    "US": Address(
        country="US", state="WA", city="Tacoma", address_line1="1200 Dock Street", postal_code="98402"
    ),
    "FR": Address(country="FR", city="Lyon", address_line1="14 rue des Fours", postal_code="69002"),
    "JP": Address(
        country="JP", state="兵庫県", city="神戸市", address_line1="加納町四丁目", postal_code="650-0001"
    ),
    "RU": Address(
        country="RU",
        city="Москва",
        address_line1="Липовая 4",
        postal_code="101000",
        phone_number="+7 495 0000000",
    ),
}


def billing(country: str = "FR", **changes: Any) -> BillingProfileDraft:
    """A billing profile that lacks nothing."""
    base = BillingProfileDraft(
        email="achats@rive-gauche.example",
        culture="fr-FR",
        language="fr",
        company_name="Rive Gauche Électricité",
        default_address=ADDRESSES[country],
        first_name="Aimée",
        last_name="Lenoir",
    )
    return replace(base, **changes)


def draft(country: str = "FR", **changes: Any) -> CustomerDraft:
    """A customer that can be created."""
    return replace(CustomerDraft(domain="rive-gauche.example", billing=billing(country)), **changes)


def customer(country: str = "FR", **changes: Any) -> Customer:
    """A customer as stored."""
    made = rules.created(
        draft(country),
        customer_id=CUSTOMER_ID,
        commerce_id="c1c1c1c1-0000-4000-8000-000000000001",
        billing_id="b1b1b1b1-0000-4000-8000-000000000002",
        account_id=ACCOUNT_ID,
        now=NOW,
    )
    return replace(made, **changes)


def context(settings: AccountSettings | None = None, account_id: str = ACCOUNT_ID) -> Context:
    """A call by the application of a partner; tokens are readable text."""
    account = Account(
        id=account_id,
        name="test",
        kind=AccountKind.PRODUCTION,
        profile=Profile.RELAXED,
        domain="partner.example",
        company_name="Partner",
        country="FR",
        currency="EUR",
        mpn_id="1000001",
        is_indirect_provider=True,
        settings=settings or AccountSettings(),
    )
    return Context(
        account=account,
        actor=Actor(application_id="a0a0a0a0-0000-4000-8000-000000000003"),
        now=NOW,
        wall=NOW,
        ids=Ids(1),
        correlation_id="e0e0e0e0-0000-4000-8000-000000000004",
        request_id="e0e0e0e0-0000-4000-8000-000000000005",
        sign=lambda purpose, payload: f"{purpose}:{payload.decode()}",
        unsign=lambda purpose, token: (
            token.removeprefix(f"{purpose}:").encode() if token.startswith(f"{purpose}:") else None
        ),
    )
