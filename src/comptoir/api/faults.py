"""The only place that knows which HTTP status and which wire number a refusal has.

Publishers are refused in other shapes: see ``publisher_faults``.

Source: ``00-cross-cutting`` section 11.4, ``10-catalog-cart-orders`` section 6 and
``20-subscriptions-customers`` section 5; where no code fits, the choices at the end of ``00`` section 11.4.
"""

from comptoir.api.call import Answer
from comptoir.api.publisher_faults import FOR_PUBLISHERS
from comptoir.core.errors import Code, Refusal
from comptoir.wire import codec
from comptoir.wire.types import Fault

SOURCE = "Comptoir"

WIRE: dict[Code, tuple[int, int]] = {
    Code.NOT_FOUND: (404, 1000),
    Code.INVALID_INPUT: (400, 800002),
    Code.INVALID_PROPERTY: (400, 3000),
    Code.UNKNOWN_ENUM_VALUE: (400, 900126),
    Code.STALE_ETAG: (400, 2055),
    Code.NOT_SUPPORTED: (400, 800042),
    Code.WRONG_ENVIRONMENT: (400, 900127),
    Code.UNEXPECTED: (500, 800003),
    Code.BUSY: (409, 800064),
    Code.NOT_ACCEPTABLE: (406, 800042),
    Code.MEDIA_TYPE: (415, 800042),
    Code.TOKEN_MISSING: (401, 800001),
    Code.TOKEN_INVALID: (401, 400),
    Code.ACCESS_DENIED: (403, 2032),
    Code.ROLE_LACKS_RIGHT: (403, 900150),
    Code.MFA_REQUIRED: (401, 900421),
    Code.NAME_UNKNOWN: (404, 1000),
    Code.CLOCK_ADVANCING: (409, 800064),
    Code.CUSTOMER_ID_INVALID: (400, 900118),
    Code.CUSTOMER_NOT_FOUND: (404, 60003),
    Code.CUSTOMER_FOREIGN: (403, 20002),
    Code.CUSTOMER_LIMIT: (400, 800018),
    Code.CUSTOMER_HAS_SUBSCRIPTIONS: (409, 800042),
    Code.DOMAIN_TAKEN: (409, 800002),
    Code.ADDRESS_INVALID: (400, 2007),
    Code.REGISTRATION_NUMBER_UNUSED: (400, 600002),
    Code.REGISTRATION_NUMBER_MISSING: (400, 600049),
    Code.REGISTRATION_NUMBER_INVALID: (400, 600050),
    Code.CUSTOMER_PHONE_MISSING: (400, 600051),
    Code.RESELLER_AGREEMENT_MISSING: (403, 900123),
    Code.AGREEMENT_MISSING: (403, 13605),
    Code.AGREEMENT_REPEATED: (409, 600061),
    Code.PRODUCT_NOT_FOUND: (404, 400013),
    Code.SKU_NOT_FOUND: (404, 400018),
    Code.AVAILABILITY_NOT_FOUND: (404, 400019),
    Code.SEGMENT_NOT_ALLOWED: (403, 400030),
    Code.VIEW_NOT_ALLOWED: (403, 400036),
    Code.CATALOGUE_INPUT_INVALID: (400, 400056),
    Code.CATALOGUE_FILE_INVALID: (400, 3000),
    Code.REFERENCE_FILES_INVALID: (400, 3000),
    Code.CART_NOT_FOUND: (404, 800008),
    Code.CART_HAS_ERRORS: (400, 800009),
    Code.CART_ORDERED: (400, 800065),
    Code.PARTNER_ATTESTATION_MISSING: (400, 900206),
    Code.ORDER_NOT_FOUND: (404, 20000),
    Code.ORDER_IN_PROGRESS: (409, 800060),
    Code.ORDER_NOT_CANCELLABLE: (400, 800061),
    Code.ORDER_CANCEL_FORBIDDEN: (403, 800019),
    Code.ORDER_CANCEL_BY_SUBSCRIPTION: (403, 800077),
    Code.PROVISIONING_UNAVAILABLE: (404, 800007),
    Code.OFFER_INVALID: (400, 800004),
    Code.OFFER_NOT_IN_COUNTRY: (400, 800070),
    Code.NOT_PURCHASABLE: (403, 800020),
    Code.OUT_OF_STOCK: (400, 800010),
    Code.QUANTITY_NOT_AVAILABLE: (400, 800017),
    Code.BILLING_CYCLE_NOT_SUPPORTED: (400, 900269),
    Code.TERM_NOT_OFFERED: (400, 800121),
    Code.CURRENCY_NOT_SUPPORTED: (400, 900169),
    Code.PARENT_NOT_SUPPORTED: (400, 2000),
    Code.ADD_ON_UNRELATED: (400, 800029),
    Code.LINE_NUMBERS_INVALID: (400, 800071),
    Code.LINE_NUMBER_UNKNOWN: (400, 800071),
    Code.SANDBOX_LIMIT: (400, 800018),
    Code.OWNERSHIP_LIMIT: (403, 800089),
    Code.LINE_ATTESTATION_MISSING: (400, 900203),
    Code.MPN_ID_UNKNOWN: (404, 800015),
    Code.MPN_ID_NOT_RESELLER: (400, 800016),
    Code.MPN_ID_OWN: (404, 2072),
    Code.PRICES_FORBIDDEN: (403, 800043),
    Code.CYCLE_CHANGE_INACTIVE: (400, 6000),
    Code.CYCLE_CHANGE_NOT_OFFERED: (400, 6001),
    Code.SUBSCRIPTION_NOT_FOUND: (404, 20003),
    Code.SUBSCRIPTION_ENDED: (400, 2011),
    Code.ALREADY_ACTIVATED: (400, 800041),
    Code.TRANSITION_NOT_ALLOWED: (400, 800040),
    Code.NOT_A_SUBSCRIPTION_FOR_THIS: (400, 800021),
    Code.NOT_ACTIVATED: (400, 800081),
    Code.NOT_READY: (400, 800082),
    Code.SUSPENDED: (400, 800091),
    Code.SUSPENDED_QUANTITY: (400, 2001),
    Code.STATUS_NOT_SETTABLE: (400, 800096),
    Code.CANCELLATION_WINDOW_PASSED: (400, 900117),
    Code.AUTO_RENEW_IMPOSSIBLE: (400, 800093),
    Code.QUANTITY_OUT_OF_RANGE: (400, 2002),
    Code.QUANTITY_FIXED: (400, 800095),
    Code.QUANTITY_NOT_REDUCIBLE: (400, 800090),
    Code.QUANTITY_REFUSED: (400, 800095),
    Code.REINSTATEMENT_REFUSED: (400, 800096),
    Code.QUANTITY_NOT_CHANGEABLE: (403, 800027),
    Code.SEAT_LIMIT: (403, 800067),
    Code.SEATS_LEFT: (403, 800088),
    Code.BILLING_CYCLE_NOT_SETTABLE: (400, 800097),
    Code.PARTNER_NOT_SETTABLE: (400, 800098),
    Code.INVOICE_NOT_FOUND: (404, 1000),
    Code.INVOICE_FOREIGN: (403, 2032),
    Code.INVOICE_VOID: (409, 800042),
    Code.INVOICE_IN_WORK: (409, 800064),
    Code.INVOICE_HAS_CREDITS: (409, 800042),
    Code.LINE_NOT_FOUND: (404, 1000),
    Code.EXPORT_NOT_FOUND: (404, 1000),
    Code.EXPORT_EXPIRED: (410, 1000),
    Code.EXPORT_TOKEN_INVALID: (403, 2032),
    Code.RANGE_OUTSIDE: (416, 3000),
    Code.MONTH_NOT_CLOSABLE: (409, 800042),
    Code.EXCHANGE_RATE_MISSING: (400, 800024),
    # Publishers are told these in their own words; an operator who acts in a partner's place is told them so.
    Code.CHANGE_NOT_SUBSCRIBED: (400, 800040),
    Code.OPERATION_OPEN: (400, 800082),
    Code.PLAN_NOT_AVAILABLE: (400, 800004),
    Code.PLAN_IS_CURRENT: (400, 800021),
    Code.PLAN_HAS_NO_SEATS: (400, 800095),
    Code.QUANTITY_IS_CURRENT: (400, 800021),
    Code.SEATS_OUT_OF_RANGE: (400, 2002),
}

assert WIRE.keys() | FOR_PUBLISHERS == set(Code), set(Code) - WIRE.keys() - FOR_PUBLISHERS


def error_name(code: Code) -> str:
    """``CART_NOT_FOUND`` as ``CartNotFound``."""
    return code.name.title().replace("_", "")


def answer(refusal: Refusal) -> Answer:
    """A refusal as HTTP status and JSON body (``00-cross-cutting`` section 11.1 a and b)."""
    status, number = WIRE[refusal.code]
    member = refusal.facts.get("member")
    fault = Fault(
        code=number,
        description=refusal.description,
        data=[] if member is None else [str(member)],
        source=SOURCE,
        error_name=error_name(refusal.code),
        is_retryable=refusal.code in {Code.UNEXPECTED, Code.BUSY, Code.ORDER_IN_PROGRESS},
    )
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return Answer(codec.encode(fault), status, headers=headers)
