"""What a document says on paper: parties, totals, a row for each product, and the lines by customer.

Source: ``30-invoices-billing`` section 1.6. Everything is text in the reader's language when it leaves here;
``statement.typ`` only places it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from babel.core import Locale
from babel.dates import format_date, format_interval, format_skeleton
from babel.numbers import format_currency, format_decimal, format_percent

from comptoir.billing import statement_texts as texts
from comptoir.billing.invoice_model import DocumentState, DocumentType, Invoice, Party
from comptoir.billing.model import Line, LineKind, Subject
from comptoir.catalog.model import Contact, Publisher
from comptoir.core.money import Money, minor_digits

LINES_MAX = 2_000
"""How many lines are printed one by one; of more the reconciliation file tells."""

UNIT_DIGITS_MAX = 10
ONE_DAY = timedelta(days=1)


@dataclass(slots=True)
class _Product:
    name: str
    publisher: str
    charges: int = 0
    credits: int = 0


@dataclass(slots=True)
class _Customer:
    name: str
    place: str
    subtotal: int = 0
    tax: int = 0
    lines: list[tuple[Line, Subject]] = field(default_factory=list)


@dataclass(slots=True)
class Gathered:
    """A document's lines as they come in, in bounded memory: sums of all, details of the first ones."""

    products: dict[tuple[str, str], _Product] = field(default_factory=dict)
    customers: dict[str, _Customer] = field(default_factory=dict)
    publisher_ids: set[str] = field(default_factory=set)
    line_count: int = 0

    def add(self, line: Line, subject: Subject) -> None:
        """Take one line in. The document's lines come in their order."""
        self.line_count += 1
        self.publisher_ids.add(subject.publisher_id)
        key = (subject.product_id, subject.product_name)
        product = self.products.setdefault(key, _Product(subject.product_name, subject.publisher_name))
        if line.subtotal < 0:
            product.credits += line.subtotal
        else:
            product.charges += line.subtotal
        if self.line_count > LINES_MAX:
            return
        place = f"{subject.customer_country} · {line.customer_id}"
        customer = self.customers.setdefault(line.customer_id, _Customer(subject.customer_name, place))
        customer.subtotal += line.subtotal
        customer.tax += line.tax
        customer.lines.append((line, subject))


@dataclass(frozen=True, slots=True)
class Paper:
    """What the lines do not say. ``seller`` are the lines of whoever runs the marketplace, its name first;
    ``culture`` is the partner's, such as ``fr-FR``; ``paid`` is in minor units.
    """

    seller: tuple[str, ...]
    culture: str
    paid: int
    publishers: tuple[Publisher, ...]


def render(invoice: Invoice, gathered: Gathered, paper: Paper) -> str:
    """The JSON text that ``statement.typ`` is given. The same facts give the same text."""
    writer = _Writer(invoice, _locale(paper.culture))
    return json.dumps(writer.document(gathered, paper), ensure_ascii=False, sort_keys=True)


def _locale(culture: str) -> Locale:
    """The reader's locale if its language is one that we have the words of, else American English."""
    language, _, territory = culture.replace("_", "-").partition("-")
    if language.lower() not in texts.WORDS:
        return Locale("en", "US")
    try:
        return Locale.parse(f"{language.lower()}_{territory.upper()}" if territory else language.lower())
    except ValueError:
        return Locale(language.lower())


