"""Customers of a partner with profiles, agreements and resellers (``20-subscriptions-customers`` Part II)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Qualification(StrEnum):
    """Which segments besides commercial a customer may buy in, in the spelling of ``GET qualification``."""

    NONE = "none"
    EDUCATION = "education"
    NONPROFIT = "nonprofit"
    GOVERNMENT_COMMUNITY_CLOUD = "government_community_cloud"
    STATE_OWNED_ENTITY = "state_owned_entity"


class VettingStatus(StrEnum):
    """How far the check of a qualification is, in wire spelling."""

    APPROVED = "Approved"
    DENIED = "Denied"
    IN_REVIEW = "InReview"


class Relationship(StrEnum):
    """What the partner is to the customer, in wire spelling. ``NONE``: the partner gave the customer up."""

    RESELLER = "reseller"
    NONE = "none"


class AgreementType(StrEnum):
    """The agreements a customer can confirm, in wire spelling."""

    MICROSOFT_CLOUD_AGREEMENT = "MicrosoftCloudAgreement"
    MICROSOFT_CUSTOMER_AGREEMENT = "MicrosoftCustomerAgreement"


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address with its contact. An empty text means that the part was not given."""

    country: str = ""
    region: str = ""
    city: str = ""
    state: str = ""
    district: str = ""
    address_line1: str = ""
    address_line2: str = ""
    address_line3: str = ""
    postal_code: str = ""
    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""
    phone_number: str = ""
    email_address: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class BillingProfile:
    """Whom and where to bill. Its company name and email are also those of the company profile."""

    id: str
    email: str
    culture: str
    language: str
    company_name: str
    default_address: Address
    first_name: str = ""
    last_name: str = ""


@dataclass(frozen=True, slots=True)
class BillingProfileDraft:
    """The billing profile that a caller asks for, not judged yet. Empty texts were not given."""

    email: str = ""
    culture: str = ""
    language: str = ""
    company_name: str = ""
    default_address: Address | None = None
    first_name: str = ""
    last_name: str = ""


@dataclass(frozen=True, slots=True)
class CustomerDraft:
    """The customer that a caller asks for, not judged yet. Empty texts were not given."""

    domain: str
    billing: BillingProfileDraft
    registration_number: str = ""
    associated_partner_id: str = ""


@dataclass(frozen=True, slots=True)
class Vetting:
    """A qualification and how far its check is. Education segment and web site help whoever decides."""

    qualification: Qualification
    status: VettingStatus
    created_at: datetime
    reason: str = ""
    education_segment: str = ""
    validation_code: str = ""
    website: str = ""


@dataclass(frozen=True, slots=True)
class Customer:
    """A tenant that buys through the partner. ``id`` is its tenant (Microsoft) id, a lower-case GUID."""

    id: str
    account_id: str
    commerce_id: str
    domain: str
    billing: BillingProfile
    billing_version: int
    created_at: datetime
    relationship: Relationship = Relationship.RESELLER
    qualification: Qualification = Qualification.NONE
    registration_number: str = ""
    associated_partner_id: str = ""
    vettings: tuple[Vetting, ...] = ()
    spending_budget: Decimal | None = None

    @property
    def company_name(self) -> str:
        """The customer's name, as the billing profile has it."""
        return self.billing.company_name

    @property
    def email(self) -> str:
        """The address that notices to the customer go to."""
        return self.billing.email

    @property
    def country(self) -> str:
        """ISO 3166 two-letter code of the market the customer buys in; it never changes."""
        return self.billing.default_address.country

    @property
    def culture(self) -> str:
        """Such as fr-FR: the language and formats of texts for the customer."""
        return self.billing.culture


@dataclass(frozen=True, slots=True)
class CustomerSummary:
    """A customer as lists show it."""

    id: str
    domain: str
    company_name: str
    name_key: str
    country: str
    registration_number: str = ""
    associated_partner_id: str = ""


@dataclass(frozen=True, slots=True)
class CustomerStanding:
    """A customer as an operator's overview shows it."""

    id: str
    company_name: str
    domain: str
    country: str
    has_agreement: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """The person who accepted an agreement for the customer."""

    first_name: str
    last_name: str
    email: str
    phone_number: str = ""


@dataclass(frozen=True, slots=True)
class AgreementDraft:
    """A confirmation that a caller asks for, not judged yet. Empty texts were not given."""

    contact: Contact | None
    template_id: str
    type: str
    agreed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """A customer's acceptance of an agreement, as confirmed by a partner user."""

    id: str
    type: AgreementType
    template_id: str
    contact: Contact
    user_id: str
    agreed_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AgreementTemplate:
    """The current text of an agreement; a higher ``version_rank`` is newer."""

    id: str
    type: AgreementType
    version_rank: int


@dataclass(frozen=True, slots=True)
class Reseller:
    """An indirect reseller that works with the account, which is an indirect provider then."""

    id: str
    name: str
    mpn_id: str
    state: str
    location: str
    has_signed_agreement: bool

    @property
    def is_active(self) -> bool:
        """Whether the reseller sells through the provider now; the state is as the wire spells it."""
        return self.state == "Active"


@dataclass(frozen=True, slots=True)
class CountryRules:
    """What the addresses and numbers of one country must look like. Patterns match the whole text.

    ``states`` maps the code of each state to its names; it is empty where states are not checked against a
    list (``20-subscriptions-customers`` section 8.3). ``registration_pattern`` is set for the countries
    whose customers must give a registration number and a phone number (section 7).
    """

    iso2: str
    name: str
    cultures: tuple[str, ...]
    languages: tuple[str, ...]
    calling_codes: tuple[str, ...]
    postal_code_pattern: str
    is_postal_code_required: bool
    is_city_required: bool
    is_state_required: bool
    states: Mapping[str, tuple[str, ...]]
    phone_pattern: str
    is_vat_id_supported: bool
    vat_id_pattern: str
    is_tax_id_supported: bool
    tax_id_format: str
    tax_id_sample: str
    registration_pattern: str

    @property
    def default_culture(self) -> str:
        """The culture a form is filled with for the country."""
        return self.cultures[0]
