"""Unmodified token libraries get tokens over TLS, and the tokens call the API (``00`` section 13.7)."""

from typing import Any

import msal
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential
from tests.tls_server import TlsServer

pytestmark = pytest.mark.conformance

DIRECTORY = "https://graph.windows.net"
PARTNER_CENTER = "https://api.partnercenter.microsoft.com"
MARKETPLACE = "20e940b3-4c77-4b0b-9a53-9e16a1b010a7"


@pytest.fixture(autouse=True)
def trust(tls_server: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The requests library puts this variable, where a machine sets it, above what its caller says."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls_server.authority))


def msal_application(server: TlsServer, account: dict[str, Any], **options: Any) -> Any:
    application = account["applications"][0]
    return msal.ConfidentialClientApplication(
        application["clientId"],
        client_credential=options.pop("client_credential", application["clientSecret"]),
        verify=str(server.authority),
        **options,
    )


def credential(server: TlsServer, tenant: str, client: dict[str, str]) -> ClientSecretCredential:
    return ClientSecretCredential(
        tenant,
        client["clientId"],
        client["clientSecret"],
        authority=server.url,
        disable_instance_discovery=True,
        connection_verify=str(server.authority),
    )


def customers_of(server: TlsServer, token: str) -> set[str]:
    with server.client(headers={"Authorization": f"Bearer {token}"}) as client:
        answer = client.get("/v1/customers")
    assert answer.status_code == 200, answer.text
    return {customer["id"] for customer in answer.json()["items"]}


@pytest.fixture(params=["production", "sandbox"])
def account(request: pytest.FixtureRequest, tls_server: TlsServer) -> dict[str, Any]:
    return tls_server.account(request.param)


@pytest.mark.parametrize("resource", [DIRECTORY, PARTNER_CENTER])
@pytest.mark.parametrize("way", ["adfs", "tenant", "discovery", "oidc"])
def test_msal_python(tls_server: TlsServer, account: dict[str, Any], way: str, resource: str) -> None:
    url, tenant = tls_server.url, account["tenantId"]
    ways: dict[str, dict[str, Any]] = {
        "adfs": {"authority": f"{url}/adfs"},
        "tenant": {"authority": f"{url}/{tenant}", "instance_discovery": False},
        "discovery": {
            "authority": f"{url}/{tenant}",
            "instance_discovery": f"{url}/common/discovery/instance",
        },
        "oidc": {"oidc_authority": f"{url}/{tenant}/v2.0"},
    }
    application = msal_application(tls_server, account, **ways[way])
    answer = application.acquire_token_for_client(scopes=[f"{resource}/.default"])
    assert "error" not in answer, answer
    assert answer["token_source"] == "identity_provider"
    assert customers_of(tls_server, answer["access_token"]) == {
        customer["id"] for customer in account["customers"]
    }
    again = application.acquire_token_for_client(scopes=[f"{resource}/.default"])
    assert (again["token_source"], again["access_token"]) == ("cache", answer["access_token"])


def test_msal_python_reads_our_errors(tls_server: TlsServer) -> None:
    account = tls_server.account("sandbox")
    application = msal_application(
        tls_server,
        account,
        authority=f"{tls_server.url}/{account['tenantId']}",
        instance_discovery=False,
        client_credential="wrong",
    )
    answer = application.acquire_token_for_client(scopes=[f"{DIRECTORY}/.default"])
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [7000215])
    assert answer["error_description"].startswith("AADSTS7000215")
    assert answer["correlation_id"]


def test_msal_python_learns_that_a_tenant_is_unknown(tls_server: TlsServer) -> None:
    account = tls_server.account("sandbox")
    with pytest.raises(ValueError, match="check your tenant name"):
        msal_application(
            tls_server, account, authority=f"{tls_server.url}/nowhere.example", instance_discovery=False
        ).acquire_token_for_client(scopes=[f"{DIRECTORY}/.default"])


def test_azure_identity(tls_server: TlsServer, account: dict[str, Any]) -> None:
    application = account["applications"][0]
    with credential(tls_server, account["tenantId"], application) as secret:
        token = secret.get_token(f"{PARTNER_CENTER}/.default")
        assert secret.get_token(f"{PARTNER_CENTER}/.default").token == token.token
    assert customers_of(tls_server, token.token) == {customer["id"] for customer in account["customers"]}


def test_azure_identity_for_a_publisher(tls_server: TlsServer) -> None:
    publisher = tls_server.made["publishers"][0]
    with credential(tls_server, publisher["tenantId"], publisher) as secret:
        token = secret.get_token(f"{MARKETPLACE}/.default").token
    with tls_server.client(headers={"Authorization": f"Bearer {token}"}) as client:
        assert client.get("/v1/customers").status_code == 401


def test_azure_identity_reads_our_errors(tls_server: TlsServer) -> None:
    account = tls_server.account("sandbox")
    application = {**account["applications"][0], "clientSecret": "wrong"}
    with (
        credential(tls_server, account["tenantId"], application) as secret,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        secret.get_token(f"{PARTNER_CENTER}/.default")
