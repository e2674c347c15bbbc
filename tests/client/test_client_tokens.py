"""Where tokens come from, how long they are kept, and when they are renewed."""

import asyncio
import base64
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs

import httpx2
import pytest
from tests.client.fakes import BASE_URL, FakeTime, Script, answer, client_of, fault

from comptoir.client import (
    PARTNER_CENTER,
    PARTNER_CENTER_CHINA,
    AsyncComptoir,
    ClientCredentials,
    RefreshToken,
    RetryPolicy,
    TokenRefused,
    Unauthorized,
    UnexpectedReply,
    Unreachable,
)
from comptoir.client.credentials import of_text, token_address

pytestmark = pytest.mark.anyio

SECRET = "a-secret-that-nobody-may-see"
APPLICATION = ClientCredentials("contoso.example", "app", SECRET)


class Service:
    """An authority and a service that takes only the newest token it has issued."""

    def __init__(self, expires_in: int = 3600) -> None:
        self.forms: list[dict[str, str]] = []
        self.addresses: list[str] = []
        self.expires_in = expires_in
        self.refused: set[str] = set()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/token"):
            form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
            self.forms.append(form)
            self.addresses.append(str(request.url))
            number = len(self.forms)
            granted = {
                "access_token": f"token-{number}",
                "expires_in": self.expires_in,
                "token_type": "Bearer",
            }
            more = {"refresh_token": f"refresh-{number}"} if form["grant_type"] == "refresh_token" else {}
            return answer(200, {**granted, **more})
        token = request.headers["Authorization"].removeprefix("Bearer ")
        return fault(401, 400) if token in self.refused else answer(200, token)


async def ask(client: AsyncComptoir) -> str:
    """The token that a call carries, which the service above answers with."""
    return await client.customers.qualification("c")


async def test_an_application_gets_a_token_and_keeps_it_until_shortly_before_it_expires() -> None:
    service, time = Service(), FakeTime()
    client = client_of(service, time, APPLICATION)
    assert [await ask(client), await ask(client)] == ["token-1", "token-1"]
    time.now += 3600 - 30 - 1
    assert await ask(client) == "token-1"
    time.now += 1
    assert await ask(client) == "token-2"
    assert service.forms[0] == {
        "grant_type": "client_credentials",
        "client_id": "app",
        "client_secret": SECRET,
        "scope": "https://graph.windows.net/.default",
    }
    assert service.addresses[0] == f"{BASE_URL}/contoso.example/oauth2/v2.0/token"


async def test_a_refused_token_is_renewed_once() -> None:
    service, time = Service(), FakeTime()
    client = client_of(service, time, APPLICATION)
    await ask(client)
    service.refused = {"token-1"}
    assert await ask(client) == "token-2"
    service.refused = {"token-2", "token-3"}
    with pytest.raises(Unauthorized):
        await ask(client)
    assert len(service.forms) == 3
    assert time.slept == []


async def test_many_calls_at_once_ask_for_one_token() -> None:
    service = Service()
    client = client_of(service, FakeTime(), APPLICATION)
    assert set(await asyncio.gather(*(ask(client) for _ in range(20)))) == {"token-1"}
    service.refused = {"token-1"}
    assert set(await asyncio.gather(*(ask(client) for _ in range(20)))) == {"token-2"}
    assert len(service.forms) == 2


async def test_a_refresh_token_brings_the_next_one() -> None:
    service, time = Service(), FakeTime()
    kept: list[str] = []
    credential = RefreshToken("contoso.example", "app", "refresh-0", SECRET, on_renewal=kept.append)
    client = client_of(service, time, credential)
    await ask(client)
    time.now += 3600
    assert await ask(client) == "token-2"
    assert [form["refresh_token"] for form in service.forms] == ["refresh-0", "refresh-1"]
    assert service.forms[0]["scope"] == "https://api.partnercenter.microsoft.com/user_impersonation"
    assert kept == ["refresh-1", "refresh-2"]


async def test_a_public_client_sends_no_secret() -> None:
    service = Service()
    await ask(client_of(service, FakeTime(), RefreshToken("contoso.example", "app", "refresh-0")))
    assert "client_secret" not in service.forms[0]


@dataclass
class Scoped:
    token: str
    expires_on: int


class Azure:
    """A credential of azure-identity, counting."""

    def __init__(self) -> None:
        self.scopes: list[tuple[str, ...]] = []

    def get_token(self, *scopes: str) -> Scoped:
        self.scopes.append(scopes)
        return Scoped(f"azure-{len(self.scopes)}", 2_000 * len(self.scopes))


