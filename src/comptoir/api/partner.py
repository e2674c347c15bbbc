"""A partner's own profile and resellers, and checks of addresses, domains and countries, over HTTP."""

from collections.abc import Mapping

from msgspec import UNSET

from comptoir.api.call import Answer, Call, Handler
from comptoir.api.reading import text_from_wire, text_to_wire
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.customers import addresses, service, service_resellers
from comptoir.customers.countries import COUNTRIES
from comptoir.customers.model import Address, CountryRules, Reseller
from comptoir.db import Tx
from comptoir.identity import service as identity
from comptoir.identity.model import AccountRecord
from comptoir.wire import partner as wire
from comptoir.wire.enums import fold, wire_enum
from comptoir.wire.filters import Condition, FilterInvalid, Operator, parse_filter
from comptoir.wire.types import Collection, attributes, collection, self_links

PROVIDER_OF = "IsIndirectCloudSolutionProviderOf"
RESELLER_OF = "IsIndirectResellerOf"
VALIDATED = "VerifiedShippable"
"""What a valid address is called. The rules check its form; nobody looks whether a parcel would arrive."""


async def organization_profile(tx: Tx, ctx: Context, call: Call) -> wire.OrganizationProfile:
    """``GET profiles/organization``: PowerShell takes country and culture from it when it connects."""
    record = await identity.require_account(tx, ctx.account.name)
    return _organization_to_wire(record)


async def address_validate(tx: Tx, ctx: Context, call: Call) -> wire.AddressValidationResponse | bool:
    """``POST validations/address``. Java and PowerShell read a boolean (``00`` section 12.2)."""
    address = address_from_wire(call.body)
    addresses.require_valid(address)
    if ctx.strict:
        return True
    return wire.AddressValidationResponse(
        original_address=address_to_wire(address),
        suggested_addresses=[address_to_wire(address)],
        status=VALIDATED,
        attributes=attributes("AddressValidationResponse"),
    )


async def domain_exists(tx: Tx, ctx: Context, call: Call) -> Answer:
    """``HEAD domains/{domain}``: the status is the answer."""
    is_taken = await service.is_domain_taken(tx, call.path["domain"])
    return Answer(status=200 if is_taken else 404)


async def country_rules(tx: Tx, ctx: Context, call: Call) -> wire.CountryValidationRules:
    """``GET countryvalidationrules/{iso2}``."""
    rules = COUNTRIES.get(call.path["iso2"].upper())
    if rules is None:
        raise Refusal(Code.NOT_FOUND)
    return _country_rules_to_wire(rules)


async def relationships(tx: Tx, ctx: Context, call: Call) -> Collection[wire.PartnerRelationship]:
    """``GET relationships``: an indirect provider sees its resellers. No account is a reseller itself."""
    kind = call.query.get("relationship_type") or ""
    wanted = next((known for known in (PROVIDER_OF, RESELLER_OF) if fold(known) == fold(kind)), None)
    if wanted is None:
        raise Refusal(Code.UNKNOWN_ENUM_VALUE, member="relationship_type", value=kind[:100])
    condition = _name_condition(call.query.get("filter"))
    found = await service_resellers.list_for_account(tx, ctx) if wanted == PROVIDER_OF else []
    return collection(
        [
            _relationship_to_wire(reseller, is_listed_alone=True)
            for reseller in found
            if _meets(reseller, condition)
        ],
        f"/relationships?relationship_type={wanted}",
    )


async def customer_relationships(tx: Tx, ctx: Context, call: Call) -> Collection[wire.PartnerRelationship]:
    """``GET customers/{c}/relationships``."""
    customer = await service.require(tx, ctx, call.path["customer_id"])
    reseller = await service_resellers.of_customer(tx, ctx, customer)
    found = [] if reseller is None else [reseller]
    return collection(
        [_relationship_to_wire(reseller, is_listed_alone=False) for reseller in found],
        f"/customers/{customer.id}/relationships",
    )


async def agreement_status(tx: Tx, ctx: Context, call: Call) -> wire.AgreementStatus:
    """``GET compliance/csp/agreementstatus``."""
    mpn_id, tenant_id = call.query.get("mpnId"), call.query.get("tenantId")
    if mpn_id is None and tenant_id is None:
        raise Refusal(Code.INVALID_PROPERTY, member="mpnId", reason="mpnId or tenantId is required.")
    is_signed = await service_resellers.has_signed_agreement(tx, ctx, mpn_id=mpn_id, tenant_id=tenant_id)
    return wire.AgreementStatus(is_agreement_signed=is_signed)


