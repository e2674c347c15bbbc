"""What a subscription looks like on the wire, by status and by the client's vocabulary (``20`` section 1)."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.contract.check import check_reply
from tests.subscription_factory import CUSTOMER_ID, SUBSCRIPTION_ID, context, customer, in_status, pending

from comptoir.api import subscriptions as api
from comptoir.catalog.model import BillingCycle
from comptoir.core.accounts import AccountSettings
from comptoir.core.context import Context
from comptoir.core.terms import Duration
from comptoir.subscriptions import rules
from comptoir.subscriptions.model import Status, StatusReason, Subscription
from comptoir.wire import codec

ACTIVATED_AT = datetime(2026, 3, 4, 10, 2, 31, tzinfo=UTC)
SOON = ACTIVATED_AT + timedelta(minutes=5)
WINDOW_END = ACTIVATED_AT + timedelta(hours=24)
DATES = {
    "effectiveStartDate",
    "commitmentEndDate",
    "commitmentEndDateTime",
    "billingCycleEndDate",
    "billingCycleEndDateTime",
    "cancellationAllowedUntilDate",
    "refundOptions",
}


def active(**changes: Any) -> Subscription:
    return rules.activated(pending(**changes), None, AccountSettings(), ACTIVATED_AT)


def printed(subscription: Subscription, ctx: Context | None = None) -> dict[str, Any]:
    reply = codec.encode(api.to_wire(subscription, customer(), ctx or context(now=SOON)))
    body: dict[str, Any] = json.loads(reply)
    check_reply("Subscription", body)
    return body


def test_an_active_subscription_is_the_documented_example() -> None:
    body = printed(active(version=2))
    assert body == {
        "id": SUBSCRIPTION_ID,
        "offerId": "CTR000000K7F:0002:CTR00000M1PQ",
        "offerName": "Tideline Backup - Team",
        "friendlyName": "Backup for the Lyon office",
        "productType": {
            "id": "Azure",
            "displayName": "Azure",
            "subType": {"id": "SaaS", "displayName": "SaaS"},
        },
        "quantity": 12,
        "unitType": "License(s)",
        "hasPurchasableAddons": False,
        "creationDate": "2026-03-02T08:15:00.441200Z",
        "effectiveStartDate": "2026-03-04T10:02:31Z",
        "commitmentEndDate": "2026-04-03T10:02:31Z",
        "commitmentEndDateTime": "2026-04-03T10:02:31Z",
        "cancellationAllowedUntilDate": "2026-03-05T10:02:31Z",
        "billingCycleEndDate": "2026-04-03T10:02:31Z",
        "billingCycleEndDateTime": "2026-04-03T10:02:31Z",
        "status": "active",
        "autoRenewEnabled": True,
        "isTrial": False,
        "billingType": "license",
        "billingCycle": "monthly",
        "termDuration": "P1M",
        "refundOptions": [{"type": "Full", "expiresAt": "2026-03-05T10:02:31Z"}],
        "isMicrosoftProduct": False,
        "attentionNeeded": False,
        "actionTaken": False,
        "actions": ["Edit", "Cancel"],
        "contractType": "subscription",
        "publisherName": "Tideline SAS",
        "orderId": "Qm3xT8vKzL5nWpR2sYd7HcJb1GfA0eUk1",
        "links": {
            "product": _link("/products/CTR000000K7F?country=FR"),
            "sku": _link("/products/CTR000000K7F/skus/0002?country=FR"),
            "availability": _link("/products/CTR000000K7F/skus/0002/availabilities/CTR00000M1PQ?country=FR"),
            "self": _link(f"/customers/{CUSTOMER_ID}/subscriptions/{SUBSCRIPTION_ID}"),
        },
        "attributes": {
            "etag": "eyJpZCI6IjkxYmYyYzYwLTdkMTUtNGUwYS1iM2M4LTZhNGYwZThkMjE3NSIsInZlcnNpb24iOjN9",
            "objectType": "Subscription",
        },
    }


def _link(uri: str) -> dict[str, Any]:
    return {"uri": uri, "method": "GET", "headers": []}


def test_a_pending_subscription_has_no_dates_and_a_link_to_activate_it() -> None:
    body = printed(pending())
    assert body["status"] == "pending"
    assert body["attentionNeeded"] is True
    assert body["actions"] == ["Edit", "Cancel"]
    assert not DATES & body.keys()
    uri = f"/customers/{CUSTOMER_ID}/subscriptions/{SUBSCRIPTION_ID}/activationlinks"
    assert body["links"]["activationLinks"] == _link(uri)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.PENDING])
def test_only_a_pending_subscription_has_the_link_and_needs_attention(status: Status) -> None:
    subscription = active() if status is Status.ACTIVE else in_status(status)
    body = printed(subscription)
    assert "activationLinks" not in body["links"]
    assert body["attentionNeeded"] is False


def test_a_closed_refund_window_leaves_no_trace() -> None:
    open_body = printed(active(), context(now=WINDOW_END - timedelta(microseconds=1)))
    assert open_body["refundOptions"] == [{"type": "Full", "expiresAt": "2026-03-05T10:02:31Z"}]
    closed_body = printed(active(), context(now=WINDOW_END))
    assert "refundOptions" not in closed_body
    assert "cancellationAllowedUntilDate" not in closed_body
    assert closed_body["actions"] == ["Edit"]


def test_a_trial_can_be_cancelled_at_any_time_and_names_what_follows() -> None:
    trial = active(is_trial=True, billing_cycle=BillingCycle.NONE, renews_to=Duration.parse("P1Y"))
    body = printed(trial, context(now=ACTIVATED_AT + timedelta(days=20)))
    assert (body["isTrial"], body["billingCycle"], body["actions"]) == (True, "none", ["Edit", "Cancel"])
    assert (body["termDuration"], body["renewalTermDuration"]) == ("P1M", "P1Y")
    assert "refundOptions" not in body


@pytest.mark.parametrize(
    ("is_trial", "renews_to", "expected"),
    [
        (False, None, None),
        (False, "P1M", None),
        (False, "P1Y", "P1Y"),
        (True, None, "P1M"),
        (True, "P1M", "P1M"),
    ],
)
def test_the_renewal_term_is_named_when_it_differs_or_for_trials(
    is_trial: bool, renews_to: str | None, expected: str | None
) -> None:
    duration = None if renews_to is None else Duration.parse(renews_to)
    assert printed(active(is_trial=is_trial, renews_to=duration)).get("renewalTermDuration") == expected


@pytest.mark.parametrize("status", [Status.DELETED, Status.EXPIRED])
def test_what_has_ended_keeps_its_dates_and_allows_nothing(status: Status) -> None:
    reason = StatusReason.EXPIRATION if status is Status.EXPIRED else StatusReason.ORDER_CANCELLED
    ended = replace(active(), status=status, ended_at=SOON, auto_renew=False, status_reason=reason)
    body = printed(ended)
    assert body["status"] == status.value
    assert (body["actions"], body["autoRenewEnabled"]) == ([], False)
    assert (body["effectiveStartDate"], body["commitmentEndDate"]) == (
        "2026-03-04T10:02:31Z",
        "2026-04-03T10:02:31Z",
    )
    assert not {"billingCycleEndDate", "billingCycleEndDateTime", "refundOptions"} & body.keys()
    assert body.get("suspensionReasons") == (["Expiration"] if status is Status.EXPIRED else None)


def test_a_suspended_subscription_cannot_be_edited() -> None:
    body = printed(replace(active(), status=Status.SUSPENDED))
    assert body["actions"] == ["Cancel"]
    assert "billingCycleEndDate" not in body


def test_reseller_and_base_are_named_where_there_are_any() -> None:
    base_id = "00000000-0000-4000-8000-000000000001"
    body = printed(pending(partner_mpn_id="4847383", parent_subscription_id=base_id))
    assert (body["partnerId"], body["parentSubscriptionId"]) == ("4847383", base_id)
    assert not {"partnerId", "parentSubscriptionId"} & printed(pending()).keys()


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.PENDING, "none"),
        (Status.ACTIVE, "active"),
        (Status.SUSPENDED, "suspended"),
        (Status.DELETED, "deleted"),
        (Status.EXPIRED, "deleted"),
    ],
)
def test_strict_clients_read_four_words(status: Status, word: str) -> None:
    subscription = active() if status is Status.ACTIVE else in_status(status)
    body = printed(subscription, context(now=SOON, strict=True))
    assert body["status"] == word
    assert not {"productType", "commitmentEndDateTime"} & body.keys()


@pytest.mark.parametrize("cycle", list(BillingCycle))
def test_strict_clients_read_only_cycles_that_they_know(cycle: BillingCycle) -> None:
    known = {"unknown", "monthly", "annual", "none", "one_time"}
    body = printed(active(billing_cycle=cycle), context(now=SOON, strict=True))
    assert body["billingCycle"] == (cycle.value if cycle.value in known else "unknown")
    assert printed(active(billing_cycle=cycle))["billingCycle"] == cycle.value


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("is_strict", [False, True])
def test_every_status_keeps_the_contract(status: Status, is_strict: bool) -> None:
    subscription = active() if status is Status.ACTIVE else in_status(status)
    printed(subscription, context(now=SOON, strict=is_strict))
