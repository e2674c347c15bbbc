"""Money and time, publishers: the books, invoices, usage, due subscriptions, operations, deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.INTEGER(), "sqlite")
SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


NEXT_DUE = """
    UPDATE subscriptions SET next_due_at = CASE status
        WHEN 'pending' THEN created_at + 2592000000000
        WHEN 'active' THEN term_end_at
        WHEN 'suspended' THEN term_end_at
    END
"""
"""What awaits its set-up does so for 30 days; everything else that is open ends, or renews, with its term."""

SCHEDULE = """
    INSERT INTO due_work (account_id, kind, subject_id, due_at, attempts)
    SELECT account_id, 'turn_subscriptions', account_id, MIN(next_due_at), 0
    FROM subscriptions WHERE next_due_at IS NOT NULL GROUP BY account_id
"""


def upgrade() -> None:
    """Add what billing and publishers need."""
    _existing_tables()
    _usage_and_rates()
    _books()
    _publishers()


def _existing_tables() -> None:
    """New columns, and how those of the rows that are there are filled."""
    op.add_column("accounts", sa.Column("clock_target_at", NUMBER, nullable=True))
    op.add_column("subscriptions", sa.Column("next_due_at", NUMBER, nullable=True))
    op.add_column("subscriptions", sa.Column("suspended_at", NUMBER, nullable=True))
    op.add_column("subscriptions", sa.Column("next_quantity", NUMBER, nullable=True))
    op.add_column("subscriptions", sa.Column("is_auto_fulfilled", NUMBER, nullable=True))
    op.add_column("subscriptions", sa.Column("modified_at", NUMBER, nullable=True))
    op.create_index(
        "ix_subscriptions_account_id_next_due_at_id", "subscriptions", ["account_id", "next_due_at", "id"]
    )
    op.create_index(
        "ix_subscriptions_account_id_parent_subscription_id",
        "subscriptions",
        ["account_id", "parent_subscription_id"],
        sqlite_where=sa.text("parent_subscription_id IS NOT NULL"),
        postgresql_where=sa.text("parent_subscription_id IS NOT NULL"),
    )
    op.create_index(
        "ix_subscriptions_publisher_id_created_at_id", "subscriptions", ["publisher_id", "created_at", "id"]
    )
    op.execute(NEXT_DUE)
    op.execute(SCHEDULE)


def _usage_and_rates() -> None:
    """What publishers report, and what it is priced with."""
    op.create_table(
        "exchange_rates",
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("month", NUMBER, nullable=False),
        sa.Column("usd_per_unit", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("currency", "month", name="pk_exchange_rates"),
        sqlite_strict=True,
    )
    op.create_table(
        "plan_changes",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("changed_at", NUMBER, nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("availability_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "customer_id", "subscription_id", "changed_at", name="pk_plan_changes"
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "private_offers",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("valid_from", NUMBER, nullable=False),
        sa.Column("valid_until", NUMBER, nullable=True),
        sa.Column("margin", sa.Text(), nullable=True),
        sa.Column("price", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "product_id", "sku_id", "valid_from", name="pk_private_offers"),
        sqlite_strict=True,
    )
    op.create_table(
        "tax_rates",
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("valid_from", NUMBER, nullable=False),
        sa.Column("rate", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("country", "valid_from", name="pk_tax_rates"),
        sqlite_strict=True,
    )
    op.create_table(
        "usage_events",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("dimension_id", SORTED, nullable=False),
        sa.Column("hour", NUMBER, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("effective_at", NUMBER, nullable=False),
        sa.Column("effective_text", sa.Text(), nullable=False),
        sa.Column("received_at", NUMBER, nullable=False),
        sa.Column("rated_at", NUMBER, nullable=True),
        sa.Column("line_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint(
            "account_id", "customer_id", "subscription_id", "dimension_id", "hour", name="pk_usage_events"
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_usage_events_account_id_received_at",
        "usage_events",
        ["account_id", "received_at"],
        sqlite_where=sa.text("rated_at IS NULL"),
        postgresql_where=sa.text("rated_at IS NULL"),
    )
    op.create_index(
        "ix_usage_events_publisher_id_effective_at", "usage_events", ["publisher_id", "effective_at"]
    )


def _books() -> None:
    """Clocks that advance, lines, documents, payments."""
    op.create_table(
        "billing_cycles",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("cycle_start_at", NUMBER, nullable=False),
        sa.Column("cycle_end_at", NUMBER, nullable=False),
        sa.Column("next_charge_at", NUMBER, nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "customer_id", "subscription_id", name="pk_billing_cycles"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_billing_cycles_account_id_next_charge_at", "billing_cycles", ["account_id", "next_charge_at"]
    )
    op.create_table(
        "billing_heads",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("line_sequence", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_billing_heads"),
        sqlite_strict=True,
    )
    op.create_table(
        "clock_advances",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("started_at", NUMBER, nullable=False),
        sa.Column("target_at", NUMBER, nullable=False),
        sa.Column("runs_on", NUMBER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stops", NUMBER, nullable=False),
        sa.Column("done", NUMBER, nullable=False),
        sa.Column("done_at_stop", NUMBER, nullable=False),
        sa.Column("resumes", NUMBER, nullable=False),
        sa.Column("failures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_clock_advances"),
        sqlite_strict=True,
    )
    op.create_table(
        "consumption_lines",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sequence", NUMBER, nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("dimension_id", SORTED, nullable=False),
        sa.Column("usage_on", NUMBER, nullable=False),
        sa.Column("bill_month", NUMBER, nullable=False),
        sa.Column("is_late", NUMBER, nullable=False),
        sa.Column("event_count", NUMBER, nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.Text(), nullable=False),
        sa.Column("effective_unit_price", sa.Text(), nullable=False),
        sa.Column("pricing_currency", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("exchange_rate", sa.Text(), nullable=False),
        sa.Column("exchange_rate_at", NUMBER, nullable=False),
        sa.Column("exchange_month", NUMBER, nullable=False),
        sa.Column("pricing_total", sa.Text(), nullable=False),
        sa.Column("billing_total", sa.Text(), nullable=False),
        sa.Column("tax_rate", sa.Text(), nullable=False),
        sa.Column("price_adjustment", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        sa.Column("line_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "customer_id", "id", name="pk_consumption_lines"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_consumption_lines_by_subscription",
        "consumption_lines",
        ["account_id", "invoice_id", "currency", "bill_month", "subscription_id"],
    )
    op.create_index(
        "ix_consumption_lines_in_order",
        "consumption_lines",
        [
            "account_id",
            "invoice_id",
            "currency",
            "bill_month",
            "usage_on",
            "subscription_id",
            "dimension_id",
            "id",
        ],
    )
    op.create_table(
        "invoices",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("month", NUMBER, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("document_type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amends_id", sa.Text(), nullable=True),
        sa.Column("issued_at", NUMBER, nullable=False),
        sa.Column("line_sequence", NUMBER, nullable=False),
        sa.Column("tax_mode", sa.Text(), nullable=False),
        sa.Column("subtotal", NUMBER, nullable=False),
        sa.Column("tax", NUMBER, nullable=False),
        sa.Column("total", NUMBER, nullable=False),
        sa.Column("line_count", NUMBER, nullable=False),
        sa.Column("consumption_count", NUMBER, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_invoices"),
        sa.UniqueConstraint("id", name="uq_invoices_id"),
        sqlite_strict=True,
    )
    op.create_index(
        "uq_invoices_month",
        "invoices",
        ["account_id", "month", "currency"],
        unique=True,
        sqlite_where=sa.text("amends_id IS NULL"),
        postgresql_where=sa.text("amends_id IS NULL"),
    )
    op.create_table(
        "line_subjects",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_line_subjects"),
        sqlite_strict=True,
    )
    op.create_table(
        "payments",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("amount", NUMBER, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid_at", NUMBER, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("recorded_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_payments"),
        sqlite_strict=True,
    )
    op.create_index("ix_payments_account_id_invoice_id", "payments", ["account_id", "invoice_id"])
    op.create_table(
        "postings",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("debit", sa.Text(), nullable=False),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("amount", NUMBER, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_postings"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_postings_account_id_source_kind_source_id", "postings", ["account_id", "source_kind", "source_id"]
    )
    op.create_table(
        "reconciliation_lines",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sequence", NUMBER, nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("charge_type", sa.Text(), nullable=False),
        sa.Column("reference_id", sa.Text(), nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("order_date", NUMBER, nullable=False),
        sa.Column("bill_month", NUMBER, nullable=False),
        sa.Column("term_start_at", NUMBER, nullable=False),
        sa.Column("term_end_at", NUMBER, nullable=False),
        sa.Column("charge_start_at", NUMBER, nullable=False),
        sa.Column("charge_end_at", NUMBER, nullable=False),
        sa.Column("billing_days", NUMBER, nullable=False),
        sa.Column("cycle_days", NUMBER, nullable=False),
        sa.Column("quantity", NUMBER, nullable=False),
        sa.Column("billable_quantity", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.Text(), nullable=False),
        sa.Column("net_price", sa.Text(), nullable=False),
        sa.Column("effective_unit_price", sa.Text(), nullable=False),
        sa.Column("pricing_currency", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("exchange_rate", sa.Text(), nullable=False),
        sa.Column("exchange_rate_at", NUMBER, nullable=False),
        sa.Column("exchange_month", NUMBER, nullable=False),
        sa.Column("tax_rate", sa.Text(), nullable=False),
        sa.Column("subtotal", NUMBER, nullable=False),
        sa.Column("tax", NUMBER, nullable=False),
        sa.Column("price_adjustment", sa.Text(), nullable=False),
        sa.Column("credit_reason", sa.Text(), nullable=False),
        sa.Column("mirrors_id", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "customer_id", "id", name="pk_reconciliation_lines"),
        sa.UniqueConstraint("account_id", "sequence", name="uq_reconciliation_lines_account_id_sequence"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_reconciliation_lines_in_order",
        "reconciliation_lines",
        ["account_id", "invoice_id", "currency", "order_date", "subscription_id", "reference_id", "position"],
    )
    op.create_index(
        "ix_reconciliation_lines_by_term",
        "reconciliation_lines",
        ["account_id", "subscription_id", "term_start_at"],
    )


def _publishers() -> None:
    """Operations, webhooks, files to fetch."""
    op.create_table(
        "deliveries",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("sequence", NUMBER, nullable=False),
        sa.Column("id", SORTED, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("is_refusable", NUMBER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("attempts_before", NUMBER, nullable=False),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.Column("settled_at", NUMBER, nullable=True),
        sa.Column("last_status", NUMBER, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "queue", "sequence", name="pk_deliveries"),
        sa.UniqueConstraint("id", name="uq_deliveries_id"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_deliveries_account_id_created_at_id", "deliveries", ["account_id", "created_at", "id"]
    )
    op.create_index("ix_deliveries_created_at_id", "deliveries", ["created_at", "id"])
    op.create_index(
        "ix_deliveries_publisher_id_created_at_id", "deliveries", ["publisher_id", "created_at", "id"]
    )
    op.create_index("ix_deliveries_queue_created_at_id", "deliveries", ["queue", "created_at", "id"])
    op.create_index("ix_deliveries_state_created_at_id", "deliveries", ["state", "created_at", "id"])
    op.create_table(
        "delivery_attempts",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("started_at", NUMBER, nullable=False),
        sa.Column("duration_ms", NUMBER, nullable=False),
        sa.Column("status", NUMBER, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "delivery_id", "number", name="pk_delivery_attempts"),
        sqlite_strict=True,
    )
    op.create_table(
        "delivery_queues",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("last_sequence", NUMBER, nullable=False),
        sa.Column("head_sequence", NUMBER, nullable=True),
        sa.Column("host", SORTED, nullable=True),
        sa.Column("next_attempt_at", NUMBER, nullable=True),
        sa.Column("lease_until", NUMBER, nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "queue", name="pk_delivery_queues"),
        sqlite_strict=True,
    )
    op.create_index("ix_delivery_queues_host_next_attempt_at", "delivery_queues", ["host", "next_attempt_at"])
    op.create_table(
        "exports",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("attribute_set", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("as_of", NUMBER, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.Column("changed_at", NUMBER, nullable=False),
        sa.Column("expires_at", NUMBER, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("blobs", sa.Text(), nullable=False),
        sa.Column("lease_until", NUMBER, nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_exports"),
        sqlite_strict=True,
    )
    op.create_index("ix_exports_status_created_at", "exports", ["status", "created_at"])
    op.create_index("ix_exports_status_expires_at", "exports", ["status", "expires_at"])
    op.create_table(
        "fulfillment_operations",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("publisher_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("offer_id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("quantity", NUMBER, nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("catalog_item_id", sa.Text(), nullable=True),
        sa.Column("patch", sa.Text(), nullable=True),
        sa.Column("requested_at", NUMBER, nullable=False),
        sa.Column("closed_at", NUMBER, nullable=True),
        sa.Column("acknowledged_until", NUMBER, nullable=True),
        sa.Column("error_status", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("is_superseded", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "customer_id", "subscription_id", "id", name="pk_fulfillment_operations"
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_fulfillment_operations_account_id_subscription_id_id",
        "fulfillment_operations",
        ["account_id", "subscription_id", "id"],
    )
    op.create_index(
        "ix_fulfillment_operations_acknowledged_until", "fulfillment_operations", ["acknowledged_until"]
    )
    op.create_index(
        "ix_fulfillment_operations_subscription_id",
        "fulfillment_operations",
        ["subscription_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "purchase_resolutions",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("first_resolved_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "customer_id", "subscription_id", name="pk_purchase_resolutions"
        ),
        sqlite_strict=True,
    )
