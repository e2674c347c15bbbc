"""Where Comptoir departs from the contract's appendices on purpose, each place with its reason."""

from collections.abc import Iterable, Mapping

EXTRA_MEMBERS: Mapping[str, Mapping[str, str]] = {
    "Address": {"id": "20 section 6 lists it, the appendix does not"},
}
"""Members of answers, by model, that the appendix does not list."""

EXTRA_REQUEST_MEMBERS: Mapping[str, Mapping[str, str]] = {
    "Address": {"id": "20 section 6 lists it, the appendix does not"},
}
"""The same for requests."""


def _all(reason: str, ids: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(ids, reason)


NOT_SERVED: Mapping[str, str] = {
    **_all(
        "people sign in through the command `comptoir token` until there are pages for it",
        ("00.authorize", "00.authorize_v2", "00.device_v1", "00.device_v2"),
    ),
    **_all(
        "supporting calls that no part of the purchase needs",
        ("00.consent_create", "00.consent_delete", "00.partner_requests", "00.mfa_adoption", "00.non_mfa"),
    ),
    **_all("the journal is kept, not yet published", ("20.audit_list", "20.audit_get")),
    **_all(
        "nothing is delivered to partners yet",
        (
            "20.wh_events",
            "20.wh_create",
            "20.wh_get",
            "20.wh_update",
            "20.wh_validate",
            "20.wh_validation_get",
        ),
    ),
    **_all("nothing is billed yet", (f"30.E{number}" for number in range(1, 15))),
    **_all(
        "publishers have no interface of their own yet",
        (
            "40.resolve",
            "40.list",
            "40.get",
            "40.listAvailablePlans",
            "40.activate",
            "40.update",
            "40.cancel",
            "40.listOperations",
            "40.getOperation",
            "40.updateOperation",
            "40.usageEvent",
            "40.batchUsageEvent",
            "40.getUsageEvents",
            "40.webhook",
        ),
    ),
}
"""Calls of the contract, by appendix and id, that are no operation of ours."""

ALWAYS_REFUSED: Mapping[str, str] = {
    "catalog.promotions_get": "10 appendix X5: there are no promotions, 404/1000",
    "catalog.promotion_eligibilities": "10 appendix X6: 400/800042",
    "orders.attach": "10 section 4.1: 400/800042",
    "orders.attachment": "10 section 4.1: 400/800042",
    "subscriptions.register": "reservations only: 400/800042 for software as a service",
    "subscriptions.transition": "20 section 3.9: 400/800042 for software as a service",
    "subscriptions.upgrade": "20 section 3.9: 400/800042 for software as a service",
}
"""Operations without a successful answer."""

UNUSED_ERRORS: Mapping[str, Mapping[str, str]] = {
    "orders.create": {"403/800023": "a credit line is checked when there are invoices to pay"},
    "subscriptions.patch": {
        "400/800090": "30 section 3.7: seats of software as a service can be given back at any time"
    },
}
"""Refusals, by operation, that the contract lists and that cannot happen here."""

EXTRA_QUERY: Mapping[str, Mapping[str, str]] = {
    "customers.list": {"MS-ContinuationToken": "00 section 7.3: the token as a query parameter"},
}
"""Query parameters, by operation, that the appendix does not list."""

UNUSED_QUERY: Mapping[str, Mapping[str, str]] = {
    "subscriptions.transitions": {"operationId": "the list is always empty"},
}
"""Query parameters, by operation, that would change nothing."""

OWN_REFUSALS: Mapping[str, str] = {
    "DOMAIN_TAKEN": "20 section 7 chooses 409/800002",
    "NOT_ACCEPTABLE": "00 section 2 gives the status alone; 800042 says that it is not supported",
    "MEDIA_TYPE": "00 section 2 gives the status alone; 800042 says that it is not supported",
}
"""Refusals whose pair of status and code the contract does not print."""

REPEATED_REFUSALS: Mapping[str, str] = {
    "NOT_ACCEPTABLE": "00 section 2; every official client accepts JSON",
    "MEDIA_TYPE": "00 section 2; every official client sends JSON",
}
"""Refusals with a status that official clients repeat."""

PLAIN_REFUSALS: Mapping[str, str] = {
    "partner.domain_exists 404": "20 section 8.3: the domain is free; HEAD has no body",
}
"""Documented refusals that are no ``Refusal``, by operation and error."""
