"""What makes a customer, a billing profile, a qualification or a budget acceptable.

Rules of ``20-subscriptions-customers`` sections 6 to 8.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from comptoir.core.accounts import AccountSettings
from comptoir.core.errors import Code, Refusal
from comptoir.core.ids import GUID
from comptoir.customers.addresses import EMAIL_MAX, LINE_MAX, NAME_MAX, require_valid
from comptoir.customers.countries import COUNTRIES
from comptoir.customers.model import (
    Address,
    BillingProfile,
    BillingProfileDraft,
    Customer,
    CustomerDraft,
    Qualification,
    Relationship,
    Reseller,
    Vetting,
    VettingStatus,
)

DOMAIN_MAX = 253
RESELLER_STATE_ACTIVE = "Active"
SETTABLE_QUALIFICATIONS = frozenset({Qualification.EDUCATION, Qualification.GOVERNMENT_COMMUNITY_CLOUD})
"""What a partner may give a customer at once; others are vetted first (section 8.2)."""

BUDGET_MAX = Decimal(10) ** 12

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_CULTURE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)


def is_guid(text: str) -> bool:
    """Whether a text is a GUID in its 36-character form, in any case."""
    return GUID.fullmatch(text) is not None


def require_customer_id(text: str) -> str:
    """The id in lower case. Raises ``CUSTOMER_ID_INVALID`` if it is no GUID."""
    if not is_guid(text):
        raise Refusal(Code.CUSTOMER_ID_INVALID, customer_id=text[:100])
    return text.lower()


def is_domain(text: str) -> bool:
    """Whether a lower-case text is a full domain name such as ``contoso.onmicrosoft.com``."""
    return len(text) <= DOMAIN_MAX and _DOMAIN.fullmatch(text) is not None


def is_culture(text: str) -> bool:
    """Whether a text has the form of a language or culture such as ``fr``, ``fr-FR`` or ``zh-Hans-CN``."""
    return _CULTURE.fullmatch(text) is not None


def judge_draft(draft: CustomerDraft) -> None:
    """Refuse a customer that cannot be created, whoever else exists."""
    _require("companyProfile.domain", draft.domain)
    _require_billing_members(draft.billing, "billingProfile.")
    if not is_domain(draft.domain.lower()):
        raise _invalid("companyProfile.domain", "a full domain name is expected.")
    address = _require_address(draft.billing, "billingProfile.")
    country = address.country.upper()
    require_valid(address, "billingProfile.defaultAddress")
    _judge_registration_number(draft.registration_number, country)
    _require_phone(address, country)


def judge_reseller(draft: CustomerDraft, reseller: Reseller | None) -> None:
    """Refuse the reseller that a customer is created for, unless it works with the account."""
    if reseller is None or reseller.state != RESELLER_STATE_ACTIVE:
        raise _invalid(
            "associatedPartnerId", f"{draft.associated_partner_id[:100]} is not a reseller of yours."
        )
    if not reseller.has_signed_agreement:
        raise Refusal(Code.RESELLER_AGREEMENT_MISSING, reseller_id=reseller.id)


def judge_count(count: int, settings: AccountSettings) -> None:
    """Refuse one more customer than the account may have."""
    if settings.limit_customers is not None and count >= settings.limit_customers:
        raise Refusal(Code.CUSTOMER_LIMIT, limit=settings.limit_customers)


def created(
    draft: CustomerDraft,
    *,
    customer_id: str,
    commerce_id: str,
    billing_id: str,
    account_id: str,
    now: datetime,
) -> Customer:
    """The customer that an acceptable draft makes."""
    return Customer(
        id=customer_id,
        account_id=account_id,
        commerce_id=commerce_id,
        domain=draft.domain.lower(),
        billing=_profile(draft.billing, billing_id),
        billing_version=1,
        created_at=now,
        registration_number=draft.registration_number,
        associated_partner_id=draft.associated_partner_id.lower(),
    )


def with_billing(customer: Customer, draft: BillingProfileDraft, etags: tuple[str, ...]) -> Customer:
    """The customer with the billing profile that a caller puts.

    ``etags`` are those that came with the call, of which there must be one and each must be current
    (``00-cross-cutting`` section 9). The country stays (section 7). A profile that changes nothing keeps
    its version.
    """
    if not etags or any(etag != billing_etag(customer) for etag in etags):
        raise Refusal(Code.STALE_ETAG)
    _require_billing_members(draft, "")
    address = _require_address(draft, "")
    if address.country.upper() != customer.country:
        raise _invalid("defaultAddress.country", "the country of a customer does not change.")
    require_valid(address, "defaultAddress")
    _require_phone(address, customer.country)
    billing = _profile(draft, customer.billing.id)
    if billing == customer.billing:
        return customer
    return replace(customer, billing=billing, billing_version=customer.billing_version + 1)


def billing_etag(customer: Customer) -> str:
    """A signed 64-bit integer that changes with each version of the billing profile."""
    digest = hashlib.sha256(f"{customer.billing.id}:{customer.billing_version}".encode()).digest()
    return str(int.from_bytes(digest[:8], "big", signed=True))


def without_relationship(customer: Customer, *, has_open_subscriptions: bool) -> Customer:
    """The customer given up by the partner, who may leave no open subscription behind."""
    if has_open_subscriptions:
        raise Refusal(Code.CUSTOMER_HAS_SUBSCRIPTIONS)
    return replace(customer, relationship=Relationship.NONE)


def with_qualification(customer: Customer, qualification: Qualification, now: datetime) -> Customer:
    """The customer with a qualification that needs no vetting; other vettings are kept."""
    if qualification not in SETTABLE_QUALIFICATIONS:
        raise _invalid("qualification", "only Education and GovernmentCommunityCloud can be set.")
    if qualification is customer.qualification:
        return customer
    vetting = Vetting(qualification, VettingStatus.APPROVED, now)
    return replace(customer, qualification=qualification, vettings=_with_vetting(customer, vetting))


def with_vetting(customer: Customer, vetting: Vetting) -> Customer:
    """The customer with a qualification applied for; it replaces an undecided or denied application."""
    if vetting.qualification is Qualification.NONE:
        raise _invalid("qualification", "there is nothing to apply for.")
    if any(
        known.qualification is vetting.qualification and known.status is VettingStatus.APPROVED
        for known in customer.vettings
    ):
        raise _invalid("qualification", "the customer has this qualification already.")
    return replace(customer, vettings=_with_vetting(customer, vetting))


def with_budget(customer: Customer, amount: Decimal | None) -> Customer:
    """The customer with a monthly spending budget, in its market's currency; 0 or ``None`` removes it."""
    if amount is not None and not (amount.is_finite() and 0 <= amount <= BUDGET_MAX):
        raise _invalid("amount", f"an amount between 0 and {BUDGET_MAX} is expected.")
    return replace(customer, spending_budget=amount or None)


