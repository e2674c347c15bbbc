"""Microsoft's unmodified Python library for publishers, with tokens of azure-identity, over TLS.

``azuremarketplace`` answers ``None`` where the service refuses, and gives no headers, so that the ids of
operations are read from their list (``40-publisher-fulfillment-metering`` section 13.2).
"""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.identity import ClientSecretCredential
from azuremarketplace.microsoft.marketplace.meter import MeteringAPI
from azuremarketplace.microsoft.marketplace.meter.models import UsageEvent
from azuremarketplace.microsoft.marketplace.saas import SaaSAPI
from azuremarketplace.microsoft.marketplace.saas.models import SubscriberPlan, UpdateOperation
from tests.tls_server import TlsServer, comptoir

pytestmark = pytest.mark.conformance

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def trust(tls_server: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls_server.authority))


@pytest.fixture
def permissive(tls_server: TlsServer) -> Iterator[None]:
    """Publishers may change and cancel what the production account has bought."""
    command(tls_server, "account", "settings", "production", "--set", "csp_allowed_operations=all")
    yield
    command(tls_server, "account", "settings", "production", "--reset", "csp_allowed_operations")


def command(server: TlsServer, *arguments: str) -> str:
    """What a command beside the running server prints."""
    return subprocess.run(
        comptoir(*arguments, "--database", server.database),
        cwd=server.folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


def buy(server: TlsServer, publisher: str, offer: str, plan: str, *options: str) -> Any:
    """A purchase of the partner's, with its activation link."""
    wanted = ("publisher", "purchase", publisher, offer, plan, "--account", "production", "--json", *options)
    return json.loads(command(server, *wanted))


def token_of(bought: Any) -> str:
    """What a landing page is opened with."""
    token: str = bought["activationLink"].rpartition("token=")[2]
    return token


def credential(server: TlsServer, publisher: str) -> ClientSecretCredential:
    made = next(each for each in server.made["publishers"] if each["id"] == publisher)
    return ClientSecretCredential(
        made["tenantId"],
        made["clientId"],
        made["clientSecret"],
        authority=server.url,
        disable_instance_discovery=True,
        connection_verify=str(server.authority),
    )


@pytest.mark.usefixtures("permissive")
def test_a_purchase_from_its_token_to_its_end(tls_server: TlsServer) -> None:
    bought = buy(tls_server, "lanternwick", "desk", "team", "--quantity", "5")
    base_url = f"{tls_server.url}/api"
    with credential(tls_server, "lanternwick") as secret, SaaSAPI(secret, base_url=base_url) as api:
        fulfillment, operations = api.fulfillment_operations, api.subscription_operations

        resolved = fulfillment.resolve(token_of(bought))
        subscription = resolved.id
        assert (subscription, resolved.offer_id, resolved.plan_id) == (
            bought["subscriptionId"],
            "desk",
            "team",
        )
        assert int(resolved.quantity) == 5
        assert resolved.subscription.saas_subscription_status == "PendingFulfillmentStart"
        assert fulfillment.resolve("garbage") is None
        assert fulfillment.activate_subscription(subscription, SubscriberPlan(plan_id="business")) is None
        assert (
            fulfillment.get_subscription(subscription).saas_subscription_status == "PendingFulfillmentStart"
        )

        fulfillment.activate_subscription(subscription, SubscriberPlan(plan_id="team", quantity=5))
        seen = fulfillment.get_subscription(subscription)
        assert seen.saas_subscription_status == "Subscribed"
        assert seen.term.start_date < seen.term.end_date
        assert seen.beneficiary.tenant_id == bought["customerId"]
        assert subscription in {each.id for each in fulfillment.list_subscriptions()}
        plans = fulfillment.list_available_plans(subscription).plans
        assert {"team", "business"} <= {plan.plan_id for plan in plans}

        for change, expected in (({"quantity": 8}, ("team", 8)), ({"plan_id": "business"}, ("business", 8))):
            fulfillment.update_subscription(subscription, SubscriberPlan(**change))
            (operation,) = operations.list_operations(subscription).operations
            open_states = {"NotStarted", "InProgress"}
            assert operations.get_operation_status(subscription, operation.id).status in open_states
            answer = UpdateOperation(plan_id=operation.plan_id, quantity=operation.quantity, status="Success")
            operations.update_operation_status(subscription, operation.id, answer)
            assert operations.get_operation_status(subscription, operation.id).status == "Succeeded"
            seen = fulfillment.get_subscription(subscription)
            assert (seen.plan_id, seen.quantity) == expected

        fulfillment.delete_subscription(subscription)
        assert fulfillment.get_subscription(subscription).saas_subscription_status == "Unsubscribed"
        assert fulfillment.resolve(token_of(bought)).subscription.saas_subscription_status == "Unsubscribed"


def test_what_it_makes_of_refusals(tls_server: TlsServer) -> None:
    foreign = buy(tls_server, "sablecourt", "insight", "growth")
    base_url = f"{tls_server.url}/api"
    with credential(tls_server, "lanternwick") as secret, SaaSAPI(secret, base_url=base_url) as api:
        fulfillment = api.fulfillment_operations
        assert fulfillment.get_subscription(foreign["subscriptionId"]) is None
        assert fulfillment.get_subscription(NOWHERE) is None
        assert fulfillment.resolve(token_of(foreign)) is None


def test_usage(tls_server: TlsServer) -> None:
    bought = buy(tls_server, "sablecourt", "insight", "growth")
    base_url = f"{tls_server.url}/api"
    with (
        credential(tls_server, "sablecourt") as secret,
        SaaSAPI(secret, base_url=base_url) as api,
        MeteringAPI(secret, base_url=base_url) as metering,
    ):
        subscription = api.fulfillment_operations.resolve(token_of(bought)).id
        api.fulfillment_operations.activate_subscription(subscription, SubscriberPlan())
        event = UsageEvent(
            resource_id=subscription,
            quantity=3,
            dimension="reports",
            effective_start_time=datetime.now(UTC),
            plan_id="growth",
        )
        accepted = metering.metering_operations.post_usage_event(event)
        assert (accepted.status, accepted.resource_id, accepted.quantity) == ("Accepted", subscription, 3)
        assert accepted.usage_event_id
        assert metering.metering_operations.post_usage_event(event) is None, "the hour is taken"
