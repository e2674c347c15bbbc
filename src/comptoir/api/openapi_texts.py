"""What the OpenAPI document says that neither the table nor a struct knows: families, parameters, headers."""

from collections.abc import Mapping
from typing import Any

INTRODUCTION = """\
Comptoir serves the commercial marketplace part of the Partner Center API as its official clients use it,
and a few operations of its own: the token issuer, health, and the operator API.

**Requests** are described in the documented spelling. More is understood: member names, enumeration values,
fixed parts of paths and names of query parameters in any case; enumeration values without underscores and
by number; `null` as not given; `"true"` for `true`; dates with any offset; comments, trailing commas and a
byte order mark. Unknown members and parameters are ignored. Doubled and trailing slashes do not count.

**Answers** are exact: names in camel case, no `null` (what is absent is left out), dates in UTC with `Z`,
money as numbers. New members may be added at any time. The `uri` of a link is relative to `/v1`. Clients
that name themselves in `MS-PartnerCenter-Client` as one of the older official libraries get the vocabulary
they know.

**Refusals** have one shape, `Fault`, and a number that tells more than the status. They change nothing.
Only 409, 429, 500 and a failed connection are worth a repeat: with the same `MS-RequestId`, a write that
was done already answers the same again and does nothing twice. A method that a path does not have answers
404, not 405, which an official client would repeat for ever.

Any call with a token takes the header `ValidateMfa: true` and then answers with `isMfaCompliant`.
"""

FAMILIES: Mapping[str, tuple[str, str]] = {
    "oauth": ("Tokens", "The token issuer: requests for tokens are forms, refusals have the shape of OAuth."),
    "customers": ("Customers", "Customers of a partner, with their profiles, qualifications and budgets."),
    "agreements": ("Agreements", "What customers have agreed to."),
    "partner": ("Partner", "The partner itself, its resellers, and checks of addresses and domains."),
    "catalog": (
        "Catalogue",
        "What a market or a customer can buy: products, their plans (SKUs), availabilities.",
    ),
    "carts": ("Carts", "Lines to buy together, judged whenever they are sent."),
    "orders": ("Orders", "What was bought, and where the customer sets it up."),
    "subscriptions": ("Subscriptions", "What a customer has, from its activation to its end."),
    "invoices": (
        "Invoices",
        "What purchases cost: invoices, balances, their lines, and what is not billed yet.",
    ),
    "exports": (
        "Exports",
        "Many lines at once, as files that are made in the background and kept for a day.",
    ),
    "sandbox": ("Sandbox", "Pages for integration sandboxes."),
    "fulfillment": (
        "SaaS fulfillment",
        "What was bought of a publisher, its activation, and the operations by which it changes.",
    ),
    "metering": ("Metering", "What publishers report of metered usage, and what becomes of it."),
    "marketplace": ("Marketplace", "Addresses that browsers open."),
    "publisher": ("Publishers", "What the APIs of publishers have in common."),
    "publishers": ("Publishers", "Who sells, and where their sites are reached."),
    "rates": ("Rates", "Exchange rates, tax rates and private offers that charges are reckoned with."),
    "operator": ("Operator", "For the one who runs this installation; not part of Partner Center."),
    "health": ("Health", "Whether the server lives and can serve."),
    "docs": ("Documents", "This description."),
}
"""Title and description of each family of operations."""

Described = tuple[str, dict[str, Any]]
"""A description and a schema."""

_GUID = {"type": "string", "format": "uuid"}
_STRING = {"type": "string"}
COUNTRY = {"type": "string", "pattern": "^[A-Za-z]{2}$"}
_TEXT = {"type": "string", "minLength": 1}

PATH_PARAMETERS: Mapping[str, Described] = {
    "account_id": ("The partner's tenant id.", _GUID),
    "attachment_id": ("The document's id.", _TEXT),
    "availability_id": ("The availability's id within its plan, in any case.", _TEXT),
    "billing_state": ("billed or unbilled, in any case.", _TEXT),
    "blob_name": ("The file's name, as the manifest lists it.", _TEXT),
    "cart_id": ("The cart's id.", _GUID),
    "customer_id": ("The customer's tenant id.", _GUID),
    "delivery_id": ("The webhook's id.", _GUID),
    "domain": ("A domain name.", _TEXT),
    "export_id": ("The export's id.", _GUID),
    "export_kind": ("usage or reconciliation, in any case.", _TEXT),
    "invoice_id": ("The document's number, or its type, a dash and its number, in any case.", _TEXT),
    "iso2": ("ISO 3166 code of the country, in any case.", COUNTRY),
    "line": ("The line's number within the document, from 1, or its id.", _TEXT),
    "line_item_type": ("billinglineitems or usagelineitems, in any case.", _TEXT),
    "line_item_number": (
        "The line's number, from 0.",
        {"type": "integer", "minimum": 0, "maximum": 999_999_999},
    ),
    "name": ("The account's name.", _TEXT),
    "operation_id": ("The operation's id.", _GUID),
    "order_id": ("The order's id or its alternate id, in exact case.", _TEXT),
    "product_id": ("The product's id, in any case.", _TEXT),
    "promotion_id": ("The promotion's id.", _TEXT),
    "provider": ("onetime, marketplace, all, azure or office, in any case.", _TEXT),
    "publisher_id": ("The publisher's id.", _TEXT),
    "receipt_id": ("The receipt's id.", _TEXT),
    "sku_id": ("The plan's id within its product, in any case.", _TEXT),
    "subscription_id": ("The subscription's id.", _GUID),
    "template_id": ("The agreement template's id, in exact case.", _TEXT),
    "tenant": ("The partner's tenant: its id or its domain, in any case.", _TEXT),
    "token": ("The signed end of the link.", {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}),
}

