"""An example of every call of the Python client, in an order in which each finds what it needs.

Start the sample marketplace and run this file with the token of a user:

    make run
    export COMPTOIR_URL=http://127.0.0.1:8080
    export COMPTOIR_TOKEN=$(comptoir token --account sandbox --user ada@rivermark-cloud.example)
    python docs/examples/client.py

The tests run it too, and docs/reference/client.md shows each part beside its call.
"""

import os
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from comptoir.client import Comptoir, NotFound, ServiceError
from comptoir.client.models import (
    AddressBody,
    AgreementBody,
    BillingProfileBody,
    CartBody,
    CartLineItemBody,
    CompanyProfileBody,
    Condition,
    ContactBody,
    CustomerBody,
    DailyRatedUsageLineItem,
    InventoryTargetBody,
    OneTimeInvoiceLineItem,
    Operator,
    OrderBody,
    OrderLineItemBody,
    QualificationBody,
    SpendingBudgetBody,
    SubscriptionBody,
)

client = Comptoir(os.environ["COMPTOIR_TOKEN"], base_url=os.environ["COMPTOIR_URL"])

# %% partner.organization_profile
company = client.partner.organization_profile()
print(company.company_name, company.default_address.country)

# %% partner.country_rules
rules = client.partner.country_rules("US")
print(rules.is_state_required, rules.postal_code_regex)

# %% partner.address_validate
address = AddressBody(
    address_line1="12 Ferry Road",
    city="Portland",
    state="OR",
    postal_code="97204",
    country="US",
    first_name="Mina",
    last_name="Castellan",
    phone_number="5035550199",
)
print(client.partner.validate_address(address))

# %% partner.domain_exists
assert not client.partner.domain_exists("fernwood-bakery.example")

# %% partner.relationships
for provider in client.partner.relationships("IsIndirectResellerOf"):
    print(provider.name, provider.mpn_id)

# %% partner.agreement_status
print(client.partner.agreement_status(tenant_id=company.tenant_id).is_agreement_signed)

# %% customers.relationship_request
print(client.customers.relationship_request().url)

# %% customers.create
customer = client.customers.create(
    CustomerBody(
        company_profile=CompanyProfileBody(domain="fernwood-bakery.example"),
        billing_profile=BillingProfileBody(
            company_name="Fernwood Bakery",
            email="mina@fernwood-bakery.example",
            culture="en-US",
            language="en",
            default_address=address,
        ),
    )
)
print(customer.id, customer.company_profile.domain)

# %% customers.get
customer = client.customers.get(customer.id)
print(customer.company_profile.company_name)

# %% customers.list
for found in client.customers.list(filter=Condition("CompanyName", Operator.STARTS_WITH, "Fern")):
    print(found.id, found.company_profile.company_name)

# %% customers.company_profile_get
print(client.customers.company_profile(customer.id).domain)

# %% customers.billing_profile_get
profile = client.customers.billing_profile(customer.id)
print(profile.default_address.city, profile.attributes.etag)

# %% customers.billing_profile_update
profile.email = "accounts@fernwood-bakery.example"
profile = client.customers.update_billing_profile(customer.id, profile)

# %% customers.qualification_get
print(client.customers.qualification(customer.id))

# %% customers.qualifications_create
client.customers.apply_for_qualification(
    customer.id, QualificationBody(qualification="Education", website="https://fernwood-bakery.example")
)

# %% customers.qualifications_list
for qualification in client.customers.qualifications(customer.id):
    print(qualification.qualification, qualification.vetting_status)

# %% customers.qualification_update
client.customers.set_qualification(customer.id, "Education")

# %% customers.validation_codes_list
print(client.customers.validation_codes())

# %% customers.budget_update
client.customers.set_budget(customer.id, SpendingBudgetBody(amount=Decimal(500)))

# %% customers.budget_get
print(client.customers.budget(customer.id).amount)

# %% partner.customer_relationships
print(client.customers.relationships(customer.id).to_list())

# %% agreements.metadata_list
agreement = client.agreements.current().first().items[0]
print(agreement.template_id, agreement.agreement_link)

# %% agreements.document
print(client.agreements.document(agreement.template_id, language="en-US", country="US").display_uri)

# %% agreements.create
client.agreements.confirm(
    customer.id,
    AgreementBody(
        primary_contact=ContactBody(
            first_name="Mina", last_name="Castellan", email="mina@fernwood-bakery.example"
        ),
        template_id=agreement.template_id,
        date_agreed=datetime.now(UTC),
        type=agreement.agreement_type,
    ),
)

# %% agreements.list
for accepted in client.agreements.list(customer.id):
    print(accepted.type, accepted.date_agreed)

