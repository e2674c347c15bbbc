"""Every table, declared once, as SQLAlchemy Core metadata.

Read by the schema and migration tools and by tests, never by a running server. Conventions: ``text`` and
``number`` are the only types besides ``body`` bytes; instants are microseconds since 1970; flags are 0 or 1;
``document`` and other JSON is text; prices and rates are decimal text. A table that grows has the account
first in its key, and the customer next where it has one.
"""

from sqlalchemy import (
    INTEGER,
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import SchemaItem

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
    }
)
_NUMBER = BigInteger().with_variant(INTEGER(), "sqlite")
_SORTED = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text(), nullable=null)


def _sorted_text(name: str) -> Column[str]:
    """A text in the order of its bytes on both engines, so that an index serves ordered reads."""
    return Column(name, _SORTED, nullable=False)


def _number(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, _NUMBER, nullable=null)


def _key(*columns: str) -> PrimaryKeyConstraint:
    return PrimaryKeyConstraint(*columns)


def _unique(*columns: str) -> UniqueConstraint:
    return UniqueConstraint(*columns)


def _index(*columns: str, name: str | None = None) -> Index:
    """An index named after its columns; with ``name`` where that is longer than PostgreSQL allows."""
    return Index(name, *columns)


def _index_while_null(null_column: str, *columns: str) -> Index:
    """An index of nothing but the rows where a column is null."""
    condition = text(f"{null_column} IS NULL")
    return Index(None, *columns, sqlite_where=condition, postgresql_where=condition)


def _unique_while_null(column: str, null_column: str) -> Index:
    """Unique among the rows where another column is null."""
    condition = text(f"{null_column} IS NULL")
    return Index(None, column, unique=True, sqlite_where=condition, postgresql_where=condition)


def _index_where_set(*columns: str) -> Index:
    """An index of the rows whose last column is not null, for a column that is null nearly everywhere."""
    condition = text(f"{columns[-1]} IS NOT NULL")
    return Index(None, *columns, sqlite_where=condition, postgresql_where=condition)


def _parent(table: str, columns: tuple[str, ...], of: tuple[str, ...]) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(columns, tuple(f"{table}.{column}" for column in of))


def _table(name: str, *items: SchemaItem) -> Table:
    return Table(name, METADATA, *items, sqlite_strict=True)


# The installation

INSTANCE = _table("instance", _text("name"), _text("value"), _key("name"))

ACCOUNTS = _table(
    "accounts",
    _text("id"),
    _text("name"),
    _text("kind"),
    _text("profile"),
    _text("domain"),
    _text("company_name"),
    _text("country"),
    _text("currency"),
    _text("mpn_id"),
    _number("is_indirect_provider"),
    _text("organization"),  # JSON: default address, email, language, culture
    _text("settings"),  # JSON: the operator's own values, over kind and profile
    _number("clock_offset_micros"),
    _number("clock_frozen_at", null=True),
    _number("created_at"),
    _number("clock_target_at", null=True),  # an advance that is under way leads there
    _key("id"),
    _unique("name"),
    _unique("domain"),
)

APPLICATIONS = _table(
    "applications",
    _text("client_id"),
    _text("account_id", null=True),
    _text("publisher_id", null=True),
    _text("name"),
    _text("secret_hash"),
    _text("compatibility", null=True),
    _number("created_at"),
    _key("client_id"),
    _index("account_id"),
)

USERS = _table(
    "users",
    _text("account_id"),
    _text("id"),
    _text("user_name"),
    _text("display_name"),
    _text("roles"),  # JSON array
    _number("created_at"),
    _key("account_id", "id"),
    _unique("account_id", "user_name"),
    _parent("accounts", ("account_id",), of=("id",)),
)

SIGNING_KEYS = _table(
    "signing_keys",
    _text("id"),
    _text("private_pem"),
    _number("created_at"),
    _number("retired_at", null=True),
    _key("id"),
)

# The journal, stored replies, work that is due

JOURNAL_HEADS = _table(
    "journal_heads",
    _text("account_id"),
    _number("sequence"),
    _text("hash"),
    _key("account_id"),
)

