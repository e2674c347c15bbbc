"""Customers on the wire (``20-subscriptions-customers`` sections 6, 7, 8.2 and 8.5)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import UNSET, UnsetType

from comptoir.wire.operation import Audience, Mode, Operation, Query
from comptoir.wire.partner import Address, AddressBody
from comptoir.wire.types import AttributesBody, Body, Collection, Reply, ResourceAttributes, SelfLinks

FAMILY = "customers"
ONE_PATH = "/v1/customers/{customer_id}"
CUSTOMER_ERRORS = ("400/900118", "404/60003", "403/20002")
USER_ERROR = "403/2032"


class CustomerCompanyProfile(Reply, kw_only=True):
    """Lists leave address and email out."""

    tenant_id: str
    domain: str
    company_name: str
    address: Address | UnsetType = UNSET
    email: str | UnsetType = UNSET
    organization_registration_number: str | UnsetType = UNSET
    links: SelfLinks
    attributes: ResourceAttributes


class CustomerBillingProfile(Reply, kw_only=True):
    """Its etag is the text of a signed 64-bit integer."""

    id: str
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    email: str
    culture: str
    language: str
    company_name: str
    default_address: Address
    links: SelfLinks
    attributes: ResourceAttributes


class UserCredentials(Reply, kw_only=True):
    """The administrator of a new tenant; shown once."""

    user_name: str
    password: str


class Customer(Reply, kw_only=True):
    """A customer. Lists leave out the billing profile and more (section 6)."""

    id: str
    commerce_id: str | UnsetType = UNSET
    company_profile: CustomerCompanyProfile
    billing_profile: CustomerBillingProfile | UnsetType = UNSET
    relationship_to_partner: str
    allow_delegated_access: bool | UnsetType = UNSET
    user_credentials: UserCredentials | UnsetType = UNSET
    custom_domains: Sequence[str] | UnsetType = UNSET
    associated_partner_id: str | UnsetType = UNSET
    links: SelfLinks
    attributes: ResourceAttributes


class RelationshipRequest(Reply, kw_only=True):
    """Where a customer accepts the partner as its reseller."""

    url: str
    attributes: ResourceAttributes


class CustomerQualification(Reply, kw_only=True):
    """The creation date has two names: documents say ``vettingCreatedDate``, .NET reads the other one."""

    qualification: str
    vetting_status: str
    vetting_reason: str | UnsetType = UNSET
    vetting_created_date: datetime
    vetting_create_date: datetime


class SpendingBudget(Reply, kw_only=True):
    """A customer's monthly budget; without amounts where none is set."""

    amount: Decimal | UnsetType = UNSET
    usage_spending_budget: Decimal | UnsetType = UNSET
    links: SelfLinks
    attributes: ResourceAttributes


class CompanyProfileBody(Body):
    """Of a new customer; its name is taken from the billing profile."""

    domain: str | None = None
    organization_registration_number: str | None = None


