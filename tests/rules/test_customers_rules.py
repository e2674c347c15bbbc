"""What makes a customer acceptable, as tables."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.customers_factory import ADDRESSES, NOW, billing, customer, draft

from comptoir.core.accounts import AccountSettings
from comptoir.core.errors import Code, Refusal
from comptoir.customers import rules
from comptoir.customers.countries import COUNTRIES
from comptoir.customers.model import (
    Customer,
    CustomerDraft,
    Qualification,
    Relationship,
    Reseller,
    Vetting,
    VettingStatus,
)
from comptoir.identity.service_passwords import GROUPS, draw_password

ELEVEN = {"AM", "AZ", "BY", "HU", "KZ", "KG", "MD", "RU", "TJ", "UZ", "UA"}
NUMBERS = {
    "AM": "01234567", "AZ": "1400012341", "BY": "190190190", "HU": "12345678-2-41", "KZ": "010140001234",
    "KG": "01234567890123", "MD": "1003600012345", "RU": "7701234567", "TJ": "010012345", "UZ": "200123456",
    "UA": "01234567",
}  # fmt: skip
POSTAL_CODES = {
    "AM": "0010", "AZ": "AZ1000", "BY": "220030", "HU": "1051", "KZ": "010000", "KG": "720001",
    "MD": "MD-2001", "RU": "101000", "TJ": "734000", "UZ": "100000", "UA": "01001",
}  # fmt: skip


def refusal(change: CustomerDraft) -> tuple[Code, object]:
    with pytest.raises(Refusal) as caught:
        rules.judge_draft(change)
    return caught.value.code, caught.value.facts.get("member")


@pytest.mark.parametrize("country", ["FR", "US", "JP"])
def test_a_complete_customer_is_acceptable(country: str) -> None:
    rules.judge_draft(draft(country))


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"domain": ""}, "companyProfile.domain"),
        ({"domain": "   "}, "companyProfile.domain"),
        ({"domain": "no-dots"}, "companyProfile.domain"),
        ({"domain": "spaces in.example"}, "companyProfile.domain"),
        ({"domain": "-dash.example"}, "companyProfile.domain"),
        ({"domain": f"{'a' * 250}.example"}, "companyProfile.domain"),
        ({"billing": billing(email="")}, "billingProfile.email"),
        ({"billing": billing(email="nobody")}, "billingProfile.email"),
        ({"billing": billing(email=f"{'a' * 250}@b.example")}, "billingProfile.email"),
        ({"billing": billing(culture="")}, "billingProfile.culture"),
        ({"billing": billing(culture="français")}, "billingProfile.culture"),
        ({"billing": billing(language="")}, "billingProfile.language"),
        ({"billing": billing(company_name="")}, "billingProfile.companyName"),
        ({"billing": billing(company_name="x" * 201)}, "billingProfile.companyName"),
        ({"billing": billing(first_name="x" * 51)}, "billingProfile.firstName"),
        ({"billing": billing(last_name="x" * 51)}, "billingProfile.lastName"),
        ({"billing": billing(default_address=None)}, "billingProfile.defaultAddress"),
    ],
)
def test_a_missing_or_malformed_member_is_named(change: dict[str, Any], member: str) -> None:
    assert refusal(draft(**change)) == (Code.INVALID_PROPERTY, member)


def test_a_wrong_address_is_refused_as_an_address() -> None:
    wrong = replace(ADDRESSES["FR"], postal_code="6900")
    found = refusal(draft(billing=billing(default_address=wrong)))
    assert found == (Code.ADDRESS_INVALID, "billingProfile.defaultAddress.postalCode")


def of_country(country: str, number: str, phone: str = "+1 2345 678") -> CustomerDraft:
    address = replace(ADDRESSES["FR"], country=country, postal_code=POSTAL_CODES[country], phone_number=phone)
    return draft(billing=billing(default_address=address), registration_number=number)


def test_exactly_eleven_countries_ask_for_a_registration_number() -> None:
    assert {country.iso2 for country in COUNTRIES.values() if country.registration_pattern} == ELEVEN


@pytest.mark.parametrize("country", sorted(ELEVEN))
def test_registration_number_and_phone_of_the_eleven_countries(country: str) -> None:
    rules.judge_draft(of_country(country, NUMBERS[country]))
    assert refusal(of_country(country, ""))[0] is Code.REGISTRATION_NUMBER_MISSING
    assert refusal(of_country(country, "12"))[0] is Code.REGISTRATION_NUMBER_INVALID
    assert refusal(of_country(country, NUMBERS[country] + "X"))[0] is Code.REGISTRATION_NUMBER_INVALID
    assert refusal(of_country(country, NUMBERS[country], phone=""))[0] is Code.CUSTOMER_PHONE_MISSING


def test_the_refused_registration_number_is_told_the_pattern() -> None:
    with pytest.raises(Refusal) as caught:
        rules.judge_draft(of_country("RU", "12"))
    assert COUNTRIES["RU"].registration_pattern in caught.value.description


def test_a_country_without_registration_numbers_refuses_one() -> None:
    assert refusal(draft(registration_number="7701234567"))[0] is Code.REGISTRATION_NUMBER_UNUSED


def test_domain_country_and_reseller_id_are_kept_in_one_case() -> None:
    address = replace(ADDRESSES["FR"], country="fr")
    wanted = draft(
        domain="Rive-Gauche.Example",
        billing=billing(default_address=address),
        associated_partner_id="ABCDEF00-0000-4000-8000-000000000001",
    )
    rules.judge_draft(wanted)
    made = rules.created(wanted, customer_id="1", commerce_id="2", billing_id="3", account_id="4", now=NOW)
    assert (made.domain, made.country) == ("rive-gauche.example", "FR")
    assert made.associated_partner_id == "abcdef00-0000-4000-8000-000000000001"


RESELLER = Reseller("r", "Northwind Kiosk", "4400", "Active", "US", has_signed_agreement=True)


@pytest.mark.parametrize(
    ("reseller", "code"),
    [
        (None, Code.INVALID_PROPERTY),
        (replace(RESELLER, state="Pending"), Code.INVALID_PROPERTY),
        (replace(RESELLER, has_signed_agreement=False), Code.RESELLER_AGREEMENT_MISSING),
    ],
)
def test_a_reseller_must_be_active_and_signed(reseller: Reseller | None, code: Code) -> None:
    with pytest.raises(Refusal) as caught:
        rules.judge_reseller(draft(associated_partner_id="r"), reseller)
    assert caught.value.code is code


def test_an_active_signed_reseller_is_accepted() -> None:
    rules.judge_reseller(draft(associated_partner_id="r"), RESELLER)


@pytest.mark.parametrize(
    ("count", "limit", "is_refused"), [(74, 75, False), (75, 75, True), (900, None, False)]
)
def test_the_customer_limit(count: int, limit: int | None, is_refused: bool) -> None:
    settings = AccountSettings(limit_customers=limit)
    if not is_refused:
        rules.judge_count(count, settings)
        return
    with pytest.raises(Refusal) as caught:
        rules.judge_count(count, settings)
    assert caught.value.code is Code.CUSTOMER_LIMIT


def put(stored: Customer, **changes: Any) -> Customer:
    return rules.with_billing(stored, billing(**changes), (rules.billing_etag(stored),))


@given(version=st.integers(1, 10**6), other=st.integers(1, 10**6))
def test_the_etag_is_a_signed_64_bit_integer_that_follows_the_version(version: int, other: int) -> None:
    etag = rules.billing_etag(customer(billing_version=version))
    assert -(2**63) <= int(etag) < 2**63
    assert (etag == rules.billing_etag(customer(billing_version=other))) is (version == other)


def test_a_changed_profile_gets_a_new_etag_and_an_equal_one_keeps_it() -> None:
    stored = customer()
    changed = put(stored, company_name="Rive Droite")
    assert changed.company_name == "Rive Droite"
    assert rules.billing_etag(changed) != rules.billing_etag(stored)
    assert put(changed, company_name="Rive Droite") == changed


def test_every_etag_that_came_must_be_current() -> None:
    stored = customer()
    current = rules.billing_etag(stored)
    rules.with_billing(stored, billing(), (current, current))
    for etags in ((), ("0",), (current, "0")):
        with pytest.raises(Refusal) as caught:
            rules.with_billing(stored, billing(company_name="Other"), etags)
        assert caught.value.code is Code.STALE_ETAG


@pytest.mark.parametrize(
    ("changes", "code", "member"),
    [
        ({"country": "US"}, Code.INVALID_PROPERTY, "defaultAddress.country"),
        ({"email": ""}, Code.INVALID_PROPERTY, "email"),
        ({"default_address": None}, Code.INVALID_PROPERTY, "defaultAddress"),
        ({"default_address": replace(ADDRESSES["FR"], city="")}, Code.ADDRESS_INVALID, "defaultAddress.city"),
    ],
)
def test_a_profile_that_cannot_be_put(changes: dict[str, Any], code: Code, member: str) -> None:
    with pytest.raises(Refusal) as caught:
        put(customer(), **changes)
    assert (caught.value.code, caught.value.facts["member"]) == (code, member)


def test_the_phone_stays_required_where_it_is() -> None:
    stored = customer("RU", registration_number="7701234567")
    with pytest.raises(Refusal) as caught:
        put(stored, country="RU", default_address=replace(ADDRESSES["RU"], phone_number=""))
    assert caught.value.code is Code.CUSTOMER_PHONE_MISSING


def test_a_customer_is_given_up_only_without_open_subscriptions() -> None:
    assert (
        rules.without_relationship(customer(), has_open_subscriptions=False).relationship is Relationship.NONE
    )
    with pytest.raises(Refusal) as caught:
        rules.without_relationship(customer(), has_open_subscriptions=True)
    assert caught.value.code is Code.CUSTOMER_HAS_SUBSCRIPTIONS


@pytest.mark.parametrize("qualification", list(Qualification))
def test_only_two_qualifications_can_be_set(qualification: Qualification) -> None:
    if qualification in {Qualification.EDUCATION, Qualification.GOVERNMENT_COMMUNITY_CLOUD}:
        changed = rules.with_qualification(customer(), qualification, NOW)
        assert changed.qualification is qualification
        assert changed.vettings == (Vetting(qualification, VettingStatus.APPROVED, NOW),)
        assert rules.with_qualification(changed, qualification, NOW) == changed
        return
    with pytest.raises(Refusal) as caught:
        rules.with_qualification(customer(), qualification, NOW)
    assert caught.value.code is Code.INVALID_PROPERTY


def test_an_application_is_in_review_and_replaces_an_earlier_one() -> None:
    first = Vetting(Qualification.NONPROFIT, VettingStatus.IN_REVIEW, NOW, website="https://a.example")
    second = replace(first, website="https://b.example")
    changed = rules.with_vetting(rules.with_vetting(customer(), first), second)
    assert changed.vettings == (second,)
    assert changed.qualification is Qualification.NONE


def test_nothing_and_what_one_has_cannot_be_applied_for() -> None:
    educated = rules.with_qualification(customer(), Qualification.EDUCATION, NOW)
    for stored, wanted in ((customer(), Qualification.NONE), (educated, Qualification.EDUCATION)):
        with pytest.raises(Refusal) as caught:
            rules.with_vetting(stored, Vetting(wanted, VettingStatus.IN_REVIEW, NOW))
        assert caught.value.code is Code.INVALID_PROPERTY


@pytest.mark.parametrize(
    ("amount", "kept"),
    [(Decimal("100.25"), Decimal("100.25")), (Decimal(0), None), (None, None)],
)
def test_a_budget_is_set_and_removed(amount: Decimal | None, kept: Decimal | None) -> None:
    assert rules.with_budget(customer(spending_budget=Decimal(5)), amount).spending_budget == kept


@pytest.mark.parametrize("amount", ["-0.01", "1000000000000.01", "NaN", "Infinity"])
def test_a_budget_that_is_none(amount: str) -> None:
    with pytest.raises(Refusal) as caught:
        rules.with_budget(customer(), Decimal(amount))
    assert caught.value.code is Code.INVALID_PROPERTY


@pytest.mark.parametrize(
    ("text", "is_accepted"),
    [
        ("5E0C7F2A-91D4-4B6B-8F0E-2C7D1A3B9E44", True),
        ("5e0c7f2a91d44b6b8f0e2c7d1a3b9e44", False),
        ("{5e0c7f2a-91d4-4b6b-8f0e-2c7d1a3b9e44}", False),
        ("5e0c7f2a-91d4-4b6b-8f0e-2c7d1a3b9e4g", False),
        ("", False),
        ("' OR 1=1 --", False),
        ("../../etc/passwd", False),
        ("５e0c7f2a-91d4-4b6b-8f0e-2c7d1a3b9e44", False),
        ("5e0c7f2a-91d4-4b6b-8f0e-2c7d1a3b9e44\n", False),
    ],
)
def test_the_form_of_a_customer_id(text: str, is_accepted: bool) -> None:
    if is_accepted:
        assert rules.require_customer_id(text) == text.lower()
        return
    with pytest.raises(Refusal) as caught:
        rules.require_customer_id(text)
    assert caught.value.code is Code.CUSTOMER_ID_INVALID


def test_a_drawn_password_has_every_kind_of_character_and_never_repeats() -> None:
    drawn = [draw_password() for _ in range(200)]
    assert len(set(drawn)) == len(drawn)
    for password in drawn:
        assert len(password) == 16
        assert all(set(password) & set(group) for group in GROUPS)