JOURNAL = _table(
    "journal",
    _text("account_id"),
    _number("sequence"),
    _text("action"),
    _text("subject_kind"),
    _text("subject_id"),
    _text("customer_id", null=True),
    _text("application_id"),
    _text("actor_id"),
    _text("user_name", null=True),
    _number("at"),
    _text("request_id"),
    _text("correlation_id"),
    _text("before", null=True),  # JSON object
    _text("after", null=True),  # JSON object
    _text("digest"),
    _text("hash"),
    _key("account_id", "sequence"),
    _index("account_id", "subject_kind", "subject_id"),
    _index("account_id", "at"),
)

REPLIES = _table(
    "replies",
    _text("account_id"),
    _text("key"),
    _number("status"),
    Column("body", LargeBinary(), nullable=False),
    _text("headers"),  # JSON object
    _number("expires_at"),
    _key("account_id", "key"),
    _index("expires_at"),
)

DUE_WORK = _table(
    "due_work",
    _text("account_id"),
    _text("kind"),
    _text("subject_id"),
    _number("due_at"),  # in the account's time
    _number("attempts"),
    _number("lease_until", null=True),  # in wall time: not to be taken before
    _text("lease_owner", null=True),
    _number("parked_at", null=True),  # in wall time: given up until someone schedules it again
    _text("last_error", null=True),
    _key("account_id", "kind", "subject_id"),
    _index("account_id", "due_at", "kind", "subject_id"),
)

# The last advance of each account's clock. One that is open has its target at the account too.
CLOCK_ADVANCES = _table(
    "clock_advances",
    _text("account_id"),
    _text("id"),  # follows from the call that asked for it
    _number("started_at"),
    _number("target_at"),
    _number("runs_on"),  # the clock ran before, and will
    _text("state"),
    _number("stops"),
    _number("done"),
    _number("done_at_stop"),
    _number("resumes"),  # since a piece of work was done
    _text("failures"),  # JSON
    _key("account_id"),
)

# The catalogue

PUBLISHERS = _table(
    "publishers",
    _text("id"),
    _text("name"),
    _text("tenant_id"),
    _text("application_id"),
    _text("document"),
    _key("id"),
)

PRODUCTS = _table(
    "products",
    _text("id"),
    _text("publisher_id"),
    _text("offer_id"),
    _text("title"),
    _text("document"),
    _key("id"),
    _unique("publisher_id", "offer_id"),
    _parent("publishers", ("publisher_id",), of=("id",)),
)

SKUS = _table(
    "skus",
    _text("product_id"),
    _text("id"),
    _text("plan_id"),
    _number("is_trial"),
    _number("is_stop_sold"),
    _number("is_exclusive"),  # 1: for sale to the partners in sku_partners only
    _number("stock_limit", null=True),
    _text("document"),
    _key("product_id", "id"),
    _unique("product_id", "plan_id", "is_trial"),
    _parent("products", ("product_id",), of=("id",)),
)

AVAILABILITIES = _table(
    "availabilities",
    _text("product_id"),
    _text("sku_id"),
    _text("id"),
    _text("country"),
    _text("segment"),
    _text("currency"),
    _number("is_current"),
    _number("replaced_at", null=True),
    _text("fingerprint"),
    _text("document"),
    _key("product_id", "sku_id", "id"),
    _index("country", "is_current", "product_id"),
    _parent("skus", ("product_id", "sku_id"), of=("product_id", "id")),
)

SKU_PARTNERS = _table(
    "sku_partners",
    _text("product_id"),
    _text("sku_id"),
    _text("account_id"),
    _key("product_id", "sku_id", "account_id"),
    _parent("skus", ("product_id", "sku_id"), of=("product_id", "id")),
)

SKU_STOCK = _table(
    "sku_stock",
    _text("product_id"),
    _text("sku_id"),
    _number("taken"),
    _key("product_id", "sku_id"),
    _parent("skus", ("product_id", "sku_id"), of=("product_id", "id")),
)

# Customers

CUSTOMERS = _table(
    "customers",
    _text("account_id"),
    _text("id"),
    _text("commerce_id"),
    _text("domain"),
    _text("company_name"),
    _sorted_text("name_key"),  # the company name, case folded
    _text("country"),
    _text("email"),
    _text("relationship"),
    _text("qualification"),
    _text("registration_number", null=True),
    _text("associated_partner_id", null=True),
    _text("document"),  # JSON: billing profile, vettings, budget
    _number("billing_version"),
    _number("created_at"),
    _number("deleted_at", null=True),
    _key("account_id", "id"),
    _unique("id"),
    _unique_while_null("domain", "deleted_at"),
    _index("account_id", "name_key", "id"),
)