class BillingProfileBody(Body):
    """A billing profile as created or put."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    culture: str | None = None
    language: str | None = None
    company_name: str | None = None
    default_address: AddressBody | None = None
    attributes: AttributesBody | None = None


class CustomerBody(Body):
    """A customer as created, or as patched: then only the relationship counts."""

    company_profile: CompanyProfileBody | None = None
    billing_profile: BillingProfileBody | None = None
    associated_partner_id: str | None = None
    relationship_to_partner: str | int | None = None


class QualificationBody(Body):
    """An application for a qualification that is vetted."""

    qualification: str | int | None = None
    education_segment: str | None = None
    validation_code: str | None = None
    website: str | None = None


class SpendingBudgetBody(Body):
    """Nothing or 0 removes the budget."""

    amount: Decimal | None = None


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        id="customers.create",
        method="POST",
        path="/v1/customers",
        summary="Create a customer with a tenant of its own. Its administrator's password is shown once.",
        request=CustomerBody,
        reply=Customer,
        status=201,
        mode=Mode.WRITE,
        errors=(
            "400/3000", "400/800002", "400/2007", "400/600002", "400/600049", "400/600050", "400/600051",
            "400/800018", "403/900123", USER_ERROR, "409/800002",
        ),
        family=FAMILY,
    ),
    Operation(
        id="customers.list",
        method="GET",
        path="/v1/customers",
        summary="List customers by company name. Without a size, up to 5,000 in one page.",
        reply=Collection[Customer],
        query=(
            Query("size", "Customers on a page, at most 500; 0 for everything in one page.", kind=int),
            Query("filter", "JSON: CompanyName, Domain or IndirectReseller starts_with a value."),
            Query("seekOperation", "Next, Previous or First, beside a continuation token."),
            Query("MS-ContinuationToken", "The token, for clients that cannot send it as a header."),
        ),
        errors=("400/3000", "400/800002", "400/800042", "400/900126"),
        family=FAMILY,
        headers=("MS-ContinuationToken",),
    ),
    Operation(
        id="customers.get",
        method="GET",
        path=ONE_PATH,
        summary="Read a customer with both profiles.",
        reply=Customer,
        errors=CUSTOMER_ERRORS,
        family=FAMILY,
    ),
    Operation(
        id="customers.remove_relationship",
        method="PATCH",
        path=ONE_PATH,
        summary="Give a customer up: relationshipToPartner becomes none. A sandbox deletes the customer.",
        request=CustomerBody,
        reply=Customer,
        mode=Mode.WRITE,
        errors=("400/3000", "400/800002", USER_ERROR, "409/800042", *CUSTOMER_ERRORS),
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="customers.delete",
        method="DELETE",
        path=ONE_PATH,
        summary="Delete a customer of a sandbox; its subscriptions are cancelled along.",
        reply=None,
        status=204,
        mode=Mode.WRITE,
        errors=("400/900127", *CUSTOMER_ERRORS),
        family=FAMILY,
    ),
    Operation(
        id="customers.billing_profile_get",
        method="GET",
        path=ONE_PATH + "/profiles/billing",
        summary="Read the billing profile, whose etag a change must carry.",
        reply=CustomerBillingProfile,
        errors=CUSTOMER_ERRORS,
        family=FAMILY,
    ),
    Operation(
        id="customers.billing_profile_update",
        method="PUT",
        path=ONE_PATH + "/profiles/billing",
        summary="Replace the billing profile, with its etag in If-Match or in the body. The country stays.",
        request=BillingProfileBody,
        reply=CustomerBillingProfile,
        mode=Mode.WRITE,
        errors=("400/2055", "400/2007", "400/3000", "400/800002", "400/600051", *CUSTOMER_ERRORS),
        family=FAMILY,
        headers=("If-Match",),
    ),
    Operation(
        id="customers.company_profile_get",
        method="GET",
        path=ONE_PATH + "/profiles/company",
        summary="Read the company profile, which cannot be changed.",
        reply=CustomerCompanyProfile,
        errors=(USER_ERROR, *CUSTOMER_ERRORS),
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="customers.relationship_request",
        method="GET",
        path="/v1/customers/relationshiprequests",
        summary="Where a customer accepts the partner as its reseller.",
        reply=RelationshipRequest,
        errors=(USER_ERROR,),
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="customers.relationship_request_page",
        method="GET",
        path="/relationshiprequests/{account_id}",
        summary="What a customer sees behind a relationship request.",
        reply=None,
        audience=Audience.PUBLIC,
        media_type="text/plain",
    ),
    Operation(
        id="customers.qualification_get",
        method="GET",
        path=ONE_PATH + "/qualification",
        summary="Read which segment besides commercial the customer may buy in.",
        reply=str,
        errors=CUSTOMER_ERRORS,
        family=FAMILY,
    ),
    Operation(
        id="customers.qualification_update",
        method="PUT",
        path=ONE_PATH + "/qualification",
        summary="Give the customer the qualification Education or GovernmentCommunityCloud.",
        request=int | str,
        reply=str,
        mode=Mode.WRITE,
        query=(Query("code", "The validation code of a government customer; it is not checked."),),
        errors=("400/3000", "400/800002", "400/900126", USER_ERROR, *CUSTOMER_ERRORS),
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="customers.qualifications_list",
        method="GET",
        path=ONE_PATH + "/qualifications",
        summary="List the customer's qualifications and how far their check is.",
        reply=list[CustomerQualification],
        errors=CUSTOMER_ERRORS,
        family=FAMILY,
    ),
    Operation(
        id="customers.qualifications_create",
        method="POST",
        path=ONE_PATH + "/qualifications",
        summary="Apply for a qualification that is vetted.",
        request=QualificationBody,
        reply=CustomerQualification,
        status=201,
        mode=Mode.WRITE,
        query=(Query("code", "The validation code of a government customer; it is not checked."),),
        errors=("400/3000", "400/800002", USER_ERROR, *CUSTOMER_ERRORS),
        user_only=True,
        family=FAMILY,
    ),
    Operation(
        id="customers.validation_codes_list",
        method="GET",
        path="/v1/customers/all/validations",
        summary="List the government validation codes of the partner: there are none.",
        reply=list[str],
        family=FAMILY,
    ),
    Operation(
        id="customers.budget_get",
        method="GET",
        path=ONE_PATH + "/usagebudget",
        summary="Read the customer's monthly spending budget.",
        reply=SpendingBudget,
        errors=CUSTOMER_ERRORS,
        family=FAMILY,
    ),
    Operation(
        id="customers.budget_update",
        method="PATCH",
        path=ONE_PATH + "/usagebudget",
        summary="Set the customer's monthly spending budget; nothing or 0 removes it.",
        request=SpendingBudgetBody,
        reply=SpendingBudget,
        mode=Mode.WRITE,
        errors=("400/3000", "400/800002", *CUSTOMER_ERRORS),
        family=FAMILY,
    ),
)  # fmt: skip
