"""Bearer tokens and opaque texts (``00-cross-cutting`` sections 13.2, 13.8 and 17, check C14)."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from tests.identity_factory import (
    BASE_URL,
    CLIENT_ID,
    SERVER_ID,
    TENANT_ID,
    USER_ID,
    WALL,
    json_segment,
    make_secrets,
    rsa_key,
    segment,
    signing_key,
    user,
)

from comptoir.core.context import Role
from comptoir.core.errors import Code, Refusal
from comptoir.identity import tokens
from comptoir.identity.model import AudienceKind, Principal, Secrets

SECRETS = make_secrets()
SECOND = timedelta(seconds=1)
RESOURCE = "https://api.partnercenter.microsoft.com"
CLAIMS = tokens.application_claims(
    tenant_id=TENANT_ID, client_id=CLIENT_ID, resource=RESOURCE, base_url=BASE_URL, wall=WALL
)


def _verify(
    token: str, wall: datetime = WALL, secrets: Secrets = SECRETS, audience: str = "partner"
) -> Principal:
    return tokens.verify(secrets, token, wall, audience=audience, base_url=BASE_URL)


def _reason(token: str, wall: datetime = WALL, secrets: Secrets = SECRETS, audience: str = "partner") -> str:
    with pytest.raises(Refusal) as refused:
        _verify(token, wall, secrets, audience)
    assert refused.value.code is Code.TOKEN_INVALID
    return str(refused.value.facts["reason"])


def _changed(**claims: Any) -> str:
    return tokens.sign(SECRETS, msgspec.structs.replace(CLAIMS, **claims))


def _signed(header: dict[str, Any], payload: dict[str, Any], key: Any, algorithm: str) -> str:
    return jws.serialize_compact(header, msgspec.json.encode(payload), key, algorithms=[algorithm])


# Claims


def test_an_app_only_token_names_tenant_and_application() -> None:
    token = tokens.sign(SECRETS, CLAIMS)
    claims = json_segment(token.split(".")[1])
    seconds = int(WALL.timestamp())
    assert claims == {
        "aud": RESOURCE,
        "iss": f"{BASE_URL}/{TENANT_ID}/",
        "iat": seconds,
        "nbf": seconds,
        "exp": seconds + 3_600,
        "tid": TENANT_ID,
        "ver": "1.0",
        "sub": claims["oid"],
        "oid": claims["oid"],
        "appid": CLIENT_ID,
    }
    bearer = _verify(token)
    assert (bearer.tenant_id, bearer.application_id, bearer.user_id) == (TENANT_ID, CLIENT_ID, None)
    assert bearer.expires_at == WALL + timedelta(hours=1)


def test_the_second_version_names_the_application_azp() -> None:
    claims = tokens.application_claims(
        tenant_id=TENANT_ID, client_id=CLIENT_ID, resource=BASE_URL, base_url=BASE_URL, wall=WALL, version=2
    )
    token = tokens.sign(SECRETS, claims)
    payload = json_segment(token.split(".")[1])
    assert (payload["azp"], payload["ver"], payload["iss"]) == (
        CLIENT_ID,
        "2.0",
        f"{BASE_URL}/{TENANT_ID}/v2.0",
    )
    assert "appid" not in payload
    assert _verify(token).application_id == CLIENT_ID


def test_an_app_and_user_token_carries_the_user_its_roles_and_the_proof_of_mfa() -> None:
    claims = tokens.user_claims(
        user=user(Role.SALES_AGENTS, Role.ADMIN_AGENTS),
        client_id=CLIENT_ID,
        resource=RESOURCE,
        base_url=BASE_URL,
        wall=WALL,
        has_mfa=True,
    )
    token = tokens.sign(SECRETS, claims)
    payload = json_segment(token.split(".")[1])
    assert payload["roles"] == ["AdminAgents", "SalesAgents"]
    assert payload["amr"] == ["pwd", "mfa"]
    assert payload["scp"] == "user_impersonation"
    assert payload["upn"] == payload["unique_name"] == "ada@quay.example"
    bearer = _verify(token)
    assert (bearer.user_id, bearer.user_name, bearer.has_mfa) == (USER_ID, "ada@quay.example", True)
    assert bearer.roles == {Role.ADMIN_AGENTS, Role.SALES_AGENTS}


def test_a_user_without_mfa_has_no_proof_of_it() -> None:
    claims = tokens.user_claims(
        user=user(), client_id=CLIENT_ID, resource=RESOURCE, base_url=BASE_URL, wall=WALL, has_mfa=False
    )
    assert _verify(tokens.sign(SECRETS, claims)).has_mfa is False


def test_names_of_the_second_version_make_a_user_too() -> None:
    token = _changed(appid="", azp=CLIENT_ID, preferred_username="ada@quay.example", oid=USER_ID)
    assert (_verify(token).user_name, _verify(token).user_id) == ("ada@quay.example", USER_ID)


def test_roles_that_we_do_not_know_are_passed_over() -> None:
    assert _verify(_changed(roles=("Jester", "BillingAdmin"))).roles == {Role.BILLING_ADMIN}


def test_the_header_says_which_key_signed() -> None:
    header = json_segment(tokens.sign(SECRETS, CLAIMS).split(".")[0])
    assert header == {"typ": "JWT", "alg": "RS256", "kid": "kid-first"}


# Time


@pytest.mark.parametrize(
    ("wall", "is_good"),
    [
        (WALL - timedelta(minutes=5) - SECOND, False),
        (WALL - timedelta(minutes=5), True),
        (WALL + timedelta(hours=1), True),
        (WALL + timedelta(hours=1, minutes=5) - SECOND, True),
        (WALL + timedelta(hours=1, minutes=5), False),
    ],
)
def test_a_token_is_good_for_its_hour_and_five_minutes_of_skew(wall: datetime, is_good: bool) -> None:
    token = tokens.sign(SECRETS, CLAIMS)
    if is_good:
        _verify(token, wall)
    else:
        assert "expired" in _reason(token, wall) or "not valid yet" in _reason(token, wall)


def test_a_remembered_token_still_expires() -> None:
    token = tokens.sign(SECRETS, CLAIMS)
    _verify(token)
    assert "expired" in _reason(token, WALL + timedelta(hours=2))


# Audience, issuer, required claims


def test_a_token_for_another_audience_is_refused() -> None:
    assert "audience" in _reason(_changed(aud="https://graph.microsoft.com"))
    assert "audience" in _reason(_changed(aud="20e940b3-4c77-4b0b-9a53-9e16a1b010a7"))
    assert "audience" in _reason(_changed(aud=""))


def test_a_partners_token_opens_neither_the_operators_nor_the_publishers_api() -> None:
    token = tokens.sign(SECRETS, CLAIMS)
    assert "audience" in _reason(token, audience="operator")
    assert "audience" in _reason(token, audience="publisher")


def test_an_operators_token_is_good_in_its_own_installation_only() -> None:
    claims = tokens.operator_claims(SECRETS, BASE_URL, WALL)
    bearer = _verify(tokens.sign(SECRETS, claims), audience="operator")
    assert (bearer.audience, bearer.tenant_id) == (AudienceKind.OPERATOR, SERVER_ID)
    other = make_secrets(server_id="5a1b2c3d-0000-4000-8000-000000000000")
    assert "installation" in _reason(tokens.sign(SECRETS, claims), secrets=other, audience="operator")


@pytest.mark.parametrize(
    ("issuer", "is_good"),
    [
        (f"{BASE_URL}/{TENANT_ID}/", True),
        (f"{BASE_URL}/{TENANT_ID}/v2.0", True),
        (f"http://127.0.0.1:8080/{TENANT_ID.upper()}/", True),
        (f"{BASE_URL}/{CLIENT_ID}/", False),
        (f"{BASE_URL}/{TENANT_ID}/v1.0", False),
        (BASE_URL, False),
        ("", False),
    ],
)
def test_the_issuer_is_that_of_the_tenant_on_any_host_of_ours(issuer: str, is_good: bool) -> None:
    token = _changed(iss=issuer)
    if is_good:
        assert _verify(token).tenant_id == TENANT_ID
    else:
        assert "issuer" in _reason(token)


def test_claims_that_must_be_there() -> None:
    assert "no tenant" in _reason(_changed(tid=""))
    assert "no application" in _reason(_changed(appid=""))
    assert "no user" in _reason(_changed(scp="user_impersonation", oid=""))


def test_ids_are_read_in_lower_case() -> None:
    bearer = _verify(_changed(tid=TENANT_ID.upper(), appid=CLIENT_ID.upper(), scp="x", oid=USER_ID.upper()))
    assert (bearer.tenant_id, bearer.application_id, bearer.user_id) == (TENANT_ID, CLIENT_ID, USER_ID)


# Signatures


def test_a_changed_claim_breaks_the_signature() -> None:
    header, payload, signature = tokens.sign(SECRETS, CLAIMS).split(".")
    forged = segment({**json_segment(payload), "tid": SERVER_ID})
    assert "signature" in _reason(f"{header}.{forged}.{signature}")


def test_alg_none_is_refused() -> None:
    _, payload, signature = tokens.sign(SECRETS, CLAIMS).split(".")
    for algorithm in ("none", "None", "NONE", ""):
        for kid in ({}, {"kid": "kid-first"}):
            unsigned = segment({"typ": "JWT", "alg": algorithm, **kid})
            assert "signature" in _reason(f"{unsigned}.{payload}.")
            assert "signature" in _reason(f"{unsigned}.{payload}.{signature}")


def test_hmac_with_the_public_key_as_secret_is_refused() -> None:
    """The confusion of algorithms: the verifier must not take its public key for an HMAC key."""
    public_pem = rsa_key().as_pem(private=False)
    header = segment({"typ": "JWT", "alg": "HS256", "kid": "kid-first"})
    signed = f"{header}.{tokens.sign(SECRETS, CLAIMS).split('.')[1]}"
    mac = hmac.digest(public_pem, signed.encode(), hashlib.sha256)
    assert "signature" in _reason(f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_only_rs256_counts(algorithm: str) -> None:
    token = _signed({"alg": algorithm, "kid": "kid-first"}, msgspec.to_builtins(CLAIMS), rsa_key(), algorithm)
    assert "signature" in _reason(token)


def test_a_foreign_key_is_refused_under_any_name() -> None:
    payload = msgspec.to_builtins(CLAIMS)
    for header in (
        {"alg": "RS256", "kid": "kid-first"},
        {"alg": "RS256", "kid": "kid-other"},
        {"alg": "RS256"},
    ):
        assert "signature" in _reason(_signed(header, payload, rsa_key("other"), "RS256"))


def test_a_key_sent_along_in_the_header_is_not_taken() -> None:
    jwk = rsa_key("other").as_dict(private=False)
    token = _signed({"alg": "RS256", "jwk": jwk}, msgspec.to_builtins(CLAIMS), rsa_key("other"), "RS256")
    assert "signature" in _reason(token)


@pytest.mark.parametrize("name", ["aud", "iss", "iat", "nbf", "exp", "tid", "ver"])
@pytest.mark.parametrize("value", [None, [], "absent", 1.5, {"a": 1}])
def test_a_claim_that_is_absent_or_of_another_type_is_refused(name: str, value: Any) -> None:
    payload = {**msgspec.to_builtins(CLAIMS), name: value}
    if value == "absent":
        del payload[name]
    token = _signed({"alg": "RS256", "kid": "kid-first"}, payload, rsa_key(), "RS256")
    assert "malformed" in _reason(token)


MALFORMED = [
    "",
    ".",
    "..",
    "...",
    "a.b.c",
    "eyJhbGciOiJSUzI1NiJ9",
    "eyJhbGciOiJSUzI1NiJ9..",
    "é.é.é",
    "\x00",
    f"{segment([])}.{segment({})}.AAAA",
    f"{segment(None)}.{segment({})}.AAAA",
    f"{segment({'alg': 'RS256', 'kid': ['kid-first']})}.{segment({})}.AAAA",
    f"{segment({'alg': {}})}.{segment({})}.AAAA",
    f"{segment({'alg': 'RS256', 'kid': 'kid-first', 'crit': ['b64'], 'b64': False})}.x.AAAA",
    "A" * 20_000,
]


@pytest.mark.parametrize("token", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_token_is_refused(token: str) -> None:
    _reason(token)


def test_a_header_nested_deeply_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 9_000).rstrip(b"=").decode()
    _reason(f"{deep}.{segment({})}.AAAA")


@given(st.text(max_size=200) | st.from_regex(r"[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}", fullmatch=True))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with pytest.raises(Refusal):
        _verify(text)


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_no_change_of_one_character_gives_another_bearer(position: int, character: str) -> None:
    token = tokens.sign(SECRETS, CLAIMS)
    index = position % len(token)
    changed = token[:index] + character + token[index + 1 :]
    try:
        bearer = _verify(changed)
    except Refusal:
        return
    assert bearer == _verify(token)


# Rotation


def test_after_a_rotation_the_old_key_verifies_until_it_retires() -> None:
    old_token = tokens.sign(SECRETS, CLAIMS)
    retires_at = WALL + timedelta(minutes=30)
    rotated = make_secrets(signing_key("second"), signing_key("first", retires_at))
    assert _verify(old_token, retires_at - SECOND, rotated).tenant_id == TENANT_ID
    assert "retired" in _reason(old_token, retires_at, rotated)
    new_token = tokens.sign(rotated, CLAIMS)
    assert json_segment(new_token.split(".")[0])["kid"] == "kid-second"
    assert "signature" in _reason(new_token)


def test_the_key_set_lists_public_halves_of_the_keys_that_count() -> None:
    rotated = make_secrets(signing_key("second"), signing_key("first", WALL + SECOND))
    keys = tokens.key_set(rotated, WALL)
    assert [key["kid"] for key in keys] == ["kid-second", "kid-first"]
    assert all(key.keys() == {"kty", "n", "e", "kid", "use", "alg"} for key in keys)
    assert [key["kid"] for key in tokens.key_set(rotated, WALL + SECOND)] == ["kid-second"]


# The authorization header


def test_the_bearer_token_of_a_header() -> None:
    assert tokens.bearer("Bearer abc") == "abc"
    assert tokens.bearer("bearer  abc ") == "abc"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, Code.TOKEN_MISSING),
        ("", Code.TOKEN_MISSING),
        ("Bearer", Code.TOKEN_MISSING),
        ("Bearer  ", Code.TOKEN_MISSING),
        ("Basic YTpi", Code.TOKEN_INVALID),
    ],
)
def test_a_header_without_a_bearer_token(header: str | None, code: Code) -> None:
    with pytest.raises(Refusal) as refused:
        tokens.bearer(header)
    assert refused.value.code is code


# Opaque texts


@given(st.binary(max_size=200), st.sampled_from(["continuation", "purchase"]))
def test_an_opaque_text_gives_its_payload_back(payload: bytes, purpose: str) -> None:
    text = tokens.sign_opaque(SECRETS, purpose, payload)
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert tokens.open_opaque(SECRETS, purpose, text) == payload


def test_an_opaque_text_is_good_for_one_purpose_and_one_installation() -> None:
    text = tokens.sign_opaque(SECRETS, "continuation", b"page 2")
    assert tokens.open_opaque(SECRETS, "purchase", text) is None
    assert tokens.open_opaque(make_secrets(hmac_key=b"x" * 32), "continuation", text) is None


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_closes_an_opaque_text(position: int, difference: int) -> None:
    signed = bytearray(
        base64.urlsafe_b64decode(tokens.sign_opaque(SECRETS, "continuation", b"page 22") + "=")
    )
    signed[position % len(signed)] ^= difference
    changed = base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
    assert tokens.open_opaque(SECRETS, "continuation", changed) is None


@given(st.text(max_size=100))
def test_no_other_text_opens(text: str) -> None:
    assert tokens.open_opaque(SECRETS, "continuation", text) is None


def test_keys_do_not_show_when_printed() -> None:
    assert b"k" * 32 not in repr(SECRETS).encode()
    assert "RSAKey" not in repr(SECRETS)
