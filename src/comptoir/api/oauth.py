"""The token issuer's endpoints (``00-cross-cutting`` sections 13.3 and 13.6).

Anyone may call them, so each form is bounded, and every refusal is an OAuth error in the dialect that client
libraries parse.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from functools import partial
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from comptoir.api.call import Answer, Call, Handler
from comptoir.api.services import Services
from comptoir.core.ids import GUID
from comptoir.identity import service as identity
from comptoir.identity import tokens
from comptoir.identity.grants import (
    ADFS_TENANT,
    SHARED_TENANTS,
    Dialect,
    GrantProblem,
    GrantRefusal,
    IssuedToken,
    TokenRequest,
)
from comptoir.identity.model import AudienceKind
from comptoir.wire import codec
from comptoir.wire.oauth import (
    CloudInstance,
    InstanceDiscovery,
    JsonWebKeySet,
    OAuthFault,
    ProviderMetadata,
    TokenReplyV1,
    TokenReplyV2,
)

FORM_BYTES_MAX = 65_536
FORM_FIELDS_MAX = 64
EXPIRES_IN_SECONDS = int(tokens.LIFETIME.total_seconds()) - 1
"""As clients are told: they must ask again before the token expires, not after."""

OAUTH: Mapping[GrantProblem, tuple[int, str, int]] = {
    GrantProblem.MALFORMED: (400, "invalid_request", 9002313),
    GrantProblem.PARAMETER_MISSING: (400, "invalid_request", 900144),
    GrantProblem.GRANT_UNSUPPORTED: (400, "unsupported_grant_type", 70003),
    GrantProblem.TENANT_UNKNOWN: (400, "invalid_request", 90002),
    GrantProblem.TENANT_SHARED: (400, "invalid_request", 50059),
    GrantProblem.CLIENT_UNKNOWN: (401, "invalid_client", 700016),
    GrantProblem.CREDENTIAL_MISSING: (401, "invalid_client", 7000218),
    GrantProblem.CREDENTIAL_WRONG: (401, "invalid_client", 7000215),
    GrantProblem.CERTIFICATE_UNKNOWN: (401, "invalid_client", 700027),
    GrantProblem.SCOPE_INVALID: (400, "invalid_scope", 70011),
    GrantProblem.RESOURCE_UNKNOWN: (400, "invalid_resource", 500011),
    GrantProblem.CODE_EXPIRED: (400, "invalid_grant", 70008),
    GrantProblem.REFRESH_EXPIRED: (400, "invalid_grant", 700082),
}
"""HTTP status, OAuth error and the number that clients know, of every refusal."""

_PRINTABLE = re.compile(r"[\x21-\x7e]{1,128}")
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)


async def token(services: Services, call: Call, dialect: Dialect) -> Answer:
    """Issue a token, or say no in the words of OAuth. At ``/adfs`` the application tells the tenant."""
    request = _read_request(call, dialect)
    if isinstance(request, GrantRefusal):
        return _refuse(services, call, request)
    wall = services.wall()
    issue = partial(
        identity.grant,
        secrets=services.secrets,
        request=request,
        wall=wall,
        base_url=services.settings.public_base_url,
    )
    outcome = await services.database.read(issue)
    if isinstance(outcome, GrantRefusal):
        return _refuse(services, call, outcome)
    to_wire = _token_v1_to_wire if dialect is Dialect.V1 else _token_v2_to_wire
    return Answer(codec.encode(to_wire(outcome)), headers=_headers(call))


async def metadata(services: Services, call: Call, version: int) -> Answer | ProviderMetadata:
    """Where the endpoints of a tenant are. Shared tenants have metadata too: clients read it first."""
    tenant = call.path["tenant"].lower()
    if tenant in SHARED_TENANTS or tenant == ADFS_TENANT:
        return _metadata_to_wire(services.settings.public_base_url, tenant, version)
    tenant_id = await services.database.read(partial(identity.find_tenant, tenant=tenant))
    if tenant_id is None:
        refusal = GrantRefusal(GrantProblem.TENANT_UNKNOWN, {"tenant": tenant})
        return _refuse(services, call, refusal)
    return _metadata_to_wire(services.settings.public_base_url, tenant_id, version)


async def keys(services: Services, call: Call) -> JsonWebKeySet:
    """The same keys for every tenant."""
    return JsonWebKeySet(keys=tokens.key_set(services.secrets, services.wall()))


async def instance_discovery(services: Services, call: Call) -> Answer | InstanceDiscovery:
    """Every host that a client reaches us by is an authority (section 13.7)."""
    asked = call.query.get("authorization_endpoint")
    if asked is None:
        refusal = GrantRefusal(GrantProblem.PARAMETER_MISSING, {"parameter": "authorization_endpoint"})
        return _refuse(services, call, refusal)
    discovered = _discovery_to_wire(asked, call.headers.get("Host") or "")
    if discovered is None:
        reason = "authorization_endpoint is not the address of an authority."
        return _refuse(services, call, GrantRefusal(GrantProblem.MALFORMED, {"reason": reason}))
    return discovered


async def generate_token(services: Services, call: Call) -> Answer:
    """Give back the presented token, if it is good."""
    presented = tokens.bearer(call.headers.get("Authorization"))
    wall = services.wall()
    principal = tokens.verify(
        services.secrets,
        presented,
        wall,
        audience=AudienceKind.PARTNER,
        base_url=services.settings.public_base_url,
    )
    await services.database.read(partial(identity.load_caller, principal=principal))
    remaining = str(max(0, tokens.seconds(principal.expires_at) - tokens.seconds(wall)))
    reply = TokenReplyV1(
        access_token=presented,
        token_type="bearer",  # noqa: S106 - the kind of token, not a secret
        expires_in=remaining,
        ext_expires_in=remaining,
        expires_on=str(tokens.seconds(principal.expires_at)),
        not_before=str(tokens.seconds(principal.issued_at)),
        resource=principal.resource,
    )
    return Answer(codec.encode(reply), headers=_headers(call))


HANDLERS: Mapping[str, Handler] = {
    "oauth.token_v1": partial(token, dialect=Dialect.V1),
    "oauth.token_v2": partial(token, dialect=Dialect.V2),
    "oauth.token_adfs": partial(token, dialect=Dialect.V2),
    "oauth.metadata_v1": partial(metadata, version=1),
    "oauth.metadata_v2": partial(metadata, version=2),
    "oauth.keys_v1": keys,
    "oauth.keys_v2": keys,
    "oauth.keys": keys,
    "oauth.instance_discovery": instance_discovery,
    "oauth.generate_token": generate_token,
}


def _read_request(call: Call, dialect: Dialect) -> TokenRequest | GrantRefusal:
    form = _read_form(call.raw)
    if form is None:
        return _malformed("the form cannot be read, is too large or gives a parameter twice.")
    client_id, client_secret = form.get("client_id"), form.get("client_secret")
    authorization = call.headers.get("Authorization")
    if authorization is not None and client_secret is None:
        basic = _read_basic(authorization)
        if basic is None or client_id not in {None, basic[0]}:
            return _malformed("the authorization header does not fit the form.")
        client_id, client_secret = basic
    return TokenRequest(
        tenant=call.path.get("tenant", ADFS_TENANT),
        dialect=dialect,
        grant_type=form.get("grant_type"),
        client_id=client_id,
        client_secret=client_secret,
        has_assertion="client_assertion" in form,
        resource=form.get("resource"),
        scope=form.get("scope"),
    )


def _malformed(reason: str) -> GrantRefusal:
    return GrantRefusal(GrantProblem.MALFORMED, {"reason": reason})


def _read_form(raw: bytes) -> dict[str, str] | None:
    """The parameters of a form, without blank ones; ``None`` if one is given twice (RFC 6749 section 3.2) or
    holds a NUL, which no column does.
    """
    if len(raw) > FORM_BYTES_MAX:
        return None
    try:
        pairs = parse_qsl(raw.decode("ascii"), max_num_fields=FORM_FIELDS_MAX, errors="strict")
    except ValueError:
        return None
    form = dict(pairs)
    has_nul = any("\0" in value for value in form.values())
    return None if has_nul or len(form) < len(pairs) else form


def _read_basic(authorization: str) -> tuple[str, str] | None:
    """Client id and secret of HTTP Basic, each form-encoded (RFC 6749 section 2.3.1)."""
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (unquote_plus(client_id), unquote_plus(secret)) if colon else None


def _refuse(services: Services, call: Call, refusal: GrantRefusal) -> Answer:
    status, error, number = OAUTH[refusal.problem]
    trace_id, correlation_id = services.ids.guid(), _correlation_id(services, call)
    timestamp = services.wall().strftime("%Y-%m-%d %H:%M:%SZ")
    fault = OAuthFault(
        error=error,
        error_description=(
            f"AADSTS{number}: {refusal.description} Trace ID: {trace_id} "
            f"Correlation ID: {correlation_id} Timestamp: {timestamp}"
        ),
        error_codes=[number],
        timestamp=timestamp,
        trace_id=trace_id,
        correlation_id=correlation_id,
    )
    is_basic_refused = status == 401 and call.headers.get("Authorization") is not None
    challenge = {"WWW-Authenticate": 'Basic realm="Comptoir"'} if is_basic_refused else {}
    return Answer(codec.encode(fault), status, headers={**_headers(call), **challenge})


def _correlation_id(services: Services, call: Call) -> str:
    given = call.headers.get("client-request-id")
    return given if given is not None and GUID.fullmatch(given) else services.ids.guid()


def _headers(call: Call) -> dict[str, str]:
    """Nothing keeps a copy of a token; the client's own id comes back (section 13.3)."""
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    given = call.headers.get("client-request-id")
    if given is not None and _PRINTABLE.fullmatch(given):
        headers["client-request-id"] = given
    return headers


