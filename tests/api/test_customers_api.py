"""Customers over HTTP, on both engines: every call, every refusal, and that a refusal changes nothing."""

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from tests.contract.check import check_reply
from tests.market import ADMIN, BASE_URL, Market
from tests.subscription_factory import draft as subscription_draft

from comptoir.audit import service as audit
from comptoir.customers import service, service_resellers
from comptoir.customers.model import Reseller
from comptoir.db import Tx, sql
from comptoir.subscriptions import service as subscriptions
from comptoir.subscriptions.model import Status

pytestmark = pytest.mark.anyio

UNKNOWN = "00000000-0000-4000-8000-000000000099"
RESELLER = Reseller(
    "22222222-3333-4444-8555-666666666666",
    "Kiosque du Port",
    "4400",
    "Active",
    "FR",
    has_signed_agreement=True,
)
UNSIGNED = Reseller(
    "33333333-3333-4444-8555-666666666666", "Échoppe", "4500", "Active", "FR", has_signed_agreement=False
)
CUSTOMER_ROWS = sql("""
    SELECT account_id, id, domain, name_key, relationship, qualification, document, billing_version,
           deleted_at
    FROM customers ORDER BY id{c}
""")
JOURNAL_ROWS = sql("SELECT account_id, sequence, hash FROM journal_heads ORDER BY account_id{c}")

BODY: dict[str, Any] = {
    "companyProfile": {"domain": "nouvelle-aube.example"},
    "billingProfile": {
        "firstName": "Aimée",
        "lastName": "Lenoir",
        "email": "achats@nouvelle-aube.example",
        "culture": "fr-FR",
        "language": "fr",
        "companyName": "Nouvelle Aube",
        "defaultAddress": {
            "country": "FR",
            "city": "Lyon",
            "addressLine1": "14 rue des Fours",
            "postalCode": "69002",
            "phoneNumber": "+33 4 65 71 00 00",
        },
    },
}
DOTNET_BODY: dict[str, Any] = {
    "Id": None,
    "CommerceId": None,
    "CompanyProfile": {
        "TenantId": None,
        "Domain": "Nouvelle-Aube.example",
        "CompanyName": None,
        "OrganizationRegistrationNumber": None,
        "Links": None,
        "Attributes": {"Etag": None, "ObjectType": "CustomerCompanyProfile"},
    },
    "BillingProfile": {
        "Id": None,
        "FirstName": "Aimée",
        "LastName": "Lenoir",
        "Email": "achats@nouvelle-aube.example",
        "Culture": "fr-FR",
        "Language": "fr",
        "CompanyName": "Nouvelle Aube",
        "DefaultAddress": {
            "Country": "FR",
            "Region": None,
            "City": "Lyon",
            "State": None,
            "AddressLine1": "14 rue des Fours",
            "AddressLine2": None,
            "PostalCode": "69002",
            "FirstName": None,
            "LastName": None,
            "PhoneNumber": "+33 4 65 71 00 00",
        },
        "Links": None,
        "Attributes": {"Etag": None, "ObjectType": "CustomerBillingProfile"},
    },
    "RelationshipToPartner": "unknown",
    "AllowDelegatedAccess": None,
    "UserCredentials": None,
    "CustomDomains": None,
    "AssociatedPartnerId": None,
    "Links": None,
    "Attributes": {"Etag": None, "ObjectType": "Customer"},
}


AMERICAN = {
    "country": "US",
    "state": "WA",
    "city": "Tacoma",
    "addressLine1": "1200 Dock Street",
    "postalCode": "98402",
}


def body(**changes: Any) -> dict[str, Any]:
    """The sample body with members replaced by dotted path; ``None`` removes one."""
    made = deepcopy(BODY)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place: dict[str, Any] = made
        for parent in parents:
            place = place[parent]
        place[last] = deepcopy(value)
        if value is None:
            del place[last]
    return made


async def state(market: Market) -> tuple[Any, Any]:
    """Everything about customers, and the end of every journal."""

    async def work(tx: Tx) -> tuple[Any, Any]:
        customers = [dict(row) for row in await tx.all(CUSTOMER_ROWS)]
        return customers, [dict(row) for row in await tx.all(JOURNAL_ROWS)]

    return await market.read(work)


async def actions(market: Market, account: str = "sandbox") -> list[str]:
    """What the journal of an account says was done since the sample was made."""
    owner = await market.account(account)
    entries = await market.read(partial(audit.read, account_id=owner.id, after_sequence=0, limit=1_000))
    return [entry.entry.action for entry in entries if entry.entry.application_id != "init"]


async def is_refused(
    market: Market, expected: str, method: str, path: str, sent: Any = None, **options: Any
) -> dict[str, Any]:
    """Whether a call is refused as documented (``"400/3000"``) and changes nothing; the fault."""
    before = await state(market)
    response = await market.call(method, path, sent, **options)
    fault = response.json()
    assert f"{response.status_code}/{fault.get('code')}" == expected, fault
    check_reply("Fault", fault)
    assert await state(market) == before
    return dict(fault)


