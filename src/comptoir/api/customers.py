"""Customers over HTTP: create, list, read, change, give up, delete; their qualifications and budgets."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode

from msgspec import UNSET

from comptoir.api.call import Answer, Call, Handler
from comptoir.api.etags import supplied_etags
from comptoir.api.partner import address_from_wire, address_to_wire
from comptoir.api.reading import count_asked, text_from_wire, text_to_wire
from comptoir.api.services import Services
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.customers import paging, service
from comptoir.customers.model import (
    BillingProfileDraft,
    Customer,
    CustomerDraft,
    CustomerSummary,
    Qualification,
    Relationship,
    Vetting,
    VettingStatus,
)
from comptoir.customers.rules import billing_etag
from comptoir.db import Tx
from comptoir.identity.service_passwords import draw_password
from comptoir.subscriptions import service as subscriptions
from comptoir.wire import customers as wire
from comptoir.wire.enums import UnknownValue, parse_enum
from comptoir.wire.filters import Condition, FilterInvalid, Operator, parse_filter
from comptoir.wire.types import Collection, KeyValue, Link, attributes, collection, link, self_links

ADMINISTRATOR = "admin"
TOKEN = "MS-ContinuationToken"  # noqa: S105 - the name of a header
RELATIONSHIPS_GIVEN_UP = frozenset({"none", 5})
"""How clients write the relationship ``none``: by name, or by its number in .NET's enumeration."""

QUALIFICATION_NUMBERS = dict(enumerate(Qualification))
"""The numbers of .NET's enumeration (``20-subscriptions-customers`` section 8.2)."""

REQUEST_PAGE = """\
A partner asks to become your reseller.

Customers of this marketplace are created by their partner, together with their tenant. There is nothing to
accept here, and opening this page has changed nothing.
"""


async def create(tx: Tx, ctx: Context, call: Call) -> wire.Customer:
    """``POST customers``. Only a user may create a customer for an indirect reseller."""
    draft = _draft_from_wire(call.body or wire.CustomerBody())
    is_app_only = ctx.actor.user_id is None and ctx.account.settings.enforce_user_context
    if draft.associated_partner_id and is_app_only:
        raise Refusal(Code.ACCESS_DENIED, reason="a customer of a reseller needs a signed-in user.")
    customer = await service.create(tx, ctx, draft)
    credentials = wire.UserCredentials(user_name=ADMINISTRATOR, password=draw_password())
    return _customer_to_wire(customer, credentials=credentials)


async def list_customers(tx: Tx, ctx: Context, call: Call) -> Collection[wire.Customer]:
    """``GET customers``: a page by size and filter, or the one that a continuation token leads to."""
    page = await service.list_page(tx, ctx, _seek_from_wire(ctx, call))
    return _page_to_wire(ctx, call, page)


async def get(tx: Tx, ctx: Context, call: Call) -> wire.Customer:
    """``GET customers/{c}``."""
    return _customer_to_wire(await service.require(tx, ctx, call.path["customer_id"]))


async def remove_relationship(tx: Tx, ctx: Context, call: Call) -> wire.Customer:
    """``PATCH customers/{c}`` with the relationship ``none``, and with nothing else that counts."""
    body = call.body or wire.CustomerBody()
    wanted = body.relationship_to_partner
    if (wanted.strip().lower() if isinstance(wanted, str) else wanted) not in RELATIONSHIPS_GIVEN_UP:
        raise Refusal(
            Code.INVALID_PROPERTY, member="relationshipToPartner", reason="it can only become none."
        )
    customer = await service.lock(tx, ctx, call.path["customer_id"])
    if ctx.account.settings.allow_customer_delete:
        await _delete(tx, ctx, customer)
        return _customer_to_wire(replace(customer, relationship=Relationship.NONE))
    held = await subscriptions.open_for_customer(tx, ctx, customer.id)
    left = await service.remove_relationship(tx, ctx, customer, has_open_subscriptions=bool(held))
    return _customer_to_wire(left)


async def delete(tx: Tx, ctx: Context, call: Call) -> None:
    """``DELETE customers/{c}``."""
    await _delete(tx, ctx, await service.lock_for_deletion(tx, ctx, call.path["customer_id"]))


