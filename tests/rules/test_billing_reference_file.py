"""Files of exchange rates, tax rates and private offers."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.billing.model import ExchangeRate, TaxRate
from comptoir.billing.reference_file import read_tables

EXCHANGE = "CurrencyCode,USDPerUnit,Month\n"
TAX = "CountryCode,TaxRate,ValidFrom,TaxName\n"
OFFER = "Account,Publisher,Offer,Plan,ValidFrom,ValidUntil,Margin,Price\n"


def test_takes_exchange_rates_in_the_published_columns() -> None:
    text = '\ufeff"CurrencyCode","USDPerUnit","Month"\r\n"EUR","1.090000",202507\r\nJPY,0.0066,202508\r\n'
    tables = read_tables([("fx.csv", text)])
    assert tables.errors == []
    assert tables.exchange_rates == [
        ExchangeRate("EUR", 202507, Decimal("1.090000")),
        ExchangeRate("JPY", 202508, Decimal("0.0066")),
    ]


def test_takes_tax_rates() -> None:
    tables = read_tables([("tax.csv", TAX + "FR,0.20,2014-01-01,TVA\n")])
    assert tables.tax_rates == [TaxRate("FR", datetime(2014, 1, 1, tzinfo=UTC), Decimal("0.20"), "TVA")]


def test_takes_private_offers_by_margin_or_price() -> None:
    rows = "acme,pub,desk,team,2025-01-01,2026-01-01,0.125,\nacme,pub,desk,solo,2025-01-01,,,9.50\n"
    first, second = read_tables([("offers.csv", OFFER + rows)]).private_offers
    assert (first.margin, first.price, first.valid_until) == (
        Decimal("0.125"),
        None,
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert (second.margin, second.price, second.valid_until) == (None, Decimal("9.50"), None)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a,b\n1,2\n", 1, "the first line must be"),
        ("", 1, "the first line must be"),
        (EXCHANGE + "eur,1.09,202507\n", 2, "three capital letters"),
        (EXCHANGE + "EUR,1.09,202513\n", 2, "a month as YYYYMM"),
        (EXCHANGE + "EUR,1e3,202507\n", 2, "decimal number"),
        (EXCHANGE + "EUR,NaN,202507\n", 2, "decimal number"),
        (EXCHANGE + "EUR,-1,202507\n", 2, "decimal number"),
        (EXCHANGE + "EUR,0,202507\n", 2, "above 0"),
        (EXCHANGE + "USD,1.1,202507\n", 2, "one US dollar"),
        (EXCHANGE + "EUR,1.09\n", 2, "as many fields"),
        (EXCHANGE + "EUR,1.09,202507,x\n", 2, "as many fields"),
        (EXCHANGE + "EUR,1.09,202507\nEUR,1.10,202507\n", 3, "line 2"),
        (TAX + "FR,1.5,2014-01-01,TVA\n", 2, "fraction"),
        (TAX + "FR,0.2,01.01.2014,TVA\n", 2, "a day such as"),
        (TAX + "France,0.2,2014-01-01,TVA\n", 2, "two capital letters"),
        (OFFER + "acme,pub,desk,team,2025-01-01,,,\n", 2, "either Margin or Price"),
        (OFFER + "acme,pub,desk,team,2025-01-01,,0.1,3\n", 2, "either Margin or Price"),
        (OFFER + "acme,pub,desk,team,2025-01-01,2025-01-01,0.1,\n", 2, "after ValidFrom"),
        (EXCHANGE + '"EUR,1.09\n', 1, "unexpected end"),
    ],
)
def test_says_where_a_row_is_wrong(text: str, line: int, reason: str) -> None:
    (error,) = read_tables([("some.csv", text)]).errors
    assert (error.file, error.line) == ("some.csv", line)
    assert reason in error.reason


def test_the_same_key_in_two_files_is_an_error() -> None:
    files = [("a.csv", EXCHANGE + "EUR,1.09,202507\n"), ("b.csv", EXCHANGE + "EUR,1.10,202507\n")]
    (error,) = read_tables(files).errors
    assert (error.file, error.reason) == ("b.csv", "the same is said in a.csv, line 2")


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=200), st.sampled_from([EXCHANGE, TAX, OFFER, ""])
)
def test_any_text_is_read_to_its_end(text: str, header: str) -> None:
    tables = read_tables([("any.csv", header + text)])
    rows = len(tables.exchange_rates) + len(tables.tax_rates) + len(tables.private_offers)
    assert rows + len(tables.errors) <= text.count("\n") + text.count("\r") + len(text) + 1