async def created(market: Market, domain: str = "nouvelle-aube.example", **options: Any) -> dict[str, Any]:
    response = await market.post("/v1/customers", body(companyProfile__domain=domain), **options)
    assert response.status_code == 201, response.text
    return dict(response.json())


async def subscribe(market: Market, customer_id: str, account: str = "sandbox") -> str:
    """The id of a new subscription of a customer."""
    ctx = await market.context(account)

    async def work(tx: Tx) -> str:
        customer = await service.require(tx, ctx, customer_id)
        return (await subscriptions.create(tx, ctx, customer, subscription_draft())).id

    return await market.write(work)


async def add_resellers(market: Market, account: str = "production") -> None:
    ctx = await market.context(account)
    for reseller in (RESELLER, UNSIGNED):
        await market.write(partial(service_resellers.add, ctx=ctx, reseller=reseller))


# Create


async def test_a_new_customer_is_answered_whole(market: Market) -> None:
    response = await market.post("/v1/customers", BODY)
    assert response.status_code == 201
    made = response.json()
    check_reply("Customer", made)
    assert made["relationshipToPartner"] == "reseller"
    assert made["companyProfile"]["tenantId"] == made["id"]
    assert made["companyProfile"]["domain"] == "nouvelle-aube.example"
    assert made["companyProfile"]["companyName"] == "Nouvelle Aube"
    assert made["billingProfile"]["defaultAddress"] == BODY["billingProfile"]["defaultAddress"]
    assert made["userCredentials"]["userName"] == "admin"
    assert len(made["userCredentials"]["password"]) == 16
    assert "allowDelegatedAccess" not in made
    assert await actions(market) == ["add_customer"]


async def test_the_same_customer_as_dotnet_writes_it(market: Market) -> None:
    first = await created(market)
    removed = await market.delete(f"/v1/customers/{first['id']}")
    response = await market.post("/v1/customers", DOTNET_BODY)
    assert (removed.status_code, response.status_code) == (204, 201)
    made = response.json()
    for volatile in ("id", "commerceId", "userCredentials"):
        del first[volatile], made[volatile]
    for one in (first, made):
        del one["links"], one["companyProfile"]["links"], one["companyProfile"]["tenantId"]
        del (
            one["billingProfile"]["id"],
            one["billingProfile"]["links"],
            one["billingProfile"]["attributes"]["etag"],
        )
    assert made == first


async def test_a_repeated_request_creates_one_customer(market: Market) -> None:
    headers = {"MS-RequestId": "6f1c1a9e-1f0b-4a55-8f22-d6d1d7f5a001"}
    first = await market.post("/v1/customers", BODY, headers=headers)
    again = await market.post("/v1/customers", BODY, headers=headers)
    assert again.headers["MS-Replayed"] == "true"
    assert (again.status_code, again.content) == (201, first.content)
    assert await actions(market) == ["add_customer"]


RUSSIAN = {
    "billingProfile__defaultAddress": {
        "country": "RU",
        "city": "Москва",
        "addressLine1": "Липовая 4",
        "postalCode": "101000",
        "phoneNumber": "+7 495 000 00 00",
    },
    "companyProfile__organizationRegistrationNumber": "7701234567",
}


async def test_a_customer_with_a_registration_number(market: Market) -> None:
    response = await market.post("/v1/customers", body(**RUSSIAN))
    assert response.status_code == 201
    check_reply("Customer", response.json())
    assert response.json()["companyProfile"]["organizationRegistrationNumber"] == "7701234567"


FAULTY_CUSTOMERS: list[tuple[dict[str, Any], int, str | None]] = [
    ({"companyProfile": None}, 3000, "companyProfile.domain"),
    ({"companyProfile__domain": None}, 3000, "companyProfile.domain"),
    ({"companyProfile__domain": "' OR 1=1 --"}, 3000, "companyProfile.domain"),
    ({"companyProfile__domain": 7}, 3000, "companyProfile.domain"),
    ({"billingProfile": None}, 3000, "billingProfile.email"),
    ({"billingProfile": []}, 3000, "billingProfile"),
    ({"billingProfile__email": None}, 3000, "billingProfile.email"),
    ({"billingProfile__culture": None}, 3000, "billingProfile.culture"),
    ({"billingProfile__language": None}, 3000, "billingProfile.language"),
    ({"billingProfile__companyName": None}, 3000, "billingProfile.companyName"),
    ({"billingProfile__companyName": "a\x00b"}, 3000, "billingProfile.companyName"),
    ({"billingProfile__companyName": {"x": 1}}, 3000, "billingProfile.companyName"),
    ({"billingProfile__defaultAddress": None}, 3000, "billingProfile.defaultAddress"),
    ({"billingProfile__defaultAddress__postalCode": "6900"}, 2007,
     "billingProfile.defaultAddress.postalCode"),
    ({"billingProfile__defaultAddress__country": "ZZ"}, 2007, "billingProfile.defaultAddress.country"),
    ({"billingProfile__defaultAddress__city": None}, 2007, "billingProfile.defaultAddress.city"),
    ({"companyProfile__organizationRegistrationNumber": "123"}, 600002, None),
    ({**RUSSIAN, "companyProfile__organizationRegistrationNumber": "12"}, 600050, None),
    ({**RUSSIAN, "companyProfile__organizationRegistrationNumber": ""}, 600049, None),
    ({"associatedPartnerId": UNKNOWN}, 3000, "associatedPartnerId"),
]  # fmt: skip