AGREEMENTS = _table(
    "agreements",
    _text("account_id"),
    _text("customer_id"),
    _text("id"),
    _text("type"),
    _text("template_id"),
    _text("contact"),  # JSON
    _text("user_id", null=True),
    _number("agreed_at"),
    _number("created_at"),
    _key("account_id", "customer_id", "id"),
    _parent("customers", ("account_id", "customer_id"), of=("account_id", "id")),
)

RESELLERS = _table(
    "resellers",
    _text("account_id"),
    _text("id"),
    _text("name"),
    _text("mpn_id"),
    _text("state"),
    _text("location"),
    _number("has_signed_agreement"),
    _key("account_id", "id"),
    _unique("account_id", "mpn_id"),
)

# Carts, orders, subscriptions

CARTS = _table(
    "carts",
    _text("account_id"),
    _text("customer_id"),
    _text("id"),
    _text("status"),
    _number("created_at"),
    _number("modified_at"),
    _text("modified_by"),
    _number("expires_at"),
    _number("attestation", null=True),
    _text("lines"),  # JSON array
    _text("placed"),  # JSON object: order group -> order id
    _text("receipt", null=True),  # JSON array: the orders as they were when the last group was ordered
    _key("account_id", "customer_id", "id"),
)

ORDERS = _table(
    "orders",
    _text("account_id"),
    _text("customer_id"),
    _text("id"),
    _text("alternate_id"),
    _text("country"),
    _text("billing_cycle"),
    _text("currency"),
    _text("status"),
    _text("transaction_type"),
    _number("attestation", null=True),
    _text("cart_id", null=True),
    _text("cart_group", null=True),
    _text("purchaser_id"),
    _text("purchaser_name", null=True),
    _text("upn", null=True),
    _number("created_at"),
    _number("completed_at", null=True),
    _number("cancelled_at", null=True),
    _key("account_id", "customer_id", "id"),
    _unique("account_id", "alternate_id"),
    _index("account_id", "customer_id", "created_at"),
)

ORDER_LINES = _table(
    "order_lines",
    _text("account_id"),
    _text("customer_id"),
    _text("order_id"),
    _number("line_number"),
    _text("catalog_item_id"),
    _text("subscription_id"),
    _text("parent_subscription_id", null=True),
    _text("term"),
    _text("renews_to", null=True),
    _number("quantity"),
    _text("unit_price"),
    _number("billing_periods"),
    _text("friendly_name"),
    _text("partner_mpn_id", null=True),
    _text("document"),  # JSON: additional MPN ids, provisioning context, attestation
    _number("is_cancelled"),
    _key("account_id", "customer_id", "order_id", "line_number"),
    _parent(
        "orders",
        ("account_id", "customer_id", "order_id"),
        of=("account_id", "customer_id", "id"),
    ),
)

SUBSCRIPTIONS = _table(
    "subscriptions",
    _text("account_id"),
    _text("customer_id"),
    _text("id"),
    _text("order_id"),
    _number("line_number"),
    _text("product_id"),
    _text("sku_id"),
    _text("availability_id"),
    _text("publisher_id"),
    _text("publisher_name"),
    _text("offer_name"),
    _text("friendly_name"),
    _number("quantity"),
    _text("unit_type"),
    _text("parent_subscription_id", null=True),
    _text("status"),
    _number("is_trial"),
    _number("auto_renew"),
    _text("billing_cycle"),
    _text("billing_type"),
    _text("term"),
    _text("renews_to", null=True),
    _text("currency"),
    _text("unit_price"),
    _text("partner_mpn_id", null=True),
    _number("created_at"),
    _text("refund_window", null=True),
    _number("started_at", null=True),
    _number("anchored_at", null=True),
    _number("term_start_at", null=True),
    _number("term_end_at", null=True),  # exclusive
    _number("ended_at", null=True),
    _text("status_reason", null=True),
    _number("refund_until", null=True),
    _number("version"),
    _number("next_due_at", null=True),  # when its term, its set-up or its grace ends
    _number("suspended_at", null=True),
    _number("next_quantity", null=True),  # from the next term on
    _number("is_auto_fulfilled", null=True),  # no publisher sets it up; null in rows of the first revision
    _number("modified_at", null=True),  # null before the first change
    _key("account_id", "customer_id", "id"),
    _unique("id"),
    _index("account_id", "customer_id", "created_at"),
    _index("account_id", "order_id"),
    _index("account_id", "next_due_at", "id"),
    _index_where_set("account_id", "parent_subscription_id"),
    _index("publisher_id", "created_at", "id"),
)

