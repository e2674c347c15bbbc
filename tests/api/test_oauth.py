"""The token issuer: both dialects, its metadata and keys, every error (``00-cross-cutting`` section 13.3)."""

import base64
from collections.abc import Mapping
from itertools import product
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from tests.contract.check import check_reply
from tests.identity_factory import json_segment
from tests.market import ADMIN, BASE_URL, Market

pytestmark = pytest.mark.anyio

PARTNER = "https://graph.windows.net"
PUBLISHER = "20e940b3-4c77-4b0b-9a53-9e16a1b010a7"
NO_GUID = "11111111-2222-4333-8444-555555555555"
USUAL_CLAIMS = {"iat", "nbf", "sub", "ver", "name", "unique_name"}
"""Claims of section 13.8, and of OpenID, that the appendix does not list."""

Form = dict[str, str]


Changes = Mapping[str, str | None]


def form(market: Market, changes: Changes | None = None, account: str = "sandbox") -> Form:
    """A good request of the first version; ``None`` takes a parameter away."""
    made = next(made for made in market.made.accounts if made.name == account)
    application = made.applications[0]
    values: dict[str, str | None] = {
        "grant_type": "client_credentials",
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "resource": PARTNER,
        **(changes or {}),
    }
    return {name: value for name, value in values.items() if value is not None}


def form_v2(market: Market, changes: Changes | None = None) -> Form:
    return form(market, {"resource": None, "scope": f"{PARTNER}/.default", **(changes or {})})


def tenant_of(market: Market, account: str = "sandbox") -> str:
    return next(made.tenant_id for made in market.made.accounts if made.name == account)


async def post(
    market: Market, path: str, content: Form | bytes, headers: Mapping[str, str] | None = None
) -> httpx2.Response:
    body = content if isinstance(content, bytes) else urlencode(content).encode()
    all_headers = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    return await market.client.post(path, content=body, headers=all_headers)