async def test_what_a_new_customer_may_not_be(market: Market) -> None:
    for changes, code, member in FAULTY_CUSTOMERS:
        sent = body(**changes)
        fault = await is_refused(market, f"400/{code}", "POST", "/v1/customers", sent, user=ADMIN)
        assert fault["data"] == ([] if member is None else [member]), changes


async def test_the_phone_number_is_required_in_eleven_countries(market: Market) -> None:
    sent = body(**RUSSIAN)
    del sent["billingProfile"]["defaultAddress"]["phoneNumber"]
    await is_refused(market, "400/600051", "POST", "/v1/customers", sent)


async def test_an_empty_and_an_unreadable_new_customer(market: Market) -> None:
    for raw in (b"", b"null", b"{}", b"{} // nothing"):
        await is_refused(market, "400/3000", "POST", "/v1/customers", raw=raw)
    for raw in (b"{", b"[1]", b'"text"', b"\xff\xfe", b"[" * 100_000):
        await is_refused(market, "400/800002", "POST", "/v1/customers", raw=raw)


async def test_a_domain_is_given_once_over_all_accounts(market: Market) -> None:
    await created(market)
    await is_refused(market, "409/800002", "POST", "/v1/customers", BODY)
    await is_refused(market, "409/800002", "POST", "/v1/customers", BODY, account="production")
    partner = await market.account("production")
    own = body(companyProfile__domain=partner.domain.upper())
    await is_refused(market, "409/800002", "POST", "/v1/customers", own)


async def test_the_customer_after_the_limit(market: Market) -> None:
    held = len((await market.get("/v1/customers")).json()["items"])
    await market.configure(limit_customers=held + 1)
    first = await created(market)
    fault = await is_refused(
        market, "400/800018", "POST", "/v1/customers", body(companyProfile__domain="one-too-many.example")
    )
    assert str(held + 1) in fault["description"]
    await market.delete(f"/v1/customers/{first['id']}")
    await created(market, "one-too-many.example")


async def test_the_75th_customer_of_a_faithful_sandbox_is_the_last(market: Market) -> None:
    await market.configure(limit_customers=75)
    held = len((await market.get("/v1/customers")).json()["items"])
    for number in range(held, 75):
        await created(market, f"number-{number}.example")
    sent = body(companyProfile__domain="number-75.example")
    await is_refused(market, "400/800018", "POST", "/v1/customers", sent)


async def test_a_customer_of_a_reseller(market: Market) -> None:
    await add_resellers(market)
    sent = body(associatedPartnerId=RESELLER.id.upper())
    await is_refused(market, "403/2032", "POST", "/v1/customers", sent, account="production")
    response = await market.post("/v1/customers", sent, account="production", user=ADMIN)
    assert response.status_code == 201
    check_reply("Customer", response.json())
    assert response.json()["associatedPartnerId"] == RESELLER.id


async def test_an_application_may_create_it_where_users_are_not_enforced(market: Market) -> None:
    await add_resellers(market)
    await market.configure("production", enforce_user_context=False)
    sent = body(associatedPartnerId=RESELLER.id)
    response = await market.post("/v1/customers", sent, account="production")
    assert response.status_code == 201


async def test_a_reseller_without_the_partner_agreement(market: Market) -> None:
    await add_resellers(market)
    sent = body(associatedPartnerId=UNSIGNED.id)
    options = {"account": "production", "user": ADMIN}
    await is_refused(market, "403/900123", "POST", "/v1/customers", sent, **options)


# Read


async def test_a_customer_is_read_with_both_profiles(market: Market) -> None:
    made = await created(market)
    response = await market.get(f"/v1//customers/{made['id'].upper()}/")
    assert response.status_code == 200
    read = response.json()
    check_reply("Customer", read)
    assert read["allowDelegatedAccess"] is True
    assert read["customDomains"] == ["nouvelle-aube.example"]
    assert "userCredentials" not in read
    for member in ("id", "commerceId", "companyProfile", "billingProfile", "relationshipToPartner", "links"):
        assert read[member] == made[member]