async def billing_profile_get(tx: Tx, ctx: Context, call: Call) -> wire.CustomerBillingProfile:
    """``GET customers/{c}/profiles/billing``."""
    return _billing_to_wire(await service.require(tx, ctx, call.path["customer_id"]))


async def billing_profile_update(tx: Tx, ctx: Context, call: Call) -> wire.CustomerBillingProfile:
    """``PUT customers/{c}/profiles/billing``."""
    body = call.body or wire.BillingProfileBody()
    draft = _billing_from_wire(body)
    etags = supplied_etags(call.headers, body.attributes)
    return _billing_to_wire(
        await service.update_billing_profile(tx, ctx, call.path["customer_id"], draft, etags)
    )


async def company_profile_get(tx: Tx, ctx: Context, call: Call) -> wire.CustomerCompanyProfile:
    """``GET customers/{c}/profiles/company``."""
    return _company_to_wire(await service.require(tx, ctx, call.path["customer_id"]))


async def relationship_request(tx: Tx, ctx: Context, call: Call) -> wire.RelationshipRequest:
    """``GET customers/relationshiprequests``."""
    return wire.RelationshipRequest(
        url=f"{ctx.public_base_url}/relationshiprequests/{ctx.account.id}",
        attributes=attributes("RelationshipRequest"),
    )


async def relationship_request_page(services: Services, call: Call) -> Answer:
    """The page behind ``relationshiprequests``; it reads nothing stored."""
    return Answer(REQUEST_PAGE.encode(), content_type="text/plain; charset=utf-8")


async def qualification_get(tx: Tx, ctx: Context, call: Call) -> str:
    """``GET customers/{c}/qualification``: a bare JSON string."""
    return (await service.require(tx, ctx, call.path["customer_id"])).qualification.value


async def qualification_update(tx: Tx, ctx: Context, call: Call) -> str:
    """``PUT customers/{c}/qualification``: the body is a bare number or string."""
    try:
        wanted = parse_enum(Qualification, call.body, QUALIFICATION_NUMBERS)
    except UnknownValue as error:
        raise Refusal(
            Code.UNKNOWN_ENUM_VALUE, member="qualification", value=str(error.value)[:100]
        ) from error
    if wanted is None:
        raise Refusal(Code.INVALID_PROPERTY, member="qualification", reason="it is required.")
    customer = await service.set_qualification(tx, ctx, call.path["customer_id"], wanted)
    return customer.qualification.value


async def qualifications_list(tx: Tx, ctx: Context, call: Call) -> list[wire.CustomerQualification]:
    """``GET customers/{c}/qualifications``: a bare array."""
    customer = await service.require(tx, ctx, call.path["customer_id"])
    return [_vetting_to_wire(vetting) for vetting in customer.vettings]


async def qualifications_create(tx: Tx, ctx: Context, call: Call) -> wire.CustomerQualification:
    """``POST customers/{c}/qualifications``."""
    application = _application_from_wire(call, ctx.now)
    return _vetting_to_wire(
        await service.apply_for_qualification(tx, ctx, call.path["customer_id"], application)
    )


async def validation_codes_list(tx: Tx, ctx: Context, call: Call) -> list[str]:
    """``GET customers/all/validations``: codes are given by a government's own office, never here."""
    return []


async def budget_get(tx: Tx, ctx: Context, call: Call) -> wire.SpendingBudget:
    """``GET customers/{c}/usagebudget``."""
    return _budget_to_wire(await service.require(tx, ctx, call.path["customer_id"]))


async def budget_update(tx: Tx, ctx: Context, call: Call) -> wire.SpendingBudget:
    """``PATCH customers/{c}/usagebudget``."""
    body = call.body or wire.SpendingBudgetBody()
    return _budget_to_wire(await service.set_budget(tx, ctx, call.path["customer_id"], body.amount))


async def _delete(tx: Tx, ctx: Context, customer: Customer) -> None:
    """Customers do not know of subscriptions, so their end is composed here."""
    await subscriptions.cancel_all(tx, ctx, customer.id)
    await service.delete(tx, ctx, customer)


# From the wire


