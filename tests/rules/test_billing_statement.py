"""What a document says on paper, and the paper itself."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pypdf
import pytest

from comptoir.billing import service_printing, statement
from comptoir.billing.invoice_model import (
    Content,
    Conversion,
    DocumentState,
    DocumentStatus,
    DocumentType,
    Invoice,
    Party,
    TaxTotal,
)
from comptoir.billing.model import ChargeType, Line, LineKind, Rates, Subject
from comptoir.catalog.model import Contact, Publisher
from comptoir.core.accounts import TaxMode

JUNE = datetime(2025, 6, 1, tzinfo=UTC)
ISSUED = datetime(2025, 7, 8, tzinfo=UTC)
PAPER = statement.Paper(
    seller=("Comptoir de Marseille", "1 quai du Port", "13002 Marseille"),
    culture="en-US",
    paid=0,
    publishers=(Publisher("beacon", "Beacon Labs", "t", "a", Contact("help@beacon.example")),),
)


def _invoice(currency: str = "EUR", **changes: Any) -> Invoice:
    invoice = Invoice(
        account_id="partner",
        id="G000410273",
        month=202506,
        currency=currency,
        document_type=DocumentType.INVOICE,
        state=DocumentState.ACTIVE,
        status=DocumentStatus.ISSUED,
        amends_id=None,
        issued_at=ISSUED,
        line_sequence=8,
        tax_mode=TaxMode.ROW,
        subtotal=68_629,
        tax=13_725,
        total=82_354,
        line_count=8,
        consumption_count=0,
        content=Content(
            bill_to=Party(
                name="Atelier Lumière",
                mpn_id="6120044",
                line1="4 rue Noël",
                postal_code="69001",
                city="Lyon",
                country="FR",
            ),
            tax_totals=(TaxTotal(Decimal("0.2"), 8, 68_629, 13_725),),
            conversions=(Conversion("USD", JUNE, Decimal("0.846202666"), 202506),),
        ),
    )
    return replace(invoice, **changes)


def _subject(customer: str = "Librairie", **changes: Any) -> Subject:
    subject = Subject(
        partner_name="Atelier Lumière",
        mpn_id="6120044",
        reseller_mpn_id="",
        customer_name=customer,
        customer_domain="c.example",
        customer_country="FR",
        order_id="o",
        alternate_id="a81c5e09d274",
        product_id="DZH318Z0K7QX",
        sku_id="0004",
        availability_id="DZH318Z0K9TP",
        product_name="Beacon Tickets",
        sku_name="Team plan",
        product_qualifiers=(),
        publisher_id="beacon",
        publisher_name="Beacon Labs",
        subscription_description="",
        term_and_billing_cycle="1 Month Subscription",
        billing_frequency="Monthly",
    )
    return replace(subject, **changes)


def _line(subtotal: int = -5_976, **changes: Any) -> Line:
    line = Line(
        id="l",
        customer_id="b46d3f18-90a7-4a52-8c1d-6e2f7a5503c9",
        subscription_id="s",
        publisher_id="beacon",
        subject_id="x",
        kind=LineKind.LICENCE,
        charge_type=ChargeType.ADD_QUANTITY,
        reference_id="r",
        position=0,
        order_date=datetime(2025, 6, 21, 9, 14, 7, tzinfo=UTC),
        bill_month=202506,
        term_start_at=datetime(2025, 6, 11, 8, tzinfo=UTC),
        term_end_at=datetime(2025, 7, 11, tzinfo=UTC),
        charge_start_at=datetime(2025, 6, 21, tzinfo=UTC),
        charge_end_at=datetime(2025, 7, 11, tzinfo=UTC),
        billing_days=20,
        cycle_days=30,
        quantity=6,
        billable_quantity=Decimal(6),
        unit_price=Decimal("14.95"),
        net_price=Decimal("14.95"),
        effective_unit_price=Decimal("-9.9666666667"),
        pricing_currency="EUR",
        currency="EUR",
        rates=Rates(Decimal(1), JUNE, 0, Decimal("0.2")),
        subtotal=subtotal,
        sequence=2,
        tax=-1_195,
        invoice_id="G000410273",
    )
    return replace(line, **changes)


def _rendered(gathered: statement.Gathered, invoice: Invoice | None = None, **paper: Any) -> Any:
    return json.loads(statement.render(invoice or _invoice(), gathered, replace(PAPER, **paper)))


def _gathered(*entries: tuple[Line, Subject]) -> statement.Gathered:
    gathered = statement.Gathered()
    for line, subject in entries:
        gathered.add(line, subject)
    return gathered


def test_says_parties_period_and_totals() -> None:
    printed = _rendered(_gathered((_line(), _subject()), (_line(8_964), _subject())))
    assert printed["title"] == "Invoice G000410273"
    assert printed["bill_to"] == ["Atelier Lumière", "4 rue Noël", "69001 Lyon", "France"]
    assert dict(printed["facts"]) == {
        "Date": "July 8, 2025",
        "Billing period": "Jun 1\u2009–\u200930, 2025",
        "Payment due": "September 6, 2025",
        "Currency": "EUR",
        "Partner ID": "6120044",
    }
    assert printed["totals"] == [
        ["Charges", "€89.64"],
        ["Credits", "-€59.76"],
        ["Subtotal", "€686.29"],
        ["Tax", "€137.25"],
        ["Total", "€823.54"],
    ]
    assert printed["taxes"] == [{"rate": "20%", "taxable": "686.29", "tax": "137.25"}]
    assert printed["rates"] == [{"currencies": "USD → EUR", "month": "Jun 2025", "rate": "0.846202666"}]
    assert printed["products"] == [
        {
            "name": "Beacon Tickets",
            "publisher": "Beacon Labs",
            "charges": "89.64",
            "credits": "-59.76",
            "net": "29.88",
        }
    ]


def test_a_line_says_what_it_charges() -> None:
    (customer,) = _rendered(_gathered((_line(), _subject())))["customers"]
    (line,) = customer["lines"]
    assert line == {
        "date": "Jun 21",
        "item": "Beacon Tickets – Team plan",
        "event": "Seats added · 20 of 30 days",
        "period": "Jun 21\u2009–\u2009Jul 10, 2025",
        "quantity": "6",
        "unit_price": "14.95 EUR",
        "amount": "-59.76",
        "tax": "-11.95",
    }
    assert (customer["subtotal"], customer["tax"]) == ("-59.76", "-11.95")


def test_usage_names_its_meter() -> None:
    subject = _subject(meter_name="Tickets - Team - Scans", unit_of_measure="per 100 scans")
    line = _line(kind=LineKind.USAGE, charge_type=ChargeType.NEW, billable_quantity=Decimal("1830.25"))
    (customer,) = _rendered(_gathered((line, subject)))["customers"]
    assert customer["lines"][0]["event"] == "Tickets - Team - Scans (per 100 scans)"
    assert customer["lines"][0]["quantity"] == "1,830.25"


def test_speaks_the_partner_s_language() -> None:
    printed = _rendered(_gathered((_line(), _subject())), culture="fr-FR")
    assert printed["kind"] == "Facture"
    assert printed["totals"][4] == ["Total", "823,54\u00a0€"]
    assert dict(printed["facts"])["Date"] == "8 juillet 2025"


@pytest.mark.parametrize("culture", ["xx-YY", "ja-JP", "", "en", "fr-ZZ", "-"])
def test_any_culture_has_words(culture: str) -> None:
    assert _rendered(_gathered((_line(), _subject())), culture=culture)["kind"] in {"Invoice", "Facture"}


def test_a_currency_without_minor_unit_has_no_decimals() -> None:
    printed = _rendered(_gathered((_line(5_598), _subject())), _invoice("JPY", total=6_157))
    assert printed["products"][0]["net"] == "5,598"
    assert printed["totals"][4] == ["Total", "¥6,157"]


def test_says_which_document_is_amended() -> None:
    invoice = _invoice(document_type=DocumentType.ADJUSTMENT_NOTE, amends_id="G000410273", total=74_229)
    printed = _rendered(_gathered(), invoice)
    assert (printed["kind"], printed["notice"]) == ("Adjustment note", "Amends G000410273")
    assert _rendered(_gathered(), replace(invoice, total=-1))["kind"] == "Credit note"
    assert _rendered(_gathered(), _invoice(state=DocumentState.VOID))["kind"] == "Invoice (void)"


def test_says_what_was_paid() -> None:
    printed = _rendered(_gathered(), paid=80_000)
    assert printed["totals"][5:] == [["Paid", "-€800.00"], ["Balance due", "€23.54"]]


def test_an_older_exchange_rate_is_named() -> None:
    content = replace(_invoice().content, conversions=(Conversion("USD", JUNE, Decimal("0.9"), 202503),))
    printed = _rendered(_gathered(), _invoice(content=content))
    assert printed["rates"][0]["month"] == "Jun 2025 (as of Mar 2025)"


def test_only_so_many_lines_are_printed_but_all_are_summed() -> None:
    entries = [(_line(100, tax=20), _subject())] * (statement.LINES_MAX + 3)
    printed = _rendered(_gathered(*entries))
    assert len(printed["customers"][0]["lines"]) == statement.LINES_MAX
    assert printed["products"][0]["net"] == "2,003.00"
    assert printed["omitted"] == "3 more lines are in the reconciliation file."


def test_the_pdf_has_every_name_and_the_same_bytes_each_time() -> None:
    names = [
        "Librairie des Deux Rives",
        "株式会社星川書店",
        "Книжный дом",
        "Ελληνικό βιβλιοπωλείο",
        "서울 서점",
    ]
    entries = [
        (_line(customer_id=f"c{place}"), _subject(name))
        for place, name in enumerate(names)
        for _ in range(40)
    ]
    text = statement.render(_invoice(), _gathered(*entries), PAPER)
    printed = service_printing.pdf(text, ISSUED)
    assert service_printing.pdf(text, ISSUED) == printed
    document = pypdf.PdfReader(io.BytesIO(printed))
    pages = [page.extract_text() for page in document.pages]
    assert len(pages) > 5
    whole = "\n".join(pages)
    for name in names:
        assert name in whole
    assert "Comptoir de Marseille" in pages[0]
    assert "help@beacon.example" in pages[-1]
    assert f"{len(pages)} / {len(pages)}" in pages[-1].replace("Page", "").replace("  ", " ")


def test_the_pdf_takes_texts_as_they_are() -> None:
    """What looks like markup or an escape in a name is printed, not obeyed."""
    name = '#panic() *bold* _x_ $1$ <label> @ref \\ "quoted" //'
    printed = service_printing.pdf(
        statement.render(_invoice(), _gathered((_line(), _subject(name))), PAPER), ISSUED
    )
    whole = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(printed)).pages)
    assert "#panic() *bold*" in whole
