"""What a publisher asks of the marketplace: tokens, fulfillment, metering, and the keys of webhook tokens."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
from joserfc import jwk, jwt
from joserfc.errors import InvalidKeyIdError, JoseError

Json = Any

RESOURCE = "20e940b3-4c77-4b0b-9a53-9e16a1b010a7"
"""The marketplace as the audience of a publisher's tokens, and as the sender of webhooks."""

API_VERSION = "2018-08-31"
SUBSCRIPTIONS = "/saas/subscriptions/"
RENEW_BEFORE = timedelta(minutes=1)
NEW_KEYS_AFTER = timedelta(minutes=1)
"""How long a token of an unknown key is not believed before the keys are looked up again."""

PAGES_MAX = 1_000
SECONDS_MAX = 30


class Refused(Exception):
    """The marketplace said no; the text is its answer."""

    def __init__(self, status: int, answer: str) -> None:
        self.status = status
        super().__init__(f"{status}: {answer[:500]}")


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom the publisher is registered with the marketplace."""

    tenant_id: str
    client_id: str
    client_secret: str


@dataclass(slots=True)
class Marketplace:
    """The marketplace at ``base_url``. ``http`` is closed by whoever made it; ``now`` gives the real time."""

    base_url: str
    identity: Identity
    http: httpx2.AsyncClient
    now: Callable[[], datetime]
    _token: str = ""
    _token_ends: datetime | None = None
    _keys: jwk.KeySet | None = None
    _keys_asked_at: datetime | None = None

    async def resolve(self, token: str) -> Json:
        """What was bought with the token that a landing page was opened with."""
        headers = {"x-ms-marketplace-token": token}
        return await self._call("POST", SUBSCRIPTIONS + "resolve", headers=headers)

    async def activate(self, subscription_id: str, plan_id: str) -> None:
        """Say that the customer is set up: billing starts."""
        await self._call("POST", at(subscription_id, "activate"), {"planId": plan_id})

    async def subscriptions(self) -> Sequence[Json]:
        """Every purchase of this publisher's offers, page after page."""
        found: list[Json] = []
        path = SUBSCRIPTIONS
        for _ in range(PAGES_MAX):
            page = await self._call("GET", path)
            found += page["subscriptions"]
            if "@nextLink" not in page:
                break
            path = page["@nextLink"]
        return found

    async def subscription(self, subscription_id: str) -> Json:
        """One purchase as it is now."""
        return await self._call("GET", at(subscription_id))

    async def plans(self, subscription_id: str) -> Json:
        """What the subscription could be changed to."""
        return (await self._call("GET", at(subscription_id, "listAvailablePlans")))["plans"]

    async def change(self, subscription_id: str, change: Mapping[str, Json]) -> str:
        """Ask for another plan or quantity. Gives the id of the operation."""
        reply = await self._send("PATCH", at(subscription_id), change)
        return reply.headers["Operation-Id"]

    async def cancel(self, subscription_id: str) -> str:
        """End the subscription. Gives the id of the operation."""
        return (await self._send("DELETE", at(subscription_id))).headers["Operation-Id"]

    async def operation(self, subscription_id: str, operation_id: str) -> Json:
        """An operation as the marketplace knows it: this is how a webhook is believed."""
        return await self._call("GET", at(subscription_id, "operations", operation_id))

    async def acknowledge(self, subscription_id: str, operation_id: str, *, success: bool) -> None:
        """Say whether the change was made."""
        body = {"status": "Success" if success else "Failure"}
        await self._call("PATCH", at(subscription_id, "operations", operation_id), body)

    async def report(self, events: Sequence[Mapping[str, Json]]) -> Json:
        """Report up to 25 usage events at once. Gives the result of each."""
        return (await self._call("POST", "/batchUsageEvent", {"request": events}))["result"]

    async def is_genuine(self, authorization: str) -> bool:
        """Whether a webhook's token was made by this marketplace for this publisher, and is still good."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return False
        try:
            claims = await self._verify(token)
        except (JoseError, ValueError):
            return False
        return (
            claims.get("aud") == self.identity.client_id
            and claims.get("tid") == self.identity.tenant_id
            and (claims.get("azp") or claims.get("appid")) == RESOURCE
            and claims.get("nbf", 0) <= self.now().timestamp() < claims.get("exp", 0)
        )

    async def _verify(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that one of the marketplace's keys has signed, a new key perhaps."""
        if self._keys is not None:
            try:
                return jwt.decode(token, self._keys, algorithms=["RS256"]).claims
            except InvalidKeyIdError:
                if self._keys_asked_at is not None and self.now() < self._keys_asked_at + NEW_KEYS_AFTER:
                    raise
        self._keys_asked_at = self.now()
        well_known = f"{self.base_url}/{self.identity.tenant_id}/v2.0/.well-known/openid-configuration"
        described = (await self.http.get(well_known)).raise_for_status().json()
        published = (await self.http.get(described["jwks_uri"])).raise_for_status().json()
        self._keys = jwk.KeySet.import_key_set(published)
        return jwt.decode(token, self._keys, algorithms=["RS256"]).claims

    async def _call(
        self, method: str, path: str, body: Json = None, headers: Mapping[str, str] | None = None
    ) -> Json:
        reply = await self._send(method, path, body, headers)
        return reply.json() if reply.content else None

    async def _send(
        self, method: str, path: str, body: Json = None, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        url = path if urlsplit(path).scheme else f"{self.base_url}/api{path}"
        parameters = None if "api-version=" in url else {"api-version": API_VERSION}
        all_headers = {"Authorization": f"Bearer {await self._bearer()}", **(headers or {})}
        reply = await self.http.request(
            method, url, params=parameters, json=body, headers=all_headers, timeout=SECONDS_MAX
        )
        return _accepted(reply)

    async def _bearer(self) -> str:
        if self._token_ends is None or self.now() >= self._token_ends:
            form = {
                "grant_type": "client_credentials",
                "client_id": self.identity.client_id,
                "client_secret": self.identity.client_secret,
                "scope": f"{RESOURCE}/.default",
            }
            url = f"{self.base_url}/{self.identity.tenant_id}/oauth2/v2.0/token"
            granted = _accepted(await self.http.post(url, data=form, timeout=SECONDS_MAX)).json()
            self._token = granted["access_token"]
            self._token_ends = self.now() + timedelta(seconds=int(granted["expires_in"])) - RENEW_BEFORE
        return self._token


def at(subscription_id: str, *rest: str) -> str:
    """The path of a subscription, or of something about it."""
    return SUBSCRIPTIONS + "/".join(quote(part, safe="") for part in (subscription_id, *rest))


def _accepted(reply: httpx2.Response) -> httpx2.Response:
    if reply.is_error:
        raise Refused(reply.status_code, reply.text)
    return reply