PATHS = [
    ("GET", ""), ("GET", "/profiles/billing"), ("PUT", "/profiles/billing"), ("GET", "/profiles/company"),
    ("GET", "/qualification"), ("PUT", "/qualification"), ("GET", "/qualifications"),
    ("POST", "/qualifications"), ("GET", "/usagebudget"), ("PATCH", "/usagebudget"),
    ("PATCH", ""), ("DELETE", ""),
    ("GET", "/relationships"), ("GET", "/agreements"), ("POST", "/agreements"),
    ("GET", "/directSignedMicrosoftCustomerAgreementStatus"),
]  # fmt: skip
SENT: Mapping[tuple[str, str], Any] = {
    ("PUT", "/profiles/billing"): BODY["billingProfile"],
    ("PUT", "/qualification"): 1,
    ("POST", "/qualifications"): {"qualification": "education"},
    ("PATCH", "/usagebudget"): {"amount": 5},
    ("PATCH", ""): {"relationshipToPartner": "none"},
    ("POST", "/agreements"): {
        "primaryContact": {"firstName": "A", "lastName": "B", "email": "a@b.example"},
        "templateId": "117a77b0-9360-443b-8795-c6dedc750cf9",
        "dateAgreed": "2026-03-01T00:00:00Z",
        "type": "MicrosoftCustomerAgreement",
    },
}


async def test_malformed_unknown_and_foreign_ids_are_told_apart_everywhere(market: Market) -> None:
    foreign = market.customer("FR", "production")
    refusals = {"not-a-guid": (400, 900118), UNKNOWN: (404, 60003), foreign: (403, 20002)}
    before = await state(market)
    for method, path in PATHS:
        for customer_id, expected in refusals.items():
            full = f"/v1/customers/{quote(customer_id)}{path}"
            response = await market.call(method, full, SENT.get((method, path)), user=ADMIN)
            assert (response.status_code, response.json()["code"]) == expected, (method, full, response.text)
            check_reply("Fault", response.json())
    assert await state(market) == before


async def test_tricks_in_place_of_an_id(market: Market) -> None:
    for customer_id in ("' OR '1'='1", "%00", "a" * 4_000, "..%2f..", "{id}", "５e0c7f2a"):
        response = await market.get(f"/v1/customers/{quote(customer_id, safe='%')}")
        assert response.status_code in {400, 404}, customer_id
        assert response.json()["code"] in {900118, 1000, 800002}, customer_id


USER_ONLY = [
    ("PATCH", ""), ("GET", "/profiles/company"), ("PUT", "/qualification"), ("POST", "/qualifications"),
    ("GET", "/relationships"), ("GET", "/agreements"), ("POST", "/agreements"),
    ("GET", "/directSignedMicrosoftCustomerAgreementStatus"),
]  # fmt: skip


async def test_calls_that_need_a_signed_in_user(market: Market) -> None:
    customer_id = market.customer("FR")
    for method, path in USER_ONLY:
        full = f"/v1/customers/{customer_id}{path}"
        await is_refused(market, "403/2032", method, full, SENT.get((method, path)))
    await is_refused(market, "403/2032", "GET", "/v1/customers/relationshiprequests")
    await market.configure(enforce_user_context=False)
    allowed = await market.get(f"/v1/customers/{customer_id}/profiles/company")
    assert allowed.status_code == 200


# List


async def pages_by_link(market: Market, path: str) -> list[list[dict[str, Any]]]:
    """Every page, following ``links.next`` with its headers."""
    pages: list[list[dict[str, Any]]] = []
    headers: dict[str, str] = {}
    for _ in range(100):
        page = (await market.get(f"/v1/{path}", headers=headers)).json()
        check_reply("Collection<Customer>", page)
        pages.append(page["items"])
        following = page["links"].get("next")
        assert ("continuationToken" in page) is (following is not None)
        if following is None:
            return pages
        path, headers = following["uri"], {entry["key"]: entry["value"] for entry in following["headers"]}
    raise AssertionError("the list does not end")


async def test_a_list_without_size_holds_everything(market: Market) -> None:
    response = await market.get("/v1/customers")
    assert response.status_code == 200
    page = response.json()
    check_reply("Collection<Customer>", page)
    account = next(made for made in market.made.accounts if made.name == "sandbox")
    assert {item["id"] for item in page["items"]} == {customer.id for customer in account.customers}
    assert "next" not in page["links"]
    assert "previous" not in page["links"]
    for item in page["items"]:
        assert not {"billingProfile", "commerceId", "allowDelegatedAccess", "customDomains"} & item.keys()
    names = [item["companyProfile"]["companyName"].casefold() for item in page["items"]]
    assert names == sorted(names)
    assert (await market.get("/v1/customers?size=0")).json()["items"] == page["items"]


async def test_pages_by_link(market: Market) -> None:
    everything = (await market.get("/v1/customers")).json()["items"]
    for size in (1, 2, 4, 500):
        pages = await pages_by_link(market, f"customers?size={size}")
        assert [item for page in pages for item in page] == everything
        assert all(len(page) == size for page in pages[:-1])