def _draft_from_wire(body: wire.CustomerBody) -> CustomerDraft:
    company = body.company_profile or wire.CompanyProfileBody()
    return CustomerDraft(
        domain=text_from_wire(company.domain),
        billing=_billing_from_wire(body.billing_profile or wire.BillingProfileBody()),
        registration_number=text_from_wire(company.organization_registration_number),
        associated_partner_id=text_from_wire(body.associated_partner_id),
    )


def _billing_from_wire(body: wire.BillingProfileBody) -> BillingProfileDraft:
    return BillingProfileDraft(
        email=text_from_wire(body.email),
        culture=text_from_wire(body.culture),
        language=text_from_wire(body.language),
        company_name=text_from_wire(body.company_name),
        default_address=None if body.default_address is None else address_from_wire(body.default_address),
        first_name=text_from_wire(body.first_name),
        last_name=text_from_wire(body.last_name),
    )


def _seek_from_wire(ctx: Context, call: Call) -> paging.Seek:
    token = call.headers.get(TOKEN) or call.query.get(TOKEN)
    operation = _seek_operation(call.query.get("seekOperation"))
    if token is None and operation in {None, paging.SeekOperation.FIRST}:
        return paging.plan(count_asked(call, "size"), _filter(call.query.get("filter")))
    return service.resume(ctx, operation or paging.SeekOperation.NEXT, token or "")


def _seek_operation(text: str | None) -> paging.SeekOperation | None:
    try:
        return parse_enum(paging.SeekOperation, text)
    except UnknownValue as error:
        raise Refusal(
            Code.UNKNOWN_ENUM_VALUE, member="seekOperation", value=str(error.value)[:100]
        ) from error


def _filter(text: str | None) -> paging.Filter | None:
    if text is None:
        return None
    try:
        condition = parse_filter(text)
    except FilterInvalid as error:
        raise Refusal(Code.INVALID_PROPERTY, member="filter", reason=f"{error}.") from error
    if not isinstance(condition, Condition) or condition.operator is not Operator.STARTS_WITH:
        raise Refusal(Code.INVALID_PROPERTY, member="filter", reason="only starts_with is known here.")
    try:
        field = parse_enum(paging.FilterField, condition.field)
    except UnknownValue as error:
        raise Refusal(Code.INVALID_PROPERTY, member="filter", reason=f"{error}.") from error
    assert field is not None, "a condition has a field"
    return paging.begins_with(field, condition.value)


def _application_from_wire(call: Call, now: datetime) -> Vetting:
    body = call.body or wire.QualificationBody()
    try:
        wanted = parse_enum(Qualification, body.qualification, QUALIFICATION_NUMBERS)
    except UnknownValue as error:
        raise Refusal(Code.INVALID_PROPERTY, member="qualification", reason=f"{error}.") from error
    if wanted is None:
        raise Refusal(Code.INVALID_PROPERTY, member="qualification", reason="it is required.")
    return Vetting(
        qualification=wanted,
        status=VettingStatus.IN_REVIEW,
        created_at=now,
        education_segment=text_from_wire(body.education_segment),
        validation_code=text_from_wire(body.validation_code or call.query.get("code")),
        website=text_from_wire(body.website),
    )


# To the wire


def _customer_to_wire(
    customer: Customer, *, credentials: wire.UserCredentials | None = None
) -> wire.Customer:
    """A customer with both profiles. Credentials come with a new one, delegated access with a known one."""
    return wire.Customer(
        id=customer.id,
        commerce_id=customer.commerce_id,
        company_profile=_company_to_wire(customer),
        billing_profile=_billing_to_wire(customer),
        relationship_to_partner=customer.relationship.value,
        allow_delegated_access=UNSET if credentials else customer.relationship is Relationship.RESELLER,
        user_credentials=credentials or UNSET,
        custom_domains=[customer.domain],
        associated_partner_id=text_to_wire(customer.associated_partner_id),
        links=self_links(f"/customers/{customer.id}"),
        attributes=attributes("Customer"),
    )


def _company_to_wire(customer: Customer) -> wire.CustomerCompanyProfile:
    """Name, address and email of the company are those of its billing profile."""
    return wire.CustomerCompanyProfile(
        tenant_id=customer.id,
        domain=customer.domain,
        company_name=customer.company_name,
        address=address_to_wire(customer.billing.default_address),
        email=customer.email,
        organization_registration_number=text_to_wire(customer.registration_number),
        links=self_links(f"/customers/{customer.id}/profiles/company"),
        attributes=attributes("CustomerCompanyProfile"),
    )


