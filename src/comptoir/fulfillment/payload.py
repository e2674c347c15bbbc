"""The body of a webhook: exact in the order of its members, with nulls spelled out (section 5.2).

Receivers in the wild bind ``quantity`` to a number that cannot be null, so a flat rate says 1 there and null
inside ``subscription``.
"""

import json
from datetime import datetime
from typing import Any

from comptoir.core.terms import Duration
from comptoir.fulfillment.model import Operation, OperationStatus, Person, Purchase, PurchaseTerm
from comptoir.fulfillment.rules import puid, sandbox_type, session_mode

FLAT_RATE_QUANTITY = 1


def body(operation: Operation, purchase: Purchase) -> bytes:
    """What the publisher is sent. ``purchase`` is the one before a change that it is asked about, and the one
    after what it is only told of.
    """
    status = OperationStatus.IN_PROGRESS if operation.is_open else operation.status
    return json.dumps(
        {
            "id": operation.id,
            "activityId": operation.id,
            "publisherId": operation.publisher_id,
            "offerId": operation.offer_id,
            "planId": operation.plan_id,
            "quantity": operation.quantity or FLAT_RATE_QUANTITY,
            "subscriptionId": operation.subscription_id,
            "timeStamp": instant(operation.requested_at),
            "action": operation.action.value,
            "status": status.value,
            "operationRequestSource": operation.source.value,
            "subscription": _subscription(purchase),
            "purchaseToken": None,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def instant(at: datetime) -> str:
    """UTC with ``Z`` and no more digits than there are (section 1.4)."""
    text = at.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{at.microsecond:06d}".rstrip("0") if at.microsecond else ""
    return f"{text}{fraction}Z"


def _subscription(purchase: Purchase) -> dict[str, Any]:
    return {
        "id": purchase.id,
        "name": purchase.name,
        "publisherId": purchase.publisher_id,
        "offerId": purchase.offer_id,
        "planId": purchase.plan_id,
        "quantity": purchase.quantity,
        "beneficiary": _person(purchase.beneficiary),
        "purchaser": _person(purchase.purchaser),
        "allowedCustomerOperations": list(purchase.allowed_operations),
        "sessionMode": session_mode(purchase),
        "isFreeTrial": purchase.is_free_trial,
        "isTest": purchase.is_test,
        "sandboxType": sandbox_type(purchase),
        "saasSubscriptionStatus": purchase.status.value,
        "term": _term(purchase.term),
        "autoRenew": purchase.auto_renew,
        "created": instant(purchase.created_at),
        "lastModified": instant(purchase.modified_at),
    }


def _person(person: Person) -> dict[str, str]:
    return {
        "emailId": person.email,
        "objectId": person.object_id,
        "tenantId": person.tenant_id,
        "puid": puid(person),
    }


def _term(term: PurchaseTerm) -> dict[str, str | None]:
    return {
        "startDate": _optional(term.start_on),
        "endDate": _optional(term.end_on),
        "termUnit": str(term.unit),
        "chargeDuration": _duration(term.charge_unit),
    }


def _optional(at: datetime | None) -> str | None:
    return None if at is None else instant(at)


def _duration(duration: Duration | None) -> str | None:
    return None if duration is None else str(duration)
