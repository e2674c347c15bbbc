"""Invoices over HTTP: the list, one of them, balances, and links to what is not billed yet."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

from msgspec import UNSET

from comptoir.api.call import Call, Handler
from comptoir.api.invoice_lines import document_of
from comptoir.api.reading import count
from comptoir.billing import service_documents as service
from comptoir.billing.invoice_model import Balance, BilledDocument, Invoice
from comptoir.billing.reading import INVOICE_TYPE, PAGE_SIZE_MAX
from comptoir.catalog.texts import in_locale
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.money import Money, symbol
from comptoir.db import Tx
from comptoir.wire import invoices as wire
from comptoir.wire.enums import fold
from comptoir.wire.filters import Condition, FilterInvalid, Operator, parse_filter
from comptoir.wire.types import Collection, Link, attributes, collection, link, self_links

SIZE_MAX = 500
JAVA = "partner center java sdk"
SECOND = timedelta(seconds=1)
DATE_LENGTH = len("2025-07-08")
FILTER_FIELD = "invoicedate"
TEXT_MAX = 100

EQUALITY_AND_ORDER: Mapping[Operator, Callable[[str, str], bool]] = {
    Operator.EQUALS: lambda date, value: date == value,
    Operator.NOT_EQUALS: lambda date, value: date != value,
    Operator.GREATER_THAN: lambda date, value: date > value,
    Operator.GREATER_THAN_OR_EQUALS: lambda date, value: date >= value,
    Operator.LESS_THAN: lambda date, value: date < value,
    Operator.LESS_THAN_OR_EQUALS: lambda date, value: date <= value,
}
PARTS: Mapping[Operator, Callable[[str, str], bool]] = {
    Operator.SUBSTRING: lambda date, value: value in date,
    Operator.STARTS_WITH: lambda date, value: date.startswith(value),
    Operator.NOT_STARTS_WITH: lambda date, value: not date.startswith(value),
}
"""How an invoice's date is compared as text (choice C-05)."""

USAGE_TITLE = {"en-US": "Daily rated usage", "fr-FR": "Consommation facturée au jour"}
USAGE_TEXT = {
    "current": {
        "en-US": "Metered usage of this calendar month, day by day, not billed yet.",
        "fr-FR": "Consommation mesurée de ce mois civil, jour par jour, pas encore facturée.",
    },
    "previous": {
        "en-US": "Metered usage of earlier months, day by day, not billed yet.",
        "fr-FR": "Consommation mesurée des mois précédents, jour par jour, pas encore facturée.",
    },
}
CHARGE_TITLE = {"en-US": "Licence charges", "fr-FR": "Licences"}
CHARGE_TEXT = {
    "current": {
        "en-US": "Licence charges and credits of this calendar month, not billed yet.",
        "fr-FR": "Charges et avoirs de licences de ce mois civil, pas encore facturés.",
    },
    "previous": {
        "en-US": "Licence charges and credits of earlier months, not billed yet.",
        "fr-FR": "Charges et avoirs de licences des mois précédents, pas encore facturés.",
    },
}


async def list_invoices(tx: Tx, ctx: Context, call: Call) -> Collection[wire.Invoice]:
    """``GET invoices``: by date, ``size`` of them after the first ``offset`` (choice C-04)."""
    size, offset = _size(call.query.get("size")), _offset(call.query.get("offset"))
    matches = _filter(call.query.get("filter"))
    documents = await service.list_documents(tx, ctx.account.id)
    found = [document for document in documents if matches(document.invoice)]
    shown = found[offset:] if size is None else found[offset : offset + size]

    def page(first: int) -> str:
        sent = {"size": size, "offset": first if size or first else None, "filter": call.query.get("filter")}
        query = urlencode({name: value for name, value in sent.items() if value is not None})
        return f"/invoices?{query}" if query else "/invoices"

    has_next = size is not None and offset + size < len(found)
    return collection(
        [_invoice_to_wire(document) for document in shown],
        page(offset),
        next_link=link(page(offset + (size or 0))) if has_next else None,
        previous_link=link(page(max(0, offset - (size or offset)))) if offset else None,
    )


