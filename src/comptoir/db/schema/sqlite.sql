-- Schema revision 0002 for sqlite. Written by `python -m comptoir.db.schema_files` from db/tables.py.

CREATE TABLE accounts (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    profile TEXT NOT NULL,
    domain TEXT NOT NULL,
    company_name TEXT NOT NULL,
    country TEXT NOT NULL,
    currency TEXT NOT NULL,
    mpn_id TEXT NOT NULL,
    is_indirect_provider INTEGER NOT NULL,
    organization TEXT NOT NULL,
    settings TEXT NOT NULL,
    clock_offset_micros INTEGER NOT NULL,
    clock_frozen_at INTEGER,
    created_at INTEGER NOT NULL,
    clock_target_at INTEGER,
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT uq_accounts_name UNIQUE (name),
    CONSTRAINT uq_accounts_domain UNIQUE (domain)
) STRICT;

CREATE TABLE applications (
    client_id TEXT NOT NULL,
    account_id TEXT,
    publisher_id TEXT,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    compatibility TEXT,
    created_at INTEGER NOT NULL,
    CONSTRAINT pk_applications PRIMARY KEY (client_id)
) STRICT;
CREATE INDEX ix_applications_account_id ON applications (account_id);

CREATE TABLE billing_cycles (
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    cycle_start_at INTEGER NOT NULL,
    cycle_end_at INTEGER NOT NULL,
    next_charge_at INTEGER,
    document TEXT NOT NULL,
    CONSTRAINT pk_billing_cycles PRIMARY KEY (account_id, customer_id, subscription_id)
) STRICT;
CREATE INDEX ix_billing_cycles_account_id_next_charge_at ON billing_cycles (account_id, next_charge_at);

CREATE TABLE billing_heads (
    account_id TEXT NOT NULL,
    line_sequence INTEGER NOT NULL,
    CONSTRAINT pk_billing_heads PRIMARY KEY (account_id)
) STRICT;

CREATE TABLE carts (
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    modified_by TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    attestation INTEGER,
    lines TEXT NOT NULL,
    placed TEXT NOT NULL,
    receipt TEXT,
    CONSTRAINT pk_carts PRIMARY KEY (account_id, customer_id, id)
) STRICT;

CREATE TABLE clock_advances (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    target_at INTEGER NOT NULL,
    runs_on INTEGER NOT NULL,
    state TEXT NOT NULL,
    stops INTEGER NOT NULL,
    done INTEGER NOT NULL,
    done_at_stop INTEGER NOT NULL,
    resumes INTEGER NOT NULL,
    failures TEXT NOT NULL,
    CONSTRAINT pk_clock_advances PRIMARY KEY (account_id)
) STRICT;

CREATE TABLE consumption_lines (
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    subscription_id TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    sku_id TEXT NOT NULL,
    dimension_id TEXT NOT NULL,
    usage_on INTEGER NOT NULL,
    bill_month INTEGER NOT NULL,
    is_late INTEGER NOT NULL,
    event_count INTEGER NOT NULL,
    quantity TEXT NOT NULL,
    unit_price TEXT NOT NULL,
    effective_unit_price TEXT NOT NULL,
    pricing_currency TEXT NOT NULL,
    currency TEXT NOT NULL,
    exchange_rate TEXT NOT NULL,
    exchange_rate_at INTEGER NOT NULL,
    exchange_month INTEGER NOT NULL,
    pricing_total TEXT NOT NULL,
    billing_total TEXT NOT NULL,
    tax_rate TEXT NOT NULL,
    price_adjustment TEXT NOT NULL,
    invoice_id TEXT,
    line_id TEXT,
    CONSTRAINT pk_consumption_lines PRIMARY KEY (account_id, customer_id, id)
) STRICT;
CREATE INDEX ix_consumption_lines_by_subscription ON consumption_lines (account_id, invoice_id, currency, bill_month, subscription_id);
CREATE INDEX ix_consumption_lines_in_order ON consumption_lines (account_id, invoice_id, currency, bill_month, usage_on, subscription_id, dimension_id, id);

