"""Our client with the credentials of azure-identity, over TLS."""

import pytest
from tests.conformance.test_tokens import credential, trust
from tests.tls_server import TlsServer

from comptoir.client import ClientCredentials, Comptoir, TokenRefused, Unreachable

__all__ = ["trust"]

pytestmark = pytest.mark.conformance


@pytest.mark.parametrize("account_name", ["production", "sandbox"])
def test_a_credential_of_azure_identity(tls_server: TlsServer, account_name: str) -> None:
    account = tls_server.account(account_name)
    with (
        credential(tls_server, account["tenantId"], account["applications"][0]) as secret,
        tls_server.client() as http,
    ):
        client = Comptoir(secret, base_url=tls_server.url, http=http)
        found = {customer.id for customer in client.customers.list()}
    assert found == {customer["id"] for customer in account["customers"]}


def test_an_authority_that_is_not_trusted_gets_no_secret(tls_server: TlsServer) -> None:
    account = tls_server.account("sandbox")
    application = account["applications"][0]
    mine = ClientCredentials(account["tenantId"], application["clientId"], application["clientSecret"])
    with (
        Comptoir(mine, base_url=tls_server.url) as client,
        pytest.raises(Unreachable, match=r"CERTIFICATE.*attempts: 1"),
    ):
        client.customers.validation_codes()


def test_an_application_of_our_own(tls_server: TlsServer) -> None:
    account = tls_server.account("sandbox")
    application = account["applications"][0]
    mine = ClientCredentials(account["tenantId"], application["clientId"], "wrong")
    with tls_server.client() as http:
        client = Comptoir(mine, base_url=tls_server.url, http=http)
        with pytest.raises(TokenRefused, match="AADSTS7000215"):
            client.customers.validation_codes()
