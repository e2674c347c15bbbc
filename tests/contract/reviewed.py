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


WITHOUT_LINKS: Mapping[str, str] = {
    "EstimateLink": "30 section 1.7: the collection has no links object; 00 section 7.1 wants them elsewhere",
}
"""Lists, by what they list, without ``links``."""

MAY_HAVE_NO_DATE: Mapping[str, Mapping[str, str]] = {
    "InvoiceSummary": dict.fromkeys(
        ("accountingDate", "firstInvoiceCreationDate", "lastPaymentDate", "latestInvoiceDate"),
        "30 section 2.3: 0001-01-01T00:00:00 where there is none",
    ),
}
"""Dates, by model, that may be .NET's date for none, which has no zone."""


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
    **_all("the path of files is ours to choose: tests/api/test_exports.py", ("30.E14",)),
    **_all("a call of ours to a publisher: tests/api/test_deliveries_api.py", ("40.webhook",)),
}
"""Calls of the contract, by appendix and id, that are no operation of ours."""

ALWAYS_REFUSED: Mapping[str, str] = {
    "catalog.promotions_get": "10 appendix X5: there are no promotions, 404/1000",
    "catalog.promotion_eligibilities": "10 appendix X6: 400/800042",
    "invoices.receipt": "30 section 1.6: no jurisdiction here issues tax receipts, 404/1000",
    "orders.attach": "10 section 4.1: 400/800042",
    "orders.attachment": "10 section 4.1: 400/800042",
    "subscriptions.register": "reservations only: 400/800042 for software as a service",
    "subscriptions.transition": "20 section 3.9: 400/800042 for software as a service",
    "subscriptions.upgrade": "20 section 3.9: 400/800042 for software as a service",
}
"""Operations without a successful answer."""

UNUSED_ERRORS: Mapping[str, Mapping[str, str]] = {
    "orders.create": {"403/800023": "a credit line is checked when there are invoices to pay"},
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
    "EXPORT_EXPIRED": "30 section 1.9 gives the status alone; 1000 says that it is not found",
    "RANGE_OUTSIDE": "the status of HTTP for files, which the contract leaves open",
}
"""Refusals whose pair of status and code the contract does not print."""

REPEATED_REFUSALS: Mapping[str, str] = {
    "NOT_ACCEPTABLE": "00 section 2; every official client accepts JSON",
    "MEDIA_TYPE": "00 section 2; every official client sends JSON",
    "EXPORT_EXPIRED": "30 section 1.9; no official client of this service exports",
    "RANGE_OUTSIDE": "30 section 1.9; clients of Azure Storage ask for ranges within the file",
}
"""Refusals with a status that official clients repeat."""

PLAIN_REFUSALS: Mapping[str, str] = {
    "partner.domain_exists 404": "20 section 8.3: the domain is free; HEAD has no body",
}
"""Documented refusals that are no ``Refusal``, by operation and error."""