@pytest.mark.parametrize("place", ["header", "query"])
async def test_pages_by_the_token_alone(market: Market, place: str) -> None:
    everything = (await market.get("/v1/customers")).json()["items"]
    wanted = quote(json.dumps({"Field": "Domain", "Value": "", "Operator": "starts_with"}))
    page = (await market.get(f"/v1/customers?size=2&filter={wanted}")).json()
    seen = list(page["items"])
    while "continuationToken" in page:
        token = page["continuationToken"]
        if place == "header":
            headers = {"MS-ContinuationToken": token}
            page = (await market.get("/v1/customers?seekOperation=Next", headers=headers)).json()
        else:
            page = (
                await market.get(f"/v1/customers?seekOperation=next&ms-continuationtoken={quote(token)}")
            ).json()
        assert page["totalCount"] <= 2
        seen += page["items"]
    assert seen == everything


async def test_previous_and_first(market: Market) -> None:
    first = (await market.get("/v1/customers?size=2")).json()
    headers = {"MS-ContinuationToken": first["continuationToken"]}
    second = (await market.get("/v1/customers?seekOperation=Next", headers=headers)).json()
    back = second["links"]["previous"]
    headers = {entry["key"]: entry["value"] for entry in back["headers"]}
    assert back["uri"] == "/customers?size=2&seekOperation=Previous"
    again = (await market.get(f"/v1{back['uri']}", headers=headers)).json()
    check_reply("Collection<Customer>", again)
    assert again["items"] == first["items"]
    assert "previous" not in again["links"]
    restart = (await market.get("/v1/customers?seekOperation=FIRST", headers=headers)).json()
    assert restart["items"] == first["items"]


async def test_a_size_above_the_maximum_is_cut(market: Market) -> None:
    response = await market.get("/v1/customers?size=100000")
    assert response.status_code == 200
    assert response.json()["links"]["self"]["uri"] == "/customers?size=500"


FILTERS: list[tuple[dict[str, str], set[str]]] = [
    ({"Field": "CompanyName", "Value": "CAFÉ", "Operator": "starts_with"}, {"FR"}),
    ({"operator": "StartsWith", "field": "CompanyName", "value": "café", "fieldType": "STRING"}, {"FR"}),
    ({"Field": "companyname", "Value": "やま", "Operator": "STARTS_WITH"}, {"JP"}),
    ({"Field": "Domain", "Value": "Larkspur", "Operator": "starts_with"}, {"US"}),
    ({"Field": "CompanyName", "Value": "%", "Operator": "starts_with"}, set()),
    ({"Field": "CompanyName", "Value": "' OR 1=1 --", "Operator": "starts_with"}, set()),
    ({"Field": "IndirectReseller", "Value": UNKNOWN, "Operator": "starts_with"}, set()),
    ({"Field": "IndirectCloudSolutionProvider", "Value": UNKNOWN, "Operator": "starts_with"}, set()),
]  # fmt: skip


async def test_filters_as_dotnet_and_java_write_them(market: Market) -> None:
    account = next(made for made in market.made.accounts if made.name == "sandbox")
    for wanted, countries in FILTERS:
        response = await market.get(f"/v1/customers?filter={quote(json.dumps(wanted))}")
        assert response.status_code == 200, (wanted, response.text)
        check_reply("Collection<Customer>", response.json())
        found = {item["id"] for item in response.json()["items"]}
        assert {one.country for one in account.customers if one.id in found} == countries, wanted


async def test_the_customers_of_one_reseller(market: Market) -> None:
    await add_resellers(market)
    sent = body(associatedPartnerId=RESELLER.id)
    made = (await market.post("/v1/customers", sent, account="production", user=ADMIN)).json()
    for field, value in (("IndirectReseller", RESELLER.id.upper()), ("IndirectCloudSolutionProvider", "")):
        wanted = quote(json.dumps({"Field": field, "Value": value, "Operator": "starts_with"}))
        page = (await market.get(f"/v1/customers?filter={wanted}", account="production")).json()
        assert [item["id"] for item in page["items"]] == [made["id"]]
        assert page["items"][0]["associatedPartnerId"] == RESELLER.id


FAULTY_QUERIES = [
    ("size=-1", 3000),
    ("size=ten", 3000),
    ("size=%D9%A3", 3000),
    ("size=-%D9%A3", 3000),
    ("size=1.5", 3000),
    ("size=99999999999", 3000),
    ("filter=nonsense", 3000),
    ("filter={}", 3000),
    ('filter={"Field":"Country","Value":"FR","Operator":"starts_with"}', 3000),
    ('filter={"Field":"CompanyName","Value":"a","Operator":"equals"}', 3000),
    ('filter={"Field":"CompanyName","Value":"a","Operator":"resembles"}', 3000),
    ('filter={"Field":"CompanyName","Operator":"starts_with"}', 3000),
    ('filter={"Field":"CompanyName","Value":"a\\u0000","Operator":"starts_with"}', 3000),
    ("seekOperation=Next", 800002),
    ("seekOperation=Previous", 800002),
    ("seekOperation=Next&MS-ContinuationToken=forged", 800002),
    ("MS-ContinuationToken=AAAA,BBBB/=", 800002),
    ("seekOperation=Last", 800042),
    ("seekOperation=PageIndex", 800042),
    ("seekOperation=Sideways", 900126),
]  # fmt: skip