SUPPORT_CONTACTS = _table(
    "support_contacts",
    _text("account_id"),
    _text("customer_id"),
    _text("subscription_id"),
    _text("tenant_id"),
    _text("mpn_id"),
    _text("name"),
    _key("account_id", "customer_id", "subscription_id"),
    _parent(
        "subscriptions",
        ("account_id", "customer_id", "subscription_id"),
        of=("account_id", "customer_id", "id"),
    ),
)

# What publishers do with purchases

FULFILLMENT_OPERATIONS = _table(
    "fulfillment_operations",
    _text("account_id"),
    _text("customer_id"),
    _text("subscription_id"),
    _text("id"),
    _text("publisher_id"),
    _text("product_id"),
    _text("offer_id"),
    _text("plan_id"),
    _number("quantity", null=True),
    _text("action"),
    _text("source"),
    _text("status"),
    _text("catalog_item_id", null=True),  # what a change of plan buys
    _text("patch", null=True),  # JSON: what the partner wants changed
    _number("requested_at"),
    _number("closed_at", null=True),
    _number("acknowledged_until", null=True),  # in wall time: accepted then
    _text("error_status", null=True),
    _text("error_message", null=True),
    _number("is_superseded"),
    _key("account_id", "customer_id", "subscription_id", "id"),
    _index("account_id", "subscription_id", "id"),
    _unique_while_null("subscription_id", "closed_at"),
    _index("acknowledged_until"),
)

PURCHASE_RESOLUTIONS = _table(
    "purchase_resolutions",
    _text("account_id"),
    _text("customer_id"),
    _text("subscription_id"),
    _number("first_resolved_at"),  # in wall time
    _key("account_id", "customer_id", "subscription_id"),
)

# Usage: what publishers have reported

USAGE_EVENTS = _table(
    "usage_events",
    _text("account_id"),
    _text("customer_id"),
    _text("subscription_id"),
    _sorted_text("dimension_id"),
    _number("hour"),  # the beginning of the UTC hour: one event each
    _text("id"),
    _text("publisher_id"),
    _text("product_id"),
    _text("sku_id"),
    _text("plan_id"),
    _text("quantity"),
    _number("effective_at"),
    _text("effective_text"),  # as the publisher wrote it
    _number("received_at"),  # in the account's time
    _number("rated_at", null=True),
    _text("line_id", null=True),  # the consumption line that bills it; null if it cannot be priced
    _key("account_id", "customer_id", "subscription_id", "dimension_id", "hour"),
    _index("publisher_id", "effective_at"),
    _index_while_null("rated_at", "account_id", "received_at"),
)

PLAN_CHANGES = _table(
    "plan_changes",
    _text("account_id"),
    _text("customer_id"),
    _text("subscription_id"),
    _number("changed_at"),
    _text("product_id"),
    _text("sku_id"),  # of the plan that was left
    _text("availability_id"),
    _key("account_id", "customer_id", "subscription_id", "changed_at"),
)

# Billing: reference tables, the books, invoices

EXCHANGE_RATES = _table(
    "exchange_rates",
    _text("currency"),
    _number("month"),  # YYYYMM
    _text("usd_per_unit"),
    _key("currency", "month"),
)

TAX_RATES = _table(
    "tax_rates",
    _text("country"),
    _number("valid_from"),
    _text("rate"),  # a fraction
    _text("name"),
    _key("country", "valid_from"),
)

PRIVATE_OFFERS = _table(
    "private_offers",
    _text("account_id"),
    _text("product_id"),
    _text("sku_id"),
    _number("valid_from"),
    _number("valid_until", null=True),  # exclusive
    _text("margin", null=True),  # a fraction of the list price
    _text("price", null=True),  # instead of a margin: the price itself
    _key("account_id", "product_id", "sku_id", "valid_from"),
)

