"""Judging a request for a token: which grant, which application, which resource.

Source: ``00-cross-cutting`` section 13.3. The decision is a value; ``service.grant`` loads its facts and
``api/oauth.py`` gives a refusal its OAuth error and number.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum

from comptoir.identity.model import AudienceKind, Client
from comptoir.identity.rules import audience_kind, same_resource

ADFS_TENANT = "adfs"
SHARED_TENANTS = frozenset({"common", "organizations", "consumers"})
DEFAULT_SCOPE = "/.default"
OPENID_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})


class Dialect(StrEnum):
    """How a token is asked for and answered: ``resource`` and texts, or ``scope`` and numbers."""

    V1 = "v1"
    V2 = "v2"


class GrantProblem(Enum):
    """Why no token is given. The value is the text sent to the caller, with facts filled in."""

    MALFORMED = "The request is malformed: {reason}"
    PARAMETER_MISSING = "The request must contain the parameter {parameter}."
    GRANT_UNSUPPORTED = "The grant type {grant_type} is not supported here."
    TENANT_UNKNOWN = "The tenant {tenant} was not found. Give the id or the domain of an account."
    TENANT_SHARED = "The request must name the tenant itself: its id or its domain."
    CLIENT_UNKNOWN = "The application {client_id} is not registered in the tenant {tenant}."
    CREDENTIAL_MISSING = "The request must contain a client_secret or a client_assertion."
    CREDENTIAL_WRONG = "The client secret is wrong for the application {client_id}."
    CERTIFICATE_UNKNOWN = "The application {client_id} has no certificate that could verify the assertion."
    SCOPE_INVALID = "The scope {scope} is not valid: give one resource followed by /.default."
    RESOURCE_UNKNOWN = "The resource {resource} is not known in the tenant {tenant}."
    CODE_EXPIRED = "The authorization code is unknown or has expired."
    REFRESH_EXPIRED = "The refresh token is unknown, has expired or was revoked."


@dataclass(frozen=True, slots=True)
class GrantRefusal:
    """No token, and why."""

    problem: GrantProblem
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def description(self) -> str:
        return self.problem.value.format(**{name: fact[:200] for name, fact in self.facts.items()})


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request for a token as it came. ``tenant`` is the path segment: an id, a domain, or ``adfs``."""

    tenant: str
    dialect: Dialect
    grant_type: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    has_assertion: bool = False
    resource: str | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token and what its answer says about it. ``scope`` is as it was asked for."""

    access_token: str = field(repr=False)
    resource: str
    scope: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """Yes: an app-only token of this client for this resource, with claims in this version's names."""

    client: Client
    resource: str
    scope: str
    version: int


def check_request(request: TokenRequest) -> GrantRefusal | None:
    """What can be refused without looking anything up."""
    if not request.grant_type:
        return _missing("grant_type")
    match request.grant_type:
        case "client_credentials":
            pass
        case "authorization_code":
            return GrantRefusal(GrantProblem.CODE_EXPIRED)
        case "refresh_token":
            return GrantRefusal(GrantProblem.REFRESH_EXPIRED)
        case unknown:
            return GrantRefusal(GrantProblem.GRANT_UNSUPPORTED, {"grant_type": unknown})
    if not request.client_id:
        return _missing("client_id")
    if request.tenant.lower() in SHARED_TENANTS:
        return GrantRefusal(GrantProblem.TENANT_SHARED)
    asked, parameter = (
        (request.resource, "resource") if request.dialect is Dialect.V1 else (request.scope, "scope")
    )
    return None if asked else _missing(parameter)


def judge(
    request: TokenRequest, client: Client | None, *, is_tenant_known: bool, base_url: str
) -> Grant | GrantRefusal:
    """Decide about a request that passed ``check_request``. ``client`` is the application by its id."""
    if not is_tenant_known:
        return GrantRefusal(GrantProblem.TENANT_UNKNOWN, {"tenant": request.tenant})
    if client is None or not _belongs(client, request.tenant):
        facts = {"client_id": request.client_id or "", "tenant": request.tenant}
        return GrantRefusal(GrantProblem.CLIENT_UNKNOWN, facts)
    refusal = _check_credential(request, client)
    if refusal is not None:
        return refusal
    if request.dialect is Dialect.V1:
        return _judge_resource(request, client, request.resource or "", base_url)
    resource = _resource_of(request.scope or "")
    if resource is None:
        return GrantRefusal(GrantProblem.SCOPE_INVALID, {"scope": request.scope or ""})
    return _judge_resource(request, client, resource, base_url)


def secret_digest(secret: str) -> str:
    """What is stored of a client secret. A plain digest is enough: the secret has 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _missing(parameter: str) -> GrantRefusal:
    return GrantRefusal(GrantProblem.PARAMETER_MISSING, {"parameter": parameter})


def _belongs(client: Client, tenant: str) -> bool:
    return tenant.lower() in {ADFS_TENANT, client.tenant_id, client.domain}


def _check_credential(request: TokenRequest, client: Client) -> GrantRefusal | None:
    facts = {"client_id": client.application.client_id}
    if request.client_secret is None:
        if request.has_assertion:
            return GrantRefusal(GrantProblem.CERTIFICATE_UNKNOWN, facts)
        return GrantRefusal(GrantProblem.CREDENTIAL_MISSING)
    if not hmac.compare_digest(secret_digest(request.client_secret), client.secret_digest):
        return GrantRefusal(GrantProblem.CREDENTIAL_WRONG, facts)
    return None


def _resource_of(scope: str) -> str | None:
    """The one resource that a scope names by ``<resource>/.default``; OpenID's own scopes are passed over."""
    wanted = [word for word in scope.split() if word not in OPENID_SCOPES]
    if len(wanted) != 1 or not wanted[0].endswith(DEFAULT_SCOPE):
        return None
    return wanted[0].removesuffix(DEFAULT_SCOPE) or None


def _judge_resource(
    request: TokenRequest, client: Client, resource: str, base_url: str
) -> Grant | GrantRefusal:
    is_publisher = client.application.publisher_id is not None
    allowed = AudienceKind.PUBLISHER if is_publisher else AudienceKind.PARTNER
    if audience_kind(resource, base_url) is not allowed:
        return GrantRefusal(GrantProblem.RESOURCE_UNKNOWN, {"resource": resource, "tenant": request.tenant})
    return Grant(client, resource, request.scope or "", _claims_version(request, resource, base_url))


def _claims_version(request: TokenRequest, resource: str, base_url: str) -> int:
    """The resource decides which names a token uses, and the documented ones are of the first version
    (``40-publisher-fulfillment-metering`` section 2.1). Our own address has no past: it gets what is asked.
    """
    is_own = same_resource(resource) == same_resource(base_url)
    return 2 if is_own and request.dialect is Dialect.V2 else 1
