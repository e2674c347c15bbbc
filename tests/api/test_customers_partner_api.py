"""A partner's own profile and resellers, and checks of addresses, domains and countries, on both engines."""

import json
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from tests.contract.check import check_reply
from tests.market import ADMIN, Market

from comptoir.customers import service_resellers
from comptoir.customers.countries import COUNTRIES
from comptoir.customers.model import Reseller

pytestmark = pytest.mark.anyio

JAVA = {"MS-PartnerCenter-Client": "Partner Center Java SDK"}
POWERSHELL = {"MS-PartnerCenter-Client": "Partner Center PowerShell"}
DOTNET = {"MS-PartnerCenter-Client": "Partner Center .NET SDK"}
ADDRESS: dict[str, Any] = {
    "country": "US",
    "state": "WA",
    "city": "Tacoma",
    "addressLine1": "1200 Dock Street",
    "postalCode": "98402",
}
DOTNET_ADDRESS: dict[str, Any] = {
    "Country": "US", "Region": None, "State": "WA", "City": "Tacoma", "AddressLine1": "1200 Dock Street",
    "AddressLine2": None, "PostalCode": "98402", "FirstName": None, "LastName": None, "PhoneNumber": None,
}  # fmt: skip
RESELLER = Reseller(
    "22222222-3333-4444-8555-666666666666",
    "Kiosque du Port",
    "4400",
    "Active",
    "FR",
    has_signed_agreement=True,
)
UNSIGNED = replace(
    RESELLER,
    id="33333333-3333-4444-8555-666666666666",
    name="Échoppe",
    mpn_id="4500",
    has_signed_agreement=False,
)


async def add_resellers(market: Market) -> None:
    ctx = await market.context()
    for reseller in (RESELLER, UNSIGNED):
        await market.write(partial(service_resellers.add, ctx=ctx, reseller=reseller))


async def is_refused(
    market: Market, expected: str, method: str, path: str, sent: Any = None, **more: Any
) -> Any:
    response = await market.call(method, path, sent, **more)
    assert f"{response.status_code}/{response.json().get('code')}" == expected, response.text
    check_reply("Fault", response.json())
    return response.json()


# Addresses


@pytest.mark.parametrize("sent", [ADDRESS, DOTNET_ADDRESS], ids=["camel", "dotnet"])
async def test_a_valid_address_is_answered_as_each_client_reads_it(
    market: Market, sent: dict[str, Any]
) -> None:
    response = await market.post("/v1/validations/address", sent, headers=DOTNET)
    assert response.status_code == 200
    check_reply("AddressValidationResponse", response.json())
    assert response.json()["originalAddress"] == ADDRESS
    assert response.json()["suggestedAddresses"] == [ADDRESS]
    assert response.json()["status"] == "VerifiedShippable"
    for client in (JAVA, POWERSHELL):
        strict = await market.post("/v1/validations/address", sent, headers=client)
        assert (strict.status_code, strict.content) == (200, b"true")


async def test_a_wrong_address(market: Market) -> None:
    faulty = {
        "country": ({**ADDRESS, "country": "ZZ"}, {**ADDRESS, "country": None}, {}, None),
        "state": ({**ADDRESS, "state": "QC"}, {**ADDRESS, "state": None}),
        "city": ({**ADDRESS, "city": ""},),
        "addressLine1": ({**ADDRESS, "addressLine1": None}, {**ADDRESS, "addressLine1": "x" * 201}),
        "postalCode": ({**ADDRESS, "postalCode": "9840"}, {**ADDRESS, "postalCode": None}),
    }
    for member, bodies in faulty.items():
        for sent in bodies:
            for client in (DOTNET, JAVA):
                fault = await is_refused(
                    market, "400/2007", "POST", "/v1/validations/address", sent, headers=client
                )
                assert fault["data"] == [member], sent


async def test_an_unreadable_address(market: Market) -> None:
    path = "/v1/validations/address"
    assert (await is_refused(market, "400/3000", "POST", path, {"city": 7}))["data"] == ["city"]
    await is_refused(market, "400/800002", "POST", path, raw=b"[")


# Domains


async def test_whether_a_domain_is_taken(market: Market) -> None:
    held = (await market.get("/v1/customers")).json()["items"][0]["companyProfile"]["domain"]
    partner = await market.account("production")
    expected = {
        held: 200,
        held.upper(): 200,
        partner.domain: 200,
        "free.example": 404,
        "no-dots": 404,
        "%00": 404,
    }
    for domain, status in expected.items():
        response = await market.call("HEAD", f"/v1/domains/{domain}")
        assert (response.status_code, response.content) == (status, b""), domain


# Countries


async def test_the_rules_of_every_country(market: Market) -> None:
    for iso2 in COUNTRIES:
        response = await market.get(f"/v1/countryvalidationrules/{iso2}")
        assert response.status_code == 200
        check_reply("CountryValidationRules", response.json())
    rules = (await market.get("/v1/CountryValidationRules/us")).json()
    assert (rules["iso2Code"], rules["defaultCulture"], rules["isStateRequired"]) == ("US", "en-US", True)
    assert "WA" in rules["supportedStatesList"]
    assert rules["countryCallingCodesList"] == ["1"]


