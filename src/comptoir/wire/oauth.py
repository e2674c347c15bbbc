"""The token issuer: token requests, its metadata and its keys (``00-cross-cutting`` section 13.3).

Requests for tokens are forms, not JSON, so these operations declare no request struct. ``errors`` are the
statuses with the issuer's own numbers, which the texts print after ``AADSTS``.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType, field

from comptoir.wire.operation import Audience, Mode, Operation, Query
from comptoir.wire.types import Reply

TOKEN_ERRORS = (
    "400/9002313",
    "400/900144",
    "400/70003",
    "400/90002",
    "400/50059",
    "401/700016",
    "401/7000218",
    "401/7000215",
    "401/700027",
    "400/500011",
    "400/70008",
    "400/700082",
)

CLIENT_REQUEST_ID = "client-request-id"
"""An id of the client's own, which token answers give back."""


class OAuthReply(Reply, kw_only=True, rename="lower"):
    """Base of the issuer's answers: OAuth writes names in snake case."""


class TokenReplyV1(OAuthReply, kw_only=True):
    """The first version's answer: numbers are texts, times are seconds since 1970."""

    token_type: str
    expires_in: str
    ext_expires_in: str
    expires_on: str
    not_before: str
    resource: str
    access_token: str


class TokenReplyV2(OAuthReply, kw_only=True):
    """The second version's answer. ``scope`` is what the token is good for."""

    token_type: str
    scope: str
    expires_in: int
    ext_expires_in: int
    access_token: str


class TokenForm(OAuthReply, kw_only=True):
    """What every request for a token sends. Id and secret may come in HTTP Basic instead."""

    grant_type: str
    client_id: str | UnsetType = UNSET
    client_secret: str | UnsetType = UNSET


class TokenFormV1(TokenForm, kw_only=True):
    """A request in the first version: ``resource`` is the service that the token is for."""

    resource: str


class TokenFormV2(TokenForm, kw_only=True):
    """A request in the second version: ``scope`` is the service that the token is for and ``/.default``."""

    scope: str


class ExchangeForm(OAuthReply, kw_only=True):
    """A request to exchange a token. Whatever it says, the token in the header counts."""

    grant_type: str | UnsetType = UNSET


class OAuthFault(OAuthReply, kw_only=True):
    """A refusal in the dialect of OAuth (section 11.1 f). ``error_codes`` holds one number."""

    error: str
    error_description: str
    error_codes: Sequence[int]
    timestamp: str
    trace_id: str
    correlation_id: str


class ProviderMetadata(OAuthReply, kw_only=True):
    """Where the issuer's endpoints are and what it can do (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: Sequence[str]
    grant_types_supported: Sequence[str]
    response_types_supported: Sequence[str]
    response_modes_supported: Sequence[str]
    subject_types_supported: Sequence[str]
    id_token_signing_alg_values_supported: Sequence[str]
    scopes_supported: Sequence[str]
    claims_supported: Sequence[str]


class JsonWebKeySet(OAuthReply, kw_only=True):
    """The public keys that verify tokens (RFC 7517)."""

    keys: Sequence[dict[str, Any]]


class CloudInstance(OAuthReply, kw_only=True):
    """One host that serves the issuer, and the names it goes by."""

    preferred_network: str
    preferred_cache: str
    aliases: Sequence[str]


class InstanceDiscovery(OAuthReply, kw_only=True):
    """What clients ask to learn whether an authority is known."""

    tenant_discovery_endpoint: str
    api_version: str = field(name="api-version")
    metadata: Sequence[CloudInstance]


def _token(
    name: str, path: str, summary: str, form: type[TokenForm], reply: type[Reply], *errors: str
) -> Operation:
    return Operation(
        id=f"oauth.{name}",
        method="POST",
        path=path,
        summary=summary,
        reply=reply,
        mode=Mode.STEPS,
        audience=Audience.PUBLIC,
        errors=(*TOKEN_ERRORS, *errors),
        headers=(CLIENT_REQUEST_ID,),
        form=form,
    )


def _read(
    name: str, path: str, summary: str, reply: type[Reply], query: tuple[Query, ...] = (), *errors: str
) -> Operation:
    return Operation(
        id=f"oauth.{name}",
        method="GET",
        path=path,
        summary=summary,
        reply=reply,
        mode=Mode.STEPS,
        audience=Audience.PUBLIC,
        query=query,
        errors=errors,
    )


OPERATIONS = (
    _token("token_v1", "/{tenant}/oauth2/token", "Get a token for a resource", TokenFormV1, TokenReplyV1),
    _token(
        "token_v2",
        "/{tenant}/oauth2/v2.0/token",
        "Get a token for a scope",
        TokenFormV2,
        TokenReplyV2,
        "400/70011",
    ),
    _token(
        "token_adfs",
        "/adfs/oauth2/token",
        "Get a token for a scope; the application tells the account",
        TokenFormV2,
        TokenReplyV2,
        "400/70011",
    ),
    _read(
        "metadata_v1",
        "/{tenant}/.well-known/openid-configuration",
        "The issuer's endpoints, first version",
        ProviderMetadata,
        (),
        "400/90002",
    ),
    _read(
        "metadata_v2",
        "/{tenant}/v2.0/.well-known/openid-configuration",
        "The issuer's endpoints, second version",
        ProviderMetadata,
        (),
        "400/90002",
    ),
    _read("keys_v1", "/{tenant}/discovery/keys", "The keys that verify tokens", JsonWebKeySet),
    _read("keys_v2", "/{tenant}/discovery/v2.0/keys", "The keys that verify tokens", JsonWebKeySet),
    _read("keys", "/discovery/v2.0/keys", "The keys that verify tokens, of every tenant", JsonWebKeySet),
    _read(
        "instance_discovery",
        "/common/discovery/instance",
        "Whether this host is an authority, and where its metadata is",
        InstanceDiscovery,
        (
            Query("api-version", "Taken for 1.1, whatever it says."),
            Query("authorization_endpoint", "The authority's address in question.", required=True),
        ),
        "400/900144",
        "400/9002313",
    ),
    Operation(
        id="oauth.generate_token",
        method="POST",
        path="/generatetoken",
        summary="Exchange a directory token for a partner token: it is the same",
        reply=TokenReplyV1,
        mode=Mode.STEPS,
        audience=Audience.PUBLIC,
        errors=("401/400", "401/800001"),
        headers=(CLIENT_REQUEST_ID,),
        form=ExchangeForm,
    ),
)
