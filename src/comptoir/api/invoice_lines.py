"""Lines of invoices over HTTP, billed and unbilled: pages of up to 2,000.

The pages are the largest answers there are, so their lines are made by position, and what many lines share
(dates, prices, whom and what they are about) is made once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, partial
from urllib.parse import urlencode

import msgspec

from comptoir.api.call import Answer, Call, Handler
from comptoir.api.reading import count
from comptoir.api.remembering import Remembered
from comptoir.billing import service_reading as service
from comptoir.billing.calendar import month_end, month_of, month_start
from comptoir.billing.reading import (
    PAGE_SIZE_MAX,
    LineQuery,
    LineType,
    Period,
    Provider,
    SeekOperation,
    Walk,
    document_number,
    token_end,
)
from comptoir.billing.service_reading import LinePage
from comptoir.core.accounts import UnbilledTotals
from comptoir.core.context import Context
from comptoir.core.errors import Code, Refusal
from comptoir.core.instants import from_micros
from comptoir.core.money import minor_digits
from comptoir.db import Tx
from comptoir.wire import codec
from comptoir.wire import invoices as wire
from comptoir.wire.enums import E, UnknownValue, parse_enum
from comptoir.wire.numbers import number
from comptoir.wire.types import Collection, KeyValue, attributes, collection, link

Result = Answer | Remembered

DAY_MICROS = 24 * 60 * 60 * 1_000_000
UNBILLED = "unbilled"
FLAGS = {"true": True, "false": False}

ZERO = Decimal(0)
NO_CREDIT = "Credit Not Applied"
CHARGE_TYPE = "new"
CHARGE = "Charge"
METER_CATEGORY = "SaaS"
CONSUMED_SERVICE = "Microsoft.SaaS"
RESOURCE = "/providers/Microsoft.SaaS/saasresources/"
ONE_TIME = "one_time"
ONE_TIME_OF_OLD = "onetime"
JAVA = "partner center java sdk"
JAVA_READS_ONE_TIME = (1, 15, 4)
"""The first version of the Java SDK that knows charges by the documented name of their provider."""

MARKETPLACE = "marketplace"
_CHARGE_ATTRIBUTES = attributes("OneTimeInvoiceLineItem")
_USAGE_ATTRIBUTES = attributes("DailyRatedUsageLineItem")


async def unbilled(tx: Tx, ctx: Context, call: Call) -> Result:
    """``GET invoices/unbilled/lineitems``."""
    return await _answer(tx, ctx, call, _asked(ctx, call, ""), "/invoices/unbilled/lineitems")


async def lines(tx: Tx, ctx: Context, call: Call) -> Result:
    """``GET invoices/{i}/lineitems``."""
    invoice_id = document_of(call)
    return await _answer(tx, ctx, call, _asked(ctx, call, invoice_id), f"/invoices/{invoice_id}/lineitems")


async def lines_by_path(tx: Tx, ctx: Context, call: Call) -> Result:
    """``GET invoices/{i}/lineitems/{provider}/{type}``: the same, named in the path."""
    is_unbilled = call.path["invoice_id"].lower() == UNBILLED
    invoice_id = "" if is_unbilled else document_of(call)
    walk = _asked(ctx, call, invoice_id, in_path=True)
    kind = f"{call.path['provider']}/{call.path['line_item_type']}"
    return await _answer(tx, ctx, call, walk, f"/invoices/{invoice_id or UNBILLED}/lineitems/{kind}")


@dataclass(frozen=True, slots=True)
class _Form:
    """How a page is written: where its links lead, what unbilled lines say, what charges are called."""

    path: str
    is_in_path: bool
    totals: UnbilledTotals
    one_time: str


async def _answer(tx: Tx, ctx: Context, call: Call, walk: Walk, path: str) -> Result:
    """A page that never changes is made once for all who ask within a few minutes."""
    begun = await service.begin(tx, ctx, walk)
    form = _Form(path, "provider" in call.path, ctx.account.settings.unbilled_totals, _one_time(call))
    make = partial(_made, tx, ctx, begun, form)
    if not begun.is_settled:
        return await make()
    return Remembered((ctx.account.id, begun, form, token_end(ctx.wall)), make)


async def _made(tx: Tx, ctx: Context, walk: Walk, form: _Form) -> Answer:
    page = await service.read_page(tx, ctx, walk)
    return Answer(codec.encode_finite(_page_to_wire(ctx, page, form)))


def _one_time(call: Call) -> str:
    """What the provider of charges is called: older Java SDKs do not know it by its documented name.

    They compare it with how they write it in addresses, and lose the whole answer.
    """
    client = (call.headers.get("MS-PartnerCenter-Client") or "").lower()
    version = tuple(map(count, (call.headers.get("MS-SdkVersion") or "").split(".")))
    is_old = client == JAVA and None not in version and version < JAVA_READS_ONE_TIME
    return ONE_TIME_OF_OLD if is_old else ONE_TIME


# From the wire


def document_of(call: Call) -> str:
    """The document that the path names."""
    written = call.path["invoice_id"]
    found = document_number(written)
    if found is None:
        raise Refusal(Code.INVOICE_NOT_FOUND, invoice_id=written[:100])
    return found


def _asked(ctx: Context, call: Call, invoice_id: str, *, in_path: bool = False) -> Walk:
    """The page that a call means: the first one, or the one that its token leads to (section 1.8)."""
    operation = _choice(call.query.get("seekOperation"), SeekOperation, "seekOperation")
    if operation not in {None, SeekOperation.FIRST, SeekOperation.NEXT}:
        raise _invalid("seekOperation", "lines are sought by First and Next.")
    token = call.headers.get(wire.TOKEN_HEADER)
    if operation is SeekOperation.FIRST or (operation is None and token is None):
        offset = _offset(call.query.get("offset")) if in_path else 0
        return Walk(_query(call, invoice_id, in_path=in_path), offset=offset)
    if token is None:
        raise _invalid(wire.TOKEN_HEADER, "the next page needs the token of the one before.")
    query = _query(call, invoice_id, in_path=in_path) if in_path or call.query.get("provider") else None
    return service.resume(ctx, invoice_id, query, token)


def _query(call: Call, invoice_id: str, *, in_path: bool) -> LineQuery:
    named = call.path.get if in_path else call.query.get
    kind = named("line_item_type" if in_path else "invoiceLineItemType")
    return LineQuery(
        invoice_id=invoice_id,
        provider=_needed(_choice(named("provider"), Provider, "provider"), "provider"),
        line_type=_needed(_choice(kind, LineType, "invoiceLineItemType"), "invoiceLineItemType"),
        currency=currency_code(call.query.get("currencyCode"), is_needed=not invoice_id),
        period=None if invoice_id else _period(call.query.get("period")),
        earned_credit=_flag(call.query.get("hasPartnerEarnedCredit"), "hasPartnerEarnedCredit"),
        size=_size(call.query.get("size")),
    )


def _choice(text: str | None, kind: type[E], member: str) -> E | None:
    try:
        return parse_enum(kind, text)
    except UnknownValue as error:
        known = ", ".join(kind)
        raise _invalid(member, f"{str(error.value)[:100]} is none of {known}.") from error


def _needed(value: E | None, member: str) -> E:
    if value is None:
        raise _invalid(member, "it is required.")
    return value


def currency_code(text: str | None, *, is_needed: bool) -> str:
    """An ISO 4217 code in upper case; of a document any text, since another currency has no lines."""
    code = (text or "").strip().upper()
    if is_needed and not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise _invalid("currencyCode", "a currency such as USD is required.")
    return code


def _period(text: str | None) -> Period:
    """``last`` is another word for the previous period; without one it is the current (choice C-10)."""
    found = _choice(text, Period, "period")
    return Period.CURRENT if found in {None, Period.CURRENT} else Period.PREVIOUS


def _flag(text: str | None, member: str) -> bool:
    found = FLAGS.get((text or "false").strip().lower())
    if found is None:
        raise _invalid(member, "it must be true or false.")
    return found


def _size(text: str | None) -> int:
    """How many lines a page holds; more than 2,000 are cut to that (choice C-11)."""
    if text is None:
        return PAGE_SIZE_MAX
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()) or not digits.strip("0"):
        raise _invalid("size", "it must be a whole number, 1 or more.")
    return min(PAGE_SIZE_MAX, count(digits.lstrip("0")) or PAGE_SIZE_MAX)


def _offset(text: str | None) -> int:
    found = count(text or "0")
    if found is None:
        raise _invalid("offset", "it must be a whole number, 0 or more.")
    return found


def _invalid(member: str, reason: str) -> Refusal:
    return Refusal(Code.INVALID_PROPERTY, member=member, reason=reason)


# To the wire


def items_to_wire(ctx: Context, page: LinePage, one_time: str = ONE_TIME) -> Sequence[wire.LineItem]:
    """The lines of a page, of whichever kind; ``one_time`` is what the provider of charges is called."""
    return _charges_to_wire(ctx, page, one_time) or _usage_to_wire(ctx, page)


def _page_to_wire(ctx: Context, page: LinePage, form: _Form) -> Collection[wire.LineItem]:
    items = items_to_wire(ctx, page, form.one_time)
    parameters = _parameters(page.query, in_path=form.is_in_path)
    token = page.token or ""
    more = f"{form.path}?{urlencode({**parameters, 'seekOperation': 'Next'})}"
    next_link = link(more, headers=[KeyValue(key=wire.TOKEN_HEADER, value=token)]) if token else None
    self_uri = f"{form.path}?{urlencode(parameters)}"
    return collection(items, self_uri, next_link=next_link, continuation_token=token)


def _parameters(query: LineQuery, *, in_path: bool) -> Mapping[str, str]:
    """The query of a page's links, in the documents' spelling."""
    named = {} if in_path else {"provider": query.provider, "invoicelineitemtype": query.line_type}
    currency = {"currencycode": query.currency} if query.currency else {}
    period = {} if query.period is None else {"period": query.period}
    credit = {"hasPartnerEarnedCredit": "true"} if query.earned_credit else {}
    return {**named, **currency, **period, "size": str(query.size), **credit}


def _charges_to_wire(ctx: Context, page: LinePage, one_time: str) -> Sequence[wire.OneTimeInvoiceLineItem]:
    invoice_id = page.query.invoice_id
    is_estimated = ctx.account.settings.unbilled_totals is UnbilledTotals.ESTIMATED
    instants, days = _Instants(), _Days()
    items = []
    for row in page.reconciliation:
        about = page.subjects[row.subject_id]
        unit = _minor_unit(row.currency)
        subtotal = row.subtotal * unit
        if invoice_id:
            tax, total = row.tax * unit, (row.subtotal + row.tax) * unit
        else:
            tax, total = ZERO, subtotal if is_estimated else ZERO
        items.append(
            wire.OneTimeInvoiceLineItem(
                ctx.account.id,
                row.customer_id,
                about.customer_name,
                about.customer_domain,
                about.customer_country,
                invoice_id,
                about.mpn_id,
                _reseller_number(about.reseller_mpn_id),
                about.order_id,
                instants[row.order_date],
                about.product_id,
                about.sku_id,
                about.availability_id,
                about.product_name,
                about.sku_name,
                about.product_qualifiers,
                row.charge_type,
                number(row.unit_price),
                number(row.effective_unit_price),
                about.unit_of_measure,
                row.quantity,
                number(row.billable_quantity),
                subtotal,
                tax,
                total,
                row.currency,
                about.publisher_name,
                about.publisher_id,
                about.subscription_description,
                row.subscription_id,
                days[row.term_start_at],
                days[row.term_end_at - 1],
                days[row.charge_start_at],
                days[row.charge_end_at - 1],
                about.term_and_billing_cycle,
                about.alternate_id,
                row.reference_id,
                row.price_adjustment,
                "",  # discountDetails
                row.pricing_currency,
                number(row.exchange_rate),
                days[row.exchange_rate_at],
                about.meter_name,
                about.billing_frequency,
                "",  # reservationOrderId
                row.credit_reason,
                "",  # promotionId
                one_time,
                _CHARGE_ATTRIBUTES,
            )
        )
    return items


def _usage_to_wire(ctx: Context, page: LinePage) -> Sequence[wire.DailyRatedUsageLineItem]:
    days = _Days()
    items = []
    for row in page.consumption:
        about = page.subjects[row.subject_id]
        usage_date = days[row.usage_on]
        month = month_of(usage_date)
        items.append(
            wire.DailyRatedUsageLineItem(
                ctx.account.id,
                about.partner_name,
                row.customer_id,
                about.customer_name,
                about.customer_domain,
                about.customer_country,
                page.query.invoice_id,
                about.product_id,
                about.sku_id,
                about.availability_id,
                about.sku_name,
                about.product_name,
                about.publisher_name,
                about.publisher_id,
                row.subscription_id,
                about.subscription_description,
                _first_day(month),
                _day_after(month),
                usage_date,
                f"1 {about.unit_of_measure}",
                METER_CATEGORY,
                row.dimension_id,
                about.product_name,
                about.meter_name,
                "",  # meterRegion
                about.unit_of_measure,
                "",  # resourceLocation
                CONSUMED_SERVICE,
                "",  # resourceGroup
                RESOURCE + row.subscription_id,
                "",  # tags
                _additional_info(about.plan_id, row.dimension_id, row.event_count, row.is_late),
                "",  # serviceInfo1
                "",  # serviceInfo2
                about.mpn_id,
                about.reseller_mpn_id,
                CHARGE_TYPE,
                number(row.unit_price),
                number(row.effective_unit_price),
                number(row.quantity),
                about.unit_of_measure,
                number(row.billing_total),
                row.currency,
                number(row.pricing_total),
                row.pricing_currency,
                "",  # entitlementId
                "",  # entitlementDescription
                number(row.exchange_rate),
                days[row.exchange_rate_at],
                ZERO,  # rateOfPartnerEarnedCredit
                False,  # hasPartnerEarnedCredit
                ZERO,  # rateOfCredit
                NO_CREDIT,
                "",  # benefitOrderId
                "",  # benefitId
                CHARGE,
                MARKETPLACE,
                _USAGE_ATTRIBUTES,
            )
        )
    return items


class _Instants(dict[int, datetime]):
    """Stored instants as dates, each made once."""

    def __missing__(self, micros: int) -> datetime:
        made = self[micros] = from_micros(micros)
        return made


class _Days(dict[int, datetime]):
    """Stored instants as the beginning of their day, each made once."""

    def __missing__(self, micros: int) -> datetime:
        made = self[micros] = from_micros(micros - micros % DAY_MICROS)
        return made


@lru_cache(maxsize=128)
def _minor_unit(currency: str) -> Decimal:
    """The smallest unit of a currency: 0.01 for EUR."""
    return Decimal(1).scaleb(-minor_digits(currency))


@lru_cache(maxsize=1_024)
def _reseller_number(mpn_id: str) -> int:
    """The reseller of record as the number that .NET expects here: 0 for none."""
    return int(mpn_id) if mpn_id.isascii() and mpn_id.isdigit() else 0


@lru_cache(maxsize=128)
def _first_day(month: int) -> datetime:
    return month_start(month)


@lru_cache(maxsize=128)
def _day_after(month: int) -> datetime:
    """The first day of the following month, which consumption lines give as their end."""
    return month_end(month)


@lru_cache(maxsize=4_096)
def _additional_info(plan_id: str, dimension_id: str, event_count: int, is_late: int) -> str:
    """A flat JSON object as text, all values texts: Java and PowerShell parse it into a map (hazard 6)."""
    info = {
        "planId": plan_id,
        "dimension": dimension_id,
        "eventCount": str(event_count),
        "late": "true" if is_late else "false",
    }
    return msgspec.json.encode(info).decode()


HANDLERS: Mapping[str, Handler] = {
    "invoices.unbilled": unbilled,
    "invoices.lines": lines,
    "invoices.lines_by_path": lines_by_path,
}