CREATE TABLE customers (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    commerce_id TEXT NOT NULL,
    domain TEXT NOT NULL,
    company_name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    country TEXT NOT NULL,
    email TEXT NOT NULL,
    relationship TEXT NOT NULL,
    qualification TEXT NOT NULL,
    registration_number TEXT,
    associated_partner_id TEXT,
    document TEXT NOT NULL,
    billing_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT pk_customers PRIMARY KEY (account_id, id),
    CONSTRAINT uq_customers_id UNIQUE (id)
) STRICT;
CREATE INDEX ix_customers_account_id_name_key_id ON customers (account_id, name_key, id);
CREATE UNIQUE INDEX ix_customers_domain ON customers (domain) WHERE deleted_at IS NULL;

CREATE TABLE deliveries (
    account_id TEXT NOT NULL,
    queue TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    publisher_id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    url TEXT NOT NULL,
    body TEXT NOT NULL,
    is_refusable INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    attempts_before INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    settled_at INTEGER,
    last_status INTEGER,
    last_error TEXT,
    CONSTRAINT pk_deliveries PRIMARY KEY (account_id, queue, sequence),
    CONSTRAINT uq_deliveries_id UNIQUE (id)
) STRICT;
CREATE INDEX ix_deliveries_account_id_created_at_id ON deliveries (account_id, created_at, id);
CREATE INDEX ix_deliveries_created_at_id ON deliveries (created_at, id);
CREATE INDEX ix_deliveries_publisher_id_created_at_id ON deliveries (publisher_id, created_at, id);
CREATE INDEX ix_deliveries_queue_created_at_id ON deliveries (queue, created_at, id);
CREATE INDEX ix_deliveries_state_created_at_id ON deliveries (state, created_at, id);

CREATE TABLE delivery_attempts (
    account_id TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    url TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status INTEGER,
    error TEXT,
    excerpt TEXT NOT NULL,
    CONSTRAINT pk_delivery_attempts PRIMARY KEY (account_id, delivery_id, number)
) STRICT;

CREATE TABLE delivery_queues (
    account_id TEXT NOT NULL,
    queue TEXT NOT NULL,
    last_sequence INTEGER NOT NULL,
    head_sequence INTEGER,
    host TEXT,
    next_attempt_at INTEGER,
    lease_until INTEGER,
    lease_owner TEXT,
    CONSTRAINT pk_delivery_queues PRIMARY KEY (account_id, queue)
) STRICT;
CREATE INDEX ix_delivery_queues_host_next_attempt_at ON delivery_queues (host, next_attempt_at);

CREATE TABLE due_work (
    account_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    lease_until INTEGER,
    lease_owner TEXT,
    parked_at INTEGER,
    last_error TEXT,
    CONSTRAINT pk_due_work PRIMARY KEY (account_id, kind, subject_id)
) STRICT;
CREATE INDEX ix_due_work_account_id_due_at_kind_subject_id ON due_work (account_id, due_at, kind, subject_id);

CREATE TABLE exchange_rates (
    currency TEXT NOT NULL,
    month INTEGER NOT NULL,
    usd_per_unit TEXT NOT NULL,
    CONSTRAINT pk_exchange_rates PRIMARY KEY (currency, month)
) STRICT;

CREATE TABLE exports (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    attribute_set TEXT NOT NULL,
    invoice_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    period TEXT NOT NULL,
    as_of INTEGER NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    error TEXT NOT NULL,
    message TEXT NOT NULL,
    blobs TEXT NOT NULL,
    lease_until INTEGER,
    lease_owner TEXT,
    CONSTRAINT pk_exports PRIMARY KEY (account_id, id)
) STRICT;
CREATE INDEX ix_exports_status_created_at ON exports (status, created_at);
CREATE INDEX ix_exports_status_expires_at ON exports (status, expires_at);

