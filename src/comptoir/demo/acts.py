"""The story that the demo tells: a partner buys software for a bookshop in France, and a year passes.

Later parts of the story are further acts at the end of ``ACTS``. Every title and id comes from ``sample/``.
"""

from decimal import Decimal
from urllib.parse import quote

from comptoir.demo.story import Act, Json, Step

SCOPE = "https://api.partnercenter.microsoft.com/.default"
CUSTOMER_FILTER = quote('{"Field":"CompanyName","Value":"Librairie","Operator":"starts_with"}')
DESK = "/v1/products/{desk}/skus"
INSIGHT = "/v1/products/{insight}/skus"
ACCOUNT = "/operator/v1/accounts/sandbox"
CLOCK = f"{ACCOUNT}/clock"
UNBILLED = "/v1/invoices/unbilled/lineitems?provider=onetime&currencyCode=USD&period=current"
INVOICE_FILE = "invoice.pdf"
CARTS = "/v1/customers/{customer}/carts"
ORDERS = "/v1/customers/{customer}/orders"
SUBSCRIPTION = "/v1/customers/{customer}/subscriptions/{subscription}"


def _cart(seats: int) -> Json:
    """A cart whose lines have three billing cycles, so that they cannot share an order."""
    return {
        "lineItems": [
            {
                "id": 0,
                "catalogItemId": "{team}",
                "quantity": seats,
                "billingCycle": "monthly",
                "termDuration": "P1M",
            },
            {"id": 1, "catalogItemId": "{growth}", "quantity": 1, "billingCycle": "annual"},
            {"id": 2, "catalogItemId": "{trial}", "quantity": 5, "billingCycle": "none"},
        ]
    }