async def test_an_unknown_country(market: Market) -> None:
    for iso2 in ("ZZ", "USA", "%00"):
        await is_refused(market, "404/1000", "GET", f"/v1/countryvalidationrules/{iso2}")


# The partner itself


async def test_the_organization_profile(market: Market) -> None:
    response = await market.get("/v1/profiles/organization", user=ADMIN)
    assert response.status_code == 200
    profile = response.json()
    check_reply("OrganizationProfile", profile)
    account = await market.account()
    assert (profile["tenantId"], profile["domain"]) == (account.id, account.domain)
    assert profile["companyName"] == account.company_name
    assert profile["defaultAddress"]["country"] == account.country
    await is_refused(market, "403/2032", "GET", "/v1/profiles/organization")


# Resellers


async def names(market: Market, query: str) -> list[str]:
    response = await market.get(f"/v1/relationships?{query}", user=ADMIN)
    assert response.status_code == 200, response.text
    check_reply("Collection<PartnerRelationship>", response.json())
    return [item["name"] for item in response.json()["items"]]


async def test_an_indirect_providers_resellers(market: Market) -> None:
    await add_resellers(market)
    kind = "relationship_type=IsIndirectCloudSolutionProviderOf"
    assert await names(market, kind) == ["Kiosque du Port", "Échoppe"]
    assert await names(market, "Relationship_Type=is_indirect_cloud_solution_provider_of") == [
        "Kiosque du Port",
        "Échoppe",
    ]
    assert await names(market, "relationship_type=IsIndirectResellerOf") == []
    for operator, value, expected in (
        ("substring", "DU", ["Kiosque du Port"]),
        ("starts_with", "éch", ["Échoppe"]),
        ("starts_with", "port", []),
    ):
        wanted = quote(json.dumps({"Field": "Name", "Value": value, "Operator": operator}))
        assert await names(market, f"{kind}&filter={wanted}") == expected
    page = (await market.get(f"/v1/relationships?{kind}", user=ADMIN)).json()
    first = page["items"][0]
    assert (first["id"], first["mpnId"], first["state"], first["location"]) == (
        RESELLER.id,
        "4400",
        "Active",
        "FR",
    )
    assert first["relationshipType"] == "is_indirect_cloud_solution_provider_of"


async def test_what_relationships_cannot_be_asked(market: Market) -> None:
    kind = "relationship_type=IsIndirectResellerOf"
    await is_refused(market, "400/900126", "GET", "/v1/relationships", user=ADMIN)
    await is_refused(market, "400/900126", "GET", "/v1/relationships?relationship_type=None", user=ADMIN)
    await is_refused(market, "403/2032", "GET", f"/v1/relationships?{kind}")
    for wanted in (
        "nonsense",
        '{"Field":"Name","Value":"a","Operator":"equals"}',
        '{"Field":"MpnId","Value":"a","Operator":"substring"}',
    ):
        path = f"/v1/relationships?{kind}&filter={quote(wanted)}"
        await is_refused(market, "400/3000", "GET", path, user=ADMIN)


async def test_the_reseller_of_a_customer(market: Market) -> None:
    await add_resellers(market)
    direct = f"/v1/customers/{market.customer('FR')}/relationships"
    response = await market.get(direct, user=ADMIN)
    check_reply("Collection<PartnerRelationship>", response.json())
    assert response.json()["items"] == []
    sent = {
        "companyProfile": {"domain": "through.example"},
        "billingProfile": {
            "email": "a@through.example", "culture": "en-US", "language": "en", "companyName": "Through",
            "defaultAddress": ADDRESS,
        },
        "associatedPartnerId": RESELLER.id,
    }  # fmt: skip
    made = (await market.post("/v1/customers", sent, user=ADMIN)).json()
    response = await market.get(f"/v1/customers/{made['id']}/relationships", user=ADMIN)
    check_reply("Collection<PartnerRelationship>", response.json())
    [item] = response.json()["items"]
    assert (item["id"], item["name"], item["mpnId"]) == (RESELLER.id, RESELLER.name, "4400")
    assert not {"state", "location"} & item.keys()


async def test_whether_a_partner_has_signed(market: Market) -> None:
    await add_resellers(market)
    account = await market.account()
    path = "/v1/compliance/csp/agreementstatus"
    expected = {
        f"mpnId={account.mpn_id}": True,
        f"tenantId={account.id.upper()}": True,
        "mpnid=4400": True,
        f"tenantid={RESELLER.id}": True,
        "mpnId=4500": False,
        "mpnId=999999": False,
        "tenantId=nobody": False,
        "mpnId=%00": False,
    }
    for query, is_signed in expected.items():
        response = await market.get(f"{path}?{query}", user=ADMIN)
        assert (response.status_code, response.json()) == (200, {"isAgreementSigned": is_signed}), query
    await is_refused(market, "400/3000", "GET", path, user=ADMIN)
    await is_refused(market, "403/2032", "GET", f"{path}?mpnId=4400")