class _Writer:
    """Writes one document in one language."""

    def __init__(self, invoice: Invoice, locale: Locale) -> None:
        self._invoice = invoice
        self._locale = locale
        self._words = texts.WORDS[locale.language]

    def document(self, gathered: Gathered, paper: Paper) -> Mapping[str, object]:
        invoice, words = self._invoice, self._words
        kind = words[_kind(invoice)]
        shown = sum(len(customer.lines) for customer in gathered.customers.values())
        bill_to = _address(invoice.content.bill_to, self._locale)
        return {
            "language": self._locale.language,
            "texts": words,
            "title": f"{kind} {invoice.id}",
            "kind": kind,
            "number": invoice.id,
            "notice": "" if invoice.amends_id is None else f"{words['amends']} {invoice.amends_id}",
            "seller": list(paper.seller),
            "bill_to": bill_to,
            "sold_to": bill_to,
            "page": words["page"],
            "facts": self._facts(),
            "totals": self._totals(gathered, paper.paid),
            "products": [self._product(gathered.products[key]) for key in sorted(gathered.products)],
            "taxes": self._taxes(),
            "rates": self._rates(),
            "terms": words["terms"].format(days=invoice.content.payment_days),
            "customers": [self._customer(customer) for customer in gathered.customers.values()],
            "omitted": self._omitted(gathered.line_count - shown),
            "publishers": [_publisher(each) for each in paper.publishers],
        }

    def _facts(self) -> list[tuple[str, str]]:
        invoice, words, content = self._invoice, self._words, self._invoice.content
        facts = [
            (words["date"], self._day(invoice.issued_at)),
            (words["billing_period"], self._period(invoice.period_start, invoice.period_end)),
            (words["due"], self._day(invoice.due_at)),
            (words["currency"], invoice.currency),
            (words["partner_id"], content.bill_to.mpn_id),
            (words["purchase_order"], content.purchase_order),
            (words["reason"], content.reason),
        ]
        return [(name, value) for name, value in facts if value]

    def _totals(self, gathered: Gathered, paid: int) -> list[tuple[str, str]]:
        invoice, words = self._invoice, self._words
        charges = sum(product.charges for product in gathered.products.values())
        credited = sum(product.credits for product in gathered.products.values())
        totals = [
            (words["charges"], charges),
            (words["credits"], credited),
            (words["subtotal"], invoice.subtotal),
            (words["tax"], invoice.tax),
            (words["total"], invoice.total),
        ]
        if paid:
            totals += [(words["paid"], -paid), (words["balance"], invoice.total - paid)]
        return [(name, self._money(amount)) for name, amount in totals]

    def _product(self, product: _Product) -> Mapping[str, str]:
        return {
            "name": product.name,
            "publisher": product.publisher,
            "charges": self._plain(product.charges),
            "credits": self._plain(product.credits),
            "net": self._plain(product.charges + product.credits),
        }

    def _taxes(self) -> list[Mapping[str, str]]:
        return [
            {
                "rate": str(format_percent(total.rate, locale=self._locale, decimal_quantization=False)),
                "taxable": self._plain(total.subtotal),
                "tax": self._plain(total.tax),
            }
            for total in self._invoice.content.tax_totals
        ]

    def _rates(self) -> list[Mapping[str, str]]:
        return [
            {
                "currencies": f"{each.pricing_currency} → {self._invoice.currency}",
                "month": self._month(each.rate_at, each.month),
                "rate": self._number(each.rate),
            }
            for each in self._invoice.content.conversions
            if each.month
        ]

    def _month(self, charged_at: datetime, known_month: int) -> str:
        """The month of the charges, and where that had no rate yet, the month whose rate was taken."""
        month = str(format_skeleton("yMMM", charged_at, locale=self._locale))
        if known_month == charged_at.year * 100 + charged_at.month:
            return month
        year, number = divmod(known_month, 100)
        known = format_skeleton("yMMM", charged_at.replace(year=year, month=number), locale=self._locale)
        return f"{month} ({self._words['as_of']} {known})"

    def _customer(self, customer: _Customer) -> Mapping[str, object]:
        return {
            "name": customer.name,
            "place": customer.place,
            "lines": [self._line(line, subject) for line, subject in customer.lines],
            "sum_label": self._words["subtotal"],
            "subtotal": self._plain(customer.subtotal),
            "tax": self._plain(customer.tax),
        }

    def _line(self, line: Line, subject: Subject) -> Mapping[str, str]:
        unit_price = self._price(line.unit_price, line.pricing_currency)
        return {
            "date": str(format_skeleton("MMMd", line.order_date, locale=self._locale)),
            "item": f"{subject.product_name} – {subject.sku_name}",
            "event": self._event(line, subject),
            "period": self._period(line.charge_start_at, line.charge_end_at),
            "quantity": self._number(line.billable_quantity),
            "unit_price": unit_price,
            "amount": self._plain(line.subtotal),
            "tax": self._plain(line.tax),
        }

    def _event(self, line: Line, subject: Subject) -> str:
        if line.kind is LineKind.USAGE:
            return f"{subject.meter_name} ({subject.unit_of_measure})"
        parts = [self._words[line.charge_type.value]]
        if line.billing_days != line.cycle_days:
            parts.append(self._words["days"].format(days=line.billing_days, cycle=line.cycle_days))
        if line.price_adjustment:
            parts.append(self._words["private_offer"])
        if line.credit_reason:
            parts.append(line.credit_reason)
        return " · ".join(parts)

    def _omitted(self, count: int) -> str:
        return self._words["omitted"].format(count=count) if count > 0 else ""

    def _money(self, minor: int) -> str:
        amount = Money(minor, self._invoice.currency).amount
        return str(format_currency(amount, self._invoice.currency, locale=self._locale))

    def _plain(self, minor: int) -> str:
        """An amount without its currency, which stands above the table."""
        money = Money(minor, self._invoice.currency).amount
        digits = -int(money.as_tuple().exponent)
        pattern = "#,##0" + (f".{'0' * digits}" if digits > 0 else "")
        return str(format_decimal(money, format=pattern, locale=self._locale))

    def _price(self, price: Decimal, currency: str) -> str:
        """All digits of a price, at least those of the currency."""
        whole = minor_digits(currency)
        pattern = f"#,##0.{'0' * whole}{'#' * (UNIT_DIGITS_MAX - whole)}"
        return f"{format_decimal(price, format=pattern, locale=self._locale)} {currency}"

    def _number(self, number: Decimal) -> str:
        return str(format_decimal(number, format=f"#,##0.{'#' * UNIT_DIGITS_MAX}", locale=self._locale))

    def _day(self, instant: datetime) -> str:
        return str(format_date(instant, "long", locale=self._locale))

    def _period(self, start: datetime, end: datetime) -> str:
        """From the first to the last day; ``end`` is exclusive."""
        return str(format_interval(start.date(), (end - ONE_DAY).date(), "yMMMd", locale=self._locale))


def _kind(invoice: Invoice) -> str:
    if invoice.document_type is DocumentType.ADJUSTMENT_NOTE:
        return "credit_note" if invoice.total < 0 else "adjustment_note"
    return "void_invoice" if invoice.state is DocumentState.VOID else "invoice"


def _address(party: Party, locale: Locale) -> list[str]:
    city = " ".join(part for part in (party.postal_code, party.city, party.state) if part)
    country = locale.territories.get(party.country, party.country)
    return [part for part in (party.name, party.line1, city, country) if part]


def _publisher(publisher: Publisher) -> Mapping[str, object]:
    contact = publisher.support or Contact(email="")
    return {"name": publisher.name, "details": [part for part in (contact.email, contact.url) if part]}
