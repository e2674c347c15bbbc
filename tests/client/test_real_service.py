"""Both clients against the real application: tokens, pages, errors, ids, languages."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from tests.client.fakes import FakeTime
from tests.client.served import Served
from tests.client.test_retries import a_cart
from tests.market import ADMIN, BASE_URL, Market

from comptoir.bootstrap.making import MadeAccount
from comptoir.client import (
    AsyncComptoir,
    BadRequest,
    ClientCredentials,
    Comptoir,
    Conflict,
    Forbidden,
    NotFound,
    RetryPolicy,
    Throttled,
    TokenRefused,
    Unauthorized,
)
from comptoir.client.asynchronous import Credential
from comptoir.client.models import (
    AddressBody,
    BillingProfileBody,
    CompanyProfileBody,
    Condition,
    CustomerBody,
    Operator,
    SubscriptionBody,
)

pytestmark = pytest.mark.anyio

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def http(market: Market) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(market.application)) as client:
        yield client


def sandbox(market: Market) -> MadeAccount:
    return next(account for account in market.made.accounts if account.name == "sandbox")


def application(account: MadeAccount) -> ClientCredentials:
    """The account's first application, at whatever address the service has."""
    (first, *_) = account.applications
    return ClientCredentials(account.tenant_id, first.client_id, first.client_secret)


def over(http: httpx2.AsyncClient, credential: Credential, time: FakeTime | None = None) -> AsyncComptoir:
    clock = time or FakeTime()
    return AsyncComptoir(credential, base_url=BASE_URL, http=http, sleep=clock.sleep)


def a_customer(name: str) -> CustomerBody:
    address = AddressBody(
        address_line1="12 Ferry Road", city="Portland", state="OR", postal_code="97204", country="US"
    )
    return CustomerBody(
        company_profile=CompanyProfileBody(domain=f"{name.lower()}.example"),
        billing_profile=BillingProfileBody(
            company_name=name,
            email=f"post@{name.lower()}.example",
            culture="en-US",
            language="en",
            default_address=address,
        ),
    )


async def test_an_application_reads_its_own_customers(market: Market, http: httpx2.AsyncClient) -> None:
    account = sandbox(market)
    found = {customer.id async for customer in over(http, application(account)).customers.list()}
    assert found == {customer.id for customer in account.customers}


async def test_a_wrong_secret(market: Market, http: httpx2.AsyncClient) -> None:
    account = sandbox(market)
    wrong = ClientCredentials(account.tenant_id, account.applications[0].client_id, "wrong")
    with pytest.raises(TokenRefused, match="AADSTS7000215") as caught:
        await over(http, wrong).customers.get(NOBODY)
    assert (caught.value.error, caught.value.codes) == ("invalid_client", (7000215,))


async def test_a_token_that_expires_on_the_way_is_renewed(market: Market, http: httpx2.AsyncClient) -> None:
    """The client's clock stands still, so that only the service notices."""
    client = over(http, application(sandbox(market)))
    await client.customers.validation_codes()
    market.wait(hours=2)
    await client.customers.validation_codes()
    with pytest.raises(Unauthorized):
        await over(http, "rubbish").customers.validation_codes()


async def test_pages_by_link_and_by_token(market: Market, http: httpx2.AsyncClient) -> None:
    client = over(http, application(sandbox(market)))
    whole = [customer.id for customer in (await client.customers.list().first()).items]
    pages = [page async for page in client.customers.list(size=1).by_page()]
    assert [customer.id for page in pages for customer in page.items] == whole
    assert [page.total_count for page in pages] == [1] * len(whole)
    token = pages[0].continuation_token
    assert isinstance(token, str)
    rest = await client.customers.list(continuation_token=token).to_list()
    assert [customer.id for customer in rest] == whole[1:]
    back = await client.customers.list(
        continuation_token=str(pages[1].continuation_token), seek_operation="First"
    ).first()
    assert back.items[0].id == whole[0]


async def test_filters(market: Market, http: httpx2.AsyncClient) -> None:
    client = over(http, application(sandbox(market)))
    some = (await client.customers.list().first()).items[0]
    start = Condition("Domain", Operator.STARTS_WITH, some.company_profile.domain[:8])
    assert some.id in {customer.id async for customer in client.customers.list(filter=start)}
    with pytest.raises(BadRequest):
        await client.customers.list(filter=Condition("Shoe size", Operator.STARTS_WITH, "4")).first()