async def test_what_a_list_cannot_be_asked(market: Market) -> None:
    for query, code in FAULTY_QUERIES:
        name, _, value = query.partition("=")
        path = f"/v1/customers?{query}" if "&" in value else f"/v1/customers?{name}={quote(value)}"
        await is_refused(market, f"400/{code}", "GET", path)


async def test_a_compound_filter_is_unknown_here(market: Market) -> None:
    one = {"Field": "CompanyName", "Value": "a", "Operator": "starts_with"}
    both = quote(json.dumps({"LeftFilter": one, "Operator": "and", "RightFilter": one}))
    await is_refused(market, "400/3000", "GET", f"/v1/customers?filter={both}")


async def test_a_token_of_another_account_and_an_old_one(market: Market) -> None:
    token = (await market.get("/v1/customers?size=1")).json()["continuationToken"]
    headers = {"MS-ContinuationToken": token}
    path = "/v1/customers?seekOperation=Next"
    await is_refused(market, "400/800002", "GET", path, account="production", headers=headers)
    market.wait(hours=24)
    market.tokens.clear()
    await is_refused(market, "400/800002", "GET", path, headers=headers)


# Billing profile


async def test_the_billing_profile_is_read_and_replaced(market: Market) -> None:
    made = await created(market)
    path = f"/v1/customers/{made['id']}/profiles/billing"
    response = await market.get(path)
    profile = response.json()
    check_reply("CustomerBillingProfile", profile)
    assert profile == made["billingProfile"]
    etag = profile["attributes"]["etag"]
    assert -(2**63) <= int(etag) < 2**63
    assert response.headers["ETag"] == f'"{etag}"'

    changed = {**profile, "companyName": "Grande Aube", "firstName": "Zoé"}
    answer = await market.put(path, changed)
    assert answer.status_code == 200
    check_reply("CustomerBillingProfile", answer.json())
    assert answer.json()["attributes"]["etag"] != etag
    assert (answer.json()["companyName"], answer.json()["firstName"]) == ("Grande Aube", "Zoé")
    assert (await market.get(path)).json() == answer.json()
    company = (await market.get(f"/v1/customers/{made['id']}")).json()["companyProfile"]
    assert company["companyName"] == "Grande Aube"
    assert await actions(market) == ["add_customer", "update_customer_billing_profile"]


async def test_the_etag_may_come_in_a_header(market: Market) -> None:
    made = await created(market)
    etag = made["billingProfile"]["attributes"]["etag"]
    path = f"/v1/customers/{made['id']}/profiles/billing"
    for index, form in enumerate(('"{}"', "{}", 'W/"{}"')):
        sent = {**BODY["billingProfile"], "lastName": f"Leblanc {index}"}
        answer = await market.put(path, sent, headers={"If-Match": form.replace("{}", etag)})
        assert (answer.status_code, answer.json().get("lastName")) == (200, f"Leblanc {index}")
        etag = answer.json()["attributes"]["etag"]


async def test_the_billing_profile_as_dotnet_writes_it(market: Market) -> None:
    made = await created(market)
    profile = deepcopy(DOTNET_BODY["BillingProfile"])
    profile["Attributes"] = {"Etag": made["billingProfile"]["attributes"]["etag"], "ObjectType": "x"}
    profile["CompanyName"] = "Autre Aube"
    answer = await market.put(f"/v1/customers/{made['id']}/profiles/billing", profile)
    assert (answer.status_code, answer.json().get("companyName")) == (200, "Autre Aube")


async def test_a_stale_or_missing_etag(market: Market) -> None:
    made = await created(market)
    path = f"/v1/customers/{made['id']}/profiles/billing"
    profile = made["billingProfile"]
    etag = profile["attributes"]["etag"]
    without = {name: value for name, value in profile.items() if name != "attributes"}
    await is_refused(market, "400/2055", "PUT", path, {**without, "firstName": "X"})
    await is_refused(market, "400/2055", "PUT", path, without, headers={"If-Match": "*"})
    await is_refused(market, "400/2055", "PUT", path, profile, headers={"If-Match": '"7"'})
    assert (await market.put(path, {**profile, "firstName": "X"})).status_code == 200
    await is_refused(market, "400/2055", "PUT", path, {**profile, "firstName": "Y"})
    await is_refused(market, "400/2055", "PUT", path, without, headers={"If-Match": etag})


