"""Calls that schemathesis makes up from the OpenAPI document, fitting it and not, for the real application.

Whatever is sent: no failure of ours, and an answer that the document describes. Ids and other telling values
are mixed into the document that the calls are made up from, so that they get past the first refusal.
"""

import copy
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import requests
import schemathesis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from tests import documented
from tests.market import ADMIN, BASE_URL, Json, Market, open_market

from comptoir.api import openapi
from comptoir.api.needed_members import NEEDED, NEEDED_BY
from comptoir.bootstrap import making
from comptoir.db import sql
from comptoir.wire.operation import Audience, Operation
from comptoir.wire.operations import OPERATIONS

EXAMPLES = 6
"""Calls of each kind for each operation; the first ones that hypothesis draws are the telling ones."""

load_all_checks()
CHECKED: list[Any] = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)
"""Not among them is whether a refusal was right: the contract forgives more than a schema can describe, and
which ids exist the document does not say."""

ITEMS_MAX = 4
"""Longer lists show nothing more, as lines hold lines; empty ones are made up where nothing fits."""

# Of every account: any publisher that something was bought of.
READ_PUBLISHER = sql("SELECT publisher_id FROM subscriptions ORDER BY created_at, line_number, id LIMIT 1")
SAAS, VERSION = "/api/saas/subscriptions", "api-version=2018-08-31"
PARAMETER = re.compile(r"\{(\w+)\}")
FILE = "market.db"
WORDS: dict[str, list[Any]] = {
    "addressLine1": ["1 Market Street"],
    "agreementType": ["MicrosoftCustomerAgreement", "*"],
    "authorization_endpoint": ["https://host.example/common/oauth2/authorize"],
    "billingType": ["monthly", "OneTime"],
    "city": ["Redmond"],
    "companyName": ["Northern Lights"],
    "country": ["US", "FR", "us", "ZZ"],
    "culture": ["en-US"],
    "currencyCode": ["USD", "EUR", ""],
    "customTermEndDate": ["0001-01-01T00:00:00", "2026-12-31T00:00:00Z"],
    "dateAgreed": ["2026-03-01T00:00:00Z", "2027-03-01T00:00:00Z"],
    "domain": ["northern-lights.example"],
    "email": ["a@b.example"],
    "filter": ['{"Field":"CompanyName","Value":"a","Operator":"starts_with"}', "{}"],
    "firstName": ["Ada"],
    "grant_type": ["client_credentials"],
    "iso2": ["US", "jp"],
    "language": ["en"],
    "lastName": ["Lovelace"],
    "lineItemNumber": [0],
    "line_item_number": [0, 1],
    "mpn_id": ["4000123"],
    "MS-PartnerCenter-Client": ["Partner Center PowerShell"],
    "name": ["sandbox", "production"],
    "partnerIdOnRecord": ["", "4000123"],
    "postalCode": ["98052"],
    "promotionId": ["", "none"],
    "quantity": [1, 5, 25, 0, 2**31 - 1],
    "relationship_type": ["IsIndirectCloudSolutionProviderOf"],
    "resource": ["https://graph.windows.net"],
    "scope": ["https://graph.windows.net/.default"],
    "seekOperation": ["Next", "First", "Last"],
    "state": ["WA"],
    "targetSegment": ["commercial", "education"],
    "targetView": ["MarketplaceSaaS", "OnlineServices", "Azure"],
    "tenant": ["common", "adfs"],
    "termDuration": ["P1M", "P1Y", "P3Y", "p1m", ""],
}


@dataclass(frozen=True)
class Desk:
    """A marketplace that holds a cart, an order and its subscriptions, and what their ids are."""

    folder: Path
    made: making.Made
    words: dict[str, list[Any]]