class AsyncAzure:
    async def get_token(self, *scopes: str) -> Scoped:
        return Scoped("azure-async", 2_000)


async def test_credentials_of_azure_identity() -> None:
    time, credential = FakeTime(), Azure()
    client = client_of(Service(), time, credential)
    assert [await ask(client), await ask(client)] == ["azure-1", "azure-1"]
    time.now = 1_970
    assert await ask(client) == "azure-2"
    assert credential.scopes == [("https://api.partnercenter.microsoft.com/.default",)] * 2
    assert await ask(client_of(Service(), time, AsyncAzure())) == "azure-async"


def web_token(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


async def test_a_function_is_asked_when_its_token_expires() -> None:
    given = [web_token(exp=1_100), web_token(exp=2_000)]
    tokens: Iterator[str] = iter(given)
    time = FakeTime()
    client = client_of(Service(), time, lambda: next(tokens))
    assert [await ask(client), await ask(client)] == [given[0], given[0]]
    time.now = 1_070
    assert await ask(client) == given[1]


async def test_a_function_may_have_to_be_waited_for() -> None:
    async def later() -> str:
        return "opaque"

    assert await ask(client_of(Service(), FakeTime(), later)) == "opaque"


async def test_a_token_by_itself_cannot_be_renewed() -> None:
    service = Service()
    service.refused = {"static"}
    with pytest.raises(Unauthorized) as caught:
        await ask(client_of(service, FakeTime(), "static"))
    assert caught.value.request_id


@pytest.mark.parametrize(
    "token", ["opaque", "a.b", "a.!.c", "a.e30.c", web_token(exp="soon"), f"a.{'W1tb' * 5000}.c", "a.IjEi.c"]
)
def test_tokens_that_do_not_tell_their_expiry(token: str) -> None:
    assert of_text(token).expires_at is None


async def test_no_token_no_call() -> None:
    script = Script(
        [answer(401, {"error": "invalid_client", "error_description": "no", "error_codes": [7000215]})]
    )
    with pytest.raises(TokenRefused, match="invalid_client: no") as caught:
        await ask(client_of(script, FakeTime(), APPLICATION))
    assert caught.value.codes == (7000215,)
    assert len(script.requests) == 1


async def test_an_authority_that_fails_is_asked_again() -> None:
    granted = answer(200, {"access_token": "late", "expires_in": "3599"})
    script = Script([httpx2.ConnectError("no"), answer(503), granted, answer(200, "none")])
    time = FakeTime()
    assert await ask(client_of(script, time, APPLICATION)) == "none"
    assert len(time.slept) == 2
    gone = Script([httpx2.ConnectError("no")] * 2)
    with pytest.raises(Unreachable, match="/oauth2/v2"):
        await ask(client_of(gone, time, APPLICATION, retry=RetryPolicy(attempts_max=2)))


async def test_secrets_do_not_show(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    credential = RefreshToken("contoso.example", "app", SECRET, SECRET)
    for steps in (
        [httpx2.ReadError("x")] * 4,
        [answer(200, {"token": SECRET})],
        [answer(401, {"error": "x"})],
    ):
        with pytest.raises((Unreachable, UnexpectedReply, TokenRefused)) as caught:
            await ask(client_of(Script([*steps]), FakeTime(), credential))
        assert SECRET not in str(caught.value)
    assert SECRET not in caplog.text
    assert SECRET not in repr((credential, APPLICATION, of_text(SECRET)))


@pytest.mark.parametrize(
    ("authority", "base_url", "expected"),
    [
        (None, PARTNER_CENTER, "https://login.microsoftonline.com/t/oauth2/v2.0/token"),
        (None, PARTNER_CENTER_CHINA, "https://login.chinacloudapi.cn/t/oauth2/v2.0/token"),
        (None, "http://127.0.0.1:8080", "http://127.0.0.1:8080/t/oauth2/v2.0/token"),
        ("https://login.example/", PARTNER_CENTER, "https://login.example/t/oauth2/v2.0/token"),
    ],
)
def test_a_secret_goes_to_microsoft_only_for_its_own_service(
    authority: str | None, base_url: str, expected: str
) -> None:
    assert token_address(authority, "t", base_url) == expected


def test_an_authority_is_an_address() -> None:
    with pytest.raises(ValueError, match="not an http or https address"):
        token_address("login.example", "t", PARTNER_CENTER)