QUERY_SHAPES: Mapping[str, dict[str, Any]] = {"country": COUNTRY}
"""Query parameters, in whatever operation, that are more than text, and no closed set."""

HEADERS: Mapping[str, Described] = {
    "MS-RequestId": (
        "Id of the call. A write that is repeated with it is done once and answered alike.",
        _GUID,
    ),
    "MS-CorrelationId": ("Id that ties calls together; given back.", _GUID),
    "X-Locale": ("Language of texts; en-US where it is absent or unknown.", _STRING),
    "x-ms-marketplace-token": ("The purchase token of a landing page, percent-decoded.", _STRING),
    "x-ms-requestid": ("Id of the call; given back.", _STRING),
    "x-ms-correlationid": ("Id that ties calls together; given back.", _STRING),
    "If-Match": ("The etag of the version that the change is made from, in quotes. `*` for any.", _STRING),
    "MS-ContinuationToken": ("Token of a page, beside `seekOperation`.", _STRING),
    "MS-PartnerCenter-Client": ("Name of the client library.", _STRING),
    "MS-SdkVersion": ("Version of the client library.", _STRING),
    "Accept-Language": ("Languages of the page, best first.", _STRING),
    "Range": ("The part of the file that is wanted: `bytes=0-99`.", _STRING),
    "x-ms-range": ("The same; this one counts.", _STRING),
    "client-request-id": ("An id of the client's own; given back.", _STRING),
    "x-ms-customeruser-upn": ("Name of the customer's user that the order is for.", _STRING),
}
"""Request headers that operations read, besides the token and the usual ones of HTTP."""

REPLY_HEADERS: Mapping[str, Described] = {
    "MS-RequestId": ("The call's id: the one sent, else a new one.", _STRING),
    "MS-CorrelationId": ("The id that ties calls together: the one sent, else a new one.", _STRING),
    "MS-CV": ("Correlation vector.", _STRING),
    "MS-ServerId": ("Which installation answered.", _STRING),
    "X-Locale": ("Language of the texts.", _STRING),
    "x-ms-requestid": ("The call's id: the one sent, else a new one.", _STRING),
    "x-ms-correlationid": ("The id that ties calls together: the one sent, else a new one.", _STRING),
    "x-ms-activityid": ("Id of this answer.", _GUID),
    "Last-Modified": ("When the file was made.", _STRING),
    "Accept-Ranges": ("`bytes`: ranges can be asked for.", {"const": "bytes"}),
    "x-ms-blob-type": ("What clients of Azure Storage expect.", {"const": "BlockBlob"}),
    "x-ms-request-id": ("Id of the call.", _STRING),
    "Operation-Location": ("Where the operation is read.", _STRING),
    "Operation-Id": ("The operation's id.", _GUID),
    "Location": ("Where to go.", _STRING),
    "ETag": ("The version that `attributes.etag` names, in quotes; on resources that have one.", _STRING),
    "MS-Replayed": ("`true`: this is the stored answer of an earlier, equal call.", {"const": "true"}),
    "Retry-After": ("Seconds to wait before the next call.", {"type": "integer", "minimum": 1}),
    "WWW-Authenticate": ("How to authenticate.", _STRING),
}
ALWAYS_SENT = frozenset(
    {"MS-RequestId", "MS-CorrelationId", "MS-CV", "MS-ServerId", "X-Locale", "Retry-After"}
    | {"x-ms-requestid", "x-ms-correlationid", "x-ms-activityid"}
    | {"Operation-Location", "Operation-Id", "Location"}
)
"""Headers that are on every answer that names them."""

SECURITY: Mapping[str, dict[str, Any]] = {
    "partnerApplication": {
        "type": "oauth2",
        "description": "Client credentials of an application of the partner.",
        "flows": {
            "clientCredentials": {
                "tokenUrl": "/adfs/oauth2/token",
                "scopes": {"https://api.partnercenter.microsoft.com/.default": "The partner API."},
            }
        },
    },
    "partnerToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A partner's token, app-only or of a signed-in user.",
    },
    "partnerUserToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A partner's token of a signed-in user (app+user), which names user and application.",
    },
    "operatorToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The operator's token, as `comptoir token --operator` prints it.",
    },
    "publisherToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A publisher's token.",
    },
}