@pytest.fixture(scope="session")
def desk(sample_sqlite: tuple[Path, making.Made], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("generated")
    shutil.copyfile(sample_sqlite[0], folder / FILE)
    with _running(folder, sample_sqlite[1]) as (portal, market):
        return Desk(folder, sample_sqlite[1], portal.call(_furnish, market))


@pytest.fixture(scope="session")
def schema(desk: Desk) -> Any:
    return schemathesis.openapi.from_dict(_mixed(documented.document(), {**WORDS, **desk.words}))


def _kinds() -> Iterator[Any]:
    """What is called how. A call without any parameter cannot be wrong."""
    for operation in OPERATIONS:
        yield pytest.param(operation, GenerationMode.POSITIVE, id=f"{operation.id}-fitting")
        has_parameters = "{" in operation.path or operation.query or operation.headers or operation.form
        if has_parameters or operation.audience is not Audience.PUBLIC:
            yield pytest.param(operation, GenerationMode.NEGATIVE, id=f"{operation.id}-not-fitting")


@pytest.mark.parametrize(("operation", "mode"), list(_kinds()))
def test_any_call(
    operation: Operation, mode: GenerationMode, schema: Any, desk: Desk, tmp_path: Path
) -> None:
    shutil.copytree(desk.folder, tmp_path, dirs_exist_ok=True)
    described = schema[openapi.path_of(operation)][operation.method]

    with _running(tmp_path, desk.made) as (portal, market):

        @given(described.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def call(case: Case[Any]) -> None:
            reply = portal.call(partial(_send, market, operation, case))
            case.validate_response(reply, checks=CHECKED)
            documented.examine(reply, operation)

        call()


def _needing() -> Iterator[Any]:
    for operation in OPERATIONS:
        if operation.request in NEEDED or operation.id in NEEDED_BY:
            yield pytest.param(operation, id=operation.id)


@pytest.mark.parametrize("operation", list(_needing()))
def test_a_body_without_what_it_needs_is_refused(operation: Operation, desk: Desk, tmp_path: Path) -> None:
    shutil.copytree(desk.folder, tmp_path, dirs_exist_ok=True)
    path = PARAMETER.sub(lambda found: str(desk.words[found[1]][0]), openapi.path_of(operation))
    with _running(tmp_path, desk.made) as (portal, market):
        authorization = f"Bearer {portal.call(_token, market, operation)}"
        send = partial(market.client.request, json={}, headers={"Authorization": authorization})
        reply = portal.call(send, operation.method, path)
    assert reply.status_code == 400, reply.text


@contextmanager
def _running(folder: Path, made: making.Made) -> Iterator[tuple[BlockingPortal, Market]]:
    """The application in a thread of its own, since hypothesis does not wait."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(open_market(f"sqlite:///{folder / FILE}", made)) as market,
    ):
        yield portal, market


async def _send(market: Market, operation: Operation, case: Case[Any]) -> httpx2.Response:
    """Send what was made up, with a token that lets it in."""
    options = case.as_transport_kwargs(base_url=BASE_URL)
    parts = {
        name: options.get(name) for name in ("method", "url", "headers", "params", "data", "json", "cookies")
    }
    prepared = requests.Request(**parts).prepare()
    if operation.audience is not Audience.PUBLIC:
        prepared.headers["Authorization"] = f"Bearer {await _token(market, operation)}"
    body = prepared.body or b""
    assert isinstance(body, str | bytes)
    request = httpx2.Request(
        operation.method,
        str(prepared.url),
        headers=[(_bytes(name), _bytes(value)) for name, value in prepared.headers.items()],
        content=_bytes(body),
    )
    return await market.client.send(request)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


async def _token(market: Market, operation: Operation) -> str:
    """A token of someone who may do everything that the operation's callers may."""
    match operation.audience:
        case Audience.OPERATOR:
            return await market.token("operator")
        case Audience.PUBLISHER:
            return await market.token(f"publisher:{await _publisher(market)}")
        case _:
            return await market.token("sandbox", ADMIN)


async def _publisher(market: Market) -> str:
    """Whose subscriptions the desk holds."""
    row = await market.read(lambda tx: tx.one(READ_PUBLISHER))
    assert row is not None
    return str(row["publisher_id"])


async def _furnish(market: Market) -> dict[str, list[Any]]:
    """Fill a cart, order three plans, activate one, let a publisher end another, and collect the ids by the
    names that the document uses.
    """
    await market.configure(sandbox_publisher_delivery=True, csp_allowed_operations="all", pc_wait_seconds=0)
    customer_id = market.customer("US")
    products = (await _read(market, "/v1/products?country=US&targetView=MarketplaceSaaS"))["items"]
    items = [item for product in products[:6] for item in await _items(market, product["id"])]
    path = f"/v1/customers/{customer_id}"
    tried = await market.post(
        f"{path}/carts", {"lineItems": [{"catalogItemId": item, "quantity": 5} for item in items]}
    )
    good = [line["catalogItemId"] for line in tried.json()["lineItems"] if "error" not in line]
    lines = [{"catalogItemId": item, "quantity": 5} for item in good[:3]]
    cart = (await market.post(f"{path}/carts", {"lineItems": lines})).json()
    checkout = await market.post(f"{path}/carts/{cart['id']}/checkout")
    assert checkout.status_code == 201, checkout.text
    await market.work()
    open_cart = (await market.post(f"{path}/carts", {"lineItems": lines})).json()
    subscriptions = (await _read(market, f"{path}/subscriptions"))["items"]
    assert (await market.post(f"{path}/subscriptions/{subscriptions[0]['id']}/activate")).status_code == 200
    publisher = f"publisher:{await _publisher(market)}"
    ours = (await market.get(f"{SAAS}?{VERSION}", account=publisher)).json()["subscriptions"]
    ended = await market.delete(f"{SAAS}/{ours[-1]['id']}?{VERSION}", account=publisher)
    assert ended.status_code == 202, ended.text
    links = (await _read(market, f"{path}/subscriptions/{ours[0]['id']}/activationlinks"))["items"]
    (token,) = parse_qs(urlsplit(links[0]["link"]["uri"]).query)["token"]
    agreements = (await _read(market, "/v1/agreements?agreementType=*"))["items"]
    templates = [entry["templateId"] for entry in agreements]
    product, sku, availability = zip(*(item.split(":") for item in items), strict=True)
    return {
        "customer_id": [customer_id],
        "referenceCustomerId": [customer_id],
        "account_id": [(await market.account()).id],
        "cart_id": [open_cart["id"], cart["id"]],
        "order_id": [order["id"] for order in checkout.json()["orders"]],
        "subscription_id": [subscription["id"] for subscription in subscriptions],
        "resourceId": [subscription["id"] for subscription in subscriptions],
        "name": ["sandbox", "production"],
        "product_id": list(product),
        "sku_id": list(sku),
        "availability_id": list(availability),
        "catalogItemId": items,
        "offerId": items,
        "operation_id": [ended.headers["operation-id"]],
        "planId": [each["planId"] for each in ours],
        "x-ms-marketplace-token": [token],
        "template_id": templates,
        "templateId": templates,
    }


async def _items(market: Market, product_id: str) -> list[str]:
    """What a cart can buy of a product in the United States."""
    items = []
    for sku in (await _read(market, f"/v1/products/{product_id}/skus?country=US"))["items"]:
        path = f"/v1/products/{product_id}/skus/{sku['id']}/availabilities?country=US"
        items += [availability["catalogItemId"] for availability in (await _read(market, path))["items"]]
    return items


async def _read(market: Market, path: str) -> Json:
    reply = await market.get(path, user=ADMIN)
    assert reply.status_code == 200, reply.text
    return reply.json()


def _mixed(document: documented.Document, words: dict[str, list[Any]]) -> documented.Document:
    """The document with telling values in what calls are made up from, as far as there are any.

    They are always given in calls that fit. Members that no operation knows are ignored, so they are not made
    up either.
    """
    mixed = copy.deepcopy(document)
    for name, schema in mixed["components"]["schemas"].items():
        if name.endswith("Body") or "Form" in name:
            schema["additionalProperties"] = False
            for member, kind in schema["properties"].items():
                schema["properties"][member] = _words(words, member, kind)
            schema["required"] = sorted(
                {*schema.get("required", ()), *(words.keys() & schema["properties"].keys())}
            )
    in_paths = [row for item in mixed["paths"].values() for row in item.values()]
    inline = [parameter for row in in_paths for parameter in row.get("parameters", ()) if "name" in parameter]
    for parameter in (*mixed["components"]["parameters"].values(), *inline):
        parameter["schema"] = _words(words, parameter["name"], parameter["schema"])
    return mixed


def _words(words: dict[str, list[Any]], name: str, kind: documented.Document) -> documented.Document:
    if name in words:
        return {"enum": words[name]}
    return {**kind, "minItems": 1, "maxItems": ITEMS_MAX} if kind.get("type") == "array" else kind
