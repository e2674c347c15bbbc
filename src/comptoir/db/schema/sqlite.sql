-- Schema revision 0001 for sqlite. Written by `python -m comptoir.db.schema_files` from db/tables.py.

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

CREATE TABLE instance (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_instance PRIMARY KEY (name)
) STRICT;

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

CREATE TABLE publishers (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    document TEXT NOT NULL,
    CONSTRAINT pk_publishers PRIMARY KEY (id)
) STRICT;

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
    CONSTRAINT pk_subscriptions PRIMARY KEY (account_id, customer_id, id),
    CONSTRAINT uq_subscriptions_id UNIQUE (id)
) STRICT;
CREATE INDEX ix_subscriptions_account_id_customer_id_created_at ON subscriptions (account_id, customer_id, created_at);
CREATE INDEX ix_subscriptions_account_id_order_id ON subscriptions (account_id, order_id);

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

INSERT INTO alembic_version (version_num) VALUES ('0001');
