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


def _index(*columns: str) -> Index:
    return Index(None, *columns)


def _unique_while_null(column: str, null_column: str) -> Index:
    """Unique among the rows where another column is null."""
    condition = text(f"{null_column} IS NULL")
    return Index(None, column, unique=True, sqlite_where=condition, postgresql_where=condition)


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
    _key("account_id", "customer_id", "id"),
    _unique("id"),
    _index("account_id", "customer_id", "created_at"),
    _index("account_id", "order_id"),
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