BILLING_HEADS = _table(
    "billing_heads",
    _text("account_id"),
    _number("line_sequence"),  # of the last line written
    _key("account_id"),
)

LINE_SUBJECTS = _table(
    "line_subjects",
    _text("account_id"),
    _text("id"),  # of its content
    _text("document"),  # JSON: names, catalogue ids, term and cycle, as they were
    _key("account_id", "id"),
)

BILLING_CYCLES = _table(
    "billing_cycles",
    _text("account_id"),
    _text("customer_id"),
    _text("subscription_id"),
    _number("cycle_start_at"),
    _number("cycle_end_at"),  # exclusive
    _number("next_charge_at", null=True),  # the next cycle of the same term; null if there is none
    _text("document"),  # JSON: the terms of the cycle's opening line, reused until the next one
    _key("account_id", "customer_id", "subscription_id"),
    _index("account_id", "next_charge_at"),
)

RECONCILIATION_LINES = _table(
    "reconciliation_lines",
    _text("account_id"),
    _text("customer_id"),
    _text("id"),
    _number("sequence"),
    _text("subscription_id"),
    _text("publisher_id"),
    _text("subject_id"),
    _text("kind"),
    _text("charge_type"),
    _text("reference_id"),
    _number("position"),  # within the event that wrote it
    _number("order_date"),
    _number("bill_month"),  # YYYYMM
    _number("term_start_at"),
    _number("term_end_at"),  # exclusive
    _number("charge_start_at"),
    _number("charge_end_at"),  # exclusive
    _number("billing_days"),
    _number("cycle_days"),
    _number("quantity"),
    _text("billable_quantity"),
    _text("unit_price"),
    _text("net_price"),
    _text("effective_unit_price"),
    _text("pricing_currency"),
    _text("currency"),
    _text("exchange_rate"),
    _number("exchange_rate_at"),
    _number("exchange_month"),  # whose rate was taken: an older one if the month had none; 0: none needed
    _text("tax_rate"),
    _number("subtotal"),  # minor units of currency
    _number("tax"),  # 0 until billed
    _text("price_adjustment"),
    _text("credit_reason"),
    _text("mirrors_id", null=True),  # the line that this one takes back
    _text("invoice_id", null=True),
    _key("account_id", "customer_id", "id"),
    _index(
        "account_id",
        "invoice_id",
        "currency",
        "order_date",
        "subscription_id",
        "reference_id",
        "position",
        name="ix_reconciliation_lines_in_order",
    ),
    _index("account_id", "subscription_id", "term_start_at", name="ix_reconciliation_lines_by_term"),
    _unique("account_id", "sequence"),
)

CONSUMPTION_LINES = _table(
    "consumption_lines",
    _text("account_id"),
    _text("customer_id"),
    _text("id"),
    _number("sequence"),
    _text("subscription_id"),
    _text("subject_id"),
    _text("product_id"),
    _text("sku_id"),  # of the plan that the events name
    _sorted_text("dimension_id"),
    _number("usage_on"),  # 00:00 UTC of the day
    _number("bill_month"),  # YYYYMM
    _number("is_late"),
    _number("event_count"),
    _text("quantity"),
    _text("unit_price"),
    _text("effective_unit_price"),
    _text("pricing_currency"),
    _text("currency"),
    _text("exchange_rate"),
    _number("exchange_rate_at"),
    _number("exchange_month"),
    _text("pricing_total"),
    _text("billing_total"),
    _text("tax_rate"),
    _text("price_adjustment"),
    _text("invoice_id", null=True),
    _text("line_id", null=True),  # the reconciliation line that sums it up
    _key("account_id", "customer_id", "id"),
    _index(
        "account_id",
        "invoice_id",
        "currency",
        "bill_month",
        "usage_on",
        "subscription_id",
        "dimension_id",
        "id",
        name="ix_consumption_lines_in_order",
    ),
    _index(
        "account_id",
        "invoice_id",
        "currency",
        "bill_month",
        "subscription_id",
        name="ix_consumption_lines_by_subscription",
    ),
)

