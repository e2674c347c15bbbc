"""The client: opens and closes the connection, and gives the calls in groups."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType

import httpx2

from comptoir import __version__
from comptoir.client import asynchronous
from comptoir.client._async.carts import Carts
from comptoir.client._async.catalog import Availabilities, Inventory, Products, Promotions, Skus
from comptoir.client._async.connection import Connection
from comptoir.client._async.customers import Agreements, Customers
from comptoir.client._async.invoices import Invoices
from comptoir.client._async.orders import ActivationLinks, Orders
from comptoir.client._async.partner import Partner
from comptoir.client._async.sending import Sender
from comptoir.client._async.subscriptions import Subscriptions
from comptoir.client._async.tokens import Tokens
from comptoir.client.asynchronous import Credential, Sleep
from comptoir.client.credentials import PARTNER_CENTER
from comptoir.client.retry import RetryPolicy
from comptoir.client.surroundings import MACHINE, Surroundings, correlated

CLIENT_NAME = "Comptoir Python Client"
TIMEOUT_SECONDS = 60.0
"""Longer than the service lets an equal call wait for one that runs (``00-cross-cutting`` section 4)."""

CONNECT_SECONDS_MAX = 10.0
RETRY = RetryPolicy()


class AsyncComptoir:
    """Calls a marketplace: Comptoir, or Partner Center itself, which is the default.

    ``credential`` says for whom: ``ClientCredentials``, ``RefreshToken``, a credential of azure-identity, a
    function that returns a token, or a token. ``base_url`` is the address of the service without ``/v1``.
    ``locale`` is the language of its texts. ``timeout_seconds`` bounds each attempt of a call, ``retry`` says
    how often and when a call is repeated. ``application`` is a name that goes with every call.
    ``http`` is used in place of an own HTTP client, for instance one that trusts an own certificate
    authority, and is left open. ``surroundings`` and ``sleep`` are for tests.

    Close it with ``aclose``, or use it in ``async with``.
    """

    def __init__(
        self,
        credential: Credential,
        *,
        base_url: str = PARTNER_CENTER,
        locale: str = "en-US",
        timeout_seconds: float = TIMEOUT_SECONDS,
        retry: RetryPolicy = RETRY,
        application: str | None = None,
        http: httpx2.AsyncClient | None = None,
        surroundings: Surroundings = MACHINE,
        sleep: Sleep = asynchronous.sleep,
    ) -> None:
        root = base_url.rstrip("/")
        self._http = httpx2.AsyncClient() if http is None else http
        self._is_own_http = http is None
        timeout = httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, CONNECT_SECONDS_MAX))
        sender = Sender(self._http, timeout, retry, surroundings, sleep)
        tokens = Tokens(credential, root, sender, surroundings)
        connection = Connection(root, _headers(locale, application), sender, tokens, surroundings)
        self._surroundings = surroundings
        self.products = Products(connection)
        self.skus = Skus(connection)
        self.availabilities = Availabilities(connection)
        self.inventory = Inventory(connection)
        self.promotions = Promotions(connection)
        self.customers = Customers(connection)
        self.agreements = Agreements(connection)
        self.partner = Partner(connection)
        self.carts = Carts(connection)
        self.orders = Orders(connection)
        self.activation_links = ActivationLinks(connection)
        self.subscriptions = Subscriptions(connection)
        self.invoices = Invoices(connection)

    def correlation(self, correlation_id: str | None = None) -> AbstractContextManager[str]:
        """``with client.correlation("..."):`` lets all calls inside carry one correlation id.

        Without an id one is drawn. Outside of such a block each call has its own.
        """
        return correlated(correlation_id or self._surroundings.new_id())

    async def aclose(self) -> None:
        """Close the connections, unless they belong to an HTTP client that was given."""
        if self._is_own_http:
            await self._http.aclose()

    async def __aenter__(self) -> "AsyncComptoir":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self.aclose()


def _headers(locale: str, application: str | None) -> Mapping[str, str]:
    """What goes with every call (``00-cross-cutting`` section 2)."""
    named = {} if application is None else {"MS-PartnerCenter-Application": application}
    return {
        "Accept": "application/json",
        "MS-Contract-Version": "v1",
        "MS-PartnerCenter-Client": CLIENT_NAME,
        "MS-SdkVersion": __version__,
        "User-Agent": f"comptoir/{__version__}",
        "X-Locale": locale,
        **named,
    }