CREATE TABLE fulfillment_operations (
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    id TEXT NOT NULL,
    publisher_id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    quantity INTEGER,
    action TEXT NOT NULL,
    source TEXT NOT NULL,
    status TEXT NOT NULL,
    catalog_item_id TEXT,
    patch TEXT,
    requested_at INTEGER NOT NULL,
    closed_at INTEGER,
    acknowledged_until INTEGER,
    error_status TEXT,
    error_message TEXT,
    is_superseded INTEGER NOT NULL,
    CONSTRAINT pk_fulfillment_operations PRIMARY KEY (account_id, customer_id, subscription_id, id)
) STRICT;
CREATE INDEX ix_fulfillment_operations_account_id_subscription_id_id ON fulfillment_operations (account_id, subscription_id, id);
CREATE INDEX ix_fulfillment_operations_acknowledged_until ON fulfillment_operations (acknowledged_until);
CREATE UNIQUE INDEX ix_fulfillment_operations_subscription_id ON fulfillment_operations (subscription_id) WHERE closed_at IS NULL;

CREATE TABLE instance (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_instance PRIMARY KEY (name)
) STRICT;

CREATE TABLE invoices (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    month INTEGER NOT NULL,
    currency TEXT NOT NULL,
    document_type TEXT NOT NULL,
    state TEXT NOT NULL,
    status TEXT NOT NULL,
    amends_id TEXT,
    issued_at INTEGER NOT NULL,
    line_sequence INTEGER NOT NULL,
    tax_mode TEXT NOT NULL,
    subtotal INTEGER NOT NULL,
    tax INTEGER NOT NULL,
    total INTEGER NOT NULL,
    line_count INTEGER NOT NULL,
    consumption_count INTEGER NOT NULL,
    document TEXT NOT NULL,
    progress TEXT,
    CONSTRAINT pk_invoices PRIMARY KEY (account_id, id),
    CONSTRAINT uq_invoices_id UNIQUE (id)
) STRICT;
CREATE UNIQUE INDEX uq_invoices_month ON invoices (account_id, month, currency) WHERE amends_id IS NULL;

CREATE TABLE journal (
    account_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    customer_id TEXT,
    application_id TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    user_name TEXT,
    at INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    "before" TEXT,
    "after" TEXT,
    digest TEXT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_journal PRIMARY KEY (account_id, sequence)
) STRICT;
CREATE INDEX ix_journal_account_id_at ON journal (account_id, at);
CREATE INDEX ix_journal_account_id_subject_kind_subject_id ON journal (account_id, subject_kind, subject_id);

CREATE TABLE journal_heads (
    account_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_journal_heads PRIMARY KEY (account_id)
) STRICT;

CREATE TABLE line_subjects (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,
    CONSTRAINT pk_line_subjects PRIMARY KEY (account_id, id)
) STRICT;

CREATE TABLE orders (
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    id TEXT NOT NULL,
    alternate_id TEXT NOT NULL,
    country TEXT NOT NULL,
    billing_cycle TEXT NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    transaction_type TEXT NOT NULL,
    attestation INTEGER,
    cart_id TEXT,
    cart_group TEXT,
    purchaser_id TEXT NOT NULL,
    purchaser_name TEXT,
    upn TEXT,
    created_at INTEGER NOT NULL,
    completed_at INTEGER,
    cancelled_at INTEGER,
    CONSTRAINT pk_orders PRIMARY KEY (account_id, customer_id, id),
    CONSTRAINT uq_orders_account_id_alternate_id UNIQUE (account_id, alternate_id)
) STRICT;
CREATE INDEX ix_orders_account_id_customer_id_created_at ON orders (account_id, customer_id, created_at);

CREATE TABLE payments (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    invoice_id TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    paid_at INTEGER NOT NULL,
    reference TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    CONSTRAINT pk_payments PRIMARY KEY (account_id, id)
) STRICT;
CREATE INDEX ix_payments_account_id_invoice_id ON payments (account_id, invoice_id);

