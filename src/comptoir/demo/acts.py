"""The story that the demo tells: a partner buys software for a bookshop in France.

Later parts of the story are further acts at the end of ``ACTS``. Every title and id comes from ``sample/``.
"""

from urllib.parse import quote

from comptoir.demo.story import Act, Json, Step

SCOPE = "https://api.partnercenter.microsoft.com/.default"
CUSTOMER_FILTER = quote('{"Field":"CompanyName","Value":"Librairie","Operator":"starts_with"}')
DESK = "/v1/products/{desk}/skus"
INSIGHT = "/v1/products/{insight}/skus"
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
                token="",
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
                method="GET",
                path=f"{DESK}/{{trial_sku}}/availabilities?country=FR",
                keep={"trial": "items.0.catalogItemId"},
                expect={"items.0.terms.0.billingCycle": "None", "items.0.sku.isTrial": True},
            ),
            Step(
                say="Sablecourt Insight: its plan Growth is metered",
                method="GET",
                path=f"{INSIGHT}?country=FR",
                keep={"growth_sku": "items[title=Growth].id"},
                expect={"items[title=Growth].dynamicAttributes.hasMeters": True},
            ),
            Step(
                say="Growth: a year at a time, with usage included",
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
                },
                expect={"orders.#": 3, "orderErrors.#": 0},
            ),
            Step(
                say="The order of Team is completed",
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
                method="GET",
                path=f"{ORDERS}/{{order}}/lineitems/0/activationlinks",
                keep={"link": "items.0.link.uri"},
                expect={"totalCount": 1},
            ),
            Step(
                say="The subscription, still pending, links there too",
                method="GET",
                path=SUBSCRIPTION,
                keep={"links": "links.activationLinks.uri"},
                expect={"status": "pending", "quantity": 15, "orderId": "{order}"},
            ),
            Step(
                say="By that way it is the same link",
                method="GET",
                path="/v1{links}",
                expect={"items.0.link.uri": "{link}"},
            ),
            Step(
                say="In a sandbox it leads to a page that cannot help",
                method="GET",
                path="{link}",
                token="",
                holds="This link cannot complete the set-up",
            ),
            Step(
                say="The subscription is still pending",
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
                method="GET",
                path=SUBSCRIPTION,
                keep={"begun": "effectiveStartDate"},
                expect={"status": "active", "termDuration": "P1M", "autoRenewEnabled": True},
            ),
        ),
    ),
)