async def claims_of(market: Market, token: str) -> dict[str, Any]:
    """The claims, verified as a client would: by the published keys."""
    keys = (await market.client.get("/discovery/v2.0/keys")).json()
    return dict(jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS256"]).claims)


# Tokens


async def test_the_first_version_answers_texts(market: Market) -> None:
    tenant = tenant_of(market)
    answer = await post(market, f"/{tenant}/oauth2/token", form(market))
    assert answer.status_code == 200
    body = answer.json()
    now = int(market.now.timestamp())
    token = body.pop("access_token")
    assert body == {
        "token_type": "Bearer",
        "expires_in": "3599",
        "ext_expires_in": "3599",
        "expires_on": str(now + 3_600),
        "not_before": str(now),
        "resource": PARTNER,
    }
    assert answer.headers["cache-control"] == "no-store"
    claims = await claims_of(market, token)
    assert (claims["tid"], claims["aud"], claims["ver"]) == (tenant, PARTNER, "1.0")


async def test_the_second_version_answers_numbers_and_the_scope(market: Market) -> None:
    answer = await post(market, f"/{tenant_of(market)}/oauth2/v2.0/token", form_v2(market))
    body = answer.json()
    del body["access_token"]
    assert body == {
        "token_type": "Bearer",
        "scope": f"{PARTNER}/.default",
        "expires_in": 3599,
        "ext_expires_in": 3599,
    }


async def test_the_tenant_is_an_id_a_domain_or_told_by_the_application(market: Market) -> None:
    account = await market.account("sandbox")
    for tenant in (account.id, account.id.upper(), account.domain, account.domain.upper(), "adfs"):
        for path in (f"/{tenant}/oauth2/v2.0/token", f"/{tenant}//OAuth2/v2.0/Token/"):
            answer = await post(market, path, form_v2(market))
            assert answer.status_code == 200, (path, answer.text)
            claims = await claims_of(market, answer.json()["access_token"])
            assert claims["tid"] == account.id


async def test_the_adfs_path_speaks_the_second_version(market: Market) -> None:
    answer = await post(market, "/adfs/oauth2/token", form_v2(market))
    assert answer.json()["expires_in"] == 3599


async def test_the_secret_may_come_by_http_basic(market: Market) -> None:
    made = form(market)
    pair = f"{made.pop('client_id')}:{made.pop('client_secret')}"
    headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    answer = await post(market, f"/{tenant_of(market)}/oauth2/token", made, headers)
    assert answer.status_code == 200, answer.text


async def test_a_token_calls_the_api_of_its_own_account(market: Market) -> None:
    for account in ("sandbox", "production"):
        answer = await post(
            market, f"/{tenant_of(market, account)}/oauth2/token", form(market, account=account)
        )
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        customers = (await market.client.get("/v1/customers", headers=headers)).json()
        listed = {customer["id"] for customer in customers["items"]}
        made = next(made for made in market.made.accounts if made.name == account)
        assert listed == {customer.id for customer in made.customers}


async def test_a_publisher_gets_a_token_of_its_tenant(market: Market) -> None:
    publisher = market.made.publishers[0]
    content = {
        "grant_type": "client_credentials",
        "client_id": publisher.client_id,
        "client_secret": publisher.client_secret,
        "scope": f"{PUBLISHER}/.default",
        "client_info": "1",
    }
    answer = await post(market, f"/{publisher.tenant_id}/oauth2/v2.0/token", content)
    assert answer.status_code == 200, answer.text
    claims = await claims_of(market, answer.json()["access_token"])
    assert (claims["aud"], claims["tid"], claims["appid"], claims["ver"]) == (
        PUBLISHER,
        publisher.tenant_id,
        publisher.client_id,
        "1.0",
    )


async def test_answers_are_what_the_contract_calls_them(market: Market) -> None:
    tenant = tenant_of(market)
    query = {"authorization_endpoint": f"{BASE_URL}/common/oauth2/authorize"}
    v1 = await post(market, f"/{tenant}/oauth2/token", form(market))
    check_reply("TokenResponseV1", v1.json())
    v2 = await post(market, f"/{tenant}/oauth2/v2.0/token", form_v2(market))
    check_reply("TokenResponseV2", v2.json())
    fault = await post(market, f"/{tenant}/oauth2/token", form(market, {"client_secret": "x"}))
    check_reply("OAuthError", fault.json())
    discovery = await market.client.get("/common/discovery/instance", params=query)
    check_reply("InstanceDiscovery", discovery.json())
    for user in (None, ADMIN):
        claims = json_segment((await market.token("sandbox", user)).split(".")[1])
        check_reply("AccessTokenClaims", {name: claims[name] for name in claims.keys() - USUAL_CLAIMS})


# Errors

ERRORS: list[tuple[str, Changes, tuple[int, str, int]]] = [
    ("v1", {"grant_type": None}, (400, "invalid_request", 900144)),
    ("v1", {"grant_type": "password"}, (400, "unsupported_grant_type", 70003)),
    ("v1", {"grant_type": "authorization_code", "code": "0.AXo"}, (400, "invalid_grant", 70008)),
    ("v1", {"grant_type": "refresh_token", "refresh_token": "0.AXo"}, (400, "invalid_grant", 700082)),
    ("v1", {"client_id": None}, (400, "invalid_request", 900144)),
    ("v1", {"client_id": NO_GUID}, (401, "invalid_client", 700016)),
    ("v1", {"client_id": "'; DROP TABLE accounts --"}, (401, "invalid_client", 700016)),
    ("v1", {"client_secret": None}, (401, "invalid_client", 7000218)),
    ("v1", {"client_secret": None, "client_assertion": "a.b.c"}, (401, "invalid_client", 700027)),
    ("v1", {"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
    ("v1", {"resource": None}, (400, "invalid_request", 900144)),
    ("v1", {"resource": "https://graph.microsoft.com"}, (400, "invalid_resource", 500011)),
    ("v1", {"resource": PUBLISHER}, (400, "invalid_resource", 500011)),
    ("v2", {"scope": None}, (400, "invalid_request", 900144)),
    ("v2", {"scope": PARTNER}, (400, "invalid_scope", 70011)),
    ("v2", {"scope": "https://graph.microsoft.com/.default"}, (400, "invalid_resource", 500011)),
]


async def test_a_refusal_is_an_oauth_error(market: Market) -> None:
    tenant = tenant_of(market)
    for version, changes, (status, error, number) in ERRORS:
        path = f"/{tenant}/oauth2/token" if version == "v1" else f"/{tenant}/oauth2/v2.0/token"
        content = form(market, changes) if version == "v1" else form_v2(market, changes)
        answer = await post(market, path, content)
        body = answer.json()
        found = (answer.status_code, body["error"], body["error_codes"])
        assert found == (status, error, [number]), (version, changes)
        assert body["error_description"].startswith(f"AADSTS{number}: ")
        for member in ("trace_id", "correlation_id", "timestamp"):
            assert body[member] in body["error_description"]
        assert answer.headers["cache-control"] == "no-store"
        assert "www-authenticate" not in answer.headers


async def test_tenants_that_give_no_tokens(market: Market) -> None:
    tenants = {
        "nowhere.example": 90002,
        NO_GUID: 90002,
        "%00": 90002,
        "common": 50059,
        "organizations": 50059,
    }
    for tenant, number in tenants.items():
        answer = await post(market, f"/{tenant}/oauth2/token", form(market))
        assert (answer.status_code, answer.json()["error_codes"]) == (400, [number]), tenant


async def test_an_application_of_another_account_is_unknown(market: Market) -> None:
    answer = await post(market, f"/{tenant_of(market, 'production')}/oauth2/token", form(market))
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [700016])


UNREADABLE = {
    "a parameter twice": b"grant_type=client_credentials&grant_type=client_credentials",
    "no UTF-8": b"client_id=%FF%FE",
    "no ASCII": "client_id=é".encode(),
    "NUL": b"client_id=%00",
    "too many": b"&".join(b"p%d=1" % number for number in range(100)),
    "too large": b"client_id=" + b"x" * 70_000,
}


async def test_a_form_that_cannot_be_read(market: Market) -> None:
    for fault, content in UNREADABLE.items():
        answer = await post(market, f"/{tenant_of(market)}/oauth2/token", content)
        assert (answer.status_code, answer.json()["error_codes"]) == (400, [9002313]), fault


async def test_a_body_that_is_no_form_lacks_its_parameters(market: Market) -> None:
    for content in (b"", b"{}", b'{"grant_type":"client_credentials"}', b"\x00"):
        answer = await post(market, f"/{tenant_of(market)}/oauth2/token", content)
        assert (answer.status_code, answer.json()["error_codes"]) == (400, [900144]), content


async def test_an_authorization_header_that_is_no_basic(market: Market) -> None:
    content = form(market, {"client_secret": None})
    for value in ("Bearer abc", "Basic", "Basic %%%", "Basic YWJj", "Basic w7/DvzpB/w=="):
        headers = {"Authorization": value}
        answer = await post(market, f"/{tenant_of(market)}/oauth2/token", content, headers)
        assert (answer.status_code, answer.json()["error_codes"]) == (400, [9002313]), value


async def test_a_wrong_secret_by_basic_is_challenged(market: Market) -> None:
    made = form(market)
    pair = f"{made.pop('client_id')}:wrong"
    del made["client_secret"]
    headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    answer = await post(market, f"/{tenant_of(market)}/oauth2/token", made, headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_the_clients_own_id_comes_back(market: Market) -> None:
    path = f"/{tenant_of(market)}/oauth2/token"
    headers = {"client-request-id": NO_GUID, "return-client-request-id": "true"}
    good = await post(market, path, form(market), headers)
    assert good.headers["client-request-id"] == NO_GUID
    bad = await post(market, path, {}, headers)
    assert bad.json()["correlation_id"] == NO_GUID
    odd = await post(market, path, {}, {"client-request-id": "not a guid"})
    assert "client-request-id" not in odd.headers
    assert odd.json()["correlation_id"] != "not a guid"


async def test_secrets_are_never_echoed(market: Market) -> None:
    answer = await post(
        market, f"/{tenant_of(market)}/oauth2/token", form(market, {"client_secret": "hunter2-"})
    )
    assert "hunter2-" not in answer.text


# Metadata, keys, discovery


async def test_metadata_leads_to_working_endpoints(market: Market) -> None:
    account = await market.account("sandbox")
    for version, tenant in product(("", "/v2.0"), (account.id, account.domain.upper())):
        metadata = (await market.client.get(f"/{tenant}{version}/.well-known/openid-configuration")).json()
        content = form_v2(market) if version else form(market)
        issued = await post(market, metadata["token_endpoint"].removeprefix(BASE_URL), content)
        assert issued.status_code == 200, issued.text
        keys = (await market.client.get(metadata["jwks_uri"].removeprefix(BASE_URL))).json()
        token = jwt.decode(issued.json()["access_token"], KeySet.import_key_set(keys), algorithms=["RS256"])
        assert set(token.claims) <= set(metadata["claims_supported"])
        assert metadata["issuer"] == f"{BASE_URL}/{account.id}{version or '/'}"
        assert metadata["authorization_endpoint"].startswith(BASE_URL)


async def test_shared_tenants_have_metadata(market: Market) -> None:
    issuers = {
        "/common/v2.0": f"{BASE_URL}/{{tenantid}}/v2.0",
        "/organizations": f"{BASE_URL}/{{tenantid}}/",
        "/adfs": f"{BASE_URL}/adfs",
    }
    for path, issuer in issuers.items():
        metadata = (await market.client.get(f"{path}/.well-known/openid-configuration")).json()
        assert metadata["issuer"] == issuer
        assert (await market.client.get(metadata["jwks_uri"].removeprefix(BASE_URL))).status_code == 200


async def test_an_unknown_tenant_has_no_metadata(market: Market) -> None:
    for tenant in ("nowhere.example", NO_GUID, "%00", "%27%20OR%201=1--"):
        answer = await market.client.get(f"/{tenant}/v2.0/.well-known/openid-configuration")
        assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002]), tenant


async def test_keys_are_public_halves_only(market: Market) -> None:
    for path in ("/discovery/v2.0/keys", "/common/discovery/keys", "/adfs/discovery/v2.0/keys"):
        (key,) = (await market.client.get(path)).json()["keys"]
        assert key.keys() == {"kty", "n", "e", "kid", "use", "alg"}


async def test_instance_discovery_knows_every_host_it_is_reached_by(market: Market) -> None:
    asked = f"https://login.microsoftonline.com:8443/{NO_GUID}/oauth2/v2.0/authorize"
    query = {"api-version": "1.1", "authorization_endpoint": asked}
    body = (await market.client.get("/common/discovery/instance", params=query)).json()
    host = "login.microsoftonline.com"
    assert body == {
        "tenant_discovery_endpoint": f"https://{host}:8443/{NO_GUID}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host, f"{host}:8443"]}],
    }


async def test_instance_discovery_adds_the_port_that_msal_leaves_out(market: Market) -> None:
    query = {"authorization_endpoint": "https://market.test/common/oauth2/authorize"}
    headers = {"Host": "market.test:8443"}
    answer = await market.client.get("/common/discovery/instance", params=query, headers=headers)
    endpoint = answer.json()["tenant_discovery_endpoint"]
    assert endpoint == "https://market.test:8443/common/.well-known/openid-configuration"


async def test_instance_discovery_of_what_is_no_authority(market: Market) -> None:
    asked = {
        "": 900144,
        "https://market.test": 9002313,
        "javascript:alert(1)": 9002313,
        "https://user@market.test/common": 9002313,
        "https://[::1/common": 9002313,
        "https://a b/common": 9002313,
    }
    for address, number in asked.items():
        query = {"authorization_endpoint": address}
        answer = await market.client.get("/common/discovery/instance", params=query)
        assert (answer.status_code, answer.json()["error_codes"]) == (400, [number]), address


# The legacy exchange


async def test_generatetoken_gives_back_the_presented_token(market: Market) -> None:
    token = await market.token("sandbox")
    market.wait(minutes=10)
    headers = {"Authorization": f"Bearer {token}"}
    answer = await post(market, "/generatetoken", {"grant_type": "jwt_token"}, headers)
    body = answer.json()
    assert (body["access_token"], body["token_type"], body["expires_in"]) == (token, "bearer", "3000")


async def test_generatetoken_takes_no_other_token(market: Market) -> None:
    operators = {"Authorization": f"Bearer {await market.token('operator')}"}
    for headers in ({}, {"Authorization": "Bearer a.b.c"}, operators):
        answer = await post(market, "/generatetoken", {"grant_type": "jwt_token"}, headers)
        assert answer.status_code == 401, headers