CREATE TABLE plan_changes (
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    product_id TEXT NOT NULL,
    sku_id TEXT NOT NULL,
    availability_id TEXT NOT NULL,
    CONSTRAINT pk_plan_changes PRIMARY KEY (account_id, customer_id, subscription_id, changed_at)
) STRICT;

CREATE TABLE postings (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source_kind TEXT NOT NULL,
    source_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    debit TEXT NOT NULL,
    credit TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    CONSTRAINT pk_postings PRIMARY KEY (account_id, id)
) STRICT;
CREATE INDEX ix_postings_account_id_source_kind_source_id ON postings (account_id, source_kind, source_id);

CREATE TABLE private_offers (
    account_id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    sku_id TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_until INTEGER,
    margin TEXT,
    price TEXT,
    CONSTRAINT pk_private_offers PRIMARY KEY (account_id, product_id, sku_id, valid_from)
) STRICT;

CREATE TABLE publishers (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    document TEXT NOT NULL,
    CONSTRAINT pk_publishers PRIMARY KEY (id)
) STRICT;

CREATE TABLE purchase_resolutions (
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    first_resolved_at INTEGER NOT NULL,
    CONSTRAINT pk_purchase_resolutions PRIMARY KEY (account_id, customer_id, subscription_id)
) STRICT;

CREATE TABLE reconciliation_lines (
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    subscription_id TEXT NOT NULL,
    publisher_id TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    charge_type TEXT NOT NULL,
    reference_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    order_date INTEGER NOT NULL,
    bill_month INTEGER NOT NULL,
    term_start_at INTEGER NOT NULL,
    term_end_at INTEGER NOT NULL,
    charge_start_at INTEGER NOT NULL,
    charge_end_at INTEGER NOT NULL,
    billing_days INTEGER NOT NULL,
    cycle_days INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    billable_quantity TEXT NOT NULL,
    unit_price TEXT NOT NULL,
    net_price TEXT NOT NULL,
    effective_unit_price TEXT NOT NULL,
    pricing_currency TEXT NOT NULL,
    currency TEXT NOT NULL,
    exchange_rate TEXT NOT NULL,
    exchange_rate_at INTEGER NOT NULL,
    exchange_month INTEGER NOT NULL,
    tax_rate TEXT NOT NULL,
    subtotal INTEGER NOT NULL,
    tax INTEGER NOT NULL,
    price_adjustment TEXT NOT NULL,
    credit_reason TEXT NOT NULL,
    mirrors_id TEXT,
    invoice_id TEXT,
    CONSTRAINT pk_reconciliation_lines PRIMARY KEY (account_id, customer_id, id),
    CONSTRAINT uq_reconciliation_lines_account_id_sequence UNIQUE (account_id, sequence)
) STRICT;
CREATE INDEX ix_reconciliation_lines_by_term ON reconciliation_lines (account_id, subscription_id, term_start_at);
CREATE INDEX ix_reconciliation_lines_in_order ON reconciliation_lines (account_id, invoice_id, currency, order_date, subscription_id, reference_id, position);

CREATE TABLE replies (
    account_id TEXT NOT NULL,
    "key" TEXT NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    headers TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT pk_replies PRIMARY KEY (account_id, "key")
) STRICT;
CREATE INDEX ix_replies_expires_at ON replies (expires_at);

CREATE TABLE resellers (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    mpn_id TEXT NOT NULL,
    state TEXT NOT NULL,
    location TEXT NOT NULL,
    has_signed_agreement INTEGER NOT NULL,
    CONSTRAINT pk_resellers PRIMARY KEY (account_id, id),
    CONSTRAINT uq_resellers_account_id_mpn_id UNIQUE (account_id, mpn_id)
) STRICT;