ACTS = (
    Act(
        "A partner signs in and finds a customer.",
        (
            Step(
                say="The partner's application gets a token",
                method="POST",
                path="/{tenant}/oauth2/v2.0/token",
                form={
                    "grant_type": "client_credentials",
                    "client_id": "{client_id}",
                    "client_secret": "{client_secret}",
                    "scope": SCOPE,
                },
                caller="",
                keep={"partner": "access_token"},
                expect={"token_type": "Bearer"},
            ),
            Step(
                say="It looks for a bookshop: {customer_name}",
                method="GET",
                path=f"/v1/customers?size=10&filter={CUSTOMER_FILTER}",
                keep={"customer": "items.0.id", "customer_name": "items.0.companyProfile.companyName"},
                expect={"totalCount": 1},
            ),
        ),
    ),
    Act(
        "What is sold in France?",
        (
            Step(
                say="{products} products, with their titles in French",
                method="GET",
                path="/v1/products?country=FR&targetView=MarketplaceSaaS",
                headers={"X-Locale": "fr-FR"},
                keep={
                    "products": "totalCount",
                    "desk": "items[title=Lanternwick Desk – Espace partagé].id",
                    "insight": "items[title=Sablecourt Insight – Tableaux de bord].id",
                    "rehearsal": "items[title=Magpie Rehearsal – Exercice d’attaque].id",
                },
            ),
            Step(
                say="Lanternwick Desk: {plans} plans, two of them trials",
                method="GET",
                path=f"{DESK}?country=FR",
                keep={
                    "plans": "totalCount",
                    "team_sku": "items[title=Team].id",
                    "trial_sku": "items[title=Business – Free trial].id",
                },
            ),
            Step(
                say="Its plan Team: by seat, by the month or for a year",
                method="GET",
                path=f"{DESK}/{{team_sku}}/availabilities?country=FR",
                keep={"team": "items.0.catalogItemId"},
                expect={
                    "items.0.terms.#": 2,
                    "items.0.defaultCurrency.code": "EUR",
                    "items.0.sku.dynamicAttributes.isPricePerSeat": True,
                },
            ),
            Step(
                say="Its plan Business can be tried for a month",
                quiet=True,
                method="GET",
                path=f"{DESK}/{{trial_sku}}/availabilities?country=FR",
                keep={"trial": "items.0.catalogItemId"},
                expect={"items.0.terms.0.billingCycle": "None", "items.0.sku.isTrial": True},
            ),
            Step(
                say="Sablecourt Insight: its plan Growth is metered",
                quiet=True,
                method="GET",
                path=f"{INSIGHT}?country=FR",
                keep={"growth_sku": "items[title=Growth].id"},
                expect={"items[title=Growth].dynamicAttributes.hasMeters": True},
            ),
            Step(
                say="Growth: a year at a time, with usage included",
                quiet=True,
                method="GET",
                path=f"{INSIGHT}/{{growth_sku}}/availabilities?country=FR",
                keep={"growth": "items.0.catalogItemId"},
                expect={
                    "items.0.terms.0.billingCycle": "Annual",
                    "items.0.includedQuantityOptions.#": 2,
                },
            ),
            Step(
                say="Magpie Rehearsal asks for an inventory check first",
                quiet=True,
                method="GET",
                path="/v1/products/{rehearsal}/skus?country=FR",
                keep={"exercise_sku": "items[title=Exercise].id"},
                expect={"items[title=Exercise].purchasePrerequisites.1": "InventoryCheck"},
            ),
            Step(
                say="It could be had; the bookshop will think about it",
                method="POST",
                path="/v1/extensions/product/checkinventory?country=FR",
                body={
                    "targetItems": [{"productId": "{rehearsal}", "skuId": "{exercise_sku}"}],
                    "inventoryContext": {"customerId": "{customer}"},
                },
                expect={"#": 1, "0.isRestricted": False},
            ),
        ),
    ),
    Act(
        "A cart becomes orders.",
        (
            Step(
                say="A cart of three lines, in three order groups",
                method="POST",
                path=CARTS,
                status=201,
                body=_cart(seats=12),
                keep={"cart": "id"},
                expect={
                    "lineItems.0.orderGroup": "0",
                    "lineItems.1.orderGroup": "1",
                    "lineItems.2.orderGroup": "2",
                },
            ),
            Step(
                say="Three more seats of Team",
                quiet=True,
                method="PUT",
                path=f"{CARTS}/{{cart}}",
                status=201,
                body=_cart(seats=15),
                expect={"lineItems.0.quantity": 15, "status": "Active"},
            ),
            Step(
                say="Checkout: one order for each group",
                method="POST",
                path=f"{CARTS}/{{cart}}/checkout",
                status=201,
                keep={
                    "orders": "orders",
                    "order": "orders.0.id",
                    "second_order": "orders.1.id",
                    "third_order": "orders.2.id",
                    "subscription": "orders.0.lineItems.0.subscriptionId",
                    "trial_subscription": "orders.2.lineItems.0.subscriptionId",
                },
                expect={"orders.#": 3, "orderErrors.#": 0},
            ),
            Step(
                say="The order of Team is completed",
                quiet=True,
                method="GET",
                path=f"{ORDERS}/{{order}}?include_price=true",
                until=("status", "completed"),
                expect={"lineItems.0.quantity": 15, "billingCycle": "monthly"},
            ),
            Step(
                say="The customer's orders: all three of them",
                method="GET",
                path=ORDERS,
                expect={
                    "items[id={order}].billingCycle": "monthly",
                    "items[id={second_order}].billingCycle": "annual",
                    "items[id={third_order}].billingCycle": "none",
                },
            ),
        ),
    ),
    Act(
        "Who has bought must activate.",
        (
            Step(
                say="The order line has an activation link",
                quiet=True,
                method="GET",
                path=f"{ORDERS}/{{order}}/lineitems/0/activationlinks",
                keep={"link": "items.0.link.uri"},
                expect={"totalCount": 1},
            ),
            Step(
                say="The subscription, still pending, links there too",
                quiet=True,
                method="GET",
                path=SUBSCRIPTION,
                keep={"links": "links.activationLinks.uri"},
                expect={"status": "pending", "quantity": 15, "orderId": "{order}"},
            ),
            Step(
                say="By that way it is the same link",
                quiet=True,
                method="GET",
                path="/v1{links}",
                expect={"items.0.link.uri": "{link}"},
            ),
            Step(
                say="In a sandbox it leads to a page that cannot help",
                method="GET",
                path="{link}",
                caller="",
                holds="This link cannot complete the set-up",
            ),
            Step(
                say="The subscription is still pending",
                quiet=True,
                method="GET",
                path=SUBSCRIPTION,
                expect={"status": "pending"},
            ),
            Step(
                say="A sandbox activates by a call instead",
                method="POST",
                path=f"{SUBSCRIPTION}/activate",
                expect={"status": "Success"},
            ),
            Step(
                say="The subscription is active: its term has begun",
                quiet=True,
                method="GET",
                path=SUBSCRIPTION,
                keep={"begun": "effectiveStartDate"},
                expect={"status": "active", "termDuration": "P1M", "autoRenewEnabled": True},
            ),
        ),
    ),
    Act(
        "What was bought changes, and is charged from the first day.",
        (
            Step(
                say="Ten days pass",
                method="POST",
                path=f"{CLOCK}/advance",
                body={"by": "P10D"},
                caller="operator",
                expect={"advance.state": "complete"},
                quiet=True,
            ),
            Step(
                say="Five more seats of Team, under a better name",
                method="PATCH",
                path=SUBSCRIPTION,
                body={"quantity": 20, "friendlyName": "The shop and the workshop"},
                expect={"quantity": 20, "friendlyName": "The shop and the workshop"},
            ),
            Step(
                say="Its auto-renewal is turned off",
                method="PATCH",
                path=SUBSCRIPTION,
                body={"autoRenewEnabled": False},
                expect={"autoRenewEnabled": False},
                quiet=True,
            ),
            Step(
                say="And on again",
                method="PATCH",
                path=SUBSCRIPTION,
                body={"autoRenewEnabled": True},
                expect={"autoRenewEnabled": True},
                quiet=True,
            ),
            Step(
                say="The trial of Business begins",
                method="POST",
                path="/v1/customers/{customer}/subscriptions/{trial_subscription}/activate",
                expect={"status": "Success"},
                quiet=True,
            ),
            Step(
                say="The trial is cancelled in time: it costs nothing",
                method="PATCH",
                path="/v1/customers/{customer}/subscriptions/{trial_subscription}",
                body={"status": "deleted"},
                expect={"status": "deleted"},
            ),
            Step(
                say="Not billed yet: {unbilled} lines, to the cent",
                method="GET",
                path=f"{UNBILLED}&invoiceLineItemType=billinglineitems",
                keep={"unbilled": "totalCount"},
                expect={
                    "items[quantity=15].chargeType": "new",
                    "items[quantity=15].pricingCurrency": "EUR",
                    "items[quantity=15].currency": "USD",
                    "items[chargeType=cancelImmediate].subtotal": 0,
                },
            ),
        ),
    ),
    Act(
        "A year passes.",
        (
            Step(
                say="The sandbox's clock goes on by a year, {pieces} pieces of work",
                method="POST",
                path=f"{CLOCK}/advance",
                body={"by": "P1Y"},
                caller="operator",
                keep={"pieces": "advance.pieces"},
                expect={"advance.state": "complete", "advance.failures": []},
            ),
            Step(
                say="{invoices} invoices were issued",
                method="GET",
                path="/v1/invoices",
                keep={"invoices": "totalCount", "invoice": "items.0.id", "billed": "items"},
                expect={"items.0.invoiceType": "OneTime", "items.0.documentType": "invoice"},
            ),
            Step(
                say="The first one has the change of seats on it",
                method="GET",
                path="/v1/invoices/{invoice}/lineitems?provider=onetime&invoiceLineItemType=billinglineitems",
                expect={"items[chargeType=addQuantity].invoiceNumber": "{invoice}"},
                quiet=True,
            ),
            Step(
                say="The first one as PDF, saved as " + INVOICE_FILE,
                method="GET",
                path="/v1/invoices/{invoice}/documents/statement",
                caller="admin",
                save=INVOICE_FILE,
            ),
        ),
    ),
    Act(
        "A publisher of its own, as in production: nothing is charged before it says so.",
        (
            Step(
                say="Sablecourt is reached at a site of this demo",
                method="PUT",
                path="/operator/v1/publishers/sablecourt/endpoints",
                body={"landingPageUrl": "{site}/start", "webhookUrl": "{site}/hooks/marketplace"},
                caller="operator",
                expect={"id": "sablecourt"},
                quiet=True,
            ),
            Step(
                say="The sandbox shows its purchases to publishers",
                method="PATCH",
                path=f"{ACCOUNT}/settings",
                body={"overrides": {"sandbox_publisher_delivery": True, "activation_link": "publisher"}},
                caller="operator",
                expect={"settings.activation_link": "publisher"},
                quiet=True,
            ),
            Step(
                say="Growth goes into a cart again",
                method="POST",
                path=CARTS,
                status=201,
                body={"lineItems": [{"id": 0, "catalogItemId": "{growth}", "quantity": 1}]},
                keep={"cart": "id"},
                quiet=True,
            ),
            Step(
                say="And is ordered",
                method="POST",
                path=f"{CARTS}/{{cart}}/checkout",
                status=201,
                keep={
                    "metered_order": "orders.0.id",
                    "metered": "orders.0.lineItems.0.subscriptionId",
                },
                quiet=True,
            ),
            Step(
                say="The order is completed",
                method="GET",
                path=f"{ORDERS}/{{metered_order}}",
                until=("status", "completed"),
                quiet=True,
            ),
            Step(
                say="Growth is bought again; now its link is a real one",
                method="GET",
                path=f"{ORDERS}/{{metered_order}}/lineitems/0/activationlinks",
                keep={"landing": "items.0.link.uri", "purchase_token": "items.0.link.uri?token"},
                expect={"totalCount": 1},
            ),
            Step(
                say="A browser opens it: the publisher knows what was bought",
                method="GET",
                path="{landing}",
                caller="",
                holds="Set up",
            ),
            Step(
                say="The publisher activates: billing starts",
                method="POST",
                path="{site}/activate",
                form={"token": "{purchase_token}"},
                caller="",
                holds="Subscribed",
            ),
            Step(
                say="What time is it in the sandbox?",
                method="GET",
                path=CLOCK,
                caller="operator",
                keep={"now": "now"},
                quiet=True,
            ),
            Step(
                say="The customer runs more reports than are included",
                method="POST",
                path="{site}/use",
                body={"subscription": "{metered}", "dimension": "reports", "units": "3.5", "at": "{now}"},
                caller="",
                quiet=True,
            ),
            Step(
                say="It reports 3.5 units beyond what is included",
                method="POST",
                path="{site}/report",
                body={},
                caller="",
                expect={"0.status": "Accepted", "0.quantity": Decimal("3.5")},
            ),
            Step(
                say="Two months pass",
                method="POST",
                path=f"{CLOCK}/advance",
                body={"by": "P2M"},
                caller="operator",
                expect={"advance.state": "complete", "advance.failures": []},
                quiet=True,
            ),
            Step(
                say="The next invoices are issued",
                method="GET",
                path='/v1/invoices?filter={"Field":"InvoiceDate","Value":"2027-02","Operator":"starts_with"}',
                keep={"metered_invoice": "items.0.id"},
                quiet=True,
            ),
            Step(
                say="The next invoice carries the usage: {overage} {currency}",
                method="GET",
                path="/v1/invoices/{metered_invoice}/lineitems?provider=onetime&invoiceLineItemType=billinglineitems",
                keep={
                    "overage": "items[unitType=per 100 runs].subtotal",
                    "currency": "items[unitType=per 100 runs].currency",
                },
                expect={"items[unitType=per 100 runs].billableQuantity": Decimal("3.5")},
            ),
            Step(
                say="The sandbox keeps to itself again",
                method="PATCH",
                path=f"{ACCOUNT}/settings",
                body={"overrides": {"sandbox_publisher_delivery": "default", "activation_link": "default"}},
                caller="operator",
                expect={"settings.activation_link": "placeholder"},
                quiet=True,
            ),
        ),
        needs_publisher=True,
    ),
    Act(
        "The books are proven.",
        (
            Step(
                say="{lines} lines, {documents} documents, {postings} postings agree",
                method="GET",
                path="/operator/v1/verification",
                caller="operator",
                keep={"lines": "lines", "documents": "documents", "postings": "postings"},
                expect={"holds": True},
            ),
        ),
    ),
)