# %% agreements.direct_signed_status
print(client.agreements.direct_signed_status(customer.id).is_signed)

# %% catalog.products_list
products = client.products.list("US").to_list()
product = next(each for each in products if each.title.startswith("Lanternwick Desk"))

# %% catalog.products_get
print(client.products.get(product.id, "US").publisher_name)

# %% catalog.skus_list
skus = client.skus.list(product.id, "US").to_list()
sku = next(each for each in skus if each.title == "Team" and not each.is_trial)

# %% catalog.skus_get
print(client.skus.get(product.id, sku.id, "US").minimum_quantity)

# %% catalog.availabilities_list
availability = client.availabilities.list(product.id, sku.id, "US").first().items[0]
for term in availability.terms:
    print(term.duration, term.billing_cycle)

# %% catalog.availabilities_get
print(client.availabilities.get(product.id, sku.id, availability.id, "US").catalog_item_id)

# %% catalog.customer_products_list
for each in client.products.list_for_customer(customer.id):
    print(each.title)

# %% catalog.customer_products_get
print(client.products.get_for_customer(customer.id, product.id).title)

# %% catalog.customer_skus_list
print([each.title for each in client.skus.list_for_customer(customer.id, product.id)])

# %% catalog.customer_skus_get
print(client.skus.get_for_customer(customer.id, product.id, sku.id).title)

# %% catalog.customer_availabilities_list
print(client.availabilities.list_for_customer(customer.id, product.id, sku.id).first().total_count)

# %% catalog.customer_availabilities_get
print(client.availabilities.get_for_customer(customer.id, product.id, sku.id, availability.id).segment)

# %% catalog.inventory_check
target = InventoryTargetBody(product_id=product.id, sku_id=sku.id)
for plan in client.inventory.check([target], country="US"):
    print(plan.sku_id, plan.is_restricted)

# %% catalog.promotions_list
print(client.promotions.list(country="US").to_list())

# %% catalog.promotions_get
try:
    client.promotions.get("39NFJQT1X0V1:0001:39NFJQT1Q5P8")
except ServiceError as refused:
    print(refused.status, refused.code)

# %% catalog.promotion_eligibilities
try:
    client.promotions.check_eligibility(customer.id)
except ServiceError as refused:
    print(refused.code, refused.description)

# %% carts.create
line = CartLineItemBody(
    catalog_item_id=availability.catalog_item_id, quantity=5, term_duration="P1M", billing_cycle="monthly"
)
cart = client.carts.create(customer.id, CartBody(line_items=[line]))
for item in cart.line_items:
    print(item.catalog_item_id, item.error)

# %% carts.get
cart = client.carts.get(customer.id, cart.id)

# %% carts.update
line.quantity = 8
cart = client.carts.update(customer.id, cart.id, CartBody(line_items=[line]))

# %% carts.checkout
result = client.carts.checkout(customer.id, cart.id)
order = result.orders[0]
print(order.id, order.total_price, order.currency_code)

# %% orders.get
while (order := client.orders.get(customer.id, order.id, include_price=True)).status != "completed":
    time.sleep(0.1)

# %% orders.list
for placed in client.orders.list(customer.id):
    print(placed.id, placed.status)

# %% orders.provisioning_status
for progress in client.orders.provisioning_status(customer.id, order.id):
    print(progress.line_item_number, progress.status)

# %% orders.activation_links
for activation in client.activation_links.for_order(customer.id, order.id):
    print(activation.line_item_number, activation.link.uri)

# %% orders.line_activation_links
print(client.activation_links.for_line(customer.id, order.id, 0).first().items[0].link.uri)

# %% orders.attachments
print(client.orders.attachments(customer.id, order.id).to_list())

# %% orders.attachment
try:
    client.orders.attachment(customer.id, order.id, "1")
except ServiceError as refused:
    print(refused.code, refused.description)

# %% orders.attach
try:
    client.orders.attach(customer.id, order.id)
except ServiceError as refused:
    print(refused.code, refused.description)

# %% orders.create
second = client.orders.create(
    customer.id,
    OrderBody(
        billing_cycle="monthly",
        line_items=[
            OrderLineItemBody(
                line_item_number=0,
                offer_id=availability.catalog_item_id,
                quantity=1,
                term_duration="P1M",
            )
        ],
    ),
)

# %% orders.patch
while client.orders.get(customer.id, second.id).status != "completed":
    time.sleep(0.1)
print(client.orders.update(customer.id, second.id, OrderBody(status="cancelled")).status)

# %% subscriptions.list
subscription = client.subscriptions.list(customer.id, order_id=order.id).first().items[0]

# %% subscriptions.activation_links
print(client.activation_links.for_subscription(customer.id, subscription.id).first().items[0].link.uri)