def _token_v1_to_wire(issued: IssuedToken) -> TokenReplyV1:
    return TokenReplyV1(
        token_type="Bearer",  # noqa: S106 - the kind of token, not a secret
        expires_in=str(EXPIRES_IN_SECONDS),
        ext_expires_in=str(EXPIRES_IN_SECONDS),
        expires_on=str(tokens.seconds(issued.expires_at)),
        not_before=str(tokens.seconds(issued.issued_at)),
        resource=issued.resource,
        access_token=issued.access_token,
    )


def _token_v2_to_wire(issued: IssuedToken) -> TokenReplyV2:
    return TokenReplyV2(
        token_type="Bearer",  # noqa: S106 - the kind of token, not a secret
        scope=issued.scope,
        expires_in=EXPIRES_IN_SECONDS,
        ext_expires_in=EXPIRES_IN_SECONDS,
        access_token=issued.access_token,
    )


def _metadata_to_wire(base_url: str, tenant: str, version: int) -> ProviderMetadata:
    """``authorization_endpoint`` stands here because MSAL does not start without it."""
    is_v1 = version == 1
    oauth2 = f"{base_url}/{tenant}/oauth2" + ("" if is_v1 else "/v2.0")
    named_tenant = "{tenantid}" if tenant in SHARED_TENANTS else tenant
    return ProviderMetadata(
        issuer=f"{base_url}/{ADFS_TENANT}"
        if tenant == ADFS_TENANT
        else tokens.issuer(base_url, named_tenant, version),
        authorization_endpoint=f"{oauth2}/authorize",
        token_endpoint=f"{oauth2}/token",
        jwks_uri=f"{base_url}/{tenant}/discovery" + ("/keys" if is_v1 else "/v2.0/keys"),
        token_endpoint_auth_methods_supported=["client_secret_post", "client_secret_basic"],
        grant_types_supported=["client_credentials"],
        response_types_supported=["code"],
        response_modes_supported=["query", "fragment", "form_post"],
        subject_types_supported=["pairwise"],
        id_token_signing_alg_values_supported=["RS256"],
        scopes_supported=["openid", "profile", "offline_access"],
        claims_supported=[
            "aud", "iss", "iat", "nbf", "exp", "tid", "ver", "sub", "oid", "appid", "azp", "name", "upn",
            "unique_name", "preferred_username", "scp", "roles", "amr",
        ],
    )  # fmt: skip


def _discovery_to_wire(authorization_endpoint: str, reached_at: str) -> InstanceDiscovery | None:
    """MSAL leaves the port out of the address in question, so it is taken from the host it reached."""
    try:
        address = urlsplit(authorization_endpoint)
    except ValueError:
        return None
    segments = [segment for segment in address.path.split("/") if segment]
    if address.scheme not in {"http", "https"} or not _HOST.fullmatch(address.netloc) or not segments:
        return None
    host = address.hostname or ""
    is_here = _HOST.fullmatch(reached_at) and urlsplit(f"//{reached_at}").hostname == host
    authority = f"{address.scheme}://{reached_at if is_here else address.netloc}/{segments[0]}"
    version = "/v2.0" if "v2.0" in segments else ""
    return InstanceDiscovery(
        tenant_discovery_endpoint=f"{authority}{version}/.well-known/openid-configuration",
        api_version="1.1",
        metadata=[
            CloudInstance(
                preferred_network=host,
                preferred_cache=host,
                aliases=[host] if host == address.netloc else [host, address.netloc],
            )
        ],
    )