FAULTY_PROFILES: list[tuple[dict[str, Any], int, str]] = [
    ({"email": None}, 3000, "email"),
    ({"culture": ""}, 3000, "culture"),
    ({"companyName": None}, 3000, "companyName"),
    ({"defaultAddress": None}, 3000, "defaultAddress"),
    ({"defaultAddress": "Lyon"}, 3000, "defaultAddress"),
    ({"defaultAddress": {**BODY["billingProfile"]["defaultAddress"], "postalCode": "x"}}, 2007,
     "defaultAddress.postalCode"),
    ({"defaultAddress": AMERICAN}, 3000, "defaultAddress.country"),
]  # fmt: skip


async def test_what_a_billing_profile_may_not_become(market: Market) -> None:
    made = await created(market)
    path = f"/v1/customers/{made['id']}/profiles/billing"
    for change, code, member in FAULTY_PROFILES:
        fault = await is_refused(market, f"400/{code}", "PUT", path, {**made["billingProfile"], **change})
        assert fault["data"] == [member], change


async def test_the_phone_number_stays_where_it_is_required(market: Market) -> None:
    made = (await market.post("/v1/customers", body(**RUSSIAN))).json()
    sent = deepcopy(made["billingProfile"])
    del sent["defaultAddress"]["phoneNumber"]
    await is_refused(market, "400/600051", "PUT", f"/v1/customers/{made['id']}/profiles/billing", sent)


async def test_the_company_profile(market: Market) -> None:
    made = await created(market)
    response = await market.get(f"/v1/customers/{made['id']}/profiles/company", user=ADMIN)
    assert response.status_code == 200
    check_reply("CustomerCompanyProfile", response.json())
    assert response.json() == made["companyProfile"]
    assert response.json()["links"]["self"]["uri"] == f"/customers/{made['id']}/profiles/company"


# Relationship and deletion


async def test_giving_a_customer_up_in_production(market: Market) -> None:
    options = {"account": "production", "user": ADMIN}
    made = await created(market, **options)
    path = f"/v1/customers/{made['id']}"
    sent = {**deepcopy(dict.fromkeys(DOTNET_BODY)), "RelationshipToPartner": "none"}
    response = await market.patch(path, sent, **options)
    assert response.status_code == 200
    check_reply("Customer", response.json())
    assert response.json()["relationshipToPartner"] == "none"
    assert response.json()["allowDelegatedAccess"] is False
    await is_refused(market, "403/20002", "GET", path, account="production")
    listed = (await market.get("/v1/customers", account="production")).json()["items"]
    assert made["id"] not in {item["id"] for item in listed}
    await is_refused(market, "409/800002", "POST", "/v1/customers", BODY)
    assert await actions(market, "production") == ["add_customer", "remove_partner_customer_relationship"]


async def test_open_subscriptions_keep_a_customer_in_production(market: Market) -> None:
    options = {"account": "production", "user": ADMIN}
    made = await created(market, **options)
    await subscribe(market, made["id"], "production")
    sent = {"relationshipToPartner": "None"}
    await is_refused(market, "409/800042", "PATCH", f"/v1/customers/{made['id']}", sent, **options)


async def test_giving_a_customer_up_in_a_sandbox_deletes_it(market: Market) -> None:
    made = await created(market)
    subscription_id = await subscribe(market, made["id"])
    path = f"/v1/customers/{made['id']}"
    response = await market.patch(path, {"relationshipToPartner": "none"}, user=ADMIN)
    assert (response.status_code, response.json().get("relationshipToPartner")) == (200, "none")
    check_reply("Customer", response.json())
    await is_refused(market, "404/60003", "GET", path)
    assert await status_of(market, made["id"], subscription_id) is Status.DELETED


async def status_of(market: Market, customer_id: str, subscription_id: str) -> Status:
    ctx = await market.context()
    get = partial(subscriptions.get, ctx=ctx, customer_id=customer_id, subscription_id=subscription_id)
    return (await market.read(get)).status


async def test_nothing_else_can_be_patched(market: Market) -> None:
    path = f"/v1/customers/{market.customer('FR')}"
    others: list[Any] = [{"relationshipToPartner": other} for other in ("reseller", "friend", 1)]
    for sent in (None, {}, {"companyProfile": {"domain": "other.example"}}, *others):
        fault = await is_refused(market, "400/3000", "PATCH", path, sent, user=ADMIN)
        assert fault["data"] == ["relationshipToPartner"]


async def test_deleting_a_customer_of_a_sandbox(market: Market) -> None:
    made = await created(market)
    subscription_id = await subscribe(market, made["id"])
    response = await market.delete(f"/v1/customers/{made['id']}")
    assert (response.status_code, response.content) == (204, b"")
    await is_refused(market, "404/60003", "GET", f"/v1/customers/{made['id']}")
    await is_refused(market, "404/60003", "DELETE", f"/v1/customers/{made['id']}")
    assert await status_of(market, made["id"], subscription_id) is Status.DELETED
    assert (await actions(market))[-1] == "delete_customer"
    await created(market)


async def test_production_deletes_no_customer(market: Market) -> None:
    path = f"/v1/customers/{market.customer('FR', 'production')}"
    await is_refused(market, "400/900127", "DELETE", path, account="production")