# %% subscriptions.activate
print(client.subscriptions.activate(customer.id, subscription.id).status)

# %% subscriptions.get
subscription = client.subscriptions.get(customer.id, subscription.id)
print(subscription.status, subscription.commitment_end_date)

# %% subscriptions.patch
changed = client.subscriptions.update(customer.id, subscription.id, SubscriptionBody(quantity=12))
changed.auto_renew_enabled = False
changed = client.subscriptions.update(customer.id, subscription.id, changed)
print(changed.quantity, changed.auto_renew_enabled)

# %% subscriptions.support_contact_get
contact = client.subscriptions.support_contact(customer.id, subscription.id)
print(contact.name, contact.support_mpn_id)

# %% subscriptions.support_contact_update
client.subscriptions.set_support_contact(customer.id, subscription.id, contact)

# %% subscriptions.conversions
trial_sku = next(each for each in skus if each.is_trial)
trial_item = client.availabilities.list(product.id, trial_sku.id, "US").first().items[0].catalog_item_id
trial_order = client.orders.create(
    customer.id,
    OrderBody(line_items=[OrderLineItemBody(line_item_number=0, offer_id=trial_item, quantity=1)]),
)
while client.orders.get(customer.id, trial_order.id).status != "completed":
    time.sleep(0.1)
trial = client.subscriptions.list(customer.id, order_id=trial_order.id).first().items[0]
client.subscriptions.activate(customer.id, trial.id)
conversion = client.subscriptions.conversions(customer.id, trial.id).first().items[0]
print(conversion.target_offer_id, conversion.billing_cycle)

# %% subscriptions.convert
converted = client.subscriptions.convert(customer.id, trial.id, conversion)
print(converted.error)

# %% subscriptions.provisioning_status
print(client.subscriptions.provisioning_status(customer.id, subscription.id).status)

# %% subscriptions.registration_status
print(client.subscriptions.registration_status(customer.id, subscription.id).status)

# %% subscriptions.register
try:
    client.subscriptions.register(customer.id, subscription.id)
except ServiceError as refused:
    print(refused.code, refused.description)

# %% subscriptions.add_ons
print(client.subscriptions.add_ons(customer.id, subscription.id).to_list())

# %% subscriptions.upgrades
print(client.subscriptions.upgrades(customer.id, subscription.id).to_list())

# %% subscriptions.upgrade
try:
    client.subscriptions.upgrade(customer.id, subscription.id)
except ServiceError as refused:
    print(refused.code, refused.description)

# %% subscriptions.transition_eligibilities
print(client.subscriptions.transition_eligibilities(customer.id, subscription.id).to_list())

# %% subscriptions.transitions
print(client.subscriptions.transitions(customer.id, subscription.id).to_list())

# %% subscriptions.transition
try:
    client.subscriptions.transition(customer.id, subscription.id)
except ServiceError as refused:
    print(refused.code, refused.description)

# %% invoices.unbilled
for charge in client.invoices.unbilled("USD", size=500):
    if isinstance(charge, OneTimeInvoiceLineItem):
        print(charge.order_date, charge.charge_type, charge.sku_name, charge.subtotal, charge.currency)

# %% invoices.estimate_links
for estimate in client.invoices.estimate_links("USD").items:
    print(estimate.title, estimate.period, estimate.link.uri)

# %% invoices.summary
balance = client.invoices.summary()
print(balance.balance_amount, balance.currency_code)

# %% invoices.summaries
for balance in client.invoices.summaries():
    print(balance.balance_amount, balance.currency_code)

# %% invoices.list
invoices = client.invoices.list().to_list()
number = invoices[-1].id if invoices else "T000000001"

# %% invoices.get
try:
    invoice = client.invoices.get(number)
    print(invoice.invoice_date, invoice.total_charges, invoice.currency_code)
except NotFound as refused:
    print(refused.description)  # the first month is not over yet

# %% invoices.lines
try:
    for usage in client.invoices.lines(number, invoice_line_item_type="usagelineitems"):
        if isinstance(usage, DailyRatedUsageLineItem):
            print(usage.usage_date, usage.meter_name, usage.quantity, usage.billing_pre_tax_total)
except NotFound as refused:
    print(refused.description)

# %% invoices.statement
try:
    Path(f"{number}.pdf").write_bytes(client.invoices.statement(number))
except NotFound as refused:
    print(refused.description)

# %% invoices.receipt
try:
    client.invoices.receipt(number, "1")
except NotFound as refused:
    print(refused.description)

# %% customers.delete
client.customers.delete(customer.id)

# %% customers.remove_relationship
try:
    client.customers.remove_relationship(customer.id)
except ServiceError as refused:
    print(refused.status, refused.code)
