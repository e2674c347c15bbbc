"""Calls about customers and what they have agreed to."""

from collections.abc import Sequence

from comptoir.client._async.connection import Connection
from comptoir.client._async.pages import AsyncPages
from comptoir.wire.agreements import (
    Agreement,
    AgreementBody,
    AgreementDocument,
    AgreementMetaData,
    DirectSignedStatus,
)
from comptoir.wire.customers import (
    BillingProfileBody,
    Customer,
    CustomerBillingProfile,
    CustomerBody,
    CustomerCompanyProfile,
    CustomerQualification,
    QualificationBody,
    RelationshipRequest,
    SpendingBudget,
    SpendingBudgetBody,
)
from comptoir.wire.filters import Filter
from comptoir.wire.partner import PartnerRelationship
from comptoir.wire.types import Collection

SEVERED = "none"
"""The relationship of a partner and a customer that it has given up."""

CUSTOMER_AGREEMENT = "MicrosoftCustomerAgreement"


class Customers:
    """Customers, their profiles, qualifications and budgets."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self, customer: CustomerBody, *, request_id: str | None = None) -> Customer:
        """A new customer with a tenant of its own. Its administrator's password is shown here only."""
        return await self._connection.call("customers.create", Customer, body=customer, request_id=request_id)

    def list(
        self,
        *,
        size: int | None = None,
        filter: Filter | None = None,  # noqa: A002 - the service's own name for it
        seek_operation: str | None = None,
        continuation_token: str | None = None,
    ) -> AsyncPages[Customer]:
        """Customers by company name, ``size`` on a page, from where a ``continuation_token`` points."""
        return self._connection.pages(
            "customers.list",
            Collection[Customer],
            size=size,
            filter=filter,
            seek_operation=seek_operation or ("Next" if continuation_token else None),
            continuation_token=continuation_token,
        )

    async def get(self, customer_id: str) -> Customer:
        """A customer with both profiles."""
        return await self._connection.call("customers.get", Customer, customer_id=customer_id)

    async def remove_relationship(self, customer_id: str, *, request_id: str | None = None) -> Customer:
        """Give a customer up. It must have no subscription left; a sandbox deletes it."""
        return await self._connection.call(
            "customers.remove_relationship",
            Customer,
            body=CustomerBody(relationship_to_partner=SEVERED),
            request_id=request_id,
            customer_id=customer_id,
        )

    async def delete(self, customer_id: str, *, request_id: str | None = None) -> None:
        """Delete a customer of a sandbox, with its subscriptions."""
        await self._connection.run("customers.delete", request_id=request_id, customer_id=customer_id)

    async def billing_profile(self, customer_id: str) -> CustomerBillingProfile:
        """The billing profile: change it and give it to ``update_billing_profile``."""
        return await self._connection.call(
            "customers.billing_profile_get", CustomerBillingProfile, customer_id=customer_id
        )

    async def update_billing_profile(
        self,
        customer_id: str,
        profile: BillingProfileBody | CustomerBillingProfile,
        *,
        etag: str | None = None,
        request_id: str | None = None,
    ) -> CustomerBillingProfile:
        """Replace the billing profile. A profile as it was read carries the etag that is required."""
        return await self._connection.call(
            "customers.billing_profile_update",
            CustomerBillingProfile,
            body=profile,
            request_id=request_id,
            customer_id=customer_id,
            etag=etag,
        )

    async def company_profile(self, customer_id: str) -> CustomerCompanyProfile:
        """The company profile, which nobody can change."""
        return await self._connection.call(
            "customers.company_profile_get", CustomerCompanyProfile, customer_id=customer_id
        )

    async def relationship_request(self) -> RelationshipRequest:
        """The address at which a customer accepts this partner as its reseller."""
        return await self._connection.call("customers.relationship_request", RelationshipRequest)

    async def qualification(self, customer_id: str) -> str:
        """The segment besides commercial in which the customer may buy, or ``none``."""
        return await self._connection.call("customers.qualification_get", str, customer_id=customer_id)

    async def set_qualification(
        self,
        customer_id: str,
        qualification: str | int,
        *,
        code: str | None = None,
        request_id: str | None = None,
    ) -> str:
        """Give the customer a qualification: ``Education`` (1) or ``GovernmentCommunityCloud`` (3)."""
        return await self._connection.call(
            "customers.qualification_update",
            str,
            body=qualification,
            request_id=request_id,
            customer_id=customer_id,
            code=code,
        )

    async def qualifications(self, customer_id: str) -> Sequence[CustomerQualification]:
        """The customer's qualifications and how far their check is."""
        return await self._connection.call(
            "customers.qualifications_list", list[CustomerQualification], customer_id=customer_id
        )

    async def apply_for_qualification(
        self,
        customer_id: str,
        application: QualificationBody,
        *,
        code: str | None = None,
        request_id: str | None = None,
    ) -> CustomerQualification:
        """Apply for a qualification that is checked."""
        return await self._connection.call(
            "customers.qualifications_create",
            CustomerQualification,
            body=application,
            request_id=request_id,
            customer_id=customer_id,
            code=code,
        )

    async def validation_codes(self) -> Sequence[str]:
        """The partner's codes for government customers: there are none."""
        return await self._connection.call("customers.validation_codes_list", list[str])

    async def budget(self, customer_id: str) -> SpendingBudget:
        """The customer's monthly spending budget; without an amount where none is set."""
        return await self._connection.call("customers.budget_get", SpendingBudget, customer_id=customer_id)

    async def set_budget(
        self, customer_id: str, budget: SpendingBudgetBody, *, request_id: str | None = None
    ) -> SpendingBudget:
        """Set the monthly spending budget; nothing or 0 removes it."""
        return await self._connection.call(
            "customers.budget_update",
            SpendingBudget,
            body=budget,
            request_id=request_id,
            customer_id=customer_id,
        )

    def relationships(self, customer_id: str) -> AsyncPages[PartnerRelationship]:
        """The reseller through which the customer buys."""
        return self._connection.pages(
            "partner.customer_relationships", Collection[PartnerRelationship], customer_id=customer_id
        )


