"""A partner's own profile, its resellers, and checks of addresses and domains (``20`` sections 8.3, 8.4)."""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from comptoir.wire.operation import Operation, Query
from comptoir.wire.types import Body, Collection, Reply, ResourceAttributes, SelfLinks

FAMILY = "partner"
USER_ERROR = "403/2032"


class Address(Reply, kw_only=True):
    """Only what is set is written."""

    country: str | UnsetType = UNSET
    region: str | UnsetType = UNSET
    city: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    district: str | UnsetType = UNSET
    address_line1: str | UnsetType = UNSET
    address_line2: str | UnsetType = UNSET
    address_line3: str | UnsetType = UNSET
    postal_code: str | UnsetType = UNSET
    first_name: str | UnsetType = UNSET
    middle_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    phone_number: str | UnsetType = UNSET
    email_address: str | UnsetType = UNSET
    id: str | UnsetType = UNSET


class AddressBody(Body):
    """An address as received."""

    country: str | None = None
    region: str | None = None
    city: str | None = None
    state: str | None = None
    district: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    address_line3: str | None = None
    postal_code: str | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None
    email_address: str | None = None
    id: str | None = None


class AddressValidationResponse(Reply, kw_only=True):
    """The answer that current clients read; strict ones read the literal ``true``."""

    original_address: Address
    suggested_addresses: Sequence[Address]
    status: str
    attributes: ResourceAttributes


class CountryValidationRules(Reply, kw_only=True):
    """What a form for a customer of the country must ask for."""

    iso2_code: str
    default_culture: str
    is_state_required: bool
    supported_states_list: Sequence[str]
    supported_languages_list: Sequence[str]
    supported_cultures_list: Sequence[str]
    is_postal_code_required: bool
    postal_code_regex: str
    is_city_required: bool
    is_vat_id_supported: bool
    tax_id_format: str | UnsetType = UNSET
    tax_id_sample: str | UnsetType = UNSET
    vat_id_regex: str | UnsetType = UNSET
    phone_number_regex: str
    is_tax_id_supported: bool
    is_tax_id_optional: bool
    country_calling_codes_list: Sequence[str]
    attributes: ResourceAttributes


class OrganizationProfile(Reply, kw_only=True):
    """The partner's own company."""

    id: str
    company_name: str
    default_address: Address
    tenant_id: str
    domain: str
    email: str
    language: str
    culture: str
    profile_type: str
    links: SelfLinks
    attributes: ResourceAttributes


class PartnerRelationship(Reply, kw_only=True):
    """Another partner's relation to this one; state and location are left out for one customer's."""

    id: str
    name: str
    relationship_type: str
    state: str | UnsetType = UNSET
    mpn_id: str
    location: str | UnsetType = UNSET
    attributes: ResourceAttributes


class AgreementStatus(Reply, kw_only=True):
    """Whether a partner has signed the partner agreement."""

    is_agreement_signed: bool


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        id="partner.organization_profile",
        method="GET",
        path="/v1/profiles/organization",
        summary="Read the partner's own company profile.",
        reply=OrganizationProfile,
        errors=(USER_ERROR,),
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="partner.address_validate",
        method="POST",
        path="/v1/validations/address",
        summary="Check an address. Clients that know only the older answer get the literal true.",
        request=AddressBody,
        reply=AddressValidationResponse | bool,
        errors=("400/2007", "400/3000", "400/800002"),
        family=FAMILY,
    ),
    Operation(
        id="partner.domain_exists",
        method="HEAD",
        path="/v1/domains/{domain}",
        summary="200 if a tenant has the domain, 404 if it is free. Both are empty.",
        reply=None,
        errors=("404",),
        family=FAMILY,
    ),
    Operation(
        id="partner.country_rules",
        method="GET",
        path="/v1/countryvalidationrules/{iso2}",
        summary="Read what addresses and tax numbers of a country look like.",
        reply=CountryValidationRules,
        errors=("404/1000",),
        family=FAMILY,
    ),
    Operation(
        id="partner.relationships",
        method="GET",
        path="/v1/relationships",
        summary="List the partners that this one works with.",
        reply=Collection[PartnerRelationship],
        query=(
            Query(
                "relationship_type",
                "IsIndirectCloudSolutionProviderOf or IsIndirectResellerOf.",
                required=True,
            ),
            Query("filter", "Name substring or starts_with."),
        ),
        errors=("400/900126", "400/3000", USER_ERROR),
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="partner.customer_relationships",
        method="GET",
        path="/v1/customers/{customer_id}/relationships",
        summary="List the reseller that a customer buys through.",
        reply=Collection[PartnerRelationship],
        errors=("400/900118", "404/60003", "403/20002", USER_ERROR),
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="partner.agreement_status",
        method="GET",
        path="/v1/compliance/csp/agreementstatus",
        summary="Whether a partner, named by MPN id or tenant id, has signed the partner agreement.",
        reply=AgreementStatus,
        query=(Query("mpnId", "The partner's MPN id."), Query("tenantId", "The partner's tenant id.")),
        errors=("400/3000", USER_ERROR),
        user_only=True,
        family=FAMILY,
    ),
)