async def get(tx: Tx, ctx: Context, call: Call) -> wire.Invoice:
    """``GET invoices/{i}``."""
    return _invoice_to_wire(await service.get_document(tx, ctx, document_of(call)))


async def summary(tx: Tx, ctx: Context, call: Call) -> wire.InvoiceSummary:
    """``GET invoices/summary``: the balance in the partner's own currency (choice C-07)."""
    balances = await service.balances(tx, ctx.account.id)
    own = next((balance for balance in balances if balance.currency == ctx.account.currency), None)
    return _nothing_owed(ctx.account.currency) if own is None else _summary_to_wire(own)


async def summaries(tx: Tx, ctx: Context, call: Call) -> Collection[wire.InvoiceSummary]:
    """``GET invoices/summaries``: one for each currency that ever had an invoice."""
    balances = await service.balances(tx, ctx.account.id)
    return collection([_summary_to_wire(balance) for balance in balances], "/invoices/summaries")


async def estimate_links(tx: Tx, ctx: Context, call: Call) -> wire.EstimateLinks:
    """``GET invoices/estimates/links``: always the same four, for one currency."""
    currency = (call.query.get("currencyCode") or _unsent_currency(ctx, call)).strip().upper()
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise _invalid("currencyCode", "a currency such as USD is required.")
    items = [
        wire.EstimateLink(
            type=kind,
            title=in_locale(title, ctx.locale),
            description=in_locale(texts[period], ctx.locale),
            period=period.capitalize(),
            link=_unbilled_link(provider, line_type, currency, period),
        )
        for kind, provider, line_type, title, texts in (
            ("daily_rated_usage", "Marketplace", "UsageLineItems", USAGE_TITLE, USAGE_TEXT),
            ("non_consumption", "all", "billinglineitems", CHARGE_TITLE, CHARGE_TEXT),
        )
        for period in ("current", "previous")
    ]
    return wire.EstimateLinks(total_count=len(items), items=items, attributes=attributes("Collection"))


# From the wire


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    found = count(text)
    if found is None or not 1 <= found <= SIZE_MAX:
        raise _invalid("size", f"it must be 1 to {SIZE_MAX}.")
    return found


def _offset(text: str | None) -> int:
    found = count(text or "0")
    if found is None:
        raise _invalid("offset", "it must be a whole number, 0 or more.")
    return found


def _unsent_currency(ctx: Context, call: Call) -> str:
    """The account's own currency for the official Java SDK, which asks its caller for one and sends none."""
    client = (call.headers.get("MS-PartnerCenter-Client") or "").lower()
    return ctx.account.currency if client == JAVA else ""


def _filter(text: str | None) -> Callable[[Invoice], bool]:
    """Which invoices a filter lets through: their date is compared as text (choice C-05)."""
    if text is None:
        return lambda invoice: True
    try:
        condition = parse_filter(text)
    except FilterInvalid as error:
        raise _invalid("filter", f"{error}.") from error
    if not isinstance(condition, Condition):
        raise _invalid("filter", "one condition is expected.")
    if fold(condition.field) != FILTER_FIELD:
        raise _invalid("filter", f"{condition.field[:TEXT_MAX]} cannot be filtered by, InvoiceDate can.")
    value = condition.value.strip().upper()
    operator = condition.operator
    if operator in PARTS:
        return lambda invoice: PARTS[operator](_date_text(invoice), value)
    length = DATE_LENGTH if len(value) == DATE_LENGTH else None
    return lambda invoice: EQUALITY_AND_ORDER[operator](_date_text(invoice)[:length], value)


def _date_text(invoice: Invoice) -> str:
    return invoice.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _invalid(member: str, reason: str) -> Refusal:
    return Refusal(Code.INVALID_PROPERTY, member=member, reason=reason)


# To the wire