async def test_the_relationship_request_leads_to_a_page(market: Market) -> None:
    response = await market.get("/v1/customers/relationshiprequests", user=ADMIN)
    assert response.status_code == 200
    check_reply("RelationshipRequest", response.json())
    url = response.json()["url"]
    assert url.startswith(BASE_URL)
    page: httpx2.Response = await market.client.get(url)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")


# Qualifications


async def test_a_new_customer_has_no_qualification(market: Market) -> None:
    path = f"/v1/customers/{market.customer('FR')}"
    assert (await market.get(f"{path}/qualification")).json() == "none"
    assert (await market.get(f"{path}/qualifications")).json() == []
    assert (await market.get("/v1/customers/all/validations")).json() == []


EDUCATION = ("education", "Education")
GOVERNMENT = ("government_community_cloud", "GovernmentCommunityCloud")


async def test_a_qualification_is_set_by_number_or_name(market: Market) -> None:
    path = f"/v1/customers/{market.customer('US')}"
    spellings = {
        b"1": EDUCATION,
        b"3": GOVERNMENT,
        b'"Education"': EDUCATION,
        b'"GovernmentCommunityCloud"': GOVERNMENT,
        b'"education"': EDUCATION,
        b'"government_community_cloud"': GOVERNMENT,
    }
    for raw, (kept, pascal) in spellings.items():
        answer = await market.call("PUT", f"{path}/qualification?code=4711", raw=raw, user=ADMIN)
        assert (answer.status_code, answer.json()) == (200, kept)
        assert (await market.get(f"{path}/qualification")).json() == kept
        listed = (await market.get(f"{path}/qualifications")).json()
        check_reply("[CustomerQualification]", listed)
        assert (listed[-1]["qualification"], listed[-1]["vettingStatus"]) == (pascal, "Approved")
        assert listed[-1]["vettingCreatedDate"] == listed[-1]["vettingCreateDate"]
    assert await actions(market) == ["update_customer_qualification"] * len(spellings)


async def test_what_cannot_be_set(market: Market) -> None:
    path = f"/v1/customers/{market.customer('US')}/qualification"
    faulty = {
        "400/3000": (b"0", b"2", b'"nonprofit"', b"", b"null"),
        "400/900126": (b"17", b'"wizardry"', b"-1"),
        "400/800002": (b'{"a":1}', b"1.5", b"nonsense"),
    }
    for expected, bodies in faulty.items():
        for raw in bodies:
            await is_refused(market, expected, "PUT", path, raw=raw, user=ADMIN)


async def test_a_qualification_is_applied_for(market: Market) -> None:
    path = f"/v1/customers/{market.customer('US')}"
    listed: list[dict[str, Any]] = []
    for name in ("StateOwnedEntity", "nonprofit", 1):
        sent = {"Qualification": name, "Website": "https://school.example", "EducationSegment": None}
        answer = await market.post(f"{path}/qualifications", sent, user=ADMIN)
        assert answer.status_code == 201, answer.text
        check_reply("CustomerQualification", answer.json())
        assert answer.json()["vettingStatus"] == "InReview"
        listed.append(answer.json())
    assert (await market.get(f"{path}/qualifications")).json() == listed
    assert [entry["qualification"] for entry in listed] == ["StateOwnedEntity", "Nonprofit", "Education"]
    assert (await market.get(f"{path}/qualification")).json() == "none"


async def test_what_cannot_be_applied_for(market: Market) -> None:
    path = f"/v1/customers/{market.customer('US')}/qualifications"
    for sent in ({}, None, {"qualification": "none"}, {"qualification": "x"}, {"qualification": 99}):
        await is_refused(market, "400/3000", "POST", path, sent, user=ADMIN)


# Budget


async def test_a_budget_is_set_and_removed(market: Market) -> None:
    path = f"/v1/customers/{market.customer('US')}/usagebudget"
    empty = (await market.get(path)).json()
    check_reply("SpendingBudget", empty)
    assert "amount" not in empty
    answer = await market.patch(path, {"Amount": 100.25, "Attributes": {"ObjectType": "SpendingBudget"}})
    assert answer.status_code == 200
    check_reply("SpendingBudget", answer.json())
    assert (answer.json()["amount"], answer.json()["usageSpendingBudget"]) == (100.25, 100.25)
    assert (await market.get(path)).json() == answer.json()
    assert (await market.patch(path, {"Amount": None})).json() == empty
    await market.patch(path, {"amount": 7})
    assert (await market.patch(path, {"amount": 0})).json() == empty
    assert await actions(market) == ["update_customer_spending_budget"] * 4


async def test_a_budget_that_is_none(market: Market) -> None:
    path = f"/v1/customers/{market.customer('US')}/usagebudget"
    for amount in (-1, "lots", "NaN", 10**13, [1]):
        fault = await is_refused(market, "400/3000", "PATCH", path, {"amount": amount})
        assert fault["data"] == ["amount"]
