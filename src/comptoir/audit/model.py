"""A journal entry, before and after it has its place in the account's chain."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

JsonScalar = str | int | bool | None
Keys = Mapping[str, JsonScalar]
"""The telling keys of a subject, not the whole of it. Decimals are text: nothing here is a float."""


class Action(StrEnum):
    """What an entry says was done. The first group are the contract's ``operationType`` values that clients
    know (``20-subscriptions-customers`` Part III), the second are our own.
    """

    ADD_CUSTOMER = "add_customer"
    UPDATE_CUSTOMER_BILLING_PROFILE = "update_customer_billing_profile"
    UPDATE_CUSTOMER_QUALIFICATION = "update_customer_qualification"
    DELETE_CUSTOMER = "delete_customer"
    REMOVE_PARTNER_CUSTOMER_RELATIONSHIP = "remove_partner_customer_relationship"
    CREATE_AGREEMENT = "create_agreement"
    CREATE_ORDER = "create_order"
    UPDATE_ORDER = "update_order"
    UPDATE_SUBSCRIPTION = "update_subscription"
    CONVERT_TRIAL_SUBSCRIPTION = "convert_trial_subscription"
    UPDATE_CUSTOMER_SPENDING_BUDGET = "update_customer_spending_budget"
    READY_INVOICE = "ready_invoice"

    CREATE_CART = "create_cart"
    UPDATE_CART = "update_cart"
    CHECKOUT_CART = "checkout_cart"
    FULFIL_ORDER = "fulfil_order"
    CANCEL_ORDER = "cancel_order"
    RESOLVE_PURCHASE = "resolve_purchase"
    START_OPERATION = "start_operation"
    CLOSE_OPERATION = "close_operation"
    ACTIVATE_SUBSCRIPTION = "activate_subscription"
    CANCEL_SUBSCRIPTION = "cancel_subscription"
    RENEW_SUBSCRIPTION = "renew_subscription"
    EXPIRE_SUBSCRIPTION = "expire_subscription"
    CHANGE_PLAN = "change_plan"
    SUSPEND_SUBSCRIPTION = "suspend_subscription"
    REINSTATE_SUBSCRIPTION = "reinstate_subscription"
    WRITE_LINES = "write_lines"
    OPEN_INVOICES = "open_invoices"
    REBILL_INVOICE = "rebill_invoice"
    RECORD_PAYMENT = "record_payment"
    EXPORT_LINES = "export_lines"
    REPORT_USAGE = "report_usage"
    RATE_USAGE = "rate_usage"
    UPDATE_SUPPORT_CONTACT = "update_support_contact"
    IMPORT_CATALOGUE = "import_catalogue"
    IMPORT_RATES = "import_rates"
    ADD_RESELLER = "add_reseller"
    UPDATE_ACCOUNT_SETTINGS = "update_account_settings"
    REGISTER_PUBLISHER = "register_publisher"
    ADVANCE_CLOCK = "advance_clock"
    FREEZE_CLOCK = "freeze_clock"
    RUN_CLOCK = "run_clock"
    REDELIVER_WEBHOOK = "redeliver_webhook"


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did what to which subject, when. ``at`` is the account's time; ``before`` and ``after`` are JSON
    objects as canonical text. ``action`` is an ``Action`` of the version that wrote the entry.
    """

    account_id: str
    action: str
    subject_kind: str
    subject_id: str
    customer_id: str | None
    application_id: str
    actor_id: str
    user_name: str | None
    at: datetime
    request_id: str
    correlation_id: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry in its place: the ``sequence``-th of its account, counted from 1 without gaps.

    ``digest`` is the SHA-256 of the entry's content, ``hash`` that of the previous entry's hash and this
    digest, so that no entry can be changed, removed or put between others unnoticed.
    """

    sequence: int
    entry: Entry
    digest: str
    hash: str


@dataclass(frozen=True, slots=True)
class Offender:
    """The first entry at which an account's chain does not hold, and why."""

    sequence: int
    reason: str