def _billing_to_wire(customer: Customer) -> wire.CustomerBillingProfile:
    billing = customer.billing
    return wire.CustomerBillingProfile(
        id=billing.id,
        first_name=text_to_wire(billing.first_name),
        last_name=text_to_wire(billing.last_name),
        email=billing.email,
        culture=billing.culture,
        language=billing.language,
        company_name=billing.company_name,
        default_address=address_to_wire(billing.default_address),
        links=self_links(f"/customers/{customer.id}/profiles/billing"),
        attributes=attributes("CustomerBillingProfile", billing_etag(customer)),
    )


def _summary_to_wire(customer: CustomerSummary) -> wire.Customer:
    return wire.Customer(
        id=customer.id,
        company_profile=wire.CustomerCompanyProfile(
            tenant_id=customer.id,
            domain=customer.domain,
            company_name=customer.company_name,
            organization_registration_number=text_to_wire(customer.registration_number),
            links=self_links(f"/customers/{customer.id}/profiles/company"),
            attributes=attributes("CustomerCompanyProfile"),
        ),
        relationship_to_partner=Relationship.RESELLER.value,
        associated_partner_id=text_to_wire(customer.associated_partner_id),
        links=self_links(f"/customers/{customer.id}"),
        attributes=attributes("Customer"),
    )


def _page_to_wire(ctx: Context, call: Call, page: paging.Page) -> Collection[wire.Customer]:
    token = service.continuation_token(ctx, page) if page.items else ""
    return collection(
        [_summary_to_wire(customer) for customer in page.items],
        _page_uri(page.seek, filter=call.query.get("filter")),
        next_link=_seek_link(page, paging.SeekOperation.NEXT, token) if page.has_next else None,
        previous_link=_seek_link(page, paging.SeekOperation.PREVIOUS, token) if page.has_previous else None,
        continuation_token=token,
    )


def _seek_link(page: paging.Page, operation: paging.SeekOperation, token: str) -> Link:
    """Another page: the client copies the token from the link's headers into its request."""
    uri = _page_uri(page.seek, seekOperation=operation.value.capitalize())
    return link(uri, headers=[KeyValue(key=TOKEN, value=token)])


def _page_uri(seek: paging.Seek, **parameters: str | None) -> str:
    sent = {"size": str(seek.size) if seek.size else None, **parameters}
    query = urlencode({name: value for name, value in sent.items() if value is not None})
    return f"/customers?{query}" if query else "/customers"


def _vetting_to_wire(vetting: Vetting) -> wire.CustomerQualification:
    return wire.CustomerQualification(
        qualification=_pascal(vetting.qualification),
        vetting_status=vetting.status.value,
        vetting_reason=text_to_wire(vetting.reason),
        vetting_created_date=vetting.created_at,
        vetting_create_date=vetting.created_at,
    )


def _pascal(qualification: Qualification) -> str:
    return "".join(word.capitalize() for word in qualification.value.split("_"))


def _budget_to_wire(customer: Customer) -> wire.SpendingBudget:
    amount = UNSET if customer.spending_budget is None else customer.spending_budget
    return wire.SpendingBudget(
        amount=amount,
        usage_spending_budget=amount,
        links=self_links(f"/customers/{customer.id}/usagebudget"),
        attributes=attributes("SpendingBudget"),
    )


HANDLERS: Mapping[str, Handler] = {
    "customers.create": create,
    "customers.list": list_customers,
    "customers.get": get,
    "customers.remove_relationship": remove_relationship,
    "customers.delete": delete,
    "customers.billing_profile_get": billing_profile_get,
    "customers.billing_profile_update": billing_profile_update,
    "customers.company_profile_get": company_profile_get,
    "customers.relationship_request": relationship_request,
    "customers.relationship_request_page": relationship_request_page,
    "customers.qualification_get": qualification_get,
    "customers.qualification_update": qualification_update,
    "customers.qualifications_list": qualifications_list,
    "customers.qualifications_create": qualifications_create,
    "customers.validation_codes_list": validation_codes_list,
    "customers.budget_get": budget_get,
    "customers.budget_update": budget_update,
}