POSTINGS = _table(
    "postings",
    _text("account_id"),
    _text("id"),
    _text("source_kind"),
    _text("source_id"),
    _number("at"),
    _text("debit"),
    _text("credit"),
    _number("amount"),  # minor units, may be negative: a reversal
    _text("currency"),
    _key("account_id", "id"),
    _index("account_id", "source_kind", "source_id"),
)

INVOICES = _table(
    "invoices",
    _text("account_id"),
    _text("id"),
    _number("month"),  # YYYYMM
    _text("currency"),
    _text("document_type"),
    _text("state"),
    _text("status"),  # draft while its run is under way
    _text("amends_id", null=True),
    _number("issued_at"),
    _number("line_sequence"),  # of the books when it was issued
    _text("tax_mode"),
    _number("subtotal"),
    _number("tax"),
    _number("total"),
    _number("line_count"),
    _number("consumption_count"),
    _text("document"),  # JSON: parties and terms as they were, totals by tax rate
    _text("progress", null=True),  # JSON: how far a draft has come
    _key("account_id", "id"),
    _unique("id"),
    # A month has one document in each currency, besides those that amend it.
    Index(
        "uq_invoices_month",
        "account_id",
        "month",
        "currency",
        unique=True,
        sqlite_where=text("amends_id IS NULL"),
        postgresql_where=text("amends_id IS NULL"),
    ),
)

PAYMENTS = _table(
    "payments",
    _text("account_id"),
    _text("id"),
    _text("invoice_id"),
    _number("amount"),  # minor units, positive when money came in
    _text("currency"),
    _number("paid_at"),
    _text("reference"),
    _number("recorded_at"),
    _key("account_id", "id"),
    _index("account_id", "invoice_id"),
)

# Files of lines that were asked for. All times but ``as_of`` are the wall's

EXPORTS = _table(
    "exports",
    _text("account_id"),
    _text("id"),
    _text("kind"),
    _text("attribute_set"),
    _text("invoice_id"),  # empty for unbilled lines
    _text("currency"),  # of unbilled lines
    _text("period"),
    _number("as_of"),  # the account's time when it was asked for
    _text("status"),
    _number("created_at"),
    _number("changed_at"),
    _number("expires_at"),
    _text("error"),
    _text("message"),
    _text("blobs"),  # JSON: name, size, rows and digest of each file
    _number("lease_until", null=True),
    _text("lease_owner", null=True),
    _key("account_id", "id"),
    _index("status", "created_at"),
    _index("status", "expires_at"),
)

# Deliveries: what is sent to publishers and partners, in order, until it has arrived. Times are the wall's

DELIVERY_QUEUES = _table(
    "delivery_queues",
    _text("account_id"),
    _text("queue"),  # what its deliveries must not overtake each other for
    _number("last_sequence"),
    _number("head_sequence", null=True),  # the delivery whose turn it is; null while nothing waits
    Column("host", _SORTED, nullable=True),  # of the head
    _number("next_attempt_at", null=True),  # of the head
    _number("lease_until", null=True),
    _text("lease_owner", null=True),
    _key("account_id", "queue"),
    _index("host", "next_attempt_at"),
)

DELIVERIES = _table(
    "deliveries",
    _text("account_id"),
    _text("queue"),
    _number("sequence"),  # within the queue
    _sorted_text("id"),
    _text("kind"),
    _text("subject_id"),
    _text("publisher_id"),
    _text("product_id"),
    _text("url"),
    _text("body"),
    _number("is_refusable"),
    _text("state"),
    _number("attempts"),
    _number("attempts_before"),  # those that count no more since it was delivered anew
    _number("created_at"),
    _number("settled_at", null=True),
    _number("last_status", null=True),
    _text("last_error", null=True),
    _key("account_id", "queue", "sequence"),
    _unique("id"),
    _index("created_at", "id"),
    _index("account_id", "created_at", "id"),
    _index("publisher_id", "created_at", "id"),
    _index("queue", "created_at", "id"),
    _index("state", "created_at", "id"),
)

DELIVERY_ATTEMPTS = _table(
    "delivery_attempts",
    _text("account_id"),
    _text("delivery_id"),
    _number("number"),
    _text("url"),
    _number("started_at"),
    _number("duration_ms"),
    _number("status", null=True),
    _text("error", null=True),
    _text("excerpt"),  # the beginning of the answer
    _key("account_id", "delivery_id", "number"),
)