CREATE TABLE signing_keys (
    id TEXT NOT NULL,
    private_pem TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER,
    CONSTRAINT pk_signing_keys PRIMARY KEY (id)
) STRICT;

CREATE TABLE subscriptions (
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    line_number INTEGER NOT NULL,
    product_id TEXT NOT NULL,
    sku_id TEXT NOT NULL,
    availability_id TEXT NOT NULL,
    publisher_id TEXT NOT NULL,
    publisher_name TEXT NOT NULL,
    offer_name TEXT NOT NULL,
    friendly_name TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    unit_type TEXT NOT NULL,
    parent_subscription_id TEXT,
    status TEXT NOT NULL,
    is_trial INTEGER NOT NULL,
    auto_renew INTEGER NOT NULL,
    billing_cycle TEXT NOT NULL,
    billing_type TEXT NOT NULL,
    term TEXT NOT NULL,
    renews_to TEXT,
    currency TEXT NOT NULL,
    unit_price TEXT NOT NULL,
    partner_mpn_id TEXT,
    created_at INTEGER NOT NULL,
    refund_window TEXT,
    started_at INTEGER,
    anchored_at INTEGER,
    term_start_at INTEGER,
    term_end_at INTEGER,
    ended_at INTEGER,
    status_reason TEXT,
    refund_until INTEGER,
    version INTEGER NOT NULL,
    next_due_at INTEGER,
    suspended_at INTEGER,
    next_quantity INTEGER,
    is_auto_fulfilled INTEGER,
    modified_at INTEGER,
    CONSTRAINT pk_subscriptions PRIMARY KEY (account_id, customer_id, id),
    CONSTRAINT uq_subscriptions_id UNIQUE (id)
) STRICT;
CREATE INDEX ix_subscriptions_account_id_customer_id_created_at ON subscriptions (account_id, customer_id, created_at);
CREATE INDEX ix_subscriptions_account_id_next_due_at_id ON subscriptions (account_id, next_due_at, id);
CREATE INDEX ix_subscriptions_account_id_order_id ON subscriptions (account_id, order_id);
CREATE INDEX ix_subscriptions_account_id_parent_subscription_id ON subscriptions (account_id, parent_subscription_id) WHERE parent_subscription_id IS NOT NULL;
CREATE INDEX ix_subscriptions_publisher_id_created_at_id ON subscriptions (publisher_id, created_at, id);

CREATE TABLE tax_rates (
    country TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    rate TEXT NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_tax_rates PRIMARY KEY (country, valid_from)
) STRICT;

CREATE TABLE usage_events (
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    dimension_id TEXT NOT NULL,
    hour INTEGER NOT NULL,
    id TEXT NOT NULL,
    publisher_id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    sku_id TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    quantity TEXT NOT NULL,
    effective_at INTEGER NOT NULL,
    effective_text TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    rated_at INTEGER,
    line_id TEXT,
    CONSTRAINT pk_usage_events PRIMARY KEY (account_id, customer_id, subscription_id, dimension_id, hour)
) STRICT;
CREATE INDEX ix_usage_events_account_id_received_at ON usage_events (account_id, received_at) WHERE rated_at IS NULL;
CREATE INDEX ix_usage_events_publisher_id_effective_at ON usage_events (publisher_id, effective_at);

CREATE TABLE agreements (
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    template_id TEXT NOT NULL,
    contact TEXT NOT NULL,
    user_id TEXT,
    agreed_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT pk_agreements PRIMARY KEY (account_id, customer_id, id),
    CONSTRAINT fk_agreements_customers FOREIGN KEY(account_id, customer_id) REFERENCES customers (account_id, id)
) STRICT;

