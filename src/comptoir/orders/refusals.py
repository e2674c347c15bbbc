"""With which code an order refuses each problem of a line (``10-catalog-cart-orders`` section 4.4)."""

from collections.abc import Mapping

from comptoir.core.errors import Code, Refusal
from comptoir.orders.model import JudgedLine, Problem

CODES: Mapping[Problem, tuple[Code, str]] = {
    Problem.INPUT: (Code.INVALID_PROPERTY, ""),
    Problem.FRIENDLY_NAME: (Code.INVALID_PROPERTY, "friendlyName"),
    Problem.QUANTITY_TOO_SMALL: (Code.QUANTITY_NOT_AVAILABLE, "quantity"),
    Problem.QUANTITY_TOO_LARGE: (Code.QUANTITY_NOT_AVAILABLE, "quantity"),
    Problem.CATALOG_ITEM_UNKNOWN: (Code.OFFER_INVALID, "offerId"),
    Problem.NOT_IN_COUNTRY: (Code.OFFER_NOT_IN_COUNTRY, "offerId"),
    Problem.NOT_IN_SEGMENT: (Code.NOT_PURCHASABLE, "offerId"),
    Problem.REPLACED: (Code.AVAILABILITY_NOT_FOUND, "offerId"),
    Problem.NOT_PURCHASABLE: (Code.NOT_PURCHASABLE, "offerId"),
    Problem.OUT_OF_STOCK: (Code.OUT_OF_STOCK, "quantity"),
    Problem.OWNERSHIP_LIMIT: (Code.OWNERSHIP_LIMIT, "offerId"),
    Problem.ACCOUNT_LIMIT: (Code.SANDBOX_LIMIT, "quantity"),
    Problem.CURRENCY: (Code.CURRENCY_NOT_SUPPORTED, "offerId"),
    Problem.BILLING_CYCLE: (Code.BILLING_CYCLE_NOT_SUPPORTED, "offerId"),
    Problem.TERM: (Code.TERM_NOT_OFFERED, "termDuration"),
    Problem.RENEWS_TO: (Code.TERM_NOT_OFFERED, "renewsTo"),
    Problem.ATTESTATION: (Code.LINE_ATTESTATION_MISSING, "attestationAccepted"),
    Problem.PROMOTION: (Code.INVALID_PROPERTY, "promotionId"),
    Problem.CUSTOM_TERM_END: (Code.INVALID_PROPERTY, "customTermEndDate"),
    Problem.PARTICIPANTS_NOT_SUPPORTED: (Code.MPN_ID_NOT_RESELLER, "partnerIdOnRecord"),
    Problem.PARTICIPANTS_TOO_MANY: (Code.INVALID_PROPERTY, "additionalPartnerIdsOnRecord"),
    Problem.MPN_ID_UNKNOWN: (Code.MPN_ID_UNKNOWN, "partnerIdOnRecord"),
    Problem.MPN_ID_NOT_RESELLER: (Code.MPN_ID_NOT_RESELLER, "partnerIdOnRecord"),
    Problem.MPN_ID_OWN: (Code.MPN_ID_OWN, "partnerIdOnRecord"),
    Problem.ADD_ON_TOO_DEEP: (Code.ADD_ON_UNRELATED, "parentSubscriptionId"),
    Problem.PARENT_UNKNOWN: (Code.ADD_ON_UNRELATED, "parentSubscriptionId"),
    Problem.ADD_ON_UNRELATED: (Code.ADD_ON_UNRELATED, "parentSubscriptionId"),
    Problem.ADD_ON_WITHOUT_BASE: (Code.ADD_ON_UNRELATED, "parentSubscriptionId"),
    Problem.BASE_SEATS: (Code.ADD_ON_UNRELATED, "parentSubscriptionId"),
    Problem.ADD_ON_SEATS: (Code.QUANTITY_NOT_AVAILABLE, "quantity"),
}
"""The code, and the line's member to blame; where that is empty the line names it itself."""

assert CODES.keys() == set(Problem), set(Problem) - CODES.keys()


def refusal_of(line: JudgedLine) -> Refusal:
    """The refusal of an order that holds this line. The line has a problem."""
    assert line.problem is not None, line
    code, member = CODES[line.problem]
    if line.request.quantity < 1:
        code = Code.INVALID_INPUT
    path = f"lineItems[{line.index}].{member or line.request.unreadable}"
    return Refusal(code, member=path, reason=line.detail, **_facts_of(line))


def _facts_of(line: JudgedLine) -> dict[str, object]:
    """Every fact that some code's text asks for."""
    request, offer = line.request, line.offer
    return {
        "offer_id": request.catalog_item_id,
        "availability_id": offer.availability_id if offer else request.catalog_item_id,
        "quantity": request.quantity,
        "minimum": offer.minimum_quantity if offer else 1,
        "maximum": offer.maximum_quantity if offer else 1,
        "billing_cycle": line.billing_cycle.value if line.billing_cycle else "unknown",
        "term": request.renews_to if line.problem is Problem.RENEWS_TO else request.term,
        "currency": request.currency,
        "expected": offer.currency if offer else None,
        "requested": 1,
        "remaining": 0,
        **line.facts,
    }
