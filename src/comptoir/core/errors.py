"""The one exception for "no", and the text of every reason to say it.

A rule or a service raises ``Refusal(Code.X, fact=...)``. Which HTTP status and which wire number a
code has is known to ``api/faults.py`` alone.
"""

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Code(Enum):
    """Why a call is refused. The value is the description sent to the caller, with facts filled in.

    Meanings follow ``00-cross-cutting`` section 11.4 and ``10-catalog-cart-orders`` section 6.
    """

    # The call as a whole
    NOT_FOUND = "The resource was not found."
    INVALID_INPUT = "The request could not be read: {reason}"
    INVALID_PROPERTY = "The property {member} is not valid: {reason}"
    UNKNOWN_ENUM_VALUE = "The value {value} of {member} is not understood."
    STALE_ETAG = "The resource has changed since it was read. Read it again and repeat the change."
    NOT_SUPPORTED = "The operation is not supported: {reason}"
    WRONG_ENVIRONMENT = "The operation is not supported in this environment."
    UNEXPECTED = "The service failed unexpectedly. Nothing was changed; the call may be repeated."
    BUSY = "Another call is still working on the same resource. Repeat this call later."
    NOT_ACCEPTABLE = "The answer is JSON, which the Accept header excludes."
    MEDIA_TYPE = "The request body must be JSON, not {media_type}."

    # Who calls
    TOKEN_MISSING = "The partner token is missing from the request."  # noqa: S105 - a text, no secret
    TOKEN_INVALID = "The access token is not accepted: {reason}"  # noqa: S105 - a text, no secret
    ACCESS_DENIED = "Access denied: {reason}"
    ROLE_LACKS_RIGHT = "The role of the caller does not include this operation."
    MFA_REQUIRED = "Authentication failed. MFA required. (10001)"
    NAME_UNKNOWN = "There is no {kind} {name}."

    # Clocks
    CLOCK_ADVANCING = "The clock of account {name} is being advanced to {target}."

    # Customers
    CUSTOMER_ID_INVALID = "The customer id {customer_id} is not valid."
    CUSTOMER_NOT_FOUND = "The tenant {customer_id} was not found."
    CUSTOMER_FOREIGN = "The partner has no commerce relationship with customer {customer_id}."
    CUSTOMER_LIMIT = "The limit of {limit} customers of this account is reached."
    CUSTOMER_HAS_SUBSCRIPTIONS = "The customer still has open subscriptions. Cancel them first."
    DOMAIN_TAKEN = "The domain {domain} is already in use."
    ADDRESS_INVALID = "The address is not valid: {reason}"
    REGISTRATION_NUMBER_UNUSED = "Customers in {country} do not have a registration number."
    REGISTRATION_NUMBER_MISSING = "The registration number is required for customers in {country}."
    REGISTRATION_NUMBER_INVALID = "The registration number does not match the pattern {pattern}."
    CUSTOMER_PHONE_MISSING = "The phone number is required for customers in {country}."
    RESELLER_AGREEMENT_MISSING = "The indirect reseller {reseller_id} has not accepted the partner agreement."
    AGREEMENT_MISSING = "The customer has not accepted the Microsoft Customer Agreement."
    AGREEMENT_REPEATED = "The same contact has confirmed this agreement already."

    # Catalogue
    PRODUCT_NOT_FOUND = "The product {product_id} was not found in the catalogue of {country}."
    SKU_NOT_FOUND = "The SKU {sku_id} of product {product_id} was not found in the catalogue of {country}."
    AVAILABILITY_NOT_FOUND = (
        "The availability {availability_id} was not found. Read the SKU's availabilities again."
    )
    SEGMENT_NOT_ALLOWED = "The segment {segment} is unknown or not allowed."
    VIEW_NOT_ALLOWED = "The target view {view} is unknown or not allowed."
    CATALOGUE_INPUT_INVALID = "The catalogue request is not valid: {reason}"
    CATALOGUE_FILE_INVALID = "The catalogue has {count} errors. The first: {first}"

    REFERENCE_FILES_INVALID = "The files have {count} errors. The first: {first}"

    # Carts
    CART_NOT_FOUND = "Cart {cart_id} was not found."
    CART_HAS_ERRORS = "There are errors in the cart items. Read the cart to see them."
    CART_ORDERED = "Cart {cart_id} was already submitted."
    PARTNER_ATTESTATION_MISSING = "The partner on record attestation must be accepted."

    # Orders
    ORDER_NOT_FOUND = "Order {order_id} was not found."
    ORDER_IN_PROGRESS = "Order {order_id} is still in progress. Look at the order history."
    ORDER_NOT_CANCELLABLE = "Order {order_id} cannot be cancelled: {reason}"
    ORDER_CANCEL_FORBIDDEN = "Only orders of an integration sandbox account can be cancelled this way."
    ORDER_CANCEL_BY_SUBSCRIPTION = "Cancel seat-based SaaS by changing its subscription, not its order."
    PROVISIONING_UNAVAILABLE = "The provisioning information is not available."
    OFFER_INVALID = "The offer id {offer_id} is not valid."
    OFFER_NOT_IN_COUNTRY = "The offer {offer_id} is not sold in {country}."
    NOT_PURCHASABLE = "The catalogue item {offer_id} is not eligible for purchase."
    OUT_OF_STOCK = "There is no inventory left for the item {offer_id}."
    QUANTITY_NOT_AVAILABLE = "The quantity {quantity} is not available: {minimum} to {maximum} are."
    BILLING_CYCLE_NOT_SUPPORTED = "The billing cycle {billing_cycle} is not supported by the item {offer_id}."
    TERM_NOT_OFFERED = "The term {term} is not offered for the item {offer_id}."
    CURRENCY_NOT_SUPPORTED = "The currency {currency} is not supported. The item is sold in {expected}."
    PARENT_NOT_SUPPORTED = "A parent subscription is not supported for this request."
    ADD_ON_UNRELATED = "The add-on {offer_id} does not belong to the given parent subscription."
    LINE_NUMBERS_INVALID = "The line item numbers must be exactly 0 to {last}."
    LINE_NUMBER_UNKNOWN = "The line item number {line_number} is not part of the order."
    SANDBOX_LIMIT = "A limit of the integration sandbox account is reached: {reason}"
    OWNERSHIP_LIMIT = "{requested} assets were asked for and {remaining} are left for the customer."
    LINE_ATTESTATION_MISSING = "The attestation of item {offer_id} must be accepted."
    MPN_ID_UNKNOWN = "The MPN id {mpn_id} was not found."
    MPN_ID_NOT_RESELLER = "The MPN id {mpn_id} is not an indirect reseller."
    MPN_ID_OWN = "An indirect provider's own MPN id cannot be the partner on record."
    PRICES_FORBIDDEN = "The caller has no access to prices."
    CYCLE_CHANGE_INACTIVE = "The billing cycle was not changed: a subscription of the order is not active."
    CYCLE_CHANGE_NOT_OFFERED = "The billing cycle was not changed: an offer of the order lacks that cycle."

    # Subscriptions
    SUBSCRIPTION_NOT_FOUND = "Subscription {subscription_id} was not found."
    SUBSCRIPTION_ENDED = "Subscription {subscription_id} is deleted or expired and cannot be changed."
    ALREADY_ACTIVATED = "Subscription {subscription_id} is already activated."
    TRANSITION_NOT_ALLOWED = "Subscription {subscription_id} is {status}: it cannot {action} now."
    NOT_A_SUBSCRIPTION_FOR_THIS = "Subscription {subscription_id} is not valid for this operation."
    NOT_ACTIVATED = "Subscription {subscription_id} must be activated before it can be changed."
    NOT_READY = "Subscription {subscription_id} is not ready yet. Try again later."
    SUSPENDED = "Subscription {subscription_id} is suspended and cannot be changed."
    SUSPENDED_QUANTITY = "The quantity of subscription {subscription_id} cannot change while it is suspended."
    STATUS_NOT_SETTABLE = "The status of subscription {subscription_id} cannot be set to {status}."
    CANCELLATION_WINDOW_PASSED = (
        "The {days}-day window for cancelling the subscription has passed. Turn its auto-renew off instead."
    )
    AUTO_RENEW_IMPOSSIBLE = "Subscription {subscription_id} cannot renew: what follows it is no longer sold."
    QUANTITY_OUT_OF_RANGE = "The quantity {quantity} is outside the SKU's limits of {minimum} to {maximum}."
    QUANTITY_FIXED = "The seat quantity of subscription {subscription_id} is fixed."
    QUANTITY_NOT_REDUCIBLE = "The item {offer_id} allows removing quantity in the refund window only."
    QUANTITY_REFUSED = "The publisher refused another seat quantity of subscription {subscription_id}."
    REINSTATEMENT_REFUSED = "The publisher refused to reinstate subscription {subscription_id}."
    QUANTITY_NOT_CHANGEABLE = "The item {offer_id} does not allow adding or removing quantity."
    SEAT_LIMIT = "A subscription of this account can have {limit} seats."
    SEATS_LEFT = "{requested} more seats were asked for and {remaining} are left of the item {offer_id}."
    BILLING_CYCLE_NOT_SETTABLE = "Billing cycle and term of subscription {subscription_id} cannot be set."
    PARTNER_NOT_SETTABLE = "The partner on record of subscription {subscription_id} cannot be set."
    EXCHANGE_RATE_MISSING = (
        "Prices in {pricing_currency} cannot be billed in {currency}: import an exchange rate for {missing}."
    )

    # Invoices
    INVOICE_NOT_FOUND = "The document {invoice_id} was not found."
    INVOICE_FOREIGN = "The document {invoice_id} is not one of this partner."
    INVOICE_VOID = "The document {invoice_id} is void."
    INVOICE_IN_WORK = "The document {invoice_id} is being billed anew as {amendment_id}."
    INVOICE_HAS_CREDITS = "The document {invoice_id} has a credit note: bill {amendment_id} anew first."
    LINE_NOT_FOUND = "The document {invoice_id} has no line {line}."
    EXPORT_NOT_FOUND = "There is no export {export_id} that can be fetched."
    EXPORT_EXPIRED = "The export {export_id} has expired. Ask for it again."
    EXPORT_TOKEN_INVALID = "The signature of the address is wrong or has expired."  # noqa: S105 - a text
    RANGE_OUTSIDE = "The range lies outside the {size} bytes of the file."
    MONTH_NOT_CLOSABLE = "The month {month} cannot be invoiced before {at}."

    # Publishers
    API_VERSION_MISSING = "The query parameter api-version is missing. Give {version}."
    API_VERSION_UNKNOWN = "The api-version {asked} is not supported. Give {version}."
    PURCHASE_TOKEN_MISSING = "The header x-ms-marketplace-token is missing."  # noqa: S105 - a text, no secret
    PURCHASE_TOKEN_INVALID = "The purchase token is malformed, unknown or expired."  # noqa: S105 - a text
    PURCHASE_FOREIGN = "The subscription {subscription_id} was bought from another publisher."
    PURCHASE_NOT_FOUND = "The subscription {subscription_id} was not found."
    TOO_MUCH_USAGE = "There are more than {limit} events in that time. Ask for fewer days, or one dimension."
    PURCHASE_ENDED = "The subscription {subscription_id} has ended: there is nothing to activate."
    PURCHASE_ENDED_ALREADY = "The subscription {subscription_id} has ended already."
    PURCHASE_ACTIVE_ALREADY = "The subscription {subscription_id} is activated already."
    PURCHASE_MISMATCH = "The {member} is not that of the purchase, which is {expected}."
    PAGE_TOKEN_INVALID = "The continuationToken is not one of this list."  # noqa: S105 - a text, no secret
    CHANGE_NOT_SINGLE = "Give either planId or quantity."
    CHANGE_NOT_SUBSCRIBED = "The subscription {subscription_id} is not in the status Subscribed."
    PUBLISHER_OPERATION_NOT_ALLOWED = "The allowedCustomerOperations of the subscription lack {operation}."
    OPERATION_OPEN = "Another operation of the subscription {subscription_id} is open."
    PLAN_NOT_AVAILABLE = "The plan {plan_id} is not available for this subscription."
    PLAN_IS_CURRENT = "The subscription is on the plan {plan_id} already."
    PLAN_HAS_NO_SEATS = "The plan {plan_id} is a flat rate: it has no quantity."
    QUANTITY_IS_CURRENT = "The quantity of the subscription is {quantity} already."
    SEATS_OUT_OF_RANGE = "The quantity must be a whole number from {minimum} to {maximum}."
    ACKNOWLEDGEMENT_INVALID = "The status must be Success or Failure."
    OPERATION_NOT_FOUND = "The operation {operation_id} was not found."
    OPERATION_NOT_ACKNOWLEDGED = "An operation {action} is not acknowledged: it has happened already."
    OPERATION_CLOSED = "The operation {operation_id} has ended as {status}."


class Refusal(Exception):
    """A caller's request that the rules say no to. Nothing it did is kept.

    ``facts`` fill the text of the code; the fact ``member`` also names the faulty member in the
    answer's ``data`` array.
    """

    def __init__(self, code: Code, **facts: object) -> None:
        self.code = code
        self.facts = facts
        super().__init__(code.name, facts)

    @property
    def description(self) -> str:
        """The code's text with this refusal's facts, at most 1,024 characters."""
        return self.code.value.format(**self.facts)[:1024]


class Unsettled(Exception):
    """What the call touches has work of the account outstanding that is due already, such as a renewal.

    No answer for a caller: the work is done first, then the call runs again.
    """

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id
        super().__init__(account_id)


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal that is an outcome: the caller is told no, and what the use case wrote is kept.

    A use case returns it instead of raising, for example to keep the errors that a checkout found.
    """

    refusal: Refusal
