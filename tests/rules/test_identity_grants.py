"""Judging requests for tokens (``00-cross-cutting`` section 13.3)."""

from dataclasses import replace

import pytest
from tests.identity_factory import BASE_URL, CLIENT_ID, TENANT_ID, client

from comptoir.identity.grants import (
    Dialect,
    Grant,
    GrantProblem,
    GrantRefusal,
    TokenRequest,
    check_request,
    judge,
    secret_digest,
)

SECRET = "q-9kE0lV3s"
PARTNER = "https://graph.windows.net"
PUBLISHER = "20e940b3-4c77-4b0b-9a53-9e16a1b010a7"
V1 = TokenRequest(
    tenant=TENANT_ID,
    dialect=Dialect.V1,
    grant_type="client_credentials",
    client_id=CLIENT_ID,
    client_secret=SECRET,
    resource=PARTNER,
)
V2 = replace(V1, dialect=Dialect.V2, resource=None, scope=f"{PARTNER}/.default")
PARTNER_CLIENT = client(secret_digest(SECRET))
PUBLISHER_CLIENT = client(secret_digest(SECRET), publisher_id="northbeam")


def _decide(request: TokenRequest, *, publisher: bool = False, known: bool = True) -> Grant | GrantRefusal:
    refusal = check_request(request)
    if refusal is not None:
        return refusal
    asker = PUBLISHER_CLIENT if publisher else PARTNER_CLIENT
    return judge(request, asker, is_tenant_known=known, base_url=BASE_URL)


def _problem(request: TokenRequest, *, publisher: bool = False, known: bool = True) -> GrantProblem | None:
    decision = _decide(request, publisher=publisher, known=known)
    return decision.problem if isinstance(decision, GrantRefusal) else None


@pytest.mark.parametrize(
    ("request_", "resource", "version"),
    [
        (V1, PARTNER, 1),
        (V2, PARTNER, 1),
        (replace(V1, resource=f"{PARTNER}/"), f"{PARTNER}/", 1),
        (replace(V2, scope=f"{PARTNER}//.default"), f"{PARTNER}/", 1),
        (replace(V2, scope=f"openid profile {PARTNER}/.default offline_access"), PARTNER, 1),
        (replace(V1, resource=BASE_URL), BASE_URL, 1),
        (replace(V2, scope=f"{BASE_URL}/.default"), BASE_URL, 2),
        (replace(V1, tenant=TENANT_ID.upper()), PARTNER, 1),
        (replace(V1, tenant="Quay.Example"), PARTNER, 1),
        (replace(V2, tenant="adfs"), PARTNER, 1),
    ],
)
def test_a_good_request_is_granted(request_: TokenRequest, resource: str, version: int) -> None:
    decision = _decide(request_)
    assert isinstance(decision, Grant)
    assert (decision.resource, decision.version) == (resource, version)


def test_a_publisher_gets_the_publishers_resource_only() -> None:
    assert _problem(replace(V1, resource=PUBLISHER), publisher=True) is None
    assert _problem(replace(V2, scope=f"{PUBLISHER}/.default"), publisher=True) is None
    assert _problem(V1, publisher=True) is GrantProblem.RESOURCE_UNKNOWN
    assert _problem(replace(V1, resource=PUBLISHER)) is GrantProblem.RESOURCE_UNKNOWN
    assert _problem(replace(V1, tenant="quay.example"), publisher=True) is GrantProblem.CLIENT_UNKNOWN


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (replace(V1, grant_type=None), GrantProblem.PARAMETER_MISSING),
        (replace(V1, grant_type="password"), GrantProblem.GRANT_UNSUPPORTED),
        (replace(V1, grant_type="device_code"), GrantProblem.GRANT_UNSUPPORTED),
        (replace(V1, grant_type="authorization_code"), GrantProblem.CODE_EXPIRED),
        (replace(V1, grant_type="refresh_token"), GrantProblem.REFRESH_EXPIRED),
        (replace(V1, client_id=None), GrantProblem.PARAMETER_MISSING),
        (replace(V1, tenant="common"), GrantProblem.TENANT_SHARED),
        (replace(V1, tenant="Organizations"), GrantProblem.TENANT_SHARED),
        (replace(V1, resource=None), GrantProblem.PARAMETER_MISSING),
        (replace(V2, scope=None), GrantProblem.PARAMETER_MISSING),
        (replace(V2, scope=None, resource=PARTNER), GrantProblem.PARAMETER_MISSING),
        (replace(V1, tenant="other.example"), GrantProblem.CLIENT_UNKNOWN),
        (replace(V1, client_secret=None), GrantProblem.CREDENTIAL_MISSING),
        (replace(V1, client_secret=None, has_assertion=True), GrantProblem.CERTIFICATE_UNKNOWN),
        (replace(V1, client_secret=SECRET[:-1]), GrantProblem.CREDENTIAL_WRONG),
        (replace(V1, client_secret=""), GrantProblem.CREDENTIAL_WRONG),
        (replace(V1, client_secret=secret_digest(SECRET)), GrantProblem.CREDENTIAL_WRONG),
        (replace(V1, resource="https://graph.microsoft.com"), GrantProblem.RESOURCE_UNKNOWN),
        (replace(V1, resource="urn:comptoir:operator"), GrantProblem.RESOURCE_UNKNOWN),
        (replace(V2, scope=PARTNER), GrantProblem.SCOPE_INVALID),
        (replace(V2, scope=f"{PARTNER}/user_impersonation"), GrantProblem.SCOPE_INVALID),
        (replace(V2, scope=f"{PARTNER}/.default {BASE_URL}/.default"), GrantProblem.SCOPE_INVALID),
        (replace(V2, scope="/.default"), GrantProblem.SCOPE_INVALID),
        (replace(V2, scope="openid"), GrantProblem.SCOPE_INVALID),
    ],
)
def test_a_bad_request_is_refused(request_: TokenRequest, problem: GrantProblem) -> None:
    assert _problem(request_) is problem


def test_an_unknown_tenant_is_told_before_an_unknown_application() -> None:
    assert _problem(V1, known=False) is GrantProblem.TENANT_UNKNOWN
    refusal = judge(V1, None, is_tenant_known=True, base_url=BASE_URL)
    assert isinstance(refusal, GrantRefusal)
    assert refusal.problem is GrantProblem.CLIENT_UNKNOWN


def test_a_refusal_prints_at_most_200_characters_of_what_was_sent() -> None:
    refusal = _decide(replace(V1, resource="x" * 5_000))
    assert isinstance(refusal, GrantRefusal)
    assert "x" * 200 in refusal.description
    assert "x" * 201 not in refusal.description


def test_texts_of_refusals_survive_braces_in_what_was_sent() -> None:
    refusal = _decide(replace(V1, resource="{client_id.__class__}"))
    assert isinstance(refusal, GrantRefusal)
    assert "{client_id.__class__}" in refusal.description


def test_secrets_do_not_show_when_printed() -> None:
    assert SECRET not in repr(V1)