async def test_errors_have_codes_and_ids(market: Market, http: httpx2.AsyncClient) -> None:
    client = over(http, application(sandbox(market)))
    with client.correlation("a-story"), pytest.raises(NotFound) as unknown:
        await client.customers.get(NOBODY)
    assert (unknown.value.code, unknown.value.correlation_id) == (60003, "a-story")
    assert unknown.value.request_id
    with pytest.raises(BadRequest, match="400/900118"):
        await client.customers.get("x")
    with pytest.raises(Forbidden, match="403/20002"):
        await client.customers.get(market.customer("US", "production"))
    with pytest.raises(Forbidden, match="403/2032"):
        await client.partner.organization_profile()
    with pytest.raises(BadRequest) as bad:
        await client.subscriptions.activate("x", "y")
    assert bad.value.error_name == "CustomerIdInvalid"


async def test_a_given_request_id_repeats_the_answer(market: Market, http: httpx2.AsyncClient) -> None:
    client = over(http, await market.token("sandbox", ADMIN))
    first = await client.customers.create(a_customer("Fernwood"), request_id="fernwood-1")
    again = await client.customers.create(a_customer("Fernwood"), request_id="fernwood-1")
    assert again == first
    with pytest.raises(Conflict):
        await client.customers.create(a_customer("Fernwood"))


async def test_a_profile_is_changed_as_it_was_read(market: Market, http: httpx2.AsyncClient) -> None:
    client, customer = over(http, application(sandbox(market))), market.customer()
    stale = await client.customers.billing_profile(customer)
    profile = await client.customers.billing_profile(customer)
    profile.email = "new@office.example"
    assert (await client.customers.update_billing_profile(customer, profile)).email == "new@office.example"
    with pytest.raises(BadRequest, match="400/2055"):
        await client.customers.update_billing_profile(customer, stale)
    fresh = (await client.customers.billing_profile(customer)).attributes.etag
    body = a_customer("Other").billing_profile
    assert body is not None
    assert isinstance(fresh, str)
    changed = await client.customers.update_billing_profile(customer, body, etag=fresh)
    assert changed.company_name == "Other"


async def test_a_subscription_is_changed_in_parts_or_as_it_was_read(
    market: Market, http: httpx2.AsyncClient
) -> None:
    client, customer = over(http, application(sandbox(market))), market.customer()
    cart = await client.carts.create(customer, await a_cart(client))
    (order,) = (await client.carts.checkout(customer, cart.id)).orders
    await market.work()
    subscription_id = order.line_items[0].subscription_id
    await client.subscriptions.activate(customer, subscription_id)
    stale = await client.subscriptions.get(customer, subscription_id)
    changed = await client.subscriptions.update(customer, subscription_id, SubscriptionBody(quantity=3))
    changed.auto_renew_enabled = False
    changed = await client.subscriptions.update(customer, subscription_id, changed)
    assert (changed.quantity, changed.auto_renew_enabled) == (3, False)
    stale.friendly_name = "Too late"
    with pytest.raises(BadRequest, match="400/2055"):
        await client.subscriptions.update(customer, subscription_id, stale)
    with pytest.raises(BadRequest, match="400/2055"):
        await client.subscriptions.update(
            customer, subscription_id, SubscriptionBody(quantity=4), etag=str(stale.attributes.etag)
        )
    renamed = SubscriptionBody(friendly_name="In time")
    etag = str(changed.attributes.etag)
    renewed = await client.subscriptions.update(customer, subscription_id, renamed, etag=etag)
    assert renewed.friendly_name == "In time"


async def test_texts_come_in_the_language_asked_for(market: Market, http: httpx2.AsyncClient) -> None:
    titles = []
    for locale in ("en-US", "fr-FR"):
        client = AsyncComptoir(application(sandbox(market)), base_url=BASE_URL, http=http, locale=locale)
        products = await client.products.list("FR").to_list()
        titles.append(next(each.title for each in products if each.title.startswith("Lanternwick Desk")))
    assert titles == ["Lanternwick Desk – Shared workspace", "Lanternwick Desk – Espace partagé"]


async def test_a_throttled_account(market: Market, http: httpx2.AsyncClient) -> None:
    """The service counts real seconds, so that the client's sleeps, which are not real, do not help."""
    await market.configure(requests_per_minute=1)
    time, customer = FakeTime(), market.customer()
    client = AsyncComptoir(
        application(sandbox(market)),
        base_url=BASE_URL,
        http=http,
        retry=RetryPolicy(attempts_max=2, wait_seconds_max=60),
        sleep=time.sleep,
    )
    await client.customers.get(customer)
    with pytest.raises(Throttled) as caught:
        await client.customers.get(customer)
    assert caught.value.retry_after_seconds is not None
    assert 50 <= caught.value.retry_after_seconds <= 60
    (slept,) = time.slept
    assert slept >= 50


async def test_the_synchronous_client_with_credentials(server: Served) -> None:
    account = server.account("production")
    with Comptoir(application(account), base_url=server.url) as client:
        found = {customer.id for customer in client.customers.list(size=1)}
    assert found == {customer.id for customer in account.customers}
