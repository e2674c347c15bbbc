"""What follows a term, the early end of a trial, and support contacts (``20`` sections 3.8 and 3.9)."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.subscription_factory import ORDERED_AT, context, offer, pending, term

from comptoir.catalog.model import BillingCycle
from comptoir.core.accounts import AccountSettings
from comptoir.core.errors import Code, Refusal
from comptoir.core.money import Rate
from comptoir.core.terms import Duration
from comptoir.customers.model import Reseller
from comptoir.subscriptions import dates, renewal, rules, support
from comptoir.subscriptions.model import (
    Action,
    ConversionRequest,
    Status,
    Subscription,
    SupportContact,
)

SETTINGS = AccountSettings()
MONTH, YEAR = Duration.parse("P1M"), Duration.parse("P1Y")
MONTHLY = term("P1M", BillingCycle.MONTHLY, "18")
YEAR_MONTHLY = term("P1Y", BillingCycle.MONTHLY, "15")
YEAR_AT_ONCE = term("P1Y", BillingCycle.ANNUAL, "160")
CONVERTED_AT = ORDERED_AT + timedelta(days=9, hours=3)


def trial(**changes: Any) -> Subscription:
    free = pending(is_trial=True, billing_cycle=BillingCycle.NONE, renews_to=MONTH)
    return replace(rules.activated(free, None, SETTINGS, ORDERED_AT), **changes)


# What follows


@pytest.mark.parametrize(
    ("renews_to", "cycle", "expected"),
    [
        (None, BillingCycle.MONTHLY, MONTHLY),
        (MONTH, BillingCycle.MONTHLY, MONTHLY),
        (YEAR, BillingCycle.MONTHLY, YEAR_MONTHLY),
        (YEAR, BillingCycle.ANNUAL, YEAR_AT_ONCE),
        (YEAR, BillingCycle.NONE, YEAR_MONTHLY),
        (Duration.parse("P3Y"), BillingCycle.MONTHLY, None),
    ],
)
def test_the_term_that_follows(renews_to: Duration | None, cycle: BillingCycle, expected: object) -> None:
    subscription = pending(renews_to=renews_to, billing_cycle=cycle)
    on_sale = offer([MONTHLY, YEAR_MONTHLY, YEAR_AT_ONCE])
    assert renewal.renewal_term(subscription, on_sale) is expected


def test_nothing_follows_what_is_no_longer_sold() -> None:
    assert renewal.renewal_term(pending(), None) is None


# Conversion


def test_a_running_trial_is_offered_its_paid_term() -> None:
    offered = renewal.conversion_of(trial(), YEAR_MONTHLY)
    assert offered is not None
    assert (offered.offer_id, offered.quantity) == ("CTR000000K7F:0002:CTR00000M1PQ", 12)
    assert offered.billing_cycle is BillingCycle.MONTHLY


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ACTIVE])
def test_only_a_running_trial_is_converted(status: Status) -> None:
    has_ended = status in {Status.DELETED, Status.EXPIRED}
    other = trial(status=status, ended_at=CONVERTED_AT if has_ended else None)
    assert renewal.conversion_of(other, MONTHLY) is None
    assert renewal.conversion_of(trial(), None) is None
    assert renewal.conversion_of(trial(is_trial=False), MONTHLY) is None


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (ConversionRequest(), True),
        (ConversionRequest(offer_id="ctr000000k7f:0002:ctr00000m1pq", quantity=12), True),
        (ConversionRequest(billing_cycle=BillingCycle.MONTHLY), True),
        (ConversionRequest(offer_id="CTR000000K7F:0002:CTR00000M1PX"), False),
        (ConversionRequest(target_offer_id="CTR000000K7F:0001:CTR00000M1PQ"), False),
        (ConversionRequest(quantity=13), False),
        (ConversionRequest(billing_cycle=BillingCycle.ANNUAL), False),
    ],
)
def test_only_what_is_offered_is_converted(request_: ConversionRequest, expected: bool) -> None:
    offered = renewal.conversion_of(trial(), MONTHLY)
    assert offered is not None
    assert renewal.fits(request_, offered) is expected


def test_the_paid_term_starts_at_the_conversion() -> None:
    before = trial(auto_renew=False)
    after = rules.converted(
        before, replace(YEAR_MONTHLY, refund_window=Duration.parse("P7D")), SETTINGS, CONVERTED_AT
    )
    assert after == replace(
        before,
        is_trial=False,
        billing_cycle=BillingCycle.MONTHLY,
        term=YEAR,
        renews_to=None,
        unit_price=Rate(Decimal("15"), "EUR"),
        refund_window=Duration.parse("P7D"),
        anchored_at=CONVERTED_AT,
        term_start_at=CONVERTED_AT,
        term_end_at=datetime(2027, 3, 11, tzinfo=ORDERED_AT.tzinfo),
        refund_until=CONVERTED_AT + timedelta(days=7),
        version=before.version + 1,
    )
    assert after.started_at == ORDERED_AT


def test_billing_cycles_are_counted_from_the_conversion() -> None:
    after = rules.converted(trial(), YEAR_MONTHLY, SETTINGS, CONVERTED_AT)
    assert after.anchored_at is not None
    assert after.term_start_at is not None
    assert after.term_end_at is not None
    term = (after.term_start_at, after.term_end_at)
    end = dates.billing_cycle_end(after.anchored_at, *term, after.billing_cycle, CONVERTED_AT)
    assert end == datetime(2026, 4, 11, tzinfo=ORDERED_AT.tzinfo)


def test_what_is_no_trial_is_not_converted() -> None:
    with pytest.raises(AssertionError):
        rules.converted(trial(is_trial=False), MONTHLY, SETTINGS, CONVERTED_AT)
    with pytest.raises(Refusal) as refused:
        rules.converted(trial(status=Status.SUSPENDED), MONTHLY, SETTINGS, CONVERTED_AT)
    assert refused.value.code is Code.TRANSITION_NOT_ALLOWED
    assert Action.CONVERT_TRIAL in {action for _, action in rules.TRANSITIONS}


# Support contacts

ACCOUNT = context().account
OWN = SupportContact(ACCOUNT.id, ACCOUNT.mpn_id, ACCOUNT.company_name)
RESELLER = Reseller("0f0e0d0c-0b0a-4908-8706-050403020100", "Reseller", "4000123", "Active", "FR", True)
GIVEN = SupportContact(RESELLER.id, RESELLER.mpn_id, RESELLER.name)


@pytest.mark.parametrize(
    ("reseller", "tenant_id", "mpn_id", "expected"),
    [
        (RESELLER, "", "4000123", GIVEN),
        (RESELLER, RESELLER.id.upper(), "", GIVEN),
        (RESELLER, RESELLER.id, "4000123", GIVEN),
        (None, ACCOUNT.id, "", OWN),
        (None, "", ACCOUNT.mpn_id, OWN),
        (None, ACCOUNT.id, ACCOUNT.mpn_id, OWN),
    ],
)
def test_who_can_support(
    reseller: Reseller | None, tenant_id: str, mpn_id: str, expected: SupportContact
) -> None:
    chosen = support.chosen_contact(ACCOUNT, reseller, tenant_id=tenant_id, mpn_id=mpn_id, name="")
    assert chosen == expected
    named = support.chosen_contact(ACCOUNT, reseller, tenant_id=tenant_id, mpn_id=mpn_id, name="Help desk")
    assert named == replace(expected, name="Help desk")


@pytest.mark.parametrize(
    ("reseller", "tenant_id", "mpn_id"),
    [
        (None, "", "4000999"),
        (None, "not-a-guid", ""),
        (RESELLER, ACCOUNT.id, "4000123"),
        (RESELLER, RESELLER.id, "4000124"),
        (replace(RESELLER, state="Terminated"), RESELLER.id, ""),
        (replace(RESELLER, state="Terminated"), "", "4000123"),
    ],
)
def test_who_cannot_support(reseller: Reseller | None, tenant_id: str, mpn_id: str) -> None:
    with pytest.raises(Refusal) as refused:
        support.chosen_contact(ACCOUNT, reseller, tenant_id=tenant_id, mpn_id=mpn_id, name="")
    assert refused.value.code is Code.MPN_ID_NOT_RESELLER


@pytest.mark.parametrize(
    ("mpn_id", "name", "member"), [("", "Reseller", "supportTenantId"), ("4000123", "x" * 256, "name")]
)
def test_a_contact_needs_an_id_and_a_bounded_name(mpn_id: str, name: str, member: str) -> None:
    with pytest.raises(Refusal) as refused:
        support.chosen_contact(ACCOUNT, RESELLER, tenant_id="", mpn_id=mpn_id, name=name)
    assert (refused.value.code, refused.value.facts["member"]) == (Code.INVALID_PROPERTY, member)