class Agreements:
    """Agreements, and who has accepted them. A customer buys nothing before it has accepted its own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def current(self, *, agreement_type: str | None = CUSTOMER_AGREEMENT) -> AsyncPages[AgreementMetaData]:
        """The agreements as they are now, with their template ids; ``*`` for every type."""
        return self._connection.pages(
            "agreements.metadata_list", Collection[AgreementMetaData], agreement_type=agreement_type
        )

    def list(
        self, customer_id: str, *, agreement_type: str | None = CUSTOMER_AGREEMENT
    ) -> AsyncPages[Agreement]:
        """What the customer has accepted, newest first; ``*`` for every type."""
        return self._connection.pages(
            "agreements.list", Collection[Agreement], customer_id=customer_id, agreement_type=agreement_type
        )

    async def confirm(
        self, customer_id: str, agreement: AgreementBody, *, request_id: str | None = None
    ) -> Agreement:
        """State that a contact of the customer has accepted an agreement."""
        return await self._connection.call(
            "agreements.create",
            Agreement,
            body=agreement,
            request_id=request_id,
            customer_id=customer_id,
        )

    async def document(
        self, template_id: str, *, language: str | None = None, country: str | None = None
    ) -> AgreementDocument:
        """Addresses of an agreement's text. They work for five minutes."""
        return await self._connection.call(
            "agreements.document",
            AgreementDocument,
            template_id=template_id,
            language=language,
            country=country,
        )

    async def direct_signed_status(self, customer_id: str) -> DirectSignedStatus:
        """Whether the customer has signed by itself."""
        return await self._connection.call(
            "agreements.direct_signed_status", DirectSignedStatus, customer_id=customer_id
        )