CREATE TABLE order_lines (
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    line_number INTEGER NOT NULL,
    catalog_item_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    parent_subscription_id TEXT,
    term TEXT NOT NULL,
    renews_to TEXT,
    quantity INTEGER NOT NULL,
    unit_price TEXT NOT NULL,
    billing_periods INTEGER NOT NULL,
    friendly_name TEXT NOT NULL,
    partner_mpn_id TEXT,
    document TEXT NOT NULL,
    is_cancelled INTEGER NOT NULL,
    CONSTRAINT pk_order_lines PRIMARY KEY (account_id, customer_id, order_id, line_number),
    CONSTRAINT fk_order_lines_orders FOREIGN KEY(account_id, customer_id, order_id) REFERENCES orders (account_id, customer_id, id)
) STRICT;

CREATE TABLE products (
    id TEXT NOT NULL,
    publisher_id TEXT NOT NULL,
    offer_id TEXT NOT NULL,
    title TEXT NOT NULL,
    document TEXT NOT NULL,
    CONSTRAINT pk_products PRIMARY KEY (id),
    CONSTRAINT uq_products_publisher_id_offer_id UNIQUE (publisher_id, offer_id),
    CONSTRAINT fk_products_publishers FOREIGN KEY(publisher_id) REFERENCES publishers (id)
) STRICT;

CREATE TABLE support_contacts (
    account_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    mpn_id TEXT NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_support_contacts PRIMARY KEY (account_id, customer_id, subscription_id),
    CONSTRAINT fk_support_contacts_subscriptions FOREIGN KEY(account_id, customer_id, subscription_id) REFERENCES subscriptions (account_id, customer_id, id)
) STRICT;

CREATE TABLE users (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    roles TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (account_id, id),
    CONSTRAINT uq_users_account_id_user_name UNIQUE (account_id, user_name),
    CONSTRAINT fk_users_accounts FOREIGN KEY(account_id) REFERENCES accounts (id)
) STRICT;

CREATE TABLE skus (
    product_id TEXT NOT NULL,
    id TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    is_trial INTEGER NOT NULL,
    is_stop_sold INTEGER NOT NULL,
    is_exclusive INTEGER NOT NULL,
    stock_limit INTEGER,
    document TEXT NOT NULL,
    CONSTRAINT pk_skus PRIMARY KEY (product_id, id),
    CONSTRAINT uq_skus_product_id_plan_id_is_trial UNIQUE (product_id, plan_id, is_trial),
    CONSTRAINT fk_skus_products FOREIGN KEY(product_id) REFERENCES products (id)
) STRICT;

CREATE TABLE availabilities (
    product_id TEXT NOT NULL,
    sku_id TEXT NOT NULL,
    id TEXT NOT NULL,
    country TEXT NOT NULL,
    segment TEXT NOT NULL,
    currency TEXT NOT NULL,
    is_current INTEGER NOT NULL,
    replaced_at INTEGER,
    fingerprint TEXT NOT NULL,
    document TEXT NOT NULL,
    CONSTRAINT pk_availabilities PRIMARY KEY (product_id, sku_id, id),
    CONSTRAINT fk_availabilities_skus FOREIGN KEY(product_id, sku_id) REFERENCES skus (product_id, id)
) STRICT;
CREATE INDEX ix_availabilities_country_is_current_product_id ON availabilities (country, is_current, product_id);

CREATE TABLE sku_partners (
    product_id TEXT NOT NULL,
    sku_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    CONSTRAINT pk_sku_partners PRIMARY KEY (product_id, sku_id, account_id),
    CONSTRAINT fk_sku_partners_skus FOREIGN KEY(product_id, sku_id) REFERENCES skus (product_id, id)
) STRICT;

CREATE TABLE sku_stock (
    product_id TEXT NOT NULL,
    sku_id TEXT NOT NULL,
    taken INTEGER NOT NULL,
    CONSTRAINT pk_sku_stock PRIMARY KEY (product_id, sku_id),
    CONSTRAINT fk_sku_stock_skus FOREIGN KEY(product_id, sku_id) REFERENCES skus (product_id, id)
) STRICT;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

INSERT INTO alembic_version (version_num) VALUES ('0002');
