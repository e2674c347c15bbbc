"""Whom the client calls for: what it shows the authority to get a token (``00-cross-cutting`` section 13)."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, urlsplit

PARTNER_CENTER = "https://api.partnercenter.microsoft.com"
PARTNER_CENTER_CHINA = "https://partner.partnercenterapi.microsoftonline.cn"

APPLICATION_SCOPE = "https://graph.windows.net/.default"
"""What applications ask a token for (section 13.2): the service takes the directory's audience."""

USER_SCOPE = "https://api.partnercenter.microsoft.com/user_impersonation"
ANY_SCOPE = "https://api.partnercenter.microsoft.com/.default"
"""For credentials of which the client does not know whether a user stands behind them."""

RENEWED_SECONDS_EARLY = 30

_AUTHORITIES: Mapping[str, str] = {
    PARTNER_CENTER: "https://login.microsoftonline.com",
    PARTNER_CENTER_CHINA: "https://login.chinacloudapi.cn",
}


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """An application by itself, with its secret.

    ``tenant`` is the partner's tenant id or domain. ``authority`` is where tokens come from; if it is left
    out, Microsoft's for the real service, and the server itself for any other.
    """

    tenant: str
    client_id: str
    client_secret: str = field(repr=False)
    authority: str | None = None
    scope: str = APPLICATION_SCOPE

    def form(self) -> dict[str, str]:
        """The request for a token."""
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": self.scope,
        }


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """An application for a user who consented once (the Secure Application Model).

    Each use brings a new refresh token, which the client uses from then on and hands to ``on_renewal``, to be
    kept where the first one came from. A public client has no secret.
    """

    tenant: str
    client_id: str
    refresh_token: str = field(repr=False)
    client_secret: str | None = field(default=None, repr=False)
    authority: str | None = None
    scope: str = USER_SCOPE
    on_renewal: Callable[[str], object] | None = None

    def form(self, refresh_token: str) -> dict[str, str]:
        """The request for a token, with the newest refresh token."""
        form = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "refresh_token": refresh_token,
            "scope": self.scope,
        }
        return form if self.client_secret is None else {**form, "client_secret": self.client_secret}


class ScopedToken(Protocol):
    """A token as azure-identity gives it. ``expires_on``: seconds since 1970."""

    @property
    def token(self) -> str: ...

    @property
    def expires_on(self) -> int: ...


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token and when it expires, in seconds since 1970; ``None`` if nothing tells."""

    value: str = field(repr=False)
    expires_at: float | None

    def is_fresh(self, now: float) -> bool:
        """Whether it will do for a call that starts now."""
        return self.expires_at is None or now < self.expires_at - RENEWED_SECONDS_EARLY


def of_text(token: str) -> AccessToken:
    """A token of which nothing is known but what it says itself, if it is a JSON web token.

    Its signature is the server's business; the time only tells when to ask for another one.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return AccessToken(token, None)
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return AccessToken(token, None)
    expiry = claims.get("exp") if isinstance(claims, dict) else None
    return AccessToken(token, float(expiry) if isinstance(expiry, int | float) else None)


def token_address(authority: str | None, tenant: str, base_url: str) -> str:
    """Where a token for the service at ``base_url`` is asked for.

    A secret goes to Microsoft only for Microsoft's own service: without an authority, the server that is
    called issues its tokens itself.
    """
    root = (authority or _AUTHORITIES.get(base_url, base_url)).rstrip("/")
    if urlsplit(root).scheme not in {"http", "https"}:
        raise ValueError(f"the authority {root} is not an http or https address")
    return f"{root}/{quote(tenant, safe='')}/oauth2/v2.0/token"