def _invoice_to_wire(document: BilledDocument) -> wire.Invoice:
    """A document; those that amend it stand inside it, without others inside them."""
    invoice = document.invoice
    amendments = [_invoice_to_wire(amendment) for amendment in document.amendments]
    return wire.Invoice(
        id=invoice.id,
        invoice_date=invoice.issued_at,
        billing_period_start_date=invoice.period_start,
        billing_period_end_date=invoice.period_end - SECOND,
        total_charges=_amount(invoice.total, invoice.currency),
        paid_amount=_amount(-document.paid, invoice.currency),
        currency_code=invoice.currency,
        currency_symbol=symbol(invoice.currency),
        pdf_download_link=f"/invoices/{invoice.id}/documents/statement",
        invoice_details=_details_to_wire(invoice),
        amendments=amendments or UNSET,
        document_type=invoice.document_type.value,
        amends_of=invoice.amends_id or UNSET,
        invoice_type=INVOICE_TYPE,
        state=invoice.state.value,
        links=self_links(f"/invoices/{INVOICE_TYPE}-{invoice.id}"),
        attributes=attributes("Invoice"),
    )


def _details_to_wire(invoice: Invoice) -> Sequence[wire.InvoiceDetail]:
    """One for each kind of lines that the document has (section 2.2)."""
    kinds = (
        (invoice.line_count, "billing_line_items", "one_time", "OneTime/BillingLineItems"),
        (invoice.consumption_count, "usage_line_items", "marketplace", "Marketplace/UsageLineItems"),
    )
    return [
        wire.InvoiceDetail(
            invoice_line_item_type=line_type,
            billing_provider=provider,
            links=self_links(f"/invoices/{INVOICE_TYPE}-{invoice.id}/lineitems/{path}"),
            attributes=attributes("InvoiceDetail"),
        )
        for line_count, line_type, provider, path in kinds
        if line_count
    ]


def _summary_to_wire(balance: Balance) -> wire.InvoiceSummary:
    """A balance; all of it is owed for one type of invoices, which stands below it once more."""
    inner = _balance_to_wire(balance)
    whole = _balance_to_wire(balance)
    whole.details = [wire.InvoiceSummaryDetail(invoice_type=INVOICE_TYPE, summary=inner)]
    whole.links = self_links("/invoices/summary")
    return whole


def _balance_to_wire(balance: Balance) -> wire.InvoiceSummary:
    return wire.InvoiceSummary(
        balance_amount=_amount(balance.amount, balance.currency),
        currency_code=balance.currency,
        currency_symbol=symbol(balance.currency),
        accounting_date=balance.accounting_at,
        first_invoice_creation_date=balance.first_invoice_at,
        last_payment_date=balance.last_payment_at or wire.NO_DATE,
        last_payment_amount=_amount(balance.last_payment_amount, balance.currency),
        latest_invoice_date=balance.latest_invoice_at,
        attributes=attributes("InvoiceSummary"),
    )


def _nothing_owed(currency: str) -> wire.InvoiceSummary:
    """The balance before the first invoice: zeros, and no dates."""
    return wire.InvoiceSummary(
        balance_amount=Decimal(0),
        currency_code=currency,
        currency_symbol=symbol(currency),
        accounting_date=wire.NO_DATE,
        first_invoice_creation_date=wire.NO_DATE,
        last_payment_date=wire.NO_DATE,
        last_payment_amount=Decimal(0),
        latest_invoice_date=wire.NO_DATE,
        details=[],
        links=self_links("/invoices/summary"),
        attributes=attributes("InvoiceSummary"),
    )


def _amount(minor: int, currency: str) -> Decimal:
    return Money(minor, currency).amount


def _unbilled_link(provider: str, line_type: str, currency: str, period: str) -> Link:
    parameters = {
        "provider": provider,
        "invoicelineitemtype": line_type,
        "currencycode": currency,
        "period": period,
        "size": str(PAGE_SIZE_MAX),
    }
    return link(f"/invoices/unbilled/lineitems?{urlencode(parameters)}")


HANDLERS: Mapping[str, Handler] = {
    "invoices.list": list_invoices,
    "invoices.get": get,
    "invoices.summary": summary,
    "invoices.summaries": summaries,
    "invoices.estimate_links": estimate_links,
}
