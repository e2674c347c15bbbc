"""Calls about the partner itself, and checks that need no customer."""

from typing import cast

from comptoir.client._async.connection import Connection
from comptoir.client._async.pages import AsyncPages
from comptoir.client.errors import NotFound
from comptoir.wire.filters import Filter
from comptoir.wire.partner import (
    Address,
    AddressBody,
    AddressValidationResponse,
    AgreementStatus,
    CountryValidationRules,
    OrganizationProfile,
    PartnerRelationship,
)
from comptoir.wire.types import Collection


class Partner:
    """The partner's own profile, the partners it works with, and checks of addresses and domains."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def organization_profile(self) -> OrganizationProfile:
        """The partner's own company."""
        return await self._connection.call("partner.organization_profile", OrganizationProfile)

    async def validate_address(self, address: AddressBody | Address) -> AddressValidationResponse | bool:
        """Check an address: what is right, or only that it is right, by the age of the service."""
        kinds = cast(type[AddressValidationResponse | bool], AddressValidationResponse | bool)
        return await self._connection.call("partner.address_validate", kinds, body=address)

    async def domain_exists(self, domain: str) -> bool:
        """Whether a tenant has the domain, so that a new customer cannot take it."""
        try:
            await self._connection.run("partner.domain_exists", domain=domain)
        except NotFound:
            return False
        return True

    async def country_rules(self, iso2: str) -> CountryValidationRules:
        """What addresses and tax numbers of a country look like. ``iso2``: two letters."""
        return await self._connection.call("partner.country_rules", CountryValidationRules, iso2=iso2)

    def relationships(
        self,
        relationship_type: str,
        *,
        filter: Filter | None = None,  # noqa: A002 - the service's own name for it
    ) -> AsyncPages[PartnerRelationship]:
        """The partners that this one ``IsIndirectCloudSolutionProviderOf`` or ``IsIndirectResellerOf``."""
        return self._connection.pages(
            "partner.relationships",
            Collection[PartnerRelationship],
            relationship_type=relationship_type,
            filter=filter,
        )

    async def agreement_status(
        self, *, mpn_id: str | None = None, tenant_id: str | None = None
    ) -> AgreementStatus:
        """Whether a partner, named by one of the two, has signed the partner agreement."""
        return await self._connection.call(
            "partner.agreement_status", AgreementStatus, mpn_id=mpn_id, tenant_id=tenant_id
        )
