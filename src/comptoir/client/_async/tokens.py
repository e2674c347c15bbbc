"""The token that calls carry: remembered until it expires, renewed once when the service refuses it."""

from functools import partial
from urllib.parse import urlencode

from comptoir.client import credentials
from comptoir.client._async.sending import Sender
from comptoir.client.asynchronous import Credential, GivesTokens, Lock, resolved
from comptoir.client.credentials import AccessToken, ClientCredentials, RefreshToken
from comptoir.client.reply import read_token_refusal, read_token_reply
from comptoir.client.surroundings import Surroundings

_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class Tokens:
    """Asks the credential for tokens, one caller at a time, so that an expired one is renewed once."""

    def __init__(
        self,
        credential: Credential,
        base_url: str,
        sender: Sender,
        surroundings: Surroundings,
    ) -> None:
        self._credential = credential
        self._base_url = base_url
        self._sender = sender
        self._surroundings = surroundings
        self._lock = Lock()
        self._token: AccessToken | None = None
        self._refresh_token = credential.refresh_token if isinstance(credential, RefreshToken) else ""

    async def current(self) -> str:
        """A token that will do for a call that starts now."""
        async with self._lock:
            if self._token is None or not self._token.is_fresh(self._surroundings.now()):
                self._token = await self._fetch()
            return self._token.value

    async def renewed(self, refused: str) -> str:
        """Another token than the one that the service refused; the same if the credential has no other."""
        async with self._lock:
            if self._token is None or self._token.value == refused:
                self._token = await self._fetch()
            return self._token.value

    async def _fetch(self) -> AccessToken:
        credential = self._credential
        if isinstance(credential, str):
            return AccessToken(credential, None)
        if isinstance(credential, ClientCredentials):
            return await self._ask(credential, credential.form())
        if isinstance(credential, RefreshToken):
            return await self._ask(credential, credential.form(self._refresh_token))
        if isinstance(credential, GivesTokens):
            scoped = await resolved(credential.get_token(credentials.ANY_SCOPE))
            return AccessToken(scoped.token, float(scoped.expires_on))
        return credentials.of_text(await resolved(credential()))

    async def _ask(self, credential: ClientCredentials | RefreshToken, form: dict[str, str]) -> AccessToken:
        """A token of the authority. Asking again does no harm, so that this is repeated like any call."""
        address = credentials.token_address(credential.authority, credential.tenant, self._base_url)
        asked_at = self._surroundings.now()
        content = urlencode(form).encode()
        post = partial(self._sender.once, "POST", address, _FORM, content)
        reply = await self._sender.send(post, f"POST {address}")
        if reply.status_code != 200:
            raise read_token_refusal(reply.status_code, reply.content)
        granted = read_token_reply(reply.content)
        if granted.refresh_token and isinstance(credential, RefreshToken):
            self._refresh_token = granted.refresh_token
            if credential.on_renewal is not None:
                credential.on_renewal(granted.refresh_token)
        return AccessToken(granted.access_token, asked_at + granted.expires_in)