def address_from_wire(body: wire.AddressBody | None) -> Address:
    """An address as received; of nothing, an empty one."""
    sent = body or wire.AddressBody()
    return Address(
        **{name: text_from_wire(getattr(sent, name)) for name in wire.AddressBody.__struct_fields__}
    )


def address_to_wire(address: Address) -> wire.Address:
    """Only what is set is written."""
    return wire.Address(
        **{name: text_to_wire(getattr(address, name)) for name in wire.Address.__struct_fields__}
    )


def _organization_to_wire(record: AccountRecord) -> wire.OrganizationProfile:
    account, organization = record.account, record.organization
    address = organization.address
    return wire.OrganizationProfile(
        id=account.id,
        company_name=account.company_name,
        default_address=wire.Address(
            country=address.country,
            city=address.city,
            state=text_to_wire(address.state),
            address_line1=address.line1,
            postal_code=address.postal_code,
            phone_number=text_to_wire(address.phone),
        ),
        tenant_id=account.id,
        domain=account.domain,
        email=organization.email,
        language=organization.language,
        culture=organization.culture,
        profile_type="OrganizationProfile",
        links=self_links("/profiles/organization"),
        attributes=attributes("OrganizationProfile"),
    )


def _country_rules_to_wire(rules: CountryRules) -> wire.CountryValidationRules:
    return wire.CountryValidationRules(
        iso2_code=rules.iso2,
        default_culture=rules.default_culture,
        is_state_required=rules.is_state_required,
        supported_states_list=list(rules.states),
        supported_languages_list=rules.languages,
        supported_cultures_list=rules.cultures,
        is_postal_code_required=rules.is_postal_code_required,
        postal_code_regex=rules.postal_code_pattern,
        is_city_required=rules.is_city_required,
        is_vat_id_supported=rules.is_vat_id_supported,
        tax_id_format=text_to_wire(rules.tax_id_format),
        tax_id_sample=text_to_wire(rules.tax_id_sample),
        vat_id_regex=text_to_wire(rules.vat_id_pattern),
        phone_number_regex=rules.phone_pattern,
        is_tax_id_supported=rules.is_tax_id_supported,
        is_tax_id_optional=True,  # a customer is created without one everywhere
        country_calling_codes_list=rules.calling_codes,
        attributes=attributes("CountryValidationRules"),
    )


def _relationship_to_wire(reseller: Reseller, *, is_listed_alone: bool) -> wire.PartnerRelationship:
    return wire.PartnerRelationship(
        id=reseller.id,
        name=reseller.name,
        relationship_type=wire_enum(PROVIDER_OF),
        state=reseller.state if is_listed_alone else UNSET,
        mpn_id=reseller.mpn_id,
        location=reseller.location if is_listed_alone else UNSET,
        attributes=attributes("PartnerRelationship"),
    )


def _name_condition(text: str | None) -> Condition | None:
    if text is None:
        return None
    try:
        condition = parse_filter(text)
    except FilterInvalid as error:
        raise Refusal(Code.INVALID_PROPERTY, member="filter", reason=f"{error}.") from error
    if (
        not isinstance(condition, Condition)
        or fold(condition.field) != "name"
        or condition.operator not in {Operator.SUBSTRING, Operator.STARTS_WITH}
    ):
        raise Refusal(Code.INVALID_PROPERTY, member="filter", reason="only Name by substring or starts_with.")
    return condition


def _meets(reseller: Reseller, condition: Condition | None) -> bool:
    if condition is None:
        return True
    name, value = reseller.name.casefold(), condition.value.casefold()
    return name.startswith(value) if condition.operator is Operator.STARTS_WITH else value in name


HANDLERS: Mapping[str, Handler] = {
    "partner.organization_profile": organization_profile,
    "partner.address_validate": address_validate,
    "partner.domain_exists": domain_exists,
    "partner.country_rules": country_rules,
    "partner.relationships": relationships,
    "partner.customer_relationships": customer_relationships,
    "partner.agreement_status": agreement_status,
}
