"""The first schema: accounts, journal, due work, catalogue, customers, carts, orders, subscriptions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.INTEGER(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("company_name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("mpn_id", sa.Text(), nullable=False),
        sa.Column("is_indirect_provider", NUMBER, nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("clock_offset_micros", NUMBER, nullable=False),
        sa.Column("clock_frozen_at", NUMBER, nullable=True),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
        sa.UniqueConstraint("domain", name="uq_accounts_domain"),
        sqlite_strict=True,
    )
    op.create_table(
        "applications",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("publisher_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("compatibility", sa.Text(), nullable=True),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("client_id", name="pk_applications"),
        sqlite_strict=True,
    )
    op.create_index("ix_applications_account_id", "applications", ["account_id"])
    op.create_table(
        "carts",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.Column("modified_at", NUMBER, nullable=False),
        sa.Column("modified_by", sa.Text(), nullable=False),
        sa.Column("expires_at", NUMBER, nullable=False),
        sa.Column("attestation", NUMBER, nullable=True),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("placed", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "customer_id", "id", name="pk_carts"),
        sqlite_strict=True,
    )
    op.create_table(
        "customers",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("commerce_id", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("company_name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("relationship", sa.Text(), nullable=False),
        sa.Column("qualification", sa.Text(), nullable=False),
        sa.Column("registration_number", sa.Text(), nullable=True),
        sa.Column("associated_partner_id", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("billing_version", NUMBER, nullable=False),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.Column("deleted_at", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_customers"),
        sa.UniqueConstraint("id", name="uq_customers_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_customers_account_id_name_key_id", "customers", ["account_id", "name_key", "id"])
    op.create_index(
        "ix_customers_domain",
        "customers",
        ["domain"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "due_work",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("due_at", NUMBER, nullable=False),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("lease_until", NUMBER, nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("parked_at", NUMBER, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "kind", "subject_id", name="pk_due_work"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_due_work_account_id_due_at_kind_subject_id",
        "due_work",
        ["account_id", "due_at", "kind", "subject_id"],
    )
    op.create_table(
        "instance",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_instance"),
        sqlite_strict=True,
    )
    op.create_table(
        "journal",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("sequence", NUMBER, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=True),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "sequence", name="pk_journal"),
        sqlite_strict=True,
    )
    op.create_index("ix_journal_account_id_at", "journal", ["account_id", "at"])
    op.create_index(
        "ix_journal_account_id_subject_kind_subject_id",
        "journal",
        ["account_id", "subject_kind", "subject_id"],
    )
    op.create_table(
        "journal_heads",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("sequence", NUMBER, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_journal_heads"),
        sqlite_strict=True,
    )
    op.create_table(
        "orders",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("alternate_id", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("billing_cycle", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("transaction_type", sa.Text(), nullable=False),
        sa.Column("attestation", NUMBER, nullable=True),
        sa.Column("cart_id", sa.Text(), nullable=True),
        sa.Column("cart_group", sa.Text(), nullable=True),
        sa.Column("purchaser_id", sa.Text(), nullable=False),
        sa.Column("purchaser_name", sa.Text(), nullable=True),
        sa.Column("upn", sa.Text(), nullable=True),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.Column("completed_at", NUMBER, nullable=True),
        sa.Column("cancelled_at", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "customer_id", "id", name="pk_orders"),
        sa.UniqueConstraint("account_id", "alternate_id", name="uq_orders_account_id_alternate_id"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_orders_account_id_customer_id_created_at", "orders", ["account_id", "customer_id", "created_at"]
    )
    op.create_table(
        "publishers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_publishers"),
        sqlite_strict=True,
    )
    op.create_table(
        "replies",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("status", NUMBER, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("expires_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "key", name="pk_replies"),
        sqlite_strict=True,
    )
    op.create_index("ix_replies_expires_at", "replies", ["expires_at"])
    op.create_table(
        "resellers",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mpn_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("has_signed_agreement", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_resellers"),
        sa.UniqueConstraint("account_id", "mpn_id", name="uq_resellers_account_id_mpn_id"),
        sqlite_strict=True,
    )
    op.create_table(
        "signing_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("private_pem", sa.Text(), nullable=False),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.Column("retired_at", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_signing_keys"),
        sqlite_strict=True,
    )
    op.create_table(
        "subscriptions",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("line_number", NUMBER, nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("availability_id", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=False),
        sa.Column("publisher_name", sa.Text(), nullable=False),
        sa.Column("offer_name", sa.Text(), nullable=False),
        sa.Column("friendly_name", sa.Text(), nullable=False),
        sa.Column("quantity", NUMBER, nullable=False),
        sa.Column("unit_type", sa.Text(), nullable=False),
        sa.Column("parent_subscription_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("is_trial", NUMBER, nullable=False),
        sa.Column("auto_renew", NUMBER, nullable=False),
        sa.Column("billing_cycle", sa.Text(), nullable=False),
        sa.Column("billing_type", sa.Text(), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("renews_to", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.Text(), nullable=False),
        sa.Column("partner_mpn_id", sa.Text(), nullable=True),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.Column("refund_window", sa.Text(), nullable=True),
        sa.Column("started_at", NUMBER, nullable=True),
        sa.Column("anchored_at", NUMBER, nullable=True),
        sa.Column("term_start_at", NUMBER, nullable=True),
        sa.Column("term_end_at", NUMBER, nullable=True),
        sa.Column("ended_at", NUMBER, nullable=True),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("refund_until", NUMBER, nullable=True),
        sa.Column("version", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "customer_id", "id", name="pk_subscriptions"),
        sa.UniqueConstraint("id", name="uq_subscriptions_id"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_subscriptions_account_id_customer_id_created_at",
        "subscriptions",
        ["account_id", "customer_id", "created_at"],
    )
    op.create_index("ix_subscriptions_account_id_order_id", "subscriptions", ["account_id", "order_id"])
    op.create_table(
        "support_contacts",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("mpn_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "customer_id", "subscription_id", name="pk_support_contacts"),
        sa.ForeignKeyConstraint(
            ["account_id", "customer_id", "subscription_id"],
            ["subscriptions.account_id", "subscriptions.customer_id", "subscriptions.id"],
            name="fk_support_contacts_subscriptions",
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "agreements",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("agreed_at", NUMBER, nullable=False),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "customer_id", "id", name="pk_agreements"),
        sa.ForeignKeyConstraint(
            ["account_id", "customer_id"],
            ["customers.account_id", "customers.id"],
            name="fk_agreements_customers",
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "order_lines",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("line_number", NUMBER, nullable=False),
        sa.Column("catalog_item_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("parent_subscription_id", sa.Text(), nullable=True),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("renews_to", sa.Text(), nullable=True),
        sa.Column("quantity", NUMBER, nullable=False),
        sa.Column("unit_price", sa.Text(), nullable=False),
        sa.Column("billing_periods", NUMBER, nullable=False),
        sa.Column("friendly_name", sa.Text(), nullable=False),
        sa.Column("partner_mpn_id", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("is_cancelled", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "customer_id", "order_id", "line_number", name="pk_order_lines"
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "customer_id", "order_id"],
            ["orders.account_id", "orders.customer_id", "orders.id"],
            name="fk_order_lines_orders",
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "products",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=False),
        sa.Column("offer_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_products"),
        sa.UniqueConstraint("publisher_id", "offer_id", name="uq_products_publisher_id_offer_id"),
        sa.ForeignKeyConstraint(["publisher_id"], ["publishers.id"], name="fk_products_publishers"),
        sqlite_strict=True,
    )
    op.create_table(
        "users",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_users"),
        sa.UniqueConstraint("account_id", "user_name", name="uq_users_account_id_user_name"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_users_accounts"),
        sqlite_strict=True,
    )
    op.create_table(
        "skus",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("is_trial", NUMBER, nullable=False),
        sa.Column("is_stop_sold", NUMBER, nullable=False),
        sa.Column("is_exclusive", NUMBER, nullable=False),
        sa.Column("stock_limit", NUMBER, nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", "id", name="pk_skus"),
        sa.UniqueConstraint("product_id", "plan_id", "is_trial", name="uq_skus_product_id_plan_id_is_trial"),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="fk_skus_products"),
        sqlite_strict=True,
    )
    op.create_table(
        "availabilities",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("is_current", NUMBER, nullable=False),
        sa.Column("replaced_at", NUMBER, nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", "sku_id", "id", name="pk_availabilities"),
        sa.ForeignKeyConstraint(
            ["product_id", "sku_id"], ["skus.product_id", "skus.id"], name="fk_availabilities_skus"
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_availabilities_country_is_current_product_id",
        "availabilities",
        ["country", "is_current", "product_id"],
    )
    op.create_table(
        "sku_partners",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", "sku_id", "account_id", name="pk_sku_partners"),
        sa.ForeignKeyConstraint(
            ["product_id", "sku_id"], ["skus.product_id", "skus.id"], name="fk_sku_partners_skus"
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "sku_stock",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("taken", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("product_id", "sku_id", name="pk_sku_stock"),
        sa.ForeignKeyConstraint(
            ["product_id", "sku_id"], ["skus.product_id", "skus.id"], name="fk_sku_stock_skus"
        ),
        sqlite_strict=True,
    )