def journal_facts(customer: Customer) -> Mapping[str, str | int | None]:
    """What the journal keeps of a customer: enough to follow it, no personal data beyond the company."""
    return {
        "company_name": customer.company_name,
        "domain": customer.domain,
        "country": customer.country,
        "relationship": customer.relationship.value,
        "qualification": customer.qualification.value,
        "billing_version": customer.billing_version,
        "spending_budget": None if customer.spending_budget is None else str(customer.spending_budget),
    }


def _profile(draft: BillingProfileDraft, profile_id: str) -> BillingProfile:
    assert draft.default_address is not None, "judged before"
    address = draft.default_address
    return BillingProfile(
        id=profile_id,
        email=draft.email,
        culture=draft.culture,
        language=draft.language,
        company_name=draft.company_name,
        default_address=replace(address, country=address.country.upper()),
        first_name=draft.first_name,
        last_name=draft.last_name,
    )


def _with_vetting(customer: Customer, vetting: Vetting) -> tuple[Vetting, ...]:
    others = (known for known in customer.vettings if known.qualification is not vetting.qualification)
    return (*others, vetting)


def _require_billing_members(draft: BillingProfileDraft, path: str) -> None:
    texts = {
        "email": (draft.email, EMAIL_MAX, _EMAIL),
        "culture": (draft.culture, NAME_MAX, _CULTURE),
        "language": (draft.language, NAME_MAX, _CULTURE),
        "companyName": (draft.company_name, LINE_MAX, None),
    }
    for member, (text, longest, pattern) in texts.items():
        _require(path + member, text)
        if len(text) > longest or (pattern is not None and pattern.fullmatch(text) is None):
            raise _invalid(path + member, "its form is not valid.")
    for member, text in {"firstName": draft.first_name, "lastName": draft.last_name}.items():
        if len(text) > NAME_MAX:
            raise _invalid(path + member, f"it is longer than {NAME_MAX} characters.")


def _require_address(draft: BillingProfileDraft, path: str) -> Address:
    if draft.default_address is None:
        raise _invalid(path + "defaultAddress", "it is required.")
    return draft.default_address


def _judge_registration_number(number: str, country: str) -> None:
    pattern = COUNTRIES[country].registration_pattern
    if number and not pattern:
        raise Refusal(Code.REGISTRATION_NUMBER_UNUSED, country=country)
    if pattern and not number:
        raise Refusal(Code.REGISTRATION_NUMBER_MISSING, country=country)
    if pattern and re.fullmatch(pattern, number) is None:
        raise Refusal(Code.REGISTRATION_NUMBER_INVALID, pattern=pattern)


def _require_phone(address: Address, country: str) -> None:
    """The countries with a registration number are also those where the phone number is required."""
    if COUNTRIES[country].registration_pattern and not address.phone_number.strip():
        raise Refusal(Code.CUSTOMER_PHONE_MISSING, country=country)


def _require(member: str, text: str) -> None:
    if not text.strip():
        raise _invalid(member, "it is required.")


def _invalid(member: str, reason: str) -> Refusal:
    return Refusal(Code.INVALID_PROPERTY, member=member, reason=reason)
